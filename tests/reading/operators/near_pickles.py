"""Pickles of whole networks in which one word is nearly another's, or comes twice, or very often.

Modules and classes whose names begin or end as those that are known, and what of several is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.network import Network
from filtviz.reading.formats import caffe2, madmom, nolearn, sknn, tflib
from filtviz.reading.limits import Hints
from filtviz.reading.opened import Opened
from filtviz.reading.tensor_names import Tensor
from tests.reading.making import Named, Thing, conv, dumps, image, layer
from tests.reading.operators.asking import Told, array
from tests.reading.operators.small_parts import together
from tests.reading.operators.wholes import opened, read_of
from tests.reading.variations import LONG

__all__ = ["near_pickles"]

Case = tuple[str, Any]


def _array(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype="<f4").reshape(shape)


_KERNELS, _BIAS = _array(1, 2, 3, 3), _array(2)


# madmom


def _of_madmom(*layers: Any, cls: str = "madmom.ml.nn.NeuralNetwork") -> Thing:
    return Thing(cls, layers=list(layers))


def _madmom() -> Iterator[Case]:
    home = "madmom.ml.nn.layers"
    usual = Thing(f"{home}.ConvolutionalLayer", weights=_KERNELS, bias=_BIAS, stride=(1, 1), pad="same")
    for cls in (
        "madmom.ml.nn.NeuralNetworkEnsemble", "madmom.NeuralNetwork", "madmom.ml.nn.MyNeuralNetwork",
        "madmomx.ml.NeuralNetwork", "mine.madmom.NeuralNetwork", "madmom.ml.nn.Neural",
    ):  # fmt: skip
        yield f"a {cls}", _of_madmom(usual, cls=cls)
    other = Thing(f"{home}.FeedForwardLayer", weights=_array(3, 4), bias=_array(4))
    yield "two networks", [_of_madmom(other), _of_madmom(usual)]
    yield "an ensemble", Thing("madmom.processors.ParallelProcessor", processors=[_of_madmom(usual)])
    for module in (home, f"{home}.more", f"{home}_c", "madmom.ml.nn", f"mine.{home}"):
        for cls in ("ConvolutionalLayer",):
            part = Thing(f"{module}.{cls}", weights=_KERNELS, bias=_BIAS, parts=[usual])
            yield f"a part of {module}.{cls}", _of_madmom(Thing(f"{home}.TCNBlock", part=part))
            yield f"parts with {module}.{cls}", _of_madmom(Thing(f"{home}.TCNBlock", parts=(other, part)))
    for cls in (
        "Convolutional", "ConvolutionalLayers", "MyConvolutionalLayer", "Convolution", "BatchNormLayers",
        "ActivationLayer", "PadLayer", "MaxPoolLayer", "MaxPoolLayer2", "AverageLayer", "StrideLayer",
    ):  # fmt: skip
        facts = {"weights": _KERNELS, "bias": _BIAS, "size": (2, 3), "width": 2, "axes": (1,)}
        relu = Named("madmom.ml.nn.activations.relu")
        yield f"a layer {cls}", _of_madmom(Thing(f"{home}.{cls}", activation_fn=relu, **facts))
    for path in ("madmom.relu", "madmom.x.tanh", "madmomx.relu", "mine.relu", "madmom.a.linear", "a.linear"):
        yield (
            f"{path} behind a normalisation",
            _of_madmom(Thing(f"{home}.BatchNormLayer", gamma=_BIAS, activation_fn=Named(path))),
        )
    for pad, stride in (("same", (2, 1)), ("Same", (1, 2)), ("valid", [2, 2]), (None, (1, 1, 1)), ("", 2)):
        facts = {"weights": _array(1, 2, 4, 3), "pad": pad, "stride": stride}
        yield f"pad {pad!r} and stride {stride}", _of_madmom(Thing(f"{home}.ConvolutionalLayer", **facts))
    for value, axes in ((1, (0,)), (1.5, (1, 0)), (True, (2,)), (None, 1), ("1", [1])):
        facts = {"width": 3, "axes": axes, "value": value}
        yield f"a pad of {value!r} along {axes}", _of_madmom(Thing(f"{home}.PadLayer", **facts))
    deep: Any = usual
    for depth in range(1, 19):
        deep = Thing(f"{home}.TCNBlock", part=deep)
        if depth in (15, 16, 17, 18):
            yield f"blocks {depth} deep", _of_madmom(deep)
    names = [f"Block{n}" for n in range(9, 0, -1)]
    yield "nine blocks", _of_madmom(*(Thing(f"{home}.{one}", part=usual) for one in names))
    yield (
        "every array",
        _of_madmom(
            Thing(f"{home}.GRULayer", **dict.fromkeys((*reversed(madmom._PARAMETERS), "more"), _BIAS))
        ),
    )


# scikit-neuralnetwork, nolearn


def _sknn() -> Iterator[Case]:
    spec = Thing("sknn.mlp.Convolution", type="Tanh", name="c", border_mode="same", pool_shape=(1, 1))
    facts: dict[str, Any] = {"layers": [spec], "weights": [(_array(2, 3, 4, 3), _array(2))]}
    for cls in ("sknn.mlp.Classifier", "sknn.Net", "sknnx.Net", "mine.sknn.Net", "sknn.mlp.nets.Net"):
        yield f"a {cls}", Thing(cls, **facts)
    yield (
        "two models",
        [Thing("sknn.mlp.A", layers=[]), Thing("sknn.mlp.B", **facts), Thing("sknn.C", **facts)],
    )
    yield "fewer specs", Thing("sknn.mlp.A", layers=[spec], weights=facts["weights"] * 2)
    yield "fewer weights", Thing("sknn.mlp.A", layers=[spec, spec], weights=facts["weights"])
    yield "no specs", Thing("sknn.mlp.A", layers=[], weights=facts["weights"])
    for word in ("ExpLin", "Softmax", "softmax", "Rectifier", "Rectifiers", "", None):
        yield (
            f"type {word!r}",
            Thing("sknn.mlp.A", **{**facts, "layers": [Thing("sknn.L", type=word, name="n")]}),
        )
    for pool in ((1, 1), (1, 2), (2, 1), (1,), (0, 1), (), 2, [1, 1]):
        one = Thing("sknn.mlp.Convolution", type="Linear", pool_shape=pool, kernel_stride=[2, 1])
        yield f"pool {pool}", Thing("sknn.mlp.A", **{**facts, "layers": [one]})
    for shape in ((2, 3, 4), (2, 3, 3, 3), (2, 3, 4, 3, 2), (2, 3), (2,), (1, 2, 3, 3, 3, 3)):
        for stride in (None, (2,) * (len(shape) - 2), (2, 2)):
            one = Thing(
                "sknn.mlp.Convolution", type="Linear", border_mode="same", kernel_stride=stride, units=7
            )
            yield (
                f"kernels {shape} with strides of {stride}",
                Thing("sknn.mlp.A", layers=[one], weights=[(_array(*shape), _array(2))]),
            )


def _nolearn() -> Iterator[Case]:
    def net(cls: str = "nolearn.lasagne.NeuralNet", n: int = 2, **facts: Any) -> Thing:
        return Thing(cls, layers_=[conv(image(3, 8, 8), _array(n, 3, 3, 3))], **facts)

    for cls in ("NeuralNet", "NeuralNets", "MyNeuralNet"):
        yield f"a mine.{cls}", net(f"mine.{cls}")
    told: dict[str, Any] = {"layers": [], "update": None, "batch_iterator_train": None}
    yield "by its facts", net("mine.Net", **told)
    for gone in told:
        yield f"by its facts but {gone}", net("mine.Net", **{key: told[key] for key in told if key != gone})
    for n in (99, 100):
        yield f"one behind {n} without layers", [*_bare(n), net()]
    yield "two nets", [net(n=4), net(n=5)]
    below = conv(image(3, 8, 8), _array(2, 3, 3, 3))
    ends = [layer("DenseLayer", below, W=_array(72, n), b=_array(n), num_units=n) for n in (3, 4)]
    for words, held in {
        "two ends": {"_output_layers": ends}, "one end": {"_output_layer": ends[1]},
        "both": {"_output_layers": ends[:1], "_output_layer": ends[1]},
        "all three": {"layers_": [below], "_output_layers": ends[:1], "_output_layer": ends[1]},
        "named ends": {"layers_": {"Second end": ends[1], "a": ends[0]}},
        "turned ends": {"_output_layers": ends[::-1]},
        "ends named elsewhere": {"_output_layers": {"b": ends[1], "a": ends[0]}},
        "names beside": {"layers_": [below], "layers": [("image", 1), ("first", 2)]},
        "more names": {"layers_": [below], "layers": [("image", 1), ("first", 2), ("x", 3)]},
        "an unnamed one": {"layers_": [below], "layers": [(None, 1), ("first", 2)]},
        "a class alone": {"layers_": [below], "layers": [1, ("first", 2)]},
    }.items():  # fmt: skip
        yield f"a net of {words}", Thing("nolearn.lasagne.NeuralNet", **held)
    for epoch in ({"a": 1.5, "b": None, 3: 1.0}, {"a": [1], "b": "x"}, [("a", 1)], 5):
        yield f"an epoch {epoch}", net(train_history_=[epoch, {"a": 2.0}])


def _bare(n: int) -> list[Thing]:
    return [Thing("nolearn.lasagne.NeuralNet", layers=[], place=place) for place in range(n)]


# tflib, Caffe2


def _tflib() -> Iterator[Case]:
    def network(name: Any, n: int = 1, cls: str = "dnnlib.tflib.network.Network", **more: Any) -> Thing:
        return Thing(cls, name=name, variables=[("4x4/Conv/weight", _array(3, 3, n, 2))], **more)

    for cls in (
        "tfutil.Network", "tfutil.Networks", "dnnlib.tflib.Network", "dnnlib.tflib.network.Net",
        "tfutils.Network", "mine.Network",
    ):  # fmt: skip
        yield f"a {cls}", network("G", cls=cls)
        yield f"a {cls} beside another", (network("G"), network("D", 2, cls=cls))
    for name in (None, "", 3, "Gs", "gs", "G\n"):
        yield f"called {name!r}", network(name)
        yield f"called {name!r} beside one", (network("G"), network(name, 2))
    for n in (63, 64):
        yield f"of {n} others first", [*(Thing("mine.X", a=place) for place in range(n)), network("G")]
    yield "in a list within one", [[network("G")], network("D")]
    others = [network(f"D{LONG}\x1b"[start:], 2) for start in (0, 30, 63, 64)]
    yield "of others with odd names", [network("Gs"), *others]
    feeds = [("a/Conv/weight", _array(3, 3, 1, 2)), ("b/Conv/weight", _array(3, 3, 2, 4))]
    made = [Thing("tfutil.Network", name=name, variables=feeds[: 2 - (name == "D")]) for name in "GD"]
    yield "of two that feed", made
    yield "of none that has variables", [Thing("tfutil.Network", name=name, variables=[]) for name in "GD"]
    yield "of one that has none", [Thing("tfutil.Network", name="G", variables=[]), network("D")]
    yield "of one that is none", [Thing("tfutil.Network", name="G", variables=3), network("D")]


def _caffe2() -> Iterator[Case]:
    w, b = _array(2, 3, 3, 3), _array(2)
    for held in (
        {"a.b_w": w, "a.b_b": b, "a.c_w": w, "a.c_bn_s": b}, {"a.b_w": w, "a.c_w": w, "a.b_b": b,
        "x_bn_s": b},
        {"c_w": w, "c_bn_s": b}, {"c_w": w, "c_s": b}, {"c_w": w, "c_bn_riv": b}, {"c_w": w, "c_rm": b},
        {"c_w": w, "c_w_momentum": w}, {"c_w": w, "c_b_momentum": b}, {"c_w": w, "c_rm_momentum": b},
        {"c_w": w, "c_bn_s": b, "lr": b}, {"_w": w, "c_bn_s": b}, {"c_W": w, "c_bn_s": b}, {},
        {"blobs": {"c_w": w, "x": b}}, {"blobs": {"c_w": w, "x": b, "y": b}}, {"blobs": {"x": b}},
        {"blobs": {"c_w": w, "c_b": b, "deep_w": [w]}, "blobs2": {"e_w": w}, "e_w": w}, {"blob": {"c_w": w}},
        {"blobs": {"c_w": w, "d_w": w, "c_b": b, "d_b": b, "d_w_momentum": w, "conv10_w": w, "conv9_w": w}},
    ):  # fmt: skip
        yield f"{held.keys()} {list(held.get('blobs', ()))}"[10:].replace("dict_keys", ""), held


def _parts_of_caffe2() -> Told:
    """Which names are Caffe2's, and whether arrays of a layer stand side by side."""
    rows = []
    for names in (
        ["a_w"], ["a_w", "b_bn_s"], ["a_w", "x"], ["a_w", "x", "y"], ["x"], [], ["a_w_momentum"],
        ["a_w_momentum", "x"], ["a_bn_riv"], ["a_bn_rm"], ["a_bn_s", "lr"], ["w"], ["a_w", "b_b", "c_bn_b"],
    ):  # fmt: skip
        rows += [
            (f"{names}{' inside' * inside}", str(caffe2._are_caffe2s(names, inside=inside)))
            for inside in (False, True)
        ]
    yield from together(rows, "are Caffe2's")
    rows = []
    for text in (
        "a.w a.b b.w",
        "a.w b.w a.b",
        "a.w b.w",
        "a.w",
        "",
        "a.b.w a.b.b a.c.w",
        "a.b.w a.c.w a.b.b",
    ):
        tensors = [Tensor(name=name, array=array(2)) for name in text.split()]  # type: ignore[arg-type]
        rows.append((repr(text), str(caffe2._stand_together(tensors))))
    yield from together(rows, "stand together")


_MADE: tuple[tuple[str, Callable[[], Iterator[Case]], Callable[[Opened], Network | None]], ...] = (
    ("madmom", _madmom, madmom.open), ("sknn", _sknn, sknn.open), ("nolearn", _nolearn, nolearn.open),
    ("tflib", _tflib, tflib.open), ("Caffe2", _caffe2, caffe2.open),
)  # fmt: skip


def near_pickles() -> Told:
    """All of it; of tflib each network that a person may ask for."""
    for home, make, open_ in _MADE:
        for words, held in make():
            data = dumps(held)
            for wanted in ("", "Gs") if open_ is tflib.open else ("",):
                file = replace(opened(data, name="model.pkl"), hints=Hints(weights=wanted))
                yield f"{home} {words} {wanted}".strip(), read_of(open_, file)
    yield from _parts_of_caffe2()
