"""Which verdict made-up findings give, and what is said of made-up layers together, as lines of text.

Each case is drawn with a seed of its own from a few values of all that decides, the ends of what counts among
them. ``python -m tests.telling`` writes ``tests/told/measures/`` anew.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tests.building import conv
from tests.chains import glorot

from filtviz.measures import verdicts
from filtviz.measures.answering import Look, answer, commands_for, more_evidence, other_evidence, seen_in
from filtviz.measures.badges import badges_of
from filtviz.measures.conclusions import best_composed, difference, in_brief, runs_of, summarise
from filtviz.measures.initialiser_catalogue import CATALOGUE, DEFAULT, TORCH_DEFAULT, Fit
from filtviz.measures.judging import Judgement, among_trained, judge, set_afterwards
from filtviz.measures.measure import Change, Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis, Unjudged
from filtviz.measures.residue import Residue
from filtviz.measures.subject import Identified, Provenance, Subject, gather_subjects
from filtviz.measures.table import LEVEL, MEASURES, STRENGTH, STRUCTURE, checks_met
from filtviz.network import Network, Origin

__all__ = ["WORDS"]


class Words:
    """Shows sentences once, with numbers that stand for them below."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def of(self, text: str) -> str:
        """A text, of which every sentence that was shown before is its number."""
        return " ".join(map(self.once, re.split(r"(?<=[.:;]) ", text))) if text else "-"

    def once(self, sentence: str) -> str:
        if len(sentence) < 12:
            return sentence
        if sentence in self.seen:
            return f"[{self.seen[sentence]}]"
        self.seen[sentence] = len(self.seen) + 1
        return f"[{self.seen[sentence]}] {sentence}"


# Verdicts

FACTORS = (1e-6, 0.0099, 0.01, 0.0101, 0.099, 0.1, 0.101, 0.999, 1.0, 1.001, 100.0, 200.0, None)
"""The p-values of tests, in levels."""

OWN, OTHER = DEFAULT, TORCH_DEFAULT
THIRD = next(rule for rule in CATALOGUE if rule.family == "normal")


@cache
def base(kind: str) -> Subject:
    """A subject of real weights of some kind."""
    weights = glorot((20, 20, 3, 3))
    if kind == "few":
        weights = weights[:5, :2, :2, :2]
    if kind == "fifty":
        weights = weights[:5, :5, :1, :2]
    if kind in ("zeros", "more zeros"):
        weights.reshape(-1)[: 3 if kind == "zeros" else 60] = 0
    if kind == "standardised":
        weights = weights - weights.mean(axis=(1, 2, 3), keepdims=True)
        weights /= weights.std(axis=(1, 2, 3), keepdims=True)
    if kind == "zeros and steps":
        weights = np.round(weights * 100) / 100
    network = Network.of([conv(weights, np.zeros(len(weights)))])
    return next(gather_subjects(network, network.conv_layers, None))


KINDS = ("plain", "plain", "plain", "few", "fifty", "zeros", "more zeros", "standardised", "zeros and steps")


def verdicts_told() -> Iterator[str]:
    """Yield what made-up findings make of made-up layers."""
    words = Words()
    for seed in (*range(420), *range(1000, 1030)):
        draw = random.Random(seed)
        kind = draw.choice(KINDS)
        subject, findings = _subject(draw, base(kind)), _findings(draw)
        if seed >= 1000:
            subject, findings = _with_more(draw, subject, findings)
        standing_out = draw.choice((0, 0, 1, 3))
        told = judge(subject, findings, standing_out)
        marks = (f"{key}={value:.4g}" for key, value in _ps(findings))
        yield f"{seed} {kind}, {_facts(subject)}, {' '.join(marks)}, {standing_out} stand out"
        yield f"    {_judgement(told, words)}"
        after = set_afterwards(subject, findings)
        if after:
            yield f"    set afterwards: {words.of(after[0])} {after[1].why}"
    yield from _together(words)


