"""The sum-of-squares problem in cvxpy, for any conic solver and with optional further constraints.

With Y_αβ = w_α w_β y_(α+β), w_α = √(m!/α!), the moments y of degree 2m are *pseudo-moments* of a distribution on the
unit sphere if Y ⪰ 0 and tr Y = 1; the problem maximises the pseudo-expectation of ‖v‖^(2m−q) Σ ⟨x_i, v⟩^q. The
multiplier S of Y ⪰ 0 proposes a certificate: λI − S is projected onto the Gram matrices of that form, and the checker
proves the bound. The value and the status that the solver reports are never used as a bound.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from hypernorm._arguments import check_count, check_exponent, check_memory
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import Result
from hypernorm._validation import check_matrix
from hypernorm._warnings import warn_caller
from hypernorm.bounds.propose import first_proved
from hypernorm.certificates import UNIT, NormCertificate
from hypernorm.certificates.plan import LARGEST_HALF_DEGREE
from hypernorm.exceptions import HypernormError, InvalidInputError
from hypernorm.forms import MonomialBasis, Rows, moment_matrix
from hypernorm.forms.gram import GramClasses, form_coefficients, multiply_by_norm, rank_multisets

if TYPE_CHECKING:
    import cvxpy

__all__ = ["SosProblem", "conic_bound", "sos_problem"]

_EXPONENTS = (4, 6, 8)
# No warning if the proved norm is within this relative distance of the solver's value, whatever the solver's status.
_CLOSE = 1e-6


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SosProblem(Result):
    """The relaxation of one form as a cvxpy problem; create it with `sos_problem`.

    Attributes
    ----------
    problem : cvxpy.Problem
        Maximise the pseudo-expectation of the form divided by `scale`.
    variable : cvxpy.Variable
        One entry per class of equal monomials: the pseudo-moment times the root of its multinomial coefficient.
    positive : cvxpy.Constraint
        Y ⪰ 0, whose multiplier proposes the certificate.
    scale : float
        Largest eigenvalue of the fully symmetric Gram matrix of the form, for the rows times 2**-exponent.
    exponent : int
        Exponent of the scale: the matrix was divided by 2**exponent.
    q, degree : int
    rows, classes, coefficients
        The scaled rows, which know the fingerprint of the matrix, and the form by `hypernorm.forms.gram`.

    See Also
    --------
    hypernorm.sos_problem : Create one.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> problem = hn.sos_problem(np.eye(2))
    >>> value = problem.problem.solve(solver="CLARABEL")
    >>> problem.certificate().upper < 1 + 1e-6
    True
    >>> constrained = problem.with_constraints(problem.moment(0, 0, 1, 1) == 0.25)  # v_0² v_1² = 1/4
    >>> round(float(constrained.problem.solve(solver="CLARABEL") / value), 4)
    0.5
    """

    problem: cvxpy.Problem
    variable: cvxpy.Variable
    positive: cvxpy.Constraint
    scale: float
    exponent: int
    q: int
    degree: int
    rows: Rows
    classes: GramClasses
    coefficients: np.ndarray

    @own_arithmetic
    def moment(self, *indices: int) -> Any:
        """The pseudo-expectation of v_i v_j ⋯ as a cvxpy expression, for constraints or as a result.

        Parameters
        ----------
        *indices : int
            An even number of variables from 0 to d − 1, with repetition, at most the degree. Fewer than the degree are
            multiplied by a power of ‖v‖², which is 1 on the sphere.

        Returns
        -------
        cvxpy.Expression

        Raises
        ------
        InvalidInputError
            If the number of indices is odd or too large, or an index is out of range.
        """
        d, size = self.rows.shape[1], len(indices)
        for index in indices:
            check_count(index, "an index", smallest=0)
        if not 2 <= size <= self.degree or size % 2 or max(indices) >= d:
            raise InvalidInputError(
                f"indices must be 2 to {self.degree} integers, an even number, each from 0 to {d - 1}, got {indices}."
            )
        form = np.zeros(MonomialBasis.count(d, size))
        form[rank_multisets(np.sort(np.array([indices], dtype=np.int64), axis=1))] = 1.0
        for degree in range(size, self.degree, 2):
            form = multiply_by_norm(form, d, degree)
        return (form / np.sqrt(self.classes.multinomials)) @ self.variable

    @own_arithmetic
    def with_constraints(self, *constraints: Any) -> SosProblem:
        """Copy of the problem with further constraints on the moments.

        Its value may be below the norm. `certificate` still bounds the norm: it does not use the multipliers of the
        further constraints.

        Parameters
        ----------
        *constraints : cvxpy.Constraint

        Returns
        -------
        SosProblem
        """
        problem = type(self.problem)(self.problem.objective, [*self.problem.constraints, *constraints])
        return replace(self, problem=problem)

    @own_arithmetic
    def certificate(self) -> NormCertificate:
        """Certificate from the multiplier of the solved problem; any solver may have found it.

        Returns
        -------
        NormCertificate

        Raises
        ------
        HypernormError
            If the problem has not been solved, or the solver returned no finite multiplier.
        CertificateError
            If rounding errors are too large for the proof.
        """
        multiplier = self.positive.dual_value
        if multiplier is None or not np.isfinite(np.asarray(multiplier)).all():
            raise HypernormError(
                "The problem has no finite multiplier; call problem.solve() first, or try another solver or tolerance."
            )
        value, H = self._best_gram(np.asarray(multiplier, dtype=np.float64))
        radius = float(self.rows.norms.max()) or 1.0
        margin = 64 * UNIT * self.classes.size**2

        def proposed(growth: float) -> NormCertificate:
            values, matrices = (value * (1 + margin * growth),), (H,)
            return NormCertificate(
                kind="sos",
                q=float(self.q),
                shape=self.rows.shape,
                fingerprint=self.rows.fingerprint,
                exponent=self.exponent,
                radius=radius,
                values=values,
                matrices=matrices,
            )

        return first_proved(proposed, self.rows)[0]

    def _best_gram(self, multiplier: np.ndarray) -> tuple[float, np.ndarray]:
        """λ and the coefficients H of the better of two Gram matrices: the projection of λI − S, and M."""
        classes, weights = self.classes, np.outer(self.classes.weights, self.classes.weights)
        unpack = np.zeros((classes.size, classes.size), dtype=np.int64)
        unpack[np.tril_indices(classes.size)] = classes.classes
        unpack = np.maximum(unpack, unpack.T)

        def averages(coefficients: np.ndarray) -> np.ndarray:
            return weights * (coefficients / classes.multinomials)[unpack]

        M = averages(self.coefficients)
        S = self.scale * (multiplier + multiplier.T) / 2
        S = S if np.isfinite(S).all() else np.zeros_like(S)
        # λI − S should represent the form, so λ is its least-squares fit over the fully symmetric matrices.
        identity = averages(classes.coefficients(np.eye(classes.size)))
        level = float(np.sum(identity * (S + M)) / np.sum(identity**2))
        W = level * np.eye(classes.size) - S
        pairs = []
        for G in (M + W - averages(classes.coefficients(W)), M):
            H = (G + G.T) / 2 * weights
            if np.isfinite(H).all():
                loss = classes.norm(self.coefficients - classes.coefficients(H, weighted=False))
                H.setflags(write=False)
                pairs.append((float(np.linalg.eigvalsh(H / weights)[-1]) + loss, H))
        return min(pairs, key=lambda pair: pair[0])


@own_arithmetic
def sos_problem(X: Any, q: float = 4, degree: int | None = None) -> SosProblem:
    """State the sum-of-squares problem of ‖X‖_{2→q} in cvxpy, to add constraints or to choose a solver.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
    q : {4, 6, 8}
    degree : int, optional
        Even degree of the sum of squares, by default q.

    Returns
    -------
    SosProblem

    Raises
    ------
    InvalidInputError
        If an argument is out of range, cvxpy is not installed, or the problem does not fit in memory.

    See Also
    --------
    conic_bound : Solve the problem without further constraints.
    sos_bound : A faster solver.

    Notes
    -----
    The relaxation is Proposition 1 of theory/sums_of_squares of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.eye(3)
    >>> sos = hn.sos_problem(X)
    >>> value = sos.problem.solve(solver="CLARABEL")
    >>> round(sos.certificate().verify(X).upper, 6)
    1.0
    >>> balanced = sos.with_constraints(sos.moment(0, 0) == 1 / 3, sos.moment(1, 1) == 1 / 3)
    >>> round(float(balanced.problem.solve(solver="CLARABEL")), 6)
    1.0
    """
    matrix = check_matrix(X)
    exponent = check_exponent(q)
    if exponent not in _EXPONENTS:
        raise InvalidInputError(f"q must be 4, 6 or 8 for the conic problem, got {q!r}; use `sos_bound` for other q.")
    order = int(exponent)
    if degree is not None:
        check_count(degree, "degree")
    total = order if degree is None else int(degree)
    if total % 2 or not order <= total <= 2 * LARGEST_HALF_DEGREE:
        raise InvalidInputError(
            f"degree must be even and from {order} to {2 * LARGEST_HALF_DEGREE} for q = {order}, got {degree!r}."
        )
    cp = _import_cvxpy()
    d, size = int(matrix.shape[1]), MonomialBasis.count(int(matrix.shape[1]), total // 2)
    cheaper = ", a lower degree" if total > order else ""
    _check_fits(300 * size * size, d, total, f"use `sos_bound`{cheaper} or fewer columns")
    rows = Rows.identified(matrix)
    classes = GramClasses(d, total // 2)
    moments = moment_matrix(rows, order // 2)
    coefficients = form_coefficients(moments, order // 2, classes)
    lower, upper = np.tril_indices(size)
    roots = np.sqrt(classes.multinomials)
    averages = coefficients / classes.multinomials
    symmetric = np.zeros((size, size))
    entries = classes.weights[lower] * classes.weights[upper]
    symmetric[lower, upper] = entries * averages[classes.classes]
    scale = float(np.linalg.eigvalsh(symmetric)[-1])  # it reads the lower triangle only
    scale = scale if scale > 0 else 1.0

    off = lower != upper
    positions = np.concatenate([lower * size + upper, (upper * size + lower)[off]])
    ids = np.concatenate([classes.classes, classes.classes[off]])
    data = np.concatenate([entries, entries[off]]) / roots[ids]  # columns of length one
    basis = sp.csr_array((data, (positions, ids)), shape=(size * size, classes.count))
    trace = np.asarray(basis[np.arange(size) * (size + 1)].sum(axis=0)).ravel()

    variable = cp.Variable(classes.count, name="moments")
    positive = cp.reshape(basis @ variable, (size, size), order="F") >> 0
    objective = cp.Maximize((coefficients / (scale * roots)) @ variable)
    problem = cp.Problem(objective, [positive, trace @ variable == 1])
    return SosProblem(
        problem=problem,
        variable=variable,
        positive=positive,
        scale=scale,
        exponent=rows.exponent,
        q=order,
        degree=total,
        rows=rows,
        classes=classes,
        coefficients=coefficients,
    )


@own_arithmetic
def conic_bound(
    X: Any, q: float = 4, *, degree: int | None = None, solver: str = "CLARABEL", **solver_options: Any
) -> NormCertificate:
    """Bound max ‖Xv‖_q over unit vectors from above with a general conic solver, and prove the bound.

    A reference for `sos_bound`, which is much faster and solves far larger problems; an interior-point method handles
    about 12 columns for q = 4.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
    q : {4, 6, 8}
    degree : int, optional
        Even degree of the sum of squares, by default q.
    solver : str
        Name of an installed solver of cvxpy that supports semidefinite constraints: "CLARABEL", "SCS", "MOSEK", …
    **solver_options
        Options of the solver, e.g. ``eps=1e-8`` for SCS.

    Returns
    -------
    NormCertificate
        Already proved once, in floating point with rounding errors bounded.

    Raises
    ------
    InvalidInputError
        If an argument is out of range, cvxpy or the solver is missing, or the problem does not fit in memory.
    HypernormError
        If the solver fails.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance; the bound is proved but may be improved.

    See Also
    --------
    sos_bound : Much faster.
    sos_problem : The same relaxation, for further constraints.

    Notes
    -----
    The relaxation is Proposition 1 of theory/sums_of_squares of the documentation, where its source is named.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((20, 3))
    >>> hn.conic_bound(X).upper / hn.lower_bound(X, q=4, random_state=0).value < 1 + 1e-6
    True
    """
    cp = _import_cvxpy()
    installed = cp.installed_solvers()
    name = solver.upper() if isinstance(solver, str) else ""
    if name not in installed:
        raise InvalidInputError(
            f"solver must be an installed solver of cvxpy ({', '.join(installed)}), got {solver!r}; "
            f"use 'CLARABEL' or 'SCS', or install it."
        )
    sos = sos_problem(X, q, degree)
    if name == "CLARABEL":
        # The interior-point factorisation has a dense block with a row for each entry of the triangle of Y.
        d, entries = sos.rows.shape[1], len(sos.classes.classes)
        _check_fits(16 * entries**2, d, sos.degree, "use solver='SCS' or `sos_bound`")
    with warnings.catch_warnings():
        # A warning about accuracy follows below; the other warnings are deprecations between cvxpy and its solvers.
        warnings.filterwarnings("ignore", message="Solution may be inaccurate", category=UserWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        try:
            sos.problem.solve(solver=name, **solver_options)
        except Exception as error:  # each solver has its own errors, also for unknown options
            reason = " ".join([f"{type(error).__name__}:", *str(error).splitlines()[:1]])
            raise HypernormError(
                f"The solver {name} failed ({reason}); "
                f"check its options, or use solver='CLARABEL' or 'SCS', or `sos_bound`."
            ) from error
    certificate = sos.certificate()
    # The solver's status and value decide only on the warning; some solvers just miss their own tolerances.
    claimed = float(np.asarray(sos.problem.value if sos.problem.value is not None else np.nan)) * sos.scale
    close = abs(certificate.values[0] - claimed) <= _CLOSE * sos.q * abs(claimed)
    if sos.problem.status != "optimal" and not close:
        warn_caller(
            f"The solver {name} ended with the status {sos.problem.status!r}; the bound is proved but may be improved."
        )
    return certificate


def _import_cvxpy() -> ModuleType:
    try:
        import cvxpy
    except ImportError:
        raise InvalidInputError(
            "The conic problem needs cvxpy; install it with: pip install 'hypernorm[conic]'."
        ) from None
    return cvxpy


def _check_fits(needed: int, d: int, degree: int, remedy: str) -> None:
    check_memory(needed, f"The conic problem of degree {degree} for d = {d}", remedy)
