"""Certify that an atom is optimal: the 2→p norm of the whitened samples bounds the objective of every atom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._arguments import check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm._results import Result
from hypernorm._validation import Matrix, as_dense
from hypernorm.bounds import Interval, two_to_q_norm
from hypernorm.certificates import (
    MatrixNormCertificate,
    VerifiedEnclosure,
    Witness,
)
from hypernorm.certificates.atom import AtomCertificate, attained_by, with_errors
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, fingerprint

__all__ = ["CertifiedAtom", "certify_leading_atom"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CertifiedAtom(Result):
    """How near an atom comes to the largest ‖Zw‖_p over unit vectors w, Z the centered and whitened samples.

    Attributes
    ----------
    atom : int
        The atom with the largest value, by its row in ``components_``.
    value : float
        ‖Zw‖_p for this atom, proved from below.
    upper : float
        Proved upper bound for every unit vector.
    certificate : AtomCertificate
        Proves both for the samples: ``certificate.verify(X)``; it can be saved.
    matrix : ndarray of shape (n_samples, k)
        Z as it was computed.
    interval : Interval
        The bounds on the 2→p norm of that matrix.

    See Also
    --------
    LpDictionaryLearning.certify : Computes one.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.dictionary import LpDictionaryLearning
    >>> X = np.random.default_rng(0).laplace(size=(200, 3))
    >>> found = LpDictionaryLearning(n_components=1, p=4, random_state=0).fit(X).certify(X)
    >>> found.is_global(1e-3), found.verify(X).upper >= found.value
    (True, True)
    """

    atom: int
    value: float
    upper: float
    certificate: AtomCertificate
    matrix: np.ndarray
    interval: Interval[Witness, MatrixNormCertificate]

    @property
    def gap(self) -> float:
        """Relative gap upper/value − 1."""
        return self.upper / self.value - 1

    @own_arithmetic
    def is_global(self, rtol: float = 1e-6) -> bool:
        """Whether no unit vector exceeds the atom's value by more than a relative `rtol`.

        Parameters
        ----------
        rtol : float, default 1e-6

        Returns
        -------
        bool

        Raises
        ------
        InvalidInputError
            If `rtol` is not in [0, 1).
        """
        return self.gap <= check_tolerance(rtol)

    def __repr__(self) -> str:
        return (
            f"CertifiedAtom(value={rounded_down(self.value, 10)}, upper={rounded_up(self.upper, 10)}, "
            f"gap={self.gap:.3g}, atom={self.atom})"
        )

    def verify(self, X: Any) -> VerifiedEnclosure:
        """Prove both numbers again for the samples; see `AtomCertificate.verify`.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        VerifiedEnclosure

        Raises
        ------
        CertificateError
            If the numbers are not proved for the samples.
        """
        return self.certificate.verify(X)


def certify_leading_atom(
    X: Matrix, rows: Rows, whitening: Whitening, unmixing: np.ndarray, p: float, options: Mapping[str, Any]
) -> CertifiedAtom:
    """Certify the row of `unmixing` with the largest value.

    The whitening is that of `rows`, which are those of X times a power of two.
    """
    location = np.ldexp(whitening.mean, rows.exponent)
    transform = np.ldexp(whitening.K, -rows.exponent)
    Z, error = with_errors(as_dense(X), location, transform)
    # The row extracts a code; the unit vector does the same in whitened coordinates.
    vectors = unmixing @ whitening.inverse.T
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whitened = Rows(Z)
    values = [attained_by(whitened, vector, p, error)[0] for vector in vectors]
    atom = int(np.argmax(values))
    interval = two_to_q_norm(Z, p, **options)
    certificate = AtomCertificate(
        shape=(int(X.shape[0]), int(X.shape[1])),
        fingerprint=fingerprint(X),
        rank=whitening.rank,
        q=p,
        value=values[atom],
        location=location,
        transform=transform,
        vector=vectors[atom],
        norm=interval.certificate,
    )
    proved = certificate.prove(as_dense(X))
    return CertifiedAtom(
        atom=atom,
        value=values[atom],
        upper=proved.upper,
        certificate=certificate,
        matrix=Z,
        interval=interval,
    )
