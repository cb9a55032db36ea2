"""What each function that takes whatever a person gives makes of it, or in which sentence it refuses it.

``python -m tests.telling`` writes ``tests/told/networks/asked.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz import given
from filtviz.budget import Account, Budget
from filtviz.errors import FiltvizError, SelectionError
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Dense
from filtviz.parameter import Parameter
from filtviz.reading.limits import Hints, Limits
from tests import telling
from tests.building import as_layer, chain, conv
from tests.interpreters.tables import told

__all__ = ["asked"]

KERNELS = np.arange(16, dtype="f4").reshape(2, 2, 2, 2)
NAMES = (
    "None", "a truth", "a number", "numpy's number", "a fraction", "an empty text", "a text",
    "a long odd text", "a path", "texts", "a layer", "a layer that nobody calls anything", "a dense layer",
    "a layer without a name", "a volume",
)  # fmt: skip
"""What could be meant for the name of a layer."""
PATH = Path("/there/a\x1b.pkl")


class Folder:
    """A path of another library's."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


def asked() -> Iterator[tuple[str, str]]:
    things = _things()
    for name, function in _functions().items():
        for what, make in things.items():
            if name not in ("chosen", "named") or what in NAMES:
                yield f"{name} of {what}", _said(function, make())
    yield "layers by default", _said(given.chosen_layers, None, ("usual",))
    for name, is_so in {"a model": given.is_model, "several": given.is_several}.items():
        yield f"what is {name}", ", ".join(what for what, make in things.items() if is_so(make()))
    for what in ("None", "a text", "texts", "a layer in a list", "a network", "an array", "bytes"):
        yield f"several of {what} beside others", _said(given.several, things[what](), "y", "z")
    yield "a path of a blank", _said(given.check_path, " ", "a model")
    yield "numpy's truth as a number", str(given.as_number(np.bool_(1)))
    yield from _options()
    yield from _chosen()
    yield from _graphs()


def _said(function: Any, *args: Any, **how: Any) -> str:
    try:
        return _shown(function(*args, **how))
    except SelectionError as error:
        return f"{telling.refused(error)} {error.available}"[:400]
    except FiltvizError as error:
        return telling.refused(error)
    except TypeError as error:
        return f"TypeError {error}"


def _shown(found: Any) -> str:
    if isinstance(found, Network):
        path = found.origin.path
        return f"{found!r} of {path and path.name!a} {[layer.title for layer in found.layers]}"
    if isinstance(found, ConvLayer):
        facts = (found.label, found.name, found.type, found.axes, found.flip_filters, found.inputs)
        return f"{facts} {told(found.filters) if found.weights.dtype.kind == 'f' else found.weights.dtype}"
    if isinstance(found, np.ndarray):
        return f"{found.dtype} {found.shape} {found.ravel()[:2].tolist()}"
    if isinstance(found, list | tuple):
        return f"{type(found).__name__} {[_shown(each) for each in found]}"
    if isinstance(found, Account):
        return str(sorted(found.allowed.items()))
    if isinstance(found, bool | int | float | str | Path | None):
        return f"{type(found).__name__} {str(found)!a}"
    return type(found).__name__


def _live(weights: Any, **facts: Any) -> Any:
    held = SimpleNamespace(get_value=lambda: weights)
    return type("Conv2DLayer", (), {"W": held, **facts})()


def _things() -> dict[str, Any]:
    """What is given, made anew for each function."""
    one, two = conv(KERNELS, name="one"), conv(KERNELS + 1, name="two")
    alone = Network.of(chain(one).layers, Origin(path=PATH))
    both = chain(one, two)
    unnamed = chain(conv(KERNELS), conv(KERNELS))
    untold = conv(KERNELS)
    empty = chain(as_layer(Dense(), name="d"), channels=1)
    volume = conv(np.zeros((2, 1, 2, 2, 2), "f4"), name="volume", axes="oidrc")
    tensor = SimpleNamespace(shape=(2, 2, 2, 2), dtype="float32", numpy=lambda: KERNELS)
    made: dict[str, Any] = {
        "None": None,
        "a truth": True,
        "a number": 3,
        "numpy's number": np.int64(-2),
        "a fraction": 1.5,
        "numpy's fraction": np.float32(1),
        "an empty text": "",
        "a text": "no-such.pkl",
        "a text with a zero": "a\0b",
        "a long odd text": "\x1b" * 50,
        "bytes": b"no-such.pkl",
        "a path": Path("no-such.pkl"),
        "another's path": Folder("no-such.pkl"),
        "another's empty path": Folder(""),
        "another's path of bytes": Folder(b"a"),
        "an empty list": [],
        "an empty tuple": (),
        "texts": ["a", "b"],
        "numbers": (0, np.int64(1)),
        "a truth in a list": [True],
        "models": [alone, "a"],
        "a layer in a list": [one],
        "arrays in a list": [KERNELS, KERNELS],
        "lists of several lengths": [[1], [1, 2]],
        "an empty dictionary": {},
        "a dictionary of arrays": {"a.weight": KERNELS},
        "a class": int,
        "a budget": Budget(work=10**9),
        "an object of an odd class": type("\x1bOdd", (), {})(),
        "an object of a long class": type("O" * 50, (), {})(),
        "a network": alone,
        "a network of two": both,
        "a network of two without names": unnamed,
        "a network of none": empty,
        "a layer": one,
        "a layer that nobody calls anything": untold,
        "a dense layer": as_layer(Dense(), name="dense"),
        "a layer without a name": as_layer(Dense(), type="Dense"),
        "a volume": volume,
        "a parameter": Parameter.of("W\x1b", KERNELS),
        "a flat parameter": Parameter.of("W\x1b", KERNELS[0]),
        "an array": KERNELS,
        "a flat array": KERNELS[0, 0],
        "an array of one axis": KERNELS[0, 0, 0],
        "an empty array": KERNELS[:0],
        "an array of texts": KERNELS.astype(str),
        "a complex array": KERNELS.astype("c8"),
        "whole numbers in an array": KERNELS.astype("u1"),
        "truths in an array": KERNELS > 3,
        "objects in an array": KERNELS.astype(object),
        "a tensor": tensor,
        "a flat tensor": SimpleNamespace(shape=(2,), dtype="float32", numpy=lambda: KERNELS[0, 0, 0]),
        "a live layer": _live(KERNELS, name="first", flip_filters=True),
        "a live layer that does not turn": _live(KERNELS, name="first", flip_filters=False),
        "a live layer without a name": _live(KERNELS),
        "a live layer with a number for a name": _live(KERNELS, name=3),
        "a flat live layer": _live(KERNELS[0]),
        "a layer whose W has no value": type("Other", (), {"W": 3})(),
    }  # fmt: skip
    things: dict[str, Any] = {what: partial(lambda value: value, thing) for what, thing in made.items()}
    return things | {"what is counted through once": lambda: iter(["a", one]), "a set": lambda: {"a"}}


