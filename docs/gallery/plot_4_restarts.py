"""
Restarts, and how to know when to stop
======================================

The usual way to a large ‖Xv‖₄ is to climb from many random points. Each climb ends in a
local maximum. The climbs cannot tell which local maximum is the largest of all, nor
whether a better one has been missed.
"""

import matplotlib.pyplot as plt
import numpy as np

import hypernorm as hn
from hypernorm.datasets import signs

X = signs(192, 48, random_state=5)


def climb(V, steps=200):
    """The power method v ← Xᵀ(Xv)³ from the columns of V, and the values at its end."""
    for _ in range(steps):
        V = X.T @ (X @ (V / np.linalg.norm(V, axis=0))) ** 3
    return np.sum((X @ (V / np.linalg.norm(V, axis=0))) ** 4, axis=0) ** 0.25


values = climb(np.random.default_rng(5).standard_normal((48, 1000)))

# %%
# The sum-of-squares relaxation gives an upper bound, and a vector. Here the two meet,
# so the question is settled: there is no better vector.

interval = hn.two_to_q_norm(X, q=4, method="sos", random_state=0)
print(interval)
found = values > interval.lower * (1 - 1e-6)
print(f"{found.sum()} of {len(values)} climbs end at the maximum,")
print(f"{found[:64].sum()} of the first 64")

# %%
# The histogram shows where a thousand climbs end: in many places, most of them below
# the maximum.

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.hist(values, bins=80, color="#56B4E9")
axes.hist(values[found], bins=80, range=(values.min(), values.max()), color="#D55E00")
axes.axvline(interval.upper, color="black", linewidth=1)
axes.annotate(
    "proved upper bound ",
    (interval.upper, 0.97),
    xycoords=("data", "axes fraction"),
    ha="right",
    va="top",
)
axes.set_xlabel("‖Xv‖₄ at the end of a climb")
axes.set_ylabel("number of climbs")
axes.spines[["top", "right"]].set_visible(False)

# %%
# *Values at the end of a thousand climbs. Red: those that reach the proved maximum.*
#
# :func:`hypernorm.lower_bound` mixes random starts with informed ones, and
# `two_to_q_norm` adds the directions to which the relaxation leads.
