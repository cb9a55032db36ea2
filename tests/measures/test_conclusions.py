"""What the layers say together: singular and plural, runs of names, what is left out; and the commands."""

from __future__ import annotations

import pytest

from filtviz.measures.conclusions import CAVEAT, summarise
from filtviz.measures.measure import Change, FilterDiagnosis, LayerDiagnosis, Unjudged
from filtviz.measures.table import MEASURES

BEFORE = "A file from before training would measure what is estimated here (--before)."
CONTRAST = (
    "The usual picture adds to it: each kernel has its own contrast, so that noise looks as strong as "
    "signal, and at 3x3 the eye finds edges in noise."
)
RANDOM = (
    "The filters look random because they are. If this network was trained, either it was for a short time, "
    "or this file is from before."
)


def layer(place: int, verdict: str = "initial", **fields) -> LayerDiagnosis:
    shown = {
        "name": f"conv{place + 1}",
        "type": "Conv2DLayer",
        "shape": (20, 20, 3, 3),
        "dtype": "float32",
        "sentence": "…",
        "initialiser": "unknown",
    }
    return LayerDiagnosis(conv_index=place, verdict=verdict, **(shown | fields))


def layers(*verdicts: str, **fields) -> list[LayerDiagnosis]:
    return [layer(place, verdict, **fields) for place, verdict in enumerate(verdicts)]


def filters(n: int, composed: int = 0) -> tuple[FilterDiagnosis, ...]:
    return tuple(
        FilterDiagnosis(index=i, norm=1.0, composed_texture="smooth" if i < composed else None)
        for i in range(n)
    )


def unknown(reason: str):
    return MEASURES["residue"].finding(value=None, text=f"cannot tell, because {reason}", reason=reason)


def test_one_untrained_layer() -> None:
    (one,) = layers("initial", rules=("GlorotUniform()",))
    assert summarise([one], (), False) == (
        "No trace of training can be seen: the one convolution is indistinguishable from initial draws by "
        f"GlorotUniform(). {RANDOM}"
    )


def test_untrained_layers_of_a_network_that_was_trained() -> None:
    (one,) = layers("initial", rules=("GlorotUniform()",))
    assert summarise([one], (), False, (), ["it was saved after epoch 3"]) == (
        "The network was trained (it was saved after epoch 3), and yet the one convolution is "
        "indistinguishable from initial draws by GlorotUniform(): frozen, or moved by too little to be seen. "
        "The filters look random because they are."
    )


def test_several_untrained_layers_and_what_drew_them_all() -> None:
    both = ("GlorotUniform()", "HeUniform(gain=1)")
    mixed = [layer(0, rules=both), layer(1, rules=both[:1]), layer(2)]
    said = "No trace of training can be seen: {} convolutions are indistinguishable from initial draws{}. "
    assert summarise(mixed, (), False) == said.format("all 3", " by GlorotUniform()") + RANDOM
    differ = [layer(0, rules=both[:1]), layer(1, rules=both[1:])]
    assert summarise(differ, (), False) == said.format("both", "") + RANDOM
    assert summarise(layers("initial", "initial"), (), False) == said.format("both", "") + RANDOM


def test_runs_of_three_and_more_are_named_by_their_ends() -> None:
    def said(*verdicts: str) -> str:
        return summarise(layers(*verdicts), (), True).split(". ")[0]

    updated = "updated, but no filter structure can be detected"
    assert said("updated") == f"conv1 was {updated}"
    assert said("updated", "updated") == f"conv1 and conv2 were {updated}"
    assert said(*["updated"] * 3) == f"conv1 to conv3 were {updated}"
    assert said("updated", "structured", "updated", "updated", "updated") == (
        f"conv1 and conv3 to conv5 were {updated}; conv2 is statistically structured"
    )
    assert said("undecided", "collapsed", "initial", "collapsed") == (
        "conv3 is indistinguishable from initialisation; conv2 and conv4 are structured, but collapsed "
        "to few directions; conv1 is not judged (the sentence says why)"
    )


def test_a_layer_that_is_left_out_does_not_break_a_run() -> None:
    gap = [layer(0, "updated"), layer(2, "updated"), layer(5, "updated")]
    assert summarise(gap, (), True).startswith("conv1 to conv6 were updated")


def test_structured_layers_whose_biases_all_moved_were_updated() -> None:
    moved = MEASURES["bias"].finding(value=None, text="", found=True)
    still = MEASURES["bias"].finding(value=None, text="")

    def said(*findings) -> str:
        several = [layer(i, "structured", findings=(each,)) for i, each in enumerate(findings)]
        return summarise(several, (), True).split(". ")[0]

    assert said(moved) == "conv1 was updated and is statistically structured"
    assert said(moved, moved) == "conv1 and conv2 were updated and are statistically structured"
    assert said(moved, still) == "conv1 and conv2 are statistically structured"


