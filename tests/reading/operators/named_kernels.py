"""Layers out of names and shapes: each conclusion, and beside it what keeps from it, one fact at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from filtviz.errors import SelectionError
from filtviz.network import Layer
from filtviz.operations import Convolution
from filtviz.reading.arrays import ComputedArray
from filtviz.reading.limits import Hints
from filtviz.reading.tensor_names import FLAX, HAIKU, MLX, PYTORCH, Convention, Tensor
from filtviz.reading.tensors import layers_of
from tests.reading.operators.asking import Told

__all__ = ["named_kernels"]

Shapes = Mapping[str, tuple[int, ...]]
FIRST: Shapes = {"first.weight": (16, 3, 3, 3)}


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    read = partial(np.zeros, shape, "f4")
    return Tensor(name=name, array=ComputedArray(shape=shape, dtype=np.dtype("f4"), read=read))


def _line(layer: Layer) -> str:
    one = layer.operations[0]
    does = f" {one.axes} of {one.groups}" if isinstance(one, Convolution) else ""
    return f"{layer.type}{list(layer.inputs)}{does}{' turned' * bool(getattr(one, 'transposed', None))}"


def _answer(held: Shapes, convention: Convention = PYTORCH, hints: Hints | None = None, **more: Any) -> str:
    try:
        found = layers_of([_tensor(*one) for one in held.items()], convention, hints or Hints(), **more)
    except SelectionError as error:
        return str(error)
    said = (f"{words[:24]}~ {words.rpartition(': ')[2]}" for words in found.inferred[1:])
    return "; ".join([*map(_line, found.layers), *said])


def _norm(name: str, n: int = 4) -> Shapes:
    return {f"{name}.{word}": (n,) for word in ("weight", "bias", "running_mean", "running_var")}


def _following() -> Told:
    """What a layer follows, and what neither feeds nor is fed."""
    dense, kernel = {"fc.weight": (16, 16)}, {"k.weight": (5, 16, 3, 3)}
    for words, held in (
        ("words behind a dense layer", dense | {"wte.weight": (9, 16)}),
        ("a shortcut first", {"shortcut.weight": (16, 3, 1, 1)} | kernel),
        ("a shortcut between", FIRST | {"shortcut.weight": (7, 3, 1, 1)} | kernel),
        ("arrays that are not known", FIRST | {"p.alpha": (2, 2)} | {"k.weight": (5, 7, 3, 3)}),
        ("as many as there are", FIRST | kernel),
        ("twice as many", FIRST | {"k.weight": (5, 32, 3, 3)}),
        ("half as many", FIRST | {"k.weight": (5, 8, 3, 3)}),
        ("none at all", {"a.weight": (0, 3), "b.weight": (3, 0)}),
        ("some of none", {"a.weight": (0, 3), "b.weight": (3, 3)}),
        ("kernels of attention", {f"a.{one}.weight": (8, 8, 3, 3) for one in ("query", "key", "value")}),
        ("lines of attention", {f"a.{one}.weight": (8, 8, 3) for one in ("query", "key", "value")}),
        ("a wide bias in the plane", {"k.weight": (8, 4, 3, 3), "k.bias": (2, 4)}),
        ("a wide bias in a line", {"k.weight": (8, 4, 3), "k.bias": (2, 4)}),
        ("a norm of four axes", _norm("n", 8) | {"n.weight": (1, 8, 1, 1)}),
        ("a gate alone", {"r.weight_hh": (16, 4)}),
        ("half a gate", {"r.weight_ih_l0": (16, 3)}),
        ("gates", {"r.weight_ih_l0": (16, 3), "r.weight_hh_l0": (16, 4)}),
        ("gates in a row", {"r.weight_ih_l0": (16, 3), "r.weight_hh_l0": (16,)}),
        ("gates of a row", {"r.weight_ih_l0": (16,), "r.weight_hh_l0": (16, 4)}),
    ):  # fmt: skip
        yield words, _answer(held)
    for shape in ((9, 4), (9,), (9, 4, 2)):
        yield f"words of {shape}", _answer({"e/embedding": shape}, FLAX)
    for facts in ({}, {"type": "Own"}):
        yield f"dense, {facts}", _answer(dense, known={"fc": facts})


def _of_one_channel() -> Told:
    """Kernels of one channel: by the layer below, by what they are called, by what stands beside them."""
    for name in ("b.dwconv", "b.conv"):
        for shape in ((8, 1, 3, 3), (16, 1, 3, 3), (1, 1, 3, 3), (8, 2, 3, 3)):
            yield f"{name} of {shape}", _answer(FIRST | {f"{name}.weight": shape})
    kernel = {"b.conv.weight": (16, 1, 3, 3)}
    below: Shapes = {"first.weight": (4, 3, 3, 3)}
    for words, held in (
        ("a shortcut", kernel | {"b.shortcut.weight": (16, 4, 1, 1)}),
        ("a skip", kernel | {"b.skip.weight": (16, 4, 1, 1)}),
        ("a shortcut of one channel", kernel | {"b.shortcut.weight": (16, 1, 1, 1)}),
        ("a shortcut of three", kernel | {"b.shortcut.weight": (16, 3, 1, 1)}),
        ("a shortcut that gives fewer", kernel | {"b.shortcut.weight": (8, 4, 1, 1)}),
        ("a long shortcut", kernel | {f"b.shortcut.{n}.weight": (16, 4, 1, 1) for n in (0, 1)}),
        ("a branch of one", kernel | {"b.branch1.0.weight": (16, 4, 1, 1)}),
        ("a kernel of two", {"b.conv.weight": (16, 2, 3, 3), "b.shortcut.weight": (16, 4, 1, 1)}),
        ("two branches", {"b.branch1.0.weight": (16, 1, 3, 3), "b.branch2.0.weight": (8, 16, 1, 1)}),
        ("two other branches", {"b.branch1.0.weight": (16, 1, 3, 3), "b.branch2.0.weight": (8, 4, 1, 1)}),
        ("sizes side by side", {"b.a.weight": (4, 1, 3, 3), "b.b.weight": (4, 1, 5, 5)}),
        ("one size", {"b.a.weight": (4, 1, 3, 3), "b.b.weight": (4, 1, 3, 3)}),
        ("other numbers", {"b.a.weight": (4, 1, 3, 3), "b.b.weight": (8, 1, 5, 5)}),
    ):  # fmt: skip
        for facts in ({}, {"groups": 2}):
            known = dict.fromkeys(("b.conv", "b.branch1.0"), facts)
            yield f"one channel, {words}, {facts}", _answer(below | held, known=known)


def _in_groups() -> Told:
    """Groups told by the layer below: each fact that tells them, left out."""
    for shape in (
        (16, 4, 3, 3), (16, 4, 3, 2), (16, 4, 2, 2), (16, 4, 1, 3), (16, 4, 1, 1), (16, 4, 3),
        (16, 4, 3, 3, 3), (16, 16, 3, 3), (16, 5, 3, 3), (8, 4, 3, 3), (16, 1, 3, 3), (16, 2, 5, 5),
    ):  # fmt: skip
        yield f"groups of {shape}", _answer(FIRST | {"k.weight": shape})
    kernel, few = {"k.weight": (16, 4, 3, 3)}, {"few.weight": (4, 16, 3, 3), "m.weight": (16, 4, 1, 1)}
    turned = FIRST | {"k.weight": (4, 16, 3, 3)}
    yield "groups, turned", _answer(turned, known={"k": {"transposed": True}})
    for facts in ({"groups": 1}, {"groups": 4}, {"transposed": True}, {"transposed": False}):
        yield f"groups, {facts}", _answer(FIRST | kernel, known={"k": facts})
    for words, held in (
        ("where another gives as few", FIRST | few | kernel),
        ("where a dense layer does", {"fc.weight": (2, 9)} | FIRST | kernel),
        ("behind a dense layer", {**FIRST, "fc.weight": (4, 16), "k.weight": (4, 4, 3, 3)}),
        ("of a grey image", {"first.weight": (16, 1, 3, 3)} | kernel),
        ("of a grey image, of more", {"first.weight": (40, 1, 3, 3), "k.weight": (40, 5, 3, 3)}),
        ("in paths", FIRST | {"paths.0.weight": (16, 4, 3, 3)}),
        ("and more alike", FIRST | kernel | few | {"n.weight": (16, 4, 3, 3)}),
    ):  # fmt: skip
        for as_they_run in (True, False):
            yield f"groups {words}, {as_they_run}", _answer(held, as_they_run=as_they_run)


def _turned() -> Told:
    """Transposed convolutions: by the norm behind, by their biases, by their names and by those before."""
    for names in (("n.0", "n.1"), ("n.0", "m.1"), ("n.a", "n.1"), ("n.0", "n.b"), ("n.a", "n.b")):
        for as_they_run in (True, False):
            held = FIRST | {f"{names[0]}.weight": (8, 4, 3, 3)} | _norm(names[1])
            yield f"{' '.join(names)}, {as_they_run}", _answer(held, as_they_run=as_they_run)
    for shape in ((8, 4, 1, 1), (8, 4, 1, 3), (8, 4, 3, 3), (8, 4, 3), (8, 8, 4, 4), (8, 8, 3, 3)):
        for below in (8, 4, 16):
            rows = []
            for words, behind in (
                ("nothing", {}), ("a norm", _norm("n")), ("a bias", {"k.bias": (4,)}),
                ("a bias of two axes", {"k.bias": (4, 1)}), ("eight biases", {"k.bias": (8,)}),
                ("many biases", {"k.bias": (16,)}), ("as many of two axes", {"k.bias": (4, 4)}),
            ):  # fmt: skip
                rows.append((words, _answer({"first.weight": (below, 3, 3, 3), "k.weight": shape, **behind})))
            yield from _together(f"{shape} behind {below} and", rows)
    deconv = {"deconv/w": (3, 3, 4, 8), "up/w": (2, 2, 4, 8), "conv2_d_transpose/w": (2, 2, 4, 4)}
    for words, convention in (("Flax", FLAX), ("Haiku", HAIKU)):
        for name, shape in deconv.items():
            yield f"{words}, {name}", _answer({name: shape}, convention)
            yield f"{words}, {name} and bias", _answer({name: shape, name[:-1] + "b": (8,)}, convention)
    for name in ("deconv", "up", "conv"):
        for shape in ((8, 4, 4, 4), (8, 8, 4, 4), (8, 8, 3, 3), (8, 4, 1, 1)):
            for word, convention in (("PyTorch", PYTORCH), ("MLX", MLX)):
                yield f"{word}, {name} {shape}", _answer({f"{name}.weight": shape}, convention)
    for axes in ({}, {"k": "oihw"}, {"k": "iohw"}):
        held = FIRST | {"k.weight": (8, 4, 3, 3)} | _norm("n")
        yield f"said {axes}", _answer(held, hints=Hints(axes=axes))


def _generators() -> Told:
    """The last kernel of a generator, and what would make it another."""
    start = {"g.0.weight": (16, 12, 4, 4), **_norm("g.1", 12), "g.2.weight": (12, 8, 4, 4), **_norm("g.3", 8)}
    for words, last in (
        ("as usual", {"g.4.weight": (8, 3, 4, 4)}),
        ("with biases", {"g.4.weight": (8, 3, 4, 4), "g.4.bias": (3,)}),
        ("with other biases", {"g.4.weight": (8, 3, 4, 4), "g.4.bias": (8,)}),
        ("of other filters", {"g.4.weight": (6, 3, 4, 4)}),
        ("of four channels", {"g.4.weight": (8, 4, 4, 4)}),
        ("elsewhere", {"h.4.weight": (8, 3, 4, 4)}),
        ("with more behind", {"g.4.weight": (8, 3, 4, 4), "g.5.weight": (7, 5, 3, 3)}),
        ("with another part behind", {"g.4.weight": (8, 3, 4, 4), "h.5.weight": (7, 5, 3, 3)}),
    ):  # fmt: skip
        yield f"a generator {words}", _answer({**start, **last})


def _together(start: str, rows: Iterable[tuple[str, str]]) -> Told:
    answers: dict[str, list[str]] = {}
    for words, answer in rows:
        answers.setdefault(answer, []).append(words)
    yield from ((f"{start} {' or '.join(words)}", answer) for answer, words in answers.items())


def named_kernels() -> Told:
    """All of it."""
    yield from _following()
    yield from _of_one_channel()
    yield from _in_groups()
    yield from _turned()
    yield from _generators()
