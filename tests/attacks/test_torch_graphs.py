"""PyTorch's modules whose attributes are of every wrong kind: the network is read, its geometry left open."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import CodeType
from typing import Any

import numpy as np
import pytest

from filtviz.composition import compose
from filtviz.errors import BudgetError, CompositionError
from filtviz.parameter import Parameter
from filtviz.reading.formats.torch.torch_classes import _BY_CLASS, Module, operations_of_module
from filtviz.running.inference import forward
from tests.attacks.assembling import mapped, real, shape, text, whole
from tests.attacks.graphs import VALUES
from tests.attacks.test_graphs import check_numbers, read
from tests.attacks.torch_files import in_zip, module, sequential, storage, tensor

ATTRIBUTES = {
    "kernel_size": shape(2, 2), "stride": shape(1, 1), "padding": whole(0), "dilation": whole(1),
    "groups": whole(1), "transposed": b"\x89", "output_padding": whole(0), "padding_mode": text("zeros"),
    "output_size": whole(1), "ceil_mode": b"\x89", "count_include_pad": b"\x88", "eps": real(1e-5),
    "size": whole(3), "alpha": real(1.0), "beta": real(1.0), "k": real(1.0), "negative_slope": real(0.1),
    "min_val": real(0.0), "max_val": real(6.0), "dim": whole(1), "start_dim": whole(1), "end_dim": whole(-1),
    "scale_factor": whole(2), "mode": text("nearest"), "value": real(0.0), "p": real(0.5),
    "out_features": whole(2), "hidden_size": whole(2),
}  # fmt: skip
KERNELS = mapped(weight=tensor())
LAST = mapped(weight=tensor(storage(), (3, 2, 1, 1), (2, 1, 1, 1)))
VECTORS = {
    name: tensor(lengths=(2,), strides=(1,)) for name in ("weight", "bias", "running_mean", "running_var")
}


class Asked(Mapping[str, Any]):
    """Attributes that nobody has, and a note of who is asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return {"stride": (1, 1), "padding": (0, 0), "kernel_size": (2, 2), "size": 3}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("stride",))

    def __len__(self) -> int:
        return 1


def used_by(cls: str) -> set[str]:
    """Return the attributes that the row of a class asks for."""
    asked = Asked()
    weight = Parameter.of("weight", np.ones((2, 1, 3, 3) if cls == "Conv2d" else (2,)))
    operations_of_module(Module(path=f"torch.nn.x.{cls}", facts=asked, parameters={"weight": weight}))
    return asked.names & ATTRIBUTES.keys()


def conv(parameters: bytes = KERNELS, **facts: bytes) -> bytes:
    return module("Conv2d", parameters=parameters, **ATTRIBUTES | {"stride": shape(1, 1)} | facts)


def check(folder, attribute: str, value: bytes, cls: str) -> None:
    """Read a chain with one module whose attribute is wrong; follow it as far as that goes."""
    facts = ATTRIBUTES | {attribute: value}
    middle = (
        conv(**{attribute: value}) if cls == "Conv2d" else module(cls, parameters=mapped(**VECTORS), **facts)
    )
    network = read(folder, in_zip(sequential(conv(), middle, conv(LAST))))
    assert len(network.conv_layers) in (2, 3)
    check_numbers(network)
    last = network.conv_layers[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for follow in (lambda: compose(network, last), lambda: forward(network, last, np.ones((1, 1, 9, 9)))):
            with suppress(CompositionError, BudgetError):
                follow()


def telling() -> Iterator[str]:
    """Yield the first and the last class of those whose attributes the same code asks for."""
    alike: dict[tuple[CodeType, frozenset[str]], list[str]] = {}
    for cls, row in _BY_CLASS.items():
        alike.setdefault((row.__code__, frozenset(used_by(cls))), []).append(cls)
    for group in alike.values():
        yield from dict.fromkeys((group[0], group[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("cls", ["Conv2d", *telling()])
def test_a_module_survives_each_value_of_each_attribute(cls, tmp_path):
    for attribute in used_by(cls):
        for value in VALUES.values():
            check(tmp_path, attribute, value, cls)
