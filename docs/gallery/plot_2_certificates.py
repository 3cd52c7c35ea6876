"""
A certificate, saved and verified
=================================

A certificate is a small file that proves an upper bound on the 2→q norm to anyone who
has the matrix. The program that found it need not be trusted.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import hypernorm as hn

X = np.random.default_rng(0).standard_normal((200, 12))
path = Path(tempfile.mkdtemp()) / "certificate.npz"

hn.sos_bound(X, q=4, random_state=0).save(path)
print(f"{path.stat().st_size:,} bytes")

# %%
# Loading proves nothing yet. Verifying does, in floating point with every rounding
# error bounded, or in exact arithmetic, which trusts neither the processor nor any
# library of linear algebra.

certificate = hn.load_certificate(path)
for exact in (False, True):
    verified = certificate.verify(X, exact=exact)
    print(f"{verified.upper!r}  proved in {verified.rigor.value}")

# %%
# A certificate that claims too much is refused. Here the number in the file is made
# smaller by one part in ten thousand.

members = dict(np.load(path))
members["values"] = members["values"] * 0.9999
np.savez(path, **members)
try:
    hn.load_certificate(path).verify(X)
except hn.CertificateError as error:
    print(error)

# %%
# So is a certificate for a matrix in which a single entry has moved by the smallest
# possible amount.

other = X.copy()
other[0, 0] = np.nextafter(other[0, 0], np.inf)
try:
    certificate.verify(other)
except hn.CertificateError as error:
    print(error)

# %%
# The fingerprint tells matrices apart and is no part of the proof. For the proof the
# file holds a number λ and a symmetric matrix, which stands for a quadratic form G in
# the products v_i v_j. On unit vectors this form is Σ ⟨x_i, v⟩⁴ (here divided by a
# power of two), and it is at most λ because all eigenvalues of G are.

(value,), (H,) = certificate.values, certificate.matrices
i, j = np.triu_indices(12)
weights = np.where(i == j, 1, 2)
eigenvalues = np.linalg.eigvalsh(H / np.sqrt(np.outer(weights, weights)))

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(
    np.arange(1, len(eigenvalues) + 1),
    eigenvalues[::-1],
    ".",
    color="#0072B2",
    label="eigenvalues of G",
)
axes.axhline(value, color="#D55E00", linewidth=1, label="λ")
axes.set_xlabel("number of the eigenvalue")
axes.legend()
axes.spines[["top", "right"]].set_visible(False)

# %%
# *All eigenvalues of G in descending order, and above them the number λ of the
# certificate.*
#
# :doc:`/guide/independent_verification` shows how to prove a bound from file and matrix
# without this package.
