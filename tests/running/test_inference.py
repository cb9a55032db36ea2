"""`Network.run`: which layers, which images, in which batches, and what is said where it cannot be done."""

from __future__ import annotations

import sys
import tracemalloc
from dataclasses import replace
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

import filtviz
from filtviz import BudgetError, MissingExtraError, RunningError, SelectionError
from filtviz.budget import Account, Budget
from filtviz.network import Layer, Network, Origin
from filtviz.operations import (
    Activation,
    Convolution,
    Crop,
    Dense,
    Flatten,
    Input,
    MatrixProduct,
    Merge,
    Operation,
    Pooling,
    Reshape,
    Resize,
    Softmax,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter
from filtviz.running import choosing, costs, inference
from filtviz.running.costs import cost_of
from filtviz.running.inference import Runner, Walk, fixed_batch
from filtviz.running.numpy_engine import NumpyEngine
from tests.building import as_layer, conv, image, pool


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def dense(*shape: int, below: int, **fields: Any) -> Layer:
    operation = Dense(weights=Parameter.of("W", weights(*shape)), units=shape[1])
    return as_layer(Flatten(), operation, Softmax(), below=below, **fields)


def branching() -> Network:
    """A small network with two branches that are added."""
    return Network.of(
        [
            image(2, 8, 8, name="image"),
            conv(weights(3, 2, 3, 3), below=0, name="left", pad=((1, 1), (1, 1))),
            conv(weights(3, 2, 1, 1, seed=1), below=0, name="right"),
            as_layer(Merge(kind="add"), below=(1, 2), name="sum"),
            pool(2, below=3, name="pool"),
            dense(48, 5, below=4, name="answer"),
        ]
    )


IMAGES = weights(7, 2, 8, 8, seed=2)


def run(network: Network, *args: Any, **how: Any) -> Any:
    return network.run(*args, engine="numpy", **how)


def test_without_a_choice_the_last_layer_answers() -> None:
    network = branching()
    found = run(network, IMAGES)
    assert found.shape == (7, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    by_hand = run(network, IMAGES, [4])[4].reshape(7, -1) @ weights(48, 5)
    np.testing.assert_allclose(np.log(found / found[:, :1]), by_hand - by_hand[:, :1])


def test_layers_are_asked_for_by_place_and_by_name_and_given_so() -> None:
    network = branching()
    found = run(network, IMAGES, [-2, "left", 2, "sum"])
    assert list(found) == [-2, "left", 2, "sum"]
    np.testing.assert_allclose(found["sum"], found["left"] + found[2])
    assert found[-2].shape == (7, 3, 4, 4)


@pytest.mark.cases("all")
@pytest.mark.parametrize("batch", [1, 2, 3, 7, 50])
def test_batches_change_nothing(batch: int) -> None:
    network = branching()
    np.testing.assert_allclose(run(network, IMAGES, batch=batch), run(network, IMAGES), rtol=1e-13)


def test_single_precision_is_single_throughout() -> None:
    found = run(branching(), IMAGES, ["left", "answer"], dtype="float32")
    assert {array.dtype.name for array in found.values()} == {"float32"}
    np.testing.assert_allclose(found["answer"], run(branching(), IMAGES), atol=1e-4)


def test_the_answer_is_in_double_precision_whatever_the_images_are() -> None:
    found = run(branching(), (IMAGES > 0).astype(np.uint8))
    assert found.dtype == np.float64


def test_images_have_the_networks_own_axes() -> None:
    shape = (None, 2, 8, 8)
    entrance = Layer(
        type="InputLayer", output_shape=shape, operations=(Input(shape=shape, channels_last=True),)
    )
    behind = Network.of([entrance, *branching().layers[1:]])
    turned = np.moveaxis(IMAGES, 1, -1)
    np.testing.assert_allclose(run(behind, turned), run(branching(), IMAGES))
    with pytest.raises(RunningError, match=r"\(images, rows, columns, channels\), these have the shape"):
        run(behind, IMAGES)


def test_what_nobody_needs_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [image(1, 64, 64)]
    layers += [conv(np.ones((1, 1, 1, 1)), below=place, name=f"c{place}") for place in range(30)]
    network = Network.of(layers)
    runner = Runner(network, [network.layers[-1]])
    walk = Walk(runner, NumpyEngine(), Account.unlimited())
    walk.through(np.zeros((1, 1, 64, 64)))
    one = 64 * 64 * 8
    assert walk.peak < 6 * one  # of thirty


def test_what_a_branch_still_needs_is_kept() -> None:
    network = Network.of(
        [
            image(1, 4, 4),
            *[conv(np.ones((1, 1, 1, 1)), below=place, nonlinearity="linear") for place in range(3)],
            as_layer(Merge(kind="add"), below=(0, 3, 1, 1)),
        ]
    )
    np.testing.assert_allclose(run(network, np.ones((2, 1, 4, 4))), 4.0)


def test_layers_beside_the_way_are_not_run() -> None:
    network = branching()
    beside = as_layer(Untold(reason="nobody knows"), below=1, name="beside")
    longer = Network.of([*network.layers, beside])
    assert run(longer, IMAGES, ["answer"])["answer"].shape == (7, 5)


def test_what_cannot_be_run_is_named_and_all_below_it_runs() -> None:
    network = branching()
    layers = list(network.layers)
    layers[4] = as_layer(Untold(reason="it counts sheep"), below=3, name="sheep")
    broken = Network.of(layers)
    with pytest.raises(
        RunningError, match=r"^sheep cannot be run on these images: it counts sheep$"
    ) as raised:
        run(broken, IMAGES)
    assert raised.value.layer == 4
    assert run(broken, IMAGES, [3])[3].shape == (7, 3, 8, 8)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((2, 3, 8, 8)), "the images have 3 channels, the network takes 2: images must be (images, "),
        (np.zeros((2, 8, 8)), "these have the shape (2, 8, 8); one image is images[None]"),
        (np.zeros((8, 8)), "images must be (images, channels, rows, columns), these have the shape (8, 8)"),
        (np.zeros((0, 2, 8, 8)), "there is no image in an array of shape (0, 2, 8, 8)"),
        (np.full((1, 2, 8, 8), "a"), "images must be numbers, these are of type <U1"),
        (np.full((1, 2, 8, 8), None), "images must be numbers, these are of type object"),
        (np.ones((1, 2, 8, 8), complex), "images must be numbers, these are of type complex128"),
        (np.where(np.arange(4)[:, None, None, None] == 2, np.nan, np.ones((4, 2, 8, 8))), "image 2 holds "),
        (np.full((1, 2, 8, 8), -np.inf), "image 0 holds infinity: nothing can be computed of it"),
        (
            np.zeros((2, 2, 2, 2)),
            "answer cannot be run on these images: it looks at 48 units and is given 3; the images are 2x2, "
            "the network takes 8x8",
        ),
    ],
)  # fmt: skip
def test_images_that_do_not_fit_are_one_sentence(images: np.ndarray, sentence: str) -> None:
    with pytest.raises(RunningError) as raised:
        run(branching(), images)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_another_size_is_run_where_it_can_be() -> None:
    assert run(branching(), np.zeros((2, 2, 31, 20)), ["pool"])["pool"].shape == (2, 3, 15, 10)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (6, "there is no layer at place 6: the network has 6, counted from 0"),
        (-7, "there is no layer at place -7"),
        ("poll", "there is no layer 'poll'; did you mean pool? (`filtviz layers` lists all)"),
        (None, "there is no layer at place None"),
    ],
)
def test_a_layer_that_is_not_there_is_told(wanted: Any, sentence: str) -> None:
    with pytest.raises(SelectionError) as raised:
        run(branching(), IMAGES, [wanted])
    assert sentence in str(raised.value)


