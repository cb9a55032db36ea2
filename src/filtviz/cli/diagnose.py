"""``filtviz diagnose``: are these filters random, and why do they look so?"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import complain, print_json, say
from filtviz.cli.helping import Command
from filtviz.cli.image_options import image_options, shown_images
from filtviz.cli.inputs import models_argument
from filtviz.cli.shared_options import (
    budget_options,
    input_range_option,
    json_option,
    layer_option,
    reading_options,
)
from filtviz.measures.table import CHECKS
from filtviz.results import FileFailure
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.budget import Budget
    from filtviz.measures.measure import Diagnosis
    from filtviz.results import Diagnoses

__all__ = ["diagnose"]

FOUND = 3
"""The exit status where a ``--check`` found what it looks for."""


@click.command(cls=Command, short_help="Say whether filters are random, and why.")
@layer_option
@click.option("--details", is_flag=True, help="Show every measure of every layer, beside what chance gives.")
@click.option(
    "--filters", is_flag=True, help="Show each filter: its numbers, what it resembles, what is odd."
)
@click.option(
    "--before",
    multiple=True,
    metavar="MODEL",
    help="An earlier file of the same network, to measure what changed; may be repeated.",
)
@image_options("The class of each image, one a line, by number or name (default: those in a .npz file).")
@input_range_option
@click.option(
    "--check",
    "rules",
    multiple=True,
    type=click.Choice(list(CHECKS)),
    help="Exit with status 3 if this is found (for scripts); may be repeated.",
)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print one row for each filter, as CSV.")
@reading_options
@budget_options
@models_argument
@click.pass_context
def diagnose(
    context: click.Context,
    models: Sequence[str],
    layers: Sequence[str],
    details: bool,
    filters: bool,
    before: Sequence[str],
    images: Sequence[str],
    showing: Mapping[str, Any],
    input_range: tuple[float, float] | None,
    rules: Sequence[str],
    as_json: bool,
    as_csv: bool,
    reading: Mapping[str, Any],
    budget: Budget,
) -> None:
    """Say whether the filters of MODEL are random, and why they look so, from its weights alone.

    The answer comes first, with a line for each convolution and the command whose picture shows it; --details
    adds what it rests on. --images are shown to it, too: which units never fire or are saturated, what it
    answers right, and with --before what of that rests on learned weights. Of several models it is said in
    what they differ, and of three and more states of one training when each layer stopped moving.

    \b
    Example:
      filtviz diagnose model.pkl
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    from filtviz.api import diagnose as diagnose_models
    from filtviz.cli.json_data import diagnoses_data

    found = diagnose_models(
        list(models),
        layers=layers,
        before=before,
        input_range=input_range,
        progress=_complain_of_one,
        budget=budget,
        **shown_images(images, showing),
        **reading,
    )
    done = found.diagnoses
    _say_of_images(done)
    if as_json:
        print_json(diagnoses_data(found.outcomes, with_filters=filters))
    elif as_csv:
        _print_csv(done)
    else:
        _print_text(found, details=details, with_filters=filters)
    is_met = _complain_of(done, rules)
    failed = bool(found.failures) or any(each.left_out for each in done)
    context.exit(1 if failed else FOUND if is_met else 0)


def _say_of_images(done: Sequence[Diagnosis]) -> None:
    """Say how images were prepared, once for all models for which it is the same."""
    said = [sentence for one in done if one.shown is not None for sentence in one.shown.sentences]
    for sentence in dict.fromkeys(said):
        say(sentence[:1].upper() + sentence[1:])


def _complain_of_one(outcome: Diagnosis | FileFailure) -> None:
    """Say why a model has no diagnosis, or what in it was too much work."""
    if isinstance(outcome, FileFailure):
        complain(outcome.reason)
        return
    for sentence in outcome.left_out:
        complain(f"{printable(outcome.file, 200)}: {sentence}")


def _print_csv(done: Sequence[Diagnosis]) -> None:
    from filtviz.cli.json_data import write_rows

    write_rows(done, sys.stdout)


def _print_text(found: Diagnoses, *, details: bool, with_filters: bool) -> None:
    from filtviz.cli.diagnosis_text import (
        answer_of,
        describe_each,
        describe_model,
        describe_trajectory,
        shown_of,
    )
    from filtviz.cli.models_text import describe_models

    done, trajectory = found.diagnoses, found.trajectory
    alone = len(done) == 1
    if trajectory is not None:
        done = tuple(done[place] for place in (*trajectory.order, *trajectory.apart))
    if alone and (details or with_filters):
        text = "".join(describe_model(each, details=details, with_filters=with_filters) for each in done)
    elif alone:
        text = "".join(map(answer_of, done))
    else:
        text = describe_models(done, "" if trajectory is None else describe_trajectory(trajectory, done))
        text += shown_of(done)
        if done and (details or with_filters):
            text += f"\n{describe_each(done, details=details, with_filters=with_filters)}"
    click.echo(text, nl=False)


def _complain_of(done: Sequence[Diagnosis], rules: Sequence[str]) -> bool:
    """Name on stderr what the rules found; tell whether they found anything."""
    found = False
    for diagnosis in done:
        for rule in dict.fromkeys(rules):
            names = diagnosis.checks.get(rule, ())
            if names:
                found = True
                where = ", ".join(printable(name, 40) for name in names)
                complain(f"{printable(diagnosis.file, 200)}: {rule}: {where} ({CHECKS[rule]})")
    return found
