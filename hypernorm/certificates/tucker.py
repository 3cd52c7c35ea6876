"""Certificates of the least error of a Tucker approximation, from the singular values of the unfoldings.

**Theorem.** Let t_n be the tail (Σ_{i>r_n} σ_i²)^{1/2} of the singular values of the unfolding of T along axis n. The
least error e = ‖T − S‖_F over tensors S whose unfoldings have ranks at most r_n satisfies

    max_n t_n ≤ e ≤ (Σ_n t_n²)^{1/2}.

*Proof.* The unfolding of S has rank at most r_n, so that e ≥ t_n (Eckart and Young). Let P_n project axis n onto the
first r_n left singular vectors of its unfolding. T − T×P_1×…×P_N is the sum over n of (T − T×P_n)×P_1×…×P_{n−1}. These
are orthogonal to one another, and at most t_n long (De Lathauwer, De Moor and Vandewalle 2000). ∎
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Array, Integer, Sizes
from hypernorm.certificates.gauges import tail
from hypernorm.certificates.inner import InnerTuple
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import lower_float, precision, rational, upper_float
from hypernorm.certificates.singular_values import SingularValueCertificate
from hypernorm.certificates.verified import Rigor, VerifiedEnclosure
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows, unfoldings

__all__ = ["TuckerErrorCertificate"]

_MOST_AXES = 32


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class TuckerErrorCertificate(Certificate):
    """A proof of bounds on the least Frobenius error of a Tucker approximation of a tensor.

    Attributes
    ----------
    axes : int
        Number of axes of the tensor.
    lengths, ranks : ndarray of shape (axes,)
        Its shape, and the largest rank of the approximation along each axis; of dtype int64.
    unfoldings : tuple of SingularValueCertificate
        One for each axis.

    See Also
    --------
    hypernorm.tucker_error : Compute one, with an example.

    Notes
    -----
    Proposition 5 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> tensor = np.random.default_rng(0).standard_normal((3, 3, 3))
    >>> proved = hn.tucker_error(tensor, (2, 2, 2)).certificate.verify(tensor)
    >>> 0 < proved.lower < proved.upper
    True
    """

    kinds: ClassVar = ("tucker_error",)
    data_name: ClassVar = "the tensor"
    has_exact_proof: ClassVar = True

    axes: Annotated[int, Integer(1, _MOST_AXES)]
    lengths: Annotated[np.ndarray, Array("a", dtypes=(np.int64,))]
    ranks: Annotated[np.ndarray, Array("a", dtypes=(np.int64,))]
    unfoldings: Annotated[tuple[SingularValueCertificate, ...], InnerTuple(SingularValueCertificate)]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        return {"a": known["axes"]} if "axes" in known else {}

    def rules(self) -> None:
        if not ((self.lengths >= 1).all() and (self.ranks >= 1).all() and (self.ranks <= self.lengths).all()):
            raise CertificateError("The ranks of the certificate must be from 1 to the lengths of the axes.")
        total = int(np.prod(self.lengths.astype(object)))
        shapes = [(int(length), total // int(length)) for length in self.lengths]
        if [proof.shape for proof in self.unfoldings] != shapes:
            raise CertificateError("The certificates of the unfoldings must be of their shapes, one for each axis.")

    @property
    def quantity(self) -> str:
        return f"least Frobenius error of ranks {', '.join(map(str, self.ranks.tolist()))}"

    def describe(self) -> dict[str, Any]:
        return {"shape": self.lengths.tolist(), "ranks": self.ranks.tolist()}

    def read(self, data: Any) -> tuple[Rows, ...]:
        parts = unfoldings(data)
        if len(parts) != self.axes:
            raise CertificateError(f"The certificate is for a tensor of {self.axes} axes, this has {len(parts)}.")
        return tuple(proof.read(part) for proof, part in zip(self.unfoldings, parts, strict=True))

    def establish(self, subject: tuple[Rows, ...], *, exact: bool) -> VerifiedEnclosure:
        if type(subject) is not tuple or len(subject) != self.axes:
            raise CertificateError("The subject of the proof must be the rows of the unfoldings, one for each axis.")
        proved = [proof.prove(rows, exact=exact) for proof, rows in zip(self.unfoldings, subject, strict=True)]
        below, above = rational(0), rational(0)
        with precision():
            for found, rank in zip(proved, self.ranks.tolist(), strict=True):
                below = below.max(tail(found.lowers, rank))
                above += tail(found.uppers, rank) ** 2
            lower, upper = lower_float(below), 0.0 if above.is_zero() else upper_float(above.sqrt())
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedEnclosure(quantity=self.quantity, rigor=rigor, lower=lower, upper=upper)
