"""The studies of Schatten regression: trials of each part, and verdicts that follow the rows."""

import pytest

from experiments import gauss_markov_intervals as intervals
from experiments import gauss_markov_study as study
from experiments.gauss_markov.methods import METHODS


def test_a_constant_bias_is_optimal_for_equal_signals():
    for alignment in (-1, -1.5):
        risks = study.relative_risks(2, alignment, 1e-2)
        assert risks["spectral"] <= min(risks.values()) + 1e-5
        assert (risks["spectral"] < 1 + 1e-5) == (alignment == -1)
    risks = study.relative_risks(2, 0, 1e-2)
    assert 1 <= risks["ridge"] < 1 + 1e-4 < risks["spectral"]


@pytest.fixture(scope="module")
def rows():
    seeds = (study.FIRST_SEED, study.FIRST_SEED + 1)
    cases = [{"part": "alignment", "decay": 1, "alignment": a, "noise": study.TABLE_NOISE} for a in (-1, 1)]
    for part in ("synthetic", "fixed"):
        cases += [{"part": part, "decay": 1, "alignment": 1, "noise": 1.0, "seed": seed} for seed in seeds]
    cases += [{"part": "data", "data": "diabetes", "seed": seed} for seed in seeds]
    return [case | study.trial(**case) for case in cases]


def test_the_study_has_every_method(rows):
    assert all(set(row["errors"]) == set(METHODS) for row in rows if row["part"] != "alignment")
    assert {row["problem"] for row in study.compare(rows)} == {
        "1/i, a = 1, σ = 1",
        "own directions, 1/i, a = 1, σ = 1",
        "diabetes",
    }
    assert study.error_table(rows).count("\n") == 7


def test_the_verdict_of_the_study_follows_the_rows(rows):
    equal = [row | {"errors": dict.fromkeys(METHODS, 1.0)} if row["part"] != "alignment" else row for row in rows]
    assert study.verdict(equal).endswith("stands.")
    worse = [
        row | {"errors": row["errors"] | {"blend": 1.06, "nuclear": 1.01}} if row["part"] == "fixed" else row
        for row in equal
    ]
    assert "nuclear on own directions" in study.verdict(worse)
    assert "blend on own directions" in study.verdict(worse)
    higher = [
        row | {"risks": row["risks"] | {"spectral": 1.01}} if row.get("alignment") == -1 else row for row in equal
    ]
    assert "REFUTED by spectral at 1/i, a = -1" in study.verdict(higher)


@pytest.mark.parametrize("norm", ["nuclear", "spectral"])
@pytest.mark.parametrize(
    "design",
    [
        {"part": "known", "n": 20, "d": 30, "weights": "variance"},
        {"part": "estimated", "n": 21, "d": 15, "weights": "count"},
    ],
    ids=lambda design: design["part"],
)
def test_intervals_cover(norm, design):
    case = {**design, "norm": norm, "decay": 0.5, "repeats": 500}
    row = case | intervals.trial(**case)
    assert [function["function"] for function in row["functions"]] == list(intervals.FUNCTIONS)
    for function in row["functions"]:
        assert min(function["worst"], function["random"]) > intervals.allowed(500) - 0.01
        assert 0 < function["relative_length"] < 1.1
    assert row["counts_apart"] < 1e-9
    assert (row["freedom"] == 5) == (design["part"] == "estimated")


def test_the_verdict_on_intervals_follows_the_rows():
    function = {"worst": 0.95, "random": 0.96, "worst_without_bias": 0.5, "length": 1.0, "relative_length": 0.5}
    functions = [{"function": name, **function} for name in intervals.FUNCTIONS]
    case = next(iter(intervals.PRESETS["paper"]()))
    found = [
        case | {"norm": norm, "functions": functions, "freedom": 1e9, "counts_apart": 0.0} for norm in intervals.NORMS
    ]
    assert "stands" in intervals.verdict(found)
    assert "1.00 to 1.00 times as long" in intervals.verdict(found)
    low = found[0] | {"functions": [function | {"worst": 0.94} for function in functions]}
    assert "REFUTED by known: 60 × 20, decay 0.5, equal weights, nuclear" in intervals.verdict([low, *found[1:]])
    assert "stands" in intervals.verdict([*found, low | {"part": "chosen"}])
    assert "REFUTED by counts" in intervals.verdict([found[0] | {"counts_apart": 1e-3}, *found[1:]])
    assert intervals.summary(found).count("known: 60 × 20") == 3
    parts = [case["part"] for case in intervals.PRESETS["paper"]()]
    assert [parts.count(part) for part in ("known", "estimated", "chosen")] == [36, 24, 6]


def test_chosen_penalties_are_reported(monkeypatch):
    monkeypatch.setattr(intervals, "SEARCH_REPEATS", 20)
    case = {"part": "chosen", "norm": "ridge", "n": 20, "d": 5, "weights": "equal", "decay": 0.5, "repeats": 100}
    for function in intervals.trial(**case)["functions"]:
        assert function["worst"] > 0.8
