"""More whole small files, each with one fact of its own: Caffe's, Chainer's, trees, programs, others."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from filtviz.reading.formats import caffe, caffe2, chainer, exported, named, paddle, torchscript, trees
from tests.reading.making import Thing, dumps
from tests.reading.operators.asking import Told, part
from tests.reading.operators.whole_parts import Case, array_of, told_of, zipped
from tests.reading.operators.whole_trees import _npz, packed
from tests.reading.torch_making import tensor, zip_of

__all__ = ["whole_more"]


def _caffe() -> Iterator[Case]:
    blob = part(7, part(1, 2) + part(1, 1) + part(1, 3) + part(1, 3)) + part(5, array_of(18).tobytes())
    conv = part(1, "c") + part(2, "Convolution") + part(3, "data") + part(4, "c")
    for words, net in (
        ("blobs", part(100, conv + part(7, blob))), ("none", part(100, conv)), ("three", part(100,
        conv + part(7, blob) * 3)),
        ("an input", part(3, "data") + part(4, 1) + part(4, 0) + part(4, 8) + part(4, 9) + part(100,
        conv + part(7, blob))),
        ("two inputs", part(3, "data") + part(3, "b") + b"".join(part(4, n) for n in (1, 1, 8, 9, 2, 3, 4,
        5)) + part(100, conv + part(7, blob))),
        ("an input by shape", part(3, "data") + part(8, part(1, 1) + part(1, 7)) + part(4,
        1) * 4 + part(100, conv + part(7, blob))),
        ("an input of nothing", part(3, "data") + part(100, conv + part(7, blob))), ("an odd name",
        part(100, part(1, "a\nb") + part(2, "C") + part(4, "c"))),
        ("an odd type", part(100, part(1, "c") + part(2, "a-b") + part(4, "c") + part(7, blob))), ("no top",
        part(100, part(1, "c") + part(2, "Conv") + part(7, blob))),
        ("another field", part(77, 1) + part(100, conv + part(7, blob))), ("numbers of eight bytes",
        part(100, conv + part(7, part(7, part(1, 1)) + part(8, bytes(8))))),
        ("an unknown type of old", part(2, part(2, "data") + part(3, "c") + part(4, "c") + part(5,
        77) + part(6, blob))),
        ("slopes", part(100, part(1, "p") + part(2, "PReLU") + part(4, "p") + part(7, part(7, part(1,
        3)) + part(5,
        bytes(12))))), ("a slope of no axes", part(100, part(1, "p") + part(2, "PReLU") + part(4,
        "p") + part(7, part(7,
        b"") + part(5, bytes(4))))), ("slopes of two axes", part(100, part(1, "p") + part(2,
        "PReLU") + part(4, "p") + part(7,
        part(7, part(1, 3) + part(1, 1)) + part(5, bytes(12))))),
        ("an old one", part(2, part(2, "data") + part(3, "c") + part(4, "c") + part(5, 4) + part(6, blob))),
    ):  # fmt: skip
        yield f"Caffe with {words}", caffe.open, {"net.caffemodel": net}


# Programs of PyTorch's, and what is only named


def _exported() -> Iterator[Case]:
    meta = {
        "dtype": 7,
        "sizes": [{"as_int": 2}, {"as_int": 3}],
        "strides": [{"as_int": 3}, {"as_int": 1}],
        "storage_offset": {"as_int": 0},
    }
    spec = {"parameter": {"arg": {"name": "p"}, "parameter_name": "fc.weight"}}
    node = {
        "target": "torch.ops.aten.linear.default",
        "inputs": [{"name": "weight", "arg": {"as_tensor": {"name": "p"}}}],
        "outputs": [],
    }
    graph = {"tensor_values": {}, "nodes": [node]}
    for words, more in (
        ("as usual", {}), ("turned", {"strides": [{"as_int": 1}, {"as_int": 2}]}), ("with no offset",
        {"storage_offset": None}), ("behind", {"storage_offset": {"as_int": 1}}),
        ("far behind", {"storage_offset": {"as_int": 9}}), ("of an unknown type", {"dtype": 99}),
        ("of halves", {"dtype": 6}), ("with no strides", {"strides": None}), ("with an open size",
        {"sizes": [{"as_expr": 2}]}),
    ):  # fmt: skip
        for version in ("2.5", "<=2.4", 3):
            model = {
                "graph_module": {"graph": graph, "signature": {"input_specs": [spec]}},
                "torch_version": version,
            }
            config = {"config": {"fc.weight": {"path_name": "weight_0", "tensor_meta": {**meta, **more}}}}
            members = {"x/models/model.json": model, "x/data/weights/model_weights_config.json": config}
            held = {name: json.dumps(one).encode() for name, one in members.items()} | {
                "x/data/weights/weight_0": array_of(7).tobytes()
            }
            if version == "2.5" or not more:
                yield f"a program {words} of {version}", exported.open, {"net.pt2": zipped(held)}
    for entry in (
        {"use_pickle": True, "path_name": "weight_0", "tensor_meta": meta},
        {"use_pickle": 1, "path_name": "weight_0", "tensor_meta": meta},
        {"path_name": 3, "tensor_meta": meta},
        {"path_name": "gone", "tensor_meta": meta},
        3,
    ):
        model = {"graph_module": {"graph": graph, "signature": {"input_specs": [spec]}}}
        members = {
            "models/model.json": model,
            "data/weights/model_weights_config.json": {"config": {"fc.weight": entry}},
        }
        yield (
            f"a program with {str(entry)[:40]}",
            exported.open,
            {
                "net.pt2": zipped(
                    {name: json.dumps(one).encode() for name, one in members.items()} | {"y": b""}
                )
            },
        )


def _named() -> Iterator[Case]:
    for name in (
        "net.mnn",
        "net.PLAN",
        "net.data-00000-of-00001",
        "net.data-0000-of-00001",
        "x.meta",
        "x.meta.old",
        "x.prototxt",
        "x.solverstate",
        "x.binaryproto",
        "x.odd",
    ):
        yield f"named {name}", named.open, {name: b"\x01nothing that is known"}
    for name, beside in (
        ("a.bin", "a.xml"),
        ("a.bin", "a.param"),
        ("group1-shard1of2.bin", "model.json"),
        ("group1-shard1of2", "model.json"),
        ("a.bin", "b.xml"),
    ):
        for data in (
            b'<?xml version="1.0"?>\n<net name="a">',
            b"7767517\n",
            b'{"format": "layers-model"}',
            b"odd",
        ):
            yield f"{name} beside {beside} {data[:12]!r}", named.open, {name: b"\x01numbers", beside: data}
    for name, beside, member in (
        ("a.bin", "a.xml", "m.onnx"), ("a.bin", "a.param", "m.pt"), ("a.bin", "a.xml", "x.txt"), ("a.zip",
        "a.xml", "m.h5"),
        ("a.mnn", "a.xml", "m.onnx"), ("a.mnn", "b", "m.onnx"), ("a.meta", "b", "x.txt"),
    ):  # fmt: skip
        files = {name: zipped({member: b"x", "y": b"y"}), beside: b'<?xml version="1.0"?>\n<net name="a">'}
        yield f"a zip {name} of {member} beside {beside}", named.open, files
    for members in (
        ("a.onnx", "b.h5", "x.txt"),
        ("x.txt", "y"),
        ("deep/saved_model.pb", "y"),
        ("coefficients.bin", "z.pkl"),
        ("a.PKL", "x"),
        tuple(f"m{n}.pt" for n in range(6)),
    ):
        yield f"a zip of {members}", named.open, {"x.zip": zipped(dict.fromkeys(members, b"x"))}
    for data in (
        b"",
        b"\x80\x02cut",
        dumps(3) + b"\x80\x02cut",
        dumps([1]) + b"\x80\x02K",
        dumps({}) + b"X",
        b"hello",
        b"(lp0",
        bytes(400),
        b"PK\x03\x04cut"[:3],
    ):
        yield f"what begins with {data[:8]!r}", named.open, {"x": data}


# Pickles and trees


def _apart(value: Any) -> Any:
    """The same, each array an object of its own: one that comes again counts once."""
    if isinstance(value, dict):
        return {key: _apart(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_apart(part) for part in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def _caffe2() -> Iterator[Case]:
    w, b = array_of(2, 3, 3, 3), array_of(2)
    for words, held in {
        "in turn": {"c2_w": w, "c2_b": b, "c1_w": w, "c1_b": b, "c1_w_momentum": w}, "mixed": {"c2_w": w,
        "c1_w": w, "c10_w": w, "c2_b": b, "c1_b": b, "c1_bn_s": b},
        "alone": {"c10_w": w, "c9_w": w, "c9_bn_s": b}, "with a list": {"c_w": w, "c_bn_s": b, "d_w": [w]},
        "within": {"blobs": {"c_w": w, "c_b": b}, "d_w": w},
        "deeper": {"blobs": {"c_w": w, "c_b": b, "e": {"d_w": w}}, "x": 3},
        "blobs that are none": {"blobs": [w], "c_bn_s": b}, "numbers within": {"blobs": {5: w, "c_w": w,
        "d_w": w}}, "numbers": {5: w, "c_w": w, "c_bn_s": b},
        "not named so": {"blobs": {"a": w, "b": w, "c_w": w}}, "the last": {"fc_w": array_of(4, 2),
        "c1_bn_s": b, "c1_bn_riv": b, "c1_bn_rm": b},
    }.items():  # fmt: skip
        yield f"Caffe2's blobs {words}", caffe2.open, {"net.pkl": dumps(_apart(held))}
    yield "Caffe2's blobs twice", caffe2.open, {"net.pkl": dumps({"c_w": w, "c_bn_s": b}) * 2}


def _chainer() -> Iterator[Case]:
    w, b = array_of(2, 3, 3, 3), array_of(2)
    for words, held in {
        "a model": {"c/W": w, "c/b": b}, "a snapshot": {"updater/optimizer:main/c/W/m": w,
        "updater/model:main/c/W": w, "updater/model:main/c/b": b},
        "a norm": {"c/W": w, "n/gamma": b, "n/beta": b, "n/avg_mean": b, "n/avg_var": b, "n/N": array_of()},
        "Haiku's": {"c/w": w, "c/b": b}, "flows": {"c/W": w, "c/flow": b},
        "no paths": {"W": w, "c/b": b}, "a linear one": {"l/W": array_of(4, 18), "l/b": array_of(4),
        "c/W": w}, "depthwise": {"d/W": array_of(2, 3, 3, 3), "d/b": array_of(6)},
    }.items():  # fmt: skip
        yield f"Chainer's {words}", chainer.open, {"net.npz": _npz(held)}


def _list(*parts: Any) -> bytes:
    """A list of MessagePack's, of numbers, texts, bytes and lists."""
    found = bytes([0x90 | len(parts)])
    for one in parts:
        if isinstance(one, bytes):
            found += struct.pack(">BI", 0xC6, len(one)) + one
        else:
            found += _list(*one) if isinstance(one, list) else packed(one)
    return found


