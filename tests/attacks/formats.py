"""Small files of today's formats that take all time and memory of a reader who does not count.

What these formats share, such as a table of FlatBuffers to which many offsets lead, is paid for each time
that it is gone through; what they repeat or leave out grows with the file. `TO_OPEN` are under 1 MB:
``benchmarks/attacks.py`` shows what each command makes of them.
"""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence

from tests.attacks.assembling import called, group, named, shape, text, whole
from tests.attacks.containers import zipped
from tests.attacks.torch_files import FALSE, saved, storage, tensor

__all__ = ["TO_OPEN", "expanded", "hdf5", "message", "packed"]


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 6)


# Protocol buffers


def varint(number: int) -> bytes:
    low = bytearray()
    while number > 0x7F:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*low, number])


def message(*fields: tuple[int, bytes | int]) -> bytes:
    """A message: numbers of fields, and their bytes or numbers."""
    return b"".join(
        varint(number << 3) + varint(value)
        if isinstance(value, int)
        else varint(number << 3 | 2) + varint(len(value)) + value
        for number, value in fields
    )


def onnx(graph: bytes) -> bytes:
    return message((1, 8), (2, b"x"), (7, graph), (8, message((2, 17))))


def onnx_tensor(name: bytes, *lengths: int, data: bytes = b"", kind: int = 1) -> bytes:
    return message(*[(1, n) for n in lengths], (2, kind), (8, name), (9, data))


def onnx_node(operator: bytes, inputs: Sequence[bytes], output: bytes) -> bytes:
    return message(*[(1, name) for name in inputs], (2, output), (4, operator))


def onnx_sparse(n: int) -> bytes:
    """A kernel of one number and many zeros."""
    values, places = onnx_tensor(b"w", 1, data=bytes(4)), onnx_tensor(b"", 1, data=bytes(8), kind=7)
    sparse = message((1, values), (2, places), (3, n), (3, 1), (3, 3), (3, 3))
    return onnx(message((1, onnx_node(b"Conv", [b"x", b"w"], b"y")), (15, sparse)))


def onnx_functions(depth: int, width: int) -> bytes:
    """Functions that call the next one many times, and the last of which does nothing."""
    functions = []
    for level in range(depth):
        call = message((1, b"x"), (2, b"y"), (4, b"f%d" % (level + 1)), (7, b"d"))
        nodes = [(7, call)] * width if level + 1 < depth else []
        functions.append((25, message((1, b"f%d" % level), (4, b"x"), (5, b"y"), *nodes, (10, b"d"))))
    first = message((1, message((1, b"x"), (2, b"y"), (4, b"f0"), (7, b"d"))), (11, message((1, b"x"))))
    return onnx(first) + message(*functions)


# FlatBuffers


def shared_vector(n: int, start: int, target: int) -> bytes:
    """A vector of tables that are all the same one."""
    return struct.pack("<I", n) + b"".join(struct.pack("<I", target - (start + 4 + 4 * i)) for i in range(n))


def tflite(n_codes: int, n_tensors: int, name: int) -> bytes:
    """A model whose operator codes are one code with a long name, and whose tensors are one tensor."""
    head = bytes(8)
    # tables of fields: model (version, codes, graphs, description, buffers), graph, code, tensor
    vtables = struct.pack("<7H", 14, 24, 4, 8, 12, 16, 20)
    vtables += struct.pack("<6H", 12, 20, 4, 8, 12, 16)
    vtables += struct.pack("<4H", 8, 12, 4, 8)
    vtables += struct.pack("<6H", 12, 20, 4, 0, 8, 12) + bytes(2)
    model_v = len(head)
    graph_v, code_v, tensor_v = model_v + 14, model_v + 26, model_v + 34
    model = model_v + len(vtables)
    graphs = model + 24
    codes = graphs + 8
    graph = codes + 4 + 4 * n_codes
    tensors = graph + 20
    code = tensors + 4 + 4 * n_tensors
    one = code + 12
    texts = one + 20
    empty = texts + 4 + name + -name % 4
    parts = [
        struct.pack("<I4s", model, b"TFL3") + vtables,
        struct.pack("<iI", model - model_v, 3),
        *(
            struct.pack("<I", at - place)
            for place, at in zip(range(model + 8, model + 24, 4), (codes, graphs, texts, empty), strict=True)
        ),
        shared_vector(1, graphs, graph),
        shared_vector(n_codes, codes, code),
        struct.pack("<i", graph - graph_v),
        *(
            struct.pack("<I", at - place)
            for place, at in zip(range(graph + 4, graph + 20, 4), (tensors, empty, empty, empty), strict=True)
        ),
        shared_vector(n_tensors, tensors, one),
        struct.pack("<ibxxxI", code - code_v, 32, texts - (code + 8)),
        struct.pack("<iIIII", one - tensor_v, empty - (one + 4), 0, texts - (one + 12), 0),
        struct.pack("<I", name) + b"n" * name + bytes(-name % 4) + bytes(4),
    ]
    return b"".join(parts)


