"""The commands that show a network images, as functions: they read images, ask, draw, and write.

`filtviz.responses` has the answers alone, of arrays and as arrays.
"""

from __future__ import annotations

from filtviz.demonstrations.answering_images import Losses, activity, codes, loss, predict
from filtviz.demonstrations.explaining import maximise, occlusion, patches, saliency
from filtviz.demonstrations.request import Demonstration, Request

__all__ = [
    "Demonstration",
    "Losses",
    "Request",
    "activity",
    "codes",
    "loss",
    "maximise",
    "occlusion",
    "patches",
    "predict",
    "saliency",
]
