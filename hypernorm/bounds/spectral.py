"""Upper bounds from eigenvalues: row-norm, flattening, realigned and moment certificates for every real q ≥ 2.

Each function proposes numbers; `Certificate.prove` decides. For the two positive maps the proposal is the resolvent
U = (λ − N)⁻¹ I with λ slightly above λ_max(N): then λU − N(U) = I, so the inequality that the checker has to prove
holds with room to spare, and U = Σ_k N^k(I)/λ^{k+1} is positive definite. Both λ_max and U come out of one Lanczos
process started at I: U is the conjugate-gradient iterate, and whatever the number of steps there is a smallest λ for
which its residual is below one half. So the process can be stopped at any time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh

from hypernorm._validation import check_exponent, check_matrix, check_memory, check_time_limit, check_tolerance
from hypernorm.certificates import KINDS, UNIT, Certificate, Factor, is_available, plan, reweight
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import FlatteningMap, RealignedMap, Rows, fingerprint, moment_matrix, second_moments

__all__ = ["propose", "spectral_bound"]

# Expected number of products, for choosing between routes.
_EXPECTED_PRODUCTS = 12
_MOST_PRODUCTS = 80
_BASIS_BYTES = 1 << 30
# The margin above a computed eigenvalue starts at about the rounding error of the proof and grows tenfold as needed.
_ATTEMPTS = 7


@np.errstate(all="ignore")
def spectral_bound(
    X: Any, q: float = 4, kind: str = "realigned", *, rtol: float = 1e-8, time_limit: float | None = None
) -> Certificate:
    """Bound max ‖Xv‖_q over unit vectors v from above by an eigenvalue, with a proved certificate.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
    q : float
        Exponent, 2 ≤ q ≤ ∞.
    kind : str
        ``"row_norm"``: λ_max(Σ ‖x_i‖^{q−2} x_i x_iᵀ)^{1/q}, cost nd²; the norm itself for q = 2 and q = ∞.
        ``"flattening"``: through λ_max(Σ (x_i⊗x_i)(x_i⊗x_i)ᵀ), cost nd² per step.
        ``"realigned"``: within d^{1/8} of the norm for q = 4, cost n²d or d⁵ per step; usually the sharpest.
        ``"moment"``: λ_max of the moment matrix of degree q for q = 4, 6, 8, of size C(d+q/2−1, q/2), and a geometric
        mean between these; q ≤ 8.
        `hypernorm.approximation_factor` states the proved factors; the proofs stand in docs/theory.
    rtol : float
        Relative distance of the bound from the eigenvalue at which the iteration stops.
    time_limit : float, optional
        Seconds after which the iteration stops; the bound is proved all the same.

    Returns
    -------
    Certificate
        Already proved once, in floating point with rounding errors bounded.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> certificate = hn.spectral_bound(np.eye(5), q=4)
    >>> 1 <= certificate.upper < 1 + 1e-7
    True
    """
    matrix = check_matrix(X)
    q = check_exponent(q)
    if kind not in KINDS:
        raise InvalidInputError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}.")
    if not is_available(kind, q):
        exact = "; use kind='row_norm', which is exact there" if q == 2 or math.isinf(q) else ""
        raise InvalidInputError(f"kind={kind!r} has no bound for q = {q:g}{exact or '; it ends at q = 8'}.")
    tolerance, limit = check_tolerance(rtol), check_time_limit(time_limit)
    deadline = math.inf if limit is None else time.perf_counter() + limit
    return propose(Rows(matrix), q, kind, fingerprint(matrix), rtol=tolerance, deadline=deadline)[0]


def propose(
    rows: Rows, q: float, kind: str, digest: str, *, rtol: float = 1e-8, deadline: float = math.inf
) -> tuple[Certificate, float]:
    """A certificate that the checker has proved, and the bound that it proves.

    The margin above the computed eigenvalues starts at about the rounding error and grows until the proof succeeds.
    """
    d = rows.shape[1]
    check_memory(
        6 * 8 * d * d, f"A d x d certificate for d = {d}", "reduce the number of columns, e.g. by a projection"
    )
    factors = plan(kind, q)
    radius = float(rows.norms.max()) or 1.0
    with np.errstate(under="ignore"):
        proposals = [_propose_factor(factor, rows, radius, rtol, deadline) for factor in factors]
    error: CertificateError | None = None
    for attempt in range(_ATTEMPTS):
        pairs = [proposal(10.0**attempt) for proposal in proposals]
        values, matrices = tuple(value for value, _ in pairs), tuple(matrix for _, matrix in pairs)
        certificate = Certificate(kind, q, rows.shape, digest, rows.exponent, radius, values, matrices)
        try:
            return certificate, certificate.prove(rows)
        except CertificateError as failed:
            error = failed
    raise CertificateError(
        f"No {kind} bound could be proved in floating point; rounding errors are too large ({error})."
    )


Proposal = Callable[[float], tuple[float, np.ndarray | None]]


def _propose_factor(factor: Factor, rows: Rows, radius: float, rtol: float, deadline: float) -> Proposal:
    """For each factor on the margin the value, and the matrix if any, with which the form might be proved."""
    d = rows.shape[1]
    weighted = rows if rows.is_zero else reweight(rows, factor.row_power, radius)[0]
    if factor.form in ("flattening", "realigned"):
        if rows.is_zero:
            return lambda growth: (0.0, np.eye(d))
        mapping = FlatteningMap(weighted) if factor.form == "flattening" else RealignedMap(weighted, _EXPECTED_PRODUCTS)
        # The norm is the 4th or 8th root, so its tolerance is that much larger.
        resolvent = Resolvent.build(mapping, d, factor.root * rtol, deadline)
        return resolvent.certificate
    if factor.form == "longest_row":
        value, size = float(weighted.norms.max()) ** 2, 1
    elif factor.form == "second":
        value, size = float(np.linalg.eigvalsh(second_moments(weighted))[-1]), d
    else:
        moments = moment_matrix(weighted, factor.order // 2)
        value, size = _largest_eigenvalue(moments), len(moments)
    # The proof shifts the diagonal by 4γ times a trace of at most `size` times the value, and sums over the rows.
    # Sixteen times as much leaves room for another machine, whose sums are rounded differently.
    margin = 16 * UNIT * (5 * size * (size + 4) + 2 * size * weighted.depth(weighted.block_rows()) + 8 * d)
    return lambda growth: (value * (1 + margin * growth), None)


def _largest_eigenvalue(matrix: np.ndarray) -> float:
    last = len(matrix) - 1
    return float(eigh(matrix, eigvals_only=True, subset_by_index=(last, last), check_finite=False)[0])


@dataclass(frozen=True)
class Resolvent:
    """The Lanczos process of a positive map started at I, ready to give U = (λ − N)⁻¹ I for λ > λ_max.

    Attributes
    ----------
    basis : list of ndarray of shape (d, d)
        Orthonormal symmetric matrices, the first one I/√d.
    tridiagonal : ndarray of shape (m, m)
        The map in that basis.
    last : float
        Coefficient of the first basis matrix that is missing.
    """

    basis: list[np.ndarray]
    tridiagonal: np.ndarray
    last: float

    @classmethod
    def build(cls, mapping: Callable[[np.ndarray], np.ndarray], d: int, rtol: float, deadline: float) -> Resolvent:
        """Run until (1 + rtol) times the largest Ritz value is certified by the residual, or until the limits."""
        most = max(4, min(_MOST_PRODUCTS, _BASIS_BYTES // (8 * d * d), d * (d + 1) // 2))
        basis = [np.eye(d) / math.sqrt(d)]
        diagonal: list[float] = []
        off: list[float] = []
        while True:
            image = mapping(basis[-1])
            diagonal.append(float(np.vdot(basis[-1], image)))
            for _ in range(2):  # orthogonalising twice is enough
                for matrix in basis:
                    image = image - np.vdot(matrix, image) * matrix
            last = float(np.linalg.norm(image))
            tridiagonal = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
            process = cls(basis, tridiagonal, last)
            done = last <= 1e-14 * diagonal[0] or process._smallest_margin() <= rtol
            if done or len(basis) >= most or time.perf_counter() > deadline:
                return process
            off.append(last)
            basis.append((image + image.T) / (2 * last))

    @property
    def ritz_value(self) -> float:
        """The largest eigenvalue of the projected map: λ_max from below."""
        return float(np.linalg.eigvalsh(self.tridiagonal)[-1])

    def _coefficients(self, bound: float) -> np.ndarray:
        """Coordinates of (λ − N)⁻¹ I in the basis."""
        size = len(self.tridiagonal)
        right = np.zeros(size)
        right[0] = math.sqrt(len(self.basis[0]))
        return np.asarray(np.linalg.solve(bound * np.eye(size) - self.tridiagonal, right))

    def _residual(self, margin: float) -> float:
        """Bound on the spectral norm of I − (λU − N(U)) for λ = (1 + margin) times the Ritz value."""
        return float(self.last * abs(self._coefficients(self.ritz_value * (1 + margin))[-1]))

    def _smallest_margin(self) -> float:
        """The least margin of a geometric grid at which the residual is below one half."""
        margin = 1e-9
        while self._residual(margin) > 0.5 and margin < 1e9:
            margin *= 2
        return margin

    def certificate(self, growth: float) -> tuple[float, np.ndarray]:
        """λ and U for a margin that exceeds the smallest one that the residual allows; more with more `growth`."""
        # The proof loses 1e-12 to 1e-9 of λ‖U‖ to rounding, and ‖U‖ grows like 1/margin: there must be room between.
        bound = self.ritz_value * (1 + self._smallest_margin() + 1e-8 * growth)
        U = sum(
            (c * matrix for c, matrix in zip(self._coefficients(bound), self.basis, strict=True)),
            np.zeros_like(self.basis[0]),
        )
        U = (U + U.T) / (2 * float(np.abs(U).max()))
        return bound, U
