"""Applications of 2→q norms: the expansion of small sets, and sparse vectors in subspaces."""

from hypernorm.applications.small_set_search import SmallSet, find_small_set
from hypernorm.applications.small_sets import SmallSetExpansion, small_set_expansion
from hypernorm.applications.sparse_vectors import SparseDirection, sparsest_direction

__all__ = [
    "SmallSet",
    "SmallSetExpansion",
    "SparseDirection",
    "find_small_set",
    "small_set_expansion",
    "sparsest_direction",
]
