"""A diagnosis for a person at a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from filtviz.answer_text import answer_text
from filtviz.cli.console import fit, format_table
from filtviz.measures.measure import Change, Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.measures.table import MEASURES, NULLS
from filtviz.measures.trajectory import Trajectory
from filtviz.naming import telling_names
from filtviz.paper import Paper, window_width
from filtviz.responses.examining import NEARLY_ALL, Examination
from filtviz.text import listed, name_runs, percent, percents, plural, printable

__all__ = [
    "answer_of",
    "describe_each",
    "describe_model",
    "describe_trajectory",
    "evidence_of",
    "shown_of",
]


def answer_of(diagnosis: Diagnosis, *, with_pointer: bool = True) -> str:
    """Return one screen: what is the matter, a line for each layer, and what to look at.

    Args:
        diagnosis: Of one model.
        with_pointer: Whether it is said which option shows more.
    """
    pointer = "--details shows every measure beside what chance gives." if with_pointer else ""
    return answer_text(diagnosis, Paper.of_window(fit), pointer)


def describe_each(diagnoses: Sequence[Diagnosis], *, details: bool, with_filters: bool) -> str:
    """Return of several models one after another what `describe_model` returns of one, each below its path.

    Args:
        diagnoses: Of the models.
        details: Whether their reasons and every measure are shown.
        with_filters: Whether every filter is.
    """
    parts = []
    for each in diagnoses:
        text = describe_model(each, details=details, with_filters=with_filters, title="What it rests on")
        parts.append(f"{_rule(printable(each.file or 'the network', 200))}\n{text}")
    return "\n".join(parts)


def describe_model(diagnosis: Diagnosis, *, details: bool, with_filters: bool, title: str = "") -> str:
    """Return the answer, then what it rests on.

    Args:
        diagnosis: Of one model.
        details: Whether its reasons and every measure are shown.
        with_filters: Whether every filter is.
        title: What stands above its reasons; empty for the file.
    """
    parts = [answer_of(diagnosis, with_pointer=not details)]
    if details:
        heading = _rule(title or printable(diagnosis.file or "the network", 200))
        parts.append(f"{heading}\n{_wrapped(diagnosis.summary)}")
        if diagnosis.shown is not None:
            parts.append(_responses(diagnosis.shown))
        parts += ["".join(_wrapped(f"Note: {printable(note, 1000)}.") for note in diagnosis.notes)]
    return "\n".join(
        filter(None, [*parts, evidence_of(diagnosis, details=details, with_filters=with_filters)])
    )


def evidence_of(diagnosis: Diagnosis, *, details: bool, with_filters: bool) -> str:
    """Return what was measured of each layer.

    Args:
        diagnosis: Of one model.
        details: Whether every measure is shown.
        with_filters: Whether every filter is.
    """
    parts = [_describe_layer(each, details=details, with_filters=with_filters) for each in diagnosis.layers]
    for each in diagnosis.unjudged if details else ():
        if each.left_out:  # of thousands the summary speaks in one sentence
            continue
        parts.append(
            _wrapped(f"{printable(each.name, 40)} ({printable(each.type, 40)}) is not judged: {each.reason}.")
        )
    if details and (words := _nulls_in_words(diagnosis.layers)):
        parts.append(words)
    return "\n".join(parts)


def _nulls_in_words(layers: Sequence[LayerDiagnosis]) -> str:
    """Explain in a few words each null that the tables name."""
    taken = {each.measure for layer in layers for each in layer.findings}
    named = " ".join(entry.short_null for key, entry in MEASURES.items() if key in taken)
    told = [f"{word}: {meaning}" for word, meaning in NULLS.items() if word in named]
    if not told:
        return ""
    return _wrapped(
        f"A null is what chance alone gives: {'; '.join(told)}. `filtviz explain MEASURE` tells more of each."
    )


def shown_of(diagnoses: Sequence[Diagnosis]) -> str:
    """Return what images tell of several models, a paragraph for each.

    Args:
        diagnoses: Of the models.
    """
    names = telling_names([Path(each.file or "network") for each in diagnoses])
    return "".join(
        "\n" + _wrapped(f"{printable(name, 60)}: {each.shown.answer}")
        for name, each in zip(names, diagnoses, strict=True)
        if each.shown is not None
    )


def _responses(shown: Examination) -> str:
    """Return what images tell of all layers with weights, the dense ones, too."""
    rows = [
        [
            printable(each.layer, 40),
            f"{each.units:,}",
            each.function,
            _percent(sum(each.fires) / max(len(each.fires), 1)),
            _count(each.silent),
            _count(each.saturated),
            _percent(each.at_end),
            _percent(each.from_start),
            _percent(each.by_chance),
            _percent(each.right_with_start),
        ]
        for each in shown.layers
    ]
    headers = ["layer", "units", "function", "fires", "never fire", "saturated", "at an end", "by start",
               "by chance", "put back"]  # fmt: skip
    kept = [place for place in range(len(headers)) if any(row[place] for row in rows)]
    table = format_table([[row[i] for i in kept] for row in rows], [headers[i] for i in kept])
    title = _rule(f"Shown {plural(shown.n_images, 'image')}, and proof for these alone")
    legend = _legend(shown, {headers[i] for i in kept})
    return f"{title}\n{table}\n{legend}{_wrapped(_never_fire(shown))}"


def _legend(shown: Examination, headers: Collection[str]) -> str:
    before = Path(shown.before).name if shown.before else "the earlier file"
    right = "answered right" if shown.labelled else "answered as now"
    said = {
        "fires": "fires: at how much of all places and images a unit answers more than zero, on average",
        "never fire": "never fire: units that nowhere do on these images",
        "saturated": "saturated: units that lie at an end of their function at more than 95% of them",
        "at an end": "at an end: the share of all answers that lie there",
        "by start": f"by start: how much of the answers' variance the layer's weights of {before} explain",
        "by chance": "by chance: the same with those of other units",
        "put back": f"put back: how many images are {right} with this layer's weights of {before}",
    }
    return "".join(_wrapped(f"{text}.") for heading, text in said.items() if heading in headers)


def _never_fire(shown: Examination) -> str:
    told = [f"{printable(each.layer, 40)} {_few(each.silent, 12)}" for each in shown.layers if each.silent]
    return f"Units that never fire: {'; '.join(told)}." if told else ""


def _percent(share: float | None) -> str:
    return "" if share is None else percent(share).replace("under ", "<").replace("over ", ">")


def _count(units: Sequence[int] | None) -> str:
    return "" if units is None else f"{len(units):,}"


def describe_trajectory(trajectory: Trajectory, states: Sequence[Diagnosis]) -> str:
    """Say when each layer stopped moving.

    Args:
        trajectory: How the layers moved.
        states: The diagnoses of the states, in its order, those without a place in it last.
    """
    n = len(trajectory.order)
    names = [printable(Path(each.file or "").name, 80) for each in states[:n]]
    sentences = [f"Ordered by {trajectory.ordered_by}."]
    layers = list(enumerate(trajectory.layers))
    still = [(i, each.name) for i, each in layers if not any(step != 0 for step in each.steps)]
    if still:
        sentences.append(f"{name_runs(still)} did not move at all.")
    layers = [each for each in layers if (each[0], each[1].name) not in still]
    for place, name in enumerate(names):
        resting = [(i, each.name) for i, each in layers if each.rests_after == place]
        if resting:
            where = "hardly moved at all" if place == 0 else f"stopped moving after {name}"
            sentences.append(f"{name_runs(resting)} {where}.")
    moving = [(i, each.name) for i, each in layers if each.rests_after is None]
    if moving:
        verb = "still moves" if len(moving) == 1 else "still move"
        steps = [trajectory.layers[i].steps[-1] for i, _ in moving]
        told = [step for step in steps if step is not None]
        them = "it" if len(moving) == 1 else "them"
        share = f": the last step changed {them} by {percents(told)}" if told else ""
        sentences.append(f"{name_runs(moving)} {verb}{share}.")
    if apart := [printable(Path(each.file or "").name, 80) for each in states[n:]]:
        have, are = ("has", "is") if len(apart) == 1 else ("have", "are")
        sentences.append(f"{listed(apart)} {have} no place in that order, and {are} last below.")
    sentences.append(
        "A layer is taken to rest where every later step changes it by less than 1% of its norm."
    )
    return _wrapped(" ".join(sentences))


def _describe_layer(layer: LayerDiagnosis, *, details: bool, with_filters: bool) -> str:
    shape = "x".join(map(str, layer.shape))
    heading = _rule(f"{printable(layer.name, 40)}  {shape}  {layer.dtype}")
    parts = [f"{heading}\n{_wrapped(layer.sentence)}"] if details else [f"{heading}\n"]
    if details and layer.findings:
        parts += [_measures(layer.findings), _shown_only(layer.findings)]
    if details and layer.changes:
        parts.append(_changes(layer))
    if layer.first_filters and layer.verdict != "initial":  # of draws none is worth a look before another
        first = ", ".join(map(str, layer.first_filters))
        parts.append(_wrapped(f"Filters to look at first: {first}."))
    if details:
        parts += [_wrapped(f"{note[0].upper()}{note[1:]}.") for note in layer.notes]
    if with_filters and layer.filters:
        parts.append(_filters(layer))
        if layer.unread_channels:
            numbers = ", ".join(map(str, layer.unread_channels))
            parts.append(_wrapped(f"Input channels that it does not look at: {numbers}."))
    return "\n".join(parts)


_LEAST_READING = 24
"""Characters of a measure's reading; where there are fewer, the columns before it are set in lines, too."""