def _with_more(
    draw: random.Random, subject: Subject, findings: dict[str, Finding]
) -> tuple[Subject, dict[str, Finding]]:
    """Add two laws of a scale that no rule has, and the least that can be told of the noise."""
    families = draw.choice((("uniform", "normal"), ("normal", "uniform")))
    free = tuple(
        Fit((f"free {family} draws",), family, 0.1, draw.choice(ps))
        for family, ps in zip(families, ((0.7, 0.3), (0.05, 0.0005)), strict=True)
    )
    origin = replace(subject.origin, fits=subject.origin.fits[:1] if draw.random() < 0.4 else (), free=free)
    least = MEASURES["residue"].finding(
        value=None, interval=(0.7, 1.0), text="over 70% of the variance is noise"
    )
    findings = {**findings, "residue": draw.choice((least, least, findings["residue"]))}
    return replace(subject, origin=origin), findings


def _subject(draw: random.Random, subject: Subject) -> Subject:
    ps = (0.0005, LEVEL * 0.999, LEVEL, 0.00999, 0.01, 0.02, 0.0499, 0.05, 0.7)
    families = ("uniform", "cut normal", "normal")
    fits = tuple(
        Fit(
            (f"fit {i}",),
            draw.choice(families),
            0.1,
            p,
            draw.choice(((OWN,), (OTHER,), (OWN, OTHER), (THIRD,))),
        )
        for i, p in enumerate(sorted(draw.choices(ps, k=draw.choice((0, 0, 1, 2))), reverse=True))
    )
    if draw.random() < 0.08:
        fits = (Fit((draw.choice(("Orthogonal()", verdicts.DIRAC)),), "matrix", 0.1, 1.0), *fits)
    free = tuple(
        Fit(("free draws",), draw.choice(families[::2]), 0.1, draw.choice(ps))
        for _ in range(draw.choice((0, 1, 1)))
    )
    low = draw.choice((0.5, 0.949, 0.95, 0.99))
    return replace(
        subject,
        bias=draw.choice(("none", "zero", "constant", "drawn", "moved")),
        origin=Provenance(fits=fits, free=free),
        rule=Identified(
            draw.choice((OWN, OTHER)),
            draw.random() < 0.6,
            draw.random() < 0.3,
            draw.choice(("", "PyTorch", "Lasagne")),
        ),
        residue=draw.choice((Residue(None), replace(Residue(0.96), low=low, high=1.0))),
        optimised=draw.choice((None, None, None, True, False)),
        marked_frozen=draw.random() < 0.2,
        biases_moved=draw.random() < 0.3,
        at_start_behind=draw.random() < 0.2,
    )


def _findings(draw: random.Random) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for key in (*STRUCTURE, *STRENGTH):
        factor = draw.choice((200.0, draw.choice(FACTORS)))
        if factor is not None:
            p = min(1.0, factor * LEVEL)
            measure = MEASURES[key]
            own = {"z": draw.choice((-4.0, 4.0))} if key == "low-frequency" else {}
            found[key] = measure.finding(
                value=0.1,
                p=p,
                found=p < LEVEL,
                text=f"{key} finds {'much' if p < LEVEL else 'nothing'}",
                **own,
            )
    share = draw.choice((0.0, 0.01, 0.249, 0.25, 0.6))
    others: dict[str, dict[str, Any]] = {
        "bias": {"value": None, "text": "the text of biases"},
        "bound": {"value": share, "found": draw.random() < 0.4, "text": "the text of the bound"},
        "quantised": {"value": 0.5, "found": draw.random() < 0.1, "text": "only few distinct values"},
        "first-component": {"value": 0.8, "found": draw.random() < 0.3, "text": "one direction"},
        "residue": draw.choice((
            {"value": None, "text": "cannot tell"}, {"value": 0.9, "text": "about 90% is noise"},
        )),
    }  # fmt: skip
    for key, told in others.items():
        if key in ("bias", "residue") or draw.random() < 0.8:
            found[key] = MEASURES[key].finding(**told)
    return found


