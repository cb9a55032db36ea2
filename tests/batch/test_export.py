"""The batch export: what is written, what is kept, what fails, and that no engine changes a byte."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image
from tests.exported import model_folder, save_model

import filtviz
from filtviz import DrawingOptions, ExportOptions, Hints, __version__, export, load, processes
from filtviz.batch import jobs as jobs_module
from filtviz.batch.jobs import FEW_JOBS
from filtviz.batch.locking import LOCK, RUN_SUFFIX
from filtviz.drawing import draw
from filtviz.errors import ArgumentError, OutputError
from filtviz.files import PART_SUFFIX

MANY = 5 * 32
"""Channels that make more jobs than are done without other processes."""


@pytest.fixture
def model(tmp_path):
    return save_model(tmp_path / "net.npz")


def tree(folder):
    """The bytes of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def name_of(model, folder):
    """The name of a model's folder."""
    return model_folder(model, folder)


def manifest(folder):
    return json.loads((folder / "manifest.json").read_bytes())


def test_every_convolution_is_drawn_and_described(model, tmp_path, capsys):
    folder = tmp_path / "out"
    report = filtviz.export([model], folder)
    name = name_of(model, folder)
    files = [f"{name}/{each}.png" for each in ("conv1", "conv2-ch0", "conv2-ch1", "conv2-ch2")]
    assert sorted(tree(folder)) == ["manifest.json", *files]
    assert (report.drawn, report.kept, report.failures) == (4, 0, ())
    written = manifest(folder)
    assert (written["program"], written["version"], written["complete"]) == ("filtviz", __version__, True)
    assert [entry["file"] for entry in written["pictures"]] == files
    assert [{**entry, "options": 0} for entry in report.pictures] == written["pictures"]
    assert [entry["options"] for entry in report.pictures] == written["options"] * 4
    layer = filtviz.load(model).conv_layers[1]
    assert written["pictures"][2] == {
        "file": f"{name}/conv2-ch1.png",
        "model": "../net.npz",
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "layer": "conv2",
        "type": layer.type,
        "conv_index": 1,
        "channel": 1,
        "channels": [1],
        "filters": 4,
        "kernel_size": [3, 3],
        "range": [float(layer.filters[:, 1].min()), float(layer.filters[:, 1].max())],
        "options": 0,
        "version": __version__,
    }
    assert [options["figsize"] for options in written["options"]] == [[6.0, 6.0]]
    for entry in written["pictures"]:
        drawn = filtviz.load(model).select(entry["layer"])
        (picture,) = draw(drawn, entry["channels"], DrawingOptions())
        assert np.array_equal(np.asarray(Image.open(folder / entry["file"])), np.asarray(picture.image()))
    assert capsys.readouterr() == ("", "")


def test_models_of_one_name_do_not_collide_now_or_later(tmp_path):
    first, second, third = (save_model(tmp_path / name / "net.npz", seed=i) for i, name in enumerate("abc"))
    folder = tmp_path / "out"
    filtviz.export([first, second], folder)
    assert {entry["file"].rpartition("/")[0]: entry["model"] for entry in manifest(folder)["pictures"]} == {
        name_of(first, folder): "../a/net.npz",
        name_of(second, folder): "../b/net.npz",
    }
    before = tree(folder / name_of(first, folder))
    report = filtviz.export([third, second], folder)
    assert [result.kept for result in report.models] == [0, 4]
    assert tree(folder / name_of(first, folder)) == before
    assert {entry["model"] for entry in manifest(folder)["pictures"]} == {
        f"../{name}/net.npz" for name in "abc"
    }
    assert (folder / name_of(third, folder) / "conv1.png").is_file()


