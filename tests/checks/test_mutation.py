"""The command on a toy package: what its tests notice, what they do not, and the exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from checks.mutation import listing, read_reasons, report

ROOT = Path(__file__).parent.parent.parent

RULES = """\
LIMIT = 10


def is_small(x):
    if x < 0:
        raise ValueError("negative")
    return x < LIMIT


def unused(x):
    return x + 1


class Rule:
    def __init__(self):
        self.limit = 10


class Other(Rule):
    def __init__(self):
        super().__init__()
        self.least = 0
"""
TESTS = """\
import pytest

from toy.part.rules import Other, is_small


def test_small():
    assert is_small(9)
    assert not is_small(10)


def test_negative():
    with pytest.raises(ValueError, match="negative"):
        is_small(-1)


def test_other():
    other = Other()
    assert (other.least, other.limit) == (0, 10)
"""
SURVIVORS = {"comparison: x < 0 => x <= 0", "constant: x < 0 => x < 1"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    (root / "toy" / "part").mkdir(parents=True)
    (root / "tests").mkdir()
    for name, text in {
        "toy/__init__.py": "",
        "toy/part/__init__.py": "",
        "toy/part/rules.py": RULES,
        "tests/test_rules.py": TESTS,
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\naddopts = '--import-mode=importlib'\n",
    }.items():
        (root / name).write_text(text)
    return root


def command(root, *arguments):
    program = (
        "import sys; from pathlib import Path; from checks.mutation import Target, main; "
        f"sys.exit(main({list(arguments)!r}, Target(Path({str(root)!r}), 'toy.part', ('tests',))))"
    )
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_unexplained_survivor_gives_exit_code_1_and_an_explained_one_0(toy):
    rows, reasons = toy / "rows.jsonl", toy / "survivors.toml"
    arguments = ["--rows", str(rows), "--survivors", str(reasons)]

    first = command(toy, *arguments)

    found = {row["change"]: row for row in map(json.loads, rows.read_text().splitlines())}
    results = {change: row["result"] for change, row in found.items()}
    assert first.returncode == 1, first.stderr
    assert results["constant: return x + 1 => return x + 2"] == "untested"
    assert {change for change, result in results.items() if result == "survived"} == SURVIVORS
    assert found["constant: x < 0 => x < -1"]["noticed_by"] == "tests/test_rules.py::test_negative"
    assert found["constant: LIMIT = 10 => LIMIT = 11"]["noticed_by"] == "tests/test_rules.py::test_small"
    assert results["drop guard: if x < 0 => pass"] == "killed"
    assert results["drop statement: super().__init__() => pass"] == "killed"

    text = first.stdout[first.stdout.index("[[survivor]]") :]
    reasons.write_text(text.replace('reason = ""', 'reason = "a toy"'))
    lines = rows.read_text()
    again = command(toy, *arguments)

    assert again.returncode == 0, again.stdout
    assert "to try" not in again.stdout
    assert rows.read_text() == lines


def test_a_test_that_fails_without_a_change_ends_the_run(toy, tmp_path):
    tests = toy / "tests" / "test_rules.py"
    tests.write_text(TESTS.replace("is_small(9)", "is_small(11)"))
    result = command(toy, "--rows", str(tmp_path / "rows.jsonl"))
    tests.write_text(TESTS)
    assert result.returncode == 1
    assert "Without any change tests/test_rules.py::test_small fails" in result.stderr


def row(change, result="survived", module="rules"):
    return {"module": module, "function": "f", "change": change, "line": 3, "result": result, "noticed_by": ""}


def test_report_counts_and_finds_what_is_not_explained():
    rows = [row("a"), row("b", "killed"), row("c", "untested"), row("d", module="other")]
    table, unexplained = report(rows, {("rules", "f", "a"): "harmless"})
    assert [entry["change"] for entry in unexplained] == ["c", "d"]
    assert table.splitlines()[-1].split() == ["all", "4", "1", "2", "1", "2", "25.0%"]


def test_what_is_listed_can_be_read_once_it_is_explained(tmp_path):
    rows = [row('x["…"] < 1 => x\\n'), row("b"), row("b", module="other")]
    path = tmp_path / "survivors.toml"
    path.write_text(listing(rows), encoding="utf-8")
    assert set(read_reasons(path)) == {(each["module"], "f", each["change"]) for each in rows}
    assert read_reasons(tmp_path / "none.toml") == {}
