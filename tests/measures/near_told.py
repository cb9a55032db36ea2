"""What is told where a condition nearly holds, or two that mostly go together do not: lines of text.

Each row is one that a condition of another width, or of another of two things alike, would tell otherwise.
``python -m tests.telling`` writes ``tests/told/measures/near.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.accounts import Counted
from tests.building import as_layer, chain, conv

from filtviz.budget import Account
from filtviz.errors import MeasureError, SelectionError
from filtviz.measures import (
    answering,
    conclusions,
    diagnosing,
    judging,
    verdicts,
)
from filtviz.measures.badges import badges_of
from filtviz.measures.initialiser_catalogue import (
    DEFAULT,
    TORCH_DEFAULT,
    Fit,
)
from filtviz.measures.judging import Judgement
from filtviz.measures.kernels import Kernels
from filtviz.measures.measure import Change, Diagnosis, FilterDiagnosis, LayerDiagnosis, Unjudged
from filtviz.measures.residue import Residue
from filtviz.measures.subject import Identified, Provenance
from filtviz.measures.table import LEVEL, MEASURES, STRENGTH, STRUCTURE
from filtviz.measures.topics import Topic, explained
from filtviz.network import ConvLayer, Network, Origin
from filtviz.operations import Untold

from .ends_told import LAYER
from .numbers_told import noise
from .words_told import THIRD as NORMAL
from .words_told import Words, base

__all__ = ["NEAR"]

PLAIN = FilterDiagnosis(index=0, norm=1.0)
UPDATED = replace(LAYER, verdict="updated", filters=(PLAIN,) * 5)
NOISY = replace(UPDATED, residue=0.9)
LEARNED = replace(LAYER, verdict="structured", filters=(PLAIN,) * 5)
OPEN = replace(LAYER, verdict="undecided")


def found(key: str, **facts: Any) -> tuple[Any, ...]:
    usual: dict[str, Any] = {"value": 1.0, "found": True, "text": "t"}
    return (MEASURES[key].finding(**usual | facts),)


def seen(*textures: Any, **facts: Any) -> tuple[FilterDiagnosis, ...]:
    return tuple(FilterDiagnosis(index=i, norm=1.0, texture=each, **facts) for i, each in enumerate(textures))


def answers() -> Iterator[str]:
    """Yield what is said of layers of which not all are alike."""
    words = Words()
    dirac = replace(LAYER, rules=(verdicts.DIRAC,))
    orthogonal = replace(LAYER, rules=("Orthogonal()",))
    uneven, rough = found("filter-energy"), seen("rough", *[None] * 9)
    apart, zero, wide = Change(before="b", cos2=0.0), Change(before="b"), Change(before="b" * 90, cos2=0.0)
    why = Change(before="b", reason="it is so")
    other, odd = Change(before="b", reason="it is not"), Change(before="c", cos2=0.9, relative_change=0.1)
    still = Change(before="b", cos2=0.95, relative_change=0.0)
    told: dict[str, Sequence[LayerDiagnosis]] = {
        "initial but in between": (LAYER, NOISY, LAYER),
        "one initial, not compared": (LAYER, replace(NOISY, changes=(apart,))),
        "another's, and zeros": tuple(replace(NOISY, changes=(one,)) for one in (apart, zero)),
        "another's of a long name": (replace(NOISY, changes=(wide,)),),
        "for two reasons": tuple(replace(NOISY, changes=(one,)) for one in (why, other)),
        "before two": (replace(NOISY, changes=(still, odd)),),
        "nothing, and zeros": tuple(replace(NOISY, changes=(one,)) for one in (still, zero)),
        "before many": tuple(replace(NOISY, conv_index=i, name=f"c{i}", changes=(odd,)) for i in range(15)),
        "before, of none": (replace(NOISY, changes=(apart, odd)),),
        "Dirac and others": (dirac, replace(LAYER, rules=("GlorotUniform()",))),
        "orthogonal": (orthogonal, orthogonal),
        "one marked": (LAYER, replace(LAYER, marked_frozen=True)),
        "no noise": (replace(UPDATED, residue=0.0),),
        "a part of noise, and rough": (replace(UPDATED, residue=0.2, filters=rough),),
        "noise, then structure": (NOISY, replace(LEARNED, residue=0.9), LEARNED),
        "structure of noise first": (replace(LEARNED, residue=0.9), LEARNED),
        "structure of noise second": (LEARNED, replace(LEARNED, residue=0.9)),
        "the first is no longer there": (replace(LEARNED, residue=0.9, conv_index=2),),
        "seen in the second": (UPDATED, replace(UPDATED, filters=seen("smooth", *[None] * 9))),
        "uneven in the second": (UPDATED, replace(UPDATED, findings=uneven)),
        "5x5, then 3x3": (replace(LEARNED, shape=(4, 3, 5, 5)), LEARNED),
        "two of two": (replace(UPDATED, filters=seen("smooth", "rough")),),
        "moved last": (LAYER, LEARNED),
        "collapsed, marked": (replace(LAYER, verdict="collapsed", marked_frozen=True), LAYER),
        "collapsed, biases moved": (replace(LAYER, verdict="collapsed", findings=found("bias")),),
        "biases of some": (replace(LEARNED, findings=found("bias")), LEARNED),
        "structure beside open": (LEARNED, OPEN),
        "only open": (replace(OPEN, why="w", decides="d"),),
        "reasons": tuple(replace(OPEN, why=why, decides="d") for why in "abbccc"),
        "noise of some": (NOISY, replace(UPDATED, residue_at_least=0.7)),
        "nearly all noise": (replace(NOISY, residue=0.6), replace(NOISY, residue=0.999)),
        "about the same noise": (replace(NOISY, residue=0.921), replace(NOISY, residue=0.918)),
        "measured, of nothing": (replace(NOISY, changes=(apart, odd)), replace(NOISY, changes=(zero, odd))),
        "a bound without draws": (replace(UPDATED, rules=("a",), findings=found("bound", value=0.1)),),
        "unknown rules beside": (LAYER, replace(LAYER, rules=("GlorotUniform()",))),
        "one as drawn": (LAYER,),
        "of two rules": (replace(LAYER, rules=("b", "a")),) * 2,
        "learned, and striking": (replace(LEARNED, filters=seen("smooth")), UPDATED),
        "learned beside uneven": (replace(UPDATED, findings=uneven), LEARNED),
        "for two reasons unknown": tuple(
            replace(UPDATED, findings=found("residue", value=None, reason=each)) for each in ("so", "too")),
        "noise of 3x1": (replace(NOISY, shape=(4, 3, 3, 1)),),
        "gaps": tuple(replace(NOISY, conv_index=i) for i in (1, 3, 5)),
    }  # fmt: skip
    for name, layers in told.items():
        named = [
            replace(each, conv_index=each.conv_index or i, name=f"c{i}") for i, each in enumerate(layers)
        ]
        for signs, touched in ((), ""), (("so", "too"), "images went through it"):
            yield f"{name}, {len(signs)}: {words.of(answering.answer(named, (), signs, touched))}"
            yield f"    {words.of(conclusions.summarise(named, (), False, (), signs, touched))}"
        brief = conclusions.in_brief(Diagnosis(file=None, layers=tuple(named)))
        look = answering.look_at(chain(*_chained(named)), named, Counted())
        where = look and (look.layer.name, look.size, look.r and round(look.r, 2), look.untold)
        yield f"    {brief}; {where}"
    left = Unjudged(conv_index=9, name="l", type="C", reason="so", left_out=True)
    for some in ((left,), (left, replace(left, left_out=False)), (left,) * 8):
        yield f"{len(some)} not judged: {answering._not_judged(some)} {conclusions.nothing_judged(some)}"
    odd_ones = (
        replace(orthogonal, filters=seen(None)), replace(UPDATED, filters=seen("smooth", None),
        findings=found("low-frequency", z=4.0)), replace(UPDATED, findings=found("low-frequency", z=-4.0)),
        replace(UPDATED, filters=seen(None, dead=True, decayed=True)),
        replace(UPDATED, filters=seen(None, muted=True, ignored=True)),
        replace(UPDATED, findings=(*uneven, *found("channel-energy"))),
    )  # fmt: skip
    yield f"seen: {[answering.seen_in(each) for each in odd_ones]}"
    both = replace(UPDATED, filters=seen("smooth", composed_texture="smooth"))
    yield f"badges: {[''.join(one.symbol for one in own) for own in badges_of(both).values()]}"
    many = replace(
        UPDATED, composed_size=(5, 5), filters=seen(*[None] * 9)[:8] + seen(composed_texture="rough")
    )
    few_ = replace(many, name="few", filters=seen("rough", composed_texture="rough"))
    best = conclusions.best_composed([replace(few_, conv_index=1), replace(many, conv_index=2, filters=(
        *seen("smooth", "smooth", composed_texture="smooth"), *many.filters))])  # fmt: skip
    yield f"best composed: {best and best.name}"
    for name, place, shape in (("c", 1, (2, 3, 3, 3)), ("a.0/b-c", 0, (2, 3, 3, 3)), ("c", 0, (2, 4, 3, 3))):
        own = replace(UPDATED, name=name, conv_index=place, shape=shape)
        looks = (answering.Look(layer=own), answering.Look(layer=own, through=True, size=(5, 5)))
        yield f"{name} of {shape}: {[answering.commands_for('m', look) for look in looks]}"
    more = [answering.more_evidence(file, (OPEN, replace(OPEN, findings=found("rms"))), False) for file in (
        "m.h5", "m.tar", "m.7z", "m.a_b")]  # fmt: skip
    yield f"more: {more}"
    for some_seen in (seen("smooth", *[None] * 9), seen(*["rough"] * 2, *[None] * 8), seen("rough")):
        yield answering.Look(layer=replace(UPDATED, filters=some_seen)).sentence
        own = replace(UPDATED, filters=some_seen[:4])
        yield f"many of {len(some_seen)}: {conclusions.many_stand_out(own)}"
    yield answering.Look(layer=LEARNED, through=True, size=(5, 5), r=0.304).sentence
    broken = seen(None, nonfinite=True, dead=True)
    yield f"odd: {answering.seen_in(OPEN)!r} {answering.seen_in(replace(OPEN, filters=broken))}"
    yield f"unread: {answering.seen_in(replace(UPDATED, unread_channels=(0, 2)))}"
    line = [conv(np.ones((1, 1, 3, 3)), name=f"c{i}") for i in range(2)]
    network = chain(line[0], as_layer(Untold(reason="x")), line[1])
    look = answering.look_at(network, [LEARNED, replace(LEARNED, conv_index=1)], Counted())
    drawn = replace(LAYER, filters=seen("smooth"))
    for of_drawn in ([drawn, replace(UPDATED, conv_index=1)], [replace(UPDATED, conv_index=1)]):
        first = answering.look_at(network, of_drawn, Counted())
        yield f"first of {len(of_drawn)}: {first and (first.layer.conv_index, first.untold)}"
    yield f"untold below the deepest: {look and (look.layer.conv_index, look.untold)}"
    yield f"still: {answering.more_evidence('m.h5', (LAYER, replace(NOISY, name='d', conv_index=1)), False)}"
    lone = replace(network, origin=Origin(path=Path("m.h5")))
    yield f"others: {answering.other_evidence(lone, [UPDATED], answering.Look(layer=UPDATED), False)}"
    yield f"long: {answering.commands_for('x' * 300, None)[0][-60:]}"
    none = replace(NOISY, residue=0.0)
    yield f"noise: {[conclusions.noise_of(some) for some in ([none], [none, NOISY], [NOISY, UPDATED])]}"
    for size, share in ((5, 0.3), (3, 0.3), (3, 0.4)):
        change = Change(before="b", share=share, share_p=0.001)
        yield f"smooth at {size}: {conclusions._is_smooth(replace(LAYER, shape=(4, 3, size, size)), change)}"
    four = [
        (f"m{i}", Diagnosis(file=None, layers=(one,))) for i, one in enumerate((NOISY, LEARNED, OPEN, LAYER))
    ]
    yield f"of four kinds: {conclusions.difference(four)} {conclusions.difference(four[:2] * 3)}"
    models = [(f"m{i}", Diagnosis(file=None, layers=(one,))) for i, one in enumerate((NOISY, LEARNED) * 3)]
    yield f"differ: {conclusions.difference(models)}"
    mixed = tuple(replace(one, conv_index=i, name=f"c{i}") for i, one in enumerate((LEARNED, OPEN, LAYER)))
    yield f"in brief: {conclusions.in_brief(Diagnosis(file=None, layers=mixed))}"


def _chained(layers: Sequence[LayerDiagnosis]) -> list[ConvLayer]:
    most = max((each.conv_index for each in layers), default=0)
    return [conv(np.ones((1, 1, 3, 3)), name=f"c{i}") for i in range(most + 1)]


def fits_of(*given: tuple[str, float, Sequence[Any]]) -> Provenance:
    made = [Fit((f"f{i}",), family, 0.1, p, tuple(own)) for i, (family, p, own) in enumerate(given)]  # type: ignore[arg-type]
    return Provenance(fits=tuple(made), free=())


def judgements() -> Iterator[str]:
    """Yield what is judged of layers by facts that mostly go together."""
    plain, words = base("plain"), Words()
    usual = {key: MEASURES[key].finding(value=None, text=key) for key in ("bias", "residue")}
    own, both = (DEFAULT,), (TORCH_DEFAULT, DEFAULT)
    rule = Identified(DEFAULT, known=True)
    orthogonal = fits_of(("matrix", 1.0, ()), ("uniform", 0.5, own))
    constant = Provenance(fits=(), free=(Fit(("free",), "normal", 0.1, 0.5),))
    even = noise(6, 4, 3, 3) - noise(6, 4, 3, 3).mean(axis=(1, 2, 3), keepdims=True)
    even = Kernels.of(even / even.std(axis=(1, 2, 3), keepdims=True))
    fifty = Kernels.of(noise(5, 5, 1, 2) * (np.arange(50) > 0).reshape(5, 5, 1, 2))
    many, large = fits_of(("normal", 0.5, own)), Kernels.of(noise(20, 28, 3, 3))
    cases: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
        "orthogonal, optimised": ({"origin": orthogonal, "optimised": True}, {}),
        "orthogonal, at rest": ({"origin": orthogonal, "optimised": False}, {}),
        "own second": ({"origin": fits_of(("uniform", 0.5, (NORMAL,)), ("normal", 0.02, own))}, {}),
        "another best of two": ({"origin": fits_of(("uniform", 0.5, both))}, {}),
        "constant biases": ({"origin": constant, "bias": "constant"}, {}),
        "biases of zero": ({"origin": constant, "bias": "zero"}, {}),
        "p of 0, own": ({"origin": fits_of(("normal", 0.5, own))}, {"filter-energy": 0.0}),
        "p of 0, own, many": ({"origin": many, "kernels": large}, {"filter-energy": 0.0}),
        "no hint, many": ({"origin": many, "kernels": large}, {}),
        "hint, many": ({"origin": many, "kernels": large}, {"spike": 0.005}),
        "hint, cut": ({"origin": fits_of(("cut normal", 0.5, own))}, {"spike": 0.005}),
        "hint, marked": ({"origin": many, "marked_frozen": True}, {"spike": 0.005}),
        "faint first": ({"bias": "zero"}, {"low-frequency": 0.05 * LEVEL, "spike": 0.001 * LEVEL}),
        "faint": ({"bias": "zero"}, {"low-frequency": 0.05 * LEVEL}),
        "uneven, own of two": ({"origin": fits_of(("uniform", 0.5, both))}, {"channel-energy": 1e-9}),
        "not told of": ({"optimised": None}, {}),
        "standardised": ({"kernels": even, "bias": "zero"}, {"low-frequency": 0.05 * LEVEL}),
        "constant biases, hardly drawn": (
            {"origin": fits_of(("uniform", 0.005, own)), "bias": "constant"},
            {"low-frequency": 0.5 * LEVEL},
        ),
        "uneven, own second": (
            {"origin": fits_of(("uniform", 0.5, (NORMAL,)), ("uniform", 0.02, own))},
            {"channel-energy": 1e-9},
        ),
        "hardly another's": ({"origin": fits_of(("uniform", 0.005, (NORMAL,)))}, {}),
        "odd, another's": (
            {"origin": replace(constant, fits=(Fit(("f",), "normal", 0.1, 1e-4, (NORMAL,)),))},
            {},
        ),
        "fifty, one of them 0": ({"kernels": fifty}, {}),
        "biases moved elsewhere": ({"origin": fits_of(("normal", 0.5, own)), "biases_moved": True}, {}),
    }
    alike: dict[str, Any] = {"rule": rule, "bias": "none", "residue": Residue(None)}
    for name, (facts, ps) in cases.items():
        made = replace(plain, **alike | facts)
        findings = usual | {
            key: MEASURES[key].finding(
                value=0.1, p=ps.get(key, 0.9), found=ps.get(key, 0.9) < LEVEL, text=key
            )
            for key in (*STRUCTURE, *STRENGTH)
        }
        told = judging.judge(made, findings, 0)
        marks_of = told.is_faint, told.is_frozen, told.is_odd
        after = told.otherwise and (told.otherwise.verdict, words.of(told.otherwise.sentence))
        yield f"{name}: {told.verdict} {words.of(told.sentence)} {marks_of} {after}"
    weights = plain.kernels.weights.copy()
    weights.reshape(-1)[:60] = 0
    few_values = usual | {"quantised": MEASURES["quantised"].finding(value=0.5, found=True, text="few")}
    for name, some in (("draws", weights), ("steps", np.round(weights * 100) / 100)):
        set_to = judging.set_afterwards(replace(plain, kernels=Kernels.of(some)), few_values)
        yield f"zeros and {name}: {set_to and set_to[1].why}"
    otherwise = Judgement("undecided", "few")
    drawn = Judgement("initial", "so", otherwise)
    rests, faint = replace(drawn, is_frozen=True), Judgement("structured", "f", is_faint=True, is_frozen=True)
    for each_of in ((faint, rests), (drawn, rests), (faint, drawn, replace(faint, is_faint=False), rests)):
        told_of = judging.among_trained(each_of, training=True)
        yield f"together {[each.verdict for each in each_of]}: {[each.verdict for each in told_of]}"
    positive = Kernels.of(np.abs(noise(8, 8, 3, 3)))
    sparse = Kernels.of(np.abs(noise(8, 8, 3, 3)) * (np.arange(576) > 99).reshape(8, 8, 3, 3))
    survives = judging.survives_shuffling(sparse, "low-frequency", Account.unlimited())
    yield f"of one sign, and zeros: {survives}"
    least = MEASURES["residue"].finding(value=None, interval=(0.7, 1.0), text="over 70%")
    yield f"least: {judging._residue({'residue': least})!r} {judging._residue(usual)!r}"
    yield f"of one sign: {judging.survives_shuffling(positive, 'low-frequency', Account.unlimited())}"
    marks, only = replace(LAYER, is_frozen=True, marked_frozen=True), replace(LAYER, marked_frozen=True)
    for moved in ((), ("is_frozen",), ("marked_frozen",)):
        flags: dict[str, Any] = dict.fromkeys(moved, True)
        trained = replace(UPDATED, **flags)
        for beside in ([trained], [UPDATED, trained], [trained, UPDATED]):
            told_why = [[why for why, _ in verdicts.still_so([*beside, one])] for one in (marks, only)]
            yield f"still so beside {moved}: {told_why}"
    yield f"marked: {[verdicts.as_marked('so', verdict) for verdict in verdicts.VERDICTS]}"
    yield verdicts.why_not_finite(range(8), 9)
    yield verdicts.why_all_one_value(2, 1 / 3)
    yield verdicts.nothing_trained(2, "Orthogonal()", ())


def kept() -> Iterator[str]:
    """Yield how layers are chosen, what is left out of them, and what words are explained."""
    layers = tuple(replace(UPDATED, conv_index=i, name=name) for i, name in ((1, "a"), (2, "b")))
    left = Unjudged(conv_index=4, name="l", type="C", reason="so")
    several = Diagnosis(file="x/m.tar.gz", layers=layers, unjudged=(left,))
    yield repr(several)
    for wanted in (-1, -3, -4, -9, 7):
        try:
            yield f"layer {wanted}: {several[wanted].name}"
        except SelectionError as error:
            yield f"layer {wanted}: {error.wanted}"
    network = chain(*(conv(noise(2, 2, 3, 3), name=name) for name in "abcde"))
    doing = diagnosing._Diagnosing(network, (), Account.unlimited())
    doing.unmeasured = {3: "three", 1: "one", 2: "two"}
    doing.uncomposed = {4: "four", 0: "none", 2: "two"}
    doing.account.left_out.append("it was told before")
    yield f"left out: {list(doing._left_out())}"
    nothing = diagnosing._Diagnosing(Network.of([]), (), doing.account).measure(None, ())
    yield f"left out of nothing: {nothing.left_out}"
    for first in ((), (3,), (1, 4)):
        counted = Counted()
        whole = diagnosing._Diagnosing(network, (), counted)
        whole._affordable(network.conv_layers, ())
        since = Counted()
        diagnosing._Diagnosing(network, [("b", network)], since)._affordable(network.conv_layers, first)
        yield f"taken: {counted}, and beside an earlier file {since}"
        half = Account({"work": (counted.begun["work"] - counted.left["work"]) // 2, "pixels": 1})
        some = diagnosing._Diagnosing(network, (), half)._affordable(network.conv_layers, first)
        yield f"paid for, first {first}: {[layer.name for layer in some]}"
    empty = Network.of([], Origin(inferred=("it was inferred",), notes=("it is odd",)))
    yield f"notes: {diagnosing.diagnose(empty).notes}"
    for word in (
        "never  fire",
        "Never fire",
        "orthogonal matrix",
        "matrix",
        "Learned",
        "x y",
    ):
        try:
            one = explained(word)
            yield f"{word}: {one.key if isinstance(one, Topic) else one.title}"
        except MeasureError as error:
            yield str(error)
    dead = replace(UPDATED, filters=(replace(PLAIN, decayed=True),))
    of_dead = MEASURES["dead"].sum_up(base("plain"), dead.filters)
    yield f"met: {MEASURES['dead'].is_met(dead)} {of_dead and of_dead.text}"


def near_told() -> Iterator[str]:
    """Yield all of it."""
    for table in (answers, judgements, kept):
        yield from table()


NEAR: dict[str, Callable[[], Iterator[str]]] = {"near": near_told}
"""What is told where something nearly holds."""
