"""What a notebook shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import filtviz
from filtviz import ConvLayer, Diagnosis, Network, SelectionError
from filtviz.cli.diagnosis_text import answer_of
from filtviz.drawing.showing import GAP, MOST_SHOWN, Figures
from filtviz.measures.badges import ALL_BADGES, badges_of
from filtviz.measures.measure import Change, FilterDiagnosis, LayerDiagnosis
from filtviz.measures.verdicts import VERDICTS
from filtviz.network import Origin
from filtviz.notebook import MOST_ROWS, MOST_TILES, diagnosis_html, layer_png, network_html
from tests import shown_told, telling
from tests.building import conv, image
from tests.drawing.making import layer_of, pages_of, random_weights

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def pixels(png: bytes | None) -> np.ndarray:
    assert png is not None
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


@pytest.mark.slow
def test_all_is_shown_that_was_shown() -> None:
    wanted = (telling.GOLDEN / "shown.txt").read_text(encoding="utf-8")
    assert list(shown_told.all_lines()) == wanted.splitlines()


def test_a_layer_shows_its_sheet() -> None:
    layer = layer_of(random_weights(4, 2, 3, 3))
    (page,) = pages_of(layer)
    assert np.array_equal(pixels(layer._repr_png_()), np.asarray(page.image().convert("RGB")))


def test_a_layer_of_many_kernels_shows_one_tile_for_each_filter() -> None:
    layer = layer_of(random_weights(40, 40, 3, 3))
    (page,) = pages_of(layer, view="rms")
    assert np.array_equal(pixels(layer_png(layer)), np.asarray(page.image().convert("RGB")))


@pytest.mark.parametrize(("share", "charged"), [("work", 250_000 + 46_608_560), ("pixels", 195_976)])
def test_a_layer_that_takes_more_than_is_allowed_is_left_to_the_text(monkeypatch, share, charged) -> None:
    layer, shown = layer_of(random_weights(2, 600, 7, 7)), []
    for allowed in (charged, charged - 1):
        monkeypatch.setattr("filtviz.budget.Budget", partial(filtviz.Budget, **{share: allowed}))
        shown.append(layer_png(layer) is not None)
    assert shown == [True, False]


def test_of_a_layer_of_many_pages_the_first_is_shown(monkeypatch) -> None:
    for limits in ("COMFORTABLE", "LARGEST"):
        monkeypatch.setattr(f"filtviz.drawing.layout.{limits}", (60, 60))
    layer = layer_of(random_weights(11, 1, 3, 3))
    first, *others = pages_of(layer)
    assert others
    assert np.array_equal(pixels(layer_png(layer)), np.asarray(first.image().convert("RGB")))


def test_weights_that_are_no_pictures_are_left_to_the_text() -> None:
    layer = ConvLayer.of(random_weights(2, 2, 3, 3), axes="oidr")
    assert layer._repr_png_() is None


def test_a_network_shows_its_table_and_no_markup_of_the_files() -> None:
    kernels = conv(random_weights(4, 1, 3, 3), below=0, name="<script>alert(1)</script>", stride=None)
    network = Network.of([image(1, 9, 9), kernels])
    html = network._repr_html_()
    assert html == network_html(network)
    assert "<script>" not in html
    assert "<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>" in html
    assert "<td>? x 1 x 9 x 9</td>" in html
    assert html.count("<tr>") == 3


@pytest.mark.slow
def test_making_a_network_does_not_import_what_only_a_notebook_needs() -> None:
    check = "import filtviz.network, sys; print('filtviz.drawing' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


@pytest.mark.slow
def test_the_most_tiles_that_are_shown_one_by_one() -> None:
    most, more = (layer_of(random_weights(32, n, 1, 1)) for n in (32, 33))
    assert MOST_TILES == 32 * 32
    for layer, view in ((most, "sheet"), (more, "rms")):
        page = pages_of(layer, view=view)[0]
        assert np.array_equal(pixels(layer_png(layer)), np.asarray(page.image().convert("RGB")))


def test_a_table_numbers_layers_and_convolutions_from_zero() -> None:
    network = Network.of([image(1, 9, 9), conv(random_weights(4, 1, 3, 3), below=0)])
    rows = network_html(network).split("<tr>")[2:]
    assert rows[0].startswith("<td>0</td><td></td>")
    assert rows[1].startswith("<td>1</td><td>0</td>")


@pytest.mark.slow
def test_the_first_public_name_lets_a_notebook_show_networks() -> None:
    check = """
