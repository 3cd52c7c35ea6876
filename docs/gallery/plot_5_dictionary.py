"""
Learning a planted dictionary
=============================

Samples are sparse combinations of twenty unknown directions, the atoms. The atoms are
the maximisers of an ℓ₃ norm of the codes, a 2→3 norm. The moments of the codes give the
error to expect, without knowledge of the true atoms.
"""

import matplotlib.pyplot as plt
import numpy as np

from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, expected_error, recovery_error

planted = planted_dictionary(5000, 20, theta=0.2, condition=10, random_state=0)
model = LpDictionaryLearning(random_state=0).fit(planted.samples)
error = recovery_error(model.unmixing_, planted.dictionary)
print(f"error {error:.4f}, expected {model.expected_error_:.4f}")

# %%
# The error falls like one divided by the number of samples. With too few of them it is
# larger than the formula says, and the maximisers need not be atoms at all. The
# significance of the atoms, in standard errors, warns of it without knowing the truth.

counts = np.geomspace(60, 20_000, 13).astype(int)
errors, significances = [], []
for count in counts:
    draws = [
        planted_dictionary(count, 20, theta=0.2, condition=10, random_state=seed)
        for seed in range(3)
    ]
    models = [
        LpDictionaryLearning(random_state=0, max_iter=2000).fit(draw.samples)
        for draw in draws
    ]
    errors.append(
        [
            recovery_error(m.unmixing_, d.dictionary)
            for m, d in zip(models, draws, strict=True)
        ]
    )
    significances.append(np.median([m.significance_.min() for m in models]))

figure, (above, below) = plt.subplots(
    2, figsize=(7, 4.6), sharex=True, layout="constrained", height_ratios=(3, 2)
)
above.loglog(counts, errors, "o", color="#0072B2", label=["three draws", None, None])
expected = [expected_error(20, count, theta=0.2, p=3, whiten=True) for count in counts]
above.loglog(counts, expected, color="#D55E00", label="expected")
above.set_ylabel("error of recovery")
above.legend()
below.semilogx(counts, significances, "s-", color="#0072B2")
below.axhline(3, color="black", linewidth=1, linestyle="--")
below.set_ylabel("least significance\nof an atom")
below.set_xlabel("samples")
for axes in (above, below):
    axes.spines[["top", "right"]].set_visible(False)

# %%
# *Above: the error of the dictionary, for three draws of each number of samples, and
# the error to expect. Below: the significance of the weakest atom; under the dashed
# line an atom may be an accident.*
