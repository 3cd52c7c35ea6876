"""What `hypernorm info` says of a file, and that no file can control a terminal."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import hypernorm as hn
from hypernorm import cli
from hypernorm.datasets import gaussian
from hypernorm.separable import separable_value
from tests.command_line import fail, succeed

X = gaussian(40, 4, random_state=0)
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
        assert out.splitlines()[-1].split(maxsplit=2) == ["to", "verify", "hypernorm verify DATA X.cert.npz"]

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
        assert is_safe(fail(capsys, 2, "info", named))
        assert is_safe(fail(capsys, 2, "norm", named))
        Path("X.csv").write_bytes(f'1,2\n3,"{HOSTILE}"\n'.encode())
        assert is_safe(fail(capsys, 2, "norm", "X.csv"))
        assert is_safe(fail(capsys, 2, "norm", "X.npy", f"--{HOSTILE}"))
        cli.main(["--traceback", "info", named])
        assert is_safe(capsys.readouterr().err)
        assert is_safe(succeed(capsys, "norm", "X.npy", "--witness", "v" + HOSTILE))
