"""Clusters among outliers: coordinates, starts, search and assignment."""