def test_a_name_of_several_layers_is_not_guessed() -> None:
    network = Network.of([image(1, 4, 4), *[pool(1, below=place, name="same") for place in range(2)]])
    with pytest.raises(SelectionError, match=r"2 layers are called 'same': choose by place \(1, 2\)"):
        run(network, np.ones((1, 1, 4, 4)), ["same"])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"dtype": "float16"}, "networks are run in float64 or float32, not in float16"),
        ({"dtype": "nonsense"}, "networks are run in float64 or float32, not in nonsense"),
        ({"dtype": "f4,,"}, "networks are run in float64 or float32, not in f4,,"),
        ({"dtype": ("f4", -1)}, "networks are run in float64 or float32, not in ('f4', -1)"),
        ({"batch": 0}, "a batch must be of 1 image or more, not 0"),
        ({"device": "cuda"}, "the engine numpy has no device: leave it out, or take the engine torch"),
    ],
)
def test_options_out_of_range_are_one_sentence(how: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RunningError) as raised:
        run(branching(), IMAGES, **how)
    assert str(raised.value) == sentence


def test_there_are_two_engines() -> None:
    with pytest.raises(RunningError, match=r"there is no engine 'jax': take numpy or torch"):
        branching().run(IMAGES, engine="jax")  # type: ignore[arg-type]


