"""``filtviz plot --badges``: what was found is written below the tiles and explained above them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import filtviz
from filtviz.cli import main
from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.sheet import NOTHING_FOUND, SheetTexts, with_badges
from filtviz.measures.badges import badges_of

TRAINED = str(Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl")
UNTRAINED = TRAINED.replace("-trained", "-untrained")


def plot(*arguments: str):
    return CliRunner().invoke(main, ["plot", *arguments])


@pytest.mark.slow
def test_badges_are_written_at_their_filters() -> None:
    network = filtviz.load(TRAINED)
    diagnosis = filtviz.diagnose(network).layers[2]
    layer = network.conv_layers[2]
    texts = with_badges(diagnosis, layer.n_filters, SheetTexts())
    found = badges_of(diagnosis)
    assert found
    for index, remark in enumerate(texts.remarks):
        assert remark == "".join(badge.symbol for badge in found.get(index, ()))
    (note,) = texts.notes
    assert "S low-pass when seen through the layers below" in note
    assert note.endswith("; without one nothing was found beyond chance")
    (page,) = draw(layer, tuple(range(layer.n_channels)), DrawingOptions(view="sheet"), texts)
    written = [text.get_text() for text in page.figure().texts]
    for remark in filter(None, texts.remarks):
        assert remark in written


@pytest.mark.slow
def test_badges_follow_the_remarks_that_are_there() -> None:
    network = filtviz.load(TRAINED)
    texts = SheetTexts(remarks=tuple(f"r {i}" for i in range(20)))
    marked = with_badges(filtviz.diagnose(network).layers[2], 20, texts).remarks
    assert all(text.split(" ")[:2] == ["r", str(i)] for i, text in enumerate(marked))
    assert any(len(text.split(" ")) == 3 for text in marked)


@pytest.mark.slow
def test_where_nothing_is_found_it_says_so() -> None:
    diagnosis = filtviz.diagnose(filtviz.load(UNTRAINED)).layers[0]
    assert badges_of(diagnosis) == {}
    assert with_badges(diagnosis, 20, SheetTexts()).notes == (NOTHING_FOUND,)


@pytest.mark.slow
def test_the_option_draws_a_sheet(tmp_path) -> None:
    result = plot(TRAINED, "--layer", "0", "--layer", "2", "--badges", "-o", str(tmp_path))
    assert result.exit_code == 0
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_badges_need_labels(tmp_path) -> None:
    result = plot(TRAINED, "--badges", "--no-labels", "-o", str(tmp_path / "x.png"))
    assert result.exit_code == 2
    assert "--badges are written with the labels: leave out --no-labels" in result.stderr
