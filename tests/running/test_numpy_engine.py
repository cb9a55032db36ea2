"""Each operation on numbers that can be followed by hand, and each reason for which one is not run."""

from __future__ import annotations

import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from filtviz.errors import CompositionError
from filtviz.network import Network
from filtviz.operations import (
    Activation,
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter
from filtviz.running.fitting import MisfitError
from filtviz.running.inference import forward
from filtviz.running.numpy_engine import NumpyEngine
from tests.building import as_layer, conv, image
from tests.running.test_torch_engine import torch_engine

UNITS = np.arange(1.0, 2 * 4 * 2 * 3 + 1).reshape(2, 4, 2, 3) ** 1.5
OTHER = UNITS[:, ::-1] / 3


def array(*shape: int) -> Parameter:
    return Parameter.of("w", np.random.default_rng(0).standard_normal(shape))


def run(operation: Operation, *, n: int = 1) -> np.ndarray:
    """What an operation makes of the units, or of both: seen through a convolution that changes nothing."""
    both = [
        image(4, 2, 3),
        as_layer(
            Normalisation(gamma=Parameter.of("g", np.full(4, 1 / 3)), is_batch=False),
            Slice(axis=1, step=-1),
            below=0,
        ),
    ]
    tested = as_layer(operation, below=(0, 1)[:n], name="tested")
    # What comes out has any shape; the convolution sees it as one row.
    row = as_layer(Flatten(keep=0), Reshape(lengths=(1, 1, 1, -1)), below=2)
    last = conv(np.ones((1, 1, 1, 1)), below=3, flip_filters=False)
    network = Network.of([*both, tested, row, last])
    return forward(network, network.conv_layers[0], UNITS).ravel()


WEIGHTS, BIAS, SLOPES = array(4, 5), array(5), array(4)
DENSE = array(24, 5)
AXES = (0, 2, 3, 1)
SQUARES = np.pad(UNITS**2, [(0, 0), (1, 1), (0, 0), (0, 0)])


def resized(units: np.ndarray) -> np.ndarray:
    """Twice as many rows but for one: each new one lies in the middle of two."""
    return np.stack([units[:, :, 0], units.mean(axis=2), units[:, :, 1]], axis=2)


def blended(units: np.ndarray, first: list[int], second: list[int], shares: list[float]) -> np.ndarray:
    """What lies between two columns, as far from the first one as the share says."""
    return units[..., first] * (1 - np.array(shares)) + units[..., second] * np.array(shares)


def standardised(parts: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    centred = parts - parts.mean(axis=axes, keepdims=True)
    return (centred / np.sqrt((centred**2).mean(axis=axes, keepdims=True) + 1e-5)).reshape(UNITS.shape)


LOCAL = Parameter.of("W", np.random.default_rng(1).standard_normal((3, 4, 1, 1, 2, 3)))
PAIRS = Parameter.of("W", np.random.default_rng(2).standard_normal((4, 2, 1, 1, 2, 3)))


def local(operation: LocallyConnected) -> np.ndarray:
    """Each place weighed by filters of its own, counted one by one."""
    filters, groups = operation.filters[..., 0, 0, :, :], 4 // operation.n_channels
    found = np.zeros((2, len(filters), 2, 3))
    for o, y, x in np.ndindex(found.shape[1:]):
        first = o * groups // len(filters) * operation.n_channels
        seen = UNITS[:, first : first + operation.n_channels, y, x]
        found[:, o, y, x] = seen @ filters[o, :, y, x]
    return found


PLACED = {"axes": "oircyx", "stride": (1, 1), "pad": ((0, 0), (0, 0)), "flip_filters": False}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Input(shape=(None, 4, None, None)), UNITS),
        (Input(shape=None), UNITS),
        (Identity(), UNITS),
        (Dense(weights=DENSE, bias=BIAS), UNITS.reshape(2, 24) @ DENSE.value + BIAS.value),
        (Dense(weights=Parameter.of("w", DENSE.value.T), axes="oi"), UNITS.reshape(2, 24) @ DENSE.value),
        (
            Dense(weights=WEIGHTS, bias=BIAS, per_position=True),
            (UNITS.transpose(AXES) @ WEIGHTS.value + BIAS.value).transpose(0, 3, 1, 2),
        ),
        (
            Dense(weights=Parameter.of("w", np.ones((3, 2))), leading_axes=3),
            np.repeat(UNITS.sum(axis=3)[..., None], 2, axis=3),
        ),
        (GlobalPooling(kind="max"), UNITS.max(axis=(2, 3))),
        (GlobalPooling(kind="mean"), UNITS.mean(axis=(2, 3))),
        (GlobalPooling(kind="sum"), UNITS.sum(axis=(2, 3))),
        (ChannelPooling(kind="max", size=2), np.maximum(UNITS[:, ::2], UNITS[:, 1::2])),
        (ChannelPooling(kind="mean", size=3, axis=-1), UNITS.mean(axis=3, keepdims=True)),
        (ChannelPooling(kind="sum", size=2, axis=2), UNITS.sum(axis=2, keepdims=True)),
        (
            LocalResponse(alpha=0.5, k=2.0, beta=0.75, n=3),
            UNITS / (2 + 0.5 * sum(SQUARES[:, i : i + 4] for i in range(3))) ** 0.75,
        ),
        # Of an even number of neighbours there is one more before, and of more than there are, all.
        (
            LocalResponse(alpha=0.5, k=2.0, beta=0.75, n=2),
            UNITS / (2 + 0.5 * sum(SQUARES[:, i : i + 4] for i in range(2))) ** 0.75,
        ),
        (
            LocalResponse(alpha=0.5, k=2.0, beta=0.75, n=99),
            UNITS / (2 + 0.5 * (UNITS**2).sum(axis=1, keepdims=True)) ** 0.75,
        ),
        (
            Pad(pad=((1, 0), (2, 3)), value=7.0),
            np.pad(UNITS, [(0, 0), (0, 0), (1, 0), (2, 3)], constant_values=7.0),
        ),
        (
            Pad(pad=((1, 0), (2, 1)), mode="reflect"),
            np.pad(UNITS, [(0, 0), (0, 0), (1, 0), (2, 1)], mode="reflect"),
        ),
        (
            Pad(pad=((2, 0), (1, 3), (0, 1)), first_axis=1, mode="edge"),
            np.pad(UNITS, [(0, 0), (2, 0), (1, 3), (0, 1)], mode="edge"),
        ),
        (Activation(kind="clip", low=-0.5, high=0.25), np.clip(UNITS, -0.5, 0.25)),
        (Activation(kind="power", alpha=3.0), UNITS * UNITS * UNITS),
        (Activation(kind="absolute"), np.where(UNITS < 0, -UNITS, UNITS)),
        (Pad(pad=((0, 1), (0, 0), (0, 0)), first_axis=1), np.pad(UNITS, [(0, 0), (0, 1), (0, 0), (0, 0)])),
        (Crop(crop=((0, 1), (1, 0))), UNITS[:, :, :1, 1:]),
        (Slice(axis=1, start=1, stop=4, step=2), UNITS[:, 1:4:2]),
        (Slice(axis=-1, index=1), UNITS[..., 1]),
        (Reshape(lengths=((0,), 2, -1)), UNITS.reshape(2, 2, 12)),
        (Flatten(keep=2), UNITS.reshape(2, 4, 6)),
        (Transpose(order=(0, 2, 3, 1)), UNITS.transpose(AXES)),
        (Transpose(order=(1, None, 0, 2, 3)), UNITS.transpose(1, 0, 2, 3)[:, None]),
        (Upscale(scale=(2, 3)), UNITS.repeat(2, axis=2).repeat(3, axis=3)),
        (Resize(size=(3, 3), coordinates="align_corners"), resized(UNITS)),
        (Resize(scale=(1.0, 1.0)), UNITS),
        (
            Resize(scale=(1.0, 2.0)),
            blended(UNITS, [0, 0, 0, 1, 1, 2], [0, 1, 1, 2, 2, 2], [0, 0.25, 0.75, 0.25, 0.75, 0]),
        ),
        (
            Resize(size=(2, 6), coordinates="asymmetric"),
            blended(UNITS, [0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 2], [0, 0.5] * 3),
        ),
        # It lies where the factor says, and not where the lengths do: 2.4 times three are seven.
        (
            Resize(scale=(1.0, 2.4), coordinates="asymmetric"),
            blended(
                UNITS, [0, 0, 0, 1, 1, 2, 2], [1, 1, 1, 2, 2, 2, 2], [i / 2.4 % 1 for i in range(5)] + [0, 0]
            ),
        ),
        # As long as before, and not as it was.
        (
            Resize(scale=(1.0, 1.2), coordinates="asymmetric"),
            blended(UNITS, [0, 0, 1], [1, 1, 2], [0, 1 / 1.2, 2 / 1.2 - 1]),
        ),
        (Resize(size=(2, 1), coordinates="align_corners"), UNITS[..., :1]),
        (Resize(size=(2, 1), coordinates="pytorch_half_pixel"), UNITS[..., :1]),
        (Resize(size=(2, 1)), UNITS[..., 1:2]),
        (
            Resize(size=(2, 6), coordinates="pytorch_half_pixel"),
            blended(UNITS, [0, 0, 0, 1, 1, 2], [0, 1, 1, 2, 2, 2], [0, 0.25, 0.75, 0.25, 0.75, 0]),
        ),
        (Standardisation(), standardised(UNITS, (2, 3))),
        (Standardisation(groups=2), standardised(UNITS.reshape(2, 2, 2, 6), (2, 3))),
        (Standardisation(axes=(1, -1)), standardised(UNITS, (1, 3))),
        (
            Standardisation(axes=(-1, 3), gamma=SLOPES, beta=SLOPES),
            (standardised(UNITS, (3,)) + 1) * SLOPES.value[:, None, None],
        ),
        (LocallyConnected(weights=LOCAL, **PLACED), local(LocallyConnected(weights=LOCAL, **PLACED))),
        (LocallyConnected(weights=PAIRS, **PLACED), local(LocallyConnected(weights=PAIRS, **PLACED))),
        (Reduction(kind="min", axes=(1,), keeps=True), UNITS.min(axis=1, keepdims=True)),
        (Reduction(kind="mean", axes=(1, 3)), UNITS.mean(axis=(1, 3))),
        (Slice(axis=-2, index=-1), UNITS[:, :, -1]),
        (Reduction(kind="euclidean", axes=(-3, 2)), np.sqrt((UNITS * UNITS).sum(axis=(1, 2)))),
        (Softmax(axis=1), np.exp(UNITS) / np.exp(UNITS).sum(axis=1, keepdims=True)),
        (Normalisation(beta=SLOPES, is_batch=False), UNITS + SLOPES.value[:, None, None]),
    ],
    ids=lambda value: "" if isinstance(value, np.ndarray) else type(value).__name__,
)
def test_an_operation_does_what_it_says(operation: Operation, expected: np.ndarray) -> None:
    np.testing.assert_allclose(run(operation), expected.ravel(), rtol=1e-12)
    assert NumpyEngine().apply(operation, [UNITS]).shape == expected.shape


