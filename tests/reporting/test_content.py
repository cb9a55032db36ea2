"""What is gathered for a page: files, layers, what is left out and how that is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests import telling

from filtviz.budget import Account
from filtviz.drawing.colours import NOT_FINITE
from filtviz.errors import SelectionError
from filtviz.measures.diagnosing import diagnose
from filtviz.network import ConvLayer, Network, Origin
from filtviz.reporting import ReportOptions, gather, gathering
from filtviz.reporting.content import PageContent
from filtviz.reporting.gathering import label_files
from filtviz.reporting.pictures import palette, plan_depths

from . import contents_told
from .models import conv, network


def test_what_is_gathered_for_pages_of_all_kinds_is_what_it_was() -> None:
    wanted = (telling.GOLDEN / "page_contents.txt").read_text(encoding="utf-8")
    assert list(contents_told.all_lines()) == wanted.splitlines()


def test_a_layer_that_is_too_much_work_is_not_said_to_be_left_out_by_a_choice_of_layers() -> None:
    model = network((4, 1, 3, 3), (3, 4, 3, 3))
    account = Account({"work": 4_000_000, "pixels": 0})
    content = gathering.gather_content([model], [diagnose(model)], ReportOptions(), account)
    assert len(content.sections) == 1
    assert content.notes == ()
    assert "the pictures of conv2 were left out" in content.left_out[0]
    chosen = gathering.gather_content([model], [diagnose(model)], ReportOptions(layers=(0,)))
    assert chosen.notes == ("1 of 2 layers of model.pkl are left out (--layer)",)


def test_files_are_named_shortly_and_none_twice() -> None:
    paths = [Path("a/model.pkl"), Path("b/model.pkl"), Path("other.pkl"), None]
    networks = [Network.of([], Origin(path=path)) for path in paths]
    assert label_files(networks) == ["a/model.pkl", "b/model.pkl", "other.pkl", "network 4"]
    twice = [Network.of([], Origin(path=Path("m.pkl")))] * 2
    assert len(set(label_files(twice))) == 2


def test_one_file() -> None:
    content = gather(network((8, 1, 3, 3), (8, 8, 3, 3)))
    assert content.title == "Filters of model.pkl"
    assert [section.anchor for section in content.sections] == ["layer-0", "layer-1"]
    assert [p.key for p in content.sections[0].pictures] == ["kernels"]
    assert [p.key for p in content.sections[1].pictures] == ["kernels", "summary", "through"]
    assert content.sections[1].movement is None
    assert content.notes == ()


def test_the_same_layer_of_two_files_is_one_section() -> None:
    content = gather([network((8, 1, 3, 3), path="a.pkl"), network((8, 1, 3, 3), path="b.pkl", seed=1)])
    (section,) = content.sections
    assert [state.file.label for state in section.states] == ["a.pkl", "b.pkl"]
    assert all(len(pictures.sprites) == 2 for pictures in section.pictures)
    assert section.states[0].diagnosis.changes == ()
    assert section.states[1].diagnosis.changes == ()  # nobody has said that a.pkl is from before
    assert section.movement is not None
    trail = next(each for each in section.movement.trails if each.measure == "rms")
    first, last = trail.values
    assert first is not None
    assert last is not None
    assert trail.moved == last - first != 0


def test_layers_of_another_shape_stand_alone_and_that_is_said() -> None:
    content = gather([network((8, 1, 3, 3), path="a.pkl"), network((9, 1, 3, 3), path="b.pkl")])
    assert [section.anchor for section in content.sections] == ["layer-0", "layer-0-2"]
    assert content.notes == (
        "2 of 2 layers are not of the same place and shape in all files: they stand by themselves",
    )
    assert content.section_of(content.files[1], 0) is content.sections[1]
    assert content.section_of(content.files[1], 1) is None


def test_layers_that_were_not_asked_for_are_named_as_left_out() -> None:
    model = network((8, 1, 3, 3), (8, 8, 3, 3), (4, 8, 3, 3))
    content = gather(model, ReportOptions(layers=("1",)))
    assert [section.layer.conv_index for section in content.sections] == [1]
    assert content.notes == ("2 of 3 layers of model.pkl are left out (--layer)",)
    with pytest.raises(SelectionError):
        gather(model, ReportOptions(layers=(7,)))


def test_depths_fall_before_kernels_are_left_out() -> None:
    assert plan_depths([100, 200], megabytes=1) == [16, 16]
    assert plan_depths([300_000, 300_000], megabytes=1) == [8, 8]
    assert plan_depths([100_000, 900_000, 300_000], megabytes=1) == [8, 0, 8]
    assert plan_depths([2_000_000], megabytes=1) == [0]
    assert plan_depths([], megabytes=1) == []


@pytest.mark.slow
def test_too_large_a_layer_is_summed_up_and_that_is_said() -> None:
    content = gather(network((4, 1, 3, 3), (16, 64, 3, 3)), ReportOptions(megabytes=0.001))
    small, large = content.sections
    assert [p.key for p in large.pictures][:1] == ["summary"]
    assert "the 1,024 kernels themselves are not in the page" in large.notes[0]
    assert "--layer 1" in large.notes[0]
    assert small.notes[0].startswith("weights are rounded to 1/126")
    assert content.notes == ("1 of 2 layers are shown without their kernels (--megabytes)",)


@pytest.mark.slow
def test_a_bare_list_is_composed_when_that_is_asked_for() -> None:
    known = network((4, 1, 3, 3), (4, 4, 3, 3))
    bare = [ConvLayer.of(layer.W, layer.b, name=layer.name) for layer in known.conv_layers]
    model = Network.of(bare, Origin(path=Path("bare.npz")))
    assert "through" not in [p.key for p in gather(model).sections[1].pictures]
    content = gather(model, ReportOptions(assume_stacked=True))
    through = next(p for p in content.sections[1].pictures if p.key == "through")
    assert (through.sprites[0].layout.rows, through.sprites[0].layout.cols) == (5, 5)
    assert content.notes[0].startswith("assumed, since the file does not tell")


def test_components_come_with_their_share() -> None:
    content = gather(network((6, 8, 3, 3)))
    summary = content.sections[0].pictures[1]
    assert summary.columns == ("root mean square", "component 1", "component 2", "component 3")
    filters = content.sections[0].layer.filters.reshape(6, 8, 9).astype(float)
    values = np.linalg.svd(filters, compute_uv=False) ** 2
    assert [row[0] for row in summary.shares[0]] == [None] * 6  # a root mean square is no part of the energy
    shown = np.array([row[1:] for row in summary.shares[0]])
    np.testing.assert_allclose(shown, values[:, :3] / values.sum(1, keepdims=True))


def test_weights_that_are_not_finite_are_shown() -> None:
    weights = np.ones((4, 8, 3, 3), np.float32)
    weights[2, 0, 0, 0] = np.nan
    model = Network.of([conv(weights, name="conv1", below=0)], Origin(path=Path("nan.pkl")))
    model = replace(model, layers=(replace(model.layers[0], inputs=()),))
    (section,) = gather(model).sections
    assert section.states[0].diagnosis.verdict == "undecided"
    assert [p.key for p in section.pictures] == ["kernels"]


def test_a_report_on_nothing() -> None:
    with pytest.raises(ValueError, match="a report needs at least one model"):
        gather([])


@pytest.mark.cases("all")
@pytest.mark.parametrize("megabytes", [0.0, -1.0, float("nan"), float("inf")])
def test_options_check_themselves(megabytes: float) -> None:
    with pytest.raises(ValueError, match="megabytes must be a positive number"):
        ReportOptions(megabytes=megabytes)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("labels", "n_before", "title"),
    [
        (["a"], 0, "Filters of a"),
        (["a", "b", "c"], 0, "Filters of a, b, c"),
        (["a", "b", "c", "d"], 0, "Filters of 4 models"),
        (["z", "a"], 1, "Filters of a, and what changed since z"),
        (["y", "z", "a", "b", "c"], 2, "Filters of a, b, c, and what changed since y, z"),
    ],
)
def test_a_title_names_three_models_and_counts_more(labels, n_before, title) -> None:
    assert gathering._title(labels, n_before) == title


class Purse:
    """An account that pays for layers of some sizes only."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = sizes

    def spend(self, kind: str, amount: int, what: str) -> None:
        if amount not in self.sizes:
            Account({"work": 0, "pixels": 0}).spend(kind, amount, what)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ((0, 1, 2), []),
        ((0, 2), ["the pictures of conv1 were left out"]),
        ((0,), ["the pictures of conv1 and conv2 were left out"]),
        ((), ["the pictures of conv0 to conv2 were left out"]),
    ],
)
def test_layers_that_are_too_much_work_are_named_with_the_first_reason(shown, said) -> None:
    model = network((2, 1, 3, 3), (3, 2, 3, 3), (4, 3, 3, 3))
    layers = [replace(layer, name=f"conv{i}", label=f"conv{i}") for i, layer in enumerate(model.conv_layers)]
    groups = [[(None, layer)] for layer in layers]
    works = [gathering._work_of(layer) for layer in layers]
    assert len(set(works)) == 3
    kept, told = gathering._affordable(groups, Purse(*(works[i] for i in shown)))
    assert kept == [groups[i] for i in shown]
    assert [each.partition(":")[0] for each in told] == said
    first = next((layers[i].title for i in range(3) if i not in shown), "")
    assert all(f"showing {first}" in each for each in told)


