"""The protocol of certificates: one base class checks, proves, saves and loads every kind.

A kind of certificate is a frozen dataclass whose attributes declare their fields, with two methods. `read` checks that
the user's data are those of the certificate, and returns the subject of the proof. `establish` proves the claim for
that subject. This module does everything else, see development/add_a_certificate of the documentation.
"""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from hypernorm._archive import write_archive
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import Result, html_table
from hypernorm.certificates.fields import Members, Sizes, declared_fields
from hypernorm.certificates.rounding import check_arithmetic
from hypernorm.certificates.verified import Claim
from hypernorm.exceptions import CertificateError, InvalidInputError

__all__ = ["FORMAT_VERSION", "Certificate"]

FORMAT_VERSION = 1

Proof = TypeVar("Proof", bound="Certificate")


class Certificate(Result, ABC):
    """A claim about a matrix, with everything that its proof needs.

    No field is trusted: `verify` proves the claim for the user's data. Rely on the number that `verify` returns; the
    claimed number may differ from it in the last places.

    See Also
    --------
    load_certificate : Read one from a file.
    two_to_q_norm : Compute an interval whose upper end a certificate proves.

    Notes
    -----
    How a proof includes its rounding errors is said in theory/verification of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.array([[3.0, 0.0], [0.0, 4.0]])
    >>> certificate = hn.spectral_bound(X, q=4, kind="row_norm")
    >>> 4 <= certificate.verify(X).upper < 4 + 1e-9
    True

    What a new kind of certificate defines, and what the base class makes of it:

    >>> certificate.describe()
    {'kind': 'row_norm', 'q': 4.0, 'shape': [2, 2]}
    >>> hn.Witness.sizes({"shape": (2, 2)})
    {'n': 2, 'd': 2}
    >>> certificate.rules()  # the fields do not contradict one another
    >>> subject = certificate.read(X)
    >>> certificate.prove(subject).upper == certificate.establish(subject, exact=False).upper
    True
    >>> certificate.owned().upper == certificate.upper, sorted(certificate.members())[:3]
    (True, ['exponent', 'fingerprint', 'kind'])
    """

    __slots__ = ()

    kinds: ClassVar[tuple[str, ...]]
    """The names of the kinds of this class in files."""

    data_name: ClassVar[str] = "X"
    """The name of the data in messages."""

    has_exact_proof: ClassVar[bool] = False
    """Whether the kind has a proof in exact arithmetic as well as one in floating point."""

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
        """The claimed number; None if only a proof yields one."""
        return None

    def describe(self) -> dict[str, Any]:
        """The subject of the claim, as a dictionary of JSON values.

        Returns
        -------
        dict
        """
        return {}

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        """The values of the symbols in the shapes of fields, from the fields declared before.

        By default "n" and "d" are the sides of the field `shape`, and "k" is the field `rank` if there is one.

        Parameters
        ----------
        known : mapping
            The fields declared before, by name.

        Returns
        -------
        dict
            The side of each symbol; None for one that is not known.
        """
        if "shape" not in known:
            return {}
        rank = {"k": known["rank"]} if "rank" in known else {}
        return {**dict(zip("nd", known["shape"], strict=True)), **rank}

    def rules(self) -> None:
        """Raise a `CertificateError` if fields contradict one another; each has passed its own check.

        Raises
        ------
        CertificateError
            If they do.
        """

    @abstractmethod
    def read(self, data: Any) -> Any:
        """Check that the data are those of the certificate; return the subject of the proof.

        It is called on a private copy with checked fields.

        Parameters
        ----------
        data : object
            As given to `verify`.

        Returns
        -------
        object
            The subject of the proof.

        Raises
        ------
        CertificateError
            If the certificate was made for other data.
        """

    @abstractmethod
    def establish(self, subject: Any, *, exact: bool) -> Any:
        """Prove the claim and return a `Verified`, or raise a `CertificateError`.

        It is called on a private copy with checked fields.

        Parameters
        ----------
        subject : object
            As returned by `read`.
        exact : bool
            Prove in exact arithmetic.

        Returns
        -------
        Verified

        Raises
        ------
        CertificateError
            If the proof fails.
        """

    @own_arithmetic
    def verify(self, data: Any, *, exact: bool = False) -> Any:
        """Prove the claim from scratch.

        Parameters
        ----------
        data : array_like, DataFrame, sparse matrix or Dask array
            The matrix of the certificate; for an expansion certificate also a graph of networkx.
        exact : bool, default False
            Prove in exact integer arithmetic (python-flint) instead of floating point with bounded rounding errors.
            An exact proof relies neither on the processor's rounding nor on LAPACK, and costs 10 to 1,000 times more.

        Returns
        -------
        Verified
            A `VerifiedBound`, a `VerifiedValue`, or another subclass that the kind of certificate documents.

        Raises
        ------
        CertificateError
            If the certificate was made for other data or does not prove its claim.
        InvalidInputError
            If the data cannot be used, or if `exact` is true and the kind has no exact proof.

        See Also
        --------
        hypernorm.load_certificate : Read a certificate from a file.

        Examples
        --------
        >>> import numpy as np, hypernorm as hn
        >>> X = np.eye(3)
        >>> certificate = hn.two_to_q_norm(X, random_state=0).certificate
        >>> 1 <= certificate.verify(X, exact=True).upper < 1 + 1e-6
        True
        """
        start = time.perf_counter()
        own = self.owned()
        proved = own._established(own.read(data), exact)
        return dataclasses.replace(proved, seconds=time.perf_counter() - start)

    @own_arithmetic
    def prove(self, subject: Any, *, exact: bool = False) -> Any:
        """Prove the claim for a subject that the caller knows to be the right one.

        Parameters
        ----------
        subject : object
            As returned by `read`.
        exact : bool, default False
            As for `verify`.

        Returns
        -------
        Verified

        Raises
        ------
        CertificateError
            If the proof fails.
        InvalidInputError
            If `exact` is true and the kind has no exact proof.
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
        """Return a private copy with checked fields; each field is read once.

        Fields named in `omitted` are neither read nor checked, and None in the copy.

        Parameters
        ----------
        *omitted : str
            Names of fields.

        Returns
        -------
        Certificate

        Raises
        ------
        CertificateError
            If a field is missing or invalid, or if the fields contradict one another.
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
        """The arrays of the certificate's file, by name.

        Returns
        -------
        dict of ndarray
        """
        members = {"kind": np.array(self.kind, dtype=np.str_)}
        for name, field in declared_fields(type(self)).items():
            members |= field.write(getattr(self, name), name)
        return members

    @own_arithmetic
    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate to one ``.npz`` file; an existing file is replaced only by a complete one.

        Both `hypernorm.load_certificate` and `numpy.load` read the file.

        Parameters
        ----------
        path : path

        Raises
        ------
        InvalidInputError
            If the folder does not exist or cannot be written.

        See Also
        --------
        hypernorm.load_certificate : Read the file, with an example.

        Examples
        --------
        >>> import tempfile, pathlib, numpy as np, hypernorm as hn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "certificate.npz"
        ...     hn.spectral_bound(np.eye(3)).save(path)
        ...     sorted(np.load(path))[:3]
        ['exponent', 'fingerprint', 'format_version']
        """
        target = Path(path)
        try:
            write_archive(target, {"format_version": np.array(FORMAT_VERSION, dtype="<i8"), **self.owned().members()})
        except OSError as error:
            raise InvalidInputError(f"Cannot write the certificate to {target}: {error.strerror or error}.") from None

    def __repr__(self) -> str:
        try:
            return self._shown()
        except (CertificateError, AttributeError, TypeError, ValueError):
            return f"{type(self).__name__}(broken)"

    def _repr_html_(self) -> str:
        try:
            entries = list(self._entries())
        except (CertificateError, AttributeError, TypeError, ValueError):
            return html_table(type(self).__name__, [("broken", "a field is missing or invalid")])
        return html_table(type(self).__name__, entries)

    def _entries(self) -> Iterable[tuple[str, str]]:
        """The claim, which `verify` proves, and what it is about."""
        claim = self.claim
        if claim is not None:
            yield f"claimed {'upper' if claim.is_upper else 'lower'} bound", claim.rounded(12)
        yield "of", self.quantity
        for name, value in self.describe().items():
            yield name, _short(value)

    def _shown(self) -> str:
        items = [f"{name}={_short(value)}" for name, value in self.describe().items()]
        claim = self.claim
        if claim is not None:
            items.append(f"upper={claim.rounded(12)} as claimed" if claim.is_upper else f"value={claim.rounded(12)}")
        return f"{type(self).__name__}({', '.join(items)})"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"({', '.join(map(_short, value))})"
    return repr(value)
