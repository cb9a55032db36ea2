"""Faults of the machine: a disk that fills in the midst of a file, folders that take nothing, kills."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.cli.any_command import fill
from tests.full_disk import full_after

from filtviz.cli import main
from filtviz.errors import OutputError
from filtviz.files import PART_SUFFIX, write_together
from filtviz.sources import Sources

KILLING = Path(__file__).parent / "killing.py"
pytest.importorskip("resource", reason="needs limits of processes")


def run(*arguments: str, most: int | None = None) -> Result:
    with nullcontext() if most is None else full_after(most):
        return CliRunner().invoke(main, list(arguments))


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def model(tmp_path, monkeypatch) -> Path:
    """A model in the folder in which commands work."""
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(0)
    path = tmp_path / "model.npz"
    np.savez(
        path, chance.normal(size=(12, 6, 5, 5)), np.zeros(12), chance.normal(size=(6, 12, 3, 3)), np.zeros(6)
    )
    return path


EXPORT = ["export", "model.npz", "-o", "out", "--quiet"]
CASES = {
    "a picture": (["plot", "model.npz", "--channels", "0", "-o", "x.png"], "x.png", 500),
    "a sheet": (["plot", "model.npz", "--view", "sheet", "-o", "x.png"], "x.png", 3000),
    "a PDF": (["plot", "model.npz", "-o", "x.pdf"], "x.pdf", 3000),
    "an SVG": (["plot", "model.npz", "--channels", "0", "-o", "x.svg"], "x.svg", 2000),
    "the page": (["report", "model.npz", "-o", "x.html"], "x.html", 20_000),
    "arrays": (["convert", "model.npz", "x.npz"], "x.npz", 3000),
    "tensors": (["convert", "model.npz", "x.safetensors"], "x.safetensors", 3000),
    "a state_dict": (["convert", "model.npz", "x.pt", "--not-turned"], "x.pt", 3000),
}
"""What is written: the command, the file, and the bytes after which the disk is full."""


@pytest.mark.cases(2)
@pytest.mark.parametrize("case", CASES)
def test_a_disk_that_fills_in_the_midst_of_a_file_is_one_sentence_and_leaves_the_old_file(model, case):
    arguments, name, most = CASES[case]
    folder = model.parent
    old = b"an older file"
    (folder / name).write_bytes(old)
    before = files(folder)
    failed = run(*arguments, most=most)
    assert failed.exit_code == 1, failed.stderr
    assert failed.stderr.splitlines()[-1] == f"filtviz: cannot write {name}: file too large"
    assert "Traceback" not in failed.stderr
    assert files(folder) == before
    assert run(*arguments).exit_code == 0
    assert len((folder / name).read_bytes()) > most


@pytest.mark.parametrize("fault", ["a disk that fills", "a folder in the way", "a folder that is not there"])
def test_of_a_conversion_and_its_module_both_are_written_or_none(here_network, fault):
    folder, module = here_network, "gone/y.py" if fault.endswith("there") else "y.py"
    (folder / "x.pt").write_bytes(b"an older file")
    if fault == "a folder in the way":
        (folder / "y.py").mkdir()
    before = files(folder)
    arguments = ["convert", "m.pkl", "x.pt", "--module", module, "--no-verify"]
    failed = run(*arguments, most=900 if fault == "a disk that fills" else None)
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1].startswith("filtviz: cannot write ")
    assert files(folder) == before
    assert run(*arguments[:4], "z.py", "--no-verify").exit_code == 0
    assert (folder / "x.pt").read_bytes() != before["x.pt"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("n_done", [0, 1])
def test_where_the_second_of_two_files_cannot_be_renamed_the_first_is_as_it_was(
    tmp_path, monkeypatch, is_there, links, n_done
):
    first, second = tmp_path / "x.pt", tmp_path / "y.py"
    if is_there:
        first.write_bytes(b"an older file")
        second.write_bytes(b"another")
    before = files(tmp_path)
    rename, left = Path.replace, [n_done]

    def refuse(path: Path, target: Path) -> Path:
        if path.read_bytes() == b"new":
            if not left[0]:
                raise OSError(errno.EIO, "Input/output error")
            left[0] -= 1
        return rename(path, target)

    def no_link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    if not links:
        monkeypatch.setattr(os, "link", no_link)
    both = dict.fromkeys((first, second), lambda stream: stream.write(b"new"))
    with pytest.raises(OutputError, match=r"cannot write .*: input/output error"):
        write_together(both, Sources())
    assert files(tmp_path) == before
    monkeypatch.setattr(Path, "replace", rename)
    write_together(both, Sources())
    assert files(tmp_path) == {"x.pt": b"new", "y.py": b"new"}


@pytest.fixture
def here_network(tmp_path, monkeypatch) -> Path:
    """A folder with a network that tells its graph."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "jobs"), [("png", "1"), ("pdf", "1"), ("png", "2")])
def test_a_disk_that_fills_while_models_are_exported_is_one_sentence_for_each(model, suffix, jobs):
    folder = model.parent
    arguments = [*EXPORT, "--format", suffix, "--jobs", jobs]
    failed = run(*arguments, most=500)  # too few bytes for the manifest of pictures and for any picture
    assert failed.exit_code == 1
    assert "Traceback" not in failed.stderr
    assert "file too large" in failed.stderr
    assert not [name for name in files(folder / "out") if name != "manifest.json"]
    whole = run(*arguments)
    assert whole.exit_code == 0, whole.stderr


