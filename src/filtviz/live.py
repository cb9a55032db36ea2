"""Models in memory → networks: an ``nn.Module``, a Keras model, a tree of arrays (Flax), a state_dict.

They are told by what they can do, and no framework is imported. What is read is a copy of the weights as they
are when somebody first asks for them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import ArgumentError, DrawingError
from filtviz.network import Network, Origin
from filtviz.reading.arrays import AnyArray, ComputedArray
from filtviz.reading.formats.keras.config import Builder
from filtviz.reading.formats.keras.stores import Weights
from filtviz.reading.formats.torch.effective import effective_tensors, without_prefixes
from filtviz.reading.formats.torch.modules import MOST_LOST, any_trainable, layers_of_module
from filtviz.reading.formats.torch.rebuilding import Lost
from filtviz.reading.formats.torch.storages import element_type
from filtviz.reading.formats.trees import without_collections
from filtviz.reading.limits import Computing, Hints, Limits, effort
from filtviz.reading.opened import Opened
from filtviz.reading.tensor_names import FLAX, PYTORCH, Tensor
from filtviz.reading.tensors import layers_of
from filtviz.text import listed, printable

__all__ = ["array_of", "is_live", "network_of"]

DEEPEST = 64
"""Dictionaries in one another, up to which a tree of arrays is gone through."""

_PLAIN = (bool, int, float, str, type(None))
_KERNELS = frozenset({"kernel", "w"})
"""What Flax and Haiku call the weights of a convolution."""


def is_live(model: Any) -> bool:
    """Tell a model in memory of a kind that is understood here.

    Args:
        model: Anything.
    """
    return _is_module(model) or _is_keras(model) or _is_tree(model)


def network_of(model: Any, hints: Hints | None = None) -> Network:
    """Return the network that a model in memory is.

    Args:
        model: An ``nn.Module``, a Keras model, a tree of arrays, or a state_dict.
        hints: What a person says of the axes of a tree's arrays.

    Raises:
        ArgumentError: it is none of these.
        DrawingError: it has no weights.
    """
    if _is_keras(model):  # which is a module as well where Keras runs on PyTorch
        return _of_keras(model)
    if _is_module(model):
        return _of_module(model)
    if _is_tree(model):
        return _of_tree(model, hints or Hints())
    raise ArgumentError(
        f"an object of class {printable(type(model).__name__, 40)} is no model that filtviz knows: give a "
        "path, a network, an nn.Module, a Keras model, or a dictionary of arrays"
    )


# Arrays


def array_of(value: Any) -> NDArray[Any]:
    """Return a copy of an array of any framework's.

    Args:
        value: What has a shape and a type of its elements.

    Raises:
        DrawingError: it holds no numbers.
    """
    found = _array(value)
    if isinstance(found, Lost):
        raise DrawingError(f"the array {found.reason}")
    return _copied(value, found.dtype)


def _array(value: Any) -> AnyArray | Lost:
    """Return an array of any framework's, which is copied when it is read."""
    shape = tuple(int(length) for length in value.shape)
    if getattr(value, "is_meta", False):
        return Lost(reason="lies on the meta device: it has a shape and no values")
    word = str(value.dtype).removeprefix("torch.")
    if getattr(value, "is_quantized", False):
        word = "float32"
    try:
        dtype = element_type(word) or np.dtype(value.dtype)
    except TypeError:
        return Lost(reason=f"holds numbers of the type {printable(word, 40)}")
    return ComputedArray(shape=shape, dtype=dtype, read=lambda: _copied(value, dtype))


