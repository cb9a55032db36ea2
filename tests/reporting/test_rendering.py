"""The page as text: complete in itself, well linked, and unmoved by what a file says."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.building import conv, image

import filtviz
from filtviz.measures.table import MEASURES
from filtviz.network import Network, Origin
from filtviz.reporting.content import ReportedModel
from filtviz.reporting.rendering import MOST_ROWS, _number, content_security_policy, file_facts

from .models import ATTACKS, network

VOID = {"meta", "img", "input", "br", "link", "hr"}


class Page(HTMLParser):
    """Elements with their attributes and the text of scripts and styles; checks that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text_in(self, tag: str) -> str:
        return "".join(text for name, text in self.texts if name == tag)


@pytest.fixture(scope="module")
def text() -> str:
    return filtviz.report([network((8, 1, 3, 3), (8, 8, 3, 3), path=f"{i}.pkl", seed=i) for i in range(3)])


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def attacked() -> Page:
    origin = Origin(kind=ATTACKS[0], container=ATTACKS[1], notes=ATTACKS, inferred=ATTACKS, classes=ATTACKS)
    shapes = [(4, 1 if i == 0 else 4, 3, 3) for i in range(len(ATTACKS))]
    return Page(filtviz.report(network(*shapes, names=ATTACKS, origin=origin)))


@pytest.mark.slow
def test_it_is_one_document_with_a_title(text: str, page: Page) -> None:
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert next(data for tag, data in page.texts if tag == "title") == "Filters of 0.pkl, 1.pkl, 2.pkl"


def test_nothing_is_fetched(text: str, page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "action", "data", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/png;base64,", "#")), (tag, value)
    style = page.text_in("style")
    assert "@import" not in style
    assert re.findall(r"url\(([^)]*)\)", style) == ['"#weights"', '"#scale-colours"', '"#grey-colours"']


def test_a_page_may_load_nothing_but_images_that_it_holds() -> None:
    script, style = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in (b"a;", b"b {}")
    )
    assert content_security_policy("a;", "b {}").split("; ") == [
        "default-src 'none'",
        f"script-src {script}",
        f"style-src {style}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]


def test_the_policy_allows_the_script_and_style_that_are_there_and_no_other(text: str, page: Page) -> None:
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert directives[f"{tag}-src"] == f"'sha256-{digest}'"


@pytest.mark.slow
def test_no_element_carries_style_or_handlers(page: Page, attacked: Page) -> None:
    for each in (page, attacked):
        for tag, attributes in each.elements:
            assert not [name for name in attributes if name == "style" or name.startswith("on")], tag


@pytest.mark.slow
def test_ids_are_unique_and_links_lead_somewhere(page: Page, attacked: Page) -> None:
    for each in (page, attacked):
        ids = [attributes["id"] for _, attributes in each.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        links = {a["href"] for a in each.all("a")}
        assert links
        assert {link[1:] for link in links} <= set(ids)
        labelled = [a["aria-labelledby"] for _, a in each.elements if "aria-labelledby" in a]
        assert set(labelled) <= set(ids)


def test_every_measure_is_explained_with_formula_null_and_source(text: str, page: Page) -> None:
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {f"measure-{key}" for key in MEASURES} <= ids
    shown = " ".join(data for _, data in page.texts)
    for measure in MEASURES.values():
        for said in (measure.formula, measure.null, measure.cannot_say, measure.source):
            assert said in shown


def test_every_measured_value_stands_beside_its_null() -> None:
    page = filtviz.report(network((8, 1, 3, 3)))
    rows = re.findall(
        r'<th scope="row"><a href="#measure-([a-z-]+)">[^<]*</a></th>(.*?)</tr>', page, re.DOTALL
    )
    assert {"low-frequency", "sphericity", "spike"} <= {key for key, _ in rows}
    for key, cells in rows:
        assert f"<small>{MEASURES[key].null}</small>" in html.unescape(cells)


@pytest.mark.slow
def test_what_the_file_holds_stands_first(text: str, page: Page) -> None:
    for place in range(3):
        assert text.index(f'<a href="#file-{place + 1}">{place}.pkl</a>') < text.index("In short")
    assert text.count("each hold a Lasagne network with 2 convolutions.") == 1
    differ = filtviz.report(
        [network((4, 1, 3, 3), path="a.pkl"), network((4, 1, 3, 3), (2, 4, 3, 3), path="b.pkl")]
    )
    assert "a.pkl</a> holds a Lasagne network with 1 convolution." in differ
    assert "b.pkl</a> holds a Lasagne network with 2 convolutions." in differ


def test_a_layer_as_it_started_has_no_filter_to_look_at_first() -> None:
    random = np.random.default_rng(0)
    bound = np.sqrt(6 / (9 * 32))
    weights = random.uniform(-bound, bound, (16, 16, 3, 3)).astype(np.float32)
    layers = [
        filtviz.Layer(type="InputLayer"),
        conv(weights, np.zeros(16, np.float32), name="conv1", below=0),
    ]
    page = filtviz.report(Network.of(layers))
    assert 'href="#verdict-initial">as drawn</a>' in page
    assert "To look at first" not in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "more"), [(MOST_ROWS, ""), (MOST_ROWS + 1, "and 1 more layer"), (40, "and 24 more layers")]
)
def test_of_many_lines_those_after_the_first_screen_are_folded(n: int, more: str) -> None:
    equal = np.ones((2, 2, 1, 1), np.float32)  # one value only: there is nothing to measure, and it is fast
    layers = [image(2), *[conv(equal, below=place) for place in range(n)]]
    text = filtviz.report(Network.of(layers))
    assert re.findall(r"and \d+ more layers?", Page(text).text_in("summary")) == ([more] if more else [])
    assert text.count('<th scope="row"><a href="#layer-') == n


