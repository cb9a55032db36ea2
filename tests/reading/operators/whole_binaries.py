"""Files of Caffe, MXNet, GGUF, Darknet and Paddle, made by chance, with what lies beside them.

Each case is a number, as in `arrays`; what a network has, how it is written and what is odd differs.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.network import Network
from filtviz.reading.formats import caffe, darknet, gguf, mxnet, paddle
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.building import put
from tests.reading.operators.asking import Told, part
from tests.reading.operators.whole_beside import a_darknet, a_paddle
from tests.reading.operators.wholes import Files, drawn, in_a_folder, read_of, some

__all__ = ["files_of_others"]

N_EACH = 41
# Caffe


def _blob(chance: random.Random, *shape: int) -> bytes:
    values = drawn(chance, *shape)
    way = chance.random()
    said = values.shape[:-1] if way < 0.02 else values.shape
    if len(said) <= 4 and chance.random() < 0.4:
        data = b"".join(part(place + 1, n) for place, n in enumerate((1,) * (4 - len(said)) + said))
    else:
        data = part(7, b"".join(part(1, n) for n in said))
    if way > 0.85:
        data += part(8, values.astype("f8").tobytes())
        return data + (part(5, values.tobytes()) if way > 0.95 else b"")
    flat, cut = values.ravel(), chance.randrange(values.size + 1)
    pieces = [flat] if chance.random() < 0.8 else [flat[:cut], flat[cut:]]
    return data + b"".join(part(5, one.tobytes()) for one in pieces)


def _numbers(fields: dict[int, Any]) -> bytes:
    return b"".join(
        part(key, one)
        for key, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    )


def _geometry(chance: random.Random, new: dict[str, tuple[int, ...]]) -> dict[int, Any]:
    """Strides, pads and sizes in one of the ways in which Caffe says them."""
    found: dict[int, Any] = {}
    for name, (repeated, rows, cols) in new.items():
        values = [chance.choice((1, 2, 3)) for _ in range(2)]
        values = [0, -1] if chance.random() < 0.04 else values
        way = (
            chance.choice(("none", "one", "two", "apart", "rows"))
            if name != "size"
            else chance.choice(("one", "two", "apart"))
        )
        if way in ("one", "two"):
            found[repeated] = values[: 1 + (way == "two")]
        elif way != "none" and rows:
            found |= {rows: values[0]} | ({cols: values[1]} if way == "apart" else {})
    return found


_OLD = {
    "Convolution": 4,
    "Deconvolution": 39,
    "InnerProduct": 14,
    "Pooling": 17,
    "LRN": 15,
    "Concat": 3,
    "Eltwise": 25,
    "ReLU": 18,
    "Softmax": 20,
    "Flatten": 8,
    "Dropout": 6,
    "TanH": 23,
    "Dream": 99,
    "Split": 22,
}
_KINDS = (
    *_OLD,
    "Convolution",
    "Convolution",
    "Pooling",
    "Pooling",
    "BatchNorm",
    "Scale",
    "PReLU",
    "DepthwiseConv",
    "Sigmoid",
)


def a_caffe(chance: random.Random) -> tuple[str, Files]:
    """A model of Caffe's, of any of its generations."""
    form = chance.choice(("new", "new", "new", "old", "first"))
    words, data, last, tops = [form], b"", "data", ["data"]
    if chance.random() < 0.7:
        data += part(3, "data")
        lengths = [chance.choice((1, 0)), 3, 8, 9]
        data += (
            part(8, b"".join(part(1, n) for n in lengths))
            if chance.random() < 0.5
            else b"".join(part(4, n) for n in lengths)
        )
    for place in range(chance.choice((1, 2, 3, 4))):
        kind = chance.choice(_KINDS if form == "new" else tuple(_OLD))
        kind = "Convolution" if not place and chance.random() < 0.8 else kind
        words.append(kind)
        blobs, facts = _blobs(chance, kind), _facts(chance, kind, form)
        name = chance.choice((f"l{place}", f"l{place}", ""))
        below = [last] + ([chance.choice(tops)] if kind in ("Concat", "Eltwise") else [])
        top = f"t{place}" if chance.random() < 0.8 else last
        own = chance.random() < 0.9
        if form == "new":
            inner = (
                part(1, name)
                + part(2, kind)
                + b"".join(part(3, one) for one in below)
                + (part(4, top) if own else b"")
            )
            data += part(100, inner + b"".join(part(7, one) for one in blobs) + facts)
        elif form == "old":
            inner = b"".join(part(2, one) for one in below) + (part(3, top) if own else b"") + part(4, name)
            data += part(2, inner + part(5, _OLD[kind]) + b"".join(part(6, one) for one in blobs) + facts)
        else:
            word = {
                "Convolution": "conv",
                "InnerProduct": "innerproduct",
                "Pooling": "pool",
                "ReLU": "relu",
            }.get(kind, kind.lower())
            inner = part(1, name) + part(2, word) + b"".join(part(50, one) for one in blobs) + facts
            data += part(2, part(1, inner) + b"".join(part(2, one) for one in below) + part(3, top))
        last = top if own else last
        tops.append(last)
    return " ".join(words), {"net.caffemodel": data}


