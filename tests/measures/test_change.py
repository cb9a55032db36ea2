"""What changed since an earlier file."""

from __future__ import annotations

import numpy as np
import pytest

import filtviz
from filtviz.measures.change import changes_from
from filtviz.network import Network

EDGE = np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], dtype=float)


def two(make_conv, before: np.ndarray, after: np.ndarray) -> tuple[Network, Network]:
    return Network.of([make_conv(before, name="a")]), Network.of([make_conv(after, name="a")])


def test_known_changes(make_conv, glorot) -> None:
    weights = glorot((8, 4, 3, 3), dtype="float64")
    added = 0.02 * np.random.default_rng(1).standard_normal((8, 4, 1, 1)) * EDGE
    before, after = two(make_conv, weights, weights + added)
    change = changes_from(before, "init.pkl", after.conv_layers[0])
    a, b = weights.ravel(), (weights + added).ravel()
    assert change.before == "init.pkl"
    assert change.cos2 == pytest.approx((a @ b) ** 2 / (a @ a) / (b @ b))
    assert change.relative_change == pytest.approx(np.linalg.norm(b - a) / np.linalg.norm(a))
    # An edge has all its energy in D10, which is low; what the projection takes away is white.
    assert change.share is not None
    assert change.share > 0.9
    assert change.share_p is not None
    assert change.share_p < 1e-20
    assert change.significant == 1
    assert len(change.filters) == 8
    first = change.filters[0]
    assert first.relative_change == pytest.approx(np.linalg.norm(added[0]) / np.linalg.norm(weights[0]))


def test_nothing_changed(make_conv, glorot) -> None:
    before, after = two(make_conv, glorot((8, 4, 3, 3)), glorot((8, 4, 3, 3)))
    change = changes_from(before, "x", after.conv_layers[0])
    assert (change.cos2, change.relative_change) == (pytest.approx(1), 0)
    assert (change.share, change.share_p, change.significant) == (None, None, None)
    assert "Against x, nothing has changed in a." in filtviz.diagnose(after, before=[("x", before)]).summary


