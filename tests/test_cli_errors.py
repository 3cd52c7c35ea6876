"""Every wrong input of the command is answered with one line and the right exit code."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from hypernorm import cli
from hypernorm._addresses import ISSUES
from tests.command_line import fail


def _write(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)


WRONG_FILES = {
    "missing": ("nowhere.npy", lambda name: None, ["no file", "digits"]),
    "directory": ("folder.npy", lambda name: Path(name).mkdir(), ["directory"]),
    "suffix": ("X.mat", lambda name: _write(name, b"1"), [".npy, .npz, .csv"]),
    "text": ("X.csv", lambda name: _write(name, b"a,b\n1,2\n3,x\n"), ["'x'", "data row 1", "'b'"]),
    "nan": ("X.csv", lambda name: _write(name, b"a,b\n1,2\n3,\n"), ["nan", "row 1, column 1", "impute"]),
    "complex": ("X.mtx", lambda name: _write(name, b"%%MatrixMarket matrix array complex general\n"), ["complex"]),
    "empty": ("X.csv", lambda name: _write(name, b""), ["is empty"]),
    "ragged": ("X.csv", lambda name: _write(name, b"1,2\n3\n"), ["1 cell in line 2", "empty cells"]),
    "cut gzip": ("X.csv.gz", lambda name: _write(name, b"\x1f\x8b"), ["download it again"]),
    "comment": ("X.csv", lambda name: _write(name, b"% by hand\n1,2\n"), ["begin comments with #"]),
    "names left empty": ("X.csv", lambda name: _write(name, b",\n1,2\n"), ["line of empty cells", "--header"]),
    "one-dimensional": ("X.npy", lambda name: np.save(name, np.ones(3)), ["(3,)", "reshape"]),
    "corrupt": ("X.npz", lambda name: _write(name, b"PK\x03\x04 rubbish"), ["zip"]),
    "objects": ("X.npy", lambda name: np.save(name, np.array([[1, None]], dtype=object)), ["Python objects"]),
    "pickle": ("X.npy", lambda name: _write(name, pickle.dumps([[1.0]])), ["numpy.save"]),
}

WRONG_ARGUMENTS = {
    "q too small": (["norm", "X.npy", "--q", "1.5"], ["q must be at least 2", "1.5"]),
    "q no number": (["norm", "X.npy", "--q", "abc"], ["--q", "'abc'", "inf"]),
    "q nan": (["norm", "X.npy", "--q", "nan"], ["q must be"]),
    "method": (["norm", "X.npy", "--method", "magic"], ["'magic'", "'spectral'"]),
    "rtol": (["norm", "X.npy", "--rtol", "2"], ["rtol"]),
    "rtol no number": (["norm", "X.npy", "--rtol", "small"], ["--rtol", "norm --help"]),
    "time limit": (["norm", "X.npy", "--time-limit", "-1"], ["time_limit"]),
    "seed": (["norm", "X.npy", "--seed", "-1"], ["random_state"]),
    "option": (["norm", "X.npy", "--speed", "9"], ["--speed", "norm --help"]),
    "command": (["normal", "X.npy"], ["'normal'", "hypernorm --help"]),
    "no file": (["norm"], ["FILE", "norm --help"]),
    "surplus": (["verify", "X.npy", "X.cert.npz", "more"], ["more"]),
    "named norm": (["norm", "X.npy", "--norm", "best"], ["'best'", "nuclear", "kyfan:K"]),
    "checkpoint folder": (["norm", "X.npy", "--checkpoint", "nowhere/s.npz"], ["--checkpoint", "create it"]),
    "checkpoint is the input": (["norm", "X.npy", "--checkpoint", "X.npy"], ["same file as FILE"]),
    "checkpoint of another norm": (["norm", "X.npy", "--p", "3", "--checkpoint", "s.npz"], ["leave it or --p out"]),
    "checkpoint of a named norm": (["norm", "X.npy", "--norm", "max", "--checkpoint", "s"], ["or --norm max out"]),
    "nothing to show": (["norm", "X.npy", "--quiet"], ["--out", "--json"]),
    "out folder": (["norm", "X.npy", "--out", "nowhere/c.npz"], ["--out", "nowhere", "create it"]),
    "witness folder": (["norm", "X.npy", "--witness", "nowhere/v.npy"], ["--witness", "nowhere"]),
    "plot folder": (["norm", "X.npy", "--plot", "nowhere/p.png"], ["--plot", "nowhere"]),
    "plot suffix": (["norm", "X.npy", "--plot", "p.doc"], [".png, .pdf, .svg"]),
    "out is a folder": (["norm", "X.npy", "--out", "."], ["directory"]),
    "out is the input": (["norm", "X.npy", "--out", "X.npy"], ["same file as FILE"]),
    "two outputs": (["norm", "X.npy", "--out", "a", "--witness", "./a"], ["same file as --out"]),
}


class TestWrongInput:
    @pytest.mark.parametrize("case", WRONG_FILES)
    @pytest.mark.parametrize("command", ["norm", "verify"])
    def test_files(self, folder: Path, capsys: pytest.CaptureFixture[str], case: str, command: str) -> None:
        name, prepare, words = WRONG_FILES[case]
        prepare(name)
        message = fail(capsys, 2, command, name, *["X.cert.npz"] * (command == "verify"))
        assert all(word in message for word in (name, *words)), message

    @pytest.mark.parametrize("case", WRONG_ARGUMENTS)
    def test_arguments(self, folder: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
        arguments, words = WRONG_ARGUMENTS[case]
        message = fail(capsys, 2, *arguments)
        assert all(word in message for word in words), message

    def test_outputs_are_refused_before_any_work(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hypernorm.two_to_q_norm", lambda *args, **options: pytest.fail("it began to compute"))
        for option, path in (("--out", "nowhere/c"), ("--witness", "nowhere/v"), ("--plot", "p.doc")):
            fail(capsys, 2, "norm", "X.npy", option, path)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user without all rights")
    def test_a_folder_without_write_permission(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        Path("locked").mkdir(mode=0o500)
        assert "not writable" in fail(capsys, 2, "norm", "X.npy", "--out", "locked/c.npz")

    def test_a_traceback_is_shown_when_asked_for(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert cli.main(["--traceback", "norm", "nowhere.npy"]) == 2
        assert "Traceback" in capsys.readouterr().err
        monkeypatch.setenv("HYPERNORM_TRACEBACK", "1")
        assert cli.main(["norm", "nowhere.npy"]) == 2
        assert "Traceback" in capsys.readouterr().err

    def test_a_defect_has_its_own_exit_code(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args, **options):  # type: ignore[no-untyped-def]
            raise ZeroDivisionError("first line\nsecond line")

        monkeypatch.setattr("hypernorm.two_to_q_norm", broken)
        message = fail(capsys, 3, "norm", "X.npy")
        assert all(word in message for word in ("ZeroDivisionError", "--traceback", ISSUES))
