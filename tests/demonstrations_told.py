"""What is said and drawn of made-up answers of networks, so that no engine is needed, as lines of text.

``python -m tests.telling`` writes ``tests/told/demonstrations.txt`` anew.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.demonstrations import answering_images as answering
from filtviz.demonstrations import explaining
from filtviz.demonstrations.request import Demonstration
from filtviz.network import Network
from filtviz.operations import Softmax
from filtviz.responses import Activity, Codes, Heat, Maximised, Patches, Prediction
from filtviz.running.preparing import Pictures, Preparation
from tests.building import as_layer, conv, image, pool
from tests.drawing.making import random_weights

__all__ = ["all_lines"]

SEEN = np.linspace(0, 1, 36).reshape(1, 6, 6)


def told(found: Demonstration) -> Iterator[str]:
    """Yield what a demonstration says, and the sheet that a terminal shows of it."""
    yield from (f"  {line}" for line in (*found.answer, *found.sentences))
    yield f"  data {_short(json.dumps(found.data))}"
    yield from (f"  | {_short(str(row))}" for row in (*found.table[:4], *found.table[-1:], *found.rows[:3]))
    picture = found.picture
    if picture is None:
        return
    arrays = ", ".join(f"{name}{list(one.shape)} {_sum(one)}" for name, one in picture.arrays.items())
    yield f"  {picture.part}: {arrays}"
    if picture.tell is not None:
        sheet = picture.sheet
        words = (sheet.title, *sheet.facts, *sheet.notes, *sheet.legend.ticks, sheet.legend.meaning)
        values = np.round(np.nan_to_num(sheet.values, nan=9), 6) + 0.0
        how = f"{sheet.cmap} {sheet.signed} {sheet.labels[:3]}"
        yield f"  sheet {sheet.values.shape} {zlib.crc32(values.tobytes()):08x} {how}"
        yield from (f"    {word}" for word in words)
        yield f"    {sheet.captions[:2]} {sheet.headings[:3]}"


def _short(text: str) -> str:
    return text if len(text) < 300 else f"{text[:240]}… {zlib.crc32(text.encode()):08x}"


def _sum(values: NDArray[Any]) -> str:
    return "" if values.dtype.kind in "US" else f"{float(np.nansum(np.abs(values.astype(float)))):.5g}"


def _pictures(n: int, labels: tuple[str, ...] | None = None) -> Pictures:
    images = np.stack([SEEN] * n)
    return Pictures(
        images=images,
        seen=images,
        names=tuple(f"i{k}.png" for k in range(n)),
        labels=labels,
        sentences=("as given",),
    )


def heats() -> Iterator[str]:
    """Yield what occlusion and saliency say."""
    for name, values, whole in (
        ("falls", [[0.5, 0.2], [0.4, 0.49]], 0.5),
        ("rises", [[0.5, 0.9], [0.4, 0.49]], 0.5),
        ("just not still", [[0.501, 0.5]], 0.5),
        ("still", [[0.50099, 0.5]], 0.5),
        ("one", [[0.25]], 0.5),
        ("just moved", [[0.001, 0.0]], 0.0),
    ):
        for square, stride in ((3, 1), (2, 4)):
            heat = Heat(values=np.array(values), target=1, whole=whole)
            yield f"== occlusion {name}, {square} by {stride}"
            yield from told(explaining._tell_occlusion(heat, "class 1", SEEN, SEEN, "a.png", square, stride))
    ramp = np.linspace(-1, 2, 36).reshape(6, 6)
    for method in explaining._METHODS:
        for signed in (False, True):
            for name, values in (
                ("ramp", ramp),
                ("zeros", 0 * ramp),
                ("one", np.eye(6)),
                ("negative", -np.abs(ramp)),
            ):
                if method not in ("gradient", "gradcam") and name != "ramp":
                    continue
                heat = Heat(values=values[None], target=1, whole=0.8)
                yield f"== {method} of {name}, signed {signed}"
                yield from told(
                    explaining._tell_saliency(values, method, "class 1", heat, signed, SEEN, "a.png")
                )
    shares = [
        explaining._share_of_half(np.array(sizes))
        for sizes in ([0.0], [0, 0], [1, 1], [1, 1, 1], [3, 1, 1], [0, 0, 5], [1, np.nan, 1])
    ]
    yield f"half: {shares}"
    yield f"classes: {[explaining._class(('a', 'b'), target, n) for n in (1, 2, 3) for target in range(n)]}"


def made() -> Iterator[str]:
    """Yield what is said of images that were made."""
    start = np.full((1, 6, 6), 0.5)
    for n in (1, 3):
        images = np.stack([start + 0.1 * i for i in range(n)])
        answers = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])[:, :n]
        found = Maximised(
            images=images, start=start, answers=answers, layer="l", units=tuple(range(4, 4 + n))
        )
        for box in (None, (slice(1, 4), slice(0, 2))):
            for changed in (False, True):
                yield f"== {n} made in {box}, changed {changed}"
                yield from told(explaining._tell_maximised(found, box, 7, changed=changed))
    first = conv(random_weights(4, 1, 3, 3), None, below=0, output_shape=(None, 4, 10, 10))
    second = conv(random_weights(3, 4, 3, 3), None, below=2, output_shape=(None, 3, 3, 3))
    untold = conv(random_weights(3, 4, 3, 3), None, below=2, stride=None)
    wide = conv(random_weights(2, 1, 7, 7), None, below=0, pad=((3, 3), (3, 3)), output_shape=(None, 2, 4, 4))
    shapes = ((None, 3, None, 3), (None, 3, 3, None), (None, 3, 9), (None, 27), (None, 3, 0, 8))
    network = Network.of(
        [
            image(1, 12, 12),
            first,
            pool(2, below=1, output_shape=(None, 4, 5, 5)),
            second,
            untold,
            *(replace(second, output_shape=shape) for shape in shapes),
            wide,
        ]
    )
    for layer in network.layers:
        boxes = [explaining._seen_box(network, layer, lengths) for lengths in ((12, 12), (4, 12), (2, 2))]
        yield f"seen by {layer.index}: {boxes}"
    for how in (
        Preparation(),
        Preparation(mean=(0.5,)),
        Preparation(mean=(0.2, 0.4), scale=(2.0, 4.0)),
        Preparation(scale=(-1.0,)),
    ):
        yield f"bounds: {explaining._bounds(how)}"


def units() -> Iterator[str]:
    """Yield what is said of units."""
    maps = np.arange(48.0).reshape(3, 4, 4)
    for function, saturated in (
        ("rectify", None),
        ("", None),
        ("sigmoid", [0.95, 0.951, 0.0]),
        ("tanh", [0.0, 0.1, 0.2]),
        ("rectify", [1.0, 0, 0]),
    ):
        for strongest in ([1.0, 2.0, 3.0], [0.0, -1.0, 3.0], [np.nan, 2.0, np.inf], [0.5, np.nan, 3.0]):
            fires = (np.nan_to_num(np.array(strongest)) > 0) / 2
            found = Activity(
                layer="l",
                maps=maps,
                image=0,
                n_images=2,
                fires=fires,
                strongest=np.array(strongest),
                function=function,
                saturated=None if saturated is None else np.array(saturated),
            )
            yield f"== {function} {saturated} {strongest}"
            for nolearn in (False, True) if strongest[0] == 1 else (False,):
                yield from told(answering._tell_activity(found, _pictures(2), SEEN, "i0.png", nolearn))
    for n in (20, 21):
        none = np.zeros(n)
        many = Activity(layer="l", maps=none, image=0, n_images=1, fires=none, strongest=none, saturated=None,
                        function="rectify")  # fmt: skip
        yield from answering._said_of_units(many)


def predictions() -> Iterator[str]:
    """Yield what is said of answers: of one output or several, with what files say of their images or not."""
    many = np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0], [-1.0, np.nan, 2.0], [0.2, np.inf, 0.123456]])
    for outputs, labels in (
        (many, ("cat", "dog")),
        (many[:, :1], ()),
        (many.reshape(4, 1, 3), ("a", "b", "c")),
    ):
        found = Prediction(outputs=outputs, layer="l", labels=labels)
        for given in (None, ("1", "0", "2", "1"), ("dog", "cat", "2", "0"), ("dog", "bird", "2", "0")):
            pictures = replace(_pictures(4, given), names=("z.png", "b.png", "y.png", "a.png"))
            for top in (1, 2, 9) if given is None else (2,):
                ends = as_layer(Softmax()), as_layer(Activation(kind="tanh"))
                for last in ends if len(labels) == 0 else ends[:1]:
                    yield f"== {labels} {given} {top} {last.title} {last.operations[0]!r:.20}"
                    yield from told(answering._tell_prediction(found, pictures, last, top))


def pieces() -> Iterator[str]:
    """Yield what is said of pieces that excite filters."""
    rng = np.random.default_rng(0)
    for n, top in ((1, 1), (3, 2), (40, 2), (41, 1)):
        answers = np.sort(rng.normal(0, 1, (n, top)), axis=1)[:, ::-1].copy()
        answers[0, -1] = -np.inf if n == 3 else 0.0
        found = Patches(
            layer="l",
            responses=answers,
            images=rng.integers(0, 2, (n, top)),
            corners=rng.integers(-1, 4, (n, top, 2)),
            size=(3, 2),
            shown=np.stack([SEEN] * 2),
            rectifies=n != 40,
        )
        for beside in (None, rng.normal(0, 1, (n, 1, 3, 2))):
            for remark in ("", "why they are not beside"):
                yield f"== {n} filters, {top} pieces, {beside is not None} {remark}"
                yield from told(explaining._tell_patches(found, _pictures(2), beside, remark))
    answering_all = Patches(
        layer="l",
        responses=np.ones((2, 1)),
        images=np.zeros((2, 1), int),
        corners=np.zeros((2, 1, 2), int),
        size=(2, 2),
        shown=SEEN[None],
        rectifies=True,
    )
    yield from told(explaining._tell_patches(answering_all, _pictures(1), None, ""))
    first = conv(random_weights(4, 1, 3, 3), None, below=0, output_shape=(None, 4, 10, 10))
    over = conv(random_weights(2, 4, 3, 3), None, below=2, stride=None)
    network = Network.of([image(1, 12, 12), first, pool(2, below=1, output_shape=(None, 4, 5, 5)), over])
    for layer, work in product((0, 1, network.layers[2].title), (10**9, 260_000, 1)):
        drawn, remark = explaining._composed(network, layer, Budget(work=work))
        shown = None if drawn is None else f"{drawn.shape} {_sum(drawn)}"
        yield f"filters of {layer} within {work}: {shown} {remark}"


def codes() -> Iterator[str]:
    """Yield what is said of codes."""
    values = np.arange(12.0).reshape(3, 4)
    for explained in ((0.5, 0.25), None):
        for n in (1, 4):
            found = Codes(
                layer="l",
                codes=values[:, :n],
                places=values[:, :2],
                plane="pca" if explained else "tsne",
                explained=explained,
            )
            yield f"== codes {explained} {n}"
            yield from told(answering._tell_codes(found, _pictures(3, ("a", "b", "c") if n == 1 else None)))


def losses() -> Iterator[str]:
    """Yield what is said of losses."""

    def epochs(**series: Any) -> Network:
        n = max(map(len, series.values()), default=0)
        history = [{name: one[i] for name, one in series.items() if i < len(one)} for i in range(n)]
        return Network.of([image(1), as_layer()], history=history)

    for name, network in (
        ("none", epochs()),
        ("one", epochs(train_loss=[3.0])),
        ("both", epochs(train_loss=[3, 1.0, 2], valid_loss=[2, 2.5, 1.5])),
        ("of two lengths", epochs(train_loss=[3, 1, 2.0], valid_loss=[2.0])),
        ("down to nothing", epochs(train_loss=[3.0, 1.0, 0.0], valid_loss=[2, 0.0, 0, None])),
        ("below nothing", epochs(train_loss=[-1.0, -3.0, 0.5])),
        ("with gaps", epochs(train_loss=[3.0, None, 1.0], test_loss=[None, None])),
        ("not finite", epochs(train_loss=[np.nan, np.inf, 2.0], valid_loss=[np.nan, np.inf])),
        ("words", epochs(train_loss=["x", 1, np.float32(0.5)])),
        ("too long", epochs(train_loss=[10**400, 1, 2.0])),
    ):
        series = answering._losses(network)
        yield f"== losses {name}: {[(key, one.tolist()) for key, one in series.items()]}"
        if series:
            yield from told(answering._tell_losses(series, Path("some/m.pkl")))


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/demonstrations.txt`` holds."""
    for each in (heats, made, units, predictions, pieces, codes, losses):
        yield from each()
