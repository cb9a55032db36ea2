"""Where Keras keeps weights: one HDF5 file in any of its layouts, or several with an index.

- Keras 3: ``layers/<class>_<n>/vars/0``, in models within models again ``…/layers/…``; the group ``vars`` has
  the layer's own name. The last of Keras 2 write the same below ``_layer_checkpoint_dependencies``.
- before: ``model_weights/<layer>/<names>``, listed in the attribute ``weight_names``; a file of weights alone
  has no ``model_weights`` around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import AnyArray, StoredArray
from filtviz.reading.formats.keras.classes import known_classes
from filtviz.reading.hdf5 import Dataset, Group
from filtviz.text import natural_key

__all__ = ["Legacy", "Modern", "Place", "Store", "Weights", "class_in_path", "listed_in", "store_of"]

Place = tuple[str, ...]
"""Where a model lies within others: the names of those around it, and what the store needs to find it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """The arrays of one layer in Keras's order, by ``name`` where the file tells it, else by number."""

    arrays: Mapping[str, AnyArray] = field(default_factory=dict)


class Store(Protocol):
    """Finds the weights of a layer."""

    def listed_as(self, place: str, layers: Sequence[tuple[str, str]]) -> None:
        """Take note of the layers that a configuration lists for the model at ``place``.

        Args:
            place: Where the model lies, empty for the outermost.
            layers: The name and the class of each, in the order of the list.
        """

    def inner(self, place: str, name: str, class_name: str) -> str:
        """Return the place of a model within the model at ``place``."""

    def weights(self, place: str, name: str, class_name: str, opaque: str) -> Weights:
        """Return the weights of a layer of the model at ``place``.

        Args:
            place: Where the model lies, empty for the outermost.
            name: The layer's own name.
            class_name: The layer's class.
            opaque: The type that the layer's policy gives its weights.
        """

    def layers(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield name, class and weights of each layer, for a file without a configuration."""

    def parts(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield the same of layers that are attributes of a model or layer of a class of a user's own."""

    def inside(self, place: str, name: str, class_name: str) -> Iterator[tuple[str, str, Weights]]:
        """Yield the same of the layers that one of a class of a user's own is made of.

        Args:
            place: Where its model lies, empty for the outermost.
            name: Its own name, which theirs begin with.
            class_name: Its class.
        """


def store_of(groups: Sequence[Group]) -> Store | None:
    """Return what finds weights in a file, or in several that make one; None where it is not Keras's."""
    root = groups[0]
    if any(name in root for name in _CONTAINERS) or "vars" in root:
        return Modern(groups)
    model = root.group("model_weights") or root
    return Legacy(model) if "layer_names" in model.attributes or "layer_names0" in model.attributes else None


_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
_DEEPEST = 12
"""Models in one another."""

_NUMBERED = re.compile(r"_\d+\Z")


def class_in_path(name: str) -> str:
    """Return the class that a path names: ``conv2d_transpose_1`` → ``Conv2DTranspose``."""
    stem = _NUMBERED.sub("", name)
    if stem in _known_paths():
        return _known_paths()[stem]
    words = stem.split("_")
    found = "".join(word[:1].upper() + word[1:] for word in words)
    return re.sub(r"(\d)d", lambda match: match[1] + "D", found)


@cache
def _known_paths() -> Mapping[str, str]:
    """Return the classes that filtviz knows, by their names in paths: ``p_re_lu`` → ``PReLU``."""
    return {_snake_case(name): name for name in known_classes()}


def _snake_case(name: str) -> str:
    """Return a class as Keras writes it in paths: ``Conv2DTranspose`` → ``conv2d_transpose``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class Modern:
    """Keras 3's layout."""

    def __init__(self, groups: Sequence[Group]) -> None:
        """Take the root groups of all files."""
        self.groups = groups
        self.children: dict[str, dict[str, list[Group]]] = {}
        self.called: dict[str, dict[str, str]] = {}
        self.counted: dict[str, dict[str, str]] = {}

    def listed_as(self, place: str, layers: Sequence[tuple[str, str]]) -> None:
        """Count the layers of each class, as the paths do where layers have no names of their own."""
        numbers: dict[str, int] = {}
        for name, class_name in layers:
            stem = _snake_case(class_name)
            number = numbers[stem] = numbers.get(stem, -1) + 1
            self.counted.setdefault(place, {})[name] = f"{stem}_{number}" if number else stem

    def _children(self, place: str) -> dict[str, list[Group]]:
        """Return the groups of layers in the model at a place: name in the path → the group in each file."""
        if place not in self.children:
            found: dict[str, list[Group]] = {}
            for root in self.groups:
                model = root.group(place)
                for container in _CONTAINERS:
                    inner = None if model is None else model.group(container)
                    for name in inner or ():
                        if inner is not None and (child := inner.group(name)) is not None:
                            found.setdefault(f"{container}/{name}", []).append(child)
            self.children[place] = found
        return self.children[place]

    def _find(self, place: str, name: str, class_name: str) -> str | None:
        children, called = self._children(place), self._called(place)
        if called:
            return f"{place}/{called[name]}" if name in called else None
        # Without names of their own, layers are counted within their class, or are called as they are.
        counted = self.counted.get(place, {}).get(name, name)
        for container in _CONTAINERS:
            is_counted = f"{container}/{_snake_case(class_name)}" in children
            path = f"{container}/{counted if is_counted else name}"
            if path in children:
                return f"{place}/{path}"
        return None

    def _called(self, place: str) -> dict[str, str]:
        """Return the layers of the model at a place that have names of their own: name → path."""
        if place not in self.called:
            found: dict[str, str] = {}
            for path, groups in self._children(place).items():
                for name in filter(None, map(_own_name, groups)):
                    found.setdefault(name, path)
            self.called[place] = found
        return self.called[place]

    def inner(self, place: str, name: str, class_name: str) -> str:
        """Return the place of a model within another one."""
        return self._find(place, name, class_name) or f"{place}/?"

    def weights(self, place: str, name: str, class_name: str, opaque: str) -> Weights:
        """Return the weights of a layer."""
        found = self._find(place, name, class_name)
        return Weights() if found is None else self._read(found, opaque)

    def wrapped(self, place: str, name: str, class_name: str, opaque: str) -> Weights:
        """Return the weights of the layer that a wrapper such as TimeDistributed holds."""
        found = self._find(place, name, class_name)
        return Weights() if found is None else self._read(f"{found}/layer", opaque)

    def _read(self, path: str, opaque: str) -> Weights:
        held: dict[str, Dataset] = {}
        for root in self.groups:
            variables = root.group(f"{path}/vars")
            if variables is not None:
                held |= variables.datasets()
        arrays = {key: held[key] for key in sorted(held, key=natural_key)}
        return Weights(arrays={key: _array(one, opaque) for key, one in arrays.items()})

    def layers(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield the layers in the order of their paths."""
        waiting: list[tuple[str, str]] = [("", "")]
        while waiting:
            place, prefix = waiting.pop(0)
            if place.count("/") > 2 * _DEEPEST:
                raise MalformedFileError(f"the models in it lie more than {_DEEPEST} in one another")
            children = self._children(place)
            for path in sorted(children, key=natural_key):
                groups, last = children[path], path.rpartition("/")[2]
                own = next(filter(None, map(_own_name, groups)), last)
                groups[0].file.effort.spend_text(len(prefix) + len(own))
                name = prefix + own
                if any("layers" in group for group in groups):
                    waiting.append((f"{place}/{path}", f"{name}/"))
                inner = self._read(f"{place}/{path}/layer", "")
                yield name, class_in_path(last), inner if inner.arrays else self._read(f"{place}/{path}", "")

    def parts(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield what lies in groups that are called as attributes are, in the order of their paths."""
        yield from self._parts("", within=False)

    def inside(self, place: str, name: str, class_name: str) -> Iterator[tuple[str, str, Weights]]:
        """Yield the layers that lie in the group of another one."""
        found = self._find(place, name, class_name)
        for path, called, weights in self._parts(found, within=True) if found is not None else ():
            yield name + path.removeprefix((found or "")[1:]), called, weights

    def _parts(self, start: str, *, within: bool) -> Iterator[tuple[str, str, Weights]]:
        waiting = [(start, within)]
        seen = {(number, root.address) for number, root in enumerate(self.groups)}
        while waiting:
            place, within = waiting.pop(0)
            inner: dict[str, list[Group]] = {}
            for number, root in enumerate(self.groups):
                group = root.group(place) if place else root
                for name in group or ():
                    child = None if group is None or name in _NO_PARTS else group.group(name)
                    if child is not None and (number, child.address) not in seen:
                        seen.add((number, child.address))  # groups may hold each other
                        inner.setdefault(name, []).append(child)
            for name in sorted(inner, key=natural_key):
                self.groups[0].file.effort.spend_text(len(place) + len(name))
                path = f"{place}/{name}"
                is_part = name not in _CONTAINERS and place.rpartition("/")[2] not in _CONTAINERS
                waiting.append((path, within or is_part))
                if within or is_part:
                    called = class_in_path(next(filter(None, map(_own_name, inner[name])), ""))
                    known = called in known_classes()
                    yield path[1:], called if known else class_in_path(name), self._read(path, "")


_NO_PARTS = frozenset({"vars", "layer", "optimizer", "metrics", "cell", "forward_layer", "backward_layer"})
"""Groups that are no layers of their own."""


def _own_name(group: Group) -> str:
    variables = group.group("vars")
    found = None if variables is None else variables.attributes.get("name")
    return found if isinstance(found, str) else ""


def _array(dataset: Dataset, opaque: str) -> StoredArray:
    said = dataset.attributes.get("dtype")
    return dataset.array(said if isinstance(said, str) else opaque)


class Legacy:
    """The layout before Keras 3."""

    def __init__(self, model: Group) -> None:
        """Take the group with the attribute ``layer_names``."""
        self.model = model
        self.names = listed_in(model, "layer_names")
        self.listed: dict[str, list[str]] = {}

    def listed_as(self, place: str, layers: Sequence[tuple[str, str]]) -> None:
        """Take no note: this layout has the layers' own names."""

    def _weight_names(self, layer: str) -> list[str]:
        if layer not in self.listed:
            group = self.model.group(layer)
            self.listed[layer] = [] if group is None else listed_in(group, "weight_names")
        return self.listed[layer]

    def inner(self, place: str, name: str, class_name: str) -> str:
        """Return the place of a model within another one: all are kept under the outermost."""
        del class_name
        return place or name

    def weights(self, place: str, name: str, class_name: str, opaque: str) -> Weights:
        """Return the weights of a layer: those under its name, or in an inner model those that name it."""
        del class_name
        names = self._weight_names(place or name)
        if place:
            self.model.file.effort.spend(len(names))
            names = [one for one in names if name in one.split("/")[:-1]]
        return self._read(place or name, names, opaque)

    def _read(self, layer: str, names: Sequence[str], opaque: str) -> Weights:
        self.model.file.effort.spend(1 + len(names))
        group = self.model.group(layer)
        arrays: dict[str, StoredArray] = {}
        taken = set(names)
        for name in names:
            found = None if group is None else group.get(name)
            if isinstance(found, Dataset):
                last = name.rpartition("/")[2].partition(":")[0]
                arrays[name if last in taken or last in arrays else last] = _array(found, opaque)
        return Weights(arrays=arrays)

    def layers(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield the layers in the file's own order."""
        for layer in self.names:
            below: dict[str, list[str]] = {}
            for name in self._weight_names(layer):
                below.setdefault(name.rpartition("/")[0], []).append(name)
            self.model.file.effort.spend(1 + len(below))
            inner = list(below)
            for path, own in below.items():
                title = layer if len(inner) == 1 else f"{layer}/{path.rpartition('/')[2]}"
                yield title, class_in_path(layer), self._read(layer, own, "")

    def parts(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield nothing: this layout lists all layers."""
        return iter(())

    def inside(self, place: str, name: str, class_name: str) -> Iterator[tuple[str, str, Weights]]:
        """Yield the layers whose weights lie below the name of another one."""
        del class_name
        names = [one for one in self._weight_names(place or name) if name in one.split("/")[:-2]]
        self.model.file.effort.spend(1 + len(names))
        below: dict[str, list[str]] = {}
        for one in names:
            below.setdefault(one.rpartition("/")[0], []).append(one)
        for path, own in below.items():
            last = path.rpartition(f"{name}/")[2]
            yield f"{name}/{last}", class_in_path(last.rpartition("/")[2]), self._read(place or name, own, "")


def listed_in(group: Group, name: str) -> list[str]:
    """Return a list of texts, which Keras cuts into numbered attributes where it is long.

    Args:
        group: The group that has the list as an attribute.
        name: The attribute.
    """
    found = group.attributes.get(name)
    if found is None:
        pieces = (group.attributes.get(f"{name}{place}") for place in range(len(group.attributes)))
        found = [text for piece in pieces if isinstance(piece, list) for text in piece]
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
