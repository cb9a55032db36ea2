"""Lasagne's convolutions: each class with each of its attributes as it should be, odd, and not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from filtviz.reading.formats.lasagne import convolutions
from filtviz.reading.limits import Limits, effort
from filtviz.reading.pickle.attributes import LARGEST, Attributes
from filtviz.reading.pickle.records import Global, Items, Record
from tests.reading.operators.asking import Told, array
from tests.telling import told

__all__ = ["lasagne"]

CLASSES = (
    "Conv1DLayer",
    "Conv2DLayer",
    "Conv3DLayer",
    "LocallyConnected2DLayer",
    "Conv2DDNNLayer",
    "Conv3DDNNLayer",
    "Conv2DMMLayer",
    "Conv2DCCLayer",
    "DilatedConv2DLayer",
    "TransposedConv2DLayer",
    "TransposedConv3DLayer",
    "Deconv2DLayer",
    "Deconv3DLayer",
    "MyConv2DLayer",
    "MyDilatedLayer",
)
SHAPES = (
    (4, 2, 3),
    (4, 2, 3, 5),
    (2, 4, 3, 5),
    (3, 5, 4, 2),
    (4, 4, 3, 5),
    (4, 2, 3, 5, 2),
    (4, 2, 3, 5, 6, 7),
    (4, 3, 5, 6, 7),
    (4, 2),
)


def _attributes(name: str, facts: Mapping[str, Any]) -> Attributes:
    record = Record(Global("lasagne.layers", name), ())
    record.build(Items([part for entry in facts.items() for part in entry]))
    return Attributes(record, effort(Limits()))


def _asked(
    name: str, facts: Mapping[str, Any], shape: tuple[int, ...] = (4, 2, 3, 5), bias: Any = None
) -> str:
    held = _attributes(name, facts)
    found = told(convolutions.convolution_of(held, array(*shape), bias))
    return f"{found}{'' if convolutions.is_convolution(held, array(*shape)) else ', and is none'}"


def _changes(size: tuple[int, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """One fact that is another one, or is not there."""
    n = len(size)
    for key, values in {
        "filter_size": (size[0], size[::-1], size[1:], 0, "same", None),
        "num_filters": (2, 4, None, "4"),
        "stride": (2, (2, 1, 3)[:n], (1,) * (n + 1), 0, -1, (LARGEST,) * n, "1", None),
        "strides": ((3, 2, 1)[:n],),
        "dilation": (2, (1, 2, 3)[:n], 0, (1,) * (n + 1), None),
        "pad": (
            1,
            (1, 2, 0)[:n],
            "same",
            "valid",
            "full",
            "half",
            "strange",
            (1,) * (n + 1),
            -1,
            (-1, 2, 3)[:n],
            None,
        ),
        "border_mode": ("same", "full", 2),
        "crop": (1, "same", "valid", "full", (1, 2, 3)[:n], "half", None),
        "flip_filters": (True, False, 1, None, "True"),
        "num_groups": (1, 2, 0, -1, "2", None),
        "output_size": (9, (9, 8, 7)[:n], None),
        "dimshuffle": (True, False, 0),
        "channelwise": (True, False, 1),
    }.items():
        for value in values:
            yield f"{key} {value!r}", {key: value}


def _usual(shape: tuple[int, ...]) -> dict[str, Any]:
    size = shape[2:]
    return {"filter_size": size, "num_filters": shape[0], "stride": (1,) * len(size), "pad": (0,) * len(size)}


def _classes() -> Told:
    for name in CLASSES:
        axes = re.search(r"([123])D", name)
        n = int(axes[1]) if axes else 2
        shape = (4, 2, 3, 5, 7)[: n + 2]
        facts = _usual(shape)
        answers: dict[str, list[str]] = {}
        for words, change in (("as usual", {}), *_changes(shape[2:])):
            answers.setdefault(_asked(name, facts | change, shape), []).append(words)
        for gone in ("filter_size", "num_filters", "stride", "pad"):
            less = {key: value for key, value in facts.items() if key != gone}
            answers.setdefault(_asked(name, less, shape), []).append(f"without {gone}")
            more = less | {"dilation": (1, 2, 3)[:n], "crop": 1}
            answers.setdefault(_asked(name, more, shape), []).append(f"without {gone}, of more")
        answers.setdefault(_asked(name, {}, shape), []).append("of nothing")
        yield from ((f"{name}: {', '.join(words)}", answer) for answer, words in answers.items())
        for shape in SHAPES:
            answers = {}
            for n_filters in (2, 4, None):
                facts = _usual(shape) | {"num_filters": n_filters}
                answers.setdefault(_asked(name, facts, shape), []).append(str(n_filters))
            yield from (
                (f"{name} of {shape} with {' or '.join(n)} filters", one) for one, n in answers.items()
            )
    yield "with a bias", _asked("Conv2DLayer", _usual((4, 2, 3, 5)), bias=array(4, name="b"))
    for shape in (*SHAPES, (4,), ()):
        for facts in ({}, {"filter_size": 3}, {"num_filters": 4}):
            is_one = convolutions.is_convolution(_attributes("Own", facts), array(*shape))
            yield f"own of {shape} with {facts}", str(is_one)
    both = {"channelwise": True, "dimshuffle": False}
    for shape in ((4, 3, 5, 6, 7), (2, 3, 5, 4), (2, 3, 4)):
        for words, facts in (
            ("channelwise", {"channelwise": True}),
            ("not shuffled", {"dimshuffle": False}),
            ("both", both),
        ):
            size = shape[1:3] if len(shape) == 5 else shape[1:-1]
            more = {"filter_size": size, "num_filters": 4, "stride": 1, "pad": 1}
            yield f"{words} of {shape}", _asked("Conv2DCCLayer", more | facts, shape)


def _pads() -> Told:
    for size in ((3,), (3, 4), (1, 2, 5)):
        for words, change in _changes(size):
            if words.startswith(("pad", "border", "crop")):
                yield (
                    f"pads of {size} {words}",
                    str(convolutions.pads_of(_attributes("Conv2DLayer", change), size)),
                )
        yield f"pads of {size}", str(convolutions.pads_of(_attributes("Conv2DLayer", {}), size))
        two = {"pad": 1, "border_mode": "full", "crop": 2}
        for gone in two:
            less = {key: value for key, value in two.items() if key != gone}
            yield (
                f"pads of {size} without {gone}",
                str(convolutions.pads_of(_attributes("Conv2DLayer", less), size)),
            )


def _live() -> Told:
    for name in CLASSES:
        answers: dict[str, list[str]] = {}
        for facts in (
            {},
            {"flip_filters": True},
            {"flip_filters": False},
            {"flip_filters": 1},
            {"dimshuffle": False},
            {"dimshuffle": True},
            {"dimshuffle": 0, "flip_filters": False},
        ):
            kind = type(name, (SimpleNamespace,), {"__qualname__": f"Own.{name}"})
            layer = kind(**facts)
            answers.setdefault(str(convolutions.in_memory(layer)), []).append(str(facts))
        yield from ((f"live {name} {', '.join(words)}", answer) for answer, words in answers.items())


def lasagne() -> Told:
    """Convolutions of every class, their padding, and those of a program."""
    yield from _classes()
    yield from _pads()
    yield from _live()
