"""``manifest.json``: what each picture of an export shows, and how it was made.

It is written before the first picture of a model is drawn and once more at the end, each time as a whole. So
a picture that exists and stands in the manifest as it would be described now need not be drawn again: that is
how a run that was stopped goes on. A picture that would be described otherwise is removed before the manifest
describes its successor.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz._version import __version__
from filtviz.errors import OutputError
from filtviz.files import write_whole
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.network import ConvLayer

__all__ = [
    "MANIFEST",
    "Entry",
    "describe_options",
    "describe_picture",
    "read_manifest",
    "relative",
    "value_ranges",
    "write_manifest",
]

MANIFEST = "manifest.json"

Entry = Mapping[str, Any]
"""The description of one file: paths are relative to the manifest's folder."""


def describe_picture(
    file: str,
    model: Mapping[str, str],
    layer: ConvLayer,
    channels: Sequence[int],
    ranges: NDArray[np.float64],
    options: Mapping[str, Any],
) -> Entry:
    """Return the entry of the file that shows ``channels``.

    ``model`` is what the entries of a model have in common, ``ranges`` ``(channels, 2)`` are the layer's
    value ranges, ``options`` come from `describe_options`. ``channel`` is None where the file shows several
    channels, ``range`` is None where no weight is finite.
    """
    low, high = ranges[channels, 0].min(), ranges[channels, 1].max()
    return {
        "file": file,
        **model,
        "layer": layer.label,
        "type": layer.type,
        "conv_index": layer.conv_index,
        "channel": channels[0] if len(channels) == 1 else None,
        "channels": list(channels),
        "filters": layer.n_filters,
        "kernel_size": list(layer.kernel_size),
        "range": [float(low), float(high)] if low <= high else None,
        "options": options,
        "version": __version__,
    }


def describe_options(options: DrawingOptions) -> Mapping[str, Any]:
    """Return the options as they come back from a manifest, so that they can be compared with one."""
    described: Mapping[str, Any] = json.loads(json.dumps(asdict(options)))
    return described


def value_ranges(layer: ConvLayer) -> NDArray[np.float64]:
    """Return the least and greatest finite weight of each channel ``(channels, 2)``; inf, -inf for none."""
    filters = layer.filters
    over = {"axis": (0, 2, 3), "where": np.isfinite(filters), "dtype": np.float64}
    low = np.minimum.reduce(filters, initial=np.inf, **over)
    high = np.maximum.reduce(filters, initial=-np.inf, **over)
    return np.stack([low, high], axis=-1)


def read_manifest(folder: Path) -> list[Entry]:
    """Return the entries of an earlier run; none where there was none.

    Raises:
        OutputError: there is a ``manifest.json`` that filtviz has not written, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        known = json.loads(path.read_bytes())
        entries = known["pictures"]
        texts = [entry[key] for entry in entries for key in ("file", "model")]
        if known["program"] != "filtviz" or not all(isinstance(text, str) for text in texts):
            raise ValueError
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise OutputError(f"cannot read {printable(path, 200)}: {reason}", path=path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{printable(path, 200)} is no manifest of filtviz: export to another folder, or move it away",
            path=path,
        ) from error
    return list(entries)


def write_manifest(folder: Path, entries: Iterable[Entry], *, complete: bool) -> Path:
    """Write the manifest as a whole; ``complete`` is False as long as pictures are missing.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / MANIFEST
    ordered = sorted(entries, key=lambda entry: entry["file"])
    text = json.dumps(
        {"program": "filtviz", "version": __version__, "complete": complete, "pictures": ordered}, indent=1
    )
    write_whole(path, lambda stream: stream.write(text.encode("ascii")))
    return path


def relative(path: Path, folder: Path) -> str:
    """Return ``path`` as seen from ``folder``, with slashes; absolute where no way leads (another drive)."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.absolute().as_posix()
