"""
A robust mean with a proved error bound
=======================================

An adversary replaces a fraction of the samples. The mean follows them anywhere, and the
median of each coordinate moves by an amount that grows with the dimension.
``RobustMean`` removes weight from samples that stand out in some direction. It proves
how far its estimate can be from the mean of the inliers, whichever samples those are.
"""

import matplotlib.pyplot as plt
import numpy as np

import hypernorm as hn
from hypernorm.datasets import contaminated
from hypernorm.robust import RobustMean

# %%
# ``error_bound_`` supposes only that a tenth are outliers at most. Far outliers make it
# large, since they might be inliers. ``error_bound_given`` is for inliers whose fourth
# moment is known to be bounded in every direction: (mean ⟨x − μ, v⟩⁴)^(1/4) ≤ B for all
# unit v. Here they are standard normal, for which this number is 3^(1/4) = 1.32, or a
# little more in a sample, and B = 1.65 is chosen.

B = 1.65
data = contaminated(1000, 20, 0.1, adversary="cluster", distance=3, random_state=0)
model = RobustMean(contamination=0.1, random_state=0).fit(data.samples)
error = np.linalg.norm(model.location_ - data.inlier_mean)
print(f"error {error:.3f}, proved {model.error_bound_:.3f}")
print(f"proved for this B {model.error_bound_given(B):.3f}")

# %%
# As the inliers are known in this example, the premise can itself be proved: it is
# about a 2→4 norm.


def fourth_moment(samples):
    """A proved bound on the fourth moment in any direction, to the power 1/4."""
    centered = samples - samples.mean(axis=0)
    norm = hn.two_to_q_norm(centered, q=4, random_state=0)
    return norm.upper / len(samples) ** 0.25


inliers = data.samples[data.is_inlier]
print(f"fourth moment of the inliers: at most {fourth_moment(inliers):.3f}")

# %%
# The bound holds whatever the adversary does, and grows about like the power 3/4 of the
# fraction of outliers. This adversary puts a tight cluster at three times the typical
# distance of an inlier, and does much less harm.

fractions = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25)
errors = {
    "mean": [],
    "median of each coordinate": [],
    "RobustMean": [],
    "proved bound for this B": [],
}
for fraction in fractions:
    data = contaminated(
        1000, 20, fraction, adversary="cluster", distance=3, random_state=0
    )
    assert fourth_moment(data.samples[data.is_inlier]) <= B
    model = RobustMean(contamination=fraction, random_state=0).fit(data.samples)
    estimates = (
        data.samples.mean(axis=0),
        np.median(data.samples, axis=0),
        model.location_,
    )
    for name, estimate in zip(errors, estimates, strict=False):
        errors[name].append(np.linalg.norm(estimate - data.inlier_mean))
    errors["proved bound for this B"].append(model.error_bound_given(B))

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, values), style in zip(
    errors.items(), ("s:", "^--", "o-", "v-"), strict=True
):
    color = "#D55E00" if "proved" in name else None
    axes.plot(fractions, values, style, color=color, label=name)
axes.set_xlabel("fraction of outliers")
axes.set_ylabel("distance from the mean\nof the inliers")
axes.legend(fontsize=8)
axes.spines[["top", "right"]].set_visible(False)

# %%
# *Distance of three estimates from the mean of the inliers, and what is proved about
# the last of them. RobustMean lies on zero where every outlier has lost its weight.*
