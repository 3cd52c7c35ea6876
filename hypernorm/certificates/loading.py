"""Reading a certificate of whatever kind from its file."""

from __future__ import annotations

from os import PathLike

from hypernorm._archive_reader import ArchiveReader
from hypernorm._arithmetic import own_arithmetic
from hypernorm.certificates.norm import Certificate
from hypernorm.certificates.separable import SEPARABLE, SeparableCertificate, parse_separable
from hypernorm.certificates.storage import parse_content, read_members
from hypernorm.certificates.witness import WITNESS, Witness, parse_witness

__all__ = ["load_certificate"]


@own_arithmetic
def load_certificate(path: str | PathLike[str]) -> Certificate | Witness | SeparableCertificate:
    """Read what `Certificate.save`, `Witness.save` or `SeparableCertificate.save` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    Certificate, Witness or SeparableCertificate
        By the kind that the file names; well-formed, and not yet verified: call `verify` with the matrix.

    Raises
    ------
    CertificateError
        If the file is not a well-formed certificate; the message says what is wrong.
    InvalidInputError
        If there is no such file or it cannot be read.

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
    return read_members(path, _parse)


def _parse(kind: str, reader: ArchiveReader) -> Certificate | Witness | SeparableCertificate:
    if kind == WITNESS:
        return parse_witness(reader)
    if kind == SEPARABLE:
        return parse_separable(reader)
    return Certificate(*parse_content(kind, reader))
