"""What a command is given to read, it never overwrites; one model's results never replace another's."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.exported import model_folder
from tests.reading.making import Thing, write

from filtviz.cli import main

TRAINED = Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl"
REFUSED = "it is one of the files given; choose another name or folder"


def save_model(path, seed=0, n_channels=3, n_layers=2):
    """Two convolutions, or more, as an npz under any name."""
    rng = np.random.default_rng(seed)
    shapes = [(n_channels, 1, 3, 3), (n_channels,), (4, n_channels, 3, 3), (4,)]
    shapes += [(4, 4, 3, 3), (4,)] * (n_layers - 2)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(stream, *[rng.standard_normal(shape).astype("f4") for shape in shapes])
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree():
    """Every path below, with what is there: a file's bytes, where a link leads, None for a folder."""
    found = {}
    for path in sorted(Path().rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        else:
            found[str(path)] = path.read_bytes() if path.is_file() else None
    return found


def run(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(*words):
    """Run a command that has to fail with one sentence, and to change nothing; return the path in it."""
    before = tree()
    result = run(*words)
    assert result.exit_code == 1
    assert result.stdout == "" or ("--json" in words and not json.loads(result.stdout)["complete"])
    (sentence,) = result.stderr.splitlines()
    assert sentence.startswith("filtviz: cannot write ")
    assert sentence.endswith(f": {REFUSED}")
    assert tree() == before
    return sentence.removeprefix("filtviz: cannot write ").removesuffix(f": {REFUSED}")


SUFFIXES = ("png", "pdf", "svg")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_plot_never_overwrites_its_model(suffix):
    model = save_model(f"m.{suffix}")
    assert refused("plot", model, "-o", model) == f"m.{suffix}"
    assert refused("plot", model, "-o", model.absolute()) == str(model.absolute())
    assert run("plot", model, "-o", f"other.{suffix}").exit_code == 0


@pytest.mark.parametrize("make", ["hardlink_to", "symlink_to"])
def test_plot_never_overwrites_its_model_through_a_link(make):
    model = save_model("models/m.npz")
    getattr(Path("out.png"), make)(model.absolute())
    assert refused("plot", model, "-o", "out.png") == "out.png"


def test_plot_never_overwrites_a_model_that_was_given_by_a_link():
    save_model("real.png")
    Path("m.pkl").symlink_to("real.png")
    assert refused("plot", "m.pkl", "-o", "real.png") == "real.png"


def test_plot_never_overwrites_its_model_under_a_name_of_its_own_choice():
    model = save_model("m.npz")
    Path("m-conv1.png").hardlink_to(model)
    assert refused("plot", model) == "m-conv1.png"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_plot_writes_no_page_if_one_of_them_is_its_model(place):
    model = save_model(f"out-ch{place}.png")
    assert refused("plot", model, "-l", 1, "-o", "out.png") == f"out-ch{place}.png"
    assert refused("plot", model, "-l", 1, "-o", "new/../out.png") == f"new/../out-ch{place}.png"
    assert run("plot", model, "-l", 1, "--channels", (place + 1) % 3, "-o", "out.png").exit_code == 0


def test_plot_keeps_a_model_that_it_was_told_to_keep():
    model = save_model("m.png")
    before = model.read_bytes()
    result = run("plot", model, "-o", model, "--no-clobber")
    assert (result.exit_code, model.read_bytes()) == (0, before)


def test_plot_never_overwrites_images():
    with Path("images.png").open("wb") as stream:
        np.save(stream, np.random.default_rng(0).standard_normal((2, 1, 31, 31)).astype("f4"))
    arguments = ("plot", TRAINED, "-l", 1, "--through", "--images", "images.png")
    assert refused(*arguments, "-o", "images.png") == "images.png"
    assert run(*arguments, "-o", "other.png").exit_code == 0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_compare_never_overwrites_one_of_its_models(place):
    models = [save_model(f"{name}.npz", seed) for seed, name in enumerate("abc")]
    for suffix, option in (("gif", "--animate"), ("png", "-o")):
        path = models[place].with_suffix(f".{suffix}")
        models[place] = models[place].rename(path)
        # A page that could be written is not written either.
        assert refused("compare", *models, option, path) == str(path)


def test_compare_never_overwrites_a_model_with_an_animation_through_a_link():
    models = [save_model(f"{name}.npz", seed) for seed, name in enumerate("ab")]
    Path("x.gif").hardlink_to(models[1])
    assert refused("compare", *models, "--animate", "x.gif") == "x.gif"
    assert run("compare", *models, "--animate", "y.gif").exit_code == 0


@pytest.mark.parametrize("place", [0, 1])
def test_report_never_overwrites_one_of_its_models(place):
    models = [save_model(name, seed) for seed, name in enumerate(["x.html", "y.html"])]
    assert refused("report", *models, "-o", models[place]) == str(models[place])
    Path("hard.html").hardlink_to(models[place])
    assert refused("report", *models, "-o", "hard.html") == "hard.html"
    assert refused("report", *models, "--json", "-o", "hard.html") == "hard.html"


def test_report_never_overwrites_its_model_under_a_name_of_its_own_choice():
    model = save_model("m.npz")
    Path("pages").mkdir()
    Path("pages/m-report.html").hardlink_to(model)
    assert refused("report", model, "-o", "pages/") == "pages/m-report.html"


def test_the_files_beside_an_old_joblib_model_are_never_overwritten():
    """Its arrays lie in files of their own, which may have any names."""
    for name in ("w.png", "v.png"):
        with Path(name).open("wb") as stream:
            np.save(stream, np.random.default_rng(0).standard_normal((4, 1, 3, 3)).astype("f4"))
    stub = Thing("joblib.numpy_pickle.NDArrayWrapper", filename="w.png", subclass=None)
    model = write(Path("m.pkl"), [stub, np.zeros(4, "f4")])
    assert refused("plot", model, "-o", "w.png") == "w.png"
    assert run("plot", model, "-o", "v.png").exit_code == 0


def place_of(model, picture="conv1.png"):
    """Where an export into ``out`` puts a picture."""
    return Path("out", model_folder(Path(model), Path("out")), picture)


def exported(*models):
    """Export; return the exit code, and what was said of each model that failed."""
    result = run("export", *models, "-o", "out", "-q")
    assert "Traceback" not in result.stderr
    return result.exit_code, [line.removeprefix("filtviz: ") for line in result.stderr.splitlines()]


@pytest.mark.parametrize("order", [1, -1])
def test_export_never_overwrites_another_model_and_draws_that(order):
    first = save_model("a.npz")
    second = save_model(place_of(first), seed=1)
    before = second.read_bytes()
    code, said = exported(*[first, second][::order])
    assert code == 1
    assert said == [f"a.npz: cannot write {place_of(first).absolute()}: {REFUSED}"]
    assert second.read_bytes() == before
    assert [path.name for path in second.parent.iterdir() if path.is_file()] == ["conv1.png"]
    assert len(list(place_of(second).parent.iterdir())) == 4


@pytest.mark.parametrize("make", ["hardlink_to", "symlink_to"])
def test_export_never_overwrites_its_model_through_a_link(make):
    model = save_model("a.npz")
    picture = place_of(model, "conv2-ch1.png")
    picture.parent.mkdir(parents=True)
    getattr(picture, make)(model.absolute())
    code, said = exported(model)
    assert (code, said) == (1, [f"a.npz: cannot write {picture.absolute()}: {REFUSED}"])
    assert picture.read_bytes() == model.read_bytes()
    assert [path.name for path in picture.parent.iterdir()] == ["conv2-ch1.png"]


def test_export_removes_no_model_that_took_the_place_of_a_picture():
    """What the manifest describes otherwise is removed before it is drawn again."""
    model = save_model("a.npz")
    assert exported(model)[0] == 0
    picture = place_of(model)
    picture.unlink()
    picture.hardlink_to(save_model("b.npz", seed=1))
    before = tree()
    result = run("export", model, "b.npz", "--layer", 0, "--dpi", 50, "-o", "out", "-q")
    assert result.exit_code == 1
    assert result.stderr == f"filtviz: a.npz: cannot write {picture.absolute()}: {REFUSED}\n"
    assert picture.read_bytes() == Path("b.npz").read_bytes()
    after = tree()
    assert {name: after[name] for name in before if "b-" not in name and "manifest" not in name} == {
        name: data for name, data in before.items() if "b-" not in name and "manifest" not in name
    }


@pytest.mark.slow
def test_export_removes_no_model_that_is_named_as_a_part_a_lock_or_a_run():
    first = save_model("a.npz")
    inside = place_of(first).parent
    names = [
        inside / ".0123456789abcdef-0123456789abcdef.filtviz-part",
        inside / ".0123456789abcdef.filtviz-run",
        Path("out/.manifest.json-0123456789abcdef.filtviz-part"),
    ]
    models = [save_model(path, seed) for seed, path in enumerate(names)]
    before = [model.read_bytes() for model in models]
    assert exported(first, *models) == (0, [])
    assert [model.read_bytes() for model in models] == before
    lock = save_model("out/.filtviz-lock")
    before = tree()
    assert exported(lock) == (1, [f"cannot write out/.filtviz-lock: {REFUSED}"])
    assert tree() == before


def test_export_never_takes_a_model_for_its_manifest():
    model = save_model("out/manifest.json")
    before = tree()
    assert exported("a.npz", model) == (1, [f"cannot write out/manifest.json: {REFUSED}"])
    assert tree() == before


def test_export_replaces_no_file_that_is_no_picture():
    """Such as the file of an array of a model that has not been read yet."""
    first = save_model("a.npz")
    array = place_of(first)
    array.parent.mkdir(parents=True)
    with array.open("wb") as stream:
        np.save(stream, np.random.default_rng(0).standard_normal((4, 1, 3, 3)).astype("f4"))
    stub = Thing("joblib.numpy_pickle.NDArrayWrapper", filename="conv1.png", subclass=None)
    model = write(array.parent / "m.pkl", [stub, np.zeros(4, "f4")])
    before = array.read_bytes()
    code, said = exported(first, model)
    assert code == 1
    assert said == [
        f"a.npz: cannot write {array.absolute()}: what is there is no picture of filtviz; "
        "move it away, or export to another folder"
    ]
    assert array.read_bytes() == before
    assert place_of(model).is_file()


def test_an_empty_file_in_the_place_of_a_picture_is_replaced():
    """A system that breaks down may leave one."""
    model = save_model("a.npz")
    exported(model)
    place_of(model).write_bytes(b"")
    assert run("export", model, "-o", "out", "-q", "--force").exit_code == 0
    assert place_of(model).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{'n' * 60}_aug.npz", f"{'n' * 60}_aug_sc.npz"),
        ("net a.npz", "net_a.npz"),
        ("net:a.npz", "net a.npz"),
    ],
)
def test_models_whose_names_are_cut_or_changed_have_results_of_their_own(one, other):
    for command in (("plot",), ("report",)):
        first, second = (run(*command, save_model(name, seed)) for seed, name in enumerate([one, other]))
        assert (first.exit_code, second.exit_code) == (0, 0)
        assert first.stdout != second.stdout
        assert Path(first.stdout.strip()).is_file()


