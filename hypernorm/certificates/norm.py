"""Certificates of upper bounds on the 2→q norm of a matrix.

A certificate holds the few numbers from which the bound follows. The proof is in floating point with every rounding
error bounded, or in exact arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from hypernorm._display import norm_text
from hypernorm.certificates import exact as exact_proofs
from hypernorm.certificates import floating as floating_proofs
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.exact import ExactRows
from hypernorm.certificates.fields import Choice, Fingerprint, Integer, Matrices, Numbers, Real, Shape, Sizes
from hypernorm.certificates.plan import KINDS, Factor, is_available, plan
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import precision, rational, reweight, root_above, scaling_loss, upper_float
from hypernorm.certificates.subjects import check_radius, read_samples, scaled_rows
from hypernorm.certificates.values import LARGEST_SCALE, shown
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

if TYPE_CHECKING:
    import flint

__all__ = ["NormCertificate"]


# A split needs more fields.
_OWN_KINDS: tuple[str, ...] = tuple(kind for kind in KINDS if kind != "split")


class _Exponent(Real):
    """A float for which the kind of certificate has a bound."""

    def check(self, value: Any, name: str, sizes: Sizes) -> float:
        if not (type(value) is float and is_available(sizes["kind"], value)):
            raise CertificateError(f"There is no certificate of kind {sizes['kind']!r} for q = {shown(value)}.")
        return value


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class NormCertificate(Certificate):
    """A proof of an upper bound on max ‖Xv‖_q over unit vectors v.

    `spectral_bound`, `sos_bound`, `two_to_q_norm` and `load_certificate` return one.

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
        The values and matrices are for the matrix times 2**-exponent.
    radius : float
        About the length of the longest row; the weights of forms are powers of ‖x_i‖/radius.
    values : tuple of float
        λ_j for each factor of the plan that (kind, q) determines, see `hypernorm.certificates.plan`.
    matrices : tuple of ndarray or None
        For a factor with a positive map, U_j ≻ 0 of shape (d, d) with map(U_j) ⪯ λ_j U_j; for a sum of squares, the
        coefficients H of shape (D, D) of a Gram matrix, see `hypernorm.forms.gram`.

    See Also
    --------
    Witness : A lower bound on the same norm.

    Notes
    -----
    Propositions 3 to 7 and Theorem 8 of theory/upper_bounds of the documentation, and Proposition 1 of
    theory/sums_of_squares of the documentation. The realigned bound with constant one is a construction of
    this package, not a published theorem.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((30, 4))
    >>> certificate = hn.spectral_bound(X, q=4, kind="realigned")
    >>> certificate.verify(X).upper >= hn.lower_bound(X, q=4, random_state=0).value
    True
    """

    kinds: ClassVar = _OWN_KINDS
    has_exact_proof: ClassVar = True

    kind: Annotated[str, Choice(_OWN_KINDS)]
    q: Annotated[float, _Exponent()]
    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    radius: Annotated[float, Real(2.0**-1074)]
    values: Annotated[tuple[float, ...], Numbers("factors", 0.0)]
    matrices: Annotated[tuple[np.ndarray | None, ...], Matrices("sides", member="matrix")]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        if not {"kind", "q", "shape"} <= known.keys():
            return known
        factors, d = plan(known["kind"], known["q"]), known["shape"][1]
        return {"factors": len(factors), "sides": [factor.sides(d) if factor.has_matrix else () for factor in factors]}

    @property
    def quantity(self) -> str:
        return norm_text(self.q)

    @property
    def upper(self) -> float:
        """The claimed bound; `verify` proves it."""
        own = self.owned("fingerprint", "matrices")
        factors = plan(own.kind, own.q)
        with precision(), np.errstate(all="ignore"):
            return own._combined(factors, [rational(0)] * len(factors))

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "q": self.q, "shape": list(self.shape)}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedBound:
        rows = scaled_rows(subject, self.shape[1], self.exponent)
        return VerifiedBound(
            quantity=self.quantity,
            rigor=Rigor.EXACT if exact else Rigor.FLOATING_POINT,
            upper=0.0 if rows.is_zero else self._proved(rows, exact),
        )

    def _proved(self, rows: Rows, exact: bool) -> float:
        # The proofs rely on the length of the longest weighted row, which this radius does not change.
        check_radius(self.radius, rows)
        factors = plan(self.kind, self.q)
        with precision():
            losses = []
            for factor, value, matrix in zip(factors, self.values, self.matrices, strict=True):
                weighted: Rows | ExactRows
                if exact:
                    weighted, loss = ExactRows(rows, factor.row_power, self.radius), rational(0)
                else:
                    weighted, loss = reweight(rows, factor.row_power, self.radius)
                if not self._proves(factor, weighted, value, matrix, exact):
                    raise CertificateError(
                        f"The {self.kind} certificate is not proved: its {factor.form.replace('_', ' ')} part does "
                        f"not establish the value {value:.17g}."
                    )
                losses.append(loss)
            return self._combined(factors, losses, scaling_loss(rows))

    def _proves(self, factor: Factor, weighted: Any, value: float, matrix: Any, exact: bool) -> bool:
        """Whether the value of one factor is proved for the weighted rows."""
        provers = exact_proofs.PROVERS if exact else floating_proofs.PROVERS
        return provers[factor.form](weighted, value, matrix, factor.order)

    def _combined(self, factors: Sequence[Factor], losses: Sequence[flint.arb], moved: flint.arb | int = 0) -> float:
        """‖X‖ ≤ 2^e [(Π β_j^{p_j t_j})^{1/q} + moved], where β_j bounds the 2→p_j norm of the j-th weighted matrix."""
        product = rational(1)
        for factor, value, loss in zip(factors, self.values, losses, strict=True):
            bound = root_above(value, factor.root) + loss
            power = factor.order * factor.share / Fraction(self.q) if factor.order else Fraction(1)
            product *= bound if power == 1 else bound ** rational(power)
        # The weights were powers of ‖x_i‖/radius.
        if math.isfinite(self.q):
            power = sum((factor.share * factor.weight for factor in factors), Fraction(0)) / Fraction(self.q)
            product *= rational(self.radius) ** rational(power)
        total = product + moved
        return 0.0 if total.is_zero() else upper_float(total * rational(2) ** self.exponent)
