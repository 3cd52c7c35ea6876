"""One honest proof of every kind, and a test for false results of verifying a forged copy.

A `Subject` contains the proof, its data, and the function `false`. It returns whether the result of a verification is
wrong: an upper bound below an attained value, a lower bound above a proved upper bound, or a bound that a known set of
inliers or vertices contradicts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import hypernorm as hn
from checks.forged_matrix_norms import MATRIX_NORM_KINDS
from checks.forged_subject import Subject
from hypernorm.applications import small_set_expansion, sparsest_direction
from hypernorm.datasets import noisy_cube
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.robust import MomentClustering, certify_covariance, certify_mean
from hypernorm.separable import separable_value

__all__ = ["KINDS", "Subject"]


def _norm(rng: np.random.Generator) -> Subject:
    X = rng.standard_normal((int(rng.integers(4, 14)), int(rng.integers(1, 5))))
    q = float(rng.choice([2.0, 2.5, 3.0, 4.0, 6.0, 7.3, 8.0, 40.0, np.inf]))
    kinds = [kind for kind in ("row_norm", "flattening", "realigned", "moment", "sos") if _exists(kind, q)]
    kind = str(rng.choice(kinds))
    proof = hn.sos_bound(X, q, random_state=0) if kind == "sos" else hn.spectral_bound(X, q, kind=kind)
    lower = hn.lower_bound(X, q, n_starts=16, random_state=0).value
    return Subject(proof, X, lambda proof, found: found.upper < lower if _same_q(proof, q) else False)


def _split(rng: np.random.Generator) -> Subject:
    X = rng.standard_normal((int(rng.integers(3, 14)), int(rng.integers(2, 6)))) * 10.0 ** rng.uniform(-3, 3)
    q = float(rng.choice([2.5, 3.0, 4.0, 6.0, 40.0]))
    proof = hn.spectral_bound(X, q, kind="split")
    lower = hn.lower_bound(X, q, n_starts=16, random_state=0).value
    return Subject(proof, X, lambda proof, found: found.upper < lower if _same_q(proof, q) else False)


def _reduced(rng: np.random.Generator) -> Subject:
    n, d = int(rng.integers(2, 8)), int(rng.integers(5, 9))
    X = rng.standard_normal((n, 3)) @ rng.standard_normal((3, d)) * 10.0 ** rng.uniform(-3, 3)
    if rng.random() < 0.3:
        X = rng.standard_normal((n, d)) * (np.arange(d) < 2)
    q = float(rng.choice([2.0, 2.5, 4.0, 6.0, np.inf]))
    proof = hn.spectral_bound(X, q, kind="row_norm" if q in (2, np.inf) else "realigned")
    lower = hn.lower_bound(X, q, n_starts=16, random_state=0).value
    return Subject(proof, X, lambda proof, found: found.upper < lower if _same_q(proof, q) else False)


def _touching(rng: np.random.Generator) -> Subject:
    X = rng.standard_normal((int(rng.integers(4, 10)), int(rng.integers(2, 5)))) * 10.0 ** rng.uniform(-3, 3)
    q = float(rng.choice([2.5, 3.0, 5.0, 7.3, 9.0]))
    whole = X @ rng.standard_normal((X.shape[1], 12)) if rng.random() < 0.2 else X
    proof = hn.sos_bound(whole, q, degree=int(rng.choice([4, 6])), random_state=0)
    lower = hn.lower_bound(whole, q, n_starts=16, random_state=0).value
    return Subject(proof, whole, lambda proof, found: found.upper < lower if _same_q(proof, q) else False)


def _exists(kind: str, q: float) -> bool:
    inside = 2 < q < np.inf
    return kind == "row_norm" or (inside and (kind != "moment" or q <= 8))


def _same_q(proof: Any, q: float) -> bool:
    """Whether a lower bound on the norm for q holds for the norm of the proof too; the norm decreases in q."""
    return bool(proof.q == q) or (type(proof.q) is float and proof.q < q)


def _witness(rng: np.random.Generator) -> Subject:
    X = rng.standard_normal((int(rng.integers(4, 14)), int(rng.integers(1, 5))))
    q = float(rng.choice([1.0, 2.0, 3.0, 4.0, np.inf]))
    proof = hn.lower_bound(X, q, n_starts=16, random_state=0)
    norm = hn.two_to_q_norm(X, max(q, 2.0), random_state=0).upper * (len(X) ** 0.5 if q < 2 else 1)
    return Subject(proof, X, lambda proof, found: found.lower > norm if _as_small(proof, q) else False)


def _as_small(proof: Any, q: float) -> bool:
    return bool(proof.q == q) or (type(proof.q) is float and proof.q > q)


def _gain(rng: np.random.Generator) -> Subject:
    d = int(rng.integers(1, 4))
    X = rng.standard_normal((int(rng.integers(d + 3, 12)), d)) * 10.0 ** rng.uniform(-3, 3)
    q = float(rng.choice([4.0, 6.0, 8.0]))
    interval = hn.smallest_gain(X, q, method=str(rng.choice(["spectral", "sos"])), random_state=0)
    proof = interval.certificate if rng.random() < 0.6 else interval.witness
    image = X @ interval.witness.vector / np.linalg.norm(interval.witness.vector)

    def false(proof: Any, found: Any) -> bool:
        if type(proof.q) is not float:
            return False
        if hasattr(found, "lower"):
            return bool(found.lower > np.linalg.norm(image, proof.q) * (1 + 1e-12))
        # The norm for a larger exponent is smaller by at most this factor.
        factor = len(X) ** min(1 / proof.q - 1 / q, 0.0)
        return bool(found.upper < interval.lower * factor * (1 - 1e-12))

    return Subject(proof, X, false)


def _separable(rng: np.random.Generator) -> Subject:
    A = rng.standard_normal((4, 4)) + (1j * rng.standard_normal((4, 4)) if rng.random() < 0.5 else 0)
    M = A + A.conj().T
    interval = separable_value(M, (2, 2), level=int(rng.integers(1, 3)), random_state=0)
    proof = interval.certificate if rng.random() < 0.6 else interval.witness

    def false(proof: Any, found: Any) -> bool:
        return found.upper < interval.lower if hasattr(found, "upper") else found.lower > interval.upper

    return Subject(proof, M, false)


def _mean(rng: np.random.Generator) -> Subject:
    X = rng.standard_t(5, (40, 2)) * 10.0 ** rng.uniform(-3, 3)
    weights, epsilon = np.where(rng.random(40) < 0.1, 0.0, 1.0), 0.1
    sets = [rng.permutation(40)[:36] for _ in range(20)] + [
        np.argsort(X @ v)[part] for v in np.eye(2) for part in _ENDS
    ]
    base = rng.uniform(0.5, 1, 40) if rng.random() < 0.3 else None
    proof = certify_mean(X, weights, epsilon, moments=[2, 4], sample_weight=base)

    def false(proof: Any, found: Any) -> bool:
        base = np.ones(40) if proof.base_weights is None else proof.base_weights / proof.base_weights.sum()
        for kept in sets:
            shares = base[kept] / base[kept].sum()
            if base[kept].sum() < (1 - proof.contamination) * base.sum():
                continue
            error = float(np.linalg.norm(proof.location - shares @ X[kept])) * (1 - 1e-12)
            given = [found.error_bound_given(_moment(X[kept], shares, q), order=q) for q in found.orders]
            if error > min(given) or error > found.error_bound:
                return True
        attained = [_attained(X, proof.weights, norm.q, proof.location) for norm in proof.norms]
        return any(b < a * (1 - 1e-12) for a, b in zip(attained, found.moments, strict=False))

    return Subject(proof, X, false)


_ENDS = (slice(0, 36), slice(4, 40))


def _moment(X: np.ndarray, shares: np.ndarray, q: float) -> float:
    """An upper bound on the central moment in every direction."""
    lengths = np.linalg.norm(X - shares @ X, axis=1)
    largest = float(lengths.max())
    return largest * float((shares @ (lengths / largest) ** q) ** (1 / q)) * (1 + 1e-12)


def _attained(X: np.ndarray, weights: Any, q: float, center: Any = None) -> float:
    """The largest weighted moment over some directions, about the weighted mean or `center`."""
    shares = weights / weights.sum()
    center = shares @ X if center is None else center
    angles = np.linspace(0, np.pi, 60)
    directions = np.array([np.cos(angles), np.sin(angles)]) if X.shape[1] == 2 else np.eye(X.shape[1])
    return float((shares @ np.abs((X - center) @ directions) ** q).max() ** (1 / q))


def _covariance(rng: np.random.Generator) -> Subject:
    X = rng.standard_normal((80, 2)) @ rng.standard_normal((2, 2))
    proof = certify_covariance(X, rng.uniform(0.9, 1.1, 80) if rng.random() < 0.5 else np.ones(80), 0.02)

    def false(proof: Any, found: Any) -> bool:
        shares = proof.weights / proof.weights.sum()
        Y = X - shares @ X
        angles = np.linspace(0, np.pi, 60)
        images = Y @ np.array([np.cos(angles), np.sin(angles)])
        kurtosis = float(((shares @ images**4) / (shares @ images**2) ** 2).max())
        if found.kurtosis < kurtosis * (1 - 1e-9):
            return True
        least, largest = found.variance_ratios_given(50.0)
        for leave in range(0, 80 if proof.contamination >= 1 / 80 else 0, 5):
            S = np.cov(np.delete(X, leave, axis=0), rowvar=False, bias=True)
            ratios = np.linalg.eigvals(np.linalg.solve(proof.covariance, S)).real
            if not (least * (1 - 1e-9) <= ratios.min() and ratios.max() <= largest * (1 + 1e-9)):
                return True
        return not (found.least_ratio == least and largest <= found.largest_ratio)

    return Subject(proof, X, false)


def _cluster(rng: np.random.Generator) -> Subject:
    X = np.vstack([rng.standard_normal((20, 2)), rng.standard_normal((20, 2)) + 30]) * 10.0 ** rng.uniform(-3, 3)
    proof = MomentClustering(2, n_init=1, random_state=0).fit(X).certificates_[int(rng.integers(2))]

    def false(proof: Any, found: Any) -> bool:
        apart = float(np.linalg.norm(proof.weights @ (X - proof.center)) / proof.weights.sum())
        attained = _attained(X, proof.weights, proof.norm.q, proof.center)
        return bool(found.upper < attained * (1 - 1e-12) or found.offset < apart * (1 - 1e-9))

    return Subject(proof, X, false)


def _small_set(rng: np.random.Generator) -> Subject:
    if rng.random() < 0.5:
        A = noisy_cube(3, float(rng.uniform(0.3, 0.9)))
    else:
        B = rng.random((8, 8)) * (rng.random((8, 8)) < 0.6) + 0.05
        A = B + B.T
    proof = small_set_expansion(A, float(rng.uniform(0.0, 0.5)), random_state=0).certificate
    degrees = A.sum(axis=1)
    sets = [list(kept) for size in range(1, 5) for kept in itertools.combinations(range(8), size)]
    measure = np.array([degrees[kept].sum() / degrees.sum() for kept in sets])
    expansion = np.array([1 - A[np.ix_(kept, kept)].sum() / degrees[kept].sum() for kept in sets])

    def false(proof: Any, found: Any) -> bool:
        return any(
            proof.bound(float(mu) * (1 - 1e-9)) > phi + 1e-9 and proof.bound(float(mu)) > phi + 1e-9
            for mu, phi in zip(measure[::5], expansion[::5], strict=True)
        )

    return Subject(proof, A, false)


def _subspace(rng: np.random.Generator) -> Subject:
    B = rng.standard_normal((10, int(rng.integers(1, 4)))) * 10.0 ** rng.uniform(-3, 3)
    proof = sparsest_direction(B, float(rng.choice([3.0, 4.0, np.inf])), random_state=0).certificate
    lower, upper, q = proof.lower, proof.upper, proof.q

    def false(proof: Any, found: Any) -> bool:
        if not (type(proof.q) is float and proof.q == q):
            return False
        attained = B @ (proof.coefficients / np.abs(proof.coefficients).max(initial=1e-300))  # powers may vanish
        ratio = float(np.linalg.norm(attained, q) / np.linalg.norm(attained)) if attained.any() else 1.0
        return found.upper < lower or proof.upper < lower or found.lower > min(ratio * (1 + 1e-9), upper)

    return Subject(proof, B, false)


def _atom(rng: np.random.Generator) -> Subject:
    X = rng.laplace(size=(60, 2)) @ rng.standard_normal((2, 2)) * 10.0 ** rng.uniform(-3, 3)
    p = float(rng.choice([3.0, 4.0]))
    proof = LpDictionaryLearning(1, p=p, random_state=0).fit(X).certify(X, random_state=0).certificate

    def false(proof: Any, found: Any) -> bool:
        if not (type(proof.q) is float and np.isfinite(proof.location).all() and np.isfinite(proof.transform).all()):
            return False
        Z = (X - proof.location) @ proof.transform
        angles = np.linspace(0, np.pi, 60)
        images = np.linalg.norm(Z @ np.array([np.cos(angles), np.sin(angles)]), proof.q, axis=0)
        unit = proof.vector / np.abs(proof.vector).max()  # the powers of a tiny vector vanish
        own = float(np.linalg.norm(Z @ unit, proof.q) / np.linalg.norm(unit))
        return bool(found.upper < images.max() * (1 - 1e-9) or found.lower > own * (1 + 1e-9))

    return Subject(proof, X, false)


def _sample_moment(rng: np.random.Generator) -> Subject:
    X = (rng.standard_normal((20, 2)) + 3 * rng.standard_normal(2)) * 10.0 ** rng.uniform(-3, 3)
    q = float(rng.choice([2.0, 3.0, 4.0, 6.5, np.inf]))
    center = [False, True, X[0] / 3][int(rng.integers(3))]
    weights = None if rng.random() < 0.4 else rng.integers(0, 4, 20) + 0.5 * (rng.random(20) < 0.5)
    interval = hn.two_to_q_norm(
        X,
        q,
        center=center,
        sample_weight=weights,
        normalize=weights is None or bool(rng.random() < 0.5),
        method="spectral",
        random_state=0,
    )
    proof = interval.certificate if rng.random() < 0.6 else interval.witness

    def moments(proof: Any, directions: np.ndarray) -> np.ndarray:
        weights = np.ones(20) if proof.weights is None else proof.weights
        kept = weights > 0
        center = {"origin": 0.0, "location": proof.location, "mean": weights / weights.sum() @ X}[proof.about]
        images = np.abs((X[kept] - center) @ directions)
        largest = np.maximum(images.max(axis=0), 1e-300)
        if np.isinf(proof.q):
            return np.asarray(largest)
        shares = weights[kept] / (weights.sum() if proof.statistic == "mean" else 1.0)
        return np.asarray(largest * (shares @ (images / largest) ** proof.q) ** (1 / proof.q))

    def false(proof: Any, found: Any) -> bool:
        if hasattr(found, "upper"):
            angles = np.linspace(0, np.pi, 60)
            return bool(found.upper < moments(proof, np.array([np.cos(angles), np.sin(angles)])).max() * (1 - 1e-9))
        unit = proof.vector / np.abs(proof.vector).max()
        return bool(found.lower > moments(proof, unit[:, None] / np.linalg.norm(unit))[0] * (1 + 1e-9))

    return Subject(proof, X, false)


KINDS: dict[str, Callable[[np.random.Generator], Subject]] = {
    "norm": _norm,
    "split": _split,
    "touching": _touching,
    "reduced": _reduced,
    "witness": _witness,
    "separable": _separable,
    "mean": _mean,
    "covariance": _covariance,
    "cluster": _cluster,
    "small set": _small_set,
    "subspace": _subspace,
    "atom": _atom,
    "gain": _gain,
    "sample moment": _sample_moment,
    **MATRIX_NORM_KINDS,
}
