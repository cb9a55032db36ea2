"""Every function of `filtviz.api` and `filtviz.compare`, each argument at other values: what comes back.

A layer's weights are all alike, so that measuring costs nothing. Told is what is not as in the first call.
``python -m tests.telling`` writes ``tests/told/calls/``.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np

import filtviz
from filtviz import Budget, Hints, Limits, Network
from filtviz.errors import FiltvizError
from filtviz.network import Origin
from filtviz.results import FileFailure
from filtviz.sources import is_result
from tests import telling
from tests.building import conv, image

__all__ = ["CALLS", "calls"]


def _network(first: float, second: float, path: str = "", channels: int = 1, **facts: Any) -> Network:
    one = np.full((2, channels, 3, 3), first, "f4")
    layers = [
        image(channels, 8, 8),
        conv(one, np.zeros(2, "f4"), name="one", below=0, output_shape=(None, 2, 6, 6), **facts),
        conv(np.full((3, 2, 3, 3), second, "f4"), name="two", below=1, output_shape=(None, 3, 4, 4), **facts),
    ]
    return Network.of(layers, Origin(path=Path(path) if path else None, kind="a network"))


def _states() -> dict[str, Any]:
    """Models in files, in memory, and none."""
    return {
        "m": Path("m.npz"), "text": "m.npz", "early": Path("early.npz"), "late": "late.npz",
        "gone": "gone.npz",
        "memory": _network(1, 2), "before": _network(0.5, 2), "colours": _network(1, 1, channels=3),
        "turned": _network(-1, 2, flip_filters=True), "facing": _network(1, 2, flip_filters=False),
        "empty": Network.of([image(1, 8, 8)], Origin(kind="a network")), "nothing": Network.of([]),
        "named": _network(1, 2, "there/m.npz"), "far": _network(1, 3, "here/m.npz"),
        "epoch 1": _at(1), "epoch 2": _at(2), "epoch 3": _at(3),
        "varied": Network.of([conv(np.array([[[[1, 2], [4, 3]]]], "f4"), name="one")]),
        "shifted": Network.of([image(1, 8, 8), replace(_network(5, 7).layers[2], inputs=(0,))]),
        "early varied": Network.of([conv(np.array([[[[2, 1], [5, -3]]]], "f4"), name="one")]),
        "opposite": _network(-1, -2),
        "not told": Network.of([conv(np.ones((2, 1, 3, 3), "f4"), name="one", stride=None)]),
        "opposite varied": Network.of([conv(np.array([[[[-3, 1], [1, 0]]]], "f4"), name="one")]),
        "unwanted": Network.of([image(1, 8, 8), conv(np.ones((2, 1, 5)), axes="oir", below=0)]),
    }  # fmt: skip


def _at(epoch: int) -> Network:
    found = _network(1 / epoch, 2, f"e{epoch}.npz")
    return replace(found, origin=replace(found.origin, epoch=epoch))


def _fill() -> None:
    for place, name in enumerate(("m", "early", "late"), start=1):
        network = _network(1 / place, 2)
        arrays = {f"{one.name}.weight": one.W for one in network.conv_layers}
        np.savez(f"{name}.npz", **arrays)
    np.save("images.npy", np.ones((2, 1, 8, 8), "f4"))
    np.savez("images.npz", images=np.ones((2, 1, 8, 8), "f4"), labels=[1, 1])
    Path("classes.txt").write_text("0\n1\n")
    Path("old").mkdir()
    Path("there.png").write_bytes(b"a picture")


def _words(found: Any) -> Iterator[str]:
    """All that a result holds, and what it makes of itself."""
    yield repr(found).replace("\n", " / ")
    match found:
        case filtviz.LayersResult():
            yield f"{len(found.rows)} rows of {found.summary.convolutions}"
        case filtviz.GraphResult():
            yield from (f"{each.split()[0]} {_sum(each)}" for each in (found.dot, found.mermaid))
        case filtviz.PlotResult():
            yield " ".join(f"{each.layer.label}:{len(each.pictures)}" for each in found.layers)
            yield " ".join(f"{each.part}" for each in found.pictures)
            yield f"as {found.options.view}, {found.stem!r}, {found.cautions}, {found.left_out}"
        case filtviz.ComparisonResult():
            yield f"{[each.sentence for each in found.comparisons]} {found.stem!r} {found.cautions}"
        case filtviz.LayerComparison():
            yield found.sentence
        case filtviz.Diagnoses():
            for each in found.outcomes:
                yield str(each) if isinstance(each, FileFailure) else " ".join(_words(each))
            yield repr(found.trajectory)
        case filtviz.Diagnosis():
            yield f"{[one.name for one in found.layers]} {[one.name for one in found.unjudged]}"
            yield f"since {[each.before for one in found.layers for each in one.changes]}"
            yield f"{found.answer} {found.left_out}"
            yield from _seen(found.shown)
    yield from (f"! {each}" for each in getattr(found, "failures", ()))
    yield from (f"-> {each.path}{' kept' * each.kept}" for each in getattr(found, "files", ()))


def _seen(found: Any) -> Iterator[str]:
    if found is not None:
        answers = f"{found.right} of {found.labelled} right, one answer {found.most_frequent}"
        told = [found.before, found.reason, found.not_compared, *found.sentences]
        yield f"shown {found.n_images}, {answers}; {' | '.join(filter(None, told))}"
        for each in found.layers:
            yield f"{each.layer} {each.from_start or 0:.4g} {each.by_chance or 0:.4g} {each.right_with_start}"


def _sum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


GIVEN = ("m.npz", "early.npz", "late.npz", "images.npy", "images.npz", "classes.txt", "there.png")
IMAGES = np.linspace(-1, 1, 128, dtype="f4").reshape(2, 1, 8, 8)
TINY, SMALL = Budget(work=1), Budget(work=2_000_000)
FEW, HINTED = Limits(layers=1), Hints(convs=("0",))
OUTPUTS: tuple[dict[str, Any], ...] = (
    {"output": "old"}, {"output": "a.jpg"}, {"output": "a.png", "format": "svg"}, {"format": "odd"},
    {"format": "svg"}, {"output": " "}, {"output": 3}, {"output": "m.npz"},
    {"output": "old", "format": "gif"},
)  # fmt: skip
LAYERS: tuple[dict[str, Any], ...] = tuple(
    {"layers": one}
    for one in (None, (), 0, 1, -1, "two", [0, 1], [1, "one", 1, -1], "odd", [2, 0], -3, b"one", True, [None])
)  # fmt: skip
READING: tuple[dict[str, Any], ...] = ({"limits": FEW}, {"hints": HINTED}, {"limits": 3}, {"hints": "x"})
SPENDING: tuple[dict[str, Any], ...] = ({"budget": TINY}, {"budget": SMALL}, {"budget": 3})
SHOWN: dict[str, Any] = {"images": IMAGES}
OF_IMAGES: tuple[dict[str, Any], ...] = (
    SHOWN, {"images": "images.npy"}, {"images": "images.npz"}, {"images": "images.npz", "labels": [0, 1]},
    {"images": IMAGES[:, :, :6]}, {"images": "gone.npy"},
    {"images": IMAGES[0]}, {"images": "images.npz", "labels": []},
    *({**SHOWN, **more} for more in (
        {"labels": [0, 1]}, {"labels": ["b", "a"], "names": ["a", "b", "c"]}, {"labels": "classes.txt"},
        {"labels": [0]}, {"batch": 1}, {"batch": 0}, {"before": "early"}, {"budget": SMALL},
        {"before": [("first", "before"), ("second", "m")]}, {"layers": 1}, {"names": ["a"]},
        {"preparation": ""}, {"models": "not told"}, {"budget": TINY}, {"labels": Path("classes.txt")},
        {"labels": np.array([0, 1])},
    )),
)  # fmt: skip
BEFORE: tuple[Any, ...] = (
    None, (), "early", ["early", "late"], ("first", "before"), [("first", "before"), ("second", "early")],
    ("before", "late"), [("early", "late")], "gone", [("a", "before"), "gone"], [3, "early"],
    ["before", "before"], [("first", "before", "m")],
)  # fmt: skip

CALLS: Mapping[str, tuple[Any, tuple[dict[str, Any], ...]]] = {
    "layers": (("m",), (*READING, *({"model": one} for one in ("text", "gone", "empty", "named")))),
    "architecture_template": (("m",), (*READING, *({"model": one} for one in ("gone", "memory", "named")))),
    "graph": (
        ("memory",),
        (*OUTPUTS, {"output": "a.dot"}, {"output": "old", "format": "dot"}, {"output": "old",
        "format": "mmd"},
         {"output": "a.mmd"}, {"output": Path("a.mmd")}, {"whole": True}, {"output": "there.png"},
         {"model": "m", "output": "old"}, {"model": "empty"}, {"model": "nothing"}, {"model": "gone"},
         {"model": "m", "output": "m.npz.dot"}, *READING),
    ),
    "plot": (
        ("memory",),
        (*LAYERS, *OUTPUTS, {"output": "a.png"}, {"output": Path("a.svg")}, {"output": "new/"},
        {"output": "old",
         "format": "pdf"}, *SPENDING, *READING, {"channels": "0"}, {"channels": "rgb"},
         {"channels": [9]},
         *({"model": one} for one in ("m", "empty", "nothing", "gone", "unwanted")), {"view": "sheet"},
         {"view": "odd"}, {"view": "rms"}, {"through": True, "layers": 1}, {"images": IMAGES},
         {"badges": True},
         {"assume_stacked": True}, {"layers": [0, 1], "output": "old"}, {"layers": [0, 1], "output": "a.png"},
         {"model": "colours", "channels": "rgb"}, {"model": "colours", "layers": [0, 1]}, {"model": "m",
         "output": "m.npz"}, {"model": "named", "output": "old"}, {"output": "old", "clobber": False},
         {"output": "there.png", "clobber": False},
         {"layers": [0, 1], "view": "rms"}, {"through": True, "layers": 1, "images": "images.npy"},
         {"through": True, "layers": 1, "images": Path("images.npy")}),
    ),
    "diagnose": (
        ("memory",),
        (*LAYERS, *SPENDING, *READING, *OF_IMAGES, *({"before": one} for one in BEFORE),
         {"input_range": (0, 1)}, {"input_range": (1, 0)}, {"input_range": 3}, {"labels": "gone.txt"},
         {"layers": 1, "before": "early"}, {"before": "early", "limits": FEW},
         {"before": "early", "hints": HINTED}, *({**one, "budget": Budget(work=15_000_000)} for one in
         ({}, {"layers": 1})), {"models": ["./m.npz", "./gone.npz"]},
         {"models": "varied", "before": ("early varied", "early varied")},
         {"models": "varied", "before": ["early varied", ("first", "early varied")]},
         *({"models": one} for one in ("m", "empty", "nothing", "gone", ["m", "gone"], ["memory", "empty",
         "m"],
         ["m"], [], ["epoch 1", "epoch 2", "epoch 3"], ["early", "late", "m"], ["m", 3], ["memory", 3,
         "gone"]))),
    ),
    "follow": (
        (["epoch 1", "epoch 2", "epoch 3"],),
        (*({"models": one} for one in ("m", ["m"], ["m", "early"], ["epoch 3", "epoch 1"], ["epoch 1",
        "memory"],
         ["epoch 2", "epoch 3", "epoch 1", "memory"], [], "gone")), *SPENDING, *READING),
    ),
    "compare": (
        (["memory", "before"],),
        (*LAYERS, *OUTPUTS, *SPENDING, *({"models": one} for one in (
         ["m", "early"], ["m"], [], ["m", "gone"], ["named", "far"], ["memory", "colours"], ["turned",
         "facing"],
         ["turned", "turned"], ["facing", "before"], ["m", "early", "late"], "m", ["named", "m"], ["unwanted",
         "unwanted"])), *({"states": one} for one in (["a", "b"], ["a"], "ab", [1, 2], ("a", "a"), 3, [])),
         {"animate": "a.gif"}, {"animate": "a.png"}, {"animate": "a.gif", "layers": [0, 1]},
         {"animate": "m.npz"},
         {"models": ["m", "early"], "animate": "early.npz"}, {"animate": "a.gif", "layers": "odd"},
         {"models": ["m", "early"], "animate": "a.GIF", "output": "old", "layers": 1}, {"sort": "change"},
         {"sort": "odd"}, {"animate": 3}, {"animate": " .gif"}, {"models": ["m", "early"],
         "output": "early.npz"}, {"layers": [0, 1], "output": "old"},
         {"models": ["turned", "facing"], "output": "old"}, {"models": ["m", "early"], "limits": FEW},
         {"animate": "a.gif", "budget": SMALL}, {"output": "old", "budget": SMALL, "layers": [0, 1]},
         {"models": ["memory", "shifted"], "layers": "two", "output": "old"},
         {"animate": "a.gif", "layers": []}, *({"models": one} for one in (["turned", "before"],
         ["turned", "memory", "facing"], ["memory", "opposite"], ["varied", "early varied", "varied"],
         ["varied", "opposite varied", "early varied"]))),
    ),
}  # fmt: skip


def calls(name: str) -> Iterator[str]:
    """Yield what a function makes of each of its calls."""
    usual, others = CALLS[name]
    function: Callable[..., Any] = getattr(filtviz, name)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("place").mkdir()
        os.chdir("place")
        _fill()
        states, usual_lines = _states(), []
        for how in ({}, *others, *_empty(function)):
            told = " ".join(f"{key}={_asked(value)}" for key, value in how.items())
            yield f"{name}({told})"
            given = dict(how)
            models = [given.pop("model", given.pop("models", usual[0]))]
            if "before" in given:
                given["before"] = _put(given["before"], states)
            seen: list[Any] = []
            if name in ("plot", "diagnose"):
                given["progress"] = seen.append
            try:
                lines = list(_words(function(*(_put(one, states) for one in models), **given)))
                lines += [f"{len(seen)} told"] * bool(seen)
            except FiltvizError as error:
                lines = [telling.refused(error)]
            usual_lines = usual_lines or lines
            new = lines if lines is usual_lines else [line for line in lines if line not in usual_lines]
            gone = [line for line in usual_lines if line not in lines]
            yield from (f"    {line}" for line in new or ["the same" if not gone else "less"])
            for path in sorted(Path().rglob("*")):
                if path.is_file() and path.name not in GIVEN:
                    yield f"    + {path.as_posix()}{' without a mark' * (not is_result(path))}"
                    path.unlink()


def _empty(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Each option as an empty text, which is not the same as to say nothing."""
    for name, one in signature(function).parameters.items():
        if one.kind is not Parameter.VAR_POSITIONAL and name != "progress":
            yield {name: ""}


def _put(given: Any, states: Mapping[str, Any]) -> Any:
    """The models that names stand for; the first of a pair may be what one is called."""
    if isinstance(given, str):
        return states.get(given, given)
    if isinstance(given, tuple) and len(given) == 2 and given[0] in ("first", "second", "a"):
        return given[0], _put(given[1], states)
    return type(given)(_put(one, states) for one in given) if isinstance(given, list | tuple) else given


def _asked(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "x".join(map(str, value.shape))
    return repr(value.as_posix() if isinstance(value, Path) else value)
