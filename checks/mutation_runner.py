"""Run tests with mutants: the tests are collected once, and each mutant gets a forked process.

Function bodies are exchanged in the forked process. A change to code that runs while modules are imported or tests are
collected needs a new process, which imports and collects again, and so does a call of `super` that is dropped.
"""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

from checks.exchange import Finder, can_exchange, exchange, forked, functions, limit_memory, silence
from checks.mutants import Mutant, MutatedModule

__all__ = ["Outcome", "Profile", "Target", "profiled", "tried"]

# Tests that detected an earlier change of the same function run first, then the shortest tests, then the others in
# their usual order, in which they share fixtures.
_RECENT, _SHORTEST = 5, 10

Line = tuple[str, int]


@dataclass(frozen=True)
class Target:
    """The package to change and the tests to run, relative to the root."""

    root: Path
    package: str
    tests: tuple[str, ...]
    select: str = ""  # as for `pytest -k`
    preloaded: tuple[str, ...] = ()  # modules to import before forking

    def modules(self) -> dict[str, MutatedModule]:
        """The modules of the package by their short names."""
        folder = self.root.joinpath(*self.package.split("."))
        return {path.stem: MutatedModule(path) for path in sorted(folder.glob("*.py"))}


class Outcome(NamedTuple):
    """``killed``, ``survived`` or ``untested`` (no test executes the line), and the test that detected the change."""

    result: str
    noticed_by: str = ""


