"""What cannot be composed down to the image says why, and approximations are named."""

from __future__ import annotations

import numpy as np
import pytest
from tests.building import as_layer, conv, image

from filtviz.activations import Activation
from filtviz.composition import compose
from filtviz.errors import CompositionError
from filtviz.network import Layer, Network
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Recurrent,
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

NO_FILTER = "tested (Layer) lies below it, which is no filter on the image"
UNTOLD = (
    "the file does not tell the geometry of tested; "
    "--assume-stacked takes stride 1 and no pooling for granted"
)
NO_GEOMETRY = (
    "the file does not tell the geometry of tested; "
    "--like and --architecture tell it, --assume-stacked takes stride 1 and no pooling for granted"
)
ENLARGES = "tested enlarges its input: its filters on the image differ from position to position"
LEFT_OUT = "after tested was left out, as if every unit were active"


def array(*shape: int) -> Parameter:
    return Parameter.of("w", np.ones(shape))


def told(*operations: Operation, below: int | tuple[int, int] = 1, shape: tuple | None = None) -> Layer:
    return as_layer(*operations, below=below, name="tested", output_shape=shape)


def composed(layer: Layer, *, start: Layer | None = None):
    """Compose a convolution behind a layer that is tested, with a convolution of two filters below it."""
    below = conv(np.ones((2, 1, 3, 3)), below=0, nonlinearity="linear", flip_filters=False, name="first")
    n = layer.n_filters if hasattr(layer, "n_filters") else 2
    above = conv(np.ones((1, n, 1, 1)), below=2, nonlinearity="linear", flip_filters=False, name="last")
    network = Network.of([start or image(1, 9, 9), below, layer, above])
    return compose(network, network.conv_layers[-1])


def square(size: int, stride: int = 1) -> dict[str, tuple]:
    return {"size": (size, size), "stride": (stride, stride), "pad": ((0, 0), (0, 0))}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (LocallyConnected(weights=array(2, 2, 3, 3, 7, 7), axes="oircyx", stride=(1, 1)),
         "at tested, it has no kernels of two dimensions"),
        (Convolution(weights=array(2, 2, 3), axes="oic", stride=(1,), pad=((0, 0),)),
         "at tested, it has no kernels of two dimensions"),
        (Convolution(weights=array(2, 2, 3, 3)), NO_GEOMETRY),
        (Convolution(weights=array(3, 1, 3, 3), stride=(1, 1), pad=((0, 0), (0, 0))),
         "at tested, it looks at 1 channels, and the layer below gives 2"),
        (Standardisation(), "tested divides by the deviation of its own input"),
        (Resize(scale=(2.0, 2.0)), ENLARGES.replace("enlarges", "resizes")),
        (Pad(pad=((-1, 0), (0, 0), (0, 0)), first_axis=1), "at tested, it takes channels away"),
        (Pad(pad=((1, 0), (0, 0)), first_axis=1), "the file does not tell how much tested pads"),
        (Crop(crop=((1, 0),)), "at tested, it works on 1 axis, and an image has two"),
        (Normalisation(gamma=array(3), is_batch=False),
         "at tested, it scales 3 channels, and the layer below gives 2"),
        (Concatenate(axis=2), "tested joins its inputs along an axis that is not the channels'"),
        (Merge(kind="multiply"), "tested merges by multiply, which is not linear"),
        (Merge(kind="add", cropping=("center",)), "tested crops what it adds, which is not followed"),
        (Merge(kind="add", coefficients=(1.0, 2.0)), "tested has 2 coefficients for 1 inputs"),
        (Convolution(weights=array(2, 2, 3, 3), stride=(1, 1)),
         "the file does not tell the stride and padding of tested"),
        (Convolution(weights=array(2, 2, 3, 3), stride=(1, 1), pad=((0, 0), (0, 0)), transposed=True),
         ENLARGES),
        (Convolution(weights=array(2, 3, 3, 3), stride=(1, 1), pad=((0, 0), (0, 0))),
         "at tested, it looks at 3 channels, and the layer below gives 2"),
        (Normalisation(), "the file does not tell the scale that tested applies"),
        (Normalisation(gamma=array(2)), "the file does not tell the scale that tested applies"),
        (Normalisation(gamma=array(2, 7, 7), is_batch=False),
         "tested has a scale for each position, not for each channel"),
        (Dense(per_position=True), "the file does not tell the weights of tested"),
        (Dense(per_position=True, weights=array(3, 2)),
         "at tested, it looks at 3 channels, and the layer below gives 2"),
        (Dense(weights=array(98, 2)), NO_FILTER),
        (Pooling(kind="untold", name="median", **square(2)),
         "tested pools by 'median', which is not known"),
        (Pooling(kind="max", size=(2,), stride=(2,), pad=((0, 0),)),
         "the file does not tell the window of tested"),
        (Upscale(scale=(2, 2)), ENLARGES),
        (Untold(reason="nobody knows"), UNTOLD),
        (Untold(reason="it rises", keeps_places=True), NO_FILTER),
        *((operation, NO_FILTER) for operation in (
            ChannelPooling(kind="max", size=2), Embedding(), Flatten(), Recurrent(kind="LSTM"),
            Reshape(lengths=(1, -1)), Transpose(order=(0, 2, 3, 1)),
            Slice(axis=1, start=0, stop=1),
        )),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_what_is_no_filter_on_the_image_says_why(operation: Operation, reason: str) -> None:
    with pytest.raises(CompositionError) as raised:
        composed(told(operation))
    said = str(raised.value)
    assert said.startswith("last cannot be composed: ")
    assert said.removeprefix("last cannot be composed: ") == reason


