"""Models in memory: an nn.Module, a Keras model, a tree of arrays; none of their frameworks is needed."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import DrawingError
from filtviz.live import _is_followed, _LiveStore, is_live, network_of
from filtviz.operations import Normalisation
from tests.reading.making import weights

W1, B1, W2 = weights(4, 3, 5, 5), weights(4, seed=1), weights(6, 4, 3, 3, seed=2)


class Tensor:
    """What a tensor of PyTorch's can do."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, f"torch.{array.dtype}"

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self.array


class Module:
    """What an nn.Module can do."""

    def __init__(
        self, parts: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **own: Any
    ) -> None:
        self._modules = parts or {}
        self._parameters = {name: None if value is None else Tensor(value) for name, value in own.items()}
        self._buffers: dict[str, Any] = {}
        vars(self).update(facts or {})

    def named_modules(self) -> None:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        return {}


def of_class(name: str, home: str, *args: Any, **own: Any) -> Any:
    return type(name, (Module,), {"__module__": home})(*args, **own)


def conv(weight: np.ndarray, bias: np.ndarray | None = None, **facts: Any) -> Any:
    told = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "transposed": False}
    return of_class("Conv2d", "torch.nn.modules.conv", {}, told | facts, weight=weight, bias=bias)


def chain(*parts: Any) -> Any:
    named = {str(place): part for place, part in enumerate(parts)}
    return of_class("Sequential", "torch.nn.modules.container", named)


def test_a_module_in_memory_is_read_as_one_of_a_file(tmp_path):
    relu = of_class("ReLU", "torch.nn.modules.activation")
    model = chain(conv(W1, B1, stride=(2, 2), padding="same"), relu, conv(W2))
    rows = filtviz.layers(model).rows
    assert [row.type for row in rows] == ["input", "Conv2d", "ReLU", "Conv2d"]
    assert [row.inputs for row in rows] == [(), (0,), (1,), (2,)]
    assert (rows[1].stride, rows[1].pad) == ((2, 2), ((2, 2), (2, 2)))
    network = network_of(model)
    assert np.array_equal(network.conv_layers[0].W, W1)
    assert np.array_equal(network.conv_layers[0].b, B1)
    assert (network.origin.framework, network.origin.kind) == ("PyTorch", "a PyTorch Sequential")
    drawn = filtviz.plot(model, layers=["layer2"], view="rms", output=tmp_path / "a.png")
    assert [file.path.name for file in drawn.files] == ["a.png"]
    assert filtviz.diagnose(model).layers


def test_each_of_many_layers_has_its_own_weights():
    kernels = [weights(3, 3, 3, 3, seed=seed) for seed in range(40)]
    model = of_class("Net", "theirs", {f"conv{i}": conv(kernel) for i, kernel in enumerate(kernels)})
    found = network_of(model).conv_layers
    assert [layer.label for layer in found] == [f"conv{i}" for i in range(40)]
    assert all(np.array_equal(layer.W, kernel) for layer, kernel in zip(found, kernels, strict=True))


def test_what_feeds_the_parts_of_a_users_module_is_not_known():
    network = network_of(of_class("Net", "mine", {"a": conv(W1), "b": conv(W2), "c": None}))
    assert [layer.inputs for layer in network.layers] == [(), (0,), ()]
    assert network.origin.inferred[0].startswith("the model holds modules and not what feeds them")


def test_what_is_odd_in_a_module_in_memory_is_told_too():
    part = chain(conv(W1))
    notes = network_of(of_class("Net", "mine", {"a": part, "b": part})).origin.notes
    assert "b is a once more" in notes
    assert not network_of(of_class("Net", "mine", {"a": chain(conv(W1)), "b": chain(conv(W2))})).origin.notes


def test_weights_are_those_of_the_moment_at_which_they_are_read():
    array = W1.copy()
    layer = network_of(chain(conv(array))).conv_layers[0]
    _ = layer.W
    array += 1
    assert np.array_equal(layer.W, W1)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("value", "is_chain"), [(-1, False), ((-1, 4), False), ((-1, [4]), True), ([{}], True), (print, True)]
)
def test_only_a_plain_f_tells_that_a_chain_is_none(value, is_chain):
    second = network_of(chain(conv(W1), conv(W2, f=value))).layers[2]
    assert second.inputs == ((1,) if is_chain else ())


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("steps", "training", "followed"),
    [
        (("_WeightNorm",), False, True),
        (("_WeightNorm", "_SpectralNorm"), False, True),
        (("_WeightNorm", "Own"), True, False),
        (("_SpectralNorm", "Own"), True, True),
        (("_SpectralNorm", "Own"), False, False),
    ],
)
def test_weights_are_computed_of_their_parts_where_these_tell_them(steps, training, followed):
    held = SimpleNamespace(_modules={name: type(name, (), {})() for name in steps}, training=training)
    assert _is_followed(held) is followed


