"""Honest proofs of operator norms, cut norms and norms of singular values, and tests for false results; see
`checks.forged_kinds`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import hypernorm as hn
from checks.forged_subject import Subject

__all__ = ["MATRIX_NORM_KINDS"]


def _complex(rng: np.random.Generator) -> Subject:
    n, d = int(rng.integers(1, 8)), int(rng.integers(1, 4))
    A = (rng.standard_normal((n, d)) + 1j * rng.standard_normal((n, d))) * 10.0 ** rng.uniform(-3, 3)
    q = float(rng.choice([2.0, 4.0, 6.0, 8.0, np.inf]))
    interval = hn.two_to_q_norm(A, q, random_state=0)
    proof = interval.certificate if rng.random() < 0.6 else interval.witness

    def attained(v: np.ndarray, q: float) -> float:
        unit = v / np.abs(v).max()
        return float(np.linalg.norm(A @ unit, q) / np.linalg.norm(unit))

    def false(proof: Any, found: Any) -> bool:
        if type(proof.q) is not float:
            return False
        if hasattr(found, "lower"):
            return found.lower > attained(proof.vector, proof.q) * (1 + 1e-12)
        return found.upper < attained(interval.witness.vector, proof.q) * (1 - 1e-12)

    return Subject(proof, A, false)


def _operator(rule: str, rng: np.random.Generator) -> Subject:
    m, n = int(rng.integers(2, 7)), int(rng.integers(2, 6))
    A = rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-3, 3)
    A[rng.random((m, n)) < 0.1] = 0
    is_complex = rule != "enumeration" and rng.random() < 0.4
    if is_complex:
        A = A * np.exp(2j * np.pi * rng.random((m, n)))
    exponents = [1.2, 1.5, 2.0, 2.5, 3.0, 4.0]
    p, q = (float(x) for x in rng.choice(exponents, 2))
    if rule == "edge":
        p, q = (1.0, q) if rng.random() < 0.5 else (p, np.inf)
    elif rule == "enumeration":
        p, q = np.inf, float(rng.choice([1.0, 1.5, 2.0, 3.0]))
    elif rule == "interpolation":
        p, q = min(p, q), max(p, q)
    elif rule == "two_to_q" and is_complex:
        q = 4.0
    elif rule == "two_to_q" and p >= 2 >= q:
        p, q = q, p
    elif rule == "perron" and rng.random() < 0.3:
        p = np.inf
    if rule == "witness":
        proof: Any = hn.lower_bound(A, q, p=1.5 if p == 2 else p, n_starts=16, random_state=0)
    else:
        proof = hn.operator_certificate(A, p, q, rule=rule, random_state=0)
    vectors = np.hstack([np.eye(n), rng.standard_normal((n, 2000)), np.sign(rng.standard_normal((n, 200)))])
    if is_complex:
        vectors = vectors * np.exp(2j * np.pi * rng.random(vectors.shape))

    def false(proof: Any, found: Any) -> bool:
        if hasattr(found, "lower"):
            unit = proof.vector / np.abs(proof.vector).max()
            own = _norms(A @ unit[:, None], proof.q) / _norms(unit[:, None], proof.p)
            return bool(found.lower > own[0] * (1 + 1e-9))
        attained = _norms(A @ vectors, proof.q) / _norms(vectors, proof.p)
        return bool(found.upper < attained.max() * (1 - 1e-9))

    return Subject(proof, A, false)


def _norms(V: np.ndarray, r: float) -> np.ndarray:
    """The r-norms of columns; large powers neither overflow nor vanish."""
    largest = np.maximum(np.abs(V).max(axis=0), 1e-300)
    return np.asarray(largest * np.linalg.norm(V / largest, r, axis=0))


def _cut(rng: np.random.Generator) -> Subject:
    m, n = int(rng.integers(2, 7)), int(rng.integers(2, 6))
    A = rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-3, 3)
    interval = hn.cut_norm(A, method=str(rng.choice(["cheap", "weights", "exact"])), random_state=0)
    proof = interval.certificate if rng.random() < 0.6 else interval.witness
    sums = np.array(list(itertools.product([0, 1], repeat=m))) @ A
    largest = float(np.maximum(np.maximum(sums, 0).sum(axis=1), np.maximum(-sums, 0).sum(axis=1)).max())

    def false(proof: Any, found: Any) -> bool:
        if hasattr(found, "upper"):
            return bool(found.upper < largest * (1 - 1e-12))
        return bool(found.lower > abs(A[proof.rows][:, proof.columns].sum()) + 1e-12 * largest)

    return Subject(proof, A, false)


def _singular(rng: np.random.Generator) -> Subject:
    n, d = int(rng.integers(1, 9)), int(rng.integers(1, 9))
    A = rng.standard_normal((n, 4)) @ rng.standard_normal((4, d)) * 10.0 ** rng.uniform(-3, 3)
    proof = hn.singular_values(A).certificate
    true = np.linalg.svd(A, compute_uv=False)
    slack = 1e-13 * true[0]

    def false(proof: Any, found: Any) -> bool:
        lowers, uppers = np.array(found.lowers), np.array(found.uppers)
        outside = (lowers > true + slack).any() or (uppers < true - slack).any()
        return bool(outside or found.lower > true[0] + slack or found.upper < true[0] - slack)

    return Subject(proof, A, false)


def _invariant_norm(rng: np.random.Generator) -> Subject:
    A = rng.standard_normal((int(rng.integers(2, 9)), int(rng.integers(2, 9)))) * 10.0 ** rng.uniform(-3, 3)
    kind = str(rng.choice(["schatten", "ky_fan", "k_support"]))
    if kind == "schatten":
        proof = hn.schatten_norm(A, float(rng.choice([1.0, 1.5, 2.0, 4.0, np.inf]))).certificate
    else:
        norm = hn.ky_fan_norm if kind == "ky_fan" else hn.k_support_norm
        proof = norm(A, int(rng.integers(1, min(A.shape) + 1))).certificate
    values = np.linalg.svd(A, compute_uv=False)

    def false(proof: Any, found: Any) -> bool:
        norm = _gauge(proof.kind, proof.parameter, values)
        return bool(found.lower > norm * (1 + 1e-12) or found.upper < norm * (1 - 1e-12))

    return Subject(proof, A, false)


def _gauge(kind: str, parameter: float, values: np.ndarray) -> float:
    """The norm from singular values; a k-support norm by its dual: the largest ⟨s, y⟩ over the formula's vectors y."""
    if kind == "schatten":
        return float(np.linalg.norm(values / values[0], parameter) * values[0])
    k = int(parameter)
    if kind == "ky_fan":
        return float(values[:k].sum())
    ratios = []
    for r in range(k):
        y = values.copy()
        y[k - r - 1 :] = values[k - r - 1 :].sum() / (r + 1)
        ratios.append(values @ y / np.linalg.norm(np.sort(y)[-k:]))
    return float(max(ratios))


