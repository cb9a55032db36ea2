"""Locks: who has one, what is removed when, and what counts where a file system has none."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.forking import forked

from filtviz.batch import locking
from filtviz.batch.locking import LOCK, RUN_SUFFIX, Lock, announce_run, hold, live_runs
from filtviz.errors import OutputError
from filtviz.sources import Sources

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs locks and links as POSIX has them")

FORGOTTEN = 60.0


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_open(descriptor):
    with suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def test_a_lock_is_a_file_that_one_has_at_a_time_and_that_goes_with_it():
    lock = locking._try_lock(Path("one"), FORGOTTEN)
    assert lock is not None
    assert (lock.path, is_open(lock.descriptor), Path("one").read_bytes()) == (Path("one"), True, b"")
    assert lock.descriptor in locking._held
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    assert locking._try_lock(Path("one"), FORGOTTEN) is None
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) == before  # who did not get it holds nothing open
    assert Path("one").exists()
    lock.release()
    assert (Path("one").exists(), is_open(lock.descriptor), lock.descriptor in locking._held) == (False,) * 3


@pytest.mark.parametrize(("written", "is_left"), [(b"", False), (b"x", True)])
def test_a_file_that_holds_something_is_not_removed(written, is_left):
    lock = locking._try_lock(Path("one"), FORGOTTEN)
    assert lock is not None
    Path("one").write_bytes(written)
    lock.release()
    assert Path("one").exists() == is_left


def test_a_lock_whose_file_somebody_has_removed_is_let_go_of_all_the_same():
    lock = locking._try_lock(Path("one"), FORGOTTEN)
    assert lock is not None
    Path("one").unlink()
    lock.release()
    assert not is_open(lock.descriptor)


def test_a_child_holds_none_of_its_parents_locks(monkeypatch):
    lock = locking._try_lock(Path("one"), FORGOTTEN)
    assert lock is not None
    reading, writing = os.pipe()
    child = forked(lambda: os.write(writing, f"{is_open(lock.descriptor)} {len(locking._held)}".encode()))
    os.waitpid(child, 0)
    assert os.read(reading, 99) == b"False 0"
    assert is_open(lock.descriptor)
    lock.release()
    for descriptor in (reading, writing):
        os.close(descriptor)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("folder", "is a directory"),
        ("pipe", "file exists"),
        ("link", "it is a link, which is not followed"),
        ("link to nothing", "it is a link, which is not followed"),
        ("in no folder", "no such file or directory"),
    ],
)
def test_what_is_no_file_is_no_lock_and_stays(what, said):
    path = Path("one")
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what.startswith("link"):
        Path("other").write_bytes(b"")
        path.symlink_to("gone" if what.endswith("nothing") else "other")
    else:
        path = Path("none/one")
    before = sorted(Path().iterdir())
    with pytest.raises(OutputError, match=f"^cannot write {path}: {said}$") as caught:
        locking._lock_or_complain(path)
    assert caught.value.path == path
    assert sorted(Path().iterdir()) == before


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("seconds", "is_new", "is_got"),
    [(0, True, True), (0, False, False), (FORGOTTEN - 5, False, False), (FORGOTTEN + 5, False, True)],
)
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_locks_a_file_counts_until_it_is_forgotten(monkeypatch, number, seconds, is_new, is_got):
    import fcntl

    def none(*_):
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    path, then = Path("one"), time.time() - seconds
    if not is_new:
        path.touch()
        os.utime(path, (then, then))
    lock = locking._try_lock(path, FORGOTTEN)
    assert (lock is not None) == is_got
    if lock is not None:
        assert path.stat().st_mtime > time.time() - 5  # others count from now on
        lock.release()


def test_what_else_goes_wrong_with_a_lock_is_told(monkeypatch):
    import fcntl

    def fail(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OutputError, match=r"^cannot write one: input/output error$"):
        locking._lock_or_complain(Path("one"))


@pytest.mark.parametrize("refusal", [BlockingIOError, PermissionError])
def test_a_file_that_another_process_has_locked_is_nobodys_here(monkeypatch, refusal):
    import fcntl

    asked = []

    def refuse(_, how):
        asked.append(how)
        raise refusal

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert locking._try_lock(Path("one"), FORGOTTEN) is None
    assert asked == [fcntl.LOCK_EX | fcntl.LOCK_NB]


def test_a_file_that_is_replaced_while_it_is_locked_is_locked_anew(monkeypatch):
    import fcntl

    real, times = fcntl.flock, []

    def replace_first(descriptor, how):
        real(descriptor, how)
        times.append(descriptor)
        if len(times) == 1:
            Path("one").unlink()
        if len(times) == 2:
            Path("one").rename("two")
            Path("one").touch()

    monkeypatch.setattr(fcntl, "flock", replace_first)
    lock = locking._try_lock(Path("one"), FORGOTTEN)
    assert lock is not None
    assert len(times) == 3
    assert os.path.samestat(os.fstat(lock.descriptor), Path("one").stat())
    lock.release()


@pytest.mark.parametrize("is_there", [False, True])
def test_a_file_is_opened_to_be_written_followed_by_nobody_and_made_where_it_is_missing(
    monkeypatch, is_there
):
    real, asked = os.open, []

    def note(path, flags, *mode):
        asked.append((flags, mode))
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", note)
    if is_there:
        Path("one").touch()
        asked.clear()
    descriptor, is_new = locking._open(Path("one"))
    os.close(descriptor)
    assert is_new != is_there
    plain = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    assert asked[0] == (plain | os.O_CREAT | os.O_EXCL, (0o666,))
    assert asked[1:] == ([(plain, ())] if is_there else [])


def test_a_file_of_another_persons_is_opened_to_be_read(monkeypatch):
    real, asked = os.open, []

    def refuse(path, flags, *mode):
        asked.append(flags)
        if flags & os.O_RDWR and not flags & os.O_CREAT:
            raise PermissionError
        return real(path, flags, *mode)

    Path("one").touch()
    monkeypatch.setattr(os, "open", refuse)
    descriptor, is_new = locking._open(Path("one"))
    os.close(descriptor)
    assert is_new is False
    assert [flags & os.O_ACCMODE for flags in asked] == [os.O_RDWR, os.O_RDWR, os.O_RDONLY]
    assert asked[2] | os.O_RDWR == asked[1]


def test_a_file_that_comes_and_goes_is_opened_when_it_stays(monkeypatch):
    real, answers = os.open, [FileExistsError, FileNotFoundError, FileExistsError]

    def come_and_go(path, flags, *mode):
        if answers:
            raise answers.pop(0)
        return real(path, flags, *mode)

    Path("one").touch()
    monkeypatch.setattr(os, "open", come_and_go)
    descriptor, is_new = locking._open(Path("one"))
    os.close(descriptor)
    assert (is_new, answers) == (False, [])


# What is locked


def a_clock(seconds, sleep):
    """A clock of this one module's, which another thread does not look at."""
    return SimpleNamespace(monotonic=lambda: next(seconds), sleep=sleep, time=time.time)


