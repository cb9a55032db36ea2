"""Workers do jobs in order; one that is killed loses one job, and none outlives what has started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from filtviz import processes
from filtviz.processes import run_in_processes
from tests.forking import forked

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals as POSIX has them")

DOING = '''
import os
import signal
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    n: int

    def lost(self, reason):
        return f"{self.n} lost: {reason}"


class Square(Job):
    def run(self):
        return self.n**2


class Pid(Job):
    def run(self):
        time.sleep(0.05)
        return os.getpid()


class Killed(Job):
    """Every fifth ends its process."""

    def run(self):
        if self.n % 5 == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.n


class AllKilled(Job):
    def run(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)


class Crashed(Job):
    def run(self):
        os.kill(os.getpid(), signal.SIGSEGV)


class Strange(Exception):
    def __init__(self, one, other):
        super().__init__("strange")
        self.held = lambda: None


class Raising(Job):
    def run(self):
        raise ZeroDivisionError(f"job {self.n}") if self.n else Strange(1, 2)


class Printing(Job):
    def run(self):
        print("to stdout", self.n, flush=True)
        os.write(1, b"to descriptor 1")
        return sys.stdin.read()


class Options(Job):
    def run(self):
        return sys.flags.safe_path, sys.warnoptions, sys.flags.utf8_mode, os.environ["OMP_NUM_THREADS"]


@dataclass(frozen=True)
class Long(Job):
    """Tell that it has begun, and whether it came to put things in order."""

    folder: Path

    def run(self):
        (self.folder / f"{os.getpid()}.begun").touch()
        try:
            time.sleep(600)
        finally:
            (self.folder / f"{os.getpid()}.ended").touch()
'''


class Forked:
    """A worker that is forked from this process instead of started: all is imported already."""

    def __init__(self, command, *, stdin, stdout, env, creationflags):
        assert (stdin, stdout, command[0]) == (subprocess.PIPE, subprocess.PIPE, sys.executable)
        jobs, given = os.pipe()
        found, answers = os.pipe()

        def serve():
            os.dup2(jobs, 0)
            os.dup2(answers, 1)
            os.closerange(3, max(jobs, given, found, answers) + 1)
            os.environ.update(env)
            sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
            processes.serve()

        self.pid = forked(serve)
        os.close(jobs)
        os.close(answers)
        self.stdin, self.stdout = os.fdopen(given, "wb"), os.fdopen(found, "rb")
        self.status = None

    def wait(self, seconds=None):
        deadline = None if seconds is None else time.monotonic() + seconds
        while self.status is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.status = os.waitstatus_to_exitcode(status)
            elif deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a worker", seconds)
            else:
                time.sleep(0.002)
        return self.status

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


either = pytest.mark.parametrize(
    "doing",
    [pytest.param("forked", marks=posix), pytest.param("started", marks=pytest.mark.slow)],
    indirect=True,
)


@pytest.fixture
def doing(request, tmp_path, monkeypatch):
    """A module of jobs that workers find where this process finds it."""
    if getattr(request, "param", "started") == "forked":
        monkeypatch.setattr(subprocess, "Popen", Forked)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "doing.py").write_text(DOING)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    sys.modules.pop("doing", None)
    import doing

    yield doing
    del sys.modules["doing"]


def until(condition, seconds=120):
    """Wait until something holds, however slow the day is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@either
def test_outcomes_come_in_the_order_of_the_jobs(doing):
    assert list(run_in_processes((doing.Square(n) for n in range(50)), 2)) == [n**2 for n in range(50)]
    assert list(run_in_processes(iter(()), 2)) == []


@either
def test_jobs_are_done_by_as_many_other_processes_as_there_is_work_for(doing):
    pids = set(run_in_processes((doing.Pid(n) for n in range(6)), 2))
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert len(set(run_in_processes(iter([doing.Pid(0)]), 8))) == 1


@either
def test_jobs_are_taken_as_they_are_worked_off(doing):
    taken = []

    def jobs():
        for n in range(1000):
            taken.append(n)
            yield doing.Square(n)

    outcomes = run_in_processes(jobs(), 1)
    assert [next(outcomes) for _ in range(10)] == [n**2 for n in range(10)]
    assert len(taken) <= 10 + processes.AHEAD
    outcomes.close()


@posix
@either
def test_a_job_whose_process_is_killed_is_lost_and_the_others_are_done(doing):
    outcomes = list(run_in_processes((doing.Killed(n) for n in range(10)), 2))
    lost = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert [outcome for outcome in outcomes if outcome not in lost] == [n for n in range(10) if n % 5 != 2]
    assert lost == [
        f"{n} lost: a worker process was ended by the system (SIGKILL), perhaps for lack of memory; "
        "the same command with --jobs 1 goes on from here"
        for n in (2, 7)
    ]


@posix
@either
def test_if_every_process_is_ended_every_job_is_lost_and_none_hangs(doing):
    outcomes = list(run_in_processes((doing.AllKilled(n) for n in range(3)), 2))
    assert len(outcomes) == 3
    assert {text.split(";")[0][8:] for text in outcomes} == {
        "a worker process was ended by the system (SIGTERM)"
    }


@posix
@either
def test_a_crash_is_called_one(doing):
    (lost,) = run_in_processes(iter([doing.Crashed(0)]), 2)
    assert lost.startswith("0 lost: a worker process crashed (SIGSEGV); ")


