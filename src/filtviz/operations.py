"""The one vocabulary of what layers do: a closed union of small frozen dataclasses.

Each format translates its own classes and operators into these; geometry, composition, the engines that run a
network, and the measures only ever ask what an operation *is*, never what a class was called. Units have the
axes ``(batch, channels, rows, cols)``, or any other number of spatial axes behind the channels; one number
per spatial axis stands in each tuple. Weights, biases and statistics are references to
`filtviz.network.Parameter`: they are read when somebody asks for their values, in the type that the file
stores.

A fact that the file does not tell is None, and an operation that cannot be told at all is `Untold`, with a
reason, so that everything around it still works and whoever meets it can say why.

To add an operation: one dataclass here, one entry in `Operation`; the type checker then names each
interpreter that does not know it (their ``assert_never``): `filtviz.shapes`, `filtviz.receptive_field`,
``running/`` (``numpy_engine.py``, ``torch_engine.py``, ``intervals.py``), ``composition/``
(``linear_map.py``, ``stacks.py``), ``converting/`` (``onnx_graph.py``, ``module_source.py``) and
``drawing/graphs/boxes.py``. What it takes to run is a row in ``running/costs.py``, which a test asks for.

To let windows lie in a new way, as those of a pooling with a geometry of its own: one field of the operation
here, obeyed in its ``window``, with what counts such windows beside it, and the row of the format that tells
it. The interpreters take all windows from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.parameter import Parameter, Shape, has_few_bits
from filtviz.text import printable
from filtviz.windows import Pads, Window, known_lengths, whole_windows

__all__ = [
    "CANONICAL_AXES",
    "LONGEST",
    "MOST_AXES",
    "UNTOLD_FUNCTION",
    "USUAL_AXES",
    "Activation",
    "ChannelPooling",
    "Concatenate",
    "Convolution",
    "Coordinates",
    "Crop",
    "Dense",
    "Embedding",
    "Flatten",
    "GlobalPooling",
    "Identity",
    "Input",
    "LocalResponse",
    "LocallyConnected",
    "MatrixProduct",
    "Merge",
    "MergeKind",
    "Normalisation",
    "Operation",
    "Pad",
    "PadMode",
    "Pads",
    "Pooling",
    "PoolingKind",
    "Recurrent",
    "Reduction",
    "ReductionKind",
    "Reshape",
    "Resize",
    "Slice",
    "Softmax",
    "Standardisation",
    "Transpose",
    "Untold",
    "Upscale",
    "parameters_of",
    "with_parameters",
]

CANONICAL_AXES = "oirc"

USUAL_AXES: Mapping[int, str] = {3: "oic", 4: "oirc", 5: "oidrc", 6: "oircyx"}
"""Number of axes of weights → their usual order; y and x are the output's, in a locally connected layer."""

Floats = NDArray[np.float64]


# What comes in


MOST_AXES = 32
"""No array has more; a shape of more is nonsense, and each layer would go through it."""

