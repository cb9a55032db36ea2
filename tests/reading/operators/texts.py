"""Texts of ``--architecture``: each question to a table with each kind of value, and whole texts."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Convolution, Dense
from filtviz.reading.architecture import build
from filtviz.reading.architecture.tables import ALL_DOTS, LONGEST, MOST_BYTES, MOST_DOTS, Table, read_tables
from filtviz.reading.limits import Limits
from tests.reading.operators.asking import Told, array
from tests.telling import layers_of, refused

__all__ = ["texts"]

HUGE = 10**400
VALUES: tuple[Any, ...] = (
    0,
    1,
    2,
    -1,
    LONGEST - 1,
    LONGEST,
    HUGE,
    10**5000,
    True,
    False,
    1.0,
    2.5,
    float("inf"),
    float("nan"),
    "?",
    "same",
    "valid",
    "full",
    "sames",
    "a" * 70,
    "",
    [],
    [1],
    [1, 2],
    [2, 1, 3],
    [3, 0, 1, 2],
    [1, 2, 3, 4, 5],
    [0, 1],
    [-1, 2],
    [1, True],
    [1, 2.0],
    [[1, 2], [3, 4]],
    [[1, 2], 3],
    [[1, -1], 2],
    [[1], 2],
    [[1, 2, 3], 2],
    [[LONGEST, 1], 1],
    ["a"],
    ["a", "b"],
    ["a", 1],
    {},
    {"type": "same"},
    [-1],
    [-2, -1],
)
QUESTIONS: Mapping[str, Callable[[Table], Any]] = {
    "word": lambda one: one.word("key", ("same", "valid")),
    "word or same": lambda one: one.word("key", ("same", "valid"), "same"),
    "flag": lambda one: one.flag("key", default=None),
    "flag or true": lambda one: one.flag("key", default=True),
    "number": lambda one: one.number("key", None),
    "number or 2.5": lambda one: one.number("key", 2.5),
    "whole": lambda one: one.whole("key", None),
    "whole or 3": lambda one: one.whole("key", 3),
    "whole from 0": lambda one: one.whole("key", None, 0),
    "whole from 2": lambda one: one.whole("key", None, least=2),
    "one length": lambda one: one.lengths("key", 1, None),
    "two lengths": lambda one: one.lengths("key", 2, None),
    "two lengths or 2": lambda one: one.lengths("key", 2, 2),
    "three lengths from 0": lambda one: one.lengths("key", 3, 1, 0),
    "pads of 3": lambda one: one.pads("key", (3,), (1,), default=None),
    "pads of 3, 5": lambda one: one.pads("key", (3, 5), (1, 1), default=None),
    "pads of 3, 5 or 1": lambda one: one.pads("key", (3, 5), (1, 1), default=1),
    "pads of 3, 4": lambda one: one.pads("key", (3, 4), (1, 1), default=None),
    "pads of 3, 5 by 2, 1": lambda one: one.pads("key", (3, 5), (2, 1), default=None),
    "pads of 1, 2, 3": lambda one: one.pads("key", (1, 2, 3), (1, 1, 1), default=0),
    "names": lambda one: one.names("key"),
}


def _answered(ask: Callable[[Table], Any], table: Table) -> str:
    try:
        return f"{ask(table)!r} {sorted(table.used)}"
    except FiltvizError as error:
        return refused(error)


def _questions() -> Told:
    for words, ask in QUESTIONS.items():
        answers: dict[str, list[str]] = {}
        for value in (None, *VALUES):
            held = {} if value is None else {"key": value}
            shown = "nothing" if value is None else "10**5000" if value == 10**5000 else repr(value)[:50]
            answer = _answered(ask, Table(file="t", name="n", values=held))
            if words != "word":
                answer = re.sub(", not .*", ", not that", answer)
            answers.setdefault(answer, []).append(shown)
        yield from ((f"{words} of {' or '.join(given)}", answer) for answer, given in answers.items())
    for value in (*VALUES, [0], [0, 0, 0, 0], [1, 2, 3, -1], [LONGEST]):
        if isinstance(value, list):
            yield f"image {value}", _answered(Table.image, Table(file="t", name="", values={"input": value}))
    yield "no image", _answered(Table.image, Table(file="t", name="", values={}))
    for name in ("", "x" * 60, "x" * 61):
        yield f"of {len(name)} letters", f"{Table(file='t', name=name, values={}).error('odd')}"
    for kind in ("dense", 5, ["dense"], None):
        yield f"type {kind}", repr(Table(file="t", name="n", values={"type": kind}).kind)
    yield "no type", repr(Table(file="t", name="n", values={}).kind)
    for key in ("strid", "x", "k" * 41, "weight" + "s" * 40, "stride"):
        table = Table(file="t", name="n", values={"stride": 1, key: 1}, used={"stride", "weights", "pad"})
        yield f"left: {key}", _answered(Table.check_all_used, table)


def _of_text(folder: Path, data: bytes, name: str = "t.toml", layers: int = 4) -> str:
    path = folder / name
    path.write_bytes(data)
    try:
        above, found = read_tables(path, Limits(layers=layers))
    except FiltvizError as error:
        said = refused(error).replace(str(folder), "")
        return re.sub(
            r"(?<=is no TOML: )[^']*('[^']*'|)[^']*(?=; a text)", r"... \1 ...", said
        )  # each Python says it in its own words
    held = "; ".join(f"{one.name} {dict(one.values)}" for one in found)
    return f"{dict(above.values)} {above.file}; {held}"


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    one = "[a]\ntype = 'dense'\n"
    for words, text in (
        ("nothing", ""),
        ("a table", one),
        ("above it", f"input = [1]\n{one}"),
        ("no table", "input = [1]"),
        ("four", "[a]\n[b]\n[c]\n[d]\n"),
        ("five", "[a]\n[b]\n[c]\n[d]\n[e]\n"),
        ("twice", "[a]\n[a]\n"),
        ("a dot", "[a.b]\nx = 1\n"),
        ("a dot and a type", "[a]\ntype = 'dense'\n[a.b]\nx = 1\n"),
        ("a pool", "[a]\n[a.pool]\nsize = 2\n"),
        ("an activation", "[a]\n[a.activation]\nkind = 'elu'\n"),
        ("all activations", f"activation = {{kind = 'elu'}}\n{one}"),
        ("a layer called activation", "[activation]\ntype = 'dense'"),
        ("a pool for all", f"pool = {{size = 2}}\n{one}"),
        ("no quotes", "[a]\ntype = dense\n"),
        ("a number", f"x = {'1' * 5000}\n{one}"),
        ("a mark of bytes", f"\ufeff{one}"),
        ("an umlaut", '["ä"]\nx = 1\n'),
        ("a long name", f"['{'n' * 80}'.b]\nx = 1\n"),
    ):
        yield f"text with {words}", _of_text(folder, text.encode())
    yield "no text", _of_text(folder, b"\xff\xfe[a]")
    yield "a long file name", _of_text(folder, b"", "t" * 90)
    for n in (MOST_DOTS, MOST_DOTS + 1):
        yield f"{n} dots", _of_text(folder, f"# {'.' * n}\n{one}".encode())
        yield f"{n} dots below", _of_text(folder, f"{one}\n\n# {'.' * n}".encode())
    line = "# " + "." * MOST_DOTS + "\n"
    for n in (ALL_DOTS // MOST_DOTS, ALL_DOTS // MOST_DOTS + 1):
        yield f"{n} lines of dots", _of_text(folder, (line * n + one).encode())
    for n in (MOST_BYTES, MOST_BYTES + 1):
        yield f"{n} bytes", _of_text(folder, (one + "#" * (n - len(one))).encode())
    yield "a folder", _of_path(folder)
    yield "nothing there", _of_path(folder / "nobody.toml")
    yield "a zero in its name", _of_path(Path("a\0b"))


def _of_path(path: Path) -> str:
    try:
        read_tables(path, Limits())
    except FiltvizError as error:
        return refused(error).replace(path.name, "NAME").replace(str(path.parent), "")
    return "read"


def _weights() -> Network:
    shapes = {"conv.w": (4, 6, 3, 3), "conv.b": (4,), "next.w": (3, 4, 3, 3), "fc.w": (12, 5), "n.mean": (4,)}
    held = {name: replace(array(*shape), source=name) for name, shape in shapes.items()}
    kernel, bias, second, matrix, mean = held.values()
    spread = replace(mean, source="n.var")
    return Network.of(
        [
            ConvLayer(
                name="conv",
                type="Conv",
                parameters=(kernel, bias),
                operations=(Convolution(weights=kernel, axes="oirc", flip_filters=False, bias=bias),),
            ),
            ConvLayer(
                name="next",
                type="Conv",
                parameters=(second,),
                operations=(Convolution(weights=second, axes="oirc", flip_filters=False),),
            ),
            Layer(name="n", type="Norm", parameters=(mean, spread)),
            Layer(
                name="fc", type="Dense", parameters=(matrix,), operations=(Dense(weights=matrix, axes="io"),)
            ),
        ],
        Origin(
            path=Path("w.npz"), kind="arrays", order="an order", guess="a guess", siblings=(Path("beside"),)
        ),
    )


LINKS = ", ".join(["'c'"] * 8)
CONV = "type = 'convolution'\nweights = 'conv.w'\nbias = 'conv.b'\nstride = 1\npad = 1\nflip = false\n"
NEXT = "type = 'convolution'\nweights = 'next.w'\nstride = 2\npad = 0\nflip = false\n"
NORM = "type = 'normalisation'\nmean = 'n.mean'\nvariance = 'n.var'\nepsilon = 0.1\n"
POOL = "pool = {kind = 'max', size = 2}\n"
TOP = "input = [6, 8, 9]\nactivation = 'elu'\n"


def _built() -> Iterator[tuple[str, str]]:
    yield "a convolution", f"{TOP}[c]\n{CONV}"
    yield "an open image", f"input = [6, 0, 0]\nactivation = 'elu'\n[c]\n{CONV}"
    yield "channels alone", "input = [6]\n[d]\ntype = 'flatten'\n"
    for last in ("true", "false", "1"):
        yield f"channels last {last}", f"channels_last = {last}\n{TOP}[c]\n{CONV}"
        yield (
            f"channels last of units {last}",
            f"channels_last = {last}\ninput = [6]\n[c]\ntype = 'flatten'\n",
        )
    yield "normalised", f"{TOP}[c]\n{CONV}[n]\n{NORM}"
    yield "normalised from it", f"{TOP}[c]\n{CONV}[n]\n{NORM}from = 'c'\n"
    yield (
        "normalised with an activation",
        f"{TOP}[c]\n{CONV}activation = 'tanh'\n[n]\n{NORM}activation = 'relu'\n",
    )
    yield "a normalisation first", f"input = [4, 8, 9]\nactivation = 'elu'\n[n]\n{NORM}[c]\n{NEXT}"
    yield "pooled", f"{TOP}[c]\n{CONV}{POOL}[d]\n{NEXT}"
    yield "pooled and normalised", f"{TOP}[c]\n{CONV}[n]\n{NORM}{POOL}[d]\n{NEXT}{POOL}"
    yield "no activation", f"input = [6, 8, 9]\n[c]\n{CONV}"
    yield (
        "a table of an activation",
        f"input = [6, 8, 9]\nactivation = {{kind = 'elu', alpha = 0.5}}\n[c]\n{CONV}",
    )
    yield (
        "two from one",
        f"{TOP}[c]\n{CONV}[d]\n{NEXT}[e]\n{NEXT}from = 'c'\n[f]\ntype = 'add'\nfrom = ['d', 'e']\n",
    )
    yield "from the image", f"{TOP}[c]\n{CONV}[d]\n{CONV}from = []\n"
    yield "from below", f"{TOP}[c]\n{CONV}[d]\n{NEXT}from = ['c', 'f']\n[f]\n{NEXT}"
    yield "from itself", f"{TOP}[c]\n{CONV}from = 'c'\n"
    yield "from nobody", f"{TOP}[c]\n{CONV}from = '{'n' * 61}'\n"
    yield "a key that means nothing", f"{TOP}[c]\n{CONV}strides = 2\n"
    yield "a key above that means nothing", f"flips = true\n{TOP}[c]\n{CONV}"
    yield (
        "what holds for all",
        f"flip = true\npad = 1\nstride = 2\n{TOP}[c]\ntype = 'convolution'\nweights = 'conv.w'\n",
    )
    yield "no image", f"[c]\n{CONV}"
    yield "another type", f"{TOP}[c]\ntype = 'dream'\n"
    yield "shapes that do not fit", f"{TOP}[c]\n{NEXT}"
    yield "a long way from", f"{TOP}[c]\n{CONV}[d]\ntype = 'add'\nfrom = [{LINKS}]\n"


def _network(folder: Path, text: str) -> str:
    path = folder / "net.toml"
    path.write_text(text, encoding="utf-8")
    limits = Limits(opcodes=60)
    try:
        network = build(_weights(), path, limits)
    except FiltvizError as error:
        return refused(error).replace(str(folder), "")
    origin = network.origin
    facts = [origin.kind, *origin.inferred, origin.order, origin.guess, origin.graph]
    facts += [one.name for one in origin.siblings]
    return f"{' | '.join(facts)} | {layers_of(network)}".replace("\n", "; ")


def texts() -> Told:
    """What tables answer, what texts hold, and the networks that are made of them."""
    yield from _questions()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _texts(folder)
        for words, text in _built():
            yield f"built with {words}", _network(folder, text)
