"""The workflows and recipes that run elsewhere: they parse, agree with pyproject.toml, and name what exists."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
tomllib = pytest.importorskip("tomllib", reason="Python 3.11 or newer reads TOML")

BUILD, PROJECT = (
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[k] for k in ("build-system", "project")
)
PYTHONS = [name.split()[-1] for name in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", name)]
TOOLS = {"pip", "pytest", "venv"}  # programs of others that `python -m` starts


def load(path):
    """A workflow; YAML 1.1 reads its key `on` as a truth value."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["on"] = content.pop(True)
    return content


def jobs():
    return [
        pytest.param(job, id=f"{path.stem}-{name}") for path in WORKFLOWS for name, job in load(path)["jobs"].items()
    ]


def test_there_are_two_workflows():
    assert [path.stem for path in WORKFLOWS] == ["ci", "release"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_keys_and_order_of_jobs(path):
    workflow = load(path)
    assert (
        {"name", "on", "permissions", "jobs"} <= set(workflow) <= {"name", "on", "permissions", "concurrency", "jobs"}
    )
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        needs = job.get("needs", [])
        assert {needs} if isinstance(needs, str) else set(needs) <= set(workflow["jobs"]) - {name}
        assert ("uses" in job) != ("steps" in job)


@pytest.mark.parametrize("job", jobs())
def test_steps_name_what_exists(job):
    if "uses" in job:
        assert (ROOT / job["uses"]).is_file()
        return
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", step.get("uses", "a/b@v1"))
        for line in step.get("run", "").splitlines():
            for target in re.findall(r"^make (?:\w+=\S+ )*(\S+)", line):
                assert re.search(rf"^{re.escape(target)}:", MAKEFILE, flags=re.MULTILINE), line
            for module in re.findall(r"python\"? -m ([\w.]+)", line):
                assert module in TOOLS or (ROOT / module.replace(".", "/")).exists(), line
            for extras in re.findall(r"\"\.\[([\w,]+)\]\"", line):
                assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]), line
            for path in re.findall(r"--ignore (\S+)|^bash (\S+)", line + " " + str(job.get("strategy", ""))):
                assert all((ROOT / name.rstrip("'}],")).exists() for name in path if name), line


def test_every_python_and_system_is_tested():
    ci = load(WORKFLOWS[0])["jobs"]
    matrix = ci["test"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS == [f"3.{minor}" for minor in range(10, 15)]
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    setups = [
        step["with"]["python-version"]
        for job in ci.values()
        for step in job["steps"]
        if "setup-python" in step.get("uses", "")
    ]
    assert set(setups) - {"${{ matrix.python }}"} <= set(PYTHONS)
    (oldest,) = (step["with"]["python-version"] for step in ci["minimum"]["steps"] if "with" in step)
    assert oldest == PYTHONS[0]
    # What decides here decides there too.
    assert "bash .ci/run" in [step.get("run") for step in ci["check"]["steps"]]


def test_only_checked_tags_are_published():
    release = load(WORKFLOWS[1])
    assert release["on"] == {"push": {"tags": ["v*"]}}
    publish = release["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "checks"
    assert release["jobs"]["checks"]["needs"] == "version"
    assert "secrets" not in WORKFLOWS[1].read_text(encoding="utf-8")
    uploads = [
        step["with"] for step in load(WORKFLOWS[0])["jobs"]["build"]["steps"] if "upload" in step.get("uses", "")
    ]
    assert [step["with"] for step in publish["steps"] if "with" in step] == uploads


def test_site_is_built_from_the_extra_for_it():
    settings = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text(encoding="utf-8"))
    (install,) = settings["python"]["install"]
    assert set(install["extra_requirements"]) <= set(PROJECT["optional-dependencies"])
    assert settings["build"]["tools"]["python"] in PYTHONS
    assert (ROOT / settings["sphinx"]["configuration"]).is_file()


def test_recipe_of_conda_agrees():
    recipe = yaml.safe_load((ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8"))
    assert recipe["package"] == {"name": PROJECT["name"], "version": PROJECT["version"]}
    python = f"python {PROJECT['requires-python']}"
    # conda-forge calls the library without its window toolkits so.
    names = {"matplotlib": "matplotlib-base"}
    needed = [re.fullmatch(r"([\w-]+)(>=\S+)", requirement).groups() for requirement in PROJECT["dependencies"]]
    assert recipe["requirements"]["run"] == [python, *(f"{names.get(name, name)} {least}" for name, least in needed)]
    assert recipe["requirements"]["host"] == [python, "pip", *(text.replace(">=", " >=") for text in BUILD["requires"])]
    assert recipe["build"]["entry_points"] == [f"{name} = {place}" for name, place in PROJECT["scripts"].items()]
    about, urls = recipe["about"], PROJECT["urls"]
    assert (about["home"], about["doc_url"], about["dev_url"]) == (
        urls["Homepage"],
        urls["Documentation"],
        urls["Source"],
    )
    assert (about["summary"], about["license"]) == (PROJECT["description"], PROJECT["license"])
    assert (ROOT / about["license_file"]).is_file()
