"""By what files of nolearn, sknn, tflib, Caffe2, Chainer and JAX are known, and what names say in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from filtviz.network import Network
from filtviz.reading.formats import caffe2, chainer, lasagne, madmom, nolearn, sknn, tflib, torchscript, trees
from filtviz.reading.limits import Limits, effort
from filtviz.reading.opened import Opened
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import Global, Items, Record
from filtviz.reading.tensor_names import Tensor
from tests.reading.making import Named, Thing, image, layer
from tests.reading.operators.asking import Told, array
from tests.reading.operators.keras_parts import layer_told
from tests.reading.operators.objects_made import holding
from tests.reading.operators.wholes import outcome
from tests.telling import origin_of

__all__ = ["pickled_parts"]


def _array(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype="f4").reshape(shape)


def _read(open_: Callable[[Opened], Network | None], *roots: Any) -> str:
    file = holding(*roots)
    return f"{outcome(lambda: open_(file), _layers)} {file.effort.used}"


def _layers(network: Network | None) -> str:
    if network is None:
        return "none of its files"
    made = " ".join(f"{one.name}:{one.type}{list(one.inputs)}" for one in network.layers)
    return f"{made} {[dict(one) for one in network.history]} {origin_of(network)}"


# nolearn


def _nolearn() -> Told:
    below = image(3, 8, 8)
    first = layer("DenseLayer", below, W=_array(192, 4), num_units=4)
    second = layer("DenseLayer", first, W=_array(4, 2), num_units=2, name="own")
    by_name = {"in": below, "one": first, "two": second}
    usual: dict[str, Any] = {"layers_": by_name, "layers": [], "update": 1, "batch_iterator_train": 2}
    epoch = {
        "train_loss": 0.5,
        "": 1.0,
        5: 2.0,
        "more": [1],
        "none": None,
        "whole": 3,
        "inf": float("inf"),
        "t": "x",
    }
    nets: dict[str, Any] = {
        "as usual": usual,
        "losses": usual | {"train_history_": [epoch, {}, 3, [("a", 1.5)], {"valid_loss": 0.25}]},
        "losses that are none": usual | {"train_history_": 3},
        "outputs": {**usual, "layers_": None, "_output_layers": [first, second]},
        "an output": {**usual, "layers_": "x", "_output_layer": second},
        "a list of layers": usual | {"layers_": [below, first, 3, second]},
        "one layer by name": usual | {"layers_": {"end": second}},
        "names beside classes": {
            **usual,
            "layers_": None,
            "_output_layer": second,
            "layers": [("a", 1), ("b", 2), ("c", 3)],
        },
        "names of some": {
            **usual,
            "layers_": None,
            "_output_layer": second,
            "layers": [("a", 1), (None, 2), (5, 3)],
        },
        "too few names": {**usual, "layers_": None, "_output_layer": second, "layers": [("a", 1), ("b", 2)]},
        "odd names": {**usual, "layers_": None, "_output_layer": second, "layers": ["ab", 3, []]},
        "no layers": {**usual, "layers_": {}},
    }
    for words, facts in nets.items():
        for cls in ("nolearn.lasagne.base.NeuralNet", "mine.Net"):
            yield (
                f"a net with {words} {cls}",
                _read(nolearn.open, Thing(cls, **facts)),
            )
    for gone in usual:
        facts = {key: value for key, value in usual.items() if key != gone}
        for cls in ("NeuralNet", "MyNeuralNet"):
            found = _read(nolearn.open, Thing(f"mine.{cls}", **facts))
            yield f"{cls} without {gone}", found
    empty, full = Thing("mine.NeuralNet", layers_={}), Thing("mine.NeuralNet", **usual)
    for n in (0, 1, nolearn.MOST_NETS - 1, nolearn.MOST_NETS):
        nets_ = [Thing("mine.NeuralNet", layers_={}, n=place) for place in range(n)]
        yield (
            f"{n} nets without layers",
            _read(nolearn.open, [*nets_, full]),
        )
    yield "a net without layers", _read(nolearn.open, [empty])


# scikit-neuralnetwork


def _sknn() -> Told:
    spec = Thing("sknn.nn.Convolution", type="Rectifier", name="c", border_mode="same", pool_shape=(1, 1))
    usual: dict[str, Any] = {"layers": [spec], "weights": [(_array(2, 3, 3, 4), _array(2))]}
    for path in ("sknn.mlp.Classifier", "sknn.Model", "sknnet.mlp.Model", "mine.sknn.Model", "sknn"):
        yield f"a model {path}", _read(sknn.open, Thing(path, **usual))
    for words, facts in (
        ("no weights", {"weights": []}), ("weights that are none", {"weights": 3}), ("more layers",
        {"layers": [spec] * 3}),
        ("odd layers", {"layers": ["x", spec]}), ("no layers", {"layers": None}),
    ):  # fmt: skip
        found = outcome(
            lambda f=facts: sknn.open(holding(Thing("sknn.mlp.Model", **{**usual, **f}))), _layers
        )
        yield f"a model of {words}", found
    both = [Thing("sknn.mlp.A", layers=[spec]), Thing("sknn.mlp.B", **usual), Thing("sknn.mlp.C", **usual)]
    yield "the first that has both", _read(sknn.open, both)
    for name, values in {
        "type": (*sknn._ACTIVATIONS, "Softmax", "LogSoftmax", "Mine", None),
        "border_mode": ("same", "valid", "full", None),
        "kernel_stride": (2, (2, 1), (0, 1), (1, 2, 3), "x"), "pool_shape": ((2, 1), (1, 1), 2, None, ()),
    }.items():  # fmt: skip
        for value in values:
            record = Record(Global("sknn.mlp", "Convolution"), ())
            record.build(Items(["name", "n", name, value]))
            facts_ = Attributes(record, effort(Limits()))
            made = sknn._layer(facts_, (), 1)
            activation, pools = sknn._activation(facts_), sknn._pools(facts_)
            conv = sknn._convolution(facts_, array(4, 2, 3, 4), None)
            yield (
                f"{name} {value}",
                f"{activation} {pools} {conv.stride} {conv.pad} {made.inputs} {made.name}",
            )


# tflib


def _tflib() -> Told:
    def network(name: Any, *names: Any, cls: str = "dnnlib.tflib.network.Network") -> Thing:
        return Thing(cls, name=name, variables=[(one, _array(3, 3, 4, 2)) for one in names])

    files: dict[str, Any] = {
        "one": network("G", "a/Conv/weight"), "an averaged one": network("Gs", "a/Conv/weight"),
        "three": (network("G", "a/weight", "b/weight"), network("D", "c/weight"), network("Gs", "d/weight")),
        "no name": [network("", "a/weight"), network(None, "b/weight")], "others": [3, network("G",
        "a/weight"), Thing("mine.X")],
        "no variables": [network("G")], "odd variables": Thing("dnnlib.tflib.network.Network", name="G",
        variables=[("a",), 3, (None, 1)]),
        "another class": [network("G", "a/weight", cls="dnnlib.tflib.network.Other")],
        "a list of lists": [[network("G", "a/weight")]],
        "many": [network(f"n{place}", "a/weight") for place in range(66)],
    }  # fmt: skip
    for words, made in files.items():
        file = holding(made)
        networks = outcome(
            lambda f=file: tflib._networks(f),
            lambda found: " ".join(f"{one.name}{len(one.variables)}" for one in found),
        )
        yield f"tflib of {words}", f"{networks} {file.effort.used}"


# Names


def _names() -> Told:
    lists: dict[str, Sequence[str]] = {
        "kernels": ("c_w", "c_b"), "a momentum": ("c_w", "c_w_momentum"), "a norm": ("c_w", "c_bn_s"),
        "riv": ("c_w", "c_bn_riv"),
        "half": ("c_w", "x"), "less than half": ("c_w", "x", "y"), "a norm and more": ("c_bn_s", "x"),
        "none": ("x", "y"), "nothing": (),
        "no layer": ("_w", "w"), "more behind": ("c_w_x", "c_s_momentum"),
        "other momenta": ("c_rm_momentum", "c_bn_s"),
    }  # fmt: skip
    for words, names in lists.items():
        found = [caffe2._are_caffe2s(names, inside=inside) for inside in (True, False)]
        yield f"Caffe2's {words}", str(found)
    for names in (
        ("a.w", "a.b", "b.w"),
        ("a.w", "b.w", "a.b"),
        ("a.w", "b.w"),
        ("a.w",),
        (),
        ("a.w", "a.b"),
        ("b.w", "a.w", "a.b", "b.b"),
    ):
        tensors = [Tensor(name=name, array=array(1)) for name in names]  # type: ignore[arg-type]
        yield f"together {names}", str(caffe2._stand_together(tensors))
    for names in (
        ("a/W", "a/b"), ("a/W", "b"), ("updater/x/a/W", "a/gamma"), ("a/w",), ("a/W", "b/w"), ("a/W",
        "flow/new"), ("a/Wx", "a/x"), (),
        ("W",), ("a/avg_mean", "x/y"), ("/W",), ("a/N", "a/persistent"),
    ):  # fmt: skip
        file = holding(dict.fromkeys(names, 1))
        for is_npz in (True, False):
            vars(file)["is_npz"] = is_npz
            yield f"Chainer's {names} {is_npz}", str(chainer._is_chainers(file))
    for name in (
        "params/conv/kernel", "batch_stats/bn/mean", "params/params/a", "params/batch_stats/params/a",
        "params", "params/",
        "conv/params/kernel", "Params/a", "batch_stats",
    ):  # fmt: skip
        dotted = trees._without_collection(name.replace("/", "."), ".")
        yield f"without collections {name}", f"{trees._without_collection(name)} {dotted}"
    for name in (
        "opt_state/0/mu/params/conv/kernel", "opt/trace/a/kernel", "optimizer/x/nu/a", "mu/opt/a",
        "opt_state/a", "opt_state/mu", "mu/a",
        "state/opt_state/sum_of_squares/params/params/a/w", "opt_states/mu/a", "opt_state/mu/nu/a",
    ):  # fmt: skip
        yield f"a moment {name}", f"{trees._of_moment(name)!r} {bool(trees._LEFT_OUT.search(name))}"
    for name in (
        "ema/a",
        "a/ema_params/b",
        "schema/a",
        "a/Optimizer",
        "nu",
        "menu/a",
        "batch_stats_ema/x",
        "A/MU/b",
        "opt.a",
    ):
        yield f"left out {name}", str(bool(trees._LEFT_OUT.search(name)))
    for keys in (
        ("params", "conv", "kernel"), ("['params']['conv']['kernel']",), (".params['conv'].kernel",),
        ("conv.weight",), ("a", "b:0"),
        ("['a.b'][0].c",), ("model", "conv.weight"), ("model", "a/conv.weight"), ("other", "conv.weight"),
        ("state_dict", "x.y"),
        ("params", "c.running_var"), ("x" * 400, "y" * 800), ("a",), ("weights", "c._mean"), ("['a']['b'",
        "c"), ("model", "a", "c.bias"),
    ):  # fmt: skip
        path = trees._path(keys)
        yield f"path {[key[:30] for key in keys]}", f"{path[:40]} {len(path)}"
    for paths in (
        [("a", "b", "1")],
        [("a", "1")],
        [("a", "b", "1"), ("a", "b", "0")],
        [],
        [("a", "b", "c", "1"), ("x", "y", "1")],
    ):
        yield f"pairs {paths}", str(trees._are_paddles_pairs(paths))
    for words in (trees._JAX, trees._HAIKU, trees._TORCH, trees._PADDLE):
        for name in ("conv/kernel", "conv/w", "conv/weight", "kernel", "/kernel", "a/b/w"):
            ranks = [
                n for n in range(2, 7) if trees._is_kernel(Tensor(name=name, array=array(*(1,) * n)), words)
            ]  # type: ignore[arg-type]
            yield f"{words.framework}'s {name}", f"{ranks} {bool(trees._OF_HAIKU.search(name))}"
    for name in ("net/~/conv2_d/w", "conv2_d/w", "conv2_d_1/w", "conv4_d/w", "myconv2_d/w",
    "depthwise_conv2_d/w", "linear_12/w",
                 "conv1_d_transpose/w", "a/linear/w", "linearx/w", "batch_norm/~/mean_ema", "~/w",
                 "conv2_d"):  # fmt: skip
        yield f"Haiku's {name}", str(bool(trees._OF_HAIKU.search(name)))


# Which of several pickles has the layers


def _lasagne() -> Told:
    below = image(3, 8, 8)
    end = layer("DenseLayer", below, W=_array(192, 4), num_units=4)
    for words, roots in {
        "alone": (end,), "a list": ([below, end],), "a dictionary": ({"a": end},),
        "behind another": ({"a": [1]}, end),
        "behind a list": ([3], {"a": end}), "before": ([end], {"a": 1}), "deep": ([[{"a": [end]}]],),
        "a user's own": (Thing("mine.Net", net=end),), "behind a user's own": (Thing("mine.Net", a=1), [end]),
    }.items():  # fmt: skip
        yield f"Lasagne's layers {words}", _read(lasagne.open, *roots)
    for n in (39, 40, 41, 60):
        spec = Thing("sknn.nn.Convolution", type="Rectifier", name="c")
        model = Thing(f"sknn.mlp.{'x' * n}", layers=[spec], weights=[(_array(2, 3, 3, 3), _array(2))])
        yield f"an sknn of {n} letters", _read(sknn.open, model)


# madmom


def _madmom() -> Told:
    """Layers of madmom's, each with one fact of its own."""

    def one(cls: str, **facts: Any) -> Thing:
        return Thing(f"madmom.ml.nn.layers.{cls}", **facts)

    def network(*layers: Any, home: str = "madmom.ml.nn", cls: str = "NeuralNetwork") -> Thing:
        return Thing(f"{home}.{cls}", layers=list(layers))

    relu = Named("madmom.ml.nn.activations.relu")
    kernels = {"weights": _array(1, 2, 3, 4), "bias": _array(2), "activation_fn": relu}
    layers = [("ConvolutionalLayer", kernels | more) for more in (
        {}, {"pad": "same"}, {"pad": "odd"}, {"stride": (1, 2)}, {"stride": 2}, {"stride": (1, 2, 3)},
        {"weights": _array(2, 3)}, {"weights": None}, {"bias": None}, {"activation_fn": None},
        {"activation_fn": Named("mine.relu")}, {"activation_fn": Named("madmom.ml.nn.activations.odd")},
        {"activation_fn": Named("madmom.ml.nn.activations.linear")},
    )]  # fmt: skip
    layers += [(cls, {"size": size, "stride": stride}) for cls in ("MaxPoolLayer", "AverageLayer",
    "StrideLayer")
    for size, stride in (((2, 3), None), ((2, 3), (1, 2)), (2, (2,)), ((2, 2, 2), None), (None, (1,
    1)), ((2, 2, 2), 2), ((2, 2, 2), (1, 1, 1)), (2, 3), ((3,), 2), ((2, 2), (1, 1, 1)))]  # fmt: skip
    layers += [("PadLayer", {"width": width, "axes": axes, "value": value}) for width, axes, value in (
        (2, (0, 1), 0), (2, (0,), 2.5), (2, (1,), 3), (2, (2,), True), (2, None, "x"), (None, (0,), 0), (-1,
        (0,), None),
    )]  # fmt: skip
    norm = {name: _array(3) for name in ("beta", "gamma", "mean", "inv_std")}
    layers += [
        ("BatchNormLayer", {name: a for name, a in norm.items() if name != gone}) for gone in ("", *norm)
    ]
    layers += [
        ("BatchNormLayer", norm | {"activation_fn": relu}),
        ("ActivationLayer", {"activation_fn": relu}),
    ]
    layers += [
        ("FeedForwardLayer", {"weights": _array(3, 4)}),
        ("RecurrentLayer", {"recurrent_weights": _array(4, 4)}),
    ]
    for cls, facts in layers:
        file = holding(network(one(cls, **facts)))
        found = outcome(lambda file=file: madmom.open(file), lambda made: layer_told(made.layers[0]))
        said = {key: getattr(value, "shape", getattr(value, "path", value)) for key, value in facts.items()}
        yield f"madmom's {cls} {said}", f"{found} {file.effort.used}"
    inner = one("Part", a=1)
    for words, root in {
        "in turn": network(one("A"), one("B"), 3, one("C")), "a block": network(one("A", part=inner),
        one("B")),
        "a block of two": network(one("A", parts=[inner, one("Q")], more=inner)), "twice": network(inner,
        inner),
        "a part of others": network(one("A", part=Thing("mine.Layer", a=1))), "no layers": network(),
        "a set of networks": network(one("A"), cls="NeuralNetworkEnsemble"),
        "another class": network(one("A"), cls="Net"),
        "another's": network(one("A"), home="mine"), "no list": Thing("madmom.ml.nn.NeuralNetwork", layers=3),
    }.items():  # fmt: skip
        yield f"madmom's network {words}", _read(madmom.open, root)
        for n in (1, 2):
            file = holding(root, limits=Limits(layers=n))
            yield (
                f"madmom's network {words} with {n} at most",
                outcome(lambda f=file: madmom.open(f), _layers),
            )


