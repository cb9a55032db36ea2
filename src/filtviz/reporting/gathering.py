"""Paths or networks in, the content of a page out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from os import PathLike
from pathlib import Path
from typing import Any

from filtviz.budget import Account, Budget
from filtviz.composition import ASSUMED, assume_stacked
from filtviz.errors import ArgumentError, BudgetError, FiltvizError, RunningError
from filtviz.given import (
    LayerChoice,
    LiveModel,
    Model,
    choose,
    chosen_layers,
    expect,
    load,
    several,
)
from filtviz.measures.diagnosing import diagnose, with_images
from filtviz.measures.measure import Diagnosis
from filtviz.naming import telling_names, unique_stems
from filtviz.network import ConvLayer, Network
from filtviz.reading import Hints, Limits
from filtviz.reporting.content import (
    PageContent,
    ReportedModel,
    Section,
    State,
    draw_histograms,
    follow_measures,
)
from filtviz.reporting.pictures import (
    FEW_CHANNELS,
    Depth,
    Glance,
    draw_kernels,
    draw_through,
    glance_composed,
    glance_stored,
    glance_usual,
    plan_depths,
    sum_up,
)
from filtviz.reporting.shown import ImageFigure, draw_images
from filtviz.responses.asking import pictures_of
from filtviz.responses.examining import examine
from filtviz.results import FileFailure
from filtviz.running.preparing import Preparation, read_labels, size_of
from filtviz.text import described, name_runs, plural, printable

__all__ = ["ReportOptions", "gather", "gather_content", "label_files", "load_all", "load_some"]


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How much goes into a page.

    Attributes:
        layers: Convolutions by number or name; empty takes them all.
        megabytes: Of pictures that the page may hold. Where they would be more, they are sent with 8 bits a
            weight instead of 16, and then without the kernels of the largest layers; the page says so.
        input_range: The lowest and the highest value of an input pixel, for the proof of dead filters.
        images: What is shown to the network in each of the files: an array in its own axes, or the paths
            of pictures, folders, ``.npy`` and ``.npz`` files; None for nothing.
        labels: The class of each image, or a file with one a line; None takes those of ``.npz`` files.
        preparation: How pictures and files are prepared.
        batch: Images at once at the most.
        device: Where PyTorch computes, such as ``cuda``.
        assume_stacked: Where a file does not tell what lies between its convolutions, take them for a plain
            stack (`filtviz.composition.assume_stacked`); the page says so.

    Raises:
        ArgumentError: an option is out of its range; the text is one sentence.
    """

    layers: Sequence[LayerChoice] = ()
    megabytes: float = 4.0
    input_range: tuple[float, float] | None = None
    images: Any = None
    labels: Sequence[Any] | str | PathLike[str] | None = None
    preparation: Preparation | None = None
    batch: int | None = None
    device: str | None = None
    assume_stacked: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", chosen_layers(self.layers))
        if not isinstance(self.megabytes, int | float) or not 0 < self.megabytes < math.inf:
            raise ArgumentError(f"megabytes must be a positive number, not {described(self.megabytes)}")

    @property
    def file_of_labels(self) -> str | PathLike[str] | None:
        """The file in which the classes of images stand, where they do."""
        return self.labels if isinstance(self.labels, str | PathLike) else None


Group = list[tuple[ReportedModel, ConvLayer]]


def gather_content(
    networks: Sequence[Network],
    diagnoses: Sequence[Diagnosis],
    options: ReportOptions,
    account: Account | None = None,
    n_before: int = 0,
) -> PageContent:
    """Gather what a page on these files shows, the files in the order in which they were given.

    The first ``n_before`` of them were given to compare with.

    Raises:
        SelectionError: a layer was asked for that one of the files does not have.
    """
    labels = label_files(networks)
    files = tuple(
        ReportedModel(label=label, network=network, diagnosis=diagnosis)
        for label, network, diagnosis in zip(labels, networks, diagnoses, strict=True)
    )
    account = account or Budget().account(*networks)
    n_told = len(account.left_out)
    all_groups = _group_layers(files, options)
    groups, too_much = _affordable(all_groups, account)
    depths = plan_depths([_size(group) for group in groups], options.megabytes)
    anchors = unique_stems([f"layer-{group[0][1].conv_index}" for group in groups])
    sections = tuple(map(_section, anchors, groups, depths, repeat(account)))
    judged = [sentence for file in files for sentence in file.diagnosis.left_out]
    assumed = [ASSUMED] if options.assume_stacked else []
    return PageContent(
        title=_title(labels, n_before),
        files=files,
        sections=sections,
        n_before=n_before,
        glances=tuple(_glances(files, n_before, sections, account)),
        left_out=(*judged, *too_much, *account.left_out[n_told:]),
        notes=(*assumed, *_omissions(files, all_groups, groups, depths)),
    )


