"""What is printed arrives, whatever the stream: any encoding, a pipe that closes, a disk that is full."""

from __future__ import annotations

import ast
import contextlib
import csv
import encodings
import io
import json
import os
import pkgutil
import subprocess
import sys
from codecs import lookup
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from filtviz.cli import main, streams
from filtviz.cli.streams import READABLE, Output, exact, fitted, output_streams, refuse_inputs
from filtviz.errors import OutputError
from filtviz.signals import Ended

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "examples" / "mission-trained.pkl")
PROGRAM = [sys.executable, "-c", "from filtviz.cli import main; main()"]

posix = pytest.mark.skipif(os.name != "posix", reason="needs descriptors as POSIX has them")
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """A model whose own name and whose layers' names no single old encoding has."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    arrays = {}
    for name in ("свёртка", "→é", "=1+1"):
        arrays[f"{name}.W"] = rng.standard_normal((3, 3, 3, 3)).astype("f4")
        arrays[f"{name}.b"] = np.zeros(3, "f4")
    np.savez("модель.npz", **arrays)
    return "модель.npz"


def in_process(encoding, *arguments):
    result = CliRunner(charset=encoding).invoke(main, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def text_encodings():
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            "plain".encode(module.name)
            if lookup(module.name)._is_text_encoding:
                yield module.name
        except (LookupError, UnicodeError, TypeError):
            continue


def printed_characters():
    """Return all characters beyond ASCII in the texts of the program, its docstrings excepted."""
    found = set()
    for path in (ROOT / "src" / "filtviz").rglob("*.py"):
        if path.parts[-2] == "reporting" or path.name in ("streams.py", "theano_shim.py"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
                found |= {c for c in node.value if not c.isascii() and c.isprintable()}
    return found


@pytest.mark.slow
def test_each_character_that_the_program_prints_has_a_readable_twin():
    assert not printed_characters() - set(READABLE)
    assert all(text.isascii() and "\\" not in text for text in READABLE.values())


def test_what_an_encoding_has_stays_and_the_rest_is_readable_or_escaped():
    text = "conv → 3×3, √p ≥ ½: свёртка"
    assert fitted(text, "utf-8") == text
    assert fitted(text, None) == text
    assert fitted("3×3, ½", "latin-1") == "3×3, ½"
    assert fitted("3×3 → √p", "ascii") == "3x3 -> sqrt p"
    assert fitted("√p → é", "cp437") == "√p -> é"
    assert fitted("ж\udcff\U0001f600", "latin-1") == "\\u0436\\udcff\\U0001f600"
    assert fitted("ж", "cp1251") == "ж"


def test_what_must_stay_the_same_is_escaped_and_not_replaced():
    assert exact("a→b", "latin-1") == "a\\u2192b"
    assert exact("a→b", "utf-8") == "a→b"
    assert exact("3×3", "latin-1") == "3×3"


def test_no_encoding_of_python_fails():
    everything = "".join([*map(chr, range(32, 127)), *READABLE, "\udcff", "\ud800", "ж字😀"])
    names = list(text_encodings())
    names.remove("idna")  # names of hosts, and no texts
    assert {"ascii", "cp1252", "cp437", "latin_1", "cp037", "shift_jis", "utf_16"} <= set(names)
    for name in names:
        for text in (fitted(everything, name), exact(everything, name)):
            text.encode(name)


COMMANDS = {
    "layers": ["layers", "--verbose"],
    "diagnose": ["diagnose", "--filters"],
    "csv": ["diagnose", "--csv"],
    "json": ["diagnose", "--json"],
    "plot": ["plot", "--layer", "-1"],
    "terminal": ["plot", "--terminal"],
    "compare": ["compare", "модель.npz"],
    "export": ["export", "-o", "aus→gabe", "--jobs", "1"],
    "report": ["report", "--layer", "1"],
}


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("command", [*COMMANDS])
def test_every_command_prints_in_every_encoding(odd, command, encoding):
    result = in_process(encoding, *COMMANDS[command], odd)
    assert result.exit_code == 0
    assert result.stdout_bytes.decode(encoding, "strict").strip()
    result.stderr_bytes.decode(encoding, "strict")


@pytest.mark.cases("all")
@pytest.mark.parametrize("encoding", ["cp437", "latin-1", "ascii"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["compare", "--help"], 0),
        (["explain", "--markdown"], 0),
        (["explain", "spike"], 0),
        (["no→such"], 2),
        (["layers", "no→such"], 1),
        (["plot", "--channels", "×", MODEL], 2),
    ],
    ids=lambda value: value[-1][-9:] if isinstance(value, list) else None,
)
def test_help_and_complaints_are_printed_in_every_encoding(arguments, status, encoding):
    result = in_process(encoding, *arguments)
    assert result.exit_code == status
    assert (result.stdout_bytes + result.stderr_bytes).decode(encoding, "strict")
    assert "�" not in result.output


def test_utf_8_keeps_every_character(odd):
    printed = (
        in_process("utf-8", "diagnose", "--details", odd).stdout + in_process("utf-8", "layers", odd).stdout
    )
    assert {"─", "χ", "ё", "→"} <= set(printed)


def test_json_says_the_same_in_every_encoding(odd):
    expected = json.loads(in_process("utf-8", "layers", "--json", odd).stdout)
    assert [layer["name"] for layer in expected["layers"]].count("свёртка") == 1
    for encoding in ("ascii", "cp437", "utf-16"):
        assert json.loads(in_process(encoding, "layers", "--json", odd).stdout) == expected


def test_csv_escapes_and_never_replaces(odd):
    def names(encoding):
        printed = in_process(encoding, "diagnose", "--csv", odd).stdout
        return {row["name"] for row in csv.DictReader(io.StringIO(printed))}

    assert names("utf-8") == {"свёртка", "→é", "'=1+1"}
    assert names("latin-1") == {"\\u0441\\u0432\\u0451\\u0440\\u0442\\u043a\\u0430", "\\u2192é", "'=1+1"}


def test_columns_stay_straight_where_characters_become_longer(odd):
    lines = in_process("ascii", "layers", odd).stdout.splitlines()
    rule = lines[1]
    column = rule.index("-", rule.index("  -", rule.index("  -", 5) + 2) + 2)  # where `type` begins
    assert [line[column:].startswith("Conv2DLayer") for line in lines[2:5]] == [True] * 3


def run(arguments, encoding=None, **given):
    environment = {**os.environ, **({"PYTHONIOENCODING": encoding} if encoding else {})}
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, env=environment, timeout=300, check=False, **given
    )


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437:strict"])
def test_a_process_prints_in_the_encoding_that_it_is_given(encoding):
    done = run(["explain", "spike"], encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "sqrt p" in done.stdout.decode(encoding.partition(":")[0]) or "cp437" in encoding
    wrong = run(["lay→ers"], encoding)
    assert wrong.returncode == 2
    assert b"'lay->ers'" in wrong.stderr


@pytest.mark.slow
@posix
def test_bytes_of_a_path_that_are_no_text_come_out_as_they_went_in(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff/"
    try:
        Path(os.fsdecode(folder)).mkdir()
    except OSError:
        pytest.skip("this file system has names of UTF-8 only")
    for encoding in ("utf-8", "latin-1"):
        done = run(["plot", MODEL, "-o", folder], encoding)
        assert (done.returncode, done.stdout) == (0, folder + b"mission-trained-conv1.png\n")


# ---- pipes and disks


def run_into(descriptor, *arguments, stderr=subprocess.PIPE):
    """Run the command with this descriptor for its stdout, and close it here."""
    child = subprocess.Popen([*PROGRAM, *arguments], stdout=descriptor, stderr=stderr)
    os.close(descriptor)
    messages = child.communicate(timeout=300)[1]
    return child.returncode, (messages or b"").decode()


def closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["diagnose", "--csv", "--filters", MODEL],
        ["layers", "--json", MODEL],
        ["diagnose", MODEL],
        ["diagnose", "--check", "untrained", MODEL],
        ["explain", "--markdown"],
        ["plot", MODEL, "--terminal"],
        ["compare", MODEL, MODEL, "--layer", "0"],
        ["layers", MODEL],
        ["export", "-o", ".", MODEL, "--layer", "0", "--quiet"],
    ],
    ids=lambda arguments: "-".join(part.strip("-") for part in arguments if part != MODEL),
)
def test_nobody_reads_and_the_command_ends_quietly(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_into(closed_pipe(), *arguments) == (141, "")


@pytest.mark.slow
@posix
def test_a_reader_of_one_line_ends_a_long_output_quietly():
    command = subprocess.list2cmdline([*PROGRAM, "diagnose", "--json", "--filters", *[MODEL] * 5])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (141, b"{\n", b"")


@pytest.mark.slow
@posix
@pytest.mark.parametrize("command", ["plot", "export", "compare", "report"])
def test_a_command_whose_results_are_files_writes_all_of_them_whoever_reads(tmp_path, command):
    models = [MODEL, str(Path(MODEL).with_name("mission-untrained.pkl"))][: 2 if command == "compare" else 1]
    arguments = [command, *models, "--layer", "conv2", "--layer", "conv3", "-o", str(tmp_path)]
    descriptor = closed_pipe()
    child = subprocess.Popen([*PROGRAM, *arguments], stdout=descriptor, stderr=descriptor)
    os.close(descriptor)
    assert child.wait(timeout=300) == 141
    expected = {"plot": 40, "export": 40, "compare": 2, "report": 1}[command]
    assert len([path for path in tmp_path.rglob("*.*") if path.suffix in (".png", ".html")]) == expected


@pytest.mark.slow
@posix
def test_a_reader_of_all_gets_all():
    reading, writing = os.pipe()
    child = subprocess.Popen([*PROGRAM, "diagnose", "--csv", MODEL], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    with os.fdopen(reading) as stream:
        rows = list(csv.DictReader(stream))
    assert child.communicate(timeout=300)[1] == b""
    assert (child.returncode, len(rows)) == (0, 180)


@pytest.mark.slow
@posix
def test_messages_that_nobody_reads_end_the_command_as_quietly():
    child = subprocess.Popen([*PROGRAM, "layers", "gone.pkl"], stderr=(descriptor := closed_pipe()))
    os.close(descriptor)
    assert child.wait(timeout=300) == 141


@pytest.mark.slow
@posix
@needs_full
@pytest.mark.parametrize(
    "arguments",
    [["layers", MODEL], ["--help"], ["diagnose", "--csv", MODEL], ["explain", "--json"]],
    ids=lambda arguments: arguments[0].strip("-"),
)
def test_a_full_disk_is_one_sentence(arguments):
    expected = (1, "filtviz: cannot write to stdout: no space left on device\n")
    assert run_into(os.open("/dev/full", os.O_WRONLY), *arguments) == expected


@pytest.mark.slow
@posix
def test_a_stdout_that_is_closed_is_one_sentence_and_no_file_takes_its_place(tmp_path):
    def run_without(redirection, *arguments):
        command = subprocess.list2cmdline([*PROGRAM, *arguments])
        return subprocess.run(
            ["bash", "-c", f"exec {command} {redirection}"],
            cwd=tmp_path,
            capture_output=True,
            timeout=300,
            check=False,
        )

    done = run_without(">&-", "layers", MODEL)
    assert (done.returncode, done.stderr) == (1, b"filtviz: cannot write to stdout: bad file descriptor\n")
    done = run_without("<&- 2>&-", "plot", MODEL)
    assert (done.returncode, done.stdout) == (0, b"mission-trained-conv1.png\n")
    assert (tmp_path / "mission-trained-conv1.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
@posix
def test_messages_that_cannot_be_written_stop_nothing():
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "layers", "gone.pkl", "-v"], stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.slow
@posix
def test_what_a_pipe_does_not_take_at_once_is_not_lost_where_python_is_unbuffered():
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(
        [*PROGRAM, "diagnose", "--json", "--filters", *[MODEL] * 2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    with child:
        assert child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141


@pytest.mark.slow
@posix
def test_a_pipe_that_does_not_wait_is_made_to():
    """Another program may have made their common pipe fail where it is full; all arrives all the same."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    child = subprocess.Popen(
        [*PROGRAM, "diagnose", "--json", "--filters", MODEL], stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        printed = b"".join(iter(lambda: stream.read(1000), b""))
    assert child.communicate(timeout=300)[1] == b""
    assert child.returncode == 0
    assert len(printed) > 65536  # more than a pipe holds
    assert json.loads(printed)["models"][0]["layers"]


