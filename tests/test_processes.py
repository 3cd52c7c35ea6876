"""Forks while other threads work: the child can do everything, and both go on with the right settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hypernorm

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

START = """
import os, signal, sys, threading, time
import flint, numpy as np
import hypernorm as hn
from hypernorm import _parallel
from hypernorm.certificates.rounding import precision
X = np.random.default_rng(0).standard_normal(SHAPE)
certificate = hn.spectral_bound(X, 4, kind=KIND)
small = hn.spectral_bound(X[:50, :3], 4)
def numbers():
    return [library.num_threads for library in _parallel._libraries()]
for library in _parallel._libraries():
    _parallel._set_threads(library, 2)
before, bits = numbers(), flint.ctx.prec
def check():
    assert numbers() == before and flint.ctx.prec == bits, (numbers(), flint.ctx.prec)
def child(job):
    check()
    job()
    check()
def forked(job):
    pid = os.fork()
    if pid == 0:
        signal.alarm(100)
        try:
            child(job)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
def while_working(work, job, times):
    "Run `job` in children while another thread does `work`, which must go on meanwhile and end well."
    state = {"stop": False, "error": None, "rounds": 0}
    def loop():
        try:
            while not state["stop"]:
                work()
                state["rounds"] += 1
        except BaseException as error:
            state["error"] = error
    thread = threading.Thread(target=loop)
    thread.start()
    for _ in range(times):
        time.sleep(0.02)
        job()
    rounds = state["rounds"]
    while thread.is_alive() and state["rounds"] == rounds:
        time.sleep(0.01)
    state["stop"] = True
    thread.join(100)
    assert not thread.is_alive() and state["error"] is None, state
    check()
def verify():
    small.verify(X[:50, :3])
    certificate.verify(X)
"""


def run(program, shape=(300, 12), kind="realigned"):
    start = START.replace("SHAPE", repr(shape)).replace("KIND", repr(kind))
    package = str(Path(hypernorm.__file__).parent.parent)
    # Python warns of forks in programs with threads, which is what this is about.
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", start + program]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": package}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("exact", [False, True], ids=["floating point", "exact"])
def test_a_child_verifies_while_a_thread_of_its_parent_proves(exact):
    run(f"while_working(lambda: certificate.verify(X, exact={exact}), lambda: forked(verify), 15)", (100, 6))


def test_products_on_several_cores_survive_a_fork():
    # Large enough that the products of the proof use several cores.
    run("while_working(lambda: certificate.verify(X), lambda: forked(verify), 5)", (400, 45), "moment")


@pytest.mark.parametrize(
    "context", ["precision()", "_parallel.product_threads(1)", "_parallel.shared_threads()", "_parallel._limits._lock"]
)
def test_what_another_thread_holds_for_ever_does_not_hold_up_the_child(context):
    run(f"""
held, release = threading.Event(), threading.Event()
def hold():
    with {context}:
        held.set()
        release.wait({1 if "lock" in context else 60})
thread = threading.Thread(target=hold)
thread.start()
held.wait()
_parallel._FORK_WAITS = 0.1
forked(verify)
release.set()
thread.join()
check()
""")


def test_a_child_goes_on_with_what_its_own_thread_has_begun():
    run("""
def inside():
    assert flint.ctx.prec == 128 and numbers() == [1] * len(before)
    assert list(_parallel.ordered_map(abs, [-1, -2, -3])) == [1, 2, 3]
pid = None
with precision(), _parallel.shared_threads():
    assert list(_parallel.ordered_map(abs, [-1, -2, -3])) == [1, 2, 3]
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
    inside()
check()
verify()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
""")


def test_a_child_compiles_while_a_thread_of_its_parent_compiles():
    run("""
from hypernorm._numba import global_compiler_lock
from hypernorm.robust.weights import weighted_quantile
def compiling():
    with global_compiler_lock:
        time.sleep(0.05)
while_working(compiling, lambda: forked(lambda: weighted_quantile(X[:, 0], np.ones(len(X)), 0.5)), 5)
""")


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_pools_of_processes(method):
    run(f"""
import concurrent.futures, multiprocessing
def upper(seed):
    return certificate.verify(X).upper
if __name__ == "__main__":
    pool = concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context({method!r}))
    def job():
        assert len(set(pool.map(abs if {method!r} != "fork" else upper, range(4)))) in (1, 4)
    with pool:
        while_working(lambda: certificate.verify(X), job, 3)
""")
