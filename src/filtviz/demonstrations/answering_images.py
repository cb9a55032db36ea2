"""What a network answers to images, what its units answer, where it puts images, and how it was trained.

The commands of these names as functions; `filtviz.responses` has the answers alone, to arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from filtviz import responses
from filtviz.budget import Budget
from filtviz.demonstrations.request import (
    NUMBERS,
    Demonstration,
    Labels,
    Request,
    Shown,
    arrays_of,
    layer_stem,
    told,
)
from filtviz.errors import DrawingError, RunningError
from filtviz.given import LayerChoice, LiveModel, Model, path_of
from filtviz.network import EngineName, Layer, Network
from filtviz.reading import Hints, Limits
from filtviz.responses.asking import (
    LARGEST,
    Answer,
    as_given,
    checked,
    whole,
)
from filtviz.responses.predicting import right_answers, threshold_of
from filtviz.running.preparing import Pictures, Preparation
from filtviz.text import listed, plural, printable

if TYPE_CHECKING:
    from filtviz.responses import Activity, Codes, Prediction
    from filtviz.responses.coding import Plane

__all__ = ["Losses", "activity", "codes", "loss", "predict"]


@checked(labels=as_given, images=as_given)
def predict(
    model: Model | LiveModel,
    images: Shown,
    top: int = 5,
    *,
    dtype: DTypeLike = "float64",
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
) -> Prediction:
    """Return what a network answers to images, as at test time.

    Args:
        model: A path, a network, or a model in memory.
        images: ``(images, …)`` in the network's own axes, or the paths of pictures, folders of them, ``.npy``
            and ``.npz`` files.
        top: How many classes the table has of each image.
        dtype: ``float64`` or ``float32``.
        preparation: How pictures and files are prepared; arrays are used as they are.
        labels: The names of the classes, in the network's order, or a file with one a line.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        output: A file (``.npz``, for the numbers) or a folder; None writes none.
        format: The file's format in a folder; None for ``npz``.
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
        formats=NUMBERS,
    )  # fmt: skip
    network = request.network()
    pictures, names = request.pictures(network), request.names()
    found = responses.predict(network, pictures.images, labels=names, dtype=dtype, **request.running)
    n_outputs = found.outputs[0].size
    if names and request.has_file_of_labels and len(names) != n_outputs:
        raise RunningError(
            f"the network has {plural(n_outputs, 'output')}, and is given {plural(len(names), 'label')}"
        )
    return told(found, lambda: _tell_prediction(found, pictures, network.layers[-1], top), request, network)


def _tell_prediction(found: Prediction, pictures: Pictures, last: Layer, top: int) -> Demonstration:
    """Say all outputs of a network that has few, the strongest classes of one that has many."""
    from filtviz.drawing.response_tiles import ResponsePicture

    rows = found.outputs.reshape(len(found.outputs), -1)
    n_shown = min(top, rows.shape[1])
    table = []
    for name, strongest in zip(pictures.names, found.top(n_shown), strict=True):
        table.append((name, *(f"{label}  {value:.4g}" for label, value in strongest)))
    if pictures.labels is not None:
        table = [(row[0], given, *row[1:]) for row, given in zip(table, pictures.labels, strict=True)]
    given_too = ("given",) if pictures.labels is not None else ()
    ranks = ("output",) if rows.shape[1] == 1 else tuple(f"#{place}" for place in range(1, n_shown + 1))
    answer = _accuracy(rows, pictures.labels, found.labels, last)
    lost = int((~np.isfinite(rows)).any(axis=1).sum())
    if lost:
        are = "is" if lost == 1 else "are"
        answer = (*answer, f"{lost} of {plural(len(rows), 'image')} {are} answered with NaN or infinity")
    units = tuple(found.label(place) for place in range(rows.shape[1]))
    lines = zip(pictures.names, pictures.labels or ("",) * len(pictures), rows.tolist(), strict=True)
    return Demonstration(
        answer=answer,
        data={
            "layer": found.layer,
            "images": list(pictures.names),
            "outputs": found.outputs.tolist(),
            "labels": list(found.labels),
            "given": None if pictures.labels is None else list(pictures.labels),
        },
        sentences=pictures.sentences,
        rows=tuple(table),
        headings=("image", *given_too, *ranks),
        picture=ResponsePicture(
            part="outputs", make=_no_figure, arrays=arrays_of(pictures, outputs=found.outputs)
        ),
        table=(("image", "given", *units), *((name, label, *row) for name, label, row in lines)),
    )


def _no_figure() -> Any:
    raise AssertionError("numbers alone are written")


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
    are = "is" if right == 1 else "are"
    return (f"{right:,} of {len(given):,} {are} answered as their file says ({share}){how}",)


