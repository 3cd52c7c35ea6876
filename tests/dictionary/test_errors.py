"""Standard errors of the atoms: against a slow formula, against simulation, and which atoms are learnable."""

import warnings

import numpy as np
import pytest

from hypernorm import ConvergenceWarning
from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, recovery_error
from hypernorm.dictionary.errors import least_curvature
from hypernorm.dictionary.learning import Learned, _new
from hypernorm.dictionary.stiefel import Ascent


def slow(X, model, whiten):
    """Standard errors, expected error and curvature, pair by pair, for all atoms without refinement."""
    p, y = (4 if model.contrast_ == "kurtosis" else model.p), model.transform(X)
    r, m = y.shape
    s = np.sqrt((y**2).mean(axis=0))
    y = y / s if whiten else y
    sign = np.where((y**4).mean(axis=0) < 3, -1, 1) if model.contrast_ == "kurtosis" else np.ones(m)
    F = sign * np.abs(y) ** (p - 1) * np.sign(y)
    F = F - F.mean(axis=0)
    M = sign * (np.abs(y) ** p).mean(axis=0)
    N = np.array(
        [[sign[i] * (p - 1) * (np.abs(y[:, i]) ** (p - 2) * y[:, j] ** 2).mean() for j in range(m)] for i in range(m)]
    )
    directions = model.components_ * s[:, None]
    rows, squares = np.zeros(m), np.zeros(model.components_.shape)
    curvature = np.full(m, np.inf)
    for i in range(m):
        for j in range(m):
            if i != j:
                kappa = M[i] + M[j] - N[i, j] - N[j, i]
                part = F[:, i] * y[:, j] - F[:, j] * y[:, i]
                part = part - (M[i] - N[j, i]) * y[:, i] * y[:, j] if whiten else part
                variance = (part / kappa * (1 if whiten else s[j] / s[i])).var() / r
                rows[i] += 2 * variance
                atom = model.components_[j]
                squares[j] += variance * ((directions[i] - (directions[i] @ atom) * atom) / s[j]) ** 2
                curvature[i] = min(curvature[i], kappa / (abs(M[i]) + abs(M[j])))
    return np.sqrt(squares), rows.mean(), curvature


@pytest.mark.parametrize("options", [{}, {"p": 4}, {"p": 2.5}, {"whiten": False}, {"contrast": "kurtosis"}])
def test_errors_are_those_of_the_slow_formula(options):
    X = planted_dictionary(600, 5, 0.3, condition=1 if "whiten" in options else 5, noise=0.1, random_state=0).samples
    model = LpDictionaryLearning(random_state=0, tol=1e-10, **options).fit(X)
    errors, recovery, curvature = slow(X, model, options.get("whiten", True))
    np.testing.assert_allclose(model.standard_errors_, errors, rtol=1e-5, atol=1e-9)
    assert model.expected_error_ == pytest.approx(recovery, rel=1e-5)
    limit = least_curvature(4 if model.contrast_ == "kurtosis" else model.p, 600 / 5)
    np.testing.assert_array_equal(model.learnable_, curvature >= limit)


@pytest.mark.parametrize(
    ("options", "noise", "condition"),
    [
        ({}, 0, 5),
        ({"whiten": False}, 0, 1),
        ({"n_components": 4}, 0, 5),
        ({"n_components": 1}, 0, 5),
        ({"refine": True}, 0.1, 1),
        ({"refine": True, "n_components": 3}, 0.1, 1),
        ({"contrast": "kurtosis"}, 0, 5),
    ],
)
def test_errors_are_those_of_repeated_samples(options, noise, condition):
    deviations, measured, expected = [], [], []
    for seed in range(8):
        X, D, _ = planted_dictionary(2000, 8, 0.2, noise=noise, condition=condition, random_state=seed)
        model = LpDictionaryLearning(random_state=seed, **options).fit(X)
        true = D / np.linalg.norm(D, axis=0)
        overlap = model.components_ @ true
        nearest = np.abs(overlap).argmax(axis=1)
        signs = np.sign(np.take_along_axis(overlap, nearest[:, None], axis=1))
        deviations.append((model.components_ - signs * true[:, nearest].T) / model.standard_errors_)
        measured.append(recovery_error(model.unmixing_, D))
        expected.append(model.expected_error_)
        assert model.learnable_.all()
    assert np.sqrt(np.mean(np.square(deviations))) == pytest.approx(1, abs=0.25)
    assert np.mean(measured) == pytest.approx(np.mean(expected), rel=0.4)


def test_no_errors_where_refinement_is_exact():
    X = planted_dictionary(1500, 8, 0.2, random_state=0).samples
    model = LpDictionaryLearning(refine=True, random_state=0).fit(X)
    assert model.standard_errors_.max() < 1e-10
    assert model.learnable_.all()


