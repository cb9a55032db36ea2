"""What an answer rests on, what excites filters, and what units want to see.

The commands of these names as functions; `filtviz.responses` has the answers alone, to arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz import responses
from filtviz.budget import Budget, option_of
from filtviz.demonstrations.request import Demonstration, Labels, Request, Shown, arrays_of, layer_stem, told
from filtviz.errors import BudgetError, CompositionError, RunningError
from filtviz.given import LayerChoice, LiveModel, Model
from filtviz.network import ConvLayer, EngineName, Layer, Network
from filtviz.reading import Hints, Limits
from filtviz.receptive_field import receptive_fields
from filtviz.responses.asking import (
    LARGEST,
    as_given,
    checked,
    choose_layer,
    maybe,
    probability_layer,
    real,
    whole,
)
from filtviz.responses.predicting import classes_of
from filtviz.running.preparing import Pictures, Preparation
from filtviz.text import file_stem, plural, printable

if TYPE_CHECKING:
    from filtviz.responses import Heat, Maximised, Patches
    from filtviz.running.gradients import Method, Of

__all__ = ["maximise", "occlusion", "patches", "saliency"]


def _answer_to(network: Network, image: NDArray[Any], name: str, request: Request) -> NDArray[Any]:
    """Return what a network answers to an image, a number for each class."""
    whole = classes_of(responses.predict(network, image[None], **request.running).outputs)[0]
    if not np.isfinite(whole).all():
        raise RunningError(f"the network answers NaN or infinity to {name}: there is nothing to explain")
    return np.asarray(whole)


def _class(labels: tuple[str, ...], target: int, n: int) -> str:
    if n == 1:
        return "the output"
    return f"class {target} ({labels[target]})" if target < len(labels) else f"class {target}"


STILL = 0.001
"""A change of an answer below which nothing is said to change."""


@checked(image=partial(whole, least=-LARGEST), images=as_given, labels=as_given)
def occlusion(
    model: Model | LiveModel,
    images: Shown,
    target: int | None = None,
    square: int = 7,
    nolearn: bool = False,
    *,
    image: int = 0,
    stride: int = 1,
    fill: float = 0.0,
    preparation: Preparation | None = None,
    labels: Labels | None = None,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    output: str | PathLike[str] | None = None,
    format: str | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Heat:
    """Return what a network answers with a square over each part of an image in turn (Zeiler & Fergus 2013).

    Args:
        model: A path, a network, or a model in memory.
        images: One image in the network's own axes, or several, or the paths of pictures, folders of them,
            ``.npy`` and ``.npz`` files.
        target: The class; None for the one that the network answers.
        square: The length of the square's sides, in pixels.
        nolearn: With nolearn's numbers, whose square lies one pixel up and left.
        image: The number of the image, counted from 0.
        stride: Pixels from one square to the next.
        fill: What the square is filled with.
        preparation: How pictures and files are prepared; arrays are used as they are.
        labels: The names of the classes, in the network's order, or a file with one a line.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        output: A file (``.png``, ``.pdf``, ``.svg``, ``.npz`` for the numbers) or a folder; None writes none.
        format: The file's format in a folder; None for ``png``.
        budget: How much work an image may be.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        RunningError: the network cannot be run on these images, or there is no such image.
        BudgetError: it would be too much work.
        OutputError: the file cannot be written.
        ArgumentError: something is of another kind than it must be.
    """
    request = Request(
        model=model, images=images, preparation=preparation, labels=labels, engine=engine, batch=batch,
        device=device, output=output, format=format, budget=budget, limits=limits, hints=hints,
    )  # fmt: skip
    network = request.network()
    given, seen, name, pictures = request.one(network, image)
    answered = _answer_to(network, given, name, request)
    chosen = int(answered.argmax()) if target is None else target
    values = responses.occlusion(
        network, given, chosen, square, nolearn, stride=stride, fill=fill, **request.running
    )
    found = responses.Heat(values=values, target=chosen, whole=float(answered[chosen]))
    asked = _class(request.names(), chosen, len(answered))

    def tell() -> Demonstration:
        return replace(
            _tell_occlusion(found, asked, given, seen, name, square, stride), sentences=pictures.sentences
        )

    return told(found, tell, request, network)


def _tell_occlusion(
    found: Heat, asked: str, given: NDArray[Any], seen: NDArray[Any], name: str, square: int, stride: int
) -> Demonstration:
    """Draw what changes where a square is, and say where it changes most."""
    from filtviz.drawing.response_pictures import heat_picture

    heat, before = found.values, found.whole
    row, col = np.unravel_index(int(np.abs(heat - before).argmax()), heat.shape)
    an = "an" if square in (11, 18) or str(square).startswith("8") else "a"
    covering = f"{an} {square}x{square} square"
    answer = f"{asked}: {before:.3g} for the whole image; "
    if np.abs(heat - before).max() < STILL:
        answer += (
            f"no place of {covering} changes it by {STILL} or more: no single part of that size decides it"
        )
    else:
        at = f"row {int(row) * stride}, column {int(col) * stride}"
        answer += f"it changes most, to {heat[row, col]:.3g}, with {covering} at {at}"
    picture = heat_picture(
        seen,
        heat - before,
        part="occlusion",
        title=f"What {asked} rests on in {name}",
        notes=[answer],
        meaning="the change with a square there",
        cmap="RdBu",
        symmetric=True,
        least=STILL,
        legend="red: it rests on this; blue: this speaks against it",
    )
    return Demonstration(
        answer=(answer,),
        data={
            "image": name,
            "target": found.target,
            "whole": before,
            "square": square,
            "stride": stride,
            "map": heat.tolist(),
        },
        picture=replace(picture, arrays=arrays_of(map=heat, whole=before, target=found.target, image=given)),
    )


_METHODS: Mapping[str, str] = {
    "gradient": "how much a small change of each pixel would change it",
    "guided": "the gradient, let back only where it and the units are positive (guided backpropagation)",
    "deconvnet": "the gradient, let back only where it is positive (deconvnet)",
    "integrated": "each pixel's share in the change from black to the image (integrated gradients)",
    "smoothgrad": "the mean gradient over noisy images (SmoothGrad)",
    "gradcam": "the maps of the last convolution, weighed by their gradients (Grad-CAM)",
}


@checked(image=partial(whole, least=-LARGEST), images=as_given, labels=as_given)
def saliency(
    model: Model | LiveModel,
    images: Shown,
    method: Method = "gradient",
    target: int | None = None,
    of: Of = "log-probability",
    signed: bool = False,
    *,
    image: int = 0,
    layer: LayerChoice | None = None,
    seed: int = 0,
    preparation: Preparation | None = None,
    labels: Labels | None = None,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    output: str | PathLike[str] | None = None,
    format: str | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Heat:
    """Return how much each number of an image counts for what a network answers. PyTorch is needed.

    At exactly zero a rectifier has the slope 0, and of several largest numbers of a pool the first gets the
    gradient, as in PyTorch. The picture has the largest of a pixel's channels, or with signs
    their sum.

    Args:
        model: A path, a network, or a model in memory.
        images: One image in the network's own axes, or several, or the paths of pictures, folders of them,
            ``.npy`` and ``.npz`` files.
        method: ``gradient``; ``guided`` and ``deconvnet``, which let only what is positive back through
            rectifiers; ``integrated`` from black to the image, times the image; ``smoothgrad``, the mean over
            noisy images; ``gradcam``, maps of a layer, weighed by their gradients.
        target: The class; None for the one that the network answers.
        of: The logarithm of the class's probability, where outputs that are no probabilities yet go through
            a softmax first; or the network's ``output`` itself.
        signed: Keep the sign; else its absolute value.
        image: The number of the image, counted from 0.
        layer: With ``gradcam``: a convolution by number, or any layer by name; None for the last convolution.
        seed: Of the noise of ``smoothgrad``.
        preparation: How pictures and files are prepared; arrays are used as they are.
        labels: The names of the classes, in the network's order, or a file with one a line.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        output: A file (``.png``, ``.pdf``, ``.svg``, ``.npz`` for the numbers) or a folder; None writes none.
        format: The file's format in a folder; None for ``png``.
        budget: How much work an image may be.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        MissingExtraError: PyTorch is not installed.
        ReadError: the file does not give a network.
        RunningError: the network cannot be run on these images, or there is no such image.
        SelectionError: there is no such layer.
        BudgetError: it would be too much work.
        OutputError: the file cannot be written.
        ArgumentError: something is of another kind than it must be.
    """
    request = Request(
        model=model, images=images, preparation=preparation, labels=labels, engine=engine, batch=batch,
        device=device, output=output, format=format, budget=budget, limits=limits, hints=hints,
    )  # fmt: skip
    network = request.network()
    given, seen, name, pictures = request.one(network, image)
    answered = _answer_to(network, given, name, request)
    chosen = int(answered.argmax()) if target is None else target
    values = responses.saliency(
        network, given, method, chosen, of, True, layer=layer, seed=seed, device=device,
        budget=request.budget,
    )  # fmt: skip
    asked, rate = _class(request.names(), chosen, len(answered)), float(answered[chosen])
    found = responses.Heat(values=values if signed else np.abs(values), target=chosen, whole=rate)

    def tell() -> Demonstration:
        by_pixel = values if values.shape[1:] == seen.shape[1:] else np.moveaxis(values, -1, 0)
        heat = by_pixel.sum(axis=0) if signed else np.abs(by_pixel).max(axis=0)
        shown = _tell_saliency(
            by_pixel[0] if method == "gradcam" else heat, method, asked, found, signed, seen, name
        )
        data = {"image": name, "target": chosen, "method": method, "of": of, **shown.data}
        arrays = arrays_of(map=shown.data["map"], saliency=values, target=chosen, image=given)
        assert shown.picture is not None
        return replace(
            shown, data=data, picture=replace(shown.picture, arrays=arrays), sentences=pictures.sentences
        )

    return told(found, tell, request, network)


def _tell_saliency(
    heat: NDArray[Any], method: str, asked: str, found: Heat, signed: bool, seen: NDArray[Any], name: str
) -> Demonstration:
    """Draw which pixels count, and say how few hold half of it."""
    from filtviz.drawing.response_pictures import heat_picture

    answer = f"{asked} is {found.whole:.3g}"
    if (heat > 0).any() or (signed and heat.any()):
        answer += f"; half of what counts lies in {100 * _share_of_half(np.abs(heat)):.0f}% of the pixels"
    elif method == "gradcam":
        answer += "; no part of the maps speaks for it, and Grad-CAM shows nothing else"
    else:
        answer += "; no pixel counts: its units are at an end where nothing changes them"
    picture = heat_picture(
        seen,
        heat,
        part=f"saliency-{method}",
        title=f"Which pixels of {name} count for {asked}",
        notes=[f"{_METHODS[method]}; {answer}"],
        meaning=method,
        cmap="RdBu_r" if signed else "magma",
        symmetric=signed,
        legend="red: more of it, more of the class" if signed else "bright: it counts much",
    )
    return Demonstration(answer=(answer,), data={"map": heat.tolist()}, picture=picture)


def _share_of_half(sizes: NDArray[Any]) -> float:
    """Return the share of the pixels that hold half of the sum."""
    ordered = np.sort(sizes.ravel())[::-1]
    total = ordered.sum()
    return float((np.searchsorted(np.cumsum(ordered), total / 2) + 1) / ordered.size) if total > 0 else 1.0


MOST_FILTERS = 40
"""Filters that are drawn with their patches; more are told."""


@checked(images=as_given)
def patches(
    model: Model | LiveModel,
    images: Shown,
    layer: LayerChoice = 0,
    top: int = 8,
    *,
    preparation: Preparation | None = None,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    output: str | PathLike[str] | None = None,
    format: str | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Patches:
    """Return for each filter of a layer the pieces of images that excite it most, and draw them.

    No two are of one image. They are cut at the true receptive field, and drawn beside the filter as it
    matches in the image.

    Args:
        model: A path, a network, or a model in memory.
        images: ``(images, …)`` in the network's own axes, or the paths of pictures, folders of them, ``.npy``
            and ``.npz`` files.
        layer: A convolution by number, or any layer by name.
        top: Pieces for each filter, at most one of each image.
        preparation: How pictures and files are prepared; arrays are used as they are.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        output: A file (``.png``, ``.pdf``, ``.svg``, ``.npz`` for the numbers) or a folder; None writes none.
        format: The file's format in a folder; None for ``png``.
        budget: How much work an image may be.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        RunningError: the network cannot be run on these images, or there is no such image.
        SelectionError: there is no such layer.
        BudgetError: it would be too much work.
        OutputError: the file cannot be written.
        ArgumentError: something is of another kind than it must be.
    """
    request = Request(
        model=model, images=images, preparation=preparation, engine=engine, batch=batch,
        device=device, output=output, format=format, budget=budget, limits=limits, hints=hints,
    )  # fmt: skip
    network = request.network()
    pictures = request.pictures(network)
    found = responses.patches(network, pictures.images, layer, min(top, len(pictures)), **request.running)

    def tell() -> Demonstration:
        return _tell_patches(found, pictures, *_composed(network, layer, request.budget or Budget()))

    return told(found, tell, request, network, layer_stem(network, layer))


def _tell_patches(
    found: Patches, pictures: Pictures, beside: NDArray[Any] | None, remark: str
) -> Demonstration:
    """Draw the pieces beside the filters, and say how many filters answered none."""
    from filtviz.drawing.response_pictures import patches_picture

    n = len(found.responses)
    answer = f"{found.layer}: a unit sees {found.size[0]}x{found.size[1]} pixels"
    if found.rectifies:
        silent = int((found.responses[:, 0] <= 0).sum())
        shown = plural(len(pictures), "image")
        answer += (
            f"; {silent} of {plural(n, 'filter')} answered no piece of {shown}"
            if silent
            else f"; each of {plural(n, 'filter')} answered a piece of {shown}"
        )
    notes = [
        f"{answer}. Each row: {'the filter as it matches in the image, then ' if beside is not None else ''}"
        "the pieces that excite it most, with its answers; bluish grey lies outside of the image",
    ]
    if remark:
        notes.append(remark)
    if n > MOST_FILTERS:
        notes.append(f"the first {MOST_FILTERS} of {n} filters are drawn")
    picture = patches_picture(found, range(min(n, MOST_FILTERS)), beside, notes)
    lines = (
        (number, place, pictures.names[found.images[number, place]], *found.corners[number, place].tolist(),
         float(found.responses[number, place]))
        for number in range(n)
        for place in range(found.responses.shape[1])
    )  # fmt: skip
    return Demonstration(
        answer=(answer,),
        data={
            "layer": found.layer,
            "size": list(found.size),
            "responses": np.where(np.isfinite(found.responses), found.responses, 0).tolist(),
            "images": [[pictures.names[k] for k in row] for row in found.images.tolist()],
            "corners": found.corners.tolist(),
        },
        sentences=pictures.sentences,
        picture=replace(picture, arrays=arrays_of(
            pictures, responses=found.responses, images=found.images, corners=found.corners,
            size=found.size, patches=np.stack([found.of(number) for number in range(n)]),
        )),
        table=(("filter", "place", "image", "row", "column", "answer"), *lines),
    )  # fmt: skip


def _composed(network: Network, layer: LayerChoice, budget: Budget) -> tuple[NDArray[Any] | None, str]:
    """Return a layer's filters as they match in the image, and why there are none."""
    from filtviz.composition import compose

    chosen = choose_layer(network, layer)
    if not isinstance(chosen, ConvLayer):
        return None, ""
    try:
        return compose(network, chosen, budget.account(network)).templates, ""
    except (CompositionError, BudgetError) as error:
        return None, f"the filters themselves are not drawn beside: {error}"


