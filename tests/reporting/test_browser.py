"""The page in a real browser: it draws the weights, its controls work, everybody can use it."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.building import conv, image

import filtviz
from filtviz.network import Network, Origin
from filtviz.reporting.pictures import NOT_FINITE_LEVEL, SPAN, ZERO, lay_out, palette

from .conftest import WATCH_POLICY, Visit
from .models import ATTACKS, network

THEMES = ("light", "dark")

DRAWN_IN_VIEW = """id => {
  const section = document.getElementById(id).closest(".layer");
  section.querySelector("details").open = true;
  const tiles = section.querySelector(".tile") ?? section.querySelector(".explorer");
  tiles.scrollIntoView({ block: "center" }); // anew each time: what is built above may move it
  return section.querySelector(".tile canvas");
}"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "one.html"
    path.write_text(filtviz.report(model()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "several.html"
    models = [network((6, 1, 3, 3), (8, 6, 3, 3), path=f"{i}.pkl", seed=i) for i in range(3)]
    path.write_text(filtviz.report(models), encoding="utf-8")
    return path


def model() -> Network:
    """A colour layer whose filter 3 is strong and smooth, and filter 4 half of it; then a deeper one."""
    random = np.random.default_rng(5)
    first = random.uniform(-0.2, 0.2, (12, 3, 5, 5)).astype(np.float32)
    first[3] = np.linspace(0.5, 1.0, 25).reshape(5, 5)
    first[4] = first[3] / 2
    second = random.uniform(-0.2, 0.2, (10, 12, 3, 3)).astype(np.float32)
    entrance = image(3, 64, 64)
    layers = [entrance, conv(first, name="edges", below=0), conv(second, name="deep", below=1)]
    return Network.of(layers, Origin(path=Path("one.pkl"), kind="a Lasagne network"))


def ready(page: Any, anchor: str = "layer-0") -> Any:
    """Return the section of a layer once its tiles are drawn."""
    page.wait_for_function(DRAWN_IN_VIEW, arg=anchor)
    return page.locator(f".layer:has(#{anchor})")


def pixels(canvas: Any) -> np.ndarray:
    """Return the colours of a canvas, ``(rows, cols, 3)``, once what was asked for is drawn."""
    canvas.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
    flat, width = canvas.evaluate(
        "c => [[...c.getContext('2d').getImageData(0, 0, c.width, c.height).data], c.width]"
    )
    return np.array(flat).reshape(-1, width, 4)[..., :3]


def indices(section: Any) -> list[int]:
    """Return the filters of the tiles, in the order in which they stand."""
    return section.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.filter)")


def diverging(weights: np.ndarray, limit: float) -> np.ndarray:
    return np.array(palette())[np.floor(ZERO + weights / limit * SPAN + 0.5).astype(int)]


def test_tiles_show_the_weights_on_one_scale(one: Path, visit: Visit) -> None:
    section = ready(visit(one))
    section.locator("[data-role=picture]").select_option(label="channel 1")
    filters = model().conv_layers[0].filters.astype(float)
    for index in (0, 3, 7):
        shown = pixels(section.locator(".tile").nth(index).locator("canvas").first)
        expected = diverging(filters[index, 1], 1.0)
        # 16 bits decide between two neighbouring colours once in hundreds of weights.
        assert np.abs(shown - expected).max() <= 4
        assert (shown == expected).mean() > 0.9


def test_nolearns_scale_is_one_choice_away(one: Path, visit: Visit) -> None:
    page = visit(one)
    section = ready(page)
    section.locator("[data-role=picture]").select_option(label="channel 0")
    page.locator("#scale").select_option("nolearn")
    filters = model().conv_layers[0].filters.astype(float)
    for index in (0, 4):
        kernel = filters[index, 0]
        grey = np.minimum(255, np.floor((kernel - kernel.min()) / np.ptp(kernel) * 256))
        shown = pixels(section.locator(".tile").nth(index).locator("canvas").first)
        assert np.abs(shown - grey[..., np.newaxis]).max() <= 1
        assert (shown.min(), shown.max()) == (0, 255)
    assert "noise looks as strong as signal" in section.locator("[data-role=legend]").inner_text()


@pytest.mark.parametrize(("scale", "strongest"), [("layer", 0.5), ("filter", 1.0), ("kernel", 1.0)])
def test_scales(one: Path, visit: Visit, scale: str, strongest: float) -> None:
    page = visit(one)
    section = ready(page)
    section.locator("[data-role=picture]").select_option(label="channel 0")
    page.locator("#scale").select_option(scale)
    kernel = model().conv_layers[0].filters[4, 0].astype(float)
    shown = pixels(section.locator(".tile").nth(4).locator("canvas").first)
    assert np.abs(shown - diverging(kernel, 0.5 / strongest)).max() <= 4


def test_three_channels_are_shown_in_colour(one: Path, visit: Visit) -> None:
    section = ready(visit(one))
    assert section.locator("[data-role=picture]").evaluate("s => s.selectedOptions[0].text") == "in colour"
    shown = pixels(section.locator(".tile").nth(3).locator("canvas").first)
    expected = np.rint(127.5 + 127.5 * model().conv_layers[0].filters[3].astype(float)).transpose(1, 2, 0)
    assert np.abs(shown - expected).max() <= 1


def test_all_channels_components_and_composed(one: Path, visit: Visit) -> None:
    section = ready(visit(one), "layer-1")
    tile = section.locator(".tile").first
    assert pixels(tile.locator("canvas").nth(0)).shape[:2] == (
        3 * 4 - 1,
        4 * 4 - 1,
    )  # 12 channels, 4 in a row
    assert pixels(tile.locator("canvas").nth(1)).shape[:2] == (7, 7)
    section.locator("[data-role=picture]").select_option(label="component 1")
    assert pixels(tile.locator("canvas").first).shape[:2] == (3, 3)
    assert tile.locator("canvas").count() == 2
    assert "rectify after edges was left out" in section.locator("[data-role=notes]").inner_text()
    section.locator("[data-role=beside]").uncheck()
    assert pixels(tile.locator("canvas").first).shape[:2] == (3, 3)
    assert tile.locator("canvas").count() == 1
    assert tile.locator(".index").inner_text().endswith(" %")


def test_what_is_not_finite_has_its_own_colour(tmp_path: Path, visit: Visit) -> None:
    weights = np.ones((4, 1, 3, 3), np.float32)
    weights[2, 0, 1, 1] = np.nan
    entrance = image(1, 8, 8)
    path = tmp_path / "nan.html"
    broken = Network.of([entrance, conv(weights, name="conv1", below=0)], Origin(path=Path("nan.pkl")))
    path.write_text(filtviz.report(broken), encoding="utf-8")
    section = ready(visit(path))
    shown = pixels(section.locator(".tile").nth(2).locator("canvas").first)
    assert tuple(shown[1, 1]) == palette()[NOT_FINITE_LEVEL]
    assert tuple(shown[0, 0]) == palette()[255]
    section.locator(".tile").nth(2).click()
    assert section.locator(".weights td", has_text="not finite").count() == 1


def test_sort_and_filter(one: Path, visit: Visit) -> None:
    section = ready(visit(one))
    norms = np.linalg.norm(model().conv_layers[0].filters.reshape(12, -1).astype(float), axis=1)
    assert indices(section) == list(range(12))
    section.locator("[data-role=sort]").select_option(label="norm")
    ordered = norms[indices(section)]
    assert sorted(indices(section)) == list(range(12))
    assert (np.diff(ordered) < 0.005 * ordered[1:]).all()  # the page knows norms to three digits
    badge = section.locator("[data-role=badge]")
    badge.select_option(label="near-duplicate of another filter (|cos| of .95 or more) (2)")
    assert indices(section) == [3, 4]
    assert section.locator("[data-role=count]").inner_text() == "2 of 12 filters"
    badge.select_option("")
    section.locator("[data-role=sort]").select_option("")
    assert indices(section) == list(range(12))


def test_hovering_shows_numbers_and_leaving_shows_the_chosen_again(one: Path, visit: Visit) -> None:
    page = visit(one)
    section = ready(page)
    panel = section.locator(".panel")
    section.locator(".tile").nth(3).hover()
    assert panel.locator("h4").inner_text() == "Filter 3"
    text = panel.inner_text()
    assert "near-duplicate of another filter" in text
    assert "near-duplicate of 4" in text
    page.locator("h1").hover()
    assert panel.locator("h4").inner_text() == "Filter 0"


def test_the_numbers_are_the_weights(one: Path, visit: Visit) -> None:
    section = ready(visit(one))
    section.locator(".tile").nth(7).click()
    panel = section.locator(".panel")
    panel.locator("select").select_option(label="channel 2")
    cells = panel.locator(".weights td").all_inner_texts()
    kernel = model().conv_layers[0].filters[7, 2].ravel()
    shown = np.array([float(cell) for cell in cells if cell])
    np.testing.assert_allclose(shown, kernel, atol=1e-4)
    rows = dict(row.split("\t") for row in panel.locator(".numbers").inner_text().splitlines() if "\t" in row)
    filters = model().conv_layers[0].filters[7]
    assert float(rows["norm"]) == pytest.approx(float(np.linalg.norm(filters)), rel=1e-2)
    assert float(rows["lowest weight"]) == pytest.approx(float(filters.min()), rel=1e-2)


def test_arrow_keys_move_through_the_tiles(one: Path, visit: Visit) -> None:
    page = visit(one)
    section = ready(page)
    focused = "document.activeElement.filter"
    section.locator(".tile").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == 1
    assert section.locator(".panel h4").inner_text() == "Filter 1"
    page.keyboard.press("End")
    assert page.evaluate(focused) == 11
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == 11
    page.keyboard.press("Home")
    tops = section.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.offsetTop)")
    page.keyboard.press("ArrowDown")
    below = tops.index(min(top for top in tops if top > tops[0])) if len(set(tops)) > 1 else 0
    assert page.evaluate(focused) == below
    assert section.locator('.tile[tabindex="0"]').count() == 1
    assert section.locator('.tile[aria-selected="true"]').count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "panel"


