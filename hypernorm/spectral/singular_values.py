"""Enclosures of singular values: LAPACK proposes a decomposition, and the certificate proves what it shows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.linalg

from hypernorm._arguments import check_memory
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm._results import Result
from hypernorm._validation import check_rows
from hypernorm.certificates import (
    UNIT,
    FactoredSingularValueCertificate,
    SingularValueCertificate,
    VerifiedSingularValues,
    factor_basis,
    joint_fingerprint,
)
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import LowRank, Rows

__all__ = ["SingularCertificate", "SingularValues", "decomposed", "propose_singular_values", "singular_values", "svd"]

SingularCertificate: TypeAlias = SingularValueCertificate | FactoredSingularValueCertificate

# Directions of a factor that are smaller than this part of the largest one are left to the error.
_DROPPED = 1e-13
_BLOCK_ROWS = 2048


@dataclass(frozen=True, eq=False, kw_only=True)
class SingularValues(Result):
    """Proved intervals for all singular values of a matrix.

    Attributes
    ----------
    lower, upper : ndarray of shape (min(n, d),)
        Proved, rounding included; the largest first.
    certificate : SingularValueCertificate or FactoredSingularValueCertificate
        Its method `verify` proves all of them again.
    seconds : float
        Duration of the call.

    See Also
    --------
    singular_values : Compute them, with an example.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> values = hn.singular_values(np.diag([1.0, 2.0]))
    >>> bool((values.lower <= [2, 1]).all() and (values.upper >= [2, 1]).all())
    True
    """

    lower: np.ndarray
    upper: np.ndarray
    certificate: SingularCertificate
    seconds: float

    def __repr__(self) -> str:
        ends = (f"[{rounded_down(self.lower[i], 10)}, {rounded_up(self.upper[i], 10)}]" for i in (0, -1))
        return f"SingularValues({len(self.lower)} values, from {' to '.join(ends)})"


@own_arithmetic
def singular_values(A: Any) -> SingularValues:
    """Proved intervals for all singular values of a matrix.

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or LowRank of shape (n, d)
        For a `LowRank` the work and the memory are those of its factors.

    Returns
    -------
    SingularValues

    Raises
    ------
    InvalidInputError
        If `A` cannot be used.

    See Also
    --------
    schatten_norm, ky_fan_norm, k_support_norm : Norms that are made of singular values.

    Notes
    -----
    With a computed decomposition A ≈ U diag(σ) Vᵀ and proved bounds α ≥ ‖UᵀU − I‖, β ≥ ‖VᵀV − I‖ and
    ε ≥ ‖A − U diag(σ) Vᵀ‖, each singular value lies between σ_i √((1 − α)(1 − β)) − ε and σ_i √((1 + α)(1 + β)) + ε.

    Theorem 1 of theory/unitarily_invariant_norms of the documentation, and Theorem 2 for a `LowRank` matrix.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> found = hn.singular_values(np.diag([3.0, 0.5, 0.0]))
    >>> found
    SingularValues(3 values, from [2.999999999, 3.000000001] to [0, ...e-15])
    >>> bool(found.lower[1] <= 0.5 <= found.upper[1])
    True
    """
    start = time.perf_counter()
    certificate, subject = decomposed(A)
    proved: VerifiedSingularValues = certificate.prove(subject)
    return SingularValues(
        lower=_frozen(proved.lowers),
        upper=_frozen(proved.uppers),
        certificate=certificate,
        seconds=time.perf_counter() - start,
    )


def decomposed(A: Any) -> tuple[SingularCertificate, Any]:
    """A proposed certificate of the singular values of A, and the subject of its proof.

    Raises
    ------
    InvalidInputError
        If `A` cannot be used.
    """
    if isinstance(A, LowRank):
        left, right = Rows.identified(A.left), Rows.identified(A.right)
        return _propose_factored(left, right), (left, right)
    rows = Rows.identified(check_rows(A, "A"))
    return propose_singular_values(rows), rows


def propose_singular_values(rows: Rows) -> SingularValueCertificate:
    """A decomposition of the rows by LAPACK, as a certificate."""
    n, d = rows.shape
    needed = 8 * (2 * n * d + 2 * (n + d) * min(n, d))
    check_memory(needed, "The decomposition of the matrix", "leave out rows or columns")
    left, values, right = svd(rows.block(0, n))
    # What is smaller than the rounding errors of the proof is left to its error: fewer terms, smaller errors.
    tails = np.sqrt(np.cumsum(values[::-1] ** 2))[::-1]
    count = max(1, int(np.count_nonzero(tails > 16 * UNIT * values.sum())))
    return SingularValueCertificate(
        shape=rows.shape,
        fingerprint=rows.fingerprint,
        exponent=rows.exponent,
        count=count,
        left=left[:, :count],
        values=values[:count],
        right=right[:, :count],
    )


def _propose_factored(left: Rows, right: Rows) -> FactoredSingularValueCertificate:
    first, second = _factor(left), _factor(right)
    core_left, values, core_right = svd(first[2] @ second[2].T)
    return FactoredSingularValueCertificate(
        shape=(left.shape[0], right.shape[0]),
        fingerprint=joint_fingerprint(left, right),
        left_exponent=left.exponent,
        right_exponent=right.exponent,
        columns=left.shape[1],
        left_rank=len(first[1]),
        right_rank=len(second[1]),
        **dict(zip(("left_map", "left_polish", "left_coefficients"), first, strict=True)),
        **dict(zip(("right_map", "right_polish", "right_coefficients"), second, strict=True)),
        core_left=core_left,
        values=values,
        core_right=core_right,
    )


def _factor(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T, S and R with (UT)S about orthonormal and U ≈ (UT)SR; S removes what an ill-conditioned U leaves of T."""
    n, k = rows.shape
    check_memory(8 * 4 * n * k, "The factorisation of the product", "use factors with fewer columns")
    dense = rows.block(0, n)
    R = np.empty((0, k))
    for start in range(0, n, max(_BLOCK_ROWS, k)):  # blocks that stay in cache
        R = np.asarray(np.linalg.qr(np.vstack([R, dense[start : start + max(_BLOCK_ROWS, k)]]), mode="r"))
    _, lengths, axes = np.linalg.svd(R, full_matrices=False)
    kept = max(1, int(np.count_nonzero(lengths > _DROPPED * lengths[0])))
    T = axes[:kept].T / np.where(lengths[:kept] > 0, lengths[:kept], 1.0)
    P = factor_basis(rows, T, np.eye(kept))
    squares, turn = np.linalg.eigh(P.T @ P)
    S = (turn / np.sqrt(np.where(squares > 0, squares, 1.0))) @ turn.T
    return T, S, factor_basis(rows, T, S).T @ dense


def svd(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """U, σ and V with A ≈ U diag(σ) Vᵀ."""
    try:
        left, values, right = scipy.linalg.svd(A, full_matrices=False, check_finite=False)
    except np.linalg.LinAlgError:  # divide and conquer fails on rare matrices
        left, values, right = scipy.linalg.svd(A, full_matrices=False, check_finite=False, lapack_driver="gesvd")
    if not np.isfinite(values).all():
        raise InvalidInputError(
            "A has no computed singular values; its entries differ by too many orders of magnitude."
        )
    return np.ascontiguousarray(left), np.maximum(values, 0.0), np.ascontiguousarray(right.T)


def _frozen(values: tuple[float, ...]) -> np.ndarray:
    array = np.array(values)
    array.setflags(write=False)
    return array
