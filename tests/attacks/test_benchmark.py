"""The benchmark of attacks: what it keeps, and what it writes into the documentation."""

from __future__ import annotations

import json
import resource
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.attacks import (
    array_files,
    flatbuffer_files,
    formats,
    given_files,
    graph_files,
    growing,
    image_files,
    shared_parts,
    working,
)


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


@pytest.mark.cases("all")
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


def test_results_of_several_runs_add_up_to_one_summary(attacks, tmp_path, monkeypatch):
    monkeypatch.setattr(attacks, "ATTACKS", {"small": None, "large": None})
    begin, end, made = attacks.BEGIN, attacks.END, attacks.Cost
    path, text = tmp_path / "costs.json", tmp_path / "text.md"
    text.write_text(f"before\n{begin}old\n{end}after\n", encoding="utf-8")
    attacks.Kept(path).add("small", "layers", made(**cost(1.0, peak=90.0)))
    attacks.Kept(path).add("large", "layers", made(**cost(2.0)))
    attacks.Kept(path).add("small", "export", made(**cost(11.0)))
    attacks.write_summary(attacks.Kept(path).known, text)
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
    tables = (
        growing.TO_READ,
        formats.TO_OPEN,
        flatbuffer_files.TO_LEAD,
        graph_files.TO_FOLLOW,
        array_files.TO_NAME,
        working.TO_WORK,
        image_files.TO_SHOW,
        given_files.TO_GIVE,
        shared_parts.TO_SHARE,
    )
    assert len(attacks.ATTACKS) == sum(map(len, tables))


def test_what_was_measured_is_kept_and_not_measured_again(attacks, tmp_path):
    path = tmp_path / "costs.json"
    name, other = list(attacks.ATTACKS)[:2]
    attacks.Kept(path).add(name, "layers", attacks.Cost(**cost(1.0)))
    later = attacks.Kept(path)
    assert later.of(name, "layers") == attacks.Cost(**cost(1.0))
    assert later.of(name, "plot") is None
    assert later.of(other, "layers") is None
    assert attacks.Kept(path, again=True).of(name, "layers") is None


def test_attacks_that_are_gone_are_forgotten(attacks, tmp_path):
    path = tmp_path / "costs.json"
    path.write_text(json.dumps({"an attack of yesterday": {"layers": cost(99.0)}}), encoding="utf-8")
    assert attacks.Kept(path).known == {}


def test_an_attack_may_be_several_files(attacks, tmp_path, capsys):
    attacks.write("Darknet: a route of one layer many times", tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["images", "m.cfg", "m.weights"]
    assert capsys.readouterr().out == "m.weights\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory of processes is read from /proc")
def test_memory_is_that_of_all_processes_together(attacks, tmp_path):
    # A child's peak begins with its parent's, which is that of these tests.
    size = 60_000_000 + 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hold = f"import sys, subprocess; held = b'x' * {size}; subprocess.run([sys.executable, *sys.argv[1:]])"
    more = f"held = b'x' * {size}; import time; time.sleep(0.4)"
    alone = attacks.run(["-c", more], tmp_path)
    both = attacks.run(["-c", hold, "-c", more], tmp_path)
    assert alone.peak > size / 1e6
    assert both.peak > alone.peak + 0.6 * size / 1e6  # both at once, of which one is still growing


@pytest.mark.slow
def test_processor_seconds_are_those_of_all_processes(attacks, tmp_path):
    work = "import time\nwhile time.process_time() < 0.3: pass"
    one = "import sys, subprocess; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    assert attacks.run(["-c", one, work], tmp_path).seconds > 0.3


@pytest.mark.slow
def test_files_that_are_refused_go_to_those_that_read_alone_when_it_has_to_be_quick(
    attacks, tmp_path, monkeypatch
):
    name, given = next(iter(attacks.ATTACKS)), []

    def run(line, folder):
        given.append(line[2])
        return attacks.Cost(**cost(1.0, status=1))

    monkeypatch.setattr(attacks, "run", run)
    commands = ("layers", "plot", "compare")
    attacks.measure(name, commands, attacks.Kept(None), quick=True)
    assert given == ["layers", "compare"]
    given.clear()
    path = tmp_path / "costs.json"
    attacks.Kept(path).add(name, "layers", attacks.Cost(**cost(1.0, status=1)))
    attacks.measure(name, ["plot"], attacks.Kept(path), quick=True)
    assert given == []
    attacks.measure(name, commands, attacks.Kept(None), quick=False)
    assert given == ["layers", "plot", "compare"]
