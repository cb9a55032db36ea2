"""Checkpoints of TensorFlow's, of either generation, and SavedModels, made by chance.

Each case is a number, as in `arrays`; which variables there are, and what is odd, differs.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz.reading.arrays import ComputedArray
from filtviz.reading.formats import tensorflow
from filtviz.reading.formats.tensorflow.checkpoint import (
    Checkpoint,
    Trackable,
    _entries,
    _entries_of_table,
    is_table,
)
from filtviz.reading.formats.tensorflow.saved_model import graph_of
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import view_of
from tests.reading.operators.asking import Told, part
from tests.reading.operators.whole_tensorflow import node, shape_of, tensor
from tests.reading.operators.wholes import Files, drawn, in_a_folder, opened, outcome, read_of
from tests.reading.variations import varint
from tests.telling import layers_of

__all__ = ["saved_by_tensorflow"]

N_SAVED = 105
_CODES = {"f4": 1, "f8": 2, "f2": 19, "i8": 9, "i4": 3}
_SHAPES = {
    "kernel": (3, 3, 2, 4),
    "weights": (3, 3, 2, 4),
    "bias": (4,),
    "biases": (4,),
    "gamma": (4,),
    "beta": (4,),
    "moving_mean": (4,),
    "moving_variance": (4,),
    "depthwise_kernel": (3, 3, 2, 1),
    "pointwise_kernel": (1, 1, 2, 4),
    "step": (),
}
_ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"


def table(entries: dict[bytes, bytes], chance: random.Random) -> bytes:
    """A table of keys and values, in one or two blocks, with what keys share said or not."""
    keys = sorted(entries)
    cut = chance.randrange(1, len(keys) + 1) if chance.random() < 0.4 else len(keys)
    data, index = b"", {}
    for part_of in (keys[:cut], keys[cut:]):
        if part_of:
            block = _block({key: entries[key] for key in part_of}, shares=chance.random() < 0.5)
            index[part_of[-1]] = varint(len(data)) + varint(len(block))
            data += block + bytes(5)
    block = _block(index, shares=False)
    footer = varint(0) + varint(0) + varint(len(data)) + varint(len(block))
    return data + block + bytes(5) + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def _block(entries: dict[bytes, bytes], *, shares: bool) -> bytes:
    data, before = b"", b""
    for key, value in entries.items():
        shared = 0
        while shares and shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        data += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return data + struct.pack("<II", 0, 1)


def _variables(chance: random.Random) -> dict[str, tuple[int, ...]]:
    """Variables by the paths to them."""
    found: dict[str, tuple[int, ...]] = {}
    for place in range(chance.choice((1, 2, 3))):
        layer = chance.choice(
            (f"conv{place}", f"scope/conv{place}", f"net/block/bn{place}", f"layer-{place}", "")
        )
        for name in chance.sample(list(_SHAPES), chance.choice((1, 2, 3))):
            found[f"{layer}/{name}" if layer else name] = _SHAPES[name]
    return found


def _others(
    chance: random.Random, names: list[str], shapes: dict[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """What an optimiser keeps, and averages."""
    found: dict[str, tuple[int, ...]] = {}
    for name in names:
        for ending in (
            "/Adam",
            "/Adam_1",
            "/Momentum",
            "/ExponentialMovingAverage",
            f"/.OPTIMIZER_SLOT/optimizer/m{_ENDING}",
        ):
            if chance.random() < 0.12:
                found[name.removesuffix(_ENDING) + ending] = shapes[name]
    return found | ({"beta1_power": (), "save_counter": ()} if chance.random() < 0.2 else {})


def a_checkpoint(chance: random.Random) -> tuple[str, Files]:
    """The index of a checkpoint and its data."""
    shapes = _variables(chance)
    keyed = chance.random() < 0.6
    keys = {name: f"{name}{_ENDING}" if keyed else name for name in shapes}
    if keyed and chance.random() < 0.25:
        keys = {name: f"optimizer/_trainable_variables/{place}{_ENDING}" for place, name in enumerate(shapes)}
    held = {keys[name]: shape for name, shape in shapes.items()}
    held |= _others(chance, list(held), held)
    shards = chance.choice((1, 1, 1, 2))
    files, entries = [b""] * shards, {b"": part(1, shards)}
    for key, shape in held.items():
        kind = chance.choice(("f4",) * 8 + tuple(_CODES))
        values = drawn(chance, *shape, kind=kind) if chance.random() < 0.8 else np.zeros(shape, kind)
        shard, odd = chance.randrange(shards), chance.random()
        entry = part(1, _CODES[kind] if odd > 0.02 else 7) + part(
            2, b"".join(part(2, part(1, n)) for n in shape)
        )
        entry += part(3, shard if odd < 0.99 else 2) + part(4, len(files[shard])) + part(5, values.nbytes)
        entries[key.encode()] = entry + (part(7, b"\x08\x01") if 0.02 < odd < 0.04 else b"")
        files[shard] += values.tobytes()
    if keyed and chance.random() < 0.8:
        graph = _objects(chance, keys)
        text = varint(len(graph)) + bytes(4) + graph
        entries[b"_CHECKPOINTABLE_OBJECT_GRAPH"] = (
            part(1, 7) + part(3, 0) + part(4, len(files[0])) + part(5, len(text))
        )
        files[0] += text
    cut = chance.choice((0,) * 12 + (1, 60))
    files[0] = files[0][: len(files[0]) - cut]
    name = chance.choice(("ckpt", "ckpt", "variables"))
    datas = {f"{name}.data-{place:05d}-of-{shards:05d}": one for place, one in enumerate(files)}
    return f"{' '.join(held)} less {cut}", {f"{name}.index": table(entries, chance), **datas}


def _objects(chance: random.Random, keys: dict[str, str]) -> bytes:
    """The objects of a program, with what its variables are called."""
    nodes: list[list[Any]] = [[{}, b""]]
    for name, key in keys.items():
        here = 0
        for step in (*(("optimizer", "m") if chance.random() < 0.1 else ()), *name.split("/")):
            if step not in nodes[here][0]:
                nodes[here][0][step] = len(nodes)
                nodes.append([{}, b""])
            here = nodes[here][0][step]
        called = chance.choice((name, name, "kernel", ""))
        nodes[here][1] += part(
            2, part(1, chance.choice(("VARIABLE_VALUE",) * 5 + ("OTHER",))) + part(2, called) + part(3, key)
        )
    if chance.random() < 0.2:
        nodes[-1][0]["up"] = chance.choice((0, 1, 99))
    return b"".join(
        part(1, b"".join(part(1, part(1, place) + part(2, name)) for name, place in children.items()) + own)
        for children, own in nodes
    )


def a_first(chance: random.Random) -> tuple[str, Files]:
    """A checkpoint of the first generation: one file with all tensors in it."""
    shapes = _variables(chance)
    held = shapes | _others(chance, list(shapes), shapes)
    told, entries = b"", {}
    for place, (name, shape) in enumerate(held.items()):
        odd = chance.random()
        code = 1 if odd > 0.15 else chance.choice((2, 3))
        slices = b"".join(part(4, b"") for _ in range(chance.choice((1, 1, 1, 1, 0, 2))))
        told += part(
            1, part(1, name) + part(2, b"".join(part(2, part(1, n)) for n in shape)) + part(3, code) + slices
        )
        values = drawn(chance, *shape, kind="f8" if code == 2 else "f4").ravel()
        pieces = [values] if odd < 0.95 else [values[:1], values[1:]]
        numbers = b"".join(part(6 if code == 2 else 5, one.tobytes()) for one in pieces)
        data = part(1, name if odd < 0.98 else "none") + (part(3, numbers) if odd < 0.97 else b"")
        entries[b"k%d" % place] = part(2, data)
    entries[b""] = part(1, told)
    return " ".join(held), {"model.ckpt": table(entries, chance)}


def _held(array: np.ndarray) -> ComputedArray:
    return ComputedArray(shape=array.shape, dtype=array.dtype, read=lambda: array)


def _saved(chance: random.Random) -> tuple[str, str]:
    """A SavedModel and its variables, and the graph that is read of them."""
    file = opened(b"")
    names = [f"{chance.choice(('', 'net/'))}conv/kernel", "net/conv/bias"]
    names = names if chance.random() < 0.7 else ["net/sep/depthwise_kernel", "net/sep/pointwise_kernel"]
    arrays = {
        f"layer/{place}{_ENDING}": _held(drawn(chance, *shape))
        for place, shape in enumerate(((3, 3, 2, 4), (4,)))
    }
    by_name = dict(zip(names, arrays.values(), strict=True))
    objects = [
        Trackable(children={"layer": 1}),
        Trackable(children={"0": 2, "1": 3}),
        *(Trackable(children={"up": 0}, key=key) for key in arrays),
    ]
    is_old = chance.random() < 0.35
    conv = node("conv", "Conv2D", ["x", "w"], padding="SAME")
    steps = [conv, node("y", chance.choice(("BiasAdd", "Dream")), ["conv", "b"])][: chance.choice((1, 2, 2))]
    end = "y" if len(steps) > 1 else "conv"
    library = b""
    for name in ("call", "__inference__traced_save", "other")[: chance.choice((1, 2, 3))]:
        formal = b"".join(part(2, part(1, one)) for one in ("x", "w", "b"))
        library += part(
            1,
            part(1, part(1, name) + formal + part(3, part(1, "out")))
            + b"".join(part(3, one) for one in steps)
            + part(4, part(1, "out") + part(2, f"{end}:0")),
        )
    nodes = [node("x", "Placeholder", [], shape=part(7, shape_of((-1, 6, 6, 2))))]
    if is_old:
        words = [chance.choice(("VariableV2", "VarHandleOp", "Dream")), "VariableV2"]
        nodes += [node(name, word, []) for name, word in zip(names, words, strict=True)]
        nodes += [node("w", "Identity", names[:1]), node("b", "Identity", names[1:]), *steps]
    else:
        called = part(10, part(1, chance.choice(("call", "call", "call", "other", "nothing"))))
        nodes += [
            node("k", "Const", [], value=part(8, tensor(np.ones(4, "f4"), "bytes"))),
            node(end, "StatefulPartitionedCall", ["x"], f=called),
        ]
    graph = b"".join(part(1, one) for one in nodes) + part(2, library)
    signatures = b""
    for key in chance.sample(
        ("serving_default", "a", "__saved_model_init_op"), chance.choice((0, 1, 1, 1, 1, 2, 3))
    ):
        outputs = [
            part(2, part(1, f"o{place}") + part(2, part(1, f"{end}:{place}")))
            for place in range(chance.choice((1, 1, 2, 0)))
        ]
        signatures += part(5, part(1, key) + part(2, b"".join(outputs)))
    meta = part(1, part(4, chance.choice(("serve", "train")))) + part(2, graph) + signatures
    if not is_old:
        held = [
            part(1, part(1, 1) + part(2, "layer")),
            b"".join(part(1, part(1, place + 2) + part(2, str(place))) for place in (0, 1)),
            *(part(7, part(6, name)) for name in names),
            part(9, part(1, "k")),
            part(4, b""),
        ]
        bound = chance.choice(([2, 3], [2, 3], [2, 4], [2, 5], [2, 99], [3]))
        functions = {"call": bound, "other": bound[:1], "__inference__traced_save": [2, 3, 4]}
        functions = dict(list(functions.items())[: chance.choice((1, 2, 3, 3, 3, 0))])
        places = b"".join(
            part(2, part(1, name) + part(2, b"".join(part(2, n) for n in where)))
            for name, where in functions.items()
        )
        meta += part(7, b"".join(part(1, one) for one in held) + places)
    metas = [meta, part(1, part(4, chance.choice(("serve", "gpu")))) + part(2, b"")][: chance.choice((1, 2))]
    metas = metas[::-1] if chance.random() < 0.6 else metas
    checkpoint = Checkpoint(
        arrays=by_name if is_old else arrays,
        names={} if chance.random() < 0.5 else dict(zip(arrays, names, strict=True)),
        objects=objects[: chance.choice((4, 4, 4, 0))],
    )  # type: ignore[arg-type]
    model = Message(view_of(b"".join(part(2, one) for one in metas)), file.effort)

    def tell(found: Any) -> str:
        if isinstance(found, str):
            return found
        return f"{layers_of(SimpleNamespace(layers=found.layers))} {found.told} {found.unused}"  # type: ignore[arg-type]

    return f"{'old' if is_old else 'new'} {' '.join(names)} {len(metas)}", outcome(
        lambda: graph_of(model, checkpoint, file), tell
    )


def a_saved(n: int, folder: Path) -> tuple[str, str]:
    """What is read of a file, or of a SavedModel, that is made by chance."""
    chance = random.Random(f"saved by tensorflow {n}")
    if n % 3 == 2:
        words, told = _saved(chance)
        return f"{n} {words}", told
    words, files = (a_checkpoint, a_first)[n % 3](chance)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    limits = Limits(layers=chance.choice((1, 2, 3, 5))) if chance.random() < 0.05 else Limits()
    wanted = chance.choice(("",) * 9 + ("ema", "ema", "other"))
    file = Opened.of(folder / next(iter(files)), limits, Hints(weights=wanted))
    told = read_of(tensorflow.open, file).replace(f"{folder}/", "")
    more = f" layers {limits.layers}" * (limits != Limits())
    return f"{n} {next(iter(files))} {words} {wanted}{more}", told


def _tables() -> Told:
    """Tables whose blocks end elsewhere than they say, are compressed, or whose entries lie."""
    good = varint(0) + varint(1) + varint(2) + b"kvv" + struct.pack("<II", 0, 1)
    blocks = {
        "as it is": good,
        "of no entries": struct.pack("<II", 0, 1),
        "of four bytes": struct.pack("<I", 0),
        "of three bytes": bytes(3),
        "of many restarts": good[:-4] + struct.pack("<I", 99),
        "of two restarts": good[:-8] + struct.pack("<III", 0, 0, 2),
        "that shares what is not there": varint(1) + good[1:],
        "of a longer key": varint(0) + varint(9) + good[2:],
        "of a value to its end": varint(0) + varint(1) + varint(2) + b"kvv" + struct.pack("<I", 0),
        "of a value a byte longer": varint(0) + varint(1) + varint(3) + b"kvv" + struct.pack("<I", 0),
        "of two keys": good[:6] + varint(1) + varint(1) + varint(0) + b"w" + good[6:],
    }
    for words, block in blocks.items():
        for more, flag, behind in (("", 0, 5), (", compressed", 1, 5), (", a byte less behind it", 0, 4)):
            yield f"a block {words}{more}", _of_blocks(block, len(block), flag, behind)
    for by in (-1, 1, 5, 50, 1 << 20):
        yield f"a block of {by} bytes more than it has", _of_blocks(good, len(good) + by, 0, 5)
    for n in (39, 40, 47, 48):
        yield f"a footer of {n} bytes", str(is_table(bytes(n) + bytes.fromhex("57fb808b247547db")))


def _of_blocks(block: bytes, size: int, flag: int, behind: int) -> str:
    """What is read of a table of one block, as the data of either generation and as its index."""
    told = []
    index = _block({b"k": varint(0) + varint(size)}, shares=False)
    where = len(block) + behind
    whole = block + bytes([flag]) + bytes(behind - 1) + index + bytes(5)
    footer = varint(0) + varint(0) + varint(where) + varint(len(index))
    alone = block + bytes([flag]) + bytes(behind - 1)
    for data, handles in ((whole, footer), (alone, varint(0) + varint(0) + varint(0) + varint(size))):
        held = data + handles.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
        held = held if data is whole or behind == 5 else data + handles.ljust(39, b"\0") + held[-8:]
        for entries in (_entries_of_table, lambda _, file: _entries(file)):
            file = opened(held)
            told.append(outcome(lambda file=file, entries=entries: list(entries(file.data, file)), _keys))
    return " / ".join(told)


def _keys(found: Any) -> str:
    return str({bytes(key): bytes(value) for key, value in found})


def saved_by_tensorflow() -> Told:
    yield from in_a_folder(a_saved, N_SAVED)
    yield from _tables()