@pytest.mark.parametrize(
    ("depth", "notes"),
    [
        (16, []),
        (
            8,
            ["weights are rounded to 1/126 of the layer's largest, which keeps the page small (--megabytes)"],
        ),
        (
            0,
            [
                "the 6 kernels themselves are not in the page, to keep it small: --layer 1 or a larger "
                "--megabytes puts them in"
            ],
        ),
    ],
)
def test_what_was_done_to_keep_the_page_small_is_said(depth, notes) -> None:
    layer = network((2, 1, 3, 3), (3, 2, 3, 3)).conv_layers[1]
    assert list(gathering._depth_notes(layer, depth)) == notes


def test_what_images_leave_out_stands_with_what_else_was_left_out(monkeypatch) -> None:
    asked = []

    def shown(networks, diagnoses, options, n_before, budget):
        asked.append((len(networks), options.images, n_before, budget))
        return diagnoses, [("figure",)], ["images tell nothing"]

    whole = gathering.gather_content
    monkeypatch.setattr(gathering, "_show_to_each", shown)
    monkeypatch.setattr(gathering, "gather_content", lambda *a: replace(whole(*a), left_out=("too much",)))
    content = gather(network((4, 1, 3, 3)), ReportOptions(images="x.png"), notes="mine")
    assert asked == [(1, "x.png", 0, None)]
    assert content.figures == (("figure",),)
    assert content.left_out == ("too much", "images tell nothing")
    assert content.notes == ("mine",)
    assert gather(network((4, 1, 3, 3))).figures == ()


