"""What is promised of every command, tried with every command: see `tests.cli.any_command`."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.full_disk import full_after

from filtviz.cli import main
from filtviz.files import PART_SUFFIX

from .any_command import (
    CASES,
    NEITHER,
    READ,
    WRITTEN,
    cases_that_write,
    commands,
    fill,
    network,
    parameters,
    run,
    tree,
    words,
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path


def possible(name, way=""):
    if not CASES[name].is_possible:
        pytest.skip(f"needs {CASES[name].needs}")
    if "onnx" in way:
        pytest.importorskip("onnx", reason="needs onnx")


def test_every_command_stands_in_the_table():
    assert set(CASES) == {name for name, _ in commands()}


def test_every_parameter_is_known_to_be_read_written_or_neither():
    for name, command in commands():
        unknown = {one for one in parameters(command) if not one.startswith("--max-")} - {
            *READ,
            *WRITTEN,
            *NEITHER,
        }
        assert not unknown, f"say in tests/cli/any_command.py what {name} does with {unknown}"
        assert bool(WRITTEN.intersection(parameters(command))) == bool(CASES[name].ways), name


@pytest.mark.cases(9)
@pytest.mark.parametrize("name", CASES)
def test_every_command_is_done_without_a_word_that_is_wrong(here, name):
    possible(name)
    result = run(name, *CASES[name].ways[:1])
    assert result.exit_code == 0, result.stderr
    assert bool(list(Path("out").rglob("*.*"))) == bool(CASES[name].ways)


# ---- what is read is never written over


def readings(name):
    """Return what a command may be given: which parameter, the words that give it, the file that is read."""
    takes = set(parameters(dict(commands())[name]))
    given = {**{one: (f"{one} {path}", path) for one, path in READ.items()}, **CASES[name].given}
    given |= {"model": ("", "m.pkl"), "models": ("", "m.pkl")}
    found = [(one, *given[one]) for one in given if one in takes]
    if CASES[name].images:
        found.append(("a folder of images", "", "seen/b.png"))
    if name == "compare":
        found.append(("the first of two models", "", "before.pkl"))
    return found


def put_same(read, out):
    """Let the file that is read lie where the result goes, and what it was called lead there."""
    out.unlink()
    read.replace(out)
    read.symlink_to(out.absolute())


def put_hard(read, out):
    out.unlink()
    os.link(read, out)


def put_link(read, out):
    out.unlink()
    out.symlink_to(read.absolute())


LINKS = {"the same": put_same, "a hard link": put_hard, "a link": put_link}


@pytest.mark.cases(1)
@pytest.mark.skipif(os.name != "posix", reason="needs links")
@pytest.mark.parametrize(("name", "way"), cases_that_write(), ids=str)
def test_what_is_read_is_never_written_over(here, name, way):
    possible(name, way)
    start = tree()
    for what, given, path in readings(name):
        restore(start)
        assert run(name, way, given).exit_code == 0
        results = written()
        saved = tree()
        for link, put in LINKS.items():
            for out in {results[0], results[-1]}:
                put(Path(path), out)
                before = Path(path).read_bytes()
                after = run(name, way, given)
                where = f"{name} {way} {given}: {out} is {link} of {path} ({what}): {after.stderr}"
                assert Path(path).read_bytes() == before, where
                assert after.exit_code == 1 or (CASES[name].owns and link == "a link"), where
                assert "is one of the files given" in after.stderr or CASES[name].owns, where
                restore(saved)


def restore(saved):
    """Put a folder back to what it was."""
    for path in sorted(Path().rglob("*"), reverse=True):
        if path.is_symlink() or str(path) not in saved:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, data in saved.items():
        if data is None:
            Path(name).mkdir(exist_ok=True)
        elif not Path(name).is_file() or Path(name).read_bytes() != data or Path(name).stat().st_nlink > 1:
            Path(name).unlink(missing_ok=True)
            Path(name).write_bytes(data)


@pytest.mark.cases(1)
@pytest.mark.skipif(os.name != "posix", reason="this system has no modes")
@pytest.mark.parametrize(("name", "way"), cases_that_write(), ids=str)
def test_a_file_that_is_written_again_keeps_its_mode(here, name, way):
    possible(name, way)
    assert run(name, way).exit_code == 0
    for mode in (0o600, 0o640):
        for path in written():
            path.chmod(mode)
        Path("m.pkl").write_bytes(network(mode))
        assert run(name, way).exit_code == 0
        assert {path: oct(path.stat().st_mode & 0o777) for path in written()} == dict.fromkeys(
            written(), oct(mode)
        )


def written():
    """Return the files of results."""
    found = sorted(path for path in Path("out").rglob("*") if path.is_file())
    return [path for path in found if not path.name.startswith(".")]


# ---- streams


ENCODINGS = ("ascii", "cp437", "latin-1", "cp1252", "utf-16")


@pytest.mark.cases(1)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", CASES)
def test_every_command_prints_in_every_encoding(tmp_path, monkeypatch, name, encoding):
    possible(name)
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, names=("свёртка→", "=1+1", "é×"))
    Path("m.pkl").rename("модель→.pkl")
    Path("seen").rename("уви→")
    Path("уви→/a.png").rename("уви→/é→.png")
    ways = ("", *CASES[name].ways[:1], "--json", "--terminal", *CASES[name].tables)
    for way in ways:
        if way.startswith("--") and way not in flags(name):
            continue
        result = run(name, way, model="модель→.pkl", images="уви→", charset=encoding)
        assert result.exit_code == 0 or needs_a_place(name, way), (way, result.output)
        result.stdout_bytes.decode(encoding, "strict")
        result.stderr_bytes.decode(encoding, "strict")


def flags(name):
    return {word for one in dict(commands())[name].params for word in one.opts}


def needs_a_place(name, way):
    """Tell a command that must be told where to write."""
    return name in ("convert", "survey", "export") and way not in CASES[name].ways


@pytest.mark.cases(1)
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.tables])
def test_no_cell_of_a_table_is_a_formula(tmp_path, monkeypatch, name):
    possible(name)
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, names=("=1+1", "@SUM(A1)", "-2+3"))
    Path("m.pkl").rename("=m.pkl")
    for n, path in enumerate(sorted(Path("seen").iterdir())):
        path.rename(f"seen/{'=+'[n]}cmd|calc.png")
    Path("labels.txt").write_text("=1\n+2\n-x\n@y\n\tz\n")
    labels = "--labels labels.txt" if name == "predict" else ""
    for more in ("", labels):
        printed = run(name, *CASES[name].tables, more, model="=m.pkl").stdout
        cells = [cell for row in csv.reader(io.StringIO(printed)) for cell in row]
        assert len(cells) > 4
        assert not [
            cell
            for cell in cells
            if cell[:1] in tuple("=+@\t\r") or (cell[:1] == "-" and not is_number(cell))
        ]


def is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs descriptors as POSIX has them")
@pytest.mark.parametrize("name", CASES)
def test_nobody_reads_and_the_command_writes_its_files_and_ends_quietly(here, name):
    possible(name)
    for way in ("", *CASES[name].ways[:1]):
        if needs_a_place(name, way):
            continue
        reading, writing = os.pipe()
        os.close(reading)
        line = [sys.executable, "-c", "from filtviz.cli import main; main()", *words(name, way)]
        child = subprocess.Popen(line, stdout=writing, stderr=writing)
        os.close(writing)
        assert child.wait(timeout=300) == 141
        assert bool(written()) == (way in CASES[name].ways)
        for path in written():
            path.unlink()


# ---- numbers


ODD = {
    "near the largest": lambda: 1e308 * np.random.default_rng(0).choice([-1.0, 1.0], (4, 1, 3, 3)),
    "NaN": lambda: np.full((4, 1, 3, 3), np.nan, "f4"),
    "infinity": lambda: np.full((4, 1, 3, 3), np.inf, "f4"),
    "some NaN": lambda: np.where(np.arange(36) % 5, 1.0, np.nan).reshape(4, 1, 3, 3),
    "zeros": lambda: np.zeros((4, 1, 3, 3), "f4"),
    "nothing": lambda: np.zeros((0, 1, 3, 3), "f4"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", CASES)
def test_no_number_makes_a_command_warn_or_break(tmp_path, monkeypatch, name, odd):
    """Warnings are errors in all tests."""
    possible(name)
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, first=ODD[odd](), losses=(float("nan"), float("inf"), -1e308, 1e308))
    for way in (*CASES[name].ways[:1], "--json", "--terminal", *CASES[name].tables):
        if way.startswith("--") and way not in flags(name):
            continue
        if not needs_a_place(name, way):
            result = run(name, way)
            assert result.exit_code in (0, 1), result.output
            assert "Warning" not in result.stderr


# ---- disks


@pytest.mark.slow
@pytest.mark.parametrize(("name", "way"), cases_that_write(), ids=str)
def test_a_disk_that_fills_leaves_each_file_as_it_was_or_whole(here, name, way):
    possible(name, way)
    assert run(name, way).exit_code == 0
    first = {path: data for path, data in tree(Path("out")).items() if data is not None}
    Path("m.pkl").write_bytes(network(9))
    assert run(name, way).exit_code == 0
    second = {path: data for path, data in tree(Path("out")).items() if data is not None}
    for most in sorted({1, 200, *(len(data) - 1 for data in second.values())}):
        with full_after(most):
            failed = run(name, way)
        left = {path: data for path, data in tree(Path("out")).items() if data is not None}
        assert not [path for path in left if path.endswith(PART_SUFFIX)], f"after {most} bytes"
        assert failed.exit_code in (0, 1)
        assert "Traceback" not in failed.stderr
        for path, data in left.items():
            if not CASES[name].owns and path in second:
                assert data in (first.get(path), second[path]), (
                    f"{path} is a part of a file after {most} bytes"
                )
        if failed.exit_code == 1 and not CASES[name].owns:
            assert "file too large" in failed.stderr, failed.stderr
    assert run(name, way).exit_code == 0


@pytest.mark.parametrize("name", CASES)
def test_in_a_folder_that_was_removed_a_command_is_done_or_says_so(here, monkeypatch, name):
    possible(name)
    gone = here / "gone"
    gone.mkdir()
    line = [str(here / word) if (here / word).exists() else word for word in words(name)]
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = CliRunner().invoke(main, line)
    assert not isinstance(result.exception, OSError)
    assert result.exit_code in (0, 2) or "\nfiltviz: " in f"\n{result.stderr}"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "-o out/x.npz" in case.ways[1:]])
def test_numbers_of_another_model_of_the_same_name_are_not_replaced(here, name):
    possible(name)
    for seed, folder in enumerate("xy"):
        (here / folder).mkdir()
        (here / folder / "net.pkl").write_bytes(network(seed, losses=(2.0, 1.0 + seed)))
    line = ("--format npz -o out/",)
    assert run(name, *line, model="x/net.pkl").exit_code == 0
    (first,) = (here / "out").iterdir()
    before = first.read_bytes()
    other = run(name, *line, model="y/net.pkl")
    assert (other.exit_code, first.read_bytes()) == (1, before)
    assert "it shows another model whose name is the same" in other.stderr
    (here / "x" / "net.pkl").write_bytes(network(5, losses=(2.0, 0.1)))
    assert run(name, *line, model="x/net.pkl").exit_code == 0
    assert first.read_bytes() != before
    with np.load(first, allow_pickle=False) as numbers:
        assert all(numbers[key].size for key in numbers)


@pytest.mark.parametrize("suffix", ["png", "npz", pytest.param("pdf", marks=pytest.mark.slow)])
def test_a_result_in_the_folder_of_images_is_none_of_them_and_is_replaced(here, suffix):
    line = ("activity", f"--format {suffix} -o seen/")
    for more in ((), ("--layer 1",), ()):
        result = run(*line, *more)
        assert result.exit_code == 0, result.stderr
    written_there = sorted(set(here.glob("seen/*")) - {here / "seen/a.png", here / "seen/b.png"})
    assert len(written_there) == 2
    assert ("no image but what filtviz wrote: not shown" in result.stderr) == (suffix != "pdf")


def test_a_result_that_is_named_is_an_image_and_is_not_replaced(here):
    assert run("activity", "-o seen/").exit_code == 0
    (result,) = set(here.glob("seen/*")) - {here / "seen/a.png", here / "seen/b.png"}
    before = result.read_bytes()
    again = run("activity", "-o seen/", f"--images {result.relative_to(here)}")
    assert (again.exit_code, result.read_bytes()) == (1, before)
    assert "is one of the files given" in again.stderr
    for path in (here / "seen/a.png", here / "seen/b.png"):
        path.unlink()
    alone = run("activity", "-o out/")
    assert alone.exit_code == 1
    assert (
        "the folder seen holds no picture but results of filtviz: name the files that are meant"
        in alone.stderr
    )


@pytest.fixture
def strangers(here, monkeypatch):
    """A working folder with modules and settings of a stranger's, where matplotlib can keep nothing."""
    for name in ("numpy", "click", "pickle", "matplotlib", "logging"):
        (here / f"{name}.py").write_text("open('was-run', 'w')\nraise SystemExit('from the folder')\n")
    (here / "matplotlibrc").write_text("no.such.key: 3\ntext.usetex: True\n")
    monkeypatch.setenv("MPLCONFIGDIR", os.devnull + "/none")
    return here


def start(*line, **variables):
    """Run a program in a process of its own whose working folder is on no path but by its own doing."""
    paths = [str(Path(path).resolve()) for path in sys.path if path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | variables
    return subprocess.run(
        [sys.executable, *line], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", ["graph m.pkl -o out/x.png", "loss m.pkl -o out/x.png", "export m.pkl -o out -j 2"]
)
def test_nothing_in_the_working_folder_is_run_or_obeyed_and_no_library_says_a_word(strangers, line):
    result = start("-m", "filtviz", *line.split(), "-q")
    assert (result.returncode, result.stderr) == (0, "")
    assert not (strangers / "was-run").exists()


@pytest.mark.slow
def test_a_folder_that_the_person_puts_on_the_path_is_looked_into(strangers):
    result = start("-m", "filtviz", "layers", "m.pkl", PYTHONPATH=str(strangers))
    assert result.returncode != 0
    assert (strangers / "was-run").exists()
