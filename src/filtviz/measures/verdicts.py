"""The words of every verdict: what a layer can be called, and the sentences that say why.

To change the wording of a verdict, change it here: its entry in `VERDICTS`, or its function. Which verdict a
layer gets is decided in `filtviz.measures.judging`; what a measure says is in the measure's own file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filtviz.text import every, listed, percent, plural, printable

if TYPE_CHECKING:
    from filtviz.measures.initialiser_catalogue import Fit
    from filtviz.measures.measure import Change, LayerDiagnosis, Verdict

__all__ = [
    "ALL_MARKED",
    "COLLAPSED",
    "DIRAC",
    "DIRAC_SEEN",
    "INDISTINGUISHABLE",
    "MOVED",
    "NEVER_OPTIMISED",
    "NOT_NUMBERS",
    "OF_NO_INITIALISER",
    "ONE_VALUE",
    "OPTIMISED",
    "OR_FOLDED",
    "OUT_OF_RANGE",
    "PRUNED",
    "RESCALED",
    "ROUNDED",
    "SOME_FILTERS",
    "STANDARDISED",
    "STILL_SO",
    "TOO_FEW",
    "TOO_FEW_TO_SEE",
    "UNKNOWN_SCALE",
    "VERDICTS",
    "WAS_UPDATED",
    "Open",
    "VerdictText",
    "as_marked",
    "cannot_tell",
    "nothing_trained",
    "of_zeros",
    "said_of",
    "still_so",
    "why_all_one_value",
    "why_another_distribution",
    "why_changed_from",
    "why_changed_since",
    "why_collapsed",
    "why_initial",
    "why_not_finite",
    "why_out_of_range",
    "why_structured",
    "why_too_few",
    "why_too_few_to_see",
    "why_updated",
]


@dataclass(frozen=True, kw_only=True)
class VerdictText:
    """A verdict in words.

    Attributes:
        word: It, in two words for a column.
        says: It, of a layer.
        together: It, of several, after "are" or "were".
        answer: It in an answer without statistics, of layers that ``{who}`` names; where it is another
            word for several of them, both stand in brackets: ``[is|are]``; empty where ``may_mean`` says it.
        seen: What is to be seen in such a layer where nothing more can be named; empty for nothing.
        of_models: It, of a model of which it is the most telling verdict.
        called: What people call such layers, beside the verdict's own words.
        plain: What it means to somebody who has never heard of a test, and an example.
        when: A layer is called so.
        rule: What ``--check`` calls it; empty where it cannot be checked.
        check: What that rule finds.
        next_step: What to do then, in a sentence or two.
        may_mean: What to make of it in a network that was trained, a sentence in which ``{layers}`` stands
            for their names; empty for nothing.
    """

    word: str
    says: str
    together: str
    of_models: str
    plain: str
    when: str
    next_step: str
    rule: str = ""
    check: str = ""
    may_mean: str = ""
    answer: str = ""
    seen: str = ""
    called: tuple[str, ...] = ()

    def answered(self, who: str, n_layers: int, **more: str) -> str:
        """Return its ``answer`` for some layers.

        Args:
            who: What they are called.
            n_layers: How many they are.
            more: What stands in its other fields.
        """
        said = re.sub(r"\[(.*?)\|(.*?)\]", r"\1" if n_layers == 1 else r"\2", self.answer)
        return said.format(who=who, **more)


@dataclass(frozen=True)
class Open:
    """Why a layer cannot be judged, in a few plain words, and which file would decide."""

    why: str
    decides: str


_BEFORE = "a file from before training decides"
_UNCHANGED = "the file from before that change decides"

TOO_FEW = Open("too few weights to tell", _BEFORE)
TOO_FEW_TO_SEE = Open("too few weights to see whether they moved", _BEFORE)
UNKNOWN_SCALE = Open("noise, but of a size that no initialiser draws", _BEFORE)
PRUNED = Open("pruned: some weights are exactly 0", _UNCHANGED)
ROUNDED = Open("rounded to few values", _UNCHANGED)
RESCALED = Open("rescaled filter by filter", _UNCHANGED)
NOT_NUMBERS = Open("not all of its numbers are finite", "an earlier checkpoint still has them")
ONE_VALUE = Open("one number everywhere", "an earlier checkpoint tells whether it ever had others")
OUT_OF_RANGE = Open("numbers too small or too large", "an earlier checkpoint may have others")


DIRAC = "Dirac"
DIRAC_SEEN = "a single 1 a filter, as it was made"
"""The initialiser that draws no noise, and what its filters look like."""


STILL_SO = "frozen, cut off from the loss, or moved by too little to be seen"
"""Why a layer of a trained network may be as it was drawn."""

MOVED: Sequence[Verdict] = ("updated", "structured", "collapsed")
"""The verdicts of layers that have moved."""

INDISTINGUISHABLE = "indistinguishable from"
WAS_UPDATED = "was updated"
OR_FOLDED = "trained, or a batch normalisation was folded in"
COLLAPSED = "collapsed to few directions"
"""What measures that lead to a verdict quote of it."""

OPTIMISED = "the optimiser in the file has moved it"
NEVER_OPTIMISED = "the optimiser in the file never moved it"
"""What the state of an optimiser tells, which keeps something of each weight that it has moved."""

_MARKED = "the file marks it as frozen"
ALL_MARKED = (
    "the file marks all of its layers as frozen, as a finished model often is, which tells nothing of its "
    "training"
)
"""What `Layer.trainable` tells, of one layer among others that are not frozen, and of them all."""

SOME_FILTERS = "faint pattern"
"""In two words what a layer shows that was updated, and in which single filters stand out from noise."""

_INITIAL = f"{INDISTINGUISHABLE} initialisation"
_NO_STRUCTURE = "but no filter structure can be detected"
_STRUCTURED = "statistically structured"
_COLLAPSED = f"structured, but {COLLAPSED}"

VERDICTS: Mapping[Verdict, VerdictText] = {
    "initial": VerdictText(
        word="as drawn",
        says=_INITIAL,
        together=_INITIAL,
        answer="{who} [is|are] still as [it was|they were] drawn",
        seen="noise, as it was drawn",
        of_models="still as drawn throughout",
        called=("frozen",),
        plain=(
            "The filters look like the random numbers that a network begins with, and nothing in them shows "
            "training. So do all layers of a file from before training, for example, and a layer that "
            "was frozen."
        ),
        when="no structure, nothing has moved, and an initialiser fits the weights",
        next_step=(
            "Check which file was saved, and compare it with one from after training; in a network that "
            "was trained, look whether the layer was frozen and whether a gradient reaches it."
        ),
        rule="untrained",
        check="a layer is indistinguishable from its initialisation",
        may_mean=f"{{layers}} may have been {STILL_SO}.",
    ),
    "updated": VerdictText(
        word="no pattern",
        says=f"{WAS_UPDATED}, {_NO_STRUCTURE}",
        together=f"updated, {_NO_STRUCTURE}",
        answer="{who} [was|were] {how} and [looks|look] random",
        seen="nothing that stands out from noise",
        of_models="trained without structure that could be told from noise",
        plain=(
            "The layer was trained, or a batch normalisation was folded into it, and its filters look like "
            "noise all the same. An example is a first layer whose picture is nine tenths initial noise, in "
            "a network that works well."
        ),
        when=(
            "no structure, but something has moved: the biases or the batch normalisation, the layer by the "
            "state of the optimiser in the file, weights beyond the bound of the initialiser whose trace the "
            "layers bear, the strength of some filters or channels; or no initialiser of any scale draws "
            "such weights"
        ),
        next_step=(
            "Nothing is wrong with it for that alone. A deeper layer, composed down to the image, shows "
            "what the network learned; a file from before training shows how far this one moved."
        ),
        rule="unstructured",
        check="a layer was updated, but no filter structure can be detected in it",
    ),
    "structured": VerdictText(
        word="structured",
        says=_STRUCTURED,
        together=_STRUCTURED,
        answer="{who} [has|have] learned structure that noise does not have",
        seen="faint structure, in no filter by itself",
        of_models="with structure in some layer",
        called=("learned",),
        plain=(
            "Training has put something into the filters that chance does not: they are smoother than noise, "
            "for example, or many share a direction. They need not look like edges."
        ),
        when="a test of structure passes the level",
        next_step=(
            "Look at the filters that are named first; of a deep layer the composed picture shows most."
        ),
    ),
    "collapsed": VerdictText(
        word="collapsed",
        says=_COLLAPSED,
        together=_COLLAPSED,
        seen="filters that nearly repeat one another",
        of_models="with filters that have collapsed",
        plain=(
            "The filters nearly repeat one another: all 40 of a layer look for the same edge, for "
            "example, and one of them would do."
        ),
        when="structured, and over half of the filters is one direction, beyond chance",
        next_step=(
            "Look at the pairs of near-copies, and at the training loss: try a lower learning rate or "
            "fewer filters."
        ),
        rule="collapsed",
        check="a layer has collapsed to few directions",
        may_mean=(
            "The filters of {layers} nearly repeat one another; too high a learning rate is one cause, so "
            "compare with the training loss."
        ),
    ),
    "undecided": VerdictText(
        word="cannot tell",
        says="cannot tell, and the sentence says why",
        together="not judged (the sentence says why)",
        answer="{who} cannot be judged",
        of_models="of which nothing can be told",
        called=("pruned", "too few"),
        plain=(
            "The weights do not tell: they are too few, or were changed after training, so that what was "
            "learned and noise look alike. Examples are a layer of 27 weights, and one that was pruned."
        ),
        when=(
            "NaN or infinite weights, one value only, or numbers too large or too small; fewer than 50 "
            "weights; values that were set afterwards (pruned, rounded, brought to one scale); draws of a "
            "scale that no initialiser has in a layer without biases; or, in a network that was trained, too "
            "few weights to see whether they moved"
        ),
        next_step=(
            "The layer's sentence says what is missing: more weights, finite numbers, or the file from "
            "before the values were changed."
        ),
        rule="undecided",
        check="a layer cannot be judged",
    ),
}
"""The verdicts of a layer, by their keys in JSON."""


def said_of(n_layers: int, verdict: Verdict, *, moved: bool, may_be_folded: bool = False) -> str:
    """Say a verdict after the names of so many layers: "was updated, but …", "are statistically structured".

    Args:
        n_layers: How many have it.
        verdict: It.
        moved: Whether the biases of all of them have moved.
        may_be_folded: Whether a batch normalisation that was folded in explains as much as a training.
    """
    was, is_ = ("was", "is") if n_layers == 1 else ("were", "are")
    if verdict == "updated" and may_be_folded:
        return f"{was} {OR_FOLDED}, {_NO_STRUCTURE}"
    if verdict == "updated":
        verb = was
    else:
        verb = f"{was} updated and {is_}" if verdict == "structured" and moved else is_
    return f"{verb} {VERDICTS[verdict].together}"


def still_so(layers: Sequence[LayerDiagnosis]) -> list[tuple[str, list[LayerDiagnosis]]]:
    """Say why some layers of a trained network may be as drawn: each reason with those of whom it holds.

    In a reason ``{them}`` stands for what they are called. What holds of layers that have moved as well is no
    reason: they were trained before.

    Args:
        layers: All layers that were judged.
    """
    moved = [each for each in layers if each.verdict in MOVED]
    by_optimiser = not any(each.is_frozen for each in moved)
    by_mark = not any(each.marked_frozen for each in moved)
    still = [each for each in layers if each.verdict == "initial"]
    resting = [each for each in still if each.is_frozen and by_optimiser]
    marked = [each for each in still if each.marked_frozen and by_mark and each not in resting]
    others = [each for each in still if each not in resting and each not in marked]
    reasons = [
        ("the optimiser in the file never moved {them}", resting),
        ("the file marks {them} as frozen", marked),
        (STILL_SO, others),
    ]
    return [(why, members) for why, members in reasons if members]


def as_marked(sentence: str, verdict: Verdict) -> str:
    """Add to a layer's sentence that the file marks it as frozen.

    It may have been trained before that, or as a part of another model (as in a GAN), so that the mark alone
    decides nothing.

    Args:
        sentence: Why it has its verdict.
        verdict: It.
    """
    before = (
        "" if verdict in ("initial", "undecided") else ", though it was trained at some time, or set by hand"
    )
    return f"{sentence}; {_MARKED}{before}"


# Why a layer is called so: sentences without its name, which stands before them


def why_initial(fit: Fit, called: str, bias: str, ps: Sequence[float], level: float) -> str:
    """Say that weights are as an initialiser leaves them.

    Args:
        fit: The draws that they agree with.
        called: What their framework calls them.
        bias: What the biases tell.
        ps: What the tests of structure gave.
        level: What they must pass.
    """
    return f"{_INITIAL}: {_drawn(fit, called)}, {bias}, {_nothing_found(ps, level)}"


def why_updated(
    evidence: str,
    ps: Sequence[float],
    level: float,
    residue: str,
    n_standing_out: int = 0,
    *,
    may_be_folded: bool = False,
) -> str:
    """Say that weights have moved, without structure.

    Args:
        evidence: What tells that they have.
        ps: What the tests of structure gave.
        level: What they must pass.
        residue: How much of them is the initial noise; empty where it cannot be told.
        n_standing_out: How many filters are smooth or rough by themselves.
        may_be_folded: Whether a batch normalisation that was folded in explains as much as a training.
    """
    alone = f"{plural(n_standing_out, 'filter')} by {'itself' if n_standing_out == 1 else 'themselves'}"
    stand = "stands" if n_standing_out == 1 else "stand"
    though = f"{alone} {stand} out from noise all the same" if n_standing_out else ""
    was = f"was {OR_FOLDED}" if may_be_folded else WAS_UPDATED
    said = f"{was} ({evidence}), {_NO_STRUCTURE}: {_nothing_found(ps, level)}"
    return f"{said}{_joined(though)}{_joined(residue)}"


OF_NO_INITIALISER = "no initialiser of any scale draws such weights"
"""Evidence that weights have moved, where nothing else tells."""


def why_structured(evidence: str, n_agreeing: int, n_others: int, residue: str, n_standing_out: int) -> str:
    """Say that there is structure.

    Args:
        evidence: What the first test found that found any.
        n_agreeing: How many of the others found structure too.
        n_others: How many others there are.
        residue: How much of the weights is the initial noise; empty where it cannot be told.
        n_standing_out: How many filters are smooth or rough by themselves.
    """
    find = "finds" if n_agreeing == 1 else "find"
    agree = f", and {n_agreeing} of {n_others} other tests {find} structure too" if n_agreeing else ""
    alone = "" if n_standing_out else "none of its filters stands out by itself"
    return f"{_STRUCTURED}: {evidence}{agree}{_joined(residue)}{_joined(alone)}"


def why_collapsed(share: float, frequency: str) -> str:
    """Say that the filters are nearly one.

    Args:
        share: What the first principal component holds of them.
        frequency: What their low-frequency share tells; empty for nothing.
    """
    return (
        f"{_COLLAPSED}: the first principal component holds {percent(share)} of its filters, more than of "
        f"random ones{_joined(frequency)}"
    )


def cannot_tell(reason: str) -> str:
    """Say that a layer cannot be judged, for one of the reasons below."""
    return f"cannot tell, because {reason}"


def why_too_few(n: int) -> str:
    """Say that ``n`` weights are too few."""
    return f"too few weights to tell ({n}): nothing stands out, but nothing could"


def why_changed_from(change: Change, alone: str) -> str:
    """Say that a layer moved, as an earlier file shows, though its weights alone do not."""
    before = printable(change.before, 200)
    return f"{WAS_UPDATED} since {before} (cos² {change.cos2 or 0.0:.3g}); by its weights alone it is {alone}"


def why_too_few_to_see(n: int, called: str) -> str:
    """Give the reason where weights agree with draws, and would in a layer that was trained for long, too."""
    return (
        f"{plural(n, 'weight')} as {called} draws them are too few to see whether they have moved since, and "
        "other things show that the network was trained"
    )


def of_zeros(share: float) -> str:
    """Say that weights were set to 0."""
    return f"{percent(share)} of its weights are exactly 0, as pruning leaves them"


STANDARDISED = "each filter has been brought to mean 0 and to one standard deviation"
"""How weight standardisation leaves a layer."""


def why_changed_since(how: str) -> str:
    """Give the reason where values were set after they were drawn or trained."""
    return (
        f"its values were changed afterwards ({how}), which hides whether they were trained before; the file "
        "from before that change would tell"
    )


def why_another_distribution(fit: Fit) -> str:
    """Give the reason where weights agree with draws that no initialiser of the catalogue gives."""
    return (
        f"its weights are as {fit.name}, a scale that no known initialiser gives, and it has no biases that "
        "would tell more"
    )


def why_not_finite(broken: Sequence[int], n_filters: int) -> str:
    """Give the reason where the filters ``broken``, by their index, are no numbers."""
    hold = "holds" if len(broken) == 1 else "hold"
    which = f"{len(broken)} of its {n_filters} filters {hold} NaN or infinite numbers"
    return f"{which} ({listed([str(i) for i in broken])}), as a diverged training leaves"


def why_all_one_value(n: int, value: float) -> str:
    """Give the reason where ``n`` weights are all the same."""
    return f"{plural(n, 'weight')} of {value:g} is all that it holds"


def why_out_of_range(largest: float) -> str:
    """Give the reason where weights are too small or too large to calculate with."""
    return f"its largest weight is {largest:.3g}, out of the range of this arithmetic"


def nothing_trained(n_layers: int, rule: str | None, training: Sequence[str], touched: str = "") -> str:
    """Say of a network that all of its layers are `initial`.

    Args:
        n_layers: How many convolutions it has.
        rule: The initialiser that may have drawn them all, or None.
        training: What else in the file tells of training.
        touched: What was done to it all the same, trained or not, a clause.
    """
    which = "the one convolution is" if n_layers == 1 else f"{every(n_layers, 'convolution')} are"
    source = f" by {rule}" if rule else ""
    alike = f"{which} {INDISTINGUISHABLE} initial draws{source}"
    because = "" if rule == DIRAC else " The filters look random because they are."
    if training:
        return (
            f"The network was trained ({listed(training)}), and yet {alike}: frozen, or moved by too little "
            f"to be seen.{because}"
        )
    but = f", but {touched}" if touched else ""
    return (
        f"No trace of training can be seen{but}: {alike}.{because} If this "
        "network was trained, either it was for a short time, or this file is from before."
    )


def _drawn(fit: Fit, called: str) -> str:
    """Say which draws the weights agree with, of the catalogue or of a scale of their own."""
    if fit.family == "matrix":
        return f"its weights are {called}, as an initialiser makes them"
    if not fit.rules:
        scale = "a scale that no known initialiser gives"
        return f"its weights are as {fit.name}, {scale}"
    return f"its weights are as {called} draws them"


def _nothing_found(ps: Sequence[float], level: float) -> str:
    if not ps:
        return "and it is too small for any test of structure"
    if min(ps) < level:
        which = (
            "the one test of structure passes"
            if len(ps) == 1
            else f"one of {len(ps)} tests of structure passes"
        )
        return f"although {which}: too faint where all else fits"
    return f"none of {len(ps)} tests finds structure" if len(ps) > 1 else "no test finds structure"


def _joined(more: str) -> str:
    return f"; {more}" if more else ""