def test_untouched_layers_of_a_trained_network() -> None:
    assert (
        "conv1 may have been frozen, cut off from the loss, or moved by too little to be seen."
        in summarise(layers("initial", "structured"), (), True)
    )
    assert "frozen" not in summarise(layers("structured"), (), True)


@pytest.mark.parametrize(("residue", "told"), [(0.5, True), (0.49, False)])
def test_half_of_noise_is_mostly_noise(residue, told) -> None:
    said = summarise(layers("structured", residue=residue), (), True)
    assert (
        "conv1 looks random because most of it still is: about 50% of what the picture shows" in said
    ) == told
    assert (CONTRAST in said) == told


def test_noise_of_first_and_later_layers() -> None:
    network = [
        layer(0, "updated", residue=0.953),
        layer(1, "structured", residue=0.8),
        layer(2, "structured", residue=0.72),
        layer(3, "updated", residue=0.995),
    ]
    said = summarise(network, (), False)
    assert (
        "conv1 and conv4 look random because most of each still is: 95 to 99% of what the picture shows "
        "is the noise of the initialisation, and what was learned lies under it. In conv2 and conv3 72 "
        "to 80% of what the picture shows is the noise of the initialisation, beside their structure. "
        f"{CONTRAST}"
    ) in said
    assert said.endswith(f"{CAVEAT} {BEFORE}")
    one = [layer(0, "updated", residue=0.9), layer(1, "structured", residue=0.8)]
    assert (
        "In conv2 about 80% of what the picture shows is the noise of the initialisation, beside its "
        "structure." in (summarise(one, (), True))
    )


def test_larger_kernels_are_not_told_of_edges_at_3x3() -> None:
    said = summarise([layer(0, "updated", residue=0.9, shape=(8, 3, 5, 5))], (), True)
    assert "as strong as signal." in said
    assert "3x3" not in said


def test_why_the_noise_cannot_be_estimated() -> None:
    shrunk, outgrown = unknown("the weights have shrunk"), unknown("the weights have outgrown")
    bound = MEASURES["bound"].finding(value=0.12, text="")
    one = [layer(0, "updated", findings=(bound, shrunk), rules=("GlorotUniform()",))]
    assert (
        "conv1 looks random: no test finds structure in it (88% of conv1 lies within the "
        "initialiser's bound); how much of it is the initial noise cannot be told, because the weights have "
        "shrunk."
    ) in summarise(one, (), True)
    three = [layer(i, "updated", findings=(each,)) for i, each in enumerate((shrunk, outgrown, outgrown))]
    assert (
        "conv1 to conv3 look random: no test finds structure in them; how much of them is "
        "the initial noise cannot be told, because the weights have outgrown or the weights have shrunk."
    ) in summarise(three, (), True)
    assert "because it was not estimated." in summarise(layers("updated"), (), True)


def test_a_bound_of_no_known_rule_is_not_told() -> None:
    bound = MEASURES["bound"].finding(value=0.12, text="")
    said = summarise([layer(0, "updated", findings=(bound, unknown("x")))], (), True)
    assert "bound" not in said


def test_collapse_points_to_the_loss() -> None:
    said = summarise(layers("collapsed", "structured"), (), True)
    assert (
        "The filters of conv1 nearly repeat one another; too high a learning rate is one cause, so "
        "compare with the training loss." in said
    )
    assert "nearly repeat" not in summarise(layers("structured"), (), True)


def test_the_layer_that_shows_most_through_those_below() -> None:
    network = [
        layer(0, "updated"),
        layer(1, "structured", composed_size=(5, 5), filters=filters(20, composed=10)),
        layer(2, "structured", composed_size=(7, 9), filters=filters(20, composed=11)),
        layer(3, "structured", composed_size=(9, 9), filters=filters(40, composed=21)),
        layer(4, "structured", composed_size=(11, 11), filters=filters(20)),
        layer(5, "structured", filters=filters(20, composed=20)),
    ]
    said = summarise(network, (), True)
    assert (
        "Look at the deeper filters through the layers below them: 11 of the 20 filters of conv3, "
        "composed to 7x9 pixels, are smoother or finer than chance."
    ) in said
    # Of equals the deeper one.
    equal = [layer(i, "structured", composed_size=(5, 5), filters=filters(20, composed=10)) for i in (1, 2)]
    assert "10 of the 20 filters of conv3," in summarise(equal, (), True)


def test_structured_layers_are_to_be_seen_first_where_others_are_not() -> None:
    assert "Look at conv2 first." in summarise(layers("updated", "structured"), (), True)
    assert "Look at" not in summarise(layers("structured", "structured"), (), True)
    assert "Look at" not in summarise(layers("updated"), (), True)


