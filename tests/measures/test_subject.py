"""Where a network's weights come from: what identifies its initialiser, and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.building import conv, image
from tests.chains import rule_named

from filtviz.measures.initialiser_catalogue import (
    CATALOGUE,
    CUT_STD,
    DEFAULT,
    Fit,
    Rule,
    possible_draws,
    rules_of,
)
from filtviz.measures.kernels import Kernels
from filtviz.measures.residue import Magnitudes
from filtviz.measures.subject import (
    Identified,
    Provenance,
    _bias_states,
    _with_fit_of,
    gather_subjects,
    identify_rule,
    trace_provenance,
    would_show,
)
from filtviz.network import Network, Origin

HE = CATALOGUE[1]
NORMAL = CATALOGUE[2]
HE_RELU = rule_named("HeNormal(gain='relu')")
NOTHING = Provenance(fits=(), free=())


def fitting(p: float, *rules) -> Provenance:
    return Provenance(fits=(Fit(tuple(r.name for r in rules), rules[0].family, 0.1, p, rules),), free=())


@pytest.fixture
def blank(noise) -> Magnitudes:
    """A layer that bears no trace of uniform draws."""
    return Magnitudes.of(noise((20, 20, 3, 3)))


@pytest.fixture
def traced() -> Magnitudes:
    """A layer of the default's uniform draws, trained since."""
    random, shape = np.random.default_rng(0), (40, 40, 3, 3)
    bound = DEFAULT.bound(shape)
    return Magnitudes.of(
        Kernels.of(random.uniform(-bound, bound, shape) + random.normal(0, bound / 4, shape))
    )


def known(rule, traced: bool = False) -> Identified:
    return Identified(rule, known=True, traced=traced)


def test_a_fit_tells_the_rule(blank) -> None:
    assert identify_rule([blank], [fitting(0.5, HE)]) == known(HE)


def test_a_fit_counts_from_one_in_a_hundred_on(blank) -> None:
    assert identify_rule([blank], [fitting(0.01, HE)]) == known(HE)
    assert identify_rule([blank], [fitting(0.0099, HE)]) == Identified(DEFAULT, known=False)


def test_nothing_known_falls_back_on_the_frameworks_default(blank) -> None:
    assert identify_rule([blank], [NOTHING]) == Identified(DEFAULT, known=False)
    torch = identify_rule([blank], [NOTHING], "PyTorch")
    assert (torch.rule.name, torch.known, torch.framework) == ("PyTorch's default", False, "PyTorch")


def test_the_rule_that_fits_most_layers_is_the_networks(blank) -> None:
    both, one = fitting(0.2, DEFAULT, HE), fitting(0.1, HE)
    assert identify_rule([blank] * 2, [both, one]).rule == HE
    # Two that fit badly outvote one that fits well.
    assert (
        identify_rule([blank] * 3, [fitting(0.02, DEFAULT), fitting(0.9, HE), fitting(0.02, DEFAULT)]).rule
        == DEFAULT
    )


def test_the_largest_layer_chooses_among_which_rules_the_others_vote(blank) -> None:
    large, others = fitting(0.02, DEFAULT), [fitting(0.9, HE)] * 5
    assert identify_rule([blank] * 6, [large, *others]).rule == DEFAULT


@pytest.mark.slow
def test_where_the_largest_was_trained_its_trace_outweighs_a_smaller_ones_fit(blank, traced, noise) -> None:
    small = fitting(0.9, NORMAL)
    assert identify_rule([traced, blank], [NOTHING, small]) == known(DEFAULT, traced=True)
    # Of few weights a fit to normal draws tells nothing.
    assert identify_rule([blank, blank], [NOTHING, small]) == Identified(DEFAULT, known=False)
    enough = Magnitudes.of(noise((30, 30, 3, 3)))
    assert identify_rule([enough, enough], [NOTHING, small]) == known(NORMAL)
    # Where the largest fits itself, no trace is sought.
    assert identify_rule([traced], [fitting(0.5, HE)]) == known(HE)


def test_draws_of_another_scale_are_tried_where_nothing_fits(glorot) -> None:
    catalogued = trace_provenance(Kernels.of(glorot((20, 20, 3, 3))))
    assert catalogued.free == ()
    assert catalogued.p == catalogued.fits[0].p > 0.01
    other = trace_provenance(Kernels.of(0.7 * glorot((20, 20, 3, 3))))
    assert other.p < 0.01
    assert other.free is None