RESULTS = [
    ("plot", "{0}"),
    ("plot", "{0}", "--format", "pdf"),
    ("plot", "{0}", "--format", "svg"),
    ("plot", "{0}", "--view", "sheet"),
    ("plot", "{0}", "--channels", "0", "-l", "1"),
    ("report", "{0}", "-o", "."),
    ("compare", "{0}", "same.npz"),
]


def results(command, *models):
    """Run a command; return the files that it has written."""
    result = run(*(word.format(*models) for word in command))
    return result, [Path(line) for line in result.stdout.splitlines() if Path(line).is_file()]


def test_pictures_of_another_model_of_the_same_name_get_its_folder_into_theirs():
    command = ("plot", "{0}", "--channels", "0", "-l", "1")
    first, second = (save_model(f"{name}/net.npz", seed) for seed, name in enumerate("ab"))
    _, (path,) = results(command, first)
    before = path.read_bytes()
    for _ in range(2):
        done, (other,) = results(command, second)
        assert (done.exit_code, other) == (0, path.with_name(f"b-{path.name}"))
        assert "what is called net here shows another model: these pictures are called b-net\n" in done.stderr
    assert path.read_bytes() == before
    again, (own,) = results(command, first)
    assert own == path
    assert "shows another model" not in again.stderr
    third = save_model("x/b/net.npz", seed=3)
    done, (other,) = results(command, third)
    assert re.fullmatch(r"b-net-[0-9a-f]{10}-conv2-ch0\.png", other.name)


