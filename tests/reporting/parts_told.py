"""The parts of a page one by one, of made-up facts that vary one at a time, as lines of text.

``python -m tests.telling`` writes ``tests/told/page_parts.txt`` anew.
"""

from __future__ import annotations

import base64
import io
import itertools
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image
from tests.building import conv, image
from tests.telling import told

from filtviz import Preparation
from filtviz.budget import Account, Budget
from filtviz.errors import FiltvizError, MissingExtraError
from filtviz.measures.measure import Diagnosis, Finding, LayerDiagnosis
from filtviz.network import ConvLayer, Network, Origin
from filtviz.reporting import ReportResult, gathering, pictures, rendering, shown
from filtviz.reporting.content import PageContent, ReportedModel, Section, State, follow_measures
from filtviz.reporting.pictures import Layout, Sprite
from filtviz.reporting.rendering import ReportPage
from filtviz.responses.examining import Examination
from filtviz.running.preparing import size_of
from filtviz.sources import Sources

__all__ = ["PARTS", "all_lines"]


def judged(place: int = 0, shape: tuple[int, ...] = (2, 1, 3, 3), **facts: Any) -> LayerDiagnosis:
    """What was found of a layer."""
    usual = {"type": "C", "dtype": "float32", "verdict": "initial", "sentence": "So.", "initialiser": "one"}
    return LayerDiagnosis(conv_index=place, name=f"c{place}", shape=shape, **(usual | facts))  # type: ignore[arg-type]


def followed() -> Iterator[str]:
    """Yield what is followed of measures, whichever of the files have them."""
    for held in itertools.product(("", "r", "s", "rs"), repeat=3):
        names = {"r": "rms", "s": "residue"}
        diagnoses = [
            judged(
                findings=tuple(
                    Finding(measure=names[each], value=None if n == 1 else float(n), text="")
                    for each in reversed(own)
                )
            )
            for n, own in enumerate(held)
        ]
        found = follow_measures(diagnoses)
        told = [(each.measure, each.values, each.moved) for each in found.trails] if found else None
        yield f"{held}: {told}"
    yield f"alone: {follow_measures([judged()])} {follow_measures([])}"


def contents() -> Iterator[str]:
    """Yield what a page finds of its files, layers and pictures."""
    first, second = conv(np.ones((2, 1, 3, 3))), conv(np.ones((2, 2, 1, 1)))
    networks = [
        Network.of([image(1), *layers], Origin(path=Path(f"{name}.pkl")))
        for name, layers in (("a", [first, second]), ("b", [first]), ("c", [second, first]))
    ]
    files = tuple(
        ReportedModel(
            label=f"file {n}", network=network,
            diagnosis=Diagnosis(
                file=None, answer=f"answer {n}", shown="shown" if n != 1 else None,  # type: ignore[arg-type]
                layers=tuple(
                    judged(one.conv_index, one.filters.shape, sentence=f"{n}") for one in network.conv_layers
                ),
            ),
        )
        for n, network in enumerate(networks)
    )  # fmt: skip

    def section(place: int, *own: int) -> Section:
        states = tuple(
            State(
                file=files[n], layer=files[n].network.conv_layers[place],
                diagnosis=files[n].diagnosis.layers[place], histogram=None,
            )
            for n in own
        )  # fmt: skip
        return Section(anchor=f"layer-{place}-{len(own)}", states=states, pictures=())

    shared: tuple[tuple[int, ...], ...] = ((0, 0, 1), (1, 0), (0, 2), (1, 2))
    glance: Any = SimpleNamespace(conv_index=1, name="of 0")
    other: Any = SimpleNamespace(conv_index=5, name="of 2")
    for n_before, n_files, some in (
        (0, 3, shared), (1, 3, shared[::-1]), (2, 3, shared[:3]), (1, 2, shared[:2]), (0, 1, ((1, 0),)),
        (0, 2, ()),
    ):  # fmt: skip
        sections = tuple(section(*each) for each in some)
        content = PageContent(
            title="T", files=files[:n_files], sections=sections, n_before=n_before,
            glances=((files[0], glance), (files[n_files - 1], other)),
            figures=tuple((f"figure {n}",) for n in range(n_files - n_before)),  # type: ignore[arg-type]
        )  # fmt: skip
        yield f"{n_files} files, {n_before} before, {len(sections)} sections:"
        yield f"  main {content.main.label}, answered {[each.label for each in content.answered]}"
        yield f"  shown {[(file.label, figures) for file, figures in content.shown]}"
        told = {file.label: [each.name for each in content.glances_of(file)] for file in content.files}  # type: ignore[attr-defined]
        yield f"  glances {told}, open {[content.is_open(each) for each in content.sections]}"
        for line in content.lines:
            states = [None if each is None else (each.sentence, each.shape) for each in line.states]
            yield f"  line {states} last {line.last.sentence} in {line.section and line.section.anchor}"
        places = {
            (file.label, place): found.anchor
            for file in content.files
            for place in range(3)
            if (found := content.section_of(file, place)) is not None
        }
        yield f"  {places}"
    for one in (section(*each) for each in shared):
        held = [None if (state := one.state_of(file)) is None else state.file.label for file in files]
        yield f"{one.anchor}: {one.layer.filters.shape} {held}"


