"""What the functions that show a network images answer, say and write, with each of their arguments in turn.

``python -m tests.telling`` writes ``tests/told/networks/demonstrated.txt`` anew.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from filtviz import demonstrations
from filtviz.budget import Budget
from filtviz.demonstrations.request import Request, layer_stem
from filtviz.errors import FiltvizError
from filtviz.network import Network, Origin
from filtviz.operations import GlobalPooling, Input, Softmax
from filtviz.responses import Heat
from filtviz.responses.asking import Answer
from filtviz.running.preparing import Preparation
from tests.building import as_layer, conv
from tests.interpreters.tables import number, told
from tests.networks.answers import network

__all__ = ["demonstrated"]

RNG = np.random.default_rng(53)
GREY = RNG.integers(0, 256, (3, 6, 6), np.uint8)
MARK = b"filtviz-models " + b"0" * 10 + b":" + b"1" * 10
NAMES = ("cat", "dog", "a bird")


def _fill(folder: Path) -> None:
    """Images with and without labels, folders in which results lie, and names of classes."""
    for place in ("seen", "drawn", "twice", "only"):
        (folder / place).mkdir()
    for i, pixels in enumerate(GREY):
        Image.fromarray(pixels).save(folder / "seen" / f"i{i}.png")
    picture = (folder / "seen" / "i0.png").read_bytes()
    for place, results in (("drawn", 1), ("twice", 2), ("only", 1)):
        for i in range(results):
            (folder / place / f"own{i}.png").write_bytes(picture + MARK)
        if place != "only":
            (folder / place / "i.png").write_bytes(picture)
    for name, labels in (("few", (0, 1, 2)), ("names", NAMES), ("wrong", (7, 8, 9))):
        np.savez(folder / f"{name}.npz", images=GREY[:, None] / 255, labels=np.array(labels))
    np.save(folder / "one.npy", GREY[0] / 255)
    for name, lines in (("labels", NAMES), ("two", NAMES[:2]), ("four", (*NAMES, "x"))):
        (folder / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "labels.npz").write_text("\n".join(NAMES), encoding="utf-8")


def _digest(values: Any, digits: int = 5) -> str:
    """Numbers, however deep they lie, by their sums; texts as they are, long ones by their sum."""
    if isinstance(values, Mapping):
        return "{" + ", ".join(f"{key} {_digest(one, digits)}" for key, one in values.items()) + "}"
    if isinstance(values, str) and len(values) > 60:
        return f"{values[:30]}… {zlib.crc32(values.encode()):08x}"
    if isinstance(values, float):
        return number(values, digits)
    if values is None or isinstance(values, str | bool | int):
        return str(values)
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        kind = "" if values.dtype == np.float64 else f"{values.dtype.name.removesuffix('64')} "
        return kind + told(values, digits)
    many = list(values)
    if len(flat := list(_flat(many))) > 6:
        figures = [one for one in flat if isinstance(one, int | float)]
        ends = (
            "" if len(figures) == len(flat) else f"{_digest(many[0], digits)} … {_digest(many[-1], digits)}, "
        )
        return f"({ends}{len(many)} of {told(figures, digits)})"
    return f"({' '.join(_digest(one, digits) for one in many)})"


def _flat(values: Any) -> Iterator[Any]:
    if isinstance(values, list | tuple | np.ndarray):
        for one in values:
            yield from _flat(one)
    else:
        yield values


def _told(found: Answer, folder: Path, digits: int) -> Iterator[str]:
    own = {one.name: getattr(found, one.name) for one in fields(found) if one.name not in ("files", "tell")}
    yield _digest(own, digits)
    if isinstance(found, Heat):  # numpy takes it for its array
        arrays = found.__array__("f4"), np.asarray(found), np.array(found)
        yield " ".join(f"{one.dtype} {np.shares_memory(one, found.values)}" for one in arrays)
    shown = found.demonstration
    yield f"{' | '.join(shown.answer)} {_digest(shown.sentences)}"
    yield " ".join(_digest(one, digits) for one in (shown.data, shown.table, shown.rows, shown.headings))
    if shown.picture is not None:
        yield f"{shown.picture.part} {_digest(shown.picture.arrays, digits)}"
        if shown.picture.tell is not None:
            sheet = shown.picture.sheet
            yield f"{sheet.values.shape} {sheet.title} {_digest((sheet.facts, sheet.notes, sheet.captions))}"
    assert found.files == shown.files
    for one in found.files:
        with np.load(one.path) as held:
            yield f"wrote {one.path.relative_to(folder).as_posix()} of {' '.join(sorted(held))}"


def _said(folder: Path, name: str, *given: Any, **how: Any) -> str:
    try:
        digits = 3 if name in ("saliency", "maximise") else 5  # slopes are small differences here
        text = "; ".join(_told(getattr(demonstrations, name)(*given, **how), folder, digits))
    except FiltvizError as error:
        text = f"{type(error).__name__}: {error}"
    for path in (*folder.glob("out*"), *(folder / "out").glob("*")):
        if path.is_file():
            path.unlink()
    return text.replace(f"{folder}{os.sep}", "").replace(str(folder), "there")


def _ways(folder: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is common to all: each argument at a value that tells whether it was passed on."""
    yield "alone", {}
    yield "on its own device", {"engine": "numpy", "device": "cuda"}
    yield "with an odd engine", {"engine": "odd"}
    yield "in batches of none", {"batch": 0}
    yield "on a budget", {"budget": Budget(work=900_000)}
    yield "written", {"output": folder / "out", "format": "npz"}
    yield "written to a file", {"output": str(folder / "out.npz")}
    for odd in ("bmp", np.array(["png", "pdf"]), ""):
        yield f"in the odd format {odd}", {"output": folder / "out", "format": odd}
    yield "in an odd format and not written", {"format": "bmp"}
    yield "prepared", {"preparation": Preparation(mean=(0.25,), scale=(2.0,))}
    for axes in (4, 3, 2):
        yield f"of an array of {axes} axes", {"images": (GREY[:, None] / 255)[(0,) * (4 - axes)]}
    yield "of an array, prepared", {"images": GREY[:, None] / 255, "preparation": Preparation(mean=(0.25,))}
    yield "prepared by a word", {"preparation": "mean"}
    if name not in ("activity", "codes", "patches", "maximise"):  # these speak of no classes
        yield "written over its labels", {"labels": folder / "labels.npz", "output": folder / "labels.npz"}
    for batch in (None, 1) if name in BATCHED else ():  # more runs of the network are more work
        yield f"in batches of {batch} on a budget", {"batch": batch, "budget": Budget(work=BATCHED[name])}
    for wrong in ("limits", "hints", "budget"):
        yield f"with {wrong} of another kind", {wrong: "x"}


