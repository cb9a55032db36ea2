"""What becomes of layers that hardly fit what they are given, as ONNX and as a module: mostly a refusal.

``python -m tests.telling`` writes ``tests/told/networks/refused.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from filtviz.activations import Activation
from filtviz.converting import onnx_graph
from filtviz.converting.module_source import printed_module
from filtviz.errors import FiltvizError
from filtviz.network import Layer, Network
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    GlobalPooling,
    Input,
    LocallyConnected,
    LocalResponse,
    MatrixProduct,
    Merge,
    Operation,
    Pad,
    Pooling,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Standardisation,
    Transpose,
    Upscale,
)
from filtviz.parameter import Shape
from tests.interpreters.cases import drawn
from tests.networks.walks import said
from tests.reading.operators.graphs import written

__all__ = ["refused"]

UNITS, OPEN, FLAT, LONG, DEEP = (
    (None, 4, 6, 6),
    (None, 4, None, None),
    (None, 6),
    (None, 4, 6),
    (None, 2, 3, 4, 5),
)


def _apart(n: int, **more: Any) -> Convolution:
    return Convolution(
        weights=drawn(3, 4, *[2] * n), axes="oi" + "drc"[3 - n :], stride=(1,) * n, pad=((0, 0),) * n, **more
    )


def _local(n: int, axes: str, **more: Any) -> LocallyConnected:
    sizes = {"o": 2, "i": 4, "r": 2, "c": 2, "d": 2, "y": 5, "x": 5}
    how = {"stride": (1,) * n, "pad": ((0, 0),) * n} | more
    return LocallyConnected(weights=drawn(*(sizes[a] for a in axes)), axes=axes, **how)


def _cases() -> Iterator[tuple[str, Shape, Operation]]:
    """Yield operations, and the shape of what they are given."""
    untold: Shape = (None, None, 6, 6)
    yield "neighbours among untold channels", untold, LocalResponse(n=3, alpha=0.5, beta=0.75, k=2.0)
    yield "pooling of untold channels", untold, Pooling(
        kind="mean", size=(2, 2), stride=(1, 1), pad=((1, 1), (1, 1))
    )  # fmt: skip
    yield "untold channels, each enlarged", untold, Upscale(scale=(2, 2), dilates=True)
    yield "kernels over untold channels", untold, _apart(2)
    for name, shape in (
        ("units", UNITS),
        ("open units", OPEN),
        ("numbers", FLAT),
        ("a row", LONG),
        ("a box", DEEP),
    ):
        for n in (1, 2, 3):
            yield f"{n} axes of {name}", shape, _apart(n)
            yield f"pooling {n} axes of {name}", shape, Pooling(
                kind="max", size=(2,) * n, stride=(1,) * n, pad=((0, 0),) * n
            )  # fmt: skip
            yield f"enlarging {n} axes of {name}", shape, Upscale(scale=(2, 1, 3)[:n])
            yield f"cropping {n} axes of {name}", shape, Crop(crop=((1, 0), (0, 1), (0, 0))[:n])
        for axes in ((1,), (-1,), (5,), ()):
            yield f"the sum along {axes} of {name}", shape, Reduction(kind="sum", axes=axes)
        for first, pad in (
            (2, ((1, 0), (0, 2))),
            (1, ((0, 1), (1, 1), (0, 0))),
            (2, ((1, 1),)),
            (2, ((-1, 0), (0, 0))),
        ):
            for mode in ("constant", "edge", "reflect"):
                how: Any = {"pad": pad, "first_axis": first, "mode": mode, "value": 0.5}
                yield f"{mode} frame {pad} from {first} of {name}", shape, Pad(**how)
        for leading in (1, 2, -1, 0, 5):
            dense = Dense(weights=drawn(6, 3), bias=drawn(3), leading_axes=leading)
            yield f"dense behind {leading} of {name}", shape, dense
        yield f"each place of {name}", shape, Dense(weights=drawn(4, 3), bias=drawn(3), per_position=True)
        for order in ((0, 2, 1, 3), (0, 1), (0, 1, None), (1, 0), (0, -1)):
            yield f"{order} of {name}", shape, Transpose(order=order)
        for groups, along in ((0, ()), (2, ()), (0, (1,)), (0, (-1, 2))):
            how = {"groups": groups, "axes": along, "epsilon": 0.5}
            yield f"standardised by {groups} and {along} of {name}", shape, Standardisation(**how)
        for size in (0, 2, 3):
            yield f"groups of {size} of {name}", shape, ChannelPooling(kind="max", size=size)
        for axis in (-1, -3, -9, 9):
            yield f"groups of axis {axis} of {name}", shape, ChannelPooling(kind="max", size=2, axis=axis)
        for along in ((1,), (0,), (-1,), (7,)):
            slopes = Activation(kind="parametric_rectify", slopes=drawn(3), along=along)
            yield f"slopes along {along} of {name}", shape, slopes
        for n in (0, 4, 5, 99):
            yield f"{n} neighbours in {name}", shape, LocalResponse(n=n, alpha=0.5, beta=0.75, k=2.0)
        for lengths in (
            ((0,), -1),
            ((0,), (1,), (2,), (3,)),
            ((0,), (2,), (1,), -1),
            ((7,), -1),
            (-1, 0),
            (2, (1,), 3, (2,)),
        ):
            yield f"{lengths} of {name}", shape, Reshape(lengths=lengths)
        for start, stop, step in (
            (1, None, 2),
            (None, -1, -1),
            (None, None, -2),
            (4, 1, -1),
            (1, 4, -1),
            (0, 1, 0),
        ):
            how = {"axis": -1, "start": start, "stop": stop, "step": step}
            yield f"{start}:{stop}:{step} of {name}", shape, Slice(**how)
        yield f"one of {name}", shape, Slice(axis=1, index=2)
        yield f"nothing known of {name}", shape, Slice(axis=1, is_told=False)
        for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
            for size, scale in (((3, 1), ()), ((), (2.0, 0.5)), ((3,), ())):
                how = {"size": size, "scale": scale, "coordinates": coordinates}
                yield f"{size or scale} by {coordinates} of {name}", shape, Resize(**how)
        yield f"all of {name}", shape, GlobalPooling(kind="sum")
        yield f"the median of {name}", shape, GlobalPooling(kind="untold", name="median")
    for n, axes in ((1, "oicx"), (2, "oircyx"), (2, "oirc"), (3, "oidrcyx")):
        yield f"local filters {axes}", UNITS, _local(n, axes)
    yield "local filters of no stride", UNITS, _local(2, "oircyx", stride=None)
    for gap in (1, 2):
        for kind in ("mean", "sum", "max"):
            how = {
                "kind": kind,
                "size": (2, 2),
                "stride": (1, 1),
                "pad": ((1, 0), (0, 0)),
                "dilation": (gap, gap),
            }
            yield f"{kind} of what lies {gap} apart", UNITS, Pooling(**how)
    for groups in (1, 2, 4):
        turned = Convolution(
            weights=drawn(2, 2, 2, 2),
            axes="oirc",
            stride=(2, 1),
            pad=((0, 1), (1, 0)),
            transposed=True,
            groups=groups,
        )
        yield f"backwards in {groups} groups", UNITS, turned


def _joined() -> Iterator[tuple[str, Network]]:
    """Yield what joins several inputs, of one number of axes and of others."""
    shapes: dict[str, list[Shape]] = {
        "alike": [UNITS, UNITS], "larger": [UNITS, (None, 4, 8, 7)],
        "flat": [UNITS, FLAT], "open": [UNITS, OPEN],
        "one": [UNITS], "three": [UNITS] * 3, "vectors": [(None,), (None,)],
    }  # fmt: skip
    joins: dict[str, Operation] = {
        "product": MatrixProduct(), "turned product": MatrixProduct(turned=(False, True)),
        "sum": Merge(kind="add"),
        "mean": Merge(kind="mean"), "least": Merge(kind="minimum", coefficients=(2.0, 1.0)),
        "difference": Merge(kind="subtract", coefficients=(1.0, -0.5)), "beside": Concatenate(),
        "untold": Merge(kind="untold", name="w" * 60),
    }  # fmt: skip
    for how in ("lower", "upper", "center", "odd", "None"):
        joins[f"sum, cropped {how}"] = Merge(kind="add", cropping=(None, None, how, how))
        joins[f"beside, cropped {how}"] = Concatenate(cropping=(None, None, how, how))
    for name, given in shapes.items():
        ends = [
            Layer(name=f"in{i}", operations=(Input(shape=one),), output_shape=one)
            for i, one in enumerate(given)
        ]
        for word, operation in joins.items():
            last = Layer(name="it", inputs=tuple(range(len(given))), operations=(operation,))
            yield f"{word} of {name}", Network.of([*ends, last])


def _both(network: Network) -> str:
    def module() -> str:
        source, collected = printed_module(network, "w.pt")
        lines = [line.strip() for line in source.partition("super().__init__()")[2].splitlines()]
        shapes = [f"{one.name}{one.shape}".replace(" ", "") for one in collected.arrays]
        return f"{'; '.join(filter(None, lines[:-1]))} {' '.join(shapes)}"

    graph = said(lambda: written(network))
    return f"{graph} || {said(module)}"


def refused() -> Iterator[tuple[str, str]]:
    for name, shape, operation in _cases():
        start = Layer(name="in", operations=(Input(shape=shape),), output_shape=shape)
        then = Layer(name="it", inputs=(0,), operations=(operation, Activation(kind="absolute")))
        try:
            network = Network.of([start, then])
        except FiltvizError as error:
            yield name, str(error)
            continue
        yield name, _both(network)
    for name, network in _joined():
        yield name, _both(network)
    local = Network.of(
        [
            Layer(name="in", operations=(Input(shape=UNITS),), output_shape=UNITS),
            Layer(
                name="it",
                inputs=(0,),
                operations=(_local(2, "oircyx"), LocalResponse(n=4, alpha=0.5, beta=0.75, k=2.0)),
            ),
            Layer(name="groups", inputs=(1,), operations=(ChannelPooling(kind="max", size=2),)),
        ]
    )
    for most in (1, 2, 7, 8, 15, 16):
        with patch.object(onnx_graph, "MOST_PARTS", most):
            yield f"no more than {most} parts", said(lambda: written(local))[:100]
    wide = Pooling(kind="sum", size=(2, 3), stride=(1, 1), pad=((0, 0), (0, 0)), dilation=(2, 1))
    for most in (23, 24):
        with patch.object(onnx_graph, "MOST_ONES", most):
            network = Network.of([local.layers[0], Layer(name="it", inputs=(0,), operations=(wide,))])
            yield f"24 ones of {most}", said(lambda n=network: written(n))[:100]
