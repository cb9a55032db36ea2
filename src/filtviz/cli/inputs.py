"""The models that a person names: patterns that no shell has expanded, and folders of models."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click
from click.exceptions import Exit

from filtviz.cli.console import complain, say
from filtviz.errors import FileAccessError, ReadError
from filtviz.text import plural, printable

__all__ = ["models_argument", "models_of", "one_expanded", "patterns_expanded", "strict_option"]

Command = TypeVar("Command", bound=Callable[..., Any])

MOST_MATCHES = 100_000
"""So many files of one pattern are taken."""

strict_option = click.option(
    "--strict", is_flag=True, help="A model without filters to draw is a failure, too: exit status 1."
)


def patterns_expanded(given: Sequence[str]) -> list[str]:
    """Return the paths that were given; a pattern that no shell has expanded becomes its files.

    Args:
        given: What stands on the command line.

    Raises:
        FileAccessError: nothing matches a pattern.
    """
    paths: list[str] = []
    for text in given:
        if not glob.has_magic(text) or os.path.lexists(text):
            paths.append(text)
            continue
        matches = _matches(text)
        if not matches:
            raise FileAccessError(f"{printable(text, 200)}: no file matches this pattern", path=text)
        say(
            f"{printable(text, 200)} reached filtviz as a pattern, as in quotes: it takes the "
            f"{plural(len(matches), 'path')} that it fits"
        )
        paths += matches
    return paths


def _matches(pattern: str) -> list[str]:
    """Return what a pattern fits, in order; of all below a folder (``**``) the files alone."""
    found = sorted(islice(glob.iglob(pattern, recursive=True), MOST_MATCHES))  # noqa: PTH207  (which has no folder to begin with)
    return [path for path in found if os.path.isfile(path)] if "**" in pattern else found  # noqa: PTH113


def one_expanded(context: click.Context, _: click.Parameter, text: str) -> str:
    """Return the one path of a command of one model; a pattern that fits one file becomes that file.

    Args:
        context: Of the command.
        text: What stands on the command line.

    Raises:
        UsageError: the pattern fits several files.
    """
    if not isinstance(text, str) or not glob.has_magic(text) or os.path.lexists(text):
        return text
    matches = [] if context.resilient_parsing else _matches(text)
    if len(matches) > 1:
        first = printable(matches[0], 200)
        raise click.UsageError(
            f"{printable(text, 200)} fits {plural(len(matches), 'path')}, and this command takes one: "
            f"name it, such as {first}",
            context,
        )
    return patterns_expanded([text])[0] if matches else text


def models_of(given: Sequence[str], reading: Any) -> list[str]:
    """Return the files that were given: of a pattern those that it fits, of a folder those that are models.

    Args:
        given: What stands on the command line.
        reading: The options of reading.

    Raises:
        FileAccessError: nothing matches a pattern, or there is no model in a folder.
    """
    return _models_in(patterns_expanded(given), reading)


def models_argument(command: Command) -> Command:
    """Add the argument of a command that takes many models, and ``--strict``; below `reading_options`.

    The command gets ``models``: the files named, and of each folder those in it that are models. How many are
    none is said. With ``--strict`` a model without filters makes the exit status 1.
    """

    @click.argument("models", type=click.Path(readable=False), nargs=-1, required=True, metavar="MODEL...")
    @strict_option
    @wraps(command)
    def collected(*args: Any, models: Sequence[str], strict: bool, reading: Any, **others: Any) -> Any:
        found = models_of(models, reading)
        with _strictly(found if strict else (), reading):
            return command(*args, models=found, reading=reading, **others)

    return collected  # type: ignore[return-value]


def _models_in(given: Sequence[str], reading: Any) -> list[str]:
    """Return the files to read; what was found in a folder is tried, and left out where it is no model."""
    from filtviz.reading.folders import candidates, is_no_model

    found: list[str] = []
    parts: set[str] = set()
    n_others = 0
    walked = candidates(map(Path, given))
    for each in walked:
        if each.is_found and os.path.realpath(each.path) in parts:
            continue
        try:
            if each.is_found:
                parts.update(map(os.path.realpath, _siblings(each.path, reading)))
        except ReadError as error:  # that another is damaged, the command says when it reads it
            if is_no_model(error):
                n_others += 1
                continue
        found.append(str(each.path))
    if n_others:
        say(f"{plural(n_others, 'file')} in {_folders(given)} {'is' if n_others == 1 else 'are'} no model")
    if not found:
        raise FileAccessError(f"there is no model in {_folders(given)}")
    return found


def _siblings(path: Path, reading: Any) -> Sequence[Path]:
    from filtviz.reading import load

    return load(path, **reading).origin.siblings


def _folders(given: Sequence[str]) -> str:
    folders = [printable(path, 200) for path in given if os.path.isdir(path)]  # noqa: PTH112
    return folders[0] if len(folders) == 1 else f"{len(folders)} folders"


@contextmanager
def _strictly(models: Sequence[str], reading: Any) -> Iterator[None]:
    """End with status 1 where all went well, but a model has no filters."""
    from filtviz.reading import load

    try:
        yield
    except Exit as end:
        if end.exit_code:
            raise
    bare = []
    for model in models:
        network = load(model, **reading)
        if all(layer.why_not_drawn for layer in network.conv_layers):
            bare.append(model)
            complain(f"{printable(model, 200)} {network.why_nothing_to_draw}")
    if bare:
        raise Exit(1)
