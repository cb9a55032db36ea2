"""stdout and stderr while a command runs: no character, closed pipe or full disk ends it in a traceback.

A character that the stream's encoding does not have becomes a readable one where filtviz prints it itself
(``→`` becomes ``->``), and a backslash escape otherwise. A reader that goes away ends the command, as SIGPIPE
ends other programs; a full disk is one sentence.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from filtviz.errors import OutputError
from filtviz.signals import PIPE_CLOSED, Ended
from filtviz.text import printable

__all__ = [
    "READABLE",
    "Output",
    "can_write",
    "exact",
    "fitted",
    "go_on_unread",
    "output_streams",
    "refuse_inputs",
]

PIPE_ERRORS = {errno.EPIPE, errno.ESHUTDOWN} | ({errno.EINVAL} if os.name == "nt" else set())
"""How systems say that the other end of a pipe is closed."""

READABLE = {
    "°": " deg", "±": "+-", "²": "^2", "³": "^3", "⁴": "^4", "₀": "0", "₁": "1", "₂": "2", "·": "*",
    "½": "1/2", "⅓": "1/3", "×": "x", "á": "a", "ä": "a", "ü": "u", "Š": "S",
    "ḡ": "mean(g)", "\u0304": "_mean", "Γ": "Gamma", "Δ": "Delta", "Σ": "sum", "Φ": "Phi", "Ω": "Omega",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "–": "-", "—": "-", "−": "-", "‖": "||", "…": "...",
    "‘": "'", "’": "'", "“": '"', "”": '"', "←": "<-", "→": "->", "√": "sqrt ", "∞": "infinity", "≈": "~",
    "≠": "!=", "≤": "<=", "≥": ">=", "─": "-", "│": "|", "└": "`", "├": "|", "▀": "#", "►": ">", "█": "#",
}  # fmt: skip
"""Characters that filtviz prints itself, and what stands for them where a stream does not have them."""


def can_write(text: str, encoding: str | None, errors: str = "strict") -> bool:
    """Say whether an encoding has all characters of a text; a stream of no encoding has all there are."""
    if encoding is None:
        return True
    try:
        text.encode(encoding, errors)
    except UnicodeError:
        return False
    return True


def fitted(text: str, encoding: str | None, errors: str = "strict") -> str:
    """Return a text that the encoding has: readable characters in place of ours, escapes for the rest."""
    if encoding is None or can_write(text, encoding, errors):
        return text
    return "".join(_substitute(character, encoding, errors) for character in text)


def exact(text: str, encoding: str | None, errors: str = "strict") -> str:
    """Return a text that the encoding has, with nothing but escapes for characters that it does not have."""
    if encoding is None or can_write(text, encoding, errors):
        return text
    return "".join(c if can_write(c, encoding, errors) else _escape(c, encoding) for c in text)


@lru_cache(maxsize=4096)
def _substitute(character: str, encoding: str, errors: str) -> str:
    if can_write(character, encoding, errors):
        return character
    return READABLE.get(character) or _escape(character, encoding)


def _escape(character: str, encoding: str) -> str:
    escape = character.encode("ascii", "backslashreplace").decode("ascii")
    if escape == character:  # an encoding without one of ASCII's characters, as cp864 is without %
        escape = f"\\x{ord(character):x}"
    return escape if can_write(escape, encoding) else "?"


class Output(io.TextIOBase):
    """stdout or stderr, which writes what its encoding has and turns what goes wrong into a sentence.

    What cannot be written to stderr is lost: there is no place left to say so. There is no ``buffer``, for
    click would write UTF-8 into one whose encoding is ASCII.

    Args:
        stream: What it writes to; None where the program was started without such a stream.
        name: ``stdout`` or ``stderr``.

    Attributes:
        failed: It takes nothing more.
        goes_on: A reader that goes away ends the command only when all is done, see `go_on_unread`.
        is_unread: Its reader went away.
    """

    def __init__(self, stream: TextIO | None, name: str) -> None:
        self._stream = stream
        self._name = name
        self.failed = False
        self.goes_on = False
        self.is_unread = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of what it writes to."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What the stream does with characters that its encoding does not have."""
        return getattr(self._stream, "errors", None) or "strict"

    @property
    def strictness(self) -> str:
        """The same, as far as it was asked for: stderr escapes where nobody has asked it to."""
        return "strict" if self.errors == "backslashreplace" else self.errors

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        with suppress(ValueError, OSError):
            return self._stream is not None and self._stream.isatty()
        return False

    def fileno(self) -> int:
        """Return the descriptor beneath."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def write(self, text: str | bytes) -> int:
        """Write a text, which click's completion for shells has as bytes."""
        if text == b"":  # click finds out in this way what kind of stream it is
            raise TypeError("a text is needed, not bytes")
        if isinstance(text, bytes):
            text = text.decode()
        if text:
            self._try(lambda stream: stream.write(fitted(text, self.encoding, self.strictness)))
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        if self._stream is not None:
            self._try(lambda stream: stream.flush())

    def close(self) -> None:
        """Do nothing: the stream beneath belongs to somebody else."""

    def _try(self, action: Callable[[TextIO], object]) -> None:
        if self.failed:
            return
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, "")
            action(self._stream)
        except (OSError, ValueError) as error:
            self.failed = True
            self._complain(error)

    def _complain(self, error: OSError | ValueError) -> None:
        number = error.errno if isinstance(error, OSError) else errno.EBADF
        if number in PIPE_ERRORS:
            self.is_unread = True
            if self.goes_on:
                return
            raise Ended(PIPE_CLOSED) from error
        if self._name == "stdout":
            reason = os.strerror(number).lower() if number else printable(error)
            raise OutputError(f"cannot write to stdout: {reason}") from error


