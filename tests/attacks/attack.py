"""What one attack is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Attack"]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A hostile file: its name, what makes its bytes, and how reading it must end.

    ``place`` puts into a folder what is no plain file of these bytes (a pipe, a link, files beside one
    another) and returns the path to open. ``ends`` names the error, or is "network", or "kernels" where the
    weights beside the attack must come out unharmed.
    """

    name: str
    data: Callable[[], bytes] = bytes
    place: Callable[[Path], Path] | None = None
    ends: str = "kernels"

    def write(self, folder: Path) -> Path:
        """Put the file into a new folder of its own."""
        folder.mkdir()
        if self.place is not None:
            return self.place(folder)
        path = folder / "model.pkl"
        path.write_bytes(self.data())
        return path
