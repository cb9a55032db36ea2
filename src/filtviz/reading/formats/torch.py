"""PyTorch's ``torch.save``: a zip, or before version 1.6 five pickles and raw memory. Only recognised."""

from __future__ import annotations

import re

from filtviz.errors import UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.opened import Opened

__all__ = ["open"]

_WITH_TORCH = "load it with torch.load and save the weights with numpy.savez"

_MAGIC_NUMBER = re.compile(
    rb"(\x80[\x02-\x05](\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19|L119547037146038801333356L\r?\n)\.",
    re.DOTALL,
)
"""The first pickle of the older form, a number, at each protocol that a person may have chosen."""


def open(opened: Opened) -> Network | None:
    """Refuse both forms.

    Raises:
        UnsupportedFileError: it is one of them.
    """
    if _is_zip_of_torch(opened):
        raise UnsupportedFileError(f"it is a file of torch.save, which filtviz does not read; {_WITH_TORCH}")
    if _MAGIC_NUMBER.match(opened.start):
        raise UnsupportedFileError(
            f"it is a torch.save stream ({len(opened.roots)} pickles and raw memory), which filtviz does not "
            f"read; {_WITH_TORCH}"
        )
    return None


def _is_zip_of_torch(opened: Opened) -> bool:
    bare = {member.name.rpartition("/")[2] for member in opened.members or ()}
    return "data.pkl" in bare and not bare.isdisjoint({"version", "byteorder"})
