"""The options of commands that show a network images, and how their results are printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from filtviz.cli.console import (
    answer_data,
    fit,
    format_table,
    model_data,
    print_json,
    print_path,
    print_sheets,
    say,
    window,
)
from filtviz.cli.helping import RareOption
from filtviz.cli.shared_options import (
    budget_options,
    complete_any_layer,
    json_option,
    model_argument,
    reading_options,
    usage_errors,
)
from filtviz.paper import Paper
from filtviz.text import quoted

if TYPE_CHECKING:
    from filtviz.demonstrations import Demonstration

__all__ = ["demonstrating", "image_options", "layer_choice", "print_demonstration", "shown_images"]

Command = TypeVar("Command", bound=Callable[..., Any])


class NumbersType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """One number, or one for each channel: ``0.5`` or ``0.485,0.456,0.406``."""

    name = "X[,X…]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Read the text."""
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{quoted(value, 40)} is no number, or numbers with commas between", param, ctx)
        if not all(abs(number) < float("inf") for number in numbers):
            self.fail(f"{quoted(value, 40)} is not finite", param, ctx)
        return numbers


class SizeType(click.ParamType):  # type: ignore[type-arg]
    """Rows and columns: ``31`` or ``224x320``."""

    name = "N|RxC"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read the text."""
        parts = str(value).lower().split("x")
        if len(parts) > 2 or not all(part.isdecimal() and 0 < int(part) < 1 << 16 for part in parts):
            self.fail(f"{quoted(value, 40)} is no size: give 31, or 224x320", param, ctx)
        rows, cols = int(parts[0]), int(parts[-1])
        return rows, cols


layer_choice = click.option(
    "-l",
    "--layer",
    "layer",
    default="0",
    show_default=True,
    metavar="N|NAME",
    shell_complete=complete_any_layer,
    help="A convolution by number (0 is the first, -1 the last), or any layer by name.",
)

_PREPARING = (
    partial(
        click.option,
        "--mean",
        type=NumbersType(),
        default="0",
        show_default=True,
        help="Taken off each pixel, which is from 0 to 1; one number, or one for each channel.",
    ),
    partial(
        click.option,
        "--scale",
        type=NumbersType(),
        default="1",
        show_default=True,
        help="What each pixel is multiplied with then.",
    ),
    partial(
        click.option,
        "--size",
        type=SizeType(),
        help="Resize pictures to this size (default: the one that the file tells).",
    ),
    partial(
        click.option,
        "--channels",
        type=click.Choice(["rgb", "bgr"]),
        default="rgb",
        show_default=True,
        help="The order in which the network takes colours.",
    ),
    partial(
        click.option,
        "--layout",
        type=click.Choice(["nchw", "nhwc"]),
        help="The axes of arrays (default: what fits the file).",
    ),
)

_RUNNING = (
    partial(
        click.option, "--batch", type=click.IntRange(min=1), metavar="N", help="Images at once at the most."
    ),
    partial(
        click.option,
        "--device",
        metavar="NAME",
        help="Where PyTorch computes, such as cuda (default: processor).",
    ),
)


def image_options(labels: str) -> Callable[[Command], Command]:
    """Return what adds the options of images to a command that needs none.

    The command gets ``images``, a tuple of paths, and ``showing``: how they are shown.

    Args:
        labels: What ``--labels`` is, for the help.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def collected(*args: Any, **given: Any) -> Any:
            from filtviz.running.preparing import Preparation

            how = {name: given.pop(name) for name in ("mean", "scale", "size", "channels", "layout")}
            showing = {name: given.pop(name) for name in ("batch", "device", "labels")}
            return command(*args, showing={**showing, "preparation": Preparation(**how)}, **given)

        decorated: Any = click.option("--labels", metavar="FILE", help=labels)(collected)
        for option in reversed((*_PREPARING, *_RUNNING)):
            decorated = option(cls=RareOption)(decorated)
        return _images_option(required=False)(decorated)  # type: ignore[no-any-return]

    return decorate


def shown_images(images: Sequence[str], showing: Mapping[str, Any]) -> dict[str, Any]:
    """Return how images are shown to models; nothing where there are none.

    Args:
        images: Their paths.
        showing: What `image_options` gives.

    Raises:
        click.UsageError: it says how, and there are none.
    """
    from filtviz.running.preparing import Preparation

    if not images:
        given = {name for name, value in showing.items() if value not in (None, Preparation())}
        if given:
            raise click.UsageError("--labels, --batch, --device and how images are prepared need --images")
        return {}
    return {"images": list(images), **showing}


def _images_option(*, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "-i",
        "--images",
        multiple=True,
        required=required,
        metavar="PATH",
        help="A picture, a folder of them, a .npy or .npz file; may be repeated.",
    )


