"""Replace a module by a mutant, and run code in a child process."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import resource
import traceback
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

from checks.mutants import Mutant, MutatedModule

__all__ = ["Finder", "can_exchange", "exchange", "forked", "functions", "limit_memory", "silence"]

_MEMORY = 8 << 30


class Finder(importlib.abc.MetaPathFinder):
    """An import finder that loads a mutant of one module."""

    def __init__(self, name: str, module: MutatedModule, mutant: Mutant):
        self._name, self._path, self._code = name, str(module.path), module.code(mutant)

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._name and f"{name}.__init__" != self._name:
            return None
        loader = importlib.machinery.SourceFileLoader(name, self._path)
        loader.get_code = lambda _: self._code  # type: ignore[method-assign, assignment]  # the point
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


def functions(modules: dict[str, MutatedModule]) -> dict[str, list[FunctionType]]:
    """All functions of each module in this process, including methods and inner functions."""
    names = {str(module.path): name for name, module in modules.items()}
    found: dict[str, list[FunctionType]] = {name: [] for name in modules}
    for entry in gc.get_objects():
        if isinstance(entry, FunctionType) and entry.__code__.co_filename in names:
            found[names[entry.__code__.co_filename]].append(entry)
    return found


def exchange(entries: Iterable[FunctionType], module: CodeType) -> None:
    """Replace the code of functions by that of the module."""
    codes = {(code.co_name, code.co_firstlineno): code for code in _codes(module)}
    for function in entries:
        code = codes[function.__code__.co_name, function.__code__.co_firstlineno]
        if code.co_freevars == function.__code__.co_freevars:
            function.__code__ = code


def can_exchange(original: CodeType, module: CodeType) -> bool:
    """Whether the same methods use `super()`: Python binds the class of a method that does to the function itself."""
    return _uses_super(original) == _uses_super(module)


def _uses_super(module: CodeType) -> set[tuple[str, int]]:
    return {(code.co_name, code.co_firstlineno) for code in _codes(module) if "__class__" in code.co_freevars}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def forked(function: Callable[[], Any]) -> tuple[int, Any]:
    """Exit status and result of a function in a child process; a negative status is a signal, None is no result."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(writable, "wb") as stream:
                pickle.dump(function(), stream)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as stream:
        answer = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, pickle.loads(answer) if status == 0 else None


def silence() -> None:
    """Discard the output of this process."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def limit_memory() -> None:
    """Limit the memory of this process, so that a mutant that allocates too much fails."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
