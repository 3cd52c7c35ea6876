"""Expansion of sets of vertices, as it is defined, and graphs to try it on."""

import itertools

import numpy as np


def expansion(A, vertices):
    """Weight that leaves the set over the sum of its degrees."""
    inside = set(vertices)
    n = len(A)
    cut = sum(A[i][j] for i in inside for j in range(n) if j not in inside)
    return cut / sum(A[i][j] for i in inside for j in range(n))


def measure(A, vertices):
    """Fraction of the degrees."""
    return sum(map(sum, (A[i] for i in vertices))) / sum(map(sum, A))


def all_sets(n):
    """All sets of vertices but the empty and the full one."""
    for size in range(1, n):
        yield from itertools.combinations(range(n), size)


def random_graph(rng, n, *, loops=True):
    """Irregular, with weights over orders of magnitude, perhaps disconnected, without isolated vertices."""
    A = rng.exponential(size=(n, n)) ** rng.integers(1, 5) * (rng.random((n, n)) < 0.5)
    A = np.triu(A, 0 if loops else 1)
    A = A + np.triu(A, 1).T
    alone = A.sum(axis=1) == 0
    A[alone, 0] = A[0, alone] = 1
    return A
