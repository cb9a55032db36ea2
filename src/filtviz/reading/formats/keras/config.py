"""Keras's configuration → layers: JSON text, of which classes are only names.

Models within models are taken apart: their layers stand among the others, with the model's name before
their own.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.network import ConvLayer, Layer
from filtviz.operations import Input, Operation, Untold
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import parameter_of
from filtviz.reading.formats.keras.classes import Case, is_known, name_of_today, operations_of, roles_of
from filtviz.reading.formats.keras.stores import Modern, Store, Weights
from filtviz.reading.formats.keras.weights import layers_of_part
from filtviz.reading.layering import add_layer, make_layer, shapes_of
from filtviz.reading.opened import Opened
from filtviz.text import listed, printable

__all__ = ["Builder", "parse", "tells_layers"]

_DEEPEST = 12
"""Models in one another."""

Reference = tuple[str, int]
"""A layer's name and the number of its call."""


def parse(text: bytes, opened: Opened) -> Mapping[str, Any]:
    """Return a configuration, ``class_name`` and ``config`` among its keys.

    Raises:
        MalformedFileError: it is no JSON, or no configuration of a model.
        LimitError: it is too long.
    """
    opened.limits.check_json(len(text), "its configuration")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(
            "the model's configuration in it is damaged; save the model again"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("class_name"), str):
        raise MalformedFileError("the configuration in it is that of no model of Keras")
    return found


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A layer of a configuration: its name, class and configuration, and what each of its calls is given."""

    name: str
    class_name: str
    config: Mapping[str, Any]
    calls: Sequence[Sequence[Reference]]

    @classmethod
    def of(cls, value: Any) -> _Entry | None:
        """Read an entry, None where it is none."""
        if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
            return None
        config = value.get("config")
        inner: Mapping[str, Any] = _of_today(config) if isinstance(config, dict) else {"layers": config}
        class_name = value["class_name"][:_LONGEST_CLASS]
        name = inner.get("name") or value.get("name") or class_name
        nodes = value.get("inbound_nodes")
        calls = [list(_references(node)) for node in nodes] if isinstance(nodes, list) else []
        return cls(name=str(name), class_name=class_name, config=inner, calls=calls)

    @cached_property
    def weight(self) -> int:
        """The steps of going through its configuration."""
        return _weight(self.config)

    @property
    def is_model(self) -> bool:
        """Whether it is a model with layers of its own."""
        return isinstance(self.config.get("layers"), list)


_LONGEST_CLASS = 200
"""Characters of a class's name that are kept: it is taken apart again and again."""

_OLD_WORDS = {
    "nb_filter": "filters", "subsample": "strides", "subsample_length": "strides", "border_mode": "padding",
    "atrous_rate": "dilation_rate", "output_dim": "units", "p": "rate",
}  # fmt: skip
"""Keras 1's words for what a layer does, and today's."""


