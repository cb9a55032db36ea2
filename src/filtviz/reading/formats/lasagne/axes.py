"""What the axes of a convolution's weights are, and whether the layer flips its filters."""

from __future__ import annotations

from filtviz.reading.pickle.attributes import Attributes

__all__ = ["axes_of", "flips_filters"]

_BY_DIMENSIONS = {3: "oic", 4: "oirc", 5: "oidrc", 6: "oircyx"}
"""Number of axes of W → Lasagne's order for them; a locally connected layer has the output's y and x too."""

_INPUT_FIRST = ("Transposed", "Deconv", "Dilated")
"""Classes whose W is ``(channels, filters, …)``: they run a convolution's gradient."""

_FLIPPING = ("Conv1DLayer", "Conv2DLayer", "Conv3DLayer", "LocallyConnected2DLayer")
_NEVER_FLIPPING = (
    "Conv2DDNNLayer", "Conv3DDNNLayer", "Conv2DMMLayer", "Conv2DCCLayer", "DilatedConv2DLayer",
    "TransposedConv2DLayer", "TransposedConv3DLayer", "Deconv2DLayer", "Deconv3DLayer",
)  # fmt: skip
"""What a class does by default, for files that are older than the attribute ``flip_filters``."""


def axes_of(facts: Attributes, weights: tuple[int, ...]) -> str | None:
    """Name the axes of W as stored, or return None where W has a shape that no convolution's has.

    The class tells the order; where the number of filters contradicts it, as in a user's own class, the order
    that has it in its place is taken.
    """
    if facts.raw("channelwise") is True and len(weights) == 5:
        return "orcyx"
    if facts.raw("dimshuffle") is False and len(weights) == 4:
        return "irco"
    axes = _BY_DIMENSIONS.get(len(weights))
    if axes is None:
        return None
    input_first = axes.replace("oi", "io")
    orders = (
        (input_first, axes)
        if facts.type.startswith(_INPUT_FIRST) or facts.has("crop")
        else (axes, input_first)
    )
    n_filters = facts.whole("num_filters")
    return next((order for order in orders if weights[order.index("o")] == n_filters), orders[0])


def flips_filters(facts: Attributes) -> bool | None:
    """Tell whether the layer convolves (True) or correlates (False), None where nothing tells."""
    stated = facts.plain(facts.raw("flip_filters"))
    if type(stated) is bool:
        return stated
    if facts.type in _FLIPPING:
        return True
    return False if facts.type in _NEVER_FLIPPING else None
