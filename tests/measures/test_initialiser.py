"""The catalogue against Lasagne's own initialisers, and what is recognised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from filtviz.measures.catalogue import CATALOGUE, DEFAULT
from filtviz.measures.initialiser import beyond_bound, fit_catalogue, fit_free_scale
from filtviz.measures.kernels import Kernels
from filtviz.measures.orthogonal import gram_deviation

SHAPES = [(20, 1, 3, 3), (40, 20, 3, 3), (32, 24, 5, 5), (96, 3, 11, 11), (8, 1, 3, 3), (64, 32, 1, 1)]


def draw(rule, shape, seed=0, dtype="float32"):
    random = np.random.default_rng(seed)
    if rule.family == "normal":
        return random.normal(0, rule.std(shape), shape).astype(dtype)
    return random.uniform(-rule.bound(shape), rule.bound(shape), shape).astype(dtype)


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


@pytest.mark.costly
@pytest.mark.lasagne
@pytest.mark.parametrize("shape", SHAPES)
def test_the_catalogue_is_lasagnes(shape) -> None:
    try:
        import filtviz.theano_shim  # noqa: F401
    except ImportError as error:
        pytest.skip(str(error))
    import lasagne

    for rule in CATALOGUE:
        name, _, argument = rule.name.partition("(")
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
    fits = fit_catalogue(Kernels.of(draw(rule, shape, dtype=dtype)))
    assert rule in fits[0].rules
    assert fits[0].p > 0.001


def test_the_p_value_is_scipys(glorot) -> None:
    weights = glorot((20, 20, 3, 3), dtype="float64")
    bound = DEFAULT.bound(weights.shape)
    expected = stats.kstest(weights.ravel(), stats.uniform(-bound, 2 * bound).cdf).pvalue
    assert fit_catalogue(Kernels.of(weights))[0].p == pytest.approx(expected)


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


@pytest.mark.parametrize("shape", [(20, 1, 3, 3), (20, 20, 3, 3), (64, 4, 1, 1)])
@pytest.mark.parametrize(("gain", "name"), [(1, "Orthogonal()"), (np.sqrt(2), "Orthogonal(gain='relu')")])
def test_orthogonal_matrices_are_recognised(shape, gain, name) -> None:
    matrix = np.random.default_rng(0).standard_normal((shape[0], int(np.prod(shape[1:]))))
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    weights = gain * (u if u.shape == matrix.shape else v).reshape(shape)
    assert gram_deviation(Kernels.of(weights.astype("float32"))) < 1e-5
    assert [fit.name for fit in fit_catalogue(Kernels.of(weights.astype("float32")))] == [name]


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


def test_the_free_uniform_test_is_exact() -> None:
    random = np.random.default_rng(0)
    ps = []
    for _ in range(600):
        fits = fit_free_scale(Kernels.of(random.uniform(-1, 1, (5, 1, 3, 3))))
        ps.append(next(fit.p for fit in fits if fit.family == "uniform"))
    assert stats.kstest(ps, stats.uniform.cdf).pvalue > 0.01
