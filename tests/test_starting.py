"""Where the program starts: what it asks the system for, and what ends it before it has begun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import filtviz.cli
from filtviz import __main__ as starting
from filtviz import processes
from filtviz.__main__ import LEAST
from filtviz.signals import Ended

resource = pytest.importorskip("resource", reason="needs limits as POSIX has them")
UNLIMITED = resource.RLIM_INFINITY

MB = 1 << 20
TOO_LITTLE = (
    "filtviz: a limit (ulimit -v) leaves this process {} MB of memory, and filtviz needs 400: raise it"
)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("soft", "hard", "said", "threads"),
    [
        (UNLIMITED, UNLIMITED, None, None),
        (UNLIMITED, 7 * MB, None, None),
        (LEAST, LEAST, None, "1"),
        (LEAST + 1, UNLIMITED, None, "1"),
        (LEAST - 1, UNLIMITED, TOO_LITTLE.format(399), "1"),
        (3 * MB, UNLIMITED, TOO_LITTLE.format(3), "1"),
        (0, LEAST, TOO_LITTLE.format(0), "1"),
    ],
)
def test_the_limit_that_counts_is_the_one_that_holds_now(monkeypatch, soft, hard, said, threads):
    limits = {resource.RLIMIT_AS: (soft, hard)}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits.get(kind, (1, 1)))
    monkeypatch.setattr(os, "environ", {})
    if said is None:
        starting._check_addresses()
    else:
        with pytest.raises(SystemExit) as caught:
            starting._check_addresses()
        assert caught.value.code == said
    assert os.environ == ({} if threads is None else {"OPENBLAS_NUM_THREADS": threads})


def test_a_number_of_threads_that_a_person_chose_stays(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (LEAST, LEAST))
    monkeypatch.setattr(os, "environ", {"OPENBLAS_NUM_THREADS": "7"})
    starting._check_addresses()
    assert os.environ == {"OPENBLAS_NUM_THREADS": "7"}


def test_windows_has_no_such_limit(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1, 1))
    monkeypatch.setattr(sys, "platform", "win32")
    starting._check_addresses()


@pytest.mark.parametrize(("end", "status"), [(None, None), (Ended(143), 143)])
def test_what_ends_an_import_ends_the_program_with_its_status_and_else_it_begins(monkeypatch, end, status):
    began = []

    class Cli(SimpleNamespace):
        def __getattr__(self, name):
            if end is not None:
                raise end
            return lambda: began.append(name)

    monkeypatch.setattr(resource, "getrlimit", lambda _: (UNLIMITED, UNLIMITED))
    monkeypatch.setitem(sys.modules, "filtviz.cli", Cli())
    if end is None:
        starting.run()
        assert began == ["main"]
    else:
        with pytest.raises(SystemExit) as caught:
            starting.run()
        assert (caught.value.code, began) == (status, [])


@pytest.mark.parametrize(("n_cores", "threads"), [(8, "2"), (2, "1"), (None, "1")])
def test_a_worker_is_started_with_the_options_of_this_python(monkeypatch, n_cores, threads):
    asked = []

    def refuse(command, **how):
        asked.append((command, how))
        raise BlockingIOError(11, "Resource temporarily unavailable")

    flags = SimpleNamespace(isolated=1, ignore_environment=0, no_user_site=1, utf8_mode=1)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(sys, "flags", flags)
    monkeypatch.setattr(sys, "warnoptions", ["ignore::ImportWarning"])
    monkeypatch.setattr(os, "cpu_count", lambda: n_cores)
    monkeypatch.setattr(os, "environ", {"MKL_NUM_THREADS": "7", "HOME": "here"})
    job: Any = SimpleNamespace(run=lambda: "done here")
    assert list(processes.run_in_processes(iter([job]), 3)) == ["done here"]
    ((command, how),) = asked
    assert command == [sys.executable, "-P", "-I", "-s", "-Xutf8=1", "-Wignore::ImportWarning", "-c",
                       processes._SERVE, json.dumps(sys.path)]  # fmt: skip
    libraries = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    assert how["env"] == {"MKL_NUM_THREADS": "7", "HOME": "here"} | dict.fromkeys(libraries, threads)


def test_a_program_that_has_too_little_ends_before_it_imports(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1, 1))
    monkeypatch.setattr(filtviz.cli, "main", lambda: pytest.fail("it has begun"))
    with pytest.raises(SystemExit, match="raise it"):
        starting.run()
