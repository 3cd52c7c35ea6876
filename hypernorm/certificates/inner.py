"""Fields that hold other certificates: one, or a tuple of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hypernorm._archive_reader import ArchiveReader
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Field, Members, Sizes
from hypernorm.certificates.files import parse_members
from hypernorm.exceptions import CertificateError

__all__ = ["Inner", "InnerTuple"]

_MOST = 64


class InnerTuple(Field):
    """A non-empty tuple of certificates of one of the classes, or None if `optional`.

    In a file ``name`` is their number, 0 for None, and ``name_i.m`` the member m of certificate i.
    """

    def __init__(self, *kinds: type[Certificate], optional: bool = False):
        super().__init__()
        self.kinds, self.optional = kinds, optional

    def check(self, value: Any, name: str, sizes: Sizes) -> tuple[Certificate, ...] | None:
        if self.optional and value is None:
            return None
        if not (type(value) is tuple and 0 < len(value) <= _MOST):
            raise CertificateError(f"The certificate's {self.called(name)} must be a tuple of 1 to 64 certificates.")
        return tuple(_own(item, self.kinds, self.called(name)) for item in value)

    def write(self, value: Any, name: str) -> Members:
        items = () if value is None else value
        members = {name: np.array(len(items), dtype="<i8")}
        for index, item in enumerate(items):
            members |= {f"{name}_{index}.{member}": array for member, array in item.members().items()}
        return members

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> tuple[Certificate, ...] | None:
        count = int(reader.scalar(name, "<i8"))
        if self.optional and count == 0:
            return None
        if not 0 < count <= _MOST:
            raise CertificateError(f"the number of {self.called(name)} is {count}, it must be from 1 to {_MOST}")
        return tuple(parse_members(reader.part(f"{name}_{index}."), *self.kinds) for index in range(count))


class Inner(Field):
    """A certificate of one of the classes, or None if `optional`. Its member m is stored as ``name.m``."""

    def __init__(self, *kinds: type[Certificate], optional: bool = False):
        super().__init__()
        self.kinds, self.optional = kinds, optional

    def check(self, value: Any, name: str, sizes: Sizes) -> Certificate | None:
        return None if self.optional and value is None else _own(value, self.kinds, self.called(name))

    def write(self, value: Any, name: str) -> Members:
        members = {name: np.array(value is not None, dtype="<i8")}
        if value is not None:
            members |= {f"{name}.{member}": array for member, array in value.members().items()}
        return members

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> Certificate | None:
        count = int(reader.scalar(name, "<i8"))
        if count not in (0, 1) or (count == 0 and not self.optional):
            raise CertificateError(f"the number of certificates for {self.called(name)} cannot be {count}")
        return parse_members(reader.part(f"{name}."), *self.kinds) if count else None


def _own(value: Any, kinds: tuple[type[Certificate], ...], name: str) -> Certificate:
    # A subclass could override the proof.
    if type(value) not in kinds:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise CertificateError(f"The certificate's {name} must be of type {names}.")
    owned: Certificate = value.owned()
    return owned
