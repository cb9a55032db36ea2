"""The options that commands share, as decorators to stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
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
    "usage_errors",
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
        help="For a file of bare arrays: the order of the axes of the weights, such as oirc (filters, "
        "channels, rows, columns) or iorc; for one array or all.",
    )
    @wraps(command)
    def collected(*args: Any, convs: tuple[str, ...], axes: tuple[str, ...], **others: Any) -> Any:
        from filtviz.reading import Hints

        limits = {name: others.pop(f"max_{name}") for name in Limits.described()}
        with usage_errors():
            hints = Hints(convs=_listed(convs), axes=dict(_named_axes(text) for text in axes))
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
