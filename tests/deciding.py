"""All numbers, words and tables that decide: the constants of each module, and the defaults of parameters.

``python -m tests.telling`` writes ``tests/told/constants/`` anew. A threshold, a limit or a row of a table is
changed on purpose, and read as one line of a diff.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

import filtviz
from filtviz.errors import MissingExtraError

__all__ = ["KINDS", "PLACES", "constants", "numbers", "sentences"]

SOURCE = Path(filtviz.__file__).parent
NOT_HERE = ("_version", "theano_shim", "__main__")  # another for each build, an extra, a program
A_CONSTANT = re.compile(r"_{0,2}[A-Z][A-Z0-9_]*$")


@cache
def _modules() -> tuple[str, ...]:
    return tuple(
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(SOURCE.rglob("*.py"))
        if path.stem not in NOT_HERE and not _needs_an_extra(path)
    )


def _needs_an_extra(path: Path) -> bool:
    """Whether importing a module fails where an extra is not installed: then it is held nowhere."""
    text = path.read_text(encoding="utf-8")
    if "raise MissingExtraError" not in text:
        return False
    outside = [node for node in ast.parse(text).body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    raised = (one for node in outside for one in ast.walk(node) if isinstance(one, ast.Raise) and one.exc)
    return any("MissingExtraError" in ast.unparse(one) for one in raised)


def _place(module: str) -> str:
    return [*module.split("."), "filtviz"][1]


PLACES = sorted({_place(module) for module in _modules()})
"""The modules and folders of `filtviz`, each with a text of its own."""


def constants(place: str) -> Iterator[str]:
    """Yield the lines of a place's modules."""
    for name in _modules():
        if _place(name) == place:
            with contextlib.suppress(MissingExtraError):  # a module for those who have the extra
                yield from _of_module(importlib.import_module(name))


def _of_module(module: ModuleType) -> Iterator[str]:
    place = module.__name__.removeprefix("filtviz.")
    for name, value in vars(module).items():
        own = getattr(value, "__module__", module.__name__) == module.__name__
        if inspect.isclass(value) and own:
            yield from _of_class(f"{place}.{name}", value)
        elif isinstance(value, FunctionType) and own:
            yield from _defaults(f"{place}.{name}", value)
        elif A_CONSTANT.match(name) and name in _assigned(module):
            yield from _lines(f"{place}.{name}", value)


_SET = re.compile(r"^([A-Za-z_0-9, ]+?)(?:: [^=\n]+)? = ", re.MULTILINE)


@cache
def _assigned(module: ModuleType) -> frozenset[str]:
    """The names that are a module's own, and not imported: alone, or several set together."""
    return frozenset(re.findall(r"\w+", " ".join(_SET.findall(inspect.getsource(module)))))


def _of_class(place: str, cls: type) -> Iterator[str]:
    if "__dataclass_params__" in vars(cls):
        yield f"{place} is {_made_as(cls)}"
    for name, value in vars(cls).items():
        if isinstance(value, FunctionType):
            yield from _defaults(f"{place}.{name}", value)
        elif isinstance(value, str | int | float | tuple | frozenset) and not name.startswith("__"):
            yield f"{place}.{name} = {shown(value)}"


def _made_as(cls: Any) -> str:
    """How a dataclass is made: what can be changed, compared, given by place and seen."""
    how = cls.__dataclass_params__
    told = [name for name in ("frozen", "eq", "order") if getattr(how, name)]
    told += ["slots"] * ("__slots__" in vars(cls))
    for name, others in (("kw_only", False), ("repr", True), ("init", True), ("compare", True)):
        own = [one.name for one in fields(cls) if getattr(one, name) is not others]
        told += [f"{name} {'all' if len(own) == len(fields(cls)) else ' '.join(own)}"] if own else []
    made = [
        f"{one.name} {shown(one.default_factory)}" for one in fields(cls) if callable(one.default_factory)
    ]
    return ", ".join([*told, *made]) or "plain"


def _defaults(place: str, function: FunctionType) -> Iterator[str]:
    if function.__name__.startswith("__"):
        return
    given = [
        f"{one.name}={shown(one.default)}"
        for one in inspect.signature(function).parameters.values()
        if one.default not in (inspect.Parameter.empty, None)
    ]
    if given:
        yield f"{place}({', '.join(given)})"


