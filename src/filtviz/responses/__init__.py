"""What a network's units answer to images, where it looks and what it wants to see: one file a question.

Each function takes a path or a network and arrays, prints and draws nothing, and returns an array or one
frozen result. `filtviz.drawing.response_pictures` draws them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filtviz.responses.activities import Activity, activity
    from filtviz.responses.coding import Codes, codes
    from filtviz.responses.examining import Examination, LayerResponse
    from filtviz.responses.looking import Heat, Maximised, maximise, occlusion, saliency
    from filtviz.responses.patching import Patches, patches
    from filtviz.responses.predicting import Prediction, predict

__all__ = [
    "Activity",
    "Codes",
    "Examination",
    "Heat",
    "LayerResponse",
    "Maximised",
    "Patches",
    "Prediction",
    "activity",
    "codes",
    "maximise",
    "occlusion",
    "patches",
    "predict",
    "saliency",
]

_HOMES = {
    "activities": ("Activity", "activity"),
    "coding": ("Codes", "codes"),
    "examining": ("Examination", "LayerResponse"),
    "looking": ("Heat", "Maximised", "maximise", "occlusion", "saliency"),
    "patching": ("Patches", "patches"),
    "predicting": ("Prediction", "predict"),
}


def __getattr__(name: str) -> Any:
    """Import a question's module when it is first asked (PEP 562): a command asks one of them."""
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