LONGEST = 1 << 31
"""No axis is as long: such a length is nonsense, and it would grow with each layer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Input:
    """The image, or whatever else the network is given.

    ``shape`` includes the batch and has the channels in front, as all units here; it is None where not told.
    A length that no axis has is open, whatever the file says, and so is all of a shape of more axes than any
    array has. ``channels_last`` tells that whoever runs the
    network gives it images with the channels behind.
    """

    shape: Shape | None = None
    channels_last: bool = False

    def __post_init__(self) -> None:
        if self.shape is not None:
            lengths = (n if n is not None and 0 <= n < LONGEST else None for n in self.shape[: MOST_AXES + 1])
            sane = tuple(lengths)
            object.__setattr__(self, "shape", sane if len(sane) <= MOST_AXES else None)

    @property
    def channels(self) -> int | None:
        """The number of channels, None where the file does not tell it."""
        return None if self.shape is None or len(self.shape) < 2 else self.shape[1]


# What has weights


@dataclass(frozen=True, kw_only=True, eq=False)
class _Kernels:
    """What convolutions have in common: ``weights`` with named ``axes``, and how they move over the input.

    ``axes`` names the axes of the weights as stored: ``o`` filters, ``i`` channels, ``d``, ``r``, ``c``
    depth, rows and columns of a kernel, ``y``, ``x`` the output's rows and columns where weights are not
    shared, ``g`` the groups where they have an axis of their own, in front of the filters of each group.
    Lasagne and PyTorch store ``oirc``, Keras ``rcio``; a transposed convolution of either has ``i`` and ``o``
    exchanged; Keras's depthwise kernels are ``rcgo``. ``flip_filters`` is True where the layer convolves (the
    stored kernel is turned by 180 degrees against what it matches), False where it correlates, None where the
    file does not tell.
    ``stride`` and ``pad`` are None where the file does not tell them; ``dilation`` is empty for none.
    """

    weights: Parameter
    axes: str = CANONICAL_AXES
    flip_filters: bool | None = None
    bias: Parameter | None = None
    stride: tuple[int, ...] | None = None
    pad: Pads | None = None

    def length(self, axis: str) -> int:
        """Return the length of an axis of the weights by its letter, 1 where they have none such."""
        return self.weights.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def n_filters(self) -> int:
        """The number of filters, which is that of output channels."""
        return self.length("g") * self.length("o")

    @property
    def n_channels(self) -> int:
        """The number of input channels that one filter looks at."""
        return self.length("i")

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """The kernel's size, ``(rows, cols)`` in two dimensions."""
        return tuple(self.length(a) for a in "drc" if a in self.axes)

    @property
    def is_planar(self) -> bool:
        """Whether its kernels are pictures: of two dimensions, and shared over the image."""
        return {"r", "c"} == set(self.axes) & set("drcyx")

    @property
    def filters(self) -> NDArray[Any]:
        """The weights as ``(filters, channels, rows, cols)``, or with the kernel's own axes.

        Numbers of a few bits (bfloat16 and its like) are given in single precision, which holds them all.
        """
        order = [a for a in "goidrcyx" if a in self.axes]
        array = self.weights.value.transpose([self.axes.index(a) for a in order])
        if "i" not in self.axes:
            array = np.expand_dims(array, order.index("o") + 1)
        if "g" in self.axes:
            array = array.reshape(-1, *array.shape[2:])
        if has_few_bits(array.dtype):
            return array.astype(np.float32)
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))

    @property
    def templates(self) -> Floats:
        """The filters as they match the input: turned where the layer convolves, or where nothing tells."""
        filters = self.filters.astype(np.float64)
        if self.flip_filters is False:
            return filters
        spatial = [2 + place for place in range(len(self.kernel_size))]
        return np.asarray(np.flip(filters, axis=tuple(spatial)))

    def window(self, below: Shape | None) -> Window | None:  # noqa: ARG002  (as all windows)
        """Return how it looks at an input of shape ``below``, or None where the file does not tell."""
        if self.stride is None:
            return None
        return Window(size=self.kernel_size, stride=self.stride, pad=self.pad)


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution(_Kernels):
    """Slide each filter over the padded input.

    With ``g`` times as many channels below as a filter has, the input is split into g groups; ``groups`` is
    that number where the file tells it. ``transposed`` marks a convolution run backwards: it enlarges its
    input by ``stride``, ``pad`` is what is cropped from the result, and ``output_size`` the size that is kept
    of it behind the first crop, where it is asked for; ``flip_filters`` tells then that what it paints is the
    stored kernel turned. ``bias`` is ``(filters,)``, or ``(filters, rows, cols)`` where every position has
    its own.
    """

    dilation: tuple[int, ...] = ()
    groups: int | None = None
    transposed: bool = False
    output_size: tuple[int, ...] | None = None

    @property
    def spacing(self) -> tuple[int, ...]:
        """The dilation with a number for each axis."""
        return self.dilation or (1,) * len(self.kernel_size)

    def window(self, below: Shape | None) -> Window | None:
        """Return how it looks at an input of shape ``below``, or None where the file does not tell."""
        found = super().window(below)
        return found and replace(found, dilation=self.dilation, transposed=self.transposed)


