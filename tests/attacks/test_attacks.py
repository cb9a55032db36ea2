"""Whatever a hostile file says, the outcome is a network or one sentence, and nothing else happens.

All files are read in one process that is watched (`watching`), since an audit hook cannot be taken away.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.attacks import arrays, containers, graphs, pickles
from tests.attacks.assembling import KERNELS, beside_weights
from tests.attacks.attack import Attack

ATTACKS: tuple[Attack, ...] = (*pickles.ATTACKS, *arrays.ATTACKS, *containers.ATTACKS, *graphs.ATTACKS)
WATCHING = Path(__file__).with_name("watching.py")
LATE = {"text for bytes that is none", "an npz bomb"}
"""Attacks that lie in the weights themselves, which the command `layers` does not read."""

SECONDS = 15
"""What a file may take, whatever it says; most take milliseconds."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """How reading each file ended."""
    folder = tmp_path_factory.mktemp("attacks")
    harmless = folder / "harmless.pkl"
    harmless.write_bytes(beside_weights())
    paths = [attack.write(folder / f"{number:03}") for number, attack in enumerate(ATTACKS)]
    elsewhere = folder / "empty"
    elsewhere.mkdir()
    ran = subprocess.run(
        [sys.executable, WATCHING, elsewhere],
        input="".join(f"{path}\n" for path in [harmless, *paths]),
        capture_output=True,
        text=True,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": str(elsewhere)},
    )
    lines = ran.stdout.splitlines()
    assert len(lines) == len(ATTACKS), (
        f"reading {ATTACKS[len(lines)].name!r} ended the process ({ran.returncode}): {ran.stderr[-2000:]}"
    )
    assert list(elsewhere.iterdir()) == [], "a file was written"
    found = [{**json.loads(line), "path": str(path)} for line, path in zip(lines, paths, strict=True)]
    return dict(zip((attack.name for attack in ATTACKS), found, strict=True))


def test_every_attack_has_a_name_of_its_own():
    assert [name for name, n in Counter(attack.name for attack in ATTACKS).items() if n > 1] == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_reading_ends_in_a_network_or_one_sentence(attack: Attack, outcomes):
    found = outcomes[attack.name]
    assert found["ends"] == ("network" if attack.ends == "kernels" else attack.ends), found.get("sentence")
    if attack.ends == "kernels":
        assert found["shapes"] == [list(KERNELS.shape)]
        assert found["weights"] == [repr(float(number)) for number in KERNELS.ravel()]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_nothing_is_imported_called_or_opened(attack: Attack, outcomes):
    found = outcomes[attack.name]
    folder = str(Path(found["path"]).parent)
    elsewhere = [
        one for one in found["heard"] if not one.startswith(f"open {folder}/") and one != f"open {folder}"
    ]
    assert elsewhere == []
    assert found["imported"] == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_takes_little_time(attack: Attack, outcomes):
    assert outcomes[attack.name]["seconds"] < SECONDS


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_command_says_one_sentence(attack: Attack, outcomes):
    command = outcomes[attack.name]["command"]
    assert command["raised"] is None
    if attack.ends in ("network", "kernels") or attack.name in LATE:
        assert command["status"] == 0, command["stderr"]
        return
    assert command["status"] == 1
    assert command["stdout"] == ""
    (line,) = command["stderr"].splitlines()
    assert line.startswith("filtviz: ")
    assert line.isprintable()
