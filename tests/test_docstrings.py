"""Every public name says what it takes, gives and refuses, with an example that runs and the theorem behind it.

Of each name on the pages of the reference is demanded:

- a summary of one line;
- of a function, a method and a class that users make: *Parameters*, those of the signature and none else; *Returns*
  or *Yields* where something comes back; *Raises* where the body raises or checks an argument;
- of a data class: *Attributes*, its fields and none else;
- *See Also* and *Examples*, which the doctests of the suite run. A method shares those of its class, if the example
  there calls it;
- of what rests on a theorem (see `rests_on_a_theorem`): a page on theory, or *References*.

Errors, enumerations and constants need a summary only. A method without a docstring has that of the overridden method.
"""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import textwrap
from enum import Enum
from functools import cached_property
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

import hypernorm
from hypernorm import Certificate

ROOT = Path(__file__).parents[1]
MODULES = ["hypernorm"] + [
    f"hypernorm.{found.name}"
    for found in pkgutil.iter_modules(hypernorm.__path__)
    if found.name != "cli" and found.name[0] != "_"
]
PARTS = {"datasets", "forms", "io", "plotting", "exceptions"}  # which prove nothing
# What the pages of certificates leave out: only a new kind of certificate needs it.
PROTOCOL = {"read", "establish", "owned", "members", "sizes", "rules"}


def public_names() -> dict[str, object]:
    """Every exported name once."""
    found: dict[str, object] = {}
    for module in map(importlib.import_module, MODULES):
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if callable(value) and not any(value is other for other in found.values()):
                found[f"{module.__name__}.{name}"] = value
    return found


def methods(kind: type) -> dict[str, object]:
    """The methods on the page of a class, and its properties."""
    found = {}
    for name, member in vars(kind).items():
        if name[0] == "_" or (issubclass(kind, Certificate) and kind is not Certificate and name in PROTOCOL):
            continue
        if isinstance(member, classmethod | staticmethod):
            member = member.__func__
        if isinstance(member, property | cached_property) or inspect.isfunction(member):
            found[name] = member
    return found


NAMES = public_names()
METHODS = {
    f"{place}.{name}": (kind, method)
    for place, kind in NAMES.items()
    if inspect.isclass(kind)
    for name, method in methods(kind).items()
}


def fields(kind: type) -> list[str] | None:
    """The fields of a data class or a named tuple; None for other classes."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return list(getattr(kind, "_fields", ())) or None


def named(section: list) -> list[str]:
    """The names in a section; one line may have several."""
    return [name.strip() for entry in section for name in (entry.name or entry.type).split(",")]


def parameters(called: object) -> list[str]:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    signature = inspect.signature(called).parameters.values()
    return [stars.get(each.kind, "") + each.name for each in signature if each.name not in ("self", "cls")]


def refuses(function: object) -> bool:
    """Whether the body itself raises, or calls a check of arguments."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return any(isinstance(node, ast.Raise) for node in ast.walk(tree)) or any(
        name.startswith("check_") and name != "check_arithmetic" for name in called
    )


def rests_on_a_theorem(value: object) -> bool:
    """Certificates and witnesses; estimators; and functions, apart from those of parts and of certificates."""
    package = value.__module__.split(".")[1]
    if package[0] == "_":  # plots
        return False
    if inspect.isclass(value):
        return issubclass(value, Certificate) or (fields(value) is None and package not in {*PARTS, "certificates"})
    return package not in {*PARTS, "certificates"}


def missing(value: object, owner: type | None = None) -> list[str]:
    """What the docstring of a function, a method or a class lacks."""
    if not value.__doc__:
        return ["a docstring"]
    doc = NumpyDocString(inspect.cleandoc(value.__doc__))
    lacks = [] if len(doc["Summary"]) == 1 and doc["Summary"][0][-1] in ".:" else ["a summary of one line"]
    if inspect.isclass(value) and issubclass(value, Enum | Exception):
        return lacks
    attributes = fields(value) if inspect.isclass(value) else None
    if attributes is not None:
        lacks += [] if sorted(named(doc["Attributes"])) == sorted(attributes) else [f"Attributes {attributes}"]
    elif named(doc["Parameters"]) != parameters(value):
        lacks += [f"Parameters {parameters(value)}"]
    if not inspect.isclass(value):
        gives = inspect.signature(value).return_annotation not in (None, "None")
        lacks += ["Returns"] if gives and not (doc["Returns"] or doc["Yields"]) else []
        lacks += ["Raises"] if refuses(value) and not doc["Raises"] else []
    elif attributes is None and "__init__" in vars(value):
        lacks += ["Raises"] if refuses(value.__init__) and not doc["Raises"] else []
    shared = NumpyDocString(inspect.cleandoc(owner.__doc__)) if owner is not None and owner.__doc__ else None
    if not doc["See Also"] and not (shared and shared["See Also"]):
        lacks.append("See Also")
    example = "\n".join(shared["Examples"]) if shared else ""
    if ">>>" not in "\n".join(doc["Examples"]) and not (shared and f".{value.__name__}(" in example):
        lacks.append("Examples")
    if (
        owner is None
        and rests_on_a_theorem(value)
        and not re.search(r"theory/\w+\s+of\s+the\s+documentation", value.__doc__)
        and not doc["References"]
    ):
        lacks.append("a theorem")
    return lacks


@pytest.mark.parametrize("place", NAMES)
def test_docstring_of_what_is_exported(place):
    assert missing(NAMES[place]) == []


@pytest.mark.parametrize("place", METHODS)
def test_docstring_of_a_method(place):
    owner, method = METHODS[place]
    getter = method.fget if isinstance(method, property) else getattr(method, "func", method)
    name = place.rpartition(".")[2]
    if not getter.__doc__:
        overridden = [vars(parent)[name] for parent in owner.__mro__[1:] if name in vars(parent)]
        assert any(getattr(each, "fget", each).__doc__ for each in overridden)
    elif inspect.isfunction(method):
        assert missing(method, owner) == []


def test_pages_of_theory_exist():
    for path in (ROOT / "hypernorm").rglob("*.py"):
        for page in re.findall(r"docs/[\w/]+\.md", path.read_text(encoding="utf-8")):
            assert (ROOT / page).is_file(), f"{path} names {page}"


def test_the_reference_is_not_small():
    assert len(NAMES) > 170
    assert len(METHODS) > 150