def _wrappers() -> Told:
    w, dotted = _array(2, 2), {"c.weight": _array(2, 2), "c.bias": _array(2)}
    for words, held in {
        "names": dotted, "under model": {"model": dotted}, "under another": {"net": dotted},
        "under two": {"model": dotted, "weights": dotted},
        "beside others": {"state_dict": dotted, "epoch": 3}, "beside dots": {"params": dotted, "a.b": w},
        "a list": {"model": [w]},
        "slashes": {"a.b/c": w}, "no dots": {"a": w}, "slashes below": {"model": {"a/b.c": w}},
        "nothing": {}, "an array": w, "numbers": {5: w, "a.b": w},
    }.items():  # fmt: skip
        yield f"wrapped {words}", repr(trees._wrapper_of(holding(held)))
    yield "wrapped two roots", repr(trees._wrapper_of(holding(dotted, dotted)))
    for value in (
        (1, 2),
        [0, 3],
        (1 << 20, 1),
        ((1 << 20) - 1, 1),
        (-1, 2),
        (True, 1),
        (),
        None,
        "ab",
        (1.0,),
    ):
        yield f"small numbers {value}", str(torchscript._wholes(value))
    for cls in ("__torch__.torch.nn.modules.conv.Conv2d", "__torch__.mine.Net", "x"):
        record = Record(Global(*cls.rpartition(".")[::2]), ())
        reader = torchscript._Reader(holding(), None)  # type: ignore[arg-type]
        reader._take_note("a.b", record)
        yield f"class {cls}", f"{torchscript._class_of(record)} {reader.known}"
    yield "no class", repr(torchscript._class_of(Record(None, ())))


def pickled_parts() -> Told:
    """All of it."""
    yield from _nolearn()
    yield from _sknn()
    yield from _tflib()
    yield from _names()
    yield from _madmom()
    yield from _lasagne()
    yield from _wrappers()
