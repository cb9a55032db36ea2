"""What the commands that convert, draw networks, survey and show images print, beside `tests.cli.commands`.

Whether PyTorch or ONNX Runtime is installed makes no difference: numpy runs the networks here.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import DTypeLike

from filtviz import __version__
from filtviz.errors import MissingExtraError
from filtviz.running.numpy_engine import NumpyEngine

__all__ = ["NEWER", "numbers", "numpys"]

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[[str], Iterator[str]]


def fill() -> None:
    """Put models that run, and images, into the folder in which commands run."""
    for name in ("mission-trained.pkl", "mission-untrained.pkl", "mission-torch.onnx", "mission-torch.pth"):
        shutil.copy(ROOT / "examples" / name, name)
    with np.load(ROOT / "examples" / "digits.npz") as held:
        np.savez("few.npz", images=held["images"][:6], labels=held["labels"][:6])
        np.save("one.npy", held["images"][:1])
    Path("labels.txt").write_text("odd\neven\n")
    Path("lone.txt").write_text("even\n")


def numpys(kind: DTypeLike, _device: str | None, **gradients: Any) -> NumpyEngine:
    """An engine of numpy where PyTorch's is asked for, which has no gradients."""
    if gradients:
        raise MissingExtraError("gradients need PyTorch")
    return NumpyEngine(kind)


def images(run: Run, as_json: Run) -> Iterator[str]:
    """Commands that show images to a network, and `loss`."""
    with patch("filtviz.running.choosing.torch_engine", numpys):
        yield from _images(run, as_json)


def _images(run: Run, as_json: Run) -> Iterator[str]:
    fill()
    model = "mission-trained.pkl"
    for line in (
        f"predict {model} -i few.npz", f"predict {model} -i few.npz --csv", f"predict {model} -i one.npy",
        f"predict {model} -i one.npy -i few.npz --top 1 --labels lone.txt -o out.npz",
        f"predict {model} -i few.npz --labels labels.txt", f"predict {model} -i few.npz --mean .5 --scale 2",
        f"predict {model} -i few.npz --mean .5,.5", f"predict {model} -i few.npz --json --csv",
        f"predict {model} -i gone.npz", f"predict {model}", "predict list.pt -i few.npz",
        "predict seq.keras -i few.npz", "predict bad.pkl -i few.npz", f"predict {model} -i bad.pkl",
        f"activity {model} -i few.npz --csv", f"activity {model} -i one.npy -o activity.npz --image -1",
        f"activity {model} -i few.npz --image 6", f"activity {model} -i few.npz -l none",
        f"activity {model} -i few.npz -l 9", f"activity {model} -i one.npy -l output --csv",
        f"activity {model} -i one.npy -l output --nolearn",
        f"patches {model} -i few.npz --csv --top 2", f"patches {model} -i one.npy -l -1 -o patches.npz",
        f"patches {model} -i one.npy -l output",
        f"occlusion {model} -i few.npz --square 9 --stride 11 --image 1 -o occlusion.npz",
        f"occlusion {model} -i few.npz --square 32 --stride 11",
        f"occlusion {model} -i few.npz --target 1 --stride 11",
        f"occlusion {model} -i one.npy --square 9 --stride 11 --labels lone.txt --fill .5 -o more.npz",
        f"codes {model} -i few.npz --csv", f"codes {model} -i one.npy --csv",
        f"codes {model} -i few.npz -l 0 -o codes.npz", f"loss {model}", f"loss {model} --csv",
        "loss list.pt", "loss list.pt --terminal --csv",
        f"diagnose {model} -i few.npz", f"diagnose {model} -i one.npy --details -l 0",
        f"diagnose {model} --labels lone.txt",
    ):  # fmt: skip
        yield from map(rounded, run(line))
    for line in (
        f"predict {model} -i few.npz", f"activity {model} -i few.npz", f"patches {model} -i one.npy --top 1",
        f"occlusion {model} -i few.npz --square 9 --stride 11", f"codes {model} -i few.npz",
    ):  # fmt: skip
        yield from as_json(f"{line} --json")
    for path in sorted(Path().glob("*.npz")):
        if path.name in ("out.npz", "activity.npz", "patches.npz", "occlusion.npz", "codes.npz", "more.npz"):
            yield from numbers(path)


