"""Sum-of-squares bounds: exact where the theory says so, proved always, never below a witness."""

import dataclasses
import math
import os

import numpy as np
import pytest

import hypernorm as hn
from hypernorm import CertificateError, ConvergenceWarning, InvalidInputError
from hypernorm.bounds import sos_solver as splitting
from hypernorm.bounds.sos_solver import SosProgress
from hypernorm.datasets import cube_characters, e8, gaussian, heavy_tailed, icosahedron, identity, polygon, signs
from hypernorm.forms.gram import GramClasses, multiply_by_norm, rank_multisets
from tests.oracles import norms as oracle


def value_at(coefficients, d, degree, v):
    chosen, _ = oracle.multisets(d, degree)
    ranks = rank_multisets(np.array(chosen))
    return oracle.polynomial_value(coefficients[ranks], chosen, v)


@pytest.mark.parametrize(("d", "half"), [(1, 2), (2, 1), (3, 2), (4, 3), (2, 4)])
def test_the_classes_sum_up_to_the_form(d, half):
    rng = np.random.default_rng(d)
    classes = GramClasses(d, half)
    G = rng.standard_normal((classes.size, classes.size))
    G = G + G.T
    v = rng.standard_normal(d)
    z = classes.basis.evaluate(v[None])[:, 0]
    coefficients = classes.coefficients(G)
    assert value_at(coefficients, d, 2 * half, v) == pytest.approx(z @ G @ z)
    H = G * np.outer(classes.weights, classes.weights)
    np.testing.assert_allclose(classes.coefficients(H, weighted=False), coefficients)
    lifted = multiply_by_norm(coefficients, d, 2 * half)
    assert value_at(lifted, d, 2 * half + 2, v) == pytest.approx((v @ v) * (z @ G @ z))
    # The norm bounds the form on the sphere, and ‖v‖^2k has multinomial coefficients.
    assert abs(z @ G @ z) <= classes.norm(coefficients) * (v @ v) ** half * (1 + 1e-12)
    chosen, counts = oracle.multisets(d, 2 * half)
    np.testing.assert_allclose(classes.multinomials[rank_multisets(np.array(chosen))], counts)


@pytest.mark.parametrize("known", [identity(6), polygon(5), icosahedron(), e8(4), e8(6), polygon(9, q=8)], ids=repr)
def test_known_norms_are_proved_to_six_digits(known):
    certificate = hn.sos_bound(known.matrix, known.q, random_state=0)
    upper = certificate.verify(known.matrix).upper
    assert known.value * (1 - 1e-13) <= upper <= known.value * (1 + 1e-6)
    if known.matrix.shape[1] < 8:
        assert known.value * (1 - 1e-13) <= certificate.verify(known.matrix, exact=True).upper <= upper


@pytest.mark.parametrize(("n", "value"), [(4, 7.783764), (5, 9.000984)])
def test_functions_of_degree_two_on_the_cube(n, value):
    interval = hn.two_to_q_norm(cube_characters(n, 2), 4, random_state=0)
    assert interval.status is hn.Status.EXACT
    assert interval.lower**4 == pytest.approx(value, abs=2e-6)
    assert interval.upper**4 < 81


@pytest.mark.parametrize("family", [gaussian, signs, heavy_tailed])
@pytest.mark.parametrize(("q", "d"), [(4, 12), (6, 6), (8, 4)])
def test_random_matrices_are_solved_exactly(family, q, d):
    X = family(4 * d, d, random_state=1)
    interval = hn.two_to_q_norm(X, q, random_state=0)
    assert interval.status is hn.Status.EXACT
    assert interval.certificate.verify(X, exact=True).upper <= interval.upper * (1 + 1e-12)


@pytest.mark.parametrize("q", [2.3, 3, 3.9, 4.5, 5, 7.3, 9])
def test_other_exponents_improve_on_the_realigned_bound(q):
    X = signs(40, 8, random_state=0)
    sos = hn.sos_bound(X, q, random_state=0).verify(X, exact=True).upper
    assert sos <= hn.spectral_bound(X, q).upper * (1 + 1e-6)
    assert sos >= hn.lower_bound(X, q, random_state=0).value


def test_a_higher_degree_is_never_worse():
    X = gaussian(20, 4, random_state=3)
    four, six = (hn.sos_bound(X, 4, degree=degree, random_state=0) for degree in (4, 6))
    assert six.verify(X, exact=True).upper <= four.upper * (1 + 2e-6)
    assert six.matrices[0].shape == (20, 20)


