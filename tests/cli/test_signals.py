"""What ends a command from outside: signals to it, to its group, and to the workers of an export."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tests.cli.any_command import CASES, fill, run, words

from filtviz import survey
from filtviz.files import PART_SUFFIX
from filtviz.signals import Stopped, ended_by_signals

psutil = pytest.importorskip("psutil", reason="finds the processes of an export")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals as POSIX has them")

PROGRAM = [sys.executable, "-m", "filtviz"]
PAGES = 2000
"""So many that no machine is done before the signal comes."""

STOPPED = "filtviz: stopped; the same command goes on from here (out holds whole pictures)\n"


def until(condition, seconds=120):
    """Wait until something holds, however slow the day is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("large.npz", rng.standard_normal((20, PAGES, 3, 3)).astype("f4"), np.zeros(20, "f4"))
    return "large.npz"


@pytest.fixture(autouse=True)
def hanging_up_counts():
    """Let programs be ended by SIGHUP, where the tests themselves were started to outlive it (nohup)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


class Export:
    """An export on two workers that has begun to draw, and whoever waits for the end of its stdout."""

    def __init__(self, *options, began=lambda export: len(export.pictures()) >= 3, wrap=(), **given):
        self.process = subprocess.Popen(
            [*wrap, *PROGRAM, "export", "large.npz", "-o", "out", "--jobs", "2", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **given,
        )
        until(lambda: began(self))
        self.workers = self.children()

    def children(self):
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def pictures(self):
        return sorted(Path("out").glob("*/*.png"))

    def end(self):
        """Return status, stdout and stderr; the pipes end when nobody holds them any more."""
        stdout, stderr = self.process.communicate(timeout=120)
        until(lambda: not any(worker.is_running() for worker in self.workers))
        return self.process.returncode, stdout, stderr


def manifest():
    return json.loads(Path("out/manifest.json").read_text())


def assert_whole():
    """Hold that all pictures are whole and described, and that nothing else is there."""
    files = {path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()}
    assert {entry["file"] for entry in manifest()["pictures"]} == {each for each in files if "/" in each}
    for picture in Path("out").glob("*/*.png"):
        assert picture.read_bytes().endswith(b"IEND\xaeB\x60\x82")
    assert not list(Path("out").rglob(f"*{PART_SUFFIX}"))


@pytest.mark.slow
@pytest.mark.parametrize("to_group", [False, True], ids=["alone", "group"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_export_and_its_workers(model, number, to_group):
    export = Export()
    (os.killpg if to_group else os.kill)(export.process.pid, number)
    assert export.end() == (128 + number, "", STOPPED)
    assert not manifest()["complete"]
    assert len(manifest()["pictures"]) >= 3
    assert_whole()


@pytest.mark.slow
def test_signals_one_after_another_end_it_once(model):
    export = Export()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
        export.process.send_signal(number)
    status, stdout, stderr = export.end()
    assert status in {128 + signal.SIGTERM, 128 + signal.SIGHUP}  # whichever Python sees first
    assert (stdout, stderr) == ("", STOPPED)
    assert_whole()


@pytest.mark.slow
def test_a_signal_while_workers_start_ends_them(model):
    export = Export(began=lambda export: export.children())
    export.process.send_signal(signal.SIGTERM)
    status, stdout, stderr = export.end()
    assert (status, stdout, stderr) == (143, "", STOPPED)
    assert_whole()


@pytest.mark.slow
def test_an_export_that_is_to_outlive_its_terminal_does(model):
    """As ``nohup`` starts it: what is ignored stays ignored, in workers, too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        export = Export("--channels", "0-99")
    finally:
        signal.signal(signal.SIGHUP, before)
    os.killpg(export.process.pid, signal.SIGHUP)
    assert export.end()[:2] == (0, "out/manifest.json\n")
    assert len(export.pictures()) == 100


@pytest.mark.slow
def test_workers_do_not_outlive_an_export_that_is_killed(model):
    export = Export()
    export.process.kill()
    assert export.end() == (-signal.SIGKILL, "", "")  # which returns when nobody holds stdout any more
    assert not list(Path("out").rglob(f"*{PART_SUFFIX}"))


