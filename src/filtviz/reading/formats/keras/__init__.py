"""Keras: ``.keras``, weights and whole models in HDF5, of Keras 1 to 3; a configuration tells the graph.

The state of an optimiser tells how many steps it took and which layers it has moved. It keeps one to three
moments of each weight that was to be trained when the training began: all those of a weight side by side, or
all weights' first ones before their second ones. Shapes tell of which weights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from filtviz.errors import FiltvizError, LimitError, MalformedFileError, UnsupportedFileError
from filtviz.network import Layer, Network, Origin
from filtviz.reading.arrays import StoredArray
from filtviz.reading.formats.keras.config import Builder, parse, tells_layers
from filtviz.reading.formats.keras.stores import Legacy, Store, listed_in, store_of
from filtviz.reading.formats.keras.weights import layers_without_graph
from filtviz.reading.hdf5 import SIGNATURE, Dataset, Group, open_hdf5
from filtviz.reading.limits import Spending
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.optimised import Held, Moved, is_one_number, moved_among, moved_by_shape
from filtviz.reading.sharded import parsed_object
from filtviz.reading.stretch import view_of
from filtviz.reading.zips import Member
from filtviz.text import names_of_file, natural_key, plural, quoted

__all__ = ["ENTRIES", "open"]

ENTRIES = ("model.weights.json", "model.weights.h5", "tf_model.h5")

_WEIGHTS, _CONFIG, _METADATA = "model.weights.h5", "config.json", "metadata.json"
_OF_ITS_OWN = ("the model is of a class of its own, whose configuration does not tell its layers",)
_OF_LEGACY = ("model_config", "keras_version", "backend")


def open(opened: Opened) -> Network | None:
    """Read a model or its weights.

    Raises:
        UnsupportedFileError: it is an HDF5 file that Keras did not write, or a part of it that is not read.
        MalformedFileError: it is damaged or cut short.
    """
    members = {member.name: member for member in opened.members or ()}
    if {_CONFIG, _METADATA} <= members.keys() and any(name.endswith(".h5") for name in members):
        return _of_zip(opened, members)
    if opened.start.startswith(SIGNATURE):
        return _of_hdf5(opened)
    return _of_index(opened)


def _of_zip(opened: Opened, members: Mapping[str, Member]) -> Network:
    if _WEIGHTS not in members:
        raise UnsupportedFileError(
            "it is a Keras model whose weights lie in several files; save them with save_weights, and name "
            "that file"
        )
    opened.limits.check_json(members[_METADATA].size, "its metadata")
    metadata = parsed_object(members[_METADATA].copy(opened.limits))
    root = open_hdf5(members[_WEIGHTS].open(), opened.effort)
    return _with_optimiser(_in_zip(opened, members, metadata, root), root, opened.effort)


def _in_zip(
    opened: Opened, members: Mapping[str, Member], metadata: Mapping[str, Any], root: Group
) -> Network:
    store = store_of([root])
    config = parse(members[_CONFIG].copy(opened.limits), opened)
    versions = {"keras": metadata.get("keras_version")}
    if store is not None and not tells_layers(config):
        return _by_themselves(opened, store, "keras", versions, _rest(root), _OF_ITS_OWN)
    builder = Builder(opened=opened, store=store, is_keras_3=_is_3(str(metadata.get("keras_version", "3"))))
    layers = builder.build(config)
    origin = _origin(opened, "a Keras model", "keras", versions, _rest(root), builder.notes)
    return Network.of(layers, origin)


def _of_hdf5(opened: Opened) -> Network:
    root = open_hdf5(view_of(opened.data), opened.effort)
    return _with_optimiser(_in_hdf5(opened, root), root, opened.effort)


def _in_hdf5(opened: Opened, root: Group) -> Network:
    store = store_of([root])
    if store is None:
        raise UnsupportedFileError(
            "it is an HDF5 file, but no model or weights of Keras's; save the arrays with numpy.savez, and "
            "name that file"
        )
    facts = {name: root.attributes.get(name) for name in _OF_LEGACY}
    inner = root.group("model_weights")
    if inner is not None:
        facts |= {k: v for k in _OF_LEGACY if facts[k] is None and (v := inner.attributes.get(k)) is not None}
    text = facts["model_config"]
    versions = {"keras": facts["keras_version"], "backend": facts["backend"]}
    if isinstance(text, str):
        config = parse(text.encode(), opened)
        if not tells_layers(config):
            return _by_themselves(opened, store, "HDF5", versions, _rest(root), _OF_ITS_OWN)
        backend = facts["backend"] if isinstance(facts["backend"], str) else None
        is_3 = _is_3(str(facts["keras_version"]))
        builder = Builder(opened=opened, store=store, is_keras_3=is_3, backend=backend)
        layers = builder.build(config)
        origin = _origin(opened, "a Keras model", "HDF5", versions, _rest(root), builder.notes)
        return Network.of(layers, origin)
    return _of_weights(opened, store, "HDF5", versions, _rest(root))


def _of_index(opened: Opened) -> Network | None:
    """Read the index of weights in several files."""
    if opened.start.lstrip()[:1] != b"{" or opened.data.find(b'"weight_map"') < 0:
        return None
    opened.limits.check_json(len(opened.data), "its JSON")
    found = parsed_object(bytes(opened.data)).get("weight_map")
    if not isinstance(found, dict):
        return None
    files: list[str] = []
    for value in found.values():
        files += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    files = list(dict.fromkeys(files))
    if not files or not all(name.endswith(".weights.h5") for name in files):
        return None
    roots = [_root_of(opened, name) for name in files]
    store = store_of(roots)
    if store is None:
        raise MalformedFileError("the files that it names hold no weights of Keras's")
    note = (f"its weights lie in {names_of_file(files, 10)}",)
    return _of_weights(opened, store, "HDF5", {}, (), notes=note)


def _root_of(opened: Opened, name: str) -> Group:
    data = opened.siblings.open(name, as_it_is=True)
    if bytes(data[:8]) != SIGNATURE:
        raise MalformedFileError(
            f"the file {quoted(name, 60)} beside it is no HDF5 file; copy or download it again"
        )
    return open_hdf5(view_of(data), opened.effort)


_BESIDE = (_CONFIG, "model.json", "architecture.json", "model_config.json")


def _of_weights(
    opened: Opened,
    store: Store,
    form: str,
    versions: Mapping[str, Any],
    left_out: Sequence[str],
    notes: Sequence[str] = (),
) -> Network:
    """Read weights alone: with a configuration beside them if one fits, else by themselves."""
    for name in dict.fromkeys((f"{opened.path.name.partition('.')[0]}.json", *_BESIDE)):
        layers = _with_config(opened, store, name)
        if layers is not None:
            note = f"the graph is that of {quoted(name, 60)} beside the weights"
            kind = "weights of Keras's, with their configuration"
            return Network.of(layers, _origin(opened, kind, form, versions, left_out, (*notes, note)))
    return _by_themselves(opened, store, form, versions, left_out, notes)


def _by_themselves(
    opened: Opened,
    store: Store,
    form: str,
    versions: Mapping[str, Any],
    left_out: Sequence[str],
    notes: Sequence[str],
) -> Network:
    """Read weights whose graph nothing tells."""
    found = layers_without_graph(store, opened)
    order = "the list of layers in the file" if isinstance(store, Legacy) else _BY_CLASS
    origin = _origin(
        opened, "weights of Keras's, without their configuration", form, versions, left_out, notes
    )
    return Network.of(found.layers, replace(origin, order=order, inferred=found.inferred))


_BY_CLASS = "the paths, in their natural order: the file counts layers of each class by themselves"


def _with_config(opened: Opened, store: Store, name: str) -> list[Layer] | None:
    """Return the layers as a configuration beside the weights tells them, None where none fits."""
    if name == opened.path.name:
        return None
    try:
        config = parse(bytes(opened.siblings.open(name)), opened)
        layers = Builder(opened=opened, store=store, is_keras_3="module" in config).build(config)
    except FiltvizError:
        return None
    n_found = sum(len(layer.parameters) for layer in layers)
    n_held = sum(len(weights.arrays) for _, _, weights in store.layers())
    return layers if 0 < n_held <= n_found else None


def _rest(root: Group) -> tuple[str, ...]:
    held = {"optimizer": "the optimiser's state", "optimizer_weights": "the optimiser's state"}
    return tuple(dict.fromkeys(what for name, what in held.items() if name in root))


def _origin(
    opened: Opened,
    kind: str,
    form: str,
    versions: Mapping[str, Any],
    left_out: Sequence[str],
    notes: Sequence[str] = (),
) -> Origin:
    found = origin_of(
        opened,
        kind,
        objects=Objects(form=form),
        framework="Keras",
        order="the model's configuration",
        left_out=tuple(left_out),
        notes=notes,
    )
    return replace(found, versions={key: value for key, value in versions.items() if isinstance(value, str)})


def _is_3(version: str) -> bool:
    return version[:1] not in ("0", "1", "2")


_MOST_MOMENTS, _MOST = 3, 20_000
"""Moments of a weight, and what an optimiser keeps in all."""


def _with_optimiser(network: Network, root: Group, effort: Spending) -> Network:
    """Return a network with what the optimiser beside its weights tells of its training.

    Args:
        network: The network.
        root: The file.
        effort: What comparing may take.
    """
    try:
        kept = [each.array() for each in _kept(root)]
        effort.spend(len(kept))
        steps = next((int(each.read()) for each in kept if _counts(each)), 0)
    except LimitError:
        raise
    except FiltvizError:  # one that is damaged tells nothing
        return network
    if steps < 1:
        return network
    found = _moved([each for each in kept if each.shape], network.layers, effort)
    took = f"its optimiser took {plural(steps, 'step')}"
    origin = replace(network.origin, training=(took,), moved=found.moved, resting=found.resting)
    return replace(network, origin=origin)


def _kept(root: Group) -> list[Dataset]:
    """Return what an optimiser keeps, in its order."""
    numbered, named = root.group("optimizer/vars"), root.group("optimizer_weights")
    if numbered is not None:
        held = numbered.datasets() if sum(1 for _ in numbered) <= _MOST else {}
        return [held[name] for name in sorted(held, key=natural_key)]
    found = [] if named is None else [named.get(name) for name in listed_in(named, "weight_names")[:_MOST]]
    return [each for each in found if isinstance(each, Dataset)]


def _counts(array: StoredArray) -> bool:
    return array.shape == () and array.dtype.kind in "iu"


def _moved(moments: Sequence[StoredArray], layers: Sequence[Layer], effort: Spending) -> Moved:
    """Return the layers that have moved, where the moments are those of their weights in one way only."""
    held = list(_held(layers))
    resting = {id(each) for each in moments if is_one_number(each)}
    groups = [_group(kept, resting) for kept in _by_weight(moments)]
    found = {moved_among([held], [(group,)], effort) for group in groups if any(group)} - {Moved()}
    # Weights without a configuration stand in the order of their classes, which is no optimiser's.
    found = found or {moved_by_shape(held, group) for group in groups} - {Moved()}
    return _of_kernels(found.pop()) if len(found) == 1 else Moved()


def _held(layers: Sequence[Layer]) -> Iterator[Held]:
    seen: set[int] = set()
    for layer in layers:
        for each in layer.parameters:
            if id(each) not in seen:
                seen.add(id(each))
                yield f"{layer.name}.{each.name}", tuple(each.shape)


def _by_weight(moments: Sequence[StoredArray]) -> Iterator[Sequence[Sequence[StoredArray]]]:
    """Yield the ways in which moments may be those of one weight after another."""
    n_all = len(moments)
    for n in range(1, _MOST_MOMENTS + 1):
        if n_all % n == 0:
            yield from {
                tuple(map(tuple, ways))
                for ways in (
                    [moments[i : i + n] for i in range(0, n_all, n)],
                    [moments[i :: n_all // n] for i in range(n_all // n)],
                )
                if all(each.shape == way[0].shape for way in ways for each in way)
            }


def _group(
    kept: Sequence[Sequence[StoredArray]], resting: Collection[int]
) -> tuple[tuple[int, ...] | None, ...]:
    """Return the shape of each weight that has moved, None of one whose moments are as at the start."""
    return tuple(None if all(id(one) in resting for one in each) else tuple(each[0].shape) for each in kept)


def _of_kernels(found: Moved) -> Moved:
    """Return the layers whose kernels have moved, or not."""
    moved, resting = (
        frozenset(name.rpartition(".")[0] for name in names if name.endswith("kernel"))
        for names in (found.moved, found.resting)
    )
    return Moved(moved, resting - moved)
