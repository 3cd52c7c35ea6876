"""Convert tables and nested sequences to arrays; numbers that binary64 cannot represent are refused, never rounded."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hypernorm._display import printable
from hypernorm.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LARGEST_EXACT_INTEGER", "column_label", "exact_float", "table_kind", "table_to_array", "to_array"]

LARGEST_EXACT_INTEGER = 2**53
"""Every integer up to this one is a binary64 number."""


def exact_float(value: Any) -> float | None:
    """A real number of any type as a float; None if binary64 cannot represent it, or it is no real number.

    Examples
    --------
    >>> from decimal import Decimal
    >>> exact_float(2**60), exact_float(2**53 + 1), exact_float(Decimal("0.1")), exact_float("1")
    (1.152921504606847e+18, None, None, None)
    """
    if isinstance(value, np.generic) and not isinstance(value, np.longdouble):
        value = value.item()
    if not isinstance(value, numbers.Real | np.floating) and type(value).__module__ != "decimal":
        return None
    try:
        rounded = float(value)
        # Python compares a Decimal or Fraction with a float by the exact values.
        return rounded if rounded == value or rounded != rounded else None
    except (OverflowError, ValueError, TypeError, ArithmeticError):
        return None


def to_array(X: Any, name: str, kinds: str = "fiub") -> np.ndarray:
    """Convert anything but a sparse matrix to an array; its kind and shape are not checked here.

    Parameters
    ----------
    X : array_like, or a table of pandas, polars, pyarrow or another library with the Arrow or the interchange protocol
    name : str
        Name of the argument in error messages.
    kinds : str
        Letters of numpy for the kinds of numbers that the columns of a table may have; "c" allows complex numbers.

    Raises
    ------
    InvalidInputError
        If entries would be rounded or lose their mask, a column is not numeric, or `X` cannot be converted.
    """
    if isinstance(X, np.ndarray):
        return np.asarray(X)  # the operators of np.matrix have another meaning
    if _is_pandas(X):
        return _from_pandas(X, name, kinds)
    if type(X).__name__ == "LazyFrame" or hasattr(X, "to_dask_array"):
        load = "collect" if type(X).__name__ == "LazyFrame" else "compute"
        raise InvalidInputError(f"{name} is a table that has not been computed; load it with {name}.{load}().")
    table = _as_table(X, name)
    if table is not None:
        return table_to_array(table, name)
    _check_unmasked(X, name)
    try:
        array = np.asarray(X)
    except (
        ValueError,
        TypeError,
        RuntimeError,
        OverflowError,
    ) as error:  # objects of other libraries convert themselves
        reason = printable(error, limit=200).rstrip(".")
        raise InvalidInputError(f"{name} is not a rectangular array of numbers: {reason}.") from None
    if array.dtype.kind in "fc" and not hasattr(X, "dtype"):
        _check_mixed_integers(X, array, name)
    return array


def column_label(X: Any, position: int) -> str | None:
    """The name of a column of a table for messages; None if `X` is no table of pandas, polars or pyarrow.

    Examples
    --------
    >>> import pandas as pd
    >>> column_label(pd.DataFrame({"age": [1.0]}), 0), column_label([[1.0]], 0)
    ("'age'", None)
    """
    if _is_pandas(X):
        return _label(X.columns[position])
    names = getattr(X, "column_names", getattr(X, "columns", None))
    return _label(names[position]) if isinstance(names, list) and isinstance(names[position], str) else None


def _is_pandas(X: Any) -> bool:
    return hasattr(X, "to_numpy") and hasattr(getattr(X, "dtypes", None), "items")


def _check_unmasked(X: Any, name: str) -> None:
    """Refuse sequences of masked arrays, because numpy drops their masks."""
    if not isinstance(X, Sequence) or isinstance(X, str | bytes | memoryview):
        return
    kinds = set(map(type, X)).union(*(set(map(type, row)) for row in X if isinstance(row, Sequence)))
    if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
        raise InvalidInputError(f"{name} has masked entries; fill them first, e.g. numpy.ma.stack({name}).filled(0).")


def _check_mixed_integers(X: Any, array: np.ndarray, name: str) -> None:
    """Refuse nested sequences in which an integer was rounded, because another entry is a float or complex."""
    size = np.maximum(np.abs(array.real), np.abs(array.imag)) if array.dtype.kind == "c" else np.abs(array)
    large = np.argwhere(size >= LARGEST_EXACT_INTEGER)
    if len(large) == 0:
        return
    objects = np.asarray(X, dtype=object)
    for index in map(tuple, large):
        entry = objects[index]
        if isinstance(entry, np.ndarray) and entry.ndim == 0:
            entry = entry.item()
        if isinstance(entry, numbers.Integral) and int(entry) != int(array[index].real):
            raise InvalidInputError(
                f"{name} has the entry {entry} at position {tuple(map(int, index))}, which binary64 cannot represent "
                f"exactly; convert with float() if rounded values are intended."
            )


def _from_pandas(X: Any, name: str, kinds: str) -> np.ndarray:
    dtypes = list(X.dtypes.items())
    for label, dtype in dtypes:
        if table_kind(dtype) not in kinds:
            convert = f", or convert it with {name}.astype(float) if it holds numbers" if str(dtype) == "object" else ""
            raise InvalidInputError(
                f"{name} has a column {_label(label)} of type {printable(dtype, limit=60)}; keep numeric "
                f"columns only, e.g. {name}.select_dtypes('number'){convert}."
            )
    if not dtypes:
        return np.empty((len(X), 0))
    if len({dtype for _, dtype in dtypes}) == 1 and all(isinstance(dtype, np.dtype) for _, dtype in dtypes):
        values = np.asarray(X.to_numpy())
        if values.dtype.kind in "iu":
            for position, (label, _) in enumerate(dtypes):
                _check_integers(values[:, position], name, label)
        return values
    columns = (_column(X.iloc[:, position]) for position in range(len(dtypes)))
    return _assemble(columns, [label for label, _ in dtypes], len(X), name, _common_type([d for _, d in dtypes]))


def table_kind(dtype: Any) -> str:
    """Letter of numpy for the kind of numbers of a column of pandas; "O" for other columns."""
    # Extension types, such as nullable integers, contain a numpy type.
    return str(getattr(getattr(dtype, "numpy_dtype", dtype), "kind", "O"))


def _common_type(dtypes: list[Any]) -> np.dtype:
    """Type that holds columns of different types, if their integers are at most 2**53."""
    inner = [np.dtype(getattr(d, "numpy_dtype", getattr(d, "subtype", d))) for d in dtypes]
    floats = [d for d in inner if d.kind in "fc"]
    return np.result_type(np.float64, *floats)


def _column(column: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Values of a column of pandas in their own type, and the mask of the missing ones."""
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy(), None
    missing = column.isna().to_numpy(dtype=bool)
    dtype = getattr(column.dtype, "numpy_dtype", getattr(column.dtype, "subtype", None))
    values = np.zeros(len(column), dtype=dtype)
    values[~missing] = column[~missing].to_numpy(dtype=dtype)
    return values, missing


