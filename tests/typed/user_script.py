"""What a user of hypernorm writes, for type checkers; see tests/test_typing.py."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import hypernorm as hn
from hypernorm.robust import RobustLocation, RobustMean, robust_mean


def largest_direction(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The direction in which the fourth moment is largest, and a proved bound on it."""
    interval = hn.two_to_q_norm(X, q=4, center=True, normalize=True, method="auto", time_limit=10, random_state=0)
    if interval.status is hn.Status.TIME_LIMIT:
        print(interval.status.message)
    vector: NDArray[np.float64] = interval.witness.vector
    return vector, interval.upper


def keep(certificate: hn.Certificate, X: NDArray[np.float64], folder: Path) -> float:
    """Save a certificate, and verify the file."""
    certificate.save(folder / "certificate.npz")
    proved = hn.load_certificate(folder / "certificate.npz").verify(X, exact=True)
    assert isinstance(proved, hn.VerifiedBound)
    return proved.upper if proved.rigor is hn.Rigor.EXACT else float("inf")


def bounds(X: NDArray[np.float64]) -> dict[str, float]:
    """One bound of every kind."""
    upper = hn.spectral_bound(X, q=4, kind="realigned").upper
    norm: hn.Enclosure[hn.Certificate] = hn.schatten_norm(X, 1)
    operator = hn.operator_norm(X, 4, 2, method="cheap")
    certificate = hn.operator_certificate(X, 4, 2, "weights")
    return {"realigned": upper, "nuclear": norm.upper, "4 to 2": operator.upper, "weights": certificate.upper}


def center(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean without outliers."""
    found: RobustLocation = robust_mean(X, "auto", method="moment")
    print(found.error_bound, RobustMean(0.1, method="huber").fit(X).location_)
    return found.location
