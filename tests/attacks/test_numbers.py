"""Weights that are no numbers, too many or none: each command draws, measures, or says one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from filtviz.cli import main
from tests.attacks.assembling import array, convolution, dtype, image, pickled, raw, shape
from tests.reading.making import conv, weights, write
from tests.reading.making import image as an_image

RNG = np.random.default_rng(0)
DRAWABLE = {
    "nothing but NaN": np.full((4, 1, 3, 3), np.nan, "f4"),
    "some NaN": np.where(RNG.random((8, 2, 3, 3)) < 0.2, np.nan, weights(8, 2, 3, 3)).astype("f4"),
    "nothing but infinity": np.full((4, 1, 3, 3), np.inf, "f4"),
    "zeros": np.zeros((4, 1, 3, 3), "f4"),
    "denormals": np.full((4, 1, 3, 3), 5e-324),
    "one number": np.ones((1, 1, 1, 1), "f4"),
    "bytes": np.arange(36, dtype="i1").reshape(4, 1, 3, 3),
    "the smallest integers": np.full((4, 1, 3, 3), -(1 << 63)),
    "the largest integers": np.full((4, 1, 3, 3), (1 << 64) - 1, "u8"),
    "truth": RNG.random((4, 1, 3, 3)) < 0.5,
    "the largest halves": np.full((4, 1, 3, 3), 65504, "f2"),
    "the other end first": weights(4, 1, 3, 3).astype(">f4"),
    "a kernel of 300 x 300": weights(1, 1, 300, 300),
}
TELLING = ("some NaN", "zeros")
"""What even the fast tests try."""

EMPTY = {
    "no filters": (0, 1, 3, 3),
    "no channels": (4, 0, 3, 3),
    "no kernel": (4, 1, 0, 0),
    "nothing at all": (0, 0, 0, 0),
    "a trillion filters of nothing": (1 << 40, 1, 0, 0),
    "a trillion channels for no filter": (0, 1 << 40, 3, 3),
}
COMMANDS = {
    "plot": ("plot", "{model}", "-o", "{out}/a.png"),
    "sheet": ("plot", "{model}", "--view", "sheet", "-o", "{out}/b.png"),
    "terminal": ("plot", "{model}", "--terminal"),
    "compare": ("compare", "{model}", "{model}", "-o", "{out}/c.png"),
    "export": ("export", "{model}", "-o", "{out}", "--quiet"),
    "diagnose": ("diagnose", "{model}", "--json"),
    "report": ("report", "{model}", "-o", "{out}/page.html"),
}


def run(command: str, model: Path):
    words = [word.format(model=model, out=model.parent) for word in COMMANDS[command]]
    result = CliRunner().invoke(main, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "values",
    [
        pytest.param(values, id=name, marks=() if name in TELLING else pytest.mark.slow)
        for name, values in DRAWABLE.items()
    ],
)
def test_odd_numbers(values, command, tmp_path):
    model = write(tmp_path / "model.pkl", conv(an_image(values.shape[1], 12, 12), values), 4)
    result = run(command, model)
    finite = np.isfinite(values).all()
    assert result.exit_code == (1 if command == "compare" and not finite else 0), result.output


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("lengths", EMPTY.values(), ids=EMPTY)
def test_no_numbers(lengths, command, tmp_path):
    model = tmp_path / "model.pkl"
    nothing = array(shape(*lengths), dtype("f4"), raw(b""))
    model.write_bytes(pickled(convolution(image(1, 8, 8), W=nothing)))
    result = run(command, model)
    if command in ("plot", "sheet", "terminal", "compare", "export"):
        assert result.exit_code == 1
        assert "its weights are empty" in result.stderr
    else:
        assert result.exit_code == 0, result.output
