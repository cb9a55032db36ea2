"""Paddle's inference models: nameless tensors in ``.pdiparams``, in the order of names that the program has.

The program lies beside them, as a protocol buffer (``.pdmodel``, ``framework.proto``) or, since Paddle 3, as
JSON.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from filtviz.errors import FileAccessError, MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.arrays import ElementType, StoredArray, dtype_of_code, narrow_dtype, shape_of, stored
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import unpack, view_of
from filtviz.reading.tensors import PADDLE, Tensor, layers_of
from filtviz.text import natural_key, printable

__all__ = ["open"]

_STARTS = re.compile(rb"\0{16}[\x02-\x7f]\0{3}\x08[\x00-\x20]")
_TYPES = {0: "|b1", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "|u1", 21: "|i1"}
_BFLOAT16 = 22
_CONVENTION = replace(
    PADDLE,
    roles={"w_0": "weight", "b_0": "bias", "w_1": "mean", "w_2": "variance"},
    conv_type="conv{n}d",
    dense_type="linear",
    norm_type="batch_norm",
)


def open(opened: Opened) -> Network | None:
    """Read the tensors by the names that the program beside them has.

    Raises:
        UnsupportedFileError: there is no program beside them.
        MalformedFileError: they are damaged or cut short, or are not those of the program.
        LimitError: there are too many.
    """
    if not _STARTS.match(opened.start):
        return None
    arrays = list(_arrays(opened))
    names = sorted(_names(opened))
    if len(names) != len(arrays):
        raise MalformedFileError(
            f"it holds {len(arrays):,} tensors, and the program beside it names {len(names):,}; put the two "
            "files of one model together"
        )
    named = sorted(zip(names, arrays, strict=True), key=lambda pair: natural_key(pair[0]))
    tensors = [Tensor(name=name, array=array) for name, array in named if array is not None]
    layers = {tensor.name.rpartition(".")[0] for tensor in tensors}
    known = {layer: {"transposed": "_transpose_" in layer} for layer in layers if layer.startswith("conv")}
    made = layers_of(tensors, _CONVENTION, opened.hints, known=known)
    origin = origin_of(
        opened,
        "the parameters of a Paddle model",
        objects=Objects(form="Paddle's tensors"),
        framework="Paddle",
        order="the numbers in Paddle's names, which count layers of each kind by themselves",
        inferred=made.inferred,
        notes=made.notes,
    )
    return Network.of(made.layers, origin)


def _arrays(opened: Opened) -> Iterator[StoredArray | None]:
    """Yield the tensors; None for one of a type that is not read."""
    view, position, n = view_of(opened.data), 0, 0
    try:
        while position < len(view):
            n += 1
            opened.limits.check("layers", n, f"it holds {n:,} tensors")
            (levels,) = unpack("<4xQ", view, position)
            position += 12
            for _ in range(levels):
                opened.effort.spend(1)
                (size,) = unpack("<Q", view, position)
                position += 8 + size
            (size,) = unpack("<4xi", view, position)
            position += 8
            if not 0 < size <= len(view) - position:
                raise _damaged()
            told = Message(memoryview(bytes(view[position : position + size])), opened.effort)
            position += size
            shape, code = shape_of(told.integers(2)), told.integer(1)
            dtype: ElementType | None = narrow_dtype("bfloat16") if code == _BFLOAT16 else None
            dtype = dtype_of_code(_TYPES[code]) if code in _TYPES else dtype
            if shape is None or dtype is None:
                raise _damaged()
            rest = view[position:]
            array = stored(shape, dtype, False, len(rest), lambda rest=rest: rest)  # type: ignore[misc]
            position += array.nbytes
            yield array
    except (struct.error, OverflowError) as error:
        raise _damaged() from error


def _damaged() -> MalformedFileError:
    return MalformedFileError("they are Paddle parameters that are damaged or cut short; copy them again")


def _names(opened: Opened) -> list[str]:
    """Return the names of the parameters, as the program beside the file has them."""
    stem = PurePath(opened.path.name).stem
    for name in (f"{stem}.pdmodel", f"{stem}.json"):
        try:
            data = opened.siblings.open(name, as_it_is=True)
        except FileAccessError:
            continue
        if bytes(data[:1]) == b"{":
            return _of_json(bytes(data), opened)
        return list(_of_program(Message(view_of(data), opened.effort)))
    raise UnsupportedFileError(
        f"they are the parameters of a Paddle model, whose names are in {printable(stem, 60)}.pdmodel or "
        f"{printable(stem, 60)}.json; put that file beside them"
    )


_NO_WEIGHTS = frozenset({9, 10, 17})
"""Kinds of variables that are lists of what goes in and comes out, and readers."""


def _of_program(program: Message) -> Iterator[str]:
    """Yield the names of variables that are kept, in a ``ProgramDesc``."""
    for block in program.messages(1):
        for variable in block.messages(3):
            kind = variable.message(2)
            kept = variable.integer(3) == 1
            if kept and (kind is None or kind.integer(1) not in _NO_WEIGHTS):
                yield variable.text(1)


def _of_json(text: bytes, opened: Opened) -> list[str]:
    """Return the names of parameters in a program of Paddle 3."""
    opened.limits.check_json(len(text), "its program")
    try:
        blocks = json.loads(text)["program"]["regions"][0]["blocks"]
        held = [one["A"][3] for one in blocks[0]["ops"] if one["#"] == "p"]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError) as error:
        raise MalformedFileError("the program beside it is none of Paddle's; save the model again") from error
    return [one for one in held if isinstance(one, str)]
