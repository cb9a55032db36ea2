"""Arrays → groups, each the parameters of one layer, by the file's names or by order and shape.

The matrices of Lasagne's recurrent layers are told by how their shapes repeat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from filtviz.operations import USUAL_AXES
from filtviz.reading.formats.bare_arrays.collecting import NamedArray

__all__ = [
    "BATCH_NORM",
    "Conclusion",
    "Group",
    "Sizes",
    "biased_axes",
    "conclude",
    "concluded_axes",
    "fits",
    "group",
    "in_network_order",
    "is_convolution",
    "sizes_of",
]

BATCH_NORM = ("beta", "gamma", "mean", "inv_std")
"""The parameters of a BatchNormLayer in the order in which Lasagne lists them."""


@dataclass(kw_only=True, eq=False)
class Group:
    """The parameters of one layer by name, in order; ``name`` is the layer's, where the file gives one.

    ``recurrence`` says what a recurrent layer is, None for any other.
    """

    name: str | None = None
    fields: dict[str, NamedArray] = field(default_factory=dict)
    recurrence: _Recurrence | None = None

    @property
    def weight(self) -> NamedArray | None:
        """The array called ``W``."""
        return self.fields.get("W")

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of ``W``, ``()`` where there is none."""
        return self.weight.array.shape if self.weight is not None else ()

    @property
    def first(self) -> int:
        """The place of its first array in the file."""
        return min(named.number for named in self.fields.values())

    @property
    def is_batch_norm(self) -> bool:
        """Whether the parameters are those of a batch normalisation."""
        return {"beta", "gamma"} <= set(self.fields)

    @property
    def bias_length(self) -> int | None:
        """The length of the bias, which is the number of filters or units."""
        bias = self.fields.get("b")
        shape = () if bias is None else bias.array.shape
        if not shape:
            return None
        return max(shape) if math.prod(shape) == max(shape) else shape[0]

    def add(self, name: str | None, array: NamedArray) -> None:
        """Add an array; one without a name, or with one that is taken, is called by its place."""
        if name is None or name in self.fields:
            name = f"param_{len(self.fields)}"
        self.fields[name] = array


def group(arrays: Sequence[NamedArray], convs: frozenset[int] = frozenset()) -> list[Group]:
    """Group arrays into layers; ``convs`` are the numbers of those that a person says are convolutions."""
    groups: list[Group] = []
    by_layer: dict[str, list[NamedArray]] = {}
    for named in arrays:
        if named.layer is not None:
            by_layer.setdefault(named.layer, []).append(named)
    by_name = {name: members for name, members in by_layer.items() if _is_one_layer(members)}
    unnamed: list[NamedArray] = []
    for named in arrays:
        if named.layer not in by_name:
            unnamed.append(named)
        elif named is by_name[named.layer][0]:
            groups += _by_order(unnamed, convs)
            unnamed = []
            groups.append(_by_name(named.layer, by_name[named.layer], convs))
    return groups + _by_order(unnamed, convs)


def _is_one_layer(members: Sequence[NamedArray]) -> bool:
    """Tell whether arrays under one name are one layer's: a whole network's list has several weights."""
    if any(member.field is not None for member in members):
        return True
    weights = [member.array.shape for member in members if len(member.array.shape) > 1]
    return len(weights) < 2 or (len(members) == 2 and _is_untied_bias(*weights))


def _is_untied_bias(weight: tuple[int, ...], bias: tuple[int, ...]) -> bool:
    """Tell a bias for each position, ``(filters, rows, cols)``, or one with axes of length 1 around it."""
    if len(weight) == len(bias) == 4 and math.prod(bias) == max(bias) > 1:
        return max(bias) == (weight[-1] if bias[-1] > 1 else weight[0]) and math.prod(weight) > max(bias)
    return len(weight) == 4 and len(bias) == 3 and weight[0] == bias[0]


def _by_name(name: str, members: Sequence[NamedArray], convs: frozenset[int]) -> Group:
    """Group the arrays of one named layer: by their own names, or as ``[W, b]`` or batch norm's four."""
    if any(member.field is not None for member in members):
        found = Group(name=name)
        for member, field_name in zip(members, _fields(members, convs), strict=True):
            found.add(field_name, member)
        return found
    parts = _by_order(members, convs)
    found = parts[0]
    for extra in parts[1:]:
        for field_name, member in extra.fields.items():
            found.add(field_name, member)
    found.name = name
    return found


