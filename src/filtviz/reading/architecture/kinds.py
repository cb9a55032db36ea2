"""A table → what its layer does: one function for each ``type``, in the table at the end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from filtviz.activations import KINDS as ACTIVATION_KINDS
from filtviz.activations import Activation, ActivationKind
from filtviz.network import Layer, Network
from filtviz.operations import (
    USUAL_AXES,
    Concatenate,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    LocalResponse,
    Merge,
    MergeKind,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    PoolingKind,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    Upscale,
    parameters_of,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.architecture.tables import Table
from filtviz.text import listed, plural, printable, quoted

__all__ = ["KINDS", "NORMALISED", "WEIGHING", "Arrays", "Case", "activation_of", "operations_of", "pooling"]


@dataclass(kw_only=True, eq=False)
class Arrays:
    """The arrays of a file by the names that it gives them, and which were used."""

    by_name: Mapping[str, Parameter]
    owners: Mapping[int, Layer]
    used: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, network: Network) -> Arrays:
        """Return those of a network; of several with one name none can be named."""
        owned = [
            (one, layer)
            for layer in network.layers
            for one in (*layer.parameters, *(p for each in layer.operations for p in parameters_of(each)))
        ]
        found = {id(one): one for one, _ in owned}
        counts = Counter(one.source for one in found.values())
        named = {one.source: one for one in found.values() if counts[one.source] == 1}
        return cls(by_name=named, owners={id(one): layer for one, layer in owned})

    def take(self, table: Table, key: str, *, optional: bool = False) -> Parameter | None:
        """Return the array that a table names."""
        name = table.get(key)
        if name is None and optional:
            return None
        if not isinstance(name, str):
            raise table.wrong(key, 'the name of an array of the file, such as "arr_0"')
        if name not in self.by_name:
            known = listed([printable(one, 40) for one in self.by_name], 8)
            raise table.error(
                f"there is no array {quoted(name, 40)} for {key} in the file (there are: {known})"
            )
        found = self.by_name[name]
        self.used.add(id(found))
        return found

    def unused(self) -> list[str]:
        """Return the names of arrays that no table names, parts of computed ones left aside."""
        whole = {id(self.owners[one]) for one in self.used if self._is_computed(one)}
        return [
            name
            for name, one in self.by_name.items()
            if id(one) not in self.used
            and not (one.shape == () and one.dtype.kind in "iu")  # the batches that were seen
            and id(self.owners[id(one)]) not in whole
            and not self._is_computed(id(one))
        ]

    def _is_computed(self, key: int) -> bool:
        return all(id(one) != key for one in self.owners[key].parameters)

    def type_of(self, used: Iterable[Parameter]) -> str:
        """Return the word for a layer that has these arrays: that of the layer that was concluded of them."""
        owners = {id(self.owners[id(one)]): self.owners[id(one)] for one in used}
        return next(iter(owners.values())).type if len(owners) == 1 else ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A table, what holds for all of them, the arrays, and the shapes of what the layer takes."""

    table: Table
    top: Table
    arrays: Arrays
    shapes: Sequence[Shape | None]

    @property
    def below(self) -> Shape | None:
        """The shape of the only thing that it takes."""
        return self.shapes[0]

    def holder(self, key: str) -> Table:
        """Return the table that says something: the layer's own, or what stands above all."""
        return self.table if key in self.table.values else self.top

    def said(self, key: str) -> Table:
        """The same, and take note in both that the key has a meaning."""
        self.table.used.add(key)
        self.top.used.add(key)
        return self.holder(key)

    def array(self, key: str) -> Parameter:
        """Return an array that there must be."""
        found = self.arrays.take(self.table, key)
        assert found is not None
        return found


def operations_of(case: Case) -> Sequence[Operation]:
    """Return what a table's layer does, but for its activation and its pooling.

    Raises:
        MalformedFileError: it says what cannot be.
    """
    kind = case.table.word("type", KINDS)
    n = len(case.shapes)
    if n != 1 and kind not in _JOINING:
        raise case.table.error(f"a layer of the type {kind} takes one input, not {n}: join them before it")
    return KINDS[kind](case)


# Layers with weights


def _convolution(case: Case) -> Sequence[Operation]:
    table, transposed = case.table, case.table.kind.startswith("transposed")
    weights = case.array("weights")
    axes = _axes(table, weights)
    n = len(axes) - len(set(axes) & set("oig"))
    length = {axis: weights.shape[place] for place, axis in enumerate(axes)}
    size = [length[axis] for axis in axes if axis in "drc"]
    stride = case.said("stride").lengths("stride", n, None)
    dilation = table.lengths("dilation", n, 1)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    groups = None if table.get("groups") is None else table.whole("groups", None)
    found = Convolution(
        weights=weights,
        axes=axes,
        flip_filters=case.said("flip").flag("flip", default=None),
        bias=case.arrays.take(table, "bias", optional=True),
        stride=stride,
        pad=case.said("pad").pads("pad", spans, stride, default=None),
        dilation=dilation if set(dilation) != {1} else (),
        groups=groups,
        transposed=transposed,
    )
    _check_bias(table, found.bias, found.n_filters, n)
    _check_channels(case, found, n)
    return (found,)


