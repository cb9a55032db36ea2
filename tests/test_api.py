"""The commands as functions: what they return, that they print nothing, and what they raise."""

from __future__ import annotations

import ast
import inspect
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import filtviz
from filtviz import (
    ComparisonResult,
    DrawingError,
    DrawingOptions,
    LayerComparison,
    LayerFailure,
    Network,
    OutputError,
    SelectionError,
    WrittenFile,
    comparing,
    picture_files,
)
from filtviz.network import Origin

from .building import conv, image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
UNTRAINED, HALFWAY, TRAINED = (
    EXAMPLES / f"mission-{stage}.pkl" for stage in ("untrained", "halfway", "trained")
)


@pytest.fixture(scope="module")
def trained():
    return filtviz.load(TRAINED)


@pytest.fixture(autouse=True)
def silence(tmp_path, monkeypatch, capsys):
    """No function prints, and none writes where it is not told to."""
    monkeypatch.chdir(tmp_path)
    yield
    assert capsys.readouterr() == ("", "")
    assert [path for path in tmp_path.iterdir() if not path.name.startswith("out")] == []


def test_every_public_name_is_there_and_importing_the_package_is_light():
    assert sorted(filtviz.__all__) == filtviz.__all__ == dir(filtviz)
    for name in filtviz.__all__:
        assert getattr(filtviz, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        getattr(filtviz, "no_such_" + "name")


def test_type_checkers_are_told_the_same_names_from_the_same_places():
    tree = ast.parse(Path(filtviz.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    told = {alias.name: node.module for node in block.body for alias in node.names}
    assert told == filtviz._HOMES
    assert set(told) == set(filtviz.__all__) - {"__version__"}


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["layers", "plot", "diagnose", "compare", "export", "report"])
def test_every_parameter_of_a_command_is_told(name):
    function = getattr(filtviz, name)
    code = function.__code__
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    told = inspect.getdoc(function).split("Args:")[1]
    assert [parameter for parameter in parameters if f"\n    {parameter}: " not in told] == []


def test_every_error_is_caught_by_one_name():
    from filtviz import errors

    for name in errors.__all__:
        assert issubclass(getattr(filtviz, name), filtviz.FiltvizError)


@pytest.mark.parametrize("given", ["path", "text", "network"])
def test_layers_are_told_of_a_path_or_a_network(given, trained):
    model = {"path": TRAINED, "text": str(TRAINED), "network": trained}[given]
    result = filtviz.layers(model)
    assert [row.name for row in result.rows if row.conv_index is not None] == [
        f"conv{n}" for n in range(1, 7)
    ]
    assert result.network.conv_layers[0].label == "conv1"
    assert result.summary.convolutions == 6


def test_a_plot_without_output_writes_nothing_and_is_ready_to_be_looked_at(trained):
    result = filtviz.plot(trained, layers=[1, "conv2", -1], channels="0,2-3")
    assert [each.layer.label for each in result.layers] == ["conv2", "conv6"]
    assert [picture.channel for picture in result.pictures] == [0, 2, 3, 0, 2, 3]
    assert (result.files, result.failures, result.cautions) == ((), (), ())
    assert result.pictures[0].image().size == (600, 600)


def test_the_first_convolution_is_what_is_plotted(trained):
    assert [each.layer.conv_index for each in filtviz.plot(trained).layers] == [0]


@pytest.mark.cases("all")
@pytest.mark.parametrize("channels", ["1,3-4", [1, (3, 4)], [(1, 1), (3, 4)], (4, 3, 1)])
def test_channels_are_text_numbers_or_ranges(trained, channels):
    result = filtviz.plot(trained, layers=["conv2"], channels=channels)
    assert [picture.channel for picture in result.pictures] == [1, 3, 4]


def test_what_is_plotted_is_written_where_it_is_said_and_each_file_is_told():
    seen = []
    result = filtviz.plot(TRAINED, layers=[1], channels=[7], output="out", progress=seen.append)
    (file,) = result.files
    assert file == WrittenFile(Path("out/mission-trained-conv2-ch07.png")) == seen[0]
    drawn = np.asarray(result.pictures[0].image())
    assert np.array_equal(np.asarray(Image.open(file.path)), drawn)
    kept = filtviz.plot(TRAINED, layers=[1], channels=[7], output="out", clobber=False)
    assert kept.files == (WrittenFile(file.path, kept=True),)


def test_a_network_of_no_file_is_written_under_its_layers_names(trained):
    network = filtviz.Network.of(trained.layers)
    (file,) = filtviz.plot(network, output="out", format="svg").files
    assert file.path == Path("out/network-conv1.svg")


def test_layers_that_fail_are_named_as_they_were_asked_for_and_the_others_are_drawn(trained):
    result = filtviz.plot(trained, layers=["conv9", 0, 77])
    assert [each.layer.label for each in result.layers] == ["conv1"]
    first, second = result.failures
    assert (first.layer, second.layer) == ("conv9", 77)
    assert first.reason.startswith("there is no convolution 'conv9'; did you mean ")


def test_a_channel_that_is_not_there_fails_its_layer(trained):
    result = filtviz.plot(trained, layers=[0, 1], channels=[5])
    assert [each.layer.label for each in result.layers] == ["conv2"]
    assert result.failures == (
        LayerFailure(0, "conv1 has no channel 5: it has 1, from 0 on", "no-such-layer"),
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("options", "view"),
    [
        ({}, "grid"),
        ({"drawing": DrawingOptions(dpi=50)}, "grid"),
        ({"drawing": DrawingOptions(view="rms")}, "rms"),
        ({"view": "rms"}, "rms"),
        ({"view": "rms", "drawing": DrawingOptions(view="components")}, "rms"),
        ({"through": True}, "sheet"),
        ({"badges": True}, "sheet"),
        ({"through": True, "drawing": DrawingOptions(view="rms")}, "rms"),
    ],
)
def test_the_view_is_the_one_asked_for_or_the_one_that_is_needed(trained, options, view):
    result = filtviz.plot(trained, layers=[1], **options)
    assert result.options.view == view
    part = "through" if "through" in options else {"grid": "ch00"}.get(view, view)
    assert result.pictures[0].part == part


def test_colours_need_three_channels_and_a_sheet(trained):
    (failure,) = filtviz.plot(trained, channels="rgb").failures
    assert failure.layer == 0
    assert "the filters have 1 channel, and rgb colours need 3" in failure.reason


@pytest.mark.slow
def test_composed_filters_are_checked_on_images_of_a_file_or_an_array(trained):
    images = np.random.default_rng(0).random((5, 31, 31))
    np.save("out.npy", images)
    pages = [
        filtviz.plot(trained, layers=[2], through=True, images=given).pictures[0].figure()
        for given in ("out.npy", images[:, None])
    ]
    texts = [[text.get_text() for text in page.texts] for page in pages]
    assert texts[0] == texts[1]
    assert any("shown 5 given images" in text for text in texts[0])


def test_images_that_cannot_be_read_are_an_error_even_where_a_layer_would_fail(trained):
    with pytest.raises(filtviz.CompositionError, match=r"cannot read nope\.npy"):
        filtviz.plot(trained, through=True, images="nope.npy")


def test_pictures_that_mislead_come_with_a_caution():
    network = filtviz.Network.of([conv(np.ones((4, 1, 3, 3), "f4"))])
    (sentence,) = filtviz.plot(network).cautions
    assert sentence.startswith("conv1: 4 of 4 kernels")
    assert filtviz.plot(network, view="sheet").cautions == ()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"view": "mud"}, "there is no view 'mud'"),
        ({"channels": "5-2"}, "channels are `all`, or numbers and ranges"),
        ({"output": "out.jpg"}, r"\.jpg is no format of pictures"),
        ({"output": "out.png", "format": "svg"}, "contradicts the name"),
        ({"images": "nope.npy"}, "images is for filters composed down to the image: set through, or leave"),
        ({"images": np.zeros((1, 1, 31, 31)), "view": "sheet"}, "images is for filters composed"),
        (
            {"assume_stacked": True},
            "assume_stacked is for filters composed down to the image: set through, or leave",
        ),
        ({"assume_stacked": True, "badges": True}, "assume_stacked is for filters composed"),
    ],
)
def test_a_wrong_option_of_a_plot_is_a_value_error(trained, options, words):
    with pytest.raises(ValueError, match=words):
        filtviz.plot(trained, **options)


