"""The runner of the experiments: order, resumption, processes."""

import json
import subprocess
import sys

import numpy as np
import pytest

from experiments.runner import read, run

CASES = [{"size": size, "seed": seed} for size in (2, 3) for seed in range(2)]


def draw(size, seed):
    return {"total": np.random.default_rng(seed).standard_normal(size).sum(), "vector": np.arange(size)}


def fail_at_three(size, seed):
    if size == 3:
        raise RuntimeError("stopped")
    return draw(size, seed)


def never(size, seed):
    raise AssertionError("measured again")


def test_rows_follow_the_cases_and_are_on_file(tmp_path):
    rows = run("test", "quick", CASES, draw, folder=tmp_path)
    assert [(row["size"], row["seed"]) for row in rows] == [(2, 0), (2, 1), (3, 0), (3, 1)]
    assert rows[2]["total"] == draw(3, 0)["total"]
    assert rows[2]["vector"] == [0, 1, 2]
    assert read("test", "quick", tmp_path) == rows
    head = json.loads((tmp_path / "test" / "quick.jsonl").read_text().splitlines()[0])
    assert (head["experiment"], head["numpy"]) == ("test", np.__version__)


def test_a_stopped_run_loses_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="stopped"):
        run("test", "quick", CASES, fail_at_three, folder=tmp_path)
    assert len(read("test", "quick", tmp_path)) == 2
    rows = run("test", "quick", CASES, draw, folder=tmp_path)
    assert rows == run("test", "quick", CASES, never, folder=tmp_path)
    # The order of the cases may change, and cases may be left out.
    assert run("test", "quick", CASES[:0:-1], never, folder=tmp_path) == rows[:0:-1]


def test_a_line_that_a_killed_run_did_not_complete_is_measured_again(tmp_path):
    rows = run("test", "quick", CASES, draw, folder=tmp_path)
    path = tmp_path / "test" / "quick.jsonl"
    path.write_text(path.read_text()[:-10])
    assert read("test", "quick", tmp_path) == rows[:-1]
    assert run("test", "quick", CASES, draw, folder=tmp_path) == rows
    assert read("test", "quick", tmp_path) == rows


def test_processes_give_the_same_rows(tmp_path):
    serial = run("serial", "quick", CASES, draw, folder=tmp_path)
    assert run("parallel", "quick", CASES, draw, jobs=2, folder=tmp_path) == serial


_ELSEWHERE = """
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""


def test_a_cluster_without_the_scripts_gives_the_same_rows(tmp_path):
    (tmp_path / "cluster.py").write_text(_ELSEWHERE)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "cluster.py"], cwd=tmp_path, **pipes) as cluster:
        address = cluster.stdout.readline().strip()
        rows = run("cluster", "quick", CASES, draw, scheduler=address, folder=tmp_path)
        cluster.communicate("\n")
    assert rows == run("serial", "quick", CASES, draw, folder=tmp_path)
