"""Paddle's inference models: nameless tensors in ``.pdiparams``, in the order of names that the program has.

The program lies beside them, as a protocol buffer (``.pdmodel``, ``framework.proto``) or, since Paddle 3, as
JSON.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from filtviz.errors import FileAccessError, MalformedFileError, UnsupportedFileError
from filtviz.network import Layer, Network
from filtviz.reading.arrays import (
    ElementType,
    StoredArray,
    dtype_of_code,
    narrow_dtype,
    parameter_of,
    shape_of,
    stored,
)
from filtviz.reading.formats.paddle_program import layers_of_program
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import unpack, view_of
from filtviz.reading.tensor_names import PADDLE, Tensor
from filtviz.reading.tensors import layers_of
from filtviz.text import natural_key, plural, printable

__all__ = ["open"]

_STARTS = re.compile(rb"\0{16}[\x02-\x7f]\0{3}\x08[\x00-\x20]")
_PROGRAM = re.compile(rb"\n[\x80-\xff]{0,4}[\0-\x7f]\x08\0\x10\xff{9}\x01[\x1a\x22]")
"""A ``ProgramDesc``: its first block is number 0 and has no parent."""

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
    if _PROGRAM.match(opened.start):
        raise UnsupportedFileError(
            "it is the program of a Paddle model; name the .pdiparams file beside it, which holds the weights"
        )
    if not _STARTS.match(opened.start):
        return None
    arrays, program = list(_arrays(opened)), _program(opened)
    tensors = _named_tensors(arrays, program)
    if (graph := _graph(program, tensors, opened)) is None:
        return _without_graph(program, tensors, opened)
    origin = origin_of(
        opened,
        "a Paddle model",
        objects=Objects(form="Paddle's tensors"),
        framework="Paddle",
        order="the program beside the file, as it runs",
    )
    return Network.of(graph, origin)


def _named_tensors(arrays: Sequence[StoredArray], program: _Program) -> list[Tensor]:
    """Return the tensors by the program's names, those of layers that run in the order in which they do."""
    names = sorted(program.names)
    if len(names) != len(arrays):
        raise MalformedFileError(
            f"it holds {plural(len(arrays), 'tensor')}, and the program beside it names {len(names):,}; put "
            "the two files of one model together"
        )
    place = {layer: number for number, layer in enumerate(program.uses)}
    named = sorted(
        zip(names, arrays, strict=True),
        key=lambda pair: (place.get(pair[0].rpartition(".")[0], len(place)), natural_key(pair[0])),
    )
    return [Tensor(name=name, array=array) for name, array in named]


def _without_graph(program: _Program, tensors: Sequence[Tensor], opened: Opened) -> Network:
    """Make layers of the tensors where the program is not followed."""
    layers = {tensor.name.rpartition(".")[0] for tensor in tensors}
    known = {
        layer: {"transposed": "_transpose_" in layer, **program.uses.get(layer, {})}
        for layer in layers
        if layer.startswith("conv")
    }
    made = layers_of(tensors, _CONVENTION, opened.hints, known=known)
    origin = origin_of(
        opened,
        "the parameters of a Paddle model",
        objects=Objects(form="Paddle's tensors"),
        framework="Paddle",
        order=(
            "the program beside the file, as it runs"
            if program.uses
            else "the numbers in Paddle's names, which count layers of each kind by themselves"
        ),
        inferred=(
            _NO_GRAPH.format("parameters and convolutions" if program.uses else "names"),
            *made.inferred[1:],
        ),
    )
    return Network.of(made.layers, origin)


def _graph(program: _Program, tensors: Sequence[Tensor], opened: Opened) -> list[Layer] | None:
    """Return the layers as the program of Paddle 3 runs them; None where it is not followed."""
    if not program.operations or opened.hints.says_something:
        return None
    held = {one.name: parameter_of(one.name.rpartition(".")[2], one.array, one.name) for one in tensors}
    try:
        return layers_of_program(program.operations, held, opened, _facts_of_json)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError):
        return None  # of a form that is not known: what its parameters tell remains


def _arrays(opened: Opened) -> Iterator[StoredArray]:
    """Yield the tensors."""
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


_NO_GRAPH = "of the program beside the file only the {} are read: each layer feeds the next one that fits it"


@dataclass(frozen=True, kw_only=True)
class _Program:
    """The names of the parameters, and the layers as they run, with what is said of them."""

    names: Sequence[str]
    uses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    operations: Sequence[Mapping[str, Any]] = ()


