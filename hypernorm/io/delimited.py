"""Read matrices from text: comma- and tab-separated values.

A text file does not declare whether its first line is a header and its first column holds row labels. Certain cases
are recognised. Ambiguous cases are refused, because a row or column that is wrongly read or left out changes the norm
silently.
"""

from __future__ import annotations

import codecs
import io
import itertools
import re
from pathlib import Path

import numpy as np

from hypernorm.exceptions import InvalidInputError
from hypernorm.io.cells import FLAGS, Body, Records, all_numbers, is_blank, is_missing, is_number, shown
from hypernorm.io.limits import decoded_size, open_binary
from hypernorm.io.row_labels import without_row_labels

__all__ = ["read_delimited"]

# Rows that are examined before the rest is read; none if the first row has more cells than _WIDE.
_SAMPLE = 5
_WIDE = 10_000
_MARKS = (  # UTF-32 before UTF-16, since its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OPENINGS = tuple("_.#\"'([<")
_COMMENTS = ("%", "//", ";", "!")  # of other programs
_WHOLE = re.compile(r"\d{1,15}")
_CHOICE = "pass header=True (--header) if it is a header, header=False (--no-header) if it is data"


def read_delimited(
    path: Path, delimiter: str, name: str, header: bool | None = None, index: bool | None = None
) -> np.ndarray:
    """Read a rectangle of numbers from a text file, as float64.

    Empty cells and the marks of pandas and R for missing values become NaN.

    Parameters
    ----------
    path : Path
        An existing file in UTF-8, or in UTF-16 with a byte order mark; compressed if it ends in ``.gz``.
    delimiter : {",", "\\t"}
        Separator of the cells.
    name : str
        Name of the file in error messages.
    header : bool, optional
        Whether the first line is a header; None to detect it.
    index : bool, optional
        Whether the first column holds row labels; None to detect them.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If a cell holds text (the message names the first), the file is empty or has another delimiter, rows differ in
        length, the header does not fit the data, or the header or the row labels are ambiguous.
    ValueError, csv.Error
        If the file is not text, or its quotes do not match.
    """
    decoded_size(path, name)
    with open_binary(path) as binary:
        start = binary.read(4)
        encoding = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")
        binary.seek(0)
        with io.TextIOWrapper(binary, encoding=encoding) as stream:
            return _read(Records(stream, delimiter, name), header, index)


def _read(records: Records, header: bool | None, index: bool | None) -> np.ndarray:
    name = records.name
    kept = (cells for cells in records if not is_blank(cells))
    first = next(kept, None)
    if first is None:
        raise InvalidInputError(f"{name} is empty; put one row of numbers on each line.")
    first[0] = first[0].lstrip("\ufeff")  # with a second byte order mark a number would be text
    _check_delimiter(name, first, records.delimiter)
    has_header = header if header is not None else _is_header(first, bool(index), name)
    begin = next(kept, None) if has_header else first
    if begin is None:
        raise InvalidInputError(f"{name} has a header but no data; put one row of numbers on each line.")
    names = _names(first, len(begin), index, name) if has_header else None
    place = records.line
    sample = [(cells, records.line) for cells in itertools.islice(records, _SAMPLE if len(begin) <= _WIDE else 0)]
    following = [cells for cells, _ in sample if len(cells) == len(begin)]
    if header is None:
        _check_labels(first, [begin, *following] if has_header else following, has_header, name)
    body = Body(records, len(begin), names, labelled=bool(index))
    for cells, line in ((begin, place), *sample):
        body.add(cells, line)
    body.read_rest()
    matrix = body.matrix()
    rows = [begin, *following]
    if all(len(cells) > 1 and cells[-1] == "" for cells in rows) and np.isnan(matrix[:, -1]).all():
        raise InvalidInputError(
            f"{name} has a delimiter at the end of every line, so its last column is empty; remove that delimiter."
        )
    whole = all(_WHOLE.fullmatch(cells[0].strip()) for cells in rows) and _are_fractions(
        [cell for cells in rows for cell in cells[1:_WIDE]]
    )
    return without_row_labels(matrix, names, index, name, whole=whole)


def _names(first: list[str], width: int, index: bool | None, name: str) -> list[str]:
    """Names of the columns; R writes no name for the column of row labels."""
    if len(first) == width - 1 and index:
        return ["", *first]
    if len(first) != width:
        remedy = ", or pass index=True (--index) if the first holds row labels" if len(first) == width - 1 else ""
        raise InvalidInputError(
            f"{name} has {len(first)} names in its header but {width} columns; give each column one name{remedy}."
        )
    return first


def _is_header(cells: list[str], labelled: bool, name: str) -> bool:
    """Whether the first line is a header, rather than numbers and missing values.

    A header may contain some whole numbers, such as years. A line of numbers with a typing error is not a header.
    """
    if all_numbers(cells):
        return False
    cells = [cell.strip() for cell in cells]
    # pandas writes an empty name for the index.
    if len(cells) > 1 and not any(cells):
        raise InvalidInputError(f"{name} begins with a line of empty cells; remove it, or {_CHOICE}.")
    others = cells[1:] if cells[0] == "" or (labelled and len(cells) > 1) else cells
    named = sum(map(_is_name, others))
    rest = [cell for cell in others if not _is_name(cell)] if named < len(others) else []
    if not named and all(is_number(cell) or is_missing(cell) or cell in FLAGS for cell in rest):
        return False
    if named > len(rest) and not any(is_number(cell) and not _WHOLE.fullmatch(cell) for cell in rest):
        return True
    line = ", ".join(shown(cell) for cell in cells[:4]) + (", …" if len(cells) > 4 else "")
    if cells[0].startswith(_COMMENTS):
        raise InvalidInputError(f"{name} begins with {line}, which seems to be a comment; begin comments with #.")
    raise InvalidInputError(f"{name} begins with {line}, which may be names or wrong numbers; {_CHOICE}.")


def _is_name(cell: str) -> bool:
    """Whether a cell begins like a name and is no number, missing value or truth value."""
    if not (cell[:1].isalpha() or cell[:1] in _OPENINGS) or is_missing(cell) or cell in FLAGS:
        return False
    return not (cell[0] in "nNiI." and is_number(cell))  # nan, inf, .5


def _check_labels(first: list[str], rows: list[list[str]], has_header: bool, name: str) -> None:
    """Refuse a line of numbers that looks like column labels: 0, 1, 2, ... or other consecutive numbers."""
    labels = [cell.strip() for cell in (rows[0] if has_header and rows else first)]
    unnamed = labels[0] == ""
    numbers = labels[1:] if unnamed else labels
    if not numbers or not all(_WHOLE.fullmatch(cell) for cell in numbers[:2]) or not all_numbers(numbers):
        return
    if has_header:
        # A table with several levels of columns has two header lines, of which the second may be 0, 1, 2, ...
        suspect = len(set(first)) < len(first) and _count_up(numbers, 0)
    elif unnamed:
        suspect = _count_up(numbers, 0) or (_label_rows(rows) and all(_WHOLE.fullmatch(cell) for cell in numbers))
    else:
        cells = list(itertools.chain(*rows))
        suspect = _count_up(numbers, 0) and (
            len(numbers) > 2 or (len(numbers) == 2 and not {cell.strip() for cell in cells} <= {"0", "1"})
        )
        # A single 0, or 1990, 1991, ..., is suspect if the data below are fractions.
        suspect |= (len(numbers) > 1 or numbers == ["0"]) and _count_up(numbers) and _are_fractions(cells)
    if suspect:
        where = "has a second line" if has_header else "begins with"
        line = ", ".join(labels[:4]) + (", ..." if len(labels) > 4 else "")
        raise InvalidInputError(
            f"{name} {where} {line}, which looks like column labels, not like data; remove that line, or {_CHOICE}."
        )


def _count_up(numbers: list[str], start: int | None = None) -> bool:
    start = int(numbers[0]) if start is None else start
    return all(cell == str(start + k) for k, cell in enumerate(numbers))


def _label_rows(rows: list[list[str]]) -> bool:
    """Whether the first cells of the rows are 0, 1, 2, ... or 1, 2, 3, ..."""
    cells = [row[0].strip() for row in rows]
    return bool(cells) and (_count_up(cells, 0) or _count_up(cells, 1))


def _are_fractions(cells: list[str]) -> bool:
    """Whether there are numbers and all have a decimal point or an exponent."""
    numbers = [cell.strip() for cell in cells if not is_missing(cell)]
    return bool(numbers) and all(is_number(cell) and not _WHOLE.fullmatch(cell.lstrip("+-")) for cell in numbers)


def _check_delimiter(name: str, first: list[str], delimiter: str) -> None:
    line = delimiter.join(first)
    for other in (";", "\t", "|", ",", " "):
        cells = line.strip().split(other)
        if other == delimiter or len(cells) == 1:
            continue
        decimal_comma = other == ";" and all(is_number(cell.replace(",", ".")) for cell in cells if cell)
        # A name may contain a space, so a space is a delimiter only between numbers.
        alone = delimiter not in line and (other != " " or all(is_number(cell) for cell in cells if cell))
        if decimal_comma or alone:
            expected = {",": "commas", "\t": "tabs"}[delimiter]
            raise InvalidInputError(
                f"{name} seems to have the delimiter {other!r} where {expected} are expected; convert it, e.g. "
                f"pandas.read_csv(..., sep={other!r}{', decimal=' + repr(',') if decimal_comma else ''}).to_csv(...)."
            )
