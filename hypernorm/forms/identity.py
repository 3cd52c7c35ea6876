"""The identity of a matrix: a hash of its values, the same for every storage."""

from __future__ import annotations

import hashlib

import numpy as np

from hypernorm._validation import Matrix, RowMatrix

__all__ = ["UNIDENTIFIED", "fingerprint"]

UNIDENTIFIED = "0" * 64
"""The fingerprint of rows that a proof computes: it is compared with nothing."""


def fingerprint(matrix: RowMatrix) -> str:
    """SHA-256 of the shape and the values of a matrix, independent of its storage.

    Only the positions and the binary64 values of the non-zero entries count; the matrix may be dense or sparse, row-
    or column-major, of integers or floats.

    Parameters
    ----------
    matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)

    Returns
    -------
    str
        64 hexadecimal digits.

    See Also
    --------
    Rows.identified : Rows that know their fingerprint.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp
    >>> fingerprint(np.eye(3)) == fingerprint(sp.csr_array(np.eye(3, dtype=int)))
    True
    """
    n, d = matrix.shape
    digest = hashlib.sha256(np.array([n, d], dtype="<i8").tobytes())
    step = max(1, (1 << 20) // d)
    for start in range(0, n, step):
        rows, columns, values = _nonzero_entries(matrix[start : start + step])
        # The count comes first, so that indices cannot be mistaken for values.
        digest.update(np.array([len(rows)], dtype="<i8").tobytes())
        for part in ((rows + start).astype("<i8"), columns.astype("<i8"), values.astype("<f8")):
            digest.update(part.tobytes())
    return digest.hexdigest()


def _nonzero_entries(block: Matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the non-zero entries in row-major order."""
    if isinstance(block, np.ndarray):
        rows, columns = np.nonzero(block)
        return rows, columns, block[rows, columns]
    ordered = block.copy()
    ordered.sort_indices()
    entries = ordered.tocoo()
    keep = entries.data != 0
    return entries.row[keep].astype(np.int64), entries.col[keep], entries.data[keep]
