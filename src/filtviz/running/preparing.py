"""Pictures and arrays out of files, made into the images that a network takes, and what was done to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import ReadError, RunningError
from filtviz.network import Layer, Network
from filtviz.operations import Identity, Normalisation
from filtviz.reading.arrays import count
from filtviz.running.images import (
    FORMATS,
    MOST_NUMBERS,
    TIMES,
    arrays_in,
    check_effort,
    check_numbers,
    contents,
    reason_of,
)
from filtviz.running.inference import input_of
from filtviz.sources import is_result
from filtviz.text import listed, natural_key, plural, printable

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

__all__ = [
    "SUFFIXES",
    "Pictures",
    "Preparation",
    "is_paths",
    "paths_of",
    "read_labels",
    "read_pictures",
    "size_of",
]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".npy", ".npz")
LARGEST = 1 << 22
"""Pixels of an image that nobody asks for: as a model file tells them, or a picture that is not resized."""

IMAGE_KEYS, LABEL_KEYS = (
    ("images", "x", "X", "data", "x_test", "X_test"),
    ("labels", "y", "targets", "y_test"),
)


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How images are prepared, which few files tell.

    Attributes:
        mean: Taken off each pixel, one number or one for each channel.
        scale: What each pixel is multiplied with then, one number or one for each channel.
        size: Rows and columns to which pictures are resized; None for those that the network takes.
        channels: ``rgb`` or ``bgr``: the order in which the network takes colours.
        layout: ``nchw`` or ``nhwc``: the axes of arrays; None for what fits the network.
    """

    mean: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    size: tuple[int, int] | None = None
    channels: str = "rgb"
    layout: str | None = None

    @property
    def is_default(self) -> bool:
        """Whether pixels are used as they are."""
        return (self.mean, self.scale, self.channels) == ((0.0,), (1.0,), "rgb")


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """Images for a network.

    Attributes:
        images: As the network takes them, in its own axes.
        seen: As a person sees them, ``(images, channels, rows, cols)`` in [0, 1] for pictures.
        names: What each is called: its file, with its number where the file holds several.
        labels: What the file says of each, None where it says nothing.
        sentences: What was done to them, and what is not known.
    """

    images: NDArray[np.float64]
    seen: NDArray[np.float64]
    names: tuple[str, ...]
    labels: tuple[str, ...] | None
    sentences: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class _Part:
    """What one file holds: ``(images, channels, rows, cols)``."""

    pixels: NDArray[np.float64]
    names: tuple[str, ...]
    labels: tuple[str, ...] | None = None
    remark: str = ""


def is_paths(given: Any) -> bool:
    """Tell paths of images from images.

    Args:
        given: A path, several, or anything else.
    """
    if isinstance(given, list | tuple):
        return bool(given) and all(isinstance(each, str | PathLike) for each in given)
    return isinstance(given, str | PathLike)


def read_pictures(
    paths: Sequence[str | PathLike[str]], network: Network, preparation: Preparation | None = None
) -> Pictures:
    """Read images for a network.

    Args:
        paths: Pictures, folders of them, ``.npy`` and ``.npz`` files. Pixels of pictures, and whole numbers
            of 8 bits, become 0 to 1; other numbers are used as they are.
        network: What is to be shown them.
        preparation: How they are prepared.

    Raises:
        RunningError: there are none, one cannot be read, or they do not go together.
    """
    how = preparation or Preparation()
    entrance = input_of(network)
    shape = None if entrance is None else entrance.shape
    channels, *lengths = shape[1:] if shape is not None and len(shape) == 4 else (None, None, None)
    if how.size is None and None not in lengths:
        rows, cols = int(lengths[0] or 0), int(lengths[1] or 0)
        if rows * cols > LARGEST:
            raise RunningError(
                f"the file says that its network takes images of {rows:,}x{cols:,} pixels: if that is meant, "
                f"give --size {rows}x{cols}"
            )
        how = replace(how, size=(rows, cols))
    own_last = entrance is not None and entrance.channels_last
    allowed = _Allowed(is_sized=preparation is not None and preparation.size is not None)
    results: list[Path] = []
    parts = [_read(path, how, channels, own_last, allowed) for path in _files(paths, results)]
    if len({part.pixels.shape[1:] for part in parts}) > 1:
        sizes = sorted({"x".join(map(str, part.pixels.shape[2:])) for part in parts})[:4]
        raise RunningError(f"the images have different sizes ({', '.join(sizes)}): give one with --size")
    seen = parts[0].pixels if len(parts) == 1 else np.concatenate([part.pixels for part in parts])
    prepared = (seen[:, ::-1] if how.channels == "bgr" else seen) - _each(how.mean, seen.shape[1], "--mean")
    prepared *= _each(how.scale, seen.shape[1], "--scale")
    all_labels = [part.labels for part in parts]
    labels = None if None in all_labels else tuple(one for each in all_labels for one in each or ())
    return Pictures(
        images=np.moveaxis(prepared, 1, -1) if own_last else prepared,
        seen=seen,
        names=tuple(name for part in parts for name in part.names),
        labels=labels,
        sentences=(
            *dict.fromkeys(part.remark for part in parts if part.remark),
            *_passed_over(results),
            *_said(network, prepared, how),
        ),
    )


