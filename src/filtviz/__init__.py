"""See and understand the convolution filters in a Lasagne, nolearn or Theano model file.

::

    import filtviz

    network = filtviz.load("model.pkl")         # nothing in the file is imported or run
    layer = network.conv_layers[0]
    figures = filtviz.plot_conv_weights(layer)  # one figure for each input channel

Importing this package imports neither matplotlib, scipy nor theano; each is imported where it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from filtviz._version import __version__

if TYPE_CHECKING:
    from filtviz.network import ConvLayer, Layer, Network
    from filtviz.reading import Limits, load

_HOMES = {
    "ConvLayer": "filtviz.network",
    "Layer": "filtviz.network",
    "Limits": "filtviz.reading",
    "Network": "filtviz.network",
    "load": "filtviz.reading",
}

__all__ = ["ConvLayer", "Layer", "Limits", "Network", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