def named() -> Iterator[str]:
    """Yield what files and pages are called."""
    for paths in (
        ["a/m.pkl", "b/m.pkl"], ["m.pkl", "m.pkl", "n.pkl", "m.pkl"], [None, "a.pkl", None], ["a\x1b.pkl"],
        ["x" * 116 + ".pkl"], ["x" * 117 + ".pkl"], ["x" * 120 + "a.pkl", "x" * 120 + "b.pkl"], [],
    ):  # fmt: skip
        networks = [Network.of([], Origin(path=None if each is None else Path(each))) for each in paths]
        yield f"{paths}: {gathering.label_files(networks)}"
    for n, n_before in itertools.product(range(1, 6), range(4)):
        if n_before < n:
            yield f"{n}, {n_before} before: {gathering._title('abcde'[:n], n_before)}"
    for index, depth in itertools.product((0, 7), (0, 8, 16)):
        layer: Any = SimpleNamespace(n_filters=40, n_channels=50, conv_index=index)
        yield f"depth {depth} of {index}: {list(gathering._depth_notes(layer, depth))}"


def works() -> Iterator[str]:
    """Yield what sections cost."""
    few = gathering.FEW_CHANNELS
    for shape in (
        (1, 1, 1, 1),
        (4, 1, 3, 3),
        (4, 1, 2, 5),
        (2, few, 3, 3),
        (2, few + 1, 3, 3),
        (3, 20, 3, 3),
    ):
        layer = Network.of([conv(np.ones(shape))]).conv_layers[0]
        yield f"{shape}: {gathering._work_of(layer)} {gathering._size([(None, layer), (None, layer)])}"  # type: ignore[list-item]
    shapes = ((4, 1, 3, 3), (9, 4, 3, 3), (4, 9, 3, 3), (9, 4, 5, 5), (9, 9, 5, 5))
    layers = Network.of([conv(np.ones(shape), name=f"c{n}") for n, shape in enumerate(shapes)]).conv_layers
    costs = [gathering._work_of(layer) for layer in layers]
    for left in (sum(costs), sum(costs) - 1, costs[0] + costs[2], costs[0] + costs[2] - 1, 0):
        account = Account({"work": left, "pixels": 0})
        groups: Any = [[(None, layer)] for layer in layers]
        kept, sentences = gathering._affordable(groups, account)
        yield f"for {left}: {[group[0][1].label for group in kept]} {sentences} {account.left['work']}"
    sizes: tuple[Any, ...] = (None, (5, 5), (7, 3))
    for own, look_at, look_size, (place, last) in itertools.product(
        sizes, (None, 0, 1), sizes[:2], ((0, 0), (1, 1), (0, 1))
    ):
        states: Any = [
            SimpleNamespace(
                diagnosis=SimpleNamespace(composed_size=each),
                layer=SimpleNamespace(conv_index=at_),
                file=SimpleNamespace(diagnosis=SimpleNamespace(look_at=at, look_size=size)),
            )
            for at_, each, at, size in ((place, own, place, (9, 9)), (last, (1, 1), look_at, look_size))
        ]
        found = [gathering._composed_size(each) for each in (states, states[::-1])]
        yield f"composed {own}, asked for {look_at} {look_size}, of {place} and {last}: {found}"


def exact(pixels: Any) -> str:
    """The shape of an array of whole numbers, its corners and a sum in which each place counts."""
    found = np.ascontiguousarray(np.asarray(pixels, "<i8"))
    ends = found.reshape(-1)[[0, -1]].tolist()
    return f"{found.shape} {ends} {zlib.crc32(found.tobytes()):08x}"


def made(*shape: int) -> np.ndarray:
    """Whole numbers, in an order without a pattern."""
    return (np.arange(np.prod(shape)) ** 2 % 251).reshape(shape).astype(float)


