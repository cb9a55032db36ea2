"""How pictures are shown in windows, notebooks and side by side, as lines of text: a part of `parts_told`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from filtviz.drawing import DrawingOptions, showing
from filtviz.drawing.display import show_pictures

from .making import said, short, summed

__all__ = ["strips", "windows"]


def windows() -> Iterator[str]:
    """Yield how windows are asked for, on a screen that is pretended and without one."""
    from matplotlib import pyplot

    pixels = [Image.new("RGBA", size, colour) for size, colour in (((20, 10), "red"), ((30, 40), "blue"))]
    shown: list[Any] = [SimpleNamespace(image=lambda one=one: one) for one in pixels]
    for name, backend, framework, fails in (
        ("two", None, "qt", None), ("two by a name", "agg", "qt", None), ("no display", None, None, None),
        ("none that can be loaded", None, "qt", ImportError("x")),
        ("none of that name", "b" * 200, "qt", ValueError("x")),
        ("another error", None, "qt", KeyError("x")),
    ):  # fmt: skip
        seen: list[str] = []

        def use(backend: str, fails: Any = fails, seen: list[str] = seen) -> None:
            seen.append(f"use {short(backend)}")
            if fails is not None:
                raise fails

        def figure(framework: Any = framework, fails: Any = fails, seen: list[str] = seen, **how: Any) -> Any:
            if fails is not None:
                raise fails
            seen.append(f"figure {how}")

            def figimage(held: Any, **more: Any) -> None:
                seen.append(f"{held.shape} {held[0, 0].tolist()} {more}")

            canvas = SimpleNamespace(required_interactive_framework=framework)
            return SimpleNamespace(canvas=canvas, figimage=figimage)

        with (
            patch("matplotlib.use", use), patch.object(pyplot, "figure", figure),
            patch.object(pyplot, "show", lambda seen=seen: seen.append("show")),
            patch.object(pyplot, "close", lambda which, seen=seen: seen.append(f"close {which}")),
        ):  # fmt: skip
            try:
                told = said(lambda b=backend: show_pictures(shown, DrawingOptions(dpi=50), b))
            except KeyError as error:
                told = repr(error)
        yield f"windows, {name}: {told} | {' | '.join(seen)}"
    for n in (20, 21):
        with patch.object(pyplot, "figure", lambda **_: 1 / 0):
            try:
                told = said(lambda n=n: show_pictures(shown[:1] * n, DrawingOptions()))
            except ZeroDivisionError:
                told = "opened"
        yield f"{n} windows: {told}"


def strips() -> Iterator[str]:
    """Yield how pictures stand side by side: in a notebook, in a window, in files."""

    def made(place: int, **more: Any) -> Any:
        return SimpleNamespace(image=lambda: Image.new("RGB", (3 + place, 2), (place, 0, 9)), **more)

    sets = {
        "one": [made(1)], "channels": [made(0, channel=0), made(1, channel=7), made(2, channel=None)],
        "24": [made(0)] * 24, "25": [made(0)] * 25, "1,030": [made(0)] * 1030, "no": [], "odd": [made(0,
        channel="<b>")],
    }  # fmt: skip
    for name, pictures in sets.items():
        text = showing.strip_html(pictures)
        shown = re.sub(r"base64,[^\"]*", "base64,", text)
        head = shown if len(shown) < 700 else f"{shown[:200]}…{shown[-80:]}"
        yield f"strip of {name}: {shown.count('<img')} {head}"

    def figure(width: int, height: int) -> Figure:
        return Figure(figsize=(width / 10, height / 10), dpi=10, facecolor="red")

    for sizes in ([(9, 5)], [(9, 5), (4, 7)], [(9, 5)] * 3, [(2, 3)] * 4, [(2, 3)] * 5, [(2, 3)] * 10):
        beside = showing._beside([figure(*size) for size in sizes])
        red = (np.asarray(beside) == (255, 0, 0)).all(axis=2)
        yield f"beside {sizes[:2]} of {len(sizes)}: {beside.size} {red.sum()} {summed(red)}"
    yield f"figures {[repr(showing.Figures([figure(1, 1)] * n)) for n in range(3)]}"
    for name, n in (
        ("f.pdf", 2), ("f.PNG", 2), ("f.svg", 1), ("f.svg", 2), ("f.gif", 1), ("f." + "x" * 40, 1),
        ("there", 2), ("f.SVG", 2),
        ("there/", 11), ("f.png", 0), ("a.b/", 1),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/{name}"
            figures = showing.Figures([figure(9, 5) for _ in range(n)])
            found = said(lambda f=figures, p=path: [one.relative_to(folder).as_posix() for one in f.save(p)])
            left = [_content(one) for one in sorted(Path(folder).rglob("*")) if one.is_file()]
            yield f"saved as {short(name)} of {n}: {found.replace(folder, 'there')} {left}"
    yield from _shown(figure(3, 2))


def _content(path: Path) -> str:
    """What a file of pictures holds: how many pages, or how large a picture."""
    held = path.read_bytes()
    if held.startswith(b"%PDF"):
        return f"{len(re.findall(rb'/Type /Page ', held))} pages, dated {b'CreationDate' in held}"
    if held.startswith(b"<?xml"):
        return f"svg, dated {b'<dc:date>' in held}"
    with Image.open(path) as opened:
        return f"{opened.format} {opened.size}"


def _shown(figure: Figure) -> Iterator[str]:
    """Yield where figures are shown: below a cell where a kernel runs, else in windows."""
    figure.dpi = 70
    for name, shell in (
        ("kernel", SimpleNamespace(kernel=1)), ("shell", SimpleNamespace()),
        ("no kernel", SimpleNamespace(kernel=None)),
        ("nothing", None),
    ):  # fmt: skip
        seen: list[str] = []
        modules: dict[str, Any] = {
            "IPython": SimpleNamespace(get_ipython=lambda shell=shell: shell),
            "IPython.display": SimpleNamespace(display=lambda one, seen=seen: seen.append(f"display {one}")),
        }

        def show(pictures: Any, options: Any, seen: list[str] = seen) -> None:
            seen.append(f"windows {len(pictures)} {options.dpi} {pictures[0].image().size}")

        with patch.dict("sys.modules", modules), patch.object(showing, "show_pictures", show):
            showing.show([figure], "it")
            showing.show([], "none")
        yield f"shown in {name}: {seen}"
    with patch.dict("sys.modules"):
        sys.modules.pop("IPython", None)
        yield f"shown without IPython: {showing._is_in_notebook()}"
    own = showing.ShownFigure(figsize=(3, 2), dpi=10)

    def told(figures: Any, shown: Any) -> None:
        seen.append(f"{[one is own for one in figures]} {type(shown).__name__}")

    with patch.object(showing, "show", told):
        own.show()
        showing.Figures([own, own]).show()
    yield f"shown itself: {seen[-2:]} {own._repr_png_()[:4]!r} {own.image().size}"
