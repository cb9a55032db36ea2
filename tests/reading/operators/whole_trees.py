"""Trees of arrays, made by chance: of Flax, Haiku, PyTorch and Paddle, as MessagePack, pickles and npz.

Each case is a number, as in `arrays`; what arrays are called, and what lies beside them, differs.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.reading.formats import trees
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.making import dumps
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import drawn, in_a_folder, read_of

__all__ = ["trees_of_arrays"]

N_TREES = 90
Tree = dict[str, Any]


def packed(value: Any) -> bytes:
    """A value as MessagePack; arrays are as Flax has them."""
    if isinstance(value, dict):
        head = bytes([0x80 | len(value)]) if len(value) < 16 else struct.pack(">BH", 0xDE, len(value))
        return head + b"".join(packed(key) + packed(one) for key, one in value.items())
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xA0 | len(data)]) if len(data) < 32 else struct.pack(">BB", 0xD9, len(data))) + data
    if isinstance(value, int):
        return bytes([value]) if 0 <= value < 128 else struct.pack(">Bq", 0xD3, value)
    array = np.asarray(value)
    shape = bytes([0x90 | array.ndim]) + b"".join(map(packed, array.shape))
    inner = (
        b"\x93" + shape + packed(str(array.dtype)) + struct.pack(">BI", 0xC6, array.nbytes) + array.tobytes()
    )
    return struct.pack(">BIb", 0xC9, len(inner), 1) + inner


def _layers(chance: random.Random, era: str) -> Tree:
    """Layers by their names, each with its arrays."""
    found: Tree = {}
    for place in range(chance.choice((1, 2, 3))):
        kind = chance.choice(("conv", "conv", "dense", "bn"))
        name = {
            "flax": f"{kind.title()}_{place}",
            "haiku": f"net/~/{kind}2_d_{place}",
            "torch": f"{kind}{place}",
        }[era]
        name = (
            "net/~/" * (era == "haiku")
            + {"conv": "conv2_d", "dense": "linear", "bn": "batch_norm"}[kind]
            + f"_{place}"
            if era == "haiku"
            else name
        )
        kernel = {"flax": "kernel", "haiku": "w", "torch": "weight"}[era]
        shape = {"conv": (4, 3, 2, 2) if era == "torch" else (2, 2, 3, 4), "dense": (4, 5), "bn": (4,)}[kind]
        held: Tree = {kernel if kind != "bn" or era == "torch" else "scale": drawn(chance, *shape)}
        held |= {"b" if era == "haiku" else "bias": drawn(chance, 4)} if chance.random() < 0.6 else {}
        found[name] = dict(sorted(held.items())) if chance.random() < 0.3 else held
    names = sorted(found) if chance.random() < 0.3 else chance.sample(list(found), len(found))
    return {name: found[name] for name in names}


def _around(chance: random.Random, layers: Tree, era: str) -> Tree:
    """A tree with its collections, and with what an optimiser keeps."""
    tree: Tree = layers
    if era == "flax":
        tree = {"params": layers}
        if chance.random() < 0.4:
            tree["batch_stats"] = {
                name: {"mean": drawn(chance, 4), "var": drawn(chance, 4)}
                for name in layers
                if name.startswith("Bn")
            }
        tree = {"params": tree} if chance.random() < 0.2 else tree
    elif chance.random() < 0.4:
        tree = {chance.choice(("state_dict", "model", "params", "other")): layers}
    if chance.random() < 0.3:
        moments = {
            name: {key: drawn(chance, *one.shape) * (chance.random() < 0.7) for key, one in held.items()}
            for name, held in layers.items()
        }
        tree = {
            **tree,
            chance.choice(("opt_state", "optimizer", "else")): {
                "0": {chance.choice(("mu", "nu", "count")): moments}
            },
        }
    return tree | ({"step": np.array(7)} if chance.random() < 0.2 else {})


def _flat(tree: Tree, between: str, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, one in tree.items():
        name = f"{path}{between}{key}" if path else key
        found |= _flat(one, between, name) if isinstance(one, dict) else {name: one}
    return found


def _npz(arrays: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, one in arrays.items():
            held = io.BytesIO()
            np.save(held, np.asarray(one))
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), held.getvalue())
    return written.getvalue()


def a_tree(n: int, folder: Path) -> tuple[str, str]:
    """A tree that is made by chance, and what is read of it."""
    chance = random.Random(f"tree {n}")
    era = chance.choice(("flax", "flax", "haiku", "torch", "torch"))
    tree = _around(chance, _layers(chance, era), era)
    form = chance.choice(
        ("msgpack", "msgpack", "pickle", "pickle", "dotted", "npz", "npz", "jax", "paddle", "numpy")
    )
    if form == "msgpack":
        data = packed(tree)
        data = data[: len(data) - chance.choice((0,) * 9 + (1,))] + (
            b"\x00" if chance.random() < 0.06 else b""
        )
    elif form == "pickle":
        data = dumps(tree)
    elif form == "dotted":
        wrapped = len(tree) == 1 and chance.random() < 0.7
        data = dumps({key: _flat(one, ".") for key, one in tree.items()} if wrapped else _flat(tree, "."))
    elif form == "npz":
        data = _npz(_flat(tree, chance.choice(("/", "/", "."))))
    elif form == "jax":
        data = _npz(
            {
                "".join(f"['{part}']" for part in name.split("|")): one
                for name, one in _flat(tree, "|").items()
            }
        )
    elif form == "paddle":
        flat = {name: (name, one) if chance.random() < 0.5 else one for name, one in _flat(tree, ".").items()}
        data = dumps(
            flat
            | (
                {"StructuredToParameterName@@": {name: name for name in flat}}
                if chance.random() < 0.7
                else {}
            )
        )
    else:
        held = io.BytesIO()
        np.save(held, np.ones(1, "f4"))
        data = held.getvalue() if chance.random() < 0.3 else dumps([tree])
    (folder / "model.msgpack").write_bytes(data)
    limits = Limits(layers=chance.choice((1, 2, 3, 5))) if chance.random() < 0.06 else Limits()
    told = read_of(trees.open, Opened.of(folder / "model.msgpack", limits, Hints())).replace(f"{folder}/", "")
    words = " ".join(_flat(tree, "/"))
    return f"{n} {form} {words[:200]}" + f" layers {limits.layers}" * (limits != Limits()), told


def trees_of_arrays() -> Told:
    yield from in_a_folder(a_tree, N_TREES)
