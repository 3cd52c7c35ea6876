"""Rows whose 2→q norm is a moment of samples, up to errors that are proved.

Samples x_i have weights p_i ≥ 0 and a center c, and M(v) = (Σ p_i |⟨x_i − c, v⟩|^q)^{1/q}. Numbers f_i ≥ p_i^{1/q} and
m near c are computed, and from them the rows y_i = f_i (x_i − m) + e_i, with rounding errors e_i.

**Theorem.** Let q ≥ 2, f_i ≤ (1 + κ) p_i^{1/q}, ‖E‖_F ≤ ε, s = (Σ p_i)^{1/q} and s‖m − c‖ ≤ δ. For every unit v

    (‖Yv‖_q − ε)/(1 + κ) − δ ≤ M(v) ≤ ‖Yv‖_q + ε + δ.

*Proof.* Let L(v) = (Σ p_i |⟨x_i − m, v⟩|^q)^{1/q}. Minkowski's inequality for the weights p gives |M(v) − L(v)| ≤
s |⟨m − c, v⟩| ≤ δ. The q-norm of the numbers f_i ⟨x_i − m, v⟩ is from L(v) to (1 + κ) L(v), and differs from ‖Yv‖_q by
at most ‖Ev‖_q ≤ ‖Ev‖₂ ≤ ε. ∎

For q = ∞ M(v) is the largest |⟨x_i − c, v⟩| of the samples with p_i > 0, and the theorem holds with p_i^{1/q} = 1 for
these, 0 for the others, and s = 1.
"""

from __future__ import annotations

import math
from functools import cached_property, partial
from typing import Any

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._chunks import Chunks
from hypernorm._pages import LARGE_BYTES, Pages
from hypernorm._validation import Matrix, RowMatrix, as_dense
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.moments import distance_from_mean, of_pieces, total_below
from hypernorm.certificates.residuals import exact_squared_norm
from hypernorm.certificates.rounding import SAFETY, UNIT, lower_float, precision, rational, upper_float
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = ["ABOUT", "STATISTICS", "SampleRows"]

ABOUT = ("origin", "location", "mean")
STATISTICS = ("sum", "mean")

# A root is rounded up twice, each time by at most one unit in the last place.
_ROOT_ERROR = 2.0**-50
_NORMAL = 2.0**-1022
_EXACT_ROWS = 64


