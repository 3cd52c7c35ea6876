"""Upper bounds on the 2→q norm that prove themselves.

A certificate holds the few numbers from which the bound follows and nothing that has to be believed: `verify` proves
it for a given matrix from scratch, in floating point with every rounding error bounded, or in exact arithmetic.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from os import PathLike
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_up
from hypernorm._validation import check_samples
from hypernorm.certificates import exact as exact_proofs
from hypernorm.certificates import floating as floating_proofs
from hypernorm.certificates.exact import ExactRows
from hypernorm.certificates.fields import (
    LARGEST_EXPONENT,
    check_integer,
    check_real,
    check_tuple,
    owned,
    private_array,
    shown,
)
from hypernorm.certificates.identity import check_identity
from hypernorm.certificates.plan import Factor, is_available, plan
from hypernorm.certificates.rounding import (
    check_arithmetic,
    precision,
    rational,
    reweight,
    root_above,
    upper_float,
)
from hypernorm.certificates.storage import Content, write_content
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

if TYPE_CHECKING:
    import flint

__all__ = ["Certificate", "Rigor", "VerifiedBound"]


class _Claim(NamedTuple):
    """The numbers of a certificate and the factors that kind and q determine."""

    kind: str
    q: float
    exponent: int
    radius: float
    values: tuple[float, ...]
    factors: tuple[Factor, ...]


class Rigor(Enum):
    """In which arithmetic a bound was proved."""

    FLOATING_POINT = "floating point, rounding errors bounded"
    EXACT = "exact arithmetic"


@dataclass(frozen=True)
class VerifiedBound:
    """What a successful verification proves.

    Attributes
    ----------
    upper : float
        max ‖Xv‖_q over unit vectors v is at most this number.
    rigor : Rigor
    seconds : float
        Time that the verification took.
    """

    upper: float
    rigor: Rigor
    seconds: float


@dataclass(frozen=True, eq=False, slots=True)
class Certificate:
    """A proof of an upper bound on max ‖Xv‖_q over unit vectors v.

    Certificates come from `spectral_bound`, `two_to_q_norm` or `load_certificate`. The bound that counts is what
    `verify` returns; `upper` is the same number as claimed, short of the last places that rounding costs the proof.

    Attributes
    ----------
    kind : str
        ``"row_norm"``, ``"flattening"``, ``"realigned"``, ``"moment"`` or ``"sos"``.
    q : float
    shape : tuple of int
        Shape (n, d) of the matrix.
    fingerprint : str
        SHA-256 of the values of the matrix, see `hypernorm.forms.fingerprint`.
    exponent : int
        The bound is stated for the matrix times 2**-exponent.
    radius : float
        Weighted forms are weighted by powers of ‖x_i‖/radius, about the length of the longest row.
    values : tuple of float
        λ_j for each factor of the plan that (kind, q) determines, see `hypernorm.certificates.plan`.
    matrices : tuple of ndarray or None
        For a factor that is proved by a positive map, U_j ≻ 0 of shape (d, d) with map(U_j) ⪯ λ_j U_j; for a sum of
        squares, the coefficients H of shape (D, D) of a Gram matrix, see `hypernorm.forms.gram`.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((30, 4))
    >>> certificate = hn.spectral_bound(X, q=4, kind="realigned")
    >>> certificate.verify(X).upper >= hn.lower_bound(X, q=4, random_state=0).value
    True
    """

    kind: str
    q: float
    shape: tuple[int, int]
    fingerprint: str
    exponent: int
    radius: float
    values: tuple[float, ...]
    matrices: tuple[np.ndarray | None, ...]

    @property
    def upper(self) -> float:
        """The bound as claimed; `verify` is what proves it."""
        claim = self._claim()
        with precision(), np.errstate(all="ignore"):
            return _combine(claim, [rational(0)] * len(claim.factors))

    @own_arithmetic
    def verify(self, X: Any, *, exact: bool = False) -> VerifiedBound:
        """Prove the bound for a matrix.

        Parameters
        ----------
        X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        exact : bool
            Prove in exact integer arithmetic (python-flint) instead of floating point with bounded rounding errors.
            It trusts neither the processor's rounding nor LAPACK, and costs 10 to 1,000 times more.

        Returns
        -------
        VerifiedBound

        Raises
        ------
        CertificateError
            If the certificate was made for another matrix or does not prove its claim.
        InvalidInputError
            If `X` is not a usable matrix.
        """
        start = time.perf_counter()
        own = owned(self)
        matrix = check_samples(X)
        check_identity(matrix, own.shape, own.fingerprint)
        upper = own.prove(Rows(matrix), exact=exact)
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(upper, rigor, time.perf_counter() - start)

    @own_arithmetic
    def prove(self, rows: Rows, *, exact: bool = False) -> float:
        """Prove the bound for rows whose identity the caller has established, and return it.

        Raises
        ------
        CertificateError
            If the proof does not go through.
        """
        check_arithmetic()
        if type(rows) is not Rows or rows.multiplier is not None or rows.shift is not None:
            raise CertificateError("A certificate is about the rows of a matrix, not about reweighted or shifted ones.")
        own = owned(self)
        claim = own._claim()
        if rows.exponent != claim.exponent:
            raise CertificateError(f"The certificate is for the scale 2**{claim.exponent}, X has 2**{rows.exponent}.")
        matrices = own._private_matrices(claim.factors, rows.shape[1])
        if rows.is_zero:
            return 0.0
        # With this radius the longest weighted row stays as long as it was, as the proofs take it to be.
        if not abs(claim.radius / float(rows.norms.max()) - 1) <= 1e-6:
            raise CertificateError(
                f"The certificate's radius {claim.radius:.17g} is not the length of the longest row."
            )
        with precision():
            losses = []
            for factor, value, U in zip(claim.factors, claim.values, matrices, strict=True):
                if exact:
                    loss = rational(0)
                    proved = _is_proved(exact_proofs, factor, ExactRows(rows, factor.row_power, claim.radius), value, U)
                else:
                    weighted, loss = reweight(rows, factor.row_power, claim.radius)
                    proved = _is_proved(floating_proofs, factor, weighted, value, U)
                if not proved:
                    raise CertificateError(
                        f"The {claim.kind} certificate is not proved: its {factor.form.replace('_', ' ')} part does "
                        f"not establish the value {value:.17g}."
                    )
                losses.append(loss)
            # Entries that the scaling pushed below the normal range moved by less than 2**-1074 each.
            moved = rational(2.0**-1074) * rational(rows.shape[0] * rows.shape[1]).sqrt()
            return _combine(claim, losses, moved if rows.inexact else rational(0))

    def _claim(self) -> _Claim:
        """The numbers, each read once and found to be of its type and in its range, and the factors that follow."""
        kind, q = self.kind, self.q
        if not (type(kind) is str and type(q) is float and is_available(kind, q)):
            raise CertificateError(f"There is no certificate of kind {shown(kind)} for q = {shown(q)}.")
        factors = plan(kind, q)
        values = check_tuple(self.values, "values", len(factors), "numbers")
        for value in values:
            check_real(value, "value", 0.0)
        radius = check_real(self.radius, "radius", 2.0**-1074)
        exponent = check_integer(self.exponent, "exponent", -LARGEST_EXPONENT, LARGEST_EXPONENT)
        return _Claim(kind, q, exponent, radius, values, factors)

    def _private_matrices(self, factors: Sequence[Factor], d: int) -> list[np.ndarray | None]:
        given = check_tuple(self.matrices, "matrices", len(factors), "matrices or None")
        matrices = []
        for factor, U in zip(factors, given, strict=True):
            if (U is not None) != factor.has_matrix:
                raise CertificateError(f"The certificate's {factor.form} part has a matrix too many or too few.")
            shapes = [(side, side) for side in factor.sides(d)] if factor.has_matrix else []
            matrices.append(None if U is None else private_array(U, "matrix", *shapes, hermitian=True))
        return matrices

    @own_arithmetic
    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate to one ``.npz`` file, replacing an existing file only when complete.

        Raises
        ------
        InvalidInputError
            If the folder does not exist or cannot be written.
        """
        content = (getattr(self, name) for name in Content._fields)
        write_content(Content(*content), path)

    def __repr__(self) -> str:
        upper = rounded_up(self.upper, 12)
        return f"Certificate(kind={self.kind!r}, q={self.q:g}, shape={self.shape}, upper={upper} as claimed)"


