"""
A discrepancy bound by the max norm
===================================

Colour points red and blue such that every box that is anchored at the origin holds
about as many red as blue points. How small can the difference be? Random colours reach
about the root of the number of points. The max norm γ₂ of the incidence matrix of boxes
and points proves a much better answer, for whatever points of a grid are given.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

import hypernorm as hn

# %%
# Row i of the triangular matrix of ones is the interval from 1 to i. The max norm is
# the least product of the longest row of U and the longest column of V with A = UV.
# ``max_norm`` proves it from both sides.

sizes = np.array([4, 8, 16, 32, 64])
intervals = [hn.max_norm(np.tri(size)) for size in sizes]
for size, interval in zip(sizes, intervals, strict=True):
    print(
        f"{size:3d} intervals: γ₂ between {interval.lower:.6f} and {interval.upper:.6f}"
    )

# %%
# A box in the grid of k × k points is a product of two intervals. The incidence matrix
# is the tensor product of two triangular ones, and γ₂ of a tensor product is at most
# the product, since the factors multiply. A choice of points is a choice of columns,
# which makes γ₂ no larger.
#
# Banaszczyk's theorem: columns v_j of length 1/5 at most have signs with Σ ± v_j in any
# convex body of Gaussian measure 1/2. Take the body of all x with inner products
# abs(⟨u, x⟩) ≤ t max ‖u‖ for the rows u of U. By Šidák's inequality its measure is at
# least (P(abs(g) ≤ t))^m for m rows. So for m sets there are signs with differences of
# at most 5 t γ₂.


def discrepancy_bound(gamma, n_sets):
    t = norm.ppf((1 + 0.5 ** (1 / n_sets)) / 2)
    return 5 * t * gamma


def random_colours(n_points, n_sets):
    """Hoeffding's inequality for all sets together."""
    return np.sqrt(2 * n_points * np.log(2 * n_sets))


# %%
# A larger size follows without any computation. An interval from 1 to i ≤ 64² consists
# of full blocks of 64 numbers and of an interval within the next block. So the
# triangular matrix is the sum of two: a smaller one tensor a matrix of ones, and the
# identity tensor one of size 64. γ₂ is a norm, and it is at most twice that for size
# 64.

gammas = np.array([interval.upper for interval in intervals])
larger = np.append(sizes, [64**2])
gammas = np.append(gammas, [2 * gammas[-1]])
points = larger.astype(float) ** 2
proved = discrepancy_bound(gammas**2, points)

figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
axes.loglog(
    points,
    random_colours(points / 2, points),
    "s--",
    color="grey",
    label="random colours of half of the points",
)
axes.loglog(
    points,
    proved,
    "v-",
    color="#D55E00",
    label="proved by γ₂, for any choice of points",
)
axes.set_xlabel("points of the grid")
axes.set_ylabel("difference of red and blue,\nin the worst box")
axes.legend()
axes.spines[["top", "right"]].set_visible(False)

# %%
# *The largest difference of red and blue: proved for the best colours, and for random
# ones.*
