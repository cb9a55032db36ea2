"""TensorFlow: checkpoints of both generations, SavedModels, and frozen graphs."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence, Set

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.arrays import AnyArray, StoredArray
from filtviz.reading.containers import Siblings
from filtviz.reading.formats.keras.stores import Weights, class_in_path
from filtviz.reading.formats.keras.weights import layers_without_graph
from filtviz.reading.formats.tensorflow.checkpoint import (
    Checkpoint,
    Trackable,
    arrays_of_table,
    is_of_first_generation,
    is_table,
    read_checkpoint,
)
from filtviz.reading.formats.tensorflow.graphdef import layers_of_graph
from filtviz.reading.formats.tensorflow.saved_model import graph_of
from filtviz.reading.limits import Hints
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.optimised import Moved, moved_by_name
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import view_of
from filtviz.text import natural_key, plural

__all__ = ["ENTRIES", "Variables", "open"]

HAS_WEIGHT_SETS = True
ENTRIES = ("saved_model.pb",)

_INDEX = ".index"
_VARIABLES = "variables"
_SLOT = re.compile(
    r"\.OPTIMIZER_SLOT|(^|/)(optimizer|_optimizer|Adam(W|ax)?|Nadam|SGD|RMSprop)/"
    r"|/(Adam|Momentum|RMSProp|Adagrad|Adadelta|Ftrl|AdamW)(_\d+)?$|/ExponentialMovingAverage$|(^|/)save_counter|(^|/)beta[12]_power(_\d+)?$"
)
"""Keys of an optimiser's state and of moving averages."""

_TRAINED = re.compile(r"(^|/)optimizer/_trainable_variables/\d+/\.ATTRIBUTES/")
"""Keys of a model's own variables, which Keras 3 saves by the optimiser's list of them if that is shorter."""

_GO_ON = frozenset({"bias", "beta"})
"""Variables that come behind others of their layer."""

_OPTIMISER = re.compile(r"(?i)_?optimi[sz]er\Z")
_MOST_STEPS = 32
_ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
_ROLES = {
    "weights": "kernel", "biases": "bias", "depthwise_weights": "depthwise_kernel", "w": "kernel",
    "b": "bias",    "pointwise_weights": "pointwise_kernel", "_kernel": "kernel", "W": "kernel",
}  # fmt: skip


def open(opened: Opened) -> Network | None:
    """Read a checkpoint, the variables of a SavedModel, or a frozen graph.

    Raises:
        UnsupportedFileError: it is a part that holds no weights.
        MalformedFileError: it is damaged or cut short.
    """
    if is_table(opened.data):
        if is_of_first_generation(opened):
            arrays, n_others = arrays_of_table(opened)
            others = (f"{plural(n_others, 'array')} of other types, or in parts",) if n_others else ()
            found = Checkpoint(arrays=arrays, names={})
            return _of_checkpoint(opened, found, "a TensorFlow checkpoint of the first generation", others)
        prefix = opened.path.name.removesuffix(_INDEX)
        return _of_checkpoint(opened, read_checkpoint(opened.data, opened, prefix), "a TensorFlow checkpoint")
    return _of_protobuf(opened)


def _of_protobuf(opened: Opened) -> Network | None:
    if opened.start[:1] not in (b"\n", b"\x08"):
        return None
    message = Message(view_of(opened.data), opened.effort)
    try:
        is_saved = message.fields.keys() <= {1, 2} and message.has(2) and message.integer(1) == 1
        is_graph = message.fields.keys() <= {1, 2, 3, 4} and message.has(1)
        graph = message if is_graph and not is_saved and _is_node(message.messages(1)[0]) else None
    except (MalformedFileError, IndexError):
        return None
    if is_saved and any(meta.has(2) for meta in message.messages(2)):
        return _of_saved_model(opened, message)
    if graph is None:
        return None
    layers = layers_of_graph(graph, opened)
    if not any(layer.parameters for layer in layers):
        raise UnsupportedFileError(
            "it is a TensorFlow graph without weights; freeze it, or name the .index file of its checkpoint"
        )
    origin = origin_of(
        opened,
        "a frozen TensorFlow graph",
        objects=Objects(form="GraphDef"),
        framework="TensorFlow",
        order="the graph of the file, sorted as it runs",
    )
    return Network.of(layers, origin)


def _is_node(message: Message) -> bool:
    """Tell a ``NodeDef``: a name and an operator, both plain text."""
    name, operator = message.text(1), message.text(2)
    return message.fields.keys() <= {1, 2, 3, 4, 5, 6, 7} and bool(
        re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>\-]*", name) and re.fullmatch(r"_?[A-Za-z]\w*", operator)
    )


