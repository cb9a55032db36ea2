"""Networks and operations as lines of text: all that a reader told, so that a test holds all of it.

``python -m tests.telling`` writes ``tests/told/`` anew; what changed there is to be read line by line.
"""

from __future__ import annotations

import contextlib
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _pytest.mark import ParameterSet

import filtviz
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Operation
from filtviz.parameter import Parameter
from filtviz.reading.limits import Spending

__all__ = ["FIXTURES", "GOLDEN", "groups", "layers_of", "lines_of", "refused", "tables", "text_of", "told"]

FIXTURES = Path(__file__).resolve().parent / "fixtures"
GOLDEN = Path(__file__).resolve().parent / "told"
LEFT_OUT = ("make", "py36")  # py36 holds the networks of py27
NO_MODELS = ("manifest.json", "kernels.json")


def refused(error: filtviz.FiltvizError) -> str:
    """An error's class and sentence, and what else it says of itself."""
    facts = {name: str(value) for name, value in vars(error).items() if name not in ("path", "sentence")}
    more = "; ".join(f"{name}={value}" for name, value in facts.items() if value not in ("", "()", "None"))
    return f"{type(error).__name__}: {error}{f' ({more})' if more else ''}"


def told(*operations: Operation) -> str:
    """What layers do, with each field that is not as usual."""
    return "; ".join(
        " ".join([type(one).__name__, *(f"{name}={_shown(value)}" for name, value in _unusual(one))])
        for one in operations
    )


def origin_of(network: Network) -> str:
    """All that is told of where a network comes from."""
    lines = [f"{name}: {_shown(value)}" for name, value in _unusual(network.origin) if name != "path"]
    if network.history:
        lines.append(f"history: {len(network.history)} epochs of {sorted(network.history[0])}")
    return "\n".join(lines) + "\n"


def layers_of(network: Network) -> str:
    """All layers, what they do, and every parameter with the sum of its bytes."""
    return "\n".join(line for layer in network.layers for line in _lines_of(layer)) + "\n"


def _lines_of(layer: Layer) -> Iterator[str]:
    label = f" = {layer.label}" if isinstance(layer, ConvLayer) and layer.label != layer.name else ""
    below = f" <- {', '.join(map(str, layer.inputs))}" if layer.inputs else ""
    frozen = " frozen" if layer.trainable is False else ""
    yield f"{layer.index} {layer.name} ({layer.type}){label}{below} -> {layer.output_shape}{frozen}"
    yield f"    {told(*layer.operations)}"
    yield from (f"    {_shown(one)} from {one.source}" for one in layer.parameters)


def _unusual(one: Operation | Origin) -> Iterator[tuple[str, Any]]:
    for name, usual in _usual(type(one)):
        value = getattr(one, name)
        if value != usual and (type(usual) is tuple or value not in ((), {})):
            yield name, value


@cache
def _usual(kind: type) -> list[tuple[str, Any]]:
    """The fields of a class and what they are where nothing else is said."""
    return [(each.name, each.default) for each in fields(kind)]


def _shown(value: Any) -> str:
    if isinstance(value, Parameter):
        return f"{value.name}[{'x'.join(map(str, value.shape))} {value.dtype} {_sum(value)}]"
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, Path):
        return value.name
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    if isinstance(value, tuple) and value and isinstance(value[0], str | Path):
        return "".join(f"\n    {_shown(one)}" for one in value)
    return str(value).replace("\n", " ")


def _sum(parameter: Parameter) -> str:
    try:
        found = np.asarray(parameter.value)
    except filtviz.FiltvizError as error:
        return f"{type(error).__name__}: {getattr(error, 'sentence', error)}"
    assert (found.shape, found.dtype) == (parameter.shape, parameter.dtype)
    return f"{zlib.crc32(found.tobytes()):08x}"


def groups() -> dict[str, list[Path]]:
    """The models among the fixtures, by the name of what holds their text."""
    found: dict[str, list[Path]] = {}
    for path in sorted(FIXTURES.rglob("*")):
        place = path.relative_to(FIXTURES)
        if place.parts[0] in LEFT_OUT or path.suffix in (".md", ".data") or path.name in NO_MODELS:
            continue
        if path.is_dir() and not _is_one_model(place):
            continue
        if ".truth." in path.name or path.parent.name == "truth":
            continue
        group = place.parts[0] if place.parts[0] != "modern" or len(place.parts) < 3 else place.parts[1]
        found.setdefault(group, []).append(path)
    return found


