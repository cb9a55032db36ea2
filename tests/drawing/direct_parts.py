"""What functions of drawing give that are called directly, one fact varied at a time.

A part of `whole_told`.
"""

from __future__ import annotations

import re
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tests.accounts import Counted
from tests.building import conv, image

import filtviz
from filtviz.drawing import DrawingOptions, colours, draw, pixelmap, showing
from filtviz.drawing.estimates import pay_for_pages, pay_for_terminal, pay_for_view
from filtviz.drawing.graphs.boxes import Box, Graph, graph_of
from filtviz.drawing.graphs.texts import as_dot, as_lines, as_mermaid
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.pixelmap import is_proven_version
from filtviz.drawing.plotting import LayerPictures, _figures_of
from filtviz.drawing.response_tiles import between, coloured, largest, response_sheet, visible
from filtviz.drawing.saving import (
    Destination,
    _number_ids,
    looks_like_pictures,
    plan_files,
    write_pages,
)
from filtviz.drawing.selection import as_ranges, choose_channels, parse_channels
from filtviz.drawing.sheet import SheetTexts, with_badges, with_composition
from filtviz.drawing.showing import Figures, shipped_settings
from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.operations import Identity, Normalisation, Untold
from filtviz.parameter import Parameter

from .figures_told import figure_lines
from .making import layer_of, numbers, random_weights, said, short

__all__ = ["direct"]


def _magnitudes() -> Iterator[str]:
    """Yield the colours of kernels of any magnitude and type."""
    gray = colours.find_palette("gray")
    assert gray is not None
    kernel = np.array([[0.0, 1.0, 2.0], [0.5, 1.75, 0.25]])
    for kind, factor in (
        ("f8", 1e-308), ("f8", 1e-320), ("f8", 1e307), ("f4", 1e-37), ("f4", 2e-44), ("f4", 1e38),
        ("f2", 6e-8),
        ("f2", 3e4), ("f4", 1e-3), ("f8", -1.0), ("i2", 4.0), ("i4", -(2.0**29)), ("i8", 2.0**40),
        ("u1", 100.0),
    ):  # fmt: skip
        held = (kernel * factor).astype(kind)[None]
        scaled = colours.scale_kernels(held)
        yield f"{kind} of {factor:g}: {scaled.dtype} {colours.index_colours(scaled, gray).ravel().tolist()}"
        limits = colours.symmetric_limits(held[None], "layer")
        shown = colours.normalise(held[None], limits)
        yield f"  {limits.ravel().tolist() == [np.abs(held.astype(float)).max()]} {numbers(shown)}"
    for held in (
        [[-np.inf, 0, 1]],
        [[np.inf, 0, 1]],
        [[np.inf, -np.inf, 3]],
        [[np.nan, 5, 5]],
        [[-0.0, 0.0, 0.0]],
    ):
        index = colours.index_colours(colours.scale_kernels(np.array([held])), gray)
        sheet = colours.index_steps(colours.normalise(np.array([[held]]), np.array(4.0)))
        yield f"{held}: {index.ravel().tolist()} {sheet.ravel().tolist()}"
    for scale in ("kernel", "filter", "layer"):
        own = np.arange(-6.0, 6.0).reshape(2, 3, 1, 2)
        limits = colours.symmetric_limits(own, scale)  # type: ignore[arg-type]
        shown = numbers(colours.normalise(own, limits))
        yield f"limits by {scale}: {limits.shape} {limits.ravel().tolist()} {shown}"
    for name in ("gray", colours.DIVERGING_OF_256, "n" * 60):
        few = np.array([-1, -0.25, 0, 1, np.nan])
        told = said(lambda n=name, few=few: colours.by_colour_map(few, n).tolist())
        yield f"steps of {short(name)}: {told}"


def _exact(values: Any) -> str:
    return " ".join(f"{float(one) + 0.0:.5g}" for one in np.ravel(values))


