"""A diagnosis as text, for a terminal and for ``print``: the answer, a line a layer, what to look at."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from filtviz.measures.conclusions import noise_of, runs_of
from filtviz.measures.measure import Diagnosis, LayerDiagnosis
from filtviz.measures.verdicts import SOME_FILTERS, VERDICTS
from filtviz.paper import Paper
from filtviz.text import percents, printable

__all__ = ["SHOWN", "answer_text", "printed", "shown_cells"]

_SCREEN = 23
"""Lines of a screen without the one that the shell asks on."""

_FEWEST_ROWS = 4
"""Rows of layers that are shown however long the rest is."""

_LEAST_SEEN = 20
"""Characters for what is to be seen in a layer; where there are fewer its shape makes room."""

_NAME = 24
"""Characters of a layer's name in a table; the end of a name is what tells it from others."""


def answer_text(diagnosis: Diagnosis, paper: Paper, pointer: str) -> str:
    """Return one screen: what is the matter, a line for each layer, and what to look at.

    Args:
        diagnosis: Of one model.
        paper: What it is set on.
        pointer: A sentence on what shows more; empty for none.
    """
    text = _set(diagnosis, paper, pointer, diagnosis.others)
    if diagnosis.others and text.count("\n") > _SCREEN:
        return _set(diagnosis, paper, pointer, ())
    return text


def _set(diagnosis: Diagnosis, paper: Paper, pointer: str, others: Sequence[tuple[str, str]]) -> str:
    """Return the screen with some of what else would decide, for which a long answer leaves no room."""
    before = [paper.wrapped(diagnosis.answer)]
    after = []
    if diagnosis.look:
        picture = diagnosis.commands[0] if diagnosis.commands else ""
        after.append(f"{paper.wrapped(diagnosis.look)}{_command(picture)}")
    if diagnosis.more:
        after.append(f"{paper.wrapped(diagnosis.more)}{_command(diagnosis.more_command)}")
    after += [f"{paper.wrapped(told)}{_command(command)}" for told, command in others]
    if diagnosis.layers:
        pointer = "" if diagnosis.shown is not None and diagnosis.shown.sentences else pointer
        after += [paper.wrapped(pointer)] if pointer else []
        taken = sum(part.count("\n") + 1 for part in before + after)
        before.append(_in_short(diagnosis, paper, max(_FEWEST_ROWS, _SCREEN - taken - 3)))
    return "\n".join(before + after)


def _command(command: str) -> str:
    return f"  {printable(command, 2000)}\n" if command else ""


def _in_short(diagnosis: Diagnosis, paper: Paper, n_rows: int) -> str:
    """Return a table of the layers, each a line; of many those of one verdict share one, in a row or all."""
    runs = [[each] for each in diagnosis.layers]
    if len(runs) > n_rows:
        runs = [list(run) for _, run in groupby(diagnosis.layers, key=lambda each: each.verdict)]
    if len(runs) > n_rows:
        runs = runs_of(diagnosis)
    shown = runs[: n_rows if len(runs) <= n_rows else n_rows - 1]
    rows = [[*_short_row(run), *shown_cells(diagnosis, run), _seen(run)] for run in shown]
    measured = any(change.cos2 is not None for each in diagnosis.layers for change in each.changes)
    headers = ["layer", "filters", "verdict", "as before" if measured else "noise", *SHOWN, "to be seen"]
    last = len(headers) - 1
    kept = [place for place in range(last + 1) if any(row[place] for row in rows)]
    # tabulate makes a column two wider than its heading at least, and puts two spaces between columns.
    widths = {i: max(len(headers[i]) + 2, *(len(row[i]) for row in rows)) + 2 for i in kept if i < last}
    if paper.width - sum(widths.values()) < _LEAST_SEEN:
        kept.remove(1)
        del widths[1]
    left = paper.width - sum(widths.values())
    if left < len(headers[last]) + 2 and last in kept:
        kept.remove(last)
    cells = [[_cut(row[i], left) if i == last else row[i] for i in kept] for row in rows]
    left = sum(map(len, runs[len(rows) :]))
    more = f"and {left:,} more {'layer' if left == 1 else 'layers'}\n" if left else ""
    return f"{paper.table(cells, [headers[i] for i in kept])}\n{more}"


def _short_row(run: Sequence[LayerDiagnosis]) -> list[str]:
    """Return the cells of some layers in a row: names, shape, verdict, share of noise, what is to be seen."""
    first, n = run[0], len(run)
    name = printable(first.name, 200)
    name = name if len(name) <= _NAME else f"…{name[1 - _NAME :]}"
    shape = "x".join(map(str, first.shape)) if len({each.shape for each in run}) == 1 else "various"
    word = VERDICTS[first.verdict].word
    if first.verdict == "updated" and all(any(each.texture for each in layer.filters) for layer in run):
        word = SOME_FILTERS
    return [
        name if n == 1 else f"{name} and {n - 1:,} more",
        shape,
        word,
        noise_of(run),
    ]


def _seen(run: Sequence[LayerDiagnosis]) -> str:
    said = list(dict.fromkeys(each.seen for each in run))
    return said[0] if len(said) == 1 else "; ".join(dict.fromkeys(each.why for each in run if each.why))


SHOWN = ("never fire", "saturated", "put back")
"""The headings of what images tell of a layer."""


def shown_cells(diagnosis: Diagnosis, run: Sequence[LayerDiagnosis]) -> list[str]:
    """Return how many units never fire, how many are saturated, and what is right without what was learned.

    Args:
        diagnosis: Of one model.
        run: Layers that share a line.
    """
    shown = diagnosis.shown
    found = [] if shown is None else [each for one in run if (each := shown.of(one.conv_index)) is not None]
    silent = [len(each.silent) for each in found if each.silent is not None]
    full = [len(each.saturated) for each in found if each.saturated is not None]
    right = [each.right_with_start for each in found if each.right_with_start is not None]
    return [
        f"{sum(silent):,}" if silent else "",
        f"{sum(full):,}" if full else "",
        percents(right) if right else "",
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= max(width, 10) else f"{text[: max(width, 10) - 1]}…"


def printed(diagnosis: Diagnosis) -> str:
    """Return what ``print`` shows of a diagnosis: the screen of ``filtviz diagnose``.

    Args:
        diagnosis: Of one model.
    """
    pointer = '.to_frame("measures") holds every measure beside what chance gives.'
    return answer_text(diagnosis, Paper.of_window(), pointer).rstrip("\n")
