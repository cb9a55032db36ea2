"""The commands as functions: what ``filtviz plot`` does in a shell, `filtviz.plot` does in Python.

A model is a path, a `Network`, or what `filtviz.given` makes one of. Nothing is printed: what was drawn and
written, what is worth knowing and what failed comes back in one frozen result. A layer that fails does not
stop the others; a file that gives no network, and a picture that cannot be written, raise a `FiltvizError`.

`filtviz.export`, many models into a folder, is in `filtviz.batch`; `filtviz.report`, one page on all of it,
in `filtviz.reporting`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from filtviz.budget import Account, Budget
from filtviz.errors import ArgumentError, BudgetError, DrawingError, FiltvizError, RunningError
from filtviz.given import (
    LayerChoice,
    LiveModel,
    Model,
    as_images,
    check_path,
    choose,
    chosen_layers,
    expect,
    is_model,
    load,
    named,
    several,
)
from filtviz.naming import layer_stems, models_stems, telling_names
from filtviz.network import ConvLayer, Network
from filtviz.reading import Hints, Limits
from filtviz.results import (
    ComparisonResult,
    GraphResult,
    LayerFailure,
    LayersResult,
    PlotResult,
    PlottedLayer,
    WrittenFile,
)
from filtviz.sources import Sources
from filtviz.summary import summarize
from filtviz.text import described, listed, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from filtviz.drawing import DrawingOptions, Picture
    from filtviz.drawing.kernel_sheets import ComparisonOrder
    from filtviz.drawing.pages import SheetPage
    from filtviz.drawing.plotting import Channels
    from filtviz.drawing.saving import Destination, PlannedFile
    from filtviz.measures.comparison import LayerComparison
    from filtviz.measures.measure import Diagnosis
    from filtviz.measures.trajectory import Trajectory
    from filtviz.responses.examining import Examination
    from filtviz.running.preparing import Preparation

__all__ = [
    "LiveModel",
    "Model",
    "Output",
    "Progress",
    "architecture_template",
    "compare",
    "diagnose",
    "follow",
    "graph",
    "layers",
    "plot",
]

Output: TypeAlias = "str | PathLike[str] | Destination | None"
"""A file or a folder; None for none."""

Shown: TypeAlias = "NDArray[Any] | str | PathLike[str] | Sequence[str | PathLike[str]]"
"""Images: an array, or the paths of pictures, folders of them, ``.npy`` and ``.npz`` files."""

Progress: TypeAlias = Callable[[WrittenFile], None]


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
    suffix: str | None = None,
    whole: bool = False,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> GraphResult:
    """Draw a network as boxes and what flows between them, with colours by kind and the shapes of what flows.

    Args:
        model: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
        output: A file (``.png``, ``.svg``, ``.pdf``; ``.dot`` for Graphviz, ``.mmd`` for Mermaid) or a
            folder; None writes nothing.
        suffix: The format in a folder: ``png``, ``svg``, ``pdf``, ``dot`` or ``mmd``; None for ``png``.
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
        raise DrawingError(f"{printable(_path_of(model) or 'the network', 200)} has no layers to draw")
    found = graph_of(network, whole=whole)
    picture = GraphPicture(found)
    result = GraphResult(
        network=network, graph=found, picture=picture, dot=as_dot(found), mermaid=as_mermaid(found)
    )
    if isinstance(output, str | PathLike) and wants_text(Path(output), suffix):
        path = write_text(found, network, Path(check_path(output, "a file or a folder")), suffix)
        return replace(result, files=(WrittenFile(path),))
    destination = _destination(output, suffix, TEXTS)
    if destination is None:
        return result
    from filtviz.drawing.options import DrawingOptions

    sources = Sources.of([network])
    _, planned = _plan_beside({"": (picture,)}, [network], destination, sources)
    files = _write(planned, destination, DrawingOptions(), sources, clobber=True, progress=None)
    return replace(result, files=tuple(files))


