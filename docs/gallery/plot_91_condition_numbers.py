"""
Condition numbers in every p-norm
=================================

numpy computes the condition number ‖A‖ ‖A⁻¹‖ for the norms with p = 1, 2 and ∞ and
refuses all others. It cannot say how accurate its numbers are. ``operator_norm``
encloses the norm from ℓ_p to ℓ_p for every p, with proof.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import hilbert, invhilbert, invpascal, pascal

import hypernorm as hn

try:
    np.linalg.cond(hilbert(8), 3)
except ValueError as error:
    print("numpy:", error)

# %%
# A computed inverse is not the inverse, so each matrix here has integer entries, and so
# has a multiple of its inverse. Both are stored without rounding. The Hilbert matrix is
# multiplied by the least common multiple of its denominators, which does not change its
# condition number. The third matrix is the product of two random triangular matrices
# with ones on the diagonal.

rng = np.random.default_rng(0)
multiple = np.lcm.reduce(np.arange(1, 16))
lower = np.tril(rng.integers(-1, 2, (6, 6)), -1)
upper = np.triu(rng.integers(-1, 2, (6, 6)), 1)


def inverse(nilpotent):
    """(I + N)⁻¹ = I − N + N² − … for a strictly triangular N, exact in integers."""
    return sum(np.linalg.matrix_power(-nilpotent, k) for k in range(len(nilpotent)))


identity = np.eye(6, dtype=int)
pairs = {
    "Hilbert, 8 rows": (
        np.round(multiple * hilbert(8)),
        np.round(invhilbert(8)),
        multiple,
    ),
    "Pascal, 5 rows": (pascal(5), invpascal(5), 1),
    "random integers, 6 rows": (
        (identity + lower) @ (identity + upper),
        inverse(upper) @ inverse(lower),
        1,
    ),
}
for A, inverted, factor in pairs.values():
    products = A.astype(int).astype(object) @ inverted.astype(int).astype(object)
    # in integers of any size
    assert (products == factor * np.eye(len(A), dtype=int)).all()


def condition_number(A, inverted, factor, p, method="auto"):
    """Proved bounds on ‖A‖ ‖A⁻¹‖, up to the rounding of these two products."""
    there, back = (
        hn.operator_norm(matrix, p, p, method=method, random_state=0)
        for matrix in (A, inverted)
    )
    return there.lower * back.lower / factor, there.upper * back.upper / factor


for name, (A, inverted, factor) in pairs.items():
    print(
        f"{name}, p = 3: between {{:.6g}} and {{:.6g}}".format(
            *condition_number(A, inverted, factor, 3)
        )
    )

# %%
# The ends of the intervals coincide for the first two matrices: their entries, and
# those of their inverses up to a change of signs of rows and columns, are not negative,
# and then the norm is exact for every p. For the third one a gap remains between p = 1,
# 2 and ∞, here without sums of squares, which would close most of it. Symmetric
# matrices have the same condition number for p and for the conjugate exponent.

inverse_exponents = np.linspace(0, 1, 9)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, (A, inverted, factor)), color in zip(
    pairs.items(), ("#0072B2", "#009E73", "#D55E00"), strict=True
):
    exponents = [1 / x if x else np.inf for x in inverse_exponents]
    lows, highs = np.transpose(
        [condition_number(A, inverted, factor, p, "spectral") for p in exponents]
    )
    middle = np.sqrt(lows[4] * highs[4])
    axes.fill_between(
        inverse_exponents, lows / middle, highs / middle, color=color, alpha=0.3
    )
    axes.plot(inverse_exponents, highs / middle, color=color, label=name)
    axes.plot(inverse_exponents, lows / middle, color=color)
    known = [np.linalg.cond(A.astype(float), p) / middle for p in (np.inf, 2, 1)]
    axes.plot([0, 0.5, 1], known, "o", color=color)
axes.plot([], [], "o", color="grey", label="numpy: p = ∞, 2, 1")
axes.set_xlabel("1/p")
axes.set_ylabel("condition number,\nrelative to that for p = 2")
axes.legend()
axes.spines[["top", "right"]].set_visible(False)

# %%
# *Between the two lines of a colour lies the condition number, relative to that for p =
# 2. Where one line is seen, both ends coincide.*
