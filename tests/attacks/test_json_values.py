"""Whatever stands in the JSON of a file, it is read or refused with one sentence."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import filtviz
from filtviz.cli.json_data import network_data
from filtviz.errors import ReadError
from filtviz.summary import summarize
from tests.attacks.containers import zipped
from tests.attacks.formats import hdf5, safetensors
from tests.attacks.graph_files import keras_layer, keras_model

ODD = (
    None,
    True,
    {},
    [],
    [[]],
    "x",
    -1,
    0,
    1e999,
    float("nan"),
    10**400,
    [1e999],
    [None],
    {"a": 1},
    [0] * 40,
)

Told = Callable[[bytes], str]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Read a file and tell its network, as ``filtviz layers --json`` does; or return the sentence."""

    def tell(data: bytes, name: str = "model.bin") -> str:
        path = tmp_path / name
        path.write_bytes(data)
        try:
            network = filtviz.load(path)
        except ReadError as error:
            return str(error)
        return json.dumps(network_data(network, summarize(network)), allow_nan=False)

    return tell


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value in a document, the document itself first."""
    yield path
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(document, dict):
        inner = document.items()
    elif isinstance(document, list):
        inner = enumerate(document)
    for key, value in inner:
        yield from places(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a document with another value at a place."""
    if not path:
        return value
    whole = copy.deepcopy(document)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return whole


# torch.export


