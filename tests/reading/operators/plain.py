"""Attributes of objects and arrays of numpy: each question with each kind of value that a pickle holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading import arrays
from filtviz.reading.arrays import StoredArray
from filtviz.reading.limits import Limits, Spending, effort
from filtviz.reading.pickle.attributes import LARGEST, NOT_PLAIN, Attributes, Function
from filtviz.reading.pickle.records import Blob, Global, Items, Record
from tests.reading.operators.asking import Told, numbers_of
from tests.telling import refused

__all__ = ["plain"]

F4 = np.arange(6, dtype="<f4")


def _dtype(code: Any = "f4", *state: Any) -> Record:
    found = Record(Global("numpy", "dtype"), (code, 0, 1))
    found.build(state or (3, "<", None, None, None, -1, -1, 0))
    return found


def _array(
    shape: Any = (2, 3), dtype: Any = None, fortran: Any = False, data: Any = None, version: Any = 1
) -> Record:
    found = Record(Global("numpy.core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"))
    held = F4.tobytes() if data is None else data
    facts = (shape, _dtype() if dtype is None else dtype, fortran, held)
    found.build(facts if version is None else (version, *facts))
    return found


def _call(name: str, *args: Any, module: str = "numpy.core.numeric") -> Record:
    return Record(Global(module, name), args)


def _with(record: Record, state: Any) -> Record:
    record.build(state)
    return record


def _items(**held: Any) -> Items:
    return Items([part for entry in held.items() for part in entry])


def _object(path: str = "mine.Net", *args: Any, **held: Any) -> Record:
    module, _, name = path.rpartition(".")
    return _with(Record(Global(module, name), args), _items(**held))


# Arrays


def _arrays() -> Iterator[tuple[str, Any]]:
    yield "an array", _array()
    for shape in (
        (6,),
        (3, 2),
        6,
        [6],
        (),
        (0,),
        (7,),
        (2, 2),
        (-1,),
        (2.0,),
        None,
        "ab",
        (1,) * 32,
        (1,) * 33,
        (1 << 48,),
        (1 << 48, 0),
        ((1 << 48) + 1, 0),
        (True, 6),
    ):
        yield f"shape {shape}"[:60], _array(shape)
        yield f"shape {shape} from a buffer"[:60], _call("_frombuffer", F4.tobytes(), _dtype(), shape, "C")
    for order in ("<", ">", "|", "=", "?", "", None, b"<", 5):
        yield f"order {order!r}", _array(dtype=_dtype("f4", 3, order))
    for code in (
        "f4",
        "<f4",
        ">f4",
        "|f4",
        "i4",
        "u4",
        "b1",
        "f2",
        "f8",
        "c8",
        "O",
        "U3",
        "V4",
        "x",
        b"f4",
        "",
        "f",
        5,
        None,
    ):
        yield f"code {code!r}", _array(dtype=_dtype(code), shape=(2,))
    for name in ("bfloat16", "float8_e5m2", "dream"):
        yield f"narrow {name}", _array((2,), _dtype(Global("ml_dtypes", name)))
        yield f"somebody's {name}", _array((2,), _dtype(Global("mine", name)))
    yield "a type without arguments", _array(dtype=Record(Global("numpy", "dtype"), ()))
    yield "a type without a state", _array(dtype=Record(Global("numpy", "dtype"), ("f4", 0, 1)))
    yield "a type of one fact", _array(dtype=_dtype("f4", 3))
    yield "a type that is none", _array(dtype=Record(Global("numpy", "kind"), ("f4", 0, 1)))
    for fortran in (True, False, 1, 0, 2, None, "F"):
        yield f"fortran {fortran!r}", _array(fortran=fortran)
    data = F4.tobytes()
    for words, held in (
        ("bytes", data),
        ("text", data.decode("latin-1")),
        ("a list", [1, 2]),
        ("nothing", b""),
        ("a blob", Blob(memoryview(data), "bytes")),
        ("Python 2's", Blob(memoryview(data), "latin-1")),
        ("escaped", Blob(memoryview(b"\\x00" * 24), "escape")),
        ("much text", Blob(memoryview(b"a" * 40), "utf-8")),
        ("no text", Blob(memoryview(b"\xff" * 24), "utf-8")),
        ("a number", Blob(memoryview(data), "int")),
        ("more", data + b"more"),
        ("less", data[:-1]),
        ("encoded", _call("encode", data.decode("latin-1"), "latin1", module="_codecs")),
        ("odd text", "\u1234" * 24),
        ("none", None),
    ):
        yield f"data: {words}", _array(data=held)
        yield (
            f"one of {words}",
            _call("scalar", _dtype(), held[:4] if isinstance(held, bytes | str) else held),
        )
    for version in (1, None, "1"):
        yield f"version {version!r}", _array(version=version)
    for n in range(3, 7):
        yield f"{n} facts", _with(_array(), (1, (2, 3), _dtype(), False, data, 5)[:n])
        yield f"{n} facts to the data", _with(_array(), (0, 1, (2, 3), _dtype(), False, data)[-n:])
    yield "no state", Record(Global("numpy.core.multiarray", "_reconstruct"), (1,))
    for order in ("C", "F", "A", None, b"F"):
        yield f"a buffer in {order!r}", _call("_frombuffer", data, _dtype(), (2, 3), order)
    for axes in ((0, 1), (1, 0), (1, 1), (0,), (0, 1, 2), (0, 2), (True, 0), (0.0, 1), 5, None, []):
        yield f"a buffer of axes {axes}", _call("_frombuffer", data, _dtype(), (2, 3), "K", axes)
    yield "a buffer of axes that turn three", _call("_frombuffer", data, _dtype(), (1, 2, 3), "K", (2, 0, 1))
    for n in (2, 3, 6):
        yield f"a buffer of {n} facts", _call("_frombuffer", *(data, _dtype(), (2, 3), "C", (0, 1), 1)[:n])
    for n in range(4):
        yield f"one of {n} facts", _call("scalar", *(_dtype(), data[:4], 1)[:n])
    yield "a buffer of objects", _call("_frombuffer", data, _dtype("O"), (2, 3), "C")
    yield "one object", _call("scalar", _dtype("O"), data)
    state = (1, (2, 3), _dtype(), False, data)
    for n in range(5):
        yield (
            f"of jax, {n} facts",
            _call("_reconstruct_array", *(Global("numpy", "_reconstruct"), (1,), state, {}, 1)[:n]),
        )
    for name in ("CudaNdarray_unpickler", "GpuArray_unpickler", "Array_unpickler"):
        for depth in range(1, 7):
            value: Any = _array()
            for _ in range(depth):
                value = _call(name, value)
            yield f"{depth} {name}", value
    yield "a wrapper of nothing", _call("GpuArray_unpickler")
    yield (
        "a state that is an array",
        _with(_call("Tensor"), StoredArray(shape=(6,), dtype=F4.dtype, strides=(1,), bytes=F4.tobytes)),
    )
    yield "an array itself", StoredArray(shape=(3,), dtype=F4.dtype, strides=(2,), bytes=F4.tobytes, offset=1)
    for kind in ("TensorSharedVariable", "TensorConstant", "Shared", "VariableX"):
        box = _object("theano.Container", storage=[_array()], data=_array((6,)))
        yield f"a {kind}", _object(f"theano.{kind}", container=box, data=_array((3,)), name="W")
        yield f"a {kind} with its data", _object(f"theano.{kind}", data=_array((6,)), name=b"b" * 2000)
        yield (
            f"a {kind} with an empty box",
            _object(f"theano.{kind}", container=_object(storage=[]), data=_array((6,)), name=5),
        )
    for value in (None, 5, "text", [1], Items([]), Global("mine", "Net"), _object()):
        yield f"a {type(value).__name__}", value
    yield "objects", _array(dtype=_dtype("O"), data=[1, "a"])
    yield "objects the other way round", _array(dtype=_dtype("O"), data=[1, "a"], fortran=True)
    yield "objects that are none", _array(dtype=_dtype("O"), data=5)


def _array_told(value: Any) -> str:
    told = []
    for ask in (arrays.as_array, arrays.value_of):
        try:
            found = ask(value, Limits(allocation=30))
            told.append("none" if found is None else f"{_numbers(found)} {found.nbytes} of {found.stop}")
        except FiltvizError as error:
            told.append(refused(error))
    told = told[:1] if told[0] == told[1] else told
    items, name = arrays.object_items(value), arrays.variable_name(value)
    told += [f"objects {items}"] if items is not None else []
    told += [f"called {name[:3]} {len(name)}"] if name is not None else []
    return " | ".join([*told, *["a variable"] * arrays.is_variable(value)])


def _numbers(found: StoredArray) -> str:
    held = found.read()
    return numbers_of(held if held.dtype.kind != "c" else held.real)


# Attributes


class _Odd:
    """A value that no pickle gives."""


def _values() -> Iterator[tuple[str, Any]]:
    yield from (
        (repr(one)[:40], one)
        for one in (
            None,
            True,
            0,
            -3,
            LARGEST - 1,
            LARGEST,
            1 - LARGEST,
            -LARGEST,
            2.5,
            float("inf"),
            float("nan"),
            "text",
            b"bytes",
            "",
            (),
            [],
            (1, 2),
            [3],
            (1, "a"),
            (1, None),
            (1, 2.5),
            (True, 1),
            (1, -1),
            ((1, 2), 3),
            ((1,), (2, 3)),
            ((1, 2, 3), 1),
            ((1, "a"), 1),
            ((1, True), 1),
            ((), 1),
            (((1,),), 1),
            (LARGEST, 1),
            ((LARGEST, 1), 1),
            (0, None),
            [None, 3],
        )
    )
    yield "64 parts", (1,) * 64
    yield "65 parts", [1] * 65
    yield "32 parts", (2,) * 32
    yield "33 parts", (2,) * 33
    yield "a number of numpy's", _call("scalar", _dtype("i4"), b"\7\0\0\0")
    yield "a large one", _call("scalar", _dtype("i8"), b"\0\0\0\0\0\0\0\1")
    yield "a tuple of them", (_call("scalar", _dtype("i4"), b"\7\0\0\0"), 2)
    yield "an array", _array()
    yield "an array of one", _array(())
    yield "a long text", Blob(memoryview(b"x" * 300), "utf-8")
    yield "a mapping", _items(a=1)
    yield "a class", Global("mine", "f")
    yield "something else", _Odd()
    for args in (
        (1, 5, 2),
        (None, None, -1),
        (0, 5, 0),
        (1, 5),
        (1, 2.5, 1),
        (1, "a", 1),
        (None, True, None),
        (LARGEST, None, None),
    ):
        yield f"slice {args}", _call("slice", *args, module="builtins")
    yield "a set", _call("set", [1, 2], module="builtins")


QUESTIONS: Mapping[str, Callable[[Attributes], Any]] = {
    "plain": lambda one: one.plain(one.raw("a")),
    "whole": lambda one: one.whole("a"),
    "wholes": lambda one: one.wholes("a"),
    "wholes of 2 axes": lambda one: one.wholes("nobody", "a", "b", axes=2),
    "shape": lambda one: one.shape("a"),
    "word": lambda one: one.word("a"),
    "number": lambda one: one.number(one.raw("a")),
    "slice": lambda one: one.as_slice("a"),
    "array": lambda one: one.array("a"),
    "function": lambda one: one.function("a"),
}


def _answers(value: Any) -> str:
    told: list[str] = []
    spent = 0
    for words, ask in QUESTIONS.items():
        effort_ = effort(Limits())
        one = Attributes(_object(a=value, b=(9,)), effort_)
        try:
            found = ask(one)
        except FiltvizError as error:
            found = refused(error)
        if found is not None and found is not NOT_PLAIN:
            told.append(f"{words} {_shown(found)}")
        elif found is NOT_PLAIN:
            told.append("not plain")
        spent += effort_.used
    return f"{'; '.join(told)} ({spent} steps)"


def _shown(found: Any) -> str:
    if isinstance(found, StoredArray):
        return _numbers(found)
    if isinstance(found, Function):
        more = f" by {found.scalar_op}" if found.scalar_op else ""
        return (
            f"{found.module}.{found.name} {dict(found.parameters)}{more}{'' if found.told else ' and more'}"
        )
    text = repr(found)
    return text if len(text) < 50 else f"{text[:20]}~{len(text)}"


def _functions() -> Iterator[tuple[str, Any]]:
    path = Global("mine", "leaky")

    def partial(called: Any, args: Any = (), keywords: Any = None, name: str = "functools.partial") -> Record:
        found = _object(name, called)
        return _with(found, (called, args, _items() if keywords is None else keywords, None))

    yield "a function", path
    yield "an object without a class", Record("text", ())
    yield "an object", _object("mine.Leaky")
    yield "an object of a number", _object("mine.Leaky", leakiness=0.25, n=2)
    yield "an object of more", _object("mine.Leaky", leakiness=0.25, more=[1])
    for value in (None, True, "text", b"text", [1], float("inf"), 1 << 40, Global("mine", "f")):
        yield f"an object of {value!r}", _object("mine.Leaky", a=value, leakiness=0.25)
    for cls in ("theano.scalar.Tanh", "theanox.Tanh", "mine.Tanh"):
        yield f"an operator {cls}", _object("theano.tensor.Elemwise", scalar_op=_object(cls), more=[1])
        yield (
            f"an operator {cls} of numbers",
            partial(_object("theano.tensor.Elemwise", scalar_op=_object(cls)), (), _items(a=1)),
        )
    yield "an operator that is none", _object("theano.tensor.Elemwise", scalar_op=5)
    yield "an operator without a class", _object("theano.tensor.Elemwise", scalar_op=Record("x", ()))
    for name in ("functools.partial", "_functools.partial", "mine.partial"):
        yield f"{name}", partial(path, (), _items(alpha=0.5), name)
    yield "bound numbers and an object", partial(_object("mine.Leaky", leakiness=1), (), _items(alpha=0.5))
    yield "bound to an object with nothing", partial(_object("mine.Leaky", leakiness=1))
    yield "bound arguments and an object", partial(_object("mine.Leaky", leakiness=1), (1,))
    yield "bound arguments", partial(path, (1,), _items(alpha=0.5))
    yield "bound to text", partial(path, (), _items(alpha="text"))
    yield "bound under no name", partial(path, (), Items([5, 1]))
    yield "bound under an empty name", partial(path, (), Items(["", 1]))
    yield "bound to nothing told", partial(path, (), 5)
    yield "bound twice", partial(partial(path, (), _items(alpha=0.5, beta=1)), (), _items(alpha=0.25))
    yield "bound arguments inside", partial(partial(path, (1,), _items(alpha=0.5)), (), _items(alpha=0.25))
    for depth in (7, 8, 9):
        value: Any = path
        for _ in range(depth):
            value = partial(value, (), _items(alpha=0.5))
        yield f"bound {depth} times", value
    for n in range(1, 5):
        yield (
            f"a state of {n} facts",
            _with(_object("functools.partial", path), (path, (), _items(a=1), None)[:n]),
        )
    yield "by arguments", Record(Global("functools", "partial"), (path,))
    yield "by more arguments", Record(Global("functools", "partial"), (path, 1))
    yield "by keywords", Record(Global("functools", "partial"), (path,), _items(alpha=0.5))
    yield "by no arguments", Record(Global("functools", "partial"), ())


def _lying() -> Told:
    """Arrays that lie in bytes in any way, and how many elements they may seem to have."""
    data, many = bytes(range(48)), 1 << 48
    for shape, strides, offset in (
        ((6,), (2,), 1),
        ((6,), (2,), 2),
        ((12,), (1,), 0),
        ((13,), (1,), 0),
        ((4, 3), (0, 1), 0),
        ((4, 3), (0, 0), 11),
        ((4, 3), (0, 0), 12),
        ((0, 3), (9, 9), 99),
        ((1,) * 32, (0,) * 32, 0),
        ((1,) * 33, (0,) * 33, 0),
        ((2,), (1, 1), 0),
        ((2, 2), (1,), 0),
        ((-1,), (1,), 0),
        ((1,), (-1,), 0),
        ((1,), (1,), -1),
        ((many, 0), (1, 1), 0),
        ((many + 1, 0), (1, 1), 0),
        ((2,), (0,), 0),
        ((1 << 24,), (0,), 0),
        ((1 << 25,), (0,), 0),
    ):
        try:
            found = arrays.strided(
                shape, F4.dtype, strides, offset, len(data), lambda: memoryview(data), Limits()
            )
            told = f"{found.nbytes} of {found.stop} {numbers_of(found.read()) if found.nbytes < 999 else ''}"
        except FiltvizError as error:
            told = refused(error)
        yield f"lying {shape} {strides} {offset}"[:80], told
    for shape in ((12,), (13,), (3, 4), (many, 0), (many + 1, 0), (1,) * 32, (1,) * 33):
        for fortran in (False, True):
            try:
                one = arrays.stored(shape, F4.dtype, fortran, len(data), lambda: memoryview(data))
                told = f"{one.strides} {numbers_of(one.read())}"
            except FiltvizError as error:
                told = refused(error)
            yield f"stored {shape} {fortran}"[:80], told


def plain() -> Told:
    """What is told of arrays, and what attributes answer."""
    for words, value in _arrays():
        yield f"array: {words}", _array_told(value)
    for words, value in _values():
        yield f"attribute: {words}", _answers(value)
    for words, value in _functions():
        spent: Spending = effort(Limits())
        one = Attributes(_object(a=value), spent)
        found = one.function("a")
        yield f"function: {words}", f"{'none' if found is None else _shown(found)} ({spent.used} steps)"
    yield from _lying()
    for words, state in (
        ("a dictionary and slots", (_items(a=1, b=2), _items(a=3, c=4))),
        ("slots alone", (None, _items(a=3))),
        ("a dictionary alone", (_items(a=1), None)),
        ("three", (_items(a=1), 5, _items(a=9))),
    ):
        one = Attributes(_with(_object(), state), effort(Limits()))
        yield f"state of {words}", f"{one.raw('a')} {one.raw('b')} {one.raw('c')}"
    inner = Record(Global("mine", "Outer.Inner"), ())
    for record in (_object("mine.Net"), Record("text", ()), _object("mine.Net", a=None), inner):
        one = Attributes(record, effort(Limits()))
        yield f"object {one.type}", f"{one.has()} {one.has('a')} {one.has('a', 'b')} {one.raw('a')}"
