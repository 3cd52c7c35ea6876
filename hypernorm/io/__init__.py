"""Read matrices from files; the sizes that a file declares are checked before memory is allocated."""

from hypernorm.io.matrices import NAMES, SUFFIXES, read_matrix

__all__ = ["NAMES", "SUFFIXES", "read_matrix"]