@pytest.mark.slow
def test_workers_that_just_start_do_not_outlive_an_export_that_is_killed(model):
    export = Export(began=lambda export: export.children())
    export.process.kill()
    assert export.end()[0] == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("how_many", [1, 2])
def test_a_worker_that_is_killed_is_one_sentence(model, how_many):
    export = Export("--quiet")
    for worker in export.workers[:how_many]:
        worker.kill()
    status, stdout, stderr = export.end()
    assert (status, stdout) == (1, "out/manifest.json\n")
    assert stderr == (
        "filtviz: large.npz: a worker process was ended by the system (SIGKILL), perhaps for lack of memory; "
        "the same command with --jobs 1 goes on from here\n"
    )
    assert len(manifest()["pictures"]) >= 3
    assert_whole()


@pytest.mark.slow
def test_a_worker_that_is_killed_does_not_stop_other_models(model):
    Path("small.npz").write_bytes(b"")
    np.savez("small.npz", np.ones((4, 3, 3, 3), "f4"), np.zeros(4, "f4"))
    process = Export("small.npz", "--quiet")
    process.workers[0].kill()
    status, _, stderr = process.end()
    assert (status, stderr.count("\n")) == (1, 1)
    assert len(list(Path("out").glob("small/*.png"))) == 3


@pytest.mark.slow
def test_an_export_leaves_no_process_when_it_is_done(model):
    export = Export("--channels", "0-199", began=lambda export: len(export.children()) == 2)
    assert export.end()[:2] == (0, "out/manifest.json\n")
    assert not psutil.pid_exists(export.process.pid)


@pytest.mark.slow
def test_a_command_without_workers_ends_quietly_with_the_signal_s_status(model):
    command = [*PROGRAM, "plot", model, "-o", "out/"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: len(list(Path("out").glob("*.png"))) >= 2)
    process.terminate()
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (143, "")
    assert {Path(line) for line in stdout.splitlines()} <= set(Path("out").iterdir())
    assert not list(Path("out").rglob(f"*{PART_SUFFIX}"))


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_command_without_workers_in_one_line(model):
    command = [*PROGRAM, "plot", model, "-o", "out/"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: len(list(Path("out").glob("*.png"))) >= 2)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=120)[1] == "filtviz: stopped\n"
    assert process.returncode == 130
    assert not list(Path("out").rglob(f"*{PART_SUFFIX}"))


@pytest.mark.slow
def test_an_export_whose_messages_nobody_reads_any_more_draws_all_and_ends_quietly(model):
    export = Export("--channels", "0-199")
    with export.process:
        export.process.stderr.close()
        assert export.process.stdout.read() == "out/manifest.json\n"
    assert export.process.returncode == 141
    until(lambda: not any(worker.is_running() for worker in export.workers))
    assert_whole()
    assert manifest()["complete"]


