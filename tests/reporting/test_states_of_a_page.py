"""What a page says in one state and not in another: facts are made up, and only the page is made of them."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.building import conv

from filtviz import reporting
from filtviz.errors import BudgetError, OutputError, RunningError, SelectionError
from filtviz.measures.measure import Change, Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.network import Network, Origin
from filtviz.reporting import ReportOptions, gather, gathering, pictures, report
from filtviz.reporting.content import (
    FEW_SECTIONS,
    Line,
    PageContent,
    ReportedModel,
    Section,
    State,
    _reach,
    follow_measures,
)
from filtviz.reporting.pictures import (
    MOST_AT_A_GLANCE,
    SPAN,
    Layout,
    Sprite,
    draw_kernels,
    glance_stored,
    sum_up,
)
from filtviz.reporting.rendering import MOST_ROWS, file_facts, render_page, trail_points, zoomed
from filtviz.responses.examining import Examination
from filtviz.sources import Sources

from .models import network


def layer(place: int = 0, verdict: Any = "updated", **fields: Any) -> LayerDiagnosis:
    usual = {
        "type": "Conv2d",
        "shape": (2, 1, 3, 3),
        "dtype": "float32",
        "sentence": "So.",
        "initialiser": "?",
    }
    return LayerDiagnosis(conv_index=place, name=f"conv{place + 1}", verdict=verdict, **{**usual, **fields})


def file(
    label: str = "a.pkl", *layers: LayerDiagnosis, origin: Origin | None = None, **fields: Any
) -> ReportedModel:
    weights = np.random.default_rng(0).normal(size=(2, 1, 3, 3))
    held = Network.of([conv(weights) for _ in layers], origin or Origin(path=Path(label), kind="a network"))
    diagnosis = Diagnosis(file=label, layers=layers, **{"answer": f"The answer for {label}.", **fields})
    return ReportedModel(label=label, network=held, diagnosis=diagnosis)


def page(*files: ReportedModel, mark: str = "", **fields: Any) -> str:
    """The words of a page's first part, without its markup."""
    content = PageContent(title="t", files=files, sections=fields.pop("sections", ()), **fields)
    return render_page(content, mark)


def words(text: str) -> str:
    """The text of a page, without markup, script and style."""
    text = re.sub(r"<(script|style|template).*?</\1>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def first_part(text: str) -> str:
    return words(text[text.index('id="answer-title"') : text.index('<section id="layers"')])


DETAILS, PICTURE = "filtviz diagnose a.pkl --details", "filtviz plot a.pkl --layer conv1 --view sheet"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("fields", "there", "not_there"),
    [
        ({}, ["The answer for a.pkl."], ["Look here", "filtviz"]),
        ({"look": "Look here:", "commands": (PICTURE, DETAILS)}, ["Look here:", PICTURE], [DETAILS]),
        ({"look": "Look here:", "commands": (DETAILS,)}, ["Look here:"], [DETAILS]),
        ({"look": "Look here:"}, ["Look here:"], ["filtviz"]),
        ({"commands": (PICTURE, DETAILS)}, [], [PICTURE]),
        ({"more": "This tells more:", "more_command": "filtviz x"}, ["This tells more:", "filtviz x"], []),
        (
            {"others": (("Or this:", "filtviz y"), ("Or that:", "filtviz z"))},
            ["Or this: filtviz y Or that: filtviz z"],
            [],
        ),
    ],
)
def test_the_answer_stands_with_what_goes_on_from_it(fields, there, not_there):
    text = first_part(page(file("a.pkl", layer(), **fields)))
    assert [each for each in there if each not in text] == []
    assert [each for each in not_there if each in text] == []


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "more"),
    [(MOST_ROWS, ""), (MOST_ROWS + 1, "and 1 more layer"), (MOST_ROWS + 3, "and 3 more layers")],
)
def test_each_layer_has_one_line_and_those_after_the_first_are_folded(n, more):
    text = page(file("a.pkl", *map(layer, range(n))))
    lines = text[text.index('id="answer-title"') : text.index('<section id="layers"')]
    named = re.findall(r"conv(\d+)\b", words(lines))
    assert list(dict.fromkeys(named)) == [str(place + 1) for place in range(n)]
    assert len(named) == n
    assert re.findall(r"and \d+ more layers?", words(lines)) == ([more] if more else [])
    if more:
        folded = lines[lines.index(more) : lines.index("</details>", lines.index(more))]
        assert re.findall(r"conv(\d+)\b", words(folded)) == [str(i + 1) for i in range(MOST_ROWS, n)]


