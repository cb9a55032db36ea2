"""See and understand the convolution filters in a model file: PyTorch, Keras, ONNX, Lasagne and more.

::

    import filtviz

    network = filtviz.load("model.pkl")  # nothing in the file is imported or run
    layer = network.conv_layers[0]
    print(layer.W.shape, layer.flip_filters)

Each command is a function, which takes a path or a network, prints nothing, and returns what it found::

    filtviz.layers("model.pkl").rows
    filtviz.plot("model.pkl", layers=[0, "conv3"], view="sheet", output="pictures/")
    filtviz.diagnose("model.pkl").summary
    filtviz.compare(["before.pkl", "after.pkl"]).comparisons[0].sentence
    filtviz.export(["a.pkl", "b.npz"], "pngs/")
    filtviz.report("model.pkl", output="report.html")
    filtviz.convert("model.pkl", "model.safetensors")

Whatever goes wrong on purpose is a `FiltvizError`. Importing this package imports neither matplotlib, scipy
nor theano; each is imported where it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from filtviz._version import __version__

if TYPE_CHECKING:
    from filtviz.api import architecture_template, diagnose, follow, graph, layers, plot
    from filtviz.batch import ExportOptions, ExportResult, Failure, ModelResult, Progress, export
    from filtviz.budget import Budget
    from filtviz.comparing import compare
    from filtviz.converting import ConversionResult, Verification, convert
    from filtviz.demonstrations import (
        Losses,
        activity,
        codes,
        loss,
        maximise,
        occlusion,
        patches,
        predict,
        saliency,
    )
    from filtviz.drawing.options import DrawingOptions, SheetOptions
    from filtviz.drawing.plotting import plot_comparison, plot_conv_weights, plot_sheet, plot_through
    from filtviz.drawing.showing import Figures
    from filtviz.errors import (
        ArgumentError,
        BudgetError,
        CompositionError,
        ConversionError,
        DrawingError,
        FileAccessError,
        FiltvizError,
        LimitError,
        MalformedFileError,
        MeasureError,
        MissingExtraError,
        OutputError,
        ReadError,
        RunningError,
        SelectionError,
        UnknownFileError,
        UnsupportedFileError,
    )
    from filtviz.given import load
    from filtviz.measures.comparison import LayerComparison
    from filtviz.measures.initialiser_catalogue import Draws
    from filtviz.measures.measure import (
        Change,
        Diagnosis,
        FilterChange,
        FilterDiagnosis,
        Finding,
        LayerDiagnosis,
        Unjudged,
    )
    from filtviz.measures.trajectory import LayerTrajectory, Trajectory
    from filtviz.network import ConvLayer, Layer, Network, Origin
    from filtviz.parameter import Parameter
    from filtviz.reading import Hints, Limits
    from filtviz.receptive_field import ReceptiveField
    from filtviz.reporting import ReportOptions, ReportPage, ReportResult, report
    from filtviz.responses import (
        Activity,
        Codes,
        Examination,
        Heat,
        LayerResponse,
        Maximised,
        Patches,
        Prediction,
    )
    from filtviz.results import (
        ComparisonResult,
        Diagnoses,
        FileFailure,
        GraphResult,
        LayerFailure,
        LayersResult,
        PlotResult,
        PlottedLayer,
        WrittenFile,
    )
    from filtviz.running.preparing import Preparation
    from filtviz.summary import LayerRow, Summary
    from filtviz.surveying import SurveyedModel, SurveyFailure, SurveyProgress, SurveyResult, survey

_NAMES = {
    "filtviz.api": ("architecture_template", "diagnose", "follow", "graph", "layers", "plot"),
    "filtviz.batch": ("ExportOptions", "ExportResult", "Failure", "ModelResult", "Progress", "export"),
    "filtviz.drawing.options": ("DrawingOptions", "SheetOptions"),
    "filtviz.drawing.plotting": ("plot_comparison", "plot_conv_weights", "plot_sheet", "plot_through"),
    "filtviz.measures.comparison": ("LayerComparison",),
    "filtviz.budget": ("Budget",),
    "filtviz.comparing": ("compare",),
    "filtviz.converting": ("ConversionResult", "Verification", "convert"),
    "filtviz.surveying": ("SurveyFailure", "SurveyProgress", "SurveyResult", "SurveyedModel", "survey"),
    "filtviz.errors": (
        "ArgumentError",
        "BudgetError",
        "CompositionError",
        "ConversionError",
        "DrawingError",
        "FileAccessError",
        "FiltvizError",
        "LimitError",
        "MalformedFileError",
        "MeasureError",
        "MissingExtraError",
        "OutputError",
        "ReadError",
        "RunningError",
        "SelectionError",
        "UnknownFileError",
        "UnsupportedFileError",
    ),
    "filtviz.given": ("load",),
    "filtviz.measures.measure": (
        "Change",
        "Diagnosis",
        "FilterChange",
        "FilterDiagnosis",
        "Finding",
        "LayerDiagnosis",
        "Unjudged",
    ),
    "filtviz.measures.trajectory": ("LayerTrajectory", "Trajectory"),
    "filtviz.network": ("ConvLayer", "Layer", "Network", "Origin"),
    "filtviz.parameter": ("Parameter",),
    "filtviz.reading": ("Hints", "Limits"),
    "filtviz.reporting": ("ReportOptions", "ReportPage", "ReportResult", "report"),
    "filtviz.responses": (
        "Activity",
        "Codes",
        "Examination",
        "Heat",
        "LayerResponse",
        "Maximised",
        "Patches",
        "Prediction",
    ),
    "filtviz.demonstrations": (
        "Losses",
        "activity",
        "codes",
        "loss",
        "maximise",
        "occlusion",
        "patches",
        "predict",
        "saliency",
    ),
    "filtviz.results": (
        "ComparisonResult",
        "Diagnoses",
        "FileFailure",
        "GraphResult",
        "LayerFailure",
        "LayersResult",
        "PlotResult",
        "PlottedLayer",
        "WrittenFile",
    ),
    "filtviz.running.preparing": ("Preparation",),
    "filtviz.receptive_field": ("ReceptiveField",),
    "filtviz.summary": ("LayerRow", "Summary"),
    "filtviz.drawing.showing": ("Figures",),
    "filtviz.measures.initialiser_catalogue": ("Draws",),
}
"""Home → the public names that are imported from it when they are first used."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names}