def _is_proved(proofs: ModuleType, factor: Factor, rows: Rows | ExactRows, value: float, U: np.ndarray | None) -> bool:
    prove = getattr(proofs, f"proves_{factor.form}")
    if factor.form == "moment":
        return bool(prove(rows, value, factor.order))
    if factor.form == "sos":
        return bool(prove(rows, value, U, factor.order))
    return bool(prove(rows, value) if U is None else prove(rows, value, U))


def _combine(claim: _Claim, losses: Sequence[flint.arb], moved: flint.arb | int = 0) -> float:
    """‖X‖ ≤ 2^e [(Π β_j^{p_j t_j})^{1/q} + moved], where β_j bounds the 2→p_j norm of the j-th weighted matrix."""
    product = rational(1)
    for factor, value, loss in zip(claim.factors, claim.values, losses, strict=True):
        bound = root_above(value, factor.root) + loss
        power = factor.order * factor.share / Fraction(claim.q) if factor.order else Fraction(1)
        product *= bound if power == 1 else bound ** rational(power)
    # The weights were powers of ‖x_i‖/radius.
    if math.isfinite(claim.q):
        power = sum((factor.share * factor.weight for factor in claim.factors), Fraction(0)) / Fraction(claim.q)
        product *= rational(claim.radius) ** rational(power)
    total = product + moved
    return 0.0 if total.is_zero() else upper_float(total * rational(2) ** claim.exponent)