@checked(image=partial(whole, least=-LARGEST), images=as_given)
def activity(
    model: Model | LiveModel,
    images: Shown,
    layer: LayerChoice = 0,
    image: int = 0,
    nolearn: bool = False,
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
) -> Activity:
    """Return what the units of a layer answer, behind its nonlinearity, and draw it for an image.

    Args:
        model: A path, a network, or a model in memory.
        images: ``(images, …)`` in the network's own axes, or the paths of pictures, folders of them, ``.npy``
            and ``.npz`` files; over all of them is counted which units fire.
        layer: A convolution by number, or any layer by name.
        image: The number of the image whose maps are wanted, counted from 0.
        nolearn: Draw as nolearn's ``plot_conv_activity``: each map on its own range.
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
    _, seen, name, pictures = request.one(network, image)
    found = responses.activity(network, pictures.images, layer, image, **request.running)
    if nolearn and found.maps.ndim != 3:
        raise DrawingError(f"{found.layer} has no maps: nolearn's picture is one of maps")
    return told(
        found,
        lambda: _tell_activity(found, pictures, seen, name, nolearn),
        request,
        network,
        layer_stem(network, layer),
    )


def _tell_activity(
    found: Activity, pictures: Pictures, seen: NDArray[Any], name: str, nolearn: bool
) -> Demonstration:
    """Draw the maps, and say which units never fire over all images."""
    from filtviz.drawing.response_pictures import activity_picture, nolearn_activity_picture

    picture = nolearn_activity_picture(found, seen) if nolearn else activity_picture(found, seen, name)
    dead, n = found.dead, len(found.fires)
    ends: list[float | None] = [None] * n if found.saturated is None else found.saturated.tolist()
    lines = zip(found.fires.tolist(), ends, found.strongest.tolist(), strict=True)
    gone = set(dead.tolist())
    return Demonstration(
        answer=tuple(_said_of_units(found)),
        data={
            "layer": found.layer,
            "image": name,
            "images": found.n_images,
            "function": found.function,
            "fires": found.fires.tolist(),
            "saturated": None if found.saturated is None else found.saturated.tolist(),
            "strongest": found.strongest.tolist(),
            "dead": dead.tolist(),
        },
        sentences=pictures.sentences,
        picture=replace(picture, arrays=arrays_of(
            pictures, maps=found.maps, fires=found.fires, saturated=found.saturated,
            strongest=found.strongest, dead=dead,
        )),
        table=(
            ("unit", "fires", "saturated", "strongest", "dead"),
            *((unit, *line, unit in gone) for unit, line in enumerate(lines)),
        ),
    )  # fmt: skip


def _said_of_units(found: Activity) -> Iterator[str]:
    """Say how many units are broken, never fire, or are saturated."""
    dead, n = found.dead, len(found.fires)
    broken = int((~np.isfinite(found.strongest)).sum())
    if broken:
        answer = "answers" if broken == 1 else "answer"
        yield f"{found.layer}: {broken} of {plural(n, 'unit')} {answer} NaN or infinity"
    if found.rectifies:
        which = f"{', '.join(map(str, dead[:20]))}{' …' if len(dead) > 20 else ''}"
        shown = plural(found.n_images, "image")
        yield (
            f"{found.layer}: {len(dead)} of {plural(n, 'unit')} never fired on {shown}: {which}"
            if len(dead)
            else f"{found.layer}: each of {plural(n, 'unit')} fired somewhere on {shown}"
        )
    if found.saturated is not None:
        full = int((found.saturated > 0.95).sum())
        yield f"{found.layer}: {full or 'none'} of {plural(n, 'unit')} saturated nearly everywhere"
    if not broken and not found.rectifies and found.saturated is None:
        yield f"{found.layer}: its units have no function that could die or saturate"


@checked(images=as_given)
def codes(
    model: Model | LiveModel,
    images: Shown,
    layer: LayerChoice | None = None,
    plane: Plane = "pca",
    *,
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
) -> Codes:
    """Return what a hidden layer makes of images, and draw them in a plane where similar ones are near.

    Args:
        model: A path, a network, or a model in memory.
        images: ``(images, …)`` in the network's own axes, or the paths of pictures, folders of them, ``.npy``
            and ``.npz`` files; two or more.
        layer: A convolution by number, or any layer by name; None for the last hidden layer, which the last
            dense layer reads. Maps are averaged over their places.
        plane: ``pca``, the two directions of the largest variance, or ``tsne`` (needs scikit-learn).
        seed: Of ``tsne``.
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
        MissingExtraError: ``tsne`` is asked for, and scikit-learn is not installed.
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
    found = responses.codes(network, pictures.images, layer, plane, seed=seed, **request.running)
    return told(found, lambda: _tell_codes(found, pictures), request, network)


