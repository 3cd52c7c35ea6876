"""Read matrices from text: comma- and tab-separated values."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hypernorm.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_delimited"]


def read_delimited(path: Path, delimiter: str) -> np.ndarray:
    """Read a rectangle of numbers from a text file, as float64.

    A first line that holds any text is a header. Empty cells, and what pandas takes for missing, become NaN.

    Parameters
    ----------
    path : Path
        An existing file in UTF-8.
    delimiter : {",", "\\t"}
        What separates the cells.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If a cell holds text (the first is named), the file is empty or separated by something else, the header does
        not fit the data, or the first line looks like column labels.
    ValueError
        If pandas cannot make rows out of the file.
    """
    import pandas as pd

    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream, delimiter=delimiter)
        first = next((cells for cells in rows if any(cell.strip() for cell in cells)), None)
        lines = rows.line_num
    if first is None:
        raise InvalidInputError(f"{path} is empty; put one row of numbers on each line.")
    _check_delimiter(path, delimiter.join(first), delimiter)
    has_header = not all(_is_number(cell) or not cell.strip() for cell in first)
    if not has_header and _looks_like_labels(first):
        raise InvalidInputError(
            f"{path} begins with 0, 1, 2, ..., which looks like column labels and not like data; remove that line "
            f"(with pandas: to_csv(..., header=False, index=False)), or save the matrix as .npy if it is data."
        )
    # Before version 3.1 pandas rounded correctly only on request.
    old = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
    rounding: dict[str, Any] = {"float_precision": "round_trip"} if old else {}
    skipped = lines if has_header else 0
    try:
        # The header is left out, so that pandas cannot take a surplus column for row labels.
        frame = pd.read_csv(
            path, sep=delimiter, header=None, skiprows=skipped, encoding="utf-8-sig", low_memory=False, **rounding
        )
    except pd.errors.EmptyDataError:
        raise InvalidInputError(f"{path} has a header but no data; put one row of numbers on each line.") from None
    if has_header and len(first) != frame.shape[1]:
        raise InvalidInputError(
            f"{path} has {len(first)} names in its header but {frame.shape[1]} columns; give each column one name."
        )
    _check_cells(frame, path, first if has_header else None)
    return frame.to_numpy(dtype=np.float64)


def _check_cells(frame: pd.DataFrame, path: Path, names: list[str] | None) -> None:
    """Name the first cell, row by row, that is text."""
    import pandas as pd

    found: list[tuple[int, int]] = []
    for position in range(frame.shape[1]):
        cells = frame[position]
        if cells.dtype.kind in "fiub":
            continue
        numbers = pd.to_numeric(cells, errors="coerce")
        bad = np.flatnonzero((numbers.isna() & cells.notna()).to_numpy())
        if bad.size:
            found.append((int(bad[0]), position))
        else:
            frame[position] = numbers.astype(np.float64)  # integers beyond 64 bits
    if found:
        row, column = min(found)
        text = str(frame.iat[row, column])
        label = f" ({names[column]!r})" if names else ""
        raise InvalidInputError(
            f"{path} has the text {text[:40]!r} in data row {row}, column {column}{label}, counted from 0; "
            f"replace it by a number or remove its column."
        )


def _check_delimiter(path: Path, line: str, delimiter: str) -> None:
    for other in (";", "\t", "|", ",", " "):
        cells = line.strip().split(other)
        if other == delimiter or len(cells) == 1:
            continue
        decimal_comma = other == ";" and all(_is_number(cell.replace(",", ".")) for cell in cells if cell)
        # A space may belong to a name, so it counts only between numbers.
        alone = delimiter not in line and (other != " " or all(_is_number(cell) for cell in cells if cell))
        if decimal_comma or alone:
            expected = {",": "commas", "\t": "tabs"}[delimiter]
            raise InvalidInputError(
                f"{path} seems to be separated by {other!r} where {expected} are expected; convert it, e.g. "
                f"pandas.read_csv(..., sep={other!r}{', decimal=' + repr(',') if decimal_comma else ''}).to_csv(...)."
            )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python reads 1_000 as a number, no other program does


def _looks_like_labels(cells: list[str]) -> bool:
    """Whether a line reads 0,1,2,..., as pandas writes for unnamed columns, perhaps after an empty cell."""
    cells = [cell.strip() for cell in cells]
    unnamed_index = cells[0] == ""
    labels = cells[1:] if unnamed_index else cells
    return (unnamed_index or len(labels) > 2) and labels == [str(k) for k in range(len(labels))]