def test_a_file_keeps_every_bit_and_single_precision_is_smaller(tmp_path):
    X = gaussian(40, 8, random_state=0)
    double = hn.sos_bound(X, random_state=0)
    single = hn.sos_bound(X, random_state=0, single_precision=True)
    sizes = []
    for certificate in (double, single):
        path = tmp_path / "certificate.npz"
        certificate.save(path)
        loaded = hn.load_certificate(path)
        np.testing.assert_array_equal(loaded.matrices[0], certificate.matrices[0])
        assert loaded.verify(X).upper == certificate.verify(X).upper
        sizes.append(path.stat().st_size)
    assert sizes[1] < 0.7 * sizes[0]
    assert single.upper <= double.upper * (1 + 1e-5)
    assert single.verify(X, exact=True).upper >= hn.lower_bound(X, random_state=0).value


def test_tampered_gram_matrices_prove_nothing_below_the_witness():
    X = gaussian(16, 4, random_state=2)
    certificate = hn.sos_bound(X, random_state=0)
    lower = hn.lower_bound(X, random_state=0).value
    H, value = certificate.matrices[0], certificate.values[0]
    rng = np.random.default_rng(0)
    rejected = 0
    for trial in range(120):
        changed = H.copy()
        i, j = rng.integers(len(H), size=2)
        size = 10.0 ** rng.uniform(-12, 1)
        if trial % 4 == 0:
            changed[i, j] = changed[j, i] = changed[i, j] + size
        elif trial % 4 == 1:
            changed -= size * np.eye(len(H))
        elif trial % 4 == 2:
            changed = changed * (1 - size)
        factor = 1 if trial % 3 else 1 - 10.0 ** rng.uniform(-5, -0.1)
        broken = dataclasses.replace(certificate, values=(value * factor,), matrices=(changed,))
        verdicts = []
        for exact in (False, True):
            try:
                upper = broken.verify(X, exact=exact).upper
            except CertificateError:
                verdicts.append(False)
            else:
                verdicts.append(True)
                assert upper >= lower
        # What floating point proves, exact arithmetic proves too.
        assert verdicts[1] or not verdicts[0]
        rejected += not verdicts[1]
    assert rejected > 60


def test_no_form_is_too_small_for_its_rest_to_count():
    """A large radius would shrink the weighted rows until the squares of what H leaves over underflow to zero."""
    X = np.random.default_rng(0).standard_normal((20, 3))
    certificate = hn.sos_bound(X, 544.0, random_state=0)
    lower = hn.lower_bound(X, 544.0, random_state=0).value
    assert certificate.verify(X, exact=True).upper >= lower
    for factor in (2.0, 1 + 9e-7, 1.0):
        for value in (2.0**-585, 2.0**-300, 2.0**-90, 1e-6):
            false = dataclasses.replace(
                certificate, radius=certificate.radius * factor, values=(value,), matrices=(np.zeros((6, 6)),)
            )
            for exact in (False, True):
                with pytest.raises(CertificateError):
                    false.verify(X, exact=exact)


def test_an_interruption_before_the_first_check_returns_a_bound(monkeypatch):
    X = signs(40, 10, random_state=0)

    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(splitting.SosSolver, "_project", interrupt)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        certificate = hn.sos_bound(X, random_state=0)
    assert certificate.verify(X).upper <= hn.spectral_bound(X, kind="flattening").upper * (1 + 1e-5)
    assert hn.two_to_q_norm(X, random_state=0).status is hn.Status.INTERRUPTED


def test_every_multiplier_gives_a_proved_bound():
    X = signs(80, 20, random_state=0)
    with pytest.warns(ConvergenceWarning, match="limit on iterations"):
        early = hn.sos_bound(X, max_iter=1, random_state=0)
    late = hn.sos_bound(X, random_state=0)
    assert late.upper < early.verify(X, exact=True).upper <= hn.spectral_bound(X, kind="flattening").upper * (1 + 1e-6)