def test_pictures_of_another_layer_are_not_put_among_those_of_another_model():
    command = ("plot", "{0}", "--channels", "0", "-l")
    first, second = (save_model(f"{name}/net.npz", seed) for seed, name in enumerate("ab"))
    results((*command, "0"), first)
    done, (other,) = results((*command, "1"), second)
    assert other.name == "b-net-conv2-ch0.png"
    assert "what is called net here shows another model: these pictures are called b-net\n" in done.stderr
    own, (path,) = results((*command, "1"), first)
    assert path.name == "net-conv2-ch0.png"
    assert "shows another model" not in own.stderr
    near = save_model("c/net-b.npz", seed=4)
    results((*command, "0"), near)  # net-b-conv1.png begins with net-, and is no picture of a net.npz
    assert results((*command, "0"), first)[1][0].name == "net-conv1.png"


def test_a_name_that_the_person_has_chosen_is_kept_whatever_it_shows():
    first, second = (save_model(f"{name}/net.npz", seed) for seed, name in enumerate("ab"))
    for model in (first, second):
        done = run("plot", model, "--channels", "0", "-l", "1", "-o", "mine.png")
        assert (done.exit_code, done.stdout) == (0, "mine.png\n")
        assert "shows another model" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "name", "other"),
    [
        (("report", "{0}", "-o", "."), "net-report.html", "b-net-report.html"),
        (("compare", "{0}", "same.npz"), "net-same-conv1-compare.png", "b-net-{here}-same-conv1-compare.png"),
    ],
    ids=["report", "compare"],
)
def test_pages_and_comparisons_of_another_model_of_the_same_name_get_its_folder_into_theirs(
    command, name, other
):
    save_model("same.npz", seed=5)
    first, second = (save_model(f"{name}/net.npz", seed) for seed, name in enumerate("ab"))
    done, (path,) = results(command, first)
    assert (done.exit_code, path.name) == (0, name)
    assert "shows" not in done.stderr
    before = path.read_bytes()
    for _ in range(2):
        again, (beside,) = results(command, second)
        assert (again.exit_code, beside.name) == (0, other.format(here=Path.cwd().name))
        assert f" called {beside.name.removesuffix(name.split('-', 1)[1]).split('-')[0]}-" in again.stderr
    assert path.read_bytes() == before


