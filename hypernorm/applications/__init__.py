"""What 2→q norms are good for: expansion of small sets, sparse vectors in subspaces, the best separable state value."""

from hypernorm.applications.set_search import SmallSet, find_small_set
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
