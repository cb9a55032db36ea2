"""Whole small files, each with one fact of its own: versions, names, what lies beside and is asked for."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from filtviz.network import Network
from filtviz.reading.formats import caffe, darknet, exported, keras, mxnet, named, safetensors, tflib
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.hdf5_making import Folder, hdf5
from tests.reading.making import Thing, dumps
from tests.reading.operators.asking import Told, part
from tests.reading.operators.wholes import Files, in_a_folder, read_of

__all__ = ["whole_parts"]

Open = Callable[[Opened], Network | None]
Case = tuple[str, Open, Files]


def _array(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype="<f4").reshape(shape)


def _zip(members: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data)
    return written.getvalue()


# Darknet


def _darknet() -> Iterator[Case]:
    text = b"[net]\nchannels=1\n[convolutional]\nsize=1\n"
    for version in ((0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (0, 0)):
        data = struct.pack("<iii", *version, 5) + bytes(4) + _array(8).tobytes()
        yield f"Darknet {version}", darknet.open, {"net.weights": data, "net.cfg": text}
    usual = struct.pack("<iii", 0, 1, 5) + bytes(4) + _array(2).tobytes()
    for name in ("net.weights", "net.backup", "net.conv", "net.conv.15", "net_final.weights",
    "net_best_last.weights", "net_final_best.weights",
                 "n.weights", "net.dat"):  # fmt: skip
        yield f"Darknet's {name}", darknet.open, {name: usual, "net.cfg": text}
    both = {"net_last.weights": usual, "net.cfg": b"[odd]", "net_last.cfg": text}
    yield "Darknet's own configuration first", darknet.open, both
    for n in (darknet._LARGEST_CFG, darknet._LARGEST_CFG + 1):
        yield f"a configuration of {n}", darknet.open, {"net.weights": usual, "net.cfg": text.ljust(n)}
    yield (
        "a configuration that is no text",
        darknet.open,
        {"net.weights": usual, "net.cfg": text + b"\xff=\xfe"},
    )
    yield "more behind", darknet.open, {"net.weights": usual + b"12345", "net.cfg": text}


# Keras


def _conv(name: str = "") -> Folder:
    return Folder({"vars": Folder({"0": _array(3, 3, 1, 2), "1": _array(2)}, {"name": name} if name else {})})


def _keras() -> Iterator[Case]:
    one = hdf5(Folder({"layers": Folder({"conv2d": _conv("first")})}))
    two = hdf5(Folder({"layers": Folder({"conv2d_1": _conv("second")})}))
    unnamed = hdf5(Folder({"layers": Folder({"conv2d": Folder({"vars": Folder({"1": _array(2)})})})}))
    named_ = hdf5(
        Folder(
            {
                "layers": Folder(
                    {"conv2d": Folder({"vars": Folder({"0": _array(3, 3, 1, 2)}, {"name": "own"})})}
                )
            }
        )
    )
    none, files = hdf5(Folder({"x": Folder()})), {"a.weights.h5": one, "b.weights.h5": two}
    config = {
        "class_name": "Sequential",
        "config": {
            "layers": [{"class_name": "Conv2D", "config": {"name": name}} for name in ("first", "second")]
        },
    }
    beside = {"config.json": json.dumps(config).encode()}
    for words, weight_map, more in (
        ("in order", {"/a": "a.weights.h5", "/b": "b.weights.h5"}, files), ("turned", {"/b": "b.weights.h5",
        "/a": "a.weights.h5"}, files),
        ("in lists", {"/x": ["b.weights.h5", "a.weights.h5", 3], "/y": "b.weights.h5"}, files), ("of one",
        {"/a": "a.weights.h5"}, files),
        ("of no weights", {"/a": "a.weights.h5"}, {"a.weights.h5": none}), ("of another kind",
        {"/a": "a.bin"}, {"a.bin": one}),
        ("of no file", {}, files), ("of what is not there", {"/a": "c.weights.h5"}, files),
        ("of what is none", {"/a": "a.weights.h5"}, {"a.weights.h5": b"x" * 20}),
        ("with a configuration", {"/b": "b.weights.h5", "/a": "a.weights.h5"}, files | beside),
        ("of numbers", {"/a": 3}, files),
        ("of names in one of them", {"/a": "a.weights.h5", "/b": "b.weights.h5"}, {"a.weights.h5": unnamed,
        "b.weights.h5": named_}), ("that is a list", [], files),
    ):  # fmt: skip
        index = json.dumps({"weight_map": weight_map}).encode()
        yield f"an index {words}", keras.open, {"model.weights.json": index, **more}
    for start in (b" {", b"\n{", b"[", b""):
        text = json.dumps({"weight_map": {"/a": "a.weights.h5"}}).encode()
        yield (
            f"an index that begins with {start!r}",
            keras.open,
            {"model.weights.json": start + text[1:], **files},
        )
    for name in (
        "config.json",
        "model.json",
        "architecture.json",
        "model_config.json",
        "a.json",
        "other.json",
    ):
        both = {
            "class_name": "Sequential",
            "config": {"layers": [{"class_name": "Conv2D", "config": {"name": "first"}}]},
        }
        yield f"weights beside {name}", keras.open, {"a.weights.h5": one, name: json.dumps(both).encode()}
    for text in (
        b"{",
        b"{}",
        json.dumps({"class_name": "Sequential", "config": {"layers": []}}).encode(),
        b'{"class_name": "Own"}',
    ):
        yield f"weights beside {text!r}", keras.open, {"a.weights.h5": one, "config.json": text}
    parts = {"config.json": json.dumps(config).encode(), "metadata.json": b"{}"}
    for words, weights in (
        ("elsewhere", {"other.h5": one}),
        ("within", {"model.weights.h5": one}),
        ("nowhere", {}),
        ("in a folder", {"x/model.weights.h5": one}),
    ):
        yield f"a zip with weights {words}", keras.open, {"model.keras": _zip({**parts, **weights})}
    for gone in parts:
        less = {name: data for name, data in parts.items() if name != gone}
        yield (
            f"a zip without {gone}",
            keras.open,
            {"model.keras": _zip({**less, "model.weights.h5": one, "x": b""})},
        )
    text = json.dumps(config)
    for words, root in (
        ("the root", Folder({"layers": Folder({"conv2d": _conv("first")})}, {"model_config": text,
        "keras_version": "3.1", "backend": "jax"})),
        ("nothing", Folder({"layers": Folder({"conv2d": _conv("first")})}, {"keras_version": "2.1"})),
        ("weights alone", Folder({"vars": Folder({"0": _array(2, 3)})})),
        ("a class of its own", Folder({"layers": Folder({"conv2d": _conv("first")})},
        {"model_config": '{"class_name": "Own"}'})), ("no layers", Folder({"x": Folder()})),
    ):  # fmt: skip
        yield f"HDF5 with {words}", keras.open, {"model.h5": hdf5(root)}


# TensorFlow's pickles, safetensors, MXNet, Caffe


def _tflib() -> Iterator[Case]:
    def network(name: str, n: int) -> Thing:
        return Thing(
            "dnnlib.tflib.network.Network", name=name, variables=[("4x4/Conv/weight", _array(3, 3, n, 2))]
        )

    files = {
        "of three": (network("G", 1), network("D", 2), network("Gs", 3)), "of two of a name": (network("G",
        1), network("G", 2)),
        "averaged": (network("Gs", 1),), "of nothing": (Thing("dnnlib.tflib.network.Network", name="G",
        variables=[]),),
    }  # fmt: skip
    for words, held in files.items():
        yield f"tflib {words}", tflib.open, {"net.pkl": dumps(held)}


def _safetensors() -> Iterator[Case]:
    entry = {"dtype": "F32", "shape": [2, 1, 3, 3], "data_offsets": [0, 72]}
    for metadata in (
        {"format": "pt"},
        {"format": "flax"},
        {"format": "mlx"},
        {"format": "tf"},
        {},
        "text",
        None,
        3,
    ):
        for name in (
            ("conv.weight", "conv.kernel", "conv/kernel:0")
            if isinstance(metadata, dict)
            else ("conv.weight",)
        ):
            header = json.dumps({"__metadata__": metadata, name: entry}).encode()
            data = struct.pack("<Q", len(header)) + header + _array(18).tobytes()
            yield f"safetensors of {metadata} {name}", safetensors.open, {"net.safetensors": data}
    for start, stop in ((0, 72), (4, 76), (0, 68), (72, 0), (0, 76)):
        header = json.dumps({"a.weight": {**entry, "data_offsets": [start, stop]}}).encode()
        data = struct.pack("<Q", len(header)) + header + _array(19).tobytes()[: max(start, stop)]
        yield f"a tensor from {start} to {stop}", safetensors.open, {"net.safetensors": data}
    for dtype in ("F64", "BF16", "F8_E4M3", "X" * 21, None, 3):
        header = json.dumps({"a.weight": {**entry, "dtype": dtype}}).encode()
        yield (
            f"a tensor of {dtype}",
            safetensors.open,
            {"net.safetensors": struct.pack("<Q", len(header)) + header + _array(18).tobytes()},
        )


def _mxnet() -> Iterator[Case]:
    def file(*names: str, kind: int = 0, mark: int = 0xF993FAC9, sparse: int = 0) -> bytes:
        one = (
            struct.pack("<IiI4q", mark, sparse, 4, 2, 1, 3, 3)
            + struct.pack("<iii", 1, 0, kind)
            + bytes(144)[: 72 if kind == 0 else 144]
        )
        told = b"".join(struct.pack("<Q", len(name)) + name.encode() for name in names)
        return (
            struct.pack("<QQQ", 0x112, 0, max(len(names), 1))
            + one * max(len(names), 1)
            + struct.pack("<Q", len(names))
            + told
        )

    yield "MXNet's names", mxnet.open, {"net-0001.params": file("arg:b10_weight", "arg:b9_weight", "b1_bias")}
    yield "MXNet's list", mxnet.open, {"net.params": file()}
    for kind in (1, 7, 8, 99):
        yield f"MXNet's type {kind}", mxnet.open, {"net.params": file("a_weight", kind=kind)}
    yield "MXNet's sparse one", mxnet.open, {"net.params": file("a_weight", sparse=1)}
    for marks in ((0xF993FAC8, 0), (0xF993FACA, 0), (0xF993FACB, 0)):
        yield f"MXNet's mark {marks[0]:x}", mxnet.open, {"net.params": file("a_weight", mark=marks[0])}
    node = {"op": "null", "name": "b9_weight", "inputs": []}
    conv = {
        "op": "Convolution",
        "name": "b9",
        "inputs": [[0, 0, 0]],
        "attrs": {"kernel": "(3, 3)", "stride": "(2, 2)"},
    }
    for words, symbol in (
        ("a symbol", {"nodes": [node, conv]}), ("an odd symbol", {"nodes": [node, {}]}), ("a list", []),
        ("another operation", {"nodes": [node, {**conv, "op": "relu"}]}),
        ("a node that is no weight", {"nodes": [{**node, "op": "x"}, conv]}), ("no place", {"nodes": [node,
        {**conv, "inputs": [[7, 0, 0]]}]}),
        ("the same twice", {"nodes": [node, {**conv, "attrs": {}}, conv]}),
    ):  # fmt: skip
        yield (
            f"MXNet beside {words}",
            mxnet.open,
            {
                "net-0001.params": file("b1_weight", "b9_weight"),
                "net-symbol.json": json.dumps(symbol).encode(),
            },
        )


def _caffe() -> Iterator[Case]:
    blob = part(7, part(1, 2) + part(1, 1) + part(1, 3) + part(1, 3)) + part(5, _array(18).tobytes())
    conv = part(1, "c") + part(2, "Convolution") + part(3, "data") + part(4, "c")
    for words, net in (
        ("blobs", part(100, conv + part(7, blob))), ("none", part(100, conv)), ("three", part(100,
        conv + part(7, blob) * 3)),
        ("an input", part(3, "data") + part(4, 1) + part(4, 0) + part(4, 8) + part(4, 9) + part(100,
        conv + part(7, blob))),
        ("two inputs", part(3, "data") + part(3, "b") + b"".join(part(4, n) for n in (1, 1, 8, 9, 2, 3, 4,
        5)) + part(100, conv + part(7, blob))),
        ("an input by shape", part(3, "data") + part(8, part(1, 1) + part(1, 7)) + part(4,
        1) * 4 + part(100, conv + part(7, blob))),
        ("an input of nothing", part(3, "data") + part(100, conv + part(7, blob))), ("an odd name",
        part(100, part(1, "a\nb") + part(2, "C") + part(4, "c"))),
        ("an odd type", part(100, part(1, "c") + part(2, "a-b") + part(4, "c") + part(7, blob))), ("no top",
        part(100, part(1, "c") + part(2, "Conv") + part(7, blob))),
        ("another field", part(77, 1) + part(100, conv + part(7, blob))), ("numbers of eight bytes",
        part(100, conv + part(7, part(7, part(1, 1)) + part(8, bytes(8))))),
        ("an unknown type of old", part(2, part(2, "data") + part(3, "c") + part(4, "c") + part(5,
        77) + part(6, blob))),
        ("an old one", part(2, part(2, "data") + part(3, "c") + part(4, "c") + part(5, 4) + part(6, blob))),
    ):  # fmt: skip
        yield f"Caffe with {words}", caffe.open, {"net.caffemodel": net}


# Programs of PyTorch's, and what is only named


def _exported() -> Iterator[Case]:
    meta = {
        "dtype": 7,
        "sizes": [{"as_int": 2}, {"as_int": 3}],
        "strides": [{"as_int": 3}, {"as_int": 1}],
        "storage_offset": {"as_int": 0},
    }
    spec = {"parameter": {"arg": {"name": "p"}, "parameter_name": "fc.weight"}}
    node = {
        "target": "torch.ops.aten.linear.default",
        "inputs": [{"name": "weight", "arg": {"as_tensor": {"name": "p"}}}],
        "outputs": [],
    }
    graph = {"tensor_values": {}, "nodes": [node]}
    for words, more in (
        ("as usual", {}), ("turned", {"strides": [{"as_int": 1}, {"as_int": 2}]}), ("with no offset",
        {"storage_offset": None}), ("behind", {"storage_offset": {"as_int": 1}}),
        ("far behind", {"storage_offset": {"as_int": 9}}), ("of an unknown type", {"dtype": 99}),
        ("of halves", {"dtype": 6}), ("with no strides", {"strides": None}), ("with an open size",
        {"sizes": [{"as_expr": 2}]}),
    ):  # fmt: skip
        for version in ("2.5", "<=2.4", 3):
            model = {
                "graph_module": {"graph": graph, "signature": {"input_specs": [spec]}},
                "torch_version": version,
            }
            config = {"config": {"fc.weight": {"path_name": "weight_0", "tensor_meta": {**meta, **more}}}}
            members = {"x/models/model.json": model, "x/data/weights/model_weights_config.json": config}
            held = {name: json.dumps(one).encode() for name, one in members.items()} | {
                "x/data/weights/weight_0": _array(7).tobytes()
            }
            if version == "2.5" or not more:
                yield f"a program {words} of {version}", exported.open, {"net.pt2": _zip(held)}
    for entry in (
        {"use_pickle": True, "path_name": "weight_0", "tensor_meta": meta},
        {"path_name": 3, "tensor_meta": meta},
        {"path_name": "gone", "tensor_meta": meta},
        3,
    ):
        model = {"graph_module": {"graph": graph, "signature": {"input_specs": [spec]}}}
        members = {
            "models/model.json": model,
            "data/weights/model_weights_config.json": {"config": {"fc.weight": entry}},
        }
        yield (
            f"a program with {str(entry)[:40]}",
            exported.open,
            {"net.pt2": _zip({name: json.dumps(one).encode() for name, one in members.items()} | {"y": b""})},
        )


def _named() -> Iterator[Case]:
    for name in (
        "net.mnn",
        "net.PLAN",
        "net.data-00000-of-00001",
        "net.data-0000-of-00001",
        "x.meta",
        "x.meta.old",
        "x.prototxt",
        "x.solverstate",
        "x.binaryproto",
        "x.odd",
    ):
        yield f"named {name}", named.open, {name: b"\x01nothing that is known"}
    for name, beside in (
        ("a.bin", "a.xml"),
        ("a.bin", "a.param"),
        ("group1-shard1of2.bin", "model.json"),
        ("group1-shard1of2", "model.json"),
        ("a.bin", "b.xml"),
    ):
        for data in (
            b'<?xml version="1.0"?>\n<net name="a">',
            b"7767517\n",
            b'{"format": "layers-model"}',
            b"odd",
        ):
            yield f"{name} beside {beside} {data[:12]!r}", named.open, {name: b"\x01numbers", beside: data}
    for members in (
        ("a.onnx", "b.h5", "x.txt"),
        ("x.txt", "y"),
        ("deep/saved_model.pb", "y"),
        ("coefficients.bin", "z.pkl"),
        ("a.PKL", "x"),
        tuple(f"m{n}.pt" for n in range(6)),
    ):
        yield f"a zip of {members}", named.open, {"x.zip": _zip(dict.fromkeys(members, b"x"))}
    for data in (b"", b"\x80\x02cut", b"hello", b"(lp0", bytes(400), b"PK\x03\x04cut"[:3]):
        yield f"what begins with {data[:8]!r}", named.open, {"x": data}


CASES: tuple[Callable[[], Iterator[Case]], ...] = (
    _darknet,
    _keras,
    _tflib,
    _safetensors,
    _mxnet,
    _caffe,
    _exported,
    _named,
)


def whole_parts() -> Told:
    """Each file as its format reads it; of tflib each network that a person may ask for."""
    cases = [case for make in CASES for case in make()]

    def read(number: int, folder: Path) -> tuple[str, str]:
        words, open_, files = cases[number]
        for name, data in files.items():
            (folder / name).write_bytes(data)
        path = folder / next(iter(files))
        wanted = ("", "Gs", "G", "none") if open_ is tflib.open else ("",)
        told: list[str] = [
            read_of(open_, Opened.of(path, Limits(), Hints(weights=one))).replace(f"{folder}/", "")
            for one in wanted
        ]
        return words, " & ".join(told)

    yield from in_a_folder(read, len(cases))
