"""Lasagne's layers where two facts collide: two names, two shapes, two variables,
two ways to the same layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from filtviz.network import Network
from filtviz.reading.formats import lasagne
from filtviz.reading.limits import Limits
from tests.reading.making import Named, Thing, dumps, image, layer, shared
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import opened, outcome

__all__ = ["lasagne_links"]


def _array(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype="f4").reshape(shape)


def _read(*roots: Any, **how: Any) -> str:
    file = opened(b"".join(map(dumps, roots)), name="model.pkl", **how)
    return f"{outcome(lambda: lasagne.open(file), _told)} {file.effort.used}"


def _told(network: Network | None) -> str:
    if network is None:
        return "no network"
    layers = (
        f"{one.name}:{one.type}{list(one.inputs)}{one.output_shape}"
        f"{[f'{each.name} {each.shape} {each.value.ravel()[:1]}' for each in one.parameters]}"
        for one in network.layers
    )
    tied = len({id(each) for one in network.layers for each in one.parameters})
    return f"{' '.join(layers)} {tied} arrays; {network.origin.kind}"


def _roots() -> Mapping[str, tuple[Any, ...]]:
    """Files by what is odd about them."""
    below, other = image(3, 8, 8), layer("InputLayer", shape=(2, 3, 4, 4), name="own")
    end = layer("DenseLayer", below, W=_array(192, 4), num_units=4)
    side = layer("DropoutLayer", below, p=0.5)
    named = layer("DropoutLayer", end, p=0.5, name="called")
    both = layer("ElemwiseSumLayer", side, side, coeffs=1)
    two = layer("ConcatLayer", side, other, axis=1)
    short = layer("ElemwiseSumLayer", side, other, coeffs=1, input_shapes=[(None, 3, 8, 8)])
    told = layer("DropoutLayer", below, p=0.5, input_shape=(7, 3, 8, 8))
    again = layer("DropoutLayer", below, p=0.5, input_shape=(9, 3, 8, 8))
    unlike = layer("ConcatLayer", told, again, axis=1)
    lone = layer("DropoutLayer", None, p=0.5)
    loss = Thing("lasagne.objectives.Objective", input_layer=end, loss_function=Named("m.f"))
    circle = layer("DropoutLayer", below, p=0.5)
    round_ = layer("DropoutLayer", circle, p=0.5)
    circle.state["input_layer"] = round_
    deep = end
    for n in range(5):
        deep = layer("DropoutLayer", deep, p=0.1 * n)
    return {
        "two names": ([{"a": below, "b": end}, {"c": below, "d": end}],), "a name twice": ({"a": end,
        "b": end},),
        "a name and its own": ({"a": below, "b": named},), "names within": ([{"a": below, "b": end},
        {"a": end}],),
        "one name and more": ({"a": end}, {"x": below, "y": end}), "names that are none": ({3: below,
        "": end},),
        "a long name": ({"n" * 1100: below, "b": end},), "bytes": ({b"a": below, b"b": end},),
        "one input twice": (both,), "two ends": ([side, end],), "ends the other way": ([end, side],),
        "an end that feeds another": ([below, side, end],), "an end twice": ([end, end],),
        "two inputs": (two,), "fewer shapes than inputs": (short,), "two shapes of an input": (unlike,),
        "shapes the other way": (layer("ConcatLayer", again, told, axis=1),),
        "an input that is none": (lone,),
        "an input's own shape": (layer("DropoutLayer", other, p=0.5, input_shape=(None, 3, 4, 4)),),
        "a loss": (loss,), "a loss beside": ([loss, end],), "a loss before": (loss, {"a": side, "b": end}),
        "a circle": (round_,), "all of a circle": ([circle, round_],), "a deep one": (deep,),
        "inputs alone": ([below, other],), "an input by its class": (layer("mine.MyInputLayer", shape=(1,
        2)),),
        "another class with a shape": (Thing("mine.Other", shape=(1, 2)),), "no layers": ({"a": 1},),
        "an object": (Thing("mine.Net", a=below, b=end),), "an object of objects": (Thing("mine.A",
        b=Thing("mine.B",
        c=end)),), "an object that is a dictionary": (Thing("mine.MyDict", [("a", below), ("b", end)]),),
        "behind what is none": (3, [{"x": [end]}]), "a tuple": ((side, end),),
    }  # fmt: skip


def _variables() -> Mapping[str, Any]:
    """Layers by what is odd about their variables."""
    made: dict[str, Any] = {}
    below = image(3, 8, 8)

    def dense(**facts: Any) -> Thing:
        return layer("DenseLayer", below, num_units=4, **facts)

    w, b = _array(192, 4), _array(4)
    made["as usual"] = dense(W=w, b=b)
    made["in another order"] = dense(b=b, W=w)
    one = dense(W=w, b=b)
    one.state["params"] = OrderedDict((variable, set()) for variable in list(one.state["params"])[::-1])
    made["registered the other way"] = one
    one = dense(W=w, b=b)
    del one.state["params"]
    made["not registered"] = one
    one = dense(W=w)
    one.state["params"] = OrderedDict()
    made["an empty register"] = one
    one = dense(b=b)
    one.state["W"] = w
    made["an array for a variable"] = one
    one = dense(b=b)
    one.state["W"] = w
    del one.state["params"]
    made["an array and no register"] = one
    for name in (None, "", "W", "b", "a.b", "net.odd", "x" * 40):
        one = dense(W=w)
        one.state["params"][shared(_array(2), name)] = set()
        one.state["params"][shared(_array(3), name)] = set()
        made[f"two more called {name}"] = one
    one = dense(W=w)
    one.state["V"] = one.state["W"]
    made["two attributes of one variable"] = one
    first = dense(W=w, b=b)
    second = layer("DenseLayer", first, num_units=4, W=_array(4, 4))
    second.state["b"] = first.state["b"]
    second.state["params"][first.state["b"]] = set()
    made["a bias of both"] = second
    third = layer("DenseLayer", first, num_units=4, W=_array(4, 4))
    third.state["other"] = first.state["b"]
    third.state["params"][first.state["b"]] = set()
    made["a bias by another name"] = third
    four = layer("DenseLayer", third, num_units=4, W=_array(4, 4))
    four.state["b"] = first.state["b"]
    four.state["params"][first.state["b"]] = set()
    made["a bias by another name between"] = four
    one = dense(W=w)
    one.state["params"][3] = set()
    one.state["params"][Named("mine.variable")] = set()
    made["what is no variable"] = one
    return made


def lasagne_links() -> Told:
    for words, roots in _roots().items():
        yield f"layers with {words}", _read(*roots)
    for n in (3, 4, 6, 7):
        yield f"a deep one of {n} at most", _read(*_roots()["a deep one"], limits=Limits(layers=n))
    for words, one in _variables().items():
        yield f"variables {words}", _read(one)
