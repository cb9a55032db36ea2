"""What an export has to do: which files each model gives (named by `filtviz.naming`), which are missing."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Literal

from filtviz._version import __version__
from filtviz.batch.jobs import Done, ModelFile, Outcome, PictureFile, PicturesJob, Reason
from filtviz.batch.manifest import (
    Entry,
    Record,
    describe_options,
    describe_picture,
    relative,
    value_ranges,
)
from filtviz.batch.workplace import Workplace
from filtviz.budget import Budget
from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.estimates import pay_for_pages, pay_for_view
from filtviz.drawing.grid import cautions
from filtviz.drawing.saving import FORMATS, Destination, plan_files
from filtviz.drawing.selection import ChannelRanges, as_ranges, choose_channels
from filtviz.drawing.views import SHEET_VIEWS
from filtviz.errors import ArgumentError, BudgetError, FiltvizError, ReadError
from filtviz.given import LayerChoice, chosen_layers, named
from filtviz.naming import layer_stems, model_folders, names_taken
from filtviz.network import ConvLayer, Network
from filtviz.reading import Hints, Limits, load
from filtviz.reading.folders import MOST_ENTRIES, Candidate, candidates, is_no_model
from filtviz.sources import Sources
from filtviz.text import digest, name_runs, printable, quoted

__all__ = ["ExportOptions", "ModelPlan", "Planner", "Status", "stamp"]

Status = Literal["drawn", "kept", "no-filters", "failed", "no-model", "part"]
"""What became of a model: pictures of it were drawn; all were there; it has no filters that could be drawn;
it failed. What was found in a folder may be no model, or a part of one."""

SLOW, SECONDS_A_PAGE, TIMES_READ = 0.5, 0.002, 4
"""Seconds of reading from which others help only where the model is read so many times while it is drawn."""

PAGES_PER_JOB = 32
"""Enough work for a process to be worth the way there, few enough that the pages are spread evenly."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export and how.

    ``layers`` are numbers or names; none are all convolutions that can be drawn. ``channels`` are those of
    `filtviz.plot`, kept as pairs of a first and a last one, None for all. ``force`` draws again what is
    there. ``limits`` and ``hints`` go to `filtviz.load`. ``budget`` is that of each model; layers that would
    be more are not drawn, and said.

    Raises:
        ArgumentError: there is no such format, or the channels are none.
    """

    layers: Sequence[LayerChoice] = ()
    channels: ChannelRanges = None
    format: str = "png"
    drawing: DrawingOptions = field(default_factory=DrawingOptions)
    force: bool = False
    limits: Limits | None = None
    hints: Hints | None = None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.format, str) or self.format not in FORMATS:
            raise ArgumentError(
                f"{quoted(self.format, 20)} is no format of pictures: {', '.join(FORMATS)} are"
            )
        object.__setattr__(self, "layers", tuple(map(named, chosen_layers(self.layers))))
        object.__setattr__(self, "channels", as_ranges(self.channels))


@dataclass(kw_only=True)
class ModelPlan:
    """What is known of a model before its pictures are drawn: pages to draw, pages kept, what to tell.

    ``status`` is what became of it where nothing is to be drawn, ``reason`` says why. ``is_read`` tells
    whether it had to be read, ``is_drawn_here`` where each other process would read the model for longer than
    it draws. ``files`` are those that were read, see `stamp`, ``pictures`` the names of those that are to be
    in its folder.
    """

    pages: int = 0
    is_drawn_here: bool = False
    is_read: bool = True
    kept: int = 0
    status: Status | None = None
    reason: Reason | None = None
    notes: list[str] = field(default_factory=list)
    failures: list[Reason] = field(default_factory=list)
    files: list[Sequence[str | int]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


def stamp(path: Path) -> tuple[int, int, int]:
    """Return a file's size and the times of its last changes, of its bytes and of all else, in nanoseconds.

    Args:
        path: The file.

    Raises:
        OSError: it cannot be looked at.
    """
    seen = path.stat()
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


class Planner:
    """Plans models one after another, as their jobs are asked for.

    joblib asks for jobs from a thread of its own: until they are done, only there the `Workplace` changes.

    Raises:
        FileAccessError: a folder of models cannot be looked into.
        OutputError: the folder of results cannot be written.
    """

    def __init__(
        self,
        given: Sequence[Path],
        folder: Path,
        options: ExportOptions,
        graphs: Mapping[Path, Hints] | None = None,
    ) -> None:
        by_place: dict[str, Candidate] = {}
        for each in candidates(given, leave_out=folder):  # what is given twice counts once, as what is named
            place = relative(each.path, folder)
            if by_place.setdefault(place, each).is_found and not each.is_found:
                by_place[place] = each
        self._candidates, self.places = list(by_place.values()), list(by_place)
        self.models = [each.path for each in self._candidates]
        named = [each.path for each in self._candidates if not each.is_found]
        self.workplace = Workplace(folder, Sources().including(*named))
        self.options = options
        self.plans = [ModelPlan() for _ in self.models]
        self._folders: dict[int, Path] = {}
        self._listed: tuple[Path | None, Counter[str]] = None, Counter()
        self._parts: set[str] = set()
        self._graphs = {os.path.realpath(path): hints for path, hints in (graphs or {}).items()}
        self._asked = _digest_of(options, self._graphs)
        self._given_up: set[int] = set()

    @property
    def pages(self) -> int:
        """The number of pages to draw, as far as is known by now."""
        return sum(plan.pages for plan in self.plans)

    def give_up(self, model: int) -> None:
        """Plan no more jobs for a model whose files cannot be written."""
        self._given_up.add(model)

    def folder(self, model: int) -> Path:
        """Return the folder of a model's pictures."""
        if model not in self._folders:
            names = model_folders(self.places[model], self._beside(self.models[model].parent))
            self._folders[model] = self.workplace.folder_of(self.places[model], names)
        return self._folders[model]

    def _beside(self, folder: Path) -> Counter[str]:
        """Return how what is in a folder of models may be called, as far as a name can clash with it."""
        if self._listed[0] != folder:
            self._listed = folder, Counter()
            with suppress(OSError), os.scandir(folder) as entries:
                self._listed = folder, names_taken(entry.name for entry in islice(entries, MOST_ENTRIES))
        return self._listed[1]

    def close(self, model: int, status: Status, reason: Reason | None, pages: int) -> None:
        """Take note of what became of a model, of which nothing more is drawn."""
        if model in self._folders:
            self.workplace.leave(self._folders[model])
        if status not in ("drawn", "kept", "no-filters", "failed"):
            return
        record: Record = {
            "model": self.places[model],
            "folder": relative(self.folder(model), self.workplace.folder),
            "status": status,
            "code": reason and reason.code,
            "reason": reason and reason.sentence,
            "pages": pages,
            "asked": self._asked,
            "files": self.plans[model].files,
            "pictures": self.plans[model].pictures,
        }
        self.workplace.note(record)

    def jobs(self) -> Iterator[PicturesJob | Done]:
        """Yield the jobs of all models, and what tells the end of each."""
        for model in range(len(self.models)):
            plan = self.plans[model]
            try:
                for source, files in self._batches(model):
                    if model in self._given_up:
                        break
                    job = self._job(model, source, files)
                    yield Done(job.run()) if plan.is_drawn_here else job
            except FiltvizError as error:
                self._note_error(model, error)
            except OSError as error:
                sentence = f"{printable(self.models[model], 200)}: {os.strerror(error.errno or 0).lower()}"
                plan.failures.append(Reason("no-access", sentence, names_file=True))
            yield Done(Outcome(model=model, last=True))

    def _note_error(self, model: int, error: FiltvizError) -> None:
        is_found, reason = self._candidates[model].is_found, Reason.of(error, self.models[model])
        if is_found and isinstance(error, ReadError) and is_no_model(error):
            self.plans[model].status, self.plans[model].reason = "no-model", reason
        else:
            self.plans[model].failures.append(reason)

    def _job(self, model: int, source: ModelFile, files: tuple[PictureFile, ...]) -> PicturesJob:
        return PicturesJob(
            model=model,
            source=source,
            files=files,
            suffix=self.options.format,
            options=self.options.drawing,
            sources=self.workplace.sources,
            run_name=self.workplace.run,
        )

    def _batches(self, model: int) -> Iterator[tuple[ModelFile, tuple[PictureFile, ...]]]:
        """Read a model, settle what is missing, write that into the manifest, and yield it in batches."""
        path, plan = self.models[model], self.plans[model]
        if self._candidates[model].is_found and os.path.realpath(path) in self._parts:
            plan.status = "part"
            return
        if self._is_as_it_was(model):
            return
        limits, hints = self.options.limits, self._graphs.get(os.path.realpath(path), self.options.hints)
        begun = process_time()
        stamps = [(path, stamp(path))] if path.exists() else []
        network = load(path, limits=limits, hints=hints)
        reading = process_time() - begun
        source = ModelFile.of(path, limits, hints)
        source.remember(network)
        self._protect(model, network.origin.siblings)
        self._parts.update(map(os.path.realpath, network.origin.siblings))
        stamps += [(file, stamp(file)) for file in network.origin.siblings if file.exists()]
        folders = {file.parent: relative(file.parent / "x", self.workplace.folder)[:-1] for file, _ in stamps}
        plan.files = [[folders[file.parent] + file.name, *seen] for file, seen in stamps]
        described = self._describe(network, model)
        plan.pictures = [file.path.name for file, _ in described]
        missing = self.workplace.announce(self.folder(model), described, force=self.options.force)
        plan.pages = sum(file.pages for file in missing)
        plan.kept = sum(file.pages for file, _ in described) - plan.pages
        plan.is_drawn_here = reading > max(SLOW, plan.pages * SECONDS_A_PAGE / TIMES_READ)
        for files in _batched(missing):
            yield source, files

    def _protect(self, model: int, siblings: Sequence[Path]) -> None:
        """Let the files of a model never be written; one that was found is outside of the results, mostly."""
        is_inside = self._candidates[model].is_found and not self.places[model].startswith("../")
        if is_inside or siblings:
            self.workplace.protect([*siblings, *([self.models[model]] if is_inside else [])])

    def _is_as_it_was(self, model: int) -> bool:
        """Say, without reading a model, whether an earlier run has drawn of it all that is asked for now."""
        record = None if self.options.force else self.workplace.done(self.places[model], self._asked)
        if record is None:
            return False
        files = [(self.workplace.folder / place, times) for place, *times in record["files"]]
        try:
            if any(list(stamp(path)) != times for path, times in files):
                return False
        except (OSError, ValueError):
            return False
        plan = self.plans[model]
        plan.is_read = False
        self.workplace.keep(record)
        plan.kept, plan.files, plan.pictures = record["pages"], record["files"], record["pictures"]
        siblings = [path for path, _ in files[1:]]
        self._protect(model, siblings)
        self._parts.update(map(os.path.realpath, siblings))
        if record["status"] == "no-filters":
            plan.status, plan.reason = "no-filters", Reason(str(record["code"]), str(record["reason"]))
        return True

    def _describe(self, network: Network, index: int) -> list[tuple[PictureFile, Entry]]:
        """Return the model's files, each with its entry; note what cannot be drawn or would mislead."""
        plan, folder = self.plans[index], self.folder(index)
        place = relative(folder, self.workplace.folder)
        model = {"model": self.places[index], "sha256": _sha256(self.models[index], network)}
        options = describe_options(self.options.drawing)
        destination = Destination(folder, None, self.options.format)
        stems = layer_stems(network, SHEET_VIEWS)
        described = []
        account = (self.options.budget or Budget()).account(network)
        too_much: dict[int, str] = {}
        for layer in _choose_layers(network, self.options.layers, plan):
            try:
                channels = choose_channels(layer, self.options.channels)
                pay_for_view(layer, channels, self.options.drawing, self.options.format, account)
                pictures = list(draw(layer, channels, self.options.drawing))
                pay_for_pages(pictures, self.options.format, account, f"drawing {layer.title}")
            except BudgetError as error:
                too_much[layer.conv_index] = str(error)
                continue
            except FiltvizError as error:
                plan.failures.append(Reason.of(error, self.models[index]))
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
                name = f"{place}/{file.path.name}"
                described.append((file, describe_picture(name, model, layer, shown, ranges, options)))
        if too_much:
            plan.failures.append(Reason(BudgetError.code, _left_out(network, too_much)))
        return described


