"""Approximation factors that know the number of rows, against norms, and against every ratio on file."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import other_exponents
from experiments.runner import read
from hypernorm import InvalidInputError, approximation_factor, lower_bound, sos_bound, spectral_bound
from hypernorm.certificates import KINDS, is_available
from hypernorm.datasets import gaussian, heavy_tailed, isometric_embedding, known_norms, signs, subspace
from tests.oracles import norms as oracle

# The kinds that are never above the row norm, at the exponents where this is a theorem.
BELOW_ROW_NORM = {"flattening", "realigned", "split", "sos", "moment"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_factor_only_falls_with_fewer_rows(kind):
    for q in (2.2, 3, 4, 4.5, 6, 7.3):
        if not is_available(kind, q) or (kind == "moment" and q not in (4, 6)):
            continue
        for d in (1, 3, 60):
            factors = [approximation_factor(d, q, kind, n=n) for n in (1, 2, 3 * d, 20 * d, 20 * d**3, 10**30)]
            assert factors == sorted(factors)
            assert factors[0] == 1
            assert factors[-1] == approximation_factor(d, q, kind) == approximation_factor(d, q, kind, n=None)
            assert all(factor <= approximation_factor(d, q, "row_norm", n=10**30) * (1 + 1e-12) for factor in factors)


def test_the_factors_are_powers_of_n_where_rows_are_few():
    for n in (1, 7, 100):
        assert approximation_factor(60, 4, "row_norm", n=n) == pytest.approx(n**0.125, rel=1e-12)
        assert approximation_factor(60, 4, n=n) == pytest.approx(n**0.0625, rel=1e-12)
    assert approximation_factor(60, 6, "row_norm", n=240) == pytest.approx(240 ** (1 / 9), rel=1e-12)
    for q in (2.5, 3, 4, 5, 6, 9):
        factors = {kind: approximation_factor(60, q, kind, n=50) for kind in KINDS if is_available(kind, q)}
        assert factors["row_norm"] == pytest.approx(50 ** ((1 - 2 / q) / q), rel=1e-12)
        assert max(factors.values()) == factors["row_norm"]
        assert set(factors) - {"row_norm"} == BELOW_ROW_NORM - ({"moment"} if q > 8 else set())


def test_the_factors_of_very_many_columns():
    for d in (10**7, 10**12, 10**100):
        assert approximation_factor(d, 4, "row_norm") == pytest.approx(d**0.25, rel=1e-10)
        assert approximation_factor(d, 6, "row_norm") == pytest.approx((d * (d + 2) / 3) ** (1 / 6), rel=1e-10)


@pytest.mark.parametrize("q", [2.2, 3, 4, 4.5, 6, 9.5])
def test_split_has_the_factor_of_realigned(q):
    for n in (None, 30):
        assert approximation_factor(20, q, "split", n=n) == approximation_factor(20, q, "realigned", n=n)


def test_the_split_bound_reaches_the_realigned_one():
    """T ⪯ μ + T²/(4μ), and T² has the map N as its positive map; μ + λ_max(N)/(4μ) = λ_max(N)^{1/2} at its least."""
    X = gaussian(9, 3, random_state=0)
    T, N = (oracle.matrix_of(map_, X) for map_ in (oracle.flattening_map, oracle.realigned_map))
    symmetric = (np.eye(9) + np.eye(9).reshape(3, 3, 9).transpose(1, 0, 2).reshape(9, 9)) / 2
    T, N = symmetric @ T @ symmetric, symmetric @ N @ symmetric
    shift = math.sqrt(np.linalg.eigvalsh(N)[-1]) / 2
    values, vectors = np.linalg.eigh(T)
    assert np.linalg.eigvalsh(shift * np.eye(9) + T @ T / (4 * shift) - T)[0] > -1e-12 * values[-1]
    U = [value / (2 * math.sqrt(shift)) * vector.reshape(3, 3) for value, vector in zip(values, vectors.T, strict=True)]
    positive = symmetric @ sum(np.kron(matrix, matrix) for matrix in U) @ symmetric
    np.testing.assert_allclose(positive, N / (4 * shift), atol=1e-12 * values[-1])
    assert shift + np.linalg.eigvalsh(positive)[-1] == pytest.approx(2 * shift, rel=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 4), st.floats(2, 9), st.floats(0, 1))
def test_the_lemma_in_n(seed, n, d, q, share):
    """Σ r^{q−b} |⟨x, v⟩|^b ≤ n^{1−b/q} (max r)^{q−b} ‖Xv‖_q^b."""
    rng, b = np.random.default_rng(seed), share * q
    X, v = rng.standard_cauchy((n, d)), rng.standard_normal(d)
    lengths, images = np.linalg.norm(X, axis=1), np.abs(X @ v) / np.linalg.norm(v)
    total = (lengths ** (q - b) * images**b).sum()
    limit = n ** (1 - b / q) * lengths.max() ** (q - b) * np.linalg.norm(images, q) ** b
    assert total <= limit * (1 + 1e-10)


@pytest.mark.parametrize("known", list(known_norms()), ids=repr)
@pytest.mark.parametrize("kind", ["row_norm", "flattening", "realigned", "moment"])
def test_known_norms_lie_within_the_factor_of_their_rows(known, kind):
    n, d = known.matrix.shape
    if not is_available(kind, known.q) or (kind == "moment" and d > 6):
        return
    factor = approximation_factor(d, known.q, kind, n=n)
    assert spectral_bound(known.matrix, known.q, kind).upper <= known.value * factor * (1 + 1e-7)


@pytest.mark.parametrize("q", [2.2, 3, 3.9, 4, 4.5, 6, 7.3, 8])
def test_the_factor_of_few_rows_holds_for_every_kind(q):
    for seed, family in enumerate((gaussian, signs, heavy_tailed, subspace)):
        X = family(6, 4, random_state=seed)
        norm = lower_bound(X, q, n_starts=200, random_state=0).value
        for kind in ("row_norm", "flattening", "realigned", "moment"):
            if is_available(kind, q):
                factor = approximation_factor(4, q, kind, n=6)
                assert spectral_bound(X, q, kind).upper <= norm * factor * (1 + 1e-7)
        factor = approximation_factor(4, q, "sos", n=6)
        assert sos_bound(X, q, random_state=0).upper <= norm * factor * (1 + 1e-6)


def test_the_exponents_in_n_are_attained():
    """Embeddings of √n columns, padded to any number of columns: at least 0.75 of n^{1/8} and n^{1/16}."""
    X = isometric_embedding(16).matrix
    n = len(X)
    assert spectral_bound(X, 4, "row_norm").upper >= 0.75 * approximation_factor(10**6, 4, "row_norm", n=n)
    assert spectral_bound(X, 4, "realigned").upper >= 0.75 * approximation_factor(10**6, 4, "realigned", n=n)


def test_no_ratio_on_file_is_above_the_factor():
    """The ratios are to proved lower bounds, which are at most the norms."""
    margin, count = 1 + 1e-7, 0
    for row in read("approximation_factor", "paper"):
        for kind in ("row_norm", "flattening", "realigned", "sos"):
            if row[kind] is not None:
                assert row[kind] <= approximation_factor(row["d"], 4, kind, n=row["rows"]) * margin, row
                count += 1
    for row in read("other_exponents", "paper"):
        n = len(other_exponents.FAMILIES[row["family"]](row["d"], 0))
        for place, q in enumerate(row["exponents"]):
            for kind in ("row_norm", "flattening", "realigned", "moment", "sos"):
                if row[kind][place] is not None and is_available(kind, q):
                    assert row[kind][place] <= approximation_factor(row["d"], q, kind, n=n) * margin, (row, q, kind)
                    count += 1
    assert count > 2000


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", True, math.inf])
def test_a_number_of_rows_that_is_none_is_refused(n):
    with pytest.raises(InvalidInputError, match="n must be"):
        approximation_factor(3, n=n)


def test_the_moment_bound_between_even_exponents_needs_the_rows():
    with pytest.raises(InvalidInputError, match="pass n, the number of rows"):
        approximation_factor(3, 5, "moment")
    assert approximation_factor(3, 5, "moment", n=100) == pytest.approx(100 ** (0.6 / 5), rel=1e-12)
    with pytest.raises(InvalidInputError, match="q = 9; use kind='row_norm'"):
        approximation_factor(3, 9, "moment", n=100)
