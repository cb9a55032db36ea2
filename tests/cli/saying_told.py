"""What streams, helps and options make of what is said and given, as lines of text.

``python -m tests.telling`` writes ``tests/told/saying.txt`` anew.
"""

from __future__ import annotations

import errno
import io
import itertools
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import click
from click.exceptions import Exit
from click.testing import CliRunner

from filtviz import cli
from filtviz.cli import console, helping, main, streams
from filtviz.cli.shared_options import drawing_options, view_options
from filtviz.errors import FiltvizError, OutputError
from filtviz.signals import Ended

__all__ = ["PARTS", "all_lines"]

TEXT = "a%→ü\u0304日\x80\udce9\ud800…▀"


def ended(act: Callable[[], Any]) -> str:
    """What something gives, or how it ends."""
    try:
        return repr(act())
    except (OutputError, Ended, TypeError, ValueError, io.UnsupportedOperation) as error:
        return f"{type(error).__name__} {getattr(error, 'status', error)}"


def characters() -> Iterator[str]:
    """Yield what encodings make of a text."""
    for encoding in (None, "ascii", "latin-1", "cp1252", "cp437", "cp864", "utf-8", "utf-16"):
        for errors in ("strict", "replace", "backslashreplace", "surrogateescape", "ignore"):
            if encoding in (None, "utf-16", "cp864") and errors not in ("strict", "surrogateescape"):
                continue
            has = "".join("01"[streams.can_write(each, encoding, errors)] for each in TEXT)
            kept = (streams.fitted(TEXT, encoding, errors), streams.exact(TEXT, encoding, errors))
            yield f"{encoding} {errors}: {has} {kept!a}"


class Stream(io.StringIO):
    """A stream that fails from some text on."""

    def __init__(self, error: Exception | None = None, **facts: Any) -> None:
        super().__init__()
        self.error, self.facts = error, facts

    def write(self, text: str) -> int:
        if self.error is not None and "bad" in text:
            raise self.error
        return super().write(text)


def outputs() -> Iterator[str]:
    """Yield what a stream says of itself, and what becomes of what is written to it."""
    for facts in ({}, {"encoding": None, "errors": None}, {"encoding": "", "errors": ""},
                  {"encoding": "cp437", "errors": "strict"}, {"encoding": "ascii", "errors": "replace"},
                  {"encoding": "ascii", "errors": "backslashreplace"}):  # fmt: skip
        written: list[str] = []
        stream: Any = SimpleNamespace(
            write=written.append, isatty=lambda: True, fileno=lambda: 7, flush=lambda: None, **facts
        )
        own = streams.Output(stream, "stdout")
        counts = [own.write(each) for each in ("→é", b"\xc3\xa9", "")]
        told = (own.encoding, own.errors, own.strictness, own.isatty(), own.fileno(), own.writable())
        yield f"{facts}: {told} {counts} {written!a} {ended(lambda o=own: o.write(b''))}"
    own = streams.Output(None, "stdout")
    yield f"no stream: {own.encoding} {own.errors} {own.isatty()} {ended(own.fileno)} {ended(own.flush)}"
    closed = io.StringIO()
    closed.close()
    yield f"a closed one: {streams.Output(closed, 'stdout').isatty()}"
    errors: dict[str, Exception | None] = {
        name: OSError(getattr(errno, name), "so")
        for name in ("EPIPE", "ESHUTDOWN", "ENOSPC", "EIO", "EINVAL")
    }
    errors |= {
        "no number": OSError("odd\x1b"),
        "ValueError": ValueError("I/O on a closed file"),
        "none": None,
    }
    for (name, error), stream_name, goes_on in itertools.product(
        errors.items(), ("stdout", "stderr"), (False, True)
    ):
        under = Stream(error)
        own = streams.Output(under, stream_name)
        own.goes_on = goes_on
        told = [ended(lambda o=own, t=text: o.write(t)) for text in ("good", "bad", "more")]
        yield (
            f"{name} on {stream_name}, goes on {goes_on}: {told} {own.failed} {own.is_unread} "
            f"{under.getvalue()} {ended(lambda o=own: streams._flush([o, o]))}"
        )
    missing = streams.Output(None, "stdout")
    yield f"written to none: {ended(lambda: missing.write('x'))} {missing.failed}"


