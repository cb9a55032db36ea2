"""Arrays without layers, in whatever holds them: what the file is said to be, and each sentence about it."""

from __future__ import annotations

import itertools
import pickle
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import ComputedArray
from filtviz.reading.formats import bare_arrays
from filtviz.reading.formats.bare_arrays import grouping
from filtviz.reading.formats.bare_arrays.collecting import Found, NamedArray
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import SEVERAL_NPY, Objects
from tests.reading.making import Named, Thing, dumps, shared
from tests.reading.operators.asking import Told, array
from tests.reading.operators.objects_made import holding
from tests.reading.operators.small_parts import line_of, together
from tests.reading.operators.wholes import opened, outcome, read_of

__all__ = ["bare_parts"]


def _array(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype="f4").reshape(shape)


# Files


def _files() -> Told:
    w, b, more = _array(4, 3, 5, 5), _array(4), _array(2, 4, 3, 3)
    values: dict[str, Any] = {
        "an array": w, "a vector": b, "a number": _array(), "nothing": [], "text": "x", "vectors": [b, b],
        "a list": [w, b],
        "a tuple": (w, b), "one variable": [shared(w, "W"), b], "variables": [shared(w, "a.W"), shared(b,
        "a.b")],
        "a dictionary": {"a": w, "b": b}, "lists by layer": {"c1": [w, b], "c2": [more]},
        "lists and an array": {"c1": [w, b], "x": more},
        "lists and an array, ordered": OrderedDict(c1=[w, b], x=more),
        "an ordered dictionary": OrderedDict(c1=[w, b], c2=[more]), "a user's own": Thing("mine.Weights",
        first=w, second=b),
        "a long class": Thing(f"mine.{'Long' * 12}", first=w),
        "an object array": Thing("numpy.core.multiarray._reconstruct", first=w),
        "layers without arrays": {"c1": [w, b], "pool": [], "c2": [more], "end": []},
        "what lies beside": {"params": [w, b], "mean": [b]},
        "an array beside": {"params": [w, b], "mean": b},
        "a class": Named("mine.Net"), "no arrays": {"a": "x", "b": Thing("mine.Thing", x=1)},
    }  # fmt: skip
    for words, value in values.items():
        yield f"a file of {words}", read_of(bare_arrays.open, holding(value))
    objects = np.empty(2, object)
    objects[:] = w, b
    yield "a file of an array of objects", read_of(bare_arrays.open, opened(pickle.dumps(objects, 2)))
    compiled = dumps(Named("theano.compile.function_module.Function"))
    yield "a file of a compiled function", read_of(bare_arrays.open, opened(compiled))
    yield "two roots", read_of(bare_arrays.open, holding([w, b], [more]))
    yield "no roots", read_of(bare_arrays.open, holding())
    for form in ("pickle", SEVERAL_NPY):
        file = holding([w, b, _array(5, 4)], form=form)
        yield f"a list of the form {form}", read_of(bare_arrays.open, file)
    damaged = holding("x")
    vars(damaged)["objects"] = Objects(roots=("x",), damage=MalformedFileError("cut short"))
    yield "damaged, without arrays", read_of(bare_arrays.open, damaged)
    vars(damaged)["objects"] = replace(holding([w]).objects, damage=MalformedFileError("cut short"))
    yield "damaged, with arrays", read_of(bare_arrays.open, damaged)
    ways = {
        "object": Thing("mine.W", c2=w, c10=w, c1=b),
        "dictionary": {"c2": w, "c10": w, "c1": b},
        "ordered": OrderedDict(c2=w, c10=w, c1=b),
    }
    for words, value in ways.items():
        for python in ("2", "3", None):
            file = holding(value)
            vars(file)["python"] = python
            yield f"names in an {words} of Python {python}", read_of(bare_arrays.open, file)
    for entries in ([["c1", [w, b]], ["x", more]], [["c1", [w, b]], ["c2", [more]]]):
        data = dumps(Thing("collections.OrderedDict", entries))
        yield f"pairs of {entries[1][0]}", read_of(bare_arrays.open, opened(data, name="m.pkl"))
    file = holding([w, b])
    first, second = file.objects.roots[0]
    vars(file)["objects"] = replace(file.objects, roots=([first, second, first, [first]],))
    yield "one array twice", read_of(bare_arrays.open, file)
    for n in (1, 2):
        yield f"two arrays of {n}", read_of(bare_arrays.open, holding([w, b], limits=Limits(layers=n)))
    for names in (("arr_0", "arr_1"), ("c.W", "c.b"), ("b", "a"), ("c.W", "arr_1")):
        file = holding(dict(zip(names, (w, b), strict=True)), form="npz")
        vars(file)["is_npz"] = True
        yield f"an npz of {names}", read_of(bare_arrays.open, file)