def _tiles() -> Iterator[str]:
    """Yield how numbers become tiles: their scale, their colours, and the sheet for a terminal."""
    rows: tuple[list[float], ...] = (
        [0.0, 1.0], [0.25, 0.5], [-1.0, 3.0], [2.0, 2.0], [0.0, 0.0], [np.nan, np.inf], [np.nan, -4.0, 2.0],
        [1e308, -1e308], [5e-324, 0.0], [1.0], [1.5, 0.0, np.inf],
    )  # fmt: skip
    for held in rows:
        values = np.array(held)
        yield f"tiles {held}: largest {largest(values):g}, {_exact(between(values, -1.0, 3.0))}"
        for n in (1, 2, 3):
            seen = np.nan_to_num(
                visible(np.stack([values / k for k in range(1, n + 1)])[:, None]), nan=7, posinf=8, neginf=-8
            )
            yield f"  {n} channels: {seen.shape} {numbers(seen)[:200]}"
        yield f"  in gray {numbers(coloured(values, -1.0, 3.0, 'gray'))}"
        for signed in (True, False):
            sheet = response_sheet(
                values[None, None, None], part="p", title="t", notes=["n"], meaning="m",
                signed=signed, cmap="c",
                labels=["l"], captions=[["k"]] if signed else (),
            )  # fmt: skip
            shown = numbers(np.nan_to_num(sheet.values, nan=7))
            yield f"  {shown} {sheet.legend.ticks} {sheet.name} {sheet.captions} {sheet.signed} {sheet.cmap}"
    odd = np.array([[[0.5, np.nan]], [[np.inf, 0.25]], [[0.0, 1.0]]])
    yield f"  odd in some channels: {_exact(visible(odd))} {_exact(visible(odd[:2]))}"
    yield f"  nothing between: {numbers(between(np.array([1.0, 2.0]), 2.0, 2.0))}"


def _files() -> Iterator[str]:
    """Yield which files pictures go to, what files look like, and what is written into them."""
    made = {n: [SimpleNamespace(part=f"ch{i}" if n > 1 else "") for i in range(n)] for n in (0, 1, 2)}
    for sizes, stem, suffix in product(
        ((1,), (2,), (1, 1), (2, 1), (0,), ()), (None, "out"), ("png", "pdf", "svg")
    ):
        pictures: Any = {f"conv{i}": made[n] for i, n in enumerate(sizes)}
        planned = plan_files(pictures, "model", Destination(Path("f"), stem, suffix, suffix.upper()))
        told = [f"{one.path.as_posix()} {len(one.pictures)}" for one in planned]
        yield f"files of {sizes} as {stem}.{suffix}: {told}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        for held in (
            b"",
            b"\x89PNG\r\n\x1a\n0",
            b"\x89PNG",
            b"%PDF-1.4",
            b"%PDF",
            b"<?xml?>",
            b"<svg>",
            b" %PDF-",
        ):
            path.write_bytes(held)
            found = [one for one in ("png", "pdf", "svg") if looks_like_pictures(path, one)]
            yield f"{held!r} looks like {found}"
    svg = b'<g id="a"/><u xlink:href="#a" id="bb"/><c clip-path="url(#a)"/><p fill="url(#no)" href="#bb"/>'
    yield f"ids: {_number_ids(svg)!r}"
    layer = layer_of(random_weights(2, 17, 2, 2))
    options = DrawingOptions(figsize=(0.3, 0.2), dpi=50)
    for suffix, mark, n in (("svg", "", 1), ("svg", "m", 1), ("pdf", "", 1), ("png", "m", 1)):
        stream = BytesIO()
        write_pages(draw(layer, range(n), options), suffix, options, stream, mark)
        held = stream.getvalue()
        notes = re.findall(
            rb"<dc:subject>.*?</dc:subject>|/Keywords ?\([^)]*\)|<dc:date>|CreationDate|Source\0\w",
            held,
            re.S,
        )
        notes = [re.sub(rb"\s+", b" ", one) for one in notes]
        yield f"{n} as {suffix} marked {mark!r}: {len(re.findall(rb'/Type /Page', held)) > n} {notes}"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.b", "c.svg", "plain"):
            Path(folder, name).mkdir()
            figures = Figures([Figure(figsize=(0.2, 0.1), dpi=50)] * 2)
            found = said(
                lambda f=figures, n=name: [
                    one.relative_to(folder).as_posix() for one in f.save(f"{folder}/{n}")
                ]
            )
            yield f"figures into the folder {name}: {found}"
        missing = said(lambda f=figures: len(f.save(f"{folder}/new/deep")))
        yield f"figures into a new folder: {missing.replace(folder, 'there')}"


