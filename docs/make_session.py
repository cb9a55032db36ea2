"""Make ``docs/images/session.gif``, which the README shows: what a terminal of 80 x 24 says to a question.

Run it from anywhere: ``python docs/make_session.py``. The commands are run for real, in a folder that holds
the example network, and what they print is drawn in the monospaced font that matplotlib brings, so that
screens are the same everywhere. The second command's picture is shown as a person sees it who opens the file.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont

from filtviz.cli import main

DOCS = Path(__file__).resolve().parent
EXAMPLE = DOCS.parent / "examples" / "mission-trained.pkl"
TARGET = DOCS / "images" / "session.gif"

COLUMNS, LINES = 80, 24
COMMANDS = (
    "filtviz diagnose mission-trained.pkl",
    "filtviz plot mission-trained.pkl --layer conv6 --through",
)

TYPED, STARTED, READ, LOOKED_AT = 60, 500, 7000, 5000
"""Milliseconds: for a few letters, before the answer comes, to read a screen, to look at a picture."""

LETTERS = 4
"""Letters that are typed at once, so that the file stays small."""

CELL = (9, 18)
MARGIN = 14
FONT_SIZE = 15
INK, ACCENT, GROUND = (222, 226, 230), (116, 192, 252), (27, 30, 37)


class Screen:
    """What the terminal shows: lines, each with its colour, of which the last ``LINES`` are in sight."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, tuple[int, int, int]]] = []

    def image(self) -> Image.Image:
        """Draw it."""
        size = COLUMNS * CELL[0] + 2 * MARGIN, LINES * CELL[1] + 2 * MARGIN
        canvas = Image.new("RGB", size, GROUND)
        pen = ImageDraw.Draw(canvas)
        font = _font()
        for row, (text, colour) in enumerate(self.lines[-LINES:]):
            pen.text((MARGIN, MARGIN + row * CELL[1]), text, colour, font)
        return canvas


def _font() -> ImageFont.FreeTypeFont:
    file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSansMono.ttf")
    return ImageFont.truetype(str(file), FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)


def run(command: str) -> list[str]:
    """Run a command of filtviz in this process and return the lines that it prints, none too long.

    Args:
        command: As a person types it.
    """
    result = CliRunner().invoke(
        main, shlex.split(command)[1:], catch_exceptions=False, env={"COLUMNS": str(COLUMNS)}
    )
    if result.exit_code:
        raise SystemExit(f"{command} failed: {result.stderr}")
    lines = result.output.splitlines()
    return [line[at : at + COLUMNS] for line in lines for at in range(0, max(1, len(line)), COLUMNS)]


def frames() -> Iterator[tuple[Image.Image, int]]:
    """Yield what is to be seen, and for how many milliseconds; commands run in a folder of their own."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        Path(EXAMPLE.name).symlink_to(EXAMPLE)
        diagnose, plot = COMMANDS
        screen = Screen()
        yield from _typed(screen, diagnose)
        screen.lines += [(line, INK) for line in run(diagnose)]
        yield screen.image(), READ
        screen = Screen()
        yield from _typed(screen, plot)
        printed = run(plot)
        screen.lines += [(line, INK) for line in printed]
        yield screen.image(), 3 * STARTED
        yield _with_picture(screen, Path(printed[-1])), LOOKED_AT


def _typed(screen: Screen, command: str) -> Iterator[tuple[Image.Image, int]]:
    """Yield how a command appears behind the prompt."""
    screen.lines.append(("", ACCENT))
    for end in range(0, len(command) + LETTERS, LETTERS):
        screen.lines[-1] = (f"$ {command[:end]}▏", ACCENT)
        yield screen.image(), TYPED
    screen.lines[-1] = (f"$ {command}", ACCENT)
    yield screen.image(), STARTED


def _with_picture(screen: Screen, picture: Path) -> Image.Image:
    """Draw a picture that was made below what is printed, as large as there is room."""
    canvas = screen.image()
    top = MARGIN + CELL[1] * (len(screen.lines) + 1)
    with Image.open(picture) as made:
        shown = made.convert("RGB")
    shown.thumbnail((canvas.width - 2 * MARGIN, canvas.height - top - MARGIN), Image.Resampling.LANCZOS)
    canvas.paste(shown, ((canvas.width - shown.width) // 2, top))
    return canvas


def make(target: Path = TARGET) -> None:
    """Write the animation.

    Args:
        target: Its file.
    """
    pictures, durations = zip(*frames(), strict=True)
    colours = pictures[-1].quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    plain = [each.quantize(palette=colours, dither=Image.Dither.NONE) for each in pictures]
    plain[0].save(target, save_all=True, append_images=plain[1:], duration=durations, loop=0, optimize=True)


if __name__ == "__main__":
    make()
