"""The commands that show a network images, as functions: they read images, ask, draw, and write.

`filtviz.responses` has the answers alone, of arrays and as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz import responses
from filtviz.budget import Budget
from filtviz.errors import BudgetError, CompositionError, DrawingError, RunningError
from filtviz.naming import layer_stems, models_stem
from filtviz.network import ConvLayer, EngineName, Layer, Network
from filtviz.picture_files import write_pictures
from filtviz.reading import Hints, Limits, load
from filtviz.receptive_field import receptive_fields
from filtviz.responses.asking import choose_layer, probability_layer
from filtviz.responses.predicting import classes_of, right_answers, threshold_of
from filtviz.results import WrittenFile
from filtviz.running.preparing import Pictures, Preparation, read_labels, read_pictures, size_of
from filtviz.sources import Sources, paths_among
from filtviz.text import file_stem, listed, plural, printable

if TYPE_CHECKING:
    from filtviz.drawing.response_pictures import ResponsePicture
    from filtviz.drawing.saving import Destination
    from filtviz.running.gradients import Method, Of

__all__ = [
    "Demonstration",
    "Request",
    "show_activity",
    "show_codes",
    "show_loss",
    "show_maximised",
    "show_occlusion",
    "show_patches",
    "show_prediction",
    "show_saliency",
]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command is given, beside its own options.

    Attributes:
        model: The model file.
        images: Pictures, folders of them, ``.npy`` and ``.npz`` files.
        preparation: How they are prepared.
        labels: A file with the names of the classes, one a line.
        batch: Images at once at the most.
        device: Where PyTorch computes.
        engine: ``numpy`` or ``torch``; None chooses.
        destination: Where the picture goes; None draws none.
        budget: How much work an image may be.
        limits: How much the file may ask for.
        hints: What a person says about a file of bare arrays.
    """

    model: str
    images: tuple[str, ...] = ()
    preparation: Preparation = field(default_factory=Preparation)
    labels: str | None = None
    batch: int | None = None
    device: str | None = None
    engine: EngineName | None = None
    destination: Destination | None = None
    budget: Budget = field(default_factory=Budget)
    limits: Limits | None = None
    hints: Hints | None = None

    @property
    def running(self) -> dict[str, Any]:
        """The keywords of the functions that run a network."""
        budget = replace(self.budget, image_bytes=size_of(self.images)) if self.images else self.budget
        return {"engine": self.engine, "batch": self.batch, "device": self.device, "budget": budget}

    def network(self) -> Network:
        """Return the network in the model file."""
        return load(self.model, limits=self.limits, hints=self.hints)

    def pictures(self, network: Network) -> Pictures:
        """Return the images, as the network takes them."""
        return read_pictures(self.images, network, self.preparation)

    def names(self) -> tuple[str, ...]:
        """Return the names of the classes, none where there is no file of them."""
        return () if self.labels is None else read_labels(self.labels)

    def one(self, network: Network, number: int) -> tuple[NDArray[Any], NDArray[Any], str, Pictures]:
        """Return an image, what a person sees of it, its name, and all images."""
        pictures = self.pictures(network)
        if not -len(pictures) <= number < len(pictures):
            raise RunningError(f"there is no image {number}: {len(pictures)} were given, counted from 0")
        place = number % len(pictures)
        return pictures.images[place], pictures.seen[place], pictures.names[place], pictures


@dataclass(frozen=True, kw_only=True, eq=False)
class Demonstration:
    """What was answered, drawn and written.

    Attributes:
        answer: What is to know first, in a sentence or two.
        data: The same for scripts.
        files: The files that were written.
        sentences: What was done to the images, and what is not known.
        rows: A table, where the answer is one.
        headings: Its headings.
        picture: What was drawn, for a terminal.
        table: The numbers as rows, the first of them headings, for CSV.
    """

    answer: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[WrittenFile, ...] = ()
    sentences: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    headings: tuple[str, ...] = ()
    picture: ResponsePicture | None = None
    table: tuple[tuple[Any, ...], ...] = ()


def _write(
    request: Request, network: Network, picture: ResponsePicture, layer: str = ""
) -> tuple[WrittenFile, ...]:
    """Write a picture where the person wants it; nothing where none is wanted."""
    if request.destination is None:
        return ()
    from filtviz.drawing.options import DrawingOptions
    from filtviz.drawing.saving import plan_files

    sources = Sources.of([network], *paths_among(request.images, request.labels))
    stem = models_stem([Path(request.model)])
    planned = plan_files({layer: (picture,)}, stem, request.destination)
    return tuple(write_pictures(planned, request.destination, DrawingOptions(), sources))