def test_a_tile_says_what_it_is(one: Path, visit: Visit) -> None:
    section = ready(visit(one))
    label = section.locator(".tile").nth(4).get_attribute("aria-label")
    assert label is not None
    assert label.startswith("Filter 4, norm 3.3")
    assert "near-duplicate of another filter" in label
    assert section.locator(".tiles").get_attribute("aria-label") == "Filters of edges"


def test_checkpoints_stand_side_by_side(several: Path, visit: Visit) -> None:
    page = visit(several)
    section = ready(page)
    assert section.locator(".tile").first.locator("canvas").count() == 3
    assert "from the left: 0.pkl, 1.pkl, 2.pkl" in section.locator("[data-role=notes]").inner_text()
    heads = section.locator(".panel .numbers thead th").all_inner_texts()
    assert heads[:4] == ["number", "0.pkl", "1.pkl", "2.pkl"]
    moved = section.locator("details table tbody tr", has_text="Root mean square")
    assert moved.locator("svg polyline").count() == 1


@pytest.mark.parametrize(
    ("which", "width", "scheme"),
    [("one", 1280, "light"), ("one", 375, "dark"), ("several", 1280, "dark"), ("several", 375, "light")],
)
def test_accessibility(request: Any, visit: Visit, which: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    viewport = {"width": width, "height": 800}
    page = visit(request.getfixturevalue(which), color_scheme=scheme, viewport=viewport)
    page.locator("details:not([open]) summary").evaluate_all("all => all.forEach(each => each.click())")
    for anchor in ("layer-0", "layer-1"):
        ready(page, anchor)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 20
    assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []


@pytest.mark.parametrize("scheme", THEMES)
def test_the_switch_outweighs_the_system(one: Path, visit: Visit, scheme: str) -> None:
    page = visit(one, color_scheme=scheme)
    brightness = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    follows = page.evaluate(brightness)
    assert (follows > 128) == (scheme == "light")
    other = next(theme for theme in THEMES if theme != scheme)
    page.locator("#theme").select_option(other)
    assert (page.evaluate(brightness) > 128) == (other == "light")
    page.locator("#theme").select_option("")
    assert page.evaluate(brightness) == follows


def test_without_script_pictures_and_sentences_are_there(one: Path, visit: Visit) -> None:
    page = visit(one, java_script_enabled=False)
    images = page.locator(".sheets img")
    assert images.count() == 4
    for sprite in images.all():
        box = sprite.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 50
    assert not page.locator("#toolbar").is_visible()
    assert page.locator(".summary").is_visible()
    assert page.locator(".lines tbody tr").count() == 2


def test_without_script_the_picture_has_the_same_colours(one: Path, visit: Visit, tmp_path: Path) -> None:
    from PIL import Image

    page = visit(one, java_script_enabled=False)
    image = page.locator("#layer-0-kernels-0")
    image.screenshot(path=tmp_path / "sheet.png")
    shown = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    zoom, across = 8, lay_out(12, 3, 5, 5).across
    filters = model().conv_layers[0].filters.astype(float).reshape(-1, 5, 5)
    for place in (0, 9, 10):  # of filters 0 and 3
        top, left = place // across * 6 * zoom + zoom // 2, place % across * 6 * zoom + zoom // 2
        kernel = shown[top : top + 5 * zoom : zoom, left : left + 5 * zoom : zoom]
        assert np.abs(kernel - diverging(filters[place], 1.0)).max() <= 5


def test_names_that_attack_do_nothing(tmp_path: Path, visit: Visit) -> None:
    shapes = [(4, 1 if i == 0 else 4, 3, 3) for i in range(len(ATTACKS))]
    attacked = [
        network(*shapes, names=ATTACKS, origin=Origin(path=Path(name), kind=name, notes=ATTACKS))
        for name in (ATTACKS[1], ATTACKS[2])
    ]
    path = tmp_path / "attacked.html"
    path.write_text(filtviz.report(attacked), encoding="utf-8")
    page = visit(path, viewport={"width": 375, "height": 800})
    for place in range(len(ATTACKS)):
        section = ready(page, f"layer-{place}")
        section.locator(".tile").first.hover()
    assert page.locator("script").count() == len(ATTACKS) + 2  # data, the palette, the script
    assert (
        page.evaluate(
            "document.querySelectorAll('body img:not(.sprite, .glance img), body b b, body style').length"
        )
        == 0
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_policy_is_obeyed(one: Path, browser: Any) -> None:
    """What the other tests find none of does occur where something is wrong."""
    page = browser.new_page()
    logged: list[str] = []
    page.add_init_script(WATCH_POLICY)
    page.on("console", lambda message: logged.append(message.text))
    page.goto(one.as_uri())
    with pytest.raises(Exception, match="TrustedScript"):
        page.evaluate("() => document.body.setAttribute('onclick', 'window.hit = 1')")
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate("() => { document.body.innerHTML = '<b>'; }")
    page.evaluate("() => document.body.setAttribute('style', 'color: red')")
    page.evaluate(
        "() => { const a = document.createElement('a'); a.href = 'javascript:hit = 1'; a.click(); }"
    )
    page.wait_for_function("violations.length >= 4")
    refused = page.evaluate("violations")
    assert page.evaluate("window.hit") is None
    page.context.close()
    assert {"style-src-attr", "require-trusted-types-for"} <= set(refused)
    assert logged


def test_it_prints(one: Path, visit: Visit) -> None:
    page = visit(one)
    ready(page)
    page.emulate_media(media="print")
    assert page.locator(".sheets img").first.is_visible()
    assert not page.locator(".tile").first.is_visible()
    assert not page.locator("#toolbar").is_visible()
    assert page.locator(".measures").first.is_visible()
    assert page.locator(".histogram").first.is_visible()  # which the script has moved beside the tiles
    assert page.pdf().startswith(b"%PDF")


def test_it_prints_on_white_whatever_the_theme(one: Path, visit: Visit) -> None:
    page = visit(one, color_scheme="dark")
    page.locator("#theme").select_option("dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_choices_are_not_cut_off(one: Path, visit: Visit) -> None:
    page = visit(one)
    for option in page.locator("#scale option").all():
        page.locator("#scale").select_option(option.get_attribute("value"))
        written = page.locator("#scale").evaluate(
            """select => {
              const text = document.createElement("span");
              text.append(select.selectedOptions[0].text);
              select.after(text);
              const width = text.getBoundingClientRect().width;
              text.remove();
              return width;
            }"""
        )
        box = page.locator("#scale").bounding_box()
        assert box is not None
        assert box["width"] > written + 10


@pytest.mark.slow
def test_hundreds_of_thousands_of_kernels_are_drawn_when_seen(tmp_path: Path, visit: Visit) -> None:
    random = np.random.default_rng(0)
    layers = [image(1, 64, 64)]
    layers.append(conv(random.normal(size=(512, 512, 3, 3)).astype(np.float32), name="wide", below=0))
    path = tmp_path / "wide.html"
    wide = Network.of(layers, Origin(path=Path("wide.pkl")))
    path.write_text(filtviz.report(wide, filtviz.ReportOptions(megabytes=16)), encoding="utf-8")
    start = time.monotonic()
    page = visit(path)
    assert time.monotonic() - start < 5
    section = ready(page)
    assert section.locator(".tile").count() == 512
    assert section.locator(".tile canvas").count() < 200
    assert pixels(section.locator(".tile canvas").first).shape[1] == math.ceil(math.sqrt(512)) * 4 - 1
    start = time.monotonic()
    section.locator(".tile").last.scroll_into_view_if_needed()
    section.locator(".tile").last.locator("canvas").wait_for()
    assert time.monotonic() - start < 3
