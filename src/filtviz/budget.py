"""How much a command does with what it has read: work and pixels, counted before they are spent.

A few hundred bytes can hold a network of thousands of layers, or one that takes days to measure. What a
command is about to do is estimated from shapes alone, and left out where that would be more than the model's
own size on disk deserves: the same file gives the same result on every machine, however fast it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Literal

from filtviz.errors import ArgumentError, BudgetError
from filtviz.network import Network

__all__ = ["BYTE", "Account", "Budget", "Share", "option_of"]

Share = Literal["work", "pixels"]

SMALL = 1_000_000
"""Bytes up to which a file is small: it has what any file has, however little is in it."""

A_BYTE: Mapping[Share, int] = {"work": 3_500, "pixels": 2_000}
"""What each byte beyond these adds to a budget, so that no honest network is stopped.

A weight of four bytes adds more than ten times what its measures take. Of thin networks, such as a DenseNet
whose convolutions have a dozen filters, an export makes 1,300 pixels of each byte."""

LAYER = 250_000
"""The work of a layer, which reading it took already: what is done with thousands begins with less."""

BYTE = 10
"""The work of a byte of memory that is filled: what keeps to its budget of work does so with memory, too."""


KEPT_AN_IMAGE_BYTE = 16
"""Bytes of answers that each byte of images may become, where that is more than small files may fill."""

IMAGES_TIMES, AN_IMAGE_BYTE = 13, 30_000
"""How often images in small files add a small file's work at the most, and what each of their bytes adds."""


