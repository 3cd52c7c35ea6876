"""The benchmarks run, and their referee tells right from wrong."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import hypernorm as hn
from benchmarks.harness import in_process, table
from benchmarks.referee import dictionary_errors, proved_gap, ridge_residual


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
    for heading in ("Kernels", "Sums of squares", "Dictionary learning", "Linear model"):
        assert f"## {heading}" in done.stdout