def test_the_manifest_is_held_for_one_at_a_time_and_waited_for(monkeypatch):
    monkeypatch.setattr(locking, "PATIENCE", 0.02)
    waited = []
    clock = iter([0.0, 0.0, 0.01, 0.02, 0.021])
    with hold(Path(), Sources()):
        assert Path(LOCK).exists()
        monkeypatch.setattr(locking, "time", a_clock(clock, waited.append))
        with (
            pytest.raises(
                OutputError,
                match=r"^another run of filtviz holds \.filtviz-lock and does not go on: end that one$",
            ) as caught,
            hold(Path(), Sources()),
        ):
            pass
    assert caught.value.path == Path(LOCK)
    assert waited == [0.002, 0.004, 0.008]
    assert not Path(LOCK).exists()


def test_who_waits_looks_ten_times_a_second_at_least(monkeypatch):
    waited = []
    clock = iter([0.0] * 10 + [1e9])
    with hold(Path(), Sources()):
        monkeypatch.setattr(locking, "time", a_clock(clock, waited.append))
        with pytest.raises(OutputError), hold(Path(), Sources()):
            pass
    assert waited == [0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.1, 0.1, 0.1]


def test_who_waits_goes_on_when_the_other_is_done(monkeypatch):
    other = locking._try_lock(Path(LOCK), FORGOTTEN)
    assert other is not None
    monkeypatch.setattr(locking, "time", a_clock(iter([0.0] * 9), lambda _: other.release()))
    with hold(Path(), Sources()):
        assert Path(LOCK).exists()
    assert not Path(LOCK).exists()


