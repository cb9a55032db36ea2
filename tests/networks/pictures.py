"""What files of images are read as, and which are refused: all kinds, prepared in all ways, at each limit.

``python -m tests.telling`` writes ``tests/told/networks/pictures.txt`` anew.
"""

from __future__ import annotations

import os
import re
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.operations import Activation, Flatten, Identity, Normalisation
from filtviz.parameter import Parameter
from filtviz.running import images, preparing
from filtviz.running.images import check_effort, check_numbers, contents, read_images
from filtviz.running.preparing import (
    Preparation,
    is_paths,
    paths_of,
    read_labels,
    read_pictures,
    size_of,
)
from tests.building import as_layer, image
from tests.interpreters.tables import told
from tests.networks.walks import entrance

__all__ = ["pictures"]


def _networks() -> dict[str, Network]:
    scale = Normalisation(gamma=Parameter.of("g", np.ones(1)), is_batch=False)
    colours = entrance(None, 3, None, None)
    return {
        "grey": Network.of([image(1, 4, 5)]),
        "grey of any size": Network.of([image(1, None, None)]),
        "colours": Network.of([image(3, 4, 5)]),
        "colours of any size": Network.of([colours]),
        "four": Network.of([image(4, 4, 5)]),
        "two": Network.of([image(2, 4, 5)]),
        "any": Network.of([image(None, None, None)]),
        "half a size": Network.of([image(1, 4, None)]),
        "colours last": Network.of([entrance(None, 3, 4, 5, channels_last=True)]),
        "numbers": Network.of([entrance(None, 6)]),
        "nothing told": Network.of([as_layer(Flatten())]),
        "large": Network.of([image(1, 2048, 2048)]),
        "larger": Network.of([image(1, 2048, 2049)]),
        "normalising": Network.of(
            [
                image(1, 4, 5),
                as_layer(scale, below=0, name="norm"),
                as_layer(Activation(kind="tanh"), below=1),
            ]
        ),
        "normalising twice": Network.of(
            [
                image(1, 4, 5),
                as_layer(Identity(), below=0),
                as_layer(scale, below=1, name="a"),
                as_layer(scale, below=2, name="b"),
            ]
        ),
        "normalising in two": Network.of(
            [image(1, 4, 5), as_layer(scale, below=0, name="a"), as_layer(scale, below=0, name="b")]
        ),
        "normalising behind nothing": Network.of(
            [image(1, 4, 5), as_layer(Identity(), scale, below=0, name="a")]
        ),
        "normalising, and more": Network.of(
            [image(1, 4, 5), as_layer(scale, Activation(kind="tanh"), below=0, name="a")]
        ),
        "normalising later": Network.of(
            [image(1, 4, 5), as_layer(Flatten(), below=0), as_layer(scale, below=1, name="a")]
        ),
    }