def test_a_network_without_convolutions_has_nothing_to_draw():
    network = filtviz.Network.of([filtviz.Layer(type="DenseLayer")])
    with pytest.raises(DrawingError, match=r"^the network holds .*: there is no filter to draw$"):
        filtviz.plot(network)


def test_a_picture_that_cannot_be_written_is_an_error(trained):
    Path("out").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write out/in: not a directory"):
        filtviz.plot(trained, output="out/in/")


@pytest.mark.slow
def test_a_path_is_diagnosed_like_its_network(trained):
    assert filtviz.diagnose(str(TRAINED)) == filtviz.diagnose(trained)


@pytest.mark.slow
def test_a_diagnosis_keeps_the_layers_that_are_asked_for(trained):
    whole = filtviz.diagnose(trained)
    some = filtviz.diagnose(trained, layers=[-1, "conv2"])
    assert some.layers == (whole.layers[1], whole.layers[5])
    assert some.summary == whole.summary
    with pytest.raises(SelectionError):
        filtviz.diagnose(trained, layers=["conv9"])


@pytest.mark.slow
def test_earlier_states_are_paths_networks_or_networks_with_a_name(trained):
    before = filtviz.load(UNTRAINED)
    alone = filtviz.Network.of(before.layers)
    found = filtviz.diagnose(trained, layers=[0], before=[UNTRAINED, before, ("start", before), alone])
    changes = found.layers[0].changes
    assert [change.before for change in changes] == [str(UNTRAINED), str(UNTRAINED), "start", "network 4"]
    assert len({change.cos2 for change in changes}) == 1


