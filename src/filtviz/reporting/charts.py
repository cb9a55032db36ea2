"""Numbers → the coordinates of small charts, for the templates' SVG."""

from __future__ import annotations

from collections.abc import Sequence

from filtviz.reporting.content import Histogram

__all__ = ["HEIGHT", "WIDTH", "bars", "null_curve", "trail_points"]

WIDTH, HEIGHT = 480, 140
"""Of a histogram's plane, in its own units."""

TRAIL_WIDTH, TRAIL_HEIGHT = 90, 22


def bars(histogram: Histogram) -> str:
    """Return the SVG path of the histogram's bars."""
    n = len(histogram.counts)
    width = WIDTH / n
    steps = []
    for place, count in enumerate(histogram.counts.tolist()):
        if count:
            height = HEIGHT * count / histogram.highest
            steps.append(f"M{place * width:.1f} {HEIGHT}v{-height:.1f}h{width - 0.5:.1f}v{height:.1f}z")
    return "".join(steps)


def null_curve(histogram: Histogram) -> str:
    """Return the SVG points of what the initialiser would draw; empty where that is not known."""
    if histogram.null is None:
        return ""
    x = (histogram.null[:, 0] / histogram.limit + 1) / 2 * WIDTH
    y = HEIGHT - histogram.null[:, 1] / histogram.highest * HEIGHT
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def trail_points(values: Sequence[float | None]) -> str:
    """Return the SVG points of a value from file to file; empty for fewer than three that are known."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 3:
        return ""
    numbers = [value for _, value in known]
    low, spread = min(numbers), max(numbers) - min(numbers)
    step = TRAIL_WIDTH / (len(values) - 1)
    return " ".join(
        f"{place * step:.1f},{TRAIL_HEIGHT * (0.5 if spread == 0 else 1 - (value - low) / spread):.1f}"
        for place, value in known
    )