import sys
import filtviz
assert not {'filtviz.network', 'numpy'} & set(sys.modules)
network = filtviz.Network.of([])
print(network._repr_html_().startswith('<table>'), hasattr(filtviz.ConvLayer, '_repr_png_'))
"""
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout == "True True\n"


# A network as a collection of its convolutions


@pytest.fixture(scope="module")
def trained() -> Network:
    return filtviz.load(EXAMPLES / "mission-trained.pkl")


def test_a_network_is_the_collection_of_its_convolutions(trained: Network) -> None:
    convs = trained.conv_layers
    assert (trained[0], trained[-1], trained["conv3"], trained[np.int64(1)]) == (
        *convs[::5],
        convs[2],
        convs[1],
    )
    assert trained[:2] == convs[:2]
    assert trained[convs[4]] is convs[4]
    assert (len(trained), list(trained)) == (6, list(convs))
    for there in ("conv6", 0, -6, convs[3]):
        assert there in trained
    for missing in ("conv7", 6, None, 1.5, trained.layers[-1], conv(random_weights(2, 2, 3, 3))):
        assert missing not in trained


def test_what_is_not_in_a_network_is_one_sentence_of_ours(trained: Network) -> None:
    with pytest.raises(SelectionError, match=r"no convolution 'con6'; did you mean conv6\?"):
        trained["con6"]
    with pytest.raises(SelectionError, match="no convolution '6'; did you mean 5"):
        trained[6]


def test_a_network_without_convolutions_is_empty_and_true() -> None:
    empty = Network.of([])
    assert (len(empty), list(empty), bool(empty)) == (0, [], True)
    with pytest.raises(SelectionError, match=r"^the network has no convolution to choose from$"):
        empty[0]
    named = Network.of([], Origin(path=Path("dense.h5")))
    with pytest.raises(SelectionError, match=r"^dense\.h5 has no convolution to choose from$"):
        named[0]


HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e"


def test_what_is_printed_of_objects_is_short_and_harmless(trained: Network) -> None:
    assert repr(trained).startswith("<Network mission-trained.pkl: a Lasagne network with 6 convolutions")
    assert repr(trained[0]) == "<Conv2DLayer 0: conv1, 20x1x3x3 float32>"
    odd = Network.of([conv(random_weights(4, 1, 3, 3), name=HOSTILE, type=HOSTILE)])
    found = filtviz.diagnose(odd)
    everything = [odd, odd[0], found, found.layers[0], filtviz.plot(odd), filtviz.layers(odd)]
    everything += [filtviz.plot(odd).pictures[0], filtviz.plot(odd, view="sheet").pictures[0]]
    everything += [
        filtviz.compare([odd, odd]),
        filtviz.compare([odd, odd]).comparisons[0],
        filtviz.plot_conv_weights(odd),
    ]
    for each in everything:
        assert len(repr(each)) < 500
        assert repr(each).isprintable()
    assert "\x1b" not in str(found)


# A diagnosis


@pytest.mark.slow
def test_a_diagnosis_prints_as_the_command_does(trained: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    found = filtviz.diagnose(trained)
    shown, pointer = answer_of(found, with_pointer=True).rstrip("\n").rsplit("\n", 1)
    assert pointer == "--details shows every measure beside what chance gives."
    assert str(found).rsplit("\n", 1) == [
        shown,
        '.to_frame("measures") holds every measure beside what chance gives.',
    ]
    assert repr(found) == "<Diagnosis of mission-trained.pkl: 6 layers>"


@pytest.mark.slow
def test_a_diagnosis_shows_answer_rows_badges_and_commands(trained: Network) -> None:
    found = filtviz.diagnose(trained)
    html = found._repr_html_()
    assert html.startswith(f"<p><strong>{escape(found.answer)}</strong></p><table>")
    assert html.count("<tr>") == 7
    assert f"<pre>{escape(found.commands[0])}</pre>" in html
    badges = Counter(
        badge for layer in found.layers for own in badges_of(layer).values() for badge in set(own)
    )
    assert badges
    for badge in badges:
        assert f'title="{escape(badge.meaning)}"' in html
    assert "Left out" not in html


def test_nothing_of_a_file_is_markup_in_a_diagnosis() -> None:
    odd = Network.of([conv(random_weights(4, 1, 3, 3), name=HOSTILE, type=HOSTILE)])
    for html in (
        filtviz.diagnose(odd)._repr_html_(),
        filtviz.compare([odd, odd])._repr_html_(),
        filtviz.plot(odd, layers=[HOSTILE, "x" + HOSTILE])._repr_html_(),
        filtviz.layers(odd)._repr_html_(),
        filtviz.report(odd)._repr_html_(),
    ):
        assert "<img src=x" not in html
        assert "\x1b" not in html
        assert "\u202e" not in html


def test_of_very_many_layers_a_diagnosis_shows_some_and_counts_the_others() -> None:
    layer = filtviz.diagnose(Network.of([conv(random_weights(4, 1, 3, 3))])).layers[0]
    rows = diagnosis_html(Diagnosis(file=None, layers=(layer,) * (MOST_ROWS + 2)))
    assert rows.count("<tr>") == MOST_ROWS + 1
    assert "and 2 more layers" in rows
    assert "more layers" not in diagnosis_html(Diagnosis(file=None, layers=(layer,) * MOST_ROWS))


def cells_of(html: str) -> list[list[str]]:
    """The headings and the rows of a table, without its markup; what is shown of a badge is its word."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [
        [unescape(re.sub(r"<[^>]*>", "|", cell)).strip("|").replace("||", "|") for cell in row]
        for row in cells
    ]