def test_notes_and_what_was_left_out_stand_below_the_answer_of_one_and_of_several():
    for files in ([file("a.pkl", layer())], [file("a.pkl", layer()), file("b.pkl", layer())]):
        text = first_part(page(*files, notes=("a note",), left_out=("too much",)))
        assert text.endswith("a note too much")
        assert "too much" not in first_part(page(*files, notes=("a note",)))


def test_several_models_have_their_answers_and_their_commands():
    files = [
        file(f"{name}.pkl", layer(residue=share, verdict=verdict), look=f"Look at {name}:", commands=commands)
        for name, share, verdict, commands in (
            ("a", 0.0, "updated", (PICTURE, DETAILS)),
            ("b", 0.5, "initial", (DETAILS,)),
            ("c", None, "structured", ()),
        )
    ]
    text = first_part(page(*files))
    assert all(f"{name}.pkl : The answer for {name}.pkl." in text for name in "abc")
    assert "The answer for 3 more models" in text
    assert f"a.pkl: Look at a: {PICTURE}" in text
    assert "Look at b:" not in text
    assert "Look at c:" not in text
    assert "conv1 2×1×3×3 no pattern 0% as drawn structured" in text
    assert "A percentage is how much of what a picture shows still is the initial noise" in text
    assert "The commands whose pictures show most" not in first_part(page(*files[1:]))


@pytest.mark.cases("all")
@pytest.mark.parametrize("measured", [True, False])
def test_a_measured_share_is_called_so(measured):
    changes = (Change(before="b", cos2=0.5),) if measured else (Change(before="b", reason="it has none"),)
    one = file("a.pkl", layer(changes=changes, residue=0.0, seen="faint"))
    text = first_part(page(one))
    assert f"layer filters verdict {'as before' if measured else 'noise'} to be seen conv1 2×1×3×3" in text
    assert text.endswith("no pattern 0% faint")
    several = first_part(page(one, file("c.pkl", layer())))
    assert ("was there in the earlier file already" in several) == measured


def test_a_layer_that_a_file_does_not_have_and_a_share_that_is_not_known_are_dashes():
    text = first_part(page(file("a.pkl", layer(shape=(3, 3, 5, 5))), file("b.pkl", layer()), n_before=1))
    assert text.endswith("conv1 2×1×3×3 – no pattern –")


@pytest.mark.cases("all")
@pytest.mark.parametrize("shown", [True, False])
def test_images_have_their_part_where_some_were_shown(shown):
    told = Examination(n_images=3, layers=(), answer="", sentences=("pixels are from 0 to 1",))
    one = file("a.pkl", layer(), **({"shown": told} if shown else {}))
    text = page(one, figures=((),) if shown else ())
    assert ('id="images"' in text) == ("Shown 3 images" in words(text)) == shown
    assert ("Pixels are from 0 to 1." in words(text)) == shown
    assert ("and the images: filtviz does what the layers do" in words(text)) == shown
    assert ("alone: nothing in the file was run" in words(text)) == (not shown)


def test_a_page_without_filters_says_so_and_has_no_toolbar():
    text = page(file("a.pkl"))
    assert "There are no filters to show." in words(text)
    assert 'id="toolbar"' not in text


def test_a_page_bears_the_mark_of_its_models_where_there_is_one():
    assert '<meta name="keywords" content="a mark">' in page(file(), mark="a mark")
    assert "keywords" not in page(file())


def test_what_is_concluded_of_a_file_stands_beside_its_table():
    origin = Origin(path=Path("a.pkl"), kind="arrays", inferred=("the order of layers",), notes=("odd",))
    text = words(page(file("a.pkl", layer(), origin=origin)))
    assert "Inferred: the order of layers" in text
    assert "odd" in text


@pytest.mark.cases("all")
@pytest.mark.parametrize(("protocol", "told"), [(None, None), (0, "0"), (2, "2")])
def test_the_protocol_of_a_pickle_is_told_from_the_first_on(protocol, told):
    facts = dict(file_facts(file(origin=Origin(path=Path("a"), kind="x", protocol=protocol))))
    assert facts.get("Pickle protocol") == told


