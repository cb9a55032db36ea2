"""``filtviz report``: one page that says what the filters are, and why they look as they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from filtviz.cli.console import complain, name_beside, print_json, print_path, say
from filtviz.cli.helping import Command
from filtviz.cli.image_options import image_options, shown_images
from filtviz.cli.inputs import models_argument
from filtviz.cli.json_data import report_data
from filtviz.cli.shared_options import (
    budget_options,
    input_range_option,
    json_option,
    layer_option,
    reading_options,
    usage_errors,
)
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.budget import Budget
    from filtviz.reporting import ReportResult

__all__ = ["report"]


@click.command(cls=Command, short_help="Write one HTML page with all of it.")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="The page's file, or a folder for it (default: MODEL-report.html in the current folder).",
)
@layer_option
@click.option(
    "--megabytes",
    type=float,
    default=4.0,
    show_default=True,
    help="How many megabytes of pictures the page may hold; it says what it leaves out.",
)
@click.option(
    "--before",
    multiple=True,
    metavar="MODEL",
    help="An earlier file of the same network, to show what changed; may be repeated.",
)
@image_options("The class of each image, one a line, by number or name (default: those in a .npz file).")
@input_range_option
@click.option(
    "--assume-stacked",
    is_flag=True,
    help="To compose filters: where the file does not tell, assume stride 1 and no pooling.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the page in the browser.")
@json_option
@reading_options
@budget_options
@models_argument
@click.pass_context
def report(
    context: click.Context,
    /,
    models: Sequence[str],
    output: str | None,
    layers: Sequence[str],
    megabytes: float,
    before: Sequence[str],
    images: Sequence[str],
    showing: Mapping[str, Any],
    input_range: tuple[float, float] | None,
    assume_stacked: bool,
    open_it: bool,
    as_json: bool,
    reading: Mapping[str, Any],
    budget: Budget,
) -> None:
    """Write one HTML page on the filters of MODEL: the answer and its pictures, then all filters.

    The page needs no network and no other file, and works without JavaScript too. Several models are set side
    by side, each with its answer; --before compares with earlier files of the same network. With --images it
    shows what the network makes of them: maps, the pieces that excite filters, where it looks. A file that
    cannot be read does not stop the others. The page's path is printed. With --json its facts are printed
    instead, and the page is written only with --output.

    \b
    Example:
      filtviz report model.pkl -o report.html
    """
    from filtviz.reporting import ReportOptions
    from filtviz.reporting import report as write_report

    if as_json and open_it and output is None:
        raise click.UsageError("with --json there is no page to --open, unless --output names one")
    with usage_errors():
        options = ReportOptions(
            layers=tuple(layers),
            megabytes=megabytes,
            input_range=input_range,
            assume_stacked=assume_stacked,
            **shown_images(images, showing),
        )
    output = None if as_json and output is None else output or "."
    found = write_report(models, options, before=before, output=output, budget=budget, **reading)
    content, page = found.content, None if output is None else cast("ReportResult", found).path
    prepared = [one.diagnosis.shown.sentences for one, _ in content.shown if one.diagnosis.shown is not None]
    for sentence in dict.fromkeys(chain.from_iterable(prepared)):
        say(sentence[:1].upper() + sentence[1:])
    for failure in content.failures:
        complain(failure.reason)
    for note in content.notes[len(content.failures) :]:
        say(printable(note, 1000))
    for sentence in content.left_out:
        complain(printable(sentence, 1000))
    if as_json:
        print_json(report_data(content))
    else:
        print_path(page)
        if page is not None and str(page) != output:
            read = [model for model in models if model not in {each.file for each in content.failures}]
            name_beside(page.name.removesuffix("-report.html"), read, "this page is")
    if open_it and page is not None:
        _open(page)
    context.exit(1 if content.left_out or content.failures else 0)


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        say(f"no browser could be opened; {printable(page, 200)} is the page")
