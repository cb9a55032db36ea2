"""Small files in which much refers to one thing that is long: a name, a list, a class, a shape, a path.

Each is told once, and gone through wherever it is referred to. `TO_SHARE` are under 1 MB:
``benchmarks/attacks.py`` shows what each command makes of them.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from tests.attacks.array_files import GRIN, block, bundle, entry
from tests.attacks.containers import zipped
from tests.attacks.formats import message, packed, varint
from tests.attacks.graph_files import Hdf5, keras, keras_layer, keras_model, tensorflow

__all__ = [
    "TO_SHARE",
    "called",
    "captured",
    "deep_groups",
    "joined",
    "many_below",
    "shaped",
    "symbol",
    "wrapped",
]

Files = bytes | Mapping[str, bytes]


# Paddle and MXNet, whose programs lie beside the weights


def joined(n_values: int, n_references: int) -> dict[str, bytes]:
    """A program of Paddle's with a list of values that one operation takes again and again."""

    def operation(kind: str, inputs: list[int], output: int, **more: Any) -> dict[str, Any]:
        given = [{"%": one} for one in inputs]
        return {"#": kind, "I": given, "O": [{"%": output, "TT": {"#": "x"}}], "A": [], **more}

    parameter = {"#": "p", "A": [0, 0, 0, "conv2d_0.w_0"], "O": {"%": 1}}
    program = [
        parameter,
        operation("1.data", [], 2),
        operation("0.combine", [2] * n_values, 3),
        operation("1.concat", [3] * n_references, 4),
    ]
    described = message((1, 5), (2, 1), (2, 1), (2, 3), (2, 3))
    weights = bytes(4) + struct.pack("<Q", 0) + bytes(4) + struct.pack("<i", len(described)) + described
    text_of_all = json.dumps(
        {"program": {"regions": [{"blocks": [{"ops": program}]}]}}, separators=(",", ":")
    )
    return {"m.pdiparams": weights + bytes(36), "m.json": text_of_all.encode()}


def symbol(length: int, n: int, kernel: int) -> dict[str, bytes]:
    """A symbol of MXNet's whose last node takes one weight of a long name again and again."""
    name = "n" * length + "_weight"
    nodes = [
        {"op": "null", "name": name, "inputs": []},
        {
            "op": "Convolution",
            "name": "c",
            "attrs": {"kernel": [0] * kernel},
            "inputs": [[0, 0, 0]] * n,
        },
    ]
    head = b"\x12\x01\0\0\0\0\0\0" + bytes(8) + struct.pack("<Q", 1)
    shape = struct.pack("<I4q", 4, 1, 1, 3, 3)
    array = struct.pack("<Ii", 0xF993FAC9, 0) + shape + struct.pack("<iii", 1, 0, 0) + bytes(36)
    own = b"arg:c_weight"
    weights = head + array + struct.pack("<QQ", 1, len(own)) + own
    return {
        "m.params": weights,
        "m-symbol.json": json.dumps({"nodes": nodes}, separators=(",", ":")).encode(),
    }


# HDF5


def deep_groups(n: int, length: int) -> bytes:
    """Groups in one another, each under a long name, beside the group that makes it Keras's."""
    file, name = Hdf5(), GRIN + "n" * length
    inner = file.group({})
    for _ in range(n):
        inner = file.group({name: inner})
    return file.whole(file.group({"vars": file.group({}), name: inner}))


# TensorFlow


def saved_in(objects: bytes, *arrays: bytes) -> dict[str, bytes]:
    """The variables of a checkpoint: kernels under these keys, and the object graph."""
    held = varint(len(objects)) + bytes(4) + objects
    facts = message((1, 1), (2, message(*[(2, message((1, n))) for n in (3, 3, 1, 2)])), (5, 72))
    graph = message((1, 7), (4, 72), (5, len(held)))
    keys = sorted([(b"_CHECKPOINTABLE_OBJECT_GRAPH", graph), *((name, facts) for name in arrays)])
    index = bundle(block(entry(0, b"", message((1, 1))), *[entry(0, *one) for one in keys]))
    return {"index": index, "data-00000-of-00001": bytes(72) + held}


