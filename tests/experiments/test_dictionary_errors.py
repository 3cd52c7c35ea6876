"""Codes of the experiment on errors of atoms, its ratios, and a verdict that rows can refute."""

import copy

import numpy as np
import pytest

from experiments import dictionary_errors as experiment


def test_codes_are_what_their_names_say():
    rng = np.random.default_rng(0)
    values, learnable = experiment.codes("groups", 1000, 10, 0.2, 0, rng)
    assert ((values[:, :5] != 0).all(axis=1) == (values[:, 0] != 0)).all()
    assert learnable.all()
    values, learnable = experiment.codes("half", 20_000, 8, 0.1, 0, rng)
    np.testing.assert_allclose(values.std(axis=0), 1, rtol=0.1)
    assert learnable.tolist() == [False] * 4 + [True] * 4
    assert np.abs(values[:, 2:4]).max() <= 3**0.5
    values, _ = experiment.codes("unequal", 20_000, 3, 0, 0, rng)
    np.testing.assert_allclose((values != 0).mean(axis=0), [0.02, 0.02**0.5 * 0.6**0.5, 0.6], rtol=0.15)
    values, _ = experiment.codes("amplitudes", 20_000, 4, 1, 1.0, rng)
    assert np.corrcoef(values.T**2)[0, 1] > 0.01
    assert set(np.unique(experiment.codes("signs", 100, 3, 0.5, 0, rng)[0])) == {-1, 0, 1}


@pytest.fixture(scope="module")
def rows():
    """The cells of one shape, where three are measured and the others copied from these."""
    cases = list(experiment.PRESETS["quick"]())
    measured = {}
    for case in cases:
        key = case["part"], case["name"] in experiment.OUTSIDE
        measured.setdefault(key, {**case, **experiment.trial(**{**case, "r": 2000})})
    return [{**measured[case["part"], case["name"] in experiment.OUTSIDE], **case} for case in cases]


def test_errors_of_one_fit_are_near_their_estimates(rows):
    row = rows[0]
    assert 0.5 < row["error"] / row["estimate"] < 2
    assert 0.5 < row["atom_error"] / row["atom_estimate"] < 2
    assert row["wrong"] == row["flagged"] == 0


def test_verdict_is_computed_from_the_rows(rows):
    def verdict(change=lambda row: {}):
        changed = copy.deepcopy(rows)
        for row in changed:
            row.update(
                {"error": 0.005, "estimate": 0.005, "atom_error": 1, "atom_estimate": 1, "wrong": 0, **change(row)}
            )
        return experiment.summary(changed).splitlines()[-1]

    assert "REFUTED" not in verdict()
    assert "1. REFUTED" in verdict(lambda row: {"error": 0.007} if row["name"] == "Laplace" else {})
    assert "1. REFUTED" in verdict(lambda row: {"atom_error": 0.7} if row["name"] == "Laplace" else {})
    assert "REFUTED" not in verdict(lambda row: {"error": 0.05} if row["name"] in experiment.OUTSIDE else {})
    assert "2. REFUTED: 1 of" in verdict(lambda row: {"wrong": 1} if row["name"] == "Gaussian" else {})
    missed = verdict(lambda row: {"error": 0.3} if row["theta"] == 0.5 else {})
    assert "3. REFUTED" in missed
    assert "θ = 0.5" in missed


def test_ratios_are_of_medians_for_amplitudes():
    rows = [
        {"kind": kind, "error": e, "estimate": 1, "atom_error": e, "atom_estimate": 2}
        for e in (1, 2, 9)
        for kind in "a"
    ]
    assert experiment.ratios(rows) == {"rows": 4, "atoms": 2}
    assert experiment.ratios([{**row, "kind": "amplitudes"} for row in rows]) == {"rows": 2, "atoms": 1}
