"""Small models to export, and where an export puts their pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from filtviz.batch.manifest import relative
from filtviz.naming import model_folders, names_taken

__all__ = ["model_folder", "save_model"]


def model_folder(model: Path, folder: Path) -> str:
    """Return the name of a model's folder below the folder of all."""
    return model_folders(relative(model, folder), names_taken(each.name for each in model.parent.iterdir()))[
        0
    ]


def save_model(path: Path, n_channels: int = 3, seed: int = 0, kernel: tuple[int, int] = (3, 3)) -> Path:
    """Write a parameter file of two convolutions and a dense layer."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    first = rng.standard_normal((n_channels, 1, 3, 3)).astype("f4")
    second = rng.standard_normal((4, n_channels, *kernel)).astype("f4")
    dense = rng.standard_normal((4, 2)).astype("f4")
    with path.open("wb") as stream:
        np.savez(
            stream, first, np.zeros(n_channels, "f4"), second, np.zeros(4, "f4"), dense, np.zeros(2, "f4")
        )
    return path
