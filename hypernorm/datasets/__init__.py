"""Matrices for experiments: known norms, random families, bundled data."""

from hypernorm.datasets.bundled import BUNDLED, load_bundled
from hypernorm.datasets.contamination import ADVERSARIES, Contaminated, contaminated
from hypernorm.datasets.contamination_models import (
    ContaminatedClusters,
    ContaminatedRegression,
    contaminated_clusters,
    contaminated_regression,
)
from hypernorm.datasets.cube import cube_characters
from hypernorm.datasets.embeddings import isometric_embedding, lifted_embedding
from hypernorm.datasets.graphs import (
    NETWORKS,
    cayley_graph,
    johnson_graph,
    load_network,
    noisy_cube,
    random_geometric_graph,
    random_regular_graph,
    short_code,
)
from hypernorm.datasets.inexact import choi_biquadratic, choi_lam, inexact_norms, odd_cycle
from hypernorm.datasets.known import (
    KnownNorm,
    blocks,
    cube_functions,
    e8,
    icosahedron,
    identity,
    known_norms,
    orthogonal_rows,
    polygon,
    rank_one,
)
from hypernorm.datasets.planted import PlantedDictionary, planted_dictionary
from hypernorm.datasets.populations import INLIERS
from hypernorm.datasets.random import PlantedSubspace, gaussian, heavy_tailed, planted_sparse, signs, subspace
from hypernorm.datasets.states import KnownSeparableValue, known_separable_values

__all__ = [
    "ADVERSARIES",
    "BUNDLED",
    "INLIERS",
    "NETWORKS",
    "Contaminated",
    "ContaminatedClusters",
    "ContaminatedRegression",
    "KnownNorm",
    "KnownSeparableValue",
    "PlantedDictionary",
    "PlantedSubspace",
    "blocks",
    "cayley_graph",
    "choi_biquadratic",
    "choi_lam",
    "contaminated",
    "contaminated_clusters",
    "contaminated_regression",
    "cube_characters",
    "cube_functions",
    "e8",
    "gaussian",
    "heavy_tailed",
    "icosahedron",
    "identity",
    "inexact_norms",
    "isometric_embedding",
    "johnson_graph",
    "known_norms",
    "known_separable_values",
    "lifted_embedding",
    "load_bundled",
    "load_network",
    "noisy_cube",
    "odd_cycle",
    "orthogonal_rows",
    "planted_dictionary",
    "planted_sparse",
    "polygon",
    "random_geometric_graph",
    "random_regular_graph",
    "rank_one",
    "short_code",
    "signs",
    "subspace",
]