def _blobs(chance: random.Random, kind: str) -> list[bytes]:
    shapes: dict[str, list[tuple[int, ...]]] = {
        "Convolution": [(4, 3, 3, 2), (4,)],
        "Deconvolution": [(3, 4, 2, 2), (4,)],
        "DepthwiseConv": [(3, 1, 3, 3)],
        "InnerProduct": [(5, 12), (5,)],
        "BatchNorm": [(3,), (3,), (1,)],
        "Scale": [(3,), (3,)],
        "PReLU": [(3,)],
    }
    found = shapes.get(kind, [])
    if found and chance.random() < 0.1:
        found = [chance.choice(((3, 3), (2,), (1, 2, 3, 2))), *found[1:]]
    keep = chance.choice((len(found),) * 5 + (0, 1, 2))
    return [_blob(chance, *shape) for shape in found[:keep]]


def _facts(chance: random.Random, kind: str, form: str) -> bytes:
    if form == "first":
        found = {
            8: chance.choice((2, 3, 0)),
            10: chance.choice((1, 2)),
            7: chance.choice((0, 1)),
            9: chance.choice((1, 2)),
            11: chance.choice((0, 1, 2)),
            13: chance.choice((3, 0)),
            14: 0.5,
            15: 0.25,
            102: chance.choice((0, 1)),
        }
        return _numbers({key: value for key, value in found.items() if chance.random() < 0.7})
    numbers = {
        "Convolution": (106, 10),
        "Deconvolution": (106, 10),
        "DepthwiseConv": (106, 0),
        "Pooling": (121, 19),
        "LRN": (118, 18),
        "Concat": (104, 9),
        "Eltwise": (110, 24),
        "ReLU": (123, 30),
        "BatchNorm": (139, 0),
    }
    if kind not in numbers or chance.random() < 0.12:
        return b""
    inner: dict[int, Any] = {}
    if kind.endswith(("onvolution", "Conv")):
        inner = _geometry(chance, {"stride": (6, 13, 14), "pad": (3, 9, 10), "gaps": (18, 0, 0)})
        inner |= {5: chance.choice((1, 2))} if chance.random() < 0.4 else {}
    elif kind == "Pooling":
        inner = _geometry(chance, {"size": (2, 5, 6), "stride": (3, 7, 8), "pad": (4, 9, 10)})
        inner |= {
            key: chance.choice((0, 1, 2) if key == 1 else (0, 1))
            for key in (1, 12, 13)
            if chance.random() < 0.4
        }
    elif kind == "LRN":
        inner = {
            key: value
            for key, value in {1: 3, 2: 0.5, 3: 0.25, 4: chance.choice((0, 1)), 5: 2.0}.items()
            if chance.random() < 0.6
        }
    elif kind == "Concat":
        inner = {key: chance.choice((0, 1, 2, -1)) for key in (1, 2) if chance.random() < 0.5}
    elif kind == "Eltwise":
        inner = {1: chance.choice((0, 1, 2, 3))} if chance.random() < 0.8 else {}
        inner |= {2: [0.5, -1.0]} if chance.random() < 0.4 else {}
    else:
        inner = {1: 0.25, 3: 0.5} if chance.random() < 0.7 else {}
    return part(numbers[kind][form == "old"] or 77, _numbers(inner))


# MXNet


