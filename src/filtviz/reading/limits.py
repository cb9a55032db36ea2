"""What reading may take, and what a person tells the reader: limits, and hints about bare arrays.

To add a limit: one field of `Limits` that says what it counts, and one ``limits.check`` where it is spent, or
a `Spending` where many parts of a file spend it together. Its option and its help come by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path

from filtviz.errors import ArgumentError, LimitError, SelectionError
from filtviz.text import listed, plural, printable, quoted

__all__ = ["Computing", "Hints", "Inflation", "Limits", "Spending", "effort", "option_of", "pickle_steps"]

MIB = 1 << 20


def _limit(default: int, counts: str) -> int:
    described: int = field(default=default, metadata={"counts": counts})
    return described


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a file may ask for, one number each; reading stops with a `LimitError` where it asks for more.

    The defaults pass every real file that the project knows with room to spare: the largest has 330,000
    opcodes, and the weights of VGG-19 are 575 MB. Each field is an option of the command line, ``inflated``
    that of ``--max-inflated``.

    Raises:
        ArgumentError: a limit is no whole number above zero.
    """

    inflated: int = _limit(2048 * MIB, "bytes that compressed parts inflate to.")
    ratio: int = _limit(64, "times its own size that a file inflates to, beyond the first 64 MiB.")
    allocation: int = _limit(1024 * MIB, "bytes of one array or string that is copied out of the file.")
    opcodes: int = _limit(1_000_000, "steps that the file's pickles take.")
    memo: int = _limit(500_000, "objects that a pickle keeps to refer to again.")
    nesting: int = _limit(4, "containers in one another, as a pickle in an npz in a gzip.")
    classes: int = _limit(10_000, "classes and functions that the pickles name.")
    layers: int = _limit(10_000, "layers of the network, or arrays in a file without layers.")
    members: int = _limit(100_000, "members of a zip or npz, and files beside an old joblib file.")

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if type(value) is not int or value < 1:
                raise ArgumentError(f"the limit {name!r} must be a whole number above zero, not {value!r}")

    @classmethod
    def described(cls) -> dict[str, tuple[int, str]]:
        """Return each limit's default and what it counts, for the command line's help."""
        defaults = cls()
        return {one.name: (getattr(defaults, one.name), one.metadata["counts"]) for one in fields(cls)}

    def check(self, limit: str, wanted: int, what: str) -> None:
        """Pass silently where ``wanted`` is within the limit of that name.

        Args:
            limit: The name of the limit, one of the fields.
            wanted: How much the file asks for.
            what: What the file asks for, as the beginning of a sentence.

        Raises:
            LimitError: it is not.
        """
        if wanted > getattr(self, limit):
            raise self.exceeded(limit, what)

    def check_json(self, n_bytes: int, what: str) -> None:
        """Pass silently where JSON of so many bytes may be parsed: three bytes of it can take sixty-four.

        Args:
            n_bytes: Its length.
            what: What it is, as the beginning of a sentence.

        Raises:
            LimitError: it may not.
        """
        taken = n_bytes * BYTES_OF_JSON
        self.check("allocation", taken, f"{what} has {n_bytes:,} bytes, which may take {taken:,} in memory")

    def check_growth(self, n_bytes: int, present: int, what: str) -> None:
        """Pass silently where bytes that are there may stand for so many: repeated, or with zeros between.

        Args:
            n_bytes: The bytes that they stand for.
            present: The bytes that are there.
            what: What it is, as the beginning of a sentence.

        Raises:
            LimitError: they may not.
        """
        self.check("allocation", n_bytes, f"{what} of {n_bytes:,} bytes")
        if n_bytes > max(ALWAYS_INFLATED, self.ratio * max(1, present)):
            made = (
                f"of {present:,}, {n_bytes // present:,} times as much"
                if present
                else (f"of none at all, which counts as {n_bytes:,} times as much")
            )
            raise self.exceeded("ratio", f"{what} makes {n_bytes:,} bytes {made}")

    def exceeded(self, limit: str, what: str) -> LimitError:
        """Return the error to raise where a limit is passed.

        Args:
            limit: The name of the limit, one of the fields.
            what: What the file asks for, as the beginning of a sentence.
        """
        allowed = getattr(self, limit)
        option = option_of(limit)
        return LimitError(
            f"{what}, more than the {allowed:,} that are allowed; if you trust the file, raise {option}",
            limit=limit,
            allowed=allowed,
            option=option,
        )