def layers_of_a_diagnosis() -> list[LayerDiagnosis]:
    (made,) = filtviz.diagnose(Network.of([conv(random_weights(4, 1, 3, 3))])).layers
    dead = [FilterDiagnosis(index=i, norm=1.0, dead=True) for i in range(2)]
    told: list[dict[str, Any]] = [
        {"name": "a" * 70, "shape": (4, 1, 3, 5), "verdict": "initial", "residue": None, "seen": "s0"},
        {"name": "b", "shape": (8, 4, 1, 1), "verdict": "structured", "residue": 0.25, "seen": ""},
        {"name": "c", "shape": (2, 8, 3, 3), "verdict": "updated", "residue": 0.0, "seen": "s2"},
    ]
    return [
        replace(made, conv_index=i, filters=tuple(dead[:i]), changes=(), **each)
        for i, each in enumerate(told)
    ]


@pytest.mark.parametrize("measured", [False, True])
def test_each_column_of_a_diagnosis_holds_what_its_heading_says(measured) -> None:
    layers = layers_of_a_diagnosis()
    if measured:
        change = Change(before="x", cos2=0.5)
        layers[1] = replace(layers[1], changes=(change,))
    head, *rows = cells_of(diagnosis_html(Diagnosis(file=None, layers=tuple(layers))))
    assert head == [
        "layer", "filters", "verdict", "as before" if measured else "noise", "to be seen", "filters that are",
    ]  # fmt: skip
    dead = next(badge.word for badge in ALL_BADGES if "dead" in badge.word)
    assert rows == [
        ["a" * 60 + "… (70 characters)", "4x1x3x5", VERDICTS["initial"].word, "", "s0", ""],
        ["b", "8x4x1x1", VERDICTS["structured"].word, "25%", "", f"1 {dead}"],
        ["c", "2x8x3x3", VERDICTS["updated"].word, "0%", "s2", f"2 {dead}"],
    ]


