"""Partitions by MomentClustering, and whether they are right."""

from sklearn.metrics import adjusted_rand_score

from hypernorm.robust import MomentClustering


def agree(labels, truth):
    """Whether two partitions are the same, outliers included."""
    return adjusted_rand_score(labels, truth) == 1 and ((labels == -1) == (truth == -1)).all()


def fit(X, k, contamination=0.0, n_init=2, sample_weight=None, **options):
    model = MomentClustering(k, contamination=contamination, n_init=n_init, random_state=0, **options)
    return model.fit(X, sample_weight=sample_weight)