@dataclass(frozen=True, kw_only=True, eq=False)
class LocallyConnected(_Kernels):
    """A convolution with filters of its own for each position; its axes include ``y`` and ``x``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dense:
    """Each unit weighs all of its input, flattened in C order behind the first ``leading_axes`` axes.

    Below zero these are all but so many: -1 weighs along the last axis alone. ``axes`` are ``io`` (inputs,
    units) or ``oi``. With ``per_position`` the channels at each position are weighed by themselves, as a 1x1
    convolution does. ``weights`` is None where the file keeps them otherwise.
    """

    weights: Parameter | None = None
    axes: str = "io"
    bias: Parameter | None = None
    units: int | None = None
    leading_axes: int = 1
    per_position: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding:
    """Rows of ``weights`` ``(words, features)`` by the input's numbers."""

    weights: Parameter | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Recurrent:
    """A recurrent layer, told and not run: ``kind`` (LSTM, GRU, …) and its number of ``units``."""

    kind: str
    units: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Normalisation:
    """Subtract ``mean``, multiply by ``gamma`` over the spread, add ``beta``; what is None is left out.

    ``spread`` holds what ``spread_is`` says: ``inv_std`` (Lasagne: applied as stored), ``std``, or
    ``variance``, to which ``epsilon`` is added before its root is taken. The parameters run along the input's
    axes ``along``. ``is_batch`` marks a normalisation by statistics of the training data; else it is a plain
    scale or shift.
    """

    mean: Parameter | None = None
    spread: Parameter | None = None
    spread_is: Literal["inv_std", "std", "variance"] = "inv_std"
    epsilon: float = 0.0
    gamma: Parameter | None = None
    beta: Parameter | None = None
    along: tuple[int, ...] = (1,)
    is_batch: bool = True

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a variance may be 0, or what a file says
    def scale_and_shift(self) -> tuple[Floats, Floats]:
        """Return ``scale`` and ``shift`` such that the output is input times scale plus shift.

        Both have the parameters' own shape.

        Raises:
            ValueError: there is none that all of them have; the text completes "conv2 cannot be …".
        """
        one = next(p for p in (self.spread, self.gamma, self.beta, self.mean) if p is not None)
        scale = np.ones(one.shape) if self.gamma is None else np.asarray(self.gamma.value, np.float64)
        shift = np.zeros(one.shape) if self.beta is None else np.asarray(self.beta.value, np.float64)
        try:
            if self.spread is not None:
                scale = scale * self._inverse(np.asarray(self.spread.value, np.float64))
            if self.mean is not None:
                shift = shift - np.asarray(self.mean.value, np.float64) * scale
            scale, shift = np.broadcast_arrays(scale, shift)
        except ValueError:
            raise ValueError("its scale, its shift and its statistics are of different lengths") from None
        return scale, shift

    def _inverse(self, spread: Floats) -> Floats:
        if self.spread_is == "inv_std":
            return spread
        return 1.0 / (spread if self.spread_is == "std" else np.sqrt(spread + self.epsilon))

    @property
    def is_told(self) -> bool:
        """Whether the file has any of its parameters."""
        return any(p is not None for p in (self.mean, self.spread, self.gamma, self.beta))


@dataclass(frozen=True, kw_only=True, eq=False)
class Standardisation:
    """Subtract the input's own mean, divide by its own deviation, multiply by ``gamma``, add ``beta``.

    Mean and variance, to which ``epsilon`` is added, are taken of each image over all positions and the
    channels of each of the ``groups`` (0: each channel by itself); where ``axes`` are told, over these
    instead, of which negative ones count from the end. ``gamma`` and ``beta`` run along the axes ``along``.
    """

    groups: int = 0
    axes: tuple[int, ...] = ()
    epsilon: float = 1e-5
    gamma: Parameter | None = None
    beta: Parameter | None = None
    along: tuple[int, ...] = (1,)


# What has none