def test_pictures_and_sentences_need_no_script(page: Page) -> None:
    images = page.all("img")
    # kernels; kernels, summary and composed; two beside the answer: in three files
    assert len(images) == 3 * (1 + 3) + 3 * 2
    assert all(image["alt"] and image["src"].startswith("data:image/png;base64,") for image in images)
    shown = [data for tag, data in page.texts if tag not in ("script", "style")]
    assert any("was updated" in data for data in shown)


@pytest.mark.slow
def test_the_same_files_give_the_same_page(text: str) -> None:
    models = [network((8, 1, 3, 3), (8, 8, 3, 3), path=f"{i}.pkl", seed=i) for i in range(3)]
    assert filtviz.report(models) == text


@pytest.mark.slow
def test_a_file_cannot_add_elements(attacked: Page) -> None:
    plain = network(*[(4, 1 if i == 0 else 4, 3, 3) for i in range(len(ATTACKS))])
    harmless = Page(filtviz.report(plain))
    for tag in ("script", "style", "img", "template", "b"):
        assert len(attacked.all(tag)) == len(harmless.all(tag)), tag


@pytest.mark.slow
def test_control_and_bidirectional_characters_are_shown_not_sent(attacked: Page) -> None:
    everything = "".join(data for _, data in attacked.texts)
    everything += "".join(value or "" for _, attributes in attacked.elements for value in attributes.values())
    assert not set("\x00\x1b\u202e\u2028\r") & set(everything)
    assert "\\u202egnp.exe" in everything


@pytest.mark.slow
def test_data_for_the_script_is_strict_json(attacked: Page) -> None:
    for tag, data in attacked.texts:
        if tag == "script" and data.startswith(("{", "[")):
            json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.slow
def test_long_names_are_cut_and_that_is_said(attacked: Page) -> None:
    headings = [data for tag, data in attacked.texts if tag == "h3"]
    assert any("… (10000 characters)" in heading for heading in headings)
    assert all(len(heading) < 250 for heading in headings)


def test_a_network_without_convolutions() -> None:
    page = Page(filtviz.report(Network.of([], Origin(kind="a Lasagne network"))))
    assert "There are no filters to show." in page.text_in("p")
    assert page.all("img") == []