BATCHED = {
    "predict": 2_500_000,
    "activity": 2_000_000,
    "codes": 2_250_000,
    "patches": 2_000_000,
    "occlusion": 3_000_000,
}


OWN: Mapping[str, tuple[dict[str, Any], ...]] = {
    "predict": (
        {"top": 2}, {"top": 9}, {"dtype": "float32"}, {"labels": NAMES}, {"labels": NAMES[:1]},
        {"images": "few.npz"}, {"images": "names.npz", "labels": NAMES}, {"images": "wrong.npz"},
        {"labels": "two.txt"}, {"labels": "four.txt"}, {"labels": "labels.txt"}, {"labels": 3},
        {"images": "drawn"}, {"images": "twice"}, {"images": "only"}, {"images": "one.npy", "batch": 1},
    ),
    "activity": (
        {"layer": "pool"}, {"layer": "dense"}, {"image": 1}, {"image": -1}, {"image": 3}, {"image": -4},
        {"image": 1 << 40}, {"layer": "dense", "nolearn": True}, {"nolearn": True},
        {"layer": "dense", "output": "out", "format": "npz"},
    ),
    "codes": (
        {"layer": "one"}, {"layer": 0}, {"plane": "sphere"}, {"seed": -1}, {"images": "names.npz"},
        {"images": "one.npy"},
    ),
    "patches": (
        {"layer": "pool"}, {"layer": "dense", "top": 2}, {"top": 1}, {"top": 3}, {"top": 4}, {"top": 0},
        {"layer": "pool", "output": "out", "format": "npz"}, {"budget": Budget(work=1_500_000)},
    ),
    "occlusion": (
        {"target": 2}, {"target": 3}, {"square": 2}, {"stride": 2}, {"fill": 0.5}, {"nolearn": True},
        {"nolearn": True, "square": 3, "stride": 1}, {"image": 2}, {"image": -3}, {"image": 3},
        {"labels": NAMES}, {"labels": NAMES[:1], "target": 1}, {"images": "few.npz", "image": 1},
    ),
    "saliency": (
        {"device": "cuda"}, {"device": "nowhere"}, {"budget": Budget(work=1_500_000)},
        {"labels": "labels.txt"},
        {"method": "guided"}, {"method": "gradcam"}, {"method": "gradcam", "layer": "dense"},
        {"method": "gradcam", "layer": "pool"}, {"method": "smoothgrad", "seed": 3}, {"target": 0},
        {"of": "output"}, {"signed": True}, {"of": "loss"}, {"image": 1}, {"labels": NAMES, "signed": True},
    ),
    "maximise": (
        {"device": "cuda"}, {"device": "nowhere"}, {"engine": "torch"},
        {"units": (0, 1), "budget": Budget(work=4_500_000)},
        {"units": (0, 1), "budget": Budget(work=4_500_000), "batch": 1},
        {"units": 1}, {"units": (2, 0)}, {"layer": 0}, {"layer": "pool", "units": (1,)}, {"images": "seen"},
        {"images": "seen", "image": 1, "blur": 0.5}, {"size": (6, 6)}, {"size": (9, 9)},
        {"size": (9, 9), "layer": 0},
        {"preparation": Preparation(size=(9, 9)), "layer": 0}, {"steps": 1}, {"rate": 0.1}, {"jitter": 1},
        {"decay": 0.5}, {"blur": 1.0}, {"bounds": (0.0, 2.0)}, {"bounds": (1.0, 0.0)}, {"seed": 3},
        {"images": "seen", "rate": 0.1}, {"images": "seen", "decay": 0.5}, {"images": "seen", "jitter": 1},
        {"units": 9}, {"units": np.array([0, 2])}, {"units": ()},
        {"layer": 0, "images": "seen", "output": "out.npz"},
    ),
}  # fmt: skip
USUAL: Mapping[str, dict[str, Any]] = {
    "occlusion": {"square": 3, "stride": 3},
    "maximise": {"units": (0,), "steps": 2, "images": None},
}


