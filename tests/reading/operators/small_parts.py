"""Sections of Darknet's, nodes and texts of MXNet's, facts and values of ggml's.

Each is asked by itself, with one fact after another as it may be said, odd, or not there.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from filtviz.network import Layer
from filtviz.reading.formats import caffe, darknet, gguf, mxnet
from filtviz.reading.limits import Limits, effort
from filtviz.reading.stretch import view_of
from filtviz.reading.tensor_names import Tensor
from tests.reading.operators.asking import Told, array, message, numbers_of, part
from tests.reading.operators.wholes import opened, outcome
from tests.telling import told

__all__ = ["line_of", "small_parts", "together"]


def line_of(layer: Layer) -> str:
    """A layer with what it holds, in a few words."""
    below = f"<{','.join(map(str, layer.inputs))}" if layer.inputs else ""
    held = "".join(f" {one.name}[{'x'.join(map(str, one.shape))}]" for one in layer.parameters)
    does = " ".join(told(*layer.operations).split())
    return f"{layer.name}:{layer.type}{below} {does}{held} {layer.output_shape}"


def together(rows: Iterable[tuple[str, str]], start: str) -> Told:
    """What is answered alike stands in one line."""
    answers: dict[str, list[str]] = {}
    for asked, answer in rows:
        answers.setdefault(answer, []).append(asked)
    yield from ((f"{start}: {', '.join(asked)}", answer) for answer, asked in answers.items())


# Darknet

_ENTRIES: Mapping[str, dict[str, str]] = {
    "net": {"channels": "2", "width": "5", "height": "6"},
    "convolutional": {
        "filters": "4", "size": "3", "stride": "2", "pad": "0", "padding": "1", "dilation": "1",
        "groups": "1",
        "stride_x": "1", "stride_y": "2", "batch_normalize": "0", "activation": "leaky",
    },
    "deconvolutional": {"filters": "4", "size": "3", "stride": "2", "pad": "1", "padding": "0",
    "groups": "2"},
    "maxpool": {"size": "3", "stride": "2", "padding": "1"},
    "upsample": {"stride": "3"},
    "route": {"layers": "-1, 0", "groups": "2", "group_id": "1"},
    "shortcut": {"from": "-2", "activation": "relu"},
    "connected": {"output": "3", "activation": "tanh", "batch_normalize": "0"},
    "avgpool": {}, "dropout": {}, "softmax": {}, "yolo" * 9: {},
}  # fmt: skip
_VALUES: Mapping[str, tuple[str, ...]] = {
    "activation": (*darknet._ACTIVATIONS, "linear", "dream" * 8, ""),
    "layers": ("-1", "0", "-3", "-4", "1", "2", "-1,-2,0", "-1,7", "x", "", "0 -1", "1234567"),
    "from": ("-1", "0", "-1,-2", "-3", "-4", "1", "2", ""),
    "groups": ("1", "2", "4", "0", "-1", "3"),
    "filters": ("0", "1", "-1", "x", "", "1000000", "1000001", "-1000000", "-1000001", "2.5", " 3 "),
}
_WHOLES = ("0", "1", "2", "-1", "x", " 3 ")


def _network(text: str, n_numbers: int = 4000) -> str:
    file = opened(b"")
    numbers = view_of(np.arange(n_numbers, dtype="<f4").tobytes())
    reader = darknet._Reader(file, numbers, 0)

    def tell(layers: list[Layer]) -> str:
        return f"{' '.join(map(line_of, layers[-1:]))} at {reader.position} {reader.channels}"

    return f"{outcome(lambda: reader.read(darknet._sections(text, file)), tell)} {file.effort.used}"


def _text(kind: str, entries: Mapping[str, str], before: str = "") -> str:
    facts = "\n".join(f"{key}={value}" for key, value in entries.items())
    return f"{before}[{kind}]\n{facts}\n"


def _darknet() -> Told:
    start = _text("net", _ENTRIES["net"])
    below = _text("convolutional", {"filters": "4", "activation": "linear"}, _text("dropout", {}, start))
    for kind, entries in _ENTRIES.items():
        before = "" if kind == "net" else below
        rows = [("as usual", _network(_text(kind, entries, before)))]
        for key in entries:
            without = {name: value for name, value in entries.items() if name != key}
            rows.append((f"without {key}", _network(_text(kind, without, before))))
            for value in _VALUES.get(key, _WHOLES):
                rows.append((f"{key}={value}", _network(_text(kind, entries | {key: value}, before))))
        yield from together(rows, kind[:20])
    conv = {"filters": "4", "size": "3", "batch_normalize": "1"}
    for n in (4, 84, 87, 88, 89):
        yield f"{n} numbers", _network(_text("convolutional", conv, start), n)
    for text in (
        "", "[net]", "[ NET ] # more\nwidth = 4 ; wide\n;height=3\n#x\n", "[network]\nchannels=1=2\n",
        "width=4\n[net]",
        "[convolutional]\n[net]", "[net]\nwidth\n=4\n[dropout]", "[[net]]\n[Dropout]\n",
        "[net]\r\nheight=2\r\n[softmax]", "[net]\nwidth=4\nwidth\n", "[net]\nchannels=0\n[conv]\nfilters=4",
    ):  # fmt: skip
        yield f"lines {text!r}", _network(text)
    for n in (2, 3):
        file = opened(b"", limits=Limits(layers=n))
        yield (
            f"three sections of {n}",
            outcome(lambda f=file: darknet._sections("[net]\n[a]\n[b]", f), _n_of),
        )


def _n_of(found: Any) -> str:
    return str(len(found))


# MXNet

_NODE = {
    "kernel": "(3, 2)",
    "stride": "(2, 1)",
    "dilate": "(1, 2)",
    "pad": "(1, 0)",
    "num_group": "2",
    "layout": "NCHW",
}
_SAID = (
    "(3, 2)",
    "(1, 1)",
    "(0, 1)",
    "(1,)",
    "(1, 1, 1)",
    "()",
    "2",
    "-3",
    "0",
    "x",
    None,
    "NHWC",
    [2, 2],
    "1" * 101,
    "1234567",
)


def _mxnet() -> Told:
    for op in ("Convolution", "Deconvolution", "Pooling"):
        rows = [("as usual", _mx_facts(op, _NODE))]
        for key in _NODE:
            rows.append((f"without {key}", _mx_facts(op, {k: v for k, v in _NODE.items() if k != key})))
            rows += [(f"{key} {value}"[:30], _mx_facts(op, {**_NODE, key: value})) for value in _SAID]
        rows += [(f"under {word}", _mx_facts(op, _NODE, word)) for word in ("attr", "param", "else")]
        yield from together(rows, op)
    both = {
        "op": "Convolution",
        "param": {"kernel": "(1,)"},
        "attr": {"kernel": "(2,)"},
        "attrs": {"kernel": "(3,)"},
    }
    yield "all words", str(mxnet._facts(both))
    for name in (
        "arg:conv_weight", "aux:bn_moving_mean", "conv.weight", "conv_weights", "arg:a:b_bias", "weight",
        "_weight",
        "a.b_running_var", "other:c_gamma", "conv_weight_quantize",
    ):  # fmt: skip
        yield f"called {name}", mxnet._named(name)
    for name in (
        "net.params",
        "net-0001.params",
        "net-001.params",
        "a-0001-0002.params",
        ".params",
        "n.params.x",
    ):
        match = mxnet._STEM.fullmatch(name)
        yield f"stem of {name}", match["stem"] if match else "none"
    for data in (b"abc", "ä".encode(), b"\xff\xfe", b"x" * 4096 + b"y", b""):
        reader = mxnet._Reader(view_of(struct.pack("<Q", len(data)) + data + b"!"), 0)
        text = reader.text()
        yield f"text of {len(data)} {data[:3]!r}", f"{text[-4:]!r} {len(text)} {reader.position}"
    for length, held in ((4, 3), (3, 3), (1 << 63, 3)):
        reader = mxnet._Reader(view_of(struct.pack("<Q", length) + b"x" * held), 0)
        yield f"text of {length} in {held}", outcome(reader.text, str)
    kernel = {"c.weight": (4, 2, 3, 3), "d.weight": (4, 5, 5, 2), "e.bias": (4,)}
    tensors = [Tensor(name=name, array=array(*shape)) for name, shape in kernel.items()]  # type: ignore[arg-type]
    for uses in (
        {"c": {"kernel": (3, 3), "x": 1}}, {"c": {"kernel": (3, 2), "x": 1}}, {"d": {"kernel": (5, 5),
        "axes": "orci"}},
        {"d": {"kernel": (5, 2)}}, {"c": {}}, {"gone": {"kernel": ()}}, {"e": {"kernel": ()}},
    ):  # fmt: skip
        yield f"fitting {uses}", str(mxnet._fitting(uses, tensors))


def _mx_facts(op: str, said: Mapping[str, Any], word: str = "attrs") -> str:
    return str(mxnet._facts({"op": op, word: said}))


# ggml


def _gguf() -> Told:
    text = lambda one: struct.pack("<Q", len(one)) + one  # noqa: E731
    values: list[tuple[str, int, bytes]] = [
        ("text", 8, text(b"abc")), ("a text cut short", 8, struct.pack("<Q", 5) + b"abcd"), ("a long text",
        8, text(b"x" * 70_000)),
        ("a text that is none", 8, text(b"\xff")), ("an odd kind", 13, b"12345678"), ("nothing", 4, b""),
        ("texts", 9, struct.pack("<IQ", 8, 2) + text(b"a") + text(b"bc")), ("bytes", 9, struct.pack("<IQ",
        0, 3) + b"123"),
        ("bytes cut short", 9, struct.pack("<IQ", 0, 4) + b"123"), ("doubles", 9, struct.pack("<IQ2d", 12,
        2, 1, 2)),
        ("none", 9, struct.pack("<IQ", 9, 0)), ("odd ones", 9, struct.pack("<IQ", 13, 1) + b"1"),
        ("no odd ones", 9, struct.pack("<IQ", 13, 0)),
    ]  # fmt: skip
    values += [
        (f"number {letter}", code, struct.pack(f"<{letter}", 1)) for code, letter in gguf._VALUES.items()
    ]
    for deep in (4, 5):
        values.append((f"{deep} deep", 9, struct.pack("<IQ", 9, 1) * deep + struct.pack("<IQB", 0, 1, 5)))
    for words, kind, data in values:
        reader = gguf._Reader(view_of(data), effort(Limits()), 0)
        found = outcome(lambda r=reader, k=kind: r.value(k, 0), lambda one: f"{str(one)[:9]} {len(str(one))}")
        yield f"ggml {words}", f"{found} at {reader.position} {reader.effort.used}"
    for shape in ((3, 4), (1, 2, 3, 4), (1, 2, 3, 4, 5), (), (0, 3), (1 << 63, 2)):
        data = text(b"n") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 1, 64)
        reader = gguf._Reader(view_of(data), effort(Limits()), 0)
        yield (
            f"an entry of {shape}",
            f"{outcome(reader.entry, str)} at {reader.position} {reader.effort.used}",
        )
    for code in (*gguf._TYPES, 30, 2, 8):
        for offset in (0, 56, 64, 65):
            entry = gguf._Entry(name="n" * 61, shape=(1,), code=code, offset=offset)
            read = outcome(
                lambda e=entry: e.array(view_of(bytes(range(64)))),
                lambda a: f"{a.dtype} {numbers_of(a.read())}",
            )
            yield f"type {code} at {offset}", read
    for code, shape in itertools.product((*gguf._TYPES, 30, 2), ((), (0,), (2, 2))):
        entry = gguf._Entry(name="n", shape=shape, code=code, offset=8)
        found = outcome(lambda e=entry: e.array(view_of(bytes(range(64)))).read(), numbers_of)
        yield f"type {code} of {shape}", found
    for name in ("llama", "x" * 60, "x" * 61, "a\nb", 3):
        value = (8, text(name.encode())) if isinstance(name, str) else (4, struct.pack("<I", name))
        data = (
            b"GGUF"
            + struct.pack("<IQQ", 3, 1, 1)
            + text(b"general.architecture")
            + struct.pack("<I", value[0])
            + value[1]
        )
        data += text(b"c.weight") + struct.pack("<I4QIQ", 4, 1, 1, 1, 2, 0, 0)
        whole = data + bytes(-len(data) % 32) + bytes(8)
        yield (
            f"made by {name!r}",
            outcome(
                lambda d=whole: gguf.open(opened(d)), lambda n: f"{n.origin.producer!r} {n.origin.container}"
            ),
        )


# Caffe


def _caffe() -> Told:
    """Numbers for rows and columns in the three ways in which Caffe says them."""
    rows = []
    for more, rest in itertools.product(
        ((), (2,), (2, 3), (2, 3, 4), (0,), (5, 5)), ({}, {8: 4}, {9: 5}, {8: 4, 9: 5}, {8: 0})
    ):
        data = b"".join(part(1, n) for n in more) + b"".join(part(key, n) for key, n in rest.items())
        rows.append((f"{more} {rest}", f"{caffe._pair(message(data), 1, 8, 9, 7)}"))
    yield from together(rows, "pairs")


def small_parts() -> Told:
    """All of it."""
    yield from _darknet()
    yield from _mxnet()
    yield from _gguf()
    yield from _caffe()
