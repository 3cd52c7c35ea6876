"""Errors of low-rank approximations with proof, of matrices and of tensors."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._arguments import check_count, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm._results import Result
from hypernorm._validation import as_dense, check_matrix, check_rows
from hypernorm.certificates import LowRankErrorCertificate, TuckerErrorCertificate, error_ratios
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows, unfoldings
from hypernorm.spectral.enclosure import Enclosure, enclosure
from hypernorm.spectral.singular_values import SingularValues, propose_singular_values

__all__ = ["LowRankError", "low_rank_error", "tucker_error"]

# The error is formed if it has at most so many entries, and so many rows or columns.
_FORMED_ENTRIES = 1 << 26
_FORMED_SIDE = 4096
_POWER_STEPS = 30


@dataclass(frozen=True, eq=False, kw_only=True)
class LowRankError(Result):
    """Proved intervals for the error of a low-rank approximation.

    Attributes
    ----------
    frobenius, spectral : Enclosure
        Of the Frobenius and the spectral norm of A − UVᵀ.
    rank : int
        Number of columns of the factors.
    certificate : LowRankErrorCertificate
        Proves both.
    seconds : float
        Duration of the call.

    See Also
    --------
    low_rank_error : Compute it, with an example.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.diag([3.0, 2.0])
    >>> error = hn.low_rank_error(A, A[:, :1], np.eye(2)[:, :1])
    >>> error.spectral.lower <= 2 <= error.spectral.upper
    True
    >>> error.ratios(hn.singular_values(A))["spectral"][1] < 1 + 1e-9  # no approximation of rank one is better
    True
    """

    frobenius: Enclosure[LowRankErrorCertificate]
    spectral: Enclosure[LowRankErrorCertificate]
    rank: int
    certificate: LowRankErrorCertificate
    seconds: float

    @own_arithmetic
    def ratios(self, best: SingularValues) -> dict[str, tuple[float, float]]:
        """Proved bounds on the error divided by the least error of this rank.

        Parameters
        ----------
        best : SingularValues
            Those of the same matrix. The least errors of rank k are σ_{k+1} and (Σ_{i>k} σ_i²)^{1/2}.

        Returns
        -------
        dict
            Of a lower and an upper bound for each of "frobenius" and "spectral"; the upper one is infinite if the least
            error may be zero.

        Raises
        ------
        InvalidInputError
            If `best` is of another matrix.
        """
        if best.certificate.fingerprint != self.certificate.fingerprint:
            raise InvalidInputError("best must be the singular values of the matrix that was approximated.")
        values = best.lower.tolist(), best.upper.tolist()
        ends = (self.frobenius.lower, self.frobenius.upper), (self.spectral.lower, self.spectral.upper)
        return dict(zip(("frobenius", "spectral"), error_ratios(ends, values, self.rank), strict=True))

    def __repr__(self) -> str:
        shown = (
            f"{name}=[{rounded_down(norm.lower, 10)}, {rounded_up(norm.upper, 10)}]"
            for name, norm in (("frobenius", self.frobenius), ("spectral", self.spectral))
        )
        return f"LowRankError({', '.join(shown)}, rank={self.rank})"


@own_arithmetic
def low_rank_error(A: Any, U: Any, V: Any, *, random_state: Any = 0) -> LowRankError:
    """Proved intervals for the error ‖A − UVᵀ‖ of an approximation, in the Frobenius and in the spectral norm.

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        If A is large, the error is not formed. The Frobenius norm then follows from its non-zero entries and the
        factors, and is the upper bound on the spectral norm.
    U : array_like of shape (n, k)
    V : array_like of shape (d, k)
        For a truncated decomposition U diag(s) Vᵀ give U * s and V.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState, default 0
        Of the start of the search for a direction in which the error is large.

    Returns
    -------
    LowRankError

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    tucker_error : The least error of a Tucker approximation.
    singular_values : Also of a `LowRank` matrix: the error of LowRank(U, V) by LowRank(W, Z) is that with the factors
        numpy.hstack([U, -W]) and numpy.hstack([V, Z]).

    Notes
    -----
    The section on errors of approximations in theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.diag([3.0, 2.0, 1.0])
    >>> error = hn.low_rank_error(A, A[:, :1], np.eye(3)[:, :1])
    >>> error
    LowRankError(frobenius=[2.236067977, 2.236067978], spectral=[1.999999999, 2.000000001], rank=1)
    >>> ratios = error.ratios(hn.singular_values(A))
    >>> ratios["spectral"][1] < 1 + 1e-9
    True
    """
    start = time.perf_counter()
    matrix = check_rows(A, "A")
    rows = Rows.identified(matrix)
    left, right = as_dense(check_matrix(U, "U")), as_dense(check_matrix(V, "V"))
    n, d = rows.shape
    if left.shape[0] != n or right.shape[0] != d or left.shape[1] != right.shape[1]:
        raise InvalidInputError(
            f"U and V must have the shapes ({n}, k) and ({d}, k) for A of shape {rows.shape}, got {left.shape} and "
            f"{right.shape}."
        )
    scaled, right = _balanced(left, right, rows.exponent)
    certificate = LowRankErrorCertificate(
        shape=rows.shape,
        fingerprint=rows.fingerprint,
        exponent=rows.exponent,
        rank=left.shape[1],
        left=scaled,
        right=right,
        vector=_direction(rows, scaled, right, check_generator(random_state)),
        formed=int(n * d <= _FORMED_ENTRIES and min(n, d) <= _FORMED_SIDE),
    )
    proved = certificate.prove(rows)
    seconds = time.perf_counter() - start
    spectral = Enclosure(
        quantity="spectral norm of X - UV^T",
        lower=proved.spectral_lower,
        upper=proved.spectral_upper,
        certificate=certificate,
        seconds=seconds,
    )
    return LowRankError(
        frobenius=enclosure(proved, certificate, seconds),
        spectral=spectral,
        rank=left.shape[1],
        certificate=certificate,
        seconds=seconds,
    )


def _balanced(left: np.ndarray, right: np.ndarray, exponent: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors of 2**-exponent times the product, without rounding: powers of two move between their columns.

    Raises
    ------
    InvalidInputError
        If entries of a column differ by too many orders of magnitude.
    """
    powers = [np.frexp(np.abs(side).max(axis=0))[1].astype(np.int64) for side in (left, right)]
    shift = (powers[0] + powers[1] - exponent) // 2 - powers[0]
    moved = np.ldexp(left, shift), np.ldexp(right, -shift - exponent)
    back = np.ldexp(moved[0], -shift), np.ldexp(moved[1], shift + exponent)
    if not ((back[0] == left).all() and (back[1] == right).all()):
        raise InvalidInputError("U or V has a column whose entries differ by too many orders of magnitude for a proof.")
    return moved


