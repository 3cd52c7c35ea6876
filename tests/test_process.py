"""The command as a process: readers that leave, disks that are full, signals, and terminals of every width."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import hypernorm as hn
from hypernorm import cli
from hypernorm._display import rounded_down, rounded_up
from hypernorm._process import Interruptions, Output
from hypernorm.datasets import gaussian

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, pipes and terminals of POSIX")

X = gaussian(40, 4, random_state=0)
COMMAND = (sys.executable, "-m", "hypernorm.cli")
NORM, INFO = ("norm", "X.npy", "--method", "spectral"), ("info", "X.cert.npz")
PROVED, REJECTED = ("verify", "X.npy", "X.cert.npz"), ("verify", "X.npy", "other.cert.npz")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(hn.__file__).parent.parent))
    for name in ("HYPERNORM_TRACEBACK", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    np.save("X.npy", X)
    hn.spectral_bound(X).save("X.cert.npz")
    hn.spectral_bound(X + 1).save("other.cert.npz")
    return tmp_path


class TestStreams:
    @pytest.mark.parametrize(
        ("arguments", "code"), [(NORM, 141), (INFO, 141), (("--help",), 141), (PROVED, 0), (REJECTED, 1)]
    )
    def test_a_reader_that_has_left(self, folder: Path, arguments: tuple[str, ...], code: int) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run((*COMMAND, *arguments), stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writing)
        assert done.returncode == code
        assert done.stderr.count("\n") == (code == 1)

    @pytest.mark.parametrize(("arguments", "code"), [(INFO, 0), (PROVED, 0), (REJECTED, 1)])
    def test_closed_streams(self, folder: Path, arguments: tuple[str, ...], code: int) -> None:
        for closed in (">&-", ">&- 2>&-"):
            shell = ("sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, *arguments)
            done = subprocess.run(shell, capture_output=True, text=True, check=False)
            assert done.returncode == code
            assert done.stdout == ""
            assert done.stderr.count("\n") == (code == 1 and "2" not in closed)

    def test_a_closed_error_stream_does_not_send_errors_to_the_output(self, folder: Path) -> None:
        shell = ("sh", "-c", 'exec "$@" 2>&-', "sh", *COMMAND, *REJECTED)
        done = subprocess.run(shell, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    @pytest.mark.parametrize(("arguments", "code"), [(INFO, 2), (PROVED, 2), (REJECTED, 1)])
    def test_a_full_device(self, folder: Path, arguments: tuple[str, ...], code: int) -> None:
        with open("/dev/full", "w") as full:
            done = subprocess.run((*COMMAND, *arguments), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            silent = subprocess.run((*COMMAND, *arguments), stdout=full, stderr=full, check=False)
        assert (done.returncode, silent.returncode) == (code, code)
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert ("No space left" in done.stderr) == (code == 2)

    def test_the_first_failure_is_kept_and_later_output_swallowed(self) -> None:
        class Broken:
            writes = 0

            def write(self, text: str) -> int:
                self.writes += 1
                raise BrokenPipeError(32, "Broken pipe")

            def fileno(self) -> int:
                raise ValueError

        broken = Broken()
        output = Output(broken)  # type: ignore[arg-type]
        for _ in range(3):
            assert output.write("text") == 4
            output.flush()
        assert isinstance(output.error, BrokenPipeError)
        assert broken.writes == 1


def started(body: str, *arguments: str) -> subprocess.Popen[str]:
    """The command in a process of its own, at the place where `body` has said that it is ready."""
    script = """
        import sys, time
        import hypernorm as hn
        from hypernorm import cli
        from hypernorm.bounds import two_to_q

        def wait(seconds=60):
            print("ready", file=sys.__stderr__, flush=True)
            time.sleep(seconds)
    """
    script = textwrap.dedent(script) + textwrap.dedent(body) + "\nsys.exit(cli.main())\n"
    process = subprocess.Popen(
        (sys.executable, "-c", script, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    return process


IN_A_PROOF = """
    proves = hn.NormCertificate.prove
    hn.NormCertificate.prove = lambda self, *a, **k: proves(self, *a, **k) if self.kind == "row_norm" else wait()
"""
IN_A_SEARCH = """
    two_to_q._Search._improve_lower = lambda *arguments: wait()
"""
WHILE_SAVING = """
    save = hn.Certificate.save
    hn.Certificate.save = lambda self, path: (wait(1), save(self, path))