def _tell_codes(found: Codes, pictures: Pictures) -> Demonstration:
    from filtviz.drawing.response_pictures import codes_picture

    if found.explained is not None:
        both = 100 * sum(found.explained)
        how = f"the two directions of the largest variance, which hold {both:.0f}% of it (PCA)"
    else:
        how = "t-SNE: what is near is alike; distances between groups and their sizes mean little"
    numbers = plural(found.codes.shape[1], "number")
    picture = codes_picture(found, pictures.seen, [f"each is {numbers} to the network, laid out by {how}"])
    given = pictures.labels or ("",) * len(pictures)
    lines = zip(pictures.names, given, found.places.tolist(), found.codes.tolist(), strict=True)
    units = range(found.codes.shape[1])
    return Demonstration(
        answer=(f"{found.layer}: {plural(len(pictures), 'image')} as {numbers} each",),
        data={
            "layer": found.layer,
            "layout": found.plane,
            "images": list(pictures.names),
            "codes": found.codes.tolist(),
            "places": found.places.tolist(),
        },
        sentences=pictures.sentences,
        picture=replace(picture, arrays=arrays_of(pictures, codes=found.codes, places=found.places)),
        table=(
            ("image", "given", "x", "y", *(f"unit {unit}" for unit in units)),
            *((name, label, *place, *code) for name, label, place, code in lines),
        ),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Losses(Answer):
    """The losses that a file tells of its training.

    Attributes:
        series: ``training``, ``validation`` and ``test``, as far as they are told: the loss of each epoch.
    """

    series: Mapping[str, NDArray[np.float64]]


@checked()
def loss(
    model: Model | LiveModel,
    *,
    output: str | PathLike[str] | None = None,
    format: str | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Losses:
    """Return the losses that a file tells of its training, and draw them by epoch.

    Args:
        model: A path, a network, or a model in memory.
        output: A file (``.png``, ``.pdf``, ``.svg``, ``.npz`` for the numbers) or a folder; None writes none.
        format: The file's format in a folder; None for ``png``.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        RunningError: it tells no losses.
        OutputError: the file cannot be written.
        ArgumentError: something is of another kind than it must be.
    """
    request = Request(model=model, output=output, format=format, limits=limits, hints=hints)
    network = request.network()
    name = path_of(model) or Path("the network")
    series = _losses(network)
    if not series:
        raise RunningError(
            f"{printable(name, 200)} tells no losses of its training: nolearn's NeuralNet does, in "
            "train_history_, and a checkpoint of PyTorch that keeps lists of them, such as train_loss"
        )
    return told(Losses(series=series), lambda: _tell_losses(series, name), request, network)


def _tell_losses(series: Mapping[str, NDArray[np.float64]], path: Path) -> Demonstration:
    from filtviz.drawing.response_pictures import loss_picture

    answer = []
    for name, values in series.items():
        best = int(np.nanargmin(values))
        answer.append(f"{name}: {values[0]:.4g} at first, {values[best]:.4g} at best (epoch {best + 1}), "
                      f"{values[-1]:.4g} at the end")  # fmt: skip
    lengths = {name: len(values) for name, values in series.items()}
    if len(set(lengths.values())) > 1:
        each = listed([f"{name} {n:,}" for name, n in lengths.items()])
        answer.append(f"the lists are not of one length ({each}): they were not written at the same steps")
    picture = loss_picture(series, f"The losses of {printable(path.name, 60)}", answer)
    epochs = zip_longest(*(values.tolist() for values in series.values()))
    return Demonstration(
        answer=tuple(answer),
        data={name: values.tolist() for name, values in series.items()},
        picture=replace(picture, arrays=arrays_of(**series)),
        table=(("epoch", *series), *((number, *losses) for number, losses in enumerate(epochs, 1))),
    )


def _losses(network: Network) -> dict[str, NDArray[np.float64]]:
    found = {}
    for name, title in (("train_loss", "training"), ("valid_loss", "validation"), ("test_loss", "test")):
        values = [epoch.get(name) for epoch in network.history]
        while values and values[-1] is None:
            values.pop()
        numbers = [_number(one) for one in values]
        if np.isfinite(numbers).any():
            found[title] = np.array(numbers)
    return found


def _number(value: Any) -> float:
    try:
        return float(value) if isinstance(value, int | float | np.number) else np.nan
    except OverflowError:  # a whole number beyond them
        return np.nan
