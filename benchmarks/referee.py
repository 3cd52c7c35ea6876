"""The referee: bounds, errors and residuals recomputed from raw output. It trusts no solver, not even hypernorm."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

import hypernorm as hn
from experiments.runner import Row
from hypernorm.certificates import OperatorWitness, WeightsCertificate
from hypernorm.dictionary import recovery_error
from hypernorm.forms import ScaledMatrix

__all__ = [
    "cut_value",
    "dictionary_errors",
    "proved_gap",
    "proved_lower",
    "proved_multipliers",
    "proved_upper",
    "proved_vector",
    "relaxed_value",
    "ridge_residual",
]

# A multiplier is at least this share of the largest one, and the proof of the inequality has this relative margin.
FLOOR, MARGIN = 1e-9, 1e-9


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


def proved_vector(A: np.ndarray, vector: np.ndarray, p: float, q: float) -> float:
    """Lower bound on ‖A‖_{p→q} that the checker proves for the vector of any method."""
    return OperatorWitness.of_matrix(ScaledMatrix.identified(A.copy()), vector, float(p), float(q)).verify(A).lower


def proved_multipliers(A: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    """Upper bound on ‖A‖_{∞→1} that the checker proves from a solver's multipliers in its semidefinite relaxation."""
    matrix = ScaledMatrix.identified(A.copy())
    rows, columns = (np.maximum(values, FLOOR * values.max()) for values in (rows, columns))
    largest = np.linalg.norm(matrix.entries / np.sqrt(rows)[:, None] / np.sqrt(columns), 2)
    certificate = WeightsCertificate(
        p=math.inf,
        q=1.0,
        shape=matrix.shape,
        fingerprint=matrix.fingerprint,
        field="real",
        side="matrix",
        upper=sys.float_info.max,
        value=float(largest) ** 2 * (1 + MARGIN),
        row_weights=1 / rows,
        column_weights=columns,
    )
    return proved_upper(A, certificate)


def relaxed_value(A: np.ndarray, vectors: np.ndarray) -> float:
    """Value of a feasible point of the relaxation of ‖A‖_{∞→1}, from one vector for each column; not proved."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return float(np.linalg.norm(A @ (vectors / lengths), axis=1).sum())


def cut_value(A: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    """|Σ A_ij| over a set of rows and a set of columns, given by zeros and ones."""
    return abs(float(np.asarray(rows, dtype=float) @ A @ np.asarray(columns, dtype=float)))
