"""Layers and sheets made by hand for the tests of sheets."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from packaging.version import Version

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.pages import SheetPage
from filtviz.drawing.pixelmap import PROVEN_VERSIONS
from filtviz.drawing.sheet import SheetTexts
from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Network

as_proven = pytest.mark.skipif(
    Version(version("matplotlib")) < Version(PROVEN_VERSIONS[0].strip(".")),
    reason="an older matplotlib than the pixels were compared with draws this itself",
)
"""Marks what holds of pixels that are computed without matplotlib."""


def layer_of(weights: np.ndarray, **fields: Any) -> ConvLayer:
    layer = ConvLayer.of(weights, type="Conv2DLayer", **fields)
    return Network.of([layer]).conv_layers[0]


def random_weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype("f4")


def pages_of(
    layer: ConvLayer,
    view: str = "sheet",
    dpi: float = 100.0,
    texts: SheetTexts | None = None,
    **sheet: Any,
) -> list[SheetPage]:
    options = DrawingOptions(view=view, dpi=dpi, sheet=SheetOptions(**sheet))
    return list(draw(layer, range(layer.n_channels), options, texts))


def short(text: str) -> str:
    """A text in which it is counted how often a letter stands."""
    return re.sub(r"(.)\1{7,}", lambda match: f"{match[1]}*{len(match[0])}", text)


def said(function: Callable[[], Any]) -> str:
    """What a function gives, or in which words it refuses."""
    try:
        return short(str(function()))
    except FiltvizError as error:
        return short(f"{type(error).__name__}: {error}")


def numbers(values: Any) -> str:
    return " ".join(f"{float(one) + 0.0:.5g}" for one in np.round(np.ravel(values).astype(float), 9))


def summed(array: Any) -> str:
    held = np.ascontiguousarray(array)
    return f"{held.shape} {zlib.crc32(held.astype(np.int64).tobytes()):08x}"
