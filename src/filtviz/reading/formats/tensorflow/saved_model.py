"""The graph of a SavedModel: the function of a signature, with its variables as the checkpoint has them.

A SavedModel of TensorFlow 2 tells its objects as a tree of names, and so does its checkpoint: what has the
same path in both is the same (``saved_object_graph.proto``, ``trackable_object_graph.proto``). A function
names the objects that it captured, in the order of its last arguments. In one of TensorFlow 1 the variables
are nodes of the main graph, and their names are the keys of the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from filtviz.errors import MalformedFileError
from filtviz.network import ConvLayer, Layer
from filtviz.parameter import Parameter
from filtviz.reading.arrays import AnyArray, parameter_of
from filtviz.reading.formats.tensorflow.checkpoint import Checkpoint, parts_of
from filtviz.reading.formats.tensorflow.graphdef import Call, constant_of, layers_of_call, layers_of_graph
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.text import printable

__all__ = ["SavedGraph", "graph_of"]

_SERVE, _SERVING = "serve", "serving_default"
_NO_SIGNATURE = "__saved_model_init_op"
_VARIABLES = frozenset({"VarHandleOp", "VariableV2", "Variable", "AutoReloadVariable"})
_FEWEST_AXES_OF_A_KERNEL = 3


@dataclass(frozen=True, kw_only=True)
class SavedGraph:
    """The layers of a SavedModel, how its graph was found (``told``), and the arrays that it does not use."""

    layers: list[Layer]
    told: str
    unused: tuple[str, ...]


def graph_of(model: Message, checkpoint: Checkpoint, opened: Opened) -> SavedGraph | str:
    """Return the graph of a SavedModel, or a sentence that says why it is not followed.

    Args:
        model: The ``SavedModel``.
        checkpoint: Its variables.
        opened: The file.

    Raises:
        LimitError: it is too large.
    """
    metas = model.messages(2)
    meta = next((one for one in metas if _SERVE in _tags(one)), metas[0])
    finder = _Finder(meta=meta, checkpoint=checkpoint, opened=opened)
    try:
        layers = finder.layers()
    except MalformedFileError as error:
        return _weights_alone(str(error))
    if not layers:
        return _weights_alone("it holds no function that could be the network")
    held = {id(one.read) for layer in layers for one in layer.parameters}
    used = {key for key, one in finder.made.items() if id(one.read) in held}
    kernels = [key for key, one in checkpoint.arrays.items() if len(one.shape) >= _FEWEST_AXES_OF_A_KERNEL]
    if not used or (set(kernels) & used and not any(isinstance(one, ConvLayer) for one in layers)):
        return _weights_alone(
            "what it does with its weights is hidden in operators that filtviz does not follow"
        )
    called = {checkpoint.names.get(key, key) for key in used}  # Keras keeps each variable twice
    unused = tuple(key for key in checkpoint.arrays if checkpoint.names.get(key, key) not in called)
    return SavedGraph(layers=layers, told=finder.told, unused=unused)


def _weights_alone(why: str) -> str:
    return f"its graph is not followed, only its weights are listed: {why}"


def _name_of(name: str, others: Set[str]) -> str:
    """Return a variable's name; the depthwise half of a separable convolution is called after its half."""
    head, _, last = name.rpartition("/")
    is_half = last == "depthwise_kernel" and f"{head}/pointwise_kernel" in others
    return f"{head}/depthwise/{last}" if is_half else name


def _tags(meta: Message) -> list[str]:
    info = meta.message(1)
    return info.texts(4) if info is not None else []


