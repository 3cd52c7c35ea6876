"""Enclosed singular values, norms and errors of approximations: widths and times."""

from __future__ import annotations

from docs.numbers.registry import Table, count, digits, number, power, rows, seconds, table


@table("spectral", "decomposition")
def enclosed_norms() -> Table:
    """Nuclear and Ky Fan norms with proof beside numpy's singular values."""
    result = [["matrix", "values alone", "proved nuclear norm", "verification", "its width", "width of Ky Fan 10"]]
    for row in rows("spectral", "decomposition"):
        times = (seconds(row[name]) for name in ("values alone, s", "nuclear norm, s", "verify, s"))
        widths = (power(row[f"{name} norm, width"], up=True) for name in ("nuclear", "Ky Fan"))
        result.append([f"{row['n']:,} × {row['d']:,}, {row['spectrum']} spectrum", *times, *widths])
    return result


@table("spectral", "factors")
def enclosed_product() -> Table:
    """A product of two factors."""
    result = [["product", "nuclear norm with proof", "verification", "width", "size of the file"]]
    for row in rows("spectral", "factors"):
        size = f"{row['bytes of the file'] / 1024:.0f} KiB"
        times = seconds(row["seconds"]), seconds(row["verify, s"])
        result.append([f"{row['n']:,} × {row['d']:,}, rank {row['rank']}", *times, power(row["width"], up=True), size])
    return result


@table("spectral", "approximations")
def judged_approximations() -> Table:
    """Errors of scikit-learn's approximations over the least ones."""
    result = [["method", "error in the interval", "median width", "Frobenius error over the least, worst", "spectral"]]
    for row in rows("spectral", "approximations"):
        worst = (f"{row[f'{name} error over the least, worst']:.3f}" for name in ("Frobenius", "spectral"))
        inside = count(row["inside"], row["count"])
        result.append([f"`{row['method']}`", inside, power(row["median width"], up=True), *worst])
    return result


@table("spectral", "hidden_states")
def nuclear_estimates() -> Table:
    """The nuclear norm of hidden states: bounds and estimates over the norm, and times."""
    result = [
        ["rows × features", "lower bound", "upper bound", "$L_{1,2}$", "values alone", "bounds", "$L_{1,2}$", "entropy"]
    ]
    for row in rows("spectral", "hidden_states"):
        ratios = (f"{row[name]:.2f}" for name in ("lower bound", "upper bound", "estimate"))
        times = (seconds(row[f"{name}, s"]) for name in ("values alone", "proved bounds", "estimate", "entropy"))
        result.append([f"{row['n']:,} × {row['d']:,}", *ratios, *times])
    return result


@table("spectral", "jacobian")
def jacobian_bias() -> Table:
    """The estimate of the squared Frobenius norm of a Jacobian over the truth."""
    result = [["map", "σ", "estimate over the truth", "standard error"]]
    for row in rows("spectral", "jacobian"):
        result.append(
            [
                row["map_name"],
                f"{row['scale']:g}",
                f"{row['estimate over the truth']:.3f}",
                f"{row['standard error']:.3f}",
            ]
        )
    return result


@table("spectral", "max_norm")
def max_norms() -> Table:
    """The max norm, and SCS on the semidefinite program."""
    result = [["matrix", "n", "time", "proved gap", "SCS"]]
    for row in rows("spectral", "max_norm"):
        peer = seconds(row["SCS, s"]) if row["scs"] else ""
        result.append([row["matrix"], str(row["n"]), seconds(row["seconds"]), power(row["gap"], up=True), peer])
    return result


@number
def scs_agreement() -> str:
    """The largest relative difference between SCS and the proved upper bound."""
    return power(max(abs(row["SCS over upper, less 1"]) for row in rows("spectral", "max_norm") if row["scs"]), up=True)


@number
def over_values_alone() -> str:
    """The largest ratio of the time of a proved nuclear norm to that of numpy's singular values."""
    return digits(max(row["over values alone"] for row in rows("spectral", "decomposition")))
