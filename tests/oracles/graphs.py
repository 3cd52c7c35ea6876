"""Expansion of sets of vertices, as it is defined."""

import itertools


def expansion(A, vertices):
    """Weight that leaves the set over the sum of its degrees."""
    inside = set(vertices)
    n = len(A)
    cut = sum(A[i][j] for i in inside for j in range(n) if j not in inside)
    return cut / sum(A[i][j] for i in inside for j in range(n))


def measure(A, vertices):
    """Share of the degrees."""
    return sum(map(sum, (A[i] for i in vertices))) / sum(map(sum, A))


def all_sets(n):
    """All sets of vertices but the empty and the full one."""
    for size in range(1, n):
        yield from itertools.combinations(range(n), size)