@checked(
    image=partial(whole, least=-LARGEST),
    images=as_given,
    rate=partial(maybe, real),
    decay=partial(maybe, real),
    bounds=as_given,
)
def maximise(
    model: Model | LiveModel,
    units: int | Sequence[int] = (),
    layer: LayerChoice | None = None,
    images: Shown | None = None,
    *,
    image: int = 0,
    size: tuple[int, int] | None = None,
    steps: int = 128,
    rate: float | None = None,
    jitter: int | None = None,
    decay: float | None = None,
    blur: float | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    preparation: Preparation | None = None,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    output: str | PathLike[str] | None = None,
    format: str | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Maximised:
    """Make images that units answer strongly, from noise or from an image. PyTorch is needed.

    Args:
        model: A path, a network, or a model in memory.
        units: One or several: channels of a convolution, in the middle of their maps, or units of a dense
            layer; none for the first sixteen, or as many of them as ``budget`` allows.
        layer: A convolution by number, or any layer by name; None for the last layer.
        images: One image or several, or paths, with one of which to begin, as for an example that fools the
            network; None begins with noise.
        image: The number of that image, counted from 0.
        size: Rows and columns of the image, where the file does not tell them.
        steps: How many steps.
        rate: The length of a step, by the range of pixels; None takes 0.02 from noise, 0.004 from an image.
        jitter: By how many pixels the image is shifted before a step, at most; None takes 2, and less for
            units that see little, from an image 0.
        decay: The share by which it goes back to grey with each step; None takes 0.005, from an image 0.
        blur: The width in pixels of a Gaussian that smooths each step; None takes 0.7, and less for units
            that see little, from an image 0.
        bounds: The lowest and the highest value of a pixel; None takes those of prepared pictures, which are
            0 and 1 unless ``preparation`` says otherwise.
        seed: Of the noise and the shifts.
        preparation: How pictures and files are prepared; arrays are used as they are.
        engine: ``torch``, if any: numpy has no gradients.
        batch: Images at once at the most; None for as many as fit.
        device: Where PyTorch computes, such as ``cuda``.
        output: A file (``.png``, ``.pdf``, ``.svg``, ``.npz`` for the numbers) or a folder; None writes none.
        format: The file's format in a folder; None for ``png``.
        budget: How much work an image may be.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        MissingExtraError: PyTorch is not installed.
        ReadError: the file does not give a network.
        RunningError: the network cannot be run on these images, or there is no such image or unit.
        SelectionError: there is no such layer.
        BudgetError: it would be too much work.
        OutputError: the file cannot be written.
        ArgumentError: something is of another kind than it must be.
    """
    request = Request(
        model=model, images=images, preparation=preparation, output=output, format=format, budget=budget,
        limits=limits, hints=hints,
    )  # fmt: skip
    if engine not in (None, "torch"):
        raise RunningError(f"images are made with PyTorch: leave out the engine {printable(engine, 40)!r}")
    network = request.network()
    chosen = probability_layer(network) if layer is None else choose_layer(network, layer)
    start: NDArray[Any] | None = None
    sentences: tuple[str, ...] = ()
    if images is not None:
        start, _, _, pictures = request.one(network, image)
        sentences = pictures.sentences
    n_units = next(iter((chosen.output_shape or ())[1:]), None) or 1
    gently = {"jitter": 0, "blur": 0.0, "decay": 0.0, "rate": 0.004} if start is not None else {}
    asked = {"jitter": jitter, "blur": blur, "decay": decay, "rate": rate}
    how: dict[str, Any] = gently | {name: value for name, value in asked.items() if value is not None}
    asked_for = (units,) if isinstance(units, int) else tuple(units)
    wanted = asked_for or tuple(range(min(FIRST_UNITS, n_units)))

    def make(some: Sequence[int]) -> Maximised:
        return responses.maximise(
            network,
            some,
            layer,
            start,
            size=size or (preparation or Preparation()).size,
            steps=steps,
            bounds=_bounds(preparation or Preparation()) if bounds is None else bounds,
            seed=seed,
            batch=batch,
            device=device,
            budget=request.budget,
            **how,
        )

    made = make(wanted) if asked_for else _of_as_many(make, wanted)
    if (n := len(made.units)) < len(wanted):
        some = "the first unit" if n == 1 else f"the first {n} units"
        sentences += (
            f"only {some}: {len(wanted)} take more work than a file of this size may ask for; --unit chooses "
            f"others, and if you trust the file, raise {option_of('work')}",
        )

    def tell() -> Demonstration:
        box = _seen_box(network, chosen, made.images.shape[2:]) if start is None else None
        return replace(_tell_maximised(made, box, steps, changed=start is not None), sentences=sentences)

    return told(made, tell, request, network, file_stem(chosen.title))


FIRST_UNITS = 16
"""Units that are asked where nobody names one."""


def _of_as_many(make: Callable[[Sequence[int]], Maximised], units: Sequence[int]) -> Maximised:
    """Return the images of the first of some units, of half as many until they are not too much work."""
    while len(units) > 1:
        try:
            return make(units)
        except BudgetError:
            units = units[: len(units) // 2]
    return make(units)


def _tell_maximised(
    made: Maximised, box: tuple[slice, ...] | None, steps: int, *, changed: bool
) -> Demonstration:
    """Draw the images, cut to what a unit sees where that is told."""
    from filtviz.drawing.response_pictures import maximised_picture

    words = "made from the image given" if changed else "made from noise"
    answer = f"{made.layer}: {plural(len(made.units), 'unit')} asked what they want to see, {words}"
    notes = [
        f"{words}, in {steps} steps; below each: what the unit answers before its nonlinearity, at first and "
        "at the end"
    ]
    if box:
        notes.append("cut to what a unit in the middle of the image sees")
        part: tuple[Any, ...] = (..., *box)
        made = replace(made, images=made.images[part], start=made.start[part])
    title = "an image changed so that its units answer more" if changed else "what its units want to see"
    picture = maximised_picture(made, f"{made.layer}: {title}", notes, changed=changed)
    units = list(made.units)
    lines = zip(units, made.answers[0].tolist(), made.answers[-1].tolist(), strict=True)
    return Demonstration(
        answer=(answer,),
        data={
            "layer": made.layer,
            "units": units,
            "answers": made.answers.T.tolist(),
            "images": made.images.tolist(),
        },
        picture=replace(
            picture, arrays=arrays_of(images=made.images, start=made.start, answers=made.answers, units=units)
        ),
        table=(("unit", "before", "after"), *lines),
    )


def _seen_box(network: Network, layer: Layer, lengths: tuple[int, ...]) -> tuple[slice, ...] | None:
    """Return what a unit in the middle sees of an image; None for all of it, or where that is not known."""
    field, shape = receptive_fields(network)[layer.index], layer.output_shape
    if field is None or shape is None or len(shape) != 4 or None in shape[2:]:
        return None
    box = []
    for start, jump, size, n, length in zip(
        field.start, field.jump, field.size, shape[2:], lengths, strict=True
    ):
        first = int(start + ((n or 1) // 2) * jump)
        box.append(slice(max(first, 0), min(first + size, length)))
    return tuple(box) if all(one.start < one.stop for one in box) else None


def _bounds(how: Preparation) -> tuple[float, float]:
    """Return between what prepared pixels lie."""
    ends = [(end - mean) * scale for end in (0.0, 1.0) for mean in how.mean for scale in how.scale]
    return min(ends), max(ends)
