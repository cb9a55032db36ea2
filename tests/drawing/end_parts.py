"""What just fits and what just does not, in pages, options and budgets: a part of `parts_told`."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, product
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from tests.accounts import Counted
from tests.building import conv, image

from filtviz.budget import Budget
from filtviz.comparing import compare
from filtviz.drawing import DrawingOptions, pixelmap
from filtviz.drawing.colours import Palette
from filtviz.drawing.estimates import pay_for_view
from filtviz.drawing.grid import _about_size, cautions, page_raster
from filtviz.drawing.kernel_sheets import _advice, _arrange, kernel_sheet
from filtviz.drawing.layout import DPI, MARGIN, TileSpec, plan_pages
from filtviz.drawing.lettering import design_page
from filtviz.drawing.options import SheetOptions, options_of
from filtviz.drawing.pages import _place, sheet_pages
from filtviz.drawing.pixelmap import Grid, PixelMap, is_proven_version, kernels_in_doubt
from filtviz.drawing.plotting import LayerPictures
from filtviz.drawing.response_tiles import ResponsePicture
from filtviz.drawing.saving import find_destination
from filtviz.drawing.selection import select_filters
from filtviz.drawing.sheet import Legend, Sheet, SheetTexts, span
from filtviz.drawing.showing import render
from filtviz.measures.comparison import compare_layers
from filtviz.network import ConvLayer, Network

from .making import layer_of, random_weights, said, summed

__all__ = ["ends"]


def _runs(values: Iterable[Any], told: Callable[[Any], str]) -> str:
    """What is told of values, each with the first of those in a row of which it is told."""
    return " | ".join(f"{next(of)}: {what}" for what, of in groupby(values, told))


SPECS = (
    TileSpec(n_strips=12, n_columns=1, rows=5, cols=3, label_width=2),
    TileSpec(n_strips=6, n_columns=4, rows=3, cols=3, label_width=3, heading_width=2),
    TileSpec(n_strips=6, n_columns=2, rows=2, cols=7, heading_width=9, caption_width=4, group=3),
    TileSpec(n_strips=9, n_columns=2, rows=11, cols=17, label_width=1, caption_width=3),
    TileSpec(n_strips=30, n_columns=3, rows=1, cols=1, label_width=2, group=2),
)


def _fits() -> Iterator[str]:
    """Yield from which room on sheets are laid out otherwise, and from which number of filters on."""

    def told(spec: TileSpec, size: tuple[float, float] | None, taken: int = 0) -> str:
        pages = plan_pages(spec, SheetOptions(figsize=size), taken)
        plan = pages[0].plan
        much = f" of {len(pages)}, {plan.strips} by {plan.columns}" if len(pages) > 1 else ""
        return f"{plan.zoom} in {plan.blocks}{' upright' * plan.upright}{much}"

    def room(pixels: int) -> float:
        return (pixels + 2 * MARGIN + 0.5) / DPI

    for spec in SPECS:
        asked = " ".join(map(str, vars(spec).values()))
        across = _runs(range(20, 90), lambda n, s=spec: told(s, (room(n), room(60))))
        down = _runs(range(20, 90), lambda n, s=spec: told(s, (room(80), room(n + 20)), 20))
        yield f"{asked} in 60 by {across}; below 20 by {down}"
    for seed in range(50):
        pick = random.Random(seed)
        spec = TileSpec(
            n_strips=pick.choice((1, 5, 12, 30, 64, 200)), n_columns=pick.choice((1, 1, 2, 3, 30)),
            rows=pick.choice((1, 3, 7, 16)), cols=pick.choice((1, 3, 11, 15)),
            label_width=pick.choice((0, 2)), heading_width=pick.choice((0, 2)),
            caption_width=pick.choice((0, 0, 4)),
        )  # fmt: skip
        yield f"{' '.join(map(str, vars(spec).values()))} on a screen: {told(spec, None)}"


def _crowded() -> Iterator[str]:
    """Yield which kernels have fewer pixels than weights, and where rounding errors may decide."""
    for size in ((3, 3), (3, 9), (9, 3), (40, 2), (1, 60)):
        layer = layer_of(random_weights(5, 1, *size))
        for figsize in ((6.0, 6.0), (0.3, 6.0), (6.0, 0.3), (0.4, 0.4)):
            options = DrawingOptions(figsize=figsize)
            yield f"{size} on {figsize}: {_about_size(layer, options)}"
        just = _runs(
            np.arange(20, 400, 7) / 100,
            lambda inches, one=layer: str(bool(_about_size(one, DrawingOptions(figsize=(inches, inches))))),
        )
        yield f"{size} is crowded on inches from {just}"
    holes = random_weights(3, 3, 2, 2)
    holes[0, 0], holes[0, 1, 0, 0], holes[1, :, 1, 1], holes[2, 2] = 2, np.nan, np.inf, np.nan
    for shown in ((0,), (2, 0), (0, 1, 2)):
        yield f"said of {shown}: {cautions(layer_of(holes), shown, DrawingOptions())}"
    for n, size in ((1, (3, 3)), (5, (3, 3)), (5, (3, 7)), (5, (7, 3)), (9, (2, 5)), (20, (5, 4))):
        for figsize, dpi in (((6.0, 6.0), 100.0), ((5.0, 2.5), 37.0), ((4.0, 8.0), 72.0), ((3.3, 3.3), 50.0)):
            doubtful = kernels_in_doubt(Grid.of(n, size, figsize, dpi))
            shown = "".join("01"[int(one)] for one in doubtful.ravel())
            account = Counted()
            layer = layer_of(np.ones((n, 1, *size)))
            pay_for_view(layer, [0], DrawingOptions(figsize=figsize, dpi=dpi), "png", account)
            yield f"in doubt of {n} of {size} on {figsize} at {dpi:g}: {shown}; {account}"


def _advised() -> Iterator[str]:
    """Yield from which strength on a few filters are said to leave the others pale."""
    strong = layer_of(np.array([9.0, 1.0, np.nan, 1.0])[:, None, None, None] * np.ones((1, 2, 2, 2)))
    texts = SheetTexts(notes=("a note",))
    for channels in ([0], [0, 1]):
        chosen = select_filters(strong, channels, SheetOptions(top=3), texts)
        yield f"notes of {channels}: {kernel_sheet(chosen).notes} {kernel_sheet(chosen).facts}"
    for factor in (1.0, 1e300, 1e-310, 5e-324):
        for strengths in ([1, 0, 0], [5, 1, 1], [5.1, 1, 1], [4.9, 1, 1], [9, 1], [9, 9, 1, 1], [1], [0, 0]):
            weights = np.array(strengths, float)[:, None, None, None] * factor * np.ones((1, 2, 2))
            for scale in ("layer", "filter"):
                chosen = select_filters(layer_of(weights), [0], SheetOptions(scale=scale), SheetTexts())  # type: ignore[arg-type]
                limits = np.abs(weights).max(keepdims=True)
                yield f"advice {strengths} of {factor:g} by {scale}: {len(_advice(chosen, limits))}"


ODD: tuple[Any, ...] = (
    None, 0, 1, -1, 2.0, "2", "norm", True, "", "x" * 60, (2, 3), (2.0, 0.0), (0.0, 2.0), (-1, 2), (1, 2, 3),
    (2, float("inf")), (float("nan"), 2), "ab", "kernel", "bgr", [], b"x", object, 2**80, 1e-9, 1e9,
)  # fmt: skip
PAGES: tuple[dict[str, Any], ...] = (
    {"dpi": 0.16}, {"dpi": 0.17}, {"figsize": (0.01, 9)}, {"figsize": (9, 0.0099)},
    {"figsize": (655.35, 1)}, {"figsize": (1, 655.36)}, {"figsize": (163.84, 163.84)},
    {"figsize": (163.84, 163.85)}, {"sheet": SheetOptions(figsize=(700, 1))},
    {"sheet": SheetOptions(figsize=(700, 1)), "dpi": 90}, {"figsize": np.array([2, 3])},
)  # fmt: skip


def _chosen() -> Iterator[str]:
    """Yield which values each option can have."""
    names = [*options_of(SheetOptions), "primaries", "cmap", "figsize"]
    for of, own in ((DrawingOptions, ("figsize", "dpi", "view", "sheet")), (SheetOptions, names)):
        for name in own:
            told: dict[str, list[str]] = {}
            for value in ODD:
                found = said(lambda of=of, how={name: value}: [repr(getattr(of(**how), one)) for one in how])
                sentence, _, _ = found.rpartition(", not ")
                told.setdefault(sentence or "taken", []).append(found.removeprefix(f"{sentence}, not "))
            yield from (f"{name}: {sentence}: {' '.join(each)}" for sentence, each in told.items())
    for how in PAGES:
        yield f"{str(how)[-60:]}: {said(lambda h=how: DrawingOptions(**h) and 'taken')}"
    for name in ("top", "components"):
        for number in (np.int64(2), np.uint8(0), np.array(3), np.array([3]), np.array([3, 4])):
            yield f"{name} of {number}: {said(lambda n=number, of=name: SheetOptions(**{of: n}) and 'taken')}"
    for name in ("flip", "labels", "scale"):
        yield f"{name}: {said(lambda of=name: SheetOptions(**{of: np.array(['a', 'b'])}))}"
    for name, option in options_of(SheetOptions).items():
        yield f"option {name}: {option.choices} {option.at_least} {option.metavar} {option.default!r}"


def _charged() -> Iterator[str]:
    """Yield what a layer's pictures are and take, and in what they mislead, however they are asked for."""
    below = conv(random_weights(2, 3, 5, 5), below=0)
    above = conv(random_weights(4, 2, 3, 3), np.zeros(4), below=1)
    network = Network.of([image(3, 16, 16), below, above])
    for how in (
        {}, {"through": True}, {"through": True, "stacked": True},
        {"through": True, "images": np.ones((2, 3, 16, 16))}, {"ranges": ((1, 2),)},
        {"through": True, "ranges": ((2, 3),)}, {"suffix": "pdf"}, {"view": "grid"},
        {"view": "grid", "suffix": "pdf"},
    ):  # fmt: skip
        for layer in network.conv_layers:
            account, chosen = Counted(), {"view": "sheet"} | how
            usual: dict[str, Any] = {"ranges": None, "through": False, "stacked": False, "images": None}
            given = usual | {"badges": False, "suffix": "png"} | chosen
            options = DrawingOptions(view=given.pop("view"), figsize=(0.06, 0.05))
            made = LayerPictures(network=network, source="m", options=options, account=account, **given)
            shown = {key: np.shape(value) if key == "images" else value for key, value in how.items()}

            def told(made: LayerPictures = made, layer: ConvLayer = layer) -> str:
                pictures, misleading = made.pictures(layer)
                return f"{[one.part for one in pictures]} {misleading}"

            yield f"pictures of {layer.index} {shown}: {said(told)}; {account}"
    for through in (False, True):
        made = LayerPictures(
            network=network, source="m", options=DrawingOptions(), ranges=None, through=through,
            stacked=False, images=None, badges=True, suffix="png", account=Counted(),
        )  # fmt: skip
        texts = made._prepare(network.conv_layers[1])[1]
        notes = f"{len(texts.notes)} notes and {len(texts.remarks)} remarks"
        yield f"badges through {through}: {notes}, {texts.orientation!r}"