def test_a_disk_that_fills_in_the_midst_of_the_manifest_leaves_the_old_one(model):
    folder = model.parent
    assert run(*EXPORT, "--layer", "0", "--channels", "0").exit_code == 0
    before = files(folder / "out")
    sizes = {name: len(data) for name, data in before.items()}
    most = sizes["manifest.json"] + 300  # enough for each picture's entry so far, and for no more of them
    failed = run(*EXPORT, "--layer", "0", most=most)
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1].endswith("out/manifest.json: file too large")
    after = files(folder / "out")
    old, new = (json.loads(each.pop("manifest.json")) for each in (before, after))
    assert after == before
    assert (new["pictures"], new["complete"], new["models"][0]["status"]) == (
        old["pictures"],
        False,
        "failed",
    )
    assert run(*EXPORT).exit_code == 0
    assert json.loads((folder / "out" / "manifest.json").read_bytes())["complete"]
    assert len(files(folder / "out")) == 6 + 12 + 1


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_device_that_takes_nothing_is_one_sentence(model):
    device = Path("/dev/full")
    if os.access("/dev", os.W_OK):  # whoever runs the tests could replace it by a file, if the program did
        device = Path("full")
        try:
            os.mknod(device, stat.S_IFCHR | 0o666, Path("/dev/full").stat().st_rdev)
        except OSError as error:
            pytest.skip(f"no device can be made here: {error}")
    failed = run("report", "model.npz", "-o", device)
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1] == f"filtviz: cannot write {device}: no space left on device"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mount a file system in memory, where that is allowed."""
    folder.mkdir()
    if os.geteuid():
        pytest.skip("only root can mount a file system to fill")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    try:
        mount = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("there is no program `mount` here")
    if mount.returncode:
        pytest.skip(f"root may not mount a file system here: {mount.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=60)


@pytest.mark.slow
def test_a_small_file_system_that_fills_is_one_sentence_and_goes_on_when_there_is_room(model):
    folder = model.parent
    with mounted(folder / "out", "size=64k"):
        (folder / "out" / "ballast").write_bytes(b"\0" * 40_000)
        failed = run(*EXPORT, "--jobs", "2")
        assert failed.exit_code == 1
        assert "Traceback" not in failed.stderr
        assert "no space left on device" in failed.stderr
        left = files(folder / "out")
        assert not [name for name in left if name.endswith(PART_SUFFIX)]
        for name, data in left.items():
            if name.endswith(".png"):
                assert data.endswith(b"IEND\xaeB`\x82"), "a picture is cut short"
        page = run("report", "model.npz", "-o", "out/page.html")
        assert page.exit_code == 1
        assert page.stderr.splitlines()[-1] == "filtviz: cannot write out/page.html: no space left on device"
        (folder / "out" / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=8m", folder / "out"], check=True, timeout=60)
        assert run(*EXPORT).exit_code == 0
        assert len(files(folder / "out")) == 6 + 12 + 1


INTO = {
    "plot": ["plot", "model.npz", "-o", "out/x.png"],
    "report": ["report", "model.npz", "-o", "out/x.html"],
    "export": EXPORT,
}


@pytest.mark.parametrize("command", INTO)
def test_a_folder_that_may_not_be_written_is_one_sentence(model, command):
    """Root may write everywhere but on a file system that is mounted so."""
    folder = model.parent
    if os.geteuid():
        (folder / "out").mkdir(mode=0o555)
        failed, reason = run(*INTO[command]), "permission denied"
    else:
        with mounted(folder / "out", "size=64k,ro"):
            failed, reason = run(*INTO[command]), "read-only file system"
    assert failed.exit_code == 1
    assert "Traceback" not in failed.stderr
    assert f": {reason}" in failed.stderr
    assert not files(folder / "out")


@pytest.mark.slow
def test_a_model_that_vanishes_while_it_is_exported_is_one_sentence(tmp_path):
    """Another process reads it again; what it had drawn by then is whole."""
    path = tmp_path / "model.npz"
    np.savez(path, np.random.default_rng(0).normal(size=(6, 300, 3, 3)), np.zeros(6))
    command = [sys.executable, "-m", "filtviz", *EXPORT, "--jobs", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (tmp_path / "out" / "manifest.json").exists():
        time.sleep(0.005)
    path.unlink()
    _, stderr = process.communicate(timeout=300)
    assert process.returncode in (0, 1)  # the workers may have read it by then
    assert "Traceback" not in stderr
    if process.returncode:
        assert "model.npz: " in stderr
    assert not [name for name in files(tmp_path / "out") if name.endswith(PART_SUFFIX)]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_hundred_kills_leave_no_half_written_file_and_the_next_run_completes(tmp_path):
    chance = np.random.default_rng(0)
    np.savez(
        tmp_path / "model.npz",
        chance.normal(size=(8, 8, 3, 3)),
        np.zeros(8),
        chance.normal(size=(4, 8, 3, 3)),
        np.zeros(4),
    )
    command = [sys.executable, KILLING, tmp_path, "100"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert sum(line["turns"] for line in lines) == 100
    assert [line["problems"] for line in lines] == [[]] * len(lines)
    assert all(line["done"] < line["turns"] for line in lines), "nothing was killed in the midst of it"
