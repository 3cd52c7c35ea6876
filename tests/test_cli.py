"""The command does what it says, and answers every wrong input with one line and the right exit code."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm import cli
from hypernorm.datasets import gaussian, load_bundled
from hypernorm.robust import certify_covariance, certify_mean
from hypernorm.separable import separable_value
from tests.command_line import fail, succeed

X = gaussian(40, 4, random_state=0)


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

    def test_central_moments_are_proved_for_the_file(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        options = ["--center", "--normalize", "--out", "moment.npz", "--witness", "below.npz"]
        shown = succeed(capsys, "norm", "X.npy", *options)
        quantity = "(mean of |<x_i - mean, v>|^4)^(1/4) in any direction v"
        assert quantity in shown
        known = hn.two_to_q_norm(np.load("X.npy"), 4, center=True, normalize=True, random_state=0)
        for file, value, relation in (("moment.npz", known.upper, "<="), ("below.npz", known.lower, ">=")):
            proved = succeed(capsys, "verify", "X.npy", file).splitlines()[0]
            assert proved.startswith(f"proved: {quantity} {relation} ")
            assert float(proved.split()[-1]) == pytest.approx(value, rel=1e-9)
            assert f"{quantity} {relation}" in succeed(capsys, "info", file)
        assert json.loads(succeed(capsys, "verify", "X.npy", "moment.npz", "--json"))["about"] == "mean"

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
        if hasattr(os, "mkfifo"):
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
        for share in (0.1, 0.5, 0.99):
            Path("cut.npz").write_bytes(content[: int(share * len(content))])
            assert "cut.npz" in fail(capsys, 1, "verify", "X.npy", "cut.npz")
            fail(capsys, 1, "info", "cut.npz")
        with np.load("X.cert.npz") as archive:
            members = dict(archive)
        members["values"] = members["values"] * 0.5
        np.savez("low.npz", **members)
        assert "not proved" in fail(capsys, 1, "verify", "X.npy", "low.npz")

    def test_a_matrix_is_no_certificate_and_the_reverse(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "X.npy is no certificate" in fail(capsys, 2, "verify", "X.npy", "X.npy")
        assert "X.npy is no certificate" in fail(capsys, 2, "info", "X.npy")
        assert "is a certificate" in fail(capsys, 2, "verify", "X.cert.npz", "X.cert.npz")
        fail(capsys, 2, "verify", "X.npy", "nowhere.npz")
        Path("empty.npz").touch()
        assert "empty.npz is no certificate" in fail(capsys, 2, "verify", "X.npy", "empty.npz")

    @pytest.mark.parametrize("data", ["X.npy", "X.npz", "digits"])
    def test_swapped_arguments_are_noticed(self, folder: Path, capsys: pytest.CaptureFixture[str], data: str) -> None:
        np.savez("X.npz", np.load("X.npy"))
        message = fail(capsys, 2, "verify", "X.cert.npz", data)
        assert f"swap them: hypernorm verify {data} X.cert.npz" in message

    def test_other_data_may_have_the_bound_all_the_same(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        np.save("reversed.npy", np.load("X.npy")[::-1])
        message = fail(capsys, 1, "verify", "reversed.npy", "X.cert.npz")
        assert all(words in message for words in ("fingerprint of X differs", "order", "may still be true"))
        assert "index" not in message

    def test_a_column_too_many_may_be_an_index(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        X = np.load("X.npy")
        labelled = np.column_stack([100.0 + np.arange(len(X)) ** 2, X])
        np.savetxt("X.csv", labelled, delimiter=",", fmt="%.17g")
        assert "--index" in fail(capsys, 1, "verify", "X.csv", "X.cert.npz")
        succeed(capsys, "verify", "X.csv", "X.cert.npz", "--index")
        hn.spectral_bound(labelled).save("labelled.npz")
        assert "--no-index" in fail(capsys, 1, "verify", "X.csv", "labelled.npz", "--index")
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

    def test_both_ends_of_a_smallest_gain_are_verified(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        interval = hn.smallest_gain(X, random_state=0)
        interval.certificate.save("g.npz")
        interval.witness.save("v.npz")
        for name, relation, value in (("g.npz", ">=", interval.lower), ("v.npz", "<=", interval.upper)):
            for exact in ([], ["--exact"]):
                line = succeed(capsys, "verify", "X.npy", name, *exact).splitlines()[0]
                assert line.split()[1:4] == ["min", "||Xv||_4/||v||", relation]
                assert float(line.split()[4]) == pytest.approx(value, rel=1e-12)
            assert f"min ||Xv||_4/||v|| {relation} " in succeed(capsys, "info", name)
            fail(capsys, 1, "verify", "diabetes", name)
        fields = json.loads(succeed(capsys, "info", "g.npz", "--json"))
        assert (fields["kind"], fields["form"], fields["claimed_lower"]) == ("lower_gain", "sos", interval.lower)
        fields = json.loads(succeed(capsys, "verify", "X.npy", "v.npz", "--json"))
        assert fields["upper"] == interval.upper

    def test_complex_matrices(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        A = X[:8] + 1j * X[8:16]
        np.save("A.npy", A)
        sp.save_npz("A.npz", sp.csr_array(A))
        np.savez("B.npz", A)
        interval = hn.two_to_q_norm(A, 4, random_state=0)
        printed = succeed(capsys, "norm", "A.npy", "--out", "c.npz", "--witness", "v.npz", "--plot", "p.png")
        assert "<= ||X||_{2→4} over complex vectors <=" in printed
        for file in ("A.npy", "A.npz", "B.npz"):
            for exact in ([], ["--exact"]):
                line = succeed(capsys, "verify", file, "c.npz", *exact).splitlines()[0]
                assert float(line.split()[-1]) == pytest.approx(interval.upper, rel=1e-12)
                line = succeed(capsys, "verify", file, "v.npz", *exact).splitlines()[0]
                assert float(line.split()[-1]) == pytest.approx(interval.lower, rel=1e-12)
        fields = json.loads(succeed(capsys, "info", "c.npz", "--json"))
        assert (fields["kind"], fields["q"], fields["shape"], fields["norm"]) == ("complex_norm", 4.0, [8, 4], "sos")
        fields = json.loads(succeed(capsys, "norm", "A.npz", "--q", "inf", "--witness", "v.npy", "--json"))
        assert fields["upper"] == pytest.approx(np.linalg.norm(A, axis=1).max())
        assert np.load("v.npy").dtype == complex
        np.save("conjugate.npy", A.conj())
        fail(capsys, 1, "verify", "conjugate.npy", "c.npz")
        fail(capsys, 1, "verify", "X.npy", "c.npz")
        interval = hn.operator_norm(A, 3, 1.5, random_state=0)
        printed = succeed(capsys, "norm", "A.npz", "--p", "3", "--q", "1.5", "--out", "c.npz", "--witness", "v.npz")
        assert "<= ||A||_{3→1.5} over complex vectors <=" in printed
        for name, value in (("c.npz", interval.upper), ("v.npz", interval.lower)):
            for exact in ([], ["--exact"]):
                line = succeed(capsys, "verify", "A.npy", name, *exact).splitlines()[0]
                assert float(line.split()[-1]) == pytest.approx(value, rel=1e-9)
            assert "over complex vectors" in succeed(capsys, "info", name)
        for options in (["--q", "3"], ["--center"], ["--normalize"]):
            assert "complex" in fail(capsys, 2, "norm", "A.npy", *options)
        np.save("A.npy", A * np.nan)
        assert "row 0, column 0" in fail(capsys, 2, "norm", "A.npy")

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

    @pytest.mark.parametrize("certify", [certify_mean, certify_covariance])
    def test_both_error_bounds_are_printed(self, certify, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        certificate = certify(X, np.arange(40) > 1, 0.05)
        certificate.save("robust.npz")
        proved = certificate.verify(X)
        lines = succeed(capsys, "verify", "X.npy", "robust.npz").splitlines()
        assert lines[0] == f"proved: {proved.quantity} <= {proved.error_bound:.17g}"
        assert lines[1] == "        if at most the fraction 0.05 are outliers"
        assert lines[2] == f"given:  {proved.quantity} <= {proved.error_bound_given():.17g}"
        assert lines[3] == f"        if moreover {proved.premise_given}"
        fields = json.loads(succeed(capsys, "verify", "X.npy", "robust.npz", "--json"))
        assert (fields["upper"], fields["upper_given"]) == (proved.upper, proved.upper_given)

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
