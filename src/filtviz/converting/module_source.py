"""A network as the source of an ``nn.Module``, a person's starting point, and the arrays that fill it.

An interpreter of `filtviz.operations`, as those in `filtviz.running` are, that writes lines instead of
computing. All that comes out of the file and stands in the source are numbers, and names of letters, digits
and ``_`` alone; a layer's own name is never a part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.converting.collected import Collected, Names, epsilon_of, identifier, of_layer, turned_kernel
from filtviz.converting.formulas import number, words_of_activation
from filtviz.converting.shaped import Step, axis_of, outputs, refusal, said_lengths, steps
from filtviz.errors import ConversionError
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
    Pads,
    Pooling,
    PoolingKind,
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
)
from filtviz.parameter import Parameter
from filtviz.running.fitting import (
    MisfitError,
    coefficients_of,
    counted_in_mean,
    groups_of,
    groups_of_transposed,
    overhang,
    transposed_lengths,
    why_not_pooled,
)
from filtviz.text import plural, printable

__all__ = ["printed_module"]

TAKEN = frozenset(
    [
        "self",
        "torch",
        "f",
        "nn",
        "net",
        "images",
        "super",
        "tuple",
        "print",
        "open",
        "exec",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_module",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "t_destination",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
"""What stands for something else in such a module."""

HEAD = '''"""A network that filtviz printed: read it, change it, train it further.

    network = Net()
    network.load_state_dict(torch.load("{weights}", weights_only=True))
    network.eval()