def test_handlers_are_put_back_and_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_would_end_the_program_is_answered_meanwhile_unless_somebody_else_does(number):
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with ended_by_signals():
            assert signal.getsignal(number) != signal.SIG_DFL
        assert signal.getsignal(number) == signal.SIG_DFL
        with ended_by_signals():
            signal.signal(number, signal.SIG_IGN)
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.fixture
def stoppable(monkeypatch):
    """Let this process get signals as the program gets them, without its end being waited for."""
    monkeypatch.setattr("filtviz.signals._limit_patience", lambda status: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, answer in before.items():
        signal.signal(number, answer)


def busy():
    """Do something, until a signal comes."""
    until(lambda: False, seconds=20)


@pytest.mark.usefixtures("stoppable")
def test_a_signal_raises_what_no_handler_of_exceptions_holds_up():
    with pytest.raises(Stopped) as caught, ended_by_signals():
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.status == 143
    assert not isinstance(caught.value, Exception)
    signal.raise_signal(signal.SIGTERM)  # means nothing any more, until the process is gone


ENDS = [(signal.SIGTERM, Stopped), (signal.SIGINT, KeyboardInterrupt)]


@pytest.mark.usefixtures("stoppable", "interruptible")
@pytest.mark.parametrize(("number", "end"), ENDS)
def test_a_signal_waits_until_a_module_is_imported(tmp_path, monkeypatch, number, end):
    code = f"import signal; signal.raise_signal({number:d}); WHOLE = True"
    (tmp_path / "hit_by_a_signal.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "hit_by_a_signal", raising=False)
    with pytest.raises(end), ended_by_signals():  # noqa: PT012
        import hit_by_a_signal

        assert hit_by_a_signal.WHOLE
        busy()


@pytest.mark.usefixtures("stoppable", "interruptible")
def test_a_signal_that_came_with_the_last_import_still_ends_the_program(tmp_path, monkeypatch):
    (tmp_path / "hit_at_the_end.py").write_text(f"import signal; signal.raise_signal({signal.SIGINT:d})")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "hit_at_the_end", raising=False)
    with pytest.raises(Stopped) as caught, ended_by_signals():
        import hit_at_the_end  # noqa: F401
    assert caught.value.status == 130


class Hit:
    """What is hit by a signal while it is destroyed, where Python drops exceptions."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        signal.raise_signal(self.number)


@pytest.mark.usefixtures("stoppable", "interruptible")
@pytest.mark.parametrize(("number", "end"), ENDS)
def test_a_signal_whose_exception_python_drops_comes_again(capfd, number, end):
    hit = [Hit(number)]
    with pytest.raises(end), ended_by_signals():  # noqa: PT012
        hit.pop()
        busy()
    assert capfd.readouterr().err == ""


class Broken:
    """What fails by itself while it is destroyed."""

    def __del__(self):
        raise ValueError("broken by itself")


def test_what_else_goes_wrong_where_python_drops_exceptions_is_told_as_before(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(str(lost.exc_value)))
    broken = [Broken()]
    with ended_by_signals():
        broken.pop()
    assert told == ["broken by itself"]


@pytest.mark.usefixtures("stoppable")
def test_a_signal_that_somebody_swallows_is_not_taken_for_success():
    with pytest.raises(Stopped) as caught, ended_by_signals(), suppress(BaseException):
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.status == 143


@pytest.mark.usefixtures("stoppable", "interruptible")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_whose_exception_a_library_makes_an_error_of_its_own_ends_the_program(number):
    def answer_with_an_error():
        try:
            signal.raise_signal(number)
        except BaseException as error:
            raise TypeError("no common dtype") from error

    with pytest.raises(Stopped) as caught, ended_by_signals():
        answer_with_an_error()
    assert caught.value.status == 128 + number


def test_an_error_without_a_signal_stays_what_it_is():
    with pytest.raises(TypeError, match="by itself"), ended_by_signals():
        raise TypeError("by itself")


@pytest.mark.usefixtures("stoppable", "interruptible")
def test_a_second_ctrl_c_at_once_does_not_disturb_the_first_and_a_later_one_counts(monkeypatch):
    with pytest.raises(Stopped), ended_by_signals():  # noqa: PT012
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr("filtviz.signals.SAME_WISH", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_without_a_signal_nothing_is_raised():
    hook = sys.unraisablehook
    with ended_by_signals():
        assert sys.unraisablehook != hook
    assert sys.unraisablehook == hook


SLOW_IMPORT = """
import sys, time

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "filtviz.cli":
            print("here", flush=True)
            time.sleep(1)

sys.meta_path.insert(0, Slow())
from filtviz.__main__ import run
run()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_still_imports_ends_without_a_traceback(number):
    line = [sys.executable, "-c", SLOW_IMPORT]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert stderr == ""


def test_only_the_main_thread_listens():
    from threading import Thread

    seen = []

    def look():
        with ended_by_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]


ASKED = ("SIGINT", "SIGTERM", "SIGHUP")
"""What asks a program to end, each of which any command answers alike."""

ON_IMAGES = {
    "predict": (),
    "activity": ("-l", "-1", "-o", "out"),
    "patches": ("-l", "-1", "-o", "out"),
    "occlusion": ("-o", "out"),
    "codes": ("-o", "out"),
    "diagnose": (),
    "report": ("-o", "out/page.html"),
}


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("command", "number"), [*zip(ON_IMAGES, itertools.cycle(ASKED), strict=False)])
def test_a_command_that_shows_images_ends_with_the_signal_and_leaves_nothing(
    tmp_path, monkeypatch, command, number
):
    monkeypatch.chdir(tmp_path)
    np.save("images.npy", np.random.default_rng(0).random((3000, 1, 31, 31), np.float32))
    net = Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl"
    line = [*PROGRAM, command, str(net), "--images", "images.npy", *ON_IMAGES[command]]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    spent = psutil.Process(process.pid).cpu_times
    until(lambda: spent().user + spent().system > 0.6)  # Python has started
    process.send_signal(getattr(signal, number))
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + getattr(signal, number)
    assert stdout == ""
    assert stderr in ("", "filtviz: stopped\n")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "images.npy"]