def _ps(findings: dict[str, Finding]) -> list[tuple[str, float]]:
    ps = [(key, one.p / LEVEL) for key, one in findings.items() if one.p is not None]
    marked = [(key, one.value or 0.0) for key, one in findings.items() if one.p is None and one.found]
    return ps + marked


def _facts(subject: Subject) -> str:
    fits = (
        f"{one.family} {one.p / LEVEL:.4g} of {len(one.rules)}"
        for one in (*subject.origin.fits, *subject.free)
    )
    rule = f"{'known' if subject.rule.known else 'unknown'}{' traced' * subject.rule.traced}"
    flags = ("marked_frozen", "biases_moved", "at_start_behind")
    marks = [name for name in flags if getattr(subject, name)]
    told = [
        f"bias {subject.bias}",
        *fits,
        rule,
        f"residue {subject.residue.low}",
        f"{subject.optimised}",
        *marks,
    ]
    return ", ".join(told)


def _judgement(one: Judgement, words: Words) -> str:
    marks = [name for name in ("is_odd", "is_faint", "is_frozen", "tells_of_training") if getattr(one, name)]
    told = [one.verdict, *marks, words.of(one.sentence)]
    if one.open:
        told.append(f"open: {one.open.why}")
    if one.if_folded:
        told.append(f"folded: {words.of(one.if_folded)}")
    if one.otherwise:
        told.append(f"otherwise {_judgement(one.otherwise, words)}")
    return " ".join(told)


def _together(words: Words) -> Iterator[str]:
    """Yield what judgements of layers become in view of one another."""
    otherwise = Judgement("undecided", "too few")
    kinds = {
        "initial": Judgement("initial", "as drawn", otherwise),
        "sure": Judgement("initial", "as drawn, surely"),
        "frozen": Judgement("initial", "as drawn", otherwise, is_frozen=True),
        "faint": Judgement("structured", "faint", is_faint=True),
        "moved": Judgement("updated", "moved"),
        "frozen and moved": Judgement("updated", "moved", is_frozen=True),
        "frozen and faint": Judgement("structured", "faint", is_faint=True, is_frozen=True),
        "odd": Judgement("undecided", "of an odd scale", is_odd=True),
    }
    for seed in range(60):
        draw = random.Random(seed)
        names = draw.sample(list(kinds), draw.choice((1, 2, 3)))
        training = draw.random() < 0.3
        told = among_trained([kinds[name] for name in names], training)
        yield f"{names}, trained {training}: {', '.join(each.verdict for each in told)}"


# What is said of layers together

REASONS = [
    getattr(verdicts, name) for name in ("TOO_FEW", "PRUNED", "ROUNDED", "NOT_NUMBERS", "TOO_FEW_TO_SEE")
]
TRAINING = (
    (),
    (),
    ("the file holds the state of Adam",),
    ("it was saved after epoch 3", "its biases have moved"),
)
RULES = ((), ("GlorotUniform()",), ("GlorotUniform()", "HeUniform(gain=1)"), ("HeUniform(gain=1)",))


