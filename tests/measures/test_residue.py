"""The residue of initial noise: its likelihood against integration, what it recovers, its gate."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy
import scipy.fft
from scipy.interpolate import interp1d
from scipy.special import ndtr
from tests.chains import rule_named

from filtviz.measures.initialiser_catalogue import CATALOGUE, CUT_STD, DEFAULT, Rule, possible_draws
from filtviz.measures.kernels import Kernels
from filtviz.measures.low_frequency import low_band
from filtviz.measures.mixture import (
    _CHANGES,
    _EDGES,
    _STEPS,
    _VARIANCES,
    SCALES,
    _mix,
    _table,
    bin_magnitudes,
    fit_changes,
)
from filtviz.measures.residue import (
    Magnitudes,
    NoiseResidue,
    Residue,
    _most_noise,
    _weigh,
    at_least,
    estimate_residues,
    likeliest_rule,
)

SHAPE = (40, 40, 3, 3)
HE_CUT = rule_named("Keras's he_normal")
BOUNDED = [rule for rule in CATALOGUE if rule.family != "normal"]


def noise_residue(kernels: Kernels, rule: Rule) -> Residue:
    """That of one layer, with the draws of a rule."""
    layer = Magnitudes.of(kernels)
    return estimate_residues([(layer, rule.draws(layer.fans, layer.rms))])[0]


def drawn(rule, shape, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    if rule.family == "uniform":
        return random.uniform(-rule.bound(shape), rule.bound(shape), shape)
    return scipy.stats.truncnorm.rvs(-2, 2, scale=rule.std(shape) / CUT_STD, size=shape, random_state=random)


def trained(share: float, seed: int = 0, rule=DEFAULT, shape=SHAPE) -> Kernels:
    """Initial draws plus normal changes: ``share`` of the variance is the draws'."""
    change = rule.std(shape) * np.sqrt((1 - share) / share)
    return Kernels.of(drawn(rule, shape, seed) + np.random.default_rng([seed, 1]).normal(0, change, shape))


def true_share(draws: np.ndarray, weights: np.ndarray) -> float:
    return float(np.vdot(draws, weights) ** 2 / np.vdot(draws, draws) / np.vdot(weights, weights))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["uniform", "cut normal"])
@pytest.mark.parametrize("scale", [0.9, 1.0, 1.1])
@pytest.mark.parametrize("place", [4, 9, 16, len(_CHANGES) + 2, len(_CHANGES) + 9])
def test_the_probability_of_a_bin_is_that_of_the_sum(family: str, scale: float, place: int) -> None:
    law = (
        scipy.stats.uniform(-np.sqrt(3) * scale, 2 * np.sqrt(3) * scale)
        if family == "uniform"
        else scipy.stats.truncnorm(-2, 2, scale=scale / CUT_STD)
    )
    assert law.std() == pytest.approx(scale)
    inside = np.linspace(*law.support(), 4001)
    density = interp1d(inside, law.pdf(inside))
    step = 0.0 if place < len(_CHANGES) else _STEPS[place - len(_CHANGES)]
    spread = _CHANGES[place] if step == 0.0 else 0.4 * step

    def below(edge: float) -> float:
        def given(u: float) -> float:
            within = [ndtr((end - u - step) / spread) for end in (-edge, edge)]
            return float(density(u) * (within[1] - within[0]))

        near = [end for end in (-edge - step, edge - step) if abs(end) < law.support()[1]]
        return float(scipy.integrate.quad(given, *law.support(), points=near, limit=400)[0])

    truth = np.diff([below(edge) for edge in _EDGES[40:70]])
    np.testing.assert_allclose(_table(family, scale)[place, 40:69], truth, rtol=2e-4, atol=2e-7)


@pytest.mark.parametrize("family", ["uniform", "cut normal"])
def test_each_change_has_all_its_weight_in_the_bins(family: str) -> None:
    table = _table(family, 1.0)
    assert table.shape == (len(_CHANGES) + len(_STEPS), len(_EDGES) - 1)
    small = _VARIANCES < 8**2
    np.testing.assert_allclose(table[small].sum(axis=1), 1, atol=2e-3)


