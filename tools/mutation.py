"""Break the code in a sample of places, one at a time, and tell which breakages the tests notice.

A line of the sample is broken once, in one of the ways that Cosmic Ray knows: another operator, another
number, a condition turned round, a loop that never runs, a decorator taken away, … Only a copy of the
checkout is broken.

Examples::

    python tools/mutation.py --size 30 --seed 1
    python tools/mutation.py src/filtviz/receptive_field.py --tests "tests/test_receptive_field.py"

What was missed is printed as a patch. Some patches change nothing that anybody can see: judge each.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shlex
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.testing import run_tests
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome

ROOT = Path(__file__).resolve().parents[1]
LEFT_BEHIND = (".*", "__pycache__", "site", "dist", "build", "mutants")
NO_BREAKAGE = ("core/NoOp",)
Span = tuple[tuple[int, int], tuple[int, int]]


def main() -> None:
    """Draw the sample, test each breakage, print the share that was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", default=["src"], help="files or folders to break (default: src)")
    parser.add_argument("--size", type=int, default=20, help="breakages in the sample (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="another number draws another sample")
    parser.add_argument("--tests", default='-m "not slow"', help="arguments of pytest (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / ROOT.name
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        os.chdir(copy)
        os.environ["PYTHONPATH"] = str(copy / "src")
        sample = draw_sample(find_breakages(options.files), options.size, options.seed)
        command = f"{shlex.quote(sys.executable)} -m pytest -x -q -p no:cacheprovider {options.tests}"
        missed = [patch for patch in test_each(sample, command) if patch]
    for patch in missed:
        print(f"\nmissed:\n{patch}")
    noticed = len(sample) - len(missed)
    print(f"\n{noticed} of {len(sample)} breakages were noticed: {noticed / len(sample):.0%}")


def find_breakages(files: Sequence[str]) -> list[MutationSpec]:
    """List what can be broken, but for annotations, which nothing evaluates."""
    modules = [path for name in files for path in ([Path(name)] if name.endswith(".py") else _modules(name))]
    with use_db(":memory:", WorkDB.Mode.create) as database:
        init(modules, database, {})
        found = [spec for item in database.work_items for spec in item.mutations]
    spans = {str(path): list(annotations(ast.parse(path.read_text("utf-8")))) for path in modules}
    return [
        spec
        for spec in found
        if spec.operator_name not in NO_BREAKAGE
        and not any(start <= spec.start_pos < end for start, end in spans[str(spec.module_path)])
    ]


def _modules(folder: str) -> list[Path]:
    return sorted(Path(folder).rglob("*.py"))


def annotations(tree: ast.AST) -> Iterator[Span]:
    """Give first and last position of what only a type checker reads."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            parts.append(node)
        for part in parts:
            if part is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def draw_sample(breakages: Sequence[MutationSpec], size: int, seed: int) -> list[MutationSpec]:
    """Choose lines, each as likely as any other, and one breakage for each."""
    by_line = defaultdict(list)
    for spec in breakages:
        by_line[str(spec.module_path), spec.start_pos[0]].append(spec)
    lines = sorted(by_line)
    chance = random.Random(seed)
    chosen = chance.sample(lines, min(size, len(lines)))
    print(
        f"{len(breakages):,} breakages on {len(lines):,} lines; {len(chosen)} of them are tried", flush=True
    )
    return [
        chance.choice(sorted(by_line[line], key=lambda spec: (spec.operator_name, spec.occurrence)))
        for line in chosen
    ]


def test_each(sample: Sequence[MutationSpec], command: str) -> Iterator[str | None]:
    """Run the tests against each breakage; give a patch for what they miss.

    Raises:
        SystemExit: the tests fail before anything is broken.
    """
    start = time.monotonic()
    outcome, output = run_tests(command, timeout=3600)
    if outcome is not TestOutcome.SURVIVED:
        raise SystemExit(f"the tests fail before anything is broken:\n{output[-2000:]}")
    limit = 30 + 3 * (time.monotonic() - start)
    for number, spec in enumerate(sample, start=1):
        result = mutate_and_test([spec], command, limit)
        verdict = "noticed" if result.is_killed else "MISSED "
        way = spec.operator_name.removeprefix("core/")
        print(f"{number:4} {verdict} {spec.module_path}:{spec.start_pos[0]} {way}", flush=True)
        yield None if result.is_killed else result.diff


if __name__ == "__main__":
    main()
