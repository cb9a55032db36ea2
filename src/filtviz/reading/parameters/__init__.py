"""Files that hold parameters and no layers: the arrays with their names, and the layers that they suggest."""

from __future__ import annotations

__all__: list[str] = []
