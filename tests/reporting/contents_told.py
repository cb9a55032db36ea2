"""What is gathered for pages on made-up networks, alone and side by side, as lines of text.

``python -m tests.telling`` writes ``tests/told/page_contents.txt`` anew.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.building import conv, image

from filtviz.budget import LAYER, Account, Budget
from filtviz.errors import FiltvizError
from filtviz.measures.initialiser_catalogue import CATALOGUE, Fans, possible_draws
from filtviz.measures.measure import Change, Diagnosis, FilterChange, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.network import ConvLayer, Network, Origin
from filtviz.reading import Hints, Limits
from filtviz.reporting import ReportOptions, _choose_path, gather, report
from filtviz.reporting.content import (
    Histogram,
    PageContent,
    Section,
    _is_known,
    _remark,
    _short,
    draw_histograms,
    filter_data,
    marked_filters,
)
from filtviz.reporting.gathering import _best_glance, gather_content, label_files
from filtviz.reporting.rendering import (
    bars,
    file_facts,
    null_curve,
    render_page,
    templates_of,
    trail_points,
    unbroken,
)
from filtviz.sources import Sources

from .models import network
from .sprites_told import glance, set_of

__all__ = ["all_lines"]

WHOLE = (
    "one",
    "two of other names",
    "since another shape",
    "structured",
    "lost",
    "all before",
    "in 30 bytes",
)
"""Of which pages all numbers are told; of others what is there."""

SMOOTH = np.outer([1, 2, 1], [1, 2, 1]) / 16


def _trained(seed: int, path: str, names: tuple[str, str] = ("low", "high")) -> Network:
    """Two layers of which the second has a pattern that can be seen, and odd filters."""
    drawn = np.random.default_rng(seed)
    first = drawn.uniform(-0.3, 0.3, (6, 1, 3, 3)).astype("f4")
    second = drawn.uniform(-0.2, 0.2, (16, 6, 3, 3)) + SMOOTH * drawn.normal(0, 1, (16, 6, 1, 1))
    second[3], second[5] = 0, second[2]
    return Network.of(
        [
            image(1, 30, 30),
            conv(first, np.zeros(6, "f4"), below=0, name=names[0], flip_filters=True),
            conv(second.astype("f4"), None, below=1, name=names[1], flip_filters=True),
        ],
        Origin(path=Path(path), kind="a Lasagne network"),
    )


def _bare(*shapes: tuple[int, ...], path: str = "bare.npz") -> Network:
    """Arrays between which nothing is told."""
    drawn = np.random.default_rng(1)
    layers = [ConvLayer.of(drawn.normal(0, 0.1, shape).astype("f4"), None) for shape in shapes]
    return Network.of(layers, Origin(path=Path(path), kind="arrays"))


def _lost(path: str) -> Network:
    weights = np.random.default_rng(2).uniform(-0.2, 0.2, (4, 1, 3, 3)).astype("f4")
    weights[1, 0, 0, 0] = np.nan
    return Network.of([image(1), conv(weights, below=0, name="lost")], Origin(path=Path(path)))


def _diagnosis(network: Network) -> Diagnosis:
    """What could have been found in a network: made up, so that it takes no time and knows every fact."""
    layers = tuple(_layer(network, place) for place in range(len(network.conv_layers)))
    last = len(layers) - 1
    is_deep = last > 0 and network.conv_layers[last].n_filters > 10
    return Diagnosis(
        file=None,
        layers=layers,
        look_at=last if is_deep else 0 if last == 2 else None,
        look_size=(5, 5) if is_deep else None,
        left_out=("of the measures",) if is_deep else (),
    )


def _layer(network: Network, place: int) -> LayerDiagnosis:
    layer = network.conv_layers[place]
    n, (rows, cols) = layer.n_filters, layer.kernel_size
    draw = random.Random(f"{layer.label}{n}{place}")
    filters = tuple(
        FilterDiagnosis(
            index=i, norm=draw.random(), share=draw.choice((None, draw.random())), dead=draw.random() < 0.2,
            texture=draw.choice((None, "smooth", "rough")), duplicates=draw.choice(((), (0, 1))),
            classical=draw.choice((None, "box")), classical_channel=draw.choice((0, 1)),
        )
        for i in range(n)
    )  # fmt: skip
    values = {key: draw.choice((None, round(draw.random(), 3))) for key in ("rms", "residue", "dead")}
    findings = [Finding(measure=key, value=one, text="") for key, one in values.items() if one != 0.5]
    draws = possible_draws(Fans.of((n, layer.n_channels, rows, cols)), CATALOGUE)
    return LayerDiagnosis(
        conv_index=place, name=layer.label, type="Conv", shape=(n, layer.n_channels, rows, cols),
        dtype="float32", verdict=draw.choice(("initial", "updated", "structured", "undecided")),
        sentence="So.", initialiser=draw.choice(("one", "two")), draws=draw.choice((None, draws[0])),
        findings=tuple(findings[draw.randrange(2) :]), filters=filters[draw.randrange(2) :],
        composed_size=draw.choice(((5, 5), None)) if place and n < 10 else None,
        notes=draw.choice(((), ("so and so",))),
    )  # fmt: skip


def _content(
    networks: Sequence[Network], n_before: int = 0, work: int = 10**12, **options: Any
) -> PageContent:
    """What a page says on networks of which no state is compared with another."""
    account = Account({"work": work, "pixels": 10**12})
    found = [_diagnosis(one) for one in networks]
    return gather_content(networks, found, ReportOptions(**options), account, n_before)


def cases() -> Iterator[tuple[str, Callable[[], PageContent]]]:
    """Yield pages on models alone and side by side."""
    two = (4, 1, 3, 3), (3, 4, 3, 3)
    a = network(*two, path="a.pkl")
    c, d, e = (replace(a, origin=replace(a.origin, path=Path(f"{name}.pkl"))) for name in "cde")
    named = network(*two, path="n.pkl", names=("x", "y"), seed=7)
    three = network((4, 3, 3, 3), (8, 4, 3, 3), (3, 8, 1, 1), path="t.pkl")
    trained, other = _trained(0, "s.pkl"), _trained(1, "r.pkl", ("u", "v"))
    no, lost = Network.of([], Origin(path=Path("no.pkl"))), _lost("l.pkl")
    sizes = sum(layer.weights.size for layer in three.conv_layers)
    together: dict[str, list[Network]] = {
        "one": [a], "two of other names": [a, named], "and the other way round": [named, a],
        "five": [a, named, c, d, e], "of other shapes": [a, three], "nothing beside something": [a, no],
        "nothing": [no], "lost": [lost], "structured": [trained],
        "structured and not": [trained, other, named],
    }  # fmt: skip
    for name, networks in together.items():
        yield name, partial(_content, networks)
    for name, networks, n in (
        ("since one", [c, a], 1), ("since another shape", [three, a], 1), ("two since one", [a, c, named], 1),
        ("since two", [a, trained, other], 2), ("since what is lost", [lost, a], 1),
        ("since nothing", [no, a], 1), ("nothing since something", [a, no], 1),
    ):  # fmt: skip
        yield name, partial(_content, networks, n)
    for layers in ((1,), ("conv2", 0), (2, "conv1", "conv1"), ("none",), 1, "conv3"):
        yield f"layers {layers}", partial(_content, [three], layers=layers)
    turned = network(*two, path="o.pkl", names=("y", "x"))
    yield "a name in other places", partial(_content, [named, turned], layers=("x",))
    yield "a layer that one has", partial(_content, [three, a], layers=(2,))
    for room in (2 * sizes, 2 * sizes - 1, sizes, sizes - 1, 30):
        yield f"in {room} bytes", partial(_content, [three], megabytes=room * 4 / 3 / 1e6)
    for work in (3_000_000, 3_500_000, 4_500_000, 8_000_000, 12_000_000):
        yield f"work {work}", partial(_content, [three], work=work)
    yield "work of one, of two", partial(_content, [trained, named], work=9_000_000)
    yield "bare", partial(_content, [_bare((4, 1, 3, 3), (3, 4, 3, 3))], assume_stacked=True)
    yield "all before", partial(gather, [named], before=[a, c], notes=["one", "two"])
    bare = _bare((4, 1, 3, 3), (3, 4, 3, 3))
    yield "stacked", partial(gather, bare, ReportOptions(assume_stacked=True), notes="a note")
    far = ReportOptions(input_range=(-9.0, -8.0), layers=(1,))
    yield "of dark images", partial(gather, _dark(), replace(far, layers=()))
    options, little = ReportOptions(layers=(1,)), Budget(work=LAYER * 3 + 20_000_000)
    yield "measuring one of all", partial(gather, a, options, budget=little)
    yield "and of two", partial(gather, [a, c], options, budget=Budget(work=36_000_000))


def _dark() -> Network:
    """What never answers to images that are below zero."""
    weights = np.abs(np.random.default_rng(3).normal(0, 1, (3, 1, 3, 3))).astype("f4")
    return Network.of([image(1, 8, 8), conv(weights, np.zeros(3, "f4"), below=0, name="dark")])


def told(content: PageContent, *, whole: bool) -> Iterator[str]:
    """Yield what a page says, of its pictures what they are."""
    yield f"  {content.title} ({content.n_before} before, measured {content.is_measured})"
    yield from (f"  note: {one}" for one in content.notes)
    yield from (f"  left out: {one}" for one in content.left_out)
    answered = [one.label for one in content.answered]
    yield f"  {content.main.label} of {answered}: {content.difference if len(answered) > 1 else ''}"
    for file in content.files:
        yield f"  {file.label}: {len(content.glances_of(file))} glances, {len(file_facts(file))} facts"
    for file, found in content.glances:
        yield f"  glance of {file.label}"
        yield from (f"  {line}" for line in glance(found, exact=not found.weights))
    for section in content.sections:
        yield from _section(section, whole=whole)
        places = [content.section_of(one, section.layer.conv_index) is section for one in content.files]
        yield f"    open {content.is_open(section)}, of files {places}"
    for line in content.lines:
        verdicts = [None if one is None else f"{one.name} {one.verdict}" for one in line.states]
        yield f"  line {verdicts}, last {line.last.name} {getattr(line.section, 'anchor', None)}"


def _section(section: Section, *, whole: bool) -> Iterator[str]:
    layer = section.layer
    yield f"  section {section.anchor}: {layer.title} {layer.filters.shape}"
    yield from (f"    note: {one}" for one in section.notes)
    for state in section.states:
        marked = {badge.word: indices for badge, indices in marked_filters(state)}
        yield f"    {state.file.label} {state.layer.label} {state.diagnosis.verdict} {marked}"
        yield f"    {_histogram(state.histogram)}"
    for each in section.pictures:
        shown = set_of(each, exact=each.key == "kernels") if whole else [f"  {each.key}"]
        yield from (f"  {line}" for line in shown)
    for trail in section.movement.trails if section.movement and whole else ():
        values = [None if one is None else float(f"{one:.3g}") for one in trail.values]
        moved = None if trail.moved is None else f"{trail.moved:.2g}"
        yield f"    {trail.measure} {values} {moved} {trail_points(trail.values)}"
    if whole:
        yield from (f"    {key}: {_data(value)}" for key, value in filter_data(section).items())


def _data(value: Any) -> str:
    """Data of a page's script: of tables of numbers a sum in which each place counts otherwise."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "; ".join(_data(one) for one in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={_data(one)}" for key, one in value.items())
    flat = list(_flat(value))
    if isinstance(value, list) and any(isinstance(one, float) for one in flat):
        known = [(place + 1) * one for place, one in enumerate(flat) if one is not None]
        return f"{len(flat)} {len(known)} {sum(known):.3g}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _flat(value: Any) -> Iterator[Any]:
    if not isinstance(value, list):
        yield value
        return
    for one in value:
        yield from _flat(one)