def together_told() -> Iterator[str]:
    """Yield what is said of made-up networks."""
    words = Words()
    for seed in range(230):
        draw = random.Random(seed)
        layers, unjudged = _layers(draw), _unjudged(draw)
        training, touched = draw.choice(TRAINING), draw.choice(("", "", "images went through it"))
        left_out = draw.choice(((), (), ("conv9 was not measured: it would take too much",)))
        compared = any(each.changes for each in layers)
        yield f"{seed} {'; '.join(map(_layer, layers))}; {len(unjudged)} not judged; {training} {touched}"
        yield f"    {words.of(answer(layers, unjudged, training, touched))}"
        yield f"    {words.of(summarise(layers, unjudged, compared, left_out, training, touched))}"
        yield f"    {' / '.join(words.of(seen_in(each)) for each in layers)}"
        file = draw.choice(("m.npz", "a model.pk-l", None))
        best = best_composed(layers)
        yield f"    {words.of(' '.join(more_evidence(file, layers, compared)))} {best and best.conv_index}"
        origin = Origin(path=None if file is None else Path(file))
        look = _look(draw, layers)
        others = other_evidence(Network.of([], origin), layers, look, compared)
        if look is not None:
            chosen = f"{look.layer.conv_index} {look.through} {look.size} {look.r} {look.untold}"
            shown = [words.of(one) for one in (look.sentence, *commands_for(file, look))]
            yield f"    look at {chosen}: {' / '.join(shown)}"
        met = [f"{rule} {len(names)}" for rule, names in checks_met(layers).items() if names]
        marks = {
            i: "".join(one.symbol for one in own) for each in layers for i, own in badges_of(each).items()
        }
        yield f"    {[words.of(' '.join(one)) for one in others]} {met} {marks}"
        brief = in_brief(Diagnosis(file=file, layers=tuple(layers)))
        runs = runs_of(Diagnosis(file=file, layers=tuple(layers)))
        yield f"    {words.of(brief)} {[len(each) for each in runs]}"


def _look(draw: random.Random, layers: Sequence[LayerDiagnosis]) -> Look | None:
    if not layers or draw.random() < 0.3:
        return None
    size = draw.choice((None, (7, 9)))
    through = draw.random() < 0.5
    r = draw.choice((None, 0.61))
    return Look(layer=draw.choice(layers), through=through, size=size, r=r, untold=draw.random() < 0.3)


def _layer(one: LayerDiagnosis) -> str:
    marks = [name for name in ("is_frozen", "marked_frozen") if getattr(one, name)]
    return " ".join([one.verdict, str(one.residue), *marks, f"{len(one.changes)} before"])


def _layers(draw: random.Random) -> list[LayerDiagnosis]:
    n = draw.choice((0, 1, 1, 2, 2, 3, 4, 5)) if draw.random() < 0.9 else 14
    kinds = draw.choice((
        ("initial",), ("updated",), ("structured",), ("undecided",), ("initial", "undecided"),
        ("collapsed", "structured"),
        ("updated", "structured"), ("initial", "updated", "structured"), tuple(verdicts.VERDICTS),
    ))  # fmt: skip
    states = draw.choice((0, 0, 0, 1, 2))
    return [_made(draw, i, draw.choice(kinds), states) for i in range(n)]


def _made(draw: random.Random, index: int, verdict: Any, states: int) -> LayerDiagnosis:
    reason = draw.choice(REASONS) if verdict == "undecided" else None
    residue = draw.choice((None, None, 0.3, 0.499, 0.5, 0.501, 0.92, 0.924, 0.999))
    flags = draw.choice((0.0, 0.0, 0.3))
    textures = draw.choice((0.0, 0.0, 0.1, 0.25, 0.9))
    n = draw.choice((4, 8))
    return LayerDiagnosis(
        conv_index=index,
        name=f"conv{index + 1}"
        if draw.random() < 0.9
        else "a layer whose name is long enough to be cut or counted",
        type="Conv2DLayer",
        shape=(n, 3, *draw.choice(((3, 3), (3, 3), (5, 5), (1, 1)))),
        dtype="float32",
        verdict=verdict,
        sentence="why it is so.",
        initialiser="unknown",
        why=reason.why if reason else "",
        decides=reason.decides if reason else "",
        rules=(verdicts.DIRAC,) if draw.random() < 0.05 else draw.choice(RULES),
        residue=residue,
        findings=tuple(_some_findings(draw, residue)),
        filters=tuple(_filter(draw, i, textures, flags) for i in range(n)),
        composed_size=draw.choice((None, None, (4, 4), (7, 7))),
        unread_channels=draw.choice(((), (), (), (1,), (1, 2))),
        changes=tuple(_change(draw, i) for i in range(states)) if verdict != "undecided" else (),
        is_frozen=draw.random() < 0.15,
        marked_frozen=draw.random() < 0.15,
    )


