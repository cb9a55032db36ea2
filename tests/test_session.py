"""The animated session of the README shows what its commands print."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]

spec = spec_from_file_location("make_session", ROOT / "docs" / "make_session.py")
make_session = module_from_spec(spec)
spec.loader.exec_module(make_session)


def test_the_readme_shows_it_and_it_is_small_and_lasts_long_enough_to_be_read() -> None:
    assert "docs/images/session.gif" in (ROOT / "README.md").read_text("utf-8")
    assert make_session.TARGET.stat().st_size < 300_000
    with Image.open(make_session.TARGET) as animation:
        assert animation.width == make_session.COLUMNS * make_session.CELL[0] + 2 * make_session.MARGIN
        assert animation.info["loop"] == 0
        durations = []
        for place in range(animation.n_frames):
            animation.seek(place)
            durations.append(animation.info["duration"])
    assert make_session.READ in durations
    assert durations[-1] == make_session.LOOKED_AT
    assert sum(durations) < 25_000


@pytest.mark.slow
def test_the_committed_screens_are_what_the_commands_print_today() -> None:
    shown = dict(_screens())
    for made, duration in make_session.frames():
        if duration in (make_session.READ, make_session.LOOKED_AT):
            apart = np.abs(np.asarray(made, float) - shown[duration]).mean(axis=2)
            assert (apart > 64).mean() < 0.01, "run python docs/make_session.py"


@pytest.mark.slow
def test_the_answer_fits_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(make_session.EXAMPLE.name).symlink_to(make_session.EXAMPLE)
    printed = make_session.run(make_session.COMMANDS[0])
    assert len(printed) < make_session.LINES
    assert make_session.COMMANDS[1] in map(str.strip, printed)


def _screens() -> list[tuple[int, np.ndarray]]:
    found = []
    with Image.open(make_session.TARGET) as animation:
        for place in range(animation.n_frames):
            animation.seek(place)
            found.append((animation.info["duration"], np.asarray(animation.convert("RGB"), float)))
    return found
