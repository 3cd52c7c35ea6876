"""Gram matrices of known forms, for proofs of sums of squares."""

import math

import numpy as np

from hypernorm.forms import MonomialBasis
from hypernorm.forms.gram import GramClasses


def identity_gram(d, m, share=1.0):
    """H for ‖v‖^2(m−2) Σ v_i⁴, diagonal and exact: the form's coefficients, times a factor."""
    basis = MonomialBasis(d, m)
    coefficients = []
    for index in basis.indices:
        counts = np.bincount(index, minlength=d)
        # v_i⁴ times (m−2)!/β! v^2β with β = α − 2e_i.
        coefficients.append(
            sum(
                math.factorial(m - 2)
                // math.prod(math.factorial(c - 2 * (j == i)) for j, c in enumerate(counts.tolist()))
                for i in range(d)
                if counts[i] >= 2
            )
        )
    return np.diag(share * np.array(coefficients, dtype=float))


def spread_gram(rows, order, m):
    """H of half degree m with each coefficient of the form spread over its class in proportion to the weights."""
    n, d = rows.shape
    basis, classes = MonomialBasis(d, m), GramClasses(d, m)
    multiplicities = basis.multiplicities
    # The coefficient of v^γ from the values at more points than there are coefficients.
    points = np.random.default_rng(0).standard_normal((3 * classes.count, d))
    values = np.sum((points @ rows.block(0, n).T) ** order, axis=1) * np.sum(points**2, axis=1) ** (m - order // 2)
    exponents = np.zeros((classes.count, d), dtype=int)
    for part, first, second in classes.chunks():
        for axis in range(d):
            found = (basis.indices[first] == axis).sum(axis=1) + (basis.indices[second] == axis).sum(axis=1)
            exponents[classes.classes[part], axis] = found
    system = np.prod(points[:, None, :] ** exponents[None], axis=2)
    coefficients = np.linalg.lstsq(system, values, rcond=None)[0]
    H = np.empty((basis.size, basis.size))
    for part, first, second in classes.chunks():
        c = classes.classes[part]
        H[first, second] = multiplicities[first] * multiplicities[second] * coefficients[c] / classes.multinomials[c]
        H[second, first] = H[first, second]
    return H