@pytest.fixture(scope="module")
def given_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    (folder / "zoo" / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for place in ("m.npz", "zoo/n.npz", "zoo/deep/n.npz"):
        np.savez(folder / place, rng.standard_normal((2, 1, 3, 3)).astype("f4"), np.zeros(2, "f4"))
    (folder / "zoo" / "log.txt").write_text("what was printed before")
    (folder / "zoo" / "seen.png").write_bytes(b"\x89PNG")
    (folder / "zoo" / "empty.png").touch()
    return folder


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "written", "is_refused"),
    [
        ("layers m.npz", "m.npz", True),
        ("plot zoo/n.npz -om.npz", "m.npz", True),
        ("plot zoo/n.npz --output=m.npz", "m.npz", True),
        ("layers zoo/n.npz", "m.npz", False),
        ("layers", "m.npz", False),
        ("diagnose zoo", "zoo/n.npz", True),
        ("diagnose zoo", "zoo/deep/n.npz", True),
        ("diagnose zoo", "zoo/seen.png", True),
        ("diagnose zoo", "zoo/empty.png", False),
        ("diagnose zoo", "zoo/log.txt", False),
        ("diagnose zoo zoo/log.txt", "zoo/log.txt", True),
        ("diagnose zoo", "m.npz", False),
    ],
)
@pytest.mark.parametrize("descriptor", [1, 2])
def test_nothing_is_printed_into_a_file_that_is_given(
    line, written, is_refused, descriptor, given_files, monkeypatch
):
    monkeypatch.chdir(given_files)
    whole, nowhere = os.fstat, os.stat(os.devnull)  # noqa: PTH116
    found = {1: nowhere, 2: nowhere, descriptor: Path(written).stat()}
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", lambda asked: found[asked] if asked in found else whole(asked))
        try:
            refuse_inputs(line.split())
        except OutputError as error:
            refused = (1, str(error))
        except Ended as ended:
            refused = (2, str(ended.status))
        else:
            refused = None
    if not is_refused:
        assert refused is None
    elif descriptor == 2:
        assert refused == (2, "1")
    else:
        said = f"cannot write to stdout: it is {written}, which is one of the files given; redirect it to"
        assert refused is not None
        assert refused[0] == 1
        assert refused[1].startswith(said)