# Sections


@pytest.fixture(scope="module")
def gathered() -> PageContent:
    return gather([network((4, 1, 3, 3), path="a.pkl"), network((4, 1, 3, 3), path="b.pkl", seed=1)])


def alone(content: PageContent, **fields: Any) -> PageContent:
    """The content with one file and one layer, of which something else is said."""
    (section,) = content.sections
    state = section.states[0]
    diagnosis = replace(state.diagnosis, **fields)
    own = replace(state.file, diagnosis=replace(state.file.diagnosis, layers=(diagnosis,)))
    states = (replace(state, diagnosis=diagnosis, file=own),)
    pictures = tuple(
        replace(each, sprites=each.sprites[:1], limits=each.limits[:1], shares=each.shares[:1])
        for each in section.pictures
    )
    only = replace(section, states=states, movement=None, pictures=pictures)
    return replace(content, files=(own,), sections=(only,), glances=())


def test_what_an_earlier_file_tells_of_a_layer_is_said_or_why_it_tells_nothing(gathered):
    changes = (
        Change(before="x.pkl", cos2=0.0, relative_change=0.5, share=0.25, share_p=0.5),
        Change(before="y.pkl", reason="it has no such layer"),
        Change(before="z.pkl", cos2=1.0, relative_change=0.0),
    )
    text = words(render_page(alone(gathered, changes=changes)))
    assert (
        "Against x.pkl: cos² 0, relative change 0.5; what was added has a low-frequency share of 0.25" in text
    )
    assert "Not compared with y.pkl: it has no such layer." in text
    assert "Against z.pkl: cos² 1, relative change 0." in text


def test_each_finding_says_whether_it_judges_and_when_it_counts(gathered):
    findings = (
        Finding(measure="spike", value=1.0, text="one", p=0.5, level=0.001, judges=True),
        Finding(measure="dead", value=None, text="two", found=True),
        Finding(measure="unused", value=0.0, text="three", threshold=0.0),
        Finding(measure="first-component", value=0.5, text="four", level=0.01, threshold=0.5),
    )
    rows = re.findall(r"<tr.*?</tr>", render_page(alone(gathered, findings=findings)), re.DOTALL)
    said = [words(row) for row in rows]
    cells = {
        text: next(row for row in said if f" {text} " in row) for text in ("one", "two", "three", "four")
    }
    assert "1 p = 0.50 p < 0.001 no (judges) one" in cells["one"]
    assert "– – – yes two" in cells["two"]
    assert "0 – beyond 0 no three" in cells["three"]
    assert "0.5 – p < 0.01 , beyond 0.5 no four" in cells["four"].replace("0.01, ", "0.01 , ")


@pytest.mark.cases("all")
@pytest.mark.parametrize("pictures", [True, False])
def test_notes_of_a_section_stand_with_its_pictures(gathered, pictures):
    content = alone(gathered)
    (section,) = content.sections
    section = replace(section, notes=("it was rounded",), pictures=section.pictures if pictures else ())
    text = words(render_page(replace(content, sections=(section,))))
    assert text.count("it was rounded") == 1


def test_a_filter_is_linked_by_its_own_number(gathered):
    filters = tuple(FilterDiagnosis(index=i, norm=1.0, dead=i in (1, 3)) for i in range(4))
    text = render_page(alone(gathered, filters=filters, first_filters=()))
    links = re.findall(r'data-filter="(\d+)">(\d+)</a>', text)
    assert links == [("1", "1"), ("3", "3")]
    assert "(2 of 4): 1 3" in words(text)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("initialiser", "said"),
    [
        ("unknown", "no line, because the initialiser is not known."),
        ("Orthogonal()", "no line, because Orthogonal() has no distribution that is known beforehand."),
    ],
)
def test_a_histogram_without_a_line_says_why(gathered, initialiser, said):
    content = alone(gathered)
    (section,) = content.sections
    state = section.states[0]
    histogram = replace(state.histogram, null=None, initialiser=initialiser)
    section = replace(section, states=(replace(state, histogram=histogram),))
    text = words(render_page(replace(content, sections=(section,))))
    assert said in text
    assert text.count("no line, because") == 1


