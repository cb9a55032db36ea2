"""Names as long as sentences show them, longer by a letter, and with what a terminal would obey."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz.reading.formats import bare_arrays, caffe, darknet, exported, named, paddle, safetensors
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from filtviz.reading.stretch import view_of
from tests.reading.making import Named, Thing
from tests.reading.operators.asking import Told, message, part
from tests.reading.operators.bare_parts import _found, _inferred
from tests.reading.operators.objects_made import holding
from tests.reading.operators.whole_parts import zipped
from tests.reading.operators.wholes import opened, outcome

__all__ = ["near_names"]

ODD = "a\x1b[1m'b\n"


def _names(limit: int) -> Iterator[str]:
    yield from ("n" * limit, "n" * (limit + 1), ODD)


def _asked(words: str, limit: int, make: Callable[[str], Any], tell: Callable[[Any], str] = str) -> Told:
    for name in _names(limit):
        yield f"{words} {len(name)}", outcome(lambda name=name: make(name), tell)


def _in_memory() -> Told:
    """Sentences about what is in a file."""
    blob = message(part(7, part(1, (1 << 64) - 1)))
    yield from _asked("Caffe's blob of", 40, lambda name: caffe._blob(blob, name, 0))
    yield from _asked(
        "Caffe's type of",
        40,
        lambda name: caffe._operations(name, message(b""), caffe._NEW, [], [])[0].reason,
    )
    numbers = view_of(np.zeros(400, "<f4").tobytes())
    for words, text in (
        ("kind", "[net]\n[{}]\n"), ("activation", "[net]\n[convolutional]\nactivation={}\n"),
    ):  # fmt: skip
        file = opened(b"")
        yield from _asked(
            f"Darknet's {words} of",
            30,
            lambda name, text=text, file=file: darknet._Reader(file, numbers, 0).read(
                darknet._sections(text.format(name.strip()), file)
            )[-1],
            lambda layer: f"{layer.type} {layer.operations}"[-120:],
        )
    yield from _asked("Darknet's weights of", 60, lambda name: darknet.open(_darknet(f"{name}.weights")))
    yield from _asked(
        "Paddle's tensors of", 60, lambda name: paddle._program(opened(b"", name=f"{name}.pdiparams"))
    )
    yield from _asked(
        "torch.export's tensor of",
        60,
        lambda name: exported._weights({name: {"tensor_meta": {}, "path_name": "w"}}, {}, "", opened(b"")),
    )
    yield from _asked(
        "torch.export's operator of",
        163,
        lambda name: _of_torch(name),
        lambda layer: layer.operations[0].reason,
    )
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}
    for words, facts in (
        ("size", entry),
        ("offsets", {**entry, "data_offsets": [8, 0]}),
        ("shape", {"shape": 3}),
    ):
        yield from _asked(
            f"safetensors' {words} of",
            60,
            lambda name, facts=facts: safetensors._read(_safetensors({name: facts}, 8), Limits()),
        )
    yield from _asked(
        "safetensors' type of",
        60,
        lambda name: (
            safetensors._read(
                _safetensors({name: {"dtype": name[-21:], "shape": [2], "data_offsets": [0, 4]}}, 4), Limits()
            )
            .tensors[name]
            .read()
        ),
    )
    part_ = safetensors._File(tensors={}, metadata={})
    yield from _asked("safetensors' index of", 60, lambda name: safetensors._tensor_of(part_, name, "file"))
    yield from _asked("safetensors' index in", 60, lambda name: safetensors._tensor_of(part_, "a", name))
    yield from _asked("safetensors' files", 80, lambda name: safetensors._where([name, "b"]))


def _darknet(name: str) -> Opened:
    return opened(struct.pack("<iiiq", 0, 2, 5, 0) + bytes(80), name=name)


def _of_torch(operator: str) -> Any:
    node = {"target": f"torch.ops.aten.{operator}.default", "inputs": [], "outputs": []}
    graph = {"graph": {"nodes": [node], "tensor_values": {}}, "signature": {"input_specs": []}}
    return exported._Reader(opened=opened(b""), weights={}).read({"graph_module": graph})[0]


def _safetensors(header: dict[str, Any], size: int) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def _of_arrays() -> Told:
    """Sentences about arrays that lie in objects."""
    kernel = np.zeros((4, 4, 3, 3), "f4")
    for words, hints in {
        "guess": {}, "axes": {"axes": {"": "oi"}}, "convs": {"convs": ("n.V",)}, "gone": {"convs": ("gone",)},
    }.items():  # fmt: skip
        yield from _asked(
            f"arrays, {words}, of",
            38,
            lambda name, hints=hints: _inferred(
                _found(((4, 4, 3, 3), (2, 2)), (f"{name}.W", "n.V")), Hints(**hints)
            ),
        )
    yield from _asked("left out", 40, lambda name: _inferred(_found(((4, 4, 3, 3),), left_out=(name,) * 31)))
    yield from _asked("wanted", 40, lambda name: _inferred(_found(((4, 4, 3, 3),)), Hints(convs=(name,))))
    yield from _asked("thin", 38, lambda name: _inferred(_found(((4, 4, 3),), (f"{name}.W",))))
    yield from _asked(
        "a class of", 40, lambda name: bare_arrays.open(holding(Thing(f"mine.{name}", w=kernel))).origin.kind
    )
    for n in (5, 6):
        yield from _asked(f"{n} classes of", 54, lambda name, n=n: bare_arrays.open(_of_classes(name, n)))


def _of_classes(name: str, n: int) -> Opened:
    file = holding([Named(f"mine.{name}{place}") for place in range(n)])
    made = SimpleNamespace(globals=tuple(file.objects.roots[0]), python="3")
    vars(file)["objects"] = replace(file.objects, pickles=made)
    return file


def _on_disk() -> Told:
    """Sentences about what lies beside a file, or in it."""
    for limit in (56, 57):
        files = {f"{'n' * limit}.bin": b"\x01", f"{'n' * limit}.xml": b'<?xml version="1.0"?>\n<net '}
        yield _read(f"beside {limit} letters", named.open, files)
    for name in ("n" * 57, "n" * 58, ODD.strip()):
        yield _read(
            f"a zip of {len(name)} letters", named.open, {"m.zip": zipped({f"{name}.pt": b"x", "y": b""})}
        )
    text = json.dumps(
        {"weight_map": {"a": f"{'n' * 48}.safetensors", "b": f"{'n' * 49}.safetensors"}}
    ).encode()
    for n in (48, 49):
        files = {"m.json": text, **{f"{'n' * k}.safetensors": _safetensors({}, 0) for k in (48, 49)}}
        files[f"{'n' * n}.safetensors"] = b"{}"
        yield _read(f"an index of {n} letters", safetensors.open, files)
    for n in (56, 57):
        files = {f"{'n' * n}.weights": bytes(_darknet("n").data), f"{'n' * n}.cfg": bytes((1 << 20) + 1)}
        yield _read(f"a configuration of {n} letters", darknet.open, files)


def _read(words: str, open_: Callable[[Opened], Any], files: dict[str, bytes]) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        file = Opened.of(Path(folder) / next(iter(files)), Limits(), Hints())
        return words, outcome(lambda: open_(file), str).replace(f"{folder}/", "")


def near_names() -> Told:
    """All of it; what is said has no more lines and no more escapes than what is known."""
    tables: Sequence[Callable[[], Told]] = (_in_memory, _of_arrays, _on_disk)
    for table in tables:
        for asked, told in table():
            assert told.isprintable(), asked
            yield asked, told