@dataclass(kw_only=True, eq=False)
class _Finder:
    """Finds the function of a ``MetaGraphDef`` that is the network, and its variables."""

    meta: Message
    checkpoint: Checkpoint
    opened: Opened
    made: dict[str, Parameter] = field(default_factory=dict)
    told: str = ""

    def layers(self) -> list[Layer] | None:
        """Return the layers of the network, None where there is no graph."""
        graph, objects = self.meta.message(2), self.meta.message(7)
        if graph is None:
            return None
        name, results = self._signature()
        self.told = f"its signature {printable(name, 60)}"
        if objects is None or not objects.has(2):
            variables = self._of_nodes(graph)
            return (
                layers_of_graph(graph, self.opened, variables=variables, wanted=results) if results else None
            )
        bound = {one.text(1): held.integers(2) for one in objects.messages(2) if (held := one.message(2))}
        called = self._called(graph, results)
        function = called or self._largest(bound)
        if function not in bound:
            return None
        if not called:
            self.told = "its largest function"
        captured = self._captured(graph, objects.messages(1), bound[function])
        return layers_of_call(graph, self.opened, Call(function=function, captured=captured))

    def _signature(self) -> tuple[str, list[str]]:
        """Return the name of the signature that is meant, and the nodes that give its results."""
        found = {one.text(1): one.message(2) for one in self.meta.messages(5)}
        names = sorted((name for name in found if name != _NO_SIGNATURE), key=lambda one: one != _SERVING)
        for name in names:
            signature = found[name]
            outputs = signature.messages(2) if signature is not None else []
            tensors = [one.message(2) for one in outputs]
            if results := [one.text(1).partition(":")[0] for one in tensors if one is not None]:
                return name, list(dict.fromkeys(results))
        return "", []

    @staticmethod
    def _called(graph: Message, results: Sequence[str]) -> str:
        """Return the function that the node which gives the results calls."""
        for node in graph.messages(1) if results else []:
            if node.text(1) == results[0]:
                attributes = {one.text(1): one.message(2) for one in node.messages(5)}
                called = held.message(10) if (held := attributes.get("f")) is not None else None
                return called.text(1) if called is not None else ""
        return ""

    @staticmethod
    def _largest(bound: Mapping[str, Sequence[int]]) -> str:
        """Return the function that works with most objects, but for those that save and restore."""
        names = [name for name in bound if "_traced_save" not in name and "_traced_restore" not in name]
        return max(names, key=lambda name: len(bound[name]), default="")

    def _of_nodes(self, graph: Message) -> dict[str, Parameter]:
        """Return the variables that are nodes, by name."""
        found: dict[str, Parameter] = {}
        for node in graph.messages(1):
            name = node.text(1)
            if node.text(2) in _VARIABLES and name in self.checkpoint.arrays:
                found[name] = self._parameter(name, name)
        return found

    def _captured(
        self, graph: Message, objects: Sequence[Message], places: Sequence[int]
    ) -> list[Parameter | None]:
        """Return the values of the objects at these places: variables, and constants of the main graph."""
        keys = self._keys(objects)
        variables = {place: one for place, node in enumerate(objects) if (one := node.message(7)) is not None}
        wanted = set(places)
        names = {place: one.text(6) for place, one in variables.items() if place in wanted}
        common = {name.partition("/")[0] for name in names.values()}
        called = set(names.values())
        deep = all(one.count("/") > 1 for one in called)  # a layer's name is left
        prefix = f"{next(iter(common))}/" if len(common) == 1 and deep else ""
        found: list[Parameter | None] = []
        for place in places:
            self.opened.effort.spend(1)
            key = keys.get(place, "")
            if place in variables and key in self.checkpoint.arrays:
                self.opened.effort.spend_text(len(key) + len(names[place]))
                name = _name_of(names[place], called).removeprefix(prefix)
                found.append(self._parameter(key, name or key))
            else:
                node = objects[place].message(9) if 0 <= place < len(objects) else None
                found.append(constant_of(graph, node.text(1), self.opened) if node is not None else None)
        return found

    def _keys(self, objects: Sequence[Message]) -> dict[int, str]:
        """Return the key of each object in the checkpoint: both trees are gone down by the same names."""
        held = self.checkpoint.objects
        keys: dict[int, str] = {}
        ahead = [(0, 0)] if objects and held else []
        met = {0}
        while ahead:
            place, other = ahead.pop()
            self.opened.effort.spend(1)
            if held[other].key:
                keys[place] = held[other].key
            for name, child in parts_of(objects[place]).items():
                twin = held[other].children.get(name, -1)
                if child not in met and 0 <= child < len(objects) and 0 <= twin < len(held):
                    met.add(child)
                    ahead.append((child, twin))
        return keys

    def _parameter(self, key: str, name: str) -> Parameter:
        array: AnyArray = self.checkpoint.arrays[key]
        return self.made.setdefault(key, parameter_of(name.rpartition("/")[2], array, name))
