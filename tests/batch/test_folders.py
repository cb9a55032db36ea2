"""Folders of models, runs that are repeated, and what the manifest and a result say of each model."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from tests.exported import save_model

import filtviz
from filtviz import DrawingOptions, ExportOptions
from filtviz.batch import jobs as jobs_module
from filtviz.batch import planning
from filtviz.batch.jobs import FEW_JOBS

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@pytest.fixture
def model(tmp_path):
    return save_model(tmp_path / "net.npz")


def manifest(folder):
    return json.loads((folder / "manifest.json").read_bytes())


def zoo(folder, n=3):
    """A folder of models, each in a folder of its own, with what lies beside models."""
    for i in range(n):
        save_model(folder / f"run{i}" / "net.npz", seed=i)
    (folder / "notes.txt").write_text("MIT License")
    (folder / "run0" / "plot.py").write_text("import os")
    return folder


def statuses(result):
    return {model.place: model.status for model in result.models}


@pytest.mark.slow
def test_a_folder_is_walked_and_what_is_no_model_is_counted(tmp_path):
    result = filtviz.export(zoo(tmp_path / "zoo"), tmp_path / "out")
    assert statuses(result) == {f"../zoo/run{i}/net.npz": "drawn" for i in range(3)}
    assert [(each.path.name, each.status, each.code) for each in result.passed_over] == [
        ("notes.txt", "no-model", "unknown"),
        ("plot.py", "no-model", "unsupported"),
    ]
    assert result.complete
    assert sorted(path.name for path in (tmp_path / "out" / "zoo" / "run1" / "net").iterdir()) == [
        "conv1.png", "conv2-ch0.png", "conv2-ch1.png", "conv2-ch2.png"
    ]  # fmt: skip
    assert "notes.txt" not in (tmp_path / "out" / "manifest.json").read_text()


def test_a_damaged_model_in_a_folder_is_a_failure(tmp_path):
    (zoo(tmp_path / "zoo", 1) / "cut.pkl").write_bytes(b"\x80\x02}q\x00(U\x01a")
    result = filtviz.export(tmp_path / "zoo", tmp_path / "out")
    assert statuses(result) == {"../zoo/cut.pkl": "failed", "../zoo/run0/net.npz": "drawn"}
    assert [failure.code for failure in result.failures] == ["malformed"]
    assert (result.complete, manifest(tmp_path / "out")["complete"]) == (False, False)


def test_a_file_that_is_named_and_is_no_model_is_a_failure(tmp_path):
    result = filtviz.export(zoo(tmp_path / "zoo") / "notes.txt", tmp_path / "out")
    assert [(failure.path.name, failure.code) for failure in result.failures] == [("notes.txt", "unknown")]


@pytest.mark.slow
def test_a_model_in_several_files_is_one_model(tmp_path):
    shutil.copytree(FIXTURES / "modern" / "sharded", tmp_path / "zoo")
    for _ in range(2):  # read, and as the manifest tells
        result = filtviz.export(tmp_path / "zoo", tmp_path / "out")
        assert [model.path.name for model in result.models] == ["model.safetensors.index.json"]
        assert {each.status for each in result.passed_over} == {"part"}
        make_old(tmp_path)
    assert result.models[0].folder == tmp_path / "out" / "zoo" / "model"
    assert not result.models[0].is_read


def test_the_results_are_not_taken_for_models_where_the_folder_holds_them(tmp_path):
    zoo(tmp_path, 1)
    first = filtviz.export(tmp_path, tmp_path / "out")
    second = filtviz.export(tmp_path, tmp_path / "out")
    assert [len(each.models) for each in (first, second)] == [1, 1]
    assert [len(each.passed_over) for each in (first, second)] == [2, 2]


@pytest.mark.slow
def test_models_in_the_folder_of_the_results_itself_are_not_overwritten(tmp_path):
    model = save_model(tmp_path / "net.npz")
    before = model.read_bytes()
    result = filtviz.export(tmp_path, tmp_path)
    assert statuses(result) == {"net.npz": "drawn"}
    assert model.read_bytes() == before
    assert filtviz.export(tmp_path, tmp_path).kept == 4
    assert filtviz.export(tmp_path, tmp_path, ExportOptions(drawing=DrawingOptions(dpi=50))).drawn == 4
    hidden = save_model(tmp_path / "net-0" / "conv1.png")
    names = [hidden.parent.name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "model_folders", lambda *_: names)
        result = filtviz.export(tmp_path, tmp_path, ExportOptions(force=True))
    assert [failure.code for failure in result.failures] == ["not-written"] * 2
    assert hidden.read_bytes() == before


@pytest.mark.slow
def test_a_model_gets_the_same_folder_by_itself_in_any_company_and_in_any_order(tmp_path):
    zoo(tmp_path / "zoo")
    one = tmp_path / "zoo" / "run1" / "net.npz"
    others = [tmp_path / "zoo" / f"run{i}" / "net.npz" for i in (2, 0)]
    runs = [[one], [tmp_path / "zoo"], [*others, one], [one, *others], [tmp_path / "zoo" / "run1"]]
    folders = []
    for i, given in enumerate(runs):
        result = filtviz.export(given, tmp_path / f"out{i}", ExportOptions(layers=[0]))
        (found,) = [model for model in result.models if model.path == one]
        folders.append(found.folder.relative_to(tmp_path / f"out{i}").as_posix())
    assert folders == ["zoo/run1/net"] * 5


def test_a_model_keeps_its_folder_when_another_of_its_name_comes_beside_it(tmp_path):
    folder = tmp_path / "out"
    first = save_model(tmp_path / "a" / "net.npz")
    filtviz.export(first, folder)
    second = save_model(tmp_path / "a" / "net.pkl", seed=1)
    for given in ([second, first], [first, second]):
        found = {each.path.name: each.folder for each in filtviz.export(given, folder).models}
        assert found == {"net.npz": folder / "a" / "net", "net.pkl": folder / "a" / "net.pkl"}


def make_old(folder):
    """Let a manifest be written long after the models that it tells of."""
    later = time.time() + 100
    os.utime(folder / "out" / "manifest.json", (later, later))


@pytest.fixture
def reads(monkeypatch):
    seen = []
    load = planning.load
    monkeypatch.setattr(planning, "load", lambda path, **given: seen.append(path.name) or load(path, **given))
    return seen


def told(result):
    return [(model.status, model.is_read) for model in result.models]


def test_a_model_that_has_not_changed_is_not_read(tmp_path, reads):
    dense = tmp_path / "dense.npz"
    np.savez(dense, np.zeros((3, 2)), np.zeros(2))
    given = [save_model(tmp_path / "a.npz"), dense]
    first = filtviz.export(given, tmp_path / "out")
    assert [(model.status, model.is_read) for model in first.models] == [
        ("drawn", True),
        ("no-filters", True),
    ]
    reads.clear()
    make_old(tmp_path)
    again = filtviz.export(given, tmp_path / "out")
    assert reads == []
    assert [(model.status, model.is_read) for model in again.models] == [
        ("kept", False),
        ("no-filters", False),
    ]
    assert again.pictures == first.pictures
    assert again.models[1].reason == first.models[1].reason
    assert [each["status"] for each in manifest(tmp_path / "out")["models"]] == ["kept", "no-filters"]


def change(what, model, folder):
    """Change what a second run finds; return the options that it gets."""
    if what == "bytes":
        save_model(model, seed=9)
    elif what == "times":
        os.utime(model, (1, 1))
    elif what == "a picture":
        next(folder.glob("*/*.png")).unlink()
    elif what == "a link":
        picture = next(folder.glob("*/*.png"))
        picture.rename(picture.with_suffix(".away"))
        picture.symlink_to(picture.with_suffix(".away"))
    elif what == "the manifest":
        (folder / "manifest.json").unlink()
    elif what == "a fresh manifest":
        later = time.time()
        os.utime(folder / "manifest.json", (later, later))
    return {
        "layers": ExportOptions(layers=[0]),
        "options": ExportOptions(drawing=DrawingOptions(dpi=50)),
        "force": ExportOptions(force=True),
        "hints": ExportOptions(hints=filtviz.Hints(convs=("0",))),
    }.get(what)


CHANGES = (
    "bytes", "times", "a picture", "a link", "the manifest", "a fresh manifest", "layers", "options", "force",
    "hints",
)  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_has_changed_in_any_way_is_read_again(model, tmp_path, reads, what):
    folder = tmp_path / "out"
    filtviz.export([model], folder)
    make_old(tmp_path)
    reads.clear()
    filtviz.export([model], folder, change(what, model, folder))
    assert reads == ["net.npz"]


def test_a_failure_is_tried_again(tmp_path, reads):
    (tmp_path / "bad.pkl").write_bytes(b"\x80\x02}q\x00(U\x01a")
    for _ in range(2):
        assert len(filtviz.export(tmp_path / "bad.pkl", tmp_path / "out").failures) == 1
        make_old(tmp_path)
    assert reads == ["bad.pkl"] * 2


def test_a_manifest_of_a_strangers_makes_no_file_of_his_a_part_of_a_model(model, tmp_path, reads):
    """A manifest that names other files for a model, or none, does not keep the model from being read."""
    filtviz.export([model], tmp_path / "out")
    for files in ([], [["../other", 1, 1, 1]]):
        written = manifest(tmp_path / "out")
        written["models"][0]["files"] = files
        (tmp_path / "out" / "manifest.json").write_text(json.dumps(written))
        make_old(tmp_path)
        reads.clear()
        assert filtviz.export([model], tmp_path / "out").kept == 4
        assert reads == ["net.npz"]


def test_warnings_are_told_where_pictures_are_drawn_and_once_a_layer(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "small.npz", rng.standard_normal((4, 20, 1, 1)).astype("f4"), np.zeros(4, "f4"))
    (first,) = filtviz.export(tmp_path / "small.npz", tmp_path / "out").models
    assert (first.drawn, len(first.notes)) == (20, 1)
    (again,) = filtviz.export(tmp_path / "small.npz", tmp_path / "out").models
    assert (again.drawn, again.notes) == (0, ())


def test_a_run_that_draws_nothing_starts_no_processes(tmp_path, monkeypatch):
    models = [save_model(tmp_path / f"{i}.npz") for i in range(FEW_JOBS + 1)]
    first = ExportOptions(layers=(0,))
    filtviz.export(models, tmp_path / "out", first, jobs=1)
    monkeypatch.setattr(jobs_module, "run_in_processes", lambda *_: pytest.fail("processes were started"))
    assert filtviz.export(models, tmp_path / "out", first, jobs=2).kept == len(models)


@pytest.mark.slow
def test_options_stand_once_in_the_manifest_however_many_pictures_there_are(tmp_path):
    models = [save_model(tmp_path / f"{i}.npz", seed=i) for i in range(3)]
    filtviz.export(models, tmp_path / "out")
    text = (tmp_path / "out" / "manifest.json").read_text()
    assert text.count('"figsize"') == 2  # of a page, and of a sheet
    filtviz.export(models[0], tmp_path / "out", ExportOptions(layers=[0], drawing=DrawingOptions(dpi=50)))
    assert [options["dpi"] for options in manifest(tmp_path / "out")["options"]] == [50.0, 100.0]


def test_the_manifest_tells_each_model_once_with_its_status_pages_and_pictures(model, tmp_path):
    np.savez(tmp_path / "dense.npz", np.zeros((3, 2)), np.zeros(2))
    filtviz.export([model, tmp_path / "gone.pkl", tmp_path / "dense.npz"], tmp_path / "out")
    told = manifest(tmp_path / "out")["models"]
    assert [(each["model"], each["status"], each["code"], each["pages"]) for each in told] == [
        ("../dense.npz", "no-filters", "no-filters", 0),
        ("../gone.pkl", "failed", "no-access", 0),
        ("../net.npz", "drawn", None, 4),
    ]
    assert told[2]["pictures"] == ["conv1.png", "conv2-ch0.png", "conv2-ch1.png", "conv2-ch2.png"]
    assert told[1]["reason"] == f"{tmp_path / 'gone.pkl'}: there is no such file"