@pytest.mark.cases("all")
@pytest.mark.parametrize("kept", [(), (0,), (1, 2), (0, 1, 2)])
def test_columns_of_what_images_tell_are_there_where_they_tell_anything(kept) -> None:
    layers = layers_of_a_diagnosis()
    fields = ("silent", "saturated", "right_with_start")
    told = {1: ((1, 2, 3), (5,), 0.5), 2: ((), (), 0.25)}
    usual = dict.fromkeys(fields)
    found = {
        number: SimpleNamespace(**{**usual, **{fields[place]: values[place] for place in kept}})
        for number, values in told.items()
    }
    shown = SimpleNamespace(of=found.get)
    head, *rows = cells_of(diagnosis_html(Diagnosis(file=None, layers=tuple(layers), shown=shown)))
    assert head[4:-2] == [("never fire", "saturated", "put back")[place] for place in kept]
    wanted = [["", "", ""], ["3", "1", "50%"], ["0", "0", "25%"]]
    assert [row[4:-2] for row in rows] == [[cells[place] for place in kept] for cells in wanted]


@pytest.mark.parametrize(
    ("more", "said"), [(0, ""), (1, "and 1 more layer"), (1200, "and 1,200 more layers")]
)
def test_layers_beyond_the_most_rows_are_counted(more, said) -> None:
    layer = layers_of_a_diagnosis()[0]
    html = diagnosis_html(Diagnosis(file=None, layers=(layer,) * (MOST_ROWS + more)))
    assert len(cells_of(html)) == 1 + MOST_ROWS
    assert re.findall("<p>(and .*?)</p>", html) == ([said] if said else [])


def test_sentences_stand_below_the_table_each_with_its_command() -> None:
    html = diagnosis_html(
        Diagnosis(
            file=None, layers=(), answer="A", look="L", commands=("c0", "c1"), more="M", more_command="m",
            others=(("O1", "o1"), ("O2", ""), ("", "o3")), left_out=("X", "Y"),
        )
    )  # fmt: skip
    assert html == (
        "<p><strong>A</strong></p><p>L</p><pre>c0</pre><p>M</p><pre>m</pre><p>O1</p><pre>o1</pre><p>O2</p>"
        "<p>Left out: X</p><p>Left out: Y</p>"
    )
    assert diagnosis_html(Diagnosis(file=None, layers=(), look="L")) == "<p><strong></strong></p><p>L</p>"


# Tables of pandas


def test_without_pandas_a_table_is_one_sentence(trained: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        filtviz.MissingExtraError, match=r"^tables need pandas, which is not installed: pip install"
    ):
        trained.to_frame()
    with pytest.raises(
        filtviz.ArgumentError, match="a frame is of 'layers', 'filters' or 'measures', not 'x'"
    ):
        filtviz.diagnose(trained[0]).to_frame("x")


@pytest.mark.slow
def test_tables_have_a_row_for_each_layer_filter_and_measure(trained: Network) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert list(trained.to_frame()["name"])[1] == "conv1"
    assert len(filtviz.layers(trained).to_frame()) == len(trained.layers)
    found = filtviz.diagnose(trained)
    layers, filters, measures = (found.to_frame(of) for of in ("layers", "filters", "measures"))
    assert list(layers["verdict"]) == [each.verdict for each in found.layers]
    assert len(filters) == sum(len(each.filters) for each in found.layers)
    assert len(measures) == sum(len(each.findings) for each in found.layers)
    compared = filtviz.compare([trained, trained]).comparisons[0].to_frame()
    assert list(compared["relative_change"]) == [0.0] * 20
    assert found.to_frame().equals(layers)


