"""Singular values, the norms made of them and the errors of low-rank approximations, enclosed with certificates."""

from hypernorm.forms import LowRank
from hypernorm.spectral.enclosure import Enclosure
from hypernorm.spectral.invariant_norms import k_support_norm, ky_fan_norm, schatten_norm
from hypernorm.spectral.jacobians import JacobianEstimate, jacobian_frobenius, jacobian_nuclear
from hypernorm.spectral.low_rank import LowRankError, low_rank_error, tucker_error
from hypernorm.spectral.max_norm import max_norm
from hypernorm.spectral.nuclear import NuclearBounds, hidden_state_estimate, matrix_entropy, nuclear_bounds
from hypernorm.spectral.singular_values import SingularValues, singular_values

__all__ = [
    "Enclosure",
    "JacobianEstimate",
    "LowRank",
    "LowRankError",
    "NuclearBounds",
    "SingularValues",
    "hidden_state_estimate",
    "jacobian_frobenius",
    "jacobian_nuclear",
    "k_support_norm",
    "ky_fan_norm",
    "low_rank_error",
    "matrix_entropy",
    "max_norm",
    "nuclear_bounds",
    "schatten_norm",
    "singular_values",
    "tucker_error",
]
