"""Figures are saved where their path says, and beside each other in as square a picture as can be."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from filtviz.drawing import DrawingOptions, draw, options, saving, showing
from filtviz.drawing.figures import blank_figure
from filtviz.drawing.saving import MILLISECONDS, write_animation, write_pages
from filtviz.drawing.showing import GAP, Figures
from filtviz.errors import ArgumentError, DrawingError

from .making import layer_of, random_weights


def figures(n: int, *sizes: tuple[float, float]) -> Figures:
    return Figures([blank_figure(sizes[i % len(sizes)] if sizes else (0.4, 0.2), 50) for i in range(n)])


def refusal(path: Any, n: int = 1, error: type[Exception] = ArgumentError) -> str:
    with pytest.raises(error) as caught:
        figures(n).save(path)
    return str(caught.value)


def test_what_cannot_be_saved_is_refused_in_a_sentence(tmp_path, monkeypatch) -> None:
    assert refusal(tmp_path / "a.png", 0) == "there is no figure to save"
    assert refusal(tmp_path / "a.jpg") == ".jpg is no format of pictures: end it in .png, .pdf or .svg"
    assert (
        refusal(tmp_path / "a.svg", 3) == "an .svg holds one figure, not 3: save a .pdf, a .png, or a folder"
    )
    monkeypatch.setattr(options, "MOST_PIXELS", 20 * 10 * 4 + 4)
    assert refusal(tmp_path / "a.png", 9, DrawingError) == (
        "9 figures are too many for one .png: save a .pdf, or a folder"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.cases("all")
@pytest.mark.parametrize("suffix", [".png", ".PNG", pytest.param(".pdf", marks=pytest.mark.slow), ".svg"])
def test_one_figure_is_saved_in_every_format(tmp_path, suffix) -> None:
    path = tmp_path / f"a{suffix}"
    assert figures(1).save(path) == [path]
    begins = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[suffix.lower()]
    assert path.read_bytes().startswith(begins)


@pytest.mark.parametrize("n", [1, 10, 11])
def test_a_folder_gets_a_picture_of_each_with_numbers_of_one_length(tmp_path, n) -> None:
    found = figures(n).save(tmp_path / "all")
    width = len(str(n - 1))
    assert [path.name for path in found] == [f"figure-{i:0{width}}.png" for i in range(n)]
    assert sorted((tmp_path / "all").iterdir()) == sorted(found)
    assert figures(1).save(f"{tmp_path}/other.d/") == [Path(f"{tmp_path}/other.d/figure-0.png")]


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 10])
def test_figures_stand_beside_each_other_in_rows_of_one_length(tmp_path, n) -> None:
    (path,) = figures(n, (0.4, 0.2), (0.2, 0.4)).save(tmp_path / "a.png")
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    wide, high = (20, 20) if n > 1 else (20, 10)
    with Image.open(path) as found:
        assert found.size == (columns * (wide + GAP) - GAP, rows * (high + GAP) - GAP)


def test_each_figure_stands_at_its_place(tmp_path) -> None:
    made = figures(5)
    for i, one in enumerate(made):
        one.set_facecolor((i / 5, 0, 0))
    (path,) = made.save(tmp_path / "a.png")
    with Image.open(path) as found:
        pixels = np.asarray(found.convert("RGB"))
    for i in range(5):
        row, col = divmod(i, 3)
        assert abs(int(pixels[row * (10 + GAP) + 5, col * (20 + GAP) + 10, 0]) - 51 * i) <= 1
    assert (pixels[10 + GAP + 5, 2 * (20 + GAP) + 10] == 255).all()
    assert (pixels[:, 20 : 20 + GAP] == 255).all()


@pytest.mark.parametrize(("n", "shown"), [(0, "<0 figures>"), (1, "<1 figure>"), (2, "<2 figures>")])
def test_figures_are_counted_where_they_are_printed(n, shown) -> None:
    assert repr(figures(n)) == shown


def test_a_picture_in_a_strip_is_named_by_its_channel_or_its_place() -> None:
    assert showing._name(object(), 0) == "picture 1"  # type: ignore[arg-type]

    class Of:
        channel = 3

    assert showing._name(Of(), 0) == "channel 3"  # type: ignore[arg-type]


# What a file tells of itself


@pytest.mark.cases("all")
@pytest.mark.parametrize("view", ["grid", "sheet"])
@pytest.mark.parametrize("dpi", [100.0, pytest.param(33.0, marks=pytest.mark.slow)])
def test_a_png_tells_its_resolution_and_what_it_shows(view, dpi) -> None:
    layer = layer_of(random_weights(2, 1, 3, 3))
    chosen = DrawingOptions(view=view, dpi=dpi, figsize=(1, 1))
    stream = BytesIO()
    write_pages(draw(layer, [0], chosen), "png", chosen, stream, "a mark")
    with Image.open(stream) as found:
        assert found.info["dpi"] == pytest.approx((dpi, dpi), abs=0.02)
        assert found.info["Source"] == "a mark"
    plain = BytesIO()
    write_pages(draw(layer, [0], chosen), "png", chosen, plain)
    with Image.open(plain) as found:
        assert "Source" not in found.info


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_pdf_has_its_pages_in_order_and_its_mark_however_many_there_are(n, monkeypatch) -> None:
    from pypdf import PdfReader

    monkeypatch.setattr(saving, "PAGES_AT_ONCE", 2)

    made = [blank_figure((0.2 + place / 72, 0.2), 50) for place in range(n)]
    stream = BytesIO()
    write_pages(
        [SimpleNamespace(figure=lambda own=own: own) for own in made], "pdf", DrawingOptions(), stream, "mark"
    )
    found = PdfReader(stream)
    widths = [float(page.mediabox.width) for page in found.pages]
    assert widths == pytest.approx([0.2 * 72 + place for place in range(n)], abs=0.01)
    assert found.metadata["/Keywords"] == "mark"


def test_an_animation_goes_on_for_ever_and_tells_what_it_shows() -> None:
    stream = BytesIO()
    write_animation(
        [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "white")], stream, "a mark"
    )
    with Image.open(stream) as found:
        assert (found.n_frames, found.info["loop"], found.info["comment"]) == (3, 0, b"a mark")
        assert found.info["duration"] == MILLISECONDS