EDGES = (
    ((17, 7, 83, 18), (713, 91), 50), ((310, 173, 134, 23), (778, 507), 25),
    ((164, 54, 233, 37), (621, 381), 25), ((358, 221, 92, 204), (649, 550), 25),
    ((201, 159, 128, 69), (903, 254), 25), ((619, 159, 67, 173), (879, 424), 50),
    ((548, 22, 362, 58), (1199, 209), 25), ((50, 48, 161, 77), (1093, 362), 25),
    ((5, 7, 20, 30), (50, 40), 100),
)  # fmt: skip
"""Boxes of which one edge falls amid a pixel, but for rounding errors; of the last none."""


def _edges() -> Iterator[str]:
    """Yield which pixels pictures fill whose edges fall amid one, and where matplotlib has to be asked."""
    for box, size, dpi in EDGES:
        mosaic: Any = SimpleNamespace(box=box, rows=np.arange(3), cols=np.arange(2))
        design: Any = SimpleNamespace(size=size)
        placed = _place(mosaic, design, dpi)
        told = placed and [f"{first} {np.bincount(cells).tolist()}" for first, cells in placed]
        yield f"{box} on {size} at {dpi}: {told}"


def _few() -> Iterator[str]:
    """Yield what none, one or many alike come to: kernels, corrected pixels, filters that changed as much."""
    for n in (0, 1, 2, 4, 5, 9, 10, 2**52 + 1):
        yield f"a grid of {n}: {Grid.of(n, (2, 3), (1.0, 1.0), 10.0).cells_shape}"
    for n, is_grey in product((1, 2, 16, 17, 255, 256, 257), (True, False)):
        shades = np.arange(300) * (37 if n > 2 else 255) % 256
        own = np.stack([shades, shades, shades if is_grey else np.arange(300) // 256], axis=1).astype(
            np.uint8
        )
        cells = np.arange(n if n > 1 else 4).reshape(1, -1) % n
        geometry = PixelMap.separable(np.array([0, 0]), np.arange(cells.size))
        page = page_raster(cells, Palette(own), geometry)
        told = f"{page.mode} {page.size} {summed(page.rows)} {len(page.palette)}"
        yield f"{n} colours, grey {is_grey}: {told}"
    cells = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for n in range(3):
        corrected, sources = np.arange(1, 4, 2)[:n], np.arange(11, 9, -1)[:n]
        page = PixelMap(np.array([0, -1]), np.array([-1, 1]), corrected, sources).spread(cells)
        yield f"{n} corrected: {page.tolist()}"
    grown = [1 + (np.arange(40) % 3 == n)[:, None, None, None] for n in (3, 1)]
    states = [layer_of(np.ones((40, 1, 2, 2)) * one) for one in grown]
    comparison = compare_layers(states, ["a", "b"])
    for order, top in product(("index", "change"), (None, 3, 20)):
        yield f"{top} of 40 by {order}: {_arrange(comparison, top, order).tolist()}"  # type: ignore[arg-type]
    for own in ("figure", "image"):
        seen: list[Any] = []

        def made(seen: list[Any] = seen) -> Figure:
            seen.append(matplotlib.rcParams["font.size"])
            return Figure(figsize=(0.1, 0.1))

        with matplotlib.rc_context({"font.size": 77}):
            shown = getattr(ResponsePicture(part="p", make=made), own)()
        yield f"{own} with letters of {seen}, {type(shown).__name__}"
    for error in (ValueError("x"), RuntimeError("too large"), OverflowError("too many cells")):
        drawn = Figure(figsize=(0.1, 0.1))
        with patch.object(drawn, "draw", side_effect=error):
            yield f"given up: {said(lambda one=drawn: render(one))}"
    for values in ([1.0001, 1.0002], [0.0, -0.0], [-1e-9, 1e5], [np.nan, 2.0], [np.inf], [9.996, 9.994], []):
        yield f"span of {values}: {span(np.array(values))}"
    bare: dict[str, Any] = {"name": "s", "values": np.zeros((1, 1, 3, 3)), "cmap": "gray", "labels": ("",)}
    legend = Legend(ticks=("0", "1"), meaning="")
    for how in ({}, {"title": "t"}, {"facts": ("f",)}, {"notes": ("n",)}, {"title": " ", "facts": ("",)}):
        (page,) = sheet_pages(Sheet(legend=legend, **bare, **how), DrawingOptions())
        design = design_page(page)
        yield f"a header of {how}: {design.size} {[mosaic.box for mosaic in design.mosaics]}"


def _compared() -> Iterator[str]:
    """Yield what is compared, drawn and animated, by how much work it may be."""

    def network(seed: int) -> Network:
        own = [random_weights(*shape, seed=seed) for shape in ((3, 1, 3, 3), (2, 3, 2, 2))]
        return Network.of([image(1, 8, 8), *(conv(one, below=i) for i, one in enumerate(own))])

    states = [network(seed) for seed in range(3)]
    with tempfile.TemporaryDirectory() as name:
        for drawn in (False, True):

            def told(work: int, drawn: bool = drawn) -> str:
                out: dict[str, Any] = {"output": f"{name}/o.png", "animate": f"{name}/o.gif"} if drawn else {}
                layers = (1,) if drawn else (0, 1)
                found = compare(states, layers=layers, budget=Budget(work=work), **out)
                failed = [f"{one.layer} {one.reason.partition(' takes')[0]}" for one in found.failures]
                return f"{len(found.comparisons)} {[one.path.name for one in found.files]} {failed}"

            steps = (0, 1_200_000, 60_000_000) if drawn else range(0, 1_000_000, 40_000)
            yield f"compared, drawn {drawn}, from {_runs((2_250_000 + n for n in steps), told)}"


def _places() -> Iterator[str]:
    """Yield where files go, by what is said of them and which formats there are."""
    outputs = ("", "a", "a.b/", "a.b", "x.npz", "x.PNG", "sub/x.pdf", "x.npz/", ".npz")
    for formats, suffix in product((("npz",), ("pdf", "npz")), (None, "npz", "pdf")):
        for output in outputs:

            def told(output: str = output, suffix: str | None = suffix, formats: Any = formats) -> str:
                found = find_destination(output, suffix, formats)
                return f"{found.folder.as_posix()} {found.stem} {found.suffix} {found.ending}"

            yield f"{output!r} as {suffix} of {' '.join(formats)}: {said(told)}"


def _narrow() -> Iterator[str]:
    """Yield what grids of kernels of one row, one column and one weight take."""
    for size in ((1, 4), (4, 1), (1, 1)):
        account = Counted()
        pay_for_view(layer_of(random_weights(3, 2, *size)), range(2), DrawingOptions(), "png", account)
        yield f"a grid of kernels of {size}: {account}"


def _known() -> Iterator[str]:
    """Yield what hangs on whether the pixels of matplotlib's version are known, as if they were."""
    is_proven_version.cache_clear()
    try:
        with patch.object(pixelmap, "PROVEN_VERSIONS", ("",)):
            yield from (*_crowded(), *_charged(), *_narrow())
    finally:
        is_proven_version.cache_clear()


def ends() -> Iterator[str]:
    """Yield what just fits and what just does not."""
    for each in (_known, _fits, _advised, _chosen, _edges, _few, _compared, _places):
        yield from each()
