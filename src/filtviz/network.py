"""A network as its file tells it: layers, their wiring, and their parameters, read when asked for."""

from __future__ import annotations

import difflib
import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import SelectionError
from filtviz.text import printable

__all__ = ["ConvLayer", "Layer", "Network", "Origin", "Parameter", "Window"]

Shape = tuple[int | None, ...]

CANONICAL_AXES = "oirc"


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameter:
    """One array of a layer, known by its shape and read when its `value` is first asked for.

    ``name`` is the field's own (``W``, ``b``, ``beta``, ``gamma``, ``mean``, ``inv_std``), ``source`` tells
    where in the file it lies (``arr_3``, ``/conv1/0``), for messages.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]] = field(repr=False)
    source: str = ""

    @cached_property
    def value(self) -> NDArray[Any]:
        """The array as stored, read-only; a view of the file where the file allows it."""
        array = self.read().view()
        array.flags.writeable = False
        return array

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=object))

    @classmethod
    def of(cls, name: str, array: NDArray[Any], source: str = "") -> Parameter:
        """Wrap an array that is in memory already."""
        return cls(name=name, shape=array.shape, dtype=array.dtype, read=lambda: array, source=source)


@dataclass(frozen=True, kw_only=True)
class Window:
    """How a layer looks at its input: one number per spatial axis in each field.

    ``pad`` is ``(before, after)`` per axis, None where the file does not tell. ``transposed`` marks a layer
    that enlarges its input by ``stride`` (a transposed convolution, an upscaling).
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[tuple[int, int], ...] | None = None
    dilation: tuple[int, ...] = ()
    transposed: bool = False

    def __post_init__(self) -> None:
        if not self.dilation:
            object.__setattr__(self, "dilation", (1,) * len(self.size))


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """One layer. ``index`` is its place in network order, ``inputs`` the indices of the layers that feed it.

    ``type`` is the class's name in the field (``Conv2DLayer``, ``MaxPool2DLayer``, ``BatchNormLayer``).
    ``output_shape`` is ``(batch, channels, rows, cols)`` with None for what is open, or None where the file
    does not tell it. ``window`` is the layer's geometry: None for a layer that does not change the geometry,
    or whose geometry is not known (then ``geometry_known`` is False). ``options`` are the remaining facts
    that views and measures use, by Lasagne's names (``mode``, ``p``, ``epsilon``, ``num_units``, ``axis``).
    """

    index: int = -1
    type: str = "Layer"
    name: str | None = None
    inputs: tuple[int, ...] = ()
    output_shape: Shape | None = None
    parameters: tuple[Parameter, ...] = ()
    window: Window | None = None
    geometry_known: bool = True
    nonlinearity: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter called ``name``, or None."""
        return next((p for p in self.parameters if p.name == name), None)

    @property
    def n_parameters(self) -> int:
        """The number of weights, biases and statistics that the layer stores."""
        return sum(p.size for p in self.parameters)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvLayer(Layer):
    """A convolution, or a kin of it: ``conv_index`` counts them from 0 in network order.

    ``axes`` names the axes of ``W`` as stored: ``o`` filters, ``i`` channels, ``d``, ``r``, ``c`` depth, rows
    and columns of a kernel, ``y``, ``x`` the output's rows and columns where weights are not shared. Lasagne
    stores ``oirc``; a transposed convolution ``iorc``; cuda-convnet's c01b order is ``irco``.
    ``flip_filters`` is True where the layer convolves (its stored kernel is turned by 180 degrees against
    what it matches), False where it correlates, None where the file does not tell.
    ``label`` is the name to show and to select by, unique among the network's convolutions: the layer's own
    name, or ``conv1``, ``conv2``, … by its place.
    """

    conv_index: int = -1
    label: str = ""
    axes: str = CANONICAL_AXES
    flip_filters: bool | None = None

    @property
    def weights(self) -> Parameter:
        """``W`` before it is read: its shape and dtype."""
        found = self.parameter("W")
        assert found is not None, "a ConvLayer is made with its W"
        return found

    @property
    def W(self) -> NDArray[Any]:
        """The weights exactly as the file stores them, in the order of ``axes``; read-only."""
        return self.weights.value

    @property
    def b(self) -> NDArray[Any] | None:
        """The biases, or None; ``(filters,)``, or ``(filters, rows, cols)`` where they are untied."""
        found = self.parameter("b")
        return None if found is None else found.value

    @property
    def filters(self) -> NDArray[Any]:
        """The weights as ``(filters, channels, rows, cols)``, or with the kernel's own axes."""
        order = [a for a in "oidrcyx" if a in self.axes]
        array = self.W.transpose([self.axes.index(a) for a in order])
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))

    def _length(self, axis: str) -> int:
        return self.weights.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def n_filters(self) -> int:
        """The number of filters, which is that of output channels."""
        return self._length("o")

    @property
    def n_channels(self) -> int:
        """The number of input channels that a filter looks at."""
        return self._length("i")

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """The kernel's size, ``(rows, cols)`` in two dimensions."""
        return tuple(self._length(a) for a in "drc" if a in self.axes)

    @property
    def why_not_drawn(self) -> str | None:
        """Why its weights are no pictures of filters, or None where they are."""
        if sorted(self.axes) == sorted(CANONICAL_AXES):
            return self._why_no_numbers()
        if "y" in self.axes:
            return "its weights are not shared over the image: it has a filter of its own for each position"
        n = len(self.kernel_size)
        what = {1: "curves over one axis", 3: "volumes"}.get(n, f"{n}-dimensional arrays")
        return f"its filters are {what}, not two-dimensional pictures"

    def _why_no_numbers(self) -> str | None:
        if self.weights.size == 0:
            return f"its weights are empty, of shape {self.weights.shape}"
        if self.weights.dtype.kind not in "fiub":
            return f"its weights are of type {self.weights.dtype}, not real numbers"
        return None

    def _repr_png_(self) -> bytes | None:
        """Show the layer as a picture in a notebook."""
        from filtviz.drawing.notebook import layer_png

        return layer_png(self)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the file is and how it was read.

    ``kind`` completes "holds …" ("a nolearn NeuralNet", "a list of parameter values"). ``inferred`` holds a
    sentence for each thing that the file does not say and that was concluded; ``notes`` one for each oddity.
    ``classes`` are the classes and functions that the file names, as text: none of them was imported.
    """

    path: Path | None = None
    kind: str = "a network"
    container: str = ""
    protocol: int | None = None
    python: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The layers of one model file in network order: inputs first, every layer after those that feed it.

    ``history`` is nolearn's ``train_history_``, one mapping an epoch, where the file has it.
    """

    layers: tuple[Layer, ...]
    origin: Origin = field(default_factory=Origin)
    history: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(
        cls,
        layers: Sequence[Layer],
        origin: Origin | None = None,
        history: Sequence[Mapping[str, Any]] = (),
    ) -> Network:
        """Number the layers and label the convolutions; ``inputs`` must count as ``layers`` do."""
        labels = iter(_labels([layer.name for layer in layers if isinstance(layer, ConvLayer)]))
        numbered: list[Layer] = []
        n_convs = 0
        for index, layer in enumerate(layers):
            if isinstance(layer, ConvLayer):
                numbered.append(replace(layer, index=index, conv_index=n_convs, label=next(labels)))
                n_convs += 1
            else:
                numbered.append(replace(layer, index=index))
        return cls(layers=tuple(numbered), origin=origin or Origin(), history=tuple(history))

    @property
    def conv_layers(self) -> tuple[ConvLayer, ...]:
        """The convolutions and their kin in network order; ``conv_layers[0]`` is what ``--layer 0`` draws."""
        return tuple(layer for layer in self.layers if isinstance(layer, ConvLayer))

    def select(self, wanted: int | str) -> ConvLayer:
        """Return a convolution by number (0 is the first, negative counts from the end), label or name.

        Raises:
            SelectionError: there is none such; the text lists what there is and suggests the nearest.
        """
        convs = self.conv_layers
        if isinstance(wanted, str):
            for layer in convs:
                if wanted == layer.label:
                    return layer
        number = _as_int(wanted)
        if number is not None and -len(convs) <= number < len(convs):
            return convs[number]
        raise SelectionError(
            _no_such_layer(wanted, convs), wanted=wanted, available=[layer.label for layer in convs]
        )

    def describe(self) -> str:
        """Say what the file holds: "a bare output layer with 3 convolutions and 2 dense layers"."""
        n_convs = len(self.conv_layers)
        n_dense = sum(layer.type.startswith("Dense") for layer in self.layers)
        convs = "no convolution" if n_convs == 0 else f"{n_convs} convolution{'s'[: n_convs > 1]}"
        dense = f"{n_dense} dense layer{'s'[: n_dense > 1]}"
        parts = [convs] if n_dense == 0 else [dense, convs] if n_convs == 0 else [convs, dense]
        return f"{self.origin.kind} with {' and '.join(parts)}"

    def _repr_html_(self) -> str:
        """Show the network as a table in a notebook."""
        from filtviz.drawing.notebook import network_html

        return network_html(self)


