"""Certificates from files, which may be damaged or forged."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from hypernorm._archive_reader import ArchiveReader, DamagedArchiveError, read_archive
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import printable
from hypernorm.certificates.base import FORMAT_VERSION, Certificate
from hypernorm.certificates.fields import declared_fields
from hypernorm.certificates.registry import REGISTERED
from hypernorm.exceptions import CertificateError, InvalidInputError

__all__ = ["load_certificate", "parse_members"]


@own_arithmetic
def load_certificate(path: str | PathLike[str]) -> Certificate:
    """Read a certificate from a file, which may be damaged or forged.

    Parameters
    ----------
    path : path
        File that the method `save` of a certificate wrote.

    Returns
    -------
    Certificate
        Of the class that the file names. It is well-formed but not verified: call `verify` with the matrix.

    Raises
    ------
    CertificateError
        If the file is not a well-formed certificate; the message names the fault.
    InvalidInputError
        If the file does not exist or cannot be read.

    See Also
    --------
    hypernorm.certificates.Certificate.verify : Prove the claim.
    hypernorm.certificates.Certificate.save : Write a certificate.

    Notes
    -----
    The format of the file is said in theory/verification of the documentation.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np, hypernorm as hn
    >>> interval = hn.two_to_q_norm(np.eye(3), random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "witness.npz"
    ...     interval.witness.save(path)
    ...     hn.load_certificate(path).verify(np.eye(3)).lower == interval.lower
    True
    """
    source = Path(path)
    try:
        return read_archive(source, _parse)
    except OSError as error:
        raise InvalidInputError(f"Cannot read the certificate {source}: {error.strerror or error}.") from None
    except (CertificateError, DamagedArchiveError) as error:
        raise CertificateError(f"{printable(str(source))}: {error}") from None


def _parse(reader: ArchiveReader) -> Certificate:
    version = int(reader.scalar("format_version", "<i8"))
    if version != FORMAT_VERSION:
        raise CertificateError(f"format version {version} is not supported, this hypernorm reads {FORMAT_VERSION}")
    return parse_members(reader)


def parse_members(reader: ArchiveReader, *expected: type[Certificate]) -> Certificate:
    """Return the certificate in an archive, of one of the classes if any are given: well-formed but not verified."""
    name = reader.text("kind")
    kind = REGISTERED.get(name)
    if kind is None or (expected and kind not in expected):
        raise CertificateError(f"no certificate of kind {name!r} is known here")
    known: dict[str, Any] = {}
    for attribute, field in declared_fields(kind).items():
        # A class of several kinds has a field `kind`.
        value = name if attribute == "kind" else field.read(reader, attribute, kind.sizes(known))
        known[attribute] = value
    certificate = kind(**known)
    certificate.rules()
    return certificate