class Failing(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


def test_what_stdout_cannot_take_is_an_error_once_and_what_stderr_cannot_take_is_lost():
    output = Output(Failing(OSError(5, "")), "stdout")
    with pytest.raises(OutputError, match="cannot write to stdout: input/output error"):
        output.write("a")
    output.write("b")
    messages = Output(Failing(OSError(5, "")), "stderr")
    assert messages.write("a") == 1
    assert messages.failed


def test_where_nobody_reads_a_command_ends_at_once_or_goes_on_and_ends_so_afterwards():
    unread = Output(Failing(BrokenPipeError(32, "")), "stdout")
    with pytest.raises(Ended) as ended:
        unread.write("a")
    assert ended.value.status == 141

    written = []

    def went_on():
        with output_streams(own_process=False):
            sys.stdout._stream, sys.stdout.goes_on = Failing(BrokenPipeError(32, "")), True
            written.extend([sys.stdout.write("a"), sys.stdout.write("b")])

    with pytest.raises(Ended) as ended:
        went_on()
    assert ended.value.status == 141
    assert written == [1, 1]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("own", "asked"),
    [("strict", "strict"), ("backslashreplace", "strict"), ("replace", "replace"), ("ignore", "ignore"),
     ("surrogateescape", "surrogateescape"), (None, "strict")],
)  # fmt: skip
def test_a_stream_is_as_strict_as_somebody_has_asked_it_to_be(own, asked):
    stream = io.TextIOWrapper(io.BytesIO(), errors=own)
    assert Output(stream, "stderr").strictness == asked


