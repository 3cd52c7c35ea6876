"""Proposing bounds: vectors from below, certificates from above. Every number is proved by `hypernorm.certificates`."""

from hypernorm.bounds.approximation_factors import approximation_factor
from hypernorm.bounds.conic import SosProblem, conic_bound, sos_problem
from hypernorm.bounds.interval import METHODS, BoundRecord, NormInterval, Progress, Status, two_to_q_norm
from hypernorm.bounds.power import lower_bound
from hypernorm.bounds.sos import sos_bound
from hypernorm.bounds.spectral import spectral_bound

__all__ = [
    "METHODS",
    "BoundRecord",
    "NormInterval",
    "Progress",
    "SosProblem",
    "Status",
    "approximation_factor",
    "conic_bound",
    "lower_bound",
    "sos_bound",
    "sos_problem",
    "spectral_bound",
    "two_to_q_norm",
]
