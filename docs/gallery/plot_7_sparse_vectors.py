"""
A sparse vector in a subspace
=============================

A subspace of dimension 20 in ℝ⁴⁰⁰ holds one vector with few entries, and its basis gives nothing away. Sparse vectors
have a large fourth norm, so a basis X with orthonormal columns has a large 2→4 norm, and the maximiser shows the
vector.
"""

import matplotlib.pyplot as plt
import numpy as np

import hypernorm as hn
from hypernorm.datasets import planted_sparse

sparsities = (10, 20, 30, 40, 50, 60, 70, 80, 100)
overlaps, planted, lower, upper = [], [], [], []
for sparsity in sparsities:
    X, sparse = planted_sparse(400, 20, sparsity, random_state=0)
    interval = hn.two_to_q_norm(X, q=4, random_state=0)
    found = X @ interval.witness.vector
    overlaps.append(abs(found @ sparse) / np.linalg.norm(found))
    planted.append(np.linalg.norm(sparse, 4))
    lower.append(interval.lower)
    upper.append(interval.upper)

# %%
# Up to some number of entries the maximiser is the planted vector. Beyond, another vector of the subspace has a larger
# norm. The proved upper bound decides which is the case, without knowing what was planted: where it equals the norm of
# the vector that was found, no vector has a larger one.

figure, (above, below) = plt.subplots(2, figsize=(7, 4.6), sharex=True, layout="constrained")
above.plot(sparsities, upper, "v", markersize=8, color="#D55E00", label="proved upper bound")
above.plot(sparsities, lower, "^", color="#0072B2", label="norm of the vector found")
above.plot(sparsities, planted, color="black", linewidth=1, label="norm of the planted vector")
above.set_ylabel("fourth norm")
above.legend()
below.plot(sparsities, overlaps, "o-", color="#0072B2")
below.set_ylabel("overlap of the two\nvectors")
below.set_xlabel("entries of the planted vector, of 400")
below.set_ylim(-0.05, 1.05)
for axes in (above, below):
    axes.spines[["top", "right"]].set_visible(False)
