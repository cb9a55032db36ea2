"""The terminal's text, read back: every weight is there, in its colour or as its number."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from filtviz.cli.console import colour_depth
from filtviz.drawing import terminal
from filtviz.drawing.colours import by_colour_map, by_primaries
from filtviz.drawing.terminal import sheet_lines

from .making import layer_of, pages_of, random_weights

TOKEN = re.compile(r"\x1b\[([\d;]*)m|(.)")


def plain_text(line: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", line)


def pixels(lines: list[str]) -> dict[tuple[int, int], tuple[int, ...]]:
    """Return the colours of half blocks by their row (two a line) and column."""
    found = {}
    for y, line in enumerate(lines):
        x, colours = 0, {38: None, 48: None}
        for codes, character in TOKEN.findall(line):
            if codes:
                numbers = [int(code) for code in codes.split(";")]
                if numbers[0] in (38, 48):
                    assert numbers[1] == 2
                    colours[numbers[0]] = tuple(numbers[2:])
                elif numbers[0] in (0, 49):
                    colours[48] = None
                continue
            if character == "▀":
                found[2 * y, x] = colours[38]
                if colours[48] is not None:
                    found[2 * y + 1, x] = colours[48]
            x += 1
    return found


def test_half_blocks_hold_every_weight_in_its_colour() -> None:
    weights = random_weights(1, 1, 5, 4)
    (page,) = pages_of(layer_of(weights))
    lines = list(sheet_lines(page.sheet, 80, "truecolor"))
    start = lines.index("") + 1
    shown = pixels(lines[start : start + 10])
    expected = by_colour_map(weights[0, 0] / np.abs(weights).max(), "RdBu_r")
    zoom = 4  # the largest, on a screen with room
    assert len(shown) == 20 * zoom**2
    for (y, x), colour in shown.items():
        assert colour == tuple(expected[y // zoom, (x - 2) // zoom])


def test_an_odd_row_leaves_the_background_alone() -> None:
    weights = random_weights(2, 40, 3, 3)
    (page,) = pages_of(layer_of(weights))
    lines = list(sheet_lines(page.sheet, 60, "truecolor"))
    assert any(line.count("\x1b[49m") for line in lines)


def test_filters_in_colour() -> None:
    weights = random_weights(2, 3, 4, 4)
    (page,) = pages_of(layer_of(weights), primaries="rgb")
    text = "".join(sheet_lines(page.sheet, 80, "truecolor"))
    expected = by_primaries(np.moveaxis(weights / np.abs(weights).max(), 1, -1).astype("f8"))
    for colour in expected.reshape(-1, 3):
        assert ";2;{};{};{}m".format(*colour) in text


def test_256_colours_use_no_others() -> None:
    (page,) = pages_of(layer_of(random_weights(4, 1, 3, 3)))
    text = "".join(sheet_lines(page.sheet, 80, "256"))
    numbers = [int(n) for n in re.findall(r"\x1b\[[34]8;5;(\d+)m", text)]
    assert numbers
    assert all(16 <= n <= 255 for n in numbers)
    assert ";2;" not in text


def test_plain_text_has_every_weight_in_tenths_of_the_scale() -> None:
    weights = np.array([0.1, -0.9, 0.0, 0.45, np.nan, -0.02]).reshape(1, 1, 2, 3)
    (page,) = pages_of(layer_of(weights))
    text = "\n".join(sheet_lines(page.sheet, 80, "plain"))
    assert "0  +1 -9  ." in text
    assert "   +4  ?  ." in text
    assert "-9 is -0.9, . is nearly 0, +9 is 0.9, ? is not finite" in text
    assert "\x1b" not in text


def test_plain_text_shows_primaries_side_by_side() -> None:
    (page,) = pages_of(layer_of(random_weights(2, 3, 2, 2)), primaries="rgb")
    text = "\n".join(sheet_lines(page.sheet, 80, "plain"))
    assert re.search(r"red +green +blue", text)


@pytest.mark.cases("all")
@pytest.mark.parametrize("depth", ["truecolor", "256", "plain"])
@pytest.mark.parametrize("shape", [(5, 1, 3, 3), (3, 40, 3, 3), (2, 3, 11, 11), (30, 2, 1, 1)])
def test_no_line_is_longer_than_the_terminal_and_no_tile_is_missing(depth: str, shape: tuple) -> None:
    (page,) = pages_of(layer_of(random_weights(*shape)), view="sheet")
    lines = [plain_text(line) for line in sheet_lines(page.sheet, 60, depth)]
    assert max(map(len, lines)) <= 60
    if depth == "plain":
        numbers = sum(len(re.findall(r" [+-]\d|  \.", line)) for line in lines[5:-2])
        assert numbers >= np.prod(shape)


def test_captions_and_headings_are_whole() -> None:
    (page,) = pages_of(layer_of(random_weights(2, 9, 3, 3)), view="components")
    text = "\n".join(plain_text(line) for line in sheet_lines(page.sheet, 70, "truecolor"))
    assert re.search(r"1 +2 +3 +4", text)
    for row in page.sheet.captions:
        assert all(caption in text for caption in row)


def test_a_hostile_name_cannot_command_the_terminal() -> None:
    (page,) = pages_of(layer_of(random_weights(1, 1, 2, 2), name="\x1b[2J\x07evil"))
    text = "\n".join(sheet_lines(page.sheet, 80, "plain"))
    assert "\x1b" not in text
    assert "\\x1b[2J\\x07evil" in text


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("environment", "is_terminal", "depth"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, True, "truecolor"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, True, "truecolor"),
        ({"TERM": "xterm-256color"}, True, "256"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False, "plain"),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, True, "plain"),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": ""}, True, "truecolor"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, True, "plain"),
        ({}, True, "plain"),
    ],
)
def test_colours_are_used_where_they_are_wanted(environment: dict, is_terminal: bool, depth: str) -> None:
    assert colour_depth(environment, is_terminal) == depth


@pytest.mark.parametrize(
    ("view", "legend"),
    [
        (
            "sheet",
            "-9 is -2, . is nearly 0, +9 is 2, ? is not finite: weight; one scale for all, so that strong",
        ),
        (
            "rms",
            ". is nearly 0, +9 is 2, ? is not finite: root mean square of the weights; one scale for all",
        ),
    ],
)
def test_plain_text_says_what_its_digits_are(view: str, legend: str) -> None:
    weights = np.array([-2.0, 0.0, 1.0]).reshape(1, 1, 1, 3)
    (page,) = pages_of(layer_of(weights), view=view)
    lines = list(sheet_lines(page.sheet, 94, "plain"))
    assert [line for line in lines if "is nearly 0" in line] == [legend]
    assert lines[lines.index("") + 1] == ("0  -9  . +4" if view == "sheet" else "0  +9  . +4")


def tall_sheet(n=12, channels=1):
    return pages_of(layer_of(random_weights(n, channels, 3, 3)))[0].sheet


@pytest.mark.cases("all")
@pytest.mark.parametrize("height", [12, 18, 24, 40])
@pytest.mark.parametrize("depth", ["plain", "256"])
def test_a_window_gets_the_strips_that_there_is_room_for_and_is_told_of_the_others(height, depth):
    sheet = tall_sheet(60)
    lines = list(sheet_lines(sheet, 40, depth, height))
    assert len(lines) <= max(height - 3, 18)
    told = " ".join(plain_text(line) for line in lines[-3:])
    remarks = r"(?: and \d remarks? (?:is|are) left out)?"
    shown = re.search(rf"(\d+) of 60 are shown{remarks}, for lack of room: LINES=999", told)
    assert shown is not None
    assert f" {int(shown[1]) - 1} " in "\n".join(map(plain_text, lines))
    assert f"\n{shown[1]} " not in "\n".join(map(plain_text, lines[:-3]))


@pytest.mark.slow
@pytest.mark.parametrize("height", [16, 24, 40])
def test_remarks_give_way_to_the_first_tiles_and_that_is_said(height):
    sheet = replace(tall_sheet(60), notes=tuple(f"remark {i}" for i in range(60)))
    lines = list(map(plain_text, sheet_lines(sheet, 80, "256", height)))
    assert len(lines) <= height - 1
    kept = sum(line.startswith("remark ") for line in lines)
    assert kept < 60
    told = " ".join(lines[-2:])
    left_out = int(re.search(r"and (\d+) remarks are left out, for lack of room", told)[1])
    assert left_out >= 60 - kept
    whole = list(map(plain_text, sheet_lines(sheet, 80, "256")))
    assert sum(line.startswith("remark ") for line in whole) == 60
    assert "left out" not in " ".join(whole)


def test_where_there_is_room_for_all_nothing_is_said_and_nothing_missing():
    sheet = tall_sheet(4)
    assert list(sheet_lines(sheet, 80, "plain", 60)) == list(sheet_lines(sheet, 80, "plain"))


def test_a_strip_that_is_shown_in_part_does_not_count():
    sheet = tall_sheet(3, channels=30)
    lines = list(sheet_lines(sheet, 60, "plain", 14))
    assert " ".join(lines[-2:]).startswith("0 of 3 are shown")


@pytest.mark.parametrize("cmap", ["gray", "viridis"])
def test_a_colour_map_that_was_chosen_is_kept_where_there_are_256_colours(cmap) -> None:
    """Only the diverging one of the views has a twin for so few colours."""
    (page,) = pages_of(layer_of(random_weights(2, 1, 3, 3)), cmap=cmap)
    twin, diverging = (
        replace(page.sheet, cmap=name) for name in (terminal.DIVERGING_OF_256, terminal.DIVERGING)
    )
    own, of_twin, of_diverging = (
        list(sheet_lines(each, 80, "256")) for each in (page.sheet, twin, diverging)
    )
    assert own != of_twin == of_diverging
