"""Parameters without layers: lists and dictionaries of arrays, npz files, lists of shared variables.

What the file does not say of its layers is concluded from shapes, and said to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from filtviz.activations import Activation
from filtviz.errors import SelectionError, UnsupportedFileError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import USUAL_AXES, Convolution, Dense, Normalisation, Recurrent
from filtviz.parameter import Parameter
from filtviz.reading.arrays import is_variable, object_items, parameter_of, value_of
from filtviz.reading.formats.bare_arrays.collecting import Found, NamedArray, collect
from filtviz.reading.formats.bare_arrays.grouping import (
    Conclusion,
    Group,
    conclude,
    group,
    in_network_order,
    is_convolution,
    sizes_of,
)
from filtviz.reading.limits import Hints
from filtviz.reading.opened import SEVERAL_NPY, Opened, origin_of
from filtviz.reading.pickle.records import Record, class_name, elements, pairs
from filtviz.text import names_of_file, plural, printable, quoted

__all__ = ["Dialect", "infer", "open"]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What the library that wrote bare parameters does: Lasagne's, unless the names show another one.

    ``depthwise_type`` is its word for depthwise convolutions; their weights are (multiplier, channels, …)
    with a bias for each filter of each channel. Empty where it has none such.
    """

    flip_filters: bool | None = None
    conv_type: str = "Conv{n}DLayer"
    transposed_type: str = "TransposedConv{n}DLayer"
    depthwise_type: str = ""
    norm_type: str = "BatchNormLayer"
    dense_type: str = "DenseLayer"
    dense_axes: str = "io"


_OF_TODAY = Dialect(flip_filters=False)
"""Equinox's, whose files are arrays in a row."""

_NAME = "name the file in which the model or its parameters were saved"


def open(opened: Opened) -> Network | None:
    """Read the parameters and conclude the layers; any object of no other kind is taken to be of this one.

    Raises:
        UnsupportedFileError: there are no arrays, or only numbers and vectors, which make no network.
    """
    if not opened.roots:
        return None
    found = collect(opened)
    if not found.arrays and opened.objects.damage:
        return None
    if not found.arrays:
        raise UnsupportedFileError(_without_arrays(opened))
    if not any(len(named.array.shape) > 1 for named in found.arrays):
        raise UnsupportedFileError(_without_weights(found))
    inference = infer(found, opened.hints, _OF_TODAY if opened.objects.form == SEVERAL_NPY else None)
    origin = origin_of(
        opened,
        _kind(opened, found),
        inferred=inference.inferred,
        notes=inference.notes,
        guess=inference.guess,
        thin=inference.thin,
    )
    return Network.of(inference.layers, origin)


def _without_weights(found: Found) -> str:
    first = found.arrays[0].array
    if len(found.arrays) == 1:
        return (
            f"it holds one array of shape {first.shape} and type {first.dtype}, which is no network; {_NAME}"
        )
    return f"it holds {len(found.arrays)} arrays of one axis or none, which are no network; {_NAME}"


def _kind(opened: Opened, found: Found) -> str:
    if opened.is_npz:
        named = any(array.layer is not None for array in found.arrays)
        return "an npz of named parameters" if named else "an npz of parameter values"
    root = found.root
    if value_of(root, opened.limits) is not None:
        return "one array"
    inner = elements(root) or object_items(root)
    if inner is not None:
        shared = any(is_variable(value) for value in inner)
        return "a list of shared variables" if shared else "a list of parameter values"
    entries = pairs(root, opened.effort)
    if entries is not None:
        by_layer = all(type(value) is list for _, value in entries)
        return "a nolearn parameter dict" if by_layer and type(root) is Record else "a dict of parameters"
    return f"an object of class {printable(class_name(root), 40)} with parameters"


def _without_arrays(opened: Opened) -> str:
    """Say what a readable file holds, where that is no array."""
    found = [global_.path for global_ in opened.globals]
    if any("compile.function_module" in path for path in found):
        return (
            "it holds a compiled Theano function and no network; pickle the layers or the parameters "
            "(lasagne.layers.get_all_param_values), not the function"
        )
    named = f" (the classes and functions in it are {names_of_file(found, 5, 60)})" if found else ""
    return f"it holds no layers and no weights{named}; {_NAME}"


