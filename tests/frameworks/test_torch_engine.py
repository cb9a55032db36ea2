"""The engine that computes with PyTorch beside numpy's: the same numbers, and gradients that are slopes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import filtviz
from filtviz import RunningError
from filtviz.activations import KINDS, Activation
from filtviz.network import Layer, Network
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocalResponse,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Upscale,
)
from filtviz.parameter import Parameter

torch = pytest.importorskip("torch", reason="torch is not installed (the extra torch)")

pytestmark = pytest.mark.slow

LAYERS = Path(__file__).parents[1] / "running" / "lasagne0.2-layers.npz"
SETTINGS = settings(
    max_examples=150,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def assert_same(network: Network, images: np.ndarray) -> None:
    places = list(range(len(network.layers)))
    by_numpy = network.run(images, places, engine="numpy")
    by_torch = network.run(images, places, engine="torch")
    for place in places:
        assert by_torch[place].dtype == by_numpy[place].dtype
        assert by_torch[place].shape == by_numpy[place].shape
        np.testing.assert_allclose(by_torch[place], by_numpy[place], rtol=1e-10, atol=1e-10)


def test_single_layers_give_what_theano_gave(tmp_path: Path) -> None:
    with np.load(LAYERS) as held:
        layers = {name: held[name] for name in held.files}
    for name in sorted({key.rpartition("/")[0] for key in layers}):
        path = tmp_path / "layer.pkl"
        path.write_bytes(layers[f"{name}/pickle"].tobytes())
        network = filtviz.load(path)
        entrance = network.layers[0].operations[0]
        assert isinstance(entrance, Input)
        assert entrance.shape is not None
        images = np.random.RandomState(0).randn(1, *entrance.shape[1:])
        precision = 1e-6 if name.startswith("local response") else 1e-11
        found = network.run(images, engine="torch")
        np.testing.assert_allclose(found, layers[f"{name}/truth"], precision, precision, err_msg=name)


# Networks made of operations


def array(draw: st.DrawFn, *shape: int, positive: bool = False) -> Parameter:
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    values = rng.random(shape) + 0.1 if positive else rng.standard_normal(shape)
    return Parameter.of("p", values)


def pairs(draw: st.DrawFn, most: int) -> tuple[tuple[int, int], ...]:
    return tuple((draw(st.integers(0, most)), draw(st.integers(0, most))) for _ in range(2))


def sizes(draw: st.DrawFn, most: int) -> tuple[int, ...]:
    return tuple(draw(st.integers(1, most)) for _ in range(2))


def convolution(draw: st.DrawFn, channels: int) -> Operation:
    groups = draw(st.sampled_from([n for n in (1, 2, 3) if channels % n == 0]))
    transposed = draw(st.booleans()) and groups == 1
    filters, size = groups * draw(st.integers(1, 3)), sizes(draw, 3)
    axes = "iorc" if transposed else "oirc"
    first = (channels, filters) if transposed else (filters, channels // groups)
    return Convolution(
        weights=array(draw, *first, *size),
        axes=axes,
        flip_filters=draw(st.sampled_from([True, False, None])),
        bias=draw(st.sampled_from([None, array(draw, filters)])),
        stride=sizes(draw, 3),
        pad=((0, 0), (0, 0)) if transposed else pairs(draw, 2),
        dilation=draw(st.sampled_from([(), (1, 2), (2, 1)])),
        groups=groups,
        transposed=transposed,
    )


def pooling(draw: st.DrawFn, channels: int) -> Operation:
    size = sizes(draw, 4)
    return Pooling(
        kind=draw(st.sampled_from(["max", "mean", "sum"])),
        size=size,
        stride=sizes(draw, 3),
        pad=tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in size),
        whole_windows=draw(st.booleans()),
        counts_pad=draw(st.booleans()),
    )


def of_each_unit(draw: st.DrawFn, channels: int) -> Operation:
    kind = draw(st.sampled_from([kind for kind in KINDS if kind != "untold"]))
    slopes = array(draw, channels) if kind == "parametric_rectify" else None
    ends = {"low": -0.5, "high": 0.75} if kind == "clip" else {}
    return Activation(kind=kind, alpha=draw(st.sampled_from([0.25, 1.0, 6.0])), slopes=slopes, **ends)


def scaling(draw: st.DrawFn, channels: int) -> Operation:
    return Normalisation(
        mean=array(draw, channels),
        spread=array(draw, channels, positive=True),
        spread_is=draw(st.sampled_from(["inv_std", "std", "variance"])),
        epsilon=1e-3,
        gamma=array(draw, channels),
        beta=array(draw, channels),
    )


def plain(draw: st.DrawFn, channels: int) -> Operation:
    choices: list[Operation] = [
        Identity(),
        Pad(pad=pairs(draw, 2), value=0.5),
        Pad(pad=pairs(draw, 1), mode=draw(st.sampled_from(["reflect", "edge"]))),
        Resize(
            size=sizes(draw, 9),
            coordinates=draw(st.sampled_from(["half_pixel", "align_corners", "asymmetric"])),
        ),
        Reduction(kind=draw(st.sampled_from(["max", "min", "mean", "sum"])), axes=(2,), keeps=True),
        Crop(crop=((0, 1), (1, 0))),
        Upscale(scale=sizes(draw, 2), dilates=draw(st.booleans())),
        Transpose(order=(0, 1, 3, 2)),
        Slice(axis=2, start=draw(st.integers(0, 1)), step=draw(st.sampled_from([1, 2, -1]))),
        LocalResponse(alpha=0.25, k=1.5, beta=0.75, n=draw(st.integers(1, 4))),
        Softmax(axis=1),
        Standardisation(groups=draw(st.sampled_from([0, 1])), epsilon=0.5, gamma=array(draw, channels)),
        Standardisation(axes=(-1,), epsilon=0.5),
        ChannelPooling(kind=draw(st.sampled_from(["max", "mean", "sum"])), size=1 if channels % 2 else 2),
        Reshape(lengths=((0,), (1,), -1, 1)),
    ]
    return draw(st.sampled_from(choices))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Network, np.ndarray]:
    """A network of up to six layers, with a branch now and then, that ends as classifiers do."""
    channels, rows, cols = draw(st.integers(1, 4)), draw(st.integers(3, 9)), draw(st.integers(3, 9))
    shape = (None, channels, rows, cols)
    layers = [Layer(type="Input", output_shape=shape, operations=(Input(shape=shape),))]
    images = np.random.default_rng(draw(st.integers(0, 1 << 30))).standard_normal((3, channels, rows, cols))
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from([convolution, pooling, of_each_unit, scaling, plain]))
        below = len(layers) - 1
        layers.append(Layer(inputs=(below,), operations=(kind(draw, channels),)))
        try:
            units = Network.of(layers).run(images, [len(layers) - 1], engine="numpy")[len(layers) - 1]
        except RunningError:
            layers.pop()  # too small for it
            continue
        assume(units.size < 200_000 and np.abs(units).max(initial=0) < 1e6)
        channels = units.shape[1]
        if draw(st.integers(0, 3)) == 0:
            last = len(layers) - 1
            both = draw(st.sampled_from([Merge(kind="add", coefficients=(0.5, -2.0)), Concatenate()]))
            layers.append(Layer(inputs=(last, last), operations=(both,)))
            channels *= 1 if isinstance(both, Merge) else 2
    ends = draw(st.sampled_from(["none", "dense", "global"]))
    if ends == "dense":
        units = Network.of(layers).run(images, engine="numpy")
        dense = Dense(weights=array(draw, units[0].size, 3), bias=array(draw, 3))
        layers.append(Layer(inputs=(len(layers) - 1,), operations=(Flatten(), dense, Softmax())))
    elif ends == "global":
        layers.append(Layer(inputs=(len(layers) - 1,), operations=(GlobalPooling(kind="mean"),)))
    return Network.of(layers), images


@SETTINGS
@given(networks())
def test_both_engines_give_the_same(made: tuple[Network, np.ndarray]) -> None:
    assert_same(*made)


def test_single_precision_and_batches() -> None:
    network = filtviz.load(Path(__file__).parents[2] / "examples" / "mission-trained.pkl")
    images = np.random.default_rng(0).random((5, 1, 31, 31))
    exact = network.run(images, engine="numpy")
    assert network.run(images, engine="torch", dtype="float32").dtype == np.float32
    np.testing.assert_allclose(network.run(images, engine="torch", dtype="float32"), exact, atol=1e-5)
    np.testing.assert_allclose(network.run(images, engine="torch", batch=2), exact, atol=1e-12)


def test_it_is_chosen_by_itself_where_it_is_in_use() -> None:
    from filtviz.running.choosing import choose_engine

    assert choose_engine(None, 0, "float32", None).name == "torch"
    assert choose_engine("numpy", 1 << 60, "float32", None).name == "numpy"


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    network = filtviz.load(Path(__file__).parents[2] / "examples" / "mission-trained.pkl")
    with pytest.raises(RunningError, match=r"^PyTorch cannot compute on 'nowhere': "):
        network.run(np.zeros((1, 1, 31, 31)), device="nowhere")


def test_what_does_not_fit_is_said_in_the_same_words() -> None:
    odd: list[Any] = [
        Transpose(order=(0, 5, 1, 2)),
        Reshape(lengths=(-1, -1)),
        Slice(axis=1, index=9),
        Pooling(kind="max", size=(9, 9), stride=(1, 1), pad=((0, 0), (0, 0))),
        ChannelPooling(kind="max", size=3),
    ]
    shape = (None, 1, 4, 4)
    for operation in odd:
        layers = [
            Layer(type="Input", operations=(Input(shape=shape),)),
            Layer(inputs=(0,), operations=(operation,)),
        ]
        sentences = []
        for engine in ("numpy", "torch"):
            with pytest.raises(RunningError) as raised:
                Network.of(layers).run(np.zeros((1, 1, 4, 4)), engine=engine)  # type: ignore[call-overload]
            sentences.append(str(raised.value))
        assert sentences[0] == sentences[1]
