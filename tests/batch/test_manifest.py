"""The manifest: what an entry says, and whose file it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from tests.building import conv

from filtviz import DrawingOptions, Network, OutputError, __version__
from filtviz.batch.manifest import (
    describe_options,
    describe_picture,
    read_manifest,
    relative,
    value_ranges,
    write_manifest,
)


def layer():
    weights = np.arange(2 * 3 * 2 * 2, dtype="f4").reshape(2, 3, 2, 2)
    weights[0, 1] = np.nan
    weights[:, 2] = np.inf
    return Network.of([conv(weights)]).conv_layers[0]


def test_ranges_are_of_the_finite_weights_of_each_channel():
    assert value_ranges(layer()).tolist() == [[0, 15], [16, 19], [np.inf, -np.inf]]


@pytest.mark.parametrize(
    ("channels", "channel", "reach"),
    [([0], 0, [0, 15]), ([0, 1], None, [0, 19]), ([1, 2], None, [16, 19]), ([2], 2, None)],
)
def test_an_entry_says_which_channels_and_how_far_their_weights_reach(channels, channel, reach):
    drawn = layer()
    entry = describe_picture("a.png", {"model": "m"}, drawn, channels, value_ranges(drawn), {})
    assert (entry["channel"], entry["channels"], entry["range"]) == (channel, channels, reach)
    assert (entry["file"], entry["model"], entry["version"]) == ("a.png", "m", __version__)


def test_options_come_back_from_a_manifest_as_they_went_in(tmp_path):
    options = describe_options(DrawingOptions(figsize=(3, 4)))
    write_manifest(tmp_path, [{"file": "b", "model": "m", "options": options}], complete=True)
    (entry,) = read_manifest(tmp_path)
    assert entry["options"] == options


def test_entries_are_in_the_order_of_their_files_and_the_text_is_ascii(tmp_path):
    path = write_manifest(
        tmp_path, [{"file": "é", "model": "m"}, {"file": "b", "model": "m"}], complete=False
    )
    written = json.loads(path.read_bytes().decode("ascii"))
    assert [entry["file"] for entry in written["pictures"]] == ["b", "é"]
    assert (written["program"], written["complete"], written["version"]) == ("filtviz", False, __version__)


def test_where_there_was_no_run_there_are_no_entries(tmp_path):
    assert read_manifest(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "no JSON",
        '{"program": "other", "pictures": []}',
        '{"program": "filtviz", "pictures": [{"file": 1, "model": "m"}]}',
        '{"program": "filtviz", "pictures": [{"file": "f"}]}',
        '{"program": "filtviz", "pictures": 3}',
    ],
)
def test_another_programs_file_is_not_taken_for_a_manifest(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(OutputError, match=r"manifest\.json is no manifest of filtviz: export to another"):
        read_manifest(tmp_path)


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
