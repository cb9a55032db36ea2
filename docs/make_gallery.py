"""Make the pictures of ``docs/gallery.md`` by running the commands that the page shows.

Run it from anywhere: ``python docs/make_gallery.py``. The commands are the page's blocks of ``sh``; what one
without a picture prints goes into the block of ``text`` below it. ``rgb.npz``, which one command draws, is
made here.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from filtviz.cli import main

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "gallery.md"
EXAMPLES = DOCS.parent / "examples"

SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PRINTED = re.compile(r"(```sh\n([^`]*)```\n\n```text\n)[^`]*(```)")
PICTURE = re.compile(r"\(gallery/([\w.-]+)\)")


def commands_of(page: str) -> list[str]:
    """Return the commands that a page shows, in order."""
    return [line for block in SHELL.findall(page) for line in block.splitlines()]


def run(command: str) -> str:
    """Run a command of filtviz in this process and return what it prints."""
    name, *arguments = shlex.split(command)
    if name != "filtviz":
        raise SystemExit(f"the page runs something else than filtviz: {command}")
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    if result.exit_code:
        raise SystemExit(f"{command} failed: {result.stderr}")
    return result.stdout


def fill_folder(folder: Path) -> None:
    """Put what the commands draw into a folder."""
    for example in (*EXAMPLES.glob("*.pkl"), EXAMPLES / "digits.npz"):
        (folder / example.name).symlink_to(example)
    np.savez(folder / "rgb.npz", colour_filters(), np.zeros(16, np.float32))


def colour_filters() -> NDArray[np.float32]:
    """Return 16 filters on a colour image, ``(16, 3, 7, 7)``: edges and colour edges in four directions."""
    y, x = np.mgrid[-3:4, -3:4] / 3.0
    window = np.exp(-1.5 * (x**2 + y**2))
    tints = np.array([(1, 1, 1), (1, -1, 0), (-0.5, -0.5, 1), (0, 1, -1)])
    angles = np.pi * np.arange(4) / 4
    waves = [np.sin(3.0 * (x * np.cos(a) + y * np.sin(a)) + a) * window for a in angles]
    filters = [tint[:, None, None] * wave for tint in tints for wave in waves]
    noise = np.random.default_rng(0).normal(0, 0.04, (16, 3, 7, 7))
    return (0.2 * (np.array(filters) + noise)).astype(np.float32)


def shrunk(path: Path) -> bytes:
    """Return a picture's file, with a table of 256 colours where that is smaller: they are enough here."""
    whole = path.read_bytes()
    if path.suffix != ".png":
        return whole
    stream = BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            stream, "PNG", optimize=True
        )
    return min(whole, stream.getvalue(), key=len)


def make() -> None:
    """Run the page's commands, and put the pictures and the printed text where the page shows them."""
    page = PAGE.read_text(encoding="utf-8")
    gallery = DOCS / "gallery"
    gallery.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        fill_folder(Path(scratch))
        printed = {command: run(command) for command in commands_of(page)}
        for picture in PICTURE.findall(page):
            (gallery / picture).write_bytes(shrunk(Path(picture)))
    filled = PRINTED.sub(lambda found: found[1] + printed[found[2].strip()] + found[3], page)
    PAGE.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    make()
