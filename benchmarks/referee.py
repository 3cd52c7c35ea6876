"""The referee: bounds, errors and residuals recomputed from raw output. It trusts no solver, not even hypernorm."""

from __future__ import annotations

from typing import Any

import numpy as np

import hypernorm as hn
from experiments.runner import Row
from hypernorm.dictionary import recovery_error

__all__ = ["dictionary_errors", "proved_gap", "proved_lower", "proved_upper", "ridge_residual"]


def proved_lower(X: Any, witness: hn.Witness) -> float:
    """Lower bound that the checker proves for the vector."""
    return witness.verify(X).lower


def proved_upper(X: Any, certificate: hn.Certificate) -> float:
    """Upper bound that the checker proves for the certificate."""
    return certificate.verify(X).upper


def proved_gap(X: Any, certificate: hn.Certificate, witness: hn.Witness) -> float:
    """Proved upper bound over proved lower bound, minus one."""
    return proved_upper(X, certificate) / proved_lower(X, witness) - 1


def dictionary_errors(atoms: np.ndarray, dictionary: np.ndarray) -> Row:
    """Error and number of true atoms found (cosine above 0.95), computed from the atoms only."""
    unit = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    cosines = np.abs(unit @ dictionary)
    return {
        "error": recovery_error(unit, dictionary),
        "unmixing_error": recovery_error(np.linalg.pinv(unit.T), dictionary),
        "found": int((cosines.max(axis=0) > 0.95).sum()),
    }


def ridge_residual(X: np.ndarray, y: np.ndarray, coefficients: np.ndarray, intercept: float, alpha: float) -> float:
    """‖Xᵀ(y − Xβ − b) − αβ‖ over ‖Xᵀ(y − mean y)‖: zero at the ridge solution for the penalty α."""
    errors = y - X @ coefficients - intercept
    return float(np.linalg.norm(X.T @ errors - alpha * coefficients) / np.linalg.norm(X.T @ (y - y.mean())))
