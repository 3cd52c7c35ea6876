"""What the examples of a page print is shown below them, computed while the site is built.

The Python blocks of a page run in order in one namespace, as `tests/test_docs.py` runs them, in a process of their
own with a limit on its time and in an empty folder. The value of an expression that stands alone is shown too, as in
a notebook; where a block has several, each is shown with its expression. An example that fails is a warning of
Sphinx, and with it an error of ``make docs``. What a page printed is kept in the folder of the doctrees, until its
blocks or the package change.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import json
import os
import pprint
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
WIDTH = 84
"""Characters of a line of output, as far as values can be broken."""
LONGEST = 16
"""Lines of an output; what follows is left out."""


def run(blocks: list[str]) -> Iterator[str]:
    """Run Python blocks in one namespace, and yield what each of them prints."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for index, block in enumerate(blocks):
        statements = ast.parse(block).body
        several = sum(isinstance(statement, ast.Expr) and not _is_print(statement) for statement in statements) > 1
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            for statement in statements:
                alone = isinstance(statement, ast.Expr)
                tree = ast.Expression(statement.value) if alone else ast.Module([statement], [])
                value = eval(compile(tree, f"block {index}", "eval" if alone else "exec"), namespace)
                if value is not None:
                    print(_shown(value, ast.unparse(statement) if several else ""))
        lines = printed.getvalue().rstrip().splitlines()
        yield "\n".join(lines if len(lines) <= LONGEST else [*lines[: LONGEST - 1], "…"])


def _is_print(statement: ast.Expr) -> bool:
    call = statement.value
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"


def _shown(value: Any, expression: str) -> str:
    """A value as it is written in Python, with its expression if one is given: on one line if there is room."""
    text = pprint.pformat(value, width=WIDTH, sort_dicts=False)
    if not expression:
        return text
    short = f"{expression} = {text}"
    return short if "\n" not in text and len(short) <= WIDTH else f"{expression} =\n{textwrap.indent(text, '  ')}"


def outputs(blocks: list[str], kept: Path, seconds: float) -> list[str]:
    """What the blocks print, from the folder of kept outputs if they ran before; RuntimeError if one fails."""
    key = hashlib.sha256(json.dumps([blocks, state_of_package(), sys.version]).encode()).hexdigest()
    file = kept / f"{key}.json"
    if not file.exists():
        limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = {**os.environ, **limits, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        with tempfile.TemporaryDirectory() as folder:
            try:
                done = subprocess.run(
                    [sys.executable, __file__],
                    input=json.dumps(blocks),
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    encoding="utf-8",
                    timeout=seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"the examples take longer than {seconds:g} seconds") from None
        if done.returncode:
            raise RuntimeError("an example failed: " + done.stderr.strip()[-1000:])
        kept.mkdir(parents=True, exist_ok=True)
        file.write_text(done.stdout, encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def state_of_package() -> str:
    """A hash of the sources of the package, by which outputs are kept."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "hypernorm").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _has_outputs(app: Any, page: str) -> bool:
    return any(fnmatch(page, pattern) for pattern in app.config.outputs_pages)


def show_outputs(app: Any, doctree: Any) -> None:
    """Put below each Python block what it prints."""
    from docutils import nodes
    from sphinx.util import logging

    if not _has_outputs(app, app.env.docname):
        return
    # Blocks that are included from files have their own names in place of the page's.
    blocks = [
        block
        for block in doctree.findall(nodes.literal_block)
        if block.get("language") == "python" and "source" not in block
    ]
    try:
        texts = outputs(
            [block.astext() for block in blocks], Path(app.doctreedir) / "outputs", app.config.outputs_seconds
        )
    except RuntimeError as error:
        logging.getLogger(__name__).warning("%s", error, location=app.env.docname)
        return
    for block, text in zip(blocks, texts, strict=True):
        if text:
            below = nodes.literal_block(text, text, language="text", classes=["output"])
            block.parent.insert(block.parent.index(block) + 1, below)


def stale(app: Any, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """All pages with outputs if the package has changed since they were read."""
    state = state_of_package()
    before, env.outputs_state = getattr(env, "outputs_state", None), state
    return [page for page in env.found_docs if _has_outputs(app, page)] if before != state else []


def setup(app: Any) -> dict[str, Any]:
    app.add_config_value("outputs_pages", [], "env")
    app.add_config_value("outputs_seconds", 120.0, "")
    app.connect("env-get-outdated", stale)
    app.connect("doctree-read", show_outputs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    import numpy as np

    # Scalars without their type.
    np.set_printoptions(linewidth=WIDTH, precision=4, threshold=40, legacy="1.25")
    json.dump(list(run(json.load(sys.stdin))), sys.stdout)
