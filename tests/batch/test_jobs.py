"""The engine runs whatever can be run, in order; an export's jobs carry paths, and read models themselves."""

from __future__ import annotations

import os
import pickle
import threading
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np
import pytest

from filtviz import DrawingOptions, ExportOptions
from filtviz.batch import jobs as jobs_module
from filtviz.batch import planning
from filtviz.batch.jobs import FEW_JOBS, Done, Reason, forget_models, run_jobs
from filtviz.batch.planning import Planner
from filtviz.errors import FiltvizError
from filtviz.reading import Hints, Limits


@dataclass(frozen=True)
class Square:
    n: int

    def run(self):
        return self.n**2

    def lost(self, reason):
        raise AssertionError(reason)


@pytest.mark.parametrize("n_jobs", [1, 2, None])
def test_outcomes_come_in_the_order_of_the_jobs(n_jobs):
    with joblib.parallel_config("threading"):
        outcomes = list(run_jobs((Square(n) for n in range(30)), n_jobs))
    assert outcomes == [n**2 for n in range(30)]


def test_a_few_jobs_and_a_lone_process_start_no_others(monkeypatch):
    class Started(Exception):
        pass

    def start(jobs, n_processes):
        raise Started(n_processes)

    monkeypatch.setattr(jobs_module, "run_in_processes", start)
    assert len(list(run_jobs(map(Square, range(FEW_JOBS)), 2))) == FEW_JOBS
    assert len(list(run_jobs(map(Square, range(30)), 1))) == 30
    with pytest.raises(Started, match="2"):
        list(run_jobs(map(Square, range(FEW_JOBS + 1)), 2))
    monkeypatch.setattr(jobs_module, "can_start", lambda: False)
    assert len(list(run_jobs(map(Square, range(30)), 2))) == 30


@pytest.mark.parametrize(("cores", "started"), [(1, False), (2, True)])
def test_processes_are_started_where_there_is_more_than_one_core(monkeypatch, cores, started):
    seen = []
    monkeypatch.setattr(joblib, "effective_n_jobs", lambda _: cores)
    monkeypatch.setattr(
        jobs_module, "run_in_processes", lambda jobs, n: seen.append(n) or map(Square.run, jobs)
    )
    assert list(run_jobs(map(Square, range(30)), None)) == [n**2 for n in range(30)]
    assert seen == ([cores] if started else [])


@pytest.mark.parametrize(("n_jobs", "asked"), [(None, -1), (3, 3)])
def test_joblib_is_asked_for_every_core_unless_a_number_is_given(monkeypatch, n_jobs, asked):
    seen = []
    parallel = joblib.Parallel
    monkeypatch.setattr(
        joblib, "Parallel", lambda **given: seen.append(given["n_jobs"]) or parallel(**{**given, "n_jobs": 1})
    )
    with joblib.parallel_config("threading"):
        assert len(list(run_jobs(map(Square, range(FEW_JOBS + 1)), n_jobs))) == FEW_JOBS + 1
    assert seen == [asked]


@pytest.mark.parametrize(("engine", "n_jobs", "asked"), [(None, None, 7), ("loky", None, 7), (None, 3, 3)])
def test_as_many_processes_are_started_as_there_are_cores_or_as_are_asked_for(
    monkeypatch, engine, n_jobs, asked
):
    seen = []
    monkeypatch.setattr(joblib, "effective_n_jobs", lambda n: 7 if n == -1 else n)
    monkeypatch.setattr(jobs_module, "run_in_processes", lambda jobs, n: seen.append(n) or iter(()))
    with joblib.parallel_config(engine) if engine else nullcontext():
        list(run_jobs(map(Square, range(FEW_JOBS + 1)), n_jobs))
    assert seen == [asked]


@dataclass(frozen=True)
class Held(Square):
    may_go_on: threading.Event

    def run(self):
        if self.n:
            self.may_go_on.wait(60)
        return super().run()


def test_jobs_are_taken_as_they_are_worked_off():
    taken, may_go_on = [], threading.Event()

    def jobs():
        for n in range(1000):
            taken.append(n)
            yield Held(n, may_go_on)

    with joblib.parallel_config("threading"):
        outcomes = run_jobs(jobs(), 2)
        assert next(outcomes) == 0
        assert len(taken) < 500
        may_go_on.set()
        outcomes.close()


