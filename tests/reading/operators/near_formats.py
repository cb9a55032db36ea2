"""Small files and parts of other formats in which one word, number or place is nearly another's."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.reading.formats import (
    caffe,
    caffe2,
    chainer,
    exported,
    madmom,
    mxnet,
    named,
    nolearn,
    paddle,
    paddle_program,
    safetensors,
    sknn,
    tflib,
    torchscript,
    trees,
)
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.msgpack import Extension
from tests.reading.making import Thing, conv, dumps, image
from tests.reading.operators.asking import Told, array, message, numbers, part
from tests.reading.operators.caffe import _caffe
from tests.reading.operators.exported_parts import _call, _read
from tests.reading.operators.held_formats import Case, _tensor, files_of
from tests.reading.operators.near_files import _held
from tests.reading.operators.small_parts import _network, _text, line_of, together
from tests.reading.operators.whole_parts import array_of, zipped
from tests.reading.operators.whole_trees import _npz
from tests.reading.operators.wholes import opened
from tests.reading.torch_making import tensor, zip_of
from tests.telling import told

__all__ = ["near_formats"]


# Caffe


def _layers_of_caffe() -> Told:
    kernel = array(4, 1, 3, 3)
    for kind in (
        "ConvolutionDepthwise", "DeconvolutionDepthwise", "CuDNNDeconvolution", "deconv", "Convolve",
        "MyConv2", "Con", "Unpool",
    ):  # fmt: skip
        yield _caffe(kind, kernel, inside="convolution", f3=1)
    yield _caffe("Convolution", kernel, array(4), array(4), inside="convolution", f3=1)
    yield _caffe("Pooling", inside="pooling", f1=3, f2=2)
    yield _caffe("Concat", inside="concat", f1=2, f2=3)
    yield _caffe("ReLU", inside="relu", f1=-0.25)
    for epsilon in (0.0, 0.5):
        statistics = (array(4), array(4), numbers(2, dtype="float32"))
        yield _caffe("BatchNorm", *statistics, inside="batch_norm", f3=epsilon)
    for n in (-3, 0, 1, 4):
        form = message(part(13, n % (1 << 64)) + part(14, 0.5))
        yield f"LRN of the first form over {n}", told(*caffe._operations("LRN", form, caffe._FORM, [], []))


def _files_of_caffe() -> Iterator[Case]:
    numbers = part(5, array_of(18).tobytes())
    new, old = part(1, "c") + part(2, "Convolution") + part(4, "c"), part(2, "data") + part(3, "c")
    below = (1 << 64) - 2
    new += part(106, b"")
    image_ = part(3, "data") + b"".join(part(8, part(1, n)) for n in (below, 3))
    whole = part(8, b"".join(part(1, n) for n in (below, 3, 0, 9)))
    lengths = part(1, 2) + part(3, 3) + part(4, 3)
    form = part(2, "conv") + part(50, lengths + numbers)
    for words, net in {
        "an image of odd lengths": part(3, "data") + whole + part(100, new + part(7, lengths + numbers)),
        "an image of odd sizes": image_ + part(100, new + part(7, lengths + numbers)),
        "layer of two results": part(3, "data")
        + part(100, new + part(4, "d") + part(7, lengths + numbers))
        + b"".join(
            part(100, part(1, f"r{one}") + part(2, "ReLU") + part(3, one) + part(4, one)) for one in "dc"
        ),
        "image twice": (part(3, "data") + part(8, part(1, 1) + part(1, 3))) * 2
        + part(100, part(1, "c") + part(2, "ReLU") + part(3, "data") + part(4, "c"))
        + part(100, new + part(7, lengths + numbers)),
        "a layer of the first form without a name": part(2, old + part(1, form)),
    }.items():
        yield f"Caffe's {words}", caffe.open, {"net.caffemodel": net}, Limits()


# Caffe2, Chainer, nolearn


def _pickled() -> Iterator[Case]:
    w, b = array_of(2, 3, 3, 3), array_of(2)
    beside = {"blobs": {"c_w": w}, "old": {"blobs": {"c_w_momentum": 2 * w}}}
    yield "Caffe2's blobs beside others", caffe2.open, {"n.pkl": dumps(beside)}, Limits()
    deep: Any = w
    for _ in range(70):
        deep = {"x": deep}
    tree = {"params": {"c": {"kernel": w}}, "opt_state": {"c": {"kernel": 2 * w}}, "deep": deep}
    yield "trees of a deep one beside moments", trees.open, {"n.pkl": dumps(tree)}, Limits()
    trees_ = [{"c": {"kernel": w}}, {"d": {"kernel": 2 * w}}]
    for words, several in (
        ("two", trees_),
        ("one", trees_[:1]),
        ("names", dict(zip("12", trees_, strict=True))),
        ("kernels in averages alone", {"ema": {"c": {"kernel": w}}, "c": {"bias": b}}),
    ):
        yield f"trees of {words}", trees.open, {"n.pkl": dumps(several)}, Limits()
    for name in ("a/Wb", "a/convW", "a/bb"):
        yield f"Chainer's {name}", chainer.open, {"n.npz": _npz({name: w})}, Limits()
    for n in (40, 280):
        page = b" " * n + b'<?xml version="1.0"?>\n<net name="a">'
        yield f"numbers beside {n} blanks", named.open, {"a.bin": b"\x01odd", "a.xml": page}, Limits()
    net = Thing(
        "nolearn.lasagne.NeuralNet", layers_=[conv(image(3, 8, 8), w)], layers=[("", 1), ("first", 2)]
    )
    yield "nolearn's with an empty name", nolearn.open, {"n.pkl": dumps(net)}, Limits()
    one = Thing("madmom.ml.nn.layers.FeedForwardLayer", weights=array_of(3, 4), bias=array_of(4))
    for numbers_ in ({}, {"alpha": 1.0}, {"alpha": "1"}):
        relu = Thing("madmom.ml.nn.activations.tanh", **numbers_, other=[3])
        for function in (relu, Thing("madmom.ml.nn.activations.tanh", **numbers_)):
            layer = Thing("madmom.ml.nn.layers.ActivationLayer", activation_fn=function)
            made_ = Thing("madmom.ml.nn.NeuralNetwork", layers=[layer])
            yield f"an activation with {list(function.state)}", madmom.open, {"n.pkl": dumps(made_)}, Limits()
    for module in ("mine.madmom.ml", "madmom", "madmom.own.ml"):
        own = Thing(f"{module}.NeuralNetwork", layers=[one])
        yield f"a network of {module}", madmom.open, {"n.pkl": dumps(own)}, Limits()
    spec = Thing("sknn.mlp.Convolution", type="Softplus", name="c")
    model = Thing("sknn.mlp.Regressor", layers=[spec], weights=[(w, b)])
    yield "sknn's type Softplus", sknn.open, {"n.pkl": dumps(model)}, Limits()
    made = [
        Thing(f"tfutil.{cls}", name=name, variables=[("c/weight", array_of(3, 3, n, 2))])
        for n, (cls, name) in enumerate((("Network", "G"), ("Network", "Gs2"), ("MyNetwork", "D")), start=1)
    ]
    yield "tflib's of nearly the names", tflib.open, {"n.pkl": dumps(made)}, Limits()
    for words, module, code in (
        ("a transposed one of a line", "__torch__.torch.nn.modules.conv.ConvTranspose1d", "code/"),
        ("a transposed one of a volume", "__torch__.torch.nn.modules.conv.ConvTranspose3d", "code/"),
        ("one of its own", "__torch__.mine.nn.ConvTranspose2d", "code/"),
        ("one of nearly PyTorch's", "__torch__.mytorch.nn.ConvTranspose2d", "code/"),
        ("nearly a module", "__torch__x.torch.nn.ConvTranspose2d", "code/"),
        ("no code", "__torch__.torch.nn.modules.conv.Conv2d", "my_code/"),
    ):
        shape = (2, 1, *(3,) * int(module[-2]))
        kernel = tensor(array_of(*shape))
        root = Thing("__torch__.Net", c=Thing(module, weight=kernel))
        more = {f"archive/{code}__torch__.py": b"", "archive/constants.pkl": dumps(())}
        yield f"TorchScript of {words}", torchscript.open, {"n.pt": zip_of(root, more=more)}, Limits()


# Darknet


def _darknet() -> Told:
    start = _text("convolutional", {"filters": "4", "activation": "linear"}, "[net]\nchannels=2\nwidth=9\n")
    for kind, entries in (
        ("maxpool", {"size": "2", "stride": "2"}), ("maxpool", {"size": "2", "stride": "1"}), ("maxpool", {}),
        ("maxpool", {"stride": "4"}), ("route", {"layers": "0,0"}), ("route", {"layers": "1" * 5000}),
        ("convolutional", {"activation": "relu=x"}),
        ("connected", {"output": "2"}),
    ):  # fmt: skip
        words = " ".join(f"{key}={value[:9]}" for key, value in entries.items())
        yield f"{kind} {words}", _network(_text(kind, entries, start))
    for text in ("[net\nchannels=2\n[dropout\n", "[net]\nwidth=4\nwidth=5\n[dropout]"):
        yield f"lines {text!r}", _network(text)


# Programs of PyTorch's


def _exported() -> Told:
    for word, facts in (
        ("max_pool2d", {"kernel_size": [2, 3], "dilation": [1, 2]}),
        ("softplus", {"beta": 0.5}), ("softplus", {"beta": 1}), ("hardtanh", {"min_val": 0.0}),
        ("conv2d", {"padding": "same", "dilation": [2, 1]}),
    ):  # fmt: skip
        held: Any = {"weight": array(4, 2, 4, 3)} if word == "conv2d" else {}
        node = exported._Node(operator=word, arguments=facts, parameters=held, shapes=[])
        yield f"{word} {facts}", told(*exported._BY_OPERATOR[word](node) or ()) or "nothing"
    size = {"as_sym_int": {"as_name": "s0"}}
    view = _call("torch.ops.aten.view.default", "y", self="x", size={"as_sym_ints": [{"as_name": "s0"}]})
    for dim in ({}, {"dim": {"as_none": True}}, {"dim": {"as_bool": False}}, {"dim": {"as_int": 0}}):
        nodes = [_call("torch.ops.aten.sym_size.int", size, self="x", **dim), view]
        yield f"the length along {dim}", _read(nodes)


def _versions() -> Iterator[Case]:
    specs = [{"user_input": {"arg": {"as_tensor": {"name": "x"}}}}]
    graph = {"tensor_values": {}, "nodes": [_call("torch.ops.aten.relu.default", "y", self="x")]}
    module = {"graph": graph, "signature": {"input_specs": specs}}
    for said in ("<=2.4", "<=2.5", "2.13.0"):
        model = json.dumps({"graph_module": module, "torch_version": said}).encode()
        held = {"models/model.json": model, "data/weights/model_weights_config.json": b"{}"}
        yield f"a program of torch {said}", exported.open, {"n.pt2": zipped(held)}, Limits()


# MXNet's, Paddle's, safetensors


def _mxnet() -> Iterator[Case]:
    for kind in (0, -1, 1):
        head = struct.pack("<QQQIiI4q", 0x112, 0, 1, 0xF993FAC9, kind, 4, 2, 1, 3, 3)
        data = head + struct.pack("<iii", 1, 0, 0) + bytes(72) + struct.pack("<Q", 0)
        yield f"MXNet's arrays of kind {kind}", mxnet.open, {"n.params": data}, Limits()
    data = struct.pack("<QQQ", 0x112, 0, 2)
    for shape in ((4, 8, 3, 3), (8, 3, 3, 3)):
        size = 4 * int(np.prod(shape))
        data += struct.pack("<IiI4qiii", 0xF993FAC9, 0, 4, *shape, 1, 0, 0) + bytes(size)
    data += struct.pack("<Q", 2) + b"".join(
        struct.pack("<Q", 8) + name for name in (b"a_weight", b"z_weight")
    )
    yield "MXNet's of which the second sees colours", mxnet.open, {"n.params": data}, Limits()
    yield "MXNet's no arrays", mxnet.open, {"n.params": struct.pack("<QQQ", 0x112, 0, 0)}, Limits()


def _of_paddle() -> Iterator[Case]:
    """Twelve layers, whose names are sorted as texts: the tenth lies before the second."""
    lengths = {f"conv2d_{n}.w_0": (n + 1, 1, 1, 1) for n in range(12)}
    data = b"".join(_tensor(*lengths[name]) for name in sorted(lengths))
    kept = b"".join(part(3, part(1, name) + part(3, 1)) for name in lengths)
    yield "Paddle's twelve", paddle.open, {"n.pdiparams": data, "n.pdmodel": part(1, kept)}, Limits()
    for name, *more in (("conv3d_transpose_0", 3, 3, 3), ("conv1d_transpose_0", 3), ("linear_transpose_0",)):
        kept = part(1, part(3, part(1, f"{name}.w_0") + part(3, 1)))
        files = {"n.pdiparams": _tensor(2, 1, *more), "n.pdmodel": kept}
        yield f"Paddle's {name}", paddle.open, files, Limits()
        files["n.json"] = json.dumps({"program": {"regions": [{"blocks": [{"ops": []}]}]}}).encode()
        yield f"Paddle's {name} beside two programs", paddle.open, files, Limits()
    for kind in ("conv2d", "conv2d_transpose", "depthwise_conv2d", "conv3d", "relu"):
        value = {"%": 0, "TT": {"#": "0.t_dtensor", "D": [0, [1, 1, 8, 8]]}}
        strides = {"N": "strides", "AT": {"D": [{"D": 2}, {"D": 1}]}}
        ops = [
            {"#": "p", "A": [0, 0, 0, "conv2d_0.w_0"], "O": value},
            {"#": f"1.{kind}", "A": [strides], "I": [value], "O": [value]},
        ]
        program = json.dumps({"program": {"regions": [{"blocks": [{"ops": ops}]}]}}).encode()
        files = {"n.pdiparams": _tensor(2, 1, 3, 3), "n.json": program}
        yield f"Paddle's tensors beside {kind}", paddle.open, files, Hints(axes={"": "oihw"})


def _paddle() -> Told:
    reader = paddle_program._Reader(held={}, opened=opened(b""), facts=lambda _: {})
    rows = []
    for axis in (-5, -4, -1, 0, 4, 5):
        reader.numbers[1] = [axis]
        rows.append((str(axis), told(*reader._plain("concat", {}, [0, 1], {}))))
    yield from together(rows, "joined along")
    for kind in ("1.relu", "custom.my.relu", "relu", "1.relu.x"):
        reader = paddle_program._Reader(held={}, opened=opened(b""), facts=lambda _: {})
        reader.operation({"#": kind, "A": [], "I": [], "O": [{"%": 3, "TT": {"#": "0.t_vec"}}]})
        yield f"the operation {kind}", " ".join(map(line_of, reader.layers))
    reader = paddle_program._Reader(held={}, opened=opened(b""), facts=lambda _: {})
    reader.lists[9] = [1, 2]
    value = {"TT": {"#": "0.t_vec"}}
    for number, (kind, given, gives) in enumerate(
        (("split", [], [1, 2]), ("relu", [2], [3]), ("tanh", [1], [4]), ("add", [3, 9, 4], [5]))
    ):
        outputs = [{"%": one, **value} for one in gives]
        reader.operation({"#": kind, "A": [], "I": [{"%": one} for one in given], "O": outputs})
        yield f"the operation {number}", line_of(reader.layers[-1])
    for shape in ((4, 3, 3), (4, 3, 3, 3), (4, 3, 3, 3, 3)):
        found = paddle_program.layers_of_program([], {"c.w_0": array(*shape)}, opened(b""), lambda _: {})
        yield f"a program that leaves out a kernel of {shape}", str(found)


def _safetensors() -> Iterator[Case]:
    index = json.dumps({"weight_map": {"a": "x.safetensors"}}).encode()
    for data in (b"x" * 20, b"\x02" + bytes(7) + b"{}", b"\x02" + bytes(7) + b"[]"):
        files = {"n.safetensors.index.json": index, "x.safetensors": data}
        yield f"an index of what begins with {data[:9]!r}", safetensors.open, files, Limits()
    kernel = (3, 3, 4, 4)
    for names, said in (
        ({"a.weight": (4, 4, 3, 3), "b.weight": (0, 4)}, "pt"), ({"a/kernel": kernel, "b": (4,)}, "tf"),
        ({"a/kernel": kernel, "b/bias": (4,)}, "tf"), ({"a.kernel": kernel, "b.bias": (4,)}, "tf"),
        ({"a/kernel": kernel, "b.bias": (4,)}, "flax"),
        ({"params.a.weight": kernel, "b.weight": kernel}, "mlx"),
        ({"batch_stats.c.mean": (4,), "a.weight": kernel}, "mlx"), ({"params.a.weight": kernel}, "pt"),
    ):  # fmt: skip
        words = f"safetensors of {said}: {' '.join(names)}"
        yield words, safetensors.open, {"n.safetensors": _held(names, {"format": said})}, Limits()


def _messages() -> Told:
    """Arrays of MessagePack: a shape, a type and bytes, and what has more or fewer parts."""
    parts = (b"\x91\x02", b"\xa7float32", b"\xc4\x08" + array_of(2).tobytes(), b"\x01")
    for n in (2, 3, 4):
        data = bytes([0x90 + n]) + b"".join(parts[:n])
        found = trees._array(Extension(kind=1, data=memoryview(data)), opened(b""))
        yield f"an array of {n} parts", str(found and found.read().tolist())


def near_formats() -> Told:
    """All of it."""
    yield from _messages()
    yield from _layers_of_caffe()
    yield from _darknet()
    yield from _exported()
    yield from _paddle()
    made = (_files_of_caffe, _pickled, _versions, _mxnet, _of_paddle, _safetensors)
    yield from files_of([case for make in made for case in make()])