_MOST_NAMED = 3
"""Models that are named in the title of a page; more are counted."""


def _title(labels: Sequence[str], n_before: int) -> str:
    shown = labels[n_before:]
    title = f"Filters of {', '.join(shown) if len(shown) <= _MOST_NAMED else plural(len(shown), 'model')}"
    return f"{title}, and what changed since {', '.join(labels[:n_before])}" if n_before else title


_MOST_SHOWN = 4
"""Models whose pictures stand beside their answers; of more there are the answers."""

Shown = tuple[ReportedModel, Glance]


def _glances(
    files: Sequence[ReportedModel], n_before: int, sections: Sequence[Section], account: Account
) -> Iterator[Shown]:
    """Draw what people look at first in each model, and the picture that shows most.

    Of a lone model that is compared with earlier ones, the first layer is drawn in the first of these, too.
    """
    answered = files[n_before:]
    if len(answered) == 1:
        earlier = next((state for state in _firsts(files[-1], sections)), None)
        if earlier is not None and earlier.file is not files[-1]:
            yield earlier.file, glance_usual(earlier.layer, f" in {earlier.file.label}")
    for file in answered[:_MOST_SHOWN]:
        own = next((state for state in _firsts(file, sections) if state.file is file), None)
        if own is None:
            continue
        yield file, glance_usual(own.layer, f" in {file.label}" if n_before else "")
        best = _best_glance(file, own, account)
        if best is not None:
            yield file, best


def _firsts(file: ReportedModel, sections: Sequence[Section]) -> Sequence[State]:
    """Return the first layer that is shown of a file, in all files that have it."""
    section = next((each for each in sections if each.state_of(file) is not None), None)
    return section.states if section is not None else ()


def _best_glance(file: ReportedModel, first: State, account: Account) -> Glance | None:
    """Draw the layer that the diagnosis says to look at; without one, the first again, on one scale."""
    diagnosis, network = file.diagnosis, file.network
    if diagnosis.look_at is None and first.diagnosis.verdict == "undecided":
        return None
    layer = first.layer if diagnosis.look_at is None else network.conv_layers[diagnosis.look_at]
    composed = None if diagnosis.look_size is None else glance_composed(network, layer, account)
    return composed or glance_stored(layer)


def label_files(networks: Sequence[Network]) -> list[str]:
    """Return a short name for each file: its own, with the folders that tell it from others of that name."""
    paths = [network.origin.path for network in networks]
    told = telling_names([path or Path(f"network {place}") for place, path in enumerate(paths, start=1)])
    labels = [printable(name, 120) for name in told]
    return [f"{label} ({i})" if labels.count(label) > 1 else label for i, label in enumerate(labels, start=1)]


def _group_layers(files: Sequence[ReportedModel], options: ReportOptions) -> list[Group]:
    """Bring together what is the same layer in several files: the same place, the same shape."""
    groups: dict[tuple[int, tuple[int, ...]], Group] = {}
    for file in files:
        judged = {diagnosis.conv_index for diagnosis in file.diagnosis.layers}
        for layer in _chosen(file.network, options):
            if layer.conv_index in judged:
                key = (layer.conv_index, (layer.n_filters, layer.n_channels, *layer.kernel_size))
                groups.setdefault(key, []).append((file, layer))
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]


def _chosen(network: Network, options: ReportOptions) -> tuple[ConvLayer, ...]:
    if not options.layers:
        return network.conv_layers
    chosen = {layer.conv_index: layer for layer in _asked(network, options)}
    return tuple(chosen[index] for index in sorted(chosen))


def _asked(network: Network, options: ReportOptions) -> list[ConvLayer]:
    return [choose(network, wanted) for wanted in options.layers]


_SECTION, _FILTER, _NUMBER, _SINGULAR = 3_000_000, 100_000, 400, 10
"""The work of a layer's section; of a filter, a number of its pictures, and a term of singular values."""


def _affordable(groups: Sequence[Group], account: Account) -> tuple[list[Group], list[str]]:
    """Return the layers that can be shown, and a sentence on the others."""
    shown, left_out = [], []
    for group in groups:
        _, first = group[0]
        try:
            account.spend("work", sum(_work_of(layer) for _, layer in group), f"showing {first.title}")
            shown.append(group)
        except BudgetError as error:
            left_out.append((first, str(error)))
    if not left_out:
        return shown, []
    names = name_runs([(layer.conv_index, layer.label) for layer, _ in left_out])
    return shown, [f"the pictures of {names} were left out: {left_out[0][1]}"]


