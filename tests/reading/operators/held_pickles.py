"""Pickles and what is like them, a row for each fact on which nothing else depends."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from filtviz.reading.formats import (
    bare_arrays,
    caffe2,
    chainer,
    lasagne,
    madmom,
    nolearn,
    sknn,
    torchscript,
)
from filtviz.reading.formats.lasagne import translation
from filtviz.reading.limits import Hints, Limits, effort
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import Global, Items, Record
from tests.reading.making import Named, Thing, dumps, shared
from tests.reading.operators.asking import Told
from tests.reading.operators.held_formats import Case, files_of
from tests.reading.operators.whole_parts import array_of, zipped
from tests.reading.operators.whole_trees import _npz
from tests.reading.operators.wholes import opened, read_of
from tests.reading.torch_making import tensor, zip_of
from tests.telling import told

__all__ = ["held_pickles"]


# Pickles


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _pickles() -> Iterator[Case]:
    """Arrays in odd places, and odd keys to them."""
    w, b, more = array_of(4, 3, 5, 5), array_of(4), array_of(2, 4, 3, 3)
    ordered = OrderedDict(c2=w, c10=more, c1=b)
    for words, data, limits in (
        ("two of two and one", dumps([w, more]) + dumps([w]), Limits()),
        ("one after another", dumps(w) + dumps(b) + dumps(more), Limits()),
        *((f"{n} lists deep", dumps([w, _nested(more, n)]), Limits()) for n in (61, 62, 63)),
        ("layers without arrays, too many", dumps({"a": w, "b": [], "c": []}), Limits(layers=2)),
        ("under a key, beside one", dumps({"params": [w, b], "mean": 2 * b}), Limits()),
        ("weights and a bias", dumps({"weights": w, "b": b}), Limits()),
        ("keys of many digits", dumps({1 << 63: w, -(1 << 63): more, (1 << 63) - 1: b}), Limits()),
        ("keys of thousands of digits", dumps({10**5000: w}), Limits()),
        ("keys that are variables", dumps({shared(b, "c.W"): w, shared(b, "c.b"): b}), Limits()),
        ("entries of an ordered dictionary", pickle.dumps(ordered, 2), Limits()),
    ):
        yield f"a pickle of {words}", bare_arrays.open, {"net.pkl": data}, limits


def _orders() -> Told:
    """Arrays in dictionaries of Python 2, which keep the order of what their class is called with."""
    w, b, more = array_of(4, 3, 5, 5), array_of(4), array_of(2, 4, 3, 3)
    entries = [["c2", w], ["c10", more], ["c1", b]]
    for words, data in {
        "an argument": dumps(Thing("collections.OrderedDict", entries)),
        "entries": pickle.dumps(OrderedDict(entries), 2),
    }.items():
        file = opened(data)
        vars(file)["python"] = "2"
        yield f"a dictionary of Python 2 with {words}", read_of(bare_arrays.open, file)


_NOTHING = b"\x80\x02cmine\nf\n)R)R."
"""What a function gave is called: an object of no class."""


def _others() -> Iterator[Case]:
    yield "a pickle of an object of no class", bare_arrays.open, {"net.pkl": _NOTHING}, Limits()
    yield "madmom's object of no class", madmom.open, {"net.pkl": _NOTHING}, Limits()
    for words, names in {
        "all of TorchScript": ("data.pkl", "constants.pkl", "code/x.py"),
        "no constants": ("data.pkl", "code/x.py"),
        "no code": ("data.pkl", "constants.pkl"),
    }.items():
        held = zipped({f"net/{name}": dumps({}) for name in names})
        yield f"a zip of {words}", torchscript.open, {"net.pt": held}, Limits()
    lost = Thing(
        "torch._utils._rebuild_meta_tensor_no_storage", Named("torch.float32"), (2, 3), (3, 1), False
    )
    held = zipped(
        {"net/data.pkl": dumps({}), "net/constants.pkl": dumps((lost, 5)), "net/code/x.py": dumps({})}
    )
    yield "TorchScript whose constant has no values", torchscript.open, {"net.pt": held}, Limits()
    yield "sknn's object of no class", sknn.open, {"net.pkl": _NOTHING}, Limits()
    w, b = array_of(2, 3, 3, 3), array_of(2)
    spec = Thing("sknn.mlp.Layer", type="Tanh", units=2)
    model = Thing("sknn.mlp.Regressor", layers=[spec, spec], weights=[[array_of(3, 2), b]] * 2)
    for n in (1, 2):
        yield f"sknn's two layers of {n}", sknn.open, {"net.pkl": dumps(model)}, Limits(layers=n)
    blobs = dumps({"c1_w": w, "c1_bn_s": b, "c2_w": w})
    for n in (2, 3):
        yield f"Caffe2's three blobs of {n}", caffe2.open, {"net.pkl": blobs}, Limits(layers=n)
    names = ("updater/a/optimizer:main/c/W/m", "updater/model:main/c/W", "updater/model:main/c/b")
    snapshot = {"net.npz": _npz(dict(zip(names, (b, w, b), strict=True)))}
    for number in "01":
        yield f"Chainer's array {number}", chainer.open, snapshot, Hints(convs=(number,))
    more = {"c1_w": 2 * w, "c1_b": b, "c2_w": 3 * w, "c2_b": 2 * b}
    within = dumps({"params": {"c1_w": w}, "blobs": more})
    yield "Caffe2's blobs beside others", caffe2.open, {"net.pkl": within}, Limits()
    first = Thing("lasagne.layers.InputLayer", shape=(None, 6), name=None)
    epoch = {"loss": 0.5, "odd": Thing("mine.Odd"), "epoch": 1}
    net = Thing("nolearn.lasagne.base.NeuralNet", layers_={"in": first}, train_history_=[epoch])
    yield "nolearn's epochs of odd values", nolearn.open, {"net.pkl": dumps(net)}, Limits()


# TorchScript


def _scripts() -> Iterator[Case]:
    """Quantised convolutions, whose parts lie in a tuple."""
    w, b = tensor(array_of(2, 1, 3, 3)), tensor(array_of(2))
    numbers = ((2, 1), (1, 0), (1, 2), False, (0, 0), 1)
    for words, state in {
        "as usual": (*numbers, w, b),
        "its bias first": (*numbers, b, w),
        "an object between": (*numbers, Thing("mine.Odd"), w, b),
        "what is lost between": (*numbers, Thing("torch._utils._rebuild_nested_tensor"), w, b),
        "no number of groups": (*numbers[:5], None, w, b),
        "a number for a word": (*numbers[:3], 2, (0, 0), 2, w, b),
        "a gap too few": ((2, 1), (1, 0), (2,), *numbers[3:], w, b),
        "a matrix": ((2,), (1,), (1,), *numbers[3:], tensor(array_of(2, 3)), b),
    }.items():
        packed = Thing("__torch__.torch.classes.quantized.Conv2dPackedParamsBase")
        packed.state = (3, 2, (3, 3), *state)  # type: ignore[assignment]
        conv = Thing("__torch__.torch.ao.nn.quantized.modules.conv.Conv2d", _packed_params=packed)
        more = {"archive/code/__torch__.py": b"", "archive/constants.pkl": dumps(())}
        root = Thing("__torch__.Net", q=conv, x=3)
        yield f"TorchScript of {words}", torchscript.open, {"net.pt": zip_of(root, more=more)}, Limits()


# Lasagne's layers


def _networks() -> Iterator[Case]:
    """Networks of one layer that is odd."""
    w = array_of(4, 6)
    dense = Thing("lasagne.layers.DenseLayer", input_shape=(None, 6), num_units=4, W=w)
    loop = Thing("lasagne.layers.DenseLayer", num_units=4, W=w)
    loop.state["input_layer"] = loop
    bare = Thing("lasagne.layers.InputLayer", name="x")
    for words, value in {
        "a layer that feeds itself": loop,
        "an input of no shape": [bare, Thing("lasagne.layers.DropoutLayer", input_layer=bare, p=0.5)],
        "a layer with no input": [dense, Thing("lasagne.layers.DropoutLayer", input_layer=None, p=0.5)],
        "a layer that does nothing": Thing(
            "lasagne.layers.IdentityLayer", input_shape=(2, 3), input_layer=None
        ),
    }.items():
        yield f"a network of {words}", lasagne.open, {"net.pkl": dumps(value)}, Limits()


def _layers() -> Told:
    for cls, facts, inputs in (
        ("PadLayer", {"width": 2, "batch_ndim": 2}, ()),
        ("PadLayer", {"width": 2, "batch_ndim": 5}, ((1, 2, 3, 4),)),
        ("DenseLayer", {}, ((2, 3),)),
    ):
        record = Record(Global("lasagne.layers", cls), ())
        record.build(Items([part for entry in facts.items() for part in entry]))
        case = translation.Case(attributes=Attributes(record, effort(Limits())), inputs=inputs, parameters={})
        yield f"{cls} {facts} behind {inputs}", told(*translation.operations_of(case))


def held_pickles() -> Told:
    """All of it."""
    yield from files_of([case for make in (_pickles, _networks, _others, _scripts) for case in make()])
    yield from _orders()
    yield from _layers()