def _of_saved_model(opened: Opened, model: Message) -> Network:
    """Read a SavedModel, whose variables lie in a folder of a fixed name beside it."""
    beside = Siblings(opened.path.parent / _VARIABLES / "x", opened.inflation)

    def sibling(name: str) -> object:
        return beside.open(name, as_it_is=True)

    index = beside.open(f"{_VARIABLES}{_INDEX}", as_it_is=True)
    found = read_checkpoint(index, opened, _VARIABLES, sibling)  # type: ignore[arg-type]
    kind = "a TensorFlow SavedModel"
    graph = graph_of(model, found, opened)
    if isinstance(graph, str):
        return _of_checkpoint(opened, found, kind, why=(graph,))
    slots = sum(1 for key in graph.unused if _SLOT.search(key))
    others = len(graph.unused) - slots
    left_out = (
        *_left_out(slots),
        *([f"{plural(others, 'array')} that its graph does not use"] if others else []),
    )
    origin = origin_of(
        opened,
        kind,
        objects=Objects(form="SavedModel"),
        framework="TensorFlow",
        order=f"the graph of the file ({graph.told}), sorted as it runs",
        left_out=left_out,
    )
    return Network.of(graph.layers, origin)


def _of_checkpoint(
    opened: Opened,
    found: Checkpoint,
    kind: str,
    others: tuple[str, ...] = (),
    why: tuple[str, ...] = (),
) -> Network:
    paths = _paths(found.objects, opened)
    kept = {key: array for key, array in found.arrays.items() if key in paths or _is_of_model(key)}
    slots = len(found.arrays) - len(kept)
    kept, averages = _averaged(found.arrays, kept, opened.hints)
    slots -= len(averages)
    made = layers_without_graph(Variables(kept, found.names, paths), opened)
    if not made.layers and opened.path.name == f"{_VARIABLES}{_INDEX}":
        raise UnsupportedFileError(
            "it has the variables of a SavedModel; name the folder that this one is in"
        )
    if not made.layers:
        raise UnsupportedFileError(f"it is {kind} without weights; name that of the model")
    optimised = _optimised(found.arrays, {layer.name for layer in made.layers if layer.name}, opened)
    origin = origin_of(
        opened,
        kind,
        objects=Objects(form="checkpoint"),
        framework="TensorFlow",
        training=("its optimiser has moved weights",) if optimised.moved else (),
        moved=optimised.moved,
        resting=optimised.resting,
        order="the keys of the checkpoint, in their natural order",
        left_out=(*averages[:1], *_left_out(slots), *others),
        inferred=(*why, *made.inferred),
    )
    return Network.of(made.layers, origin)


_MOMENT = re.compile(r"/(Adam|AdamW|Momentum|RMSProp|Adagrad|Adadelta)(_\d+)?\Z")
"""Behind what a variable is called, the name of its moments in TensorFlow 1."""


def _optimised(arrays: Mapping[str, AnyArray], layers: Set[str], opened: Opened) -> Moved:
    """Return which layers an optimiser of TensorFlow 1 has moved: it keeps moments beside the weights."""
    shapes = {key: tuple(one.shape) for key, one in arrays.items() if len(one.shape) > 1}
    weights = {key: shape for key, shape in shapes.items() if not _SLOT.search(key)}
    moments = [(key[: match.start()], arrays[key]) for key in shapes if (match := _MOMENT.search(key))]
    found = moved_by_name(weights, moments, opened.effort)
    moved, resting = (
        frozenset(key.rpartition("/")[0] for key in keys) & layers for keys in (found.moved, found.resting)
    )
    return Moved(moved, resting - moved)


_AVERAGE = "/ExponentialMovingAverage"


def _averaged(
    arrays: Mapping[str, AnyArray], kept: dict[str, AnyArray], hints: Hints
) -> tuple[dict[str, AnyArray], list[str]]:
    """Return the arrays that a person asks for, and a sentence for each average that is then left out.

    Averages stand for their variables where they are asked for, or where these are not there.

    Raises:
        SelectionError: there are no weights of that name.
    """
    wanted = hints.weights
    averages = {key.removesuffix(_AVERAGE): one for key, one in arrays.items() if key.endswith(_AVERAGE)}
    if wanted and not (averages and wanted.lower() in _CALLED_AVERAGES):
        raise hints.no_such_weights(["ema"] if averages else ())
    if wanted or (averages and not any(key in kept for key in averages)):
        return kept | averages, []
    return kept, ["the moving averages under ema (--weights ema shows them)"] * len(averages)


_CALLED_AVERAGES = ("ema", "exponentialmovingaverage")


