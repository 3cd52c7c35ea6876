"""Observables on two systems with known best separable state value h_Sep(M), max ⟨x⊗y, M (x⊗y)⟩ over unit vectors.

They are the reference for `hypernorm.separable.separable_value`. Each docstring proves the value, and the value of
level 1 of the hierarchy (positive partial transposes, PPT) if that is larger. For every real matrix here a maximiser is
real, so its value holds for real vectors too.

References
----------
R. F. Werner, "Quantum states with Einstein–Podolsky–Rosen correlations admitting a hidden-variable model", Physical
Review A 40 (1989), 4277-4281.
M. Horodecki and P. Horodecki, "Reduction criterion of separability and limits for a class of distillation protocols",
Physical Review A 59 (1999), 4206-4216 (isotropic states).
C. H. Bennett, D. P. DiVincenzo, T. Mor, P. W. Shor, J. A. Smolin and B. M. Terhal, "Unextendible product bases and
bound entanglement", Physical Review Letters 82 (1999), 5385-5388 (Tiles and Pyramid).
B. M. Terhal, "A family of indecomposable positive linear maps based on entangled quantum states", Linear Algebra and
its Applications 323 (2001), 61-73 (the meaning of h_Sep of their complements).
M. D. Choi, "Positive semidefinite biquadratic forms", Linear Algebra and its Applications 12 (1975), 95-100.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hypernorm._arguments import Seed, check_count, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import Result
from hypernorm.exceptions import InvalidInputError

__all__ = [
    "KnownSeparableValue",
    "antisymmetric_projector",
    "choi_map",
    "isotropic_state",
    "known_separable_values",
    "maximally_entangled",
    "pure_state",
    "pyramid",
    "swap",
    "symmetric_projector",
    "tiles",
    "werner_state",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownSeparableValue(Result):
    """A Hermitian matrix together with its best separable state value.

    Attributes
    ----------
    name : str
        A short label.
    matrix : numpy.ndarray of shape (ab, ab)
        Read-only; rows and columns in the order of `numpy.kron`.
    dims : tuple of int
        (a, b).
    value : float
        h_Sep of the matrix over complex product vectors, and over real ones if the matrix is real; up to the rounding
        of the entries.
    ppt_value : float
        Value of level 1: the maximum over states with a positive partial transpose.

    See Also
    --------
    known_separable_values : Some of all families.

    Examples
    --------
    >>> known = next(known_separable_values())
    >>> known.matrix.shape[0] == known.dims[0] * known.dims[1], known.value <= known.ppt_value
    (True, True)
    """

    name: str
    matrix: np.ndarray
    dims: tuple[int, int]
    value: float
    ppt_value: float

    def __repr__(self) -> str:
        return f"KnownSeparableValue({self.name!r}, dims={self.dims}, value={self.value!r})"


def maximally_entangled(d: int, k: int = 1) -> KnownSeparableValue:
    """The projector onto k maximally entangled states Σ_j ω^{mj} e_j⊗e_j/√d, ω = e^{2πi/d}, m < k: k/d.

    With w_j = x_j y_j the value is the squared length of a projection of w onto k dimensions. It is convex in w, and
    ‖w‖₁ ≤ ‖x‖‖y‖ = 1, so its maximum is at a unit coordinate vector and equals k/d. The partial transpose of the
    projector maps e_i⊗e_j to a multiple, of modulus at most k/d, of e_j⊗e_i, so (k/d)I minus it is positive
    semidefinite: level 1 is exact.

    Raises
    ------
    InvalidInputError
        If k is larger than d.

    Examples
    --------
    >>> maximally_entangled(8), maximally_entangled(4, 3).value
    (KnownSeparableValue('maximally-entangled-8', dims=(8, 8), value=0.125), 0.75)
    """
    d = check_count(d, "d", smallest=2)
    if check_count(k, "k") > d:
        raise InvalidInputError(f"k must be at most d = {d}, got {k!r}.")
    phases = np.exp(2j * np.pi * np.multiply.outer(np.arange(k), np.arange(d)) / d) / math.sqrt(d)
    states = np.zeros((k, d, d), dtype=complex)
    states[:, np.arange(d), np.arange(d)] = phases
    matrix = np.einsum("mi,mj->ij", states.reshape(k, -1), states.reshape(k, -1).conj())
    name = f"maximally-entangled-{d}" + (f"-rank-{k}" if k > 1 else "")
    return _known(name, matrix.real if k == 1 else matrix, (d, d), k / d)


def pure_state(a: int, b: int, random_state: Seed = 0) -> KnownSeparableValue:
    """The projector onto a random complex state ψ: the square of its largest Schmidt coefficient.

    ⟨x⊗y, ψ⟩ is a bilinear form in the conjugates with the matrix of ψ, whose singular values s_1 ≥ s_2 ≥ … are the
    Schmidt coefficients. The partial transpose of ψψ* has the eigenvalues s_i² and ±s_i s_j, none above s_1²: level 1
    is exact.

    Parameters
    ----------
    a, b : int
        Dimensions of the two systems.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState, default 0
        Source of randomness of ψ.

    Examples
    --------
    >>> known = pure_state(2, 3)
    >>> known.dims, 0.5 <= known.value <= 1
    ((2, 3), True)
    """
    generator = check_generator(random_state)
    shape = check_count(a, "a"), check_count(b, "b")
    psi = generator.standard_normal(shape) + 1j * generator.standard_normal(shape)
    psi /= np.linalg.norm(psi)
    matrix = np.outer(psi, psi.conj())
    return _known(f"pure-{a}x{b}", matrix, shape, float(np.linalg.norm(psi, 2)) ** 2)


def swap(d: int, sign: int = 1) -> KnownSeparableValue:
    """± the swap F (x⊗y) = y⊗x: ⟨x⊗y, y⊗x⟩ = |⟨x, y⟩|² is between 0 and 1, so the value is 1 or 0.

    F = dΦ^Γ, where Φ is the maximally entangled projector and Γ the partial transpose; 0 − (−F) = dΦ^Γ proves the value
    0 of −F at level 1.

    Raises
    ------
    InvalidInputError
        If the sign is neither 1 nor −1.

    Examples
    --------
    >>> swap(3), swap(3, sign=-1).value
    (KnownSeparableValue('swap-3', dims=(3, 3), value=1.0), 0.0)
    """
    if sign not in (1, -1):
        raise InvalidInputError(f"sign must be 1 or -1, got {sign!r}.")
    d = check_count(d, "d", smallest=2)
    return _known("swap" * (sign > 0) + "minus-swap" * (sign < 0) + f"-{d}", sign * _swap(d), (d, d), max(sign, 0.0))


def symmetric_projector(d: int) -> KnownSeparableValue:
    """The projector (I + F)/2: its value is 1, attained for x = y."""
    return _known(f"symmetric-{d}", (np.eye(d * d) + _swap(d)) / 2, (d, d), 1.0)


def antisymmetric_projector(d: int) -> KnownSeparableValue:
    """The projector (I − F)/2: its value is 1/2, for x ⊥ y; I/2 − (I − F)/2 = (d/2)Φ^Γ proves it at level 1."""
    return _known(f"antisymmetric-{d}", (np.eye(d * d) - _swap(d)) / 2, (d, d), 0.5)


def werner_state(d: int, p: float) -> KnownSeparableValue:
    """p times the normalised symmetric plus 1 − p times the normalised antisymmetric projector, 0 ≤ p ≤ 1.

    It is αI + βF, and the value is α + max(β, 0), as for ± the swap.

    Raises
    ------
    InvalidInputError
        If p is not in [0, 1].

    Examples
    --------
    >>> werner_state(2, 0.0).value, werner_state(2, 1.0).value  # the singlet; all symmetric states
    (0.5, 0.333...)
    """
    d = check_count(d, "d", smallest=2)
    if not 0 <= p <= 1:
        raise InvalidInputError(f"p must be in [0, 1], got {p!r}.")
    symmetric, antisymmetric = 2 * p / (d * (d + 1)), 2 * (1 - p) / (d * (d - 1))
    alpha, beta = (symmetric + antisymmetric) / 2, (symmetric - antisymmetric) / 2
    return _known(f"werner-{d}-{p:g}", alpha * np.eye(d * d) + beta * _swap(d), (d, d), alpha + max(beta, 0.0))


def isotropic_state(d: int, p: float) -> KnownSeparableValue:
    """pΦ + (1 − p)I/d² with the maximally entangled projector Φ, −1/(d² − 1) ≤ p ≤ 1: (1 − p)/d² + max(p, 0)/d.

    ⟨x⊗y, Φ (x⊗y)⟩ = |Σ x_j y_j|²/d is between 0 and 1/d. Level 1 is exact, as for Φ and for −Φ ⪯ 0.

    Raises
    ------
    InvalidInputError
        If p is out of range.

    Examples
    --------
    >>> isotropic_state(2, 1.0).value, isotropic_state(2, -1 / 3).value
    (0.5, 0.333...)
    """
    d = check_count(d, "d", smallest=2)
    if not -1 / (d * d - 1) <= p <= 1:
        raise InvalidInputError(f"p must be in [-1/(d² − 1), 1], got {p!r}.")
    matrix = p * maximally_entangled(d).matrix + (1 - p) / d**2 * np.eye(d * d)
    return _known(f"isotropic-{d}-{p:.3g}", matrix, (d, d), (1 - p) / d**2 + max(p, 0.0) / d)


def tiles() -> KnownSeparableValue:
    """The projector onto the complement of the unextendible product basis Tiles in 3 × 3: 1 − 0.028416…

    The basis consists of five orthogonal product vectors whose orthogonal complement contains no product vector, so the
    value is below 1. The product vectors are real, so the normalised complement equals its own partial transpose, which
    is therefore positive: at level 1 the value is 1. We know no closed form. The stored value is the result of local
    search, to all digits; level 2 proves it.

    Examples
    --------
    >>> tiles()
    KnownSeparableValue('tiles', dims=(3, 3), value=0.97158378...)
    """
    e, root = np.eye(3), math.sqrt(0.5)
    vectors = [
        np.kron(e[0], root * (e[0] - e[1])),
        np.kron(e[2], root * (e[1] - e[2])),
        np.kron(root * (e[0] - e[1]), e[2]),
        np.kron(root * (e[1] - e[2]), e[0]),
        np.full(9, 1 / 3),
    ]
    return _complement("tiles", vectors, 0.0284162133357286)


def pyramid() -> KnownSeparableValue:
    """The projector onto the complement of the unextendible product basis Pyramid in 3 × 3: 1 − 0.037911…

    The basis is v_i ⊗ v_{2i mod 5} for five vectors v_i = N(cos 72°i, sin 72°i, h) with ⟨v_i, v_{i+2}⟩ = 0. At level 1
    the value is 1, as for Tiles. The minimum of Σ ⟨v_i, x⟩²⟨v_{2i}, y⟩² is at a pair x = y = (r, 0, −c). With t = c/r
    the sum is there a polynomial over (1 + t²)², and its critical points are the roots of another polynomial. Level 2
    proves that no other pair of vectors has a smaller sum.

    Examples
    --------
    >>> pyramid()
    KnownSeparableValue('pyramid', dims=(3, 3), value=0.96208818...)
    """
    h, length = math.sqrt(1 + math.sqrt(5)) / 2, 2 / math.sqrt(5 + math.sqrt(5))
    angles = 2 * np.pi * np.arange(5) / 5
    v = length * np.column_stack([np.cos(angles), np.sin(angles), np.full(5, h)])
    # ⟨v_i, x⟩ = N (cos 72°i − h t) and ⟨v_2i, y⟩ = N (cos 144°i − h t) up to the factor r.
    polynomial = np.polynomial.Polynomial([0.0])
    for angle in angles:
        line = np.polynomial.Polynomial([math.cos(angle), -h]) * np.polynomial.Polynomial([math.cos(2 * angle), -h])
        polynomial += length**4 * line**2
    square = np.polynomial.Polynomial([1.0, 0.0, 1.0])
    critical = (polynomial.deriv() * square - 4 * np.polynomial.Polynomial([0.0, 1.0]) * polynomial).roots()
    t = critical.real[np.abs(critical.imag) < 1e-9]
    least = float((polynomial(t) / square(t) ** 2).min())
    return _complement("pyramid", [np.kron(v[i], v[2 * i % 5]) for i in range(5)], least)


def choi_map() -> KnownSeparableValue:
    """Minus Choi's biquadratic form Σ_i (|x_i y_i|² + |x_i y_{i+1}|²) − Σ_{i≠j} x̄_i ȳ_i x_j y_j: the value is 0.

    The form is nonnegative, no sum of squares (Choi 1975), and zero where all entries are equal. At level 1 the value
    is 2/√3 − 1. Proof: averaged over the symmetries (diagonal unitaries, cyclic shifts, conjugation), a state has the
    diagonal entries p, q, r at e_i⊗e_i, e_i⊗e_{i+1}, e_i⊗e_{i+2} and c between different e_i⊗e_i, with p ≥ c, qr ≥ c²
    and p + q + r = 1/3. The value 6c − 3p − 3q is largest for p = c, q = tc, r = c/t, where it is
    t(1 − t)/(1 + t + t²); this is largest for t = (√3 − 1)/2.

    Examples
    --------
    >>> choi_map(), round(choi_map().ppt_value, 6)
    (KnownSeparableValue('choi-map', dims=(3, 3), value=0.0), 0.154701)
    """
    matrix = np.zeros((9, 9))
    for i in range(3):
        matrix[4 * i, 4 * i] -= 1
        matrix[3 * i + (i + 1) % 3, 3 * i + (i + 1) % 3] -= 1
        for j in {0, 1, 2} - {i}:
            matrix[4 * i, 4 * j] += 1
    return _known("choi-map", matrix, (3, 3), 0.0, 2 / math.sqrt(3) - 1)


@own_arithmetic
def known_separable_values() -> Iterator[KnownSeparableValue]:
    """Yield representatives of all families, from 2 × 2 to 8 × 8.

    Yields
    ------
    KnownSeparableValue

    See Also
    --------
    hypernorm.separable.separable_value : Bounds on these values.

    Examples
    --------
    >>> [known.name for known in known_separable_values() if known.ppt_value > known.value]
    ['tiles', 'pyramid', 'choi-map']
    """
    yield from (maximally_entangled(d) for d in (2, 3, 5, 8))
    yield from (maximally_entangled(3, 2), maximally_entangled(5, 3), maximally_entangled(8, 4))
    yield from (pure_state(2, 2), pure_state(3, 5), pure_state(8, 8))
    yield from (swap(d, sign) for d in (2, 8) for sign in (1, -1))
    yield from (symmetric_projector(4), antisymmetric_projector(3), antisymmetric_projector(8))
    yield from (werner_state(d, p) for d in (2, 5) for p in (0.0, 0.3, 0.9))
    yield from (isotropic_state(d, p) for d in (3, 8) for p in (-1 / (d * d - 1), 0.2, 0.8))
    yield from (tiles(), pyramid(), choi_map())


def _known(
    name: str, matrix: np.ndarray, dims: tuple[int, int], value: float, ppt_value: float | None = None
) -> KnownSeparableValue:
    return KnownSeparableValue(
        name=name,
        matrix=matrix,
        dims=dims,
        value=float(value),
        ppt_value=float(value if ppt_value is None else ppt_value),
    )


def _complement(name: str, vectors: list[np.ndarray], least: float) -> KnownSeparableValue:
    """I − Σ vvᵀ over orthonormal real product vectors v in 3 × 3; `least` is the minimum of the form of the sum."""
    basis = np.array(vectors)
    return _known(name, np.eye(9) - basis.T @ basis, (3, 3), 1 - least, 1.0)


def _swap(d: int) -> np.ndarray:
    d = check_count(d, "d", smallest=2)
    return np.eye(d * d).reshape(d, d, d, d).transpose(0, 1, 3, 2).reshape(d * d, d * d)