def _lines(place: str, value: Any) -> Iterator[str]:
    """A line, or one for each entry of a table."""
    if isinstance(value, Mapping) and len(value) > 3:
        yield from (f"{place}[{shown(key)}] = {shown(one)}" for key, one in value.items())
    elif isinstance(value, tuple) and len(value) > 3 and not isinstance(value[0], int | float | str):
        yield from (f"{place}[{i}] = {shown(one)}" for i, one in enumerate(value))
    else:
        yield f"{place} = {shown(value)}"


def shown(value: Any) -> str:
    """The same text for the same value in every version of Python and of the libraries."""
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {zlib.crc32(np.round(value, 6).tobytes()):08x}"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, re.Pattern):
        return f"/{value.pattern!r}/{int(value.flags) & ~int(re.UNICODE)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{shown(key)}: {shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(shown, value))) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(shown, value)) + ")"
    if is_dataclass(value) and not isinstance(value, type):
        held = (f"{one.name}={shown(getattr(value, one.name))}" for one in fields(value))
        return f"{type(value).__name__}({', '.join(held)})"
    if isinstance(value, partial):
        return f"{shown(value.func)}{shown(value.args)}{shown(value.keywords)}"
    if callable(value):
        return (
            value.__name__
            if isinstance(value, np.ufunc)
            else getattr(value, "__qualname__", type(value).__name__)
        )
    return repr(value) if isinstance(value, str | bytes | int | type(None)) else type(value).__name__


# Sentences, and numbers within functions


def sentences(place: str) -> Iterator[str]:
    """Yield each sentence of a place in the order of the alphabet, with what stands in its fields.

    Where in the place it stands is not told, so that a function can be moved.
    """
    yield from _in_code(place)[1]


def numbers(place: str) -> Iterator[str]:
    """Yield for each function of a place the numbers in it that decide: all but those next to zero."""
    yield from _in_code(place)[0]


@cache
def _in_code(place: str) -> tuple[list[str], list[str]]:
    """The numbers and the sentences of a place."""
    paths = [SOURCE / f"{place}.py", *sorted((SOURCE / place).rglob("*.py"))]
    if place == "filtviz":
        paths = [SOURCE / "__init__.py"]
    numbers: list[str] = []
    sentences: set[str] = set()
    for path in filter(Path.is_file, paths):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        numbers += _numbers_of(tree)
        sentences.update(_sentences_of(tree))
    return sorted(numbers), sorted(sentences)


def _sentences_of(tree: ast.Module) -> Iterator[str]:
    told = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant | ast.Expr)]
    parts = {id(part) for node in told if isinstance(node, ast.JoinedStr) for part in node.values}
    plain = {id(node.value) for node in told if isinstance(node, ast.Expr)}  # docstrings
    hidden = parts | plain
    for node in told:
        if id(node) in hidden:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(map(_part, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            text = node.value
        else:
            continue
        if re.search(r"[A-Za-z]{2}", text):
            yield text.encode("unicode_escape").decode()


def _part(node: ast.expr) -> str:
    """A text as it stands, and of a field the names and values in it, since Pythons print code otherwise."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.FormattedValue)
    spec = "" if node.format_spec is None else ":" + "".join(map(_part, node.format_spec.values))  # type: ignore[attr-defined]
    conversion = "" if node.conversion < 0 else f"!{chr(node.conversion)}"
    return f"{{{' '.join(_names_in(node.value))}{conversion}{spec}}}"


def _names_in(node: ast.AST) -> Iterator[str]:
    """Names, values and operators in the order in which they stand."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Constant):
        yield repr(node.value)
    elif isinstance(node, ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
        yield type(node).__name__
    for child in ast.iter_child_nodes(node):
        yield from _names_in(child)
    if isinstance(node, ast.Attribute):
        yield f".{node.attr}"


def _numbers_of(tree: ast.AST, inside: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{inside}.{node.name}".lstrip(".")
            own = [repr(one) for one in _own_numbers(node)] if isinstance(node, ast.FunctionDef) else []
            if own:
                yield f"{name}: {', '.join(own)}"
            yield from _numbers_of(node, name)


def _own_numbers(function: ast.AST) -> Iterator[int | float]:
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value not in (0, 1, 2):
            yield value
        yield from _own_numbers(node)


KINDS = {"constants": constants, "numbers": numbers, "sentences": sentences}
"""What is held of each place, and how it is told."""
