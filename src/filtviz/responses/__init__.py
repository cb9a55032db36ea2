"""What a network's units answer to images, where it looks and what it wants to see: one file a question.

Each function takes a path or a network and arrays, prints and draws nothing, and returns an array or one
frozen result. `filtviz.drawing.responses` draws them.
"""

from __future__ import annotations

from filtviz.responses.activities import Activity, activity
from filtviz.responses.coding import Codes, codes
from filtviz.responses.examining import Examination, LayerResponse
from filtviz.responses.looking import Maximised, maximise, saliency
from filtviz.responses.occluding import occlusion
from filtviz.responses.patching import Patches, patches
from filtviz.responses.predicting import Prediction, predict

__all__ = [
    "Activity",
    "Codes",
    "Examination",
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
