"""Caffe2's blobs in a pickle, as the first Detectron keeps them: ``conv1_w``, ``conv1_b``, ``bn_s``.

The blobs lie under the key ``blobs``, or are the whole dictionary; beside each that is trained there may be
its momentum, which has the shape of a kernel and is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from filtviz.network import Network
from filtviz.reading.formats.bare_arrays.collecting import collect
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.records import Items, name_of, pairs
from filtviz.reading.tensor_names import PYTORCH, Tensor, first_things_first
from filtviz.reading.tensors import layers_of
from filtviz.text import natural_key

__all__ = ["open"]

_WORDS = re.compile(r"(?P<layer>.+)_(?P<word>w|b|s|rm|riv)")
_MOMENTUM = re.compile(r".+_(w|b|s)_momentum")
_BLOBS = "blobs"
_BY_NAME = "the names: the file does not keep the order of the layers"
_CAFFE2 = replace(
    PYTORCH, roles={"w": "weight", "b": "bias", "s": "gamma"}, conv_type="Conv", dense_type="FC"
)


def open(opened: Opened) -> Network | None:
    """Read the blobs by their names.

    Raises:
        LimitError: there are too many.
    """
    if len(opened.roots) != 1 or type(opened.roots[0]) is not Items or opened.is_npz:
        return None
    if len(opened.roots[0].flat) > 2 * opened.limits.layers:  # keys may be without end
        return None
    keys = {name_of(key): value for key, value in pairs(opened.roots[0], opened.effort) or ()}
    inside = _BLOBS in keys and type(keys[_BLOBS]) is Items
    held = pairs(keys[_BLOBS], opened.effort) or () if inside else ()
    names = [name_of(key) or "" for key, _ in held] if inside else [name or "" for name in keys]
    if not _are_caffe2s(names, inside=inside):
        return None
    found = [one for one in collect(opened, everything=True).arrays if not inside or one.path[0] == _BLOBS]
    opened.limits.check("layers", len(found), f"it holds {len(found):,} arrays")
    kept = [one for one in found if len(one.path) == 1 + inside and _WORDS.fullmatch(one.path[-1])]
    tensors = [Tensor(name=_WORDS.sub(r"\g<layer>.\g<word>", one.path[-1]), array=one.array) for one in kept]
    as_run = _stand_together(tensors)
    if not as_run:
        by_name = sorted(tensors, key=lambda one: natural_key(one.name))
        tensors = first_things_first(by_name, _CAFFE2)
    made = layers_of(tensors, _CAFFE2, opened.hints, as_they_run=as_run)
    n_moments = sum(bool(_MOMENTUM.fullmatch(one.path[-1])) for one in found)
    origin = origin_of(
        opened,
        "Caffe2's blobs",
        framework="Caffe2",
        order="the order of the dictionary" if as_run else _BY_NAME,
        left_out=("the optimiser's state (_momentum)",) if n_moments else (),
        inferred=(*made.inferred, "kernels have the axes in which Caffe2 stores them (oihw)"),
    )
    return Network.of(made.layers, origin)


def _are_caffe2s(names: Sequence[str], *, inside: bool) -> bool:
    """Tell Caffe2's by names that are all its words, for what is said to be blobs by most of them."""
    n_words = sum(bool(_WORDS.fullmatch(one) or _MOMENTUM.fullmatch(one)) for one in names)
    own = any(_MOMENTUM.fullmatch(one) or one.endswith(("_bn_s", "_bn_riv")) for one in names)
    return bool(n_words) and (2 * n_words >= len(names) if inside else own and n_words == len(names))


def _stand_together(tensors: Sequence[Tensor]) -> bool:
    """Tell the order of layers, each with its arrays side by side, from that of an old dictionary."""
    layers = [one.name.rpartition(".")[0] for one in tensors]
    n_turns = 1 + sum(one != other for one, other in pairwise(layers))
    return n_turns == len(set(layers)) < len(layers)
