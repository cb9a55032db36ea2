"""Keras: `.keras`, models and weights in HDF5, in one file and several, read back to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import Network, load
from filtviz.operations import Activation, Convolution, Normalisation, Pooling

from .comparing import assert_holds, bits

pytest.importorskip(
    "torch", reason="PyTorch, on which Keras runs here, is not installed (the extra frameworks)"
)
pytest.importorskip("h5py", reason="h5py is not installed (the extra frameworks)")
keras = pytest.importorskip("keras", reason="Keras is not installed (the extra frameworks)")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the frameworks warn of each other
layers = keras.layers

FORMS = ["model.keras", "model.h5"]


def small() -> Any:
    """A model of one input, whose layers are named against the alphabet."""
    keras.utils.set_random_seed(0)
    image = layers.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 5, strides=2, padding="same", name="stem")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Activation("relu", name="relu")(x)
    x = layers.DepthwiseConv2D((3, 5), depth_multiplier=2, name="depthwise")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(6, 3, dilation_rate=2, groups=2, activation="tanh", name="grouped")(x)
    beside = layers.Conv2D(6, 1, name="a_beside")(x)
    x = layers.Add(name="add")([x, beside])
    x = layers.Conv2DTranspose(4, 3, strides=2, name="back")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, layers.Dense(2, name="head")(x))


def kernels(model: Any) -> dict[str, Any]:
    """Return what each convolution of a model holds."""
    return {
        layer.name: bits(np.asarray(layer.get_weights()[0]))
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Conv2DTranspose | layers.Conv1D)
    }


def saved(model: Any, path: Path) -> Path:
    model.save(path)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_model_is_its_weights_and_its_graph(tmp_path, form) -> None:
    model = small()
    network = assert_holds(saved(model, tmp_path / form), kernels(model))
    assert_has_graph(network, model)


def assert_has_graph(network: Network, model: Any) -> None:
    by_name = {layer.name: layer for layer in network.layers}
    for layer in model.layers:
        lengths = layer.output.shape
        assert by_name[layer.name].output_shape == (lengths[0], lengths[-1], *lengths[1:-1])
    convolutions = {layer.name: layer.convolution for layer in network.conv_layers}
    assert all(isinstance(each, Convolution) for each in convolutions.values())
    assert convolutions["stem"].stride == (2, 2)
    assert convolutions["grouped"].groups == 2
    assert convolutions["grouped"].dilation == (2, 2)
    assert convolutions["depthwise"].groups == 8
    assert convolutions["back"].transposed
    kinds = [type(each) for layer in network.layers for each in layer.operations]
    assert {Activation, Normalisation, Pooling} <= set(kinds)
    assert [by_name["image"].index] == list(by_name["stem"].inputs)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64", "mixed_float16"])
@pytest.mark.parametrize("form", FORMS)
def test_numbers_of_every_type_are_themselves(tmp_path, form, name) -> None:
    keras.config.set_dtype_policy(name)
    try:
        model = keras.Sequential([layers.Input((9, 9, 2)), layers.Conv2D(3, 3, name="conv")])
        kernel = model.layers[0].kernel.value.detach()
    finally:
        keras.config.set_dtype_policy("float32")
    from .comparing import array_of

    if name == "bfloat16" and form == "model.h5":
        pytest.skip("Keras writes no bfloat16 into the older form")
    assert_holds(saved(model, tmp_path / form), {"conv": bits(array_of(kernel))})


def test_weights_alone_are_layers_with_the_classes_of_their_paths(tmp_path) -> None:
    model = small()
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    found = {bits(layer.W) for layer in load(path).conv_layers}
    assert found == set(kernels(model).values())


def test_slopes_of_an_activation_are_no_kernels(tmp_path) -> None:
    inner = [layers.Conv2D(3, 3, name="conv"), layers.PReLU(shared_axes=[1, 2])]
    model = keras.Sequential([layers.Input((9, 9, 1)), *inner])
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    assert [bits(layer.W) for layer in load(path).conv_layers] == list(kernels(model).values())


class OfItsOwn(keras.Model):
    """A model whose layers are attributes, as many people write them."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.stem = layers.Conv2D(4, 3, name="first")
        self.block = keras.Sequential([layers.Conv2D(5, 3), layers.ReLU(), layers.Dense(3)])
        self.line = layers.Conv1D(2, 3)

    def call(self, x: Any) -> Any:
        x = self.block(self.stem(x))
        return self.line(x[:, 0])