def _some_findings(draw: random.Random, residue: float | None) -> Iterator[Finding]:
    for key in ("bias", "filter-energy", "channel-energy", "duplicates", "low-frequency"):
        if draw.random() < 0.8:
            found = draw.random() < 0.3
            yield MEASURES[key].finding(value=0.5, found=found, text=key, z=draw.choice((-3.0, 3.0, None)))
    if draw.random() < 0.5:
        yield MEASURES["bound"].finding(value=draw.choice((0.0, 0.12, None)), text="bound")
    if draw.random() < 0.9:
        reason = "" if residue else draw.choice(("its initialiser is not known", "it was pruned"))
        yield MEASURES["residue"].finding(value=residue, text="residue", reason=reason)


def _filter(draw: random.Random, index: int, textures: float, flags: float) -> FilterDiagnosis:
    def is_so() -> bool:
        return draw.random() < flags / 3

    def texture() -> Any:
        return draw.choice(("smooth", "rough")) if draw.random() < textures else None

    return FilterDiagnosis(
        index=index,
        norm=1.0,
        texture=texture(),
        composed_texture=texture(),
        dead=is_so(),
        decayed=is_so(),
        muted=is_so(),
        ignored=is_so(),
        nonfinite=is_so(),
        duplicates=(9,) if is_so() else (),
        classical="Sobel" if is_so() else None,
    )


def _change(draw: random.Random, place: int) -> Change:
    name = draw.choice(("start.npz", "start.npz", "s" * 230)) if place == 0 else "other.npz"
    if draw.random() < 0.15:
        return Change(before=name, reason="its weights there are not finite")
    n = 4 * 3 * 9
    cos2 = draw.choice((15.9 / (n + 14.9), 16.1 / (n + 15.1), 0.004, 0.93, 1.0))
    share = draw.choice((None, 0.2, 0.333, 0.5, 0.9))
    p = None if share is None else draw.choice((0.00999, 0.01, 1e-5))
    return Change(before=name, cos2=cos2, relative_change=draw.choice((0.0, 0.2)), share=share, share_p=p)


def _unjudged(draw: random.Random) -> list[Unjudged]:
    reasons = ("its filters are over one axis", "its filters are over one axis", "it would take too much")
    n = draw.choice((0, 0, 0, 1, 2))
    return [
        Unjudged(conv_index=20 + i, name=f"line{i}", type="Conv1D", reason=reason, left_out="much" in reason)
        for i, reason in enumerate(draw.sample(reasons, n))
    ]


def differences_told() -> Iterator[str]:
    """Yield in what made-up models differ."""
    words = Words()
    for seed in range(70):
        draw = random.Random(seed)
        n = draw.choice((2, 2, 3, 4, 7))
        pool = [Diagnosis(file=None, layers=tuple(_layers(draw))) for _ in range(draw.choice((1, 2, 3, 5)))]
        models = [(f"model{i}.npz", draw.choice(pool)) for i in range(n)]
        yield f"{seed} {[[each.verdict for each in one.layers][:6] for _, one in models]}"
        yield f"    {words.of(difference(models))}"
    one = _made(random.Random(0), 3, "structured", 0)
    for name in ("conv1", "a\tb", "a b", "é", "n" * 40, "n" * 41):
        for through in (False, True):
            look = Look(layer=replace(one, name=name), through=through, size=(5, 5))
            yield f"{name!a}: {commands_for('m.npz', look)}"


WORDS: dict[str, Callable[[], Iterator[str]]] = {
    "verdicts": verdicts_told,
    "together": together_told,
    "differences": differences_told,
}
"""What is told of what is made up."""