def _stem(network: Network, layer: int | str) -> str:
    """Return a layer's part of the names of files."""
    chosen = choose_layer(network, layer)
    if isinstance(chosen, ConvLayer):
        return layer_stems(network, ("activity", "patches", "maximised", "codes"))[chosen.conv_index]
    return file_stem(chosen.title)


def show_prediction(request: Request, top: int = 5) -> Demonstration:
    """Say what a network answers to images: all outputs of a few, the strongest classes of many.

    Args:
        request: What the command is given.
        top: How many classes.

    Raises:
        FiltvizError: it cannot be done; the sentence says why.
    """
    from filtviz.drawing.response_pictures import ResponsePicture

    network = request.network()
    pictures = request.pictures(network)
    labels = request.names()
    found = responses.predict(network, pictures.images, labels=labels, **request.running)
    rows = found.outputs.reshape(len(found.outputs), -1)
    if labels and len(labels) != rows.shape[1]:
        raise RunningError(
            f"the network has {plural(rows.shape[1], 'output')}, and is given {plural(len(labels), 'label')}"
        )
    n_shown = min(top, rows.shape[1])
    table = []
    for name, strongest in zip(pictures.names, found.top(n_shown), strict=True):
        table.append((name, *(f"{label}  {value:.4g}" for label, value in strongest)))
    if pictures.labels is not None:
        table = [(row[0], given, *row[1:]) for row, given in zip(table, pictures.labels, strict=True)]
    told = ("given",) if pictures.labels is not None else ()
    headings = ("image", *told, *(f"#{place}" for place in range(1, n_shown + 1)))
    if rows.shape[1] == 1:
        headings = ("image", *told, "output")
    data = {
        "layer": found.layer,
        "images": list(pictures.names),
        "outputs": found.outputs.tolist(),
        "labels": list(labels),
        "given": None if pictures.labels is None else list(pictures.labels),
    }
    answer = _accuracy(rows, pictures.labels, labels, network.layers[-1])
    lost = int((~np.isfinite(rows)).any(axis=1).sum())
    if lost:
        answer = (*answer, f"{lost} of {plural(len(rows), 'image')} are answered with NaN or infinity")
    numbers = ResponsePicture(
        part="outputs", make=_no_figure, arrays=_arrays(pictures, outputs=found.outputs)
    )
    units = tuple(found.label(place) for place in range(rows.shape[1]))
    given = pictures.labels or ("",) * len(pictures)
    lines = zip(pictures.names, given, rows.tolist(), strict=True)
    return Demonstration(
        answer=answer,
        data=data,
        files=_write(request, network, numbers),
        sentences=pictures.sentences,
        rows=tuple(table),
        headings=headings,
        table=(("image", "given", *units), *((name, label, *row) for name, label, row in lines)),
    )


def _no_figure() -> Any:
    raise AssertionError("numbers alone are written")


def _arrays(pictures: Pictures | None = None, /, **arrays: Any) -> dict[str, NDArray[Any]]:
    """Return arrays for an ``.npz`` file, with the names of the images."""
    named = {} if pictures is None else {"names": np.array(pictures.names)}
    return {**named, **{name: np.asarray(array) for name, array in arrays.items() if array is not None}}


def _accuracy(
    rows: NDArray[Any], given: tuple[str, ...] | None, labels: tuple[str, ...], last: Layer
) -> tuple[str, ...]:
    """Say how many images are answered right, where the images come with numbers of classes or with names."""
    which = None if given is None else right_answers(rows, given, labels, last)
    if given is None:
        return ()
    if which is None:
        return ("what the file says of its images are no classes of this network",)
    right = int(which.sum())
    how = f", where an output above {threshold_of(last):g} is a 1" if rows.shape[1] == 1 else ""
    share = f"{100 * right / len(given):.1f}%"
    return (f"{right:,} of {len(given):,} are answered as their file says ({share}){how}",)


