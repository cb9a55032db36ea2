"""What a fuzzer does with a network that a file gave: a little of what each command does with one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import filtviz
from filtviz import DrawingOptions, ExportOptions, Network
from filtviz.cli.diagnosis_text import describe_model
from filtviz.cli.json_data import diagnosis_data, network_data
from filtviz.errors import FiltvizError
from filtviz.reporting import gather
from filtviz.reporting.rendering import render_page
from filtviz.summary import summarize

__all__ = ["LONG_LOOKS", "LOOKS", "Look", "is_small", "look_at", "tell"]

Look = Callable[[Network], None]

MOST_WEIGHTS, MOST_LAYERS, LONGEST_SIDE = 200_000, 80, 100
"""Of a network that is gone through: others would take long, which is not what is looked for here."""

SMALL = DrawingOptions(dpi=40, figsize=(3, 3))


def is_small(network: Network) -> bool:
    """Tell a network with which each look is short."""
    weights = sum(one.size for layer in network.layers for one in layer.parameters)
    sides = [side for layer in network.conv_layers for side in layer.convolution.kernel_size]
    return (
        weights <= MOST_WEIGHTS
        and len(network.layers) <= MOST_LAYERS
        and max(sides, default=0) <= LONGEST_SIDE
    )


def tell(network: Network) -> None:
    """``filtviz layers --json``."""
    json.dumps(network_data(network, summarize(network)), allow_nan=False)


def diagnose(network: Network) -> None:
    """``filtviz diagnose``, with the sentences."""
    diagnosis = filtviz.diagnose(network)
    said = describe_model(diagnosis, details=True, with_filters=True)
    assert said.replace("\n", "").isprintable(), "a terminal would obey what is in it"
    json.dumps(diagnosis_data(diagnosis, with_filters=True), allow_nan=False)


def through(network: Network) -> None:
    """``filtviz plot --through``, of the first convolution and of the last."""
    for layer in {0, len(network.conv_layers) - 1}:
        _draw(network, layer, through=True, assume_stacked=True)


def grid(network: Network) -> None:
    """``filtviz plot``."""
    _draw(network, 0)


def sheet(network: Network) -> None:
    """``filtviz plot --view sheet``."""
    _draw(network, 0, view="sheet")


def patterns(network: Network) -> None:
    """``filtviz plot --view components`` and ``rms``."""
    _draw(network, 0, view="components")
    _draw(network, len(network.conv_layers) - 1, view="rms")


def report(network: Network) -> None:
    """``filtviz report``."""
    if not network.conv_layers:
        return
    assert render_page(gather(network)).startswith("<!DOCTYPE html>")


def compare(network: Network) -> None:
    """``filtviz compare``, with pictures and an animation."""
    if not network.conv_layers:
        return
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        told = filtviz.compare(
            [network, network], layers=[-1], output=where / "x.png", animate=where / "x.gif", drawing=SMALL
        )
    assert all(str(failure.reason).isprintable() for failure in told.failures)


def export(network: Network) -> None:
    """``filtviz export``, which reads the file again."""
    if network.origin.path is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        done = filtviz.export(network.origin.path, folder, ExportOptions(drawing=SMALL), jobs=1)
        assert all(failure.reason.isprintable() for failure in done.failures)
        written = {path.name for path in Path(folder).rglob("*.png")}
        assert len(written) == len({Path(one["file"]).name for one in done.pictures})


LOOKS: tuple[Look, ...] = (tell, diagnose, through, grid, sheet, patterns, report)
LONG_LOOKS: tuple[Look, ...] = (*LOOKS, compare, export)
"""These, and those that write files."""


def _draw(network: Network, layer: int, **given: Any) -> None:
    """Draw the first picture of a layer."""
    if not network.conv_layers:
        return
    plotted = filtviz.plot(network, layers=[layer], drawing=SMALL, **given)
    for one in plotted.layers:
        for picture in list(one.pictures)[:1]:
            picture.image()
    assert all(str(failure.reason).isprintable() for failure in plotted.failures)


def look_at(network: Network, looks: Sequence[Look] = LOOKS) -> int:
    """Go through what the commands do, and return how much of it gave more than a sentence.

    Whatever is raised but a `FiltvizError` goes on.
    """
    done = 0
    for look in looks:
        try:
            look(network)
        except FiltvizError as error:
            sentence = str(error)
        else:
            done += 1
            continue
        assert sentence.isprintable(), "a terminal would obey what is in it"
    return done