# Figures


@pytest.mark.slow
def test_a_list_of_figures_is_a_strip(trained: Network) -> None:
    figures = filtviz.plot_conv_weights(trained[1])
    assert isinstance(figures, list)
    assert repr(figures) == "<20 figures>"
    html = Figures(figures[:2])._repr_html_()
    assert html.count("<img ") == 2
    assert "more" not in html
    assert figures[0]._repr_png_().startswith(b"\x89PNG")
    assert np.array_equal(pixels(figures[3]._repr_png_()), drawn(filtviz.plot(trained, layers=1, channels=3)))


def drawn(result: filtviz.PlotResult) -> np.ndarray:
    (picture,) = result.pictures
    return np.asarray(picture.image().convert("RGB"))


def test_a_result_shows_its_pictures_and_counts_those_that_it_does_not(trained: Network) -> None:
    html = filtviz.plot(trained, layers=[1, "con9"], channels=[0, 5])._repr_html_()
    assert html.count("<img ") == 2
    assert 'title="channel 5"' in html
    assert "did you mean" in html
    many = filtviz.plot(Network.of([conv(random_weights(1, MOST_SHOWN + 3, 3, 3))]))._repr_html_()
    assert many.count("<img ") == MOST_SHOWN
    assert "and 3 more" in many
    (picture,) = filtviz.plot(trained).pictures
    assert np.array_equal(pixels(picture._repr_png_()), drawn(filtviz.plot(trained)))


@pytest.mark.slow
def test_figures_are_saved_as_a_whole(trained: Network, tmp_path: Path) -> None:
    from pypdf import PdfReader

    figures = Figures(filtviz.plot_conv_weights(trained[1])[:3])
    assert figures.save(tmp_path / "all.pdf") == [tmp_path / "all.pdf"]
    assert len(PdfReader(tmp_path / "all.pdf").pages) == 3
    figures.savefig(tmp_path / "all.png")
    side = 2 * 600 + GAP
    with Image.open(tmp_path / "all.png") as whole:
        assert whole.size == (side, side)
    assert [path.name for path in figures.save(str(tmp_path / "each"))] == [
        f"figure-{n}.png" for n in range(3)
    ]
    Figures(figures[:1]).save(tmp_path / "one.svg")
    assert (tmp_path / "one.svg").read_bytes().startswith(b"<?xml")
    for path, words in (
        (tmp_path / "a.svg", "holds one figure, not 3"),
        (tmp_path / "a.jpg", "is no format"),
        (None, "no path"),
    ):
        with pytest.raises(filtviz.ArgumentError, match=words):
            figures.save(path)
    with pytest.raises(filtviz.ArgumentError, match="there is no figure to save"):
        Figures().save(tmp_path / "none.png")
    with pytest.raises(filtviz.OutputError):
        figures.save(tmp_path / "all.png" / "in" / "it.png")


@pytest.mark.slow
def test_figures_are_shown_by_the_notebook_or_say_that_there_is_no_display(
    trained: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures, shown = filtviz.plot_conv_weights(trained[0]), []
    monkeypatch.setenv("MPLBACKEND", "agg")
    with pytest.raises(filtviz.DrawingError, match="there is no display"):
        figures.show()
    kernel = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.append))
    figures.show()
    figures[0].show()
    assert shown == [figures, figures[0]]


# The report