def numbers(path: Path) -> Iterator[str]:
    """The arrays of a file: their shapes, and the sums of the sizes of their numbers."""
    with np.load(path) as held:
        for name, array in held.items():
            told = array.tolist() if array.dtype.kind in "US" else f"sizes {np.nansum(np.abs(array)):.4g}"
            yield f"{path.name} {name}: {array.dtype.kind}{list(array.shape)} {told}"


def rounded(line: str) -> str:
    """Numbers in tables for programs have all their digits; four are enough here."""
    return re.sub(r"-?\d+\.\d{5,}(e[-+]\d+)?", lambda found: f"{float(found[0]):.4g}", line)


def convert(run: Run, as_json: Run) -> Iterator[str]:
    """Conversions: what is said, what is in the files, and the source of a module."""
    fill()
    for line in (
        "mission-trained.pkl a.npz", "list.pt b.npz", "list.pt c.safetensors", "seq.keras d.safetensors",
        "seq.keras e.pt", "mission-trained.pkl f.pt --module f.py --no-verify",
        "branches-list.pkl g.pt --module g.py --no-verify", "kinds-layer.pkl h.npz --layout torch",
        "mission-trained.pkl i.npz --turned", "list.pt i.pt --module i.txt", "list.pt i.npz --verify",
        "list.pt i.npz --module i.py", "list.pt i.bin", "list.pt i", "list.pt i.onnx --layout stored",
        "list.pt list.pt", "bad.pkl i.npz", "gone.pkl i.npz", "list.pt gone/i.npz",
        "list.pt i.pt --module i.py --no-verify", "ckpt_model_ema.pt j.npz --weights ema",
        "mission-torch.pth k.pt --module k.py --no-verify --like mission-torch.onnx",
        "mission-trained.pkl l.onnx --layout torch", "seq.keras m.npz --layout stored --quiet",
        "mission-trained.pkl n.pt --layout stored",
    ):  # fmt: skip
        yield from run(f"convert {line}")
    yield from as_json("convert mission-trained.pkl o.npz --json")
    yield from as_json("convert mission-trained.pkl p.pt --module p.py --no-verify --json")
    for path in sorted(Path().glob("?.npz")):
        yield from members(path)
    for path in sorted(Path().glob("?.pt")):
        yield from members(path)
    for path in sorted(Path().glob("?.safetensors")):
        raw = path.read_bytes()
        n = int.from_bytes(raw[:8], "little")
        yield f"{path}: {raw[8 : 8 + n].decode()} {zlib.crc32(raw[8 + n :]):08x}".replace(
            __version__, "VERSION"
        )
    for path in sorted(Path().glob("?.py")):
        yield f"== {path}"
        yield from path.read_text(encoding="ascii").replace(__version__, "VERSION").splitlines()


def members(path: Path) -> Iterator[str]:
    """The members of an archive and their sums."""
    with zipfile.ZipFile(path) as archive:
        comment = archive.comment.decode("ascii").replace(__version__, "VERSION")
        yield f"== {path} {comment}".rstrip()
        for name in archive.namelist():
            raw = archive.read(name).replace(__version__.encode(), b"VERSION")
            yield f"{name}: {len(raw)} {zlib.crc32(raw):08x}" if not name.endswith(".json") else raw.decode()


