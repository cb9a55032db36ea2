"""Every key of every table of ``--architecture`` at other values, one at a time: words, lengths, arrays."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.parameter import Parameter, Shape
from filtviz.reading.architecture import build
from filtviz.reading.architecture.kinds import Arrays, Case, operations_of
from filtviz.reading.architecture.tables import Table, read_tables
from filtviz.reading.limits import Limits
from tests.building import put
from tests.reading.operators.asking import Told, array
from tests.reading.operators.odd_architecture import _text, _weights
from tests.telling import told

__all__ = ["architecture_keys"]

SHAPES: Mapping[str, tuple[int, ...]] = {
    "k": (4, 3, 3, 3), "line": (4, 6, 5), "cube": (4, 6, 3, 1, 3), "even": (4, 6, 2, 3), "back": (3, 3, 6, 4),
    "none": (0, 6, 3, 3), "mute": (4, 0, 3, 3), "five": (2, 3, 3, 6, 4), "up": (6, 4, 3, 3), "m": (6, 4),
    "b4": (4,), "b6": (6,), "b9": (4, 1, 1), "one": (1,), "n": (), "big": (4, 432),
}  # fmt: skip
ARRAYS = {name: Parameter.of(name, array(*shape).value, name) for name, shape in SHAPES.items()}

IMAGE: Shape = (None, 6, 8, 9)
VALUES = (
    None, 0, 1, 2, 3, 4, -1, 65535, 65536, 1.5, True, False, "x", "?", [], [1], [1, 2], [3, 1, 2], [4, 1,
    2], [1, 3],
    [0, 0], [[0, 1], [2, 0]], [1, 2, 3, 4], [True, 1], {},
)  # fmt: skip
KERNEL = {"weights": "k", "stride": 1, "pad": 1, "flip": True, "groups": 2, "dilation": 1, "bias": "b4"}
BASES: Mapping[str, dict[str, Any]] = {
    "convolution": KERNEL,
    "transposed-convolution": KERNEL | {"weights": "up", "axes": "iohw", "groups": 1},
    "dense": {"weights": "big", "axes": "oi", "bias": "b4"},
    "normalisation": {"mean": "b6", "variance": "b6", "epsilon": 0.5, "gamma": "b6", "beta": "b6"},
    "scale": {"weights": "b6", "bias": "b6"},
    "prelu": {"weights": "b6"},
    "pool": {"size": [3, 2], "stride": [2, 1], "pad": 1, "whole_windows": False, "counts_pad": True,
             "kind": "mean"},
    "global-pool": {"kind": "sum"},
    "dropout": {"rate": 0.25},
    "concatenate": {"axis": 2},
    "pad": {"pad": 1, "value": 2.5, "first_axis": 2},
    "slice": {"axis": 2, "start": 1, "stop": 5, "step": 2},
    "transpose": {"order": [2, 3, 1]},
    "upscale": {"scale": [2, 3]},
    "reshape": {"lengths": [2, -1]},
    "local-response": {"alpha": 0.5, "k": 2, "beta": 0.75, "n": 5},
    "flatten": {}, "softmax": {}, "activation": {}, "add": {},
}  # fmt: skip
ARRAYS_NAMED = ("weights", "bias", "mean", "variance", "gamma", "beta")
WORDS: Mapping[str, tuple[Any, ...]] = {
    "kind": ("max", "mean", "sum", "least"),
    "axes": ("oi", "io", "oihw", "iohw", "hwio", "OIHW", "oirc", "oiwh", "ihw", "oohw", "oidhw", "goihw"),
    "pad": ("same", "valid", "full", "half", [[1, 0], 2]),
    **dict.fromkeys(ARRAYS_NAMED, (*SHAPES, "nowhere")),
}
BELOW: tuple[tuple[Shape | None, ...], ...] = (
    (None,), ((None,),), ((None, 6),), ((None, 0),), ((None, 4),), ((None, 3),), ((None, 6, 8),),
    ((None, 6, 1, 1),), ((None, None, 8, 9),), ((None, 6, None, 9),), ((None, 4, 8, 9),),
    ((None, 3, 8, 9),), ((None, 6, 4, 5, 6),), (), ((None, 4, 8, 9), IMAGE), (IMAGE, (None, 4, 8, 9)),
    (IMAGE, (None, 6)), (IMAGE, None), (None, IMAGE), (IMAGE, (None, 1, 8, 1)),
    (IMAGE, IMAGE, (None, 6, 8, 8)), (IMAGE, (None, None, None, 9)),
)  # fmt: skip


_SUM = re.compile(r"\[[0-9x]* float32 [0-9a-f]{8}\]")
"""What is told of an array behind its name."""


def _asked(kind: str, said: Mapping[str, Any], below: Any = (IMAGE,), **above: Any) -> str:
    arrays = Arrays(by_name=ARRAYS, owners={})
    values = {"type": kind, **{key: value for key, value in said.items() if value is not None}}
    table = Table(file="f", name="it", values=values)
    case = Case(table=table, top=Table(file="f", name="", values=above), arrays=arrays, shapes=below)
    try:
        found = told(*operations_of(case))
        table.check_all_used()
    except FiltvizError as error:
        return str(error).removeprefix("f, [it]: ")
    used = sorted(name for name, one in ARRAYS.items() if id(one) in arrays.used)
    return f"{_SUM.sub('', found)} of {' '.join(used)}; above {' '.join(sorted(case.top.used))}"


def _once(kind: str, rows: Iterator[tuple[str, str]]) -> Told:
    """What is told once, with all that it is told of."""
    asked: dict[str, list[str]] = {}
    for said, found in rows:
        asked.setdefault(found, []).append(said)
    for found, several in asked.items():
        yield f"{kind} {' | '.join(several)}", found


def _keys(kind: str) -> Iterator[tuple[str, str]]:
    base = BASES[kind]
    yield "as it is", _asked(kind, base)
    for key in dict.fromkeys((*base, "axes" if kind == "convolution" else "odd")):
        for value in (
            *(VALUES if key not in (*ARRAYS_NAMED, "odd") else (None, 1, "?")),
            *WORDS.get(key, ()),
        ):
            found = _asked(kind, base | {key: value})
            yield f"{key}={value}", found.removesuffix(f", not {json.dumps(value)}")
    for below in BELOW:
        yield f"of {below}", _asked(kind, base, below)
        if len(below) == 1 and kind in ("flatten", "dense"):
            yield f"channels behind, of {below}", _asked(kind, base, below, channels_last=True)
    for weights, groups in product(SHAPES, (None, 1, 3) if kind == "convolution" else ()):
        said = base | {"weights": weights, "groups": groups, "bias": None}
        for below in ((None, 6, 8, 9), (None, 0, 8, 9), (None, 12, 8, 9)):
            yield f"{weights} in {groups} of {below[1]}", _asked(kind, said, (below,))
    if "stride" in base:
        for key in ("stride", "pad", "flip"):
            less = {one: value for one, value in base.items() if one != key}
            for value in (None, 2, False, "?", "same"):
                yield f"{key}={value} above", _asked(kind, less, **({} if value is None else {key: value}))


TEXTS = (
    "stride = 1\npad = 1\nflip = true\nactivation = 'relu'\n[a]\ntype = 'flatten'",
    "stride = 'x'\n[a]\ntype = 'softmax'", "odd = 1\n[a]\ntype = 'softmax'",
    "activation = 'odd'\n[a]\ntype = 'add'", "activation = 'odd'\n[a]\ntype = 'dense'\nweights = 'm'",
    "[a]\ntype = 'softmax'\npool = 3",
    "[a]\ntype = 'slice'\naxis = 1\nstop = 1\n[b]\ntype = 'add'\nfrom = ['a', 'image']",
    "[a]\ntype = 'global-pool'\npool = 2", "[a]\ntype = 'upscale'\nscale = 2\npool = [4, 1]",
    "[a]\ntype = 'pad'\npad = 1\npool = { size = 2, kind = 'sum', odd = 1 }",
    "[a]\ntype = 'odd'\nfrom = 'b'\n[b]", "[a]\nfrom = 3\ntype = 'add'",
    "[a]\nfrom = ['b']\ntype = 'add'\n[b]\ntype = 'add'", "[a]\nfrom = 'c'\ntype = 'add'",
    "[a]\nfrom = []\ntype = 'add'\n[b]\nfrom = ['a', 'a']\ntype = 'concatenate'",
    "[a]\ntype = 'normalisation'\nmean = 'left'\nstd = 'left'",
    "[a]\ntype = 'softmax'\nactivation = 'tanh'",
    "pad = 0\n[a]\ntype = 'convolution'\nweights = 'k'\nflip = true\nstride = 1\n[b]\ntype = 'softmax'",
    "[a]\ntype = 'scale'\nweights = 's'\nbias = 'b'",
)  # fmt: skip
INPUTS = (
    [3, 8, 9],
    [3, 0, 0],
    [0, 8, 9],
    [3, 0, 9],
    [3],
    [0],
    [3, 8],
    [3, 4, 5, 6],
    [3] * 5,
    [-1],
    3,
    [True],
)


def _built() -> Told:
    weights = _weights()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.toml"

        def built(text: str) -> str:
            put(path, text)
            try:
                network = build(weights, path, Limits())
            except FiltvizError as error:
                return str(error).replace(folder, "")
            layers = (f"{one.name}:{one.type}{list(one.inputs)}{one.output_shape}" for one in network.layers)
            done = " / ".join(told(*one.operations) for one in network.layers[1:])
            return f"{' '.join(layers)} {_SUM.sub('', done)}; {network.origin.inferred[0]}"

        for text in TEXTS:
            yield f"built {text!r}", built(f"input = [3, 8, 9]\n{text}")
        norm = "[b]\ntype = 'normalisation'\nmean = 's'\nstd = 's'"
        for kind in ("softmax", "flatten", "dropout"):
            above = "input = [4, 1, 1]\nactivation = 'relu'"
            yield f"a norm behind {kind}", built(f"{above}\n[a]\ntype = '{kind}'\n{norm}\n")
            yield f"a norm before {kind}", built(f"{above}\n{norm}\n[a]\ntype = '{kind}'")
        for image in INPUTS:
            yield f"built of {image}", built(_text({"input": image, "a": {"type": "dropout"}}))
            yield f"built of {image}, flat", built(_text({"input": image, "a": {"type": "flatten"}}))
        for text in (
            "#" + "." * 100, "#" + "." * 101, "\n" + "." * 101 + "\n", ("." * 100 + "\n") * 1001,
            ("#" + "." * 100 + "\n") * 1000 + "[a]", "[a.b.c]", "[a.pool]\nx = 1",
            "[a.odd]\nx = 1\n[a]\ntype = 'x'", "[activation]\nkind = 'relu'",
            "[activation]\ntype = 'activation'", "x = " + "9" * 5000, "\ufeff[a]",
            "# " + "x" * ((1 << 20) - 2), "# " + "x" * ((1 << 20) - 1), "[a]\n[b]", "",
        ):  # fmt: skip
            put(path, text)
            try:
                top, tables = read_tables(path, Limits(layers=1))
                found = f"{dict(top.values)} {[(one.name, dict(one.values)) for one in tables]}"
            except FiltvizError as error:
                found = str(error).replace(folder, "")
            yield f"read {text[:24]!r} {len(text)}", found


def architecture_keys() -> Told:
    for kind in BASES:
        yield from _once(kind, _keys(kind))
    yield from _built()
