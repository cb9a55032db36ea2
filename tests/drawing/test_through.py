"""Composed filters on a sheet: the right weights, and every approximation in words."""

from __future__ import annotations

import numpy as np
import pytest
from tests import building

import filtviz
from filtviz.composition import compose, compose_layer
from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.pages import SheetPage
from filtviz.drawing.sheet import SheetTexts, with_composition
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Network

from .making import random_weights


def stack(nonlinearity: str = "rectify", known: bool = True, flips: bool | None = True) -> Network:
    """Return two 3x3 layers on an image of 12x12."""

    def conv(below: int, weights: np.ndarray) -> ConvLayer:
        return building.conv(
            weights,
            below=below if below >= 0 else (),
            stride=(1, 1) if known else None,
            flip_filters=flips,
            nonlinearity=nonlinearity if known else None,
        )

    weights = random_weights(4, 1, 3, 3), random_weights(2, 4, 3, 3, seed=1)
    if not known:
        return Network.of([conv(-1, weights[0]), conv(0, weights[1])])
    image = building.image(1, 12, 12)
    return Network.of([image, conv(0, weights[0]), conv(1, weights[1])])


def page_through(network: Network, **how: object) -> SheetPage:
    composed = compose_layer(network, network.conv_layers[1], **how)
    texts = with_composition(composed, SheetTexts())
    (page,) = draw(composed.layer, [0], DrawingOptions(view="sheet"), texts)
    return page


def test_the_sheet_shows_the_composed_filters_and_what_was_left_out() -> None:
    network = stack()
    page = page_through(network)
    templates = compose(network, network.conv_layers[1]).templates
    np.testing.assert_allclose(page.sheet.values * np.abs(templates).max(), templates, rtol=1e-12)
    assert page.part == "through"
    assert page.sheet.facts[:2] == (
        f"2 filters x 1 channel of 5x5 weights, {templates.min():.3g} to {templates.max():.3g}",
        "composed down to the image, as they match in it",
    )
    assert page.sheet.notes[:2] == (
        "its 3x3 kernels see 5x5 pixels of the image, in steps of 1 pixel",
        "rectify after conv1 was left out, as if every unit were active",
    )
    assert page.sheet.notes[2].startswith("r: shown white noise, predicted and actual responses correlate")
    assert [row[0][:4] for row in page.sheet.captions] == ["r 0.", "r 0."]


def test_what_is_exact_is_said_to_be() -> None:
    page = page_through(stack("linear"))
    assert page.sheet.notes[-1] == "nothing was left out: these are the units' exact answers to single pixels"
    assert page.sheet.captions == ()


def test_given_images_are_shown_to_the_network() -> None:
    images = np.random.default_rng(0).random((7, 1, 12, 12))
    assert "r: shown 7 given images" in " ".join(page_through(stack(), images=images).sheet.notes)
    with pytest.raises(CompositionError, match="2 channels, the network expects 1"):
        page_through(stack(), images=np.zeros((1, 2, 12, 12)))


def test_a_nonlinearity_that_is_not_known_here_leaves_the_trust_open() -> None:
    notes = page_through(stack("untold")).sheet.notes
    assert notes[-1].startswith("how far they can be trusted is not known: conv1 cannot be run")


def test_a_bare_list_is_composed_only_when_asked_and_says_what_was_assumed() -> None:
    network = stack(known=False)
    with pytest.raises(
        CompositionError, match="the geometry of conv1; --like and --architecture tell it, --assume-stacked"
    ):
        page_through(network)
    notes = page_through(network, stacked=True).sheet.notes
    assert "assumed, since the file does not tell: stride 1 and no pooling between the convolutions" in notes


def test_from_python() -> None:
    network = stack()
    (figure,) = filtviz.plot_through(network, network.conv_layers[1])
    assert figure.texts[0].get_text() == "conv2 (convolution 1, Conv2DLayer)"


def test_images_are_shown_even_where_nothing_was_left_out() -> None:
    images = np.random.default_rng(0).random((7, 1, 12, 12))
    page = page_through(stack("linear"), images=images)
    assert page.sheet.notes[-1].startswith("r: shown 7 given images, ")
    assert page.sheet.captions == (("r 1.00",), ("r 1.00",))


def test_images_on_which_the_network_cannot_be_run_are_refused() -> None:
    with pytest.raises(CompositionError, match="conv1 cannot be run"):
        page_through(stack("untold"), images=np.zeros((1, 1, 12, 12)))


def test_a_unit_that_never_changes_its_answer_is_silent() -> None:
    second = random_weights(2, 4, 3, 3, seed=1)
    second[1] = 0
    kernels = random_weights(4, 1, 3, 3), second
    network = Network.of(
        [
            building.image(1, 12, 12),
            *(building.conv(w, below=i, nonlinearity="rectify") for i, w in enumerate(kernels)),
        ]
    )
    assert [row[0][:4] for row in page_through(network).sheet.captions] == ["r 0.", "sile"]


@pytest.mark.parametrize(
    ("stride", "step"), [((1, 1), "1 pixel"), ((2, 2), "2 pixels"), ((1, 2), "1 x 2 pixels")]
)
def test_the_step_from_unit_to_unit_is_told(stride: tuple[int, int], step: str) -> None:
    layers = (
        building.conv(random_weights(4, 1, 3, 3), below=0, stride=stride),
        building.conv(random_weights(2, 4, 3, 3), below=1),
    )
    page = page_through(Network.of([building.image(1, 20, 20), *layers]))
    assert page.sheet.notes[0].endswith(f"pixels of the image, in steps of {step}")


def test_what_the_file_tells_is_not_said_to_be_assumed() -> None:
    assert not [note for note in page_through(stack(), stacked=True).sheet.notes if "assumed" in note]
