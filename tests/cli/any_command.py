"""Every command of the program on one small model: what it is given, what it reads, how it writes.

`CASES` has each command of the group, and `READ`, `WRITTEN` and `NEITHER` sort all of their parameters. A
command or an option that is added fails a test until it stands here; then all that is promised of every
command is tried with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.testing import CliRunner, Result
from PIL import Image
from tests.reading.making import Named, Thing, conv, dumps, image, layer

from filtviz.cli import main

__all__ = [
    "CASES", "NEITHER", "READ", "WRITTEN", "Case", "cases_that_write", "commands", "fill", "network",
    "parameters", "run", "tree", "words",
]  # fmt: skip

READ: Mapping[str, str] = {
    "model": "m.pkl",
    "models": "m.pkl",
    "--before": "before.pkl",
    "--images": "seen/a.png",
    "--labels": "labels.txt",
    "--like": "like.pkl",
    "--architecture": "net.toml",
}
"""Parameters that name what is read → the file that `fill` makes for them."""

WRITTEN = frozenset({"--output", "output", "--module", "--animate"})
"""Parameters that name what is written."""

NEITHER = frozenset({
    "--layer", "--format", "--figsize", "--dpi", "--cmap", "--channels", "--view", "--scale", "--sort",
    "--top",
    "--components", "--convs", "--axes", "--weights", "--mean", "--size", "--layout", "--batch", "--device",
    "--input-range", "--check", "--jobs", "--cluster", "--megabytes", "topic", "--image", "--target",
    "--square",
    "--stride", "--fill", "--method", "--of", "--unit", "--steps", "--plane",
})  # fmt: skip
"""Parameters that name no file; those that begin with ``--max-`` do not, either."""


@dataclass(frozen=True)
class Case:
    """A command.

    Attributes:
        line: How it is called; ``model`` and ``models`` are put behind it.
        ways: What is added to let it write: names of files and folders in ``out``.
        images: Whether ``--images seen`` is a part of the line.
        needs: A package without which it does nothing.
        owns: Whether the folder of its results is its own, in which it follows no link.
        tables: What makes it print CSV.
        given: How files are given that it takes otherwise than others do: the parameter → words, file.
    """

    line: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    images: bool = False
    needs: str = ""
    owns: bool = False
    tables: tuple[str, ...] = ()
    given: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def is_possible(self) -> bool:
        """Whether the package is installed."""
        return not self.needs or find_spec(self.needs) is not None


DRAWN = ("-o out/x.png", "-o out/x.pdf", "-o out/x.svg", "-o out/x.npz", "-o out/")

CASES: Mapping[str, Case] = {
    "layers": Case(),
    "plot": Case(
        ("-l", "1"),
        ("-o out/x.png", "-o out/x.pdf", "-o out/x.svg --view sheet", "-o out/"),
        given={"--images": ("--through --images seen.npy", "seen.npy")},
    ),
    "diagnose": Case(tables=("--csv",)),
    "compare": Case(("before.pkl",), ("-o out/x.png", "--animate out/x.gif", "-o out/")),
    "export": Case(("--jobs", "1", "--force"), ("-o out",), owns=True),
    "survey": Case(("--jobs", "1"), ("-o out",), needs="pyarrow", owns=True),
    "report": Case(
        (),
        ("-o out/x.html", "-o out/", "-o out/x.html --json"),
        given={"--labels": ("--images seen --labels right.txt", "right.txt")},
    ),
    "convert": Case(
        (), ("out/x.npz", "out/x.safetensors", "out/x.pt", "out/x.pt --module out/x.py --no-verify",
             "out/x.onnx --no-verify"),
    ),
    "graph": Case(
        (), ("-o out/x.png", "-o out/x.svg", "-o out/x.pdf", "-o out/x.dot", "-o out/x.mmd", "-o out/")
    ),
    "explain": Case(("spike",)),
    "predict": Case((), ("-o out/x.npz",), images=True, tables=("--csv",)),
    "activity": Case((), DRAWN, images=True, tables=("--csv",)),
    "patches": Case((), DRAWN, images=True, tables=("--csv",)),
    "occlusion": Case(("--stride", "6"), DRAWN, images=True),
    "saliency": Case((), DRAWN, images=True, needs="torch"),
    "maximise": Case(("--steps", "1"), DRAWN, needs="torch", tables=("--csv",)),
    "codes": Case((), DRAWN, images=True, tables=("--csv",)),
    "loss": Case((), DRAWN, tables=("--csv",)),
}  # fmt: skip


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands of the program by name."""
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        yield name, command