def test_pictures_of_a_layer_that_only_the_second_model_has_are_others_too():
    """Another comparison of the same names has left a picture of the third layer."""
    for folder in "pq":
        for seed, name in enumerate("ab"):
            save_model(f"{folder}/{name}.npz", seed, n_layers=2 if (folder, name) == ("q", "a") else 3)
    compare = ("compare", "{0}", "{1}")
    _, (third,) = results((*compare, "-l", "2"), "p/a.npz", "p/b.npz")
    _, (first,) = results((*compare, "-l", "0"), "q/a.npz", "q/b.npz")
    assert (third.name, first.name) == ("a-b-conv3-compare.png", "q-a-q-b-conv1-compare.png")
    third.unlink()
    _, (alone,) = results((*compare, "-l", "0"), "q/a.npz", "q/b.npz")
    assert alone.name == "a-b-conv1-compare.png"


def test_compared_models_of_one_name_are_told_apart_in_words_and_names():
    first, second = (save_model(f"{name}/net.npz", seed) for seed, name in enumerate("ab"))
    done, (path,) = results(("compare", "{0}", "{1}"), first, second)
    assert path.name == "a-net-b-net-conv1-compare.png"
    assert "from a/net.npz to b/net.npz" in done.stdout


@pytest.mark.cases(2)
@pytest.mark.parametrize("command", RESULTS, ids=" ".join)
def test_a_model_replaces_its_own_results_trained_on_or_moved(command):
    save_model("same.npz", seed=5)
    model = save_model("a/net.npz")
    assert results(command, model)[0].exit_code == 0
    _, (path,) = results(command, save_model("a/net.npz", seed=1))
    trained = path.read_bytes()
    shutil.move("a", "c")
    result, (path,) = results(command, "c/net.npz")
    assert (result.exit_code, path.is_file(), len(trained) > 0) == (0, True, True)


