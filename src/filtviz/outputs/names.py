"""Names of files: the same for the same model and options, safe on every system, none twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filtviz.network import Network
from filtviz.text import file_stem

__all__ = ["layer_stems", "model_stem", "picture_name", "unique_stems"]

MODEL_SUFFIXES = {".gz", ".bz2", ".xz"}
"""Suffixes of packed files, which hide the one that matters (``model.pkl.gz``)."""


def model_stem(path: Path) -> str:
    """Return the model file's name without its suffixes, as a part of a file name."""
    inner = Path(path.stem) if path.suffix.lower() in MODEL_SUFFIXES else path
    return file_stem(inner.stem)


def layer_stems(network: Network) -> dict[int, str]:
    """Return each convolution's part of a file name by its conv index."""
    layers = network.conv_layers
    stems = unique_stems([file_stem(layer.label) for layer in layers])
    return {layer.conv_index: stem for layer, stem in zip(layers, stems, strict=True)}


def picture_name(model: str, layer: str, part: str, suffix: str) -> str:
    """Return ``model-conv2-ch007.png``; parts that are empty are left out."""
    return "-".join(filter(None, [model, layer, part])) + f".{suffix}"


def unique_stems(stems: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Number the stems that occur already, so that no two are one file where case does not count.

    The first of several keeps its name; the others become ``name-2``, ``name-3``, …
    """
    used = {stem.lower() for stem in taken}
    own = {stem.lower() for stem in stems}
    unique = []
    for stem in stems:
        name, number = stem, 1
        while name.lower() in used or (number > 1 and name.lower() in own):
            number += 1
            name = f"{stem}-{number}"
        used.add(name.lower())
        unique.append(name)
    return unique
