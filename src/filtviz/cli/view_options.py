"""The options of ``plot`` that choose and tune a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from filtviz.cli.shared_options import ChannelsType, usage_errors
from filtviz.drawing.options import ORDERS, SCALES
from filtviz.drawing.views import DEFAULT_VIEW, VIEWS
from filtviz.network import ConvLayer, Network

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions, SheetTexts
    from filtviz.measures.findings import Diagnosis

__all__ = ["Viewing", "scale_option", "view_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_OF_SHEETS = {
    "scale": "--scale",
    "labels": "--labels",
    "sort": "--sort",
    "top": "--top",
    "components": "--components",
    "flip": "--flip",
    "through": "--through",
    "badges": "--badges",
    "terminal": "--terminal",
}
"""Parameters that nolearn's layout has no place for; one of them alone asks for a sheet."""

_VIEWING = ("through", "stacked", "images", "badges", "terminal")


@dataclass(frozen=True, kw_only=True)
class Viewing:
    """What there is to do beside drawing: look ``through`` the stack, and show it in the ``terminal``.

    ``stacked`` lets the geometry be assumed that a bare list of parameters does not tell; ``images`` is the
    path of images to check composed filters on; ``badges`` marks what `filtviz.diagnose` found at a filter.
    """

    through: bool = False
    stacked: bool = False
    images: str | None = None
    badges: bool = False
    terminal: bool = False

    def prepare(self, network: Network, layer: ConvLayer, source: str) -> tuple[ConvLayer, SheetTexts]:
        """Return what to draw of ``layer``, and what to say of it; ``source`` is the file's name."""
        from filtviz.drawing.sheet import SheetTexts, with_badges, with_composition

        drawn, texts = layer, SheetTexts(source=source)
        if self.through:
            from filtviz.composition.through import compose_layer
            from filtviz.running.images import read_images

            images = None if self.images is None else read_images(self.images)
            composed = compose_layer(network, layer, stacked=self.stacked, images=images)
            drawn, texts = composed.layer, with_composition(composed, texts)
        if self.badges:
            found = {each.conv_index: each for each in _diagnose(network).layers}
            if layer.conv_index in found:
                texts = with_badges(found[layer.conv_index], layer.n_filters, texts)
        return drawn, texts


@lru_cache(maxsize=1)
def _diagnose(network: Network) -> Diagnosis:
    """Diagnose a network once for all the layers that are drawn of it."""
    from filtviz.measures.diagnosing import diagnose

    return diagnose(network)


scale_option = click.option(
    "--scale",
    type=click.Choice(SCALES),
    default="layer",
    show_default=True,
    help="What shares a scale, symmetric about zero, in all that is drawn together.",
)


class ViewChannelsType(ChannelsType):
    """``all``, numbers and ranges, or ``rgb`` and ``bgr`` for filters of three channels in colour."""

    name = "all|0,2-5|rgb|bgr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text."""
        word = str(value).strip().lower()
        return word if word in ("rgb", "bgr") else super().convert(value, param, ctx)


def view_options(command: Command) -> Command:
    """Add ``--channels`` and the options of views, below `drawing_options`, whose ``drawing`` it completes.

    The command gets ``channels``, ``drawing`` with its view and sheet set, and ``viewing``.
    """

    @click.option(
        "--channels",
        type=ViewChannelsType(),
        default="all",
        show_default=True,
        help="The input channels to draw, counted from 0; rgb and bgr draw three as one picture in colour.",
    )
    @click.option(
        "--view",
        type=click.Choice(list(VIEWS)),
        help=" ".join(f"{view.name}: {view.help}." for view in VIEWS.values()),
    )
    @scale_option
    @click.option(
        "--sort",
        type=click.Choice(ORDERS),
        default="index",
        show_default=True,
        help="The order of the filters.",
    )
    @click.option("--top", type=click.IntRange(min=1), metavar="N", help="Draw the N strongest filters.")
    @click.option("--labels/--no-labels", default=True, show_default=True, help="Write indices at tiles.")
    @click.option("--flip", is_flag=True, help="Draw what a filter matches in the image, not what is stored.")
    @click.option(
        "--components",
        type=click.IntRange(min=1),
        default=4,
        show_default=True,
        metavar="N",
        help="Patterns for each filter, with --view components or nmf.",
    )
    @click.option(
        "--through", is_flag=True, help="Draw the filters as they are on the image, through all layers below."
    )
    @click.option(
        "--assume-stacked",
        "stacked",
        is_flag=True,
        help="With --through: where the file does not tell, assume stride 1 and no pooling.",
    )
    @click.option(
        "--images",
        metavar="FILE.npy",
        help="With --through: check on these images (images, channels, rows, columns) instead of noise.",
    )
    @click.option(
        "--badges", is_flag=True, help="Mark what `filtviz diagnose` finds at a filter: smooth, duplicate, …"
    )
    @click.option("--terminal", is_flag=True, help="Show the filters here; files only with --output.")
    @wraps(command)
    def collected(*args: Any, drawing: DrawingOptions, channels: Any, **given: Any) -> Any:
        viewing = Viewing(**{name: given.pop(name) for name in _VIEWING})
        primaries = channels if isinstance(channels, str) else None
        chosen = {name: given.pop(name) for name in ("scale", "sort", "top", "labels", "flip", "components")}
        if viewing.badges and not chosen["labels"]:
            raise click.UsageError("--badges are written with the labels: leave out --no-labels")
        view = _resolve_view(given.pop("view"), primaries)
        with usage_errors():
            drawing = replace(drawing, view=view, sheet=_sheet_options(primaries, chosen))
        return command(
            *args, drawing=drawing, channels=None if primaries else channels, viewing=viewing, **given
        )

    return collected  # type: ignore[return-value]  # wraps() keeps the signature that click sees


def _was_given(parameter: str) -> bool:
    source = click.get_current_context().get_parameter_source(parameter)
    return source not in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def _resolve_view(view: str | None, primaries: str | None) -> str:
    """Return the view that was asked for, by name or by an option that only sheets have."""
    telling = [option for name, option in _OF_SHEETS.items() if _was_given(name)]
    telling += [f"--channels {primaries}"] * (primaries is not None)
    if view == DEFAULT_VIEW and telling:
        raise click.UsageError(f"{telling[0]} has no meaning in nolearn's layout: leave out --view grid")
    if view not in (None, DEFAULT_VIEW) and not VIEWS[view].has_primaries and primaries is not None:
        raise click.UsageError(
            f"--view {view} is not drawn in the channels' colours: leave out {telling[-1]}"
        )
    return view or ("sheet" if telling else DEFAULT_VIEW)


def _sheet_options(primaries: Any, chosen: dict[str, Any]) -> Any:
    """Return the options of a sheet: figsize and cmap are nolearn's unless they were given."""
    from filtviz.drawing.options import SheetOptions

    given = click.get_current_context().params
    for name in ("figsize", "cmap"):
        if _was_given(name):
            chosen[name] = given[name]
    return SheetOptions(primaries=primaries, **chosen)