@pytest.fixture
def model(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "net.npz"
    first, second = rng.standard_normal((20, 100, 3, 3)), rng.standard_normal((8, 20, 3, 3))
    np.savez(path, first, np.zeros(20), second, np.zeros(8))
    return path


def planned(model, **options):
    folder = model.parent / "out"
    folder.mkdir(exist_ok=True)
    jobs = list(Planner([model], folder, ExportOptions(**options)).jobs())
    forget_models()
    return folder, [pickle.loads(pickle.dumps(job)) for job in jobs]


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "here"), [(0.4, False), (0.6, True)])
def test_a_model_that_takes_long_to_read_is_read_by_no_other_process(model, monkeypatch, seconds, here):
    ticks = iter([0.0, seconds])
    monkeypatch.setattr(planning, "process_time", lambda: next(ticks))
    folder, jobs = planned(model)
    drawn = len(list(folder.glob("net/*.png")))
    assert ([isinstance(job, Done) for job in jobs], drawn) == ([here] * 4 + [True], 120 if here else 0)
    assert sum(job.run().pages for job in jobs) == 120


@pytest.mark.slow
def test_a_job_carries_no_weights_and_its_process_reads_the_model_once(model, monkeypatch):
    folder, jobs = planned(model)
    assert max(len(pickle.dumps(job)) for job in jobs) < 20_000
    reads = []
    load = jobs_module.load
    monkeypatch.setattr(jobs_module, "load", lambda path, **given: reads.append(path) or load(path, **given))
    monkeypatch.chdir(folder)  # whoever draws may work in another folder
    outcomes = [job.run() for job in jobs]
    assert [(each.pages, each.failure, each.last) for each in outcomes] == [
        *[(32, None, False)] * 3,
        (24, None, False),
        (0, None, True),
    ]
    assert reads == [model]
    assert len(list(folder.glob("net/*.png"))) == 120


def test_a_model_that_changes_while_it_is_exported_is_said_to_have_changed(model):
    folder, jobs = planned(model)
    np.savez(model, np.zeros((20, 100, 3, 3)), np.zeros(20), np.zeros((8, 20, 3, 3)), np.zeros(8))
    os.utime(model, ns=(0, 0))
    assert jobs[0].run().failure == Reason(
        "malformed", f"{model}: it was changed while it was exported; export it again", names_file=True
    )
    assert not list(folder.glob("net/*.png"))


def test_a_model_that_goes_away_is_one_sentence(model):
    _, jobs = planned(model)
    model.unlink()
    failure = jobs[0].run().failure
    assert failure is not None
    assert failure.sentence.startswith(f"{model}: ")


def test_a_model_that_goes_away_just_after_it_was_read_is_one_sentence(model, monkeypatch):
    _, jobs = planned(model)
    load = jobs_module.load

    def load_and_remove(path, **given):
        network = load(path, **given)
        path.unlink()
        return network

    monkeypatch.setattr(jobs_module, "load", load_and_remove)
    assert jobs[0].run().failure == Reason(
        "malformed", f"{model}: it was changed while it was exported; export it again", names_file=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_sheets_of_several_pages_are_drawn_page_by_page(model, suffix):
    """A job may begin in the midst of a layer's pages."""
    view = DrawingOptions(view="sheet", dpi=10)
    _, (*jobs, _) = planned(model, drawing=view, format=suffix)
    assert [job.run().failure for job in jobs] == [None] * len(jobs)
    files = [file for job in jobs for file in job.files]
    together = {file.path.name: file.path.read_bytes() for file in files}
    assert sum(file.pages for file in files) > 2
    for file in files[1:]:
        file.path.unlink()
        (one,) = [job for job in jobs if file in job.files]
        alone = replace(one, files=(file,))
        assert alone.run().pages == file.pages
        assert file.path.read_bytes() == together[file.path.name]


def test_a_process_holds_the_two_models_that_it_was_last_given(model):
    path = model
    files = [jobs_module.ModelFile(path=path, limits=None, hints=None, size=n, changed=0) for n in range(3)]
    forget_models()
    for n, file in enumerate(files):
        file.remember(n)
        held = [network for _, network in jobs_module._remembered]
        assert held == list(range(n, max(n - jobs_module.REMEMBERED, -1), -1))
    assert [files[n].load() for n in (2, 1)] == [2, 1]
    with pytest.raises(FiltvizError):  # it is read anew, and is not of that size
        files[0].load()
    forget_models()
    assert jobs_module._remembered == []


def test_a_file_is_read_once_as_a_person_has_said(model, monkeypatch):
    read = []
    monkeypatch.setattr(jobs_module, "load", lambda path, **how: read.append((path, how)) or "network")
    forget_models()
    how = {"limits": Limits(members=7), "hints": Hints(weights="ema")}
    for _ in range(2):
        assert jobs_module.ModelFile.of(model, **how).load() == "network"
    assert read == [(model.absolute(), how)]
    forget_models()


def test_a_file_that_was_changed_within_a_second_is_another(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"1234")
    os.utime(path, ns=(10**18, 10**18))
    before = jobs_module.ModelFile.of(path, None, None)
    assert before._is_there()
    os.utime(path, ns=(10**18, 10**18 + 1000))
    assert not before._is_there()
    path.unlink()
    assert not before._is_there()
