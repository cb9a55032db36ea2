"""Pickles of whole networks, made by chance: of nolearn, madmom, scikit-neuralnetwork, tflib and Caffe2.

Each case is a number, as in `arrays`; which facts a network has, and which of them are odd, differs.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.network import Network
from filtviz.reading.formats import caffe2, madmom, nolearn, sknn, tflib
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.making import Named, Thing, conv, dumps, image, layer
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import drawn, opened, read_of

__all__ = ["networks_in_pickles"]

N_EACH = 29


def _drawn(chance: random.Random, *shape: int) -> np.ndarray:
    kind = chance.choice(("f4", "f4", "f8", "f2"))
    return drawn(chance, *shape, kind=kind)


def _odd(chance: random.Random, value: Any) -> Any:
    """A value as it is, or seldom another in its place."""
    return chance.choice((None, 3, "odd", [], {}, -1.5)) if chance.random() < 0.05 else value


def a_nolearn(chance: random.Random) -> tuple[str, Any]:
    """Nets of nolearn's, of which the first may have no layers, with the losses of their training."""
    nets, words = [], []
    for _ in range(chance.choice((1, 1, 2, 3))):
        cls = chance.choice(
            ("nolearn.lasagne.base.NeuralNet", "nolearn.lasagne.NeuralNet", "mine.Net", "mine.Other")
        )
        below = image(3, 8, 8)
        made = [below]
        for _ in range(chance.choice((0, 1, 2))):
            made.append(conv(made[-1], _drawn(chance, 2, 3, 3, 3), name=chance.choice((None, "c"))))
        end = layer("DenseLayer", made[-1], W=_drawn(chance, 8, 4), b=_drawn(chance, 4), num_units=4)
        made.append(end)
        n_epochs = chance.choice((0, 1, 2, 3))
        losses = {"train_loss": 0.5, "epoch": 1, "valid_loss": np.float64(0.25), 7: 1.0, "more": [1]}
        named = [(f"own{place}", Named("lasagne.layers.X"), {}) for place in range(len(made))]
        history = [dict(losses) for _ in range(n_epochs)]
        facts: dict[str, Any] = {"layers": named, "train_history_": history}
        if chance.random() < 0.25:
            facts["layers"] = facts["layers"][1:] if chance.random() < 0.5 else facts["layers"] * 2
        if cls == "mine.Net" or chance.random() < 0.5:
            facts |= {"update": Named("lasagne.updates.adam"), "batch_iterator_train": None}
        way = chance.choice(("names", "names", "list", "output", "outputs", "none", "odd"))
        by_name = OrderedDict((f"n{i}", one) for i, one in enumerate(made))
        held = {"names": ("layers_", by_name), "list": ("layers_", made), "odd": ("layers_", "none")}
        held |= {"output": ("_output_layer", end), "outputs": ("_output_layers", [end])}
        if way in held:
            facts[held[way][0]] = held[way][1]
        for name in list(facts):
            facts[name] = _odd(chance, facts[name])
        nets.append(Thing(cls, **facts))
        words.append(f"{cls.rpartition('.')[2]} {way} {len(made)} layers {n_epochs} epochs")
    return "; ".join(words), nets if len(nets) > 1 else nets[0]


_OF_MADMOM = (
    "ConvolutionalLayer", "ConvolutionalLayer", "BatchNormLayer", "MaxPoolLayer", "AverageLayer", "PadLayer",
    "FeedForwardLayer", "ActivationLayer", "TCNBlock", "StrideLayer",
)  # fmt: skip