def _histogram(found: Histogram | None) -> str:
    if found is None:
        return "no histogram"
    n, steps = len(found.counts), len(found.edges) - 1
    places = int(found.counts @ np.arange(1, n + 1))
    null = "" if found.null is None else f"{found.null.shape} {found.null[:, 1].max():.4g}"
    ends = f"{found.edges[0]:.4g} {found.limit:.4g} {found.highest:.4g}"
    curve = null_curve(found).split(" ")
    shown = f"{len(bars(found).split('M')) - 1} {bars(found)[:24]} {curve[0]} {curve[len(curve) // 2]}"
    return f"{steps} bins {ends}, {found.counts.sum()} {places}, {found.initialiser}: {null} {shown}"


def _judged(draws: Any) -> LayerDiagnosis:
    return LayerDiagnosis(
        conv_index=0, name="c", type="C", shape=(2, 1, 3, 3), dtype="float32", verdict="initial",
        sentence="", initialiser=str(getattr(draws, "family", None)), draws=draws,
    )  # fmt: skip


def histograms() -> Iterator[str]:
    """Yield how weights of any size are counted, beside what any initialiser draws."""
    spread = np.linspace(-1, 1, 27).reshape(1, 3, 3, 3)
    weights: dict[str, Any] = {
        "spread": spread, "positive": spread + 1, "zeros": 0 * spread, "one": spread[:, :1, :1, :1],
        "huge": spread * 1.7e308, "tiny": spread * 5e-324, "small": spread * 1e-4,
        "lost": np.full((1, 1, 3, 3), np.nan), "in part": np.where(spread > 0.5, np.inf, spread),
        "many": np.linspace(-1, 1, 36_000).reshape(4, 1000, 3, 3), "halves": spread.astype("f2"),
    }  # fmt: skip
    found = {each.family: each for each in possible_draws(Fans.of((4, 4, 3, 3)), CATALOGUE)}
    for name, values in weights.items():
        for family, draws in {**found, "none": None}.items():
            (one,) = draw_histograms([values], [_judged(draws)])
            yield f"histogram of {name} beside {family}: {_histogram(one)}"
    for pair in (("spread", "small"), ("zeros", "spread"), ("lost", "spread"), ("lost", "zeros")):
        both = draw_histograms([weights[one] for one in pair], [_judged(None)] * 2)
        yield f"histograms of {pair}: {' | '.join(map(_histogram, both))}"


