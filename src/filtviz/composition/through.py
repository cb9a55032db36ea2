"""A deeper layer as it is on the image: the composed filters as a layer, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.composition.composing import ComposedFilters, assume_stacked, compose
from filtviz.composition.fidelity import measure_fidelity
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Network

__all__ = ["ASSUMED", "ComposedLayer", "compose_layer"]

ASSUMED = "assumed, since the file does not tell: stride 1 and no pooling between the convolutions"


@dataclass(frozen=True, kw_only=True, eq=False)
class ComposedLayer:
    """A layer whose weights are its filters composed down to the image.

    Attributes:
        layer: The layer, with weights ``(filters, image channels, rows, cols)`` as they match in the image.
        sentences: What was left out, what was assumed, and how well the composed filters predict responses.
        remarks: A few characters for each filter, its correlation with the responses; none where that was
            not measured.
    """

    layer: ConvLayer
    sentences: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def compose_layer(
    network: Network, layer: ConvLayer, *, stacked: bool = False, images: NDArray[Any] | None = None
) -> ComposedLayer:
    """Compose a layer's filters with all layers below.

    Args:
        network: The network that the layer is part of.
        layer: The layer to compose down to the image.
        stacked: Assume what a bare list of parameters does not tell, see `assume_stacked`.
        images: What to show the network to find how far the composed filters can be trusted, ``(images,
            channels, rows, cols)``; None for white noise.

    Raises:
        CompositionError: something below the layer is no filter on the image.
    """
    known = assume_stacked(network) if stacked else network
    current = known.conv_layers[layer.conv_index]
    composed = compose(known, current)
    sentences = [_summary(composed, current), *composed.approximations]
    if stacked and not all(below.is_told for below in network.layers[: layer.index + 1]):
        sentences.append(ASSUMED)
    remarks: tuple[str, ...] = ()
    if composed.approximations or images is not None:
        trust, remarks = _trust(known, current, composed, images)
        sentences.append(trust)
    else:
        sentences.append("nothing was left out: these are the units' exact answers to single pixels")
    seen = ConvLayer.of(
        composed.templates,
        flip_filters=False,
        type=current.type,
        name=current.name,
        label=current.label,
        index=current.index,
        conv_index=current.conv_index,
    )
    return ComposedLayer(layer=seen, sentences=tuple(sentences), remarks=remarks)


def _summary(composed: ComposedFilters, layer: ConvLayer) -> str:
    rows, cols = composed.templates.shape[2:]
    own = "x".join(map(str, layer.kernel_size))
    down, across = composed.jump
    step = f"{down} pixel{'s'[: down > 1]}" if down == across else f"{down} x {across} pixels"
    return f"its {own} kernels see {rows}x{cols} pixels of the image, in steps of {step}"


def _trust(
    network: Network, layer: ConvLayer, composed: ComposedFilters, images: NDArray[Any] | None
) -> tuple[str, tuple[str, ...]]:
    """Say how well the composed filters predict the units' responses, together and one by one."""
    try:
        found = measure_fidelity(network, layer, composed, images)
    except CompositionError as error:
        if images is not None:
            raise
        return f"how far they can be trusted is not known: {error}", ()
    remarks = tuple("silent" if np.isnan(r) else f"r {r:.2f}" for r in found.correlations)
    return f"r: {found.sentence}", remarks