def tensor(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


def ints(*numbers: int) -> dict[str, Any]:
    return {"as_ints": list(numbers)}


X = tensor("x")
CALLS: dict[str, dict[str, Any]] = {
    "conv2d": {
        "input": X,
        "weight": tensor("w"),
        "bias": {"as_none": True},
        "stride": ints(1, 1),
        "padding": ints(1, 1),
        "dilation": ints(1, 1),
        "groups": {"as_int": 1},
    },
    "cat": {"tensors": {"as_tensors": [{"name": "x"}, {"name": "x"}]}, "dim": {"as_int": 1}},
    "softmax": {"self": X, "dim": {"as_int": 1}},
    "max_pool2d": {"self": X, "kernel_size": ints(2, 2), "stride": ints(2, 2), "padding": ints(0, 0)},
    "mean": {"self": X, "dim": ints(2, 3), "keepdim": {"as_bool": True}},
    "view": {"self": X, "size": ints(1, -1)},
    "flatten": {"input": X, "start_dim": {"as_int": 1}},
    "leaky_relu": {"self": X, "negative_slope": {"as_float": 0.1}},
}


def program(operator: str, sizes: tuple[int, ...] = (1, 1, 8, 8)) -> dict[str, Any]:
    given = [{"name": name, "arg": value} for name, value in CALLS[operator].items()]
    node = {"target": f"torch.ops.aten.{operator}.default", "inputs": given, "outputs": [tensor("y")]}
    lengths = {"x": {"sizes": [{"as_int": n} for n in sizes]}}
    own = {"parameter": {"arg": {"name": "w"}, "parameter_name": "c.weight"}}
    signature = {"input_specs": [{"user_input": {"arg": X}}, own]}
    return {"graph_module": {"graph": {"tensor_values": lengths, "nodes": [node]}, "signature": signature}}


def weights() -> dict[str, Any]:
    lengths, strides = ([{"as_int": n} for n in all_] for all_ in ((2, 1, 3, 3), (9, 9, 3, 1)))
    meta = {"dtype": 7, "sizes": lengths, "strides": strides, "storage_offset": {"as_int": 0}}
    return {"config": {"c.weight": {"path_name": "weight_0", "use_pickle": False, "tensor_meta": meta}}}


def exported(model: Any, config: Any = None) -> bytes:
    return zipped(
        ("m/data/weights/model_weights_config.json", json.dumps(config or weights()).encode()),
        ("m/data/weights/weight_0", bytes(72)),
        ("m/models/model.json", json.dumps(model).encode()),
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize("operator", CALLS)
def test_calls_are_read(told, operator):
    assert f'"{operator}"' in told(exported(program(operator)))


@pytest.mark.cases("all")
@pytest.mark.parametrize("operator", CALLS)
@pytest.mark.parametrize("sizes", [(), (1,), (0, 0, 0, 0)])
def test_inputs_of_no_axes_and_no_units(told, operator, sizes):
    assert f'"{operator}"' in told(exported(program(operator, sizes)))


STRIDE = ("graph_module", "graph", "nodes", 0, "inputs", 3, "arg", "as_ints")


@pytest.mark.cases("all")
@pytest.mark.parametrize("value", [0, -1, [0, 1], [1, -1]])
def test_a_convolution_whose_stride_is_none_is_not_followed(told, value):
    facts = json.loads(told(exported(changed(program("conv2d"), STRIDE, value))))
    assert (facts["totals"]["convolutions"], facts["totals"]["parameters"]) == (0, 18)


def test_a_stride_is_followed(told):
    facts = json.loads(told(exported(changed(program("conv2d"), STRIDE, [2, 2]))))
    assert facts["totals"]["convolutions"] == 1
    assert facts["layers"][-1]["output_shape"] == [1, 2, 4, 4]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operator", "place", "value"),
    [
        ("conv2d", ("inputs", 0, "arg"), {}),
        ("conv2d", ("outputs", 0), {}),
        ("conv2d", ("inputs", 6, "arg", "as_int"), 1e999),
        ("cat", ("inputs", 1, "arg", "as_int"), float("nan")),
        ("softmax", ("inputs", 1, "arg", "as_int"), 1e999),
        ("flatten", ("inputs", 1, "arg", "as_int"), 1e999),
    ],
)
def test_arguments_that_are_none(told, operator, place, value):
    path = ("graph_module", "graph", "nodes", 0, *place)
    assert told(exported(changed(program(operator), path, value)))


def test_a_type_that_is_none(told):
    path = ("config", "c.weight", "tensor_meta", "dtype")
    assert told(exported(program("conv2d"), changed(weights(), path, {})))


# safetensors


def header() -> dict[str, Any]:
    entry = {"dtype": "F32", "shape": [1, 1, 3, 3], "data_offsets": [0, 36]}
    return {"__metadata__": {"format": "pt"}, "a.weight": entry}


def in_safetensors(document: Any) -> bytes:
    return safetensors(json.dumps(document).encode()) + bytes(36)


def test_a_format_that_is_no_text(told):
    assert '"a"' in told(in_safetensors(changed(header(), ("__metadata__", "format"), {})))


# Keras


def model() -> dict[str, Any]:
    return keras_model(
        keras_layer("in", cls="InputLayer", batch_shape=[None, 8, 8, 3]),
        keras_layer("c", "in", cls="Conv2D", filters=2, kernel_size=[3, 3], strides=[1, 1], padding="same"),
        keras_layer("n", "c", cls="BatchNormalization", axis=[3], epsilon=1e-3),
        keras_layer("p", "n", cls="MaxPooling2D", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        keras_layer("z", "p", cls="ZeroPadding2D", padding=[[1, 1], [1, 1]]),
        keras_layer("u", "z", cls="UpSampling2D", size=[2, 2]),
        keras_layer("j", "u", "u", cls="Concatenate", axis=-1),
        keras_layer("r", "j", cls="Reshape", target_shape=[8, -1]),
        keras_layer("s", "r", cls="Softmax", axis=-1),
        keras_layer("t", "s", cls="TimeDistributed", layer=keras_layer("i", cls="Dense", units=2)),
    )


def in_keras(document: Any) -> bytes:
    text = json.dumps(document).encode()
    metadata = ("metadata.json", b'{"keras_version":"3.0"}')
    return zipped(metadata, ("config.json", text), ("model.weights.h5", hdf5(1, 1)))


@pytest.mark.cases("all")
@pytest.mark.parametrize("value", [1e999, float("nan"), {}, 10**400])
def test_an_axis_that_is_none(told, value):
    assert '"Concatenate"' in told(
        in_keras(changed(model(), ("config", "layers", 6, "config", "axis"), value))
    )


def test_an_image_of_no_pixels_has_no_share_that_is_seen(told):
    path = ("config", "layers", 0, "config", "batch_shape")
    assert '"MaxPooling2D"' in told(in_keras(changed(model(), path, [None, 0, 0, 3])))


# All of them


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "write"),
    [
        *((program(operator), exported) for operator in CALLS),
        (weights(), lambda config: exported(program("conv2d"), config)),
        (header(), in_safetensors),
        (model(), in_keras),
    ],
)
def test_any_value_in_any_place_is_read_or_refused(told, document, write):
    for path in places(document):
        for value in ODD:
            assert told(write(changed(document, path, value))).isprintable()
