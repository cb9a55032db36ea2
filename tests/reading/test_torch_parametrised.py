"""What lies under ``parametrizations`` in a state_dict: computed where the file tells how, else named."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from filtviz import load
from filtviz.network import Network
from filtviz.reading.formats.torch import norms
from tests.reading.torch_making import tensor, zip_of

RANDOM = np.random.default_rng(20)


@pytest.fixture(autouse=True)
def _drawn_alike_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "RANDOM", np.random.default_rng(20))


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.5, shape).astype("f4")


def opened(tmp_path: Path, **arrays: np.ndarray) -> Network:
    """Load a state_dict whose one convolution keeps these under ``parametrizations.weight``."""
    path = tmp_path / "model.pth"
    kept = {f"a.parametrizations.weight.{name}": tensor(array) for name, array in arrays.items()}
    path.write_bytes(zip_of({"a.bias": tensor(numbers(4)), **kept}))
    return load(path)


def said(network: Network) -> str:
    return " ".join(network.origin.inferred)


def exponential(matrix: np.ndarray) -> np.ndarray:
    """The sum of the powers of a matrix, each over its factorial."""
    terms = (np.linalg.matrix_power(matrix, n) / float(math.factorial(n)) for n in range(40))
    return np.sum(list(terms), axis=0)


def reflected(tall: np.ndarray) -> np.ndarray:
    """The product of one reflection for each column, as matrices."""
    n, k = tall.shape
    product = np.eye(n)
    for column in range(k):
        vector = np.r_[np.zeros(column), 1, tall[column + 1 :, column]][:, None]
        product = product @ (np.eye(n) - 2 * vector @ vector.T / (vector.T @ vector))
    return product[:, :k] * np.sign(np.diagonal(tall))


def turned(stored: np.ndarray, base: np.ndarray) -> np.ndarray:
    """One kernel of an orthogonal parametrisation, as PyTorch's documentation defines it."""
    n, k = stored.shape
    if n < k:
        return turned(stored.T, base).T
    lower = np.tril(stored)
    return base @ (exponential(lower - lower.T) if n == k else reflected(stored))


@pytest.mark.parametrize("size", [(3, 3), (5, 3), (3, 5)])
def test_orthogonal_kernels_are_computed_by_pytorchs_own_choice(tmp_path, size, monkeypatch):
    monkeypatch.setattr(norms, "AT_A_TIME", 3 * max(size) ** 2)
    stored = numbers(4, 2, *size)
    for kernel in stored.reshape(-1, *size):
        np.fill_diagonal(kernel, [-1, 1, -1])
    base = np.linalg.qr(numbers(4, 2, max(size), max(size)))[0]
    network = opened(tmp_path, **{"original": stored, "0.base": base})
    (layer,) = network.conv_layers
    kernels = zip(stored.reshape(-1, *size).astype("f8"), base.reshape(-1, *base.shape[2:]), strict=True)
    assert np.allclose(layer.W, np.array([turned(*one) for one in kernels]).reshape(stored.shape), atol=1e-6)
    assert layer.W.dtype == np.float32
    assert "a are computed from what is stored: made orthogonal by" in said(network)
    assert "PyTorch's own choice for the shape, which the file does not tell" in said(network)
    assert np.array_equal(layer.parameters[1].value, stored)
    assert "guessed the map that makes a orthogonal; if it is not PyTorch's own" in network.origin.guess


def signed(*shape: int) -> np.ndarray:
    """What the parametrisation stores: its diagonal is -1 as long as no weight decay shrinks it."""
    stored = numbers(*shape)
    for kernel in stored.reshape(-1, *shape[-2:]):
        np.fill_diagonal(kernel, -1)
    return stored


def test_no_map_is_guessed_where_nothing_was_learned(tmp_path):
    stored = signed(4, 2, 5, 3) * np.eye(5, 3, dtype="f4")
    base = np.linalg.qr(numbers(4, 2, 5, 5))[0]
    network = opened(tmp_path, **{"original": stored, "0.base": base})
    assert np.allclose(network.conv_layers[0].W, base[..., :3], atol=1e-6)
    assert "every map gives the same" in said(network)
    assert network.origin.guess == ""


def test_a_diagonal_that_shrank_is_not_taken_for_reflections(tmp_path):
    stored = signed(4, 2, 5, 3) * np.float32(0.9)
    base = np.linalg.qr(numbers(4, 2, 5, 5))[0]
    network = opened(tmp_path, **{"original": stored, "0.base": base})
    lower = np.tril(np.pad(stored[0, 0].astype("f8"), [(0, 0), (0, 2)]))
    expected = (base[0, 0] @ exponential(lower - lower.T))[:, :3]
    assert np.allclose(network.conv_layers[0].W[0, 0], expected, atol=1e-6)
    assert "its diagonal is not that of reflections" in said(network)
    assert "guessed" in network.origin.guess


@pytest.mark.cases("all")
@pytest.mark.parametrize("size", [(3, 3), (5, 3), (3, 5)])
def test_reflections_without_a_base_are_told_by_their_signs(tmp_path, size):
    stored = signed(4, 2, *size)
    network = opened(tmp_path, original=stored)
    kernel = stored[0, 0].astype("f8")
    expected = reflected(kernel.T).T if size == (3, 5) else reflected(kernel)
    assert np.allclose(network.conv_layers[0].W[0, 0], expected, atol=1e-6)
    assert "Householder's reflections (as the signs on its diagonal tell)" in said(network)
    assert network.origin.guess == ""


