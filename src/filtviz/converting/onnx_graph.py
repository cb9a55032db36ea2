"""A network as an ONNX graph, straight from its operations: opset 18, single precision, any number of images.

An interpreter of `filtviz.operations`, as those in `filtviz.running` are, with the same numbers. What ONNX
has no operator for is put together of several; what cannot be is refused with the name of the layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.budget import BYTE, Account
from filtviz.converting.collected import Names, plain
from filtviz.converting.formulas import nodes_of_activation
from filtviz.converting.shaped import Step, axis_of, outputs, refusal, said_lengths, steps
from filtviz.errors import ConversionError, MissingExtraError
from filtviz.network import Network
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    MatrixProduct,
    Merge,
    Normalisation,
    Pad,
    PadMode,
    Pads,
    Pooling,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
    parameters_of,
)
from filtviz.parameter import Shape
from filtviz.running.fitting import (
    MisfitError,
    coefficients_of,
    counted_in_mean,
    counts_of,
    groups_of,
    groups_of_transposed,
    overhang,
    taps_of,
    transposed_lengths,
    why_not_pooled,
)
from filtviz.text import plural, printable
from filtviz.windows import Window

__all__ = ["OPSET", "onnx_model"]

OPSET = 18
LARGEST = (1 << 31) - 1
"""Bytes of a message of protobuf, which an ONNX model is."""

MOST_PARTS = 4096
"""Nodes that one operation may be put together of."""

MOST_ONES = 1 << 22
"""Numbers of a window that weighs all alike, where ONNX has no operator that sums."""

FIRST, LAST = -(1 << 62), 1 << 62

Arrays = NDArray[Any]


def onnx_model(network: Network, facts: Mapping[str, str], account: Account) -> bytes:
    """Return a network as the bytes of an ONNX model that has passed ONNX's own checker.

    Args:
        network: A network whose file tells its graph.
        facts: What was converted, for its metadata.
        account: What it may take.

    Raises:
        ConversionError: ONNX cannot say what a layer does; the sentence names it.
        MissingExtraError: the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError(
            "writing ONNX needs the package onnx, which is not installed: pip install onnx"
        ) from None
    graph = _Graph(onnx, network, account)
    for step in steps(network):
        graph.add(step)
    made = onnx.helper.make_model(
        graph.finished(),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="filtviz",
        producer_version=facts.get("converter", "").removeprefix("filtviz "),
    )
    onnx.helper.set_model_props(made, dict(facts))
    if made.ByteSize() > LARGEST:
        raise ConversionError(
            "the model is larger than the 2 GiB that an ONNX file can be: write .safetensors"
        )
    try:
        onnx.checker.check_model(made, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"ONNX's checker refuses the model: {printable(error, 200)}") from None
    content: bytes = made.SerializeToString(deterministic=True)
    return content


