"""The names that users import, by which the pages of the reference are made."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from enum import Enum

import hypernorm


def public_names() -> dict[str, dict[str, list[str]]]:
    """What the pages of the reference list: every exported name once, at the place from which users import it."""
    found = (entry.name for entry in pkgutil.iter_modules(hypernorm.__path__))
    names = {f"hypernorm.{name}": _exports(f"hypernorm.{name}") for name in found if name != "cli" and name[0] != "_"}
    names = {module: kinds for module, kinds in names.items() if any(kinds.values())}
    return {"hypernorm": {**_exports("hypernorm"), "modules": [name.split(".")[1] for name in names]}, **names}


def _exports(module: str) -> dict[str, list[str]]:
    loaded = importlib.import_module(module)
    groups = ("classes", "certificates", "enumerations", "exceptions", "functions", "data")
    kinds: dict[str, list[str]] = {group: [] for group in groups}
    for name in getattr(loaded, "__all__", ()):
        value = getattr(loaded, name)
        if module != "hypernorm" and getattr(hypernorm, name, None) is value:
            continue
        if inspect.isclass(value):
            kinds["exceptions" if issubclass(value, Exception) else "classes"].append(name)
            if issubclass(value, hypernorm.Certificate) and value is not hypernorm.Certificate:
                kinds["certificates"].append(name)
            if issubclass(value, Enum):
                kinds["enumerations"].append(name)
        else:
            kinds["functions" if isinstance(inspect.unwrap(value), types.FunctionType) else "data"].append(name)
    return kinds
