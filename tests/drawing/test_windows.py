"""Windows: one for each picture, at its size, and never a flood of them."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.drawing import DrawingOptions
from filtviz.drawing.saving import MOST_WINDOWS, show_pictures
from filtviz.errors import DrawingError

from .making import layer_of, pages_of, random_weights


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Return the pixels of the windows that are opened, on a screen that is pretended."""
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    found = []

    def show() -> None:
        for number in pyplot.get_fignums():
            canvas = pyplot.figure(number).canvas
            canvas.draw()
            found.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())

    pyplot.switch_backend("agg")
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "pretended", raising=False)
    monkeypatch.setattr(pyplot, "show", show)
    return found


def test_each_picture_has_a_window_of_its_own_size(shown: list[np.ndarray]) -> None:
    pages = [*pages_of(layer_of(random_weights(2, 1, 3, 3))), *pages_of(layer_of(random_weights(1, 9, 3, 3)))]
    show_pictures(pages, DrawingOptions(dpi=100))
    assert len(shown) == 2
    for pixels, page in zip(shown, pages, strict=True):
        assert np.array_equal(pixels, np.asarray(page.image().convert("RGB")))


@pytest.mark.slow
def test_as_many_windows_as_a_person_can_close_are_opened(shown: list[np.ndarray]) -> None:
    assert MOST_WINDOWS == 20
    (page,) = pages_of(layer_of(random_weights(1, 1, 2, 2)), figsize=(0.2, 0.2))
    with pytest.raises(DrawingError, match="--show would open 21 windows: choose at most 20 with --channels"):
        show_pictures([page] * 21, DrawingOptions())
    assert shown == []
    show_pictures([page] * 20, DrawingOptions())
    assert len(shown) == 20
