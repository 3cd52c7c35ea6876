"""Numbers from delimited text: records of cells, and the matrix that they fill.

A block that contains only plain numbers is converted at once. Every other block (with quotes, missing entries,
comments, blank lines or text) is read cell by cell, with the same result for numbers.
"""

from __future__ import annotations

import csv
import io
import math
import re
import warnings
from array import array
from collections.abc import Iterator
from typing import TextIO

import numpy as np

from hypernorm.exceptions import InvalidInputError
from hypernorm.io.limits import check_free_memory

__all__ = ["FLAGS", "Body", "Records", "all_numbers", "is_blank", "is_missing", "is_number", "shown"]

_MISSING = frozenset(
    ("", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "#N/A", "#N/A N/A", "#NA")
)
_SPREADSHEET_ERRORS = frozenset({"#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "#NULL!"})
FLAGS = {"True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0}

# Numbers with thousands separators, or with a decimal comma.
_OTHER_MARKS = re.compile(r"[+-]?(\d{1,3}([,.' ]\d{3})+([.,]\d+)?|\d+,\d+)")

_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 26
_MOST_COLUMNS = 1 << 21
_ENTRIES_PER_CHECK = 1 << 22


def is_number(cell: str) -> bool:
    """Whether a cell is a number in a notation that all programs read the same way."""
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell  # only Python accepts 1_000 and digits of other scripts


def all_numbers(cells: list[str]) -> bool:
    """Whether all cells are numbers; faster than `is_number` for each."""
    return _floats(cells) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or a mark that pandas or R writes for a missing value."""
    return cell.strip() in _MISSING


def is_blank(cells: list[str]) -> bool:
    """Whether a record is an empty line; a quoted empty cell is a missing value instead."""
    return not cells or (len(cells) == 1 and cells[0] != "" and not cells[0].strip())


class Records:
    """The records of a delimited text; lines that begin with # are comments.

    Parameters
    ----------
    stream : text stream
        With line breaks translated.
    delimiter : str
    name : str
        Name of the file in error messages.

    Attributes
    ----------
    line : int
        Number of lines read so far.
    """

    def __init__(self, stream: TextIO, delimiter: str, name: str):
        self.delimiter, self.name, self.line = delimiter, name, 0
        self._stream = stream
        self._ahead, self._length = io.StringIO(), 0
        self._between = True
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        self._between = True
        return next(self._reader)

    def block(self) -> str:
        """The next lines, unparsed; empty at the end."""
        text = self._stream.read(_BLOCK)
        return text if text.endswith("\n") or not text else text + self._readline()

    def of_block(self, text: str) -> Iterator[list[str]]:
        """Yield the records that begin in a block; the last record may end after the block."""
        self._ahead, self._length = io.StringIO(text), len(text)
        while self._ahead.tell() < self._length:
            record = next(self, None)
            if record is not None:
                yield record

    def _lines(self) -> Iterator[str]:
        while line := self._ahead.readline() or self._readline():
            self.line += 1
            if "\x00" in line:
                raise InvalidInputError(
                    f"{self.name} has a zero byte in line {self.line}, so it is not text; save it as text in UTF-8."
                )
            if self._between and self._is_comment(line):
                continue
            self._between = False
            yield line

    def _readline(self) -> str:
        line = self._stream.readline(_LONGEST_LINE)
        if len(line) == _LONGEST_LINE or line.count(self.delimiter) >= _MOST_COLUMNS:
            raise InvalidInputError(
                f"{self.name} has a line of more than {_LONGEST_LINE >> 20} MiB or {_MOST_COLUMNS} cells, too long for "
                f"text; save the matrix with numpy.save('X.npy', X)."
            )
        return line

    def _is_comment(self, line: str) -> bool:
        if not line.lstrip().startswith("#"):
            return False
        cell = line.split(self.delimiter, 1)[0].strip()
        return cell not in _MISSING and cell not in _SPREADSHEET_ERRORS


class Body:
    """The data rows of a text.

    Parameters
    ----------
    records : Records
    width : int
        Number of cells in a row, taken from the first row.
    names : list of str, optional
        Names of the columns, for error messages.
    labelled : bool
        Whether the first cell of each row is a label; 0 is stored in its place.
    """

    def __init__(self, records: Records, width: int, names: list[str] | None, labelled: bool):
        self._records, self._width, self._names, self._labelled = records, width, names, labelled
        self._values = array("d")
        self._flags: dict[int, int] = {}
        self._blank = self._checked = 0
        self._plain = f"0123456789+-.eE{records.delimiter}\n".encode()

    @property
    def rows(self) -> int:
        """Number of rows so far."""
        return len(self._values) // self._width

    def add(self, cells: list[str], line: int) -> None:
        """Append the numbers of a record that ends in a line; skip empty lines, but not if there is one column only."""
        if is_blank(cells):
            self._blank += 1
            return
        self._end_blank_lines()
        if len(cells) != self._width:
            found = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            raise InvalidInputError(
                f"{self._records.name} has {found} in line {line} where {self._width} are expected; write one row of "
                f"numbers per line, with one delimiter between neighbours, and empty cells where values are missing."
            )
        if self._labelled:
            cells = ["0", *cells[1:]]
        values = _floats(cells)
        if values is None:
            values = [self._number(cell, column) for column, cell in enumerate(cells)]
        self._values.extend(values)
        self._check_memory()

    def read_rest(self) -> None:
        """Append all remaining records."""
        while block := self._records.block():
            if not self._add_plain(block):
                for cells in self._records.of_block(block):
                    self.add(cells, self._records.line)

    def matrix(self) -> np.ndarray:
        """The matrix of all rows; it shares the memory of this object."""
        matrix = np.frombuffer(self._values, dtype=np.float64).reshape(-1, self._width)
        for column, count in self._flags.items():
            if count + np.count_nonzero(np.isnan(matrix[:, column])) != len(matrix):
                raise InvalidInputError(
                    f"{self._records.name} has both numbers and True or False in column {column}"
                    f"{self._title(column)}, counted from 0; write numbers only."
                )
        return matrix

    def _add_plain(self, block: str) -> bool:
        """Append a block if it consists of full rows of plain numbers; return whether it does."""
        if self._labelled or not block.isascii():
            return False
        text = block.encode() if block.endswith("\n") else block.encode() + b"\n"
        if text.translate(None, self._plain):
            return False
        codes = np.frombuffer(text, dtype=np.uint8)
        breaks = codes == ord("\n")
        ends = np.flatnonzero(breaks | (codes == ord(self._records.delimiter)))
        rows, surplus = divmod(len(ends), self._width)
        empty_cells = ends[0] == 0 or (np.diff(ends) == 1).any()
        full_rows = np.count_nonzero(breaks) == rows and breaks[ends[self._width - 1 :: self._width]].all()
        if surplus or empty_cells or not full_rows:
            return False
        separated = text[:-1].replace(b"\n", b",").replace(self._records.delimiter.encode(), b",").decode()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # older versions of numpy warn instead
                numbers = np.fromstring(separated, dtype=np.float64, sep=",")
        except ValueError:
            return False
        if len(numbers) != len(ends):
            return False
        self._end_blank_lines()
        self._values.frombytes(numbers.tobytes())
        self._records.line += rows
        self._check_memory()
        return True

    def _end_blank_lines(self) -> None:
        if self._width == 1 and len(self._values):
            self._values.extend([math.nan] * self._blank)
        self._blank = 0

    def _number(self, cell: str, column: int) -> float:
        text = cell.strip()
        if text in _MISSING:
            return math.nan
        if is_number(text):
            return float(text)
        if text in FLAGS:
            self._flags[column] = self._flags.get(column, 0) + 1
            return FLAGS[text]
        remedy = "replace it by a number or remove its column"
        if "#" in text:
            remedy = "write comments on lines of their own"
        if _OTHER_MARKS.fullmatch(text):
            remedy = "write numbers like 1234.5, without thousands separators and with a decimal point"
        if column == 0 and (self._names is None or not self._names[0].strip()):
            remedy += ", or pass index=True (--index) if the first column holds labels of the rows"
        raise InvalidInputError(
            f"{self._records.name} has the text {shown(text)} in data row {self.rows}, column {column}"
            f"{self._title(column)}, counted from 0; {remedy}."
        )

    def _title(self, column: int) -> str:
        return f" ({shown(self._names[column])})" if self._names else ""

    def _check_memory(self) -> None:
        if len(self._values) - self._checked > _ENTRIES_PER_CHECK:
            self._checked = len(self._values)
            check_free_memory(8 * self._checked, self._records.name)


def _floats(cells: list[str]) -> list[float] | None:
    text = "".join(cells)
    try:
        return list(map(float, cells)) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def shown(text: str) -> str:
    """A cell in quotes, escaped and shortened, for an error message."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
