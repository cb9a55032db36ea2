"""The weights of one file in the graph of another: ``--like`` for files that hold arrays and no graph.

Arrays are matched by their names where both files have these, and what is left over in the order in which the
files list it. Nothing is taken on trust: every shape is checked, and no array of the graph's own file is
left in the network, or what is computed would be of two files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from filtviz.errors import SelectionError
from filtviz.network import Layer, Network
from filtviz.operations import (
    Convolution,
    Dense,
    LocallyConnected,
    Operation,
    parameters_of,
    with_parameters,
)
from filtviz.parameter import Parameter
from filtviz.text import listed, plural, printable

__all__ = ["graft"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Array:
    """A parameter and the layer that has it; ``keys`` are the names by which it may be known elsewhere."""

    layer: Layer
    parameter: Parameter
    keys: tuple[str, ...]

    def __str__(self) -> str:
        named = self.layer.name or not self.parameter.source
        what = f"{self.layer.title}, {self.parameter.name}" if named else self.parameter.source
        return f"{printable(what, 60)} ({_by(self.parameter.shape)})"


def graft(weights: Network, graph: Network) -> Network:
    """Return the network of one file with the weights of another.

    Args:
        weights: What a file holds that has no graph.
        graph: A network of the same layers, whose own weights are left aside.

    Raises:
        SelectionError: the graph is none, or the arrays do not fit it; the sentence says where.
    """
    ours, theirs = _name(weights, "the model in memory"), _name(graph, "the other network")
    if graph.has_no_graph or not graph.layers:
        raise SelectionError(
            f"{theirs} holds {graph.origin.kind}, which has no graph to take over: give a file that has one, "
            "such as an .onnx, .keras or .pt2 file or a pickled network"
        )
    given, wanted = _arrays(weights), _stored(graph, theirs)
    pairs, n_named = _matched(given, wanted, ours, theirs)
    _check_conventions(weights, pairs, ours, theirs)
    for mine, other in pairs:
        _check(mine, other, ours, theirs)
    changed = {id(other.parameter): _renamed(mine, other) for mine, other in pairs}
    layers = tuple(_exchanged(layer, changed) for layer in graph.layers)
    origin = replace(
        weights.origin,
        kind=f"{weights.origin.kind}, with the graph of {theirs}",
        framework=weights.origin.framework or graph.origin.framework,
        order="",
        guess="",
        graph=theirs,
        inferred=(_sentence(theirs, len(pairs), n_named),),
        siblings=_files(weights, graph),
    )
    return Network(layers=layers, origin=origin, history=weights.history)


def _name(network: Network, otherwise: str) -> str:
    return otherwise if network.origin.path is None else printable(network.origin.path.name, 80)


def _files(weights: Network, graph: Network) -> tuple[Path, ...]:
    """Return the files that make up the network beside that of the weights."""
    more = () if graph.origin.path is None else (graph.origin.path.absolute(), *graph.origin.siblings)
    return (*weights.origin.siblings, *more)


def _sentence(theirs: str, n: int, n_named: int) -> str:
    how = {n: "by name", 0: "in order"}.get(n_named, f"{n_named:,} by name and the others in order")
    return f"the graph is that of {theirs}: {plural(n, 'array')} matched {how}, and all shapes fit"


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "one number"


# What there is


def _arrays(network: Network) -> list[_Array]:
    """Return the arrays of a file without a graph, each once, those too that are computed of others."""
    found: dict[int, _Array] = {}
    for layer in network.layers:
        computed = [one for each in layer.operations for one in parameters_of(each)]
        for one in (*computed, *layer.parameters):
            found.setdefault(id(one), _Array(layer=layer, parameter=one, keys=tuple(_keys(layer, one))))
    order = {id(one): place for place, one in enumerate(p for n in network.layers for p in n.parameters)}
    return sorted(found.values(), key=lambda each: order.get(id(each.parameter), -1))


def _stored(network: Network, name: str) -> list[_Array]:
    """Return the arrays of a graph, each once.

    Raises:
        SelectionError: some are computed of others, so that exchanging these would not change them.
    """
    found: dict[int, _Array] = {}
    for layer in network.layers:
        for one in layer.parameters:
            found.setdefault(id(one), _Array(layer=layer, parameter=one, keys=tuple(_keys(layer, one))))
    for layer in network.layers:
        for operation in layer.operations:
            if any(id(one) not in found for one in parameters_of(operation)):
                raise SelectionError(
                    f"{name} computes what {layer.title} applies of several arrays, so that weights cannot "
                    "be exchanged: save that network in another format, such as ONNX or .keras"
                )
    return list(found.values())


_PLACES = re.compile(r"(arr_)?\d+(/\d+)*\Z")
"""What only counts arrays."""


def _keys(layer: Layer, parameter: Parameter) -> Iterator[str]:
    """Yield the names by which an array may be known in another file."""
    if layer.name:
        yield _plain(f"{layer.name}.{parameter.name}")
    if parameter.source and not _PLACES.match(parameter.source):
        yield _plain(parameter.source)


def _plain(name: str) -> str:
    return re.sub(r"[/:]+", ".", name).strip(".").lower()


# Which is which


def _matched(
    given: Sequence[_Array], wanted: Sequence[_Array], ours: str, theirs: str
) -> tuple[list[tuple[_Array, _Array]], int]:
    """Return for each array of the graph the one to put there, and how many have the same name.

    Raises:
        SelectionError: there are more on one side.
    """
    named = _by_name(given, wanted)
    taken = {id(mine) for mine in named.values()}
    needed = {id(part) for each in named.values() for part in _parts(each)}
    left = [
        each
        for each in given
        if id(each) not in taken and id(each.parameter) not in needed and not _counts(each.parameter)
    ]
    missing = [each for each in wanted if id(each) not in named]
    if named:  # positions and the like, which a graph need not have as weights
        left = [each for each in left if each.parameter.dtype.kind not in "iub"]
    if len(left) != len(missing):
        raise SelectionError(_unequal(left, missing, len(named), ours, theirs))
    left = _in_order(left, missing)
    found = {**named, **{id(other): mine for mine, other in zip(left, missing, strict=True)}}
    return [(found[id(other)], other) for other in wanted], len(named)


def _parts(array: _Array) -> Iterator[Parameter]:
    """Yield what an array is computed of, where the file stores it so."""
    if all(one is not array.parameter for one in array.layer.parameters):
        used = {id(one) for each in array.layer.operations for one in parameters_of(each)}
        yield from (one for one in array.layer.parameters if id(one) not in used)


def _counts(parameter: Parameter) -> bool:
    """Tell a number that is no weight, such as the batches that a normalisation has seen."""
    return parameter.shape == () and parameter.dtype.kind in "iu"


def _by_name(given: Sequence[_Array], wanted: Sequence[_Array]) -> dict[int, _Array]:
    """Return by the `id` of the graph's arrays those that have the same name.

    What stands before all names of a file, as ``module.``, is left out where more names fit then.
    """
    ways: tuple[Callable[[str], str], ...] = (str, _without_prefix(given))
    others: tuple[Callable[[str], str], ...] = (str, _without_prefix(wanted))
    tried = [_same_names(given, wanted, mine, other) for mine in ways for other in others]
    return max(tried, key=len)


def _same_names(
    given: Sequence[_Array], wanted: Sequence[_Array], mine: Callable[[str], str], other: Callable[[str], str]
) -> dict[int, _Array]:
    by_key = _unique(given, mine)
    found: dict[int, _Array] = {}
    taken: set[int] = set()
    for key, array in _unique(wanted, other).items():
        one = by_key.get(key)
        if one is not None and id(array) not in found and id(one) not in taken:
            found[id(array)] = one
            taken.add(id(one))
    return found


def _unique(arrays: Sequence[_Array], way: Callable[[str], str]) -> dict[str, _Array]:
    keyed = [(key, each) for each in arrays for key in dict.fromkeys(map(way, each.keys))]
    n_times = Counter(key for key, _ in keyed)
    return {key: each for key, each in keyed if n_times[key] == 1}


def _without_prefix(arrays: Sequence[_Array]) -> Callable[[str], str]:
    """Return what leaves out the words that all names of a file begin with."""
    names = [each.keys[-1].split(".") for each in arrays if each.keys]
    n_shared = 0
    while names and all(len(one) > n_shared + 2 for one in names):
        if len({one[n_shared] for one in names}) > 1:
            break
        n_shared += 1
    prefix = "".join(f"{word}." for word in names[0][:n_shared]) if names else ""
    return lambda key: key.removeprefix(prefix)


def _in_order(given: list[_Array], wanted: Sequence[_Array]) -> list[_Array]:
    """Return as many arrays in the order in which they fit: the file's, or (nolearn 0.5) from its end."""

    def n_fits(order: Sequence[_Array]) -> int:
        return sum(
            mine.parameter.shape == other.parameter.shape for mine, other in zip(order, wanted, strict=True)
        )

    return max((given, given[::-1]), key=n_fits)