def _fields(members: Sequence[NamedArray], convs: frozenset[int]) -> list[str | None]:
    """Return the arrays' own names, ``W`` for the one that must be the weights, whatever it is called."""
    names = [member.field for member in members]
    weights = [place for place, member in enumerate(members) if member.number in convs]
    if not weights and "W" not in names:
        weights = [place for place, member in enumerate(members) if len(member.array.shape) > 1]
    if len(weights) == 1:
        names[weights[0]] = "W"
    return names


def _by_order(arrays: Sequence[NamedArray], convs: frozenset[int]) -> list[Group]:
    """Group arrays that have no names: a weight begins a layer, and the vectors that fit it follow."""
    groups: list[Group] = []
    place = 0
    while place < len(arrays):
        named = arrays[place]
        shape = named.array.shape
        recurrence = _recurrence_at(arrays, place) if not convs else None
        if recurrence is not None:
            groups.append(Group(recurrence=recurrence))
            for name, one in zip(recurrence.names, arrays[place:], strict=False):
                groups[-1].add(name, one)
            place += len(recurrence.names)
            continue
        if len(shape) == 1 and named.number not in convs:
            run = list(_run(arrays, place))
            groups += _vectors(run, groups[-1] if groups else None)
            place += len(run)
            continue
        previous = groups[-1] if groups else None
        untied = (
            previous is not None
            and len(previous.fields) == 1
            and _is_untied_bias(previous.weight_shape, shape)
        )
        if untied and named.number not in convs:
            assert previous is not None, "there is one that it is the bias of"
            previous.add("b", named)
        else:
            groups.append(Group())
            groups[-1].add("W" if len(shape) > 1 or named.number in convs else None, named)
        place += 1
    return groups


def _run(arrays: Sequence[NamedArray], place: int) -> Iterator[NamedArray]:
    """Yield the vectors of one length from ``place`` on."""
    length = arrays[place].array.shape
    while place < len(arrays) and arrays[place].array.shape == length:
        yield arrays[place]
        place += 1


def _vectors(run: list[NamedArray], previous: Group | None) -> list[Group]:
    """Divide vectors of one length into the bias of the weights before them and batch normalisations.

    Lasagne lists ``W`` and ``b``, then ``beta, gamma, mean, inv_std``; a batch-normalised layer has no bias.
    """
    length = run[0].array.shape[0]
    fits = previous is not None and len(previous.fields) == 1 and length in previous.weight_shape
    if previous is not None and fits and len(run) % 4:
        previous.add("b", run[0])
        run = run[1:]
    groups = []
    for start in range(0, len(run), 4):
        four = run[start : start + 4]
        groups.append(Group())
        for i, named in enumerate(four):
            groups[-1].add(BATCH_NORM[i] if len(four) == 4 else None, named)
    return groups


Sizes = tuple[int | None, int | None]
"""What a layer takes and what it gives: channels and filters, or units; None where nothing tells."""


CHANNELS_LAST: Mapping[int, str] = {3: "cio", 4: "rcio", 5: "drcio"}
"""Number of axes of weights → their order as Keras, TensorFlow and JAX store them."""

