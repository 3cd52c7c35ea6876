"""The protocol of proofs: every kind is checked, read, proved, saved and loaded through this code.

A kind of certificate is a frozen dataclass whose attributes declare their fields, with two methods: `read` turns the
user's data into the subject of the proof, once it is found to be what the certificate is about; `establish` proves the
claim for that subject. Everything else is done here, see docs/development/add_a_certificate.md.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_type_hints

import numpy as np

from hypernorm._archive import write_archive
from hypernorm._archive_reader import ArchiveReader, DamagedArchiveError, read_archive
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import printable
from hypernorm._validation import RowMatrix, check_samples
from hypernorm.certificates.fields import Field, Members, Sizes
from hypernorm.certificates.rounding import check_arithmetic
from hypernorm.certificates.values import check_fingerprint
from hypernorm.certificates.verified import Claim
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import fingerprint

__all__ = [
    "Certificate",
    "check_identity",
    "load_certificate",
    "read_samples",
    "register",
]

FORMAT_VERSION = 1

Kind = TypeVar("Kind", bound="type[Certificate]")
Proof = TypeVar("Proof", bound="Certificate")

_KINDS: dict[str, type[Certificate]] = {}


class Certificate(ABC):
    """A claim about a matrix, with all that is needed to prove it from scratch.

    Nothing that a certificate holds is believed: `verify` proves the claim for data that the user gives. What counts
    is the number that `verify` returns; the number that a certificate claims is the same, short of the last places.
    """

    __slots__ = ()

    kinds: ClassVar[tuple[str, ...]]
    """The names of this class in files."""

    data_name: ClassVar[str] = "X"
    """How messages call the data."""

    has_exact_proof: ClassVar[bool] = True
    """Whether there is a proof in exact arithmetic beside the one in floating point."""

    @property
    def kind(self) -> str:
        """The name of the kind in files."""
        return self.kinds[0]

    @property
    @abstractmethod
    def quantity(self) -> str:
        """What is bounded, in plain text."""

    @property
    def claim(self) -> Claim | None:
        """The number that is claimed; None if a proof alone can tell it."""
        return None

    def describe(self) -> dict[str, Any]:
        """What the claim is about, as JSON values by their names."""
        return {}

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        """What the symbols in the shapes of fields stand for, from the fields before them.

        By default "n" and "d" are the sides of the field `shape`.
        """
        return dict(zip("nd", known["shape"], strict=True)) if "shape" in known else {}

    def rules(self) -> None:  # noqa: B027
        """Raise a `CertificateError` if fields, each of which is right by itself, do not fit together."""

    @abstractmethod
    def read(self, data: Any) -> Any:
        """Return the subject of the proof, once the data are found to be those that the certificate is about.

        It is called on a private copy, whose fields have been checked.
        """

    @abstractmethod
    def establish(self, subject: Any, *, exact: bool) -> Any:
        """Prove the claim and return a `Verified`, or raise a `CertificateError`.

        It is called on a private copy, whose fields have been checked.
        """

    @own_arithmetic
    def verify(self, data: Any, *, exact: bool = False) -> Any:
        """Prove the claim from scratch.

        Parameters
        ----------
        data : array_like, DataFrame, sparse matrix or Dask array
            The matrix that the certificate is about; for an expansion certificate also a graph of networkx.
        exact : bool
            Prove in exact integer arithmetic (python-flint) instead of floating point with bounded rounding errors.
            Such a proof trusts neither the processor's rounding nor LAPACK, and costs 10 to 1,000 times more.

        Returns
        -------
        Verified
            A `VerifiedBound`, a `VerifiedValue`, or what the kind of certificate says.

        Raises
        ------
        CertificateError
            If the certificate was made for other data or does not prove its claim.
        InvalidInputError
            If the data cannot be used, or `exact` is asked of a kind that has no exact proof.
        """
        start = time.perf_counter()
        own = self.owned()
        proved = own._established(own.read(data), exact)
        return dataclasses.replace(proved, seconds=time.perf_counter() - start)

    @own_arithmetic
    def prove(self, subject: Any, *, exact: bool = False) -> Any:
        """Prove the claim for a subject whose identity the caller has established.

        Parameters
        ----------
        subject : object
            What `read` returns.
        exact : bool

        Returns
        -------
        Verified

        Raises
        ------
        CertificateError
            If the proof does not go through.
        """
        start = time.perf_counter()
        proved = self.owned()._established(subject, exact)
        return dataclasses.replace(proved, seconds=time.perf_counter() - start)

    def _established(self, subject: Any, exact: bool) -> Any:
        if exact and not self.has_exact_proof:
            raise InvalidInputError(
                f"exact=True: a certificate of kind {self.kind!r} is proved in floating point only, with all rounding "
                f"errors bounded; leave exact out."
            )
        check_arithmetic()
        return self.establish(subject, exact=exact)

    def owned(self: Proof, *omitted: str) -> Proof:
        """Return a copy whose fields have been checked and which nobody else can change; each field is read once.

        Fields that are `omitted` are neither read nor checked, and None in the copy.

        Raises
        ------
        CertificateError
        """
        known: dict[str, Any] = {}
        for name, field in declared_fields(type(self)).items():
            if name not in omitted:
                try:
                    value = getattr(self, name)
                except AttributeError:
                    raise CertificateError(f"A {type(self).__name__} is broken: it has no {name}.") from None
                known[name] = field.check(value, name, self.sizes(known))
        own = type(self)(**known, **dict.fromkeys(omitted))
        if not omitted:
            own.rules()
        return own

    def members(self) -> Members:
        """The arrays that hold the certificate in a file."""
        members = {"kind": np.array(self.kind, dtype=np.str_)}
        for name, field in declared_fields(type(self)).items():
            members |= field.write(getattr(self, name), name)
        return members

    @own_arithmetic
    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate to one ``.npz`` file, replacing an existing file only when complete.

        `hypernorm.load_certificate` reads it, and numpy alone can.

        Raises
        ------
        InvalidInputError
            If the folder does not exist or cannot be written.
        """
        target = Path(path)
        try:
            write_archive(target, {"format_version": np.array(FORMAT_VERSION, dtype="<i8"), **self.members()})
        except OSError as error:
            raise InvalidInputError(f"Cannot write the certificate to {target}: {error.strerror or error}.") from None

    def __repr__(self) -> str:
        items = [f"{name}={_short(value)}" for name, value in self.describe().items()]
        claim = self.claim
        if claim is not None:
            items.append(f"upper={claim.rounded(12)} as claimed" if claim.is_upper else f"value={claim.rounded(12)}")
        return f"{type(self).__name__}({', '.join(items)})"


