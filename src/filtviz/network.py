"""A network as its file tells it: layers, their wiring, what they do, and parameters, read when asked for."""

from __future__ import annotations

import difflib
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, overload

from numpy.typing import NDArray

from filtviz.errors import SelectionError
from filtviz.operations import (
    CANONICAL_AXES,
    Convolution,
    Dense,
    LocallyConnected,
    Operation,
    Pads,
    Recurrent,
    Untold,
)
from filtviz.parameter import Parameter, Shape, holds_numbers
from filtviz.text import listed, printable, quoted

__all__ = ["ConvLayer", "EngineName", "Layer", "Network", "Origin"]

EngineName: TypeAlias = Literal["numpy", "torch"]
"""What runs a network, see `Network.run`."""

NOT_TOLD = Untold(reason="the file does not tell what it does")


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """One layer. ``index`` is its place in network order, ``inputs`` the indices of the layers that feed it.

    ``type`` is the class's name in the file (``Conv2DLayer``, ``MaxPool2DLayer``, ``BatchNormLayer``): a word
    to show, never a thing to test. What the layer does is ``operations``, one after another; only the first
    of them may have several inputs. ``output_shape`` is ``(batch, channels, rows, cols)`` with None for what
    is open, or None where the file does not tell it. ``trainable`` is what the file says of whether
    training was to move the layer's weights when it was saved (False for a frozen one), or None for nothing.
    """

    index: int = -1
    type: str = "Layer"
    name: str | None = None
    inputs: tuple[int, ...] = ()
    output_shape: Shape | None = None
    parameters: tuple[Parameter, ...] = ()
    operations: tuple[Operation, ...] = (NOT_TOLD,)
    trainable: bool | None = None

    def __repr__(self) -> str:
        return f"<{printable(self.type, 40)} {self.index}: {self.title}>"

    @property
    def shown_name(self) -> str | None:
        """Its name, and ``layer3`` for one that is called 3, which would be taken for a number."""
        return _shown(self.name)

    @property
    def title(self) -> str:
        """What to call the layer in a sentence: its name, or its type and place."""
        return printable(self.shown_name or f"{self.type} (layer {self.index})", 40)

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter called ``name``, or None.

        Args:
            name: The framework's own name for it, such as ``W`` or ``gamma``.
        """
        return next((p for p in self.parameters if p.name == name), None)

    @property
    def is_told(self) -> bool:
        """Whether the file tells how the layer looks at its input."""
        return not any(
            each.stride is None
            if isinstance(each, Convolution | LocallyConnected)
            else isinstance(each, Untold) and not each.keeps_places
            for each in self.operations
        )

    @property
    def n_parameters(self) -> int:
        """The number of weights, biases and statistics that the layer stores."""
        return sum(p.size for p in self.parameters)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvLayer(Layer):
    """A convolution, or a kin of it: ``conv_index`` counts them from 0 in network order.

    ``label`` is the name to show and to select by, unique among the network's convolutions: the layer's own
    name (``layer3`` for one that is called 3), or ``conv1``, ``conv2``, … by its place. Its weights, their
    axes and which way they are turned are those of its `convolution`.
    """

    conv_index: int = -1
    label: str = ""

    @classmethod
    def of(
        cls,
        weights: NDArray[Any] | Parameter,
        bias: NDArray[Any] | Parameter | None = None,
        *,
        axes: str = CANONICAL_AXES,
        flip_filters: bool | None = None,
        stride: tuple[int, ...] | None = None,
        pad: Pads | None = None,
        dilation: tuple[int, ...] = (),
        followed_by: Sequence[Operation] = (),
        **facts: Any,
    ) -> ConvLayer:
        """Make a convolution of its weights, for a live layer or an array.

        Args:
            weights: Its weights, in the order of ``axes``.
            bias: Its biases, ``(filters,)``, or ``(filters, rows, cols)``.
            axes: The axes of the weights, see `filtviz.operations.Convolution`.
            flip_filters: Whether it convolves (True) or correlates (False); None where that is not known.
            stride: One number for each axis of a kernel; None where it is not known.
            pad: ``(before, after)`` for each axis of a kernel; None where it is not known.
            dilation: One number for each axis of a kernel; empty for none.
            followed_by: What the layer does behind its convolution.
            facts: Fields of the layer: ``name``, ``type``, ``inputs``, ``output_shape``, ``label``, …
        """
        kernels = weights if isinstance(weights, Parameter) else Parameter.of("W", weights)
        biases = bias if bias is None or isinstance(bias, Parameter) else Parameter.of("b", bias)
        convolution = Convolution(
            weights=kernels,
            axes=axes,
            flip_filters=flip_filters,
            bias=biases,
            stride=stride,
            pad=pad,
            dilation=dilation,
        )
        parameters = (kernels,) if biases is None else (kernels, biases)
        return cls(parameters=parameters, operations=(convolution, *followed_by), **facts)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.weights.shape))
        return f"<{printable(self.type, 40)} {self.conv_index}: {self.title}, {shape} {self.weights.dtype}>"

    @property
    def title(self) -> str:
        """What to call the layer in a sentence: its label."""
        return printable(self.label or self.name or f"{self.type} (layer {self.index})", 40)

    @cached_property
    def convolution(self) -> Convolution | LocallyConnected:
        """The first of its operations that has kernels."""
        return next(each for each in self.operations if isinstance(each, Convolution | LocallyConnected))

    @property
    def axes(self) -> str:
        """The axes of ``W`` as stored, a letter each; see `filtviz.operations.Convolution`."""
        return self.convolution.axes

    @property
    def flip_filters(self) -> bool | None:
        """Whether the layer convolves (True) or correlates (False); None where the file does not tell."""
        return self.convolution.flip_filters

    @property
    def weights(self) -> Parameter:
        """``W`` before it is read: its shape and dtype."""
        return self.convolution.weights

    @property
    def W(self) -> NDArray[Any]:
        """The weights exactly as the file stores them, in the order of ``axes``; read-only."""
        return self.weights.value

    @property
    def b(self) -> NDArray[Any] | None:
        """The biases, or None; ``(filters,)``, or ``(filters, rows, cols)`` where they are untied."""
        found = self.convolution.bias
        return None if found is None else found.value

    @property
    def filters(self) -> NDArray[Any]:
        """The weights as ``(filters, channels, rows, cols)``, or with the kernel's own axes."""
        return self.convolution.filters

    @property
    def n_filters(self) -> int:
        """The number of filters, which is that of output channels."""
        return self.convolution.n_filters

    @property
    def n_channels(self) -> int:
        """The number of input channels that a filter looks at."""
        return self.convolution.n_channels

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """The kernel's size, ``(rows, cols)`` in two dimensions."""
        return self.convolution.kernel_size

    @property
    def is_curve(self) -> bool:
        """Whether its filters run over one axis."""
        return len(self.kernel_size) == 1 and isinstance(self.convolution, Convolution)

    @property
    def is_volume(self) -> bool:
        """Whether its filters run over three axes."""
        return len(self.kernel_size) == 3 and isinstance(self.convolution, Convolution)

    @property
    def why_not_drawn(self) -> str | None:
        """Why its weights are no pictures of filters, or None where they are."""
        if self.convolution.is_planar:
            return self._why_no_numbers()
        if "y" in self.axes:
            return "its weights are not shared over the image: it has a filter of its own for each position"
        n = len(self.kernel_size)
        what = {1: "curves over one axis", 3: "volumes"}.get(n, f"{n}-dimensional arrays")
        return f"its filters are {what}, not two-dimensional pictures"

    def _why_no_numbers(self) -> str | None:
        if self.weights.size == 0:
            return f"its weights are empty, of shape {self.weights.shape}"
        if not holds_numbers(self.weights.dtype):
            return f"its weights are of type {self.weights.dtype}, not real numbers"
        return None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the file is and how it was read.

    ``siblings`` are the files beside ``path``, or in it where it is a folder, that hold a part of the model.
    ``also_read`` are other files that were read to understand it: the one that tells its graph;
    ``described_by`` is the one of them that is a text of a person's.
    ``kind`` completes "holds …" ("a nolearn NeuralNet", "a list of parameter values"). ``inferred`` holds a
    sentence for each thing that the file does not say and that was concluded; ``notes`` one for each oddity.
    ``classes`` are the classes and functions that the file names, as text: none of them was imported.
    ``framework`` is the library that made the model (``PyTorch``), ``producer`` the program that wrote the
    file; ``order`` says where the order of the layers comes from, ``left_out`` what the file holds besides,
    ``graph`` the name of another file that tells what the layers do, where this one does not,
    ``guess`` in a few words what was concluded of the axes of kernels, or of how they are computed, where it
    may be otherwise, ``thin`` the names of arrays that may be filters over one axis, which the file does not
    tell. ``training`` has a few words for each thing in the file that only a training leaves ("it holds the
    state of an optimiser"), ``epoch`` is the number of epochs or steps that it tells. ``moved`` are the names
    of the layers whose weights the optimiser in the file has moved, ``resting`` of those that it never moved,
    where its state tells. ``size`` is that of all its files on disk, in bytes.
    """

    path: Path | None = None
    siblings: tuple[Path, ...] = ()
    also_read: tuple[Path, ...] = ()
    described_by: Path | None = None
    size: int | None = None
    kind: str = "a network"
    container: str = ""
    protocol: int | None = None
    python: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    framework: str = ""
    producer: str = ""
    order: str = ""
    left_out: tuple[str, ...] = ()
    guess: str = ""
    thin: tuple[str, ...] = ()
    graph: str = ""
    training: tuple[str, ...] = ()
    epoch: int | None = None
    moved: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The layers of one model file in network order: inputs first, every layer after those that feed it.

    As a collection it is that of its convolutions, counted as ``--layer`` counts them: ``network[0]`` is the
    first, ``network[-1]`` the last, ``network["conv3"]`` the one of that name, ``network[:2]`` the first two;
    ``len``, ``in`` and iteration go by them too. All layers are in ``layers``, any one of them is found by
    `layer`. A network without convolutions is true like any other.

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
        """Number the layers and label the convolutions.

        Args:
            layers: The layers in network order; their ``inputs`` count them from 0.
            origin: What is known of where they come from.
            history: The losses of training, one mapping an epoch.
        """
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

    @overload
    def __getitem__(self, wanted: int | str | Layer) -> ConvLayer: ...

    @overload
    def __getitem__(self, wanted: slice) -> tuple[ConvLayer, ...]: ...

    def __getitem__(self, wanted: int | str | Layer | slice) -> ConvLayer | tuple[ConvLayer, ...]:
        if isinstance(wanted, slice):
            return self.conv_layers[wanted]
        return self.select(wanted)

    def __len__(self) -> int:
        return len(self.conv_layers)

    def __iter__(self) -> Iterator[ConvLayer]:
        return iter(self.conv_layers)

    def __contains__(self, wanted: object) -> bool:
        try:
            self.select(cast("int | str | Layer", wanted))
        except SelectionError:
            return False
        return True

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        name = "" if self.origin.path is None else f" {printable(self.origin.path.name, 80)}"
        return f"<Network{name}: {self.describe()}>"

    def to_frame(self) -> Any:
        """Return the table of layers as a ``pandas.DataFrame``, with the keys of ``filtviz layers --json``.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return import_module("filtviz.frames").network_frame(self)

    @cached_property
    def conv_layers(self) -> tuple[ConvLayer, ...]:
        """The convolutions and their kin in network order; ``conv_layers[0]`` is what ``--layer 0`` draws."""
        return tuple(layer for layer in self.layers if isinstance(layer, ConvLayer))

    def ancestors(self, layer: Layer) -> list[Layer]:
        """Return ``layer`` and all that feed it, in network order.

        Args:
            layer: One of ``layers``.
        """
        wanted = {layer.index}
        for candidate in reversed(self.layers[: layer.index + 1]):
            if candidate.index in wanted:
                wanted.update(candidate.inputs)
        return [self.layers[i] for i in sorted(wanted)]

    def readers(self, layer: Layer) -> list[Layer]:
        """Return the layers that ``layer`` feeds, in network order.

        Args:
            layer: One of ``layers``.
        """
        return [self.layers[i] for i in self._readers[layer.index]]

    def counterpart(self, layer: ConvLayer) -> ConvLayer | None:
        """Return the convolution that is here what one is in another state of the network.

        It has its shape and its label, or else its number.

        Args:
            layer: A convolution of another state of the network.
        """
        candidates = [each for each in self.conv_layers if each.label == layer.label]
        candidates += [each for each in self.conv_layers if each.conv_index == layer.conv_index]
        fits = (e for e in candidates if e.axes == layer.axes and e.weights.shape == layer.weights.shape)
        return next(fits, None)

    @cached_property
    def n_links(self) -> int:
        """The number of links between layers."""
        return sum(len(layer.inputs) for layer in self.layers)

    @cached_property
    def _readers(self) -> tuple[Sequence[int], ...]:
        """For each layer the indices of those that it feeds, each once: a network is gone through once."""
        found: tuple[list[int], ...] = tuple([] for _ in self.layers)
        for layer in self.layers:
            for i in dict.fromkeys(layer.inputs):
                found[i].append(layer.index)
        return found

    def select(self, wanted: int | str | Layer) -> ConvLayer:
        """Return a convolution by number, label or name.

        Args:
            wanted: A number (0 is the first, negative counts from the end), a label, or a layer of its own.

        Raises:
            SelectionError: there is none such; the text lists what there is and suggests the nearest.
        """
        convs = self.conv_layers
        if isinstance(wanted, Layer):
            return self._own(wanted)
        if isinstance(wanted, str):
            for layer in convs:
                if wanted == layer.label:
                    return layer
        number = _as_int(wanted)
        if number is not None and -len(convs) <= number < len(convs):
            return convs[number]
        raise SelectionError(
            _no_such_layer(wanted, convs, self.origin.path),
            wanted=wanted,
            available=[layer.label for layer in convs],
        )

    def _own(self, wanted: Layer) -> ConvLayer:
        """Return a layer if it is one of this network's convolutions."""
        found = next((each for each in self.conv_layers if each is wanted), None)
        if found is not None:
            return found
        is_own = any(each is wanted for each in self.layers)
        what = "no convolution" if is_own else "a layer of another network: give its name or number"
        raise SelectionError(
            f"{wanted.title} is {what}", wanted=wanted, available=[each.label for each in self.conv_layers]
        )

    def layer(self, wanted: int | str) -> Layer:
        """Return any layer by its place in network order, or by its name.

        Args:
            wanted: A place (0 is the first, negative ones count from the end), a name, or a convolution's
                label.

        Raises:
            SelectionError: there is none such, or several are called so.
        """
        n = len(self.layers)
        if not isinstance(wanted, str):
            place = _as_int(wanted)
            if place is not None and -n <= place < n:
                return self.layers[place]
            raise SelectionError(
                f"there is no layer at place {printable(wanted, 40)}: the network has {n:,}, counted from 0",
                wanted=wanted,
            )
        labelled = [each for each in self.conv_layers if each.label == wanted]
        called: Sequence[Layer] = labelled or [
            each for each in self.layers if wanted in (each.name, each.shown_name, each.title)
        ]
        if len(called) == 1:
            return called[0]
        if called:
            places = ", ".join(str(each.index) for each in called[:10])
            reason = f"{len(called)} layers are called {quoted(wanted, 40)}: choose by place ({places})"
            raise SelectionError(reason, wanted=wanted)
        names = [each.title for each in self.layers[:_MOST_NAMES]]
        near = difflib.get_close_matches(wanted[:_LONGEST_NAME], names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SelectionError(
            f"there is no layer {quoted(wanted, 40)}{hint} (`filtviz layers` lists all)",
            wanted=wanted,
            available=names,
        )

    @overload
    def run(
        self, images: NDArray[Any], layers: None = None, engine: EngineName | None = None, **how: Any
    ) -> NDArray[Any]: ...

    @overload
    def run(
        self,
        images: NDArray[Any],
        layers: Sequence[int | str],
        engine: EngineName | None = None,
        **how: Any,
    ) -> dict[int | str, NDArray[Any]]: ...

    def run(
        self,
        images: NDArray[Any],
        layers: Sequence[int | str] | None = None,
        engine: EngineName | None = None,
        **how: Any,
    ) -> NDArray[Any] | dict[int | str, NDArray[Any]]:
        """Run the network on images, as at test time.

        Args:
            images: ``(images, …)`` in the network's own axes: ``(images, channels, rows, columns)``, and
                ``(images, rows, columns, channels)`` for most Keras and TensorFlow files. Numbers are used as
                they are.
            layers: Places in network order, negative ones from its end, or names; None for the last layer.
            engine: ``numpy`` or ``torch``; None takes PyTorch where it is in use already, or is installed and
                there is much to do.
            how: ``dtype`` (``float64`` or ``float32``), ``batch`` (images at once at the most), ``device``
                (where PyTorch computes), ``budget`` (how much work it may be).

        Returns:
            What the last layer gives, or, by what was asked for, what each layer gives. All have the channels
            in front, as ``output_shape`` does.

        Raises:
            RunningError: the images do not fit the network, or a layer cannot be run; all below it can.
            SelectionError: there is no such layer.
            BudgetError: it would be too much work.
        """
        # What runs networks knows them, and is not known here: it is found by its name.
        found = import_module("filtviz.running.inference").run(self, images, layers, engine, **how)
        return cast("NDArray[Any] | dict[int | str, NDArray[Any]]", found)

    @property
    def has_no_graph(self) -> bool:
        """Whether its file holds arrays, and what is done with them was concluded and not told."""
        return bool(self.origin.inferred) and not self.origin.graph

    def describe(self) -> str:
        """Say what the file holds: "a bare output layer with 3 convolutions and 2 dense layers"."""
        n_convs = len(self.conv_layers)
        n_dense = sum(
            isinstance(each, Dense) and not each.per_position
            for layer in self.layers
            for each in layer.operations
        )
        n_recurrent = sum(isinstance(each, Recurrent) for layer in self.layers for each in layer.operations)
        convs = "no convolution" if n_convs == 0 else f"{n_convs} convolution{'s'[: n_convs > 1]}"
        dense = [f"{n_dense} dense layer{'s'[: n_dense > 1]}"] if n_dense else []
        recurrent = [f"{n_recurrent} recurrent layer{'s'[: n_recurrent > 1]}"] if n_recurrent else []
        parts = [*recurrent, *dense, convs] if n_convs == 0 else [convs, *recurrent, *dense]
        return f"{self.origin.kind} with {listed(parts)}"

    @property
    def why_nothing_to_draw(self) -> str:
        """Say of a network without filters to draw what it holds: it completes "the file …"."""
        none = "none of its filters is two-dimensional" if self.conv_layers else "there is no filter to draw"
        held = f"holds {self.describe()}: {none}"
        if not self.origin.thin:
            return held
        names = ",".join(printable(each, 60) for each in self.origin.thin)
        return f"{held}, unless arrays of three axes are filters over one axis, as --convs {names} says"


def _shown(name: str | None) -> str | None:
    return f"layer{name}" if name and name.isdecimal() else name


LONGEST_STEM = 200
"""Characters that a label takes of a name which several convolutions have."""


def _labels(names: Sequence[str | None]) -> list[str]:
    """Return one label for each convolution, none twice; a layer's own name where it has one to itself.

    A number by itself, as the parts of an ``nn.Sequential`` are called, is no label: it chooses by place.
    """
    names = [_shown(name) for name in names]
    counts = Counter(names)
    labels = []
    for place, name in enumerate(names, start=1):
        label = f"{name[:LONGEST_STEM]}-{place}" if name else f"conv{place}"
        while label in counts:
            label += "_"
        labels.append(name if name and counts[name] == 1 else label)
    return labels


_LONGEST_NAME, _MOST_NAMES = 40, 300
"""Of labels that are compared letter by letter with one that there is not, which takes its time."""


def _as_int(wanted: int | str) -> int | None:
    if isinstance(wanted, bool):  # which Python counts among the numbers
        return None
    try:
        return int(wanted) if isinstance(wanted, str) else operator.index(wanted)
    except (TypeError, ValueError):
        return None


def _as_suggested(layer: ConvLayer) -> str:
    """Return what selects a convolution: its name, or its number where the name is too long to be shown."""
    return layer.label if len(layer.label) <= _LONGEST_NAME else str(layer.conv_index)


def _no_such_layer(wanted: int | str, convs: Sequence[ConvLayer], path: Path | None) -> str:
    if not convs:
        which = "the network" if path is None else printable(path, 200)
        return f"{which} has no convolution to choose from"
    shown = [f"{layer.conv_index} {printable(layer.label, 40)}" for layer in convs[:30]]
    if len(convs) > len(shown):
        shown.append(f"and {len(convs) - len(shown)} more, which `filtviz layers` lists")
    names = {_as_suggested(layer): layer.label[:_LONGEST_NAME] for layer in convs[:_MOST_NAMES]}
    alike = difflib.get_close_matches(str(wanted)[:_LONGEST_NAME], names.values(), n=1)
    near = [suggested for suggested, name in names.items() if name in alike]
    near = [layer.label for layer in convs if layer.name == str(wanted)] or near
    if number := _as_int(wanted):
        near = near or [str(max(-len(convs), min(len(convs) - 1, number)))]
    hint = f"; did you mean {printable(near[0], 40)}?" if near else ""
    return f"there is no convolution {quoted(wanted, 40)}{hint} (there are: {', '.join(shown)})"
