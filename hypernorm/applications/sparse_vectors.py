"""Sparse vectors in a subspace: its spikiest direction, with proved bounds on the ratio ‖w‖_q/‖w‖₂.

A vector with k non-zero entries has ‖w‖_q ≥ k^{1/q − 1/2} ‖w‖₂, so a sparse vector in a subspace makes the 2→q norm of
an orthonormal basis large. Conversely, an upper bound on that norm bounds the number of non-zero entries of every
vector of the subspace from below. Barak, Kelner & Steurer (*Rounding sum-of-squares relaxations*, STOC 2014) used sums
of squares in this way for q = 4 and a vector planted among random ones. The proofs stand in theory/small_sets of the
documentation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._arguments import Seed, check_exponent, check_generator, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm._results import Result
from hypernorm.bounds import Interval, two_to_q_norm
from hypernorm.certificates import (
    MatrixNormCertificate,
    VerifiedEnclosure,
    Witness,
)
from hypernorm.certificates.subspace import (
    SubspaceCertificate,
    attained_ratio,
    exact_coordinates,
    largest_ratio,
    orthogonaliser,
    read_basis,
)
from hypernorm.exceptions import InvalidInputError

__all__ = ["SparseDirection", "sparsest_direction"]

# Proofs of the same certificate on two machines may differ in the last places.
_MARGIN = 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class SparseDirection(Result):
    """A spiky direction of a subspace, and a proved bound for all its directions.

    Attributes
    ----------
    coefficients : ndarray of shape (d,)
        Coefficients of the direction in the given basis.
    vector : ndarray of shape (n,)
        The direction w = basis @ coefficients, of length one up to rounding.
    support : ndarray of int
        Positions with |w_i| at least half of ‖w‖_q^{q/(q−2)}, the size of the entries of a flat vector that is as
        spiky.
    certificate : SubspaceCertificate
        Proves `lower` and `upper`; it can be saved.
    interval : Interval
        The 2→q norm of `matrix`, with witness and certificate.

    See Also
    --------
    sparsest_direction : Find such a direction, with an example.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.applications import sparsest_direction
    >>> found = sparsest_direction(np.eye(6)[:, :2], random_state=0)
    >>> found.is_spikiest(), found.support.tolist() in ([0], [1]), found.verify(np.eye(6)[:, :2]).upper >= 1
    (True, True, True)
    """

    coefficients: np.ndarray
    vector: np.ndarray
    support: np.ndarray
    certificate: SubspaceCertificate
    interval: Interval[Witness, MatrixNormCertificate]

    @property
    def q(self) -> float:
        """The exponent."""
        return self.certificate.q

    @property
    def lower(self) -> float:
        """Proved lower bound on ‖w‖_q/‖w‖₂ for the exact w = basis @ coefficients."""
        return self.certificate.lower

    @property
    def upper(self) -> float:
        """Proved upper bound on ‖w‖_q/‖w‖₂ for every vector w ≠ 0 of the subspace that the given basis spans."""
        return self.certificate.upper

    @property
    def matrix(self) -> np.ndarray:
        """A basis of shape (n, d) that is orthonormal up to rounding."""
        return self.certificate.matrix

    @property
    def gap(self) -> float:
        """upper/lower − 1."""
        return self.upper / self.lower - 1 if self.lower > 0 else math.inf

    @own_arithmetic
    def is_spikiest(self, rtol: float = 1e-6) -> bool:
        """Whether no vector of the subspace has a ratio larger by more than a relative `rtol`.

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

    @property
    def least_support(self) -> int:
        """Proved lower bound on the number of non-zero entries of any vector w ≠ 0 of the subspace."""
        return self.certificate.least_support

    def verify(self, basis: Any) -> VerifiedEnclosure:
        """Prove both bounds again for a basis; see `SubspaceCertificate.verify`.

        Parameters
        ----------
        basis : array_like, DataFrame or sparse matrix of shape (n, d)

        Returns
        -------
        VerifiedEnclosure

        Raises
        ------
        CertificateError
            If the bounds are not proved for the basis.
        """
        return self.certificate.verify(basis)

    def __repr__(self) -> str:
        return (
            f"SparseDirection(lower={rounded_down(self.lower, 8)}, upper={rounded_up(self.upper, 8)}, q={self.q:g}, "
            f"shape={self.matrix.shape}, support of {len(self.support)}, least_support={self.least_support})"
        )


@own_arithmetic
def sparsest_direction(
    basis: Any,
    q: float = 4,
    *,
    random_state: Seed = None,
    **options: Any,
) -> SparseDirection:
    """Find the direction of a subspace with the largest ‖w‖_q/‖w‖₂, and prove an upper bound on that ratio.

    If the subspace contains one vector with k non-zero entries of the same size, and all other directions are spread
    out, the result is that vector. If the bounds meet as well, it is proved to be a sparsest vector of the subspace.

    Parameters
    ----------
    basis : array_like, DataFrame or sparse matrix of shape (n, d)
        Linearly independent columns, d ≤ n; they need not be orthonormal.
    q : float, default 4
        Exponent, 2 < q ≤ ∞.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
    **options
        Options of `hypernorm.two_to_q_norm`, such as ``method`` or ``time_limit``.

    Returns
    -------
    SparseDirection

    Raises
    ------
    InvalidInputError
        If an argument cannot be used, or the columns are linearly dependent or nearly so.

    See Also
    --------
    hypernorm.two_to_q_norm : The norm of an orthonormal basis.

    Notes
    -----
    Proposition 2 of theory/small_sets of the documentation, where its sources are named, bounds the number of entries.

    Examples
    --------
    >>> from hypernorm.applications import sparsest_direction
    >>> from hypernorm.datasets import planted_sparse
    >>> X, planted = planted_sparse(200, 8, sparsity=20, random_state=0)
    >>> found = sparsest_direction(X, random_state=0)
    >>> bool(abs(found.vector @ planted) > 1 - 1e-9), found.is_spikiest(), len(found.support), found.least_support
    (True, True, 20, 20)
    """
    scaled, exponents = read_basis(basis)
    q = check_exponent(q)
    if q == 2:
        raise InvalidInputError("q must be larger than 2: for q = 2 all directions have the ratio 1.")
    rng = check_generator(random_state)
    T = orthogonaliser(scaled)
    X = scaled @ T
    X.setflags(write=False)
    interval = two_to_q_norm(X, q, random_state=rng, **options)
    coordinates = T @ interval.witness.vector
    image = scaled @ coordinates
    length = float(np.linalg.norm(image))
    vector = image / length
    typical = float(np.linalg.norm(vector, q)) ** (1 if math.isinf(q) else q / (q - 2))
    coefficients = np.ldexp(coordinates / length, -exponents)
    certificate = SubspaceCertificate(
        shape=scaled.shape,
        q=q,
        lower=attained_ratio(scaled, exact_coordinates(coefficients, exponents), q)[0],
        upper=largest_ratio(scaled, X, interval.upper * (1 + _MARGIN), allowance=2.0),
        coefficients=coefficients,
        matrix=X,
        norm=interval.certificate,
    )
    return SparseDirection(
        coefficients=coefficients,
        vector=vector,
        support=np.flatnonzero(np.abs(vector) >= typical / 2),
        certificate=certificate,
        interval=interval,
    )
