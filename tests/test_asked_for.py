"""What is asked for reaches what does it: budgets, layers, numbers at their ends, states and places."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz import Budget, Network, notebook
from filtviz.activations import KINDS, Activation, activate
from filtviz.answer_text import answer_text
from filtviz.batch import jobs
from filtviz.cli import diagnose, main
from filtviz.cli.console import conclusions_told
from filtviz.cli.diagnosis_text import describe_trajectory
from filtviz.comparing import _Compared
from filtviz.drawing import estimates
from filtviz.files import Permissions, write_together, write_whole
from filtviz.measures.trajectory import LayerTrajectory, Trajectory
from filtviz.network import Origin
from filtviz.paper import Paper
from filtviz.parameter import Parameter
from filtviz.picture_files import destination_of
from filtviz.results import Diagnoses
from filtviz.sources import Sources

from .building import conv, image


def kernels(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


@pytest.fixture(scope="module")
def network() -> Network:
    layers = [
        image(3, 8, 8),
        conv(kernels(4, 3, 3, 3), np.zeros(4, "f4"), name="first", below=0),
        conv(kernels(5, 4, 3), axes="oir", name="curves", below=1),
        conv(kernels(5, 4, 3, 3), np.zeros(5, "f4"), name="third", below=1),
    ]
    return Network.of(layers, Origin(path=Path("net.npz"), kind="a network"))


@pytest.mark.cases("all")
@pytest.mark.parametrize("exponent", [1e30, -1e30, 0.0, np.inf, -np.inf, np.nan])
def test_a_function_of_any_number_gives_one_and_warns_of_none(exponent: float) -> None:
    x = np.array([0.0, -0.0, 1.0, -1.0, 1e30, -1e30, 1e38, 1e-40, np.inf, -np.inf, np.nan], "f4")
    slopes = Parameter.of("slopes", np.full(1, 3e38, "f4"))
    for kind in KINDS:
        if kind == "untold":
            continue
        one = Activation(kind=kind, alpha=exponent, slopes=slopes, along=(0,), low=-1.0, high=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert activate(one, x).shape == x.shape


# A diagnosis


def test_of_layers_that_are_asked_for_also_those_are_told_that_are_not_judged(network: Network) -> None:
    whole = filtviz.diagnose(network)
    assert [each.name for each in whole.unjudged] == ["curves"]
    for wanted, judged, unjudged in (("first", ["first"], []), ("curves", [], ["curves"])):
        found = filtviz.diagnose(network, layers=wanted)
        told = [each.name for each in found.layers], [each.name for each in found.unjudged]
        assert told == (judged, unjudged)


def test_the_size_of_earlier_states_and_of_images_adds_to_the_budget(
    network: Network, tmp_path: Path
) -> None:
    little = Budget(work=1)
    large = replace(network, origin=Origin(size=10**9))
    assert filtviz.diagnose(network, budget=little).left_out
    assert not filtviz.diagnose(network, budget=little, before=[large]).left_out
    assert not filtviz.diagnose(large, budget=little).left_out


def test_files_of_images_bound_how_often_they_are_shown(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def examine(*_: Any, **how: Any) -> Any:
        asked.append(how["budget"])
        raise filtviz.RunningError("that is enough", layer="first")

    monkeypatch.setattr("filtviz.responses.examining.examine", examine)
    path = tmp_path / "images.npy"
    np.save(path, np.zeros((2, 3, 8, 8), "f4"))
    for images in (path, np.load(path)):
        found = filtviz.diagnose(network, images=images, budget=Budget(work=7_000_000_000))
        assert found.left_out == ("images tell nothing of this network: that is enough",)
    assert [(one.work, one.image_bytes) for one in asked] == [
        (7_000_000_000, path.stat().st_size),
        (7_000_000_000, None),
    ]


def test_a_screen_is_as_wide_as_its_paper(network: Network) -> None:
    """At which widths columns go, and what is left of the last."""
    diagnosis = filtviz.diagnose(network)
    layers = diagnosis.layers * 3
    told: list[tuple[int, str]] = []
    for width in range(30, 100):
        text = answer_text(replace(diagnosis, layers=layers), Paper(width), "")
        head, _, row = next(each for each in text.split("\n\n") if each.startswith("layer")).splitlines()[:3]
        words = [*head.split("  "), f"{len(row.rstrip())}"]
        shown = " ".join(word.strip() for word in words if word.strip())
        if not told or told[-1][1] != shown:
            told.append((width, shown))
    assert told == WIDTHS


WIDTHS = [
    (30, "layer verdict 26"),
    (41, "layer verdict to be seen 41"),
    (42, "layer verdict to be seen 42"),
    (43, "layer verdict to be seen 43"),
    (44, "layer verdict to be seen 44"),
    (45, "layer verdict to be seen 45"),
    (46, "layer verdict to be seen 46"),
    (47, "layer verdict to be seen 47"),
    (48, "layer verdict to be seen 48"),
    (49, "layer verdict to be seen 49"),
    (50, "layer verdict to be seen 50"),
    (51, "layer verdict to be seen 51"),
    (59, "layer filters verdict to be seen 53"),
]


def test_a_step_that_is_not_known_is_no_rest() -> None:
    def told(*steps: float | None) -> str:
        layers = (LayerTrajectory(name="one", steps=steps),)
        states: Any = [SimpleNamespace(file=f"{name}.npz") for name in "abc"]
        return describe_trajectory(Trajectory(order=(0, 1, 2), ordered_by="names", layers=layers), states)

    assert "one did not move at all." in told(0.0, 0.0)
    for steps in ((None, None), (0.0, None), (0.0, 0.5)):
        assert "did not move" not in told(*steps)


def test_states_without_a_place_in_the_order_are_printed_last(
    network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tuple(replace(filtviz.diagnose(network), file=f"{name}.npz") for name in ("one", "two", "three"))
    moved = (LayerTrajectory(name="first", steps=(0.5,)),)
    trajectory = Trajectory(order=(2, 0), ordered_by="names", layers=moved, apart=(1,))
    several = Diagnoses(outcomes=found, follow=lambda *_: trajectory)
    diagnose._print_text(several, details=True, with_filters=False)
    said = capsys.readouterr().out
    heads = [line.split()[0] for line in said.splitlines() if ".npz ─" in line]
    assert heads == ["three.npz", "one.npz", "two.npz"]


def test_a_sheet_in_a_terminal_is_charged_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", W=kernels(2, 1, 3, 3))
    line = ["plot", "--terminal", "a.npz"]
    assert CliRunner().invoke(main, line).exit_code == 0
    monkeypatch.setattr(estimates, "_CHARACTERS", 10**12)
    found = CliRunner().invoke(main, line)
    assert found.exit_code == 1
    assert "filtviz: showing conv1 in a terminal takes" in found.stderr


# A comparison


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cosine", "turned", "cautions"),
    [
        (0.3, [False, False], []),
        (0.2999, [False, False], ["alike"]),
        (-0.2999, [False, False], ["alike"]),
        (-0.3, [False, False], []),
        (0.9, [False, True], ["b"]),
        (0.0, [True, False], ["a", "alike"]),
    ],
)
def test_what_is_no_more_alike_than_by_chance_is_said_at_three_deviations(cosine, turned, cautions) -> None:
    comparison: Any = SimpleNamespace(
        states=("a", "b"), total_cosine=cosine, filters=[np.zeros((4, 1, 5, 5))], label="conv1"
    )
    said = _Compared(comparison, turned).cautions
    assert ["alike" if "by chance" in each else each.split()[3] for each in said] == cautions


def test_where_no_layer_can_be_compared_that_is_what_is_said(tmp_path: Path) -> None:
    paths = [tmp_path / "m.gif", tmp_path / "n.gif"]
    for path in paths:
        with path.open("wb") as stream:
            np.savez(stream, W=kernels(2, 1, 3, 3))
    found = filtviz.compare(paths, layers="none", animate=paths[0])
    assert [each.layer for each in found.failures] == ["none"]
    with pytest.raises(filtviz.OutputError, match="one of the files given"):
        filtviz.compare(paths, animate=paths[0])


@pytest.mark.parametrize(("most", "is_sheet"), [(12, True), (11, False)])
def test_a_layer_of_many_tiles_is_shown_by_its_channels_together(monkeypatch, most, is_sheet) -> None:
    layer = conv(kernels(4, 3, 3, 3), name="one")
    monkeypatch.setattr(notebook, "MOST_TILES", 0)
    together = notebook.layer_png(layer)
    monkeypatch.setattr(notebook, "MOST_TILES", most)
    found = notebook.layer_png(layer)
    assert found is not None
    assert together is not None
    assert (found != together) == is_sheet


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["a.gif", "a.GIF", "a.Gif"])
def test_an_animation_is_one_by_the_end_of_its_name_in_any_letters(tmp_path, monkeypatch, name) -> None:
    monkeypatch.chdir(tmp_path)
    for model in ("a", "b"):
        np.savez(f"{model}.npz", W=kernels(2, 1, 3, 3))
    found = CliRunner().invoke(main, ["compare", "a.npz", "b.npz", "-o", "out.png", "--animate", name])
    assert (found.exit_code, found.stdout.splitlines()[1:]) == (0, ["out.png", name])
    assert Path(name).read_bytes().startswith(b"GIF8")


def test_a_limit_holds_for_the_file_that_tells_the_graph_too(tmp_path) -> None:
    paths = [tmp_path / name for name in ("a.npz", "b.npz")]
    np.savez(paths[0], W=kernels(2, 1, 3, 3))
    np.savez(paths[1], **{f"W{i}": kernels(2, 2, 3, 3) for i in range(40)})
    few = filtviz.Limits(layers=20)
    assert len(filtviz.load(paths[0], limits=few)) == 1
    for like in (paths[1], str(paths[1])):
        with pytest.raises(filtviz.LimitError):
            filtviz.load(paths[0], like=like, limits=few)


# Files


@pytest.mark.skipif(not hasattr(os, "fchown"), reason="needs owners as POSIX has them")
@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("owner", "group", "is_refused", "given", "mode"),
    [
        (0, 0, False, False, 0o640),
        (1, 0, False, True, 0o640),
        (0, 1, False, True, 0o640),
        (1, 1, True, True, 0o600),
    ],
)
def test_a_file_gets_the_owner_and_the_group_that_it_had(
    tmp_path, monkeypatch, owner, group, is_refused, given, mode
) -> None:
    asked = []

    def change(descriptor: int, *ids: int) -> None:
        asked.append(ids)
        if is_refused:
            raise PermissionError

    monkeypatch.setattr(os, "fchown", change)
    with (tmp_path / "a").open("wb") as stream:
        own = os.fstat(stream.fileno())
        ids = own.st_uid + owner, own.st_gid + group
        Permissions(mode=0o640, owner=ids[0], group=ids[1]).give(stream.fileno())
        assert os.fstat(stream.fileno()).st_mode & 0o777 == mode
    assert asked == ([ids] if given else [])


def test_of_one_file_no_second_name_is_made(tmp_path, monkeypatch) -> None:
    (tmp_path / "a").write_bytes(b"old")
    made = []
    link = os.link
    monkeypatch.setattr(os, "link", lambda *names: made.append(names) or link(*names))
    write_whole(tmp_path / "a", lambda stream: stream.write(b"new"), Sources())
    assert made == []
    files: Any = {tmp_path / name: lambda stream: stream.write(b"more") for name in ("a", "b")}
    write_together(files, Sources())
    assert [name.name for name, _ in made] == ["a"]


# What is told


def test_what_is_logged_before_and_behind_a_command_goes_where_it_went(capsys) -> None:
    logger = logging.getLogger("filtviz")
    before = logger.level, logger.propagate, list(logger.handlers), list(logging.getLogger().handlers)
    for level in (logging.NOTSET, logging.ERROR):
        logger.setLevel(level)
        with pytest.raises(ZeroDivisionError), conclusions_told():  # noqa: PT012
            assert (logger.level, logger.propagate) == (logging.INFO, False)
            for _ in range(2):
                logger.info("it was concluded")
            logger.debug("a step")
            raise ZeroDivisionError
        assert (logger.level, logger.propagate) == (level, before[1])
    logger.setLevel(before[0])
    assert (list(logger.handlers), list(logging.getLogger().handlers)) == before[2:]
    assert capsys.readouterr().err == "it was concluded\n" * 2


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("verdict", "colour"),
    [
        ("initial", "#b26a00"),
        ("updated", "#8a6d3b"),
        ("structured", "#2e7d32"),
        ("collapsed", "#c62828"),
        ("undecided", "#757575"),
    ],
)
def test_a_verdict_has_its_colour_in_a_notebook(network: Network, verdict: Any, colour: str) -> None:
    (layer, *_) = filtviz.diagnose(network).layers
    html = notebook._row_of(replace(layer, verdict=verdict, filters=()), [])
    assert html.count(f"color:{colour}") == 1
    assert "color:inherit" not in html


def test_a_destination_that_was_understood_is_not_understood_again(tmp_path: Path) -> None:
    found = destination_of(str(tmp_path / "a.svg"), None)
    assert destination_of(found, "png") is found
    assert destination_of(None, "png") is None


# An export's jobs


def test_what_was_done_cannot_be_lost_and_what_was_not_is_said() -> None:
    outcome = jobs.Outcome(model=3, pages=2, last=True)
    assert jobs.Done(outcome).run() is jobs.Done(outcome).lost("it ended") is outcome
    made = jobs.PicturesJob(
        model=4,
        source=jobs.ModelFile(path=Path("a"), limits=None, hints=None, size=1, changed=2),
        files=(),
        suffix="png",
        options=filtviz.DrawingOptions(),
        sources=Sources(),
        run_name="run",
    )
    assert made.lost("it ended") == jobs.Outcome(model=4, failure=jobs.Reason("worker-ended", "it ended"))


def test_a_page_for_which_memory_is_short_is_one_sentence() -> None:
    def fail() -> Any:
        raise MemoryError

    made: Any = SimpleNamespace(_drawn=fail, model=4, source=None)
    failure = jobs.PicturesJob.run(made).failure
    assert failure == jobs.Reason(
        "memory", "the machine has not enough memory for a page; lower figsize or dpi"
    )


@pytest.mark.parametrize(("cores", "in_others"), [(0, False), (1, True)])
def test_a_lone_job_is_run_apart_where_there_is_one_process(monkeypatch, cores, in_others) -> None:
    import joblib

    asked = []
    monkeypatch.setattr(joblib, "effective_n_jobs", lambda _: cores)
    monkeypatch.setattr(jobs, "run_in_processes", lambda held, n: asked.append(n) or iter(["elsewhere"]))
    job = jobs.Done(jobs.Outcome(model=0))
    assert list(jobs.run_apart(iter([job]), 1)) == (["elsewhere"] if in_others else [job.outcome])
    assert asked == ([1] if in_others else [])


# What the system refuses


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(5, "Input/output\x1b error", "m.pkl"), "m.pkl: Input/output\\x1b error"),
        (OSError(5, "It fails", b"m\xff.pkl"), "m\\udcff.pkl: It fails"),
        (MemoryError(), "the machine has not enough memory for this; try one layer or fewer channels"),
        (KeyboardInterrupt(), "stopped"),
    ],
)
def test_what_goes_wrong_in_a_command_is_one_sentence(monkeypatch, error, said) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("filtviz.api.layers", fail)
    found = CliRunner().invoke(main, ["layers", "m.pkl"])
    assert found.stderr == f"filtviz: {said}\n"
    assert found.exit_code == (130 if said == "stopped" else 1)


def test_an_error_of_the_system_without_a_file_is_no_sentence_unless_the_folder_is_gone(monkeypatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(5, "It fails")

    monkeypatch.setattr("filtviz.api.layers", fail)
    assert isinstance(CliRunner().invoke(main, ["layers", "m.pkl"]).exception, OSError)

    def gone() -> str:
        raise FileNotFoundError

    with monkeypatch.context() as patched:
        patched.setattr(os, "getcwd", gone)
        found = CliRunner().invoke(main, ["layers", "m.pkl"])
    said = "filtviz: the folder that this runs in has been removed: change to another one\n"
    assert (found.exit_code, found.stderr) == (1, said)


def test_notes_of_an_error_are_said_before_it(monkeypatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        error = filtviz.FiltvizError("it fails")
        error.add_note("one thing")
        error.add_note("another")
        raise error

    monkeypatch.setattr("filtviz.api.layers", fail)
    found = CliRunner().invoke(main, ["layers", "m.pkl"])
    assert found.stderr.splitlines() == ["filtviz: one thing", "filtviz: another", "filtviz: it fails"]