@pytest.mark.parametrize("form", ["model.keras", "model.weights.h5"])
def test_a_model_of_a_class_of_its_own_has_the_layers_that_are_its_attributes(tmp_path, form) -> None:
    model = OfItsOwn()
    model(np.zeros((1, 12, 12, 3), "float32"))
    path = tmp_path / form
    (model.save_weights if ".weights." in form else model.save)(path)
    found = {bits(layer.W) for layer in load(path).conv_layers}
    wanted = [model.stem, model.block.layers[0], model.line]
    assert found == {bits(np.asarray(layer.get_weights()[0])) for layer in wanted}


def test_weights_in_several_files_are_one_network(tmp_path) -> None:
    model = small()
    path = tmp_path / "model.weights.json"
    model.save_weights(path, max_shard_size=1e-6 * 4)
    assert len(list(tmp_path.glob("*.h5"))) > 1
    for given in (path, tmp_path):
        assert {bits(layer.W) for layer in load(given).conv_layers} == set(kernels(model).values())


def test_a_configuration_beside_the_weights_tells_the_graph(tmp_path) -> None:
    model = small()
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    (tmp_path / "config.json").write_text(model.to_json())
    assert_has_graph(assert_holds(path, kernels(model)), model)


@pytest.mark.parametrize("form", FORMS)
def test_a_model_in_a_model_is_taken_apart(tmp_path, form) -> None:
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([layers.Input((16, 16, 3)), layers.Conv2D(4, 3, name="inside")], name="inner")
    image = layers.Input((16, 16, 3))
    model = keras.Model(image, layers.Conv2D(5, 3, name="outside")(inner(image)))
    found = load(saved(model, tmp_path / form)).conv_layers
    assert [bits(layer.W) for layer in found] == list(kernels(model).values())
    assert [layer.name.rpartition("/")[2] for layer in found] == ["inside", "outside"]


@pytest.mark.parametrize("form", [*FORMS, "model.weights.h5"])
def test_both_kernels_of_a_separable_convolution_are_there(tmp_path, form) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [layers.Input((16, 16, 3)), layers.SeparableConv2D(5, 3, depth_multiplier=2, name="apart")]
    )
    path = tmp_path / form
    (model.save_weights if ".weights." in form else model.save)(path)
    wanted = [bits(np.asarray(each)) for each in model.layers[0].get_weights()[:2]]
    held = [
        bits(each.weights.value)
        for layer in load(path).layers
        for each in layer.operations
        if isinstance(each, Convolution)
    ]
    assert held == wanted


def test_an_optimisers_moments_are_no_filters(tmp_path) -> None:
    model = small()
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 32, 32, 3), "float32"), np.ones((2, 2), "float32"), verbose=0)
    for form in FORMS:
        assert_holds(saved(model, tmp_path / form), kernels(model))


def test_a_model_in_memory_is_the_same_as_its_file() -> None:
    model = small()
    network = filtviz.layers(model).network
    assert {layer.name: bits(layer.W) for layer in network.conv_layers} == kernels(model)
    assert_has_graph(network, model)


def test_a_legacy_model_of_several_dimensions_is_listed(tmp_path) -> None:
    model = keras.Sequential(
        [layers.Input((16, 3)), layers.Conv1D(4, 5, name="line"), layers.Conv1D(2, 3, name="more")]
    )
    for form in FORMS:
        network = assert_holds(saved(model, tmp_path / form), kernels(model))
        assert all(layer.why_not_drawn for layer in network.conv_layers)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimiser", ["adam", "rmsprop", "adagrad"])
def test_what_was_frozen_is_told_by_marks_and_by_the_optimiser(tmp_path, form, optimiser) -> None:
    keras.utils.set_random_seed(0)
    first = [layers.Conv2D(4, 3, name="a"), layers.BatchNormalization(name="norm")]
    inner = keras.Sequential([layers.Input((6, 6, 1)), *first], name="inner")
    inner.trainable = False
    rest = [layers.Conv2D(6, 3, name="b"), layers.Flatten(), layers.Dense(1, name="c")]
    model = keras.Sequential([layers.Input((6, 6, 1)), inner, *rest])
    model.compile(optimiser, "mse")
    model.fit(np.random.default_rng(0).random((4, 6, 6, 1)), np.arange(4.0), epochs=2, verbose=0)
    model.save(tmp_path / form)
    network = load(tmp_path / form)
    assert {each.name: each.trainable for each in network.layers if each.parameters} == {
        "inner/a": False, "inner/norm": False, "b": True, "c": True,
    }  # fmt: skip
    assert network.origin.training == ("its optimiser took 2 steps",)
    assert (network.origin.moved, network.origin.resting) == ({"b", "c"}, {"inner/a"})
