"""The benchmark of attacks: what it keeps, and what it writes into the documentation."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.attacks import formats, growing, working


@pytest.fixture(scope="module")
def attacks() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "attacks.py"
    spec = spec_from_file_location("benchmark_of_attacks", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def cost(seconds: float, *, slowness: float = 1.0, peak: float = 50.0, status: int = 0) -> dict[str, object]:
    measured = {"seconds": seconds, "slowness": slowness, "peak": peak, "status": status}
    return {**measured, "said": "", "raised": False}


@pytest.mark.parametrize(
    ("measured", "passes"),
    [
        (cost(9.9), True),
        (cost(10.1), False),
        (cost(18.0, slowness=2.0), True),
        (cost(21.0, slowness=2.0), False),
        (cost(1.0, peak=1001.0), False),
        (cost(1.0, status=1), True),
        (cost(1.0, status=-9), False),
    ],
)
def test_a_busy_machine_is_forgiven_and_nothing_else(attacks, measured, passes):
    assert attacks.Cost(**measured).passes is passes


def test_results_of_several_runs_add_up_to_one_summary(attacks, tmp_path):
    begin, end, made = attacks.BEGIN, attacks.END, attacks.Cost
    kept, text = tmp_path / "costs.json", tmp_path / "text.md"
    text.write_text(f"before\n{begin}old\n{end}after\n", encoding="utf-8")
    attacks.keep(kept, "small", {"layers": made(**cost(1.0, peak=90.0))})
    attacks.keep(kept, "large", {"layers": made(**cost(2.0))})
    attacks.keep(kept, "small", {"export": made(**cost(11.0))})
    attacks.write_summary(json.loads(kept.read_text(encoding="utf-8")), text)
    assert text.read_text(encoding="utf-8") == (
        f"before\n{begin}"
        "| command | attacks | most seconds | most memory | over the bar |\n|---|---|---|---|---|\n"
        "| `filtviz layers` | 2 | 2.0 (large) | 90 MB (small) | none |\n"
        "| `filtviz export -q -o pictures` | 1 | 11.0 (small) | 50 MB (small) | small |\n"
        f"{end}after\n"
    )


def test_each_command_that_works_on_models_is_measured(attacks):
    from filtviz.cli import main

    assert {line[0] for line in attacks.COMMANDS.values()} == set(main.list_commands(None)) - {"explain"}


def test_each_attack_has_a_name_of_its_own(attacks):
    assert len(attacks.ATTACKS) == sum(map(len, (growing.TO_READ, formats.TO_OPEN, working.TO_WORK)))