def size_of(images: Any) -> int | None:
    """Return the size of the files of images; None where a person gives arrays.

    Args:
        images: A path, several, or anything else.
    """
    if not is_paths(images):
        return None
    with suppress(OSError):
        return sum(path.stat().st_size for path in _files(paths_of(images)))
    return 0  # one that cannot be looked at cannot be read


def paths_of(images: Any) -> list[str | PathLike[str]]:
    """Return the paths of images, of which one may be given alone.

    Args:
        images: What `is_paths` holds for.
    """
    return [images] if isinstance(images, str | PathLike) else list(images)


def _said(network: Network, prepared: NDArray[np.float64], how: Preparation) -> Iterator[str]:
    """Say how the images were prepared."""
    low, high = f"{prepared.min():.3g}", f"{prepared.max():.3g}"
    for layer in _first(network):
        if any(isinstance(each, Normalisation) for each in layer.operations):
            yield f"the network itself begins with a normalisation ({layer.title}), which is done here, too"
    if how.is_default:
        yield (
            f"the file does not tell how its images were prepared: used as given (range {low} to {high}); "
            "--mean, --scale, --size, --channels and --layout change it"
        )
    else:
        yield f"images were prepared as asked (range {low} to {high})"


def _first(network: Network) -> Iterator[Layer]:
    """Yield what the images meet first: one after another, as long as it only normalises or passes on."""
    current = [layer for layer in network.layers if not layer.inputs]
    while len(current) == 1:
        readers = network.readers(current[0])
        current = [
            each
            for each in readers
            if all(isinstance(one, Normalisation | Identity) for one in each.operations)
        ]
        yield from current


def _each(numbers: tuple[float, ...], channels: int, option: str) -> NDArray[np.float64]:
    if len(numbers) not in (1, channels):
        raise RunningError(
            f"{option} has {len(numbers)} numbers, the images have {plural(channels, 'channel')}"
        )
    return np.array(numbers).reshape(-1, 1, 1)


def _files(paths: Sequence[str | PathLike[str]], results: list[Path] | None = None) -> Iterator[Path]:
    """Yield the files, those of a folder in the order in which a person counts them.

    Args:
        paths: Files and folders.
        results: Takes what in a folder is a result of filtviz, which is no image then; None takes it for one.
    """
    found = False
    if "" in paths:  # which pathlib takes for the folder that one is in
        raise RunningError("an empty text is no path of images: give a file or a folder")
    for given in map(Path, paths):
        try:
            inside = (
                sorted(given.iterdir(), key=lambda path: natural_key(path.name)) if given.is_dir() else None
            )
        except OSError as error:
            raise RunningError(f"cannot read {printable(given, 200)}: {printable(error.strerror)}") from None
        held = [given] if inside is None else [one for one in inside if one.suffix.lower() in SUFFIXES]
        own = [] if inside is None or results is None else [one for one in held if is_result(one)]
        if results is not None:
            results += own
        held = [one for one in held if one not in own]
        if not held:
            but = " but results of filtviz: name the files that are meant" if own else ""
            raise RunningError(f"the folder {printable(given, 200)} holds no picture{but}")
        found = True
        yield from held
    if not found:
        raise RunningError("there is no image: give pictures, folders, .npy or .npz files")


