"""Proposing touching certificates: the points at which polynomials touch the power, and a sum of squares at once.

For fixed nodes the sum of the polynomials is a form F, and its pseudo-moments maximise it. For fixed pseudo-moments the
best polynomial of a row touches at the Gauss nodes of the row's moments. So the best bound is a saddle point: the
pseudo-moments maximise the least value of F over all nodes, which is a concave function of them. Before each iteration
of `hypernorm.bounds.sos_solver` the form is replaced by the one for the running average of the row moments, as in
fictitious play. Every form with every multiplier gives a bound; the best one is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from scipy.linalg.blas import dsymm, dsyrk

from hypernorm._arguments import check_memory
from hypernorm.bounds.deadlines import check_time, closing_seconds, until
from hypernorm.bounds.interval import Status
from hypernorm.bounds.power import search
from hypernorm.bounds.power_kernels import norm_values
from hypernorm.bounds.propose import Proposed, Search, first_better, margin_of
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.sos_matrix import check_solver_memory
from hypernorm.bounds.sos_solver import SosSolver
from hypernorm.certificates import (
    DEGREES,
    Factor,
    MatrixNormCertificate,
    TouchingCertificate,
    has_touching,
    precision,
    touching_form,
    touching_majorants,
    touching_nodes,
    touching_polynomial,
    weight_spread,
)
from hypernorm.forms import MonomialBasis, Rows
from hypernorm.forms.gram import GramClasses, lower_moments, multiply_by_norm

__all__ = ["propose_touching", "touching_degrees"]

# The proof evaluates a polynomial in ball arithmetic for each row; with more rows this takes seconds.
_MOST_ROWS = 2**16
# A degree above 4 is tried first if its Gram matrix and the operations for a form are at most so large.
_SMALL_GRAM, _SMALL_FORM = 350, 3e8
_LARGE_FORM = 1e10
# Iterations for the first form, whose pseudo-moments are poor in the beginning, and between two bounds.
_FIRST_ITERATIONS, _CHECK_EVERY = 20, 5
_MANY_ROWS = 1000  # With more, a form takes longer than an iteration.
_FIRST_SHARE = 0.1  # of the uniform distribution, beside the best vector
_UNIFORM = 1e-3  # share of it that keeps all nodes away from zero
_LEAST, _MOST, _APART = 1e-6, 1 - 1e-4, 1.02  # limits on the nodes, and on the ratio of two
# The search ends if the last bounds, so many, have lowered the gap of those before by less than this part.
_PATIENCE, _WORTHWHILE = 10, 0.2
_BLOCK_ENTRIES = 1 << 21


def touching_degrees(q: float, shape: tuple[int, int], largest: float = math.inf) -> list[int]:
    """The degrees of touching certificates that are worth trying, ascending; none if q has none.

    The first has a small Gram matrix. The second is the even degree above q, as for a sum of squares at an even q, but
    6 for q < 4, or a lower one; its Gram matrix has at most `largest` rows. With many rows a form takes too long.
    """
    n, d = shape
    sizes = {degree: MonomialBasis.count(d, degree // 2) for degree in DEGREES if has_touching(q, degree)}
    if not sizes or n > _MOST_ROWS:
        return []
    small = [degree for degree, size in sizes.items() if size <= _SMALL_GRAM and n * size**2 <= _SMALL_FORM]
    quick = max(small, default=min(sizes))
    fitting = [degree for degree, size in sizes.items() if size <= largest and n * size**2 <= _LARGE_FORM]
    thorough = max((degree for degree in fitting if degree < max(q + 2, 8)), default=quick)
    return sorted({quick, max(quick, thorough)} & set(fitting))


def propose_touching(data: Reduction, q: float, degree: int, options: Search) -> Proposed:
    """Find a touching certificate for rows with a known fingerprint, and have the checker prove it.

    Raises
    ------
    CertificateError
        If rounding errors prevent the proof with every margin.
    DeadlineError
        If the deadline leaves no time for a bound.
    """
    rows, half = data.rows, degree // 2
    (n, d), radius = rows.shape, float(rows.norms.max()) or 1.0
    check_solver_memory(d, half)
    check_memory(4 * 8 * n * d, f"A touching certificate for {n} x {d}", "use the realigned or row-norm bound")
    form = Factor("sos", degree, Fraction(0), Fraction(1), degree)
    readable = math.inf if rows.is_zero else check_time(form, rows, radius, options.deadline)
    classes = GramClasses(d, half)
    if rows.is_zero:
        nodes = np.full((n, touching_nodes(q, degree).doubles), 0.5)
        found = _Found(0.0, nodes, np.zeros((classes.size, classes.size)))
        vectors, stop = np.empty((d, 0)), Status.EXACT
    else:
        found, vectors, stop = _find(until(rows, readable), q, degree, classes, radius, options)
    H, loss = classes.weighted(found.gram, options.single_precision)
    with precision(), np.errstate(under="ignore"):
        majorants = touching_majorants(rows, q, degree, found.nodes, radius)
        target = touching_form(rows, majorants, classes)[0]
    loss += classes.norm(target - classes.coefficients(H, weighted=False))
    # Another proof may choose slightly different lengths of the rows, and so other coefficients.
    spread = weight_spread(Fraction(q) / 2 + degree, d)
    loss += spread * sum(float(np.abs(c) @ rows.norms ** (2 * k)) for k, c in enumerate(majorants))
    margin = margin_of(classes.size, rows)

    def certificate(growth: float) -> MatrixNormCertificate:
        return data.certificate(
            TouchingCertificate(
                q=q,
                shape=rows.shape,
                fingerprint=rows.fingerprint,
                exponent=rows.exponent,
                radius=radius,
                degree=degree,
                value=(found.bound + loss) * (1 + margin * growth),
                nodes=found.nodes,
                matrices=(H,),
            )
        )

    proved, upper = first_better(certificate, data.whole, options)
    return Proposed(certificate=proved, upper=upper, vectors=vectors, stop=stop)


class _Found:
    """The best bound so far, with its nodes and its Gram matrix."""

    def __init__(self, bound: float, nodes: np.ndarray, gram: np.ndarray):
        self.bound, self.nodes, self.gram = bound, nodes, gram


def _find(
    rows: Rows, q: float, degree: int, classes: GramClasses, radius: float, options: Search
) -> tuple[_Found, np.ndarray, Status]:
    deadline = options.deadline
    if math.isfinite(deadline):
        deadline -= closing_seconds(rows.shape[1], degree // 2)
    given = None if options.start is None else options.start[:, None]
    vector = search(rows, q, options.rng, n_starts=0 if given is not None else 128, starts=given, deadline=deadline)
    value = float(norm_values(rows, vector[:, None], q)[0] / radius) ** q
    form = _Form(rows, q, classes, radius)
    average = form.start(vector)
    nodes = form.nodes(average)
    solver = SosSolver(form.coefficients(nodes), classes, options.rng)
    candidates = [np.empty((rows.shape[1], 0))]
    every = min(1 + rows.shape[0] // _MANY_ROWS, _CHECK_EVERY)

    def lower(vectors: np.ndarray | None) -> float:
        """The value of the vector, which F exceeds."""
        if vectors is not None:
            candidates[0] = vectors
        return value

    def renew(values: np.ndarray) -> np.ndarray | None:
        """The form for the average of the moments so far."""
        nonlocal average, nodes
        count, rest = divmod(solver.iteration - _FIRST_ITERATIONS, every)
        if count < 0 or rest:
            return None
        share = 3 / (7 + count)
        average = (1 - share) * average + share * form.moments(values)
        following = form.nodes(average)
        coefficients = form.coefficients(following)
        nodes = following
        return coefficients

    best: _Found | None = None
    gaps: list[float] = []
    while True:
        try:
            stop = solver.run(
                lower,
                rtol=0.9 * q * options.rtol,
                max_iter=min(options.max_iter, solver.iteration + _CHECK_EVERY),
                check_every=_CHECK_EVERY,
                deadline=deadline,
                report=options.report,
                renew=renew,
            )
            if best is None or solver.bound < best.bound:
                best = _Found(solver.bound, nodes, solver.symmetric_best())
            if stop is not Status.MAX_ITERATIONS or solver.iteration >= options.max_iter:
                break
            gaps.append(solver.bound / value - 1)
            before, last = gaps[-2 * _PATIENCE : -_PATIENCE], gaps[-_PATIENCE:]
            if len(before) == _PATIENCE and min(last) > (1 - _WORTHWHILE) * min(before):
                stop = Status.STALLED
                break
        except KeyboardInterrupt:
            if best is None:
                raise
            stop = Status.INTERRUPTED
            break
    return best, candidates[0], stop


class _Form:
    """The form F of any nodes, divided by radius^q, and the moments of the rows under any pseudo-moments."""

    def __init__(self, rows: Rows, q: float, classes: GramClasses, radius: float):
        from hypernorm.bounds import sos_kernels  # imported here since it loads numba

        self._kernels = sos_kernels
        self.q, self.degree, d = q, 2 * classes.basis.degree, rows.shape[1]
        X = rows.taken(np.arange(rows.shape[0]))
        with np.errstate(under="ignore"):
            lengths = np.maximum(np.linalg.norm(X, axis=1), 2.0**-500)
            self.units = X / lengths[:, None]
            self.sizes = (lengths / radius) ** q
        self.levels = [GramClasses(d, half) for half in range(1, classes.basis.degree)] + [classes]
        # Moments of ⟨x, u⟩² for a unit vector x and u uniform on the sphere.
        powers = np.arange(1, classes.basis.degree + 1)
        self.uniform = np.concatenate([[1.0], np.cumprod((2 * powers - 1) / (d + 2 * powers - 2))])[:, None]

    def _blocks(self, classes: GramClasses) -> Iterator[tuple[slice, np.ndarray]]:
        """Parts of the rows with their monomials."""
        step = max(64, _BLOCK_ENTRIES // classes.size)
        for start in range(0, len(self.units), step):
            part = slice(start, start + step)
            yield part, classes.basis.evaluate(self.units[part])

    def coefficients(self, nodes: np.ndarray) -> np.ndarray:
        """Coefficients of F."""
        polynomials = touching_polynomial(self.q, self.degree, list(nodes.T), self.q / 2)
        constant, d = float(np.sum(polynomials[0] * self.sizes)), self.units.shape[1]
        result = constant * self.levels[0].coefficients(np.eye(d))
        for half, (classes, polynomial) in enumerate(zip(self.levels, polynomials[1:], strict=True), start=1):
            if half > 1:
                result = multiply_by_norm(result, d, 2 * half - 2)
            weights = polynomial * self.sizes
            total = np.zeros((classes.size, classes.size))
            for sign in (1.0, -1.0):
                roots = np.sqrt(np.maximum(sign * weights, 0))
                if roots.any():
                    for part, images in self._blocks(classes):
                        images *= roots[part]
                        total = dsyrk(sign, images.T, beta=1.0, c=total.T, trans=1, lower=0, overwrite_c=1).T
            result += self._kernels.class_sums(total, classes.classes, classes.weights, classes.count, 0, classes.size)
        return result

    def moments(self, values: np.ndarray) -> np.ndarray:
        """Moments of ⟨x_i, v⟩²/‖x_i‖², of shape (m + 1, n), from pseudo-moments by class."""
        found: list[np.ndarray] = []
        for classes in reversed(self.levels):
            half = classes.basis.degree
            triangle = np.zeros((classes.size, classes.size))
            self._kernels.update(triangle, 0.0, values, classes.classes, classes.weights, 0, classes.size)
            parts = [
                np.einsum("ai,ai->i", dsymm(1.0, triangle.T, images, lower=0), images)
                for _, images in self._blocks(classes)
            ]
            found.append(np.concatenate(parts))
            if half > 1:
                values = lower_moments(values, self.units.shape[1], 2 * half - 2)
        # The entries at v_j² add up to the mass. A solver's moments need not be those of any measure.
        mass = max(float(np.trace(self.levels[0].matrix(values))), 0.5)
        moments = np.array([np.ones(len(self.units)), *(part / mass for part in found[::-1])])
        for k in range(1, len(moments)):
            least = moments[k - 1] ** 2 / moments[k - 2] if k > 1 else _LEAST
            moments[k] = np.clip(moments[k], least, moments[k - 1])
        return (1 - _UNIFORM) * moments + _UNIFORM * self.uniform

    def start(self, vector: np.ndarray) -> np.ndarray:
        """Moments of a vector, mixed with those of the uniform distribution."""
        powers = np.arange(self.degree // 2 + 1)[:, None]
        return (1 - _FIRST_SHARE) * ((self.units @ vector) ** 2) ** powers + _FIRST_SHARE * self.uniform

    def nodes(self, moments: np.ndarray) -> np.ndarray:
        """Gauss nodes, of shape (n, doubles): roots of the orthogonal polynomials of the rest beside 0 and 1."""
        at_zero, at_one, count = touching_nodes(self.q, self.degree)
        if at_zero:
            moments = moments[1:]
        if at_one:
            moments = moments[:-1] - moments[1:]
        mean = np.clip(moments[1] / np.maximum(moments[0], 1e-300), _LEAST, _MOST)
        if count == 1:
            return mean[:, None]
        a, b, c, d = moments
        determinant = a * c - b * b
        spread = determinant > 1e-10 * a * c
        determinant = np.where(spread, determinant, 1.0)
        center, product = (a * d - b * c) / (2 * determinant), (b * d - c * c) / determinant
        distance = np.sqrt(np.maximum(center**2 - product, 0))
        # Without a spread both nodes are at the mean.
        low = np.clip(np.where(spread, center - distance, mean / _APART), _LEAST, _MOST / _APART)
        high = np.where(spread, center + distance, mean)
        return np.column_stack([low, np.clip(high, _APART * low, _MOST)])
