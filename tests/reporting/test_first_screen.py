"""The first screen: the answer beside its pictures, a line for each layer; what changed since before."""

from __future__ import annotations

import html
import json
import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from markupsafe import Markup
from PIL import Image
from tests.building import conv, image

import filtviz
from filtviz.cli import main
from filtviz.composition import compose
from filtviz.drawing.colours import scale_kernels
from filtviz.measures.conclusions import noise_of
from filtviz.measures.verdicts import VERDICTS
from filtviz.network import ConvLayer, Network, Origin
from filtviz.reporting import ReportOptions, gather
from filtviz.reporting.pictures import (
    LARGEST_AT_A_GLANCE,
    MOST_AT_A_GLANCE,
    SPAN,
    ZERO,
    Glance,
    glance_composed,
    glance_stored,
    glance_usual,
)
from filtviz.reporting.rendering import unbroken

from .models import network

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_a_word_with_hyphens_stands_on_one_line_and_others_are_as_they_were() -> None:
    assert unbroken("see run-1/net.pkl, or --size <b>") == Markup(
        'see <span class="whole">run-1/net.pkl,</span> or <span class="whole">--size</span> &lt;b&gt;'
    )
    assert unbroken("a word \u202e or two") == "a word \\u202e or two"


def layer(*shape: int, name: str = "first") -> ConvLayer:
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Network.of([image(shape[1], 64, 64), conv(weights, name=name, below=0)]).conv_layers[0]


def shown(glance: Glance, index: int) -> np.ndarray:
    """The levels of one filter in a picture."""
    layout = glance.sprite.layout
    canvas = np.asarray(Image.open(BytesIO(glance.sprite.png))).astype(int)
    top = index // layout.across * (layout.rows + layout.gap)
    left = index % layout.across * (layout.cols + layout.gap)
    return canvas[top : top + layout.rows, left : left + layout.cols]


def test_the_usual_picture_is_nolearns() -> None:
    first = layer(10, 2, 5, 5)
    glance = glance_usual(first)
    assert glance.sprite.layout.across == 4
    for index in (0, 7):
        expected = np.rint(scale_kernels(first.filters[:, 0])[index] * 255)
        np.testing.assert_array_equal(shown(glance, index), expected)
    assert (shown(glance, 11) == 255).all()  # an empty place
    assert (glance.title, glance.weights) == ("first, as usually drawn", False)
    assert glance.note.endswith("input channel 0 of 2")
    assert "channel" not in glance_usual(layer(4, 1, 3, 3)).note


def test_what_is_stored_is_on_one_scale() -> None:
    first = layer(6, 1, 3, 3)
    glance = glance_stored(first)
    assert glance is not None
    expected = ZERO + np.rint(first.filters[4, 0] / np.abs(first.filters).max() * SPAN)
    np.testing.assert_array_equal(shown(glance, 4), expected)
    assert (shown(glance, 7) == ZERO).all()
    assert glance.weights
    broken = np.full((4, 1, 3, 3), np.nan, np.float32)
    assert glance_stored(Network.of([image(1), conv(broken, below=0)]).conv_layers[0]) is None


def test_three_channels_of_the_image_are_in_colour_and_no_others() -> None:
    colour = glance_stored(layer(6, 3, 3, 3))
    assert colour is not None
    assert (shown(colour, 0).shape, colour.weights) == ((3, 3, 3), False)
    assert colour.note.endswith("in colour, grey is zero")
    other = glance_stored(layer(6, 5, 3, 3))
    assert other is not None
    assert (shown(other, 0).shape, other.weights) == ((3, 3), True)
    assert other.note.startswith("the strongest pattern of each filter over its channels")