def others_of(session):
    """The processes of a session that are still there."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (OSError, psutil.Error):
            continue
    return found


ENDED = [(name, end) for place, name in enumerate(CASES) for end in ("SIGKILL", ASKED[place % len(ASKED)])]


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("name", "number"), ENDED)
def test_any_command_that_is_ended_leaves_whole_files_and_no_process(tmp_path, monkeypatch, name, number):
    if not CASES[name].is_possible:
        pytest.skip(f"needs {CASES[name].needs}")
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    way = CASES[name].ways[:1]
    whole = {}
    if way:
        assert run(name, *way).exit_code == 0
        whole = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
        shutil.rmtree("out")
        Path("out").mkdir()
    moment = random.Random(f"{name} {number}").uniform(0.1, 1.5)
    line = [*PROGRAM, *words(name, *way)]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    process.send_signal(getattr(signal, number))
    _, stderr = process.communicate(timeout=120)
    value = getattr(signal, number).value
    assert process.returncode in (0, -value, 128 + value), stderr
    until(lambda: not others_of(process.pid))
    left = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    if number != "SIGKILL":
        assert not [path for path in left if path.name.endswith(PART_SUFFIX)]
    if not CASES[name].owns:  # whose tables have times in them
        assert all(data == whole[path] for path, data in left.items() if path in whole)
    again = run(name, *way)
    assert again.exit_code == 0, again.stderr
    found = {path for path in Path("out").rglob("*") if path.is_file()}
    if CASES[name].owns:  # whose parts are counted on where the first ones were not finished
        whole, found = {path.parent: b"" for path in whole}, {path.parent for path in found}
    assert set(whole) <= found


MODELS = 200


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Path("zoo").mkdir()
    for n in range(MODELS):
        np.savez(f"zoo/{n}.npz", rng.standard_normal((8, 4, 3, 3)).astype("f4"))


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible", "zoo")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
def test_a_survey_that_is_ended_keeps_whole_tables_and_goes_on(number):
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    process = subprocess.Popen(
        [*PROGRAM, "survey", "zoo", "-o", "out", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: list(Path("out").rglob("*")))
    time.sleep(0.3)
    process.send_signal(getattr(signal, number))
    stdout, stderr = process.communicate(timeout=120)
    until(lambda: not others_of(process.pid))
    assert stdout == ""
    if number == "SIGKILL":
        assert (process.returncode, stderr) == (-9, "")
    else:
        assert process.returncode == 128 + getattr(signal, number).value
        assert stderr == "filtviz: stopped; the same command goes on from here (out holds whole tables)\n"
        assert not list(Path("out").rglob(f"*{PART_SUFFIX}"))
    result = survey("zoo", "out", jobs=1)
    assert result.measured + result.kept == MODELS
    assert not list(Path("out").rglob(f"*{PART_SUFFIX}"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to ulimit -v")
@pytest.mark.parametrize(("megabytes", "status"), [(60, 1), (200, 1), (300, 1), (600, 0)])
def test_where_few_addresses_are_left_a_command_says_so_or_is_done(megabytes, status):
    line = f'ulimit -v {megabytes << 10}; exec "$0" -m filtviz layers "$1"'
    model = str(Path(__file__).parents[2] / "examples" / "mission-trained.pkl")
    ran = subprocess.run(
        ["sh", "-c", line, sys.executable, model], capture_output=True, text=True, check=False
    )
    assert ran.returncode == status
    said = (
        f"filtviz: a limit (ulimit -v) leaves this process {megabytes} MB of memory, and filtviz needs 400: "
    )
    assert ran.stderr == ("" if status == 0 else f"{said}raise it\n")
