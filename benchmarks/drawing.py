"""How fast pages are drawn, as ratios: filtviz against the PNG encoder alone and the usual ways.

The usual ways are nolearn's own function for its layout, and for sheets what users of PyTorch do:
``torchvision.utils.make_grid`` and ``save_image``. Where torchvision is not installed, a mosaic in numpy of
the same layout, encoded by Pillow, stands in for it, and the table says so.

Run it on an idle machine, with the extra ``lasagne`` for nolearn's column::

    python benchmarks/drawing.py

It prints the Markdown tables that the README quotes. ``--quick`` leaves VGG-16 out.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core is one core

import numpy as np
from tabulate import tabulate

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.grid import find_pixel_map
from filtviz.drawing.saving import Destination, plan_files, write_files
from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Network
from filtviz.sources import Sources

LAYERS = [(20, 3), (64, 3), (64, 7), (512, 3)]
"""Filters and kernel size of the layers that are timed page by page."""

SHEETS = [(64, 3, 7), (512, 512, 3)]
"""Filters, channels and kernel size of the layers of which sheets are timed."""

PAGES = 64
"""Channels, and so pages, that a layer has for filtviz and the encoder; nolearn draws two of them."""

VGG16 = [
    (64, 3), (64, 64), (128, 64), (128, 128), (256, 128), (256, 256), (256, 256),
    (512, 256), (512, 512), (512, 512), (512, 512), (512, 512), (512, 512),
]  # fmt: skip
"""Filters and channels of the thirteen 3x3 convolutions of VGG-16 (Simonyan and Zisserman, 2015)."""


class LiveLayer:
    """What nolearn's function looks at: ``layer.W.get_value()``."""

    def __init__(self, filters: np.ndarray) -> None:
        self.W = self
        self.get_value = lambda: filters


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave VGG-16 out")
    arguments = parser.parse_args()
    # Large things last: a process inherits the peak of the one that starts it.
    tables = [] if arguments.quick else [(vgg_rows(), VGG_HEADERS)]
    tables += [(start_rows(), START_HEADERS), ([sheet_row(*shape) for shape in SHEETS], SHEET_HEADERS)]
    tables += [([page_row(*layer) for layer in LAYERS], PAGE_HEADERS)]
    for rows, headers in reversed(tables):
        print(tabulate(rows, headers, tablefmt="github", stralign="right", disable_numparse=True), "\n")


PAGE_HEADERS = [
    "kernels on a page", "nolearn, ms a page", "filtviz", "Pillow alone",
    "nolearn / filtviz", "filtviz / Pillow",
]  # fmt: skip
SHEET_HEADERS = [
    "a sheet of", "pages", "filtviz, ms in all", "Pillow alone", "filtviz / Pillow", "a grid by", "ms",
    "filtviz / grid",
]  # fmt: skip
START_HEADERS = ["start-up", "seconds", "ratio"]
VGG_HEADERS = ["VGG-16's shapes", "pages", "seconds", "largest process, MB"]


def page_row(n_filters: int, size: int) -> list[str]:
    """Return one row of the table of pages: files written on one core, geometry and all."""
    rng = np.random.default_rng(0)
    filters = rng.standard_normal((n_filters, PAGES, size, size), np.float32)
    images = images_of(filters)
    with tempfile.TemporaryDirectory() as folder:
        works = lambda: write_with_filtviz(filters, Path(folder)), lambda: encode(images)
        ours, alone = (seconds / PAGES for seconds in best_of(7, *works))
        theirs = time_nolearn(filters[:, :2], Path(folder))
    return [
        f"{n_filters} of {size}x{size}",
        "(extra lasagne)" if theirs is None else f"{theirs * 1e3:,.0f}",
        f"{ours * 1e3:.2f}",
        f"{alone * 1e3:.2f}",
        "" if theirs is None else f"{theirs / ours:,.0f}",
        f"{ours / alone:.2f}",
    ]


def sheet_row(n_filters: int, n_channels: int, size: int) -> list[str]:
    """Return one row of the table of sheets.

    The grid is one picture of all kernels, in grey and without words, its weights as large as the sheet's.
    """
    filters = np.random.default_rng(0).standard_normal((n_filters, n_channels, size, size), np.float32)
    images = images_of(filters, "sheet")
    name, grid = grid_function()
    zoom = pictures_of(filters, "sheet")[0].page.plan.zoom
    works = (
        lambda: encode(images_of(filters, "sheet")),
        lambda: encode(images),
        lambda: grid(filters, zoom, BytesIO()),
    )
    ours, alone, theirs = best_of(3 if n_channels > 100 else 7, *works)
    return [
        f"{n_filters}x{n_channels} of {size}x{size}",
        str(len(images)),
        f"{ours * 1e3:,.0f}",
        f"{alone * 1e3:,.0f}",
        f"{ours / alone:.2f}",
        name,
        f"{theirs * 1e3:,.0f}",
        f"{ours / theirs:.2f}",
    ]


def grid_function() -> tuple[str, Callable[[np.ndarray, int, BytesIO], None]]:
    """Return what draws a layer as one grid, and what it is called."""
    try:
        import torch
        from torchvision.utils import make_grid, save_image
    except ImportError:
        return "numpy in make_grid's layout", save_mosaic

    def save_grid(filters: np.ndarray, zoom: int, stream: BytesIO) -> None:
        kernels = torch.from_numpy(filters.reshape(-1, 1, *filters.shape[2:]))
        kernels = kernels.repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
        save_image(make_grid(kernels, nrow=filters.shape[1], normalize=True), stream, format="png")

    return "torchvision", save_grid