@pytest.mark.slow
def test_models_are_compared_layer_by_layer_and_drawn_where_it_is_said(trained):
    result = filtviz.compare([UNTRAINED, trained], layers=[0, "conv9", 1])
    assert isinstance(result, ComparisonResult)
    assert [each.label for each in result.comparisons] == ["conv1", "conv2"]
    assert [failure.layer for failure in result.failures] == ["conv9"]
    assert result.files == ()
    assert "from mission-untrained.pkl to mission-trained.pkl" in result.comparisons[0].sentence
    drawn = filtviz.compare([UNTRAINED, trained], output="out", format="svg")
    (file,) = drawn.files
    assert file.path == Path("out/mission-untrained-mission-trained-conv1-compare.svg")


def test_what_models_are_called_can_be_said(trained):
    (found,) = filtviz.compare([UNTRAINED, trained], ["first", "last"]).comparisons
    assert "from first to last" in found.sentence


def test_files_of_one_name_are_called_by_their_paths(trained):
    (found,) = filtviz.compare([TRAINED, trained]).comparisons
    assert found.sentence.startswith(
        f"nothing changed from {TRAINED.name} to {TRAINED.name}: all 180 weights"
    )
    Path("a").mkdir()
    shutil.copy(UNTRAINED, Path("a", TRAINED.name))
    (found,) = filtviz.compare([Path("a", TRAINED.name), trained]).comparisons
    shutil.rmtree("a")
    assert found.sentence.startswith(f"from a/{TRAINED.name} to examples/{TRAINED.name} the weights changed")


def test_layers_and_arrays_are_compared_as_they_are(trained):
    before = filtviz.load(UNTRAINED).conv_layers[0]
    found = filtviz.compare([before, trained.conv_layers[0].filters], ["first", "last"])
    assert isinstance(found, LayerComparison)
    assert "from first to last" in found.sentence


@pytest.mark.slow
def test_networks_of_two_frameworks_are_compared_as_they_match_in_the_image(trained):
    torch = filtviz.load(EXAMPLES / "mission-torch.pth")
    found = filtviz.compare([trained, torch], ["old", "new"], output="out.png")
    old, new = found.comparisons[0].filters
    assert np.array_equal(old, trained.conv_layers[0].filters[:, :, ::-1, ::-1])
    assert np.array_equal(new, torch.conv_layers[0].filters)
    assert [caution[:34] for caution in found.cautions] == [
        "the kernels of old are turned by 1",
        "conv1 is no more alike in old and ",
    ]


