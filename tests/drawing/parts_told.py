"""What drawing is made of, part by part: costs, colours, windows, strips, boxes and names of any length.

``python -m tests.telling`` writes ``tests/told/drawn_parts.txt`` anew.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import matplotlib
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from PIL import Image
from tests import building

import filtviz
from filtviz.budget import Account, Budget
from filtviz.drawing import DrawingOptions, colours, draw, estimates, pixelmap
from filtviz.drawing.estimates import pay_for_pages, pay_for_terminal, pay_for_view
from filtviz.drawing.figures import _spread_axis, blank_figure, draw_kernels, page_figure
from filtviz.drawing.grid import KernelGrid, _nearest_maps, cautions
from filtviz.drawing.lettering import design_page
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.pages import _place, _sample, _size
from filtviz.drawing.pixelmap import Grid, is_proven_version
from filtviz.drawing.plotting import settle
from filtviz.drawing.saving import Destination, find_destination, write_animation
from filtviz.drawing.selection import arrange
from filtviz.drawing.sheet import Legend, Sheet, SheetTexts, spec_of
from filtviz.drawing.showing import shipped_settings
from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Network

from .end_parts import ends
from .graph_parts import boxes
from .layout_parts import layouts, terminals
from .making import layer_of, numbers, pages_of, random_weights, said, short, summed
from .sheet_parts import comparisons, made
from .window_parts import strips, windows

__all__ = ["all_lines"]

FEW = 10**15


CLEAR, GLASS, RED, BLUE = (0, 0, 0, 0), (0, 1, 0, 0.5), (1, 0, 0, 1), (0, 0, 1, 1)
MAPS: dict[str, tuple[list[Any], Any]] = {
    "two": ([RED, BLUE], None),
    "bad and opaque": ([RED, BLUE, RED], BLUE),
    "bad and red": ([BLUE, RED], RED),
    "bad and clear": ([RED, BLUE], CLEAR),
    "bad and glass": ([RED, BLUE], GLASS),
    "glass first": ([GLASS, RED], None),
    "glass last": ([RED, BLUE, GLASS], None),
    "all glass": ([GLASS], None),
    "one": ([BLUE], None),
    "grayish": ([RED, BLUE], None),
}


@contextmanager
def _maps() -> Iterator[None]:
    """Let matplotlib know colour maps of which all is known, opaque and not."""
    for name, (own, bad) in MAPS.items():
        made = ListedColormap(own, name=name)
        colormaps.register(made if bad is None else made.with_extremes(bad=bad), name=name)
    try:
        yield
    finally:
        for name in MAPS:
            colormaps.unregister(name)
        colours.find_palette.cache_clear()


def palettes() -> Iterator[str]:
    """Yield of which colours pages are made, and which weight has which."""
    values = np.array([[[0, 1, 2, 4]], [[5, 5, 5, 5]], [[np.nan, 0, np.inf, 1]], [[np.nan] * 4]])
    for name in ("gray", *MAPS):
        found = colours.find_palette(name)
        if found is None:
            yield f"palette {name}: none"
            continue
        facts = (
            f"{found.n} {found.bad} {found.background} {found.colours[-2:].tolist()} {summed(found.colours)}"
        )
        index = colours.index_colours(colours.scale_kernels(values), found)
        yield f"palette {name}: {facts}, indices {index.ravel().tolist()}"
    for kind in ("f2", "f4", "f8", "i1", "i8", "?", "u1"):
        held = np.array([[[0, 1, 1, 0]], [[1, 1, 1, 1]], [[0, 1, 3, 4]]]).astype(kind)
        scaled = colours.scale_kernels(held)
        yield f"scaled {kind}: {scaled.dtype} {numbers(scaled)}"
    far = np.array([[[0, 10**8]]]), np.array([[[0, 10**8 + 1]]])
    yield f"scaled from afar: {[str(colours.scale_kernels(one).dtype) for one in far]}"
    for scale in ("kernel", "filter", "layer"):
        weights = np.stack([values, -2 * values])
        limits = colours.symmetric_limits(weights, scale)  # type: ignore[arg-type]
        shown = colours.normalise(weights, limits)
        yield f"limits of {scale}: {limits.shape} {numbers(limits)}; {numbers(np.nan_to_num(shown, nan=9))}"
    steps = [-1, -0.9961, -0.5, -0.004, -0.0039, 0, 0.0039, 0.004, 0.5, 1, np.nan]
    yield f"steps {colours.index_steps(np.array(steps)).tolist()}"
    triples = [[-1, 0, 1], [0, np.nan, 0], [0.5, -0.5, 0.004]]
    yield f"primaries {colours.by_primaries(np.array(triples)).tolist()}"
    for name in (None, "two", colours.DIVERGING_OF_256):
        for n in (2, 5):
            yield f"bar of {name} in {n}: {colours.colour_bar(name, n).tolist()}"


def known_costs() -> Iterator[str]:
    """Yield what all takes where the pixels of matplotlib's version are known: others are asked for them."""
    is_proven_version.cache_clear()
    try:
        with patch.object(pixelmap, "PROVEN_VERSIONS", ("",)):
            yield from costs()
    finally:
        is_proven_version.cache_clear()


