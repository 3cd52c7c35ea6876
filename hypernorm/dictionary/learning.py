"""Learning from searches: atoms in their order, their errors, and a second look where some are not learnable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from hypernorm.dictionary.atoms import Atoms
from hypernorm.dictionary.errors import AtomErrors, Contrast, atom_errors, least_curvature
from hypernorm.dictionary.refinement import refine_atoms
from hypernorm.dictionary.searching import Search
from hypernorm.dictionary.stiefel import Ascent

__all__ = ["CONTRASTS", "ContrastName", "Learned", "learn"]

ContrastName: TypeAlias = Literal["auto", "power", "kurtosis"]
CONTRASTS: tuple[ContrastName, ...] = get_args(ContrastName)
# Two looks at one code differ by less than this squared sine; from an even mixture of two it differs by 1/2.
_APART = 1 / 3


@dataclass(frozen=True)
class Learned:
    """Result of one search.

    Attributes
    ----------
    found : Ascent
        Rows and values in the order of the atoms.
    atoms : Atoms
    errors : AtomErrors
        NaN, except for the curvature, where a likelihood has moved the atoms: they are for the norm.
    learnable : ndarray of shape (m,), bool
    method : {"none", "l1", "logcosh", "likelihood"}
        What refined the atoms.
    noise : float
        Standard deviation of the noise, NaN if it was not estimated.
    theta : ndarray of shape (m,) or None
        Fractions of non-zero coefficients, if they were estimated.
    """

    found: Ascent
    atoms: Atoms
    errors: AtomErrors
    learnable: np.ndarray
    method: str = "none"
    noise: float = np.nan
    theta: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Number of learnable atoms."""
        return int(self.learnable.sum())


def learn(search: Search, m: int, p: float, contrast: str, refine: bool | str) -> Learned:
    """Learn m atoms by a contrast of `CONTRASTS`, and refine them, see `hypernorm.dictionary.refinement`.

    With 'auto' the result is the first with the most learnable atoms. Each of these is tried only if no one before has
    all: that of the ℓp norm, that of the kurtosis, that of the ℓp norm from there, and that of the ℓp norm from the
    best of these with a random rotation of the atoms that are not learnable, if these are less than half. Of the
    kurtosis only those atoms count that the ℓp norm has not found, as a code that both find is more accurate there.
    """
    if isinstance(refine, str):
        return _likely(search, learn(search, m, p, contrast, False), refine)
    if not search.whiten or m == 1:
        contrast = "power"
    if contrast == "kurtosis":
        return _finished(search, search.kurtosis(m), p, refine)
    best = _finished(search, search.power(p, m), p, refine)
    if contrast == "auto" and best.count < m:
        found = search.kurtosis(m)
        second = _finished(search, found, p, refine)
        best = second if _new(second, best) > _new(best, second) else best
        if best.count < m:
            best = _better(best, _finished(search, search.power(p, m, found.W), p, refine))
        if m / 2 < best.count < m:
            start = best.found.W.copy()
            start[~best.learnable] = search.rotation(m - best.count) @ start[~best.learnable]
            best = _better(best, _finished(search, search.power(p, m, start), p, refine))
    return best


def _better(first: Learned, second: Learned) -> Learned:
    return second if second.count > first.count else first


def _new(learned: Learned, other: Learned) -> int:
    """Number of learnable atoms that the other result does not have, learnable or not."""
    squares = (learned.found.W @ other.found.W.T) ** 2
    return int((learned.learnable & (squares.max(axis=1) < 1 - _APART)).sum())


def _finished(search: Search, found: Ascent, p: float, refine: bool) -> Learned:
    """Refine what was found, put the atoms in their order, and measure their errors."""
    whitening, weights = search.whitening, search.weights
    refined = refine_atoms(
        search.samples, whitening, found.W @ whitening.K.T, refine, center=search.center, sample_weight=weights
    )
    order, signs = Atoms.of(refined.B, refined.offsets, whitening, whiten=search.whiten).convention()
    B, offsets, found = signs[:, None] * refined.B[order], signs * refined.offsets[order], found.arranged(order, signs)
    contrast = Contrast(
        p=p if found.signs is None else 4.0,
        signs=np.ones(len(B)) if found.signs is None else found.signs,
        whiten=search.whiten,
        refined=refine,
    )
    errors = atom_errors(search.samples, whitening, B, offsets, contrast, weights)
    return Learned(
        found=found,
        atoms=Atoms.of(B, offsets, whitening, whiten=search.whiten),
        errors=errors,
        learnable=errors.curvature >= least_curvature(contrast.p, search.n_samples / whitening.rank),
        method=refined.method,
    )


def _likely(search: Search, learned: Learned, refine: str) -> Learned:
    """Refine by a likelihood, and put the atoms in their order again."""
    whitening = search.whitening
    refined = refine_atoms(search.samples, whitening, learned.found.W @ whitening.K.T, refine, center=search.center)
    learned = replace(learned, noise=refined.noise, theta=refined.theta)
    if refined.method == "none":
        return learned
    order, signs = Atoms.of(refined.B, refined.offsets, whitening, whiten=search.whiten).convention()
    B, offsets = signs[:, None] * refined.B[order], signs * refined.offsets[order]
    errors = learned.errors
    return replace(
        learned,
        found=learned.found.arranged(order, signs),
        atoms=Atoms.of(B, offsets, whitening, whiten=search.whiten),
        errors=replace(
            errors,
            standard_errors=np.full_like(errors.standard_errors, np.nan),
            recovery=np.nan,
            curvature=errors.curvature[order],
        ),
        learnable=learned.learnable[order],
        method=refined.method,
        theta=None if refined.theta is None else refined.theta[order],
    )
