"""What tells the kind of a file: how it begins, the fields that it has, and the names beside it."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading.formats import (
    caffe,
    chainer,
    darknet,
    formats_for,
    keras,
    named,
    onnx,
    paddle,
    safetensors,
    tensorflow,
)
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.making import dumps
from tests.reading.operators.asking import Told, part
from tests.reading.operators.whole_onnx import info, tensor
from tests.reading.operators.whole_tensorflow import node
from tests.reading.operators.wholes import opened
from tests.telling import refused

__all__ = ["starts"]


def _is(open_: Any, file: Opened) -> str:
    """Whether a file is of a format's kind, and with how many layers; or why it is refused."""
    try:
        found = open_(file)
    except FiltvizError as error:
        return refused(error)
    return "another's" if found is None else f"{len(found.layers)} layers, {found.origin.kind}"


def _onnx() -> Told:
    graph = part(1, part(1, "x") + part(2, "y") + part(4, "Relu")) + part(11, info("x", (1, 3)))
    whole = {
        "version": part(1, 8),
        "producer": part(2, "ours"),
        "graph": part(7, graph),
        "opset": part(8, part(2, 17)),
    }
    for missing in ("", *whole):
        rest = [one for name, one in whole.items() if name != missing]
        for turned in (False, True):
            data = b"".join(rest[::-1] if turned else rest)
            yield f"ONNX without {missing or 'nothing'}{', turned' * turned}", _is(onnx.open, opened(data))
    first = whole["version"] + whole["producer"]
    for number in (3, 4, 5, 6, 9, 14, 19, 20, 25, 26, 27):
        data = first + part(7, graph) + whole["opset"] + part(number, b"")
        yield f"ONNX with a field {number}", _is(onnx.open, opened(data))
    for number in (3, 9, 10, 13, 14, 16, 17):
        yield (
            f"ONNX with a field {number} of its graph",
            _is(onnx.open, opened(first + part(7, graph + part(number, b"")) + whole["opset"])),
        )
    full = (
        b"".join(part(number, b"") for number in (10, 13, 14, 15, 16))
        + part(5, tensor("w", np.ones(1, "f4")))
        + part(12, info("y", ()))
    )
    yield (
        "ONNX with every field of its graph but sparse ones",
        _is(onnx.open, opened(first + part(7, graph + full.replace(part(15, b""), b"")) + whole["opset"])),
    )
    for n in (4092, 4093):
        data = b"".join(whole.values()) + part(14, b"") * n
        yield f"ONNX with {n} properties", _is(onnx.open, opened(data))
    for word in ("Relu", "Re\nlu"):
        inner = part(1, part(1, "x") + part(2, "y") + part(4, word))
        yield f"ONNX with a node {word!r}", _is(onnx.open, opened(first + part(7, inner) + whole["opset"]))
    for begun, head in (("", first), ("graph ", b""), ("version alone ", whole["version"])):
        for end in (
            part(8, part(1, "ai.onnx") + part(2, 17)),
            part(8, part(1, "ai.on") + part(2, 17)),
            part(8, part(1, "ai.onnx") + part(2, 17)) + bytes(4096),
        ):
            data = head + part(7, graph)[:-9] + end
            yield (
                f"ONNX {begun}cut short, with {end[:14]!r} of {len(end)} bytes",
                _is(onnx.open, opened(data)),
            )
    for opsets in ([("", 13)], [("ai.onnx", 13)], [("ai.onnx", 11), ("", 13)], [("ours", 13)], []):
        data = first + part(7, graph) + b"".join(part(8, part(1, name) + part(2, n)) for name, n in opsets)
        found = onnx.open(opened(data))
        yield f"ONNX of {opsets}", str(found and found.origin.versions)
    for producer, version in (("a", "1"), ("", "1"), ("a", ""), ("", "")):
        found = onnx.open(
            opened(part(1, 8) + part(2, producer) + part(3, version) + whole["graph"] + whole["opset"])
        )
        yield f"ONNX by {producer!r} {version!r}", repr(found and found.origin.producer)
    for start in (
        b"ORTM",
        b"xxxxORTM",
        b"ir_version: 8",
        b"  ir_version :8",
        b"<\n ir_version:8",
        b"< x",
        b"\x08\x21\x12",
        b"\x08\x20\x12",
        b"\x08\x00\x12",
    ):
        yield f"ONNX begun as {start!r}", _is(onnx.open, opened(start + bytes(8)))


