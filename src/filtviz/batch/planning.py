"""What an export has to do: which files each model gives, and which of them are missing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from filtviz.batch.jobs import ModelFile, PictureFile, PicturesJob
from filtviz.batch.manifest import (
    Entry,
    describe_options,
    describe_picture,
    read_manifest,
    relative,
    value_ranges,
    write_manifest,
)
from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.grid import cautions
from filtviz.drawing.saving import FORMATS, Destination, plan_files
from filtviz.drawing.selection import ChannelRanges, choose_channels
from filtviz.errors import FiltvizError
from filtviz.files import layer_stems, make_folder, model_stem, remove_file, remove_parts, unique_stems
from filtviz.network import ConvLayer, Network
from filtviz.reading import Hints, Limits, load
from filtviz.text import printable

__all__ = ["ExportOptions", "ModelPlan", "Planner"]

PAGES_PER_JOB = 32
"""Enough work for a process to be worth the way there, few enough that the pages are spread evenly."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export and how.

    ``layers`` are numbers or names; none are all convolutions that can be drawn. ``channels`` are pairs of a
    first and a last one, None for all. ``force`` draws again what is there. ``limits`` and ``hints`` go
    to `filtviz.load`.

    Raises:
        ValueError: there is no such format, or ``layers`` is one name and no list.
    """

    layers: Sequence[int | str] = ()
    channels: ChannelRanges = None
    suffix: str = "png"
    drawing: DrawingOptions = field(default_factory=DrawingOptions)
    force: bool = False
    limits: Limits | None = None
    hints: Hints | None = None

    def __post_init__(self) -> None:
        if self.suffix not in FORMATS:
            raise ValueError(
                f"{printable(self.suffix, 20)!r} is no format of pictures: {', '.join(FORMATS)} are"
            )
        if isinstance(self.layers, str):
            raise ValueError(f"layers must be a list of numbers or names, such as [{self.layers!r}]")


@dataclass(kw_only=True)
class ModelPlan:
    """What is known of a model before its pictures are drawn: pages to draw, pages kept, what to tell."""

    pages: int = 0
    kept: int = 0
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Planner:
    """Plans models one after another, as their jobs are asked for.

    ``entries`` are all descriptions for the manifest by file, those of earlier runs included; ``own_files``
    are this run's. joblib asks for jobs from a thread of its own: only here are these written, and only read
    elsewhere.
    """

    def __init__(self, models: Sequence[Path], folder: Path, options: ExportOptions) -> None:
        self.models = models
        self.folder = folder.absolute()  # whoever draws may work in another folder
        self.options = options
        self.entries: dict[str, Entry] = {entry["file"]: entry for entry in read_manifest(folder)}
        self.own_files: set[str] = set()
        self.plans = [ModelPlan() for _ in models]
        self._names = _folder_names(models, folder, self.entries.values())
        self._given_up: set[int] = set()

    @property
    def pages(self) -> int:
        """The number of pages to draw, as far as is known by now."""
        return sum(plan.pages for plan in self.plans)

    def give_up(self, model: int) -> None:
        """Plan no more jobs for a model whose files cannot be written."""
        self._given_up.add(model)

    def jobs(self) -> Iterator[PicturesJob]:
        """Yield the jobs of all models; each model's last one is marked, and has no files."""
        for model, path in enumerate(self.models):
            try:
                for source, files in self._batches(model):
                    if model in self._given_up:
                        break
                    yield self._job(model, source, files)
            except FiltvizError as error:
                self.plans[model].failures.append(str(error))
            except OSError as error:
                reason = os.strerror(error.errno or 0).lower()
                self.plans[model].failures.append(f"{printable(path, 200)}: {reason}")
            yield self._job(model, None, (), last=True)

    def _job(
        self, model: int, source: ModelFile | None, files: tuple[PictureFile, ...], *, last: bool = False
    ) -> PicturesJob:
        suffix, options = self.options.suffix, self.options.drawing
        return PicturesJob(model=model, source=source, files=files, suffix=suffix, options=options, last=last)

    def _batches(self, model: int) -> Iterator[tuple[ModelFile, tuple[PictureFile, ...]]]:
        """Read a model, settle what is missing, write that into the manifest, and yield it in batches."""
        path, plan = self.models[model], self.plans[model]
        limits, hints = self.options.limits, self.options.hints
        network = load(path, limits=limits, hints=hints)
        source = ModelFile.of(path, limits, hints)
        source.remember(network)
        described = self._describe(network, path, self.folder / self._names[model], plan)
        missing = [(file, entry) for file, entry in described if not self._is_there(entry)]
        plan.pages = _count_pages(missing)
        plan.kept = _count_pages(described) - plan.pages
        self._announce(described, missing)
        for files in _batched([file for file, _ in missing]):
            yield source, files

    def _describe(
        self, network: Network, path: Path, folder: Path, plan: ModelPlan
    ) -> list[tuple[PictureFile, Entry]]:
        """Return the model's files, each with its entry; note what cannot be drawn or would mislead."""
        model = {"model": relative(path, self.folder), "sha256": _sha256(path)}
        options = describe_options(self.options.drawing)
        destination = Destination(folder, None, self.options.suffix)
        stems = layer_stems(network)
        described = []
        for layer in _choose_layers(network, self.options.layers, plan):
            try:
                channels = choose_channels(layer, self.options.channels)
                pictures = list(draw(layer, channels, self.options.drawing))
            except FiltvizError as error:
                plan.failures.append(str(error))
                continue
            plan.notes.extend(cautions(layer, channels, self.options.drawing))
            ranges = value_ranges(layer)
            first = 0
            for planned in plan_files({stems[layer.conv_index]: pictures}, "", destination):
                pages = len(planned.pictures)
                file = PictureFile(
                    path=planned.path,
                    conv_index=layer.conv_index,
                    channels=channels,
                    first=first,
                    pages=pages,
                )
                first += pages
                shown = [p.channel for p in planned.pictures if p.channel is not None] or channels
                name = relative(file.path, self.folder)
                described.append((file, describe_picture(name, model, layer, shown, ranges, options)))
        return described

    def _is_there(self, entry: Entry) -> bool:
        """Say whether an earlier run has drawn the file in the same way."""
        file = entry["file"]
        return not self.options.force and self.entries.get(file) == entry and (self.folder / file).is_file()

    def _announce(
        self, described: Sequence[tuple[PictureFile, Entry]], missing: Sequence[tuple[PictureFile, Entry]]
    ) -> None:
        """Make the folder, remove pictures that the manifest is about to describe otherwise, and write it."""
        for folder in {file.path.parent for file, _ in missing}:
            make_folder(folder)
            remove_parts(folder)
        for file, entry in missing:
            if self.entries.get(entry["file"]) != entry:
                remove_file(file.path)
        self.entries.update((entry["file"], entry) for _, entry in described)
        self.own_files.update(entry["file"] for _, entry in described)
        write_manifest(self.folder, self.entries.values(), complete=False)