@pytest.mark.parametrize("earlier", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("later", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("scale", [1.0, 1e-5])
def test_a_copy_of_other_bits_has_not_changed_and_what_was_trained_has(
    make_conv, glorot, earlier, later, scale
) -> None:
    weights = glorot((2, 2, 3, 3), dtype="float64") * scale
    moved = weights.copy()
    moved[1] *= 1.5
    for after, n_changed in ((weights, 0), (moved, 1)):
        pair = two(make_conv, _stored(weights, earlier), _stored(after, later))
        change = changes_from(pair[0], "x", pair[1].conv_layers[0])
        assert [bool(each.relative_change) for each in change.filters].count(True) == n_changed
        assert bool(change.relative_change) == bool(n_changed)


def test_a_copy_in_half_precision_is_as_drawn_as_its_original(make_conv, glorot) -> None:
    weights = glorot((20, 20, 3, 3))
    before, after = two(make_conv, weights, weights.astype("f2"))
    found = filtviz.diagnose(after, before=[("x", before)])
    assert found.layers[0].verdict == "initial"
    assert "Against x, nothing has changed in a." in found.summary
    before, after = two(make_conv, weights, (weights * 1.002).astype("f2"))
    assert filtviz.diagnose(after, before=[("x", before)]).layers[0].verdict == "updated"


def _stored(weights: np.ndarray, dtype: str) -> np.ndarray:
    """Weights in a type, those of bfloat16 cut off, as some tools do it."""
    if dtype == "bfloat16":
        return (weights.astype("f4").view("u4") & 0xFFFF0000).view("f4")
    return weights.astype(dtype)


def test_growing_is_no_added_part(make_conv, glorot) -> None:
    before, after = two(make_conv, glorot((8, 4, 3, 3)), 3 * glorot((8, 4, 3, 3)))
    change = changes_from(before, "x", after.conv_layers[0])
    assert change.cos2 == pytest.approx(1)
    assert change.relative_change == pytest.approx(2, rel=1e-5)
    assert change.share is None


def test_added_noise_is_not_called_structured(make_conv, glorot) -> None:
    weights = glorot((40, 20, 3, 3), dtype="float64")
    noise = 0.02 * np.random.default_rng(0).standard_normal(weights.shape)
    before, after = two(make_conv, weights, weights + noise)
    change = changes_from(before, "x", after.conv_layers[0])
    assert change.share_p is not None
    assert change.share_p > 0.01
    assert change.significant is not None
    assert change.significant < 0.2


def test_filters_in_which_nothing_was_added_are_none_of_those_that_are_tested(make_conv, glorot) -> None:
    weights = glorot((8, 4, 3, 3), dtype="float64")
    added = 0.02 * np.random.default_rng(1).standard_normal((8, 4, 1, 1)) * EDGE
    weights[4:] = added[4:] = 0
    before, after = two(make_conv, weights, weights + added)
    assert changes_from(before, "x", after.conv_layers[0]).significant == 1


def test_a_layer_without_counterpart_is_told(make_conv, glorot) -> None:
    before, after = two(make_conv, glorot((8, 4, 5, 5)), glorot((8, 4, 3, 3)))
    change = changes_from(before, "x", after.conv_layers[0])
    assert (change.cos2, change.reason) == (None, "it has no convolution of shape 8x4x3x3 in that place")


def test_nan_before_is_told(make_conv, glorot) -> None:
    before, after = two(make_conv, np.full((8, 4, 3, 3), np.nan), glorot((8, 4, 3, 3)))
    assert changes_from(before, "x", after.conv_layers[0]).reason == "its weights there are not finite"


def test_the_same_layer_is_found_by_name_first(make_conv, glorot) -> None:
    first, second = glorot((8, 4, 3, 3), 1), glorot((8, 4, 3, 3), 2)
    before = Network.of([make_conv(first, name="a"), make_conv(second, name="b")])
    after = Network.of([make_conv(second, name="b"), make_conv(first, name="a")])
    assert [changes_from(before, "x", layer).cos2 for layer in after.conv_layers] == [
        pytest.approx(1),
        pytest.approx(1),
    ]


def test_zero_weights_have_no_cosine(make_conv, glorot) -> None:
    before, after = two(make_conv, np.zeros((8, 4, 3, 3)), glorot((8, 4, 3, 3)))
    change = changes_from(before, "x", after.conv_layers[0])
    assert (change.cos2, change.relative_change) == (None, None)
    assert change.share is not None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("earlier", "later", "turned"),
    [
        (True, False, True),
        (False, True, True),
        (True, True, False),
        (None, False, False),
        (True, None, False),
    ],
)
def test_kernels_are_turned_where_one_layer_convolves_and_the_other_correlates(
    make_conv, make_chain, glorot, earlier, later, turned: bool
) -> None:
    weights = glorot((4, 1, 3, 3))
    before = make_chain(make_conv(weights, flip_filters=earlier))
    (layer,) = make_chain(make_conv(weights[..., ::-1, ::-1], flip_filters=later)).conv_layers
    assert (changes_from(before, "a", layer).relative_change == 0) == turned


def test_what_the_first_of_several_earlier_files_measures_is_what_was_there_before(make_conv, glorot) -> None:
    weights = glorot((8, 4, 3, 3), dtype="float64")
    noise = np.random.default_rng(0).standard_normal(weights.shape)
    nets = [Network.of([make_conv(weights + share * noise, name="a")]) for share in (0.2, 0.05, 0.0)]
    (layer,) = filtviz.diagnose(nets[2], before=[("first", nets[0]), ("second", nets[1])]).layers
    first, second = layer.changes
    assert first.cos2 is not None
    assert second.cos2 is not None
    assert first.cos2 < second.cos2
    assert layer.residue == pytest.approx(first.cos2)


def test_a_small_layer_that_is_the_same_has_all_in_common_with_it_and_another_has_nothing(
    make_conv, noise
) -> None:
    weights = [noise((1, 1, 3, 3), seed).weights for seed in (0, 1)]
    nets = [
        Network.of([make_conv(each, np.array([0.5]))]) for each in (weights[0], weights[0] * 2, weights[1])
    ]
    apart = "This file has nothing in common with before"
    for before, is_apart in zip(nets, (False, False, True), strict=True):
        assert (apart in filtviz.diagnose(nets[0], before=[("before", before)]).answer) == is_apart