def test_composed_filters_are_those_of_compose() -> None:
    model = network((4, 1, 3, 3), (5, 4, 3, 3))
    glance = glance_composed(model, model.conv_layers[1])
    assert glance is not None
    templates = compose(model, model.conv_layers[1]).templates
    expected = ZERO + np.rint(templates[3, 0] / np.abs(templates).max() * SPAN)
    np.testing.assert_array_equal(shown(glance, 3), expected)
    assert glance.note.startswith("5×5 pixels of the image for each filter")
    unknown = model.conv_layers[1]
    operations = (replace(unknown.operations[0], pad=None), *unknown.operations[1:])
    broken = Network.of([*model.layers[:2], replace(unknown, operations=operations)])
    assert glance_composed(broken, broken.conv_layers[1]) is None


def test_of_many_filters_the_strongest_are_shown_and_large_ones_are_shrunk() -> None:
    glance = glance_stored(layer(MOST_AT_A_GLANCE + 1, 1, 3, 3))
    assert glance is not None
    assert glance.sprite.layout.n == MOST_AT_A_GLANCE
    assert f"the {MOST_AT_A_GLANCE} strongest of {MOST_AT_A_GLANCE + 1} filters" in glance.note
    wide = network((2, 1, 2 * LARGEST_AT_A_GLANCE, 3), (2, 2, 3, 3))
    seen = glance_composed(wide, wide.conv_layers[1])
    assert seen is not None
    assert max(seen.sprite.layout.rows, seen.sprite.layout.cols) <= LARGEST_AT_A_GLANCE
    assert seen.note.startswith(f"{2 * LARGEST_AT_A_GLANCE + 2}×5 pixels")


@pytest.mark.slow
def test_the_first_screen_has_the_answer_its_pictures_and_a_line_a_layer() -> None:
    content = gather(EXAMPLES / "mission-trained.pkl")
    usual, best = (glance for _, glance in content.glances)
    assert (usual.conv_index, usual.title) == (0, "conv1, as usually drawn")
    assert (best.conv_index, best.title) == (5, "conv6, seen through the layers below it")
    page = html.unescape(filtviz.report(EXAMPLES / "mission-trained.pkl"))
    assert "not composed with the layers below: a pooling" not in page[page.index('id="layer-5"') :]
    assert "not composed with the layers below: a pooling" in page  # as conv4 is not
    first = page[page.index('<div class="first">') : page.index('id="layers"')]
    diagnosis = content.main.diagnosis
    assert diagnosis.answer in first
    assert diagnosis.look in first
    rows = re.findall(r'<tr><th scope="row">(.*?)</tr>', first, re.DOTALL)
    assert len(rows) == 6
    for row, judged in zip(rows, diagnosis.layers, strict=True):
        text = re.sub("<[^>]*>", "|", row)
        for said in (
            judged.name,
            VERDICTS[judged.verdict].word,
            noise_of([judged]),
            judged.seen,
        ):
            assert said in text


@pytest.mark.slow
def test_an_untrained_network_is_shown_twice_as_it_is() -> None:
    content = gather(EXAMPLES / "mission-untrained.pkl")
    assert [glance.title for _, glance in content.glances] == [
        "conv1, as usually drawn",
        "conv1, on one scale",
    ]


def test_what_cannot_be_judged_and_what_is_not_there_has_no_second_picture() -> None:
    equal = conv(np.ones((4, 1, 3, 3), np.float32), name="conv1", below=0)
    assert [each.title for _, each in gather(Network.of([image(1), equal])).glances] == [
        "conv1, as usually drawn"
    ]
    assert gather(Network.of([image(1)])).glances == ()


@pytest.fixture
def states() -> tuple[Network, Network]:
    """A network whose second layer moved far, before and after."""
    before = network((8, 1, 3, 3), (8, 8, 3, 3), path="before.pkl", names=("one", "two"))
    first, second = before.conv_layers
    moved = second.filters + np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3)
    layers = [
        before.layers[0],
        before.layers[1],
        conv(moved, second.b, name="two", below=1, flip_filters=True),
    ]
    assert first.name == "one"
    return before, Network.of(layers, Origin(path=Path("after.pkl"), kind="a Lasagne network"))


