"""Small-set expansion: proved lower bounds on the expansion of all small sets of vertices.

A step of the random walk from a random vertex of S leaves S with probability Φ(S). If no function in the span of the
walk's leading eigenvectors is concentrated on few vertices, small sets have small projections on that span and expand
much better than the second eigenvalue implies. The 2→q norm of the leading eigenspace makes this precise (Barak,
Brandão, Harrow, Kelner, Steurer & Zhou 2012). The proofs stand in theory/small_sets of the documentation.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from hypernorm._arguments import Seed, check_count, check_exponent, check_generator, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_up
from hypernorm._results import Result
from hypernorm.bounds import Interval, lower_bound, two_to_q_norm
from hypernorm.certificates import (
    MatrixNormCertificate,
    VerifiedExpansion,
    Witness,
)
from hypernorm.certificates.expansion import (
    ExpansionCertificate,
    check_measure,
    dominating_slack,
    hoelder_weights,
    is_dominated,
)
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms.walk import Walk

__all__ = ["SmallSetExpansion", "small_set_expansion"]

# The slack covers eigenvalues that exceed the threshold by less than this.
_NEGLIGIBLE = 1e-12
_SAME = 1e-9
# Proofs of the same certificate on two machines may differ in the last places.
_MARGIN = 1e-12
_STARTS = 16
_MOST_DIMENSIONS = 40


@dataclass(frozen=True, eq=False, kw_only=True)
class SmallSetExpansion(Result):
    """A proved lower bound on the expansion of small sets of a graph.

    Attributes
    ----------
    certificate : ExpansionCertificate
        Proves Φ(S) ≥ (1 − λ)(1 − μ) − ε − ‖X‖²_{2→q} μ^{1 − 2/q} for every set S of measure μ; it can be saved.
    interval : Interval or None
        The 2→q norm of X, the matrix of the leading eigenspace; None if that space is zero.

    See Also
    --------
    small_set_expansion : Compute such a bound.

    Examples
    --------
    >>> from hypernorm.applications import small_set_expansion
    >>> from hypernorm.datasets import noisy_cube
    >>> cube = noisy_cube(6, 0.9)
    >>> proof = small_set_expansion(cube, measure=1 / 64, random_state=0)
    >>> spectral = small_set_expansion(cube, threshold=0.9)
    >>> round(proof.bound(1 / 64), 3), round(spectral.bound(1 / 64), 3)
    (0.225, 0.098)
    >>> proof.verify(cube).upper <= proof.norm_bound
    True
    """

    certificate: ExpansionCertificate
    interval: Interval[Witness, MatrixNormCertificate] | None

    @property
    def threshold(self) -> float:
        """λ: the eigenvalues above it belong to the leading eigenspace."""
        return self.certificate.threshold

    @property
    def q(self) -> float:
        """The exponent."""
        return self.certificate.q

    @property
    def matrix(self) -> np.ndarray:
        """X, of shape (n, k), see `ExpansionCertificate`."""
        return self.certificate.matrix

    @property
    def norm_bound(self) -> float:
        """Proved upper bound on the 2→q norm of X."""
        return self.certificate.norm_bound

    @property
    def dimension(self) -> int:
        """k, the number of eigenvalues above the threshold; the trivial one, 1, does not count."""
        return self.certificate.dimension

    def bound(self, mu: float) -> float:
        """A proved lower bound on the expansion of every set of measure at most `mu`.

        The bound decreases as `mu` grows, and is 0 if nothing is proved. No expansion exceeds 1, so a bound above 1
        says that no set is so small.

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
        return self.certificate.bound(mu)

    def verify(self, graph: Any) -> VerifiedExpansion:
        """Prove the bound again for a graph; see `ExpansionCertificate.verify`.

        Parameters
        ----------
        graph : array_like, sparse matrix or networkx graph

        Returns
        -------
        VerifiedExpansion

        Raises
        ------
        CertificateError
            If the bound is not proved for the graph.
        """
        return self.certificate.verify(graph)

    def __repr__(self) -> str:
        return (
            f"SmallSetExpansion(norm_bound={rounded_up(self.norm_bound, 8)}, q={self.q:g}, "
            f"threshold={rounded_up(self.threshold, 6)}, dimension={self.dimension})"
        )