def graph(run: Run, as_json: Run) -> Iterator[str]:
    """Networks drawn, as text of every kind."""
    fill()
    for line in (
        "mission-trained.pkl --terminal", "branches-list.pkl --terminal",
        "branches-list.pkl --terminal --whole",
        "kinds-layer.pkl --terminal", "list.pt --terminal", "seq.keras --terminal --whole",
        "subgraphs.onnx --terminal", "mission-torch.onnx -o a.dot", "branches-list.pkl -o b.mmd",
        "list.pt -o c.dot", "list.pt -o d.mmd", "branches-list.pkl -o e.svg", "kinds-layer.pkl --format dot",
        "zoo/dense.npz --terminal", "list.pt -o list.pt", "list.pt -o a.gif", "bad.pkl",
        "list.pt -o gone/a.dot",
        "mission-torch.pth --terminal --like mission-torch.onnx", "branches-list.pkl --whole -o f.dot",
    ):  # fmt: skip
        yield from run(f"graph {line}")
    yield from as_json("graph branches-list.pkl --json")
    for path in sorted((*Path().glob("*.dot"), *Path().glob("*.mmd"))):
        yield f"== {path}"
        text = re.sub("filtviz-models \\w+:", "filtviz-models N:", path.read_text(encoding="utf-8"))
        yield from text.splitlines()


def survey(run: Run, _as_json: Run) -> Iterator[str]:
    """Surveys: what is said, every row, and the page; paths as from the folder in which they run."""
    place = str(Path.cwd())
    yield from (line.replace(place, "HERE") for line in _survey(run))


def _survey(run: Run) -> Iterator[str]:
    import pyarrow.parquet as pq

    for line in (
        "zoo -o out -j 1", "zoo -o out -j 1", "end.npz bad.pkl -o all -j 1",
        "gone.pkl -o none -j 1",
        "zoo/notes.txt -o none -j 1", "zoo/dense.npz -o lone -j 1", "zoo -o out -j 1 --convs none",
        "end.npz -o end.npz", "seq.keras -o all -j 1 --json",
    ):  # fmt: skip
        yield from run(f"survey {line}")
    for name in ("files", "layers", "filters"):
        for row in pq.read_table(Path("all", f"{name}.parquet")).to_pylist():
            if name != "filters" or _is_telling(row):
                yield f"{name}: {', '.join(_cells(row))}"
    for folder in ("all", "lone"):
        text = Path(folder, "survey.html").read_text(encoding="utf-8").replace(__version__, "VERSION")
        text = re.sub(r"<style.*?</style>|content=\"default-src[^\"]*\"", "", text, flags=re.DOTALL)
        text = re.sub(r"(<svg[^>]*>)(.*?)</svg>", _drawing, text, flags=re.DOTALL)
        yield f"== {folder}"
        yield from (SHORT.sub(_three, line.strip()) for line in text.splitlines() if line.strip())


def _is_telling(row: Mapping[str, object]) -> bool:
    return row["file"] == "end.npz" and row["layer"] in ("odd", "pair", "broken")


LEFT_OUT = ("changed", "seconds_reading", "seconds_measuring", "kernel_products", "digest", "size")
SHORT = re.compile(r"-?\d+\.\d{4,}(e[-+]\d+)?")


def _cells(row: Mapping[str, object]) -> Iterator[str]:
    """The cells of a row that hold something; which of two pairs is the closest, machines round otherwise."""
    for key, value in row.items():
        is_rounded = key == "duplicates" and isinstance(value, float)
        if key not in LEFT_OUT and value is not None and not is_rounded:
            yield f"{key}={SHORT.sub(_three, json.dumps(value))}"


def _three(found: re.Match[str]) -> str:
    return f"{float(found[0]):.3g}"


def _drawing(found: re.Match[str]) -> str:
    """A drawing in a page: what is in it, and where, but for what libraries round otherwise."""
    places = " ".join(f"{float(number):.2g}" for number in re.findall(r"-?\d+\.?\d*", found[2])[:300])
    elements = re.findall(r"<(\w+)", found[2])
    counted = ", ".join(f"{elements.count(name)} {name}" for name in dict.fromkeys(elements))
    return f"{found[1]}{counted}" if "crispEdges" in found[1] else f"{found[1]}{counted} at {places}"


NEWER: Mapping[str, Callable[[Run, Run], Iterator[str]]] = {
    "images": images,
    "convert": convert,
    "graph": graph,
    "survey": survey,
}
"""What prints the lines of a group of commands; it is given what runs one, and what runs one for JSON."""