@pytest.mark.slow
def test_before_shows_what_changed_in_the_words_of_diagnose(states: tuple[Network, Network]) -> None:
    before, after = states
    content = gather(after, before=before)
    assert content.title == "Filters of after.pkl, and what changed since before.pkl"
    assert [file.label for file in content.files] == ["before.pkl", "after.pkl"]
    assert (content.n_before, content.main.label) == (1, "after.pkl")
    told = filtviz.diagnose(after, before=[("before.pkl", before)])
    assert content.main.diagnosis.answer == told.answer
    assert [line.last.residue for line in content.lines] == [each.residue for each in told.layers]
    assert [glance.title for _, glance in content.glances][:2] == [
        "one in before.pkl, as usually drawn",
        "one in after.pkl, as usually drawn",
    ]
    page = filtviz.report(after, before=before)
    assert '<th scope="col">as before</th>' in page
    assert "<b>before.pkl</b> by itself" not in page  # it was given to compare with
    assert "YOUR-" not in page[: page.index('id="layers"')]


@pytest.mark.slow
def test_without_a_file_before_nothing_is_measured(states: tuple[Network, Network]) -> None:
    page = filtviz.report(states[1])
    assert '<th scope="col">noise</th>' in page
    assert "as before" not in page
    assert gather(states[1]).title == "Filters of after.pkl"


@pytest.mark.slow
def test_each_model_is_compared_with_all_files_before(states: tuple[Network, Network]) -> None:
    before, after = states
    later = replace(after, origin=replace(after.origin, path=Path("later.pkl")))
    compared = [
        [change.before for change in file.diagnosis.layers[0].changes]
        for file in gather([after, later], before=[before]).files
    ]
    assert compared == [[], ["before.pkl"], ["before.pkl"]]
    compared = [
        [change.before for change in file.diagnosis.layers[0].changes]
        for file in gather([later], before=[before, after]).files
    ]
    assert compared == [[], [], ["before.pkl", "after.pkl"]]


@pytest.mark.slow
def test_each_of_several_models_has_its_own_answer_and_pictures(states: tuple[Network, Network]) -> None:
    before, after = states
    later = replace(after, origin=replace(after.origin, path=Path("later.pkl")))
    content = gather([before, after, later])
    assert (content.is_measured, content.title) == (False, "Filters of before.pkl, after.pkl, later.pkl")
    for own, file in zip((before, after, later), content.files, strict=True):
        assert file.diagnosis.answer == filtviz.diagnose(own).answer
        assert content.glances_of(file)[0].title == "one, as usually drawn"
        assert len(content.glances_of(file)) == 2
    page = html.unescape(filtviz.report([before, after, later]))
    first = page[page.index('id="answer-title"') : page.index('id="layers"')]
    assert first.index(content.difference) < first.index("<article>")
    articles = re.findall(r"<article>(.*?)</article>", first, re.DOTALL)
    for file, article in zip(content.files, articles, strict=True):
        assert f"<h3>{file.label}</h3>" in article
        assert file.diagnosis.answer in article
        assert article.count("<img ") == 2
    assert "already" not in first
    assert page.index("<article>") < page.index('class="lines')
    assert "<article>" not in filtviz.report(after, before=before)


@pytest.mark.slow
def test_of_many_models_a_few_have_pictures_and_all_have_answers() -> None:
    models = [network((2, 1, 3, 3), path=f"net{i}.pkl", seed=i) for i in range(6)]
    content = gather(models)
    assert content.title == "Filters of 6 models"
    assert [bool(content.glances_of(file)) for file in content.files] == [True] * 4 + [False] * 2
    page = filtviz.report(models)
    assert "<summary>The answer for 2 more models</summary>" in page
    assert "<p><b>net5.pkl</b>: " in page


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", np.ones((2, 1, 3, 3), "f4"))
    Path("bad.pkl").write_bytes(b"nonsense")
    ran = CliRunner().invoke(main, ["report", "bad.pkl", "net.npz", "-o", "page.html"])
    assert (ran.exit_code, ran.stdout) == (1, "page.html\n")
    assert ran.stderr.startswith("filtviz: bad.pkl: ")
    told = ran.stderr.splitlines()[0].removeprefix("filtviz: ")
    assert f'<p class="note">{told}</p>' in html.unescape(Path("page.html").read_text("utf-8"))
    printed = json.loads(CliRunner().invoke(main, ["report", "bad.pkl", "net.npz", "--json"]).stdout)
    good, bad = printed["models"]
    assert bad == {"file": "bad.pkl", "status": "failed", "code": "unsupported", "reason": told}
    assert (good["file"], good["label"], good["status"]) == ("net.npz", "net.npz", "diagnosed")
    assert not printed["complete"]
    both = CliRunner().invoke(main, ["report", "bad.pkl", "missing.pkl"])
    assert (both.exit_code, both.stdout, len(both.stderr.splitlines())) == (1, "", 2)
    whole = CliRunner().invoke(main, ["report", "net.npz", "--json"])
    assert (whole.exit_code, json.loads(whole.stdout)["complete"]) == (0, True)


