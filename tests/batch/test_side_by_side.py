"""Exports at work in one folder at the same time, and folders that strangers have filled."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.exported import model_folder

import filtviz
from filtviz import DrawingOptions, ExportOptions
from filtviz.batch import locking, workplace
from filtviz.batch.locking import LOCK, announce_run, hold, live_runs
from filtviz.errors import OutputError
from filtviz.naming import model_folders
from filtviz.sources import Sources

PROGRAM = [sys.executable, "-m", "filtviz", "export", "-q", "-o", "out"]


def save_model(path, seed=0):
    rng = np.random.default_rng(seed)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes = [(3, 1, 3, 3), (3,), (4, 3, 3, 3), (4,)]
    np.savez(path, *[rng.standard_normal(shape).astype("f4") for shape in shapes])
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pictures():
    written = json.loads(Path("out/manifest.json").read_bytes())
    return [{**entry, "options": written["options"][entry["options"]]} for entry in written["pictures"]]


def left_over():
    return [path.name for path in Path("out").rglob(".*")]


@pytest.mark.slow
def test_exports_side_by_side_lose_no_records_and_no_pictures():
    models = [save_model(f"{name}/net.npz", seed) for seed, name in enumerate("abcdef")]
    running = [subprocess.Popen([*PROGRAM, str(model)], stderr=subprocess.PIPE) for model in models * 2]
    assert [(each.communicate()[1], each.returncode) for each in running] == [(b"", 0)] * 12
    assert len(pictures()) == 4 * len(models)
    assert {entry["model"] for entry in pictures()} == {f"../{model}" for model in models}
    assert len(list(Path("out").rglob("*.png"))) == len(pictures())
    assert json.loads(Path("out/manifest.json").read_bytes())["complete"]
    assert left_over() == []


def place_of(model):
    return Path("out", model_folder(Path(model), Path("out")))


def test_another_export_of_the_same_may_draw_the_same_but_nothing_else():
    model = save_model("net.npz")
    filtviz.export(model, "out")
    other = announce_run(place_of(model), "other")
    assert filtviz.export(model, "out").kept == 4
    assert filtviz.export(model, "out", ExportOptions(force=True)).drawn == 4
    otherwise = ExportOptions(drawing=DrawingOptions(dpi=50))
    (failure,) = filtviz.export(model, "out", otherwise).failures
    assert failure.reason == (
        f"another export is drawing into {place_of(model).absolute()} in another way: "
        "run this one again when that has ended"
    )
    assert {entry["options"]["dpi"] for entry in pictures()} == {100}
    other.release()
    assert filtviz.export(model, "out", otherwise).drawn == 4


def test_what_another_export_is_about_to_draw_is_not_forgotten():
    first, second = save_model("a.npz"), save_model("b.npz", 1)
    filtviz.export(first, "out")
    picture = place_of(first) / "conv1.png"
    picture.unlink()
    other = announce_run(place_of(first), "other")
    filtviz.export(second, "out")
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    assert (len(manifest["pictures"]), manifest["complete"]) == (8, False)
    other.release()
    filtviz.export(second, "out")
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    assert (len(manifest["pictures"]), manifest["complete"]) == (7, True)


def test_a_picture_that_is_drawn_while_one_looks_is_not_forgotten(monkeypatch):
    first, second = save_model("a.npz"), save_model("b.npz", 1)
    filtviz.export(first, "out")
    picture = place_of(first) / "conv1.png"
    drawn = picture.read_bytes()
    picture.unlink()

    def drawn_meanwhile(*_):
        picture.write_bytes(drawn)
        return set()

    monkeypatch.setattr(workplace, "live_runs", drawn_meanwhile)
    filtviz.export(second, "out")
    assert len(pictures()) == 8


def test_parts_of_a_live_run_are_spared_and_those_of_a_dead_one_are_not():
    model = save_model("net.npz")
    filtviz.export(model, "out")
    place = place_of(model)
    for run in ("alive", "dead"):
        (place / f".{run}-01.filtviz-part").write_bytes(b"")
    (place / ".dead.filtviz-run").write_bytes(b"")
    other = announce_run(place, "alive")
    filtviz.export(model, "out", ExportOptions(force=True))
    assert sorted(left_over()) == [".alive-01.filtviz-part", ".alive.filtviz-run"]
    other.release()
    filtviz.export(model, "out")
    assert left_over() == []


HOLD = """
import sys, time
from pathlib import Path
from filtviz.batch.locking import announce_run, hold
from filtviz.naming import model_folders
from filtviz.sources import Sources
announce_run(Path(), "killed")
with hold(Path(), Sources()):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_lock_is_waited_for_and_dies_with_its_process(monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    monkeypatch.setattr(locking, "PATIENCE", 0.05)
    with (
        pytest.raises(OutputError, match="and does not go on: end that one"),
        hold(Path(), Sources()),
    ):
        pass
    assert live_runs(Path(), "own", Sources()) == {"killed"}
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with hold(Path(), Sources()):
        assert Path(LOCK).is_file()
    assert live_runs(Path(), "own", Sources()) == set()
    assert list(Path().iterdir()) == []


def test_where_there_are_no_locks_the_file_that_was_made_counts(monkeypatch):
    def none(_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locking, "_lock", none)
    monkeypatch.setattr(locking, "PATIENCE", 0.05)
    refused = pytest.raises(OutputError, match="does not go on")
    with hold(Path(), Sources()), refused, hold(Path(), Sources()):
        pass
    run = announce_run(Path(), "other")
    assert live_runs(Path(), "own", Sources()) == {"other"}
    long_ago = time.time() - 2 * locking.LONGEST_RUN
    os.utime(run.path, (long_ago, long_ago))
    assert live_runs(Path(), "own", Sources()) == set()
    Path(LOCK).touch()
    os.utime(LOCK, (long_ago, long_ago))
    with hold(Path(), Sources()):
        pass
    assert list(Path().iterdir()) == []


def test_a_file_of_somebodys_in_the_place_of_a_lock_is_not_removed():
    Path(LOCK).write_bytes(b"mine")
    with hold(Path(), Sources()):
        pass
    assert Path(LOCK).read_bytes() == b"mine"


@pytest.mark.cases("all")
@pytest.mark.parametrize("target", ["outside/new", "outside/victim"])
@pytest.mark.parametrize("name", [LOCK, "manifest.json"])
def test_a_link_in_the_place_of_a_lock_or_the_manifest_is_one_sentence(name, target):
    Path("out").mkdir()
    Path("outside").mkdir()
    Path("outside/victim").write_bytes(b"precious")
    Path("out", name).symlink_to(Path(target).absolute())
    with pytest.raises(OutputError, match=r": it is a link, which is not followed$"):
        filtviz.export(save_model("net.npz"), "out")
    assert [path.read_bytes() for path in Path("outside").iterdir()] == [b"precious"]


def test_a_models_folder_that_is_a_link_is_not_followed():
    model = save_model("net.npz")
    Path("out").mkdir()
    Path("outside").mkdir()
    place_of(model).symlink_to(Path("outside").absolute())
    (failure,) = filtviz.export(model, "out").failures
    assert "is a link, which is not followed" in failure.reason
    assert list(Path("outside").iterdir()) == []


@pytest.mark.parametrize("options", [ExportOptions(), ExportOptions(drawing=DrawingOptions(dpi=50))])
def test_a_link_in_the_place_of_a_picture_is_replaced_and_not_followed(options):
    model = save_model("net.npz")
    filtviz.export(model, "out")
    Path("victim").write_bytes(b"precious")
    picture = place_of(model) / "conv1.png"
    picture.unlink()
    picture.symlink_to(Path("victim").absolute())
    assert filtviz.export(model, "out", options).failures == ()
    assert not picture.is_symlink()
    assert Path("victim").read_bytes() == b"precious"


def test_a_folder_that_the_manifest_gives_to_another_model_is_left_alone_and_another_name_taken():
    model = save_model("net.npz")
    filtviz.export(model, "out")
    before = {path: path.read_bytes() for path in place_of(model).iterdir()}
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    for entry in (*manifest["pictures"], *manifest["models"]):
        entry["model"] = "../other.npz"
    Path("out/manifest.json").write_text(json.dumps(manifest))
    (result,) = filtviz.export(model, "out", ExportOptions(force=True, drawing=DrawingOptions(dpi=50))).models
    assert (result.status, result.folder) == ("drawn", Path("out/net.npz").absolute())
    assert {path: path.read_bytes() for path in before} == before
    assert {entry["model"] for entry in pictures()} == {"../net.npz", "../other.npz"}


def test_where_the_manifest_gives_all_names_of_a_model_to_others_it_fails_and_nothing_changes():
    model = save_model("net.npz")
    filtviz.export(model, "out")
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    names = model_folders("../net.npz")
    entry = {**manifest["pictures"][0], "model": "../other.npz"}
    manifest["pictures"] = [{**entry, "file": f"{name}/conv1.png"} for name in names]
    manifest["models"] = []
    Path("out/manifest.json").write_text(json.dumps(manifest))
    (failure,) = filtviz.export(model, "out", ExportOptions(force=True)).failures
    assert failure.reason == (
        f"{place_of(model).absolute()} holds the pictures of ../other.npz: export to another folder"
    )
