"""Graphs that are put together here: TensorFlow's nodes, constants and functions, and Darknet's sections."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import MalformedFileError, UnsupportedFileError
from tests.reading.operators.asking import part
from tests.telling import layers_of, told

KERNEL = np.arange(1 * 2 * 3 * 2, dtype=np.float32).reshape(1, 2, 3, 2)


def attribute(name: str, value: bytes) -> bytes:
    return part(5, part(1, name) + part(2, value))


def node(name: str, operator: str, *inputs: str, **attributes: bytes) -> bytes:
    given = b"".join(part(3, one) for one in inputs)
    return part(1, name) + part(2, operator) + given + b"".join(attribute(*one) for one in attributes.items())


def constant(name: str, shape: tuple[int, ...], code: int, data: bytes) -> bytes:
    dims = b"".join(part(2, part(1, n)) for n in shape)
    return node(name, "Const", value=part(8, part(1, code) + part(2, dims) + data))


def kernel(name: str = "c/kernel") -> bytes:
    return constant(name, KERNEL.shape, 1, part(4, KERNEL.tobytes()))


PLACE = node("x", "Placeholder", shape=part(7, b"".join(part(2, part(1, n)) for n in (1, 5, 6, 3))))
VALID = {"padding": part(2, "VALID")}
CONV = node("c", "Conv2D", "x", "c/kernel", **VALID)


def graph(tmp_path: Path, *nodes: bytes, library: bytes = b"") -> filtviz.Network:
    path = tmp_path / "m.pb"
    path.write_bytes(b"".join(part(1, one) for one in nodes) + (part(2, library) if library else b""))
    return filtviz.load(path)


def lines(network: filtviz.Network) -> list[str]:
    """The layers' heads, without what they do."""
    return [line for line in layers_of(network).splitlines() if not line.startswith(" ")]


def test_nodes_are_sorted_as_they_run_and_keep_their_order_otherwise(tmp_path):
    relu = node("r", "Relu", "c")
    for order in ([PLACE, kernel(), CONV, relu], [relu, CONV, kernel(), PLACE]):
        network = graph(tmp_path, *order)
        assert lines(network) == [
            "0 x (Placeholder) -> (1, 3, 5, 6)",
            "1 c (Conv2D) <- 0 -> (1, 2, 5, 5)",
            "2 r (Relu) <- 1 -> (1, 2, 5, 5)",
        ]
        assert np.array_equal(network.conv_layers[0].W, KERNEL)


def test_what_only_passes_on_is_no_layer_and_what_only_orders_no_input(tmp_path):
    passing = [
        node("k", "Identity", "c/kernel"), node("k2", "ReadVariableOp", "k"),
        node("y", "Identity", "x", "^k"), node("go", "NoOp", "^y"), node("cast", "Cast", "y"),
    ]  # fmt: skip
    conv = node("c", "Conv2D", "y:0", "k2", "^go", **VALID)
    network = graph(tmp_path, PLACE, kernel(), *passing, conv)
    assert [(layer.type, layer.inputs) for layer in network.layers] == [
        ("Placeholder", ()), ("Cast", (0,)), ("Conv2D", (0,)),
    ]  # fmt: skip
    assert network.conv_layers[0].name == "c"


@pytest.mark.cases("all")
@pytest.mark.parametrize("ending", ["", "/read", "/ReadVariableOp", "/resource"])
@pytest.mark.parametrize("word", ["kernel", "weights", "depthwise_weights", "depthwise_kernel", "w"])
def test_layers_are_called_as_their_weights_without_the_ending(tmp_path, ending, word):
    name = f"block/c/{word}{ending}"
    network = graph(tmp_path, PLACE, kernel(name), node("n", "Conv2D", "x", name, **VALID))
    assert network.conv_layers[0].name == ("block/c" if word != "w" else "block/c/w")


