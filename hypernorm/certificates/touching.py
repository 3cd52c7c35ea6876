"""Touching certificates: bounds on the 2→q norm for every real q > 2, from polynomials that touch the power.

Each term |⟨x_i, v⟩|^q is at most a polynomial in ⟨x_i, v⟩² that touches it at points of the certificate, see
`hypernorm.certificates.majorants`. So ‖Xv‖_q^q ≤ ϱ^q F(v) on the unit sphere with the form

    F(v) = Σ_k ‖v‖^(2m−2k) Σ_i c_ki ⟨x_i, v⟩^2k,    k = 0, …, m,

and a sum of squares proves F ≤ λ. The coefficients c_ki are not in the certificate: the proof computes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._display import norm_text
from hypernorm.certificates import exact as exact_proofs
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.exact import ExactRows, integer_coefficients, monomials
from hypernorm.certificates.fields import Array, Fingerprint, Integer, Matrices, Real, Shape, Sizes
from hypernorm.certificates.floating import ComputedForm, is_form_dominated
from hypernorm.certificates.majorants import DEGREES, has_touching, majorants, touching_nodes
from hypernorm.certificates.plan import LARGEST_EXPONENT
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import (
    SAFETY,
    UNIT,
    gamma,
    lower_float,
    precision,
    rational,
    row_length,
    scaling_loss,
    upper_float,
)
from hypernorm.certificates.subjects import check_radius, read_samples, scaled_rows
from hypernorm.certificates.values import LARGEST_SCALE, shown
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound
from hypernorm.exceptions import CertificateError
from hypernorm.forms import MonomialBasis, Rows, moment_depth, moment_matrix, second_moments
from hypernorm.forms.gram import GramClasses, form_coefficients

__all__ = ["TouchingCertificate", "touching_form", "touching_majorants"]

# Weighted rows must not be longer: powers of their entries that underflow are then smaller than any error term.
_LONGEST = 2.0**16


class _Degree(Integer):
    """An even int for which the exponent has a touching majorant."""

    def check(self, value: Any, name: str, sizes: Sizes) -> int:
        degree = super().check(value, name, sizes)
        if not has_touching(sizes["q"], degree):
            raise CertificateError(f"There is no touching majorant of degree {shown(value)} for q = {sizes['q']!r}.")
        return degree


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class TouchingCertificate(Certificate):
    """A proof of an upper bound on max ‖Xv‖_q over unit vectors v, for real q that is no even degree of the proof.

    `sos_bound` and `two_to_q_norm` return one for exponents other than 4, 6 and 8.

    Attributes
    ----------
    q : float
    shape : tuple of int
        Shape (n, d) of the matrix.
    fingerprint : str
        SHA-256 of the values of the matrix, see `hypernorm.forms.fingerprint`.
    exponent : int
        The values and matrices are for the matrix times 2**-exponent.
    radius : float
        ϱ, about the length of the longest row.
    degree : int
        2m: 4, 6 or 8.
    value : float
        λ.
    nodes : ndarray of shape (n, count)
        Where the polynomials touch: at ⟨x_i, v⟩² = nodes[i, j] ‖x_i‖². The count is 1 or 2 and follows from q and the
        degree, see `hypernorm.certificates.majorants`.
    matrices : tuple of one ndarray
        The coefficients H of shape (D, D) of a Gram matrix, see `hypernorm.forms.gram`.

    See Also
    --------
    NormCertificate : Certificates that have the same weights for all rows.

    Notes
    -----
    The theorem and the corollary on touching points in theory/sums_of_squares of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((30, 4))
    >>> certificate = hn.sos_bound(X, q=3, random_state=0)
    >>> certificate.verify(X).upper < 1.001 * hn.lower_bound(X, q=3, random_state=0).value
    True
    """

    kinds: ClassVar = ("touching",)
    has_exact_proof: ClassVar = True

    q: Annotated[float, Real(math.nextafter(2.0, 3.0), math.nextafter(LARGEST_EXPONENT, math.inf))]
    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    radius: Annotated[float, Real(2.0**-1074)]
    degree: Annotated[int, _Degree(DEGREES[0], DEGREES[-1])]
    value: Annotated[float, Real(0.0)]
    nodes: Annotated[np.ndarray, Array("n", "count")]
    matrices: Annotated[tuple[np.ndarray, ...], Matrices("sides", member="matrix")]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        sizes = {name: known[name] for name in ("q",) if name in known}
        if "degree" in known:
            n, d = known["shape"]
            count = touching_nodes(known["q"], known["degree"]).doubles
            sizes |= {"n": n, "count": count, "sides": [(MonomialBasis.count(d, known["degree"] // 2),)]}
        return sizes

    def rules(self) -> None:
        if not ((self.nodes > 0) & (self.nodes < 1)).all():
            raise CertificateError("The certificate's nodes must be larger than 0 and smaller than 1.")

    @property
    def quantity(self) -> str:
        return norm_text(self.q)

    @property
    def upper(self) -> float:
        """The claimed bound; `verify` proves it."""
        own = self.owned("fingerprint", "nodes", "matrices")
        with precision(), np.errstate(all="ignore"):
            return own._combined(0)

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"q": self.q, "shape": list(self.shape), "degree": self.degree}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedBound:
        rows = scaled_rows(subject, self.shape[1], self.exponent, count=self.shape[0])
        return VerifiedBound(
            quantity=self.quantity,
            rigor=Rigor.EXACT if exact else Rigor.FLOATING_POINT,
            upper=0.0 if rows.is_zero else self._proved(rows, exact),
        )

    def _proved(self, rows: Rows, exact: bool) -> float:
        # Powers of the lengths relative to this radius neither overflow nor all underflow.
        check_radius(self.radius, rows)
        with precision(), np.errstate(over="ignore", under="ignore"):
            prove = _proves_exactly if exact else _proves
            if not prove(rows, self):
                raise CertificateError(
                    f"The touching certificate is not proved: its sum of squares does not establish the value "
                    f"{self.value:.17g}."
                )
            return self._combined(scaling_loss(rows))

    def _combined(self, moved: Any) -> float:
        """‖X‖ ≤ 2^e (ϱ λ^{1/q} + moved), rounded up."""
        if self.value == 0 and moved == 0:
            return 0.0
        root = rational(self.value) ** (1 / rational(self.q)) if self.value > 0 else rational(0)
        return upper_float((rational(self.radius) * root + moved) * rational(2) ** self.exponent)


def touching_majorants(rows: Rows, q: float, degree: int, nodes: np.ndarray, radius: float) -> np.ndarray:
    """The coefficients c_ki of the majorants, from upper bounds on the computed lengths of the rows.

    Parameters
    ----------
    rows : Rows
    q : float
    degree : int
    nodes : ndarray of shape (n, count)
    radius : float

    Returns
    -------
    ndarray
        One row for each power of ⟨x_i, v⟩², one column for each row of X.

    See Also
    --------
    touching_nodes : Nodes to start with.
    touching_form : The form with these coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> touching_majorants(Rows(np.eye(2)), 3.0, 4, np.full((2, 1), 0.5), 1.0).shape
    (3, 2)
    """
    squares = [upper_float(row_length(rows, i) ** 2) if rows.row_squares[i] > 0 else 0.0 for i in range(len(nodes))]
    return majorants(q, degree, nodes, squares, radius)


def touching_form(rows: Rows, majorants: np.ndarray, classes: GramClasses) -> tuple[np.ndarray, float, float]:
    """The form F with the coefficients c_ki or larger ones, computed in floating point.

    Parameters
    ----------
    rows : Rows
    majorants : ndarray
        As returned by `touching_majorants`.
    classes : GramClasses
        Of the degree of the form.

    Returns
    -------
    target : ndarray
        Coefficients of the form.
    size : float
        Sum of the Frobenius norms of the moment matrices.
    error : float
        A bound on the form of the errors of these matrices and of their sum, on the unit sphere.

    Raises
    ------
    CertificateError
        If the rows of a moment matrix are too long for a proof.

    See Also
    --------
    touching_majorants : The coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> from hypernorm.forms.gram import GramClasses
    >>> rows = Rows(np.eye(2))
    >>> majorants = touching_majorants(rows, 3.0, 4, np.full((2, 1), 0.5), 1.0)
    >>> target, size, error = touching_form(rows, majorants, GramClasses(2, 2))
    >>> target.shape, error < 1e-12 * size
    ((5,), True)
    """
    linear = majorants[1]
    Q = second_moments(rows, linear)
    Q[np.diag_indices_from(Q)] += _total(majorants[0])
    size = float(np.linalg.norm(Q))
    # Each row is weighted, and the two halves of the symmetric sum are added.
    error = gamma(rows.depth(rows.block_rows()) + 6) * float(np.abs(linear) @ rows.norms**2) + 2 * UNIT * size
    target = form_coefficients(Q, 1, classes)
    for half in range(2, len(majorants)):
        for sign in (1, -1):
            weighted = _weighted(rows, sign * majorants[half], half, sign)
            if weighted is None:
                continue
            moments = moment_matrix(weighted, half)
            # The entries of the weighted rows are rounded once each.
            depth = moment_depth(weighted, len(moments)) + 2 * (half + 4) + 2 * half
            error += gamma(depth) * float(np.sum(weighted.norms ** (2 * half)))
            size += float(np.linalg.norm(moments))
            target += sign * form_coefficients(moments, half, classes)
    return target, size, SAFETY * error + gamma(2 * len(majorants)) * size


def _weighted(rows: Rows, coefficients: np.ndarray, half: int, sign: int) -> Rows | None:
    """Rows μ_i x_i with μ_i^2k at least the positive coefficients, or at most these if `sign` is negative."""
    rounded = upper_float if sign > 0 else lower_float
    multiplier = np.array([rounded(flint.arb(c).root(2 * half)) if c > 0 else 0.0 for c in coefficients.tolist()])
    if not multiplier.any():
        return None
    weighted = rows.reweighted(multiplier)
    if not weighted.norms.max() <= _LONGEST:
        raise CertificateError("Nothing is proved: a node is too small for a proof.")
    return weighted


def _total(values: np.ndarray) -> float:
    return upper_float(sum(map(flint.arb, values.tolist()), flint.arb(0)))


def _proves(rows: Rows, proof: TouchingCertificate) -> bool:
    classes = GramClasses(rows.shape[1], proof.degree // 2)
    coefficients = touching_majorants(rows, proof.q, proof.degree, proof.nodes, proof.radius)
    target, size, error = touching_form(rows, coefficients, classes)
    return is_form_dominated(proof.value, proof.matrices[0], ComputedForm(target, classes, size, error, half=1))


def _proves_exactly(rows: Rows, proof: TouchingCertificate) -> bool:
    classes, exact = GramClasses(rows.shape[1], proof.degree // 2), ExactRows(rows, Fraction(0), proof.radius)
    squares = [upper_float(rational(m) * rational(2) ** e) if m else 0.0 for m, e in exact.squares()]
    coefficients = majorants(proof.q, proof.degree, proof.nodes, squares, proof.radius)
    target, exponent = _exact_form(exact, coefficients, classes)
    form = exact_proofs.ExactForm(target, exponent, classes)
    return exact_proofs.is_form_dominated(proof.value, proof.matrices[0], form)


def _exact_form(rows: ExactRows, coefficients: np.ndarray, classes: GramClasses) -> tuple[list[int], int]:
    """Integers and an exponent: the exact coefficients of the form."""
    d = classes.basis.dimension
    sides = {k: MonomialBasis.count(d, k) for k in range(1, len(coefficients))}
    sums = {k: DyadicMatrix.from_floats(np.zeros((side, side))) for k, side in sides.items()}
    sums[1] = DyadicMatrix.from_floats(_total(coefficients[0]) * np.eye(d))
    start = 0
    for block in rows:
        stop = start + block.shape[0]
        for k in sums:
            images = monomials(block, k)
            weights = DyadicMatrix.from_floats(np.diag(coefficients[k, start:stop]))
            sums[k] = sums[k] + images @ weights @ images.T
        start = stop
    least = min(moments.exponent for moments in sums.values())
    parts: Sequence[list[int]] = [
        [value << (moments.exponent - least) for value in integer_coefficients(moments, k, classes)]
        for k, moments in sums.items()
    ]
    return [sum(values) for values in zip(*parts, strict=True)], least