def _axes(table: Table, weights: Parameter) -> str:
    """Return the order of the axes of kernels, in the letters of `filtviz.operations.Convolution`."""
    said = table.get("axes")
    usual = USUAL_AXES.get(len(weights.shape), "")
    order = usual if said is None else said
    order = order.lower().replace("h", "r").replace("w", "c") if isinstance(order, str) else ""
    spatial = set(order) - set("oig")
    ordered = [axis for axis in order if axis in spatial] == [axis for axis in "drc" if axis in spatial]
    if len(order) != len(weights.shape) or len(set(order)) != len(order) or "o" not in order:
        ordered = False
    if not ordered or not spatial:
        shape = _lengths(weights)
        raise table.wrong(
            "axes", f'a letter for each axis of {shape}, such as "oihw" (filters, channels, height, width)'
        )
    return order


def _check_bias(table: Table, bias: Parameter | None, n: int, n_axes: int) -> None:
    """Pass silently where there is a number for each filter, or for each of its positions."""
    if bias is not None and (bias.shape[:1] != (n,) or len(bias.shape) not in (1, 1 + n_axes)):
        shape = _lengths(bias)
        raise table.error(f"its bias is {shape}, and it has {n} filters or units: name another array")


def _lengths(parameter: Parameter) -> str:
    return "x".join(map(str, parameter.shape)) or "one number"


def _check_channels(case: Case, found: Convolution, n: int) -> None:
    below = case.below
    if below is None:
        return
    if len(below) != n + 2:
        raise case.table.error(f"its kernels look along {n} axes, and it is given {_units(below)}")
    given, groups = below[1], found.groups or (found.length("g") if "g" in found.axes else None)
    if given is None:
        return
    fits = given == found.n_channels * groups if groups else given % max(found.n_channels, 1) == 0
    if found.transposed:
        fits = given in (found.n_channels, found.n_channels * (groups or 1))
    grouped = f" in {plural(groups, 'group')}" if groups else ""
    if not fits or not found.n_channels:
        raise case.table.error(
            f"its filters look at {plural(found.n_channels, 'channel')}{grouped}, and it is given "
            f"{given}: name what feeds it (from), or the order of its axes"
        )


def _units(shape: Shape) -> str:
    if len(shape) == 1:
        return "single numbers"
    return "units of " + "x".join("?" if n is None else str(n) for n in shape[1:])


def _dense(case: Case) -> Sequence[Operation]:
    table, weights = case.table, case.array("weights")
    axes = table.word("axes", ("io", "oi"), "io")
    if len(weights.shape) != 2:
        raise table.error(f"a dense layer has weights of two axes, these have {len(weights.shape)}")
    units, takes = weights.shape[axes.index("o")], weights.shape[axes.index("i")]
    bias = case.arrays.take(table, "bias", optional=True)
    _check_bias(table, bias, units, 0)
    below = case.below
    lengths = [] if below is None else list(below[1:])
    if below is not None and None not in lengths and math.prod(cast("list[int]", lengths)) != takes:
        raise table.error(
            f"it weighs {takes:,} numbers, and is given {_units(below)}: look at the input's size, at "
            "strides, padding and pooling below it"
        )
    dense = Dense(weights=weights, axes=axes, bias=bias, units=units)
    last = case.top.flag("channels_last", default=False)
    if last and below is not None and len(below) > 2:
        return Transpose(order=(0, *range(2, len(below)), 1)), dense
    return (dense,)


def _normalisation(case: Case) -> Sequence[Operation]:
    table = case.table
    spreads = [key for key in ("inv_std", "std", "variance") if key in table.values]
    table.used.update(("inv_std", "std", "variance"))
    if len(spreads) != 1:
        raise table.error("it needs one of inv_std (Lasagne), variance (with epsilon) or std")
    spread: Any = spreads[0]
    found = Normalisation(
        mean=case.array("mean"),
        spread=case.array(spread),
        spread_is=spread,
        epsilon=table.number("epsilon", None if spread == "variance" else 0.0),
        gamma=case.arrays.take(table, "gamma", optional=True),
        beta=case.arrays.take(table, "beta", optional=True),
    )
    _check_vectors(case, found)
    return (found,)


def _scale(case: Case) -> Sequence[Operation]:
    table = case.table
    found = Normalisation(
        gamma=case.arrays.take(table, "weights", optional=True),
        beta=case.arrays.take(table, "bias", optional=True),
        is_batch=False,
    )
    if not found.is_told:
        raise table.error("it needs weights, a bias, or both")
    _check_vectors(case, found)
    return (found,)