def _flax(shape: Any, code: Any, data: Any) -> bytes:
    """An array as Flax writes one."""
    body = _list(shape, code, data)
    return b"\xc8" + struct.pack(">HB", len(body), 1) + body


def _trees() -> Iterator[Case]:
    w, b = array_of(3, 3, 1, 2), array_of(2)
    whole = _flax([3, 3, 1, 2], "float32", w.tobytes())
    for words, body in {
        "an array": whole, "too short a shape": _flax([3, 3, 1], "float32", w.tobytes()),
        "no bytes": _flax([3, 3, 1, 2], "float32", [1]), "an unknown type": _flax([3, 3, 1, 2], "float33",
        w.tobytes()),
        "a type that is no text": _flax([3, 3, 1, 2], 5, w.tobytes()), "a shape that is none": _flax([3, -3,
        1, 2], "float32", w.tobytes()), "a narrow type": _flax([3, 3, 1, 2], "bfloat16", w.tobytes()[:36]),
        "two parts": b"\xc8" + struct.pack(">HB", 3, 1) + _list(1, 2),
        "no list": b"\xc8" + struct.pack(">HB", 1, 1) + packed(3), "too few bytes": _flax([3, 3, 1, 2],
        "float32", b"1234"),
    }.items():  # fmt: skip
        tree = (
            b"\x81"
            + packed("params")
            + b"\x81"
            + packed("conv")
            + b"\x82"
            + packed("kernel")
            + whole
            + packed("more")
            + body
        )
        yield f"a tree with {words}", trees.open, {"net.msgpack": tree}
    other = (
        b"\x81"
        + packed("conv")
        + b"\x81"
        + packed("kernel")
        + b"\xc8"
        + struct.pack(">HB", len(whole) - 4, 2)
        + whole[4:]
    )
    tree = b"\x81" + packed("params") + b"\x81" + packed("kernel") + whole
    for words, data in {
        "another extension": other,
        "one behind": tree + b"x",
        "cut short": tree[:-1],
        "cut short, of no parameters": tree.replace(b"params", b"parems")[:-1],
    }.items():
        yield f"MessagePack with {words}", trees.open, {"net.msgpack": data}
    kernels = {"b/kernel": w, "a/kernel": w}
    for words, held in {
        "in their order": kernels, "sorted": dict(sorted(kernels.items())),
        "PyTorch's": {"a/weight": array_of(2, 1, 3, 3), "a/bias": b}, "biases first": {"a/bias": b,
        "a/kernel": w},
        "Haiku's": {"net/~/conv2_d/w": w, "net/~/conv2_d/b": b}, "others called w": {"net/conv/w": w},
        "others beside Haiku's": {"net/conv/w": w, "linear/b": b},
        "moments": {"params/a/kernel": w, "opt_state/0/mu/params/a/kernel": w,
        "opt_state/0/nu/params/a/kernel": 0 * w},
        "moments alone": {"opt_state/0/mu/a/kernel": w}, "statistics": {"params/n/scale": b,
        "batch_stats/n/mean": b, "params/a/kernel": w}, "two ends": {"params/a/kernel": w,
        "params/ema/a/kernel": w},
    }.items():  # fmt: skip
        yield f"an npz of trees {words}", trees.open, {"net.npz": _npz(held)}
        yield f"a pickle of trees {words}", trees.open, {"net.pkl": dumps(_apart(held))}
    for words, roots in {
        "two": (kernels, {"c/kernel": w}), "the same": (kernels, kernels), "one and another": (kernels, [1]),
        "another and one": (3, kernels), "two of arrays": (w, b),
    }.items():  # fmt: skip
        yield (
            f"pickles behind one another, {words}",
            trees.open,
            {"net.pkl": b"".join(dumps(_apart(one)) for one in roots)},
        )
    state = {"c.weight": array_of(2, 1, 3, 3), "c.bias": b}
    for words, value in {
        "Paddle's": {**state, "StructuredToParameterName@@": {"c.weight": "conv2d_0.w_0"}},
        "under a key": {"model": state}, "pairs": {"c.weight": ("conv2d_0.w_0", state["c.weight"])},
        "plain": state,
        "pairs within": {"net": {"c.weight": ("conv2d_0.w_0", state["c.weight"])}},
        "of NNX": Thing("flax.nnx.State", _mapping={"c": {"kernel": Thing("flax.nnx.VariableState",
        raw_value=w)}}),
    }.items():  # fmt: skip
        yield f"a pickle of names {words}", trees.open, {"net.pkl": dumps(value)}


