"""Type checkers see what users may pass: one alias for every choice, which is what is checked at run time."""

import importlib
import inspect
import os
import re
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.bounds.operator_propose import RULES, Rule
from hypernorm.datasets.contamination import _OUTLIERS, ADVERSARIES
from hypernorm.linear_model import SchattenRegressor
from hypernorm.robust.baselines.locations import CLASSICAL
from hypernorm.robust.estimates import METHODS

ROOT = Path(__file__).parents[1]
TYPED = Path(__file__).parent / "typed"
PACKAGES = ("", ".applications", ".bounds", ".certificates", ".datasets", ".dictionary", ".io", ".linear_model")
PACKAGES += (".plotting", ".robust", ".separable", ".spectral")


def literals(hint: object) -> tuple[str, ...]:
    """The strings that an annotation names."""
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    return tuple(text for part in typing.get_args(hint) for text in literals(part))


def choices() -> dict[str, tuple[object, str, str, tuple[str, ...]]]:
    """Every parameter with an alias, by its place: what is exported, the method, the parameter, and the strings."""
    found = {}
    for package in PACKAGES:
        module = importlib.import_module(f"hypernorm{package}")
        for name in module.__all__:
            public = getattr(module, name)
            members = vars(public) if inspect.isclass(public) else {"": public}
            for member, function in members.items():
                function = inspect.unwrap(getattr(function, "__func__", function))
                if not inspect.isfunction(function) or (member[:1] == "_" and member != "__init__"):
                    continue
                for parameter, hint in hints(function).items():
                    if literals(hint) and parameter != "return":
                        place = ".".join(filter(None, (name, member)))
                        found[f"{place}({parameter})"] = (public, member, parameter, literals(hint))
    return found


def hints(function) -> dict[str, object]:
    """The annotations; names of the generated methods of classes are those of other modules."""
    try:
        return typing.get_type_hints(function)
    except NameError:
        return {}


CHOICES = choices()
X = np.random.default_rng(0).standard_normal((20, 3))
# What comes before the choice, where one matrix would not do.
ARGUMENTS = {
    "approximation_factor": (3,),
    "operator_certificate": (X, 3, 2),
    "operator_norm": (X, 3, 2),
    "separable_value": (np.eye(4), (2, 2)),
    "contaminated": (20, 2, 0.1),
    "contaminated_regression": (20, 2, 0.1),
    "contaminated_clusters": (20, 2, 2, 0.1),
    "generalization_error": (1.0, 1.0),
    "load_bundled": (),
    "load_network": (),
}


def call(public, member, parameter, value):
    if member == "":
        if public.__name__ == "plot_sensitivity":
            return public(SchattenRegressor(1.0).fit(X, X[:, 0]), [0, 1, 1], **{parameter: value})
        return public(*ARGUMENTS.get(public.__name__, (X,)), **{parameter: value})
    if member == "__init__":
        model = public(**{parameter: value}).fit(X, X[:, 0])
        return model.transform(X) if hasattr(model, "transform") else model
    if member == "predict":
        return public(1.0).fit(X, X[:, 0]).predict(X, return_interval=True, **{parameter: value})
    return public.from_vectors(np.eye(4), [1, 0], [1, 0], **{parameter: value})


@pytest.mark.parametrize("place", sorted(CHOICES))
def test_alias_has_what_is_checked_at_run_time(place):
    public, member, parameter, values = CHOICES[place]
    with pytest.raises(hn.InvalidInputError, match=parameter) as refused:
        call(public, member, parameter, "foo")
    message = str(refused.value).partition(", got")[0]
    if "must be one of" in message:
        assert tuple(re.findall(r"'(\w+)'", message)) == values
    else:  # a number or one string
        (value,) = values
        call(public, member, parameter, value)


def test_every_choice_has_an_alias():
    assert {parameter for *_, parameter, _ in CHOICES.values()} >= {"method", "kind", "rule", "contrast", "refine"}
    for package in set(PACKAGES) - {".certificates"}:  # a part of which others are made
        module = importlib.import_module(f"hypernorm{package}")
        for name in module.__all__:
            function = inspect.unwrap(getattr(module, name)) if callable(getattr(module, name)) else None
            if inspect.isfunction(function):
                texts = {parameter for parameter, hint in hints(function).items() if hint is str} - {"return"}
                assert texts <= {"solver"}, name  # the solvers of cvxpy, which are not ours to list


def test_every_rule_and_estimator_has_a_function():
    assert set(RULES) == set(typing.get_args(Rule))
    assert set(CLASSICAL) < set(METHODS)
    assert set(_OUTLIERS) | {"none", "subtractive", "adaptive"} == set(ADVERSARIES)


def test_type_checkers_accept_a_script_and_find_mistakes(tmp_path):
    pytest.importorskip("mypy")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file=",
        "--no-error-summary",
    ]
    command += ["--cache-dir", str(ROOT / ".mypy_cache" / "users"), *map(str, sorted(TYPED.glob("*.py")))]
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    found = set(re.findall(r"(\w+\.py:\d+): error", done.stdout))
    lines = (TYPED / "mistakes.py").read_text(encoding="utf-8").splitlines()
    marked = {f"mistakes.py:{number}" for number, line in enumerate(lines, 1) if line.endswith("# error")}
    assert len(marked) > 15
    assert found == marked, done.stdout + done.stderr


def test_editable_installs_are_a_folder_on_the_path():
    """Type checkers and editors read such a folder; they do not run the hook that setuptools installs otherwise."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^\[tool\.setuptools\]\npackage-dir = \{ "" = "\." \}$', text, flags=re.MULTILINE)
