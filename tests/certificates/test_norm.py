"""Certificates prove what they claim, in both arithmetics, and nothing below the true norm."""

import ctypes
import ctypes.util
import dataclasses
import math
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.sparse as sp

from hypernorm import CertificateError, Rigor, Witness, load_certificate, spectral_bound
from hypernorm.bounds.spectral import SPECTRAL_KINDS as KINDS
from hypernorm.certificates import attained_value, is_available, reweight
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.exact import ExactRows
from hypernorm.certificates.rounding import precision
from hypernorm.datasets import known_norms
from hypernorm.forms import Rows
from tests.oracles import norms as oracle

EXPONENTS = [2, 2.5, 3, 3.7, 4, 5, 6, 7.3, 8, math.inf]
# A split has no closed form; `test_split.py` recomputes its conditions.
CASES = [(kind, q) for q in EXPONENTS for kind in KINDS if is_available(kind, q) and kind != "split"]


def matrix(n=11, d=3, seed=0):
    X = np.random.default_rng(seed).standard_normal((n, d))
    X[2] = 0
    return X


@pytest.mark.parametrize(("kind", "q"), CASES)
@pytest.mark.parametrize(("n", "d"), [(11, 3), (3, 5), (90, 3)])
def test_each_kind_proves_the_value_of_its_definition(kind, q, n, d):
    X = matrix(n, d)
    certificate = spectral_bound(X, q, kind)
    value = oracle.spectral_value(X, q, kind)
    assert value * (1 - 1e-12) <= certificate.upper <= value * (1 + 1e-7)
    floating, exact = certificate.verify(X), certificate.verify(X, exact=True)
    assert certificate.upper * (1 - 1e-13) <= exact.upper <= floating.upper <= certificate.upper * (1 + 1e-12)
    assert floating.upper >= oracle.best_of_restarts(X, q, np.random.default_rng(0), 50, 200) if q < 9 else True
    assert (floating.rigor, exact.rigor) == (Rigor.FLOATING_POINT, Rigor.EXACT)
    assert floating.seconds > 0


@pytest.mark.parametrize("known", list(known_norms()), ids=repr)
def test_no_certificate_is_below_a_known_norm(known):
    for kind in KINDS:
        if is_available(kind, known.q) and not (kind == "moment" and known.matrix.shape[1] > 6):
            certificate = spectral_bound(known.matrix, known.q, kind)
            # The stored entries are rounded, so the true norm of the stored matrix differs in the last places.
            assert certificate.verify(known.matrix).upper >= known.value * (1 - 1e-15 * known.matrix.size)


@pytest.mark.parametrize("exponent", [-1000, -300, 0, 300, 1000])
def test_a_power_of_two_scales_the_bound_and_nothing_else(exponent):
    X = np.round(matrix() * 8)
    plain = spectral_bound(X, 4).verify(X).upper
    scaled = np.ldexp(X, exponent)
    assert spectral_bound(scaled, 4).verify(scaled, exact=True).upper == pytest.approx(
        np.ldexp(plain, exponent), rel=1e-14
    )


def test_entries_lost_by_scaling_are_paid_for():
    X = np.array([[1e200, 0.0], [0.0, 1e-200]])
    verified = spectral_bound(X, 4).verify(X)
    assert 1e200 < verified.upper < 1e200 * (1 + 1e-7)


def test_a_norm_beyond_the_largest_float_is_bounded_by_infinity():
    X = np.full((4, 4), 1e308)
    certificate = spectral_bound(X, 4)
    assert certificate.verify(X).upper == math.inf
    assert Witness.from_vector(X, np.ones(4)).value < math.inf


def test_all_storages_of_the_same_numbers_verify():
    X = np.round(matrix(20, 4) * 10)
    certificate = spectral_bound(X, 4)
    same = [X.astype(int), X.astype(np.float32), np.asfortranarray(X), sp.csr_array(X), np.repeat(X, 2, 0)[::2]]
    assert {certificate.verify(other).upper for other in same} == {certificate.verify(X).upper}