def test_shares_of_a_mixture_are_found() -> None:
    table = _table("uniform", 1.0)
    truth = np.zeros(len(table))
    truth[[4, 14]] = 0.7, 0.3
    others = np.full_like(table, 1 / table.shape[1])
    shares, likelihoods = _mix((1e6 * truth @ table)[np.newaxis], np.stack([others, table]))
    variance = shares[1, 0] @ _VARIANCES
    assert variance == pytest.approx(truth @ _VARIANCES, rel=0.02)
    best = (1e6 * (truth @ table) * np.log(truth @ table)).sum()
    assert best - 300 < likelihoods[1, 0] <= best + 1e-6
    assert likelihoods[0, 0] == pytest.approx(1e6 * (truth @ table).sum() * np.log(1 / table.shape[1]))


def test_the_likeliest_scale_is_that_of_the_draws() -> None:
    kernels = trained(0.9)
    for factor in (0.85, 1.0, 1.15):
        fits = fit_changes(
            "uniform", [bin_magnitudes(kernels)], [DEFAULT.std(SHAPE) / factor / kernels.rms],
            scaled=True, stepped=False,
        )  # fmt: skip
        assert SCALES[fits.likelihoods[0].argmax()] == pytest.approx(factor, rel=0.035)


@pytest.mark.slow
def test_a_layer_is_estimated_the_same_alone_and_in_a_batch() -> None:
    layers = [trained(0.8), trained(0.6, seed=1), trained(0.9, seed=2, rule=HE_CUT)]
    rules = [DEFAULT, DEFAULT, HE_CUT]
    questions = [
        (magnitudes, rule.draws(magnitudes.fans, magnitudes.rms))
        for magnitudes, rule in zip(map(Magnitudes.of, layers), rules, strict=True)
    ]
    together = [each.share for each in estimate_residues(questions)]
    alone = [noise_residue(kernels, rule).share for kernels, rule in zip(layers, rules, strict=True)]
    assert together == [pytest.approx(share, abs=1e-9) for share in alone]


def test_the_magnitudes_are_all_counted() -> None:
    heavy = np.random.default_rng(0).standard_t(2, (40, 10, 3, 3))
    kernels = Kernels.of(heavy)
    edges, below = bin_magnitudes(kernels)
    magnitudes = np.sort(np.abs(heavy).ravel()) / kernels.rms
    assert (edges[0], below[0], below[-1]) == (0, 0, heavy.size)
    assert edges[-1] >= magnitudes[-1] > 8
    np.testing.assert_array_equal(below[1:], np.searchsorted(magnitudes, edges[1:]))


@pytest.mark.cases("all")
@pytest.mark.parametrize("rule", [DEFAULT, rule_named("PyTorch's default"), HE_CUT], ids=lambda r: r.name)
@pytest.mark.parametrize("share", [0.99, 0.95, 0.9])
def test_a_planted_share_is_recovered(rule, share: float) -> None:
    residue = noise_residue(trained(share, rule=rule), rule)
    assert residue.reason == ""
    assert residue.share == pytest.approx(share, abs=0.03)
    assert residue.low < share < residue.high


@pytest.mark.parametrize("size", [0.15, 0.6])
def test_a_step_of_one_size_is_no_draw(size: float) -> None:
    """Steps up or down, as Adam takes them, move the bound outwards: the share is not overestimated."""
    random = np.random.default_rng(3)
    unit = DEFAULT.std(SHAPE)
    weights = drawn(DEFAULT, SHAPE, 3) + size * unit * random.choice([-1, 1], SHAPE) * random.normal(
        1, 0.3, SHAPE
    )
    residue = noise_residue(Kernels.of(weights), DEFAULT)
    assert residue.share == pytest.approx(1 / (1 + 1.09 * size**2), abs=0.03)


