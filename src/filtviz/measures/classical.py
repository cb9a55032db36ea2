"""Which textbook kernel does a filter resemble?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.kernels import Floats
from filtviz.measures.laws import random_cosine
from filtviz.measures.measure import Columns, FilterDiagnosis, Finding, Measure
from filtviz.text import plural

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "CLASSICAL",
    "Classical",
    "Likeness",
    "classical_kernels",
    "likeness_threshold",
    "nearest_classical",
]


class Classical(Measure):
    """The classical kernel that a filter's channels come nearest to."""

    key = "classical"
    title = "Nearest classical kernel"
    meaning = (
        "Does a filter resemble a textbook one, such as a Sobel edge or a Gaussian blur? With many "
        "filters some do by chance, so a name is given only beyond that."
    )
    scope = ("filter",)
    formula = (
        "greatest |cos| with 17 textbook 3x3 masks (box, Gaussian, Sobel, Prewitt, Laplacian, lines, …), "
        "or Gaussian derivatives for larger odd squares"
    )
    null = "cos² ~ Beta(½, (p−1)/2), Šidák over kernels and masks, at 1 %: .948 for 20 kernels"
    short_null = "Beta, Šidák"
    counts_if = "named above it only"
    supports = '"matches a Sobel kernel"'
    cannot_say = "Below: 28 % of pure noise kernels reach .7 with one of them."
    source = "textbook masks; Šidák 1967"

    def each(self, subject: Subject) -> Columns:
        """Find for each filter the channel that is nearest to a classical kernel."""
        kernels = subject.kernels
        threshold = likeness_threshold(kernels.n_kernels, *kernels.shape[2:])
        names: list[str | None] = []
        channels: list[int | None] = []
        cosines: list[float] = []
        for block in kernels.blocks():
            some = kernels.weights[block]
            nearest = nearest_classical(some.reshape(-1, *kernels.shape[2:]))
            if nearest is None:
                return {}
            of_channels = nearest.cosine.reshape(some.shape[:2])
            for row, channel in enumerate(np.abs(of_channels).argmax(axis=1).tolist()):
                cosine = float(of_channels[row, channel])
                may_be_named = abs(cosine) >= threshold
                cosines.append(cosine)
                channels.append(channel if may_be_named else None)
                names.append(nearest.name(row * kernels.n_channels + channel) if may_be_named else None)
        return {"classical": names, "classical_channel": channels, "likeness": cosines}

    def sum_up(self, subject: Subject, filters: Sequence[FilterDiagnosis]) -> Finding:  # noqa: ARG002
        """Count the filters that may be named."""
        named = sum(each.classical is not None for each in filters)
        text = f"{plural(named, 'filter')} of {len(filters)} may be named"
        return self.finding(value=float(named), found=named > 0, text=text)


class Likeness(NamedTuple):
    """The classical kernel that each kernel is nearest to, as its place in ``known``, and their cosine."""

    known: tuple[str, ...]
    place: NDArray[np.intp]
    cosine: Floats

    def name(self, kernel: int) -> str:
        """Return the classical kernel that a kernel is nearest to.

        Args:
            kernel: Its number.
        """
        return self.known[int(self.place[kernel])]


_THREE = {
    "box": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "Gaussian": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "Laplacian (4 neighbours)": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "Laplacian (8 neighbours)": [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
    "Sobel, horizontal edge": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "Sobel, vertical edge": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "Sobel, falling edge": [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    "Sobel, rising edge": [[2, 1, 0], [1, 0, -1], [0, -1, -2]],
    "Prewitt, horizontal edge": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "Prewitt, vertical edge": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "horizontal line": [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
    "vertical line": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
    "falling line": [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
    "rising line": [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
    "checkerboard": [[1, -1, 1], [-1, 1, -1], [1, -1, 1]],
}

CLASSICAL = tuple(_THREE)
"""The names of the 17 classical 3x3 kernels."""


@lru_cache(maxsize=16)
def classical_kernels(rows: int, cols: int) -> dict[str, Floats]:
    """Return the classical kernels of a size by name, each of norm 1; none for even or 1-D kernels.

    3x3 are the textbooks' masks; larger squares a box, an impulse, a checkerboard, and Gaussian derivatives
    up to the second order with σ a sixth of the side.
    """
    if (rows, cols) == (3, 3):
        found = {name: np.array(mask, dtype=float) for name, mask in _THREE.items()}
    elif rows == cols and rows % 2 == 1 and rows > 3:
        found = _larger(rows)
    else:
        return {}
    return {name: kernel / np.linalg.norm(kernel) for name, kernel in found.items()}


def _larger(size: int) -> dict[str, Floats]:
    smooth, slope, bend = _gaussian_derivatives(size)
    xx, yy, xy = np.outer(smooth, bend), np.outer(bend, smooth), np.outer(slope, slope)
    x, y = np.outer(smooth, slope), np.outer(slope, smooth)
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1.0
    return {
        "box": np.ones((size, size)),
        "Gaussian": np.outer(smooth, smooth),
        "identity": impulse,
        "Laplacian of Gaussian": xx + yy,
        "horizontal edge": y,
        "vertical edge": x,
        "falling edge": y - x,
        "rising edge": y + x,
        "horizontal line": yy,
        "vertical line": xx,
        "falling line": xx + yy - 2 * xy,
        "rising line": xx + yy + 2 * xy,
        "checkerboard": (-1.0) ** np.add.outer(np.arange(size), np.arange(size)),
    }


def _gaussian_derivatives(size: int) -> tuple[Floats, Floats, Floats]:
    """Return a Gaussian of σ size/6 and its first two derivatives, ``(size,)`` each."""
    variance = (size / 6) ** 2
    x = np.arange(size) - (size - 1) / 2
    smooth = np.exp(-0.5 * x**2 / variance)
    return smooth, -x / variance * smooth, (x**2 / variance - 1) / variance * smooth


def nearest_classical(kernels: Floats) -> Likeness | None:
    """Return for each kernel of ``(kernels, rows, cols)`` the classical one of the greatest |cos|.

    None where there is no classical kernel of that size.
    """
    known = classical_kernels(*kernels.shape[1:])
    if not known:
        return None
    flat = kernels.reshape(len(kernels), -1)
    products = flat @ np.stack([kernel.reshape(-1) for kernel in known.values()]).T
    best = np.abs(products).argmax(axis=1)
    norms = np.sqrt(np.einsum("ij,ij->i", flat, flat))
    cosines = products[np.arange(len(flat)), best] / np.where(norms > 0, norms, 1.0)
    return Likeness(tuple(known), best, np.clip(cosines, -1.0, 1.0))


def likeness_threshold(n_kernels: int, rows: int, cols: int, alpha: float = 0.01) -> float:
    """Return the |cos| above which the nearest classical kernel may be named.

    The cos² of a random kernel with a fixed one is Beta(½, (p-1)/2); Šidák's correction runs over all
    kernels and all classical ones: .948 for 20 kernels of 3x3.
    """
    n_classical = len(classical_kernels(rows, cols))
    if n_classical == 0 or n_kernels == 0:
        return 1.0
    return random_cosine(n_kernels * n_classical, rows * cols, alpha)
