"""Filters and channels without effect: each way that there is, and what is small but not nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.building import image
from tests.chains import batch_norm

import filtviz
from filtviz.activations import Activation
from filtviz.measures import unused
from filtviz.measures.diagnosing import _diagnose_filters
from filtviz.measures.measure import Finding
from filtviz.measures.subject import Subject
from filtviz.measures.table import MEASURES
from filtviz.measures.unused import is_at_start_behind, scale_behind
from filtviz.network import Network, Origin
from filtviz.parameter import Parameter


@pytest.fixture
def network(make_conv, make_chain, glorot):
    def build(gamma=None, first=None, second=None):
        weights = glorot((12, 4, 3, 3)).copy() if first is None else first
        later = glorot((8, 12, 3, 3)).copy() if second is None else second
        norm = batch_norm(12) if gamma is None else batch_norm(12, gamma=gamma)
        return make_chain(make_conv(weights, None, nonlinearity="linear"), norm, make_conv(later))

    return build


def found(subject: Subject) -> Finding:
    return MEASURES["unused"].sum_up(subject, _diagnose_filters(subject))


def text_of(subject_of, network) -> str:
    return found(subject_of(network=network)).text


def test_nothing_is_unused_in_draws(subject_of, network) -> None:
    finding = found(subject_of(network=network()))
    assert (finding.value, finding.found, finding.text) == (0, False, "nothing is without effect")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (0.9e-4, "the batch normalisation behind it mutes filter 3"),
        (1.1e-4, "nothing is without effect"),
        (0.0, "the batch normalisation behind it mutes filter 3"),
        (-1.0, "nothing is without effect"),
    ],
)
def test_a_filter_that_its_normalisation_mutes(subject_of, network, factor: float, text: str) -> None:
    gamma = np.ones(12)
    gamma[3] = factor
    assert text_of(subject_of, network(gamma)) == text


@pytest.mark.slow
def test_filters_that_the_following_layer_ignores(subject_of, network, make_conv, make_chain, glorot) -> None:
    later = glorot((8, 12, 3, 3)).copy()
    later[:, [0, 5]] = 0
    plain = make_chain(make_conv(glorot((12, 4, 3, 3))), make_conv(later))
    assert text_of(subject_of, plain) == "the following layer ignores filters 0 and 5"
    assert found(subject_of(network=plain)).value == 2


def test_channels_that_are_not_looked_at(subject_of, network, glorot) -> None:
    weights = glorot((12, 4, 3, 3)).copy()
    weights[:, 2] = 0
    assert text_of(subject_of, network(first=weights)) == "it does not look at input channel 2"


def test_only_some_of_many_are_named(subject_of, make_conv, make_chain, glorot) -> None:
    weights = glorot((40, 40, 3, 3)).copy()
    weights[:, :12] = 0
    text = text_of(subject_of, make_chain(make_conv(weights)))
    assert text.endswith("input channels 0, 1, 2, 3, 4, 5, 6 and 5 more")


@pytest.mark.slow
def test_what_a_check_finds(network) -> None:
    gamma = np.ones(12)
    assert filtviz.diagnose(network(gamma)).checks["unused"] == ()
    gamma[3] = 0
    assert filtviz.diagnose(network(gamma)).checks["unused"] == ("conv1",)


def test_the_scale_of_a_normalisation_is_told(subject_of, network) -> None:
    finding = MEASURES["normalisation"].take(subject_of(network=network(np.linspace(0.5, 2, 12))))
    assert finding.text == "the batch normalisation behind it multiplies its filters by 0.5 to 2"
    assert finding.value == pytest.approx(1.25)


def test_no_scale_where_no_normalisation_follows(subject_of, make_conv, make_chain, glorot) -> None:
    plain = make_chain(make_conv(glorot((12, 4, 3, 3))), make_conv(glorot((8, 12, 3, 3))))
    assert scale_behind(plain, plain.conv_layers[0]) is None
    assert MEASURES["normalisation"].take(subject_of(network=plain)) is None


def test_a_normalisation_that_is_as_it_began_tells_that_its_layer_was_never_trained(
    network, make_chain
) -> None:
    def at_start(gamma=None, framework: str = "PyTorch", **fields) -> bool:
        *_, conv, norm, later = network(gamma).layers
        (operation,) = norm.operations
        norm = replace(norm, operations=(replace(operation, **fields),))
        made = replace(make_chain(conv, norm, later), origin=Origin(framework=framework))
        return is_at_start_behind(made, made.conv_layers[0])

    assert at_start()
    assert at_start(mean=Parameter.of("mean", np.linspace(0, 1, 12)))  # images alone do that
    assert not at_start(np.linspace(0.9, 1.1, 12))
    assert not at_start(beta=Parameter.of("beta", np.linspace(0, 1, 12)))
    assert not at_start(beta=None)
    assert not at_start(framework="ONNX")  # which writes one for a normalisation without factors


def test_a_normalisation_is_found_behind_a_function_that_the_file_does_not_tell(network, make_chain) -> None:
    gamma = np.linspace(1, 2, 12)
    *_, conv, norm, later = network(gamma).layers
    for kind, seen in (("untold", True), ("relu", False)):
        between = replace(conv, operations=(conv.operations[0], Activation(kind=kind)))
        made = make_chain(between, norm, later)
        assert (scale_behind(made, made.conv_layers[0]) is not None) is seen


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([1e-4, 1, 1], [0]), ([1.0001e-4, 1, 1], []), ([1, 0, 1], [1]), ([0, 0, 1], [0, 1]), ([0, 0, 0], []),
        ([5], []), ([0], []), ([1, 1e-9], [1]), ([1, 1e-9, 1], [1]), ([1, 1e-5, 1e-6, 1, 1], [1, 2]),
    ],
)  # fmt: skip
def test_next_to_nothing_is_at_most_a_ten_thousandth_of_the_median(values, places) -> None:
    assert np.flatnonzero(unused._next_to_nothing(np.array(values, float))).tolist() == places


@pytest.mark.parametrize("n", [1, 9, 12])
def test_filters_of_an_untrained_layer_that_are_muted_are_counted_unless_all_are(network, glorot, n) -> None:
    """All factors of a layer may begin at 0, as those of a residual branch do."""
    gamma = np.ones(12)
    gamma[:n] = 0
    made = network(gamma, glorot((12, 4, 3, 3)), glorot((8, 12, 3, 3)))
    diagnosis = filtviz.diagnose(made)
    first = diagnosis.layers[0]
    seen = {1: ", 1 filter without effect", 9: ", 9 filters without effect", 12: ""}[n]
    assert (first.verdict, first.seen) == ("initial", f"noise, as it was drawn{seen}")
    for text in (diagnosis.answer, diagnosis.summary):
        assert "No trace of training can be seen" in text
        assert ("but channels were switched off (some factors of" in text) is (n < 12)


def test_all_that_could_be_cut_out_is_listed_by_filter_and_channel(network, glorot) -> None:
    gamma, weights, later = np.ones(12), glorot((12, 4, 3, 3)).copy(), glorot((8, 12, 3, 3)).copy()
    gamma[3:] = 0
    gamma[7:] = 1
    weights[:, 2] = 0
    later[:, [1, 8]] = 0
    first, second = filtviz.diagnose(network(gamma, weights, later)).layers
    assert [each.index for each in first.filters if each.muted] == [3, 4, 5, 6]
    assert [each.index for each in first.filters if each.ignored] == [1, 8]
    assert (first.unread_channels, second.unread_channels) == ((2,), (1, 8))
    assert not any(each.muted or each.ignored for each in second.filters)


def test_a_normalisation_beside_something_else_scales_no_filters(make_conv) -> None:
    layer = make_conv(np.ones((12, 1, 3, 3)), nonlinearity="linear", below=0)
    norm = replace(batch_norm(12), inputs=(1,))
    for behind, scaled in (((norm,), True), ((norm, norm), False), ((), False)):
        network = Network.of([image(1), layer, *behind])
        assert (scale_behind(network, network.conv_layers[0]) is not None) == scaled