def pixels() -> Iterator[str]:
    """Yield pictures made smaller, grey, put side by side, and how large they are shown."""
    for rows, cols in ((1, 1), (64, 3), (65, 3), (3, 65), (127, 128), (128, 129), (130, 64), (193, 200)):
        small = shown._shrunk(made(2, rows, cols))
        glance = pictures._shrunk(made(1, 2, rows, cols))
        yield f"{rows}x{cols}: {exact(np.rint(small * 36))} {exact(np.rint(glance * 36))}"
        tile = shown._tile(np.zeros((rows, cols, 3), np.uint8), "a caption", marked=rows > 64)
        part = shown._fitted(made(rows, cols, 3).astype(np.uint8))
        with Image.open(io.BytesIO(base64.b64decode(tile.url.partition(",")[2]))) as opened:
            size = f"{tile.width}x{tile.height} of {opened.size} {opened.mode}"
        yield f"  {tile.caption} {tile.marked} {size} {exact(part)}"
        layout = Layout(n=3, rows=rows, cols=cols, across=2, gap=1)
        sprite = Sprite(png=b"", layout=layout, zero=0, unit=1.0)
        yield f"  of three {layout.size}, shown as {rendering.zoomed(sprite)}"
    for name, values in (
        ("grey", [[[0.0, 0.5], [0.25, 1.0]]]), ("beyond", [[[-1.0, 0.5], [0.25, 3.0]]]),
        ("outside", [[[np.nan, 0.5], [0.25, 1.0]]]), ("two", [[[0.0]], [[1.0]]]), ("nothing", [[[np.nan]]]),
        ("three", [[[0.0, 1.0]], [[0.5, 1.0]], [[1.0, np.nan]]]), ("four", [[[0.25]]] * 4),
    ):  # fmt: skip
        yield f"{name}: {shown._grey(np.array(values)).tolist()}"
    for values in ([[1.0, -4.0]], [[np.inf, 2.0]], [[-np.inf, np.nan, 2.0]], [[0.0, 0.0]], [[np.nan]]):
        yield f"over the largest {values}: {shown._by_largest(np.array(values)).tolist()}"
    with np.errstate(all="raise"):
        for limit, span in ((0.0, 126), (2.0, 126), (5e-324, 127)):
            levels = pictures._levels(np.array([-limit, 0.0, np.nan, limit / 4, limit]), limit, span)
            yield f"levels up to {limit}: {levels.tolist()} {levels.dtype}"
    parts = [made(4, cols, 3).astype(np.uint8) for cols in (9, 10, 25)]
    wide = [made(4, 90, 3).astype(np.uint8)] * 2
    for some in ([], wide, parts[:1], parts, parts[::-1], [made(70, 90, 3).astype(np.uint8)] * 2):
        row = shown._in_a_row(some, (3, 99))
        yield f"in a row {len(some)}: {exact(row)} {row[0, :, 0].tolist()[:40]}"


def saved() -> Iterator[str]:
    """Yield where a page is saved, and how it is shown."""
    content: Any = SimpleNamespace(notes=("a note",))
    page = ReportPage.of('<p>é & "it"</p>', content, Sources())
    yield f"{page!r} {page.notes} {page._repr_html_()}"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("m.npz").write_bytes(b"mine")
        own = ReportPage.of("own", content, Sources().including(Path("m.npz")))
        for given in ("p.html", Path("q.html"), "", None, 3, b"p.html", "a\0b", "m.npz", "no/p.html", folder):
            for one in (page, own) if given == "m.npz" else (page,):
                try:
                    told = f"{one.save(given)!s} {Path(given).read_bytes()!r}"  # type: ignore[arg-type]
                except FiltvizError as error:
                    told = f"{type(error).__name__}: {error}"
                yield f"saved as {given!r}: {told}".replace(folder, "HERE")
    for path in ("p.html", "a\x1b.html", "x" * 200, "x" * 201):
        result = ReportResult(path=Path(path), content=content, page=page)
        yield f"{result!r} {result._repr_html_() == page._repr_html_()}"
    for mark in ("", "a mark"):
        policy = rendering.content_security_policy("script", f"style{mark}")
        yield f"policy: {policy}"


def stacked() -> Iterator[str]:
    """Yield which files are taken for stacks."""
    equal = np.ones((2, 2, 2, 2), "f4")
    for name, n_before, n in (("before", 1, 2), ("none before", 0, 1), ("two", 0, 2)):
        networks = [
            Network.of(
                [ConvLayer.of(equal, None), ConvLayer.of(equal, None)], Origin(path=Path(f"{place}.npz"))
            )
            for place in range(n)
        ]
        for assumed in (False, True):
            options = gathering.ReportOptions(assume_stacked=assumed)
            found = gathering.gather(networks[n_before:], options, before=networks[:n_before], notes="own")
            layers = [[told(*each.operations) for each in file.network.layers] for file in found.files]
            yield f"{name}, {assumed}: {layers} {found.notes}"


