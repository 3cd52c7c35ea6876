"""Experiments; each script tests one claim: `python -m experiments.NAME --preset quick|paper`."""