@pytest.mark.slow
def test_a_report_is_a_text_that_shows_itself_in_a_frame_and_saves(trained: Network, tmp_path: Path) -> None:
    page = filtviz.report(trained, filtviz.ReportOptions(layers=(0,)))
    assert page.startswith("<!DOCTYPE html>") or page.lower().startswith("<!doctype html>")
    html = page._repr_html_()
    assert html.startswith('<iframe sandbox="allow-scripts" ')
    assert html.count("<") == 2
    assert unescape(html.partition('srcdoc="')[2].removesuffix('"></iframe>')) == page
    assert len(repr(page)) < 100
    assert page.save(tmp_path / "a.html").read_text("utf-8") == page
    written = filtviz.report(trained, filtviz.ReportOptions(layers=(0,)), output=tmp_path / "b.html")
    assert (tmp_path / "b.html").read_text("utf-8") == page == written.page
    assert written._repr_html_() == html
    assert written.save(tmp_path / "c.html").read_text("utf-8") == page
    assert page.notes == written.notes
    with pytest.raises(filtviz.OutputError, match="it is one of the files given"):
        page.save(EXAMPLES / "mission-trained.pkl")


# The example


@pytest.mark.slow
def test_the_example_runs_in_a_notebook_and_each_object_shows_itself(tmp_path: Path) -> None:
    for name in ("nbconvert", "ipykernel", "pandas"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'filtviz[notebook]'")
    source = EXAMPLES / "notebook.ipynb"
    given = json.loads(source.read_text("utf-8"))
    assert all(cell.get("outputs", []) == [] for cell in given["cells"])
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--output-dir",
        str(tmp_path),
    ]
    environment = {
        **os.environ,
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    ran = subprocess.run(
        [*command, str(source)], capture_output=True, text=True, env=environment, timeout=600
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    cells = json.loads((tmp_path / "notebook.ipynb").read_text("utf-8"))["cells"]
    shown = ["".join(cell["source"]).split("\n")[-1] for cell in cells if cell["cell_type"] == "code"]
    kinds = [
        {kind for output in cell["outputs"] for kind in output.get("data", {"stdout": 0})}
        for cell in cells
        if cell["cell_type"] == "code"
    ]
    found = dict(zip(shown, kinds, strict=True))
    assert found.pop("print(diagnosis)") == {"stdout"}
    assert found.pop('network["conv1"]') == {"stdout", "image/png", "text/plain"}
    assert set(map(frozenset, found.values())) == {frozenset({"text/html", "text/plain"})}
    plain = [
        "".join(output["data"]["text/plain"])
        for cell in cells
        for output in cell.get("outputs", [])
        if "data" in output and "DataFrame" not in str(output)
    ]
    assert max(map(len, plain)) < 2000


@pytest.mark.slow
def test_the_guide_of_python_runs(tmp_path: Path) -> None:
    text = (EXAMPLES.parent / "docs" / "python.md").read_text("utf-8")
    code = "".join(re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL))
    assert "plot_through" in code
    (tmp_path / "examples").symlink_to(EXAMPLES)
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert {path.name for path in tmp_path.iterdir()} == {"examples", "conv2.pdf", "report.html"}


def test_results_show_what_misleads_what_failed_and_what_was_left_out() -> None:
    network = Network.of([conv(random_weights(4, 1, 3, 3))])
    failed = (filtviz.LayerFailure(7, "there is no layer 7"),)
    plot = filtviz.PlotResult(
        network=network,
        layers=(filtviz.PlottedLayer(layer=network.conv_layers[0], pictures=(), cautions=("caution",)),),
        options=filtviz.DrawingOptions(),
        failures=failed,
        left_out=("left out",),
    )
    assert sentences_of(plot._repr_html_()) == ["caution", "there is no layer 7", "left out"]
    (one,) = filtviz.compare([network, network]).comparisons
    compared = filtviz.ComparisonResult(comparisons=(one,), failures=failed, cautions=("caution",))
    assert sentences_of(compared._repr_html_()) == [
        f"conv1: {one.sentence}",
        "caution",
        "there is no layer 7",
    ]
    assert sentences_of(one._repr_html_()) == [f"conv1: {one.sentence}"]


def sentences_of(html: str) -> list[str]:
    return [unescape(each) for each in re.findall("<p>(.*?)</p>", html)]
