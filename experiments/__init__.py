"""Experiments; each tests one claim: `python -m experiments` lists them, and takes a name and its options."""
