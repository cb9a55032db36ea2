"""What the layers say together, in a short paragraph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from filtviz.measures.findings import LayerDiagnosis, Unjudged, Verdict
from filtviz.measures.lowfrequency import low_band
from filtviz.measures.table import VERDICTS
from filtviz.measures.wording import about, listed, percent, shown

__all__ = ["best_composed", "summarise"]

_MOSTLY_NOISE = 0.5

CAVEAT = (
    "None of this says how well the network does: filters of networks trained on random labels are as "
    "structured as others, and a first layer near its random start can serve well."
)


def summarise(layers: Sequence[LayerDiagnosis], unjudged: Sequence[Unjudged], compared: bool) -> str:
    """Put the verdicts together in a short paragraph; ``compared`` tells that an earlier file was given."""
    if not layers:
        if unjudged:
            return _nothing_judged(unjudged)
        return "The network has no convolution, so that there are no filters to judge."
    if all(layer.verdict == "initial" for layer in layers):
        sentences = _untrained(layers)
    else:
        sentences = [_verdicts(layers), *_untouched(layers), *_noise(layers), *_collapse(layers)]
        sentences += _composed(layers)
    sentences += _changes(layers)
    if any(layer.verdict in ("structured", "collapsed") for layer in layers) or _noisy(layers):
        sentences.append(CAVEAT)
    if not compared and any(layer.verdict in ("updated", "structured") for layer in layers):
        sentences.append("A file from before training would measure what is estimated here (--before).")
    return " ".join(sentences)


def _nothing_judged(unjudged: Sequence[Unjudged]) -> str:
    first, *others = unjudged
    sentence = f"Nothing can be judged here: {shown(first.name)} is left out because {first.reason}"
    return (
        f"{sentence}; so are {listed([shown(each.name) for each in others])}." if others else f"{sentence}."
    )


def _untrained(layers: Sequence[LayerDiagnosis]) -> list[str]:
    named = [set(layer.initialiser.split(" or ")) for layer in layers if layer.initialiser != "unknown"]
    common = sorted(set.intersection(*named)) if named else []
    source = f" by {common[0]}" if common else ""
    which = "the one convolution is" if len(layers) == 1 else f"all {len(layers)} convolutions are"
    return [
        f"Nothing was trained, as far as weights can show: {which} indistinguishable from "
        f"initial draws{source}.",
        "The filters look random because they are; if this network was trained, this is not "
        "the file that training left.",
    ]


def _verdicts(layers: Sequence[LayerDiagnosis]) -> str:
    """Say in one sentence which layers have which verdict."""
    parts = []
    for verdict, text in _TOGETHER.items():
        members = [layer for layer in layers if layer.verdict == verdict]
        if members:
            parts.append(f"{_names(members, layers)} {_verb(verdict, members)} {text}")
    return f"{'; '.join(parts)}."


def _verb(verdict: Verdict, members: Sequence[LayerDiagnosis]) -> str:
    was, is_ = ("was", "is") if len(members) == 1 else ("were", "are")
    if verdict == "updated":
        return was
    biases = [layer.finding("bias") for layer in members]
    if verdict == "structured" and all(bias is not None and bias.found for bias in biases):
        return f"{was} updated and {is_}"
    return is_


_TOGETHER: dict[Verdict, str] = {
    "initial": VERDICTS["initial"],
    "updated": VERDICTS["updated"].removeprefix("was "),
    "structured": VERDICTS["structured"],
    "collapsed": VERDICTS["collapsed"],
    "undecided": "not judged (the sentence says why)",
}


def _untouched(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say what it may mean that some layers of a trained network look untouched."""
    initial = [layer for layer in layers if layer.verdict == "initial"]
    if not initial:
        return []
    return [
        f"{_names(initial, layers)} may have been frozen, cut off from the loss, or moved by "
        "too little to be seen."
    ]


def _noisy(layers: Sequence[LayerDiagnosis]) -> list[LayerDiagnosis]:
    """Return the layers that were trained and still are noise for the most part."""
    trained = [layer for layer in layers if layer.verdict in ("updated", "structured")]
    return [layer for layer in trained if layer.residue is not None and layer.residue >= _MOSTLY_NOISE]


