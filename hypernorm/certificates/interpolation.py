"""Certificates of operator norms by interpolation between certified norms of the same matrix.

**Theorem** (Riesz–Thorin). The logarithm of the norm of A from complex ℓ_p to complex ℓ_q is a convex function of
(1/p, 1/q). So if t_k ≥ 0 add up to 1 and (1/p, 1/q) = Σ t_k (1/p_k, 1/q_k), ‖A‖_{p→q} ≤ Π ‖A‖_{p_k→q_k}^{t_k}.

The norms on the right are those over complex vectors. Each rule but the enumeration bounds these as well: (★), sums of
magnitudes and Hölder's inequality do not ask whether a vector is real, and for p ≤ q the two norms of a real matrix
agree.

*Proof of the latter.* (α² + β²)^{1/2} = c ‖α cos θ + β sin θ‖ in L_q(dθ), with a constant c that depends on q. Apply A
to cos θ Re x + sin θ Im x and use Minkowski's inequality in L_{q/p}. ∎

The shares are floats, exact as binary numbers. If the point that they yield is another (1/p′, 1/q′), the bound is
multiplied by the largest ratio of the norms, n^{1/p′−1/p} m^{1/q−1/q′}, each factor 1 where its exponent is negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

import flint

from hypernorm.certificates.edge import EdgeCertificate
from hypernorm.certificates.exponents import exact_exponent, inverse, norm_change, raised
from hypernorm.certificates.fields import Numbers, Sizes
from hypernorm.certificates.inner import InnerTuple
from hypernorm.certificates.operator import OperatorCertificate
from hypernorm.certificates.perron import PerronCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import rational
from hypernorm.certificates.two_to_q_weights import TwoToQCertificate
from hypernorm.certificates.weights import WeightsCertificate
from hypernorm.exceptions import CertificateError
from hypernorm.forms import ScaledMatrix

__all__ = ["COMPLEX_RULES", "InterpolationCertificate"]

COMPLEX_RULES = (EdgeCertificate, WeightsCertificate, PerronCertificate, TwoToQCertificate)
"""The rules whose bounds hold for complex vectors."""


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class InterpolationCertificate(OperatorCertificate):
    """Certificates of norms of the same matrix for other exponents, and the shares of their logarithms.

    Attributes
    ----------
    p, q, shape, fingerprint, field, side, upper
        As for `OperatorCertificate`.
    norms : tuple of OperatorCertificate
        Of rules that hold for complex vectors.
    shares : tuple of float
        t_k for all but the last certificate, whose share is the rest.

    See Also
    --------
    OperatorCertificate : The other rules.

    Notes
    -----
    Theorem 7, of Riesz and Thorin, and Lemma 8 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.random.default_rng(0).standard_normal((6, 4))
    >>> certificate = hn.operator_certificate(A, 3, 4, rule="interpolation", random_state=0)
    >>> certificate.verify(A).upper < 1.3 * hn.lower_bound(A, 4, p=3, random_state=0).value
    True
    """

    kinds: ClassVar = ("interpolation",)

    norms: Annotated[tuple[OperatorCertificate, ...], InnerTuple(*COMPLEX_RULES)]
    shares: Annotated[tuple[float, ...], Numbers("certificates but the last", 0.0)]

    @classmethod
    def sizes(cls, known: Sizes) -> Sizes:
        return {"certificates but the last": len(known["norms"]) - 1} if "norms" in known else {}

    def rules(self) -> None:
        if sum(map(Fraction, self.shares), Fraction(0)) > 1:
            raise CertificateError("The certificate's shares add up to more than 1.")
        if any(
            (norm.shape, norm.fingerprint, norm.field) != (self.shape, self.fingerprint, self.field)
            for norm in self.norms
        ):
            raise CertificateError("A certificate to interpolate from is for another matrix.")

    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        operand = self.operand(matrix)
        shares = [Fraction(share) for share in self.shares]
        shares.append(1 - sum(shares, Fraction(0)))
        product, inner, outer = rational(1), Fraction(0), Fraction(0)
        for norm, share in zip(self.norms, shares, strict=True):
            product *= raised(norm.bound(matrix, exact=exact), share)
            inner += share * inverse(exact_exponent(norm.p))
            outer += share * inverse(exact_exponent(norm.q))
        # In terms of A, whichever side the arrays of the inner certificates are about.
        m, n = operand.entries.shape if self.side == "matrix" else operand.entries.shape[::-1]
        p, q = inverse(exact_exponent(self.p)), inverse(exact_exponent(self.q))
        return product * norm_change(p, inner, n) * norm_change(outer, q, m)
