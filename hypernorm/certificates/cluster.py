"""How far weighted samples spread about a center: a bound on their q-th moment in every direction.

The rows of the norm certificate are computed, from a center that is rounded as well as they are. What is proved is
about the samples, weights and center as stored: the rounding of the rows is added, see docs/theory/robust.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_up
from hypernorm._validation import check_samples
from hypernorm.certificates.fields import owned, private_array
from hypernorm.certificates.identity import check_identity
from hypernorm.certificates.mean import check_norm, moment_about, private_weights, total_below
from hypernorm.certificates.norm import Certificate, Rigor, VerifiedBound
from hypernorm.certificates.rounding import check_arithmetic, precision, rational, upper_float

__all__ = ["ClusterCertificate"]


@dataclass(frozen=True, eq=False, slots=True)
class ClusterCertificate:
    """A proof that max (Σ w_i |⟨x_i − c, v⟩|^q / Σ w_i)^{1/q} over unit vectors v is at most a number.

    Attributes
    ----------
    center : ndarray of shape (d,)
        c.
    weights : ndarray of shape (n,)
        Non-negative, zero for samples outside of the cluster; their scale does not matter.
    norm : Certificate
        For the matrix with the rows w_i^{1/q} (x_i − c) of the positive weights.
    shape : tuple of int
    fingerprint : str
        Of the samples.
    """

    center: np.ndarray
    weights: np.ndarray
    norm: Certificate
    shape: tuple[int, int]
    fingerprint: str

    @property
    def q(self) -> float:
        """The exponent of the moment."""
        return self.norm.q

    @property
    def upper(self) -> float:
        """The bound as claimed, short of the rounding of the rows; `verify` is what proves it."""
        check_norm(self.norm)
        claimed = self.norm.upper
        with precision():
            root = rational(total_below(self.weights)) ** (1 / rational(self.q))
            return upper_float(rational(claimed) / root) if claimed > 0 else 0.0

    @own_arithmetic
    def verify(self, X: Any) -> VerifiedBound:
        """Prove the bound for a matrix of samples.

        Parameters
        ----------
        X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)

        Returns
        -------
        VerifiedBound

        Raises
        ------
        CertificateError
            If the certificate was made for other samples or does not prove its claim.
        InvalidInputError
            If `X` is not a usable matrix.
        """
        start = time.perf_counter()
        own = owned(self)
        matrix = check_samples(X)
        check_identity(matrix, own.shape, own.fingerprint)
        check_arithmetic()
        norm = own.norm
        check_norm(norm)
        weights = private_weights(own.weights, "weights", int(matrix.shape[0]))
        center = private_array(own.center, "center", (int(matrix.shape[1]),))
        moment = moment_about(matrix, weights, center, norm, total_below(weights))
        with precision():
            upper = upper_float(moment)
        return VerifiedBound(upper, Rigor.FLOATING_POINT, time.perf_counter() - start)

    def __repr__(self) -> str:
        return f"ClusterCertificate(shape={self.shape}, q={self.q:g}, upper={rounded_up(self.upper, 12)} as claimed)"