def test_where_a_frameworks_rules_fit_nothing_those_of_others_are_tried() -> None:
    random = np.random.default_rng(0)
    std = rule_named("Keras's he_normal").std((60, 40, 3, 3))
    cut = random.standard_normal(60 * 40 * 9 * 2)
    cut = cut[np.abs(cut) < 2][: 60 * 40 * 9].reshape(60, 40, 3, 3) * std / CUT_STD
    own = rules_of("PyTorch")
    converted = trace_provenance(Kernels.of(cut), own)
    assert [rule.name for rule in converted.fits[0].rules] == ["Keras's he_normal"]
    assert converted.p > 0.01
    torch = random.uniform(-1, 1, (60, 40, 3, 3)) / np.sqrt(360)
    assert all(rule in own for fit in trace_provenance(Kernels.of(torch), own).fits for rule in fit.rules)
    assert identify_rule([Magnitudes.of(Kernels.of(cut))], [NOTHING], "PyTorch").spoken == "Keras's he_normal"


def test_biases_of_a_small_layer_are_pytorchs_where_they_are_rather_than_may_be(
    make_conv, make_chain
) -> None:
    """The file does not tell who made it; other layers have moved, and their biases with them."""
    random = np.random.default_rng(1)
    small = random.normal(0, HE_RELU.std((16, 3, 3, 3)), (16, 3, 3, 3))
    trained = random.normal(0, 0.3, (32, 16, 3, 3))
    spread = np.linspace(-1, 1, 16) / np.sqrt(27)
    for bias, expected in ((spread, "drawn"), (0.2 * spread, "moved")):
        network = make_chain(make_conv(small, bias), make_conv(trained, np.linspace(0, 9, 32)))
        subjects = list(gather_subjects(network, network.conv_layers, None))
        assert [each.bias for each in subjects] == [expected, "moved"]


@pytest.mark.slow
def test_a_network_is_identified_on_its_three_largest_layers(
    make_conv, make_chain, subject_of, glorot
) -> None:
    he = np.random.default_rng(0).normal(0, HE.std((40, 20, 3, 3)), (40, 20, 3, 3))
    shapes = [(4, 1, 3, 3), (40, 4, 3, 3), (40, 40, 3, 3)]
    layers = [make_conv(glorot(shape, seed=i)) for i, shape in enumerate(shapes)]
    network = make_chain(*layers[:2], make_conv(glorot((20, 40, 3, 3), seed=5)), make_conv(he), layers[2])
    for place in range(5):
        subject = subject_of(network=network, place=place)
        assert (subject.rule.rule, subject.rule.known) == (DEFAULT, True)
    # The layer that another rule has drawn is not named after it.
    assert subject_of(network=network, place=3).initialisers == ("GlorotUniform()",)


@pytest.mark.slow
def test_a_smaller_layer_than_the_third_tells_nothing(make_conv, make_chain, subject_of, glorot) -> None:
    random = np.random.default_rng(0)
    third, fourth = glorot((16, 20, 3, 3)), glorot((12, 20, 3, 3))
    large = [make_conv(random.standard_t(3, (20, c, 3, 3))) for c in (1, 20, 20)]
    assert not subject_of(network=make_chain(*large, large[1], make_conv(fourth)), place=4).rule.known
    assert subject_of(network=make_chain(*large, make_conv(third)), place=3).rule.known


def test_rules_that_coincide_are_all_named(subject_of, glorot) -> None:
    assert subject_of(glorot((20, 20, 3, 3))).initialisers == ("GlorotUniform()", "HeUniform(gain=1)")
    assert subject_of(glorot((40, 20, 3, 3))).initialisers == ("GlorotUniform()",)
    assert subject_of(0.3 * np.random.default_rng(0).standard_normal((20, 20, 3, 3))).initialisers == ()


def test_an_orthogonal_layer_is_named_so_where_the_networks_rule_is_known(
    make_conv, make_chain, subject_of, glorot
) -> None:
    matrix = np.linalg.svd(np.random.default_rng(0).standard_normal((20, 9)), full_matrices=False)[0]
    network = make_chain(make_conv(matrix.reshape(20, 1, 3, 3)), make_conv(glorot((40, 20, 3, 3))))
    assert subject_of(network=network).initialisers == ("Orthogonal()",)