def test_pytorch_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filtviz.running.choosing.has_torch", lambda: False)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "filtviz.running.torch_engine", raising=False)
    with pytest.raises(MissingExtraError, match="pip install torch"):
        branching().run(IMAGES, engine="torch")


def test_a_network_of_two_inputs_is_not_given_one() -> None:
    two = Network.of(
        [image(1, 4, 4, name="a"), image(1, 4, 4, name="b"), as_layer(Merge(kind="add"), below=(0, 1))]
    )
    with pytest.raises(
        RunningError, match=r"the network has 2 inputs \(a and b\), and images are given for one"
    ):
        run(two, np.ones((1, 1, 4, 4)))
    assert run(two, np.ones((3, 1, 4, 4)), ["a"])["a"].shape == (3, 1, 4, 4)


def test_a_layer_that_nothing_feeds_is_not_given_the_images() -> None:
    stray = as_layer(Untold(reason="it is a constant"), name="stray")
    network = Network.of([image(1, 4, 4), stray, as_layer(Merge(kind="add"), below=(0, 1))])
    with pytest.raises(RunningError, match="stray cannot be run on these images: it is a constant"):
        run(network, np.ones((1, 1, 4, 4)))


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_a_network_that_wants_a_number_of_images_gets_it(n: int) -> None:
    shape = (4, 1, 2, 2)
    entrance = Layer(type="Input", output_shape=shape, operations=(Input(shape=shape),))
    network = Network.of([entrance, as_layer(Reshape(lengths=(4, 4)), below=0)])
    images = weights(n, 1, 2, 2)
    np.testing.assert_allclose(run(network, images), images.reshape(n, 4))


def test_an_order_with_the_images_last_is_put_together() -> None:
    turned = as_layer(Transpose(order=(1, 2, 3, 0), is_layout=True), below=0)
    network = Network.of([image(1, 2, 2), turned])
    images = weights(5, 1, 2, 2)
    np.testing.assert_allclose(run(network, images, batch=2), images.transpose(1, 2, 3, 0))


# What hostile files ask for


def test_work_is_charged_before_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    run(branching(), IMAGES)
    monkeypatch.setattr(NumpyEngine, "apply", lambda *_: pytest.fail("it was run"))
    with pytest.raises(BudgetError, match=r"^running .* raise --max-work$"):
        run(branching(), IMAGES, budget=Budget(work=1))


def test_more_images_than_a_budget_is_for_may_take_more() -> None:
    network = Network.of([image(1, 9, 9), conv(weights(4, 1, 3, 3), below=0)])
    for n in (inference.PASSES, 4 * inference.PASSES):
        images = np.zeros((n, 1, 9, 9))
        assert run(network, images, budget=Budget(work=4_500_000)).shape[0] == n
        with pytest.raises(BudgetError):
            run(network, images, budget=Budget(work=700_000))


def test_what_a_run_takes_is_paid_once_for_all_images_that_go_together() -> None:
    network = Network.of([image(1, 9, 9), conv(weights(4, 1, 3, 3), below=0)])
    runner = Runner(network, [network.layers[-1]])

    def spent(n: int, batch: int | None = None) -> int:
        account = Budget(work=10**9).account(network)
        before = account.left["work"] + max(0, n - inference.PASSES) * 10**9 // inference.PASSES
        assert len(list(runner.outputs(np.zeros((n, 1, 9, 9)), account, batch))) > 0
        return before - account.left["work"]

    assert spent(41, 1) == 41 * spent(1)
    once = spent(41, 10) - spent(41)  # one image, and ten at a time or forty
    assert once > 0
    assert once * 13 == spent(41, 1) - spent(41)


def test_it_is_known_of_each_operation_what_it_takes_to_call_it() -> None:
    assert set(costs._CALLS) == set(get_args(Operation))


