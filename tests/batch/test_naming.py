"""Names of files tell apart what they show, and are the same every time."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from filtviz.drawing.views import SHEET_VIEWS, VIEWS
from filtviz.naming import (
    DEEPEST,
    layer_stems,
    model_folders,
    model_stem,
    models_stem,
    models_stems,
    names_taken,
    picture_name,
    telling_names,
    unique_stems,
)
from filtviz.network import ConvLayer, Network
from filtviz.text import digest


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("models/net.pkl", "net"),
        ("net.pkl.gz", "net"),
        ("net.v2.npz", "net.v2"),
        ("no-suffix", "no-suffix"),
        ("卷积.pkl", "卷积"),
        ("LeNet-5_a.pkl", "LeNet-5_a"),
    ],
)
def test_a_plain_name_is_taken_as_it_is(path, stem):
    assert model_stem(Path(path)) == stem


LONG = "n" * 60


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("path", "begin"),
    [
        ("..", "_"),
        ("a b\x1b[31m.pkl", "a_b_31m"),
        ("con.pkl", "_con"),
        ("-rf.pkl", "rf"),
        (".hidden.pkl", "hidden"),
        ("e\u0301.pkl", "é"),
        ("net\udcff.pkl", "net_"),
        (f"{LONG}x.pkl", LONG[:49]),
        (f"{'n' * 5000}.pkl", LONG[:49]),
        (f"{'卷' * 60}.pkl", "卷" * 32),
    ],
)
def test_a_name_that_was_changed_or_cut_ends_in_digits_of_a_digest(path, begin):
    stem = model_stem(Path(path))
    assert stem == f"{begin}-{digest(Path(path).name)}"
    assert len(stem) <= 60
    assert len(digest(path)) == 10


ALIKE = [
    ["full_aug" + LONG, "full_aug" + LONG + "_sc"],
    ["a b", "a_b", "a:b", "a  b", "a?b"],
    ["é", "e\u0301"],
    ["net.", "net"],
    ["con", "_con"],
    [".a", "a", "-a", "..a"],
    ["①", "1"],
]


@pytest.mark.cases("all")
@pytest.mark.parametrize("names", ALIKE)
def test_models_whose_names_look_alike_as_files_are_told_apart_in_any_order(names):
    paths = [Path(f"{name}.pkl") for name in names]
    for order in itertools.permutations(paths):
        assert len({model_stem(path).lower() for path in order}) == len(names)


def test_a_packed_model_that_was_cut_is_not_the_plain_one():
    assert model_stem(Path(f"{LONG}x.pkl")) != model_stem(Path(f"{LONG}x.pkl.gz"))


def test_several_models_are_named_by_the_first_and_the_last():
    a, b, c, d = (Path(f"models/{name}.pkl") for name in "abcd")
    assert models_stem([a]) == "a"
    assert models_stem([a, b]) == "a-b"
    three, other = models_stem([a, b, d]), models_stem([a, c, d])
    assert three == f"a-d-{digest('a.pkl/b.pkl/d.pkl')}"
    assert three != other
    long = [Path(f"{LONG}{end}.pkl") for end in "ab"]
    assert len(models_stem(long)) == 60
    assert models_stem(long) != models_stem(long[::-1])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("../net.pkl", "net"),
        ("../runs/run1/net.pkl", "runs/run1/net"),
        ("../runs/run1/net.pkl.gz", "runs/run1/net"),
        ("../runs/model.safetensors.index.json", "runs/model"),
        ("../net.cfg", "net"),
        (f"../{LONG}/net.pkl", f"{LONG}/net"),
        ("../../runs/run1/net.pkl", "runs/run1/net"),
        ("../../../../data/net.pkl", "data/net"),
    ],
)
def test_a_models_folder_is_the_path_below_the_folder_that_holds_that_of_all(place, name):
    assert model_folders(place)[0] == name


@pytest.mark.parametrize("beside", [["net.npz"], ["NET"], ["net.pkl.gz"]])
def test_suffixes_stay_where_another_model_beside_it_would_be_called_the_same(beside):
    assert model_folders("../a/net.pkl", names_taken(["net.pkl", *beside]))[0] == "a/net.pkl"
    assert (
        model_folders("../a/net.pkl", names_taken(["net.pkl", *beside]))[1]
        == f"a/net-{digest('../a/net.pkl')}"
    )


@pytest.mark.parametrize("beside", [[], ["net.json", "net.log", "net.PNG"], ["net2.pkl", "ne"]])
def test_what_is_no_model_or_called_otherwise_changes_no_name(beside):
    assert model_folders("../a/net.pkl", names_taken(["net.pkl", *beside]))[0] == "a/net"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "place",
    [
        "net.pkl",
        "/data/net.pkl",
        "C:/x/net.pkl",
        "../" + "a/" * 9 + "net.pkl",
        "a/../b",
    ],
)
def test_a_model_that_lies_elsewhere_is_named_after_its_folder_and_a_digest_of_its_place(place):
    (name,) = model_folders(place, names_taken(["net.npz"]))
    above, _, own = name.rpartition("/")
    assert own == f"{'b' if place == 'a/../b' else 'net'}-{digest(place)}"
    assert "/" not in above
    assert ".." not in name


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "names",
    [
        ["net.pkl", "net.npz", "net.pkl.gz", "net", "Net.pkl", "NET.PKL"],
        ["a b.pkl", "a_b.pkl", "a:b.pkl"],
        [f"{LONG}x.pkl", f"{LONG}y.pkl", f"{LONG}x.pkl.gz"],
        ["net.pkl", "net.pkl.npz", "net.npz"],
        ["é.pkl", "e\u0301.pkl"],
        ["con.pkl", "_con.pkl"],
    ],
)
def test_each_models_folder_is_its_own_in_any_order_even_where_case_does_not_count(names):
    usual = [model_folders(f"../m/{name}", names_taken(names[:5]))[0] for name in sorted(names[:5])]
    assert len({folder.casefold() for folder in usual}) == len(usual)
    for order in itertools.islice(itertools.permutations(names[:5]), 0, None, 7):
        taken = names_taken(order)
        assert [model_folders(f"../m/{name}", taken)[0] for name in sorted(names[:5])] == usual


@pytest.mark.parametrize(
    "name", [model_stem, lambda path: models_stems([path]), lambda path: telling_names([path])]
)
def test_a_model_is_called_the_same_from_wherever_it_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert name(Path("a/net.pkl")) == name(tmp_path / "a/net.pkl")


def test_several_models_are_called_the_same_from_wherever_they_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for names in (["a/net.pkl", "b/net.pkl"], ["net.pkl", "a/net.pkl"], ["x.pkl", "b/y.pkl", "z.npz"]):
        near, far = ([place / name for name in names] for place in (Path(), tmp_path))
        assert models_stems(near) == models_stems(far)
        assert telling_names(near) == telling_names(far)


def test_models_of_one_path_below_different_folders_have_another_name_left():
    near, far = (model_folders(place) for place in ("../a/net.pkl", "../../a/net.pkl"))
    assert near[0] == far[0] == "a/net"
    assert set(near) & set(far) == {"a/net", "a/net.pkl"}
    assert {digest("../a/net.pkl"), digest("../../a/net.pkl")} == {
        name.removeprefix("a/net-") for name in {*near, *far} - {"a/net", "a/net.pkl"}
    }


def test_hostile_names_of_folders_lead_nowhere():
    (name, *_) = model_folders("../.hidden/a\x1b[31m/-rf/net.pkl")
    assert name.endswith("/net")
    assert [part[0] for part in name.split("/")] == ["h", "a", "r", "n"]
    assert "\x1b" not in name


def test_empty_parts_of_a_name_are_left_out():
    assert picture_name("model", "conv2", "ch007", "png") == "model-conv2-ch007.png"
    assert picture_name("model", "conv1", "", "svg") == "model-conv1.svg"
    assert picture_name("", "conv1", "", "pdf") == "conv1.pdf"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("stems", "unique"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["a", "A"], ["a", "A-2"]),
        (["a", "a", "a-2"], ["a", "a-3", "a-2"]),
    ],
)
def test_no_two_stems_are_one_file(stems, unique):
    assert unique_stems(stems) == unique


def test_stems_that_are_taken_are_passed_over():
    assert unique_stems(["a", "b"], taken=["A", "a-2"]) == ["a-3", "b"]


def test_layers_whose_hostile_names_look_alike_as_files_do_not_collide():
    weights = np.zeros((1, 1, 3, 3))
    names = ["../x", "..x", "conv/1", "conv:1", None]
    network = Network.of([ConvLayer.of(weights, type="Conv2DLayer", name=name) for name in names])
    assert layer_stems(network, SHEET_VIEWS) == {0: "_x", 1: "x", 2: "conv_1", 3: "conv_1-2", 4: "conv5"}


def stems_of(*names):
    weights = np.zeros((1, 1, 3, 3))
    network = Network.of([ConvLayer.of(weights, type="Conv2DLayer", name=name) for name in names])
    return list(layer_stems(network, SHEET_VIEWS).values())


def test_long_labels_of_one_beginning_are_told_apart():
    assert stems_of(f"{LONG}a", f"{LONG}b") == [f"{LONG[:49]}-{digest(LONG + end)}" for end in "ab"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("part", ["ch0", "ch07", "CH1", "compare", "through", "rgb", "sheet-p02", *VIEWS])
def test_no_layer_is_called_as_another_ones_picture(part):
    if part == "grid":  # its pictures are named by their channels
        return
    assert stems_of("conv1", f"conv1-{part}") == ["conv1", f"conv1-{part}-2"]
    assert stems_of("conv1", f"Conv1-{part}") == ["conv1", f"Conv1-{part}-2"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["conv1-bn", "conv1-3x3", "conv1-ch", "conv12-ch0", "conv1_ch0"])
def test_a_layer_that_only_begins_as_another_keeps_its_name(name):
    assert stems_of("conv1", name) == ["conv1", name]


def test_a_new_view_is_minded_by_its_name_alone():
    weights = np.zeros((1, 1, 3, 3))
    made = Network.of([ConvLayer.of(weights, name=name) for name in ("conv1", "conv1-dream")])
    assert layer_stems(made, SHEET_VIEWS) == {0: "conv1", 1: "conv1-dream"}
    assert layer_stems(made, (*SHEET_VIEWS, "dream")) == {0: "conv1", 1: "conv1-dream-2"}
    assert layer_stems(made, ("dr.am", "dre*m")) == {0: "conv1", 1: "conv1-dream"}
    assert SHEET_VIEWS == ("sheet", "curves", "rms", "components", "nmf")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x/a.pkl", "y/b.pkl"], ["a.pkl", "b.pkl"]),
        (["runs/1/net.pkl", "runs/2/net.pkl"], ["1/net.pkl", "2/net.pkl"]),
        (["runs/1/net.pkl", "runs/2/net.pth"], ["1/net.pkl", "2/net.pth"]),
        (
            ["runs/1/out/net.pkl", "runs/2/out/net.pkl", "other.pkl"],
            ["1/out/net.pkl", "2/out/net.pkl", "other.pkl"],
        ),
        (["runs/net.pkl", "runs/net.onnx"], ["net.pkl", "net.onnx"]),
        (["a/net.pkl", "a/net.pkl"], ["net.pkl", "net.pkl"]),
        (["a/Net.pkl", "b/net.pkl"], ["a/Net.pkl", "b/net.pkl"]),  # one name where case does not count
    ],
)
def test_models_are_told_apart_by_as_much_of_their_paths_as_it_takes(paths, names):
    assert telling_names([Path(path) for path in paths]) == names
    assert telling_names([Path(path) for path in paths[::-1]]) == names[::-1]


def test_files_that_show_models_of_one_name_are_told_apart():
    a, b, other = Path("x/a/net.pkl"), Path("x/b/net.pkl"), Path("x/a/net.onnx")
    assert models_stem([a, b]) == "a-net-b-net"
    assert models_stem([a, other]) == "net.pkl-net.onnx"
    assert models_stem([a, a]) == "net-net"
    first, second, third = models_stems([a])
    assert (first, second) == ("net", "a-net")
    assert re.fullmatch(r"a-net-[0-9a-f]{10}", third)
    assert models_stems([Path("y/a/net.pkl")])[2] != third
    assert models_stems([Path("x/a/one.pkl"), Path("y/b/two.pkl")])[:2] == ("one-two", "a-one-b-two")


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["net.pkl", "net.pkl.gz", "net.PKL.GZ", "net.pkl.Bz2", "net.pkl.xz"])
def test_a_packed_model_is_called_as_what_it_holds(name):
    assert model_stem(Path(name)).startswith("net")
    assert ".pkl" not in model_stem(Path(name)).lower()


def test_the_index_of_a_model_in_several_files_is_called_after_the_model():
    assert model_stem(Path("net.safetensors.index.json")) == "net"
    assert re.fullmatch(r"index\.json-[0-9a-f]{10}", model_stem(Path(".index.json")))


def test_no_part_of_a_name_begins_at_the_root_twice():
    assert telling_names([Path("/a.pkl"), Path("/b/a.pkl")]) == ["/a.pkl", "b/a.pkl"]


def test_of_more_than_two_models_all_names_end_in_a_digest_and_of_two_none():
    two = [Path("a/x.pkl"), Path("b/y.pkl")]
    three = [two[0], Path("c/z.pkl"), two[1]]
    assert models_stems(two)[:2] == ("x-y", "a-x-b-y")
    for one, other in zip(models_stems(three), models_stems([two[0], Path("c/w.pkl"), two[1]]), strict=True):
        assert one != other
    plain, longer, _ = models_stems(three)
    assert plain.startswith("x-y-")
    assert longer.startswith("a-x-b-y-")
    assert plain.removeprefix("x-y-") == longer.removeprefix("a-x-b-y-")


def test_two_models_in_one_folder_are_told_apart_by_their_suffixes():
    assert models_stem([Path("a/net.pkl"), Path("a/net.npz")]) == "net.pkl-net.npz"
    assert models_stem([Path("a/net.pkl"), Path("a/net.pkl")]) == "net-net"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("place", "is_below"),
    [
        ("../runs/a.pkl", True),
        ("../../runs/a.pkl", True),
        ("../runs/../a.pkl", False),
        ("a.pkl", False),
        ("runs/a.pkl", False),
        ("../a.pkl", True),
        ("../" + "d/" * DEEPEST + "a.pkl", True),
        ("../" + "d/" * (DEEPEST + 1) + "a.pkl", False),
    ],
)
def test_which_models_lie_below_a_folder_that_holds_that_of_all(place, is_below):
    plain = [folder for folder in model_folders(place) if folder.split("/")[-1] == "a"]
    assert bool(plain) == is_below
    assert all(".." not in folder.split("/") for folder in model_folders(place))
