"""Lasagne's layers but convolutions: each class with each attribute as it should be, odd, and not there.

Then networks of such layers, made by chance, whose links, names and shapes are told or not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from filtviz.reading.formats import lasagne as networks
from filtviz.reading.formats.lasagne import translation
from filtviz.reading.limits import Limits, effort
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import Global, Items, Record
from tests.reading.making import Named, Thing, layer, shared
from tests.reading.operators.asking import Told, array
from tests.reading.operators.objects_made import holding
from tests.reading.operators.wholes import drawn, read_of
from tests.telling import told

__all__ = ["lasagne_layers"]

HOME = "lasagne.nonlinearities"
IMAGE = (2, 3, 12, 10)
N_NETWORKS = 60


def _record(path: str, facts: Mapping[str, Any]) -> Record:
    module, _, name = path.rpartition(".")
    record = Record(Global(module or "lasagne.layers", name), ())
    record.build(Items([part for entry in facts.items() for part in entry]))
    return record


def _asked(cls: str, facts: Mapping[str, Any], *shapes: Any, **held: Any) -> str:
    case = translation.Case(
        attributes=Attributes(_record(cls, facts), effort(Limits())),
        inputs=list(shapes or (IMAGE,)),
        parameters=held,
    )
    return " ".join(told(*translation.operations_of(case)).split()) or "nothing"


def _cut(*parts: Any) -> Record:
    return Record(Global("builtins", "slice"), parts)


def _partial(function: Any, *given: Any, **bound: Any) -> Record:
    found = Record(Global("functools", "partial"), (function, *given))
    found.build((function, given, Items([part for entry in bound.items() for part in entry]), None))
    return found


def _elemwise(op: str, home: str = "theano.scalar.basic", **facts: Any) -> Record:
    return _record("theano.tensor.elemwise.Elemwise", {"scalar_op": _record(f"{home}.{op}", {}), **facts})


FUNCTIONS: Mapping[str, Any] = {
    **{name: Global(HOME, name) for name in (
        "rectify", "linear", "identity", "softmax", "sigmoid", "tanh", "elu", "selu", "relu", "leaky_rectify",
        "very_leaky_rectify", "softplus", "softsign", "hard_sigmoid", "untold", "odd", "ScaledTanH",
    )},
    "their relu": Global("theano.tensor.nnet.nnet", "relu"),
    "a person's": Global("mine.lasagne", "tanh"),
    "of no module": Global("", "tanh"),
    "within": Global("lasagne.nonlinearities", "Some.tanh"),
    "LeakyRectify": _record(f"{HOME}.LeakyRectify", {"leakiness": 0.1}),
    "LeakyRectify of more": _record(f"{HOME}.LeakyRectify", {"leakiness": 0.1, "f": Global("m", "f")}),
    "LeakyRectify of none": _record(f"{HOME}.LeakyRectify", {"slope": 0.1}),
    "ScaledTanh": _record(f"{HOME}.ScaledTanh", {"scale_in": 0.5, "scale_out": 1.5}),
    "ScaledTanH of two": _record(f"{HOME}.ScaledTanH", {"scale_in": 0.5, "scale_out": 1.5}),
    "ScaledTanH of one": _record(f"{HOME}.ScaledTanH", {"scale_in": 0.5}),
    "SELU": _record(f"{HOME}.SELU", {"scale": 1.25, "scale_neg": 0.5}),
    "SELU of one": _record(f"{HOME}.SELU", {"scale": 1.25}),
    "relu with alpha": _partial(Global("theano.tensor.nnet.nnet", "relu"), alpha=0.25),
    "relu with no alpha": _partial(Global("theano.tensor.nnet.nnet", "relu"), alpha=0),
    "elu with alpha": _partial(Global(HOME, "elu"), alpha=0.25),
    "elu with an alpha of 0": _partial(Global(HOME, "elu"), alpha=0),
    **{f"tanh of {home}": Global(home, "tanh") for home in (
        "lasagne", "lasagne_ext.nonlinearities", "theanox.tensor", "theano", "numpyro", "numpy", "nolearns",
    )},
    **{f"nearly {name}": Global(HOME, name) for name in ("Softmax", "softmaxx", "log_softmax", "SELu")},
    "elu with a place": _partial(Global(HOME, "elu"), 0.25),
    **{f"op {op}": _elemwise(op) for op in (*translation._SCALAR_OPS, "Sqr", "tanh")},
    "op of a person's": _elemwise("Tanh", "mine"),
    "op of nearly theano's": _elemwise("Tanh", "theanox.scalar"),
    "op of theano's alone": _elemwise("Tanh", "theano"),
    "None": None,
    "a word": "tanh",
}  # fmt: skip
TWO: Mapping[str, Any] = {
    **{
        name: Global("theano.tensor.basic", name)
        for name in ("add", "sub", "mul", "maximum", "minimum", "pow")
    },
    **{f"op {op}": _elemwise(op) for op in ("Add", "Maximum", "Pow")},
    "nearly theano's": Global("theanox.tensor", "mul"),
    "a person's": Global("mine", "mul"),
    "None": None,
}  # fmt: skip
MANY: Mapping[str, Any] = {
    **{name: Global("theano.tensor.basic", name) for name in ("max", "mean", "sum", "min", "Max")},
    "numpy's": Global("numpy", "max"),
    "nearly numpy's": Global("numpyro", "max"),
    "a person's": Global("mine", "max"),
    "None": None,
}

_WHOLE = (0, 1, 3, -1, "2", None, 2.0, True)
_POOLS: dict[str, dict[str, Any]] = {
    "pool_size": {"pool_size": (3, 2), "stride": (2, 1), "pad": (1, 0), "ignore_border": True, "mode": "max"},
    "ds": {"ds": (3, 2), "st": (2, 1)},
}
_VARIED: Mapping[str, tuple[Any, ...]] = {
    "pool_size": (2, 0, (3, 2), (2, 2, 2), (0, 2), (), "2", None),
    "ds": (2, (2, 2, 2), (0, 1), None),
    "stride": (3, (1, 3), (0, 1), (2,), "1", None),
    "strides": (3, (2, 2)),
    "st": (3, (0, 1), None),
    "pad": (1, (2, 1), (1,), (-1, 0), None),
    "ignore_border": (True, False, None, 1, "no"),
    "mode": ("max", "average_inc_pad", "average_exc_pad", "sum", "median", 3, "dilate", "repeat"),
    "scale_factor": (2, (2, 3), (0, 2), (2, 2, 2), (2,), "2"),
    "width": (1, (1, 2), ((1, 2), 3), ((1, 2, 3), 1), ((1,), 2), (1, 2, 3), "1", None, (1, "x"), (-1, 0)),
    "batch_ndim": (0, 1, 2, 3, 4, 5, -1, None),
    "val": (0.5, 2, "x", None, True),
    "outdim": (1, 2, 3, 0, None, "2"),
    "shape": ((1, -1), ((0,), 9, -1), (1, None, 2.5, "x"), (), 3, None, ((0, 1), (1,))),
    "pattern": ((0, "x", 2, 1), (1, 0), ("y", 0), (), 3, (0, None)),
    "axis": (0, 1, 2, -1, None, "1"),
    "slice": (0, 2, -1, _cut(1, None, 2), _cut(None, -1, None), _cut(0, 1, 0), _cut(1, 2), "1", None),
    "cropping": ((None, "center"), ("lower", "upper", 3), "center", None),
    "coeffs": (2, 0.5, (1, -0.5), (1, "x"), (), "1", True, None),
    "pool_function": tuple(MANY.values()),
    "merge_function": tuple(TWO.values()),
    "axes": (0, (0,), (0, 2, 3), (0, -2, -1), (0, 1), (0, 1, 2, 3), (), None),
    "shared_axes": ((0, 2, 3), (0, 1), (-1,), (1, 2, 3), (0, 1, 2, 3), (), 1, None),
    "num_units": (7, 0, "7", None),
    "num_leading_axes": (2, 0, -1, "x", None),
    "lower": (0.25, 0, -0.5, "x", None),
    "upper": (0.75, 0, -0.5, "x", None),
    "n": _WHOLE,
    "alpha": (0.5, 1, "x", None),
    "k": (2, None),
    "beta": (0.75, 1, None),
    "p": (0.5, 0, "x", None),
    "sigma": (0.25, None),
    "dimshuffle": (True, False, 0),
}  # fmt: skip
_LAYERS: Mapping[str, dict[str, Any]] = {
    "InputLayer": {"shape": (None, 3, 4, 5)},
    "DenseLayer": {"num_units": 4, "num_leading_axes": 1},
    "NINLayer": {"num_units": 4},
    "MaxPool2DLayer": _POOLS["pool_size"],
    "MaxPool2DCCLayer": {"pool_size": 2, "stride": 2},
    "MaxPool1DLayer": {"ds": 2, "st": 1},
    "Upscale2DLayer": {"scale_factor": 2, "mode": "repeat"},
    "GlobalPoolLayer": {"pool_function": MANY["mean"]},
    "FeaturePoolLayer": {"pool_size": 2, "axis": 1, "pool_function": MANY["max"]},
    "FeatureWTALayer": {"pool_size": 2, "axis": 1},
    "PadLayer": {"width": 2, "batch_ndim": 2, "val": 0.5},
    "FlattenLayer": {"outdim": 2},
    "ReshapeLayer": {"shape": ((0,), 9, -1)},
    "DimshuffleLayer": {"pattern": (0, 2, 1, 3)},
    "SliceLayer": {"slice": 1, "axis": 1},
    "ConcatLayer": {"axis": 1, "cropping": None},
    "ElemwiseSumLayer": {"coeffs": 1, "cropping": None},
    "ElemwiseMergeLayer": {"merge_function": TWO["mul"], "cropping": None},
    "BatchNormLayer": {"axes": (0, 2, 3)},
    "StandardizationLayer": {"axes": (1, 2)},
    "LocalResponseNormalization2DLayer": {"alpha": 0.5, "k": 2, "beta": 0.75, "n": 5},
    "ParametricRectifierLayer": {"shared_axes": (0, 2, 3)},
    "RandomizedRectifierLayer": {"lower": 0.25, "upper": 0.5},
    "ScaleLayer": {"shared_axes": (0, 2, 3)},
    "BiasLayer": {"shared_axes": (0, 2, 3)},
    "DropoutLayer": {"p": 0.5},
    "GaussianNoiseLayer": {"sigma": 0.25},
    "IdentityLayer": {"p": 0.5},
    "ShuffleBC01ToC01BLayer": {"dimshuffle": True},
    "ShuffleC01BToBC01Layer": {},
    "RecurrentLayer": {"num_units": 7},
    "Own": {"p": 0.5},
}
_ALIKE = (
    "NIN2DLayer", "BatchNormDNNLayer", "SpatialDropoutLayer", "SpatialDropout2DLayer", "CustomRecurrentLayer",
    "GRULayer", "LSTMLayer",
)  # fmt: skip
_HELD = {
    "DenseLayer": {"W": array(90, 4), "b": array(4, name="b")},
    "NINLayer": {"W": array(3, 4), "b": array(4, name="b")},
    "BatchNormLayer": {name: array(3, name=name) for name in ("mean", "inv_std", "gamma", "beta")},
    "ParametricRectifierLayer": {"alpha": array(3)},
    "ScaleLayer": {"scales": array(3)},
    "BiasLayer": {"b": array(3)},
}


def _rows() -> Told:
    """Each class with each attribute as it may be; what is told in the same words stands together."""
    for cls, facts in _LAYERS.items():
        held = _HELD.get(cls, {})
        answers: dict[str, list[str]] = {}
        for words, changed in (("as usual", facts), *_changes(facts)):
            answers.setdefault(_asked(cls, changed, **held), []).append(words)
        for shapes in ((None,), ((2, 90),), ((2, 3, 12),), ((2, 3, 4, 5, 6),), (IMAGE, IMAGE, IMAGE)):
            answers.setdefault(_asked(cls, facts, *shapes, **held), []).append(f"behind {shapes}")
        for gone in held:
            less = {name: one for name, one in held.items() if name != gone}
            answers.setdefault(_asked(cls, facts, **less), []).append(f"without {gone}")
        yield from ((f"{cls}: {', '.join(words)}", answer) for answer, words in answers.items())


def _changes(facts: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in facts:
        yield f"without {name}", {key: value for key, value in facts.items() if key != name}
        for value in _VARIED[name]:
            yield f"{name} {_named(value)}", {**facts, name: value}


def _named(value: Any) -> str:
    if type(value) is Record and value.cls is not None:
        return f"{value.cls.name}{value.args or ''}"
    return value.path if type(value) is Global else repr(value)


def _functions() -> Told:
    """What is done to each number, behind layers that have a nonlinearity and layers that may have one."""
    answers: dict[str, list[str]] = {}
    for words, function in FUNCTIONS.items():
        found = _asked("NonlinearityLayer", {"nonlinearity": function})
        answers.setdefault(found, []).append(words)
    yield from ((f"functions {', '.join(words)}", answer) for answer, words in answers.items())
    yield "no function", _asked("NonlinearityLayer", {})
    yield "behind units", _asked("DenseLayer", {"num_units": 2, "nonlinearity": FUNCTIONS["tanh"]})
    yield "behind each place", _asked("NINLayer", {"num_units": 2, "nonlinearity": FUNCTIONS["tanh"]})
    for words in ("rectify", "linear", "None", "a word", "softmax"):
        facts = {"nonlinearity": FUNCTIONS[words]}
        yield f"{words} behind a normalisation", _asked("BatchNormLayer", facts)
    kernel = {"filter_size": (3, 3), "num_filters": 4, "stride": (1, 1), "pad": (0, 0)}
    for facts in ({}, {"nonlinearity": FUNCTIONS["tanh"]}, {"dimshuffle": False}):
        yield f"behind kernels {sorted(facts)}", _asked("Conv2DLayer", kernel | facts, W=array(4, 3, 3, 3))


def _by_attributes() -> Told:
    """Layers of a person's own, which their attributes make what they are."""
    some: dict[str, Any] = {"pool_size": 2, "stride": 2, "ds": 3, "scale_factor": 2, "num_units": 5}
    weights, norm = array(90, 4), {name: array(3, name=name) for name in ("mean", "inv_std", "gamma", "std")}
    for names in (
        ("pool_size",), ("pool_size", "stride"), ("pool_size", "ds"), ("pool_size", "stride", "ds"), ("ds",),
        ("scale_factor",), ("scale_factor", "ds"), ("num_units",), ("num_units", "scale_factor"),
    ):  # fmt: skip
        facts = {name: some[name] for name in names}
        yield f"own of {' '.join(names)}", _asked("mine.Own", facts)
    for cls in ("Own", "CCPool", "Pool2DCC", "MaxPool2DCCLayer", "MaxPoolCcLayer", "MaxPool2DDNNLayer"):
        yield f"a pooling {cls}", _asked(f"mine.{cls}", {"pool_size": 2, "stride": 2})
    for given in ((90, 4), (90,), (90, 4, 2)):
        found = _asked("mine.Own", {"num_units": 5, "W": None}, W=array(*given))
        yield f"own of units and {given}", found
        yield f"units that are not told and {given}", _asked("DenseLayer", {}, W=array(*given))
    for names in (("inv_std", "mean", "gamma"), ("inv_std", "mean"), ("inv_std", "mean", "gamma", "std")):
        held = {name: norm[name] for name in names}
        yield f"own of {' '.join(names)}", _asked("mine.Own", dict.fromkeys(names), **held)
        yield f"a norm of {' '.join(names)}", _asked("BatchNormLayer", {}, **held)
    yield "a norm of std", _asked("BatchNormLayer", {}, std=norm["std"], mean=norm["mean"])
    for cls in _ALIKE:
        yield cls, _asked(cls, {"num_units": 7, "p": 0.5, "axes": (0, 2)}, W=weights, mean=norm["mean"])
    yield "own of weights", _asked("mine.Own", {"W": None}, W=weights)


