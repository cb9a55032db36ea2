"""Small files of named arrays (PyTorch, TensorFlow's checkpoints, MXNet, …) whose names share what is long.

`TO_NAME` are under 1 MB: ``benchmarks/attacks.py`` shows what each command makes of them.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping

from tests.attacks.assembling import (
    BUILD,
    EMPTY_DICT,
    EMPTY_TUPLE,
    MARK,
    NEWOBJ,
    POP,
    SETITEMS,
    TUPLE,
    get,
    mapped,
    named,
    pickled,
    put,
    text,
)
from tests.attacks.containers import zipped
from tests.attacks.formats import message, packed, safetensors, varint
from tests.attacks.torch_files import KERNELS, conv, in_zip, module, tensor

__all__ = ["TO_NAME", "bundle", "entry", "layer_sets", "mxnet", "one_block", "path_of", "script"]

Files = bytes | Mapping[str, bytes]

GRIN = "\U0001f600"
"""A character that makes each other one of its text take four bytes."""


# TensorFlow's checkpoints


def entry(shared: int, own: bytes, value: bytes = b"") -> bytes:
    """An entry of a block: what its key shares with the one before, the rest of it, and its value."""
    return varint(shared) + varint(len(own)) + varint(len(value)) + own + value


def handle(start: int, size: int) -> bytes:
    return varint(start) + varint(size)


def block(*entries: bytes) -> bytes:
    return b"".join(entries) + struct.pack("<II", 0, 1) + bytes(5)


def bundle(*blocks: bytes, handles: int = 1) -> bytes:
    """The index of a checkpoint: its blocks, to each of which so many handles lead."""
    body, places = b"", []
    for one in blocks:
        places.append(handle(len(body), len(one) - 5))
        body += one
    index = block(*[entry(0, b"k", place) for place in places for _ in range(handles)])
    footer = handle(len(body), len(index) - 5) * 2
    return body + index + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")


def long_keys(n: int, length: int) -> bytes:
    """Keys that differ at their end, as a checkpoint writes them: the rest stands there once."""
    first = entry(0, GRIN.encode() + b"n" * length)
    more = [entry(length + 4, b"%07d" % i) for i in range(n)]
    return bundle(block(first, *more))


def one_block(n: int, size: int) -> bytes:
    """Handles that all lead to one block without entries."""
    return bundle(bytes(size) + struct.pack("<I", size // 4) + bytes(5), handles=n)


# MXNet


def mxnet(n_arrays: int, names: int, name: bytes = b"") -> bytes:
    """Arrays of no axes, and names."""
    head = b"\x12\x01\0\0\0\0\0\0" + bytes(8) + struct.pack("<Q", n_arrays)
    one = struct.pack("<IiI", 0xF993FAC9, 0, 0)
    texts = (struct.pack("<Q", len(name)) + name) * names
    return head + one * n_arrays + struct.pack("<Q", names) + texts


# Arrays that are one


def gguf(n: int, *lengths: int) -> bytes:
    """Tensors that are all the same memory."""
    axes = struct.pack(f"<I{len(lengths)}Q", len(lengths), *lengths)
    entries = b"".join(
        struct.pack("<Q", 14) + b"a%06d.weight" % i + axes + struct.pack("<IQ", 0, 0) for i in range(n)
    )
    head = b"GGUF" + struct.pack("<IQQ", 3, n, 0) + entries
    return head + bytes(-len(head) % 32) + bytes(4 * math.prod(lengths))


def one_variable(n: int, *lengths: int) -> dict[str, bytes]:
    """A checkpoint whose variables are all at one place of its data."""
    size = 4 * math.prod(lengths)
    axes = message(*[(2, message((1, length))) for length in lengths])
    facts = message((1, 1), (2, axes), (3, 0), (4, 0), (5, size))
    held = [entry(0, b"conv%06d/kernel" % i, facts) for i in range(n)]
    index = bundle(block(entry(0, b"", message((1, 1))), *held))
    return {"m.ckpt.index": index, "m.ckpt.data-00000-of-00001": bytes(size)}


def parts(n: int) -> dict[str, bytes]:
    """A model of so many files, each of one number."""
    names = {f"{i}.weight": f"m{i}.safetensors" for i in range(n)}
    facts = {"dtype": "F32", "shape": [1, 1, 1, 1], "data_offsets": [0, 4]}
    files = {file: safetensors(json.dumps({name: facts}).encode()) + bytes(4) for name, file in names.items()}
    return {"m.safetensors.index.json": json.dumps({"weight_map": names}).encode(), **files}


# PyTorch


def layer_sets(n: int, key: str) -> bytes:
    """A dictionary of layers, each of which is a dictionary of one tensor; their keys are one text."""
    held = text(key) + put(0) + POP + text("weight") + put(1) + POP + tensor() + put(2) + POP
    one = get(0) + EMPTY_DICT + MARK + get(1) + get(2) + SETITEMS
    return in_zip(held + EMPTY_DICT + MARK + one * n + SETITEMS)


def module_sets(n: int, key: str) -> bytes:
    """Modules under keys of averages."""
    state = mapped(_parameters=mapped(weight=tensor()), _modules=EMPTY_DICT) + put(0) + POP
    cls = named("torch.nn.modules.conv", "Conv2d") + put(1) + POP
    entries = b"".join(text(f"{key}{i}") + get(1) + EMPTY_TUPLE + NEWOBJ + get(0) + BUILD for i in range(n))
    return in_zip(state + cls + EMPTY_DICT + MARK + entries + SETITEMS)


def path_of(depth: int, length: int, n: int) -> bytes:
    """Modules in one another under one long name, and many layers in the innermost."""
    key = text("n" * length) + put(0) + POP + text("_modules") + put(1) + POP
    layers = mapped(**{str(i): conv() for i in range(n)})
    inner = module("Sequential", parts=layers)
    for _ in range(depth):
        inner = module("Sequential", parts=EMPTY_DICT + MARK + get(0) + inner + SETITEMS)
    return in_zip(key + inner)


def script(depth: int, length: int, n: int) -> bytes:
    """TorchScript: objects in one another under one long name, and many tensors in the innermost."""

    def thing(state: bytes) -> bytes:
        return get(1) + EMPTY_TUPLE + NEWOBJ + state + BUILD

    first = text("n" * length) + put(0) + POP + named("__torch__.net", "Net") + put(1) + POP
    inner = thing(mapped(**{f"w{i}": tensor() for i in range(n)}))
    for _ in range(depth):
        inner = thing(EMPTY_DICT + MARK + get(0) + inner + SETITEMS)
    return zipped(
        ("m/data.pkl", pickled(first + inner, protocol=2)),
        ("m/constants.pkl", pickled(EMPTY_TUPLE, protocol=2)),
        ("m/code/net.py", b""),
        ("m/data/0", KERNELS.tobytes()),
    )


def constants(n: int) -> bytes:
    """TorchScript: a frozen module whose constants are all one tensor."""
    net = named("__torch__.net", "Net") + EMPTY_TUPLE + NEWOBJ
    held = tensor() + put(0) + POP + MARK + get(0) * n + TUPLE
    return zipped(
        ("m/data.pkl", pickled(net, protocol=2)),
        ("m/constants.pkl", pickled(held, protocol=2)),
        ("m/code/net.py", b""),
        ("m/constants/0", KERNELS.tobytes()),
    )


def state_dict(n: int, key: str) -> bytes:
    """A state_dict of one tensor under many keys."""
    held = tensor() + put(0) + POP
    entries = b"".join(text(f"{key}{i}.weight") + get(0) for i in range(n))
    return in_zip(held + EMPTY_DICT + MARK + entries + SETITEMS)


def header(n: int, name: str) -> bytes:
    """The header of safetensors of so many tensors of no numbers."""
    facts = {"dtype": "F32", "shape": [0, 1, 3, 3], "data_offsets": [0, 0]}
    return safetensors(json.dumps({f"{name}{i}.weight": facts for i in range(n)}).encode())


TO_NAME: Mapping[str, Callable[[], Files]] = {
    "TensorFlow: long keys of a checkpoint": lambda: packed(long_keys(60_000, 120_000)),
    "TensorFlow: blocks of a checkpoint that are one": lambda: packed(one_block(300_000, 50_000_000)),
    "TensorFlow: variables of a checkpoint that are one": lambda: one_variable(9_000, 3, 3, 16, 16),
    "safetensors: files by the thousand": lambda: parts(4_000),
    "GGUF: tensors that are one": lambda: packed(gguf(9_900, 3, 3, 64, 64)),
    "MXNet: names by the million": lambda: packed(mxnet(1, 7_000_000)),
    "MXNet: long names": lambda: packed(mxnet(9_900, 9_900, GRIN.encode() + b"n" * 4_000)),
    "PyTorch: layers under one long key": lambda: packed(layer_sets(180_000, GRIN + "n" * 16_000)),
    "PyTorch: layers in dictionaries of their own": lambda: packed(layer_sets(180_000, "n")),
    "PyTorch: modules that are averages": lambda: packed(module_sets(100_000, "ema")),
    "PyTorch: a hundred thousand keys": lambda: packed(state_dict(100_000, "layer")),
    "PyTorch: ten thousand long keys": lambda: packed(state_dict(3_900, GRIN + "1n" * 8_000)),
    "PyTorch: modules below long names": lambda: packed(path_of(60, 16_000, 9_900)),
    "TorchScript: tensors below long names": lambda: packed(script(60, 16_000, 9_900)),
    "TorchScript: constants by the hundred thousand": lambda: packed(constants(150_000)),
    "safetensors: a hundred thousand tensors": lambda: packed(header(100_000, "")),
    "safetensors: names of digits": lambda: packed(header(150, "1" * 100_000)),
    "safetensors: names of numbers": lambda: packed(header(9_900, "1a" * 700)),
    "GGUF: long names": lambda: packed(
        b"GGUF"
        + struct.pack("<IQQ", 3, 900, 0)
        + (struct.pack("<Q", 65_000) + GRIN.encode() + b"n" * 64_996 + struct.pack("<IIQ", 0, 0, 0)) * 900
    ),
    "Paddle: levels by the million": lambda: packed(
        bytes(4) + struct.pack("<Q", 7_000_000) + bytes(8 * 7_000_000)
    ),
}
"""Attacks on names: name → what makes the file."""