# Shapes

Shapes = Sequence[tuple[int, ...]]


def _found(shapes: Shapes, names: Sequence[str] = (), **more: Any) -> Found:
    arrays = []
    for number, shape in enumerate(shapes):
        layer, _, field = names[number].partition(".") if names else ("", "", "")
        read = partial(np.zeros, shape, "f4")
        held = ComputedArray(shape=shape, dtype=np.dtype("f4"), read=read)
        path = (layer, field) if field else (f"arr_{number}",)
        arrays.append(
            NamedArray(number=number, path=path, array=held, layer=layer or None, field=field or None)
        )
    return Found(root=None, arrays=tuple(arrays), **{"empty": (), "left_out": ()} | more)


def _inferred(found: Found, hints: Hints | None = None, dialect: bare_arrays.Dialect | None = None) -> str:
    def tell(made: Any) -> str:
        said = [*made.inferred[1:-1], *made.notes, made.guess, *made.thin]
        return f"{' '.join(map(line_of, made.layers))} {' | '.join(filter(None, said))}"

    return outcome(lambda: bare_arrays.infer(found, hints or Hints(), dialect), tell)


_CHAINED: dict[str, Shapes] = {
    "filters first": ((8, 3, 5, 5), (8,), (4, 8, 3, 3), (4,)),
    "filters last": ((5, 5, 3, 8), (8,), (3, 3, 8, 4), (4,)),
    "filters last, guessed": ((5, 5, 3, 8), (3, 3, 8, 4)), "either": ((3, 3, 3, 3), (3,)),
    "either, twice": ((5, 5, 5, 5), (5, 5, 5, 5)),
    "a generator": ((100, 64, 4, 4), (64, 32, 4, 4), (32, 16, 4, 4), (16, 3, 4, 4)),
    "a generator and more": ((100, 64, 4, 4), (64, 32, 4, 4), (8, 32, 3, 3), (3, 8, 3, 3)),
    "a generator with biases": ((100, 64, 4, 4), (64,), (64, 32, 4, 4), (32,)), "the first alone": ((16, 8,
    4, 4), (4, 8, 3, 3), (2, 4, 3, 3)),
    "one in between": ((8, 3, 3, 3), (8, 16, 3, 3), (4, 16, 3, 3)), "last ones transposed": ((3, 3, 3, 8),
    (8,), (3, 3, 4, 8), (4,)),
    "one behind what tells nothing": ((8, 3, 3, 3), (5, 6, 7), (8, 16, 3, 3), (4, 16, 3, 3)),
    "one behind a number": ((8, 3, 3, 3), (), (8, 16, 3, 3), (4, 16, 3, 3)),
    "one in front of places": ((8, 3, 3, 3), (8, 16, 3, 3), (32, 10)),
    "one in front of units": ((8, 3, 3, 3), (8, 16, 3, 3), (20, 10)),
    "a bias as long as a kernel": ((8, 4, 3, 3), (3,)),
    "a bias as long as one side of a kernel": ((8, 4, 3, 5, 5), (3,)),
    "either in front of an LSTM": ((4, 3, 3, 6), *((6, 4), (4, 4), (4,)) * 4),
    "untied biases behind biases": ((8, 3, 5, 5), (8,), (8, 6, 6)),
    "a large kernel": ((16, 16, 3, 8), (8,)), "the largest": ((15, 15, 3, 8),), "lines": ((8, 3, 5), (8,),
    (4, 8, 3), (4,)),
    "thin ones": ((8, 3, 5), (4, 8, 3)), "lines last": ((5, 3, 8), (8,)), "space": ((8, 3, 5, 5, 5), (8,)),
    "space last": ((5, 5, 5, 3, 8), (8,)),
    "turned round": ((10,), (32, 10), (4,), (4, 8, 3, 3), (8,), (8, 3, 5, 5)), "all turned": ((10, 32), (4,
    8, 3, 3), (8, 3, 5, 5)),
    "units behind places": ((8, 3, 5, 5), (8,), (72, 10), (10,)), "units that do not fit": ((8, 3, 5, 5),
    (8,), (73, 10), (10,)),
    "places behind units": ((10, 32), (32,), (4, 8, 3, 3), (4,)), "a norm": ((8, 3, 5, 5), (8,), (8,), (8,),
    (8,), (4, 8, 3, 3)),
    "a norm and a bias": ((8, 3, 5, 5), (8,), (8,), (8,), (8,), (8,)), "untied biases": ((8, 3, 5, 5), (8,
    6, 6), (4, 8, 3, 3)),
    "a bias with axes": ((8, 3, 5, 5), (1, 8, 1, 1)), "a bias with axes behind": ((5, 5, 3, 8), (1, 1, 1,
    8)), "three vectors": ((8, 3, 5, 5), (8,), (8,), (8,)),
    "a number": ((8, 3, 5, 5), ()), "six axes": ((1, 2, 3, 4, 5, 6),), "depthwise": ((8, 3, 3, 3), (8,), (2,
    8, 3, 3), (16,), (4, 16, 1, 1)),
    "depthwise of one behind a number": ((8, 3, 3, 3), (8,), (), (1, 8, 3, 3), (8,)),
    "depthwise of one": ((8, 3, 3, 3), (8,), (1, 8, 3, 3), (8,)), "transposed of one": ((1, 8, 3, 3), (8,)),
    "an LSTM": ((6, 4), (4, 4), (4,)) * 4, "a GRU, started": (*(((6, 4), (4, 4), (4,)) * 3), (1, 4)),
    "square gates": ((4, 4), (4, 4), (4,)) * 3,
    "square gates, started": (*(((4, 4), (4, 4), (4,)) * 3), (1, 4)), "a GRU and more": (*(((6, 4), (4, 4),
    (4,)) * 3), (4,), (4,), (4,)),
    "peepholes": (*(((6, 4), (4, 4), (4,)) * 4), (4,), (4,), (4,), (1, 4), (1, 4), (4, 2)),
    "a plain one of other units": ((1, 4), (6, 5), (4,), (4, 4)),
    "a plain one": ((1, 4), (6, 4), (4,), (4, 4)),
    "a plain one with biases": ((1, 4), (6, 4), (4,), (4, 4), (4,), (4, 2)), "of one unit": ((1, 1), (6, 1),
    (1,), (1, 1)), "not square": ((1, 4), (6, 4), (4,), (5, 4)),
}  # fmt: skip
_CHAINERS = bare_arrays.Dialect(
    flip_filters=False, depthwise_type="Depthwise{n}D", dense_type="Linear", dense_axes="oi"
)