def _as_table(X: Any, name: str) -> pa.Table | None:
    """Convert a table of another library to one of pyarrow; None if `X` is no table."""
    arrow = any(hasattr(X, method) for method in ("__arrow_c_stream__", "__arrow_c_array__"))
    if not arrow and not hasattr(X, "__dataframe__"):
        return None
    try:
        import pyarrow as pa
    except ImportError:
        what = f"{type(X).__module__.partition('.')[0]}.{type(X).__name__}"
        raise InvalidInputError(
            f"{name} is a {what}, which needs pyarrow; install it with: pip install 'hypernorm[parquet]'."
        ) from None
    for label, dtype in dict(getattr(X, "schema", {})).items() if type(X).__module__.startswith("polars") else ():
        if str(dtype) == "Object":  # exporting such a column ends the process in some versions
            raise InvalidInputError(
                f"{name} has a column {printable(label)!r} of Python objects; keep numeric columns only."
            )
    try:
        if arrow:
            return pa.table(X)
        from pyarrow.interchange import from_dataframe

        return from_dataframe(X)
    except Exception as error:  # the class depends on the other library
        if isinstance(error, pa.ArrowInvalid) and not hasattr(X, "columns"):
            return None  # a single column
        reason = printable(error, limit=200).rstrip(".")
        raise InvalidInputError(
            f"{name} is a table that cannot be read: {reason}; keep numeric columns only."
        ) from None


def table_to_array(table: pa.Table, name: str) -> np.ndarray:
    """Convert a table of pyarrow to an array in column-major order.

    Columns of one common type keep it; otherwise all become float64. Missing entries become NaN.

    Raises
    ------
    InvalidInputError
        If a column is not numeric, or has an integer above 2**53 while types differ or entries are missing.
    """
    import pyarrow as pa

    def numeric(kind: pa.DataType) -> bool:
        return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)

    for field in table.schema:
        if not numeric(field.type) and not pa.types.is_null(field.type):
            raise InvalidInputError(
                f"{name} has a column {_label(field.name)} of type {printable(field.type, limit=60)}; keep numeric "
                f"columns only, or cast it."
            )
    kinds = set(table.schema.types)
    alike = (
        len(kinds) == 1 and numeric(table.schema.types[0]) and not any(column.null_count for column in table.columns)
    )
    dtype = np.dtype(table.schema.types[0].to_pandas_dtype()) if alike else np.dtype(np.float64)
    columns = (_arrow_column(column) for column in table.columns)
    return _assemble(columns, table.column_names, table.num_rows, name, dtype)


def _arrow_column(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray | None]:
    import pyarrow as pa

    if pa.types.is_null(column.type):
        return np.zeros(len(column)), np.ones(len(column), dtype=bool)
    if not column.null_count:
        return column.to_numpy(), None
    missing = column.is_null().to_numpy()
    filler = pa.scalar(False) if pa.types.is_boolean(column.type) else pa.scalar(0).cast(column.type)
    return column.fill_null(filler).to_numpy(), missing


def _assemble(
    columns: Iterable[tuple[np.ndarray, np.ndarray | None]], labels: list[Any], rows: int, name: str, dtype: np.dtype
) -> np.ndarray:
    array = np.empty((rows, len(labels)), dtype=dtype, order="F")
    for position, (values, missing) in enumerate(columns):
        _check_integers(values, name, labels[position])
        array[:, position] = values
        if missing is not None and missing.any():
            array[missing, position] = np.nan
    return array


def _check_integers(values: np.ndarray, name: str, label: Any) -> None:
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return
    if max(int(values.max()), -int(values.min())) > LARGEST_EXACT_INTEGER:
        raise InvalidInputError(
            f"{name} has integers above 2**53 in column {_label(label)}, which binary64 cannot represent exactly; "
            f"convert the column with astype(float) if rounded values are intended."
        )


def _label(label: Any) -> str:
    return printable(repr(label), limit=60)
