"""Weights that a layer computes from others: weight norm, spectral norm, pruning, parametrisations.

A file then has the parts (``weight_g`` and ``weight_v``) and not the weights that the layer convolves with.
These are computed where the parts tell them, as ``torch/nn/utils`` does for a network that is not trained any
more; the parts stay the layer's parameters.

``torch.nn.utils.parametrize`` keeps what the weights start from (``original``, or ``original0`` and
``original1``) and, by their places in the list, the tensors of the parametrisations: never their classes, nor
those that have no tensors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from filtviz.parameter import holds_numbers
from filtviz.reading.arrays import AnyArray, ElementType, number_by_number
from filtviz.reading.formats.torch.norms import (
    MOST_ROWS,
    Array,
    Floats,
    base_fits,
    computed_like,
    floats,
    gain_fits,
    is_square,
    is_unmoved,
    may_be_reflections,
    orthogonal,
    orthogonal_work,
    reflections_alone,
    spectral_norm,
    vectors_fit,
    weight_norm,
)
from filtviz.reading.limits import Computing, Spending
from filtviz.reading.tensor_names import Tensor
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


_WEIGHT_NORM = "weight normalisation, g · v / ‖v‖"
_SPECTRAL_NORM = "spectral normalisation, W / σ"


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
        what=_WEIGHT_NORM, parts=("_g", "_v"), compute=weight_norm, fits=gain_fits,
        main=1,
    ),
    _Rule(
        what=_SPECTRAL_NORM, parts=("_orig", "_u"), optional=("_v",), compute=spectral_norm,
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
                found = _parametrised(whole, parts, self.computing, self.effort)
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


_STEP = re.compile(r"(?P<place>\d{1,4})\.(?P<last>.+)", re.DOTALL)
_ORIGINAL = re.compile(r"original(\d{1,4})?")
_MOST_NAMED = 4

_EXPONENTIAL = "made orthogonal by the exponential of a matrix"
_REFLECTIONS = "made orthogonal by Householder's reflections"
_BY_DEFAULT = "PyTorch's own choice for the shape, which the file does not tell"
_NO_REFLECTIONS = "its diagonal is not that of reflections; the file does not tell it from a Cayley map"
_ALONE = "as the signs on its diagonal tell"
_UNMOVED = "made orthogonal by what it started from: nothing was learned since, and every map gives the same"
_AT_A_STEP = 8
"""Numbers that are looked at in one step, as a power of two."""


@dataclass(frozen=True, kw_only=True)
class _Parametrised:
    """The ``whole`` that parts make, None where they stay what they are, and ``what`` makes it.

    Where that ``is_assumed``, the file does not tell it from others of PyTorch's own.
    """

    what: str
    whole: Tensor | None = None
    is_assumed: bool = False


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One parametrisation: its word, its tensors, what it makes of the weights and of these, and its work."""

    what: str
    beside: tuple[AnyArray, ...] = ()
    compute: Callable[..., Array]
    work: int = 0
    is_assumed: bool = False


def _parametrised(
    name: str, parts: Mapping[str, Tensor], computing: Computing, effort: Spending | None = None
) -> _Parametrised | None:
    """Return the weights that a parametrisation makes, or why they are shown as they are stored.

    Args:
        name: The name of the weights.
        parts: What is kept under ``parametrizations``, by the names behind that of the weights.
        computing: What it may take to compute them.
        effort: What looking at numbers takes its steps from; where there is none, they tell nothing.
    """
    types = [part.array.dtype for part in parts.values()]
    if not all(holds_numbers(dtype) and dtype.itemsize > 1 for dtype in types):  # of bytes nobody computes
        return None
    originals = [part for last, part in parts.items() if _ORIGINAL.fullmatch(last)]
    if not originals:
        return None
    shapes = [one.array.shape for one in originals]
    first, inputs = originals[-1].array, [one.array for one in originals]
    is_norm = len(originals) == 2 and {"original0", "original1"} <= parts.keys() and gain_fits(shapes)
    kept = [last for last in parts if not _ORIGINAL.fullmatch(last)]
    named = f", {listed([printable(last, 40) for last in kept], _MOST_NAMED)} beside" if kept else ""
    if len(originals) > 1 and not is_norm:
        several = listed([printable(last, 40) for last in parts], _MOST_NAMED)
        return _Parametrised(
            what=f"a parametrisation of several arrays ({several}) that the file does not tell; these are "
            "shown as they are stored"
        )
    steps = _steps(
        first.shape,
        {last: parts[last] for last in kept},
        after_norm=is_norm,
        numbers=None if is_norm else _Numbers(first, effort),
    )
    if steps is None or not (steps or is_norm) or not computing.affords(sum(one.work for one in steps)):
        what = (
            f"a parametrisation that the file does not tell{named}; shown is what it starts from, as stored"
        )
        return _Parametrised(what=what, whole=Tensor(name=name, array=first, parts=tuple(parts.values())))
    words = [_WEIGHT_NORM] * is_norm + [step.what for step in steps]

    def compute(dtype: ElementType) -> Array:
        held = [one.read() for one in inputs]
        between = np.dtype(np.float64)
        found = weight_norm(*held, dtype=between if steps else dtype) if is_norm else held[0]
        for number, step in enumerate(steps, start=1):
            beside = [one.read() for one in step.beside]
            found = step.compute(found, *beside, dtype=between if number < len(steps) else dtype)
        return found

    array = computed_like(first, compute)
    return _Parametrised(
        what=", then ".join(words),
        whole=Tensor(name=name, array=array, parts=tuple(parts.values())),
        is_assumed=any(step.is_assumed for step in steps),
    )


