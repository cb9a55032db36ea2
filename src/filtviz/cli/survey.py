"""``filtviz survey``: what thousands of models have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import answer_data, complain, is_quiet, log, print_json, print_path
from filtviz.cli.helping import Command
from filtviz.cli.inputs import patterns_expanded
from filtviz.cli.shared_options import budget_options, json_option, reading_options
from filtviz.signals import INTERRUPTED, Stopped
from filtviz.text import plural, printable

if TYPE_CHECKING:
    from filtviz.budget import Budget
    from filtviz.surveying import SurveyProgress, SurveyResult

__all__ = ["survey"]


@click.command(cls=Command, short_help="Measure thousands of models into tables and a page.")
@click.argument("models", type=click.Path(readable=False), nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "-o", "--output", required=True, metavar="FOLDER", help="The folder of the tables and the page."
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many processes to use (default: one for each core, or for each worker of the cluster).",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="A Dask scheduler, tcp://host:8786, whose workers see the same files under the same paths.",
)
@json_option
@reading_options
@budget_options
@click.pass_context
def survey(
    context: click.Context,
    models: Sequence[str],
    output: str,
    jobs: int | None,
    cluster: str | None,
    as_json: bool,
    reading: Mapping[str, Any],
    budget: Budget,
) -> None:
    """Measure every convolution of every model in each MODEL, a file or a folder with all below it.

    FOLDER gets files.parquet, layers.parquet and filters.parquet, with a row for each file, layer and filter,
    and survey.html, which sums them up; the page's path is printed. A file that fails is a row with its
    reason. The same command run again measures only what is new. Needs pyarrow.

    \b
    Examples:
      filtviz survey zoo/ -o survey/
      filtviz survey runs/ -o history/    checkpoints: each measure by epoch
    """
    from filtviz.surveying import survey as survey_models

    paths = patterns_expanded(models)
    try:
        with _show_progress() as progress:
            result = survey_models(
                paths, output, jobs=jobs, cluster=cluster, budget=budget, progress=progress, **reading
            )
    except (KeyboardInterrupt, Stopped) as reason:
        complain(f"stopped; the same command goes on from here ({printable(output, 200)} holds whole tables)")
        context.exit(reason.status if isinstance(reason, Stopped) else INTERRUPTED)
    _print_result(result, as_json)
    context.exit(1 if result.failures or not (result.measured or result.kept) else 0)


@contextmanager
def _show_progress() -> Iterator[Callable[[SurveyProgress], None] | None]:
    """Yield what shows progress: a bar on a terminal, nothing elsewhere."""
    if is_quiet() or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit="file", dynamic_ncols=True, file=sys.stderr) as bar:

        def advance(progress: SurveyProgress) -> None:
            bar.total = progress.known
            bar.update(progress.done - bar.n)

        yield advance


def _print_result(result: SurveyResult, as_json: bool) -> None:
    for each in result.failures:
        complain(printable(each.reason, 1000))
    if not (result.measured or result.kept):
        complain("there is no model in what was given")
    if as_json:
        print_json(
            answer_data(
                [asdict(each) for each in result.models],
                {
                    "complete": result.complete,
                    "page": str(result.page),
                    "tables": {name: str(path) for name, path in result.tables.items()},
                    "measured": result.measured,
                    "kept": result.kept,
                    "passed_over": result.passed_over,
                    "layers": result.layers,
                    "filters": result.filters,
                    "failures": [asdict(each) for each in result.failures],
                },
            )
        )
    else:
        print_path(result.page)
    others = f"; {plural(result.passed_over, 'file')} passed over" if result.passed_over else ""
    log(
        f"{plural(result.measured, 'file')} measured, {result.kept:,} kept: "
        f"{plural(result.layers, 'layer')}, {plural(result.filters, 'filter')}{others}"
    )