def _tensorflow() -> Told:
    held = node("x", "Placeholder", [])
    for name in ("x", "a/b_1", ".x", "/x", "x y", "x\\y", "a>b", "", "é"):
        yield (
            f"TensorFlow: a node {name!r}",
            _is(tensorflow.open, opened(part(1, node(name, "Placeholder", [])))),
        )
    for word in ("Relu", "_Fused", "__x", "2D", "Re lu", ""):
        yield f"TensorFlow: an operator {word!r}", _is(tensorflow.open, opened(part(1, node("x", word, []))))
    for number in range(2, 9):
        yield (
            f"TensorFlow: a field {number} of a node",
            _is(tensorflow.open, opened(part(1, held + part(number, b"")))),
        )
        yield f"TensorFlow: a field {number}", _is(tensorflow.open, opened(part(1, held) + part(number, b"")))
    for data in (
        part(1, 1) + part(2, b""),
        part(1, 1) + part(2, part(1, b"")),
        part(1, 2) + part(2, part(2, b"")),
        part(1, b""),
        part(2, part(1, b"")),
        part(1, 1),
        b"\x08",
        b"\n\xff",
        b"",
    ):
        yield f"TensorFlow: {data!r}", _is(tensorflow.open, opened(data))
    blob = part(7, b"".join(part(1, n) for n in (1, 1, 1, 1))) + part(5, np.ones(1, "f4").tobytes())
    for kind in ("Convolution", "conv_1", "1conv", "co nv", ""):
        for more in (part(4, "y"), part(3, "x"), b""):
            inner = part(1, "c") + part(2, kind) + more + part(7, blob)
            yield f"Caffe: a layer {kind!r} with {more!r}", _is(caffe.open, opened(part(100, inner)))
    for name in ("c", "c\n", ""):
        for number, fields in ((100, (1, 2, 3, 7)), (2, (4, 5, 2, 6))):
            kind: Any = "Convolution" if number == 100 else 4
            values = dict(zip(fields, (name, kind, "x", blob), strict=True))
            data = part(number, b"".join(part(one, value) for one, value in values.items()))
            yield f"Caffe: a layer called {name!r} in field {number}", _is(caffe.open, opened(data))
            yield (
                f"Caffe: the same with field 77, {name!r} in field {number}",
                _is(caffe.open, opened(data + part(77, b""))),
            )
    for word in ("conv", "pool", "Convolution", "dream"):
        first = part(1, part(1, "c") + part(2, word) + part(50, blob)) + part(2, "x") + part(3, "y")
        yield f"Caffe: a first layer {word!r}", _is(caffe.open, opened(part(2, first)))


