"""Pictures of filters: arrays and pixels first, matplotlib's figures where somebody asks for one.

::

    ConvLayer ─ views ─► Picture ─► pixels (Pillow image)      the fast way
                                └─► Figure (matplotlib)        PDF, SVG, and people's own further work

    grid       nolearn's layout: pixelmap (or authority: what matplotlib says) ─► colours ─► pixels
    *_sheets   sheets that can be read: selection ─► Sheet ─ layout ─► pages ─ lettering ─► painting | figures

A new view is one module here and one entry in `filtviz.drawing.views.VIEWS`; a new option is one field in
`filtviz.drawing.options`, with its help, and the place here that obeys it. Nothing here touches
matplotlib's global state: no pyplot (but for windows, in `filtviz.drawing.display`), no rcParams, no choice
of a backend.
"""

from __future__ import annotations

from filtviz.drawing.options import DrawingOptions, SheetOptions
from filtviz.drawing.views import VIEWS, Picture, View, draw

__all__ = ["VIEWS", "DrawingOptions", "Picture", "SheetOptions", "View", "draw"]
