"""Moments of samples as norms: the rows to search, and the interval for the moment from the one for their norm."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hypernorm._arguments import check_flag, check_sample_weight
from hypernorm._validation import RowMatrix, check_shape
from hypernorm.bounds.climb import Progress, converted
from hypernorm.bounds.interval import Interval
from hypernorm.certificates import SampleMomentCertificate, SampleMomentWitness, SampleRows, of_pieces
from hypernorm.exceptions import CertificateError, ChangedDataError, InvalidInputError
from hypernorm.forms import Rows, fingerprint

__all__ = ["SampleMoment"]

_LEAST_SUM, _LARGEST_SUM = 2.0**-500, 2.0**500


class SampleMoment:
    """A moment of samples in any direction.

    Attributes
    ----------
    rows : Rows
        Their norm is the moment, up to errors that `above` and `below` add.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used, or the samples are too far apart.
    """

    def __init__(self, matrix: RowMatrix, q: float, center: Any, sample_weight: Any, normalize: Any):
        n, d = int(matrix.shape[0]), int(matrix.shape[1])
        self._q = q
        weights = None if sample_weight is None else _check_weights(sample_weight, n)
        fields: dict[str, Any] = {
            "statistic": "mean" if check_flag(normalize, "normalize") else "sum",
            **_center_fields(center, matrix, d, weights),
            "weights": weights,
        }
        try:
            self._samples = SampleRows(matrix, q, **fields)
            self.above, self.below = self._samples.above, self._samples.below
            self.above(0.0)  # the error of the mean may overflow
        except ChangedDataError:
            raise
        except CertificateError as error:
            raise InvalidInputError(f"X cannot be centered or weighted: {error}") from None
        self.rows: Rows = self._samples.rows
        self._fields = {"shape": (n, d), "fingerprint": fingerprint(matrix), **fields}

    @property
    def fingerprint(self) -> str:
        """Of the rows."""
        return fingerprint(self._samples.matrix)

    def reporting(self, progress: bool | Callable[[Progress], None]) -> bool | Callable[[Progress], None]:
        """A progress callback that gets the bounds on the moment in place of those on the norm of the rows."""
        return converted(progress, self.below, self.above)

    def interval(
        self, found: Interval[Any, Any], seconds: float
    ) -> Interval[SampleMomentWitness, SampleMomentCertificate]:
        """The interval for the moment. The checker has proved the one for the rows, and adds the errors."""
        certificate = SampleMomentCertificate(**self._fields, norm=found.certificate)
        lower = self.below(found.lower)
        return Interval(
            quantity=certificate.quantity,
            lower=lower,
            upper=self.above(found.upper),
            unit=lower,
            witness=SampleMomentWitness(**self._fields, q=self._q, value=lower, vector=found.witness.vector),
            certificate=certificate,
            status=found.status,
            records=tuple(dataclasses.replace(record, upper=self.above(record.upper)) for record in found.records),
            seconds=seconds,
        )


def _check_weights(sample_weight: Any, n: int) -> np.ndarray:
    weights = np.array(check_sample_weight(sample_weight, "sample_weight", n))  # the caller may change its own
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not _LEAST_SUM < total < _LARGEST_SUM:
        raise InvalidInputError(
            f"sample_weight has the sum {total:g}, outside the range from 1e-150 to 1e150; multiply it by a constant."
        )
    return weights


def _center_fields(center: Any, matrix: RowMatrix, d: int, weights: np.ndarray | None) -> dict[str, Any]:
    """What is subtracted, and what this stands for."""
    if isinstance(center, bool | np.bool_):
        if not center:
            return {"about": "origin", "location": None}
        return {"about": "mean", "location": _mean(matrix, weights)}
    if np.ndim(center) == 0:
        raise InvalidInputError(f"center must be True, False or an array of shape ({d},), got {center!r}.")
    return {"about": "location", "location": np.array(check_shape(center, "center", (d,)))}


def _mean(matrix: RowMatrix, weights: np.ndarray | None) -> np.ndarray:
    """The mean of the samples; the mean of the differences from a first one corrects its rounding."""
    weights = np.ones(matrix.shape[0]) if weights is None else weights
    shares, mean = weights / weights.sum(), np.zeros(matrix.shape[1])
    for _ in range(2):
        mean = mean + np.sum(of_pieces(matrix, partial(_sums, location=mean), shares), axis=0)
    if not np.isfinite(mean).all():
        raise InvalidInputError("X cannot be centered: its entries are so far apart that differences overflow.")
    return mean


def _sums(X: np.ndarray, shares: np.ndarray, location: np.ndarray) -> np.ndarray:
    """Σ p_i (x_i − m) over the samples of a piece with weight."""
    with np.errstate(all="ignore"):
        kept = shares > 0
        return np.asarray(shares[kept] @ (X[kept] - location))
