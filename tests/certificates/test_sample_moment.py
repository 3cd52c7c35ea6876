"""Certificates of moments of samples: each error term in fractions, the claims against exact moments."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm._pages import Pages
from hypernorm._validation import check_rows
from hypernorm.certificates import SampleMomentCertificate, SampleMomentWitness, SampleRows, sample_rows
from hypernorm.certificates.rounding import precision
from hypernorm.exceptions import CertificateError
from tests.oracles.exact import U, above, fractions, is_just_above, middle, norm, root

KAPPA = Fraction(1, 2**50)


def samples(seed=0, n=12, d=3, away=5.0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) + away * rng.standard_normal(d)


def weights_of(seed=0, n=12):
    rng = np.random.default_rng(seed)
    return rng.uniform(size=n) * (rng.random(n) < 0.7) + np.eye(n)[0]


def interval_of(X, q=4.0, **options):
    options = {"center": True, "normalize": True, "method": "spectral", "random_state": 0} | options
    return hn.two_to_q_norm(X, q, **options)


def exact_mean(X, weights):
    weights = [Fraction(w) for w in weights.tolist()]
    return np.array([sum(w * x for w, x in zip(weights, column, strict=True)) for column in fractions(X).T]) / sum(
        weights
    )


def exact_moment(X, v, q, about, location, weights, statistic):
    """Σ p_i ⟨x_i − c, v⟩^q / ‖v‖^q for an even q."""
    weights = np.ones(len(X)) if weights is None else weights
    center = {"origin": 0 * fractions(X)[0], "mean": exact_mean(X, weights)}.get(about)
    center = fractions(location) if center is None else center
    total = sum(map(Fraction, weights.tolist())) if statistic == "mean" else 1
    images = [sum((x - c) * y for x, c, y in zip(row, center, fractions(v), strict=True)) for row in fractions(X)]
    power = sum(Fraction(w) * image**q for w, image in zip(weights.tolist(), images, strict=True)) / total
    return power / sum(y**2 for y in fractions(v)) ** (q // 2)


CASES = [
    (center, weighted, normalize, q, scale)
    for center in (False, True, np.array([4.0, -1.0, 0.1]))
    for weighted in (False, True)
    for normalize, q, scale in ((True, 4, 1.0), (False, 2, 1e-140), (True, 6, 1e60), (False, 4, 3.7))
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_both_bounds_enclose_the_exact_moment(number):
    center, weighted, normalize, q, scale = CASES[number]
    X = samples(number) * scale
    center = center * scale if isinstance(center, np.ndarray) else center
    weights = weights_of(number) if weighted else None
    found = interval_of(X, q, center=center, sample_weight=weights, normalize=normalize)
    if center is False and not weighted and not normalize:
        assert isinstance(found.certificate, hn.NormCertificate)
        return
    proof, witness = found.certificate, found.witness
    v = witness.vector
    truth = exact_moment(X, v, q, proof.about, proof.location, weights, proof.statistic)
    assert Fraction(witness.value) ** q <= truth <= (Fraction(witness.value) * (1 + Fraction(1, 10**11))) ** q
    for exact in (False, True):
        upper, lower = proof.verify(X, exact=exact).upper, witness.verify(X, exact=exact).lower
        assert Fraction(lower) ** q <= truth <= Fraction(upper) ** q
        assert lower >= witness.value * (1 - 1e-12)
    assert proof.verify(X).upper == found.upper
    assert found.lower == witness.value
    assert proof.upper == pytest.approx(found.upper, rel=1e-9)


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
        found.__dict__["_errors"] = (above_ball(0.25), above_ball(0.5))
        found.__dict__["_exact_errors"] = (above_ball(1.0), above_ball(2.0))
    assert found.above(1.0) == pytest.approx(1.75, rel=1e-15)
    assert found.above(1.0) >= 1.75
    assert found.below(3.0) <= 2.25 / (1 + 2.0**-50)
    assert found.below(3.0) == pytest.approx(2.25, rel=1e-14)
    assert found.above(1.0, exact=True) == pytest.approx(4.0, rel=1e-15)
    assert found.below(8.0, exact=True) == pytest.approx(5.0, rel=1e-14)
    assert found.below(0.5) == 0.0
    assert found.above(math.inf) == math.inf
    found.__dict__["_errors"] = (above_ball(0.0), above_ball(0.0))
    assert 2.0**-50 <= 1 - found.below(1.0) <= 2.0**-50 + 2.0**-52
    plain = SampleRows(X, 4.0, "sum", "location", X[0], None)
    plain.__dict__["_errors"] = (above_ball(0.0), above_ball(0.0))
    assert plain.below(3.0) == math.nextafter(3.0, 0)
    assert plain.above(0.0) == 0.0


def above_ball(value):
    from hypernorm.certificates.rounding import rational

    return rational(value)


@pytest.mark.parametrize("q", [2.0, 2.5, 4.0, math.inf])
def test_both_arithmetics_agree(q):
    for seed in range(4):
        X = samples(seed) * 10.0 ** (3 * seed - 4)
        found = interval_of(X, q, sample_weight=weights_of(seed), center=X[1] if seed % 2 else True)
        floating, exact = found.certificate.verify(X), found.certificate.verify(X, exact=True)
        assert (floating.rigor, exact.rigor) == (hn.Rigor.FLOATING_POINT, hn.Rigor.EXACT)
        assert floating.upper * (1 - 1e-9) <= exact.upper <= floating.upper
        below, certain = found.witness.verify(X), found.witness.verify(X, exact=True)
        assert (below.rigor, certain.rigor) == (hn.Rigor.FLOATING_POINT, hn.Rigor.EXACT)
        assert (found.certificate.claim.is_upper, found.witness.claim.is_upper) == (True, False)
        assert below.lower * (1 - 1e-13) <= certain.lower <= below.lower * (1 + 1e-9)


def test_containers_of_the_same_samples_prove_the_same():
    X = samples(5, 40)
    found = interval_of(X, sample_weight=weights_of(5, 40))
    da = pytest.importorskip("dask.array")
    for data in (sp.csc_array(X), da.from_array(X, chunks=(7, 3)), X[::-1][::-1], np.asfortranarray(X)):
        assert found.certificate.verify(data).upper == pytest.approx(found.upper, rel=1e-12)
        assert found.witness.verify(data).lower == pytest.approx(found.lower, rel=1e-12)
    for proof in (found.certificate, found.witness):
        with pytest.raises(CertificateError, match="another matrix"):
            proof.verify(X + 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"about": "origin"}, "must have a location"),
        ({"location": None}, "must have a location"),
        ({"about": "median"}, "about"),
        ({"statistic": "maximum"}, "statistic"),
        ({"location": np.array([1.0, np.nan, 0.0])}, "location"),
        ({"location": np.ones(2)}, "location"),
        ({"weights": -np.ones(12)}, "weights"),
        ({"weights": np.zeros(12)}, "weights"),
        ({"weights": np.ones(11)}, "weights"),
    ],
)
def test_broken_fields_are_refused(changes, message):
    X = samples()
    found = interval_of(X)
    for proof in (found.certificate, found.witness):
        with pytest.raises(CertificateError, match=message):
            dataclasses.replace(proof, **changes).verify(X)


def test_differences_that_overflow_are_refused():
    X = np.abs(samples()) * 1e306
    found = interval_of(X)
    for proof in (found.certificate, found.witness):
        with pytest.raises(CertificateError, match="overflow"):
            dataclasses.replace(proof, location=np.full(3, -1.797e308)).verify(X)


def test_broken_inner_fields_are_refused():
    X = samples()
    found = interval_of(X)
    proof, witness = found.certificate, found.witness
    assert (type(proof), type(witness)) == (SampleMomentCertificate, SampleMomentWitness)
    with pytest.raises(CertificateError, match="for the shape"):
        dataclasses.replace(proof, norm=hn.spectral_bound(X[:5], 4.0)).verify(X)
    with pytest.raises(CertificateError, match="must be of type"):
        dataclasses.replace(proof, norm=hn.lower_bound(X, 4.0, random_state=0)).verify(X)
    for changes, message in (
        ({"vector": np.zeros(3)}, "zero"),
        ({"q": 1.5}, "q"),
        ({"q": 1e9}, "q must be at most"),
        ({"value": witness.value * (1 + 1e-9)}, "attains"),
        ({"vector": np.eye(3)[0], "value": 1e3}, "attains"),
    ):
        with pytest.raises(CertificateError, match=message):
            dataclasses.replace(witness, **changes).verify(X)


def test_a_far_location_is_no_mean():
    """A location far from the mean costs its distance, in both directions; it cannot pass for the mean."""
    X = samples()
    honest = interval_of(X, center=X.mean(axis=0) + np.array([3.0, 0, 0]))
    passed = dataclasses.replace(honest.certificate, about="mean")
    assert 3.0 <= passed.verify(X).upper - honest.upper <= 3.01
    assert passed.verify(X, exact=True).upper == pytest.approx(honest.upper + 3.0, rel=1e-9)
    with_mean = dataclasses.replace(honest.witness, about="mean", value=0.0)
    assert honest.lower - 3.01 <= with_mean.verify(X).lower <= honest.lower - 3.0
    assert with_mean.verify(X, exact=True).lower == pytest.approx(honest.lower - 3.0, rel=1e-9)


def test_tampered_proofs_stay_true():
    rng = np.random.default_rng(9)
    X = samples(9)
    found = interval_of(X, sample_weight=weights_of(9))
    angles = rng.standard_normal((3, 400))
    angles /= np.linalg.norm(angles, axis=0)
    angles = np.hstack([angles, found.witness.vector[:, None] / np.linalg.norm(found.witness.vector)])
    proved = 0
    for trial in range(200):
        noise = 10.0 ** rng.uniform(-16, 1)
        proof = found.certificate
        changes = [
            {"location": proof.location + noise * rng.standard_normal(3)},
            {"weights": proof.weights * (1 + noise * rng.uniform(size=12))},
            {"weights": np.roll(proof.weights, 1)},
            {"statistic": "sum"},
            {"weights": None},
            {"norm": dataclasses.replace(proof.norm, values=tuple(v * (1 - min(noise, 1)) for v in proof.norm.values))},
        ][trial % 6]
        forged = dataclasses.replace(proof, **changes)
        try:
            upper = forged.verify(X, exact=trial % 8 == 0).upper
        except CertificateError:
            continue
        proved += 1
        w = np.ones(12) if forged.weights is None else forged.weights
        moments = w @ np.abs((X - w @ X / w.sum()) @ angles) ** 4 / (w.sum() if forged.statistic == "mean" else 1)
        assert upper >= moments.max() ** 0.25 * (1 - 1e-12)
    assert proved > 30


def test_what_is_bounded_is_said():
    X = samples()
    texts = {
        (True, False, True, 4): "(mean of |<x_i - mean, v>|^4)^(1/4) in any direction v",
        (True, True, True, 2.5): "(weighted mean of |<x_i - weighted mean, v>|^2.5)^(1/2.5) in any direction v",
        (False, True, False, 4): "(weighted sum of |<x_i, v>|^4)^(1/4) in any direction v",
        (True, False, False, math.inf): "largest |<x_i - mean, v>| in any direction v",
    }
    for (center, weighted, normalize, q), text in texts.items():
        weights = np.ones(12) if weighted else None
        found = interval_of(X, q, center=center, sample_weight=weights, normalize=normalize)
        assert found.quantity == found.certificate.quantity == found.witness.quantity == text
        assert found.certificate.verify(X).quantity == text
    about = interval_of(X, center=X[0])
    assert "x_i - location" in about.quantity
    assert about.certificate.describe() == {
        "q": 4.0,
        "shape": [12, 3],
        "statistic": "mean",
        "about": "location",
        "weighted": False,
        "norm": "split",
    }
