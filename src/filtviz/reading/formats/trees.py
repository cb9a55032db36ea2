"""Trees and dictionaries of arrays in the words of today's frameworks: Flax, Keras, PyTorch, Paddle.

They are in MessagePack (`flax.serialization`), a pickle, an npz or an npy, and are told by the names of their
arrays: ``kernel`` has its filters last, ``weight`` has them first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.network import Network
from filtviz.reading.arrays import AnyArray, dtype_of_code, narrow_dtype, object_items, shape_of, stored
from filtviz.reading.formats.bare_arrays.collecting import LONGEST_SOURCE, collect
from filtviz.reading.msgpack import Extension, unpack
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.optimised import Moved, moved_by_name
from filtviz.reading.pickle.records import Items, name_of, pairs
from filtviz.reading.stretch import Stretch, view_of
from filtviz.reading.tensor_names import FLAX, HAIKU, PADDLE, PYTORCH, Convention, Tensor, are_sorted
from filtviz.reading.tensors import layers_of
from filtviz.text import natural_key

__all__ = ["ENTRIES", "open", "without_collections"]

ENTRIES = ("flax_model.msgpack",)

_LEFT_OUT = re.compile(r"(?i)(^|/)(opt_state|optimizer|opt|mu|nu|ema|ema_params|batch_stats_ema)(/|$)")
_FIRST_MAP = re.compile(rb"[\x81-\x8f\xde\xdf]")
_CODES = {
    **{f"float{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"{kind}int{8 * size}": f"<{kind or 'i'}{size}" for kind in ("", "u") for size in (1, 2, 4, 8)},
    "bool": "|b1",
}


@dataclass(frozen=True, kw_only=True)
class _Words:
    """The words of a framework: what it calls kernels, and how it stores them."""

    kernel: str
    convention: Convention
    framework: str
    order: str
    axes: str


_JAX = _Words(
    kernel="kernel",
    convention=FLAX,
    framework="Flax",
    order="the order of the tree",
    axes="kernels have the axes in which Flax and Keras store them (hwio)",
)
_HAIKU = _Words(
    kernel="w",
    convention=HAIKU,
    framework="Haiku",
    order="the order of the tree",
    axes="kernels have the axes in which Haiku stores them (hwio)",
)
_OF_HAIKU = re.compile(r"(^|/)(~|(depthwise_)?conv[1-3]_d(_transpose)?|linear|batch_norm)(_\d+)?/")
"""Names that Haiku makes of the classes of its modules."""

_TORCH = _Words(
    kernel="weight",
    convention=replace(PYTORCH, separator="/"),
    framework="PyTorch",
    order="the order of the dictionary",
    axes="kernels have the axes in which PyTorch stores them (oihw)",
)
_PADDLE = _Words(
    kernel="weight",
    convention=replace(PADDLE, separator="/"),
    framework="Paddle",
    order="the order of the dictionary",
    axes="kernels have the axes in which Paddle stores them (oihw)",
)
_SORTED = "the names, which are sorted: the file does not keep the order of the layers"
_PADDLES_KEY = "StructuredToParameterName@@"


def open(opened: Opened) -> Network | None:
    """Read arrays that are called as a framework calls them.

    Raises:
        MalformedFileError: the file is damaged or cut short.
        LimitError: it has too many arrays.
    """
    form, tensors, is_paddles, beside = "MessagePack", _of_msgpack(opened), False, tuple[str, ...]()
    if tensors is None:
        form = opened.objects.form
        tensors, is_paddles, beside = _of_objects(opened) if opened.roots else ([], False, ())
    words = _words_of(tensors, opened, is_paddles=is_paddles)
    if words is None:
        return None
    opened.limits.check("layers", len(tensors), f"it holds {len(tensors):,} arrays")
    if opened.is_npz:
        tensors = _as_saved(tensors, opened)
    kept = [tensor for tensor in tensors if not _LEFT_OUT.search(tensor.name)]
    kept = kept if any(_is_kernel(tensor, words) for tensor in kept) else tensors
    wrapper = _wrapper_of(opened)
    if words.convention.kernels == PYTORCH.kernels and wrapper is not None:
        kept = [replace(one, name=one.name.removeprefix(wrapper).replace("/", ".")) for one in kept]
        words = replace(words, convention=replace(words.convention, separator="."))
    found = without_collections(kept)
    as_they_run = not any(
        are_sorted([one.name for one in each], words.convention.separator) for each in (kept, found)
    )
    made = layers_of(found, words.convention, opened.hints, as_they_run=as_they_run)
    others = ("the optimiser's state, or other copies of the weights",) if len(kept) < len(tensors) else ()
    optimised = _optimised(found, tensors, words.kernel, opened)
    origin = origin_of(
        opened,
        "a tree of parameters",
        objects=Objects(form=form) if form == "MessagePack" else None,
        framework=words.framework,
        order=words.order if as_they_run else _SORTED,
        left_out=(*others, *beside),
        training=("its optimiser has moved weights",) if optimised.moved else (),
        moved=optimised.moved,
        resting=optimised.resting,
        inferred=(*made.inferred, words.axes),
    )
    return Network.of(made.layers, origin)


_STATES = frozenset({"opt_state", "optimizer", "opt"})
_MOMENTS = frozenset({"mu", "nu", "trace", "sum_of_squares"})
"""What the state of an optimiser is called, and in it moments of Optax's, behind which the names stand."""


