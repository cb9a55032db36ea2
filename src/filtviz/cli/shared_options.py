"""The options that commands share, as decorators to stack.

Those of limits and of drawing are made of the fields of `filtviz.reading.limits.Limits` and of
`filtviz.drawing.options`, which carry their own help: a new one is added there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from filtviz.cli.helping import RareOption
from filtviz.cli.inputs import one_expanded
from filtviz.drawing.options import DrawingOptions, SheetOptions, options_of
from filtviz.drawing.views import DEFAULT_VIEW, VIEWS

if TYPE_CHECKING:
    from filtviz.drawing.selection import ChannelRanges
    from filtviz.network import Network

__all__ = [
    "ChannelsType",
    "budget_options",
    "channels_option",
    "complete_any_layer",
    "drawing_options",
    "field_option",
    "format_option",
    "input_range_option",
    "json_option",
    "layer_option",
    "model_argument",
    "reading_options",
    "usage_errors",
    "view_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])

Chosen = type[DrawingOptions] | type[SheetOptions]

model_argument = click.argument(
    "model", type=click.Path(readable=False), metavar="MODEL", callback=one_expanded
)
"""One model file. That it exists and may be read is for the reader to say: exit status 1, one sentence."""


def _complete_layers(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the convolutions in the file that stands on the command line so far."""
    return _offered(context, incomplete, lambda network: [layer.label for layer in network.conv_layers])