def _measures(findings: Sequence[Finding]) -> str:
    """Return the table of what was measured; a star marks what came out."""
    rows = []
    for each in findings:
        entry = MEASURES[each.measure]
        if entry.shown_only:
            continue
        rows.append(
            [
                f"{each.measure} *" if each.found else each.measure,
                _number(each.value),
                _p(each.p),
                _limit(each),
                entry.short_null,
                each.text,
            ]
        )
    headers = ["measure (* found)", "value", "p", "counts if", "null", "reading"]
    # tabulate makes a column two wider than its heading at least, and puts two spaces between columns.
    taken = [max(len(headers[i]) + 2, *(len(row[i]) for row in rows)) + 2 for i in range(5)]
    narrow = window_width() - sum(taken) < _LEAST_READING
    words = [{3: 9, 4: 11}.get(place) if narrow else None for place in range(5)]  # they break between words
    left = window_width() - sum(
        each if limit is None else min(each, max(limit, 11) + 2)
        for each, limit in zip(taken, words, strict=True)
    )
    widths = [*words, max(_LEAST_READING - 10, left)]
    return format_table(rows, headers, maxcolwidths=widths) + "\n"


def _shown_only(findings: Sequence[Finding]) -> str:
    """Return the numbers that do not judge, in a line."""
    shown = [
        f"{each.measure} {_number(each.value)} ({each.text})"
        for each in findings
        if MEASURES[each.measure].shown_only
    ]
    return _wrapped(f"Beside the verdict: {'; '.join(shown)}.") if shown else ""


