"""``--through``: a deeper layer's filters as they are on the image, ready for any view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.composition import ComposedFilters, assume_stacked, compose, measure_fidelity
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Network

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions

__all__ = ["see_through"]

ASSUMED = "assumed, since the file does not tell: stride 1 and no pooling between the convolutions"


def see_through(
    network: Network,
    layer: ConvLayer,
    options: DrawingOptions,
    *,
    stacked: bool = False,
    images: NDArray[Any] | None = None,
) -> tuple[ConvLayer, DrawingOptions]:
    """Return a layer whose weights are the composed filters, and options that say what they are.

    Args:
        network: The network that the layer is part of.
        layer: The layer to compose down to the image.
        options: How it is to be drawn; what there is to say is added to the sheet's notes.
        stacked: Assume what a bare list of parameters does not tell, see `assume_stacked`.
        images: What to show the network to find how far the composed filters can be trusted, ``(images,
            channels, rows, cols)``; None for white noise.

    Raises:
        CompositionError: something below the layer is no filter on the image.
    """
    known = assume_stacked(network) if stacked else network
    current = known.conv_layers[layer.conv_index]
    composed = compose(known, current)
    notes = [_summary(composed, current), *composed.approximations]
    if stacked and not all(below.is_told for below in network.layers[: layer.index + 1]):
        notes.append(ASSUMED)
    remarks: tuple[str, ...] = ()
    if composed.approximations or images is not None:
        trust, remarks = _trust(known, current, composed, images)
        notes.append(trust)
    else:
        notes.append("nothing was left out: these are the units' exact answers to single pixels")
    sheet = replace(
        options.sheet,
        orientation="composed down to the image, as they match in it",
        notes=(*options.sheet.notes, *notes),
        remarks=remarks,
        part=options.sheet.part or "through",
    )
    seen = ConvLayer.of(
        composed.templates,
        flip_filters=False,
        type=current.type,
        name=current.name,
        label=current.label,
        index=current.index,
        conv_index=current.conv_index,
    )
    return seen, replace(options, sheet=sheet)


def _summary(composed: ComposedFilters, layer: ConvLayer) -> str:
    rows, cols = composed.templates.shape[2:]
    own = "x".join(map(str, layer.kernel_size))
    down, across = composed.jump
    step = f"{down} pixel{'s'[: down > 1]}" if down == across else f"{down} x {across} pixels"
    return f"its {own} kernels see {rows}x{cols} pixels of the image, in steps of {step}"


def _trust(
    network: Network, layer: ConvLayer, composed: ComposedFilters, images: NDArray[Any] | None
) -> tuple[str, tuple[str, ...]]:
    """Say how well the composed filters foretell the units' answers, together and one by one."""
    try:
        found = measure_fidelity(network, layer, composed, images)
    except CompositionError as error:
        if images is not None:
            raise
        return f"how far they can be trusted is not known: {error}", ()
    remarks = tuple("silent" if np.isnan(r) else f"r {r:.2f}" for r in found.correlations)
    return f"r: {found.sentence}", remarks
