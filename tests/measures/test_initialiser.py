"""The catalogue against Lasagne's own initialisers, and what is recognised."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy
from tests.chains import rule_named

from filtviz.measures.initialiser import beyond_bound, fit_catalogue, fit_free_scale
from filtviz.measures.initialiser_catalogue import (
    CATALOGUE,
    CUT_STD,
    DEFAULT,
    Fans,
    default_of,
    rules_of,
)
from filtviz.measures.kernels import Kernels
from filtviz.measures.matrices import fit_matrix, gram_deviation
from filtviz.measures.table import MEASURES

SHAPES = [(20, 1, 3, 3), (40, 20, 3, 3), (32, 24, 5, 5), (96, 3, 11, 11), (8, 1, 3, 3), (64, 32, 1, 1)]


def draw(rule, shape, seed=0, dtype="float32"):
    random = np.random.default_rng(seed)
    if rule.family == "normal":
        return random.normal(0, rule.std(shape), shape).astype(dtype)
    if rule.family == "cut normal":
        return scipy.stats.truncnorm.rvs(
            -2, 2, scale=rule.std(shape) / CUT_STD, size=shape, random_state=random
        ).astype(dtype)
    return random.uniform(-rule.bound(shape), rule.bound(shape), shape).astype(dtype)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "bound"),
    [
        ((20, 1, 3, 3), 0.17817),
        ((20, 20, 3, 3), 0.12910),
        ((40, 20, 3, 3), 0.10541),
        ((40, 40, 3, 3), 0.09129),
    ],
)
def test_the_default_has_these_bounds(shape, bound) -> None:
    assert DEFAULT.name == "GlorotUniform()"
    assert DEFAULT.bound(shape) == pytest.approx(bound, abs=5e-6)


@pytest.mark.slow
@pytest.mark.lasagne
@pytest.mark.parametrize("shape", SHAPES)
def test_the_catalogue_is_lasagnes(shape) -> None:
    try:
        import filtviz.theano_shim  # noqa: F401
    except ImportError as error:
        pytest.skip(str(error))
    import lasagne

    for rule in rules_of("Lasagne"):
        name, _, argument = rule.name_in("Lasagne").partition("(")
        argument = argument.rstrip(")").removeprefix("gain=").strip("'")
        gain = 1.0 if argument in ("", "1") else argument if argument == "relu" else float(argument)
        lasagne.random.set_rng(np.random.RandomState(0))
        sample = getattr(lasagne.init, name)(gain).sample(shape)
        lasagne.random.set_rng(np.random.RandomState(0))
        random = np.random.RandomState(0)
        if rule.family == "normal":
            expected = random.normal(0.0, rule.std(shape), size=shape)
        else:
            expected = random.uniform(-rule.bound(shape), rule.bound(shape), size=shape)
        np.testing.assert_allclose(sample, expected, rtol=1e-5)


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
@pytest.mark.parametrize("shape", [(20, 20, 3, 3), (40, 20, 3, 3)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_each_rule_is_recognised(rule, shape, dtype) -> None:
    fits = fit_catalogue(Kernels.of(draw(rule, shape, dtype=dtype)), CATALOGUE)
    own = next(fit for fit in fits if rule in fit.rules)
    assert own.p > 0.001
    assert own is fits[0] or fits[0].rules[0].std(shape) == pytest.approx(rule.std(shape), rel=0.05)


def test_the_p_value_is_twice_the_smaller_of_the_laws_and_the_sizes(glorot) -> None:
    weights = glorot((20, 20, 3, 3), dtype="float64")
    bound = DEFAULT.bound(weights.shape)
    shape = scipy.stats.kstest(weights.ravel(), scipy.stats.uniform(-bound, 2 * bound).cdf).pvalue
    excess = 0.8 / weights.size
    law = scipy.stats.gamma(1 / excess)
    x = (weights**2).mean() * 3 / bound**2 / excess
    expected = 2 * min(shape, 2 * min(law.cdf(x), law.sf(x)))
    assert fit_catalogue(Kernels.of(weights))[0].p == pytest.approx(min(1.0, expected))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["uniform", "normal", "cut normal"])
def test_a_fit_is_at_level_and_sees_a_change_of_scale(family: str) -> None:
    rule = next(rule for rule in CATALOGUE if rule.family == family and rule.scheme == "fan_in")
    shape, few, larger = (16, 16, 3, 3), [], []
    for seed in range(300):
        for factor, found in ((1.0, few), (1.1, larger)):
            kernels = Kernels.of(factor * draw(rule, shape, seed, "float64"))
            fits = fit_catalogue(kernels, [rule])
            found.append(fits[0].p if fits else 0.0)
    assert 0.01 < np.mean(np.array(few) < 0.05) < 0.09
    assert np.mean(np.array(larger) < 0.05) > 0.8


def test_rules_that_coincide_are_both_named(glorot) -> None:
    square, wide = glorot((20, 20, 3, 3)), glorot((40, 20, 3, 3))
    assert fit_catalogue(Kernels.of(square))[0].name == "GlorotUniform() or HeUniform(gain=1)"
    assert fit_catalogue(Kernels.of(wide))[0].name == "GlorotUniform()"


def test_a_weight_beyond_the_bound_rules_a_rule_out(glorot) -> None:
    weights = glorot((20, 20, 3, 3)).copy()
    weights[0, 0, 0, 0] = 1.01 * DEFAULT.bound(weights.shape)
    kernels = Kernels.of(weights)
    assert beyond_bound(kernels, DEFAULT.bound(weights.shape)) == 1 / weights.size
    assert all(DEFAULT not in fit.rules for fit in fit_catalogue(kernels))


@pytest.mark.cases("all")
@pytest.mark.parametrize("shape", [(20, 1, 3, 3), (20, 20, 3, 3), (64, 4, 1, 1)])
@pytest.mark.parametrize(("gain", "name"), [(1, "Orthogonal()"), (np.sqrt(2), "Orthogonal(gain='relu')")])
def test_orthogonal_matrices_are_recognised(shape, gain, name) -> None:
    matrix = np.random.default_rng(0).standard_normal((shape[0], int(np.prod(shape[1:]))))
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    weights = gain * (u if u.shape == matrix.shape else v).reshape(shape)
    assert gram_deviation(Kernels.of(weights.astype("float32"))) < 1e-5
    assert [fit.name for fit in fit_catalogue(Kernels.of(weights.astype("float32")))] == [name]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_orthogonal_matrices_are_recognised_after_rounding(dtype: str) -> None:
    import ml_dtypes

    matrix = np.linalg.qr(np.random.default_rng(0).standard_normal((180, 20)))[0].T.reshape(20, 20, 3, 3)
    half = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float16
    for stored in (matrix.astype(half), matrix.astype(half).astype(np.float32)):
        assert [fit.name for fit in fit_catalogue(Kernels.of(stored))] == ["Orthogonal()"]
    assert (
        fit_matrix(
            Kernels.of(matrix.astype(np.float32) * (1 + 0.01 * (np.arange(20) % 2)[:, None, None, None]))
        )
        is None
    )


def test_matrices_in_the_middle_of_kernels_are_recognised() -> None:
    dirac, delta = np.zeros((2, 6, 4, 3, 3))
    dirac[range(4), range(4), 1, 1] = 1
    delta[:4, :, 1, 1] = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    assert fit_matrix(Kernels.of(dirac)).names == ("Dirac",)
    assert fit_matrix(Kernels.of(delta[:4])).names == ("delta-orthogonal",)
    dirac[0, 0, 1, 1] = 0.99
    depthwise = np.zeros((6, 1, 3, 3))
    depthwise[:, 0, 1, 1] = np.linspace(-0.5, 0.5, 6)
    assert fit_matrix(Kernels.of(depthwise)).names == ("delta-orthogonal",)
    depthwise[2, 0, 0, 1] = 1e-3
    assert fit_matrix(Kernels.of(depthwise)) is None
    delta[0, 0, 0, 0] = 0.1
    assert fit_matrix(Kernels.of(dirac)) is None
    assert fit_matrix(Kernels.of(delta[:4])) is None


def test_one_filter_is_no_orthogonal_matrix(glorot) -> None:
    assert np.isnan(gram_deviation(Kernels.of(glorot((1, 1, 3, 3)))))


def test_draws_of_another_scale_are_told_by_their_law() -> None:
    random = np.random.default_rng(0)
    uniform, normal = fit_free_scale(Kernels.of(random.uniform(-0.05, 0.05, (20, 20, 3, 3))))
    assert uniform.name.startswith("uniform draws within ±0.05")
    assert uniform.p > 0.01 > normal.p
    first, second = fit_free_scale(Kernels.of(random.normal(0, 0.05, (20, 20, 3, 3))))
    assert first.name == "normal draws of std 0.0498"
    assert first.p > 0.01 > second.p


@pytest.mark.parametrize("n", [2, 3, 9])
def test_of_magnitudes_below_the_largest_the_test_is_kolmogorovs(n: int) -> None:
    values = np.random.default_rng(n).uniform(-1, 1, (n, 1, 1, 1))
    (fit,) = fit_free_scale(Kernels.of(values))
    magnitudes = np.sort(np.abs(values.ravel()))
    below = magnitudes[:-1] / magnitudes[-1]
    assert fit.p == pytest.approx(scipy.stats.kstest(below, scipy.stats.uniform.cdf, method="exact").pvalue)
    assert fit.std == pytest.approx(magnitudes[-1] / np.sqrt(3))


def test_one_weight_alone_is_not_tested() -> None:
    assert fit_free_scale(Kernels.of(np.full((1, 1, 1, 1), 0.1))) == ()


@pytest.mark.slow
def test_the_free_uniform_test_is_exact() -> None:
    random = np.random.default_rng(0)
    ps = []
    for _ in range(600):
        fits = fit_free_scale(Kernels.of(random.uniform(-1, 1, (5, 1, 3, 3))))
        ps.append(next(fit.p for fit in fits if fit.family == "uniform"))
    assert scipy.stats.kstest(ps, scipy.stats.uniform.cdf).pvalue > 0.01


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("framework", "name", "std"),
    [
        ("PyTorch", "PyTorch's default", 1 / np.sqrt(3 * 180)),
        ("PyTorch", "kaiming_normal_(mode='fan_out')", np.sqrt(2 / 360)),
        ("Keras", "glorot_uniform (Keras's default)", np.sqrt(2 / 540)),
        ("Keras", "Keras's he_normal", np.sqrt(2 / 180)),
        ("Keras", "TruncatedNormal(0.1)", 0.08796256610342398),  # of scipy.stats.truncnorm(-2, 2)
        ("Flax", "lecun_normal (Flax's default)", np.sqrt(1 / 180)),
        ("Darknet", "Darknet's default", np.sqrt(2 / 180 / 3)),
    ],
)
def test_frameworks_draw_as_their_sources_say(framework: str, name: str, std: float) -> None:
    rule = rule_named(name)
    assert rule is not None
    assert rule.name_in(framework) == name
    assert rule.std((40, 20, 3, 3)) == pytest.approx(std)


def test_each_framework_has_its_rules_and_its_default() -> None:
    assert default_of("PyTorch").name == "PyTorch's default"
    assert default_of("Keras") == default_of("TensorFlow") == default_of("") == DEFAULT
    assert default_of("Flax").name_in("Flax") == "lecun_normal (Flax's default)"
    assert rules_of("Darknet") == CATALOGUE
    assert (
        rules_of("") == rules_of("Caffe") == tuple(rule for rule in CATALOGUE if "Darknet" not in rule.name)
    )
    assert {dict(rule.names).get("PyTorch") for rule in rules_of("PyTorch")} >= {"xavier_uniform_"}
    assert all("Lasagne" in dict(rule.names) for rule in rules_of("Lasagne"))


def test_the_bound_of_a_cut_normal_law_is_two_of_its_standard_deviations() -> None:
    rule = rule_named("TruncatedNormal(0.1)")
    assert rule is not None
    assert rule.bound((8, 8, 3, 3)) == pytest.approx(0.2)


def test_inputs_are_counted_each_way_that_frameworks_do(make_conv) -> None:
    from filtviz.measures.initialiser_catalogue import fans_of

    assert fans_of(make_conv(np.zeros((40, 20, 3, 3)))) == Fans(((180, 360),))
    first = dataclasses.replace(make_conv(np.zeros((32, 1, 3, 3))), conv_index=0)
    assert fans_of(first) == Fans(((9, 288),))  # the first of a network sees a grey image
    depthwise = fans_of(dataclasses.replace(first, conv_index=1))
    assert depthwise.ways == ((9, 288), (9, 9), (288, 9))  # PyTorch, timm, Keras


def test_a_weight_at_the_bound_is_not_beyond_it_for_the_rounding_of_its_type() -> None:
    bound = 0.1
    for dtype, rounding in (("float32", 2.0**-23), ("float16", 2.0**-10)):
        kernels = Kernels.of(np.array([bound, -bound, bound / 2, bound / 3], dtype).reshape(4, 1, 1, 1))
        assert kernels.rounding == rounding
        edge = float(np.abs(kernels.flat).max())
        assert beyond_bound(kernels, edge / (1 + 0.9 * max(rounding, 1e-6))) == 0
        assert beyond_bound(kernels, edge / (1 + 1.5 * max(rounding, 1e-6))) == 0.5


@pytest.mark.parametrize(("dtype", "threshold"), [("float32", 1e-3), ("bfloat16", 2**-7)])
def test_a_matrix_is_orthogonal_up_to_the_rounding_of_its_type(subject_of, dtype, threshold) -> None:
    matrix = np.linalg.qr(np.random.default_rng(0).standard_normal((9, 9)))[0].reshape(9, 1, 3, 3)
    finding = MEASURES["orthogonal"].take(subject_of(matrix.astype(np.dtype(dtype))))
    assert finding is not None
    assert finding.threshold == threshold
    assert finding.found
    assert finding.value < threshold
