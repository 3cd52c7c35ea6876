"""The benchmarks run, and their referee tells right from wrong."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import hypernorm as hn
from benchmarks import operator_bounds
from benchmarks.harness import in_process, table
from benchmarks.referee import (
    cut_value,
    dictionary_errors,
    proved_gap,
    proved_multipliers,
    proved_vector,
    relaxed_value,
    ridge_residual,
)


def test_ridge_residual_vanishes_at_the_solution_only():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 5)), rng.standard_normal(40)
    model = Ridge(2.0).fit(X, y)
    assert ridge_residual(X, y, model.coef_, model.intercept_, 2.0) < 1e-13
    assert ridge_residual(X, y, model.coef_, model.intercept_, 2.1) > 1e-3
    assert ridge_residual(X, y, model.coef_ * 1.01, model.intercept_, 2.0) > 1e-3


def test_dictionary_errors_ignore_signs_order_and_lengths():
    dictionary = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    atoms = -3 * dictionary.T[::-1]
    assert dictionary_errors(atoms, dictionary)["found"] == 6
    assert dictionary_errors(atoms, dictionary)["error"] < 1e-12
    assert dictionary_errors(np.eye(6), dictionary)["error"] > 0.1


def test_proved_gap_is_the_interval():
    X = np.random.default_rng(0).standard_normal((30, 4))
    interval = hn.two_to_q_norm(X, random_state=0)
    assert proved_gap(X, interval.certificate, interval.witness) == interval.upper / interval.lower - 1


def test_relaxation_of_signs_is_enclosed_by_vectors_and_multipliers():
    A = np.array([[1.0, 1.0], [1.0, -1.0]])  # the relaxation is √2 times the norm, 2
    angles = np.array([0.0, math.pi / 2])
    assert relaxed_value(A, 3 * np.column_stack([np.cos(angles), np.sin(angles)])) == pytest.approx(2 * 2**0.5)
    assert relaxed_value(A, np.ones((2, 1))) == pytest.approx(2)
    assert 2 * 2**0.5 <= proved_multipliers(A, np.ones(2), np.ones(2)) < 2 * 2**0.5 * (1 + 1e-8)
    assert proved_multipliers(A, np.array([1.0, 0.0]), np.ones(2)) > 3  # poor multipliers give a poor bound


def test_vectors_and_sets_are_worth_what_they_attain():
    A = np.array([[3.0, -4.0], [0.0, 2.0]])
    value = proved_vector(A, np.array([0.0, 5.0]), 3, 2)
    assert 20**0.5 * (1 - 1e-12) <= value <= 20**0.5
    assert cut_value(A, np.array([1, 0]), np.array([False, True])) == 4


@pytest.mark.parametrize("seed", range(5))
def test_slow_truths_of_operator_norms(seed):
    rng = np.random.default_rng(seed)
    A = rng.integers(-3, 4, (int(rng.integers(1, 5)), int(rng.integers(2, 5)))).astype(float)
    norm = max(np.abs(A @ signs).sum() for signs in itertools.product((-1, 1), repeat=A.shape[1]))
    sets = [np.array(list(itertools.product((0, 1), repeat=size))) for size in A.shape]
    assert operator_bounds.largest_by_signs(A) == norm
    assert operator_bounds.true_cut(A) == np.abs(sets[0] @ A @ sets[1].T).max()


@pytest.mark.parametrize(("p", "q"), [(1, 3), (1.5, 4), (2, 2), (3, 1.5), (math.inf, 1), (math.inf, math.inf)])
def test_one_start_ends_where_the_iteration_stays(p, q):
    rng = np.random.default_rng(0)
    A, B = np.outer(rng.standard_normal(6), rng.standard_normal(5)), rng.standard_normal((6, 5))
    dual = 1 if p == math.inf else math.inf if p == 1 else p / (p - 1)
    row, column = A[0] / np.linalg.norm(A[0]), A[:, 0] / np.linalg.norm(A[:, 0])
    norm = np.linalg.norm(A) * np.linalg.norm(row, dual) * np.linalg.norm(column, q)
    found = operator_bounds.one_start(A, p, q, rng)  # of rank one: every start leads to the maximum
    assert norm * (1 - 1e-9) <= proved_vector(A, found, p, q) <= norm * (1 + 1e-9)
    ours = hn.operator_norm(B, p, q, random_state=0).upper
    assert proved_vector(B, operator_bounds.one_start(B, p, q, rng), p, q) <= ours


@pytest.mark.parametrize("method", operator_bounds.SOLVERS)
def test_values_of_conic_solvers_are_recomputed(method):
    row = operator_bounds._peers(6, method)
    upper = operator_bounds.proved_interval(operator_bounds.gaussian(6)).upper
    assert row["feasible"] <= upper <= row["upper"] * (1 + 1e-9) < row["feasible"] * (1 + 1e-4)


def test_ratios_are_to_hypernorm_and_the_best_feasible_value():
    found = {"n": 5, "seconds": 2.0, "upper": 11.0, "claimed": 9.0, "feasible": 10.0}
    rows = [found | {"method": "hypernorm"}, found | {"method": "SCS", "seconds": 6.0, "feasible": 8.0}]
    shown = operator_bounds.peer_ratios([*rows, {"n": 5, "method": "Clarabel", "ended": "out of memory"}])
    assert [row.get("over hypernorm's time") for row in shown] == [1, 3, None]
    assert shown[1]["claimed over the relaxation, less 1"] == pytest.approx(-0.1)
    assert shown[1]["proved over the relaxation, less 1"] == pytest.approx(0.1)
    assert shown[2]["ended"] == "out of memory"


def test_an_absent_package_is_a_row(monkeypatch):
    monkeypatch.setattr(operator_bounds, "find_spec", lambda name: None)
    assert operator_bounds.cut("signs", 2, 12, "cutnorm", 3) == {"ended": "not installed"}
    row = operator_bounds.cut("signs", 2, 12, "hypernorm", 3)
    assert row["lower below"] == row["upper below"] == row["upper above"] == 0


@pytest.mark.parametrize("p", ["inf", "2"])
def test_starts_compare_proved_values(p):
    row = operator_bounds.starts("decaying", p, p if p == "2" else "1", 2)
    assert row["peer"] == ("numpy.linalg.norm" if p == "2" else "one start")
    assert row["hypernorm below peer"] == 0
    assert ("32 starts below" in row) == (p == "inf")


def fail():
    raise ValueError("no such thing")


def exhaust():
    return {"size": len(bytearray(1 << 40))}


def test_what_ends_badly_is_a_row():
    assert in_process(fail)["ended"] == "ValueError: no such thing"
    assert in_process(exhaust, gigabytes=8)["ended"] == "out of memory"


def test_a_table_has_all_names_and_leaves_gaps():
    lines = table([{"a_b": 1.23456, "c": 2}, {"c": None, "d": "x"}]).splitlines()
    assert lines == ["| a b | c | d |", "| --- | ---: | ---: |", "| 1.235 | 2 |  |", "|  |  | x |"]


@pytest.mark.slow
def test_every_benchmark_runs_on_small_cases():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--small"], capture_output=True, text=True, check=True)
    assert "ended" not in done.stdout
    for heading in ("Kernels", "Sums of squares", "Dictionary learning", "Linear model", "Operator bounds"):
        assert f"## {heading}" in done.stdout
