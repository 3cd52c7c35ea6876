"""Experiments, benchmarks and figures say what can be run, and refuse what cannot."""

import re
import runpy
import sys
from pathlib import Path

import matplotlib
import pytest

from experiments.names import programs

ROOT = Path(__file__).parents[2]
NAMES = {package: programs(ROOT / package) for package in ("experiments", "benchmarks", "paper_figures")}


@pytest.fixture
def style(monkeypatch):
    """The style of the figures, whose settings end with the test."""
    with matplotlib.rc_context():
        from paper_figures import style

        monkeypatch.setattr(style, "OUTPUT", style.OUTPUT)
        yield style


def run(monkeypatch: pytest.MonkeyPatch, package: str, *options: str) -> object:
    """The exit code of ``python -m package``; 0 or None for success."""
    monkeypatch.setattr(sys, "argv", [package, *options])
    monkeypatch.delitem(sys.modules, f"{package}.__main__", raising=False)
    try:
        runpy.run_module(package, run_name="__main__")
    except SystemExit as ended:
        return ended.code
    return 0


@pytest.mark.parametrize("package", NAMES)
def test_usage_names_what_can_be_run(package, monkeypatch, capsys):
    assert len(NAMES[package]) > 8
    assert run(monkeypatch, package, "--help") == 0
    usage = capsys.readouterr().out.partition("\n\n")[0]
    assert usage.startswith(f"usage: python -m {package} ")
    named = re.search(r"\{([\w,]+)\}", usage)
    assert named is not None
    assert sorted(named[1].split(",")) == sorted(NAMES[package])


@pytest.mark.parametrize("package", NAMES)
def test_an_unknown_name_is_one_clear_error(package, monkeypatch, capsys):
    assert run(monkeypatch, package, "nothing") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    error = captured.err.splitlines()[-1]
    assert "there is no 'nothing'; choose from " in error
    assert all(name in error for name in NAMES[package])


def test_experiments_are_listed_with_their_claims(monkeypatch, capsys):
    assert run(monkeypatch, "experiments") == 0
    listed = capsys.readouterr().out
    for name, claim in NAMES["experiments"].items():
        assert claim
        assert f"{name}: {claim.split()[0]}" in listed
    monkeypatch.delitem(sys.modules, "experiments.clean_lines", raising=False)  # other tests may have imported it
    assert run(monkeypatch, "experiments", "clean_lines", "--help") == 0
    assert "--preset" in capsys.readouterr().out


def test_a_figure_is_drawn_where_it_is_asked_for(style, monkeypatch, capsys, tmp_path):
    folder = tmp_path / "new" / "folder"
    assert run(monkeypatch, "paper_figures", "sparse_vectors", "--out", str(folder)) is None
    assert {path.suffix for path in folder.iterdir()} == {".pdf", ".png"}
    (tmp_path / "file").write_text("")
    assert run(monkeypatch, "paper_figures", "--out", str(tmp_path / "file")) == 2
    assert "--out" in capsys.readouterr().err


def test_figures_without_results_are_named_at_the_end(style, monkeypatch, tmp_path):
    monkeypatch.setattr(style, "read", lambda name, preset: [])
    ended = run(monkeypatch, "paper_figures", "small_sets", "--out", str(tmp_path))
    assert isinstance(ended, str)
    assert ended.startswith("small_sets: No results on file")
