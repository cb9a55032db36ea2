"""The public API tells each parameter: names in ``__all__`` and the public methods of their classes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import filtviz


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in filtviz.__all__:
        value = getattr(filtviz, name)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            for method, held in vars(value).items():
                function = held.__func__ if isinstance(held, classmethod | staticmethod) else held
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield f"{name}.{method}", function


FUNCTIONS = dict(public_functions())


def test_there_is_something_to_tell() -> None:
    assert {"load", "plot", "diagnose", "ConvLayer.of", "Network.select"} <= set(FUNCTIONS)


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_parameter_of_the_public_api_is_told(name: str) -> None:
    function = FUNCTIONS[name]
    text = inspect.getdoc(function) or ""
    parameters = [each for each in inspect.signature(function).parameters if each not in ("self", "cls")]
    told = re.findall(r"^    (\w+): \S", text, re.MULTILINE)
    assert text
    assert [each for each in parameters if each not in told] == []


OF_OTHERS = {"Any", "Callable", "Iterator", "Mapping", "NDArray", "None", "Path", "Sequence"}


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "." not in name])
def test_what_a_public_function_returns_has_a_public_name(name: str) -> None:
    words = re.findall(r"[A-Z]\w+", str(FUNCTIONS[name].__annotations__["return"]))
    assert [word for word in words if word not in OF_OTHERS and word not in filtviz.__all__] == []
