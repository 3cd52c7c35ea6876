"""Bounds on the nuclear norm without a decomposition, and estimates that are none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._arguments import check_flag, fits_in_memory
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm._validation import as_dense, check_matrix, check_rows
from hypernorm.certificates import NuclearBoundsCertificate, column_lengths
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows
from hypernorm.spectral.enclosure import Enclosure

__all__ = ["NuclearBounds", "hidden_state_estimate", "matrix_entropy", "nuclear_bounds"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class NuclearBounds(Enclosure[NuclearBoundsCertificate]):
    """Proved bounds on the nuclear norm, and an estimate beside them.

    Attributes
    ----------
    quantity, lower, upper, certificate, seconds
        As for `Enclosure`.
    column_estimate : float
        The sum of the min(n, d) largest column lengths, the L₁,₂ estimate. It is no bound: if there are more columns
        than rows the nuclear norm may be smaller or larger.

    See Also
    --------
    nuclear_bounds : Compute them, with an example.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> bounds = hn.nuclear_bounds(np.eye(4))
    >>> bounds.lower <= 4 <= bounds.upper, bounds.column_estimate
    (True, 4.0)
    """

    column_estimate: float

    def __repr__(self) -> str:
        return (
            f"NuclearBounds(lower={rounded_down(self.lower, 10)}, upper={rounded_up(self.upper, 10)}, "
            f"column_estimate={self.column_estimate:.6g})"
        )


@own_arithmetic
def nuclear_bounds(A: Any, *, gram: bool = True) -> NuclearBounds:
    """Proved bounds on the nuclear norm of a matrix without a decomposition.

    max(‖A‖_F, ‖A‖_F³/‖AᵀA‖_F) ≤ ‖A‖_* ≤ min(Σ column lengths, Σ row lengths, √min(n, d) ‖A‖_F).

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
    gram : bool, default True
        Compute the Gram matrix of the smaller side, the only part that takes more than one pass. It is left out if it
        does not fit in memory; the lower bound is the Frobenius norm then.

    Returns
    -------
    NuclearBounds

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    schatten_norm : The nuclear norm itself, from a decomposition.

    Notes
    -----
    Proposition 4 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.random.default_rng(0).standard_normal((200, 40))
    >>> found, norm = hn.nuclear_bounds(A), hn.schatten_norm(A, 1)
    >>> found.lower <= norm.lower, norm.upper <= found.upper, found.upper < 1.2 * found.lower
    (True, True, True)
    """
    start = time.perf_counter()
    rows = Rows.identified(check_rows(A, "A"))
    side = min(rows.shape)
    uses_gram = check_flag(gram, "gram") and fits_in_memory(16 * side**2)
    certificate = NuclearBoundsCertificate(shape=rows.shape, fingerprint=rows.fingerprint, gram=int(uses_gram))
    proved = certificate.prove(rows)
    lengths = np.sort(column_lengths(rows))[::-1][:side]
    return NuclearBounds(
        quantity=proved.quantity,
        lower=proved.lower,
        upper=proved.upper,
        certificate=certificate,
        column_estimate=float(np.ldexp(lengths.sum(), rows.exponent)),
        seconds=time.perf_counter() - start,
    )


@own_arithmetic
def hidden_state_estimate(Z: Any) -> float:
    """The L₁,₂ estimate of ‖Z‖_*/n for hidden states: an estimate, not a bound.

    The columns are centered and the rows divided by their lengths; the result is the sum of the min(n, d) largest
    column lengths over n.

    Parameters
    ----------
    Z : array_like of shape (n, d)
        One row for each token, one column for each feature.

    Returns
    -------
    float

    See Also
    --------
    hypernorm.nuclear_bounds : Proved bounds, at the same order of cost.
    matrix_entropy : The entropy of the spectrum, which needs eigenvalues.

    Notes
    -----
    The section on the nuclear norm in theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> round(hidden_state_estimate(np.eye(2)), 6)
    1.0
    """
    states = _states(Z)
    lengths = np.sort(np.sqrt(np.einsum("ij,ij->j", states, states)))[::-1]
    return float(lengths[: min(states.shape)].sum() / len(states))


@own_arithmetic
def matrix_entropy(Z: Any) -> float:
    """The entropy −Σ λ log λ of the eigenvalues of ZᵀZ over its trace, for centered rows of length one.

    Parameters
    ----------
    Z : array_like of shape (n, d)

    Returns
    -------
    float
        From 0, for rank one, to log(min(n, d)); computed, not proved.

    See Also
    --------
    hidden_state_estimate : An estimate without eigenvalues.

    Notes
    -----
    It is compared with the nuclear norm in theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(np.exp(matrix_entropy(np.vstack([np.eye(3), -np.eye(3)])))), 6)
    3.0
    """
    states = _states(Z)
    gram = states @ states.T if len(states) < states.shape[1] else states.T @ states
    shares = np.maximum(np.linalg.eigvalsh(gram), 0.0)
    shares = shares[shares > 0] / shares.sum()
    return float(-(shares @ np.log(shares))) + 0.0


def _states(Z: Any) -> np.ndarray:
    """The rows minus their mean, divided by their lengths."""
    states = as_dense(check_matrix(Z, "Z"))
    states = states - states.mean(axis=0)
    lengths = np.linalg.norm(states, axis=1)
    if not lengths.any():
        raise InvalidInputError("all rows of Z are equal; nothing is left after centering.")
    return np.asarray(states / np.where(lengths > 0, lengths, 1.0)[:, None])