def _asked(how: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={getattr(value, 'work', value)}" for key, value in how.items())


def _answers(folder: Path, name: str, model: Network) -> Iterator[tuple[str, str]]:
    def said(how: Mapping[str, Any]) -> str:
        given = {"images": "seen"} | USUAL.get(name, {}) | how
        for key in ("images", "labels", "output"):
            if isinstance(given.get(key), str):
                given[key] = folder / given[key]
        return _said(folder, name, model, **given)

    for what, how in _ways(folder, name):
        yield f"{name} {what}", said(how)
    for how in OWN[name]:
        yield f"{name} {_asked(how)}", said(how)


def demonstrated() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        _fill(folder)
        model = replace(network(Softmax()), origin=Origin(path=folder / "some model.pkl"))
        for one in OWN:
            if one not in ("saliency", "maximise"):
                yield from _answers(folder, one, model)
        yield from _slopes(folder, model)
        yield from _losses(folder, model)
        yield from _requests(folder, model)
        with contextlib.chdir(folder):
            yield from _long(folder, model)


def _long(folder: Path, model: Network) -> Iterator[tuple[str, str]]:
    """Names that are cut where they are shown."""
    long, files = "l" * 65, (f"{'a' * 90}.npz", f"{'b' * 90}.npz", f"{'t' * 90}.png")
    Path(long).mkdir()
    picture = (folder / "seen" / "i0.png").read_bytes()
    for i in range(5):
        Path(long, f"{i}{'n' * 70}.png").write_bytes(picture + MARK * (i > 0))
    np.savez(files[0], images=GREY[:2, None] / 255, labels=np.array(["c" * 99, "d" * 60]))
    np.savez(files[1], **{f"{i}{'k' * 60}": GREY for i in range(3)})
    Path(files[2]).write_bytes(b"no picture")
    for place in (long, *files, "x" * 240, "y/" * 120):
        yield f"predict of {place[0]}… of {len(place)} letters", _said(folder, "predict", model, Path(place))
    for place in (long, "x" * 240):
        found = _said(folder, "predict", model, folder / "seen", labels=Path(place))
        yield f"labels of {place[0]}… of {len(place)} letters", found
    names = folder / "names.txt"
    names.write_text("\n".join(["c" * 99, "d" * 60, "e" * 61]), encoding="utf-8")
    yield "predict with long labels", _said(folder, "predict", model, folder / "seen", labels=names)
    for word in ("e" * 50, "e\n" * 30):
        yield (
            f"predict with engine {word[:2]!r}…",
            _said(folder, "predict", model, GREY[:, None], engine=word),
        )
        yield f"predict in {word[:2]!r}…", _said(folder, "predict", model, GREY[:, None], dtype=word)
        yield f"codes in {word[:2]!r}…", _said(folder, "codes", model, GREY[:, None], plane=word)
        yield (
            f"predict with format {word[:2]!r}…",
            _said(folder, "predict", model, GREY[:, None], format=word),
        )


def _requests(folder: Path, model: Network) -> Iterator[tuple[str, str]]:
    """What the functions that run a network are told of what a person gives, and how files are called."""
    some = {"an array": GREY, "a file": folder / "one.npy", "nothing": None, "no file": folder / "none"}
    for name, images in some.items():
        for budget in (None, Budget(work=5, pixels=6)):
            request = Request(model=model, images=images, budget=budget, engine="numpy", batch=2, device="x")
            yield f"{name} is run with {budget and budget.work}", str(request.running)
    for name in OWN:  # where a result goes is looked at before anything is read
        for output in ("out.bmp", "out.npz"):
            found = _said(folder, name, folder / "no.pkl", images=GREY, output=folder / output)
            yield f"{name} of a model that is not there to {output}", found
    first = replace(model.layers[1], name="codes", label="codes")
    called = ("a/b", "a_b", "a_b-activity", "a_b-patches", "a_b-maximised", "a_b-codes", "a_b-sheet")
    several = [replace(first, name=name, label=name, inputs=(n,)) for n, name in enumerate(called, 1)]
    last = replace(model.layers[2], name="a/b", inputs=(len(called),))
    names = Network.of([model.layers[0], first, *several, last])
    for layer in names.layers[1:]:
        yield f"a file of {layer.title}, layer {layer.index}", layer_stem(names, layer)


def _slopes(folder: Path, model: Network) -> Iterator[tuple[str, str]]:
    from tests.running.numpy_autograd import with_gradients

    with with_gradients() as devices, pytest.MonkeyPatch.context() as patch:
        for name in ("saliency", "maximise"):
            devices.clear()
            for asked, answer in _answers(folder, name, model):
                yield asked, f"{answer}{f' on {devices}' if any(one != 'cpu' for one in devices) else ''}"
                devices.clear()
        two = (GREY[:, :, :5, None] / [255, 500])[0]  # in the axes of whoever runs it
        shape = (None, 2, 6, 5)
        entrance = replace(
            model.layers[0], output_shape=shape, operations=(Input(shape=shape, channels_last=True),)
        )
        kernels = np.random.default_rng(5).normal(size=(3, 2, 3, 3)).round(2)
        last = Network.of([entrance, conv(kernels, below=0), as_layer(GlobalPooling(kind="mean"), below=1)])
        for how in ({}, {"signed": True}, {"method": "gradcam", "signed": True, "layer": 0}):
            yield f"saliency of channels that come last {how}", _said(folder, "saliency", last, two, **how)
        for work in (2_400_000, 3_000_000):
            how = {"budget": Budget(work=work)}
            yield f"saliency within {work:,}", _said(folder, "saliency", model, GREY[:1, None], **how)
        for n in (None, 2, 17):  # whose file tells how many units they are, or does not
            first = replace(model.layers[1], output_shape=(None, n, 4, 4))
            told = Network.of([model.layers[0], first, *model.layers[2:]])
            yield f"the first of {n} units", _said(folder, "maximise", told, layer="one", steps=1)
        given = {"images": folder / "seen", "units": 0, "layer": "one", "steps": 1}
        yield "from an image, of which a unit sees a part", _said(folder, "maximise", told, **given)
        four = Network.of([model.layers[0], replace(model.layers[1], output_shape=(None, 4, 4, 4))])
        patch.setattr("filtviz.running.gradients.MOST_TIMES", 1)
        for work, units in product((5_000_000, 5_470_000, 5_650_000, 7_500_000), ((), (0, 1, 2, 3))):
            how = {"layer": "one", "steps": 8, "units": units, "budget": Budget(work=work)}
            yield f"{units or 'the first'} with a budget of {work:,}", _said(folder, "maximise", four, **how)


def _losses(folder: Path, model: Network) -> Iterator[tuple[str, str]]:
    history = [{"train_loss": 3.0, "valid_loss": 2.0}, {"train_loss": 1.0}]
    known = replace(model, history=history)
    bare = replace(known, origin=Origin())
    out = {"output": folder / "out", "format": "npz"}
    wrong = ({"format": "bmp"}, {"limits": "x"}, {"hints": "x"})
    for name, one, ways in (
        ("a path", known, ({}, out, *wrong)),
        ("no path", bare, ({}, out)),
        ("no losses", model, ({},)),
    ):
        for how in ways:
            yield f"loss of {name} {' '.join(how)}", _said(folder, "loss", one, **how)
    apart = replace(model, origin=Origin(path=Path("some", "where", "m.pkl")))
    yield "loss of a path in folders without losses", _said(folder, "loss", apart).replace(os.sep, "/")
    long = replace(known, origin=Origin(path=folder / f"{'l' * 99}.pkl"))
    yield "loss of a long path", _said(folder, "loss", long)
    odd = replace(model, origin=Origin(path=Path("l" * 300)))
    yield "loss of a longer path without losses", _said(folder, "loss", odd)
    yield "loss of neither", _said(folder, "loss", replace(model, origin=Origin()))