def a_mxnet(chance: random.Random) -> tuple[str, Files]:
    """Arrays of MXNet's, some with names and a symbol beside them."""
    names, arrays, nodes = [], b"", [{"op": "null", "name": "data", "inputs": []}]
    shapes = {"weight": (4, 3, 3, 2), "bias": (4,), "gamma": (4,), "running_var": (4,)}
    n, last = 0, 0
    for place in chance.sample(range(3), chance.choice((1, 2, 3))):
        layer, word = (
            f"conv{place}",
            chance.choice(("Convolution", "Convolution", "Deconvolution", "FullyConnected")),
        )
        layout = chance.choice(("NCHW", "NCHW", "NHWC"))
        held = [end for end in shapes if chance.random() < (0.9 if end == "weight" else 0.4)]
        given = [[last, 0, 0]]
        for end in held:
            shape = (4, 3, 2, 3) if end == "weight" and layout == "NHWC" else shapes[end]
            arrays += _array_of_mxnet(chance, shape)
            mark, joint = chance.choice(("arg:", "arg:", "aux:", "")), chance.choice(("_", "_", "."))
            names.append(f"{mark}{layer}{'x' * 5000 if chance.random() < 0.01 else ''}{joint}{end}")
            nodes.append({"op": "null", "name": f"{layer}_{end}", "inputs": []})
            given.append([len(nodes) - 1, 0, 0])
            n += 1
        facts = some(
            chance,
            0.6,
            kernel=chance.choice(("(3, 2)", "(3, 2)", "(3, 3)", "()")),
            stride=chance.choice(("(2, 1)", "(0, 1)", "(1,)")),
            dilate=chance.choice(("(1, 1)", "(2, 1)")),
            pad=chance.choice(("(1, 0)", "1")),
            num_group=chance.choice(("1", "2", "0")),
        )
        facts |= {"kernel": "(3, 2)"} if chance.random() < 0.7 else {}
        nodes.append(
            {
                "op": word,
                "name": layer,
                chance.choice(("attrs", "attr", "param")): {**facts, "layout": layout},
                "inputs": given,
            }
        )
        last = len(nodes) - 1
    way = chance.choice(("names",) * 8 + ("none", "fewer"))
    names = names if way == "names" else [] if way == "none" else names[1:]
    data = struct.pack("<QQQ", 0x112, 0, n) + arrays + struct.pack("<Q", len(names))
    data += b"".join(struct.pack("<Q", len(one)) + one.encode() for one in names)
    data = data[: len(data) - chance.choice((0,) * 12 + (1, 40))]
    symbol = json.dumps({"nodes": nodes if chance.random() < 0.95 else [*nodes[:-1], "odd"]}).encode()
    stem = chance.choice(("net-0007", "net-0007", "net", "net.x"))
    beside = (
        {f"{chance.choice(('net', 'net', 'net', stem))}-symbol.json": symbol} if chance.random() < 0.7 else {}
    )
    words = " ".join(node["op"] for node in nodes if node["op"] != "null")
    return f"{stem} {way} {' '.join(names)[:200]} {words}", {f"{stem}.params": data, **beside}


def _array_of_mxnet(chance: random.Random, shape: tuple[int, ...]) -> bytes:
    """An array in one of the four layouts, seldom an empty or a sparse one."""
    version = chance.choice((0, 0xF993FAC8, 0xF993FAC9, 0xF993FACA))
    kind, code = chance.choice(
        (("f4", 0), ("f4", 0), ("f8", 1), ("f2", 2), ("i1", 5), ("u2", 12), ("f4", 99))
    )
    code = 0 if code == 99 and chance.random() < 0.8 else code
    shape = () if chance.random() < (0.06 if len(shape) == 1 else 0.02) else shape
    letter = "q" if version else "I"
    head = struct.pack("<I", version) if version else b""
    if version >= 0xF993FAC9:
        head += struct.pack("<i", int(chance.random() < 0.03))
    head += struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}{letter}", *shape)
    if not shape and version != 0xF993FACA:
        return head
    values = np.abs(drawn(chance, *shape)).astype(kind)
    return head + struct.pack("<iii", 1, 0, code) + values.tobytes()


# GGUF


