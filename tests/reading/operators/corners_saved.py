"""SavedModels in folders with more variables than their graphs use, and tables of the first generation."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.reading.formats import tensorflow
from filtviz.reading.formats.tensorflow import checkpoint
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from filtviz.reading.stretch import view_of
from tests.reading.operators.asking import Told, message, part
from tests.reading.operators.corners_tflite import _Steady
from tests.reading.operators.odd_saved import NEW, OLD, _meta, _read
from tests.reading.operators.whole_saved import table
from tests.reading.operators.wholes import opened, outcome, read_of

__all__ = ["corners_of_saved"]

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_SHAPES = {"k": (3, 3, 2, 4), "b": (4,)}


def _in_a_folder(keys: Sequence[str]) -> str:
    """A SavedModel of TensorFlow 1 whose checkpoint has these keys, too."""
    data, entries = b"", {b"": part(1, 1)}
    for key in (*_SHAPES, *keys):
        shape = _SHAPES.get(key, (3, 3, 2, 4))
        values = (np.arange(np.prod(shape)) % 5 - 1.5).astype("f4")
        sizes = b"".join(part(2, part(1, n)) for n in shape)
        entries[key.encode()] = part(1, 1) + part(2, sizes) + part(4, len(data)) + part(5, values.nbytes)
        data += values.tobytes()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "variables").mkdir()
        (place / "saved_model.pb").write_bytes(part(1, 1) + part(2, _meta(OLD["metas"][0])))
        (place / "variables" / "variables.index").write_bytes(table(entries, _Steady()))
        (place / "variables" / "variables.data-00000-of-00001").write_bytes(data)
        file = Opened.of(place / "saved_model.pb", Limits(), Hints())
        return read_of(tensorflow.open, file).replace(f"{folder}/", "")


def _first(*, shape: Any = (2, 2), slices: int = 1, code: int = 1, numbers: int = 4, pieces: int = 1) -> str:
    """A checkpoint of the first generation with a kernel, and another array that is odd."""
    told, entries = b"", {}
    for name, lengths, n, kind, size in (
        ("c/kernel", (3, 3, 2, 4), 1, 1, 72),
        ("d/kernel", shape, slices, code, numbers),
    ):
        sizes = None if lengths is None else b"".join(part(2, part(1, one)) for one in lengths)
        told += part(
            1, part(1, name) + (b"" if sizes is None else part(2, sizes)) + part(3, kind) + part(4, b"") * n
        )
        values = np.arange(size, dtype="f4" if kind == 1 else "f8").tobytes()
        held = b"".join(part(5 if kind == 1 else 6, values) for _ in range(pieces if name[0] == "d" else 1))
        entries[name.encode()] = part(2, part(1, name) + part(3, held))
    entries[b""] = part(1, told)
    return read_of(tensorflow.open, opened(table(entries, _Steady()), name="model.ckpt"))


def _pieces() -> Told:
    """Numbers of several bytes, types by their numbers, and where an array lies in its file."""
    for data in (b"", b"\x80", b"\x7f", b"\xff" * 9 + b"\x01", b"\xff" * 10 + b"\x01", b"\x81\x02\x03"):
        yield f"a number of {data!r}", outcome(lambda d=data: checkpoint._varint(d, 0), str)  # type: ignore[misc]
    yield "types", " ".join(str(checkpoint.dtype_of(code)) for code in range(27))
    whole = view_of(bytes(range(10)))
    for start, size in ((0, 0), (0, 10), (10, 0), (3, 4), (9, 1), (9, 2), (11, 0), (-1, 2), (2, -1)):
        entry = message(part(3, 0) + part(4, start % (1 << 64)) + part(5, size % (1 << 64)))
        found = outcome(lambda e=entry: checkpoint._piece(e, lambda _: whole), lambda made: bytes(made).hex())  # type: ignore[misc]
        yield f"{size} bytes at {start}", found


def corners_of_saved() -> Told:
    """All of it."""
    yield from _pieces()
    for keys in (
        (),
        ("spare/kernel",),
        (f"k/.OPTIMIZER_SLOT/opt/m{_VALUE}",),
        ("k/Adam", "b/Adam_1", "spare/kernel"),
        ("optimizer/iter", "x/optimizer/m"),
        ("beta1_power", "save_counter"),
        ("k/ExponentialMovingAverage",),
        ("Adamant/kernel", "one/kernel", "two/kernel"),
    ):
        yield f"a folder with {' '.join(keys) or 'nothing more'}", _in_a_folder(keys)
    for name in ("", "net/", "kernel", "net/conv/kernel"):
        said = copy.deepcopy(NEW)
        said["metas"][1]["objects"][2] = {"is": name}
        yield f"a kernel that is called {name!r}", _read(said)
    none = {"shape": None, "numbers": 1}
    number = {"shape": (), "numbers": 1}
    more = (
        {"slices": 0},
        {"slices": 2},
        {"code": 2},
        {"code": 3},
        {"pieces": 2},
        {"pieces": 0},
        {"numbers": 3},
    )
    for facts in ({}, none, number, {"shape": (-1, 2)}, *more):
        yield f"the first generation, {facts}", _first(**facts)  # type: ignore[arg-type]
