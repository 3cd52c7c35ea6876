"""Read matrices from Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hypernorm._frames import table_to_array
from hypernorm.exceptions import InvalidInputError
from hypernorm.io.limits import check_expansion
from hypernorm.io.row_labels import without_row_labels

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

__all__ = ["read_parquet"]

# Copies of the numbers in memory: the matrix, and the columns from which it is assembled.
_COPIES = 2


def read_parquet(path: Path, name: str, index: bool | None = None) -> np.ndarray:
    """Read the numeric columns of a Parquet file, without an index that pandas stored among them.

    Raises
    ------
    InvalidInputError
        If pyarrow is not installed, a column is not numeric or would be rounded, or the decoded file is too large.
    ValueError, OSError
        If the file is damaged.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise InvalidInputError(
            f"{name} is a Parquet file, which needs pyarrow; install it with: pip install 'hypernorm[parquet]'."
        ) from None
    with parquet.ParquetFile(path, pre_buffer=False) as file:
        schema = file.schema_arrow
        labels = _index_of_pandas(schema)
        places = [place for place, column in enumerate(schema.names) if column not in labels]
        if index and not labels:
            places = places[1:]
        columns = [schema.names[place] for place in places]
        table_to_array(schema.empty_table().select(places), name)  # raises if a column is not numeric
        width = _width({field.type for field in schema if field.name in columns})
        check_expansion(_COPIES * _rows(file.metadata) * len(columns) * width, path.stat().st_size, name)
        # No threads: in a thread of pyarrow, an error about a damaged file would end the process.
        table = file.read(columns=columns if len(places) < len(schema.names) else None, use_threads=False)
    matrix = table_to_array(table, name)
    return matrix if index else without_row_labels(matrix, columns, index, name)


def _width(types: set[pa.DataType]) -> int:
    """Bytes of an entry of the matrix: those of the common type of the columns, or of a double."""
    import pyarrow as pa

    (only,) = types if len(types) == 1 else (pa.float64(),)
    return 8 if pa.types.is_null(only) else max(only.bit_width // 8, 1)


def _rows(metadata: parquet.FileMetaData) -> int:
    """Number of rows; the declarations of the file and of its parts must agree, since both determine allocations."""
    rows = sum(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
    if rows != metadata.num_rows:
        raise ValueError(f"it declares {metadata.num_rows} rows, but its parts declare {rows}")
    return int(rows)


def _index_of_pandas(schema: pa.Schema) -> set[str]:
    """Names of the columns in which pandas stored the row labels."""
    metadata = schema.pandas_metadata
    found = metadata.get("index_columns", []) if isinstance(metadata, dict) else []
    return {column for column in found if isinstance(column, str)} if isinstance(found, list) else set()