def test_rules_are_found_by_name() -> None:
    assert [rule_named(rule.name) for rule in CATALOGUE] == list(CATALOGUE)
    assert rule_named("he_normal") == rule_named("Keras's he_normal")
    assert rule_named("Orthogonal()") is None


def test_rules_coincide_where_they_draw_alike() -> None:
    square, wide = possible_draws((20, 20, 3, 3)), possible_draws((40, 20, 3, 3))
    assert len(square) < len(wide)
    for draws in (*square, *wide):
        shape = (20, 20, 3, 3) if draws in square else (40, 20, 3, 3)
        assert {(rule.family, f"{rule.std(shape):.6e}") for rule in draws.rules} == {
            (draws.family, f"{draws.std:.6e}")
        }
    assert {rule.name for rule in square[0].rules} == {"GlorotUniform()", "HeUniform(gain=1)"}


def test_rules_have_the_words_of_the_files_framework(make_conv, make_chain, subject_of, glorot) -> None:
    network = make_chain(make_conv(glorot((40, 20, 3, 3))))
    for framework, name in (
        ("", "GlorotUniform()"),
        ("PyTorch", "xavier_uniform_"),
        ("Keras", "glorot_uniform (Keras's default)"),
    ):
        told = replace(network, origin=Origin(framework=framework))
        assert subject_of(network=told).initialisers == (name,)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("framework", "expected"), [("", "drawn"), ("PyTorch", "drawn"), ("ONNX", "drawn"), ("Keras", "moved")]
)
def test_biases_may_be_drawn_where_pytorch_may_have_made_the_file(
    make_conv, make_chain, subject_of, framework: str, expected: str
) -> None:
    random = np.random.default_rng(0)
    bound = 1 / np.sqrt(180)
    weights = random.uniform(-bound, bound, (40, 20, 3, 3))
    network = make_chain(make_conv(weights, random.uniform(-bound, bound, 40)))
    assert subject_of(network=replace(network, origin=Origin(framework=framework))).bias == expected


@pytest.mark.slow
def test_biases_that_seem_drawn_have_moved_where_those_of_another_layer_have(
    make_conv, make_chain, subject_of, glorot
) -> None:
    random, bound = np.random.default_rng(0), 1 / np.sqrt(180)
    weights = glorot((40, 20, 3, 3)) + random.normal(0, 0.02, (40, 20, 3, 3))
    first = make_conv(glorot((20, 1, 3, 3)), np.full(20, 0.01) * np.arange(20))
    network = make_chain(first, make_conv(weights, random.uniform(-bound, bound, 40)))
    assert subject_of(network=network, place=1).bias == "moved"
    of_torch = replace(network, origin=Origin(framework="PyTorch"))
    assert subject_of(network=of_torch, place=1).bias == "drawn"


def test_what_moved_beside_the_weights(subject_of, glorot) -> None:
    weights = glorot((4, 1, 3, 3))
    constant, one_off = np.full(4, 0.1), np.array([0.1, 0.1, 0.1, 0.5])
    for state, bias in {"none": None, "zero": np.zeros(4), "constant": constant, "moved": one_off}.items():
        subject = subject_of(weights, bias)
        assert (subject.bias, subject.moved) == (state, state == "moved")


def test_each_layer_is_compared_with_the_networks_rule(noise) -> None:
    """One layer's mark is that of a rule of Keras's; few weights of another fit PyTorch's rules as well."""
    rule, random = rule_named("Keras's he_normal"), np.random.default_rng(0)
    few = np.clip(noise((16, 3, 3, 3)).weights, -2, 2) * rule.std(Magnitudes.of(noise((16, 3, 3, 3))).fans)
    cut = random.standard_normal(60 * 16 * 9 * 2)
    cut = cut[np.abs(cut) < 2][: 60 * 16 * 9].reshape(60, 16, 3, 3)
    layers = [image(3), conv(few, below=0), conv(cut * rule.std(cut.shape) / CUT_STD, below=1)]
    network = Network.of(layers, Origin(framework="PyTorch"))
    subjects = list(gather_subjects(network, network.conv_layers, None))
    assert [subject.rule.rule for subject in subjects] == [rule, rule]
    assert all(any(rule in fit.rules for fit in subject.origin.fits) for subject in subjects)
    assert not any(
        rule in fit.rules for fit in trace_provenance(subjects[0].kernels, rules_of("PyTorch")).fits
    )


