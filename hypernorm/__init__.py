"""Certified approximation of matrix norms: proved bounds from both sides.

>>> import numpy as np, hypernorm as hn
>>> X = np.random.default_rng(0).standard_normal((100, 5))
>>> interval = hn.two_to_q_norm(X, q=4, random_state=0)
>>> interval.certificate.verify(X).upper >= interval.witness.verify(X).lower
True

Documentation: https://hypernorm.readthedocs.io
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from hypernorm.bounds import (
    BoundRecord,
    Interval,
    Progress,
    Status,
    approximation_factor,
    conic_bound,
    cut_norm,
    lower_bound,
    operator_approximation_factor,
    operator_certificate,
    operator_norm,
    smallest_gain,
    sos_bound,
    sos_problem,
    spectral_bound,
    two_to_q_norm,
)
from hypernorm.certificates import (
    Certificate,
    NormCertificate,
    OperatorCertificate,
    OperatorWitness,
    Rigor,
    Verified,
    VerifiedBound,
    VerifiedValue,
    Witness,
    load_certificate,
)
from hypernorm.exceptions import (
    CertificateError,
    ChangedDataError,
    ConvergenceWarning,
    HypernormError,
    InvalidInputError,
    TooLargeError,
)
from hypernorm.spectral import (
    Enclosure,
    LowRank,
    LowRankError,
    NuclearBounds,
    SingularValues,
    k_support_norm,
    ky_fan_norm,
    low_rank_error,
    max_norm,
    nuclear_bounds,
    schatten_norm,
    singular_values,
    tucker_error,
)

__version__ = "0.2.0"

__all__ = [
    "BoundRecord",
    "Certificate",
    "CertificateError",
    "ChangedDataError",
    "ConvergenceWarning",
    "Enclosure",
    "HypernormError",
    "Interval",
    "InvalidInputError",
    "LowRank",
    "LowRankError",
    "NormCertificate",
    "NuclearBounds",
    "OperatorCertificate",
    "OperatorWitness",
    "Progress",
    "Rigor",
    "SingularValues",
    "Status",
    "TooLargeError",
    "Verified",
    "VerifiedBound",
    "VerifiedValue",
    "Witness",
    "approximation_factor",
    "conic_bound",
    "cut_norm",
    "k_support_norm",
    "ky_fan_norm",
    "load_certificate",
    "low_rank_error",
    "lower_bound",
    "max_norm",
    "nuclear_bounds",
    "operator_approximation_factor",
    "operator_certificate",
    "operator_norm",
    "schatten_norm",
    "singular_values",
    "smallest_gain",
    "sos_bound",
    "sos_problem",
    "spectral_bound",
    "tucker_error",
    "two_to_q_norm",
]

# Imported when they are first asked for: some import scikit-learn, which takes a second.
_LATER = ("applications", "datasets", "dictionary", "io", "linear_model", "plotting", "robust", "separable")


if not TYPE_CHECKING:  # type checkers would take every misspelt name for one of these

    def __getattr__(name: str) -> ModuleType:
        if name in _LATER:
            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