def test_networks_of_one_framework_are_compared_as_stored_and_need_no_caution(trained):
    for before, after in (
        (UNTRAINED, trained),
        (EXAMPLES / "mission-torch-start.pth", EXAMPLES / "mission-torch.onnx"),
    ):
        found = filtviz.compare([before, after])
        assert found.cautions == ()
        network = filtviz.load(before)
        assert np.array_equal(found.comparisons[0].filters[0], network.conv_layers[0].filters)


@pytest.mark.slow
def test_an_animation_shows_one_layer(trained):
    result = filtviz.compare([UNTRAINED, HALFWAY, trained], animate="out.gif")
    assert result.files == (WrittenFile(Path("out.gif")),)
    with Image.open("out.gif") as animation:
        assert animation.n_frames == 3
    for wrong in ({"animate": "out.png"}, {"animate": "out.gif", "layers": [0, 1]}):
        with pytest.raises(ValueError, match="animate must be a name that ends in"):
            filtviz.compare([UNTRAINED, trained], **wrong)


@pytest.mark.parametrize("view", ["grid", "sheet", "components"])
def test_filters_of_other_axes_are_drawn_too(view):
    curves, volumes = conv(np.ones((4, 2, 5)), axes="oic"), conv(np.ones((4, 2, 3, 3, 3)), axes="oidrc")
    network = Network.of([curves, volumes])
    result = filtviz.plot(network, layers=[0, 1], drawing=DrawingOptions(view=view))
    assert result.failures == ()
    assert len(result.layers) == 2


def test_a_lone_model_cannot_be_compared(trained):
    (failure,) = filtviz.compare([trained]).failures
    assert failure.reason == "there is only one file: give two or more to compare"


@pytest.mark.slow
def test_a_report_is_a_text_or_a_file(trained):
    text = filtviz.report(trained, filtviz.ReportOptions(layers=(0,)))
    result = filtviz.report(str(TRAINED), filtviz.ReportOptions(layers=(0,)), output="out.html")
    assert result.path == Path("out.html")
    assert result.notes == ("5 of 6 layers of mission-trained.pkl are left out (--layer)",)
    assert Path("out.html").read_text("utf-8") == text


@pytest.mark.slow
def test_a_page_in_a_folder_is_named_after_the_first_model(trained):
    Path("out").mkdir()
    options = filtviz.ReportOptions(layers=(0,))
    assert filtviz.report(trained, options, output="out").path == Path("out/mission-trained-report.html")
    network = filtviz.Network.of(trained.layers)
    assert filtviz.report(network, options, output="out/").path == Path("out/network-report.html")


def test_a_report_never_replaces_a_model(trained):
    with pytest.raises(OutputError, match="it is one of the files given"):
        filtviz.report([UNTRAINED, trained], output=TRAINED)


READERS = [
    name
    for name in sorted(filtviz.__all__)
    if inspect.isfunction(function := getattr(filtviz, name))
    and "hints" in inspect.signature(function).parameters
]


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", [each for each in READERS if each != "survey"])
def test_limits_and_hints_go_to_the_reader(name, tmp_path):
    if name in ("saliency", "maximise"):
        pytest.importorskip("torch", reason="PyTorch is not installed (the extra torch)")
    function = getattr(filtviz, name)
    model = [TRAINED, UNTRAINED] if name in ("compare", "follow") else TRAINED
    there = {"images": np.zeros((1, 1, 31, 31)), "path": tmp_path / "a.npz"}
    given = {each: there[each] for each in there if each in inspect.signature(function).parameters}
    if name in ("diagnose", "plot"):  # they are read before the model
        del given["images"]
    with pytest.raises(filtviz.LimitError):
        function(model, **given, limits=filtviz.Limits(opcodes=10))
    with pytest.raises(SelectionError, match="leave out --convs"):
        function(model, **given, hints=filtviz.Hints(convs=("0",)))


def test_the_homes_of_names_exist():
    for name, home in filtviz._HOMES.items():
        assert name in import_module(home).__all__, f"{home} does not offer {name}"


# What the choices of a command lead to, on networks of a few weights


def small(seed: int = 0, sign: int = 1, **fields: object) -> Network:
    """A network of one convolution, in no file; of another seed it has nothing in common with this one."""
    return Network.of([conv(sign * np.random.default_rng(seed).normal(size=(4, 1, 3, 3)), **fields)])


