"""What files, jobs and the system refuse or lose, and what is told of it; what results look like."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz import Network, notebook
from filtviz.batch import jobs
from filtviz.cli import main, streams
from filtviz.cli.console import conclusions_told
from filtviz.cli.inputs import patterns_expanded
from filtviz.files import Permissions, replace_own, write_together, write_whole
from filtviz.given import choose
from filtviz.picture_files import destination_of
from filtviz.sources import Sources

from .building import conv, kernels, with_curves


@pytest.fixture(scope="module")
def network() -> Network:
    return with_curves()


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


def test_a_file_that_is_replaced_is_opened_for_its_owner_alone(tmp_path, monkeypatch) -> None:
    asked, real = [], os.open

    def note(path: Any, flags: int, mode: int = 0o777, **how: Any) -> int:
        asked.append(mode)
        return real(path, flags, mode, **how)

    (tmp_path / "old").write_bytes(b"old")
    monkeypatch.setattr(os, "open", note)
    for name in ("new", "old"):
        write_whole(tmp_path / name, lambda stream: stream.write(b"new"), Sources())
    assert asked == [0o666, 0o600]


@pytest.mark.skipif(os.name != "posix", reason="needs links and permissions as POSIX has them")
def test_what_replaces_a_link_has_no_permissions_of_what_it_leads_to(tmp_path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "target").chmod(0o600)
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "usual").touch()
    replace_own(tmp_path / "link", lambda stream: stream.write(b"new"), Sources(), run="run")
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("link", "usual")]
    assert modes[0] == modes[1] != 0o600
    assert not (tmp_path / "link").is_symlink()


def test_a_model_that_has_a_graph_keeps_its_own_and_knows_what_was_read_beside_it(tmp_path) -> None:
    examples = Path(__file__).resolve().parents[1] / "examples"
    own, other = examples / "mission-trained.pkl", examples / "mission-untrained.pkl"
    np.savez(tmp_path / "bare.npz", W=kernels(2, 1, 3, 3))
    for like in (other, tmp_path / "bare.npz"):
        found = filtviz.load(own, like=like)
        assert [type(layer) for layer in found.layers] == [type(layer) for layer in filtviz.load(own).layers]
        assert (found.origin.graph, found.origin.also_read) == ("", (like,))


def test_a_layer_of_another_network_stands_for_its_namesake_of_the_same_shape_alone() -> None:
    here = Network.of([conv(kernels(2, 3, 3, 3), name="one")])
    same, turned = conv(kernels(2, 3, 3, 3), label="one"), conv(kernels(3, 2, 3, 3), label="one")
    assert choose(here, same) is here.conv_layers[0]
    with pytest.raises(filtviz.SelectionError, match="the one of that name has another shape, 2x3x3x3"):
        choose(here, turned)


def test_a_pattern_that_nothing_fits_is_named_by_its_error(tmp_path) -> None:
    with pytest.raises(filtviz.FileAccessError, match="no file matches this pattern") as caught:
        patterns_expanded([str(tmp_path / "*.pkl")])
    assert caught.value.path == str(tmp_path / "*.pkl")


@pytest.mark.skipif(not hasattr(os, "get_blocking"), reason="needs descriptors as POSIX has them")
@pytest.mark.parametrize("waits", [False, True])
def test_a_stream_waits_for_its_reader_for_as_long_as_it_is_reopened(waits) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, waits)
    with os.fdopen(writing, "w") as stream:
        with streams._reopened(stream) as again:
            assert again is not None
            assert os.get_blocking(writing)
        assert os.get_blocking(writing) == waits
    os.close(reading)
