"""What each measure of a layer says: found and not found, just below and just above what counts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from filtviz.budget import Account, Budget
from filtviz.errors import BudgetError, SelectionError
from filtviz.measures.coupling import coupling
from filtviz.measures.initialiser_catalogue import CATALOGUE, DEFAULT, Fit
from filtviz.measures.judging import survives_shuffling
from filtviz.measures.kernels import Kernels
from filtviz.measures.laws import is_significant
from filtviz.measures.measure import Diagnosis, FilterDiagnosis, LayerDiagnosis, Unjudged, qualified
from filtviz.measures.residue import Residue
from filtviz.measures.subject import Identified, Provenance
from filtviz.measures.table import LEVEL, MEASURES
from filtviz.network import Network

SHAPE = (20, 20, 3, 3)
KNOWN, UNKNOWN = Identified(DEFAULT, known=True), Identified(DEFAULT, known=False)


def take(key: str, subject):
    return MEASURES[key].take(subject)


@pytest.fixture
def plain(subject_of, glorot):
    return subject_of(glorot(SHAPE, seed=3), np.zeros(20))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("none", "it has no biases"),
        ("zero", "all biases are 0, as at the start"),
        ("drawn", "the biases are as PyTorch draws them at the start"),
        ("constant", "all biases are one constant, as an initialiser may set it"),
        ("moved", "the biases have left their start"),
    ],
)
def test_biases(plain, state, text) -> None:
    finding = take("bias", dataclasses.replace(plain, bias=state))
    assert (finding.text, finding.found, finding.value) == (text, state == "moved", None)


def test_a_weight_beyond_the_bound(plain, subject_of, glorot) -> None:
    none = take("bound", plain)
    assert (none.found, none.value, none.threshold) == (False, 0, 0)
    assert none.text == "0% of the weights lie beyond the ±0.129 of GlorotUniform()"
    weights = glorot(SHAPE, seed=3).copy()
    weights[0, 0, 0, 0] = 0.2
    beyond = dataclasses.replace(subject_of(weights), rule=KNOWN)
    found = take("bound", beyond)
    assert (found.found, found.value) == (True, 1 / 3600)
    assert found.text == "under 1% of the weights lie beyond the ±0.129 of GlorotUniform()"
    assumed = take("bound", dataclasses.replace(beyond, rule=UNKNOWN))
    assert (assumed.found, assumed.value) == (False, 1 / 3600)
    assert assumed.text.endswith("±0.129 of GlorotUniform(); the initialiser is not known")


def test_normal_draws_have_no_bound(plain) -> None:
    normal = next(rule for rule in CATALOGUE if rule.family == "normal")
    draws = normal.draws(SHAPE, plain.kernels.rms)
    assert take("bound", dataclasses.replace(plain, rule=Identified(normal, known=True), draws=draws)) is None


@pytest.mark.parametrize(("p", "found"), [(0.99 * LEVEL, True), (LEVEL, False), (0.5, False)])
def test_the_initialiser_fits_from_the_level_on(plain, p, found) -> None:
    fit = Fit(("HeUniform(gain=1)",), "uniform", 0.1, p, (CATALOGUE[1],))
    finding = take("initialiser", dataclasses.replace(plain, origin=Provenance((fit,), ())))
    assert (finding.found, finding.p, finding.level) == (found, p, LEVEL)
    misfit = ", which does not fit" if found else ""
    assert finding.text == f"closest in the catalogue: HeUniform(gain=1){misfit}"


def test_no_initialiser_at_all(plain) -> None:
    finding = take("initialiser", dataclasses.replace(plain, origin=Provenance((), ())))
    assert (finding.found, finding.p) == (True, 0)
    assert finding.text == "none in the catalogue draws this size and range"


@pytest.mark.parametrize(("deviation", "found"), [(0.0009, True), (0.0011, False)])
def test_a_thousandth_off_is_not_orthogonal(subject_of, deviation, found) -> None:
    matrix = np.eye(4, 9)
    matrix[0, 1] = deviation
    finding = take("orthogonal", subject_of(matrix.reshape(4, 1, 3, 3)))
    assert (finding.found, finding.value) == (found, pytest.approx(deviation, rel=1e-3))
    assert finding.threshold == 1e-3
    assert finding.text == ("orthogonal, as an initialiser makes it" if found else "not orthogonal")


def test_one_filter_or_one_weight_is_no_matrix(subject_of, glorot) -> None:
    assert take("orthogonal", subject_of(glorot((1, 2, 3, 3)))) is None
    assert take("orthogonal", subject_of(glorot((4, 1, 1, 1)))) is None
    assert take("orthogonal", subject_of(glorot((2, 2, 1, 1)))) is not None


def test_the_residue_or_why_there_is_none(plain) -> None:
    told = take("residue", dataclasses.replace(plain, residue=Residue(0.923, "", 0.9, 0.95)))
    assert (told.value, told.interval, told.found, told.reason) == (0.923, (0.9, 0.95), True, "")
    assert told.text == "about 92% of the visible variance is still the initial noise (90% to 95%)"
    shut = take("residue", dataclasses.replace(plain, residue=Residue(None, "the weights have shrunk")))
    assert (shut.value, shut.found, shut.reason) == (None, False, "the weights have shrunk")
    assert shut.text == "cannot tell, because the weights have shrunk"


@pytest.mark.parametrize(("sign", "how"), [(1, "smoother"), (-1, "rougher")])
def test_smoother_and_rougher_kernels(subject_of, glorot, sign, how) -> None:
    weights = glorot(SHAPE, dtype="float64").copy()
    mean = weights.mean(axis=(2, 3), keepdims=True)
    subject = subject_of(weights + sign * mean * (0.9 if sign < 0 else 1.5))
    finding = take("low-frequency", subject)
    assert finding.found
    assert np.sign(finding.z) == sign
    assert finding.text == f"the kernels are {how} than white noise (z = {finding.z:.1f})"
    evidence = MEASURES["low-frequency"].evidence(finding)
    assert evidence == f"the kernels are {how} than white noise"  # numbers are in the table


@pytest.mark.parametrize(
    ("key", "nothing"),
    [
        ("low-frequency", "the kernels are no smoother or rougher than noise"),
        ("sphericity", "no position stands out"),
        ("filter-energy", "its filters differ in strength by no more than chance"),
        ("channel-energy", "its input channels differ in strength by no more than chance"),
        ("spike", "no direction stands out from the noise"),
        ("coupling", "no sign that the following layer relies on the strong filters"),
        ("clipped", "no pile-up at ±0.129"),
    ],
)
def test_nothing_is_found_in_draws(make_conv, make_chain, subject_of, glorot, key, nothing) -> None:
    for seed in range(10):
        network = make_chain(*(make_conv(glorot(SHAPE, seed=2 * seed + i), np.zeros(20)) for i in range(2)))
        finding = take(key, subject_of(network=network))
        if finding.p > 0.05:
            break
    assert not finding.found
    assert finding.text.partition(" (z")[0] == nothing


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("key", "found"),
    [
        (
            "sphericity",
            "the pixels of its kernels differ, or go together, more than in noise",
        ),
        ("filter-energy", "its filters are of unequal strength"),
        ("channel-energy", "its input channels are of unequal strength"),
        ("spike", "a low-rank component beyond noise"),
    ],
)
def test_planted_structure_is_found(subject_of, glorot, key, found) -> None:
    weights = glorot(SHAPE, dtype="float64").copy()
    random = np.random.default_rng(0)
    if key == "sphericity":
        weights[:, :, 1, 1] *= 2
    elif key == "filter-energy":
        weights[3:6] *= 2
    elif key == "channel-energy":
        weights[:, 3:6] *= 2
    else:
        weights += 0.3 * np.multiply.outer(
            random.standard_normal(20), 0.1 * random.standard_normal((20, 3, 3))
        )
    finding = take(key, subject_of(weights))
    assert (finding.found, finding.judges, finding.level) == (True, True, LEVEL)
    assert finding.text == found
    assert finding.p < LEVEL
    other = {"filter-energy": "channel-energy", "channel-energy": "filter-energy"}.get(key)
    if other:
        assert not take(other, subject_of(weights)).found


@pytest.mark.parametrize(("p", "text"), [(0.0501, "none"), (0.0499, "none at the level that counts")])
def test_a_small_p_value_is_not_called_nothing(p, text) -> None:
    assert qualified("none", p) == text


@pytest.mark.parametrize(
    ("p", "found", "text"),
    [(0.9 * LEVEL, True, "yes!"), (LEVEL, False, "no at the level that counts!"), (0.2, False, "no!")],
)
def test_a_test_passes_below_its_level(p, found, text) -> None:
    finding = MEASURES["spike"].tested(p, value=3.0, found="yes", nothing="no", detail="!", z=1.5)
    assert (finding.found, finding.text, finding.level) == (found, text, LEVEL)
    assert (finding.measure, finding.value, finding.z, finding.p, finding.judges) == (
        "spike",
        3.0,
        1.5,
        p,
        True,
    )


def test_filters_that_the_following_layer_relies_on(make_conv, make_chain, subject_of, glorot) -> None:
    strength = np.linspace(0.5, 1.5, 20)
    weights = glorot(SHAPE, dtype="float64") * strength[:, None, None, None]
    for sign, found in ((1, True), (-1, False)):
        later = glorot(SHAPE, seed=1, dtype="float64") * strength[::sign][None, :, None, None]
        subject = subject_of(network=make_chain(make_conv(weights), make_conv(later)))
        finding = take("coupling", subject)
        assert (finding.found, finding.level, np.sign(finding.value)) == (found, 0.01, sign)
        if found:
            assert finding.text == "the following layer relies on the strong filters"
        relied = MEASURES["coupling"].each(subject)["reliance"]
        expected = (later**2).sum(axis=(0, 2, 3))
        np.testing.assert_allclose(relied, expected / expected.mean())


def test_coupling_takes_two_layers_and_ten_filters(make_conv, make_chain, subject_of, glorot) -> None:
    assert take("coupling", subject_of(glorot(SHAPE))) is None
    assert MEASURES["coupling"].each(subject_of(glorot(SHAPE))) == {}
    for n, taken in ((9, False), (10, True)):
        network = make_chain(make_conv(glorot((n, 2, 3, 3))), make_conv(glorot((4, n, 3, 3))))
        assert (take("coupling", subject_of(network=network)) is not None) == taken


def test_clipped_values(subject_of, glorot) -> None:
    finding = take("clipped", subject_of(np.clip(glorot(SHAPE), -0.1, 0.1)))
    assert (finding.found, finding.level) == (True, 0.001)
    assert finding.text == f"{100 * finding.value:.0f}% of the values pile up at ±0.1"


def test_clipping_counts_those_beside_the_largest(subject_of) -> None:
    weights = np.linspace(0.001, 1, 1000).reshape(10, 100, 1, 1)
    finding = take("clipped", subject_of(weights))
    assert finding.value == 0.021
    weights.flat[900:908] = 1.0
    assert take("clipped", subject_of(weights)).value == 0.029


@pytest.mark.parametrize(("distinct", "found"), [(94, True), (97, False)])
def test_fewer_than_95_of_a_hundred_distinct_values(subject_of, distinct, found) -> None:
    values = np.random.default_rng(0).uniform(-1, 1, 100)
    values[distinct:] = values[0]
    finding = take("quantised", subject_of(values.reshape(10, 10, 1, 1)))
    assert (finding.found, finding.threshold) == (found, 0.95)
    assert finding.value == pytest.approx(distinct / 100, abs=0.001)
    only = "only " if found else ""
    assert finding.text == f"{only}{distinct} distinct values in 100 weights"


def test_half_precision_is_told(subject_of, glorot) -> None:
    finding = take("quantised", subject_of(glorot(SHAPE, dtype="float16")))
    assert not finding.found
    assert finding.text.endswith("distinct values in 3,600 weights in half precision")


def test_numbers_beside_the_verdict(subject_of) -> None:
    weights = np.random.default_rng(0).uniform(-1, 1, SHAPE) + 0.25
    subject = dataclasses.replace(subject_of(weights), rule=UNKNOWN)
    rms, mean, kurtosis = (take(key, subject) for key in ("rms", "mean", "kurtosis"))
    root = np.sqrt((weights**2).mean())
    assert rms.value == pytest.approx(root)
    assert (
        rms.text
        == f"{root / 0.0745356:.2f} times the std 0.0745 of GlorotUniform(); the initialiser is not known"
    )
    known = take("rms", dataclasses.replace(subject, rule=KNOWN))
    assert known.text.endswith("(GlorotUniform())")
    assert (mean.value, mean.text) == (pytest.approx(weights.mean()), f"{weights.mean() / root:+.2f} rms")
    centred = weights - weights.mean()
    assert kurtosis.value == pytest.approx((centred**4).mean() / (centred**2).mean() ** 2)
    assert kurtosis.text == "1.8 for uniform, 3 for normal draws"
    assert not any(each.found or each.judges for each in (rms, mean, kurtosis))


def test_numbers_of_cnn_filter_db(subject_of, glorot) -> None:
    weights = glorot((8, 2, 3, 3)).copy()
    weights[0] *= 1e-4
    sparsity, entropy, angles = (
        take(key, subject_of(weights)) for key in ("sparsity", "variance-entropy", "filter-orthogonality")
    )
    assert (sparsity.value, sparsity.text) == (
        1 / 8,
        "12% of the kernels are under 1% of the largest weight",
    )
    assert entropy.text.endswith(" of CNN Filter DB's threshold for randomness")
    assert float(entropy.text.split()[0]) == pytest.approx(entropy.value / 0.8, rel=0.2)
    assert angles.text == "1 for filters at right angles"
    assert take("variance-entropy", subject_of(glorot((8, 2, 5, 5)))) is None
    assert take("filter-orthogonality", subject_of(glorot((1, 2, 3, 3)))) is None


@pytest.mark.parametrize(("n", "said"), [(0, "0 filters of 4"), (1, "1 filter of 4"), (2, "2 filters of 4")])
def test_filters_that_may_be_named_are_counted(plain, n, said) -> None:
    filters = [FilterDiagnosis(index=i, norm=1.0, classical="box" if i < n else None) for i in range(4)]
    finding = MEASURES["classical"].sum_up(plain, filters)
    assert (finding.value, finding.found, finding.text) == (n, n > 0, f"{said} may be named")


def test_a_kernel_is_named_from_the_threshold_on(subject_of, glorot) -> None:
    from filtviz.measures.classical import classical_kernels, likeness_threshold

    weights = glorot((20, 2, 3, 3), dtype="float64").copy()
    sobel = classical_kernels(3, 3)["Sobel, vertical edge"]
    across = np.zeros((3, 3))
    across[0, 1], across[2, 1] = 1.0, 1.0  # at right angles to the edge
    across /= np.linalg.norm(across)
    threshold = likeness_threshold(40, 3, 3)
    for cosine, named in ((threshold + 1e-3, True), (threshold - 1e-3, False)):
        weights[4, 1] = -0.2 * (cosine * sobel + np.sqrt(1 - cosine**2) * across)
        columns = MEASURES["classical"].each(subject_of(weights))
        assert columns["classical"][4] == ("Sobel, vertical edge" if named else None)
        assert columns["classical_channel"][4] == (1 if named else None)
        assert columns["likeness"][4] == pytest.approx(-cosine)
        assert columns["classical"].count(None) == (19 if named else 20)
    assert MEASURES["classical"].each(subject_of(glorot((4, 2, 2, 2)))) == {}


def test_composed_filters_are_counted(make_conv, make_chain, subject_of, glorot) -> None:
    network = make_chain(make_conv(glorot((6, 1, 3, 3))), make_conv(glorot((5, 6, 3, 5), seed=1)))
    first, second = (subject_of(network=network, place=place) for place in (0, 1))
    composed = MEASURES["composed"]
    assert (composed.each(first), composed.sum_up(first, ())) == ({}, None)
    assert set(composed.each(second)) == {"composed_p", "composed_texture", "concentrated"}
    textures = ("smooth", "smooth", "rough", None, None)
    filters = [
        FilterDiagnosis(index=i, norm=1.0, composed_texture=each, concentrated=i == 4)
        for i, each in enumerate(textures)
    ]
    finding = composed.sum_up(second, filters)
    assert finding.text == (
        "as 5x7 filters on the image (linearised), of 5: 2 low-pass, 1 fine, 1 more concentrated than chance"
    )
    assert (finding.value, finding.found) == (3 / 5, True)
    concentrated = composed.sum_up(second, filters[4:])
    assert (concentrated.value, concentrated.found) == (0, True)
    nothing = composed.sum_up(second, [FilterDiagnosis(index=0, norm=1.0)])
    assert (nothing.value, nothing.found) == (0, False)


def test_composed_filters_that_are_low_pass_or_fine(make_conv, make_chain, subject_of, glorot) -> None:
    upper = 0.1 * glorot((16, 6, 3, 3), seed=1, dtype="float64")
    upper[:4] += np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]) / 8
    upper[4:8] += np.array([[1, -1, 1], [-1, 1, -1], [1, -1, 1]]) / 9
    lower = glorot((6, 1, 3, 3), dtype="float64") * 0.02
    lower[:, 0, 1, 1] = 1.0
    # The layer below passes the image on as it is, so that the upper filters are seen as they are.
    subject = subject_of(network=make_chain(make_conv(lower), make_conv(upper)), place=1)
    columns = MEASURES["composed"].each(subject)
    assert columns["composed_texture"][:4] == ["smooth"] * 4
    assert columns["composed_texture"][4:8] == ["rough"] * 4
    assert all(columns["concentrated"][i] for i in range(8))
    # No shuffle of 199 is as extreme: 1 of 200 on one side, and so 2 of 200, as either side would count.
    assert columns["composed_p"][:8] == pytest.approx(2 / 200)


def test_a_composed_filters_p_value_counts_both_sides(make_conv, make_chain, subject_of, glorot) -> None:
    network = make_chain(make_conv(glorot((6, 1, 3, 3))), make_conv(glorot((40, 6, 3, 3), seed=1)))
    subject = subject_of(network=network, place=1)
    p, found = MEASURES["composed"].each(subject)["composed_p"], subject.composed
    below, above = found.low_p < found.high_p, found.low_p > found.high_p
    assert below.any()
    assert above.any()
    np.testing.assert_allclose(p[below], np.minimum(1, 2 * found.low_p[below]))
    np.testing.assert_allclose(p[above], np.minimum(1, 2 * found.high_p[above]))


# Where little can be said


def test_ranks_of_what_is_all_alike_say_nothing() -> None:
    own = np.random.default_rng(0).standard_normal((12, 1, 3, 3))
    later = np.arange(12.0)
    assert coupling(Kernels.of(own), later) is not None
    assert coupling(Kernels.of(own), np.ones(12)) is None
    assert coupling(Kernels.of(np.ones((12, 1, 3, 3))), later) is None
    assert coupling(Kernels.of(own[:9]), later[:9]) is None


def test_what_cannot_be_tested_does_not_make_the_others_less_sure() -> None:
    alone = is_significant(np.array([0.04]), 0.05)
    beside = is_significant(np.array([np.nan, 0.04, np.nan, np.nan]), 0.05)
    assert (alone.tolist(), beside.tolist()) == ([True], [False, True, False, False])
    assert is_significant(np.array([0.04, 0.9, 0.9]), 0.05).tolist() == [False] * 3
    assert is_significant(np.array([0.03, 0.9, 0.04, 0.05]), 0.05).tolist() == [False] * 4


def test_one_sign_in_all_of_a_filter_is_a_structure_that_shuffled_weights_have_not(glorot) -> None:
    for signs, found in ((1.0, True), (np.sign(glorot((12, 1, 1, 1))), True), (None, False)):
        weights = glorot((12, 9, 3, 3)) if signs is None else np.abs(glorot((12, 9, 3, 3))) * signs
        weights.reshape(-1)[::50] = 0
        assert survives_shuffling(Kernels.of(weights), "low-frequency", Account.unlimited()) is found


def test_few_weights_are_not_shuffled_and_cost_nothing() -> None:
    few = Kernels.of(np.where(np.arange(900).reshape(10, 10, 3, 3) % 2, 1.0, 0.0) * 0.1)
    account = Budget(work=1).account(Network.of([]))
    assert survives_shuffling(few, "low-frequency", account) is False
    many = Kernels.of(np.random.default_rng(0).standard_normal((10, 10, 3, 3)))
    with pytest.raises(BudgetError):
        survives_shuffling(many, "low-frequency", account)


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_at_most_three_initialisers_are_named_that_draw_alike(n, plain) -> None:
    fit = Fit(tuple(f"rule{i}()" for i in range(n)), "matrix", 1.0, 1.0)
    assert plain.called(fit) == " or ".join(f"rule{i}()" for i in range(min(n, 3)))


def test_a_layer_is_found_by_its_number_from_either_end_and_by_its_name() -> None:
    one = LayerDiagnosis(
        conv_index=0, name="first", type="Conv2d", shape=(1, 1, 3, 3), dtype="f4", verdict="updated",
        sentence="", initialiser="",
    )  # fmt: skip
    last = Unjudged(conv_index=2, name="last", type="Conv1d", reason="a curve")
    diagnosis = Diagnosis(file=None, layers=(one, dataclasses.replace(one, conv_index=1, name="second")),
                          unjudged=(last,))  # fmt: skip
    assert [diagnosis[each].name for each in (0, 1, -2, -3, "second")] == [
        "first", "second", "second", "first", "second"
    ]  # fmt: skip
    for wrong in (2, -1, 3, -4, "last"):
        with pytest.raises(SelectionError, match="was judged"):
            diagnosis[wrong]