def odds() -> Iterator[str]:
    """Yield what else is said: numbers, remarks, changes, names, trails."""
    for value in (None, 0.0, -0.0, 0.12345, 1.7976931348623157e308, 5e-324, np.nan, np.inf, -99.96):
        yield f"short {value}: {_short(value)} {_short(value, 2)}"
    for values in ([], [[]], [[None, None], [None, 0.0]], [[1.0], [None]], [[None], [None]]):
        yield f"known of {values}: {_is_known({'values': values})}"
    usual = {"index": 0, "norm": 1.0}
    for how in ({}, {"classical": "Sobel", "classical_channel": 0}, {"duplicates": (1,)},
                {"classical": "box", "classical_channel": 2, "duplicates": (4, 1)}):  # fmt: skip
        yield f"remark {how}: {_remark(FilterDiagnosis(**usual | how))}"
    yield f"remark of nothing: {_remark(None)!r}"
    content = gather([network((3, 1, 3, 3), path="a"), network((3, 1, 3, 3), path="b", seed=1)])
    (section,) = content.sections
    whole = Change(
        before="a",
        cos2=0.5,
        filters=tuple(FilterChange(index=n, cos2=n / 3, relative_change=1 - n / 7) for n in range(3)),
    )
    for name, changes in {
        "both": ((whole,), (whole,)),
        "the second": ((), (whole,)),
        "the first": ((whole,), ()),
        "without filters": ((), (replace(whole, filters=()),)),
        "none": ((), ()),
    }.items():
        states = tuple(
            replace(state, diagnosis=replace(state.diagnosis, changes=own))
            for state, own in zip(section.states, changes, strict=True)
        )
        columns = filter_data(replace(section, states=states))["columns"]
        shown = [{**one, "values": one["values"]} for one in columns if one["measure"] == "change"]
        yield f"changes of {name}: {shown}"
    for values in (
        [], [1.0], [1.0, 2.0], [1.0, 2.0, 4.0], [2.0, 2.0, 2.0], [1.0, None, 3.0], [None, 1.0, 0.5, 3.0],
        [3.0, 1.0, 2.0, None],
    ):  # fmt: skip
        yield f"trail {values}: {trail_points(values)}"
    filters = templates_of("filtviz.reporting").filters
    for value in (None, 0.0, 1e-9, 0.5, 1234.5):
        shown = [filters[name](value) for name in ("number", "p_value")]
        yield f"{value} on a page: {shown} {'' if value is None else filters['percent'](value)}"
    for n in (60, 61):
        yield f"{n} letters: {filters['brief']('x' * n)} {filters['plural'](n, 'letter')}"
    page = render_page(_content([network((40, 1, 9, 9), (3, 40, 1, 1), path="large")]), "a mark")
    shown = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    urls = sorted(map(len, re.findall(r'src="(data:[^"]*)"', shown)))
    data = sum(page.count(mark) for mark in ('": ', '", "', "}, {"))
    yield f"a page of {len(shown.splitlines())} lines, {data} blanks in data, pictures {urls[-3:]}"
    yield f"in it {[shown.count(mark) for mark in ('a mark', '<img', '<table', 'href=', '…')]}"
    for text in ("a b", "--top of a-b.pkl", "<b> a-<b>", "a\x1b-b"):
        yield f"unbroken {text!r}: {unbroken(text)}"
    paths = [Path("a/m.pkl"), Path("b/m.pkl"), None, Path("n.pkl"), Path("n.pkl"), Path("x" * 130)]
    yield f"labels {label_files([Network.of([], Origin(path=path)) for path in paths])}"