def test_badges_need_a_sheet_and_what_was_too_much_for_them_is_told(monkeypatch):
    from filtviz.measures.measure import Diagnosis

    told = Diagnosis(file=None, layers=(), left_out=("conv1 was not measured",))
    monkeypatch.setattr("filtviz.measures.diagnosing.diagnose", lambda *_, **__: told)
    result = filtviz.plot(small(), badges=True)
    assert result.options.view == "sheet"
    assert result.left_out == ("conv1 was not measured",)
    assert [picture.part for picture in result.pictures] == ["sheet"]
    plain = filtviz.plot(small())
    assert (plain.options.view, plain.left_out) == ("grid", ())


def test_a_layer_that_is_asked_for_twice_is_drawn_and_paid_for_once():
    poor = filtviz.Budget(pixels=400_000)
    result = filtviz.plot(small(), layers=[0, "conv1", -1], budget=poor)
    assert (len(result.layers), result.failures) == (1, ())
    two = Network.of([*small().layers, conv(np.ones((4, 4, 3, 3)))])
    result = filtviz.plot(two, layers=[0, 1], channels=0, budget=poor)
    assert [failure.code for failure in result.failures] == ["budget"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_of_layers_that_all_fail_nothing_is_written(suffix):
    results = [
        filtviz.plot(small(), layers=5, output=f"out.{suffix}"),
        filtviz.compare([small(), small(1)], layers=5, output=f"out.{suffix}"),
    ]
    for result in results:
        assert [failure.layer for failure in result.failures] == [5]
        assert result.files == ()
    assert not Path(f"out.{suffix}").exists()


def test_a_picture_is_called_after_its_models_unless_a_person_names_it():
    for output, stem in (("out/", "network"), ("out.png", "")):
        assert filtviz.plot(small(), output=output).stem == stem
    for output, stem in (("out/", "network-network"), ("out.png", "")):
        assert filtviz.compare([small(), small(1)], output=output).stem == stem


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("options", "suffix"),
    [({}, "png"), ({"output": "out.svg"}, "svg"), ({"output": "out/", "format": "pdf"}, "pdf")],
)
def test_pictures_are_paid_for_in_the_format_that_they_are_written_in(options, suffix, monkeypatch):
    """Each weight of a drawing in vectors takes many times the work of one in pixels."""

    def first_text(given):
        return next(each for each in given if isinstance(each, str))

    paid = []
    for place in ("plotting.pay_for_view", "plotting.pay_for_pages", "estimates.pay_for_pages"):
        monkeypatch.setattr(f"filtviz.drawing.{place}", lambda *given: paid.append(first_text(given)))
    filtviz.plot(small(), view="sheet", **options)
    assert paid == [suffix, suffix]
    paid.clear()
    filtviz.compare([small(), small(1)], animate="out.gif", **options)
    assert paid == ["gif", *([suffix] if options else [])]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({"output": "out/"}, ["out/network-network-conv1-compare.png"]),
        ({"output": "out/", "format": "svg"}, ["out/network-network-conv1-compare.svg"]),
        ({"output": "out.pdf"}, ["out.pdf"]),
        ({"animate": "out.gif"}, ["out.gif"]),
        ({"animate": "out.gif", "output": "out.png"}, ["out.png", "out.gif"]),
        ({}, []),
    ],
)
def test_a_comparison_writes_what_it_is_asked_for(options, files):
    result = filtviz.compare([small(), small(1)], **options)
    assert [str(file.path) for file in result.files] == files
    assert all(Path(file).stat().st_size for file in files)


@pytest.mark.cases("all")
@pytest.mark.parametrize("layers", [[], [0, 1], [0, 0]])
def test_an_animation_is_of_exactly_one_layer(layers):
    with pytest.raises(ValueError, match=r"ends in \.gif, and goes with one layer"):
        filtviz.compare([small(), small(1)], layers=layers, animate="out.gif")


def test_an_animation_that_would_replace_a_model_is_refused_before_anything_is_written():
    shutil.copy(UNTRAINED, "out.gif")
    with pytest.raises(OutputError, match=r"out\.gif"):
        filtviz.compare(["out.gif", TRAINED], animate="out.gif", output="out/")
    assert not Path("out").exists()
    assert Path("out.gif").read_bytes() == UNTRAINED.read_bytes()


