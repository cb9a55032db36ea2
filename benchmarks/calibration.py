"""How often `filtviz.diagnose` is wrong: false alarms on untrained layers, verdicts on trained networks.

Untrained layers are drawn by Lasagne's initialisers in many shapes and types. Each test should pass .05
in about one layer of twenty (.03 to .08, or less often), and the verdict should be `initial` in at least
98.5 %. A folder of networks saved before and after training (``i_W1, i_b1, f_W1, f_b1, …`` in an .npz
each) gives the table of verdicts and the error of the noise residue; without one, the example network is
used.

Minutes on one core with ``--quick``; the README quotes the whole run:

    OMP_NUM_THREADS=1 python benchmarks/calibration.py --nets ../shared/nets
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

import filtviz
from filtviz.activations import Activation
from filtviz.measures.catalogue import CATALOGUE, Rule
from filtviz.measures.measure import Diagnosis, LayerDiagnosis
from filtviz.measures.table import JUDGING, LEVEL
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Input

Array = NDArray[np.floating]
Shape = tuple[int, int, int, int]

SHAPES: tuple[Shape, ...] = (
    (8, 1, 3, 3), (20, 1, 3, 3), (64, 1, 3, 3), (512, 1, 3, 3), (64, 3, 3, 3), (8, 16, 3, 3), (20, 20, 3, 3),
    (40, 40, 3, 3), (64, 512, 3, 3), (512, 64, 3, 3), (8, 1, 5, 5), (16, 1, 5, 5), (32, 24, 5, 5),
    (16, 1, 7, 7),
    (64, 3, 7, 7), (8, 3, 11, 11), (96, 3, 11, 11), (64, 64, 1, 1), (256, 128, 1, 1), (16, 16, 1, 7),
)  # fmt: skip
TYPES = ("float16", "float32", "float64")
TESTS = ("initialiser", "low-frequency", "sphericity", "filter-energy", "channel-energy", "spike", "clipped")
NOMINAL = 0.05
LARGE = 20_000
"""Weights from which fewer layers are drawn, and from which ``--quick`` draws none."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller layers: about two minutes")
    parser.add_argument("--repeat", type=int, default=12, help="layers of each initialiser, shape and type")
    parser.add_argument("--nets", type=Path, help="a folder of networks saved before and after training")
    options = parser.parse_args()
    repeat = 3 if options.quick else options.repeat
    shapes = [shape for shape in SHAPES if not options.quick or np.prod(shape) < LARGE]
    report_untrained(shapes, repeat)
    report_stacks(10 if options.quick else 60)
    if options.nets:
        report_trained(options.nets)
    else:
        report_example()