"""


class TestSignals:
    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    @pytest.mark.parametrize("stage", [IN_A_PROOF, IN_A_SEARCH])
    def test_what_is_proved_is_printed_and_saved(
        self, folder: Path, number: signal.Signals, code: int, stage: str
    ) -> None:
        process = started(stage, "norm", "X.npy", "--json", "--out", "c.npz", "--witness", "w.npz")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (code, "interrupted\n")
        fields = json.loads(out)
        assert fields["status"] == "INTERRUPTED"
        assert fields["upper"] == hn.load_certificate("c.npz").verify(X).upper
        assert 0 < fields["lower"] <= hn.load_certificate("w.npz").verify(X, exact=True).lower * (1 + 1e-12)

    def test_a_signal_does_not_interrupt_the_writing(self, folder: Path) -> None:
        process = started(WHILE_SAVING, *NORM, "--json", "--out", "c.npz")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (143, "interrupted\n")
        assert json.loads(out)["upper"] == hn.load_certificate("c.npz").verify(X).upper
        assert {path.name for path in folder.iterdir()} == {"X.npy", "X.cert.npz", "other.cert.npz", "c.npz"}

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_second_signal_ends_at_once(self, folder: Path, number: signal.Signals) -> None:
        body = "hn.Certificate.save = lambda self, path: (wait(0), time.sleep(1), wait())\n"
        process = started(body, *NORM, "--out", "c.npz")
        process.send_signal(number)
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=30)  # of the 60 seconds that the writing would still take
        assert process.returncode == -number
        assert "Traceback" not in err

    def test_nothing_is_proved_yet(self, folder: Path) -> None:
        process = started("cli.read_matrix = lambda file, **options: wait()\n", *NORM)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "interrupted\n")
        assert process.returncode == 143

    def test_handlers_are_restored_and_left_alone_by_the_library(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        hn.two_to_q_norm(X, progress=lambda stage: None)
        seen = []
        plain = hn.load_certificate

        def look(path: Path) -> object:
            seen.append((signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)))
            return plain(path)

        monkeypatch.setattr("hypernorm.load_certificate", look)
        assert cli.main(INFO) == 0
        assert seen
        assert seen[0][1] != before[1]
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

    def test_a_signal_that_is_ignored_stays_ignored(self) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with Interruptions(ends_process=False) as interruptions:
                signal.raise_signal(signal.SIGINT)
                assert interruptions.received is None
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(signal.SIGTERM)
                assert interruptions.exit_code == 143
        finally:
            signal.signal(signal.SIGINT, before)


def on_terminal(*arguments: str, **environment: str) -> str:
    """Everything that the command writes to a terminal."""
    import pty

    reading, writing = pty.openpty()
    process = subprocess.Popen(
        (*COMMAND, *arguments), stdout=writing, stderr=writing, env={**os.environ, "TERM": "xterm", **environment}
    )
    os.close(writing)
    shown = b""
    while True:
        try:
            part = os.read(reading, 1 << 16)
        except OSError:  # what Linux says at the end
            part = b""
        if not part:
            break
        shown += part
    os.close(reading)
    assert process.wait(timeout=60) == 0
    return shown.decode()


ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class TestTerminal:
    @pytest.mark.parametrize("columns", ["20", "80"])
    def test_numbers_are_never_cut(self, folder: Path, columns: str) -> None:
        interval = hn.two_to_q_norm(X, method="spectral", random_state=0)
        shown = on_terminal(*NORM, COLUMNS=columns)
        final = ESCAPE.sub("", shown.rpartition("\x1b[K")[2])
        words = [word.strip(",") for word in final.split()]
        assert words.count(rounded_down(interval.lower, 12)) == 2
        assert words.count(rounded_up(interval.upper, 12)) == 2
        for record in interval.records:
            assert rounded_up(record.upper, 12) in words
        # The line that changes leaves out what has no room, and never a part of a number.
        allowed = {rounded_down(interval.lower, 6), *(rounded_up(record.upper, 6) for record in interval.records)}
        drawn = ESCAPE.sub("", shown.rpartition("\x1b[K")[0]).replace("\r", "\n")
        assert all(len(line) < int(columns) for line in drawn.splitlines())
        assert set(re.findall(r"\d+\.\d+(?! %)", re.sub(r"gap \S+( \S+)? %", "", drawn))) <= allowed

    def test_a_narrow_terminal_gets_fewer_columns(self, folder: Path) -> None:
        shown = ESCAPE.sub("", on_terminal(*NORM, COLUMNS="40").rpartition("\x1b[K")[2]).splitlines()
        assert shown[0].split() == ["certificate", "proved", "upper", "bound"]
        assert all(len(line) < 40 for line in shown)

    def test_progress_shows_and_vanishes_without_colours(self, folder: Path) -> None:
        shown = on_terminal(*NORM)
        assert "computing" in shown
        assert "computing" not in shown.rpartition("\x1b[K")[2]
        assert not re.search(r"\x1b\[[0-9;]*m", shown)
        assert "computing" not in on_terminal(*PROVED, TERM="dumb")

    def test_no_escapes_where_there_is_no_terminal(self, folder: Path) -> None:
        environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "20"}
        done = subprocess.run((*COMMAND, *NORM), capture_output=True, text=True, env=environment, check=True)
        assert "\x1b" not in done.stdout
        assert done.stderr == ""
        upper = rounded_up(hn.two_to_q_norm(X, method="spectral", random_state=0).upper, 12)
        assert f"<= {upper}\n" in done.stdout

    def test_progress_does_not_touch_the_output(self, folder: Path) -> None:
        import pty

        reading, writing = pty.openpty()
        environment = {**os.environ, "TERM": "xterm"}
        done = subprocess.run(
            (*COMMAND, *NORM, "--json"), stdout=subprocess.PIPE, stderr=writing, env=environment, check=True
        )
        os.close(writing)
        shown = os.read(reading, 100_000).decode()
        os.close(reading)
        assert json.loads(done.stdout)["shape"] == [40, 4]
        assert "computing" in shown