def save_mosaic(filters: np.ndarray, zoom: int, stream: BytesIO) -> None:
    """Write kernels as ``make_grid(normalize=True)`` lays them out: one scale, 2 pixels between, RGB."""
    from PIL import Image

    n_filters, n_channels, rows, cols = filters.shape
    low, high = filters.min(), filters.max()
    levels = ((filters - low) / (high - low) * 255 + 0.5).astype(np.uint8).repeat(zoom, 2).repeat(zoom, 3)
    table = np.pad(levels.transpose(0, 2, 1, 3), [(0, 0), (2, 0), (0, 0), (2, 0)])
    grid = table.reshape(n_filters * (rows * zoom + 2), n_channels * (cols * zoom + 2))
    grid = np.pad(grid, [(0, 2), (0, 2)])
    Image.fromarray(np.repeat(grid[..., None], 3, axis=2)).save(stream, "PNG")


def best_of(n: int, *works: Callable[[], object]) -> list[float]:
    """Return the least seconds that each work takes; they take turns, so that none has the quiet moments."""
    best = [math.inf] * len(works)
    for _ in range(n):
        for i, work in enumerate(works):
            start = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def pictures_of(filters: np.ndarray, view: str = "grid") -> list:
    """Return a layer's pictures, not yet drawn."""
    layer = ConvLayer.of(filters, type="Conv2DLayer")
    (layer,) = Network.of([layer]).conv_layers
    return list(draw(layer, range(layer.n_channels), DrawingOptions(view=view)))


def write_with_filtviz(filters: np.ndarray, folder: Path) -> None:
    """Write a layer's pages as `filtviz export` does in one process."""
    find_pixel_map.cache_clear()
    destination = Destination(folder, None, "png")
    files = plan_files({"conv1": pictures_of(filters)}, "ours", destination)
    assert len(list(write_files(files, destination, DrawingOptions(), Sources()))) == filters.shape[1]


def images_of(filters: np.ndarray, view: str = "grid") -> list:
    """Return a layer's pages as Pillow images."""
    return [picture.image() for picture in pictures_of(filters, view)]


def encode(images: list) -> None:
    """Encode pages with Pillow, and nothing else."""
    for image in images:
        image.save(BytesIO(), "PNG")


def time_nolearn(filters: np.ndarray, folder: Path) -> float | None:
    """Return the seconds that nolearn's function and ``savefig`` take for a page; None without the extra."""
    try:
        import_module("filtviz.theano_shim")  # before Theano, which nolearn imports
    except FiltvizError:
        return None
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot
    from nolearn.lasagne.visualize import plot_conv_weights

    start = time.perf_counter()
    plot_conv_weights(LiveLayer(filters))
    for number in pyplot.get_fignums():
        pyplot.figure(number).savefig(folder / f"nolearn-{number}.png")
    pyplot.close("all")
    return (time.perf_counter() - start) / filters.shape[1]


def start_rows() -> list[list[str]]:
    """Compare the start of ``filtviz plot`` on small files with the imports that a plotting script needs."""
    imports = [sys.executable, "-c", "import numpy; from matplotlib.figure import Figure"]
    program = [sys.executable, "-c", "from filtviz.cli import main; main()", "plot"]
    with tempfile.TemporaryDirectory() as folder:
        small, coloured = (save_layer(Path(folder), *shape) for shape in [(20, 1, 3), (64, 3, 7)])
        commands = [
            imports,
            [*program, small, "-o", folder],
            [*program, coloured, "--view", "sheet", "-o", folder],
        ]
        run = partial(subprocess.run, check=True, capture_output=True)
        least, grid, sheet = best_of(7, *(partial(run, words) for words in commands))
    return [
        ["import numpy; from matplotlib.figure import Figure", f"{least:.2f}", "1.00"],
        ["filtviz plot on 20 kernels, picture and all", f"{grid:.2f}", f"{grid / least:.2f}"],
        ["filtviz plot --view sheet on 64x3 of 7x7", f"{sheet:.2f}", f"{sheet / least:.2f}"],
    ]


def save_layer(folder: Path, n_filters: int, n_channels: int, size: int) -> str:
    """Write a model of one layer and return its path."""
    filters = np.random.default_rng(0).standard_normal((n_filters, n_channels, size, size), np.float32)
    path = folder / f"{n_filters}x{n_channels}.npz"
    np.savez(path, filters, np.zeros(n_filters, "f4"))
    return str(path)


def vgg_rows() -> list[list[str]]:
    """Export one layer of VGG-16's shapes, then all, each in a fresh process, and compare time and memory."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "vgg16.npz"
        rng = np.random.default_rng(0)
        arrays = []
        for n_filters, n_channels in VGG16:
            arrays += [
                rng.standard_normal((n_filters, n_channels, 3, 3), np.float32),
                np.zeros(n_filters, "f4"),
            ]
        np.savez(model, *arrays)
        for name, layers in (("its last layer", ["-1"]), ("all thirteen", [])):
            target = Path(folder) / name
            start = time.perf_counter()
            peak = export_in_process(model, target, layers)
            seconds = time.perf_counter() - start
            pages = len(list(target.rglob("*.png")))
            rows.append([f"{name}, {os.cpu_count()} cores", f"{pages:,}", f"{seconds:.1f}", f"{peak:.0f}"])
    return rows


def export_in_process(model: Path, target: Path, layers: list[str]) -> float:
    """Run ``filtviz export`` and return the peak memory, in MB, of its largest process."""
    report = (
        "import resource, sys; from filtviz.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN;"
        "print(max(resource.getrusage(w).ru_maxrss for w in who))"
    )
    options = [word for layer in layers for word in ("--layer", layer)]
    command = [sys.executable, "-c", report, "export", str(model), "-o", str(target), "--quiet", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1024


if __name__ == "__main__":
    main()
