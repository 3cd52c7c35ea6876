"""Certificates of wide matrices and of matrices of low rank, against exact arithmetic and attained values."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm._validation import check_rows
from hypernorm.bounds.reduction import Reduction
from hypernorm.certificates import NormCertificate, ReducedCertificate, coordinate_rows, reduced
from hypernorm.certificates.rounding import precision
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows


def low_rank(rng, n, d, rank, scale=1.0):
    return scale * rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))


def wide(seed=0, n=5, d=30):
    return np.random.default_rng(seed).standard_normal((n, d))


def certificate_of(X, q=4.0, kind="realigned"):
    proof = hn.spectral_bound(X, q, kind=kind)
    assert type(proof) is ReducedCertificate
    return proof


def exact_rest(X, Y, basis, gain):
    """‖X − gYB‖_F² in rational arithmetic."""
    X, Y, B = ([[Fraction(x) for x in row] for row in A.tolist()] for A in (X, Y, basis))
    g, total = Fraction(gain), Fraction(0)
    for x, y in zip(X, Y, strict=True):
        for j, entry in enumerate(x):
            total += (entry - g * sum(a * B[k][j] for k, a in enumerate(y))) ** 2
    return total


@pytest.mark.parametrize("q", [2.0, 2.5, 4.0, 6.0, np.inf])
@pytest.mark.parametrize("shape", [(5, 30), (40, 12), (1, 7)])
def test_bounds_are_those_of_the_row_space(q, shape):
    rng = np.random.default_rng(3)
    n, d = shape
    rank = min(3, n)
    # With orthonormal rows Q the norm of AQ is that of A.
    A, Q = rng.standard_normal((n, rank)), np.linalg.qr(rng.standard_normal((d, rank)))[0].T
    found = hn.two_to_q_norm(A @ Q, q, random_state=0)
    small = hn.two_to_q_norm(A, q, random_state=0)
    assert type(found.certificate) is ReducedCertificate
    assert found.certificate.rank == rank
    assert found.upper == pytest.approx(small.upper, rel=1e-6)
    assert found.lower == pytest.approx(small.lower, rel=1e-6)
    assert found.lower <= found.upper
    assert found.certificate.verify(A @ Q).upper == found.upper


def test_both_arithmetics_agree():
    rng = np.random.default_rng(5)
    for trial in range(40):
        n, d, rank = (int(rng.integers(low, high)) for low, high in ((2, 12), (6, 14), (1, 4)))
        X = low_rank(rng, n, d, min(rank, n), 10.0 ** rng.uniform(-5, 5))
        if trial % 3 == 0:
            X = rng.standard_normal((n, d)) * (np.arange(d) < 3)
        proof = hn.spectral_bound(X, 4, kind="realigned")
        assert type(proof) is ReducedCertificate
        below = hn.lower_bound(X, 4, random_state=0, n_starts=8).value
        floating, exact = proof.verify(X), proof.verify(X, exact=True)
        assert exact.rigor is hn.Rigor.EXACT
        assert below <= exact.upper <= floating.upper * (1 + 1e-9)
        assert floating.upper <= exact.upper * (1 + 1e-9)
        assert proof.upper == pytest.approx(floating.upper, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_errors_cover_the_exact_ones(seed):
    rng = np.random.default_rng(seed)
    X = low_rank(rng, 6, 9, 2) + 10.0 ** rng.uniform(-12, 0) * rng.standard_normal((6, 9))
    rows = Rows(check_rows(X))
    basis = np.linalg.svd(X)[2][:2] * rng.uniform(0.5, 1.5) + 10.0 ** rng.uniform(-16, -1) * rng.standard_normal((2, 9))
    gain = float(1 / np.mean(np.sum(basis**2, axis=1)))
    Y, loss = coordinate_rows(rows, np.arange(9), basis, gain)
    truth = exact_rest(rows.block(0, 6), Y, basis, gain)
    assert truth <= Fraction(loss) ** 2
    assert float(truth) ** 0.5 >= loss * 0.99 - 1e-14
    B, g = [[Fraction(x) for x in row] for row in basis.tolist()], Fraction(gain)
    deviation = sum(
        (g * sum(a * b for a, b in zip(B[i], B[j], strict=True)) - (i == j)) ** 2 for i in range(2) for j in range(2)
    )
    assert deviation <= Fraction(reduced._deviation(basis, gain)) ** 2
    with precision():
        assert float(reduced._exact_rest(rows, np.arange(9), basis, gain, Y)) ** 2 == pytest.approx(float(truth))
        assert float(reduced._exact_deviation(basis, gain)) ** 2 == pytest.approx(float(deviation))


def test_rounding_alone_is_covered():
    """With a residual of rounding errors only, the error terms decide."""
    rng = np.random.default_rng(11)
    for _ in range(20):
        X = rng.standard_normal((4, 12)) * 10.0 ** rng.uniform(-3, 0, (4, 1))
        rows = Rows(check_rows(X))
        basis = np.linalg.qr(rng.standard_normal((12, 4)) if _ % 2 else X.T)[0].T
        Y, loss = coordinate_rows(rows, np.arange(12), basis, 1.0)
        assert exact_rest(rows.block(0, 4), Y, basis, 1.0) <= Fraction(loss) ** 2


def test_each_error_enters_the_bound(monkeypatch):
    X = wide()
    proof = certificate_of(X)
    bound = proof.verify(X).upper
    scale = 2.0**proof.exponent
    normal = reduced.coordinate_rows
    monkeypatch.setattr(reduced, "coordinate_rows", lambda *a: (normal(*a)[0], normal(*a)[1] + 0.5))
    assert proof.verify(X).upper == pytest.approx(bound + 0.5 * scale)
    monkeypatch.undo()
    deviation = reduced._deviation
    monkeypatch.setattr(reduced, "_deviation", lambda *a: deviation(*a) + 3.0)
    assert proof.verify(X).upper == pytest.approx(2 * bound)


def test_lost_bits_enter_the_bound():
    X = np.zeros((3, 40))
    X[0, 0], X[1, 1], X[2, 2] = 2.0**900, 2.0**-170, 3.0 * 2.0**-173
    proof = certificate_of(X)
    assert Rows(check_rows(X)).inexact
    upper = proof.verify(X).upper
    assert upper >= 2.0**900 * (1 + 2.0**-50)
    assert upper == pytest.approx(2.0**900)


@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1e300])
def test_every_scale(scale):
    X = wide() * scale
    found = hn.two_to_q_norm(X, 4, random_state=0)
    assert found.is_exact()
    assert found.certificate.verify(X).upper == found.upper
    assert found.upper / scale == pytest.approx(hn.two_to_q_norm(wide(), 4, random_state=0).upper, rel=1e-6)


def test_longest_rows_of_length_one():
    """Another rounding of Y must not change the power of two by which it is scaled."""
    X = np.kron(np.array([[1.0, 1.0], [1.0, -1.0]]), np.ones((2, 8))) / 4
    data = Reduction(Rows.identified(check_rows(X)))
    longest = float(data.rows.norms.max()) * 2.0**data.rows.exponent
    assert 0.5 < np.frexp(longest)[0] < 0.99
    assert hn.two_to_q_norm(X, 4, random_state=0).is_exact()


def test_every_kind_of_data(tmp_path):
    X = np.zeros((60, 25))
    X[:, 4:9] = np.random.default_rng(2).integers(-4, 5, (60, 5))
    np.save(tmp_path / "X.npy", X)
    whole = hn.two_to_q_norm(X, 4, random_state=0)
    assert whole.certificate.columns.tolist() == [4, 5, 6, 7, 8]
    assert whole.certificate.basis is None
    for data in (X.astype(int), X.astype(np.float32), sp.csr_array(X), np.load(tmp_path / "X.npy", mmap_mode="r")):
        found = hn.two_to_q_norm(data, 4, random_state=0)
        assert found.certificate.rank == 5
        assert found.upper == pytest.approx(whole.upper, rel=1e-6)
        assert found.certificate.verify(data).upper == found.upper
    sparse = hn.spectral_bound(sp.csr_array(X), 4)
    assert sparse.verify(X).upper == pytest.approx(sparse.upper, rel=1e-9)


@pytest.mark.parametrize("wide", [False, True])
def test_rows_in_chunks(wide):
    da = pytest.importorskip("dask.array")
    rng = np.random.default_rng(4)
    X = rng.standard_normal((6, 50)) if wide else low_rank(rng, 90, 8, 3)
    found = hn.two_to_q_norm(da.from_array(X, chunks=(len(X) // 3, -1)), 4, random_state=0)
    assert found.certificate.kind == "reduced"
    assert found.upper == pytest.approx(hn.two_to_q_norm(X, 4, random_state=0).upper, rel=1e-6)
    assert found.certificate.verify(X).upper == pytest.approx(found.upper, rel=1e-9)


def test_independent_columns_are_left_alone():
    rng = np.random.default_rng(6)
    for X in (rng.standard_normal((30, 5)), rng.standard_normal((5, 5)), np.eye(3), np.zeros((3, 8))):
        assert type(hn.spectral_bound(X, 4)) is NormCertificate


def test_columns_that_are_nearly_dependent():
    """A part of relative size 1e-9 stays; one of 1e-15 goes into the rest."""
    rng = np.random.default_rng(8)
    A = rng.standard_normal((40, 4))
    for size, rank in ((1e-9, 4), (1e-15, 3)):
        X = A * np.array([1, 1, 1, size])
        X = np.hstack([X, X[:, :1]])
        proof = hn.spectral_bound(X, 4)
        assert proof.rank == rank
        assert hn.two_to_q_norm(X, 4, random_state=0).is_exact()


def changed(proof, **changes):
    return dataclasses.replace(proof, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gain": 2.0**21}, "gain"),
        ({"rank": 4}, "shape"),
        ({"used": 29}, "shape"),
        ({"columns": np.arange(30)[::-1].copy()}, "ascending"),
        ({"columns": np.arange(1, 31)}, "ascending"),
        ({"columns": np.arange(-1, 29)}, "ascending"),
        ({"columns": np.arange(30.0)}, "columns"),
        ({"basis": None}, "without basis"),
        ({"exponent": 0}, "scale"),
        ({"norm": hn.lower_bound(np.eye(2), 4, random_state=0)}, "NormCertificate"),
    ],
)
def test_broken_fields_are_refused(changes, message):
    X = wide()
    with pytest.raises(CertificateError, match=message):
        changed(certificate_of(X), **changes).verify(X)


def test_a_certificate_without_basis_has_gain_one():
    X = np.zeros((9, 5))
    X[:, :2] = np.random.default_rng(0).standard_normal((9, 2))
    proof = certificate_of(X)
    assert proof.basis is None
    with pytest.raises(CertificateError, match="gain 1"):
        changed(proof, gain=0.5).verify(X)
    with pytest.raises(CertificateError, match="not zero"):
        changed(proof, columns=np.array([0, 2])).verify(X)
    other = changed(proof, columns=np.array([1, 2]))
    with pytest.raises(CertificateError, match="not zero"):
        other.prove(Rows(sp.csr_array(X), proof.fingerprint))


def test_a_certificate_for_other_rows_is_refused():
    X = wide()
    proof = certificate_of(X)
    with pytest.raises(CertificateError, match="4 of scale"):
        proof.prove(Rows(check_rows(X[:4])))
    with pytest.raises(CertificateError, match="another matrix"):
        proof.verify(X + 1)
    with pytest.raises(CertificateError, match="for the shape"):
        changed(proof, norm=hn.spectral_bound(np.random.default_rng(0).standard_normal((6, 5)), 4)).verify(X)


def test_numbers_that_overflow_are_refused():
    X = wide()
    proof = certificate_of(X)
    with pytest.raises(CertificateError):
        changed(proof, basis=proof.basis * 1e200).verify(X)
    with pytest.raises(CertificateError):
        changed(proof, basis=proof.basis * 1e200).verify(X, exact=True)


def test_tampered_certificates_are_never_below_a_witness():
    rng = np.random.default_rng(9)
    X = wide(1, 4, 9)
    proof = certificate_of(X)
    below = hn.lower_bound(X, 4, random_state=0).value
    proved = 0
    for trial in range(300):
        noise = 10.0 ** rng.uniform(-16, 1)
        changes = [
            {"basis": proof.basis + noise * rng.standard_normal(proof.basis.shape)},
            {"basis": proof.basis * (1 + noise)},
            {"gain": float(proof.gain * (1 + noise * rng.standard_normal()))},
            {"basis": proof.basis[:, rng.permutation(9)]},
            {"norm": changed(proof.norm, values=tuple(value * (1 - min(noise, 1)) for value in proof.norm.values))},
        ][trial % 5]
        try:
            upper = changed(proof, **changes).verify(X, exact=trial % 10 == 0).upper
        except CertificateError:
            continue
        proved += 1
        assert upper >= below
    assert proved > 50


def test_applications_take_matrices_of_low_rank():
    rng = np.random.default_rng(12)
    X = low_rank(rng, 30, 6, 2)
    interval = hn.two_to_q_norm(X, 3, random_state=0, time_limit=30)
    assert interval.witness.vector.shape == (6,)
    assert interval.witness.verify(X).lower == interval.lower
    bound = hn.sos_bound(X, 4, random_state=0)
    assert bound.verify(X).upper <= hn.lower_bound(X, 4, random_state=0).value * (1 + 1e-5)
