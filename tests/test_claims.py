"""The page on claims of papers: its verdicts follow the rows, and every row can be repeated."""

import re
from pathlib import Path

import pytest

from docs.numbers import claims

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| claim", "| ---"))]
TESTED = {re.search(r"measured: verdict (\w+)", row)[1]: row for row in ROWS if "measured: verdict" in row}


def files(row):
    return re.findall(r"`(results/[\w/]+\.jsonl)`", row)


def test_every_row_has_a_verdict():
    assert set(TESTED) == set(claims.CLAIMS)
    for row in ROWS:
        _, _, verdict, reason, _ = (cell.strip() for cell in row.split("|"))
        assert "measured: verdict" in verdict or (verdict == "not tested" and reason)


@pytest.mark.parametrize("name", claims.CLAIMS)
def test_commands_and_files_of_rows_exist(name):
    (module,) = re.findall(r"`python -m ([\w.]+)[^`]*`", TESTED[name])
    assert '__name__ == "__main__"' in (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    written = {path.split("/")[1] for path in files(TESTED[name])}
    assert module.split(".")[1] in written
    for path in files(TESTED[name]):
        assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) > 1


@pytest.mark.parametrize("name", claims.CLAIMS)
def test_verdicts_are_computed_from_the_named_files(name, monkeypatch):
    read, real = set(), claims.rows

    def recorded(experiment, part="paper"):
        read.add(f"results/{experiment}/{part}.jsonl")
        return real(experiment, part)

    monkeypatch.setattr(claims, "rows", recorded)
    monkeypatch.setattr(claims.gauss_markov_risk, "compare", lambda rows: [])  # seconds of numerical limits
    assert claims.CLAIMS[name].__wrapped__().parts
    assert read == set(files(TESTED[name]))


@pytest.mark.parametrize(
    ("name", "change", "verdict"),
    [
        ("nonnegative", {"upper": [1e9] * 10}, "refuted"),
        ("nesterov", {"upper": [1e9] * 10}, "refuted"),
        ("extensions", {"second_upper": 9.0}, "refuted"),
        ("eighth_root", {"realigned": 9.0}, "refuted"),
        ("clusters", {"exceeded": True}, "refuted"),
        ("expansion", {"bound": 2.0}, "refuted"),
        ("stability", {"error": 0.9}, "refuted"),
        ("sample_numbers", {"error": 1.0}, "refuted"),
    ],
)
def test_other_rows_have_another_verdict(name, change, verdict, monkeypatch):
    real = claims.rows
    monkeypatch.setattr(claims, "rows", lambda *place: [row | change for row in real(*place)])
    monkeypatch.setitem(claims.CLAIMS, name, claims.CLAIMS[name].__wrapped__)
    assert claims.verdict(name) == f"**{verdict}**"


def test_some_parts_narrow_a_claim(monkeypatch):
    monkeypatch.setitem(claims.CLAIMS, "half", lambda: claims.Finding([True, False], ""))
    assert claims.verdict("half") == "**narrowed**"


def test_verdicts_of_experiments_are_read():
    assert claims.says("Verdict on 5 fits: 1. stands: good; 2. REFUTED: bad.", 1)
    assert not claims.says("Verdict on 5 fits: 1. stands: good; 2. REFUTED: bad.", 2)
    assert claims.says("1. all errors\n1. Verdict: stands for ε = 0.1.\n4. Verdict on bounds: stands; 3 finite", 4)
    assert not claims.says("Verdict: NOT everywhere: 3 of 4")
    with pytest.raises(ValueError, match="no verdict"):
        claims.says("Verdict: stands.", 3)
