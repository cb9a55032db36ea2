"""Weights that are no numbers, too many or none: each command draws, measures, or says one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from filtviz.cli import main
from tests.attacks.assembling import array, convolution, dtype, image, pickled, raw, shape
from tests.reading.making import conv, weights, write
from tests.reading.making import image as an_image

RNG = np.random.default_rng(0)
LARGEST = np.finfo(np.float64).max
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
    "halves up to the largest": np.where(RNG.random((8, 2, 3, 3)) < 0.3, 65504, 1).astype("f2"),
    "the largest doubles": np.where(RNG.random((8, 5, 3, 3)) < 0.5, *[each * LARGEST for each in (-1, 1)]),
    "one of the largest doubles": np.where(
        np.arange(360).reshape(8, 5, 3, 3) == 7, LARGEST, weights(8, 5, 3, 3)
    ),
    "doubles of all magnitudes": RNG.standard_normal((8, 5, 3, 3))
    * 10.0 ** RNG.uniform(-307, 307, (8, 5, 3, 3)),
    "doubles near 1e160": 1e160 * RNG.standard_normal((8, 5, 3, 3)),
    "doubles near 1e-170": 1e-170 * RNG.standard_normal((8, 5, 3, 3)),
    "floats up to the largest": np.finfo("f4").max * RNG.uniform(-1, 1, (8, 5, 3, 3)).astype("f4"),
    "signalling NaNs": np.where(RNG.random((8, 5, 3, 3)) < 0.1, 0x7FA00001, 0x3F800000)
    .astype("u4")
    .view("f4"),
    "signalling NaNs in doubles": np.where(RNG.random((8, 5, 3, 3)) < 0.1, 0x7FF4 << 48, 1)
    .astype("u8")
    .view("f8"),
    "any bits of halves": RNG.integers(0, 1 << 16, (8, 5, 3, 3)).astype("u2").view("f2"),
    "any bits of floats": RNG.integers(0, 1 << 32, (8, 5, 3, 3)).astype("u4").view("f4"),
    "any bits of doubles": RNG.integers(0, 1 << 63, (8, 5, 3, 3)).view("f8"),
    "both infinities": np.where(RNG.random((8, 5, 3, 3)) < 0.5, -np.inf, np.inf),
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
    "strongest": ("plot", "{model}", "--sort", "norm", "--badges", "-o", "{out}/d.png"),
    "rms": ("plot", "{model}", "--view", "rms", "-o", "{out}/e.png"),
    "through": ("plot", "{model}", "--through", "-o", "{out}/f.png"),
    "before": ("diagnose", "{model}", "--before", "{model}", "--filters", "--input-range", "-1", "1"),
    "report": ("report", "{model}", "-o", "{out}/page.html"),
}


def run(command: str, model: Path):
    """Run a command; that numpy warns is an error in all tests."""
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


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("lengths", EMPTY.values(), ids=EMPTY)
def test_no_numbers(lengths, command, tmp_path):
    model = tmp_path / "model.pkl"
    nothing = array(shape(*lengths), dtype("f4"), raw(b""))
    model.write_bytes(pickled(convolution(image(1, 8, 8), W=nothing)))
    result = run(command, model)
    if command not in ("diagnose", "before", "report"):
        assert result.exit_code == (0 if command == "export" else 1)  # a model without filters is no failure
        assert "its weights are empty" in result.stderr or command in ("through", "export")
    else:
        assert result.exit_code == 0, result.output


STACKS = ("the largest doubles", "doubles near 1e160", "both infinities", "some NaN", "denormals")


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("name", STACKS)
def test_odd_numbers_below_and_above(name, place, tmp_path):
    """A layer of odd numbers is composed with ordinary ones, and a state of them compared with another."""
    shapes = [(8, 1, 3, 3), (8, 8, 3, 3), (6, 8, 3, 3)]
    ordinary = [RNG.standard_normal(each).astype("f4") for each in shapes]
    odd = [*ordinary]
    odd[place] = np.resize(DRAWABLE[name], shapes[place])
    models = []
    for file, layers in (("ordinary.npz", ordinary), ("odd.npz", odd)):
        np.savez(tmp_path / file, *(each for W in layers for each in (W, np.zeros(len(W), W.dtype))))
        models.append(str(tmp_path / file))
    for words in (
        ["diagnose", "--filters", models[1], "--input-range", "0", "1"],
        ["diagnose", models[0], "--before", models[1]],
        ["diagnose", models[1], "--before", models[0]],
        ["plot", models[1], "--layer", "2", "--through", "--assume-stacked", "-o", str(tmp_path / "a.png")],
        ["compare", *models, "--layer", "1", "-o", str(tmp_path / "b.png"), "--sort", "change"],
        ["compare", *models[::-1], "--layer", "1", "-o", str(tmp_path / "c.png"), "--json"],
        ["report", *models, "-o", str(tmp_path / "page.html")],
        ["report", *models, "--json", "--assume-stacked"],
    ):
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == 0 or "not finite" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_warnings_as_errors_change_nothing(tmp_path, jobs):
    """Not here and not in workers: what numpy would warn of does not occur."""
    values = np.resize(DRAWABLE["the largest doubles"], (8, 200, 3, 3))
    np.savez(tmp_path / "odd.npz", values, np.zeros(8))
    for words in (
        ["plot", "odd.npz", "--channels", "0-3", "--view", "sheet", "-o", "a.png"],
        ["export", "odd.npz", "-o", "out", "--quiet", "--jobs", jobs],
    ):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "filtviz", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
