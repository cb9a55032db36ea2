"""All that sheets hold, of layers, options and texts that are drawn by chance: a part of `parts_told`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.colours import Scale
from filtviz.drawing.kernel_sheets import comparison_pages, frame_pages
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.pages import SheetPage
from filtviz.drawing.sheet import Sheet, SheetTexts
from filtviz.errors import FiltvizError
from filtviz.measures.comparison import compare_layers

from .making import layer_of, numbers, random_weights

__all__ = ["comparisons", "made"]


def _told(sheet: Sheet) -> Iterator[str]:
    values = np.nan_to_num(sheet.values, nan=2.0)
    places = values.ravel() @ (np.arange(values.size) % 101 + 1.0)  # each place counts otherwise
    summed = numbers([values.sum(), places])
    yield f"  {sheet.name} {values.shape} {summed} {sheet.cmap} {sheet.signed} {sheet.group}"
    yield f"  {sheet.title} | {' | '.join(sheet.facts)} | {' | '.join(sheet.notes)}"
    yield f"  {sheet.labels} {sheet.headings} {sheet.captions} {sheet.legend.ticks} {sheet.legend.meaning}"


def made() -> Iterator[str]:
    """Yield the sheets of layers."""
    for seed in range(48):
        pick = random.Random(seed)
        shape = pick.choice(
            (
                (1, 1, 2, 3),
                (3, 1, 3, 3),
                (4, 3, 2, 2),
                (1, 3, 3, 2),
                (5, 2, 1, 1),
                (3, 6, 2, 2),
                (3, 2, 5),
                (2, 2, 2, 3, 3),
            )
        )
        view = pick.choice(("sheet", "sheet", "sheet", "rms", "curves" if len(shape) == 3 else "sheet"))
        weights = random_weights(*shape, seed=seed)
        weights[-1] *= pick.choice((1, 1, 0, 30))
        weights.reshape(-1)[0] = pick.choice((1, 1, np.nan, np.inf))
        axes = {3: {"axes": "oir"}, 5: {"axes": "oidrc"}}.get(len(shape), {})
        layer = replace(
            layer_of(weights, name=pick.choice(("c", None)), flip_filters=pick.choice((True, False,
            None)), **axes),
            conv_index=pick.choice((0, 2, -1)),
        )  # fmt: skip
        channels = sorted(pick.sample(range(shape[1]), pick.randint(1, shape[1])))
        colours = (None, "rgb", "bgr") if len(channels) == 3 else (None,) * 9 + ("rgb",)
        how: dict[str, Any] = {
            "scale": pick.choice(get_args(Scale)), "flip": pick.random() < 0.4, "labels": pick.random() < 0.7,
            "sort": pick.choice(("index", "norm")), "top": pick.choice((None, None, 1, 2)),
            "cmap": pick.choice((None, "two")), "primaries": pick.choice(colours),
        }  # fmt: skip
        texts = SheetTexts(
            source=pick.choice(("", "m.pkl")), notes=pick.choice(((), ("a note",))),
            part=pick.choice(("", "part")),
            remarks=pick.choice(((), tuple(f"r{i}" for i in range(shape[0])))), rows=pick.choice(("", "",
            "the rows")),
            orientation=pick.choice(("", "turned somehow")), extent=pick.choice(("", "9x9")),
            n_channels=pick.choice((0, 7)),
        )  # fmt: skip
        yield f"== {shape} {view} {channels} {how}"
        try:
            pages = list(draw(layer, channels, DrawingOptions(view=view, sheet=SheetOptions(**how)), texts))
        except FiltvizError as error:
            yield f"  {type(error).__name__}: {error}"
            continue
        assert isinstance(pages[0], SheetPage)
        yield from _told(pages[0].sheet)


def comparisons() -> Iterator[str]:
    """Yield the sheets and the frames of the states of layers."""
    for seed in range(16):
        pick = random.Random(seed)
        shape = pick.choice(((3, 1, 2, 2), (4, 2, 3, 3), (2, 3, 1, 1)))
        n = pick.choice((2, 2, 3))
        states = [random_weights(*shape, seed=10 * seed + i) for i in range(n)]
        states[-1][0], states[0][1] = states[0][0], 0
        found = compare_layers([layer_of(one, name="c") for one in states], ["a", "b", "c"][:n])
        sheet = SheetOptions(
            scale=pick.choice(get_args(Scale)),
            top=pick.choice((None, None, 1, 2)),
            cmap=pick.choice((None, "two")),
        )
        order, options = pick.choice(("index", "change")), DrawingOptions(sheet=sheet)
        how = {"cautions": pick.choice(((), ("take care",))), "as_stored": pick.random() < 0.5}
        yield f"== {shape} {n} {order} {sheet.scale} {sheet.top} {how}"
        (page, *_) = comparison_pages(found, options, order, **how)
        yield from _told(page.sheet)
        for frame in frame_pages(found, options, order):
            yield from _told(frame.sheet)
    long = compare_layers([layer_of(random_weights(90, 9, 3, 3, seed=i)) for i in range(2)], ["a", "b"])
    for top in (90, 2):
        options = DrawingOptions(sheet=SheetOptions(top=top, figsize=(2.0, 2.0)))
        try:
            told = f"{len(list(frame_pages(long, options)))} frames"
        except FiltvizError as error:
            told = str(error)
        yield f"frames of {top}: {told}"
