"""Fuzz the readers of files, guided by coverage with atheris: `python -m checks.fuzz`.

There are three targets: the readers of certificates, of checkpoints, and of data files. A finding is an exception other
than `HypernormError`, more than 256 MiB of memory (measured on Linux), more than two seconds of work, the end of the
process, or a certificate that verifies a bound below an attained value. The first input for each place in the code is
saved in CORPUS/findings with a description; `--input FILE` runs it again. The exit code is 1 if there is a finding, and
0 otherwise.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from checks.fuzz_inputs import SEEDS, WORDS, changed
from checks.fuzz_targets import attempt_of, note, watched
from experiments.runner import machine

ROOT = Path(__file__).parent.parent
TARGETS = ("certificates", "checkpoints", "data")

# Prefixes of module names.
_INSTRUMENTED = (
    *("hypernorm._archive", "hypernorm.certificates", "hypernorm.bounds.checkpoint", "hypernorm.io.matrices"),
    *("hypernorm.io.delimited", "zipfile", "gzip", "csv", "numpy.lib._format_impl", "numpy.lib._npyio_impl"),
    *("scipy.sparse._matrix_io", "scipy.io._fast_matrix_market", "pandas.io.parquet", "pandas.io.parsers"),
)
_HANG = 60
_ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
_LARGEST_INPUT = 20_000


def work(target: str, corpus: Path, seconds: int, seed: int) -> None:
    """Fuzz in this process; libFuzzer ends the process."""
    import atheris

    start = time.monotonic()
    run = watched(target, corpus / "findings")
    _instrument(atheris.instrument_func)
    prefix = 1 if target == "data" else 0

    def mutator(data: bytes, size: int, seed: int) -> bytes:
        return changed(data, size, seed, atheris.Mutate, prefix)

    words = corpus / "words.txt"
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n' for word in WORDS))
    left = max(1, seconds - int(time.monotonic() - start))
    flags = [f"-max_total_time={left}", f"-timeout={_HANG}", "-rss_limit_mb=0", f"-max_len={_LARGEST_INPUT}"]
    flags += [f"-artifact_prefix={corpus}/findings/{target}-", f"-dict={words}", "-len_control=0", f"-seed={seed}"]
    atheris.Setup([sys.argv[0], *flags, str(corpus / target)], run, custom_mutator=mutator)
    atheris.Fuzz()


def _instrument(instrument: Callable[[FunctionType], object]) -> None:
    """Instrument the branches of the loaded modules of readers; atheris itself instruments only whole packages."""
    paths = {
        module.__file__
        for name, module in list(sys.modules.items())
        if name.startswith(_INSTRUMENTED) and getattr(module, "__file__", None)
    }
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename in paths:
            instrument(function)


def fuzz(target: str, corpus: Path, seconds: float) -> dict[str, int]:
    """Fuzz one target in child processes, with a new one whenever one ends, and return the counts."""
    (corpus / target).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for index, seed in enumerate(SEEDS[target](Path(folder))):
            (corpus / target / f"seed-{index:03d}").write_bytes(seed)
    counts = {"executions": 0, "edges": 0, "corpus": 0, "restarts": -1}
    end, log = time.monotonic() + seconds, corpus / f"{target}.log"
    while (left := int(end - time.monotonic())) > 0:
        counts["restarts"] += 1
        options = ["--corpus", str(corpus), "--seconds", str(left), "--worker", str(counts["restarts"] + 1)]
        with log.open("wb") as stream:
            ended = subprocess.run([*_command(target), *options], stdout=stream, stderr=stream, env=_ENVIRONMENT)
        text = log.read_text(encoding="utf-8", errors="replace")
        progress = re.findall(r"^#(\d+)\s.*?cov: (\d+).*? corp: (\d+)", text, flags=re.MULTILINE)
        if not progress:
            raise SystemExit(f"The fuzzer did not start: {text[-2000:]}")
        executions, counts["edges"], counts["corpus"] = (int(number) for number in progress[-1])
        counts["executions"] += executions
        if ended.returncode == 0:
            break
        _explain_ends(target, corpus / "findings")
    return counts


def add_row(path: Path, row: dict[str, Any]) -> None:
    """Add a row to a file whose first line gives versions and machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(json.dumps({"experiment": path.parent.name, "preset": path.stem, **machine()}) + "\n")
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def _command(target: str) -> list[str]:
    return [sys.executable, "-m", "checks.fuzz", "--target", target]


def _explain_ends(target: str, findings: Path) -> None:
    """Run each input that ended a process again, to find the place in the code."""
    for path in list(findings.iterdir()):
        if kind := re.fullmatch(rf"{target}-(crash|timeout|oom)-[0-9a-f]{{40}}", path.name):
            command = [*_command(target), "--input", str(path)]
            environment = {
                **_ENVIRONMENT,
                "PYTHONFAULTHANDLER": "1",
            }  # not while fuzzing: libFuzzer would lose the input
            try:
                again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=2 * _HANG)
                text = again.stderr or "It ended a process, but not when it was run again."
            except subprocess.TimeoutExpired:
                text = f"It takes more than {2 * _HANG} seconds."
            note(findings, target, kind.group(1), path.read_bytes(), text)
            path.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m checks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--target", choices=TARGETS, help="fuzz this one only")
    parser.add_argument("--seconds", type=float, default=3600, help="for all targets together (default: 3600)")
    parser.add_argument("--corpus", type=Path, default=ROOT / ".fuzz", help="folder of inputs and findings")
    parser.add_argument("--input", type=Path, help="try one input and print what happens")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)  # the seed of one process
    parser.add_argument("--rows", type=Path, help="file of rows to which the counts are added")
    options = parser.parse_args(arguments)
    corpus = options.corpus.absolute()
    targets = TARGETS if options.target is None else (options.target,)
    if options.input is not None:
        if options.target is None:
            parser.error("--input needs --target")
        attempt_of(options.target)(options.input.read_bytes())
        return 0
    if options.worker is not None:
        work(options.target, corpus, int(options.seconds), options.worker)
    print(f"{'target':14}{'executions':>12}{'edges':>8}{'corpus':>8}{'restarts':>10}", flush=True)
    for target in targets:
        counts = fuzz(target, corpus, options.seconds / len(targets))
        if options.rows is not None:
            found = len(list((corpus / "findings").glob(f"{target}-*.txt")))
            add_row(
                options.rows, {"target": target, "seconds": options.seconds / len(targets), **counts, "findings": found}
            )
        print(
            f"{target:14}{counts['executions']:12}{counts['edges']:8}{counts['corpus']:8}{counts['restarts']:10}",
            flush=True,
        )
    findings = sorted(path for target in targets for path in (corpus / "findings").glob(f"{target}-*.txt"))
    for path in findings:
        print(f"\n{path.with_suffix('')}\n{_shortened(path.read_text(encoding='utf-8'))}")
    print(f"\n{len(findings)} findings")
    return 1 if findings else 0


def _shortened(text: str) -> str:
    """The last place in the package, and the error there."""
    lines = text.strip().splitlines()
    places = [line.strip() for line in lines if "/hypernorm/" in line]
    fatal = [line for line in lines if line.startswith("Fatal")]
    return "\n".join([*(places[:1] if fatal else places[-1:]), *(fatal or lines[-1:])])


if __name__ == "__main__":
    sys.exit(main())