def show_activity(
    request: Request, layer: int | str = 0, image: int = 0, *, nolearn: bool = False
) -> Demonstration:
    """Draw what the units of a layer answer to an image, and say which never fire over all images.

    Args:
        request: What the command is given.
        layer: A convolution by number, or any layer by name.
        image: The number of the image that is drawn.
        nolearn: Draw as nolearn's ``plot_conv_activity``.

    Raises:
        FiltvizError: it cannot be done; the sentence says why.
    """
    from filtviz.drawing.response_pictures import activity_picture, nolearn_activity_picture

    network = request.network()
    _, seen, name, pictures = request.one(network, image)
    found = responses.activity(network, pictures.images, layer, image, **request.running)
    if nolearn and found.maps.ndim != 3:
        raise DrawingError(f"{found.layer} has no maps: nolearn's picture is one of maps")
    picture = nolearn_activity_picture(found, seen) if nolearn else activity_picture(found, seen, name)
    dead, n = found.dead, len(found.fires)
    answer = []
    broken = int((~np.isfinite(found.strongest)).sum())
    if broken:
        answer.append(f"{found.layer}: {broken} of {plural(n, 'unit')} answer NaN or infinity")
    if found.rectifies:
        which = f": {', '.join(map(str, dead[:20]))}{' …' if len(dead) > 20 else ''}" if len(dead) else ""
        shown = plural(found.n_images, "image")
        answer.append(
            f"{found.layer}: {len(dead)} of {plural(n, 'unit')} never fired on {shown}{which}"
            if len(dead)
            else f"{found.layer}: each of {plural(n, 'unit')} fired somewhere on {shown}"
        )
    if found.saturated is not None:
        full = int((found.saturated > 0.95).sum())
        answer.append(f"{found.layer}: {full or 'none'} of {plural(n, 'unit')} saturated nearly everywhere")
    if not answer:
        answer.append(f"{found.layer}: its units have no function that could die or saturate")
    data = {
        "layer": found.layer,
        "image": name,
        "images": found.n_images,
        "function": found.function,
        "fires": found.fires.tolist(),
        "saturated": None if found.saturated is None else found.saturated.tolist(),
        "strongest": found.strongest.tolist(),
        "dead": dead.tolist(),
    }
    picture = replace(picture, arrays=_arrays(
        pictures, maps=found.maps, fires=found.fires, saturated=found.saturated,
        strongest=found.strongest, dead=dead,
    ))  # fmt: skip
    ends: list[float | None] = [None] * n if found.saturated is None else found.saturated.tolist()
    lines = zip(found.fires.tolist(), ends, found.strongest.tolist(), strict=True)
    gone = set(dead.tolist())
    return Demonstration(
        answer=tuple(answer),
        data=data,
        files=_write(request, network, picture, _stem(network, layer)),
        sentences=pictures.sentences,
        picture=picture,
        table=(
            ("unit", "fires", "saturated", "strongest", "dead"),
            *((unit, *line, unit in gone) for unit, line in enumerate(lines)),
        ),
    )


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


def show_occlusion(
    request: Request,
    image: int = 0,
    target: int | None = None,
    square: int = 7,
    *,
    stride: int = 1,
    fill: float = 0.0,
    nolearn: bool = False,
) -> Demonstration:
    """Draw what a network answers where a square covers each part of an image in turn.

    Args:
        request: What the command is given.
        image: The number of the image.
        target: The class; None for the one that the network answers.
        square: The length of the square's sides.
        stride: Pixels from one square to the next.
        fill: What the square is filled with.
        nolearn: With nolearn's numbers.

    Raises:
        FiltvizError: it cannot be done; the sentence says why.
    """
    from filtviz.drawing.response_pictures import heat_picture

    network = request.network()
    given, seen, name, pictures = request.one(network, image)
    whole = _answer_to(network, given, name, request)
    chosen = int(whole.argmax()) if target is None else target
    heat = responses.occlusion(
        network, given, chosen, square, nolearn, stride=stride, fill=fill, **request.running
    )
    asked, before = _class(request.names(), chosen, len(whole)), float(whole[chosen])
    row, col = np.unravel_index(int(np.abs(heat - before).argmax()), heat.shape)
    at = int(row) * stride, int(col) * stride
    covering = f"a {square}x{square} square"
    answer = f"{asked}: {before:.3g} for the whole image; "
    if np.abs(heat - before).max() < STILL:
        answer += (
            f"no place of {covering} changes it by {STILL} or more: no single part of that size decides it"
        )
    else:
        answer += f"it changes most, to {heat[row, col]:.3g}, with {covering} at row {at[0]}, column {at[1]}"
    notes = [answer]
    picture = heat_picture(
        seen,
        heat - before,
        part="occlusion",
        title=f"What {asked} rests on in {name}",
        notes=notes,
        meaning="the change with a square there",
        cmap="RdBu",
        symmetric=True,
        least=STILL,
        legend="red: it rests on this; blue: this speaks against it",
    )
    data = {
        "image": name,
        "target": chosen,
        "whole": before,
        "square": square,
        "stride": stride,
        "map": heat.tolist(),
    }
    picture = replace(picture, arrays=_arrays(map=heat, whole=before, target=chosen, image=given))
    return Demonstration(
        answer=(answer,),
        data=data,
        files=_write(request, network, picture),
        sentences=pictures.sentences,
        picture=picture,
    )


