"""How often `filtviz.diagnose` is wrong: on untrained layers of every framework, and on trained networks.

Untrained networks are drawn by every rule of the catalogue, and by what makes a matrix as a whole, in 50
shapes and nine more of many input channels or of groups, with biases as their framework draws them, in four
types: what share of layers is called `initial`, where the file tells its framework and where it does not, and
how often each test passes .05 and the level that counts. Then come weights that were changed after they were
drawn. Folders of networks saved before and after training (``i_W1, i_b1, f_W1, f_b1, …`` in an .npz each, as
``benchmarks/train_nets.py`` writes them) give verdicts by how far each layer has moved, and the errors of the
noise residue. Of such networks half 1, those of an even number, has set the constants; half 2 was looked at,
too; those from number 270 on are fresh: nothing was decided by them. Those of ``other``, whose tasks, rates
and activations are others, are all fresh to the constants of the noise residue.

Minutes on one core with ``--quick``, and with ``--added``, which takes the nine shapes alone;
docs/calibration.md is the whole run, and the README has each of its rows with fewer columns. ``--write``
writes both:

    python benchmarks/train_nets.py trained --nets 301
    python benchmarks/train_nets.py other --other --nets 140
    python benchmarks/train_nets.py other --other --first 270 --nets 310
    OMP_NUM_THREADS=1 python benchmarks/calibration.py --repeat 4 --nets trained --nets other --write
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from tabulate import tabulate

import filtviz
from filtviz.measures.initialiser_catalogue import CATALOGUE, CUT_STD, Rule
from filtviz.measures.measure import Diagnosis, LayerDiagnosis
from filtviz.measures.table import JUDGING, LEVEL
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Normalisation
from filtviz.parameter import Parameter

Array = NDArray[Any]
Shape = tuple[int, int, int, int]
Choices = Sequence[tuple[Shape, int | None]]

SHAPES: tuple[Shape, ...] = (
    (8, 1, 3, 3), (20, 1, 3, 3), (32, 1, 3, 3), (64, 1, 3, 3), (128, 1, 3, 3), (512, 1, 3, 3),
    (6, 1, 5, 5), (16, 1, 5, 5), (32, 1, 5, 5), (16, 1, 7, 7), (64, 1, 7, 7), (1, 1, 8, 8),
    (16, 3, 3, 3), (32, 3, 3, 3), (64, 3, 3, 3), (64, 3, 7, 7), (32, 3, 5, 5), (48, 3, 4, 4),
    (8, 3, 11, 11), (96, 3, 11, 11), (4, 8, 3, 3), (8, 16, 3, 3), (16, 16, 3, 3), (20, 20, 3, 3),
    (32, 16, 3, 3), (32, 32, 3, 3), (40, 40, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (128, 64, 3, 3),
    (128, 128, 3, 3), (16, 6, 5, 5), (32, 24, 5, 5), (64, 32, 5, 5), (24, 16, 7, 7), (16, 16, 1, 7),
    (16, 16, 7, 1), (32, 32, 1, 3), (24, 12, 2, 2), (64, 32, 4, 4), (16, 8, 1, 1), (32, 16, 1, 1),
    (64, 64, 1, 1), (128, 64, 1, 1), (256, 128, 1, 1), (96, 16, 1, 1), (16, 96, 1, 1),
    (256, 256, 1, 1), (512, 64, 1, 1), (1024, 4, 1, 1),
)  # fmt: skip
ADDED: Choices = (
    ((64, 1024, 1, 1), None), ((256, 1024, 1, 1), None), ((16, 1024, 3, 3), None), ((4, 1024, 5, 5), None),
    ((64, 16, 3, 3), 4), ((128, 32, 1, 1), 4), ((32, 8, 5, 5), 4), ((128, 4, 3, 3), 32), ((256, 8, 3, 3), 32),
)  # fmt: skip
"""Shapes of weights with their groups; None are not told."""

TYPES = {
    "float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16,
}  # fmt: skip
PER_NETWORK = 5
NOMINAL = 0.05
MOVED = (("frozen", 1.0), ("cos² ≥ .99", 0.99), (".95 to .99", 0.95), (".9 to .95", 0.9), ("< .9", 0.0))
TRUTHS = ((">= .99", 0.99), (".9 to .99", 0.9), ("< .9", 0.0))
PARTS = ("half 1", "half 2", "fresh")
FRESH_FROM = 270


class Section(NamedTuple):
    """A table under a heading; ``short`` are the columns that the README shows, all where there are none."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    short: Sequence[int] = ()

    def text(self, *, short: bool = False) -> str:
        """Return it as Markdown."""
        columns = (short and self.short) or range(len(self.headings))
        rows = [[row[place] for place in columns] for row in self.rows]
        heading = "**" + self.title + "**" if short else "## " + self.title
        return f"{heading}\n\n{table([self.headings[place] for place in columns], rows)}\n"


