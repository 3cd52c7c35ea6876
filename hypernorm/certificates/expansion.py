"""Certificates of small-set expansion: a lower bound for every set of vertices of given measure.

The walk on the graph is dominated by the sum of a multiple of the identity, the trivial part and YYᵀ, where the columns
of Y span the leading eigenspace. The 2→q norm of that eigenspace bounds the projection of a small set on it. The proofs
stand in theory/small_sets of the documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import norm_text
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Array, Integer, Real, Sizes
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.reduced import MATRIX_NORMS, MatrixNormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import (
    SAFETY,
    check_arithmetic,
    definite_shift,
    gamma,
    is_proved_positive_definite,
    lower_float,
    precision,
    rational,
)
from hypernorm.certificates.verified import Claim, VerifiedBound
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows
from hypernorm.forms.walk import Walk

__all__ = [
    "ExpansionCertificate",
    "VerifiedExpansion",
    "check_measure",
    "dominating_slack",
    "hoelder_weights",
    "is_dominated",
]

_MOST_VERTICES = 2**30 - 1


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedExpansion(VerifiedBound):
    """The result of verifying an `ExpansionCertificate`.

    Attributes
    ----------
    upper : float
        Proved upper bound on the 2→q norm of X, the matrix of the certificate.
    threshold, slack, q : float
        λ, ε and q, for which the walk on the graph is proved to be dominated.
    quantity, premise, rigor, seconds
        As for `hypernorm.certificates.Verified`.

    See Also
    --------
    ExpansionCertificate : Its method `verify` returns one.

    Examples
    --------
    >>> proved = VerifiedExpansion(quantity="a norm", upper=1.0, threshold=0.5, slack=0.0, q=4.0)
    >>> round(proved.bound(0.01), 9)  # (1 − λ)(1 − μ) − ‖X‖²√μ
    0.395
    """

    threshold: float
    slack: float
    q: float

    def bound(self, mu: float) -> float:
        """Return the proved lower bound on the expansion of every set of measure at most `mu`, 0 < `mu` ≤ 1.

        Parameters
        ----------
        mu : float

        Returns
        -------
        float

        Raises
        ------
        InvalidInputError
            If `mu` is not in (0, 1].
        """
        return _expansion_bound(self.threshold, self.slack, self.q, self.upper, check_measure(mu, "mu"))


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ExpansionCertificate(Certificate):
    """A proof that Φ(S) ≥ (1 − λ)(1 − μ) − ε − ‖X‖²_{2→q} μ^{1 − 2/q} for every set S of measure μ.

    The measure is the stationary distribution of the walk, |S|/n for regular graphs. The certificate has no fingerprint
    of a graph: it holds for every graph whose walk it is proved to dominate.

    Attributes
    ----------
    vertices, dimension : int
        n and k.
    threshold : float
        λ: the eigenvalues above it belong to the leading eigenspace.
    slack : float
        ε: the allowance for rounding errors in the proof of the spectral part, about 1e-12 to 1e-8.
    q : float
        Exponent, 2 ≤ q ≤ ∞.
    norm_bound : float
        Claimed upper bound on the 2→q norm of X.
    matrix : ndarray of shape (n, k)
        X: the k leading eigenvectors apart from the trivial one, times (λ_j − λ)^{1/2}, as functions on the vertices
        with the measure in the weights; for a regular graph n^{1/2 − 1/q} times the eigenvectors of length one.
    norm : NormCertificate, ReducedCertificate or None
        Certificate of `norm_bound`; None if k = 0.

    See Also
    --------
    hypernorm.applications.small_set_expansion : Make one.

    Notes
    -----
    Theorem 1 of theory/small_sets of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.applications import small_set_expansion
    >>> graph = np.ones((12, 12)) - np.eye(12)  # complete: 10/11 of the edges of two vertices leave them
    >>> certificate = small_set_expansion(graph, random_state=0).certificate
    >>> certificate.bound(2 / 12) <= certificate.verify(graph).bound(2 / 12) <= 10 / 11
    True
    """

    kinds: ClassVar = ("expansion",)
    data_name: ClassVar = "graph"

    vertices: Annotated[int, Integer(2, _MOST_VERTICES, label="number of vertices")]
    dimension: Annotated[int, Integer(0, _MOST_VERTICES)]
    threshold: Annotated[float, Real(-1.0, math.nextafter(1.0, 2.0))]
    slack: Annotated[float, Real(0.0)]
    q: Annotated[float, Real(2.0, infinite=True)]
    norm_bound: Annotated[float, Real(0.0)]
    matrix: Annotated[np.ndarray, Array("n", "k")]
    norm: Annotated[MatrixNormCertificate | None, Inner(*MATRIX_NORMS, optional=True)]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        return {"n": known["vertices"], "k": known["dimension"]} if "dimension" in known else {}

    def rules(self) -> None:
        if (self.norm is None) != (self.dimension == 0):
            raise CertificateError("The proof is broken: its norm must be None if and only if its dimension is 0.")
        if self.norm is not None and self.norm.q != self.q:
            raise CertificateError(f"The norm certificate is for q = {self.norm.q!r}, the proof for q = {self.q!r}.")

    @property
    def quantity(self) -> str:
        return f"{norm_text(self.q)}, X the matrix of the certificate"

    @property
    def claim(self) -> Claim:
        return Claim(self.norm_bound, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {
            "vertices": self.vertices,
            "dimension": self.dimension,
            "q": self.q,
            "threshold": self.threshold,
            "slack": self.slack,
        }

    @own_arithmetic
    def bound(self, mu: float) -> float:
        """Return the claimed lower bound on the expansion of every set of measure at most `mu`; `verify` proves it.

        The bound decreases as `mu` grows, and is 0 if the certificate implies none. No expansion exceeds 1, so a bound
        above 1 says that no set is so small.

        Parameters
        ----------
        mu : float
            In (0, 1]. A fraction like j/n covers the sets of j of n vertices although it is rounded.

        Returns
        -------
        float

        Raises
        ------
        InvalidInputError
            If `mu` is not in (0, 1].
        """
        own = self.owned("matrix", "norm")
        return _expansion_bound(own.threshold, own.slack, own.q, own.norm_bound, check_measure(mu, "mu"))

    def read(self, data: Any) -> Walk:
        walk = Walk.read(data)
        if walk.size != self.vertices:
            raise CertificateError(f"The proof is for a graph of {self.vertices} vertices, this one has {walk.size}.")
        return walk

    def establish(self, subject: Walk, *, exact: bool) -> VerifiedExpansion:
        if type(subject) is not Walk or subject.size != self.vertices:
            raise CertificateError(f"The subject of the proof must be a Walk of {self.vertices} vertices.")
        Y = hoelder_weights(subject, self.q)[:, None] * self.matrix
        if not is_dominated(subject, self.threshold, self.slack, Y):
            raise CertificateError(
                f"Nothing is proved: outside the {self.dimension} vectors of the proof the walk on this graph may "
                f"have eigenvalues above {self.threshold!r}."
            )
        upper = 0.0 if self.norm is None else self.norm.prove(Rows(self.matrix)).upper
        if not upper <= self.norm_bound:
            raise CertificateError(f"The norm is proved to be at most {upper!r}, not {self.norm_bound!r}.")
        return VerifiedExpansion(
            quantity=self.quantity, upper=upper, threshold=self.threshold, slack=self.slack, q=self.q
        )


def _expansion_bound(threshold: float, slack: float, q: float, norm: float, mu: float) -> float:
    """(1 − λ)(1 − μ) − ε − norm² μ^{1 − 2/q}, rounded down; at least zero."""
    with precision(), np.errstate(all="ignore"):
        measure, rest = rational(min(mu * (1 + 2.0**-50), 1.0)), rational(threshold)
        power = rational(1) if math.isinf(q) else 1 - 2 / rational(q)
        return lower_float((1 - rest) * (1 - measure) - rational(slack) - rational(norm) ** 2 * measure**power)


def check_measure(mu: Any, name: str) -> float:
    """Return a measure in (0, 1] as a float.

    Raises
    ------
    InvalidInputError
        If it is not such a number.
    """
    try:
        measure = float(mu)
    except (TypeError, ValueError):
        measure = math.nan
    if not 0 < measure <= 1:
        raise InvalidInputError(f"{name} must be a number in (0, 1], a fraction of the stationary measure; got {mu!r}.")
    return measure


def hoelder_weights(walk: Walk, q: float) -> np.ndarray:
    """Floats m_i ≤ π_i^{1/2 − 1/q}, below it by a few units in the last place."""
    power = Fraction(1, 2) - (0 if math.isinf(q) else 1 / Fraction(q))
    relative = SAFETY * gamma(2 * walk.size + 4)
    volume = float(walk.degrees.sum())
    with precision():
        whole = flint.arb(volume, relative * volume)
        known: dict[float, float] = {}
        for degree in np.unique(walk.degrees).tolist():
            fraction = flint.arb(degree, relative * degree) / whole
            known[degree] = lower_float(fraction ** rational(power))
    return np.array([known[degree] for degree in walk.degrees.tolist()])


def is_dominated(walk: Walk, threshold: float, slack: float, Y: np.ndarray) -> bool:
    """Whether N ≺ (λ + ε)I + (1 − λ)√π√πᵀ + YYᵀ is proved, for entries of Y with relative errors up to 2⁻⁵³."""
    check_arithmetic()
    difference, error = _dominating(walk, threshold, slack, Y)
    return is_proved_positive_definite(difference, error)


def dominating_slack(walk: Walk, threshold: float, Y: np.ndarray) -> float:
    """A slack with which `is_dominated` succeeds if the inequality holds without slack."""
    difference, error = _dominating(walk, threshold, 0.0, Y)
    return 2 * (SAFETY * error + definite_shift(difference))


def _dominating(walk: Walk, threshold: float, slack: float, Y: np.ndarray) -> tuple[np.ndarray, float]:
    """(λ + ε)I + (1 − λ)√π√πᵀ + YYᵀ − N, and a bound on the spectral norm of its rounding error.

    The bound is derived in theory/small_sets of the documentation.
    """
    n, k = walk.size, Y.shape[1]
    difference = walk.normalised()
    np.negative(difference, out=difference)
    root = np.sqrt(walk.stationary)
    difference += (1 - threshold) * np.outer(root, root)
    difference += Y @ Y.T
    difference[np.diag_indices(n)] += threshold + slack
    # Each entry is within its error bound, so one triangle may stand for both.
    difference = np.tril(difference) + np.tril(difference, -1).T
    size = float(np.linalg.norm(Y)) ** 2
    error = gamma(4 * n + 24) * (1 + abs(1 - threshold)) + gamma(k + 12) * size + gamma(6) * (abs(threshold) + slack)
    return difference, SAFETY * error
