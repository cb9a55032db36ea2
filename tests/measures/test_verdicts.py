"""From findings to a verdict: which side of each level counts, and the words of every sentence."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.building import conv

import filtviz
from filtviz.measures import judging
from filtviz.measures.initialiser_catalogue import CATALOGUE, DEFAULT, Fit
from filtviz.measures.judging import Judgement, among_trained, judge
from filtviz.measures.measure import Finding
from filtviz.measures.residue import Residue
from filtviz.measures.sphericity import sign_sphericity
from filtviz.measures.subject import Identified, Provenance, Subject
from filtviz.measures.table import LEVEL, MEASURES, STRENGTH, STRUCTURE
from filtviz.measures.verdicts import COLLAPSED, INDISTINGUISHABLE, VERDICTS, WAS_UPDATED, said_of
from filtviz.network import Origin

DEFAULT_FIT = Fit(("GlorotUniform()",), "uniform", 0.1, 0.7, (DEFAULT,))
FREE_UNIFORM = Fit(("uniform draws within ±0.2",), "uniform", 0.1, 0.5)
FREE_NORMAL = Fit(("normal draws of std 0.1",), "normal", 0.1, 0.4)
FITTING = Provenance(fits=(DEFAULT_FIT,), free=())
MISFIT = Provenance(fits=(), free=())
NOTHING = "none of 3 tests finds structure"


def found(key: str, **fields) -> Finding:
    return MEASURES[key].finding(**({"value": 1.0, "text": f"text of {key}"} | fields))


@pytest.fixture
def judged(subject_of, glorot) -> Callable[..., Judgement]:
    drawn: Subject = subject_of(glorot((20, 20, 3, 3)), np.zeros(20))
    plain = dataclasses.replace(drawn, residue=Residue(None))

    def judge_it(*findings: Finding, standing_out: int = 0, ps: float = 0.4, **changed) -> Judgement:
        subject = dataclasses.replace(plain, **({"origin": FITTING} | changed))
        tests = [found(key, p=ps) for key in (*STRUCTURE, *STRENGTH)]
        others = [found("bias", text="all biases are 0, as at the start"), found("residue", value=None)]
        return judge(subject, {each.measure: each for each in (*tests, *others, *findings)}, standing_out)

    return judge_it


def test_structure_decides_from_bonferronis_level_on(judged) -> None:
    def verdict(p: float, **changed) -> str:
        return judged(found("sphericity", p=p), **({"bias": "moved"} | changed)).verdict

    assert verdict(0.999 * LEVEL) == "structured"
    assert verdict(LEVEL) == verdict(1.001 * LEVEL) == "updated"


def test_what_was_never_touched_needs_a_tenth_of_the_level(judged) -> None:
    def verdict(p: float, **changed) -> str:
        return judged(found("spike", p=p), **changed).verdict

    assert verdict(0.099 * LEVEL) == "structured"
    assert verdict(0.101 * LEVEL) == "initial"
    assert verdict(0.101 * LEVEL, bias="drawn") == verdict(0.101 * LEVEL, bias="none") == "initial"
    # Neither biases that have moved nor weights that nothing fits leave that benefit of the doubt.
    assert verdict(0.101 * LEVEL, bias="moved") == "structured"
    assert verdict(0.101 * LEVEL, origin=MISFIT) == "structured"


@pytest.mark.parametrize("key", STRUCTURE)
def test_each_test_of_structure_decides_alone(judged, key) -> None:
    assert judged(found(key, p=1e-6), bias="moved").verdict == "structured"


@pytest.mark.cases("all")
@pytest.mark.parametrize("key", ["initialiser", "coupling", "clipped", "duplicates"])
def test_no_other_measure_is_structure(judged, key) -> None:
    assert judged(found(key, p=1e-9, found=True)).verdict == "initial"


def test_collapsed_is_structured_first(judged) -> None:
    component = found("first-component", value=0.93, p=0.005, found=True)
    frequency = found("low-frequency", p=1e-9, z=7.0, found=True)
    assert judged(component, frequency) == Judgement(
        "collapsed",
        "structured, but collapsed to few directions: the first principal component holds 93% of its "
        "filters, more than of random ones; the kernels are smoother than white noise",
    )
    assert judged(component).verdict == "initial"
    assert judged(found("first-component", value=0.45), frequency).verdict == "structured"


def test_structure_in_its_own_words(judged) -> None:
    first = found("low-frequency", p=1e-9, z=7.0)
    assert judged(first, standing_out=1).sentence == (
        "statistically structured: the kernels are smoother than white noise"
    )
    rough = found("low-frequency", p=1e-9, z=-7.04)
    second = found("sphericity", p=2e-7)
    residue = found("residue", value=0.7, text="about 70% is noise")
    assert judged(rough, second, residue, standing_out=0).sentence == (
        "statistically structured: the kernels are rougher than white noise, and 1 of 2 other "
        "tests finds structure too; about 70% is noise; none of its filters stands out by itself"
    )
    assert judged(second, standing_out=1).sentence == "statistically structured: text of sphericity"


def test_what_has_moved_was_updated(judged) -> None:
    moved = found("bias", text="the biases have moved")
    why = f"(the biases have moved), but no filter structure can be detected: {NOTHING}"
    assert judged(moved, bias="moved") == Judgement(
        "updated",
        f"was updated {why}",
        if_folded=f"was trained, or a batch normalisation was folded in {why}",
    )
    residue = found("residue", value=0.7, text="about 70% is noise")
    assert judged(moved, residue, bias="moved").sentence.endswith(f"{NOTHING}; about 70% is noise")
    assert judged(bias="constant").verdict == "initial"
    for n, alone in ((1, "1 filter by itself stands"), (5, "5 filters by themselves stand")):
        sentence = judged(moved, residue, standing_out=n, bias="moved").sentence
        assert f"{NOTHING}; {alone} out from noise all the same; about 70% is noise" in sentence


def test_weights_beyond_the_bound_count_where_its_trace_was_seen(judged) -> None:
    bound = found("bound", value=0.1, found=True, text="10% lie beyond")
    traced = Identified(DEFAULT, known=True, traced=True)
    assert judged(bound, rule=traced, origin=MISFIT).sentence.startswith(
        "was updated (10% lie beyond), but no filter"
    )
    much = found("bound", value=0.3, found=True, text="30% lie beyond")
    assert judged(bound, rule=traced).verdict == "updated"
    assert judged(much, rule=traced).verdict == "initial"  # another rule draws them
    assert judged(bound, rule=dataclasses.replace(traced, traced=False)).verdict == "initial"
    assert "10% lie beyond" not in judged(found("bound", value=0.0), rule=traced, origin=MISFIT).sentence


@pytest.mark.parametrize("key", STRENGTH)
def test_unequal_strength_is_no_structure(judged, key) -> None:
    strong = found(key, p=6e-5, text="its filters are of unequal strength")
    unknown = Identified(DEFAULT, known=False)
    assert judged(strong, rule=unknown).sentence.startswith(
        "was updated (its filters are of unequal strength), but no filter structure can be "
    )
    assert judged(strong).verdict == "initial"  # the network's own rule draws these weights
    assert judged(found(key, p=1.1 * LEVEL), rule=unknown, origin=MISFIT).sentence.startswith(
        "was updated (no initialiser"
    )


def test_values_that_were_set_afterwards_hide_what_was_before(judged, subject_of, glorot) -> None:
    few = found("quantised", value=0.1, found=True, text="only 16 distinct values in 3,600 weights")
    assert judged(few).sentence == (
        "cannot tell, because its values were changed afterwards (only 16 distinct values in 3,600 weights), "
        "which hides whether they were trained before; the file from before that change would tell"
    )
    pruned = glorot((20, 20, 3, 3)).copy()
    pruned[::2] = 0
    judgement = judged(kernels=subject_of(pruned).kernels)
    assert judgement.verdict == "undecided"
    assert "50% of its weights are exactly 0, as pruning leaves them" in judgement.sentence
    assert judged(few, found("sphericity", p=0.009 * LEVEL)).verdict == "structured"
    assert judged(few, found("sphericity", p=0.011 * LEVEL)).verdict == "undecided"
    standard = glorot((20, 20, 3, 3)).reshape(20, -1)
    standard = (standard - standard.mean(axis=1, keepdims=True)) / standard.std(axis=1, keepdims=True)
    sentence = judged(kernels=subject_of(standard.reshape(20, 20, 3, 3)).kernels).sentence
    assert "(each filter has been brought to mean 0 and to one standard deviation)" in sentence
    off = standard + 0.01 * np.arange(20)[:, np.newaxis]
    assert not subject_of(off.reshape(20, 20, 3, 3)).kernels.is_standardised
    assert not subject_of(standard[:1].reshape(1, 20, 3, 3)).kernels.is_standardised
    assert subject_of(standard[:2].reshape(2, 20, 3, 3)).kernels.is_standardised
    one_zero = glorot((20, 20, 3, 3)).copy()
    one_zero[0, 0, 0, 0] = 0
    assert judged(kernels=subject_of(one_zero).kernels).verdict == "initial"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("zeros", "weights", "is_pruned"),
    [(0, 100, False), (1, 100, False), (2, 100, True), (5, 5000, False), (6, 5000, True)],
)
def test_pruning_leaves_more_than_one_zero_and_more_than_one_in_a_thousand(zeros, weights, is_pruned) -> None:
    subject: Any = SimpleNamespace(
        moved=True, kernels=SimpleNamespace(n_zeros=zeros, size=weights, is_standardised=False)
    )
    assert (judging.set_afterwards(subject, {}) is not None) == is_pruned


def test_few_weights_are_too_few_among_layers_that_have_moved(judged, subject_of, glorot) -> None:
    own = Identified(DEFAULT, known=True)
    moved = Judgement("updated", "")

    def beside(judgement: Judgement) -> str:
        return among_trained([moved, judgement], training=False)[1].verdict

    few, many = (
        subject_of(glorot(shape), np.zeros(shape[0])).kernels for shape in ((11, 1, 3, 3), (12, 1, 3, 3))
    )
    assert beside(judged(kernels=few, bias="none", rule=own)) == "undecided"
    assert beside(judged(kernels=many, bias="none", rule=own)) == "initial"
    assert beside(judged(kernels=few, bias="zero", rule=own)) == "initial"  # its biases have not moved either
    assert beside(judged(kernels=many, bias="none", rule=Identified(DEFAULT, known=False))) == "undecided"
    told = Identified(DEFAULT, known=False, framework="Lasagne")  # whose default it is
    assert beside(judged(kernels=many, bias="none", rule=told)) == "initial"
    assert beside(judged(kernels=few, bias="none", rule=told)) == "undecided"
    alone = judged(kernels=few, bias="none", rule=own)
    assert among_trained([alone], training=False)[0].verdict == "initial"
    assert among_trained([alone], training=True)[0].sentence == (
        "cannot tell, because 99 weights as GlorotUniform() draws them are too few to see whether they have "
        "moved since, and other things show that the network was trained"
    )


def test_few_weights_are_first_weights_where_something_else_would_have_moved(
    judged, subject_of, glorot
) -> None:
    """The first layer of few weights, and no test that hints at a change, is no evidence of a frozen one."""
    few = subject_of(glorot((11, 1, 3, 3)), np.zeros(11)).kernels
    moved, own = Judgement("updated", ""), Identified(DEFAULT, known=True)

    def beside(**changed) -> str:
        first = judged(kernels=few, **({"bias": "none", "rule": own} | changed))
        return among_trained([first, moved], training=False)[0].verdict

    assert beside() == "undecided"
    assert beside(at_start_behind=True) == "initial"
    assert beside(bias="zero", rule=Identified(DEFAULT, known=False)) == "undecided"
    assert beside(bias="zero", rule=Identified(DEFAULT, known=False), biases_moved=True) == "initial"
    assert beside(residue=Residue(0.98, low=0.97)) == "initial"
    assert beside(residue=Residue(0.98, low=0.969)) == "undecided"
    assert beside(residue=Residue(0.98, low=0.97), rule=Identified(DEFAULT, known=False)) == "undecided"


def test_the_optimiser_in_the_file_decides(judged, subject_of, glorot) -> None:
    few = subject_of(glorot((11, 1, 3, 3)), np.zeros(11)).kernels
    moved, own = Judgement("updated", ""), Identified(DEFAULT, known=True)
    plain = {"kernels": few, "bias": "none", "rule": own}
    assert judged(**plain, optimised=True).sentence.startswith(
        "was updated (the optimiser in the file has moved it), but no filter structure"
    )
    resting = judged(**plain, optimised=False)
    assert ", the optimiser in the file never moved it, none of" in resting.sentence
    assert [each.verdict for each in among_trained([resting, moved], False)] == ["initial", "updated"]
    # Another that it never moved was trained before: so may this one have been.
    pretrained = dataclasses.replace(moved, is_frozen=True)
    assert [each.verdict for each in among_trained([resting, pretrained], False)] == ["undecided", "updated"]


def test_a_layer_that_the_file_marks_as_frozen_is_judged_by_its_weights(judged, subject_of, glorot) -> None:
    few = subject_of(glorot((11, 1, 3, 3)), np.zeros(11)).kernels
    plain = {"kernels": few, "bias": "none", "rule": Identified(DEFAULT, known=True)}
    first, moved = judged(**plain, marked_frozen=True), Judgement("updated", "")
    assert first.sentence.endswith(f"{NOTHING[-9:]}; the file marks it as frozen")
    (beside, _) = among_trained([first, moved], training=False)
    assert beside.verdict == "undecided"
    assert beside.sentence.endswith("that the network was trained; the file marks it as frozen")
    trained = judged(bias="moved", marked_frozen=True)
    assert trained.verdict == "updated"
    assert trained.sentence.endswith(
        "; the file marks it as frozen, though it was trained at some time, or set by hand"
    )
    assert "marks" not in judged(bias="moved").sentence


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("family", "p", "fit_p", "expected"),
    [
        ("normal", 0.0099, 0.7, "undecided"),
        ("normal", 0.0101, 0.7, "initial"),
        ("normal", 0.4, 0.049, "undecided"),
        ("normal", 0.4, 0.051, "initial"),
        ("uniform", 0.0099, 0.049, "initial"),  # a weight beyond the bound would show
    ],
)
def test_many_normal_draws_with_a_hint_of_change_are_no_first_weights_where_others_moved(
    judged, subject_of, family, p, fit_p, expected
) -> None:
    rule = next(each for each in CATALOGUE if each.family == family)
    weights = np.random.default_rng(0).normal(0, 0.1, (64, 64, 3, 3))
    origin = Provenance(fits=(Fit(("as named",), family, 0.1, fit_p, (rule,)),), free=())
    alone = judged(
        found("spike", p=p),
        kernels=subject_of(weights).kernels,
        bias="none",
        rule=Identified(rule, known=True),
        origin=origin,
    )
    assert among_trained([Judgement("updated", ""), alone], training=False)[1].verdict == expected
    assert among_trained([alone], training=False)[0].verdict == "initial"


def test_faint_structure_in_a_layer_that_looks_untouched_tells_nothing_of_the_others(
    judged, subject_of, glorot
) -> None:
    few = subject_of(glorot((11, 1, 3, 3)), np.zeros(11)).kernels
    other = judged(kernels=few, bias="none", rule=Identified(DEFAULT, known=True))

    def beside(p: float, **changed) -> list[str]:
        first = judged(found("spike", p=p), **changed)
        return [each.verdict for each in among_trained([first, other], training=False)]

    assert beside(0.011 * LEVEL) == ["structured", "initial"]
    assert beside(0.009 * LEVEL) == ["structured", "undecided"]
    assert beside(0.011 * LEVEL, bias="moved") == ["structured", "undecided"]


def test_structure_of_weights_that_were_set_to_zero_counts_where_shuffled_ones_have_none(
    judged, subject_of
) -> None:
    random = np.random.default_rng(35)
    values = random.normal(0, 0.1, (16, 3, 3, 3))
    sparse = subject_of(np.where(random.uniform(size=values.shape) < 0.9, 0, values)).kernels
    test = sign_sphericity(sparse)
    assert test is not None
    assert test.p < 0.01 * LEVEL  # its null does not hold
    assert judged(found("sphericity", p=test.p), kernels=sparse).verdict == "undecided"
    values = random.normal(0, 0.1, (40, 8, 3, 3))
    dense = subject_of(np.where(random.uniform(size=values.shape) < 0.5, 0, values)).kernels
    assert judged(found("sphericity", p=1e-9), kernels=dense).verdict == "undecided"
    smooth = values + random.normal(0, 0.15, (40, 8, 1, 1))
    pruned = subject_of(np.where(np.abs(smooth) < np.median(np.abs(smooth)), 0, smooth)).kernels
    assert judged(found("sphericity", p=1e-9), kernels=pruned).verdict == "structured"


def test_a_fit_counts_from_bonferronis_level_on(judged) -> None:
    def verdict(p: float) -> str:
        fit = dataclasses.replace(DEFAULT_FIT, p=p)
        return judged(origin=Provenance(fits=(fit,), free=())).verdict

    assert verdict(LEVEL) == verdict(1.01 * LEVEL) == "initial"
    assert verdict(0.99 * LEVEL) == "updated"


def test_an_initialisers_layer_in_its_own_words(judged) -> None:
    assert (judged().verdict, judged().sentence) == (
        "initial",
        "indistinguishable from initialisation: its weights are as GlorotUniform() draws them, "
        f"all biases are 0, as at the start, {NOTHING}",
    )
    orthogonal = Fit(("Orthogonal()",), "matrix", 0.1, 1.0)
    sentence = judged(origin=Provenance(fits=(orthogonal,), free=())).sentence
    assert "its weights are Orthogonal(), as an initialiser makes them, all biases" in sentence


def test_draws_of_another_scale(judged) -> None:
    def with_free(*free: Fit, **changed) -> Judgement:
        return judged(origin=Provenance(fits=(), free=free), **changed)

    zero = with_free(FREE_NORMAL)
    assert (zero.verdict, zero.sentence) == (
        "initial",
        "indistinguishable from initialisation: its weights are as normal draws of std 0.1, a "
        f"scale that no known initialiser gives, all biases are 0, as at the start, {NOTHING}",
    )
    none = with_free(FREE_NORMAL, bias="none")
    assert (none.verdict, none.sentence) == (
        "undecided",
        "cannot tell, because its weights are as normal draws of std 0.1, a scale that no known initialiser "
        "gives, and it has no biases that would tell more",
    )
    # A layer of a scale that nobody draws casts doubt on what the others seem to be.
    assert among_trained([judged(bias="none", rule=Identified(DEFAULT, known=False)), none], False)[
        0
    ].verdict == ("undecided")
    assert with_free(FREE_UNIFORM, bias="none").verdict == "initial"
    moved = with_free(dataclasses.replace(FREE_UNIFORM, p=0.99 * LEVEL))
    assert (moved.verdict, moved.sentence) == (
        "updated",
        "was updated (no initialiser of any scale draws such weights), but no filter structure can be "
        f"detected: {NOTHING}",
    )
    assert with_free().verdict == "updated"


@pytest.mark.parametrize(("n", "verdict"), [(49, "undecided"), (50, "initial")])
def test_fifty_weights_are_enough(judged, subject_of, n, verdict) -> None:
    weights = np.random.default_rng(0).uniform(-1, 1, (n, 1, 1, 1))
    few = subject_of(weights, np.zeros(n))
    judgement = judged(kernels=few.kernels)
    assert judgement.verdict == verdict
    assert (judgement.sentence == "too few weights to tell (49): nothing stands out, but nothing could") == (
        n == 49
    )
    # What has moved is evidence however few there are.
    assert judged(kernels=few.kernels, bias="moved").verdict == "updated"


def test_how_little_was_tested_is_told(subject_of, glorot) -> None:
    subject = dataclasses.replace(subject_of(glorot((20, 20, 3, 3)), np.zeros(20)), origin=FITTING)
    basis = {"bias": found("bias"), "residue": found("residue", value=None)}
    one = {"sphericity": found("sphericity", p=0.4)}
    assert judge(subject, basis, 0).sentence.endswith(
        "text of bias, and it is too small for any test of structure"
    )
    assert judge(subject, basis | one, 0).sentence.endswith("text of bias, no test finds structure")
    strong = {"sphericity": found("sphericity", p=0.5 * LEVEL)}
    assert judge(subject, basis | one | strong, 0).sentence.endswith(
        "although the one test of structure passes: too faint where all else fits"
    )


def test_the_words_of_verdicts_are_written_once() -> None:
    package = Path(filtviz.__file__).parent
    words = [INDISTINGUISHABLE, WAS_UPDATED, COLLAPSED, *(each.together for each in VERDICTS.values())]
    words += [text for each in VERDICTS.values() for text in (each.check, each.may_mean[-40:]) if text]
    for path in package.rglob("*.py"):
        literals = "\n".join(re.findall(r'f?"[^"\n]*"', path.read_text()))
        if path.name != "verdicts.py":
            assert not [word for word in words if word in literals], path


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "verdict", "moved", "said"),
    [
        (1, "initial", False, "is indistinguishable from initialisation"),
        (2, "collapsed", True, "are structured, but collapsed to few directions"),
        (1, "updated", False, "was updated, but no filter structure can be detected"),
        (2, "updated", True, "were updated, but no filter structure can be detected"),
        (1, "structured", True, "was updated and is statistically structured"),
        (2, "structured", True, "were updated and are statistically structured"),
        (2, "structured", False, "are statistically structured"),
    ],
)
def test_a_verdict_of_one_layer_and_of_several(n, verdict, moved, said) -> None:
    assert said_of(n, verdict, moved=moved) == said
    was = said.partition(" ")[0]
    folded = f"{was} trained, or a batch normalisation was folded in, but no filter structure can be detected"
    assert said_of(n, verdict, moved=moved, may_be_folded=True) == (folded if verdict == "updated" else said)


@pytest.mark.cases("all")
@pytest.mark.parametrize("bias", [None, np.zeros(8), np.linspace(-1, 1, 8)])
def test_a_matrix_that_an_initialiser_makes_was_trained_where_its_biases_moved(bias) -> None:
    weights = np.linalg.qr(np.random.default_rng(0).standard_normal((36, 36)))[0][:8].reshape(8, 4, 3, 3)
    (found,) = filtviz.diagnose(filtviz.Network.of([conv(weights, bias)])).layers
    moved = bias is not None and bias.any()
    assert found.verdict == ("updated" if moved else "initial")


@pytest.mark.cases("all")
@pytest.mark.parametrize(("moved", "resting"), [("c", ""), ("", "c"), ("", "")])
def test_a_matrix_that_an_initialiser_makes_was_trained_where_the_optimiser_moved_it(moved, resting) -> None:
    """As it moves weights that are kept orthogonal."""
    weights = np.linalg.qr(np.random.default_rng(0).standard_normal((36, 36)))[0][:8].reshape(8, 4, 3, 3)
    origin = Origin(moved=frozenset(moved), resting=frozenset(resting))
    (found,) = filtviz.diagnose(filtviz.Network.of([conv(weights, name="c")], origin)).layers
    assert (found.verdict, found.is_frozen) == ("updated" if moved else "initial", bool(resting))


@pytest.mark.cases("all")
@pytest.mark.parametrize("verdict", VERDICTS)
def test_what_has_moved_tells_of_training_but_for_what_is_faint(verdict) -> None:
    moved = verdict in ("updated", "structured", "collapsed")
    plain, faint = Judgement(verdict, ""), Judgement(verdict, "", is_faint=True)
    assert (plain.has_moved, plain.tells_of_training) == (moved, moved)
    assert (faint.has_moved, faint.tells_of_training) == (moved, False)
    assert Judgement(verdict, "", is_odd=True).tells_of_training


@pytest.mark.cases("all")
@pytest.mark.parametrize("bias", ["zero", "drawn", "none", "constant"])
@pytest.mark.parametrize("family", ["uniform", "normal"])
def test_draws_of_a_scale_of_their_own_count_where_the_biases_agree_or_they_have_a_bound(
    judged, bias: str, family
) -> None:
    own = Fit(("draws of a scale",), family, 0.1, 0.5)
    judgement = judged(origin=Provenance(fits=(), free=(own,)), bias=bias)
    is_initial = family == "uniform" or bias in ("zero", "drawn")
    assert (judgement.verdict == "initial") == is_initial
    assert judgement.is_odd == (not is_initial)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("p", "known", "of_own", "is_odd"),
    [
        (1e-5, True, True, False), (9.9e-6, True, True, True), (1e-5, False, False, False),
        (9.9e-6, False, False, True), (1e-3, True, False, True),
    ],
)  # fmt: skip
def test_a_scale_that_chance_may_give_in_one_of_many_layers_tells_of_no_training(
    judged, p: float, known: bool, of_own: bool, is_odd: bool
) -> None:
    free = Fit(("draws of a scale",), "normal", 0.1, 0.5)
    near = Fit(("a rule's",), "normal", 0.101, p, rules=(DEFAULT,) if of_own else ())
    judgement = judged(
        origin=Provenance(fits=(near,), free=(free,)), bias="none", rule=Identified(DEFAULT, known=known)
    )
    assert (judgement.verdict, judgement.is_odd) == ("undecided", is_odd)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("verdict", "more", "one", "two"),
    [
        ("initial", {}, "{x} is still as it was drawn", "{x} are still as they were drawn"),
        (
            "updated",
            {"how": "trained"},
            "{x} was trained and looks random",
            "{x} were trained and look random",
        ),
        ("undecided", {}, "{x} cannot be judged", "{x} cannot be judged"),
    ],
)
def test_an_answer_is_said_of_one_layer_and_of_several(verdict, more, one, two) -> None:
    """Whatever a layer is called, its name stands as it is."""
    for n, said in ((1, one), (2, two)):
        assert VERDICTS[verdict].answered("{x}", n, **more) == said


def test_a_verdict_says_in_an_answer_either_what_it_is_or_what_it_may_mean() -> None:
    assert [key for key, text in VERDICTS.items() if not (text.answer or text.may_mean)] == []
