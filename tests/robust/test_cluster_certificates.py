"""Certified moments of clusters: tight, about these samples only, and what they imply."""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest

from hypernorm.certificates import weighted_rows
from hypernorm.datasets import contaminated_clusters
from hypernorm.exceptions import CertificateError
from hypernorm.robust.certification import certify_moment
from tests.robust.partitions import fit


@pytest.mark.parametrize("moment", [2, 3, 4, 6])
def test_certified_moments(moment):
    """Against the moments of many directions, and in closed form for q = 2."""
    sample = contaminated_clusters(300, 3, 2, 0.1, separation=15, outliers="far", random_state=9)
    model = fit(sample.samples, 2, 0.1, moment=moment)
    directions = np.random.default_rng(10).standard_normal((3, 2000))
    directions /= np.linalg.norm(directions, axis=0)
    for cluster, certificate in enumerate(model.certificates_):
        members = model.labels_ == cluster
        fractions = model.weights_[members] / model.weights_[members].sum()
        center = fractions @ sample.samples[members]
        np.testing.assert_allclose(model.cluster_centers_[cluster], center, atol=1e-12)
        differences = sample.samples[members] - center
        upper = certificate.verify(sample.samples).upper
        attained = ((fractions @ np.abs(differences @ directions) ** moment) ** (1 / moment)).max()
        assert attained <= upper <= 1.2 * attained
        if moment == 2:
            assert upper == pytest.approx(np.linalg.norm(np.sqrt(fractions)[:, None] * differences, 2), rel=1e-9)
    distances = np.linalg.norm(sample.samples - model.cluster_centers_[model.labels_], axis=1)
    assert model.inertia_ == pytest.approx(np.sum(model.weights_ * distances**2), rel=1e-9)


def test_certificate_of_other_samples_is_refused():
    sample = contaminated_clusters(100, 3, 2, separation=15, random_state=11)
    first, second = fit(sample.samples, 2).certificates_
    for other in (1.01 * sample.samples, sample.samples[:50]):
        with pytest.raises(CertificateError, match="another matrix"):
            first.verify(other)
    with pytest.raises(CertificateError):
        dataclasses.replace(first, norm=second.norm).verify(sample.samples)
    with pytest.raises(CertificateError):
        dataclasses.replace(first, weights=second.weights).verify(sample.samples)


@pytest.mark.parametrize("scale", [1.0, 2.0**-600, 2.0**-1060])
def test_rounding_of_the_center_is_part_of_the_proof(scale):
    """Far from the origin centers are rounded, near the end of the range rows vanish; the exact moment is below."""
    rng = np.random.default_rng(20)
    X = (np.repeat([[1e6], [3e6]], 40, axis=0) + rng.standard_normal((80, 1))) * scale
    for certificate in fit(X, 2, moment=2).certificates_:
        weights, center = [Fraction(w) for w in certificate.weights.tolist()], Fraction(certificate.center[0])
        squares = sum(w * (Fraction(x) - center) ** 2 for w, x in zip(weights, X[:, 0].tolist(), strict=True))
        assert Fraction(certificate.verify(X).upper) ** 2 >= squares / sum(weights)


@pytest.mark.parametrize("inliers", ["gaussian", "t3"])
@pytest.mark.parametrize("separation", [2, 6, 12])
def test_mass_that_a_true_cluster_shares_with_two_is_bounded(separation, inliers):
    """The theorems of docs/theory/robust.md, for a partition far from the truth as well as for a good one."""
    sample = contaminated_clusters(400, 4, 4, 0.1, separation=separation, inliers=inliers, random_state=12)
    model, q = fit(sample.samples, 4, 0.1), 4.0
    weights = np.array([np.where(model.labels_ == a, model.weights_, 0.0) for a in range(4)])
    reach = np.array([c.upper for c in model.certificates_]) * weights.sum(axis=1) ** (1 / q)
    members = [sample.samples[sample.labels == cluster] for cluster in range(4)]
    means = np.array([rows.mean(axis=0) for rows in members])
    own = np.array(
        [
            certify_moment(weighted_rows(rows, np.full(len(rows), 1 / len(rows)), mean, q), q).upper
            for rows, mean in zip(members, means, strict=True)
        ]
    ) * np.array([len(rows) for rows in members]) ** (1 / q)
    masses = np.array([[weights[a, sample.labels == s].sum() for s in range(4)] for a in range(4)])
    power = 2 ** (1 - 1 / q)
    for a, b in itertools.combinations(range(4), 2):
        apart = np.linalg.norm(model.cluster_centers_[a] - model.cluster_centers_[b])
        between = np.linalg.norm(means[a] - means[b])
        for other in range(4):
            assert min(masses[a, other], masses[b, other]) <= ((reach[a] + reach[b] + power * own[other]) / apart) ** q
            assert min(masses[other, a], masses[other, b]) <= ((own[a] + own[b] + power * reach[other]) / between) ** q
