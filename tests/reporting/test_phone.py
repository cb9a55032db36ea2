"""The page on a phone: it is short, nothing slides sideways, filters open where they are tapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.building import conv, image

import filtviz
from filtviz.network import Network, Origin

from .conftest import Visit
from .test_browser import ready

WIDTH, HEIGHT = 375, 812
PHONE = {"viewport": {"width": WIDTH, "height": HEIGHT}, "has_touch": True, "is_mobile": True}

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page on three layers of many filters, the last two smooth, so that all opens that can."""
    random = np.random.default_rng(0)
    smooth = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 8
    layers = [image(1, 64, 64)]
    for place, shape in enumerate([(40, 1, 3, 3), (40, 40, 3, 3), (40, 40, 3, 3)]):
        weights = random.normal(0, 0.1, shape) + (random.normal(0, 0.3, shape[:2])[..., None, None] * smooth)
        bias = random.normal(0, 0.1, shape[0]).astype(np.float32)
        layers.append(conv(weights.astype(np.float32), bias, name=f"conv{place + 1}", below=place))
    written = tmp_path_factory.mktemp("page") / "phone.html"
    written.write_text(filtviz.report(Network.of(layers, Origin(path=Path("phone.pkl")))), encoding="utf-8")
    return written


def box_of(page: Any, selector: str) -> dict[str, float]:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return dict(box)


@pytest.mark.slow
def test_the_page_of_the_example_is_half_as_long_as_it_was(tmp_path: Path, visit: Visit) -> None:
    page_file = tmp_path / "example.html"
    page_file.write_text(filtviz.report(EXAMPLE), encoding="utf-8")
    page = visit(page_file, **PHONE)
    for anchor in ("layer-0", "layer-5"):
        ready(page, anchor)
    assert page.evaluate("document.documentElement.scrollHeight") <= 28_756 / 2
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTH
    page.evaluate("scrollTo(0, 0)")
    assert box_of(page, ".glance img")["y"] < HEIGHT / 3  # pictures and answer on the first screen
    answer = box_of(page, ".summary")
    assert answer["y"] + answer["height"] < HEIGHT


@pytest.mark.parametrize("width", [1440, 2400])
def test_wide_windows_are_used(path: Path, visit: Visit, width: int) -> None:
    page = visit(path, viewport={"width": width, "height": 900})
    picture, answer = box_of(page, ".glances"), box_of(page, ".summary")
    assert answer["x"] > picture["x"] + picture["width"]  # side by side
    assert answer["y"] + answer["height"] < 900
    section = ready(page)
    right = section.locator(".panel").evaluate("panel => panel.getBoundingClientRect().right")
    assert right > 0.75 * width


def test_a_tapped_filter_opens_below_its_row_and_closes(path: Path, visit: Visit) -> None:
    page = visit(path, **PHONE)
    section = ready(page)
    panel = section.locator(".panel")
    assert not panel.is_visible()
    tile = section.locator(".tile").nth(7)
    tile.tap()
    assert panel.locator("h4").inner_text() == "Filter 7"
    beside, shown = tile.bounding_box(), panel.bounding_box()
    assert beside is not None
    assert shown is not None
    assert 0 <= shown["y"] - (beside["y"] + beside["height"]) < 60
    assert panel.evaluate("panel => getComputedStyle(panel).position") == "static"  # it covers nothing
    head = panel.locator(".head").bounding_box()
    assert head is not None
    assert head["y"] - shown["y"] < 20
    tile_after = section.locator(".tile").nth(12)
    tile_after.tap()
    assert panel.locator("h4").inner_text() == "Filter 12"
    moved = tile_after.bounding_box()
    assert moved is not None
    assert 0 <= moved["y"] < HEIGHT
    panel.get_by_role("button", name="Close").tap()
    assert not panel.is_visible()
    assert page.evaluate("document.activeElement.filter") == 12


def test_controls_stay_in_reach_and_leave_the_reader_in_place(path: Path, visit: Visit) -> None:
    page = visit(path, **PHONE)
    section = ready(page)
    tile = section.locator(".tile").nth(30)
    tile.evaluate("tile => tile.scrollIntoView({ block: 'center' })")
    for selector in ("#scale", "#size", ".layer.live [data-role=sort]"):
        box = box_of(page, selector)
        assert 0 <= box["y"] < HEIGHT / 5
    bars = [box_of(page, each) for each in ("#toolbar", ".layer.live .controls")]
    assert bars[1]["y"] >= bars[0]["y"] + bars[0]["height"] - 1  # neither covers the other
    assert sum(bar["height"] for bar in bars) < HEIGHT / 5
    held = page.evaluate("document.elementFromPoint(187, 406).closest('.tile').filter")
    place = f".tile >> nth={held}"
    before = box_of(page, place)["y"]
    page.locator("#size").evaluate("s => { s.value = 2; s.dispatchEvent(new Event('input')); }")
    page.wait_for_timeout(300)
    assert abs(box_of(page, place)["y"] - before) < 5
    section.locator("[data-role=sort]").select_option(label="norm")
    top = box_of(page, ".layer.live .tile")["y"]
    assert 0 < top < HEIGHT / 2


def test_filters_to_look_at_first_are_ways_to_them(path: Path, visit: Visit) -> None:
    page = visit(path, **PHONE)
    ready(page, "layer-1")
    link = page.locator(".layer:has(#layer-1) .to").first
    index = int(link.inner_text())
    link.tap()
    page.wait_for_function("index => document.activeElement.filter === index", arg=index)
    assert page.locator(".layer:has(#layer-1) .panel h4").inner_text() == f"Filter {index}"
    chosen = page.locator('.layer:has(#layer-1) .tile[aria-selected="true"]').bounding_box()
    assert chosen is not None
    assert 0 <= chosen["y"] < HEIGHT


def test_links_open_what_is_folded(path: Path, visit: Visit) -> None:
    page = visit(path)
    folded = page.locator(".layer:has(#layer-1) > details")
    if folded.get_attribute("open") is not None:
        folded.evaluate("fold => { fold.open = false; }")
    page.locator('.lines a[href="#layer-1"]').click()
    assert folded.get_attribute("open") is not None
    assert not page.locator("#verdict-updated").is_visible()
    page.locator(".lines .chip").first.click()
    page.wait_for_function("document.querySelector('#measures').checkVisibility()")
    page.locator("#evidence details[open]").first.evaluate("fold => { fold.open = false; }")
    page.locator(".lines .chip").first.click()  # the address is the same as before
    assert page.locator("#measures").is_visible()


def test_the_toolbar_leads_to_a_layer(path: Path, visit: Visit) -> None:
    page = visit(path, **PHONE)
    ready(page)
    page.locator("#jump").select_option("layer-2")
    page.wait_for_function("document.getElementById('layer-2').getBoundingClientRect().top < innerHeight / 2")
    assert page.locator("#layer-2").is_visible()
    assert page.locator("#jump").input_value() == "layer-2"
