"""
Regression with a bounded bias: aligned and isotropic signals
=============================================================

Ridge regression is the linear estimator of least variance among those whose bias has a
bounded Schatten 2-norm. Other norms give other estimators. Which of them is better
depends on where the signal lies.
"""

import matplotlib.pyplot as plt
import numpy as np

from hypernorm.linear_model import SchattenRegressor

n, d, noise = 120, 60, 0.5
alphas = np.geomspace(1e-3, 1e2, 21)
norms = {"p = 1, nuclear": 1, "p = 2, ridge": 2, "p = ∞, spectral": np.inf}


def risks(alignment, repeats=8):
    """Mean excess risk; the variance of a coefficient is its eigenvalue to a power."""
    rng = np.random.default_rng(0)
    eigenvalues = np.arange(1, d + 1) ** -1.0
    result = {name: np.zeros(len(alphas)) for name in norms}
    for _ in range(repeats):
        beta = rng.standard_normal(d) * eigenvalues ** (alignment / 2)
        beta /= np.sqrt(np.sum(eigenvalues * beta**2))
        X = rng.standard_normal((n, d)) * np.sqrt(eigenvalues)
        y = X @ beta + noise * rng.standard_normal(n)
        for name, p in norms.items():
            for index, alpha in enumerate(alphas):
                coef = (
                    SchattenRegressor(alpha, p=p, fit_intercept=False).fit(X, y).coef_
                )
                result[name][index] += (
                    np.sum(eigenvalues * (coef - beta) ** 2) / repeats
                )
    return result


# %%
# On the left the coefficients do not depend on the covariance, and ridge is the best.
# On the right the signal lies along the leading directions, as with smooth functions or
# factors. There the nuclear norm wins: it leaves large eigenvalues unchanged.

figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.4), sharey=True, layout="constrained")
for place, alignment, title in zip(
    axes, (0, 2), ("isotropic signal", "aligned signal"), strict=True
):
    for (name, values), style in zip(
        risks(alignment).items(), ("-", "--", ":"), strict=True
    ):
        place.loglog(alphas, values, style, label=f"{name}: {values.min():.3f}")
    place.set_title(title)
    place.set_xlabel("penalty")
    place.legend(title="norm and best risk", fontsize=8)
    place.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("excess risk")

# %%
# *Excess risk against the penalty. The legends have the least risk of each norm.*
#
# In practice, blend the norms by their leave-one-out predictions:
# ``SchattenRegressorCV(p=[1, 2, np.inf])``. :doc:`/guide/gauss_markov` tells when that
# pays.