def main() -> None:
    """Print the tables, and write them where they are wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer layers: about two minutes")
    parser.add_argument("--added", action="store_true", help="untrained layers of the added shapes alone")
    parser.add_argument("--repeat", type=int, default=4, help="networks of each initialiser, bias and type")
    parser.add_argument(
        "--nets", type=Path, action="append", help="a folder of networks saved before and after"
    )
    parser.add_argument("--write", action="store_true", help="write docs/calibration.md and the README")
    options = parser.parse_args()
    if options.added and options.write:
        parser.error("--added is a part of the whole, which --write writes")
    repeat = 1 if options.quick else options.repeat
    whole = () if options.added else _all_sections(repeat, options.nets or ())
    sections: list[Section] = []
    for found in whole or report_untrained(repeat, ADDED):
        print(found.text(), flush=True)
        sections.append(found)
    if options.write:
        write(sections)


def _all_sections(repeat: int, folders: Sequence[Path]) -> Iterator[Section]:
    yield from report_untrained(repeat, (*((shape, None) for shape in SHAPES), *ADDED))
    yield report_changed()
    for folder in folders:
        yield from report_trained(folder)
    if not folders:
        yield report_example()


def write(sections: Sequence[Section]) -> None:
    """Put the tables below the introduction of docs/calibration.md, and into the README between its marks.

    Args:
        sections: They, in order.
    """
    root = Path(__file__).resolve().parents[1]
    document = root / "docs" / "calibration.md"
    introduction = document.read_text().partition("\n## ")[0]
    document.write_text("\n".join([introduction, *(each.text() for each in sections)]))
    readme = root / "README.md"
    before, begin, rest = readme.read_text().partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise SystemExit(f"{readme} has no place between {MARKS[0]} and {MARKS[1]}")
    text = "\n".join(each.text(short=True) for each in sections)
    readme.write_text(f"{before}{begin}\n{text}{end}{after}")


MARKS = ("<!-- benchmarks/calibration.py begins -->", "<!-- benchmarks/calibration.py ends -->")
"""Between which the README has the tables."""


# Untrained


def report_untrained(repeat: int, shapes: Choices) -> Iterator[Section]:
    """Tell how many layers are called initial and how often each test passes, parted in several ways.

    Args:
        repeat: Networks of each initialiser, bias and type.
        shapes: The shapes of which each takes a few.
    """
    by: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for name, draw, rule in drawers():
        for bias in ("none", "zero", "PyTorch's"):
            for dtype in TYPES:
                if bias == "PyTorch's" and (rule is None or "PyTorch" not in dict(rule.names)):
                    continue
                own = "PyTorch" if bias == "PyTorch's" or rule is None else rule.names[0][0]
                for seed in range(repeat):
                    random = np.random.default_rng([seed, *map(ord, name + bias + dtype)])
                    layers = draw_layers(random, draw, bias, dtype, shapes)
                    for told in (own, ""):
                        diagnosis = filtviz.diagnose(Network.of(layers, Origin(framework=told)))
                        for layer, drawn in zip(diagnosis.layers, layers, strict=True):
                            for kind, key in (
                                ("initialiser", name), ("biases", bias), ("type", dtype),
                                ("shape", _said(layer.shape, drawn.convolution.groups)),
                            ):  # fmt: skip
                                by[kind][key].add(layer, bool(told))
    for kind, tallies in by.items():
        rows = [[key, *tally.row()] for key, tally in tallies.items()]
        rows.append(["all", *Tally.of(list(tallies.values())).row()])
        yield Section(
            f"Untrained layers, by {kind}",
            [kind, *Tally.HEADINGS, "most false alarms at .05"],
            rows,
            (0, 1, 2, 3, len(Tally.HEADINGS) + 1),
        )


def _said(shape: Shape, groups: int | None) -> str:
    return "x".join(map(str, shape)) + (f", {groups} groups" if groups else "")


class Tally:
    """Counts over layers: the verdicts, and how often each test's p is under .05."""

    HEADINGS = ("layers", "initial, framework told", "not told", *JUDGING, "clipped", "a filter's p")

    def __init__(self) -> None:
        self.layers = 0
        self.seen: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()

    @classmethod
    def of(cls, tallies: Sequence[Tally]) -> Tally:
        """Sum up."""
        total = cls()
        for tally in tallies:
            total.layers += tally.layers
            total.seen += tally.seen
            total.tried += tally.tried
        return total

    def add(self, layer: LayerDiagnosis, told: bool) -> None:
        """Count a layer."""
        self.layers += told
        self.count("initial, framework told" if told else "not told", layer.verdict == "initial")
        if not told:
            return
        for test in (*JUDGING, "clipped"):
            finding = layer.finding(test)
            if finding is not None and finding.p is not None:
                self.count(test, finding.p < NOMINAL)
        for each in layer.filters:
            if each.share_p is not None:
                self.count("a filter's p", each.share_p < NOMINAL)

    def count(self, what: str, seen: bool) -> None:
        """Count one try."""
        self.tried[what] += 1
        self.seen[what] += seen

    def row(self) -> list[str]:
        """Return the rates; an empty cell is a test that is not taken there."""
        rates = [self.seen[w] / self.tried[w] if self.tried[w] else None for w in self.HEADINGS[1:]]
        tested = [
            (rate, test)
            for rate, test in zip(rates[2:], self.HEADINGS[3:], strict=True)
            if rate is not None and test in JUDGING
        ]
        rate, test = max(tested, default=(0.0, ""))
        most = f"{test} {rate:.3f}"
        return [f"{self.layers:,}", *("" if each is None else f"{each:.3f}" for each in rates), most]


