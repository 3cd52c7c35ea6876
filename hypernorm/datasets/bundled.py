"""Real data that is installed with scikit-learn; nothing is downloaded."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import check_choice
from hypernorm._arithmetic import own_arithmetic

__all__ = ["BUNDLED", "load_bundled"]

Bundled: TypeAlias = Literal["digits", "breast_cancer", "diabetes"]
BUNDLED: tuple[Bundled, ...] = get_args(Bundled)
"""The names that `load_bundled` knows."""


@own_arithmetic
def load_bundled(name: Bundled, centered: bool = True) -> np.ndarray:
    """Load a data set as a float64 matrix with one row per sample, without the targets.

    Parameters
    ----------
    name : {"digits", "breast_cancer", "diabetes"}
        - "digits", 1797 × 64: handwritten digits as 8 × 8 images, integers 0 to 16. Centered: the mean of each column
          is subtracted; nothing is scaled. (Pixels that are blank in every image give zero columns.)
        - "breast_cancer", 569 × 30: measurements of cell nuclei in very different units. Centered: the mean of each
          column is subtracted, then the column is divided by its standard deviation (with divisor n).
        - "diabetes", 442 × 10: age, sex, body mass index, blood pressure and six serum measurements. Centered: the mean
          of each column is subtracted, then the column is divided by its Euclidean length.
    centered : bool, default True
        Center (and scale) the columns as described above; if False, the data are in the original units.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If the name is unknown.

    See Also
    --------
    hypernorm.io.read_matrix : Matrices from files.

    Examples
    --------
    >>> X = load_bundled("digits")
    >>> X.shape, bool(abs(X.mean(axis=0)).max() < 1e-12)
    ((1797, 64), True)
    """
    check_choice(name, "name", BUNDLED)
    # Importing scikit-learn takes about a second, so it is imported only here.
    from sklearn import datasets

    if name == "digits":
        X = datasets.load_digits().data
    elif name == "breast_cancer":
        X = datasets.load_breast_cancer().data
    else:
        X = datasets.load_diabetes(scaled=False).data
    X = np.array(X, dtype=np.float64)
    if centered:
        X -= X.mean(axis=0)
        if name == "breast_cancer":
            X /= X.std(axis=0)
        elif name == "diabetes":
            X /= np.linalg.norm(X, axis=0)
    return X
