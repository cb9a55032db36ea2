"""Files appear whole or not at all, with the permissions that are expected."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from filtviz import files
from filtviz.errors import OutputError
from filtviz.files import make_folder, remove_file, remove_parts, replace_own, write_whole
from filtviz.sources import Sources

NONE = Sources()


def fail(stream):
    stream.write(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_written_and_replaced_whole(tmp_path):
    path = tmp_path / "a.png"
    for content in (b"first", b"second"):
        write_whole(path, lambda stream, content=content: stream.write(content), NONE)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError) as caught:
        write_whole(path, fail, NONE)
    assert str(caught.value) == f"cannot write {path}: no space left on device"
    assert caught.value.path == path
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_nothing(tmp_path):
    def interrupt(stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a.png", interrupt, NONE)
    assert list(tmp_path.iterdir()) == []


def test_while_it_is_written_nobody_sees_the_file(tmp_path):
    path = tmp_path / "a.png"
    seen = []
    write_whole(path, lambda stream: seen.append(path.exists()), NONE)
    assert seen == [False]
    assert path.exists()


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "ours", lambda stream: None, NONE)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "ours")}
    assert len(modes) == 1


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*gone/a\.png: no such file or directory"):
        write_whole(tmp_path / "gone" / "a.png", lambda stream: None, NONE)


def test_a_file_in_the_place_of_a_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write .*file: not a directory"):
        make_folder(tmp_path / "file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, lambda stream: stream.write(b"page"), NONE)
    reader.join()
    assert got == [b"page"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
    left = (".dead-0123456789abcdef.filtviz-part", ".older-0123456789abcdef.filtviz-part")
    others = (
        ".hidden",
        "conv1.png",
        ".alive-0123456789abcdef.filtviz-part",
        ".0123456789abcdef.filtviz-part",
    )
    for name in (*left, *others):
        (tmp_path / name).write_bytes(b"")
    remove_parts(tmp_path, NONE, spared={"alive"})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_a_run_removes_its_own_parts_alone(tmp_path):
    for name in (".own-01.filtviz-part", ".other-01.filtviz-part"):
        (tmp_path / name).write_bytes(b"")
    remove_parts(tmp_path, NONE, run="own")
    assert [path.name for path in tmp_path.iterdir()] == [".other-01.filtviz-part"]


@pytest.fixture
def umask():
    """A usual one, whatever that of the person is."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def fill(stream):
    stream.write(b"new")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


posix = pytest.mark.skipif(os.name != "posix", reason="this system has no modes")


@pytest.mark.cases("all")
@posix
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("before", [0o600, 0o644, 0o664, 0o400, 0o755])
def test_a_replaced_file_keeps_its_mode(tmp_path, before):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(before)
    write_whole(path, fill, NONE)
    assert (mode(path), path.read_bytes()) == (before, b"new")
    replace_own(path, fill, NONE, run="r")
    assert mode(path) == before


@posix
@pytest.mark.usefixtures("umask")
def test_a_secret_is_never_open_while_it_is_written(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen = []
    write_whole(path, lambda stream: seen.append(stat.S_IMODE(os.fstat(stream.fileno()).st_mode)), NONE)
    assert seen == [0o600]


@posix
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("mask", "made"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_obeys_the_umask(tmp_path, mask, made):
    os.umask(mask)
    write_whole(tmp_path / "a.png", fill, NONE)
    replace_own(tmp_path / "b.png", fill, NONE, run="r")
    assert [mode(tmp_path / name) for name in ("a.png", "b.png")] == [made, made]


@posix
@pytest.mark.usefixtures("umask")
def test_bits_that_let_a_file_run_as_its_owner_are_not_handed_on(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o4755)
    write_whole(path, fill, NONE)
    assert mode(path) == 0o755


@posix
@pytest.mark.usefixtures("umask")
def test_a_group_that_the_file_cannot_keep_is_not_replaced_by_another(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o664)
    seen = path.stat()
    made = os.fstat

    def of_another_group(descriptor):
        return os.stat_result([*made(descriptor)[:5], seen.st_gid + 1, *made(descriptor)[6:10]])

    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fstat", of_another_group)
    monkeypatch.setattr(os, "fchown", refuse)
    write_whole(path, fill, NONE)
    monkeypatch.undo()
    assert mode(path) == 0o604


def test_a_link_is_followed_where_a_person_named_it_and_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "page.html", tmp_path / "page.html"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_whole(link, fill, NONE)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]


def test_a_link_that_leads_to_itself_is_one_sentence_and_stays(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OutputError, match=r"it is a link, which is not followed$"):
        write_whole(loop, fill, Sources())
    assert loop.is_symlink()
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "there")
    write_whole(dangling, fill, Sources())
    assert dangling.is_symlink()
    assert (tmp_path / "there").is_file()


