"""The manifest: what an entry says, and whose file it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import telling
from tests.building import conv

from filtviz import DrawingOptions, Network, OutputError, __version__
from filtviz.batch import manifest as manifest_module
from filtviz.batch.manifest import (
    Contents,
    Manifest,
    describe_options,
    describe_picture,
    read_manifest,
    relative,
    value_ranges,
    write_manifest,
)
from filtviz.sources import Sources

from . import manifests_told


def test_which_manifests_are_read_is_what_it_was() -> None:
    wanted = (telling.GOLDEN / "manifests.txt").read_text(encoding="utf-8")
    assert list(manifests_told.all_lines()) == wanted.splitlines()


def layer():
    weights = np.arange(2 * 3 * 2 * 2, dtype="f4").reshape(2, 3, 2, 2)
    weights[0, 1] = np.nan
    weights[:, 2] = np.inf
    return Network.of([conv(weights)]).conv_layers[0]


def test_ranges_are_of_the_finite_weights_of_each_channel():
    assert value_ranges(layer()).tolist() == [[0, 15], [16, 19], [np.inf, -np.inf]]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("channels", "channel", "reach"),
    [([0], 0, [0, 15]), ([0, 1], None, [0, 19]), ([1, 2], None, [16, 19]), ([2], 2, None)],
)
def test_an_entry_says_which_channels_and_how_far_their_weights_reach(channels, channel, reach):
    drawn = layer()
    entry = describe_picture("a.png", {"model": "m"}, drawn, channels, value_ranges(drawn), {})
    assert (entry["channel"], entry["channels"], entry["range"]) == (channel, channels, reach)
    assert (entry["file"], entry["model"], entry["version"]) == ("a.png", "m", __version__)


def entry_of(file, **facts):
    """As much of an entry as every entry has."""
    texts = {"model": "m", "sha256": "0" * 64, "layer": "conv1", "type": "Conv2DLayer", "version": "1"}
    return {"file": file, **texts, "options": {}, **facts}


def record_of(model, **facts):
    """What became of a model, as far as it is told of every one."""
    texts = {"model": model, "folder": "m", "status": "drawn", "asked": "0"}
    return {**texts, "pages": 0, "files": [], "pictures": [], **facts}


def contents_of(*entries, models=()):
    return Contents(
        {entry["file"]: entry for entry in entries}, {record["model"]: record for record in models}
    )


def write(folder, *entries, models=(), complete=True):
    return write_manifest(folder, contents_of(*entries, models=models), Sources(), complete=complete)


def entries_in(folder):
    return list(read_manifest(folder).entries.values())


def test_options_come_back_from_a_manifest_as_they_went_in(tmp_path):
    options = describe_options(DrawingOptions(figsize=(3, 4)))
    write(tmp_path, entry_of("m/b.png", options=options))
    (entry,) = entries_in(tmp_path)
    assert entry["options"] == options


def test_an_entry_comes_back_as_it_was(tmp_path):
    drawn = layer()
    ranges, options = value_ranges(drawn), describe_options(DrawingOptions())
    model = {"model": "../m\udcff.npz", "sha256": "0" * 64}
    entries = [
        describe_picture(f"m/conv1-ch{i}.png", model, drawn, [i], ranges, options)
        for i in range(drawn.n_channels)
    ]
    write(tmp_path, *entries)
    assert entries_in(tmp_path) == entries


def test_entries_are_in_the_order_of_their_files_and_the_text_is_ascii(tmp_path):
    path = write(tmp_path, entry_of("é/a"), entry_of("b/a"), complete=False)
    written = json.loads(path.read_bytes().decode("ascii"))
    assert [entry["file"] for entry in written["pictures"]] == ["b/a", "é/a"]
    assert (written["program"], written["complete"], written["version"]) == ("filtviz", False, __version__)


def test_a_manifest_without_pictures_is_one(tmp_path):
    write(tmp_path)
    assert read_manifest(tmp_path) == Contents()


def test_where_there_was_no_run_there_are_no_entries(tmp_path):
    assert read_manifest(tmp_path) == Contents()


def manifest_of(**entry):
    return manifest_with(pictures=[{**entry_of("m/a.png"), "options": 0, **entry}])


def manifest_with(**parts):
    return json.dumps({"program": "filtviz", "options": [{}], "models": [], "pictures": [], **parts})


def manifest_without(key):
    entry = {**entry_of("m/a.png"), "options": 0}
    del entry[key]
    return manifest_with(pictures=[entry])


def model_without(key):
    record = record_of("m")
    del record[key]
    return manifest_with(models=[record])


def nested(depth):
    return "[" * depth + "]" * depth


def nested_in(text, old, new, depth):
    assert old in text
    return text.replace(old, new + nested(depth))


HOSTILE = {
    "an empty object": "{}",
    "a list": "[]",
    "nothing": "",
    "no JSON": "no JSON",
    "another program": '{"program": "other", "pictures": []}',
    "no program": '{"pictures": []}',
    "no pictures": '{"program": "filtviz"}',
    "a number for pictures": '{"program": "filtviz", "pictures": 3}',
    "a text for pictures": '{"program": "filtviz", "pictures": "m/a.png"}',
    "an object for pictures": '{"program": "filtviz", "pictures": {"file": "m/a.png", "model": "m"}}',
    "a text for an entry": '{"program": "filtviz", "pictures": ["file"]}',
    "a number for a file": manifest_of(file=1),
    "null for a model": manifest_of(model=None),
    **{f"no {key}": manifest_without(key) for key in entry_of("")},
    "a digest that is none": manifest_of(sha256="0" * 63),
    "options that are none": manifest_of(options=[]),
    "options that are not there": manifest_of(options=1),
    "options before the first": manifest_of(options=-1),
    "options by a yes": manifest_of(options=False),
    "options that are a list": manifest_with(options=[[]]),
    **{f"a model without {key}": model_without(key) for key in record_of("")},
    "a model's folder above": manifest_with(models=[record_of("m", folder="..")]),
    "a model's folder elsewhere": manifest_with(models=[record_of("m", folder="/tmp")]),
    "a model's picture elsewhere": manifest_with(models=[record_of("m", pictures=["../x.png"])]),
    "a model's file with a zero byte": manifest_with(models=[record_of("m", files=[["a\0", 1, 1, 1]])]),
    "a model's file without times": manifest_with(models=[record_of("m", files=[["a", 1]])]),
    "pages that are no number": manifest_with(models=[record_of("m", pages="1")]),
    "no models": json.dumps({"program": "filtviz", "options": [], "pictures": []}),
    "the folder above": manifest_of(file="../x.png"),
    "two folders above": manifest_of(file="m/../../x.png"),
    "the folder itself": manifest_of(file="./x.png"),
    "no folder": manifest_of(file="x.png"),
    "a very deep path": manifest_of(file="m/" * 20 + "x.png"),
    "a way back": manifest_of(file="m/../n/x.png"),
    "an absolute path": manifest_of(file="/tmp/x.png"),
    "a share of Windows": manifest_of(file="\\\\host\\x.png"),
    "a drive of Windows": manifest_of(file="C:/x.png"),
    "a path of Windows": manifest_of(file="m\\x.png"),
    "an empty file": manifest_of(file=""),
    "a zero byte": manifest_of(file="m/\0.png"),
    "a line": manifest_of(file="m/a\n.png"),
    "half a character": manifest_of(file="m/\ud800.png"),
    "a hidden file": manifest_of(file="m/.filtviz-lock"),
    "an option": manifest_of(file="-m/a.png"),
    "200,000 brackets": nested(200_000),
    "200,000 brackets in the pictures": manifest_with().replace(
        '"pictures": []', f'"pictures": {nested(200_000)}'
    ),
    "900 brackets in an entry": manifest_of(options=0).replace(
        '"options": 0', f'"options": 0, "more": {nested(900)}'
    ),
    "ten brackets in an entry": manifest_of(options=0).replace(
        '"options": 0', f'"options": 0, "more": {nested(10)}'
    ),
    "not a number": manifest_of(range=float("nan")),
    "without end": manifest_of(range=[0, float("inf")]),
    "too large for a number": manifest_of(range=0).replace('"range": 0', '"range": 1e999'),
    "a number of a thousand digits": manifest_of(more=0).replace('"more": 0', '"more": 1' + "0" * 1000),
    "a number of 5,000 digits": manifest_of(more=0).replace('"more": 0', '"more": 1' + "0" * 5000),
    "a key twice": '{"program": "other", "program": "filtviz", "pictures": []}',
    "a file twice": manifest_of().replace('"file"', '"file": "m/b.png", "file"'),
    "bytes that are no text": b'{"program": "filtviz", "pictures": [], "x": "\xff"}',
    "another encoding": manifest_with().encode("utf-16"),
    "a mark before it": b"\xef\xbb\xbf" + manifest_with().encode(),
    "something behind it": manifest_with() + " {}",
}
"""What a manifest can be that a stranger has written."""


@pytest.mark.cases("all")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_filtviz_has_not_written_is_not_taken_for_a_manifest(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(OutputError) as caught:
        read_manifest(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'manifest.json'} is no manifest of filtviz: export to another folder, or move it away"
    )


def test_a_manifest_for_which_memory_is_short_is_not_called_a_strangers(tmp_path, monkeypatch):
    write_manifest(tmp_path, Contents(), Sources(), complete=True)
    for fault, sentence in (
        (MemoryError, "not enough memory is left$"),
        (ValueError, "is no manifest of filtviz"),
    ):
        monkeypatch.setattr("filtviz.batch.manifest._parse", lambda _, fault=fault: throw(fault))
        with pytest.raises(OutputError, match=sentence):
            read_manifest(tmp_path)


def throw(fault):
    raise fault


def test_what_a_later_version_may_add_is_kept(tmp_path):
    text = manifest_of(more={"deep": [[1.5, None, True, "text"]]}, range=[-1e308, 0])
    (tmp_path / "manifest.json").write_text(text)
    (entry,) = entries_in(tmp_path)
    assert entry["more"] == {"deep": [[1.5, None, True, "text"]]}
    write(tmp_path, entry)
    assert entries_in(tmp_path) == [entry]


def test_a_manifest_that_is_too_large_is_neither_read_nor_written(tmp_path, monkeypatch):
    path = write(tmp_path, entry_of("m/a.png", model="m" * 1000))
    assert len(entries_in(tmp_path)) == 1
    monkeypatch.setattr(manifest_module, "LARGEST", 1000)
    with pytest.raises(OutputError, match=r"manifest\.json is no manifest of filtviz"):
        read_manifest(tmp_path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="would describe too many pictures: export to another folder"):
        write(tmp_path, entry_of("m/b.png", model="m" * 1000))
    assert path.read_bytes() == before


def test_a_manifest_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = write(tmp_path / "elsewhere")
    (tmp_path / "manifest.json").symlink_to(path)
    with pytest.raises(
        OutputError, match=r"^cannot read .*manifest\.json: it is a link, which is not followed$"
    ):
        read_manifest(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_nobody_waits_for_a_pipe_in_the_place_of_a_manifest(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(OutputError, match=r"manifest\.json is no manifest of filtviz"):
        read_manifest(tmp_path)


def test_what_another_run_has_written_meanwhile_is_not_lost(tmp_path):
    first, second = Manifest(tmp_path), Manifest(tmp_path)
    for manifest, name in ((first, "a"), (second, "b"), (first, "c")):
        with manifest.held(Sources()) as contents:
            contents.entries[f"{name}/x.png"] = entry_of(f"{name}/x.png", model=name)
            manifest.write(Sources(), complete=True)
    assert [entry["file"] for entry in entries_in(tmp_path)] == ["a/x.png", "b/x.png", "c/x.png"]
    with first.held(Sources()):
        assert [first.owner(name) for name in "abcd"] == ["a", "b", None, None]
    with second.held(Sources()):
        assert [second.owner(name) for name in "abcd"] == ["a", "b", "c", None]


def test_a_manifest_that_cannot_be_read_is_one_sentence(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(OutputError, match=r"^cannot read .*manifest\.json: is a directory$"):
        read_manifest(tmp_path)


def test_paths_are_seen_from_the_folder():
    assert relative(Path("a/m.pkl"), Path("out")) == "../a/m.pkl"
    assert relative(Path("out/n/x.png"), Path("out")) == "n/x.png"


def test_where_no_way_leads_the_path_is_absolute(monkeypatch):
    def no_way(*_):
        raise ValueError

    monkeypatch.setattr(os.path, "relpath", no_way)
    assert relative(Path("m.pkl"), Path("out")) == (Path.cwd() / "m.pkl").as_posix()


# A manifest that others change, too


def entry_of(file: str, **facts: Any) -> dict[str, Any]:
    texts = {"file": file, "model": "m.pkl", "sha256": "0" * 64, "layer": "c", "type": "t", "version": "1"}
    return {**texts, "options": {}, **facts}


def test_what_is_only_in_memory_is_forgotten_where_nothing_was_written(tmp_path):
    manifest = Manifest(tmp_path)
    for _ in range(2):
        with manifest.held(Sources()) as contents:
            assert contents.entries == {}
            contents.entries["a/x.png"] = entry_of("a/x.png")
    assert (manifest.written, manifest.owner("a")) == (0, None)


def test_a_manifest_that_another_wrote_is_read_anew_though_size_and_time_are_the_same(tmp_path):
    manifest, other, third = Manifest(tmp_path), Manifest(tmp_path), Manifest(tmp_path)
    with manifest.held(Sources()) as contents:
        contents.entries["a/x.png"] = entry_of("a/x.png")
        manifest.write(Sources(), complete=True)
    path = tmp_path / "manifest.json"
    seen = path.stat()
    assert manifest.written == seen.st_mtime_ns
    with other.held(Sources()) as contents:
        del contents.entries["a/x.png"]
        contents.entries["b/x.png"] = entry_of("b/x.png")
        other.write(Sources(), complete=True)
    assert path.stat().st_size == seen.st_size
    os.utime(path, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
    for own in (manifest, third):
        with own.held(Sources()) as contents:
            assert list(contents.entries) == ["b/x.png"]
    with manifest.held(Sources()) as contents:
        held = contents
    with manifest.held(Sources()) as contents:
        assert contents is held  # nothing has changed: it is not read again


def test_folders_are_a_models_whatever_the_case_of_their_letters(tmp_path):
    manifest = Manifest(tmp_path)
    with manifest.held(Sources()) as contents:
        contents.entries["Runs/A/x.png"] = entry_of("Runs/A/x.png")
        manifest.write(Sources(), complete=True)
    again = Manifest(tmp_path)
    with again.held(Sources()):
        owners = [again.owner(name) for name in ("Runs/A", "runs/a", "RUNS/A", "runs/b", "runs")]
    assert owners == ["m.pkl", "m.pkl", "m.pkl", None, None]


def test_parts_of_manifests_that_were_not_done_go_when_it_is_read(tmp_path):
    ours, others = (tmp_path / f".{run}-01.filtviz-part" for run in ("manifest.json", "0123"))
    for path in (ours, others):
        path.write_bytes(b"half")
    manifest = Manifest(tmp_path)
    with manifest.held(Sources()):
        assert (ours.exists(), others.exists()) == (False, True)


def test_an_entry_that_has_changed_is_written_anew(tmp_path):
    manifest = Manifest(tmp_path)
    for layer in ("one", "two"):
        with manifest.held(Sources()) as contents:
            contents.entries["a/x.png"] = entry_of("a/x.png", layer=layer)
            contents.entries["a/y.png"] = entry_of("a/y.png", options={"dpi": len(layer)})
            manifest.write(Sources(), complete=True)
        assert read_manifest(tmp_path).entries == {
            "a/x.png": entry_of("a/x.png", layer=layer),
            "a/y.png": entry_of("a/y.png", options={"dpi": len(layer)}),
        }