Images are {images}.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
'''

Arrays = NDArray[Any]


def printed_module(network: Network, weights: str) -> tuple[str, Collected]:
    """Return the source of a module and the arrays of its ``state_dict``.

    Args:
        network: A network whose file tells its graph.
        weights: The name of the file of the arrays, to show.

    Raises:
        ConversionError: what a layer does cannot be said; the sentence names it.
    """
    printer = _Printer(network)
    for step in steps(network):
        printer.add(step)
    plain = identifier(weights.rpartition(".")[0]) == weights.rpartition(".")[0]
    head = HEAD.format(weights=weights if plain else "weights.pt", images=" and ".join(printer.images))
    given = ", ".join(printer.given[layer.index] for layer in outputs(network))
    body = [f"        {line}" for line in printer.parts or ["pass"]]
    taken = ", ".join(["self", *printer.inputs])
    lines = [f"        {line}" for line in [*printer.lines, f"return {given}"]]
    source = head + "\n".join([*body, "", f"    def forward({taken}):", *lines, ""])
    return source, Collected(arrays=tuple(printer.arrays))


class _Printer:
    """Lines of a module, and the arrays that fill it, as they come together."""

    def __init__(self, network: Network) -> None:
        self.parts: list[str] = []
        self.lines: list[str] = []
        self.inputs: list[str] = []
        self.images: list[str] = []
        self.arrays: list[Parameter] = []
        self.given: dict[int, str] = {}
        self.names = Names(identifier, TAKEN)
        self._own = [self.names.give(layer.name or f"{layer.type}_{layer.index}") for layer in network.layers]
        self._attributes: set[str] = set()
        self._below: list[str] = []

    def add(self, step: Step) -> None:
        """Add the lines of one step."""
        layer = step.layer
        if step.number == 0:
            self._below = [self.given[i] for i in layer.inputs]
        try:
            made = self._step(step, self._below)
        except (MisfitError, ValueError) as error:
            raise refusal(layer, str(error)) from None
        own = self._own[layer.index]
        if made not in (own, *self._below[:1]):
            self.lines.append(f"{own} = {made}")
            made = own
        self._below, self.given[layer.index] = [made], made

    # The parts

    def _attribute(self, step: Step) -> str:
        """Return a name for a part of the module, which is the layer's own for the first of its parts."""
        own = self._own[step.layer.index]
        name = own if own not in self._attributes else self.names.give(f"{own}_{step.number}")
        self._attributes.add(name)
        return name

    def _module(self, step: Step, made: str, arrays: dict[str, Parameter]) -> str:
        name = self._attribute(step)
        self.parts.append(f"self.{name} = nn.{made}")
        self.arrays += [_called(f"{name}.{role}", one) for role, one in arrays.items()]
        return f"self.{name}"

    def _parameter(self, step: Step, what: str, array: Parameter) -> str:
        name = self.names.give(f"{self._own[step.layer.index]}_{what}")
        self.parts.append(f"self.{name} = nn.Parameter(torch.zeros({_tuple(array.shape)}))")
        self.arrays.append(_called(name, array))
        return f"self.{name}"

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
                keep = partial(self._parameter, step, "slopes")
                return words_of_activation(operation, x, step.shapes[0], keep)
            case Pooling():
                return _pool(step, operation, x)
            case GlobalPooling():
                made = _reduced(operation.kind, f"{x}.flatten(2)", 2, operation.name)
                return made if step.rank > 2 else x
            case ChannelPooling():
                return _pool_channels(step, operation, x)
            case LocalResponse():
                return _respond_locally(step, operation, x)
            case Pad():
                if operation.mode != "constant":
                    return _mirrored(step, x, operation)
                return _padded(step, x, operation.pad, operation.value, operation.first_axis)
            case Crop():
                _check_axes(step, len(operation.crop))
                return f"{x}[:, :, {', '.join(_part(a, -b if b else None) for a, b in operation.crop)}]"
            case Slice():
                return _slice(step, operation, x)
            case Merge():
                return _merge(step, operation, below)
            case Concatenate():
                parts = _cropped(step, operation.cropping, below)
                return f"torch.cat([{', '.join(parts)}], dim={int(operation.axis)})"
            case Reshape():
                lengths = (
                    f"{x}.shape[{axis_of(n, step)}]" if isinstance(n, tuple) else str(int(n))
                    for n in operation.lengths
                )
                return f"{x}.reshape({', '.join(lengths)})"
            case Flatten():
                return _flattened(x, operation.keep)
            case Transpose():
                return _transpose(step, operation, x)
            case Upscale():
                return self._upscale(step, operation, x)
            case Resize():
                return _resized(step, x, operation)
            case Reduction():
                return _reduced_axes(step, x, operation)
            case MatrixProduct():
                pairs = zip(below, operation.turned, strict=True)
                return " @ ".join(f"{one}.transpose(-1, -2)" if turn else one for one, turn in pairs)
            case Softmax():
                return f"{x}.softmax({int(operation.axis)})"
            case Identity():
                return x
            case Embedding() | Recurrent() | Untold():  # which no step is made of
                raise ValueError("it is not followed here")
        assert_never(operation)

    def _input(self, step: Step) -> str:
        name = self._own[step.layer.index]
        self.inputs.append(name)
        shape = ", ".join(
            "N" if place == 0 else "?" if n is None else str(n) for place, n in enumerate(step.shape)
        )
        self.images.append(f"({shape})")
        self._below = [name]
        return name

    # Layers with weights

    def _convolve(self, step: Step, operation: Convolution, x: str) -> str:
        if operation.stride is None or operation.pad is None:
            raise ValueError("the file does not tell its stride and padding")
        n = len(operation.kernel_size)
        _check_axes(step, n)
        channels = step.channels
        groups = groups_of((1, channels), (operation.n_filters, operation.n_channels))
        even = all(before == after >= 0 for before, after in operation.pad)
        tied = operation.bias is not None and len(operation.bias.shape) == 1
        pads = tuple(before for before, _ in operation.pad) if even else ()
        how = _how(
            stride=(operation.stride, 1),
            padding=(pads, 0),
            dilation=(operation.spacing, 1),
            groups=(groups, 1),
        )
        how += "" if tied else ", bias=False"
        facts = f"{channels}, {operation.n_filters}, {_tuple(operation.kernel_size)}{how}"
        roles = {"weight": _kernel(operation)} | _tied(operation.bias)
        seen = x if even else _padded(step, x, operation.pad, 0.0, 2)
        return self._with_bias(
            step, f"{self._module(step, f'Conv{n}d({facts})', roles)}({seen})", operation.bias
        )

    def _with_bias(self, step: Step, made: str, bias: Parameter | None, *, tied: bool = False) -> str:
        """Add a bias that the module before has no place for: one of each position, or (``tied``) any."""
        if bias is None or (len(bias.shape) == 1 and not tied):
            return made
        shape = (*bias.shape, *[1] * (len(step.shape) - 2)) if len(bias.shape) == 1 else bias.shape
        return f"{made} + {self._parameter(step, 'bias', _shaped(bias, shape))}"

    def _spread(self, step: Step, operation: Convolution, x: str) -> str:
        if operation.stride is None or operation.pad is None:
            raise ValueError("the file does not tell its stride and padding")
        n, channels = len(operation.kernel_size), step.channels
        _check_axes(step, n)
        groups, apart = groups_of_transposed(operation, channels, (operation.n_filters, operation.n_channels))
        if not apart:
            raise ValueError("its groups share their filters, which no layer of PyTorch does")
        how = _how(stride=(operation.stride, 1), dilation=(operation.spacing, 1), groups=(groups, 1))
        facts = (
            f"{channels}, {operation.n_filters * groups}, {_tuple(operation.kernel_size)}{how}, bias=False"
        )
        made = f"{self._module(step, f'ConvTranspose{n}d({facts})', {'weight': _kernel(operation)})}({x})"
        ends: list[tuple[int, int | None]] = [
            (before, -after if after else None) for before, after in operation.pad
        ]
        if operation.output_size is not None:
            lengths = said_lengths(step.lengths, "its crops")
            sizes, kept = transposed_lengths(operation, lengths)
            missing = [
                size - ((length - 1) * stride + (taps - 1) * gap + 1)
                for size, length, stride, taps, gap in zip(
                    sizes, lengths, operation.stride, operation.kernel_size, operation.spacing, strict=True
                )
            ]
            made = _padded(step, made, tuple((0, n) for n in missing), 0.0, 2)
            ends = [(part.start, part.stop) for part in kept]
        if any(end != (0, None) for end in ends):
            made = f"{made}[:, :, {', '.join(_part(a, b) for a, b in ends)}]"
        return self._with_bias(step, made, operation.bias, tied=True)

    def _connect_locally(self, step: Step, operation: LocallyConnected, x: str) -> str:
        if operation.stride is None or operation.pad is None or not {"y", "x"} <= set(operation.axes):
            raise ValueError("the file does not tell where its filters are")
        if len(operation.kernel_size) != 2:
            raise ValueError("PyTorch cuts windows out of images alone")
        _check_axes(step, 2)
        groups = groups_of((1, step.channels), (operation.n_filters, operation.n_channels))
        places, filters = (operation.length("y"), operation.length("x")), operation.n_filters
        taps = operation.n_channels * math.prod(operation.kernel_size)
        shape = groups, filters // groups, taps, math.prod(places)
        flips = operation.flip_filters is not False
        own = operation.weights
        weights = Parameter(
            name="weight",
            shape=shape,
            dtype=own.dtype,
            read=lambda: np.ascontiguousarray(turned_kernel(operation, own.read(), flips=flips)).reshape(
                shape
            ),
        )
        held = self._parameter(step, "weight", weights)
        seen = _padded(step, x, operation.pad, 0.0, 2)
        cut = f"F.unfold({seen}, {_tuple(operation.kernel_size)}, stride={_tuple(operation.stride)})"
        apart = f"{cut}.unflatten(1, ({groups}, {taps}))"
        summed = f"torch.einsum('ngtp,gftp->ngfp', {apart}, {held})"
        made = f"{summed}.reshape(-1, {filters}, {places[0]}, {places[1]})"
        return self._with_bias(step, made, operation.bias, tied=True)

    def _weigh(self, step: Step, operation: Dense, x: str) -> str:
        weights = operation.weights
        if weights is None:
            raise ValueError("the file does not tell its weights")
        n_in, n_out = weights.shape if operation.axes == "io" else weights.shape[::-1]
        tied = operation.bias is not None and len(operation.bias.shape) == 1
        roles = {"weight": of_layer(step.layer, Dense(weights=weights, axes=operation.axes))["weight"]}
        module = self._module(
            step, f"Linear({n_in}, {n_out}{'' if tied else ', bias=False'})", roles | _tied(operation.bias)
        )
        if operation.per_position and step.rank > 2:
            made = f"{module}({x}.movedim(1, -1)).movedim(-1, 1)"
        else:
            leading = (
                operation.leading_axes % step.rank if operation.leading_axes < 0 else operation.leading_axes
            )
            if not 0 < leading < step.rank:
                raise ValueError(f"it leaves {plural(leading, 'axis')} alone and is given {step.rank}")
            made = f"{module}({x if step.rank == leading + 1 else _flattened(x, leading)})"
        return self._with_bias(step, made, operation.bias)

    def _normalise(self, step: Step, operation: Normalisation, x: str) -> str:
        if not operation.is_told:
            raise ValueError("the file does not tell the scale that it applies")
        if operation.is_batch and operation.spread is None:
            raise ValueError("the file does not tell the deviation that it divides by")
        both = [step.spread(values, operation.along) for values in operation.scale_and_shift()]
        usual = _batch_norm(step, operation)
        if usual is not None:
            n = len(usual["running_mean"].value)
            affine = "" if "weight" in usual else ", affine=False"
            kind = f"BatchNorm{max(step.rank - 2, 1)}d({n}, eps={number(epsilon_of(operation))}{affine})"
            return f"{self._module(step, kind, usual)}({x})"
        scale, shift = (
            self._parameter(step, what, Parameter.of(what, values))
            for what, values in zip(("scale", "shift"), both, strict=True)
        )
        return f"{x} * {scale} + {shift}"

    def _standardise(self, step: Step, operation: Standardisation, x: str) -> str:
        epsilon = number(operation.epsilon)
        if operation.groups and not operation.axes:
            found = f"F.group_norm({x}, {int(operation.groups)}, eps={epsilon})"
        elif not operation.axes and step.rank == 2:
            raise ValueError("it takes the mean of single numbers")
        else:
            axes = _tuple(operation.axes or range(2, step.rank))
            mean = f"{x}.mean({axes}, keepdim=True)"
            found = f"({x} - {mean}) / ({x}.var({axes}, unbiased=False, keepdim=True) + {epsilon}).sqrt()"
        for sign, what, held in (("*", "scale", operation.gamma), ("+", "shift", operation.beta)):
            if held is not None:
                values = step.spread(held.value, operation.along)
                found += f" {sign} {self._parameter(step, what, Parameter.of(what, values))}"
        return found

    def _upscale(self, step: Step, operation: Upscale, x: str) -> str:
        _check_axes(step, len(operation.scale))
        for axis, times in enumerate(operation.scale, start=2):
            if operation.dilates:
                beside = [0] * 2 * (step.rank - axis - 1)
                apart = f"F.pad({x}.unsqueeze({axis + 1}), {_tuple([*beside, 0, times - 1])})"
                x = f"{apart}.flatten({axis}, {axis + 1})"
            elif times != 1:
                x = f"{x}.repeat_interleave({int(times)}, dim={axis})"
        return x


def _called(name: str, one: Parameter) -> Parameter:
    return Parameter(name=name, shape=one.shape, dtype=one.dtype, read=one.read)


def _shaped(one: Parameter, shape: tuple[int, ...]) -> Parameter:
    return Parameter(name=one.name, shape=shape, dtype=one.dtype, read=lambda: one.read().reshape(shape))


def _tied(bias: Parameter | None) -> dict[str, Parameter]:
    return {} if bias is None or len(bias.shape) != 1 else {"bias": bias}


def _kernel(operation: Convolution) -> Parameter:
    """Return kernels as PyTorch has them; where the file does not tell they are taken for turned, as here."""
    flips, own = operation.flip_filters is not False, operation.weights
    first = operation.n_filters, operation.n_channels
    shape = (*(first[::-1] if operation.transposed else first), *operation.kernel_size)
    read: Callable[[], Arrays] = lambda: turned_kernel(operation, own.read(), flips=flips)  # noqa: E731
    return Parameter(name="weight", shape=shape, dtype=own.dtype, read=read)


def _batch_norm(step: Step, operation: Normalisation) -> dict[str, Parameter] | None:
    """Return the arrays of PyTorch's own layer, or None where it says something else."""
    mean, spread = operation.mean, operation.spread
    if mean is None or spread is None or operation.along != (1,) or not operation.is_batch:
        return None
    found = of_layer(step.layer, operation)
    try:
        if (
            any(len(one.shape) != 1 or one.size != mean.size for one in found.values())
            or not 2 <= step.rank <= 5
        ):
            return None
        found["running_var"].read()
    except ConversionError:
        return None
    if "weight" in found or "bias" in found:
        n = mean.size
        found.setdefault("weight", Parameter.of("weight", np.ones(n, mean.dtype)))
        found.setdefault("bias", Parameter.of("bias", np.zeros(n, mean.dtype)))
    return found


# Lines without parts


def _pool(step: Step, operation: Pooling, x: str) -> str:
    why_not_pooled(operation.kind, operation.name)
    window, pad = operation.window(step.shapes[0]), operation.pad
    n = len(window.size)
    _check_axes(step, n)
    over = [0] * n
    if not window.has_whole_ones_only:
        over = overhang(window, said_lengths(step.lengths, "its last windows"))
    size, stride, dilation = _tuple(window.size), _tuple(window.stride), (window.dilation, 1)
    even = all(a == b <= k // 2 for (a, b), k in zip(pad, window.size, strict=True)) and not any(over)
    pads = tuple(before for before, _ in pad) if even else ()
    more = tuple((a, b + extra) for (a, b), extra in zip(pad, over, strict=True))
    if operation.kind == "max":
        seen = x if even else _padded(step, x, more, -math.inf, 2)
        return f"F.max_pool{n}d({seen}, {size}, {stride}{_how(padding=(pads, 0), dilation=dilation)})"
    if set(window.dilation) != {1}:
        raise ValueError("it takes means of numbers that lie apart, which PyTorch has no function for")
    counted = counted_in_mean(operation, window, over)
    if even and operation.kind == "mean":
        counts = "" if counted == "all" else ", count_include_pad=False"
        return f"F.avg_pool{n}d({x}, {size}, {stride}{_how(padding=(pads, 0))}{counts})"
    total = f"F.avg_pool{n}d({_padded(step, x, more, 0.0, 2)}, {size}, {stride})"
    if operation.kind == "sum":
        return f"{math.prod(window.size)} * {total}"
    if counted == "all":
        return total
    ones = f"torch.ones_like({x})"
    if counted == "padded":
        ones = _padded(step, ones, pad, 1.0, 2)
        ones = _padded(step, ones, tuple((0, extra) for extra in over), 0.0, 2)
    else:
        ones = _padded(step, ones, more, 0.0, 2)
    counts = f"F.avg_pool{n}d({ones}, {size}, {stride})"
    if any(max(ends) >= k for ends, k in zip(more, window.size, strict=True)):
        counts += f".clamp(min={number(0.5 / math.prod(window.size))})"  # a window that sees nothing gives 0
    return f"{total} / {counts}"


def _reduced(kind: PoolingKind, x: str, axis: int, name: str) -> str:
    why_not_pooled(kind, name)
    word = {"max": "amax", "mean": "mean", "sum": "sum"}[kind]
    return f"{x}.{word}({axis})"


def _resized(step: Step, x: str, operation: Resize) -> str:
    n = len(operation.size or operation.scale)
    _check_axes(step, n)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[n]
    if operation.coordinates == "asymmetric":
        raise ValueError("it lays the first places upon each other, which PyTorch has no function for")
    if operation.coordinates == "pytorch_half_pixel" and 1 in step.shape[2:]:
        raise ValueError("it takes the first place for an axis of one, which PyTorch itself does not")
    ends = operation.coordinates == "align_corners"
    if operation.size:
        how = f"size={_tuple(operation.size)}"
    else:
        how = f"scale_factor=({', '.join(map(number, operation.scale))},)"
        how += "" if ends else ", recompute_scale_factor=False"
    return f"F.interpolate({x}, {how}, mode={mode!r}, align_corners={ends})"


def _reduced_axes(step: Step, x: str, operation: Reduction) -> str:
    if not operation.axes or any(not -step.rank <= axis < step.rank for axis in operation.axes):
        raise ValueError(f"it works along axes that units of {plural(step.rank, 'axis')} do not have")
    axes = f"{_tuple([axis % step.rank for axis in operation.axes])}, keepdim={operation.keeps}"
    if operation.kind == "euclidean":
        return f"({x} ** 2).sum({axes}).sqrt()"
    word = {"max": "amax", "min": "amin", "mean": "mean", "sum": "sum"}[operation.kind]
    return f"{x}.{word}({axes})"


def _pool_channels(step: Step, operation: ChannelPooling, x: str) -> str:
    axis, size = operation.axis % step.rank, operation.size
    length = step.shapes[0][axis]
    if length is None or size < 1 or length % size:
        raise ValueError(f"it pools groups of {size} and is given {length}")
    return _reduced(operation.kind, f"{x}.unflatten({axis}, (-1, {size}))", axis + 1, operation.name)


def _respond_locally(step: Step, operation: LocalResponse, x: str) -> str:
    width = min(operation.n, 2 * step.channels + 1)
    if width < 1 or step.rank < 3:
        raise ValueError(f"it looks at {operation.n} neighbours")
    numbers = map(number, (operation.alpha * width, operation.beta, operation.k))
    return f"F.local_response_norm({x}, {width}, {', '.join(numbers)})"


def _padded(step: Step, x: str, pad: Pads, value: float, first_axis: int) -> str:
    if not any(any(margin) for margin in pad):
        return x
    if len(pad) != step.rank - first_axis or any(n < 0 for margin in pad for n in margin):
        raise ValueError("its padding does not fit what it is given")
    numbers = _tuple([n for margin in reversed(pad) for n in margin])
    return f"F.pad({x}, {numbers}{'' if value == 0 else f', value={number(value)}'})"


def _mirrored(step: Step, x: str, operation: Pad) -> str:
    if operation.first_axis != 2 or len(operation.pad) != step.rank - 2 or not 3 <= step.rank <= 5:
        raise ValueError("it mirrors axes that PyTorch has no function for")
    if any(n < 0 for margin in operation.pad for n in margin):
        raise ValueError("its padding does not fit what it is given")
    numbers = _tuple([n for margin in reversed(operation.pad) for n in margin])
    return f"F.pad({x}, {numbers}, mode={'reflect' if operation.mode == 'reflect' else 'replicate'!r})"


def _flattened(x: str, keep: int) -> str:
    if keep == 1:
        return f"{x}.flatten(1)"
    return f"{x}.reshape({', '.join([*(f'{x}.shape[{axis}]' for axis in range(keep)), '-1'])})"


def _part(start: int | None, stop: int | None, by: int = 1) -> str:
    begin, end = "" if not start else str(int(start)), "" if stop is None else str(int(stop))
    return f"{begin}:{end}" + (f":{by}" if by != 1 else "")


def _slice(step: Step, operation: Slice, x: str) -> str:
    if not operation.is_told:
        raise ValueError("the file does not tell which part it keeps")
    axis, by = operation.axis % step.rank, 1 if operation.step is None else operation.step
    if operation.index is not None:
        return f"{x}.select({axis}, {int(operation.index)})"
    before = ":, " * axis
    if by > 0:
        return f"{x}[{before}{_part(operation.start, operation.stop, by)}]"
    (length,) = said_lengths((step.shapes[0][axis],), "its parts")
    places = range(length)[slice(operation.start, operation.stop, by)] if by else range(0)
    if not places:
        raise ValueError("nothing is left of what it is given")
    return f"{x}.flip({axis})[{before}{_part(length - 1 - places[0], length - places[-1], -by)}]"


def _cropped(step: Step, cropping: Sequence[str | None], below: Sequence[str]) -> list[str]:
    if not any(how not in (None, "None") for how in cropping):
        return list(below)
    found = []
    for x, shape in zip(below, step.shapes, strict=True):
        parts = list(_crops(step, cropping, shape))
        found.append(x if set(parts) == {":"} else f"{x}[{', '.join(parts)}]")
    return found


def _crops(step: Step, cropping: Sequence[str | None], shape: Sequence[int | None]) -> Iterator[str]:
    for axis, how in enumerate([*cropping, *[None] * step.rank][: step.rank]):
        if how in (None, "None"):
            yield ":"
            continue
        lengths = said_lengths((shape[axis], *(each[axis] for each in step.shapes)), "its crops")
        length, least = lengths[0], min(lengths)
        first = {"lower": 0, "upper": length - least, "center": (length - least) // 2}
        if how not in first:
            raise ValueError("it crops its inputs by a rule that is not known here")
        yield ":" if length == least else f"{first[how]}:{first[how] + least}"


def _merge(step: Step, operation: Merge, below: Sequence[str]) -> str:
    if operation.kind == "untold":
        raise ValueError(f"it merges by {printable(operation.word, 40)}, which is not known here")
    coefficients = coefficients_of(operation, len(below))
    terms = _cropped(step, operation.cropping, below)
    terms = [x if c == 1 else f"({number(c)} * {x})" for c, x in zip(coefficients, terms, strict=True)]
    if operation.kind in ("maximum", "minimum"):
        total = terms[0]
        for term in terms[1:]:
            total = f"torch.{operation.kind}({total}, {term})"
        return total
    signs = {"add": " + ", "mean": " + ", "subtract": " - ", "multiply": " * ", "divide": " / "}
    sign = signs[operation.kind]
    total = sign.join(terms)
    return f"({total}) / {len(terms)}" if operation.kind == "mean" else total


def _transpose(step: Step, operation: Transpose, x: str) -> str:
    kept = [axis % step.rank for axis in operation.order if axis is not None]
    if sorted(kept) != list(range(step.rank)):
        raise ValueError(f"it puts axes {kept} in order and is given {step.rank}")
    if kept != list(range(step.rank)):
        x = f"{x}.permute({', '.join(map(str, kept))})"
    return x + "".join(f".unsqueeze({place})" for place, axis in enumerate(operation.order) if axis is None)


# What comes out of the file: numbers alone


def _tuple(numbers: Sequence[int]) -> str:
    inside = ", ".join(str(int(n)) for n in numbers)
    return f"({inside},)" if len(numbers) == 1 else f"({inside})"


def _how(**facts: tuple[int | Sequence[int], int]) -> str:
    """Write keywords whose numbers are not all as usual."""
    shown = []
    for name, (numbers, usual) in facts.items():
        if isinstance(numbers, int):
            shown += [f", {name}={numbers}"] if numbers != usual else []
        elif any(n != usual for n in numbers):
            shown.append(f", {name}={_tuple(numbers)}")
    return "".join(shown)


def _check_axes(step: Step, n_spatial: int) -> None:
    if step.rank - 2 != n_spatial or not 1 <= n_spatial <= 3:
        raise ValueError(
            f"it looks along {plural(n_spatial, 'axis')}, and is given units with {max(step.rank - 2, 0)}"
        )
