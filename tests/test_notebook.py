"""What a notebook shows."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from filtviz import ConvLayer, Network
from filtviz.notebook import MOST_TILES, layer_png, network_html
from tests.building import conv, image
from tests.drawing.making import layer_of, pages_of, random_weights


def pixels(png: bytes | None) -> np.ndarray:
    assert png is not None
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def test_a_layer_shows_its_sheet() -> None:
    layer = layer_of(random_weights(4, 2, 3, 3))
    (page,) = pages_of(layer)
    assert np.array_equal(pixels(layer._repr_png_()), np.asarray(page.image().convert("RGB")))


def test_a_layer_of_many_kernels_shows_one_tile_for_each_filter() -> None:
    layer = layer_of(random_weights(40, 40, 3, 3))
    (page,) = pages_of(layer, view="rms")
    assert np.array_equal(pixels(layer_png(layer)), np.asarray(page.image().convert("RGB")))


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