def processes() -> Iterator[str]:
    """Yield what is written where the streams are, or are not, those of the program's own process."""
    with tempfile.TemporaryDirectory() as folder:
        for own, how, opened in itertools.product(
            (False, True), ("ends", "fails", "ends it"), ("strict", "replace")
        ):
            path = Path(folder, "out")
            with path.open("w", encoding="ascii", errors=opened) as stream:
                stream.write("before ")

                told: list[Any] = []

                def act(own: bool = own, how: str = how, told: list[Any] = told) -> None:
                    with streams.output_streams(own_process=own):
                        streams.go_on_unread()
                        told.append(all(each.goes_on for each in (sys.stdout, sys.stderr)))
                        sys.stdout.write("within\udce9 ")
                        if how == "fails":
                            raise ValueError("it fails")
                        if how == "ends it":
                            raise Ended(7)

                with patch.object(sys, "stdout", stream), patch.object(sys, "stderr", io.StringIO()):
                    before = sys.stdout, sys.stderr
                    told += [ended(act), (sys.stdout, sys.stderr) == before, stream.closed]
                stream.write("after")
            yield f"own {own}, {how}, {opened}: {told} {path.read_bytes()!r}"
    for error, number in itertools.product(
        (ValueError("it fails"), Ended(7), None), (errno.EPIPE, errno.ENOSPC)
    ):

        class Full(io.StringIO):
            def flush(self, number: int = number) -> None:
                raise OSError(number, "so")

        def fail(error: BaseException | None = error) -> None:
            with streams.output_streams(own_process=False):
                if error is not None:
                    raise error

        with patch.multiple(sys, stdout=Full(), stderr=io.StringIO()):
            yield f"ends in {error!r}, and cannot be passed on: {number == errno.EPIPE} {ended(fail)}"
    reading, writing = os.pipe()
    for waits in (True, False):
        os.set_blocking(writing, waits)
        with suppress(KeyError), streams._blocking(writing):
            inside = os.get_blocking(writing)
            raise KeyError
        yield f"a pipe that waits {waits}: {inside} then {os.get_blocking(writing)}"
    list(map(os.close, (reading, writing)))
    for word in ("", "-", "-o", "-ofile", "--output", "--o=x", "file", "-=x"):
        yield f"attached to {word!r}: {streams._attached(word)!r}"