def _choose_layers(network: Network, wanted: Sequence[int | str], plan: ModelPlan) -> list[ConvLayer]:
    """Return the layers that are wanted, each once; without any, all that can be drawn."""
    if not network.conv_layers:
        plan.failures.append(f"it holds {network.describe()}: there is no filter to draw")
        return []
    if not wanted:
        drawable = [layer for layer in network.conv_layers if not layer.why_not_drawn]
        told = plan.notes if drawable else plan.failures
        told.extend(
            f"{printable(layer.label, 40)} is not drawn: {layer.why_not_drawn}"
            for layer in network.conv_layers
            if layer.why_not_drawn
        )
        return drawable
    chosen = {}
    for name in wanted:
        try:
            layer = network.select(name)
            chosen[layer.conv_index] = layer
        except FiltvizError as error:
            plan.failures.append(str(error))
    return list(chosen.values())


def _folder_names(models: Sequence[Path], folder: Path, entries: Iterable[Entry]) -> list[str]:
    """Return a folder's name for each model: the one it had in an earlier run, else one that no other has."""
    earlier = {entry["model"]: entry["file"].split("/")[0] for entry in entries}
    known = [earlier.get(relative(path, folder)) for path in models]
    new = [path for path, name in zip(models, known, strict=True) if name is None]
    fresh = iter(unique_stems([model_stem(path) for path in new], taken=list(earlier.values())))
    return [name or next(fresh) for name in known]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _count_pages(files: Sequence[tuple[PictureFile, Entry]]) -> int:
    return sum(file.pages for file, _ in files)


def _batched(files: Iterable[PictureFile]) -> Iterator[tuple[PictureFile, ...]]:
    files = iter(files)
    while batch := tuple(islice(files, PAGES_PER_JOB)):
        yield batch