# HDF5


def hdf5(n: int, depth: int) -> bytes:
    """A group whose tree has nodes that lead to one node, again and again, and this one to entries."""
    superblock = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
    superblock += struct.pack("<QQQQ", 0, (1 << 64) - 1, 1 << 40, (1 << 64) - 1)
    header = 56 + 40
    superblock += struct.pack("<QQII16x", 0, header, 0, 0)
    heap = header + 16 + 24
    names = heap + 32
    first = names + 16
    body = struct.pack("<BxHII4x", 1, 1, 1, 24) + struct.pack("<HHBxxxQQ", 0x11, 16, 0, first, heap)
    body += b"HEAP" + bytes(4) + struct.pack("<QQQ", 16, (1 << 64) - 1, names) + b"name\0".ljust(16, b"\0")
    size = 24 + 16 * n + 8
    for level in range(depth):
        child = first + size * (level + 1)
        body += b"TREE" + struct.pack("<BBHQQ", 0, depth - level, n, (1 << 64) - 1, (1 << 64) - 1)
        body += struct.pack("<QQ", 0, child) * n + bytes(8)
    body += b"SNOD" + struct.pack("<BxH", 1, n) + struct.pack("<QQII16x", 0, header, 0, 0) * n
    return superblock + body


# Others


def gguf(n: int, kind: int, value: bytes) -> bytes:
    """A list of values under one key."""
    facts = struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, kind, n) + value * n
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + facts


def safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def expanded(*lengths: int, kind: str = "FloatStorage", n: int = 18) -> bytes:
    """A tensor of PyTorch's of which one number is repeated."""
    return tensor(storage(n=n, kind=kind), lengths, (0,) * len(lengths))


def expanded_bytes(*lengths: int) -> bytes:
    return expanded(*lengths, kind="CharStorage", n=72)


def quantised(*lengths: int) -> bytes:
    """The same of whole numbers that stand for others."""
    told = group(named("torch", "per_tensor_affine"), b"G" + struct.pack(">d", 0.5), whole(3))
    parts = (storage(n=72, kind="QInt8Storage"), whole(0), shape(*lengths), shape(*[0] * len(lengths)))
    return called("torch._utils", "_rebuild_qtensor", *parts, told, FALSE, b"N")


def orthogonal(*lengths: int, n: int = 1) -> bytes:
    """Matrices that are to be made orthogonal, each of one number."""
    longer = max(lengths[-2:])
    parts = {"original": lengths, "0.base": (*lengths[:-2], longer, longer)}
    return saved(
        **{
            f"big{i}.parametrizations.weight.{name}": expanded(*shape)
            for i in range(n)
            for name, shape in parts.items()
        }
    )


def squeezed(*members: tuple[str, bytes]) -> bytes:
    return zipped(*members, method=zipfile.ZIP_DEFLATED)


def msgpack_map(*entries: tuple[bytes, bytes]) -> bytes:
    return b"\xdf" + struct.pack(">I", len(entries)) + b"".join(key + value for key, value in entries)


def msgpack_text(value: bytes) -> bytes:
    return b"\xdb" + struct.pack(">I", len(value)) + value


def msgpack_array() -> bytes:
    """An array as Flax writes it: a shape, a type, and bytes."""
    inner = b"\x93\x94\x02\x01\x03\x03\xa7float32\xc4" + bytes([72]) + bytes(72)
    return b"\xc7" + bytes([len(inner), 1]) + inner


def long_key(length: int, n: int) -> bytes:
    """Arrays below a key of many letters."""
    layers = [(b"\xce" + struct.pack(">I", i), b"\x81\xa6kernel" + msgpack_array()) for i in range(n)]
    inner = msgpack_map((msgpack_text(b"k" * length), msgpack_map(*layers)))
    return b"\x81\xa6params" + inner


STEPS = 950_000