def test_a_layer_that_a_keras_model_has_not_holds_nothing():
    store = _LiveStore(SimpleNamespace(layers=[KerasLayer("in", W1)]))
    assert [one.shape for one in store.weights("", "in", "Conv2D", "").arrays.values()] == [W1.shape]
    assert store.weights(store.inner("", "gone", "Model"), "in", "Conv2D", "").arrays == {}


class KerasLayer:
    """What a layer of Keras's can do."""

    def __init__(self, name: str, *arrays: np.ndarray, **config: Any) -> None:
        self.name, self.arrays, self.config = name, arrays, config

    def get_weights(self) -> list[np.ndarray]:
        return list(self.arrays)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.config}


class Conv2D(KerasLayer):
    pass


class KerasModel:
    """What a model of Keras's can do."""

    def __init__(self, *layers: KerasLayer) -> None:
        self.layers = list(layers)

    def get_weights(self) -> list[np.ndarray]:
        return [each for layer in self.layers for each in layer.get_weights()]


def test_a_keras_model_in_memory_is_read():
    kernel = weights(3, 3, 1, 8)
    told = {"strides": (2, 2), "padding": "same", "activation": "relu", "kernel_size": (3, 3)}
    first = Conv2D("first", kernel, weights(8), **told)
    network = network_of(KerasModel(first))
    (layer,) = network.conv_layers
    assert (layer.label, layer.axes, layer.convolution.stride) == ("first", "rcio", (2, 2))
    assert np.array_equal(layer.W, kernel)
    assert network.origin.framework == "Keras"
    assert "each layer is taken to follow the one before" in network.origin.inferred[0]


def test_a_layer_of_keras_is_a_model_of_itself():
    kernel = weights(3, 3, 1, 8)
    network = network_of(Conv2D("alone", kernel, strides=(1, 1), padding="valid"))
    (layer,) = network.conv_layers
    assert (layer.label, network.origin.framework, network.origin.inferred) == ("alone", "Keras", ())
    assert np.array_equal(layer.W, kernel)


def test_a_keras_model_that_runs_on_pytorch_is_one_of_keras():
    class KerasModule(KerasModel, Module):
        def __init__(self, *layers: KerasLayer) -> None:
            Module.__init__(self)
            KerasModel.__init__(self, *layers)

    network = network_of(KerasModule(Conv2D("first", weights(3, 3, 1, 8), strides=(1, 1), padding="valid")))
    assert network.origin.framework == "Keras"
    assert [layer.label for layer in network.conv_layers] == ["first"]


def test_a_tree_of_arrays_has_the_axes_of_its_framework():
    flax = {"params": {"Conv_0": {"kernel": weights(3, 3, 2, 8), "bias": weights(8)}}}
    (layer,) = network_of(flax).conv_layers
    assert (layer.axes, layer.n_filters, layer.n_channels) == ("rcio", 8, 2)
    state = {"conv1.weight": Tensor(W1), "conv1.bias": Tensor(B1)}
    (layer,) = network_of(state).conv_layers
    assert (layer.label, layer.axes, layer.type) == ("conv1", "oirc", "Conv2d")


def test_the_weights_of_a_state_dict_in_memory_are_computed_from_their_parts():
    gain, direction = weights(8, 1, 1, 1), weights(8, 2, 3, 3)
    state = {"module.a.weight_g": Tensor(gain), "module.a.weight_v": Tensor(direction)}
    network = network_of(state)
    (layer,) = network.conv_layers
    assert layer.name == "a"
    norm = np.sqrt((direction.astype("f8") ** 2).sum(axis=(1, 2, 3), keepdims=True))
    assert np.allclose(layer.W, gain * direction / norm, rtol=1e-5)
    assert "weight normalisation" in " ".join(network.origin.inferred)


FLAX_CONV = {"Conv_0": {"kernel": weights(3, 3, 2, 8), "bias": weights(8)}}
ORIGINS = {
    "a tree of Flax": ({"params": FLAX_CONV}, "Flax", "a tree of parameters", "the order of the dictionary"),
    "a tree without collections": (FLAX_CONV, "Flax", "a tree of parameters", "the order of the dictionary"),
    "a state_dict": (
        {"a.weight": Tensor(W1), "a.bias": Tensor(B1)}, "PyTorch", "a state_dict",
        "the order of the dictionary",
    ),
    "a chain": (chain(conv(W1)), "PyTorch", "a PyTorch Sequential", "the order of the nn.Sequential"),
    "a module": (
        of_class("Net", "mine", {"a": conv(W1), "b": conv(W2)}), "PyTorch", "a PyTorch Net",
        "the order of registration in the module",
    ),
    "a model of Keras": (
        KerasModel(Conv2D("a", weights(3, 3, 1, 8))), "Keras", "a Keras KerasModel",
        "the model's list of layers",
    ),
    "a layer of Keras": (
        Conv2D("a", weights(3, 3, 1, 8)), "Keras", "a Keras Conv2D", "the model's own graph",
    ),
}  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize("model", ORIGINS)
def test_where_a_model_in_memory_comes_from_is_told(model):
    value, *told = ORIGINS[model]
    origin = network_of(value).origin
    assert [origin.framework, origin.kind, origin.order] == told
    assert (origin.path, origin.container, origin.protocol, origin.versions) == (None, "", None, {})


