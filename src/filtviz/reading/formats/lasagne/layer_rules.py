"""Which rule of Lasagne's tells a layer's geometry: its window on its input, and the shape of what it gives.

What the file does not tell stays None; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from filtviz.network import Shape
from filtviz.reading.formats.lasagne import shapes, windows
from filtviz.reading.formats.lasagne.rules import UNKNOWN, Case, Geometry, Rule
from filtviz.reading.pickle.attributes import Attributes

__all__ = ["geometry_of", "is_convolution"]


def is_convolution(facts: Attributes, weights: tuple[int, ...] | None) -> bool:
    """Tell a convolution or a kin of it by its state, so that a user's own subclass is one too."""
    return (
        weights is not None and len(weights) >= 3 and (facts.has("filter_size") or facts.has("num_filters"))
    )


def geometry_of(
    facts: Attributes, inputs: Sequence[Shape | None], weights: tuple[int, ...] | None
) -> Geometry:
    """Return the geometry of a layer by the rule for its class, or for what its attributes make it.

    Args:
        facts: the layer's attributes.
        inputs: the shapes of its inputs, ``(batch, channels, rows, cols)``.
        weights: the shape of its ``W``.
    """
    rule = _rule(facts, weights)
    if rule is None:
        return UNKNOWN
    if facts.raw("dimshuffle") is not False:
        return rule(Case(facts, inputs, weights or ()))
    found = rule(Case(facts, [_shuffled(shape, _TO_BC01) for shape in inputs], weights or ()))
    return replace(found, shape=_shuffled(found.shape, _TO_C01B))


def _shuffled(shape: Shape | None, order: tuple[int, ...]) -> Shape | None:
    return shape if shape is None or len(shape) != len(order) else tuple(shape[axis] for axis in order)


def _rule(facts: Attributes, weights: tuple[int, ...] | None) -> Rule | None:
    if is_convolution(facts, weights):
        transposed = facts.has("crop") or facts.type.startswith(("Transposed", "Deconv"))
        return windows.transposed_convolution if transposed else windows.convolution
    found = _RULES.get(facts.type)
    return found or next((rule for names, rule in _BY_ATTRIBUTES if facts.has(*names)), None)


_TO_BC01, _TO_C01B = (3, 0, 1, 2), (1, 2, 3, 0)
"""From the order of cuda-convnet's layers with ``dimshuffle=False``, (channels, …, batch), and back."""

_RULES: dict[str, Rule] = {
    "InputLayer": shapes.input_layer,
    "ShuffleBC01ToC01BLayer": lambda case: Geometry(shape=_shuffled(case.first, _TO_C01B)),
    "ShuffleC01BToBC01Layer": lambda case: Geometry(shape=_shuffled(case.first, _TO_BC01)),
    "DenseLayer": shapes.dense,
    "NINLayer": shapes.network_in_network,
    "GlobalPoolLayer": shapes.global_pool,
    "FeaturePoolLayer": shapes.feature_pool,
    "PadLayer": windows.pad_layer,
    "FlattenLayer": shapes.flatten,
    "ReshapeLayer": shapes.reshape,
    "DimshuffleLayer": shapes.dimshuffle,
    "SliceLayer": shapes.slice_layer,
    "ConcatLayer": shapes.concat,
    "ElemwiseSumLayer": shapes.elementwise,
    "ElemwiseMergeLayer": shapes.elementwise,
    **dict.fromkeys(
        (
            "DropoutLayer", "GaussianNoiseLayer", "BatchNormLayer", "BatchNormDNNLayer", "NonlinearityLayer",
            "BiasLayer", "ScaleLayer", "ParametricRectifierLayer", "RandomizedRectifierLayer",
            "LocalResponseNormalization2DLayer", "StandardizationLayer", "FeatureWTALayer",
        ),
        shapes.unchanged,
    ),
}  # fmt: skip
"""Lasagne's class → its rule."""

_BY_ATTRIBUTES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("pool_size", "stride"), windows.pool),
    (("ds",), windows.pool),
    (("scale_factor",), windows.upscale),
    (("num_units", "W"), shapes.dense),
)
"""Attributes that make a layer what it is, whatever its class is called → its rule."""
