"""Cut norms: closed forms, enumeration of all sets, rounding of the border, tampered certificates."""

import contextlib
import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.certificates.cut import _border_error, _exact_error, bordered
from hypernorm.certificates.rounding import precision, upper_float


def enumerated(A):
    sums = np.array(list(itertools.product([0, 1], repeat=A.shape[0]))) @ A
    return float(np.maximum(np.maximum(sums, 0).sum(axis=1), np.maximum(-sums, 0).sum(axis=1)).max())


@pytest.mark.parametrize(
    ("matrix", "value"),
    [
        (np.ones((4, 5)), 20),
        (-np.ones((2, 1)), 2),
        (np.kron([[1, -1], [-1, 1]], np.ones((3, 3))), 9),
        (np.array([[-2.5]]), 2.5),
        (np.eye(6), 6),
        (np.arange(12.0).reshape(3, 4) * 1e150, 66e150),
        (np.arange(12.0).reshape(3, 4) * 1e-150, 66e-150),
    ],
)
def test_closed_forms(matrix, value):
    interval = hn.cut_norm(matrix, random_state=0)
    assert interval.lower == pytest.approx(value, rel=1e-12)
    assert value * (1 - 1e-15) <= interval.upper <= value * (1 + 1e-9)
    rows, columns = interval.witness.rows, interval.witness.columns
    assert abs(matrix[rows][:, columns].sum()) == pytest.approx(value)


@pytest.mark.parametrize("seed", range(6))
def test_agreement_with_all_sets(seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 8, 2)
    A = rng.standard_normal((m, n)) if seed % 2 else rng.integers(-3, 4, (m, n)).astype(float)
    true = enumerated(A)
    interval = hn.cut_norm(A, rtol=1e-9, random_state=0)
    assert interval.lower == pytest.approx(true, rel=1e-12)
    assert true * (1 - 1e-14) <= interval.upper <= true * (1 + 1e-9)
    relaxed = hn.cut_norm(A, method="weights", random_state=0)
    assert true * (1 - 1e-14) <= relaxed.upper <= true * 1.7823
    for found in (interval, relaxed):
        assert found.certificate.verify(A, exact=True).upper == pytest.approx(found.upper, rel=1e-9)
        assert found.witness.verify(A, exact=True).lower == pytest.approx(true, rel=1e-14)
    transposed = hn.cut_norm(sp.csr_array(A.T), rtol=1e-9, random_state=0)
    assert transposed.upper == pytest.approx(interval.upper, rel=1e-9)


def test_graphs_of_two_blocks():
    """The distance of two graphs: one with an edge moved between dense blocks."""
    blocks = np.kron(np.eye(2), np.ones((8, 8)))
    moved = blocks.copy()
    moved[0, 15] = moved[15, 0] = 1
    interval = hn.cut_norm(moved - blocks, random_state=0)
    assert interval.lower == pytest.approx(2)
    assert interval.upper == pytest.approx(2, rel=1e-6)


def test_the_rounding_of_the_border_is_part_of_the_proof():
    entries = np.array([[0.5, 2.0**-53, 2.0**-54], [-0.5, 2.0**-60, 0.25]])
    for matrix in (entries, sp.csr_array(entries)):
        border = bordered(matrix)
        with precision():
            crude, exact = upper_float(_border_error(border)), upper_float(_exact_error(matrix, border))
        found = border if isinstance(border, np.ndarray) else border.toarray()
        rows = [sum(map(Fraction, row), Fraction(0)) for row in entries.tolist()]
        columns = [sum(map(Fraction, column), Fraction(0)) for column in entries.T.tolist()]
        true = [-total for total in rows + columns] + [sum(rows, Fraction(0))]
        rounded = [*found[:-1, -1].tolist(), *found[-1, :-1].tolist(), float(found[-1, -1])]
        error = sum((abs(a - Fraction(b)) for a, b in zip(true, rounded, strict=True)), Fraction(0))
        assert 0 < error <= Fraction(exact) <= Fraction(crude)
        assert Fraction(exact) <= error * (1 + Fraction(1, 10**12))


def test_an_enumeration_that_does_not_apply_is_named():
    A = np.random.default_rng(0).standard_normal((30, 30))
    with pytest.warns(hn.ConvergenceWarning, match="at most 23 rows or columns"):
        assert hn.cut_norm(A, method="exact", random_state=0).status is hn.Status.GAP


def test_tampered_certificates():
    A = np.random.default_rng(3).standard_normal((5, 4))
    true = enumerated(A)
    for method in ("cheap", "weights", "exact"):
        certificate = hn.cut_norm(A, method=method, random_state=0).certificate
        with pytest.raises(hn.CertificateError, match="proved to be at most"):
            dataclasses.replace(certificate, upper=certificate.upper * (1 - 1e-6)).verify(A)
        other = hn.cut_norm(A * 0.5, method=method, random_state=0).certificate
        forged = dataclasses.replace(certificate, norm=other.norm, upper=1e300)
        with contextlib.suppress(hn.CertificateError):
            assert forged.verify(A).upper >= true * (1 - 1e-12)
    inner = hn.operator_certificate(A, math.inf, 2, random_state=0)
    with pytest.raises(hn.CertificateError, match="it must be for"):
        dataclasses.replace(certificate, norm=inner).verify(A)
    witness = hn.cut_norm(A, method="cheap", random_state=0).witness
    with pytest.raises(hn.CertificateError, match="attains"):
        dataclasses.replace(witness, value=witness.value * (1 + 1e-9)).verify(A)
    empty = dataclasses.replace(witness, rows=np.zeros(5, dtype=bool), value=0.0)
    assert empty.verify(A).lower == empty.verify(A, exact=True).lower == 0


def test_input_that_cannot_be_used():
    for A, message in ((np.ones(3), "two-dimensional"), (np.eye(2) * 1j, "complex"), ([[math.nan]], "nan")):
        with pytest.raises(hn.InvalidInputError, match=message):
            hn.cut_norm(A)
    with pytest.raises(hn.InvalidInputError, match="method must be one of"):
        hn.cut_norm(np.eye(2), method="sos")


def test_a_matrix_of_zeros_and_a_limit_of_time():
    zero = hn.cut_norm(np.zeros((2, 3)))
    assert zero.lower == zero.upper == 0
    assert zero.certificate.verify(np.zeros((2, 3)), exact=True).upper == 0
    A = np.random.default_rng(0).standard_normal((40, 30))
    late = hn.cut_norm(A, time_limit=1e-6, random_state=0)
    assert late.status is hn.Status.TIME_LIMIT
    assert 0 < late.lower <= late.upper < math.inf