def _torchscript() -> Iterator[Case]:
    def module(cls: str, **facts: Any) -> Thing:
        return Thing(f"__torch__.{cls}", **facts)

    w, b = tensor(array_of(2, 1, 3, 3)), tensor(array_of(2))

    def packed_as(weight: Any, *others: Any) -> Thing:
        """A quantised convolution: its parts lie in a tuple."""
        made = Thing("__torch__.torch.classes.quantized.Conv2dPackedParamsBase")
        made.state = (3, 2, (3, 3), *others, weight, tensor(array_of(1)))  # type: ignore[assignment]
        return module("torch.ao.nn.quantized.modules.conv.Conv2d", _packed_params=made)

    kinds: dict[str, Any] = {
        "packed": module("Net", q=packed_as(w, (2, 1), (1, 0), (1, 2), False, (0, 0), 1)),
        "packed, turned": module("Net", q=packed_as(w, (2, 1), (1, 0), (1, 1), True, (0, 0), 0)),
        "packed, odd": module("Net", q=packed_as(w, (2, 1, 1), (1, 0), (1, 1), False, (0, 0), 2)),
        "packed, of less": module("Net", q=packed_as(w, (2, 1))), "packed, no weight": module("Net",
        q=packed_as(b)),
        "a convolution": module("Net", conv=module("torch.nn.modules.conv.Conv2d", weight=w, bias=b)),
        "a transposed one": module("Net", up=module("torch.nn.modules.conv.ConvTranspose2d", weight=w)),
        "a user's own": module("Net", b=module("mine.Block", weight=w, more=module("mine.Block",
        weight=w))), "no module": Thing("mine.Net", weight=w), "nothing": module("Net", x=3),
    }  # fmt: skip
    for words, root in kinds.items():
        more = {"archive/code/__torch__.py": b"", "archive/constants.pkl": dumps(())}
        yield f"TorchScript of {words}", torchscript.open, {"net.pt": zip_of(root, more=more)}