def _unequal(left: list[_Array], missing: list[_Array], n_named: int, ours: str, theirs: str) -> str:
    """Say that one file has arrays which the other has not."""
    if not n_named:
        return (
            f"{ours} has {plural(len(left), 'array')} and {theirs} {len(missing):,}, and their names do not "
            f"match: {_first_difference(left, missing, ours, theirs)}; give a file of the same network"
        )
    parts = [
        f"{name} has {listed([str(each) for each in arrays], 3)}, which {other} has not"
        for name, other, arrays in ((ours, theirs, left), (theirs, ours, missing))
        if arrays
    ]
    folded = any(each.parameter.name.startswith(("running_", "moving_")) for each in left)
    hint = " (it may have been saved with its normalisations folded into the convolutions)" if folded else ""
    return f"{' and '.join(parts)}: give a file of the same network{hint}"


def _first_difference(left: list[_Array], missing: list[_Array], ours: str, theirs: str) -> str:
    left = left[::-1] if len(left) > 1 and len(missing) > 1 and _fits_turned(left, missing) else left
    for mine, other in zip(left, missing, strict=False):
        if mine.parameter.shape != other.parameter.shape:
            return f"the first that differ are {mine} and {other}"
    longer, name = (left, ours) if len(left) > len(missing) else (missing, theirs)
    return f"{name} goes on with {longer[min(len(left), len(missing))]}"


