"""Robust statistics under a bounded moment: estimates that come with an error bound proved from the data."""
