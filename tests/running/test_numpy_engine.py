"""Each operation on numbers that can be followed by hand, and each reason for which one is not run."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.errors import CompositionError
from filtviz.network import Network
from filtviz.operations import (
    Activation,
    ChannelPooling,
    Concatenate,
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
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter
from filtviz.running.inference import forward
from tests.building import as_layer, conv, image

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


@pytest.mark.cases("all")
def resized(units: np.ndarray) -> np.ndarray:
    """Twice as many rows but for one: each new one lies in the middle of two."""
    return np.stack([units[:, :, 0], units.mean(axis=2), units[:, :, 1]], axis=2)


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
        (ChannelPooling(kind="mean", size=3, axis=-1), UNITS.mean(axis=3)),
        (
            LocalResponse(alpha=0.5, k=2.0, beta=0.75, n=3),
            UNITS / (2 + 0.5 * sum(SQUARES[:, i : i + 4] for i in range(3))) ** 0.75,
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
        (Reshape(lengths=((0,), 2, -1)), UNITS),
        (Flatten(keep=2), UNITS),
        (Transpose(order=(0, 2, 3, 1)), UNITS.transpose(AXES)),
        (Transpose(order=(1, None, 0, 2, 3)), UNITS.transpose(1, 0, 2, 3)),
        (Upscale(scale=(2, 3)), UNITS.repeat(2, axis=2).repeat(3, axis=3)),
        (Resize(size=(3, 3), coordinates="align_corners"), resized(UNITS)),
        (Resize(scale=(1.0, 1.0)), UNITS),
        (Reduction(kind="min", axes=(1,), keeps=True), UNITS.min(axis=1, keepdims=True)),
        (Reduction(kind="euclidean", axes=(-3, 2)), np.sqrt((UNITS * UNITS).sum(axis=(1, 2)))),
        (Softmax(axis=1), np.exp(UNITS) / np.exp(UNITS).sum(axis=1, keepdims=True)),
        (Normalisation(beta=SLOPES, is_batch=False), UNITS + SLOPES.value[:, None, None]),
    ],
    ids=lambda value: "" if isinstance(value, np.ndarray) else type(value).__name__,
)
def test_an_operation_does_what_it_says(operation: Operation, expected: np.ndarray) -> None:
    np.testing.assert_allclose(run(operation), expected.ravel(), rtol=1e-12)


def test_zeros_lie_between_what_is_spread_out() -> None:
    expected = np.zeros((2, 4, 4, 9))
    expected[:, :, ::2, ::3] = UNITS
    np.testing.assert_allclose(run(Upscale(scale=(2, 3), dilates=True)), expected.ravel())


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
        (Concatenate(), np.concatenate([UNITS, OTHER], axis=1)),
        (Concatenate(axis=3), np.concatenate([UNITS, OTHER], axis=3)),
    ],
)
def test_two_inputs_are_taken_in_their_order(operation: Operation, expected: np.ndarray) -> None:
    np.testing.assert_allclose(run(operation, n=2), expected.ravel(), rtol=1e-12)


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
            "it looks along 1 axes, and is given units with 2",
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
