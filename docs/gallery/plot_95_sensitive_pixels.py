"""
The most sensitive direction of a classifier
============================================

A small network reads handwritten digits. Every pixel may change a little. Which change
moves the class probabilities most? To first order this is the norm of the Jacobian from
ℓ_∞ to ℓ_1. Only products of the Jacobian with vectors are needed, which every framework
of automatic differentiation offers; here they are written by hand.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse.linalg import LinearOperator
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import hypernorm as hn

digits, labels = load_digits(return_X_y=True)
digits = digits / 16
network = MLPClassifier(
    (32,), activation="tanh", solver="lbfgs", alpha=1.0, max_iter=1000, random_state=0
)
network.fit(digits[:1500], labels[:1500])
print(f"correct on the other digits: {network.score(digits[1500:], labels[1500:]):.3f}")

(first, second), (shift, last_shift) = network.coefs_, network.intercepts_


def probabilities(image):
    return network.predict_proba(image[None])[0]


def jacobian(image):
    """The derivative of the class probabilities, known by its products only."""
    hidden = np.tanh(image @ first + shift)
    p = probabilities(image)

    def forward(direction):
        logits = ((direction.ravel() @ first) * (1 - hidden**2)) @ second
        return p * (logits - p @ logits)

    def backward(weights):
        logits = p * (weights.ravel() - p @ weights.ravel())
        return first @ ((1 - hidden**2) * (second @ logits))

    return LinearOperator((10, 64), matvec=forward, rmatvec=backward, dtype=float)


# %%
# For an operator that is not stored, ``lower_bound`` returns an estimate, and counts
# the products. The direction is the best sign for every pixel.

held_out = digits[1500:]
unsure = np.argmin([abs(np.sort(probabilities(image))[-1] - 0.7) for image in held_out])
image = held_out[unsure]
J = jacobian(image)
estimate = hn.lower_bound(J, q=1, p=np.inf, random_state=0)
print(f"∞→1: {estimate.value:.9f} with {estimate.products} products")

# %%
# This Jacobian is small enough to be stored, and then all can be proved about the
# stored matrix: the vector's value, and that no other vector has a larger one. From ℓ_∞
# to ℓ_1 the signs of ten outputs are enumerated, which is exact. To ℓ_2 the weights
# prove a bound.

dense = J @ np.eye(64)
for q in (1, 2):
    found = hn.lower_bound(J, q=q, p=np.inf, random_state=0)
    interval = hn.operator_norm(dense, np.inf, q, random_state=0)
    print(f"∞→{q}: products only {found.value:.9f},")
    print(f"dense proved between {interval.lower:.9f} and {interval.upper:.9f}")
    assert np.isclose(found.value, interval.lower, rtol=1e-9)

# %%
# A step in this direction, of a size that is the same for all pixels, does to the
# probabilities what the norm says, as long as the step is small. Random signs do nearly
# nothing.

steps = np.linspace(0, 0.1, 21)
random_signs = np.random.default_rng(0).choice([-1.0, 1.0], 64)
before = probabilities(image)


def moved(direction):
    return [
        np.abs(probabilities(image + step * direction) - before).sum() for step in steps
    ]


figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(8.5, 3), width_ratios=(1, 1, 1.8), layout="constrained"
)
left.imshow(image.reshape(8, 8), cmap="Greys")
left.set_title(f"read as {before.argmax()}", fontsize=9)
middle.imshow(estimate.vector.reshape(8, 8), cmap="PuOr", vmin=-1.5, vmax=1.5)
after = probabilities(image + 0.1 * np.sign(estimate.vector))
middle.set_title(f"direction; then read as {after.argmax()}", fontsize=9)
for axes in (left, middle):
    axes.axis("off")
right.plot(
    steps, steps * estimate.value, "--", color="#D55E00", label="norm times step"
)
right.plot(steps, moved(estimate.vector), color="#0072B2", label="this direction")
right.plot(steps, moved(random_signs), color="grey", label="random signs")
right.set_xlabel("change of each pixel")
right.set_ylabel("sum of the changes\nof the probabilities")
right.legend(fontsize=8)
right.spines[["top", "right"]].set_visible(False)

# %%
# *Left: the digit. Middle: the direction, with signs as colours. Right: what a step in
# this direction does, beside random signs and the norm.*
