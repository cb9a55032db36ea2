"""What to do next: the commands to go on with, and the rules of ``filtviz diagnose --check``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from filtviz.measures.findings import LayerDiagnosis, Verdict
from filtviz.measures.summary import best_composed
from filtviz.measures.table import CHECKS
from filtviz.measures.wording import shown

__all__ = ["checks_met", "commands_for"]


def commands_for(file: str | None, layers: Sequence[LayerDiagnosis], compared: bool) -> tuple[str, ...]:
    """Return the commands to go on with, ready to be typed; ``file`` None is written as model.pkl."""
    model = shlex.quote(shown(file or "model.pkl", 1000))
    if not layers:
        return ()
    if all(layer.verdict == "initial" for layer in layers):
        return (f"filtviz diagnose trained{_suffix(file)} --before {model}",)
    commands = []
    best = best_composed(layers)
    if best is not None:
        commands.append(f"filtviz plot {model} --layer {_selector(best)} --through")
    picture = best or next((layer for layer in layers if layer.verdict == "structured"), layers[0])
    commands.append(f"filtviz plot {model} --layer {_selector(picture)} --view sheet --scale layer")
    commands.append(f"filtviz diagnose {model} --filters")
    if not compared:
        first = _selector(layers[0])
        commands.append(f"filtviz diagnose {model} --before before{_suffix(file)}")
        commands.append(f"filtviz compare before{_suffix(file)} {model} --layer {first}")
    return tuple(commands)


def _selector(layer: LayerDiagnosis) -> str:
    """Return what selects a layer on a command line: its name, or its number where that is no plain word."""
    plain = layer.name.isascii() and layer.name.isprintable() and len(layer.name) <= 40
    return shlex.quote(layer.name) if plain else str(layer.index)


def _suffix(file: str | None) -> str:
    suffix = Path(file).suffix if file else ""
    return suffix if suffix.isascii() and suffix[1:].isalnum() else ".pkl"


def checks_met(layers: Sequence[LayerDiagnosis]) -> dict[str, tuple[str, ...]]:
    """Return for each rule of ``--check`` the names of the layers where it is met."""
    verdicts: dict[str, Verdict] = {
        "untrained": "initial",
        "unstructured": "updated",
        "collapsed": "collapsed",
        "undecided": "undecided",
    }
    met: dict[str, tuple[str, ...]] = {}
    for rule in CHECKS:
        if rule in verdicts:
            names = [layer.name for layer in layers if layer.verdict == verdicts[rule]]
        elif rule == "nonfinite":
            names = [layer.name for layer in layers if any(each.nonfinite for each in layer.filters)]
        elif rule == "dead":
            names = [
                layer.name for layer in layers if any(each.dead or each.decayed for each in layer.filters)
            ]
        else:
            names = [layer.name for layer in layers if (f := layer.finding(rule)) is not None and f.found]
        met[rule] = tuple(names)
    return met
