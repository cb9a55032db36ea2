"""Weights that a layer computes from others: weight norm, spectral norm, pruning, parametrisations.

A file then has the parts (``weight_g`` and ``weight_v``) and not the weights that the layer convolves with.
These are computed where the parts tell them, as ``torch/nn/utils`` does for a network that is not trained any
more; the parts stay the layer's parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from filtviz.parameter import has_few_bits, holds_numbers
from filtviz.reading.arrays import AnyArray, ComputedArray
from filtviz.reading.tensors import Tensor
from filtviz.text import listed, printable

__all__ = ["Effective", "effective_tensors", "without_prefixes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Effective:
    """Tensors in the file's order, with what parts make in their place, and sentences about it."""

    tensors: tuple[Tensor, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """Names of parts behind a parameter's name → what they make.

    ``parts`` are needed and ``optional`` ones may be there; ``compute`` gets them in that order, None for
    what is not there, and is None where nobody can tell what they make: then the first is shown.
    ``fits`` tells by shapes whether the parts are what their names say.
    """

    what: str
    parts: tuple[str, ...]
    optional: tuple[str, ...] = ()
    compute: Callable[..., Floats] | None
    fits: Callable[[Sequence[tuple[int, ...]]], bool]
    main: int = 0


def _weight_norm(gain: Floats, direction: Floats) -> Floats:
    """Return g · v / ‖v‖, the norm over the axes along which g has one number (``_weight_norm.py``)."""
    if gain.ndim == direction.ndim:
        axes = tuple(axis for axis, length in enumerate(gain.shape) if length == 1)
    else:
        axes = tuple(range(direction.ndim))
    norm = np.sqrt(np.sum(direction**2, axis=axes, keepdims=True))
    return np.asarray(gain * np.divide(direction, norm, out=np.zeros_like(direction), where=norm > 0))


def _gain_fits(shapes: Sequence[tuple[int, ...]]) -> bool:
    gain, direction = shapes[0], shapes[1]
    if not gain:
        return True
    return len(gain) == len(direction) and all(g in (1, v) for g, v in zip(gain, direction, strict=True))


def _spectral_norm(weights: Floats, u: Floats, v: Floats | None) -> Floats:
    """Return W / σ, with σ = uᵀ W v for W as a matrix (``spectral_norm.py``).

    Its rows are the axis that has the length of u: the first one, the second of a transposed convolution.
    Where both have it, the larger σ counts, since u and v were made to make it large.
    """
    sigmas = []
    for axis in (0, 1):
        if axis < weights.ndim and weights.shape[axis] == len(u):
            matrix = np.moveaxis(weights, axis, 0).reshape(len(u), -1)
            if v is not None and v.shape == matrix.shape[1:]:
                right = v
            else:  # as it was before version 1.1 of PyTorch
                right = matrix.T @ u
                right = right / (np.linalg.norm(right) or 1.0)
            sigmas.append(float(u @ (matrix @ right)))
    sigma = max(sigmas, key=abs, default=1.0)
    return np.asarray(weights / sigma) if sigma else weights


def _vectors_fit(shapes: Sequence[tuple[int, ...]]) -> bool:
    weights, u = shapes[0], shapes[1]
    return len(u) == 1 and len(weights) > 1 and u[0] in weights[:2]


def _pruned(weights: Floats, mask: Floats) -> Floats:
    return weights * mask


def _same_shapes(shapes: Sequence[tuple[int, ...]]) -> bool:
    return shapes[0] == shapes[1]


_RULES = (
    _Rule(
        what="weight normalisation, g · v / ‖v‖", parts=("_g", "_v"), compute=_weight_norm, fits=_gain_fits,
        main=1,
    ),
    _Rule(
        what="spectral normalisation, W / σ", parts=("_orig", "_u"), optional=("_v",), compute=_spectral_norm,
        fits=_vectors_fit,
    ),
    _Rule(what="pruning, W · mask", parts=("_orig", "_mask"), compute=_pruned, fits=_same_shapes),
)  # fmt: skip
"""Endings of names: ``conv.weight_g`` and ``conv.weight_v`` make ``conv.weight``."""

_PARAMETRISATIONS = (
    _Rule(
        what="weight normalisation, g · v / ‖v‖", parts=("original0", "original1"), compute=_weight_norm,
        fits=_gain_fits, main=1,
    ),
    _Rule(
        what="spectral normalisation, W / σ", parts=("original", "0._u"), optional=("0._v",),
        compute=_spectral_norm, fits=_vectors_fit,
    ),
    _Rule(
        what="a parametrisation that the file does not tell; shown is what it starts from",
        parts=("original",), compute=None, fits=lambda _: True,
    ),
)  # fmt: skip
"""The same behind ``conv.parametrizations.weight.``."""

_PARAMETRISED = "parametrizations"


def effective_tensors(tensors: Iterable[Tensor]) -> Effective:
    """Put what parts make in the place of the first of them.

    Args:
        tensors: The tensors of the file, in its order.
    """
    given = list(tensors)
    by_name = {tensor.name: tensor for tensor in given}
    made: dict[str, Tensor] = {}
    used: set[str] = set()
    names: dict[str, list[str]] = {}
    for tensor in given:
        found = None if tensor.name in used else _made_of(tensor.name, by_name, used)
        if found is not None:
            rule, whole = found
            made[tensor.name] = whole
            used.update(part.name for part in whole.parts)
            names.setdefault(rule.what, []).append(whole.name.rpartition(".")[0] or whole.name)
    kept = [made.get(each.name, each) for each in given if each.name in made or each.name not in used]
    sentences = []
    for what, layers in names.items():
        shown = listed([printable(name, 60) for name in layers])
        sentences.append(f"the weights of {shown} are computed from what is stored: {what}")
    return Effective(tensors=tuple(kept), sentences=tuple(sentences))


def _made_of(name: str, by_name: Mapping[str, Tensor], used: set[str]) -> tuple[_Rule, Tensor] | None:
    """Return what a tensor and its fellows make, by the first rule of which it is a part."""
    head, dot, rest = name.rpartition(f"{_PARAMETRISED}.")
    if dot and (not head or head.endswith(".")):
        parameter, _, last = rest.partition(".")
        rules, stem, whole = _PARAMETRISATIONS, f"{head}{_PARAMETRISED}.{parameter}.", head + parameter
    else:
        last = next((end for rule in _RULES for end in rule.parts if name.endswith(end)), "")
        rules, stem, whole = _RULES, name.removesuffix(last), name.removesuffix(last)
    for rule in rules if last else ():
        if last not in rule.parts + rule.optional or whole in by_name:
            continue
        parts = [by_name.get(stem + part) for part in rule.parts]
        known = [part for part in parts if part is not None and part.name not in used]
        real = all(holds_numbers(part.array.dtype) for part in known)
        if len(known) == len(rule.parts) and real and rule.fits([part.array.shape for part in known]):
            others = [by_name.get(stem + part) for part in rule.optional]
            optional = [other if _is_real(other) else None for other in others]
            return rule, _computed(whole, rule, known, optional)
    return None


def _is_real(tensor: Tensor | None) -> bool:
    return tensor is not None and holds_numbers(tensor.array.dtype)


def _computed(name: str, rule: _Rule, parts: Sequence[Tensor], optional: Sequence[Tensor | None]) -> Tensor:
    main = parts[rule.main].array
    stored = (*parts, *(part for part in optional if part is not None))
    if rule.compute is None:
        return Tensor(name=name, array=main, parts=stored)
    compute = rule.compute
    inputs = [*(part.array for part in parts), *(None if p is None else p.array for p in optional)]
    few = has_few_bits(main.dtype) or main.dtype.kind not in "f" or main.dtype.itemsize < 4
    dtype = np.dtype(np.float32) if few else main.dtype.newbyteorder("=")

    def read() -> NDArray[np.floating]:
        values = [None if array is None else _floats(array) for array in inputs]
        return np.asarray(compute(*values), dtype)

    return Tensor(name=name, array=ComputedArray(shape=main.shape, dtype=dtype, read=read), parts=stored)


def _floats(array: AnyArray) -> Floats:
    return np.asarray(array.read(), np.float64)


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
