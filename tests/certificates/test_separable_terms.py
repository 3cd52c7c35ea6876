"""Error terms and boundaries of separable certificates, in fractions and for values known in closed form."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

from hypernorm import Rigor
from hypernorm.certificates import SeparableCertificate, separable
from hypernorm.certificates.rounding import SAFETY, TINY, UNIT
from hypernorm.exceptions import CertificateError
from hypernorm.forms.product import ProductClasses, ProductForm
from hypernorm.separable import separable_value
from tests.oracles.exact import U, exact_gamma, fractions, is_just_above, root


def certificate_of(form, values, matrices):
    return SeparableCertificate(
        dims=(2, 2), field=form.field, level=1, fingerprint=form.fingerprint, exponent=form.exponent, values=values,
        matrices=tuple(matrices),
    )  # fmt: skip


def hermitian(size, real, seed=0):
    A = np.random.default_rng(seed).standard_normal((2, size, size))
    A = A[0] + (0 if real else 1j) * A[1]
    return (A + A.conj().T) / 2


def multiplicities(classes):
    return [part.multiplicities.tolist() for part in classes.parts]


@pytest.mark.parametrize(
    ("dims", "level", "field"), [((2, 2), 1, "complex"), ((2, 2), 2, "complex"), ((2, 3), 2, "real")]
)
def test_the_rest_is_bounded_with_its_rounding(dims, level, field):
    real = field == "real"
    form = ProductForm(hermitian(dims[0] * dims[1], real), dims, field)
    classes = ProductClasses(dims, level, field)
    matrices = tuple(
        hermitian(len(part.multiplicities), real, seed) / 8 for seed, part in enumerate(classes.parts, start=1)
    )
    rest, sizes, depth = (np.full(classes.count, Fraction(0)) for _ in range(3))
    imaginary = rest.copy()
    for sign, A, sums in [(1, form.matrix, classes.coefficients)] + [
        (-1, H, lambda entries, part=part: classes.sums(part, entries))
        for part, H in zip(classes.parts, matrices, strict=True)
    ]:
        rest = rest + sign * sums(fractions(np.real(A)))
        imaginary = imaginary + sign * sums(fractions(np.imag(A)))
        sizes = sizes + sums(fractions(np.abs(A)))
        depth = depth + sums(fractions(np.ones(A.shape)))
    errors = 2 * exact_gamma(int(max(depth)) + len(matrices) + 8) * sizes
    moduli = np.array([root(a**2 + b**2) for a, b in zip(rest, imaginary, strict=True)], dtype=object)
    granted = Fraction(SAFETY) * root(sum((moduli + errors) ** 2 / fractions(classes.multinomials.astype(float))))
    assert is_just_above(separable._rounded_rest(form, classes, matrices), granted, Fraction(1, 10**12))
    exact = root(sum((rest**2 + imaginary**2) / fractions(classes.multinomials.astype(float))))
    assert exact <= Fraction(separable._exact_rest(form, classes, matrices)) <= exact * (1 + 8 * U)


@pytest.mark.parametrize("field", ["complex", "real"])
@pytest.mark.parametrize("left", [0.0, 2.0**-50, -(2.0**-50)])
def test_nothing_is_left_over_but_the_rounding(field, left):
    """The matrix itself as the Gram matrix of level one, or nearly: the error term is all there is, or half of it."""
    sign = np.diag([1.0, -1.0, 0.5, -0.25])
    sign[0, 3] = sign[3, 0] = -0.5
    form = ProductForm(sign, (2, 2), field)
    classes = ProductClasses((2, 2), 1, field)
    H = [form.matrix.astype(complex) if field == "complex" else form.matrix]
    H[0] = H[0] - np.diag([left, 0.0, 0.0, 0.0])
    H += [np.zeros((len(part.multiplicities),) * 2) for part in classes.parts[1:]]
    found = separable._rounded_rest(form, classes, tuple(H))
    ones = [classes.coefficients(fractions(np.ones((4, 4))))]
    ones += [classes.sums(part, fractions(np.ones((len(part.multiplicities),) * 2))) for part in classes.parts]
    sizes = classes.coefficients(fractions(np.abs(form.matrix))) + classes.sums(
        classes.parts[0], fractions(np.abs(H[0].real))
    )
    rest = classes.coefficients(fractions(form.matrix)) - classes.sums(classes.parts[0], fractions(H[0].real))
    errors = 2 * exact_gamma(int(max(sum(ones))) + len(H) + 8) * sizes
    granted = Fraction(SAFETY) * root(sum((abs(rest) + errors) ** 2 / fractions(classes.multinomials.astype(float))))
    assert is_just_above(found, granted)
    assert abs(left) <= separable._exact_rest(form, classes, tuple(H)) <= abs(left) * (1 + 1e-15)


@pytest.mark.parametrize("imaginary", [False, True])
def test_what_is_left_over_of_one_entry(imaginary):
    """Only real or only imaginary parts differ, by amounts of different scales."""
    M = np.diag([1.0, 2.0, 3.0, 4.0]) + 0j
    form = ProductForm(M, (2, 2), "complex")
    classes = ProductClasses((2, 2), 1, "complex")
    H = form.matrix.astype(complex)
    H[0, 1] += (1j if imaginary else 1) * 2.0**-60
    H[1, 0] = H[0, 1].conj()
    found = separable._exact_rest(form, classes, (H, np.zeros((4, 4))))
    # Two classes, each of whose multinomial is one or two.
    chosen = {classes.multinomials[classes.parts[0].classes[i, j]] for i, j in ((0, 1), (1, 0))}
    exact = Fraction(1, 2**60) * root(sum(Fraction(2, len(chosen)) / int(m) for m in chosen))
    assert exact <= Fraction(found) <= exact * (1 + 8 * U)


@pytest.mark.parametrize("scale", [2.0**-900, 1.0, 2.0**900])
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("twist", [0.0, 2.0**9])
@pytest.mark.parametrize(("value", "loss"), [(3.0, 0.25), (0.5, 0.0), (-2.0, 0.5)])
def test_the_domination_pays_for_the_rounding_of_its_diagonal(value, loss, twist, complex_, scale, monkeypatch):
    caught = []
    monkeypatch.setattr(separable, "is_proved_positive_definite", lambda A, error: caught.append((A, error)) or True)
    counts = np.array([1, 2, 6])
    H = scale * hermitian(3, not complex_)
    H[1, 1] = -7.0 * scale
    if twist:
        H = H + twist * scale * (np.array([[0, 1j, 0], [-1j, 0, 0], [0, 0, 0]]) if complex_ else np.eye(3)[::-1])
    assert separable._is_dominated(value * scale, loss * scale, counts, H)
    ((A, error),) = caught
    least = Fraction(math.nextafter((value - loss) * scale, -math.inf))
    largest = max(abs(least) * 6, Fraction(float(max(np.abs(H.real).max(), np.abs(H.imag).max()))))
    power = Fraction(2) ** -math.frexp(float(largest))[1]
    entries = fractions(np.block([[H.real, -H.imag], [H.imag, H.real]]) if complex_ else H) * power
    diagonal = least * power * np.tile(fractions(counts.astype(float)), 2 if complex_ else 1)
    own = 4 * U * (max(abs(diagonal)) + max(abs(np.diagonal(entries)))) + Fraction(TINY)
    assert is_just_above(error, Fraction(SAFETY) * own)
    difference = fractions(A) - (np.diag(diagonal) - entries)
    assert (difference[~np.eye(len(A), dtype=bool)] == 0).all()
    assert max(abs(np.diagonal(difference))) <= Fraction(error) / 2
    assert Fraction(1, 4) <= max(abs(fractions(A)).max(), own) <= 4


def test_the_domination_in_integers():
    counts, H = np.array([1, 2]), np.diag([0.5, 1.0])
    for value, loss, expected in [(1.0, 0.25, True), (1.0, 0.5, False), (0.75, 0.5, False), (0.5, 0.0, False)]:
        assert separable._is_dominated_exactly(value, loss, counts, H) is expected
        assert separable._is_dominated_exactly(value, loss, counts, H + 0j) is expected
        assert separable._is_dominated(value, loss, counts, H) is expected
        assert separable._is_dominated(value, loss, counts, H + 0j) is expected


def test_a_domination_without_size_is_refused():
    for value, H in [
        (0.0, np.zeros((2, 2))), (5e-324, np.zeros((2, 2))), (math.inf, np.eye(2)), (math.nan, np.eye(2)),
        (1.7e308, np.eye(2)), (-1.7e308, np.eye(2)),
    ]:  # fmt: skip
        with np.errstate(all="ignore"):
            assert separable._is_dominated(value, 0.0, np.array([2, 6]), H) is False


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150, 1e-300])
@pytest.mark.parametrize("least", [-1.0, 0.25])
@pytest.mark.parametrize("field", ["complex", "real"])
def test_the_least_value_that_is_accepted_is_above_the_truth(scale, least, field, exact):
    """Diagonal matrices: the best value is the largest entry, and the matrix itself its own Gram matrix."""
    M = scale * np.diag([least, 1.0, 0.75, 0.5])
    form = ProductForm(M, (2, 2), field)
    sides = (4, 4) if field == "complex" else (4,)
    H = tuple(form.matrix if index == 0 else np.zeros((side, side)) for index, side in enumerate(sides))
    truth = float(form.matrix.max())
    tiny = (2.0**-60,) * (len(sides) - 1)

    def accepted(value):
        certificate = certificate_of(form, (value, *tiny), H)
        try:
            return certificate.verify(M, exact=exact).upper
        except CertificateError:
            return None

    low, high = truth / 2, 2 * truth
    assert accepted(low) is None
    assert accepted(truth) is None
    assert accepted(high) >= scale
    while math.nextafter(low, high) < high:
        middle = (low + high) / 2
        low, high = (low, middle) if accepted(middle) else (middle, high)
    assert truth < high < truth * (1 + 1e-12)
    assert Fraction(accepted(high)) >= Fraction(scale)


@pytest.fixture(scope="module")
def honest():
    M = hermitian(4, False)
    return M, separable_value(M, (2, 2), random_state=0).certificate


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"level": 0}, "level"), ({"level": 9}, "level"), ({"exponent": 2101}, "exponent"),
        ({"exponent": -2101}, "exponent"), ({"dims": (2**20, 1)}, "dimensions"), ({"dims": (0, 2)}, "dimensions"),
        ({"dims": (2, 0)}, "dimensions"), ({"dims": (2, True)}, "dimensions"), ({"dims": [2, 2]}, "dimensions"),
        ({"values": (1.0, math.inf)}, "value"), ({"values": (math.nan, 1.0)}, "value"), ({"values": (1.0, 1)}, "value"),
        ({"field": "quaternionic"}, "field"), ({"exponent": 5}, "scale"), ({"dims": (4, 1)}, "values|matri|dim"),
    ],
)  # fmt: skip
def test_each_field_is_checked_by_itself(fields, words, honest):
    M, certificate = honest
    with pytest.raises(CertificateError, match=words):
        dataclasses.replace(certificate, **fields).verify(M)
    if fields not in ({"exponent": 5}, {"dims": (4, 1)}):  # good for another matrix
        with pytest.raises(CertificateError, match=words):
            _ = dataclasses.replace(certificate, **fields).upper


def test_the_ends_of_the_ranges_are_allowed(honest):
    _, certificate = honest
    one = dataclasses.replace(certificate, values=(1.0, 1.0))
    for exponent in (2100, -2100):
        assert dataclasses.replace(one, exponent=exponent).upper == (math.inf if exponent > 0 else 5e-324)
    assert dataclasses.replace(one, exponent=3).upper == math.nextafter(16.0, 17)
    assert dataclasses.replace(one, dims=(2**20 - 1, 1)).upper == dataclasses.replace(one, dims=(1, 1)).upper
    eight = dataclasses.replace(one, level=8, values=(1.0,) * 9, exponent=0)
    assert eight.upper == math.nextafter(9.0, 10)


def test_forms_are_those_of_the_certificate(honest):
    M, certificate = honest
    form = ProductForm(M, (2, 2), "complex")
    certificate.prove(form)
    for other in (None, ProductForm(2 * M, (2, 2), "complex"), ProductForm(M.real, (2, 2), "real"), M):
        with pytest.raises(CertificateError, match="other dimensions, another field"):
            certificate.prove(other)


def test_the_zero_matrix_has_the_value_zero():
    found = separable_value(np.zeros((4, 4)), (2, 2), random_state=0)
    assert found.certificate.verify(np.zeros((4, 4))).upper == 0.0
    assert found.certificate.verify(np.zeros((4, 4)), exact=True).upper == 0.0


@pytest.mark.parametrize("exact", [False, True])
def test_what_rounding_the_hermitian_part_changed_is_added(exact):
    M = np.diag([1.0, 0.5, 0.25, 0.125])
    M[0, 1] = 1e-11
    form = ProductForm(M, (2, 2), "real")
    certificate = certificate_of(form, (2.0,), (form.matrix,))
    found = certificate.verify(M, exact=exact).upper
    assert form.error > 0
    assert found >= 4.0 + Fraction(form.error) * 2
    assert found == pytest.approx(4.0, rel=1e-14)


@pytest.mark.parametrize("exact", [False, True])
def test_a_rest_that_overflows_proves_nothing(exact, monkeypatch):
    monkeypatch.setattr(separable, "_exact_rest" if exact else "_rounded_rest", lambda *arguments: math.inf)
    monkeypatch.setattr(separable, "_is_dominated_exactly" if exact else "_is_dominated", lambda *arguments: True)
    M = np.diag([1.0, 0.5, 0.25, 0.125])
    form = ProductForm(M, (2, 2), "real")
    certificate = certificate_of(form, (2.0,), (form.matrix,))
    with pytest.raises(CertificateError, match="not proved"):
        certificate.verify(M, exact=exact)


def test_each_arithmetic_uses_its_own_proofs(honest, monkeypatch):
    M, certificate = honest
    used = []
    for name in ("_exact_rest", "_rounded_rest", "_is_dominated_exactly", "_is_dominated"):
        original = getattr(separable, name)
        monkeypatch.setattr(separable, name, lambda *a, name=name, original=original: used.append(name) or original(*a))
    assert certificate.verify(M).rigor is Rigor.FLOATING_POINT
    assert set(used) == {"_rounded_rest", "_is_dominated"}
    used.clear()
    assert certificate.verify(M, exact=True).rigor is Rigor.EXACT
    assert set(used) == {"_exact_rest", "_is_dominated_exactly"}


@pytest.mark.parametrize("exact", [False, True])
def test_every_matrix_is_proved_and_the_rest_belongs_to_the_first(exact, honest, monkeypatch):
    M, certificate = honest
    asked = []

    def refuse_at(place):
        def dominated(value, loss, counts, H):
            asked.append((value, loss))
            return len(asked) - 1 != place

        return dominated

    for place in (0, 1):
        asked.clear()
        monkeypatch.setattr(separable, "_is_dominated_exactly" if exact else "_is_dominated", refuse_at(place))
        with pytest.raises(CertificateError, match=f"matrix {place} does not"):
            certificate.verify(M, exact=exact)
    assert [value for value, _ in asked] == list(certificate.values)
    assert asked[0][1] > 0
    assert asked[1][1] == 0.0
    assert float(U) == UNIT
