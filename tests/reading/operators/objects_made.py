"""Objects as the pickle machine makes them, without a pickle: a file that holds them is looked at at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from filtviz.reading.arrays import stored
from filtviz.reading.limits import Limits
from filtviz.reading.opened import Objects, Opened
from filtviz.reading.pickle.records import Global, Items, Record
from tests.reading.making import Named, Thing
from tests.reading.operators.wholes import opened

__all__ = ["holding"]


def holding(*roots: Any, limits: Limits | None = None, form: str = "pickle") -> Opened:
    """A file with objects in it."""
    file = opened(b"", name="model.pkl", limits=limits)
    vars(file)["objects"] = Objects(roots=tuple(_object(root, {}) for root in roots), form=form)
    return file


def _object(value: Any, met: dict[int, Any]) -> Any:
    """What the pickle machine makes of an object."""
    if id(value) in met:
        return met[id(value)]
    if type(value) is Named:
        module, _, name = value.path.rpartition(".")
        return met.setdefault(id(value), Global(module, name))
    if type(value) is Thing:
        record = met[id(value)] = Record(_object(value.cls, met), ())
        record.build(_object(value.state, met))
        return record
    if isinstance(value, dict):
        return Items([_object(part, met) for entry in value.items() for part in entry])
    if isinstance(value, np.ndarray):
        view = memoryview(value.tobytes())
        return stored(value.shape, value.dtype, False, len(view), lambda: view)
    return type(value)(_object(one, met) for one in value) if type(value) in (list, tuple, set) else value