@either
def test_what_a_job_raises_is_raised_here_with_its_traceback(doing):
    with pytest.raises(ZeroDivisionError, match="job 1") as caught:
        list(run_in_processes(iter([doing.Raising(1)]), 2))
    assert "in run" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError, match="Strange: strange"):
        list(run_in_processes(iter([doing.Raising(0)]), 2))


@either
def test_what_a_job_prints_and_reads_disturbs_nothing(doing):
    assert list(run_in_processes((doing.Printing(n) for n in range(6)), 2)) == [""] * 6


@either
def test_nothing_that_listens_to_a_worker_keeps_this_process_from_ending(doing):
    before = set(threading.enumerate())
    outcomes = run_in_processes((doing.Square(n) for n in range(9)), 2)
    assert next(outcomes) == 0
    listening = set(threading.enumerate()) - before
    assert len(listening) == 2
    assert all(thread.daemon for thread in listening)
    outcomes.close()


@pytest.mark.slow
def test_workers_have_the_options_of_this_python_but_do_not_look_into_the_folder(doing, monkeypatch):
    monkeypatch.setattr(sys, "warnoptions", ["ignore::ImportWarning"])
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    ((safe, warned, utf8, threads),) = run_in_processes(iter([doing.Options(0)]), 1000)
    assert safe
    assert "ignore::ImportWarning" in warned
    assert utf8 == sys.flags.utf8_mode
    assert threads == "1"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["json", "pickle", "argparse", "filtviz", "doing", "numpy"])
def test_nothing_in_the_working_folder_is_imported(doing, tmp_path, monkeypatch, name):
    """Where strangers' models lie, modules of theirs may lie, too."""
    work = tmp_path / "work"
    work.mkdir()
    mark = tmp_path / "was-run"
    (work / f"{name}.py").write_text(f"open({str(mark)!r}, 'w')")
    monkeypatch.chdir(work)
    assert list(run_in_processes((doing.Square(n) for n in range(4)), 2)) == [0, 1, 4, 9]
    assert not mark.exists()


def test_where_no_process_can_be_started_jobs_are_done_here(doing, monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert list(run_in_processes((doing.Pid(n) for n in range(3)), 2)) == [os.getpid()] * 3


@pytest.mark.slow
def test_where_processes_do_not_come_up_jobs_are_done_here(doing, monkeypatch):
    monkeypatch.setattr(processes, "_SERVE", "raise SystemExit(3)")
    assert list(run_in_processes((doing.Pid(n) for n in range(5)), 2)) == [os.getpid()] * 5


@pytest.mark.slow
def test_where_one_process_can_be_started_it_does_all(doing, monkeypatch):
    start = subprocess.Popen
    started = []

    def once(*arguments, **options):
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(start(*arguments, **options))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", once)
    assert set(run_in_processes((doing.Pid(n) for n in range(5)), 4)) == {started[0].pid}


@posix
@either
def test_workers_stop_what_they_do_when_the_run_is_closed(doing, tmp_path):
    outcomes = run_in_processes(iter([doing.Square(1), *(doing.Long(0, tmp_path) for _ in range(4))]), 2)
    assert next(outcomes) == 1
    until(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
    outcomes.close()
    begun = {path.stem for path in tmp_path.glob("*.begun")}
    assert {path.stem for path in tmp_path.glob("*.ended")} == begun
    assert not any(is_alive(int(pid)) for pid in begun)


@pytest.mark.slow
@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_workers_end_when_the_process_that_started_them_is_killed(doing, tmp_path, number):
    """Whatever ends it: their pipe ends. They put in order what they are at, and nobody holds stdout."""
    script = textwrap.dedent(f"""
        import signal, sys
        if {number:d} != signal.SIGKILL:
            signal.signal({number:d}, signal.SIG_DFL)  # which is ignored where the tests run under nohup
        sys.path[:] = {sys.path!r}
        from pathlib import Path
        import doing
        from filtviz.processes import run_in_processes
        jobs = (doing.Long(0, Path({str(tmp_path)!r})) for _ in range(9))
        list(run_in_processes(jobs, 2))
    """)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with parent:
        until(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
        parent.send_signal(number)
        try:
            assert parent.communicate(timeout=120) == (b"", b"")  # returns when the last of them is gone
        finally:
            parent.kill()
    assert parent.returncode == -number
    begun = {path.stem for path in tmp_path.glob("*.begun")}
    until(lambda: not any(is_alive(int(pid)) for pid in begun))
    assert {path.stem for path in tmp_path.glob("*.ended")} == begun


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("executable", "is_frozen", "can"),
    [("/bin/python", False, True), ("", False, False), ("/bin/python", True, False), (None, False, False)],
)
def test_only_a_python_of_its_own_can_be_started(monkeypatch, executable, is_frozen, can) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(sys, "frozen", is_frozen, raising=False)
    assert processes.can_start() is can


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("is_up", "status", "most"), [(True, 0, 1), (True, -9, 1), (False, -9, 1), (False, 1, 0)]
)
def test_a_worker_that_ended_at_its_job_leaves_one_place_for_another(
    monkeypatch, is_up, status, most
) -> None:
    worker: Any = SimpleNamespace(is_up=is_up, given=deque(), process=None)
    pool: Any = SimpleNamespace(_workers=[worker], _most=1, _given_back=deque(), _outcomes={})
    monkeypatch.setattr(processes, "_hang_up", lambda _: None)
    monkeypatch.setattr(processes, "_wait", lambda *_: status)
    processes._Pool._lose(pool, worker)
    assert (pool._most, pool._workers) == (most, [])
