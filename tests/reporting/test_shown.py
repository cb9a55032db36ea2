"""What a page shows of images: small, harmless, and readable on a phone."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests import telling
from tests.building import conv, image

import filtviz
from filtviz import ReportOptions, RunningError
from filtviz.cli import main
from filtviz.network import Network
from filtviz.reporting import gather
from filtviz.reporting.content import PageContent
from filtviz.reporting.shown import _by_largest, _weights

from . import figures_told
from .conftest import Visit
from .models import ATTACKS, network

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RNG = np.random.default_rng(0)
IMAGES = RNG.random((5, 2, 64, 64))


def gathered(**options: Any) -> PageContent:
    return gather(network((6, 2, 3, 3), (4, 6, 3, 3)), ReportOptions(**options))


def test_figures_of_networks_and_images_of_all_kinds_are_what_they_were() -> None:
    wanted = (telling.GOLDEN / "page_figures.txt").read_text(encoding="utf-8")
    assert list(figures_told.all_lines()) == wanted.splitlines()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The page of the example with its images, and the JSON beside it."""
    page = tmp_path_factory.mktemp("example") / "example.html"
    model, digits = str(EXAMPLES / "mission-trained.pkl"), str(EXAMPLES / "digits.npz")
    ran = CliRunner().invoke(main, ["report", model, "-i", digits, "-o", str(page), "--json"])
    return page, json.loads(ran.stdout)


@pytest.mark.slow
def test_the_first_layer_and_the_one_to_look_at_are_drawn(example: tuple[Path, dict[str, Any]]) -> None:
    found = example[0].read_text(encoding="utf-8")
    assert re.findall(r"<h3>(conv\d: [a-z ]+)</h3>", found) == [
        "conv1: maps",
        "conv6: maps",
        "conv6: what excites its filters",
    ]