def _shapes() -> Told:
    for words, shapes in _CHAINED.items():
        yield f"shapes of {words}", _inferred(_found(shapes))
    for words in (
        "depthwise",
        "depthwise of one",
        "depthwise of one behind a number",
        "transposed of one",
        "filters first",
        "units behind places",
        "lines",
    ):
        yield f"Chainer's {words}", _inferred(_found(_CHAINED[words]), dialect=_CHAINERS)
    first, last = _found(_CHAINED["filters first"]), _found(_CHAINED["filters last"])
    for key, order in (
        ("", "hwio"),
        ("", "oihw"),
        ("0", "iohw"),
        ("arr_2", "ihwo"),
        ("2", "oiw"),
        ("arr_9", "oihw"),
    ):
        yield f"axes {key} {order} first", _inferred(first, Hints(axes={key: order}))
        yield f"axes {key} {order} last", _inferred(last, Hints(axes={key: order}))
    thin = _found((*_CHAINED["thin ones"], (10, 4)))
    for convs in (("0",), ("1", "0"), ("arr_1",), ("2",), ("9",), ("0", "0"), ("1",), ("None.W",)):
        yield f"chosen {convs} of first", _inferred(first, Hints(convs=convs))
        yield f"chosen {convs} of thin", _inferred(thin, Hints(convs=convs))
    for order in ("oir", "orc"):
        yield f"chosen 1 as {order} of thin", _inferred(thin, Hints(convs=("0", "1"), axes={"1": order}))
    named = _found(((8, 3, 5, 5), (8,), (8, 8, 3, 3), (4, 8, 3, 3)), ("a.W", "a.b", "a.V", "b."))
    for convs in (("a",), ("a.W",), ("a.V",), ("W",), ("b",), ("b.W",), ("a.V", "a.W"), ("3", "a")):
        yield f"chosen {convs} of names", _inferred(named, Hints(convs=convs))
    odd = _found(((8,), (8, 3, 5, 5)), ("a.W", "a.V"))
    yield "a vector called as weights", _inferred(odd)
    for names in (("",) * 6, ("",) * 5 + ("c.W",)):
        yield f"turned round and called {names}", _inferred(_found(_CHAINED["turned round"], names))
    keys = _found(((8, 3, 5, 5), (8,), (8, 8, 3, 3)), ("a.K", "a.b", "a.V"))
    gates = _found((*((6, 4), (4, 4), (4,)) * 4, (8, 3, 5, 5), (8,), *((6, 4), (4, 4), (4,)) * 4))
    for convs in ((), ("12",)):
        yield f"chosen {convs} among gates", _inferred(gates, Hints(convs=convs))
    for convs in ((), ("a.V",), ("a.K",), ("1",)):
        yield f"chosen {convs} of keys", _inferred(keys, Hints(convs=convs))
    norms = ("n.beta", "n.gamma", "n.mean", "n.inv_std")
    for names in (norms, ("n.beta", "n.gamma"), ("n.gamma",), ("n.beta", "n.gamma", "n.avg_mean",
    "n.avg_var"), ("n.beta", "n.gamma", "n.mean",
    "n.std"), ("n.beta", "n.mean", "n.x", "n.y"),
                  ("n.gamma", "n.beta", "n.avg_var", "n.inv_std")):  # fmt: skip
        yield f"a norm of {names}", _inferred(_found(((8,),) * len(names), names))
    for empty in (((0, "in"),), ((1, "pool"), (2, "drop")), ((4, "end"),), ((9, "a"), (9, "b"))):
        yield f"empty {empty}", _inferred(_found(_CHAINED["filters first"], empty=empty))
    yield "left out", _inferred(_found(_CHAINED["filters first"], left_out=("mean", "more")))
    dialects = (bare_arrays.Dialect(), _CHAINERS)
    for axes in (
        "oirc",
        "iorc",
        "oic",
        "ioc",
        "oidrc",
        "iodrc",
        "rcio",
        "rcoi",
        "drcio",
        "drcoi",
        "cio",
        "gorc",
        "oircyx",
        "oicx",
    ):
        yield f"type of {axes}", " ".join(bare_arrays._conv_type(axes, one) for one in dialects)
    for names in (
        ("avg_var", "inv_std", "std"),
        ("inv_std", "std"),
        ("std",),
        (),
        ("mean", "avg_mean"),
        ("avg_mean",),
    ):
        held = {name: array(3, name=name) for name in names}
        made = bare_arrays._normalisation(held)
        shown = [None if one is None else one.name for one in (made.mean, made.spread)]  # type: ignore[union-attr]
        yield f"a normalisation of {names}", f"{shown} {made.spread_is} {made.epsilon:g}"


def _turned() -> Told:
    """What speaks for a list that is turned round: of matrices, stacks, kernels and vectors."""
    shapes: Shapes = (
        (2, 3),
        (3, 2),
        (2, 3, 3),
        (3, 2, 5),
        (2, 3, 3, 3),
        (3, 2, 3, 3),
        (2, 2, 3, 3, 3),
        (3,),
        (2,),
    )
    for first in shapes:
        rows = []
        for second, third in itertools.product(shapes, shapes[-2:]):
            held = _found((first, second, third)).arrays
            groups = grouping.group(held)
            turned = grouping.in_network_order(held)
            rows.append(
                (
                    f"{second} {third}",
                    f"{grouping._fitting_turned(groups)} {[one.weight_shape for one in turned]}",
                )
            )
        yield from together(rows, f"{first} in front of")


def bare_parts() -> Told:
    """All of it."""
    yield from _files()
    yield from _shapes()
    yield from _turned()
