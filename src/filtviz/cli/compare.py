"""``filtviz compare``: the same layer in several files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import complain, print_json, say
from filtviz.cli.shared_options import format_option, json_option, layer_option, reading_options, usage_errors
from filtviz.cli.view_options import scale_option
from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.comparison_sheets import ComparisonOrder
    from filtviz.measures.comparison import LayerComparison

__all__ = ["compare"]


@click.command(short_help="Show what changed from file to file.")
@click.argument("models", nargs=-1, required=True, metavar="BEFORE AFTER…")
@layer_option
@click.option("-o", "--output", metavar="PATH", help="A file (.png, .pdf, .svg) or a folder.")
@format_option
@click.option("--animate", metavar="FILE.gif", help="Also write the files' pictures one after another.")
@scale_option
@click.option(
    "--sort",
    "order",
    type=click.Choice(["index", "change"]),
    default="index",
    show_default=True,
    help="The order of the filters.",
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Draw the N filters that changed most.")
@click.option("--dpi", type=float, default=100.0, show_default=True, help="Pixels of an inch.")
@click.option("--cmap", metavar="NAME", help="A matplotlib colour map; default: RdBu_r.")
@json_option
@reading_options
@click.pass_context
def compare(
    context: click.Context,
    /,
    models: Sequence[str],
    layers: Sequence[str],
    output: str | None,
    suffix: str | None,
    animate: str | None,
    order: ComparisonOrder,
    dpi: float,
    as_json: bool,
    reading: dict[str, Any],
    **sheet: Any,
) -> None:
    """Show what changed in the same layer from file to file.

    Draws each filter before, after and as a difference, on one scale; with more than two files a strip of
    all, and last minus first. Prints how much each layer changed, and the paths of the pictures. Without
    --layer the first convolution is compared.

    \b
    Example:
      filtviz compare before.pkl after.pkl --layer 0
    """
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.options import SheetOptions
    from filtviz.drawing.saving import find_destination
    from filtviz.reading import load

    if len(models) < 2:
        raise click.UsageError("give two files or more: there is nothing to compare one with")
    with usage_errors():
        destination = find_destination(output, suffix)
        options = DrawingOptions(dpi=dpi, sheet=SheetOptions(**sheet))
    if animate is not None and (len(layers) > 1 or Path(animate).suffix.lower() != ".gif"):
        raise click.UsageError("--animate needs a name that ends in .gif, and one --layer")
    comparisons, failed = _compare_all([load(model, **reading) for model in models], models, layers or ("0",))
    _draw(comparisons, options, order, destination, Path(models[0]), quiet=as_json)
    if animate is not None:
        for comparison in comparisons:
            _animate(comparison, options, order, Path(animate), quiet=as_json)
    if as_json:
        print_json({"files": list(models), "layers": [_as_json(comparison) for comparison in comparisons]})
    context.exit(1 if failed else 0)


def _compare_all(
    networks: Sequence[Network], models: Sequence[str], layers: Sequence[str]
) -> tuple[list[LayerComparison], bool]:
    """Compare the layers that were asked for; complain of those that cannot be compared."""
    from filtviz.measures.comparison import compare_layers

    states = _state_names(models)
    found, failed = [], False
    for name in layers:
        try:
            found.append(compare_layers([network.select(name) for network in networks], states))
        except FiltvizError as error:
            complain(str(error))
            failed = True
    return found, failed


def _state_names(models: Sequence[str]) -> list[str]:
    """Return the files' names, or their paths where the names are not enough to tell them apart."""
    names = [Path(model).name for model in models]
    return [printable(name, 80) for name in (names if len(set(names)) == len(names) else models)]


def _draw(
    comparisons: Sequence[LayerComparison],
    options: DrawingOptions,
    order: ComparisonOrder,
    destination: Any,
    first: Path,
    *,
    quiet: bool,
) -> None:
    from filtviz.drawing.comparison_sheets import comparison_pages
    from filtviz.drawing.saving import plan_files, write_files
    from filtviz.files import model_stem, unique_stems
    from filtviz.text import file_stem

    tell = say if quiet else click.echo
    stems = unique_stems([file_stem(comparison.label) for comparison in comparisons])
    pictures = {
        stem: list(comparison_pages(comparison, options, order))
        for stem, comparison in zip(stems, comparisons, strict=True)
    }
    if not quiet:
        for comparison in comparisons:
            click.echo(f"{comparison.label}: {comparison.sentence}")
    for path, _ in write_files(
        plan_files(pictures, model_stem(first), destination), destination.suffix, options
    ):
        tell(str(path))


def _animate(
    comparison: LayerComparison, options: DrawingOptions, order: ComparisonOrder, path: Path, *, quiet: bool
) -> None:
    from filtviz.drawing.comparison_sheets import frame_pages
    from filtviz.drawing.saving import write_animation
    from filtviz.files import write_whole

    frames = [page.image() for page in frame_pages(comparison, options, order)]
    write_whole(path, partial(write_animation, frames))
    (say if quiet else click.echo)(str(path))


def _as_json(comparison: LayerComparison) -> dict[str, Any]:
    """Return what is JSON of a comparison; null where a number is not defined."""
    import numpy as np

    def plain(values: Any) -> list[float | None]:
        return [float(value) if np.isfinite(value) else None for value in values]

    return {
        "layer": comparison.label,
        "relative_change": plain([comparison.total_change])[0],
        "cosine": plain([comparison.total_cosine])[0],
        "filters": [
            {"index": index, "relative_change": change, "cosine": cosine}
            for index, (change, cosine) in enumerate(
                zip(plain(comparison.relative_change), plain(comparison.cosine), strict=True)
            )
        ],
    }
