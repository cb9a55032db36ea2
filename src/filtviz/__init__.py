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
from filtviz.notebook import attach as _attach_to_notebooks

if TYPE_CHECKING:
    from filtviz.batch.exporting import ExportResult, export
    from filtviz.batch.planning import ExportOptions
    from filtviz.drawing.options import DrawingOptions, SheetOptions
    from filtviz.drawing.plotting import compare, plot_comparison, plot_conv_weights, plot_sheet, plot_through
    from filtviz.errors import FiltvizError
    from filtviz.measures.diagnosing import diagnose
    from filtviz.measures.findings import Diagnosis
    from filtviz.network import ConvLayer, Layer, Network
    from filtviz.reading import Limits, load
    from filtviz.reporting import ReportOptions, report

_HOMES = {
    "ConvLayer": "filtviz.network",
    "Diagnosis": "filtviz.measures.findings",
    "DrawingOptions": "filtviz.drawing.options",
    "ExportOptions": "filtviz.batch.planning",
    "FiltvizError": "filtviz.errors",
    "Layer": "filtviz.network",
    "Limits": "filtviz.reading",
    "Network": "filtviz.network",
    "ExportResult": "filtviz.batch.exporting",
    "ReportOptions": "filtviz.reporting",
    "SheetOptions": "filtviz.drawing.options",
    "compare": "filtviz.drawing.plotting",
    "diagnose": "filtviz.measures.diagnosing",
    "export": "filtviz.batch.exporting",
    "load": "filtviz.reading",
    "plot_comparison": "filtviz.drawing.plotting",
    "plot_conv_weights": "filtviz.drawing.plotting",
    "plot_sheet": "filtviz.drawing.plotting",
    "plot_through": "filtviz.drawing.plotting",
    "report": "filtviz.reporting",
}

__all__ = [
    "ConvLayer",
    "Diagnosis",
    "DrawingOptions",
    "ExportOptions",
    "ExportResult",
    "FiltvizError",
    "Layer",
    "Limits",
    "Network",
    "ReportOptions",
    "SheetOptions",
    "__version__",
    "compare",
    "diagnose",
    "export",
    "load",
    "plot_comparison",
    "plot_conv_weights",
    "plot_sheet",
    "plot_through",
    "report",
]

_attach_to_notebooks()


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