def costs() -> Iterator[str]:
    """Yield what views and pages take, and in which words they are refused."""
    layers = {
        str(shape): layer_of(random_weights(*shape), **({} if len(shape) == 4 else {"axes": axes}))
        for shape, axes in (
            ((1, 1, 1, 1), ""), ((6, 4, 3, 3), ""), ((3, 2, 7, 5), ""), ((5, 3, 6), "oir"),
            ((5, 7, 6), "oir"), ((2, 3, 2, 3, 3), "oidrc"),
        )
    }  # fmt: skip
    alike = {"sheet": SheetOptions(sort="similarity", components=2)}
    for name, layer in layers.items():
        for how in (
            {"view": "grid"}, {"view": "grid", "cmap": "two"}, {"view": "grid", "cmap": "bad and glass"},
            {"view": "grid", "dpi": 37.0, "figsize": (5.0, 2.5)}, {"view": "sheet"},
            {"view": "sheet", **alike},
            {"view": "components"}, {"view": "nmf"}, {"view": "nmf", **alike}, {"view": "rms"},
            {"view": "curves"},
        ):  # fmt: skip
            options = DrawingOptions(**how)  # type: ignore[arg-type]
            told = []
            for suffix in ("png", "pdf"):
                for n in (1, layer.n_channels):

                    def pay(
                        own: Account,
                        options: Any = options,
                        suffix: str = suffix,
                        n: int = n,
                        layer: Any = layer,
                    ) -> None:
                        pay_for_view(layer, range(n), options, suffix, own)

                    told.append(_spent(pay))
            shown = {key: "alike" if key == "sheet" else value for key, value in how.items()}
            yield f"cost of {name} {shown}: {'; '.join(dict.fromkeys(told))}"
    poor = Account({"work": 10, "pixels": 10})
    for name in ("(6, 4, 3, 3)", "(5, 3, 6)"):
        for suffix, options in (
            ("png", DrawingOptions()), ("pdf", DrawingOptions()), ("png", DrawingOptions(view="sheet")),
            ("png", DrawingOptions(view="sheet", **alike)),  # type: ignore[arg-type]
        ):  # fmt: skip
            refused = said(lambda o=options, s=suffix, n=name: pay_for_view(layers[n], [0], o, s, poor))
            yield f"too much: {refused}"
    sets = {
        "small": pages_of(layers["(6, 4, 3, 3)"]),
        "of two sizes": [*pages_of(layers["(6, 4, 3, 3)"]), *pages_of(layers["(3, 2, 7, 5)"], dpi=201.5)],
        "of two sizes, the other way round": [
            *pages_of(layers["(3, 2, 7, 5)"], dpi=201.5), *pages_of(layers["(6, 4, 3, 3)"])
        ],
        "without labels": pages_of(layers["(6, 4, 3, 3)"], labels=False),
        "captions": pages_of(
            layers["(6, 4, 3, 3)"], texts=SheetTexts(remarks=("a", "b", "", "a", "c", "d")), top=4
        ),
        "of a size": pages_of(layers["(6, 4, 3, 3)"], dpi=33.3, figsize=(4.5, 3.3)),
        "nolearn's": list(draw(layers["(6, 4, 3, 3)"], [0, 1], DrawingOptions())),
        "none": [],
    }  # fmt: skip
    for name, pages in sets.items():
        for suffix in ("png", "gif", "pdf"):
            found = _spent(lambda own, p=pages, s=suffix: pay_for_pages(p, s, own, "drawing it"))
            yield f"cost of pages {name} as {suffix}: {found}"
        yield f"too much of {name}: {said(lambda p=pages: pay_for_pages(p, 'png', poor, 'drawing it'))}"
    with patch.object(estimates, "LONGEST_SIDE", 800):
        for name, pages in sets.items():
            refused = said(lambda p=pages: pay_for_pages(p, "png", Account.unlimited(), "drawing it"))
            yield f"sides under 800, {name}: {refused}"
    page = sets["small"][0]
    yield f"cost in a terminal: {_spent(lambda own: pay_for_terminal(page, own, 'showing it'))}"
    yield f"too much: {said(lambda: pay_for_terminal(page, poor, 'showing it'))}"