def _share(default: int, counts: str) -> int:
    described: int = field(default=default, metadata={"counts": counts})
    return described


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much a command may do with the models that it is given; what would be more is left out, and said.

    Each field is what a command may spend whatever it is given, and an option of the command line, ``work``
    that of ``--max-work``; the bytes of the model files beyond the first million add to it: 3,500 operations
    and 2,000 pixels each. Where a network is run on many images, each eight of them add as much again.

    Raises:
        ArgumentError: a number is no whole number above zero.
    """

    work: int = _share(3_000_000_000, "operations, roughly, of measuring, composing and drawing")
    pixels: int = _share(1_200_000_000, "pixels of all pictures together")
    image_bytes: int | None = None
    """The size of the files of images, which bounds how often ``work`` is added; None for arrays."""

    def __post_init__(self) -> None:
        for name in A_BYTE:
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ArgumentError(f"the budget {name!r} must be a whole number above zero, not {value!r}")

    @classmethod
    def described(cls) -> dict[Share, tuple[int, str]]:
        """Return each field's default and what it counts, for the command line's help."""
        defaults = cls()
        return {name: (getattr(defaults, name), _COUNTS[name]) for name in A_BYTE}

    def account(self, *networks: Network) -> Account:
        """Return what a command may spend on these networks.

        Args:
            networks: All that it is given.
        """
        beyond = max(0, sum(map(size_on_disk, networks)) - SMALL)
        allowed = {name: getattr(self, name) + a_byte * beyond for name, a_byte in A_BYTE.items()}
        account = Account(allowed, small=self.work, repeated=self._repeated(), shown=self.image_bytes)
        account.left["work"] -= LAYER * sum(len(network.layers) for network in networks)
        return account

    def _repeated(self) -> int:
        """How often ``work`` is added at the most where a network is run again and again."""
        if self.image_bytes is None:
            return sys.maxsize
        return IMAGES_TIMES + AN_IMAGE_BYTE * self.image_bytes // self.work


_COUNTS: Mapping[Share, str] = {
    one.name: one.metadata["counts"]  # type: ignore[misc]
    for one in fields(Budget)
    if one.name in A_BYTE
}


class Account:
    """What a command has spent of its budget; whatever is about to take long asks here first.

    ``left_out`` takes a sentence for each thing that nobody else tells the person of. ``small`` is the part
    of its work that any file has, however little is in it; ``room`` are the bytes of memory that may be
    filled at a time.
    """

    def __init__(
        self,
        allowed: Mapping[Share, int],
        *,
        small: int = 0,
        repeated: int = sys.maxsize,
        shown: int | None = None,
    ) -> None:
        self.allowed = dict(allowed)
        self.left = dict(allowed)
        self._repeated: float = repeated
        self._small, self.room = small, allowed["work"] // BYTE
        self._kept = None if shown is None else max(self.room, KEPT_AN_IMAGE_BYTE * shown)
        self.left_out: list[str] = []
        self._met: set[object] = set()

    @classmethod
    def unlimited(cls) -> Account:
        """Return one that affords everything, for arrays of one's own."""
        return cls(dict.fromkeys(A_BYTE, sys.maxsize))

    def affords(self, share: Share, amount: int) -> bool:
        """Tell whether so much is left.

        Args:
            share: Of which part of the budget.
            amount: How much is to be spent.
        """
        return amount <= self.left[share]

    def spend(self, share: Share, amount: int, what: str) -> None:
        """Take note of what is about to be done.

        Args:
            share: Of which part of the budget.
            amount: How much it takes.
            what: What takes it, as the beginning of a sentence.

        Raises:
            BudgetError: there is not so much left; nothing is spent then.
        """
        self.spend_all({share: amount}, what)

    def spend_all(self, amounts: Mapping[Share, int], what: str) -> None:
        """Take note of what takes something of several parts of the budget.

        Args:
            amounts: How much it takes of each.
            what: What takes it, as the beginning of a sentence.

        Raises:
            BudgetError: there is not so much left of one of them; nothing is spent then.
        """
        for share, amount in amounts.items():
            if not self.affords(share, amount):
                raise self.exceeded(share, amount, what)
        for share, amount in amounts.items():
            self.left[share] -= amount

    def spend_once(self, key: object, amount: int, what: str) -> None:
        """Take note of work that is done once for all that have the same ``key``.

        Args:
            key: What it is done for.
            amount: How much work it is.
            what: What takes it, as the beginning of a sentence.

        Raises:
            BudgetError: there is not so much left; nothing is spent then.
        """
        if key not in self._met:
            self.spend("work", amount, what)
            self._met.add(key)

    def tell_once(self, key: object, sentence: str) -> None:
        """Tell the person of what is left out, once for all that have the same ``key``.

        Args:
            key: What it is told of.
            sentence: What is left out, and why.
        """
        if key not in self._met:
            self.left_out.append(sentence)
            self._met.add(key)

    @contextmanager
    def keeping(self, share: Share, amount: int) -> Iterator[None]:
        """Keep some of what is left for what comes later, half of it at most.

        Args:
            share: Of which part of the budget.
            amount: How much comes later.
        """
        kept = min(amount, self.left[share] // 2)
        self.left[share] -= kept
        try:
            yield
        finally:
            self.left[share] += kept

    def widen(self, times: float, most: float | None = None) -> None:
        """Allow more work, but no more memory at a time, for what is done again and again.

        Args:
            times: How often the whole of it is added.
            most: How often the part is, at the most, that a file has however little is in it.
        """
        rest = self.allowed["work"] - self._small
        again = min(times, self._repeated if most is None else min(most, self._repeated))
        self._repeated -= again
        more = int(rest * times + self._small * again)
        self.allowed["work"] += more
        self.left["work"] += more

    def hold(self, n_bytes: int, what: str) -> None:
        """Pass silently where memory may be filled that is given back before more is asked for.

        Args:
            n_bytes: How much memory.
            what: What fills it, as the beginning of a sentence.

        Raises:
            BudgetError: it is more than all work that is allowed would fill.
        """
        self._fit(n_bytes, self.room, what)

    def keep(self, n_bytes: int, what: str) -> None:
        """Pass silently where memory may be filled with answers to all images at once.

        A person's own arrays may be answered as they like; files of images may be a stranger's.

        Args:
            n_bytes: How much memory.
            what: What fills it, as the beginning of a sentence.

        Raises:
            BudgetError: it is more than the model and the images may fill.
        """
        if self._kept is not None:
            self._fit(n_bytes, self._kept, what)

    @staticmethod
    def _fit(n_bytes: int, room: int, what: str) -> None:
        if n_bytes > room:
            raise BudgetError(
                f"{what} takes {_rounded(n_bytes)} bytes of memory, and files of this size may take "
                f"{_rounded(room)}; if you trust the file, raise {option_of('work')}",
                share="work",
                needed=n_bytes * BYTE,
                allowed=room * BYTE,
                option=option_of("work"),
            )

    def exceeded(self, share: Share, amount: int, what: str) -> BudgetError:
        """Return the error to raise where there is not enough left.

        Args:
            share: Of which part of the budget.
            amount: How much is wanted.
            what: What takes it, as the beginning of a sentence.
        """
        allowed, left = self.allowed[share], max(0, self.left[share])
        unit = "pixels" if share == "pixels" else "operations"
        rest = "" if left == allowed else f"; {_rounded(left)} are left"
        return BudgetError(
            f"{what} takes {_rounded(amount)} {unit}, and files of this size may take {_rounded(allowed)}"
            f"{rest}; if you trust the file, raise {option_of(share)}",
            share=share,
            needed=amount,
            allowed=allowed,
            option=option_of(share),
        )


def _rounded(amount: int) -> str:
    """Write a large number so that it is read at a glance."""
    if amount >= 10_000_000_000:
        return f"{amount // 1_000_000_000:,} billion"
    return f"{amount:,}" if amount < 10_000_000 else f"{amount // 1_000_000:,} million"


def size_on_disk(network: Network) -> int:
    """Return the bytes of a model's files; of a network that was made of arrays, those of its parameters."""
    if network.origin.size is not None:
        return network.origin.size
    held = {id(each): each for layer in network.layers for each in layer.parameters}
    return sum(each.size * each.dtype.itemsize for each in held.values())


def option_of(share: Share) -> str:
    """Return the command-line option that sets a part of a budget."""
    return f"--max-{share}"