def test_a_value_that_no_file_has_is_told_in_words_beside_the_others(gathered):
    (section,) = gathered.sections
    findings = [
        (Finding(measure="residue", value=value, text=text),)
        for value, text in ((None, "cannot tell"), (0.5, "about 50%"))
    ]
    diagnoses = [layer(findings=own) for own in findings]
    states = tuple(
        replace(state, diagnosis=own) for state, own in zip(section.states, diagnoses, strict=True)
    )
    moved = replace(section, states=states, movement=follow_measures(diagnoses))
    text = words(render_page(replace(gathered, sections=(moved,))))
    assert "cannot tell 0.5" in text
    assert "about 50%" not in text
    assert follow_measures(diagnoses[:1]) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(("n", "of"), [(1, 1), (1, 2), (2, 2), (1, 5)])
def test_a_sheet_says_how_its_filters_lie(gathered, n, of):
    content = alone(gathered)
    (section,) = content.sections
    sprite = replace(
        section.pictures[0].sprites[0], layout=Layout(n=of * n, rows=3, cols=3, across=of, gap=1)
    )
    pictures = replace(section.pictures[0], sprites=(sprite,), columns=("channel 0",) * n)
    text = words(render_page(replace(content, sections=(replace(section, pictures=(pictures,)),))))
    a_row = of // n
    assert ("A row is a filter, from 0 at the top" in text) == (a_row == 1)
    assert (f"{a_row} filters in a row, from 0 at the upper left" in text) == (a_row > 1)


# What is gathered


def sections_of(*verdicts: str) -> tuple[Section, ...]:
    one = file("a.pkl", *(layer(i) for i in range(len(verdicts))))
    return tuple(
        Section(
            anchor=f"layer-{i}",
            states=(State(file=one, layer=each, diagnosis=one.diagnosis.layers[i], histogram=None),),
            pictures=(),
        )
        for i, each in enumerate(one.network.conv_layers)
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [FEW_SECTIONS, FEW_SECTIONS + 1])
def test_of_few_layers_all_stand_open_and_of_more_those_of_the_pictures(n):
    sections = sections_of(*["updated"] * n)
    one = sections[0].states[0].file
    glance = glance_stored(sections[-1].layer)
    content = PageContent(title="t", files=(one,), sections=sections, glances=((one, glance),))
    assert [content.is_open(each) for each in sections] == [n <= FEW_SECTIONS] * (n - 1) + [True]


def test_the_pictures_of_a_lone_model_are_those_of_earlier_files_too():
    before, after, other = file("a.pkl", layer()), file("b.pkl", layer()), file("c.pkl", layer())
    glance = glance_stored(after.network.conv_layers[0])
    pairs = ((before, glance), (after, glance))
    lone = PageContent(title="t", files=(before, after), sections=(), n_before=1, glances=pairs)
    assert len(lone.glances_of(after)) == 2
    several = PageContent(title="t", files=(before, after, other), sections=(), n_before=1, glances=pairs)
    assert (len(several.glances_of(after)), len(several.glances_of(other))) == (1, 0)


def test_a_line_is_named_after_the_last_file_that_has_the_layer():
    states = (layer(sentence="first"), layer(sentence="second"), None)
    assert Line(states=states, section=None).last.sentence == "second"


def test_layers_stand_in_the_order_of_the_network_whatever_file_has_them_first():
    small, deep = network((2, 1, 3, 3), path="a.pkl"), network((3, 1, 3, 3), (2, 3, 3, 3), path="b.pkl")
    sections = gather([deep, small]).sections
    assert [section.layer.conv_index for section in sections] == [0, 0, 1]


def test_a_layer_that_is_not_there_is_said_before_anything_is_measured(monkeypatch):
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is to be measured")

    monkeypatch.setattr(gathering, "diagnose", never)
    for layers in ([5], [0, 5], [0, "conv1", "conv9"]):
        with pytest.raises(SelectionError):
            gather(network((2, 1, 3, 3)), ReportOptions(layers=layers))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("taken", "name"),
    [((), "m"), (("m",), "runs-m"), (("m", "runs-m"), None)],
)
def test_a_page_gets_the_first_name_under_which_no_other_model_has_one(taken, name, tmp_path, monkeypatch):
    origin = Origin(path=tmp_path / "runs" / "m.pkl")
    others = {tmp_path / f"{stem}-report.html" for stem in taken}
    monkeypatch.setattr(Sources, "are_not_in", lambda _, path: path in others)
    monkeypatch.setattr(Sources, "refuse_others", lambda *_: None)
    chosen = reporting._choose_path([Network.of([], origin)], tmp_path, Sources())
    assert chosen not in others
    if name is not None:
        assert chosen == tmp_path / f"{name}-report.html"


