"""
An uncertainty relation by a complex norm
=========================================

No state of a quantum system has certain outcomes in two measurements whose bases have
no vector in common. How uncertain must they be? The probabilities of all outcomes are
the squares of the entries of Bψ in modulus, where the rows of B are the vectors of both
bases. The sum of their squares is ‖Bψ‖₄⁴. So the complex 2→4 norm of B proves the best
answer.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import dft

import hypernorm as hn

# %%
# Choose one of the bases by a coin, and measure two copies of the state in it. The
# outcomes agree with probability ‖Bψ‖₄⁴ / 2. Its largest value over all states tells
# how uncertain outcomes are. The collision entropy of probabilities p is H = −log₂ Σ
# p²; since −log₂ is convex, the average of H over the two bases is at least −log₂ of
# that value.


# %%
# The first basis is the standard one in three dimensions. The second moves from it to
# that of the Fourier transform, as a fractional power of it. There the two are
# unbiased, and the norm is (1 + 1/3)^(1/4).

fourier = dft(3, scale="sqrtn")
eigenvalues, vectors = np.linalg.eig(fourier)
vectors, _ = np.linalg.qr(
    vectors
)  # the eigenvalues 1, −1 and −i are simple, so that only lengths change


def bases_at(t):
    angles = np.angle(eigenvalues)
    return np.vstack(
        [np.eye(3), (vectors * np.exp(1j * t * angles)) @ vectors.conj().T]
    )


powers = np.linspace(0, 1, 13)
proved, attained, overlaps = [], [], []
for t in powers:
    bases = bases_at(t)
    interval = hn.two_to_q_norm(bases, q=4, random_state=0)
    proved.append(interval.upper**4 / 2)
    attained.append(interval.lower**4 / 2)
    overlaps.append((1 + np.abs(bases[3:]).max()) / 2)
print(f"unbiased bases: outcomes agree with probability {attained[-1]:.7f},")
print(f"for no state above {proved[-1]:.7f}")
print(f"average entropy of every state at least {-np.log2(proved[-1]):.6f} bits")

# %%
# For comparison, the greatest overlap c of two vectors of the bases gives the relation
# of Landau and Pollak: the average of the largest probabilities, and so that of
# agreement, is at most (1 + c)/2.

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
axes.plot(
    powers, overlaps, "--", color="grey", label="bound by the greatest overlap alone"
)
axes.plot(
    powers,
    proved,
    "v-",
    markersize=8,
    color="#D55E00",
    label="proved for every state, by the norm",
)
axes.plot(
    powers, attained, "^", color="#0072B2", label="attained by the state that was found"
)
axes.set_xlabel("power of the Fourier transform")
axes.set_ylabel("probability that two\noutcomes agree")
axes.legend()
axes.spines[["top", "right"]].set_visible(False)

# %%
# *How likely two outcomes agree, as the second basis moves from the first one to its
# Fourier transform. A triangle down is proved for every state, a triangle up is
# attained by one.*
