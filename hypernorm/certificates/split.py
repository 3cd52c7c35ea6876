"""Split certificates: bounds μ + φ on Σ ⟨x_i, v⟩⁴, for more columns than a sum of squares can take.

T(S) = Σ ⟨x_i, S x_i⟩ x_i x_iᵀ acts on symmetric matrices. For symmetric U_1, …, U_r let Y(S) = Σ U_k ⟨U_k, S⟩ and
N(S) = Σ U_k S U_k.

**Theorem.** If T ⪯ μ + Y and N(U) ⪯ φU for some U ≻ 0, then Σ ⟨x_i, v⟩⁴ ≤ μ + φ for every unit v.

*Proof.* With V = vvᵀ, Σ ⟨x_i, v⟩⁴ = ⟨V, T(V)⟩ ≤ μ + Σ (vᵀU_k v)² = μ + ⟨V, N(V)⟩. N is positive and self-adjoint, so
that ⟨V, N(V)⟩ ≤ φ by Collatz–Wielandt. ∎

The first condition is a matrix of side D = d(d + 1)/2, or one of side n: with K = XXᵀ, V_ik = ⟨x_i, U_k x_i⟩ and
numbers w_k ≤ 1/c_k with Diag(c) ⪰ μ + (⟨U_k, U_l⟩), it follows from μ − K∘K + V Diag(w) Vᵀ ⪰ 0 (Woodbury). The smaller
one is proved. For many columns the U_k = Σ_i g_ik x_i x_iᵀ are given by the n×r matrix G.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from hypernorm._arguments import check_memory
from hypernorm.certificates import split_exact, split_floating
from hypernorm.certificates.fields import Array, Choice, Integer, Real, Sizes
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.plan import Factor
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import lower_float, rational
from hypernorm.forms import MonomialBasis

__all__ = ["SplitCertificate"]

_MOST_DIRECTIONS = 2**20


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SplitCertificate(NormCertificate):
    """A proof of an upper bound on max ‖Xv‖_q over unit vectors v, by splitting T into μ and a positive map.

    `spectral_bound(X, q, kind="split")` and `two_to_q_norm` return one.

    Attributes
    ----------
    kind, q, shape, fingerprint, exponent, radius, values, matrices
        As for `NormCertificate`. The last value is at least μ + φ, and the last matrix is U.
    shift : float
        μ.
    rank : int
        r.
    span : str
        ``"pairs"`` or ``"rows"``.
    directions : ndarray of shape (m, r)
        Of dtype float32. For ``"pairs"`` m = d(d + 1)/2, and column k holds the entries i ≤ j of U_k in lexicographic
        order. For ``"rows"`` m = n, and the column holds the coefficients in U_k of x_1 x_1ᵀ, …, x_n x_nᵀ, where the
        x_i are weighted for q.

    See Also
    --------
    NormCertificate : The other kinds.

    Notes
    -----
    The theorem on splitting in theory/upper_bounds of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((80, 20))
    >>> split, realigned = (hn.spectral_bound(X, kind=kind) for kind in ("split", "realigned"))
    >>> split.verify(X).upper < 0.99 * realigned.verify(X).upper
    True
    """

    kinds: ClassVar = ("split",)

    kind: Annotated[str, Choice(("split",))]
    shift: Annotated[float, Real(2.0**-200)]
    rank: Annotated[int, Integer(1, _MOST_DIRECTIONS)]
    span: Annotated[str, Choice(("pairs", "rows"))]
    directions: Annotated[np.ndarray, Array("members", "rank", dtypes=(np.float32,))]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        sizes = dict(super(SplitCertificate, cls).sizes(known))
        if "span" in known:
            n, d = known["shape"]
            sizes |= {"members": MonomialBasis.count(d, 2) if known["span"] == "pairs" else n, "rank": known["rank"]}
        return sizes

    def _proves(self, factor: Factor, weighted: Any, value: float, matrix: Any, exact: bool) -> bool:
        if factor.form != "split":
            return super(SplitCertificate, self)._proves(factor, weighted, value, matrix, exact)
        # The largest float for which μ + φ is at most the value.
        ratio = lower_float(rational(value) - rational(self.shift))
        if not ratio > 0:
            return False
        self._check_memory()
        proofs = split_exact if exact else split_floating
        return proofs.proves_map(weighted, self.directions, self.span, ratio, matrix) and proofs.proves_shift(
            weighted, self.directions, self.span, self.shift
        )

    def _check_memory(self) -> None:
        """Refuse a proof that does not fit in memory: a small file may ask for one."""
        n, d = self.shape
        side = n if self.span == "rows" else min(n, MonomialBasis.count(d, 2))
        side = max(side, self.rank)
        check_memory(
            6 * 8 * side * side,
            f"The proof of a split certificate ({side} x {side} matrices)",
            "use a certificate of another kind",
        )
