"""TensorFlow Lite (LiteRT): a FlatBuffer with the whole graph, quantised and sparse weights included.

Fields and operators are numbered as in ``tensorflow/lite/schema/schema.fbs``. Units have the channels in
front here, though the file has them behind: what a layer does to an image is the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Layer, Network
from filtviz.operations import Convolution, Input, Merge, Operation, Untold, Upscale
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import (
    AnyArray,
    ElementType,
    narrow_dtype,
    parameter_of,
    shape_of,
    stored,
)
from filtviz.reading.flatbuffers import Table, root_table
from filtviz.reading.formats.tflite.sparsity import densified
from filtviz.reading.formats.tflite.tflite_operators import OPERATORS, Case, operations_of
from filtviz.reading.layering import add_layer, make_layer
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.quantised import Scale, meant_in, said_of_meant, scaled
from filtviz.reading.stretch import View, view_of
from filtviz.text import names_of_file, printable

__all__ = ["open"]

_MAGIC = b"TFL3"
_TYPES: Mapping[int, str] = {
    0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 6: "?", 7: "<i2", 9: "i1", 10: "<f8", 12: "<u8",
    15: "<u4", 16: "<u2",
}  # fmt: skip
_BFLOAT16 = 18
_PASSES_WEIGHTS = frozenset({"DEQUANTIZE", "DENSIFY", "CAST", "QUANTIZE"})
_CUSTOM = 32


def open(opened: Opened) -> Network | None:
    """Read the graph.

    Raises:
        UnsupportedFileError: it has no graph that can be read.
        MalformedFileError: it is damaged or cut short, or says what cannot be.
        LimitError: it has too many operators.
    """
    if opened.start[4:8] != _MAGIC:
        return None
    model = root_table(view_of(opened.data), opened.effort)
    graphs = model.tables(2)
    if not graphs:
        raise UnsupportedFileError("it is a TensorFlow Lite model without a graph")
    reader = _Reader.of(model, graphs[0], opened)
    layers = reader.read()
    others = [f"{len(graphs) - 1} further graphs, which the first one calls"] if len(graphs) > 1 else []
    origin = origin_of(
        opened,
        "a TensorFlow Lite model",
        objects=Objects(form="TFLite"),
        framework="TensorFlow Lite",
        producer=printable(model.text(3), 80),
        order="the graph of the file, which is sorted as it runs",
        left_out=others,
        notes=reader.notes(),
    )
    return Network.of(layers, origin)


@dataclass(frozen=True, kw_only=True)
class _Spread:
    """What lies around a dilated convolution: ``gaps`` between taps, ``pads``, and the ``places`` within.

    What lies at a place is kept as it is in the parts.
    """

    gaps: tuple[int, ...]
    pads: tuple[int, ...]
    places: tuple[tuple[int, Layer], ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Postponed:
    """An operator that may begin a repetition of ``source``, so many ``times`` along the new ``axis``."""

    case: Case
    source: int
    axis: int
    times: int = 0


@dataclass(kw_only=True, eq=False)
class _Reader:
    """Makes the layers of a graph.

    Attributes:
        opened: The file.
        tensors: The tensors of the graph.
        buffers: The buffers of the model.
        operators: The operators of the graph.
        names: The name of each operator code.
        graph: The graph.
    """

    opened: Opened
    tensors: Sequence[Table]
    buffers: Sequence[Table]
    operators: Sequence[Table]
    names: Sequence[str]
    graph: Table
    layers: list[Layer] = field(default_factory=list)
    giver: dict[int, int] = field(default_factory=dict)
    source: dict[int, int] = field(default_factory=dict)
    parameters: dict[tuple[int, str], Parameter] = field(default_factory=dict)
    quantised: list[str] = field(default_factory=list)
    meant: list[str] = field(default_factory=list)
    spread: dict[int, _Spread] = field(default_factory=dict)
    postponed: dict[int, _Postponed] = field(default_factory=dict)
    of_shapes: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, model: Table, graph: Table, opened: Opened) -> _Reader:
        """Take the parts of a model."""
        names = []
        for code in model.tables(1):
            number = max(code.scalar(0, "b"), code.scalar(3, "i"))
            names.append(code.text(1) if number == _CUSTOM else OPERATORS.get(number, f"operator {number}"))
        return cls(
            opened=opened,
            tensors=graph.tables(0),
            buffers=model.tables(4),
            operators=graph.tables(3),
            names=names,
            graph=graph,
        )

    def read(self) -> list[Layer]:
        """Return a layer for each input and each operator that does not only prepare weights."""
        for number in self.graph.numbers(1, "i"):
            tensor = self._tensor(number)
            self.giver[number] = self._add(
                Layer(name=tensor.text(3), type="INPUT", operations=(_input(self._shape(number)),)),
                number,
            )
        for operator in self.operators:
            self._operator(operator)
        return self.layers

    def _operator(self, operator: Table) -> None:
        code = operator.scalar(0, "I")
        if code >= len(self.names):
            raise MalformedFileError("it has an operator whose kind the file does not list")
        name = self.names[code]
        inputs, outputs = operator.numbers(1, "i"), operator.numbers(2, "i")
        if name in _PASSES_WEIGHTS and inputs and outputs and self._is_constant(inputs[0]):
            self.source[outputs[0]] = self.source.get(inputs[0], inputs[0])
            return
        if not outputs or self._is_of_shapes(name, inputs, outputs):
            return
        case = Case(
            operator=name,
            options=operator.table(4),
            inputs=inputs,
            constant=self._constant,
            parameter=self._parameter,
            shape=self._shape,
            outputs=outputs,
        )
        if self._is_spread(case) or self._is_repeat(case):
            return
        for number in inputs:
            self._add_postponed(number)
        self._add_operator(case, outputs)

    def _add_operator(self, case: Case, outputs: Sequence[int]) -> None:
        operations = scaled(operations_of(case), lambda _: self._scale(case.input(1)))
        inputs = case.inputs
        spread = self.spread.get(case.input(0))
        if spread is not None and isinstance(operations[0], Convolution):
            operations = (replace(operations[0], dilation=spread.gaps), *operations[1:])
        given = tuple(self.giver[number] for number in inputs if number in self.giver)
        if isinstance(operations[0], Merge) and len(given) < len(inputs):
            operations = (Untold(reason="it combines its input with something that is not followed"),)
        layer = self._layer(case.operator, operations, given, outputs[0])
        place = self._add(layer, outputs[0])
        self.giver.update(dict.fromkeys(outputs, place))
        if case.operator in ("SPLIT", "SPLIT_V"):
            for number, output in enumerate(outputs[1:], start=1):
                part = operations_of(replace(case, place=number))
                self.giver[output] = self._add(self._layer(case.operator, part, given, output), output)
        if spread is not None:
            self.spread[outputs[0]] = replace(spread, places=(*spread.places, (place, self.layers[place])))

    def _is_of_shapes(self, name: str, inputs: Sequence[int], outputs: Sequence[int]) -> bool:
        """Leave out what computes with nothing but shapes: the file says of each tensor how large it is."""
        computed = name == "SHAPE" or any(number in self.of_shapes for number in inputs)
        is_fed = any(number in held for number in inputs for held in (self.giver, self.postponed))
        if computed and (name == "SHAPE" or not is_fed):
            self.of_shapes.update(outputs)
            return True
        return False

    def _scale(self, number: int) -> Scale | None:
        """Return what the whole numbers of a tensor stand for, None where the file does not say it."""
        told = self._tensor(self.source.get(number, number)).table(4)
        if told is None:
            return None
        numbers, zeros = np.array(told.numbers(2, "f"), np.float64), told.numbers(3, "q") or [0]
        return Scale(numbers=numbers, zeros=np.array(zeros, np.float64), axis=told.scalar(6, "i"))

    def _is_spread(self, case: Case) -> bool:
        """Follow what puts gaps between the taps of a convolution; tell whether the operator is that."""
        first, pads = case.input(0), tuple(case.wholes(2) or ())
        if first not in self.giver or len(pads) != 4 or min(pads) < 0 or len(case.first or ()) != 4:
            return False
        if case.operator == "BATCH_TO_SPACE_ND" and first in self.spread:
            self._close(self.spread[first], pads, case.output)
            self.giver[case.output] = self.giver[first]
            return True
        gaps = tuple(case.wholes(1) or ())
        if case.operator != "SPACE_TO_BATCH_ND" or first in self.spread or len(gaps) != 2 or min(gaps) < 1:
            return False
        self.spread[case.output] = _Spread(gaps=gaps, pads=pads)
        self.giver[case.output] = self.giver[first]
        return True

    def _close(self, spread: _Spread, crops: Sequence[int], output: int) -> None:
        """Give the layers within the shape of the whole, and the convolution what remains of the pads.

        A zero that it pads by itself lies beside each part of the input, and so ``gaps`` beside the whole.
        """
        sides = [pad - crop for pad, crop in zip(spread.pads, crops, strict=True)]
        shape = self._shape(output)
        self.opened.effort.spend(len(spread.places))
        for place, layer in spread.places:
            own = layer.output_shape
            lengths = (
                (shape[0], own[1], *shape[2:]) if shape and own and len(own) == len(shape) == 4 else None
            )
            operations = layer.operations
            first = operations[0]
            if isinstance(first, Convolution) and len(first.pad or ()) == 2 and min(sides) >= 0:
                around = zip(first.pad or (), spread.gaps, (sides[:2], sides[2:]), strict=True)
                pad = tuple((a * gap + low, b * gap + high) for (a, b), gap, (low, high) in around)
                operations = (replace(first, pad=pad), *operations[1:])
            self.layers[place] = replace(layer, output_shape=lengths, operations=operations)

    def _is_repeat(self, case: Case) -> bool:
        """Follow how numbers are repeated: with an axis more, tiled along that, and without it again."""
        first, numbers = case.input(0), case.wholes(1) or []
        if case.operator == "EXPAND_DIMS" and first in self.giver:
            if len(case.first or ()) != 4 or numbers not in ([2], [3]):
                return False
            self.postponed[case.output] = _Postponed(case=case, source=first, axis=numbers[0])
            return True
        held = self.postponed.get(first)
        if held is None:
            return False
        if case.operator == "TILE" and not held.times and len(numbers) == 5:
            others = {times for place, times in enumerate(numbers) if place != held.axis}
            if others == {1} and numbers[held.axis] > 0:
                self.postponed[case.output] = replace(held, case=case, times=numbers[held.axis])
                return True
        if case.operator != "RESHAPE" or not held.times or len(case.shape(case.output) or ()) != 4:
            return False
        scale = (held.times, 1) if held.axis == 2 else (1, held.times)
        layer = self._layer("REPEAT", (Upscale(scale=scale),), (self.giver[held.source],), case.output)
        place = add_layer(self.layers, layer, self.opened.effort, "its graph has {:,} operators or more")
        self.giver[case.output] = place
        return True

    def _add_postponed(self, number: int) -> None:
        """Add the operators that were taken for the beginning of a repetition: something else uses them."""
        held = self.postponed.pop(number, None)
        if held is not None:
            self._add_postponed(held.case.input(0))
            self._add_operator(held.case, [number])

    def _layer(
        self, name: str, operations: tuple[Operation, ...], inputs: tuple[int, ...], output: int
    ) -> Layer:
        used = [
            one
            for operation in operations
            for role in ("weights", "bias", "slopes", "beta", "gamma", "mean", "spread")
            if isinstance(one := getattr(operation, role, None), Parameter)
        ]
        meant = {id(one): one.stored for one in meant_in(operations)}
        self.meant += [one.source for one in meant.values()]
        used = [meant.get(id(one), one) for one in used]
        weights = next((one for one in used if one.name == "filter"), None)
        title = weights.source if weights is not None else self._tensor(output).text(3)
        return make_layer(operations, name=title or None, type=name, inputs=inputs, parameters=tuple(used))

    def _add(self, layer: Layer, tensor: int) -> int:
        told = replace(layer, output_shape=self._shape(tensor))
        return add_layer(self.layers, told, self.opened.effort, "its graph has {:,} operators or more")

    def _tensor(self, number: int) -> Table:
        if not 0 <= number < len(self.tensors):
            raise MalformedFileError("it names a tensor that is not there")
        return self.tensors[number]

    def _shape(self, number: int) -> Shape | None:
        """Return a tensor's shape with the channels in front; a length below 1 is open."""
        if not 0 <= number < len(self.tensors):
            return None
        said = self.tensors[number].numbers(7, "i") or self.tensors[number].numbers(0, "i")
        lengths = tuple(n if n > 0 else None for n in said)
        return (lengths[0], lengths[3], *lengths[1:3]) if len(lengths) == 4 else lengths

    def _bytes(self, number: int) -> View:
        buffer = int(self._tensor(number).scalar(2, "I"))
        if buffer >= len(self.buffers):
            raise MalformedFileError("it names a buffer that is not there")
        held = self.buffers[buffer]
        offset, size = int(held.scalar(1, "Q")), int(held.scalar(2, "Q"))
        if offset > 1:
            view = view_of(self.opened.data)
            if offset + size > len(view):
                raise MalformedFileError("a buffer of it lies beyond the end of the file")
            return view[offset : offset + size]
        return held.bytes(0)

    def _is_constant(self, number: int) -> bool:
        return number in self.source or (number >= 0 and len(self._bytes(number)) > 0)

    def _dtype(self, tensor: Table) -> ElementType | None:
        code = tensor.scalar(1, "b")
        if code == _BFLOAT16:
            return narrow_dtype("bfloat16")
        return np.dtype(_TYPES[code]) if code in _TYPES else None

    def _array(self, number: int) -> AnyArray | None:
        """Return the array of a constant as the file stores it, None where it is none."""
        if not self._is_constant(number):
            return None
        number = self.source.get(number, number)
        tensor, view = self._tensor(number), self._bytes(number)
        shape, dtype = shape_of(list(tensor.numbers(0, "i"))), self._dtype(tensor)
        if shape is None or dtype is None:
            return None
        sparsity = tensor.table(6)
        if sparsity is not None:
            return densified(shape, dtype, view, sparsity, self.opened.limits)
        return stored(shape, dtype, False, len(view), lambda: view)

    def _constant(self, number: int) -> list[float] | None:
        """Return the numbers of a small constant."""
        array = self._array(number)
        if array is None or math.prod(array.shape) > _FEW:
            return None
        return [float(one) for one in np.asarray(array.read()).ravel().tolist()]

    def _parameter(self, number: int, name: str) -> Parameter | None:
        """Return a constant as a parameter, the same one wherever it is used."""
        key = (self.source.get(number, number), name)
        if key not in self.parameters:
            array = self._array(number)
            if array is None:
                return None
            tensor = self._tensor(key[0])
            held = parameter_of(name, array, tensor.text(3))
            scale = self._scale(number) if name != "filter" and array.dtype.kind in "iu" else None
            if scale is not None and scale.fits(array.shape):
                held = scale.real(held)
            self.parameters[key] = held
            if name == "filter" and array.dtype.kind in "iu":
                self.quantised.append(tensor.text(3))
        return self.parameters[key]

    def notes(self) -> list[str]:
        """Say what is odd about weights."""
        quantised = [name for name in self.quantised if name not in set(self.meant)]
        notes = [said_of_meant(self.meant)] if self.meant else []
        if quantised:
            notes.append(
                "weights are stored as whole numbers that are scaled before they are used: "
                f"{names_of_file(quantised, 3, 60)}; how strong filters are against each other does not "
                "show in them"
            )
        return notes


def _input(shape: Shape | None) -> Input:
    return Input(shape=shape, channels_last=shape is not None and len(shape) == 4)


_FEW = 64
"""Elements up to which a constant's numbers are read to know what an operator does."""