def _fits_turned(left: list[_Array], missing: list[_Array]) -> bool:
    first = missing[0].parameter.shape
    return left[0].parameter.shape != first and left[-1].parameter.shape == first


# Whether it fits


def _check(mine: _Array, other: _Array, ours: str, theirs: str) -> None:
    """Pass silently where an array has the shape that the graph wants.

    Raises:
        SelectionError: it has another.
    """
    shape, wanted = mine.parameter.shape, other.parameter.shape
    if shape == wanted:
        return
    what = f"{printable(other.layer.title, 60)} in {theirs} has {other.parameter.name} of {_by(wanted)}"
    source = printable(mine.parameter.source or mine.parameter.name, 60)
    advice = "give a file of the same network"
    if sorted(shape) == sorted(wanted):
        advice = "these are axes in another order: give a graph of the framework that saved the weights"
    raise SelectionError(f"{what}, and {ours} gives it {source} of {_by(shape)}: {advice}")


def _check_conventions(
    weights: Network, pairs: Sequence[tuple[_Array, _Array]], ours: str, theirs: str
) -> None:
    """Pass silently where arrays of one shape mean the same to both frameworks.

    Lasagne turns its kernels, and stores dense weights the other way round than PyTorch: square ones fit.

    Raises:
        SelectionError: they mean another thing.
    """
    if not weights.origin.framework:
        return
    for mine, other in pairs:
        one, two = _applied(mine), _applied(other)
        if one is None or two is None:
            continue
        this, that = theirs, ours
        if one.axes[:1] != two.axes[:1] and type(one) is type(two) is Dense:
            differs = "stores dense weights the other way round"
        elif not isinstance(one, Dense) and not isinstance(two, Dense) and _turned(one) != _turned(two):
            differs = "turns its kernels by 180 degrees"
            this, that = (ours, theirs) if _turned(one) else (theirs, ours)
        else:
            continue
        raise SelectionError(
            f"the framework of {this} {differs}, that of {that} does not ({other.layer.title}): give a "
            "graph of the framework that saved the weights"
        )


def _turned(kernels: Convolution | LocallyConnected) -> bool:
    return bool(kernels.flip_filters)


def _applied(array: _Array) -> Convolution | LocallyConnected | Dense | None:
    """Return the operation that weighs with an array."""
    found: Sequence[Operation] = array.layer.operations
    return next(
        (
            each
            for each in found
            if isinstance(each, Convolution | LocallyConnected | Dense) and each.weights is array.parameter
        ),
        None,
    )


def _renamed(mine: _Array, other: _Array) -> Parameter:
    return replace(mine.parameter, name=other.parameter.name)


def _exchanged(layer: Layer, changed: dict[int, Parameter]) -> Layer:
    return replace(
        layer,
        parameters=tuple(changed[id(one)] for one in layer.parameters),
        operations=tuple(with_parameters(each, changed) for each in layer.operations),
    )