class Counting(io.StringIO):
    flushed = 0

    def flush(self):
        self.flushed += 1


def test_what_was_printed_is_passed_on_however_a_command_ends(monkeypatch):
    for ends in (contextlib.nullcontext(), pytest.raises(KeyError)):
        streams = Counting(), Counting()
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        with ends, output_streams(own_process=False):
            if not isinstance(ends, contextlib.nullcontext):
                raise KeyError
        assert [stream.flushed for stream in streams] == [1, 1]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("number", "status", "told"),
    [(28, 1, "filtviz: cannot write to stdout: no space left on device\n"), (32, 141, "")],
)
def test_what_cannot_be_printed_in_the_end_is_a_sentence_and_a_status(number, status, told, monkeypatch):
    messages = io.StringIO()
    monkeypatch.setattr(sys, "stderr", messages)
    monkeypatch.setattr(sys, "stdout", Failing(OSError(number, "")))
    with pytest.raises(SystemExit) as ended:
        main(["explain"])
    assert (ended.value.code, messages.getvalue()) == (status, told)


class Unflushed(io.StringIO):
    def flush(self):
        raise OSError(28, "")


def test_why_a_command_ends_counts_more_than_what_can_no_longer_be_written(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Unflushed())
    with pytest.raises(KeyError), output_streams(own_process=False):
        raise KeyError
    with pytest.raises(OutputError, match="cannot write to stdout"), output_streams(own_process=False):
        print("x")  # noqa: T201  (it is what is tested)


