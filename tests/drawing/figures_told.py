"""Where everything lies on figures that matplotlib draws: pictures of answers, graphs, as lines of text.

``python -m tests.telling`` writes ``tests/told/figures.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from filtviz.drawing import response_pictures as drawn
from filtviz.drawing.graphs import Graph, GraphPicture, as_dot, as_lines, as_mermaid, graph_of
from filtviz.drawing.response_tiles import ResponsePicture
from filtviz.responses import Codes, Maximised

from .answer_parts import answers

__all__ = ["all_lines", "figure_lines"]


def _numbers(values: Any) -> str:
    """A few numbers in three digits, none of them -0."""
    return " ".join(f"{float(one) + 0.0:.3g}" for one in np.round(np.ravel(values).astype(float), 4))


def _order(artist: Any) -> str:
    """What lies over what, and through what something is seen."""
    alpha = artist.get_alpha()
    return f" z{artist.get_zorder():g}{'' if alpha is None else f' {alpha:g}'}"


def _texts(owner: Any) -> Iterator[str]:
    for text in owner.texts:
        how = f"{text.get_ha()} {text.get_va()} {text.get_fontsize():g} {to_hex(text.get_color())}"
        how += " bold" * (text.get_weight() == "bold") + " as formulas" * text.get_parse_math()
        how += f"{_order(text)}{' turned' * bool(text.get_rotation())}"
        yield f"  {text.get_text()!r} at {_numbers(text.get_position())} {how}"


def figure_lines(figure: Figure) -> Iterator[str]:
    """All texts, images, lines and boxes of a figure, each with its place."""
    yield f"  figure of {_numbers(figure.get_size_inches())} inches"
    yield from _texts(figure)
    for axes in figure.axes:
        ends = [axes.get_xlim(), axes.get_ylim()]
        ticks = "".join(name for name in "xy" if len(getattr(axes, f"get_{name}ticks")()))
        yield f"  axes at {_numbers(axes.get_position().bounds)} {_numbers(ends)} ticks {ticks or 'none'}"
        sides = [
            f"{side} {to_hex(one.get_edgecolor())}" for side, one in axes.spines.items() if one.get_visible()
        ]
        if axes.axison:
            yield f"  shown on {to_hex(axes.get_facecolor())}, {' '.join(sides)}"
        if (legend := axes.get_legend()) is not None:
            framed = legend.get_frame_on()
            yield f"  legend {[text.get_text() for text in legend.get_texts()]} framed {framed}"
        if type(axes.xaxis.get_major_formatter()).__name__ == "FuncFormatter":
            yield f"  words at ticks {[label.get_text() for label in axes.get_xticklabels()]}"
        words = axes.get_title(), axes.get_xlabel(), axes.get_ylabel()
        yield from (f"  words {words}" for _ in "1" if any(words))
        yield from _texts(axes)
        for image in axes.images:
            pixels = np.nan_to_num(np.asarray(image.get_array(), float), posinf=8.0, neginf=-8.0)
            places = pixels.ravel() @ (np.arange(pixels.size) % 101 + 1.0)  # each place counts otherwise
            held = f"{pixels.shape} {_numbers([pixels.sum(), places])}"
            exact = image.get_interpolation() in ("none", "nearest")
            how = f"{image.get_cmap().name}{' exact' * exact} {image.get_alpha()} {image.origin}"
            yield f"  image at {_numbers(image.get_extent())} of {held} in {_numbers(image.get_clim())} {how}"
        for line in axes.lines:
            label = "" if line.get_label().startswith("_") else line.get_label()
            how = f"{label} {line.get_linewidth():g} {line.get_marker()} {line.get_markersize():g}"
            how += f" {line.get_linestyle()}{_order(line)}"
            yield f"  line {to_hex(line.get_color())} {how} through {_numbers(line.get_xydata())}"
        for patch in axes.patches:
            box = patch.get_path().get_extents(patch.get_patch_transform()).bounds
            fill, edge = to_hex(patch.get_facecolor()), to_hex(patch.get_edgecolor())
            how = f"{fill} {edge} {patch.get_linewidth():g} {patch.get_linestyle()}{_order(patch)}"
            yield f"  {type(patch).__name__} at {_numbers(box)} {how}"


def _pictures() -> Iterator[tuple[str, ResponsePicture]]:
    from tests.drawing.test_response_pictures import IMAGE, activity, patches

    for n in (1, 2, 11):
        yield f"activity of {n}", drawn.activity_picture(activity(n), IMAGE, "a.png")
        if n < 3:
            yield f"nolearn's activity of {n}", drawn.nolearn_activity_picture(activity(n), IMAGE)
        if n == 1:
            own = np.stack([IMAGE[0], IMAGE[0] / 2, 1 - IMAGE[0]])
            yield "nolearn's activity in colours", drawn.nolearn_activity_picture(activity(n), own)
        if n > 1:
            yield f"patches of {n}", drawn.patches_picture(patches(n), range(n), None, ["a note"] * 2)
    beside = np.array([[[[1.0, -2.0]]], [[[0.0, 0.0]]]])
    yield "patches beside filters", drawn.patches_picture(patches(), [1, 0], beside, [])
    huge = np.full((2, 2, 1, 2), 1e308) * [1, -0.5]
    yield "patches beside filters that are huge", drawn.patches_picture(patches(), [0, 1], huge, [])
    start = np.full((1, 2, 3), 0.5)
    for units in ((7,), (7, 3)):
        images = np.stack([start + 0.25, start - 0.5])[: len(units)]
        answers = np.array([[1.0, 2.0], [3.0, 4.5]])[:, : len(units)]
        found = Maximised(images=images, start=start, answers=answers, layer="l", units=units)
        for changed in (False, True):
            name = f"maximised {units}, changed {changed}"
            yield name, drawn.maximised_picture(found, "t", ["n"], changed=changed)
    seen = np.stack([np.zeros((1, 2, 2)), np.ones((1, 2, 2)), np.ones((1, 2, 2))])
    for n in (1, 2, 3):
        places = np.array([[0.0, 0.0], [10.0, 5.0], [4.0, 9.0]])[:n]
        found = Codes(layer="dense", codes=np.zeros((n, 4)), places=places, plane="pca")
        yield f"codes of {n}", drawn.codes_picture(found, seen[:n], ["n"])
    upon = Codes(layer="dense", codes=np.zeros((3, 4)), places=np.ones((3, 2)), plane="pca")
    yield "codes one upon another", drawn.codes_picture(upon, seen[::-1] * 0.5, [])
    heat = np.array([[-1.0, 0.0, 2.0]])
    for symmetric in (False, True):
        how = {"part": "p", "title": "t", "notes": ["n"], "meaning": "m", "cmap": "RdBu", "legend": "l"}
        yield f"heat, symmetric {symmetric}", drawn.heat_picture(IMAGE, heat, **how, symmetric=symmetric)
    for n in (1, 3):
        series = {"training": np.array([3.0, 2.0, 1.0])[:n], "validation": np.array([4.0, np.nan, 2.0])[:n]}
        yield f"losses of {n} epochs", drawn.loss_picture(series, "a title", ["a note"])


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/figures.txt`` holds."""
    from tests.drawing.test_graph import residual

    for name, picture in _pictures():
        yield f"== {name}: {picture.part}"
        yield from figure_lines(picture.figure())
        if picture.tell is not None:
            sheet = picture.sheet
            yield f"  sheet {sheet.labels} {sheet.headings} {sheet.captions} {sheet.legend}"
            yield f"  {sheet.values.shape} {_numbers(np.nansum(sheet.values, axis=(-1, -2)))[:300]}"
        for key, numbers in picture.arrays.items():
            yield f"  {key} {numbers.shape}"
    for name, graph in _graphs():
        yield f"== graph, {name}"
        yield from figure_lines(GraphPicture(graph).figure())
    for write in (as_dot, as_mermaid):
        yield from write(graph_of(residual())).splitlines()
    yield from (" | ".join(row) for row in as_lines(graph_of(residual())))
    yield from answers()


def _graphs() -> Iterator[tuple[str, Graph]]:
    from tests.drawing.test_graph import drawn as made
    from tests.drawing.test_graph import residual

    yield "residual", graph_of(residual())
    yield "of all layers", graph_of(residual(), whole=True)
    yield "concluded", replace(graph_of(residual()), is_told=False)
    yield "one", made(1, [])
    yield "two", made(2, [(0, 1)])
    yield "two apart", made(2, [])
    yield "three, of which one is linked to nothing", made(3, [(0, 2)])
    yield "a diamond", made(4, [(0, 1), (0, 2), (1, 3), (2, 3)])
    yield "crossing", made(6, [(0, 1), (0, 2), (0, 3), (1, 5), (2, 4), (3, 4), (1, 4)])
    yield "passing by", made(5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (1, 3)], 2)
    yield "with a lone one in a row", made(6, [(0, 1), (0, 3), (1, 4), (3, 4), (2, 5)])
    yield "an end beside a fork", made(5, [(0, 1), (0, 2), (1, 3), (1, 4)])
    yield "in columns", made(30, [(n, n + 1) for n in range(29)])