@pytest.mark.parametrize("kind", ["groups", "gaussian", "uniform", "part"])
def test_what_cannot_be_learned_is_flagged(kind):
    rng = np.random.default_rng(0)
    r, n = 3000, 8
    sparse = np.where(rng.random((r, n)) < 0.2, rng.standard_normal((r, n)), 0)
    codes = {
        "groups": np.repeat(rng.random((r, n // 4)) < 0.2, 4, axis=1) * rng.standard_normal((r, n)),
        "gaussian": rng.standard_normal((r, n)),
        "uniform": rng.uniform(-1, 1, (r, n)),
        "part": np.hstack([rng.standard_normal((r, 3)), sparse[:, 3:] / np.sqrt(0.2)]),
    }[kind]
    D = np.linalg.qr(rng.standard_normal((n, n)))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # there may be nothing to converge to
        model = LpDictionaryLearning(contrast="power", max_iter=300, tol=1e-4, random_state=0).fit(codes @ D.T)
    if kind == "part":
        gaussian = np.abs(model.components_ @ D)[:, :3].max(axis=1) > 0.6
        np.testing.assert_array_equal(model.learnable_, ~gaussian)
    else:
        assert not model.learnable_.any()
    if kind == "uniform":
        again = LpDictionaryLearning(random_state=0).fit(codes @ D.T)
        assert (again.contrast_, again.learnable_.all()) == ("kurtosis", True)
        assert recovery_error(again.unmixing_, D) < 5e-3


@pytest.mark.parametrize("theta", [0.3, 0.38, 0.42, 0.5, 0.6])
def test_codes_of_one_size_are_learned_by_a_second_look(theta):
    rng = np.random.default_rng(round(100 * theta))
    D = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    codes = (rng.random((5000, 8)) < theta) * rng.choice([-1.0, 1.0], (5000, 8))
    model = LpDictionaryLearning(random_state=0).fit(codes @ D.T)
    assert model.learnable_.all()
    assert recovery_error(model.unmixing_, D) < 3e-3
    if theta in (0.3, 0.6):
        assert model.contrast_ == ("power" if theta == 0.3 else "kurtosis")
    if theta == 0.6:
        assert (
            recovery_error(LpDictionaryLearning(contrast="kurtosis", random_state=0).fit(codes).unmixing_, np.eye(8))
            < 3e-3
        )


@pytest.mark.parametrize(("condition", "theta", "seed"), [(1, 0.1, 1), (3, 0.3, 2), (30, 0.2, 3)])
def test_fourth_moments_do_not_count_for_what_the_norm_has_found(condition, theta, seed):
    X, D, _ = planted_dictionary(1000, 20, theta, condition=condition, noise=0.4, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fourth moments need not converge
        auto, power, kurtosis = (
            LpDictionaryLearning(contrast=contrast, max_iter=100, random_state=seed).fit(X)
            for contrast in ("auto", "power", "kurtosis")
        )
    assert not power.learnable_.all()  # so that there was a second look
    assert auto.contrast_ == "power"
    errors = [recovery_error(model.unmixing_, D) for model in (auto, power, kurtosis)]
    assert errors[0] <= 1.05 * errors[1] < errors[2]


def test_fourth_moments_count_for_what_the_norm_has_not_found():
    rng = np.random.default_rng(0)
    r, n = 4000, 12
    codes = np.where(rng.random((r, n)) < 0.1, rng.standard_normal((r, n)), 0) / 0.1**0.5
    codes[:, :3], codes[:, 3:6] = rng.standard_normal((r, 3)), rng.uniform(-1, 1, (r, 3)) * 3**0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the Gaussian codes have nothing to converge to
        model, power = (
            LpDictionaryLearning(contrast=contrast, max_iter=100, random_state=0).fit(codes)
            for contrast in ("auto", "power")
        )
    assert model.contrast_ == "kurtosis"
    assert model.learnable_.sum() > power.learnable_.sum()


def test_new_atoms_are_those_that_no_row_of_the_other_is_near():
    def learned(W, learnable):
        return Learned(Ascent(np.array(W), np.zeros(3), 1, 0.0), None, None, np.array(learnable))

    angle = np.arcsin(3**-0.5)

    def rotated(by):
        return [[np.cos(by), np.sin(by), 0], [-np.sin(by), np.cos(by), 0], [0, 0, 1]]

    first = learned(np.eye(3), [True, False, True])
    for by, ours, theirs in ((0.99 * angle, 0, 0), (1.01 * angle, 2, 1), (np.pi / 4, 2, 1), (np.pi / 2, 0, 0)):
        second = learned(rotated(by), [True, True, False])
        assert (_new(second, first), _new(first, second)) == (ours, theirs)


def test_least_curvatures():
    assert least_curvature(3) == 0.12
    assert least_curvature(4) == pytest.approx(0.18, abs=1e-4)
    assert least_curvature(2.01) < 0.01
    assert least_curvature(3, 1000) == 0.12
    assert least_curvature(3, 50) == pytest.approx(0.24)


def test_a_stream_has_no_standard_errors():
    X = planted_dictionary(500, 4, 0.2, random_state=0).samples
    model = LpDictionaryLearning(random_state=0).fit(X)
    assert model.standard_errors_.shape == (4, 4)
    model.partial_fit(X)
    assert not {"standard_errors_", "learnable_", "expected_error_"} & set(vars(model))


def test_one_direction_has_no_error():
    model = LpDictionaryLearning(random_state=0).fit(np.random.default_rng(0).laplace(size=(200, 1)))
    assert model.standard_errors_ == 0
    assert model.learnable_.all()