def test_where_all_names_of_a_page_are_taken_the_first_of_them_is_refused(tmp_path, monkeypatch):
    refused: list[Path] = []
    monkeypatch.setattr(Sources, "are_not_in", lambda *_: True)
    monkeypatch.setattr(Sources, "refuse_others", lambda _, path: refused.append(path))
    network = Network.of([], Origin(path=tmp_path / "runs" / "m.pkl"))
    assert reporting._choose_path([network], tmp_path, Sources()) == tmp_path / "m-report.html"
    assert refused == [tmp_path / "m-report.html"]


def test_the_classes_of_images_are_those_that_are_given_or_else_their_files(monkeypatch):
    asked = []
    monkeypatch.setattr(
        gathering, "pictures_of", lambda *_: SimpleNamespace(labels=("own",), images=0, sentences=())
    )
    monkeypatch.setattr(gathering, "size_of", lambda _: 0)
    monkeypatch.setattr(gathering, "draw_images", lambda *_: ((), ()))
    found = Examination(n_images=1, layers=())
    monkeypatch.setattr(gathering, "examine", lambda *_, **how: asked.append(how) or found)
    one = file("a.pkl", layer())
    for labels in (None, ("given",), ()):
        options = ReportOptions(images="x", labels=labels, batch=3, device="d")
        gathering._show_images(one.network, one.diagnosis, options, ("b", one.network), None)
    assert [how["labels"] for how in asked] == [("own",), ("given",), ()]
    assert {(how["batch"], how["device"], how["before"][0]) for how in asked} == {(3, "d", "b")}


def test_images_that_fit_no_network_end_the_report_of_one_and_are_said_of_several(monkeypatch):
    def fails(*_: Any) -> Any:
        raise RunningError("they are too small", layer=None)

    monkeypatch.setattr(gathering, "_show_images", fails)
    networks = [network((2, 1, 3, 3), path=f"{name}.pkl") for name in "ab"]
    diagnoses = [Diagnosis(file=f"{name}.pkl", layers=()) for name in "ab"]
    options = ReportOptions(images="x")
    with pytest.raises(RunningError):
        gathering._show_to_each(networks[:1], diagnoses[:1], options, 0, None)
    _, figures, left_out = gathering._show_to_each(networks, diagnoses, options, 0, None)
    assert figures == [(), ()]
    assert left_out == [f"images tell nothing of {name}.pkl: they are too small" for name in "ab"]
    with pytest.raises(RunningError):  # beside the state before there is one network alone
        gathering._show_to_each(networks, diagnoses, options, 1, None)


def test_of_one_network_beside_the_state_before_it_is_said_without_its_name(monkeypatch):
    def fails(*_: Any) -> Any:
        raise BudgetError("it is too much", share="work", needed=2, allowed=1, option="--max-work")

    monkeypatch.setattr(gathering, "_show_images", fails)
    networks = [network((2, 1, 3, 3), path=f"{name}.pkl") for name in "abc"]
    diagnoses = [Diagnosis(file=f"{name}.pkl", layers=()) for name in "abc"]

    def said(n: int, n_before: int) -> list[str]:
        given = networks[:n], diagnoses[:n], ReportOptions(images="x"), n_before, None
        return [one.removeprefix("images tell nothing of ") for one in gathering._show_to_each(*given)[2]]

    assert said(1, 0) == said(2, 1) == ["this network: it is too much"]
    assert said(2, 0) == ["a.pkl: it is too much", "b.pkl: it is too much"]
    assert said(3, 1) == ["b.pkl: it is too much", "c.pkl: it is too much"]


def test_a_summary_is_drawn_where_all_weights_are_numbers():
    whole, lost = np.ones((2, 40, 3, 3)), np.ones((2, 40, 3, 3))
    lost[1, 0, 0, 0] = np.nan
    assert sum_up([conv(whole)], 8) is not None
    for layers in ([lost], [whole, lost], [lost, whole]):
        assert sum_up([conv(one) for one in layers], 8) is None


