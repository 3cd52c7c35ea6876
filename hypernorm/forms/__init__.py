"""Even forms of a matrix, and linear maps whose largest eigenvalues bound its norms."""

from hypernorm.forms.blocks import BlockMatrix
from hypernorm.forms.identity import fingerprint
from hypernorm.forms.low_rank import LowRank
from hypernorm.forms.maps import FlatteningMap, RealignedMap, RealignedOperations
from hypernorm.forms.moments import column_means, moment_depth, moment_matrix, second_moments
from hypernorm.forms.monomials import MonomialBasis, pair_matrices
from hypernorm.forms.rows import Rows
from hypernorm.forms.scaled import ScaledMatrix
from hypernorm.forms.tensors import unfoldings

__all__ = [
    "BlockMatrix",
    "FlatteningMap",
    "LowRank",
    "MonomialBasis",
    "RealignedMap",
    "RealignedOperations",
    "Rows",
    "ScaledMatrix",
    "column_means",
    "fingerprint",
    "moment_depth",
    "moment_matrix",
    "pair_matrices",
    "second_moments",
    "unfoldings",
]