def test_when_quality_and_earlier_files_are_spoken_of() -> None:
    assert summarise(layers("structured"), (), False).endswith(f"{CAVEAT} {BEFORE}")
    assert summarise(layers("structured"), (), True).endswith(CAVEAT)
    assert summarise(layers("collapsed"), (), False).endswith(CAVEAT)
    assert CAVEAT not in summarise(layers("updated"), (), False)
    assert summarise(layers("updated"), (), False).endswith(BEFORE)
    assert BEFORE not in summarise(layers("initial"), (), False)
    assert BEFORE not in summarise(layers("undecided"), (), False)


def test_changes_of_all_layers_against_each_file() -> None:
    smooth = Change(before="a.pkl", cos2=0.953, relative_change=0.2, share=0.8, share_p=0.001)
    white = Change(before="a.pkl", cos2=0.8, relative_change=0.2, share=0.34, share_p=0.2)
    rough = Change(before="a.pkl", cos2=0.7, relative_change=0.2, share=0.1, share_p=1e-9)
    same = Change(before="b.pkl", cos2=1.0, relative_change=0.0)
    missing = Change(before="b.pkl", reason="it has no such layer")
    network = [
        layer(0, "updated", changes=(smooth, same)),
        layer(1, "updated", changes=(white, same)),
        layer(2, "updated", changes=(rough, missing)),
    ]
    said = summarise(network, (), True)
    assert (
        "Against a.pkl, the share of each layer that is what was there before (cos²): conv1 95%, conv2 "
        "80% and conv3 70%; what was added is smoother than white noise in conv1. Against b.pkl, nothing "
        "has changed in conv1 and conv2."
    ) in said
    alone = [layer(0, "updated", changes=(missing,))]
    assert "b.pkl could not be compared: it has no such layer." in summarise(alone, (), True)
    quiet = [layer(0, "updated", changes=(white,))]
    assert "what was added" not in summarise(quiet, (), True)


@pytest.mark.parametrize(
    ("share", "p", "told"), [(0.34, 0.009, True), (0.34, 0.01, False), (1 / 3, 0.001, False)]
)
def test_what_was_added_is_smooth_beyond_chance_only(share, p, told) -> None:
    change = Change(before="a", cos2=0.9, relative_change=0.1, share=share, share_p=p)
    said = summarise([layer(0, "updated", changes=(change,))], (), True)
    assert ("smoother than white noise in conv1" in said) == told


def test_a_layer_that_cannot_be_judged_is_not_compared() -> None:
    change = Change(before="a", cos2=0.9, relative_change=0.1)
    broken_first = [layer(0, "undecided"), layer(1, "updated", changes=(change,))]
    broken_last = [layer(0, "updated", changes=(change,)), layer(1, "undecided")]
    assert "(cos²): conv2 90%." in summarise(broken_first, (), True)
    assert "(cos²): conv1 90%." in summarise(broken_last, (), True)
    assert "Against" not in summarise(layers("undecided"), (), True)


def test_nothing_to_judge() -> None:
    assert (
        summarise((), (), False) == "The network has no convolution, so that there are no filters to judge."
    )
    left_out = [
        Unjudged(conv_index=i, name=name, type="Conv1DLayer", reason="it is a curve")
        for i, name in enumerate("abc")
    ]
    assert summarise((), left_out[:1], False) == (
        "Nothing can be judged here: a is left out because it is a curve."
    )
    assert summarise((), left_out, False) == (
        "Nothing can be judged here: a is left out because it is a curve; so are b and c."
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("moved", "nothing"), [((0.0, 0.0), True), ((0.0, 0.5), False), ((0.5, 0.0), False), ((0.5, 0.5), False)]
)
def test_nothing_has_changed_only_where_no_layer_has(moved, nothing) -> None:
    own = [
        layer(i, "structured", changes=(Change(before="b.pkl", cos2=0.75, relative_change=each),))
        for i, each in enumerate(moved)
    ]
    text = summarise(own, (), compared=True)
    assert ("Against b.pkl, nothing has changed in conv1 and conv2." in text) == nothing
    assert ("(cos²): conv1 75% and conv2 75%" in text) == (not nothing)


@pytest.mark.cases("all")
@pytest.mark.parametrize(("share", "smooth"), [(0.9, True), (0.1, False)])
def test_what_was_added_is_called_smoother_only_where_it_is(share, smooth) -> None:
    change = Change(before="b", cos2=0.5, relative_change=0.1, share=share, share_p=1e-9)
    text = summarise([layer(0, "updated", changes=(change,))], (), compared=True)
    assert ("what was added is smoother than white noise in conv1" in text) == smooth
