"""What the engine asks of PyTorch, held where PyTorch is not installed: a stand-in of numpy answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from filtviz.activations import KINDS, Activation, UnknownActivationError
from filtviz.network import Layer, Network
from filtviz.operations import Convolution, Crop, Pad, Pooling
from filtviz.running.fitting import MisfitError
from filtviz.running.numpy_engine import NumpyEngine
from tests.converting.test_onnx import CASES, MERGES, REFUSED, network_of, numbers, pads

from .numpy_torch import engine_module

IMAGE = np.random.default_rng(0).uniform(-1, 1, (2, 4, 7, 6))


def torch_engine(dtype: str = "f8", **how: Any) -> Any:
    return engine_module().TorchEngine(np.dtype(dtype), **how)


def answers(engine: Any, network: Network, image: np.ndarray = IMAGE) -> list[np.ndarray]:
    """What each layer gives."""
    given: list[Any] = []
    for layer in network.layers:
        below = [given[i] for i in layer.inputs] or [engine.take(image)]
        for operation in layer.operations:
            below = [engine.apply(operation, below)]
        given.append(below[0])
    return [engine.give(each) for each in given]


def check(network: Network, image: np.ndarray = IMAGE) -> None:
    ours, theirs = NumpyEngine(np.dtype("f8"), keeps=True), torch_engine(keeps=True)
    with np.errstate(all="ignore"):
        for one, other in zip(answers(ours, network, image), answers(theirs, network, image), strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", CASES)
def test_each_operation_is_asked_for_as_it_is_meant(name: str) -> None:
    case = CASES[name]
    check(network_of(*(case if isinstance(case, tuple) else (case,))))


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", MERGES)
def test_inputs_are_merged_as_they_are_meant(name: str) -> None:
    crops = "cropped" in name
    own = Convolution(weights=numbers(4, 4, 3, 3), stride=(1, 1), pad=pads(*([0, 0] if crops else [1, 1])))
    check(Network.of([*network_of(own).layers, Layer(name="b", inputs=(0, 1), operations=(MERGES[name],))]))


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("kind", ["max", "mean", "sum"])
def test_windows_over_one_and_three_axes_are_asked_for(n: int, kind: Any) -> None:
    lengths = (7, 6, 5)[:n]
    pool = Pooling(kind=kind, size=(3,) * n, stride=(2,) * n, pad=pads(*[1] * n), whole_windows=False)
    own = Convolution(
        weights=numbers(4, 4, *(3, 2, 2)[:n]), axes="oi" + "drc"[3 - n :], stride=(1,) * n, pad=pads(*[1] * n)
    )
    image = np.random.default_rng(n).uniform(-1, 1, (2, 4, *lengths))
    check(network_of(own, pool, shape=(None, 4, *lengths)), image)


@pytest.mark.cases("all")
@pytest.mark.parametrize("reason", [reason for reason in REFUSED if reason != "takes away"])
def test_what_is_refused_is_refused_in_the_same_words(reason: str) -> None:
    said = []
    for engine in (NumpyEngine(np.dtype("f8")), torch_engine()):
        try:
            answers(engine, network_of(REFUSED[reason]))
            said.append("")
        except (MisfitError, UnknownActivationError) as error:
            said.append(str(error))
    assert said[0] == said[1]


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", KINDS)
def test_each_function_of_a_unit_is_asked_for(kind: Any) -> None:
    facts = {"slopes": numbers(4)} if kind == "parametric_rectify" else {}
    if kind not in ("untold", "clip"):
        for image in (np.abs(IMAGE) + 0.1, IMAGE, 1e3 * IMAGE):
            check(network_of(Activation(kind=kind, alpha=0.3, **facts)), image)


def test_nothing_is_left_of_a_crop_of_more_than_there_is() -> None:
    engine = torch_engine()
    for crop in ((0, 8), (3, 5), (9, 0)):
        assert engine.apply(Crop(crop=(crop, (0, 0))), [engine.take(IMAGE)]).shape == (2, 4, 0, 6)


def test_what_several_images_make_together_is_counted() -> None:
    large = Convolution(
        weights=numbers(1, 1, 1), axes="oic", stride=(1 << 26,), pad=pads(0), transposed=True, groups=1
    )
    said = []
    for engine in (NumpyEngine(np.dtype("f8")), torch_engine()):
        with pytest.raises(MisfitError, match="134,217,730 units") as caught:
            engine.apply(large, [engine.take(np.zeros((2, 1, 2)))])
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_padding_is_for_as_many_axes_as_there_are() -> None:
    engine = torch_engine()
    with pytest.raises(MisfitError, match="it pads 1 axis and is given 2"):
        engine.apply(Pad(pad=((1, 1),)), [engine.take(IMAGE)])


@pytest.mark.parametrize("keeps", [False, True])
def test_weights_are_made_once_where_more_images_are_to_come(keeps: bool) -> None:
    read: list[int] = []
    weights = numbers(2, 4, 3, 3)
    object.__setattr__(weights, "read", lambda held=weights.value: read.append(1) or held)
    operation = Convolution(weights=weights, stride=(1, 1), pad=pads(0, 0))
    engine = torch_engine("f4", keeps=keeps)
    for _ in range(3):
        assert engine.apply(operation, [engine.take(IMAGE)]).dtype == np.float32
    assert len(engine._held) == keeps


def test_little_work_has_one_thread_and_leaves_as_many_as_there_were() -> None:
    for is_small, n in ((True, 1), (False, 2)):
        engine = torch_engine()
        engine.is_small = is_small
        with engine.calm():
            assert engine_module().torch.get_num_threads() == n
        assert engine_module().torch.get_num_threads() == 2
        with pytest.raises(KeyError), engine.calm():
            raise KeyError
        assert engine_module().torch.get_num_threads() == 2


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", range(5))
def test_there_are_functions_for_one_to_three_axes(n: int) -> None:
    if 1 <= n <= 3:
        assert engine_module()._of_axes("abc", (7,) * n) == "abc"[n - 1]
        return
    with pytest.raises(MisfitError, match=f"it looks along {n} axes, which PyTorch has nothing for"):
        engine_module()._of_axes("abc", (7,) * n)
