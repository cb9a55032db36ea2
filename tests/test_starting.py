"""Where the program starts: what it asks the system for, and what ends it before it has begun."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

import filtviz.cli
from filtviz import __main__ as starting
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


def test_a_program_that_has_too_little_ends_before_it_imports(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1, 1))
    monkeypatch.setattr(filtviz.cli, "main", lambda: pytest.fail("it has begun"))
    with pytest.raises(SystemExit, match="raise it"):
        starting.run()
