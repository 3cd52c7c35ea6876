"""Files that would take much memory or time are refused before they do, and pipes are not waited for."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hostile_files import CASES, READ_MATRIX, Case
from hypernorm.exceptions import InvalidInputError
from hypernorm.io import limits, read_matrix

MEBIBYTE = 1 << 20
CASES_OF_DATA = [case for case in CASES if case.imports == READ_MATRIX]

SCRIPT = """
import json, resource, sys
from hypernorm.io import read_matrix
rows = []
for path in sys.argv[1:]:
    try:
        outcome = "read: " + repr(read_matrix(path).shape)
    except Exception as error:
        outcome = type(error).__name__ + ": " + str(error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    rows.append((outcome, peak))
print(json.dumps(rows))
"""


def test_hostile_files_take_little_memory(tmp_path: Path) -> None:
    """One process opens them all, so that its peak, which only grows, is that of the worst."""
    for case in CASES_OF_DATA:
        case.write(tmp_path / case.name)
    paths = [str(tmp_path / case.name) for case in CASES_OF_DATA]
    # A shell in between, because the figure of getrusage starts with the memory of the parent.
    command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", SCRIPT, *paths]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=300)
    for case, (outcome, peak) in zip(CASES_OF_DATA, json.loads(done.stdout), strict=True):
        assert outcome.startswith("InvalidInputError: " if case.refused else "read: "), (case.name, outcome)
        assert outcome.isprintable()
        assert peak < 300 * MEBIBYTE, (case.name, peak)


def test_the_names_of_the_cases_are_distinct() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(isinstance(case, Case) for case in CASES)


class TestRule:
    def test_small_results_may_expand_and_large_ones_may_not(self) -> None:
        limits.check_expansion(64 * MEBIBYTE, 1, "X")
        limits.check_expansion(100 * MEBIBYTE, MEBIBYTE, "X")
        with pytest.raises(InvalidInputError, match="200 times its size"):
            limits.check_expansion(300 * MEBIBYTE, MEBIBYTE, "X")

    def test_half_of_the_free_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "available_memory", lambda: 100.0 * MEBIBYTE)
        limits.check_free_memory(50 * MEBIBYTE, "X")
        with pytest.raises(InvalidInputError, match="half of the free memory"):
            limits.check_free_memory(51 * MEBIBYTE, "X")

    def test_memory_is_a_plausible_number(self) -> None:
        assert 0 < limits.available_memory() < 2**60

    def test_text_that_fills_the_memory_is_left_off_midway(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "available_memory", lambda: 64.0 * MEBIBYTE)
        (tmp_path / "X.csv").write_text("1,2\n" * 3_000_000)
        with pytest.raises(InvalidInputError, match="half of the free memory"):
            read_matrix(tmp_path / "X.csv")

    def test_honest_files_that_compress_well_are_read(self, tmp_path: Path) -> None:
        X = np.zeros((1000, 1000))
        X[::10, ::10] = 0.5
        np.savez_compressed(tmp_path / "X.npz", X=X)
        assert np.array_equal(read_matrix(tmp_path / "X.npz"), X)
        text = "\n".join(",".join(map(str, row)) for row in X.tolist())
        (tmp_path / "X.csv.gz").write_bytes(gzip.compress(text.encode()))
        assert np.array_equal(read_matrix(tmp_path / "X.csv.gz"), X)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".npy", ".npz", ".mtx", ".parquet", ".nothing"])
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"link{suffix}").symlink_to(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    for kind in ("pipe", "link", "zero"):
        with pytest.raises(InvalidInputError, match="a pipe or a device"):
            read_matrix(tmp_path / f"{kind}{suffix}")


def test_other_paths_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    (tmp_path / "nowhere.csv").symlink_to(tmp_path / "absent.csv")
    (tmp_path / "file.csv").write_text("1\n")
    for path, word in (
        (tmp_path / "loop.csv", "cannot be read"),
        (tmp_path / "nowhere.csv", "no file"),
        (tmp_path / "file.csv" / "X.csv", "no file"),
        (tmp_path / ("a" * 300 + ".csv"), "cannot be read"),
        ("X\0.csv", "no file"),
        (b"X.csv", "source must be a path"),
        (3, "source must be a path"),
    ):
        with pytest.raises(InvalidInputError, match=word):
            read_matrix(path)  # type: ignore[arg-type]


def test_names_from_outside_are_shown_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[2J\nb"
    folder.mkdir()
    (folder / "X.csv").write_text("1,x\n")
    np.savez(folder / "X.npz", **{"evil\x1b[2J\n": np.ones(2), "other": np.ones(3)})
    (folder / "X.txt").write_text("1")
    for name in ("X.csv", "X.npz", "X.txt", "X.npy", ""):
        with pytest.raises(InvalidInputError) as caught:
            read_matrix(folder / name)
        assert str(caught.value).isprintable()
        assert r"a\x1b[2J\nb" in str(caught.value)