def _limit(finding: Finding) -> str:
    """Say beyond which p-value or value a finding counts."""
    if finding.level is not None and finding.threshold is not None:
        return f">{_number(finding.threshold)}, p<{finding.level:.2g}"
    if finding.level is not None:
        return f"p<{finding.level:.2g}"
    if finding.threshold is None:
        return ""
    sign = "<" if MEASURES[finding.measure].counts_below else ">"
    return f"{sign}{_number(finding.threshold)}"


def _changes(layer: LayerDiagnosis) -> str:
    rows = []
    for name, each in zip(_short_names(layer.changes), layer.changes, strict=True):
        if each.cos2 is None:
            rows.append([name, "", "", "", "", each.reason or "nothing to compare"])
            continue
        marked = "" if each.significant is None else f"{each.significant:.0%} of the filters by themselves"
        rows.append(
            [
                name,
                _number(each.cos2),
                _number(each.relative_change),
                _number(each.share),
                _p(each.share_p),
                marked,
            ]
        )
    headers = ["since", "cos²", "change/norm", "F of what was added", "p", "significant at .05"]
    return format_table(rows, headers) + "\n"


def _short_names(changes: Sequence[Change]) -> list[str]:
    """Name the earlier files without their folders, unless two of them then have the same name."""
    names = [Path(each.before).name for each in changes]
    distinct = len(set(names)) == len(names)
    return [
        printable(name if distinct else each.before, 80) for name, each in zip(names, changes, strict=True)
    ]


