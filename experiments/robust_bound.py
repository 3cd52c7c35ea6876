"""The proved distance of a robust mean from the mean of the inliers, beside the true one.

Claim: ‖estimate − mean of the inliers‖ ≤ the proved bound on every contaminated sample, whatever the adversary, when
the second and fourth moments of the inliers are bounded as they are (docs/theory/robust.md). Refuted by one sample on
which the distance is larger. How tight the bound is shows in the ratio, for which nothing is claimed: the bound has to
cover every set of inliers that is compatible with the contamination, and the true set is one of the easier ones.

Each row is one sample: moments of its inliers are proved from above by certificates, and the mean of the moment filter
is certified with them; for comparison so is the plain mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.certificates import MeanCertificate, weighted_rows
from hypernorm.datasets import contaminated
from hypernorm.robust import certify_mean, robust_mean
from hypernorm.robust.certification import certify_moment

ADVERSARIES = ("none", "cluster", "two_clusters", "shell", "subtractive", "far", "dkk", "hidden", "adaptive")
INLIERS = ("gaussian", "t5")
CONTAMINATIONS = (0.02, 0.05, 0.1, 0.2)
MOMENTS = (2.0, 4.0)


def cases(dimensions: Sequence[int], seeds: int) -> Iterator[Row]:
    """Adversary, inliers, dimension and seed of every sample; the contamination goes round with them."""
    for index, adversary in enumerate(ADVERSARIES):
        for d in dimensions:
            for inliers in INLIERS:
                for seed in range(seeds):
                    fraction = CONTAMINATIONS[(seed + index) % len(CONTAMINATIONS)]
                    yield {
                        "adversary": adversary,
                        "inliers": inliers,
                        "n": max(200, 10 * d),
                        "d": d,
                        "contamination": fraction,
                        "seed": seed,
                    }


PRESETS = {
    "quick": lambda: cases((2, 8), 1),
    "paper": lambda: cases((2, 5, 10, 20, 50), 6),
}


def trial(adversary: str, inliers: str, n: int, d: int, contamination: float, seed: int) -> Row:
    """True and proved distances."""
    sample = contaminated(
        n,
        d,
        0.0 if adversary == "none" else contamination,
        inliers=inliers,
        adversary=adversary,
        estimator=_filtered_mean if adversary == "adaptive" else None,
        random_state=seed,
    )
    X, own = sample.samples, sample.is_inlier / sample.is_inlier.sum()
    moments = [certify_moment(weighted_rows(X, own, sample.inlier_mean, q), q).upper for q in MOMENTS]
    found = robust_mean(X, contamination, certify=False, random_state=0)
    row: Row = {"inlier_moments": moments}
    for name, weights, location in (
        ("filter", found.weights, found.location),
        ("mean", np.full(n, 1 / n), X.mean(axis=0)),
    ):
        certificate: MeanCertificate = certify_mean(
            X, weights, contamination, location=location, moments=MOMENTS, inlier_moments=moments
        )
        verified = certificate.verify(X)
        row[f"{name}_error"] = float(np.linalg.norm(location - sample.inlier_mean))
        row[f"{name}_bound"] = verified.error_bound
        row[f"{name}_displaced"] = verified.total_variation
    return row


def _filtered_mean(X: np.ndarray, contamination: float) -> np.ndarray:
    return robust_mean(X, contamination, certify=False, random_state=0).location


def table(rows: list[Row]) -> str:
    """Violations and median ratios by adversary, in Markdown."""
    lines = []
    for adversary in dict.fromkeys(row["adversary"] for row in rows):
        same = [row for row in rows if row["adversary"] == adversary]
        errors = np.array([row["filter_error"] for row in same])
        bounds = np.array([row["filter_bound"] for row in same])
        ratios = np.divide(bounds, errors, out=np.full(len(same), math.inf), where=errors > 0)
        lines.append(
            [
                adversary.replace("_", " "),
                len(same),
                int((errors > bounds).sum()),
                f"{np.median(errors):.3f}",
                f"{np.median(bounds):.3f}",
                f"{np.median(ratios):.1f}",
                f"{ratios.min():.2f}",
            ]
        )
    head = ["adversary", "samples", "bound violated", "median error", "median bound", "bound / error, median", "least"]
    return markdown(head, lines)


def verdict(rows: list[Row]) -> str:
    """Whether the claim stands."""
    violated = sum(row[f"{name}_error"] > row[f"{name}_bound"] for row in rows for name in ("filter", "mean"))
    ratios = [row["filter_bound"] / row["filter_error"] for row in rows if row["filter_error"] > 0]
    tighter = np.mean([row["filter_bound"] < row["mean_bound"] for row in rows if row["adversary"] != "none"])
    return (
        f"Verdict: {'REFUTED' if violated else 'stands'}: {violated} of {2 * len(rows)} bounds violated (filter and "
        f"mean); for the filter bound/error is {np.median(ratios):.1f} in the median, {min(ratios):.2f} at least; its "
        f"bound is below that of the plain mean on {tighter:.0%} of the contaminated samples."
    )


if __name__ == "__main__":
    main("robust_bound", PRESETS, trial, lambda rows: f"{table(rows)}\n\n{verdict(rows)}", __doc__)
