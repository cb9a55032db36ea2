"""How files are named after what they show.

A name tells its models apart wherever the names of these differ: what a file name cannot hold, or has no room
for, is made up for by a few digits of a digest, which do not depend on what else there is.

To change how something is named, change its function here; `batch.manifest` takes what is written in an
earlier run for a name only if it is made of the same characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from filtviz.network import Network
from filtviz.text import digest, file_stem

__all__ = [
    "DEEPEST",
    "layer_stems",
    "model_folders",
    "model_stem",
    "models_stem",
    "models_stems",
    "names_taken",
    "picture_name",
    "picture_starts",
    "telling_names",
    "unique_stems",
]

INDEX = ".index.json"
"""How the index of a model in several files ends, which is named after the model."""

PACKED = {".gz", ".bz2", ".xz"}
"""Suffixes of packed files, which hide the one that matters (``model.pkl.gz``)."""


def model_stem(path: Path) -> str:
    """Return the model file's name without its suffixes, as a part of a file name.

    Where that is not the name as it stands, it ends in digits of a digest of the name.
    """
    stem = _stem(path)
    shown = file_stem(stem)
    return shown if shown == stem else file_stem(stem, ending=digest(path.name))


def telling_names(paths: Sequence[Path]) -> list[str]:
    """Return for each of some models the end of its path that tells it from the others, as short as can be.

    It is the file's own name; where others are called the same without their suffixes, the folders that tell
    them apart stand before it (``run1/net.pkl``). What lies in one folder is told apart by its suffix.

    Args:
        paths: The models.
    """
    alike: dict[str, list[int]] = {}
    for place, path in enumerate(paths):
        alike.setdefault(_stem(path).casefold(), []).append(place)
    names = [path.name for path in paths]
    for places in alike.values():
        tails = _shortest_tails([paths[place] for place in places])
        for place, tail in zip(places, tails, strict=True):
            names[place] = tail
    return names


def _shortest_tails(paths: Sequence[Path]) -> list[str]:
    """Return as few last parts of paths that are called alike as tell apart as many as all parts do."""
    if len({path.parent for path in paths}) == 1:
        return [path.name for path in paths]
    whole = [path.absolute().parts for path in paths]
    n_apart = len({parts[:-1] for parts in whole})
    for depth in range(2, max(map(len, whole)) + 1):
        if len({parts[-depth:-1] for parts in whole}) == n_apart:
            return ["/".join(parts[-depth:]).replace("//", "/") for parts in whole]
    return ["/".join(parts) for parts in whole]


def models_stems(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the parts of a file name that may stand for some models, the one to take first.

    It is that of the model, or of the first and the last of several, told apart by folders or suffixes where
    they are called alike. More than two end in digits of a digest of all. Where results of other models are
    called so already, the folder's name goes before, and then digits that tell where the models lie.

    Args:
        paths: The models.
    """
    real = [path.absolute() for path in paths]
    ends = [real[0]] if len(real) == 1 else [real[0], real[-1]]
    longer = "-".join(f"{_part(path.parent.name)}-{model_stem(path)}".lstrip("-") for path in ends)
    all_places = digest("/".join(map(str, real)))
    several = digest("/".join(telling_names(paths))) if len(paths) > 2 else ""
    stems = [models_stem(paths), file_stem(longer, ending=several), file_stem(longer, ending=all_places)]
    return tuple(dict.fromkeys(stems))


def models_stem(paths: Sequence[Path]) -> str:
    """Return the part of a file name that stands for several models: the first and the last of them.

    Where there are more than two, it ends in digits of a digest of all their names.
    """
    if len(paths) < 2:
        return model_stem(paths[0])
    names = telling_names(paths)
    stems = [_joined(path, name) for path, name in zip(paths, names, strict=True)]
    if stems[0] == stems[-1] and names[0] != names[-1]:  # in one folder, by different suffixes
        stems = [file_stem(name.replace("/", "-")) for name in names]
    all_names = digest("/".join(names)) if len(names) > 2 else ""
    return file_stem(f"{stems[0]}-{stems[-1]}", ending=all_names)


def _joined(path: Path, name: str) -> str:
    """Return a name that tells a model apart as a part of a file name, without the file's suffixes."""
    folders = [_part(part) for part in name.split("/")[:-1] if part]
    return "-".join([*folders, model_stem(path)])


def names_taken(names: Iterable[str]) -> Counter[str]:
    """Count how many of the files in a folder may be called so as models, where case does not count.

    Args:
        names: The names of what is in the folder.
    """
    models = (name for name in names if Path(name).suffix.lower() not in NO_MODELS)
    return Counter(called for name in models for called in {each.casefold() for each in _called(name)})


