"""The columns of the table of layers: one entry, and every output shows it."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz import api, summary
from filtviz.cli import main
from filtviz.cli.json_data import network_data
from filtviz.network import Network
from filtviz.summary import NOTEBOOK, PAGE, TERMINAL, Column, LayerRow, Place, Table, summarize
from tests.building import conv, image

HEADINGS: dict[Place, list[str]] = {
    "terminal": [
        "#", "conv", "name", "type", "output", "filters", "stride", "pad", "params", "field", "covers",
    ],
    "page": [
        "#", "name", "type", "output", "filters", "stride", "pad", "parameters", "sees", "of the input",
    ],
    "notebook": ["#", "conv", "name", "type", "output", "filters", "parameters", "receptive field"],
}  # fmt: skip


def network() -> Network:
    kernels = conv(np.ones((4, 1, 3, 3), np.float32), below=0, name="x" * 50, stride=None)
    return Network.of([image(1, 9, 9), kernels])


@pytest.mark.parametrize("style", [TERMINAL, PAGE, NOTEBOOK], ids=lambda style: style.place)
def test_what_each_output_shows(style) -> None:
    table = Table.of(summarize(network()), style)
    assert list(table.headings) == HEADINGS[style.place]
    assert {len(row) for row in table.rows} == {len(table.headings)} == {len(table.numbers)}
    numbers = {heading for heading, is_number in zip(table.headings, table.numbers, strict=True) if is_number}
    assert numbers <= {"#", "conv", "params", "parameters"}
    assert len(numbers) == 3 - (style is PAGE)
    name = table.rows[1][table.headings.index("name")]
    assert name == ("x" * 50 if style is PAGE else f"{'x' * 40}… (50 characters)")
    untold = table.rows[1][table.headings.index("output")]
    assert untold == ("" if style is NOTEBOOK else "?")


def test_a_new_column_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    new = Column(heading="twice", cell=lambda row, style: f"2{style.sign}{row.index}")
    hidden = Column(
        heading="hidden",
        cell=lambda *_: "never",
        elsewhere={"terminal": None, "page": None, "notebook": None},
    )
    monkeypatch.setattr(summary, "COLUMNS", (*summary.COLUMNS, new, hidden))
    made = network()
    monkeypatch.setattr(api, "load", lambda *_, **__: made)
    printed = CliRunner().invoke(main, ["layers", "model.pkl", "--all"]).stdout.splitlines()
    assert printed[0].endswith("covers  twice")
    assert printed[3].split()[-1] == "2x1"
    page = filtviz.report(made)
    assert '<th scope="col">twice</th>' in page
    assert "<td>2×1</td>" in page
    shown = made._repr_html_()
    assert "<th>twice</th>" in shown
    assert "<td>2 x 1</td>" in shown
    assert not [text for text in (*printed, page, shown) if "hidden</th>" in text or "never</td>" in text]


def test_scripts_are_told_the_whole_path_of_a_file() -> None:
    made = network()
    assert network_data(made, summarize(made))["file"] is None
    made = replace(made, origin=replace(made.origin, path=Path("zoo") / "net.pkl"))
    data = network_data(made, summarize(made))
    assert data["file"] == data["models"][0]["file"] == str(Path("zoo") / "net.pkl")


def test_each_field_of_a_row_is_a_key_of_json() -> None:
    made = network()
    _, layer = network_data(made, summarize(made))["layers"]
    assert list(layer) == [*(each.name for each in dataclasses.fields(LayerRow)), "coverage"]
    assert layer["filter_shape"] == (4, 1, 3, 3)
    assert layer["receptive_field"] is None
    first, _ = network_data(made, summarize(made))["layers"]
    assert (first["receptive_field"], first["coverage"]) == ([1, 1], [1 / 9, 1 / 9])


def test_a_shape_is_written_with_a_question_mark_for_what_is_open_and_with_its_zeros() -> None:
    assert summary._product((None, 0, 1, 12), "x") == "?x0x1x12"
    assert summary._product((), "x") == summary._product(None, "x") == ""
