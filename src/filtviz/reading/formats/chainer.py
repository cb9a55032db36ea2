"""Chainer's npz files: ``predictor/conv1/W``, with the persistent values of batch normalisation."""

from __future__ import annotations

from dataclasses import replace

from filtviz.network import Network
from filtviz.reading.formats.bare_arrays import Dialect, infer
from filtviz.reading.formats.bare_arrays.collecting import collect
from filtviz.reading.opened import Opened, origin_of

__all__ = ["open"]

_FIELDS = frozenset({"W", "b", "gamma", "beta", "avg_mean", "avg_var", "N"})
_CHAINER = Dialect(
    flip_filters=False,
    conv_type="Convolution{n}D",
    transposed_type="Deconvolution{n}D",
    depthwise_type="DepthwiseConvolution{n}D",
    norm_type="BatchNormalization",
    dense_type="Linear",
    dense_axes="oi",
)
"""Chainer correlates, and its Linear has ``W`` as (outputs, inputs)."""


def open(opened: Opened) -> Network | None:
    """Read the parameters; a snapshot's optimiser has arrays too, which are left out."""
    if not _is_chainers(opened):
        return None
    found = collect(opened)
    kept = [named for named in found.arrays if "optimizer" not in named.source]
    found = replace(found, arrays=tuple(replace(named, number=number) for number, named in enumerate(kept)))
    inference = infer(found, opened.hints, _CHAINER)
    origin = origin_of(
        opened,
        "a Chainer npz",
        framework="Chainer",
        inferred=inference.inferred,
        notes=inference.notes,
        guess=inference.guess,
    )
    return Network.of(inference.layers, origin)


def _is_chainers(opened: Opened) -> bool:
    """Tell by names that are all paths which end in what Chainer's links call their parameters."""
    if not opened.is_npz:
        return False
    names = [name for root in opened.roots for name in root.by_name()]
    weights = [name for name in names if name.rpartition("/")[2] in _FIELDS]
    are_haikus = any(name.endswith("/w") for name in names)
    return bool(weights) and all("/" in name for name in names) and not are_haikus