def test_of_many_filters_those_of_the_largest_norm_are_seen_at_a_glance():
    n = MOST_AT_A_GLANCE + 20
    weights = np.ones((n, 1, 3, 3)) * np.arange(1.0, n + 1)[:, None, None, None]
    glance = glance_stored(conv(weights))
    assert f"the {MOST_AT_A_GLANCE} strongest of {n} filters" in glance.note
    assert glance.sprite.unit == pytest.approx(n / SPAN)
    weak = glance_stored(conv(weights[::-1]))
    assert weak.sprite.unit == glance.sprite.unit  # the largest is on it, wherever it stands


def test_a_picture_is_never_shown_smaller_than_it_is():
    for side in (3, 100, 420, 421, 900):
        sprite = Sprite(png=b"", layout=Layout(n=1, rows=side, cols=side, across=1, gap=0), zero=0, unit=1.0)
        width, height = zoomed(sprite)
        assert width == height >= side
        assert width % side == 0


def test_a_trail_has_a_point_for_each_value_that_is_known():
    assert trail_points([1.0, None, 2.0]) == ""
    assert trail_points([1.0, None, 2.0, 3.0]).count(",") == 3
    assert trail_points([1.0, 2.0]) == ""


@pytest.mark.cases("all")
@pytest.mark.parametrize(("family", "sigmas"), [("uniform", 3**0.5), ("normal", 3.0), ("cut normal", None)])
def test_an_axis_reaches_as_far_as_the_initialiser_draws(family, sigmas):
    from filtviz.measures.initialiser_catalogue import CATALOGUE, Fans, possible_draws

    draws = next(each for each in possible_draws(Fans.of((4, 4, 3, 3)), CATALOGUE) if each.family == family)
    reach = _reach(draws)
    assert reach == (draws.bound if sigmas is None else pytest.approx(sigmas * draws.std))
    assert np.isfinite(reach)
    assert _reach(None) == 0.0


def test_earlier_files_are_compared_with_nothing_and_later_ones_with_all_of_them():
    one, two, three = (network((2, 1, 3, 3), path=f"{name}.pkl", seed=i) for i, name in enumerate("abc"))
    content = gather([three], before=[one, two])
    changes = [[each.before for each in own.diagnosis.layers[0].changes] for own in content.files]
    assert changes == [[], [], ["a.pkl", "b.pkl"]]
    assert content.title == "Filters of c.pkl, and what changed since a.pkl, b.pkl"


@pytest.mark.cases("all")
@pytest.mark.parametrize("stacked", [True, False])
def test_what_is_assumed_is_done_and_said(stacked, monkeypatch):
    done = []
    monkeypatch.setattr(gathering, "assume_stacked", lambda each: done.append(each) or each)
    content = gather(network((2, 1, 3, 3)), ReportOptions(assume_stacked=stacked))
    assert len(done) == stacked
    assert (gathering.ASSUMED in content.notes) == stacked


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "fields", [{"images": "seen.npy"}, {"images": ["x.png", "seen.npy"]}, {"labels": "seen.npy"}]
)
def test_a_page_is_not_written_over_what_is_shown_or_says_what_it_is(fields, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("seen.npy", np.zeros(3))
    with pytest.raises(OutputError, match=r"seen\.npy"):
        report(network((2, 1, 3, 3)), ReportOptions(**fields), output="seen.npy")
    assert np.load("seen.npy").size == 3


@pytest.mark.cases("all")
@pytest.mark.parametrize("place", [0, 1])
def test_three_channels_are_colours_in_the_first_layer_alone(place):
    held = network((3, 3, 3, 3), (3, 3, 3, 3)).conv_layers
    assert draw_kernels([held[place]], 8).coloured == (place == 0)


def test_what_cannot_be_seen_at_a_glance_has_no_picture(monkeypatch):
    held = network((2, 1, 3, 3))
    own = held.conv_layers[0]
    for templates in (np.full((2, 1, 3, 3), np.nan), np.full((2, 1, 3, 3), np.inf)):
        monkeypatch.setattr(pictures, "compose", lambda *_, of=templates: SimpleNamespace(templates=of))
        assert pictures.glance_composed(held, own) is None
    monkeypatch.setattr(pictures, "compose", lambda *_: SimpleNamespace(templates=np.ones((2, 1, 3, 3))))
    assert pictures.glance_composed(held, own) is not None
    assert glance_stored(conv(np.full((2, 1, 3, 3), np.nan))) is None
