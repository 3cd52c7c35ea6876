"""Find small faults in the trusted part that no test detects: `python -m checks.mutation`.

Every mutant of `checks.mutants` runs with the tests that execute its lines, see `checks.mutation_runner`. Rows are
saved at once and remain valid until the package or the tests change; a stopped run continues.

A survivor is a gap in the tests, or harmless; for a harmless one checks/mutation_survivors.toml gives the reason:

    [[survivor]]
    module = "floating"
    function = "proves_second"
    changes = ["constant: rows.depth(step) + 4 => rows.depth(step) + 5"]
    reason = "a larger error bound proves less and never more"

The exit code is 0 if every survivor is explained there, and 1 otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from checks.mutants import Mutant
from checks.mutation_runner import Outcome, Profile, Target, profiled, tried

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["TARGET", "main", "run"]

ROOT = Path(__file__).parent.parent
TARGET = Target(
    ROOT,
    "hypernorm.certificates",
    (
        "tests/certificates",
        "hypernorm/certificates",
        "tests/test_docs.py",
        "tests/bounds/test_sos.py",
        "tests/separable/test_value.py",
        "tests/applications",
        "tests/robust/test_certification.py",
    ),
    # These tests are slow and test the solvers more than the proofs.
    "not guide and not choi and not half_rank",
    ("numpy", "scipy.sparse.linalg", "scipy.optimize", "flint", "numba", "pandas", "sklearn.base"),
)

Key = tuple[str, str, str]
Row = dict[str, Any]


def state(target: Target) -> str:
    """Hash of everything that a row depends on."""
    digest = hashlib.sha256(repr((target.tests, target.select)).encode())
    for path in sorted([*target.root.joinpath(target.package.split(".")[0]).rglob("*.py"), *_tests(target)]):
        digest.update(str(path.relative_to(target.root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def chosen(target: Target, module: str | None = None, sample: int | None = None) -> list[Mutant]:
    """The mutants in an order that depends only on their identities, or the first `sample` of them."""
    found = [
        mutant for name, content in target.modules().items() if module in (None, name) for mutant in content.mutants
    ]
    return sorted(found, key=lambda mutant: hashlib.sha256("\0".join(mutant.key).encode()).digest())[:sample]


def run(target: Target, mutants: Sequence[Mutant], path: Path, jobs: int, explained: Collection[Key]) -> list[Row]:
    """A row for each mutant, from the file or from a new trial, which is appended to the file.

    Explained mutants are assumed to survive; trying a survivor takes the longest.
    """
    now = state(target)
    rows = _on_file(path, now)
    missing = [mutant for mutant in mutants if mutant.key not in rows and mutant.key not in explained]
    if missing:
        print(
            f"{len(mutants)} mutants, {len(missing)} of them to try; first the tests run without a change", flush=True
        )
        profile = profiled(target)
        if profile.failed:
            raise SystemExit(f"Without any change {profile.failed} fails.")
        path.parent.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("fork")
        shares = [(target, missing[index::jobs], profile, path, now) for index in range(jobs)]
        workers = [context.Process(target=_work, args=share) for share in shares]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode for worker in workers):
            raise SystemExit("A worker has ended early; the rows so far are on file.")
        rows = _on_file(path, now)
    survived = Outcome("survived")
    return [rows[mutant.key] if mutant.key in rows else _row(now, mutant, survived, 0.0) for mutant in mutants]


def _row(now: str, mutant: Mutant, outcome: Outcome, seconds: float) -> Row:
    module, function, change = mutant.key
    place = {"module": module, "function": function, "change": change, "line": mutant.first}
    return {"state": now, **place, **outcome._asdict(), "seconds": round(seconds, 2)}


def _on_file(path: Path, now: str) -> dict[Key, Row]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [row for row in map(json.loads, lines) if row.get("state") == now]  # without the line about the machine
    return {(row["module"], row["function"], row["change"]): row for row in rows}


def _work(target: Target, mutants: Sequence[Mutant], profile: Profile, path: Path, now: str) -> None:
    for mutant, outcome, seconds in tried(target, mutants, profile):
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_row(now, mutant, outcome, seconds), ensure_ascii=False) + "\n")


def read_reasons(path: Path) -> dict[Key, str]:
    """The explained survivors with their reasons."""
    if not path.exists():
        return {}
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    return {
        (entry["module"], entry["function"], change): entry["reason"]
        for entry in entries
        for change in entry["changes"]
    }


def report(rows: Sequence[Row], reasons: dict[Key, str]) -> tuple[str, list[Row]]:
    """A table with one line per module, and the survivors without a reason."""
    unexplained = [row for row in rows if row["result"] != "killed" and _key(row) not in reasons]
    lines = [f"{'module':16}{'mutants':>9}{'killed':>9}{'survived':>10}{'untested':>10}{'unexplained':>13}{'score':>8}"]
    for name in [*sorted({row["module"] for row in rows}), "all"]:
        here = [row for row in rows if name in ("all", row["module"])]
        count = Counter(row["result"] for row in here)
        open_here = sum(name in ("all", row["module"]) for row in unexplained)
        score = f"{count['killed'] / len(here):.1%}" if here else ""
        lines.append(
            f"{name:16}{len(here):9}{count['killed']:9}{count['survived']:10}{count['untested']:10}{open_here:13}{score:>8}"
        )
    return "\n".join(lines), unexplained


def listing(rows: Iterable[Row]) -> str:
    """Survivors in the format of the file of reasons, with empty reasons."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["module"], row["line"])):
        groups.setdefault((row["module"], row["function"]), []).append(row)
    parts = []
    for (module, function), members in groups.items():
        changes = "".join(f"    {json.dumps(row['change'], ensure_ascii=False)},\n" for row in members)
        parts.append(
            f"[[survivor]]  # line {members[0]['line']}\nmodule = {json.dumps(module)}\n"
            f'function = {json.dumps(function)}\nchanges = [\n{changes}]\nreason = ""\n'
        )
    return "\n".join(parts)


