"""How often samples are looked at: once for entries that cannot be used, and once for their fingerprint."""

import numpy as np
import pytest
import sklearn.utils.validation

from hypernorm import _validation
from hypernorm.datasets import contaminated, contaminated_clusters
from hypernorm.robust import (
    MomentClustering,
    RobustCovariance,
    RobustMean,
    RobustRegressor,
    certification,
    clustering,
    robust_mean,
)


class Passes:
    """Counts the passes over a matrix that look for bad entries, by hypernorm or scikit-learn, and the fingerprints."""

    def __init__(self, X, monkeypatch):
        self.X, self.scans, self.fingerprints, self.counts = X, 0, 0, True
        self.watch(monkeypatch, _validation, "_check_entries", "scans")
        self.watch(monkeypatch, _validation, "_check_piece", "scans")
        self.watch(monkeypatch, sklearn.utils.validation, "_assert_all_finite", "scans")
        for module in (certification, clustering):
            self.watch(monkeypatch, module, "fingerprint", "fingerprints")

    def watch(self, monkeypatch, module, name, counter):
        function = getattr(module, name)

        def counted(array, *arguments, **options):
            same = np.shape(array) == self.X.shape and np.array_equal(array, self.X)
            setattr(self, counter, getattr(self, counter) + (same and self.counts))
            return function(array, *arguments, **options)

        monkeypatch.setattr(module, name, counted)


@pytest.mark.parametrize("method", ["moment", "covariance", "quantum_entropy", "certified", "projected_gradient"])
@pytest.mark.parametrize("contamination", [0.1, "auto"])
def test_robust_means(method, contamination, monkeypatch):
    X = contaminated(150, 3, 0.1, random_state=0).samples
    function = Passes(X, monkeypatch)
    robust_mean(X, contamination, method=method, random_state=0)
    assert (function.scans, function.fingerprints) == (1, 1)
    estimator = Passes(X, monkeypatch)
    model = RobustMean(contamination, method=method, random_state=0).fit(X)
    assert (estimator.scans, estimator.fingerprints) == (1, 1)
    proof = Passes(X, monkeypatch)
    model.certificate_.verify(X)
    assert proof.scans == 1


def test_robust_covariances(monkeypatch):
    X = contaminated(150, 3, 0.1, random_state=0).samples
    passes = Passes(X, monkeypatch)
    RobustCovariance(random_state=0).fit(X)
    assert (passes.scans, passes.fingerprints) == (1, 1)


def test_robust_regression(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    passes = Passes(X, monkeypatch)
    RobustRegressor(random_state=0).fit(X, X @ [1, 2, 3] + 0.1 * rng.standard_normal(100))
    assert (passes.scans, passes.fingerprints) == (1, 0)


def test_clusters(monkeypatch):
    X = contaminated_clusters(200, 3, 3, 0.1, random_state=0).samples
    passes = Passes(X, monkeypatch)
    MomentClustering(3, contamination=0.1, random_state=0).fit(X)
    assert (passes.scans, passes.fingerprints) == (1, 1)


@pytest.mark.parametrize("contamination", [0.1, "auto"])
def test_large_arrays_are_samples_too(contamination, monkeypatch):
    """They were taken for sparse ones, because proofs of norms read them page by page."""
    X = contaminated(150, 3, 0.1, random_state=0).samples
    expected = robust_mean(X, contamination, random_state=0)
    monkeypatch.setattr(_validation, "LARGE_BYTES", 0)
    assert robust_mean(X, contamination, random_state=0).error_bound == expected.error_bound
