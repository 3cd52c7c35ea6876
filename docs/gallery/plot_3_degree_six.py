"""
Where degree 4 is not enough
============================

For q = 4 a sum of squares of degree 4 nearly always proves the norm itself. There are
exceptions: some forms are nowhere negative and still no sums of squares. They give
matrices whose norm is known and for which the degree-4 bound is too large. A sum of
squares of degree 6 closes the gap.
"""

import warnings

import matplotlib.pyplot as plt

import hypernorm as hn
from hypernorm.datasets import inexact_norms

names, gaps = [], {4: [], 6: []}
for known in inexact_norms():
    names.append(f"{known.name}\n{known.matrix.shape[0]} × {known.matrix.shape[1]}")
    for degree in (4, 6):
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", hn.ConvergenceWarning
            )  # the bound cannot meet the norm at degree 4
            certificate = hn.sos_bound(known.matrix, q=4, degree=degree, random_state=0)
        gaps[degree].append(certificate.verify(known.matrix).upper / known.value - 1)

# %%
# The bars show by how much the proved bound exceeds the norm.

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for degree, offset, colour in ((4, -0.2, "#D55E00"), (6, 0.2, "#0072B2")):
    places = [place + offset for place in range(len(names))]
    axes.bar(places, gaps[degree], width=0.36, color=colour, label=f"degree {degree}")
axes.set_yscale("log")
axes.set_xticks(range(len(names)), names)
axes.set_ylabel("proved bound / norm − 1")
axes.legend(loc="upper right", ncols=2)
axes.set_ylim(1e-8, 1)
axes.spines[["top", "right"]].set_visible(False)

# %%
# *How far the proved bounds of both degrees are above the norm, for four matrices.*
#
# What is left at degree 6 is the tolerance of the solver, 10⁻⁶. The price is the size:
# the certificate of a matrix with d columns has d(d+1)/2 rows at degree 4 and
# d(d+1)(d+2)/6 at degree 6. :doc:`/theory/sums_of_squares` explains the first of these
# matrices.