def test_a_convolution_that_is_not_drawn_is_not_composed() -> None:
    local = LocallyConnected(weights=array(2, 2, 3, 3, 7, 7), axes="oircyx", stride=(1, 1), pad=((0, 0),) * 2)
    below = conv(np.ones((2, 2, 1, 1)), below=1, name="tested")
    network = Network.of([image(1, 9, 9), *[conv(np.ones((2, 1, 3, 3)), below=0)], below])
    layer = type(below)(**{**vars(below), "operations": (local,)})
    network = Network.of([*network.layers[:2], layer])
    with pytest.raises(CompositionError, match="its weights are not shared over the image"):
        compose(network, network.conv_layers[-1])


@pytest.mark.parametrize(
    ("shape", "says"),
    [((None, 1, 9), "the network's input has 2 axes, not an image's three"), ((None, 1, 9, 9), None)],
)
def test_what_is_fed_must_be_an_image(shape: tuple, says: str | None) -> None:
    start = as_layer(Input(shape=shape), name="in")
    if says is None:
        assert composed(told(Identity()), start=start).templates.shape == (1, 1, 3, 3)
        return
    with pytest.raises(CompositionError, match=says):
        composed(told(Identity()), start=start)


def test_inputs_that_do_not_fit_each_other() -> None:
    branches = [conv(np.ones((n, 1, 1, 1)), below=0, flip_filters=False) for n in (2, 3)]
    last = conv(np.ones((1, 2, 1, 1)), below=3, flip_filters=False)
    network = Network.of([image(1, 9, 9), *branches, told(Merge(kind="add"), below=(1, 2)), last])
    with pytest.raises(CompositionError, match="inputs with different numbers of channels are added"):
        compose(network, network.conv_layers[-1])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operations", "sentences"),
    [
        ((Identity(),), ()),
        ((Activation(kind="linear"),), ()),
        ((Pooling(kind="mean", **square(2, 2)),), ()),
        ((Pooling(kind="max", **square(1)),), ()),
        ((Pad(pad=((1, 1), (0, 0))), Crop(crop=((1, 0), (0, 0)))), ()),
        ((Normalisation(gamma=array(2), is_batch=False),), ()),
        ((Activation(kind="rectify"),), (f"rectify {LEFT_OUT}",)),
        (
            (Activation(kind="elu", name="Elu"),),
            (f"Elu {LEFT_OUT}",),
        ),
        (
            (LocalResponse(alpha=1.0, k=1.0, beta=1.0, n=3),),
            (f"local response normalisation {LEFT_OUT}",),
        ),
        ((Softmax(),), (f"softmax {LEFT_OUT}",)),
        (
            (Pooling(kind="max", **square(2, 2)),),
            ("the maximum of tested was taken as the mean over its window",),
        ),
        (
            (Pooling(kind="max", **square(2, 2)), Activation(kind="rectify")),
            (
                f"rectify {LEFT_OUT}",
                "the maximum of tested was taken as the mean over its window",
            ),
        ),
    ],
)
def test_approximations_are_named(operations: tuple[Operation, ...], sentences: tuple[str, ...]) -> None:
    assert composed(told(*operations)).approximations == sentences


def test_layers_with_one_approximation_are_named_together() -> None:
    rectified = [conv(np.ones((1, 1, 1, 1)), below=n, flip_filters=False, name=f"c{n}") for n in range(7)]
    network = Network.of([image(1, 9, 9), *rectified])
    for n, names in ((1, "c0"), (2, "c0 and c1"), (4, "c0, c1, c2 and c3"), (5, "c0, c1, c2 and 2 more")):
        (sentence,) = compose(network, network.conv_layers[n]).approximations
        assert sentence == f"rectify after {names} was left out, as if every unit were active"


@pytest.mark.parametrize(
    ("n", "words"), [(1, "c0 convolves or correlates"), (2, "c0 and c1 convolve or correlate")]
)
def test_which_way_filters_are_turned_is_said_where_it_is_not_known(n: int, words: str) -> None:
    unknown = [conv(np.ones((1, 1, 1, 1)), below=k, nonlinearity="linear", name=f"c{k}") for k in range(n)]
    network = Network.of([image(1, 9, 9), *unknown])
    sentence = f"the file does not say whether {words}: taken to convolve"
    assert compose(network, network.conv_layers[-1]).approximations == (sentence,)