def _direction(rows: Rows, left: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A direction in which the error is large: the best one, or of the power method if the error is not formed."""
    n, d = rows.shape
    if n * d <= _FORMED_ENTRIES and min(n, d) <= _FORMED_SIDE:
        E = rows.block(0, n) - left @ right.T
        vector = np.linalg.eigh(E.T @ E)[1][:, -1] if n >= d else E.T @ np.linalg.eigh(E @ E.T)[1][:, -1]
        return vector if vector.any() else np.ones(d)
    vector = rng.standard_normal(d)
    for _ in range(_POWER_STEPS):
        vector /= np.linalg.norm(vector)
        image = rows.images(vector) - left @ (right.T @ vector)
        following = _transposed(rows, image) - right @ (left.T @ image)
        if not np.linalg.norm(following) > 0:
            break
        vector = following
    return vector


def _transposed(rows: Rows, image: np.ndarray) -> np.ndarray:
    """The product of the transpose of the matrix with a vector."""
    step = max(1, (1 << 20) // rows.shape[1]) if isinstance(rows.operand(0, 1), np.ndarray) else 1 << 15

    def partial(rows: Rows, part: range, image: np.ndarray) -> np.ndarray:
        total = np.zeros(rows.shape[1])
        for start in range(part.start, part.stop, step):
            stop = min(start + step, part.stop)
            total += rows.operand(start, stop).T @ image[start - part.start : stop - part.start]
        return total

    return np.asarray(sum(rows.partials(partial, rows.ranges(min(step, rows.shape[0])), image)))


@own_arithmetic
def tucker_error(tensor: Any, ranks: Any) -> Enclosure[TuckerErrorCertificate]:
    """A proved interval for the least Frobenius error of a Tucker approximation of a tensor.

    The tails t_n of the singular values of the unfoldings bound it: max t_n ≤ error ≤ (Σ t_n²)^{1/2}. The truncated
    higher-order decomposition attains the upper end.

    Parameters
    ----------
    tensor : array_like of shape (n_1, …, n_N)
    ranks : sequence of int
        The rank along each axis.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    low_rank_error : The error of a given approximation of a matrix.

    Notes
    -----
    Proposition 5 of theory/unitarily_invariant_norms of the documentation, after De Lathauwer, De Moor and Vandewalle
    (2000).

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> tensor = np.zeros((3, 3, 3))
    >>> tensor[[0, 1, 2], [0, 1, 2], [0, 1, 2]] = [3.0, 2.0, 1.0]
    >>> found = hn.tucker_error(tensor, [2, 2, 2])
    >>> found.lower <= 1 <= found.upper, found.upper < 3**0.5 + 1e-9
    (True, True)
    """
    start = time.perf_counter()
    parts = [Rows.identified(part) for part in unfoldings(tensor)]
    kept = [check_count(rank, "ranks") for rank in np.atleast_1d(np.asarray(ranks, dtype=object)).tolist()]
    lengths = [rows.shape[0] for rows in parts]
    if len(kept) != len(parts) or any(rank > length for rank, length in zip(kept, lengths, strict=True)):
        raise InvalidInputError(f"ranks must be one number for each axis, at most {lengths}, got {ranks!r}.")
    certificate = TuckerErrorCertificate(
        axes=len(parts),
        lengths=np.array(lengths, dtype=np.int64),
        ranks=np.array(kept, dtype=np.int64),
        unfoldings=tuple(propose_singular_values(rows) for rows in parts),
    )
    return enclosure(certificate.prove(tuple(parts)), certificate, time.perf_counter() - start)
