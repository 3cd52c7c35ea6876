"""Atoms from the rows that extract their codes, in the documented order and with the documented signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypernorm.dictionary.whitening import Whitening

__all__ = ["Atoms", "convention"]


@dataclass(frozen=True)
class Atoms:
    """Atoms of length one, and the rows that extract their codes.

    Attributes
    ----------
    components : ndarray of shape (m, n)
    unmixing : ndarray of shape (m, n)
    shift : ndarray of shape (n,)
        What the offsets of the codes add to the mean.
    scales : ndarray of shape (m,)
        Root mean square of the codes.
    """

    components: np.ndarray
    unmixing: np.ndarray
    shift: np.ndarray
    scales: np.ndarray

    @staticmethod
    def of(B: np.ndarray, offsets: np.ndarray, whitening: Whitening, *, whiten: bool) -> Atoms:
        """The atoms whose codes, up to their scale, are B (x − mean) − offsets."""
        S = whitening.S
        # With whitening, the atoms are the linear prediction of x from its codes; else the pseudo-inverse of B.
        if whiten:
            images = (B @ whitening.inverse.T) @ whitening.inverse  # B S, with no loss by the units of the columns
            atoms = np.linalg.lstsq(images @ B.T, images, rcond=None)[0]
        else:
            atoms = np.linalg.pinv(B).T
        lengths = np.linalg.norm(atoms, axis=1, keepdims=True)
        unmixing = B * lengths
        squares = np.einsum("ij,jk,ik->i", unmixing, S, unmixing)
        return Atoms(atoms / lengths, unmixing, offsets @ atoms, np.sqrt(np.maximum(squares, 0)))

    def convention(self) -> tuple[np.ndarray, np.ndarray]:
        """Order and signs of the atoms."""
        return convention(self.components, self.scales)


def convention(components: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order by decreasing scale, and signs that make the largest entry of each atom positive, in that order."""
    order = np.argsort(-scales, kind="stable")
    atoms = components[order]
    largest = np.take_along_axis(atoms, np.abs(atoms).argmax(axis=1)[:, None], axis=1)[:, 0]
    return order, np.where(largest < 0, -1.0, 1.0)
