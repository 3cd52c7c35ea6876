"""Refinement by likelihood: sums against finite differences, recovery with noise, and the choice by the data."""

import numpy as np
import pytest
import scipy.sparse as sp

from hypernorm import InvalidInputError
from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, recovery_error
from hypernorm.dictionary.likelihood import Mixtures, _sums, entangled, maximise_likelihood
from hypernorm.dictionary.logcosh import maximise_logcosh
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows

MIXTURES = Mixtures(np.array([0.2, 0.4]), np.array([0.1, 0.02]), np.array([4.0, 2.0]), np.array([0.1, -0.05]))


def log_densities(codes, mixtures=MIXTURES):
    """Of each code under its mixture, by the definition."""
    densities = 0
    for weight, variance in ((1 - mixtures.theta, mixtures.small), (mixtures.theta, mixtures.large)):
        y = codes[:, : len(weight)] - mixtures.offsets
        densities = densities + weight * np.exp(-(y**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    return np.log(densities)


def test_sums_are_derivatives_of_the_likelihood():
    rng = np.random.default_rng(0)
    X, V = rng.standard_normal((400, 3)), rng.standard_normal((3, 3))
    rows = Rows(X)
    codes = X * 2.0**-rows.exponent @ V
    sums, h = _sums(rows, V, MIXTURES), 1e-4
    values, above, below = (log_densities(codes + step) for step in (0, h, -h))
    np.testing.assert_allclose(sums.likelihoods, values.sum(axis=0), rtol=1e-10)
    scores = (below - above) / (2 * h)
    np.testing.assert_allclose(sums.scores, scores.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(sums.correlations, scores.T @ codes, rtol=1e-5)
    np.testing.assert_allclose(sums.curvatures, ((2 * values - above - below) / h**2).sum(axis=0), rtol=1e-4)
    y = codes[:, :2] - MIXTURES.offsets
    np.testing.assert_allclose(sums.weights, (scores / y).sum(axis=0), rtol=1e-4)
    np.testing.assert_allclose(sums.squares, (y**2).sum(axis=0), rtol=1e-10)


@pytest.mark.parametrize(("condition", "noise"), [(1, 0.02), (1, 0.2), (3, 0.05), (30, 0.01)])
def test_noise_is_estimated_and_costs_less_accuracy(condition, noise):
    X, D, _ = planted_dictionary(4000, 12, 0.2, condition=condition, noise=noise, random_state=0)
    errors = {}
    for refine in (False, True, "auto"):
        model = LpDictionaryLearning(refine=refine, random_state=0).fit(X + 1)
        errors[refine] = recovery_error(model.unmixing_, D)
    assert model.refinement_ == "likelihood"
    assert errors["auto"] < 0.9 * min(errors[False], errors[True])
    assert model.noise_ == pytest.approx(noise, rel=0.06)
    assert np.median(model.sparsity_) == pytest.approx(0.2, abs=0.02)


def test_strongly_correlated_noise_leaves_the_atoms_of_the_norm():
    X = planted_dictionary(4000, 12, 0.2, condition=30, noise=0.1, random_state=0).samples
    plain, model = (LpDictionaryLearning(refine=refine, random_state=0).fit(X) for refine in (False, "auto"))
    assert model.refinement_ == "none"
    np.testing.assert_array_equal(model.components_, plain.components_)
    assert model.noise_ == pytest.approx(0.1, rel=0.15)
    forced = LpDictionaryLearning(refine="likelihood", random_state=0).fit(X)
    assert forced.refinement_ == "likelihood"


def test_logcosh_is_a_stationary_point_of_its_likelihood():
    X = planted_dictionary(3000, 6, 0.2, condition=3, noise=0.3, random_state=5).samples
    rows = Rows(X)
    whitening = Whitening.measure(rows, center=True, whiten=True)
    start = LpDictionaryLearning(random_state=0).fit(X).unmixing_ * 2.0**rows.exponent
    B = maximise_logcosh(rows.shifted(whitening.mean), whitening, start)
    codes = (X - X.mean(axis=0)) * 2.0**-rows.exponent @ B.T
    np.testing.assert_allclose((codes**2).mean(axis=0), 1)
    for j in range(6):  # the best width of each code, and the gradient for it
        widths = np.geomspace(0.3, 10, 500)
        values = np.log(np.cosh(np.outer(widths, codes[:, j]))).mean(axis=1) - np.log(widths)
        score = np.tanh(widths[values.argmin()] * codes[:, j])
        gradient = (score[:, None] * codes).mean(axis=0) / (score * codes[:, j]).mean()
        assert np.abs(np.delete(gradient, j)).max() < 2e-3


@pytest.mark.parametrize(("condition", "expected"), [(1, "likelihood"), (12, "logcosh"), (30, "none")])
def test_the_choice_follows_the_correlation_of_the_noise(condition, expected):
    X = planted_dictionary(4000, 12, 0.2, condition=condition, noise=0.05, random_state=0).samples
    assert LpDictionaryLearning(refine="auto", random_state=0).fit(X).refinement_ == expected


def test_mixtures_of_one_component_are_left():
    X = planted_dictionary(1000, 20, 0.05, noise=0.4, random_state=1).samples
    assert LpDictionaryLearning(refine="auto", random_state=0).fit(X).refinement_ == "none"


@pytest.mark.parametrize(
    "options", [{}, {"center": False}, {"whiten": False}, {"n_components": 3}, {"n_components": 1}]
)
def test_noiseless_samples_are_exact(options):
    X, D, _ = planted_dictionary(1500, 8, 0.2, random_state=1)
    model = LpDictionaryLearning(refine="auto", random_state=0, **options).fit(X)
    product = model.unmixing_ @ D
    product /= np.linalg.norm(product, axis=1, keepdims=True)
    assert np.sort(np.abs(product), axis=1)[:, :-1].max() < 1e-6
    assert model.noise_ == 0
    assert model.sparsity_ == pytest.approx(0.2, abs=0.05)


def test_few_samples_do_not_entangle_the_atoms():
    X, D, _ = planted_dictionary(400, 20, 0.05, random_state=1)
    # Some atoms of the norm are far off, and the likelihood alone would stay at sums of two.
    model = LpDictionaryLearning(random_state=0).fit(X)
    assert recovery_error(model.unmixing_, D) > 0.01
    assert recovery_error(model.set_params(refine="auto").fit(X).unmixing_, D) < 1e-12


def test_sums_of_two_coefficients_are_entangled():
    X, D, _ = planted_dictionary(2000, 6, 0.1, noise=0.01, random_state=2)
    rows = Rows(X)
    whitening = Whitening.measure(rows, center=False, whiten=True)
    B, mixtures, _ = maximise_likelihood(rows, whitening, np.linalg.inv(D), center=False)
    assert not len(entangled(rows, B, mixtures))
    B[2] += 0.3 * B[4]
    assert list(entangled(rows, B, mixtures)) == [2]


@pytest.mark.parametrize("kind", ["float32", "sparse", "tiny", "constant column"])
def test_kinds_of_input(kind):
    X, D, _ = planted_dictionary(2000, 6, 0.2, noise=0.02, random_state=3)
    expected = LpDictionaryLearning(refine="likelihood", random_state=0).fit(X)
    given = {
        "float32": X.astype(np.float32),
        "sparse": sp.csr_array(X),
        "tiny": X * 2.0**-400,
        "constant column": np.hstack([X, np.ones((2000, 1))]),
    }[kind]
    model = LpDictionaryLearning(refine="likelihood", random_state=0).fit(given)
    cosines = np.abs(model.components_[:, :6] @ expected.components_.T)  # the order differs where the rank does
    np.testing.assert_allclose(cosines.max(axis=0), 1, atol=1e-5)
    assert model.noise_ * (2.0**400 if kind == "tiny" else 1) == pytest.approx(expected.noise_, rel=0.2)
    assert recovery_error(model.unmixing_[:, :6], D) < 1e-3


def test_codes_without_sparsity_do_no_harm():
    rng = np.random.default_rng(4)
    X = rng.laplace(size=(3000, 6)) @ rng.standard_normal((6, 6))
    model = LpDictionaryLearning(refine="auto", random_state=0).fit(X)
    assert np.isfinite(model.components_).all()
    gaussian = LpDictionaryLearning(refine="auto", random_state=0, n_init=1, max_iter=1500).fit(
        rng.standard_normal((500, 4))
    )
    assert np.isfinite(gaussian.components_).all()


def test_wrong_values_of_refine():
    X = planted_dictionary(100, 4, 0.3, random_state=0).samples
    with pytest.raises(InvalidInputError, match="refine must be one of 'likelihood', 'auto', got 'newton'"):
        LpDictionaryLearning(refine="newton").fit(X)
    with pytest.raises(InvalidInputError, match="refine must be True or False"):
        LpDictionaryLearning(refine=2).fit(X)
