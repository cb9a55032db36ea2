"""Weights that a layer computes from others: weight norm, spectral norm, pruning, parametrisations.

A file then has the parts (``weight_g`` and ``weight_v``) and not the weights that the layer convolves with.
These are computed where the parts tell them, as ``torch/nn/utils`` does for a network that is not trained any
more; the parts stay the layer's parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from filtviz.parameter import holds_numbers
from filtviz.reading.arrays import ElementType, number_by_number
from filtviz.reading.formats.torch.norms import (
    Array,
    computed_like,
    gain_fits,
    spectral_norm,
    vectors_fit,
    weight_norm,
)
from filtviz.reading.formats.torch.parametrised import SPECTRAL_NORM, WEIGHT_NORM, parametrised
from filtviz.reading.limits import Computing, Spending
from filtviz.reading.tensors import Tensor
from filtviz.text import listed, names_of_file, printable

__all__ = ["Effective", "effective_tensors", "without_prefixes"]


@dataclass(frozen=True, kw_only=True)
class Effective:
    """Tensors in the file's order, with what parts make in their place, and sentences about it.

    ``guess`` says of which it was concluded how they are made, where it may be otherwise.
    """

    tensors: tuple[Tensor, ...]
    sentences: tuple[str, ...]
    guess: str = ""


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """Names of parts behind a parameter's name → what they make.

    ``parts`` are needed and ``optional`` ones may be there; ``compute`` gets them in that order, None for
    what is not there, and the type to round to. ``fits`` tells by shapes whether the parts are what their
    names say.
    """

    what: str
    parts: tuple[str, ...]
    optional: tuple[str, ...] = ()
    compute: Callable[..., Array]
    fits: Callable[[Sequence[tuple[int, ...]]], bool]
    main: int = 0


def _pruned(weights: Array, mask: Array, *, dtype: ElementType) -> Array:
    return number_by_number(np.multiply, dtype, weights, mask)


def _same_shapes(shapes: Sequence[tuple[int, ...]]) -> bool:
    return shapes[0] == shapes[1]


_RULES = (
    _Rule(
        what=WEIGHT_NORM, parts=("_g", "_v"), compute=weight_norm, fits=gain_fits,
        main=1,
    ),
    _Rule(
        what=SPECTRAL_NORM, parts=("_orig", "_u"), optional=("_v",), compute=spectral_norm,
        fits=vectors_fit,
    ),
    _Rule(what="pruning, W · mask", parts=("_orig", "_mask"), compute=_pruned, fits=_same_shapes),
)  # fmt: skip
"""Endings of names: ``conv.weight_g`` and ``conv.weight_v`` make ``conv.weight``."""

_PARAMETRISED = "parametrizations"
_MADE_BY = re.compile(rf"(?P<head>(.+\.)?){_PARAMETRISED}\.(?P<parameter>[^.]+)\.(?P<part>.+)", re.DOTALL)
_MOST_TURNS = 3
"""Times that what was computed may be a part of something else: pruned and then normalised."""


def effective_tensors(
    tensors: Iterable[Tensor], computing: Computing, effort: Spending | None = None
) -> Effective:
    """Put what parts make in the place of the first of them.

    Args:
        tensors: The tensors of the file, in its order.
        computing: What it may take to compute them.
        effort: The steps that looking at numbers may take, where they tell how they were made.
    """
    kept, said, assumed = list(tensors), dict[str, list[str]](), list[str]()
    for _ in range(_MOST_TURNS):
        made = _Made(by_name={tensor.name: tensor for tensor in kept}, computing=computing, effort=effort)
        made.parametrise(kept)
        made.join(kept)
        for what, names in made.said.items():
            said.setdefault(what, []).extend(names)
        assumed += made.assumed
        if not made.whole:
            break
        kept = [
            made.whole.get(one.name, one)
            for one in kept
            if one.name in made.whole or one.name not in made.used
        ]
    sentences = []
    for what, layers in said.items():
        shown = listed([printable(name, 60) for name in layers])
        sentences.append(f"the weights of {shown} are computed from what is stored: {what}")
    guess = (
        f"guessed the map that makes {names_of_file(assumed, 4, 60)} orthogonal; {_MAPS}" if assumed else ""
    )
    return Effective(tensors=tuple(kept), sentences=tuple(sentences), guess=guess)


_MAPS = (
    "if it is not PyTorch's own choice, save the weights after "
    "torch.nn.utils.parametrize.remove_parametrizations"
)


@dataclass(kw_only=True, eq=False)
class _Made:
    """What parts make: the name of the first part → the ``whole``; which were ``used``; what is ``said``."""

    by_name: Mapping[str, Tensor]
    computing: Computing
    effort: Spending | None = None
    assumed: list[str] = field(default_factory=list)
    whole: dict[str, Tensor] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    said: dict[str, list[str]] = field(default_factory=dict)

    def join(self, tensors: Sequence[Tensor]) -> None:
        """Make what the endings of names tell."""
        for tensor in tensors:
            found = None if tensor.name in self.used else _made_of(tensor.name, self.by_name, self.used)
            if found is not None:
                self._add(tensor.name, found[1], found[0].what)

    def parametrise(self, tensors: Sequence[Tensor]) -> None:
        """Make what lies under ``parametrizations``."""
        of: dict[str, dict[str, Tensor]] = {}
        for tensor in tensors:
            match = _MADE_BY.fullmatch(tensor.name)
            if match is not None and not tensor.parts:
                of.setdefault(match["head"] + match["parameter"], {})[match["part"]] = tensor
        for whole, parts in of.items():
            found = None
            if whole not in self.by_name:
                found = parametrised(whole, parts, self.computing, self.effort)
            if found is None:
                continue
            self.assumed += [whole.rpartition(".")[0] or whole] * found.is_assumed
            first = next(one for one in parts.values())
            if found.whole is None:
                self._say(whole, found.what)
            else:
                self._add(first.name, found.whole, found.what)

    def _add(self, first: str, whole: Tensor, what: str) -> None:
        self.used.update(part.name for part in whole.parts)
        flat = tuple(each for part in whole.parts for each in part.parts or (part,))
        self.whole[first] = replace(whole, parts=flat)
        self._say(whole.name, what)

    def _say(self, whole: str, what: str) -> None:
        self.said.setdefault(what, []).append(whole.rpartition(".")[0] or whole)


def _made_of(name: str, by_name: Mapping[str, Tensor], used: set[str]) -> tuple[_Rule, Tensor] | None:
    """Return what a tensor and its fellows make, by the first rule of which it is a part."""
    last = next((end for rule in _RULES for end in rule.parts if name.endswith(end)), "")
    whole = name.removesuffix(last)
    for rule in _RULES if last else ():
        if last not in rule.parts + rule.optional or whole in by_name:
            continue
        parts = [by_name.get(whole + part) for part in rule.parts]
        known = [part for part in parts if part is not None and part.name not in used]
        real = all(holds_numbers(part.array.dtype) for part in known)
        if len(known) == len(rule.parts) and real and rule.fits([part.array.shape for part in known]):
            others = [by_name.get(whole + part) for part in rule.optional]
            optional = [other if _is_real(other) else None for other in others]
            return rule, _computed(whole, rule, known, optional)
    return None


def _is_real(tensor: Tensor | None) -> bool:
    return tensor is not None and holds_numbers(tensor.array.dtype)


def _computed(name: str, rule: _Rule, parts: Sequence[Tensor], optional: Sequence[Tensor | None]) -> Tensor:
    main = parts[rule.main].array
    stored = (*parts, *(part for part in optional if part is not None))
    inputs = [*(part.array for part in parts), *(None if p is None else p.array for p in optional)]

    def compute(dtype: ElementType) -> Array:
        return rule.compute(*(None if array is None else array.read() for array in inputs), dtype=dtype)

    return Tensor(name=name, array=computed_like(main, compute), parts=stored)


_PREFIXES = ("module.", "_orig_mod.", "model.", "_fsdp_wrapped_module.")
"""What wrappers put before every name: DataParallel, torch.compile, Lightning, FSDP."""


def without_prefixes(tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[str]]:
    """Take from all names what wrappers put before them; numbers alone, as counters, need not have it.

    Args:
        tensors: The tensors of the file.

    Returns:
        The tensors, and the words that were taken.
    """
    found, words = list(tensors), list[str]()
    while True:
        large = [each for each in found if each.array.shape]
        word = next((w for w in _PREFIXES if large and all(each.name.startswith(w) for each in large)), None)
        if word is None or any(each.name == word for each in large):
            return found, words
        words.append(word)
        found = [replace(each, name=each.name.removeprefix(word)) for each in found]