@pytest.mark.slow
def test_a_result_that_was_named_is_replaced_whatever_it_shows():
    first, second = (save_model(f"{name}/net.npz", seed) for seed, name in enumerate("ab"))
    for command, suffix in (("plot", "png"), ("plot", "svg"), ("report", "html")):
        for model in (first, second):
            assert run(command, model, "-o", f"out.{suffix}").exit_code == 0


def test_a_file_that_is_no_result_of_a_model_is_replaced():
    model = save_model("net.npz")
    Path("net-conv1.png").write_bytes(b"something")
    assert run("plot", model).exit_code == 0
    assert Path("net-conv1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_same_first_model_compared_with_others_has_results_of_its_own():
    models = [save_model(f"{name}.npz", seed) for seed, name in enumerate("abcd")]
    a, b, c, d = models
    names = [
        run("compare", *given).stdout.splitlines()[-1] for given in ((a, b), (a, c), (a, b, d), (a, c, d))
    ]
    assert names[:2] == ["a-b-conv1-compare.png", "a-c-conv1-compare.png"]
    assert len(set(names)) == 4
    assert all(Path(name).is_file() for name in names)


@pytest.mark.slow
def test_the_report_on_one_model_is_not_replaced_by_that_on_several():
    a, b = (save_model(f"{name}.npz", seed) for seed, name in enumerate("ab"))
    assert run("report", a).stdout == "a-report.html\n"
    assert run("report", a, b).stdout == "a-b-report.html\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="this system has no modes")
@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("plot", "net.npz"), "net-conv1.png"),
        (("plot", "net.npz", "-o", "x.pdf"), "x.pdf"),
        (("report", "net.npz"), "net-report.html"),
        (("compare", "net.npz", "net.npz", "--animate", "x.gif"), "x.gif"),
    ],
)
def test_a_result_that_is_drawn_again_keeps_its_mode(command, name):
    save_model("net.npz")
    assert run(*command).exit_code == 0
    for mode in (0o600, 0o640, 0o444):
        Path(name).chmod(mode)
        assert run(*command).exit_code == 0
        assert Path(name).stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name != "posix", reason="this system has no modes")