@dataclass(frozen=True, eq=False)
class _Numbers:
    """The numbers that weights start from, for as long as there are steps to look at them."""

    array: AnyArray
    effort: Spending | None

    def are(self, told: Callable[[Floats], bool]) -> bool | None:
        """Return what they tell, None where they are not looked at."""
        cost = self.array.nbytes >> _AT_A_STEP
        if self.effort is None or cost > self.effort.left // 2:
            return None
        self.effort.spend(cost)
        return told(floats(self.array))


def _steps(
    shape: Sequence[int], kept: Mapping[str, Tensor], *, after_norm: bool, numbers: _Numbers | None
) -> list[_Step] | None:
    """Return the parametrisations behind the first, None where one of them is not known."""
    is_matrix = len(shape) > 1 and max(shape[-2:]) <= MOST_ROWS
    if not kept and is_matrix and numbers is not None and numbers.are(reflections_alone):
        alone = partial(orthogonal, reflects=True)
        return [_Step(what=f"{_REFLECTIONS} ({_ALONE})", compute=alone, work=orthogonal_work(shape))]
    tensors: dict[int, dict[str, AnyArray]] = {}
    for last, tensor in kept.items():
        match = _STEP.fullmatch(last)
        if match is None:
            return None
        tensors.setdefault(int(match["place"]), {})[match["last"]] = tensor.array
    places = sorted(tensors)
    if places != list(range(int(after_norm), int(after_norm) + len(places))):
        return None  # one without tensors stands before
    found = [_step(shape, tensors[place], numbers if not place else None) for place in places]
    known = [step for step in found if step is not None]
    return known if len(known) == len(found) else None


def _step(shape: Sequence[int], tensors: Mapping[str, AnyArray], numbers: _Numbers | None) -> _Step | None:
    if tensors.keys() == {"_u", "_v"}:
        u, v = tensors["_u"], tensors["_v"]
        if vectors_fit([tuple(shape), u.shape]):
            return _Step(what=_SPECTRAL_NORM, beside=(u, v), compute=spectral_norm)
    if (
        tensors.keys() == {"base"}
        and base_fits(shape, tensors["base"].shape)
        and max(shape[-2:]) <= MOST_ROWS
    ):
        return _orthogonal(shape, tensors["base"], numbers)
    return None


def _orthogonal(shape: Sequence[int], base: AnyArray, numbers: _Numbers | None) -> _Step:
    """Return the map that the numbers tell, else the one that PyTorch has for the shape."""
    reflects, why, work = not is_square(shape), _BY_DEFAULT, orthogonal_work(shape)
    if numbers is not None and numbers.are(is_unmoved):
        compute = partial(orthogonal, reflects=reflects)
        return _Step(what=_UNMOVED, beside=(base,), compute=compute, work=work)
    if reflects and numbers is not None and numbers.are(may_be_reflections) is False:
        reflects, why = False, _NO_REFLECTIONS
    word = _REFLECTIONS if reflects else _EXPONENTIAL
    compute = partial(orthogonal, reflects=reflects)
    return _Step(what=f"{word} ({why})", beside=(base,), compute=compute, work=work, is_assumed=True)
