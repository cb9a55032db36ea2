"""Models in memory: what each is taken for, what is read of it, and which sentence refuses it.

``python -m tests.telling`` writes ``tests/told/networks/memory.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np

from filtviz.live import array_of, is_live, network_of
from tests.networks.memory_trees import WAYS, Tensor, keras, said, trees

__all__ = ["memory"]


def memory() -> Iterator[tuple[str, str]]:
    yield from _arrays()
    yield from _kinds()
    yield from _modules()
    yield from _parametrised()
    yield from keras()
    yield from trees()


# Arrays


def _arrays() -> Iterator[tuple[str, str]]:
    values = np.array([[1.5, -2], [0, 3]], "f4")
    given: dict[str, Any] = {
        "numpy": values,
        "of bytes in their other order": values.astype(">f4"),
        "tensor": Tensor(values),
        "meta": Tensor(values, is_meta=True),
        "of no meta": Tensor(values, is_meta=False),
        "sparse": Tensor(values, is_sparse=True),
        "quantised": Tensor(values, "torch.qint8", is_quantized=True),
        "sparse, quantised": Tensor(values, "torch.qint8", is_quantized=True, is_sparse=True),
        "quantised by word alone": Tensor(values, "torch.qint8"),
        "half": Tensor(values.astype("f2")),
        "bfloat16": Tensor(values, "torch.bfloat16"),
        "bfloat16 of another": SimpleNamespace(shape=(2, 2), dtype="bfloat16", __array__=None),
        "bfloat16, numpy's": values.astype(ml_dtypes.bfloat16),
        "unknown": Tensor(values, "torch.odd\x1b"),
        "of a very long type": Tensor(values, "torch." + "o" * 50),
        "whole numbers": Tensor(values.astype("i8")),
        "truths": Tensor(values.astype("?")),
        "without a way": SimpleNamespace(
            shape=(np.int64(1),), dtype="float64", numpy=lambda: np.array([2.0])
        ),
        "empty": Tensor(np.zeros((0, 2), "f4")),
        "a single number": Tensor(np.float32(2)),
    }
    for name, value in given.items():
        if name != "bfloat16 of another":
            WAYS.clear()
            yield f"array {name}", f"{said(array_of, value)} by {WAYS}"
    source = Tensor(values)
    copied = array_of(source)
    copied += 1
    yield "array copied", str(values.tolist())


def _kinds() -> Iterator[tuple[str, str]]:
    array = np.zeros((1, 1, 2, 2), "f4")
    some = ("named_modules", "state_dict", "_modules", "_parameters")
    given: dict[str, Any] = {
        "nothing": None,
        "a number": 3,
        "an empty dictionary": {},
        "a dictionary of numbers": {"a": 1},
        "a dictionary of arrays": {"a": array},
        "a dictionary in a dictionary": {"a": {"b": array}},
        "a mapping of arrays": MappingProxyType({"a": MappingProxyType({"weight": array})}),
        "a list in a dictionary": {"a": [array]},
        "an array": array,
        "what has a shape": {"a": SimpleNamespace(shape=(1,))},
        "what has a type": {"a": SimpleNamespace(dtype="f4")},
        "weights alone": SimpleNamespace(get_weights=list),
        "weights and layers": SimpleNamespace(get_weights=list, layers=[]),
        "weights and layers that are no list": SimpleNamespace(get_weights=list, layers=()),
        "weights and a configuration": SimpleNamespace(get_weights=list, get_config=dict, name="a"),
        "layers alone": SimpleNamespace(layers=[]),
        "an odd class": type("\x1bOdd", (), {})(),
        "a class of a long name": type("O" * 50, (), {})(),
    }
    given |= {
        f"a module without {one}": SimpleNamespace(**dict.fromkeys(set(some) - {one}, None)) for one in some
    }
    for name, value in given.items():
        yield f"kind {name}", f"{is_live(value)} {said(network_of, value)}"
    for depth in (62, 63, 64):
        tree: Mapping[str, Any] = {"weight": array}
        for _ in range(depth):
            tree = {"a": tree}
        yield f"kind in {depth + 1} dictionaries", str(is_live(tree))


# PyTorch


class Module:
    """What an nn.Module can do."""

    def __init__(self, parts: Mapping[str, Any] | None = None, **own: Any) -> None:
        self._modules, self._parameters = dict(parts or {}), dict(own)
        self._buffers: dict[str, Any] = {}
        self.training = False

    def named_modules(self) -> None:
        raise NotImplementedError

    def parameters(self) -> Iterator[Any]:
        yield from self._parameters.values()
        for part in self._modules.values():
            yield from part.parameters()

    def state_dict(self) -> dict[str, Any]:
        found = {name: value for name, value in self._parameters.items() if value is not None} | self._buffers
        for name, part in self._modules.items():
            found |= {f"{name}.{key}": value for key, value in part.state_dict().items()}
        return found


def _module(path: str, parts: Mapping[str, Any] | None = None, facts: Any = None, **own: Any) -> Any:
    home, _, name = path.rpartition(".")
    made = type(name, (Module,), {"__module__": home})(parts, **own)
    vars(made).update(facts or {})
    return made


def _kernel(*shape: int, **facts: Any) -> Tensor:
    return Tensor(np.arange(np.prod(shape, dtype=int), dtype="f4").reshape(shape) + 1, **facts)


def _conv(facts: Any = None, parts: Any = None, weight: Any = None, **own: Any) -> Any:
    told = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "transposed": False}
    kernel = _kernel(2, 1, 2, 2) if weight is None else weight
    return _module("torch.nn.modules.conv.Conv2d", parts, told | (facts or {}), **{"weight": kernel} | own)


def _modules() -> Iterator[tuple[str, str]]:
    bias = _kernel(2)
    given = {
        "as usual": _conv(),
        "with a bias": _conv(bias=bias),
        "with none": _conv(bias=None),
        "with lists": _conv({"stride": [2, 1], "padding": [1, 0]}),
        "with an array": _conv({"stride": np.array([2, 1])}),
        "with a tuple of lists": _conv({"stride": ([2], 1)}),
        "with a hidden fact": _conv({"_stride": (3, 3)}),
        "with a word": _conv({"padding": "same", "padding_mode": "reflect"}),
        "moved": _conv(weight=_kernel(2, 1, 2, 2, requires_grad=True)),
        "frozen": _conv(weight=_kernel(2, 1, 2, 2, requires_grad=False)),
        "frozen beside a bias that moves": _conv(
            weight=_kernel(2, 1, 2, 2, requires_grad=False), bias=_kernel(2, requires_grad=True)
        ),
        "moved beside a frozen bias": _conv(
            weight=_kernel(2, 1, 2, 2, requires_grad=True), bias=_kernel(2, requires_grad=False)
        ),
        "frozen beside another bias that moves": _conv(
            weight=_kernel(2, 1, 2, 2, requires_grad=False), edge_bias=_kernel(2, requires_grad=True)
        ),
        "with a single number": _conv(gain=Tensor(np.float32(2))),
        "with a tuple of another class": _conv({"stride": type("Size", (tuple,), {})((2, 1))}),
        "of no values": _conv(weight=_kernel(2, 1, 2, 2, is_meta=True), bias=bias),
    }
    for name, value in given.items():
        yield f"module {name}", said(network_of, value)
    norm = _module(
        "torch.nn.modules.batchnorm.BatchNorm2d", None, {"eps": 0.5}, weight=_kernel(2), bias=_kernel(2)
    )
    norm._buffers = {"running_mean": _kernel(2), "running_var": _kernel(2), "num_batches_tracked": None}
    relu = _module("torch.nn.modules.activation.ReLU")
    del relu._buffers
    void = _module("torch.nn.modules.activation.Tanh")
    type(void).__len__ = lambda _: 0
    parts = {"a": _conv(bias=bias), "none": None, "b": norm, "c": relu, "d": void}
    for path in ("torch.nn.modules.container.Sequential", "mine.Net", "mine.\x1bNet", "mine." + "N" * 50):
        yield f"module {path!a}", said(network_of, _module(path, parts))
    yield "module without weights", said(network_of, _module("mine." + "\x1bN" * 30, {"a": relu}))


class Plainer:
    """A class that a parametrised one has besides."""


def _steps(*kinds: str, training: bool = False, **own: Any) -> Any:
    held = _module("torch.nn.utils.parametrize.ParametrizationList", **own)
    held._modules = {
        str(place): _module(f"torch.nn.utils.parametrizations.{kind}") for place, kind in enumerate(kinds)
    }
    for step in held._modules.values():
        if type(step).__name__ == "_SpectralNorm":
            step._buffers = {"_u": Tensor(np.array([0.0, 1.0], "f4")), "_v": Tensor(np.full(4, 0.5, "f4"))}
    held.training = training
    return held


def _parametrised() -> Iterator[tuple[str, str]]:
    """Yield convolutions whose kernel is computed whenever somebody asks for it (here of sevens)."""
    kept = {
        "original0": Tensor(np.full((2, 1, 1, 1), 2.0, "f4")),
        "original1": Tensor(np.ones((2, 1, 2, 2), "f4")),
    }
    whole = {"original": Tensor(np.ones((2, 1, 2, 2), "f4"))}
    seven = Tensor(np.full((2, 1, 2, 2), 7.0, "f4"))
    for names in (
        ("_WeightNorm",), ("_SpectralNorm",), ("Mine",), ("_SpectralNorm", "Mine"), ("_WeightNorm", "Mine"),
        (),
    ):  # fmt: skip
        for training in (False, True):
            for moved in (None, True, False):
                if moved is not None and (training or names == ("_SpectralNorm",)):
                    continue
                held = kept if "_WeightNorm" in names else whole
                for tensor in held.values():
                    tensor.requires_grad = moved
                steps = _steps(*names, training=training, **held)
                made = _conv(
                    None,
                    {"parametrizations": _module("torch.nn.ModuleDict", {"weight": steps})},
                    bias=_kernel(2),
                )
                del made._parameters["weight"]
                base = type(made)
                made.__class__ = type(
                    "ParametrizedConv2d",
                    (base, Plainer),
                    {"__module__": "torch.nn.utils.parametrize", "weight": seven},
                )
                yield f"parametrised by {names}, training {training}, moved {moved}", said(network_of, made)
