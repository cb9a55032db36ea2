"""Whole small files, each with one fact of its own: versions, names, what lies beside and is asked for."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from filtviz.network import Network
from filtviz.reading.formats import darknet, keras, mxnet, safetensors, tflib
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.hdf5_making import Folder, hdf5
from tests.reading.making import Thing, dumps
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import Files, in_a_folder, read_of

__all__ = ["Case", "array_of", "told_of", "whole_parts", "zipped"]

Open = Callable[[Opened], Network | None]
Case = tuple[str, Open, Files]


def array_of(*shape: int) -> np.ndarray:
    """Numbers one after another."""
    return np.arange(int(np.prod(shape)), dtype="<f4").reshape(shape)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip of these members."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data)
    return written.getvalue()


# Darknet


def _darknet() -> Iterator[Case]:
    text = b"[net]\nchannels=1\n[convolutional]\nsize=1\n"
    for version in ((0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (0, 0)):
        data = struct.pack("<iii", *version, 5) + bytes(4) + array_of(8).tobytes()
        yield f"Darknet {version}", darknet.open, {"net.weights": data, "net.cfg": text}
    usual = struct.pack("<iii", 0, 1, 5) + bytes(4) + array_of(2).tobytes()
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
    return Folder(
        {"vars": Folder({"0": array_of(3, 3, 1, 2), "1": array_of(2)}, {"name": name} if name else {})}
    )


def _keras() -> Iterator[Case]:
    one = hdf5(Folder({"layers": Folder({"conv2d": _conv("first")})}))
    two = hdf5(Folder({"layers": Folder({"conv2d_1": _conv("second")})}))
    unnamed = hdf5(Folder({"layers": Folder({"conv2d": Folder({"vars": Folder({"1": array_of(2)})})})}))
    named_ = hdf5(
        Folder(
            {
                "layers": Folder(
                    {"conv2d": Folder({"vars": Folder({"0": array_of(3, 3, 1, 2)}, {"name": "own"})})}
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
        ("of a compressed one", {"/a": "a.weights.h5"}, {"a.weights.h5": gzip.compress(one, mtime=0)}),
        ("of no file", {}, files), ("of what is not there", {"/a": "c.weights.h5"}, files),
        ("of two kinds", {"/a": "a.weights.h5", "/b": "b.bin"}, files),
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
        yield f"a zip with weights {words}", keras.open, {"model.keras": zipped({**parts, **weights})}
    for gone in parts:
        less = {name: data for name, data in parts.items() if name != gone}
        yield (
            f"a zip without {gone}",
            keras.open,
            {"model.keras": zipped({**less, "model.weights.h5": one, "x": b""})},
        )
    text = json.dumps(config)
    for words, root in (
        ("the root", Folder({"layers": Folder({"conv2d": _conv("first")})}, {"model_config": text,
        "keras_version": "3.1", "backend": "jax"})),
        ("nothing", Folder({"layers": Folder({"conv2d": _conv("first")})}, {"keras_version": "2.1"})),
        ("weights alone", Folder({"vars": Folder({"0": array_of(2, 3)})})),
        ("a class of its own", Folder({"layers": Folder({"conv2d": _conv("first")})},
        {"model_config": '{"class_name": "Own"}'})), ("no layers", Folder({"x": Folder()})),
    ):  # fmt: skip
        yield f"HDF5 with {words}", keras.open, {"model.h5": hdf5(root)}


# TensorFlow's pickles, safetensors, MXNet


def _tflib() -> Iterator[Case]:
    def network(name: str, n: int) -> Thing:
        return Thing(
            "dnnlib.tflib.network.Network", name=name, variables=[("4x4/Conv/weight", array_of(3, 3, n, 2))]
        )

    files = {
        "of three": (network("G", 1), network("D", 2), network("Gs", 3)), "of two of a name": (network("G",
        1), network("G", 2)),
        "pairs of other lengths": (Thing("dnnlib.tflib.network.Network", name="G", variables=[("a/weight",
        array_of(3, 3, 1,
        2), 5), ("b/weight",), (), 3, [*"ab"], ("c/weight", array_of(3, 3, 1, 2), array_of(2), "x")]),),
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
            data = struct.pack("<Q", len(header)) + header + array_of(18).tobytes()
            yield f"safetensors of {metadata} {name}", safetensors.open, {"net.safetensors": data}
    names = ("conv10/kernel:0", "conv9/kernel:0", "b/bias:0", "a10/bias", "a9/bias:0")
    held = {one: {**entry, "data_offsets": [72 * n, 72 * n + 72]} for n, one in enumerate(names)}
    header = json.dumps({"__metadata__": {"format": "tf"}, **held}).encode()
    data = struct.pack("<Q", len(header)) + header + array_of(90).tobytes()
    yield "safetensors of variables", safetensors.open, {"net.safetensors": data}
    for names in (
        ("params/conv10/kernel", "params/conv9/kernel", "batch_stats/conv8/mean"), ("params/b2/kernel",
        "b10/kernel"),
        ("params.b2.kernel", "b10.kernel", "batch_stats.b3.mean"),
    ):  # fmt: skip
        held = {one: {**entry, "data_offsets": [72 * n, 72 * n + 72]} for n, one in enumerate(names)}
        header = json.dumps({"__metadata__": {"format": "flax"}, **held}).encode()
        data = struct.pack("<Q", len(header)) + header + array_of(18 * len(names)).tobytes()
        yield f"safetensors of Flax's {names}", safetensors.open, {"net.safetensors": data}
    for start, stop in ((0, 72), (4, 76), (0, 68), (72, 0), (0, 76)):
        header = json.dumps({"a.weight": {**entry, "data_offsets": [start, stop]}}).encode()
        data = struct.pack("<Q", len(header)) + header + array_of(19).tobytes()[: max(start, stop)]
        yield f"a tensor from {start} to {stop}", safetensors.open, {"net.safetensors": data}
    for dtype in ("F64", "BF16", "F8_E4M3", "X" * 21, None, 3):
        header = json.dumps({"a.weight": {**entry, "dtype": dtype}}).encode()
        yield (
            f"a tensor of {dtype}",
            safetensors.open,
            {"net.safetensors": struct.pack("<Q", len(header)) + header + array_of(18).tobytes()},
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


CASES: tuple[Callable[[], Iterator[Case]], ...] = (_darknet, _keras, _tflib, _safetensors, _mxnet)


def told_of(cases: Sequence[Case]) -> Told:
    """Each file as its format reads it; of tflib each network that a person may ask for."""

    def read(number: int, folder: Path) -> tuple[str, str]:
        words, open_, files = cases[number]
        for name, data in files.items():
            (folder / name).write_bytes(data)
        path = folder / next(iter(files))
        wanted = ("", "Gs", "G", "none") if open_ is tflib.open else ("",)
        opened = (Opened.of(path, Limits(), Hints(weights=one)) for one in wanted)
        return words, " & ".join(read_of(open_, one).replace(f"{folder}/", "") for one in opened)

    yield from in_a_folder(read, len(cases))


def whole_parts() -> Told:
    yield from told_of([case for make in CASES for case in make()])