def _labels(names: Sequence[str | None]) -> list[str]:
    """Return one label for each convolution, none twice; a layer's own name where it has one to itself."""
    counts = Counter(name for name in names if name)
    taken = set(counts)
    labels = []
    for place, name in enumerate(names, start=1):
        label = name if name and counts[name] == 1 else None
        if label is None:
            stem = f"{name}-{place}" if name else f"conv{place}"
            label = stem
            while label in taken:
                label += "_"
            taken.add(label)
        labels.append(label)
    return labels


def _as_int(wanted: int | str) -> int | None:
    try:
        return int(wanted) if isinstance(wanted, str) else operator.index(wanted)
    except (TypeError, ValueError):
        return None


def _no_such_layer(wanted: int | str, convs: Sequence[ConvLayer]) -> str:
    if not convs:
        return "the network has no convolution to choose from"
    shown = [f"{layer.conv_index} {printable(layer.label, 40)}" for layer in convs[:30]]
    if len(convs) > len(shown):
        shown.append(f"and {len(convs) - len(shown)} more, which `filtviz layers` lists")
    near = difflib.get_close_matches(str(wanted), [layer.label for layer in convs], n=1)
    if number := _as_int(wanted):
        near = near or [str(max(-len(convs), min(len(convs) - 1, number)))]
    hint = f"; did you mean {printable(near[0], 40)}?" if near else ""
    return f"there is no convolution {printable(wanted, 40)!r}{hint} (there are: {', '.join(shown)})"
