"""What notebooks, pandas and Python's prompt show of networks, diagnoses and pictures, as lines of text.

``python -m tests.telling`` writes ``tests/told/shown.txt`` and ``frames.txt`` anew.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import filtviz
from filtviz import Network
from filtviz.activations import Activation
from filtviz.drawing.showing import Figures, strip_html
from filtviz.errors import BudgetError, FiltvizError
from filtviz.measures.measure import Change, FilterDiagnosis, LayerDiagnosis
from filtviz.network import Origin
from filtviz.notebook import comparison_html, diagnosis_html, layer_png, network_html, plot_html
from filtviz.results import FileFailure, LayerFailure
from tests.building import as_layer, conv, image, pool
from tests.drawing.making import layer_of, random_weights

__all__ = ["all_lines", "frames"]

TOO_MUCH = BudgetError("too much", share="work", needed=2, allowed=1, option="--max-work")
LAST = LayerFailure("a layer", "the last", "no-layer")
ODD = "<b>&\u202e\x1b"


def networks() -> Iterator[tuple[str, Network]]:
    """Yield networks to show."""
    first = conv(random_weights(4, 3, 3, 3), np.zeros(4, "f4"), below=0, name="first", pad=((1, 1), (1, 1)))
    broken = random_weights(3, 4, 3, 3, seed=1)
    broken[1, 0, 0, 0] = np.nan
    second = conv(broken, None, below=2, name=ODD, stride=None)
    yield (
        "two",
        Network.of(
            [image(3, 12, 12), first, pool(2, below=1), second], Origin(path=Path("m.pkl"), kind="a network")
        ),
    )
    yield "one of no path", Network.of([image(3, 12, 12), first])
    yield "none", Network.of([image(3, 12, 12)], Origin(kind="an empty thing"))


def html_told(text: str) -> Iterator[str]:
    """Yield HTML, a tag or text a line; of pictures their sizes."""
    text = re.sub(r' style="[^"]*"', lambda found: f" style#{len(found[0])}", text)
    text = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "PNG", text)
    yield from (
        f"  {line!a}" for line in re.split(r"(?<=</tr>)|(?<=</p>)|(?<=</pre>)|(?=<img)", text) if line
    )


def notebooks() -> Iterator[str]:
    """Yield what a notebook shows."""
    for name, network in networks():
        yield f"== {name}"
        yield from html_told(network_html(network))
        diagnosis = filtviz.diagnose(network)
        yield from html_told(diagnosis_html(diagnosis))
        yield from (f"  | {line!a}" for line in str(diagnosis).splitlines())
        for layer in network.conv_layers:
            png = layer_png(layer)
            yield f"  {layer!a} {None if png is None else Image.open(BytesIO(png)).size}"
    for shape in ((3, 4, 5), (2, 2, 1, 1)):
        axes = {"axes": "oir"} if len(shape) == 3 else {}
        png = layer_png(layer_of(random_weights(*shape), **axes))
        yield f"layer {shape}: {None if png is None else Image.open(BytesIO(png)).size}"
    _, own = next(networks())
    for how in ({}, {"layers": (0, 1)}, {"layers": (0, 7)}, {"layers": (0,), "channels": "0"}):
        yield f"plot {how}"
        try:
            yield from html_told(plot_html(filtviz.plot(own, **how)))
        except FiltvizError as error:
            yield f"  {type(error).__name__}: {error}"
    before = Network.of([image(3, 12, 12), conv(random_weights(4, 3, 3, 3, seed=5), name="first", below=0)])
    for states in ((before, own), (own, own), (own, before, own)):
        yield from html_told(comparison_html(filtviz.compare(states)))
    found, drawn = filtviz.compare((before, own)), filtviz.plot(own, layers=0)
    for n in (198, 199, 200):
        many = comparison_html(replace(found, cautions=("a caution",) * n, failures=(LAST,)))
        yield f"{n} cautions of {len(found.comparisons)}: {many.count('<p>')} {'last' in many}"
        many = plot_html(replace(drawn, left_out=("<left>",) * n, failures=(LAST,)))
        yield f"{n} left out: {many.count('<p>')} {'last' in many} {'&lt;left&gt;' in many}"


def diagnoses() -> Iterator[str]:
    """Yield what is shown of made-up diagnoses."""
    _, own = next(networks())
    plain = filtviz.diagnose(own)
    (layer, *_) = plain.layers
    flags = FilterDiagnosis(index=0, norm=1.0, dead=True, duplicates=(1,), texture="smooth")
    for name, changed in (
        ("noise", replace(layer, residue=0.93, seen="noise")),
        ("measured", replace(layer, residue=0.4, changes=(Change(before="a", cos2=0.4),))),
        ("not measured", replace(layer, changes=(Change(before="a", reason="why"),))),
        (
            "marked",
            replace(layer, filters=(flags, replace(flags, index=1, dead=False)), verdict="structured"),
        ),
    ):
        for n in (1, 2):
            told = replace(
                plain,
                layers=(changed,) * n,
                look="look:",
                commands=("run this", "and that"),
                others=(("o:", "c"),),
            )
            yield f"== {name}, {n}"
            yield from html_told(diagnosis_html(told))
            yield from (f"  | {line!a}" for line in str(told).splitlines())
    for n in (200, 201):
        html = diagnosis_html(replace(plain, layers=(layer,) * n, left_out=("one",) * n))
        yield f"{n}: {html.count('<tr>')} {html.count('Left out')} {'more layer' in html}"
    lone: LayerDiagnosis = layer
    yield f"{lone!r} {plain!r} {len(plain)} {bool(plain)}"


def frames() -> Iterator[str]:
    """Yield the tables of pandas, column by column."""
    for name, network in networks():
        yield f"== {name}"
        diagnosis = filtviz.diagnose(network)
        comparison = filtviz.compare([network, network]).comparisons if network.conv_layers else ()
        tables = [network.to_frame(), *(diagnosis.to_frame(of) for of in ("layers", "filters", "measures"))]
        for table in (*tables, *(one.to_frame() for one in comparison)):
            yield f"  {table.shape} by {table.index.name}"
            yield from (
                f"    {column}: {[_cell(one) for one in table[column].tolist()[:4]]}" for column in table
            )
    empty = Network.of([]).to_frame()
    yield f"of no layers: {empty.shape} {list(empty)}"


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}"
    return ascii(value)[:60]


def figures() -> Iterator[str]:
    """Yield what is saved and shown of figures."""

    def made(n: int) -> Figures:
        return Figures(Figure(figsize=(0.2 + 0.1 * i, 0.3), dpi=100) for i in range(n))

    for n in (0, 1, 2, 3, 4, 5, 25):
        html = strip_html([_Plain(i) for i in range(n)])
        shown = made(n)._repr_html_()
        counts = html.count("<img"), html.count("220px"), html.partition("</div>")[2], shown.count("alt=")
        assert shown.partition("</div>")[2] == html.partition("</div>")[2]
        yield f"{n}: {made(n)!r} {counts}"
        yield f"  {re.findall(r'alt=.([a-z0-9 ]*)', html)[:3]}"
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a.png", "b.pdf", "c.svg", "d", "e.gif", "f/") if n < 3 else ("a.png", "d"):
                try:
                    written = made(n).save(f"{folder}/{name}")
                except FiltvizError as error:
                    yield f"  {name}: {error}".replace(folder, "HERE")
                    continue
                for path in written:
                    raw = path.read_bytes()
                    size = Image.open(BytesIO(raw)).size if path.suffix == ".png" else raw[:4]
                    yield f"  {name}: {path.relative_to(folder)} {size}"


class _Plain:
    def __init__(self, place: int) -> None:
        self.channel = place if place % 2 else None

    def image(self) -> Image.Image:
        return Image.new("L", (2, 2))


@dataclass(frozen=True)
class _Followed:
    """What follows files, put in the other order."""

    files: tuple[str, ...]
    order: tuple[int, ...]
    apart: tuple[int, ...] = ()


def results() -> Iterator[str]:
    """Yield what results say of themselves."""
    _, own = next(networks())
    plain = filtviz.diagnose(own)
    with tempfile.TemporaryDirectory() as folder:
        for result in (
            filtviz.plot(own), filtviz.plot(own, layers=(0, 1), channels="0"),
            filtviz.plot(own, layers=(0, 9)), filtviz.plot(own, output=folder), filtviz.compare((own, own)),
            filtviz.compare((own, own), layers=(0, 1)), filtviz.layers(own), plain,
            filtviz.graph(Network.of([*own.layers, as_layer(Activation(kind="tanh"), below=3)])),
        ):  # fmt: skip
            yield f"{result!r}"
    failed = FileFailure("x.pkl", "no model")
    for files in (
        ("a", "b", "c"),
        ("a", None, "b", "c"),
        (None, "a", "x", "b", "c", ""),
        ("a", "x", "b"),
        ("x",),
    ):
        outcomes = tuple(failed if file == "x" else replace(plain, file=file) for file in files)
        for fails in (None, TOO_MUCH, "nothing"):

            def follow(given: Sequence[str], fails: Any = fails) -> Any:
                if isinstance(fails, BudgetError):
                    raise fails
                return None if fails else _Followed(tuple(given), tuple(range(len(given)))[::-1][:3])

            found = filtviz.Diagnoses(outcomes=outcomes, follow=follow)
            told = f"{len(found.diagnoses)} {[one.file for one in found.failures]} {found.trajectory}"
            yield f"{files}, {fails!r}: {told}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/shown.txt`` holds."""
    for each in (notebooks, diagnoses, figures, results):
        yield from each()