def model_folders(place: str, taken: Counter[str] | None = None) -> tuple[str, ...]:
    """Return the names that the folder of a model's pictures may have, the one that it gets first.

    It is the path below the nearest folder that holds both the model and that of all, without the file's
    suffixes: ``run1/net``. Where another model beside it would be called so, its suffixes stay:
    ``run1/net.pkl``. A model that lies in the folder of all or very deep is called after itself, its folder,
    and a digest of where it lies; so is one whose name a model that lies elsewhere has already.

    So a name depends on where the model lies and on nothing else that is drawn.

    Args:
        place: Where the model lies, as seen from the folder of all.
        taken: How the files in the model's folder may be called, the model among them; None where nothing
            else is there.
    """
    above, name = _split(place)
    own = _called(name) if _is_below(place) else ()
    mine, all_names = names_taken([name]), taken or Counter[str]()
    free = [each for each in own if all_names[each.casefold()] <= mine[each.casefold()]]
    distinct = file_stem(_stem(Path(name)), ending=digest(place))
    parts = [*map(_part, free), distinct, *map(_part, own)]
    return tuple(dict.fromkeys("/".join([*above, part]) for part in parts))


NO_MODELS = {
    ".cfg", ".css", ".csv", ".gif", ".html", ".ini", ".jpeg", ".jpg", ".json", ".log", ".md", ".pdf", ".png",
    ".py", ".rst", ".sh", ".svg", ".toml", ".tsv", ".txt", ".xml", ".yaml", ".yml",
}  # fmt: skip
"""Suffixes of what often lies beside a model under its name, and takes no name from it."""

DEEPEST = 8
"""So many folders are in one another at most in the name of a model's folder."""


def _called(name: str) -> tuple[str, ...]:
    """Return what a model may be called after: its name without its suffixes, and with them."""
    return _stem(Path(name)), name


def _is_below(place: str) -> bool:
    """Say whether a model lies below a folder that holds that of all, and not in that itself."""
    parts = place.split("/")
    below = parts[_ups(parts) :]
    return len(below) < len(parts) and ".." not in below and len(below) <= DEEPEST + 1


def _ups(parts: Sequence[str]) -> int:
    """Count how many folders it goes up first."""
    return next((place for place, part in enumerate(parts) if part != ".."), len(parts))


def _split(place: str) -> tuple[list[str], str]:
    """Return the folders that are in the name of a model's folder, and the model's own name."""
    *above, name = place.split("/")
    folders = [part for part in above if part not in ("..", "")]
    shown = folders if _is_below(place) else folders[-1:]
    return [_part(part) for part in shown], name


def _part(name: str) -> str:
    """Return a name as a part of a path, with a digest of it where it cannot stand as it is."""
    shown = file_stem(name)
    return shown if shown == name else file_stem(name, ending=digest(name))


def _stem(path: Path) -> str:
    if path.name.endswith(INDEX):
        return Path(path.name.removesuffix(INDEX)).stem or path.name
    return Path(path.stem).stem if path.suffix.lower() in PACKED else path.stem


_PARTS = ("rgb", "bgr", "through", "compare")
"""Of pictures that are not called after their view; see `filtviz.drawing.views.Picture`."""


def layer_stems(network: Network, views: Iterable[str]) -> dict[int, str]:
    """Return each convolution's part of a file name by its conv index.

    No two are one, and none is what another becomes with the part of a picture behind it (``conv1-ch0``).

    Args:
        network: The network.
        views: The names of all views whose pictures are called after them.
    """
    words = "|".join(map(re.escape, (*views, *_PARTS)))
    like_a_part = re.compile(rf"-(ch\d+|{words})(-p\d+)?\Z", re.IGNORECASE)
    layers = network.conv_layers
    stems = [file_stem(layer.label) for layer in layers]
    own = {stem.lower() for stem in stems}
    parts = [
        stem for stem in stems if (match := like_a_part.search(stem)) and stem[: match.start()].lower() in own
    ]
    unique = unique_stems(stems, taken=parts)
    return {layer.conv_index: stem for layer, stem in zip(layers, unique, strict=True)}


def picture_name(model: str, layer: str, part: str, suffix: str) -> str:
    """Return ``model-conv2-ch007.png``; parts that are empty are left out."""
    return "-".join(filter(None, [model, layer, part])) + f".{suffix}"


def picture_starts(model: str, layers: Iterable[str]) -> tuple[str, ...]:
    """Return how the names of pictures of some layers begin, whatever their parts and formats.

    Args:
        model: What stands for the model in `picture_name`.
        layers: What stands for the layers.
    """
    return tuple(f"{model}-{layer}{end}" for layer in dict.fromkeys(layers) for end in "-.")


def unique_stems(stems: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Number the stems that occur already, so that no two are one file where case does not count.

    The first of several keeps its name; the others become ``name-2``, ``name-3``, …
    """
    used = {stem.lower() for stem in taken}
    own = {stem.lower() for stem in stems}
    last: dict[str, int] = {}
    unique = []
    for stem in stems:
        # Of thousands with one stem each goes on counting where the one before has ended.
        number = last.get(stem.lower(), 1)
        name = stem
        while name.lower() in used or (number > 1 and name.lower() in own):
            number += 1
            name = f"{stem}-{number}"
        last[stem.lower()] = number
        used.add(name.lower())
        unique.append(name)
    return unique