def test_zeros_lie_between_what_is_spread_out() -> None:
    expected = np.zeros((2, 4, 4, 9))
    expected[:, :, ::2, ::3] = UNITS
    np.testing.assert_allclose(run(Upscale(scale=(2, 3), dilates=True)), expected.ravel())


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Merge(kind="add"), UNITS + OTHER),
        (Merge(kind="add", coefficients=(2.0, -3.0)), 2 * UNITS - 3 * OTHER),
        (Merge(kind="subtract"), UNITS - OTHER),
        (Merge(kind="multiply"), UNITS * OTHER),
        (Merge(kind="divide"), UNITS / OTHER),
        (MatrixProduct(turned=(True, False)), np.einsum("nckr,nckl->ncrl", UNITS, OTHER)),
        (Merge(kind="maximum"), np.maximum(UNITS, OTHER)),
        (Merge(kind="minimum"), np.minimum(UNITS, OTHER)),
        (Merge(kind="mean"), (UNITS + OTHER) / 2),
        (Merge(kind="mean", coefficients=(2.0, -1.0)), UNITS - OTHER / 2),
        (Concatenate(), np.concatenate([UNITS, OTHER], axis=1)),
        (Concatenate(axis=3), np.concatenate([UNITS, OTHER], axis=3)),
    ],
)
def test_two_inputs_are_taken_in_their_order(operation: Operation, expected: np.ndarray) -> None:
    np.testing.assert_allclose(run(operation, n=2), expected.ravel(), rtol=1e-12)


