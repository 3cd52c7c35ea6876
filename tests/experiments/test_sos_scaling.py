"""Rows of the benchmark read for the figure: failures stay failures, peaks of other work are left out."""

import json

import pytest

from experiments import sos_scaling as experiment


def write(folder, part, rows):
    path = folder / "sums_of_squares" / f"{part}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in [{"experiment": "sums_of_squares"}, *rows]))


def scale(d, peak, gap=1e-6):
    return {"d": d, "family": "f", "seconds": (d / 20) ** 4, "gap": gap, "solve_gigabytes": peak}


@pytest.fixture
def folder(tmp_path):
    peers = [
        {"d": d, "family": "f", "seconds": (d / 20) ** 4, "gap": 1e-7, "scs_seconds": (d / 10) ** 5, "scs_gap": 1e-9}
        for d in (20, 40)
    ]
    write(tmp_path, "peers", peers)
    write(tmp_path, "scale", [scale(20, 1.5), scale(40, 1.5), scale(80, 0.9), scale(100, 1.6)])
    write(tmp_path, "agreement", [{"d": 4, "family": "f", "solver": "CLARABEL", "conic_seconds": 0.1}])
    ends = [
        {"d": 60, "family": "f", "solver": "SCS", "limit": 120, "ended": "time-out after 120 s"},
        {"d": 60, "family": "f", "solver": "CLARABEL", "limit": 120, "ended": "killed"},
    ]
    write(tmp_path, "conic_scale", ends)
    return tmp_path


def test_failures_have_no_time(folder):
    rows = experiment.times(folder)
    assert sorted((row["solver"], row["d"]) for row in rows if "seconds" not in row) == [("Clarabel", 60), ("SCS", 60)]
    assert all("ended" in row for row in rows if "seconds" not in row)
    assert experiment.growth(rows, "hypernorm", 20) == pytest.approx(4)
    assert experiment.growth(rows, "SCS", 20) == pytest.approx(5)
    assert "time-out after 120 s" in experiment.table(rows)


def test_peaks_that_belong_to_several_sizes_are_left_out(folder):
    assert experiment.memory(folder) == [{"d": 80, "gigabytes": 0.9}, {"d": 100, "gigabytes": 1.6}]


def test_memory_of_the_two_approaches():
    assert experiment.gram_gigabytes(100) == 48 * 5050**2 / 2**30
    assert experiment.schur_gigabytes(20) == 8 * 8855**2 / 2**30


def test_verdict(folder):
    rows, peaks = experiment.times(folder), experiment.memory(folder)
    assert "Verdict: stands" in experiment.verdict(rows, peaks)
    late = {"solver": "SCS", "d": 60, "family": "f", "seconds": 100.0, "gap": 1e-6}
    assert "REFUTED" in experiment.verdict(
        [late if row.get("ended", "").startswith("time") else row for row in rows], peaks
    )
    assert "REFUTED" in experiment.verdict([{**row, "gap": 1e-4} for row in rows], peaks)
    quick = [{**row, "seconds": 0.01} if row["solver"] == "SCS" and row["d"] == 40 else row for row in rows]
    assert "REFUTED" in experiment.verdict(quick, peaks)
    assert "REFUTED" in experiment.verdict(rows, [{"d": 80, "gigabytes": 5.0}])
