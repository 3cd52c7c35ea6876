"""The commands that the pages and the Makefile name: each is found in the text, run, and its exit code looked at."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import hypernorm as hn
from experiments.names import programs as programs_of

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COPIED = ("experiments", "paper_figures", "benchmarks", "results")

BEGINNINGS = r"make|hypernorm|python -m|python3? \S+\.py|pip|pre-commit|pytest|sphinx-build"
# Inside sentences: `hypernorm` alone is the package.
SPAN = re.compile(rf"`((?:{BEGINNINGS}) [^`]+)`")


def find_commands(text: str) -> list[str]:
    """The lines of the shell blocks of a page, and the commands inside its sentences, in their order."""
    prose, *rest = re.split(r"^```([^\n]*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    found = SPAN.findall(" ".join(prose.split()))
    for language, block, sentences in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        if language in ("", "sh", "bash", "console"):
            found += [line.partition("#")[0].strip().removeprefix("$ ") for line in block.splitlines()]
        found += SPAN.findall(" ".join(sentences.split()))
    return [command for command in found if command]


def find_recipes(text: str) -> list[str]:
    """The programs of this project that the Makefile starts; those of others are not its concern."""
    own = r"\$\(BIN\)/((?:hypernorm|python -m (?:experiments|paper_figures|benchmarks)|python docs/)[^;|&\n]*)"
    return [command.strip() for command in re.findall(own, text.replace("$$name", "NAME"))]


def modules(folder: str) -> list[str]:
    """The modules of a folder that are programs."""
    return [f"{folder}.{name}" for name in programs_of(ROOT / folder)]


def by_page() -> dict[str, list[str]]:
    commands = {str(path.relative_to(ROOT)): find_commands(path.read_text(encoding="utf-8")) for path in PAGES}
    commands["Makefile"] = find_recipes((ROOT / "Makefile").read_text(encoding="utf-8"))
    return {page: found for page, found in commands.items() if found}


def programs() -> list[str]:
    """Commands of the form ``python -m …``, a placeholder replaced by every module that it stands for."""
    found = {command for commands in by_page().values() for command in commands if command.startswith("python -m")}
    every = set()
    for command in found:
        module = command.split()[2]
        names = modules(module.partition(".")[0]) if module.endswith(".NAME") else [module]
        every |= {command.replace(module, name) for name in names}
    return sorted(every)


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    """A copy of what programs write to, for them to run in."""
    folder = tmp_path_factory.mktemp("workplace")
    for name in COPIED:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "quick.jsonl"))
    np.savetxt(folder / "data.csv", np.random.default_rng(7).standard_normal((20, 3)), delimiter=",")
    return folder


def run(words: list[str], folder: Path, seconds: float = 200) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"{shlex.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"


def test_pages_name_commands():
    found = by_page()
    assert {"README.md", "CONTRIBUTING.md", "Makefile", "docs/guide/command_line.md"} <= set(found)
    assert "make demo" in found["README.md"]
    assert "hypernorm info upper.npz" in found["README.md"]
    assert "pre-commit install" in found["CONTRIBUTING.md"]
    assert "python -m experiments.NAME --preset quick" in found["Makefile"]


def test_commands_are_found_wherever_they_stand():
    page = "Run `make\ndemo` or `hypernorm`.\n\n```sh\nmake test   # all\n$ hypernorm info X\n```\n\n`pip install .`"
    assert find_commands(page) == ["make demo", "make test", "hypernorm info X", "pip install ."]


@pytest.mark.parametrize("page", by_page())
def test_every_command_is_of_a_kind_that_is_run_here(page):
    """Whoever writes another kind of command in a page says here how it is tested."""
    kinds = (
        r"make [\w-]+(=\S+)?( [\w-]+)*",
        r"hypernorm (demo|norm|verify|info)( .*)?",
        r"python -m (experiments|benchmarks|checks)(\.\w+)?( .*)?",
        r"python -m paper_figures(\.\w+)?( .*)?",
        r"python docs/check_site\.py .*",  # looks at the site that `make docs` has built just before
        r"python verify_certificate\.py X\.npy certificate\.npz",
        r"pip install (\.|'?(hypernorm|\.)\[[\w,]+\]'?)",
        r"pre-commit install",
    )
    for command in by_page()[page]:
        assert any(re.fullmatch(kind, command) for kind in kinds), command


TARGETS = sorted({c for commands in by_page().values() for c in commands if c.startswith("make ")})


@pytest.mark.parametrize("command", TARGETS)
def test_targets_exist(command):
    if shutil.which("make") is None:
        pytest.skip("there is no make on this machine")
    run([*command.split(), "-n"], ROOT)


def test_extras_exist():
    declared = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for commands in by_page().values():
        for command in commands:
            for extras in re.findall(r"^pip install .*\[([\w,]+)\]", command):
                assert set(extras.split(",")) <= set(declared), command
    assert (ROOT / ".pre-commit-config.yaml").is_file()


@pytest.mark.parametrize(
    "page", [page for page, found in by_page().items() if any(c[:9] == "hypernorm" for c in found)]
)
def test_command_line(page, workplace, tmp_path):
    shutil.copy(workplace / "data.csv", tmp_path)
    for command in by_page()[page]:
        # The demo runs for the Makefile, which is enough.
        if command.startswith("hypernorm ") and (command != "hypernorm demo" or page == "Makefile"):
            run([sys.executable, "-m", "hypernorm.cli", *shlex.split(command)[1:]], tmp_path)


def test_script_beside_its_page(tmp_path):
    X = np.random.default_rng(7).standard_normal((20, 3))
    np.save(tmp_path / "X.npy", X)
    hn.spectral_bound(X, 4).save(tmp_path / "certificate.npz")
    shutil.copy(ROOT / "docs/guide/verify_certificate.py", tmp_path)
    for command in by_page()["docs/guide/independent_verification.md"]:
        run([sys.executable, *command.split()[1:]], tmp_path)


@pytest.mark.parametrize("command", sorted({*programs(), *(f"python -m {name}" for name in modules("benchmarks"))}))
def test_programs_know_their_options(command, monkeypatch, capsys):
    _, _, module, *options = command.split()
    if module.startswith("paper_figures."):
        pytest.skip("takes no options; the slow tests draw the figures")
    monkeypatch.setattr(sys, "argv", [module, *options, "--help"])
    warnings.simplefilter("ignore", RuntimeWarning)  # other tests have imported the module before
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    assert ended.value.code == 0, capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("module", modules("experiments"))
def test_quick_experiments_run(module, workplace):
    run([sys.executable, "-m", module, "--preset", "quick"], workplace, 3600)


@pytest.mark.slow
def test_all_figures_can_be_drawn(workplace):
    run([sys.executable, "-m", "paper_figures"], workplace, 3600)


@pytest.mark.slow
@pytest.mark.parametrize("module", modules("paper_figures"))
def test_figures_are_drawn_alone(module, workplace):
    run([sys.executable, "-m", module], workplace)
