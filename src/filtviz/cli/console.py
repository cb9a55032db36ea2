"""What the commands say: results on stdout, all else on stderr; sheets as well as the terminal can.

What every command's JSON begins with is here, too: whether all went well, and what became of each model.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.streams import can_write, exact, fitted
from filtviz.errors import FiltvizError
from filtviz.naming import models_stem
from filtviz.paper import Paper

if TYPE_CHECKING:
    from filtviz.drawing.pages import SheetPage
    from filtviz.drawing.response_tiles import ResponsePicture
    from filtviz.drawing.terminal import Depth

__all__ = [
    "GUTTER",
    "QUIET",
    "answer_data",
    "colour_depth",
    "column_widths",
    "complain",
    "conclusions_told",
    "failure_data",
    "fit",
    "format_columns",
    "format_table",
    "is_quiet",
    "log",
    "model_data",
    "name_beside",
    "print_json",
    "print_path",
    "print_sheets",
    "say",
    "window",
]

QUIET = "filtviz.quiet"
"""What click's context knows under this name: whether ``-q`` was given."""


def is_quiet() -> bool:
    """Tell whether the person wants to hear of nothing but failures."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET))


def say(message: str) -> None:
    """Tell the person something that is not the result, unless ``-q`` was given."""
    if not is_quiet():
        click.echo(message, err=True)


def log(message: str) -> None:
    """Tell of a step of a long run: with the time, where it goes to a log and not to a terminal."""
    say(message if sys.stderr.isatty() else f"{datetime.now().astimezone():%Y-%m-%dT%H:%M:%S%z} {message}")


def complain(message: str) -> None:
    """Say what went wrong."""
    click.echo(f"filtviz: {message}", err=True)


class _Teller(logging.Handler):
    """Says each thing once, however often a file is read."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Say what was concluded."""
        message = record.getMessage()
        if message not in self.told:
            self.told.add(message)
            say(message)


@contextmanager
def conclusions_told() -> Iterator[None]:
    """Say on stderr what reading concludes of files that do not tell it, whatever the command.

    What libraries log is not said, such as where matplotlib keeps its list of fonts.
    """
    logger, teller = logging.getLogger("filtviz"), _Teller()
    level, propagate = logger.level, logger.propagate
    everything, nowhere = logging.getLogger(), logging.NullHandler()
    everything.addHandler(nowhere)
    logger.addHandler(teller)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        everything.removeHandler(nowhere)
        logger.removeHandler(teller)
        logger.setLevel(level)
        logger.propagate = propagate


def name_beside(stem: str, models: Sequence[str], what: str) -> None:
    """Say why results are not called like their models, where those of others are.

    Args:
        stem: What their names begin with; empty where the person has named them.
        models: The files that they show, as given.
        what: What they are, such as "these pictures are".
    """
    usual = models_stem([Path(model) for model in models])
    if stem and stem != usual:
        another = "another model" if len(models) == 1 else "other models"
        say(f"what is called {usual} here shows {another}: {what} called {stem}")


def print_json(value: Any) -> None:
    """Print a result for scripts: strict JSON, ASCII only, so that no terminal obeys what a file says."""
    pieces = json.JSONEncoder(indent=2, allow_nan=False, default=_plain).iterencode(value)
    while text := "".join(islice(pieces, PIECES)):
        click.echo(text, nl=False)
    click.echo()


PIECES = 10_000
"""Of a long text that are written at once: all of it is never in memory."""


def print_path(path: object, *, as_message: bool = False) -> None:
    """Print the path of a file that was written: as the file system has it, for scripts that open it.

    Args:
        path: What to print.
        as_message: It is no result here, and goes to stderr, unless the command is quiet.
    """
    if not (as_message and is_quiet()):
        click.echo(exact(str(path), *_stdout_encoding()), err=as_message)


def fit(text: str) -> str:
    """Return a text as stdout can show it, for whoever has to know how long it will be."""
    return fitted(text, *_stdout_encoding())


def format_table(rows: Iterable[Sequence[str]], headers: Sequence[str], **layout: Any) -> str:
    """Return a table of texts whose columns are straight, whatever characters stdout has.

    Args:
        rows: The cells.
        headers: A heading for each column.
        layout: What else `tabulate.tabulate` is to know.
    """
    return Paper.of_window(fit).table(rows, headers, **layout)


def format_columns(rows: Sequence[Sequence[str]], headers: Sequence[str], right: Sequence[bool]) -> list[str]:
    """Return the lines of a table that is as narrow as its cells let it be.

    Args:
        rows: The cells.
        headers: A heading for each column.
        right: Whether a column is set to the right.
    """
    widths = column_widths(rows, headers)
    lines = []
    for cells in (headers, ["-" * width for width in widths], *rows):
        parts = zip(map(fit, cells), widths, right, strict=True)
        padded = (f"{cell:>{width}}" if is_right else f"{cell:<{width}}" for cell, width, is_right in parts)
        lines.append(GUTTER.join(padded).rstrip())
    return lines


