"""How a person corrects what was concluded about a file that holds nothing but arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Hints"]

_AXES = frozenset("oidrcyx")


@dataclass(frozen=True, kw_only=True)
class Hints:
    """Which arrays of a bare list are the convolutions, in what order, and what their axes are.

    ``convs`` names them in network order, by number (``"0"``, ``"5"``: the place in the file, from 0) or by
    name (``"conv1"``, ``"conv1.W"``, ``"arr_5"``); empty leaves it to filtviz. ``axes`` says the order of an
    array's axes, in the letters of `filtviz.network.ConvLayer` (``oirc``, ``iorc``); its keys are numbers or
    names as in ``convs``, and the key ``""`` is for all others.

    Raises:
        ValueError: an order of axes is none.
    """

    convs: tuple[str, ...] = ()
    axes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for order in self.axes.values():
            if not set(order) <= _AXES or len(set(order)) != len(order) or "o" not in order or len(order) < 3:
                raise ValueError(
                    f"{order!r} is no order of axes; write one letter for each axis, such as oirc (filters, "
                    "channels, rows, columns) or iorc"
                )

    @property
    def says_something(self) -> bool:
        """Whether a person has said anything."""
        return bool(self.convs or self.axes)

    def axes_for(self, *names: str) -> str | None:
        """Return the order said for an array, or None.

        Args:
            names: What the array is called: its number, its name.
        """
        return next((self.axes[name] for name in (*names, "") if name in self.axes), None)