def _asked() -> Iterator[str]:
    """Yield which channels texts and numbers are."""
    layer = layer_of(random_weights(1, 6, 1, 1), name="c")
    for text in (
        "all", " ALL ", "0", "0,2-5", "3-0", "0-0", "2 - 3", " 1 , 1", "5-5,0", "6", "0-6", "-1", "1-", "",
        ",", "a", "1,", "1,,2",
        "1" * 9, "1" * 10, "٣", "0x1", "1.0", "4-2", "1-1-1", "0\n", "2-3\n,1",
    ):  # fmt: skip
        read = said(lambda t=text: parse_channels(t))
        chosen = said(lambda t=text: list(choose_channels(layer, parse_channels(t))))
        yield f"channels {text!a}: {read} {chosen}"
    pairs: tuple[Any, ...] = (
        0, 5, 6, -1, True, [0, 2], [(0, 2), 4], [(2, 0)], [(-1, 2)], [(0, 9)], [[1, 2]], range(3), (), {4, 1},
        np.array([3, 1]), np.uint8(2), 1.0, [1.5], ["0"], [(1, 2, 3)], [()], {"a": 1},
        [(0, 0), (0, 0)],
        iter([1, 5]),
    )  # fmt: skip
    for given in pairs:
        ranges: list[Any] = []
        read = said(lambda g=given, r=ranges: r.append(as_ranges(g)) or r[0])
        chosen = said(lambda r=ranges: list(choose_channels(layer, r[0]))) if ranges else ""
        kind = type(given).__name__
        yield f"channels {kind} {'' if 'iter' in kind else given}: {read} {chosen}"
    for cmap in ("Rdbu_r", "Viridi", "rainbov", "GRAY", "", "RdBu_r_r", "no such map at all", "gray ", None):
        yield f"colour map {cmap!r}: {said(lambda c=cmap: DrawingOptions(cmap=c).cmap)}"
    shipped = dict(matplotlib.rcParamsDefault) | {"backend": "ps", "font.size": 3}  # as a packager may
    with patch.object(matplotlib, "rcParamsDefault", shipped), shipped_settings():
        own = matplotlib.rcParams
        yield f"drawn by another: {own['backend'] == 'ps'}, in letters of {own['font.size']:g}"
    try:
        choose_channels(layer, [(0, 7)])
    except FiltvizError as error:
        yield f"wanted {getattr(error, 'wanted', None)!r}"


def _known() -> Iterator[str]:
    """Yield what all takes where the pixels of matplotlib's version are known, as if they were."""
    is_proven_version.cache_clear()
    try:
        with patch.object(pixelmap, "PROVEN_VERSIONS", ("",)):
            yield from _taken()
    finally:
        is_proven_version.cache_clear()


def _taken() -> Iterator[str]:
    """Yield all that pictures take, held memory among it, in every format."""
    layers = {
        "one weight": layer_of(random_weights(3, 2, 1, 1)), "plane": layer_of(random_weights(6, 4, 3, 5)),
        "curve": layer_of(random_weights(4, 7, 9), axes="oir"),
        "volume": layer_of(random_weights(2, 3, 2, 3, 3), axes="oidrc"),
        "dense": layer_of(random_weights(2, 3), axes="oi"),
    }  # fmt: skip
    for (name, layer), view, suffix in product(
        layers.items(), ("grid", "sheet", "rms", "components", "nmf"), ("png", "svg", "gif")
    ):
        for sort, n in (("index", 1), ("similarity", 2)):
            account = Counted()
            sheet = SheetOptions(sort=sort, components=3)  # type: ignore[arg-type]
            options = DrawingOptions(view=view, figsize=(2.0, 1.0), dpi=37.0, sheet=sheet)
            pay_for_view(layer, range(n), options, suffix, account)
            once = str(account)
            pay_for_view(layer, range(n), options, suffix, account)
            yield f"{name} as {view} in {suffix}, {sort}: {once} | {account}"
    texts = SheetTexts(remarks=("a", "", "a", "b", "c", "0"))
    for size, suffix, labels in product((None, (3.33, 2.22)), ("png", "gif", "svg", "pdf"), (True, False)):
        options = DrawingOptions(view="sheet", dpi=55.5, sheet=SheetOptions(figsize=size, labels=labels))
        pages: Any = list(draw(layers["plane"], range(4), options, texts))
        account = Counted()
        pay_for_pages(pages, suffix, account, "it")
        terminal = Counted()
        pay_for_terminal(pages[0], terminal, "it")
        yield f"{len(pages)} pages of {size} in {suffix} {labels}: {account}; {terminal}"


