"""RobustCovariance: near the inliers' covariance, next to no false alarms, and a bound that holds."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
from sklearn.covariance import EmpiricalCovariance, MinCovDet
from sklearn.utils.estimator_checks import parametrize_with_checks

from hypernorm.datasets import contaminated
from hypernorm.exceptions import ConvergenceWarning, InvalidInputError
from hypernorm.robust import RobustCovariance, certify_covariance


@parametrize_with_checks(
    [RobustCovariance(random_state=0), RobustCovariance("auto", certify=False, random_state=0)],
    expected_failed_checks=lambda estimator: (
        {
            "check_sample_weight_equivalence_on_dense_data": "what a few samples say of outliers depends on their "
            "number, which relative weights do not tell"
        }
        if estimator.contamination == "auto"
        else {}
    ),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def relative_error(covariance, truth):
    """‖Σ^{-1/2} Ĉ Σ^{-1/2} − I‖."""
    return np.abs(scipy.linalg.eigvalsh(covariance, truth) - 1).max()


@pytest.mark.parametrize("adversary", ["cluster", "two_clusters", "far", "dkk", "hidden"])
def test_error_is_about_that_of_the_inliers(adversary):
    """Where the sample covariance is off by 86% to several thousand per cent."""
    for seed in range(2):
        sample = contaminated(800, 8, 0.1, inliers="gaussian_decaying", adversary=adversary, random_state=seed)
        model = RobustCovariance(0.1, certify=False, random_state=seed).fit(sample.samples)
        inliers = EmpiricalCovariance().fit(sample.samples[sample.is_inlier]).covariance_
        assert relative_error(EmpiricalCovariance().fit(sample.samples).covariance_, inliers) > 0.8
        assert relative_error(model.covariance_, inliers) < 0.2
        # Half of the vertices of "dkk" lie among the inliers.
        assert model.support_[~sample.is_inlier].mean() < (0.3 if adversary == "dkk" else 0.05)
        assert model.support_[sample.is_inlier].mean() > 0.97


def test_bound_holds_for_the_inliers():
    for seed, (inliers, adversary) in enumerate((("gaussian", "hidden"), ("laplace", "cluster"), ("t5", "none"))):
        sample = contaminated(600, 3, 0.04, inliers=inliers, adversary=adversary, random_state=seed)
        X = sample.samples[sample.is_inlier]
        kurtosis = certify_covariance(X, np.ones(len(X)), 0.0).verify(X).kurtosis
        model = RobustCovariance(0.04, random_state=0).fit(sample.samples)
        truth = np.cov(X.T, bias=True)
        least, largest = scipy.linalg.eigvalsh(truth, model.covariance_)[[0, -1]]
        given = model.proved_.variance_ratios_given(kurtosis)
        assert model.variance_ratios_[0] == given[0] <= least <= largest <= given[1] <= model.variance_ratios_[1]
        assert relative_error(model.covariance_, truth) <= model.error_bound_given(kurtosis) <= model.error_bound_
        assert inliers == "t5" or model.error_bound_ < 2  # with a kurtosis of 14 nothing follows
        verified = model.certificate_.verify(sample.samples)
        assert (verified.error_bound, verified.kurtosis) == (model.error_bound_, model.kurtosis_)


@pytest.mark.parametrize(("n", "d"), [(20, 2), (50, 5), (100, 5), (100, 25), (100, 50), (500, 10)])
def test_clean_samples_are_left_alone(n, d):
    """Where the minimum covariance determinant flags up to half of them."""
    rates = []
    for seed in range(12):
        X = np.random.default_rng(seed).standard_normal((n, d))
        rates.append(1 - RobustCovariance(certify=False, random_state=seed).fit(X).support_.mean())
    assert np.mean(rates) < 0.03
    assert max(rates) < 0.2


def test_minimum_covariance_determinant_flags_clean_samples():
    """The comparison of the guide: n = 100, d = 25, at the level of 2.5% that is customary."""
    X = np.random.default_rng(0).standard_normal((100, 25))
    limit = 40.646  # the 97.5% quantile of χ² with 25 degrees of freedom
    assert np.mean(MinCovDet(random_state=0).fit(X).dist_ > limit) > 0.25
    assert RobustCovariance(random_state=0).fit(X).support_.all()


def ill_conditioned(d, condition, rng):
    first, second = (np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(2))
    return first * np.geomspace(1, 1 / condition, d) @ second


@pytest.mark.parametrize(("n", "d", "adversary"), [(600, 4, "hidden"), (400, 8, "far"), (300, 6, "none")])
def test_result_does_not_depend_on_coordinates(n, d, adversary):
    sample = contaminated(n, d, 0.1, adversary=adversary, random_state=3)
    A = ill_conditioned(d, 1e6, np.random.default_rng(0))
    shift = np.arange(d) / d
    plain = RobustCovariance(certify=False, random_state=0).fit(sample.samples)
    moved = RobustCovariance(certify=False, random_state=0).fit(sample.samples @ A + shift)
    np.testing.assert_allclose(moved.weights_, plain.weights_, atol=1e-9 / n)
    np.testing.assert_allclose(moved.dist_, plain.dist_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved.location_, plain.location_ @ A + shift, atol=1e-9)
    np.testing.assert_allclose(moved.covariance_, A.T @ plain.covariance_ @ A, atol=1e-9)
    assert len(moved.removals_) == len(plain.removals_) >= (adversary != "none")
    for ours, theirs in zip(moved.removals_, plain.removals_, strict=True):
        if ours.direction is not None:
            np.testing.assert_allclose(A @ ours.direction, theirs.direction, atol=1e-6)


@pytest.mark.parametrize(("n", "d", "seed"), [(600, 4, 1), (400, 8, 1)])
def test_rounding_of_mapped_samples(n, d, seed):
    """It moves them by 1e-10 of a deviation. Distances follow; a thinned tail counts n samples in a deviation or so."""
    X = contaminated(n, d, 0.1, adversary="dkk", random_state=seed).samples
    A = ill_conditioned(d, 1e6, np.random.default_rng(seed + 100))
    plain, moved = (RobustCovariance(certify=False, random_state=seed).fit(rows) for rows in (X, X @ A + 1))
    assert np.count_nonzero((n * plain.weights_ > 0.01) & (n * plain.weights_ < 0.99)) > 0
    np.testing.assert_allclose(moved.dist_, plain.dist_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved.weights_, plain.weights_, atol=1e-7 / n)


def test_units_of_columns_do_not_matter_for_few_samples():
    X = contaminated(40, 9, 0.1, adversary="far", random_state=4).samples
    units = np.geomspace(1e-6, 1e6, 9)
    plain, scaled = (RobustCovariance(certify=False, random_state=0).fit(rows) for rows in (X, X * units))
    assert not plain.support_.all()
    np.testing.assert_array_equal(scaled.support_, plain.support_)
    np.testing.assert_allclose(scaled.dist_, plain.dist_, rtol=1e-6)


def off_the_flat(kind, rng):
    """400 samples, the first 40 of them off the flat of the others."""
    X = rng.standard_normal((400, 4))
    if kind == "constant":
        X[40:, 3] = 2.0
    elif kind == "two constants":
        X[40:, 2:] = [0.0, 1e9]
    elif kind == "integers":
        X = rng.integers(0, 9, (400, 4)).astype(float)
        X[:, 3] = X[:, 0] + X[:, 1] + (np.arange(400) < 40)
    else:
        X = X[:, :3] @ rng.standard_normal((3, 4))
        sides = rng.choice([-1, 1], 40) if kind == "near, both sides" else np.ones(40)
        X[:40] += np.outer(sides, {"far": 1e3, "near": 1e-3}.get(kind, 1e-3) * rng.standard_normal(4))
    return X


@pytest.mark.parametrize("kind", ["near", "far", "near, both sides", "constant", "two constants", "integers"])
@pytest.mark.parametrize("seed", [0, 1])
def test_outliers_off_the_flat_of_the_inliers(kind, seed):
    X = off_the_flat(kind, np.random.default_rng(seed))
    model = RobustCovariance(certify=False, random_state=0).fit(X)
    assert np.isinf(model.dist_[:40]).all()
    assert model.dist_[40:].max() < 40
    assert not model.support_[:40].any()
    np.testing.assert_array_equal(model.predict(X[:40]), -1)
    assert np.isfinite(model.offset_)
    rows = X[model.weights_ > 0]
    mean = rows.mean(axis=0)
    if kind in ("near", "far"):
        np.testing.assert_allclose(model.precision_, np.linalg.pinv(model.covariance_, rcond=1e-9), rtol=1e-6)
    assert np.isfinite(model.mahalanobis([mean, 2 * mean - rows[0]])).all()  # other points of the flat


def test_distances_in_a_flat_are_those_of_its_coordinates():
    """Against the Mahalanobis distance in an orthonormal basis of the plane; and how far off it a point is off."""
    rng = np.random.default_rng(5)
    basis, normal = np.split(np.linalg.qr(rng.standard_normal((3, 3)))[0], [2], axis=1)
    inner = rng.standard_normal((200, 2)) * [1, 5]
    X = 7 + inner @ basis.T
    model = RobustCovariance(0.0, certify=False).fit(X)
    expected = EmpiricalCovariance().fit(inner).mahalanobis(inner)
    np.testing.assert_allclose(model.mahalanobis(X), expected, rtol=1e-9)
    for height, infinite in ((1e-12, False), (1e-6, True), (1.0, True)):
        assert np.isinf(model.mahalanobis(X + height * normal.T)).all() == infinite
    np.testing.assert_allclose(model.precision_, np.linalg.pinv(model.covariance_, rcond=1e-9), atol=1e-9)
    unstored = RobustCovariance(0.0, store_precision=False, certify=False).fit(X)
    assert unstored.precision_ is None
    np.testing.assert_array_equal(unstored.get_precision(), model.precision_)


def test_pairs_of_outliers_opposite_each_other():
    rng = np.random.default_rng(300)
    X = rng.standard_normal((1000, 3))
    X[:200, 0] = 5 * np.sign(rng.standard_normal(200))
    model = RobustCovariance(0.2, certify=False, random_state=0).fit(X)
    assert model.covariance_[0, 0] == pytest.approx(1, abs=0.15)
    assert not model.support_[:200].any()


@pytest.mark.parametrize(("n", "d", "count"), [(12, 2, 1), (12, 4, 1), (20, 3, 2), (40, 5, 4), (30, 40, 3)])
def test_far_outliers_among_few_samples(n, d, count):
    for seed in range(5):
        X = np.random.default_rng(seed).standard_normal((n, d))
        X[:count] *= 1e6
        model = RobustCovariance(certify=False, random_state=0).fit(X)
        assert not model.support_[:count].any()
        assert model.support_[count:].mean() > 0.85
        assert model.dist_[:count].min() > 1e6 or n <= d


def test_interface_of_elliptic_envelope():
    sample = contaminated(500, 4, 0.1, adversary="far", random_state=6)
    X = sample.samples
    model = RobustCovariance(certify=False, random_state=0).fit(X)
    labels = model.predict(X)
    np.testing.assert_array_equal(labels[~sample.is_inlier], -1)
    assert (labels[sample.is_inlier] == 1).mean() > 0.99
    np.testing.assert_array_equal(labels[model.support_], 1)
    np.testing.assert_array_equal(model.score_samples(X), -model.mahalanobis(X))
    np.testing.assert_array_equal(model.decision_function(X), model.score_samples(X) - model.offset_)
    np.testing.assert_array_equal(labels, np.where(model.decision_function(X) < 0, -1, 1))
    np.testing.assert_array_equal(labels, RobustCovariance(certify=False, random_state=0).fit_predict(X))
    clean = np.random.default_rng(7).standard_normal((500, 4))
    assert (RobustCovariance(certify=False, random_state=0).fit_predict(clean) == 1).all()
    np.testing.assert_array_equal(model.predict([[0, 0, 0, 0], [1e300, 0, 0, -1e300]]), [1, -1])


def test_sample_weight():
    """Only ratios of weights count, a weight of zero removes a sample, and a weight of two is about a copy."""
    X = contaminated(400, 3, 0.1, adversary="cluster", random_state=8).samples.copy()
    plain = RobustCovariance(random_state=0).fit(X)
    equal = RobustCovariance(random_state=0).fit(X, sample_weight=np.full(400, 3.0))
    np.testing.assert_allclose(equal.covariance_, plain.covariance_, rtol=1e-12)
    assert equal.error_bound_ == pytest.approx(plain.error_bound_)
    kept = np.arange(400) % 4 > 0
    removed = RobustCovariance(certify=False, random_state=0).fit(X[kept])
    weighted = RobustCovariance(random_state=0).fit(X, sample_weight=5.0 * kept)
    np.testing.assert_array_equal(weighted.covariance_, removed.covariance_)
    np.testing.assert_array_equal(weighted.weights_[kept], removed.weights_)
    assert not weighted.support_[~kept].any()
    assert (weighted.certificate_, weighted.error_bound_) == (None, math.inf)
    sample = contaminated(400, 3, 0.1, adversary="far", random_state=8)
    # By these weights the outliers are a little more than a tenth.
    doubled = RobustCovariance(0.12, random_state=0).fit(sample.samples, sample_weight=1.0 + kept)
    inliers = np.cov(sample.samples[sample.is_inlier].T, fweights=1 + kept[sample.is_inlier])
    assert relative_error(doubled.covariance_, inliers) < 0.2
    # The outliers are most of the samples, but a tenth of the weight.
    X[:200] = np.random.default_rng(9).standard_normal((200, 3)) + 8
    light = RobustCovariance(0.15, random_state=0).fit(X, sample_weight=np.where(np.arange(400) < 200, 0.1, 1))
    assert not light.support_[:200].any()
    for bad in (np.ones(3), -np.ones(400), np.zeros(400)):
        with pytest.raises(InvalidInputError, match="sample_weight"):
            RobustCovariance().fit(X, sample_weight=bad)


def test_unknown_contamination():
    sample = contaminated(600, 6, 0.15, adversary="far", random_state=0)
    model = RobustCovariance("auto", certify=False, random_state=0).fit(sample.samples)
    assert 0.1 < model.contamination_ < 0.25
    assert not model.support_[~sample.is_inlier].any()
    clean = RobustCovariance("auto", certify=False, random_state=0).fit(sample.samples[sample.is_inlier])
    assert clean.contamination_ < 0.02


def test_attributes_agree():
    sample = contaminated(300, 4, 0.1, adversary="far", random_state=1)
    X = sample.samples
    model = RobustCovariance(random_state=0).fit(X)
    assert model.weights_.sum() == pytest.approx(1)
    np.testing.assert_allclose(model.location_, model.weights_ @ X)
    centered = X - model.location_
    np.testing.assert_allclose(model.covariance_, (centered * model.weights_[:, None]).T @ centered, atol=1e-12)
    np.testing.assert_allclose(model.precision_ @ model.covariance_, np.eye(4), atol=1e-9)
    distances = np.einsum("ij,jk,ik->i", centered, model.precision_, centered)
    np.testing.assert_allclose(model.mahalanobis(X), distances)
    assert model.error_norm(model.covariance_) == 0
    assert model.score(X[sample.is_inlier]) > EmpiricalCovariance().fit(X).score(X[sample.is_inlier])
    assert sum(removal.weight for removal in model.removals_) > 0.08
    assert model.converged_
    same = RobustCovariance(random_state=0).fit(X)
    np.testing.assert_array_equal(same.covariance_, model.covariance_)


def test_samples_of_every_kind():
    X = np.random.default_rng(0).standard_normal((60, 3)).round(2)
    plain = RobustCovariance(random_state=0).fit(X)
    for given in (pd.DataFrame(X, columns=list("abc")), X.astype(np.float32), np.asfortranarray(X), X.tolist()):
        np.testing.assert_allclose(
            RobustCovariance(random_state=0).fit(given).covariance_, plain.covariance_, rtol=1e-4
        )
    integers = RobustCovariance(random_state=0).fit((100 * X).round().astype(int))
    np.testing.assert_allclose(integers.covariance_, 1e4 * plain.covariance_, rtol=1e-9)
    zero_mean = RobustCovariance(assume_centered=True, random_state=0).fit(X)
    assert not zero_mean.location_.any()
    np.testing.assert_allclose(zero_mean.covariance_, X.T @ X / 60, rtol=1e-9)
    assert zero_mean.error_bound_ < math.inf


def test_awkward_samples():
    rng = np.random.default_rng(0)
    wide = RobustCovariance(random_state=0).fit(rng.standard_normal((10, 30)))
    assert np.linalg.matrix_rank(wide.covariance_) == 9
    assert (wide.error_bound_, wide.variance_ratios_, wide.certificate_) == (math.inf, (0.0, math.inf), None)
    X = rng.standard_normal((50, 3))
    X[:, 1] = 2.0
    constant = RobustCovariance(random_state=0).fit(X)
    assert constant.covariance_[1, 1] == pytest.approx(0, abs=1e-20)
    assert constant.certificate_ is None
    for contamination in (0.0, 0.1, 0.49, "auto"):
        two = RobustCovariance(contamination, random_state=0).fit(X[:2])
        np.testing.assert_allclose(two.location_, X[:2].mean(axis=0))
        assert np.linalg.matrix_rank(two.covariance_) == 1
        assert two.support_.all()
        assert two.error_bound_ == math.inf
    repeated = RobustCovariance(random_state=0).fit(np.ones((20, 2)))
    assert np.abs(repeated.covariance_).max() < 1e-30
    duplicated = np.repeat(rng.standard_normal((40, 2)), 5, axis=0)
    assert RobustCovariance(random_state=0).fit(duplicated).support_.mean() > 0.8


def test_nothing_is_removed_where_no_outliers_are_allowed_for():
    sample = contaminated(300, 4, 0.1, adversary="far", random_state=0)
    model = RobustCovariance(0.0, random_state=0).fit(sample.samples)
    np.testing.assert_allclose(model.covariance_, EmpiricalCovariance().fit(sample.samples).covariance_, rtol=1e-12)
    assert model.removals_ == ()
    assert model.error_bound_ < 1e-3


@pytest.mark.parametrize("size", [1e20, 1e100, 1e200, 1.7e308])
def test_gross_outliers(size):
    """However far: no overflow, and the covariance of the others."""
    X = np.random.default_rng(0).standard_normal((200, 3))
    X[:4, 0], X[4:8, 1] = size, -size
    model = RobustCovariance(0.1, certify=False, random_state=0).fit(X)
    assert not model.support_[:8].any()
    assert relative_error(model.covariance_, np.cov(X[8:].T)) < 0.3
    if size > 1e100:
        with pytest.warns(ConvergenceWarning, match="too far apart"):
            assert RobustCovariance(0.1, random_state=0).fit(X).error_bound_ == math.inf
    else:
        model = RobustCovariance(0.1, random_state=0).fit(X)
        assert model.error_bound_given() <= model.error_bound_ < 3
        assert model.variance_ratios_[1] > size * 0.01 > 4 > model.proved_.variance_ratios_given()[1]


@pytest.mark.parametrize(("unit", "message"), [(1e200, "too large"), (1e-200, "too small")])
def test_units_in_which_squares_leave_the_range(unit, message):
    X = np.random.default_rng(0).standard_normal((30, 2)) * [1, unit]
    with pytest.raises(InvalidInputError, match=f"column 1 of X are about .* {message}"):
        RobustCovariance().fit(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_values(bad):
    X = np.random.default_rng(0).standard_normal((30, 2))
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        RobustCovariance().fit(X)
    with pytest.raises(InvalidInputError, match="row 3, column 1"):
        certify_covariance(X, np.ones(30), 0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"location": np.zeros(3)}, r"location must have the shape \(2,\)"),
        ({"location": [np.nan, 0]}, "location"),
        ({"covariance": np.eye(3)}, "covariance must be a symmetric 2 x 2 matrix"),
        ({"covariance": [[1.0, 0.5], [0.4, 1.0]]}, "symmetric"),
        ({"covariance": -np.eye(2)}, "positive definite"),
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "positive definite"),
        ({"covariance": "much"}, "covariance"),
        ({"X": 1e160}, "change the unit"),
        ({"contamination": "auto"}, "contamination"),
        ({"weights": np.ones(7)}, "shape"),
    ],
)
def test_nothing_to_certify(arguments, message):
    X = arguments.get("X", 1.0) * np.random.default_rng(0).standard_normal((30, 2))
    with pytest.raises(InvalidInputError, match=message):
        certify_covariance(**{"weights": np.ones(30), "contamination": 0.1, **arguments, "X": X})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"contamination": 0.5}, "contamination"),
        ({"contamination": -0.1}, "contamination"),
        ({"contamination": np.nan}, "contamination"),
        ({"contamination": "much"}, "auto"),
        ({"max_iter": 0}, "max_iter"),
        ({"random_state": "x"}, "random_state"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(InvalidInputError, match=message):
        RobustCovariance(**parameters).fit(np.random.default_rng(0).standard_normal((20, 2)))


def test_interruption_is_told():
    sample = contaminated(400, 5, 0.2, adversary="dkk", random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        model = RobustCovariance(0.2, max_iter=1, certify=False, random_state=0).fit(sample.samples)
    assert not model.converged_


def test_an_estimated_contamination_proves_nothing():
    sample = contaminated(500, 5, 0.1, adversary="shell", random_state=1)
    model = RobustCovariance("auto", random_state=0).fit(sample.samples)
    assert model.contamination_ < 0.1  # which would be a false premise
    assert model.error_bound_ > 1