def test_what_cannot_be_drawn_of_a_comparison_fails_alone():
    wide = Network.of([conv(np.random.default_rng(0).normal(size=(2, 1, 3, 30_000))) for _ in "ab"])
    result = filtviz.compare([wide, wide], layers=[0], output="out.png")
    assert [failure.code for failure in result.failures] == ["not-drawable"]
    assert (len(result.comparisons), result.files) == (1, ())


@pytest.mark.cases("all")
@pytest.mark.parametrize("states", [[], "ab", ["one"], ["one", 2], 3])
def test_states_are_called_by_a_text_for_each_or_not_at_all(states):
    with pytest.raises(filtviz.ArgumentError, match="states must be 2 texts, one for each model"):
        filtviz.compare(small(), small(1), states=states)


def test_a_model_beside_an_array_is_compared_as_models_are():
    network = small()
    found = filtviz.compare([network, network.conv_layers[0].filters], output="out.png")
    assert isinstance(found, ComparisonResult)
    assert [file.path for file in found.files] == [Path("out.png")]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("networks", "cautioned"),
    [
        ((small(), small(1)), "network 1 and network 2"),
        ((small(), small(sign=-1), small(1)), "network 1 and network 3"),
        ((small(), small(1), small(sign=-1)), None),  # the opposite is no chance
        ((small(), small()), None),
    ],
)
def test_what_is_no_more_alike_than_by_chance_is_said_of_the_first_and_the_last(networks, cautioned):
    result = filtviz.compare(networks)
    expected = [] if cautioned is None else [f"conv1 is no more alike in {cautioned} than by chance"]
    assert [caution.partition(":")[0] for caution in result.cautions] == expected


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("flips", "turned"),
    [
        ((True, False), [0]),
        ((False, True, True), [1, 2]),
        ((True, True), []),
        ((True, None), []),
        ((False, None), []),
        ((None, True, False), [1]),
    ],
)
def test_kernels_are_turned_only_where_one_network_convolves_and_another_correlates(
    flips, turned, monkeypatch
):
    said = []
    drawn = "filtviz.drawing.kernel_sheets.comparison_pages"
    monkeypatch.setattr(drawn, lambda *_, **how: said.append(how["as_stored"]) or [])
    networks = [small(flip_filters=flip) for flip in flips]
    result = filtviz.compare(networks, output="out/")
    own = networks[0].conv_layers[0].filters
    for place, filters in enumerate(result.comparisons[0].filters):
        assert np.array_equal(filters, own[..., ::-1, ::-1] if place in turned else own)
    assert said == [not turned]
    names = [f"network {place + 1}" for place in turned]
    told = [caution for caution in result.cautions if "turned by 180°" in caution]
    assert len(told) == bool(turned)
    assert all(name in told[0] for name in names)


def test_what_is_no_filter_is_not_turned_but_refused_for_what_it_is():
    curves = [Network.of([conv(np.ones((4, 1, 5)), axes="oic", flip_filters=flip)]) for flip in (True, False)]
    (failure,) = filtviz.compare(curves).failures
    assert "its filters are curves over one axis" in failure.reason


def test_comparing_is_charged_for():
    (failure,) = filtviz.compare([small(), small(1)], budget=filtviz.Budget(work=1)).failures
    assert failure.code == "budget"
    assert failure.reason.startswith("comparing conv1 takes")


def test_a_caution_of_several_layers_is_said_once():
    pair = [Network.of([*small(seed).layers, *small(seed).layers]) for seed in (0, 1)]
    flipped = [
        Network.of([conv(each.filters, flip_filters=flip) for each in network.conv_layers])
        for network, flip in zip(pair, (True, False), strict=True)
    ]
    cautions = filtviz.compare(flipped, layers=[0, 1]).cautions
    assert len(set(cautions)) == len(cautions) == 3


def test_one_state_is_no_training_to_follow():
    assert filtviz.follow([small()]) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "draw",
    [
        lambda dpi: filtviz.plot_sheet(small().conv_layers[0], dpi=dpi),
        lambda dpi: filtviz.plot_through(small(), 0, dpi=dpi),
        lambda dpi: filtviz.plot_comparison(filtviz.compare([small(), small(1)]).comparisons[0], dpi=dpi),
    ],
)
def test_figures_have_the_resolution_that_is_asked_for(draw):
    assert [figure.dpi for figure in (*draw(50), *draw(100))] == [50, 100]


