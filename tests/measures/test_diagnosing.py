"""Whole diagnoses: verdicts and their exact sentences, odd layers, planted faults."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.building import chain, conv

import filtviz
from filtviz.budget import Account, Budget
from filtviz.errors import MeasureError
from filtviz.measures import diagnosing
from filtviz.measures.badges import ALL_BADGES, badges_of
from filtviz.measures.diagnosing import first_to_look_at, with_images
from filtviz.measures.measure import Diagnosis, FilterDiagnosis, LayerDiagnosis
from filtviz.measures.table import CHECKS, LEVEL, MEASURES
from filtviz.measures.verdicts import ALL_MARKED, OUT_OF_RANGE, VERDICTS
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Identity

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl"
SMOOTH = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
FORBIDDEN = ("good", "overfit", "activation", "saturat", "no dead")


def alone(make_conv, weights, bias=True):
    biases = np.zeros(weights.shape[0]) if bias is True else bias if bias is not False else None
    return Network.of([make_conv(weights, biases)])


def only(network: Network, **options):
    (layer,) = filtviz.diagnose(network, **options).layers
    return layer


def test_what_a_survey_needs_has_the_usual_budget_where_none_is_given(monkeypatch, make_conv, glorot) -> None:
    accounts = []

    class Usual(Budget):
        def account(self, *networks: Network) -> Account:
            accounts.append(super().account(*networks))
            return accounts[-1]

    monkeypatch.setattr(diagnosing, "Budget", Usual)
    network = alone(make_conv, glorot((8, 1, 3, 3)))
    diagnosing.measure(network)
    diagnosing.measure(network, Account.unlimited())
    assert len(accounts) == 1


def test_untrained_in_its_own_words(make_conv, glorot) -> None:
    layer = only(alone(make_conv, glorot((20, 1, 3, 3), seed=5)))
    assert layer.verdict == "initial"
    assert layer.sentence == (
        "conv1: indistinguishable from initialisation: its weights are as GlorotUniform() draws them, "
        "all biases are 0, as at the start, none of 3 tests finds structure."
    )
    assert layer.initialiser == "GlorotUniform()"
    assert layer.residue > 0.99


def test_updated_in_its_own_words(make_conv, glorot) -> None:
    layer = only(alone(make_conv, glorot((40, 40, 3, 3)), bias=np.linspace(0, 0.1, 40)))
    assert layer.verdict == "updated"
    assert layer.sentence.startswith(
        "conv1: was updated (the biases have left their start), but no "
        "filter structure can be "
        "detected: none of 3 tests finds structure; "
    )
    assert layer.sentence.endswith(
        "; over 99% of the visible variance is still the initial noise (over 99% to 100%)."
    )


def test_structured_in_its_own_words(make_conv, glorot) -> None:
    weights = glorot((20, 20, 3, 3)) + 0.5 * SMOOTH * np.random.default_rng(1).standard_normal((20, 20, 1, 1))
    layer = only(alone(make_conv, weights))
    assert layer.verdict == "structured"
    assert layer.sentence.startswith(
        "conv1: statistically structured: the kernels are smoother than white noise, "
    )
    assert " other tests find structure too" in layer.sentence


def test_collapsed_in_its_own_words(make_conv, glorot) -> None:
    weights = 0.2 * glorot((20, 1, 3, 3)) + SMOOTH
    layer = only(alone(make_conv, weights))
    assert layer.verdict == "collapsed"
    assert layer.sentence.startswith(
        "conv1: structured, but collapsed to few directions: the first principal component holds 9"
    )


def test_orthogonal_layers_are_initial(make_conv) -> None:
    matrix = np.random.default_rng(0).standard_normal((20, 9))
    weights = np.linalg.svd(matrix, full_matrices=False)[0].reshape(20, 1, 3, 3)
    layer = only(alone(make_conv, weights.astype("float32")))
    assert layer.verdict == "initial"
    assert "its weights are Orthogonal(), as an initialiser makes them" in layer.sentence


def test_few_weights_cannot_tell(make_conv, glorot) -> None:
    layer = only(alone(make_conv, glorot((1, 1, 3, 3))))
    assert layer.verdict == "undecided"
    assert layer.sentence == "conv1: too few weights to tell (9): nothing stands out, but nothing could."


def test_a_scale_of_its_own(make_conv) -> None:
    weights = np.random.default_rng(4).normal(0, 0.07, (40, 40, 3, 3))
    assert only(alone(make_conv, weights)).verdict == "initial"
    layer = only(alone(make_conv, weights, bias=False))
    assert layer.verdict == "undecided"
    assert layer.sentence.startswith("conv1: cannot tell, because its weights are as normal draws of std 0.0")


def test_constant_biases_are_no_evidence(make_conv, glorot) -> None:
    assert only(alone(make_conv, glorot((20, 20, 3, 3)), bias=np.full(20, 0.1))).verdict == "initial"


def test_nan_and_infinity(make_conv, glorot) -> None:
    weights = glorot((8, 3, 3, 3)).copy()
    weights[2, 0, 0, 0], weights[5] = np.nan, np.inf
    diagnosis = filtviz.diagnose(alone(make_conv, weights))
    (layer,) = diagnosis.layers
    assert layer.verdict == "undecided"
    assert layer.sentence == (
        "conv1: cannot tell, because 2 of its 8 filters hold NaN or infinite numbers (2 and "
        "5), as a diverged "
        "training leaves."
    )
    assert diagnosis.checks["nonfinite"] == ("conv1",)
    bias = np.zeros(8)
    bias[3] = np.nan
    assert "1 of its 8 filters holds NaN or infinite numbers (3)" in (
        only(alone(make_conv, glorot((8, 3, 3, 3)), bias=bias)).sentence
    )


def test_filters_of_a_layer_that_cannot_be_judged_are_all_there(make_conv, glorot) -> None:
    weights = glorot((4, 3, 3, 3)).copy()
    weights[1, 0, 0, 0], weights[2] = np.nan, 0
    layer = only(alone(make_conv, weights))
    assert [(each.index, each.nonfinite, each.decayed) for each in layer.filters] == [
        (0, False, False), (1, True, False), (2, False, True), (3, False, False),
    ]  # fmt: skip
    assert layer.filters[0].norm == pytest.approx(np.linalg.norm(weights[0]))
    assert layer.filters[1].norm is None
    assert filtviz.diagnose(alone(make_conv, np.zeros((4, 3, 3, 3)))).checks["dead"] == ("conv1",)


@pytest.mark.slow
def test_weights_beyond_the_bound_that_the_network_bears_the_trace_of(make_conv, make_chain, glorot) -> None:
    random = np.random.default_rng(0)
    weights = [
        glorot(shape, seed=i) for i, shape in enumerate([(20, 1, 3, 3), (40, 20, 3, 3), (40, 40, 3, 3)])
    ]
    layers = [w + 0.15 * w.std() * random.standard_normal(w.shape) for w in weights]
    trained = filtviz.diagnose(make_chain(*[make_conv(each, None) for each in layers]))
    first = trained.layers[0]
    assert first.verdict == "updated"
    assert "of the weights lie beyond the ±0.178 of GlorotUniform()" in first.sentence
    # A first layer drawn by another rule is no evidence where nothing shows that the others were trained.
    mixed = [1.4 * weights[0], *weights[1:]]
    untrained = filtviz.diagnose(make_chain(*[make_conv(each, None) for each in mixed]))
    assert [layer.verdict for layer in untrained.layers] == ["initial"] * 3


@pytest.mark.slow
def test_a_small_p_value_is_not_called_nothing(make_conv, glorot) -> None:
    layer = next(
        layer
        for seed in range(200)
        if LEVEL
        < (layer := only(alone(make_conv, glorot((20, 1, 3, 3), seed=seed)))).finding("low-frequency").p
        < 0.05
    )
    assert re.fullmatch(
        r"the kernels are no smoother or rougher than noise at the level that counts \(z = -?[23]\.\d\)",
        layer.finding("low-frequency").text,
    )


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_constant_weights(make_conv, value) -> None:
    layer = only(alone(make_conv, np.full((8, 3, 3, 3), value)))
    assert layer.sentence == f"conv1: cannot tell, because 216 weights of {value:g} is all that it holds."


ODD = [
    (64, 32, 1, 1),
    (16, 8, 1, 7),
    (16, 8, 7, 1),
    (16, 8, 2, 2),
    (1, 20, 3, 3),
    (1, 1, 11, 11),
    (512, 1, 3, 3),
]


@pytest.mark.parametrize("shape", ODD)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_odd_shapes_and_types_of_untrained_layers(make_conv, glorot, shape, dtype) -> None:
    layer = only(alone(make_conv, glorot(shape, seed=7, dtype=dtype)))
    assert layer.verdict == "initial"
    assert layer.shape == shape


@pytest.mark.cases("all")
@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_extreme_scales_get_an_answer(make_conv, glorot, scale) -> None:
    layer = only(alone(make_conv, glorot((16, 8, 3, 3), dtype="float64") * scale))
    assert layer.verdict == ("initial" if 1e-70 < scale < 1e70 else "undecided")


def test_no_weights_at_all(make_conv) -> None:
    diagnosis = filtviz.diagnose(alone(make_conv, np.zeros((0, 3, 3, 3))))
    assert diagnosis.layers == ()
    assert diagnosis.unjudged[0].reason == "its weights are empty, of shape (0, 3, 3, 3)"


def test_volumes_and_curves_are_not_judged(make_conv, glorot) -> None:
    curve = ConvLayer.of(np.zeros((4, 2, 5)), axes="oic", type="Conv1DLayer", name="sound")
    diagnosis = filtviz.diagnose(Network.of([curve]))
    assert diagnosis.layers == ()
    assert (
        diagnosis.unjudged[0].reason == "its filters are curves over one axis, not two-dimensional pictures"
    )
    assert diagnosis.summary == (
        "Nothing can be judged here: sound is left out because its filters are curves over one axis, not "
        "two-dimensional pictures."
    )
    both = filtviz.diagnose(Network.of([curve, make_conv(glorot((20, 1, 3, 3)), np.zeros(20))]))
    assert [layer.verdict for layer in both.layers] == ["initial"]


def test_a_network_without_convolutions() -> None:
    diagnosis = filtviz.diagnose(Network.of([Layer(type="DenseLayer")]))
    assert diagnosis.summary == "The network has no convolution, so that there are no filters to judge."
    assert diagnosis.commands == ()


def test_planted_faults_are_checks(make_conv, make_chain, glorot) -> None:
    weights = glorot((20, 3, 3, 3)).copy()
    weights[7] = weights[2] * 2
    weights[11] *= 1e-3
    weights[13] = -np.abs(weights[13])
    network = make_chain(make_conv(weights, np.zeros(20)))
    diagnosis = filtviz.diagnose(network, input_range=(0, 1))
    (layer,) = diagnosis.layers
    assert [f.index for f in layer.filters if f.dead] == [13]
    assert [f.index for f in layer.filters if f.decayed] == [11]
    assert {f.index: f.duplicates for f in layer.filters if f.duplicates} == {2: (7,), 7: (2,)}
    assert diagnosis.checks["dead"] == diagnosis.checks["duplicates"] == ("conv1",)
    assert diagnosis.checks["nonfinite"] == ()
    assert set(diagnosis.checks) == set(CHECKS)
    symbols = {index: "".join(b.symbol for b in badges) for index, badges in badges_of(layer).items()}
    assert symbols[2] == symbols[7] == "="
    assert (symbols[11], symbols[13][0]) == ("-", "x")


@pytest.mark.slow
def test_planted_quantisation_and_clipping_are_checks(make_conv, glorot) -> None:
    weights = glorot((40, 40, 3, 3))
    quantised = filtviz.diagnose(alone(make_conv, np.round(weights * 100) / 100)).checks
    clipped = filtviz.diagnose(alone(make_conv, np.clip(weights, -0.05, 0.05))).checks
    assert quantised["quantised"] == clipped["clipped"] == ("conv1",)
    assert filtviz.diagnose(alone(make_conv, weights)).checks["quantised"] == ()


def test_smooth_filters_get_their_badge_and_come_first(make_conv, glorot) -> None:
    weights = glorot((20, 8, 3, 3)).copy()
    weights[5] += 2 * SMOOTH * np.random.default_rng(0).standard_normal((8, 1, 1))
    layer = only(alone(make_conv, weights))
    assert layer.filters[5].texture == "smooth"
    assert layer.first_filters[0] == 5
    assert "s" in [badge.symbol for badge in badges_of(layer)[5]]


def test_a_laplacian_may_be_named(make_conv, glorot) -> None:
    weights = glorot((20, 1, 3, 3)).copy()
    weights[4, 0] = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]) * 0.04
    layer = only(alone(make_conv, weights))
    assert [(f.index, f.classical) for f in layer.filters if f.classical] == [(4, "Laplacian (4 neighbours)")]
    assert layer.filters[4].likeness == pytest.approx(1)
    assert layer.filters[4].share == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_the_same_weights_give_the_same_answer(make_conv, make_chain, glorot) -> None:
    def diagnose():
        layers = [make_conv(glorot((12, c, 3, 3), i), np.arange(12.0)) for i, c in enumerate([1, 12])]
        return filtviz.diagnose(make_chain(*layers))

    assert asdict(diagnose()) == asdict(diagnose())


@pytest.mark.slow
def test_every_finding_is_in_the_table(make_conv, make_chain, glorot) -> None:
    layers = [make_conv(glorot((12, c, 3, 3), i), np.arange(12.0)) for i, c in enumerate([1, 12, 12])]
    diagnosis = filtviz.diagnose(make_chain(*layers))
    taken = {finding.measure for layer in diagnosis.layers for finding in layer.findings}
    assert taken <= set(MEASURES)
    assert {key for key, entry in MEASURES.items() if entry.judges} == {
        f.measure for layer in diagnosis.layers for f in layer.findings if f.judges
    }
    assert set(MEASURES) - taken == {"orientation", "change", "normalisation"}


@pytest.mark.slow
def test_nothing_is_claimed_that_weights_cannot_show(make_conv, make_chain, glorot) -> None:
    texts = [
        *(each.says for each in VERDICTS.values()),
        *CHECKS.values(),
        *(badge.meaning for badge in ALL_BADGES),
    ]
    for seed in range(3):
        layers = [make_conv(glorot((12, c, 3, 3), seed), np.arange(12.0) * seed) for c in (1, 12)]
        diagnosis = filtviz.diagnose(make_chain(*layers), input_range=(0, 1))
        texts += [diagnosis.summary, *(layer.sentence for layer in diagnosis.layers)]
        texts += [finding.text for layer in diagnosis.layers for finding in layer.findings]
    for text in texts:
        assert not any(word in text.lower() for word in FORBIDDEN), text


@pytest.mark.parametrize("wrong", [(1.0, 0.0), "01", (0, "1")])
def test_an_empty_input_range_is_refused(make_conv, glorot, wrong) -> None:
    with pytest.raises(MeasureError, match="the input range must be two finite numbers, the lower first"):
        filtviz.diagnose(alone(make_conv, glorot((4, 1, 3, 3))), input_range=wrong)


def test_a_range_may_be_one_number(make_conv, glorot) -> None:
    network = alone(make_conv, glorot((4, 1, 3, 3)), np.zeros(4))
    diagnosis = filtviz.diagnose(network, input_range=np.full(2, 0.5))  # type: ignore[arg-type]
    assert any(finding.measure == "dead" for finding in diagnosis.layers[0].findings)


def test_marks_of_layers_without_parameters_tell_nothing_of_frozen_ones(
    make_conv, make_chain, glorot
) -> None:
    frozen = replace(make_conv(glorot((4, 1, 3, 3))), trainable=False)
    dropout = Layer(name="dropout", operations=(Identity(what="dropout"),), trainable=True)
    assert ALL_MARKED in filtviz.diagnose(make_chain(frozen, dropout)).notes
    free = replace(make_conv(glorot((4, 4, 3, 3), 1)), trainable=True)
    assert ALL_MARKED not in filtviz.diagnose(make_chain(frozen, dropout, free)).notes


@pytest.mark.slow
def test_an_earlier_file_decides_where_few_weights_cannot(make_conv, make_chain, glorot) -> None:
    """Of few weights in a trained network it measures whether they moved, which nothing else can tell."""
    random = np.random.default_rng(0)
    start = glorot((10, 1, 3, 3))
    trained = random.normal(0, 1, (20, 10, 1, 1)) + random.normal(0, 0.1, (20, 10, 3, 3))

    def network(first: np.ndarray) -> Network:  # a trained layer lies before it, so that it looks not frozen
        other = make_conv(random.normal(0, 1, (1, 3, 1, 1)) + np.zeros((1, 3, 3, 3)), name="a")
        return make_chain(other, make_conv(first, name="b"), make_conv(trained, np.arange(20.0), name="c"))

    moved = start + 0.01 * np.roll(start, 1, axis=0)
    alone = filtviz.diagnose(network(moved)).layers[1]
    assert (alone.verdict, "too few to see" in alone.sentence) == ("undecided", True)
    since = filtviz.diagnose(network(moved), before=[("start.pkl", network(start))]).layers[1]
    assert since.verdict == "updated"
    assert (
        "was updated since start.pkl (cos² 1); by its weights alone it is indistinguishable" in since.sentence
    )
    still = filtviz.diagnose(network(start), before=[("start.pkl", network(start))]).layers[1]
    assert still.verdict == "initial"


def test_a_layer_as_drawn_has_not_moved_from_the_start_of_another_network(make_conv, glorot) -> None:
    first, other = (Network.of([make_conv(glorot((20, 20, 3, 3), seed), np.zeros(20))]) for seed in (1, 2))
    diagnosis = filtviz.diagnose(first, before=[("other.pkl", other)])
    assert diagnosis.layers[0].verdict == "initial"
    assert diagnosis.answer.endswith("common with other.pkl: that is no earlier state of this network.")


@pytest.mark.parametrize(
    ("fold", "training", "was"),
    [
        (True, (), "was trained, or a batch normalisation was folded in (12% of"),
        (True, ("it holds the state of Adam",), "was updated (12% of"),
        (False, (), "indistinguishable from initialisation"),
    ],
)
def test_a_normalisation_that_was_folded_in_is_told_wherever_a_layer_is(
    make_conv, glorot, fold, training, was
) -> None:
    weights = glorot((20, 20, 3, 3))
    scale = np.exp(np.random.default_rng(1).normal(0, 0.5, (20, 1, 1, 1))) if fold else 1
    network = Network.of([make_conv(weights * scale, name="a")], Origin(training=training))
    diagnosis = filtviz.diagnose(network)
    folded = "a batch normalisation was folded in" in was
    assert diagnosis.layers[0].sentence.startswith(f"a: {was}")
    assert all(
        ("was trained, or a batch normalisation was folded in, " in text) is folded
        for text in (diagnosis.answer, diagnosis.summary)
    )


def test_hostile_names_reach_no_sentence(make_conv, glorot) -> None:
    network = Network.of([make_conv(glorot((20, 1, 3, 3)), np.zeros(20), name="a\x1b[2J\u202eb")])
    diagnosis = filtviz.diagnose(network, before=[("\x1b]0;x", network)])
    for text in (diagnosis.summary, *diagnosis.commands, diagnosis.layers[0].sentence):
        assert text.isprintable()
        assert "\u202e" not in text


def test_commands_name_the_file_as_a_shell_reads_it(make_conv, glorot) -> None:
    network = alone(make_conv, glorot((20, 1, 3, 3)))
    named = replace(network, origin=replace(network.origin, path="my net.pkl"))
    found = filtviz.diagnose(named)
    assert found.commands == ("filtviz diagnose 'my net.pkl' --details",)
    assert found.more_command == "filtviz diagnose YOUR-TRAINED-FILE.pkl --before 'my net.pkl'"


def seen(index: int, norm: float = 1.0, share_p: float | None = None, composed_p: float | None = None):
    return FilterDiagnosis(
        index=index,
        norm=norm,
        share_p=share_p,
        texture="smooth" if share_p is not None and share_p < 0.05 else None,
        composed_p=composed_p,
        composed_texture="rough" if composed_p is not None and composed_p < 0.05 else None,
    )


def test_the_surest_filters_come_first_and_not_the_largest() -> None:
    filters = [
        seen(0, norm=9.0, share_p=0.04),
        seen(1, norm=1.0, share_p=0.01),
        seen(2, norm=2.0, share_p=0.9, composed_p=0.001),
        seen(3, norm=50.0, share_p=0.5),
        seen(4, norm=3.0, share_p=0.01),
        seen(5, norm=0.5, composed_p=0.02),
        seen(6, norm=0.4, share_p=0.03, composed_p=0.3),
    ]
    assert first_to_look_at(filters) == (2, 4, 1, 5, 6)
    assert first_to_look_at(filters[:2]) == (1, 0)


def test_where_no_filter_stands_out_the_largest_come_first() -> None:
    filters = [seen(i, norm=norm, share_p=0.2) for i, norm in enumerate((1.0, 5.0, 2.0, 4.0, 3.0, 0.5))]
    assert first_to_look_at(filters) == (1, 3, 4, 2, 0)
    assert first_to_look_at([]) == ()


HEAVY = ("scipy.stats", "scipy.optimize", "scipy.ndimage", "scipy.fft", "scipy.linalg", "matplotlib")


@pytest.mark.slow
def test_importing_measures_imports_no_scipy_and_diagnosing_only_its_special_functions() -> None:
    code = (
        "import sys, filtviz.measures.diagnosing as diagnosing, filtviz\n"
        "print('scipy' in sys.modules)\n"
        f"diagnosing.diagnose(filtviz.load({str(EXAMPLE)!r}))\n"
        "print('scipy.special._ufuncs' in sys.modules, 'scipy.special' in sys.modules)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    # From 1.18 on scipy's functions import scipy.linalg; what they bring along is none of ours.
    alone = (
        "import sys; from filtviz.special_functions import ndtr\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    brought = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False", "True False", brought.stdout.strip()]


@pytest.mark.slow
def test_the_missions_network_takes_under_a_second(make_conv, make_chain, make_pool, glorot) -> None:
    shapes = [(20, 1), (20, 20), (20, 20), (40, 20), (40, 40), (40, 40)]
    convs = [make_conv(glorot((*shape, 3, 3), i), np.zeros(shape[0])) for i, shape in enumerate(shapes)]
    network = make_chain(*convs[:3], make_pool(), *convs[3:], make_pool())
    start = time.process_time()
    filtviz.diagnose(network)
    taken = time.process_time() - start
    if taken > 1:
        warnings.warn(
            f"diagnosing took {taken:.1f} s; a busy machine, or slower code?",
            DeprecationWarning,
            stacklevel=1,
        )
    assert taken < 10


def test_nan_in_the_following_layer_leaves_the_coupling_out(make_conv, make_chain, glorot) -> None:
    broken = glorot((20, 20, 3, 3)).copy()
    broken[3] = np.nan
    network = make_chain(make_conv(glorot((20, 1, 3, 3)), np.zeros(20)), make_conv(broken, np.zeros(20)))
    first, second = filtviz.diagnose(network).layers
    assert (first.verdict, second.verdict) == ("initial", "undecided")
    assert first.finding("coupling") is None
    assert all(each.reliance is None for each in first.filters)


@pytest.mark.slow
def test_filters_of_more_than_32_pixels_are_not_composed(make_conv, make_chain) -> None:
    random = np.random.default_rng(0)
    too_many = "not composed with the layers below: 33x32 pixels are more than the 32 measured"
    for side, why in ((16, ()), (17, (too_many,))):
        lower, upper = random.standard_normal((2, 1, 17, 17)), random.standard_normal((2, 2, side, 16))
        _, layer = filtviz.diagnose(make_chain(make_conv(lower), make_conv(upper))).layers
        assert layer.notes == why
        assert layer.composed_size == (None if why else (32, 32))
        assert (layer.finding("composed") is None) == bool(why)


def test_what_was_inferred_stands_before_the_other_notes(make_conv, glorot) -> None:
    network = Network.of([make_conv(glorot((4, 1, 3, 3)))])
    told = replace(network, origin=replace(network.origin, inferred=("inferred",), notes=("noted",)))
    assert filtviz.diagnose(told).notes == ("inferred", "noted")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("fires", "ends", "told"),
    [
        ((0.0, 0.5), (0.25, None), [(0.0, 0.25), (0.5, None)]),
        ((0.0, 0.5), None, [(0.0, None), (0.5, None)]),
        ((0.0,), None, [(None, None), (None, None)]),  # its units are no filters: of a convolution in groups
        ((0.0, 0.5, 1.0), None, [(None, None), (None, None)]),
        (None, None, [(None, None), (None, None)]),
    ],
)
def test_what_images_tell_stands_beside_the_filters_that_answered(fires, ends, told) -> None:
    filters = tuple(FilterDiagnosis(index=i, norm=1.0) for i in range(2))
    layer = LayerDiagnosis(
        conv_index=0, name="a", type="Conv2d", shape=(2, 1, 3, 3), dtype="float32", sentence="So.",
        verdict="updated", initialiser="?", filters=filters,
    )  # fmt: skip
    answers: Any = (
        None if fires is None else SimpleNamespace(fires=fires, shares_at_end=ends, units=len(fires))
    )
    found: Any = SimpleNamespace(of=lambda index: answers if index == 0 else None, answer="They answer.")
    diagnosis = Diagnosis(file="m", layers=(layer,), answer="So it is.")
    both = with_images(diagnosis, found)
    assert [(each.fires, each.saturated) for each in both.layers[0].filters] == told
    assert (both.answer, both.shown) == ("So it is. They answer.", found)
    assert with_images(replace(diagnosis, answer=""), found).answer == "They answer."


@pytest.mark.cases("all")
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("scale", "is_refused"), [(1e-80, True), (1e-60, False), (1.0, False), (1e80, True)])
def test_only_what_is_beyond_all_range_is_refused_whatever_its_sign(sign, scale, is_refused) -> None:
    weights = sign * scale * np.random.default_rng(0).uniform(0.5, 1, (8, 2, 3, 3))
    (layer,) = filtviz.diagnose(chain(conv(weights))).layers
    assert (layer.why == OUT_OF_RANGE.why) == is_refused
