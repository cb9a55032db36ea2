"""Small files and parts of other formats, a row for each fact on which nothing else depends."""

from __future__ import annotations

import gzip
import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filtviz.network import Network
from filtviz.reading.formats import (
    caffe,
    darknet,
    exported,
    gguf,
    mxnet,
    named,
    paddle,
    trees,
)
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.making import dumps
from tests.reading.operators.asking import Told, part
from tests.reading.operators.exported_parts import _call, _read
from tests.reading.operators.whole_parts import array_of, zipped
from tests.reading.operators.whole_trees import _npz
from tests.reading.operators.wholes import Files, in_a_folder, read_of
from tests.telling import told

__all__ = ["Case", "files_of", "held_formats"]

Case = tuple[str, Callable[[Opened], Network | None], Files, Limits | Hints]


def files_of(cases: Sequence[Case]) -> Told:
    """Each file as its format reads it, with its own limits or hints."""

    def read(number: int, folder: Path) -> tuple[str, str]:
        words, open_, files, said = cases[number]
        limits, hints = (said, Hints()) if isinstance(said, Limits) else (Limits(), said)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        file = Opened.of(folder / next(iter(files)), limits, hints)
        return words, read_of(open_, file).replace(f"{folder}/", "")

    yield from in_a_folder(read, len(cases))


# Programs of PyTorch's

_META = {
    "dtype": 7,
    "sizes": [{"as_int": 2}, {"as_int": 3}],
    "strides": [{"as_int": 3}, {"as_int": 1}],
    "storage_offset": {"as_int": 0},
}


def _program(entry: Any, name: str = "fc.weight", before: Mapping[str, bytes] | None = None) -> Files:
    """A program of one dense layer, whose configuration of weights holds an entry, or is another value."""
    spec = {"parameter": {"arg": {"name": "p"}, "parameter_name": name}}
    graph = {"tensor_values": {}, "nodes": [_call("torch.ops.aten.linear.default", weight="p")]}
    model = {"graph_module": {"graph": graph, "signature": {"input_specs": [spec]}}}
    config = {"config": {name: entry} if isinstance(entry, dict) else entry}
    members = {"models/model.json": model, "data/weights/model_weights_config.json": config}
    held = {f"x/{key}": json.dumps(one).encode() for key, one in members.items()}
    return {"net.pt2": zipped({**(before or {}), **held, "x/data/weights/w": array_of(6).tobytes()})}


def _programs() -> Iterator[Case]:
    entry = {"path_name": "w", "tensor_meta": _META}
    usual = _program(entry)
    for words, files in {
        "as usual": usual,
        "a name of one word": _program(entry, "weight"),
        "no facts": _program({"path_name": "w"}),
        "no entries": _program(None),
        "entries that are none": _program([1]),
        "no model": {"net.pt2": zipped({"x": b"", "xdata/weights/model_weights_config.json": b""})},
        "a model without weights": {"net.pt2": zipped({"x/models/model.json": b"{}", "x/a": b""})},
        "one without weights before it": _program(entry, before={"a/models/model.json": b"{}"}),
    }.items():
        yield f"a program of {words}", exported.open, files, Limits()
    yield "a program of more JSON than is allowed", exported.open, usual, Limits(allocation=4000)


def _calls() -> Told:
    """Calls of operators by themselves, and graphs of few of them."""
    for word, facts, shape in (
        ("max_pool2d", {"kernel_size": [2, 3], "stride": [2, 0]}, (1, 4, 8, 8)),
        ("max_pool2d", {"kernel_size": [2, 3], "stride": [0, 2]}, (1, 4, 8, 8)),
        ("softmax", {"dim": 0}, ()),
        ("softmax", {}, (2, 3)),
    ):
        node = exported._Node(operator=word, arguments=facts, parameters={}, shapes=[shape])
        yield f"{word} {facts} of {shape}", told(*exported._BY_OPERATOR[word](node) or ()) or "nothing"
    order = {"as_ints": [1, 0]}
    for words, nodes in {
        "turned with its order": (
            _call("torch.ops.aten.permute.default", "t", self="p_w", dims=order),
            _call("torch.ops.aten.permute.default", "u", self="t", dims=order),
            _call("torch.ops.aten.mm.default", "y", self="x", mat2="t"),
            _call("torch.ops.aten.mm.default", "z", self="x", mat2="u"),
        ),
        "an image as a parameter's type": (
            _call("torch.ops.aten.to.other", "y", self="x", other="p_w"),
            _call("torch.ops.aten.relu.default", "z", self="y"),
        ),
    }.items():
        yield f"a graph of what is {words}", _read(list(nodes))


# Caffe's


