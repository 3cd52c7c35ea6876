"""Structured solver for separable bounds: pseudo-moments of product vectors and dual multipliers.

The primal problem maximises ⟨M, Y⟩ over pseudo-moments y, one number for each class of equal monomials, whose Gram
matrices Y_j = A_j* y are positive semidefinite of trace one. Its dual is min Σ_j λ_max(C_j + W_j) over the W_j that
together represent the zero form, where the C_j represent f. As in `hypernorm.bounds.sos_solver`, the alternating
direction method of multipliers needs projections only. All are explicit, because an entry belongs to one class:

    Y_j ← projection of A_j* z − U_j + C_j/σ on {Y ⪰ 0, tr Y = 1}
    z   ← weighted class averages of Ŷ_j + U_j over all j,    Ŷ_j = 1.6 Y_j − 0.6 A_j* z
    U_j ← U_j + Ŷ_j − A_j* z,    and W_j = −σ U_j is feasible throughout.

The state is V_j = Ŷ_j + U_j: the second line computes z from it, the third U_j. Every V gives a feasible multiplier, so
Anderson acceleration of V → V' cannot invalidate a bound.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from hypernorm._arguments import check_memory
from hypernorm._parallel import product_threads
from hypernorm.bounds.interval import Status
from hypernorm.certificates import TINY, UNIT
from hypernorm.certificates.separable import SeparableCertificate
from hypernorm.forms.product import ProductClasses, ProductForm, gram_sides
from hypernorm.separable.anderson import Anderson

__all__ = ["ProductSolver", "check_product_memory"]

_RELAXATION = 1.6
_CHECK_EVERY = 10
_BALANCE_EVERY = 20  # iterations between changes of σ, which follow the ratio of the residuals
_RATIO, _STEP = 3.0, 1.5
_LAST_BALANCE = 3000  # the iteration need not converge if σ keeps changing
_MEMORY = 20
_ACCELERATE_FROM = 20  # the first iterations determine which eigenvalues are positive
_ONE_THREAD = 400  # below this size threads cost more time than they save


def check_product_memory(dims: tuple[int, int], level: int, field: str) -> None:
    """Check that a relaxation fits in memory, before anything of its size is allocated.

    Raises
    ------
    InvalidInputError
        If it does not.
    """
    sides = gram_sides(dims, level, field)
    needed = sum(16 * (12 + 2 * level) * side * side for side in sides) + 64 * max(sides) ** 2
    check_memory(needed, f"Level {level} for dims {dims} (Gram matrices of {max(sides)} rows)", "use a lower level")


class ProductSolver:
    """Solve the relaxation of one level for one form.

    Parameters
    ----------
    form : ProductForm
    classes : ProductClasses

    Attributes
    ----------
    bound : float
        Smallest Σ_j λ_max(C_j + W_j) so far, for the scaled matrix; computed, not proved.
    value : float
        Largest lower estimate of the value of the relaxation so far: ⟨M, Y⟩ at feasible pseudo-moments.
    iteration : int
        Number of iterations so far.
    """

    def __init__(self, form: ProductForm, classes: ProductClasses):
        self._form, self._classes = form, classes
        self._weights = [
            np.sqrt(np.multiply.outer(m, m).astype(float)) for m in (p.multiplicities for p in classes.parts)
        ]
        squares = [np.multiply.outer(part.multiplicities, part.multiplicities) for part in classes.parts]
        self._totals = sum(classes.sums(part, square) for part, square in zip(classes.parts, squares, strict=True))
        self._scale = _spread(form.matrix)
        self._C = self._spread_out(classes.coefficients(form.matrix) / (self._scale * self._totals))
        # The moments of uniformly distributed vectors, which are feasible and in the interior.
        identity = np.diag(classes.parts[0].multiplicities.astype(np.float64))
        spread = self._spread_out(classes.sums(classes.parts[0], identity) / self._totals)
        self._center = [matrix / np.trace(spread[0]) for matrix in spread]
        self._depth = [float(np.linalg.eigvalsh(matrix)[0]) for matrix in self._center]
        self._V = [np.zeros_like(C) for C in self._C]
        self._acceleration = Anderson(_MEMORY)
        self._sigma = 0.25
        self.iteration = 0
        self.bound, self.value = math.inf, -math.inf
        self._best = self._C
        self._split()
        self._check()

    def run(
        self,
        lower: Callable[[np.ndarray | None], float],
        *,
        tolerance: float,
        max_iter: int = 5000,
        deadline: float = math.inf,
    ) -> Status:
        """Iterate until the bound is within `tolerance` of the lower bound or of the relaxation's value.

        `lower` takes starting points x of shape (n, a), or None, and returns the best known value of the scaled form.
        The status says why the iteration ended.
        """
        with product_threads(1 if max(map(len, self._C)) < _ONE_THREAD else None):
            try:
                return self._run(lower, tolerance, max_iter, deadline)
            except KeyboardInterrupt:
                return Status.INTERRUPTED

    def _run(
        self, lower: Callable[[np.ndarray | None], float], tolerance: float, max_iter: int, deadline: float
    ) -> Status:
        best = lower(None)
        asked, late = 0, False
        while True:
            if self.bound - best <= tolerance:
                return Status.EXACT
            # The pseudo-moments of a solved relaxation may yield better vectors.
            if self.bound - self.value <= tolerance:
                best = lower(self.directions())
                return Status.EXACT if self.bound - best <= tolerance else Status.GAP
            if late or time.perf_counter() > deadline:
                return Status.TIME_LIMIT
            if self.iteration >= max_iter:
                return Status.MAX_ITERATIONS
            if self.iteration >= 2 * asked + _CHECK_EVERY:
                best, asked = lower(self.directions()), self.iteration
            for _ in range(_CHECK_EVERY):
                begin = time.perf_counter()
                self._iterate()
                now = time.perf_counter()
                # The next iteration and the final check each take about as long as this iteration.
                late = now + 2 * (now - begin) > deadline
                if late:
                    break
            self._check()

    def directions(self, count: int = 4) -> np.ndarray:
        """Vectors x of shape (count, a): leading singular vectors of leading eigenvectors of the first Gram matrix."""
        vectors = np.linalg.eigh(self._Z[0])[1][:, ::-1][:, :count].T
        unfolded = vectors.reshape(len(vectors), self._form.dims[0], -1)
        return np.asarray(np.linalg.svd(unfolded, full_matrices=False)[0][:, :, 0])

    def certificate(self, growth: float) -> SeparableCertificate:
        """The certificate of the best multipliers, with values `growth` margins above the computed eigenvalues."""
        values, matrices = [], []
        for G, weights, part in zip(self._best, self._weights, self._classes.parts, strict=True):
            H = self._scale * G * weights
            H = (H + H.conj().T) / 2
            top = float(np.linalg.eigvalsh(G)[-1])
            # About the loss in the proof of definiteness, from traces and the rounding of class sums.
            size = 1 + float(np.abs(G).max()) + abs(top)
            margin = 16 * UNIT * (len(G) + 4) * len(G) * float(part.multiplicities.max()) * size
            values.append(self._scale * (top + growth * margin))
            H.setflags(write=False)
            matrices.append(H)
        form, level = self._form, self._classes.level
        return SeparableCertificate(
            dims=form.dims,
            field=form.field,
            level=level,
            fingerprint=form.fingerprint,
            exponent=form.exponent,
            values=tuple(values),
            matrices=tuple(matrices),
        )

    def _iterate(self) -> None:
        before = self._Z
        Y = [_on_simplex(Z - U + C / self._sigma) for Z, U, C in zip(self._Z, self._U, self._C, strict=True)]
        primal = _distance(Y, self._Z)
        V = [_RELAXATION * y + (1 - _RELAXATION) * z + u for y, z, u in zip(Y, self._Z, self._U, strict=True)]
        self.iteration += 1
        self._V = V if self.iteration <= _ACCELERATE_FROM else self._accelerated(V)
        self._split()
        if self.iteration % _BALANCE_EVERY == 0 and self.iteration <= _LAST_BALANCE:
            dual = self._sigma * _distance(self._Z, before)
            if primal > _RATIO * dual:
                self._rescale(_STEP)
            elif dual > _RATIO * primal:
                self._rescale(1 / _STEP)

    def _split(self) -> None:
        """Compute Z_j = A_j* z and U_j from the state."""
        self._Z = self._spread_out(self._averages(self._V))
        self._U = [V - Z for V, Z in zip(self._V, self._Z, strict=True)]

    def _accelerated(self, image: list[np.ndarray]) -> list[np.ndarray]:
        point, plain = (np.concatenate([matrix.ravel() for matrix in state]) for state in (self._V, image))
        flat, start, result = self._acceleration.next(point, plain), 0, []
        for matrix in image:
            part = flat[start : start + matrix.size].reshape(matrix.shape)
            result.append((part + part.conj().T) / 2)  # rounding would be amplified
            start += matrix.size
        return result

    def _rescale(self, factor: float) -> None:
        self._sigma *= factor
        self._U = [U / factor for U in self._U]
        self._V = [Z + U for Z, U in zip(self._Z, self._U, strict=True)]
        self._acceleration.restart()

    def _check(self) -> None:
        """Update the bound from the multipliers, and the value from the pseudo-moments mixed with the center."""
        G = [C - self._sigma * U for C, U in zip(self._C, self._U, strict=True)]
        bound = self._scale * sum(float(np.linalg.eigvalsh(matrix)[-1]) for matrix in G)
        if bound < self.bound:
            self.bound, self._best = bound, G
        trace = float(np.trace(self._Z[0]).real)
        if trace <= 0:
            return
        Z = [matrix / trace for matrix in self._Z]
        share = max(-float(np.linalg.eigvalsh(z)[0]) / depth for z, depth in zip(Z, self._depth, strict=True))
        share = max(share, 0.0)
        mixed = ((z + share * center) / (1 + share) for z, center in zip(Z, self._center, strict=True))
        value = self._scale * sum(float(np.vdot(C, z).real) for C, z in zip(self._C, mixed, strict=True))
        self.value = max(self.value, value)

    def _averages(self, matrices: list[np.ndarray]) -> np.ndarray:
        """(Σ A_j A_j*)⁻¹ Σ A_j applied to one matrix for each part."""
        total = np.zeros(self._classes.count, dtype=matrices[0].dtype)
        for part, weights, matrix in zip(self._classes.parts, self._weights, matrices, strict=True):
            total += _bincount(part.classes.ravel(), (weights * matrix).ravel(), self._classes.count)
        return total / self._totals

    def _spread_out(self, moments: np.ndarray) -> list[np.ndarray]:
        """A_j* of one number per class, for each part."""
        return [
            weights * moments[part.classes] for part, weights in zip(self._classes.parts, self._weights, strict=True)
        ]


def _spread(matrix: np.ndarray) -> float:
    """Half the distance of the extreme eigenvalues, a scale that a multiple of the identity does not change."""
    values = np.linalg.eigvalsh(matrix)
    return max(float(values[-1] - values[0]) / 2, 1e-12 * float(np.abs(values).max()), TINY)


def _on_simplex(matrix: np.ndarray) -> np.ndarray:
    """The nearest positive semidefinite matrix of trace one."""
    values, vectors = np.linalg.eigh(matrix)
    excess = (np.cumsum(values[::-1]) - 1) / np.arange(1, len(values) + 1)
    rank = int(np.nonzero(values[::-1] > excess)[0][-1]) + 1
    kept = vectors[:, -rank:] * np.sqrt(values[-rank:] - excess[rank - 1])
    return np.asarray(kept @ kept.conj().T)


def _bincount(places: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    if not np.iscomplexobj(values):
        return np.bincount(places, values, count)
    return np.bincount(places, values.real, count) + 1j * np.bincount(places, values.imag, count)


def _distance(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    return math.sqrt(sum(float(np.linalg.norm(a - b)) ** 2 for a, b in zip(first, second, strict=True)))
