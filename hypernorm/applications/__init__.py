"""What 2→q norms are good for: expansion of small sets, sparse vectors in subspaces, the best separable state value."""

from hypernorm.applications.separable_states import (
    SeparableInterval,
    SeparableRecord,
    SeparableStatus,
    norm_operator,
    norm_witness,
    separable_value,
)
from hypernorm.applications.set_search import SmallSet, find_small_set
from hypernorm.applications.small_sets import SmallSetExpansion, small_set_expansion
from hypernorm.applications.sparse_vectors import SparseDirection, sparsest_direction

__all__ = [
    "SeparableInterval",
    "SeparableRecord",
    "SeparableStatus",
    "SmallSet",
    "SmallSetExpansion",
    "SparseDirection",
    "find_small_set",
    "norm_operator",
    "norm_witness",
    "separable_value",
    "small_set_expansion",
    "sparsest_direction",
]
