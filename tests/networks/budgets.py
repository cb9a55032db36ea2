"""What a budget allows, takes note of and refuses, at each of its ends.

``python -m tests.telling`` writes ``tests/told/networks/budgets.txt`` anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.budget import Account, Budget, size_on_disk
from filtviz.errors import ArgumentError, BudgetError
from filtviz.network import Layer, Network, Origin
from filtviz.parameter import Parameter
from filtviz.scaling import scale_of

__all__ = ["budgets"]


def _network(size: int | None, layers: int = 1) -> Network:
    return Network.of([Layer()] * layers, Origin(size=size))


def _state(account: Account) -> str:
    return f"{account.allowed} {account.left} {account.room} {account.left_out}"


def _said(function: Any, *given: Any) -> str:
    try:
        return str(function(*given))
    except BudgetError as error:
        return f"{error} [{error.share} {error.needed} of {error.allowed} {error.option}]"
    except ArgumentError as error:
        return str(error)


def budgets() -> Iterator[tuple[str, str]]:
    yield "described", str(Budget.described())
    for name in ("work", "pixels"):
        for value in (0, -1, 1, True, 1.0, "1", None):
            yield (
                f"{name} of {value!s} {type(value).__name__}",
                _said(lambda n=name, v=value: getattr(Budget(**{n: v}), n)),
            )
    for size in (None, 0, 1, 999_999, 1_000_000, 1_000_001, 5_000_000):
        for layers in (0, 1, 3):
            yield (
                f"account of {layers} layers in {size} bytes",
                _state(Budget(work=10_000_000, pixels=7).account(_network(size, layers))),
            )
    yield "account of two files", _state(Budget().account(_network(900_000), _network(900_000, 2)))
    shared = Parameter.of("w", np.zeros(5, "f4"))
    own = Network.of(
        [
            Layer(parameters=(shared,)),
            Layer(parameters=(shared, Parameter.of("v", np.zeros((2, 3))))),
            Layer(parameters=(Parameter.of("w", np.zeros(7, "f2")),)),
        ]
    )
    yield "size of arrays", f"{size_on_disk(own)} {size_on_disk(_network(7))} {size_on_disk(_network(0))}"
    empty = Network.of(own.layers, Origin(size=0))
    yield "size of arrays in a file without bytes", str(size_on_disk(empty))
    yield from _spent()
    yield from _widened()
    yield from _rounded()
    yield from _scaled()


def _spent() -> Iterator[tuple[str, str]]:
    for amount in (0, 99, 100, 101):
        account = Account({"work": 100, "pixels": 10})
        yield (
            f"{amount} of 100",
            " ".join(
                [
                    str(account.affords("work", amount)),
                    _said(account.spend, "work", amount, "it"),
                    _state(account),
                ]
            ),
        )
        yield f"{amount} more", f"{_said(account.spend, 'work', 1, 'it')} {_state(account)}"
    for work, pixels in ((100, 10), (101, 10), (100, 11), (101, 11)):
        account = Account({"work": 100, "pixels": 10})
        yield (
            f"{work} and {pixels} pixels",
            f"{_said(account.spend_all, {'work': work, 'pixels': pixels}, 'both')} {_state(account)}",
        )
    account = Account({"work": 100, "pixels": 10})
    for key, amount in (("a", 60), ("a", 60), ("b", 60), ("b", 30), ("b", 99)):
        yield (
            f"{amount} once for {key}, {account.left['work']} left",
            f"{_said(account.spend_once, key, amount, 'it')} {_state(account)}",
        )
    for key, sentence in (("c", "one"), ("c", "two"), ("d", "three"), ("a", "four")):
        account.tell_once(key, sentence)
        yield f"told {sentence} for {key}", _state(account)
    for amount in (0, 10, 49, 50, 51, 200):
        account = Account({"work": 100, "pixels": 10})
        with account.keeping("work", amount):
            inside = account.left["work"]
            spent = _said(account.spend, "work", 60, "it")
        yield f"keeping {amount}", f"{inside} {spent} {_state(account)}"
    for n_bytes in (9, 10, 11):
        for shown in (None, 0, 1):
            account = Account({"work": 100, "pixels": 10}, shown=shown)
            yield (
                f"{n_bytes} bytes of 10, images of {shown}",
                f"{_said(account.hold, n_bytes, 'it')} {_said(account.keep, n_bytes, 'it')}",
            )
    for n_bytes in (16, 17, 1600, 1601):
        for shown in (1, 100):
            account = Account({"work": 100, "pixels": 10}, shown=shown)
            yield f"{n_bytes} bytes kept of images of {shown}", _said(account.keep, n_bytes, "it")
    endless = Account.unlimited()
    endless.spend("work", 1 << 60, "it")
    yield (
        "without limits",
        " ".join(
            [
                str(sys.maxsize - endless.left["work"] == 1 << 60),
                _said(endless.hold, 1 << 55, "it"),
                _said(endless.keep, 1 << 80, "it"),
            ]
        ),
    )


def _widened() -> Iterator[tuple[str, str]]:
    for small in (0, 40, 100):
        for repeated in (sys.maxsize, 0, 3):
            for times, most in ((0, None), (2, None), (2.5, None), (10, None), (10, 1), (10, 5), (10, 0)):
                account = Account({"work": 100, "pixels": 10}, small=small, repeated=repeated)
                account.spend("work", 30, "it")
                account.widen(times, most)
                once = f"{account.allowed['work']} {account.left['work']} {account.room}"
                account.widen(times, most)
                yield (
                    f"widened {times} times, at most {most}, {small} small, {repeated} repeated",
                    f"{once}; {account.allowed['work']} {account.left['work']}",
                )
    for image_bytes in (None, 0, 1, 100_000, 100_001, 10_000_000):
        account = Budget(work=3_000_000_000, image_bytes=image_bytes).account(_network(10))
        account.widen(1e6)
        yield (
            f"widened for images of {image_bytes}",
            f"{account.allowed['work']} {_said(account.keep, 1 << 40, 'it')}",
        )


def _rounded() -> Iterator[tuple[str, str]]:
    for amount in (1, 999, 1000, 9_999_999, 10_000_000, 9_999_999_999, 10_000_000_000, 123_456_789_012):
        account = Account({"work": amount, "pixels": amount})
        for share in ("work", "pixels"):
            yield f"more {share} than {amount}", _said(account.spend, share, amount + 1, "it")
        account.spend("work", 1, "it")
        yield f"more than is left of {amount}", _said(account.spend, "work", amount, "it")
        account.left["work"] = -5
        yield f"more than nothing of {amount}", _said(account.spend, "work", amount, "it")


def _scaled() -> Iterator[tuple[str, str]]:
    several: dict[str, np.ndarray] = {
        "ones": np.ones((2, 3)),
        "nothing": np.zeros((2, 3)),
        "small": np.full((2, 3), 1e-200),
        "large": np.full((2, 3), 1e200),
        "mixed": np.array([[1e-300, 1e300, 0], [3.0, -4.0, 0.5]]),
        "not finite": np.array([[np.nan, 1.0, 2.0], [np.inf, 1.0, 2.0]]),
        "empty": np.zeros((2, 0)),
        "single": np.ones((2, 3), "f4") * 3,
        "denormal": np.full((2, 3), 5e-324),
        "below zero": -np.ones((2, 3)) * 6,
    }
    for name, array in several.items():
        for axis in (None, 0, 1):
            try:
                found = scale_of(array) if axis is None else scale_of(array, axis)
            except (ValueError, TypeError) as error:
                yield f"scale of {name} along {axis}", type(error).__name__
                continue
            yield (
                f"scale of {name} along {axis}",
                f"{np.shape(found)} {' '.join(f'{float(one):.4g}' for one in np.ravel(found))}",
            )