def _by_name() -> Told:
    """Names and starts in a folder, each file with others beside it."""
    numbers = np.ones(400, "<f4").tobytes()
    weights = struct.pack("<iiiq", 0, 2, 5, 0) + numbers
    cfg = b"[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=2\nsize=1\n"
    cases: list[tuple[str, Any, dict[str, bytes]]] = []
    for name in (
        "n.weights",
        "n.conv",
        "n.backup",
        "n.bin",
        "n_final.weights",
        "n_best.weights",
        "n_last.weights",
        "m.weights",
    ):
        cases.append(("Darknet", darknet.open, {name: weights, "n.cfg": cfg}))
    for start in (b"\0\0\0\0\x0a\0\0\0", b"\1\0\0\0\2\0\0\0", b"\0\0\0\0\2\0\0\0\x21\0\0\0"):
        cases.append(("Darknet", darknet.open, {"n.weights": start + weights[len(start) :], "n.cfg": cfg}))
    for n in (1 << 20, (1 << 20) + 1):
        cases.append((f"Darknet with {n} bytes", darknet.open, {"n.weights": weights, "n.cfg": cfg.ljust(n)}))
    for n in (999_999, 1_000_000, 1_000_001, -1_000_000, -1_000_001):
        cases.append(
            (
                f"Darknet {n} wide",
                darknet.open,
                {"n.weights": weights, "n.cfg": cfg.replace(b"width=8", b"width=%d" % n)},
            )
        )
    for start in (
        bytes(16) + b"\2\0\0\0\x08\5",
        bytes(16) + b"\1\0\0\0\x08\5",
        bytes(15) + b"\2\0\0\0\x08\5\0",
        bytes(16) + b"\x80\0\0\0\x08\5",
        b"\n\x80\x01\x08\0\x10" + b"\xff" * 9 + b"\x01\x1a",
        b"\n\x05\x08\0\x10" + b"\xff" * 9 + b"\x01\x22",
        b"\n\x05\x08\1\x10" + b"\xff" * 9,
    ):
        cases.append(("Paddle", paddle.open, {"n.pdiparams": start + bytes(40)}))
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    for length in (len(header), len(header) + 1, 1, 100_000_001):
        cases.append(
            (
                f"safetensors of {length}",
                safetensors.open,
                {"n.safetensors": struct.pack("<Q", length) + header + bytes(4)},
            )
        )
    for beside in (
        {},
        {"n.xml": b'<?xml version="1.0"?>\n<net name="x" version="10">'},
        {"n.param": b"7767517\n3 3\n"},
        {"m.param": b"7767517\n"},
    ):
        cases.append(("named", named.open, {"n.bin": numbers, **beside}))
    for name in ("g-shard1of2.bin", "g-shard1of2", "g-shardxof2"):
        cases.append(
            (
                "named",
                named.open,
                {name: numbers, "model.json": b'{"format":"layers-model","modelTopology":{}}'},
            )
        )
    for name in (
        "a.data-00000-of-00001",
        "a.data-0-of-1",
        "a.meta",
        "a.prototxt",
        "a.solverstate",
        "a.binaryproto",
        "a.MNN",
        "a.plan",
        "a.none",
        "a.meta.x",
    ):
        cases.append(("named", named.open, {name: b"\xfe\xfd" + bytes(8)}))
    for start in (b"", bytes(9), b"\x80\x02", b"\x80\x02}q.", b"(lp0\n", b"\x1f\x00"):
        cases.append(("named", named.open, {"n": start}))
    for names in (
        ["a.txt", "b.txt"],
        ["a/x.PT", "b.txt"],
        ["saved_model.pb", "x"],
        ["coefficients.bin", "a.h5"],
        [f"{i}.onnx" for i in range(6)],
        ["a/saved_model.pb", "x"],
    ):
        cases.append((f"named: a zip of {names}", named.open, {"n.zip": _zip(names)}))
    for keys in (
        ["a/W"],
        ["a/W", "b"],
        ["a/w", "a/W"],
        ["a/x"],
        ["a/W", "a/b", "updater/optimizer/W"],
        ["a/gamma", "a/N"],
    ):
        cases.append((f"Chainer: {keys}", chainer.open, {"n.npz": _npz(keys)}))
    for index in (
        b'{"weight_map":{}}',
        b'{"weight_map":3}',
        b'{"weight_map":{"a":"x.h5"}}',
        b'  {"a":1,"weight_map":{"a":["x.weights.h5"]}}',
        b'["weight_map"]',
    ):
        cases.append((f"Keras: {index!r}", keras.open, {"n.json": index}))
    yield from _told(cases)


def _told(cases: Iterable[tuple[str, Any, dict[str, bytes]]]) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        for words, open_, files in cases:
            for name, data in files.items():
                (Path(folder) / name).write_bytes(data)
            first = next(iter(files))
            file = Opened.of(Path(folder) / first, Limits(), Hints())
            shown = (
                f"{words}: {first} of {bytes(file.data[:24])!r}"
                if "zip" not in words and "Chainer" not in words
                else words
            )
            yield f"{shown} beside {list(files)[1:]}", _is(open_, file).replace(f"{folder}/", "")
            for name in files:
                (Path(folder) / name).unlink()


def _zip(names: Iterable[str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), b"some")
    return written.getvalue()


def _npz(keys: Iterable[str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for key in keys:
            held = io.BytesIO()
            np.save(held, np.ones((2, 1, 2, 2) if key.endswith("W") else (2,), "f4"))
            file.writestr(zipfile.ZipInfo(f"{key}.npy"), held.getvalue())
    return written.getvalue()


def _order() -> Told:
    """Which kinds are asked first."""
    for data in (dumps([1]), b"\x81\x02", b"x\x80", b""):
        asked = [one.__name__.rpartition(".")[2] for one in formats_for(opened(data))]  # type: ignore[attr-defined]
        yield f"asked of {data[:2]!r}", " ".join(asked)


def starts() -> Told:
    for table in (_onnx, _tensorflow, _by_name, _order):
        yield from table()
