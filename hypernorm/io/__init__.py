"""Matrices from files: what they declare is checked before anything is allocated."""

from hypernorm.io.matrices import NAMES, SUFFIXES, read_matrix

__all__ = ["NAMES", "SUFFIXES", "read_matrix"]