NUMBERS = {
    1: (5, "<f4"), 2: (6, None), 3: (7, "<i4"), 4: (7, "u1"), 5: (7, "<i2"), 6: (7, "i1"), 9: (10, "<i8"),
    17: (7, "<u2"),
}  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize("code", [one for one in NUMBERS if one != 2])
@pytest.mark.parametrize("given", [(5,), (1, 2), (1, 2, 3, 4, 5, 6)])
def test_the_last_number_of_a_constant_stands_for_those_that_follow(tmp_path, code, given):
    field, dtype = NUMBERS[code]
    data = b"".join(part(field, float(one) if code == 1 else one) for one in given)
    weights = constant("c/kernel", (1, 1, 3, 2), code, data)
    found = graph(tmp_path, PLACE, weights, CONV).conv_layers[0].W
    assert found.dtype == np.dtype(dtype)
    assert found.ravel().tolist() == [*given, *[given[-1]] * (6 - len(given))]


def test_halves_stand_as_their_bits(tmp_path):
    bits = np.array([1.5, -2], np.float16).view(np.uint16)
    weights = constant("c/kernel", (1, 1, 3, 1), 19, b"".join(part(13, int(one)) for one in bits))
    found = graph(tmp_path, PLACE, weights, CONV).conv_layers[0].W
    assert (found.dtype, found.ravel().tolist()) == (np.float16, [1.5, -2, -2])


def test_a_constant_without_numbers_is_zero_and_text_is_none(tmp_path):
    assert not graph(tmp_path, PLACE, constant("c/kernel", (1, 1, 3, 1), 1, b""), CONV).conv_layers[0].W.any()
    for code, data in ((7, part(8, "text")), (8, b"")):
        weights = constant("c/kernel", (1, 1, 3, 1), code, data)
        with pytest.raises(UnsupportedFileError, match="a TensorFlow graph without weights; freeze it"):
            graph(tmp_path, PLACE, weights, CONV)


def test_a_constant_of_no_shape_is_refused(tmp_path):
    with pytest.raises(MalformedFileError, match="a constant of it has a shape that is none"):
        graph(tmp_path, PLACE, constant("c/kernel", (1, 1, 3, -2), 1, b""), CONV)


def function(name: str, nodes: list[bytes], arguments: list[str], results: dict[str, str]) -> bytes:
    signature = part(1, name) + b"".join(part(2, part(1, one)) for one in arguments)
    ends = b"".join(part(4, part(1, key) + part(2, value)) for key, value in results.items())
    return part(1, part(1, signature) + b"".join(part(3, one) for one in nodes) + ends)


def call(name: str, called: str, *inputs: str, operator: str = "PartitionedCall") -> bytes:
    return node(name, operator, *inputs, f=part(10, part(1, called)))


@pytest.mark.parametrize("operator", ["PartitionedCall", "StatefulPartitionedCall"])
def test_a_function_stands_where_it_is_called_with_names_of_its_own(tmp_path, operator):
    inner = [node("r", "Relu", "conv:output:0"), node("conv", "Conv2D", "image", "weights", **VALID)]
    library = function("f", inner, ["image", "weights"], {"out": "r:activations:0"})
    calls = call("first", "f", "x", "c/kernel", operator=operator)
    network = graph(tmp_path, PLACE, kernel(), calls, node("t", "Tanh", "first"), library=library)
    assert [(layer.name, layer.inputs) for layer in network.layers] == [
        ("x", ()), ("c", (0,)), ("first/r", (1,)), ("t", (2,)),
    ]  # fmt: skip


def test_functions_that_call_themselves_are_refused(tmp_path):
    library = function("f", [call("again", "f", "a")], ["a"], {})
    with pytest.raises(MalformedFileError, match="call each other more than 16 deep"):
        graph(tmp_path, PLACE, kernel(), CONV, call("first", "f", "x"), library=library)


def test_a_function_that_is_not_there_is_an_operator_that_is_not_followed(tmp_path):
    network = graph(tmp_path, PLACE, kernel(), CONV, call("first", "f", "c"))
    assert told(*network.layers[-1].operations) == (
        "Untold reason=filtviz does not follow the operator PartitionedCall"
    )


# Darknet


