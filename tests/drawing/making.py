"""Layers and sheets made by hand for the tests of sheets."""

from __future__ import annotations

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
