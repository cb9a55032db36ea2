"""``filtviz export``: every convolution of many models as pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import complain, print_json, print_path, say
from filtviz.cli.ending import INTERRUPTED, Stopped
from filtviz.cli.json_data import export_data
from filtviz.cli.shared_options import (
    budget_options,
    channels_option,
    drawing_options,
    format_option,
    json_option,
    layer_option,
    reading_options,
)
from filtviz.text import plural, printable

if TYPE_CHECKING:
    from filtviz.batch.exporting import ExportResult, ModelResult, Progress
    from filtviz.budget import Budget
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.selection import ChannelRanges

__all__ = ["export"]


@click.command(short_help="Draw every convolution of many files.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    help="The folder to write into; each model gets a folder in it.",
)
@layer_option
@channels_option
@format_option
@drawing_options
@click.option("--force", is_flag=True, help="Draw again what an earlier run has drawn.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many processes to use (default: one for each core).",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what failed.")
@json_option
@reading_options
@budget_options
@click.pass_context
def export(
    context: click.Context,
    models: Sequence[str],
    output: str,
    layers: Sequence[str],
    channels: ChannelRanges,
    suffix: str | None,
    drawing: DrawingOptions,
    force: bool,
    jobs: int | None,
    quiet: bool,
    as_json: bool,
    reading: Mapping[str, Any],
    budget: Budget,
) -> None:
    """Draw all convolutions of each MODEL into a folder of its own, one picture for each input channel.

    The same command run again draws only what is missing. FOLDER/manifest.json describes each picture; its
    path is printed. A model that fails is named at the end, and does not stop the others.

    \b
    Example:
      filtviz export model.pkl -o pngs/
    """
    from filtviz.batch import ExportOptions
    from filtviz.batch import export as export_models

    options = ExportOptions(
        layers=layers,
        channels=channels,
        suffix=suffix or "png",
        drawing=drawing,
        force=force,
        budget=budget,
        **reading,
    )
    try:
        with _show_progress(quiet) as progress:
            result = export_models(models, output, options, jobs=jobs, progress=progress)
    except (KeyboardInterrupt, Stopped) as reason:
        complain(
            f"stopped; the same command goes on from here ({printable(output, 200)} holds whole pictures)"
        )
        context.exit(reason.status if isinstance(reason, Stopped) else INTERRUPTED)
    _print_result(result, quiet, as_json)
    context.exit(1 if result.failures else 0)


@contextmanager
def _show_progress(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Yield what shows progress: a bar on a terminal, a line for each model elsewhere, nothing if quiet."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield lambda progress: _say_result(progress.finished) if progress.finished else None
    else:
        from tqdm import tqdm

        with tqdm(unit="page", dynamic_ncols=True, file=sys.stderr) as bar:

            def advance(progress: Progress) -> None:
                bar.total = progress.known
                bar.update(progress.done - bar.n)
                if progress.finished:
                    with bar.external_write_mode(file=sys.stderr):
                        _say_result(progress.finished)

            yield advance


def _say_result(result: ModelResult) -> None:
    name = printable(result.path, 200)
    for note in result.notes:
        say(f"{name}: {note}")
    kept = f", {result.kept:,} were there" if result.kept else ""
    say(f"{name}: {plural(result.drawn, 'page')} drawn{kept}{', failed' if result.failure else ''}")


def _print_result(result: ExportResult, quiet: bool, as_json: bool) -> None:
    for failure in result.failures:
        complain(_naming(str(failure.path), failure.reason))
    if as_json:
        print_json(export_data(result))
    else:
        print_path(result.manifest)
    if not quiet:
        n = len(result.failures)
        failed = f", {n:,} of {plural(len(result.models), 'model')} failed" if n else ""
        say(f"{plural(result.drawn, 'page')} drawn, {result.kept:,} kept{failed}")


def _naming(path: str, reason: str) -> str:
    """Return the reason with the model's name before it, which the reader's own sentences begin with."""
    name = printable(path, 200)
    return reason if reason.startswith(f"{name}: ") else f"{name}: {reason}"