def test_another_matrix_is_refused():
    X = matrix()
    certificate, witness = spectral_bound(X, 4), Witness.from_vector(X, np.ones(3))
    other = X.copy()
    other[0, 0] = np.nextafter(other[0, 0], 9)
    for wrong in (other, X[::-1], -X, 2 * X, X[:-1], np.vstack([X, np.zeros(3)])):
        with pytest.raises(CertificateError, match=r"another matrix|shape"):
            certificate.verify(wrong)
        with pytest.raises(CertificateError, match="another matrix"):
            witness.verify(wrong)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exponent": 7}, "scale"),
        ({"values": ()}, "values"),
        ({"values": (math.nan,)}, "finite"),
        ({"values": (-1.0,)}, "non-negative"),
        ({"values": None}, "tuple of 1"),
        ({"values": ("a",)}, "finite"),
        ({"values": (1,)}, "finite"),
        ({"radius": 0.0}, "radius"),
        ({"radius": math.inf}, "finite"),
        ({"radius": "x"}, "finite"),
        ({"kind": "nuclear"}, "no certificate"),
        ({"kind": "sos"}, "symmetric 6 x 6 or 10 x 10"),
        ({"q": 1e300}, "no certificate"),
        ({"kind": None}, "no certificate"),
        ({"q": 1.5}, "no certificate"),
        ({"q": math.nan}, "no certificate"),
        ({"q": "4"}, "no certificate"),
        ({"matrices": (None,)}, "too many or too few"),
        ({"matrices": None}, "tuple of 1"),
        ({"matrices": ([[1.0]],)}, "symmetric 3 x 3"),
        ({"matrices": (np.eye(2),)}, "symmetric 3 x 3"),
        ({"matrices": (np.triu(np.ones((3, 3))),)}, "symmetric"),
        ({"matrices": (np.full((3, 3), np.inf),)}, "finite"),
        ({"matrices": (np.eye(3, dtype=np.float32),)}, "float64"),
        ({"matrices": (-np.eye(3),)}, "not proved"),
        ({"matrices": (np.zeros((3, 3)),)}, "not proved"),
        ({"kind": "row_norm"}, "too many"),
        ({"shape": (12, 3)}, "shape"),
        ({"fingerprint": ""}, "64 hexadecimal digits"),
        ({"fingerprint": "0" * 64}, "another matrix"),
    ],
)
def test_malformed_certificates_are_refused_in_one_line(change, words):
    X = matrix()
    broken = dataclasses.replace(spectral_bound(X, 4), **change)
    for exact in (False, True):
        with pytest.raises(CertificateError, match=words) as caught:
            broken.verify(X, exact=exact)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "q"), CASES)