def _work_of(layer: ConvLayer) -> int:
    filters, channels = layer.n_filters, layer.n_channels
    rows, cols = layer.kernel_size
    pixels = filters * channels * (rows + 1) * (cols + 1)
    patterns = layer.weights.size * min(channels, rows * cols) if channels > FEW_CHANNELS else 0
    return _SECTION + filters * _FILTER + pixels * _NUMBER + patterns * _SINGULAR


def _size(group: Group) -> int:
    return sum(layer.weights.size for _, layer in group)


def _section(anchor: str, group: Group, depth: Depth, account: Account) -> Section:
    states = _states(group)
    networks = [file.network for file, _ in group]
    layers = [layer for _, layer in group]
    through, why_not = draw_through(networks, layers, _composed_size(states), account)
    measured = [state for state in states if through is None or state.diagnosis.composed_size is not None]
    found = [note for state in measured for note in state.diagnosis.notes]  # that it was not composed
    pictures = (draw_kernels(layers, depth), sum_up(layers, depth), through)
    return Section(
        anchor=anchor,
        states=states,
        pictures=tuple(each for each in pictures if each is not None),
        movement=follow_measures([state.diagnosis for state in states]),
        notes=tuple(dict.fromkeys([*_depth_notes(layers[0], depth), *why_not, *found])),
    )


def _composed_size(states: Sequence[State]) -> tuple[int, int] | None:
    """Return how large the filters are when composed, where the measures have done so or the answer asks."""
    size = states[0].diagnosis.composed_size
    whole = states[-1].file.diagnosis
    return whole.look_size if size is None and whole.look_at == states[-1].layer.conv_index else size


def _states(group: Group) -> tuple[State, ...]:
    diagnoses = [
        next(each for each in file.diagnosis.layers if each.conv_index == layer.conv_index)
        for file, layer in group
    ]
    histograms = draw_histograms([layer.filters for _, layer in group], diagnoses)
    return tuple(
        State(file=file, layer=layer, diagnosis=diagnosis, histogram=histogram)
        for (file, layer), diagnosis, histogram in zip(group, diagnoses, histograms, strict=True)
    )


def _depth_notes(layer: ConvLayer, depth: Depth) -> Iterator[str]:
    if depth == 8:
        yield "weights are rounded to 1/126 of the layer's largest, which keeps the page small (--megabytes)"
    if depth == 0:
        n = layer.n_filters * layer.n_channels
        yield (
            f"the {n:,} kernels themselves are not in the page, to keep it small: --layer {layer.conv_index} "
            "or a larger --megabytes puts them in"
        )


def _omissions(
    files: Sequence[ReportedModel], asked: Sequence[Group], groups: Sequence[Group], depths: Sequence[Depth]
) -> Iterator[str]:
    """Say which layers were not ``asked`` for, and what is to know of those that are shown."""
    wanted = {(id(file), layer.conv_index) for group in asked for file, layer in group}
    for file in files:
        n = sum((id(file), diagnosis.conv_index) not in wanted for diagnosis in file.diagnosis.layers)
        if n:
            yield f"{n} of {len(file.diagnosis.layers)} layers of {file.label} are left out (--layer)"
    empty = sum(depth == 0 for depth in depths)
    if empty:
        yield f"{empty} of {len(groups)} layers are shown without their kernels (--megabytes)"
    n_with_layers = sum(bool(file.diagnosis.layers) for file in files)
    alone = [group for group in groups if len(group) < n_with_layers]
    if alone:
        yield (
            f"{len(alone)} of {len(groups)} layers are not of the same place and shape in all files: "
            "they stand by themselves"
        )


