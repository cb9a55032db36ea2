"""PyTorch's files of before version 1.6: five pickles and then raw memory. Recognised, not read."""

from __future__ import annotations

from filtviz.errors import UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.opened import Opened

__all__ = ["open"]

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C


def open(opened: Opened) -> Network | None:
    """Refuse what begins with the number that ``torch.save`` writes first.

    Raises:
        UnsupportedFileError: it does.
    """
    first = opened.roots[0] if opened.roots else None
    if type(first) is not int or first != MAGIC_NUMBER:
        return None
    raise UnsupportedFileError(
        f"it is a torch.save stream ({len(opened.roots)} pickles and raw memory), which filtviz does not "
        "read; load it with torch.load and save the weights with numpy.savez"
    )
