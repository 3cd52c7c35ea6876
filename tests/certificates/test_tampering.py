"""Thousands of edits: none verifies below what the witness attains, and both arithmetics give the same verdict."""

import dataclasses
import math

import numpy as np
import pytest

from hypernorm import (
    CertificateError,
    InvalidInputError,
    NormCertificate,
    load_certificate,
    lower_bound,
    spectral_bound,
)
from hypernorm.forms import Rows, fingerprint

CASES = [
    ("row_norm", 4),
    ("flattening", 4),
    ("realigned", 4),
    ("moment", 6),
    ("realigned", 3.7),
    ("row_norm", math.inf),
]
EDITS = 60


def verdict(certificate, X, exact):
    """The proved bound, or None if the certificate is rejected, always in one line."""
    try:
        return certificate.verify(X, exact=exact).upper
    except CertificateError as error:
        return _one_line(error)


def _one_line(error):
    assert "\n" not in str(error)


def check(certificate, X, lower):
    """Verify both ways; return whether the edit was accepted."""
    floating, exact = verdict(certificate, X, False), verdict(certificate, X, True)
    assert (floating is None) == (exact is None)
    for upper in (floating, exact):
        assert upper is None or upper >= lower
    return floating is not None


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]:g}")
def case(request):
    kind, q = request.param
    X = np.random.default_rng(3).standard_normal((8, 3))
    return X, spectral_bound(X, q, kind), lower_bound(X, q, random_state=0).value


def test_lowered_values(case):
    """λ below what the matrix needs is rejected, whatever U; λ at or above it may stand."""
    X, certificate, lower = case
    accepted = []
    rng = np.random.default_rng(0)
    for _ in range(EDITS):
        place = int(rng.integers(len(certificate.values)))
        factor = 1 - 10.0 ** rng.uniform(-6, -0.01)
        values = list(certificate.values)
        values[place] *= factor
        accepted.append(check(dataclasses.replace(certificate, values=tuple(values)), X, lower))
    assert not any(accepted)


def test_raised_values_still_prove_a_weaker_bound(case):
    X, certificate, lower = case
    for factor in (1 + 1e-9, 2.0, 1e6, 1e200):
        weaker = dataclasses.replace(certificate, values=tuple(value * factor for value in certificate.values))
        assert check(weaker, X, lower)
        assert weaker.verify(X).upper >= certificate.verify(X).upper


def test_altered_matrices(case):
    X, certificate, lower = case
    rng = np.random.default_rng(1)
    edits = rejected = 0
    for place, U in enumerate(certificate.matrices):
        if U is None:
            continue
        for _ in range(EDITS):
            changed = U.copy()
            i, j = rng.integers(U.shape[0], size=2)
            edit = rng.integers(6)
            size = 10.0 ** rng.uniform(-12, 2)
            if edit == 0:
                changed[i, j] += size
                changed[j, i] = changed[i, j]
            elif edit == 1:
                changed *= -1
            elif edit == 2:
                direction = rng.standard_normal(U.shape[0])
                changed -= size * np.outer(direction, direction)
            elif edit == 3:
                changed[i] = changed[:, i] = 0
            elif edit == 4:
                changed = np.eye(U.shape[0]) * size
            else:
                changed = changed * 10.0 ** rng.uniform(-300, 290)
            changed = (changed + changed.T) / 2
            matrices = list(certificate.matrices)
            matrices[place] = changed
            edits += 1
            rejected += not check(dataclasses.replace(certificate, matrices=tuple(matrices)), X, lower)
    if edits:
        assert rejected > edits / 4  # scaling and tiny changes of U are harmless


def test_matrix_and_value_altered_together(case):
    """A wrong U with the best value for it in floating point, and a little less."""
    X, certificate, lower = case
    rng = np.random.default_rng(2)
    for _ in range(EDITS // 2):
        d = X.shape[1]
        B = rng.standard_normal((d, d))
        matrices = tuple(None if U is None else B @ B.T + 0.1 * np.eye(d) for U in certificate.matrices)
        values = tuple(value * rng.uniform(0.3, 1.2) for value in certificate.values)
        check(dataclasses.replace(certificate, matrices=matrices, values=values), X, lower)


def test_swapped_and_edited_inputs(case):
    X, certificate, lower = case
    rng = np.random.default_rng(4)
    for _ in range(EDITS):
        other = X.copy()
        i, j = rng.integers(X.shape[0]), rng.integers(X.shape[1])
        other[i, j] = np.nextafter(other[i, j], rng.choice([-np.inf, np.inf]))
        assert not check(certificate, other, lower)
        # The same with a forged fingerprint: what is then proved must hold for the edited matrix.
        other[i, j] *= 1 + 10.0 ** rng.uniform(-15, 1)
        forged = dataclasses.replace(certificate, fingerprint=spectral_bound(other, 4, "row_norm").fingerprint)
        check(forged, other, lower_bound(other, certificate.q, n_starts=8, random_state=0).value)


def test_edited_files(case, tmp_path):
    X, certificate, lower = case
    path = tmp_path / "certificate.npz"
    certificate.save(path)
    original = path.read_bytes()
    rng = np.random.default_rng(5)
    outcomes = []
    for _ in range(2 * EDITS):
        data = bytearray(original)
        edit = rng.integers(4)
        place = int(rng.integers(len(data)))
        if edit == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif edit == 1:
            data = data[:place]
        elif edit == 2:
            data[place : place + 8] = rng.bytes(8)
        else:
            data[place:place] = rng.bytes(int(rng.integers(1, 20)))
        path.write_bytes(bytes(data))
        try:
            loaded = load_certificate(path)
        except CertificateError as error:
            _one_line(error)
            outcomes.append(False)
            continue
        outcomes.append(check(loaded, X, lower))
    assert outcomes.count(False) > EDITS / 2  # most of the file is covered by check sums


def test_the_untouched_certificate_passes(case):
    X, certificate, lower = case
    assert check(certificate, X, lower)
    with pytest.raises(InvalidInputError):
        certificate.verify("not a matrix")


def test_arrays_whose_operators_mean_something_else_are_refused():
    """A mask hides entries from every check and from the products of the proof; np.matrix multiplies otherwise."""
    X = np.array([[1.0, 0.0]])
    rows = Rows(X)
    masked = np.ma.array(np.diag([1e-16, 1.0]), mask=[[1, 0], [0, 0]])
    for U in (masked, np.eye(2).view(np.matrix)):
        for kind in ("flattening", "realigned"):
            forged = NormCertificate(
                kind=kind, q=4.0, shape=X.shape, fingerprint=fingerprint(X), exponent=rows.exponent,
                radius=float(rows.norms.max()), values=(2.0**-40,), matrices=(U,),
            )  # fmt: skip
            for exact in (False, True):
                with pytest.raises(CertificateError, match="ndarray"):
                    forged.verify(X, exact=exact)