def child(place: int, name: bytes) -> tuple[int, bytes]:
    return 1, message((1, place), (2, name))


KEY = b"v/.ATTRIBUTES/VARIABLE_VALUE"
OF_VARIABLE = (2, message((1, b"VARIABLE_VALUE"), (3, KEY)))


def many_below(depth: int, length: int, n: int) -> dict[str, bytes]:
    """A checkpoint whose objects lie below long names, very many of them below the innermost."""
    name = GRIN.encode() + b"n" * length
    nodes = [message(child(place + 1, name)) for place in range(depth)]
    nodes.append(message(*[child(depth + 1 + i, b"%d" % i) for i in range(n)]))
    nodes += [b""] * (n - 1) + [message(OF_VARIABLE)]
    files = saved_in(message(*[(1, one) for one in nodes]), KEY)
    return {f"m.ckpt.{name}": data for name, data in files.items()}


def captured(length: int, n: int) -> dict[str, bytes]:
    """A SavedModel whose function captures one variable of a long name again and again."""
    objects = message((1, message(child(1, b"v"))), (1, message(OF_VARIABLE)))
    name = GRIN.encode() + b"n" * length + b"/depthwise_kernel"
    nodes = [message(child(1, b"v")), message((7, message((6, name))))]
    bound = message((1, b"f"), (2, message((2, b"\1" * n))))
    graph = tensorflow(b"", message((1, message((1, b"f"), (2, message((1, b"x")))))))
    meta = message((2, graph), (7, message(*[(1, one) for one in nodes], (2, bound))))
    files = {f"variables/variables.{name}": data for name, data in saved_in(objects, KEY).items()}
    return {"saved_model.pb": message((1, 1), (2, meta)), **files}


# Keras and torch.export


def called(n: int, **config: Any) -> bytes:
    """A layer with a long configuration that is called again and again."""
    cls = config.pop("cls")
    image = keras_layer("0", cls="InputLayer", batch_shape=[None, 8, 8, 1])
    one = keras_layer("1", "0", cls=cls, **config)
    return keras(keras_model(image, one | {"inbound_nodes": one["inbound_nodes"] * n}))


def wrapped(n_keys: int, n: int) -> bytes:
    """The same of a layer that another one applies to each moment."""
    inner = {"class_name": "Dense", "config": {f"k{i}": 0 for i in range(n_keys)}}
    return called(n, cls="TimeDistributed", layer=inner)


def shaped(n: int, n_axes: int) -> bytes:
    """A program of torch.export: inputs that are all of one shape, which has very many axes."""
    inputs = [{"user_input": {"arg": {"as_tensor": {"name": "x"}}}}] * n
    graph = {"nodes": [], "tensor_values": {"x": {"sizes": [1] * n_axes}}}
    model = {"graph_module": {"graph": graph, "signature": {"input_specs": inputs}}}
    return zipped(
        ("m/models/model.json", json.dumps(model, separators=(",", ":")).encode()),
        ("m/data/weights/model_weights_config.json", b'{"config":{}}'),
        ("m/version", b"3"),
        method=zipfile.ZIP_DEFLATED,
    )


TO_SHARE: Mapping[str, Callable[[], Files]] = {
    "Paddle: a list that one operation joins again and again": lambda: joined(20_000, 20_000),
    "MXNet: a symbol of one long name": lambda: symbol(400_000, 50_000, 1),
    "MXNet: a symbol of a long kernel": lambda: symbol(10, 40_000, 200_000),
    "HDF5: groups in one another under long names": lambda: packed(deep_groups(1_200, 1_000)),
    "TensorFlow: objects by the thousand below long names": lambda: many_below(14, 60_000, 3_000),
    "TensorFlow: a variable of a long name that is captured again and again": lambda: captured(
        60_000, 450_000
    ),
    "Keras: a shape of a million axes that is given again and again": lambda: called(
        9_000, cls="Reshape", target_shape=[1] * 1_000_000
    ),
    "Keras: a wrapped layer of many words that is called again and again": lambda: wrapped(200_000, 4_900),
    "torch.export: inputs of one shape of a million axes": lambda: shaped(9_000, 1_000_000),
}
"""Attacks on what is shared: name → what makes the files, the model first."""