def complete_any_layer(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of all layers in the file that stands on the command line so far.

    Args:
        context: What is on the command line.
        incomplete: How the name begins.
    """
    return _offered(context, incomplete, _all_names)


def _all_names(network: Network) -> list[str]:
    """Return what layers are chosen by: the convolutions' labels, and the names of the others."""
    convs = {layer.index: layer.label for layer in network.conv_layers}
    names = [convs.get(layer.index) or layer.shown_name for layer in network.layers]
    return [name for name in names if name]


def _offered(
    context: click.Context, incomplete: str, names_of: Callable[[Network], Sequence[str]]
) -> list[str]:
    from filtviz.errors import FiltvizError
    from filtviz.reading import load

    given = context.params.get("model") or context.params.get("models") or ()
    # click leaves over what stands before an option whose value is still missing.
    for path in [*([given] if isinstance(given, str) else given), *context.args]:
        with suppress(FiltvizError, OSError):
            # A shell would take apart what is not printable, and what holds blanks.
            names = names_of(load(path))
            return [each for each in names if each.startswith(incomplete) and _PLAIN.fullmatch(each)]
    return []


_PLAIN = re.compile(r"[\w./:+-]+")

layer_option = click.option(
    "-l",
    "--layer",
    "layers",
    multiple=True,
    metavar="N|NAME",
    shell_complete=_complete_layers,
    help="A convolution, by number or name; may be repeated. 0 is the first, -1 the last.",
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
    type=click.Choice(["png", "pdf", "svg"]),
    help="File format (default: that of --output, or png). A PDF has a page for each channel.",
)


def drawing_options(command: Command) -> Command:
    """Add the options of `filtviz.drawing.DrawingOptions`, which the command gets as ``drawing``."""

    @wraps(command)
    def collected(*args: Any, **given: Any) -> Any:
        chosen = {name: given.pop(name) for name in options_of(DrawingOptions)}
        with usage_errors():
            drawing = DrawingOptions(**chosen)
        return command(*args, drawing=drawing, **given)

    asked = [field_option(DrawingOptions, name) for name in options_of(DrawingOptions)]
    return _with_options(collected, asked)  # type: ignore[no-any-return]


def field_option(chosen: Chosen, name: str) -> Callable[[Command], Command]:
    """Return the click option of one field of `SheetOptions` or `DrawingOptions`.

    Args:
        chosen: The class.
        name: The field, which carries its own help.
    """
    option, spelled = options_of(chosen)[name], name.replace("_", "-")
    shape: dict[str, Any] = {"default": option.default, "show_default": option.default is not None}
    if isinstance(option.default, bool):
        spelled = f"{spelled}/--no-{spelled}" if option.default else spelled
        shape["is_flag"] = True
    elif option.choices:
        shape["type"] = click.Choice(option.choices)
    elif option.at_least is not None:
        shape["type"] = click.IntRange(min=option.at_least)
    elif isinstance(option.default, tuple):
        shape |= {"nargs": len(option.default), "type": type(option.default[0])}
    elif option.default is not None:
        shape["type"] = type(option.default)
    return click.option(f"--{spelled}", metavar=option.metavar, help=option.help, **shape)


def _with_options(command: Any, options: Sequence[Callable[[Any], Any]]) -> Any:
    """Add click options to a command, in the order of its help."""
    for option in reversed(options):
        command = option(command)
    return command


_OF_READING = (
    click.option(
        "--convs",
        cls=RareOption,
        multiple=True,
        metavar="ARRAY[,ARRAY…]",
        help="For a file of bare arrays: those of the convolutions, in network order, by number or name.",
    ),
    click.option(
        "--axes",
        cls=RareOption,
        multiple=True,
        metavar="[ARRAY=]ORDER",
        help="For a file of bare arrays: the order of the axes of the weights, such as oihw (filters, "
        "channels, height, width) or hwio; for one array or all.",
    ),
    click.option(
        "--weights",
        cls=RareOption,
        default="",
        metavar="KEY",
        help="For a checkpoint with several sets of weights: which to read, such as ema.",
    ),
    click.option(
        "--like",
        metavar="FILE",
        help="Take the graph of this file. It is for weights that have none (a state_dict, an npz): they are "
        "put into the graph of a file of the same network, and every shape is checked.",
    ),
    click.option(
        "--architecture",
        metavar="FILE.toml",
        help="Take the layers that this text describes. It is for weights without a graph: "
        "`filtviz layers MODEL --architecture-template` prints what was concluded, for you to correct.",
    ),
)


def reading_options(command: Command) -> Command:
    """Add the options of reading, which the command gets as ``reading``: the keywords of `filtviz.load`."""
    from filtviz.reading.limits import Limits, option_of

    @wraps(command)
    def collected(*args: Any, convs: tuple[str, ...], axes: tuple[str, ...], **others: Any) -> Any:
        from filtviz.reading import Hints

        limits = {name: others.pop(f"max_{name}") for name in Limits.described()}
        told = {name: others.pop(name) for name in ("weights", "like", "architecture")}
        with usage_errors():
            hints = Hints(convs=_listed(convs), axes=dict(_named_axes(text) for text in axes), **told)
        return command(*args, reading={"limits": Limits(**limits), "hints": hints}, **others)

    limits = [
        click.option(
            option_of(name),
            cls=RareOption,
            type=click.IntRange(min=1),
            default=default,
            show_default=True,
            metavar="N",
            help=f"Limit: {counts}",
        )
        for name, (default, counts) in Limits.described().items()
    ]
    return _with_options(collected, (*limits, *_OF_READING))  # type: ignore[no-any-return]


def budget_options(command: Command) -> Command:
    """Add the options of `filtviz.Budget`, which the command gets as ``budget``."""
    from filtviz.budget import Budget, option_of

    described = Budget.described()

    @wraps(command)
    def collected(*args: Any, **others: Any) -> Any:
        shares: dict[str, int] = {name: others.pop(f"max_{name}") for name in described}
        return command(*args, budget=Budget(**shares), **others)

    options = [
        click.option(
            option_of(name),
            cls=RareOption,
            type=click.IntRange(min=1),
            default=default,
            show_default=True,
            metavar="N",
            help=f"Budget: {counts}; the file's size adds to it. What would be more is left out, and said.",
        )
        for name, (default, counts) in described.items()
    ]
    return _with_options(collected, options)  # type: ignore[no-any-return]


def _listed(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _named_axes(text: str) -> tuple[str, str]:
    """Split ``3=iorc`` into the array and its order; an order alone is for all arrays."""
    array, _, order = text.rpartition("=")
    return array.strip(), order.strip()


_OF_SHEETS = (*options_of(SheetOptions), "through", "badges", "terminal")
"""Parameters that nolearn's layout has no place for; one of them alone asks for a sheet."""

_VIEWING = ("through", "assume_stacked", "images", "badges")
"""What `filtviz.plot` does to a layer before it is drawn."""

_COMPOSING = {"assume_stacked": "--assume-stacked", "images": "--images"}
"""Of these, what has a meaning only beside ``--through``."""


class ViewChannelsType(ChannelsType):
    """``all``, numbers and ranges, or ``rgb`` and ``bgr`` for filters of three channels in colour."""

    name = "all|0,2-5|rgb|bgr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text."""
        word = str(value).strip().lower()
        return word if word in ("rgb", "bgr") else super().convert(value, param, ctx)


_HELP_OF_VIEWS = " ".join(
    [f"View: {', '.join(VIEWS)}.", *(f"`{each.name}`: {each.help}." for each in VIEWS.values())]
)

_OF_VIEWS = (
    click.option(
        "--channels",
        type=ViewChannelsType(),
        default="all",
        metavar="LIST",
        help="Channels: all, 0,2-5, or rgb and bgr in colour. They are the input channels, counted from 0; "
        "rgb and bgr draw three as one picture.",
    ),
    click.option(
        "--view",
        type=click.Choice(list(VIEWS)),
        metavar="VIEW",
        help=_HELP_OF_VIEWS,
    ),
)

_OF_PREPARATION = (
    click.option(
        "--through",
        is_flag=True,
        help="Draw what filters match in the image. They are composed with all layers below them.",
    ),
    click.option(
        "--assume-stacked",
        is_flag=True,
        help="With --through: assume stride 1 and no pooling. This is for files that do not tell.",
    ),
    click.option(
        "--images",
        metavar="FILE.npy",
        help="With --through: measure on these images. How well composed filters predict responses is "
        "measured on them (images, channels, rows, columns) instead of on noise.",
    ),
    click.option(
        "--badges",
        is_flag=True,
        help="Mark what `filtviz diagnose` finds at a filter. That is smooth, duplicate, …",
    ),
    click.option(
        "--terminal",
        is_flag=True,
        help="Show the filters in this terminal. Files are written only with --output.",
    ),
)


def view_options(command: Command) -> Command:
    """Add ``--channels`` and the options of views, below `drawing_options`, whose ``drawing`` it completes.

    The command gets ``channels``, ``drawing`` with its view and sheet set, ``terminal``, and ``viewing``, the
    arguments of `filtviz.plot` that say what is drawn of a layer.
    """

    @wraps(command)
    def collected(*args: Any, drawing: DrawingOptions, channels: Any, **given: Any) -> Any:
        viewing = {name: given.pop(name) for name in _VIEWING}
        _check_composing(viewing)
        primaries = channels if isinstance(channels, str) else None
        chosen = {name: given.pop(name) for name in options_of(SheetOptions)}
        if viewing["badges"] and not chosen["labels"]:
            raise click.UsageError("--badges are written with the labels: leave out --no-labels")
        view = _resolve_view(given.pop("view"), primaries)
        with usage_errors():
            drawing = replace(drawing, view=view, sheet=_sheet_options(primaries, chosen))
        return command(
            *args, drawing=drawing, channels=None if primaries else channels, viewing=viewing, **given
        )

    of_sheets = [field_option(SheetOptions, name) for name in options_of(SheetOptions)]
    return _with_options(collected, (*_OF_VIEWS, *of_sheets, *_OF_PREPARATION))  # type: ignore[no-any-return]


def _check_composing(viewing: dict[str, Any]) -> None:
    """Refuse an option of composing without it, which would have no effect."""
    for name, option in _COMPOSING.items():
        if _was_given(name) and not viewing["through"]:
            raise click.UsageError(
                f"{option} is for filters composed down to the image: add --through, or leave it out"
            )


def _was_given(parameter: str) -> bool:
    return click.get_current_context().get_parameter_source(parameter) is not ParameterSource.DEFAULT


def _resolve_view(view: str | None, primaries: str | None) -> str:
    """Return the view that was asked for, by name or by an option that only sheets have."""
    telling = [f"--{name}" for name in _OF_SHEETS if _was_given(name)]
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
    given = click.get_current_context().params
    for name in ("figsize", "cmap"):
        if _was_given(name):
            chosen[name] = given[name]
    return SheetOptions(primaries=primaries, **chosen)
