"""Certificates of moments of samples: the claims against exact moments, and tampered certificates."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.certificates import SampleMomentCertificate, SampleMomentWitness
from hypernorm.exceptions import CertificateError
from tests.certificates.weighted_samples import exact_mean, samples, weights_of
from tests.oracles.exact import fractions


def interval_of(X, q=4.0, **options):
    options = {"center": True, "normalize": True, "method": "spectral", "random_state": 0} | options
    return hn.two_to_q_norm(X, q, **options)


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
