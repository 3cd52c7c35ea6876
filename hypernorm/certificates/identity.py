"""Whether a matrix is the one that a certificate is about."""

from __future__ import annotations

from typing import Any

from hypernorm._validation import RowMatrix
from hypernorm.certificates.fields import check_fingerprint, check_sides
from hypernorm.exceptions import CertificateError
from hypernorm.forms import fingerprint

__all__ = ["check_identity"]


def check_identity(matrix: RowMatrix, shape: Any, digest: Any) -> None:
    """Compare shape and fingerprint of a matrix with what a certificate says.

    Raises
    ------
    CertificateError
    """
    sides, digest = check_sides(shape), check_fingerprint(digest)
    found = (int(matrix.shape[0]), int(matrix.shape[1]))
    if found != sides:
        raise CertificateError(f"The certificate is for another matrix, of shape {sides}; X has shape {found}.")
    if fingerprint(matrix) != digest:
        raise CertificateError("The certificate is for another matrix: the fingerprint of X differs.")