def _filters(layer: LayerDiagnosis) -> str:
    """Return the table of the filters, without the columns that are empty in this layer.

    Directions are left out where a line has no room for them.
    """
    cos2 = {each.index: each.cos2 for change in layer.changes[:1] for each in change.filters}
    columns: dict[str, list[str]] = {
        "filter": [str(each.index) for each in layer.filters],
        "norm": [_number(each.norm) for each in layer.filters],
        "F": [_number(each.share) for each in layer.filters],
        "p": [_p(each.share_p) for each in layer.filters],
        "looks": [each.texture or "" for each in layer.filters],
        "direction": [_direction(each) for each in layer.filters],
        "through": [_through(each) for each in layer.filters],
        "p through": [_p(each.composed_p) for each in layer.filters],
        "relied on": [_number(each.reliance) for each in layer.filters],
        "cos²": [_number(cos2.get(each.index)) for each in layer.filters],
        "nearest": [_nearest(each) for each in layer.filters],
        "fires": [_percent(each.fires) for each in layer.filters],
        "remarks": [_remarks(each) for each in layer.filters],
    }
    kept = {name: cells for name, cells in columns.items() if any(cells)}
    if not Paper.of_window(fit).has_room(zip(*kept.values(), strict=True), list(kept)):
        kept.pop("direction", None)
    return format_table(zip(*kept.values(), strict=True), list(kept)) + "\n"


def _through(each: FilterDiagnosis) -> str:
    texture = {"smooth": "low-pass", "rough": "fine"}.get(each.composed_texture or "", "")
    return ", ".join(filter(None, [texture, "concentrated" if each.concentrated else ""]))


def _direction(each: FilterDiagnosis) -> str:
    """Say the angle of a filter's gradients, and how far they agree on it, from 0 to 1 (coherence)."""
    if each.angle is None or each.coherence is None:
        return ""
    return f"{each.angle:.0f}° ({each.coherence:.2f})"


def _nearest(each: FilterDiagnosis) -> str:
    if each.classical is None:
        return ""
    return f"{each.classical} ({_number(each.likeness)}, channel {each.classical_channel})"


def _remarks(each: FilterDiagnosis) -> str:
    remarks = [
        "not finite" if each.nonfinite else "",
        "provably dead" if each.dead else "",
        "decayed to almost nothing" if each.decayed else "",
        "muted by its batch normalisation" if each.muted else "",
        "ignored by the following layer" if each.ignored else "",
        "never fires on these images" if each.fires == 0 else "",
        "saturated" if (each.saturated or 0.0) > NEARLY_ALL else "",
        f"near-duplicate of {_few(each.duplicates)}" if each.duplicates else "",
    ]
    return ", ".join(filter(None, remarks))


def _few(indices: Sequence[int], most: int = 4) -> str:
    more = f" and {len(indices) - most} more" if len(indices) > most else ""
    return ", ".join(map(str, indices[:most])) + more


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"  # which would round it to 1e+03


def _p(value: float | None) -> str:
    if value is None:
        return ""
    if value < 1e-50:
        return "<1e-50"
    return f"{value:.1e}".replace("e-0", "e-") if value < 0.001 else f"{value:.3f}"


def _rule(title: str) -> str:
    return f"{title} {'─' * max(0, window_width() - len(title) - 1)}"


def _wrapped(text: str) -> str:
    return Paper.of_window(fit).wrapped(text)
