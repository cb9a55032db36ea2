"""Which files of a folder may be models, what limits allow, and what a person says."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading import folders
from filtviz.reading.limits import (
    Computing,
    Hints,
    Inflation,
    Limits,
    Spending,
    effort,
    option_of,
    pickle_steps,
)
from tests.reading.operators.asking import Told
from tests.telling import refused

__all__ = ["allowed"]

FOLDERS = (
    "model.onnx",
    "model.bin",
    "weights.data",
    "model.onnx.data",
    "model.pth",
    "model.safetensors",
    "model-00001.safetensors",
    "model.safetensors.index.json",
    "net.bin.index.json",
    "optimizer.pt",
    "scheduler.bin",
    "x_optim_states.pt",
    "training_args.bin",
    "random_states_0.pkl",
    "optimizers",
    "readme.md",
    "config.json",
    "unknown.xyz",
    "noending",
    "checkpoint",
    "model.ckpt-1.index",
    "model.ckpt-1.data-00000-of-00001",
    "model.ckpt-2.index",
    "model.ckpt-2.data-00000-of-00001",
    "model.ckpt-1",
    "x.index",
    "a.weights.json",
    "b.weights.json",
    "Other.PTH",
    ".hidden.pth",
    "model10.h5",
    "model9.h5",
)


def _folders(folder: Path) -> Told:
    for n in range(160):
        chance = random.Random(f"folder {n}")
        there = sorted(chance.sample(FOLDERS, chance.choice((1, 1, 2, 2, 3, 4, 6))))
        inside = folder / str(n)
        inside.mkdir()
        for name in there:
            latest = chance.choice(("model.ckpt-1", "model.ckpt-2", "/far/model.ckpt-2", "nobody"))
            (inside / name).write_text(f'model_checkpoint_path: "{latest}"\n' if name == "checkpoint" else "")
        said = f" ({(inside / 'checkpoint').read_text().strip()})" if "checkpoint" in there else ""
        yield f"folder of {', '.join(there)}{said}", _in_folder(inside)
    for place, text in enumerate(
        (
            'model_checkpoint_path: "model.ckpt-1"',
            "model_checkpoint_path: model.ckpt-1",
            ' model_checkpoint_path: "model.ckpt-1"',
            'model_checkpoint_path: "a\\\\model.ckpt-1"',
            'model_checkpoint_path: ""',
            'model_checkpoint_path: "' + "x" * 201 + '"',
            "",
            'model_checkpoint_path: "\xff"',
        )
    ):
        inside = folder / f"text {place}"
        inside.mkdir()
        for name in (
            "model.ckpt-1.index",
            "model.ckpt-1.data-0",
            "model.ckpt-2.index",
            "model.ckpt-2.data-0",
        ):
            (inside / name).write_text("")
        (inside / "checkpoint").write_text(text, encoding="latin-1")
        yield f"checkpoint {text[:50]}", _in_folder(inside)
    yield from _trees(folder)


def _in_folder(folder: Path) -> str:
    try:
        found = folders.model_in(folder)
    except FiltvizError as error:
        return refused(error).replace(str(folder), "")
    return "none" if found is None else found.name


def _trees(folder: Path) -> Told:
    tree = folder / "tree"
    for name in (
        "b/x.pth",
        "a/10.pth",
        "a/9.pth",
        "a/deep/z.h5",
        "a/m.index",
        "a/m.json",
        "z.pth",
        "saved/saved_model.pb",
        "saved/variables/v",
        ".hid/x",
        "out/y.pth",
        "a/.secret",
        "empty/",
    ):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text("")
    (tree / "link.pth").symlink_to(tree / "z.pth")
    (tree / "loop").symlink_to(tree)
    for left_out in (None, tree / "out", tree / "a", tree / "a" / ".." / "out", tree / "nobody"):
        found = [one.relative_to(tree).as_posix() for one in folders.files_in(tree, left_out)]
        yield f"tree without {None if left_out is None else left_out.name}", " ".join(found)
    for given in ((tree / "a",), (tree / "z.pth", tree / "b"), (tree / "saved",), (tree / "nobody",)):
        found = [
            f"{one.path.relative_to(tree).as_posix()} {one.is_found}"
            for one in folders.candidates(given, tree / "out")
        ]
        yield f"candidates of {' '.join(one.name for one in given)}", "; ".join(found)
    for path in (tree / "nobody", tree / "z.pth"):
        try:
            told = str(folders.files_in(path))
        except FiltvizError as error:
            told = refused(error).replace(str(tree), "")
        yield f"files in {path.name}", told
        yield f"model in {path.name}", _in_folder(path).replace(str(tree), "")
    (tree / "checkpoints" / "checkpoint").mkdir(parents=True)
    for name in ("model.ckpt-1.index", "model.ckpt-1.data-00000-of-00001", "model.ckpt-2.index"):
        (tree / "checkpoints" / name).write_bytes(b"")
    yield "a folder called checkpoint", _in_folder(tree / "checkpoints").replace(str(tree), "")
    most = folders.MOST_ENTRIES
    yield (
        "a folder is one",
        " ".join(str(folders.is_folder_of_models(tree / name)) for name in ("a", "saved", "z.pth", "nobody")),
    )
    yield "the most entries", str(most)


# Limits


def _limits() -> Told:
    for n in (0, 9, 10, 11):
        for words, ask in (
            ("check", lambda n=n: Limits(layers=10).check("layers", n, "it")),
            ("json", lambda n=n: Limits(allocation=640).check_json(n, "it")),
            ("spend", lambda n=n: _spent(n)),
            ("text", lambda n=n: _spent(16 * n + 15, text=True)),
            ("growth", lambda n=n: Limits(ratio=1).check_growth((64 << 20) + n - 10, n, "it")),
            ("of none", lambda n=n: Limits(ratio=1).check_growth((64 << 20) + n - 10, 0, "it")),
            (
                "of none, by a large limit",
                lambda n=n: Limits(ratio=(64 << 20) + 10).check_growth((64 << 20) + n, 0, "it"),
            ),
            ("growth of much", lambda n=n: Limits(ratio=2).check_growth((80 << 20) + n - 10, 40 << 20, "it")),
            ("allocated", lambda n=n: Limits(allocation=10).check_growth(n, 1, "it")),
        ):
            yield f"{words} {n}", _tried(ask)
    for field in ("inflated", "layers", "pickle_steps"):
        yield f"option {field}", option_of(field)
    for value in (0, 1, -1, True, 2.0, None):
        yield f"limit {value!r}", _tried(lambda value=value: Limits(layers=value))
    for one in (pickle_steps(Limits(opcodes=3)), effort(Limits(opcodes=3))):
        yield f"words {one.what}", _tried(lambda one=one: (one.spend(3), one.left, one.spend(1)))
    yield from _inflations()
    for present in (0, 1, 1 << 20, 1 << 23):
        one = Computing(present)
        yield (
            f"computing of {present}",
            f"{one.left} {one.room} {one.affords(one.left)} {one.affords(1)} {one.affords(0)} {one.left}",
        )
    one = Computing(0)
    yield "computing too much", f"{one.affords(one.left + 1)} {one.left}"


def _spent(n: int, *, text: bool = False) -> str:
    one = Spending(Limits(members=10), "members", "it takes {:,}")
    one.spend_text(n) if text else one.spend(n)
    return f"{one.used} {one.left}"


def _inflations() -> Told:
    for present in (0, 1, 2, 2 << 20):
        for more in (-1, 0, 1):
            most = max(64 << 20, 64 * present)

            def ask(n: int = most + more, present: int = present) -> str:
                one = Inflation(Limits())
                one.add_file(Path("/there"), present)
                one.spend(n)
                return f"{one.used} {one.present} {one.inflated} {[path.name for path in one.files]}"

            yield f"inflated {present} to {most + more}", _tried(ask)
    for streams in (1, 2, 3):

        def begun(streams: int = streams) -> str:
            one = Inflation(Limits(inflated=3 * 4096 + 80))
            one.add_file(Path("a"), 5)
            one.add_file(Path("b"), 6)
            for _ in range(streams):
                one.begin_stream()
            one.read_again(10)
            one.spend(streams)
            places = [path.is_absolute() for path in one.files]
            return f"{one.used} {one.streams} {one.present} {places}"

        yield f"{streams} streams", _tried(begun)
    for streams in (1, 2):

        def many(streams: int = streams) -> str:
            one = Inflation(Limits())
            for _ in range(streams):
                one.begin_stream()
            one.spend(64 << 20)
            return "fits"

        yield f"{streams} streams of much", _tried(many)


def _tried(ask: Any) -> str:
    try:
        return str(ask())
    except FiltvizError as error:
        return refused(error)


def _hints() -> Told:
    for axes in (
        {},
        {"": "oihw"},
        {"a": "HWIO"},
        {"a": "oi"},
        {"a": "oii"},
        {"a": "ihw"},
        {"a": "oihz"},
        {"a": 5},
        "oihw",
        {"a": "oidrcyx"},
        {"a": "oIrC"},
    ):
        yield f"axes {axes}", _tried(lambda axes=axes: Hints(axes=axes).axes)
    for convs in ((), "conv1", ["a", 5], 5, ("",)):
        yield (
            f"convs {convs!r}",
            _tried(lambda convs=convs: (Hints(convs=convs).convs, Hints(convs=convs).says_something)),
        )
    yield "both", _tried(lambda: Hints(like="a", architecture="b"))
    yield "axes alone", str(Hints(axes={"": "oihw"}).says_something)
    for available in (
        (),
        ("a",),
        ("a", "b", "a"),
        [f"n{i}" for i in range(29)],
        [f"n{i}" for i in range(31)],
        ("x" * 61,),
    ):
        error = Hints(weights="w" * 61).no_such_weights(available)
        yield f"weights {len(available)}", str(error)
    held = Hints(axes={"1": "oihw", "conv": "hwio", "": "ohwi"})
    for asked in ((), ("1",), ("conv",), ("x", "conv"), ("conv", "1"), ("x",)):
        yield f"axes for {asked}", str(held.axes_for(*asked))
    yield "axes for nothing said", str(Hints(axes={"1": "oihw"}).axes_for("x"))


def allowed() -> Told:
    """What is told of folders, of limits and of hints."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _folders(Path(os.path.realpath(folder)))
    yield from _limits()
    yield from _hints()
