"""Shapes and windows of operations, by hand-counted examples and against what is not known."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from filtviz.composition.linear_map import approximation_of
from filtviz.composition.stacks import _keeps_channels
from filtviz.network import Network
from filtviz.operations import (
    LONGEST,
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
    clipped_windows,
)
from filtviz.parameter import Parameter, Shape
from filtviz.running.intervals import Interval, _after_one
from filtviz.shapes import layer_window, output_shape, same_lengths, sane_shape, window_of
from filtviz.windows import Window, positions, whole_windows
from tests.building import as_layer, conv, image, margin

IMAGE = (None, 3, 11, 9)


def kernels(*shape: int, **more: Any) -> Convolution:
    settings: dict[str, Any] = {"stride": (1, 1), "pad": margin(0), **more}
    return Convolution(weights=Parameter.of("W", np.zeros(shape)), **settings)


def pooling(**more: Any) -> Pooling:
    return Pooling(**{"kind": "max", "size": (2, 2), "stride": (2, 2), "pad": margin(0), **more})


LOCAL = Parameter.of("W", np.zeros((4, 3, 3, 3, 9, 7)))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "below", "expected"),
    [
        (Input(shape=IMAGE), None, IMAGE),
        (kernels(4, 3, 3, 3), IMAGE, (None, 4, 9, 7)),
        (kernels(4, 3, 3, 3, pad=margin(1)), IMAGE, (None, 4, 11, 9)),
        (kernels(4, 3, 4, 2, pad=((2, 1), (1, 0))), IMAGE, (None, 4, 11, 9)),
        (kernels(4, 3, 3, 3, stride=(2, 3)), IMAGE, (None, 4, 5, 3)),
        (kernels(4, 3, 3, 3, dilation=(2, 3)), IMAGE, (None, 4, 7, 3)),
        (kernels(4, 3, 12, 3), IMAGE, (None, 4, 0, 7)),
        (kernels(4, 3, 3, 3, stride=None, pad=None), IMAGE, (None, 4, None, None)),
        (kernels(4, 3, 3, 3, pad=None), IMAGE, (None, 4, None, None)),
        (kernels(4, 3, 3, 3), None, (None, 4, None, None)),
        (kernels(4, 3, 3, 3), (7, 3, None, 9), (7, 4, None, 7)),
        (kernels(3, 4, 3, 3, axes="iorc", stride=(2, 2), transposed=True), IMAGE, (None, 4, 23, 19)),
        (
            kernels(3, 4, 3, 3, axes="iorc", stride=(2, 2), transposed=True, groups=3),
            IMAGE,
            (None, 12, 23, 19),
        ),
        (
            kernels(3, 4, 3, 3, axes="iorc", stride=(2, 2), pad=margin(1), transposed=True),
            IMAGE,
            (None, 4, 21, 17),
        ),
        (
            kernels(3, 4, 3, 3, axes="iorc", transposed=True, output_size=(22, 18)),
            IMAGE,
            (None, 4, 22, 18),
        ),
        (
            LocallyConnected(weights=LOCAL, axes="oircyx", stride=(1, 1), pad=margin(0)),
            IMAGE,
            (None, 4, 9, 7),
        ),
        (Dense(units=5), IMAGE, (None, 5)),
        (Dense(units=5, leading_axes=2), IMAGE, (None, 3, 5)),
        (Dense(units=5), None, (None, 5)),
        (Dense(units=5, per_position=True), IMAGE, (None, 5, 11, 9)),
        (Dense(units=5, per_position=True), None, None),
        (pooling(), IMAGE, (None, 3, 5, 4)),
        (pooling(whole_windows=False), IMAGE, (None, 3, 6, 5)),
        (pooling(size=(3, 3), whole_windows=False), IMAGE, (None, 3, 5, 4)),
        (pooling(size=(2, 2), stride=(3, 3), whole_windows=False), IMAGE, (None, 3, 4, 3)),
        (pooling(), (None, 3, 11), None),
        (pooling(), None, None),
        (GlobalPooling(kind="mean"), IMAGE, (None, 3)),
        (ChannelPooling(kind="max", size=3), IMAGE, (None, 1, 11, 9)),
        (ChannelPooling(kind="max", size=3, axis=4), IMAGE, None),
        (Pad(pad=((1, 2), (0, 3))), IMAGE, (None, 3, 14, 12)),
        (Pad(pad=margin(1), first_axis=1), IMAGE, None),
        (Pad(pad=((1, 1),) * 3, first_axis=1), IMAGE, (None, 5, 13, 11)),
        (Crop(crop=((1, 2), (0, 3))), IMAGE, (None, 3, 8, 6)),
        (Crop(crop=((1, 2),)), IMAGE, (None, 3, None, None)),
        (Upscale(scale=(2, 3)), IMAGE, (None, 3, 22, 27)),
        (Flatten(), IMAGE, (None, 297)),
        (Flatten(keep=2), IMAGE, (None, 3, 99)),
        (Flatten(keep=0), IMAGE, (None,)),
        (Flatten(keep=4), IMAGE, None),
        (Reshape(lengths=((0,), 9, -1)), (2, 3, 11, 9), (2, 9, 33)),
        (Reshape(lengths=((0,), 9, -1)), IMAGE, (None, 9, 33)),
        (Reshape(lengths=(9, -1)), IMAGE, (9, None)),
        (Reshape(lengths=(-2, (7,))), IMAGE, (None, None)),
        (Transpose(order=(0, 2, 3, 1)), IMAGE, (None, 11, 9, 3)),
        (Transpose(order=(0, None, 9)), IMAGE, (None, 1, None)),
        (Transpose(order=(1, 2, 3, 0), is_layout=True), (None, 5), (None, 5)),
        (Slice(axis=1, index=2), IMAGE, (None, 11, 9)),
        (Slice(axis=-1, start=1, stop=None, step=2), IMAGE, (None, 3, 11, 4)),
        (Slice(axis=1, is_told=False), IMAGE, (None, None, 11, 9)),
        (Slice(axis=0, stop=2), IMAGE, IMAGE),
        (Slice(axis=4, stop=2), IMAGE, None),
        (Identity(), IMAGE, IMAGE),
        (Activation(kind="rectify"), IMAGE, IMAGE),
        (Resize(size=(5, 20)), IMAGE, (None, 3, 5, 20)),
        (Resize(scale=(1.5, 0.5)), IMAGE, (None, 3, 16, 4)),
        (Resize(scale=(1.5,)), IMAGE, (None, 3, None, None)),
        (Reduction(kind="sum", axes=(1, -1)), IMAGE, (None, 11)),
        (Reduction(kind="sum", axes=(1,), keeps=True), IMAGE, (None, 1, 11, 9)),
        (Reduction(kind="sum", axes=(4,)), IMAGE, None),
        (Normalisation(), IMAGE, IMAGE),
        (Softmax(), IMAGE, IMAGE),
        (Untold(reason="it is unknown"), IMAGE, None),
        (Untold(reason="it is unknown", keeps_places=True), IMAGE, IMAGE),
        (Embedding(), IMAGE, None),
        (Recurrent(kind="LSTM"), IMAGE, None),
    ],
    ids=lambda value: "" if value is None or isinstance(value, tuple) else type(value).__name__,
)
def test_what_an_operation_makes_of_a_shape(
    operation: Operation, below: Shape | None, expected: Shape | None
) -> None:
    assert output_shape(operation, [below]) == expected


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "below", "expected"),
    [
        (Concatenate(), [IMAGE, (None, 2, 11, 9)], (None, 5, 11, 9)),
        (Concatenate(axis=-1), [IMAGE, IMAGE], (None, 3, 11, 18)),
        (Concatenate(), [IMAGE, (None, None, 11, 9)], (None, None, 11, 9)),
        (Concatenate(), [IMAGE, None], None),
        (Concatenate(axis=4), [IMAGE, IMAGE], None),
        (Merge(kind="add"), [IMAGE, (7, 3, 9, 9)], (7, 3, 9, 9)),
        (Merge(kind="add"), [IMAGE, (None, 3)], None),
        (Merge(kind="add"), [None, IMAGE], IMAGE),
        (MatrixProduct(), [None, IMAGE], None),
        (MatrixProduct(), [IMAGE, None], None),
    ],
)
def test_what_several_shapes_become(
    operation: Operation, below: list[Shape | None], expected: Shape | None
) -> None:
    assert output_shape(operation, below) == expected


def test_lengths_beyond_reason_are_left_open() -> None:
    assert output_shape(Upscale(scale=(2**20, 1)), [(1, 1, 2**20, 4)]) == (1, 1, None, 4)
    assert sane_shape((LONGEST, LONGEST - 1, 0, -1, None)) == (None, LONGEST - 1, 0, None, None)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (
            kernels(4, 3, 3, 5, stride=(2, 1), pad=margin(1)),
            Window(size=(3, 5), stride=(2, 1), pad=margin(1)),
        ),
        (kernels(4, 3, 3, 5, stride=None), None),
        (pooling(size=(3, 3), pad=margin(1)), Window(size=(3, 3), stride=(2, 2), pad=margin(1))),
        (pooling(dilation=(2, 1)), Window(size=(2, 2), stride=(2, 2), pad=margin(0), dilation=(2, 1))),
        (
            pooling(whole_windows=False),
            Window(size=(2, 2), stride=(2, 2), pad=margin(0), count=clipped_windows),
        ),
        (GlobalPooling(kind="max"), Window(size=(11, 9), stride=(11, 9), pad=margin(0))),
        (Pad(pad=margin(2)), Window(size=(1, 1), stride=(1, 1), pad=margin(2))),
        (
            Pad(pad=margin(2), first_axis=1),
            Window(size=(1,), stride=(1,), pad=margin(2)[1:]),
        ),
        (
            Upscale(scale=(2, 3)),
            Window(size=(2, 3), stride=(2, 3), pad=margin(0), transposed=True),
        ),
        (Dense(units=3), None),
        (Flatten(), None),
    ],
    ids=lambda value: "" if value is None else type(value).__name__,
)
def test_windows(operation: Operation, expected: Window | None) -> None:
    assert window_of(operation, IMAGE) == expected


def test_a_layer_shows_its_first_window() -> None:
    padded = as_layer(Activation(kind="rectify"), pooling(), Pad(pad=margin(1)), below=0)
    network = Network.of([image(3, 11, 9), padded, conv(np.zeros((1, 3, 3, 3)), below=1)])
    assert [layer_window(layer, network) for layer in network.layers] == [
        None,
        Window(size=(2, 2), stride=(2, 2), pad=margin(0)),
        Window(size=(3, 3), stride=(1, 1), pad=margin(0)),
    ]
    assert layer_window(as_layer(GlobalPooling(kind="max"), below=0), network) is not None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("numbers", "fits"),
    [
        (((3, 3), (1, 1)), True),
        (((3, 3), (1, 1), (2, 2)), True),
        (((3, 3), (1,)), False),
        (((3, 3), None), False),
        (((3, 0), (1, 1)), False),
        (((3, 3), ()), False),
    ],
)
def test_numbers_of_one_window(numbers: tuple[tuple[int, ...] | None, ...], fits: bool) -> None:
    assert same_lengths(*numbers) is fits


def count_places(length: int, span: int, stride: int, pad: tuple[int, int], whole: bool) -> int:
    """Put one window after another, as somebody would with a ruler."""
    places, start = 0, -pad[0]
    while start + span <= length + pad[1]:
        places, start = places + 1, start + stride
    is_left = places == 0 or start - stride + span < length + pad[1]
    return places + (not whole and is_left and start < length)


@pytest.mark.cases("all")
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("pad", [(0, 0), (1, 1), (0, 2)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_windows_are_counted_as_with_a_ruler(whole: bool, pad: tuple[int, int], dilation: int) -> None:
    for length in range(1, 12):
        for taps in (1, 2, 3):
            for stride in (1, 2, 3, 4):
                window = Window(
                    size=(taps,),
                    stride=(stride,),
                    pad=(pad,),
                    dilation=(dilation,),
                    count=whole_windows if whole else clipped_windows,
                )
                span = (taps - 1) * dilation + 1
                assert window.spans == (span,)
                if max(pad) >= span:  # a window that sees nothing but padding
                    continue
                expected = count_places(length, span, stride, pad, whole)
                assert positions((length,), window) == (expected,), (length, taps, stride)


def test_places_that_nobody_can_count() -> None:
    one = {"size": (2, 2), "stride": (2, 2)}
    assert positions((None, 8), Window(pad=margin(0), **one)) == (None, 4)
    assert positions((8, 8), Window(**one)) == (None, None)
    assert positions((8, 0), Window(pad=margin(0), count=clipped_windows, **one)) == (4, 0)


def test_an_input_has_no_lengths_that_cannot_be() -> None:
    longest = (1 << 31) - 1
    assert Input(shape=(None, 3, longest, 0)).shape == (None, 3, longest, 0)
    assert Input(shape=(-1, 10**300, longest + 1, 8)).shape == (None, None, None, 8)
    assert Input(shape=(8,) * 32).shape == (8,) * 32
    assert Input(shape=(8,) * 33).shape is None


def test_what_enlarges_has_as_many_places_as_it_writes() -> None:
    window = Window(size=(3,), stride=(2,), pad=((1, 0),), transposed=True)
    assert [positions((n,), window) for n in (0, 1, 4)] == [(0,), (2,), (8,)]


EVERY_OPERATION: list[Operation] = [
    Input(shape=IMAGE),
    kernels(4, 3, 3, 3),
    LocallyConnected(weights=LOCAL, axes="oircyx"),
    Dense(units=3),
    Embedding(),
    Recurrent(kind="LSTM"),
    Normalisation(),
    Standardisation(),
    Activation(kind="rectify"),
    pooling(),
    GlobalPooling(kind="max"),
    ChannelPooling(kind="max", size=3),
    LocalResponse(alpha=1.0, k=1.0, beta=1.0, n=3),
    Pad(pad=margin(1)),
    Crop(crop=margin(1)),
    Slice(axis=1),
    Merge(kind="add"),
    Concatenate(),
    Reshape(lengths=(-1,)),
    Flatten(),
    Transpose(order=(0, 1, 2, 3)),
    Upscale(scale=(2, 2)),
    Resize(size=(5, 5)),
    Reduction(kind="mean", axes=(1,)),
    MatrixProduct(),
    Softmax(),
    Identity(),
    Untold(reason="it is unknown"),
]


def test_every_operation_is_known_wherever_operations_are_told_apart() -> None:
    assert {type(each) for each in EVERY_OPERATION} == set(get_args(Operation))
    unit = Interval(np.zeros(3), np.ones(3))
    for operation in EVERY_OPERATION:
        window_of(operation, IMAGE)
        output_shape(operation, [IMAGE])
        _after_one(operation, unit)
    assert {type(each) for each in EVERY_OPERATION if approximation_of(each)} == {
        Activation, LocalResponse, Pooling, Softmax,
    }  # fmt: skip
    assert {type(each) for each in EVERY_OPERATION if _keeps_channels(each)} == {
        Activation, Crop, Identity, LocalResponse, Normalisation, Pad, Pooling, Resize, Softmax,
    }  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "exact",
    [
        Activation(kind="linear"),
        pooling(kind="mean"),
        pooling(kind="sum"),
        pooling(size=(1, 1)),
    ],
)
def test_what_a_linear_map_has_exactly_is_no_approximation(exact: Operation) -> None:
    assert approximation_of(exact) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cropping", "crops"),
    [
        ((), False),
        ((None, None), False),
        (("None", "None"), False),
        ((None, "lower"), True),
        (("center",), True),
    ],
)
def test_a_merge_crops_where_it_says_how(cropping, crops) -> None:
    assert Merge(kind="add", cropping=cropping).crops is crops
