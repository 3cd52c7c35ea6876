"""Proposing bounds: vectors from below, certificates from above. Every number is proved by `hypernorm.certificates`."""

from hypernorm.bounds.approximation_factors import approximation_factor
from hypernorm.bounds.climb import Progress
from hypernorm.bounds.conic import SosProblem, conic_bound, sos_problem
from hypernorm.bounds.cut_norm import CUT_METHODS, cut_norm
from hypernorm.bounds.gain import smallest_gain
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.operator_estimate import OperatorEstimate
from hypernorm.bounds.operator_factors import operator_approximation_factor
from hypernorm.bounds.operator_norm import OPERATOR_METHODS, operator_norm
from hypernorm.bounds.operator_propose import RULES, operator_certificate
from hypernorm.bounds.power import lower_bound
from hypernorm.bounds.sos import sos_bound
from hypernorm.bounds.spectral import spectral_bound
from hypernorm.bounds.two_to_q import METHODS, two_to_q_norm

__all__ = [
    "CUT_METHODS",
    "METHODS",
    "OPERATOR_METHODS",
    "RULES",
    "BoundRecord",
    "Interval",
    "OperatorEstimate",
    "Progress",
    "SosProblem",
    "Status",
    "approximation_factor",
    "conic_bound",
    "cut_norm",
    "lower_bound",
    "operator_approximation_factor",
    "operator_certificate",
    "operator_norm",
    "smallest_gain",
    "sos_bound",
    "sos_problem",
    "spectral_bound",
    "two_to_q_norm",
]