GUTTER = "  "


def column_widths(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> list[int]:
    """Return how wide the columns of a table have to be.

    Args:
        rows: The cells.
        headers: A heading for each column.
    """
    columns = zip(headers, *rows, strict=True)
    return [max(len(fit(cell)) for cell in column) for column in columns]


def _stdout_encoding() -> tuple[str | None, str]:
    """Return the encoding of stdout, None for none, and what it does with characters it does not have."""
    return getattr(sys.stdout, "encoding", None), getattr(sys.stdout, "errors", None) or "strict"


def _plain(value: Any) -> Any:
    """Turn a path, a numpy scalar or an array into what JSON has."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


USUAL_COLUMNS, USUAL_LINES = 80, 24


def window() -> tuple[int, int | None]:
    """Return how many columns and lines what is printed may have: those of the window that it goes to.

    Where it goes elsewhere, to a pipe or a file, all lines are printed, 80 columns wide. ``COLUMNS`` and, for
    a window, ``LINES`` say otherwise.
    """
    size = shutil.get_terminal_size((USUAL_COLUMNS, USUAL_LINES))
    if sys.stdout.isatty():
        return size.columns, size.lines
    wanted = os.environ.get("COLUMNS", "")
    return int(wanted) if wanted.isdecimal() and 0 < int(wanted) < LONGEST_LINE else USUAL_COLUMNS, None


LONGEST_LINE = 10_000


def print_sheets(pages: Sequence[SheetPage | ResponsePicture]) -> None:
    """Print the pages of one sheet on stdout: as graphics, in half blocks, or in plain digits."""
    from filtviz.drawing.terminal import HALF_BLOCK, sheet_lines

    depth = colour_depth(os.environ, sys.stdout.isatty())
    if depth != "plain" and _print_graphics(pages):
        return
    if not can_write(HALF_BLOCK, _stdout_encoding()[0]):
        depth = "plain"
    width, height = window()
    for line in sheet_lines(pages[0].sheet, width, depth, height):
        click.echo(line, color=depth != "plain")


def colour_depth(environment: Mapping[str, str], is_terminal: bool) -> Depth:
    """Tell which colours to use: none in a pipe, on a dumb terminal, or where NO_COLOR is set.

    ``COLORTERM`` promises 24 bits; any other terminal that is not dumb is taken to know xterm's 256 colours.
    """
    if (
        not is_terminal
        or environment.get("NO_COLOR")
        or environment.get("TERM", "dumb") in ("dumb", "unknown")
    ):
        return "plain"
    return "truecolor" if environment.get("COLORTERM") in ("truecolor", "24bit") else "256"


def _print_graphics(pages: Sequence[SheetPage | ResponsePicture]) -> bool:
    """Print pictures by Sixel or Kitty's protocol where terminal and library can; tell whether they could."""
    if not os.get_terminal_size(sys.stdout.fileno()).columns:
        return False  # a pseudo-terminal without a size, on which no picture can be placed
    try:
        # It asks the terminal what it can show when it is imported.
        from textual_image import renderable
    except ImportError:
        return False
    if renderable.Image not in (renderable.SixelImage, renderable.TGPImage):
        return False
    from rich.console import Console

    console = Console()
    for page in pages:
        console.print(renderable.Image(page.image().convert("RGB")))
    return True


def model_data(
    file: str | None, failures: Sequence[tuple[str, str]] = (), *, status: str = "done"
) -> dict[str, Any]:
    """Return what became of a model: every list of models holds this of each.

    Args:
        file: The path as given.
        failures: A code and a sentence for each thing that failed.
        status: What became of it where nothing did.
    """
    if not failures:
        return {"file": file, "status": status, "code": None, "reason": None}
    reason = "; ".join(sentence for _, sentence in failures)
    return {"file": file, "status": "failed", "code": failures[0][0], "reason": reason}


def answer_data(models: Sequence[dict[str, Any]], data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a command prints with ``--json``: whether no model failed, the models, then what was found.

    Args:
        models: One `model_data` for each.
        data: What the command found.
    """
    complete = all(each["status"] != "failed" for each in models)
    return {"complete": complete, "models": list(models), **(data or {})}


def failure_data(error: FiltvizError, files: Sequence[str]) -> dict[str, Any]:
    """Return what a command prints with ``--json`` where it failed as a whole.

    Args:
        error: Why.
        files: The models that were given; where the error names one of them, that one failed.
    """
    path = getattr(error, "path", None)
    named = [file for file in files if path is not None and file == str(path)]
    failed = [model_data(file, [(error.code, str(error))]) for file in named or files]
    return {"complete": False, "models": failed, "code": error.code, "reason": str(error)}