def demonstrating(
    *, draws: bool = True, images: str = "required", has_table: bool = True, names_classes: bool = False
) -> Callable[[Command], Command]:
    """Return what adds MODEL and the options of images, which the command passes on to its function.

    Args:
        draws: Whether the command draws a picture.
        images: ``required``, ``optional`` or ``none``, where the network is not run.
        has_table: Whether its numbers are a table, for CSV.
        names_classes: Whether it speaks of classes, which have names.
    """
    options = _options_of_images(draws=draws, images=images, has_table=has_table, names_classes=names_classes)

    def decorate(command: Command) -> Command:
        @wraps(command)
        def collected(*args: Any, **given: Any) -> Any:
            from filtviz.drawing.saving import find_destination

            output, as_json = given["output"], given.pop("as_json")
            as_csv, terminal = given.pop("as_csv", False), given.pop("terminal", False)
            if as_json + as_csv + terminal > 1:
                raise click.UsageError("--json, --csv and --terminal exclude each other")
            if draws and output is None and not (as_json or as_csv or terminal):
                output = given["output"] = "."
            if output is not None:
                with usage_errors():
                    formats = ("png", "pdf", "svg", "npz") if draws else ("npz",)
                    find_destination(output, given.get("format"), formats)
            if images != "none":
                from filtviz.running.preparing import Preparation

                how = {name: given.pop(name) for name in ("mean", "scale", "size", "channels", "layout")}
                given |= {"preparation": Preparation(**how), "images": given["images"] or None}
            reading = given.pop("reading")
            found = command(*args, **given, **reading).demonstration
            if as_json:
                found = replace(found, data=answer_data([model_data(given["model"])], found.data))
            print_demonstration(found, as_json=as_json, as_csv=as_csv, terminal=terminal)

        decorated: Any = collected
        for option in reversed(options):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def _options_of_images(
    *, draws: bool, images: str, has_table: bool, names_classes: bool
) -> Sequence[Callable[[Any], Any]]:
    """Return MODEL and the options of `demonstrating`, in the order of the help."""
    options: list[Callable[[Any], Any]] = [model_argument]
    if images != "none":
        options.append(_images_option(required=images == "required"))
        options += [option() for option in _PREPARING]
        options += [option(cls=RareOption) for option in _RUNNING]
    if names_classes:
        options.append(click.option("--labels", metavar="FILE", help="The names of the classes, one a line."))
    kinds = ".png, .pdf, .svg, .npz for the numbers" if draws else ".npz, for the numbers"
    default = "; default: the current folder" if draws else ""
    options.append(
        click.option("-o", "--output", metavar="PATH", help=f"A file ({kinds}) or a folder{default}.")
    )
    if draws:
        formats = click.Choice(["png", "pdf", "svg", "npz"])
        options.append(click.option("--format", type=formats, help="The file's format."))
        options.append(click.option("--terminal", is_flag=True, help="Draw in the terminal."))
    if has_table:
        options.append(click.option("--csv", "as_csv", is_flag=True, help="Print a table, as CSV."))
    spending = () if images == "none" else (budget_options,)
    return (*options, json_option, reading_options, *spending)


def print_demonstration(
    found: Demonstration, *, as_json: bool, as_csv: bool = False, terminal: bool = False
) -> None:
    """Print a result: what to know first, its table, the paths of its files.

    Args:
        found: The result.
        as_json: Print it for scripts.
        as_csv: Print its table for spreadsheets.
        terminal: Print its picture.
    """
    for sentence in found.sentences:
        say(sentence[:1].upper() + sentence[1:])
    if as_json:
        from filtviz.cli.json_data import finite

        print_json(finite({**found.data, "files": [str(file.path) for file in found.files]}))
        return
    if as_csv:
        from filtviz.cli.json_data import write_csv

        write_csv(found.table, sys.stdout)
    elif terminal and found.picture is not None:
        print_sheets([found.picture])
    else:
        for sentence in found.answer:
            if found.files and not found.rows:
                say(sentence)
            elif sys.stdout.isatty():
                click.echo(Paper.of_window(fit).wrapped(sentence), nl=False)
            else:  # a line for scripts
                click.echo(sentence)
        if found.rows:
            _print_table(found.rows, found.headings)
    for file in found.files:
        say(str(file.path)) if as_csv or terminal or found.rows else print_path(file.path)


_FEWEST = 4
"""So many rows are shown however low the window is."""


def _print_table(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> None:
    """Print a table; in a window as many rows as fit into it with what stands above and below them."""
    _, lines = window()
    room = len(rows) if lines is None else max(_FEWEST, lines - _BESIDE)
    room = len(rows) if len(rows) <= room + 1 else room
    click.echo(format_table(rows[:room], headings))
    if left := len(rows) - room:
        click.echo(f"… and {left:,} more rows: in a pipe, as in | less, all are printed")


_BESIDE = 8
"""Lines of a window for headings, for what is said above a table and below it, and for the next command."""