def _program(opened: Opened) -> _Program:
    """Return what the program beside the file tells."""
    stem = PurePath(opened.path.name).stem
    for name in (f"{stem}.pdmodel", f"{stem}.json"):
        try:
            data = opened.siblings.open(name, as_it_is=True)
        except FileAccessError:
            continue
        if bytes(data[:1]) == b"{":
            return _of_json(bytes(data), opened)
        program = Message(view_of(data), opened.effort)
        names = list(_of_program(program))
        return _Program(names=names, uses=_uses(program, frozenset(names)))
    raise UnsupportedFileError(
        f"they are the parameters of a Paddle model, whose names are in {printable(stem, 60)}.pdmodel or "
        f"{printable(stem, 60)}.json; put that file beside them"
    )


def _uses(program: Message, names: Set[str]) -> dict[str, dict[str, Any]]:
    """Return the layers as a ``ProgramDesc`` runs them, with the facts of their convolutions."""
    uses: dict[str, dict[str, Any]] = {}
    for block in program.messages(1):
        for operation in block.messages(4):
            held = [name for given in operation.messages(1) for name in given.texts(2) if name in names]
            for name in held:
                facts = _facts(operation) if "conv2d" in operation.text(3) else {}
                uses.setdefault(name.rpartition(".")[0], facts)
    return uses


def _facts(operation: Message) -> dict[str, Any]:
    """Return the strides, paddings, dilations and groups of a convolution, as far as they are said."""
    attributes = {one.text(1): one for one in operation.messages(4)}

    def wholes(name: str) -> list[int]:
        return attributes[name].integers(6) if name in attributes else []

    groups = attributes["groups"].integer(3) if "groups" in attributes else 0
    how = attributes["padding_algorithm"].text(5) if "padding_algorithm" in attributes else "EXPLICIT"
    return _said_facts(
        strides=wholes("strides"),
        dilations=wholes("dilations"),
        paddings=wholes("paddings"),
        groups=groups,
        how=how,
    )


def _said_facts(
    *, strides: list[int], dilations: list[int], paddings: list[int], groups: int, how: str | None
) -> dict[str, Any]:
    """Return what is sane of the facts of a convolution."""
    found: dict[str, Any] = {"groups": groups} if groups > 0 else {}
    if len(strides) == _PLANES and min(strides) > 0:
        found["stride"] = tuple(strides)
    if len(dilations) == _PLANES and min(dilations) > 0 and max(dilations) > 1:
        found["dilation"] = tuple(dilations)
    pads = [0] * _PLANES if how == "VALID" else paddings
    if len(pads) in (_PLANES, 2 * _PLANES) and min(pads) >= 0 and how != "SAME":
        pairs = pads if len(pads) > _PLANES else [pads[0], pads[0], pads[1], pads[1]]
        found["pad"] = ((pairs[0], pairs[1]), (pairs[2], pairs[3]))
    return found


_PLANES = 2

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


def _of_json(text: bytes, opened: Opened) -> _Program:
    """Return the parameters of a program of Paddle 3, and the layers as it runs them.

    ``#`` is what an operation does; ``I`` are the numbers of the values that it takes, ``O`` of its own.
    """
    opened.limits.check_json(len(text), "its program")
    names: dict[int, str] = {}
    uses: dict[str, dict[str, Any]] = {}
    try:
        operations = json.loads(text)["program"]["regions"][0]["blocks"][0]["ops"]
        for one in operations:
            opened.effort.spend(1)
            if one["#"] == "p":
                if isinstance(name := one["A"][3], str):
                    names[one["O"]["%"]] = name
                continue
            held = [names[given["%"]] for given in one["I"] if given["%"] in names]
            facts = _facts_of_json(one) if held and "conv2d" in one["#"] else {}
            for name in held:
                uses.setdefault(name.rpartition(".")[0], facts)
    except (ValueError, RecursionError, KeyError, TypeError, IndexError) as error:
        raise MalformedFileError("the program beside it is none of Paddle's; save the model again") from error
    return _Program(names=list(names.values()), uses=uses, operations=operations)


def _facts_of_json(operation: Mapping[str, Any]) -> dict[str, Any]:
    said = {one["N"]: one["AT"]["D"] for one in operation["A"]}

    def wholes(name: str) -> list[int]:
        listed = said.get(name)
        found = [one["D"] for one in listed] if isinstance(listed, list) else []
        return found if all(type(one) is int and abs(one) < _LARGEST for one in found) else []

    groups = said.get("groups")
    return _said_facts(
        strides=wholes("strides"),
        dilations=wholes("dilations"),
        paddings=wholes("paddings"),
        groups=groups if type(groups) is int and groups < _LARGEST else 0,
        how=said.get("padding_algorithm"),
    )


_LARGEST = 1 << 31