def test_a_lock_is_let_go_of_whatever_goes_wrong_and_is_none_of_the_models():
    with pytest.raises(ZeroDivisionError), hold(Path(), Sources()):
        raise ZeroDivisionError
    assert list(Path().iterdir()) == []
    Path(LOCK).write_bytes(b"a model")
    with (
        pytest.raises(OutputError, match="one of the files given"),
        hold(Path(), Sources().including(Path(LOCK))),
    ):
        pass


def test_no_two_runs_have_one_name_and_a_run_in_no_folder_is_told():
    lock = announce_run(Path(), "mine")
    assert [path.name for path in Path().iterdir()] == [".mine.filtviz-run"]
    with pytest.raises(AssertionError, match="no two runs"):
        announce_run(Path(), "mine")
    lock.release()
    Path("file").touch()
    with pytest.raises(OutputError, match=r"^cannot write file/\.mine\.filtviz-run: not a directory$"):
        announce_run(Path("file"), "mine")


def test_live_runs_are_the_others_whose_files_are_locked_and_what_is_left_of_the_dead_goes(monkeypatch):
    mine, other = announce_run(Path(), "own"), announce_run(Path(), "alive")
    Path(f".dead{RUN_SUFFIX}").touch()
    Path(f".full{RUN_SUFFIX}").write_bytes(b"a letter")
    Path(f".model{RUN_SUFFIX}").touch()
    Path(f".folder{RUN_SUFFIX}").mkdir()
    Path("elsewhere").touch()
    Path(f".link{RUN_SUFFIX}").symlink_to("elsewhere")
    Path(f"visible{RUN_SUFFIX}").touch()
    sources = Sources().including(Path(f".model{RUN_SUFFIX}"))
    assert live_runs(Path(), "own", sources) == {"alive"}
    assert sorted(path.name for path in Path().iterdir()) == sorted(
        [
            *(f".{name}{RUN_SUFFIX}" for name in ("alive", "folder", "full", "link", "model", "own")),
            "elsewhere",
            f"visible{RUN_SUFFIX}",
        ]
    )
    assert live_runs(Path(), "another", sources) == {"own", "alive"}
    for lock in (mine, other):
        lock.release()


def test_a_run_of_another_persons_is_taken_for_alive(monkeypatch):
    Path(f".theirs{RUN_SUFFIX}").touch()

    def refuse(*_):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", refuse)
    assert live_runs(Path(), "own", Sources()) == {"theirs"}


@pytest.mark.parametrize(("hours", "alive"), [(23, {"far"}), (25, set())])
def test_without_locks_a_run_counts_for_a_day(monkeypatch, hours, alive):
    import fcntl

    def none(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    path, then = Path(f".far{RUN_SUFFIX}"), time.time() - hours * 3600
    path.touch()
    os.utime(path, (then, then))
    assert live_runs(Path(), "own", Sources()) == alive


@pytest.mark.parametrize(("seconds", "is_got"), [(50, False), (70, True)])
def test_without_locks_the_manifest_is_held_for_a_minute(monkeypatch, seconds, is_got):
    import fcntl

    def none(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    Path(LOCK).touch()
    os.utime(LOCK, (time.time() - seconds,) * 2)
    assert isinstance(locking._lock_or_complain(Path(LOCK)), Lock) == is_got


def test_a_link_to_a_file_is_not_the_file(tmp_path):
    there, link = tmp_path / "there", tmp_path / "link"
    there.touch()
    try:
        link.symlink_to(there)
    except OSError:
        pytest.skip("links may not be made here")
    seen = there.stat()
    assert locking._is_at(seen, there)
    assert not locking._is_at(seen, link)
    assert not locking._is_at(seen, tmp_path / "nothing")
