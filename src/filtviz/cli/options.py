"""The options that commands share, as decorators to stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from filtviz.drawing.colours import SCALES
from filtviz.drawing.views import DEFAULT_VIEW, ORDERS, VIEWS

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.selection import ChannelRanges

__all__ = [
    "ChannelsType",
    "channels_option",
    "drawing_options",
    "format_option",
    "input_range_option",
    "json_option",
    "layer_option",
    "model_argument",
    "reading_options",
    "scale_option",
    "usage_errors",
    "view_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])

model_argument = click.argument("model", type=click.Path(readable=False), metavar="MODEL")
"""One model file. That it exists and may be read is for the reader to say: exit status 1, one sentence."""

layer_option = click.option(
    "-l",
    "--layer",
    "layers",
    multiple=True,
    metavar="N|NAME",
    help="A convolution by number (0 is the first, -1 the last) or name; may be repeated.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the library's complaints about an argument into wrong usage, exit status 2."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from error


class ChannelsType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """``all``, or numbers and ranges such as ``0,2-5``."""

    name = "all|0,2-5"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ChannelRanges:  # noqa: ARG002
        """Read the text."""
        from filtviz.drawing.selection import parse_channels

        with usage_errors():
            return parse_channels(str(value))


input_range_option = click.option(
    "--input-range",
    nargs=2,
    type=float,
    metavar="LO HI",
    help="The lowest and highest value that an input pixel can have; needed to prove filters dead.",
)

channels_option = click.option(
    "--channels",
    type=ChannelsType(),
    default="all",
    show_default=True,
    help="The input channels to draw, counted from 0.",
)

format_option = click.option(
    "--format",
    "suffix",
    type=click.Choice(["png", "pdf", "svg"]),
    help="The file format of the pictures (default: that of --output, else png). A PDF has a page for each "
    "channel.",
)


def drawing_options(command: Command) -> Command:
    """Add the options of `filtviz.drawing.DrawingOptions`, which the command gets as ``drawing``."""

    @click.option(
        "--figsize",
        nargs=2,
        type=float,
        default=(6.0, 6.0),
        show_default=True,
        metavar="W H",
        help="Width and height of a page in inches.",
    )
    @click.option(
        "--dpi", type=float, default=100.0, show_default=True, help="Resolution in pixels per inch."
    )
    @click.option(
        "--cmap",
        default="gray",
        show_default=True,
        metavar="NAME",
        help="The name of a matplotlib colour map.",
    )
    @wraps(command)
    def collected(*args: Any, figsize: tuple[float, float], dpi: float, cmap: str, **others: Any) -> Any:
        from filtviz.drawing import DrawingOptions

        with usage_errors():
            drawing = DrawingOptions(figsize=figsize, dpi=dpi, cmap=cmap)
        return command(*args, drawing=drawing, **others)

    return collected  # type: ignore[return-value]  # wraps() keeps the signature that click sees


def reading_options(command: Command) -> Command:
    """Add the options of reading, which the command gets as ``reading``: the keywords of `filtviz.load`."""
    from filtviz.reading.limits import Limits, option_of

    @click.option(
        "--convs",
        multiple=True,
        metavar="ARRAY[,ARRAY…]",
        help="For a file of bare arrays: those of the convolutions, in network order, by number or name.",
    )
    @click.option(
        "--axes",
        multiple=True,
        metavar="[ARRAY=]ORDER",
        help="For a file of bare arrays: the order of the axes of the weights, such as oihw (filters, "
        "channels, height, width) or hwio; for one array or all.",
    )
    @click.option(
        "--weights",
        default="",
        metavar="KEY",
        help="For a checkpoint with several sets of weights: which to read, such as ema.",
    )
    @wraps(command)
    def collected(
        *args: Any, convs: tuple[str, ...], axes: tuple[str, ...], weights: str, **others: Any
    ) -> Any:
        from filtviz.reading import Hints

        limits = {name: others.pop(f"max_{name}") for name in Limits.described()}
        with usage_errors():
            hints = Hints(
                convs=_listed(convs), axes=dict(_named_axes(text) for text in axes), weights=weights
            )
        return command(*args, reading={"limits": Limits(**limits), "hints": hints}, **others)

    described: Any = collected
    for name, (default, counts) in reversed(Limits.described().items()):
        option = click.option(
            option_of(name),
            type=click.IntRange(min=1),
            default=default,
            show_default=True,
            metavar="N",
            help=f"Limit: {counts}",
        )
        described = option(described)
    return described  # type: ignore[no-any-return]  # wraps() keeps the signature that click sees


def _listed(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _named_axes(text: str) -> tuple[str, str]:
    """Split ``3=iorc`` into the array and its order; an order alone is for all arrays."""
    array, _, order = text.rpartition("=")
    return array.strip(), order.strip()


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

_COMPOSING = {"stacked": "--assume-stacked", "images": "--images"}
"""Of these, what has a meaning only beside ``--through``."""


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
        _check_composing(viewing)
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


def _check_composing(viewing: dict[str, Any]) -> None:
    """Refuse an option of composing without it, which would have no effect."""
    for name, option in _COMPOSING.items():
        if _was_given(name) and not viewing["through"]:
            raise click.UsageError(
                f"{option} is for filters composed down to the image: add --through, or leave it out"
            )


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
    from filtviz.drawing.views import SheetOptions

    given = click.get_current_context().params
    for name in ("figsize", "cmap"):
        if _was_given(name):
            chosen[name] = given[name]
    return SheetOptions(primaries=primaries, **chosen)