def darknet(tmp_path: Path, text: str, *, numbers: int = 4000, version: tuple[int, int] = (0, 2)) -> Any:
    seen = struct.pack("<q" if version >= (0, 2) else "<i", 0)
    weights = np.arange(numbers, dtype="<f4").tobytes()
    (tmp_path / "net.weights").write_bytes(struct.pack("<iii", *version, 5) + seen + weights)
    (tmp_path / "net.cfg").write_text(f"[net]\nwidth=8\nheight=6\nchannels=3\n{text}")
    return filtviz.load(tmp_path / "net.weights")


OPEN = "does not tell how many numbers a dense layer is given"
C1 = "[convolutional]\nfilters=4\nsize=1\nactivation=linear\n"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("section", "inputs", "expected", "shape"),
    [
        ("[maxpool]\nsize=2\nstride=2", (1,),
         "Pooling kind=max size=(2, 2) stride=(2, 2) pad=((0, 1), (0, 1))", (4, 3, 4)),
        ("[maxpool]\nsize=3\nstride=1\npadding=2", (1,),
         "Pooling kind=max size=(3, 3) stride=(1, 1) pad=((1, 1), (1, 1))", (4, 6, 8)),
        ("[maxpool]", (1,), "Pooling kind=max size=(1, 1) stride=(1, 1) pad=((0, 0), (0, 0))", (4, 6, 8)),
        ("[avgpool]", (1,), "GlobalPooling kind=mean; Reshape lengths=((0,), (1,), 1, 1)", (4, 1, 1)),
        ("[shortcut]\nfrom=-1", (1, 1), "Merge kind=add", (4, 6, 8)),
        ("[shortcut]\nfrom=0\nactivation=leaky", (1, 1),
         "Merge kind=add; Activation kind=leaky_rectify name=leaky alpha=0.1", (4, 6, 8)),
        ("[route]\nlayers=0", (1,), "Identity what=route", (4, 6, 8)),
        ("[route]\nlayers=-1,-1", (1, 1), "Concatenate", (8, 6, 8)),
        ("[route]\nlayers=-1\ngroups=2\ngroup_id=1", (1,),
         "Identity what=route; Slice axis=1 start=2 stop=4", (2, 6, 8)),
        ("[upsample]\nstride=3", (1,), "Upscale scale=(3, 3)", (4, 18, 24)),
        ("[upsample]", (1,), "Upscale scale=(2, 2)", (4, 12, 16)),
        ("[dropout]", (1,), "Identity what=dropout", (4, 6, 8)),
        ("[softmax]", (1,), "Softmax", (4, 6, 8)),
        ("[yolo]", (1,), "Untold reason=filtviz does not follow [yolo]", None),
    ],
)  # fmt: skip
def test_sections_of_darknet_do_what_they_say(tmp_path, section, inputs, expected, shape):
    network = darknet(tmp_path, f"{C1}{section}\n{C1}")
    tested = network.layers[2]
    assert tested.inputs == inputs
    assert told(*tested.operations) == expected
    assert tested.output_shape == (None if shape is None else (None, *shape))
    assert network.conv_layers[1].n_channels == (4 if shape is None else shape[0])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", "rectify name=relu"), ("leaky", "leaky_rectify name=leaky alpha=0.1"),
        ("logistic", "sigmoid name=logistic"), ("tanh", "tanh name=tanh"), ("elu", "elu name=elu"),
        ("swish", "swish name=swish"), ("gelu", "gelu_tanh name=gelu"), ("mish", "untold name=mish"),
        ("selu", "selu name=selu alpha=1.6732 scale=1.0507"), ("relu6", "clipped_rectify name=relu6 alpha=6"),
    ],
)  # fmt: skip
def test_darknets_functions(tmp_path, name, expected):
    network = darknet(tmp_path, C1.replace("linear", name))
    assert told(*network.layers[1].operations[1:]) == f"Activation kind={expected}"
    assert told(*darknet(tmp_path, C1.replace("activation=linear\n", "")).layers[1].operations[1:]) == (
        "Activation kind=sigmoid name=logistic"
    )