def _spent(pay: Callable[[Account], None]) -> str:
    """What is paid the first time and the second, of work and pixels."""
    told = []
    own = Account({"work": FEW, "pixels": FEW})
    for _ in range(2):
        before = dict(own.left)
        try:
            pay(own)
        except FiltvizError as error:
            return short(f"{type(error).__name__}: {error}")
        told.append("/".join(str(before[share] - own.left[share]) for share in ("work", "pixels")))
    return " ".join(dict.fromkeys(told))


def figures() -> Iterator[str]:
    """Yield where the one image of a page of nolearn's lies."""
    for n, size, figsize, dpi in (
        (1, (3, 3), (6.0, 6.0), 100.0), (5, (3, 3), (6.0, 6.0), 100.0), (5, (5, 2), (3.0, 8.0), 72.0),
        (9, (2, 7), (10.5, 4.0), 33.3), (20, (5, 5), (6.0, 6.0), 100.0),
    ):  # fmt: skip
        grid = Grid.of(n, size, figsize, dpi)
        cells = np.arange(np.prod(grid.cells_shape) * 3).reshape(*grid.cells_shape, 3).astype(np.uint8)
        drawn = page_figure(cells, grid)
        (axes,) = drawn.axes
        (image,) = axes.images
        place_of = numbers([*axes.get_position().bounds, *drawn.get_size_inches(), drawn.dpi])
        how = f"{axes.axison} {axes.get_aspect()} {image.get_interpolation()} {image.origin}"
        yield f"figure of {n} of {size} on {figsize}: {place_of} {how} {summed(image.get_array())}"
    for offsets, n in (
        ([0.0], 3),
        ([0.0, 3.6, 7.2], 3),
        ([0.0, 3.63, 7.26], 3),
        ([0, 3.65], 3),
        ([0, 3.66], 3),
    ):
        index, length = _spread_axis(np.array(offsets, float), n)
        yield f"spread {offsets} of {n}: {length:.6g} {summed(index)} {np.bincount(index + 1).tolist()}"
    for n in (1, 3):
        kernels = np.arange(n * 6, dtype=float).reshape(n, 2, 3)
        drawn = draw_kernels(blank_figure((2, 2), 10), kernels, "gray")
        held = [f"{one.axison} {[numbers(image.get_array()) for image in one.images]}" for one in drawn.axes]
        yield f"axes of {n} kernels: {held}"
    for own in ("figure.constrained_layout.use", "figure.autolayout"):
        with matplotlib.rc_context({own: True, "figure.subplot.left": 0.4, "figure.subplot.top": 0.5}):
            made = blank_figure((2, 2), 10)
            margins = [
                getattr(made.subplotpars, side) for side in ("left", "right", "bottom", "top", "wspace")
            ]
            yield f"margins beside {own}: {made.get_layout_engine()} {numbers(margins)}"
    with matplotlib.rc_context({"font.size": 77}):
        matplotlib.rcParams["backend"] = "svg"
        with shipped_settings():
            yield f"settings: {matplotlib.rcParams['backend']} {matplotlib.rcParams['font.size']:g}"
        yield f"settings again: {matplotlib.rcParams['backend']} {matplotlib.rcParams['font.size']:g}"
    layer = layer_of(random_weights(3, 2, 3, 3))
    for cmap in ("two", "bad and glass"):
        options = DrawingOptions(cmap=cmap, figsize=(1.0, 0.5))
        for page in draw(layer, [1], options):
            assert isinstance(page, KernelGrid)
            own, raster = page.figure(), page.raster()
            told = f"{len(own.axes)} axes {raster and (raster.mode, raster.size)} {page.image().size}"
            yield f"page in {cmap}: {told} {page._repr_png_()[:4]!r} {page!r}"
    (page,) = pages_of(layer, figsize=(2, 1))
    yield f"sheet: {page._repr_png_()[:4]!r} {page!r} {page.part}"
    for own in (
        pages_of(layer),
        pages_of(layer_of(random_weights(5, 3, 2, 2)), primaries="rgb", figsize=(3, 2)),
    ):
        design = design_page(own[0])
        for dpi in (100.0, 50.0, 33.3, 72.0, 144.0, 219.5):
            told = []
            for mosaic in design.mosaics:
                placed = _place(mosaic, design, dpi)
                told.append(placed and [f"{first} {summed(cells)}" for first, cells in placed])
            yield f"placed at {dpi}: {_size(design, dpi)} {told}"
    with patch.dict("sys.modules"):
        known = is_proven_version.__wrapped__()
        sys.modules.pop("matplotlib")
        yield f"the version is known by its name too: {is_proven_version.__wrapped__() == known}"
    grid = Grid.of(4, (3, 3), (1.0, 1.0), 50.0)
    for shape in ((50, 50), (50, 49), (3, 2)):
        rows, cols = _nearest_maps(grid, shape)
        yield f"maps of {shape}: {summed(rows)} {summed(cols)}"
    cells = np.arange(4)
    for length in (8.0, 9.0, 10.5):
        for start in (0.5, 0.25, 0.01, 0.999):
            found = _sample(np.arange(0, length - 1) + start, length, cells)
            yield f"sampled {length} from {start}: {None if found is None else found.tolist()}"