def test_an_interrupted_solve_returns_what_is_proved_and_resumes(tmp_path):
    X = signs(60, 15, random_state=1)
    path = tmp_path / "state.npz"
    seen: list[SosProgress] = []

    def interrupt(progress):
        seen.append(progress)
        raise KeyboardInterrupt

    with pytest.warns(ConvergenceWarning, match="interrupted"):
        first = hn.sos_bound(X, checkpoint=path, progress=interrupt, random_state=0)
    assert path.exists()
    assert first.verify(X).upper >= hn.lower_bound(X, random_state=0).value
    iterations = []
    second = hn.sos_bound(X, checkpoint=path, progress=lambda p: iterations.append(p.iteration), random_state=0)
    assert iterations[0] > seen[-1].iteration - 5
    assert second.upper <= first.upper
    assert second.upper / hn.lower_bound(X, random_state=0).value < 1 + 1e-6
    with pytest.raises(InvalidInputError, match="another matrix"):
        hn.sos_bound(X + 1, checkpoint=path, random_state=0)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InvalidInputError, match="damaged"):
        hn.sos_bound(X, checkpoint=path, random_state=0)


def test_an_interruption_while_the_state_is_written_costs_only_the_state(tmp_path, monkeypatch):
    X = signs(80, 20, random_state=0)
    path = tmp_path / "state.npz"
    with pytest.warns(ConvergenceWarning, match="limit on iterations"):
        hn.sos_bound(X, checkpoint=path, max_iter=1, random_state=0)
    before, replace = path.read_bytes(), os.replace

    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        certificate = hn.sos_bound(X, checkpoint=path, max_iter=40, random_state=0)
    assert certificate.verify(X).upper >= hn.lower_bound(X, random_state=0).value
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]
    assert path.read_bytes() == before
    monkeypatch.setattr(os, "replace", replace)
    assert hn.sos_bound(X, checkpoint=path, random_state=0).upper <= certificate.upper * (1 + 1e-6)


def test_an_interruption_inside_the_front_door_is_reported():
    X = signs(160, 40, random_state=1)

    def interrupt(progress):
        if progress.stage.startswith("sos: iteration"):
            raise KeyboardInterrupt

    interval = hn.two_to_q_norm(X, progress=interrupt, random_state=0)
    assert interval.status is hn.Status.INTERRUPTED
    assert interval.records[-1].kind == "sos"
    assert interval.certificate.verify(X).upper == interval.upper


def test_a_time_limit_stops_with_a_proved_bound():
    X = signs(100, 25, random_state=1)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        certificate = hn.sos_bound(X, time_limit=1e-6, random_state=0)
    assert certificate.verify(X).upper >= hn.lower_bound(X, random_state=0).value


@pytest.mark.parametrize("X", [np.zeros((3, 2)), [[2.0]], [[3.0, 4.0]], np.ones((2, 5)), np.eye(2)[[0, 0, 1]]])
@pytest.mark.parametrize("q", [3, 4, 6])
def test_small_and_degenerate_shapes(X, q):
    certificate = hn.sos_bound(X, q, random_state=0)
    upper, exact = certificate.verify(X).upper, certificate.verify(X, exact=True).upper
    lower = hn.lower_bound(X, q, random_state=0).value
    assert lower <= exact <= upper
    if q != 3:
        assert upper <= lower * (1 + 1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_extreme_scales(scale):
    X = gaussian(20, 5, random_state=0)
    plain = hn.sos_bound(X, random_state=0).upper
    assert hn.sos_bound(X * scale, random_state=0).verify(X * scale).upper / scale == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"q": 2}, "larger than 2"),
        ({"q": math.inf}, "larger than 2"),
        ({"degree": 5}, "even"),
        ({"degree": 2}, "from 4 to 12"),
        ({"q": 6, "degree": 4}, "from 6 to 12"),
        ({"degree": "4"}, "degree"),
        ({"max_iter": 0}, "max_iter"),
        ({"rtol": -1}, "rtol"),
        ({"time_limit": 0}, "time_limit"),
        ({"checkpoint": "no/such/folder/state.npz"}, "no directory"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(InvalidInputError, match=words):
        hn.sos_bound(np.eye(3), **arguments)


def test_what_cannot_fit_is_refused_before_it_is_allocated():
    with pytest.raises(InvalidInputError, match=r"d = 400.*GiB"):
        hn.sos_bound(np.eye(400), random_state=0)


@pytest.mark.parametrize("q", [2.0000001, 2.5, 5.5, 20.0, 68.0, 70.0, 300.0, 1e4, 1e6])
@pytest.mark.parametrize(
    "name", ["one row", "rank one", "axes", "one column", "wide", "repeated", "zero row", "random"]
)
def test_honest_certificates_for_any_exponent_verify_in_both_arithmetics(name, q):
    """Weights are powers q/4 of the lengths: what rounds in them grows with q, and the value leaves room."""
    rng = np.random.default_rng(41)
    X = {
        "one row": np.array([[1.0, 2.0]]),
        "rank one": np.outer([1.0, 2.0, 3.0], [1.0, 2.0]),
        "axes": np.diag([1.0, 1e-3, 1e-9]),
        "one column": np.array([[1.0], [3.0]]),
        "wide": rng.standard_normal((2, 4)),
        "repeated": np.repeat([[1.0, 2.0, 3.0]], 30, axis=0),
        "zero row": np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]]),
        "random": rng.standard_normal((25, 3)),
    }[name]
    certificate = hn.sos_bound(X, q, random_state=0)
    lower = hn.lower_bound(X, q, random_state=0).value
    for exact in (False, True):
        upper = certificate.verify(X, exact=exact).upper
        assert lower <= upper <= certificate.upper * (1 + 1e-9)


