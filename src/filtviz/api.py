"""The commands as functions: what ``filtviz plot`` does in a shell, `filtviz.plot` does in Python.

A model is a path, a `Network`, or what `filtviz.given` makes one of. Nothing is printed: what was drawn and
written, what is worth knowing and what failed comes back in one frozen result. A layer that fails does not
stop the others; a file that gives no network, and a picture that cannot be written, raise a `FiltvizError`.

`filtviz.compare` is in `filtviz.comparing`; `filtviz.export`, many models into a folder, in `filtviz.batch`;
`filtviz.report`, one page on all of it, in `filtviz.reporting`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from filtviz.budget import Budget
from filtviz.errors import ArgumentError, BudgetError, DrawingError, FiltvizError, RunningError
from filtviz.given import (
    LayerChoice,
    LiveModel,
    Model,
    account_of,
    as_images,
    check_path,
    choose,
    chosen_layers,
    expect,
    is_several,
    load,
    named,
    path_of,
    several,
)
from filtviz.naming import layer_stems
from filtviz.network import Network
from filtviz.picture_files import Output, Progress, destination_of, plan_beside, write_pictures
from filtviz.reading import Hints, Limits
from filtviz.results import (
    Diagnoses,
    FileFailure,
    GraphResult,
    LayerFailure,
    LayersResult,
    PlotResult,
    PlottedLayer,
    WrittenFile,
)
from filtviz.sources import Sources, paths_among
from filtviz.summary import summarize
from filtviz.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.selection import Channels
    from filtviz.measures.measure import Diagnosis
    from filtviz.measures.trajectory import Trajectory
    from filtviz.responses.examining import Examination
    from filtviz.running.preparing import Preparation

__all__ = [
    "LiveModel",
    "Model",
    "architecture_template",
    "diagnose",
    "follow",
    "graph",
    "layers",
    "plot",
]

Shown: TypeAlias = "NDArray[Any] | str | PathLike[str] | Sequence[str | PathLike[str]]"
"""Images: an array, or the paths of pictures, folders of them, ``.npy`` and ``.npz`` files."""


def layers(
    model: Model | LiveModel, *, limits: Limits | None = None, hints: Hints | None = None
) -> LayersResult:
    """Return a network as a table: shapes, strides, parameters, receptive fields.

    Args:
        model: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
    """
    network = load(model, limits=limits, hints=hints)
    return LayersResult(network=network, summary=summarize(network))


def architecture_template(
    model: Model | LiveModel, *, limits: Limits | None = None, hints: Hints | None = None
) -> str:
    """Return what was concluded of weights without a graph, as a text (TOML) for a person to correct.

    A question mark stands for what the file does not tell. What is corrected so is for
    ``filtviz.load(path, architecture=…)``.

    Args:
        model: A path, or arrays in memory, without a graph: an ``npz`` of parameters, a ``state_dict``.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        ArgumentError: it tells its own structure.
    """
    from filtviz.reading.architecture import template

    return template(load(model, limits=limits, hints=hints))


def graph(
    model: Model | LiveModel,
    *,
    output: Output = None,
    format: str | None = None,
    whole: bool = False,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> GraphResult:
    """Draw a network as boxes and what flows between them, with colours by kind and the shapes of what flows.

    Args:
        model: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
        output: A file (``.png``, ``.svg``, ``.pdf``; ``.dot`` for Graphviz, ``.mmd`` for Mermaid) or a
            folder; None writes nothing.
        format: The format in a folder: ``png``, ``svg``, ``pdf``, ``dot`` or ``mmd``; None for ``png``.
        whole: A box for each layer; else normalisations, activations and dropout stand in the box of the
            layer that they follow.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        DrawingError: it has too many layers for a picture, or none.
        OutputError: a file cannot be written.
    """
    from filtviz.drawing.graphs import (
        TEXTS,
        GraphPicture,
        as_dot,
        as_mermaid,
        graph_of,
        wants_text,
        write_text,
    )

    network = load(model, limits=limits, hints=hints)
    if not network.layers:
        raise DrawingError(f"{printable(path_of(model) or 'the network', 200)} has no layers to draw")
    found = graph_of(network, whole=whole)
    picture = GraphPicture(found)
    result = GraphResult(
        network=network, graph=found, picture=picture, dot=as_dot(found), mermaid=as_mermaid(found)
    )
    is_text = isinstance(output, str | PathLike) and wants_text(Path(output), format)
    destination = destination_of(None if is_text else output, format, TEXTS)
    if is_text:
        path = write_text(found, network, Path(check_path(output, "a file or a folder")), format)
        return replace(result, files=(WrittenFile(path),))
    if destination is None:
        return result
    from filtviz.drawing.options import DrawingOptions

    sources = Sources.of([network])
    _, planned = plan_beside({"": (picture,)}, [network], destination, sources)
    files = write_pictures(planned, destination, DrawingOptions(), sources)
    return replace(result, files=tuple(files))


def plot(
    model: Model | LiveModel,
    *,
    layers: Iterable[LayerChoice] | LayerChoice | None = 0,
    channels: Channels = None,
    output: Output = None,
    format: str | None = None,
    view: str | None = None,
    drawing: DrawingOptions | None = None,
    through: bool = False,
    assume_stacked: bool = False,
    images: str | PathLike[str] | NDArray[Any] | None = None,
    badges: bool = False,
    clobber: bool = True,
    progress: Progress | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> PlotResult:
    """Draw the filters of some layers and, where ``output`` says so, write the pictures.

    Args:
        model: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
        layers: One convolution or several: numbers (0 is the first, -1 the last), names, layers.
        channels: The input channels to draw, counted from 0: ``"0,2-5"``, numbers, or pairs of a first and a
            last one; ``"rgb"`` and ``"bgr"`` draw three as one picture in colour; None draws all.
        output: A file (``.png``, ``.pdf``, ``.svg``) or a folder for several; None writes nothing.
        format: The format of pictures in a folder, ``png``, ``pdf`` or ``svg``; None for ``png``.
        view: ``grid`` (nolearn's layout), ``sheet``, ``rms``, ``components`` or ``nmf``; None takes that of
            ``drawing``, or a sheet where colours, ``through`` or ``badges`` need one.
        drawing: Size, resolution and colours, and how sheets are drawn.
        through: Draw the filters as they are on the image, through all layers below.
        assume_stacked: With ``through``: where the file does not tell, assume stride 1 and no pooling.
        images: With ``through``: check on these, ``(images, channels, rows, cols)`` or a ``.npy`` file of
            them, instead of noise.
        badges: Mark what `filtviz.diagnose` finds at a filter.
        clobber: Whether pictures that exist are replaced, or kept.
        progress: Called with each file once it is written or kept.
        budget: How much work it may be, and how many pixels; a layer that would be more fails.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        DrawingError: the network has no convolution.
        OutputError: a picture cannot be written.
        ArgumentError: an option is out of its range, or needs ``through`` and comes without it.
    """
    from filtviz.drawing.plotting import LayerPictures, settle

    _check_composing(through, assume_stacked=assume_stacked, images=images)
    destination = destination_of(output, format)
    options, ranges = settle(channels, view, drawing, needs_sheet=through or badges)
    network = _with_convolutions(load(model, limits=limits, hints=hints), path_of(model))
    account = account_of(budget, network)
    made = LayerPictures(
        network=network,
        source="" if (path := path_of(model)) is None else path.name,
        options=options,
        ranges=ranges,
        through=through,
        stacked=assume_stacked,
        images=_read_images(images),
        badges=badges,
        suffix="png" if destination is None else destination.suffix,
        account=account,
    )
    drawn: dict[int, PlottedLayer] = {}
    failures = []
    for wanted in chosen_layers(layers, (0,)):
        try:
            layer = choose(network, wanted)
            if layer.conv_index not in drawn:
                pictures, cautions = made.pictures(layer)
                drawn[layer.conv_index] = PlottedLayer(layer=layer, pictures=pictures, cautions=cautions)
        except FiltvizError as error:
            failures.append(LayerFailure(named(wanted), str(error), error.code))
    files: list[WrittenFile] = []
    stem = ""
    if destination is not None and drawn:
        from filtviz.drawing.views import SHEET_VIEWS

        stems = layer_stems(network, SHEET_VIEWS)
        by_stem = {stems[conv_index]: each.pictures for conv_index, each in drawn.items()}
        sources = Sources.of([network], *paths_among(images))
        stem, planned = plan_beside(by_stem, [network], destination, sources)
        files = write_pictures(planned, destination, options, sources, clobber=clobber, progress=progress)
    return PlotResult(
        network=network,
        layers=tuple(drawn.values()),
        options=options,
        files=tuple(files),
        failures=tuple(failures),
        left_out=tuple(account.left_out),
        stem=stem,
    )


def _with_convolutions(network: Network, path: Path | None) -> Network:
    """Return a network that has something to draw.

    Raises:
        DrawingError: it has nothing.
    """
    if network.conv_layers:
        return network
    hint = "; `filtviz graph` shows what there is" if path else ""
    name = printable(path or "the network", 200)
    raise DrawingError(f"{name} {network.why_nothing_to_draw}{hint}")


@overload
def diagnose(
    models: list[Any] | tuple[Any, ...],
    *,
    layers: Iterable[LayerChoice] | LayerChoice | None = (),
    before: Model | LiveModel | Iterable[Model | LiveModel | tuple[str, Model | LiveModel]] | None = (),
    input_range: tuple[float, float] | None = None,
    images: Shown | None = None,
    labels: Sequence[Any] | str | PathLike[str] | None = None,
    names: Sequence[str] = (),
    preparation: Preparation | None = None,
    batch: int | None = None,
    device: str | None = None,
    progress: Callable[[Diagnosis | FileFailure], None] | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Diagnoses: ...


@overload
def diagnose(
    models: Model | LiveModel,
    *,
    layers: Iterable[LayerChoice] | LayerChoice | None = (),
    before: Model | LiveModel | Iterable[Model | LiveModel | tuple[str, Model | LiveModel]] | None = (),
    input_range: tuple[float, float] | None = None,
    images: Shown | None = None,
    labels: Sequence[Any] | str | PathLike[str] | None = None,
    names: Sequence[str] = (),
    preparation: Preparation | None = None,
    batch: int | None = None,
    device: str | None = None,
    progress: Callable[[Diagnosis | FileFailure], None] | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Diagnosis: ...


def diagnose(
    models: Model | LiveModel | Iterable[Model | LiveModel],
    *,
    layers: Iterable[LayerChoice] | LayerChoice | None = (),
    before: Model | LiveModel | Iterable[Model | LiveModel | tuple[str, Model | LiveModel]] | None = (),
    input_range: tuple[float, float] | None = None,
    images: Shown | None = None,
    labels: Sequence[Any] | str | PathLike[str] | None = None,
    names: Sequence[str] = (),
    preparation: Preparation | None = None,
    batch: int | None = None,
    device: str | None = None,
    progress: Callable[[Diagnosis | FileFailure], None] | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Diagnosis | Diagnoses:
    """Say whether the filters of a network are random, and why they look so, from its weights alone.

    With ``images`` they are shown to the network, too: which units never fire, which are saturated, how many
    answers are right, and, with ``before``, what of that rests on learned weights.

    Args:
        models: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
            Or several of them, of which one that cannot be diagnosed does not stop the others.
        layers: Keep of the result these: numbers, names, layers; none keeps all. The whole network is
            measured in any case, for what drew one layer's first weights shows in the others.
        before: Earlier states of it, to measure what changed: one model or several, or pairs of the name by
            which to speak of one and the model.
        input_range: The lowest and the highest value of an input pixel, for the proof of dead filters.
        images: An array in the network's own axes, or pictures, folders of them, ``.npy`` or ``.npz`` files.
        labels: The class of each image, by number or name, or a file with one a line; None takes those of
            ``.npz`` files.
        names: The names of the classes, in the network's order.
        preparation: How pictures and files are prepared.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        progress: Of several models called with what became of each, once it is known.
        budget: How much work each model may be; what would be more is left out, and the result says so.
        limits: How much a file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Returns:
        Of one model its diagnosis, of several what became of each, and how they follow one another.

    Raises:
        ReadError: a file does not give a network.
        SelectionError: there is no such layer.
        MeasureError: ``input_range`` is empty or not finite.
        RunningError: the images cannot be read, or the network cannot be run on them.
    """
    earlier = [
        (name, load(each, limits=limits, hints=hints))
        for name, each in map(_with_name, several(() if before is None else before), count(1))
    ]
    if isinstance(labels, str | PathLike):
        from filtviz.running.preparing import read_labels

        labels = read_labels(check_path(labels, "labels"))

    def diagnose_one(model: Model | LiveModel) -> Diagnosis:
        network = load(model, limits=limits, hints=hints)
        wanted = {choose(network, each).conv_index for each in chosen_layers(layers)}
        diagnosis = _measure(network, earlier, input_range, wanted, budget)
        if images is not None:
            how = {"batch": batch, "device": device, "names": names}
            diagnosis = _show(diagnosis, network, earlier, budget, images, labels, preparation, how)
        return diagnosis if not wanted else replace(
            diagnosis,
            layers=tuple(layer for layer in diagnosis.layers if layer.conv_index in wanted),
            unjudged=tuple(layer for layer in diagnosis.unjudged if layer.conv_index in wanted),
        )  # fmt: skip

    if not is_several(models):
        return diagnose_one(models)
    outcomes: list[Diagnosis | FileFailure] = []
    for place, model in enumerate(several(models), 1):
        try:
            outcomes.append(diagnose_one(model))
        except FiltvizError as error:
            outcomes.append(FileFailure(_spoken(model, place), str(error), error.code))
        if progress is not None:
            progress(outcomes[-1])
    return Diagnoses(
        outcomes=tuple(outcomes), follow=partial(follow, budget=budget, limits=limits, hints=hints)
    )


def _measure(
    network: Network,
    earlier: Sequence[tuple[str, Network]],
    input_range: tuple[float, float] | None,
    first: Collection[int],
    budget: Budget | None,
) -> Diagnosis:
    from filtviz.measures.diagnosing import diagnose as diagnose_network

    account = account_of(budget, network, *(each for _, each in earlier))
    return diagnose_network(network, before=earlier, input_range=input_range, first=first, account=account)


def _show(
    diagnosis: Diagnosis,
    network: Network,
    before: Sequence[tuple[str, Network]],
    budget: Budget | None,
    images: Shown,
    labels: Sequence[Any] | None,
    preparation: Preparation | None,
    how: Mapping[str, Any],
) -> Diagnosis:
    """Show images to a network as well; that it is too deep or too much for that is only said."""
    from filtviz.measures.diagnosing import with_images

    state = before[0] if before else None
    try:
        found = _examine(network, images, labels, preparation, before=state, budget=budget, **how)
        return with_images(diagnosis, found)
    except (RunningError, BudgetError) as error:
        if isinstance(error, RunningError) and error.layer is None:
            raise
        told = f"images tell nothing of this network: {error}"
        return replace(diagnosis, left_out=(*diagnosis.left_out, told))


def _examine(
    network: Network,
    images: Shown,
    labels: Sequence[Any] | None,
    preparation: Preparation | None,
    **how: Any,
) -> Examination:
    """Show a network images, an array or what lies in files, and count what its units answer."""
    from filtviz.responses.asking import pictures_of
    from filtviz.responses.examining import examine
    from filtviz.running.preparing import size_of

    budget = expect(how.pop("budget"), Budget, "budget") or Budget()
    pictures = pictures_of(network, images, preparation)
    told = pictures.labels if labels is None else labels
    found = examine(
        network, pictures.images, labels=told, budget=replace(budget, image_bytes=size_of(images)), **how
    )
    return replace(found, sentences=pictures.sentences)


def follow(
    models: Model | LiveModel | Iterable[Model | LiveModel],
    *others: Model | LiveModel,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Trajectory | None:
    """Follow each convolution through several states of one training, and say when it stopped moving.

    Args:
        models: The states, in any order: the epoch in the files tells it, or the number in their names.
        others: More of them, where ``models`` is one.
        budget: How much work it may be.
        limits: How much a file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Returns:
        None where these are not states of one network, or nothing tells their order.

    Raises:
        ReadError: a file does not give a network.
        BudgetError: it would be too much work.
    """
    from filtviz.measures.trajectory import follow as follow_networks

    networks = [load(each, limits=limits, hints=hints) for each in several(models, *others)]
    return follow_networks(networks, account_of(budget, *networks)) if len(networks) > 1 else None


def _with_name(given: Any, place: int) -> tuple[str, Any]:
    """Return an earlier state and the name by which to speak of it."""
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return given[0], given[1]
    return _spoken(given, place), given


def _spoken(model: Model | LiveModel, place: int) -> str:
    """Return the name by which to speak of a model: its path as it was given."""
    return str(model) if isinstance(model, str | PathLike) else str(path_of(model) or f"network {place}")


def _check_composing(through: bool, *, assume_stacked: bool, images: object) -> None:
    """Pass silently where what only composing uses comes with it.

    Raises:
        ArgumentError: it comes alone, and would have no effect.
    """
    for name, is_given in (("assume_stacked", assume_stacked), ("images", images is not None)):
        if is_given and not through:
            raise ArgumentError(
                f"{name} is for filters composed down to the image: set through, or leave {name} out"
            )


def _read_images(images: str | PathLike[str] | NDArray[Any] | None) -> NDArray[Any] | None:
    from filtviz.running.images import read_images

    return (
        read_images(check_path(images, "images")) if isinstance(images, str | PathLike) else as_images(images)
    )