@functools.cache
def declared_fields(kind: type[Certificate]) -> dict[str, Field]:
    """The fields of a class by the names of its attributes, in their order."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        attribute.name: next(item for item in hints[attribute.name].__metadata__ if isinstance(item, Field))
        for attribute in dataclasses.fields(kind)  # type: ignore[arg-type]
    }


def register(kind: Kind) -> Kind:
    """Make a class known to `load_certificate` under its `kinds`; a class decorator."""
    for name in kind.kinds:
        other = _KINDS.setdefault(name, kind)
        if (other.__module__, other.__qualname__) != (kind.__module__, kind.__qualname__):
            raise TypeError(f"the kind {name!r} is that of {other.__qualname__} already")
        _KINDS[name] = kind
    return kind


@own_arithmetic
def load_certificate(path: str | PathLike[str]) -> Certificate:
    """Read what the method `save` of a certificate wrote, possibly damaged or tampered with since.

    Parameters
    ----------
    path : path

    Returns
    -------
    Certificate
        Of the class that the file names; well-formed, and not yet verified: call `verify` with the matrix.

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
    return parse_members(reader, Certificate)  # type: ignore[type-abstract]


def parse_members(reader: ArchiveReader, expected: type[Proof]) -> Proof:
    """The certificate of an expected class in the members of an archive, well-formed and not yet verified."""
    name = reader.text("kind")
    kind = _KINDS.get(name)
    if kind is None or not issubclass(kind, expected):
        raise CertificateError(f"no certificate of kind {name!r} is known here")
    known: dict[str, Any] = {}
    for attribute, field in declared_fields(kind).items():
        # A class of several kinds has the kind for a field.
        value = name if attribute == "kind" else field.read(reader, attribute, kind.sizes(known))
        known[attribute] = value
    certificate = kind(**known)
    certificate.rules()
    return certificate


def read_samples(data: Any, shape: tuple[int, int], digits: str) -> RowMatrix:
    """The matrix that a certificate is about, checked once and fingerprinted once.

    Raises
    ------
    CertificateError
        If its shape or its fingerprint, a SHA-256 in hexadecimal digits, is another.
    InvalidInputError
        If it cannot be used.
    """
    matrix = check_samples(data)
    check_identity(matrix, shape, digits)
    return matrix


def check_identity(matrix: RowMatrix, shape: tuple[int, int], digits: str) -> None:
    """Compare shape and fingerprint of a matrix with what a certificate says.

    Raises
    ------
    CertificateError
    """
    found = (int(matrix.shape[0]), int(matrix.shape[1]))
    if found != shape:
        raise CertificateError(f"The certificate is for another matrix, of shape {shape}; X has shape {found}.")
    if fingerprint(matrix) != check_fingerprint(digits):
        raise CertificateError("The certificate is for another matrix: the fingerprint of X differs.")


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"({', '.join(map(_short, value))})"
    return repr(value)
