"""Singular values and the norms made of them, enclosed: Schatten, Ky Fan and k-support norms, with certificates."""

from hypernorm.forms import LowRank
from hypernorm.spectral.enclosure import Enclosure
from hypernorm.spectral.invariant_norms import k_support_norm, ky_fan_norm, schatten_norm
from hypernorm.spectral.singular_values import SingularValues, singular_values

__all__ = [
    "Enclosure",
    "LowRank",
    "SingularValues",
    "k_support_norm",
    "ky_fan_norm",
    "schatten_norm",
    "singular_values",
]
