"""What is charged to a budget, written down."""

from __future__ import annotations

import sys

from filtviz.budget import A_BYTE, Account, Share

__all__ = ["Counted"]


class Counted(Account):
    """An account that affords everything and notes it: what is spent, held at a time, kept, and added.

    Args:
        small: Whether it begins with what a small file is allowed, so that what is added shows.
    """

    def __init__(self, *, small: bool = False) -> None:
        allowed: dict[Share, int] = dict.fromkeys(A_BYTE, 1 << 40 if small else sys.maxsize)
        super().__init__(allowed, small=1 << 39 if small else 0, shown=1 << 40)
        self.begun = dict(self.left)
        self.held, self.kept, self.said = 0, 0, ""

    def hold(self, n_bytes: int, what: str) -> None:
        self.held, self.said = max(self.held, n_bytes), what
        super().hold(n_bytes, what)

    def keep(self, n_bytes: int, what: str) -> None:
        self.kept += n_bytes
        super().keep(n_bytes, what)

    def __str__(self) -> str:
        added = self.allowed["work"] - self.begun["work"]
        spent = {share: self.begun[share] - left for share, left in self.left.items()}
        parts = [f"{added + spent['work']:,} spent"]
        parts += [f"{spent['pixels']:,} pixels"] * (spent["pixels"] > 0)
        parts += [f"{self.held:,} held for {self.said}"] * (self.held > 0)
        parts += [f"{self.kept:,} kept"] * (self.kept > 0)
        parts += [f"{added:,} added"] * (added > 0 and self.allowed["work"] < 1 << 60)
        return "; ".join([*parts, *self.left_out])
