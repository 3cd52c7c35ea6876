"""Slow checks of the trusted part that belong neither to the package nor to its tests: mutation and fuzzing."""
