"""``filtviz export``: every convolution of many models as pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import complain, is_quiet, log, print_json, print_path
from filtviz.cli.helping import Command
from filtviz.cli.inputs import patterns_expanded, strict_option
from filtviz.cli.shared_options import (
    budget_options,
    channels_option,
    drawing_options,
    format_option,
    json_option,
    layer_option,
    reading_options,
)
from filtviz.signals import INTERRUPTED, Stopped
from filtviz.text import plural, printable

if TYPE_CHECKING:
    from filtviz.batch import ExportResult, ModelResult, Progress
    from filtviz.budget import Budget
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.selection import ChannelRanges

__all__ = ["export"]


@click.command(cls=Command, short_help="Draw every convolution of many files.")
@click.argument("models", type=click.Path(readable=False), nargs=-1, required=True, metavar="MODEL...")
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
@strict_option
@click.option("--force", is_flag=True, help="Draw again what an earlier run has drawn.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many processes to use (default: one for each core).",
)
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
    format: str | None,
    drawing: DrawingOptions,
    strict: bool,
    force: bool,
    jobs: int | None,
    as_json: bool,
    reading: Mapping[str, Any],
    budget: Budget,
) -> None:
    """Draw all convolutions of each MODEL into a folder of its own, one picture for each input channel.

    A MODEL may be a folder: all models in it are drawn, and what is no model is counted. The same command run
    again draws only what is missing. FOLDER/manifest.json says what became of each model and describes each
    picture; its path is printed. A model that fails is named at the end, and does not stop the others.

    \b
    Examples:
      filtviz export model.pkl -o pngs/
      filtviz export runs/ -o pngs/
    """
    from filtviz.batch import ExportOptions
    from filtviz.batch import export as export_models

    options = ExportOptions(
        layers=layers,
        channels=channels,
        format=format or "png",
        drawing=drawing,
        force=force,
        budget=budget,
        **reading,
    )
    paths = patterns_expanded(models)
    try:
        with _show_progress() as progress:
            result = export_models(paths, output, options, jobs=jobs, progress=progress)
    except (KeyboardInterrupt, Stopped) as reason:
        complain(
            f"stopped; the same command goes on from here ({printable(output, 200)} holds whole pictures)"
        )
        context.exit(reason.status if isinstance(reason, Stopped) else INTERRUPTED)
    _print_result(result, strict, as_json)
    without = [model for model in result.models if model.status == "no-filters"]
    context.exit(1 if result.failures or not result.models or (strict and without) else 0)


@contextmanager
def _show_progress() -> Iterator[Callable[[Progress], None] | None]:
    """Yield what shows progress: a bar on a terminal, a line for each model elsewhere, nothing if quiet."""
    if is_quiet():
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
    """Say what became of a model, unless all was there already."""
    name = printable(result.path, 200)
    for note in result.notes:
        log(f"{name}: {note}")
    if result.status == "no-filters" and result.is_read:
        log(f"{name}: no pictures: {result.reason}")
    elif result.status in ("drawn", "failed"):
        kept = f", {result.kept:,} {'was' if result.kept == 1 else 'were'} there" if result.kept else ""
        failed = ", failed" if result.status == "failed" else ""
        log(f"{name}: {plural(result.drawn, 'page')} drawn{kept}{failed}")


def _print_result(result: ExportResult, strict: bool, as_json: bool) -> None:
    for model in result.models:
        if model.status == "failed" or (strict and model.status == "no-filters"):
            name = "" if model.names_file else f"{printable(model.path, 200)}: "
            complain(f"{name}{model.reason}")
    if not result.models:
        complain("there is no model in what was given")
    if as_json:
        from filtviz.cli.json_data import export_data

        print_json(export_data(result))
    else:
        print_path(result.manifest)
    log(f"{plural(result.drawn, 'page')} drawn, {result.kept:,} kept{''.join(_counts(result))}")


def _counts(result: ExportResult) -> Iterator[str]:
    """Say how many models gave no pictures, and how many files are none."""
    n_models, n_failed = len(result.models), len(result.failures)
    n_bare = sum(model.status == "no-filters" for model in result.models)
    n_others = sum(each.status == "no-model" for each in result.passed_over)
    if n_failed:
        yield f", {n_failed:,} of {plural(n_models, 'model')} failed"
    if n_bare:
        yield f", {plural(n_bare, 'model')} without filters"
    if n_others:
        yield f"; {plural(n_others, 'file')} passed over, no model"
