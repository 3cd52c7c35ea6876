"""Subjects of proofs: the user's data, compared with the shape and the fingerprint in a certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from hypernorm._chunks import Chunks
from hypernorm._pages import Pages
from hypernorm._validation import RowMatrix, as_dense, check_matrix, check_samples
from hypernorm.certificates.values import check_fingerprint
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows, fingerprint

__all__ = [
    "check_identity",
    "check_radius",
    "dense_copy",
    "other_data",
    "plain_rows",
    "read_samples",
    "samples_of",
    "scaled_rows",
]


def read_samples(data: Any, shape: tuple[int, int], digits: str) -> RowMatrix:
    """Return the matrix of a certificate, after one check of its entries and of its identity.

    Raises
    ------
    CertificateError
        If its shape differs from `shape`, or its fingerprint from `digits`, a SHA-256 in hexadecimal.
    InvalidInputError
        If the matrix cannot be used.
    """
    matrix = check_samples(data)
    check_identity(matrix, shape, digits)
    return matrix


def dense_copy(data: Any, shape: tuple[int, int], digits: str) -> np.ndarray:
    """`read_samples` as an array of its own, which no one else can change.

    Raises
    ------
    CertificateError
    InvalidInputError
    """
    matrix = check_matrix(data, copy=True)
    check_identity(matrix, shape, digits)
    return as_dense(matrix)


def plain_rows(subject: Any, columns: int) -> Rows:
    """The subject of a proof about rows: rows of a matrix with so many columns, neither reweighted nor shifted.

    Raises
    ------
    CertificateError
    """
    if type(subject) is not Rows or subject.multiplier is not None or subject.shift is not None:
        raise CertificateError("A certificate is about the rows of a matrix, not about reweighted or shifted ones.")
    if subject.shape[1] != columns:
        raise CertificateError(f"The certificate is for {columns} columns, the matrix has {subject.shape[1]}.")
    return subject


def scaled_rows(subject: Any, columns: int, exponent: int, count: int | None = None) -> Rows:
    """`plain_rows` that are divided by the 2**`exponent` of a certificate; `count` of them, if that is given.

    Raises
    ------
    CertificateError
    """
    rows = plain_rows(subject, columns)
    if count is None and rows.exponent != exponent:
        raise CertificateError(f"The certificate is for the scale 2**{exponent}, X has 2**{rows.exponent}.")
    if count is not None and (rows.shape[0], rows.exponent) != (count, exponent):
        raise CertificateError(
            f"The certificate is for {count} rows of scale 2**{exponent}, X has {rows.shape[0]} of scale "
            f"2**{rows.exponent}."
        )
    return rows


def check_radius(radius: float, rows: Rows) -> None:
    """Check that the radius of a certificate is about the length of the longest row, which is not zero.

    Raises
    ------
    CertificateError
    """
    if not abs(radius / float(rows.norms.max()) - 1) <= 1e-6:
        raise CertificateError(f"The certificate's radius {radius:.17g} is not the length of the longest row.")


def samples_of(subject: Any, shape: tuple[int, int]) -> RowMatrix:
    """The subject of a proof about samples: a matrix as `read_samples` returns it, of the given shape.

    Raises
    ------
    CertificateError
    """
    usual = type(subject) in (np.ndarray, sp.csr_array, Chunks, Pages)
    if not usual or (int(subject.shape[0]), int(subject.shape[1])) != shape:
        raise CertificateError(f"The subject of the proof must be a matrix of samples of shape {shape}.")
    return subject


def check_identity(matrix: RowMatrix, shape: tuple[int, int], digits: str) -> None:
    """Compare the shape and the fingerprint of a matrix with those in a certificate.

    Raises
    ------
    CertificateError
        If either differs.
    """
    found = (int(matrix.shape[0]), int(matrix.shape[1]))
    if found != shape:
        raise CertificateError(f"The certificate is for another matrix, of shape {shape}; X has shape {found}.")
    if fingerprint(matrix) != check_fingerprint(digits):
        raise other_data("X")


def other_data(name: str) -> CertificateError:
    """The error for data of the right shape that have another fingerprint."""
    return CertificateError(
        f"The certificate is for another matrix: the fingerprint of {name} differs: values or their order differ. The "
        f"bound may still be true of these data: compute your own."
    )
