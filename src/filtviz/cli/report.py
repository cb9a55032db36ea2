"""``filtviz report``: one page that says what the filters are, and why they look as they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from filtviz.cli.console import print_json, say
from filtviz.cli.shared_options import (
    input_range_option,
    json_option,
    layer_option,
    reading_options,
    usage_errors,
)
from filtviz.errors import OutputError
from filtviz.text import printable

__all__ = ["report"]


@click.command(short_help="Write one HTML page with all of it.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="The page's file, or its folder (default: MODEL-report.html in this folder).",
)
@layer_option
@click.option(
    "--megabytes",
    type=float,
    default=4.0,
    show_default=True,
    help="Of pictures that the page may hold; where that is too little, it says what it leaves out.",
)
@input_range_option
@click.option(
    "--assume-stacked",
    "stacked",
    is_flag=True,
    help="Where the file does not tell, assume stride 1 and no pooling, to compose filters.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the page in the browser.")
@json_option
@reading_options
def report(
    models: Sequence[str],
    output: str | None,
    layers: Sequence[str],
    megabytes: float,
    input_range: tuple[float, float] | None,
    stacked: bool,
    open_it: bool,
    as_json: bool,
    reading: Mapping[str, Any],
) -> None:
    """Write one HTML page on the filters of MODEL: sentences, pictures, measures and what they mean.

    The page needs no network and no other file, and works without JavaScript too. Several models, in the
    order of training, are set side by side, with how each measure moved. The page's path is printed. With
    --json its facts are printed instead, and the page is written only with --output.

    \b
    Example:
      filtviz report model.pkl -o report.html
    """
    from filtviz.reading import load
    from filtviz.reporting import ReportOptions, gather

    if as_json and open_it and output is None:
        raise click.UsageError("with --json there is no page to --open, unless --output names one")
    with usage_errors():
        options = ReportOptions(
            layers=tuple(layers), megabytes=megabytes, input_range=input_range, stacked=stacked
        )
    page = None if as_json and output is None else _choose_path(models, output)
    content = gather([load(model, **reading) for model in models], options)
    for note in content.notes:
        say(printable(note, 1000))
    if page is not None:
        from filtviz.reporting.rendering import write_page

        write_page(content, page)
    if as_json:
        from filtviz.cli.report_data import as_data

        print_json(as_data(content))
    else:
        click.echo(page)
    if open_it and page is not None:
        _open(page)


def _choose_path(models: Sequence[str], output: str | None) -> Path:
    """Return where the page goes; never onto one of the models."""
    from filtviz.files import is_folder, model_stem

    path = Path(output or ".")
    if is_folder(path) or str(output).endswith("/"):
        path /= f"{model_stem(Path(models[0]))}-report.html"
    if any(path.resolve() == Path(model).resolve() for model in models):
        raise OutputError(
            f"cannot write {printable(path, 200)}: it is the model itself; name another file with --output",
            path=path,
        )
    return path


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        say(f"no browser could be opened; {printable(page, 200)} is the page")