@contextmanager
def output_streams(*, own_process: bool) -> Iterator[None]:
    """Let commands write to `Output`; at the end, pass on what is still to be written.

    Args:
        own_process: The interpreter ends afterwards, and may be shaped for that.

    Raises:
        Ended: nobody reads any more.
        OutputError: stdout cannot be written.
    """
    before = sys.stdout, sys.stderr
    with ExitStack() as undo:
        undo.callback(_put_back, *before)
        streams: Iterable[TextIO | None] = before
        if own_process:
            _open_descriptors()
            streams = [undo.enter_context(_reopened(stream)) for stream in before]
        outputs = [Output(stream, name) for stream, name in zip(streams, ("stdout", "stderr"), strict=True)]
        sys.stdout, sys.stderr = outputs
        try:
            yield
        except BaseException:
            with suppress(Ended, OutputError):  # why the command ends is what counts
                _flush(outputs)
            raise
        _flush(outputs)


def go_on_unread() -> None:
    """Let a command whose results are files do all its work, also where nobody reads what it prints.

    It ends as it would have ended before: by `Ended`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Output):
            stream.goes_on = True


def refuse_inputs(words: Iterable[str]) -> None:
    """Let nothing be printed if stdout or stderr is appended to a file that the command line names.

    Those in a folder that it names are meant as well, as far as they are models or images: what was printed
    before is none. What the shell empties before this program begins, nobody can save.

    Args:
        words: The command line.

    Raises:
        OutputError: stdout is such a file.
        Ended: stderr is, where no sentence can be said.
    """
    names = {name for word in words for name in (word, word.partition("=")[2], _attached(word)) if name}
    for descriptor in (2, 1):
        found = _name_of(descriptor, names)
        if found and descriptor == 2:
            raise Ended(1)
        if found:
            raise OutputError(
                f"cannot write to stdout: it is {printable(found, 200)}, which is one of the files given; "
                "redirect it to another file"
            )


def _attached(word: str) -> str:
    """Return what stands behind an option of one letter in the same word."""
    return word[2:] if word[:1] == "-" and word[1:2] != "-" else ""


def _name_of(descriptor: int, names: Iterable[str]) -> str | None:
    """Return the name of the file that a descriptor writes to, if it is given, or lies in what is given."""
    with suppress(OSError):
        written = os.fstat(descriptor)
        if stat.S_ISREG(written.st_mode):
            inside = (path for name in names for path in _inside(name, written) if _is_given(path, name))
            return next(chain((name for name in names if _is_file(name, written)), inside), None)
    return None


def _inside(name: str, written: os.stat_result) -> Iterator[str]:
    """Yield where in a folder a file lies that is not empty; none where the name is not that of a folder."""
    if not written.st_size:
        return
    walked = (os.path.join(place, file) for place, _, files in os.walk(name) for file in files)  # noqa: PTH118
    yield from (path for path in islice(walked, MOST_LOOKED_AT) if _is_file(path, written))


MOST_LOOKED_AT = 100_000
"""Files of a folder among which that of stdout is looked for."""


def _is_given(path: str, folder: str) -> bool:
    """Tell a model or images in a folder from what else may lie there."""
    from filtviz.errors import ReadError
    from filtviz.reading import load
    from filtviz.reading.folders import is_folder_of_models, is_no_model
    from filtviz.running.preparing import SUFFIXES

    if Path(path).suffix.lower() in SUFFIXES or not is_folder_of_models(Path(folder)):
        return True
    try:
        load(path)
    except ReadError as error:
        return not is_no_model(error)
    return True


def _is_file(name: str, written: os.stat_result) -> bool:
    try:
        return os.path.samestat(Path(name).stat(), written)
    except OSError:
        return False


def _put_back(stdout: TextIO, stderr: TextIO) -> None:
    sys.stdout, sys.stderr = stdout, stderr


def _flush(outputs: Iterable[Output]) -> None:
    outputs = list(outputs)
    for output in outputs:
        output.flush()
    if any(output.is_unread for output in outputs):
        raise Ended(PIPE_CLOSED)


def _open_descriptors() -> None:
    """Put the null device where the program was started without stdin, stdout or stderr.

    The next file to be opened would take that place, and get what is meant for the stream.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


@contextmanager
def _reopened(stream: TextIO | None) -> Iterator[TextIO | None]:
    """Yield a stream to the same place that is buffered, waits, and lets through all bytes of a file name.

    Python's own loses what a pipe or a disk does not take at once where PYTHONUNBUFFERED is set; a pipe fails
    where it is full if another program has set it so; and what fails is kept, to fail again when Python ends.
    """
    try:
        assert stream is not None
        stream.flush()
        descriptor = stream.fileno()
    except (AssertionError, AttributeError, OSError, ValueError):
        yield stream
        return
    errors = "surrogateescape" if stream.errors == "strict" and os.name != "nt" else stream.errors
    own = open(descriptor, "w", encoding=stream.encoding, errors=errors, closefd=False)  # noqa: SIM115
    with _blocking(descriptor):
        try:
            yield own
        finally:
            with suppress(OSError, ValueError):
                own.close()


@contextmanager
def _blocking(descriptor: int) -> Iterator[None]:
    """Let a descriptor wait for its reader."""
    if not hasattr(os, "get_blocking") or os.get_blocking(descriptor):
        yield
        return
    os.set_blocking(descriptor, True)
    try:
        yield
    finally:
        os.set_blocking(descriptor, False)
