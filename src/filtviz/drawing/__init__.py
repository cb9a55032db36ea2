"""Pictures of filters: arrays and pixels first, matplotlib last.

::

    ConvLayer ─ views ─► Picture ─► pixels (Pillow image)      the fast way, no matplotlib for ``gray``
                                └─► Figure (matplotlib)        PDF, SVG, and people's own further work

A new picture is one file here and one entry in `filtviz.drawing.views.VIEWS`; the readable ones are in
`filtviz.drawing.sheets`. Nothing here touches matplotlib's global state: no pyplot (but for
`filtviz.drawing.windows`), no rcParams, no choice of a backend.
"""

from __future__ import annotations

from filtviz.drawing.options import DrawingOptions
from filtviz.drawing.views import VIEWS, Picture, draw

__all__ = ["VIEWS", "DrawingOptions", "Picture", "draw"]
