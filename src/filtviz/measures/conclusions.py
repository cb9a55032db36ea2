"""What the layers say together, with all reasons, and in what the verdicts of several models differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from filtviz.measures.bias import Bias
from filtviz.measures.energies import FilterEnergy
from filtviz.measures.initialiser import Bound
from filtviz.measures.low_frequency import low_band
from filtviz.measures.measure import Change, Diagnosis, LayerDiagnosis, Unjudged, Verdict
from filtviz.measures.residue import NoiseResidue
from filtviz.measures.verdicts import STILL_SO, VERDICTS, nothing_trained, said_of, still_so
from filtviz.text import about, every, listed, name_runs, over, percent, percents, plural, printable

__all__ = [
    "best_composed",
    "common_rule",
    "difference",
    "in_brief",
    "is_uneven",
    "many_stand_out",
    "may_be_folded",
    "names_of",
    "noise_of",
    "nothing_judged",
    "runs_of",
    "shares_of",
    "source_of",
    "standing_out",
    "summarise",
    "trained_noise",
]

_MOSTLY_NOISE = 0.5

_MANY = 0.25
"""The share of filters that stand out by themselves from which a layer does not look random."""

CAVEAT = (
    "None of this says how well the network does: filters of networks trained on random labels are as "
    "structured as others, and a first layer near its random start can serve well."
)


def summarise(
    layers: Sequence[LayerDiagnosis],
    unjudged: Sequence[Unjudged],
    compared: bool,
    left_out: Sequence[str] = (),
    training: Sequence[str] = (),
    touched: str = "",
) -> str:
    """Put the verdicts together in a short paragraph.

    Args:
        layers: What was judged.
        unjudged: What was not.
        compared: Whether an earlier file was given.
        left_out: A sentence for each thing that would have been too much work.
        training: A few words for each thing beside the convolutions' weights that tells of training.
        touched: What was done to it all the same, trained or not, a clause.
    """
    if not layers:
        return nothing_judged(unjudged)
    if all(layer.verdict == "initial" for layer in layers):
        sentences = [nothing_trained(len(layers), common_rule(layers), training, touched)]
    else:
        sentences = [_verdicts(layers, training), *_still(layers), *_noise(layers)]
        sentences += _meaning("collapsed", layers)
        sentences += _composed(layers)
    sentences += _changes(layers)
    if any(layer.verdict in ("structured", "collapsed") for layer in layers) or _noisy(layers):
        sentences.append(CAVEAT)
    if not compared and any(layer.verdict in ("updated", "structured") for layer in layers):
        sentences.append("A file from before training would measure what is estimated here (--before).")
    return " ".join([*sentences, *(f"{each}." for each in left_out)])


def nothing_judged(unjudged: Sequence[Unjudged]) -> str:
    """Say why there is nothing to judge."""
    if not unjudged:
        return "The network has no convolution, so that there are no filters to judge."
    first, *others = unjudged
    sentence = f"Nothing can be judged here: {_name(first)} is left out because {first.reason}"
    so = f"so {'is' if len(others) == 1 else 'are'} {listed([_name(each) for each in others])}"
    return f"{sentence}; {so}." if others else f"{sentence}."


def common_rule(layers: Sequence[LayerDiagnosis]) -> str | None:
    """Return the initialiser that may have drawn all layers of which one is known, or None."""
    named = [set(layer.rules) for layer in layers if layer.rules]
    return min(set.intersection(*named), default=None) if named else None


def may_be_folded(layers: Sequence[LayerDiagnosis], training: Sequence[str]) -> bool:
    """Tell whether a batch normalisation that was folded in explains all that a training would.

    It leaves filters of unequal strength in a network that nothing else tells to be trained.

    Args:
        layers: All that were judged.
        training: A few words for each thing beside the convolutions' weights that tells of training.
    """
    learned = any(layer.verdict in ("structured", "collapsed") for layer in layers)
    unknown = [layer for layer in layers if layer.verdict == "updated" and layer.residue is None]
    return (
        not training
        and not learned
        and not any(map(many_stand_out, unknown))
        and any(map(is_uneven, unknown))
    )


def is_uneven(layer: LayerDiagnosis) -> bool:
    """Tell whether some filters are stronger than others beyond chance."""
    finding = layer.finding(FilterEnergy.key)
    return finding is not None and finding.found


def _verdicts(layers: Sequence[LayerDiagnosis], training: Sequence[str]) -> str:
    """Say in one sentence which layers have which verdict."""
    parts = []
    folded = may_be_folded(layers, training)
    for verdict in VERDICTS:
        members = [layer for layer in layers if layer.verdict == verdict]
        if members:
            said = said_of(len(members), verdict, moved=all(map(_is_moved, members)), may_be_folded=folded)
            parts.append(f"{names_of(members, layers)} {said}")
    return f"{'; '.join(parts)}."


def _is_moved(layer: LayerDiagnosis) -> bool:
    bias = layer.finding(Bias.key)
    return bias is not None and bias.found


def _meaning(verdict: Verdict, layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say what it may mean that some layers of a trained network have a verdict."""
    members = [layer for layer in layers if layer.verdict == verdict]
    return [VERDICTS[verdict].may_mean.format(layers=names_of(members, layers))] if members else []