def test_streams_are_put_back_after_a_command():
    before = sys.stdout, sys.stderr
    CliRunner().invoke(main, ["--version"])
    main(["--version"], standalone_mode=False)
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("own", "opened"),
    [("strict", "surrogateescape"), ("replace", "replace"), ("backslashreplace", "backslashreplace")],
)
@posix
def test_bytes_of_a_name_are_let_through_where_nothing_else_is_asked_for(own, opened, tmp_path):
    with (
        (tmp_path / "x").open("w", errors=own, encoding="ascii") as stream,
        streams._reopened(stream) as again,
    ):
        assert (again.errors, again.encoding, again.fileno()) == (opened, "ascii", stream.fileno())
        again.write("\udcff" if own == "strict" else "a")
    assert (tmp_path / "x").read_bytes() == (b"\xff" if own == "strict" else b"a")
    closed = io.StringIO()
    with streams._reopened(closed) as again, streams._reopened(None) as none:
        assert again is closed
        assert none is None


@needs_full
def test_what_cannot_be_written_at_the_end_is_no_error_of_the_reopened_stream():
    with Path("/dev/full").open("w") as full, streams._reopened(full) as again:
        again.write("a")
    assert again.closed


@pytest.mark.cases("all")
@pytest.mark.parametrize(("number", "status"), [(28, 1), (32, 141)])
def test_what_cannot_be_passed_on_in_the_end_is_no_success(number, status, monkeypatch):
    class Late(io.StringIO):
        def flush(self):
            raise OSError(number, "")

    monkeypatch.setattr(sys, "stdout", Late())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == status


def test_all_words_of_the_line_are_looked_at_for_files_not_to_be_printed_into(monkeypatch):
    from filtviz import cli

    class Enough(Exception):
        pass

    def refuse(words):
        raise Enough(*words)

    monkeypatch.setattr(cli, "refuse_inputs", refuse)
    monkeypatch.setattr(cli, "output_streams", lambda **_: contextlib.nullcontext())
    monkeypatch.setattr(cli, "ended_by_signals", contextlib.nullcontext)
    monkeypatch.setattr(sys, "argv", ["filtviz", "m.npz", "b"])
    with pytest.raises(Enough) as found:
        main()
    assert found.value.args == ("m.npz", "b")
