"""How much a file may ask for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from filtviz.errors import LimitError

__all__ = ["Limits"]

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a file may ask for, one number each; reading stops with a `LimitError` where it asks for more.

    The defaults pass every real file that the project knows with room to spare: the largest has 330,000
    opcodes, and the weights of VGG-19 are 575 MB. Each field is an option of the command line.

    Raises:
        ValueError: a limit is no whole number above zero.
    """

    inflated: int = 4096 * MIB
    """Bytes that the compressed parts of a file may inflate to, all together; ``--max-inflated``."""

    allocation: int = 2048 * MIB
    """Bytes of one array or string that must be copied out of the file; ``--max-allocation``."""

    opcodes: int = 4_000_000
    """Steps that the pickles of a file may take, all together; ``--max-opcodes``."""

    memo: int = 2_000_000
    """Objects that a pickle may keep to refer to again; ``--max-memo``."""

    nesting: int = 4
    """Containers that may lie in one another, as a pickle in an npz in a gzip does; ``--max-nesting``."""

    members: int = 100_000
    """Members of a zip or npz, and files beside an old joblib file; ``--max-members``."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise ValueError(f"the limit {field.name!r} must be a whole number above zero, not {value!r}")

    def check(self, limit: str, wanted: int, what: str) -> None:
        """Pass silently where ``wanted`` is within the limit of that name.

        Raises:
            LimitError: it is not; ``what`` says what the file asks for.
        """
        if wanted > getattr(self, limit):
            raise self.exceeded(limit, what)

    def exceeded(self, limit: str, what: str) -> LimitError:
        """Return the error to raise where a limit is passed."""
        allowed = getattr(self, limit)
        option = option_of(limit)
        return LimitError(
            f"{what}, more than the {allowed:,} that are allowed; if you trust the file, raise {option}",
            limit=limit,
            allowed=allowed,
            option=option,
        )


def option_of(limit: str) -> str:
    """Return the command-line option that sets a limit."""
    return f"--max-{limit}"


def documented() -> dict[str, tuple[int, str]]:
    """Return each limit's default and what it counts, for the command line's help."""
    defaults: Any = Limits()
    return {name: (getattr(defaults, name), what) for name, what in _COUNTED.items()}


_COUNTED = {
    "inflated": "Bytes that compressed parts may inflate to.",
    "allocation": "Bytes of one array or string that must be copied.",
    "opcodes": "Steps that the pickles may take.",
    "memo": "Objects that a pickle may keep to refer to again.",
    "nesting": "Containers that may lie in one another.",
    "members": "Members of a zip, or files beside an old joblib file.",
}