def test_a_weighed_sum_of_many_takes_the_memory_of_a_few() -> None:
    units, n = np.ones((1, 1, 100, 100)), 200
    tracemalloc.start()
    total = NumpyEngine().apply(Merge(kind="add", coefficients=(0.5,) * n), [units] * n)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (total == n / 2).all()
    assert peak < 5 * units.nbytes


KERNELS = Parameter.of("W", np.ones((1, 4, 1, 1, 2, 3)))
OTHERS = Parameter.of("W", np.ones((1, 3, 1, 1, 2, 3)))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (Input(shape=(None, 3, None, None)), "they have 4 channels, the network expects 3"),
        (Dense(weights=WEIGHTS), "it looks at 4 units and is given 24"),
        (Dense(), "the file does not tell its weights"),
        (Normalisation(), "the file does not tell the scale that it applies"),
        (GlobalPooling(kind="untold", name="median"), "it pools by 'median', which is not known here"),
        (ChannelPooling(kind="max", size=3), "it pools groups of 3 and is given 4"),
        (ChannelPooling(kind="max", size=2, axis=4), "it pools along axis 4 and is given 4 axes"),
        (ChannelPooling(kind="max", size=2, axis=-5), "it pools along axis -5 and is given 4 axes"),
        (
            Activation(kind="parametric_rectify", slopes=SLOPES, along=(2,)),
            "its numbers are for units of 1x1x4x1, and it is given 2x4x2x3",
        ),
        (
            Pad(pad=((1 << 20, 0), (1 << 20, 0))),
            "it makes 8,796,134,965,296 units of its input, which is too much to follow here",
        ),
        (
            Upscale(scale=(1 << 20, 1 << 20)),
            "it makes 52,776,558,133,248 units of its input, which is too much to follow here",
        ),
        (
            Pooling(kind="max", size=(2,), stride=(2,), pad=((0, 0),)),
            "it looks along 1 axis, and is given units with 2",
        ),
        (
            Pooling(kind="max", size=(3, 3), stride=(1, 1), pad=((0, 0), (0, 0))),
            "they are 2x3 there, its window 3x3",
        ),
        (Slice(axis=1, is_told=False), "the file does not tell which part it keeps"),
        (Normalisation(gamma=SLOPES), "the file does not tell the deviation that it divides by"),
        (
            Merge(kind="add", cropping=("middle",)),
            "it crops its inputs by a rule that is not known here",
        ),
        (Merge(kind="untold", name="f"), "it merges by f, which is not known here"),
        (
            LocallyConnected(weights=KERNELS, axes="oircyx"),
            "the file does not tell its stride and padding",
        ),
        (
            LocallyConnected(weights=KERNELS, axes="oircyx", stride=(1, 1), pad=((1, 0), (0, 0))),
            "it has filters for 2x3 places and is given 3x3",
        ),
        (
            LocallyConnected(weights=OTHERS, axes="oircyx", stride=(1, 1), pad=((0, 0), (0, 0))),
            "it looks at 3 channels and is given 4",
        ),
        (
            LocallyConnected(weights=array(1, 4, 1, 1, 2), **PLACED | {"axes": "oircy"}),
            "the file does not tell where each of its filters is",
        ),
        (Resize(size=(0, 3)), "nothing is left of what it is given"),
        (Resize(scale=(2.0,)), "it looks along 1 axis, and is given units with 2"),
        (Pad(pad=((1, 0),), mode="edge"), "it pads 1 axis and is given 2"),
        (Pad(pad=((-1, 0), (0, 0)), mode="edge"), "its padding takes away from its input"),
        (Pad(pad=((0, 0), (3, 0)), mode="reflect"), "it mirrors more than there is: its input is 2x3"),
        (Standardisation(groups=3), "it makes 3 groups of 4 channels"),
        (Standardisation(axes=(4,)), "it takes means over axes that units of 4 axes do not have"),
        (MatrixProduct(), "it multiplies two inputs of matrices, and is given others"),
        (Embedding(), "it looks words up in a table, which is not followed here"),
        (Recurrent(kind="LSTM"), "it is recurrent, which is not followed here"),
        (Untold(reason="nobody knows"), "nobody knows"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_is_not_run_says_why(operation: Operation, reason: str) -> None:
    with pytest.raises(CompositionError) as raised:
        run(operation, n=2 if isinstance(operation, Merge) else 1)
    assert str(raised.value) == f"tested cannot be run on these images: {reason}"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stride": None}, "the file does not tell its stride and padding"),
        ({"pad": None}, "the file does not tell its stride and padding"),
    ],
)
def test_a_convolution_of_unknown_geometry_is_not_run(fields: dict, reason: str) -> None:
    network = Network.of([image(1, 4, 4), conv(np.ones((1, 1, 2, 2)), below=0, **fields)])
    with pytest.raises(CompositionError, match=reason):
        forward(network, network.conv_layers[0], np.zeros((1, 1, 4, 4)))