def _key(row: Row) -> Key:
    return row["module"], row["function"], row["change"]


def main(arguments: Sequence[str] | None = None, target: Target = TARGET) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m checks.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("--module", help="change this module only, such as rounding")
    parser.add_argument("--sample", type=int, metavar="K", help="try K mutants, always the same ones")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument("--rows", type=Path, default=ROOT / "results/mutation/rows.jsonl", help="file of the rows")
    parser.add_argument(
        "--survivors", type=Path, default=ROOT / "checks/mutation_survivors.toml", help="file of explained survivors"
    )
    parser.add_argument("--list-survivors", action="store_true", help="list every survivor, explained or not")
    parser.add_argument("--all", action="store_true", help="try even the changes that are explained as survivors")
    options = parser.parse_args(arguments)
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

    mutants = chosen(target, options.module, options.sample)
    if not mutants:
        parser.error(f"there is nothing to change in a module {options.module!r}")
    reasons = read_reasons(options.survivors)
    rows = run(target, mutants, options.rows, options.jobs, {} if options.all else reasons)
    table, unexplained = report(rows, reasons)
    print(table)
    shown = [row for row in rows if row["result"] != "killed"] if options.list_survivors else unexplained
    if shown:
        print("\n" + listing(shown))
    stale = reasons.keys() - {_key(row) for row in rows if row["result"] != "killed"}
    if stale and options.module is None and options.sample is None:
        print(f"{len(stale)} explained changes survive no longer, or are no longer made: {sorted(stale)[:5]}")
    return 1 if unexplained else 0


def _tests(target: Target) -> Iterable[Path]:
    for name in target.tests:
        path = target.root / name
        yield from path.rglob("*.py") if path.is_dir() else [path]


if __name__ == "__main__":
    sys.exit(main())
