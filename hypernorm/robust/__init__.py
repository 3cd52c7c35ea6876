"""Robust statistics under a bounded moment: estimates that come with an error bound proved from the data."""

from hypernorm.robust.baselines.spectral_filters import covariance_filter, quantum_entropy_filter
from hypernorm.robust.certification import certify_covariance, certify_mean
from hypernorm.robust.clustering import MomentClustering
from hypernorm.robust.covariance import RobustCovariance
from hypernorm.robust.filter.moment_filter import moment_filter
from hypernorm.robust.location import Removal, RobustLocation
from hypernorm.robust.mean import RobustMean, robust_mean
from hypernorm.robust.regression import RobustRegressor
from hypernorm.robust.reweighting import certified_reweighting

__all__ = [
    "MomentClustering",
    "Removal",
    "RobustCovariance",
    "RobustLocation",
    "RobustMean",
    "RobustRegressor",
    "certified_reweighting",
    "certify_covariance",
    "certify_mean",
    "covariance_filter",
    "moment_filter",
    "quantum_entropy_filter",
    "robust_mean",
]
