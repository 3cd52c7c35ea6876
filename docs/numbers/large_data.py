"""Rows in chunks on a cluster."""

from __future__ import annotations

from docs.numbers.registry import Table, digits, number, one, power, rows, seconds, table

BENCHMARK = "scale_out"


@table(BENCHMARK, "bounds")
def chunked_bounds() -> Table:
    """Time and memory of the bounds for rows in chunks, on two workers with one thread each."""
    small, large = sorted(rows(BENCHMARK, "bounds"), key=lambda row: row["n"])
    result = [["", *(f"{row['n']:,} rows" for row in (small, large)), "ratio"]]
    for name, keys in {
        "lower bound, 8 starts": ("lower_seconds",),
        "row-norm certificate / its verification": ("row_norm_seconds", "row_norm_verify_seconds"),
        "realigned certificate / its verification": ("realigned_seconds", "realigned_verify_seconds"),
    }.items():
        times = [" / ".join(seconds(row[key]) for key in keys) for row in (small, large)]
        result.append([name, *times, " / ".join(f"{large[key] / small[key]:.2f}" for key in keys)])
    result.append(["proved interval", *(f"[{row['lower']:.2f}, {row['realigned']:.2f}]" for row in (small, large)), ""])
    before = digits(small["worker_gigabytes_before"])
    for name, key in {
        f"largest memory of a worker ({before} GiB before the first row)": "worker_gigabytes_peak",
        "memory of this process": "peak_gigabytes",
    }.items():
        memory = [f"{row[key]:.2f} GiB" for row in (small, large)]
        result.append([name, *memory, f"{large[key] / small[key]:.2f}"])
    return result


@number
def chunked_difference(what: str) -> str:
    """The largest relative difference of bounds through the cluster: to those in memory, or with a worker lost."""
    if what == "lost":
        (row,) = rows(BENCHMARK, "lost")
        return "the same to the last bit" if row["difference"] == 0 else f"the same to {power(row['difference'])}"
    (row,) = rows(BENCHMARK, "agreement")
    kinds = ("row_norm", "flattening", "realigned", "lower")
    return power(max(abs(row[f"{kind}_difference"]) for kind in kinds), up=True)


@number
def chunked_split(what: str) -> str:
    """Of the split bound through the cluster: a time, the gap, or the memory of a worker."""
    (row,) = rows(BENCHMARK, "split")
    if what == "gap":
        return power(row["split"] / row["lower"] - 1, up=True)
    return f"{row[what]:.1f} GiB" if "gigabytes" in what else seconds(row[what])


@table(BENCHMARK, "estimators")
def chunked_estimators() -> Table:
    """A dictionary and a robust mean of rows in chunks."""
    result = [
        ["", "time", "error", "error of the sample mean", "bound, by default premise", "largest memory of a worker"]
    ]
    for row in rows(BENCHMARK, "estimators"):
        known = [f"{row[key]:.2f}" if key in row else "" for key in ("sample_mean_error", "error_bound")]
        memory = f"{row['worker_gigabytes_peak']:.2f} GiB"
        result.append([row["estimator"], seconds(row["seconds"]), power(row["error"]), *known, memory])
    return result


@number
def dictionary_iterations() -> str:
    """The iterations of the dictionary of rows in chunks."""
    return str(one(BENCHMARK, "estimators", estimator="dictionary")["iterations"])