def names() -> Iterator[str]:
    """Yield where names of any length are cut."""
    label, kind = "n" * 300, "t" * 300
    layer = replace(layer_of(np.ones((2, 1, 3, 3), "f4"), name=label), label=label, type=kind)
    curve = replace(layer_of(np.ones((2, 1, 3), "f4"), axes="oir", name=label), label=label, type=kind)
    flat = replace(layer_of(np.ones((2, 3), "f4"), axes="oi", name=label), label=label, type=kind)
    yield f"cautions {[short(one) for one in cautions(layer, [0], DrawingOptions())]}"
    odd = layer_of(random_weights(9, 2, 3, 7))
    for figsize in ((6.0, 6.0), (0.3, 6.0), (6.0, 0.12), (0.3, 0.12), (0.5, 0.25)):
        yield f"cautions on {figsize}: {cautions(odd, [0], DrawingOptions(figsize=figsize))}"
    for name, own in (("two axes", layer), ("one axis", curve), ("no axis", flat)):
        for view in ("grid", "curves", "sheet"):
            yield f"drawn with {name} as {view}: {said(lambda o=own, v=view: _drawn(o, v))}"
    texts = SheetTexts(source="s" * 300)
    yield f"title {short(pages_of(layer, texts=texts)[0].sheet.title)}"
    for output, suffix in (
        ("o" * 200 + ".png", "pdf"), ("o." + "x" * 60, None), ("o.PNG", "png"), ("o.PNG", None), ("o", "svg"),
        ("a.b/o", None), ("a.b/c.d.pdf", None), ("o.pdf/", None), (".", None), (None, "svg"),
        (None, None), ("o.npz", None),
    ):  # fmt: skip
        found = said(lambda o=output, s=suffix: _parts(find_destination(o, s)))
        yield f"output {short(str(output))} {suffix}: {found}"
    yield f"numbers: {said(lambda: _parts(find_destination('o.png', None, ('npz', 'csv'))))}"
    for figsize in (
        (1, 0),
        (0, 1),
        (-1, 1),
        (1, np.nan),
        (1, 0.001),
        (1, 656),
        (655.35, 1),
        (200, 200),
        "x",
        (1, 2, 3),
    ):
        yield f"figsize {figsize}: {said(lambda f=figsize: DrawingOptions(figsize=f).figsize)}"
    for dpi in (0, -1, np.inf, "x", "50", None, 0.1):
        yield f"dpi {dpi}: {said(lambda d=dpi: DrawingOptions(dpi=d).dpi)}"
    for how in (
        {"cmap": "c" * 60},
        {"cmap": "virids"},
        {"cmap": 3},
        {"view": "v" * 60},
        {"view": []},
        {"sheet": {}},
    ):
        yield f"option {short(str(how))}: {said(lambda h=how: DrawingOptions(**h).view)}"

    for channels in (3.5, "x", [(1, 2, 3)], [None], [(0, 1), 2], np.int64(1), np.array([0, 1]), "", "RGB"):
        found = said(lambda c=channels: settle(c, None, None, needs_sheet=False)[1])
        yield f"channels {type(channels).__name__} {channels}: {found}"
    for view, needs, primaries in (
        (None, False, None), (None, True, None), ("rms", True, None), (None, False, "rgb"),
        ("grid", False, "bgr"), ("rms", True, "bgr"), ("sheet", False, "bgr"), ("", False, None),
    ):  # fmt: skip
        options = DrawingOptions(dpi=7, sheet=SheetOptions(primaries=primaries))  # type: ignore[arg-type]
        asked = "rgb" if primaries == "rgb" else None

        def settled(view: Any = view, needs: bool = needs, options: Any = options, asked: Any = asked) -> str:
            found, ranges = settle(asked, view, options, needs_sheet=needs)
            return f"{found.view} {found.dpi:g} {found.sheet.primaries} {ranges}"

        yield f"settled {view} {needs} {primaries}: {said(settled)}"
    for view in ("rms", "sheet", "grid"):
        drawn = said(lambda v=view: filtviz.plot_sheet(random_weights(1, 3, 2, 2), view=v, channels="bgr"))
        yield f"in colours as {view}: {drawn}"
    yield f"no comparison: {said(lambda: filtviz.plot_comparison(3))}"  # type: ignore[arg-type]
    three = (np.full((1, 1, 2, 2), n) for n in (1.0, 2.0, 4.0))
    yield f"compared: {said(lambda: filtviz.compare(three).states)}"
    yield f"drawing: {said(lambda: settle(None, None, 3, needs_sheet=False))}"  # type: ignore[arg-type]
    for names in (["a"], []):
        yield f"names {names}: {said(lambda n=names: filtviz.compare([np.ones((1, 1, 2, 2))] * 2, n))}"


