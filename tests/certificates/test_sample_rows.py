"""Rows of weighted samples about a point: each error term in fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

from hypernorm._pages import Pages
from hypernorm._validation import check_rows
from hypernorm.certificates import SampleRows, sample_rows
from hypernorm.certificates.rounding import precision, rational
from hypernorm.exceptions import CertificateError
from tests.certificates.weighted_samples import exact_mean, samples, weights_of
from tests.oracles.exact import U, above, fractions, is_just_above, middle, norm, root

KAPPA = Fraction(1, 2**50)


def entries(rows):
    return np.ldexp(np.vstack([rows.block(start, start + 1) for start in range(rows.shape[0])]), rows.exponent)


def as_pages(X):
    return Pages(X, lambda page, first: None)


def in_chunks(X):
    da = pytest.importorskip("dask.array")
    return check_rows(da.from_array(X, chunks=(5, X.shape[1])))


WRAPS = {"array": np.asarray, "sparse": sp.csr_array, "pages": as_pages, "chunks": in_chunks}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("about", ["origin", "location", "mean"])
@pytest.mark.parametrize("statistic", ["sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_rows_and_their_errors(wrap, about, statistic, weighted):
    X, q = samples(3), 3
    weights = weights_of(3) if weighted else None
    location = None if about == "origin" else X.mean(axis=0) + 1e-9
    found = SampleRows(WRAPS[wrap](X), float(q), statistic, about, location, weights)
    Y = entries(found.rows)
    w = np.ones(12) if weights is None else weights
    unit = sum(map(Fraction, w.tolist())) if statistic == "mean" else Fraction(1)
    differences = fractions(X) - (0 if location is None else fractions(location))
    errors = []
    for y, difference, weight in zip(Y, differences, w.tolist(), strict=True):
        share = Fraction(weight) / unit
        factor = Fraction(1)
        if weights is not None or statistic == "mean":
            index = len(errors) // 3
            factor = Fraction(float(found._factors[index]))
            assert share <= factor**q <= share * (1 + KAPPA) ** q
        errors += [Fraction(a) - factor * b for a, b in zip(y.tolist(), difference, strict=True)]
    actual = root(sum(error**2 for error in errors))
    rest, shift = found._errors
    with precision():
        assert actual <= above(rest)
        count = (location is not None) + (found._factors is not None)
        granted = Fraction(1.001) * count * Fraction(1, 2**53) * norm(Y)
        assert is_just_above(above(rest), granted) if count else above(rest) == 0
        exact_rest, exact_shift = found._exact_errors
        assert abs(middle(exact_rest) - actual) <= actual / 10**9
        if about == "mean":
            distance = norm_of(fractions(location) - exact_mean(X, w))
            mass = sum(map(Fraction, w.tolist())) / unit
            true = distance * Fraction(float(mass) ** (1 / q))
            assert true * (1 - Fraction(1, 10**9)) <= above(shift) <= true * Fraction(1.01)
            assert abs(middle(exact_shift) - true) <= true / 10**9
        else:
            assert above(shift) == 0 == middle(exact_shift)


def norm_of(values):
    return root(sum(value**2 for value in values))


def test_products_that_vanish_are_granted():
    X = np.array([[1e-300, 0.0], [3.0, 0.0], [5e-324, 1.0]])
    weights = np.array([2.0**-200, 1.0, 0.0])
    with precision():
        few = SampleRows(X, 2.0, "sum", "origin", None, np.array([2.0**-200, 1.0, 0.0]))._errors[0]
        assert above(few) >= Fraction(1, 2**1074)
        tiny = SampleRows(X * [[1], [1e-320], [1]], 2.0, "sum", "origin", None, weights)
        assert above(tiny._errors[0]) >= Fraction(1, 2**1074) * root(2)
        assert above(tiny._errors[0]) <= Fraction(1, 2**1073) * root(2)
        # Zeros are no losses.
        assert above(SampleRows(X * 0, 2.0, "mean", "origin", None, None)._errors[0]) == 0


def test_samples_without_weight_are_rows_of_zeros():
    X = np.array([[1.0, 2.0], [1e308, -1e308], [3.0, -1.0]])
    weights, location = np.array([1.0, 0.0, 4.0]), np.array([-1e308, 0.0])
    for matrix in (X, sp.csr_array(X)):
        Y = entries(SampleRows(matrix, math.inf, "sum", "origin", None, weights).rows)
        assert Y.tolist() == [[1.0, 2.0], [0.0, 0.0], [3.0, -1.0]]
    # The difference of the sample without weight overflows.
    Y = entries(SampleRows(X, 2.0, "sum", "location", location, np.array([1.0, 0.0, 1.0])).rows)
    assert Y.tolist() == [[1e308, 2.0], [0.0, 0.0], [1e308, -1.0]]
    for sign in (1, -1):
        with pytest.raises(CertificateError, match="overflow"):
            SampleRows(sign * X, 2.0, "sum", "location", sign * location, np.ones(3))


def test_only_products_below_the_normal_range_are_granted():
    X = np.array([[-1e-305], [2e-305]])
    cases = [(X, np.array([4.0, 9.0]), 2), (X, None, 1), (-np.abs(X), None, 1)]
    for matrix, weights, roundings in cases:
        found = SampleRows(matrix, 2.0, "sum", "location", np.zeros(1), weights)
        with precision():
            assert is_just_above(above(found._errors[0]), Fraction(1.001) * roundings * U * norm(entries(found.rows)))
    # Nothing is lost in a row without weight.
    weights = np.array([0.0, 4.0])
    for matrix in (X, sp.csr_array(X)):
        found = SampleRows(matrix, 2.0, "sum", "origin", None, weights)
        with precision():
            assert is_just_above(above(found._errors[0]), Fraction(1.001) * U * norm(entries(found.rows)))
    # The least normal number is not below the range, one and a half times half of it is.
    for entry, weight, granted in ((2.0**-1022, 1.0, False), (1.5 * 2.0**-1022, 0.25, True)):
        found = SampleRows(np.array([[entry]]), 2.0, "sum", "origin", None, np.array([weight]))
        with precision():
            assert (above(found._errors[0]) >= Fraction(1, 2**1074)) is granted
    # A difference below the normal range is exact.
    small = SampleRows(np.array([[5e-324], [0.0]]), 2.0, "sum", "location", np.zeros(1), None)
    with precision():
        assert 0 < above(small._errors[0]) < Fraction(1, 2**1120)


def test_large_rows_are_known_by_their_size():
    blocks = sample_rows._Blocks(np.ones((5, 3)), None, np.ones(5))
    assert (blocks.shape, blocks.nbytes) == ((5, 3), 120)


@pytest.mark.parametrize("statistic", ["sum", "mean"])
@pytest.mark.parametrize(("q", "mass"), [(math.inf, 1), (2.0, 4), (4.0, 2)])
def test_the_distance_of_the_mean_counts_for_every_sample(statistic, q, mass):
    X = np.arange(16.0)[:, None]
    found = SampleRows(X, q, statistic, "mean", np.array([7.5 - 2.0**-30]), None)
    true = Fraction(1, 2**30) * (mass if statistic == "sum" else 1)
    with precision():
        assert is_just_above(above(found._errors[1]), Fraction(1.001) * true, Fraction(1, 10**3))
        assert abs(middle(found._exact_errors[1]) - true) <= true / 10**30


def test_samples_as_they_are_need_no_rows():
    for matrix in (samples(), sp.csr_array(samples())):
        found = SampleRows(matrix, math.inf, "mean", "origin", None, None)
        assert found.matrix is matrix
        assert (found.above(1.0), found.below(1.0)) == (math.nextafter(1, 2), math.nextafter(1, 0))


def test_sparse_samples_about_the_origin_stay_sparse():
    found = SampleRows(sp.csr_array(samples()), 2.0, "mean", "origin", None, weights_of())
    assert sp.issparse(found.matrix)


def test_ones_are_their_own_roots():
    factors, mass = sample_rows._roots(np.array([1.0, 0.0, 1.0, 4.0]), 2.0, "sum")
    assert factors[:3].tolist() == [1.0, 0.0, 1.0]
    assert 2 < factors[3] <= 2 * (1 + 2.0**-50)
    with precision():
        assert Fraction(6) <= above(mass) ** 2 <= 6 * (1 + KAPPA)
    assert sample_rows._roots(np.ones(1), 4.0, "mean")[0].tolist() == [1.0]


def test_each_error_enters_both_bounds():
    X = samples()
    found = SampleRows(X, 4.0, "mean", "mean", X.mean(axis=0), None)
    with precision():
        found.__dict__["_errors"] = (rational(0.25), rational(0.5))
        found.__dict__["_exact_errors"] = (rational(1.0), rational(2.0))
    assert found.above(1.0) == pytest.approx(1.75, rel=1e-15)
    assert found.above(1.0) >= 1.75
    assert found.below(3.0) <= 2.25 / (1 + 2.0**-50)
    assert found.below(3.0) == pytest.approx(2.25, rel=1e-14)
    assert found.above(1.0, exact=True) == pytest.approx(4.0, rel=1e-15)
    assert found.below(8.0, exact=True) == pytest.approx(5.0, rel=1e-14)
    assert found.below(0.5) == 0.0
    assert found.above(math.inf) == math.inf
    found.__dict__["_errors"] = (rational(0.0), rational(0.0))
    assert 2.0**-50 <= 1 - found.below(1.0) <= 2.0**-50 + 2.0**-52
    plain = SampleRows(X, 4.0, "sum", "location", X[0], None)
    plain.__dict__["_errors"] = (rational(0.0), rational(0.0))
    assert plain.below(3.0) == math.nextafter(3.0, 0)
    assert plain.above(0.0) == 0.0
