"""The answer in plain words, what is seen in a layer, what to look at, and the commands."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.building import conv, image
from tests.measures.test_conclusions import layer, layers

import filtviz
from filtviz.budget import Account
from filtviz.measures import answering
from filtviz.measures.answering import (
    Look,
    answer,
    commands_for,
    look_at,
    look_unjudged,
    more_evidence,
    other_evidence,
    seen_in,
)
from filtviz.measures.conclusions import summarise
from filtviz.measures.measure import Change, FilterDiagnosis, Finding, LayerDiagnosis, Unjudged, Verdict
from filtviz.measures.table import MEASURES
from filtviz.measures.verdicts import DIRAC, PRUNED, RESCALED, ROUNDED, TOO_FEW, Open
from filtviz.network import ConvLayer, Network

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

CHECK = (
    " No trace of training can be seen in this file. If you did train the network, check which file was "
    "saved, "
    "whether these layers were frozen, and whether the learning rate was too small."
)
NO_FAULT = "That need not be a fault: "


def test_untrained_filters_are_noise_and_it_is_said_what_to_check() -> None:
    begin = "The filters look random because they are: "
    two = [layer(i, rules=("GlorotUniform()", "b")[: i + 1]) for i in range(2)]
    assert answer(two, ()) == f"{begin}both convolutions are still as GlorotUniform() draws them.{CHECK}"
    one = layers("initial")
    assert answer(one, ()) == f"{begin}its convolution is still as an initialiser leaves it.{CHECK}"
    assert answer(one, (), ["it was saved after epoch 3", "the file holds the state of Adam"]) == (
        f"{begin}its convolution is still as an initialiser leaves it. The rest of the file was trained (it "
        "was saved after epoch 3 and the file holds the state of Adam). It may have been frozen, cut off "
        "from "
        "the loss, or moved by too little to be seen."
    )


def test_noise_under_which_something_was_learned() -> None:
    noisy = layer(0, "updated", residue=0.893)
    looks = "conv1 looks random because it mostly still is: about 89% of what you see is initial noise."
    faint = "What training added is too faint to be told from it."
    assert answer([noisy], ()) == f"{looks} {faint}"
    deeper = [layer(i, "structured", residue=0.8) for i in (1, 2, 3)]
    assert answer([noisy, *deeper], ()) == f"{looks} {NO_FAULT}conv2 to conv4 did learn structure."
    first = layer(0, "structured", residue=0.7)
    assert answer([first], ()) == (
        "conv1 looks random because it mostly still is: about 70% of what you see is initial noise. What "
        "training "
        "added is there too, but fainter than the noise."
    )
    both = [noisy, layer(1, "updated", residue=0.6)]
    assert answer(both, ()) == (
        "Both convolutions look random because they mostly still are: 60 to 89% of what you see is initial "
        "noise. "
        f"{faint}"
    )


def test_noise_that_was_measured() -> None:
    change = Change(before="start.pkl", cos2=0.95, relative_change=0.2)
    said = answer([layer(0, "updated", residue=0.95, changes=(change,))], ())
    assert "95% of what you see was in start.pkl already." in said
    assert "about" not in said


def test_half_of_noise_is_the_limit() -> None:
    assert "mostly still is" in answer([layer(0, "updated", residue=0.5)], ())
    assert "mostly still is" not in answer([layer(0, "updated", residue=0.49)], ())


def test_noise_that_cannot_be_told() -> None:
    assert answer(layers("updated", "structured"), ()) == (
        f"conv1 was trained and looks random: nothing in it stands out from noise. {NO_FAULT}conv2 did learn "
        "structure."
    )
    assert answer(layers("updated", "updated"), ()) == (
        "Both convolutions were trained and look random: nothing in them stands out from noise."
    )


def test_it_is_said_once_that_noise_need_not_be_a_fault() -> None:
    mixed = [layer(0, "updated", residue=0.9), layer(1, "updated"), layer(2, "structured")]
    said = answer(mixed, ())
    assert said.count("That need not be a fault: conv3 did learn structure.") == 1
    assert said.endswith("conv2 was trained and looks random: nothing in it stands out from noise.")


def test_some_filters_that_stand_out_are_little_and_not_nothing() -> None:
    some = layer(0, "updated", filters=filters(8, smooth=1))
    assert answer([some], ()) == "conv1 was trained and looks random: little in it stands out from noise."


def test_a_layer_of_which_many_filters_stand_out_does_not_look_random() -> None:
    """A quarter of them is many: the tests of a whole layer may miss smooth ones beside rough ones."""
    some, few = (layer(i, "updated", filters=filters(8, smooth=n)) for i, n in ((0, 2), (1, 1)))
    assert answer([some], ()) == "conv1 was trained: 2 of its 8 filters stand out from noise."
    assert answer([some, few], ()) == (
        "conv1 was trained: 2 of its 8 filters stand out from noise. conv2 was trained and looks random: "
        "little in it stands out from noise."
    )
    assert "In conv1 2 of 8 filters are smoother or finer-grained than noise" in summarise(
        [some], (), compared=False
    )
    assert "look random" not in summarise([some], (), compared=False)


def test_what_is_not_judged_is_counted() -> None:
    curve = Unjudged(conv_index=1, name="x", type="Conv1d", reason="it is a curve")
    costly = Unjudged(conv_index=2, name="y", type="Conv2d", reason="work", left_out=True)
    for verdict in ("initial", "structured"):
        (one,) = layers(verdict)
        alone = answer([one], ())
        assert answer([one], (curve,)) == f"{alone} 1 other convolution is not judged (--details says why)."
        assert (
            answer([one], (curve, curve))
            == f"{alone} 2 other convolutions are not judged (--details says why)."
        )
        assert answer([one], (costly,)) == alone


def test_structure() -> None:
    small = (
        " They can look random all the same: kernels of 3x3 pixels show little, with the contrast of each "
        "stretched by itself."
    )
    assert answer(layers("structured", "structured"), ()) == (
        f"Both convolutions have learned structure that noise does not have.{small}"
    )
    large = layer(0, "structured", shape=(20, 3, 7, 7))
    assert answer([large], ()) == "conv1 has learned structure that noise does not have."


def test_layers_of_other_verdicts_are_named_beside() -> None:
    few = {"why": TOO_FEW.why, "decides": TOO_FEW.decides}
    said = answer([*layers("structured", "initial", "collapsed"), layer(3, "undecided", **few)], ())
    assert "conv2 is still as it was drawn: frozen, cut off from the loss, or moved by too little" in said
    assert "The filters of conv3 nearly repeat one another" in said
    assert said.endswith(
        "conv4 cannot be judged: too few weights to tell; a file from before training decides."
    )


def test_of_layers_that_cannot_be_judged_it_is_said_why_and_which_file_decides() -> None:
    def because(index: int, reason: Open) -> LayerDiagnosis:
        return layer(index, "undecided", why=reason.why, decides=reason.decides)

    some = [*layers("structured"), because(1, TOO_FEW), because(2, TOO_FEW), because(3, PRUNED)]
    assert answer(some, ()).endswith(
        "conv2 and conv3 cannot be judged: too few weights to tell; a file from before training decides. "
        "conv4 cannot be judged: pruned: some weights are exactly 0; the file from before that change "
        "decides."
    )
    assert answer([*some, because(4, PRUNED), because(5, ROUNDED)], ()).endswith(
        " conv6 cannot be judged either."
    )
    alike = [because(i, RESCALED) for i in range(3)]
    assert answer(alike, ()) == (
        "None of the 3 convolutions can be judged: rescaled filter by filter; the file from before that "
        "change decides."
    )
    assert seen_in(because(0, ROUNDED)) == "rounded to few values"


def test_of_layers_as_drawn_it_is_said_what_tells_of_training() -> None:
    signs = ("batch normalisation has left its start in bn1",)
    few = {"why": TOO_FEW.why, "decides": TOO_FEW.decides}
    alone = [layer(0, "initial"), layer(1, "undecided", **few)]
    assert answer(alone, (), signs).startswith(
        "The network was trained: batch normalisation has left its start in bn1. conv1 is still as it was "
        "drawn: frozen, cut off"
    )
    untold = answer(alone, ())
    assert untold.startswith("conv1 is still as it was drawn; no trace of training can be seen. conv2 cannot")
    moved = [layer(0, "initial"), layer(1, "updated")]
    assert "The network was trained" not in answer(moved, (), signs)  # conv2 tells of it
    sure = layer(0, "initial", is_frozen=True)
    said = "conv1 is still as it was drawn: the optimiser in the file never moved it."
    assert answer([sure, moved[1]], ()).endswith(said)
    assert answer([sure], (), signs).endswith("The optimiser in the file never moved it.")
    both = [sure, layer(1, "initial", marked_frozen=True), layer(2, "initial"), layer(3, "updated")]
    assert answer(both, ()).endswith(
        f"{said} conv2 is still as it was drawn: the file marks it as frozen. conv3 is still as it was "
        "drawn: frozen, cut off from the loss, or moved by too little to be seen."
    )
    assert " The optimiser in the file never moved conv1. The file marks conv2 as frozen. conv3 may " in (
        summarise(both, (), compared=False)
    )
    pretrained = [
        sure,
        layer(1, "updated", is_frozen=True),
    ]  # whose first layer moved by too little to be seen
    assert answer(pretrained, ()).endswith("or moved by too little to be seen.")
    trained = [both[1], layer(2, "updated", marked_frozen=True)]
    assert "or moved by too little to be seen. The file marks conv3 as frozen, though it was" in answer(
        trained, ()
    )
    touched = "images went through it (the statistics of bn1 have left their start)"
    assert f"can be seen in this file, but {touched}. If" in answer([sure], (), (), touched)
    assert f"no trace of training can be seen, but {touched}. conv2" in answer(alone, (), (), touched)


def test_a_file_that_has_nothing_in_common_is_no_earlier_state() -> None:
    def told(*cos2: float | None, verdict: Verdict = "updated") -> str:
        changes = [Change(before="b.pkl", cos2=each, relative_change=1.4) for each in cos2]
        own = [layer(i, verdict, residue=0.1, changes=(change,)) for i, change in enumerate(changes)]
        return answer(own, ()).partition("This file ")[2]

    n = int(np.prod(layer(0, "updated").shape))
    apart = "has nothing in common with b.pkl: that is no earlier state of this network"
    assert told(15.9 / n, None) == f"{apart}, or the training has replaced all that was there."
    assert told(15.9 / n, 1 / n, verdict="initial") == f"{apart}."
    assert told(15.9 / n, 16.1 / n) == told(None, None) == told() == ""


def test_a_layer_that_is_noise_for_less_than_a_half_has_an_answer_too() -> None:
    change = Change(before="b.pkl", cos2=0.36, relative_change=1.0)
    measured = layer(0, "updated", residue=0.36, changes=(change,))
    what = "36% of what you see was in b.pkl already"
    assert answer([measured], ()) == (
        f"conv1 was trained and looks random: {what}, and nothing in it stands out from noise."
    )
    both = [layer(0, "updated", residue=0.45), layer(1, "updated", residue=0.45), layer(2, "structured")]
    assert answer(both, ()).endswith(
        " conv1 and conv2 were trained and look random: about 45% of what you see is initial noise, and "
        "nothing in them stands out from noise."
    )
    assert "and nothing in" not in answer([layer(0, "updated", residue=0.5)], ())
    assert "and nothing in" not in answer([layer(0, "structured", residue=0.45)], ())


def test_a_file_of_which_no_layer_could_be_compared_is_named() -> None:
    def told(*reasons: str, verdict: Verdict = "updated") -> str:
        changes = [Change(before="b.pkl", reason=why, cos2=None if why else 0.5) for why in reasons]
        own = [layer(i, verdict, residue=0.1, changes=(change,)) for i, change in enumerate(changes)]
        return answer(own, ())

    why = "it has no convolution of shape 4x1x3x3 in that place"
    assert told(why, "another").endswith(f" b.pkl could not be compared: {why}.")
    assert told(why, verdict="initial").endswith(f" b.pkl could not be compared: {why}.")
    assert "compared" not in told(why, "") + told("", "") + told("", verdict="initial")


def test_a_mark_of_the_file_tells_nothing_of_what_was_before() -> None:
    few = {"why": TOO_FEW.why, "decides": TOO_FEW.decides, "marked_frozen": True}
    layers = [
        layer(0, "structured", marked_frozen=True),
        layer(1, "undecided", **few),
        layer(2, "structured"),
    ]
    assert answer(layers, ()).endswith(
        " The file marks conv1 as frozen, though it was trained at some time, or set by hand. The file "
        "marks conv2 as frozen."
    )
    still = [layer(0, "initial", marked_frozen=True), layer(1, "initial", marked_frozen=True)]
    assert answer(still, ()).endswith(f"{CHECK} The file marks both convolutions as frozen.")
    signs = ("the biases of fc have left their start",)
    assert answer(still, (), signs).endswith(f"({signs[0]}). The file marks them as frozen.")
    assert "can be seen. The file marks conv1 as frozen. conv2 cannot" in answer([still[0], layers[1]], ())
    assert "as frozen" not in answer([layer(0, "structured"), layer(1, "initial")], ())


def test_a_layer_that_was_made_without_noise_is_not_called_random() -> None:
    dirac = layer(0, "initial", rules=(DIRAC,))
    assert answer([dirac], ()).startswith(
        "The filters are no noise, and nothing learned: its convolution is still as Dirac makes it."
    )
    assert seen_in(dirac) == "a single 1 a filter, as it was made"
    assert "look random" not in summarise([dirac], (), compared=False)


def test_the_look_promises_what_the_picture_shows() -> None:
    strength, smooth = found_uneven(), filters(8, smooth=2)
    plain, uneven, textured = (
        layer(i, "updated", **fields)
        for i, fields in enumerate(({}, {"findings": (strength,)}, {"filters": smooth}))
    )
    assert Look(layer=plain).sentence == (
        "No layer shows a pattern. This draws conv1 as it is, all its filters on one scale:"
    )
    assert Look(layer=uneven).sentence.endswith("on one scale strong filters of conv2 stand out:")
    assert Look(layer=textured).sentence == (
        "No layer shows a pattern as a whole, but 2 of the 8 filters of conv3 differ from noise; on one "
        "scale they are seen best:"
    )
    network = chain((8, 1, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3))
    for judged, name in (([plain, uneven, textured], "conv2"), ([plain], "conv1")):
        look = look_at(network, judged, Account.unlimited())
        assert look is not None
        assert look.layer.name == name
    assert answer([uneven], ()).endswith("nothing but strong filters in it stands out from noise.")
    assert seen_in(uneven) == "unequal strength"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("others", "training", "how"),
    [
        ([], (), "was trained, or a batch normalisation was folded in, and looks random"),
        ([], ("it was saved after epoch 3",), "was trained and looks random"),
        ([layer(1, "structured")], (), "was trained and looks random"),
        ([layer(1, "collapsed")], (), "was trained and looks random"),
    ],
)
def test_strength_alone_is_said_to_be_a_training_only_where_something_else_tells(
    others, training, how
) -> None:
    uneven = layer(0, "updated", findings=(found_uneven(),))
    assert answer([uneven, *others], (), training).startswith(f"conv1 {how}: nothing but strong filters")
    summed = summarise([uneven, *others], (), compared=False, training=training)
    assert ("conv1 was trained, or a batch normalisation was folded in, but no" in summed) is (
        "folded" in how
    )
    assert ("conv1 was updated, but no" in summed) is ("folded" not in how)
    even = layer(0, "updated")
    assert answer([even, *others], (), training).startswith(
        "conv1 was trained and looks random: nothing in it"
    )


def found_uneven() -> Finding:
    return MEASURES["filter-energy"].finding(value=99.0, p=1e-9, found=True, text="uneven")


def test_many_names_are_a_number() -> None:
    mixed = [
        layer(i, ("structured", "undecided")[i % 2], name=f"a.long.name.of.layer.{i}") for i in range(10)
    ]
    assert answer(mixed, ()).startswith("5 of 10 convolutions have learned structure")
    assert "5 of 10 convolutions cannot be judged: " in answer(mixed, ())


def test_nothing_to_judge() -> None:
    assert answer((), ()) == "The network has no convolution, so that there are no filters to judge."
    curve = Unjudged(conv_index=0, name="x", type="Conv1d", reason="it is a curve")
    assert answer((), (curve,)) == "Nothing can be judged here: x is left out because it is a curve."


def filters(n: int, **counts: int) -> tuple[FilterDiagnosis, ...]:
    texture = ["smooth"] * counts.get("smooth", 0) + ["rough"] * counts.get("rough", 0) + [None] * n
    return tuple(
        FilterDiagnosis(
            index=i,
            norm=1.0,
            texture=texture[i],
            dead=i < counts.get("dead", 0),
            decayed=i < counts.get("decayed", 0),
            muted=i < counts.get("muted", 0),
            ignored=i < counts.get("ignored", 0),
            nonfinite=i < counts.get("nonfinite", 0),
        )
        for i in range(n)
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("verdict", "counts", "seen"),
    [
        ("initial", {"smooth": 3}, "noise, as it was drawn"),
        (
            "initial",
            {"dead": 1, "muted": 1, "ignored": 2},
            "noise, as it was drawn, 2 filters without effect",
        ),
        ("updated", {}, "nothing that stands out from noise"),
        ("structured", {}, "faint structure, in no filter by itself"),
        ("structured", {"smooth": 3}, "3 of 8 smooth"),
        ("structured", {"smooth": 1, "rough": 2}, "2 of 8 fine-grained, 1 of 8 smooth"),
        ("structured", {"smooth": 3, "dead": 1}, "3 of 8 smooth, 1 filter provably dead"),
        ("updated", {"dead": 2, "decayed": 3}, "2 filters provably dead, 3 filters nearly zero"),
        ("updated", {"muted": 1, "ignored": 2}, "2 filters without effect"),
        ("updated", {"muted": 1}, "1 filter without effect"),
        ("collapsed", {"smooth": 8}, "filters that nearly repeat one another, 8 of 8 smooth"),
        ("undecided", {"nonfinite": 2}, "2 filters of NaN or infinity"),
        ("undecided", {}, ""),
    ],
)
def test_what_is_seen_in_a_layer(verdict, counts, seen) -> None:
    assert seen_in(layer(0, verdict, filters=filters(8, **counts))) == seen


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("channels", "seen"),
    [((), ""), ((3,), "1 input channel not looked at"), ((0, 3), "2 input channels not looked at")],
)
def test_channels_that_are_not_looked_at_are_counted(channels, seen) -> None:
    assert seen_in(layer(0, "undecided", unread_channels=channels)) == seen


def finding(key: str, *, found: bool = True, **fields):
    return MEASURES[key].finding(value=1.0, text="x", found=found, **fields)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("findings", "seen"),
    [
        ([finding("low-frequency", z=3.0)], "all a little smoother than noise"),
        ([finding("low-frequency", z=-3.0)], "all a little rougher than noise"),
        ([finding("low-frequency", z=3.0, found=False)], "faint structure, in no filter by itself"),
        ([finding("duplicates")], "near-copies"),
        ([finding("filter-energy")], "unequal strength"),
        ([finding("channel-energy"), finding("filter-energy")], "unequal strength"),
        ([finding("channel-energy"), finding("duplicates")], "near-copies, uneven use of inputs"),
        ([finding("duplicates", found=False), finding("channel-energy", found=False)],
         "faint structure, in no filter by itself"),
    ],
)  # fmt: skip
def test_what_measures_show_of_a_layer(findings, seen) -> None:
    assert seen_in(layer(0, "structured", findings=tuple(findings), filters=filters(8))) == seen


def chain(*shapes: tuple[int, int, int, int], seed: int = 0) -> Network:
    random = np.random.default_rng(seed)
    return Network.of(
        [ConvLayer.of(random.normal(0, 0.1, shape).astype("f4"), None, name=f"conv{i + 1}")
         for i, shape in enumerate(shapes)]
    )  # fmt: skip


def test_the_deepest_picture_that_holds_is_shown() -> None:
    network = filtviz.load("examples/mission-trained.pkl")
    judged = [layer(0, "updated"), *(layer(i, "structured") for i in range(1, 6))]
    account = Account.unlimited()
    look = look_at(network, judged, account)
    assert look is not None
    assert (look.layer.name, look.through, look.size) == ("conv6", True, (20, 20))
    assert look.r == pytest.approx(0.73, abs=0.02)
    # Without the deepest: the next.
    look = look_at(network, judged[:-1], account)
    assert look is not None
    assert (look.layer.name, look.size) == ("conv5", (16, 16))
    # Where there is no work left: as stored.
    look = look_at(network, judged, Account({"work": 10, "pixels": 0}))
    assert look == Look(layer=judged[1])
    assert look.sentence == "conv2 is the layer to look at first, all its filters on one scale:"


def test_looking_takes_from_the_account_what_it_took() -> None:
    network = filtviz.load("examples/mission-trained.pkl")
    account = Account.unlimited()
    before = account.left["work"]
    look_at(network, [layer(0, "updated"), layer(1, "structured")], account)
    assert 0 < before - account.left["work"] < 200_000_000


def test_nothing_is_to_be_looked_at_where_nothing_was_learned() -> None:
    network = chain((8, 1, 3, 3))
    for verdict in ("initial", "undecided"):
        assert look_at(network, layers(verdict), Account.unlimited()) is None
    look = look_at(network, layers("updated"), Account.unlimited())
    assert look == Look(layer=layers("updated")[0])


def test_a_layer_that_is_as_it_was_drawn_is_not_the_one_to_look_at() -> None:
    network = chain((8, 1, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3))
    judged = layers("initial", "undecided", "updated")
    look = look_at(network, judged, Account.unlimited())
    assert look is not None
    assert look.layer == judged[2]


def test_a_layer_without_a_graph_is_shown_as_stored() -> None:
    network = chain((8, 1, 3, 3), (8, 8, 3, 3))
    look = look_at(network, layers("updated", "structured"), Account.unlimited())
    assert look is not None
    assert not look.through
    assert look.layer.name == "conv2"


def test_commands_run_as_they_stand() -> None:
    details = "filtviz diagnose a.pkl --details"
    (one,) = layers("structured")
    assert commands_for("a.pkl", None) == (details,)
    assert commands_for(None, Look(layer=one)) == ()
    stored = "filtviz plot a.pkl --layer conv1 --view sheet --scale layer"
    assert commands_for("a.pkl", Look(layer=one)) == (stored, details)
    through = Look(layer=one, through=True, size=(7, 7))
    assert commands_for("a.pkl", through)[0] == "filtviz plot a.pkl --layer conv1 --through"
    colours = dataclasses.replace(one, shape=(8, 3, 7, 7))
    assert commands_for("a.pkl", Look(layer=colours))[0] == f"{stored} --channels rgb"
    deeper = dataclasses.replace(colours, conv_index=1)
    assert commands_for("a.pkl", Look(layer=deeper))[0] == stored


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "selector"),
    [("a b", "'a b'"), ("a" * 40, "a" * 40), ("a" * 41, "3"), ("ü", "3"), ("a\x1b", "3"), ("$(x)", "'$(x)'")],
)
def test_a_layer_is_selected_by_its_name_where_that_is_a_plain_word(name, selector) -> None:
    (first, _) = commands_for("a.pkl", Look(layer=layer(3, "updated", name=name)))
    assert first == f"filtviz plot a.pkl --layer {selector} --view sheet --scale layer"


def test_what_would_tell_more_has_a_placeholder() -> None:
    trained = layers("updated", "structured")
    assert more_evidence("my net.npz", trained, False) == (
        "A file from before training measures what is estimated here:",
        "filtviz diagnose 'my net.npz' --before YOUR-FILE-FROM-BEFORE.npz",
    )
    assert more_evidence("a.npz", layers("initial"), False) == (
        "A file from after training shows how far each layer moves:",
        "filtviz diagnose YOUR-TRAINED-FILE.npz --before a.npz",
    )
    assert more_evidence(None, trained, False)[1] == (
        "filtviz diagnose YOUR-FILE.pkl --before YOUR-FILE-FROM-BEFORE.pkl"
    )
    for judged, compared in ((trained, True), ((), False)):
        assert more_evidence("a.npz", judged, compared) == ("", "")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("file", "suffix"), [("a.b/x.tar.gz", ".gz"), ("x", ".pkl"), ("x.p;q", ".pkl"), ("x.ü", ".pkl")]
)
def test_the_suffix_of_other_files_is_this_ones_where_it_is_plain(file, suffix) -> None:
    assert more_evidence(file, layers("initial"), False)[1].startswith(
        f"filtviz diagnose YOUR-TRAINED-FILE{suffix} --before "
    )


def test_how_far_a_picture_can_be_trusted_is_said() -> None:
    (one,) = layers("structured")
    exact = Look(layer=one, through=True, size=(5, 7)).sentence
    assert (
        exact == "What conv1 looks for in the image shows through the layers below it, 5x7 pixels a filter:"
    )
    assert Look(layer=one, through=True, size=(5, 7), r=0.8765).sentence == (
        f"{exact[:-1]}; this picture predicts what its units answer at r = 0.88:"
    )


@pytest.mark.slow
def test_a_file_without_a_graph_says_what_would_show_more() -> None:
    alone = filtviz.diagnose(_EXAMPLES / "mission-torch.pth")
    assert alone.look.startswith(
        "This file does not tell how its layers are connected; the same network as ONNX"
    )
    assert alone.look.endswith("Here conv2 is the layer to look at first, all its filters on one scale:")
    with_graph = filtviz.diagnose(_EXAMPLES / "mission-torch.onnx")
    assert "connected" not in with_graph.look
    lone = np.linspace(-1, 1, 20 * 25, dtype="f4").reshape(20, 1, 5, 5)
    assert "connected" not in filtviz.diagnose({"conv.weight": lone}).look


@pytest.mark.slow
def test_a_diagnosis_gives_its_layers_by_number_and_name() -> None:
    found = filtviz.diagnose(_EXAMPLES / "mission-trained.pkl")
    assert found["conv3"] is found[2] is found[-4] is list(found)[2]
    assert (len(found), bool(found)) == (6, True)
    for wrong in ("conv9", 6, -7):
        with pytest.raises(filtviz.SelectionError, match="was judged"):
            found[wrong]
    nothing = filtviz.diagnose({"dense.weight": np.ones((3, 4), "f4")})
    assert (len(nothing), bool(nothing)) == (0, True)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("rs", "name", "through"),
    [
        ([0.1, 0.6], "conv3", True),
        ([0.6, 0.599], "conv2", True),
        ([0.599, 0.599], "conv2", False),
        ([None, None], "conv3", True),
        ([0.9, -0.9], "conv2", True),
    ],
)
def test_a_picture_holds_from_a_correlation_of_six_tenths_on(
    monkeypatch, rs, name: str, through: bool
) -> None:
    composed = {
        i: Look(layer=layer(i, "structured"), through=True, size=(7, 7), r=r) for i, r in enumerate(rs, 1)
    }
    monkeypatch.setattr(answering, "_composed", lambda _, each, __: composed.get(each.conv_index))
    judged = [layer(0, "updated"), layer(1, "structured"), layer(2, "structured")]
    look = look_at(chain((8, 1, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3)), judged, Account.unlimited())
    assert look is not None
    assert (look.layer.name, look.through) == (name, through)


@pytest.mark.slow
def test_where_all_is_as_drawn_images_decide_if_the_network_can_be_run() -> None:
    told = filtviz.diagnose(_EXAMPLES / "mission-untrained.pkl")
    ((sentence, command),) = told.others
    assert sentence.startswith("No picture shows more than this noise")
    assert command.endswith("mission-untrained.pkl --images YOUR-IMAGES.npz")
    assert filtviz.diagnose(_EXAMPLES / "mission-torch-start.pth").others == ()


def test_where_no_layer_has_a_pattern_the_difference_of_two_files_shows_most(tmp_path) -> None:
    weights = {f"conv{i}.weight": moved(i) for i in range(2)}
    np.savez(tmp_path / "net.npz", **weights)
    told = filtviz.diagnose(tmp_path / "net.npz")
    assert {each.verdict for each in told.layers} == {"updated"}
    assert told.look.startswith("No layer shows a pattern by itself; on one scale strong filters of conv0")
    ((sentence, command),) = told.others
    assert "the difference of two files" in sentence
    assert command.startswith("filtviz compare YOUR-FILE-FROM-BEFORE.npz ")
    assert command.endswith("net.npz --layer conv0")
    text = str(told).splitlines()
    assert len(text) <= 24


def moved(seed: int) -> NDArray[np.float32]:
    """Noise whose filters are of very unequal strength, as no initialiser draws them."""
    rng = np.random.default_rng(seed)
    strength = np.linspace(0.2, 3.0, 40)[:, None, None, None]
    return (rng.standard_normal((40, 20, 3, 3)) * strength).astype("f4")


@pytest.mark.slow
def test_nothing_more_is_said_where_structure_is_found_or_an_earlier_file_was_given() -> None:
    assert filtviz.diagnose(_EXAMPLES / "mission-trained.pkl").others == ()
    start = _EXAMPLES / "mission-untrained.pkl"
    assert filtviz.diagnose(start, before=[start]).others == ()


def test_a_file_from_before_decides_whether_some_layers_ever_moved() -> None:
    some = layers("structured", "initial")
    assert more_evidence("a.pkl", some, compared=False)[0] == (
        "A file from before training measures this, and decides whether conv2 ever moved:"
    )
    assert more_evidence("a.pkl", layers("structured"), compared=False)[0] == (
        "A file from before training measures what is estimated here:"
    )
    told = "An earlier file of the same network shows what this one does not:"
    broken = layers("undecided")
    assert more_evidence("a.pkl", broken, compared=False) == (told, "filtviz diagnose YOUR-EARLIER-FILE.pkl")
    few = [dataclasses.replace(broken[0], findings=(Finding(measure="residue", value=None, text=""),))]
    assert more_evidence("a.pkl", few, compared=False)[1].endswith("--before YOUR-FILE-FROM-BEFORE.pkl")
    some = [*few, *broken]
    assert more_evidence("a.pkl", some, compared=False)[1].endswith("--before YOUR-FILE-FROM-BEFORE.pkl")


@pytest.mark.cases("all")
@pytest.mark.parametrize("verdict", ["initial", "updated"])
@pytest.mark.parametrize("has_file", [True, False])
@pytest.mark.parametrize("compared", [True, False])
def test_what_else_decides_is_said_of_a_file_that_was_compared_with_none(verdict, has_file, compared) -> None:
    network = Network.of([image(1), conv(np.ones((4, 1, 3, 3)), below=0)])
    origin = dataclasses.replace(network.origin, path=Path("net.pkl") if has_file else None)
    network = dataclasses.replace(network, origin=origin)
    own = [layer(0, verdict)]
    look = Look(layer=own[0]) if verdict == "updated" else None
    said = other_evidence(network, own, look, compared)
    assert len(said) == (has_file and not compared)
    assert other_evidence(network, [], look, False) == ()
    assert more_evidence("net.pkl", own, compared=True) == ("", "")
    assert commands_for(None, look) == ()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("place", "channels", "through", "picture"),
    [
        (0, 3, False, "--view sheet --scale layer --channels rgb"),
        (0, 1, False, "--view sheet --scale layer"),
        (1, 3, False, "--view sheet --scale layer"),
        (0, 3, True, "--through"),
    ],
)
def test_colours_are_asked_for_where_a_first_layer_has_three_channels(
    place, channels, through, picture
) -> None:
    own = layer(place, "structured", shape=(4, channels, 3, 3))
    commands = commands_for("net.pkl", Look(layer=own, through=through))
    assert commands == (
        f"filtviz plot net.pkl --layer conv{place + 1} {picture}",
        "filtviz diagnose net.pkl --details",
    )


def test_filters_over_other_axes_are_looked_at_as_what_they_are() -> None:
    curves, volumes = conv(np.ones((4, 2, 5)), axes="oic"), conv(np.ones((4, 2, 3, 3, 3)), axes="oidrc")
    for network, number, how in (
        (Network.of([curves]), 0, "over its axis"),
        (Network.of([volumes]), 0, "slice by slice"),
        (Network.of([conv(np.ones((1, 1, 3, 3))), volumes]), 1, "slice by slice"),
    ):
        told, command = look_unjudged(network, "a b.pkl")
        assert told.endswith(f"can be looked at all the same, {how}:")
        assert command == f"filtviz plot 'a b.pkl' --layer {number}"
        assert look_unjudged(network, None) == ("", "")
    assert look_unjudged(Network.of([conv(np.ones((1, 1, 3, 3)))]), "a") == ("", "")


@pytest.mark.cases("all")
@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize(("z", "word"), [(5.0, "smoother"), (-5.0, "rougher")])
def test_a_whole_layer_is_called_smoother_or_rougher_where_no_filter_is(found, z, word) -> None:
    whole = finding("low-frequency", found=found, z=z)
    plain = layer(0, "structured", findings=(whole,), filters=filters(4))
    assert (f"all a little {word} than noise" in seen_in(plain)) == found
    with_smooth = dataclasses.replace(plain, filters=filters(4, smooth=1))
    assert seen_in(with_smooth) == "1 of 4 smooth"
