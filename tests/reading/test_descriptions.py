"""Weights without a graph, and a text that says what their layers are: ``--architecture``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import filtviz
from filtviz import ArgumentError, FileAccessError, Hints, LimitError, Limits, MalformedFileError
from filtviz.cli import main
from filtviz.network import Layer, Network
from filtviz.operations import Convolution, Dense, Normalisation
from filtviz.parameter import Parameter
from filtviz.reading.architecture import shapes_of
from filtviz.reading.architecture import tables as texts
from filtviz.reading.architecture.kinds import Arrays
from tests.telling import FIXTURES

EXAMPLES = Path(__file__).parents[2] / "examples"
MISSION = EXAMPLES / "mission-trained.pkl"
KERAS = FIXTURES / "modern" / "keras"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mission's network as people keep it: a list of arrays."""
    path = tmp_path_factory.mktemp("bare") / "bare.npz"
    arrays = [one.value for layer in filtviz.load(MISSION).layers for one in layer.parameters]
    np.savez(path, *arrays)
    return path


def corrected(template: str) -> str:
    """What a person makes of the template of the mission's network."""
    for open_, said in (
        ("input = [1, 0, 0]", "input = [1, 31, 31]"),
        ('stride = "?"', "stride = 1"),
        ('pad = "?"', "pad = 0"),
        ('flip = "?"', "flip = true"),
        ('activation = "?"  #', 'activation = "relu"  #'),
        ('activation = "?"\n', 'activation = "sigmoid"\n'),
        ("[conv3]", "[conv3]\npool = 2"),
        ("[conv6]", '[conv6]\npool = { kind = "max", size = [2, 2] }'),
    ):
        assert open_ in template
        template = template.replace(open_, said)
    return template


@pytest.fixture(scope="module")
def good(bare: Path) -> str:
    return corrected(filtviz.architecture_template(bare))


def digits() -> Any:
    with np.load(EXAMPLES / "digits.npz") as held:
        return held["images"][:3] / 255


def written(folder: Path, text: str) -> Path:
    path = folder / "net.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_corrected_template_answers_as_the_pickle_to_the_bit(bare: Path, good: str, tmp_path: Path) -> None:
    network = filtviz.load(bare, architecture=written(tmp_path, good))
    whole = filtviz.load(MISSION)
    np.testing.assert_array_equal(network.run(digits()), whole.run(digits()))
    assert [one.flip_filters for one in network] == [True] * 6
    assert [one.type for one in network] == ["Conv2DLayer"] * 6
    fields = [row.receptive_field.size for row in filtviz.layers(network).rows if row.filter_shape]
    assert fields == [(3, 3), (5, 5), (7, 7), (12, 12), (16, 16), (20, 20)]
    assert network.origin.inferred == ("the layers are those of net.toml: 9 tables, and all shapes fit",)
    assert network.origin.siblings == (tmp_path / "net.toml",)  # over which nothing is written
    composed = filtviz.plot(network, layers=2, through=True).layers[0]
    assert composed.layer.label == "conv3"


def test_the_template_says_what_is_known_and_asks_for_the_rest(bare: Path) -> None:
    text = filtviz.architecture_template(bare)
    held = tomllib.loads(text)
    assert held["input"] == [1, 0, 0]
    assert [held[key] for key in ("stride", "pad", "flip", "activation")] == ["?"] * 4
    assert held["conv4"] == {"type": "convolution", "weights": "arr_6", "bias": "arr_7", "axes": "oihw"}
    assert held["dense3"]["activation"] == "?"
    assert 'weights = "arr_6"  # 40x20x3x3' in text
    torch = tomllib.loads(filtviz.architecture_template(EXAMPLES / "mission-torch.pth"))
    assert torch["flip"] is False
    assert torch["conv1"]["weights"] == "conv1.weight"
    assert torch["dense1"]["axes"] == "oi"


def test_a_template_that_nobody_corrected_is_refused(bare: Path, tmp_path: Path) -> None:
    path = written(tmp_path, filtviz.architecture_template(bare))
    with pytest.raises(
        MalformedFileError, match=r'net.toml, above the first table: stride is still "\?": write'
    ):
        filtviz.load(bare, architecture=path)