def _nuclear(rng: np.random.Generator) -> Subject:
    A = rng.standard_normal((int(rng.integers(1, 9)), int(rng.integers(1, 9)))) * 10.0 ** rng.uniform(-3, 3)
    proof = hn.nuclear_bounds(A, gram=bool(rng.random() < 0.7)).certificate
    norm = float(np.linalg.svd(A, compute_uv=False).sum())
    return Subject(
        proof, A, lambda proof, found: bool(found.lower > norm * (1 + 1e-12) or found.upper < norm * (1 - 1e-12))
    )


def _low_rank(rng: np.random.Generator) -> Subject:
    n, d, k = int(rng.integers(2, 9)), int(rng.integers(2, 9)), int(rng.integers(1, 3))
    A = rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-3, 3)
    proof = hn.low_rank_error(A, A @ rng.standard_normal((d, k)), rng.standard_normal((d, k))).certificate

    def false(proof: Any, found: Any) -> bool:
        with np.errstate(all="ignore"):
            error = A - np.ldexp(proof.left, proof.exponent) @ proof.right.T
            slack = 1e-13 * (np.linalg.norm(A) + np.linalg.norm(error)) + 1e-12 * np.linalg.norm(
                proof.left @ proof.right.T
            )
            if not np.isfinite(error).all():
                return False
            frobenius, spectral = np.linalg.norm(error), np.linalg.svd(error, compute_uv=False)[0]
        outside = found.lower > frobenius + slack or found.upper < frobenius - slack
        return bool(outside or found.spectral_lower > spectral + slack or found.spectral_upper < spectral - slack)

    return Subject(proof, A, false)


def _tucker(rng: np.random.Generator) -> Subject:
    shape = tuple(int(side) for side in rng.integers(2, 5, 3))
    tensor = rng.standard_normal(shape) * 10.0 ** rng.uniform(-3, 3)
    proof = hn.tucker_error(tensor, [int(rng.integers(1, side + 1)) for side in shape]).certificate

    def false(proof: Any, found: Any) -> bool:
        tails = []
        for axis, rank in enumerate(proof.ranks.tolist()):
            unfolded = np.moveaxis(tensor, axis, 0).reshape(shape[axis], -1)
            tails.append(float(np.linalg.norm(np.linalg.svd(unfolded, compute_uv=False)[rank:])))
        slack = 1e-12 * float(np.linalg.norm(tensor))
        return bool(found.lower > max(tails) + slack or found.upper < float(np.linalg.norm(tails)) - slack)

    return Subject(proof, tensor, false)


def _max_norm(rng: np.random.Generator) -> Subject:
    A = rng.standard_normal((int(rng.integers(1, 7)), int(rng.integers(1, 7)))) * 10.0 ** rng.uniform(-3, 3)
    proof = hn.max_norm(A).certificate
    alpha, beta = np.full(len(A), 1 / len(A)), np.full(A.shape[1], 1 / A.shape[1])
    above = np.inf
    for _ in range(300):
        P, s, Qt = np.linalg.svd(np.sqrt(alpha)[:, None] * A * np.sqrt(beta), full_matrices=False)
        rows, columns = (P**2) @ s, s @ Qt**2
        if min(alpha.min(), beta.min()) > 1e-12:
            above = min(above, float(np.sqrt((rows / alpha).max() * (columns / beta).max())))
        alpha, beta = rows / s.sum(), columns / s.sum()
    below = float(s.sum())
    above = min(above, float(np.linalg.norm(A, axis=1).max()), float(np.linalg.norm(A, axis=0).max()))
    return Subject(
        proof, A, lambda proof, found: bool(found.lower > above * (1 + 1e-6) or found.upper < below * (1 - 1e-6))
    )


MATRIX_NORM_KINDS: dict[str, Callable[[np.random.Generator], Subject]] = {
    "complex": _complex,
    "edge": functools.partial(_operator, "edge"),
    "perron": functools.partial(_operator, "perron"),
    "weights": functools.partial(_operator, "weights"),
    "two to q": functools.partial(_operator, "two_to_q"),
    "interpolation": functools.partial(_operator, "interpolation"),
    "enumeration": functools.partial(_operator, "enumeration"),
    "cut norm": _cut,
    "operator witness": functools.partial(_operator, "witness"),
    "singular values": _singular,
    "invariant norm": _invariant_norm,
    "nuclear bounds": _nuclear,
    "low-rank error": _low_rank,
    "Tucker error": _tucker,
    "max norm": _max_norm,
}
