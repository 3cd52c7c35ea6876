"""Proposals for split certificates: the solver's solution, rounded to single precision, with margins for a proof."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hypernorm._arguments import check_memory
from hypernorm.bounds.resolvent import Resolvent
from hypernorm.bounds.split_forms import Form, side_of
from hypernorm.bounds.split_solver import Split
from hypernorm.forms import MonomialBasis

__all__ = ["SplitProposal", "check_split_memory", "no_directions"]

_ROUNDED = 2.0**-23  # relative to U_k, twice the error of single precision
_NEGLIGIBLE_RATIO = 1e-12  # φ where no U_k is needed, relative to μ
_LEADING = 8


def check_split_memory(n: int, d: int) -> None:
    """Refuse a split that does not fit in memory.

    Raises
    ------
    InvalidInputError
        If six of its matrices need more than the free memory.
    """
    side = side_of(n, d)
    check_memory(
        6 * 8 * side * side,
        f"The split bound for {n} rows and d = {d} ({side} x {side} matrices)",
        "use the realigned or the flattening bound, or fewer columns",
    )


def no_directions(d: int) -> dict[str, Any]:
    """The fields of a certificate for rows of zeros that other kinds lack."""
    directions = np.zeros((MonomialBasis.count(d, 2), 1), dtype=np.float32)
    return {"shift": 1.0, "rank": 1, "span": "pairs", "directions": directions}


@dataclass(frozen=True)
class SplitProposal:
    """A solution whose numbers are those of a certificate.

    Attributes
    ----------
    split : Split
        With directions that are numbers in single precision.
    span : str
        As in `SplitCertificate`.
    resolvent : Resolvent or None
        Of the positive map; None if it is zero.
    margin : float
        By which φ grows first, relative.
    loss : float
        By which μ grows first.
    """

    split: Split
    span: str
    resolvent: Resolvent | None
    margin: float
    loss: float

    @classmethod
    def of(cls, form: Form, split: Split, d: int, rtol: float, margin: float, deadline: float) -> SplitProposal:
        """Round the solution of a solver.

        `margin` is the relative margin of a proof for numbers that are not rounded. After the deadline φ grows, since
        the process for U ends.
        """
        with np.errstate(under="ignore"):
            rounded = split.directions.astype(np.float32)
        rounded = rounded[:, rounded.any(axis=0)]
        if not rounded.size:
            rounded = np.zeros((len(rounded), 1), dtype=np.float32)
            return cls(replace(split, directions=rounded), form.span, None, margin, margin * split.shift)
        exact = rounded.astype(np.float64)
        resolvent = Resolvent.build(form.positive_map(exact), d, rtol, deadline)
        # Rounding changes U_k by a part of its size; the largest is the norm of Y, which bounds T.
        largest = float(np.diagonal(form.gram(exact)).max())
        loss = (margin + _ROUNDED) * (largest + split.shift)
        return cls(replace(split, directions=rounded), form.span, resolvent, margin, loss)

    def at(self, growth: float) -> tuple[float, np.ndarray]:
        """μ + φ and U, with a margin that grows."""
        shift, d = self.shift(growth), len(self.split.leading)
        if self.resolvent is None:
            return shift * (1 + _NEGLIGIBLE_RATIO * growth), np.eye(d)
        ratio, U = self.resolvent.certificate(growth)
        return (shift + ratio * (1 + self.margin * growth)) * (1 + 2.0**-50), U

    def shift(self, growth: float) -> float:
        """μ, with a margin that grows."""
        return self.split.shift + self.loss * growth

    def fields(self, growth: float) -> dict[str, Any]:
        """The fields of a certificate that other kinds lack."""
        directions = self.split.directions
        rank = directions.shape[1]
        return {"shift": self.shift(growth), "rank": rank, "span": self.span, "directions": directions}

    @property
    def vectors(self) -> np.ndarray:
        """Vectors in whose direction the form may be large, as columns."""
        leading = np.linalg.eigh(self.split.leading)[1]
        return np.asarray(leading[:, ::-1][:, :_LEADING])
