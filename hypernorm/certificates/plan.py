"""Plans of bounds for real exponents q: Hölder's inequality between weighted forms.

**Theorem.** Let r_i = ‖x_i‖ and let Σ_i r_i^{a_j} |⟨x_i, v⟩|^{p_j} ≤ B_j for all unit v, j = 1, …, m. If shares
t_j ≥ 0 with Σ t_j = 1 satisfy Σ t_j (p_j + a_j) = q and Σ t_j a_j ≥ 0, then ‖X‖_{2→q}^q ≤ Π B_j^{t_j}.

*Proof.* Let p = Σ t_j p_j ≤ q. Since |⟨x_i, v⟩| ≤ r_i, |⟨x_i, v⟩|^q ≤ r_i^{q−p} |⟨x_i, v⟩|^p
= Π (r_i^{a_j} |⟨x_i, v⟩|^{p_j})^{t_j}, and Hölder's inequality bounds the sum of these products by Π B_j^{t_j}. ∎

The row-norm bound (p = 2), the reweighted degree-4 bounds, the geometric mean of neighbouring even exponents and the
exact cases q = 2 and q = ∞ are all of this form. The plan follows from (kind, q) alone, in exact rational arithmetic,
so a stored certificate cannot choose its own inequality.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

__all__ = ["KINDS", "LARGEST_HALF_DEGREE", "LARGEST_MOMENT", "Factor", "Kind", "SpectralKind", "is_available", "plan"]

SpectralKind: TypeAlias = Literal["row_norm", "flattening", "realigned", "moment", "split"]
Kind: TypeAlias = Literal[SpectralKind, "sos"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LARGEST_MOMENT = 8
LARGEST_EXPONENT = 1e6
LARGEST_HALF_DEGREE = 6


@dataclass(frozen=True)
class Factor:
    """One weighted form Σ ‖x_i‖^weight |⟨x_i, v⟩|^order, its kind of proof, and its share in the product.

    Attributes
    ----------
    form : str
        ``"longest_row"``, ``"second"``, ``"flattening"``, ``"realigned"``, ``"moment"``, ``"split"`` or ``"sos"``.
    order : int
        p; 0 stands for infinity.
    weight, share : Fraction
        a and t.
    root : int
        A proved value λ implies ‖Y‖_{2→p} ≤ λ^{1/root} for the weighted rows Y.

    See Also
    --------
    plan : The factors of a kind of certificate.

    Examples
    --------
    >>> (factor,) = plan("realigned", 4)
    >>> factor.order, factor.root, factor.has_matrix, factor.sides(5)
    (4, 8, True, (5,))
    """

    form: str
    order: int
    weight: Fraction
    share: Fraction
    root: int

    @property
    def has_matrix(self) -> bool:
        """Whether the proof needs a matrix in addition to the number λ."""
        return self.form in ("flattening", "realigned", "split", "sos")

    def sides(self, d: int) -> tuple[int, ...]:
        """The possible sides of that matrix for d columns; a Gram matrix may have a higher degree than the form.

        Parameters
        ----------
        d : int

        Returns
        -------
        tuple of int
        """
        if self.form != "sos":
            return (d,)
        return tuple(math.comb(d + half - 1, half) for half in range(self.order // 2, LARGEST_HALF_DEGREE + 1))

    @property
    def row_power(self) -> Fraction:
        """The power of ‖x_i‖ that multiplies row i: Σ ‖x_i‖^a |⟨x_i, v⟩|^p = ‖diag(‖x_i‖^{a/p}) X v‖_p^p."""
        return self.weight / self.order if self.order else Fraction(0)


def is_available(kind: str, q: float) -> bool:
    """Whether a bound of this kind exists for this exponent.

    Parameters
    ----------
    kind : str
    q : float

    Returns
    -------
    bool

    See Also
    --------
    plan : The factors of the bound.

    Examples
    --------
    >>> is_available("moment", 8), is_available("moment", 9)
    (True, False)
    """
    return (
        kind in KINDS
        and (2 <= q <= LARGEST_EXPONENT or q == math.inf)
        and (kind == "row_norm" or 2 < q < math.inf)
        and (kind != "moment" or q <= LARGEST_MOMENT)
    )


def plan(kind: str, q: float) -> tuple[Factor, ...]:
    """The factors whose product bounds ‖X‖_{2→q}^q, for a kind of certificate and an exponent q.

    Parameters
    ----------
    kind : str
    q : float

    Returns
    -------
    tuple of Factor

    Raises
    ------
    ValueError
        If the kind has no bound for q.

    See Also
    --------
    is_available : Whether there is a plan.

    Examples
    --------
    >>> [(f.form, str(f.weight), str(f.share)) for f in plan("realigned", 3.0)]
    [('second', '1', '1/2'), ('realigned', '-1', '1/2')]
    """
    if not is_available(kind, q):
        raise ValueError(f"no {kind!r} bound for q = {q}")
    if math.isinf(q):
        return (Factor("longest_row", 0, Fraction(0), Fraction(1), 2),)
    exponent = Fraction(q)
    if kind == "row_norm":
        return (_second(exponent - 2, Fraction(1)),)
    if kind == "moment":
        return _moment_plan(exponent)
    if kind == "sos" and exponent in (6, 8):
        return (Factor("sos", int(exponent), Fraction(0), Fraction(1), int(exponent)),)
    root = 8 if kind == "realigned" else 4
    quartic = Factor(kind, 4, exponent - 4, min(Fraction(1), (exponent - 2) / 2), root)
    return (quartic,) if exponent >= 4 else (_second(exponent - 2, (4 - exponent) / 2), quartic)


def _second(weight: Fraction, share: Fraction) -> Factor:
    return Factor("second", 2, weight, share, 2)


def _moment_plan(exponent: Fraction) -> tuple[Factor, ...]:
    below = 2 * (exponent.numerator // (2 * exponent.denominator))
    upper_share = (exponent - below) / 2
    return tuple(
        _second(Fraction(0), share) if order == 2 else Factor("moment", order, Fraction(0), share, order)
        for order, share in ((below, 1 - upper_share), (below + 2, upper_share))
        if share
    )
