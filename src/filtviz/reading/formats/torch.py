"""PyTorch's files of before version 1.6: five pickles and then raw memory. Recognised, not read."""

from __future__ import annotations

from filtviz.errors import UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.opened import Contents

__all__ = ["matches", "read"]

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C


def matches(contents: Contents) -> bool:
    """Tell by the number that ``torch.save`` writes first."""
    return bool(contents.roots) and type(contents.roots[0]) is int and contents.roots[0] == MAGIC_NUMBER


def read(contents: Contents) -> Network:
    """Refuse.

    Raises:
        UnsupportedFileError: always.
    """
    raise UnsupportedFileError(
        f"it is a torch.save stream ({len(contents.roots)} pickles and raw memory), which filtviz does not "
        "read; load it with torch.load and save the weights with numpy.savez"
    )
