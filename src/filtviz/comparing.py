"""`filtviz.compare`: the same layer of several models beside one another, as numbers and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from filtviz.budget import Account, Budget
from filtviz.errors import ArgumentError, BudgetError, DrawingError, FiltvizError
from filtviz.given import (
    LayerChoice,
    LiveModel,
    Model,
    account_of,
    check_choice,
    check_path,
    choose,
    chosen_layers,
    expect,
    is_model,
    load,
    named,
    path_of,
    several,
)
from filtviz.naming import layer_stems, telling_names
from filtviz.network import ConvLayer, Network
from filtviz.picture_files import Output, destination_of, plan_beside, write_pictures
from filtviz.reading import Hints, Limits
from filtviz.results import ComparisonResult, LayerFailure, WrittenFile
from filtviz.sources import Sources
from filtviz.text import described, listed, printable

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.kernel_sheets import ComparisonOrder
    from filtviz.drawing.pages import SheetPage
    from filtviz.drawing.saving import Destination
    from filtviz.measures.comparison import LayerComparison

__all__ = ["compare"]


@overload
def compare(
    models: Model,
    *others: Model,
    states: Sequence[str] | None = None,
    layers: Iterable[LayerChoice] | LayerChoice | None = 0,
    output: Output = None,
    format: str | None = None,
    animate: str | PathLike[str] | None = None,
    sort: ComparisonOrder = "index",
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
    format: str | None = None,
    animate: str | PathLike[str] | None = None,
    sort: ComparisonOrder = "index",
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
    format: str | None = None,
    animate: str | PathLike[str] | None = None,
    sort: ComparisonOrder = "index",
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
        format: The format of pictures in a folder, ``png``, ``pdf`` or ``svg``; None for ``png``.
        animate: A ``.gif`` that shows the models' filters one after another, of one layer.
        sort: The order of the filters in pictures: ``index``, or ``change``, most first.
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
    from filtviz.drawing.options import DrawingOptions
    from filtviz.measures.comparison import compare_layers, pay_for_comparison

    given, states = _several_with_states(models, others, states)
    if not any(map(is_model, given)):
        from filtviz.drawing.plotting import compare as compare_given

        return compare_given(given, states)
    destination, wanted = destination_of(output, format), chosen_layers(layers, (0,))
    check_choice(sort, ("index", "change"), "sort")
    gif = _animation(animate, wanted)
    options = expect(drawing, DrawingOptions, "drawing") or DrawingOptions()
    networks = [load(model, limits=limits, hints=hints) for model in given]
    names = _state_names(given) if states is None else _checked_states(states, given)
    account = account_of(budget, *networks)
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
    stem, files = _draw_comparisons(compared, networks, destination, gif, sort, options, account, failures)
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
        ConvLayer.of(layer.convolution.templates, label=layer.label)
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
        least = 3 / self.comparison.filters[0].size ** 0.5
        if self.comparison.total_change and abs(self.comparison.total_cosine) < least:
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


def _state_names(models: Sequence[Model | LiveModel]) -> list[str]:
    """Return the files' names, with the folders that tell them apart where names alone do not."""
    paths = [path_of(model) for model in models]
    told = telling_names([path or Path(f"network {place}") for place, path in enumerate(paths, start=1)])
    return [printable(name, 80) for name in told]


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
    options: DrawingOptions,
    account: Account,
    failures: list[LayerFailure],
) -> tuple[str, list[WrittenFile]]:
    """Write the pictures of comparisons, by the layers' conv indices, and the animation of the only one.

    Returns:
        What the names of the pictures begin with where it is filtviz that names them, and the files.
    """
    from filtviz.drawing.kernel_sheets import comparison_pages, frame_pages
    from filtviz.drawing.saving import write_animation
    from filtviz.drawing.views import SHEET_VIEWS
    from filtviz.files import write_whole

    sources = Sources.of(networks)
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
        stem, planned = plan_beside(pages, networks, destination, sources)
        files = write_pictures(planned, destination, options, sources)
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