# Networks

_IN_NETWORKS = ("Conv2DLayer", "DenseLayer", "ElemwiseSumLayer", "DropoutLayer", "Own", "BatchNormLayer")


def _layer(chance: random.Random, place: int, below: list[Thing]) -> Thing:
    """A layer behind some of those below."""
    facts: dict[str, Any] = {"name": chance.choice((None, None, f"l{place}", ""))}
    cls = chance.choice(
        ("Conv2DLayer", "DenseLayer", "ElemwiseSumLayer", "DropoutLayer", "Own", "BatchNormLayer")
    )
    given: list[Any] = [chance.choice(below) for _ in range(2 if cls == "ElemwiseSumLayer" else 1)]
    if chance.random() < 0.12:
        given[-1] = chance.choice(((None, 3, 8, 8), None, "odd"))
    if cls == "Conv2DLayer":
        facts |= {"filter_size": (3, 3), "num_filters": 3, "stride": (1, 1), "pad": (1, 1)}
        facts["W"] = drawn(chance, 3, 3, 3, 3)
    elif cls == "DenseLayer":
        facts |= {"num_units": 4, "W": drawn(chance, 192, 4), "b": drawn(chance, 4)}
    elif cls == "BatchNormLayer":
        facts |= {name: drawn(chance, 3) for name in ("beta", "gamma", "mean", "inv_std")}
    elif cls == "DropoutLayer":
        facts |= {"p": 0.5}
    shapes = [(None, 3, 8, 8 + (chance.random() < 0.2)) for _ in range(len(given) + (chance.random() < 0.2))]
    if chance.random() < 0.3:
        facts |= (
            {"input_shapes": shapes[: chance.choice((1, 2, 3))]}
            if len(given) > 1
            else {"input_shape": shapes[0]}
        )
    if chance.random() < 0.05:
        facts |= {"loss_function": None}
    made = layer(cls, *given, **facts)
    variables = list(made.state["params"])
    way = chance.random()
    if way < 0.1:  # as before Lasagne 0.1
        del made.state["params"]
    elif way < 0.2:
        made.state["params"] = {one: set() for one in variables[::-1]}
    elif way < 0.3 and variables:
        made.state["W"] = drawn(chance, 3, 3)
    elif way < 0.4 and variables:
        odd = shared(drawn(chance, 2), chance.choice((None, "some.odd", "W", "")))
        made.state["params"][odd] = set()
    elif way < 0.5 and type(below[-1].state.get("W")) is Thing and variables:
        made.state["W"] = below[-1].state["W"]
        made.state["params"] = {below[-1].state["W"]: set(), **made.state["params"]}
    return made


