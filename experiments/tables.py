"""Markdown tables of results, and the names that tables and figures share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["OUTLIERS", "markdown"]

OUTLIERS = {
    "none": "none",
    "cluster": "cluster",
    "two_clusters": "two clusters",
    "shell": "half a shell",
    "subtractive": "extremes removed",
    "far": "far cluster",
    "dkk": "DKK mixture",
    "hidden": "hidden",
    "adaptive": "adaptive cluster",
}
"""What tables and figures call the adversaries of `hypernorm.datasets.contaminated`."""


def markdown(head: Sequence[object], rows: Iterable[Sequence[object]], align: str = "---:") -> str:
    """A Markdown table; all columns but the first are aligned to the right by default."""
    lines = [[str(cell).replace("|", "\\|") for cell in row] for row in (head, *rows)]
    lines.insert(1, ["---"] + [align] * (len(head) - 1))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