def test_a_link_in_a_folder_of_ours_is_replaced_and_not_followed(tmp_path):
    target, link = tmp_path / "victim", tmp_path / "conv1.png"
    target.write_bytes(b"old")
    link.symlink_to(target)
    replace_own(link, fill, NONE, run="r")
    assert not link.is_symlink()
    assert (target.read_bytes(), link.read_bytes()) == (b"old", b"new")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_a_folder_of_ours_is_left_alone_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "conv1.png")
    with pytest.raises(OutputError, match=r"^cannot write .*conv1\.png: file exists$"):
        replace_own(tmp_path / "conv1.png", fill, NONE, run="r")
    assert [path.name for path in tmp_path.iterdir()] == ["conv1.png"]


@pytest.fixture
def given(tmp_path):
    """A file that a command reads, and its other names."""
    path = tmp_path / "models" / "m.png"
    path.parent.mkdir()
    path.write_bytes(b"model")
    (tmp_path / "hard.png").hardlink_to(path)
    (tmp_path / "soft.png").symlink_to(path)
    (tmp_path / "folder").symlink_to(path.parent)
    return path


NAMES = ["models/m.png", "models/../models/m.png", "hard.png", "soft.png", "folder/m.png"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_read_is_neither_written_nor_removed_under_any_name(given, tmp_path, name):
    path = tmp_path / name
    sources = Sources().including(given)
    before = sorted(tmp_path.rglob("*"))
    for change in (
        lambda: write_whole(path, fill, sources),
        lambda: replace_own(path, fill, sources, run="r"),
        lambda: remove_file(path, sources),
    ):
        with pytest.raises(OutputError) as caught:
            change()
        assert str(caught.value) == (
            f"cannot write {path}: it is one of the files given; choose another name or folder"
        )
        assert given.read_bytes() == b"model"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_was_given_by_a_link_is_known_by_its_name(given, tmp_path):
    with pytest.raises(OutputError, match="it is one of the files given"):
        write_whole(given, fill, Sources().including(tmp_path / "soft.png"))


def test_a_copy_of_a_file_that_is_read_is_another_file(given, tmp_path):
    copy = tmp_path / "copy.png"
    copy.write_bytes(given.read_bytes())
    write_whole(copy, fill, Sources().including(given))
    assert (copy.read_bytes(), given.read_bytes()) == (b"new", b"model")


def test_a_part_that_is_read_is_not_removed(tmp_path):
    part = tmp_path / ".dead-01.filtviz-part"
    part.write_bytes(b"model")
    remove_parts(tmp_path, Sources().including(part))
    assert part.read_bytes() == b"model"


def test_where_files_have_no_numbers_the_name_tells(given, tmp_path, monkeypatch):
    seen = os.stat_result([*given.stat()[:1], 0, *given.stat()[2:10]])
    monkeypatch.setattr(Path, "stat", lambda self, **_: seen)
    sources = Sources().including(given)
    assert sources.identities == frozenset()
    assert sources.hold(tmp_path / "folder" / "m.png")
    assert not sources.hold(tmp_path / "hard.png")


@pytest.mark.cases("all")
@pytest.mark.parametrize("what", ["file", "link to a folder", "link to nothing", "folder"])
def test_only_a_file_or_a_link_is_replaced_in_a_folder_of_ours(tmp_path, what):
    path, other = tmp_path / "a.png", tmp_path / "other"
    other.mkdir()
    if what == "file":
        path.write_bytes(b"old")
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to(other if what.endswith("folder") else tmp_path / "gone")
    if what == "folder":
        with pytest.raises(OutputError, match="file exists"):
            replace_own(path, lambda stream: stream.write(b"new"), NONE, run="r")
        assert path.is_dir()
    else:
        replace_own(path, lambda stream: stream.write(b"new"), NONE, run="r")
        assert path.read_bytes() == b"new"
        assert not path.is_symlink()
    assert list(other.iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "other"]


def test_a_link_that_leads_to_a_folder_or_nowhere_is_replaced_in_a_folder_of_ours(tmp_path):
    (tmp_path / "inside").mkdir()
    for name, target in (("a.png", "inside"), ("b.png", "nowhere")):
        (tmp_path / name).symlink_to(tmp_path / target)
        replace_own(tmp_path / name, fill, NONE, run="r")
        assert (tmp_path / name).read_bytes() == b"new"
        assert not (tmp_path / name).is_symlink()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("has_links", [True, False])
def test_what_one_of_several_files_replaces_is_kept_with_its_time_and_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    target = tmp_path / "a.png"
    assert files._kept(target) is None
    target.write_bytes(b"before")
    target.chmod(0o640)
    os.utime(target, ns=(10**18, 10**18))
    if not has_links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("one name a file")))
    kept = files._kept(target)
    assert kept is not None
    assert (kept.parent, kept.suffix, kept.read_bytes()) == (tmp_path, files.PART_SUFFIX, b"before")
    assert (kept.stat().st_mode & 0o777, kept.stat().st_mtime_ns) == (0o640, 10**18)