# Paddle


def _paddle() -> Iterator[Case]:
    def one(*shape: int, code: int = 5, size: int | None = None) -> bytes:
        told_ = part(1, code) + b"".join(part(2, n) for n in shape)
        return (
            struct.pack("<IQIi", 0, 0, 0, len(told_) if size is None else size)
            + told_
            + bytes(4 * int(np.prod(shape)))
        )

    start = one(2, 1, 3, 3)
    value = lambda n: {"%": n}  # noqa: E731
    names = [
        {"#": "p", "A": [0, 0, 0, name], "O": value(n)}
        for n, name in enumerate(("conv2d_0.w_0", "conv2d_0.b_0"))
    ]
    program = lambda *ops: json.dumps({"program": {"regions": [{"blocks": [{"ops": [*ops]}]}]}}).encode()  # noqa: E731
    for words, data, text in (
        ("as usual", one(2) + start, program(*names)), ("cut short", one(2) + start[:-1], program(*names)),
        ("of a size that is none", one(2) + one(2, 1, 3, 3, size=0), program(*names)),
        ("of a size beyond", one(2) + one(2, 1, 3, 3, size=999), program(*names)), ("of an unknown type",
        one(2) + one(2, 1, 3, 3, code=77), program(*names)), ("one too few", start, program(*names)),
        ("a name that is none", one(2) + start, program(*names, {"#": "p", "A": [0, 0, 0, 5],
        "O": value(2)})), ("an odd operation", one(2) + start, program(*names, 5)), ("a number for a kind",
        one(2) + start,
        program(*names, {"#": 5, "I": [], "O": [], "A": []})), ("an odd input",
        one(2) + start, program(*names, {"#": "x", "I": [5]})),
        ("no operations", one(2) + start, b'{"program": {}}'), ("no JSON", one(2) + start, b"{"), ("deep",
        one(2) + start, b'{"a":' * 99_000), ("a header cut short", one(2) + start[:9], program(*names)),
    ):  # fmt: skip
        yield f"Paddle's tensors {words}", paddle.open, {"net.pdiparams": data, "net.json": text}
    for layer in ("conv2d_transpose_0", "convtranspose_0", "conv2d_transposed_0", "linear_transpose_0"):
        text = program(*({**one_, "A": [0, 0, 0, one_["A"][3].replace("conv2d_0", layer)]} for one_ in names))
        yield f"Paddle's tensors of {layer}", paddle.open, {"net.pdiparams": one(2) + start, "net.json": text}
    yield "Paddle's tensors alone", paddle.open, {"net.pdiparams": one(2) + start}
    yield "Paddle's program", paddle.open, {"net.pdmodel": b"\n\x05\x08\0\x10" + b"\xff" * 9 + b"\x01\x1a\0"}


CASES: tuple[Callable[[], Iterator[Case]], ...] = (
    _caffe, _exported, _named, _caffe2, _chainer, _trees, _torchscript, _paddle,
)  # fmt: skip


def whole_more() -> Told:
    yield from told_of([case for make in CASES for case in make()])