TO_OPEN: Mapping[str, Callable[[], bytes]] = {
    "ONNX: nodes by the million": lambda: packed(onnx(message((1, b"")) * STEPS)),
    "ONNX: inputs by the million": lambda: packed(onnx(message((1, message((1, b"")) * STEPS)))),
    "ONNX: functions that call one another": lambda: onnx_functions(8, 100),
    "ONNX: a kernel of zeros": lambda: onnx_sparse(25_000_000),
    "TFLite: codes with one long name": lambda: tflite(120_000, 1, 65_000),
    "TFLite: tensors that are one": lambda: tflite(1, 200_000, 65_000),
    "TFLite: tensors by the million": lambda: packed(tflite(1, STEPS // 4, 100)),
    "HDF5: a tree whose nodes are one": lambda: hdf5(1_200, 2),
    "HDF5: a deep tree": lambda: hdf5(4, 12),
    "GGUF: numbers by the million": lambda: packed(gguf(60_000_000, 0, b"\0")),
    "GGUF: texts by the million": lambda: packed(gguf(900_000, 8, struct.pack("<Q", 0))),
    "GGUF: lists by the million": lambda: packed(gguf(300_000, 9, struct.pack("<IQ", 0, 0))),
    "safetensors: lists by the million": lambda: packed(
        safetensors(b'{"a":[' + b"[]," * 20_000_000 + b"0]}")
    ),
    "safetensors: objects by the million": lambda: packed(
        safetensors(b'{"a":[' + b"{}," * 5_000_000 + b"0]}")
    ),
    "safetensors: a deep header": lambda: safetensors(b'{"a":' + b"[" * 400_000 + b"]" * 400_000 + b"}"),
    "safetensors: tensors by the thousand": lambda: safetensors(
        json.dumps(
            {
                f"{i}.weight": {"dtype": "F32", "shape": [0, 1, 3, 3], "data_offsets": [0, 0]}
                for i in range(9_900)
            }
        ).encode()
    ),
    "Keras: a configuration of lists": lambda: squeezed(
        ("metadata.json", b'{"keras_version":"3.0"}'),
        ("config.json", b'{"class_name":"a","config":[' + b"[]," * 20_000_000 + b"0]}"),
        ("model.weights.h5", hdf5(1, 1)),
    ),
    "torch.export: a program of lists": lambda: squeezed(
        ("m/version", b"3"),
        ("m/data/weights/model_weights_config.json", b"{}"),
        ("m/models/model.json", b'{"a":[' + b"[]," * 20_000_000 + b"0]}"),
    ),
    "MessagePack: lists by the million": lambda: packed(
        b"\x81\xa6params\xdd" + struct.pack(">I", STEPS) + b"\x90" * STEPS
    ),
    "MessagePack: texts by the million": lambda: packed(
        b"\x81\xa6params\xdd" + struct.pack(">I", STEPS) + b"\xa1a" * STEPS
    ),
    "MessagePack: arrays below a long key": lambda: packed(long_key(2_000_000, 5_000)),
    "PyTorch: a kernel that repeats one number": lambda: saved(
        **{"big.weight": expanded(2_000, 10, 100, 100)}
    ),
    "PyTorch: statistics that repeat one number": lambda: saved(
        **{
            f"{i}.{name}": expanded(2**27)
            for i in range(8)
            for name in ("weight", "bias", "running_mean", "running_var")
        }
    ),
    "PyTorch: a weight norm of one number": lambda: saved(
        **{"big.weight_g": expanded(2_000_000, 1, 1, 1), "big.weight_v": expanded(2_000_000, 1, 11, 11)}
    ),
    "PyTorch: a weight norm of bytes": lambda: saved(
        **{
            "big.weight_g": expanded_bytes(2_048, 1, 1, 1),
            "big.weight_v": expanded_bytes(2_048, 512, 8, 8),
        }
    ),
    "PyTorch: pruned bytes": lambda: saved(
        **{f"big.weight_{part}": expanded_bytes(2_048, 512, 8, 8) for part in ("orig", "mask")}
    ),
    "PyTorch: quantised bytes": lambda: saved(**{"big.weight": quantised(2_048, 512, 8, 8)}),
    "PyTorch: a matrix of a thousand rows to be made orthogonal": lambda: orthogonal(1, 1, 1_024, 1_024),
    "PyTorch: matrices to be made orthogonal": lambda: orthogonal(4, 4, 1_024, 1_023),
    "PyTorch: kernels to be made orthogonal": lambda: orthogonal(4, 4, 256, 256, n=1_500),
    "PyTorch: a sparse kernel of zeros": lambda: saved(
        **{
            "big.weight": called(
                "torch._utils",
                "_rebuild_sparse_tensor",
                called("torch.serialization", "_get_layout", text("torch.sparse_coo")),
                group(
                    tensor(storage("1", 4, "LongStorage"), (4, 1), (1, 1)),
                    tensor(storage(), (1,), (1,)),
                    called("torch", "Size", shape(25_000_000, 1, 3, 3)),
                    b"\x89",
                ),
            )
        },
        more={"m/data/1": bytes(32)},
    ),
}
"""Attacks on the readers of formats: name → what makes the file."""
