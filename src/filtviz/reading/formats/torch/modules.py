"""A whole ``nn.Module`` → layers, in the order in which its parts were registered.

A module tells its parts, their parameters and attributes (stride, padding, groups), and not how they feed
each other: that is in the source of its class, which is not in the file, or is there as text that nobody
runs. Only the parts of an ``nn.Sequential`` are known to feed each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from filtviz.errors import MalformedFileError
from filtviz.network import ConvLayer, Layer
from filtviz.operations import Convolution, Input, Operation, Untold
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import AnyArray, parameter_of
from filtviz.reading.formats.torch.effective import effective_tensors
from filtviz.reading.formats.torch.rebuilding import Lost, Rebuilder
from filtviz.reading.formats.torch.torch_classes import CHAINS, Module, is_loss, operations_of_module
from filtviz.reading.formats.torch.weight_sets import class_path, is_module, module_state
from filtviz.reading.limits import Computing, Spending
from filtviz.reading.pickle.attributes import NOT_PLAIN, Attributes
from filtviz.reading.pickle.records import Record, pairs, text
from filtviz.reading.tensor_names import Tensor
from filtviz.shapes import output_shape
from filtviz.text import listed, printable

__all__ = [
    "MOST_LOST",
    "ModuleLayers",
    "ModuleReader",
    "RecordReader",
    "any_trainable",
    "inner_module",
    "layers_of_module",
]

DEEPEST = 48
"""Modules in one another; those of today have ten."""

MOST_LOST = 2
"""Tensors without values that are named."""

PASSES_ON = frozenset(
    {
        "torch.nn.parallel.data_parallel.DataParallel",
        "torch.nn.parallel.distributed.DistributedDataParallel",
        "torch._dynamo.eval_frame.OptimizedModule",
        "torch.optim.swa_utils.AveragedModel",
    }
)
"""Classes that do what the one module in them does, whose name says nothing."""

NO_WIRES = Untold(reason="the file does not tell what feeds it", of_input=True)


def inner_module(module: Record, effort: Spending) -> Record:
    """Return the module that a wrapper is about, or the module itself."""
    for _ in range(DEEPEST):
        parts = [part for _, part in pairs(module_state(module).get("_modules"), effort) or ()]
        if class_path(module) not in PASSES_ON or len(parts) != 1 or not is_module(parts[0]):
            break
        module = parts[0]
    return module


@dataclass(frozen=True, kw_only=True)
class ModuleLayers:
    """The layers of a module, with a sentence for each thing that was ``inferred`` or is odd."""

    layers: tuple[Layer, ...]
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_chain: bool = False


@dataclass(frozen=True)
class _Source:
    """What feeds a module: the layer of that number, the image (-1), or what nobody knows (None)."""

    layer: int | None = None


_IMAGE, _UNKNOWN = _Source(-1), _Source(None)


class ModuleReader(Protocol):
    """Looks at modules: those that a file describes, or those that a program has."""

    def is_module(self, value: Any) -> bool:
        """Tell a module."""

    def path(self, module: Any) -> str:
        """Return the full name of its class."""

    def parts(self, module: Any) -> list[tuple[str, Any]]:
        """Return what is in it, by name."""

    def tensors(self, module: Any) -> list[tuple[str, AnyArray | Lost]]:
        """Return its own parameters and buffers, by name."""

    def trainable(self, module: Any) -> bool | None:
        """Return whether training is to move its own weights, None where that is not told."""

    def facts(self, module: Any) -> Mapping[str, Any]:
        """Return its attributes that are plain values."""


class RecordReader:
    """Looks at the modules that a file describes."""

    def __init__(self, rebuilder: Rebuilder) -> None:
        self.rebuilder = rebuilder

    def is_module(self, value: Any) -> bool:
        """Tell a module by its dictionaries."""
        return is_module(value)

    def path(self, module: Any) -> str:
        """Return the full name of its class."""
        return class_path(module)

    def parts(self, module: Any) -> list[tuple[str, Any]]:
        """Return the objects in it, by name."""
        named = self._named(module_state(module).get("_modules"))
        return [(name, part) for name, part in named if type(part) is Record]

    def _named(self, value: Any) -> Iterator[tuple[str, Any]]:
        for key, part in pairs(value, self.rebuilder.effort) or ():
            if (name := text(key)) is not None:
                yield name, part

    def tensors(self, module: Any) -> list[tuple[str, AnyArray | Lost]]:
        """Return its own parameters and buffers, by name."""
        state = module_state(module)
        named = [entry for held in ("_parameters", "_buffers") for entry in self._named(state.get(held))]
        found = [(name, self.rebuilder.tensor(value)) for name, value in named]
        return [(name, tensor) for name, tensor in found if tensor is not None]

    def trainable(self, module: Any) -> bool | None:
        """Return whether any of its own parameters but its biases requires a gradient."""
        named = self._named(module_state(module).get("_parameters"))
        return any_trainable(self.rebuilder.requires_grad(part) for name, part in named if name != "bias")

    def facts(self, module: Any) -> Mapping[str, Any]:
        """Return its attributes that are plain values."""
        reader = Attributes(module, self.rebuilder.effort)
        plain = {key: reader.plain(value) for key, value in module_state(module).items()}
        return {key: value for key, value in plain.items() if value is not NOT_PLAIN}


def any_trainable(told: Iterable[bool | None]) -> bool | None:
    """Return whether training is to move any of some weights, None where no one of them tells.

    Args:
        told: What each of them tells.
    """
    known = [each for each in told if each is not None]
    return any(known) if known else None


def layers_of_module(
    module: Any,
    reader: ModuleReader,
    effort: Spending,
    computing: Computing,
    subject: str = "the file",
) -> ModuleLayers:
    """Return the layers of a module.

    Args:
        module: The module.
        reader: What looks at it.
        effort: What that may take.
        computing: What arrays may take that are computed of others.
        subject: What holds the modules, in sentences.

    Raises:
        MalformedFileError: modules lie too deep in one another.
        LimitError: there are too many.
    """
    maker = _Maker(reader=reader, effort=effort, computing=computing, subject=subject)
    maker.walk(module, "", _IMAGE, 0)
    return ModuleLayers(
        layers=tuple(maker.layers),
        inferred=tuple(maker.inferred()),
        notes=tuple(maker.notes()),
        is_chain=maker.n_unknown == 0,
    )


@dataclass(kw_only=True, eq=False)
class _Maker:
    reader: ModuleReader
    effort: Spending
    computing: Computing
    subject: str
    layers: list[Layer] = field(default_factory=list)
    parameters: dict[int, tuple[AnyArray, Parameter]] = field(default_factory=dict)  # kept, or ids come again
    seen: dict[int, str] = field(default_factory=dict)
    computed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    n_unknown: int = 0

    def walk(self, module: Any, name: str, source: _Source, depth: int) -> _Source:
        """Add the layers of a module and of all in it; return what it gives."""
        if depth > DEEPEST:
            raise MalformedFileError(f"its modules lie more than {DEEPEST} deep in one another")
        self.effort.spend(1)
        self.effort.spend_text(len(name))
        path, named = self.reader.path(module), self.reader.parts(module)
        children = [(key, child) for key, child in named if self.reader.is_module(child)]
        self.lost += [
            f"{printable(f'{name}.{key}' if name else key, 60)}, a {printable(self.reader.path(child), 80)}"
            for key, child in named
            if not self.reader.is_module(child)
        ]
        if path in PASSES_ON and len(children) == 1:
            return self.walk(children[0][1], name, source, depth + 1)
        tensors = self._tensors(module)
        is_container = path.startswith("torch.nn.modules.container.")
        if tensors or not (children or is_container):
            # What a module has beside its parts is not what its first part is fed from.
            added = self._add(module, path, name, tensors, _UNKNOWN if children else source)
            source = source if children else added
        if not children:
            return source
        if id(module) in self.seen:
            first = printable(self.seen[id(module)] or "the module itself", 60)
            self.again.append(f"{printable(name, 60)} is {first} once more")
            return _UNKNOWN
        self.seen[id(module)] = name
        return self._inside(path, name, children, source, depth)

    def _inside(
        self, path: str, name: str, children: list[tuple[str, Any]], source: _Source, depth: int
    ) -> _Source:
        """Walk the parts of a module: in a chain each feeds the next."""
        is_chain = path in CHAINS and not any("f" in self.reader.facts(child) for _, child in children)
        for key, child in children:
            whole = f"{name}.{key}" if name else key
            given = self.walk(child, whole, source if is_chain or source == _IMAGE else _UNKNOWN, depth + 1)
            source = given if is_chain else _UNKNOWN
        return source

    def _tensors(self, module: Any) -> list[Tensor]:
        """Return a module's own parameters and buffers."""
        found = self.reader.tensors(module)
        self.lost += [
            f"{printable(name, 60)}, which {one.reason}" for name, one in found if isinstance(one, Lost)
        ]
        return [Tensor(name=name, array=one) for name, one in found if not isinstance(one, Lost)]

    def _add(self, module: Any, path: str, name: str, tensors: list[Tensor], source: _Source) -> _Source:
        """Add one layer; return its place as what it gives."""
        if is_loss(path):
            return source
        effective = effective_tensors(tensors, self.computing)
        self.computed += [name] * bool(effective.sentences)
        known = {one.name: self._parameter(one, name) for one in effective.tensors}
        held = [part for one in effective.tensors for part in one.parts or (one,)]
        stored = {part.name: self._parameter(part, name) for part in held}
        facts = Module(path=path, facts=self.reader.facts(module), parameters=known)
        operations = operations_of_module(facts)
        if source == _IMAGE:
            source = self._enter(operations)
        place = len(self.layers)
        inputs, link = self._link(source, place)
        shapes = [self.layers[i].output_shape for i in inputs] or [None]
        common: dict[str, Any] = {
            "name": name or None,
            "type": facts.type,
            "inputs": inputs,
            "parameters": tuple(stored.values()),
            "operations": (*link, *operations),
            "output_shape": _given((*link, *operations), shapes),
            "trainable": self.reader.trainable(module),
        }
        is_conv = any(isinstance(each, Convolution) for each in operations)
        self.layers.append(ConvLayer(**common) if is_conv else Layer(**common))
        self.effort.limits.check("layers", place + 1, f"its network has {place + 1:,} layers or more")
        return _Source(place)

    def _enter(self, operations: tuple[Operation, ...]) -> _Source:
        """Add a layer for the image in front of the first one, where that tells how many channels it has."""
        first = operations[0] if operations else None
        if not isinstance(first, Convolution) or first.transposed:
            return _UNKNOWN
        n = len(first.kernel_size)
        shape: Shape = (None, first.n_channels * (first.groups or 1), *(None,) * n)
        self.layers.append(Layer(type="input", output_shape=shape, operations=(Input(shape=shape),)))
        return _Source(len(self.layers) - 1)

    def _link(self, source: _Source, place: int) -> tuple[tuple[int, ...], tuple[Operation, ...]]:
        """Return the layers that feed one, and what says that nobody knows them."""
        if source.layer is not None:
            return (source.layer,), ()
        if not place:
            return (), ()
        self.n_unknown += 1
        return (), (NO_WIRES,)

    def _parameter(self, tensor: Tensor, layer: str) -> Parameter:
        """Return one parameter for one tensor, so that layers that share it are seen to be tied."""
        array = tensor.array
        if id(array) not in self.parameters:
            source = f"{layer}.{tensor.name}" if layer else tensor.name
            self.parameters[id(array)] = array, parameter_of(tensor.name, array, source)
        return self.parameters[id(array)][1]

    def inferred(self) -> Iterator[str]:
        """Say what was concluded."""
        if self.n_unknown:
            yield (
                f"{self.subject} holds modules and not what feeds them: layers stand in the order of "
                "registration, the first is taken to see the image, and only the parts of an nn.Sequential "
                "are known to feed each other"
            )
        if self.computed:
            names = listed([printable(name or "the module", 60) for name in self.computed])
            yield f"the weights of {names} are computed from what is stored (a norm, or pruning)"

    def notes(self) -> Iterator[str]:
        """Say what is odd."""
        yield from self.again
        if self.lost:
            yield f"what could not be read: {listed(self.lost, MOST_LOST)}"


def _given(operations: tuple[Operation, ...], shapes: list[Shape | None]) -> Shape | None:
    for operation in operations:
        shapes = [output_shape(operation, shapes)]
    return shapes[0]
