"""What a person gives to the functions that show a network images, checked by the names of parameters."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

import numpy as np

from filtviz.budget import Budget
from filtviz.errors import ArgumentError
from filtviz.given import as_number, checked_images, expect
from filtviz.text import described

__all__ = ["LARGEST", "checked", "images", "maybe", "whole"]

Function = TypeVar("Function", bound=Callable[..., Any])

LARGEST = 1 << 31
"""Of whole numbers; seeds and sizes are smaller."""


def whole(given: Any, name: str, least: int = 1) -> int:
    """Return a whole number as Python's own, numpy's as well."""
    number = as_number(given)
    if number is None or not least <= number < LARGEST:
        below = f"of {least} or more" if least > -LARGEST else "that is not so large"
        raise ArgumentError(f"{name} must be a whole number {below}, not {described(given)}")
    return number


def maybe(check: Callable[..., Any], given: Any, name: str) -> Any:
    """Return None as it is."""
    return None if given is None else check(given, name)


def real(given: Any, name: str, most: float = 1e30) -> float:
    """Return a number of ordinary size as Python's own."""
    try:
        number = float(given) if np.ndim(given) == 0 and not isinstance(given, str | bytes) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= most:
        raise ArgumentError(f"{name} must be a number of ordinary size, not {described(given)}")
    return number


def text(given: Any, name: str) -> str:
    """Return a text as it is."""
    if not isinstance(given, str) or not given:
        raise ArgumentError(f"{name} must be a text, not {described(given)}")
    return given


def pair(given: Any, name: str, check: Callable[..., Any]) -> tuple[Any, Any]:
    """Return two numbers, the lower first where they are bounds."""
    if not isinstance(given, list | tuple | np.ndarray) or np.shape(given)[:1] != (2,):
        raise ArgumentError(f"{name} must be two numbers, not {described(given)}")
    return check(given[0], name), check(given[1], name)


def units(given: Any, name: str) -> tuple[int, ...]:
    """Return one whole number or several."""
    if as_number(given) is None and isinstance(given, list | tuple | range | np.ndarray) and np.ndim(given):
        return tuple(whole(each, name, 0) for each in given)
    return (whole(given, name, 0),)


def names(given: Any, name: str) -> tuple[str, ...]:
    """Return texts."""
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__") or not np.ndim(np.asarray(given)):
        raise ArgumentError(f"{name} must be several texts, not {described(given)}")
    return tuple(map(str, given))


def images(given: Any, name: str) -> Any:  # noqa: ARG001
    """Return images as an array."""
    return checked_images(given)


_CHECKS: dict[str, Callable[..., Any]] = {
    "images": images,
    "batch": partial(maybe, whole),
    "top": whole,
    "square": whole,
    "stride": whole,
    "steps": whole,
    "jitter": partial(maybe, partial(whole, least=0)),
    "seed": partial(whole, least=0),
    "target": partial(maybe, partial(whole, least=-LARGEST)),
    "units": units,
    "labels": names,
    "fill": real,
    "rate": real,
    "decay": real,
    "blur": partial(maybe, partial(real, most=100.0)),
    "bounds": partial(pair, check=real),
    "size": partial(maybe, partial(pair, check=whole)),
    "engine": partial(maybe, text),
    "device": partial(maybe, text),
    "method": text,
    "of": text,
    "layout": text,
    "budget": lambda given, name: expect(given, Budget, name),
    "nolearn": lambda given, name: bool(whole(given, name, 0) if not isinstance(given, bool) else given),
    "signed": lambda given, name: bool(whole(given, name, 0) if not isinstance(given, bool) else given),
}
"""Parameter → what returns its value as it is used, and raises where it is none."""


def checked(**others: Callable[..., Any]) -> Callable[[Function], Function]:
    """Return what has a function's arguments checked, by their names, before it begins.

    Args:
        others: Checks of parameters whose name stands for something else elsewhere.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        checks = {name: (_CHECKS | others)[name] for name in signature.parameters if name in _CHECKS | others}

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            bound = signature.bind(*args, **given)
            for name, value in bound.arguments.items():
                if name in checks:
                    bound.arguments[name] = checks[name](value, name)
            return function(*bound.args, **bound.kwargs)

        return called  # type: ignore[return-value]

    return decorate
