"""
A first interval
================

The data are 1,797 pictures of handwritten digits with 8 × 8 pixels, one per row,
centered. In which direction v is the fourth moment Σ ⟨x_i, v⟩⁴ largest, and how large
is it? No fast method computes this number exactly for every matrix. hypernorm returns
two proved numbers with the truth between them.
"""

import matplotlib.pyplot as plt
import numpy as np

import hypernorm as hn
from hypernorm.datasets import load_bundled
from hypernorm.plotting import plot_interval

X = load_bundled("digits")
interval = hn.two_to_q_norm(X, q=4, random_state=0)
print(interval)

# %%
# Certificates are computed from the cheapest to the sharpest, until one of them meets
# the lower bound. Every bound in the picture is proved, rounding errors included. A
# vector attains the lower bound.

axes = plt.figure(figsize=(7.5, 4.2), layout="constrained").add_subplot()
axes = plot_interval(interval, axes=axes)

# %%
# *Each bar is a proved upper bound, relative to the lower bound. The last one meets
# it.*
#
# That vector is itself a picture of 8 × 8 pixels. Beside it are the five digits that
# contribute most to the sum; all of them are fours.

v = interval.witness.vector
extreme = np.argsort(-np.abs(X @ v))[:5]
digits = load_bundled("digits", centered=False)
figure, axes = plt.subplots(1, 6, figsize=(7.5, 1.7), layout="constrained")
axes[0].imshow(
    v.reshape(8, 8), cmap="PuOr", vmin=-np.abs(v).max(), vmax=np.abs(v).max()
)
axes[0].set_title("v")
for place, i in zip(axes[1:], extreme, strict=True):
    place.imshow(digits[i].reshape(8, 8), cmap="Greys")
    place.set_title(f"⟨x, v⟩ = {X[i] @ v:.1f}", fontsize=9)
for place in axes:
    place.set_axis_off()

# %%
# *Left: the vector v as a picture, with the sign as colour. Right: the five digits with
# the largest inner products.*