def test_a_file_with_a_graph_needs_none(bare: Path, good: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"tells its own structure: it needs no architecture"):
        filtviz.architecture_template(MISSION)
    path = written(tmp_path, good)
    assert filtviz.load(MISSION, architecture=path).layers[-1].name == "output"
    with pytest.raises(ArgumentError, match="not both"):
        filtviz.load(bare, architecture=path, like=MISSION)
    with pytest.raises(ArgumentError, match="not both"):
        Hints(like="a", architecture="b")
    with pytest.raises(ArgumentError, match="tells its own structure"):
        filtviz.architecture_template(filtviz.load(bare, architecture=path))


def test_weights_of_keras_answer_as_the_whole_model(tmp_path: Path) -> None:
    """Kernels with the filters last, groups, a transposed convolution, variances, tables moved."""
    weights, whole = KERAS / "seq.weights.h5", filtviz.load(KERAS / "seq.keras")
    template = filtviz.architecture_template(weights)
    head, *tables = re.split(r"\n\n(?=\[)", template)
    named = {re.match(r'\["?([^"\]]*)', table)[1]: table for table in tables}  # type: ignore[index]
    said = {
        "first": 'pad = "same"\nactivation = "relu"',
        "dw": "",
        "sep/depthwise": "stride = 2",
        "sep/pointwise": "",
        "grp": 'pad = "same"\ngroups = 2',
        "up": "stride = 2",
        "batch_normalization": "",
        "mean": '["mean"]\ntype = "global-pool"',
        "dense": 'activation = "softmax"',
    }
    head = head.replace('stride = "?"', "stride = 1").replace('pad = "?"', "pad = 0")
    head = head.replace('activation = "?"', 'activation = "linear"').replace("[3, 0, 0]", "[3, 16, 16]")
    text = "\n\n".join([head, *(f"{named.get(name, '')}\n{more}" for name, more in said.items())])
    text = re.sub(r'\nactivation = "\?"', "", text)
    network = filtviz.load(weights, architecture=written(tmp_path, text))
    images = np.random.default_rng(0).normal(size=(2, 16, 16, 3))
    # of two trainings: the shapes are one network's, the numbers are not
    exchanged = filtviz.load(weights, like=whole)
    np.testing.assert_array_equal(network.run(images), exchanged.run(images))


def of_dictionary(held: dict[str, Any], text: str, folder: Path) -> filtviz.Network:
    return filtviz.load(held, architecture=written(folder, text))


def test_branches_normalisations_and_what_has_no_weights(tmp_path: Path) -> None:
    """A residual block of 1x1 convolutions, against numpy by hand."""
    rng = np.random.default_rng(1)
    held = {
        "a.weight": rng.normal(size=(4, 2, 1, 1)),
        "b.weight": rng.normal(size=(4, 4, 1, 1)),
        "bn.weight": rng.normal(size=4),
        "bn.bias": rng.normal(size=4),
        "bn.running_mean": rng.normal(size=4),
        "bn.running_var": rng.uniform(1, 2, size=4),
        "bn.num_batches_tracked": np.array(3),
        "slopes.weight": rng.normal(size=4),
    }
    text = """
        input = [2, 6, 6]
        flip = false
        stride = 1
        pad = 0
        activation = "relu"
        [a]
        type = "convolution"
        weights = "a.weight"
        [b]
        type = "convolution"
        weights = "b.weight"
        [bn]
        type = "normalisation"
        mean = "bn.running_mean"
        variance = "bn.running_var"
        gamma = "bn.weight"
        beta = "bn.bias"
        epsilon = 0.5
        [sum]
        type = "add"
        from = ["a", "bn"]
        [slopes]
        type = "prelu"
        weights = "slopes.weight"
        pool = { kind = "mean", size = 4, stride = 2, whole_windows = false }
        [raw]
        type = "pool"
        kind = "max"
        size = [2, 3]
        from = []
        [both]
        type = "concatenate"
        axis = 2
        from = ["flat", "flat2"]
    """.replace(
        "        [both]",
        """        [wide]
        type = "flatten"
        from = "slopes"
        [flat]
        type = "reshape"
        lengths = [1, -1]
        [narrow]
        type = "flatten"
        from = "raw"
        [flat2]
        type = "reshape"
        lengths = [1, -1]
        [both]""",
    )
    network = of_dictionary(held, text, tmp_path)
    images = rng.normal(size=(3, 2, 6, 6))

    def weigh(kernel: Any, units: Any) -> Any:
        return np.einsum("oi,nirc->norc", kernel[:, :, 0, 0], units)

    first = np.maximum(weigh(held["a.weight"], images), 0)  # the default, behind a convolution
    scale = held["bn.weight"] / np.sqrt(held["bn.running_var"] + 0.5)
    shift = held["bn.bias"] - held["bn.running_mean"] * scale
    second = weigh(held["b.weight"], first) * scale[:, None, None] + shift[:, None, None]
    summed = first + np.maximum(second, 0)  # behind the normalisation, and not before it
    slopes = np.where(summed > 0, summed, held["slopes.weight"][:, None, None] * summed)
    pooled = np.stack([slopes[..., r : r + 4, c : c + 4].mean((-1, -2)) for r in (0, 2) for c in (0, 2)], -1)
    raw = images.reshape(3, 2, 3, 2, 2, 3).max((3, 5))
    expected = np.concatenate([pooled.reshape(3, -1), raw.reshape(3, -1)], axis=1)
    np.testing.assert_allclose(network.run(images)[:, 0], expected, rtol=1e-12)
    assert network.origin.inferred == ("the layers are those of net.toml: 11 tables, and all shapes fit",)