def inputs() -> Iterator[str]:
    """Yield into which files nothing is printed."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("models/deep").mkdir(parents=True)
        Path("other").mkdir()
        for place in ("m.npz", "models/a.npz", "models/deep/log.txt", "models/cut.pkl", "models/p.PNG"):
            Path(place).write_bytes(b"\x80\x02}q\x00(U\x01a" if place.endswith("pkl") else b"text")
        Path("models/empty").touch()
        Path("link").symlink_to("m.npz")
        for written in ("m.npz", "models/a.npz", "models/deep/log.txt", "models/cut.pkl", "models/p.PNG",
                        "models/empty", "models"):  # fmt: skip
            descriptor = os.open(written, os.O_RDONLY)
            try:
                for names in (
                    ["models", "other"], ["models", f"./{written}"], [written, "models"], ["link", "gone"],
                    ["models/deep"], [],
                ):  # fmt: skip
                    yield f"{written} of {names}: {streams._name_of(descriptor, names)}"
            finally:
                os.close(descriptor)
        with patch.object(streams, "MOST_LOOKED_AT", 1):
            seen = Path("models/a.npz").stat()
            yield f"of many: {len(list(streams._inside('other', seen)))}"


def logged() -> Iterator[str]:
    """Yield what is said of what reading concludes, and whether loggers are as they were."""
    logger, everything = logging.getLogger("filtviz"), logging.getLogger()
    kept = logger.level, logger.propagate
    own = logging.NullHandler()
    try:
        for level, propagates, fails in itertools.product(
            (logging.NOTSET, logging.ERROR), (True, False), (False, True)
        ):
            logger.setLevel(level)
            logger.propagate = propagates
            logger.addHandler(own)
            before = [list(one.handlers) for one in (logger, everything)]
            said: list[str] = []
            inside: tuple[Any, ...] = ()
            with patch.object(console, "say", said.append):
                try:
                    with console.conclusions_told():
                        inside = logger.level, logger.propagate, len(logger.handlers) - len(before[0])
                        inside += (len(everything.handlers) - len(before[1]),)
                        for one in (logger, logging.getLogger("filtviz.reading"), everything):
                            one.info("it is %d", 1)
                            one.debug("unsaid")
                        logger.warning("more")
                        if fails:
                            raise ValueError
                except ValueError:
                    said.append("failed")
            after = [list(one.handlers) for one in (logger, everything)]
            told = (logger.level == level, logger.propagate is propagates, after == before)
            yield f"level {level}, {propagates}, {fails}: {said} within {inside} then {told}"
    finally:
        logger.removeHandler(own)
        logger.setLevel(kept[0])
        logger.propagate = kept[1]


def helps() -> Iterator[str]:
    """Yield what the help has of options, in short and in full, and how it lays them out."""
    words = ("First of all. And `more` then.", "One (say .png). or not.", "No stop", "A. 2 of them. B", "")
    choices = [("--x", ["a" * n, "b"]) for n in (18, 19, 41, 42, 43, 44, 60)]
    options = [
        click.Option([name], type=click.Choice(each), help="Which. It is one.") for name, each in choices
    ]
    options += [click.Option([f"--n{place}"], help=each, metavar="N") for place, each in enumerate(words)]
    options += [
        click.Option(
            [f"--{'no'[len(help_of) > 9]}"],
            default=default,
            show_default=True,
            type=kind,
            help=help_of,
            metavar="N",
        )
        for default, kind in ((3, click.IntRange(min=1)), ("a, b", str), (0.5, float))
        for help_of in ("So. More.", "So; [not this]")
    ]
    for option in options:
        context = click.Context(click.Command("c"))
        for is_full in (False, True):
            yield f"{helping._record(option, context, is_full=is_full)}"
    rare = [helping.RareOption([f"--max-{'x' * n}"], help="Rare. So.") for n in (3, 20, 30, 9)]
    for some, width in itertools.product((options[:1], [*options[-2:], *rare]), (60, 80)):
        for is_full in (False, True):
            command = helping.Command("c", params=list(some))
            with click.Context(command, info_name="own") as context:
                context.meta[helping.FULL] = is_full
                formatter = click.HelpFormatter(width=width)
                command.format_options(context, formatter)
            yield f"of {len(some)} options at {width}, full {is_full}:"
            yield from (f"  |{line}" for line in formatter.getvalue().splitlines())
    for params in (
        {},
        {"model": "a"},
        {"models": ("a", "b")},
        {"models": ()},
        {"model": "a", "models": ("b",)},
    ):
        context = click.Context(click.Command("c"))
        context.params.update(params)
        yield f"given {params}: {helping._given_files(context)}"


ERRORS: dict[str, Callable[[], BaseException | None]] = {
    "none": lambda: None,
    "ours": lambda: FiltvizError("it is so"),
    "ours with a note": lambda: noted(FiltvizError("it is so")),
    "of a file": lambda: PermissionError(13, "Permission\x1b denied", "a\x1b" + "f" * 300),
    "of a file of bytes": lambda: PermissionError(13, "Permission denied", b"a\xff"),
    "of no file": lambda: OSError("odd"),
    "memory": MemoryError,
    "Ctrl-C": KeyboardInterrupt,
    "usage": lambda: click.UsageError("wrong"),
    "status": lambda: Exit(3),
    "ended": lambda: Ended(7),
    "a fault": lambda: ValueError("of ours"),
}


def noted(error: FiltvizError) -> FiltvizError:
    error.add_note("first this\nand that")
    return error


@click.command(cls=helping.Command)
@click.argument("kind")
@click.pass_context
def acts(context: click.Context, kind: str) -> None:
    """Print where it stands, and end as it is told to."""
    under: Any = sys.stdout
    is_own = isinstance(under._stream.name, int)  # opened anew, by its descriptor
    is_taken = signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    click.echo(f"own {is_own}, signals {is_taken}, back end {context.obj}")
    logging.getLogger("filtviz.own").info("concluded")
    error = ERRORS[kind]()
    if error is not None:
        raise error


def program() -> Iterator[str]:
    """Yield how the program ends, whoever runs it, and what is as before then."""

    def run(how: str, kind: str) -> Any:
        if how == "as a process":
            return main.main(prog_name="filtviz")
        return main.main(["acts", kind], "filtviz", standalone_mode=how == "with words")

    def told(how: str, kind: str) -> str:
        try:
            return f"gives {run(how, kind)!r}"
        except BaseException as error:
            return f"{type(error).__name__} {getattr(error, 'code', error)}"

    kept = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            patch.dict(cli.COMMANDS, {"acts": __name__}),
            patch.dict(os.environ, {"MPLBACKEND": "a back end"}),
        ):
            for how, kind in itertools.product(("as a process", "with words", "inside another"), ERRORS):
                out, err = Path(folder, "out"), Path(folder, "err")
                with (
                    out.open("w", encoding="utf-8") as stdout, err.open("w", encoding="utf-8") as stderr,
                    patch.multiple(sys, stdout=stdout, stderr=stderr, argv=["filtviz", "acts", kind]),
                ):  # fmt: skip
                    end = told(how, kind)
                held = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
                said = [path.read_text(encoding="utf-8").replace(" -h'", " --help'") for path in (out, err)]
                yield f"{how}, {kind}: {end}, {held} {os.environ.get('MPLBACKEND')} {said!a}"
    finally:
        signal.signal(signal.SIGTERM, kept)


@click.command()
@drawing_options
@view_options
def drawn(**given: Any) -> None:
    """Print what the options of views are together."""
    usual = {"viewing": dict.fromkeys(("through", "assume_stacked", "badges"), False), "terminal": False}
    drawing = given.pop("drawing")
    told = [
        f"{name}={value!r}" for name, value in vars(drawing).items() if name in ("view", "figsize", "cmap")
    ]
    sheet = drawing.sheet
    told += [
        f"{name}={value!r}" for name, value in vars(sheet).items() if value != getattr(type(sheet)(), name)
    ]
    viewing = {name: value for name, value in given.pop("viewing").items() if value}
    told += [f"{name}={value!r}" for name, value in (given | viewing).items() if value != usual.get(name)]
    click.echo(" ".join(told))


def views() -> Iterator[str]:
    """Yield what options of views are together, and which of them exclude each other."""
    views: tuple[list[str], ...] = ([], ["--view", "grid"], ["--view", "rms"], ["--view", "sheet"])
    channels: tuple[list[str], ...] = ([], ["--channels", " RGB"], ["--channels", "0,2-3"])
    together = [
        [*view, *own, *more] for view in views for own in channels for more in ([], ["--top", "3", "--flip"])
    ]
    alone: list[list[str]] = [
        ["--through"], ["--badges"], ["--badges", "--no-labels"], ["--terminal"], ["--images", "x.npy"],
        ["--images", "x.npy", "--through"], ["--assume-stacked"], ["--assume-stacked", "--through"],
        ["--figsize", "2", "3"], ["--cmap", "hot"], ["--cmap", "hot", "--figsize", "2", "3", "--flip"],
        ["--top", "0"], ["--dpi", "0"], ["--view", "grid", "--cmap", "hot"], ["--channels", "bgr"],
    ]  # fmt: skip
    for words in (*together, *alone):
        result = CliRunner().invoke(drawn, words)
        text = result.output.strip()
        yield f"{' '.join(words)}: {text.partition('Error: ')[2] if result.exit_code else text}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "characters": characters,
    "outputs": outputs,
    "processes": processes,
    "inputs": inputs,
    "logged": logged,
    "program": program,
    "helps": helps,
    "views": views,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/saying.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
