"""What pictures take is known before anything of them is drawn, and before a weight is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.drawing.making import layer_of, pages_of, random_weights

from filtviz.budget import Account
from filtviz.drawing import DrawingOptions, estimates
from filtviz.drawing.estimates import pay_for_pages, pay_for_terminal, pay_for_view
from filtviz.drawing.options import LONGEST_SIDE, SheetOptions
from filtviz.drawing.sheet import SheetTexts
from filtviz.errors import BudgetError, DrawingError
from filtviz.network import ConvLayer

PLENTY = 10**15


def account(work: int = PLENTY, pixels: int = PLENTY) -> Account:
    return Account({"work": work, "pixels": pixels})


def spent(pay: Callable[[Account], None]) -> dict[str, int]:
    """What is paid; one less of either is refused, and just as much is enough."""
    own = account()
    pay(own)
    taken = {share: PLENTY - left for share, left in own.left.items()}
    enough = account()
    enough.left = dict(taken)
    pay(enough)
    assert set(enough.left.values()) == {0}
    for share, amount in taken.items():
        if amount:
            own = account()
            own.left = taken | {share: amount - 1}
            with pytest.raises(BudgetError, match=f"--max-{share}$"):
                pay(own)
    return taken


def cost_of_view(
    layer: ConvLayer, view: str = "grid", suffix: str = "png", **options: object
) -> dict[str, int]:
    drawing = DrawingOptions(view=view, **options)
    return spent(lambda own: pay_for_view(layer, range(layer.n_channels), drawing, suffix, own))


def unread(layer: ConvLayer) -> ConvLayer:
    """The layer, whose weights nobody may look at."""
    weights = replace(layer.weights, read=lambda: pytest.fail("the weights were read"))
    convolution = replace(layer.convolution, weights=weights)
    return replace(layer, operations=(convolution,), parameters=(weights,))


@pytest.mark.cases("all")
@pytest.mark.parametrize("view", ["grid", "sheet", "rms", "components", "nmf"])
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_no_weight_is_read_to_know_what_a_view_takes(view, suffix):
    layer = unread(layer_of(random_weights(6, 4, 3, 3)))
    assert cost_of_view(layer, view, suffix)["work"] > 0


def test_each_channel_is_a_page_of_nolearns():
    one = cost_of_view(layer_of(random_weights(9, 1, 3, 3)))
    five = cost_of_view(layer_of(random_weights(9, 5, 3, 3)))
    assert one["pixels"] == 360_000
    assert five["pixels"] == 5 * 360_000
    assert cost_of_view(layer_of(random_weights(9, 1, 3, 3)), dpi=200)["pixels"] == 4 * 360_000


@pytest.mark.cases("all")
@pytest.mark.parametrize("view", ["grid", "sheet", "components", "nmf"])
def test_work_grows_with_the_weights(view):
    small, large = (layer_of(random_weights(n, 2, 40, 40)) for n in (1, 100))
    assert cost_of_view(large, view)["work"] > 5 * cost_of_view(small, view)["work"]


def test_only_an_order_by_likeness_grows_with_the_square_of_the_filters():
    layer = layer_of(random_weights(2_000, 1, 1, 1))
    alike = SheetOptions(sort="similarity")
    pairs = cost_of_view(layer, "sheet", sheet=alike)["work"] - cost_of_view(layer, "sheet")["work"]
    assert pairs >= 1_000 * 2_000**2


def cost_of_pages(layer: ConvLayer, suffix: str = "png", **sheet: object) -> dict[str, int]:
    pages = pages_of(layer, **sheet)
    return spent(lambda own: pay_for_pages(pages, suffix, own, "drawing conv1"))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1, 5, 5), (64, 3, 3, 3), (300, 1, 2, 2), (40, 40, 3, 3)])
def test_pixels_of_sheets_are_foretold_and_never_too_low(shape):
    layer = layer_of(random_weights(*shape))
    drawn = sum(page.image().width * page.image().height for page in pages_of(layer))
    assert drawn <= cost_of_pages(layer)["pixels"] <= 3 * drawn


def test_pages_of_a_given_size_take_that():
    layer = layer_of(random_weights(4, 1, 3, 3))
    assert cost_of_pages(layer, figsize=(7, 8))["pixels"] == 700 * 800


def test_texts_are_work():
    layer = layer_of(random_weights(400, 1, 3, 3))
    vector, pixels = (cost_of_pages(layer, suffix, figsize=(40, 40))["work"] for suffix in ("svg", "png"))
    assert vector - pixels >= 400 * 400_000


def test_a_page_that_no_picture_holds_is_refused_before_it_is_drawn():
    pages = pages_of(layer_of(np.zeros((1, 1, 1, 70_000), "f4")))
    with pytest.raises(DrawingError, match=r"a side must be under 65,536: nolearn's layout, which"):
        pay_for_pages(pages, "png", account(), "drawing conv1")


@pytest.mark.parametrize("sides", [(1, LONGEST_SIDE), (LONGEST_SIDE, 1), (1, LONGEST_SIDE - 1)])
def test_the_longest_side_is_the_first_that_is_refused(sides, monkeypatch):
    monkeypatch.setattr(estimates, "_size_of", lambda _: sides)
    pages = pages_of(layer_of(random_weights(1, 1, 3, 3)))
    if LONGEST_SIDE in sides:
        with pytest.raises(DrawingError, match="takes a page of 65,536 pixels"):
            pay_for_pages(pages, "png", account(), "drawing conv1")
    else:
        pay_for_pages(pages, "png", account(), "drawing conv1")


def test_memory_of_one_page_counts_by_itself():
    pages = pages_of(layer_of(random_weights(4, 1, 3, 3)), figsize=(100, 100))
    with pytest.raises(BudgetError, match=r"--max-work$"):
        pay_for_pages(pages, "png", account(work=10**9), "drawing conv1")


def test_a_terminal_is_paid_for_by_its_weights():
    small, large = (pages_of(layer_of(random_weights(n, 2, 3, 3)))[0] for n in (1, 10))
    costs = [spent(lambda own, page=page: pay_for_terminal(page, own, "showing")) for page in (small, large)]
    assert costs[1]["work"] == 10 * costs[0]["work"]
    assert costs[0]["pixels"] == 0


def test_captions_that_are_empty_or_alike_are_laid_out_once():
    layer = layer_of(random_weights(100, 3, 3, 3))
    work = {
        kind: spent(
            lambda own, remarks=remarks: pay_for_pages(
                pages_of(layer, texts=SheetTexts(remarks=remarks), figsize=(30, 30)), "png", own, "drawing"
            )
        )["work"]
        for kind, remarks in (("alike", ("dead",) * 100), ("apart", tuple(f"r .{i}" for i in range(100))))
    }
    assert work["apart"] - work["alike"] == 99 * 700_000
