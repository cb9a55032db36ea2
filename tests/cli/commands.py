"""Commands on small models, and what the program prints of them: both streams, exit status, the manifest.

``python -m tests.telling`` writes ``tests/told/commands/`` anew.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import cleandoc
from pathlib import Path
from unittest.mock import patch

import click
import numpy as np
from click.testing import CliRunner
from PIL import Image

from filtviz import __version__
from filtviz.cli import main
from filtviz.cli.helping import RareOption

from . import newer_commands, option_lines, planted

__all__ = ["COMMANDS", "fill", "page"]

TESTS = Path(__file__).resolve().parents[1]
MODELS = (
    "py27/branches-list.pkl", "py311-lasagne0.2/kinds-layer.pkl", "modern/keras/seq.keras", "modern/list.pt",
    "modern/sd_reparametrised.pth", "modern/onnx/subgraphs.onnx", "modern/ckpt_model_ema.pt",
)  # fmt: skip


_STAMPS = re.compile(r'(\["[^"]*",) \d+, \d+, \d+\]')
_TIME = re.compile(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ")


def fill(folder: Path) -> None:
    """Put the models, and one file that is none, into the folder in which commands run."""
    for model in MODELS:
        shutil.copy(TESTS / "fixtures" / model, folder)
    (folder / "bad.pkl").write_text("no model\n")
    (folder / "empty.pkl").write_bytes(b"")
    planted.fill(folder)
    (folder / "zoo" / "run1").mkdir(parents=True)
    shutil.copy(TESTS / "fixtures" / "modern/list.pt", folder / "zoo" / "run1")
    shutil.copy(TESTS / "fixtures" / "modern/list.pt", folder / "zoo")
    np.savez(folder / "zoo" / "dense.npz", np.zeros((3, 2)), np.zeros(2))
    (folder / "zoo" / "notes.txt").write_text("MIT License\n")


def _run(line: str) -> Iterator[str]:
    ran = CliRunner().invoke(main, line.split(), prog_name="filtviz", env={"COLUMNS": "100"})
    yield f"$ filtviz {line}"
    yield from (text.rstrip() for text in ran.stdout.splitlines())
    for text in _TIME.sub("", ran.stderr).splitlines():
        if text and not text.startswith(("Usage:", "Try ")):  # which are click's
            yield f"! {text.rstrip()}"
    yield f"exit {ran.exit_code}"
    yield ""


def _layers() -> Iterator[str]:
    for model in (*MODELS, "bad.pkl", "empty.pkl", "gone.pkl", "."):
        yield from _run(f"layers {Path(model).name}")
    for model in ("branches-list.pkl", "ckpt_model_ema.pt", "seq.keras"):
        yield from _run(f"layers -v {model}")
    yield from _run("layers ckpt_model_ema.pt --weights ema")
    yield from _run("layers ckpt_model_ema.pt --weights none")
    told = json.loads(CliRunner().invoke(main, ["layers", "--json", "kinds-layer.pkl"]).stdout)
    yield from (f"{key}: {json.dumps(value)}" for key, value in told.items() if key != "layers")
    yield from map(json.dumps, told["layers"])


def _plot() -> Iterator[str]:
    for line in (
        "branches-list.pkl", "list.pt -o one.png --channels 1", "list.pt -l 2 -l conv9", "list.pt -l -7",
        "list.pt -l 3 --view sheet -o sheet.png", "list.pt -l 2", "kinds-layer.pkl -l local",
        "list.pt --channels 0,2 -o some", "list.pt --channels 3", "list.pt --channels 1-0",
        "list.pt --channels all,1", "list.pt --channels rgb -o colours.png", "list.pt -l 3 --channels bgr",
        "list.pt -o one.gif", "list.pt -o some/one.png --format pdf", "list.pt --dpi 0",
        "list.pt --figsize 0 2",  "list.pt --cmap none",
        "list.pt --top 2 --sort norm -o top.png", "list.pt --view grid --sort norm", "list.pt --components 2",
        "list.pt --view rms -l 3 -o rms.png", "list.pt --view components -o parts.png --components 2",
        "list.pt -l 3 --through", "list.pt --through --assume-stacked -l 1 -o through.png",
        "seq.keras --through -l 1 -o up.png", "seq.keras --images gone.npy --through", "seq.keras --badges",
        "list.pt --images bad.pkl", "list.pt -o one.png --no-clobber --channels 1", "bad.pkl", "gone.pkl",
        "list.pt -l 0 -l 1 -o one.png", "list.pt -o gone/one.png --channels 0", "list.pt -o list.pt",
    ):  # fmt: skip
        yield from _run(f"plot {line}")
    yield from sorted(str(path) for path in Path().rglob("*.*g") if path.suffix in (".png", ".svg"))


def _export() -> Iterator[str]:
    for line in (
        "list.pt kinds-layer.pkl bad.pkl -o out -j 1 --channels 0", "list.pt -o out -j 1 --channels 0",
        "list.pt -o out -j 1 --channels 0 --force --layer 0", "list.pt -o out -q --channels 0 -j 1",
        "seq.keras -o out -l dw -l none -j 1", "gone.pkl -o out", "list.pt -o bad.pkl",
        "list.pt -o out --channels 9 -j 1",
        "zoo -o walked -j 1 --channels 0", "zoo -o walked -j 1 --channels 0",
        "zoo/*.pt -o walked --channels 0 -j 1", "zoo/*.x -o walked", "zoo/dense.npz -o walked --strict",
        "zoo/notes.txt -o walked",
    ):  # fmt: skip
        with patch("filtviz.batch.workplace.RECENT", 0):  # files may be new or not, as the machine is fast
            yield from _run(f"export {line}")
    told = json.loads(
        CliRunner()
        .invoke(main, ["export", "list.pt", "gone.pkl", "-o", "out", "-j", "1", "-l", "0", "--json"])
        .stdout
    )
    for key, value in told.items():
        lines = value if isinstance(value, list) else [value]
        yield from (f"{key}: {json.dumps(line)}".replace(__version__, "VERSION") for line in lines)
    manifest = Path("out/manifest.json").read_text(encoding="utf-8")
    manifest = re.sub(r'("asked": )"\w+"', r"\1…", manifest)  # a sum of all options, those of limits too
    yield from _STAMPS.sub(r"\1 N, N, N]", manifest.replace(__version__, "VERSION")).splitlines()


def _diagnose() -> Iterator[str]:
    for line in (
        "end.npz", "end.npz --before start.npz -l structured -l updated -l broken", "branches-list.pkl",
        "start.npz middle.npz end.npz", "end.npz -l none", "bad.pkl",
    ):  # fmt: skip
        yield from _run(f"diagnose {line} --details")


def _diagnoses() -> Iterator[str]:
    for line in (
        "end.npz -l structured --filters", "end.npz -l odd --filters", "start.npz -l 0 -l pair",
        "start.npz end.npz", "branches-list.pkl --input-range 0 1", "end.npz --check dead -l odd",
        "end.npz --check dead -l updated", "end.npz --check untrained --check duplicates -l odd -l initial",
        "end.npz bad.pkl", "seq.keras", "end.npz --csv", "end.npz", "start.npz",
        "end.npz --before start.npz", "start.npz -l 0 -l pair --details", "seq.keras --details",
    ):  # fmt: skip
        yield from _run(f"diagnose {line}")
    for line in ("end.npz -l structured", "end.npz -l updated --before start.npz", "branches-list.pkl"):
        yield from _as_json(f"diagnose {line} --json")


def _compare() -> Iterator[str]:
    for line in (
        "start.npz end.npz -l structured", "start.npz middle.npz end.npz -l odd -o pictures",
        "start.npz end.npz -l structured -l updated --sort change --top 3 --format png",
        "start.npz end.npz -l initial --animate moving.gif", "start.npz", "start.npz bad.pkl",
        "start.npz end.npz -l none", "start.npz list.pt", "start.npz end.npz --animate moving.png",
    ):  # fmt: skip
        yield from _run(f"compare {line}")
    yield from _as_json("compare start.npz middle.npz end.npz -l structured --json")
    yield from sorted(str(path) for path in Path().rglob("*.*") if path.suffix in (".png", ".pdf", ".gif"))


def _explain() -> Iterator[str]:
    for line in ("", "residue", "spike low-frequency", "--json dead", "nothing", "verdicts"):
        yield from _run(f"explain {line}")


def _report() -> Iterator[str]:
    yield from _run("report start.npz end.npz -l structured -l odd -o states.html")
    yield from page(Path("states.html"))
    yield from _run("report branches-list.pkl")
    yield from page(Path("branches-list-report.html"))
    for line in ("bad.pkl", "end.npz -l none", "end.npz -o end.npz", "end.npz -o gone/end.html"):
        yield from _run(f"report {line}")


def page(path: Path) -> Iterator[str]:
    """The lines of a page, but for its scripts and styles; of pictures their size, and the sum of pixels."""
    text = path.read_text(encoding="utf-8").replace(__version__, "VERSION")
    text = re.sub(r"<(style|script(?! type=.application/json)).*?</", r"<\1></", text, flags=re.DOTALL)
    text = re.sub(r" content=\"(default-src|filtviz-models)[^\"]*\"", "", text)
    text = re.sub(r"data:image/png;base64,([A-Za-z0-9+/=]+)", lambda found: _pixels(found[1]), text)
    text = re.sub(r'(<script type="application/json"[^>]*>)(.*)(?=</script>)', _data, text)
    yield from (_rounded(line) for line in text.splitlines() if line.strip())


def _pixels(encoded: str) -> str:
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        return f"{image.mode} {image.size} {zlib.crc32(image.tobytes()):08x}"


def _data(found: re.Match[str]) -> str:
    told = json.loads(found[2])
    if not isinstance(told, dict):
        return f"{found[1]}{len(told)} items of {zlib.crc32(found[2].encode()):08x}"
    return "\n".join([found[1], *(f"{key}: {json.dumps(value)}" for key, value in told.items())])


def _as_json(line: str) -> Iterator[str]:
    ran = CliRunner().invoke(main, line.split(), prog_name="filtviz")
    yield f"$ filtviz {line}"
    told = json.loads(ran.stdout)
    yield from map(_rounded, _leaves("", told))
    yield f"exit {ran.exit_code}"


def _leaves(place: str, told: object) -> Iterator[str]:
    """A line for whatever holds no more objects."""
    text = json.dumps(told, ensure_ascii=False)
    if isinstance(told, dict) and (place.count(".") < 2 or "{" in text[1:]):
        for key, value in told.items():
            yield from _leaves(f"{place}.{key}", value)
    elif isinstance(told, list) and any(isinstance(one, dict) for one in told):
        for i, one in enumerate(told):
            yield from _leaves(f"{place}[{i}]", one)
    else:
        yield f"{place}: {text}"


def _rounded(text: str) -> str:
    """Numbers with so many digits as every library computes alike; what is but an error is 0."""
    return re.sub(r"-?\d+\.\d{5,}(e[-+]\d+)?|-?\d+(\.\d+)?e-1[4-9]", _few_digits, text)


def _few_digits(number: re.Match[str]) -> str:
    value = float(number[0])
    return f"{value:.4g}" if abs(value) > 1e-12 or "e-" not in number[0] else "0"


def _help() -> Iterator[str]:
    """The commands' words and options, but for the layout, which is click's."""
    yield from _command("filtviz", main)
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        yield from _command(f"filtviz {name}", command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    yield f"$ {name} --help"
    yield from cleandoc(command.help or "").splitlines()
    for one in command.params:
        default = None if callable(one.default) or one.default in (None, False, ()) else one.default
        shown = f" (default {default})" if isinstance(default, int | float | str | tuple) else ""
        kind = " ".join([*one.opts, *one.secondary_opts, *_kind(one)])
        yield f"    {kind}{shown}: {getattr(one, 'help', None) or ''}"
    yield ""


def _kind(one: click.Parameter) -> Iterator[str]:
    """What an option takes, how often, and where the help has it."""
    kind = one.type
    if isinstance(kind, click.Choice):
        yield "|".join(map(str, kind.choices))
    elif isinstance(kind, click.IntRange | click.FloatRange):
        yield f"{kind.min}..{kind.max} {one.metavar}"
    elif not isinstance(one, click.Option) or not one.is_flag:
        yield one.metavar or kind.name
    facts = {
        "repeated": one.multiple if isinstance(one, click.Option) else one.nargs < 0,
        "required": one.required, f"by {one.nargs}": one.nargs > 1, "rare": isinstance(one, RareOption),
        "eager": one.is_eager,
    }  # fmt: skip
    yield from (name for name, is_so in facts.items() if is_so)


COMMANDS: Mapping[str, Callable[[], Iterator[str]]] = {
    "layers": _layers,
    "plot": _plot,
    "export": _export,
    "diagnose": _diagnose,
    "diagnoses": _diagnoses,
    "compare": _compare,
    "explain": _explain,
    "report": _report,
    "help": _help,
    **{name: partial(group, _run, _as_json) for name, group in newer_commands.NEWER.items()},
    **{name: partial(option_lines.told, name, _run) for name in option_lines.OPTIONS},
}
"""What prints the lines of a group of commands, in a folder that was filled."""