def parameters(command: click.Command) -> Iterator[str]:
    """Yield the parameters of a command that take a value, by their long names."""
    for one in command.params:
        if isinstance(one, click.Option) and not one.is_flag:
            yield max(one.opts, key=len)
        elif isinstance(one, click.Argument):
            yield str(one.name)


def kernels(*shape: int, seed: int, dtype: str = "f4") -> Any:
    return np.random.default_rng(seed).normal(0, 0.3, shape).astype(dtype)


def network(seed: int = 0, names: tuple[str, str, str] = ("one", "two", "end"), **odd: Any) -> bytes:
    """A trained network of five classes; ``odd`` has its ``first`` kernels or its ``losses``."""
    rectify, softmax = (Named(f"lasagne.nonlinearities.{name}") for name in ("rectify", "softmax"))
    taken = image(1, 12, 12)
    first = odd.get("first", kernels(4, 1, 3, 3, seed=seed))
    one = conv(
        taken,
        first,
        name=names[0],
        b=np.zeros(len(first), first.dtype),
        flip_filters=True,
        nonlinearity=rectify,
    )
    w = kernels(3, len(first), 3, 3, seed=seed + 1)
    two = conv(one, w, name=names[1], b=np.zeros(3, "f4"), flip_filters=True, nonlinearity=rectify)
    W = kernels(192, 5, seed=seed + 2)
    end = layer(
        "DenseLayer",
        two,
        W=W,
        b=np.zeros(5, "f4"),
        num_units=5,
        num_leading_axes=1,
        name=names[2],
        nonlinearity=softmax,
    )
    held = OrderedDict(zip(("in", *names), (taken, one, two, end), strict=True))
    history = [
        {"epoch": i, "train_loss": loss, "valid_loss": loss}
        for i, loss in enumerate(odd.get("losses", (1.5, 1, 0.5)))
    ]
    facts = {"update": Named("u.f"), "batch_iterator_train": None, "train_history_": history}
    return dumps(Thing("nolearn.lasagne.base.NeuralNet", layers=[], layers_=held, **facts))


def fill(folder: Path, **odd: Any) -> None:
    """Make what commands are given, and an empty folder ``out``."""
    (folder / "seen").mkdir()
    (folder / "out").mkdir()
    for seed, name in enumerate(("m.pkl", "before.pkl", "like.pkl")):
        (folder / name).write_bytes(network(seed, **odd))
    for name in ("a.png", "b.png"):
        Image.effect_noise((12, 12), 60).save(folder / "seen" / name)
    (folder / "labels.txt").write_text("".join(f"class {n}\n" for n in range(5)))
    (folder / "right.txt").write_text("1\n2\n")
    np.save(folder / "seen.npy", kernels(2, 1, 12, 12, seed=1))
    (folder / "net.toml").write_text("# no layers\n")


def words(name: str, *more: str, model: str = "m.pkl", images: str = "seen") -> list[str]:
    """Return the words of a command, without its name's program."""
    case = CASES[name]
    takes = set(parameters(dict(commands())[name]))
    models = (
        [*case.line[:1], model]
        if name == "compare"
        else [*([model] if takes & {"model", "models"} else []), *case.line]
    )
    return [
        name,
        *models,
        *(["--images", images] if case.images else []),
        *(word for part in more for word in part.split()),
    ]


def run(name: str, *more: str, charset: str = "utf-8", **given: str) -> Result:
    """Run a command in this process; anything but a sentence and an exit status is raised."""
    result = CliRunner(charset=charset).invoke(main, words(name, *more, **given))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def cases_that_write() -> list[tuple[str, str]]:
    """Return each command with each way in which it writes a file.

    What answers images is written by one function: each of its ways stands with two or three commands.
    """
    drawing = [name for name, case in CASES.items() if case.ways == DRAWN]
    return [
        (name, way)
        for name, case in CASES.items()
        for place, way in enumerate(case.ways)
        if name not in drawing or (place - 2 * drawing.index(name)) % len(DRAWN) < 2
    ]


def tree(folder: Path = Path()) -> dict[str, Any]:
    """Return each path below a folder with what is there: bytes, where a link leads, None for a folder."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        kind = path.is_symlink()
        found[str(path)] = path.readlink() if kind else path.read_bytes() if path.is_file() else None
    return found