def test_a_law_of_steps_stands_beside_those_of_the_normal_changes() -> None:
    """A step up or down of 1.25, each spread by .4 of it, drawn and counted against its row of the table."""
    place = 8
    random = np.random.default_rng(0)
    n = 400_000
    size = _STEPS[place]
    moved = random.uniform(-np.sqrt(3), np.sqrt(3), n) + random.choice([-1, 1], n) * random.normal(
        size, 0.4 * size, n
    )
    counted = np.histogram(np.abs(moved), _EDGES)[0] / n
    np.testing.assert_allclose(_table("uniform", 1.0)[len(_CHANGES) + place], counted, atol=1e-3)
    assert np.mean(moved**2) - 1 == pytest.approx(_VARIANCES[len(_CHANGES) + place], rel=0.02)


def test_of_an_estimate_that_is_too_uncertain_the_least_is_told(subject_of) -> None:
    kernels = trained(0.85, rule=HE_CUT)
    residue = noise_residue(kernels, HE_CUT)
    assert (residue.share, residue.reason) == (None, "the estimate is too uncertain")
    assert residue.least == residue.low
    assert 0.7 < residue.low < 0.85 < residue.high
    taken = NoiseResidue(1).take(dataclasses.replace(subject_of(kernels.weights), residue=residue))
    assert taken.value is None
    assert at_least(taken) == residue.low
    assert taken.text == f"over {int(100 * residue.low)}% of the visible variance is still the initial noise"
    little = dataclasses.replace(residue, low=0.49, least=None)
    taken = NoiseResidue(1).take(dataclasses.replace(subject_of(kernels.weights), residue=little))
    assert taken.text == "cannot tell, because the estimate is too uncertain"
    assert at_least(taken) is None