def _of_moment(name: str) -> str:
    """Return of what an array of that name is a moment, empty for none."""
    parts = iter(name.split("/"))
    is_moment = any(part in _STATES for part in parts) and any(part in _MOMENTS for part in parts)
    return _without_collection("/".join(parts)) if is_moment else ""


def _optimised(weights: Sequence[Tensor], tensors: Sequence[Tensor], kernel: str, opened: Opened) -> Moved:
    """Return which layers an optimiser of Optax's has moved: it keeps moments under their names."""
    ending = f"/{kernel}"
    held = {
        _without_collection(each.name): (each.name.removesuffix(ending), tuple(each.array.shape))
        for each in weights
        if each.name.endswith(ending)
    }
    named = [(_of_moment(each.name), each.array) for each in tensors]
    moments = [(held[name][0], array) for name, array in named if name in held]
    return moved_by_name(dict(held.values()), moments, opened.effort)


def _words_of(tensors: Sequence[Tensor], opened: Opened, *, is_paddles: bool) -> _Words | None:
    """Return the words in which kernels are named, None where they are not or in Lasagne's own."""
    is_paddles = is_paddles or any(
        key == _PADDLES_KEY for root in opened.roots for key, _ in pairs(root, opened.effort) or ()
    )
    for words in (_JAX, _PADDLE if is_paddles else _TORCH):
        if any(_is_kernel(tensor, words) for tensor in tensors):
            return words
    is_haikus = any(_OF_HAIKU.search(tensor.name) for tensor in tensors if tensor.name.endswith("/w"))
    return _HAIKU if is_haikus and any(_is_kernel(tensor, _HAIKU) for tensor in tensors) else None


def _is_kernel(tensor: Tensor, words: _Words) -> bool:
    first, _, last = tensor.name.rpartition("/")
    return bool(first) and last == words.kernel and len(tensor.array.shape) in (4, 5)


def without_collections(tensors: Sequence[Tensor], separator: str = "/") -> list[Tensor]:
    """Put the statistics of a layer with its parameters: ``params/bn/scale`` and ``batch_stats/bn/mean``.

    Args:
        tensors: The arrays of a tree of Flax's.
        separator: What stands between the names of a layer and of its parameter.
    """
    return [
        Tensor(name=_without_collection(tensor.name, separator), array=tensor.array) for tensor in tensors
    ]


def _without_collection(name: str, separator: str = "/") -> str:
    """Return a name without the collections in front: two, where all variables lie under ``params``."""
    for _ in range(2):
        first, _, rest = name.partition(separator)
        name = rest if first in ("params", "batch_stats") and rest else name
    return name


def _of_msgpack(opened: Opened) -> list[Tensor] | None:
    if not _FIRST_MAP.match(opened.start):
        return None
    view = view_of(opened.data)
    try:
        tree, stop = unpack(view, opened.effort)
    except MalformedFileError:
        if b"params" in opened.start:
            raise
        return None
    if stop != len(view) or not isinstance(tree, dict):
        return None
    return [Tensor(name=name, array=array) for name, array in _arrays(tree, opened, "")]