PoolingKind = Literal["max", "mean", "sum", "untold"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pooling:
    """Take the maximum, the mean or the sum over windows, which lie as its `window` says.

    ``name`` is the file's word for a ``kind`` that is not known. ``whole_windows`` leaves out the windows
    that hang over the end (Lasagne's ``ignore_border``); else the last one is clipped, and a mean divides by
    what is left of it. ``counts_pad`` lets the padding's zeros count in a mean. ``dilation`` is how far a
    window's numbers lie apart, empty for 1.
    """

    kind: PoolingKind
    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    whole_windows: bool = True
    counts_pad: bool = False
    dilation: tuple[int, ...] = ()
    name: str = ""

    def window(self, below: Shape | None) -> Window:  # noqa: ARG002  (as all windows)
        """Return how it looks at an input of shape ``below``."""
        return Window(
            size=self.size,
            stride=self.stride,
            pad=self.pad,
            dilation=self.dilation,
            count=whole_windows if self.whole_windows else clipped_windows,
        )


def clipped_windows(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    """Count the windows that begin before the end of an axis, of which the last may hang over it.

    Args:
        length: That of the axis.
        span: From a window's first number to its last.
        stride: How far windows lie apart.
        pad: What is added before and after; no window begins in what is added after.
    """
    places = max(0, -(-(length + sum(pad) - span) // stride)) + 1
    return places if (places - 1) * stride < length + pad[0] else places - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class GlobalPooling:
    """Take the maximum, the mean or the sum of each channel over all positions."""

    kind: PoolingKind
    name: str = ""

    def window(self, below: Shape | None) -> Window | None:
        """Return how it looks at an input of shape ``below``: all of it, where its size is known."""
        lengths = known_lengths((below or ())[2:])
        return Window(size=lengths, stride=lengths, pad=((0, 0),) * len(lengths)) if lengths else None


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelPooling:
    """Pool groups of ``size`` neighbours along ``axis``, the channels by default (maxout)."""

    kind: PoolingKind
    size: int
    axis: int = 1
    name: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalResponse:
    """Divide each unit by ``(k + alpha * sum of squares over n neighbouring channels) ** beta``.

    The sum is not divided by n, as in Lasagne; ONNX and PyTorch divide (Krizhevsky et al. 2012).
    """

    alpha: float
    k: float
    beta: float
    n: int


PadMode = Literal["constant", "reflect", "edge"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pad:
    """Put ``value`` around the axes from ``first_axis`` on, the spatial ones by default.

    With ``mode`` ``reflect`` the numbers behind the first and the last one are mirrored instead, with
    ``edge`` the first and the last one are repeated.
    """

    pad: Pads
    value: float = 0.0
    first_axis: int = 2
    mode: PadMode = "constant"

    def window(self, below: Shape | None) -> Window | None:  # noqa: ARG002  (as all windows)
        """Return how it looks at an image of shape ``below``, whatever channels it adds."""
        pad = self.pad[2 - self.first_axis :] if 0 <= self.first_axis <= 2 else ()
        ones = (1,) * len(pad)
        return Window(size=ones, stride=ones, pad=pad) if pad else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Crop:
    """Cut ``crop`` off the spatial axes."""

    crop: Pads


@dataclass(frozen=True, kw_only=True, eq=False)
class Slice:
    """Keep ``start:stop:step`` of one axis, or only the place ``index``, which removes the axis.

    ``is_told`` is False where the file does not say which part.
    """

    axis: int
    start: int | None = None
    stop: int | None = None
    step: int | None = None
    index: int | None = None
    is_told: bool = True


UNTOLD_FUNCTION = "a function that the file does not name"

MergeKind = Literal["add", "subtract", "multiply", "divide", "maximum", "minimum", "mean", "untold"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Merge:
    """Combine several inputs number by number, each times its coefficient (empty: one each).

    ``cropping`` says for each axis how longer inputs are cut (``lower``, ``upper``, ``center``) or None.
    ``name`` is the file's word for the function.
    """

    kind: MergeKind
    coefficients: tuple[float, ...] = ()
    cropping: tuple[str | None, ...] = ()
    name: str = ""

    @property
    def crops(self) -> bool:
        """Whether inputs of different sizes are cut to fit."""
        return any(how not in (None, "None") for how in self.cropping)

    @property
    def word(self) -> str:
        """What to call its function in a sentence."""
        return self.name or (UNTOLD_FUNCTION if self.kind == "untold" else self.kind)


@dataclass(frozen=True, kw_only=True, eq=False)
class Concatenate:
    """Join the inputs along ``axis``, the channels by default; ``cropping`` as in `Merge`."""

    axis: int = 1
    cropping: tuple[str | None, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Reshape:
    """Give the input another shape: lengths, ``(i,)`` for the length of its axis i, -1 for what remains."""

    lengths: tuple[int | tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Flatten:
    """Make one axis of all axes behind the first ``keep``."""

    keep: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Transpose:
    """Put the axes in another order; None stands for a new axis of length 1.

    ``is_layout`` marks a change of memory layout only, such as cuda-convnet's ``(channels, rows, cols,
    batch)``: what the units see does not change.
    """

    order: tuple[int | None, ...]
    is_layout: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Upscale:
    """Repeat each number ``scale`` times per axis, or (``dilates``) put zeros between."""

    scale: tuple[int, ...]
    dilates: bool = False

    def window(self, below: Shape | None) -> Window | None:  # noqa: ARG002  (as all windows)
        """Return how it looks at an input of shape ``below``."""
        pad = ((0, 0),) * len(self.scale)
        return Window(size=self.scale, stride=self.scale, pad=pad, transposed=True)


Coordinates = Literal["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Resize:
    """Give the spatial axes other lengths, with linear interpolation between neighbours.

    Each becomes ``scale`` times as long, rounded down, or as long as ``size`` says. ``coordinates`` tells
    where new places lie among the old ones, in ONNX's words: their middles (``half_pixel``; with
    ``pytorch_half_pixel`` an axis of one place takes the first), the first and the last upon each other
    (``align_corners``), or the first alone (``asymmetric``).
    """

    scale: tuple[float, ...] = ()
    size: tuple[int, ...] = ()
    coordinates: Coordinates = "half_pixel"

    def lengths(self, below: Shape) -> Shape:
        """Return the lengths that spatial axes of lengths ``below`` get."""
        if self.size:
            return self.size if len(self.size) == len(below) else (None,) * len(below)
        if len(self.scale) != len(below):
            return (None,) * len(below)
        pairs = zip(below, self.scale, strict=True)
        return tuple(None if n is None else max(0, math.floor(n * scale)) for n, scale in pairs)


ReductionKind = Literal["max", "min", "mean", "sum", "euclidean"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduction:
    """Take the maximum, the mean or the sum over ``axes``; with ``keeps`` these stay, with length 1.

    Axes below zero count from the end. ``euclidean`` is the root of the sum of squares.
    """

    kind: ReductionKind
    axes: tuple[int, ...]
    keeps: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixProduct:
    """Multiply matrices in the last two axes of two inputs, one ``turned`` or both; the others go along."""

    turned: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Softmax:
    """Exponentials over their sum along ``axis``."""

    axis: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Identity:
    """Pass the input on, as dropout and noise do in a trained network; ``what`` and ``rate`` are to show."""

    what: str = ""
    rate: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Untold:
    """Something that cannot be followed; ``reason`` completes "it cannot be followed: …".

    A reason may quote what a file says: it is made harmless, and cut where it is long.

    ``keeps_places`` tells that each unit still sees what the unit in its place saw, so that shapes and
    receptive fields go on. ``of_input`` tells that all that is not known is which layers feed this one.
    """

    reason: str
    keeps_places: bool = False
    of_input: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", printable(self.reason, _LONGEST_REASON))


_LONGEST_REASON = 200


Operation = (
    Input
    | Convolution
    | LocallyConnected
    | Dense
    | Embedding
    | Recurrent
    | Normalisation
    | Standardisation
    | Activation
    | Pooling
    | GlobalPooling
    | ChannelPooling
    | LocalResponse
    | Pad
    | Crop
    | Slice
    | Merge
    | Concatenate
    | Reshape
    | Flatten
    | Transpose
    | Upscale
    | Resize
    | Reduction
    | MatrixProduct
    | Softmax
    | Identity
    | Untold
)


def parameters_of(operation: Operation) -> Iterator[Parameter]:
    """Yield the parameters that an operation refers to."""
    for one in fields(operation):
        value = getattr(operation, one.name)
        if isinstance(value, Parameter):
            yield value


def with_parameters(operation: Operation, exchanged: Mapping[int, Parameter]) -> Operation:
    """Return an operation that refers to the parameters ``exchanged``, by the `id` of those that it has."""
    found = {one.name: id(getattr(operation, one.name)) for one in fields(operation)}
    changed = {name: exchanged[own] for name, own in found.items() if own in exchanged}
    return replace(operation, **changed) if changed else operation  # type: ignore[arg-type]  # of one union