def a_madmom(chance: random.Random) -> tuple[str, Any]:
    """A network of madmom's, some with blocks."""
    home, words = "madmom.ml.nn.layers", []

    def function(name: str) -> Any:
        where = chance.choice(("madmom.ml.nn.activations", "madmom.ml.nn.activations", "mine"))
        return Named(f"{where}.{name}")

    def one(depth: int = 0) -> Any:
        word = chance.choice(_OF_MADMOM)
        words.append(word)
        facts: dict[str, Any] = {
            "activation_fn": function(chance.choice(("relu", "linear", "sigmoid", "elu", "odd")))
        }
        if word == "ConvolutionalLayer":
            facts |= {
                "weights": _drawn(chance, *chance.choice(((1, 2, 3, 3), (1, 2, 3, 4), (2, 3)))),
                "bias": _drawn(chance, 2),
            }
            facts |= {
                "stride": chance.choice(((1, 1), (2, 1), (2,), 1)),
                "pad": chance.choice(("same", "valid")),
            }
        elif word == "BatchNormLayer":
            facts |= {
                name: _drawn(chance, 3)
                for name in ("beta", "gamma", "mean", "inv_std")
                if chance.random() < 0.9
            }
        elif word in ("MaxPoolLayer", "AverageLayer", "StrideLayer"):
            facts = {
                "size": chance.choice(((2, 3), 2, (2, 2, 2), None)),
                "stride": chance.choice((None, (1, 2), (2,))),
            }
        elif word == "PadLayer":
            facts = {
                "width": chance.choice((2, None)),
                "axes": chance.choice(((0,), (1,), (0, 1), None)),
                "value": chance.choice((0, 2.5, "x")),
            }
        elif word == "TCNBlock" and depth < 2:
            inner = [one(depth + 1) for _ in range(chance.choice((1, 2)))]
            facts |= {"parts": inner, "first": inner[0]} if chance.random() < 0.7 else {"part": inner[0]}
        else:
            facts |= {"weights": _drawn(chance, 3, 4), "bias": _drawn(chance, 4)}
        if chance.random() < 0.2:
            facts.pop("activation_fn", None)
        return Thing(f"{home}.{word}", **{name: _odd(chance, value) for name, value in facts.items()})

    layers = [one() for _ in range(chance.choice((1, 2, 3)))]
    layers += layers[:1] if chance.random() < 0.15 else []
    layers += ["none"] if chance.random() < 0.1 else []
    where, word = (
        chance.choice(("madmom.ml.nn", "madmom.ml.nn", "mine")),
        chance.choice(("NeuralNetwork", "NeuralNetworkEnsemble", "Other")),
    )
    return f"{where}.{word} {' '.join(words)}", [
        Thing("mine.Thing", a=1),
        Thing(f"{where}.{word}", layers=_odd(chance, layers)),
    ]


def an_sknn(chance: random.Random) -> tuple[str, Any]:
    """A model of scikit-neuralnetwork's."""
    specs, held, words = [], [], []
    for place in range(chance.choice((1, 2, 3))):
        is_conv = chance.random() < 0.6
        shape = chance.choice(((2, 3, 3, 4), (2, 3, 4, 4), (2, 3, 3), (2, 1, 2, 2, 3))) if is_conv else (8, 5)
        facts = {
            "type": chance.choice(("Rectifier", "Linear", "Softmax", "Sigmoid", "Odd")),
            "name": f"l{place}",
        }
        facts |= {
            "border_mode": chance.choice(("same", "valid", "full")),
            "pool_shape": chance.choice(((1, 1), (2, 1), (1, 2), None)),
        }
        facts |= {"kernel_stride": chance.choice(((1, 1), (2, 1), (2,), None)), "units": 5}
        kept = {name: _odd(chance, value) for name, value in facts.items() if chance.random() < 0.9}
        specs.append(Thing(f"sknn.mlp.{'Convolution' if is_conv else 'Layer'}", **kept))
        arrays = [_drawn(chance, *shape), _drawn(chance, shape[0]), _drawn(chance, 1)][
            : chance.choice((0, 1, 2, 2, 2, 3))
        ]
        held.append(_odd(chance, tuple(arrays)))
        words.append(f"{shape} {len(arrays)}")
    specs += ["none"] if chance.random() < 0.1 else []
    where = chance.choice(("sknn.mlp", "sknn.mlp", "sknn.mlp", "mine"))
    facts = {"layers": _odd(chance, specs), "weights": _odd(chance, held)}
    if chance.random() < 0.08:
        del facts[chance.choice(("layers", "weights"))]
    return f"{where} {' '.join(words)}", Thing(f"{where}.Regressor", **facts)