def test_the_least_is_told_from_a_half_on() -> None:
    likelihoods = np.where(np.arange(len(SCALES)) == len(SCALES) // 2, 100.0, 0.0)
    variances = np.linspace(0.05, 0.6, 50)[:, np.newaxis] * np.ones(len(SCALES))
    found = [_weigh(300, 1.0, likelihoods, each, 0.0) for each in variances]
    wide = [each for each in found if each.reason == "the estimate is too uncertain"]
    assert {each.low >= 0.5 for each in wide} == {True, False}
    assert all(each.least == (each.low if each.low >= 0.5 else None) for each in wide)
    assert all(each.least is None for each in found if each not in wide)


def test_few_weights_leave_a_wider_interval() -> None:
    many, few = (
        noise_residue(trained(0.95), DEFAULT),
        noise_residue(trained(0.95, shape=(20, 1, 3, 3)), DEFAULT),
    )
    assert few.high - few.low > 1.5 * (many.high - many.low)


@pytest.mark.parametrize("seed", range(3))
def test_a_share_is_recovered_where_few_weights_changed_much(seed) -> None:
    random = np.random.default_rng(seed)
    draws = drawn(DEFAULT, SHAPE, seed)
    sizes = np.where(random.uniform(size=SHAPE) < 0.01, 6.0, 0.1)
    weights = draws + sizes * DEFAULT.std(SHAPE) * random.standard_normal(SHAPE)
    residue = noise_residue(Kernels.of(weights), DEFAULT)
    assert np.abs(weights).max() > 8 * np.sqrt((weights**2).mean())
    assert residue.share == pytest.approx(true_share(draws, weights), abs=0.05)


@pytest.mark.cases("all")
@pytest.mark.parametrize("rule", BOUNDED, ids=lambda rule: rule.name)
def test_untouched_draws_are_all_noise(rule) -> None:
    residue = noise_residue(Kernels.of(drawn(rule, SHAPE)), rule)
    assert residue.share is not None
    assert residue.share > 0.985
    assert residue.high == 1


def test_normal_draws_have_no_residue() -> None:
    kernels = Kernels.of(np.random.default_rng(0).normal(0, DEFAULT.std(SHAPE) * 1.1, SHAPE))
    assert noise_residue(kernels, DEFAULT).reason == "the values show no trace of the initial draws"
    normal = next(rule for rule in CATALOGUE if rule.family == "normal")
    assert (
        noise_residue(kernels, normal).reason == "its initialiser draws normal numbers, which leave no mark"
    )


@pytest.mark.parametrize(
    ("factor", "reason"),
    [
        (0.6, "the weights have shrunk since they were drawn"),
        (0.8, "the trace of the draws ends at another bound than theirs"),
        (1.25, "the trace of the draws ends at another bound than theirs"),
    ],
)
def test_another_scale_shuts_the_gate(factor: float, reason: str) -> None:
    residue = noise_residue(Kernels.of(factor * trained(0.97).weights), DEFAULT)
    assert (residue.share, residue.reason) == (None, reason)


def test_little_that_is_left_is_not_measured() -> None:
    residue = noise_residue(trained(0.3, shape=(80, 80, 3, 3)), DEFAULT)
    assert residue.share is None
    assert residue.reason == "the estimate is too uncertain"


def test_kernels_that_are_too_smooth_for_so_much_noise_are_not_measured(subject_of) -> None:
    """A share of .9 cannot be where the high frequencies have a fifth of what noise has there."""
    residue = Residue(0.9, "", 0.84, 0.96)

    def told(weights: np.ndarray) -> str:
        subject = dataclasses.replace(subject_of(weights), residue=residue)
        return NoiseResidue(1).take(subject).text

    noise = np.random.default_rng(0).normal(size=(12, 1, 3, 3))
    assert told(noise).startswith("about 90%")
    smooth = 0.3 * noise + np.random.default_rng(1).normal(size=(12, 1, 1, 1))
    assert told(smooth) == "cannot tell, because its kernels are smoother than so much noise would be"
    assert told(noise[:, :, :1, :1]).startswith("about 90%")  # a pixel has no frequencies


@pytest.mark.cases("all")
@pytest.mark.parametrize("shape", [(12, 1, 3, 3), (6, 4, 5, 5), (3, 2, 2, 2), (5, 2, 1, 1)])
def test_noise_may_have_its_even_part_in_high_frequencies_and_some_errors_more(subject_of, shape) -> None:
    weights = np.random.default_rng(0).normal(size=shape)
    spectra = scipy.fft.dctn(weights, axes=(2, 3), norm="ortho") ** 2
    high = ~low_band(*shape[2:])
    n = int(high.sum())
    share = spectra[:, :, high].sum() / spectra.sum() if n else 1.0
    errors = np.sqrt(2 / (n * shape[0] * shape[1])) if n else 0.0
    expected = share * high.size / n * (1 + 2.5 * errors) if n else 1.0
    assert _most_noise(subject_of(weights)) == pytest.approx(expected)


@pytest.mark.parametrize("known", [True, False])
def test_of_an_initialiser_that_is_only_assumed_nothing_is_said(subject_of, noise, known) -> None:
    subject = subject_of(noise((20, 20, 3, 3)).weights)
    reason = "the weights have shrunk since they were drawn"
    rule = dataclasses.replace(subject.rule, known=known)
    taken = NoiseResidue(1).take(dataclasses.replace(subject, residue=Residue(None, reason), rule=rule))
    assert taken.reason == (reason if known else "its initialiser is not known")


def test_filters_that_repeat_one_another_are_not_measured() -> None:
    weights = trained(0.9).weights.copy()
    weights[4:] = weights[np.arange(36) % 4]
    residue = noise_residue(Kernels.of(weights), DEFAULT)
    assert residue.reason.startswith("its filters have so much in common")


@pytest.mark.parametrize("rule", BOUNDED, ids=lambda rule: rule.name)
def test_the_rule_is_told_by_its_trace(rule) -> None:
    shapes = [(40, 16, 3, 3), SHAPE]
    layers = [Magnitudes.of(trained(0.9, seed=i, rule=rule, shape=shape)) for i, shape in enumerate(shapes)]
    found = likeliest_rule(layers, CATALOGUE)
    assert found is not None
    for layer in layers:  # rules that draw alike at these shapes are as good
        assert any({rule, found} <= set(each.rules) for each in possible_draws(layer.fans, CATALOGUE))


def test_no_rule_is_told_where_there_is_no_trace(noise) -> None:
    assert likeliest_rule([Magnitudes.of(noise(SHAPE))], CATALOGUE) is None


def test_no_rule_is_told_where_draws_have_shrunk(noise) -> None:
    layers = [Magnitudes.of(Kernels.of(0.5 * drawn(DEFAULT, s, 3))) for s in [(40, 16, 3, 3), SHAPE]]
    assert likeliest_rule(layers, CATALOGUE) is None
