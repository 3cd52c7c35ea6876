"""The figures of the README: one line for each of the main uses."""

from __future__ import annotations

from docs.numbers.registry import Table, digits, number, one, percent, power, rows, seconds, span
from docs.numbers.sums_of_squares import peer_seconds, size_seconds
from experiments.tables import markdown


@number
def overview() -> str:
    """What was measured, as a table."""
    return markdown(("what", "figure"), [*_bounds(), *_estimators()]).replace("---:", "---")


def _bounds() -> Table:
    digits_row = one("sums_of_squares", "data", name="digits", degree=4)
    sizes = [row for row in rows("sums_of_squares", "scale") if row["d"] in (60, 100)]
    times = {d: [row["seconds"] for row in sizes if row["d"] == d] for d in (60, 100)}
    conic = rows("sums_of_squares", "conic_scale")
    limits = [row["limit"] for row in conic if row["solver"] == "SCS" and row["d"] in (60, 100)]
    memory = max(row["peak_gigabytes"] for row in sizes)
    (kernel,) = rows("kernels", "realigned")
    shares = {q: one("kernels", "power", q=q, dtype="float64")["share_of_double_precision_rate"] for q in (4, 3.7)}
    chunks = {row["n"]: row for row in rows("scale_out", "bounds")}
    small, large = sorted(chunks)
    relaxed = one("operator_bounds", "relaxation", n=1000)
    excess = relaxed["over the relaxation, less 1"]
    ours = one("operator_bounds", "peers", n=150, method="hypernorm")
    theirs = one("operator_bounds", "peers", n=150, method="SCS, eps=1e-6")
    return [
        [
            f"digits, {digits_row['n']:,} × {digits_row['d']}, q = 4",
            f"sum of squares of degree 4 found and proved in {seconds(digits_row['seconds'])}; gap to the proved lower "
            f"bound {power(digits_row['gap'], up=True)}",
        ],
        [
            "proved interval of width 10⁻⁶, d = 40, random",
            f"{peer_seconds('hypernorm', '40')}; SCS at tolerance 10⁻⁶ takes {peer_seconds('SCS', '40')} for the same "
            "relaxation (medians)",
        ],
        [
            "the same for d = 60 / to 10⁻⁵ for d = 100 (a 5,050 × 5,050 semidefinite program)",
            f"{span(min(times[60]), max(times[60]), 1)} s / {seconds(max(times[100]))}, {memory:.1f} GiB; SCS has not "
            f"ended after {limits[0]} / {limits[1]} s, Clarabel runs out of 16 GB",
        ],
        [
            "verifying the certificate for d = 40",
            f"{size_seconds('40', 'verify')} in floating point, {size_seconds('40', 'exact')} in exact arithmetic",
        ],
        [
            f"realigned certificate for {kernel['n']:,} × {kernel['d']}",
            f"{seconds(kernel['certificate_seconds'])} to find and prove, {seconds(kernel['verify_seconds'])} to "
            f"verify, {digits(kernel['gigabytes'])} GiB; kernel at {percent(kernel['share_of_rate'])} of the "
            "matrix-product rate",
        ],
        [
            "batched power method, 100,000 × 100, 64 starts",
            f"{percent(shares[4])} of the matrix-product rate for q = 4, {percent(shares[3.7])} for q = 3.7",
        ],
        [
            f"‖A‖_∞→1 of {relaxed['n']:,} × {relaxed['n']:,} Gaussian entries",
            f"{seconds(relaxed['seconds'])}, search and proof; bound within {power(excess, up=True)} of the "
            f"semidefinite relaxation; at n = {ours['n']} {seconds(ours['seconds'])}, SCS at tolerance 10⁻⁶ "
            f"{seconds(theirs['seconds'])}",
        ],
        [
            f"{large:,} × 50 in a Dask array, two workers with one thread each",
            f"realigned bound proved in {seconds(chunks[large]['realigned_seconds'])}, "
            f"{chunks[large]['worker_gigabytes_peak']:.2f} GiB a worker; "
            f"{chunks[large]['realigned_seconds'] / chunks[small]['realigned_seconds']:.1f} times the cost of half "
            "the rows",
        ],
    ]


def _estimators() -> Table:
    (path,) = rows("linear_model", "path")
    memory = {row["method"]: row for row in rows("linear_model", "memory")}
    fits = {name: (seconds(row["seconds"]), digits(row["beyond_megabytes"])) for name, row in memory.items()}
    means = {row["method"]: row for row in rows("robust", "peers")}
    ours, proved, others = means["moment filter"], means["moment filter, proved"], means["MinCovDet"]
    return [
        [
            f"Schatten regression, 100 penalties × 5 folds, {path['n']:,} × {path['d']}",
            f"{seconds(path['one norm, s'])}, with five norms to choose from {seconds(path['five norms, s'])}; "
            f"RidgeCV {seconds(path['RidgeCV, s'])} for the same penalty",
        ],
        [
            "one fit of 1,000,000 × 100",
            "{} and {} MiB beyond the data; Ridge of scikit-learn {} and {} MiB".format(
                *fits["hypernorm"], *fits["scikit-learn"]
            ),
        ],
        [
            "robust mean of 10,000 × 512, a tenth in one cluster",
            f"{seconds(ours['seconds'])}, {seconds(proved['seconds'])} with a proved error bound; error "
            f"{power(ours['error'])}, sample mean {ours['sample_mean_error']:.2f}; MinCovDet: {others['ended']}",
        ],
    ]