class SampleRows:
    """The rows Y of a moment, and bounds on the moment from bounds on their norm.

    Parameters
    ----------
    matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)
        The samples.
    q : float
        From 2 to ∞.
    statistic : {"sum", "mean"}
        Whether p_i is the weight w_i, or w_i divided by the sum of the weights.
    about : {"origin", "location", "mean"}
        Whether c is zero, `location`, or the exact mean of the samples for the weights w_i.
    location : ndarray of shape (d,) or None
        m; None for the origin.
    weights : ndarray of shape (n,) or None
        w_i, not negative, with an ordinary sum; None are ones.

    Attributes
    ----------
    matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)
        Y. Samples without weight are rows of zeros. A large Y is computed block by block when it is read.
    rows : Rows
        Of Y.

    Raises
    ------
    CertificateError
        If a difference or product overflows.

    See Also
    --------
    SampleMomentCertificate : An upper bound that uses them.

    Examples
    --------
    >>> import numpy as np
    >>> rows = SampleRows(np.array([[1.0], [3.0]]), 4.0, "mean", "location", np.array([2.0]), None)
    >>> rows.matrix.shape, rows.below(1.0) <= 1 <= rows.above(1.0)
    ((2, 1), True)
    """

    def __init__(
        self,
        matrix: RowMatrix,
        q: float,
        statistic: str,
        about: str,
        location: np.ndarray | None,
        weights: np.ndarray | None,
    ):
        self._samples, self._about, self._location = matrix, about, location
        n = matrix.shape[0]
        self._weights = np.ones(n) if weights is None else weights
        self._factors: np.ndarray | None = None
        self._root_of_mass = rational(1)
        if math.isinf(q):
            self._factors = None if weights is None else (weights > 0).astype(np.float64)
        else:
            factors, self._root_of_mass = _roots(self._weights, q, statistic)
            self._factors = None if weights is None and statistic == "sum" else factors
        # In this pass an overflow is found, before anything is measured.
        self._rounding = self._bound_on_rounding()
        self.matrix = self._computed()
        self.rows = Rows(self.matrix)

    def above(self, bound: float, *, exact: bool = False) -> float:
        """An upper bound on M(v) from one on ‖Yv‖_q; with exact arithmetic for ε and δ if `exact`.

        Parameters
        ----------
        bound : float
        exact : bool, default False

        Returns
        -------
        float
        """
        if bound == math.inf:
            return bound
        with precision():
            rest, shift = self._exact_errors if exact else self._errors
            total = rational(bound) + rest + shift
            return 0.0 if total.is_zero() else upper_float(total)

    def below(self, bound: float, *, exact: bool = False) -> float:
        """A lower bound on M(v) from one on ‖Yv‖_q, at least 0.

        Parameters
        ----------
        bound : float
        exact : bool, default False

        Returns
        -------
        float
        """
        with precision():
            rest, shift = self._exact_errors if exact else self._errors
            excess = 0.0 if self._factors is None else _ROOT_ERROR
            return lower_float((rational(bound) - rest) / (1 + rational(excess)) - shift)

    @cached_property
    def _errors(self) -> tuple[flint.arb, flint.arb]:
        """Balls whose upper ends are ε and δ."""
        with precision():
            shift = rational(0)
            # Without rounding every difference is zero, and the mean exact.
            if self._about == "mean" and not self._rounding.is_zero():
                total = total_below(self._weights)
                shift = distance_from_mean(self._samples, self._weights, self._center, total) * self._root_of_mass
            return self._rounding, shift

    @cached_property
    def _exact_errors(self) -> tuple[flint.arb, flint.arb]:
        """ε and δ without any rounding error of the processor."""
        n, d = self._samples.shape
        rest = total = rational(0)
        offset = DyadicMatrix.from_floats(np.zeros((1, d)))
        with precision():
            for start in range(0, n, _EXACT_ROWS):
                rows = slice(start, min(start + _EXACT_ROWS, n))
                samples = as_dense(self._samples[rows])
                differences = DyadicMatrix.from_floats(samples) - DyadicMatrix.from_floats(
                    np.tile(self._center, (len(samples), 1))
                )
                weights = self._weights[rows]
                offset += DyadicMatrix.from_floats(weights[None]) @ differences
                total += sum(map(rational, weights.tolist()), rational(0))
                if self._factors is not None:
                    differences = DyadicMatrix.from_floats(np.diag(self._factors[rows])) @ differences
                rest += exact_squared_norm(DyadicMatrix.from_floats(as_dense(self.matrix[rows])) - differences)
            shift = exact_squared_norm(offset).sqrt() / total if self._about == "mean" else rational(0)
            return rest.sqrt(), shift * self._root_of_mass

    @property
    def _center(self) -> np.ndarray:
        return np.zeros(self._samples.shape[1]) if self._location is None else self._location

    def _bound_on_rounding(self) -> flint.arb:
        """A ball whose upper end is ε: each entry is a difference and a product, each rounded once.

        A product below the normal range may vanish; its error is less than 2**-1074. A difference there is exact.
        """
        measure = partial(_measured, location=self._location)
        factors = () if self._factors is None else (self._factors,)
        if sp.issparse(self._samples) and self._location is None:
            found = [measure(self._samples, *factors)]
        else:
            found = of_pieces(self._samples, measure, *factors)
        roundings = (self._location is not None) + (self._factors is not None)
        with precision():
            square = sum((rational(size) ** 2 * rational(4) ** power for power, size, _ in found), rational(0))
            vanished = rational(sum(count for _, _, count in found))
            return rational(SAFETY * roundings * UNIT) * square.sqrt() + rational(2) ** -1074 * vanished.sqrt()

    def _computed(self) -> RowMatrix:
        samples, location, factors = self._samples, self._location, self._factors
        if location is None and factors is None:
            return samples
        if isinstance(samples, Chunks):
            sizes = [len(part) for part in samples.parts]
            return samples.derived(
                partial(_weighted, location=location), sizes, *(() if factors is None else (factors,))
            )
        if sp.issparse(samples) and location is None:
            return _weighted(samples, factors)
        blocks = _Blocks(samples, location, factors)
        if blocks.nbytes > LARGE_BYTES:
            return Pages(blocks, lambda page, first: None)  # type: ignore[arg-type]  # read by slices only
        return blocks[:]