def test_nothing_is_said_that_weights_cannot_show(text: str) -> None:
    shown = re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL).lower()
    for claim in ("overfit", "well trained", "good filters", "no dead filters", "activations saturate"):
        assert claim not in shown


def cells_of(page: str, place: int = 0) -> list[list[str]]:
    """The cells of the table of layers of one of the files, heading first."""
    table = re.findall(r'<table[^>]*class="network".*?</table>', page, re.DOTALL)[place]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    plain = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub("<[^>]*>", "", cell)) for cell in row] for row in plain]


def test_the_table_of_layers_has_each_number_below_its_heading() -> None:
    layers = [
        image(3, None, 20, name="in"),
        conv(
            np.ones((4, 3, 3, 5), np.float32),
            np.zeros(4),
            below=0,
            stride=(2, 1),
            pad=((0, 1), (2, 2)),
            output_shape=(None, 4, None, 20),
        ),
        conv(np.ones((400, 4, 3, 3), np.float32), below=1, stride=None),
    ]
    assert cells_of(filtviz.report(Network.of(layers))) == [
        [
            "#",
            "name",
            "type",
            "output",
            "filters",
            "stride",
            "pad",
            "parameters",
            "sees",
            "of the input",
        ],
        ["0", "in", "InputLayer", "?×3×?×20", "", "", "", "0", "1×1", "?×5%"],
        ["1", "conv1", "Conv2DLayer", "?×4×?×20", "4×3×3×5", "2×1", "0+1×2", "184", "3×5", "?×25%"],
        ["2", "conv2", "Conv2DLayer", "?", "400×4×3×3", "?", "?", "14,400", "?", "?"],
    ]


def test_what_is_known_of_a_file_is_told_and_nothing_else() -> None:
    model = network((4, 1, 3, 3))
    full = Origin(
        path=Path("a/model.pkl"),
        kind="a list of layers",
        container="gzip",
        protocol=0,
        python="2.7",
        versions={"nolearn": "0.5", "lasagne": "0.1"},
    )
    dense = filtviz.Layer(
        type="DenseLayer", inputs=(1,), parameters=(filtviz.Parameter.of("W", np.zeros((40, 50))),)
    )
    told = Network.of([*model.layers, dense], full, history=[{}] * 1200)
    (diagnosis,) = [filtviz.diagnose(told)]
    assert file_facts(ReportedModel(label="x", network=told, diagnosis=diagnosis)) == [
        ("File", "a/model.pkl"),
        ("Holds", told.describe()),
        ("Container", "gzip"),
        ("Pickle protocol", "0"),
        ("Written by", "Python 2.7"),
        ("Versions", "nolearn 0.5, lasagne 0.1"),
        ("Training", "1,200 epochs recorded"),
        ("Parameters", "2,040, of them 40 in convolutions"),
    ]
    bare = Network.of(model.layers)
    terms = [term for term, _ in file_facts(ReportedModel(label="x", network=bare, diagnosis=diagnosis))]
    assert terms == ["Holds", "Parameters"]


def test_the_file_and_how_it_is_told_come_last_and_are_folded() -> None:
    page = filtviz.report(network((4, 1, 3, 3)))
    places = [
        page.index(each)
        for each in ('class="first"', 'class="lines', 'id="layers"', 'id="file-1"', 'id="measures"')
    ]
    assert places == sorted(places)
    assert page.count("<details open>") == 1  # the layer itself
    for folded in ('id="file-1"', 'id="measures"', "The answer with its reasons"):
        assert page.rindex("<details", 0, page.index(folded)) > page.rindex(
            "</details>", 0, page.index(folded)
        )


@pytest.mark.parametrize(("n", "said"), [(1, "its table of 1 layer<"), (2, "its table of 2 layers<")])
def test_a_lone_layer_is_no_plural(n: int, said: str) -> None:
    assert said in filtviz.report(Network.of([filtviz.Layer(type="InputLayer")] * n))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0, "0"), (0.12345, "0.123"), (1234.5, "1.23e+03")]
)
def test_numbers_have_three_digits_that_count(value: float | None, text: str) -> None:
    assert _number(value) == text
