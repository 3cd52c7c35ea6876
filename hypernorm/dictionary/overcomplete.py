"""Dictionaries with more atoms than features: local maxima on the sphere, then least squares for sparse codes.

Every atom of an incoherent dictionary is close to a local maximum of Σ ⟨w, z_i⟩⁴ over unit vectors w, z the whitened
samples (Qu, Zhai, Li, Zhang & Zhu 2020). Many starts find most atoms and little else. The method of optimal directions
(Engan, Aase & Husøy 1999) does the rest: codes by orthogonal matching pursuit, then atoms by least squares. An atom
that is hardly used or is found twice starts again, from the samples that the others represent worst.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hypernorm.dictionary.atoms import convention
from hypernorm.dictionary.stiefel import ascend, normalised_rows
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows

__all__ = ["Overcomplete", "learn_overcomplete", "matching_pursuit"]

_LEAST_EXPONENT = 4.0
_STARTS_PER_ATOM = 4
_MOST_STARTS = 1024
_SEARCH_STEPS, _SEARCH_TOLERANCE = 60, 1e-3
# Cosines above which two local maxima are the same atom, and above which two atoms are a duplicate.
_SAME, _DUPLICATE = 0.9, 0.97
# Share of the mean use below which an atom is hardly used.
_RARE = 0.1
_WORST_ROWS = 64  # of each part of the samples
_PEAK_STEPS = 10
# Fraction of the residual; a smaller decrease is none.
_SETTLED = 1e-3
# Restarts without success after which no further one is made.
_VAIN_RESTARTS = 2
# Residual, relative to the squares of the samples, that is only rounding.
_EXACT = 1e-20
# A code that is smaller than this fraction of the largest of its sample is zero.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class Overcomplete:
    """A dictionary with more atoms than features.

    Attributes
    ----------
    atoms : ndarray of shape (m, n)
        Rows of length one, in the documented order and with the documented signs.
    uses : ndarray of shape (m,)
        Fraction of the samples whose codes have the atom.
    squares : ndarray of shape (m,)
        Mean squares of the codes.
    residual : float
        Squared residuals over squares of the samples.
    n_iter : int
    converged : bool
    """

    atoms: np.ndarray
    uses: np.ndarray
    squares: np.ndarray
    residual: float
    n_iter: int
    converged: bool


class _Pass(NamedTuple):
    """Sums over samples with codes C, and the residuals of the worst of them."""

    gram: np.ndarray  # CᵀC
    products: np.ndarray  # CᵀX
    uses: np.ndarray
    residual: float
    worst: np.ndarray


def learn_overcomplete(
    rows: Rows, whitening: Whitening, m: int, p: float, k: int, rng: np.random.Generator, *, max_iter: int
) -> Overcomplete:
    """Learn m atoms, of which every sample has k.

    Parameters
    ----------
    rows : Rows
        Centered if the whitening centers.
    whitening : Whitening
    m : int
        Number of atoms, more than the rank.
    p : float
        Exponent of the search; at least 4 is used, since smaller ones have other local maxima than atoms.
    k : int
        Number of atoms in each sample.
    rng : numpy.random.Generator
    max_iter : int
    """
    atoms = _local_maxima(rows, whitening, m, max(p, _LEAST_EXPONENT), rng)
    total = float(np.trace(whitening.S)) * rows.shape[0]
    while len(atoms) < m:
        worst = _pass(rows, atoms, min(k, len(atoms))).worst
        atoms = np.vstack([atoms, _peaks(worst, m - len(atoms))])
    best: tuple[float, np.ndarray, _Pass] | None = None
    before, at_restart, vain, n_iter, settled = np.inf, np.inf, 0, 0, False
    while n_iter < max_iter:
        n_iter += 1
        sums = _pass(rows, atoms, k)
        if best is None or sums.residual < best[0]:
            best = (sums.residual, atoms, sums)
        settled = sums.residual >= (1 - _SETTLED) * before or sums.residual <= _EXACT * total
        before = sums.residual
        restart = _poor(atoms, sums) if settled else np.arange(0)
        if settled:
            vain = vain + 1 if best[0] > (1 - _SETTLED) * at_restart else 0
            at_restart = best[0]
            if best[0] <= _EXACT * total or vain >= _VAIN_RESTARTS:
                break
            # The least used atoms are tried anew even if nothing is wrong with them: a worse result is discarded.
            restart = restart if len(restart) else np.argsort(sums.uses)[: max(1, m // 20)]
            before = np.inf
        atoms = _least_squares(sums, atoms)
        if len(restart):
            fresh = _peaks(sums.worst, len(restart))
            atoms[restart[: len(fresh)]] = fresh
    assert best is not None
    residual, atoms, sums = best
    r = rows.shape[0]
    squares = np.diag(sums.gram) / r
    order, signs = convention(atoms, squares)
    atoms = signs[:, None] * atoms[order]
    return Overcomplete(atoms, sums.uses[order] / r, squares[order], residual / total, n_iter, settled)


def matching_pursuit(X: np.ndarray, atoms: np.ndarray, k: int) -> np.ndarray:
    """Codes with k atoms for each sample by orthogonal matching pursuit, all samples together.

    Parameters
    ----------
    X : ndarray of shape (r, n)
    atoms : ndarray of shape (m, n)
        Rows of length one.
    k : int

    Returns
    -------
    ndarray of shape (r, m)
    """
    r, m = len(X), len(atoms)
    gram, products = atoms @ atoms.T, X @ atoms.T
    correlations, codes = products, np.zeros((r, m))
    chosen = np.zeros((r, 0), dtype=np.intp)
    free = np.ones((r, m), dtype=bool)
    for count in range(1, k + 1):
        index = np.where(free, np.abs(correlations), -1).argmax(axis=1)[:, None]
        np.put_along_axis(free, index, False, axis=1)
        chosen = np.hstack([chosen, index])
        systems = gram[chosen[:, :, None], chosen[:, None, :]] + 1e-10 * np.eye(count)
        values = np.linalg.solve(systems, np.take_along_axis(products, chosen, axis=1)[..., None])[..., 0]
        np.put_along_axis(codes, chosen, values, axis=1)
        correlations = products - codes @ gram
    # A sample that fewer atoms represent exactly has further codes that are only rounding.
    codes[np.abs(codes) <= _ROUNDING * np.abs(codes).max(axis=1, keepdims=True)] = 0
    return codes


def _pass(rows: Rows, atoms: np.ndarray, k: int) -> _Pass:
    m, n = atoms.shape
    size = rows.block_rows(4 * m)

    def partial(rows: Rows, part: range) -> _Pass:
        gram, products, uses, residual = np.zeros((m, m)), np.zeros((m, n)), np.zeros(m), 0.0
        worst = np.zeros((0, n))
        for start in range(part.start, part.stop, size):
            block = rows.block(start, min(start + size, part.stop))
            codes = matching_pursuit(block, atoms, k)
            gram += codes.T @ codes
            products += codes.T @ block
            uses += (codes != 0).sum(axis=0)
            left = block - codes @ atoms
            residual += float((left**2).sum())
            worst = _largest(np.vstack([worst, left]))
        return _Pass(gram, products, uses, residual, worst)

    parts = list(rows.partials(partial, rows.ranges(size)))
    return _Pass(
        sum((part.gram for part in parts), np.zeros((m, m))),
        sum((part.products for part in parts), np.zeros((m, n))),
        sum((part.uses for part in parts), np.zeros(m)),
        sum(part.residual for part in parts),
        np.vstack([part.worst for part in parts]),
    )


def _largest(rows: np.ndarray) -> np.ndarray:
    squares = np.einsum("ij,ij->i", rows, rows)
    return rows[np.argsort(-squares, kind="stable")[:_WORST_ROWS]]


def _local_maxima(rows: Rows, whitening: Whitening, m: int, p: float, rng: np.random.Generator) -> np.ndarray:
    """Distinct local maxima on the sphere as atoms, at most m, those of the largest values first."""
    count = min(_STARTS_PER_ATOM * m, _MOST_STARTS)
    starts = normalised_rows(rng.standard_normal((count, whitening.rank)))
    found = ascend(rows, whitening.K, p, starts, normalised_rows, tol=_SEARCH_TOLERANCE, max_iter=_SEARCH_STEPS)
    kept: list[int] = []
    cosines = np.abs(found.W @ found.W.T)
    for index in np.argsort(-found.values, kind="stable"):
        if len(kept) < m and not (cosines[index, kept] > _SAME).any():
            kept.append(int(index))
    return normalised_rows(found.W[kept] @ whitening.inverse)


def _peaks(residuals: np.ndarray, count: int) -> np.ndarray:
    """Directions in which residuals have large fourth moments, from the largest residuals; those found are removed."""
    found = []
    left = residuals.copy()
    for _ in range(count):
        squares = np.einsum("ij,ij->i", left, left)
        if not squares.max() > 0:
            break
        w = left[squares.argmax()] / np.sqrt(squares.max())
        for _ in range(_PEAK_STEPS):
            w = normalised_rows((left.T @ (left @ w) ** 3)[None])[0]
        found.append(w)
        left = left - np.outer(left @ w, w)
    return np.array(found).reshape(-1, residuals.shape[1])


def _poor(atoms: np.ndarray, sums: _Pass) -> np.ndarray:
    """Indices of atoms that are hardly used, or the less used of two that are nearly equal."""
    rare = sums.uses < _RARE * sums.uses.mean()
    close = np.abs(np.triu(atoms @ atoms.T, 1)) > _DUPLICATE
    for first, second in zip(*np.nonzero(close), strict=True):
        rare[first if sums.uses[first] < sums.uses[second] else second] = True
    return np.flatnonzero(rare)


def _least_squares(sums: _Pass, atoms: np.ndarray) -> np.ndarray:
    """The atoms that leave the least squares for given codes; an atom without codes stays."""
    m = len(atoms)
    ridge = 1e-10 * np.trace(sums.gram) / m
    new = np.linalg.solve(sums.gram + ridge * np.eye(m), sums.products)
    used = np.linalg.norm(new, axis=1) > 0
    return np.where(used[:, None], normalised_rows(new), atoms)
