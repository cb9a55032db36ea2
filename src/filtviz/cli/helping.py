"""The help of a command: what most people need on two screens, all the rest where it is asked for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import click

from filtviz.cli.console import QUIET, failure_data, print_json
from filtviz.cli.streams import go_on_unread
from filtviz.errors import FiltvizError

__all__ = ["Command", "RareOption"]

WRITING = {"compare", "convert", "export", "report"}
"""Commands whose results are files: they write all of them, whether or not somebody reads their names.

So does ``plot``, but for one that shows pictures in the terminal.
"""

NAMES, GAP = 25, 2
"""Columns of the names of options, and between these and what they do."""


class RareOption(click.Option):
    """A limit or a hint, which few files need: the help names it at its end."""


class Command(click.Command):
    """A command with ``--quiet``, ``--help-all``, and a help in which limits and hints stand at the end."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.params.append(_quiet())
        self.params.append(_help_all())

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; where it fails as a whole and JSON is wanted, that says so, too."""
        try:
            return super().invoke(ctx)
        except FiltvizError as error:
            if ctx.params.get("as_json"):
                print_json(failure_data(error, _given_files(ctx)))
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options: a line or two for each, and of those that are rare the names alone."""
        is_full = bool(ctx.meta.get(FULL))
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        usual = [_record(one, ctx, is_full=is_full) for one in options if not isinstance(one, RareOption)]
        rare = [one for one in options if isinstance(one, RareOption)]
        with formatter.section("Options"):
            formatter.write_dl(usual, col_max=NAMES, col_spacing=GAP)
        if not rare:
            return
        if is_full:
            with formatter.section("Limits and hints, which few files need"):
                formatter.write_dl([_record(one, ctx, is_full=True) for one in rare])
            return
        with formatter.section(f"Limits and hints (`{ctx.command_path} --help-all` explains them)"):
            names = " ".join(one.opts[0] for one in rare)
            room = formatter.width - formatter.current_indent
            for line in textwrap.wrap(names, room, break_on_hyphens=False):
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _given_files(context: click.Context) -> Sequence[str]:
    """Return the models that a command was given."""
    given = context.params.get("model") or context.params.get("models") or ()
    return [given] if isinstance(given, str) else given


def _record(option: click.Option, context: click.Context, *, is_full: bool) -> tuple[str, str]:
    """Return an option's names and what it does: all of that, or its first sentence."""
    record = option.get_help_record(context)
    assert record is not None, "no option is hidden"
    if isinstance(option.type, click.Choice) and len(record[0]) > 2 * NAMES:
        names = re.sub(r"\[.*\]$", "NAME", record[0])
        record = names, f"{record[1].rstrip('.')}: {', '.join(map(str, option.type.choices))}."
    if is_full:
        return record
    names, text = record[0], re.sub(r"  \[.*\]$", "", record[1])
    brief = re.split(r"(?<=\.) (?=[A-Z\d`])", text, maxsplit=1)[0].rstrip(".")
    default = re.search(r"default: ([^;\]]+)", record[1][len(text) :])
    return names, brief + (f" [{default[1]}]" if default else "")


FULL = "filtviz.help_all"


def _help_all() -> click.Option:
    def show(context: click.Context, _: click.Parameter, is_wanted: bool) -> None:
        if is_wanted and not context.resilient_parsing:
            context.meta[FULL] = True
            click.echo(context.get_help(), color=context.color)
            context.exit()

    return click.Option(
        ["--help-all"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Explain every option in full, limits and hints too.",
    )


def _quiet() -> click.Option:
    def begin(context: click.Context, _: click.Parameter, is_quiet: bool) -> None:
        """Settle how a command speaks, before it begins."""
        context.meta[QUIET] = is_quiet
        if context.command.name in WRITING:
            go_on_unread()

    return click.Option(
        ["-q", "--quiet"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=begin,
        help="Say nothing but what failed.",
    )