def report_untrained(shapes: Sequence[Shape], repeat: int) -> None:
    """Print false alarms by shape, by initialiser and by type."""
    by: dict[str, dict[str, Tally]] = {"shape": {}, "initialiser": {}, "type": {}}
    for shape in shapes:
        for name, draw in initialisers().items():
            for dtype in TYPES:
                keys = {"shape": "x".join(map(str, shape)), "initialiser": name, "type": dtype}
                for seed in range(repeat if np.prod(shape) < LARGE else max(1, repeat // 4)):
                    random = np.random.default_rng([seed, *shape, *map(ord, name), *map(ord, dtype)])
                    (layer,) = filtviz.diagnose(network_of([draw(random, shape).astype(dtype)])).layers
                    for kind, key in keys.items():
                        by[kind].setdefault(key, Tally()).add(layer)
    for kind, tallies in by.items():
        print(f"\nFalse alarms at a nominal {NOMINAL} on untrained layers, by {kind}\n")
        rows = [[key, *tally.row()] for key, tally in tallies.items()]
        total = Tally.of(tallies.values())
        print(table([kind, *Tally.HEADINGS], [*rows, ["all", *total.row()]]))


class Tally:
    """Counts over layers: how often each test's p is under .05, the filters', and the verdicts."""

    HEADINGS = (
        "layers",
        "initial",
        *TESTS,
        "a filter's p",
        "a filter marked",
        "duplicates",
        "quantised",
        "named",
    )

    def __init__(self) -> None:
        self.layers = 0
        self.seen: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()

    @classmethod
    def of(cls, tallies: Iterator[Tally] | Sequence[Tally]) -> Tally:
        """Sum up."""
        total = cls()
        for tally in tallies:
            total.layers += tally.layers
            total.seen += tally.seen
            total.tried += tally.tried
        return total

    def add(self, layer: LayerDiagnosis) -> None:
        """Count a layer."""
        self.layers += 1
        self.count("initial", layer.verdict == "initial")
        for test in TESTS:
            finding = layer.finding(test)
            if finding is not None and finding.p is not None:
                self.count(test, finding.p < NOMINAL)
        for each in layer.filters:
            if each.share_p is not None:
                self.count("a filter's p", each.share_p < NOMINAL)
        self.count("a filter marked", any(each.texture for each in layer.filters))
        self.count("named", any(each.classical for each in layer.filters))
        for rule in ("duplicates", "quantised"):
            finding = layer.finding(rule)
            if finding is not None:
                self.count(rule, finding.found)

    def count(self, what: str, seen: bool) -> None:
        """Count one try."""
        self.tried[what] += 1
        self.seen[what] += seen

    def row(self) -> list[str]:
        """Return the rates; an empty cell is a test that is not taken there."""
        rates = [
            self.seen[what] / self.tried[what] if self.tried[what] else None for what in self.HEADINGS[1:]
        ]
        return [f"{self.layers:,}", *("" if rate is None else f"{rate:.3f}" for rate in rates)]


def initialisers() -> Mapping[str, Callable[[np.random.Generator, Shape], Array]]:
    """Return Lasagne's initialisers by name: the catalogue's, and orthogonal ones."""
    drawn = {rule.name: drawing(rule) for rule in CATALOGUE}
    return {**drawn, "Orthogonal()": draw_orthogonal}


def drawing(rule: Rule) -> Callable[[np.random.Generator, Shape], Array]:
    """Return what draws weights by a rule."""
    if rule.family == "normal":
        return lambda random, shape: random.normal(0, rule.std(shape), shape)
    return lambda random, shape: random.uniform(-rule.bound(shape), rule.bound(shape), shape)


def draw_orthogonal(random: np.random.Generator, shape: Shape) -> Array:
    """Draw an orthogonal matrix as lasagne.init.Orthogonal does."""
    flat = shape[0], int(np.prod(shape[1:]))
    u, _, v = np.linalg.svd(random.normal(0.0, 1.0, flat), full_matrices=False)
    return np.asarray((u if u.shape == flat else v).reshape(shape))


def report_stacks(n: int) -> None:
    """Print false alarms of what looks at several layers: composed filters, and coupling."""
    seen: dict[str, list[bool]] = defaultdict(list)
    for seed in range(n):
        random = np.random.default_rng([seed, 7])
        draw = drawing(CATALOGUE[seed % len(CATALOGUE)])
        weights = [draw(random, shape) for shape in ((20, 1, 3, 3), (20, 20, 3, 3), (20, 20, 3, 3))]
        for layer in filtviz.diagnose(network_of(weights)).layers:
            coupling = layer.finding("coupling")
            if coupling is not None and coupling.p is not None:
                seen["coupling, a layer"].append(coupling.p < NOMINAL)
            for each in layer.filters:
                if each.composed_p is not None:
                    seen["composed, a filter"].append(each.composed_p <= NOMINAL)
            if layer.composed_size is not None:
                seen["composed, a filter marked"].append(any(each.composed_texture for each in layer.filters))
    print(f"\nFalse alarms at a nominal {NOMINAL} in stacks of untrained layers\n")
    print(
        table(["test", "tried", "rate"], [[k, f"{len(v):,}", f"{np.mean(v):.3f}"] for k, v in seen.items()])
    )


def report_trained(folder: Path) -> None:
    """Print verdicts by setting and layer, and how far the noise residue is off."""
    verdicts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    powers: dict[str, Counter[str]] = defaultdict(Counter)
    errors: list[float] = []
    layers = 0
    for path in sorted(folder.glob("*.npz")):
        setting = path.stem.rpartition("_")[0]
        with np.load(path) as arrays:
            before, after = (saved(arrays, state) for state in "if")
        for old, new in zip(before.layers, after.layers, strict=True):
            verdicts["before training"][old.name][old.verdict] += 1
            verdicts[setting][new.name][new.verdict] += 1
            layers += 1
            powers[new.name]["layers"] += 1
            powers[new.name].update(each.measure for each in new.findings if each.judges and each.found)
        errors += residue_errors(path, after)
    names = sorted({name for rows in verdicts.values() for name in rows})
    print(f"\nVerdicts on {layers:,} trained layers\n")
    rows = [[setting, *(told(by_layer[name]) for name in names)] for setting, by_layer in verdicts.items()]
    print(table(["setting", *names], rows))
    print(f"\nPower: the share of trained layers in which a test passes {LEVEL:.5f}\n")
    tests = [key for key in JUDGING if any(key in found for found in powers.values())]
    shares = [
        [name, *(f"{powers[name][key] / powers[name]['layers']:.2f}" for key in tests)] for name in names
    ]
    print(table(["layer", *tests], shares))
    print(
        f"\nNoise residue: given for {len(errors)} of {layers} layers, mean absolute error "
        f"{np.mean(errors):.3f}, "
        f"largest {max(errors):.3f}"
    )


def told(counts: Counter[str]) -> str:
    """Say verdicts with their numbers."""
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())


def saved(arrays: Mapping[str, Array], state: str) -> Diagnosis:
    """Diagnose a saved network in its state before (``i``) or after (``f``) training."""
    n = sum(name.startswith("f_W") for name in arrays)
    weights = [arrays[f"{state}_W{i}"] for i in range(1, n + 1)]
    biases = [arrays[f"{state}_b{i}"] for i in range(1, n + 1)]
    return filtviz.diagnose(network_of(weights, biases, chained=False))


def residue_errors(path: Path, after: Diagnosis) -> list[float]:
    """Return how far each residue that is given lies from the true squared cosine."""
    errors = []
    with np.load(path) as arrays:
        for place, layer in enumerate(after.layers, start=1):
            if layer.residue is not None:
                u, w = (arrays[f"{state}_W{place}"].ravel().astype(float) for state in "if")
                errors.append(abs(layer.residue - float(u @ w) ** 2 / float(u @ u) / float(w @ w)))
    return errors


def report_example() -> None:
    """Print the verdicts on the example network's three states."""
    examples = Path(__file__).resolve().parents[1] / "examples"
    rows = []
    for state in ("untrained", "halfway", "trained"):
        diagnosis = filtviz.diagnose(filtviz.load(examples / f"mission-{state}.pkl"))
        rows.append([state, *(layer.verdict for layer in diagnosis.layers)])
    print("\nVerdicts on the example network\n")
    print(table(["state", *(f"conv{n}" for n in range(1, 7))], rows))


def network_of(
    weights: Sequence[Array], biases: Sequence[Array] | None = None, chained: bool = True
) -> Network:
    """Make a network of arrays, its layers one after another; biases are 0 where none are given."""
    shape = (None, weights[0].shape[1], 31, 31)
    layers: list[Layer] = [Layer(type="InputLayer", output_shape=shape, operations=(Input(shape=shape),))]
    for place, array in enumerate(weights):
        bias = np.zeros(len(array), array.dtype) if biases is None else biases[place]
        size = array.shape[2:]
        layers.append(
            ConvLayer.of(
                array,
                bias,
                type="Conv2DLayer",
                inputs=(len(layers) - 1,) if chained else (),
                stride=(1, 1),
                pad=tuple((n // 2, n // 2) for n in size),
                followed_by=(Activation(kind="rectify"),),
            )
        )
    return Network.of(layers)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


if __name__ == "__main__":
    main()
