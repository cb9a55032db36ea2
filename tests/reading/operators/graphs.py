"""What each operation becomes in ONNX, told without ONNX: what it is asked to make is written down."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from filtviz.budget import Account
from filtviz.converting.onnx_graph import onnx_model
from filtviz.errors import ConversionError
from filtviz.network import Layer, Network
from filtviz.operations import (
    Convolution,
    Flatten,
    GlobalPooling,
    LocalResponse,
    Merge,
    Normalisation,
    Pooling,
    Reduction,
)
from filtviz.parameter import Parameter
from tests.reading.operators.asking import Told, numbers_of

__all__ = ["graphs", "written", "written_down"]


class _Model:
    """What is written down of a model, as its bytes."""

    def __init__(self, graph: list[str], opset_imports: list[str], **facts: Any) -> None:
        self.lines = [*graph, f"opset {' '.join(opset_imports)}", *(f"{k} {v}" for k, v in facts.items())]

    def ByteSize(self) -> int:
        return 0

    def SerializeToString(self, *, deterministic: bool) -> bytes:
        assert deterministic
        return "; ".join(self.lines).encode()


class _Node(SimpleNamespace):
    def __str__(self) -> str:
        facts = "".join(f" {key}={value}" for key, value in self.facts.items())
        return f"{', '.join(self.output)} = {self.kind}({', '.join(self.input)}){facts}"


def _node(kind: str, given: list[str], gives: list[str], name: str = "", **facts: Any) -> _Node:
    assert name == gives[0] or kind == "Identity"
    return _Node(kind=kind, input=given, output=list(gives), facts=facts)


def _graph(nodes: list[Any], name: str, given: list[str], ends: list[str], held: list[str]) -> list[str]:
    return [name, *(f"in {one}" for one in given), *held, *map(str, nodes), *(f"out {one}" for one in ends)]


def _props(model: _Model, facts: dict[str, str]) -> None:
    model.lines += [f"{key}: {value}" for key, value in facts.items()]


@contextmanager
def written_down() -> Iterator[None]:
    made: Any = ModuleType("onnx")
    made.TensorProto = SimpleNamespace(FLOAT="float")
    made.helper = SimpleNamespace(
        make_node=_node,
        make_tensor_value_info=lambda name, kind, axes: f"{name} {kind} {axes}",
        make_graph=_graph,
        make_model=_Model,
        make_opsetid=lambda domain, version: f"{domain}{int(version)}",
        set_model_props=_props,
    )
    made.numpy_helper = SimpleNamespace(from_array=lambda array, name: f"{name} {numbers_of(array)}")
    made.checker = SimpleNamespace(check_model=lambda model, full_check: None, ValidationError=ValueError)
    made.shape_inference = SimpleNamespace(InferenceError=ValueError)
    before = sys.modules.get("onnx")
    sys.modules["onnx"] = made
    try:
        yield
    finally:
        del sys.modules["onnx"]
        if before is not None:
            sys.modules["onnx"] = before


def written(network: Network, **facts: str) -> str:
    with written_down():
        try:
            told = onnx_model(network, facts, Account.unlimited()).decode()
        except ConversionError as error:
            return str(error)
    return told if facts else told.partition("; opset ")[0].removeprefix("network; ")


def graphs() -> Told:
    from tests.converting.test_onnx import CASES, MERGES, REFUSED, network_of, numbers, pads
    from tests.converting.test_verifying import with_three_inputs

    yield "facts", written(network_of(), converter="filtviz 1.2", source="a.pkl")
    for name, case in CASES.items():
        yield name, written(network_of(*(case if isinstance(case, tuple) else (case,))))
    for kind in ("max", "mean", "sum"):
        yield f"{kind} of units without places", written(network_of(Flatten(), GlobalPooling(kind=kind)))
        for pad in (2, 3):
            wide = Pooling(kind=kind, size=(2, 2), stride=(1, 1), pad=pads(1, pad))
            yield f"{kind} with {pad} of 2 in the frame", written(network_of(wide))
        for n in (1, 3):
            pool = Pooling(kind=kind, size=(3,) * n, stride=(2,) * n, pad=pads(*[1] * n), whole_windows=False)
            yield f"{kind} over {n} axes", written(network_of(pool, shape=(None, 4, *(7, 6, 5)[:n])))
    for name, operation in REFUSED.items():
        yield name, written(network_of(operation))
    start = network_of(Convolution(weights=numbers(4, 4, 3, 3), stride=(1, 1), pad=pads(1, 1)))
    for name, operation in MERGES.items():
        both = Layer(name="both", inputs=(0, 1), operations=(operation,))
        last = Layer(name="again", inputs=(2, 2), operations=(Merge(kind="add"),))
        yield name, written(Network.of([*start.layers, both, last]))
    yield "three inputs", written(with_three_inputs())
    whole = {"kind": "max", "size": (2, 2), "stride": (2, 2), "pad": pads(0, 0)}
    for is_whole in (True, False):
        pool = Pooling(**whole, whole_windows=is_whole)
        yield f"open size, whole {is_whole}", written(network_of(pool, shape=(None, 4, None, None)))
    alike = (Normalisation(gamma=numbers(6), along=(axis,), is_batch=False) for axis in (1, 2, 3, 1))
    yield "the same numbers in other shapes", written(network_of(*alike, shape=(None, 6, 6, 6)))
    for n in (64, 65):
        large = Parameter.of("p", np.arange(n, dtype="float32"))
        twice = (Normalisation(gamma=large, is_batch=False) for _ in range(2))
        yield f"{n} numbers that are alike", written(network_of(*twice, shape=(2, n, 1, 1)))
    near = LocalResponse(alpha=1, k=1, beta=1, n=3)
    yield "neighbours of one axis", written(network_of(near, shape=(None,)))
    yield "one number", written(network_of(Reduction(kind="sum", axes=(0, 1, 2, 3))))