@pytest.mark.slow
def test_a_layer_that_only_the_file_before_has_is_a_line_too(states: tuple[Network, Network]) -> None:
    before, _ = states
    shorter = Network.of(before.layers[:2], Origin(path=Path("after.pkl")))
    lines = gather(shorter, before=before).lines
    assert [[state is not None for state in line.states] for line in lines] == [[True, True], [True, False]]
    assert lines[1].last.name == "two"
    chosen = gather(
        states[1], ReportOptions(layers=(0,)), before=before
    ).lines  # a line says all that is known
    assert [(None not in line.states, line.section is not None) for line in chosen] == [
        (True, True),
        (True, False),
    ]


@pytest.mark.slow
def test_before_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in ("untrained", "trained"):
        shutil.copy(EXAMPLES / f"mission-{stage}.pkl", tmp_path)
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(main, ["report", "mission-trained.pkl", "--before", "mission-untrained.pkl"])
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "mission-trained-report.html\n", "")
    page = Path("mission-trained-report.html").read_text("utf-8")
    page = re.sub('<span class="whole">([^<]*)</span>', r"\1", page)
    assert "95% of what you see was in mission-untrained.pkl already" in page
    again = CliRunner().invoke(main, ["report", "mission-trained.pkl", "--before", "missing.pkl"])
    assert again.exit_code == 1
    assert "missing.pkl" in again.stderr
    refused = [
        "report",
        "mission-trained.pkl",
        "--before",
        "mission-untrained.pkl",
        "-o",
        "mission-untrained.pkl",
    ]
    assert "it is one of the files given" in CliRunner().invoke(main, refused).stderr


@pytest.mark.slow
def test_the_page_names_no_option_that_report_lacks_and_its_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(EXAMPLES / "mission-trained.pkl", tmp_path)
    monkeypatch.chdir(tmp_path)
    text = filtviz.report("mission-trained.pkl")
    text = re.sub(r"<script.*?</script>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    codes = [
        html.unescape(re.sub("<[^>]*>", "", each)) for each in re.findall("<code>.*?</code>", text, re.DOTALL)
    ]
    elsewhere = html.unescape(re.sub("<code>.*?</code>|<[^>]*>", " ", text, flags=re.DOTALL))
    report = main.get_command(click.Context(main), "report")
    assert report is not None
    known = {option for each in report.params for option in each.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", elsewhere)) <= known
    assert len(codes) == 3
    for command in codes:
        _, *arguments = command.split()
        if re.search(r"\bYOUR-[A-Z-]+", command):
            shutil.copy("mission-trained.pkl", "YOUR-FILE-FROM-BEFORE.pkl")
        ran = CliRunner().invoke(main, arguments)
        assert ran.exit_code == 0, (command, ran.output)


def test_a_model_without_the_layers_of_the_others_is_shown_by_its_own() -> None:
    one = network((2, 1, 3, 3), names=("one",), path="one.pkl")
    content = gather([one, network((2, 1, 5, 5), names=("other",), path="other.pkl")])
    titles = [content.glances_of(file)[0].title for file in content.files]
    assert titles == ["one, as usually drawn", "other, as usually drawn"]
