"""Chainer's npz files: ``predictor/conv1/W``, with the persistent values of batch normalisation."""

from __future__ import annotations

from dataclasses import replace

from filtviz.network import Network
from filtviz.reading.formats.bare_arrays.collecting import collect
from filtviz.reading.formats.bare_arrays.inferring import Dialect, infer
from filtviz.reading.opened import Contents, origin_of

__all__ = ["matches", "read"]

_FIELDS = frozenset({"W", "b", "gamma", "beta", "avg_mean", "avg_var", "N"})
_CHAINER = Dialect(flip_filters=False, dense_type="Linear", dense_axes="oi")
"""Chainer correlates, and its Linear has ``W`` as (outputs, inputs)."""


def matches(contents: Contents) -> bool:
    """Tell by names that are all paths which end in what Chainer's links call their parameters."""
    if not contents.is_npz:
        return False
    names = [name for root in contents.roots for name in root.by_name()]
    weights = [name for name in names if "/" in name and name.rpartition("/")[2] in _FIELDS]
    return bool(weights) and all("/" in name for name in names)


def read(contents: Contents) -> Network:
    """Read the parameters; a snapshot's optimiser has arrays too, which are left out."""
    found = collect(contents)
    kept = [named for named in found.arrays if "optimizer" not in named.source]
    found = replace(found, arrays=tuple(replace(named, number=number) for number, named in enumerate(kept)))
    found.check(contents.limits)
    inference = infer(found, contents.hints, _CHAINER)
    origin = origin_of(contents, "a Chainer npz", inferred=inference.inferred, notes=inference.notes)
    return Network.of(inference.layers, origin)