def test_hostile_checkpoints_are_refused_or_harmless(tmp_path):
    X = signs(40, 10, random_state=0)
    path = tmp_path / "state.npz"
    with pytest.warns(hn.ConvergenceWarning):
        hn.sos_bound(X, 4, checkpoint=path, max_iter=2, random_state=0)
    good = dict(np.load(path))
    lower = hn.lower_bound(X, random_state=0).value
    U, z, V, v = good["multiplier"], good["averages"], good["vectors"], good["vector"]
    assert good["on_face"] == 1
    wrong = {
        "sigma": [np.ones(2), np.array("a"), np.inf, 5e-324, np.nan, 0.0, -0.25, np.array(0.25, dtype="f4")],
        "iteration": [np.array("x"), np.nan, 2**62, -1, np.array([7])],
        "vectors": [V.astype("U"), 1j * V, 0 * V, V[:, :0], V[:-1], np.asfortranarray(V), 1e308 * V, V.astype("f4")],
        "multiplier": [np.full_like(U, 1e308), np.full_like(U, 1e5), U > 0, U.astype("i8").astype("M8[s]"), U[:-1]],
        "averages": [np.full_like(z, 1e308), np.full_like(z, np.nan), z[None], z.astype(object)],
        "vector": [np.full_like(v, np.nan), 2 * v, v[:-1], v.astype("f4"), 0 * v],
        "on_face": [np.array(np.nan), np.array(0.5), np.array(2.0), np.array(True), np.ones(2)],
        "label": [np.array("another"), np.array(b"bytes"), np.array("x" * 500), np.array(1.0)],
    }
    for name, values in wrong.items():
        for value in values:
            np.savez(path, **{**good, name: value})
            with pytest.raises(hn.InvalidInputError, match="delete it") as caught:
                hn.sos_bound(X, 4, checkpoint=path, random_state=0)
            assert "\n" not in str(caught.value)
    harmless = [{"vectors": -V}, {"averages": 3 * z}, {"multiplier": -U}, {"vectors": V[:, :1].copy()}]
    left, elsewhere = {"on_face": np.array(0.0)}, {"vector": np.eye(10)[3]}
    for changes in (*harmless, left, elsewhere, {**left, "vector": 0 * v}):
        np.savez(path, **{**good, **changes})
        assert hn.sos_bound(X, 4, checkpoint=path, random_state=0).verify(X).upper >= lower
    np.savez_compressed(path, **good)
    with pytest.raises(hn.InvalidInputError, match="compressed"):
        hn.sos_bound(X, 4, checkpoint=path, random_state=0)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(hn.InvalidInputError, match="delete it"):
        hn.sos_bound(X, 4, checkpoint=tmp_path / "text.npz", random_state=0)


def test_calls_with_a_checkpoint_get_on_however_short_the_limit(tmp_path):
    X = np.random.default_rng(43).standard_normal((40, 5))
    path = tmp_path / "state.npz"
    iterations = []
    for _ in range(4):
        with pytest.warns(hn.ConvergenceWarning, match="time limit was reached"):
            certificate = hn.sos_bound(X, 4, checkpoint=path, time_limit=1e-9, random_state=0)
        assert certificate.kind == "sos"
        iterations.append(int(np.load(path)["iteration"]))
    assert iterations == sorted(set(iterations))


def test_warnings_point_to_the_line_of_the_caller():
    X = signs(40, 10, random_state=0)
    for options in ({"max_iter": 1}, {"time_limit": 1e-9}):
        with pytest.warns(hn.ConvergenceWarning) as caught:
            hn.sos_bound(X, 4, random_state=0, **options)
        assert caught[0].filename == __file__