def _parts(found: Destination) -> str:
    return f"{found.folder.as_posix()} {found.stem} {found.suffix} {found.typed} {found.ending}"


def _drawn(layer: ConvLayer, view: str) -> str:
    (picture, *_) = draw(layer, range(layer.n_channels), DrawingOptions(view=view))
    return f"{type(picture).__name__} {picture!r}"


def animated() -> Iterator[str]:
    """Yield what animations hold: each frame's size and colours, and how they follow each other."""
    many = Image.fromarray(np.arange(24 * 24 * 3, dtype=np.uint16).reshape(24, 24, 3).astype(np.uint8))
    plain = Image.new("RGB", (10, 30), (1, 2, 3))
    for name, frames in {"two": [plain, many], "one": [many], "grey": [plain.convert("L"), plain]}.items():
        stream = io.BytesIO()
        write_animation(
            [frame.resize((4 * frame.width, 4 * frame.height), 0) for frame in frames], stream, "m"
        )
        with Image.open(stream) as held:
            told = [f"{held.size} {held.n_frames} {held.info.get('loop')} {held.info.get('comment')}"]
            for place in range(held.n_frames):
                held.seek(place)
                pixels = np.asarray(held.convert("RGB")).astype(int)
                blocks = pixels[:96, :40].reshape(24, 4, 10, 4, 3)
                even = bool((blocks == blocks[:, :1, :, :1]).all())  # what is one colour stays one
                told.append(
                    f"{held.info['duration']} {held.disposal_method} {even} {pixels[-1, -1].tolist()}"
                )
        yield f"animation of {name}: {' | '.join(told)}"