_METHODS: Mapping[str, str] = {
    "gradient": "how much a small change of each pixel would change it",
    "guided": "the gradient, let back only where it and the units are positive (guided backpropagation)",
    "deconvnet": "the gradient, let back only where it is positive (deconvnet)",
    "integrated": "each pixel's share in the change from black to the image (integrated gradients)",
    "smoothgrad": "the mean gradient over noisy images (SmoothGrad)",
    "gradcam": "the maps of the last convolution, weighed by their gradients (Grad-CAM)",
}


def show_saliency(
    request: Request,
    image: int = 0,
    method: Method = "gradient",
    target: int | None = None,
    of: Of = "log-probability",
    *,
    signed: bool = False,
    layer: int | str | None = None,
) -> Demonstration:
    """Draw which pixels of an image count for what a network answers.

    Args:
        request: What the command is given.
        image: The number of the image.
        method: How it is computed, see `filtviz.saliency`.
        target: The class; None for the one that the network answers.
        of: Of the logarithm of the probability, or of the output.
        signed: Keep the sign.
        layer: With ``gradcam``, the layer.

    Raises:
        FiltvizError: it cannot be done; the sentence says why.
    """
    from filtviz.drawing.response_pictures import heat_picture

    network = request.network()
    given, seen, name, pictures = request.one(network, image)
    whole = _answer_to(network, given, name, request)
    chosen = int(whole.argmax()) if target is None else target
    found = responses.saliency(
        network, given, method, chosen, of, True, layer=layer, device=request.device, budget=request.budget
    )
    by_pixel = found if found.shape[1:] == seen.shape[1:] else np.moveaxis(found, -1, 0)
    heat = by_pixel.sum(axis=0) if signed else np.abs(by_pixel).max(axis=0)
    if method == "gradcam":
        heat = by_pixel[0]
    asked = _class(request.names(), chosen, len(whole))
    share = _share_of_half(np.abs(heat))
    answer = f"{asked} is {whole[chosen]:.3g}"
    if (heat > 0).any() or (signed and heat.any()):
        answer += f"; half of what counts lies in {100 * share:.0f}% of the pixels"
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
    data = {"image": name, "target": chosen, "method": method, "of": of, "map": heat.tolist()}
    picture = replace(picture, arrays=_arrays(map=heat, saliency=found, target=chosen, image=given))
    return Demonstration(
        answer=(answer,),
        data=data,
        files=_write(request, network, picture),
        sentences=pictures.sentences,
        picture=picture,
    )


def _share_of_half(sizes: NDArray[Any]) -> float:
    """Return the share of the pixels that hold half of the sum."""
    ordered = np.sort(sizes.ravel())[::-1]
    total = ordered.sum()
    return float((np.searchsorted(np.cumsum(ordered), total / 2) + 1) / ordered.size) if total > 0 else 1.0


MOST_FILTERS = 40
"""Filters that are drawn with their patches; more are told."""


