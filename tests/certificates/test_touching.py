"""Touching certificates: each rounding term against rational arithmetic, both proofs, tampering, hostile nodes."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm._validation import check_matrix
from hypernorm.bounds.propose import Search
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.touching import propose_touching, touching_degrees
from hypernorm.certificates import ReducedCertificate, TouchingCertificate, precision, touching
from hypernorm.certificates import exact as exact_proofs
from hypernorm.certificates.exact import ExactRows
from hypernorm.certificates.majorants import touching_nodes
from hypernorm.certificates.rounding import SAFETY, rational
from hypernorm.certificates.touching import touching_form, touching_majorants
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows, moment_matrix, second_moments
from hypernorm.forms.gram import GramClasses
from tests.oracles.exact import U, exact_gamma, fractions, is_just_above, norm, root

EDITS = 60


def propose(X, q, degree, seed=0, **options):
    search = Search(rtol=1e-6, rng=np.random.default_rng(seed), **options)
    return propose_touching(Reduction(Rows.identified(check_matrix(X))), q, degree, search)


def certificate_of(X, q=3.0, degree=4):
    proof = propose(X, q, degree).certificate
    assert type(proof) is TouchingCertificate
    return proof


def check(certificate, X, lower):
    """Whether a forged certificate is accepted; its bound must be true then."""
    try:
        found = certificate.verify(X)
    except CertificateError:
        return False
    assert found.upper >= lower
    return True


CASES = {
    "degree 4": (np.random.default_rng(1).standard_normal((12, 4)), 3.0, 4),
    "degree 4 above 4": (np.random.default_rng(2).standard_normal((12, 4)) * 1e-5, 5.5, 4),
    "degree 6": (np.random.default_rng(3).standard_normal((10, 3)) * 1e7, 4.75, 6),
    "degree 8": (np.random.default_rng(4).standard_normal((8, 2)), 2.5, 8),
    "zero rows": (np.vstack([np.zeros((2, 3)), np.random.default_rng(5).standard_normal((6, 3))]), 7.0, 6),
}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    X, q, degree = CASES[request.param]
    return X, certificate_of(X, q, degree), hn.lower_bound(X, q, random_state=0).value


def exact_form(X, weights, classes):
    """Coefficients of Σ_k ‖v‖^(2m−2k) Σ_i weights[k][i] ⟨x_i, v⟩^2k in rational arithmetic, by multiplying out."""
    d, m = classes.basis.dimension, classes.basis.degree
    indices, place = classes.basis.indices.tolist(), {}
    for part, first, second in classes.chunks():
        for c, a, b in zip(classes.classes[part].tolist(), first.tolist(), second.tolist(), strict=True):
            place[tuple(sorted(indices[a] + indices[b]))] = c
    result = [Fraction(0)] * classes.count
    for k, row_weights in enumerate(weights):
        for row, weight in zip(fractions(X), row_weights, strict=True):
            form = {(): Fraction(weight)}
            for factor in [{(j,): row[j] for j in range(d)}] * (2 * k) + [{(j, j): 1 for j in range(d)}] * (m - k):
                form = times(form, factor)
            for monomial, value in form.items():
                result[place[monomial]] += value
    return result


def times(one, two):
    """The product of two forms, dictionaries from monomials to coefficients."""
    result = {}
    for a, x in one.items():
        for b, y in two.items():
            monomial = tuple(sorted(a + b))
            result[monomial] = result.get(monomial, Fraction(0)) + x * y
    return result


FORMS = [(3.0, 4), (5.0, 4), (2.5, 6), (5.5, 6), (3.0, 8)]


def majorised(q, degree, seed, n=4):
    rng = np.random.default_rng(seed)
    rows = Rows(check_matrix(rng.standard_normal((n, 2)) * 10.0 ** rng.integers(-3, 1, (n, 1))))
    nodes = np.sort(rng.uniform(0.05, 0.95, (n, touching_nodes(q, degree).doubles)), axis=1)
    with precision():
        return rows, touching_majorants(rows, q, degree, nodes, float(rows.norms.max())), GramClasses(2, degree // 2)


@pytest.mark.parametrize(("q", "degree"), FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_the_computed_form_is_within_its_error_of_the_exact_one(q, degree, seed):
    rows, coefficients, classes = majorised(q, degree, seed)
    with precision():
        weights = [[Fraction(touching._total(coefficients[0]))] + [Fraction(0)] * 3, coefficients[1].tolist()]
        target, size, error = touching_form(rows, coefficients, classes)
        for k in range(2, degree // 2 + 1):
            signs = np.sign(coefficients[k])
            multipliers = [
                touching._weighted(rows, sign * coefficients[k], k, sign).multiplier if (signs == sign).any() else None
                for sign in (1, -1)
            ]
            roots = [multipliers[0 if sign > 0 else 1][i] for i, sign in enumerate(signs.tolist())]
            weights.append([int(s) * Fraction(r) ** (2 * k) for s, r in zip(signs.tolist(), roots, strict=True)])
            # The form that is proved has coefficients at least as large.
            assert all(w >= Fraction(c) for w, c in zip(weights[k], coefficients[k].tolist(), strict=True))
    exact = exact_form(rows.block(0, 4), weights, classes)
    differences = [Fraction(t) - e for t, e in zip(target.tolist(), exact, strict=True)]
    distance = root(sum(x * x / int(m) for x, m in zip(differences, classes.multinomials.tolist(), strict=True)))
    # `is_form_dominated` adds the rounding of the coefficients for matrices of this size.
    terms = math.comb(degree, degree // 2) + (degree // 2 - 1) * 3 + 20
    assert distance <= Fraction(error) + exact_gamma(terms) * Fraction(size)


@pytest.mark.parametrize(("q", "degree"), FORMS)
def test_the_exact_form_is_the_exact_one(q, degree, monkeypatch):
    monkeypatch.setattr(exact_proofs, "_BLOCK_ROWS", 3)
    rows, coefficients, classes = majorised(q, degree, 5)
    with precision():
        weights = [[Fraction(touching._total(coefficients[0]))] + [Fraction(0)] * 3, *coefficients[1:].tolist()]
        integers, exponent = touching._exact_form(ExactRows(rows, Fraction(0), 1.0), coefficients, classes)
    assert [value * Fraction(2) ** exponent for value in integers] == exact_form(rows.block(0, 4), weights, classes)


@pytest.mark.parametrize(("q", "degree"), FORMS)
def test_the_error_is_the_documented_one(q, degree, monkeypatch):
    rows, coefficients, classes = majorised(q, degree, 7)
    n, lengths = rows.shape[0], [norm(row) for row in rows.block(0, rows.shape[0])]
    with precision():
        _, size, error = touching_form(rows, coefficients, classes)
        weights = fractions(np.abs(coefficients))
        Q = second_moments(rows, coefficients[1]) + touching._total(coefficients[0]) * np.eye(2)
        sizes, granted = [norm(Q)], exact_gamma(n + 1 + 1 + 6) * (weights[1] @ lengths_power(lengths, 2))
        granted += 2 * U * sizes[0]
        for k in range(2, degree // 2 + 1):
            granted += exact_gamma(n + 1 + 2 * (k + 4) + 2 * k) * (weights[k] @ lengths_power(lengths, 2 * k))
            sign = 1 if coefficients[k, 0] > 0 else -1
            sizes.append(norm(moment_matrix(touching._weighted(rows, sign * coefficients[k], k, sign), k)))
    assert is_just_above(size, sum(sizes))
    assert is_just_above(error, Fraction(SAFETY) * granted + exact_gamma(degree + 2) * sum(sizes), Fraction(1, 10**6))


def lengths_power(lengths, power):
    return np.array([length**power for length in lengths], dtype=object)


def test_the_error_of_the_form_enters_the_proof(monkeypatch):
    X, q, degree = CASES["degree 4"]
    proof = certificate_of(X, q, degree)
    normal = touching.touching_form
    proof = dataclasses.replace(proof, value=proof.value * (1 + 1e-9))
    for moved, accepted in ((1e-12, True), (0.1, False)):
        monkeypatch.setattr(touching, "touching_form", lambda *a, m=moved: (*normal(*a)[:2], normal(*a)[2] + m))
        assert check(proof, X, 0.0) is accepted


@pytest.mark.parametrize("exact", [False, True])
def test_lengths_are_rounded_up(exact, monkeypatch):
    X, q, degree = CASES["zero rows"]
    proof, seen, normal = certificate_of(X, q, degree), [], touching.majorants
    monkeypatch.setattr(touching, "majorants", lambda *arguments: seen.append(arguments[3]) or normal(*arguments))
    proof.verify(X, exact=exact)
    for square, row in zip(seen[0], fractions(Rows(check_matrix(X)).block(0, len(X))), strict=True):
        assert 0 <= Fraction(square) - row @ row <= (row @ row) * 12 * U


def test_rows_of_any_weight_are_measured():
    rows, coefficients, _ = majorised(3.0, 4, 1)
    with precision():
        assert touching._weighted(rows, coefficients[2], 2, 1) is not None
        assert touching._weighted(rows, 0 * coefficients[2], 2, 1) is None
        for row in range(4):
            huge = coefficients[2].copy()
            huge[row] = 1e300
            with pytest.raises(CertificateError, match="too small"):
                touching._weighted(rows, huge, 2, 1)


def test_both_arithmetics_agree(case):
    X, proof, lower = case
    floating_point, exact = proof.verify(X), proof.verify(X, exact=True)
    assert (floating_point.rigor, exact.rigor) == (hn.Rigor.FLOATING_POINT, hn.Rigor.EXACT)
    assert lower <= exact.upper
    assert floating_point.upper == pytest.approx(exact.upper, rel=1e-12)
    assert proof.upper == pytest.approx(exact.upper, rel=1e-12)
    assert exact.upper < 1.02 * lower


@pytest.mark.parametrize("q", [2.5, 3.0, 5.0, 7.0, 9.0])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_closed_forms(q, d):
    """The identity has the norm 1, a matrix of rank one the product of the lengths, one column its length."""
    for X, truth in (
        (np.eye(d), 1.0),
        (
            np.outer([1.0, -2.0, 0.5], np.arange(1.0, d + 1)),
            np.linalg.norm([1, 2, 0.5], q) * np.linalg.norm(range(d + 1)),
        ),
        (np.array([[3.0], [4.0]]), np.linalg.norm([3, 4], q)),
    ):
        degree = touching_degrees(q, X.shape)[0]
        proof = propose(X, q, degree).certificate
        for exact in (False, True):
            assert truth <= proof.verify(X, exact=exact).upper <= truth * (1 + 1e-5)


def test_a_matrix_of_zeros_has_norm_zero():
    proof = propose(np.zeros((3, 2)), 3.0, 4).certificate
    assert proof.verify(np.zeros((3, 2))).upper == proof.verify(np.zeros((3, 2)), exact=True).upper == 0.0
    assert proof.upper == 0.0
    with pytest.raises(CertificateError):
        proof.verify(np.ones((3, 2)))


def test_wide_matrices_are_reduced():
    X = np.random.default_rng(0).standard_normal((3, 9))
    proof = propose(X, 3.0, 6).certificate
    assert type(proof) is ReducedCertificate
    assert type(proof.norm) is TouchingCertificate
    lower = hn.lower_bound(X, 3.0, random_state=0).value
    for exact in (False, True):
        assert lower <= proof.verify(X, exact=exact).upper < lower * (1 + 1e-4)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_every_storage_has_the_same_proof(scale, tmp_path):
    X = np.random.default_rng(6).standard_normal((9, 3)) * (np.random.default_rng(7).random((9, 3)) < 0.8) * scale
    proof = certificate_of(X, 3.5)
    bound = proof.verify(X).upper
    assert proof.verify(sp.csr_array(X)).upper == pytest.approx(bound, rel=1e-14)
    np.save(tmp_path / "X.npy", X)
    assert proof.verify(np.load(tmp_path / "X.npy", mmap_mode="r")).upper == bound
    chunks = pytest.importorskip("dask.array").from_array(X, chunks=(4, 3))
    assert proof.verify(chunks).upper == pytest.approx(bound, rel=1e-14)


def test_what_scaling_flushes_is_part_of_the_bound(monkeypatch):
    X = np.array([[1024.0, 0.0], [0.0, 1024.0], [3 * 2.0**-1074, 0.0]])
    proof, moved, normal = certificate_of(X, 3.0), [], TouchingCertificate._combined
    monkeypatch.setattr(TouchingCertificate, "_combined", lambda self, more: moved.append(more) or normal(self, more))
    proof.verify(X)
    proof.verify(X, exact=True)
    certificate_of(X[:2], 3.0).verify(X[:2])
    assert [float(more) for more in moved[:2]] == pytest.approx([2.0**-1074 * 6**0.5] * 2, abs=2.0**-1074)
    assert moved[2:]
    assert all(more == 0 for more in moved[2:])  # certain for a ball only if it is exactly zero


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 1.7])
def test_the_bound_is_the_root_of_the_value(value, case):
    _, proof, _ = case
    changed, scale = dataclasses.replace(proof, value=value), 2.0**proof.exponent
    assert changed.upper == pytest.approx(scale * proof.radius * value ** (1 / proof.q), rel=1e-15)
    assert (changed.claim.value, changed.claim.is_upper) == (changed.upper, True)
    with precision():
        assert changed._combined(rational(0.25)) == pytest.approx(changed.upper + 0.25 * scale, rel=1e-15)


def test_the_radius_is_the_length_of_the_longest_row(case):
    X, proof, _ = case
    for factor in (1 - 2e-6, 1 + 2e-6, 0.5, 2.0):
        with pytest.raises(CertificateError, match="longest row"):
            dataclasses.replace(proof, radius=proof.radius * factor, value=proof.value * 1e3).verify(X)
    for factor in (1 - 0.9e-6, 1 + 0.9e-6):
        assert check(dataclasses.replace(proof, radius=proof.radius * factor, value=proof.value * 1.01), X, 0.0)


def test_lowered_values_are_refused(case):
    X, proof, lower = case
    rng = np.random.default_rng(0)
    for _ in range(EDITS):
        forged = dataclasses.replace(proof, value=proof.value * (1 - 10.0 ** rng.uniform(-6, -0.01)))
        assert not check(forged, X, lower)
    for factor in (1 + 1e-9, 2.0, 1e100):
        assert check(dataclasses.replace(proof, value=proof.value * factor), X, lower)


def test_altered_nodes_prove_the_truth_or_nothing(case):
    X, proof, lower = case
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(EDITS):
        nodes = proof.nodes.copy()
        if rng.random() < 0.5:
            nodes[rng.integers(len(nodes))] *= 10.0 ** rng.uniform(-9, 0)
        else:
            nodes = np.clip(nodes * 10.0 ** rng.uniform(-1, 1, nodes.shape), 1e-12, 0.999999)
        factor = 10.0 ** rng.uniform(-9, 2)
        refused += not check(dataclasses.replace(proof, nodes=nodes, value=proof.value * (1 + factor)), X, lower)
    assert refused > 5


@pytest.mark.parametrize(
    "entry", [0.0, -0.5, 1.0, 1.5, math.nan, math.inf, -math.inf, 5e-324, 1e-300, 1e-30, 1 - 2.0**-53, "equal"]
)
def test_hostile_nodes(entry, case):
    X, proof, lower = case
    row = len(X) - 1
    nodes = proof.nodes.copy()
    nodes[row] = 0.5 if entry == "equal" else entry
    for value in (proof.value, proof.value * 1e12):
        forged = dataclasses.replace(proof, nodes=nodes, value=value)
        accepted = check(forged, X, lower)
        if entry != "equal" and not 0 < entry < 1:
            assert not accepted
        if entry == "equal" and nodes.shape[1] == 2:
            assert not accepted


def test_altered_matrices(case):
    X, proof, lower = case
    rng = np.random.default_rng(3)
    (H,) = proof.matrices
    refused = 0
    for _ in range(EDITS):
        changed = H.copy()
        i, j = rng.integers(len(H), size=2)
        edit = rng.integers(4)
        if edit == 0:
            changed[i, j] += 10.0 ** rng.uniform(-10, 2)
        elif edit == 1:
            changed *= rng.uniform(-1, 1)
        elif edit == 2:
            changed[i] = changed[:, i] = 0
        else:
            changed = np.eye(len(H)) * 10.0 ** rng.uniform(-300, 290)
        changed = np.tril(changed) + np.tril(changed, -1).T
        refused += not check(dataclasses.replace(proof, matrices=(changed,)), X, lower)
    assert refused > EDITS / 4


def test_fields_that_contradict_one_another_are_refused(case):
    X, proof, _ = case
    for change in (
        {"q": 4.0},
        {"q": 2.0},
        {"q": math.inf},
        {"degree": 5},
        {"degree": 2},
        {"degree": 10},
        {"degree": 8 if proof.degree == 4 else 4},
        {"radius": proof.radius * 2},
        {"exponent": proof.exponent + 1},
        {"shape": (len(X) + 1, X.shape[1])},
        {"nodes": proof.nodes[1:]},
        {"nodes": np.hstack([proof.nodes, proof.nodes])},
        {"matrices": ()},
        {"matrices": (None,)},
        {"matrices": proof.matrices * 2},
    ):
        with pytest.raises(CertificateError) as caught:
            dataclasses.replace(proof, **change).verify(X)
        assert "\n" not in str(caught.value)


def test_another_matrix_is_refused(case):
    X, proof, _ = case
    with pytest.raises(CertificateError, match="another matrix"):
        proof.verify(X * (1 + 1e-9))
    fewer = Rows(check_matrix(X[:-1]))
    with pytest.raises(CertificateError, match="rows of scale"):
        proof.prove(fewer)


def test_a_stronger_exponent_is_not_proved_by_the_same_numbers():
    """The norm for a smaller q is larger; its coefficients are others."""
    X, q, degree = CASES["degree 4"]
    proof = certificate_of(X, q, degree)
    lower = hn.lower_bound(X, 2.5, random_state=0).value
    assert lower > proof.upper
    assert not check(dataclasses.replace(proof, q=2.5), X, lower)