def plot(
    model: Model | LiveModel,
    *,
    layers: Iterable[LayerChoice] | LayerChoice | None = 0,
    channels: Channels = None,
    output: Output = None,
    suffix: str | None = None,
    view: str | None = None,
    drawing: DrawingOptions | None = None,
    through: bool = False,
    stacked: bool = False,
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
        suffix: The format of pictures in a folder, ``png``, ``pdf`` or ``svg``; None for ``png``.
        view: ``grid`` (nolearn's layout), ``sheet``, ``rms``, ``components`` or ``nmf``; None takes that of
            ``drawing``, or a sheet where colours, ``through`` or ``badges`` need one.
        drawing: Size, resolution and colours, and how sheets are drawn.
        through: Draw the filters as they are on the image, through all layers below.
        stacked: With ``through``: where the file does not tell, assume stride 1 and no pooling.
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
    from filtviz.drawing.plotting import Preparation, settle

    _check_composing(through, stacked=stacked, images=images)
    destination = _destination(output, suffix)
    options, ranges = settle(channels, view, drawing, needs_sheet=through or badges)
    network = load(model, limits=limits, hints=hints)
    if not network.conv_layers:
        found = _path_of(model)
        hint = "; `filtviz graph` shows what there is" if found else ""
        name = printable(found or "the network", 200)
        raise DrawingError(f"{name} {network.why_nothing_to_draw}{hint}")
    account = _account(budget, network)
    preparation = Preparation(
        network=network,
        source="" if (path := _path_of(model)) is None else path.name,
        options=options,
        ranges=ranges,
        through=through,
        stacked=stacked,
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
                pictures, cautions = preparation.pictures(layer)
                drawn[layer.conv_index] = PlottedLayer(layer=layer, pictures=pictures, cautions=cautions)
        except FiltvizError as error:
            failures.append(LayerFailure(named(wanted), str(error), error.code))
    files: list[WrittenFile] = []
    stem = ""
    if destination is not None and drawn:
        from filtviz.drawing.views import SHEET_VIEWS

        stems = layer_stems(network, SHEET_VIEWS)
        by_stem = {stems[conv_index]: each.pictures for conv_index, each in drawn.items()}
        sources = Sources.of([network], *([Path(images)] if isinstance(images, str | PathLike) else []))
        stem, planned = _plan_beside(by_stem, [network], destination, sources)
        files = _write(planned, destination, options, sources, clobber=clobber, progress=progress)
    return PlotResult(
        network=network,
        layers=tuple(drawn.values()),
        options=options,
        files=tuple(files),
        failures=tuple(failures),
        left_out=tuple(account.left_out),
        stem=stem,
    )


def _plan_beside(
    pictures: Mapping[str, Sequence[Picture]],
    networks: Sequence[Network],
    destination: Destination,
    sources: Sources,
) -> tuple[str, list[PlannedFile]]:
    """Plan files called after the models, and after their folders, too, where others' are called so."""
    from filtviz.drawing.saving import plan_files
    from filtviz.drawing.views import SHEET_VIEWS

    stems = models_stems([network.origin.path or Path("network") for network in networks])
    plans = [(stem, plan_files(pictures, stem, destination)) for stem in stems]
    if destination.names_a_file:
        return "", plans[0][1]
    names = [name for network in networks for name in layer_stems(network, SHEET_VIEWS).values()]
    free = (
        (stem, files)
        for stem, files in plans
        if not any(sources.are_not_in(file.path) for file in files)
        and not any(map(sources.are_not_in, _called(stem, names, destination.folder)))
    )
    return next(free, plans[0])


_MOST_ENTRIES, _MOST_MARKS = 10_000, 64
"""Files of a folder that are looked at, and of how many it is read what they show."""


def _called(stem: str, layers: Sequence[str], folder: Path) -> Iterator[Path]:
    """Yield files called as pictures of these layers would be, of the layers that are not drawn now, too."""
    starts = tuple(dict.fromkeys(f"{stem}-{layer}" for layer in layers))
    with suppress(OSError), os.scandir(folder) as entries:
        names = (entry.name for entry in islice(entries, _MOST_ENTRIES) if entry.name.startswith(starts))
        mine = (
            name for name in names if any(name.startswith((f"{start}-", f"{start}.")) for start in starts)
        )
        yield from map(folder.joinpath, islice(mine, _MOST_MARKS))


def diagnose(
    model: Model | LiveModel,
    *,
    layers: Iterable[LayerChoice] | LayerChoice | None = (),
    before: Model | LiveModel | Iterable[Model | LiveModel | tuple[str, Model | LiveModel]] | None = (),
    input_range: tuple[float, float] | None = None,
    images: Shown | None = None,
    labels: Sequence[Any] | None = None,
    names: Sequence[str] = (),
    preparation: Preparation | None = None,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> Diagnosis:
    """Say whether the filters of a network are random, and why they look so, from its weights alone.

    With ``images`` they are shown to the network, too: which units never fire, which are saturated, how many
    answers are right, and, with ``before``, what of that rests on learned weights.

    Args:
        model: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
        layers: Keep of the result these: numbers, names, layers; none keeps all. The whole network is
            measured in any case, for what drew one layer's first weights shows in the others.
        before: Earlier states of it, to measure what changed: one model or several, or pairs of the name by
            which to speak of one and the model.
        input_range: The lowest and the highest value of an input pixel, for the proof of dead filters.
        images: An array in the network's own axes, or pictures, folders of them, ``.npy`` or ``.npz`` files.
        labels: The class of each image, by number or name; None takes those of ``.npz`` files.
        names: The names of the classes, in the network's order.
        preparation: How pictures and files are prepared.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work it may be; what would be more is left out, and the result says so.
        limits: How much a file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: a file does not give a network.
        SelectionError: there is no such layer.
        MeasureError: ``input_range`` is empty or not finite.
        RunningError: the images cannot be read, or the network cannot be run on them.
    """
    from filtviz.measures.diagnosing import diagnose as diagnose_network
    from filtviz.measures.diagnosing import with_images

    network = load(model, limits=limits, hints=hints)
    wanted = {choose(network, each).conv_index for each in chosen_layers(layers)}
    earlier = [
        (name, load(each, limits=limits, hints=hints))
        for name, each in map(_with_name, several(() if before is None else before), count(1))
    ]
    account = _account(budget, network, *(each for _, each in earlier))
    diagnosis = diagnose_network(
        network, before=earlier, input_range=input_range, first=wanted, account=account
    )
    if images is not None:
        how = {"batch": batch, "device": device, "budget": budget}
        state = earlier[0] if earlier else None
        try:
            found = _examine(network, images, labels, preparation, names=names, before=state, **how)
            diagnosis = with_images(diagnosis, found)
        except (RunningError, BudgetError) as error:
            if isinstance(error, RunningError) and error.layer is None:
                raise
            told = f"images tell nothing of this network: {error}"
            diagnosis = replace(diagnosis, left_out=(*diagnosis.left_out, told))
    if not wanted:
        return diagnosis
    return replace(
        diagnosis,
        layers=tuple(layer for layer in diagnosis.layers if layer.conv_index in wanted),
        unjudged=tuple(layer for layer in diagnosis.unjudged if layer.conv_index in wanted),
    )


def _examine(
    network: Network,
    images: Shown,
    labels: Sequence[Any] | None,
    preparation: Preparation | None,
    **how: Any,
) -> Examination:
    """Show a network images, an array or what lies in files, and count what its units answer."""
    from filtviz.responses.examining import examine, pictures_of
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
    return follow_networks(networks, _account(budget, *networks)) if len(networks) > 1 else None


@overload
def compare(
    models: Model,
    *others: Model,
    states: Sequence[str] | None = None,
    layers: Iterable[LayerChoice] | LayerChoice | None = 0,
    output: Output = None,
    suffix: str | None = None,
    animate: str | PathLike[str] | None = None,
    order: ComparisonOrder = "index",
    drawing: DrawingOptions | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ComparisonResult: ...


@overload
def compare(
    models: Sequence[Model],
    states: Sequence[str] | None = None,
    /,
    *,
    layers: Iterable[LayerChoice] | LayerChoice | None = 0,
    output: Output = None,
    suffix: str | None = None,
    animate: str | PathLike[str] | None = None,
    order: ComparisonOrder = "index",
    drawing: DrawingOptions | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ComparisonResult: ...


@overload
def compare(models: Any, *others: Any, states: Sequence[str] | None = None) -> LayerComparison: ...


def compare(
    models: Any,
    *others: Any,
    states: Sequence[str] | None = None,
    layers: Iterable[LayerChoice] | LayerChoice | None = 0,
    output: Output = None,
    suffix: str | None = None,
    animate: str | PathLike[str] | None = None,
    order: ComparisonOrder = "index",
    drawing: DrawingOptions | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ComparisonResult | LayerComparison:
    """Compare the same layer of several models, such as before and after training.

    Args:
        models: Two or more models, in order: paths, networks, models in memory. Or two or more layers
            (filtviz's, live Lasagne layers, arrays ``(filters, channels, rows, cols)``): these are compared
            as they are, nothing is written, and the result is a lone `LayerComparison`.
        others: The second and further ones, where ``models`` is the first: ``compare("a", "b")`` is the same
            as ``compare(["a", "b"])``. Behind a list of models, a list of ``states``.
        states: What each is called; None takes the names of files, or counts.
        layers: One convolution or several: numbers (0 is the first, -1 the last), names, layers.
        output: A file (``.png``, ``.pdf``, ``.svg``) or a folder for pictures of each filter before, after
            and as a difference; None writes none.
        suffix: The format of pictures in a folder, ``png``, ``pdf`` or ``svg``; None for ``png``.
        animate: A ``.gif`` that shows the models' filters one after another, of one layer.
        order: The order of the filters in pictures: ``index``, or ``change``, most first.
        drawing: Resolution, and how sheets are drawn.
        budget: How much work it may be, and how many pixels; a layer that would be more fails.
        limits: How much a file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: a file does not give a network.
        DrawingError: there are fewer than two, or the layers given cannot be compared.
        OutputError: a picture cannot be written.
        ArgumentError: an option is out of its range.
    """
    from filtviz.measures.comparison import compare_layers, pay_for_comparison

    given, states = _several_with_states(models, others, states)
    if not any(map(is_model, given)):
        from filtviz.drawing.plotting import compare as compare_given

        return compare_given(given, states)
    destination, wanted = _destination(output, suffix), chosen_layers(layers, (0,))
    gif = _animation(animate, wanted)
    networks = [load(model, limits=limits, hints=hints) for model in given]
    names = _state_names(given) if states is None else _checked_states(states, given)
    account = _account(budget, *networks)
    compared: dict[int, _Compared] = {}
    failures = []
    for name in wanted:
        try:
            layers_of_all = [choose(network, name) for network in networks]
            pay_for_comparison(layers_of_all, account)
            index = layers_of_all[0].conv_index
            comparison = compare_layers(_facing_alike(layers_of_all), names)
            compared[index] = _Compared(comparison, _turned(layers_of_all))
        except FiltvizError as error:
            failures.append(LayerFailure(named(name), str(error), error.code))
    stem, files = _draw_comparisons(compared, networks, destination, gif, order, drawing, account, failures)
    return ComparisonResult(
        comparisons=tuple(each.comparison for each in compared.values()),
        files=tuple(files),
        failures=tuple(failures),
        cautions=tuple(dict.fromkeys(sentence for each in compared.values() for sentence in each.cautions)),
        stem=stem,
    )


def _turned(layers: Sequence[ConvLayer]) -> list[bool]:
    """Tell which layers' kernels are turned before they are compared: those that convolve, beside others."""
    turns = {layer.flip_filters for layer in layers} >= {True, False}
    return [turns and bool(layer.flip_filters) for layer in layers]


def _facing_alike(layers: Sequence[ConvLayer]) -> list[ConvLayer]:
    """Return layers that all have their kernels as they match in the image, or all as stored."""
    return [
        ConvLayer.of(layer.convolution.templates, type=layer.type, label=layer.label)
        if turned and layer.why_not_drawn is None
        else layer
        for layer, turned in zip(layers, _turned(layers), strict=True)
    ]


@dataclass(frozen=True)
class _Compared:
    """A comparison, and in which of its states the kernels were turned for it."""

    comparison: LayerComparison
    turned: Sequence[bool]

    @property
    def cautions(self) -> tuple[str, ...]:
        """What would mislead in it."""
        states = self.comparison.states
        found = []
        if turned := [state for state, turn in zip(states, self.turned, strict=True) if turn]:
            found.append(
                f"the kernels of {listed(turned)} are turned by 180°, as they match in the image: that layer "
                "convolves, where the others correlate"
            )
        # The cosine of unrelated weights has the standard deviation 1 / sqrt(n).
        if abs(self.comparison.total_cosine) < 3 / self.comparison.filters[0].size ** 0.5:
            found.append(
                f"{self.comparison.label} is no more alike in {states[0]} and {states[-1]} than by chance: "
                "where networks were trained apart, filter 0 of the one is not filter 0 of the other"
            )
        return tuple(found)


def _several_with_states(
    models: Any, others: Sequence[Any], states: Sequence[str] | None
) -> tuple[list[Any], Sequence[str] | None]:
    """Return the models and what their states are called, which may be the second of two lists."""
    is_second_list = isinstance(models, list | tuple) and len(others) == 1 and states is None
    if is_second_list and (others[0] is None or isinstance(others[0], list | tuple)):
        return several(models), others[0]
    return several(models, *others), states


def _checked_states(states: Any, models: Sequence[Any]) -> list[str]:
    """Return what states are called, a text for each."""
    called = [] if isinstance(states, str) or not isinstance(states, Iterable) else list(states)
    if len(called) != len(models) or not all(isinstance(each, str) for each in called):
        raise ArgumentError(
            f"states must be {len(models)} texts, one for each model, not {described(states)}"
        )
    return called


def _with_name(given: Any, place: int) -> tuple[str, Any]:
    """Return an earlier state and the name by which to speak of it."""
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return given[0], given[1]
    return _spoken(given, place), given


def _account(budget: Budget | None, *networks: Network) -> Account:
    return (expect(budget, Budget, "budget") or Budget()).account(*networks)


def _path_of(model: Model | LiveModel) -> Path | None:
    if isinstance(model, Network):
        return model.origin.path
    return Path(check_path(model, "a model")) if isinstance(model, str | PathLike) else None


def _spoken(model: Model | LiveModel, place: int) -> str:
    """Return the name by which to speak of a model: its path as it was given."""
    return str(_path_of(model) or f"network {place}")


def _state_names(models: Sequence[Model | LiveModel]) -> list[str]:
    """Return the files' names, with the folders that tell them apart where names alone do not."""
    paths = [_path_of(model) for model in models]
    told = telling_names([path or Path(f"network {place}") for place, path in enumerate(paths, start=1)])
    return [printable(name, 80) for name in told]


def _check_composing(through: bool, *, stacked: bool, images: object) -> None:
    """Pass silently where what only composing uses comes with it.

    Raises:
        ArgumentError: it comes alone, and would have no effect.
    """
    for name, is_given in (("stacked", stacked), ("images", images is not None)):
        if is_given and not through:
            raise ArgumentError(
                f"{name} is for filters composed down to the image: set through, or leave {name} out"
            )


def _destination(output: Output, suffix: str | None, also: Iterable[str] = ()) -> Destination | None:
    """Understand where pictures go; ``also`` are formats that are no pictures', to name to whoever errs."""
    from filtviz.drawing.saving import Destination, find_destination

    if output is None or isinstance(output, Destination):
        return output
    return find_destination(check_path(output, "a picture or a folder"), suffix, ("png", "pdf", "svg", *also))


def _write(
    planned: Sequence[PlannedFile],
    destination: Destination,
    options: DrawingOptions,
    sources: Sources,
    *,
    clobber: bool,
    progress: Progress | None,
) -> list[WrittenFile]:
    """Write pictures one after another, and tell of each."""
    from filtviz.drawing.saving import write_files

    files = []
    for path, written in write_files(planned, destination, options, sources, clobber=clobber):
        files.append(WrittenFile(path, kept=not written))
        if progress:
            progress(files[-1])
    return files


def _read_images(images: str | PathLike[str] | NDArray[Any] | None) -> NDArray[Any] | None:
    from filtviz.running.images import read_images

    return (
        read_images(check_path(images, "images")) if isinstance(images, str | PathLike) else as_images(images)
    )


def _animation(animate: str | PathLike[str] | None, layers: Sequence[LayerChoice]) -> Path | None:
    if animate is None:
        return None
    if len(layers) != 1 or Path(check_path(animate, "a picture")).suffix.lower() != ".gif":
        raise ArgumentError("animate must be a name that ends in .gif, and goes with one layer")
    return Path(animate)


def _draw_comparisons(
    compared: Mapping[int, _Compared],
    networks: Sequence[Network],
    destination: Destination | None,
    gif: Path | None,
    order: ComparisonOrder,
    drawing: DrawingOptions | None,
    account: Account,
    failures: list[LayerFailure],
) -> tuple[str, list[WrittenFile]]:
    """Write the pictures of comparisons, by the layers' conv indices, and the animation of the only one.

    Returns:
        What the names of the pictures begin with where it is filtviz that names them, and the files.
    """
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.kernel_sheets import comparison_pages, frame_pages
    from filtviz.drawing.saving import write_animation
    from filtviz.drawing.views import SHEET_VIEWS
    from filtviz.files import write_whole

    options, sources = drawing or DrawingOptions(), Sources.of(networks)
    if gif is not None and compared:
        sources.refuse(gif)  # before anything is written
    stems = layer_stems(networks[0], SHEET_VIEWS)
    pages: dict[str, list[SheetPage]] = {}
    frames: list[SheetPage] = []
    for place, each in compared.items():
        comparison, as_stored = each.comparison, not any(each.turned)
        if gif is not None:
            made = partial(frame_pages, comparison, options, order)
            with _failing_alone(place, failures):
                frames = _paid_for(made(), "gif", account, f"animating {comparison.label}")
        if destination is not None:
            made = partial(
                comparison_pages, comparison, options, order, cautions=each.cautions, as_stored=as_stored
            )
            with _failing_alone(place, failures):
                what = f"drawing {comparison.label}"
                pages[stems[place]] = _paid_for(made(), destination.suffix, account, what)
    stem, files = "", []
    if destination is not None and pages:
        stem, planned = _plan_beside(pages, networks, destination, sources)
        files = _write(planned, destination, options, sources, clobber=True, progress=None)
    if gif is not None and frames:
        images = [page.image() for page in frames]
        write_whole(gif, partial(write_animation, images, mark=sources.mark), sources)
        files.append(WrittenFile(gif))
    return stem, files


@contextmanager
def _failing_alone(layer: int, failures: list[LayerFailure]) -> Iterator[None]:
    """Take note of a layer's pictures that cannot be drawn, or cost too much, and go on with the others."""
    try:
        yield
    except (BudgetError, DrawingError) as error:
        failures.append(LayerFailure(layer, str(error), error.code))


def _paid_for(pages: Iterable[SheetPage], suffix: str, account: Account, what: str) -> list[SheetPage]:
    """Return pages for which there is enough left."""
    from filtviz.drawing.estimates import pay_for_pages

    drawn = list(pages)
    pay_for_pages(drawn, suffix, account, what)
    return drawn
