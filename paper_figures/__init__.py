"""Figures of the paper, drawn from results on file: ``python -m paper_figures``."""