def _all_shown() -> Iterator[str]:
    """Yield how many figures are made and shown of many."""
    pages: Any = (SimpleNamespace(figure=lambda i=i: i) for i in range(30))
    yield f"30 figures: {len(_figures_of(pages))}"
    weights = random_weights(4, 3, 2, 3).astype("f8")
    weights[1, 2, 0, 0] = np.nan
    for name, made in {
        "weights": filtviz.plot_conv_weights(weights, figsize=(2, 1)),
        "a sheet": filtviz.plot_sheet(weights, SheetOptions(top=2), channels="0,2", dpi=50),
        "strengths": filtviz.plot_sheet(weights, view="rms"),
        "colours": filtviz.plot_sheet(weights, SheetOptions(scale="filter"), channels="rgb"),
        "filters on the image": filtviz.plot_through(
            _two(random_weights(4, 2, 3, 3)), 1, SheetOptions(top=1), view="rms", dpi=50
        ),
        "states": filtviz.plot_comparison(
            filtviz.compare([weights[2:], 2 * weights[2:]]), SheetOptions(top=1), dpi=5
        ),
    }.items():
        sizes = [f"{one.dpi:g} {numbers(one.get_size_inches())} {len(one.axes)}" for one in made]
        yield f"drawn as {name}: {sizes} {[text.get_text() for text in made[0].texts]}"
    figures = Figures([Figure(figsize=(0.1, 0.1))] * 3)
    for most in (1, 2, 3):
        with patch.object(showing, "MOST_SHOWN", most):
            shown = figures._repr_html_()
        yield f"{most} shown of 3: {shown.count('<img')} {shown[shown.rindex('>', 0, -6) :]}"


def _laid() -> Iterator[str]:
    """Yield how kernels lie on figures, whatever a person has set."""
    layer = layer_of(random_weights(3, 2, 3, 2))
    odd = {"origin": "lower", "interpolation": "bilinear", "aspect": "auto", "cmap": "jet"}
    with matplotlib.rc_context({f"image.{name}": value for name, value in odd.items()}):
        made = {"weights": filtviz.plot_conv_weights(layer, figsize=(1, 1))[0]}
        for view in ("grid", "sheet"):
            made[view] = next(draw(layer, [0], DrawingOptions(view=view, figsize=(1.0, 1.0)))).figure()
        for name, figure in made.items():
            for axes in figure.axes:
                ticks = len(axes.get_xticks()) > 0, len(axes.get_yticks()) > 0
                how = [f"{one.origin} {one.get_interpolation()} {one.get_cmap().name}" for one in axes.images]
                yield f"on axes of {name}: {axes.axison} {ticks} {axes.get_aspect()} {how}"
    texts = SheetTexts(source="m", notes=("a note",))
    options = DrawingOptions(view="sheet", sheet=SheetOptions(figsize=(3, 4)))
    (page,) = draw(layer_of(random_weights(1, 101, 3, 3)[[0, 0]]), range(88, 101), options, texts)
    yield from figure_lines(page.figure())


def _two(weights: NDArray[Any]) -> Network:
    """A network of two convolutions, the second with these weights."""
    first = conv(random_weights(2, 3, 5, 5), below=0)
    return Network.of([image(3, 16, 16), first, conv(weights, below=1)])


