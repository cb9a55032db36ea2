"""The options of ``plot`` that choose and tune a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from filtviz.cli.shared_options import ChannelsType, usage_errors
from filtviz.drawing.colours import SCALES
from filtviz.drawing.options import ORDERS
from filtviz.drawing.views import DEFAULT_VIEW, VIEWS

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions

__all__ = ["scale_option", "view_options"]

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

_VIEWING = ("through", "stacked", "images", "badges")
"""What `filtviz.plot` does to a layer before it is drawn."""


scale_option = click.option(
    "--scale",
    type=click.Choice(SCALES),
    default="layer",
    show_default=True,
    help="What shares one colour scale, symmetric about zero: each kernel, each filter, or the whole layer.",
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

    The command gets ``channels``, ``drawing`` with its view and sheet set, ``terminal``, and ``viewing``, the
    arguments of `filtviz.plot` that say what is drawn of a layer.
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
    @click.option(
        "--labels/--no-labels",
        default=True,
        show_default=True,
        help="Write the filters' and channels' indices beside their pictures.",
    )
    @click.option(
        "--flip",
        is_flag=True,
        help="Turn filters to how they match the image, where they are stored turned by 180 degrees.",
    )
    @click.option(
        "--components",
        type=click.IntRange(min=1),
        default=4,
        show_default=True,
        metavar="N",
        help="With --view components or nmf: how many patterns to draw for each filter.",
    )
    @click.option(
        "--through",
        is_flag=True,
        help="Compose the filters with all layers below, and draw what they match in the image.",
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
        help="With --through: measure how well composed filters predict responses on these images (images, "
        "channels, rows, columns) instead of on noise.",
    )
    @click.option(
        "--badges",
        is_flag=True,
        help="Mark each filter with what `filtviz diagnose` finds: smooth, duplicate, …",
    )
    @click.option(
        "--terminal",
        is_flag=True,
        help="Show the filters in this terminal; files are written only with --output.",
    )
    @wraps(command)
    def collected(*args: Any, drawing: DrawingOptions, channels: Any, **given: Any) -> Any:
        viewing = {name: given.pop(name) for name in _VIEWING}
        primaries = channels if isinstance(channels, str) else None
        chosen = {name: given.pop(name) for name in ("scale", "sort", "top", "labels", "flip", "components")}
        if viewing["badges"] and not chosen["labels"]:
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
