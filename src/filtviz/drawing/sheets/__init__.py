"""Sheets: pictures of all filters of a layer that can be read, with indices, numbers and words.

::

    layer ─ subject ─► kernels, rms, patterns ─► Sheet ─ layout ─► pages ─ figures ─► Figure
            (which, in    (numbers → colours       (colours   (where everything goes)
             what order)   by scales, colours)      and words)
"""

from __future__ import annotations

__all__: list[str] = []
