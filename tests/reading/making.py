"""Bytes of model files, made by Python's own pickle from stand-ins for classes that do not exist here."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np


class Named:
    """A class or function that is pickled by name, wherever it may be."""

    def __init__(self, path: str) -> None:
        self.path = path


class Thing:
    """An object of a class by name, with constructor arguments and attributes."""

    def __init__(self, cls: str, *args: Any, **state: Any) -> None:
        self.cls, self.args, self.state = Named(cls), args, state

    def __repr__(self) -> str:  # a test's name, which may not hold an address
        return f"Thing({self.cls.path!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.cls, self.args, self.state) if self.state else (self.cls, self.args)


class _Pickler(pickle._Pickler):
    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_named(self, named: Named) -> None:
        module, _, name = named.path.rpartition(".")
        self.write(f"c{module}\n{name}\n".encode())
        self.memoize(named)

    dispatch[Named] = save_named

    def save_reduce(self, func, args, *rest, obj=None, **more):
        if isinstance(func, Named):
            self.save(func)
            self.save(args)
            self.write(pickle.REDUCE)
            self.memoize(obj)
            if rest and rest[0] is not None:
                self.save(rest[0])
                self.write(pickle.BUILD)
            return
        super().save_reduce(func, args, *rest, obj=obj, **more)


def dumps(value: Any, protocol: int = 2) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, protocol).dump(value)
    return buffer.getvalue()


def write(path: Path, value: Any, protocol: int = 2) -> Path:
    path.write_bytes(dumps(value, protocol))
    return path


def weights(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def shared(array: Any, name: str | None = None) -> Thing:
    container = Thing("theano.gof.link.Container", storage=[array], name=name)
    return Thing("theano.tensor.sharedvar.TensorSharedVariable", container=container, name=name)


def layer(cls: str, *inputs: Any, **state: Any) -> Thing:
    """A Lasagne layer; arrays among its attributes become shared variables and registered parameters."""
    arrays = {key: shared(value, key) for key, value in state.items() if isinstance(value, np.ndarray)}
    facts = {"name": None, **state, **arrays}
    facts["params"] = OrderedDict((variable, {"trainable"}) for variable in arrays.values())
    if len(inputs) > 1:
        facts["input_layers"] = list(inputs)
    elif inputs:
        facts["input_layer"] = inputs[0]
    module = cls if "." in cls else f"lasagne.layers.some.{cls}"
    return Thing(module, **facts)


def image(*shape: int | None) -> Thing:
    return layer("InputLayer", shape=(None, *shape), input_var=None)


def conv(below: Any, w: np.ndarray, cls: str = "Conv2DLayer", **state: Any) -> Thing:
    facts = {
        "num_filters": w.shape[0],
        "filter_size": w.shape[2:],
        "stride": (1,) * (w.ndim - 2),
        "pad": (0,) * (w.ndim - 2),
        **state,
    }
    return layer(cls, below, W=w, **facts)
