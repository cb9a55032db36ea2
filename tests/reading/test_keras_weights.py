"""What layers are that Keras's weights tell of without a graph."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from filtviz import load
from filtviz.operations import Normalisation, Untold
from filtviz.reading.formats.keras.classes import Case, operations_of
from filtviz.reading.formats.keras.stores import Weights
from filtviz.reading.formats.keras.weights import layers_without_graph
from filtviz.reading.limits import Limits
from tests.reading.hdf5_making import Folder, hdf5
from tests.reading.operators.asking import array


def of_shapes(**shapes: tuple[int, ...]) -> Weights:
    arrays: Any = {key: array(*shape) for key, shape in shapes.items()}
    return Weights(arrays=arrays)


def kernels(*shape: int, **others: int) -> Weights:
    return of_shapes(kernel=shape, **{key: (n,) for key, n in others.items()})


def norm(width: int) -> Weights:
    keys = ("gamma", "beta", "moving_mean", "moving_variance")
    return of_shapes(**dict.fromkeys(keys, (width,)))


def types_of(*held: Weights, name: str = "a") -> list[str | None]:
    opened: Any = SimpleNamespace(limits=Limits())
    layers = [(f"{name}{place}", "", weights) for place, weights in enumerate(held)]
    store: Any = SimpleNamespace(layers=lambda: layers, parts=list)
    return [layer.type for layer in layers_without_graph(store, opened).layers]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("width", "kind"), [(6, "Conv2D"), (4, "Conv2DTranspose"), (24, "DepthwiseConv2D"), (5, "Conv2D")]
)
def test_a_normalisation_behind_kernels_tells_what_they_are(width: int, kind: str) -> None:
    assert types_of(kernels(3, 3, 4, 6), norm(width)) == [kind, "BatchNormalization"]
    assert types_of(norm(width), kernels(3, 3, 4, 6)) == ["BatchNormalization", "Conv2D"]
    assert types_of(norm(4), kernels(3, 3, 4, 6), norm(width)) == [
        "BatchNormalization",
        kind,
        "BatchNormalization",
    ]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("width", "kind"), [(6, "Conv2D"), (4, "Conv2DTranspose"), (24, "DepthwiseConv2D"), (5, "Conv2D")]
)
def test_biases_tell_it_before_a_normalisation_does(width: int, kind: str) -> None:
    assert types_of(kernels(3, 3, 4, 6, bias=width), norm(6)) == [kind, "BatchNormalization"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "shape", "kind"),
    [
        ("up_transpose", (3, 3, 4, 4), "Conv2DTranspose"),
        ("up_transpose", (3, 3, 4, 6), "Conv2DTranspose"),
        ("depthwise", (3, 3, 4, 1), "DepthwiseConv2D"),
        ("plain", (3, 3, 4, 1), "Conv2D"),
        ("plain", (3, 3, 1, 1), "Conv2D"),
        ("plain", (3, 4, 1), "Conv1D"),
        ("plain", (3, 3, 3, 4, 1), "Conv3D"),
        ("plain", (4, 1), "Dense"),
    ],
)
def test_where_nothing_else_tells_it_names_and_axes_do(name: str, shape: tuple[int, ...], kind: str) -> None:
    assert types_of(kernels(*shape), name=name) == [kind]


@pytest.mark.parametrize("keys", [("a_W", "b_W"), ("a_W", "kernel"), ("kernel", "a_W"), ("0", "kernel")])
@pytest.mark.cases("all")
def test_no_array_takes_the_name_of_another(keys: tuple[str, str]) -> None:
    opened: Any = SimpleNamespace(limits=Limits())
    shapes = {key: (n + 2, 3) for n, key in enumerate(keys)}
    store: Any = SimpleNamespace(layers=lambda: [("l", "Dense", of_shapes(**shapes))], parts=list)
    (layer,) = layers_without_graph(store, opened).layers
    assert [one.shape for one in layer.parameters] == [(2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("scale", "offset", "followed"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], False),
        (10**400, 0.0, False),
        ([1.0, 2.0], 0.5, True),
        (2, [0.5, 1.0], True),
    ],
)
def test_a_rescaling_whose_numbers_fit_no_channels_is_not_followed(scale, offset, followed) -> None:
    case = Case(class_name="Rescaling", config={"scale": scale, "offset": offset}, parameters={}, inputs=())
    assert isinstance(operations_of(case)[0], Normalisation if followed else Untold)


@pytest.mark.parametrize(
    ("shape", "size"), [((1, 4, 5, 6), (15, 18)), ((1, 4, 5), None), ((1, 4, 5, 6, 7), None)]
)
def test_the_size_behind_long_strides_is_told_of_images_alone(shape, size) -> None:
    config = {"strides": 3, "padding": "valid"}
    held: Any = {"kernel": array(2, 2, 3, 4)}
    case = Case(class_name="Conv2DTranspose", config=config, parameters=held, inputs=[shape])
    assert operations_of(case)[0].output_size == size


def test_a_class_that_is_not_named_is_not_spoken_of() -> None:
    without, other = (
        operations_of(Case(class_name=name, config={}, parameters={}, inputs=()))[0].reason
        for name in ("", "Mine")
    )
    assert (without, other) == ("the file does not tell its class", "filtviz does not know the class Mine")


@pytest.mark.parametrize(("backend", "flips"), [("theano", True), ("tensorflow", False), (np.int64(5), None)])
@pytest.mark.cases("all")
def test_only_a_backend_that_is_named_tells_whether_kernels_are_turned(tmp_path, backend, flips) -> None:
    conv = {"class_name": "Convolution2D", "config": {"name": "c", "dim_ordering": "th"}}
    held = Folder({"c": Folder({"c_W": np.zeros((2, 1, 3, 3), "f4")}, {"weight_names": ["c_W"]})})
    held.attributes |= {"layer_names": ["c"]}
    config = json.dumps({"class_name": "Sequential", "config": [conv]})
    path = tmp_path / "a.h5"
    path.write_bytes(hdf5(Folder({"model_weights": held}, {"model_config": config, "backend": backend})))
    assert [one.flip_filters for one in load(path).conv_layers] == [flips]


@pytest.mark.parametrize(("said", "version"), [({}, "2.9.0"), ({"keras_version": "2.4.0"}, "2.4.0")])
def test_what_the_root_says_counts_before_what_the_weights_below_it_say(tmp_path, said, version) -> None:
    kernel = Folder({"kernel:0": np.zeros((3, 3, 1, 2), "f4")})
    conv = Folder({"conv": kernel}, {"weight_names": ["conv/kernel:0"]})
    facts = {"layer_names": ["conv"], "keras_version": "2.9.0", "backend": "tensorflow"}
    path = tmp_path / "a.h5"
    path.write_bytes(hdf5(Folder({"model_weights": Folder({"conv": conv}, facts)}, said)))
    assert load(path).origin.versions == {"keras": version, "backend": "tensorflow"}