def test_states_without_names_are_counted_from_one():
    arrays = [np.ones((1, 1, 3, 3)) * n for n in (1, 2, 3)]
    assert filtviz.compare(arrays[0], *arrays[1:]).states == ("1", "2", "3")


def test_a_layer_that_is_no_picture_is_never_turned():
    layers: Any = [
        SimpleNamespace(flip_filters=True, why_not_drawn="a curve"),
        SimpleNamespace(flip_filters=False, why_not_drawn=None),
    ]
    assert comparing._facing_alike(layers) == layers


def test_a_graph_of_no_layers_is_one_sentence_and_one_of_no_filters_a_picture():
    with pytest.raises(filtviz.DrawingError, match=r"^the network has no layers to draw$"):
        filtviz.graph(Network.of([]))
    assert len(filtviz.graph(Network.of([image(1)])).graph.boxes) == 1


def test_where_all_names_are_taken_by_other_models_the_shortest_is_kept(tmp_path, monkeypatch):
    network = replace(small(), origin=Origin(path=tmp_path / "a" / "net.pkl"))
    monkeypatch.setattr(picture_files, "_called", lambda *_: [Path("in the way")])
    sources: Any = SimpleNamespace(are_not_in=lambda _: True)
    monkeypatch.setattr(
        "filtviz.drawing.saving.plan_files", lambda _, stem, __: [SimpleNamespace(path=Path(stem))]
    )
    destination: Any = SimpleNamespace(names_a_file=False, folder=tmp_path)
    assert picture_files.plan_beside({}, [network], destination, sources)[0] == "net"
    named: Any = SimpleNamespace(names_a_file=True, folder=tmp_path)
    assert picture_files.plan_beside({}, [network], named, sources)[0] == ""


@pytest.mark.parametrize(
    ("others", "stem"),
    [
        ([], "net"),
        (["net-a.png"], "a-net"),
        (["net-b.png"], "a-net"),
        (["net-a.png", "net-b.png"], "a-net"),
        (["a-net-a.png"], "net"),
        (["net-c.png"], "net"),
    ],
)
def test_one_picture_of_another_model_is_enough_to_name_them_after_their_folder(tmp_path, others, stem):
    network = Network(layers=(), origin=Origin(path=tmp_path / "a" / "net.pkl"))
    sources: Any = SimpleNamespace(are_not_in=lambda path: path.name in others)
    pictures: Any = {"": [SimpleNamespace(part=part) for part in "ab"]}
    destination = picture_files.destination_of(tmp_path, "png")
    assert destination is not None
    found, files = picture_files.plan_beside(pictures, [network], destination, sources)
    assert [found, *(file.path.name for file in files)] == [stem, f"{stem}-a.png", f"{stem}-b.png"]
    assert picture_files.destination_of(destination, None) is destination


@pytest.mark.parametrize(
    ("there", "stem"),
    [("one-ch3.png", "a-net"), ("two.pdf", "a-net"), ("onebox.png", "net"), ("three-x.png", "net")],
)
def test_so_is_one_of_a_layer_that_is_not_drawn_now(tmp_path_factory, there, stem):
    folder = tmp_path_factory.mktemp("pictures")
    layers = [conv(np.ones((2, 2, 3, 3)), name=name, below=0) for name in ("one", "two")]
    network = Network.of([image(2, 8, 8), *layers], Origin(path=folder / "a" / "net.pkl"))
    (folder / f"net-{there}").touch()
    sources: Any = SimpleNamespace(are_not_in=lambda path: path.exists())
    destination = picture_files.destination_of(folder, "png")
    assert destination is not None
    assert picture_files.plan_beside({}, [network], destination, sources)[0] == stem


def test_layers_learn_to_show_themselves_in_notebooks_with_the_first_public_name(monkeypatch) -> None:
    attached: list[bool] = []
    monkeypatch.setattr("filtviz.notebook.attach", lambda: attached.append(True))
    monkeypatch.delitem(vars(filtviz), "load", raising=False)
    for _ in range(2):
        assert callable(filtviz.load)
        assert attached == [True]