@pytest.mark.parametrize("again", [("--force",), ("--dpi", "50")])
def test_an_export_that_draws_again_keeps_the_modes(again):
    model = save_model("net.npz")
    exported(model)
    secret = [place_of(model), place_of(model, "conv2-ch1.png"), Path("out/manifest.json")]
    for path in secret:
        path.chmod(0o600)
    others = place_of(model, "conv2-ch0.png").stat().st_mode
    before = secret[0].stat().st_mtime_ns
    assert run("export", model, "-o", "out", "-q", *again).exit_code == 0
    assert secret[0].stat().st_mtime_ns != before  # an inode may be used again
    assert [path.stat().st_mode & 0o777 for path in secret] == [0o600] * 3
    assert place_of(model, "conv2-ch0.png").stat().st_mode == others


PROGRAM = [sys.executable, "-m", "filtviz"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize("redirect", [">> m.npz", "1<> m.npz", ">> hard.npz", ">> m.npz 2>&1"])
def test_no_result_is_appended_to_a_model(redirect):
    model = save_model("m.npz")
    Path("hard.npz").hardlink_to(model)
    before = model.read_bytes()
    command = f"{shlex.join([*PROGRAM, 'layers', 'm.npz'])} {redirect}"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (ran.returncode, model.read_bytes()) == (1, before)
    if "2>" not in redirect:
        assert ran.stderr == (
            "filtviz: cannot write to stdout: it is m.npz, which is one of the files given; "
            "redirect it to another file\n"
        )


IN_A_FOLDER = (
    "layers nets >> nets/deep/m.npz",
    "diagnose nets --csv 2>> nets/deep/m.npz",
    "predict m.npz --images seen >> seen/a.png",
    "predict m.npz -iseen/a.png >> seen/a.png",
)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize("redirect", IN_A_FOLDER)
def test_no_result_is_appended_to_what_lies_in_a_folder_that_is_given(redirect):
    lay_folders()
    before = {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()}
    ran = shell(redirect)
    assert ran.returncode == 1
    if "2>>" not in redirect:
        assert ran.stderr.endswith("which is one of the files given; redirect it to another file\n")
    assert {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()} == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_results_may_be_appended_to_what_is_no_model_in_a_folder_that_is_given():
    lay_folders()
    for _ in range(2):
        ran = shell("diagnose nets --csv >> nets/told.txt")
        assert ran.returncode == 0, ran.stderr
    assert Path("nets/told.txt").read_text().count("file,") == 2
    assert shell("diagnose nets > nets/new.txt").returncode == 0


def lay_folders():
    Path("nets/deep").mkdir(parents=True)
    Path("seen").mkdir()
    shutil.copy(save_model("m.npz"), "nets/deep/m.npz")
    Image.effect_noise((31, 31), 50).save("seen/a.png")


def shell(line):
    return subprocess.run(f"{shlex.join(PROGRAM)} {line}", shell=True, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_results_may_be_appended_to_another_file():
    save_model("m.npz")
    Path("list.txt").write_text("before\n")
    command = f"{shlex.join([*PROGRAM, 'layers', 'm.npz'])} >> list.txt"
    assert subprocess.run(command, shell=True).returncode == 0
    assert Path("list.txt").read_text().startswith("before\n")
    assert "conv1" in Path("list.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("output", ["pages/", "pages/of/models/"])
def test_report_makes_the_folder_that_it_is_to_write_into(output):
    save_model("net.npz")
    assert run("report", "net.npz", "-o", output).stdout == f"{output}net-report.html\n"
    assert Path(output, "net-report.html").is_file()


def test_report_makes_no_folder_for_a_page_that_it_does_not_write():
    Path("bad.pkl").write_bytes(b"no model")
    assert run("report", "bad.pkl", "-o", "pages/").exit_code == 1
    assert not Path("pages").exists()
    save_model("net.npz")
    result = run("report", "net.npz", "-o", "bad.pkl/")
    assert (result.exit_code, result.stderr) == (1, "filtviz: cannot write bad.pkl: not a directory\n")