class Nested(KerasModel):
    """A model that is a layer of another one."""

    def __init__(self, name: str, *layers: KerasLayer) -> None:
        super().__init__(*layers)
        self.name = name

    def get_config(self) -> dict[str, Any]:
        kinds = [{"class_name": type(one).__name__, "config": one.get_config()} for one in self.layers]
        return {"name": self.name, "layers": kinds}


def test_a_model_within_a_model_of_keras_has_its_own_weights():
    kernels = [weights(3, 3, 1, 8, seed=seed) for seed in range(3)]
    inner = type("Sequential", (Nested,), {})("inner", Conv2D("a", kernels[1]), Conv2D("b", kernels[2]))
    network = network_of(KerasModel(Conv2D("a", kernels[0]), inner))
    assert [layer.name for layer in network.conv_layers] == ["a", "inner/a", "inner/b"]
    assert all(
        np.array_equal(layer.W, kernel) for layer, kernel in zip(network.conv_layers, kernels, strict=True)
    )


def test_a_tree_of_flax_has_the_statistics_of_a_layer_with_its_parameters():
    held = {name: weights(8) for name in ("scale", "bias")}
    statistics = {name: weights(8) for name in ("mean", "var")}
    conv_0 = {"kernel": weights(3, 3, 2, 8)}
    tree = {"params": {"conv": conv_0, "norm": held}, "batch_stats": {"norm": statistics}}
    found = {layer.name: layer for layer in network_of(tree).layers}
    assert list(found) == ["conv", "norm"]
    assert isinstance(found["norm"].operations[0], Normalisation)
    plain = network_of({"conv": conv_0, "norm": held | statistics})
    assert [layer.name for layer in plain.layers] == ["conv", "norm"]


def test_two_models_in_memory_are_compared_as_models_and_two_arrays_as_layers():
    found = filtviz.compare([chain(conv(W1)), chain(conv(2 * W1))])
    assert found.comparisons[0].states == ("network 1", "network 2")
    assert filtviz.compare([W1, 2 * W1]).states == ("1", "2")


def test_what_a_tree_holds_and_is_not_read_is_told():
    lost = Tensor(W2)
    lost.is_meta = True
    notes = network_of({"a.weight": Tensor(W1), "b.weight": lost}).origin.notes
    assert notes == (
        "what could not be read: b.weight, which lies on the meta device: it has a shape and no values",
    )
    assert not network_of({"a.weight": Tensor(W1)}).origin.notes


def test_anything_else_is_told():
    assert not is_live({"a": 1})
    with pytest.raises(filtviz.ArgumentError, match=r"^3 is no model that filtviz knows: give a path, "):
        filtviz.layers(3)
    with pytest.raises(filtviz.ArgumentError, match="an object of class int is no model that filtviz knows"):
        network_of(3)
    with pytest.raises(DrawingError, match="has no weights yet"):
        filtviz.layers(chain())


@pytest.mark.slow
def test_no_framework_is_imported_for_a_path(fixtures):
    path = str(fixtures / "modern" / "sd_zip.pth")
    code = f"import sys, filtviz; filtviz.layers({path!r}); print('filtviz.live' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


@pytest.mark.slow
def test_a_module_of_pytorchs_own_is_read():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 5, 3)),
    )
    network = network_of(model)
    assert np.array_equal(network.conv_layers[0].W, model[0].weight.detach().numpy())
    assert np.allclose(network.conv_layers[1].W, model[3].weight.detach().numpy(), atol=1e-6)
    half = network_of(nn.Conv2d(3, 4, 3).bfloat16()).conv_layers[0]
    assert half.W.dtype.name == "bfloat16"


def test_what_was_guessed_of_parts_in_memory_is_told():
    rng = np.random.default_rng(0)
    stored = rng.normal(size=(4, 2, 3, 3)).astype("f4")
    for kernel in stored.reshape(-1, 3, 3):
        np.fill_diagonal(kernel, [-1, 1, -1])
    base = np.linalg.qr(rng.normal(size=(4, 2, 3, 3)))[0].astype("f4")
    state = {"a.parametrizations.weight.original": stored, "a.parametrizations.weight.0.base": base}
    told = network_of({name: Tensor(array) for name, array in state.items()}).origin
    assert told.guess.startswith("guessed the map that makes a orthogonal; if it is not PyTorch's own choice")
    assert network_of({"a.weight": Tensor(stored)}).origin.guess == ""
