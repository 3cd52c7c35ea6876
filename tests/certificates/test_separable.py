"""Separable certificates and product states: what they prove, and that nothing forged proves less than is attained."""

import dataclasses
import io
import math
import zipfile
from fractions import Fraction

import numpy as np
import pytest

from hypernorm import CertificateError, InvalidInputError, Rigor, load_certificate
from hypernorm.certificates.product_state import ProductState
from hypernorm.certificates.separable import SeparableCertificate
from hypernorm.datasets.states import tiles
from hypernorm.forms.product import ProductForm, gram_sides
from hypernorm.separable.value import separable_value
from tests.oracles.product_states import evaluate, monomials, multiplicities, random_hermitian, value

CASES = {
    "complex, level 1": (random_hermitian(6, np.random.default_rng(1)), (2, 3), "complex", 1),
    "complex, level 2": (random_hermitian(4, np.random.default_rng(2)), (2, 2), "complex", 2),
    "real matrix, complex, level 1": (random_hermitian(9, np.random.default_rng(3), real=True), (3, 3), "complex", 1),
    "real, level 1": (random_hermitian(6, np.random.default_rng(4), real=True), (3, 2), "real", 1),
    "tiles, real, level 2": (tiles().matrix, (3, 3), "real", 2),
    "negative, level 1": (random_hermitian(4, np.random.default_rng(5)) - 20 * np.eye(4), (2, 2), "complex", 1),
}
EDITS = 40


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    M, dims, field, level = CASES[request.param]
    return M, separable_value(M, dims, field=field, level=level, random_state=0)


def verdict(certificate, M, exact):
    """The proved bound, or None if the certificate is rejected, always in one line."""
    try:
        return certificate.verify(M, exact=exact).upper
    except CertificateError as error:
        return _one_line(error)


def _one_line(error):
    assert "\n" not in str(error)


def check(certificate, M, lower):
    """Verify both ways; return whether the edit was accepted."""
    floating, exact = verdict(certificate, M, False), verdict(certificate, M, True)
    assert (floating is None) == (exact is None)
    for upper in (floating, exact):
        assert upper is None or upper >= lower
    return floating is not None


def test_both_arithmetics_prove_what_is_claimed(case):
    M, interval = case
    certificate = interval.certificate
    for exact, rigor in ((False, Rigor.FLOATING_POINT), (True, Rigor.EXACT)):
        verified = certificate.verify(M, exact=exact)
        assert verified.upper == certificate.upper == interval.upper
        assert verified.rigor is rigor
    assert interval.is_exact()


def test_a_certificate_is_checked_by_numpy_alone(case):
    """docs/theory/separable_states.md: definiteness, and the identity at random vectors."""
    M, interval = case
    certificate = interval.certificate
    a, b = certificate.dims
    rng = np.random.default_rng(6)
    total = 2.0**certificate.exponent * sum(certificate.values)
    assert certificate.upper == pytest.approx(total, rel=1e-14)
    for _ in range(5):
        x, y = (rng.standard_normal(d) + (certificate.field == "complex") * 1j * rng.standard_normal(d) for d in (a, b))
        x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
        z = [monomials(x, y, certificate.level, j) for j in range(len(certificate.matrices))]
        assert 2.0**certificate.exponent * evaluate(z, certificate.matrices) == pytest.approx(value(M, x, y), abs=1e-10)
    for part, (bound, H) in enumerate(zip(certificate.values, certificate.matrices, strict=True)):
        diagonal = np.diag(multiplicities((a, b), certificate.level, part))
        assert np.linalg.eigvalsh(bound * diagonal - H)[0] > -1e-12


def test_lowered_values(case):
    """λ below what the matrices need is rejected; at or above it may stand."""
    M, interval = case
    certificate, rng = interval.certificate, np.random.default_rng(0)
    scale = interval.unit * 2.0**-certificate.exponent
    accepted = []
    for _ in range(EDITS):
        values = list(certificate.values)
        values[rng.integers(len(values))] -= scale * 10.0 ** rng.uniform(-5, 1)
        accepted.append(check(dataclasses.replace(certificate, values=tuple(values)), M, interval.lower))
    assert not any(accepted)


def test_raised_values_still_prove_a_weaker_bound(case):
    M, interval = case
    certificate = interval.certificate
    for more in (1e-9, 1.0, 1e6, 1e200):
        weaker = dataclasses.replace(certificate, values=tuple(value + more for value in certificate.values))
        assert check(weaker, M, interval.lower)
        assert weaker.verify(M).upper >= interval.upper