def test_arrays_that_no_table_names_are_told(tmp_path: Path) -> None:
    held = {"a.weight": np.ones((1, 1, 1, 1)), "head.weight": np.ones((5, 3))}
    text = 'input = [1, 0, 0]\nflip = false\nstride = 1\npad = 0\nactivation = "relu"\n'
    table = '[a]\ntype = "convolution"\nweights = "a.weight"'
    network = of_dictionary(held, text + table, tmp_path)
    assert network.origin.inferred == (
        "the layers are those of net.toml: 1 table, and shapes fit as far as they are told; "
        "not used: head.weight",
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[conv3]\npool = 2", "[conv3]\npol = 2", r"\[conv3\]: 'pol' means nothing.* mean pool\?"),
        ("[conv3]\npool = 2", "[conv3]", r"\[dense1\]: it weighs 360 .* units of 40x\d+x\d+: look"),
        ("stride = 1", "stride = ", r"net.toml is no TOML: Invalid value \(at line \d+, column \d+\)"),
        ("stride = 1", "stride = 0", r"stride must be .* from 1 on, or one for each of 2 axes, not 0"),
        ("stride = 1", "stride = [1, 2, 3]", r"stride must be a whole number .* not \[1, 2, 3\]"),
        ("stride = 1", "stride = true", r"stride must be .* not true"),
        ("stride = 1", "stride = 99999999999999999999", r"stride must be"),
        ("stride = 1", "", r"stride is missing: write a whole number"),
        ("pad = 0", 'pad = "sme"', r"pad must be a whole number, \"same\", \"valid\""),
        ("pad = 0", "pad = [[1, 2], [3]]", r"pad must be"),
        ("pad = 0", "pad = -1", r"pad must be"),
        ("stride = 1", 'stride = 2\npad = "same"', r"Cannot overwrite a value"),
        ("flip = true", "flip = 1", r"flip must be true or false, not 1"),
        ('"relu"', '"rleu"', r"activation must be one of relu, .*, not \"rleu\""),
        ('"relu"', '"leaky_relu"', r"leaky_relu needs a number, which differs between frameworks: write"),
        ('"relu"', '{ kind = "elu", slope = 1 }', r"activation\]: 'slope' means nothing here"),
        ('"relu"', '{ kind = "elu", alpha = nan }', r"alpha must be a number, not nan"),
        ('"arr_6"', '"arr_8"', r"\[conv4\]: its filters look at 40 channels, and it is given 20: "),
        ('"arr_6"', '"arr_99"', r"\[conv4\]: there is no array 'arr_99' for weights .* arr_0,"),
        ('"arr_6"', "6", r"\[conv4\]: weights must be the name of an array .* not 6"),
        ('"arr_6"', '"arr_7"', r"\[conv4\]: axes must be a letter for each axis of 40, such as"),
        ('"arr_7"', '"arr_5"', r"\[conv4\]: its bias is 20, and it has 40 filters"),
        ('"oihw"', '"ohhw"', r"\[conv1\]: axes must be a letter for each axis of 20x1x3x3"),
        ('"oihw"', '"oiwh"', r"\[conv1\]: axes must be a letter for each axis of 20x1x3x3"),
        ('type = "dense"', 'type = "dens"', r"\[dense1\]: type must be one of .*did you mean dense"),
        ("[conv2]", "[conv2]\ntype = 3", r"is no TOML: Cannot overwrite a value"),
        ("[conv2]", '[conv2]\nfrom = "conv5"', r"what 'conv5' gives, which does not stand above it"),
        ("[conv2]", '[conv2]\nfrom = "konv"', r"it takes what 'konv' gives, which is no table"),
        ("[conv2]", "[conv2]\nfrom = 1", r"\[conv2\]: from must be the name of a table above"),
        ("[conv2]", '[conv2]\nfrom = ["conv1", "conv1"]', r"convolution takes one input, not 2"),
        ("[conv2]", "[layer1.0.conv2]", r'a name with a dot needs quotes: write \["layer1.0'),
        ("[conv2]", "[conv2]\ndilation = 0", r"\[conv2\]: dilation must be a whole number from 1 on"),
        ("[conv2]", "[conv2]\ngroups = 0", r"groups must be a whole number from 1 on, not 0"),
        ('"arr_7"', '"arr_6"', r"\[conv4\]: its bias is 40x20x3x3, and it has 40 filters"),
        ("[conv2]", "[conv2]\ngroups = 3", r"its filters look at 20 channels in 3 groups"),
        ("input = [1, 31, 31]", "input = [1]", r"its kernels look along 2 axes, and .* units of 1"),
        ("input = [1, 31, 31]", "input = 31", r"above the first table: input must be \[channels"),
        ("input = [1, 31, 31]", "input = [2, 31, 31]\n", r"1 channel in 1 group, and it is given 2"),
        ("input = [1, 31, 31]", "input = [1, 31, 31]\nblue = 1", r"'blue' means nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line_or_table(
    bare: Path, good: str, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    assert old in good
    grouped = good.replace(
        "[conv1]", "[conv1]\ngroups = 1"
    )  # two channels are two groups of one, if not said
    path = written(tmp_path, grouped.replace(old, new, 1))
    with pytest.raises(MalformedFileError, match=sentence) as caught:
        filtviz.load(bare, architecture=path)
    assert "\n" not in str(caught.value)


def test_same_padding_is_asked_for_in_numbers_where_frameworks_differ(
    bare: Path, good: str, tmp_path: Path
) -> None:
    strided = good.replace("[conv2]", '[conv2]\nstride = 2\npad = "same"')
    with pytest.raises(
        MalformedFileError, match=r"\[conv2\]: pad = \"same\" means another thing in each framework"
    ):
        filtviz.load(bare, architecture=written(tmp_path, strided))
    same = good.replace("[conv2]", '[conv2]\npad = "same"').replace("[1, 31, 31]", "[1, 29, 29]")
    network = filtviz.load(bare, architecture=written(tmp_path, same))
    assert network["conv2"].output_shape == (None, 20, 27, 27)


HOSTILE = {
    "brackets": ("a = " + "[" * 50_000, "its brackets lie too deep in one another"),
    "tables in tables": ("a = " + "{a = " * 50_000, "its brackets lie too deep in one another"),
    "keys of many parts": ("a." * 40_000 + "a = 1", "line 1 has more than 100 dots"),
    "parts by the thousand": (("a." * 50 + "a = 1\n") * 2_001, "has more than 100,000 dots"),
    "digits": ("a = " + "9" * 900_000, "has a number of thousands of digits"),
    "digits in a word": ("input = [1]\n[c]\ntype = 0x" + "f" * 900_000, "type must be .*s of digits"),
    "links": (
        "input = [1]\n[c]\ntype = 'flatten'\n[d]\ntype = 'add'\nfrom = [" + "'c'," * 130_000 + "]",
        "takes 1,040,000 steps or more",
    ),
    "digits in a list": ("input = [0o" + "7" * 9_000 + "]\n[c]", r"input must be .*thousands of digits"),
    "bytes": ("#" * (1 << 20) + "#", "has more than a megabyte"),
    "nothing": ("", "has no table: write one for each layer"),
    "no layer": ("input = [1, 9, 9]", "has no table: write one for each layer"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_text_is_one_sentence(bare: Path, tmp_path: Path, what: str) -> None:
    text, sentence = HOSTILE[what]
    with pytest.raises((MalformedFileError, LimitError), match=sentence):
        filtviz.load(bare, architecture=written(tmp_path, text))


def test_a_number_that_cannot_be_is_shown_where_it_has_few_digits(
    bare: Path, good: str, tmp_path: Path
) -> None:
    wrong = good.replace("[conv2]", "[conv2]\nstride = 0x" + "f" * 40)
    with pytest.raises(MalformedFileError, match=rf"stride must be .*, not {int('f' * 40, 16)}\Z"):
        filtviz.load(bare, architecture=written(tmp_path, wrong))


def test_too_many_tables_pass_a_limit(bare: Path, tmp_path: Path) -> None:
    text = "\n".join(f"[t{n}]" for n in range(30))
    with pytest.raises(LimitError, match=r"net\.toml has 30 tables"):
        filtviz.load(bare, limits=Limits(layers=29), architecture=written(tmp_path, text))
    with pytest.raises(MalformedFileError):  # what is said of all layers is no table
        filtviz.load(bare, limits=Limits(layers=30), architecture=written(tmp_path, f"axes = 'oihw'\n{text}"))


def test_a_text_that_is_none_or_is_not_there(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="there is no such file"):
        filtviz.load(bare, architecture=tmp_path / "nowhere.toml")
    with pytest.raises(FileAccessError, match="there is no such file"):
        filtviz.load(bare, architecture=tmp_path)
    with pytest.raises(MalformedFileError, match=r"mission-trained\.pkl is no text"):
        filtviz.load(bare, architecture=MISSION)


def test_names_in_a_template_can_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    held = {'\x1b[31m"red\\.weight': np.ones((2, 1, 3, 3)), "\U000e0001.weight": np.ones((2, 2, 3, 3))}
    text = filtviz.architecture_template(held)
    assert text.replace("\n", "").isprintable()
    names = [value["weights"] for value in tomllib.loads(text).values() if isinstance(value, dict)]
    assert names == list(held)


def run(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == status, result.output
    return result


def test_the_command_line_prints_and_takes_it(bare: Path, tmp_path: Path) -> None:
    path = written(tmp_path, corrected(run("layers", bare, "--architecture-template").stdout))
    found = run("layers", bare, "--architecture", path)
    assert "20x20" in found.stdout
    assert "the layers are those of net.toml: 9 tables, and all shapes fit" in found.stderr
    advice = "--like takes the graph of another file of this network, --architecture a description"
    images = EXAMPLES / "digits.npz"
    assert advice in run("predict", bare, "--images", images, status=1).stderr
    assert "--architecture tell it" in run("plot", bare, "--layer", "1", "--through", status=1).stderr
    kept = run("layers", MISSION, "--architecture", path)
    assert "keeps it: --architecture is for files without one" in kept.stderr
    assert "not both" in run("layers", bare, "--architecture", path, "--like", MISSION, status=2).stderr


template = import_module("filtviz.reading.architecture.template")  # the package has a function of that name


def told(**facts: Any) -> list[str]:
    weights = Parameter.of("W", np.zeros((4, 3, 3, 5)), "w")
    layer = Layer(name="c", operations=(Convolution(weights=weights, **{"axes": "oirc", **facts}),))
    return list(template._table(layer, "c", is_last=False))[1:]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        ({}, []),
        ({"groups": 1}, []),
        ({"groups": 2}, ["groups = 2"]),
        ({"stride": (2, 1)}, ["stride = [2, 1]"]),
        ({"pad": ((0, 1), (2, 3))}, ["pad = [[0, 1], [2, 3]]"]),
        ({"dilation": (1, 2)}, ["dilation = [1, 2]"]),
    ],
)
def test_a_template_says_what_is_known_of_a_convolution_and_no_more(facts, lines):
    usual = ['type = "convolution"', 'weights = "w"  # 4x3x3x5', 'axes = "oihw"']
    assert told(**facts) == [*usual, *lines]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ({"axes": "iorc"}, 'type = "transposed-convolution"'),
        ({"axes": "iorc", "transposed": True}, 'type = "transposed-convolution"'),
        ({"transposed": True}, 'type = "transposed-convolution"'),
        ({"axes": "rcio"}, 'type = "convolution"'),
    ],
)
def test_kernels_with_their_channels_in_front_are_taken_for_transposed_ones(facts, first):
    assert told(**facts)[0] == first


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("flips", "line"),
    [
        ([True], "flip = true"), ([False, False], "flip = false"), ([True, False], None), ([None], None),
        ([None, True], None), ([], None),
    ],
)  # fmt: skip
def test_whether_kernels_are_turned_is_told_where_all_agree(flips, line):
    weights = Parameter.of("W", np.zeros((4, 3, 3, 3)))
    convs = [Convolution(weights=weights, axes="oirc", flip_filters=flip) for flip in flips]
    assert template._flip(convs) == (line or template._FLIP)