def _copied(value: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the values, by the way that a tensor of PyTorch's has to go, or as numpy sees them."""
    if getattr(value, "is_quantized", False):
        value = value.dequantize()
    if getattr(value, "is_sparse", False):
        value = value.to_dense()
    for step in ("detach", "cpu"):
        value = getattr(value, step, lambda held=value: held)()
    if hasattr(value, "numpy"):
        if dtype.kind == "V":  # a type that numpy has not; single precision holds all of its values
            value = value.float()
        value = value.numpy()
    return np.array(value, dtype)


# PyTorch


def _is_module(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("named_modules", "state_dict", "_modules", "_parameters"))


class _LiveModules:
    """Looks at the modules of a program."""

    def is_module(self, value: Any) -> bool:
        """Tell a module."""
        return _is_module(value)

    def path(self, module: Any) -> str:
        """Return the full name of its class; of one that was parametrised, that of the class before."""
        cls = type(module)
        if cls.__name__.startswith("Parametrized"):
            cls = cls.__mro__[1]
        return f"{cls.__module__}.{cls.__qualname__}"

    def parts(self, module: Any) -> list[tuple[str, Any]]:
        """Return the modules in it, by name."""
        held = module._modules.items()
        return [(name, part) for name, part in held if part is not None and name != "parametrizations"]

    def tensors(self, module: Any) -> list[tuple[str, AnyArray | Lost]]:
        """Return its own parameters and buffers, by name, and what they are computed from."""
        own = [*module._parameters.items(), *getattr(module, "_buffers", {}).items()]
        others = module._modules.get("parametrizations")
        for name, steps in [] if others is None else others._modules.items():
            if _is_followed(steps):
                held = steps.state_dict().items()
                own += [(f"parametrizations.{name}.{part}", value) for part, value in held]
            else:
                own.append((name, getattr(module, name)))
        return [(name, _array(value)) for name, value in own if value is not None]

    def trainable(self, module: Any) -> bool | None:
        """Return whether any of its own parameters but its biases requires a gradient."""
        steps = module._modules.get("parametrizations")
        held = [] if steps is None else list(steps.parameters())
        held += [part for name, part in module._parameters.items() if name != "bias"]
        return any_trainable(getattr(part, "requires_grad", None) for part in held)

    def facts(self, module: Any) -> Mapping[str, Any]:
        """Return its attributes that are plain values."""
        held = vars(module).items()
        plain = {name: tuple(value) if isinstance(value, list) else value for name, value in held}
        return {name: value for name, value in plain.items() if _is_plain(value)}


_FOLLOWED = frozenset({"_WeightNorm", "_SpectralNorm"})
"""Parametrisations of PyTorch's own that the parts of the weights tell, however many stand in a row."""


def _is_followed(steps: Any) -> bool:
    """Tell weights that are to be computed from their parts, and not asked for from the model.

    A spectral normalisation in training takes a step whenever somebody asks for its weights.
    """
    names = {type(step).__name__ for step in steps._modules.values()}
    return names <= _FOLLOWED or ("_SpectralNorm" in names and bool(steps.training))


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (
        type(value) is tuple and all(isinstance(part, _PLAIN) for part in value)
    )


def _of_module(module: Any) -> Network:
    found = layers_of_module(module, _LiveModules(), effort(Limits()), Computing(sys.maxsize), "the model")
    name = printable(type(module).__name__, 40)
    _check_weights(found.layers, name)
    order = "the order of the nn.Sequential" if found.is_chain else "the order of registration in the module"
    origin = Origin(
        kind=f"a PyTorch {name}",
        framework="PyTorch",
        order=order,
        inferred=found.inferred,
        notes=found.notes,
    )
    return Network.of(found.layers, origin)


# Keras


def _is_keras(value: Any) -> bool:
    return hasattr(value, "get_weights") and (
        isinstance(getattr(value, "layers", None), list) or hasattr(value, "get_config")
    )


def _layers_of(model: Any) -> list[Any]:
    """Return a model's layers; a layer is a model of itself."""
    held = getattr(model, "layers", None)
    return held if isinstance(held, list) else [model]


class _LiveStore:
    """Finds the weights of a Keras model's layers, and of the models within it."""

    def __init__(self, model: Any) -> None:
        self.models = {"": model}

    def listed_as(self, place: str, layers: Sequence[tuple[str, str]]) -> None:
        """Take no note: a model finds its layers by their names."""

    def inner(self, place: str, name: str, class_name: str) -> str:  # noqa: ARG002  (of the protocol)
        """Return the place of a model within the model at a place."""
        found = f"{place}/{name}"
        self.models[found] = self._layer(place, name)
        return found

    def weights(self, place: str, name: str, class_name: str, opaque: str) -> Weights:  # noqa: ARG002
        """Return the weights of a layer, in Keras's order."""
        layer = self._layer(place, name)
        arrays = [] if layer is None else [np.asarray(each) for each in layer.get_weights()]
        return Weights(arrays={str(number): _array(each) for number, each in enumerate(arrays)})  # type: ignore[misc]

    def layers(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield nothing: there is a configuration."""
        return iter(())

    def parts(self) -> Iterator[tuple[str, str, Weights]]:
        """Yield nothing: there is a configuration."""
        return iter(())

    def inside(self, place: str, name: str, class_name: str) -> Iterator[tuple[str, str, Weights]]:  # noqa: ARG002
        """Yield nothing: what a layer of a class of one's own holds is among its own weights."""
        return iter(())

    def _layer(self, place: str, name: str) -> Any:
        model = self.models.get(place)
        held = [] if model is None else _layers_of(model)
        return next((each for each in held if each.name == name), None)


class _Allowed:
    """What `Builder` asks of a file, for a model that has none."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.effort = effort(self.limits)


def _of_keras(model: Any) -> Network:
    config, inferred = _config_of(model)
    builder = Builder(opened=cast(Opened, _Allowed()), store=_LiveStore(model), is_keras_3=True)
    layers = builder.build(config)
    name = printable(type(model).__name__, 40)
    _check_weights(layers, name)
    order = "the model's own graph" if not inferred else "the model's list of layers"
    origin = Origin(kind=f"a Keras {name}", framework="Keras", order=order, inferred=inferred)
    return Network.of(layers, origin)


def _config_of(model: Any) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return a model's configuration; of one of a class of its own, that of a chain of its layers."""
    try:
        found = json.loads(model.to_json())
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("config"), dict) and "layers" in found["config"]:
        return found, ()
    held = _layers_of(model)
    layers = [_entry_of(layer) for layer in held]
    chain = {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}
    if held == [model]:
        return chain, ()
    return chain, ("the model does not tell its graph: each layer is taken to follow the one before",)


def _entry_of(layer: Any) -> dict[str, Any]:
    given = layer.get_config() if hasattr(layer, "get_config") else {}
    listed = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return {"class_name": type(layer).__name__, "config": {**listed, "name": layer.name}}


# Trees of arrays


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _is_tree(value: Any) -> bool:
    return isinstance(value, Mapping) and any(True for _ in _arrays(value))


def _arrays(tree: Mapping[Any, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the arrays of a tree with the keys that lead to each."""
    if len(path) >= DEEPEST:
        return
    for key, value in tree.items():
        if _is_array(value):
            yield (*path, str(key)), value
        elif isinstance(value, Mapping):
            yield from _arrays(value, (*path, str(key)))


def _of_tree(tree: Mapping[Any, Any], hints: Hints) -> Network:
    found = list(_arrays(tree))
    is_flax = any(path[-1] in _KERNELS for path, _ in found)
    convention = FLAX if is_flax else PYTORCH
    arrays = [(convention.separator.join(path), _array(value)) for path, value in found]
    tensors = [Tensor(name=name, array=one) for name, one in arrays if not isinstance(one, Lost)]
    lost = [f"{printable(name, 60)}, which {one.reason}" for name, one in arrays if isinstance(one, Lost)]
    effective = effective_tensors(
        [] if is_flax else without_prefixes(tensors)[0], Computing(sys.maxsize), effort(Limits())
    )
    tensors = without_collections(tensors) if is_flax else list(effective.tensors)
    made = layers_of(tensors, convention, hints)
    framework = "Flax" if is_flax else "PyTorch"
    origin = Origin(
        kind="a tree of parameters" if is_flax else "a state_dict",
        framework=framework,
        order="the order of the dictionary",
        inferred=(*made.inferred, *effective.sentences),
        guess=effective.guess,
        notes=(f"what could not be read: {listed(lost, MOST_LOST)}",) if lost else (),
    )
    return Network.of(made.layers, origin)


def _check_weights(layers: Any, name: str) -> None:
    if not any(layer.parameters for layer in layers):
        raise DrawingError(f"the {name} has no weights yet; build it, or let it see one input first")