Draw = Callable[[np.random.Generator, Shape], Array]


def drawers() -> Iterator[tuple[str, Draw, Rule | None]]:
    """Yield what draws weights by each rule, and matrices that are made as a whole."""
    for rule in CATALOGUE:
        yield rule.name, drawing(rule), rule
    yield "Orthogonal()", draw_orthogonal, None


def drawing(rule: Rule) -> Draw:
    """Return what draws weights by a rule."""

    def draw(random: np.random.Generator, shape: Shape) -> Array:
        std = rule.std(shape)
        if rule.family == "normal":
            return random.normal(0, std, shape)
        if rule.family == "uniform":
            return random.uniform(-1, 1, shape) * rule.bound(shape)
        return np.asarray(stats.truncnorm.rvs(-2, 2, scale=std / CUT_STD, size=shape, random_state=random))

    return draw


def draw_orthogonal(random: np.random.Generator, shape: Shape) -> Array:
    """Draw an orthogonal matrix as lasagne.init.Orthogonal does."""
    flat = shape[0], int(np.prod(shape[1:]))
    u, _, v = np.linalg.svd(random.normal(0.0, 1.0, flat), full_matrices=False)
    return np.asarray((u if u.shape == flat else v).reshape(shape))


def draw_layers(
    random: np.random.Generator, draw: Draw, bias: str, dtype: str, shapes: Choices
) -> list[ConvLayer]:
    """Draw a few layers of different shapes."""
    layers = []
    for place in random.choice(len(shapes), PER_NETWORK, replace=False):
        shape, groups = shapes[place]
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        drawn = {
            "none": None,
            "zero": np.zeros(shape[0]),
            "PyTorch's": random.uniform(-bound, bound, shape[0]),
        }[bias]
        weights = draw(random, shape).astype(TYPES[dtype])
        layer = conv(weights, None if drawn is None else drawn.astype(TYPES[dtype]))
        layers.append(replace(layer, operations=(replace(layer.convolution, groups=groups),)))
    return layers


def report_changed() -> Section:
    """Tell what is said of weights that were changed after PyTorch's default had drawn them."""
    shapes: list[Shape] = [(16, 3, 3, 3), (32, 16, 3, 3), (64, 32, 3, 3), (64, 64, 1, 1), (64, 64, 3, 3)]
    rows = []
    for name, change in CHANGES.items():
        found: Counter[str] = Counter()
        for seed in range(10):
            random = np.random.default_rng(seed)
            draw = drawing(next(rule for rule in CATALOGUE if rule.name == "PyTorch's default"))
            made = [change(random, draw(random, shape)) for shape in shapes]
            layers = [conv(each if each.itemsize == 1 else each.astype(np.float32), None) for each in made]
            network = Network.of(layers, Origin(framework="PyTorch"))
            found.update(layer.verdict for layer in filtviz.diagnose(network).layers)
        rows.append([name, *(str(found[v] or "") for v in VERDICTS)])
    return Section("Weights of PyTorch's default that were changed afterwards", ["change", *VERDICTS], rows)