def _fill(folder: Path) -> None:
    """Files of all kinds."""
    random = np.random.default_rng(3)
    grey = random.integers(0, 256, (4, 5), np.uint8)
    colours = random.integers(0, 256, (4, 5, 3), np.uint8)
    Image.fromarray(grey).save(folder / "grey.png")
    Image.fromarray(colours).save(folder / "colours.png")
    Image.fromarray(colours).save(folder / "colours.bmp")
    Image.fromarray(colours).save(folder / "colours.ppm")
    Image.fromarray(colours).save(folder / "colours.tif")
    Image.fromarray(np.dstack([colours, grey])).save(folder / "clear.png")
    Image.fromarray(grey).convert("P").save(folder / "palette.gif")
    Image.fromarray(grey > 99).save(folder / "truths.png")
    Image.fromarray(np.repeat(np.repeat(grey, 2, 0), 3, 1)).save(folder / "large.PNG")
    Image.fromarray(grey.astype("u2") * 200).save(folder / "deep.png")
    (folder / "broken.png").write_bytes((folder / "grey.png").read_bytes()[:60])
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").write_bytes(b"")
    arrays: dict[str, np.ndarray] = {
        "rows": random.random((4, 5)),
        "three": random.random((3, 4, 5)),
        "three_last": random.random((4, 5, 3)),
        "many": random.random((2, 3, 4, 5)),
        "many_last": random.random((2, 4, 5, 3)),
        "many_grey": random.random((6, 1, 4, 5)),
        "bytes": grey,
        "whole": grey.astype("i4"),
        "deep": grey.astype("u2") * 257,
        "signed": grey.astype("i1"),
        "half": grey.astype("f2"),
        "truths": grey > 99,
        "line": random.random(6),
        "five": random.random((1, 1, 1, 4, 5)),
        "nan": np.full((4, 5), np.nan),
        "infinite": np.full((4, 5), np.inf),
        "complex": np.ones((4, 5)) * 1j,
        "none": np.ones((0, 4, 5)),
        "texts": np.array([["a"]]),
        "cube": random.random((3, 3, 3)),
        "square": random.random((2, 3, 4, 3)),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.savez(folder / "plain.npz", images=arrays["many"], labels=np.array([1, 0]))
    np.savez(folder / "x.npz", x=arrays["many"], y=np.array(["cat", "dog"]))
    np.savez(folder / "test.npz", x_test=arrays["many"], y_test=np.array([[1], [0]]))
    np.savez(folder / "data.npz", data=arrays["many"], targets=np.array([1.0, 2.5]))
    np.savez(folder / "X.npz", X=arrays["many"], X_test=arrays["many_last"])
    np.savez(folder / "both.npz", images=arrays["many"], x=arrays["many_grey"], labels=np.arange(3))
    np.savez(folder / "turned.npz", y=np.arange(6), x=arrays["many_grey"], images=arrays["many"])
    np.savez(folder / "other.npz", thing=arrays["many"], labels=np.arange(2), label=np.arange(2))
    np.savez(folder / "pairs.npz", images=arrays["many"], labels=np.arange(4).reshape(2, 2))
    np.savez(folder / "others.npz", thing=arrays["many"], stuff=arrays["rows"])
    np.savez(folder / "lines.npz", thing=arrays["line"])
    np.save(folder / "objects.npy", np.array([None]), allow_pickle=True)
    inside = folder / "folder"
    inside.mkdir()
    for name in ("b10.png", "b2.png", "a.png", "c.txt", ".hidden.png", "d.JPG"):
        Image.fromarray(grey if name != "a.png" else 255 - grey).save(inside / name, format="PNG")
    (folder / "nothing").mkdir()
    (folder / "nothing" / "c.txt").write_text("c")
    (folder / "labels.txt").write_text("cat\n dog \n\n" + "l" * 99 + "\n\x1b\n", encoding="utf-8")
    (folder / "ends.txt").write_bytes(b"a\rb\r\nc\x0cd\xe2\x80\xa8e\n\nf")
    (folder / "bytes.txt").write_bytes(b"\xff\xfe\nb")


def _said(function: Any, *given: Any, **how: Any) -> str:
    try:
        found = function(*given, **how)
    except FiltvizError as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(found, preparing.Pictures):
        arrays, sentences = (
            [told(np.round(one, 4)) for one in (found.images, found.seen)],
            " | ".join(found.sentences),
        )
        if "resized" in sentences:  # which Pillow has rounded otherwise before
            arrays = [f"{one.shape} about {one.mean():.1f}" for one in (found.images, found.seen)]
            sentences = re.sub(r"range [^)]*", "range", sentences)
        return f"{' | '.join(arrays)} | {found.names} {found.labels} {len(found)} | {sentences}"
    return told(found) if isinstance(found, np.ndarray) else str(found)


def pictures() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        _fill(there)
        for name, answer in (*_read(there), *_paths(there)):
            yield name, answer.replace(f"{folder}{os.sep}", "").replace(folder, "there")
    yield from _efforts()
    yield from _allowed()
    yield from _shapes()


def _read(there: Path) -> Iterator[tuple[str, str]]:
    networks = _networks()
    files = sorted(one.name for one in there.iterdir() if one.suffix != ".txt")
    for file in files:
        for name in ("grey", "colours", "colours of any size", "colours last", "any"):
            yield f"{file} for {name}", _said(read_pictures, [there / file], networks[name])
    for name, network in networks.items():
        for file in ("grey.png", "colours.png", "many.npy", "rows.npy")[: 1 if name == "large" else 4]:
            yield f"{file} for {name}", _said(read_pictures, [there / file], network)
    preparations = {
        "mean": {"mean": (0.5,)},
        "means": {"mean": (0.1, 0.2, 0.3)},
        "two means": {"mean": (0.1, 0.2)},
        "scale": {"scale": (2.0,)},
        "scales": {"scale": (1.0, 2.0, 3.0)},
        "four scales": {"scale": (1.0,) * 4},
        "bgr": {"channels": "bgr"},
        "bgr and means": {"channels": "bgr", "mean": (0.1, 0.2, 0.3)},
        "size": {"size": (3, 7)},
        "own size": {"size": (4, 5)},
        "nchw": {"layout": "nchw"},
        "nhwc": {"layout": "nhwc"},
        "nothing": {},
    }
    for how, facts in preparations.items():
        for file in ("colours.png", "many.npy", "many_last.npy", "three.npy", "large.PNG", "square.npy"):
            for name in ("colours", "colours of any size", "colours last"):
                yield (
                    f"{file} for {name} by {how}",
                    _said(read_pictures, [there / file], networks[name], Preparation(**facts)),
                )  # type: ignore[arg-type]
        yield f"by {how} is as it is", str(Preparation(**facts).is_default)  # type: ignore[arg-type]
    together = (
        ["grey.png", "colours.png"],
        ["grey.png", "large.PNG"],
        ["folder", "grey.png"],
        ["many.npy", "many.npy"],
        ["many.npy", "colours.png"],
        ["plain.npz", "x.npz"],
        ["plain.npz", "many.npy"],
        ["nothing"],
        [],
        ["nowhere.png"],
        [""],
        ["grey.png", "nowhere"],
        ["nothing", "grey.png"],
    )
    for several in together:
        for name in ("colours", "colours of any size"):
            given = [there / one if one else one for one in several]
            yield f"{several} for {name}", _said(read_pictures, given, networks[name])


def _paths(there: Path) -> Iterator[tuple[str, str]]:
    for file in ("labels.txt", "ends.txt", "bytes.txt", "nowhere.txt", "folder", "empty.png"):
        yield f"labels of {file}", ascii(_said(read_labels, there / file))
    for given in ("a", b"a", ["a", Path("b")], ["a", 1], [], (), ("a",), np.ones(2), None, 3):
        shown = (
            "an array"
            if isinstance(given, np.ndarray)
            else [str(one) for one in given]
            if isinstance(given, list | tuple)
            else given
        )
        yield f"{type(given).__name__} {shown} are paths", str(is_paths(given))
        if is_paths(given):
            yield f"{type(given).__name__} {shown} as paths", str([str(one) for one in paths_of(given)])
    for given in ("grey.png", "folder", ["grey.png", "folder"], "nowhere", "nothing", []):
        paths = [there / one for one in ([given] if isinstance(given, str) else given)]
        own = sum(one.stat().st_size for one in paths if one.is_file())
        found = _said(size_of, paths)
        yield f"size of {given}", found if not found.isdigit() else f"{found == str(own)} {found == '0'}"
    yield "size of arrays", str(size_of(np.ones(3)))
    for file in sorted(one.name for one in there.iterdir()):
        yield f"images of {file}", _said(read_images, there / file)
    size = (there / "grey.png").stat().st_size
    for less in (0, 1):
        yield (
            f"contents with {less} less",
            _said(lambda n=size - less: len(contents(there / "grey.png", n)) == size)
            .replace(str(size), "n")
            .replace(str(size - 1), "n - 1"),
        )
    yield "contents of nothing", _said(contents, there / "nowhere", 9)
    yield "contents of a folder", _said(contents, there / "folder", 9)


def _tiff(order: str, big: bool, entries: list[tuple[int, int, int]], n: int | None = None) -> bytes:
    """The beginning of a TIFF: a directory whose entries are a tag, a type and a number."""
    e = "<" if order == "II" else ">"
    head = order.encode() + struct.pack(
        e + "HHHQ" if big else e + "HI", *((43, 8, 0, 16) if big else (42, 8))
    )
    data = head + struct.pack(e + ("Q" if big else "H"), len(entries) if n is None else n)
    codes = {1: "B", 3: "H", 4: "I", 16: "Q", 2: "B", 5: "I", 9: "I"}
    for tag, kind, number in entries:
        value = struct.pack(e + codes[kind], number)
        data += struct.pack(e + "HH" + ("Q" if big else "I"), tag, kind, 1) + value.ljust(
            8 if big else 4, b"\0"
        )
    return data


def _efforts() -> Iterator[tuple[str, str]]:
    def effort(data: bytes, width: int = 100, height: int = 50) -> str:
        return _said(check_effort, "it", data, SimpleNamespace(width=width, height=height))

    sides = {
        "both": [(322, 4, 64), (323, 4, 64)],
        "one": [(322, 4, 64)],
        "short": [(322, 3, 16), (323, 3, 300)],
        "bytes": [(322, 1, 255), (323, 1, 3)],
        "long": [(322, 16, 64), (323, 16, 32)],
        "texts": [(322, 2, 64), (323, 2, 64)],
        "fractions": [(322, 5, 64), (323, 4, 64)],
        "twice": [(322, 4, 64), (322, 4, 64)],
        "none": [],
        "0": [(322, 4, 0), (323, 4, 64)],
        "huge": [(322, 4, 1 << 31), (323, 4, 1 << 30)],
        "others": [(256, 4, 100), (322, 4, 64), (323, 4, 64), (257, 3, 7)],
    }
    for name, entries in sides.items():
        for order in ("II", "MM"):
            for big in (False, True):
                if big or all(kind != 16 for _, kind, _ in entries):
                    data = _tiff(order, big, entries)
                    yield f"a TIFF with tiles of {name}, {order} {big}", effort(data)
                    yield f"a TIFF with tiles of {name}, {order} {big}, cut short", effort(data[:-3])
                    yield (
                        f"a TIFF with tiles of {name}, {order} {big}, of fewer entries",
                        effort(_tiff(order, big, entries, 1)),
                    )
    yield "a TIFF that begins nowhere", effort(b"II*\0\xff\xff\xff\xff")
    yield "a TIFF of four bytes", effort(b"II*\0")
    for width, height in ((63, 64), (64, 64), (65, 64), (64, 65), (128, 129)):
        yield f"tiles of 64 for {width}x{height}", effort(_tiff("II", False, sides["both"]), width, height)
    most, times = images.MOST_NUMBERS, images.TIMES
    for more in (0, 1):
        yield f"pixels of a small picture, {more} more", _said(check_numbers, "it", most + more, 9)
        yield (
            f"pixels of a large picture, {more} more",
            _said(check_numbers, "it", times * 2_000_000 + more, 2_000_000),
        )
        yield f"comments, {more} more", effort(b"P3" + b"#" * (images.MOST_COMMENTS + more))
        yield f"comments elsewhere, {more} more", effort(b"P6" + b"#" * (images.MOST_COMMENTS + more))
        scans = b"\xff\xd8" + b"\xff\xda" * (images.MOST_SCANS + more)
        yield f"scans, {more} more", effort(scans, 4096, 4096)
        yield f"scans of no JPEG, {more} more", effort(scans[2:], 4096, 4096)
        large = b"\xff\xd8" + b"\xff\xda" * images.MOST_SCANS + b"0" * (2_000_000 - 34)
        yield f"scans of a large JPEG, {more} more", effort(large, times * 2_000_000 // 1000, 1000 + more)


def _allowed() -> Iterator[tuple[str, str]]:
    for files, n_bytes in ((1, 100), (3, 100), (2, 5_000_000)):
        for more in (0, 1):
            for share in ("decode", "keep"):
                held = preparing._Allowed(is_sized=False)
                for _ in range(files):
                    held.open(n_bytes // files)
                total = n_bytes // files * files
                most = {
                    "decode": preparing.MOST_DECODED
                    + preparing.DECODED_A_FILE * files
                    + preparing.DECODED_A_BYTE * total,
                    "keep": max(images.MOST_NUMBERS, images.TIMES * total) + preparing.KEPT_A_FILE * files,
                }[share]
                first = _said(getattr(held, share), most - 5)
                yield (
                    f"{share} of {files} files of {n_bytes}, {more} more",
                    f"{first} {_said(getattr(held, share), 5 + more)}",
                )


def _shapes() -> Iterator[tuple[str, str]]:
    for shape in (
        (4, 5),
        (3, 4, 5),
        (4, 5, 3),
        (1, 4, 5),
        (2, 3, 4, 5),
        (2, 4, 5, 3),
        (3, 3, 3, 3),
        (2, 3, 4, 3),
    ):
        for channels in (None, 1, 3, 4):
            for layout in (None, "nchw", "nhwc"):
                n = preparing._n_images(shape, layout, channels)
                found = [
                    preparing._with_axes(np.zeros(shape), layout, channels, own_last).shape
                    for own_last in (False, True)
                ]
                yield f"{shape} of {channels} channels as {layout}", f"{found} {n}"
