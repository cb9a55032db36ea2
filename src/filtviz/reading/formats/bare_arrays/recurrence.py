"""The matrices of Lasagne's recurrent layers among arrays without names, told by how their shapes repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from filtviz.reading.formats.bare_arrays.collecting import NamedArray

__all__ = ["Recurrence", "recurrence_at"]

_GATES = {
    "LSTM": ("ingate", "forgetgate", "cell", "outgate"),
    "GRU": ("updategate", "resetgate", "hidden_update"),
}
_PEEPHOLES = ("W_cell_to_ingate", "W_cell_to_forgetgate", "W_cell_to_outgate")
_STARTS = {"LSTM": ("cell_init", "hid_init"), "GRU": ("hid_init",)}


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """A recurrent layer: what it is, how many values it ``takes`` and ``units`` it has, its arrays' names."""

    kind: str
    takes: int
    units: int
    names: tuple[str, ...]


def recurrence_at(arrays: Sequence[NamedArray], place: int) -> Recurrence | None:
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


def _gated(kind: str, shapes: Sequence[tuple[int, ...]]) -> Recurrence | None:
    if not shapes or len(shapes[0]) != 2:
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
    return Recurrence(kind=kind, takes=takes, units=units, names=tuple(names))


def _simple(shapes: Sequence[tuple[int, ...]]) -> Recurrence | None:
    """Return a plain recurrent layer: values to start from, a matrix with its bias, and one of its own."""
    if not shapes or len(shapes[0]) != 2 or shapes[0][0] != 1:
        return None
    units = shapes[0][1]
    names = ["hid_init", *_matrix(shapes[1:], "W_in_to_hid", units)]
    inner = list(_matrix(shapes[len(names) :], "W_hid_to_hid", units))
    if len(names) < 3 or not inner or units == 1 or shapes[3] != (units, units):
        return None
    return Recurrence(kind="Recurrent", takes=shapes[1][0], units=units, names=(*names, *inner))


def _matrix(shapes: Sequence[tuple[int, ...]], name: str, units: int) -> Iterator[str]:
    """Yield the names of a matrix that gives so many units, and of its bias."""
    if shapes and len(shapes[0]) == 2 and shapes[0][1] == units:
        yield name
        if shapes[1:2] == [(units,)]:
            yield name.replace("W_", "b_")