def _is_one_model(place: Path) -> bool:
    """Whether a folder is named after a model, and not after a kind of them."""
    is_deep = len(place.parts) > 2 and place.name not in ("truth", "attacks", "variables")
    return place.parts[0] == "modern" and (is_deep or place.name.startswith("sharded"))


@contextlib.contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Count what is spent of the limits that parts of a file share."""
    spent: dict[str, int] = {}
    real = Spending.spend

    def spend(self: Spending, amount: int) -> None:
        spent[self.limit] = spent.get(self.limit, 0) + amount
        real(self, amount)

    Spending.spend = spend  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        Spending.spend = real  # type: ignore[method-assign]


def _about(spent: dict[str, int]) -> str:
    """Two digits are enough to tell that something is no longer counted."""
    return ", ".join(f"{float(f'{n:.2g}'):,.0f} of {limit}" for limit, n in sorted(spent.items()) if n)


def text_of(paths: Sequence[Path]) -> str:
    """What is told of files, or why one is not read; layers that are those of a file above are named once."""
    parts, seen = [], {}
    for path in paths:
        name = path.relative_to(FIXTURES).as_posix()
        try:
            with counted() as spent:
                network = filtviz.load(path)
                layers = layers_of(network)
        except filtviz.FiltvizError as error:
            parts.append(f"==== {name}\n{type(error).__name__}: {error}\n".replace(f"{path.parent}/", ""))
            continue
        told_before = seen.setdefault(layers, name)
        layers = layers if told_before == name else f"the layers of {told_before}\n"
        parts.append(f"==== {name}\n{origin_of(network)}spent: {_about(spent)}\n{layers}")
    return "\n".join(parts)


def tables(names: Iterable[str], slow: Collection[str]) -> list[ParameterSet]:
    """Names of tables as cases of a test; those are slow that take long and walk few lines alone."""
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in names]


def lines_of(table: Iterable[tuple[str, str]]) -> list[str]:
    """What is asked and what is told, a line each; one that is told more than once stands once."""
    return list(dict.fromkeys(f"{asked} => {answer}" for asked, answer in table))


def libraries() -> str:
    """What pixels of letters, and what pickles say of themselves, hang on: no version, but what it makes."""
    from matplotlib import font_manager, ft2font

    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))
    font.set_size(10, 72)
    font.set_text("filtviz 0123 gjq", 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    letters = zlib.crc32(np.ascontiguousarray(font.get_image()).tobytes())
    return f"letters {letters:08x}, numpy {np.__version__.partition('.')[0]}"


def need_the_same_libraries() -> None:
    """Skip the test where letters or pickles are others than those that were told."""
    if libraries() != (GOLDEN / "libraries.txt").read_text(encoding="utf-8").strip():
        pytest.skip("this was told with other letters of matplotlib's, or another numpy")


def write() -> None:
    """Write all texts anew."""
    from tests import calls_told, deciding, demonstrations_told, shown_told, spoken_told
    from tests.attacks.test_attacks import all_words
    from tests.batch import ends_told as export_ends_told
    from tests.batch import manifests_told
    from tests.batch import parts_told as export_parts_told
    from tests.batch import steps_told as exports_told
    from tests.cli import (
        any_command,
        commands,
        json_told,
        lengths_told,
        results_told,
        saying_told,
        screens_told,
        wording_told,
    )
    from tests.cli.test_passing_on import usual_calls
    from tests.drawing import chosen_told, figures_told, parts_told, sheets_told, whole_told
    from tests.interpreters import TABLES
    from tests.measures import (
        below_told,
        ends_told,
        estimates_told,
        layers_told,
        looks_told,
        near_told,
        nearly_told,
        numbers_told,
        traces_told,
        words_told,
    )
    from tests.measures import parts_told as measure_parts
    from tests.networks import TABLES as QUESTIONS
    from tests.reading import damage, limiting, varied
    from tests.reading.operators import FORMATS
    from tests.reporting import contents_told, sprites_told
    from tests.reporting import figures_told as page_figures_told
    from tests.reporting import parts_told as page_parts_told
    from tests.surveying import files_told as survey_files_told
    from tests.surveying import parts_told as survey_parts_told
    from tests.surveying import steps_told, summed_told

    (GOLDEN / "libraries.txt").write_text(f"{libraries()}\n", encoding="utf-8")
    (GOLDEN / "commands").mkdir(parents=True, exist_ok=True)
    (GOLDEN / "operators").mkdir(parents=True, exist_ok=True)
    for group, paths in groups().items():
        (GOLDEN / f"{group}.txt").write_text(text_of(paths), encoding="utf-8")
    for name, table in FORMATS.items():
        text = "\n".join(lines_of(table())) + "\n"
        (GOLDEN / "operators" / f"{name}.txt").write_text(text, encoding="utf-8")
    for folder, tables in (("interpreters", TABLES), ("networks", QUESTIONS)):
        (GOLDEN / folder).mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            text = "\n".join(lines_of(table())) + "\n"
            (GOLDEN / folder / f"{name}.txt").write_text(text, encoding="utf-8")
    (GOLDEN / "damaged").mkdir(parents=True, exist_ok=True)
    for kind, lines in deciding.KINDS.items():
        (GOLDEN / kind).mkdir(parents=True, exist_ok=True)
        for place in deciding.PLACES:
            text = "".join(f"{line}\n" for line in lines(place))
            (GOLDEN / kind / f"{place}.txt").write_text(text, encoding="utf-8")
    for name in damage.DAMAGED:
        text = "\n".join(damage.damaged(name)) + "\n"
        (GOLDEN / "damaged" / f"{Path(name).name}.txt").write_text(text, encoding="utf-8")
    for name in varied.held():
        text = "\n".join(varied.lines_of(name)) + "\n"
        (varied.FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    for name, drawn in (
        ("sheets", sheets_told),
        ("figures", figures_told),
        ("chosen", chosen_told),
        ("drawn_parts", parts_told),
        ("drawn_whole", whole_told),
        ("page_figures", page_figures_told),
        ("page_contents", contents_told),
        ("page_parts", page_parts_told),
        ("shown", shown_told),
        ("demonstrations", demonstrations_told),
        ("manifests", manifests_told),
        ("exports", exports_told),
        ("export_parts", export_parts_told),
        ("export_ends", export_ends_told),
        ("screens", screens_told),
        ("saying", saying_told),
        ("json", json_told),
        ("wording", wording_told),
        ("lengths", lengths_told),
        ("results", results_told),
        ("spoken", spoken_told),
        ("summed", summed_told),
        ("surveys", steps_told),
        ("survey_parts", survey_parts_told),
        ("survey_files", survey_files_told),
        ("sprites", sprites_told),
    ):
        text = "".join(f"{line}\n" for line in drawn.all_lines())
        (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")
    (GOLDEN / "frames.txt").write_text("".join(f"{line}\n" for line in shown_told.frames()), encoding="utf-8")
    for folder in ("calls", "measures"):
        (GOLDEN / folder).mkdir(parents=True, exist_ok=True)
    for name in calls_told.CALLS:
        text = "".join(f"{line}\n" for line in calls_told.calls(name))
        (GOLDEN / "calls" / f"{name}.txt").write_text(text, encoding="utf-8")
    measured = {name: partial(layers_told.lines, name) for name in layers_told.NETWORKS}
    made_up = words_told.WORDS | numbers_told.NUMBERS | estimates_told.ESTIMATES | measure_parts.PARTS
    measured |= {"looks": looks_told.looks_told, "traces": traces_told.traces_told} | made_up
    measured |= ends_told.ENDS | below_told.BELOW | near_told.NEAR | nearly_told.NEARLY
    for name, lines_told in measured.items():
        text = "".join(f"{line}\n" for line in lines_told())
        (GOLDEN / "measures" / f"{name}.txt").write_text(text, encoding="utf-8")
    refusals = [line for name in limiting.FILES for line in limiting.refusals(name)]
    (GOLDEN / "limits.txt").write_text("\n".join(refusals) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(all_words(Path(folder))) + "\n"
        (GOLDEN / "attacks.txt").write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        any_command.fill(Path(folder))
        text = "".join(f"{line}\n" for line in usual_calls(Path(folder)))
        (GOLDEN / "calls.txt").write_text(text, encoding="utf-8")
    for name, group in commands.COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            commands.fill(Path(folder))
            text = "\n".join(group()) + "\n"
        (GOLDEN / "commands" / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
