"""`filtviz.diagnose`: a network in, a `Diagnosis` out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from filtviz.errors import MeasureError
from filtviz.measures.changing import changes_from
from filtviz.measures.composed import LARGEST, Composed, composed_structure
from filtviz.measures.filters import diagnose_filters, first_to_look_at
from filtviz.measures.findings import Change, Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis, Unjudged
from filtviz.measures.judging import LAYER_MEASURES
from filtviz.measures.nextsteps import checks_met, commands_for
from filtviz.measures.showing import SHOWN_MEASURES
from filtviz.measures.stacks import composed_size
from filtviz.measures.subject import Subject, gather_subjects, nonfinite_filters
from filtviz.measures.summary import summarise
from filtviz.measures.verdicts import judge
from filtviz.measures.wording import listed, plural, shown
from filtviz.network import ConvLayer, Network

__all__ = ["diagnose"]

_SMALLEST, _LARGEST = 1e-70, 1e70
"""Magnitudes between which fourth powers can be summed."""


def diagnose(
    network: Network,
    *,
    before: Sequence[tuple[str, Network]] = (),
    input_range: tuple[float, float] | None = None,
) -> Diagnosis:
    """Judge each convolution of a network by its weights alone.

    Args:
        network: The network.
        before: Earlier states of it, each with the name by which to speak of it, such as its file's.
        input_range: The lowest and the highest value of an input pixel, for the proof of dead filters.

    Raises:
        MeasureError: ``input_range`` is empty or not finite.
    """
    if input_range is not None and not (np.isfinite(input_range).all() and input_range[0] <= input_range[1]):
        raise MeasureError(f"the input range must be two finite numbers, the lower first, not {input_range}")
    # Matrices are small and many here: threads that wait for one another take ten times as long as one alone.
    with threadpool_limits(limits=1, user_api="blas"):
        return _diagnose(network, before, input_range)


def _diagnose(
    network: Network, before: Sequence[tuple[str, Network]], input_range: tuple[float, float] | None
) -> Diagnosis:
    drawn = [layer for layer in network.conv_layers if layer.why_not_drawn is None]
    judged: dict[int, LayerDiagnosis] = {}
    for layer in drawn:
        refused = _refuse(layer)
        if refused is not None:
            judged[layer.conv_index] = refused
    finite = [layer for layer in drawn if layer.conv_index not in judged]
    for subject in gather_subjects(network, finite, input_range):
        changes = tuple(changes_from(earlier, name, subject.layer) for name, earlier in before)
        judged[subject.layer.conv_index] = _diagnose_layer(subject, changes)
    layers = tuple(judged[index] for index in sorted(judged))
    unjudged = tuple(_unjudged(layer) for layer in network.conv_layers if layer.why_not_drawn is not None)
    file = None if network.origin.path is None else str(network.origin.path)
    return Diagnosis(
        file=file,
        layers=layers,
        unjudged=unjudged,
        summary=summarise(layers, unjudged, bool(before)),
        commands=commands_for(file, layers, bool(before)),
        notes=(*network.origin.inferred, *network.origin.notes),
        checks=checks_met(layers),
    )


def _diagnose_layer(subject: Subject, changes: tuple[Change, ...]) -> LayerDiagnosis:
    composed, note = _compose(subject)
    filters = diagnose_filters(subject, composed)
    taken = [measure(subject) for measure in (*LAYER_MEASURES, *SHOWN_MEASURES)]
    found = [each for each in taken if each is not None]
    found += _of_filters(filters, composed, subject)
    by_key = {each.measure: each for each in found}
    judgement = judge(subject, by_key, sum(each.texture is not None for each in filters))
    layer = subject.layer
    return LayerDiagnosis(
        index=layer.conv_index,
        name=layer.label,
        type=layer.type,
        shape=subject.kernels.shape,
        dtype=str(layer.weights.dtype),
        verdict=judgement.verdict,
        sentence=f"{shown(layer.label)}: {judgement.sentence}.",
        initialiser=subject.initialiser if subject.rule.known else "unknown",
        residue=by_key["residue"].value,
        findings=tuple(found),
        filters=filters,
        first_filters=first_to_look_at(filters),
        composed_size=None if composed is None else composed.size,
        changes=changes,
        notes=(note,) if note else (),
    )


def _compose(subject: Subject) -> tuple[Composed | None, str]:
    """Measure the filters seen through the layers below, or say why not."""
    stages = subject.stack.stages
    if not stages:
        return None, f"not composed with the layers below: {subject.stack.reason}"
    size = composed_size(stages)
    if max(size) > LARGEST:
        shown = f"{size[0]}x{size[1]}"
        return (
            None,
            f"not composed with the layers below: {shown} pixels are more than the {LARGEST} measured",
        )
    return composed_structure(stages), ""


def _of_filters(
    filters: Sequence[FilterDiagnosis], composed: Composed | None, subject: Subject
) -> list[Finding]:
    """Sum up for the layer what the filters gave one by one."""
    dead = [each.index for each in filters if each.dead]
    decayed = [each.index for each in filters if each.decayed]
    named = sum(each.classical is not None for each in filters)
    findings = [
        Finding(
            measure="dead",
            value=None if subject.bounds is None else float(len(dead)),
            found=bool(dead),
            reading=_dead_reading(dead, subject),
        ),
        Finding(
            measure="decayed",
            value=float(len(decayed)),
            found=bool(decayed),
            reading=f"{_numbered(decayed)} decayed to almost nothing" if decayed else "none",
        ),
        Finding(
            measure="classical",
            value=float(named),
            found=named > 0,
            reading=f"{plural(named, 'filter')} of {len(filters)} may be named",
        ),
    ]
    if composed is not None:
        findings.append(_composed_finding(filters, composed))
    return findings


def _composed_finding(filters: Sequence[FilterDiagnosis], composed: Composed) -> Finding:
    smooth = sum(each.composed_texture == "smooth" for each in filters)
    rough = sum(each.composed_texture == "rough" for each in filters)
    concentrated = sum(each.concentrated for each in filters)
    rows, cols = composed.size
    return Finding(
        measure="composed",
        value=(smooth + rough) / len(filters),
        found=smooth + rough + concentrated > 0,
        reading=(
            f"as {rows}x{cols} filters on the image (linearised), of {len(filters)}: {smooth} "
            f"low-pass, {rough} fine, "
            f"{concentrated} more concentrated than chance"
        ),
    )


def _dead_reading(dead: Sequence[int], subject: Subject) -> str:
    if dead:
        return f"{_numbered(dead)} provably dead"
    if subject.bounds is None:
        return "no bound is known (see `filtviz explain dead`)"
    return "none can be proved dead; others still may be"


def _numbered(indices: Sequence[int]) -> str:
    return f"filter{'s'[: len(indices) > 1]} {listed([str(i) for i in indices])}"


def _refuse(layer: ConvLayer) -> LayerDiagnosis | None:
    """Return the diagnosis of a layer that holds no numbers to judge, or None where it does."""
    broken = nonfinite_filters(layer).tolist()
    if len(broken):
        hold = "holds" if len(broken) == 1 else "hold"
        which = f"{len(broken)} of its {layer.n_filters} filters {hold} NaN or infinite numbers"
        return _undecided(
            layer, f"{which} ({listed([str(i) for i in broken])}), as a diverged training leaves", broken
        )
    if layer.filters.min() == layer.filters.max():
        value = float(layer.filters.flat[0])
        return _undecided(layer, f"{plural(layer.weights.size, 'weight')} of {value:g} is all that it holds")
    largest = float(np.abs(layer.filters).max())
    if not _SMALLEST < largest < _LARGEST:
        return _undecided(layer, f"its largest weight is {largest:.3g}, out of the range of this arithmetic")
    return None


def _undecided(layer: ConvLayer, why: str, broken: Sequence[int] = ()) -> LayerDiagnosis:
    filters, channels, rows, cols = layer.filters.shape
    return LayerDiagnosis(
        index=layer.conv_index,
        name=layer.label,
        type=layer.type,
        shape=(filters, channels, rows, cols),
        dtype=str(layer.weights.dtype),
        verdict="undecided",
        sentence=f"{shown(layer.label)}: cannot tell, because {why}.",
        initialiser="unknown",
        filters=tuple(_unmeasured(layer, index, index in broken) for index in range(filters)),
    )


def _unmeasured(layer: ConvLayer, index: int, broken: bool) -> FilterDiagnosis:
    """Return the little that can be said of a filter in a layer that cannot be judged."""
    if broken:
        return FilterDiagnosis(index=index, norm=None, nonfinite=True)
    values = np.asarray(layer.filters[index], dtype=np.float64)
    scale = float(np.abs(values).max(initial=0.0))
    norm = scale * float(np.linalg.norm(values / scale)) if scale > 0 else 0.0
    return FilterDiagnosis(index=index, norm=norm, decayed=scale == 0)


def _unjudged(layer: ConvLayer) -> Unjudged:
    assert layer.why_not_drawn is not None
    return Unjudged(index=layer.conv_index, name=layer.label, type=layer.type, reason=layer.why_not_drawn)