class _Graph:
    """Nodes, constants and the names of what layers give, as they come together."""

    def __init__(self, onnx: Any, network: Network, account: Account) -> None:
        self.onnx, self.network, self.account = onnx, network, account
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.names = Names(plain)
        self.given: dict[int, str] = {}
        self.shapes: dict[int, Shape] = {}
        self._held: dict[tuple[str, bytes], str] = {}
        self._own = {layer.index: self.names.give(layer.name or f"{layer.type}_{layer.index}")
                     for layer in network.layers}  # fmt: skip
        self._prefix, self._begin = "", 0
        self._below: list[str] = []

    def finished(self) -> Any:
        """Return the graph."""
        ends = []
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        for layer in outputs(self.network):
            name, shape = self.given[layer.index], self.shapes[layer.index]
            if name != self._own[layer.index]:
                self.nodes.append(helper.make_node("Identity", [name], [self._own[layer.index]]))
            ends.append(helper.make_tensor_value_info(self._own[layer.index], kind, self._axes(shape)))
        return helper.make_graph(self.nodes, "network", self.inputs, ends, self.constants)

    def _axes(self, shape: Shape) -> list[Any]:
        first = shape[0] if shape else None
        rest = [f"axis{i}" if n is None else n for i, n in enumerate(shape[1:], start=1)]
        return [*(["N" if first is None else first] if shape else []), *rest]

    # The pieces

    def node(self, kind: str, inputs: Sequence[str], /, **attributes: Any) -> str:
        """Add a node and return the name of what it gives."""
        name = self.names.give(f"{self._prefix}/{kind}")
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, name: str = "constant", dtype: Any = np.float32) -> str:
        """Add an array and return its name; small ones that are alike are one."""
        array = np.array(value, dtype, order="C")
        key = f"{array.dtype}{array.shape}", array.tobytes() if array.size <= 64 else b""
        if key in self._held:
            return self._held[key]
        own = self.names.give(f"{self._prefix}.{name}")
        self.constants.append(self.onnx.numpy_helper.from_array(array, own))
        if key[1]:
            self._held[key] = own
        return own

    def whole(self, *numbers: int) -> str:
        """Add whole numbers."""
        return self.constant(numbers, "numbers", np.int64)

    def add(self, step: Step) -> None:
        """Add one step of the network."""
        layer, operation = step.layer, step.operation
        self._prefix = self._own[layer.index]
        weights = sum(one.size for one in parameters_of(operation))
        self.account.spend("work", 8 * BYTE * weights + 20_000, f"converting {layer.title}")
        if step.number == 0:
            self._begin = len(self.nodes)
            self._below = [self.given[i] for i in layer.inputs]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            try:
                name = self._step(step, self._below)
            except (MisfitError, ValueError) as error:
                raise refusal(layer, str(error)) from None
        self._below = [name]
        self.given[layer.index], self.shapes[layer.index] = name, step.shape
        if step.is_last and len(self.nodes) > self._begin and self.nodes[-1].output[0] == name:
            own = self._own[layer.index]  # what a layer gives is called as the layer is
            self.nodes[-1].output[0] = own
            self.given[layer.index] = own

    def _step(self, step: Step, below: Sequence[str]) -> str:
        operation = step.operation
        x = below[0] if below else ""
        match operation:
            case Input():
                return self._input(step)
            case Convolution():
                return (
                    self._spread(step, operation, x)
                    if operation.transposed
                    else self._convolve(step, operation, x)
                )
            case LocallyConnected():
                return self._connect_locally(step, operation, x)
            case Dense():
                return self._weigh(step, operation, x)
            case Normalisation():
                return self._normalise(step, operation, x)
            case Standardisation():
                return self._standardise(step, operation, x)
            case Activation():
                return nodes_of_activation(operation, x, step.shapes[0], self.node, self.constant)
            case Pooling():
                return self._pool(step, operation, x)
            case GlobalPooling():
                return self._reduce(step, operation, x)
            case ChannelPooling():
                return self._pool_channels(step, operation, x)
            case LocalResponse():
                return self._respond_locally(step, operation, x)
            case Pad():
                how = operation.mode
                return self._pad(step, x, operation.pad, operation.value, operation.first_axis, how)
            case Crop():
                _check_axes(step, len(operation.crop))
                ends = [(a, -b if b else LAST) for a, b in operation.crop]
                return self._cut(x, {axis: (a, b, 1) for axis, (a, b) in enumerate(ends, start=2)})
            case Slice():
                return self._slice(step, operation, x)
            case Merge():
                return self._merge(step, operation, below)
            case Concatenate():
                parts = self._cropped(step, operation.cropping, below)
                return self.node("Concat", parts, axis=operation.axis)
            case Reshape():
                return self._reshape(step, operation, x)
            case Flatten():
                return self._flatten(x, operation.keep)
            case Transpose():
                return self._transpose(step, operation, x)
            case Upscale():
                return self._upscale(step, operation, x)
            case Resize():
                return self._resize(step, operation, x)
            case Reduction():
                return self._reduce_axes(step, operation, x)
            case MatrixProduct():
                return self._multiply(step, operation, below)
            case Softmax():
                return self.node("Softmax", [x], axis=operation.axis)
            case Identity():
                return x
            case Embedding() | Recurrent() | Untold():  # which no step is made of
                raise ValueError("it is not followed here")
        assert_never(operation)

    def _input(self, step: Step) -> str:
        own = self._own[step.layer.index]
        name = own if step.is_last else self.names.give(f"{own}/input")
        kind = self.onnx.TensorProto.FLOAT
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, kind, self._axes(step.shape)))
        return name

    # Layers with weights

    def _convolve(self, step: Step, operation: Convolution, x: str) -> str:
        if operation.stride is None or operation.pad is None:
            raise ValueError("the file does not tell its stride and padding")
        _check_axes(step, len(operation.kernel_size))
        templates = operation.templates
        groups = groups_of((1, step.channels), templates.shape)
        inputs = [x, self.constant(templates, "weight")]
        tied = operation.bias is not None and len(operation.bias.shape) == 1
        if tied and operation.bias is not None:
            inputs.append(self.constant(operation.bias.value, "bias"))
        given = self.node(
            "Conv",
            inputs,
            kernel_shape=list(operation.kernel_size),
            strides=list(operation.stride),
            dilations=list(operation.spacing),
            pads=_ends(operation.pad),
            group=groups,
        )
        return given if tied else self._with_bias(given, operation, step)

    def _with_bias(self, x: str, operation: Convolution | LocallyConnected, step: Step) -> str:
        if operation.bias is None:
            return x
        bias = np.asarray(operation.bias.value)
        shaped = bias[None] if bias.ndim > 1 else bias.reshape(1, -1, *[1] * (len(step.shape) - 2))
        return self.node("Add", [x, self.constant(shaped, "bias")])

    def _spread(self, step: Step, operation: Convolution, x: str) -> str:
        if operation.stride is None or operation.pad is None:
            raise ValueError("the file does not tell its stride and padding")
        _check_axes(step, len(operation.kernel_size))
        templates = operation.templates
        groups, apart = groups_of_transposed(operation, step.channels, templates.shape)
        n_filters, n_channels, *size = templates.shape
        if apart:
            filters = np.moveaxis(templates.reshape(n_filters, groups, n_channels // groups, *size), 1, 0)
        else:
            filters = templates.reshape(groups, n_filters // groups, n_channels, *size)
        weights = filters.swapaxes(1, 2).reshape(-1, filters.shape[1], *size)
        given = self.node(
            "ConvTranspose",
            [x, self.constant(weights, "weight")],
            kernel_shape=size,
            strides=list(operation.stride),
            dilations=list(operation.spacing),
            group=groups,
        )
        if operation.output_size is None:
            ends = [(before, -after if after else LAST) for before, after in operation.pad]
        else:
            lengths = said_lengths(step.lengths, "its crops")
            sizes, kept = transposed_lengths(operation, lengths)
            whole = [
                (n - 1) * stride + span
                for n, stride, span in zip(lengths, operation.stride, _spans(operation), strict=True)
            ]
            missing = tuple((0, wanted - n) for wanted, n in zip(sizes, whole, strict=True))
            given = self._pad(step, given, missing, 0.0, 2)
            ends = [(part.start, part.stop) for part in kept]
        given = self._cut(given, {axis: (a, b, 1) for axis, (a, b) in enumerate(ends, start=2)})
        return self._with_bias(given, operation, step)

    def _connect_locally(self, step: Step, operation: LocallyConnected, x: str) -> str:
        if operation.stride is None or operation.pad is None:
            raise ValueError("the file does not tell its stride and padding")
        if len(operation.kernel_size) != 2 or not {"y", "x"} <= set(operation.axes):
            raise ValueError("the file does not tell where each of its filters is")
        _check_axes(step, 2)
        templates = operation.templates
        groups = groups_of((1, step.channels), templates.shape)
        places = operation.length("y"), operation.length("x")
        window = Window(size=operation.kernel_size, stride=operation.stride, pad=operation.pad)
        _check_parts(4 * math.prod(operation.kernel_size))
        padded = self._pad(step, x, operation.pad, 0.0, 2)
        terms = []
        for tap, looks in taps_of(window, places):
            cut = {axis: (look.start, look.stop, look.step) for axis, look in enumerate(looks, start=2)}
            seen = self._cut(padded, cut)
            shaped = self.node("Reshape", [seen, self.whole(-1, groups, templates.shape[1], *places)])
            own = templates[:, :, tap[0], tap[1]].reshape(groups, -1, templates.shape[1], *places)
            terms.append(
                self.node("Einsum", [shaped, self.constant(own, "weight")], equation="bgcyx,gocyx->bgoyx")
            )
        given = self.node("Sum", terms)
        given = self.node("Reshape", [given, self.whole(-1, len(templates), *places)])
        return self._with_bias(given, operation, step)

    def _weigh(self, step: Step, operation: Dense, x: str) -> str:
        if operation.weights is None:
            raise ValueError("the file does not tell its weights")
        weights = np.asarray(operation.weights.value)
        weights = weights.T if operation.axes == "oi" else weights
        bias = None if operation.bias is None else np.asarray(operation.bias.value)
        if operation.per_position and step.rank > 2:
            n = step.rank - 2
            inputs = [x, self.constant(weights.T.reshape(*weights.shape[::-1], *[1] * n), "weight")]
            if bias is not None and bias.ndim > 1:
                return self.node("Add", [self.node("Conv", inputs), self.constant(bias, "bias")])
            return self.node("Conv", inputs + ([] if bias is None else [self.constant(bias, "bias")]))
        leading = operation.leading_axes % step.rank if operation.leading_axes < 0 else operation.leading_axes
        if not 0 < leading < step.rank:
            raise ValueError(f"it leaves {plural(leading, 'axis')} alone and is given {step.rank}")
        if step.rank != leading + 1:
            x = self._flatten(x, leading)
        if leading == 1:
            inputs = [x, self.constant(weights, "weight")]
            return self.node("Gemm", inputs + ([] if bias is None else [self.constant(bias, "bias")]))
        given = self.node("MatMul", [x, self.constant(weights, "weight")])
        return given if bias is None else self.node("Add", [given, self.constant(bias, "bias")])

    def _normalise(self, step: Step, operation: Normalisation, x: str) -> str:
        if not operation.is_told:
            raise ValueError("the file does not tell the scale that it applies")
        if operation.is_batch and operation.spread is None:
            raise ValueError("the file does not tell the deviation that it divides by")
        scale, shift = (step.spread(values, operation.along) for values in operation.scale_and_shift())
        usual = _as_batch_normalisation(operation)
        if usual is not None:
            arrays, epsilon = usual
            names = [self.constant(arrays[role], role) for role in ("scale", "bias", "mean", "var")]
            return self.node("BatchNormalization", [x, *names], epsilon=epsilon)
        scaled = x if (scale == 1).all() else self.node("Mul", [x, self.constant(scale, "scale")])
        return scaled if not shift.any() else self.node("Add", [scaled, self.constant(shift, "shift")])

    def _standardise(self, step: Step, operation: Standardisation, x: str) -> str:
        axes, seen = list(range(2, step.rank)), x
        if operation.axes:
            axes = [axis % step.rank for axis in operation.axes]
        elif operation.groups:
            axes, seen = [2], self.node("Reshape", [x, self.whole(0, operation.groups, -1)])
        if not axes:
            raise ValueError("it takes the mean of single numbers")
        over = self.whole(*axes)
        centred = self.node("Sub", [seen, self.node("ReduceMean", [seen, over], keepdims=1)])
        variance = self.node("ReduceMean", [self.node("Mul", [centred, centred]), over], keepdims=1)
        spread = self.node("Sqrt", [self.node("Add", [variance, self.constant(operation.epsilon)])])
        found = self.node("Div", [centred, spread])
        if seen != x:
            found = self.node("Reshape", [found, self.node("Shape", [x])])
        for word, what, held in (("Mul", "scale", operation.gamma), ("Add", "shift", operation.beta)):
            if held is not None:
                values = step.spread(held.value, operation.along)
                found = self.node(word, [found, self.constant(values, what)])
        return found

    def _times(self, x: str, number: float) -> str:
        return x if number == 1.0 else self.node("Mul", [x, self.constant(number)])

    # Pooling

    def _pool(self, step: Step, operation: Pooling, x: str) -> str:
        why_not_pooled(operation.kind, operation.name)
        window = operation.window(step.shapes[0])
        _check_axes(step, len(window.size))
        over = [0] * len(window.size)
        if not window.has_whole_ones_only:
            over = overhang(window, said_lengths(step.lengths, "its last windows"))
        pads = tuple(
            (before, after + more) for (before, after), more in zip(operation.pad, over, strict=True)
        )
        shape = {"kernel_shape": list(window.size), "strides": list(window.stride)}
        fits = all(max(pad) < size for pad, size in zip(pads, window.size, strict=True))
        if operation.kind == "max":
            if not fits:
                x, pads = self._pad(step, x, pads, -math.inf, 2), ((0, 0),) * len(pads)
            return self.node("MaxPool", [x], pads=_ends(pads), dilations=list(window.dilation), **shape)
        plain_windows = set(window.dilation) == {1}
        counted = counted_in_mean(operation, window, over)
        if operation.kind == "mean" and plain_windows and fits and counted != "padded":
            counts_pad = int(operation.counts_pad)
            return self.node("AveragePool", [x], pads=_ends(pads), count_include_pad=counts_pad, **shape)
        total = self._sums(step, self._pad(step, x, pads, 0.0, 2), window, shape)
        if operation.kind == "sum":
            return total
        lengths = said_lengths(step.lengths, "its windows")
        places = said_lengths(step.shape[2:], "its windows")
        for axis, counts in enumerate(counts_of(operation, window, lengths, places), start=2):
            divisor = counts.reshape(-1, *[1] * (step.rank - axis - 1))
            total = self.node("Div", [total, self.constant(divisor, "counts")])
        return total

    def _sums(self, step: Step, x: str, window: Window, shape: Mapping[str, Any]) -> str:
        if set(window.dilation) == {1}:
            return self._times(self.node("AveragePool", [x], **shape), float(math.prod(window.size)))
        channels = step.channels
        if channels * math.prod(window.size) > MOST_ONES:
            raise ValueError("its windows are too large to follow here")
        ones = self.constant(np.ones((channels, 1, *window.size)), "ones")
        return self.node("Conv", [x, ones], group=channels, dilations=list(window.dilation), **shape)

    def _reduce(self, step: Step, operation: GlobalPooling, x: str) -> str:
        why_not_pooled(operation.kind, operation.name)
        word = {"max": "ReduceMax", "mean": "ReduceMean", "sum": "ReduceSum"}[operation.kind]
        axes = range(2, step.rank)
        return self.node(word, [x, self.whole(*axes)], keepdims=0) if axes else x

    def _pool_channels(self, step: Step, operation: ChannelPooling, x: str) -> str:
        why_not_pooled(operation.kind, operation.name)
        axis, size = operation.axis % step.rank, operation.size
        length = step.shapes[0][axis]
        if length is None or size < 1 or length % size:
            raise ValueError(f"it pools groups of {size} and is given {length}")
        _check_parts(size)
        parts = [self._cut(x, {axis: (first, LAST, size)}) for first in range(size)]
        return self.node({"max": "Max", "mean": "Mean", "sum": "Sum"}[operation.kind], parts)

    def _respond_locally(self, step: Step, operation: LocalResponse, x: str) -> str:
        width = min(operation.n, 2 * step.channels + 1)
        if width < 1:
            raise ValueError(f"it looks at {operation.n} neighbours")
        if width % 2 and step.rank == 4:
            alpha = operation.alpha * width
            return self.node("LRN", [x], size=width, alpha=alpha, beta=operation.beta, bias=operation.k)
        _check_parts(2 * width)
        half, n = width // 2, step.channels
        padded = self._pad(
            step, self.node("Mul", [x, x]), ((half, half),) + ((0, 0),) * (step.rank - 2), 0.0, 1
        )
        total = self.node("Sum", [self._cut(padded, {1: (i, i + n, 1)}) for i in range(width)])
        base = self.node("Add", [self._times(total, operation.alpha), self.constant(operation.k)])
        return self.node("Div", [x, self.node("Pow", [base, self.constant(operation.beta)])])

    # Shapes

    def _pad(
        self, step: Step, x: str, pad: Pads, value: float, first_axis: int, mode: PadMode = "constant"
    ) -> str:
        if not any(any(margin) for margin in pad):
            return x
        if len(pad) != step.rank - first_axis:
            raise ValueError(f"it pads {plural(len(pad), 'axis')} and is given {step.rank - first_axis}")
        ends = _ends(((0, 0),) * first_axis + tuple(pad))
        if mode != "constant":
            return self.node("Pad", [x, self.whole(*ends)], mode=mode)
        return self.node("Pad", [x, self.whole(*ends), self.constant(value)])

    def _cut(self, x: str, parts: Mapping[int, tuple[int, int, int]]) -> str:
        """Keep a first to a last by steps of some axes."""
        used = {axis: part for axis, part in parts.items() if part not in ((0, LAST, 1),)}
        if not used:
            return x
        numbers = [self.whole(*each) for each in zip(*used.values(), strict=True)]
        return self.node("Slice", [x, numbers[0], numbers[1], self.whole(*used), numbers[2]])

    def _slice(self, step: Step, operation: Slice, x: str) -> str:
        if not operation.is_told:
            raise ValueError("the file does not tell which part it keeps")
        if operation.index is not None:
            return self.node(
                "Gather", [x, self.constant(operation.index, "index", np.int64)], axis=operation.axis
            )
        by = 1 if operation.step is None else operation.step
        if not by:
            raise ValueError("it goes in steps of 0")
        start = (0 if by > 0 else LAST) if operation.start is None else operation.start
        stop = (LAST if by > 0 else FIRST) if operation.stop is None else operation.stop
        return self._cut(x, {operation.axis % step.rank: (start, stop, by)})

    def _cropped(self, step: Step, cropping: Sequence[str | None], below: Sequence[str]) -> list[str]:
        if not any(how not in (None, "None") for how in cropping):
            return list(below)
        parts: list[dict[int, tuple[int, int, int]]] = [{} for _ in below]
        for axis, how in enumerate(cropping[: step.rank]):
            if how in (None, "None"):
                continue
            lengths = said_lengths(tuple(shape[axis] for shape in step.shapes), "its crops")
            for part, length in zip(parts, lengths, strict=True):
                first = {"lower": 0, "upper": length - min(lengths), "center": (length - min(lengths)) // 2}
                if how not in first:
                    raise ValueError("it crops its inputs by a rule that is not known here")
                part[axis] = first[how], first[how] + min(lengths), 1
        return [self._cut(x, part) for x, part in zip(below, parts, strict=True)]

    def _merge(self, step: Step, operation: Merge, below: Sequence[str]) -> str:
        words = {
            "add": "Add",
            "subtract": "Sub",
            "multiply": "Mul",
            "divide": "Div",
            "maximum": "Max",
            "minimum": "Min",
            "mean": "Add",
        }
        if operation.kind == "untold":
            raise ValueError(f"it merges by {printable(operation.word, 40)}, which is not known here")
        _check_parts(2 * len(below))
        terms = self._cropped(step, operation.cropping, below)
        coefficients = coefficients_of(operation, len(below))
        terms = [self._times(x, c) for c, x in zip(coefficients, terms, strict=True)]
        total = terms[0]
        for term in terms[1:]:
            total = self.node(words[operation.kind], [total, term])
        return self._times(total, 1 / len(terms)) if operation.kind == "mean" else total

    def _flatten(self, x: str, keep: int) -> str:
        if keep == 1:
            return self.node("Flatten", [x], axis=1)
        return self.node("Reshape", [x, self.whole(*[0] * keep, -1)])

    def _reshape(self, step: Step, operation: Reshape, x: str) -> str:
        below, lengths = step.shapes[0], []
        for place, length in enumerate(operation.lengths):
            if isinstance(length, tuple):
                known = below[axis_of(length, step)]
                lengths.append(0 if length[0] == place else known)
            elif length == 0:
                raise ValueError("it makes an axis of length 0")
            else:
                lengths.append(length)
        if lengths.count(None) == 1 and -1 not in lengths:
            lengths = [-1 if length is None else length for length in lengths]
        if None not in lengths:
            return self.node("Reshape", [x, self.whole(*(n for n in lengths if n is not None))])
        shape = self.node("Shape", [x])
        parts = [
            self.node("Gather", [shape, self.whole(length[0])])
            if isinstance(length, tuple)
            else self.whole(length)
            for length in operation.lengths
        ]
        return self.node("Reshape", [x, self.node("Concat", parts, axis=0)])

    def _transpose(self, step: Step, operation: Transpose, x: str) -> str:
        kept = [axis for axis in operation.order if axis is not None]
        if sorted(axis % step.rank for axis in kept) != list(range(step.rank)):
            raise ValueError(f"it puts axes {kept} in order and is given {step.rank}")
        if kept != list(range(step.rank)):
            x = self.node("Transpose", [x], perm=[axis % step.rank for axis in kept])
        places = [place for place, axis in enumerate(operation.order) if axis is None]
        return self.node("Unsqueeze", [x, self.whole(*places)]) if places else x

    def _resize(self, step: Step, operation: Resize, x: str) -> str:
        _check_axes(step, len(operation.size or operation.scale))
        if not operation.size:
            inputs = [x, "", self.constant([1, 1, *operation.scale], "scales")]
            return self.node(
                "Resize", inputs, mode="linear", coordinate_transformation_mode=operation.coordinates
            )
        sizes, axes = self.whole(*operation.size), list(range(2, step.rank))
        inputs = [x, "", "", sizes]
        how = {"coordinate_transformation_mode": operation.coordinates, "axes": axes}
        return self.node("Resize", inputs, mode="linear", **how)

    def _reduce_axes(self, step: Step, operation: Reduction, x: str) -> str:
        words = {"max": "Max", "min": "Min", "mean": "Mean", "sum": "Sum", "euclidean": "L2"}
        if not operation.axes or any(not -step.rank <= axis < step.rank for axis in operation.axes):
            raise ValueError(f"it works along axes that units of {plural(step.rank, 'axis')} do not have")
        axes = self.whole(*(axis % step.rank for axis in operation.axes))
        return self.node(f"Reduce{words[operation.kind]}", [x, axes], keepdims=int(operation.keeps))

    def _multiply(self, step: Step, operation: MatrixProduct, below: Sequence[str]) -> str:
        order = [*range(step.rank - 2), step.rank - 1, step.rank - 2]
        pairs = zip(below, operation.turned, strict=True)
        return self.node(
            "MatMul", [self.node("Transpose", [x], perm=order) if turn else x for x, turn in pairs]
        )

    def _upscale(self, step: Step, operation: Upscale, x: str) -> str:
        _check_axes(step, len(operation.scale))
        if not operation.dilates:
            scales = self.constant([1, 1, *operation.scale], "scales")
            how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            return self.node("Resize", [x, "", scales], mode="nearest", **how)
        channels = step.channels
        if channels > MOST_ONES:
            raise ValueError(f"it is given {channels:,} channels, which is too much to follow here")
        ones = self.constant(np.ones((channels, 1, *[1] * len(operation.scale))), "ones")
        return self.node(
            "ConvTranspose",
            [x, ones],
            group=channels,
            strides=list(operation.scale),
            output_padding=[n - 1 for n in operation.scale],
        )


def _ends(pad: Pads) -> list[int]:
    """Return pads as ONNX has them: all beginnings, then all ends.

    Raises:
        ValueError: one of them takes away.
    """
    if any(n < 0 for margin in pad for n in margin):
        raise ValueError("its padding takes away from its input")
    return [before for before, _ in pad] + [after for _, after in pad]


def _spans(operation: Convolution) -> list[int]:
    return [(taps - 1) * gap + 1 for taps, gap in zip(operation.kernel_size, operation.spacing, strict=True)]


def _check_axes(step: Step, n_spatial: int) -> None:
    if step.rank - 2 != n_spatial:
        raise ValueError(
            f"it looks along {plural(n_spatial, 'axis')}, and is given units with {max(step.rank - 2, 0)}"
        )


def _check_parts(n: int) -> None:
    if n > MOST_PARTS:
        raise ValueError(f"it would be put together of {n:,} nodes")


def _as_batch_normalisation(operation: Normalisation) -> tuple[dict[str, Arrays], float] | None:
    """Return what ONNX's own operator is given, or None where it says something else.

    Of Lasagne's 1/√(variance + ε), which is applied as it is stored, the square is the variance, with ε = 0.
    """
    mean, spread = operation.mean, operation.spread
    usual = operation.along == (1,) and operation.is_batch and mean is not None and spread is not None
    if not usual or mean is None or spread is None or len(spread.shape) != 1:
        return None
    values = np.asarray(spread.value, np.float64)
    if operation.spread_is == "variance":
        variance, epsilon = values, operation.epsilon
    else:
        variance, epsilon = (values**-2 if operation.spread_is == "inv_std" else values**2), 0.0
    single = variance.astype(np.float32)
    if not (np.isfinite(single).all() and (single + epsilon > 1e-30).all() and (values > 0).all()):
        return None
    n = len(values)
    gamma, beta = operation.gamma, operation.beta
    arrays = {
        "scale": np.ones(n) if gamma is None else np.asarray(gamma.value),
        "bias": np.zeros(n) if beta is None else np.asarray(beta.value),
        "mean": np.asarray(mean.value),
        "var": variance,
    }
    return (arrays, epsilon) if all(one.shape == (n,) for one in arrays.values()) else None