__all__ = [
    "Activity",
    "ArgumentError",
    "Budget",
    "BudgetError",
    "Change",
    "Codes",
    "ComparisonResult",
    "CompositionError",
    "ConvLayer",
    "ConversionError",
    "ConversionResult",
    "Diagnoses",
    "Diagnosis",
    "DrawingError",
    "DrawingOptions",
    "Draws",
    "Examination",
    "ExportOptions",
    "ExportResult",
    "Failure",
    "Figures",
    "FileAccessError",
    "FileFailure",
    "FilterChange",
    "FilterDiagnosis",
    "FiltvizError",
    "Finding",
    "GraphResult",
    "Heat",
    "Hints",
    "Layer",
    "LayerComparison",
    "LayerDiagnosis",
    "LayerFailure",
    "LayerResponse",
    "LayerRow",
    "LayerTrajectory",
    "LayersResult",
    "LimitError",
    "Limits",
    "Losses",
    "MalformedFileError",
    "Maximised",
    "MeasureError",
    "MissingExtraError",
    "ModelResult",
    "Network",
    "Origin",
    "OutputError",
    "Parameter",
    "Patches",
    "PlotResult",
    "PlottedLayer",
    "Prediction",
    "Preparation",
    "Progress",
    "ReadError",
    "ReceptiveField",
    "ReportOptions",
    "ReportPage",
    "ReportResult",
    "RunningError",
    "SelectionError",
    "SheetOptions",
    "Summary",
    "SurveyFailure",
    "SurveyProgress",
    "SurveyResult",
    "SurveyedModel",
    "Trajectory",
    "Unjudged",
    "UnknownFileError",
    "UnsupportedFileError",
    "Verification",
    "WrittenFile",
    "__version__",
    "activity",
    "architecture_template",
    "codes",
    "compare",
    "convert",
    "diagnose",
    "export",
    "follow",
    "graph",
    "layers",
    "load",
    "loss",
    "maximise",
    "occlusion",
    "patches",
    "plot",
    "plot_comparison",
    "plot_conv_weights",
    "plot_sheet",
    "plot_through",
    "predict",
    "report",
    "saliency",
    "survey",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used (PEP 562).

    With the first of them layers and networks learn to show themselves in notebooks.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from filtviz.notebook import attach

    attach()
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
