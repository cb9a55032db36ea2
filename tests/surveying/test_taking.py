"""What a survey takes of one file: its status, its place in a training, what is counted of its filters."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.building import conv

from filtviz import surveying
from filtviz.errors import FileAccessError, FiltvizError, UnknownFileError
from filtviz.measures.diagnosing import Measured, measure
from filtviz.measures.measure import FilterDiagnosis, Unjudged
from filtviz.network import Network, Origin
from filtviz.reading.folders import Candidate
from filtviz.surveying import taking
from filtviz.surveying.taking import FileJob
from filtviz.text import printable

NETWORK = Network.of([conv(np.random.default_rng(0).normal(size=(4, 1, 3, 3))) for _ in range(3)])


def test_the_digest_is_that_of_the_bytes_of_all_files(tmp_path: Path) -> None:
    one, other, folder = tmp_path / "one", tmp_path / "other", tmp_path / "folder"
    one.write_bytes(b"a" * 1000)
    other.write_bytes(b"b")
    folder.mkdir()
    assert taking._digest([one]) == hashlib.sha256(b"a" * 1000).hexdigest()
    assert taking._digest([one, folder, other]) == hashlib.sha256(b"a" * 1000 + b"b").hexdigest()
    with pytest.raises(FileAccessError, match="it cannot be read any more") as refused:
        taking._digest([tmp_path / "gone"])
    assert refused.value.path == tmp_path / "gone"


def job(name: str = "runs/net-3.npz", *, is_found: bool = True) -> FileJob:
    return FileJob(
        path=Path(name).absolute(), file=name, size=1, changed=2, is_found=is_found, limits=None, hints=None,
        budget=None,
    )  # fmt: skip


@pytest.fixture
def taken(monkeypatch):
    """Take what is made up of a file: a network or an error, and what was measured of it."""

    def take(network: Any, measured: Measured | None = None, **how: Any) -> Any:
        def load(*_: Any, **__: Any) -> Network:
            if isinstance(network, Exception):
                raise network
            return network

        monkeypatch.setattr(taking, "load", load)
        monkeypatch.setattr(taking, "_digest", lambda _: "digest")
        monkeypatch.setattr(taking, "measure", lambda *_: measured or measure(network))
        return job(**how).run()

    return take


@cache
def measured_layers() -> tuple[Any, ...]:
    return measure(NETWORK).layers


def made(*, judged: int = 0, unjudged: int = 0) -> Measured:
    layers = measured_layers()[:judged]
    others = tuple(Unjudged(conv_index=0, name="c", type="Conv1d", reason="a curve") for _ in range(unjudged))
    return Measured(layers=layers, unjudged=others, left_out=(), training=())


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("judged", "unjudged", "status"), [(1, 0, "read"), (0, 1, "read"), (1, 1, "read"), (0, 0, "no-filters")]
)
def test_a_file_was_read_where_it_has_filters_whether_or_not_they_are_judged(judged, unjudged, status, taken):
    assert taken(NETWORK, made(judged=judged, unjudged=unjudged)).status == status


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("error", "is_found", "status", "code"),
    [
        (UnknownFileError("it is no model"), True, "no-model", "unknown"),
        (UnknownFileError("it is no model"), False, "failed", "unknown"),
        (FileAccessError("it is gone"), True, "failed", "no-access"),
        (FiltvizError("it is so"), True, "failed", FiltvizError.code),
        (MemoryError(), True, "failed", "memory"),
    ],
)
def test_a_file_that_gives_nothing_is_no_model_only_where_it_was_found(error, is_found, status, code, taken):
    rows = taken(error, is_found=is_found)
    assert (rows.status, rows.file["code"], rows.n_filters) == (status, code, 0)


def of_file(name: str) -> FileAccessError:
    error = FileAccessError(f"{Path(name).absolute()}: it is gone", path=Path(name).absolute())
    error.sentence = "it is gone"
    return error


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (of_file("runs/net-3.npz"), "it is gone"),
        (of_file("other.toml"), f"{Path('other.toml').absolute()}: it is gone"),
        (FiltvizError("runs/net-3.npz: it is so"), "runs/net-3.npz: it is so"),
        (MemoryError(), "the machine has not enough memory for it"),
    ],
)
def test_a_reason_names_the_file_once_as_it_is_called_in_the_tables(error, reason, taken):
    assert taken(error).file["reason"] == f"runs/net-3.npz: {reason}"


def test_a_file_of_a_long_name_is_named_once(taken):
    name = f"{'x' * 300}.npz"
    assert taken(of_file(name), name=name).file["reason"] == f"{printable(name, 200)}: it is gone"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("told", "name", "run", "epoch"),
    [
        (7, "runs/net-3.npz", "runs", 7),
        (0, "runs/net-3.npz", "runs", 0),
        (None, "runs/net-3.npz", "runs/net-#.npz", 3),
        (None, "runs/net.npz", "runs", None),
        (7, "runs/net.npz", "runs", 7),
    ],
)
def test_the_epoch_is_what_the_file_tells_or_else_the_number_in_its_name(told, name, run, epoch, taken):
    network = replace(NETWORK, origin=Origin(epoch=told))
    file = taken(network, made(judged=1), name=name).file
    assert (file["run"], file["epoch"]) == (run, epoch)


def test_a_layers_depth_goes_from_the_first_to_the_last(taken):
    assert taken(NETWORK).layers["depth"] == [0, 0.5, 1]
    assert taken(Network.of(NETWORK.layers[:1])).layers["depth"] == [0]


def test_filters_are_counted_and_not_the_pairs_that_they_are_in():
    layer = measured_layers()[0]
    odd = (
        FilterDiagnosis(index=0, norm=1.0, duplicates=(1, 2), dead=True),
        FilterDiagnosis(index=1, norm=1.0, duplicates=(0, 2), decayed=True),
        FilterDiagnosis(index=2, norm=None, duplicates=(0, 1), nonfinite=True),
        FilterDiagnosis(index=3, norm=1.0, decayed=True),
    )
    found = taking._judged(replace(layer, filters=odd, residue_at_least=0.4))
    assert (found["residue_at_least"], taking._judged(layer)["residue_at_least"]) == (0.4, None)
    counts = [found[f"{name}_filters"] for name in ("dead", "decayed", "duplicate", "nonfinite")]
    assert counts == [1, 2, 3, 1]


def test_each_file_is_taken_once_and_one_that_has_vanished_only_where_it_was_found(tmp_path, monkeypatch):
    here, link, gone = (tmp_path / name for name in ("a", "b", "gone"))
    here.write_bytes(b"12345")
    link.symlink_to(here)
    given = [Candidate(each, is_found=True) for each in (gone, here, link)]
    monkeypatch.setattr(surveying, "candidates", lambda *_, **__: list(given))
    options: Any = {"limits": None, "hints": None, "budget": None}
    (job,) = surveying._jobs([tmp_path], tmp_path / "out", options)
    assert (job.path, job.file, job.size, job.is_found) == (here, str(here), 5, True)
    assert job.changed == here.stat().st_mtime_ns
    given[:] = [Candidate(here), Candidate(gone)]
    jobs = surveying._jobs([tmp_path], tmp_path / "out", options)
    assert next(jobs).is_found is False
    with pytest.raises(FileAccessError, match="gone: no such file or directory"):
        next(jobs)
