"""Which channels of a layer to draw: ``all``, or numbers and ranges such as ``0,2-5``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from filtviz.errors import SelectionError
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.network import ConvLayer

__all__ = ["ALL_CHANNELS", "ChannelRanges", "choose_channels", "parse_channels"]

ChannelRanges = Sequence[tuple[int, int]] | None
"""Pairs of a first and a last channel; None for all that there are."""

ALL_CHANNELS = "all"

_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?\Z", re.ASCII)


def parse_channels(text: str) -> ChannelRanges:
    """Read ``all`` or ``0,2-5``.

    Raises:
        ValueError: it is neither; the text is one sentence.
    """
    if text.strip().lower() == ALL_CHANNELS:
        return None
    ranges = []
    for part in text.split(","):
        match = _RANGE.match(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ValueError(
                f"channels are `all`, or numbers and ranges such as 0,2-5, not {printable(text, 40)!r}"
            )
        ranges.append((first, last))
    return ranges


def choose_channels(layer: ConvLayer, ranges: ChannelRanges) -> Sequence[int]:
    """Return the channels in ``ranges`` in rising order, each once.

    Raises:
        SelectionError: the layer has no such channel.
    """
    available = range(layer.n_channels)
    if ranges is None:
        return available
    for _, last in ranges:
        if last not in available:
            raise SelectionError(
                f"{printable(layer.label, 40)} has no channel {last}: it has {len(available)}, from 0 on",
                wanted=last,
            )
    return sorted({channel for first, last in ranges for channel in range(first, last + 1)})