class _Blocks:
    """The rows Y, each slice of which is computed when it is read; `Pages` takes it in place of an array."""

    dtype = np.dtype(np.float64)

    def __init__(self, samples: RowMatrix, location: np.ndarray | None, factors: np.ndarray | None):
        self.shape = samples.shape
        self.nbytes = 8 * self.shape[0] * self.shape[1]
        self._samples, self._location, self._factors = samples, location, factors

    def __getitem__(self, rows: slice) -> Any:
        factors = None if self._factors is None else self._factors[rows]
        return _weighted(as_dense(self._samples[rows]), factors, self._location)


def _roots(weights: np.ndarray, q: float, statistic: str) -> tuple[np.ndarray, flint.arb]:
    """The factors p_i^{1/q}, rounded up, and s."""
    values, inverse, counts = np.unique(weights, return_inverse=True, return_counts=True)
    with precision():
        power = 1 / rational(q)
        exact = [flint.arb(value) for value in values.tolist()]
        total = sum((value * count for value, count in zip(exact, counts.tolist(), strict=True)), rational(0))
        unit, mass = (total, rational(1)) if statistic == "mean" else (rational(1), total)
        shares = [value / unit for value in exact]
        # One and zero are their own roots.
        roots = [float(share) if share in (0, 1) else upper_float(share**power) for share in shares]
        return np.array(roots)[inverse], mass**power


def _weighted(block: Matrix, factors: np.ndarray | None = None, location: np.ndarray | None = None) -> Any:
    """The rows f_i (x_i − m) of a block, sparse if it is sparse and there is no m; zero where f_i is."""
    return _parts(block, factors, location)[1]


def _parts(block: Matrix, factors: np.ndarray | None, location: np.ndarray | None) -> tuple[np.ndarray, Any]:
    """The entries of x_i − m, and the rows f_i (x_i − m), both zero where f_i is; sparse if the block is."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if not isinstance(block, np.ndarray):
            entries = block.data.astype(np.float64)
            if factors is not None:
                factors = np.repeat(factors, np.diff(block.indptr))
                entries[factors == 0] = 0.0
            products = entries if factors is None else entries * factors
            return entries, sp.csr_array((products, block.indices, block.indptr), shape=block.shape)
        differences = as_dense(block) - (0.0 if location is None else location)
        if factors is None:
            return differences, differences
        differences[factors == 0] = 0.0
        return differences, differences * factors[:, None]


def _measured(
    block: Matrix, factors: np.ndarray | None = None, location: np.ndarray | None = None
) -> tuple[int, float, int]:
    """An exponent e, the Frobenius norm of 2**-e times a block of Y, and the number of products below normal range."""
    before, after = _parts(block, factors, location)
    after = after if isinstance(after, np.ndarray) else after.data
    largest = float(np.abs(after).max(initial=0.0))
    if not math.isfinite(largest):
        raise CertificateError("The samples are too far apart for a proof: their weighted differences overflow.")
    power = math.frexp(largest)[1]
    with np.errstate(under="ignore"):
        size = float(np.linalg.norm(np.ldexp(after, -power)))
    vanished = 0 if factors is None else int(np.count_nonzero((np.abs(after) < _NORMAL) & (before != 0)))
    return power, size, vanished
