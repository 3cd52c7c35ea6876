"""Learning from searches: atoms in their order, their errors, and a second look where some are not learnable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypernorm.dictionary.atoms import Atoms
from hypernorm.dictionary.errors import AtomErrors, Contrast, atom_errors, least_curvature
from hypernorm.dictionary.refinement import refine_row
from hypernorm.dictionary.searching import Search
from hypernorm.dictionary.stiefel import Ascent

__all__ = ["CONTRASTS", "Learned", "learn"]

CONTRASTS = ("auto", "power", "kurtosis")


@dataclass(frozen=True)
class Learned:
    """Result of one search.

    Attributes
    ----------
    found : Ascent
        Rows and values in the order of the atoms.
    atoms : Atoms
    errors : AtomErrors
    learnable : ndarray of shape (m,), bool
    """

    found: Ascent
    atoms: Atoms
    errors: AtomErrors
    learnable: np.ndarray

    @property
    def count(self) -> int:
        """Number of learnable atoms."""
        return int(self.learnable.sum())


def learn(search: Search, m: int, p: float, contrast: str, *, refine: bool) -> Learned:
    """Learn m atoms by a contrast of `CONTRASTS`.

    With 'auto' the result is the first with the most learnable atoms: that of the ℓp norm; if not all of these are
    learnable, that of the kurtosis; if not all of these either, that of the ℓp norm from there.
    """
    if not search.whiten or m == 1:
        contrast = "power"
    if contrast == "kurtosis":
        return _finished(search, search.kurtosis(m), p, refine)
    results = [_finished(search, search.power(p, m), p, refine)]
    if contrast == "auto" and results[0].count < m:
        found = search.kurtosis(m)
        results.append(_finished(search, found, p, refine))
        if results[1].count < m:
            results.append(_finished(search, search.power(p, m, found.W), p, refine))
    return max(results, key=lambda result: result.count)


def _finished(search: Search, found: Ascent, p: float, refine: bool) -> Learned:
    """Refine what was found, put the atoms in their order, and measure their errors."""
    whitening, weights = search.whitening, search.weights
    B, offsets = found.W @ whitening.K.T, np.zeros(len(found.W))
    if refine:
        pairs = [refine_row(search.samples, whitening, b, center=search.center, sample_weight=weights) for b in B]
        B, offsets = np.array([b for b, _ in pairs]), np.array([offset for _, offset in pairs])
    order, signs = Atoms.of(B, offsets, whitening, whiten=search.whiten).convention()
    B, offsets, found = signs[:, None] * B[order], signs * offsets[order], found.arranged(order, signs)
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
    )