@pytest.mark.parametrize("channels", [3, 6])
def test_groups_are_as_many_as_fit(channels: int) -> None:
    weights = np.random.default_rng(1).standard_normal((2, 3, 2, 2))
    images = np.random.default_rng(2).standard_normal((1, channels, 4, 5))
    network = Network.of([image(channels, 4, 5), conv(weights, below=0, flip_filters=False)])
    found = forward(network, network.conv_layers[0], images)
    for o in range(2):
        seen = images[:, 3 * o : 3 * o + 3] if channels == 6 else images
        for y, x in np.ndindex(3, 4):
            assert found[0, o, y, x] == pytest.approx((seen[0, :, y : y + 2, x : x + 2] * weights[o]).sum())


def test_channels_that_make_no_groups_are_refused() -> None:
    network = Network.of([image(4, 4, 4), conv(np.ones((3, 2, 1, 1)), below=0)])
    with pytest.raises(CompositionError, match=r"it looks at 2 channels and is given 4$"):
        forward(network, network.conv_layers[0], np.zeros((1, 4, 4, 4)))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "shapes", "reason"),
    [
        (MatrixProduct(), [(1, 1, 2, 3), (1, 1, 2, 3)], "it multiplies matrices of 2x3 and 2x3"),
        (
            Merge(kind="add"),
            [(1, 1, 2, 3), (1, 1, 2, 2)],
            "its inputs are 1x1x2x3 and 1x1x2x2, which do not fit",
        ),
        (Merge(kind="add"), [(1, 2, 3), (1, 1, 2, 3)], "its inputs have different numbers of axes"),
    ],
)
def test_what_two_inputs_do_not_fit_each_other_in_is_said(operation, shapes, reason: str) -> None:
    with pytest.raises(MisfitError, match=reason):
        NumpyEngine().apply(operation, [np.ones(shape) for shape in shapes])