@own_arithmetic
def small_set_expansion(
    graph: Any,
    threshold: float | None = None,
    *,
    q: float = 4,
    measure: float = 0.05,
    max_dimension: int | None = None,
    rtol: float = 1e-4,
    random_state: Seed = None,
    **options: Any,
) -> SmallSetExpansion:
    """Prove a lower bound on the expansion of all small sets of a graph.

    Parameters
    ----------
    graph : array_like, DataFrame, sparse matrix or networkx graph
        Undirected, with non-negative weights and without isolated vertices. It may have some thousands of vertices,
        because dense n × n matrices are decomposed.
    threshold : float, optional
        λ in [−1, 1]: the eigenvalues of the walk above it belong to the leading eigenspace. If no eigenvalue but the
        trivial one is above it, the proof is the spectral one, Φ(S) ≥ (1 − λ)(1 − μ). By default the eigenvalue with
        the best bound for sets of the given measure, estimated with lower bounds on the norm. The result is never
        worse than the spectral bound at that measure.
    q : float, default 4
        Exponent, 2 ≤ q ≤ ∞. Larger exponents suit smaller sets. The sharpest certificates exist for 4; for ∞ the norm
        is exact.
    measure : float, default 0.05
        In (0, 1]; determines the threshold. The bound holds for every measure.
    max_dimension : int, optional
        Largest number of eigenvalues above a threshold that is tried. By default 40, the limit of a sum of squares;
        no limit for q = ∞.
    rtol : float, default 1e-4
        Relative gap at which the bounds on the norm count as meeting. Leading eigenspaces of symmetric graphs are slow
        to certify to more digits.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
    **options
        Other options of `hypernorm.two_to_q_norm`, such as ``method`` or ``time_limit``.

    Returns
    -------
    SmallSetExpansion

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    find_small_set : A set with small expansion, for comparison.

    Notes
    -----
    Theorem 1 of theory/small_sets of the documentation, after Barak, Brandão, Harrow, Kelner, Steurer and Zhou (2012).

    Examples
    --------
    >>> from hypernorm.applications import small_set_expansion
    >>> from hypernorm.datasets import johnson_graph
    >>> proof = small_set_expansion(johnson_graph(12, 4), measure=0.01, random_state=0)
    >>> proof.dimension, round(proof.threshold, 3), round(proof.bound(0.01), 3)
    (11, 0.313, 0.629)
    """
    walk = Walk.read(graph)
    q, measure = check_exponent(q), check_measure(measure, "measure")
    if max_dimension is None:
        max_dimension = walk.size if math.isinf(q) else _MOST_DIMENSIONS
    check_count(max_dimension, "max_dimension")
    rng = check_generator(random_state)
    options = {"rtol": check_tolerance(rtol), "random_state": rng, **options}
    N = walk.normalised()
    root = np.sqrt(walk.stationary)
    # Move the trivial eigenvalue from 1 to −1, below all others that matter.
    N -= 2 * np.outer(root, root)
    if threshold is not None:
        given = _check_threshold(threshold)
        values, vectors = scipy.linalg.eigh(N, subset_by_value=(given, np.inf))
        return _prove(walk, given, values, vectors, q, options)

    count = min(max_dimension + 1, walk.size - 1)
    values, vectors = scipy.linalg.eigh(N, subset_by_index=(walk.size - count, walk.size - 1))
    candidates = _distinct(values[::-1])
    weights = hoelder_weights(walk, q)
    power = 1 - 2 / q

    @functools.cache
    def promise(index: int) -> float:
        """λ + (1 − λ)μ + ‖X‖² μ^{1 − 2/q} with a lower bound for the norm; convex in λ."""
        level = candidates[index]
        X = _leading(level, values, vectors) / weights[:, None]
        norm = lower_bound(X, q, n_starts=_STARTS, random_state=rng).value if X.shape[1] else 0.0
        return level + (1 - level) * measure + norm**2 * measure**power

    first, last = 0, len(candidates) - 1
    while first < last:
        middle = (first + last) // 2
        first, last = (first, middle) if promise(middle) <= promise(middle + 1) else (middle + 1, last)
    proved = _prove(walk, candidates[first], values, vectors, q, options)
    if first and proved.bound(measure) < (1 - candidates[0]) * (1 - measure):
        proved = _prove(walk, candidates[0], values, vectors, q, options)
    return proved


def _check_threshold(threshold: Any) -> float:
    try:
        level = float(threshold)
    except (TypeError, ValueError):
        level = math.nan
    if not -1 <= level <= 1:
        raise InvalidInputError(f"threshold must be a number in [−1, 1] like the eigenvalues, got {threshold!r}.")
    return level


def _distinct(values: np.ndarray) -> Sequence[float]:
    """The first of each group of equal eigenvalues, which are decreasing."""
    new = np.concatenate([[True], np.diff(values) < -_SAME])
    return [min(max(value, -1.0), 1.0) for value in values[new].tolist()]


def _leading(threshold: float, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Y: the eigenvectors above the threshold, times (λ_j − λ)^{1/2}."""
    above = values - threshold > _NEGLIGIBLE
    return np.asarray(vectors[:, above] * np.sqrt(values[above] - threshold))


def _prove(
    walk: Walk,
    threshold: float,
    values: np.ndarray,
    vectors: np.ndarray,
    q: float,
    options: dict[str, Any],
) -> SmallSetExpansion:
    """The proof for a threshold, from all eigenvalues above it."""
    weights = hoelder_weights(walk, q)
    X = _leading(threshold, values, vectors) / weights[:, None]
    X.setflags(write=False)
    Y = weights[:, None] * X
    slack = 2 * _NEGLIGIBLE + dominating_slack(walk, threshold, Y)
    if not is_dominated(walk, threshold, slack, Y):
        raise CertificateError(f"The spectral part of the bound could not be proved at the threshold {threshold!r}.")
    interval = two_to_q_norm(X, q, **options) if X.shape[1] else None
    certificate = ExpansionCertificate(
        vertices=walk.size,
        dimension=int(X.shape[1]),
        threshold=threshold,
        slack=slack,
        q=q,
        norm_bound=0.0 if interval is None else interval.upper * (1 + _MARGIN),
        matrix=X,
        norm=None if interval is None else interval.certificate,
    )
    return SmallSetExpansion(certificate=certificate, interval=interval)
