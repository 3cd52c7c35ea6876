"""Best separable state values: proved intervals of known values, and exactness of level 1 for random matrices.

Claim: (1) every known value is in its proved interval, whose ends are within 1e-6 of the value; (2) level 1 (positive
partial transposes) equals the see-saw value for all random matrices in 2 × 2 and 2 × 3, by the theorem of Woronowicz;
(3) if level 1 leaves a gap and level 2 (two symmetric copies) is affordable, level 2 closes the gap. Refuted by a row
that contradicts one of these. For larger dimensions the frequency of exactness of level 1 and its gaps are measured.

Gaps are relative to the spectral norm of the matrix. The literature on unextendible product bases gives the values of
Tiles and Pyramid as 0.0284 and 0.0379 below one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.datasets import known_separable_values
from hypernorm.forms.product import gram_sides
from hypernorm.separable import separable_value

KNOWN = {known.name: known for known in known_separable_values()}
SIZES = ((2, 2), (2, 3), (2, 4), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8))
DECIDED = ((2, 2), (2, 3))
# Kind of matrix and field of the vectors of each family.
FAMILIES = {
    "Gaussian": ("gaussian", "complex"),
    "projector": ("projector", "complex"),
    "Gaussian, real": ("gaussian", "real"),
    "projector, real": ("projector", "real"),
}
TOLERANCE = 1e-6
# Level 2 is tried if its Gram matrices have at most this many rows.
LARGEST_GRAM = 300


def cases(sizes: Sequence[tuple[int, int]], seeds: int) -> Iterator[Row]:
    """Yield all known values, for real matrices over real vectors too; then family, dimensions and seed."""
    for name, known in KNOWN.items():
        for field in ("complex",) if np.iscomplexobj(known.matrix) else ("complex", "real"):
            yield {"part": "known", "name": name, "field": field}
    for a, b in sizes:
        for family in FAMILIES:
            for seed in range(seeds):
                yield {"part": "random", "family": family, "a": a, "b": b, "seed": seed}


PRESETS = {
    "quick": lambda: cases(SIZES[:5], 4),
    "paper": lambda: cases(SIZES, 25),
}


def random_matrix(kind: str, size: int, field: str, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian Hermitian (symmetric) matrix, or the projector onto the span of half of its eigenvectors."""
    A = rng.standard_normal((size, size)) + (0 if field == "real" else 1j * rng.standard_normal((size, size)))
    M = (A + A.conj().T) / 2
    if kind == "projector":
        vectors = np.linalg.eigh(M)[1][:, : size // 2]
        M = vectors @ vectors.conj().T
    return M


def trial(
    part: str, name: str = "", field: str = "complex", family: str = "", a: int = 0, b: int = 0, seed: int = 0
) -> Row:
    """Both bounds for a known value; for a random matrix both bounds of level 1 and the upper bound of level 2."""
    if part == "known":
        known = KNOWN[name]
        interval = separable_value(known.matrix, known.dims, field=field, rtol=TOLERANCE / 5, random_state=0)
        return {
            "dims": known.dims,
            "value": known.value,
            "ppt_value": known.ppt_value,
            "lower": interval.lower,
            "upper": interval.upper,
            "level": interval.certificate.level,
            "first": interval.records[0].upper,
        }
    kind, field = FAMILIES[family]
    M = random_matrix(kind, a * b, field, np.random.default_rng([seed, a, b, list(FAMILIES).index(family)]))
    first = separable_value(M, (a, b), field=field, level=1, rtol=TOLERANCE, random_state=seed)
    row = {
        "lower": first.lower,
        "upper": first.upper,
        "norm": first.unit,
        "gap": first.gap,
        "status": first.status.name,
        "iterations": first.records[0].iterations,
    }
    if not first.is_exact(TOLERANCE) and max(gram_sides((a, b), 2, field)) <= LARGEST_GRAM:
        second = separable_value(M, (a, b), field=field, level=2, rtol=TOLERANCE, random_state=seed)
        row |= {"second_lower": second.lower, "second_upper": second.upper, "second_gap": second.gap}
        row |= {"second_status": second.status.name, "second_iterations": second.records[0].iterations}
    return row


def known_table(rows: list[Row]) -> str:
    """Markdown table of the value and the proved interval of every known case."""
    head = ("case", "dims", "vectors", "value", "lower − value", "upper − value", "level 1", "level needed")
    lines = []
    for row in rows:
        a, b = row["dims"]
        lines.append(
            [
                row["name"],
                f"{a} × {b}",
                row["field"],
                f"{row['value']:.8f}",
                f"{row['lower'] - row['value']:.0e}",
                f"{row['upper'] - row['value']:.0e}",
                f"{row['first']:.7f}",
                row["level"],
            ]
        )
    return markdown(head, lines)


def random_table(rows: list[Row]) -> str:
    """Markdown table of the frequency of exactness of level 1, and of its gaps."""
    head = ("family", "dims", "exact at level 1", "median and largest gap elsewhere", "closed by level 2", "undecided")
    lines = []
    for family, a, b in dict.fromkeys((row["family"], row["a"], row["b"]) for row in rows):
        same = [row for row in rows if (row["family"], row["a"], row["b"]) == (family, a, b)]
        gaps = [row["gap"] for row in same if not exact(row)]
        tried = [row for row in same if "second_gap" in row]
        shown = f"{np.median(gaps):.1e}, {max(gaps):.1e}" if gaps else "–"
        closed = f"{sum(closes(row) for row in tried)} of {len(tried)}" if tried else "–"
        undecided = sum(row["status"] == "MAX_ITERATIONS" for row in same)
        share = f"{sum(map(exact, same))} of {len(same)}"
        lines.append([family, f"{a} × {b}", share, shown, closed, undecided])
    return markdown(head, lines)


def exact(row: Row) -> bool:
    """Whether level 1 equals the see-saw value."""
    return bool(row["gap"] <= TOLERANCE)


def closes(row: Row) -> bool:
    """Whether level 2 equals the better of the two lower bounds."""
    return bool(row["second_upper"] - max(row["lower"], row["second_lower"]) <= TOLERANCE * row["norm"])


def summary(rows: list[Row]) -> str:
    """Both tables and the verdict."""
    known = [row for row in rows if row["part"] == "known"]
    random = [row for row in rows if row["part"] == "random"]
    # The matrices of the known values are rounded by some units in the last place.
    good = [
        row["lower"] - 1e-14 <= row["value"] <= row["upper"] + 1e-14
        and max(row["value"] - row["lower"], row["upper"] - row["value"]) <= 1e-6
        for row in known
    ]
    decided = [exact(row) for row in random if (row["a"], row["b"]) in DECIDED]
    tried = [closes(row) for row in random if "second_gap" in row]
    stands = all((*good, *decided, *tried))
    verdict = (
        f"Verdict: {'stands' if stands else 'NOT everywhere'}: {sum(good)} of {len(good)} known values proved within "
        f"1e-6 on either side; level 1 exact for {sum(decided)} of {len(decided)} in 2 × 2 and 2 × 3; "
        f"level 2 closes {sum(tried)} of {len(tried)} gaps of level 1 where it was tried."
    )
    return "\n\n".join([known_table(known), random_table(random), verdict])


if __name__ == "__main__":
    main("separable_states", PRESETS, trial, summary, __doc__)