def _caffe() -> Iterator[Case]:
    """Nets of one layer, of both generations."""
    weights = part(1, 2) + part(1, 1) + part(1, 3) + part(1, 3)
    numbers = part(5, array_of(18).tobytes())
    blob = part(7, weights) + numbers
    old, form = part(2, "data") + part(3, "c"), part(1, "c") + part(2, "conv") + part(50, blob)
    new = part(1, "c") + part(2, "Convolution") + part(4, "c")
    nets = {
        "nothing": b"",
        "a name": part(1, "net"),
        "every field": b"".join(part(n, "x") for n in (1, 2, 3, 5, 6, 7))
        + part(8, part(1, 1))
        + part(4, 1)
        + part(100, new + part(7, blob)),
        "the first form, oddly named": part(2, old + part(1, part(1, "a\nb") + form[3:])),
        "the first form of another type": part(2, old + part(1, form[:3] + part(2, "odd") + form[9:])),
        "no type, of old": part(2, old + part(4, "c") + part(6, blob)),
        "a blob of a shape that is none": part(100, new + part(7, part(7, part(1, 1 << 63)) + numbers)),
        "a blob of no numbers": part(100, new + part(7, part(7, weights))),
        "a blob of none": part(100, new + part(7, part(7, part(1, 0)))),
    }
    for kind in (None, 0, 1, 2):
        pool = part(1, "p") + part(2, "pool") + part(8, 3) + (b"" if kind is None else part(11, kind))
        nets[f"the first form's pooling {kind}"] = part(2, old + part(1, form)) + part(2, old + part(1, pool))
    for words, net in nets.items():
        yield f"Caffe's net of {words}", caffe.open, {"net.caffemodel": net}, Limits()


def _darknet() -> Iterator[Case]:
    weights = struct.pack("<iii", 0, 1, 5) + bytes(4) + array_of(2).tobytes()
    packed = gzip.compress(b"[net]\nchannels=1\n[convolutional]\nsize=1\n", mtime=0)
    files = {"net.weights": weights, "net.cfg": packed}
    yield "Darknet's with a packed configuration", darknet.open, files, Limits()
    files = {"net.v2.weights": weights, "net.v2.cfg": gzip.decompress(packed)}
    yield "Darknet's of a name with a dot", darknet.open, files, Limits()


# Trees


def _trees() -> Iterator[Case]:
    w, b, more = array_of(3, 3, 1, 2), array_of(2), array_of(3, 3, 2, 4)
    torch = array_of(2, 1, 3, 3)
    for words, held in {
        "Haiku's and others": {"net/~/conv2_d/w": w, "own/w": more},
        "sorted with their collections": {
            "batch_stats/n/mean": 2 * b,
            "batch_stats/n/var": 3 * b,
            "params/a/kernel": w,
            "params/b/kernel": more,
            "params/n/scale": b,
        },
        "one of them numbered": {"0": {"c": {"kernel": w}}, "a": {"kernel": more}},
        "one in two dictionaries": {"model": {"c.weight": torch, "c.bias": b}, "weights": {"x": b}},
        "one beside a number": {"model": {"c.weight": torch, "c.bias": b}, "weights": 3},
        "dots and a path": {"c.weight": torch, "d/x.bias": b, "e/weight": 2 * torch},
        "lines": {"a/kernel": w, "b/kernel": array_of(3, 2, 4)},
    }.items():
        yield f"a pickle of trees {words}", trees.open, {"net.pkl": dumps(held)}, Limits()
    for names in (("b", "a"), ("a10", "a9")):
        leaves = [f"{name}/{leaf}" for name in names for leaf in ("bias", "kernel")]
        for words, order in (("biases first", leaves), ("kernels first", leaves[1::-1] + leaves[:1:-1])):
            arrays = {leaf: w if leaf.endswith("l") else b for leaf in order}
            yield f"an npz of {names}, {words}", trees.open, {"net.npz": _npz(arrays)}, Limits()


# What is only named


def _named() -> Iterator[Case]:
    page = b'<?xml version="1.0"?>\n<net name="a">'
    buffer = b"\n\x03abc\x12\x01"
    for words, files in {
        "numbers beside a packed description": {"a.bin": b"\x01odd", "a.xml": gzip.compress(page, mtime=0)},
        "a protocol buffer": {"x.odd": buffer},
        "a protocol buffer with a name of Caffe's": {"x.solverstate": buffer},
        "a text with a name of Caffe's": {"x.prototxt": b"import x"},
    }.items():
        yield words, named.open, files, Limits()


# Paddle's


def _tensor(*lengths: int, held: int | None = None) -> bytes:
    told_ = part(1, 5) + b"".join(part(2, n) for n in lengths)
    n = math.prod(lengths) if held is None else held
    return struct.pack("<IQIi", 0, 0, 0, len(told_)) + told_ + bytes(4 * n)