@pytest.mark.slow
def test_names_do_not_depend_on_who_came_first(tmp_path):
    models = [
        save_model(tmp_path / name, seed=i)
        for i, name in enumerate(["a/net.npz", "b/net.npz", "a/Net.npz", "a/net .npz", f"a/{'n' * 70}.npz"])
    ]
    trees = []
    for i, order in enumerate([models, models[::-1]]):
        folder = tmp_path / f"out{i}"
        for model in order:
            filtviz.export([model], folder)
        trees.append(tree(folder))
    filtviz.export(models, tmp_path / "out2")
    trees.append(tree(tmp_path / "out2"))
    assert trees[0] == trees[1] == trees[2]
    assert len(trees[0]) == 4 * len(models) + 1
    assert len({name.lower() for name in trees[0]}) == len(trees[0])


def test_a_model_that_is_given_by_two_paths_counts_once(model, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    twice = [model, tmp_path / "folder" / ".." / "net.npz", tmp_path / "link" / "net.npz"]
    report = filtviz.export(twice, tmp_path / "out")
    assert [(result.path, result.drawn) for result in report.models] == [(model, 4)]


def test_the_folder_may_be_reached_by_a_link(model, tmp_path):
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "real" / "deep")
    assert filtviz.export([model], tmp_path / "out").drawn == 4
    assert filtviz.export([model], tmp_path / "real" / "deep").kept == 4


def test_the_same_run_again_draws_only_what_is_missing(model, tmp_path):
    folder = tmp_path / "out"
    filtviz.export([model], folder)
    before = tree(folder)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    gone = folder / name_of(model, folder) / "conv2-ch1.png"
    gone.unlink()
    report = filtviz.export([model], folder)
    assert (report.drawn, report.kept) == (1, 3)
    assert tree(folder) == before
    assert {p for p, t in times.items() if p.stat().st_mtime_ns != t} == {gone}
    assert filtviz.export([model], folder).drawn == 0
    assert filtviz.export([model], folder, ExportOptions(force=True)).drawn == 4


@pytest.mark.parametrize("change", ["model", "options"])
def test_pictures_of_other_weights_or_options_are_drawn_again(model, tmp_path, change):
    folder = tmp_path / "out"
    filtviz.export([model], folder)
    before = tree(folder)
    options = ExportOptions(drawing=DrawingOptions(cmap="gray", dpi=50)) if change == "options" else None
    if change == "model":
        save_model(model, seed=9)
    report = filtviz.export([model], folder, options)
    assert (report.drawn, report.kept) == (4, 0)
    assert all(data != before[name] for name, data in tree(folder).items())


def test_one_layer_drawn_otherwise_leaves_the_others_as_they_are(model, tmp_path):
    folder = tmp_path / "out"
    filtviz.export([model], folder)
    before = tree(folder)
    other = DrawingOptions(dpi=50)
    report = filtviz.export([model], folder, ExportOptions(layers=[0], drawing=other))
    assert (report.drawn, len(report.pictures)) == (1, 1)
    written = manifest(folder)
    dpis = {entry["file"]: written["options"][entry["options"]]["dpi"] for entry in written["pictures"]}
    name = name_of(model, folder)
    assert dpis.pop(f"{name}/conv1.png") == 50
    assert set(dpis.values()) == {100.0}
    assert tree(folder)[f"{name}/conv2-ch0.png"] == before[f"{name}/conv2-ch0.png"]
    assert filtviz.export([model], folder).drawn == 1


def test_layers_and_channels_are_chosen(model, tmp_path):
    options = ExportOptions(layers=["conv2", 1], channels=[(0, 0), (2, 2)])
    report = filtviz.export([model], tmp_path / "out", options)
    files = [Path(entry["file"]).name for entry in report.pictures]
    assert files == ["conv2-ch0.png", "conv2-ch2.png"]


