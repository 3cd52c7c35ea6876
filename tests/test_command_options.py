"""What the command offers beside results: help, completion, silence, checkpoints, and progress in plain words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hypernorm as hn
from hypernorm import cli
from hypernorm._addresses import DOCUMENTATION
from hypernorm._command_norms import NAMED_NORMS
from hypernorm._progress_line import _duration, _parts
from hypernorm.bounds import METHODS
from tests.command_line import succeed


def at(stage: str, lower: float | None, upper: float | None) -> hn.Progress:
    return hn.Progress(stage=stage, seconds=0.0, lower=lower, upper=upper)


class TestHelp:
    def test_short_and_long_options_show_the_same(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for command in ([], ["norm"], ["verify"], ["info"], ["demo"]):
            assert succeed(capsys, *command, "-h") == succeed(capsys, *command, "--help")

    def test_choices_and_documentation_are_shown(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        shown = succeed(capsys, "norm", "--help")
        assert f"[{'|'.join(NAMED_NORMS)}]" in shown
        assert "[" + "|".join(METHODS) in shown
        assert "--q [2..inf]" in shown
        assert DOCUMENTATION in shown

    @pytest.mark.parametrize("columns", [40, 60, 200])
    def test_lines_fit_the_terminal(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        for command in ([], ["norm"], ["verify"], ["info"], ["demo"]):
            lines = succeed(capsys, *command, "-h").splitlines()
            # The choices of an option are one word.
            assert max(len(line) for line in lines if "|" not in line) <= min(columns, 80)

    def test_shells_complete_choices(self) -> None:
        line = {"COMP_WORDS": "hypernorm norm X.npy --norm n", "COMP_CWORD": "4"}
        environment = {"_HYPERNORM_COMPLETE": "complete_bash", **line}
        done = subprocess.run(
            (sys.executable, "-m", "hypernorm.cli"),
            env=os.environ | environment | {"PYTHONPATH": str(Path(hn.__file__).parent.parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["nuclear"]


class TestQuiet:
    def test_results_are_saved_and_nothing_is_printed(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert succeed(capsys, "norm", "X.npy", "--method", "spectral", "--quiet", "--out", "c.npz") == ""
        assert succeed(capsys, "norm", "X.npy", "--norm", "nuclear", "--quiet", "--out", "n.npz") == ""
        for file in ("c.npz", "n.npz"):
            assert succeed(capsys, "verify", "X.npy", file, "--quiet") == ""
        assert json.loads(succeed(capsys, "verify", "X.npy", "c.npz", "--quiet", "--json"))["upper"] > 0

    def test_verdicts_and_errors_remain(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["verify", "X.npy", "other.cert.npz", "--quiet"]) == 1
        assert capsys.readouterr().err.startswith("error: ")


def test_a_checkpoint_is_written_and_continued(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--method", "sos", "--checkpoint", "state.npz", "--json"]
    first = json.loads(succeed(capsys, "norm", "X.npy", *options))
    assert Path("state.npz").stat().st_size > 0
    again = json.loads(succeed(capsys, "norm", "X.npy", *options))
    assert again["upper"] == pytest.approx(first["upper"], rel=1e-6)


class TestProgress:
    def test_time_left_gap_and_stage_are_told_in_plain_words(self) -> None:
        stage = at("sos: iteration 12, rank 5, gap of the form 1.3e-04", 109.6881, 109.75)
        assert _parts(stage, 12.3, 60.0) == [
            "47 s left",
            "gap 0.057 %",
            "109.688 to 109.75",
            "sum of squares, step 12",
        ]
        assert _parts(stage, 61.0, 60.0)[0] == "time is up"
        assert _parts(None, 3.9, None) == ["3 s"]
        assert len("- computing, " + ", ".join(_parts(stage, 12.3, 60.0))) < 80

    def test_a_bound_that_is_missing_or_zero(self) -> None:
        assert _parts(at("row norm", None, 2.0), 0.0, None) == ["0 s", "at most 2", "row norm"]
        assert _parts(at("lower bound", 2.0, None), 0.0, None) == ["0 s", "at least 2", "lower bound"]
        assert _parts(at("split: round 3, rank 1", 0.0, 2.0), 0.0, None)[1:] == [
            "at most 2",
            "split, step 3",
        ]
        assert _parts(at("realigned", 1.0, 1.0), 0.0, None)[1] == "gap below 0.0001 %"
        assert _parts(at("realigned", 1e-9, 1.0), 0.0, None)[1] == "gap above 1000 %"

    @pytest.mark.parametrize(("seconds", "text"), [(59.9, "59 s"), (61.0, "1 min 1 s"), (7260.0, "2 h 1 min")])
    def test_durations(self, seconds: float, text: str) -> None:
        assert _duration(seconds) == text