def _paddle() -> Iterator[Case]:
    """A layer with its program, of either generation."""
    value = [{"%": n, "TT": {"#": "0.t_dtensor", "D": [0, [1, 1, 8, 8]]}} for n in range(4)]
    named = [
        {"#": "p", "A": [0, 0, 0, f"conv2d_0.{name}"], "O": value[n]} for n, name in enumerate(("b_0", "w_0"))
    ]
    runs = [
        {"#": "1.data", "A": [], "I": [], "O": [value[2]]},
        {"#": "1.conv2d", "A": [], "I": [value[2], value[1]], "O": [value[3]]},
    ]
    program = json.dumps({"program": {"regions": [{"blocks": [{"ops": named + runs}]}]}}).encode()
    both, usual = _tensor(2) + _tensor(2, 1, 3, 3), {"net.json": program}
    kept = [part(3, part(1, f"linear_0.{name}") + part(3, 1)) for name in ("b_0", "w_0")]
    older = {"net.pdmodel": part(1, b"".join(kept))}
    for words, data, beside, said in (
        ("as usual", both, usual, Limits()),
        ("with an order of axes", both, usual, Hints(axes={"": "hwio"})),
        ("of two, where one is allowed", both, usual, Limits(layers=1)),
        ("beside more JSON than is allowed", both, usual, Limits(allocation=4000)),
        ("that are packed beside", both, {"net.json": gzip.compress(program, mtime=0)}, Limits()),
        ("of a length that is none", _tensor(2) + _tensor(1 << 63, held=2), usual, Limits()),
        ("of no numbers at the end", _tensor(2) + _tensor(0), usual, Limits()),
        ("of a dense layer", _tensor(4) + _tensor(3, 4), older, Limits()),
    ):
        yield f"Paddle's tensors {words}", paddle.open, {"net.pdiparams": data, **beside}, said


# ggml's and MXNet's


def _ggml() -> Iterator[Case]:
    def text(one: str) -> bytes:
        return struct.pack("<Q", len(one)) + one.encode()

    kernel = text("c.weight") + struct.pack("<I4QIQ", 4, 1, 1, 1, 2, 0, 0)
    for words, kind, value in (
        ("64", 4, struct.pack("<I", 64)),
        ("65536", 4, struct.pack("<I", 1 << 16)),
        ("65544", 4, struct.pack("<I", (1 << 16) + 8)),
        ("a text", 8, text("32")),
    ):
        start = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("general.alignment") + struct.pack("<I", kind)
        head = start + value + kernel
        yield (
            f"ggml's tensors aligned by {words}",
            gguf.open,
            {"net.gguf": head + bytes(-len(head) % (1 << 16) + 8)},
            Limits(),
        )


def _mxnet() -> Iterator[Case]:
    def arrays(*shapes: tuple[int, ...], names: Sequence[str] = ()) -> bytes:
        found = struct.pack("<QQQ", 0x112, 0, len(shapes))
        for shape in shapes:
            found += struct.pack(f"<IiI{len(shape)}q", 0xF993FAC9, 0, len(shape), *shape)
            found += (struct.pack("<iii", 1, 0, 0) + bytes(4 * math.prod(shape))) if shape else b""
        found += struct.pack("<Q", len(names))
        return found + b"".join(struct.pack("<Q", len(one)) + one.encode() for one in names)

    def node(name: str, *inputs: int, op: str = "null") -> dict[str, Any]:
        return {"op": op, "name": name, "inputs": [[n, 0] for n in inputs], "attrs": {"kernel": "(3, 3)"}}

    first = [node("x"), node("a_weight"), node("a_bias"), node("a", 0, 1, 2, op="Convolution")]
    second = [node("b_weight"), node("b_bias"), node("b", 3, 4, 5, op="Convolution")]
    second[2]["attrs"] = {"kernel": "(5, 5)"}
    symbol = json.dumps({"nodes": [*first, *second]}).encode()
    names = [f"arg:{layer}_{word}" for layer in "ab" for word in ("bias", "weight")]
    data = arrays(*((2,), (2, 1, 3, 3)) * 2, names=names)
    for words, files, limits in (
        ("of a length below zero", {"net.params": arrays((-2, -1))}, Limits()),
        *((f"of {n} axes", {"net.params": arrays((1,) * n)}, Limits()) for n in (32, 33)),
        ("of no names, one of them empty", {"net.params": arrays((2, 1, 3, 3), ())}, Limits()),
        ("sorted, with no symbol", {"net.params": data}, Limits()),
        ("sorted, with a symbol", {"net.params": data, "net-symbol.json": symbol}, Limits()),
        (
            "with a packed symbol",
            {"net.params": data, "net-symbol.json": gzip.compress(symbol, mtime=0)},
            Limits(),
        ),
        (
            "with more JSON than is allowed",
            {"net.params": data, "net-symbol.json": symbol},
            Limits(allocation=4000),
        ),
    ):
        yield f"MXNet's arrays {words}", mxnet.open, files, limits


def held_formats() -> Told:
    """All of it."""
    makers = (_named, _programs, _caffe, _darknet, _trees, _paddle, _ggml, _mxnet)
    yield from files_of([case for make in makers for case in make()])
    yield from _calls()
