"""The command does what it says, and answers every wrong input with one line and the right exit code."""

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hypernorm as hn
from hypernorm import cli
from hypernorm.datasets import gaussian, load_bundled
from hypernorm.separable import separable_value

X = gaussian(40, 4, random_state=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a matrix, its certificate and the certificate of another matrix."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYPERNORM_TRACEBACK", raising=False)
    np.save("X.npy", X)
    hn.spectral_bound(X).save("X.cert.npz")
    hn.spectral_bound(X + 1).save("other.cert.npz")
    return tmp_path


def succeed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = cli.main(arguments)
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.err == ""
    return captured.out


def fail(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """The message of an error: one line on the standard error that starts with "error: "."""
    assert cli.main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


class TestNorm:
    @pytest.mark.parametrize(("q", "shown"), [("4", "4"), ("2.5", "2.5"), ("6", "6"), ("2", "2"), ("inf", "∞")])
    def test_prints_the_interval(self, folder: Path, capsys: pytest.CaptureFixture[str], q: str, shown: str) -> None:
        out = succeed(capsys, "norm", "X.npy", "--q", q)
        interval = hn.two_to_q_norm(X, float(q), random_state=0)
        (line,) = (line for line in out.splitlines() if line.startswith("interval"))
        _, lower, _, name, _, upper = line.split()
        assert name == f"||X||_{{2→{shown}}}"
        assert 0.999999 * interval.lower < float(lower) <= interval.lower
        assert interval.upper <= float(upper) < 1.000001 * interval.upper
        for record in interval.records:
            assert record.kind.replace("_", " ") in out
        assert interval.status.message in out

    def test_writes_what_is_asked_for(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = succeed(
            capsys, "norm", "X.npy", "--out", "c.npz", "--witness", "v.npy", "--plot", "p.png", "--rtol", "1e-4"
        )
        certificate = hn.load_certificate("c.npz")
        witness = hn.Witness.from_vector(X, np.load("v.npy"))
        assert witness.value <= certificate.verify(X).upper
        assert Path("p.png").read_bytes().startswith(b"\x89PNG")
        assert all(name in out for name in ("c.npz", "v.npy", "p.png"))

    def test_json_round_trips_every_number(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fields = json.loads(succeed(capsys, "norm", "X.npy", "--json", "--seed", "3", "--out", "c.npz"))
        interval = hn.two_to_q_norm(X, random_state=3)
        assert (fields["lower"], fields["upper"]) == (interval.lower, interval.upper)
        assert fields["shape"] == [40, 4]
        assert fields["records"][0]["kind"] == "row_norm"
        assert fields["status"] == interval.status.name
        assert fields["fingerprint"] == interval.certificate.fingerprint
        assert Path("c.npz").exists()

    def test_json_of_infinite_exponent_and_zero_matrix(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        np.save("zero.npy", np.zeros((3, 2)))
        fields = json.loads(succeed(capsys, "norm", "zero.npy", "--q", "inf", "--json"))
        assert (fields["q"], fields["lower"], fields["upper"], fields["gap"]) == ("inf", 0, 0, 0)
        assert "interval     0 <= ||X||_{2→4} <= 0" in succeed(capsys, "norm", "zero.npy")

    def test_text_files_and_bundled_names(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        pd.DataFrame(X, columns=list("abcd")).to_csv("X.csv", index=False)
        fields = json.loads(succeed(capsys, "norm", "X.csv", "--json"))
        assert fields["fingerprint"] == hn.load_certificate("X.cert.npz").fingerprint
        assert json.loads(succeed(capsys, "norm", "diabetes", "--json", "--time-limit", "60"))["shape"] == [442, 10]

    def test_says_what_a_text_holds(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        expected = hn.load_certificate("X.cert.npz").fingerprint
        frame = pd.DataFrame(X)
        frame.to_csv("X.csv")
        assert "--header" in fail(capsys, 2, "norm", "X.csv")
        assert json.loads(succeed(capsys, "norm", "X.csv", "--json", "--header"))["fingerprint"] == expected
        frame.to_csv("X.csv", header=False)
        assert "--index" in fail(capsys, 2, "norm", "X.csv")
        assert json.loads(succeed(capsys, "norm", "X.csv", "--json", "--index"))["fingerprint"] == expected
        assert json.loads(succeed(capsys, "norm", "X.csv", "--json", "--no-index"))["shape"] == [40, 5]
        assert "proved" in succeed(capsys, "verify", "X.csv", "X.cert.npz", "--no-header", "--index")
        assert "leave it out" in fail(capsys, 2, "norm", "X.npy", "--no-header")

    def test_paths_that_lead_nowhere(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        Path("loop.csv").symlink_to("loop.csv")
        assert "loop.csv" in fail(capsys, 2, "norm", "loop.csv")
        os.mkfifo("pipe.csv")
        assert "pipe" in fail(capsys, 2, "norm", "pipe.csv")
        Path("a\x1b[2J.csv").write_text("1,nan\n")
        assert r"a\x1b[2J.csv has the entry nan" in fail(capsys, 2, "norm", "a\x1b[2J.csv")

    def test_interruption_keeps_what_is_proved(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*args, **options):  # type: ignore[no-untyped-def]
            raise KeyboardInterrupt

        monkeypatch.setattr("hypernorm.bounds.two_to_q._Search._improve_lower", interrupted)
        assert cli.main(["norm", "X.npy", "--out", "c.npz"]) == 130
        captured = capsys.readouterr()
        assert "interruption" in captured.out
        assert captured.err == "interrupted\n"
        assert hn.load_certificate("c.npz").verify(X).upper > 0
        monkeypatch.setattr("hypernorm.two_to_q_norm", interrupted)
        assert cli.main(["norm", "X.npy"]) == 130
        assert capsys.readouterr().err == "interrupted\n"


class TestVerify:
    @pytest.mark.parametrize("exact", [False, True])
    def test_prints_the_proved_bound_to_the_last_digit(
        self, folder: Path, capsys: pytest.CaptureFixture[str], exact: bool
    ) -> None:
        out = succeed(capsys, "verify", "X.npy", "X.cert.npz", *["--exact"] * exact)
        proved = hn.load_certificate("X.cert.npz").verify(X, exact=exact)
        first, second = out.splitlines()
        assert first.startswith("proved: ||X||_{2→4} <= ")
        assert float(first.split()[-1]) == proved.upper
        assert proved.rigor.value in second
        assert "seconds" in second

    def test_another_matrix_is_rejected(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fail(capsys, 1, "verify", "X.npy", "other.cert.npz")
        assert "shape" in fail(capsys, 1, "verify", "diabetes", "X.cert.npz")

    def test_truncated_and_tampered_certificates_are_rejected(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        content = Path("X.cert.npz").read_bytes()
        for share in (0, 0.1, 0.5, 0.99):
            Path("cut.npz").write_bytes(content[: int(share * len(content))])
            assert "cut.npz" in fail(capsys, 1, "verify", "X.npy", "cut.npz")
            fail(capsys, 1, "info", "cut.npz")
        with np.load("X.cert.npz") as archive:
            members = dict(archive)
        members["values"] = members["values"] * 0.5
        np.savez("low.npz", **members)
        assert "not proved" in fail(capsys, 1, "verify", "X.npy", "low.npz")

    def test_a_matrix_is_no_certificate_and_the_reverse(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fail(capsys, 1, "verify", "X.npy", "X.npy")
        assert "is a certificate" in fail(capsys, 2, "verify", "X.cert.npz", "X.cert.npz")
        fail(capsys, 2, "verify", "X.npy", "nowhere.npz")
        fail(capsys, 2, "verify", "X.npy", ".")

    def test_a_witness_proves_from_below_and_a_certificate_from_above(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        succeed(capsys, "norm", "X.npy", "--q", "3", "--out", "c.npz", "--witness", "w.npz")
        interval = hn.two_to_q_norm(X, 3, random_state=0)
        for name, relation, value in (("c.npz", "<=", interval.upper), ("w.npz", ">=", interval.lower)):
            line = succeed(capsys, "verify", "X.npy", name).splitlines()[0]
            assert line.split()[1:3] == ["||X||_{2→3}", relation]
            assert float(line.split()[3]) == pytest.approx(value, rel=1e-12)
            assert succeed(capsys, "verify", "X.npy", name, "--exact").count(relation) == 1
            fail(capsys, 1, "verify", "diabetes", name)
        high = dataclasses.replace(interval.witness, value=interval.upper * 1.1)
        high.save("high.npz")
        fail(capsys, 1, "verify", "X.npy", "high.npz")

    @pytest.mark.parametrize("phase", [1.0, 1j])
    def test_separable_certificates_are_verified(
        self, folder: Path, capsys: pytest.CaptureFixture[str], phase: complex
    ) -> None:
        singlet = np.zeros((4, 4), dtype=type(phase))
        singlet[1:3, 1:3] = [[0.5, -0.5 * phase], [-0.5 * np.conj(phase), 0.5]]
        np.save("M.npy", singlet)
        interval = separable_value(singlet, (2, 2), random_state=0)
        interval.certificate.save("sep.npz")
        line = succeed(capsys, "verify", "M.npy", "sep.npz").splitlines()[0]
        assert line.split()[1:3] == ["h_Sep(M)", "<="]
        assert float(line.split()[3]) == pytest.approx(interval.upper, rel=1e-9)
        assert "h_Sep(M) <= " in succeed(capsys, "info", "sep.npz")
        assert json.loads(succeed(capsys, "info", "sep.npz", "--json"))["dims"] == [2, 2]
        np.save("M.npy", 2 * singlet)
        fail(capsys, 1, "verify", "M.npy", "sep.npz")
        fail(capsys, 2, "verify", "nowhere.npy", "sep.npz")

    def test_json_round_trips_every_number(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        succeed(capsys, "norm", "X.npy", "--q", "inf", "--out", "c.npz", "--witness", "w.npz")
        fields = json.loads(succeed(capsys, "verify", "X.npy", "c.npz", "--json"))
        assert fields["upper"] == hn.load_certificate("c.npz").verify(X).upper
        assert (fields["q"], fields["shape"], fields["rigor"]) == ("inf", [40, 4], "FLOATING_POINT")
        assert "lower" not in fields
        fields = json.loads(succeed(capsys, "verify", "X.npy", "w.npz", "--exact", "--json"))
        assert fields["lower"] == hn.load_certificate("w.npz").verify(X, exact=True).lower
        assert (fields["kind"], fields["rigor"]) == ("witness", "EXACT")
        assert "upper" not in fields
        # An error leaves the standard output empty, and is one line on the other, as without --json.
        fail(capsys, 1, "verify", "diabetes", "c.npz", "--json")
        fail(capsys, 2, "info", "nowhere.npz", "--json")

    def test_a_norm_beyond_the_largest_float_is_json_too(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        np.save("large.npy", np.full((1, 3), 1.6e308))
        fields = json.loads(succeed(capsys, "norm", "large.npy", "--json", "--out", "c.npz"))
        assert (fields["upper"], fields["gap"]) == ("inf", None)
        assert json.loads(succeed(capsys, "info", "c.npz", "--json"))["claimed_upper"] == "inf"


HOSTILE = "ok\nclaimed bound     ||X||_{2→4} <= 0.1\x1b[8m\x9b2J\r\u202e\x07"


def is_safe(text: str) -> bool:
    """Whether a terminal shows all of it as it stands, line by line."""
    return all(line.isprintable() for line in text.split("\n"))


class TestInfo:
    def test_says_that_the_bound_is_only_claimed(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = succeed(capsys, "info", "X.cert.npz")
        certificate = hn.load_certificate("X.cert.npz")
        words = (certificate.kind, "40 x 4", certificate.fingerprint, "claimed, not verified", "bytes")
        assert all(word in out for word in words)
        assert f"{certificate.upper:.17g}" in out

    def test_says_what_a_witness_claims(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        succeed(capsys, "norm", "X.npy", "--witness", "w.npz")
        witness = hn.load_certificate("w.npz")
        out = succeed(capsys, "info", "w.npz")
        assert f">= {witness.value:.17g} (claimed, not verified)" in out
        fields = json.loads(succeed(capsys, "info", "w.npz", "--json"))
        assert (fields["kind"], fields["claimed_lower"]) == ("witness", witness.value)
        assert fields["fingerprint"] == hn.load_certificate("X.cert.npz").fingerprint
        assert fields["bytes"] == Path("w.npz").stat().st_size

    def test_nothing_from_a_file_is_obeyed_by_a_terminal(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loaded = hn.load_certificate("X.cert.npz")
        hostile = [dataclasses.replace(loaded, fingerprint=HOSTILE)]
        hostile.append(dataclasses.replace(hn.Witness.from_vector(X, X[0]), fingerprint=HOSTILE))
        separable = separable_value(np.eye(4), (2, 2), random_state=0).certificate
        hostile.append(dataclasses.replace(separable, fingerprint=HOSTILE))
        for certificate in hostile:
            monkeypatch.setattr("hypernorm.load_certificate", lambda path, found=certificate: found)
            out = succeed(capsys, "info", "X.cert.npz")
            assert is_safe(out)
            assert sum(line.startswith("claimed bound") for line in out.splitlines()) == 1
            json.loads(succeed(capsys, "info", "X.cert.npz", "--json"))

    def test_nor_from_the_name_of_a_member_or_of_a_file(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with np.load("X.cert.npz") as archive:
            np.savez("evil.npz", **dict(archive), **{HOSTILE: np.ones(1)})
        assert is_safe(fail(capsys, 1, "info", "evil.npz"))
        named = HOSTILE.replace("/", "") + ".npz"
        Path(named).write_bytes(b"rubbish")
        assert is_safe(fail(capsys, 1, "info", named))
        assert is_safe(fail(capsys, 2, "norm", named))
        _write("X.csv", f'1,2\n3,"{HOSTILE}"\n'.encode())
        assert is_safe(fail(capsys, 2, "norm", "X.csv"))
        assert is_safe(fail(capsys, 2, "norm", "X.npy", f"--{HOSTILE}"))
        cli.main(["--traceback", "info", named])
        assert is_safe(capsys.readouterr().err)
        assert is_safe(succeed(capsys, "norm", "X.npy", "--witness", "v" + HOSTILE))


class TestDemo:
    def test_runs_from_start_to_picture(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = succeed(capsys, "demo", "--out", "results/here")
        proved = [float(line.split()[-1]) for line in out.splitlines() if line.startswith("proved:")]
        assert len(proved) == 1
        assert "exact arithmetic" in out
        assert "floating point" in out
        certificate = hn.load_certificate("results/here/digits-2to4.npz")
        assert certificate.verify(load_bundled("digits")).upper == pytest.approx(proved[0], rel=1e-12)
        assert Path("results/here/digits-2to4.png").read_bytes().startswith(b"\x89PNG")

    def test_a_folder_that_cannot_be_made(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "X.npy" in fail(capsys, 2, "demo", "--out", "X.npy")


def _write(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)


WRONG_FILES = {
    "missing": ("nowhere.npy", lambda name: None, ["no file", "digits"]),
    "directory": ("folder.npy", lambda name: Path(name).mkdir(), ["directory"]),
    "suffix": ("X.mat", lambda name: _write(name, b"1"), [".npy, .npz, .csv"]),
    "text": ("X.csv", lambda name: _write(name, b"a,b\n1,2\n3,x\n"), ["'x'", "data row 1", "'b'"]),
    "nan": ("X.csv", lambda name: _write(name, b"a,b\n1,2\n3,\n"), ["nan", "row 1, column 1", "impute"]),
    "complex": ("X.npy", lambda name: np.save(name, np.eye(2) * 1j), ["complex"]),
    "empty": ("X.csv", lambda name: _write(name, b""), ["is empty"]),
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
        assert "ZeroDivisionError" in fail(capsys, 3, "norm", "X.npy")


class TestProcess:
    def test_help_and_version(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert succeed(capsys, "--version") == f"hypernorm {hn.__version__}\n"
        for arguments in ([], ["--help"]):
            out = succeed(capsys, *arguments)
            assert all(command in out for command in ("demo", "norm", "verify", "info"))
        assert "--time-limit" in succeed(capsys, "norm", "--help")

    def test_exit_code_and_streams_of_the_process(self, folder: Path) -> None:
        # An encoding without arrows must not turn a proof into an error.
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "hypernorm.cli", *arguments]
            return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

        proved = run("verify", "X.npy", "X.cert.npz")
        assert (proved.returncode, proved.stderr) == (0, "")
        assert proved.stdout.startswith("proved: ||X||_{2?4} <= ")
        rejected = run("verify", "X.npy", "other.cert.npz")
        assert (rejected.returncode, rejected.stdout, rejected.stderr.count("\n")) == (1, "", 1)

    def test_matplotlib_is_loaded_only_to_draw(self) -> None:
        code = "import sys, hypernorm.cli; sys.exit('matplotlib' in sys.modules or 'sklearn' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
