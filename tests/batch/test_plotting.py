"""Which file holds which picture, and what is in the files."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.saving import Destination, find_destination, plan_files, write_files, write_pages
from filtviz.network import ConvLayer, Network
from filtviz.sources import Sources


def pictures_of(n_channels, n_filters=4):
    filters = np.random.default_rng(0).standard_normal((n_filters, n_channels, 3, 3)).astype("f4")
    layer = ConvLayer.of(filters, type="Conv2DLayer")
    (layer,) = Network.of([layer]).conv_layers
    return list(draw(layer, range(n_channels), DrawingOptions()))


def names(pictures, destination):
    return [(str(file.path), len(file.pictures)) for file in plan_files(pictures, "model", destination)]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("output", "suffix", "destination"),
    [
        (None, None, Destination(Path(), None, "png")),
        (None, "svg", Destination(Path(), None, "svg")),
        ("pngs", None, Destination(Path("pngs"), None, "png")),
        ("v1.0/", "pdf", Destination(Path("v1.0"), None, "pdf")),
        ("a/b.PDF", None, Destination(Path("a"), "b", "pdf", "PDF")),
        ("b.c.svg", "svg", Destination(Path(), "b.c", "svg", "svg")),
    ],
)
def test_the_output_is_a_folder_or_a_file(output, suffix, destination):
    assert find_destination(output, suffix) == destination


def test_a_folder_that_exists_is_a_folder_whatever_its_name(tmp_path):
    folder = tmp_path / "run.png"
    folder.mkdir()
    assert find_destination(str(folder), None) == Destination(folder, None, "png")


def test_other_suffixes_and_contradictions_are_wrong_usage():
    with pytest.raises(
        ValueError, match=r"\.jpg is no format of pictures: end the name in \.png, \.pdf, \.svg"
    ):
        find_destination("a.jpg", None)
    with pytest.raises(ValueError, match=r"--format pdf contradicts the name a\.png"):
        find_destination("a.png", "pdf")


def test_in_a_folder_files_are_named_after_model_layer_and_channel():
    pictures = {"conv1": pictures_of(1), "conv2": pictures_of(2)}
    assert names(pictures, Destination(Path("o"), None, "png")) == [
        ("o/model-conv1.png", 1),
        ("o/model-conv2-ch0.png", 1),
        ("o/model-conv2-ch1.png", 1),
    ]
    assert names(pictures, Destination(Path("o"), None, "pdf")) == [
        ("o/model-conv1.pdf", 1),
        ("o/model-conv2.pdf", 2),
    ]


def test_a_named_file_holds_the_picture_or_names_its_parts():
    one, two = {"conv1": pictures_of(1)}, {"conv2": pictures_of(2)}
    file = Destination(Path("o"), "out", "png")
    assert names(one, file) == [("o/out.png", 1)]
    assert names(two, file) == [("o/out-ch0.png", 1), ("o/out-ch1.png", 1)]
    assert names(one | two, file) == [
        ("o/out-conv1.png", 1),
        ("o/out-conv2-ch0.png", 1),
        ("o/out-conv2-ch1.png", 1),
    ]
    assert names(one | two, Destination(Path("o"), "out", "pdf")) == [("o/out.pdf", 3)]


def test_a_named_file_keeps_its_suffix_as_it_was_typed():
    one, two = {"conv1": pictures_of(1)}, {"conv2": pictures_of(2)}
    assert names(one, find_destination("o/out.PNG", None)) == [("o/out.PNG", 1)]
    assert names(two, find_destination("o/out.PNG", None)) == [("o/out-ch0.PNG", 1), ("o/out-ch1.PNG", 1)]
    assert names(two, find_destination("o/out.Pdf", None)) == [("o/out.Pdf", 2)]


def test_files_are_written_and_kept_as_asked(tmp_path):
    destination = Destination(tmp_path / "new", None, "png")
    planned = plan_files({"conv1": pictures_of(2)}, "model", destination)
    first = list(write_files(planned, destination, DrawingOptions(), Sources()))
    assert [written for _, written in first] == [True, True]
    kept, replaced = (path for path, _ in first)
    kept.write_bytes(b"mine")
    again = list(write_files(planned, destination, DrawingOptions(), Sources(), clobber=False))
    assert again == [(kept, False), (replaced, False)]
    assert kept.read_bytes() == b"mine"
    assert list(write_files(planned, destination, DrawingOptions(), Sources())) == first
    assert kept.read_bytes() != b"mine"
    replaced.unlink()
    replaced.mkdir()
    assert list(write_files(planned, destination, DrawingOptions(), Sources(), clobber=False)) == again


def encoded(pictures, suffix):
    stream = BytesIO()
    write_pages(pictures, suffix, DrawingOptions(), stream)
    return stream.getvalue()


def test_a_png_holds_the_pixels_and_the_resolution():
    (picture,) = pictures_of(1)
    image = Image.open(BytesIO(encoded([picture], "png")))
    assert image.info["dpi"] == pytest.approx((100, 100), rel=1e-4)
    assert image.mode == picture.image().mode
    assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(picture.image().convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_the_same_picture_gives_the_same_bytes(suffix):
    assert encoded(pictures_of(1), suffix) == encoded(pictures_of(1), suffix)


def test_a_pdf_has_a_page_for_each_picture_and_no_date():
    pdf = encoded(pictures_of(3), "pdf")
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 3
    assert pdf.count(b"/MediaBox [ 0 0 432 432 ]") == 3
    assert b"CreationDate" not in pdf


def image_on(page):
    (name,) = re.findall(r"(/I\d+) Do", page.get_contents().get_data().decode("latin-1"))
    return np.asarray(page.images[name].image)


@pytest.mark.slow
def test_a_long_pdf_is_put_together_in_order():
    from pypdf import PdfReader

    pictures = pictures_of(35)
    document = PdfReader(BytesIO(encoded(pictures, "pdf")))
    assert len(document.pages) == 35
    for i in (0, 15, 16, 34):
        alone = PdfReader(BytesIO(encoded([pictures[i]], "pdf")))
        assert np.array_equal(image_on(document.pages[i]), image_on(alone.pages[0]))
    assert encoded(pictures, "pdf") == encoded(pictures, "pdf")


def test_a_pdf_page_holds_the_kernels_as_an_image_that_can_be_enlarged():
    pdf = encoded(pictures_of(1, n_filters=4), "pdf")
    assert re.search(rb"/Height 33\b", pdf)  # two kernels of 3 cells of 5 pixels, and a gap of 3
    assert re.search(rb"/Width 33\b", pdf)


def test_an_svg_names_its_parts_by_numbers_and_every_reference_has_its_definition():
    svg = encoded(pictures_of(1), "svg").decode()
    defined = re.findall(r'\bid="([^"]+)"', svg)
    referred = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
    assert defined == [f"id{i}" for i in range(len(defined))]
    assert {a or b for a, b in referred} <= set(defined)
    assert "<image" in svg
    assert "dc:date" not in svg
