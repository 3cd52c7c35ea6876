"""The result of every method for robust means: a location, what it rests on, and what is proved of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hypernorm._display import rounded_up
from hypernorm._results import Result
from hypernorm.certificates import MeanCertificate, VerifiedMeanBound

__all__ = ["Removal", "RobustLocation"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Removal(Result):
    """Why samples lost weight.

    Attributes
    ----------
    reason : str
        ``"asymmetry"``, ``"heavy tails"``, ``"distance"`` or ``"variance"``; for covariances also ``"flat"``, for
        samples off a flat that holds the others.
    weight : float
        Fraction of the base weights that was removed.
    direction : ndarray of shape (d,) or None
        Vector on which the samples were projected; None if no single direction was the reason.
    score : float
        How many times more the tails of the projection moved the mean, or how many times heavier they were, than clean
        Gaussian samples have them; NaN for other reasons.

    See Also
    --------
    RobustLocation : Has one for each round of a filter.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import moment_filter
    >>> X = np.random.default_rng(0).standard_normal((300, 2))
    >>> X[:30] = 9
    >>> removal = moment_filter(X, 0.1, random_state=0).removals[0]
    >>> removal.reason in ("asymmetry", "heavy tails", "distance", "variance"), removal.weight > 0
    (True, True)
    """

    reason: str
    weight: float
    direction: np.ndarray | None = None
    score: float = math.nan


@dataclass(frozen=True, eq=False, kw_only=True)
class RobustLocation(Result):
    """A robust mean: what a method found, and what is proved.

    Every method fills `location`, `weights`, `scores`, `contamination`, `n_iter` and `converged`. `robust_mean` adds
    the certificate and what it proves.

    Attributes
    ----------
    location : ndarray of shape (d,)
    weights : ndarray of shape (n,) or None
        Sum to one, with the location as their mean (unless a filter was given a known center); None for methods without
        weights.
    scores : ndarray of shape (n,)
        How far out each sample is. Moment filter: in robust standard deviations, the largest over the directions
        that were measured. Filters by second moments: the root mean square of such
        distances along the suspicious directions of the last round. Certified reweighting: what the sample adds to the
        fourth moment where that is largest. Other methods: the distance from the location.
    contamination : float
        As given, or as estimated.
    removals : tuple of Removal
        What a filter removed, and why; empty for other methods.
    removed : float
        Fraction of the base weights that a filter removed; zero for other methods.
    criterion : float
        Final value of what the method makes small. Moment filter: the level, by how much more than
        clean Gaussian samples the tails of the inliers move the mean or are heavy, one if no more. Filters by second
        moments: the largest ratio of a variance to that of clean data. Certified reweighting: the proved bound
        on the fourth moment in whitened coordinates. NaN for other methods; for samples in chunks the largest value.
    n_iter : int
        Rounds of a filter, relaxations of certified reweighting, 1 for other methods, 0 if there was nothing to do.
    converged : bool
        Whether the method ended by itself, not by a limit on its iterations.
    certificate : MeanCertificate or None
    proved : VerifiedMeanBound or None
        What `certificate` proves; None if nothing is proved.

    See Also
    --------
    robust_mean : Computes one.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import robust_mean
    >>> X = np.random.default_rng(0).standard_normal((300, 2))
    >>> found = robust_mean(X, 0.01, random_state=0)
    >>> found.error_bound_given(1.3) <= found.error_bound
    True
    """

    location: np.ndarray
    weights: np.ndarray | None
    scores: np.ndarray
    contamination: float
    removals: tuple[Removal, ...] = ()
    removed: float = 0.0
    criterion: float = math.nan
    n_iter: int
    converged: bool
    certificate: MeanCertificate | None = None
    proved: VerifiedMeanBound | None = None

    @property
    def error_bound(self) -> float:
        """Proved: the distance from the mean of the inliers is at most this, whatever their moments are.

        ∞ if nothing is proved.
        """
        return math.inf if self.proved is None else self.proved.error_bound

    def error_bound_given(self, moment: float | None = None, *, order: float | None = None) -> float:
        """The bound on the same distance if the moment of the inliers of order q is at most B.

        Parameters
        ----------
        moment : float, optional
            B with (mean |⟨x_i − μ, v⟩|^q)^{1/q} ≤ B over the inliers for every unit vector v; by default the certified
            moment of the weighted samples.
        order : float, optional
            q, by default the largest certified one.

        Returns
        -------
        float
            ∞ if nothing is proved.

        Raises
        ------
        InvalidInputError
            If the moment is no number ≥ 0, or if the order is not certified.
        """
        return math.inf if self.proved is None else self.proved.error_bound_given(moment, order=order)

    def __repr__(self) -> str:
        removed = sum(removal.weight for removal in self.removals)
        given = ""
        if self.proved is not None:
            given = f" ({rounded_up(self.proved.upper_given, 4)} if {self.proved.premise_given})"
        return (
            f"RobustLocation(error_bound={rounded_up(self.error_bound, 4)}{given}, d={len(self.location)}, "
            f"contamination={self.contamination:.3g}, removed={removed:.3g}, converged={self.converged})"
        )