def test_a_mean_is_taken_of_all_inputs() -> None:
    parts = [np.full((1, 1), n) for n in (1.0, 2.0, 6.0)]
    assert NumpyEngine().apply(Merge(kind="mean"), parts).tolist() == [[3.0]]


@pytest.mark.cases("all")
@pytest.mark.parametrize("keeps", [False, True])
def test_weights_are_kept_apart_by_what_they_are_and_only_where_more_images_come(keeps: bool) -> None:
    """A bias is not taken for the weights of its layer, nor a layer's for those of another."""
    engine = NumpyEngine(keeps=keeps)
    reads: list[str] = []

    def held(name: str, *shape: int) -> Parameter:
        def read() -> np.ndarray:
            reads.append(name)
            return np.ones(shape)

        return Parameter(name=name, shape=shape, dtype=np.dtype(float), read=read)

    layers = [Dense(weights=held(f"W{n}", 2, n), bias=held(f"b{n}", n)) for n in (1, 2)]
    for _ in range(2):
        for n, layer in enumerate(layers, start=1):
            assert engine.apply(layer, [np.ones((1, 2))]).tolist() == [[3.0] * n]
    assert bool(engine._held) is keeps


@pytest.mark.cases("all")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [NumpyEngine, torch_engine])
def test_units_stay_in_the_precision_that_was_asked_for(make, dtype) -> None:
    engine = make(dtype)
    units = engine.take(np.ones((1, 4, 2, 3), "int16"))
    assert units.dtype == dtype
    for operation in (
        Dense(weights=DENSE, bias=BIAS), Normalisation(beta=SLOPES, is_batch=False), Softmax(),
        Resize(size=(3, 4)),
        LocalResponse(alpha=0.5, k=2.0, beta=0.75, n=3), Standardisation(gamma=SLOPES),
        LocallyConnected(weights=LOCAL, **PLACED), Activation(kind="power", alpha=0.5), Merge(kind="mean"),
        Activation(kind="parametric_rectify", slopes=SLOPES), Reduction(kind="mean", axes=(1,)),
        Pooling(kind="mean", size=(2, 2), stride=(1, 1), pad=((1, 1), (1, 1)), whole_windows=False),
        Upscale(scale=(2, 1), dilates=True), Pad(pad=((1, 0), (0, 1)), value=0.1), Slice(axis=1, step=-1),
        Merge(kind="add", coefficients=(0.5,)), Reduction(kind="euclidean", axes=(1,)),
        GlobalPooling(kind="mean"),
    ):  # fmt: skip
        given = engine.give(engine.apply(operation, [units]))
        assert (given.dtype, given.flags.c_contiguous) == (dtype, True), operation
    assert engine.give(units.T).flags.c_contiguous


