"""Values on product vectors and the first two relaxations, as they are defined."""

import itertools
import warnings
from collections import Counter

import numpy as np


def value(M, x, y):
    """Re ⟨x⊗y, M (x⊗y)⟩ / (‖x‖²‖y‖²)."""
    z = np.kron(x, y)
    return float((z.conj() @ M @ z).real / (z.conj() @ z).real)


def random_hermitian(size, rng, real=False):
    A = rng.standard_normal((size, size))
    if not real:
        A = A + 1j * rng.standard_normal((size, size))
    return (A + A.conj().T) / 2


def partial_transpose(M, dims):
    """Transposition of the first factor."""
    a, b = dims
    return M.reshape(a, b, a, b).transpose(2, 1, 0, 3).reshape(a * b, a * b)


def alternating(M, dims, rng, real=False, restarts=30, steps=200):
    """The best value of alternating eigenvectors, one start at a time."""
    a, b = dims
    T, best = M.reshape(a, b, a, b), -np.inf
    for _ in range(restarts):
        y = rng.standard_normal(b) + (0 if real else 1j * rng.standard_normal(b))
        for _ in range(steps):
            x = np.linalg.eigh(np.einsum("ijkl,j,l->ik", T, y.conj(), y))[1][:, -1]
            y = np.linalg.eigh(np.einsum("ijkl,i,k->jl", T, x.conj(), x))[1][:, -1]
        best = max(best, value(M, x, y))
    return best


def evaluate(parts_monomials, matrices):
    """Σ z_j* H_j z_j."""
    return sum(z.conj() @ H @ z for z, H in zip(parts_monomials, matrices, strict=True))


def multisets(dimension, size):
    """Sorted index tuples in colexicographic order, and how many orderings each has."""
    counts = Counter(tuple(sorted(index)) for index in itertools.product(range(dimension), repeat=size))
    ordered = sorted(counts, key=lambda index: index[::-1])
    return ordered, np.array([counts[index] for index in ordered])


def monomials(x, y, level, conjugated):
    """x_i y^β ȳ^δ for all i and multisets β, δ of sizes level − conjugated and conjugated."""

    def products(v, size):
        return np.array([np.prod([v[i] for i in index]) for index in multisets(len(v), size)[0]])

    return np.kron(x, np.kron(products(y, level - conjugated), products(y.conj(), conjugated)))


def multiplicities(dims, level, conjugated):
    """How often each of these monomials occurs in x ⊗ y ⊗ … ⊗ ȳ ⊗ …"""
    counts = (multisets(dims[1], size)[1] for size in (level - conjugated, conjugated))
    return np.kron(np.ones(dims[0]), np.kron(*counts))


def ppt_value(M, dims, field):
    """Level 1 by a conic solver: states with a positive partial transpose, or real sums of squares."""
    import cvxpy as cp

    n = len(M)
    if field == "complex":  # stated for the certificates: λI − M is one such matrix plus the transpose of another
        bound, Q = cp.Variable(), cp.Variable((n, n), hermitian=True)
        constraints = [Q >> 0, bound * np.eye(n) - M - cp.partial_transpose(Q, dims, axis=0) >> 0]
        with warnings.catch_warnings():
            # Whether the last digits are reached depends on rounding; the comparison in the test judges.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            return float(cp.Problem(cp.Minimize(bound), constraints).solve(solver="CLARABEL"))
    Y = cp.Variable((n, n), symmetric=True)
    constraints = [cp.trace(Y) == 1, Y >> 0, cp.partial_transpose(Y, dims, axis=0) == Y]
    return float(cp.Problem(cp.Maximize(cp.sum(cp.multiply(M, Y))), constraints).solve(solver="CLARABEL"))


def extension_value(M, dims):
    """Level 2 for a real M: symmetric extensions to two copies of the second factor with all partial transposes."""
    import cvxpy as cp

    a, b = dims
    n = a * b * b
    index = np.arange(n * n).reshape(a, b, b, a, b, b)
    Y = cp.Variable((n, n), symmetric=True)
    flat = cp.vec(Y, order="C")

    def permuted(*axes):
        return cp.reshape(flat[index.transpose(axes).ravel()], (n, n), order="C")

    constraints = [cp.trace(Y) == 1, Y >> 0]
    constraints += [permuted(0, 2, 1, 3, 4, 5) == Y]  # on the symmetric subspace
    constraints += [permuted(0, 1, 5, 3, 4, 2) >> 0, permuted(3, 1, 2, 0, 4, 5) >> 0]
    extended = np.kron(M, np.eye(b))
    return float(cp.Problem(cp.Maximize(cp.sum(cp.multiply(extended, Y))), constraints).solve(solver="CLARABEL"))