def _is_of_model(key: str) -> bool:
    return _TRAINED.search(key) is not None or not _SLOT.search(key)


def _paths(objects: Sequence[Trackable], opened: Opened) -> dict[str, str]:
    """Return key → the shortest path to each variable that leads through no optimiser.

    A checkpoint keys a variable by the shortest path of all, which may be that of the optimiser's lists.
    """
    found: dict[str, str] = {}
    waiting = deque([(0, "", 0)] if objects else ())
    seen = {0}
    while waiting:
        place, path, depth = waiting.popleft()
        one = objects[place]
        if one.key and not _SLOT.search(f"{path}{_ATTRIBUTE}"):
            found.setdefault(one.key, path)
        opened.effort.spend(1 + len(one.children))
        for name, child in one.children.items():
            if (
                0 <= child < len(objects)
                and child not in seen
                and not _OPTIMISER.match(name)
                and depth < _MOST_STEPS
            ):
                seen.add(child)
                opened.effort.spend_text(len(path) + len(name))
                waiting.append((child, f"{path}/{name}" if path else name, depth + 1))
    return found


def _left_out(slots: int) -> tuple[str, ...]:
    return (f"{plural(slots, 'array')} of the optimiser's state or of moving averages",) if slots else ()


class Variables:
    """The variables of a checkpoint, grouped into layers by their names."""

    def __init__(
        self, arrays: Mapping[str, AnyArray], names: Mapping[str, str], paths: Mapping[str, str]
    ) -> None:
        """Take the arrays.

        Args:
            arrays: The arrays by key.
            names: Key → the variable's own name, where there is one.
            paths: Key → the path to the variable, where that is another.
        """
        self.paths = paths
        self.arrays = arrays
        self.names = names

    def listed_as(self, place: str, layers: Sequence[tuple[str, str]]) -> None:
        """Take no note: there is no configuration that would list layers."""

    def inner(self, place: str, name: str, class_name: str) -> str:
        """Return no place: a checkpoint has no models within models."""
        del name, class_name
        return place

    def weights(self, place: str, name: str, class_name: str, opaque: str) -> Weights:
        """Return nothing: there is no configuration that would ask."""
        del place, name, class_name, opaque
        return Weights()

    def layers(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield name, class and weights of each layer in the order of the keys."""
        grouped: dict[str, dict[str, StoredArray]] = {}
        nameless: list[str] = []
        n_named = Counter(self.names.get(key) for key in self.arrays)
        places = {key: self.paths.get(key, key).removesuffix(_ATTRIBUTE) for key in self.arrays}
        for key in sorted(self.arrays, key=lambda one: natural_key(places[one])):
            full = self.names.get(key)  # variables of a class of one's own may all be called alike
            name = full if full and n_named[full] == 1 else places[key]
            if name == key.removesuffix(_ATTRIBUTE) and _TRAINED.search(key):
                nameless.append(key)
                continue
            layer, _, last = name.rpartition("/")
            last = _ROLES.get(last, last)
            if (
                last in ("beta", "gamma", "moving_mean", "moving_variance", "kernel", "bias")
                or "kernel" in last
            ):
                array = self.arrays[key]
                assert isinstance(array, StoredArray), "a checkpoint stores its arrays as they are"
                grouped.setdefault(layer, {})[last] = array
        common = {name.partition("/")[0] for name in grouped if name}
        prefix = f"{common.pop()}/" if len(common) == 1 and all("/" in name for name in grouped) else ""
        grouped.update(self._of_a_list(nameless))
        for name, arrays in grouped.items():
            title = name.removeprefix(prefix)
            yield title, class_in_path(title.rpartition("/")[2]), Weights(arrays=arrays)

    def _of_a_list(self, keys: Sequence[str]) -> dict[str, dict[str, StoredArray]]:
        """Return layers out of variables of which only the place in a list and the last name are known."""
        grouped: dict[str, dict[str, StoredArray]] = {}
        current: dict[str, StoredArray] = {}
        for key in keys:
            role, array = self.names.get(key, "").rpartition("/")[2], self.arrays[key]
            if role not in _GO_ON or role in current:
                current = grouped.setdefault(key.removesuffix(_ATTRIBUTE), {})
            assert isinstance(array, StoredArray), "a checkpoint stores its arrays as they are"
            current[role] = array
        return grouped

    def parts(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield nothing: all layers have keys."""
        return iter(())

    def inside(self, place: str, name: str, class_name: str) -> Iterator[tuple[str, str, Weights]]:
        """Yield nothing: there is no configuration that would ask."""
        del place, name, class_name
        return iter(())
