"""Composed filters in a page: when they are drawn, and what is said where they are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filtviz.budget import Account
from filtviz.network import Network
from filtviz.reporting.pictures import LARGEST_THROUGH, draw_through

from .models import network

STACK = network((4, 3, 3, 3), (5, 4, 3, 3))
GRAY = network((4, 1, 3, 3), (5, 4, 3, 3))
SIZE = (5, 5)


def drawn(*networks: Network, place: int = 1, size: tuple[int, int] | None = SIZE):
    return draw_through(networks, [each.conv_layers[place] for each in networks], size)


def test_one_column_for_each_channel_of_the_image_and_one_sprite_for_each_file() -> None:
    pictures, said = drawn(STACK, network((4, 3, 3, 3), (5, 4, 3, 3), seed=1))
    assert said == ()
    assert (pictures.key, pictures.title) == (
        "through",
        "Composed with the layers below, as they match in the image",
    )
    assert pictures.columns == ("image channel 0", "image channel 1", "image channel 2")
    assert [(sprite.layout.rows, sprite.layout.cols) for sprite in pictures.sprites] == [SIZE, SIZE]
    assert pictures.notes == ("rectify after conv1 was left out, as if every unit were active",)
    assert pictures.coloured
    assert len(set(pictures.limits)) == 2


def test_only_three_channels_are_a_colour() -> None:
    pictures, _ = drawn(GRAY)
    assert pictures.columns == ("image channel 0",)
    assert not pictures.coloured


def test_a_first_layer_is_its_own_composition_and_what_was_not_measured_is_not_drawn() -> None:
    assert drawn(STACK, place=0) == (None, ())
    assert drawn(STACK, size=None) == (None, ())


@pytest.mark.parametrize(("side", "fits"), [(LARGEST_THROUGH, True), (LARGEST_THROUGH + 1, False)])
def test_what_is_too_large_for_tiles_is_said_to_be(side: int, fits: bool) -> None:
    for size in ((side, 1), (1, side)):
        pictures, said = drawn(STACK, size=size)
        assert (pictures is not None) == fits
        sentence = f"composed, the filters are {size[0]}x{size[1]} pixels, too large for tiles"
        assert said == (() if fits else (sentence,))


def test_what_cannot_be_composed_and_files_that_differ_say_so() -> None:
    unknown = STACK.conv_layers[1]
    operations = (replace(unknown.operations[0], pad=None), *unknown.operations[1:])
    broken = Network.of([*STACK.layers[:2], replace(unknown, operations=operations)])
    sentence = "conv2 cannot be composed: the file does not tell the stride and padding of conv2"
    assert drawn(broken) == (None, (sentence,))
    larger = network((4, 3, 5, 5), (5, 4, 3, 3))
    assert drawn(STACK, larger) == (None, ("composed, the filters are not of one size in all files",))


def test_what_is_too_much_work_is_said_here_and_among_what_was_left_out() -> None:
    account = Account({"work": 0, "pixels": 0})
    pictures, said = draw_through([STACK], STACK.conv_layers[1:], SIZE, account)
    assert pictures is None
    assert account.left_out == list(said)
    assert len(said) == 1