def test_layers_have_names_of_their_own_in_a_template():
    weights = Parameter.of("W", np.zeros((4, 3)))
    dense, norm = Dense(weights=weights), Normalisation(mean=weights, spread=weights)
    layers = [
        Layer(operations=(dense,)), Layer(name="a", operations=(dense,)), Layer(operations=(dense,)),
        Layer(name="a", operations=(norm,)), Layer(operations=(norm,)), Layer(), Layer(name="a_"),
    ]  # fmt: skip
    assert template._names(layers) == ["dense1", "a", "dense3", "a_", "norm2", "layer1", "a__"]
    keys = [template._key(name) for name in ("a", "a_b-1", "a.b", "ä", "", 'a"b', "a\n\U0001f600\U000e0001")]
    assert keys[:6] == ["a", "a_b-1", '"a.b"', '"ä"', '""', '"a\\"b"']
    for key, name in zip(keys, ("a", "a_b-1", "a.b", "ä", "", 'a"b', "a\n\U0001f600\U000e0001"), strict=True):
        assert tomllib.loads(f"[{key}]\nx = 1") == {name: {"x": 1}}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operations", "image"),
    [
        ((Convolution(weights=Parameter.of("W", np.zeros((4, 3, 3, 5))), axes="oirc"),), "[3, 0, 0]"),
        ((Convolution(weights=Parameter.of("W", np.zeros((4, 3, 5))), axes="oir", groups=2),), "[6, 0]"),
        ((Dense(weights=Parameter.of("W", np.zeros((7, 2)))),), "[7]"),
        ((Dense(weights=Parameter.of("W", np.zeros((7, 2))), axes="oi"),), "[2]"),
        ((), '"?"'),
    ],
)
def test_the_first_weights_tell_the_image(operations, image):
    assert template._image([Layer(), Layer(operations=operations)]) == image


