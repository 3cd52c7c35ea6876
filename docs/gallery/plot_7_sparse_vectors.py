"""
A sparse vector in a subspace
=============================

A subspace of dimension 20 in ℝ⁴⁰⁰ contains one vector with few non-zero entries, hidden
by a random basis. Sparse vectors have a large fourth norm for their length. So the
direction in which the 2→4 norm of an orthonormal basis is attained is the sparse
vector, and the proved upper bound says how sparse any vector of the subspace can be.
"""

import matplotlib.pyplot as plt
import numpy as np

from hypernorm.applications import sparsest_direction
from hypernorm.datasets import planted_sparse

basis, planted = planted_sparse(400, 20, sparsity=30, random_state=0)
found = sparsest_direction(basis, random_state=0)
print(f"overlap with the planted vector {abs(found.vector @ planted):.12f}")
print(f"{len(found.support)} entries; proved for every vector of the subspace:")
print(f"at least {found.least_support}")

# %%
# How many entries are too many? The more there are, the smaller the planted vector's
# norm, and at some point another vector of the subspace has a larger one. The proved
# bound tells which is the case without knowing what was planted: where it meets the
# norm of the vector that was found, no vector has a larger one.

sparsities = (10, 20, 30, 40, 50, 60, 70, 80, 100)
draws = [planted_sparse(400, 20, sparsity, random_state=0) for sparsity in sparsities]
results = [sparsest_direction(draw.matrix, random_state=0) for draw in draws]

figure, (above, below) = plt.subplots(
    2, figsize=(7, 4.6), sharex=True, layout="constrained"
)
above.plot(
    sparsities,
    [result.upper for result in results],
    "v",
    markersize=8,
    color="#D55E00",
    label="proved bound",
)
above.plot(
    sparsities,
    [result.lower for result in results],
    "^",
    color="#0072B2",
    label="norm of the vector found",
)
norms = [np.linalg.norm(draw.vector, 4) for draw in draws]
above.plot(
    sparsities, norms, color="black", linewidth=1, label="norm of the planted vector"
)
above.set_ylabel("fourth norm")
above.legend()
overlaps = [
    abs(result.vector @ draw.vector)
    for result, draw in zip(results, draws, strict=True)
]
below.plot(sparsities, overlaps, "o-", color="#0072B2")
below.set_ylabel("overlap of the two\nvectors")
below.set_xlabel("entries of the planted vector, of 400")
below.set_ylim(-0.05, 1.05)
for axes in (above, below):
    axes.spines[["top", "right"]].set_visible(False)

# %%
# *Above: where triangles and line meet, the planted vector is proved to have the
# largest norm. Below: there the vector that was found is the planted one.*