@dataclass(frozen=True, kw_only=True)
class _Inference:
    """Layers made of bare arrays, with a sentence for each thing that was concluded or remains open.

    ``thin`` are the arrays of three axes, which may be filters over one.
    """

    layers: tuple[Layer, ...]
    inferred: tuple[str, ...]
    notes: tuple[str, ...]
    guess: str = ""
    thin: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One layer to be: its parameters, and the order of the axes of its weights where it is a convolution."""

    group: Group
    axes: str | None


def infer(found: Found, hints: Hints, dialect: Dialect | None = None) -> _Inference:
    """Make layers of arrays, as their names and shapes suggest and as a person says.

    Raises:
        SelectionError: ``hints`` names an array that is not there, or axes that it does not have.
    """
    dialect = dialect or Dialect()
    chosen = [_chosen(wanted, found.arrays) for wanted in hints.convs]
    groups = _in_chosen_order(found.arrays, chosen) if chosen else in_network_order(found.arrays)
    turned = not chosen and groups[0].first > groups[-1].first
    is_conv = [_is_conv(one, chosen) for one in groups]
    conclusion = conclude(groups, is_conv)
    orders = _with_depthwise(groups, conclusion.axes) if dialect.depthwise_type else conclusion.axes
    parts = [
        _Part(group=one, axes=(_said_axes(one, hints) or axes) if conv else None)
        for one, axes, conv in zip(groups, orders, is_conv, strict=True)
    ]
    layers = _connected(_with_empty(parts, found), dialect)
    return _Inference(
        layers=tuple(layers),
        inferred=tuple(_sentences(parts, turned)),
        notes=tuple(_notes(parts, found)),
        guess=_guess(parts, conclusion, hints),
        thin=tuple(_thin(parts)),
    )


def _with_depthwise(groups: Sequence[Group], orders: Sequence[str | None]) -> list[str | None]:
    """Return the axes with those of depthwise convolutions, which a bias for each of their filters tells."""
    found: list[str | None] = []
    before: int | None = None
    for one, order in zip(groups, orders, strict=True):
        shape = one.weight_shape
        if order is not None and shape[1] > 1:
            # A transposed one of one channel has such a bias, too.
            is_plain = shape[0] > 1 or before == shape[1]
            if is_plain and one.bias_length == shape[0] * shape[1]:
                order = USUAL_AXES[len(shape)].replace("i", "g")
        found.append(order)
        before = sizes_of(one, order)[1] or before
    return found


def _guess(parts: Sequence[_Part], conclusion: Conclusion, hints: Hints) -> str:
    """Say the order of axes that was concluded where another one is possible, or is not the usual one."""
    convs = [part for part in parts if part.axes is not None]
    if not convs or hints.axes or (conclusion.certain and not conclusion.channels_last):
        return ""
    shown = printable(_weight(convs[0].group).source, 40)
    shape = "x".join(map(str, convs[0].group.weight_shape))
    if conclusion.channels_last:
        sure = "guessed" if not conclusion.certain else "concluded"
        return f"{sure} hwio, as Keras saves kernels ({shown} is {shape}); --axes oihw if not"
    return f"guessed oihw, filters first ({shown} is {shape}), since hwio fits as well; --axes hwio if not"


def _chosen(wanted: str, arrays: Sequence[NamedArray]) -> NamedArray:
    """Return the array that a person means by its number or one of its names."""
    for named in arrays:
        if wanted in _names_of(named):
            return named
    several = [named for named in arrays if named.layer == wanted and named.field in ("W", None)]
    if several:
        return max(several, key=lambda named: len(named.array.shape))
    available = [named.source for named in arrays]
    raise SelectionError(
        f"there is no array {quoted(wanted, 40)} to take for a convolution "
        f"(there are, from number 0 on: {names_of_file(available)})",
        wanted=wanted,
        available=available,
    )


def _names_of(named: NamedArray) -> tuple[str, ...]:
    own = (str(named.number), named.source, named.path[-1] if named.path else "")
    return own if named.layer is None else (*own, f"{named.layer}.{named.field or 'W'}")


def _is_conv(one: Group, chosen: Sequence[NamedArray]) -> bool:
    return one.weight in chosen if chosen else is_convolution(one)


def _in_chosen_order(arrays: Sequence[NamedArray], chosen: Sequence[NamedArray]) -> list[Group]:
    """Put the convolutions in the order that a person gives, each in the place of another one."""
    groups = group(arrays, frozenset(named.number for named in chosen))
    weights = {one.weight.number for one in groups if one.weight is not None}
    for named in chosen:
        if named.number not in weights:
            raise SelectionError(
                f"the array {quoted(named.source, 40)} cannot be a convolution beside another one in "
                "the same layer",
                wanted=named.source,
            )
    order = iter(
        sorted((one for one in groups if one.weight in chosen), key=lambda one: chosen.index(_weight(one)))
    )
    return [next(order) if one.weight in chosen else one for one in groups]


def _weight(one: Group) -> NamedArray:
    assert one.weight is not None, "only groups with weights are chosen"
    return one.weight


def _said_axes(one: Group, hints: Hints) -> str | None:
    """Return the order of the axes of a convolution's weights that a person says."""
    weight = _weight(one)
    names = (*_names_of(weight), *([weight.layer] if weight.layer else []))
    said = hints.axes_for(*names)
    dimensions = len(weight.array.shape)
    if said is not None and len(said) != dimensions:
        raise SelectionError(
            f"the array {quoted(weight.source, 40)} has {plural(dimensions, 'axis')}, and an order of "
            f"{len(said)} is said: write one letter for each",
            wanted=said,
        )
    if dimensions not in USUAL_AXES:
        raise SelectionError(
            f"the array {quoted(weight.source, 40)} has {plural(dimensions, 'axis')}, as no convolution has",
            wanted=weight.source,
        )
    return said