def test_a_text_may_begin_with_a_mark_of_its_order_of_bytes(bare: Path, good: str, tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_bytes(b"\xef\xbb\xbf" + good.encode())
    assert len(filtviz.load(bare, architecture=tmp_path / "net.toml").conv_layers) == 6


def test_of_what_no_table_names_only_numbers_that_count_are_not_told(tmp_path: Path) -> None:
    held = {"a.weight": np.ones((1, 1, 1, 1)), "n": np.array(3), "rate": np.array(0.5)}
    text = 'input = [1, 0, 0]\nflip = false\nstride = 1\npad = 0\nactivation = "relu"\n'
    network = of_dictionary(held, text + '[a]\ntype = "convolution"\nweights = "a.weight"', tmp_path)
    assert network.origin.inferred[0].endswith("not used: rate")


def test_a_layer_without_weights_at_the_beginning_is_the_image() -> None:
    from filtviz.network import Network, Origin
    from filtviz.reading.architecture.template import template
    from tests.building import as_layer, conv, image

    layers = [image(3), as_layer(name="drop", below=0), conv(np.ones((2, 3, 1, 1)), below=1, name="c")]
    text = template(Network.of(layers, Origin(inferred=("all",))))
    assert re.findall(r"^\[(.*)\]$", text, re.MULTILINE) == ["drop", "c"]
    assert "# it has no weights: pool, dropout" in text
    odd = Layer(name="odd", parameters=(Parameter.of("W", np.ones((2, 3))), Parameter.of("n", np.array(1))))
    text = template(Network.of([odd], Origin(inferred=("all",))))
    assert "# W is 2x3" in text
    assert "# n is one number" in text
    assert "the file does not tell what is done with these" in text


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_a_text_of_a_megabyte_is_read_and_of_a_byte_more_is_not(
    tmp_path: Path, more: int, fits: bool
) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(b"#" * (texts.MOST_BYTES + more))
    if fits:
        assert len(texts._text(path, "net.toml")) == texts.MOST_BYTES
    else:
        with pytest.raises(MalformedFileError, match="has more than a megabyte"):
            texts._text(path, "net.toml")


def test_of_several_arrays_of_one_name_none_can_be_named() -> None:
    one, two, three, four = (
        replace(Parameter.of("W", np.zeros(2)), source=name) for name in ("a", "b", "a", "a")
    )
    network = Network.of(
        [Layer(parameters=(one, two)), Layer(parameters=(one, three)), Layer(parameters=(four,))]
    )
    assert Arrays.of(network).by_name == {"b": two}
    alone = Arrays.of(Network.of([Layer(parameters=(one,)), Layer(parameters=(one, two))]))  # which is tied
    assert alone.by_name == {"a": one, "b": two}


def test_where_nothing_is_done_the_first_of_several_inputs_has_the_shape() -> None:
    assert shapes_of((), [(None, 3), (None, 4)]) == (None, 3)
