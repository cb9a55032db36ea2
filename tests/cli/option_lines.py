"""Each option of the commands at other values than usual, at bad ones, and beside those it interacts with.

What is printed and written is in ``tests/told/commands/``; see `tests.cli.commands`.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

from filtviz import __version__

from . import any_command
from .newer_commands import numbers, numpys

__all__ = ["OPTIONS"]

Run = Callable[[str], Iterator[str]]
TESTS = Path(__file__).resolve().parents[1]

LONG = "a-name-" + 8 * "0123456789abcde" + "-end"
"""A name longer than what is said of one."""

LINES: Mapping[str, tuple[str, ...]] = {
    "plotting": (
        "plot m.pkl",
        "plot m.pkl -l 1 -o out",
        "plot m.pkl -l two -l 0 -o out/",
        "plot m.pkl -l -3",
        "plot m.pkl -l 2",
        "plot m.pkl -l none",
        "plot m.pkl -l end",
        "plot m.pkl -o out/a.png --no-clobber",
        "plot m.pkl -o out/a.png --no-clobber",
        "plot m.pkl -o out/a.jpg",
        "plot m.pkl -o out/a",
        "plot m.pkl -o out/a.png --format svg",
        "plot m.pkl --figsize 2 1 -o out/small.png",
        "plot m.pkl --figsize 2 -1",
        "plot m.pkl --figsize 1000 1000",
        "plot m.pkl --figsize nan 1",
        "plot m.pkl --dpi 50 -o out/coarse.png",
        "plot m.pkl --dpi 1 -o out/coarse.png",
        "plot m.pkl --dpi nan",
        "plot m.pkl --dpi 1e9",
        "plot m.pkl --cmap viridis -o out/v.png",
        "plot m.pkl --cmap nothing",
        "plot m.pkl -l 1 --channels 0 -o out/c.png",
        "plot m.pkl -l 1 --channels 1-2,0,1 -o out",
        "plot m.pkl -l 1 --channels 4",
        "plot m.pkl -l 1 --channels 0-9",
        "plot m.pkl -l 1 --channels x",
        "plot m.pkl -l 1 --channels rgb",
        "plot m.pkl -l 1 --channels -1",
        "plot m.pkl --channels bgr",
        "plot m.pkl --view sheet -o out/s.png",
        "plot m.pkl -l 1 --view sheet -o out/s.png",
        "plot m.pkl --view curves",
        "plot m.pkl --view rms -l 1 -o out/r.png",
        "plot m.pkl --view other",
        "plot m.pkl -l 1 --view components -o out/k.png",
        "plot m.pkl -l 1 --view components --components 2 -o out/k.png",
        "plot m.pkl --components 0 -l 1",
        "plot m.pkl --components 2 --view grid",
        "plot m.pkl --scale kernel -o out/x.png",
        "plot m.pkl --scale filter -l 1 -o out/x.png",
        "plot m.pkl --scale all",
        "plot m.pkl --sort norm -o out/x.png",
        "plot m.pkl --sort similarity -l 1 -o out/x.png",
        "plot m.pkl --sort change",
        "plot m.pkl --top 2 -o out/x.png",
        "plot m.pkl --top 0",
        "plot m.pkl --top 9 -o out/x.png",
        "plot m.pkl --top 2 --sort index -o out/x.png",
        "plot m.pkl --no-labels -o out/x.png",
        "plot m.pkl --flip -o out/x.png",
        "plot m.pkl --flip --view grid",
        "plot m.pkl --through -l 1 -o out/t.png",
        "plot m.pkl --through",
        "plot m.pkl --assume-stacked",
        "plot m.pkl --through -l 1 --assume-stacked -o out/t.png",
        "plot m.pkl --through -l 1 --images seen.npy -o out/t.png",
        "plot m.pkl --images seen.npy",
        "plot m.pkl --through -l 1 --images labels.txt",
        "plot m.pkl --through -l 1 --view grid",
        "plot m.pkl --badges -o out/b.png",
        "plot m.pkl --badges --view grid",
        "plot m.pkl --terminal",
        "plot m.pkl --terminal --json",
        "plot m.pkl --terminal -o out/z.png -l 1",
        "plot m.pkl --json -o out/j.png",
        "plot m.pkl --show --json -q -o out/j.png -l 7",
        "plot m.pkl -q -o out/q.png",
        "plot m.pkl -q -l 8 -o out/q.png",
        "plot odd.npz -o out/o.png",
        "plot odd.npz -l 1 -o out/o.png",
        "plot odd.npz -l 2 -o out/o.png",
        "plot odd.npz -l line",
        "plot odd.npz -l line -o out/l.png --view curves",
        "plot odd.npz --axes rrrr",
        "plot odd.npz --axes oihw -o out/o.png",
        "plot odd.npz --convs 0",
        "plot odd.npz --convs 9",
        "plot many.npz -o out/many",
        "plot many.npz -l 1 --view sheet -o out/many.png",
    ),
    "diagnosing": (
        "diagnose m.pkl",
        "diagnose m.pkl -l 1",
        "diagnose m.pkl -l 3",
        "diagnose m.pkl --details -l 1",
        "diagnose m.pkl --filters -l 0",
        "diagnose m.pkl --before before.pkl",
        "diagnose m.pkl --before m.pkl",
        "diagnose m.pkl --before odd.npz",
        "diagnose m.pkl --before gone.pkl",
        "diagnose m.pkl --before before.pkl --before like.pkl",
        "diagnose m.pkl before.pkl",
        "diagnose m.pkl --input-range 0 1 -l 0",
        "diagnose m.pkl --input-range 1 0",
        "diagnose m.pkl --input-range nan 1",
        "diagnose m.pkl --check dead",
        "diagnose m.pkl --check untrained",
        "diagnose m.pkl --check nothing",
        "diagnose m.pkl --check untrained --json",
        "diagnose m.pkl --csv -l 1",
        "diagnose m.pkl --json --csv",
        "diagnose m.pkl --csv --details",
        "diagnose m.pkl --images seen.npy",
        "diagnose m.pkl --images seen.npy --labels right.txt",
        "diagnose m.pkl --labels right.txt",
        "diagnose m.pkl --mean .5",
        "diagnose m.pkl --images gone",
        "diagnose odd.npz",
        "diagnose odd.npz --check nonfinite",
        "diagnose odd.npz --strict",
        "diagnose bare.npz",
        "diagnose bare.npz --strict",
        "diagnose m.pkl bare.npz --strict",
        "diagnose m.pkl gone.pkl",
        "diagnose gone.pkl gone2.pkl",
        "diagnose *.txt",
        "diagnose b*.pkl",
        "diagnose seen",
        "diagnose m.pkl --max-work 1",
        "diagnose m.pkl -q",
        "diagnose m.pkl --like like.pkl",
        "diagnose m.pkl --convs 0",
        "diagnose epoch-2.npz epoch-10.npz epoch-1.npz -l 0",
    ),
    "comparing": (
        "compare m.pkl before.pkl",
        "compare m.pkl before.pkl -l 0 -l two -o out/",
        "compare m.pkl before.pkl -l 5",
        "compare m.pkl before.pkl -o out/x.png",
        "compare m.pkl before.pkl --scale filter -o out/x.png",
        "compare m.pkl before.pkl --scale kernel -o out/x.png",
        "compare m.pkl before.pkl --sort change -o out/x.png",
        "compare m.pkl before.pkl --sort norm -o out/x.png",
        "compare m.pkl before.pkl --top 1 -o out/x.png",
        "compare m.pkl before.pkl --top 0",
        "compare m.pkl before.pkl --cmap gray -o out/x.png",
        "compare m.pkl before.pkl --cmap none",
        "compare m.pkl before.pkl like.pkl -o out/x.png",
        "compare m.pkl m.pkl -o out/x.png",
        "compare m.pkl",
        "compare m.pkl odd.npz",
        "compare m.pkl gone.pkl",
        "compare m.pkl before.pkl --animate out/a.gif -o out/x.png",
        "compare m.pkl before.pkl --animate out/a.png",
        "compare m.pkl before.pkl --animate m.pkl",
        "compare m.pkl before.pkl -o before.pkl",
        "compare m.pkl before.pkl --json -o out/x.png",
        "compare m.pkl before.pkl -q -o out/x.png",
        "compare zero.npz odd.npz -l first -o out/x.png",
        "compare odd.npz zero.npz -l first -o out/x.png",
        "compare odd.npz zero.npz -l second",
        "compare parts/m.pkl other/m.pkl -o out/x.png",
        "compare m.pkl before.pkl --format tiff",
        "compare epoch-2.npz epoch-10.npz epoch-1.npz -o out/x.png",
    ),
    "showing": (
        "predict m.pkl -i seen",
        "predict m.pkl -i seen --top 2",
        "predict m.pkl -i seen --top 0",
        "predict m.pkl -i seen --top 9",
        "predict m.pkl -i seen/a.png",
        "predict m.pkl -i seen --labels labels.txt",
        "predict m.pkl -i seen --labels right.txt",
        "predict m.pkl -i seen --labels gone.txt",
        "predict m.pkl -i seen.npy --csv",
        "predict m.pkl -i seen.npy -o out/p.npz",
        "predict m.pkl -i seen.npy -o out/p.png",
        "predict m.pkl -i seen.npy -o out/p.npz --csv",
        "predict m.pkl -i seen.npy --mean 0.5 --scale 2 --csv",
        "predict m.pkl -i seen.npy --mean 1,2",
        "predict m.pkl -i seen.npy --mean x",
        "predict m.pkl -i seen.npy --scale inf",
        "predict m.pkl -i seen.npy --size 12 --csv",
        "predict m.pkl -i seen --size 12x12 --csv",
        "predict m.pkl -i seen --size 6",
        "predict m.pkl -i seen --size 0",
        "predict m.pkl -i seen --size 1x2x3",
        "predict m.pkl -i seen --size 65536",
        "predict m.pkl -i seen --channels bgr --csv",
        "predict m.pkl -i seen.npy --layout nchw --csv",
        "predict m.pkl -i seen.npy --layout nhwc",
        "predict m.pkl -i seen.npy --batch 1 --csv",
        "predict m.pkl -i seen.npy --batch 0",
        "predict m.pkl -i seen.npy --json",
        "predict m.pkl -i out",
        "predict m.pkl -i last.npy --csv",
        "predict m.pkl -i flat.npy",
        "predict odd.npz -i seen.npy",
        "predict m.pkl -i seen.npy -i seen --top 1",
        "predict m.pkl -i seen.npy -q",
        "predict m.pkl -i seen.npy --json --csv",
        "activity m.pkl -i seen.npy --csv",
        "activity m.pkl -i seen.npy -l 1 --csv",
        "activity m.pkl -i seen.npy -l two --image 1 -o out/a.npz",
        "activity m.pkl -i seen.npy --image 2",
        "activity m.pkl -i seen.npy --image -2 -o out/a.npz",
        "activity m.pkl -i seen.npy --image -3",
        "activity m.pkl -i seen.npy -l end --csv",
        "activity m.pkl -i seen.npy -l -1 --json",
        "activity m.pkl -i seen.npy -l end",
        "activity m.pkl -i seen.npy -o out/a.png --format pdf",
        "activity m.pkl -i seen.npy --csv --terminal",
        "activity m.pkl -i seen.npy --terminal",
        "activity m.pkl -i seen/a.png -o out/n.npz --nolearn",
        "activity m.pkl -i seen.npy -l in --csv",
        "patches m.pkl -i seen.npy --csv --top 1",
        "patches m.pkl -i seen.npy --top 0",
        "patches m.pkl -i seen.npy -l 1 --top 2 -o out/p.npz",
        "patches m.pkl -i seen.npy -l end",
        "patches m.pkl -i seen.npy --top 3 --json",
        "patches m.pkl -i seen -o out/p.npz --terminal",
        "occlusion m.pkl -i seen.npy --stride 6 -o out/o.npz",
        "occlusion m.pkl -i seen.npy --stride 6 --square 3 --image 1 -o out/o.npz",
        "occlusion m.pkl -i seen.npy --stride 6 --target 3 -o out/o.npz",
        "occlusion m.pkl -i seen.npy --stride 6 --target 5",
        "occlusion m.pkl -i seen.npy --stride 6 --target -1",
        "occlusion m.pkl -i seen.npy --stride 6 --square 13",
        "occlusion m.pkl -i seen.npy --stride 0",
        "occlusion m.pkl -i seen.npy --stride 6 --fill .5 -o out/o.npz",
        "occlusion m.pkl -i seen.npy --stride 6 --fill nan",
        "occlusion m.pkl -i seen.npy --nolearn --square 11 -o out/o.npz",
        "occlusion m.pkl -i seen.npy --nolearn --stride 2",
        "occlusion m.pkl -i seen.npy --stride 6 --labels labels.txt --json",
        "occlusion m.pkl -i seen.npy --stride 6 --terminal",
        "codes m.pkl -i seen.npy --csv",
        "codes m.pkl -i seen.npy -l 0 --csv",
        "codes m.pkl -i seen/a.png --csv",
        "codes m.pkl -i seen.npy -i seen -o out/c.npz",
        "codes m.pkl -i seen.npy -l none",
        "codes m.pkl -i seen.npy --json",
        "saliency m.pkl -i seen.npy --method none",
        "saliency m.pkl",
        "maximise m.pkl --steps 0",
        "maximise m.pkl --unit x",
        "loss m.pkl --csv",
        "loss m.pkl --json",
        "loss m.pkl -o out/l.npz",
        "loss m.pkl --terminal",
        "loss odd.npz",
        "loss m.pkl -o out/l.npz --terminal --json",
    ),
    "telling": (
        "layers m.pkl",
        "layers m.pkl -v",
        "layers m.pkl -a",
        "layers m.pkl --json",
        "layers m.pkl before.pkl",
        "layers m.pkl gone.pkl",
        "layers m.pkl --architecture-template",
        "layers odd.npz --architecture-template",
        "layers odd.npz",
        "layers odd.npz --convs 0",
        "layers odd.npz --convs first",
        "layers odd.npz --axes oihw",
        "layers odd.npz --axes xxxx",
        "layers many.npz -a",
        "layers m.pkl --like like.pkl",
        "layers odd.npz --like m.pkl",
        "layers odd.npz --architecture net.toml",
        "layers m.pkl --architecture net.toml",
        "layers odd.npz --architecture gone.toml",
        "layers odd.npz --like m.pkl --architecture net.toml",
        "layers bare.npz",
        "layers parts",
        "layers m.pkl -q",
        "layers m.pkl --max-arrays 1",
        "graph m.pkl --terminal",
        "graph m.pkl --terminal --whole",
        "graph m.pkl -o out/g.dot",
        "graph m.pkl --format mmd -o out",
        "graph m.pkl --whole -o out/w.mmd",
        "graph m.pkl --format x",
        "graph m.pkl -o out/g.dot --format mmd",
        "graph m.pkl --json",
        "graph odd.npz --terminal",
        "graph m.pkl -o m.pkl --format dot",
        "graph m.pkl --terminal --json",
        "graph m.pkl -q -o out/q.dot",
        "graph m.pkl --terminal -o out/t.dot",
        "convert m.pkl out/a.npz",
        "convert m.pkl out/a.pt",
        "convert m.pkl out/a.safetensors --layout torch",
        "convert m.pkl out/b.npz --turned",
        "convert m.pkl out/b.npz --not-turned",
        "convert odd.npz out/b.npz --turned",
        "convert m.pkl out/a.x",
        "convert m.pkl out/a.npz --module out/a.py",
        "convert m.pkl out/a.pt --module out/a.pt",
        "convert m.pkl out/a.npz --verify",
        "convert m.pkl out/a.npz --json",
        "convert m.pkl m.pkl",
        "convert m.pkl out/a.npz -q",
        "convert m.pkl out/c.pt --module out/c.py --no-verify",
        "explain dead residue",
        "explain DEAD",
        "explain --markdown dead",
        "explain ded",
        "explain structured",
        "explain --json verdicts",
        "explain -q dead",
        "",
        "--help",
        "nothing",
        "plto m.pkl",
        "--version x",
        "m.pkl",
    ),
    "exporting": (
        "export m.pkl -o out/e -j 1",
        "export m.pkl -o out/e -j 1",
        "export m.pkl before.pkl -o out/e -j 1 -l 1 --channels 0,2",
        "export m.pkl -o out/e -j 1 --force --format png -l 0",
        "export m.pkl -o out/e -j 0",
        "export m.pkl -o out/f -j 1 --figsize 2 2 --dpi 30 --cmap viridis -l 1",
        "export m.pkl odd.npz bare.npz -o out/g -j 1",
        "export m.pkl bare.npz -o out/g -j 1 --strict",
        "export m.pkl gone.pkl -o out/g -j 1 --json",
        "export m.pkl -o out/g -j 1 -l 9",
        "export m.pkl -o out/g -j 1 --channels rgb",
        "export m.pkl -o m.pkl",
        "export -o out/g",
        "export parts -o out/h -j 1 -q",
        "export m.pkl m.pkl -o out/i -j 1",
        "export m.pkl -o out/i -j 1 --format jpg",
        "export parts/m.pkl m.pkl -o out/j -j 1 -l 0",
    ),
    "names": (
        f"plot {LONG}.npz -o out/a.png",
        f"plot {LONG}.npz -l {LONG} -o out",
        f"plot {LONG}.npz -l {LONG}x",
        f"plot {LONG}.npz -l 1 --channels {LONG}",
        f"plot {LONG}.npz --cmap {LONG}",
        f"plot {LONG}.npz -o out/{LONG}.{LONG}",
        f"plot {LONG}.npz -l 0 -l 1 --view sheet --terminal",
        f"plot {LONG}.npz --show --json -l 7 -o {LONG}/{LONG}.svg",
        f"layers {LONG}.npz",
        f"layers {LONG}.npz --convs {LONG}",
        f"layers {LONG}.npz --axes {LONG}",
        f"layers {LONG}.npz --weights {LONG}",
        f"layers {LONG}.npz --like {LONG}.pkl",
        f"diagnose {LONG}.npz --check untrained --check undecided",
        f"diagnose {LONG}.npz --details -l {LONG}",
        f"diagnose {LONG}.npz --before {LONG}.npz",
        f"diagnose {LONG}.npz other/{LONG}.npz",
        f"diagnose {LONG}*.x",
        f"diagnose {LONG}",
        f"diagnose {LONG}.npz -l {LONG}x",
        f"compare {LONG}.npz other/{LONG}.npz -l {LONG} -o out/b.png",
        f"compare {LONG}.npz other/{LONG}.npz -l 1 --json -o out/b.png",
        f"graph {LONG}.npz --terminal",
        f"graph {LONG}.npz -o out/c.dot",
        f"convert {LONG}.npz out/{LONG}.npz",
        f"convert {LONG}.npz out/x.{LONG}",
        f"export {LONG}.npz other/{LONG}.npz -o out/{LONG} -j 1 -l 0",
        f"export {LONG}.npz -o out/{LONG} -j 1 -l {LONG}x --json",
        f"export {LONG}.npz {LONG}.pkl -o out/{LONG} -j 1",
        f"explain {LONG}",
        f"report {LONG}.npz other/{LONG}.npz -o out/{LONG}.html",
        f"predict m.pkl -i {LONG}.npy",
        f"predict m.pkl -i seen --mean {LONG}",
        f"predict m.pkl -i seen --size {LONG}",
        f"predict m.pkl -i seen --labels {LONG}.txt",
        f"predict {LONG}.npz -i seen",
        f"activity m.pkl -i seen -l {LONG}",
        f"activity m.pkl -i seen -o out/{LONG}.{LONG}",
        f"codes m.pkl -i seen.npy -l {LONG}x",
        f"occlusion m.pkl -i seen.npy --stride 6 --labels {LONG}.labels -o out/o.npz",
        f"{LONG}",
        f"layers m.pkl --{LONG}",
    ),
    "reporting": (
        "report m.pkl -o out/a.html",
        "report m.pkl before.pkl -l 0 -o out/b.html",
        "report m.pkl --before before.pkl -l one -o out",
        "report m.pkl --images seen.npy --labels right.txt -o out/c.html --mean .5",
        "report odd.npz zero.npz -o out/d.html",
        "report many.npz --megabytes .01 -o out/e.html",
        "report bare.npz -o out/f.html",
        "report m.pkl -l 9",
        "report m.pkl gone.pkl -o out/g.html",
        "report m.pkl --megabytes 0",
        "report m.pkl --json -o out/h.html",
        "report m.pkl --json -o out/h.json",
        "report m.pkl -q -o out/h.html --input-range 0 1 --max-work 100",
        "report m.pkl --labels right.txt",
        "report m.pkl -o out/h.png",
        "report epoch-1.npz epoch-10.npz epoch-2.npz -o out/i.html",
        "report bare.npz -o out/f.html --strict",
    ),
}
"""Commands in the order in which they run, in one folder."""


def fill(folder: Path) -> None:
    """Make what commands are given: a network that runs, and arrays of odd layers."""
    any_command.fill(folder)
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):  # which Pillow draws by chance
        Image.fromarray(rng.integers(0, 256, (12, 12), np.uint8)).save(folder / "seen" / name)
    odd = {
        "first.weight": rng.normal(0, 0.3, (6, 3, 3, 3)),
        "second.weight": rng.normal(0, 0.1, (4, 6, 3, 3)),
    }
    odd["first.weight"][2] = odd["first.weight"][1]
    odd["second.weight"][1, 0, 0, 0] = np.nan
    odd |= {"line.weight": rng.normal(0, 0.1, (3, 4, 5)), "third.weight": rng.normal(0, 0.1, (5, 4, 1, 1))}
    np.savez(folder / "odd.npz", **{name: each.astype("f4") for name, each in odd.items()})
    np.savez(folder / "zero.npz", **{name: 0 * each.astype("f4") for name, each in odd.items()})
    np.savez(folder / "bare.npz", np.zeros((3, 2), "f4"), np.zeros(2, "f4"))
    many = {"a.weight": rng.normal(0, 1, (2, 8, 3, 3)), "b.weight": rng.normal(0, 1, (30, 2, 3, 3))}
    np.savez(folder / "many.npz", **many)
    start = rng.uniform(-0.2, 0.2, (8, 3, 3, 3))
    for epoch in (1, 2, 10):
        np.savez(folder / f"epoch-{epoch}.npz", **{"c.weight": start * (1 + 0.001 * epoch)})
    (folder / "parts").mkdir()
    (folder / "other").mkdir()
    shutil.copy(folder / "m.pkl", folder / "parts")
    shutil.copy(folder / "m.pkl", folder / "other")
    (folder / "parts" / "notes.txt").write_text("no model\n")
    for part in sorted((TESTS / "fixtures" / "modern" / "sharded").iterdir()):
        shutil.copy(part, folder / "parts")
    named = {
        f"{LONG}.weight": rng.normal(0, 0.2, (6, 3, 3, 3)),
        "small.weight": rng.normal(0, 0.2, (2, 6, 1, 2)),
    }
    np.savez(folder / f"{LONG}.npz", **named)
    np.savez(folder / "other" / f"{LONG}.npz", **{name: 1.5 * each for name, each in named.items()})
    (folder / f"{LONG}.labels").write_text(f"{LONG}\n" * 5)
    images = rng.uniform(0, 1, (2, 1, 12, 12)).astype("f4")
    np.save(folder / "seen.npy", images)
    np.save(folder / "last.npy", images.transpose(0, 2, 3, 1))
    np.save(folder / "flat.npy", images.reshape(2, 144))


def told(name: str, run: Run) -> Iterator[str]:
    """Yield what the lines of a group print and write; what stands above is told by its number."""
    seen: dict[str, int] = {}
    Path("options").mkdir()
    with (
        contextlib.chdir("options"),
        patch("filtviz.batch.workplace.RECENT", 0),  # files may be new or not, as the machine is fast
        patch("filtviz.running.choosing.torch_engine", numpys),
    ):
        fill(Path())
        before = _files()
        for line in LINES[name]:
            yield from _once(map(_short, _as_leaves(list(run(line)))), seen)
            after = _files()
            changed = [path for path, time in after.items() if time != before.get(path)]
            yield from _once((text for path in changed for text in _written(path)), seen)
            before = after


def _files() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(Path().rglob("*")) if path.is_file()}


def _as_leaves(lines: list[str]) -> Iterator[str]:
    """Yield the lines of a command; of a JSON object what is in it, an entry a line."""
    if "{" not in lines or "}" not in lines:
        yield from lines
        return
    first, last = lines.index("{"), lines.index("}")
    yield from lines[:first]
    for key, value in json.loads("\n".join(lines[first : last + 1])).items():
        entries = value if isinstance(value, list) and len(str(value)) > 300 else [value]
        for entry in entries:
            parts = entry.items() if isinstance(entry, dict) and len(str(entry)) > 300 else [("", entry)]
            yield from (f"{key} {name}: {json.dumps(part, ensure_ascii=False)}" for name, part in parts)
    yield from lines[last + 1 :]


def _once(lines: Iterable[str], seen: dict[str, int]) -> Iterator[str]:
    """Yield lines; those that were told before as their numbers, many beside one another."""
    run: list[int] = []
    for text in lines:
        if text in seen and len(text) > 8 and not text.startswith("$"):
            run.append(seen[text])
            continue
        yield from _spans(run)
        run.clear()
        if len(text) > 8 and not text.startswith("$"):
            seen[text] = len(seen) + 1
            yield f"[{seen[text]}] {text}"
        else:
            yield text
    yield from _spans(run)


def _spans(numbers: list[int]) -> Iterator[str]:
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    if spans:
        yield " ".join(f"[{'-'.join(map(str, span))}]" for span in spans)


_OF_CLICK = re.compile(r"(! Error: (?:No such \w+|Missing \w+|Got unexpected|.* is not a valid)).*")
"""What its versions say otherwise."""


def _short(text: str) -> str:
    text = re.sub(r'(sha256"?: )"\w+"', r'\1"…"', text).replace(__version__, "VERSION")
    text = _OF_CLICK.sub(r"\1 …", text.replace(LONG, "LONG"))
    return re.sub(r"-?\d+\.\d{4,}(e[-+]\d+)?|-?\d+(\.\d+)?e-\d+", _rounded, text)


def _rounded(found: re.Match[str]) -> str:
    value = float(found[0])
    return f"{value:.3g}" if abs(value) > 1e-12 else "0"


_BY_MATPLOTLIB = re.compile(r"-(activity|patches|occlusion|codes)\.png")


def _colours(image: Image.Image) -> str:
    """The sum of what is coloured: words are grey, and every library smooths them otherwise."""
    if image.mode != "RGB":
        return ""
    pixels = np.asarray(image).astype(np.int16)
    return f" {zlib.crc32((pixels[..., 0] - pixels[..., 2]).tobytes()):08x}"


def _written(path: Path) -> Iterator[str]:
    """Tell of a file that was written what it is, and how large a picture."""
    if path.suffix in (".png", ".gif"):
        with Image.open(path) as image:
            colours = "" if _BY_MATPLOTLIB.search(path.name) else _colours(image)
            yield f"wrote {path}: {image.mode} {image.size} of {getattr(image, 'n_frames', 1)}{colours}"
    elif path.suffix == ".npz":
        yield f"wrote {path}"
        yield from (f"    {line.partition(' ')[2]}" for line in numbers(path))
    elif path.suffix == ".html":
        from .commands import page

        yield f"wrote {path}"
        yield from page(path)
    elif path.suffix in (".dot", ".mmd", ".py"):
        yield f"wrote {path}"
        yield from (
            f"    {line}" for line in path.read_text(encoding="utf-8").splitlines() if "models " not in line
        )
    else:
        yield f"wrote {path}"


OPTIONS = tuple(LINES)
"""The groups of lines."""
