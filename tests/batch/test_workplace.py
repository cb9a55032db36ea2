"""What an export takes for done, what it forgets, and how it reads again what was read with another graph."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.building import conv

from filtviz import ExportOptions, batch
from filtviz.batch import planning
from filtviz.batch.jobs import Outcome, PictureFile, Reason
from filtviz.batch.locking import announce_run
from filtviz.batch.manifest import read_manifest
from filtviz.batch.workplace import RECENT, Workplace
from filtviz.errors import ArgumentError, OutputError
from filtviz.network import Network, Origin
from filtviz.reading import Hints
from filtviz.sources import Sources

WRITTEN = 10 * RECENT


def record(**fields: Any) -> dict[str, Any]:
    usual = {"model": "a.pkl", "folder": "a", "status": "drawn", "code": None, "reason": None, "pages": 1,
             "asked": "this", "files": [["a.pkl", 1, 2, 3]], "pictures": ["x.png"]}  # fmt: skip
    return {**usual, **fields}


@pytest.fixture
def workplace(tmp_path):
    made = Workplace(tmp_path, Sources())
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    made._manifest.contents.entries["a/x.png"] = {"file": "a/x.png", "model": "a.pkl"}
    made._manifest._seen = (1, 1, WRITTEN)
    return made


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("fields", "is_done"),
    [
        ({}, True),
        ({"status": "kept"}, True),
        ({"status": "no-filters", "pictures": []}, True),
        ({"status": "failed"}, False),
        ({"status": "no-model"}, False),
        ({"asked": "that"}, False),
        ({"files": []}, False),
        ({"files": [["b.pkl", 1, 2, 3]]}, False),
        ({"files": [["a.pkl", 1, WRITTEN - RECENT, 3]]}, True),
        ({"files": [["a.pkl", 1, 2, WRITTEN - RECENT + 1]]}, False),
        ({"files": [["a.pkl", 1, 2, 3], ["b", 1, 2, WRITTEN]]}, False),
        ({"pictures": ["x.png", "y.png"]}, False),
        ({"pictures": ["gone.png"]}, False),
    ],
)
def test_a_model_is_done_where_all_of_it_was_drawn_as_it_is_asked_for_now(fields, is_done, workplace):
    workplace._manifest.contents.models["a.pkl"] = record(**fields)
    assert (workplace.done("a.pkl", "this") is not None) == is_done
    assert workplace.done("b.pkl", "this") is None


def test_a_picture_of_another_model_does_not_count(workplace):
    workplace._manifest.contents.models["a.pkl"] = record()
    workplace._manifest.contents.entries["a/x.png"] = {"file": "a/x.png", "model": "b.pkl"}
    assert workplace.done("a.pkl", "this") is None


def test_a_model_keeps_its_folder_where_it_may_still_be_called_so(workplace):
    workplace._manifest.contents.models["a.pkl"] = record(folder="x/a")
    workplace._manifest._owners = {"b": "b.pkl", "c": "a.pkl"}
    for names, wanted in (
        (["a", "x/a"], "x/a"), (["a", "b"], "a"), (["b", "a"], "a"), (["b", "c"], "c"), (["b"], "b"),
    ):  # fmt: skip
        assert workplace.folder_of("a.pkl", names) == workplace.folder / wanted, names
    assert workplace.folder_of("b.pkl", ["c", "b"]) == workplace.folder / "b"


def test_nothing_is_drawn_beside_another_run_that_draws_a_picture_of_it_in_another_way(workplace):
    folder = workplace.folder / "a"
    drawn = workplace._manifest.contents.entries["a/x.png"]
    both = [
        (SimpleNamespace(path=folder / name), {**drawn, "file": f"a/{name}"}) for name in ("x.png", "y.png")
    ]
    other = announce_run(folder, "other")
    for changed in ({}, {"layer": "c"}):
        missing: Any = [(both[0][0], {**both[0][1], **changed}), both[1]]
        if changed:
            with pytest.raises(OutputError, match=re.escape(f"into {folder} in another way: run")) as refused:
                workplace._enter(folder, missing)
            assert refused.value.path == folder
        else:
            workplace._enter(folder, missing)
            workplace.leave(folder)
    other.release()


def test_room_is_made_where_a_picture_will_be_described_otherwise_and_not_where_it_is_drawn_again(workplace):
    file = PictureFile(path=workplace.folder / "a" / "x.png", conv_index=0, channels=[0], first=0, pages=1)
    drawn = workplace._manifest.contents.entries["a/x.png"]
    assert workplace._make_room(file, dict(drawn)) is file
    assert file.path.exists()
    assert workplace._make_room(file, {**drawn, "layer": "c"}).permissions is not None
    assert not file.path.exists()


def test_what_is_drawn_again_is_not_done_before_it_is_drawn(tmp_path):
    made = Workplace(tmp_path, Sources())
    texts = {"file": "a/x.png", "model": "a.pkl", "sha256": "0" * 64, "layer": "c", "type": "t"}
    entry = {**texts, "options": {}, "version": "1"}
    file = PictureFile(path=tmp_path / "a" / "x.png", conv_index=0, channels=[0], first=0, pages=1)
    with made._manifest.held(made.sources) as contents:
        contents.models["a.pkl"] = record()
        made._manifest.write(made.sources, complete=True)
    assert "a.pkl" in read_manifest(tmp_path).models
    assert made.announce(tmp_path / "a", [(file, entry)], force=False) == [file]
    held = read_manifest(tmp_path)
    assert (list(held.entries), list(held.models)) == (["a/x.png"], [])
    made.leave(tmp_path / "a")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("origin", "hints", "graph"),
    [
        ({}, None, None),
        ({"graph": "a file", "also_read": (Path("g"),)}, None, (Path("g"), None)),
        ({"graph": "a file", "also_read": (Path("g"), Path("h"))}, None, (Path("g"), None)),
        (
            {"graph": "a text", "also_read": (Path("t"),), "described_by": Path("t")},
            None,
            (None, Path("t")),
        ),
        ({"graph": "a file", "also_read": (Path("g"),)}, Hints(like="mine"), None),
        ({"graph": "a file", "also_read": (Path("g"),)}, Hints(architecture="mine"), None),
        ({"graph": "a file", "also_read": (Path("g"),)}, Hints(weights="ema"), (Path("g"), None)),
    ],
)
def test_a_network_with_a_graph_of_another_file_is_read_with_it_again(origin, hints, graph):
    known = {name: value for name, value in origin.items() if name in Origin.__dataclass_fields__}
    network = replace(Network.of([conv(np.ones((1, 1, 3, 3)))]), origin=Origin(path=Path("a"), **known))
    found = batch._graph_of(network, hints)
    assert (None if found is None else (found.like, found.architecture)) == graph
    if found is not None and hints is not None:
        assert found.weights == hints.weights


def test_a_graph_that_is_in_no_file_cannot_be_read_again():
    network = replace(Network.of([]), origin=Origin(graph="in memory"))
    with pytest.raises(ArgumentError, match="is in no file: export reads files"):
        batch._graph_of(network, None)


def test_what_fails_is_the_model_that_could_not_be_written_and_not_the_next(tmp_path):
    plan = SimpleNamespace(failures=[], reason=None, status=None, kept=1, is_read=True, notes=["a note"])
    closed, given_up = [], []
    planner: Any = SimpleNamespace(
        plans=[plan] * 3,
        models=[Path(f"{name}.pkl") for name in "abc"],
        places=[Path(name) for name in "abc"],
        folder=lambda model: tmp_path / "abc"[model],
        workplace=SimpleNamespace(folder=tmp_path),
        give_up=given_up.append,
        close=lambda *arguments: closed.append(arguments),
    )
    tally = batch._Tally(planner)
    full = Reason("cannot-write", "no space left on device")
    later = Reason("cannot-read", "not a directory")
    undrawn = Reason("cannot-draw", "conv1 has no filters")
    outcomes = [
        (0, 3, None, True),
        (1, 2, full, False),
        (1, 0, later, True),
        (2, 4, None, True),
    ]
    results = [
        tally.add(Outcome(model=model, pages=pages, failure=failure, last=last))
        for model, pages, failure, last in outcomes
    ]
    assert results.pop(1) is None
    assert [(each.status, each.drawn, each.reason) for each in results if each] == [
        ("drawn", 3, None),
        ("failed", 2, "no space left on device"),
        ("drawn", 4, None),
    ]
    assert [each.code for each in results if each] == [None, "cannot-write", None]
    assert (given_up, [each[0] for each in closed], tally.pages) == ([1, 1], [0, 1, 2], 9)
    assert [each[3] for each in closed] == [4, 3, 5]
    plan.failures.append(undrawn)
    both = tally.add(Outcome(model=0, pages=0, failure=full, last=True))
    assert both is not None
    assert (both.code, both.reason) == ("cannot-draw", "conv1 has no filters; no space left on device")


def test_to_draw_again_is_no_other_thing_that_is_asked_for():
    usual = ExportOptions()
    asked = planning._digest_of(usual, {})
    assert planning._digest_of(replace(usual, force=True), {}) == asked
    others = [
        planning._digest_of(replace(usual, layers=("conv1",)), {}),
        planning._digest_of(usual, {"a.pkl": Hints(like="b")}),
        planning._digest_of(usual, {"a.pkl": Hints(like="c")}),
    ]
    assert len({asked, *others}) == 4


@pytest.mark.cases("all")
@pytest.mark.parametrize("suffix", [None, 3, ["png"], {"png"}, "jpg", "PNG", ""])
def test_what_is_no_format_is_one_sentence(suffix):
    with pytest.raises(ArgumentError, match="is no format of pictures: "):
        ExportOptions(format=suffix)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("channels", "kept"),
    [
        (None, None),
        ("all", None),
        ("0,2-5", [(0, 0), (2, 5)]),
        (1, [(1, 1)]),
        ([0, (2, 3)], [(0, 0), (2, 3)]),
        (np.arange(2), [(0, 0), (1, 1)]),
    ],
)
def test_channels_of_an_export_are_those_of_a_plot(channels, kept):
    assert ExportOptions(channels=channels).channels == kept


@pytest.mark.cases("all")
@pytest.mark.parametrize("channels", [1.5, "rgb", object(), [(1, 2, 3)]])
def test_what_are_no_channels_is_one_sentence(channels):
    with pytest.raises(ArgumentError, match=r"^channels are "):
        ExportOptions(channels=channels)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("complete", "failed", "is_left"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_run_that_did_not_do_all_removes_what_it_has_begun(workplace, complete, failed, is_left):
    workplace._own_files.add("a/x.png")
    part, others = (workplace.folder / "a" / f".{run}-01.filtviz-part" for run in (workplace.run, "other"))
    for path in (part, others):
        path.write_bytes(b"half")
    workplace._manifest._seen = None
    workplace._manifest.contents.entries.clear()
    workplace.finish(complete=complete, failed=failed)
    assert (part.exists(), others.exists()) == (is_left, True)
    told = json.loads((workplace.folder / "manifest.json").read_bytes())
    assert told["complete"] is (complete and not failed)


@pytest.mark.parametrize("is_link", [False, True])
def test_nothing_is_put_in_order_behind_a_link(workplace, tmp_path, monkeypatch, is_link):
    folder = workplace.folder / "a"
    if is_link:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    part = folder / ".dead-01.filtviz-part"
    part.write_bytes(b"half")
    entry = workplace._manifest.contents.entries["a/x.png"]
    file = PictureFile(path=folder / "x.png", conv_index=0, channels=[0], first=0, pages=1)
    monkeypatch.setattr(type(workplace._manifest), "held", lambda own, _: nullcontext(own.contents))
    assert workplace.announce(folder, [(file, entry)], force=False) == []
    assert part.exists() == is_link


def test_pictures_that_another_run_is_about_to_draw_are_none_of_this_ones(workplace):
    entries = {f"a/{name}.png": {"file": f"a/{name}.png", "model": "a.pkl", **FACTS} for name in "xyz"}
    with workplace._manifest.held(workplace.sources) as contents:
        contents.entries.update(entries)
        workplace._manifest.write(workplace.sources, complete=True)
    workplace._own_files.update(["a/x.png", "a/y.png"])
    other = announce_run(workplace.folder / "a", "other")
    found = workplace.finish(complete=True, failed=False)
    assert [entry["file"] for entry in found] == ["a/x.png"]
    told = json.loads((workplace.folder / "manifest.json").read_bytes())
    assert (len(told["pictures"]), told["complete"]) == (3, False)
    other.release()
    assert [entry["file"] for entry in workplace.finish(complete=True, failed=False)] == ["a/x.png"]
    told = json.loads((workplace.folder / "manifest.json").read_bytes())
    assert ([entry["file"] for entry in told["pictures"]], told["complete"]) == (["a/x.png"], True)


FACTS = {"sha256": "0" * 64, "layer": "c", "type": "t", "version": "1", "options": {}}
