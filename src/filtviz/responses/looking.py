"""Where a network looks, and what its units want to see.

Where it looks is asked in two ways: by gradients, which PyTorch computes, and by what it answers where a
part of the image is covered (Zeiler & Fergus 2013). PyTorch computes the image that a unit wants to see,
too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Budget
from filtviz.errors import RunningError
from filtviz.given import LayerChoice
from filtviz.network import EngineName, Layer, Network
from filtviz.receptive_field import receptive_fields
from filtviz.responses.asking import (
    Answer,
    Model,
    answering,
    checked,
    choose_layer,
    images,
    maybe,
    network_of,
    one_image,
    probability_layer,
)
from filtviz.responses.predicting import classes_of
from filtviz.running.inference import Runner, input_of
from filtviz.text import plural, quoted

if TYPE_CHECKING:
    from filtviz.running.gradients import Method, Of

__all__ = ["Heat", "Maximised", "maximise", "occlusion", "saliency"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Heat(Answer):
    """How much each part of an image counts for what a network answers; numpy takes it for its array.

    Attributes:
        values: Of `filtviz.occlusion` ``(rows, cols)`` of squares, the answer with one there. Of
            `filtviz.saliency` an array like the image.
        target: The class.
        whole: The answer to the whole image.
    """

    values: NDArray[np.float64]
    target: int
    whole: float

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype) if copy else np.asarray(self.values, dtype)


@checked(image=images)
def saliency(
    network: Model,
    image: NDArray[Any],
    method: Method = "gradient",
    target: int | None = None,
    of: Of = "log-probability",
    signed: bool = False,
    *,
    layer: LayerChoice | None = None,
    seed: int = 0,
    device: str | None = None,
    budget: Budget | None = None,
) -> NDArray[np.float64]:
    """Return how much each number of an image counts for what the network answers. PyTorch is needed.

    At exactly zero a rectifier has the slope 0, and of several largest numbers of a pool the first gets the
    gradient, as in PyTorch.

    Args:
        network: A path, or a network.
        image: One image in the network's own axes, with or without the axis of images.
        method: ``gradient``; ``guided`` and ``deconvnet``, which let only what is positive back through
            rectifiers; ``integrated`` from black to the image, times the image; ``smoothgrad``, the mean over
            noisy images; ``gradcam``, maps of a layer, weighed by their gradients.
        target: The class; None for the one that the network answers.
        of: The logarithm of the class's probability, where outputs that are no probabilities yet go through
            a softmax first; or the network's ``output`` itself.
        signed: Keep the sign; else its absolute value.
        layer: With ``gradcam``: a convolution by number, or any layer by name; None for the last convolution.
        seed: Of the noise of ``smoothgrad``.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Returns:
        An array like the image.

    Raises:
        MissingExtraError: PyTorch is not installed.
        RunningError: the network cannot be run on the image, or has no such class.
        BudgetError: it would be too much work.
    """
    from filtviz.running.gradients import METHODS, Saliency, saliency_of

    if method not in METHODS or of not in ("log-probability", "output"):
        raise RunningError(
            f"there is no saliency {quoted(method, 30)} of {quoted(of, 30)}: take one of "
            f"{', '.join(METHODS)}, of log-probability or output"
        )
    known = network_of(network)
    shown = one_image(known, image)
    asked = Saliency(
        method=method,
        target=target,
        of=of,
        layer=_maps_of(known, layer) if method == "gradcam" else None,
        seed=seed,
    )
    found = saliency_of(known, shown, asked, (budget or Budget()).account(known), device)
    entrance = input_of(known)
    if entrance is not None and entrance.channels_last:
        found = np.moveaxis(found, 1, -1)
    return (found if signed else np.abs(found)).reshape(np.shape(image))


def _maps_of(network: Network, layer: LayerChoice | None) -> Layer:
    if layer is None and not network.conv_layers:
        raise RunningError("the network has no convolution whose maps could be weighed")
    return answering(network, choose_layer(network, -1 if layer is None else layer))


@dataclass(frozen=True, kw_only=True, eq=False)
class Maximised(Answer):
    """Images that units answer strongly, one for each unit.

    Attributes:
        images: ``(units, channels, rows, cols)``.
        start: The image from which all were made, ``(channels, rows, cols)``.
        answers: ``(steps + 1, units)``: what each unit answered, before the first step and after each.
        layer: What the units' layer is called.
        units: The units.
    """

    images: NDArray[np.float64]
    start: NDArray[np.float64]
    answers: NDArray[np.float64]
    layer: str
    units: tuple[int, ...]


@checked(image=partial(maybe, images))
def maximise(
    network: Model,
    units: int | Sequence[int],
    layer: LayerChoice | None = None,
    image: NDArray[Any] | None = None,
    *,
    size: tuple[int, int] | None = None,
    steps: int = 128,
    rate: float = 0.02,
    jitter: int | None = None,
    decay: float = 0.005,
    blur: float | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> Maximised:
    """Make images that units answer strongly, from noise or from an image. PyTorch is needed.

    Args:
        network: A path, or a network.
        units: One or several: channels of a convolution, in the middle of their maps, or units of a dense
            layer.
        layer: A convolution by number, or any layer by name; None for the last layer.
        image: Begin with this image, as for an example that fools the network; None begins with noise.
        size: Rows and columns of the image, where the file does not tell them.
        steps: How many steps.
        rate: The length of a step, by the range of pixels.
        jitter: By how many pixels the image is shifted before a step, at most; None takes 2, and less for
            units that see little.
        decay: The share by which it goes back to grey with each step.
        blur: The width in pixels of a Gaussian that smooths each step; None takes 0.7, and less for units
            that see little.
        bounds: The lowest and the highest value of a pixel.
        seed: Of the noise and the shifts.
        batch: Images at once at the most; None for as many as fit.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Raises:
        MissingExtraError: PyTorch is not installed.
        RunningError: the network cannot be run so far, or there is no such unit.
        SelectionError: there is no such layer.
        BudgetError: it would be too much work.
    """
    from filtviz.running.gradients import climb

    known = network_of(network)
    chosen = probability_layer(known) if layer is None else choose_layer(known, layer)
    wanted = (units,) if isinstance(units, int) else tuple(units)
    account = (budget or Budget()).account(known)
    if image is None:
        shape = _shape(known, size)
        account.hold(HELD * len(wanted) * math.prod(shape), f"making {plural(len(wanted), 'image')}")
        start = _noise(shape, bounds, seed)
    else:
        start = np.asarray(one_image(known, image), np.float64)
        account.hold(HELD * len(wanted) * start.size, f"making {plural(len(wanted), 'image')}")
    if bounds[0] >= bounds[1]:
        raise RunningError(f"the bounds {bounds[0]:g} and {bounds[1]:g} hold no pixels: give the lower first")
    if not wanted:
        raise RunningError("there is no unit to ask: give one or more")
    sees = _sees(known, chosen)
    made, answers = climb(
        known,
        chosen,
        wanted,
        np.repeat(start, len(wanted), axis=0),
        account,
        steps=steps,
        rate=rate,
        jitter=min(2, sees // 12) if jitter is None else jitter,
        decay=decay,
        blur=min(0.7, sees / 30) if blur is None else blur,
        bounds=bounds,
        seed=seed,
        batch=batch,
        device=device,
    )
    return Maximised(images=made, start=start[0], answers=answers, layer=chosen.title, units=wanted)


def _sees(network: Network, layer: Layer) -> int:
    """Return how many pixels across a unit sees of the image, 31 where that is not known."""
    field = receptive_fields(network)[layer.index]
    return 31 if field is None else min(field.size)


HELD = 64
"""Bytes of all copies of a pixel of an image that is being made."""


def _shape(network: Network, size: tuple[int, int] | None) -> tuple[int, ...]:
    """Return channels, rows and columns of an image that a network takes."""
    entrance = input_of(network)
    shape = None if entrance is None else entrance.shape
    lengths = shape[1:] if shape is not None and len(shape) == 4 else (None, None, None)
    if size is not None:
        lengths = (lengths[0], *size)
    known = tuple(n for n in lengths if n is not None)
    if len(known) != 3:
        raise RunningError("the file does not tell the size of its images: give one to begin with, or a size")
    return known


def _noise(shape: tuple[int, ...], bounds: tuple[float, float], seed: int) -> NDArray[np.float64]:
    """Return an image of faint noise around the middle of the range."""
    low, high = bounds
    noise = np.random.default_rng(seed).standard_normal((1, *shape))
    return np.clip((low + high) / 2 + 0.02 * (high - low) * noise, low, high)


AT_ONCE, MOST_BYTES = 256, 1 << 26
"""Covered images that are made at a time, and what they may fill together; one is made in any case."""


MOST_TIMES = 13
"""How often a small file's budget is added: what the network of the examples takes, with squares of 7x7."""