def _still(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say why layers of a trained network may be as they were drawn, as far as the file tells."""
    told = []
    for why, members in still_so(layers):
        names = names_of(members, layers)
        said = (why[:1].upper() + why[1:]).format(them=names)
        told.append(VERDICTS["initial"].may_mean.format(layers=names) if why == STILL_SO else f"{said}.")
    return told


def _noisy(layers: Sequence[LayerDiagnosis]) -> list[LayerDiagnosis]:
    """Return the layers that were trained and still are noise for the most part."""
    trained = [layer for layer in layers if layer.verdict in ("updated", "structured")]
    return [layer for layer in trained if layer.noise is not None and layer.noise >= _MOSTLY_NOISE]


def trained_noise(layers: Sequence[LayerDiagnosis]) -> list[LayerDiagnosis]:
    """Return the trained layers whose picture is mostly noise: those without structure, and the first one.

    The first is what people look at first.
    """
    return [each for each in _noisy(layers) if each.verdict == "updated" or each is layers[0]]


def _noise(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say why the picture looks random, where it does."""
    plain = trained_noise(layers)
    structured = [layer for layer in _noisy(layers) if layer not in plain]
    unknown = [layer for layer in layers if layer.verdict == "updated" and layer.noise is None]
    sentences = []
    if plain:
        look, it = ("looks", "it") if len(plain) == 1 else ("look", "each")
        sentences.append(
            f"{names_of(plain, layers)} {look} random because most of {it} still is: {shares_of(plain)} of "
            f"what the picture shows {source_of(plain)}, and what was learned lies under it."
        )
    sentences += _unknown_noise(unknown, layers)
    if structured:
        its = "its" if len(structured) == 1 else "their"
        sentences.append(
            f"In {names_of(structured, layers)} {shares_of(structured)} of what the picture shows "
            f"{source_of(structured)}, beside {its} structure."
        )
    return [*sentences, _contrast(layers)] if sentences else []


def _unknown_noise(unknown: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say what can be said of layers that show no structure and whose noise cannot be estimated."""
    striking = [layer for layer in unknown if many_stand_out(layer)]
    unknown = [layer for layer in unknown if layer not in striking]
    told = []
    if striking:
        n, m = standing_out(striking)
        told = [
            f"In {names_of(striking, layers)} {n} of {m} filters {_are(n)} smoother or finer-grained than "
            "noise, though no test of a whole layer finds structure."
        ]
    if not unknown:
        return told
    look, it = ("looks", "it") if len(unknown) == 1 else ("look", "them")
    sentence = f"{names_of(unknown, layers)} {look} random: no test finds structure in {it}"
    first = unknown[0]
    bound = first.finding(Bound.key)
    if bound is not None and bound.value is not None and first.rules:
        within = percent(1 - bound.value)
        sentence += f" ({within} of {_name(first)} lies within the initialiser's bound)"
    reasons = Counter(_why_unknown(layer) for layer in unknown)
    why = " or ".join(reason for reason, _ in reasons.most_common())
    return [*told, f"{sentence}; how much of {it} is the initial noise cannot be told, because {why}."]


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def standing_out(layers: Sequence[LayerDiagnosis]) -> tuple[int, int]:
    """Count the filters of layers that are smooth or rough by themselves, and all of them."""
    filters = [each for layer in layers for each in layer.filters]
    return sum(each.texture is not None for each in filters), len(filters)


def many_stand_out(layer: LayerDiagnosis) -> bool:
    """Tell whether so many filters stand out by themselves that the layer does not look like noise."""
    n, m = standing_out([layer])
    return n > 0 and n >= _MANY * m


def _why_unknown(layer: LayerDiagnosis) -> str:
    residue = layer.finding(NoiseResidue.key)
    return "it was not estimated" if residue is None else residue.reason


def _measuring(layer: LayerDiagnosis) -> Change | None:
    return next((each for each in layer.changes if each.cos2 is not None), None)


def source_of(layers: Sequence[LayerDiagnosis], estimated: str = "is the noise of the initialisation") -> str:
    """Say what the noise is: an estimate from the values, or measured with an earlier file.

    Args:
        layers: Some that are noise for the most part.
        estimated: How an estimate is said.
    """
    change = _measuring(layers[0])
    if change is None:
        return estimated
    return f"was in {printable(change.before, 200)} already"


def shares_of(layers: Sequence[LayerDiagnosis]) -> str:
    """Say an estimate ("about 92%"), what was measured ("92%"), the span or the least of several.

    "85 to 92%" is a span, "over 75%" the least, where that is all that can be told of one.
    """
    shares = [layer.noise or 0.0 for layer in layers]
    low, high = min(shares), max(shares)
    if any(layer.residue is None for layer in layers):
        return over(low)
    if percent(low) == percent(high):
        return about(low) if _measuring(layers[0]) is None else percent(low)
    return f"{100 * low:.0f} to {min(99.0, 100 * high):.0f}%"


def noise_of(layers: Sequence[LayerDiagnosis]) -> str:
    """Say how much of some layers is initial noise: "88% to 91%", "over 75%" where that alone can be told.

    Empty where nothing can be told of any.

    Args:
        layers: Any number of them.
    """
    told = [each for each in layers if each.noise is not None]
    shares = [each.noise for each in told if each.noise is not None]
    if any(each.residue is None for each in told):
        return over(min(shares))
    return percents(shares) if shares else ""


def _contrast(layers: Sequence[LayerDiagnosis]) -> str:
    small = any(layer.shape[2:] == (3, 3) for layer in layers)
    eye = ", and at 3x3 the eye finds edges in noise" if small else ""
    return (
        "The usual picture adds to it: each kernel has its own contrast, so that noise looks as "
        f"strong as signal{eye}."
    )


def _composed(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Point to the layer that shows most when seen through those below, or to structure as it is."""
    best = best_composed(layers)
    if best is not None and best.composed_size is not None:
        n = _n_composed(best)
        rows, cols = best.composed_size
        return [
            f"Look at the deeper filters through the layers below them: {n} of the "
            f"{len(best.filters)} filters of {_name(best)}, "
            f"composed to {rows}x{cols} pixels, {_are(n)} smoother or finer than chance."
        ]
    structured = [layer for layer in layers if layer.verdict == "structured"]
    if structured and any(layer.verdict in ("updated", "initial") for layer in layers):
        return [f"Look at {names_of(structured, layers)} first."]
    return []


def best_composed(layers: Sequence[LayerDiagnosis]) -> LayerDiagnosis | None:
    """Return the layer of which most shows when it is seen through the layers below, or None."""
    candidates = [layer for layer in layers if layer.composed_size is not None and _n_composed(layer) > 0]
    return max(
        candidates,
        key=lambda layer: (_n_composed(layer) / len(layer.filters), layer.conv_index),
        default=None,
    )


def _n_composed(layer: LayerDiagnosis) -> int:
    return sum(each.composed_texture is not None for each in layer.filters)


def _changes(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say what comparing with earlier files measured; a layer that cannot be judged was not compared."""
    measured = [layer for layer in layers if layer.changes]
    if not measured:
        return []
    return [
        _change([(layer, layer.changes[place]) for layer in measured], layers)
        for place in range(len(measured[0].changes))
    ]


def _change(changes: Sequence[tuple[LayerDiagnosis, Change]], layers: Sequence[LayerDiagnosis]) -> str:
    """Say what comparing with one earlier file measured."""
    compared = [(layer, each) for layer, each in changes if each.cos2 is not None]
    _, first = changes[0]
    before = printable(first.before, 200)
    if not compared:
        return f"{before} could not be compared: {first.reason}."
    if all(each.relative_change == 0 for _, each in compared):
        return (
            f"Against {before}, nothing has changed in {names_of([layer for layer, _ in compared], layers)}."
        )
    shares = listed([f"{_name(layer)} {percent(each.cos2 or 0)}" for layer, each in compared], limit=12)
    smooth = [layer for layer, each in compared if _is_smooth(layer, each)]
    added = f"; what was added is smoother than white noise in {names_of(smooth, layers)}" if smooth else ""
    return f"Against {before}, the share of each layer that is what was there before (cos²): {shares}{added}."


def _is_smooth(layer: LayerDiagnosis, change: Change) -> bool:
    if change.share is None or change.share_p is None:
        return False
    return change.share_p < 0.01 and change.share > float(low_band(*layer.shape[2:]).mean())


def names_of(members: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> str:
    """Name layers: runs of three and more as "conv2 to conv6"."""
    places = {layer.conv_index: place for place, layer in enumerate(layers)}
    return name_runs([(places[layer.conv_index], layer.name) for layer in members])


def _name(layer: LayerDiagnosis | Unjudged) -> str:
    return printable(layer.name, 40)


_MOST_GROUPS = 3
"""Groups of models with the same verdicts that are told one by one; more are counted."""

_LONGEST = 300
"""Characters in which they are told one by one."""

_MOST_NAMES = 4
"""Names of models in a sentence."""


def difference(models: Sequence[tuple[str, Diagnosis]]) -> str:
    """Say which models have which verdicts, so that it shows in what they differ.

    Args:
        models: Two or more, each with the name by which to speak of it.
    """
    groups: dict[str, list[str]] = {}
    for name, diagnosis in models:
        groups.setdefault(in_brief(diagnosis), []).append(name)
    if len(groups) == 1:
        which = "Both models have" if len(models) == 2 else f"All {len(models)} models have"
        return f"{which} the same verdicts: {next(iter(groups))}."
    told = " ".join(f"{listed(names, _MOST_NAMES)}: {said}." for said, names in groups.items())
    if len(groups) <= _MOST_GROUPS and len(told) <= _LONGEST:
        return told
    return _counted([diagnosis for _, diagnosis in models])


def in_brief(diagnosis: Diagnosis) -> str:
    """Say a model's verdicts in a few words: "no pattern in conv1, structured in conv2 to conv6".

    Args:
        diagnosis: Of the model.
    """
    layers = diagnosis.layers
    parts = []
    for verdict, text in VERDICTS.items():
        members = [layer for layer in layers if layer.verdict == verdict]
        if len(members) == len(layers) > 1 and verdict == "updated":
            return f"{text.word} in {every(len(layers), 'convolution')}"
        if len(members) == len(layers) > 1:
            return (
                f"{every(len(layers), 'convolution')} are {text.word}" if verdict != "undecided" else _UNKNOWN
            )
        if members:
            parts.append((members[0].conv_index, f"{text.word} in {names_of(members, layers)}"))
    return ", ".join(said for _, said in sorted(parts)) or "no filters to judge"


_UNKNOWN = "no convolution can be judged"


def runs_of(diagnosis: Diagnosis) -> list[list[LayerDiagnosis]]:
    """Return a model's layers, those of one verdict together, in the order in which they first occur.

    Args:
        diagnosis: Of the model.
    """
    runs: dict[str, list[LayerDiagnosis]] = {}
    for layer in diagnosis.layers:
        runs.setdefault(layer.verdict, []).append(layer)
    return list(runs.values())


_MOST_TELLING: tuple[Verdict, ...] = ("collapsed", "structured", "updated", "undecided", "initial")
"""Verdicts of layers, by which a model is called: the first that one of its layers has counts."""


def _counted(diagnoses: Sequence[Diagnosis]) -> str:
    """Say how many models are of which kind."""
    counts = Counter(_kind(each) for each in diagnoses)
    if len(counts) == 1:
        return f"{plural(len(diagnoses), 'model')}, all {next(iter(counts))}."
    kinds = (*(VERDICTS[each].of_models for each in _MOST_TELLING), _EMPTY)
    told = [f"{counts[said]} {said}" for said in kinds if counts[said]]
    return f"{plural(len(diagnoses), 'model')}: {listed(told)}."


_EMPTY = "without filters to judge"


def _kind(diagnosis: Diagnosis) -> str:
    found = {layer.verdict for layer in diagnosis.layers}
    return next((VERDICTS[each].of_models for each in _MOST_TELLING if each in found), _EMPTY)