def _arrays(tree: Any, opened: Opened, path: str) -> Iterator[tuple[str, AnyArray]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            opened.effort.spend((len(path) + len(key)) >> 4)  # what lies below a long key has it in its name
            yield from _arrays(value, opened, f"{path}/{key}" if path else key)
    elif isinstance(tree, Extension) and tree.kind == 1 and (array := _array(tree, opened)) is not None:
        yield path, array


def _array(held: Extension, opened: Opened) -> AnyArray | None:
    parts, _ = unpack(held.data, opened.effort)
    if not isinstance(parts, list) or len(parts) != 3 or not isinstance(parts[2], memoryview | Stretch):
        return None
    shape, code, data = shape_of(parts[0]), str(parts[1]), parts[2]
    dtype = dtype_of_code(_CODES[code]) if code in _CODES else narrow_dtype(code)
    if shape is None or dtype is None:
        return None
    return stored(shape, dtype, False, len(data), lambda: data)


_KEYS = re.compile(r"\['([^']*)'\]|\[(\d+)\]|\.([^.\[]+)|([^.\[]+)")


def _are_paddles_pairs(paths: Sequence[Sequence[str]]) -> bool:
    """Tell the pairs of a name and an array in which `paddle.save` keeps tensors within a dictionary."""
    return bool(paths) and all(len(path) > 2 and path[-1] == "1" for path in paths)


_OF_STATE = re.compile(r"(?<![^/])_mapping/|/_?(raw_)?value\Z")
"""What the classes of Flax's NNX put into the path to an array."""


def _of_objects(opened: Opened) -> tuple[list[Tensor], bool, tuple[str, ...]]:
    """Return arrays with their whole paths, whether they are Paddle's, and what lies beside them."""
    collected = collect(opened, everything=True)
    held = collected.arrays
    # `np.save` of a dictionary makes an array of objects that has one, number 0.
    start = 1 if all(len(named.path) > 1 and named.path[0] == "0" for named in held) else 0
    stop = -1 if _are_paddles_pairs([named.path for named in held]) else None
    found = [Tensor(name=_path(named.path[start:stop]), array=named.array) for named in held]
    if any(one.module.startswith("flax.nnx") for one in opened.globals):
        found = [replace(one, name=_OF_STATE.sub("", one.name)) for one in found]
    found = sorted(found, key=lambda one: natural_key(one.name)) if opened.is_npz else found
    return found, stop is not None, collected.left_out


def _as_saved(tensors: Sequence[Tensor], opened: Opened) -> list[Tensor]:
    """Put the arrays of an npz in its own order, where weights before their biases show that it is one."""
    places = {name: place for place, name in enumerate(_members(opened))}
    found = sorted(tensors, key=lambda one: places.get(one.name, -1))
    names = [one.name for one in found]
    says_nothing = len({name.rpartition("/")[0] for name in names}) == len(names)
    return list(tensors) if says_nothing or are_sorted(names, "/") else found


def _members(opened: Opened) -> list[str]:
    """Return the paths of the arrays of an npz, in the order in which they lie there."""
    return [_path([str(key)]) for key, _ in pairs(opened.roots[0], opened.effort) or ()]


def _wrapper_of(opened: Opened) -> str | None:
    """Return the key under which a dictionary of arrays by names with dots lies, as a state_dict has them.

    It is empty where the dictionary lies under none; None where there is no such dictionary.
    """
    held = opened.roots[0] if len(opened.roots) == 1 else None
    items = object_items(held) or ()
    found = _named(items[0] if len(items) == 1 else held, opened)
    wrapped = [(name, value) for name, value in found if name in _WRAPPERS and type(value) is Items]
    key = ""
    if len(wrapped) == 1 and not any("." in name for name, _ in found):
        key, found = f"{wrapped[0][0]}/", _named(wrapped[0][1], opened)
    is_dotted = any("." in name for name, _ in found) and not any("/" in name for name, _ in found)
    return key if is_dotted else None


def _named(value: Any, opened: Opened) -> list[tuple[str, Any]]:
    return [(name_of(key) or "", held) for key, held in pairs(value, opened.effort) or ()]


_WRAPPERS = ("model", "state_dict", "params", "weights")
_DOTTED = re.compile(rf"\A({'|'.join(_WRAPPERS)})/[^/]+\.(weight|bias|running_(mean|var)|_mean|_variance)\Z")
"""A name of PyTorch's under a key, as Detectron2 keeps its arrays."""


def _path(keys: Sequence[str]) -> str:
    """Join the keys to an array, those of JAX's own writing too: ``['params']['conv']['kernel']``."""
    joined = "/".join(keys).removesuffix(":0")[-LONGEST_SOURCE:]
    if "['" in joined:
        joined = "/".join(next(filter(None, match)) for match in _KEYS.findall(joined) if any(match))
    if "/" not in joined or _DOTTED.search(joined):
        return joined.replace(".", "/")
    return joined
