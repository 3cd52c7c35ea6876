"""Planted models of dictionary learning: samples with a known sparse representation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hypernorm._arguments import Seed, check_count, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import html_table, one_line, shown
from hypernorm.exceptions import InvalidInputError

__all__ = ["PlantedDictionary", "planted_dictionary"]


class PlantedDictionary(NamedTuple):
    """Samples of a planted model with their dictionary and codes.

    Attributes
    ----------
    samples : numpy.ndarray of shape (n_samples, n_features)
        ``codes @ dictionary.T`` with the requested noise, outliers and corruption; rows that are outliers come last.
    dictionary : numpy.ndarray of shape (n_features, n_features)
        Atoms as columns.
    codes : numpy.ndarray of shape (n_samples, n_features)

    See Also
    --------
    planted_dictionary : Draw one.

    Examples
    --------
    >>> planted_dictionary(50, 4, 0.3, random_state=0).samples.shape
    (50, 4)
    """

    samples: np.ndarray
    dictionary: np.ndarray
    codes: np.ndarray

    def __repr__(self) -> str:
        return one_line("PlantedDictionary", ((name, shown(value, name)) for name, value in self._asdict().items()))

    def _repr_html_(self) -> str:
        return html_table("PlantedDictionary", ((name, shown(value, name)) for name, value in self._asdict().items()))


@own_arithmetic
def planted_dictionary(
    n_samples: int,
    n_features: int,
    theta: float = 0.1,
    *,
    condition: float = 1.0,
    noise: float = 0.0,
    outliers: float = 0.0,
    corruption: float = 0.0,
    random_state: Seed = None,
) -> PlantedDictionary:
    """Bernoulli–Gaussian codes times a complete dictionary, with optional noise, outliers and corruption.

    A coefficient is non-zero with probability `theta`; the non-zero coefficients are standard normal.

    Parameters
    ----------
    n_samples, n_features : int
    theta : float, default 0.1
        In (0, 1].
    condition : float, default 1
        Condition number of the dictionary. Its singular values are spaced geometrically around one; 1 gives a random
        orthogonal dictionary.
    noise : float, default 0
        Standard deviation of Gaussian noise added to every entry.
    outliers : float, default 0
        Number of outliers relative to `n_samples`. Outliers are standard normal samples after the others; their codes
        are zero.
    corruption : float, default 0
        Probability that ±1 is added to an entry.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    PlantedDictionary

    Raises
    ------
    InvalidInputError
        If an argument is out of range.

    See Also
    --------
    hypernorm.dictionary.LpDictionaryLearning : Learns the dictionary.

    Examples
    --------
    >>> planted = planted_dictionary(500, 8, theta=0.2, random_state=0)
    >>> bool(np.allclose(planted.samples, planted.codes @ planted.dictionary.T))
    True
    """
    r, n = check_count(n_samples, "n_samples"), check_count(n_features, "n_features")
    for name, value, smallest, largest in (
        ("theta", theta, 0, 1),
        ("condition", condition, 1, np.inf),
        ("noise", noise, 0, np.inf),
        ("outliers", outliers, 0, np.inf),
        ("corruption", corruption, 0, 1),
    ):
        if not smallest <= value <= largest or not np.isfinite(value) or (name == "theta" and value == 0):
            raise InvalidInputError(f"{name} must be finite and from {smallest:g} to {largest:g}, got {value!r}.")
    rng = check_generator(random_state)
    U, V = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    dictionary = (U * np.geomspace(condition**0.5, condition**-0.5, n)) @ V
    codes = np.where(rng.random((r, n)) < theta, rng.standard_normal((r, n)), 0.0)
    samples = codes @ dictionary.T
    if noise:
        samples += noise * rng.standard_normal(samples.shape)
    if corruption:
        samples += np.where(rng.random(samples.shape) < corruption, rng.choice([-1.0, 1.0], samples.shape), 0.0)
    extra = round(outliers * r)
    if extra:
        samples = np.vstack([samples, rng.standard_normal((extra, n))])
        codes = np.vstack([codes, np.zeros((extra, n))])
    return PlantedDictionary(samples, dictionary, codes)
