"""Certificates of unitarily invariant norms: Schatten, Ky Fan and k-support norms, from proved singular values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.factored import FactoredSingularValueCertificate
from hypernorm.certificates.fields import Choice, Real
from hypernorm.certificates.gauges import INVARIANT_NORMS, check_parameter, gauge, name_of_norm
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import lower_float, precision, upper_float
from hypernorm.certificates.singular_values import SingularValueCertificate
from hypernorm.certificates.verified import VerifiedEnclosure

__all__ = ["InvariantNormCertificate"]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class InvariantNormCertificate(Certificate):
    """A proof of bounds on a Schatten, Ky Fan or k-support norm of a matrix.

    Each is a symmetric gauge of the singular values, and grows with each of them.

    Attributes
    ----------
    kind : {"schatten", "ky_fan", "k_support"}
    parameter : float
        The exponent p of a Schatten norm, 1 ≤ p ≤ ∞; else the number k of singular values.
    singular : SingularValueCertificate or FactoredSingularValueCertificate
        Proves bounds on the singular values.

    See Also
    --------
    hypernorm.schatten_norm, hypernorm.ky_fan_norm, hypernorm.k_support_norm

    Notes
    -----
    Proposition 3 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.diag([3.0, 4.0])
    >>> proved = hn.schatten_norm(A, 2).certificate.verify(A)
    >>> proved.lower <= 5 <= proved.upper
    True
    """

    kinds: ClassVar = INVARIANT_NORMS
    has_exact_proof: ClassVar = True

    kind: Annotated[str, Choice(INVARIANT_NORMS)]
    parameter: Annotated[float, Real(1.0, infinite=True)]
    singular: Annotated[
        SingularValueCertificate | FactoredSingularValueCertificate,
        Inner(SingularValueCertificate, FactoredSingularValueCertificate),
    ]

    def rules(self) -> None:
        check_parameter(self.kind, self.parameter, min(self.singular.shape))

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (n, d) of the matrix."""
        return self.singular.shape

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the matrix, or of the factors of a product."""
        return self.singular.fingerprint

    @property
    def quantity(self) -> str:
        return name_of_norm(self.kind, self.parameter)

    def describe(self) -> dict[str, Any]:
        return {"parameter": self.parameter, **self.singular.describe()}

    def read(self, data: Any) -> Any:
        return self.singular.read(data)

    def establish(self, subject: Any, *, exact: bool) -> VerifiedEnclosure:
        found = self.singular.prove(subject, exact=exact)
        with precision():
            below, above = (gauge(self.kind, self.parameter, ends) for ends in (found.lowers, found.uppers))
            lower, upper = lower_float(below), 0.0 if above.is_zero() else upper_float(above)
        return VerifiedEnclosure(quantity=self.quantity, rigor=found.rigor, lower=lower, upper=upper)