def test_exponentials_of_large_numbers_and_maxima_of_negative_ones_are_what_they_are() -> None:
    engine = NumpyEngine()
    assert engine.apply(Softmax(), [np.array([[1e4, 1e4, -1e4]])]).tolist() == [[0.5, 0.5, 0.0]]
    assert engine.apply(Softmax(), [np.array([[1e4, 1e4], [-1e4, -1e4]])]).tolist() == [[0.5, 0.5]] * 2
    pool = Pooling(kind="max", size=(2, 2), stride=(2, 2), pad=((1, 0), (0, 1)), whole_windows=False)
    found = engine.apply(pool, [-UNITS])
    assert found[0, 0].tolist() == [
        [-UNITS[0, 0, 0, 0], -UNITS[0, 0, 0, 2]],
        [-UNITS[0, 0, 1, 0], -UNITS[0, 0, 1, 2]],
    ]


@pytest.mark.cases("all")
@pytest.mark.parametrize("transposed", [False, True])
def test_a_bias_for_each_place_is_added_there(transposed: bool) -> None:
    bias = np.arange(24.0).reshape(4, 2, 3)
    found = NumpyEngine().apply(
        Convolution(
            weights=Parameter.of("W", np.zeros((4, 4, 1, 1))),
            bias=Parameter.of("b", bias),
            stride=(1, 1),
            pad=((0, 0), (0, 0)),
            transposed=transposed,
        ),
        [UNITS],
    )
    assert found.tolist() == [bias.tolist()] * 2


def test_threads_are_held_back_where_there_is_little_to_do() -> None:
    engine = NumpyEngine()
    assert isinstance(engine.calm(), nullcontext)
    engine.is_small = True
    assert not isinstance(engine.calm(), nullcontext)
    with engine.calm():
        (numpys, *_) = [one for one in threadpool_info() if one["user_api"] == "blas"]
        assert numpys["num_threads"] == 1


@pytest.mark.cases("all")
@pytest.mark.parametrize("crop", [(0, 1), (0, 2), (1, 1), (2, 1), (9, 0), (0, 99)], ids=str)
def test_a_crop_of_more_than_there_is_leaves_nothing(crop: tuple[int, int]) -> None:
    first, last = crop
    for axis, length in enumerate(UNITS.shape[2:]):
        cut = [(0, 0), (0, 0)]
        cut[axis] = (first, last + max(length - first, 0))
        with pytest.raises(CompositionError, match="nothing is left"):
            run(Crop(crop=tuple(cut)))
