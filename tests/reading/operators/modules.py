"""What each operation becomes in the printed source of an ``nn.Module``."""

from __future__ import annotations

from filtviz.converting.module_source import printed_module
from filtviz.errors import ConversionError
from filtviz.network import Layer, Network
from filtviz.operations import Convolution, Flatten, GlobalPooling
from tests.reading.operators.asking import Told, numbers_of

__all__ = ["modules", "printed"]


def printed(network: Network) -> str:
    """The lines that are not in every module, and the arrays."""
    try:
        source, collected = printed_module(network, "net.pt")
    except ConversionError as error:
        return str(error)
    body = source[source.index("class ") :].splitlines()
    lines = [line.strip() for line in body if line.startswith("        ") and "super()" not in line]
    arrays = [f"{one.name}{numbers_of(one.read())}" for one in collected.arrays]
    return "; ".join([*lines, *arrays])


def modules() -> Told:
    from tests.converting.test_onnx import CASES, MERGES, REFUSED, network_of, numbers, pads

    for name, case in CASES.items():
        yield name, printed(network_of(*(case if isinstance(case, tuple) else (case,))))
    alone = network_of(CASES["dense, by position"], shape=(None, 4))
    yield "dense, by position, of units", printed(alone)
    for kind in ("max", "mean", "sum"):
        yield f"{kind} of units without places", printed(network_of(Flatten(), GlobalPooling(kind=kind)))
    for name, operation in REFUSED.items():
        yield name, printed(network_of(operation))
    start = network_of(Convolution(weights=numbers(4, 4, 3, 3), stride=(1, 1), pad=pads(1, 1)))
    for name, operation in MERGES.items():
        layers = [*start.layers, Layer(name="b", inputs=(0, 1), operations=(operation,))]
        yield name, printed(Network.of(layers))
