"""Certificates of singular values of a product UVᵀ, which is never formed: work and memory are those of the factors.

**Theorem.** Let U = PR + E_1 and V = QS + E_2, and RSᵀ = L diag(σ) Mᵀ + E_3. Then

    UVᵀ = (PL) diag(σ) (QM)ᵀ + F,    ‖F‖ ≤ ‖E_1‖ ‖V‖ + ‖P‖ ‖R‖ ‖E_2‖ + ‖P‖ ‖Q‖ ‖E_3‖,

and the theorem of `hypernorm.certificates.singular_values` holds with one factor √(1 ± α) for each of P, L, Q and M.
All singular values after the k-th are zero, if U and V have k columns.

*Proof.* UVᵀ = PRSᵀQᵀ + E_1Vᵀ + PRE_2ᵀ. ∎

The certificate holds small matrices only. P is computed from U and two of them, as the checker computes it, so that no
long factor is stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Array, Fingerprint, Integer, Shape, Sizes
from hypernorm.certificates.registry import register
from hypernorm.certificates.residuals import (
    core_residual,
    exact_core_residual,
    exact_gram_deviation,
    exact_norm,
    exact_residual,
    frobenius_norm,
    gram_deviation,
    residual,
)
from hypernorm.certificates.rounding import precision, rational, scaling_loss, upper_float
from hypernorm.certificates.singular_values import VerifiedSingularValues, check_decreasing, enclosed
from hypernorm.certificates.subjects import check_identity, other_data, scaled_rows
from hypernorm.certificates.values import LARGEST_SCALE
from hypernorm.certificates.verified import Claim, Rigor
from hypernorm.exceptions import CertificateError
from hypernorm.forms import LowRank, Rows

__all__ = ["FactoredSingularValueCertificate", "factor_basis", "joint_fingerprint"]

_MOST_COLUMNS = 2**30 - 1
_BLOCK_ENTRIES = 1 << 20


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class FactoredSingularValueCertificate(Certificate):
    """A proof of bounds on every singular value of a product X = UVᵀ of factors with few columns.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of the product.
    fingerprint : str
        SHA-256 of the fingerprints of both factors.
    left_exponent, right_exponent : int
        The small matrices are for the factors times 2**-exponent.
    columns : int
        Number k of columns of each factor.
    left_rank, right_rank : int
        Numbers j, l of columns of P and Q.
    left_map, left_polish, left_coefficients : ndarray of shape (k, j), (j, j), (j, k)
        T, S and R: P is the computed (UT)S, and U ≈ PR.
    right_map, right_polish, right_coefficients : ndarray of shape (k, l), (l, l), (l, k)
        The same for V and Q.
    core_left, values, core_right : ndarray of shape (j, c), (c,), (l, c)
        A decomposition of the product of the coefficients, c = min(j, l).

    See Also
    --------
    hypernorm.LowRank : The product, with an example.

    Notes
    -----
    Theorem 2 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> matrix = hn.LowRank(np.ones((50, 1)), np.ones((40, 1)))
    >>> proved = hn.singular_values(matrix).certificate.verify(matrix)
    >>> proved.lower <= 2000**0.5 <= proved.upper
    True
    """

    kinds: ClassVar = ("factored_singular_values",)
    data_name: ClassVar = "the product"
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    left_exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    right_exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    columns: Annotated[int, Integer(1, _MOST_COLUMNS)]
    left_rank: Annotated[int, Integer(1, _MOST_COLUMNS)]
    right_rank: Annotated[int, Integer(1, _MOST_COLUMNS)]
    left_map: Annotated[np.ndarray, Array("k", "j")]
    left_polish: Annotated[np.ndarray, Array("j", "j")]
    left_coefficients: Annotated[np.ndarray, Array("j", "k")]
    right_map: Annotated[np.ndarray, Array("k", "l")]
    right_polish: Annotated[np.ndarray, Array("l", "l")]
    right_coefficients: Annotated[np.ndarray, Array("l", "k")]
    core_left: Annotated[np.ndarray, Array("j", "c")]
    values: Annotated[np.ndarray, Array("c")]
    core_right: Annotated[np.ndarray, Array("l", "c")]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        if "right_rank" not in known:
            return {}
        j, l = known["left_rank"], known["right_rank"]
        return {"k": known["columns"], "j": j, "l": l, "c": min(j, l)}

    def rules(self) -> None:
        if len(self.values) > min(*self.shape, self.columns):
            raise CertificateError(f"The product has no {len(self.values)} singular values.")
        check_decreasing(self.values)

    @property
    def quantity(self) -> str:
        return "spectral norm of X"

    @property
    def claim(self) -> Claim:
        """The largest of the values, without the errors; `verify` proves bounds on each and adds them."""
        with precision():
            largest = rational(float(self.values[0])) * rational(2) ** (self.left_exponent + self.right_exponent)
            return Claim(upper_float(largest), is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "count": len(self.values)}

    def read(self, data: Any) -> tuple[Rows, Rows]:
        if type(data) is not LowRank:
            raise CertificateError("The certificate is for a product of two factors; give hypernorm.LowRank(U, V).")
        own = LowRank(data.left, data.right)
        left, right = Rows.identified(own.left), Rows.identified(own.right)
        check_identity(own.left, (self.shape[0], self.columns), left.fingerprint)
        check_identity(own.right, (self.shape[1], self.columns), right.fingerprint)
        if joint_fingerprint(left, right) != self.fingerprint:
            raise other_data("X")
        return left, right

    def establish(self, subject: tuple[Rows, Rows], *, exact: bool) -> VerifiedSingularValues:
        if type(subject) is not tuple or len(subject) != 2:
            raise CertificateError("The subject of the proof must be the rows of the two factors.")
        left = scaled_rows(subject[0], self.columns, self.left_exponent, count=self.shape[0])
        right = scaled_rows(subject[1], self.columns, self.right_exponent, count=self.shape[1])
        P = factor_basis(left, self.left_map, self.left_polish)
        Q = factor_basis(right, self.right_map, self.right_polish)
        with precision():
            if left.is_zero or right.is_zero:
                lowers = uppers = (0.0,) * min(self.shape)
            else:
                deviations = [_deviation(side, exact) for side in (P, Q, self.core_left, self.core_right)]
                wide, broad = ((1 + deviation).sqrt() for deviation in deviations[:2])
                first = _rest(left, P, self.left_coefficients, exact)
                second = _rest(right, Q, self.right_coefficients, exact)
                core = self.left_coefficients, self.right_coefficients, self.core_left, self.values, self.core_right
                third = exact_core_residual(*core) if exact else rational(core_residual(*core))
                rest = first * (_length(right, exact) + scaling_loss(right))
                rest += wide * (_length(self.left_coefficients, exact) * second + broad * third)
                exponent = self.left_exponent + self.right_exponent
                # The product has no more singular values than its factors have columns; the others are zero.
                most = min(*self.shape, self.columns)
                found = enclosed(self.values, deviations, rest, most, exponent)
                zeros = (0.0,) * (min(self.shape) - most)
                lowers, uppers = found[0] + zeros, found[1] + zeros
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedSingularValues(
            quantity=self.quantity, rigor=rigor, lower=lowers[0], upper=uppers[0], lowers=lowers, uppers=uppers
        )


def joint_fingerprint(left: Rows, right: Rows) -> str:
    """SHA-256 of the fingerprints of both factors.

    Parameters
    ----------
    left, right : Rows

    Returns
    -------
    str

    See Also
    --------
    hypernorm.forms.fingerprint : That of one matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> len(joint_fingerprint(Rows.identified(np.eye(2)), Rows.identified(np.eye(2))))
    64
    """
    return hashlib.sha256((left.fingerprint + right.fingerprint).encode("ascii")).hexdigest()


def factor_basis(rows: Rows, first: np.ndarray, polish: np.ndarray) -> np.ndarray:
    """The computed matrix (UT)S, about orthonormal if T and S were chosen so.

    Parameters
    ----------
    rows : Rows
    first, polish : ndarray
        T and S.

    Returns
    -------
    ndarray

    Raises
    ------
    CertificateError
        If a number overflows.

    See Also
    --------
    FactoredSingularValueCertificate : Uses it.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> factor_basis(Rows(np.eye(3)), np.eye(3), np.eye(3)).shape
    (3, 3)
    """
    step = max(1, _BLOCK_ENTRIES // max(rows.shape[1], first.shape[1]))

    def partial(rows: Rows, part: range) -> np.ndarray:
        blocks = ((start, min(start + step, part.stop)) for start in range(part.start, part.stop, step))
        with np.errstate(all="ignore"):
            return np.concatenate([np.asarray(rows.operand(*ends) @ first) @ polish for ends in blocks])

    result = np.concatenate(list(rows.partials(partial, rows.ranges(min(step, rows.shape[0])))))
    if not np.isfinite(result).all():
        raise CertificateError("Nothing is proved: the numbers are too large for a proof, they overflow.")
    return result


def _deviation(U: np.ndarray, exact: bool) -> flint.arb:
    return exact_gram_deviation(U) if exact else rational(gram_deviation(U))


def _length(A: Rows | np.ndarray, exact: bool) -> flint.arb:
    return exact_norm(A) if exact else rational(frobenius_norm(A))


def _rest(rows: Rows, basis: np.ndarray, coefficients: np.ndarray, exact: bool) -> flint.arb:
    """‖U − PR‖_F, with what scaling has lost."""
    ones = np.ones(len(coefficients))
    found = (
        exact_residual(rows, basis, ones, coefficients.T)
        if exact
        else rational(residual(rows, basis, ones, coefficients.T))
    )
    return found + scaling_loss(rows)
