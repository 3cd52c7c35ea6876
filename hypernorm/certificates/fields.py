"""Fields of certificates: each declares how an attribute is checked, written and read.

A certificate annotates each attribute with a field, which gives its type, its symbolic shape and its range:

    vector: Annotated[np.ndarray, Array("d")]

`hypernorm.certificates.base` applies the fields in order of declaration. Rules between fields stand in the method
`rules` of the certificate.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

import numpy as np

from hypernorm._archive_reader import ArchiveReader
from hypernorm.certificates.values import (
    check_choice,
    check_fingerprint,
    check_integer,
    check_real,
    check_sides,
    check_tuple,
    private_array,
)
from hypernorm.exceptions import CertificateError

__all__ = [
    "Array",
    "Choice",
    "Field",
    "Fingerprint",
    "Integer",
    "Matrices",
    "Members",
    "Numbers",
    "Pair",
    "Real",
    "Shape",
    "Sizes",
    "declared_fields",
]

Sizes = Mapping[str, Any]
"""The values of the symbols in shapes, see `hypernorm.certificates.base.Certificate.sizes`."""

Members = dict[str, np.ndarray]
"""The arrays of a file by name."""


class Field(ABC):
    """How one attribute of a certificate is checked, written and read.

    Parameters
    ----------
    label : str, optional
        The name of the attribute in messages; by default its name in code, with spaces for underscores.
    """

    def __init__(self, label: str | None = None):
        self.label = label

    def called(self, name: str) -> str:
        """The name of the attribute in messages."""
        return self.label or name.replace("_", " ")

    @abstractmethod
    def check(self, value: Any, name: str, sizes: Sizes) -> Any:
        """Return the checked value, or a private copy of an array; raise a `CertificateError` if it is invalid."""

    @abstractmethod
    def write(self, value: Any, name: str) -> Members:
        """Return the arrays that hold the value in a file."""

    @abstractmethod
    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> Any:
        """Read the value from an untrusted file, and return it checked."""


class Real(Field):
    """A float with `least` ≤ value < `below`; if `optional` also None, which is stored as NaN."""

    def __init__(
        self,
        least: float = -math.inf,
        below: float = math.inf,
        *,
        infinite: bool = False,
        optional: bool = False,
        label: str | None = None,
    ):
        super().__init__(label)
        self.least, self.below, self.infinite, self.optional = least, below, infinite, optional

    def check(self, value: Any, name: str, sizes: Sizes) -> float | None:
        if self.optional and value is None:
            return None
        return check_real(value, self.called(name), self.least, self.below, infinite=self.infinite)

    def write(self, value: Any, name: str) -> Members:
        return {name: np.array(math.nan if value is None else value, dtype="<f8")}

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> float | None:
        value = float(reader.scalar(name, "<f8"))
        return self.check(None if self.optional and math.isnan(value) else value, name, sizes)


class Integer(Field):
    """An int with `least` ≤ value ≤ `most`."""

    def __init__(self, least: int, most: int, label: str | None = None):
        super().__init__(label)
        self.least, self.most = least, most

    def check(self, value: Any, name: str, sizes: Sizes) -> int:
        return check_integer(value, self.called(name), self.least, self.most)

    def write(self, value: Any, name: str) -> Members:
        return {name: np.array(value, dtype="<i8")}

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> int:
        return self.check(int(reader.scalar(name, "<i8")), name, sizes)


class Choice(Field):
    """One of several strings."""

    def __init__(self, choices: Sequence[str], label: str | None = None):
        super().__init__(label)
        self.choices = tuple(choices)

    def check(self, value: Any, name: str, sizes: Sizes) -> str:
        return check_choice(value, self.called(name), self.choices)

    def write(self, value: Any, name: str) -> Members:
        return {name: np.array(value, dtype=np.str_)}

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> str:
        return self.check(reader.text(name), name, sizes)


class Fingerprint(Choice):
    """The hexadecimal digits of a SHA-256."""

    def __init__(self) -> None:
        super().__init__(())

    def check(self, value: Any, name: str, sizes: Sizes) -> str:
        return check_fingerprint(value)


class Pair(Field):
    """Two ints from 1 to `most`."""

    def __init__(self, most: int, label: str | None = None):
        super().__init__(label)
        self.most = most

    def check(self, value: Any, name: str, sizes: Sizes) -> tuple[int, int]:
        first, second = check_tuple(value, self.called(name), 2, "positive integers")
        if not (type(first) is type(second) is int and 1 <= min(first, second) <= max(first, second) <= self.most):
            raise CertificateError(f"There is no certificate of {self.called(name)} {_numbers(value)}.")
        return first, second

    def write(self, value: Any, name: str) -> Members:
        return {name: np.array(value, dtype="<i8")}

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> tuple[int, int]:
        first, second = (int(side) for side in reader.array(name, ("<i8",), (2,)))
        return self.check((first, second), name, sizes)


class Shape(Pair):
    """The shape of the matrix of a certificate."""

    def __init__(self) -> None:
        super().__init__(0)

    def check(self, value: Any, name: str, sizes: Sizes) -> tuple[int, int]:
        return check_sides(value)


class Numbers(Field):
    """A tuple of floats ≥ `least`, whose length is the symbol `count`."""

    def __init__(self, count: str, least: float = -math.inf, *, label: str | None = None):
        super().__init__(label)
        self.count, self.least = count, least

    def check(self, value: Any, name: str, sizes: Sizes) -> tuple[float, ...]:
        items = check_tuple(value, self.called(name), sizes[self.count], f"numbers, one for each of the {self.count}")
        for item in items:
            if not (type(item) is float and math.isfinite(item) and item >= self.least):
                sign = ", non-negative" if self.least == 0 else ""
                raise CertificateError(
                    f"The certificate's {self.called(name)} must be finite floats{sign}: a value is negative, "
                    f"infinite, NaN or not a float."
                )
        return items

    def write(self, value: Any, name: str) -> Members:
        return {name: np.array(value, dtype="<f8")}

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> tuple[float, ...]:
        return self.check(tuple(reader.array(name, ("<f8",), (sizes[self.count],)).tolist()), name, sizes)


class Array(Field):
    """A finite array with symbols for its sides; if `optional` also None, which is stored as an empty array.

    Parameters
    ----------
    *sides : str
        Symbols such as ``"n", "d"``.
    dtypes : sequence of type, default (float64,)
    symmetric : bool, default False
        Whether the matrix must equal its transpose.
    optional : bool, default False
    """

    def __init__(
        self,
        *sides: str,
        dtypes: Sequence[Any] = (np.float64,),
        symmetric: bool = False,
        optional: bool = False,
    ):
        super().__init__()
        self.sides, self.dtypes, self.symmetric, self.optional = sides, tuple(dtypes), symmetric, optional

    def check(self, value: Any, name: str, sizes: Sizes) -> np.ndarray | None:
        if self.optional and value is None:
            return None
        shape = tuple(sizes[side] for side in self.sides)
        return private_array(value, self.called(name), shape, dtypes=self.dtypes, hermitian=self.symmetric)

    def write(self, value: Any, name: str) -> Members:
        return {name: np.empty(0) if value is None else np.ascontiguousarray(value)}

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> np.ndarray | None:
        shape = tuple(sizes[side] for side in self.sides)
        stored = [np.dtype(dtype).newbyteorder("<").str for dtype in self.dtypes]
        array = reader.array(name, stored, shape, *([(0,)] if self.optional else []))
        checked = self.check(None if self.optional and array.size == 0 else array, name, sizes)
        if checked is not None:
            checked.setflags(write=False)
        return checked


class Matrices(Field):
    """A tuple of Hermitian matrices or None, with a symbol for their possible sides.

    Parameters
    ----------
    sides : str
        Symbol of a tuple with one tuple per matrix: its possible sides, empty for None.
    member : str
        Matrix i is stored as ``member_i``: its lower triangle, row by row, so that the symmetry cannot be broken.
    """

    def __init__(self, sides: str, member: str):
        super().__init__("matrix")
        self.sides, self.member = sides, member

    def check(self, value: Any, name: str, sizes: Sizes) -> tuple[np.ndarray | None, ...]:
        possible = sizes[self.sides]
        given = check_tuple(value, name, len(possible), "matrices or None")
        matrices = []
        for sides, matrix in zip(possible, given, strict=True):
            if (matrix is not None) != bool(sides):
                raise CertificateError("The certificate has a matrix too many or too few.")
            shapes = [(side, side) for side in sides]
            checked = matrix if matrix is None else self._private(matrix, shapes, sizes)
            matrices.append(checked)
        return tuple(matrices)

    def _private(self, matrix: Any, shapes: Sequence[tuple[int, int]], sizes: Sizes) -> np.ndarray:
        return private_array(matrix, "matrix", *shapes, dtypes=_dtypes(sizes), hermitian=True)

    def write(self, value: Any, name: str) -> Members:
        return {
            f"{self.member}_{index}": _packed_triangle(matrix)
            for index, matrix in enumerate(value)
            if matrix is not None
        }

    def read(self, reader: ArchiveReader, name: str, sizes: Sizes) -> tuple[np.ndarray | None, ...]:
        # The reader checks that they are finite and makes them Hermitian; a second check would copy them.
        matrices = tuple(
            reader.hermitian(f"{self.member}_{index}", ("<f8", "<f4", "<c16"), *sides) if sides else None
            for index, sides in enumerate(sizes[self.sides])
        )
        for matrix in matrices:
            if matrix is not None and matrix.dtype not in _dtypes(sizes):
                raise CertificateError(f"The certificate's matrix has the type {matrix.dtype}, it must have float64.")
        return matrices


@functools.cache
def declared_fields(kind: type) -> dict[str, Field]:
    """The fields of a class by attribute name, in order of declaration."""
    # Python 3.10 evaluates no plain ClassVar; class variables are no fields, so that any other name will do.
    hints = get_type_hints(kind, localns={"ClassVar": list}, include_extras=True)
    return {
        attribute.name: next(item for item in hints[attribute.name].__metadata__ if isinstance(item, Field))
        for attribute in dataclasses.fields(kind)
    }


def _dtypes(sizes: Sizes) -> tuple[Any, ...]:
    """The allowed types of Hermitian matrices; complex only if the certificate says so."""
    return (np.float64, np.complex128) if sizes.get("complex") else (np.float64,)


def _packed_triangle(matrix: np.ndarray) -> np.ndarray:
    """The lower triangle of a Hermitian matrix, row by row; in single precision if that represents it exactly."""
    size = len(matrix)
    is_complex = np.iscomplexobj(matrix)
    packed = np.empty(size * (size + 1) // 2, dtype="<c16" if is_complex else "<f8")
    start = 0
    for index in range(size):
        packed[start : start + index + 1] = matrix[index, : index + 1]
        start += index + 1
    if is_complex:
        return packed
    with np.errstate(all="ignore"):
        single = packed.astype("<f4")
        return single if (single == packed).all() else packed


def _numbers(value: tuple[Any, ...]) -> str:
    """A tuple as text for a message: ints, and the types of other items."""
    return f"({', '.join(str(item) if type(item) is int else type(item).__name__ for item in value)})"
