"""
The cut-norm distance of two graphs
===================================

Two random graphs have few edges in common, yet look the same from afar: between any two
sets of vertices, both have about as many edges. The cut norm of the difference of their
adjacency matrices, divided by n², measures this. It is the distance of the theory of
graph limits (graphons), and is hard to compute. ``cut_norm`` encloses it.
"""

import matplotlib.pyplot as plt
import numpy as np

import hypernorm as hn


def paley(n):
    """Joined are vertices whose difference is a square modulo the prime n."""
    squares = np.isin(np.arange(n), np.arange(1, n) ** 2 % n)
    return squares[np.subtract.outer(np.arange(n), np.arange(n)) % n].astype(float)


def random_graph(probabilities, rng):
    """Each edge on its own, with its probability."""
    edges = np.triu(rng.random(probabilities.shape) < probabilities, 1)
    return (edges | edges.T).astype(float)


def two_groups(n):
    """Nearly all edges within the groups, and few between them."""
    half = np.arange(n) < n / 2
    return np.where(half[:, None] == half, 0.95, 0.05)


# %%
# The Paley graph is compared with a graph whose edges are tossed by a fair coin, and
# with one of two groups. All have about half of all edges. The share of pairs on which
# two graphs differ does not tell the two comparisons apart. The cut norm does: it tends
# to zero in one of them, and stays away from zero in the other.

sizes = (13, 29, 53, 101, 197)
edits, cuts = {}, {}
for name, model in {
    "fair coin": lambda n: np.full((n, n), 0.5),
    "two groups": two_groups,
}.items():
    rng = np.random.default_rng(0)
    differences = [paley(n) - random_graph(model(n), rng) for n in sizes]
    edits[name] = [np.abs(difference).mean() for difference in differences]
    found = [
        hn.cut_norm(difference, method="weights", random_state=0)
        for difference in differences
    ]
    cuts[name] = (
        np.array([[interval.lower, interval.upper] for interval in found])
        / np.square(sizes)[:, None]
    )
    lowest, highest = cuts[name][-1]
    print(f"Paley against {name}, n = {sizes[-1]}:")
    print(f"cut norm / n² between {lowest:.4f} and {highest:.4f}")

figure, (left, right) = plt.subplots(
    1, 2, figsize=(8, 3.6), width_ratios=(1, 1.5), layout="constrained"
)
n = 53
left.imshow(
    np.hstack([paley(n), np.full((n, 4), 0.5), random_graph(two_groups(n), rng)]),
    cmap="Greys",
)
left.set_title("Paley graph, and two groups", fontsize=9)
left.axis("off")
for name, color in (("fair coin", "#0072B2"), ("two groups", "#D55E00")):
    right.plot(
        sizes,
        edits[name],
        "o:",
        color=color,
        label=f"{name}: share of pairs that differ",
    )
    right.fill_between(sizes, *cuts[name].T, color=color, alpha=0.3)
    right.plot(
        sizes,
        cuts[name][:, 0],
        "^-",
        color=color,
        label=f"{name}: cut norm / n², proved bounds",
    )
    right.plot(sizes, cuts[name][:, 1], "v-", color=color)
right.set_xlabel("vertices n")
right.set_ylabel("distance from the Paley graph")
right.set_ylim(0, 0.8)
right.legend(fontsize=8)
right.spines[["top", "right"]].set_visible(False)

# %%
# *Left: the Paley graph with 53 vertices, and one of two groups. Right: the share of
# pairs on which graphs differ, and the cut norm between its proved bounds.*
