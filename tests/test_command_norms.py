"""Norms by name or by exponents on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

import hypernorm as hn
from tests.command_line import fail, succeed

X = np.random.default_rng(0).standard_normal((9, 4))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("nuclear", hn.schatten_norm(X, 1)),
        ("frobenius", hn.schatten_norm(X, 2)),
        ("spectral", hn.schatten_norm(X, np.inf)),
        ("schatten:2.5", hn.schatten_norm(X, 2.5)),
        ("kyfan:2", hn.ky_fan_norm(X, 2)),
        ("ksupport:3", hn.k_support_norm(X, 3)),
        ("max", hn.max_norm(X)),
    ],
)
def test_norms_by_name_are_saved_and_verified(name, found, capsys):
    shown = succeed(capsys, "norm", "X.npy", "--norm", name, "--out", "c.npz")
    assert f" <= {found.quantity} <= " in shown
    assert "c.npz" in shown
    fields = json.loads(succeed(capsys, "norm", "X.npy", "--norm", name, "--json"))
    assert (fields["lower"], fields["upper"]) == (found.lower, found.upper)
    assert f"proved: {found.quantity} <= {found.upper:.17g}" in succeed(capsys, "verify", "X.npy", "c.npz")
    assert "exact arithmetic" in succeed(capsys, "verify", "X.npy", "c.npz", "--exact")
    verified = json.loads(succeed(capsys, "verify", "X.npy", "c.npz", "--json"))
    assert verified["lower"] == found.lower
    assert found.certificate.fingerprint in succeed(capsys, "info", "c.npz")


def test_bounds_on_all_singular_values_are_in_the_report(capsys):
    hn.singular_values(X).certificate.save("s.npz")
    fields = json.loads(succeed(capsys, "verify", "X.npy", "s.npz", "--json"))
    assert len(fields["lowers"]) == len(fields["uppers"]) == 4
    assert fields["upper"] == fields["uppers"][0]
    assert "spectral norm of X" in succeed(capsys, "info", "s.npz")


def test_names_that_do_not_exist_and_options_that_do_not_fit(capsys):
    for name in ("foo", "schatten", "schatten:x", "kyfan:1.5", "kyfan:9", "schatten:0.5", "nuclear:2"):
        fail(capsys, 2, "norm", "X.npy", "--norm", name)
    for option in ("--center", "--normalize"):
        assert "for operator norms" in fail(capsys, 2, "norm", "X.npy", "--norm", "nuclear", option)


def test_no_gap_is_infinite_in_json(capsys):
    np.save("Z.npy", np.zeros((2, 2)))
    assert json.loads(succeed(capsys, "norm", "Z.npy", "--norm", "nuclear", "--json"))["gap"] == 0


def test_operator_and_cut_norms(capsys):
    A = np.random.default_rng(0).standard_normal((5, 4))
    np.save("A.npy", A)
    options = ["--out", "c.npz", "--witness", "v.npz", "--plot", "p.png"]
    for choice, known in (
        (["--p", "3", "--q", "1.5"], hn.operator_norm(A, 3, 1.5, random_state=0)),
        (["--p", "inf", "--q", "1"], hn.operator_norm(A, np.inf, 1, random_state=0)),
        (["--norm", "cut"], hn.cut_norm(A, random_state=0)),
    ):
        shown = succeed(capsys, "norm", "A.npy", *choice, *options)
        assert known.quantity in shown
        fields = json.loads(succeed(capsys, "norm", "A.npy", *choice, "--json"))
        assert (fields["lower"], fields["upper"]) == (known.lower, known.upper)
        for file in ("c.npz", "v.npz"):
            assert known.quantity in succeed(capsys, "info", file)
            assert f"proved: {known.quantity}" in succeed(capsys, "verify", "A.npy", file)
        assert "exact arithmetic" in succeed(capsys, "verify", "A.npy", "c.npz", "--exact")
    assert "--norm must be" in fail(capsys, 2, "norm", "A.npy", "--norm", "best")
    assert "no exponents" in fail(capsys, 2, "norm", "A.npy", "--norm", "cut", "--q", "2")
    assert "leave them or --p out" in fail(capsys, 2, "norm", "A.npy", "--p", "3", "--center")
    assert "--p must be a number" in fail(capsys, 2, "norm", "A.npy", "--p", "three")
    assert "ends in .npz" in fail(capsys, 2, "norm", "A.npy", "--norm", "cut", "--witness", "v.npy")