LARGEST_KERNEL = 15
"""Pixels up to which a square kernel is taken for one without more evidence."""


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The order of the axes of each convolution, None for what is none, and how sure it is.

    ``channels_last`` tells that kernels are taken to be stored as Keras does; ``certain`` that no other
    reading fits the biases, the numbers of channels and the sizes of kernels as well.
    """

    axes: tuple[str | None, ...]
    channels_last: bool = False
    certain: bool = True


def conclude(groups: Sequence[Group], is_conv: Sequence[bool]) -> Conclusion:
    """Return what the shapes of all arrays together tell of the axes of convolutions.

    A file is of one convention: filters first, as Lasagne and PyTorch store them, or last. The number of
    biases, the channels from layer to layer, and whether kernels are small and square decide between them.
    """
    first = concluded_axes(groups, is_conv)
    last = _channels_last_axes(groups, is_conv)
    scores = [(-_contradictions(groups, axes), _evidence(groups, axes)) for axes in (first, last)]
    if scores[1] > scores[0]:
        return Conclusion(axes=tuple(last), channels_last=True, certain=scores[0][0] < scores[1][0])
    return Conclusion(axes=tuple(first), certain=scores[0] > scores[1])


def _channels_last_axes(groups: Sequence[Group], is_conv: Sequence[bool]) -> list[str | None]:
    """Return the orders of a file whose kernels are stored as Keras does; biases tell the transposed ones."""
    orders: list[str | None] = []
    for found, conv in zip(groups, is_conv, strict=True):
        shape = found.weight_shape
        order = CHANNELS_LAST.get(len(shape)) if conv else None
        if order is not None and shape[-1] != shape[-2] == found.bias_length:
            order = order.replace("io", "oi")
        orders.append(order)
    return orders


def _contradictions(groups: Sequence[Group], axes: Sequence[str | None]) -> int:
    """Count the convolutions whose biases are not as many as their filters."""
    return sum(
        order is not None and found.bias_length is not None and found.bias_length != sizes_of(found, order)[1]
        for found, order in zip(groups, axes, strict=True)
    )


def _evidence(groups: Sequence[Group], axes: Sequence[str | None]) -> int:
    """Count what speaks for a reading: sizes that fit each other, and kernels that look like kernels."""
    likely = 0
    for found, order in zip(groups, axes, strict=True):
        lengths = {n for n, axis in zip(found.weight_shape, order or "", strict=False) if axis in "drc"}
        likely += 2 * (len(lengths) == 1 and max(lengths) <= LARGEST_KERNEL)
    return likely + fits(groups, axes)


def concluded_axes(groups: Sequence[Group], is_conv: Sequence[bool]) -> list[str | None]:
    """Return the order of the axes of each convolution whose filters come first, or second where transposed.

    The bias tells it, or else both neighbours. Weights of which neither tells anything have the usual order,
    unless those of the layers around fit clearly better where the first one is transposed.
    """
    usual, transposed = (_chained_axes(groups, is_conv, first_swapped=swapped) for swapped in (False, True))
    return transposed if fits(groups, transposed) > fits(groups, usual) + 1 else usual


def _chained_axes(
    groups: Sequence[Group], is_conv: Sequence[bool], *, first_swapped: bool
) -> list[str | None]:
    orders: list[str | None] = []
    before: int | None = None
    for place, (found, conv) in enumerate(zip(groups, is_conv, strict=True)):
        shape = found.weight_shape
        order = USUAL_AXES.get(len(shape)) if conv else None
        if order is not None:
            swapped = first_swapped if before is None else _fits_turned(groups, place, before)
            order = _by_bias(found, order) or (_input_first(order) if swapped else order)
        orders.append(order)
        before = sizes_of(found, order)[1] or before
    return orders


def _fits_turned(groups: Sequence[Group], place: int, before: int) -> bool:
    """Tell a convolution that fits the layer below and the one above only where its channels come first."""
    shape = groups[place].weight_shape
    if not shape[1] != before == shape[0]:
        return False
    above = next((one.weight_shape for one in groups[place + 1 :] if len(one.weight_shape) > 1), None)
    return above is None or shape[1] in above[:2] or (len(above) == 2 and above[0] % shape[1] == 0)


def _input_first(axes: str) -> str:
    """Return the order of a transposed convolution."""
    return axes.replace("oi", "io")


def biased_axes(found: Group) -> str:
    """Return the order that the bias of a convolution tells, Lasagne's usual order where it tells none."""
    usual = USUAL_AXES[len(found.weight_shape)]
    return _by_bias(found, usual) or usual


def _by_bias(found: Group, usual: str) -> str | None:
    shape = found.weight_shape
    if found.bias_length not in shape[:2]:
        return None
    return usual if found.bias_length == shape[0] else _input_first(usual)


def sizes_of(found: Group, axes: str | None, dense_axes: str = "io") -> Sizes:
    """Return what a layer takes and gives, as far as its parameters tell."""
    shape = found.weight_shape
    if found.recurrence is not None:
        return found.recurrence.takes, found.recurrence.units
    if axes is not None:
        if "g" in axes:
            return shape[axes.index("g")], shape[axes.index("g")] * shape[axes.index("o")]
        return (shape[axes.index("i")] if "i" in axes else None), shape[axes.index("o")]
    if len(shape) == 2:
        return shape[dense_axes.index("i")], shape[dense_axes.index("o")]
    lengths = {named.array.shape for named in found.fields.values() if len(named.array.shape) == 1}
    length = lengths.pop()[0] if len(lengths) == 1 and not shape else None
    return length, length


def fits(groups: Sequence[Group], axes: Sequence[str | None]) -> int:
    """Count what speaks for an order: biases that fit their weights, layers that fit the next one."""
    sizes = [sizes_of(found, order) for found, order in zip(groups, axes, strict=True)]
    with_weights = [
        (takes, gives)
        for found, (takes, gives) in zip(groups, sizes, strict=True)
        if found.weight or found.recurrence
    ]
    biases = sum(
        found.bias_length is not None and found.bias_length == gives
        for found, (_, gives) in zip(groups, sizes, strict=True)
    )
    return biases + sum(
        first[1] is not None and first[1] == second[0] for first, second in pairwise(with_weights)
    )