def picture(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


@pytest.mark.slow
def test_maps_pieces_and_where_it_looks_are_drawn() -> None:
    content = gathered(images=IMAGES)
    titles = [figure.title for figure in content.figures[0]]
    assert titles == ["conv1: maps", "conv2: maps", "conv2: what excites its filters", "Where it looks"]
    assert [len(figure.tiles) for figure in content.figures[0]] == [7, 5, 4, 6]
    for figure in content.figures[0]:
        for tile in figure.tiles:
            assert max(picture(tile.url).size) <= 64 * 6
            assert tile.caption
    shown = content.main.diagnosis.shown
    assert shown is not None
    assert shown.n_images == 5
    assert shown.answer in content.main.diagnosis.answer


@pytest.mark.slow
def test_without_images_nothing_of_them_is_there() -> None:
    content = gathered()
    assert content.figures == ()
    assert content.main.diagnosis.shown is None
    page = filtviz.report(network((6, 2, 3, 3)))
    assert 'id="images"' not in page
    assert "from the weights alone" in page


@pytest.mark.slow
def test_units_that_never_fire_are_marked() -> None:
    bias = np.array([0.0, 0.0, -1e3, 0.0])
    weights = RNG.standard_normal((4, 2, 3, 3))
    own = Network.of([image(2, 64, 64), conv(weights, bias, below=0, name="conv")])
    content = gather(own, ReportOptions(images=IMAGES))
    marked = [tile.caption for tile in content.figures[0][0].tiles if tile.marked]
    assert marked == ["2 never fires"]
    assert [tile.caption for tile in content.figures[0][1].tiles if tile.marked] == ["2: no answer"]


@pytest.mark.slow
def test_images_are_shown_to_every_model_that_the_page_answers_for(tmp_path: Path) -> None:
    own = [network((6, 2, 3, 3), (4, 6, 3, 3)), network((5, 2, 3, 3), (3, 5, 3, 3))]
    content = gather(own, ReportOptions(images=IMAGES))
    assert [len(figures[0].tiles) for figures in content.figures] == [7, 6]
    assert all(file.diagnosis.shown is not None for file in content.files)
    page = filtviz.report(own, ReportOptions(images=IMAGES), output=tmp_path / "page.html")
    text = page.path.read_text(encoding="utf-8")
    assert text.count(": maps</h3>") >= 2
    assert text.count("Layer by layer: ") == 2


@pytest.mark.slow
def test_a_model_that_images_do_not_fit_stops_no_other() -> None:
    own = [network((6, 3, 3, 3)), network((5, 2, 3, 3))]
    content = gather(own, ReportOptions(images=IMAGES))
    assert [len(figures) for figures in content.figures] == [0, 3]
    assert [file.diagnosis.shown is None for file in content.files] == [True, False]
    (sentence,) = content.left_out
    assert sentence.startswith("images tell nothing of model.pkl (1): the images have 2 channels")


@pytest.mark.slow
def test_what_was_given_to_compare_with_is_shown_nothing() -> None:
    content = gather(network((6, 2, 3, 3)), ReportOptions(images=IMAGES), before=network((6, 2, 3, 3)))
    assert len(content.figures) == 1
    assert [file.diagnosis.shown is None for file in content.files] == [True, False]


@pytest.mark.slow
def test_a_network_that_cannot_be_run_still_has_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    model, digits = str(EXAMPLES / "mission-torch-start.pth"), str(EXAMPLES / "digits.npz")
    ran = CliRunner().invoke(main, ["report", model, "-i", digits, "-o", str(page)])
    assert ran.exit_code == 1
    assert "images tell nothing of this network: conv1 cannot be run" in ran.stderr
    assert 'id="images"' not in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_images_that_do_not_fit_are_one_sentence() -> None:
    with pytest.raises(RunningError, match="the images have 3 channels, the network takes 2"):
        gathered(images=RNG.random((2, 3, 64, 64)))
    with pytest.raises(RunningError, match="5 images came with 2 labels"):
        gathered(images=IMAGES, labels=[0, 1])


@pytest.mark.slow
def test_names_that_attack_a_page_are_text(tmp_path: Path) -> None:
    path = tmp_path / "<script>alert(1)</script>.npy".replace("/", "_")
    np.save(path, IMAGES)
    own = network((6, 2, 3, 3), (4, 6, 3, 3), names=(ATTACKS[0], ATTACKS[2]))
    page = filtviz.report(own, ReportOptions(images=path))
    body = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "alert(1)" in body
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.slow
def test_the_facts_are_in_json(example: tuple[Path, dict[str, Any]]) -> None:
    (file,) = example[1]["models"]
    assert file["diagnosis"]["shown"]["right"] == 196


@pytest.mark.slow
def test_the_page_of_the_example_with_images_is_small_and_reads_on_a_phone(
    example: tuple[Path, dict[str, Any]], visit: Visit
) -> None:
    before = filtviz.report(EXAMPLES / "mission-trained.pkl")
    page_file = example[0]
    assert page_file.stat().st_size - len(before.encode()) < 200_000
    page = visit(page_file, viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    box = page.locator("#images").bounding_box()
    assert box is not None
    assert box["height"] < 4 * 812


@pytest.mark.filterwarnings("error")
def test_numbers_beyond_all_others_are_drawn_without_a_warning():
    values = np.array([[np.inf, -np.inf, np.nan, 2.0, -1.0, 0.0]])
    np.testing.assert_equal(_by_largest(values), [[1.0, -1.0, np.nan, 1.0, -0.5, 0.0]])
    np.testing.assert_equal(_by_largest(np.full((1, 2), np.inf)), [[1.0, 1.0]])
    np.testing.assert_equal(_by_largest(np.zeros((1, 2))), [[0.0, 0.0]])
    for kernel in (
        np.full((3, 3, 3), 1.7e308),
        np.stack([np.full((3, 3), n) for n in (np.inf, -np.inf, 0.0)]),
    ):
        assert _weights(kernel).shape == (3, 3, 3)