def _with_empty(parts: Sequence[_Part], found: Found) -> list[_Part | str]:
    """Put the names of layers without parameters where the file has them."""
    left = list(reversed(found.empty))
    mixed: list[_Part | str] = []
    for part in parts:
        first = part.group.first
        while left and left[-1][0] <= first:
            mixed.append(left.pop()[1])
        mixed.append(part)
    return [*mixed, *(name for _, name in reversed(left))]


def _connected(parts: Sequence[_Part | str], dialect: Dialect) -> list[Layer]:
    """Make the layers; each feeds the next where the sizes fit."""
    layers: list[Layer] = []
    before: int | None = None
    started = False
    for place, part in enumerate(parts):
        if isinstance(part, str):
            inputs = (place - 1,) if place else ()
            layers.append(Layer(name=part, inputs=inputs))
            continue
        takes, gives = sizes_of(part.group, part.axes, dialect.dense_axes)
        fits = bool(before and takes and (before == takes or _fit_flattened(part, before, takes)))
        inputs = (place - 1,) if place and (fits or not started or takes is None) else ()
        layers.append(_layer(part, inputs, dialect))
        before = gives or before
        started = True
    return layers


def _fit_flattened(part: _Part, before: int, takes: int) -> bool:
    """Tell whether a dense layer can take flattened channels, or a convolution reshaped units."""
    return before % takes == 0 if part.axes else len(part.group.weight_shape) == 2 and takes % before == 0


def _layer(part: _Part, inputs: tuple[int, ...], dialect: Dialect) -> Layer:
    group, shape = part.group, part.group.weight_shape
    found = {name: parameter_of(name, named.array, named.source) for name, named in group.fields.items()}
    common: dict[str, Any] = {"name": group.name, "inputs": inputs, "parameters": tuple(found.values())}
    untold = Activation(kind="untold")
    if part.axes is not None:
        convolution = Convolution(
            weights=found["W"],
            axes=part.axes,
            flip_filters=False if part.axes.startswith(("c", "r", "d")) else dialect.flip_filters,
            bias=found.get("b"),
        )
        return ConvLayer(**common, type=_conv_type(part.axes, dialect), operations=(convolution, untold))
    if len(shape) == 2:
        axes = dialect.dense_axes
        dense = Dense(weights=found["W"], axes=axes, bias=found.get("b"), units=shape[axes.index("o")])
        return Layer(**common, type=dialect.dense_type, operations=(dense, untold))
    if group.recurrence is not None:
        kind, units = group.recurrence.kind, group.recurrence.units
        return Layer(**common, type=f"{kind}Layer", operations=(Recurrent(kind=kind, units=units),))
    if group.is_batch_norm:
        return Layer(**common, type=dialect.norm_type, operations=(_normalisation(found),))
    return Layer(**common)