def _passed_over(results: Sequence[Path]) -> Iterator[str]:
    """Say that what filtviz has drawn is not shown to a network with the other pictures of a folder."""
    if results:
        names = listed([printable(path.name, 60) for path in results], 3)
        yield f"{names} {'is' if len(results) == 1 else 'are'} no image but what filtviz wrote: not shown"


MOST_DECODED, DECODED_A_FILE, DECODED_A_BYTE = 96_000_000, 2_000_000, 64
"""Pixels that all pictures together may have: of small files, for each file, and for each of their bytes."""

KEPT_A_FILE = 400_000
"""Numbers that pictures may become for each file, beyond what files of their size may hold."""

MOST_OF_A_PICTURE, MOST_OF_LABELS = 1 << 28, 1 << 24
"""Bytes of a file that is read as a whole."""

AN_IMAGE = 256
"""Numbers that an image of an array counts for at the least: it has a name and an answer of its own."""


@dataclass(eq=False)
class _Allowed:
    """What all files of images may hold together: what stands for much in one does so again in the next.

    Attributes:
        files: How many there are so far.
        n_bytes: Their size.
        decoded: The pixels of all pictures.
        kept: The numbers that are shown to the network.
        is_sized: Whether a person said how large pictures are to be, which then may be as many as they are.
    """

    is_sized: bool
    files: int = 0
    n_bytes: int = 0
    decoded: int = 0
    kept: int = 0

    def open(self, n_bytes: int) -> None:
        """Take note of another file."""
        self.files += 1
        self.n_bytes += n_bytes

    def decode(self, n_pixels: int) -> None:
        """Take note of a picture that is about to be decoded.

        Raises:
            RunningError: all have too many pixels.
        """
        self.decoded += n_pixels
        most = MOST_DECODED + DECODED_A_FILE * self.files + DECODED_A_BYTE * self.n_bytes
        if self.decoded > most:
            raise RunningError(
                f"{plural(self.files, 'picture')} of {self.n_bytes:,} bytes have {self.decoded:,} pixels, "
                "too many for their size: give smaller pictures, or fewer"
            )

    def keep(self, n_numbers: int) -> None:
        """Take note of what is about to be kept of a file.

        Raises:
            RunningError: all hold too much.
        """
        self.kept += n_numbers
        most = max(MOST_NUMBERS, TIMES * self.n_bytes) + KEPT_A_FILE * self.files
        if self.kept > most:
            raise RunningError(
                f"{plural(self.files, 'file')} of {self.n_bytes:,} bytes become {self.kept:,} numbers, "
                "too many for their size: give fewer images, or say with --size how large pictures are to be"
            )


def _read(path: Path, how: Preparation, channels: int | None, own_last: bool, allowed: _Allowed) -> _Part:
    name = printable(path.name, 80)
    try:
        if path.suffix.lower() in (".npy", ".npz"):
            return _arrays(path, name, how, channels, own_last, allowed)
        return _picture(path, name, how, channels, allowed)
    except ReadError as error:
        raise RunningError(f"cannot read {printable(path, 200)}: {reason_of(error)}") from None