def a_network(n: int) -> tuple[str, str]:
    """A network of Lasagne's, and what lies around it."""
    chance = random.Random(f"lasagne {n}")
    shape = chance.choice(((None, 3, 8, 8), (2, 3, 8, 8), None))
    made = [layer("InputLayer", shape=shape, name=chance.choice((None, "in")))]
    made += [layer("mine.MyInputLayer", shape=shape)] * (chance.random() < 0.15)
    for place in range(chance.choice((1, 2, 3, 4))):
        made.append(_layer(chance, place, made[-2:]))
    if chance.random() < 0.08:  # a circle
        made[-2].state["input_layer"] = made[-1]
    ways: dict[str, Any] = {
        "the output": made[-1],
        "a list": made[chance.choice((0, -1, -2)) :],
        "a tuple": tuple(made[::-1]),
        "names": {f"n{place}": one for place, one in enumerate(made)},
        "one name": {"net": made[-1], "more": 3},
        "numbers": dict(enumerate(made)),
        "an object": Thing("mine.Model", net=made[-1], other={"a": made[0], "b": made[-1]}),
        "a loss": Thing("lasagne.objectives.Objective", input_layer=made[-1], loss_function=Named("m.f")),
        "within a list": [{"a": 1}, [made[-1]], {"x": made[0], "y": made[-1], "z": made[-2]}],
    }
    way = chance.choice(list(ways))
    limits = Limits(layers=chance.choice((1, 2, 3, 4))) if chance.random() < 0.1 else Limits()
    words = " ".join(one.cls.path.rpartition(".")[2] for one in made)
    asked = f"{n} {way} of {words}{f' layers {limits.layers}' if limits != Limits() else ''}"
    return asked, read_of(networks.open, holding(ways[way], limits=limits))


def lasagne_layers() -> Told:
    """Rows by class, functions, what attributes tell, and networks."""
    yield from _rows()
    yield from _functions()
    yield from _by_attributes()
    yield from map(a_network, range(N_NETWORKS))