@checked(image=images)
def occlusion(
    network: Model,
    image: NDArray[Any],
    target: int | None = None,
    square: int = 7,
    nolearn: bool = False,
    *,
    stride: int = 1,
    fill: float = 0.0,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> NDArray[np.float64]:
    """Return the network's output for a class, with a square over each part of the image in turn.

    Args:
        network: A path, or a network.
        image: One image in the network's own axes, with or without the axis of images.
        target: The class; None for the one that the network answers to the whole image.
        square: The length of the square's sides, in pixels.
        nolearn: Cover what nolearn's ``occlusion_heatmap`` covers: a square of zeros of odd length, whose
            middle lies one row above and one column left of the pixel that it stands for.
        stride: Pixels from one square to the next.
        fill: What the square is filled with.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Covered images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Returns:
        ``(rows, cols)``, one number for each place of the square, which is centred on it: the probability
        of the class, where the network ends in probabilities.

    Raises:
        RunningError: the network cannot be run on the image, or has no such class.
        BudgetError: it would be too much work.
    """
    known = network_of(network)
    shown = np.asarray(one_image(known, image), np.float64)
    if nolearn and (square % 2 == 0 or stride != 1 or fill):
        raise RunningError("nolearn covers with squares of zeros of odd length, one at each pixel")
    rows, cols = (range(0, n, stride) for n in shown.shape[2:])
    runner = Runner(known, [probability_layer(known)], engine=engine, device=device, by_image=True)
    n_passes = len(rows) * len(cols) + 1
    outputs: list[NDArray[Any]] = []
    for covered in _covered(shown, rows, cols, square, 1 if nolearn else 0, fill):
        account = (budget or Budget()).account(known)  # each part may take what all of them may
        for part in runner.outputs(covered, account, batch, passes=n_passes, most=MOST_TIMES):
            outputs.append(classes_of(part[runner.wanted[0].index]))
    answers = np.concatenate(outputs)
    return answers[1:, _class_of(answers[0], target)].reshape(len(rows), len(cols))


def _covered(
    image: NDArray[np.float64], rows: range, cols: range, square: int, shift: int, fill: float
) -> Iterator[NDArray[np.float64]]:
    """Yield the image itself, then the covered ones, as many at a time as fit."""
    waiting, before = [image[0]], square // 2 + shift
    at_once = max(1, min(AT_ONCE, MOST_BYTES // image.nbytes))
    for row in rows:
        for col in cols:
            one = image[0].copy()
            top, left = max(row - before, 0), max(col - before, 0)
            one[:, top : row - before + square, left : col - before + square] = fill
            if len(waiting) >= at_once:
                yield np.stack(waiting)
                waiting = []
            waiting.append(one)
    yield np.stack(waiting)


def _class_of(answer: NDArray[Any], target: int | None) -> int:
    if target is None:
        return int(np.argmax(answer))
    if not 0 <= target < len(answer):
        raise RunningError(f"there is no class {target}: the network has {len(answer)}, from 0")
    return target
