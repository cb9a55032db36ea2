"""The answer in a few plain sentences, a word on what each layer shows, and the picture that shows most."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from filtviz.budget import Account
from filtviz.composition import compose, measure_fidelity
from filtviz.errors import BudgetError, CompositionError
from filtviz.measures import verdicts
from filtviz.measures.change import is_of_another
from filtviz.measures.conclusions import (
    best_composed,
    common_rule,
    is_uneven,
    many_stand_out,
    may_be_folded,
    names_of,
    nothing_judged,
    shares_of,
    source_of,
    standing_out,
    trained_noise,
)
from filtviz.measures.duplicates import Duplicates
from filtviz.measures.energies import ChannelEnergy
from filtviz.measures.low_frequency import LowFrequency
from filtviz.measures.measure import LayerDiagnosis, Unjudged, Verdict
from filtviz.network import Network
from filtviz.text import every, listed, plural, printable

__all__ = [
    "Look",
    "answer",
    "commands_for",
    "look_at",
    "look_unjudged",
    "more_evidence",
    "other_evidence",
    "seen_in",
]

_HOLDS = 0.6
"""The correlation of predicted and actual responses from which a composed picture is shown first."""

_LONGEST = 60
"""Characters that the names of layers may take in a sentence."""

_SMALLEST = 5
"""Pixels of a composed filter's sides in which something can be seen."""

_MOST_REASONS = 2
"""Why layers cannot be judged, in an answer of few sentences; the table below has all."""

_MOST_TRIED = 3
_MOST_WORK = 1_000_000_000
"""How many deep layers are composed in search of it, and the work for each."""