@pytest.mark.slow
def test_a_pdf_holds_the_channels_of_a_layer(model, tmp_path):
    folder = tmp_path / "out"
    report = filtviz.export([model], folder, ExportOptions(format="pdf"))
    name = name_of(model, folder)
    assert sorted(tree(folder)) == ["manifest.json", f"{name}/conv1.pdf", f"{name}/conv2.pdf"]
    assert report.drawn == 4
    assert [(entry["channel"], entry["channels"]) for entry in report.pictures] == [
        (0, [0]),
        (None, [0, 1, 2]),
    ]
    fewer = ExportOptions(format="pdf", layers=[1], channels=[(0, 1)])
    assert filtviz.export([model], folder, fewer).drawn == 2


@pytest.mark.slow
def test_a_bad_file_does_not_stop_the_others(model, tmp_path):
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(b"no model")
    dense = tmp_path / "dense.npz"
    np.savez(dense, np.zeros((3, 2)), np.zeros(2))
    missing = tmp_path / "missing.pkl"
    report = filtviz.export([bad, dense, model, missing], tmp_path / "out")
    assert report.drawn == 4
    assert [(failure.path, failure.code) for failure in report.failures] == [
        (bad, "unsupported"),
        (missing, "no-access"),
    ]
    assert [failure.reason.split(": ")[0] for failure in report.failures] == [str(bad), str(missing)]
    assert all(failure.names_file for failure in report.failures)
    assert repr(report) == "<ExportResult of 4 models: 4 pages drawn, 0 kept, 2 failures>"
    assert {entry["model"] for entry in report.pictures} == {"../net.npz"}


def test_a_layer_that_is_not_there_fails_and_the_others_are_drawn(model, tmp_path):
    report = filtviz.export([model], tmp_path / "out", ExportOptions(layers=["conv1", "conv7"]))
    assert report.drawn == 1
    (failure,) = report.failures
    assert failure.reason.startswith("there is no convolution 'conv7'")
    assert not failure.names_file


def test_kernels_that_mislead_are_told(tmp_path):
    model = save_model(tmp_path / "net.npz", kernel=(1, 1))
    (result,) = filtviz.export([model], tmp_path / "out").models
    assert len(result.notes) == 1
    assert result.notes[0].startswith("conv2 is 1x1")
    assert result.failure is None


def test_a_folder_that_cannot_be_made_fails_its_model_only(tmp_path):
    first, second = (save_model(tmp_path / f"{name}.npz") for name in "ab")
    folder = tmp_path / "out"
    folder.mkdir()
    place = folder / name_of(first, folder)
    place.write_bytes(b"in the way")
    report = filtviz.export([first, second], folder)
    assert [(f.path, f.reason) for f in report.failures] == [
        (first, f"cannot write {place}: not a directory")
    ]
    assert report.drawn == 4


def test_after_a_file_that_cannot_be_written_no_more_of_its_model_are_tried(tmp_path, monkeypatch):
    models = [save_model(tmp_path / f"{name}.npz", n_channels=MANY) for name in "ab"]
    tried = []

    def full(path, *_, **__):
        tried.append(path)
        raise OutputError(f"cannot write {path}: no space left on device", path=path)

    monkeypatch.setattr(jobs_module, "replace_own", full)
    report = filtviz.export(models, tmp_path / "out", jobs=1)
    assert [result.path for result in report.models] == models
    # Of the first, some jobs were planned already when one failed; of the second, none.
    assert [path.parent.name[0] for path in tried] == ["a"] * (FEW_JOBS + 1) + ["b"]