def test_a_dense_layer_of_darknets_has_its_biases_first(tmp_path):
    network = darknet(tmp_path, "[connected]\noutput=2\nactivation=linear\n")
    flat, dense = network.layers[1].operations
    assert told(flat) == "Flatten"
    assert (dense.units, dense.axes, dense.weights.shape) == (2, "oi", (2, 144))
    assert dense.bias.value.tolist() == [0, 1]
    assert dense.weights.value[1].tolist() == list(range(146, 290))
    assert network.layers[1].name == "0.connected"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[yolo]\n[connected]\noutput=2\n", "does not tell how many numbers a dense layer is given"),
        (
            "[connected]\noutput=2\nbatch_normalize=1\n",
            "does not tell how many numbers a dense layer is given",
        ),
        ("[connected]\noutput=0\n", "says of a layer what cannot be"),
        (f"{C1}[route]\nlayers=1\n", "leads from a layer to one that is not there"),
        (f"{C1}[route]\nlayers=-2\n", "leads from a layer to one that is not there"),
        (f"{C1}[shortcut]\n", "leads from a layer to one that is not there"),
        (C1.replace("filters=4", "filters=2000000"), "says filters=2000000, which no layer has"),
        (C1.replace("filters=4", "filters=1000000"), "the weights end before those of the layer '0.conv"),
    ],
)
def test_a_configuration_of_darknets_that_cannot_be(tmp_path, text, says):
    with pytest.raises(MalformedFileError, match=says):
        darknet(tmp_path, text)


def test_older_weights_of_darknets_have_a_shorter_head_and_numbers_that_are_none_are_as_usual(tmp_path):
    for version in ((0, 1), (0, 2)):
        network = darknet(tmp_path, C1.replace("size=1", "size=one"), version=version)
        assert network.layers[1].parameters[1].value.tolist() == [0, 1, 2, 3]
    assert network.origin.notes == ("15,936 bytes behind the last layer are not told by the configuration",)
    assert darknet(tmp_path, C1, numbers=16).origin.notes == ()


def test_a_transposed_convolution_and_strides_by_axis(tmp_path):
    text = "[deconvolutional]\nfilters=4\nsize=3\nstride=2\npadding=1\nactivation=linear\n"
    found = darknet(tmp_path, text).conv_layers[0].convolution
    assert (found.transposed, found.axes, found.weights.shape) == (True, "iorc", (3, 4, 3, 3))
    assert (found.stride, found.pad) == ((2, 2), ((1, 1), (1, 1)))
    text = C1.replace("size=1", "size=3\nstride=1\nstride_x=2\nstride_y=3\ndilation=2\npad=1")
    found = darknet(tmp_path, text).conv_layers[0].convolution
    assert (found.stride, found.pad, found.dilation) == ((3, 2), ((1, 1), (1, 1)), (2, 2))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "stride=(1, 1) pad=((0, 0), (0, 0)) groups=1"),
        ("pad=1", "stride=(1, 1) pad=((1, 1), (1, 1)) groups=1"),
        ("pad=0\npadding=2", "stride=(1, 1) pad=((2, 2), (2, 2)) groups=1"),
        ("pad=1\npadding=2", "stride=(1, 1) pad=((1, 1), (1, 1)) groups=1"),
        ("stride=2", "stride=(2, 2) pad=((0, 0), (0, 0)) groups=1"),
        ("stride=2\nstride_x=3", "stride=(2, 3) pad=((0, 0), (0, 0)) groups=1"),
        ("stride=2\nstride_y=3", "stride=(3, 2) pad=((0, 0), (0, 0)) groups=1"),
        ("dilation=2", "stride=(1, 1) pad=((0, 0), (0, 0)) dilation=(2, 2) groups=1"),
        ("groups=3", "stride=(1, 1) pad=((0, 0), (0, 0)) groups=3"),
    ],
)
def test_a_convolution_of_darknets_has_the_geometry_of_its_options(tmp_path, options, expected):
    section = f"[convolutional]\nfilters=6\nsize=3\nactivation=linear\n{options}\n"
    network = darknet(tmp_path, section)
    said = told(network.conv_layers[0].convolution)
    assert f"stride{said.partition(' stride')[2]}" == expected
