"""The smallest gain: known values, a slow oracle, degenerate matrices, inputs, limits."""

import math
import time
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm.bounds import descent
from hypernorm.bounds import gain as search
from hypernorm.bounds.descent import descend
from hypernorm.certificates import GainWitness, LowerGainCertificate
from hypernorm.datasets import e8, gaussian, icosahedron, isometric_embedding, polygon
from hypernorm.forms import Rows
from hypernorm.plotting import plot_interval, plot_witness

X = gaussian(20, 4, random_state=0)


def planted(n, d, seed=0):
    """An orthonormal basis of a random subspace with a vector of signs, and this vector."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], n)
    return np.linalg.qr(np.column_stack([signs, rng.standard_normal((n, d - 1))]))[0], signs


def least_of_plane(X, q):
    """The smallest gain of two columns, from many directions and a parabola through the least three."""
    angles = np.linspace(0, np.pi, 20001)
    values = np.linalg.norm(X @ np.array([np.cos(angles), np.sin(angles)]), q, axis=0) ** q
    best = int(values[:-1].argmin())
    before, here, after = (values[(best + shift) % 20000] for shift in (-1, 0, 1))
    bend = before - 2 * here + after
    return (here - (before - after) ** 2 / (8 * bend if bend else 1)) ** (1 / q)


def check(interval, X, gain, rtol=2e-6, error=1e-12):
    """Both ends are proved for X and enclose the gain, which is known up to an error."""
    assert isinstance(interval.witness, GainWitness)
    assert isinstance(interval.certificate, LowerGainCertificate)
    assert interval.certificate.verify(X).lower == interval.lower
    assert interval.witness.verify(X).upper == interval.upper
    assert interval.lower <= gain * (1 + error)
    assert interval.upper >= gain * (1 - error)
    assert interval.is_minimum
    if rtol is not None:
        assert interval.is_exact(rtol)
        assert interval.upper <= gain * (1 + rtol)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 40, 120])
def test_the_identity(d):
    check(hn.smallest_gain(np.eye(d), random_state=0), np.eye(d), d**-0.25, 1e-9)
    if d <= 3:
        check(hn.smallest_gain(np.eye(d), 6, random_state=0), np.eye(d), d ** (1 / 6 - 1 / 2), 1e-9)


DESIGNS = [polygon(5), polygon(7, 6), polygon(9, 8), icosahedron(), e8(4), e8(6), isometric_embedding(5)]


@pytest.mark.parametrize("known", DESIGNS, ids=lambda known: f"{known.name}, {known.q:g}")
def test_a_design_has_one_gain(known):
    found = hn.smallest_gain(known.matrix, known.q, random_state=0)
    check(found, known.matrix, known.value, 1e-9)
    assert found.records[-1].kind == "sos"


@pytest.mark.parametrize(("n", "d"), [(60, 5), (100, 15), (200, 25)])
def test_a_planted_vector_of_signs_is_found_and_proved(n, d):
    basis, signs = planted(n, d)
    found = hn.smallest_gain(basis, random_state=0)
    check(found, basis, n**-0.25)
    vector = basis @ found.witness.vector
    assert abs(vector @ signs) / np.linalg.norm(vector) > (1 - 1e-9) * math.sqrt(n)


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), q=st.sampled_from([4, 6]), n=st.integers(5, 12))
def test_two_columns_against_many_directions(seed, q, n):
    matrix = np.random.default_rng(seed).standard_normal((n, 2))
    gain = least_of_plane(matrix, q)
    found = hn.smallest_gain(matrix, q, random_state=0)
    check(found, matrix, gain, None, 1e-9)
    assert found.upper == pytest.approx(gain, rel=1e-6)


def test_sums_of_squares_are_exact_for_few_columns():
    """By a theorem of Hilbert, for two columns, and three for q = 4."""
    for seed, (shape, q) in enumerate([((10, 2), 4), ((12, 2), 6), ((15, 2), 8), ((12, 3), 4), ((20, 3), 4)]):
        matrix = gaussian(*shape, random_state=seed)
        found = hn.smallest_gain(matrix, q, random_state=0)
        assert found.status is hn.Status.EXACT
        spectral = hn.smallest_gain(matrix, q, method="spectral", random_state=0)
        assert spectral.lower < found.lower
        assert spectral.upper == pytest.approx(found.upper, rel=1e-9)
        assert [record.kind for record in spectral.records] == ["second"]
        check(spectral, matrix, found.upper, None)


def test_the_spectral_bound_is_that_of_the_singular_value():
    matrix = np.vstack([X, np.zeros((9, 4))])  # rows of zeros do not count
    found = hn.smallest_gain(matrix, method="spectral", random_state=0)
    assert found.lower == pytest.approx(np.linalg.svd(X)[1][-1] / 20**0.25, rel=1e-9)


def test_gains_of_larger_exponents_are_smaller():
    gains = [hn.smallest_gain(X, q, random_state=0) for q in (4, 6, 8)]
    for first, second in pairwise(gains):
        assert second.lower <= first.upper
    assert gains[0].upper <= hn.two_to_q_norm(X, random_state=0).upper


DEPENDENT = {
    "wide": np.random.default_rng(0).standard_normal((3, 7)),
    "one row": np.array([[3.0, 4.0]]),
    "very wide": np.random.default_rng(0).standard_normal((3, 20000)),
    "low rank": np.random.default_rng(0).standard_normal((30, 3)) @ np.random.default_rng(1).standard_normal((3, 6)),
    "zero column": X * [1, 0, 1, 1],
    "equal columns": np.column_stack([X, X[:, 0]]),
}


@pytest.mark.parametrize("name", DEPENDENT)
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_dependent_columns_have_no_gain(name, scale):
    matrix = DEPENDENT[name] * scale
    found = hn.smallest_gain(matrix, random_state=0)
    assert found.lower == 0
    # The error of an inner product grows with its length.
    assert found.upper <= 1e-15 * matrix.shape[1] * np.linalg.norm(matrix / scale) * scale
    assert found.is_exact(1e-11)
    assert found.status is hn.Status.EXACT
    assert found.unit == pytest.approx(np.linalg.norm(matrix / scale, axis=1).max() * scale)
    assert found.certificate.verify(matrix).lower == 0


def test_zero():
    found = hn.smallest_gain(np.zeros((4, 3)))
    assert (found.lower, found.upper, found.gap) == (0, 0, 0)
    assert found.is_exact(0)
    assert "∈ [0, 0]" in found._repr_html_()


@pytest.mark.parametrize("column", [[3.0], [1.0, -2.0, 0.5], [0.0, 1e-300, 2e-300]])
@pytest.mark.parametrize("q", [4, 6, 8])
def test_one_column(column, q):
    matrix = np.array(column)[:, None]
    largest = np.abs(matrix).max()
    check(hn.smallest_gain(matrix, q), matrix, largest * np.linalg.norm(matrix[:, 0] / largest, q), 1e-9)


@pytest.mark.parametrize("scale", [1e-150, 1e150, 2.0**-300, 2.0**1000, 2.0**-1000])
def test_scales(scale):
    found, plain = hn.smallest_gain(X * scale, random_state=0), hn.smallest_gain(X, random_state=0)
    assert found.is_exact()
    assert found.lower == pytest.approx(plain.lower * scale, rel=2e-6)
    assert found.upper == pytest.approx(plain.upper * scale, rel=1e-9)


def test_denormal_numbers():
    tiny = np.round(X * 1000) * 5e-324
    found = hn.smallest_gain(tiny, random_state=0)
    plain = hn.smallest_gain(np.round(X * 1000), random_state=0)
    assert 0 < found.lower <= found.upper
    assert found.lower / 5e-324 == pytest.approx(plain.lower, rel=0.01)


def test_columns_of_other_scales_have_the_bound_of_the_singular_value():
    matrix = X * [1, 1e-1, 1e-3, 1e-5]
    found = hn.smallest_gain(matrix, random_state=0)
    assert 0 < found.lower <= found.upper <= 3e-5
    assert found.lower >= 0.999 * np.linalg.svd(matrix)[1][-1] / 20**0.25


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        sp.csr_array,
        sp.coo_matrix,
        pd.DataFrame,
        lambda X: X.tolist(),
        lambda X: X.astype(np.int32),
        lambda X: X.astype(np.float32),
    ],
)
def test_inputs(convert):
    matrix = np.round(X * 8)
    found = hn.smallest_gain(convert(matrix), random_state=0)
    plain = hn.smallest_gain(matrix, random_state=0)
    assert found.lower == pytest.approx(plain.lower, rel=2e-6)
    check(found, convert(matrix), plain.upper)
    assert found.certificate.verify(matrix).lower == pytest.approx(found.lower, rel=1e-12)


def test_memory_maps_and_chunks(tmp_path):
    array = pytest.importorskip("dask.array")
    np.save(tmp_path / "X.npy", X)
    plain = hn.smallest_gain(X, random_state=0)
    for data in (np.load(tmp_path / "X.npy", mmap_mode="r"), array.from_array(X, chunks=(7, 4))):
        found = hn.smallest_gain(data, random_state=0)
        assert found.certificate.fingerprint == plain.certificate.fingerprint
        check(found, data, plain.upper)


@pytest.mark.parametrize("name", ["wide", "low rank", "zero column"])
def test_dependent_columns_in_chunks(name):
    array = pytest.importorskip("dask.array")
    for data in (array.from_array(DEPENDENT[name], chunks=(2, -1)), sp.csr_array(DEPENDENT[name])):
        found = hn.smallest_gain(data, random_state=0)
        assert found.lower == 0
        assert found.is_exact(1e-12)


@pytest.mark.parametrize("q", [3, 2, 5, 10, math.inf, 4.5, "four"])
def test_other_exponents_are_refused(q):
    with pytest.raises(hn.InvalidInputError, match="q must be"):
        hn.smallest_gain(X, q)


@pytest.mark.parametrize(
    "options", [{"method": "moment"}, {"rtol": -1}, {"time_limit": -1}, {"random_state": "x"}, {"progress": 3}]
)
def test_other_options_are_refused(options):
    with pytest.raises(hn.InvalidInputError):
        hn.smallest_gain(X, **options)


def test_matrices_that_cannot_be_used_are_refused(monkeypatch):
    for bad in ([[np.nan]], [1.0, 2.0], np.empty((0, 3)), [[1j]]):
        with pytest.raises(hn.InvalidInputError):
            hn.smallest_gain(bad)
    monkeypatch.setattr("hypernorm._arguments._physical_memory", lambda: 1 << 10)
    with pytest.raises(hn.InvalidInputError, match="needs"):
        hn.smallest_gain(X, method="sos")
    with pytest.raises(hn.InvalidInputError, match="XᵀX"):
        hn.smallest_gain(np.eye(9), method="spectral")
    with pytest.raises(hn.InvalidInputError, match="kernel"):
        hn.smallest_gain(gaussian(30, 50, random_state=0))


def test_large_gram_matrices_are_left_out():
    matrix = np.vstack([np.eye(70), gaussian(10, 70, random_state=0)])
    assert [record.kind for record in hn.smallest_gain(matrix, random_state=0, time_limit=5).records] == ["second"]


def test_a_time_limit_keeps_what_is_proved():
    for limit in (1e-9, 1e-3, 0.05):
        found = hn.smallest_gain(gaussian(200, 20, random_state=0), time_limit=limit, random_state=0)
        assert 0 < found.lower <= found.upper
        assert found.status is hn.Status.TIME_LIMIT
    late = descend(Rows(X), 4, np.random.default_rng(0), np.eye(4)[:, :1], deadline=time.perf_counter() - 1)
    np.testing.assert_array_equal(late, np.eye(4)[0])


def test_an_interruption_keeps_what_is_proved(monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "descend", interrupt)
    found = hn.smallest_gain(X, random_state=0)
    assert found.status is hn.Status.INTERRUPTED
    assert 0 < found.lower <= found.upper
    monkeypatch.setattr(search, "second_moments", interrupt)
    with pytest.raises(KeyboardInterrupt):
        hn.smallest_gain(X)


def test_progress_reports_bounds_that_only_improve(capsys):
    seen = []
    found = hn.smallest_gain(X, random_state=0, progress=seen.append)
    stages = [item.stage for item in seen if not item.stage.startswith("sos:")]
    assert stages == ["least singular value", "descent", "sum of squares"]
    assert (seen[0].lower, seen[0].upper) == (None, None)
    for before, after in pairwise(seen[1:]):
        assert before.lower <= after.lower <= found.lower
        assert before.upper >= after.upper >= found.upper
    hn.smallest_gain(X, random_state=0, progress=True)
    assert "descent  ≥" in capsys.readouterr().err


def test_it_is_reproducible():
    first, second = (hn.smallest_gain(X, random_state=7) for _ in range(2))
    assert (first.lower, first.upper) == (second.lower, second.upper)
    np.testing.assert_array_equal(first.witness.vector, second.witness.vector)


def test_what_an_interval_shows():
    found = hn.smallest_gain(X, random_state=0)
    assert repr(found).startswith("Interval(min ||Xv||_4/||v||: lower=")
    assert "kind='lower_gain', status=EXACT" in repr(found)
    shown = found._repr_html_()
    assert "proved lower bound" in shown
    assert "second" in shown
    assert "sos" in shown
    assert [record.upper for record in found.records] == [math.inf, math.inf]
    assert not hn.two_to_q_norm(X, random_state=0).is_minimum
    with pytest.raises(hn.InvalidInputError, match="smallest gain"):
        plot_interval(found)
    assert plot_witness(found, X).get_ylabel() == "share of the sum"


class TestDescent:
    @pytest.mark.parametrize("q", [4, 6, 8])
    def test_the_form_on_a_circle(self, q):
        rng = np.random.default_rng(0)
        V, U = np.moveaxis(np.linalg.qr(rng.standard_normal((3, 4, 2)))[0], 0, 2).transpose(1, 0, 2)
        form = descent._circle_sums(Rows(X), V, U, q)
        scaled = Rows(X).block(0, 20)
        for angle in (0.0, 0.3, 2.0):
            exact = np.sum((scaled @ (math.cos(angle) * V + math.sin(angle) * U)) ** q, axis=0)
            powers = descent._powers(np.full(3, angle), q + 1)
            np.testing.assert_allclose(np.sum(powers * form, axis=0), exact, rtol=1e-9)
            near = [np.sum(descent._powers(np.full(3, angle + h), q + 1) * form, axis=0) for h in (-1e-6, 1e-6)]
            slope = np.sum(powers * descent._derivative(form), axis=0)
            np.testing.assert_allclose(slope, (near[1] - near[0]) / 2e-6, rtol=1e-5, atol=1e-6 * exact.max())
        angles, values = descent._least_on_circle(form)
        circle = np.linspace(0, math.pi, 5000)
        everywhere = np.einsum("ja,jk->ak", descent._powers(circle, q + 1), form)
        assert (values <= everywhere.min(axis=0) * (1 + 1e-12)).all()
        at = np.sum(descent._powers(angles, q + 1) * form, axis=0)
        np.testing.assert_allclose(at, values, rtol=1e-12)

    def test_it_ends_at_a_minimum(self):
        rng = np.random.default_rng(1)
        scaled = Rows(X).block(0, 20)
        for start in rng.standard_normal((5, 4, 1)):
            v = descend(Rows(X), 4, rng, start)
            image = scaled @ v
            gradient = scaled.T @ image**3
            value = gradient @ v
            assert np.linalg.norm(gradient - value * v) < 1e-7 * value
            projector = np.eye(4) - np.outer(v, v)
            hessian = projector @ (3 * (scaled * image[:, None] ** 2).T @ scaled - value * np.eye(4)) @ projector
            assert np.linalg.eigvalsh(hessian)[0] > -1e-6 * value
            assert value <= np.sum((scaled @ start / np.linalg.norm(start)) ** 4)

    def test_stationary_starts_do_not_vanish(self):
        v = descend(Rows(np.eye(6)), 4, np.random.default_rng(0), np.eye(6))
        assert np.linalg.norm(v) == pytest.approx(1)
        assert np.sum(v**4) == pytest.approx(1 / 6)