VERDICTS = ("initial", "updated", "structured", "collapsed", "undecided")


def fold(random: np.random.Generator, weights: Array) -> Array:
    """Multiply each filter as a folded batch normalisation does."""
    return weights * np.exp(random.normal(0, 0.5, (len(weights), 1, 1, 1)))


def quantise(weights: Array, levels: int) -> Array:
    """Round to evenly spaced levels."""
    step = 2 * np.abs(weights).max() / levels
    return np.asarray(np.round(weights / step) * step)


def standardise(weights: Array) -> Array:
    """Bring each filter to mean 0 and one standard deviation."""
    rows = weights.reshape(len(weights), -1)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
    return np.asarray(rows.reshape(weights.shape)) * 0.1


def pass_on(weights: Array) -> Array:
    """Make kernels that pass one channel on (Dirac)."""
    made = np.zeros_like(weights)
    for place in range(min(weights.shape[:2])):
        made[place, place, weights.shape[2] // 2, weights.shape[3] // 2] = 1
    return made


CHANGES: Mapping[str, Callable[[np.random.Generator, Array], Array]] = {
    "none": lambda _, w: w,
    "batch normalisation folded in": fold,
    "half pruned": lambda _, w: np.where(np.abs(w) < np.median(np.abs(w)), 0, w),
    "int8": lambda _, w: quantise(w, 256),
    "int4": lambda _, w: quantise(w, 16),
    "float8_e4m3fn": lambda _, w: w.astype(ml_dtypes.float8_e4m3fn),
    "float8_e5m2": lambda _, w: w.astype(ml_dtypes.float8_e5m2),
    "weight-standardised": lambda _, w: standardise(w),
    "Dirac": lambda _, w: pass_on(w),
    "sparse": lambda random, w: np.where(
        random.uniform(size=w.shape) < 0.9, 0, random.normal(0, 0.01, w.shape)
    ),
}


# Trained


def report_trained(folder: Path) -> Iterator[Section]:
    """Tell verdicts by how far layers have moved, and how far the noise residue is off."""
    before: Counter[str] = Counter()
    verdicts: dict[str, dict[tuple[str, str], Counter[str]]] = {
        "not told": defaultdict(Counter),
        "told": defaultdict(Counter),
    }
    errors: list[tuple[str, str, str, float, float, bool]] = []
    tried: Counter[tuple[str, str]] = Counter()
    leasts: dict[str, list[bool]] = defaultdict(list)
    for place, path in enumerate(sorted(folder.glob("*.npz"))):
        part = part_of(path, place)
        with np.load(path) as arrays:
            facts = json.loads(str(arrays["meta"])) if "meta" in arrays else {}
            rule = facts.get("weights") or facts.get("init") or "as named"
            before.update(layer.verdict for layer in saved(arrays, "i", "").layers)
            truths = [cos2(arrays, i) for i in range(1, count(arrays) + 1)]
            if not np.isfinite(truths).all():
                continue  # its training has diverged
            frameworks = (("not told", ""), ("told", "PyTorch")) if facts else (("not told", ""),)
            for told, framework in frameworks:
                for i, layer in enumerate(saved(arrays, "f", framework).layers):
                    frozen = bool(facts.get("frozen") and facts["frozen"][i])
                    moved = (
                        "frozen" if frozen else next(name for name, least in MOVED[1:] if truths[i] >= least)
                    )
                    verdicts[told][moved, part][layer.verdict] += 1
                    if told == "not told" and not frozen:
                        truth = next(name for name, least in TRUTHS if truths[i] >= least)
                        tried[truth, part] += 1
                        errors += residue_error(layer, truths[i], truth, rule, part)
                        if layer.residue_at_least is not None:
                            leasts[part].append(truths[i] >= layer.residue_at_least)
    start = [[str(before[each] or "") for each in VERDICTS]]
    yield Section(f"{folder.name}: {sum(before.values())} layers before training", VERDICTS, start)
    for told, counts in verdicts.items():
        for part in PARTS:
            rows = [[m, *(str(counts[m, part][v] or "") for v in VERDICTS)] for m, _ in MOVED]
            if any(counts[m, part] for m, _ in MOVED):
                title = f"{folder.name} after training, framework {told}, {part}"
                yield Section(title, ["moved", *VERDICTS], rows)
    yield report_errors(folder.name, errors, tried)
    rows = [[part, str(len(own)), f"{np.mean(own):.2f}"] for part in PARTS if (own := leasts[part])]
    headings = ["part", "layers", "the truth is no less"]
    yield Section(f"{folder.name}: the least noise, where that alone is told", headings, rows)


def report_errors(
    name: str,
    errors: Sequence[tuple[str, str, str, float, float, bool]],
    tried: Mapping[tuple[str, str], int],
) -> Section:
    """Tell the errors of the residue on each part, by the truth and by the law of the first weights."""
    rows = []
    for part in PARTS:
        for truth, _ in TRUTHS:
            own = [each for each in errors if (each[0], each[2]) == (truth, part)]
            if tried[truth, part]:
                rows.append([f"cos² {truth}, {part}", str(tried[truth, part]), *summary(own)])
        for rule in sorted({each[1] for each in errors}):
            own = [each for each in errors if (each[1], each[2]) == (rule, part)]
            if own:
                rows.append([f"{rule}, {part}", "", *summary(own)])
    headings = ["layers", "tried", "given", "mean error", "largest", "truth in the interval", "its width"]
    return Section(f"{name}: noise residue against the true cos²", headings, rows)


def summary(errors: Sequence[tuple[str, str, str, float, float, bool]]) -> list[str]:
    """Return the number of estimates, their mean and largest error, and how the intervals do."""
    if not errors:
        return ["0", "", "", "", ""]
    off = [each[3] for each in errors]
    return [
        str(len(errors)), f"{np.mean(off):.3f}", f"{max(off):.3f}", f"{np.mean([e[5] for e in errors]):.2f}",
        f"{np.mean([each[4] for each in errors]):.3f}",
    ]  # fmt: skip


def residue_error(
    layer: LayerDiagnosis, true: float, group: str, rule: str, part: str
) -> list[tuple[str, str, str, float, float, bool]]:
    """Return how far an estimate is off, if there is one."""
    finding = layer.finding("residue")
    if finding is None or finding.value is None or finding.interval is None:
        return []
    low, high = finding.interval
    return [(group, rule, part, abs(finding.value - true), high - low, low <= true <= high)]


def part_of(path: Path, place: int) -> str:
    """Return the part that a file belongs to by the number that its name begins with, or by its place."""
    found = re.match(r"\d+", path.stem)
    number = int(found[0]) if found else place
    return PARTS[2] if number >= FRESH_FROM else PARTS[number % 2]


def count(arrays: Mapping[str, Array]) -> int:
    """Return the number of layers that are saved."""
    return sum(name.startswith("f_W") for name in arrays)


def cos2(arrays: Mapping[str, Array], place: int) -> float:
    """Return the squared cosine of a layer with its start."""
    u, w = (arrays[f"{state}_W{place}"].ravel().astype(float) for state in "if")
    return float(u @ w) ** 2 / float(u @ u) / float(w @ w)


def saved(arrays: Mapping[str, Array], state: str, framework: str) -> Diagnosis:
    """Diagnose a saved network before (``i``) or after (``f``) training."""
    layers: list[Layer] = []
    for i in range(1, count(arrays) + 1):
        layers.append(conv(arrays[f"{state}_W{i}"], arrays.get(f"{state}_b{i}")))
        if state == "f" and f"f_gamma{i}" in arrays:
            stored = {n: Parameter.of(n, arrays[f"f_{n}{i}"]) for n in ("gamma", "beta", "mean")}
            spread = Parameter.of("variance", arrays[f"f_variance{i}"])
            norm = Normalisation(**stored, spread=spread, spread_is="variance", epsilon=1e-5)
            layers.append(Layer(type="BatchNorm2d", operations=(norm,)))
    return filtviz.diagnose(Network.of(layers, Origin(framework=framework)))


def conv(weights: Array, bias: Array | None) -> ConvLayer:
    """Make a convolution of its arrays."""
    return ConvLayer.of(weights, bias, type="Conv2d", flip_filters=False)


def report_example() -> Section:
    """Tell the verdicts on the example network's three states."""
    examples = Path(__file__).resolve().parents[1] / "examples"
    rows = []
    for state in ("untrained", "halfway", "trained"):
        diagnosis = filtviz.diagnose(filtviz.load(examples / f"mission-{state}.pkl"))
        rows.append([state, *(layer.verdict for layer in diagnosis.layers)])
    headings = ["state", *(f"conv{n}" for n in range(1, 7))]
    return Section(f"The example network (level {LEVEL:.5f})", headings, rows)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


if __name__ == "__main__":
    main()