class Spending:
    """What many parts of a file use together of one limit; ``what`` says it, with ``{:,}`` for how much."""

    def __init__(self, limits: Limits, limit: str, what: str) -> None:
        self.limits = limits
        self.limit = limit
        self.what = what
        self.allowed: int = getattr(limits, limit)
        self.used = 0

    def spend(self, amount: int) -> None:
        """Take note of what is used.

        Raises:
            LimitError: it is too much.
        """
        self.used += amount
        if self.used > self.allowed:
            self.limits.check(self.limit, self.used, self.what.format(self.used))

    def spend_text(self, length: int) -> None:
        """Take note of a text that is made, such as a name with what stands before it.

        Args:
            length: Its characters; sixteen are a step.

        Raises:
            LimitError: it is too much.
        """
        self.spend(length >> 4)

    @property
    def left(self) -> int:
        """How much may still be used."""
        return max(0, self.allowed - self.used)


ALWAYS_INFLATED = 64 * MIB
"""Bytes that any file may inflate to: untrained weights, all zero, shrink to a thousandth."""

BYTES_OF_JSON = 64
"""Of memory that a byte of JSON may take, with what is made of it."""

STREAM = 1 << 12
"""Bytes that beginning a compressed stream counts as: an empty one takes a reader's time all the same."""

TWICE_COMPRESSED = 8
"""Bytes that each byte counts as that is inflated for the second time.

A stream can be made of parts that give next to nothing and take long; within another one they cost nothing.
"""


class Inflation(Spending):
    """What the compressed parts of a file, and of those beside it, may inflate to.

    That grows with the bytes that are ``present``: a few bytes that become gigabytes are no model.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits, "inflated", "its compressed parts inflate to {:,} bytes or more")
        self.files: list[Path] = []
        self.present = 0
        self.inflated = 0
        self.streams = 0

    def add_file(self, path: Path, n_bytes: int) -> None:
        """Take note of a file whose parts may be compressed: the model's own is the first of ``files``."""
        self.files.append(path.absolute())
        self.present += n_bytes

    def begin_stream(self) -> None:
        """Take note of a compressed stream.

        Raises:
            LimitError: there are too many.
        """
        self.streams += 1
        self._charge(STREAM)

    def read_again(self, n_bytes: int) -> None:
        """Take note of compressed bytes that came out of another stream.

        Raises:
            LimitError: there are too many.
        """
        self._charge(TWICE_COMPRESSED * n_bytes)

    def spend(self, amount: int) -> None:
        """Take note of bytes that were inflated.

        Raises:
            LimitError: there are too many, or too many for so small a file.
        """
        self.inflated += amount
        self._charge(amount)

    def _charge(self, amount: int) -> None:
        super().spend(amount)
        if self.used > max(ALWAYS_INFLATED, self.limits.ratio * self.present):
            streams = f" in {self.streams:,} streams" if self.streams > 1 else ""
            times = self.used // max(1, self.present)
            raise self.limits.exceeded(
                "ratio",
                f"its {plural(self.present, 'byte')} inflate{'s'[: self.present == 1]} to {self.inflated:,} "
                f"or more{streams}, which counts as {times:,} times its size",
            )


class Computing:
    """What arrays that are computed of others may take: what would be more is not computed.

    Where a file repeats numbers, few bytes stand for matrices that take minutes, and a kernel of few weights
    can be what is left of large arrays. ``room`` are the bytes that may be filled on the way to one array.
    """

    def __init__(self, present: int) -> None:
        """Allow what so many bytes of files deserve."""
        self.left = ALWAYS_COMPUTED + COMPUTED_A_BYTE * present
        self.room = max(ALWAYS_FILLED, FILLED_A_BYTE * present)

    def affords(self, work: int) -> bool:
        """Take so many operations, and tell whether they were left."""
        is_left = work <= self.left
        self.left -= work if is_left else 0
        return is_left


ALWAYS_COMPUTED = 2_000_000_000
"""Operations, about as many as nanoseconds, that the arrays of any file may take to compute."""

COMPUTED_A_BYTE = 400
"""The same that each byte of the file adds: a matrix of a thousand rows takes a hundred and fifty."""