def through() -> Iterator[str]:
    """Yield what is said of filters that are seen through the layers below, however that is asked for."""
    first = building.conv(random_weights(2, 1, 3, 3), below=0)
    network = Network.of([building.image(1, 8, 8), first, building.conv(random_weights(2, 2, 3, 3), below=1)])
    bare = Network.of([ConvLayer.of(layer.W, None) for layer in network.conv_layers])
    images = np.random.default_rng(0).random((3, 1, 8, 8))
    for name, own, how in (
        ("bare", bare, {}), ("with images", network, {"images": images, "options": SheetOptions(top=1)}),
        ("stacked", bare, {"assume_stacked": True, "view": "rms"}),
    ):  # fmt: skip
        yield f"through, {name}: {said(lambda o=own, h=how: _words(filtviz.plot_through(o, 1, **h)))}"
    for work, how in (
        (1_000_000, {"through": True}), (1_000_000, {"badges": True}),
        (10**9, {"through": True, "images": images}),
    ):  # fmt: skip
        found = said(lambda h=how, w=work: _plotted(network, budget=Budget(work=w), **h))
        yield f"plotted within {work} {sorted(how)}: {found}"


def _words(figures: list[Figure]) -> list[str]:
    texts = [text.get_text() for one in figures for text in one.texts]
    return [re.sub(r"\d\.\d+", "#", text) for text in texts if len(text) > 12]


def _plotted(network: Network, **how: Any) -> str:
    found = filtviz.plot(network, layers=1, **how)
    notes = [re.sub(r"\d\.\d+", "#", one) for page in found.pictures for one in page.sheet.notes]  # type: ignore[attr-defined]
    return f"{notes} {[str(one) for one in found.failures]} {found.left_out}"


def sheets() -> Iterator[str]:
    """Yield what the tiles of sheets need, and the order of filters that hold what is no number."""
    for labels, headings, captions in (
        ((), (), ()), (("a", "bbb", "cc"), ("dddd", "e"), (("f", "gg"), ("hhhhh", ""), ("", "i"))),
        (("aaaa", "b", "c"), ("", "ee"), (("", ""),) * 3),
    ):  # fmt: skip
        sheet = Sheet(
            name="s", values=np.zeros((3, 2, 4, 5)), cmap="gray", labels=labels, headings=headings,
            captions=captions, legend=Legend(ticks=("0", "1"), meaning="m"), group=2,
        )  # fmt: skip
        yield f"spec {spec_of(sheet)}"
    weights = random_weights(7, 1, 2, 2).astype("f8")
    weights[0, 0, 0, 0], weights[3, 0, 1, 1], weights[5] = np.inf, -np.inf, 0
    weights[6, 0, 0, 1] = np.nan
    for order in ("index", "norm", "similarity"):
        for top in (None, 0, 1, 2, 3, 6):
            found = arrange(weights, order, top).tolist()  # type: ignore[arg-type]
            found = min(found, found[::-1]) if order == "similarity" else found  # which are as good
            yield f"order by {order}, {top}: {found}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/drawn_parts.txt`` holds."""
    with _maps():
        for each in (
            palettes,
            known_costs,
            windows,
            figures,
            names,
            sheets,
            animated,
            through,
            made,
            comparisons,
            layouts,
            terminals,
            strips,
            boxes,
            ends,
        ):
            yield from each()