def _of_today(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a configuration in the words that Keras has had since its second version."""
    found = {new: config[old] for old, new in _OLD_WORDS.items() if old in config}
    if "dim_ordering" in config:
        found["data_format"] = "channels_first" if config["dim_ordering"] == "th" else "channels_last"
    return {**found, **config}


def _references(node: Any) -> Iterator[Reference]:
    """Yield what a call is given: ``["name", node, tensor, {}]``, or Keras 3's tensors with a history.

    What is given by keyword comes last.
    """
    waiting = deque([node])
    while waiting:
        value = waiting.popleft()
        if isinstance(value, dict):
            inner = value.get("config")
            history: Any = inner.get("keras_history") if isinstance(inner, dict) else None
            if value.get("class_name") == "__keras_tensor__" and _is_reference(history):
                yield history[0], history[1]
            elif "args" in value:
                waiting.appendleft(value["args"])
                waiting.append(value.get("kwargs"))
            elif "class_name" not in value:
                waiting.extendleft([one for one in value.values() if isinstance(one, dict | list)][::-1])
        elif isinstance(value, list):
            if _is_reference(value):
                yield value[0], value[1]
                waiting.extend(one for one in value[3:] if isinstance(one, dict))
            else:
                waiting.extendleft(value[::-1])


def _is_reference(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int


def _weight(value: Any) -> int:
    """Return the steps of going through a configuration: one for each part, and for sixteen characters."""
    total, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        total += 1
        if isinstance(one, dict):
            total += sum(map(len, one)) >> 4
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str):
            total += len(one) >> 4
    return total


def _first_calls(entries: Sequence[_Entry], ends: Sequence[Reference]) -> Mapping[str, int]:
    """Return the number of the first call of each model within: 1 where Keras 2 counts its own input first.

    Args:
        entries: The layers of a model.
        ends: What gives its results.
    """
    named: dict[str, set[int]] = {}
    for name, number in (*ends, *(one for entry in entries for call in entry.calls for one in call)):
        named.setdefault(name, set()).add(number)
    return {one.name: 1 for one in entries if one.is_model and 0 not in named.get(one.name, {0})}


def tells_layers(config: Mapping[str, Any]) -> bool:
    """Tell whether a configuration is that of a model which says what it is made of.

    Args:
        config: The configuration.
    """
    entry = _Entry.of(config)
    return entry is not None and entry.is_model


@dataclass(kw_only=True, eq=False)
class Builder:
    """Makes the layers of a model.

    Attributes:
        opened: The file.
        store: What finds the weights.
        is_keras_3: Whether Keras 3 wrote the configuration.
        backend: What it ran on, as far as the file tells.
        layers: The layers so far.
        channels_last: Whether the model is given images with the channels behind.
        opened_up: Layers of classes of a user's own whose parts are among the layers.
        unplaced: Layers of which the configuration does not tell what they are given.
        n_frozen: How many of the models around what is being added are not to be trained.
        met: Lists of layers that were gone through, by their `id`.
    """

    opened: Opened
    store: Store | None
    is_keras_3: bool
    backend: str | None = None
    layers: list[Layer] = field(default_factory=list)
    parameters: dict[tuple[str, str], Mapping[str, Parameter]] = field(default_factory=dict)
    channels_last: bool = True
    opened_up: set[tuple[str, str]] = field(default_factory=set)
    unplaced: list[str] = field(default_factory=list)
    n_frozen: int = 0
    met: set[int] = field(default_factory=set)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what the configuration does not tell."""
        said = []
        if self.unplaced:
            names = listed([printable(name, 60) for name in self.unplaced], 8)
            said.append(
                f"the configuration does not tell in a way that can be followed what {names} are given"
            )
        if any(one.flip_filters is None for one in self.layers if isinstance(one, ConvLayer)):
            said.append(
                "the file does not tell its backend: Theano turns kernels before they are used, others do not"
            )
        return tuple(said)

    def build(self, config: Mapping[str, Any]) -> list[Layer]:
        """Return the layers of a whole configuration."""
        entry = _Entry.of(config)
        if entry is None or not entry.is_model:
            raise MalformedFileError(
                "the model in it is of a class of its own, whose configuration does not tell its layers"
            )
        self.channels_last = not _has_channels_in_front(entry.config["layers"])
        self._model(entry, "", "", (), 0)
        return self.layers

    def _model(
        self, model: _Entry, place: str, prefix: str, given: Sequence[int], depth: int
    ) -> tuple[int, ...]:
        """Add the layers of a model; return those that give its results."""
        if depth > _DEEPEST:
            raise MalformedFileError(f"the models in it lie more than {_DEEPEST} in one another")
        with self._inside_of(model.config):
            return self._layers_of(model, place, prefix, given, depth)

    @contextmanager
    def _inside_of(self, config: Mapping[str, Any]) -> Iterator[None]:
        """Take what is added meanwhile for frozen, if what is around it is: that holds for all within."""
        is_frozen = config.get("trainable") is False
        self.n_frozen += is_frozen
        yield
        self.n_frozen -= is_frozen

    def _trainable(self, config: Mapping[str, Any]) -> bool | None:
        """Return whether training is to move a layer's weights, None where that is not told."""
        told = config.get("trainable")
        return False if self.n_frozen else told if type(told) is bool else None

    def _layers_of(
        self, model: _Entry, place: str, prefix: str, given: Sequence[int], depth: int
    ) -> tuple[int, ...]:
        held = model.config["layers"]
        self.opened.effort.spend(len(held))
        self._pay_again(held)
        entries = [entry for value in held if (entry := _Entry.of(value)) is not None]
        if self.store is not None:
            self.store.listed_as(place, [(entry.name, entry.class_name) for entry in entries])
        if model.class_name == "Sequential" or not any(entry.calls for entry in entries):
            return self._in_sequence(entries, place, prefix, given, depth)
        return self._as_graph(model, entries, place, prefix, given, depth)

    def _pay_again(self, held: list[Any]) -> None:
        """Take note of a list of layers that is gone through once more, for another call of its model."""
        if id(held) in self.met:
            self.opened.effort.spend(_weight(held))
        self.met.add(id(held))

    def _in_sequence(
        self, entries: Sequence[_Entry], place: str, prefix: str, given: Sequence[int], depth: int
    ) -> tuple[int, ...]:
        if not given and entries and entries[0].class_name != "InputLayer":
            shape = entries[0].config.get("batch_input_shape") or entries[0].config.get("batch_shape")
            if shape is not None:
                given = (self._add(_input(None, shape, channels_last=self.channels_last)),)
        last = tuple(given)
        for entry in entries:
            if entry.class_name == "InputLayer" and last:
                continue
            last = self._entry(entry, place, prefix, last, depth)
        return last

    def _as_graph(
        self,
        model: _Entry,
        entries: Sequence[_Entry],
        place: str,
        prefix: str,
        given: Sequence[int],
        depth: int,
    ) -> tuple[int, ...]:
        """Add layers in an order in which each follows what it is given; behind them those in circles."""
        results: dict[Reference, tuple[int, ...]] = {}
        by_name = {entry.name: entry for entry in entries}
        ends = list(_references(model.config.get("output_layers")))
        first = _first_calls(entries, ends)
        places = dict(zip(_names(model.config.get("input_layers")), given, strict=False))
        for name in places:
            results[name, 0] = (places[name],)
        for entry in entries:
            if len(entry.calls) > 1 and not entry.is_model:  # whose layers are paid for by themselves
                self.opened.effort.spend(entry.weight * (len(entry.calls) - 1))
        waiting = deque(
            (entry, first.get(entry.name, 0) + number, call)
            for entry in entries
            if entry.name not in places
            for number, call in enumerate(entry.calls or [[]])
        )
        passed = 0
        while waiting and passed <= len(waiting):
            entry, number, call = waiting.popleft()
            self.opened.effort.spend(1 + len(call))
            needed = [one for one in call if one[0] in by_name]
            if any(one not in results for one in needed):
                waiting.append((entry, number, call))
                passed += 1
                continue
            passed = 0
            inputs = [place for one in needed for place in results[one][:1]]
            results[entry.name, number] = self._entry(entry, place, prefix, inputs, depth)
        ranks = {name: rank for rank, name in enumerate(by_name)}
        for entry, number, call in sorted(waiting, key=lambda one: (ranks[one[0].name], one[1])):
            inputs = [place for one in call for place in results.get(one, ())[:1]]
            results[entry.name, number] = self._entry(entry, place, prefix, inputs, depth)
            self.unplaced.append(prefix + entry.name)
        return tuple(place for one in ends for place in results.get(one, ())[:1])

    def _entry(
        self, entry: _Entry, place: str, prefix: str, inputs: Sequence[int], depth: int
    ) -> tuple[int, ...]:
        """Add a layer, or all layers of an inner model; return what gives the result."""
        self.opened.effort.spend_text(len(prefix) + len(entry.name))
        name = prefix + entry.name
        if entry.is_model and entry.class_name not in _WRAPPERS:
            inner = self.store.inner(place, entry.name, entry.class_name) if self.store else ""
            return self._model(entry, inner, f"{name}/", inputs, depth + 1)
        if entry.class_name == "InputLayer":
            shape = entry.config.get("batch_shape") or entry.config.get("batch_input_shape")
            return (self._add(_input(name, shape, channels_last=self.channels_last)),)
        wrapped = _Entry.of(entry.config.get("layer")) if entry.class_name == "TimeDistributed" else None
        if wrapped is not None:
            return self._wrapped(entry, wrapped, place, name, inputs)
        held = self._parameters(place, entry)
        if is_known(entry.class_name) or entry.class_name in _WRAPPERS:
            return self._plain(name, entry.class_name, entry.config, held, inputs)
        return self._of_its_own(entry, place, prefix, held, inputs)

    def _of_its_own(
        self,
        entry: _Entry,
        place: str,
        prefix: str,
        held: Mapping[str, Parameter],
        inputs: Sequence[int],
    ) -> tuple[int, ...]:
        """Add a layer of a class that is not known, and those that lie in it: nothing tells how they run."""
        inner: list[Layer] = []
        if self.store is not None and (place, entry.name) not in self.opened_up:
            for title, called, weights in self.store.inside(place, entry.name, entry.class_name):
                if weights.arrays:
                    self.opened_up.add((place, entry.name))
                    inner += layers_of_part(prefix + title, called, weights)
        n_inner = sum(len(layer.parameters) for layer in inner)
        kept = (
            {} if len(held) == n_inner else held
        )  # which the layout before Keras 3 keeps as the outer one's
        result = self._plain(prefix + entry.name, entry.class_name, entry.config, kept, inputs)
        for layer in inner:
            self._add(replace(layer, trainable=self._trainable(entry.config)))
        return result

    def _wrapped(
        self, entry: _Entry, inner: _Entry, place: str, name: str, inputs: Sequence[int]
    ) -> tuple[int, ...]:
        """Add the layer that TimeDistributed applies to each moment: what it sees is a slice of the input."""
        opaque = _policy(inner.config)
        weights = Weights()
        if isinstance(self.store, Modern):
            weights = self.store.wrapped(place, entry.name, entry.class_name, opaque)
        elif self.store is not None:
            weights = self.store.weights(place, entry.name, entry.class_name, opaque)
        held = _called(weights, inner.class_name, inner.config, f"{name}/{inner.name}")
        apart = self._add(
            Layer(
                name=name,
                type="TimeDistributed",
                inputs=tuple(inputs),
                operations=(Untold(reason="it takes each moment by itself"),),
            )
        )
        with self._inside_of(entry.config):
            return self._plain(f"{name}/{inner.name}", inner.class_name, inner.config, held, (apart,))

    def _parameters(self, place: str, entry: _Entry) -> Mapping[str, Parameter]:
        """Return a layer's parameters, the same ones for each of its calls."""
        key = (place, entry.name)
        if key not in self.parameters:
            weights = Weights()
            if self.store is not None:
                weights = self.store.weights(place, entry.name, entry.class_name, _policy(entry.config))
            self.parameters[key] = _called(weights, entry.class_name, entry.config, entry.name)
        return self.parameters[key]

    def _plain(
        self,
        name: str,
        class_name: str,
        config: Mapping[str, Any],
        held: Mapping[str, Parameter],
        inputs: Sequence[int],
    ) -> tuple[int, ...]:
        """Add a layer of a class; a separable convolution is two."""
        parts = [class_name]
        if "pointwise_kernel" in held:
            parts = ["separable: depthwise", "separable: pointwise"]
        places = tuple(inputs)
        for part in parts:
            shapes = shapes_of(self.layers, places)
            filters_first = config.get("dim_ordering") == "th"
            case = Case(
                class_name=part,
                config=config,
                parameters=held,
                inputs=shapes,
                is_keras_3=self.is_keras_3,
                filters_first=filters_first,
                flips=None if filters_first and self.backend is None else self.backend == "theano",
            )
            operations = operations_of(case)
            used = _used(operations, held) if len(parts) > 1 else tuple(held.values())
            ending = f"/{part.rpartition(' ')[2]}" if len(parts) > 1 else ""
            layer = make_layer(
                operations,
                name=name + ending,
                type=class_name,
                parameters=tuple(used),
                inputs=places,
                trainable=self._trainable(config),
            )
            places = (self._add(layer),)
        return places

    def _add(self, layer: Layer) -> int:
        return add_layer(self.layers, layer, self.opened.effort, "its model has {:,} layers or more")


_WRAPPERS = frozenset({"TimeDistributed", "Bidirectional"})


def _used(operations: Sequence[Operation], held: Mapping[str, Parameter]) -> tuple[Parameter, ...]:
    """Return those of the parameters that operations refer to."""
    referred = {id(getattr(one, name, None)) for one in operations for name in ("weights", "bias")}
    return tuple(one for one in held.values() if id(one) in referred)


def _called(weights: Weights, class_name: str, config: Mapping[str, Any], layer: str) -> dict[str, Parameter]:
    """Return parameters by Keras's names: the file's own, or those of the class in Keras's order."""
    names = list(weights.arrays)
    roles = roles_of(class_name, config, len(names))
    numbered = all(name.isdigit() for name in names)
    found: dict[str, Parameter] = {}
    for place, (name, array) in enumerate(weights.arrays.items()):
        called = roles[place] if numbered and place < len(roles) else name
        called = name_of_today(called) if called not in roles else called
        called = name if called in found or called in weights.arrays else called
        found[called] = parameter_of(called, array, f"{layer}/{called}")
    return found


def _policy(config: Mapping[str, Any]) -> str:
    """Return the type in which a layer keeps its weights, as far as its policy tells."""
    found = config.get("dtype")
    if isinstance(found, dict):
        inner = found.get("config")
        found = inner.get("name") if isinstance(inner, dict) else None
    return found if isinstance(found, str) else ""


def _names(value: Any) -> list[str]:
    """Return the names in ``["a", 0, 0]`` or a list of such."""
    if _is_reference(value):
        return [value[0]]
    return [one[0] for one in value if _is_reference(one)] if isinstance(value, list) else []


def _has_channels_in_front(layers: Any) -> bool:
    """Tell whether a layer, here or in a model within, says that images have their channels in front."""
    waiting = deque(layers if isinstance(layers, list) else ())
    while waiting:
        entry = _Entry.of(waiting.popleft())
        if entry is None:
            continue
        if entry.config.get("data_format") == "channels_first":
            return True
        if entry.is_model:
            waiting.extend(entry.config["layers"])
    return False


def _input(name: str | None, shape: Any, *, channels_last: bool) -> Layer:
    lengths: Shape | None = None
    if isinstance(shape, list) and shape and isinstance(shape[0], list):
        shape = shape[0]
    if isinstance(shape, list) and all(one is None or type(one) is int for one in shape):
        lengths = tuple(shape)
        if len(lengths) > 2 and channels_last:
            lengths = (lengths[0], lengths[-1], *lengths[1:-1])
    turned = channels_last and lengths is not None and len(lengths) > 2
    operation = Input(shape=lengths, channels_last=turned)
    return Layer(name=name, type="InputLayer", operations=(operation,))
