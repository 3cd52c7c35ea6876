"""Certificates of near-optimal atoms: bounds on ‖Zw‖_p for the whitened samples Z.

Z = (X − location) @ transform is computed from the samples, with an error E whose Frobenius norm is bounded row by row.
As p ≥ 2, ‖Zw‖_p differs from that of the computed matrix by at most ‖E‖_F for every unit vector w.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from hypernorm._display import exponent_text
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.covariance import coordinates
from hypernorm.certificates.fields import Array, Fingerprint, Integer, Real, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.reduced import MATRIX_NORMS, MatrixNormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import SAFETY, lower_float, precision, rational, upper_float
from hypernorm.certificates.subjects import dense_copy
from hypernorm.certificates.verified import Claim, VerifiedEnclosure
from hypernorm.certificates.witness import attained_interval
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = ["AtomCertificate", "attained_by", "with_errors"]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class AtomCertificate(Certificate):
    """A proof of how close an atom comes to the maximum of ‖Zw‖_p over unit vectors w, Z the whitened samples.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of the samples.
    fingerprint : str
        SHA-256 of the shape and the values of the samples.
    rank : int
        k, the number of columns of Z.
    q : float
        The exponent p.
    value : float
        Claimed lower bound on ‖Zw‖_p/‖w‖ for the atom.
    location : ndarray of shape (d,)
    transform : ndarray of shape (d, k)
        Z = (X − location) @ transform.
    vector : ndarray of shape (k,)
        w; its length does not matter.
    norm : NormCertificate or ReducedCertificate
        Certificate for the computed Z.

    See Also
    --------
    hypernorm.dictionary.CertifiedAtom : What `LpDictionaryLearning.certify` returns.

    Notes
    -----
    The section "How it knows how well it did" of theory/dictionary_learning of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.dictionary import LpDictionaryLearning
    >>> X = np.random.default_rng(0).laplace(size=(200, 3))
    >>> model = LpDictionaryLearning(n_components=1, p=4, random_state=0).fit(X)
    >>> proved = model.certify(X, method="spectral").certificate.verify(X)
    >>> proved.lower <= proved.upper
    True
    """

    kinds: ClassVar = ("atom",)

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    rank: Annotated[int, Integer(1, 2**30 - 1)]
    q: Annotated[float, Real(2.0, infinite=True)]
    value: Annotated[float, Real(0.0)]
    location: Annotated[np.ndarray, Array("d")]
    transform: Annotated[np.ndarray, Array("d", "k")]
    vector: Annotated[np.ndarray, Array("k")]
    norm: Annotated[MatrixNormCertificate, Inner(*MATRIX_NORMS)]

    def rules(self) -> None:
        if self.norm.q != self.q:
            raise CertificateError(f"The norm certificate is for q = {self.norm.q!r}, the proof for q = {self.q!r}.")
        if not self.vector.any():
            raise CertificateError("The certificate's vector is zero.")

    @property
    def quantity(self) -> str:
        return f"||Z||_{{2→{exponent_text(self.q)}}}, Z = (X - location) @ transform"

    @property
    def upper(self) -> float:
        """The claimed bound, without the rounding error of Z; `verify` proves it."""
        return self.norm.upper

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"q": self.q, "shape": list(self.shape), "rank": self.rank}

    def read(self, data: Any) -> np.ndarray:
        return dense_copy(data, self.shape, self.fingerprint)

    def establish(self, subject: np.ndarray, *, exact: bool) -> VerifiedEnclosure:
        if type(subject) is not np.ndarray or subject.shape != self.shape:
            raise CertificateError(f"The subject of the proof must be an ndarray of shape {self.shape}.")
        Z, error = with_errors(subject, self.location, self.transform)
        lower, above = attained_by(Rows(Z), self.vector, self.q, error)
        if not self.value <= above:
            raise CertificateError(f"The atom attains {lower:.17g}, not the value {self.value!r} that it claims.")
        proved = self.norm.prove(Rows(Z)).upper
        with precision():
            upper = upper_float(rational(proved) + rational(error))
        return VerifiedEnclosure(quantity=self.quantity, lower=lower, upper=upper)


def with_errors(X: np.ndarray, location: np.ndarray, transform: np.ndarray) -> tuple[np.ndarray, float]:
    """The computed Z = (X − location) @ transform, and a bound on the Frobenius norm of its rounding error.

    Raises
    ------
    CertificateError
        If an entry overflows.
    """
    Z, errors = coordinates(X, location, transform)
    error = SAFETY * float(np.linalg.norm(errors))
    if not (np.isfinite(Z).all() and np.isfinite(error)):
        raise CertificateError("The samples are too far apart for a proof: their coordinates overflow.")
    return Z, error


def attained_by(rows: Rows, vector: np.ndarray, q: float, error: float) -> tuple[float, float]:
    """Proved lower and upper bounds on ‖Zw‖_p/‖w‖, where ‖rows − Z‖_F is at most `error`."""
    below, above = attained_interval(rows, vector, q)
    with precision():
        return lower_float(rational(below) - rational(error)), upper_float(rational(above) + rational(error))
