"""Whatever a hostile file says, the outcome is a network or one sentence, and nothing else happens.

All files are read in one process that is watched (`watching`), since an audit hook cannot be taken away.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import telling
from tests.attacks import arrays, containers, graphs, growing, pickles, torch_files
from tests.attacks.assembling import KERNELS, beside_weights
from tests.attacks.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *pickles.ATTACKS,
    *arrays.ATTACKS,
    *containers.ATTACKS,
    *graphs.ATTACKS,
    *growing.ATTACKS,
    *torch_files.ATTACKS,
)
WATCHING = Path(__file__).with_name("watching.py")
LATE = {
    "text for bytes that is none",
    "an npz bomb",
    "torch zip: a storage that is a bomb",
    "torch: a string with less than it says",
}
"""Attacks that lie in the weights themselves, which the command `layers` does not read."""

SECONDS = 15
"""What a file may take, whatever it says; most take milliseconds."""


LONGEST = frozenset(
    {
        "a bz2 bomb", "a chain of fifteen hundred layers", "a chain of more layers than are allowed",
        "a fan of a hundred thousand inputs", "a gzip bomb", "a history without end",
        "a hundred thousand marks", "a key of numbers and letters", "a memo without end",
        "a network of madmom's without end", "a network of sknn's without end", "a shape of a million axes",
        "a short key of separators", "an axis map with a million axes", "calls as deep",
        "classes as deep as their makers", "dictionaries as deep", "dilations that add up without end",
        "empty streams before a full one", "enlargements that multiply without end",
        "in a stream: arrays of objects by the thousand", "layers that share a long name",
        "layers that share inputs which are none", "layers that share long texts",
        "layers that share one state", "layers without parameters by the hundred thousand",
        "lists a hundred thousand deep", "many small pickles", "members by the thousand",
        "members that are one and the same", "members whose headers are long",
        "object arrays that take all steps together", "objects that share arguments",
        "objects that share pairs", "opcodes without end", "states as deep",
        "strides that multiply without end", "tuples a hundred thousand deep", "tuples as deep as a key",
        *(attack.name for attack in growing.ATTACKS),
    }
)  # fmt: skip
"""Attacks that take more than most; their words are not written down."""

SLOW = LONGEST | {
    "NeuralNets without layers", "a deflate bomb in a zip", "a fan of twenty thousand inputs",
    "a key of separators", "an lzma bomb", "an npz bomb", "an old joblib bomb", "an xz bomb",
    "arrays for a graphics card in one another", "beside: a bomb", "classes without end", "diamonds",
    "in a stream: more arrays of objects than are allowed", "many bombs in one gzip",
    "more empty streams before a full one", "overlapping members",
    "torch zip: a storage that is a bomb", "torch zip: tensors without end",
    "torch: a size of a million axes", "torch: a storage that is inflated once",
    "torch: a string that many tensors are loaded from", "torch: modules a thousand deep",
    "torch: scales of scales",
}  # fmt: skip
"""Those that the fast tests leave out."""

QUICK = [attack for attack in ATTACKS if attack.name not in SLOW]
PARAMETERS = [pytest.param(attack, id=attack.name) for attack in ATTACKS if attack.name in SLOW]

Outcomes = Callable[[Attack], dict[str, Any]]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What tells how reading a file ended: of the quick ones all are read together, and of the slow ones."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # of all processes, so that one reads for all

    @cache
    def outcomes(*, slow: bool) -> dict[str, dict[str, Any]]:
        kept = shared / f"outcomes-{slow}.json"
        with (shared / "outcomes.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                attacks = [attack for attack in ATTACKS if (attack.name in SLOW) == slow]
                kept.write_text(json.dumps(watch(attacks, tmp_path_factory.mktemp("attacks"))))
        found: dict[str, dict[str, Any]] = json.loads(kept.read_text())
        return found

    return lambda attack: outcomes(slow=attack.name in SLOW)[attack.name]


def _is_only_loaded(attack: Attack) -> bool:
    """Whether no command is tried: the error would be the same after as long, and many others show it."""
    return attack.name in LONGEST and attack.ends not in ("network", "kernels")


def watch(attacks: Sequence[Attack], folder: Path) -> dict[str, dict[str, Any]]:
    """Read files in one process that is watched."""
    harmless = folder / "harmless.pkl"
    harmless.write_bytes(beside_weights())
    paths = [attack.write(folder / f"{number:03}") for number, attack in enumerate(attacks)]
    ways = ["\tload" if _is_only_loaded(attack) else "" for attack in attacks]
    lines = [f"{path}{way}\n" for path, way in zip(paths, ways, strict=True)]
    elsewhere = folder / "empty"
    elsewhere.mkdir()
    ran = subprocess.run(
        [sys.executable, WATCHING, elsewhere],
        input="".join([f"{harmless}\n", *lines]),
        capture_output=True,
        text=True,
        env={
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "HOME": str(elsewhere),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),  # the same filtviz as here
        },
    )
    answers = ran.stdout.splitlines()
    assert len(answers) == len(attacks), (
        f"reading {attacks[len(answers)].name!r} ended the process ({ran.returncode}): {ran.stderr[-2000:]}"
    )
    assert list(elsewhere.iterdir()) == [], "a file was written"
    found = [{**json.loads(line), "path": str(path)} for line, path in zip(answers, paths, strict=True)]
    return dict(zip((attack.name for attack in attacks), found, strict=True))


OF_THE_SYSTEM = ("no file: ", "the memory of the process")
"""Attacks that are answered in words of the operating system."""

SAID = {
    attack.name: attack
    for attack in ATTACKS
    if attack.name not in LONGEST and not attack.name.startswith(OF_THE_SYSTEM)
}
"""Attacks whose words are written down, by their names."""


def words(attack: Attack, outcome: dict[str, Any]) -> str:
    """One line for how reading a file ended."""
    if outcome["ends"] == "network":
        return f"{attack.name} => a network with kernels of {outcome['shapes']}"
    sentence = outcome["sentence"].replace(f"{Path(outcome['path']).parent}/", "")
    sentence = re.sub(r"inflate to [\d,]+", "inflate to N", sentence)  # as far as a library goes at once
    return f"{attack.name} => {outcome['ends']}: {sentence}"


def all_words(folder: Path) -> list[str]:
    """A line for each attack that does not take long."""
    found = watch(list(SAID.values()), folder)
    return [words(attack, found[name]) for name, attack in SAID.items()]


@cache
def words_before() -> dict[str, str]:
    """What is written down of each attack, by its name; ``python -m tests.telling`` writes it anew."""
    lines = (telling.GOLDEN / "attacks.txt").read_text(encoding="utf-8").splitlines()
    return {line.partition(" => ")[0]: line for line in lines}


def test_every_attack_has_a_name_of_its_own():
    assert [name for name, n in Counter(attack.name for attack in ATTACKS).items() if n > 1] == []
    assert {attack.name for attack in ATTACKS} >= SLOW


def test_quick_attacks_end_in_a_network_or_one_sentence_and_nothing_else(outcome: Outcomes):
    for attack in QUICK:
        try:
            _check(attack, outcome(attack))
        except AssertionError as error:
            pytest.fail(f"{attack.name}: {error}")


@pytest.mark.slow
@pytest.mark.parametrize("attack", PARAMETERS)
def test_a_slow_attack_ends_in_a_network_or_one_sentence_and_nothing_else(attack: Attack, outcome: Outcomes):
    _check(attack, outcome(attack))


def _check(attack: Attack, found: dict[str, Any]) -> None:
    _check_the_end(attack, found)
    _check_that_nothing_was_imported_called_or_opened(found)
    if not _is_only_loaded(attack):
        _check_the_command(attack, found["command"])
    if attack.name in SAID:
        assert words(attack, found) == words_before()[attack.name]
    assert found["seconds"] < SECONDS


def _check_the_end(attack: Attack, found: dict[str, Any]) -> None:
    assert found["ends"] == ("network" if attack.ends == "kernels" else attack.ends), found.get("sentence")
    if attack.ends == "kernels":
        assert found["shapes"] == [list(KERNELS.shape)]
        assert found["weights"] == [repr(float(number)) for number in KERNELS.ravel()]


def _check_that_nothing_was_imported_called_or_opened(found: dict[str, Any]) -> None:
    folder = str(Path(found["path"]).parent)
    elsewhere = [
        one for one in found["heard"] if not one.startswith(f"open {folder}/") and one != f"open {folder}"
    ]
    assert elsewhere == []
    assert found["imported"] == []


def _check_the_command(attack: Attack, command: dict[str, Any]) -> None:
    assert command["raised"] is None
    if attack.ends in ("network", "kernels") or attack.name in LATE:
        assert command["status"] == 0, command["stderr"]
        return
    assert command["status"] == 1
    assert command["stdout"] == ""
    (line,) = command["stderr"].splitlines()
    assert line.startswith("filtviz: ")
    assert line.isprintable()
