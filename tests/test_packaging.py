"""What strangers get: one version, addresses that agree, links that lead somewhere, and everything the tests need."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import hypernorm as hn
from hypernorm._addresses import DOCUMENTATION, ISSUES, SOURCE

ROOT = Path(__file__).parent.parent
tomllib = pytest.importorskip("tomllib", reason="Python 3.11 or newer reads TOML")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get, here and on the site."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(address: str) -> bool:
    """Whether an address of the project leads to a file of this version."""
    target, _, anchor = address.partition("#")
    if target in (DOCUMENTATION, SOURCE, ISSUES):
        return not anchor
    if target.startswith(f"{DOCUMENTATION}/en/latest/"):
        path = ROOT / "docs" / target.removeprefix(f"{DOCUMENTATION}/en/latest/").replace(".html", ".md")
    else:
        raw = SOURCE.replace("github.com", "raw.githubusercontent.com")
        path = ROOT / re.sub(rf"^({re.escape(SOURCE)}/blob|{re.escape(raw)})/main/", "", target)
    return path.is_file() and (not anchor or anchor in anchors(path))


def test_one_version():
    number, date = re.search(r"^## (\d\S*) - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE).groups()
    assert PROJECT["version"] == hn.__version__ == CITATION["version"] == number
    assert str(CITATION["date-released"]) == date


def test_addresses_agree():
    assert f"Documentation: {DOCUMENTATION}\n" in (hn.__doc__ or "")
    assert CITATION["url"] == DOCUMENTATION
    assert CITATION["repository-code"] == SOURCE
    urls = PROJECT["urls"]
    assert list(urls) == ["Homepage", "Documentation", "Source", "Issues", "Changelog"]
    assert (urls["Homepage"], urls["Documentation"], urls["Source"]) == (SOURCE, DOCUMENTATION, SOURCE)
    assert urls["Issues"] == ISSUES
    assert is_there(urls["Changelog"])


def test_readme_works_wherever_it_is_shown():
    """A package index shows README alone: no relative links, no formulas, and every link with a definition."""
    addresses = re.findall(r"\]\(([^)]+)\)|^\[[^\]]+\]: (\S+)$", README, flags=re.MULTILINE)
    addresses = [first or second for first, second in addresses]
    assert len(addresses) >= 9
    assert [address for address in addresses if not is_there(address)] == []
    assert "$$" not in README
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", README, flags=re.MULTILINE | re.DOTALL)
    definition = re.compile(r"^\[([^\]]+)\]: .*$", flags=re.MULTILINE)
    defined = set(definition.findall(prose))
    used = re.findall(r"\]\[([^\]]+)\]|(?<!\])\[([^\]\[]+)\](?![(\[])", definition.sub("", prose))
    assert {first or second for first, second in used} == defined


def test_installed_modules_point_to_no_file_that_is_not_installed():
    for path in (ROOT / "hypernorm").rglob("*.py"):
        named = re.findall(r"\b(?:docs|tests|experiments|benchmarks)/\w+[\w/]*\.\w+", path.read_text(encoding="utf-8"))
        assert named == [], path


def test_pages_that_docstrings_name_exist():
    pages = {
        page
        for path in (ROOT / "hypernorm").rglob("*.py")
        for page in re.findall(r"(\w+/\w+)\s+(?:of|in)\s+the\s+documentation", path.read_text(encoding="utf-8"))
    }
    assert len(pages) > 5
    assert all((ROOT / "docs" / f"{page}.md").is_file() for page in pages)


def test_source_distribution_holds_the_repository():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this copy has no history")
    words = ["git", "-C", str(ROOT), "ls-files"]
    kept = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout.split("\n")
    lines = [line.split() for line in (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()]
    named = {name for command, *names in lines if command in ("include", "graft") for name in names}
    # What setuptools adds by itself.
    named |= {"LICENSE", "MANIFEST.in", "README.md", "hypernorm", "pyproject.toml"}
    assert {path.partition("/")[0] for path in kept if path} == named
    assert all((ROOT / name).exists() for name in named)