def _check_vectors(case: Case, found: Normalisation) -> None:
    """Pass silently where there is a number for each channel."""
    vectors = list(parameters_of(found))
    channels = case.below[1] if case.below is not None and len(case.below) > 1 else None
    n = channels if channels is not None else vectors[0].shape[0] if vectors[0].shape else 0
    for one in vectors:
        if one.shape != (n,):
            raise case.table.error(
                f"{printable(one.source, 40)} is {_lengths(one)}, and there are {n} channels"
            )


def _prelu(case: Case) -> Sequence[Operation]:
    slopes, below = case.array("weights"), case.below
    lengths = slopes.shape or (1,)
    if below is not None and (
        len(lengths) >= len(below)
        or any(n not in (1, given) for n, given in zip(lengths, below[1:], strict=False) if given is not None)
    ):
        raise case.table.error(
            f"its slopes are {_lengths(slopes)}, and it is given {_units(below)}: name another array"
        )
    along = tuple(range(1, 1 + len(lengths)))
    return (Activation(kind="parametric_rectify", name="prelu", slopes=slopes, along=along),)


# Layers without


def pooling(table: Table, key: str, below: Shape | None) -> Pooling | None:
    """Return a pooling that is one key of a table: ``2``, ``[2, 3]`` or a table of its own.

    Args:
        table: The table of the layer that is pooled.
        key: The key.
        below: The shape of what is pooled.

    Raises:
        MalformedFileError: it says what cannot be.
    """
    said = table.get(key)
    if said in (0, "none"):  # or false, which is 0
        return None
    if not isinstance(said, dict):
        size = table.lengths(key, _pooled(table, below), None)
        return Pooling(kind="max", size=size, stride=size, pad=((0, 0),) * len(size))
    inner = Table(file=table.file, name=f"{table.name}.{key}", values=said)
    found = _pooling_of(inner, below)
    inner.check_all_used()
    return found


def _spatial(below: Shape | None) -> int:
    return len(below) - 2 if below is not None and len(below) > 2 else 2


def _pooled(table: Table, below: Shape | None) -> int:
    if below is not None and len(below) < 3:
        raise table.error(f"there is nothing to pool over in {_units(below)}: leave the pooling out")
    return _spatial(below)


def _pooling_of(table: Table, below: Shape | None) -> Pooling:
    size = table.lengths("size", _pooled(table, below), None)
    stride = table.lengths("stride", len(size), None) if "stride" in table.values else size
    table.used.add("stride")
    return Pooling(
        kind=cast("PoolingKind", table.word("kind", ("max", "mean", "sum"), "max")),
        size=size,
        stride=stride,
        pad=table.pads("pad", size, stride, default=0),
        whole_windows=table.flag("whole_windows", default=True),
        counts_pad=table.flag("counts_pad", default=False),
    )


def _pool(case: Case) -> Sequence[Operation]:
    return (_pooling_of(case.table, case.below),)


def _global_pool(case: Case) -> Sequence[Operation]:
    kind = case.table.word("kind", ("max", "mean", "sum"), "mean")
    return (GlobalPooling(kind=cast("PoolingKind", kind)),)


def _flatten(case: Case) -> Sequence[Operation]:
    below = case.below
    if case.top.flag("channels_last", default=False) and below is not None and len(below) > 2:
        return Transpose(order=(0, *range(2, len(below)), 1)), Flatten()
    return (Flatten(),)


def _merge(case: Case) -> Sequence[Operation]:
    shapes = [shape for shape in case.shapes if shape is not None]
    for one in shapes[1:]:
        known = [(a, b) for a, b in zip(shapes[0], one, strict=False) if None not in (a, b)]
        if len(one) != len(shapes[0]) or any(a != b and 1 not in (a, b) for a, b in known):
            raise case.table.error(f"it joins {_units(shapes[0])} and {_units(one)}, which do not fit")
    return (Merge(kind=cast("MergeKind", case.table.kind)),)


def _concatenate(case: Case) -> Sequence[Operation]:
    return (Concatenate(axis=case.table.whole("axis", 1, 1)),)


def _pad(case: Case) -> Sequence[Operation]:
    first = case.table.whole("first_axis", 2)
    ones = (1,) * max(1, _spatial(case.below) + 2 - first)
    pad = case.table.pads("pad", ones, ones, default=None)
    return (Pad(pad=pad, value=case.table.number("value", 0.0), first_axis=first),)


def _slice(case: Case) -> Sequence[Operation]:
    table = case.table
    start, step = table.whole("start", 0, 0), table.whole("step", 1)
    stop = None if table.get("stop") is None else table.whole("stop", None)
    return (Slice(axis=table.whole("axis", None), start=start, stop=stop, step=step),)


