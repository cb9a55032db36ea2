"""Options, channels and cautions: what is said of wrong ones, and of pictures that mislead."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import click
import numpy as np
import pytest
from click.testing import CliRunner

from filtviz.cli import main
from filtviz.cli.shared_options import field_option
from filtviz.drawing import DrawingOptions, SheetOptions
from filtviz.drawing.grid import cautions
from filtviz.drawing.options import _option, options_of
from filtviz.drawing.selection import choose_channels, parse_channels
from filtviz.errors import SelectionError

from .test_grid import kernels_of, layer_of


def test_the_defaults_are_nolearns():
    options = DrawingOptions()
    assert (options.figsize, options.dpi, options.cmap, options.view) == ((6.0, 6.0), 100.0, "gray", "grid")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"figsize": (0, 6)}, "figsize must be two positive numbers of inches, not 0 and 6"),
        ({"figsize": (6, float("nan"))}, "figsize must be two positive numbers of inches, not 6 and nan"),
        ({"figsize": 6}, "figsize must be two numbers, width and height in inches, not 6"),
        ({"figsize": (6, 6, 6)}, "figsize must be two numbers, width and height in inches, not (6, 6, 6)"),
        ({"dpi": 0}, "dpi must be a positive number, not 0"),
        ({"dpi": float("inf")}, "dpi must be a positive number, not inf"),
        (
            {"dpi": 0.1},
            "6 x 6 inches at 0.1 dpi make 1 x 1 pixels: nothing to draw on; raise figsize or dpi",
        ),
        (
            {"dpi": 20000},
            "6 x 6 inches at 20000 dpi make 120000 x 120000 pixels: a side must be under 65,536 and a page at"
            " most 268,435,456 pixels; lower figsize or dpi",
        ),
        (
            {"cmap": "viridus"},
            "matplotlib has no colour map 'viridus'; did you mean viridis? (gray, viridis and RdBu are some)",
        ),
        ({"view": "no"}, "there is no view 'no' (there are: grid"),
    ],
)
def test_wrong_options_are_one_sentence(wrong, sentence):
    with pytest.raises(ValueError) as caught:
        DrawingOptions(**wrong)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("chosen", [DrawingOptions, SheetOptions])
def test_the_command_line_has_an_option_for_each_field_that_says_what_it_does(chosen):
    plot = main.get_command(click.Context(main), "plot")
    asked = {each.name: each for each in plot.params}
    assert set(options_of(chosen)) <= set(asked)
    for name, option in options_of(chosen).items():
        assert (asked[name].help, asked[name].metavar) == (option.help, option.metavar)
        assert asked[name].default == option.default == getattr(chosen(), name)
    silent = {each.name for each in fields(chosen)} - set(options_of(chosen))
    assert (
        silent == {DrawingOptions: {"view", "sheet"}, SheetOptions: {"primaries", "cmap", "figsize"}}[chosen]
    )


@dataclass(frozen=True, kw_only=True)
class MoreOptions(SheetOptions):
    """Fields such as somebody may add."""

    tile_gap: int = field(default=2, metadata=_option("Between tiles.", at_least=0, metavar="N"))
    names: bool = field(default=True, metadata=_option("Write names."))
    mirror: bool = field(default=False, metadata=_option("Mirror."))
    side: str = field(default="left", metadata=_option("Where.", choices=("left", "right")))
    zoom: float = field(default=1.5, metadata=_option("How large."))
    corner: tuple[float, float] = field(default=(0.0, 1.0), metadata=_option("From.", metavar="X Y"))
    title: str | None = field(default=None, metadata=_option("Above it."))


def ask(*arguments: str) -> tuple[int, str]:
    """Run a command that has the options of `MoreOptions` and prints what it was given."""

    def command(**given: object) -> None:
        click.echo(MoreOptions(**given))

    decorated = command
    for name in options_of(MoreOptions):
        decorated = field_option(MoreOptions, name)(decorated)
    ran = CliRunner().invoke(click.command(decorated), list(arguments))
    return ran.exit_code, ran.output.strip()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        ([], {}),
        (["--tile-gap", "0"], {"tile_gap": 0}),
        (["--no-names", "--mirror"], {"names": False, "mirror": True}),
        (["--side", "right", "--zoom", "2"], {"side": "right", "zoom": 2.0}),
        (["--corner", "3", "4", "--title", "x"], {"corner": (3.0, 4.0), "title": "x"}),
    ],
)
def test_a_field_becomes_the_option_that_its_default_asks_for(arguments, made):
    assert ask(*arguments) == (0, str(MoreOptions(**made)))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tile-gap", "-1"], "-1 is not in the range x>=0"),
        (["--side", "up"], "'up' is not one of 'left', 'right'"),
        (["--zoom", "much"], "'much' is not a valid float"),
        (["--no-mirror"], "No such option"),
    ],
)
def test_the_command_line_refuses_what_a_field_cannot_be(arguments, words):
    code, printed = ask(*arguments)
    assert code == 2
    assert words in printed


def test_the_class_refuses_it_as_well():
    with pytest.raises(ValueError, match="top must be 1 or more, not 0"):
        SheetOptions(top=0)
    with pytest.raises(ValueError, match="sort must be one of index, norm, similarity, not 'up'"):
        SheetOptions(sort="up")
    assert SheetOptions(top=1, components=1).top == 1


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("all", None),
        ("ALL", None),
        ("0", [(0, 0)]),
        ("0,2-5", [(0, 0), (2, 5)]),
        (" 3 - 4 ,1", [(3, 4), (1, 1)]),
    ],
)
def test_channels_are_read(text, ranges):
    assert parse_channels(text) == ranges


@pytest.mark.cases("all")
@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "5-2", "1,,2", "1.5", "٣"])
def test_other_texts_are_no_channels(text):
    with pytest.raises(ValueError, match="channels are `all`, or numbers and ranges such as 0,2-5, not "):
        parse_channels(text)


def test_channels_are_chosen_once_and_in_order():
    layer = layer_of(np.zeros((2, 6, 3, 3)))
    assert choose_channels(layer, [(4, 5), (0, 0), (4, 4)]) == [0, 4, 5]
    assert list(choose_channels(layer, None)) == [0, 1, 2, 3, 4, 5]


def test_a_channel_that_is_not_there_is_said_without_counting_up_to_it():
    with pytest.raises(SelectionError, match="conv1 has no channel 999999999: it has 6, from 0 on"):
        choose_channels(layer_of(np.zeros((2, 6, 3, 3))), [(0, 999_999_999)])


def test_kernels_that_look_like_what_they_are_need_no_words():
    assert cautions(layer_of(kernels_of((20, 2, 3, 3))), [0, 1], DrawingOptions()) == []


def test_a_1x1_layer_says_nothing():
    assert cautions(layer_of(kernels_of((4, 2, 1, 1))), [0, 1], DrawingOptions()) == [
        "conv1 is 1x1: each kernel is one weight, drawn black whatever it is; this picture says nothing"
    ]


def test_constant_and_broken_kernels_are_named_by_filter_and_channel():
    filters = kernels_of((4, 3, 3, 3))
    filters[1, 2] = 7
    filters[0, 0, 0, 0] = np.nan
    filters[3, 2, 1, 1] = np.inf
    assert cautions(layer_of(filters), [0, 2], DrawingOptions()) == [
        "conv1: 1 of 8 kernels (filter 1 channel 2) is constant, drawn black whatever the value is",
        "conv1: 2 of 8 kernels (filter 0 channel 0, filter 3 channel 2) are not finite (NaN or infinite"
        " weights), drawn as white holes",
    ]


def test_many_kernels_are_counted_and_the_first_named():
    (sentence,) = cautions(layer_of(np.zeros((30, 1, 3, 3))), [0], DrawingOptions())
    assert sentence.startswith("conv1: 30 of 30 kernels (filter 0 channel 0, ")
    assert "and 22 more) are constant" in sentence


def test_weights_that_get_no_pixel_are_told():
    filters = kernels_of((400, 1, 11, 11))
    (sentence,) = cautions(layer_of(filters), [0], DrawingOptions(figsize=(2, 2)))
    assert sentence == (
        "conv1: a kernel of 11x11 weights gets about 6.5 x 6.5 pixels, so that some weights are left out;"
        " raise --figsize or --dpi"
    )


def test_weights_that_get_a_pixel_each_need_no_words():
    (width, height), dpi = (0.4, 0.4), 100  # of which 31 x 30.8 pixels are the kernel's
    options = DrawingOptions(figsize=(width, height), dpi=dpi)
    for shape, told in (((1, 31), False), ((1, 32), True), ((30, 1), False), ((31, 1), True)):
        assert bool(cautions(layer_of(kernels_of((1, 1, *shape))), [0], options)) is told, shape


def test_a_kernel_that_is_infinite_throughout_is_a_hole_and_not_called_constant():
    filters = kernels_of((3, 1, 2, 2))
    filters[1] = np.inf
    assert cautions(layer_of(filters), [0], DrawingOptions()) == [
        "conv1: 1 of 3 kernels (filter 1 channel 0) is not finite (NaN or infinite weights),"
        " drawn as white holes"
    ]


@pytest.mark.parametrize(("n", "ending"), [(8, "filter 7 channel 0) are"), (9, "and 1 more) are")])
def test_eight_kernels_are_named_and_the_ninth_is_counted(n, ending):
    (sentence,) = cautions(layer_of(np.zeros((n, 1, 3, 3))), [0], DrawingOptions())
    assert sentence.split(" constant")[0].endswith(ending)


@pytest.mark.parametrize("name", ["top", "components"])
def test_a_count_is_one_or_more(name):
    with pytest.raises(ValueError, match=f"{name} must be 1 or more, not 0"):
        SheetOptions(**{name: 0})
    assert getattr(SheetOptions(**{name: 1}), name) == 1


@pytest.mark.parametrize(("side", "fits"), [(65535, True), (65536, False)])
def test_a_side_is_as_long_as_agg_can_draw(side, fits):
    if fits:
        assert DrawingOptions(figsize=(side, 1), dpi=1).figsize == (side, 1)
    else:
        with pytest.raises(ValueError, match="a side must be under 65,536"):
            DrawingOptions(figsize=(side, 1), dpi=1)


@pytest.mark.parametrize(("side", "fits"), [(2**14, True), (2**14 + 1, False)])
def test_a_page_has_as_many_pixels_as_memory_can_bear(side, fits):
    if fits:
        assert DrawingOptions(figsize=(side, 2**14), dpi=1).figsize == (side, 2**14)
    else:
        with pytest.raises(ValueError, match="a page at most 268,435,456 pixels"):
            DrawingOptions(figsize=(side, 2**14), dpi=1)
    if fits:
        assert DrawingOptions(dpi=1, sheet=SheetOptions(figsize=(side, 2**14))).sheet.figsize == (side, 2**14)
    else:
        with pytest.raises(ValueError, match="a page at most 268,435,456 pixels"):
            DrawingOptions(dpi=1, sheet=SheetOptions(figsize=(side, 2**14)))