def show_patches(request: Request, layer: int | str = 0, top: int = 8) -> Demonstration:
    """Draw for each filter of a layer the pieces of images that excite it most.

    Args:
        request: What the command is given.
        layer: A convolution by number, or any layer by name.
        top: Pieces for each filter.

    Raises:
        FiltvizError: it cannot be done; the sentence says why.
    """
    from filtviz.drawing.response_pictures import patches_picture

    network = request.network()
    pictures = request.pictures(network)
    found = responses.patches(network, pictures.images, layer, min(top, len(pictures)), **request.running)
    beside, remark = _composed(network, layer, request.budget)
    n = len(found.responses)
    answer = f"{found.layer}: a unit sees {found.size[0]}x{found.size[1]} pixels"
    if found.rectifies:
        silent = int((found.responses[:, 0] <= 0).sum())
        images = plural(len(pictures), "image")
        answer += (
            f"; {silent} of {plural(n, 'filter')} answered no piece of {images}"
            if silent
            else (f"; each of {plural(n, 'filter')} answered a piece of {images}")
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
    data = {
        "layer": found.layer,
        "size": list(found.size),
        "responses": np.where(np.isfinite(found.responses), found.responses, 0).tolist(),
        "images": [[pictures.names[k] for k in row] for row in found.images.tolist()],
        "corners": found.corners.tolist(),
    }
    picture = replace(picture, arrays=_arrays(
        pictures, responses=found.responses, images=found.images, corners=found.corners,
        size=found.size, patches=np.stack([found.of(number) for number in range(n)]),
    ))  # fmt: skip
    lines = (
        (number, place, pictures.names[found.images[number, place]], *found.corners[number, place].tolist(),
         float(found.responses[number, place]))
        for number in range(n)
        for place in range(found.responses.shape[1])
    )  # fmt: skip
    return Demonstration(
        answer=(answer,),
        data=data,
        files=_write(request, network, picture, _stem(network, layer)),
        sentences=pictures.sentences,
        picture=picture,
        table=(("filter", "place", "image", "row", "column", "answer"), *lines),
    )


def _composed(network: Network, layer: int | str, budget: Budget) -> tuple[NDArray[Any] | None, str]:
    """Return a layer's filters as they match in the image, and why there are none."""
    from filtviz.composition import compose

    chosen = choose_layer(network, layer)
    if not isinstance(chosen, ConvLayer):
        return None, ""
    try:
        return compose(network, chosen, budget.account(network)).templates, ""
    except (CompositionError, BudgetError) as error:
        return None, f"the filters themselves are not drawn beside: {error}"


def show_maximised(
    request: Request,
    layer: int | str | None = None,
    units: Sequence[int] = (),
    steps: int = 128,
    image: int = 0,
) -> Demonstration:
    """Draw images that units answer strongly, made from noise, or from an image.

    Args:
        request: What the command is given; without images each begins with noise.
        layer: A convolution by number, or any layer by name; None for the last layer.
        units: Which units; none for the first sixteen.
        steps: How many steps each takes.
        image: The number of the image with which to begin.

    Raises:
        FiltvizError: it cannot be done; the sentence says why.
    """
    from filtviz.drawing.response_pictures import maximised_picture

    network = request.network()
    chosen = probability_layer(network) if layer is None else choose_layer(network, layer)
    sentences: tuple[str, ...] = ()
    start = None
    if request.images:
        start, _, _, pictures = request.one(network, image)
        sentences = pictures.sentences
    n_units = next(iter((chosen.output_shape or ())[1:]), None) or 1
    wanted = list(units) or list(range(min(16, n_units)))
    low, high = _bounds(request.preparation)
    gently: dict[str, Any] = {} if start is None else {"jitter": 0, "blur": 0.0, "decay": 0.0, "rate": 0.004}
    made = responses.maximise(
        network,
        wanted,
        chosen.title if layer is None else layer,
        start,
        size=request.preparation.size,
        steps=steps,
        bounds=(low, high),
        device=request.device,
        budget=request.budget,
        **gently,
    )
    words = "made from the image given" if start is not None else "made from noise"
    answer = f"{chosen.title}: {plural(len(wanted), 'unit')} asked what they want to see, {words}"
    notes = [
        f"{words}, in {steps} steps; below each: what the unit answers before its nonlinearity, at first and "
        "at the end"
    ]
    if start is None and (box := _seen_box(network, chosen, made.images.shape[2:])):
        notes.append("cut to what a unit in the middle of the image sees")
        part: tuple[Any, ...] = (..., *box)
        made = replace(made, images=made.images[part], start=made.start[part])
    title = (
        "what its units want to see" if start is None else "an image changed so that its units answer more"
    )
    picture = maximised_picture(made, f"{chosen.title}: {title}", notes, changed=start is not None)
    data = {
        "layer": chosen.title,
        "units": wanted,
        "answers": made.answers.T.tolist(),
        "images": made.images.tolist(),
    }
    stem = file_stem(chosen.title)
    picture = replace(
        picture, arrays=_arrays(images=made.images, start=made.start, answers=made.answers, units=wanted)
    )
    lines = zip(wanted, made.answers[0].tolist(), made.answers[-1].tolist(), strict=True)
    return Demonstration(
        answer=(answer,),
        data=data,
        files=_write(request, network, picture, stem),
        sentences=sentences,
        picture=picture,
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


def show_codes(
    request: Request, layer: int | str | None = None, plane: responses.coding.Plane = "pca"
) -> Demonstration:
    """Draw images where a hidden layer puts them.

    Args:
        request: What the command is given.
        layer: A convolution by number, or any layer by name; None for the last hidden layer.
        plane: ``pca`` or ``tsne``.

    Raises:
        FiltvizError: it cannot be done; the sentence says why.
    """
    from filtviz.drawing.response_pictures import codes_picture

    network = request.network()
    pictures = request.pictures(network)
    found = responses.codes(network, pictures.images, layer, plane, **request.running)
    if found.explained is not None:
        both = 100 * sum(found.explained)
        how = f"the two directions of the largest variance, which hold {both:.0f}% of it (PCA)"
    else:
        how = "t-SNE: what is near is alike; distances between groups and their sizes mean little"
    answer = (
        f"{found.layer}: {plural(len(pictures), 'image')} as {plural(found.codes.shape[1], 'number')} each"
    )
    numbers = plural(found.codes.shape[1], "number")
    picture = codes_picture(found, pictures.seen, [f"each is {numbers} to the network, laid out by {how}"])
    data = {
        "layer": found.layer,
        "layout": plane,
        "images": list(pictures.names),
        "codes": found.codes.tolist(),
        "places": found.places.tolist(),
    }
    picture = replace(picture, arrays=_arrays(pictures, codes=found.codes, places=found.places))
    given = pictures.labels or ("",) * len(pictures)
    lines = zip(pictures.names, given, found.places.tolist(), found.codes.tolist(), strict=True)
    units = range(found.codes.shape[1])
    return Demonstration(
        answer=(answer,),
        data=data,
        files=_write(request, network, picture),
        sentences=pictures.sentences,
        picture=picture,
        table=(
            ("image", "given", "x", "y", *(f"unit {unit}" for unit in units)),
            *((name, label, *place, *code) for name, label, place, code in lines),
        ),
    )


def show_loss(request: Request) -> Demonstration:
    """Draw the losses that a file tells of its training.

    Args:
        request: What the command is given.

    Raises:
        FiltvizError: there are none, or they cannot be drawn.
    """
    from filtviz.drawing.response_pictures import loss_picture

    network = request.network()
    series = _losses(network)
    if not series:
        raise RunningError(
            f"{printable(request.model, 200)} tells no losses of its training: nolearn's NeuralNet does, in "
            "train_history_, and a checkpoint of PyTorch that keeps lists of them, such as train_loss"
        )
    answer = []
    for name, values in series.items():
        best = int(np.nanargmin(values)) if np.isfinite(values).any() else 0
        answer.append(f"{name}: {values[0]:.4g} at first, {values[best]:.4g} at best (epoch {best + 1}), "
                      f"{values[-1]:.4g} at the end")  # fmt: skip
    lengths = {name: len(values) for name, values in series.items()}
    if len(set(lengths.values())) > 1:
        told = listed([f"{name} {n:,}" for name, n in lengths.items()])
        answer.append(f"the lists are not of one length ({told}): they were not written at the same steps")
    picture = loss_picture(series, f"The losses of {printable(Path(request.model).name, 60)}", answer)
    picture = replace(picture, arrays=_arrays(**series))
    epochs = zip_longest(*(values.tolist() for values in series.values()))
    return Demonstration(
        answer=tuple(answer),
        data={name: values.tolist() for name, values in series.items()},
        files=_write(request, network, picture),
        picture=picture,
        table=(("epoch", *series), *((number, *losses) for number, losses in enumerate(epochs, 1))),
    )


def _losses(network: Network) -> dict[str, NDArray[np.float64]]:
    found = {}
    for name, title in (("train_loss", "training"), ("valid_loss", "validation"), ("test_loss", "test")):
        values = [epoch.get(name) for epoch in network.history]
        while values and values[-1] is None:
            values.pop()
        numbers = [float(one) if isinstance(one, int | float | np.number) else np.nan for one in values]
        if np.isfinite(numbers).any():
            found[title] = np.array(numbers)
    return found