def test_a_folder_that_may_not_be_written_is_said_of_each_model_and_never_passed_over(tmp_path, monkeypatch):
    """Root may write anywhere: so the system is made to refuse."""
    models = [save_model(tmp_path / f"{name}.npz") for name in "ab"]
    folder = tmp_path / "out"
    refused = folder / name_of(models[0], folder)
    mkdir = Path.mkdir

    def refuse(self, *given, **options):
        if self == refused:
            raise PermissionError(13, "Permission denied", str(self))
        mkdir(self, *given, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    report = filtviz.export(models, folder)
    assert [(each.drawn, each.kept, each.failure) for each in report.models] == [
        (0, 0, f"cannot write {refused}: permission denied"),
        (4, 0, None),
    ]
    assert {entry["model"] for entry in manifest(folder)["pictures"]} == {"../b.npz"}


def test_a_model_that_the_system_does_not_let_us_read_twice_is_one_sentence(tmp_path, monkeypatch):
    from filtviz.batch import planning

    model = save_model(tmp_path / "a.npz")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(planning, "_sha256", refuse)
    (failure,) = filtviz.export([model], tmp_path / "out").failures
    assert failure.reason == f"{model}: permission denied"


def test_several_reasons_of_a_model_are_all_told(model, tmp_path):
    options = ExportOptions(layers=["conv7", "conv8", 0])
    (result,) = filtviz.export([model], tmp_path / "out", options).models
    assert result.drawn == 1
    assert result.failure is not None
    assert [part.split("'")[1] for part in result.failure.split("; there")] == ["conv7", "conv8"]


def test_a_layer_that_is_no_picture_is_a_note_beside_others_and_the_reason_alone(tmp_path):
    rng = np.random.default_rng(0)
    curve, plain = rng.standard_normal((4, 2, 3, 3, 3)), rng.standard_normal((4, 4, 3, 3))
    np.savez(tmp_path / "both.npz", curve, np.zeros(4), plain, np.zeros(4))
    np.savez(tmp_path / "alone.npz", curve, np.zeros(4))
    both, alone = filtviz.export([tmp_path / "both.npz", tmp_path / "alone.npz"], tmp_path / "out").models
    sentence = "conv1 is not drawn: its filters are volumes, not two-dimensional pictures"
    assert (both.drawn, both.notes, both.failure) == (4, (sentence,), None)
    assert (alone.status, alone.code, alone.reason) == ("no-filters", "no-filters", sentence)
    assert (alone.drawn, alone.notes, alone.failure) == (0, (), None)


def test_a_picture_that_is_drawn_otherwise_is_removed_before_it_is_described(model, tmp_path, monkeypatch):
    """A run that is killed then leaves no picture under a description that is not its own."""
    folder = tmp_path / "out"
    filtviz.export([model], folder)

    def full(path, *_, **__):
        assert not path.exists()
        assert not manifest(folder)["complete"]
        raise OutputError("no space left", path=path)

    monkeypatch.setattr(jobs_module, "replace_own", full)
    filtviz.export([model], folder, ExportOptions(drawing=DrawingOptions(dpi=50)))
    assert not list(folder.glob("*/*"))
    written = manifest(folder)
    assert (written["complete"], written["pictures"]) == (False, [])
    assert [(each["status"], each["code"]) for each in written["models"]] == [("failed", "not-written")]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_is_one_sentence_for_each_model(tmp_path, monkeypatch, jobs):
    models = [save_model(tmp_path / f"{name}.npz", n_channels=MANY) for name in "ab"]
    folder = tmp_path / "out"

    def full(path, *_, **__):
        raise OutputError(f"cannot write {path}: no space left on device", path=path)

    monkeypatch.setattr(jobs_module, "replace_own", full)
    with joblib.parallel_config("threading"):
        report = filtviz.export(models, folder, jobs=jobs)
    assert report.drawn == 0
    assert [failure.reason for failure in report.failures] == [
        f"cannot write {folder / name_of(model, folder) / 'conv1.png'}: no space left on device"
        for model in models
    ]
    assert manifest(folder)["pictures"] == []


def test_somebody_elses_manifest_is_left_alone(model, tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "web app"}')
    with pytest.raises(OutputError, match=r"manifest\.json is no manifest of filtviz"):
        filtviz.export([model], tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text()) == {"name": "web app"}


def test_a_picture_that_the_system_does_not_show_is_none(model, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    filtviz.export([model], folder)
    earlier = manifest(folder)
    shutil.rmtree(folder / name_of(model, folder))
    (unseen, *_) = earlier["pictures"]
    unseen.update(file=f"other/{'x' * 300}.png", model="../other.npz")
    (folder / "manifest.json").write_text(json.dumps(earlier))
    assert filtviz.export([model], folder).drawn == 4
    assert {entry["model"] for entry in manifest(folder)["pictures"]} == {"../net.npz"}


def test_one_path_is_no_list_of_letters_and_counts_once(model, tmp_path):
    assert filtviz.export(str(model), tmp_path / "one").drawn == 4
    twice = filtviz.export([model, str(model)], tmp_path / "two")
    assert ([result.path for result in twice.models], twice.drawn) == ([model], 4)
    names = {name.split("/")[0] for name in tree(tmp_path / "two")}
    assert names == {"manifest.json", name_of(model, tmp_path / "two")}


def test_one_layers_name_is_no_list_of_letters():
    assert ExportOptions(layers="conv1").layers == ("conv1",)


def test_a_wrong_format_is_a_value_error():
    with pytest.raises(ValueError, match="'jpg' is no format of pictures: png, pdf, svg are"):
        ExportOptions(format="jpg")


@pytest.mark.slow
def test_progress_counts_pages_up_to_all(tmp_path):
    models = [save_model(tmp_path / "a.npz", n_channels=70), save_model(tmp_path / "b.npz")]
    seen = []
    filtviz.export(models, tmp_path / "out", progress=seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert all(progress.done <= progress.known for progress in seen)
    assert (seen[-1].done, seen[-1].known) == (75, 75)
    assert [p.finished.path for p in seen if p.finished] == models
    assert [p.finished.drawn for p in seen if p.finished] == [71, 4]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "large.npz", n_channels=MANY)


@pytest.fixture(scope="module")
def expected(large):
    """What one process writes."""
    folder = large.parent / "expected"
    report = filtviz.export([large], folder, jobs=1)
    assert report.drawn == MANY + 1
    return tree(folder)


@pytest.fixture
def beside(large, request):
    """A new folder from which the model is seen by the same path as from that of `expected`."""
    return large.parent / "".join(c if c.isalnum() else "-" for c in request.node.name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine",
    [
        "threading",
        pytest.param("loky", marks=pytest.mark.slow),
        pytest.param("multiprocessing", marks=pytest.mark.slow),
    ],
)
def test_the_engine_does_not_change_a_byte(large, expected, beside, engine):
    with joblib.parallel_config(engine):
        report = filtviz.export([large], beside, jobs=2)
    assert report.drawn == MANY + 1
    assert tree(beside) == expected


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # a cluster's shut-down is not ours
def test_the_engine_may_be_a_dask_cluster(large, expected, beside):
    distributed = pytest.importorskip("distributed", reason="the extra `test` has it")
    cluster = {"processes": False, "n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.Client(**cluster) as client,
        distributed.get_task_stream(client) as stream,
        joblib.parallel_config("dask"),
    ):
        report = filtviz.export([large], beside)
    assert len(stream.data) == MANY // 32 + 2  # a job for each 32 pages, one for the rest, one that ends it
    assert report.drawn == MANY + 1
    assert tree(beside) == expected


@pytest.mark.slow
def test_an_interruption_leaves_whole_files_and_the_next_run_goes_on(large, expected, beside):
    def interrupt(progress):
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filtviz.export([large], beside, jobs=2, progress=interrupt)
    left = tree(beside)
    stopped = manifest(beside)
    assert not stopped["complete"]
    assert {entry["file"] for entry in stopped["pictures"]} == set(left) - {"manifest.json"}
    assert all(left[name] == expected[name] for name in left if name != "manifest.json")
    assert stopped["pictures"]
    report = filtviz.export([large], beside, jobs=2)
    assert report.kept == len(stopped["pictures"])
    assert tree(beside) == expected


@pytest.mark.skipif(os.name != "posix", reason="needs signal masks")
@pytest.mark.usefixtures("interruptible")
def test_processes_that_are_started_never_see_ctrl_c_and_this_one_sees_it_afterwards():
    ask = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    passed = False

    def interrupted():
        nonlocal passed
        with processes.interrupts_held_back():
            started = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
            signal.raise_signal(signal.SIGINT)
            passed = started.stdout == "True\n"

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert passed
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs process groups and SIGKILL")
def test_a_killed_run_leaves_whole_files_and_the_next_run_goes_on(large, expected, beside):
    folder = beside
    program = [sys.executable, "-c", "from filtviz.cli import main; main()"]
    command = [*program, "export", str(large), "-o", str(folder), "--jobs", "2"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(folder.glob("large/*.png"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.2)  # the processes that were drawing are gone by now
    hidden = (PART_SUFFIX, RUN_SUFFIX, LOCK)
    left = {name: data for name, data in tree(folder).items() if not name.endswith(hidden)}
    pictures = set(left) - {"manifest.json"}
    assert len(pictures) >= 3
    assert all(left[name] == expected[name] for name in pictures)
    report = filtviz.export([large], folder, jobs=1)
    assert (report.kept, report.drawn) == (len(pictures), MANY + 1 - len(pictures))
    assert tree(folder) == expected


def test_a_real_file_is_exported_as_it_is_drawn(shared, tmp_path):
    source = shared / "pickles" / "py27_th082_net3_outlayer_p2_cPickle.pkl"
    model = shutil.copy(source, tmp_path / "net.pkl")
    report = filtviz.export([model], tmp_path / "out")
    assert report.failures == ()
    truth = np.load(f"{source}.truth.npz")
    assert [e["filters"] for e in report.pictures if e["channel"] == 0] == [
        len(truth[f"W{i}"]) for i in range(3)
    ]
    entry = report.pictures[1]
    assert entry["range"] == [float(truth["W1"][:, 0].min()), float(truth["W1"][:, 0].max())]


EXAMPLE = Path(__file__).parents[2] / "examples" / "mission-trained.pkl"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The parameters of the example, without its graph."""
    arrays = [each.value for layer in load(EXAMPLE).layers for each in layer.parameters]
    np.savez(tmp_path / "bare.npz", *arrays)
    return tmp_path / "bare.npz"


@pytest.mark.slow
@pytest.mark.parametrize("by", ["function", "hints"])
def test_a_network_that_got_its_graph_elsewhere_is_exported_with_it(
    bare: Path, tmp_path: Path, by: str
) -> None:
    network = load(bare, like=EXAMPLE) if by == "function" else load(bare, hints=Hints(like=EXAMPLE))
    options = ExportOptions(layers=(0,))
    said = export([bare], tmp_path / "a", replace(options, hints=Hints(like=EXAMPLE)))
    with_graph = export([network], tmp_path / "b", options)
    without = export([bare], tmp_path / "c", options)
    assert said.pictures == with_graph.pictures != without.pictures
    assert export([network], tmp_path / "b", options).models[0].status == "kept"
    assert export([bare], tmp_path / "b", options).models[0].status != "kept"


def test_a_graph_that_is_in_no_file_is_one_sentence(bare: Path, tmp_path: Path) -> None:
    graph = load(EXAMPLE)
    network = load(bare, like=replace(graph, origin=replace(graph.origin, path=None)))
    with pytest.raises(ArgumentError, match=r"^the graph of .* is in no file: export reads files"):
        export([network], tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"jobs": True}, "jobs must be a number of processes, not True"),
        ({"jobs": "2"}, "jobs must be a number of processes, not '2'"),
        ({"jobs": 1.0}, "jobs must be a number of processes, not 1.0"),
        ({"progress": 1}, "progress must be a function, not 1"),
    ],
)
@pytest.mark.cases("all")
def test_odd_arguments_are_one_sentence(tmp_path: Path, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{sentence}$"):
        filtviz.export(tmp_path / "net.npz", tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()