def is_convolution(one: Group) -> bool:
    """Tell a convolution; weights of three axes may be something else, unless each filter has its bias."""
    shape = one.weight_shape
    return len(shape) in (4, 5) or (len(shape) == 3 and shape[0] == one.bias_length)


def in_network_order(arrays: Sequence[NamedArray]) -> list[Group]:
    """Group arrays into layers, inputs first.

    Where the file names the layers, or lists a recurrent one as Lasagne does, its order stands. Else the
    list, its layers from the last to the first, and its arrays from the last to the first (nolearn 0.5 writes
    ``b, W`` so) are compared, and the order is taken in which most biases and layers fit each other; the
    file's own where none is better.
    """
    groups = group(arrays)
    if any(named.layer is not None for named in arrays) or any(one.recurrence for one in groups):
        return groups
    as_it_is = fits(groups, concluded_axes(groups, [is_convolution(one) for one in groups]))
    turned = max((groups[::-1], group(arrays[::-1])), key=_fitting_turned)
    return turned if _fitting_turned(turned) > as_it_is else groups


def _fitting_turned(groups: Sequence[Group]) -> int:
    """Count what speaks for a list that is turned round; there no layer is taken to be transposed to fit."""
    return fits(groups, [biased_axes(one) if is_convolution(one) else None for one in groups])


_GATES = {
    "LSTM": ("ingate", "forgetgate", "cell", "outgate"),
    "GRU": ("updategate", "resetgate", "hidden_update"),
}
_PEEPHOLES = ("W_cell_to_ingate", "W_cell_to_forgetgate", "W_cell_to_outgate")
_STARTS = {"LSTM": ("cell_init", "hid_init"), "GRU": ("hid_init",)}


@dataclass(frozen=True, kw_only=True)
class _Recurrence:
    """A recurrent layer: what it is, how many values it ``takes`` and ``units`` it has, its arrays' names."""

    kind: str
    takes: int
    units: int
    names: tuple[str, ...]


def _recurrence_at(arrays: Sequence[NamedArray], place: int) -> _Recurrence | None:
    """Return the recurrent layer whose arrays begin at a place, None where none does.

    For each gate Lasagne lists what it takes of the input, of the layer itself, and its bias; then, of an
    LSTM, what it takes of the cell, and the values to start from, ``(1, units)``. Dense layers one after
    another have other shapes, unless all are square: then the values to start from have to be there.

    Args:
        arrays: Without names, in the order of the file.
        place: Where to look.
    """
    shapes = [named.array.shape for named in arrays[place : place + _LONGEST]]
    found = _simple(shapes)
    for kind in _GATES:
        found = found or _gated(kind, shapes)
    return found


_LONGEST = 17
"""Arrays of the layer that has most of them."""


def _gated(kind: str, shapes: Sequence[tuple[int, ...]]) -> _Recurrence | None:
    if len(shapes[0]) != 2:
        return None
    takes, units = shapes[0]
    gates = _GATES[kind]
    if list(shapes[: 3 * len(gates)]) != [(takes, units), (units, units), (units,)] * len(gates):
        return None
    names = [name for gate in gates for name in (f"W_in_to_{gate}", f"W_hid_to_{gate}", f"b_{gate}")]
    more = [_PEEPHOLES] if kind == "LSTM" else []
    for extra, shape in [*((each, (units,)) for each in more), (_STARTS[kind], (1, units))]:
        if list(shapes[len(names) : len(names) + len(extra)]) == [shape] * len(extra):
            names += extra
    is_started = names[-1] == "hid_init"
    if not is_started and (takes == units or units == 1):
        return None
    return _Recurrence(kind=kind, takes=takes, units=units, names=tuple(names))


def _simple(shapes: Sequence[tuple[int, ...]]) -> _Recurrence | None:
    """Return a plain recurrent layer: values to start from, a matrix with its bias, and one of its own."""
    if len(shapes[0]) != 2 or shapes[0][0] != 1:
        return None
    units = shapes[0][1]
    names = ["hid_init", *_matrix(shapes[1:], "W_in_to_hid", units)]
    inner = list(_matrix(shapes[len(names) :], "W_hid_to_hid", units))
    if len(names) < 3 or not inner or units == 1 or shapes[3] != (units, units):
        return None
    return _Recurrence(kind="Recurrent", takes=shapes[1][0], units=units, names=(*names, *inner))


def _matrix(shapes: Sequence[tuple[int, ...]], name: str, units: int) -> Iterator[str]:
    """Yield the names of a matrix that gives so many units, and of its bias."""
    if shapes and len(shapes[0]) == 2 and shapes[0][1] == units:
        yield name
        if shapes[1:2] == [(units,)]:
            yield name.replace("W_", "b_")
