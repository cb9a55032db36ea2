"""The network as a graph: boxes and what flows between them, as a picture, as text, for other programs.

`boxes.py` makes boxes of layers, `placing.py` says where they stand, `picture.py` draws them, `texts.py`
writes them as DOT, Mermaid and lines. No program of the system is needed.
"""

from __future__ import annotations

from filtviz.drawing.graphs.boxes import Box, Graph, graph_of
from filtviz.drawing.graphs.picture import GraphPicture
from filtviz.drawing.graphs.texts import TEXTS, as_dot, as_lines, as_mermaid, wants_text, write_text

__all__ = [
    "TEXTS",
    "Box",
    "Graph",
    "GraphPicture",
    "as_dot",
    "as_lines",
    "as_mermaid",
    "graph_of",
    "wants_text",
    "write_text",
]
