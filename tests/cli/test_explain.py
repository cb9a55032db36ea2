"""``filtviz explain``."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from filtviz.cli import main
from filtviz.measures.table import CHECKS, MEASURES
from filtviz.measures.topics import TOPICS
from filtviz.measures.verdicts import VERDICTS


def run(*arguments: str):
    return CliRunner().invoke(main, ["explain", *arguments])


def test_a_measure_is_told_in_full() -> None:
    result = run("spike")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "Low-rank spike (spike)\n\nDo many filters share a direction? Random ones point everywhere"
    )
    headings = [line[:12].strip() for line in result.stdout.splitlines()[4:] if line[:12].strip()]
    told = ["supports", "cannot say", "counts if", "of", "in verdict", "formula", "null", "source"]
    assert headings == told
    assert "formula     λ₁ of the O x Cp matrix" in result.stdout
    assert "Johnstone 2001" in result.stdout
    assert "cannot say  Silent on first layers trained with Adam." in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.cases("all")
@pytest.mark.parametrize("key", MEASURES)
def test_every_measure_can_be_told(key: str) -> None:
    result = run(key)
    assert result.exit_code == 0
    assert f"({key})" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_without_a_name_all_are_listed() -> None:
    result = run()
    assert result.exit_code == 0
    assert all(f"\n{key} " in result.stdout for key in MEASURES)


def test_json() -> None:
    entry = json.loads(run("dead", "--json").stdout)
    assert entry["measure"] == "dead"
    headings = (
        "measure, title, meaning, supports, cannot say, counts if, of, in verdict, formula, null, source"
    )
    assert list(entry) == headings.split(", ")
    assert list(json.loads(run("random", "--json").stdout)) == [
        "topic", "title", "meaning", "measures", "commands"
    ]  # fmt: skip
    assert [each["measure"] for each in json.loads(run("--json").stdout)] == list(MEASURES)


@pytest.mark.cases("all")
@pytest.mark.parametrize("key", TOPICS)
def test_every_topic_says_what_it_means_and_where_to_go_on(key: str) -> None:
    result = run(key)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{TOPICS[key].title}\n\n{TOPICS[key].meaning[:40]}")
    assert all(f"\n{measure} " in result.stdout for measure in TOPICS[key].measures)
    assert all(f"  {command}\n" in result.stdout for command in TOPICS[key].commands)
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_topics_speak_of_measures_and_options_that_exist() -> None:
    commands = {command for topic in TOPICS.values() for command in topic.commands}
    for command in commands:
        _, name, *rest = shlex.split(command)
        known = {option for each in main.get_command(None, name).params for option in each.opts}
        assert {word for word in rest if word.startswith("--")} <= known, command
        checked = [rest[i + 1] for i, word in enumerate(rest) if word == "--check"]
        assert set(checked) <= set(CHECKS)
    assert {key for topic in TOPICS.values() for key in topic.measures} <= set(MEASURES)
    words = [word for topic in TOPICS.values() for word in (topic.key, *topic.words)]
    assert len(words) == len(set(words))
    assert not set(words) & set(MEASURES)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("random", "Why do filters look random?"),
        ("Noise", "Why do filters look random?"),
        ("before", "What does a file from before training add?"),
        ("untrained", 'The verdict "as drawn"'),
        ("no pattern", 'The verdict "no pattern"'),
        ("initial", 'The verdict "as drawn"'),
        ("structured", 'The verdict "structured"'),
        ("dead", "Provably dead filters (dead)"),
        ("Provably dead filters", "Provably dead filters (dead)"),
        ("kernel", "Nearest classical kernel (classical)"),
        ("pruning", "Which filters do nothing?"),
        ("looks  random", "Why do filters look random?"),
        ("unequal strength", "Are some filters much stronger than others?"),
        ("near-copies", "Do many filters do the same?"),
        ("fine-grained", "Do filters look for edges, blobs or lines?"),
        ("pruned", 'The verdict "cannot tell"'),
        ("p-value", "What do the verdicts of layers mean?"),
    ],
)
def test_people_find_what_they_mean(word: str, title: str) -> None:
    assert run(word).stdout.startswith(title)


@pytest.mark.cases("all")
@pytest.mark.parametrize("key", VERDICTS)
def test_a_verdict_is_told_in_plain_words_before_it_is_told_exactly(key: str) -> None:
    told = " ".join(run(key).stdout.split())
    exactly = f"exactly {VERDICTS[key].says}; given where: {VERDICTS[key].when}"
    assert 0 < told.index(VERDICTS[key].plain) < told.index(exactly)
    assert "example" in VERDICTS[key].plain.lower()
    assert json.loads(run(key, "--json").stdout)["exactly"] in exactly


def test_an_unknown_word_is_one_sentence_with_the_nearest() -> None:
    result = run("randon")
    assert result.exit_code == 1
    assert result.stderr == (
        "filtviz: nothing is called 'randon' here; did you mean random? (`filtviz explain` lists topics and "
        "measures)\n"
    )
    assert run("xyzzy").stderr == (
        "filtviz: nothing is called 'xyzzy' here (`filtviz explain` lists topics and measures)\n"
    )


@pytest.mark.slow
def test_explaining_stays_light() -> None:
    code = (
        "import sys; from filtviz.cli import main\n"
        "main(['explain', 'spike'], standalone_mode=False)\n"
        "print({'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