def _noise(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say why the picture looks random, where it does."""
    noisy = _noisy(layers)
    # The first layer is what people look at first, and its picture is of noise where most of it is.
    plain = [layer for layer in noisy if layer.verdict == "updated" or layer is layers[0]]
    structured = [layer for layer in noisy if layer not in plain]
    unknown = [layer for layer in layers if layer.verdict == "updated" and layer.residue is None]
    sentences = []
    if plain:
        look, it = ("looks", "it") if len(plain) == 1 else ("look", "them")
        sentences.append(
            f"{_names(plain, layers)} {look} random because most of {it} still is: "
            f"{_shares(plain)} of what "
            "the picture shows is the noise of the initialisation, and what was learned lies under it."
        )
    sentences += _unknown_noise(unknown, layers)
    if structured:
        its = "its" if len(structured) == 1 else "their"
        sentences.append(
            f"In {_names(structured, layers)} {_shares(structured)} of what the picture shows "
            "is the noise of the "
            f"initialisation, beside {its} structure."
        )
    return [*sentences, _contrast(layers)] if sentences else []


def _unknown_noise(unknown: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say what can be said of layers that show no structure and whose noise cannot be estimated."""
    if not unknown:
        return []
    look, it = ("looks", "it") if len(unknown) == 1 else ("look", "them")
    sentence = f"{_names(unknown, layers)} {look} random because no structure in {it} can be told from noise"
    bound = unknown[0].finding("bound")
    if bound is not None and bound.value is not None and unknown[0].initialiser != "unknown":
        sentence += (
            f" ({percent(1 - bound.value)} of {shown(unknown[0].name)} lies within the initialiser's bound)"
        )
    reasons = Counter(_why_unknown(layer) for layer in unknown)
    why = " or ".join(reason for reason, _ in reasons.most_common())
    return [f"{sentence}; how much of {it} is the initial noise cannot be told, because {why}."]


def _why_unknown(layer: LayerDiagnosis) -> str:
    residue = layer.finding("residue")
    return (
        "it was not estimated" if residue is None else residue.reading.removeprefix("cannot tell, because ")
    )


def _shares(layers: Sequence[LayerDiagnosis]) -> str:
    """Say an estimate, or the span of several."""
    shares = [layer.residue or 0.0 for layer in layers]
    low, high = percent(min(shares)), percent(max(shares))
    return about(min(shares)) if low == high else f"{low.removesuffix('%')} to {high.removeprefix('over ')}"


def _contrast(layers: Sequence[LayerDiagnosis]) -> str:
    small = any(layer.shape[2:] == (3, 3) for layer in layers)
    eye = ", and at 3x3 the eye finds edges in noise" if small else ""
    return (
        "The usual picture adds to it: each kernel has its own contrast, so that noise looks as "
        f"strong as signal{eye}."
    )


def _collapse(layers: Sequence[LayerDiagnosis]) -> list[str]:
    collapsed = [layer for layer in layers if layer.verdict == "collapsed"]
    if not collapsed:
        return []
    return [
        f"The filters of {_names(collapsed, layers)} nearly repeat one another; too high a "
        "learning rate is one cause, "
        "so compare with the training loss."
    ]


def _composed(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Point to the layer that shows most when seen through those below, or to structure as it is."""
    best = best_composed(layers)
    if best is not None and best.composed_size is not None:
        n = _n_composed(best)
        rows, cols = best.composed_size
        return [
            f"Look at the deeper filters through the layers below them: {n} of the "
            f"{len(best.filters)} filters of {shown(best.name)}, "
            f"composed to {rows}x{cols} pixels, are smoother or finer than chance."
        ]
    structured = [layer for layer in layers if layer.verdict == "structured"]
    if structured and any(layer.verdict in ("updated", "initial") for layer in layers):
        return [f"Look at {_names(structured, layers)} first."]
    return []


def best_composed(layers: Sequence[LayerDiagnosis]) -> LayerDiagnosis | None:
    """Return the layer of which most shows when it is seen through the layers below, or None."""
    candidates = [layer for layer in layers if layer.composed_size is not None and _n_composed(layer) > 0]
    return max(
        candidates, key=lambda layer: (_n_composed(layer) / len(layer.filters), layer.index), default=None
    )


def _n_composed(layer: LayerDiagnosis) -> int:
    return sum(each.composed_texture is not None for each in layer.filters)


def _changes(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say what comparing with earlier files measured."""
    sentences = []
    for place, change in enumerate(layers[0].changes):
        compared = [
            (layer, layer.changes[place]) for layer in layers if layer.changes[place].cos2 is not None
        ]
        if not compared:
            sentences.append(f"{shown(change.before, 200)} could not be compared: {change.reason}.")
            continue
        if all(each.relative_change == 0 for _, each in compared):
            same = _names([layer for layer, _ in compared], layers)
            sentences.append(f"Against {shown(change.before, 200)}, nothing has changed in {same}.")
            continue
        shares = listed(
            [f"{shown(layer.name)} {percent(each.cos2 or 0)}" for layer, each in compared], limit=12
        )
        sentence = (
            f"Against {shown(change.before, 200)}, the share of each layer that is what was there "
            f"before (cos²): {shares}"
        )
        smooth = [
            layer
            for layer, each in compared
            if each.share_p is not None and each.share_p < 0.01 and (each.share or 0) > _white_share(layer)
        ]
        if smooth:
            sentence += f"; what was added is smoother than white noise in {_names(smooth, layers)}"
        sentences.append(f"{sentence}.")
    return sentences


def _white_share(layer: LayerDiagnosis) -> float:
    return float(low_band(*layer.shape[2:]).mean())


def _names(members: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> str:
    """Name layers: runs of three and more as "conv2 to conv6"."""
    places = {layer.index: place for place, layer in enumerate(layers)}
    runs: list[list[LayerDiagnosis]] = []
    for layer in members:
        if runs and places[layer.index] == places[runs[-1][-1].index] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    names: list[str] = []
    for run in runs:
        if len(run) > 2:
            names.append(f"{shown(run[0].name)} to {shown(run[-1].name)}")
        else:
            names += [shown(layer.name) for layer in run]
    return listed(names)