def a_gguf(chance: random.Random) -> tuple[str, Files]:
    """A file of ggml's: facts of every kind, and tensors, of which some are packed."""
    facts, words = b"", []
    text = lambda one: struct.pack("<Q", len(one)) + one.encode()  # noqa: E731
    kinds = [
        ("B", 0),
        ("b", 1),
        ("H", 2),
        ("h", 3),
        ("I", 4),
        ("i", 5),
        ("f", 6),
        ("?", 7),
        ("Q", 10),
        ("q", 11),
        ("d", 12),
    ]
    n_facts = chance.choice((0, 1, 2, 3))
    for place in range(n_facts):
        way = chance.choice(("number", "text", "list", "texts", "lists", "name", "align"))
        letter, code = chance.choice(kinds)
        words.append(way + (letter if way in ("number", "list") else ""))
        if way == "number":
            facts += text(f"k{place}") + struct.pack(f"<I{letter}", code, 1)
        elif way in ("text", "name"):
            facts += (
                text("general.architecture" if way == "name" else "k") + struct.pack("<I", 8) + text("llama")
            )
        elif way == "list":
            facts += text("k") + struct.pack(f"<IIQ3{letter}", 9, code, 3, 1, 0, 1)
        elif way == "texts":
            facts += text("k") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc")
        elif way == "lists":
            deep = chance.choice((1, 4, 5))
            facts += (
                text("k")
                + struct.pack("<I", 9)
                + struct.pack("<IQ", 9, 1) * deep
                + struct.pack("<IQB", 0, 1, 5)
            )
            words.append(str(deep))
        else:
            to = chance.choice((8, 64, 32, 12, 0, 1 << 16, 1 << 17))
            facts += text("general.alignment") + struct.pack("<II", 4, to)
            words.append(str(to))
    align = next((int(one) for one in words[::-1] if one.isdigit() and int(one) > 5), 32) or 32
    entries, body, n = b"", b"", 0
    for place in range(chance.choice((0, 1, 2, 3))):
        for name, shape in ((f"conv{place}.weight", (4, 3, 3, 2)), (f"conv{place}.bias", (4,))):
            kind, code = chance.choice(
                (("f4", 0), ("f4", 0), ("f2", 1), ("f8", 28), ("i1", 24), ("u2", 30), ("f4", 8))
            )
            values = np.abs(drawn(chance, *shape)).astype(kind)
            offset = len(body) if chance.random() < 0.96 else len(body) + chance.choice((1, 4, 1 << 20))
            entries += (
                text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape[::-1])
            )
            entries += struct.pack("<IQ", code, offset)
            body += values.tobytes()
            body += bytes(-len(body) % 32)
            n += 1
    head = (
        b"GGUF"
        + struct.pack("<IQQ", chance.choice((3, 3, 3, 3, 3, 3, 2, 2, 1, 4)), n, n_facts)
        + facts
        + entries
    )
    whole = head + bytes(-len(head) % align) + body
    behind = len(whole) - len(head)
    cut = chance.choice((0,) * 8 + (1, 60, len(body) + 1, behind, behind + 1))
    return f"{' '.join(words)} {n} tensors less {cut}", {"net.gguf": whole[: len(whole) - cut]}


FORMATS: tuple[
    tuple[Callable[[random.Random], tuple[str, Files]], Callable[[Opened], Network | None]], ...
] = (
    (a_caffe, caffe.open),
    (a_mxnet, mxnet.open),
    (a_gguf, gguf.open),
    (a_darknet, darknet.open),
    (a_paddle, paddle.open),
)


def a_file(n: int, folder: Path) -> tuple[str, str]:
    """A file that is made by chance, and what its format reads of it."""
    make, open_ = FORMATS[n % len(FORMATS)]
    chance = random.Random(f"file {n}")
    words, files = make(chance)
    limits = Limits(layers=chance.choice((1, 2, 3, 4))) if chance.random() < 0.05 else Limits()
    for name, data in files.items():
        put(folder / name, data)
    file = Opened.of(folder / next(iter(files)), limits, Hints())
    told = read_of(open_, file).replace(f"{folder}/", "")
    more = f" beside {' '.join(list(files)[1:])}" * (len(files) > 1) + f" layers {limits.layers}" * (
        limits != Limits()
    )
    return f"{n} {words}{more}", told


def files_of_others() -> Told:
    yield from in_a_folder(a_file, N_EACH * len(FORMATS))