NO_FILTERS = "no-filters"


def _digest_of(options: ExportOptions, graphs: Mapping[str, Hints]) -> str:
    """Return what tells whether the same was asked for of the same version."""
    asked = __version__, asdict(replace(options, force=False)), sorted(map(repr, graphs.items()))
    return digest(repr(asked))


def _left_out(network: Network, reasons: Mapping[int, str]) -> str:
    """Say of all layers together what was too much, with the reason of the first."""
    names = name_runs([(index, network.conv_layers[index].label) for index in sorted(reasons)])
    return f"{names} {'was' if len(reasons) == 1 else 'were'} not drawn: {reasons[min(reasons)]}"


def _choose_layers(network: Network, wanted: Sequence[LayerChoice], plan: ModelPlan) -> list[ConvLayer]:
    """Return the layers that are wanted, each once; without any, all that can be drawn."""
    if not network.conv_layers:
        sentence = f"it {network.why_nothing_to_draw}"
        plan.status, plan.reason = "no-filters", Reason(NO_FILTERS, sentence)
        return []
    if not wanted:
        drawable = [layer for layer in network.conv_layers if not layer.why_not_drawn]
        told = [
            f"{printable(layer.label, 40)} is not drawn: {layer.why_not_drawn}"
            for layer in network.conv_layers
            if layer.why_not_drawn
        ]
        if drawable:
            plan.notes.extend(told)
        else:
            plan.status, plan.reason = "no-filters", Reason(NO_FILTERS, "; ".join(told))
        return drawable
    chosen = {}
    for name in wanted:
        try:
            layer = network.select(name)
            chosen[layer.conv_index] = layer
        except FiltvizError as error:
            plan.failures.append(Reason(error.code, str(error)))
    return list(chosen.values())


def _sha256(path: Path, network: Network) -> str:
    """Return the digest of a model's bytes: those of its file, and of the files beside it or in it."""
    found = hashlib.sha256()
    for file in (path, *network.origin.siblings):
        if not file.is_dir():
            with file.open("rb") as stream:
                hashlib.file_digest(stream, lambda: found)
    return found.hexdigest()


def _batched(files: Iterable[PictureFile]) -> Iterator[tuple[PictureFile, ...]]:
    files = iter(files)
    while batch := tuple(islice(files, PAGES_PER_JOB)):
        yield batch
