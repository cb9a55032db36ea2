"""A training of which all is known: every fault that a layer can have, planted in one of its layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill"]

Arrays = dict[str, NDArray[np.float32]]
SMOOTH = np.outer([1, 2, 1], [1, 2, 1]) / 16


def fill(folder: Path) -> None:
    """Write the training's states in their order: `start.npz`, `middle.npz`, `end.npz`."""
    start, end = _start(), _end()
    names = sorted(end)
    np.savez(folder / "start.npz", **{name: start[name] for name in names})
    np.savez(folder / "middle.npz", **{name: (start[name] + end[name]) / 2 for name in names})
    np.savez(folder / "end.npz", **{name: end[name] for name in names})


def _drawn(seed: int, *shape: int) -> NDArray[np.float32]:
    bound = np.sqrt(6 / ((shape[0] + shape[1]) * shape[2] * shape[3]))
    return np.random.default_rng(seed).uniform(-bound, bound, shape).astype(np.float32)


def _normal(seed: int, std: float, *shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, std, shape)


def _start() -> Arrays:
    """The network before its training; the first parts of its names tell what becomes of the layers."""
    shapes = {
        "initial": (8, 3, 3, 3), "updated": (16, 8, 3, 3), "structured": (16, 16, 3, 3),
        "collapsed": (20, 16, 3, 3), "odd": (12, 20, 3, 3), "rounded": (8, 12, 3, 3),
        "clipped": (8, 8, 3, 3), "broken": (6, 8, 3, 3), "point": (10, 6, 1, 1), "pair": (2, 10, 3, 3),
        "single": (1, 2, 3, 3), "strips": (12, 1, 1, 5),
    }  # fmt: skip
    arrays = {f"{name}.weight": _drawn(seed, *shape) for seed, (name, shape) in enumerate(shapes.items())}
    return arrays | {f"{name}.bias": np.zeros(n, np.float32) for name, n in BIASES.items()}


BIASES = {"initial": 8, "updated": 16, "odd": 12}


def _end() -> Arrays:
    arrays = _start()
    arrays["updated.bias"] = np.linspace(0, 0.1, 16)
    arrays["structured.weight"] = arrays["structured.weight"] + 0.4 * SMOOTH * _normal(1, 1, 16, 16, 1, 1)
    arrays["collapsed.weight"] = 0.2 * arrays["collapsed.weight"] + SMOOTH * _normal(2, 1, 1, 16, 1, 1)
    odd = arrays["odd.weight"]
    odd[3], odd[7], odd[9], odd[10] = 0, odd[2], -odd[4], odd[10] * 4
    arrays["odd.bias"] = _normal(3, 0.05, 12)
    arrays["rounded.weight"] = np.round(arrays["rounded.weight"] * 100) / 100
    arrays["clipped.weight"] = np.clip(_normal(4, 0.1, 8, 8, 3, 3), -0.1, 0.1)
    arrays["broken.weight"][2, 0, 0, 0] = np.nan
    arrays["strips.weight"] = arrays["strips.weight"] + np.linspace(-0.5, 0.5, 5)
    return {name: array.astype(np.float32) for name, array in arrays.items()}