def places() -> Iterator[str]:
    """Yield where a page goes, and where it does not."""
    one, other = (Network.of([], Origin(path=Path(name))) for name in ("runs/m.pkl", "runs/n.pkl"))
    for networks in ([one], [one, other], [Network.of([], Origin())]):
        for output in (
            "",
            "sub/",
            "sub",
            "p.html",
            "p.htm",
            "p.PNG",
            "p.json",
            "p.csv.html",
            "a.txt",
            "m.npz",
        ):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    chosen = _choose_path(networks, f"{folder}/{output}", Sources()).as_posix()
                except FiltvizError as error:
                    chosen = f"{type(error).__name__}: {error} {error.path}"  # type: ignore[attr-defined]
                yield f"{len(networks)} pages to {output!r}: {chosen.replace(folder, 'there')}"


def pages() -> Iterator[str]:
    """Yield how files are read for a page, before and now, where it is written, and where it is not."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        paths = {name: there / f"{name}.npz" for name in ("a", "b", "odd")}
        for seed, name in enumerate(("a", "b")):
            equal = np.full((4, 3, 2, 2), seed + 1, "f4")  # there is nothing to measure
            np.savez(paths[name], v=equal, w=equal)
        paths["odd"].write_bytes(b"odd")
        axes, little = Hints(axes={"": "hwio"}), Limits(members=1)
        a, b, odd = paths.values()
        asked: tuple[tuple[str, Any, dict[str, Any]], ...] = (
            ("plain", a, {}), ("hints", a, {"before": b, "hints": axes, "notes": None}),
            ("limits", a, {"limits": little}),
            ("limits of what was before", Network.of([]), {"before": b, "limits": little}),
            ("one odd, and notes", [odd, a], {"notes": ["n"]}), ("one odd before", a, {"before": [odd, b]}),
            ("two odd", [odd, there / "none.npz"], {}),
            ("three odd", [odd, there / "none.npz", odd], {}), ("over itself", a, {"output": a}),
            ("over what was before", a, {"before": b, "output": b}),
            ("into a new folder", a, {"output": f"{folder}/new/x/"}),
            ("a file in a new folder", a, {"output": f"{folder}/newer/p.html"}),
            ("into one", [a, b], {"output": folder}), ("no picture", a, {"output": f"{folder}/x.png"}),
        )  # fmt: skip
        for name, models, how in asked:
            try:
                found = report(models, **how)
            except FiltvizError as error:
                told = f"{type(error).__name__}: {error} {getattr(error, '__notes__', [])}"
            else:
                content = found.content
                shapes = [[one.filters.shape for one in file.network.conv_layers] for file in content.files]
                path = getattr(found, "path", None)
                told = f"{shapes} {content.n_before} {found.notes} {len(content.failures)} {path}"
                if path is not None:
                    again = found.save(path.with_name("again.html"))
                    told += f" {found!r} {again.read_bytes() == path.read_bytes()} {found._repr_html_()[:9]}"
            yield f"report, {name}: {told}".replace(folder, "there")
        held = sorted(one.relative_to(there).as_posix() for one in there.rglob("*.html"))
        yield f"left {held} {[path.read_bytes()[:2] for path in paths.values()]}"
        page = report(a)
        other = report(b)
        for path in (there / "a.npz", there / "p.html", there):
            yield f"saved as {path.name}: {_saved(page, path)}".replace(folder, "there").replace(
                there.name, "there"
            )
        yield f"saved: {_saved(other, there / 'p.html')} {page!r:.14} {page.notes}".replace(folder, "there")


def _saved(page: Any, path: Path) -> str:
    try:
        return str(page.save(path))
    except FiltvizError as error:
        return f"{type(error).__name__}: {error}"


def accounts() -> Iterator[str]:
    """Yield what stands among what was left out, beside what others have left out before."""
    model = _trained(0, "s.pkl")
    for work in (6_000_000, 60_000_000):
        account = Account({"work": work, "pixels": work})
        account.left_out.append("of others")
        content = gather_content([model], [_diagnosis(model)], ReportOptions(), account)
        yield f"== an account of {work}"
        yield from told(content, whole=False)
        yield f"  left {account.left['work']}, {len(account.left_out)} sentences"


def best() -> Iterator[str]:
    """Yield which layer is drawn beside an answer."""
    model = network((4, 1, 3, 3), (3, 4, 3, 3), path="a.pkl")
    (first, *_), account = gather(model).sections[0].states, Account({"work": 10**12, "pixels": 10**12})
    for look_at in (None, 0, 1):
        for verdict in ("undecided", "initial"):
            judged = replace(first.diagnosis, verdict=verdict)
            file = replace(
                first.file, diagnosis=replace(first.file.diagnosis, look_at=look_at, look_size=None)
            )
            found = _best_glance(file, replace(first, diagnosis=judged), account)
            yield f"best of {verdict}, to look at {look_at}: {found and (found.conv_index, found.title)}"
    asked = replace(first.file.diagnosis, look_at=1, look_size=(5, 5))
    for work in (10**12, 10):
        found = _best_glance(
            replace(first.file, diagnosis=asked), first, Account({"work": work, "pixels": 9})
        )
        yield f"best of what is composed, with {work}: {found and (found.conv_index, found.title)}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/page_contents.txt`` holds."""
    for name, make in cases():
        yield f"== {name}"
        try:
            content = make()
        except FiltvizError as error:
            yield f"  {type(error).__name__}: {error}"
            continue
        yield from told(content, whole=name in WHOLE)
    for each in (histograms, odds, places, pages, accounts, best):
        yield from each()