def _functions() -> dict[str, Any]:
    network = chain(conv(KERNELS, name="one"), conv(KERNELS[:1], name="two"))
    return {
        "load": given.load,
        "several": given.several,
        "layers": given.chosen_layers,
        "chosen": partial(given.choose, network),
        "named": given.named,
        "as a layer": given.as_layer,
        "filters": given.filters_of,
        "images": given.as_images,
        "images that must be": given.checked_images,
        "a budget": lambda thing: given.expect(thing, Budget, "budget"),
        "an account": lambda thing: given.account_of(thing, network),
        "a file": lambda thing: given.file_of(thing, "save it first"),
        "its path": given.path_of,
        "a path": lambda thing: given.check_path(thing, "a model"),
        "a whole number": given.as_number,
    }


def _options() -> Iterator[tuple[str, str]]:
    network = chain(conv(KERNELS, name="one"))
    wrong: dict[str, Any] = {"a number": 3, "another's": Budget(), "none": None}
    for what, thing in wrong.items():
        yield f"load with limits, {what}", _said(given.load, network, limits=thing)
        yield f"load with hints, {what}", _said(given.load, network, hints=thing)
    arrays = {"a.weight": KERNELS}
    large, larger = (Network.of([as_layer(Dense())], Origin(size=size)) for size in (3_000_000, 5_000_000))
    yield "an account of two files", _said(given.account_of, None, large, larger)
    yield "load with axes", _said(given.load, arrays, hints=Hints(axes={"": "rcio"}))
    yield "load with axes, its layer", _said(given.load(arrays, hints=Hints(axes={"": "rcio"})).select, 0)
    found = given.load(conv(KERNELS, name="one", below=0))
    yield "load a layer", f"{_shown(found)} {found.layers[0].inputs} {found.origin.kind}"
    found = given.load(ConvLayer.of(KERNELS, label="called"))
    yield "load a layer that is called otherwise", f"{_shown(found)} {found.layers[0].name}"


def _chosen() -> Iterator[tuple[str, str]]:
    network = chain(conv(KERNELS, name="one"), conv(KERNELS[:1], name="two"))
    other = chain(
        conv(KERNELS + 9, name="two"), conv(KERNELS[:1], name="three"), conv(2 * KERNELS, name="one")
    )
    for name, layer in {
        "its own": network.conv_layers[1],
        "its own that is dense": network.layers[0],
        "another's of one name": other.conv_layers[2],
        "another's of another shape": other.conv_layers[0],
        "another's of no name here": other.conv_layers[1],
    }.items():
        yield f"chosen, {name}", _said(given.choose, network, layer)
    yield "named, a layer without a label", _said(given.named, Layer(type="\x1bT"))


def _graphs() -> Iterator[tuple[str, str]]:
    """Yield weights without a graph, put into that of another model."""
    weights = {"one.weight": KERNELS[:1]}
    path, beside = Path("/there/g.pkl"), Path("/there/g.bin")
    graph = chain(conv(KERNELS[:1], name="one"))
    placed = Network.of(graph.layers, Origin(path=path, siblings=(beside,), kind="a net"))
    for name, like in {"of no file": graph, "of a file": placed}.items():
        for what, model in {"weights": weights, "a network": graph, "a network of a file": placed}.items():
            found = given.load(model, like=like)
            read = [each.name for each in found.origin.also_read]
            yield f"{what} like one {name}", f"{found.origin.kind} also {read} {told(found.select(0).W)}"
    yield "like one without a graph", _said(given.load, weights, like=weights)
    yield "like no model", _said(given.load, weights, like=3)
    yield "like an empty text", _said(given.load, weights, like="")
    yield "like one, and an empty architecture", _said(given.load, weights, like=graph, architecture="")
    yield "like an empty text, and an architecture", _said(given.load, weights, like="", architecture="a")
    yield "like one, with other limits", _said(given.load, weights, like=graph, limits=3)
    yield "like one, and an architecture", _said(given.load, weights, like=graph, architecture="a.toml")
    for what, text in {"nowhere": "no-such.toml", "empty": "", "of a number": 3}.items():
        for name, model in {"weights": weights, "a network": graph}.items():
            said = _said(given.load, model, architecture=text, limits=Limits())
            yield f"{name} of an architecture {what}", said
    yield (
        "a network read beside",
        str([each.name for each in given.load(graph, architecture="a.toml").origin.also_read]),
    )
