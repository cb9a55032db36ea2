"""NVIDIA's pickles: networks of its tflib with their variables, and modules with their source in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import LimitError, SelectionError
from filtviz.network import Network
from filtviz.reading.limits import Hints, Limits
from tests.reading.making import Thing, dumps, weights
from tests.reading.torch_making import module, zip_of

FIRST, SECOND, CONST = weights(3, 3, 16, 8), weights(1, 1, 8, 3, seed=1), weights(1, 16, 4, 4, seed=2)


def network(name: str, *arrays: np.ndarray, cls: str = "dnnlib.tflib.network.Network") -> Thing:
    first, second = arrays or (FIRST, SECOND)
    variables = [
        ("4x4/Const/const", CONST), ("4x4/Conv/weight", first), ("4x4/Conv/bias", weights(8)),
        ("4x4/ToRGB/weight", second), ("lod", np.float32(0)),
    ]  # fmt: skip
    return Thing(cls, version=4, name=name, build_module_src="raise SystemExit", variables=variables)


def load(tmp_path: Path, held: Any, **more: Any) -> Network:
    path = tmp_path / "network.pkl"
    path.write_bytes(dumps(held))
    return filtviz.load(path, **more)


@pytest.mark.parametrize("cls", ["dnnlib.tflib.network.Network", "tfutil.Network"])
def test_variables_of_tflib_are_kernels_with_filters_last_and_a_constant_is_none(tmp_path, cls):
    found = load(tmp_path, (network("G", cls=cls), network("Gs", FIRST + 1, SECOND, cls=cls)))
    assert [(one.name, one.axes) for one in found.conv_layers] == [
        ("4x4/Conv", "rcio"),
        ("4x4/ToRGB", "rcio"),
    ]
    assert np.array_equal(found.conv_layers[0].W, FIRST)
    assert found.origin.left_out == ("the weights of Gs (--weights Gs shows them)",)
    averaged = load(tmp_path, (network("G"), network("Gs", FIRST + 1, SECOND)), hints=Hints(weights="Gs"))
    assert np.array_equal(averaged.conv_layers[0].W, FIRST + 1)


def test_several_networks_of_tflib_stand_behind_each_other_with_their_names(tmp_path):
    found = load(tmp_path, (network("G"), network("D", FIRST * 2, SECOND)))
    assert [one.name for one in found.conv_layers] == [
        "G/4x4/Conv", "G/4x4/ToRGB", "D/4x4/Conv", "D/4x4/ToRGB",
    ]  # fmt: skip
    places = {layer.name: place for place, layer in enumerate(found.layers)}
    behind = found.layers[places["D/4x4/Const"] :]
    assert all(place >= places["D/4x4/Const"] for layer in behind for place in layer.inputs)


def test_what_is_asked_for_must_be_there_and_no_more_than_is_allowed(tmp_path):
    with pytest.raises(SelectionError, match="there are: G"):
        load(tmp_path, network("G"), hints=Hints(weights="Gs"))
    with pytest.raises(LimitError, match="it holds 5 variables"):
        load(tmp_path, network("G"), limits=Limits(layers=4))


def test_a_network_of_another_library_is_not_tflibs(tmp_path):
    found = load(tmp_path, network("G", cls="some.package.Network"))
    assert found.origin.kind != "networks of NVIDIA's tflib"


def persistent(name: str, inner: Thing) -> Thing:
    """A module of StyleGAN's: a dictionary with its source, and its state."""
    meta = {"type": "class", "module_src": "raise SystemExit", "class_name": name, "state": inner.state}
    return Thing("torch_utils.persistence._reconstruct_persistent_obj", meta)


def test_modules_that_a_pickle_holds_with_their_source_are_modules_and_nothing_runs(tmp_path):
    layer = persistent(
        "SynthesisLayer", module("x", {"weight": weights(8, 4, 3, 3)}, buffers={"f": np.ones((4, 4))})
    )
    whole = persistent("Generator", module("x", parts={"b4": layer}))
    path = tmp_path / "model.pt"
    path.write_bytes(zip_of({"G": whole, "G_ema": whole}))
    found = filtviz.load(path)
    (conv,) = found.conv_layers
    assert (conv.name, conv.type, conv.axes) == ("b4", "SynthesisLayer", "oirc")
    assert np.array_equal(conv.W, weights(8, 4, 3, 3))


@pytest.mark.parametrize(
    ("cls", "shape", "is_conv"),
    [
        ("mine.Patches", (8, 3, 16, 16), True),
        ("mine.Patches", (8, 3, 40, 40), False),
        ("torch.nn.modules.activation.PReLU", (8, 3, 3, 3), False),
    ],
)
def test_weights_of_a_class_of_ones_own_are_kernels_where_they_end_in_a_window(tmp_path, cls, shape, is_conv):
    path = tmp_path / "model.pt"
    path.write_bytes(zip_of(module(cls, {"weight": weights(*shape)})))
    found = filtviz.load(path)
    assert bool(found.conv_layers) is is_conv
    assert found.layers[-1].n_parameters == int(np.prod(shape))
