"""Layers drawn with options chosen by chance: each sheet, its pixels and words, what it takes, and terminals.

``python -m tests.telling`` writes ``tests/told/chosen.txt`` anew.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Account
from filtviz.drawing import DrawingOptions
from filtviz.drawing.colours import Scale
from filtviz.drawing.estimates import pay_for_pages, pay_for_terminal, pay_for_view
from filtviz.drawing.kernel_sheets import comparison_pages
from filtviz.drawing.lettering import design_page
from filtviz.drawing.options import Order, SheetOptions
from filtviz.drawing.pages import SheetPage
from filtviz.drawing.selection import arrange
from filtviz.drawing.sheet import SheetTexts
from filtviz.drawing.terminal import Depth, nearest_of_256, sheet_lines
from filtviz.errors import FiltvizError
from filtviz.measures.comparison import compare_layers
from filtviz.network import ConvLayer

from .making import layer_of, pages_of, random_weights

__all__ = ["all_lines"]

SHAPES = (
    (1, 1, 3, 3),
    (5, 1, 3, 3),
    (4, 3, 3, 3),
    (7, 3, 5, 4),
    (6, 2, 1, 1),
    (3, 9, 2, 2),
    (2, 1, 1, 7),
    (12, 4, 3, 3),
    (3, 3, 12, 12),
    (2, 40, 3, 3),
    (4, 3, 5),
)
VIEWS = ("sheet", "sheet", "sheet", "rms", "components", "curves")
FEW = 10**15


def chosen() -> Iterator[str]:
    """Yield what is drawn of layers with options drawn by chance."""
    for seed in range(90):
        draw = random.Random(seed)
        shape, view = draw.choice(SHAPES), draw.choice(VIEWS)
        if (view == "curves") != (len(shape) == 3) and draw.random() < 0.9:
            view = "curves" if len(shape) == 3 else "sheet"
        layer = _layer(draw, shape, seed)
        options = _options(draw, shape[1])
        dpi = draw.choice((100.0, 100.0, 50.0, 219.5))
        texts = _texts(draw, shape[0])
        yield f"== {seed} {shape} {view} {options} {dpi:g}"
        try:
            pages = pages_of(layer, view, dpi, texts, **options)
        except FiltvizError as error:
            yield f"  {type(error).__name__}: {error}"
            continue
        yield from _sheet(pages, draw, exact=view != "components")
        drawing = DrawingOptions(view=view, dpi=dpi, sheet=SheetOptions(**options))
        yield f"  takes {_costs(layer, drawing, pages, draw.choice(('png', 'pdf', 'gif')))}"


def _layer(draw: random.Random, shape: tuple[int, ...], seed: int) -> ConvLayer:
    weights = random_weights(*shape, seed=seed)
    change = draw.choice(("", "", "", "nan", "inf", "zeros", "zero", "equal", "positive", "huge", "tiny"))
    if change in ("nan", "inf"):
        weights.reshape(-1)[:: draw.choice((3, 1000))] = float(change)
    elif change == "zeros":
        weights[...] = 0
    elif change == "zero":
        weights[0] = 0
    elif change == "equal":
        weights[-1] = 0.25
    elif change == "positive":
        weights = np.abs(weights)
    elif change:
        weights = weights * np.float32(1e37 if change == "huge" else 1e-42)
    axes = {"axes": "oir"} if len(shape) == 3 else {}
    return layer_of(
        weights, name=draw.choice(("conv", None)), flip_filters=draw.choice((True, False, None)), **axes
    )


def _options(draw: random.Random, channels: int) -> dict[str, Any]:
    every: dict[str, tuple[Any, ...]] = {
        "scale": get_args(Scale),
        "sort": ("norm", "index"),
        "top": (1, 3, 50),
        "labels": (False,),
        "flip": (True,),
        "components": (1, 2),
        "primaries": ("rgb", "bgr"),
        "cmap": ("gray", "viridis", "RdBu_r"),
        "figsize": ((4.0, 3.0), (3.0, 9.0)),
    }
    options = {name: draw.choice(values) for name, values in every.items() if draw.random() < 0.25}
    if channels != 3 and draw.random() < 0.9:
        options.pop("primaries", None)
    return options


def _texts(draw: random.Random, n: int) -> SheetTexts | None:
    if draw.random() < 0.5:
        return None
    remarks = draw.choice(((), tuple(f"r{i}" for i in range(n))))
    notes = draw.choice(
        ((), ("a note",), ("one note", "a second note that is longer than a line of a narrow page is"))
    )
    return SheetTexts(source=draw.choice(("", "model.pkl")), notes=notes, remarks=remarks)


def _sheet(pages: list[SheetPage], draw: random.Random, *, exact: bool) -> Iterator[str]:
    sheet = pages[0].sheet
    said = " | ".join((sheet.title, *sheet.facts, *sheet.notes))
    yield f"  {len(pages)} pages of {sheet.values.shape}: {said}"
    written = sheet.labels[:3], sheet.headings[:3], sheet.captions[:2]
    yield f"  {written} {sheet.legend.ticks} {sheet.legend.meaning} {sheet.cmap} {sheet.signed}"
    for page in (pages[0], *pages[1:][-1:]):
        design = design_page(page)
        sums = [f"{zlib.crc32(np.ascontiguousarray(one.pixels).tobytes()):08x}" for one in design.mosaics]
        shown = sums if exact else [one.pixels.shape for one in design.mosaics]
        first = [(round(one.left, 2), round(one.top, 2), one.text[:12]) for one in design.writings[-3:]]
        yield f"  page {design.size} {shown[:2]} of {len(sums)}, {len(design.writings)} texts, last {first}"
    width, height = draw.choice((20, 60, 80)), draw.choice((None, None, 9, 14, 25))
    depth: Depth = draw.choice(get_args(Depth)) if exact else "plain"
    lines = list(sheet_lines(sheet, width, depth, height))
    told = lines if depth == "plain" and exact else [one for one in lines if "\x1b" not in one and exact]
    total = zlib.crc32("\n".join(lines if exact else []).encode())
    yield f"  in {width} x {height} of {depth}: {len(lines)} lines {total:08x}"
    yield from (f"    {line!a}" for line in told[:4] + told[-2:])


def _costs(layer: ConvLayer, options: DrawingOptions, pages: list[SheetPage], suffix: str) -> str:
    told = []
    for pay in (
        lambda own: pay_for_view(layer, range(layer.n_channels), options, suffix, own),
        lambda own: pay_for_pages(pages, suffix, own, "it"),
        lambda own: pay_for_terminal(pages[0], own, "it"),
    ):
        own = Account({"work": FEW, "pixels": FEW})
        pay(own)
        told.append("/".join(str(FEW - own.left[share]) for share in ("work", "pixels")))
    return f"{' '.join(told)} for {suffix}"


def grids() -> Iterator[str]:
    """Yield what nolearn's layout takes."""
    for shape in ((1, 1, 3, 3), (20, 3, 5, 5), (6, 4, 1, 1)):
        layer = layer_of(random_weights(*shape))
        for cmap in ("gray", "viridis"):
            for suffix in ("png", "pdf"):
                options = DrawingOptions(cmap=cmap, dpi=37.0, figsize=(5.0, 2.5))
                own = Account({"work": FEW, "pixels": FEW})
                pay_for_view(layer, range(shape[1]), options, suffix, own)
                yield f"{shape} {cmap} {suffix}: {FEW - own.left['work']} {FEW - own.left['pixels']}"