def test_binary_weights_are_no_reflections(tmp_path):
    stored = np.sign(signed(4, 2, 3, 3))
    network = opened(tmp_path, original=stored)
    assert np.array_equal(network.conv_layers[0].W, stored)
    assert "a parametrisation that the file does not tell" in said(network)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("beside", "named"),
    [
        ({"0.base": (4, 2, 4, 4)}, "0.base beside"),
        ({"0.mask": (4, 2, 3, 3)}, "0.mask beside"),
        ({"0.base": (4, 2, 3, 3), "1.scale": (4,)}, "0.base and 1.scale beside"),
        ({"1._u": (4,), "1._v": (18,)}, "1._u and 1._v beside"),
        ({}, "does not tell; shown"),
    ],
)
def test_what_others_made_is_shown_as_it_is_stored_and_named(tmp_path, beside, named):
    stored = numbers(4, 2, 3, 3)
    network = opened(tmp_path, original=stored, **{name: numbers(*shape) for name, shape in beside.items()})
    assert np.array_equal(network.conv_layers[0].W, stored)
    assert "a parametrisation that the file does not tell" in said(network)
    assert named in said(network)
    assert "shown is what it starts from, as stored" in said(network)


def test_parametrisations_in_a_row_are_carried_out_one_after_the_other(tmp_path):
    gain, direction = numbers(4, 1, 1, 1), numbers(4, 2, 3, 3)
    normal = (gain * direction / np.sqrt((direction**2).sum(axis=(1, 2, 3), keepdims=True))).astype("f8")
    left, sigmas, right = np.linalg.svd(normal.reshape(4, -1), full_matrices=False)
    parts = {"1._u": left[:, 0].astype("f4"), "1._v": right[0].astype("f4")}
    network = opened(tmp_path, original0=gain, original1=direction, **parts)
    assert np.allclose(network.conv_layers[0].W, normal / sigmas[0], rtol=1e-5)
    assert "weight normalisation, g · v / ‖v‖, then spectral normalisation, W / σ" in said(network)


def test_of_parametrisations_in_a_row_one_without_arrays_is_not_passed_over(tmp_path):
    gain, direction = numbers(4, 1, 1, 1), numbers(4, 2, 3, 3)
    parts = {"2._u": numbers(4), "2._v": numbers(18)}
    network = opened(tmp_path, original0=gain, original1=direction, **parts)
    assert "then spectral normalisation" not in said(network)


def test_a_sum_of_two_arrays_is_not_taken_for_a_weight_normalisation(tmp_path):
    one, other = numbers(4, 2, 3, 3), numbers(4, 2, 3, 3)
    network = opened(tmp_path, original0=one, original1=other)
    assert "a parametrisation of several arrays (original0 and original1)" in said(network)
    held = [p.value for layer in network.layers for p in layer.parameters if len(p.shape) == 4]
    assert np.array_equal(held, [one, other])


def test_what_was_pruned_is_normalised_as_it_is_then(tmp_path):
    gain, direction = numbers(4, 1, 1, 1), numbers(4, 2, 3, 3)
    mask = (direction > 0).astype("f4")
    kept = {"a.weight_g": gain, "a.weight_v_orig": direction, "a.weight_v_mask": mask}
    path = tmp_path / "model.pth"
    path.write_bytes(zip_of({name: tensor(array) for name, array in kept.items()}))
    (layer,) = load(path).conv_layers
    left = direction * mask
    assert np.allclose(
        layer.W, gain * left / np.sqrt((left**2).sum(axis=(1, 2, 3), keepdims=True)), rtol=1e-5
    )
    assert [p.name for p in layer.parameters] == ["weight_g", "weight_v_orig", "weight_v_mask"]


def test_what_is_nothing_is_not_divided_by_nothing() -> None:
    zero = np.zeros((2, 3))
    assert norms.spectral_norm(zero, np.ones(2), np.ones(3)).tolist() == zero.tolist()
    assert norms.weight_norm(np.ones((2, 1)), zero).tolist() == zero.tolist()
    wide = np.arange(1.0, 7).reshape(1, 2, 3)
    assert norms.weight_norm(np.array(2.0), wide).tolist() == (2 * wide / np.sqrt((wide**2).sum())).tolist()


@pytest.mark.cases("all")
@pytest.mark.parametrize(("weights_", "u", "fits"), [
    ((4, 3, 5, 5), (4,), True), ((4, 3, 5, 5), (3,), True), ((4, 3, 5, 5), (5,), False), ((4,), (4,), False),
    ((4, 3), (4, 1), False),
])  # fmt: skip
def test_the_vector_of_a_spectral_norm_is_as_long_as_the_filters_or_the_channels(weights_, u, fits) -> None:
    assert norms.vectors_fit([weights_, u]) is fits


def test_of_two_ways_to_take_a_square_kernel_the_larger_norm_counts() -> None:
    kernel, u = np.arange(1.0, 5).reshape(2, 2), np.array([0.0, 1.0])
    found = norms.spectral_norm(kernel, u, None)
    sigmas = [np.linalg.norm(u @ matrix) for matrix in (kernel, kernel.T)]
    assert np.allclose(found, kernel / max(sigmas))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("gain", "fits"), [((), True), ((4, 1), True), ((1, 3), True), ((4, 3), False), ((4,), False)]
)
def test_a_gain_has_one_number_or_runs_along_one_axis(gain, fits) -> None:
    assert norms.gain_fits([gain, (4, 3)]) is fits


@pytest.mark.parametrize("shape", [(4, 0, 3, 5), (0, 3), (4, 3, 0)])
def test_orthogonal_kernels_without_numbers_stay_as_they_are(shape):
    assert norms.orthogonal(np.zeros(shape, np.float32), reflects=True).shape == shape