def test_functions_and_products_of_matrices_are_work() -> None:
    below = [(1, 4, 100, 100)]
    cheap = cost_of(Activation(kind="rectify"), below)
    assert cost_of(Activation(kind="leaky_rectify"), below) == cheap
    for kind in ("gelu", "sin", "power", "tanh", "sigmoid"):
        assert cost_of(Activation(kind=kind), below).each > 5 * cheap.each
    small, large = (cost_of(MatrixProduct(), [(1, 1, 9, n), (1, 1, n, 9)]) for n in (1_000, 10_000))
    assert large.each - small.each >= 9 * 9 * 9_000 // 2


def test_what_an_operation_is_held_to_is_what_it_fills() -> None:
    operation, units = Resize(size=(400, 400)), np.ones((1, 1, 9, 9))
    tracemalloc.start()
    NumpyEngine().apply(operation, [units])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.7 * peak < 8 * cost_of(operation, [units.shape]).held < 1.3 * peak


def test_the_units_of_a_dense_layer_are_those_of_its_weights() -> None:
    matrix, other = (Parameter.of("W", weights(*shape)) for shape in ((8, 1_000), (1_000, 8)))
    said = Dense(weights=matrix, units=1)  # as a hostile file says it
    assert cost_of(said, [(1, 8)]) == cost_of(Dense(weights=matrix, units=1_000), [(1, 8)])
    turned = cost_of(Dense(weights=other, axes="oi"), [(1, 8)])
    assert turned == cost_of(said, [(1, 8)])
    one, five = (cost_of(said, [(n, 8)]).each for n in (1, 5))
    assert five - one == 4 * (5 * (8 + 1_000) + 8 * 1_000 // 8)  # what each unit weighs, once for each image


@pytest.mark.parametrize(
    "operation",
    [
        Upscale(scale=(30_000, 30_000)),
        Pooling(kind="max", size=(2_000_000, 1), stride=(1, 1), pad=((2_000_000, 2_000_000), (0, 0))),
        Pooling(kind="mean", size=(1 << 40, 1), stride=(1, 1), pad=((0, 0), (0, 0)), whole_windows=False),
    ],
)
def test_numbers_of_a_file_fill_no_memory(operation: Any) -> None:
    network = Network.of([image(1, 4, 4), as_layer(operation, below=0)])
    with pytest.raises((RunningError, BudgetError)):
        run(network, np.zeros((1, 1, 4, 4)))


@pytest.mark.slow
def test_a_chain_that_doubles_is_stopped() -> None:
    layers = [image(1, 8, 8)]
    layers += [as_layer(Upscale(scale=(2, 2)), below=place) for place in range(12)]
    with pytest.raises(BudgetError, match="raise --max-work"):
        run(Network.of(layers), np.zeros((1, 1, 8, 8)))


def test_nothing_of_numpys_own_words_comes_through() -> None:
    nonsense = [
        Transpose(order=(0, 5, 1, 2)),
        Reshape(lengths=(-1, -1)),
        Reshape(lengths=((9,),)),
        Activation(kind="parametric_rectify", slopes=Parameter.of("a", np.ones((3, 3))), along=(1,)),
        Softmax(axis=7),
        Reshape(lengths=(1 << 70,)),
    ]
    for operation in nonsense:
        network = Network.of([image(1, 4, 4), as_layer(operation, below=0, name="odd")])
        with pytest.raises(RunningError) as raised:
            run(network, np.zeros((2, 1, 4, 4)))
        assert str(raised.value) == (
            "odd cannot be run on these images: it is given units of 1x1x4x4, which do not fit it"
        )


def test_nothing_is_not_run_on() -> None:
    network = Network.of([image(1, 4, 4), as_layer(Crop(crop=((4, 4), (0, 0))), below=0, name="cut")])
    with pytest.raises(RunningError, match="cut cannot be run on these images: nothing is left of what"):
        run(network, np.zeros((1, 1, 4, 4)))


def test_a_network_without_layers_has_nothing_to_run() -> None:
    with pytest.raises(RunningError, match="nothing to run"):
        filtviz.Network(layers=()).run(IMAGES)


def test_half_the_precision_fills_half_the_memory() -> None:
    peaks = []
    for dtype in ("float32", "float64"):
        walk = Walk(Runner(branching(), [branching().layers[-1]]), NumpyEngine(dtype), Account.unlimited())
        walk.through(walk.engine.take(IMAGES[:1]))
        peaks.append(walk.peak)
    assert peaks[1] == 2 * peaks[0] > 0


@pytest.mark.cases("all")
@pytest.mark.parametrize("error", [ValueError, IndexError, TypeError, OverflowError, RuntimeError])
def test_what_an_engine_cannot_do_is_one_sentence_of_the_layer(error, monkeypatch) -> None:
    def fail(*_: Any) -> Any:
        raise error("of numpy's own")

    monkeypatch.setattr(NumpyEngine, "_apply", fail)
    with pytest.raises(RunningError, match=r"is given units of 1x2x8x8, which do not fit it") as caught:
        run(branching(), IMAGES[:1])
    assert caught.value.layer == 0


def test_pytorch_is_taken_where_it_is_in_use(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    assert choosing.has_torch()
    monkeypatch.setattr(choosing, "torch_engine", lambda kind, device: (kind, device))
    assert choosing.choose_engine(None, 0, "float64", None) == (np.float64, None)
    assert isinstance(choosing.choose_engine("numpy", 1 << 60, "float64", None), NumpyEngine)
    with pytest.raises(RunningError, match="numpy has no device"):
        choosing.choose_engine("numpy", 0, "float64", "cuda")


@pytest.mark.cases("all")
@pytest.mark.parametrize(("installed", "work", "device", "taken"), [
    (True, choosing.MUCH, None, False), (True, choosing.MUCH + 1, None, True),
    (False, choosing.MUCH + 1, None, False), (False, 0, "cuda", True),
])  # fmt: skip
def test_pytorch_is_imported_only_where_that_pays(monkeypatch, installed, work, device, taken) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(choosing, "has_torch", lambda: installed)
    monkeypatch.setattr(choosing, "torch_engine", lambda kind, device: "torch")
    assert (choosing.choose_engine(None, work, "float32", device) == "torch") is taken
    with pytest.raises(RunningError, match="networks are run in float64 or float32, not in nothing"):
        choosing.choose_engine(None, 0, "nothing", None)


def test_what_was_made_for_larger_images_says_so_where_it_stops() -> None:
    network = Network.of([image(1, 8, None), conv(np.ones((1, 1, 5, 5)), below=0)])
    with pytest.raises(RunningError, match=r"; the images are 4x4, the network takes 8x\?"):
        run(network, np.zeros((1, 1, 4, 4)))
    guessed = replace(network, origin=Origin(inferred=("all of it",)))
    with pytest.raises(RunningError, match=r"8x\?; --like takes the graph"):
        run(guessed, np.zeros((1, 1, 4, 4)))


def test_a_lone_layer_by_name_comes_by_its_name() -> None:
    found = run(branching(), IMAGES[:2], ["pool"])
    assert list(found) == ["pool"]


def test_kernels_that_paint_copy_as_much_however_many_channels_they_read() -> None:
    def held(channels: int) -> int:
        weights = Parameter.of("W", np.ones((channels, 3, 2, 2)))
        up = Convolution(weights=weights, axes="iorc", stride=(2, 2), pad=((0, 0), (0, 0)), transposed=True)
        return cost_of(up, [(1, channels, 5, 5)]).held

    assert held(4) == held(16) > 0


def test_an_axis_of_images_is_the_first_or_the_last_and_else_there_is_none() -> None:
    layer = Layer(name="it")
    parts = [np.ones((5, 3)), np.ones((5, 2))]
    assert inference.joined(parts, 5, layer).shape == (5, 5)
    with pytest.raises(RunningError, match="has no axis of images"):
        inference.joined(parts, 4, layer)
    for numbers in ([np.ones(1), np.ones(())], [np.ones(2), np.ones(())]):
        with pytest.raises(RunningError, match="has no axis of images"):
            inference.joined(numbers, 2, layer)


@pytest.mark.cases("all")
@pytest.mark.parametrize(("n", "fixed"), [(4096, True), (4097, False), (0, False), (3, True)])
def test_a_network_wants_so_many_images_at_once_and_no_more(n: int, fixed: bool) -> None:
    entrance = as_layer(Input(shape=(n, 1, 2, 2)), output_shape=(n, 1, 2, 2))
    network = Network.of([entrance, as_layer(Reshape(lengths=(n, 4)), below=0)])
    assert fixed_batch(network, network.layers) == (n if fixed else None)
    assert fixed_batch(network, network.layers[:1]) is None
    other = Network.of([entrance, as_layer(Reshape(lengths=((0,), 4)), below=0)])
    assert fixed_batch(other, other.layers) is None