@pytest.mark.parametrize(("family", "enough"), [("uniform", 100), ("cut normal", 400), ("normal", 5000)])
def test_a_trace_would_show_in_enough_weights_of_the_networks_own_rule(family, enough) -> None:
    rule, other = CATALOGUE[0], CATALOGUE[1]
    for rules in ((rule,), (CATALOGUE[2], rule)):
        fit = Fit((rule.name,), family, 0.1, 0.5, rules)
        assert would_show(fit, Identified(rule, known=True), enough)
        assert not would_show(fit, Identified(rule, known=True), enough - 1)
        assert not would_show(fit, Identified(rule, known=False), enough)
        assert would_show(fit, Identified(rule, known=False, framework="Lasagne"), enough)
        assert not would_show(fit, Identified(rule, known=False, framework="ONNX"), enough)
        assert not would_show(fit, Identified(other, known=True), enough)
    assert would_show(replace(fit, family="matrix", rules=()), Identified(other, known=False), 1)


def test_the_networks_rule_is_tried_though_it_is_none_of_the_files_framework(noise) -> None:
    """Normal draws of PyTorch's fit a few weights as well as cut ones, whose mark others bear."""
    cut = rule_named("Keras's he_normal")
    fans = Magnitudes.of(noise((16, 3, 3, 3))).fans
    kernels = Kernels.of(np.clip(noise((16, 3, 3, 3)).weights, -2, 2) * cut.std(fans))
    own = trace_provenance(kernels, rules_of("PyTorch"), fans)
    assert not any(cut in fit.rules for fit in own.fits)

    def rules(rule: Identified, origin: Provenance = own) -> list[Rule]:
        found = _with_fit_of(rule, origin, kernels, fans)
        assert [fit.p for fit in found.fits] == sorted((fit.p for fit in found.fits), reverse=True)
        return [rule for fit in found.fits for rule in fit.rules]

    kept = [rule for fit in own.fits for rule in fit.rules]
    assert sorted(map(id, rules(Identified(cut, known=True, framework="PyTorch")))) == sorted(
        map(id, [*kept, cut])
    )
    assert rules(Identified(cut, known=False, framework="PyTorch")) == kept
    assert rules(Identified(HE_RELU, known=True, framework="PyTorch")) == kept
    assert rules(Identified(cut, known=True)) == kept
    worse = fitting(0.0, HE)
    assert rules(Identified(cut, known=True, framework="PyTorch"), worse) == [cut, HE]
    matrix = Provenance(fits=(Fit(("Dirac",), "matrix", 0.1, 1.0),))
    assert rules(Identified(cut, known=True, framework="PyTorch"), matrix) == []


@pytest.mark.parametrize("p", [0.005, 0.5])
@pytest.mark.parametrize("moved", [False, True])
def test_biases_are_draws_where_all_may_be_and_one_that_moved_speaks_for_the_others(p, moved) -> None:
    """Within 1/√fan-in, which is 3 for a kernel of nine weights; fits that are poor say nothing more."""
    random = np.random.default_rng(0)
    shape = (40, 1, 3, 3)
    biases = [random.uniform(-1 / 3, 1 / 3, 40), random.uniform(-1 / 3, 1 / 3, 40) + 5 * moved]
    layers = [conv(random.uniform(-1, 1, shape), bias) for bias in biases]
    network = Network.of([image(1), *(replace(layer, inputs=(0,)) for layer in layers)])
    origins = [fitting(p, HE)] * 2
    unknown = Identified(DEFAULT, known=False)
    states = _bias_states(network.conv_layers, origins, unknown)
    if not moved:
        assert states == ["drawn", "drawn"]
    else:
        assert states == ["drawn" if p > 0.01 else "moved", "moved"]
    other = Identified(DEFAULT, known=False, framework="Keras")
    assert _bias_states(network.conv_layers, origins, other) == ["moved", "moved"]
    torch = Identified(DEFAULT, known=False, framework="PyTorch")
    assert _bias_states(network.conv_layers, origins, torch) == ["drawn", "moved" if moved else "drawn"]
