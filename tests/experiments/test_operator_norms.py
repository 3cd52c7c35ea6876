"""The cells and the verdict of the experiment on operator norms."""

import math

import pytest

from experiments import operator_norms as experiment


@pytest.fixture(scope="module")
def rows():
    cases = [{"family": "signs", "n": 5, "p": "3"}, {"family": "integer", "n": 6, "p": "1.5"}]
    return [case | experiment.trial(**case) for case in cases]


def test_every_cell_has_a_finite_bound(rows):
    assert len(list(experiment.cells(rows))) == 20
    assert all(1 <= ratio < math.inf for *_, ratio, _ in experiment.cells(rows))
    assert "stands on 20 cells" in experiment.verdict(rows)
    assert experiment.table(rows).count("\n") == len(experiment.worst(rows)) + 1


@pytest.mark.parametrize(
    ("value", "words"), [(math.inf, "1 without a finite"), (0.0, "1 below the best"), (1e9, "1 beyond the factor")]
)
def test_the_verdict_follows_the_rows(rows, value, words):
    changed = [rows[0] | {"upper": [value, *rows[0]["upper"][1:]]}, rows[1]]
    assert "REFUTED" in experiment.verdict(changed)
    assert words in experiment.verdict(changed)


def test_the_paper_has_the_whole_grid():
    cases = [case for case in experiment.PRESETS["paper"]() if case["n"] <= 100]
    assert len(cases) == 3 * len(experiment.FAMILIES) * len(experiment.EXPONENTS)


def test_regions():
    pairs = {(1, 3): "p = 1 or q = ∞", (3, 1.5): "p ≥ 2 ≥ q", (1.5, 3): "p ≤ 2 ≤ q", (3, 4): "p, q > 2"}
    assert {pair: experiment.region(*pair) for pair in pairs} == pairs