ALWAYS_FILLED = 256 * MIB
"""Bytes that may be filled on the way to an array of any file."""

FILLED_A_BYTE = 64
"""The same for each byte of the file: of an array in half precision, twice itself in double precision."""


def pickle_steps(limits: Limits) -> Spending:
    """Return the steps that a file's pickles may take."""
    return Spending(limits, "opcodes", "its pickles take {:,} steps or more")


def effort(limits: Limits) -> Spending:
    """Return the steps that understanding a file's objects may take, as many as reading them.

    In a small file many objects can share one long list, and going through it for each of them takes hours.
    """
    return Spending(limits, "opcodes", "to follow what its objects share takes {:,} steps or more")


def option_of(limit: str) -> str:
    """Return the command-line option that sets a limit."""
    return f"--max-{limit.replace('_', '-')}"


_AXES = frozenset("oidrcyx")
_FRAMEWORKS_LETTERS = str.maketrans("hw", "rc")


def _texts(convs: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of arrays as a tuple; one by itself is a tuple of one."""
    names = (convs,) if isinstance(convs, str) else convs
    if not isinstance(names, Iterable):
        raise ArgumentError("convs must be names of arrays, such as ['conv1', 'arr_5']")
    return tuple(map(str, names))


@dataclass(frozen=True, kw_only=True)
class Hints:
    """Which arrays of a bare list are the convolutions, in what order, and what their axes are.

    ``convs`` names them in network order, by number (``"0"``, ``"5"``: the place in the file, from 0) or by
    name (``"conv1"``, ``"conv1.W"``, ``"arr_5"``); empty leaves it to filtviz. ``axes`` says the order of an
    array's axes, in the letters of `filtviz.operations.Convolution` (``oirc``, ``iorc``) or the frameworks'
    words (``oihw``, ``hwio``); its keys are numbers or names as in ``convs``, and the key ``""`` is for all
    others. ``weights`` names which of several sets of weights in a checkpoint is meant, by its key (``ema``).
    ``like`` is a file of the same network with a graph, which the weights of a file without one are put into;
    ``architecture`` is a text that says what their layers are, in its place.

    Raises:
        ArgumentError: an order of axes is none, or both ``like`` and ``architecture`` are given.
    """

    convs: tuple[str, ...] = ()
    axes: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""
    like: str | PathLike[str] | None = None
    architecture: str | PathLike[str] | None = None

    def __post_init__(self) -> None:
        if self.like is not None and self.architecture is not None:
            raise ArgumentError("give the graph of another file (like) or an architecture, not both")
        if not isinstance(self.axes, Mapping) or not all(
            isinstance(order, str) for order in self.axes.values()
        ):
            raise ArgumentError("axes must map arrays to the orders of their axes, such as {'conv1': 'oihw'}")
        object.__setattr__(self, "convs", _texts(self.convs))
        said = dict(self.axes)
        plain = {key: order.lower().translate(_FRAMEWORKS_LETTERS) for key, order in said.items()}
        object.__setattr__(self, "axes", plain)
        for key, order in plain.items():
            if not set(order) <= _AXES or len(set(order)) != len(order) or "o" not in order or len(order) < 3:
                raise ArgumentError(
                    f"{said[key]!r} is no order of axes; write one letter for each axis, such as oihw "
                    "(filters, channels, height, width) or hwio"
                )

    @property
    def says_something(self) -> bool:
        """Whether a person has said anything."""
        return bool(self.convs or self.axes)

    def no_such_weights(self, names: Iterable[str]) -> SelectionError:
        """Return the error for ``weights`` that the file does not hold.

        Args:
            names: The sets that it holds; none where it holds one, which has no name.
        """
        available = list(dict.fromkeys(names))
        shown = f"there are no weights under {quoted(self.weights, 60)}"
        if not available:
            sentence = f"{shown}: the file holds one set of them; leave out --weights"
            return SelectionError(sentence, wanted=self.weights)
        there = listed([printable(one, 60) for one in available], 30)
        return SelectionError(f"{shown} (there are: {there})", wanted=self.weights, available=available)

    def axes_for(self, *names: str) -> str | None:
        """Return the order said for an array, or None.

        Args:
            names: What the array is called: its number, its name.
        """
        return next((self.axes[name] for name in (*names, "") if name in self.axes), None)