def _picture(path: Path, name: str, how: Preparation, channels: int | None, allowed: _Allowed) -> _Part:
    import warnings

    from PIL import Image

    mode = {1: "L", 4: "RGBA"}.get(channels or 3, "RGB")
    if channels not in (None, 1, 3, 4):
        raise RunningError(f"the network takes {channels} channels, which no picture has: give a .npy file")
    data = contents(path, MOST_OF_A_PICTURE)
    allowed.open(len(data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd in a file is no matter of the program's
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as opened:
                allowed.decode(check_effort(name, data, opened))
                rows, cols = how.size or (opened.height, opened.width)
                allowed.keep(0 if allowed.is_sized else rows * cols * len(mode))
                picture = _of_eight_bits(opened).convert(mode)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RunningError(f"{name} has too many pixels: give a smaller picture") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
        raise RunningError(f"cannot read {printable(path, 200)}: it is no picture that can be read") from None
    remark = ""
    if how.size is not None and (picture.height, picture.width) != how.size:
        remark = f"pictures were resized to {how.size[0]}x{how.size[1]}"
        picture = picture.resize((how.size[1], how.size[0]), Image.Resampling.BILINEAR)
    elif picture.width * picture.height > LARGEST:
        raise RunningError(f"{name} has {picture.height:,}x{picture.width:,} pixels: give a size with --size")
    pixels = np.asarray(picture) / 255.0
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return _Part(np.moveaxis(pixels, -1, 0)[None], (name,), None, remark)


def _of_eight_bits(opened: PillowImage) -> PillowImage:
    """Return a picture of 16 bits a pixel with 8, which Pillow itself would cut off at 255."""
    from PIL import Image

    if not opened.mode.startswith("I"):
        return opened
    return Image.fromarray(np.clip(np.asarray(opened) / 257.0, 0, 255).round().astype(np.uint8))


def _arrays(
    path: Path, name: str, how: Preparation, channels: int | None, own_last: bool, allowed: _Allowed
) -> _Part:
    arrays = arrays_in(path)
    if not arrays:
        raise RunningError(f"{name} holds no arrays of numbers that can be read")
    key = next((key for key in ("", *IMAGE_KEYS) if key in arrays), None)
    if key is None:
        many = [key for key, array in arrays.items() if len(array.shape) >= 2]
        key = many[0] if len(many) == 1 else None
    if key is None:
        raise RunningError(f"{name} has no array called images (it has {printable(', '.join(arrays), 100)})")
    stored = arrays[key]
    if stored.dtype.kind not in "fiub" or len(stored.shape) not in (2, 3, 4) or not all(stored.shape):
        raise RunningError(f"{name} holds no images: they have the shape {stored.shape}, type {stored.dtype}")
    size = path.stat().st_size
    n_numbers = max(count(stored.shape), AN_IMAGE * _n_images(stored.shape, how.layout, channels))
    check_numbers(name, n_numbers, size)
    allowed.open(size)
    allowed.keep(n_numbers)
    array = stored.read()
    pixels = array / 255.0 if array.dtype == np.uint8 else array.astype(np.float64)
    pixels = _with_axes(pixels, how.layout, channels, own_last)
    if not np.isfinite(pixels).all():
        raise RunningError(f"{name} holds NaN or infinity: nothing can be computed of it")
    names = (name,) if len(pixels) == 1 else tuple(f"{name}[{number}]" for number in range(len(pixels)))
    labels = next((arrays[one] for one in LABEL_KEYS if one in arrays), None)
    if labels is not None and labels.shape[:1] == (len(pixels),) and count(labels.shape) == len(pixels):
        return _Part(pixels, names, tuple(printable(one, 60) for one in labels.read().ravel().tolist()))
    return _Part(pixels, names)


def _n_images(shape: tuple[int, ...], layout: str | None, channels: int | None) -> int:
    """Return how many images an array holds, see `_with_axes`."""
    is_lone = len(shape) == 2 or (len(shape) == 3 and (channels not in (None, 1) or layout is not None))
    return 1 if is_lone else shape[0]


def _with_axes(
    array: NDArray[np.float64], layout: str | None, channels: int | None, own_last: bool
) -> NDArray[np.float64]:
    """Return an array as ``(images, channels, rows, cols)``."""
    if array.ndim == 2:
        return array[None, None]
    if array.ndim == 3:
        if channels in (None, 1) and layout is None:
            return array[:, None]
        array = array[None]
    fits_first, fits_last = array.shape[1] == channels, array.shape[-1] == channels
    last = layout == "nhwc" if layout else fits_last and (own_last or not fits_first)
    return np.moveaxis(array, -1, 1) if last else array


def read_labels(path: str | PathLike[str]) -> tuple[str, ...]:
    """Read the names of classes, one a line.

    Raises:
        RunningError: the file cannot be read.
    """
    try:
        text = contents(path, MOST_OF_LABELS).decode("utf-8", "replace")
    except ReadError as error:
        raise RunningError(f"cannot read the labels {printable(path, 200)}: {reason_of(error)}") from None
    return tuple(printable(line.strip(), 60) for line in text.splitlines() if line.strip())