def orders() -> Iterator[str]:
    """Yield the order of filters of any magnitude."""
    weights = random_weights(7, 2, 3, 3).astype("f8")
    scales = np.array([1, 1e-200, 3, 1e200, 0, 2, 1e200]).reshape(7, 1, 1, 1)
    broken = weights.copy()
    broken[2, 0, 0, 0], broken[5] = np.nan, np.inf
    every: tuple[tuple[str, NDArray[Any]], ...] = (
        ("plain", weights),
        ("of all sizes", weights * scales),
        ("broken", broken),
        ("equal", np.ones((3, 1, 2, 2))),
        ("one", weights[:1]),
        ("two", weights[:2]),
        ("halves", weights.astype("f2")),
    )
    for name, filters in every:
        for order in get_args(Order):
            for top in (None, 1, 3, 9) if order != "similarity" or name not in ("equal", "broken") else ():
                yield f"{name} by {order}, {top}: {arrange(filters, order, top).tolist()}"


def comparisons() -> Iterator[str]:
    """Yield what is drawn of the states of layers."""
    for shape in ((4, 1, 3, 3), (3, 2, 3, 3), (2, 1, 5, 5)):
        states = [random_weights(*shape, seed=seed) for seed in range(3)]
        states[2][1] = states[0][1]
        for n in (2, 3):
            layers = [layer_of(one, name="c") for one in states[:n]]
            found = compare_layers(layers, ["a", "b", "c"][:n])
            for order in ("index", "change"):
                for scale in get_args(Scale):
                    options = DrawingOptions(
                        sheet=SheetOptions(scale=scale, top=2 if scale == "filter" else None)
                    )
                    pages = list(comparison_pages(found, options, order))
                    yield f"== {shape} {n} states {order} {scale}"
                    yield from _sheet(pages, random.Random(n), exact=True)


def colours() -> Iterator[str]:
    """Yield what of 256 colours is the nearest."""
    for colour in (
        (0, 0, 0),
        (255, 255, 255),
        (8, 8, 8),
        (3, 3, 3),
        (95, 0, 0),
        (47, 48, 48),
        (128, 128, 128),
        (255, 100, 0),
    ):
        yield f"{colour}: {nearest_of_256(np.array(colour, np.uint8))}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/chosen.txt`` holds."""
    for each in (chosen, grids, orders, comparisons, colours):
        yield from each()