def asked() -> Iterator[str]:
    """Yield what is shown to a network, and with which labels, states and limits."""
    network = Network.of([image(1, 6, 6), conv(np.ones((2, 1, 3, 3), "f4"), below=0)])
    diagnosis = Diagnosis(file=None, layers=(), look_at=7)
    seen: list[str] = []
    how: dict[str, Any]

    def spent(budget: Any) -> str:
        return f"{budget.work} {budget.image_bytes and budget.image_bytes - size_of(how['images'])}"

    def examined(_: Network, images: Any, **more: Any) -> Examination:
        before, budget = more.pop("before"), more.pop("budget")
        seen.append(f"{images.shape} {images.mean():.3f} {more} {before and before[0]} {spent(budget)}")
        return Examination(n_images=len(images), layers=(), sentences=("its own",) * 5)

    def drawn(_: Network, found: Any, given: Any, *more: Any) -> Any:
        seen.append(f"{len(found.sentences)} {given.names} {more[0]} {spent(more[1])}")
        return ("figure",), ("left out",)

    with (
        tempfile.TemporaryDirectory() as folder, chdir(folder),
        patch.multiple(gathering, examine=examined, draw_images=drawn),
    ):  # fmt: skip
        pixels = np.linspace(0, 1, 72, dtype="f4").reshape(2, 1, 6, 6)
        np.savez("with.npz", images=pixels, labels=[1, 0])
        np.save("plain.npy", 3 * pixels)
        Path("right.txt").write_text("1\n1\n")
        for how in (
            {"images": pixels}, {"images": "with.npz"}, {"images": "with.npz", "labels": [0, 0]},
            {"images": "with.npz", "labels": "right.txt"}, {"images": pixels, "batch": 3},
            {"images": "plain.npy", "device": "cpu"}, {"images": "gone.npy"},
            {"images": "plain.npy", "preparation": Preparation(mean=(0.25,))},
        ):  # fmt: skip
            for before, budget in ((None, None), (("before", network), Budget(work=10**9))):
                seen.clear()
                options = gathering.ReportOptions(**how)
                try:
                    found = gathering._show_images(network, diagnosis, options, before, budget)
                except FiltvizError as error:
                    yield f"{error}"
                    continue
                named = {name: value for name, value in how.items() if not isinstance(value, np.ndarray)}
                yield f"{named}, {before and before[0]}: {seen} {found[1:]} {found[0].shown is not None}"


class Given:
    """Images that are shown."""

    def __init__(self, n: int, rows: int, cols: int) -> None:
        self.images = self.seen = np.linspace(0, 1, n * rows * cols).reshape(n, 1, rows, cols)
        self.names = [f"name {place}" + "x" * 40 * (place > 0) for place in range(n)]

    def __len__(self) -> int:
        return len(self.images)


def looked_at() -> Iterator[str]:
    """Yield where a network is said to look, by gradients or by what covers parts, and in which images."""
    asked: list[Any] = []

    def covered(_: Network, image: Any, side: int, budget: Any) -> Any:
        asked.append((image.shape, side, budget))
        return np.zeros((2, 2, 3), np.uint8)

    for n, rows, cols, heat in (
        (1, 4, 3, (1, 4, 3)), (2, 4, 3, (3, 4, 3)), (3, 3, 3, (3, 3, 3)), (4, 4, 3, (4, 3, 1)),
        (9, 2, 5, (2, 5, 3)), (1, 4, 3, None),
    ):  # fmt: skip

        def saliency(_: Network, image: Any, heat: Any = heat, **how: Any) -> Any:
            asked.append((image.shape, how))
            if heat is None:
                raise MissingExtraError("no torch")
            return made(*heat)

        asked.clear()
        with patch.multiple(shown, saliency=saliency, _covered=covered):
            found = shown._looks(Network.of([]), Given(n, rows, cols), None)  # type: ignore[arg-type]
        tiles = [(tile.caption, tile.width, tile.height, tile.marked) for tile in found.tiles]
        yield f"{n} of {rows}x{cols}, {heat}: {found.title} | {found.note} | {tiles} {asked}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "followed": followed,
    "contents": contents,
    "named": named,
    "works": works,
    "pixels": pixels,
    "saved": saved,
    "stacked": stacked,
    "asked": asked,
    "looked_at": looked_at,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/page_parts.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
