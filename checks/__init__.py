"""Slow checks of the trusted part of the package, in addition to its tests: mutation, forgeries and fuzzing."""