_UNTOLD = (
    "This file does not tell how its layers are connected; the same network as ONNX would show deeper layers "
    "as they look on the image."
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """The layer whose picture shows most, with the filters composed down to the image or as stored.

    ``r`` is the median correlation of what the composed filters predict with what the units answer, None
    where nothing was left out in composing or nothing was composed. ``untold`` says that deeper layers could
    not be composed because the file does not tell what lies between them.
    """

    layer: LayerDiagnosis
    through: bool = False
    size: tuple[int, int] | None = None
    r: float | None = None
    untold: bool = False

    @property
    def sentence(self) -> str:
        """Say what to look at, and how far it can be trusted."""
        name = printable(self.layer.name, 40)
        if self.size is None:
            first = f"{name} is the layer to look at first, all its filters on one scale:"
            if self.layer.verdict == "updated":
                return _of_no_pattern(self.layer, name)
            return f"{_UNTOLD} Here {first}" if self.untold else first
        rows, cols = self.size
        shown = (
            f"What {name} looks for in the image shows "
            f"through the layers below it, {rows}x{cols} pixels a filter"
        )
        trust = "" if self.r is None else f"; this picture predicts what its units answer at r = {self.r:.2f}"
        return f"{shown}{trust}:"


def _of_no_pattern(layer: LayerDiagnosis, name: str) -> str:
    """Say what a picture shows of a layer without structure, and no more than that."""
    if is_uneven(layer):
        return f"No layer shows a pattern by itself; on one scale strong filters of {name} stand out:"
    n, m = standing_out([layer])
    if n:
        who = f"{n} of the {plural(m, 'filter')}" if m > 1 else "the only filter"
        smooth = f"{who} of {name} {'differs' if n == 1 else 'differ'} from noise"
        return f"No layer shows a pattern as a whole, but {smooth}; on one scale they are seen best:"
    return f"No layer shows a pattern. This draws {name} as it is, all its filters on one scale:"


def answer(
    layers: Sequence[LayerDiagnosis],
    unjudged: Sequence[Unjudged],
    training: Sequence[str] = (),
    touched: str = "",
) -> str:
    """Say in two or three sentences without statistics what is the matter with the filters.

    Args:
        layers: What was judged.
        unjudged: What was not.
        training: A few words for each thing beside the convolutions' weights that tells of training.
        touched: What was done to it all the same, trained or not, a clause.
    """
    if not layers:
        return nothing_judged(unjudged)
    apart = _of_another(layers)
    if all(layer.verdict == "initial" for layer in layers):
        return " ".join([_untrained(layers, training, touched), *_not_judged(unjudged), *apart])
    noisy = trained_noise(layers)
    sentences = [*_looks_random(noisy, layers), *_unknown(layers, training, alone=not noisy)]
    sentences = sentences or _is_structured(layers)
    sentences += [*_partly_noise(layers), *_as_drawn(layers, training, touched), *_collapsed(layers)]
    sentences += [*_undecided(layers), *_marked(layers), *_not_judged(unjudged), *apart]
    return " ".join(sentences)


def _of_another(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Name earlier files that have nothing in common with any layer, or no layer to compare."""
    compared = [layer for layer in layers if layer.changes]
    why = "no earlier state of this network"
    if not any(layer.verdict == "initial" for layer in compared):
        why += ", or the training has replaced all that was there"
    told = []
    for states in zip(*(layer.changes for layer in compared), strict=True):
        apart = [is_of_another(each, prod(layer.shape)) for each, layer in zip(states, compared, strict=True)]
        before = printable(states[0].before, 200)
        if all(each.reason for each in states):
            told.append(f"{before} could not be compared: {states[0].reason}.")
        elif any(apart) and sum(apart) == sum(each.cos2 is not None for each in states):
            told.append(f"This file has nothing in common with {before}: that is {why}.")
    return told


def _untrained(layers: Sequence[LayerDiagnosis], training: Sequence[str], touched: str) -> str:
    """Say that the filters are noise, and what to check."""
    which = "its convolution is" if len(layers) == 1 else f"{_who(layers, layers)} are"
    rule = common_rule(layers)
    it = "it" if len(layers) == 1 else "them"
    drawn = f"{rule} draws {it}" if rule else f"an initialiser leaves {it}"
    sentence = f"The filters look random because they are: {which} still as {drawn}."
    if rule == verdicts.DIRAC:
        sentence = f"The filters are no noise, and nothing learned: {which} still as {rule} makes {it}."
    if training:
        return f"{sentence} The rest of the file was trained ({listed(training)}). {_why_still(layers)}"
    but = f", but {touched}" if touched else ""
    return (
        f"{sentence} No trace of training can be seen in this file{but}. If you did train the network, check "
        "which file was saved, whether these layers were frozen, and whether the learning rate was too small."
        f"{_marks(layers, layers)}"
    )


def _marks(members: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> str:
    marked = [layer for layer in members if layer.marked_frozen]
    return f" The file marks {_who(marked, layers)} as frozen." if marked else ""


def _why_still(layers: Sequence[LayerDiagnosis]) -> str:
    """Say why all layers of a trained network are as they were drawn."""
    (why, members), *others = verdicts.still_so(layers)
    if others or why == verdicts.STILL_SO:
        return verdicts.VERDICTS["initial"].may_mean.format(layers="It" if len(layers) == 1 else "They")
    said = why.format(them=_it(members))
    return f"{said[0].upper()}{said[1:]}."


def _it(members: Sequence[LayerDiagnosis]) -> str:
    return "it" if len(members) == 1 else "them"


def _looks_random(noisy: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say which layers look random because they are noise for the most part, and that others are not."""
    if not noisy:
        return []
    look, it, is_ = ("looks", "it", "is") if len(noisy) == 1 else ("look", "they", "are")
    sentences = [
        f"{_who(noisy, layers, begins=True)} {look} random because {it} mostly still {is_}: "
        f"{shares_of(noisy)} of what you see {source_of(noisy, 'is initial noise')}."
    ]
    learned = [layer for layer in layers if layer.verdict == "structured"]
    others = [layer for layer in learned if layer not in noisy]
    if others:
        sentences.append(f"That need not be a fault: {_who(others, layers)} did learn structure.")
    elif learned:
        sentences.append("What training added is there too, but fainter than the noise.")
    else:
        sentences.append("What training added is too faint to be told from it.")
    return sentences


def _partly_noise(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say which layers show no pattern though less than half of them is the noise that they began with."""
    updated = [layer for layer in layers if layer.verdict == "updated" and layer.residue is not None]
    partly = [layer for layer in updated if layer not in trained_noise(layers)]
    if not partly:
        return []
    it = "it" if len(partly) == 1 else "them"
    share = f"{shares_of(partly)} of what you see {source_of(partly, 'is initial noise')}"
    much = "little" if any(each.texture for layer in partly for each in layer.filters) else "nothing"
    said = _said("updated", partly, layers, how="trained")
    return [f"{said}: {share}, and {much} in {it} stands out from noise."]


def _unknown(layers: Sequence[LayerDiagnosis], training: Sequence[str], *, alone: bool) -> list[str]:
    """Say that no pattern stands out in layers whose share of noise cannot be told.

    Args:
        layers: All that were judged.
        training: A few words for each thing beside the convolutions' weights that tells of training.
        alone: Whether no others look random, of which it was said already that this need not be a fault.
    """
    unknown = [layer for layer in layers if layer.verdict == "updated" and layer.noise is None]
    striking = [layer for layer in unknown if many_stand_out(layer)]
    unknown = [layer for layer in unknown if layer not in striking]
    told = [_stands_out(striking, layers)] if striking else []
    if not unknown:
        return told
    them = "it" if len(unknown) == 1 else "them"
    any_seen = any(each.texture for layer in unknown for each in layer.filters)
    much = "little" if any_seen else "nothing"
    uneven = "nothing but strong filters" if not any_seen and any(map(is_uneven, unknown)) else much
    learned = [layer for layer in layers if layer.verdict == "structured"]
    how = f"{verdicts.OR_FOLDED}," if may_be_folded(layers, training) else "trained"
    sentence = f"{_said('updated', unknown, layers, how=how)}: {uneven} in {them} stands out"
    others = ""
    if alone and learned:
        others = f" That need not be a fault: {_who(learned, layers)} did learn structure."
    return [*told, f"{sentence} from noise.{others}"]


def _stands_out(striking: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> str:
    """Say of layers that look like noise to the tests of a whole layer that single filters do not."""
    was, its = ("was", "its") if len(striking) == 1 else ("were", "their")
    n, m = standing_out(striking)
    who = _who(striking, layers, begins=True)
    return f"{who} {was} trained: {n} of {its} {m} filters stand{'s'[: n == 1]} out from noise."


def _is_structured(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say of layers that have structure that they do, whatever the picture looks like."""
    learned = [layer for layer in layers if layer.verdict == "structured"]
    if not learned:
        return []
    sentence = f"{_said('structured', learned, layers)}."
    if learned[0].shape[2:] == (3, 3):
        can = "It can" if len(learned) == 1 else "They can"
        stretched = "with the contrast of each stretched by itself"
        sentence += f" {can} look random all the same: kernels of 3x3 pixels show little, {stretched}."
    return [sentence]


def _as_drawn(layers: Sequence[LayerDiagnosis], training: Sequence[str], touched: str) -> list[str]:
    """Say of layers of a trained network that they are still as drawn, what tells of the training, and why.

    Where other layers moved, these tell of it.
    """
    members = [layer for layer in layers if layer.verdict == "initial"]
    if not members:
        return []
    moved = any(layer.verdict in verdicts.MOVED for layer in layers)
    if not moved and not training:
        but = f", but {touched}" if touched else ""
        first = f"{_are_as_drawn(members, layers)}; no trace of training can be seen{but}."
        return [f"{first}{_marks(members, layers)}"]
    told = [] if moved else [f"The network was trained: {listed(training)}."]
    reasons = [(some, why.format(them=_it(some))) for why, some in verdicts.still_so(layers)]
    return [*told, *(f"{_are_as_drawn(some, layers)}: {why}." for some, why in reasons)]


def _are_as_drawn(members: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> str:
    return _said("initial", members, layers)


def _marked(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say which layers the file marks as frozen though they have moved, or cannot be judged."""
    told = []
    if moved := [layer for layer in layers if layer.marked_frozen and layer.verdict in verdicts.MOVED]:
        were = "it was" if len(moved) == 1 else "they were"
        who = _who(moved, layers)
        told = [f"The file marks {who} as frozen, though {were} trained at some time, or set by hand."]
    undecided = [layer for layer in layers if layer.verdict == "undecided"]
    return [*told, *filter(None, [_marks(undecided, layers).strip()])]


def _collapsed(layers: Sequence[LayerDiagnosis]) -> list[str]:
    members = [layer for layer in layers if layer.verdict == "collapsed"]
    may_mean = verdicts.VERDICTS["collapsed"].may_mean
    return [may_mean.format(layers=_who(members, layers))] if members else []


def _undecided(layers: Sequence[LayerDiagnosis]) -> list[str]:
    """Say which layers cannot be judged, why, and which file decides."""
    undecided = [layer for layer in layers if layer.verdict == "undecided"]
    reasons = [each for each, _ in Counter((each.why, each.decides) for each in undecided).most_common()]
    told = []
    for why, decides in reasons[:_MOST_REASONS]:
        members = [each for each in undecided if each.why == why]
        said = _said("undecided", members, layers)
        if len(members) == len(layers) > 1:
            said = f"None of the {len(layers)} convolutions can be judged"
        told.append(f"{said}: {why}; {decides}.")
    others = [each for each in undecided if each.why not in dict(reasons[:_MOST_REASONS])]
    return [*told, *([f"{_said('undecided', others, layers)} either."] if others else [])]


def _not_judged(unjudged: Sequence[Unjudged]) -> list[str]:
    """Count the convolutions whose filters are no pictures; what was too much work is told elsewhere."""
    others = [each for each in unjudged if not each.left_out]
    if not others:
        return []
    are = "is" if len(others) == 1 else "are"
    return [f"{plural(len(others), 'other convolution')} {are} not judged (--details says why)."]


def _said(
    verdict: Verdict, members: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis], **more: str
) -> str:
    """Say at the beginning of a sentence that some layers have a verdict."""
    who = _who(members, layers, begins=True)
    return verdicts.VERDICTS[verdict].answered(who, len(members), **more)


def _who(members: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis], *, begins: bool = False) -> str:
    """Name layers where that takes few words, else count them; names keep their case where it ``begins``."""
    if len(members) == len(layers) > 1:
        said = every(len(layers), "convolution")
        return f"{said[0].upper()}{said[1:]}" if begins else said
    names = names_of(members, layers)
    return names if len(names) <= _LONGEST else f"{len(members)} of {len(layers)} convolutions"


def seen_in(layer: LayerDiagnosis) -> str:
    """Say in a few words what is to be seen in a layer, beside noise."""
    seen = verdicts.VERDICTS[layer.verdict].seen
    if layer.verdict == "initial":
        drawn = verdicts.DIRAC_SEEN if verdicts.DIRAC in layer.rules else seen
        return ", ".join([drawn, *_without_effect(layer)])
    parts = [*filter(None, [layer.why]), *_textures(layer), *_oddities(layer)]
    if layer.verdict == "collapsed":
        parts.insert(0, seen)
    return ", ".join(parts[:2] or [seen])


def _textures(layer: LayerDiagnosis) -> list[str]:
    n = len(layer.filters)
    textures = [each.texture for each in layer.filters]
    counts = [(textures.count("smooth"), "smooth"), (textures.count("rough"), "fine-grained")]
    told = [f"{count} of {n} {word}" for count, word in sorted(counts, reverse=True) if count]
    finding = layer.finding(LowFrequency.key)
    if not told and finding is not None and finding.found:
        told = [f"all a little {'smoother' if (finding.z or 0) > 0 else 'rougher'} than noise"]
    return told


def _oddities(layer: LayerDiagnosis) -> list[str]:
    """Name what someone who cleans up a network looks for."""
    filters = layer.filters
    broken = [each.nonfinite for each in filters].count(True)
    dead = [each.dead for each in filters].count(True)
    faded = [each.decayed for each in filters].count(True)
    told = [f"{plural(broken, 'filter')} of NaN or infinity"] if broken else []
    told += [f"{plural(dead, 'filter')} provably dead"] if dead else []
    told += [f"{plural(faded, 'filter')} nearly zero"] if faded else []
    told += _without_effect(layer)
    unread = len(layer.unread_channels)
    told += [f"{plural(unread, 'input channel')} not looked at"] if unread else []
    finding = layer.finding(Duplicates.key)
    told += ["near-copies"] if finding is not None and finding.found else []
    told += ["unequal strength"] if is_uneven(layer) else []
    channels = layer.finding(ChannelEnergy.key)
    if not is_uneven(layer) and channels is not None and channels.found:
        told.append("uneven use of inputs")
    return told


def _without_effect(layer: LayerDiagnosis) -> list[str]:
    idle = sum(each.muted or each.ignored for each in layer.filters)
    return [f"{plural(idle, 'filter')} without effect"] if idle else []


def look_at(network: Network, layers: Sequence[LayerDiagnosis], account: Account) -> Look | None:
    """Choose the picture that shows most: the deepest layer that can be seen on the image and holds there.

    Without one, the layer of which most shows when it is composed exactly; else one with structure as stored.

    Args:
        network: The network.
        layers: What was judged.
        account: What looking for it may take.
    """
    if all(layer.verdict in ("initial", "undecided") for layer in layers):
        return None
    learned = [layer for layer in layers if layer.verdict == "structured"]
    for layer in [each for each in reversed(learned) if each.conv_index > 0][:_MOST_TRIED]:
        found = _composed(network, layer, account)
        if found is not None and (found.r is None or found.r >= _HOLDS):
            return found
    best = best_composed(layers)
    if best is not None and best.composed_size is not None and min(best.composed_size) >= _SMALLEST:
        return Look(layer=best, through=True, size=best.composed_size)
    telling = learned or [layer for layer in layers if layer.verdict not in ("initial", "undecided")]
    first, deepest = next(iter([*learned, *filter(_is_telling, telling)]), telling[0]), telling[-1]
    below = network.ancestors(network.conv_layers[deepest.conv_index])
    return Look(layer=first, untold=len(layers) > 1 and not all(each.is_told for each in below))


def _is_telling(layer: LayerDiagnosis) -> bool:
    return is_uneven(layer) or standing_out([layer])[0] > 0


def _composed(network: Network, layer: LayerDiagnosis, account: Account) -> Look | None:
    """Compose a layer and measure how well it predicts the units; None where that cannot be done."""
    convolution = network.conv_layers[layer.conv_index]
    allowed = min(_MOST_WORK, account.left["work"])
    own = Account({"work": allowed, "pixels": account.left["pixels"]})
    try:
        composed = compose(network, convolution, own)
        r = (
            measure_fidelity(network, convolution, composed, account=own).median
            if composed.approximations
            else None
        )
    except (BudgetError, CompositionError):
        return None
    finally:
        account.left["work"] -= allowed - own.left["work"]
    if composed.approximations and r is None:
        return None
    rows, cols = composed.templates.shape[2:]
    if min(rows, cols) < _SMALLEST:
        return None
    return Look(layer=layer, through=True, size=(rows, cols), r=r)


def look_unjudged(network: Network, file: str | None) -> tuple[str, str]:
    """Say of filters over one axis or three, which are not judged, how to see them, and the command.

    Args:
        network: A network of which no layer was judged.
        file: Its file, without which there is no command.
    """
    numbers = [each.conv_index for each in network.conv_layers if each.is_curve or each.is_volume]
    if not numbers or file is None:
        return "", ""
    how = "over its axis" if network.conv_layers[numbers[0]].is_curve else "slice by slice"
    them = f"{network.conv_layers[numbers[0]].title} can be looked at all the same, {how}:"
    return them, f"filtviz plot {_quoted(file)} --layer {numbers[0]}"


def commands_for(file: str | None, look: Look | None) -> tuple[str, ...]:
    """Return commands to go on with, which run as they stand.

    Args:
        file: The network's file, without which there are none.
        look: What to look at.
    """
    if file is None:
        return ()
    model = _quoted(file)
    commands = [f"filtviz diagnose {model} --details"]
    if look is not None:
        colours = " --channels rgb" if look.layer.conv_index == 0 and look.layer.shape[1] == 3 else ""
        picture = "--through" if look.through else f"--view sheet --scale layer{colours}"
        commands.insert(0, f"filtviz plot {model} --layer {_selector(look.layer)} {picture}")
    return tuple(commands)


def more_evidence(file: str | None, layers: Sequence[LayerDiagnosis], compared: bool) -> tuple[str, str]:
    """Say what would tell more, and the command, with a placeholder for the file that only the person has.

    Args:
        file: The network's file; None is written as a placeholder, too.
        layers: What was judged.
        compared: Whether an earlier file was given; then there is nothing more to say.
    """
    if compared or not layers:
        return "", ""
    suffix = _suffix(file)
    model = f"YOUR-FILE{suffix}" if file is None else _quoted(file)
    if all(layer.verdict == "initial" for layer in layers):
        command = f"filtviz diagnose YOUR-TRAINED-FILE{suffix} --before {model}"
        return "A file from after training shows how far each layer moves:", command
    command = f"filtviz diagnose {model} --before YOUR-FILE-FROM-BEFORE{suffix}"
    if all(layer.verdict == "undecided" for layer in layers):
        if not any(layer.findings for layer in layers):  # nothing in it could be measured
            command = f"filtviz diagnose YOUR-EARLIER-FILE{suffix}"
        return "An earlier file of the same network shows what this one does not:", command
    still = [layer for layer in layers if layer.verdict == "initial"]
    if still:
        moved = f"whether {_who(still, layers)} ever moved"
        return f"A file from before training measures this, and decides {moved}:", command
    return "A file from before training measures what is estimated here:", command


def other_evidence(
    network: Network, layers: Sequence[LayerDiagnosis], look: Look | None, compared: bool
) -> tuple[tuple[str, str], ...]:
    """Say what else would decide where no picture of this file does, with placeholders for a person's files.

    Args:
        network: The network.
        layers: What was judged.
        look: What to look at.
        compared: Whether an earlier file was given.
    """
    path = network.origin.path
    if path is None or not layers or compared:
        return ()
    model = _quoted(str(path))
    if all(layer.verdict == "initial" for layer in layers) and all(each.is_told for each in network.layers):
        told = "No picture shows more than this noise; whether the network works, images decide:"
        return ((told, f"filtviz predict {model} --images YOUR-IMAGES.npz"),)
    if look is not None and look.layer.verdict == "updated" and not look.through:
        before = f"YOUR-FILE-FROM-BEFORE{_suffix(str(path))}"
        told = "What training added, without the noise, is the difference of two files:"
        return ((told, f"filtviz compare {before} {model} --layer {_selector(look.layer)}"),)
    return ()


def _quoted(file: str) -> str:
    return shlex.quote(printable(file, 1000))


def _selector(layer: LayerDiagnosis) -> str:
    """Return what selects a layer on a command line: its name, or its number where that is no plain word."""
    plain = layer.name.isascii() and layer.name.isprintable() and len(layer.name) <= 40
    return shlex.quote(layer.name) if plain else str(layer.conv_index)


def _suffix(file: str | None) -> str:
    suffix = Path(file).suffix if file else ""
    return suffix if suffix.isascii() and suffix[1:].isalnum() else ".pkl"
