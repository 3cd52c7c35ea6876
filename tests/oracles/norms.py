"""The norm and its bounds, written down as they are defined, with no thought of cost."""

import itertools
import math

import numpy as np


def attained(X, v, q):
    """‖Xv‖_q / ‖v‖."""
    return float(np.linalg.norm(np.asarray(X, dtype=float) @ v, q) / np.linalg.norm(v))


def best_of_restarts(X, q, rng, restarts=200, iterations=300):
    """The power method from many random starts, in four lines."""
    V = rng.standard_normal((X.shape[1], restarts))
    for _ in range(iterations):
        V = V / np.linalg.norm(V, axis=0)
        Y = X @ V
        V = X.T @ (np.abs(Y) ** (q - 1) * np.sign(Y))
    V = V / np.linalg.norm(V, axis=0)
    return float((np.abs(X @ V) ** q).sum(axis=0).max() ** (1 / q))


def flattening_map(X, U):
    """Σ (x_iᵀ U x_i) x_i x_iᵀ, term by term."""
    return sum((x @ U @ x) * np.outer(x, x) for x in X)


def realigned_map(X, U):
    """Σ_ij ⟨x_i, x_j⟩² (x_iᵀ U x_j) x_i x_jᵀ, term by term."""
    return sum((x @ y) ** 2 * (x @ U @ y) * np.outer(x, y) for x in X for y in X)


def matrix_of(linear_map, X):
    """The d²×d² matrix of a map on d×d matrices."""
    d = X.shape[1]
    units = np.eye(d * d).reshape(d * d, d, d)
    return np.array([linear_map(X, unit).ravel() for unit in units]).T


def moment_eigenvalue(X, order):
    """λ_max of Σ x^{⊗k} (x^{⊗k})ᵀ in d^k dimensions, k = order/2."""
    powers = []
    for x in X:
        power = np.ones(1)
        for _ in range(order // 2):
            power = np.kron(power, x)
        powers.append(power)
    Z = np.array(powers)
    return float(np.linalg.norm(Z, 2) ** 2)


def spectral_value(X, q, kind):
    """The bound of each kind on ‖X‖_{2→q} by dense eigenvalues, without any certificate."""
    X = X[np.linalg.norm(X, axis=1) > 0]
    r = np.linalg.norm(X, axis=1)
    if math.isinf(q):
        return float(r.max())
    row_norm = np.linalg.eigvalsh(X.T @ (r[:, None] ** (q - 2) * X))[-1]
    if kind == "row_norm":
        return float(row_norm ** (1 / q))
    if kind == "moment":
        below = 2 * int(q // 2)
        share = (q - below) / 2
        values = [moment_eigenvalue(X, order) for order in (below, below + 2)]
        return float((values[0] ** (1 - share) * values[1] ** share) ** (1 / q))
    Y = X * r[:, None] ** ((q - 4) / 4)
    linear_map = flattening_map if kind == "flattening" else realigned_map
    M = matrix_of(linear_map, Y)
    quartic = np.linalg.eigvalsh((M + M.T) / 2)[-1] ** (1 if kind == "flattening" else 0.5)
    if q >= 4:
        return float(quartic ** (1 / q))
    return float((row_norm ** ((4 - q) / 2) * quartic ** ((q - 2) / 2)) ** (1 / q))


def polynomial_value(weights, indices, v):
    """Σ w_α v^α for monomials given by their index tuples."""
    return sum(w * math.prod(v[i] for i in index) for w, index in zip(weights, indices, strict=True))


def multisets(d, k):
    """All sorted index tuples of length k, and how many orderings each has."""
    chosen = list(itertools.combinations_with_replacement(range(d), k))
    counts = [math.factorial(k) // math.prod(math.factorial(index.count(i)) for i in set(index)) for index in chosen]
    return chosen, counts