def test_a_file_keeps_every_bit(kind, q, tmp_path):
    X = matrix()
    certificate = spectral_bound(X, q, kind)
    path = tmp_path / "certificate.npz"
    certificate.save(path)
    loaded = load_certificate(path)
    assert repr(loaded) == repr(certificate)
    assert loaded.verify(X).upper == certificate.verify(X).upper
    for mine, theirs in zip(certificate.matrices, loaded.matrices, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_zero_matrix_has_the_bound_zero():
    X = np.zeros((3, 2))
    for kind, q in CASES:
        assert spectral_bound(X, q, kind).verify(X, exact=True).upper == 0.0


@pytest.mark.parametrize("q", [1, 1.5, 2, 3.7, 4, 6, 101, math.inf])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_a_witness_proves_slightly_less_than_it_attains(q, scale):
    X = matrix(30, 4) * scale
    v = np.random.default_rng(1).standard_normal(4)
    witness = Witness.from_vector(X, v, q)
    assert witness.value / scale == pytest.approx(oracle.attained(X / scale, v, q), rel=1e-12)
    exact = witness.verify(X, exact=True)
    assert witness.verify(X).lower <= exact.lower <= witness.value * (1 + 1e-12)


def test_a_witness_that_claims_too_much_is_refused():
    X = matrix()
    witness = Witness.from_vector(X, [1.0, 2.0, 3.0])
    for change in (
        {"value": witness.value * (1 + 1e-11)},
        {"value": None},
        {"value": "a"},
        {"q": math.nan},
        {"vector": np.zeros(3)},
        {"vector": np.full(3, np.nan)},
        {"q": 5.0},
    ):
        with pytest.raises(CertificateError):
            dataclasses.replace(witness, **change).verify(X)
        with pytest.raises(CertificateError):
            dataclasses.replace(witness, **change).verify(X, exact=True)


def test_any_radius_proves_the_same_bound():
    """The weights are powers of ‖x_i‖/radius, and the radius is put back at the end."""
    X = matrix()
    certificate = spectral_bound(X, 6, "row_norm")
    for factor in (1 + 1e-9, 1 + 5e-7):
        # λ scales like radius^−(q−2).
        moved = dataclasses.replace(
            certificate, radius=certificate.radius * factor, values=(certificate.values[0] / factor**4 * (1 + 1e-12),)
        )
        for exact in (False, True):
            assert moved.verify(X, exact=exact).upper == pytest.approx(certificate.upper, rel=1e-11)


@pytest.mark.parametrize("radius", [5e-324, 1e-200, 0.1, 1.0, 2.5, 1e300])
@pytest.mark.parametrize("q", [4.0, 6.0, 1e6])
def test_a_radius_far_from_the_longest_row_is_refused(radius, q):
    """A tiny one would make weights infinite, and a bound would follow from nothing."""
    X = matrix()
    certificate = spectral_bound(X, q, "row_norm")
    for value in (1e-200, 1.0, 1e9, 1e300):
        for exact in (False, True):
            with pytest.raises(CertificateError, match="radius"):
                dataclasses.replace(certificate, radius=radius, values=(value,)).verify(X, exact=exact)


def test_weights_that_overflow_are_refused_by_the_proofs_themselves():
    rows = Rows(matrix())
    with precision():
        with pytest.raises(CertificateError, match="too large"):
            reweight(rows, Fraction(4), 1e-300)
        with pytest.raises(CertificateError, match="too large"):
            ExactRows(rows, Fraction(4), 1e-300)
    with pytest.raises(CertificateError, match="finite"):
        DyadicMatrix.from_floats(np.array([[math.inf]]))


def test_a_tiny_vector_does_not_hide_the_rounding_error():
    x = np.full(4000, (1.001 * 2.0**-53) ** 0.5)
    x[:8] = 1
    rows = Rows(x[None])
    length = math.sqrt(math.fsum(x**2))
    for scale in (1.0, 1e-170, 1e-300, 1e300):
        assert attained_value(rows, x * scale, 4) <= length * (1 + 1e-15)


def test_a_valid_witness_passes_in_every_storage():
    """The order of summation differs; where terms cancel, the last places of the value do too."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        X = rng.standard_normal((1, 30))
        v = rng.standard_normal(30)
        v -= (X[0] @ v) / (X[0] @ X[0]) * X[0]
        for first, second in ((X, sp.csr_array(X)), (sp.csr_array(X), X)):
            Witness.from_vector(first, v).verify(second)
            Witness.from_vector(first, v).verify(second, exact=True)


@pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux", reason="sets the processor's mode by hand"
)
def test_nothing_is_proved_in_another_rounding_mode():
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    X = matrix()
    certificate, witness = spectral_bound(X, 4), Witness.from_vector(X, np.ones(3))
    for mode in (0x400, 0x800, 0xC00):  # down, up, toward zero
        library.fesetround(mode)
        try:
            for check in (certificate.verify, witness.verify):
                for exact in (False, True):
                    with pytest.raises(CertificateError, match="round to nearest"):
                        check(X, exact=exact)
        finally:
            library.fesetround(0)
    assert certificate.verify(X).upper > 0


def test_verification_in_several_threads_leaves_the_precision_as_it_was():
    X = matrix()
    certificate = spectral_bound(X, 3.7)
    before = flint.ctx.prec
    with ThreadPoolExecutor(4) as pool:
        uppers = set(pool.map(lambda _: certificate.verify(X).upper, range(40)))
    assert len(uppers) == 1
    assert flint.ctx.prec == before


@pytest.mark.parametrize("vector", [[1.0], "abc", [0, 0, 0], [np.nan, 1, 1], np.ones((1, 3))])
def test_bad_vectors_are_named(vector):
    with pytest.raises(ValueError, match="vector"):
        Witness.from_vector(matrix(), vector)


@pytest.mark.parametrize("entry", [np.inf, -np.inf, np.nan])
def test_a_vector_of_a_witness_is_finite(entry):
    with pytest.raises(ValueError, match="finite and not zero"):
        Witness.from_vector(matrix(), [entry, 1.0, 1.0])
