"""Data sets of the regression study, and the artificial housing data."""

from __future__ import annotations

import math

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

__all__ = ["DATA", "FRESH", "load"]

DATA = {
    "diabetes": (354, 88),
    "diabetes, squares": (354, 88),
    "breast cancer": (455, 114),
    "housing": (400, 100),
    "digits, Fourier": (800, 200),
}
"""Numbers of training and held-out samples of each split."""
FRESH = ("housing",)
"""Data sets that are drawn again for each split, so that the splits are independent."""
FOURIER_FEATURES = 400


def load(data: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Samples and targets of a data set; each target is a column."""
    if data.startswith("diabetes"):
        X, y = load_diabetes(return_X_y=True, scaled=False)
        # The square of the column of the sex is dropped, since it equals the column.
        X = np.delete(squares_and_products(X), 10 + 10, axis=1) if "squares" in data else X
        return X, y[:, None]
    if data == "breast cancer":
        X, y = load_breast_cancer(return_X_y=True)
        return X, y[:, None].astype(float)
    if data == "housing":
        return housing(sum(DATA[data]), rng)
    pixels, digits = load_digits(return_X_y=True)
    frequencies = rng.standard_normal((pixels.shape[1], FOURIER_FEATURES)) / (20 * math.sqrt(2))
    phases = rng.uniform(0, 2 * np.pi, FOURIER_FEATURES)
    return math.sqrt(2) * np.cos(pixels @ frequencies + phases), np.eye(10)[digits]


def housing(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Artificial districts similar to the Californian census, with squares and products of the eight features.

    Latitude and longitude are scattered along a coast that runs north-west. Rooms grow with income, and bedrooms with
    rooms; population and occupants are log-normal. The price grows with income and, less, with rooms per bedroom and
    age. It decreases with the distance from the coast and from two cities and with crowding, has log-normal noise and
    is capped at 5, as in the census.
    """
    along, inland = rng.uniform(0, 1, n), rng.exponential(0.25, n)
    latitude, longitude = 32.5 + 9 * along + 0.6 * inland, -117 - 7 * along + 2 * inland
    income = np.exp(rng.normal(1.25, 0.45, n))
    rooms = np.exp(1.3 + 0.25 * np.log(income) + rng.normal(0, 0.2, n))
    bedrooms = rooms * np.exp(rng.normal(-1.6, 0.1, n))
    age, population = rng.uniform(1, 52, n), np.exp(rng.normal(7, 0.7, n))
    occupants = np.exp(rng.normal(1.05, 0.25, n))
    cities = np.exp(-(((along - 0.2) / 0.1) ** 2)) + np.exp(-(((along - 0.6) / 0.08) ** 2))
    logarithm = (
        0.75 * np.log(income)
        + 0.3 * np.log(rooms / bedrooms)
        + 0.004 * age
        - 0.9 * np.minimum(inland, 1)
        + 0.4 * cities
        - 0.5 * np.log(occupants)
    )
    price = np.minimum(np.exp(logarithm + rng.normal(0, 0.25, n)), 5)
    X = np.column_stack([income, age, rooms, bedrooms, population, occupants, latitude, longitude])
    return squares_and_products(X), price[:, None]


def squares_and_products(X: np.ndarray) -> np.ndarray:
    """The standardised features with their squares and products."""
    return PolynomialFeatures(2, include_bias=False).fit_transform(StandardScaler().fit_transform(X))
