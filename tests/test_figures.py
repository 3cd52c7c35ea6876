"""The figures in the repository are those that a page shows; all others are drawn by `make figures`."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from paper_figures import norm_map

ROOT = Path(__file__).parent.parent
OUTPUT = "paper_figures/output"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "docs" / "gallery").iterdir())]


def shown() -> set[str]:
    """The figures to which a page links, as paths from the root."""
    found = set()
    for page in PAGES:
        if page.is_file():
            for target in re.findall(rf"[\w./-]*{OUTPUT}/[\w.-]+\.\w+", page.read_text(encoding="utf-8")):
                # The README shows its picture by an absolute address, so that it is seen elsewhere too.
                target = target if page.name != "README.md" else target[target.index(OUTPUT) :]
                found.add(os.path.relpath(page.parent / target, ROOT).replace(os.sep, "/"))
    return found


def test_shown_figures_are_there_and_no_others_are_kept():
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"{OUTPUT}/*" in lines
    assert {line[1:] for line in lines if line.startswith(f"!{OUTPUT}/")} == shown()
    assert all((ROOT / path).is_file() for path in shown())


def test_pages_show_some_figures_of_experiments():
    assert len(shown()) >= 5
    assert {Path(path).suffix for path in shown()} == {".png"}


def test_committed_figures_are_those_that_pages_show():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this copy has no history")
    words = ["git", "-C", str(ROOT), "ls-files", OUTPUT]
    kept = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout.split()
    assert set(kept) == shown()


def test_the_map_of_norms_is_exact_at_its_edges():
    values = norm_map.factors(np.array([0, 0.5, 1]))
    assert (values[0] == 1).all()
    assert (values[:, 2] == 1).all()
    assert values[1, 1] == 1
    assert values[1, 0] == pytest.approx(np.sqrt(np.pi / 2)) == values[2, 1]  # ∞→2 and 2→1