@dataclass
class Profile:
    """A run of the tests without a change: seconds and lines of each test, and lines of fixtures by test file."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, set[Line]] = field(default_factory=lambda: defaultdict(set))
    imported: set[Line] = field(default_factory=set)
    collected: set[Line] = field(default_factory=set)
    failed: str = ""

    def covering(self, mutant: Mutant) -> list[str]:
        """The tests that execute lines of the mutant."""
        lines = _lines(mutant)
        if lines & self.imported:
            return list(self.seconds)
        return [test for test in self.seconds if lines & (self.lines[test] | self.lines[_file(test)])]

    def is_early(self, mutant: Mutant) -> bool:
        """Whether the changed code runs before the tests do."""
        return bool(_lines(mutant) & (self.imported | self.collected))


class _Session:
    """A pytest plugin that passes the collected tests to a function instead of running them."""

    def __init__(self, use: Callable[[_Session], None]):
        self._use = use
        self.profile = Profile()
        self.lines = self.profile.imported  # the set to which the tracer adds
        self.items: dict[str, pytest.Item] = {}
        self.failed = "the import of the package or of the tests"

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings  # pytest must import it first

        settings.register_profile("mutation", settings(), phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutation")

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        self.lines = self.profile.lines[_file(collector.nodeid)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.lines = self.profile.lines[_file(item.nodeid)]  # a fixture may belong to the whole file

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self.lines = self.profile.lines[item.nodeid]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self.lines = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.profile.seconds[report.nodeid] = self.profile.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not session.testsfailed:
            self.failed = ""
            self.items = {item.nodeid: item for item in session.items}
            self._use(self)
        return True

    def run(self, tests: Iterable[str], limits: dict[str, float] | None = None) -> None:
        """Run tests until one fails; a test that exceeds its limit ends the process."""
        items = [self.items[test] for test in tests if test in self.items]
        for item, following in zip(items, [*items[1:], None], strict=True):
            if limits is not None:
                signal.setitimer(signal.ITIMER_REAL, 5 + 10 * limits[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                break
        signal.setitimer(signal.ITIMER_REAL, 0)


def profiled(target: Target) -> Profile:
    """Run the tests once and record the lines of the package that each test executes."""
    names = {str(module.path): name for name, module in target.modules().items()}

    def run() -> Profile:
        session = _Session(use)
        tracers = {path: _tracer(session, name) for path, name in names.items()}

        def enter(frame: FrameType, event: str, arg: object) -> Any:
            return tracers.get(frame.f_code.co_filename)

        threading.settrace(enter)
        sys.settrace(enter)
        silence()
        _collect(target, session)
        sys.settrace(None)
        session.profile.failed = session.failed
        return session.profile

    def use(session: _Session) -> None:
        session.profile.collected = set().union(*session.profile.lines.values())
        session.run(session.items)

    _preload(target)
    status, profile = forked(run)
    if profile is None:
        raise RuntimeError(f"The run without a change ended with status {status}.")
    return profile


def _tracer(session: _Session, name: str) -> Callable[[FrameType, str, object], Any]:
    def trace(frame: FrameType, event: str, arg: object) -> Any:
        session.lines.add((name, frame.f_lineno))
        return trace

    return trace


def tried(target: Target, mutants: Sequence[Mutant], profile: Profile) -> Iterator[tuple[Mutant, Outcome, float]]:
    """Yield each mutant with its outcome and its seconds, in any order."""
    _preload(target)
    modules = target.modules()
    readable, writable = os.pipe()
    originals = {name: module.code(None) for name, module in modules.items()}
    early = [
        mutant
        for mutant in mutants
        if profile.is_early(mutant) or not can_exchange(originals[mutant.module], modules[mutant.module].code(mutant))
    ]
    late = [mutant for mutant in mutants if mutant not in early]

    def serve(session: _Session) -> None:
        alive = functions(modules)
        gc.freeze()
        noticed: dict[str, dict[str, None]] = defaultdict(dict)
        with os.fdopen(writable, "wb") as answers:
            for mutant in late:
                recent = list(noticed[mutant.function])[::-1]
                order = _order(profile.covering(mutant), recent, profile.seconds)
                change = functools.partial(exchange, alive[mutant.module], modules[mutant.module].code(mutant))
                result = _measured(functools.partial(_run_late, session, change, order, profile.seconds), order)
                noticed[mutant.function].pop(result[0].noticed_by, None)
                noticed[mutant.function][result[0].noticed_by] = None
                pickle.dump((mutant, *result), answers)
                answers.flush()

    server = os.fork()
    if server == 0:
        os.close(readable)
        silence()
        _collect(target, _Session(serve))
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as answers:
        for _ in late:
            yield pickle.load(answers)
    os.waitpid(server, 0)
    for mutant in early:
        order = _order(profile.covering(mutant), [], profile.seconds)
        finder = Finder(f"{target.package}.{mutant.module}", modules[mutant.module], mutant)
        run = functools.partial(_run_early, target, finder, order, profile.seconds)
        yield mutant, *_measured(run, order)


def _measured(run: Callable[[], str], tests: Sequence[str]) -> tuple[Outcome, float]:
    if not tests:
        return Outcome("untested"), 0.0
    start = time.monotonic()
    status, noticed_by = forked(run)
    if noticed_by is None:
        noticed_by = "time limit" if status == -signal.SIGALRM else f"end of the process with status {status}"
    return Outcome("killed" if noticed_by else "survived", noticed_by), time.monotonic() - start


def _run_late(session: _Session, change: Callable[[], None], tests: Sequence[str], limits: dict[str, float]) -> str:
    limit_memory()
    change()
    session.run(tests, limits)
    return session.failed


def _run_early(target: Target, finder: Finder, tests: Sequence[str], limits: dict[str, float]) -> str:
    limit_memory()
    silence()
    sys.meta_path.insert(0, finder)
    signal.setitimer(signal.ITIMER_REAL, 60)
    session = _Session(lambda session: session.run(tests, limits))
    _collect(target, session)
    return session.failed


def _collect(target: Target, session: _Session) -> None:
    os.chdir(target.root)
    sys.path.insert(0, str(target.root))
    importlib.import_module(target.package)
    options = ["-q", "-s", "--tb=no", "-p", "no:cacheprovider", "-k", target.select]
    pytest.main([*target.tests, *options], plugins=[session])


def _order(tests: Sequence[str], recent: Sequence[str], seconds: dict[str, float]) -> list[str]:
    shortest = sorted(tests, key=seconds.__getitem__)[:_SHORTEST]
    return list(dict.fromkeys([*[test for test in recent if test in tests][:_RECENT], *shortest, *tests]))


def _preload(target: Target) -> None:
    for name in target.preloaded:
        importlib.import_module(name)


def _file(test: str) -> str:
    return test.split("::")[0]


def _lines(mutant: Mutant) -> set[Line]:
    return {(mutant.module, line) for line in range(mutant.first, mutant.last + 1)}