def test_each_layer_that_is_asked_for_is_looked_for_before_minutes_are_spent(monkeypatch) -> None:
    monkeypatch.setattr(gathering, "_diagnose_all", lambda *_: pytest.fail("it was measured"))
    with pytest.raises(SelectionError, match="nope"):
        gather(network((4, 1, 3, 3)), ReportOptions(layers=(0, "nope")))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("files", "groups", "n"),
    [
        ([1, 1], [[0, 1]], 0),
        ([1, 1], [[0], [1]], 2),
        ([1, 0], [[0]], 0),
        ([1, 1, 0], [[0]], 1),
        ([1], [[0]], 0),
    ],
)
def test_a_file_without_layers_lacks_none(files, groups, n) -> None:
    made: list[Any] = [
        SimpleNamespace(
            label=str(i), diagnosis=SimpleNamespace(layers=[SimpleNamespace(conv_index=0)] * count)
        )
        for i, count in enumerate(files)
    ]
    held: Any = [[(made[i], SimpleNamespace(conv_index=0)) for i in group] for group in groups]
    told = [
        each
        for each in gathering._omissions(made, held, held, [8] * len(groups))
        if "place and shape" in each
    ]
    assert [each.split(" layers")[0] for each in told] == ([f"{n} of {len(groups)}"] if n else [])


def test_of_two_sections_of_a_layer_the_first_is_its_own() -> None:
    file: Any = SimpleNamespace()
    sections: Any = tuple(
        SimpleNamespace(layer=SimpleNamespace(conv_index=0), states=[SimpleNamespace(file=file)])
        for _ in range(2)
    )
    assert PageContent(title="t", files=(file,), sections=sections).section_of(file, 0) is sections[0]


def test_the_first_levels_are_of_what_is_no_weight() -> None:
    grey, not_finite, unused, *weights = palette()
    assert (grey, not_finite, unused) == ((190, 190, 190), NOT_FINITE, (190, 190, 190))
    low, middle, high = weights[0], weights[len(weights) // 2], weights[-1]
    assert low[2] > low[0]
    assert min(middle) > 240
    assert high[0] > high[2]