CHAINER_EPSILON = 2e-5
"""Of ``chainer.links.BatchNormalization``, which stores the variance itself."""


def _normalisation(found: Mapping[str, Parameter]) -> Normalisation:
    """Return a batch normalisation of parameters called as Lasagne or Chainer does."""
    spread: dict[str, Any] = {}
    if "avg_var" in found:
        spread = {"spread": found["avg_var"], "spread_is": "variance", "epsilon": CHAINER_EPSILON}
    elif "inv_std" in found:
        spread = {"spread": found["inv_std"]}
    elif "std" in found:
        spread = {"spread": found["std"], "spread_is": "std"}
    mean = found.get("mean") or found.get("avg_mean")
    return Normalisation(mean=mean, gamma=found.get("gamma"), beta=found.get("beta"), **spread)


def _conv_type(axes: str, dialect: Dialect) -> str:
    """Return the word for a convolution: Keras's where the filters come last, else that of the library."""
    n = sum(axis in "drc" for axis in axes)
    if axes.startswith(("c", "r", "d")):
        return f"Conv{n}DTranspose" if axes.endswith("oi") else f"Conv{n}D"
    if "y" in axes:
        return f"LocallyConnected{n}DLayer"
    if "g" in axes and dialect.depthwise_type:
        return dialect.depthwise_type.format(n=n)
    return (dialect.transposed_type if axes.startswith("io") else dialect.conv_type).format(n=n)


def _sentences(parts: Sequence[_Part], turned: bool) -> list[str]:
    """Say what was concluded, one plain sentence each."""
    sentences = [
        "the file holds arrays and no layers: their roles are concluded from their names, order and shapes"
    ]
    if any(part.axes in ("oirc", "oidrc") for part in parts):
        sentences.append(
            "arrays of four (five) axes are convolutions in two (three) dimensions, filters before channels"
        )
    if any(part.axes in ("rcio", "drcio", "rcoi", "drcoi") for part in parts):
        sentences.append(
            "arrays of four (five) axes are convolutions in two (three) dimensions, filters last as Keras, "
            "TensorFlow and JAX store them"
        )
    if any(part.axes == "oic" for part in parts):
        sentences.append(
            "arrays of three axes are convolutions over one axis, filters before channels, since each filter "
            "has a bias"
        )
    swapped = [_weight(part.group).source for part in parts if part.axes in ("ioc", "iorc", "iodrc")]
    if swapped:
        sentences.append(
            f"transposed convolutions, whose channels come first: {names_of_file(swapped)}, since only so "
            "their sizes fit"
        )
    if turned:
        sentences.append(
            "the file lists its layers from the output to the input, since only so their sizes fit"
        )
    if any(part.group.is_batch_norm and part.group.fields["beta"].field is None for part in parts):
        sentences.append("four vectors of one length are a batch normalisation: beta, gamma, mean, inv_std")
    if any(part.group.recurrence for part in parts):
        sentences.append(
            "matrices that repeat for each gate, as Lasagne lists them, are recurrent layers: "
            "none of them is a filter"
        )
    sentences.append("each layer feeds the next one where their sizes fit")
    return sentences


def _thin(parts: Sequence[_Part]) -> list[str]:
    """Return what the file calls the arrays that may be filters over one axis."""
    thin = [part for part in parts if part.axes is None and len(part.group.weight_shape) == 3]
    return [_weight(part.group).source for part in thin]


def _notes(parts: Sequence[_Part], found: Found) -> list[str]:
    """Say what remains open."""
    notes = []
    sources = _thin(parts)
    if sources:
        notes.append(
            "arrays of three axes may be the weights of a Conv1DLayer, which --convs would say: "
            f"{names_of_file(sources)}"
        )
    if found.left_out:
        notes.append(f"beside the parameters lie, and were left out: {names_of_file(found.left_out)}")
    return notes