def _transpose(case: Case) -> Sequence[Operation]:
    order = case.table.lengths("order", _spatial(case.below) + 1, None)
    if sorted(order) != list(range(1, len(order) + 1)):
        raise case.table.wrong("order", "the axes from 1 on, each once: [2, 3, 1] puts the channels behind")
    return (Transpose(order=(0, *order)),)


def _upscale(case: Case) -> Sequence[Operation]:
    return (Upscale(scale=case.table.lengths("scale", _spatial(case.below), None)),)


def _reshape(case: Case) -> Sequence[Operation]:
    found = case.table.get("lengths")
    if (
        not isinstance(found, list)
        or not found
        or not all(type(n) is int and -1 <= n < 1 << 31 for n in found)
    ):
        raise case.table.wrong("lengths", "the lengths of all axes but the images', -1 for what remains")
    return (Reshape(lengths=((0,), *found)),)


def _local_response(case: Case) -> Sequence[Operation]:
    table = case.table
    numbers = {key: table.number(key, None) for key in ("alpha", "k", "beta")}
    return (LocalResponse(n=table.whole("n", None), **numbers),)


def _softmax(_: Case) -> Sequence[Operation]:
    return (Softmax(),)


def _nothing(_: Case) -> Sequence[Operation]:
    return ()


def _dropout(case: Case) -> Sequence[Operation]:
    return (Identity(what="dropout", rate=case.table.number("rate", 0.5)),)


KINDS: Mapping[str, Callable[[Case], Sequence[Operation]]] = {
    "convolution": _convolution,
    "transposed-convolution": _convolution,
    "dense": _dense,
    "normalisation": _normalisation,
    "scale": _scale,
    "prelu": _prelu,
    "pool": _pool,
    "global-pool": _global_pool,
    "activation": _nothing,
    "softmax": _softmax,
    "flatten": _flatten,
    "dropout": _dropout,
    "add": _merge,
    "multiply": _merge,
    "maximum": _merge,
    "mean": _merge,
    "concatenate": _concatenate,
    "pad": _pad,
    "slice": _slice,
    "transpose": _transpose,
    "upscale": _upscale,
    "reshape": _reshape,
    "local-response": _local_response,
}
"""``type`` of a table → what makes its operations."""

WEIGHING = ("convolution", "transposed-convolution", "dense")
"""Behind these stands the activation that holds for all layers."""

NORMALISED = ("normalisation",)
"""Behind these it stands instead, where they follow."""

_JOINING = ("add", "multiply", "maximum", "mean", "concatenate")


# Activations

_KNOWN: tuple[ActivationKind, ...] = tuple(
    kind
    for kind in get_args(ActivationKind)
    if kind not in ("untold", "parametric_rectify", "clip", "power")  # those have numbers of their own
)
_ALIASES: Mapping[str, str] = {
    "relu": "rectify", "leaky_relu": "leaky_rectify", "relu6": "clipped_rectify", "silu": "swish",
    "none": "linear", "logistic": "sigmoid",
}  # fmt: skip
_SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}


def activation_of(holder: Table, table: Table) -> Activation | Softmax | None:
    """Return the function that a table says, or that holds for all; None for none.

    Args:
        holder: The table that has the key.
        table: The layer's own.

    Raises:
        MalformedFileError: it says what cannot be.
    """
    table.used.add("activation")
    said = holder.get("activation")
    if said is None and holder is table:
        return None
    inner = Table(
        file=holder.file,
        name=f"{holder.name}.activation" if holder.name else "activation",
        values=said if isinstance(said, dict) else {"kind": said},
    )
    if not isinstance(said, dict) and said not in (*_KNOWN, *_ALIASES, "softmax"):
        raise holder.wrong(
            "activation", f"one of relu, softmax, {', '.join(_KNOWN)}, or {{ kind = …, alpha = … }}"
        )
    word = inner.word("kind", (*_KNOWN, *_ALIASES, "softmax"))
    found = _function(inner, holder, word)
    inner.check_all_used()
    return found


def _function(inner: Table, holder: Table, word: str) -> Activation | Softmax | None:
    if word == "softmax":
        return Softmax()
    kind = cast("ActivationKind", _ALIASES.get(word, word))
    if kind == "linear":
        return None
    usual = {"alpha": 6.0} if word == "relu6" else _SELU if kind == "selu" else {}
    if "alpha" in ACTIVATION_KINDS[kind].needs and "alpha" not in usual and "alpha" not in inner.values:
        raise holder.error(
            f"{word} needs a number, which differs between frameworks: write activation = "
            f'{{ kind = "{word}", alpha = 0.01 }}'
        )
    numbers = {key: inner.number(key, usual.get(key, 1.0)) for key in ("alpha", "scale", "scale_in")}
    return Activation.with_numbers(kind, word, numbers)
