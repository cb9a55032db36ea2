"""The receptive field against a naive reference: which inputs reach a unit, followed tap by tap."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.activations import Activation
from filtviz.network import Layer, Network
from filtviz.operations import (
    LONGEST,
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    LocalResponse,
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pooling,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.receptive_field import receptive_fields
from filtviz.running.fitting import interpolated
from tests import building
from tests.building import as_layer


def image(length: int | None) -> Layer:
    return building.image(1, length, length)


def conv(taps: int, stride: int = 1, pad: int = 0, dilation: int = 1, **more: object) -> Layer:
    window = {"stride": (stride,) * 2, "pad": building.margin(pad), "dilation": (dilation,) * 2}
    return building.conv(np.zeros((1, 1, taps, taps)), **window, **more)  # type: ignore[arg-type]


def chain(*layers: Layer) -> Network:
    from dataclasses import replace

    return Network.of([replace(x, inputs=(i - 1,) if i else ()) for i, x in enumerate(layers)])


def reach(length: int, windows: list[tuple[int, int, int, int]]) -> list[set[int]]:
    """Return, for each unit of the last layer along one axis, the inputs that can change it."""
    units = [{i} for i in range(length)]
    for taps, stride, pad, dilation in windows:
        padded = [set() for _ in range(pad)] + units + [set() for _ in range(pad)]
        extent = (taps - 1) * dilation + 1
        units = [
            set().union(*(padded[at + t * dilation] for t in range(taps)))
            for at in range(0, len(padded) - extent + 1, stride)
        ]
    return units


@pytest.mark.cases("all")
@pytest.mark.parametrize("seed", range(20))
def test_field_of_an_inner_unit_is_what_reaches_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    windows = [
        (int(rng.integers(1, 6)), int(rng.integers(1, 3)), int(rng.integers(0, 3)), int(rng.integers(1, 3)))
        for _ in range(int(rng.integers(1, 5)))
    ]
    length = 240
    layers = [conv(k, s, p, d) for k, s, p, d in windows]
    field = receptive_fields(chain(image(length), *layers))[-1]
    assert field is not None

    units = reach(length, windows)
    middle = len(units) // 2
    reached = units[middle]
    # Strides may skip inputs inside the field; its first and last pixel are always reached.
    first = field.start[0] + middle * field.jump[0]
    assert (min(reached), max(reached) + 1) == (first, first + field.size[0])
    assert field.coverage == (min(1.0, field.size[0] / length),) * 2


def test_layers_without_geometry_pass_the_field_through() -> None:
    network = chain(
        image(31),
        conv(3),
        as_layer(Normalisation()),
        as_layer(Identity(), Untold(reason="", keeps_places=True)),
        conv(3),
    )
    assert [f and f.size for f in receptive_fields(network)] == [(1, 1), (3, 3), (3, 3), (3, 3), (5, 5)]


def test_the_network_of_the_mission() -> None:
    pool = building.pool(2)
    network = chain(image(31), conv(3), conv(3), conv(3), pool, conv(3), conv(3), conv(3), pool)
    sizes = [f and f.size[0] for f in receptive_fields(network)]
    assert sizes == [1, 3, 5, 7, 8, 12, 16, 20, 22]


def test_the_last_operation_of_a_layer_is_given_what_those_before_it_make() -> None:
    convolution = conv(3).operations[0]
    behind = as_layer(convolution, GlobalPooling(kind="mean"))
    (field,) = receptive_fields(chain(image(6), behind))[1:]
    assert field is not None
    assert field.size == (6, 6)
    three = as_layer(convolution, convolution, GlobalPooling(kind="mean"))
    (field,) = receptive_fields(chain(image(9), three))[1:]
    assert field is not None
    assert field.size == (9, 9)


def test_unknown_geometry_makes_everything_above_unknown() -> None:
    network = chain(image(31), conv(3), Layer(type="Theirs"), conv(3))
    assert [f is None for f in receptive_fields(network)] == [False, False, True, True]


@pytest.mark.parametrize("operation", [building.pool(2).operations[0], Upscale(scale=(3, 3))])
def test_fields_of_numbers_beyond_any_network_are_not_known(operation) -> None:
    """Each layer makes its steps longer, or parts them; what is below the bound is told."""
    fields = receptive_fields(chain(image(None), *[as_layer(operation)] * 40))
    known = [each for each in fields if each is not None]
    assert fields[: len(known)] == tuple(known)
    step = max(max(each.as_integer_ratio()) for each in known[-1].jump)
    assert LONGEST / 3 <= step < LONGEST


def test_unknown_input_size_leaves_the_coverage_open() -> None:
    field = receptive_fields(chain(image(None), conv(5)))[1]
    assert field is not None
    assert (field.size, field.coverage) == ((5, 5), (None, None))


@pytest.mark.cases("all")
@pytest.mark.parametrize(("length", "share"), [(10, 0.5), (6, 5 / 6), (5, 1.0), (4, 1.0), (3, 1.0)])
def test_a_field_that_reaches_into_the_padding_covers_all_of_the_input_and_no_more(
    length: int, share: float
) -> None:
    field = receptive_fields(chain(image(length), conv(5, pad=2)))[-1]
    assert field is not None
    assert field.size == (5, 5)
    assert field.coverage == pytest.approx((share, share))


def test_dense_layer_sees_what_the_units_below_see_together() -> None:
    # 31 -> 15 by a pool of 2: the last row and column reach no unit.
    pool = building.pool(2, output_shape=(None, 1, 15, 15))
    dense = as_layer(Dense(units=10), output_shape=(None, 10))
    for field in receptive_fields(chain(image(31), pool, dense, dense))[2:]:
        assert field is not None
        assert field.size == (30, 30)
        assert field.coverage == (30 / 31,) * 2


def flattened(*operations: Operation, shape: tuple[int | None, ...] = (None, 225)) -> Network:
    pool = building.pool(2, output_shape=(None, 1, 15, 15))
    dense = as_layer(Dense(units=10), output_shape=(None, 10))
    layers = [as_layer(each, output_shape=shape) for each in operations]
    return chain(
        image(31), pool, *layers, as_layer(Activation(kind="rectify"), output_shape=shape), dense, dense
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "operation",
    [Flatten(), Reshape(lengths=((0,), -1)), Reshape(lengths=(-1, 225)), Reshape(lengths=((0,), 225))],
)
def test_a_dense_layer_behind_one_that_flattens_sees_what_the_units_below_see_together(operation) -> None:
    fields = receptive_fields(flattened(operation))
    assert fields[2] is fields[3] is None, "each unit sees a place of its own"
    for field in fields[4:]:
        assert field is not None
        assert field.size == (30, 30)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        (Flatten(keep=2), (None, 1, 225)),
        (Reshape(lengths=((0,), 1, 225)), (None, 1, 225)),
        (Reshape(lengths=(-1, 15)), (None, 15)),
        (Untold(reason="nobody knows"), (None, 225)),
    ],
)
def test_what_a_dense_layer_sees_behind_another_shape_is_not_known(operation, shape) -> None:
    assert receptive_fields(flattened(operation, shape=shape))[2:] == (None,) * 4


def test_merged_branches_see_the_union() -> None:
    layers = [
        image(31),
        conv(3, pad=1, below=0),
        conv(5, pad=2, below=0),
        as_layer(Concatenate(), below=(1, 2)),
    ]
    field = receptive_fields(Network.of(layers))[-1]
    assert field is not None
    assert (field.size, field.start) == ((5, 5), (-2, -2))


def test_branches_of_different_stride_have_no_one_field() -> None:
    layers = [
        image(31),
        conv(3, below=0),
        conv(3, 2, below=0),
        as_layer(Concatenate(), below=(1, 2)),
    ]
    assert receptive_fields(Network.of(layers))[-1] is None


def test_transposed_convolution_sees_few_units() -> None:
    kernels = conv(4).convolution.weights
    up = as_layer(
        Convolution(weights=kernels, stride=(2, 2), pad=building.margin(0), transposed=True),
        type="TransposedConv2DLayer",
    )
    field = receptive_fields(chain(image(32), conv(2, stride=2), up))[-1]
    assert field is not None
    assert field.size == (4, 4)  # two units of two pixels each
    assert field.jump == (1, 1)


@pytest.mark.cases("all")
@pytest.mark.parametrize("dilation", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_a_transposed_convolution_sees_what_is_laid_over_its_place(stride: int, dilation: int) -> None:
    """Unit i of the input is laid over places from i times the stride on, as many as there are taps."""
    for taps in range(1, 8):
        kernels = conv(taps).convolution.weights
        window = {"stride": (stride,) * 2, "pad": building.margin(0), "dilation": (dilation,) * 2}
        up = as_layer(Convolution(weights=kernels, transposed=True, **window))  # type: ignore[arg-type]
        field = receptive_fields(chain(image(64), up))[-1]
        assert field is not None
        laid = [{i * stride + tap * dilation for tap in range(taps)} for i in range(64)]
        seen = [[i for i, places in enumerate(laid) if place in places] for place in range(60, 90)]
        longest = max(each[-1] + 1 - each[0] for each in seen if each)
        assert field.size == (longest, longest)
        assert [float(jump) for jump in field.jump] == pytest.approx([1 / stride] * 2)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "passes"),
    [
        (Transpose(order=(1, 2, 3, 0), is_layout=True), True),
        (Transpose(order=(0, 1, 2, 3)), True),
        (Transpose(order=(0, 2, 3, 1)), False),
        (Slice(axis=1, stop=1), True),
        (Slice(axis=1, index=0), False),
        (Slice(axis=2, stop=5), False),
        (Concatenate(axis=2), False),
        (Concatenate(axis=-3), True),
        (Concatenate(axis=-1), False),
        (ChannelPooling(kind="max", size=1, axis=-3), True),
        (ChannelPooling(kind="max", size=1, axis=-2), False),
        (Slice(axis=-3, stop=1), True),
        (Slice(axis=0, stop=1), True),
        (Slice(axis=-1, stop=5), False),
        (Reduction(kind="sum", axes=(-3,), keeps=True), True),
        (Reduction(kind="sum", axes=(1,)), False),
        (Reduction(kind="sum", axes=(1, 2), keeps=True), False),
        (Standardisation(), True),
        (LocalResponse(alpha=1.0, k=1.0, beta=1.0, n=1), True),
        (Dense(units=3, per_position=True), True),
        (Dense(units=3, leading_axes=2), False),
        (MatrixProduct(), False),
        (Embedding(), False),
        (Recurrent(kind="GRU"), False),
        (Resize(size=(29, 29)), True),
        (Resize(scale=(1.0, 1.0), coordinates="asymmetric"), True),
        (Resize(size=(29,)), False),
        (Resize(scale=(0.0, 1.0)), False),
        (Resize(scale=(1e-9, 1.0)), False),
        (Flatten(), False),
        (Untold(reason="it is unknown"), False),
        (Untold(reason="it is unknown", keeps_places=True), True),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, bool) else str(value),
)
def test_what_keeps_a_unit_in_its_place(operation: Operation, passes: bool) -> None:
    seen = conv(3, output_shape=(None, 1, 29, 29))
    below, field = receptive_fields(chain(image(31), seen, as_layer(operation)))[1:]
    assert field == (below if passes else None)


def test_a_crop_moves_the_first_unit() -> None:
    field = receptive_fields(chain(image(31), conv(3, stride=2), as_layer(Crop(crop=((1, 0), (2, 3))))))[-1]
    assert field is not None
    assert (field.size, field.start) == ((3, 3), (2, 4))


def test_a_window_of_other_dimensions_has_no_field() -> None:
    line = Pooling(kind="max", size=(2,), stride=(2,), pad=((0, 0),))
    assert receptive_fields(chain(image(31), as_layer(line)))[-1] is None


@pytest.mark.cases("all")
@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize(("had", "made"), [(9, 18), (9, 14), (18, 9), (12, 9)])
def test_a_resized_unit_sees_both_places_between_which_it_lies(coordinates, had: int, made: int) -> None:
    """Of its neighbours, those that have a share in it lie in its field, and the field is two units wide."""
    operation = Resize(size=(made, made), coordinates=coordinates)
    field = receptive_fields(chain(image(2 * had), pool(had), resized(operation, made)))[-1]
    assert field is not None
    assert field.size == (4, 4)
    by = (had - 1) / (made - 1) if coordinates == "align_corners" else had / made
    assert [float(jump) for jump in field.jump] == pytest.approx([2 * by] * 2)
    for _, first, second, shares in interpolated(operation, (1, 1, had, had)):
        for unit, (low, high, share) in enumerate(zip(first, second, shares, strict=True)):
            begin = float(field.start[0] + unit * field.jump[0])
            for place, weighs in ((low, share < 1), (high, share > 0)):
                assert not weighs or (2 * place < begin + 4 and 2 * place + 2 > begin)


def test_a_unit_that_lies_in_the_middle_sees_as_much_on_both_sides() -> None:
    for had, made in ((9, 18), (18, 9)):
        field = receptive_fields(chain(image(had), resized(Resize(size=(made, made)), made)))[-1]
        assert field is not None
        middle = [float(field.start[0] + i * field.jump[0]) + field.size[0] / 2 for i in range(made)]
        assert middle == pytest.approx([(i + 0.5) * had / made for i in range(made)])


def pool(made: int) -> Layer:
    return building.pool(2, output_shape=(None, 1, made, made))


def resized(operation: Resize, made: int) -> Layer:
    return as_layer(operation, output_shape=(None, 1, made, made))


def test_what_a_layer_without_operations_is_given_is_what_it_sees() -> None:
    fields = receptive_fields(chain(image(31), conv(3), Layer(operations=())))
    assert fields[2] == fields[1]
    flat, dense = as_layer(Flatten(), output_shape=(None, 225)), as_layer(Dense(units=10))
    pooled = building.pool(2, output_shape=(None, 1, 15, 15))
    through = receptive_fields(chain(image(31), pooled, flat, Layer(operations=()), dense))
    assert through[-1] == receptive_fields(chain(image(31), pooled, flat, dense))[-1] is not None


def test_branches_must_be_as_far_apart_along_both_axes_and_of_one_image() -> None:
    wide = building.conv(np.zeros((1, 1, 1, 1)), stride=(1, 2), pad=building.margin(0), below=0)
    plain = building.conv(np.zeros((1, 1, 1, 1)), stride=(1, 1), pad=building.margin(0), below=0)
    joined = as_layer(Merge(kind="add"), below=(1, 2))
    assert receptive_fields(Network.of([image(9), wide, plain, joined]))[-1] is None
    other = building.conv(np.zeros((1, 1, 1, 1)), stride=(1, 1), pad=building.margin(0), below=1)
    joined = as_layer(Merge(kind="add"), below=(2, 3))
    first = building.conv(np.zeros((1, 1, 1, 1)), stride=(1, 1), pad=building.margin(0), below=0)
    assert receptive_fields(Network.of([image(9), image(8), first, other, joined]))[-1] is None


def test_of_an_image_of_unknown_length_nothing_is_seen_as_a_whole() -> None:
    half = building.image(1, 9, None)
    assert receptive_fields(chain(half, as_layer(GlobalPooling(kind="mean"))))[-1] is None


@pytest.mark.parametrize("per_position", [True, False])
def test_a_dense_layer_at_each_place_sees_no_more_behind_one_that_flattens(per_position: bool) -> None:
    flat = as_layer(Flatten(), output_shape=(None, 961))
    dense = as_layer(Dense(units=10, per_position=per_position), output_shape=(None, 10))
    field = receptive_fields(chain(image(31), flat, dense))[2]
    assert (None if field is None else field.size) == (None if per_position else (31, 31))