def test_altered_matrices(case):
    M, interval = case
    certificate, rng = interval.certificate, np.random.default_rng(1)
    rejected = 0
    for _ in range(EDITS):
        matrices = [H.copy() for H in certificate.matrices]
        place = rng.integers(len(matrices))
        H = matrices[place]
        i, j = rng.integers(len(H), size=2)
        edit, size = rng.integers(6), 10.0 ** rng.uniform(-10, 2)
        if edit == 0:
            H[i, j] += size
            H[j, i] = H[i, j].conj()
        elif edit == 1:
            H *= -1
        elif edit == 2:
            direction = rng.standard_normal(len(H))
            H -= size * np.outer(direction, direction)
        elif edit == 3:
            H[i] = H[:, i] = 0
        elif edit == 4:
            H[:] = np.eye(len(H)) * size
        else:
            H *= 10.0 ** rng.uniform(-300, 290)
        H += H.conj().T
        H /= 2
        rejected += not check(dataclasses.replace(certificate, matrices=tuple(matrices)), M, interval.lower)
    assert rejected > EDITS / 2


def test_matrices_and_values_altered_together(case):
    """Other matrices with the best values for them, and all of it claimed to be less."""
    M, interval = case
    certificate, rng = interval.certificate, np.random.default_rng(2)
    for _ in range(EDITS // 4):
        matrices, values = [], []
        for part, H in enumerate(certificate.matrices):
            G = random_hermitian(len(H), rng, real=H.dtype == np.float64) * 10.0 ** rng.uniform(-3, 1)
            weights = np.sqrt(multiplicities(certificate.dims, certificate.level, part))
            matrices.append(H + G)
            top = np.linalg.eigvalsh((H + G) / np.outer(weights, weights))[-1]
            values.append(float(top) + 1e-9)
        forged = dataclasses.replace(certificate, values=tuple(values), matrices=tuple(matrices))
        assert not check(forged, M, interval.lower)  # what is left over is missing from the values
        honest = (values[0] + 1e3, *values[1:])  # enough for it
        assert check(dataclasses.replace(forged, values=honest), M, interval.lower)


@pytest.mark.parametrize("size", [0.0, 1e-320, 1e-200, 1e-100, 1e-17])
def test_numbers_too_small_to_square_prove_nothing(size):
    """λ and H that vanish when squared, for the identity, whose value is one."""
    form = ProductForm(np.eye(4), (2, 2), "complex")
    for H in (np.zeros((4, 4)), size * np.ones((4, 4)), -size * np.eye(4)):
        for values in ((size, size), (size, 2 * size), (2 * size, size)):
            forged = SeparableCertificate(
                dims=(2, 2), field="complex", level=1, fingerprint=form.fingerprint, exponent=form.exponent,
                values=values, matrices=(H, H),
            )  # fmt: skip
            assert not check(forged, np.eye(4), 1.0)
            # The same matrices beside the right one: λI − H_1 must really be definite.
            beside = dataclasses.replace(forged, matrices=(form.matrix, H), values=(0.5, values[1]))
            check(beside, np.eye(4), 0.5 * 2**form.exponent - 1e-9)


def replaced(**changes):
    return lambda certificate: dataclasses.replace(certificate, **changes)


def with_matrix(change):
    return lambda certificate: dataclasses.replace(
        certificate, matrices=(change(certificate.matrices[0]), *certificate.matrices[1:])
    )


BROKEN = {
    "NaN value": replaced(values=(np.nan, 0.0)),
    "infinite value": replaced(values=(np.inf, 0.0)),
    "integer value": replaced(values=(5, 5)),
    "one value": replaced(values=(5.0,)),
    "list of values": replaced(values=[5.0, 5.0]),
    "other exponent": replaced(exponent=-3),
    "huge exponent": replaced(exponent=10**6),
    "exponent of float": replaced(exponent=1.0),
    "level zero": replaced(level=0),
    "level nine": replaced(level=9),
    "level two": replaced(level=2),
    "true for a level": replaced(level=True),
    "real field": replaced(field="real"),
    "unknown field": replaced(field="rational"),
    "other dimensions": replaced(dims=(4, 1)),
    "dimensions of floats": replaced(dims=(2.0, 2)),
    "three dimensions": replaced(dims=(2, 2, 1)),
    "list of matrices": lambda certificate: dataclasses.replace(certificate, matrices=list(certificate.matrices)),
    "too few matrices": lambda certificate: dataclasses.replace(certificate, matrices=certificate.matrices[:1]),
    "matrices exchanged for None": replaced(matrices=(None, None)),
    "NaN in a matrix": with_matrix(lambda H: H * np.nan),
    "not Hermitian": with_matrix(lambda H: H + np.triu(np.full(H.shape, 1e-15), 1)),
    "imaginary diagonal": with_matrix(lambda H: H + 1e-15j * np.eye(len(H))),
    "single precision": with_matrix(lambda H: H.astype(np.complex64)),
    "masked": with_matrix(lambda H: np.ma.masked_array(H, np.eye(len(H)))),
    "np.matrix": with_matrix(lambda H: H.view(np.matrix)),
    "smaller": with_matrix(lambda H: H[:-1, :-1]),
}


@pytest.mark.parametrize("change", BROKEN)
def test_broken_certificates_are_refused(change):
    M, dims, field, _ = CASES["complex, level 2"]
    certificate = separable_value(M, dims, field=field, level=1, random_state=0).certificate
    broken = BROKEN[change](certificate)
    for exact in (False, True):
        with np.errstate(invalid="ignore"), pytest.raises((CertificateError, InvalidInputError)):
            broken.verify(M, exact=exact)


def test_other_matrices_are_refused(case):
    M, interval = case
    other = M.copy()
    other[0, 0] = np.nextafter(other[0, 0].real, np.inf)
    for made in (interval.certificate, interval.witness):
        with pytest.raises(CertificateError, match="another matrix"):
            made.verify(other)
        with pytest.raises(CertificateError, match="another matrix"):
            made.verify(np.eye(len(M) + 1))
        with pytest.raises(InvalidInputError, match="shape"):
            made.verify(np.ones((len(M), len(M) + 1)))
        with pytest.raises(InvalidInputError, match="shape"):
            made.verify(np.ones((len(M) + 1, len(M))))


def test_files_give_back_what_was_saved(case, tmp_path):
    M, interval = case
    path = tmp_path / "certificate.npz"
    interval.certificate.save(path)
    loaded = load_certificate(path)
    assert repr(loaded) == repr(interval.certificate)
    for H, G in zip(loaded.matrices, interval.certificate.matrices, strict=True):
        np.testing.assert_array_equal(H, G)
        assert H.dtype == G.dtype
    assert loaded.verify(M).upper == interval.upper
    assert load_certificate(path).verify(M).upper == interval.upper


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


WRONG_MEMBERS = {
    "missing": ("level.npy", None, "missing"),
    "other kind": ("kind.npy", npy("sos"), "missing"),
    "newer version": ("format_version.npy", npy(np.int64(2)), "version 2"),
    "level nine": ("level.npy", npy(np.int64(9)), "level 9"),
    "other level": ("level.npy", npy(np.int64(2)), "shape"),
    "unknown field": ("field.npy", npy("rational"), "rational"),
    "negative dimensions": ("dims.npy", npy(np.array([-2, -2])), "dimensions"),
    "huge dimensions": ("dims.npy", npy(np.array([2**19, 2**19])), "shape"),
    "far too huge dimensions": ("dims.npy", npy(np.array([2**40, 1])), "dimensions"),
    "exponent out of range": ("exponent.npy", npy(np.int64(10**6)), "exponent"),
    "NaN value": ("values.npy", npy(np.array([np.nan, 1.0])), "finite"),
    "NaN in a matrix": ("matrix_1.npy", npy(np.full(10, np.nan)), "finite"),
    "imaginary diagonal": ("matrix_1.npy", npy(np.full(10, 1j)), "Hermitian"),
    "matrix of objects": ("matrix_1.npy", npy(np.array([1.0] * 10, dtype=object)), "type"),
    "matrix as square": ("matrix_0.npy", npy(np.eye(4)), "shape"),
    "extra member": ("evil.npy", npy(1.0), "unexpected"),
}


@pytest.mark.parametrize("wrong", WRONG_MEMBERS)
def test_wrong_members_are_refused(wrong, tmp_path):
    M, dims, field, _ = CASES["complex, level 2"]
    path = tmp_path / "certificate.npz"
    separable_value(M, dims, field=field, level=1, random_state=0).certificate.save(path)
    name, data, words = WRONG_MEMBERS[wrong]
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    if data is None:
        del members[name]
    else:
        members[name] = data
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    with pytest.raises(CertificateError, match=words):
        load_certificate(path)


def test_truncated_and_missing_files(tmp_path):
    M, dims, field, _ = CASES["complex, level 1"]
    path = tmp_path / "certificate.npz"
    certificate = separable_value(M, dims, field=field, level=1, random_state=0).certificate
    certificate.save(path)
    data = path.read_bytes()
    for length in range(0, len(data), 97):
        path.write_bytes(data[:length])
        with pytest.raises(CertificateError):
            load_certificate(path)
    with pytest.raises(InvalidInputError, match="nothing"):
        load_certificate(tmp_path / "nothing.npz")
    with pytest.raises(InvalidInputError, match="Cannot write"):
        certificate.save(tmp_path / "no" / "folder.npz")


def exact_value(M, x, y):
    """⟨x⊗y, M (x⊗y)⟩ / (‖x‖²‖y‖²) in rational arithmetic, for the Hermitian matrix as stored."""

    def parts(array):
        array = np.asarray(array, dtype=complex)
        return [(Fraction(z.real), Fraction(z.imag)) for z in array.ravel().tolist()]

    def times(p, q):
        return p[0] * q[0] - p[1] * q[1], p[0] * q[1] + p[1] * q[0]

    z = [times(p, q) for p in parts(x) for q in parts(y)]
    entries = parts(M)
    total = Fraction(0)
    for row, left in enumerate(z):
        for column, right in enumerate(z):
            total += times(times((left[0], -left[1]), entries[row * len(z) + column]), right)[0]
    return total / sum(p[0] ** 2 + p[1] ** 2 for p in z)


@pytest.mark.parametrize("scale", [1.0, 1e-160, 1e300])
@pytest.mark.parametrize("real", [False, True])
def test_product_states_prove_the_exact_value_rounded_down(scale, real):
    rng = np.random.default_rng(8)
    for shift in (-5, 0, 5):
        M = random_hermitian(6, rng, real) + shift * np.eye(6)
        M = np.ldexp(M.real, 0) * scale + (0 if real else 1j * M.imag * scale)
        x, y = (rng.standard_normal(d) + (0 if real else 1j * rng.standard_normal(d)) for d in (2, 3))
        state = ProductState.from_vectors(M, 1e3 * x, 1e-3 * y, "real" if real else "complex")
        exact = exact_value(M, state.x, state.y)
        assert Fraction(state.value) <= exact <= Fraction(state.value) + Fraction(abs(state.value)) * Fraction(1, 2**51)
        assert state.value == pytest.approx(value(M, x, y), rel=1e-11)
        assert state.verify(M).lower == state.value


@pytest.mark.parametrize(("M", "claimed"), [(np.diag([1.0, 2, 3, 4]), math.nextafter(4, 9)), (None, 3e-16)])
def test_product_states_that_claim_more_in_the_last_digit_are_refused(M, claimed):
    if M is None:
        M = np.diag([-1.0, -1, -1, 0])
        M[0, 1] = 1e-17  # not quite symmetric: the value is within the error of zero
    state = ProductState.from_vectors(M, [0, 1], [0, 1])
    assert state.verify(M).lower == state.value
    with pytest.raises(CertificateError, match="attains"):
        dataclasses.replace(state, value=claimed).verify(M)


def test_product_states_that_claim_too_much_are_refused(case):
    M, interval = case
    state = interval.witness
    for more in (1e-12 * interval.unit, 1.0, np.inf, np.nan):
        with pytest.raises(CertificateError, match="claims"):
            dataclasses.replace(state, value=state.value + more).verify(M)
    weaker = dataclasses.replace(state, value=state.value - 1.0)
    assert weaker.verify(M).lower == state.value
    for x in (np.zeros_like(state.x), np.full_like(state.x, np.nan), state.x[None]):
        with pytest.raises(CertificateError, match=r"broken|finite"):
            dataclasses.replace(state, x=x).verify(M)


@pytest.mark.parametrize(
    ("x", "y", "field", "words"),
    [
        ([0, 0], [1, 0], "complex", "x must be finite and not zero"),
        ([1, 0], [np.inf, 0], "complex", "y must be finite"),
        ([1, 0], [[1, 0]], "complex", "one-dimensional"),
        ([1, 1j], [1, 0], "real", "must be real"),
        (["a", "b"], [1, 0], "complex", "x must be numbers"),
        ([1, 0, 0], [1, 0], "complex", "shape"),
        ([], [1, 0], "complex", "empty"),
    ],
)
def test_bad_vectors_are_named(x, y, field, words):
    with pytest.raises(InvalidInputError, match=words):
        ProductState.from_vectors(np.eye(4), x, y, field)


def test_sizes_of_the_gram_matrices():
    assert gram_sides((8, 8), 1, "complex") == (64, 64)
    assert gram_sides((8, 8), 2, "complex") == (288, 512, 288)
    assert gram_sides((4, 3), 3, "real") == (40,)
