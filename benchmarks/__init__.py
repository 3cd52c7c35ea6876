"""Benchmarks of speed, relative to the matrix product of the same machine in the same run."""