def a_tflib(chance: random.Random) -> tuple[str, Any]:
    """Networks of NVIDIA's tflib."""
    found, words = [], []
    for name in chance.choice((["G"], ["G", "Gs"], ["Gs"], ["G", "D", "Gs"], [None, "Gs"], ["G", "G"])):
        variables: list[Any] = [
            (f"4x4/Conv{i}/weight", _drawn(chance, 3, 3, 4, 2)) for i in range(chance.choice((0, 1, 2)))
        ]
        variables += [
            ("4x4/Conv0/bias", _drawn(chance, 2)),
            ("lod", np.float32(0)),
            (7, _drawn(chance, 2)),
            ("lone",),
            "none",
        ]
        variables = [one for one in variables if chance.random() < 0.8]
        module = chance.choice(("dnnlib.tflib.network", "dnnlib.tflib.network", "tfutil", "mine"))
        cls = chance.choice(("Network", "Network", "Network", "Network", "Other"))
        found.append(Thing(f"{module}.{cls}", name=_odd(chance, name), variables=_odd(chance, variables)))
        words.append(f"{module}.{cls} {name} {len(variables)}")
    found += [chance.choice(("none", Thing("mine.Thing", a=1)))] if chance.random() < 0.2 else []
    return "; ".join(words), tuple(found) if len(found) > 1 or chance.random() < 0.5 else found[0]


def a_caffe2(chance: random.Random) -> tuple[str, Any]:
    """Blobs of Caffe2's, in their order or mixed, with or without momenta and other arrays."""
    blobs: dict[Any, Any] = {}
    lone = chance.random() < 0.2
    for place in range(chance.choice((1, 2, 3))):
        name = f"conv{place + 1}"
        blobs[f"{name}_w"] = _drawn(chance, 2, 3, 3, 3)
        if not lone:
            blobs[f"{name}_b"] = _drawn(chance, 2)
        for end, odds in (
            ()
            if lone
            else (
                ("_w_momentum", 0.5),
                ("_bn_s", 0.4),
                ("_bn_b", 0.4),
                ("_bn_riv", 0.2),
                ("_bn_rm", 0.2),
            )
        ):
            if chance.random() < odds:
                blobs[f"{name}{end}"] = _drawn(chance, *((2, 3, 3, 3) if "w_" in end else (2,)))
    for n in range(chance.choice((0, 0, 1, 5, 12))):
        blobs[chance.choice((f"other{n}", f"pred{n}_w", f"lr{n}"))] = chance.choice((_drawn(chance, 2), 0.5))
    if chance.random() < 0.4:
        keys = chance.sample(list(blobs), len(blobs))
        blobs = {key: blobs[key] for key in keys}
    if chance.random() < 0.5:
        return f"blobs of {len(blobs)}", {
            "blobs": _odd(chance, blobs),
            "cfg": "text",
            "more_w": _drawn(chance, 2, 3),
        }
    return f"{len(blobs)} names", blobs


FORMATS: tuple[tuple[Callable[[random.Random], tuple[str, Any]], Callable[[Opened], Network | None]], ...] = (
    (a_nolearn, nolearn.open), (a_madmom, madmom.open), (an_sknn, sknn.open), (a_tflib, tflib.open),
    (a_caffe2, caffe2.open),
)  # fmt: skip


def a_pickle(n: int) -> tuple[str, str]:
    """A pickle that is made by chance, and what its format reads of it."""
    make, open_ = FORMATS[n % len(FORMATS)]
    chance = random.Random(f"network in a pickle {n}")
    words, held = make(chance)
    limits = Limits(layers=chance.choice((1, 2, 3, 4))) if chance.random() < 0.06 else Limits()
    wanted = chance.choice(("", "", "", "Gs", "G", "nothing")) if make is a_tflib else ""
    file = replace(opened(dumps(held), name="model.pkl", limits=limits), hints=Hints(weights=wanted))
    asked = f"{n} {words}" + (f" layers {limits.layers}" if limits != Limits() else "")
    return f"{asked} {wanted}".strip().replace("None", "-"), read_of(open_, file)


def networks_in_pickles() -> Told:
    yield from map(a_pickle, range(N_EACH * len(FORMATS)))