def gather(
    models: Model | LiveModel | Iterable[Model | LiveModel],
    options: ReportOptions | None = None,
    *,
    before: Model | LiveModel | Iterable[Model | LiveModel] = (),
    notes: Sequence[str] = (),
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> PageContent:
    """Return what the page of `report` says, as facts; arguments and errors are the same."""
    options = expect(options, ReportOptions, "options") or ReportOptions()
    earlier = load_all(before, limits, hints)
    networks = [*earlier, *load_some(models, limits, hints)[0]]
    for network in networks:
        for wanted in options.layers:
            choose(network, wanted)  # before minutes are spent on measures
    if options.assume_stacked:
        networks = [assume_stacked(network) for network in networks]
    account = (expect(budget, Budget, "budget") or Budget()).account(*networks)
    drawn = [each for network in networks for each in _chosen(network, options) if not each.why_not_drawn]
    with account.keeping("work", sum(map(_work_of, drawn))):  # a page of sentences without pictures is none
        diagnoses = _diagnose_all(networks, len(earlier), options, account)
    figures: list[tuple[ImageFigure, ...]] = []
    left_out: list[str] = []
    if options.images is not None:
        diagnoses, figures, left_out = _show_to_each(networks, diagnoses, options, len(earlier), budget)
    content = gather_content(networks, diagnoses, options, account, len(earlier))
    return replace(
        content,
        figures=tuple(figures),
        notes=(*map(str, several(() if notes is None else notes)), *content.notes),
        left_out=(*content.left_out, *left_out),
    )


def _show_to_each(
    networks: Sequence[Network],
    diagnoses: Sequence[Diagnosis],
    options: ReportOptions,
    n_before: int,
    budget: Budget | None,
) -> tuple[list[Diagnosis], list[tuple[ImageFigure, ...]], list[str]]:
    """Show images to all networks that the page answers for; one that they do not fit stops no other."""
    labels = label_files(networks)
    told, figures = list(diagnoses), []
    left_out: list[str] = []
    before = (labels[0], networks[0]) if n_before else None
    alone = len(networks) - n_before == 1
    for place in range(n_before, len(networks)):
        name = "this network" if alone else printable(labels[place], 60)
        try:
            told[place], drawn, omitted = _show_images(
                networks[place], diagnoses[place], options, before, budget
            )
        except (RunningError, BudgetError) as error:
            if isinstance(error, RunningError) and error.layer is None and alone:
                raise
            drawn, omitted = (), (f"images tell nothing of {name}: {error}",)
        figures.append(drawn)
        left_out += omitted
    return told, figures, left_out


def _show_images(
    network: Network,
    diagnosis: Diagnosis,
    options: ReportOptions,
    before: tuple[str, Network] | None,
    budget: Budget | None,
) -> tuple[Diagnosis, tuple[ImageFigure, ...], tuple[str, ...]]:
    """Show images to a network, beside the state with which it is compared, and draw that."""
    pictures = pictures_of(network, options.images, options.preparation)
    given: Any = options.labels if options.file_of_labels is None else read_labels(options.file_of_labels)
    labels = pictures.labels if given is None else given
    budget = replace(budget or Budget(), image_bytes=size_of(options.images))
    found = examine(
        network, pictures.images, labels=labels, before=before,
        batch=options.batch, device=options.device, budget=budget,
    )  # fmt: skip
    found = replace(found, sentences=pictures.sentences)
    figures, left_out = draw_images(network, found, pictures, diagnosis.look_at, budget)
    return with_images(diagnosis, found), figures, left_out


def load_some(
    models: Model | LiveModel | Iterable[Model | LiveModel], limits: Limits | None, hints: Hints | None
) -> tuple[list[Network], list[FileFailure]]:
    """Return networks, and which of several models cannot be read; where none can, that is the error.

    Args:
        models: One model or several.
        limits: How much a file may ask for.
        hints: What a person says about files of bare arrays.
    """
    given = several(models)
    if not given:
        raise ArgumentError("a report needs at least one model")
    networks: list[Network] = []
    errors: list[tuple[str, FiltvizError]] = []
    for each in given:
        try:
            networks.append(load(each, limits=limits, hints=hints))
        except FiltvizError as error:
            errors.append((str(each), error))
    if not networks:
        *others, (_, last) = errors
        for _, other in others:
            last.add_note(str(other))
        raise last
    return networks, [FileFailure(file, str(error), error.code) for file, error in errors]


def load_all(
    models: Model | LiveModel | Iterable[Model | LiveModel], limits: Limits | None, hints: Hints | None
) -> list[Network]:
    """Return networks, of paths and of what a person gives in their place.

    Args:
        models: One model or several.
        limits: How much a file may ask for.
        hints: What a person says about files of bare arrays.
    """
    return [load(each, limits=limits, hints=hints) for each in several(models)]


def _diagnose_all(
    networks: Sequence[Network], n_before: int, options: ReportOptions, account: Account
) -> list[Diagnosis]:
    """Judge each network, and those after the earlier ones against these as well."""
    compared = list(zip(label_files(networks), networks, strict=True))[:n_before]
    return [
        diagnose(
            network,
            before=compared if place >= len(compared) else (),
            input_range=options.input_range,
            first=[layer.conv_index for layer in _asked(network, options)],
            account=account,
        )
        for place, network in enumerate(networks)
    ]