def _composed() -> Iterator[str]:
    """Yield what is said of pictures of nolearn's layout that show filters on the image."""
    weights = random_weights(4, 2, 3, 3)
    weights[1] = 0
    network = _two(weights)
    for through, ranges, dpi in product((False, True), (None, ((1, 1),), ((2, 2),)), (100.0, 20.0)):
        made = LayerPictures(
            network=network, source="m", options=DrawingOptions(view="grid", figsize=(1.0, 1.0), dpi=dpi),
            ranges=ranges, through=through, stacked=False, images=None, badges=False,
            suffix="png", account=Counted(),
        )  # fmt: skip
        told = said(lambda m=made: m.pictures(network.conv_layers[1]))
        yield f"through {through}, {ranges} at {dpi:g}: {told}"
    for figsize in ((6.0, 6.0), (3.0, 3.0)):
        for layer in network.conv_layers:
            options = DrawingOptions(view="sheet", sheet=SheetOptions(figsize=figsize))
            own = replace(made, options=options, through=False, ranges=None, account=Counted())
            yield f"{len(own.pictures(layer)[0])} pages of {layer.index} on {figsize}: {own.account}"
    for view, part in product(("sheet", "rms", "components"), ("", "p")):
        (page, *_) = draw(layer, range(2), DrawingOptions(view=view), SheetTexts(part=part))
        yield f"{view} called {part!r}: {page.part}"
    composed: Any = SimpleNamespace(sentences=("one", "two"), remarks=("r",))
    for texts in (
        SheetTexts(),
        SheetTexts(notes=("own",), part="p", remarks=("x",), orientation="o", source="s"),
    ):
        yield f"composed: {with_composition(composed, texts)}"
    facts: dict[str, Any] = {
        "nonfinite": False, "dead": False, "decayed": False, "duplicates": (), "texture": "",
        "composed_texture": "",
        "classical": None,
    }  # fmt: skip
    for found in (
        {},
        {"dead": True},
        {"nonfinite": True, "classical": 1, "duplicates": (2,)},
        {"composed_texture": "rough", "texture": "smooth"},
    ):
        for remarks in ((), ("a", "", "c")):
            own: Any = SimpleNamespace(
                filters=[SimpleNamespace(index=1, **(facts | found)), SimpleNamespace(index=2, **facts)]
            )
            told = with_badges(own, 3, SheetTexts(remarks=remarks, notes=("n",)))
            yield f"badges {found} {remarks}: {told.remarks} {told.notes}"


def _graphs() -> Iterator[str]:
    """Yield graphs of boxes of any words, and which layers stand in one box."""
    kinds: tuple[tuple[Any, Any], ...] = (
        ("input", None), ("dense", ()), ("join", (0, None)), ("shape", (3,)), ("input", (1, 2)),
    )  # fmt: skip
    boxes = tuple(
        Box(
            kind=kind, title=f"t{i}" * (1 + i), lines=("a", "b", "c & d", "e")[:i], shape=shape, layers=(i,),
            parameters=0,
        )
        for i, (kind, shape) in enumerate(kinds)
    )  # fmt: skip
    graph = Graph(
        name='a "name"', summary="s", boxes=boxes, links=((0, 1), (0, 2), (1, 3), (2, 3)), is_told=True
    )
    for own in (graph, replace(graph, is_told=False, links=((1, 2), (3, 4), (0, 3), (0, 4)))):
        yield from as_dot(own).splitlines()
        yield from as_mermaid(own).splitlines()
        yield from (str(row) for row in as_lines(own))
    many = replace(graph, boxes=graph.boxes * 21, links=tuple((n, n + 1) for n in range(104)))
    for text in (as_dot(many), as_mermaid(many)):
        yield f"of many boxes: {len(text)} {zlib.crc32(text.encode()):08x}"
    scale = Normalisation(gamma=Parameter.of("gamma", np.ones(2)), is_batch=False)
    relu = conv(random_weights(2, 1, 3, 3), below=0)
    drop = Identity(what="Dropout")
    for name, operations, below in (
        ("dropout", (drop,), (1,)), ("twice", (drop, drop), (1,)), ("of two", (drop,), (1, 0)),
        ("of the image", (drop,), (0,)),
        ("untold", (Untold(reason="r"),), (1,)), ("nothing", (), (1,)), ("scale", (scale,), (1,)),
    ):  # fmt: skip
        layers = [image(1, 8, 8), relu, image(1, 8, 8)]
        layers[2] = replace(layers[2], type="T", operations=operations, inputs=below, name=name)
        last = replace(layers[2], operations=(drop,), inputs=(2,), name="last")
        for whole in (False, True):
            found = graph_of(Network.of([*layers, last]), whole=whole)
            told = [
                f"{box.kind} {box.title} {box.lines} {box.layers} {box.shape_text} {box.parameters}"
                for box in found.boxes
            ]
            yield f"boxes of {name}, whole {whole}: {found.summary} {found.links} {found.is_told} {told}"


def direct() -> Iterator[str]:
    """Yield what functions give that are called directly."""
    for each in (_magnitudes, _tiles, _files, _asked, _known, _all_shown, _laid, _composed, _graphs):
        yield from each()
