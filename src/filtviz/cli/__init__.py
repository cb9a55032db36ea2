"""The command line: each command parses, makes one call of the Python API, and prints.

Results go to stdout, messages to stderr. Exit status: 0 done, 1 a file or a layer failed, 2 wrong usage,
3 a ``--check`` found what it looks for, 128 and more where a signal or a closed pipe ended the command, as
shells have it. Each command is a module here, imported when it is called; errors become sentences in this
one place. To add a command: its function in `filtviz.api` with its result in `filtviz.results`, a module here
and its row below.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import click

from filtviz._version import __version__
from filtviz.cli.console import complain, conclusions_told
from filtviz.cli.streams import output_streams, refuse_inputs
from filtviz.errors import FiltvizError
from filtviz.signals import INTERRUPTED, Ended, ended_by_signals
from filtviz.text import printable

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "plot": "filtviz.cli.plot",
    "diagnose": "filtviz.cli.diagnose",
    "compare": "filtviz.cli.compare",
    "export": "filtviz.cli.export",
    "survey": "filtviz.cli.survey",
    "report": "filtviz.cli.report",
    "convert": "filtviz.cli.convert",
    "layers": "filtviz.cli.layers",
    "graph": "filtviz.cli.network_graph",
    "explain": "filtviz.cli.explain",
    "predict": "filtviz.cli.predict",
    "activity": "filtviz.cli.activity",
    "patches": "filtviz.cli.patches",
    "occlusion": "filtviz.cli.occlusion",
    "saliency": "filtviz.cli.saliency",
    "maximise": "filtviz.cli.maximise",
    "codes": "filtviz.cli.codes",
    "loss": "filtviz.cli.loss",
}
"""Command → the module that defines a `click.Command` of that name."""


class CommandGroup(click.Group):
    """Import a command's module only when it is called or its help is shown; translate errors once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def main(self, args: Sequence[str] | None = None, *rest: Any, **given: Any) -> Any:
        """Run the program: ended by signals, and with streams that end in no traceback.

        Args:
            args: What stands behind the program's name; None is the process's own command line, and what
                belongs to the process (signals, descriptors) is seen to only then.
            rest: As click has them.
            given: As click has them.
        """
        if not given.get("standalone_mode", True):
            with output_streams(own_process=False):
                return super().main(args, *rest, **given)
        own_process = args is None
        try:
            with ended_by_signals() if own_process else nullcontext():
                status = self._end(own_process, lambda: super(CommandGroup, self).main(args, *rest, **given))
        except Ended as end:
            status = end.status
        sys.exit(status)

    def _end(self, own_process: bool, run: Callable[[], Any]) -> Any:
        """Run click's own program, which ends in SystemExit, and return the exit status."""
        status: Any = 0
        try:
            with output_streams(own_process=own_process):
                if own_process:
                    refuse_inputs(sys.argv[1:])
                try:
                    run()
                except SystemExit as end:
                    status = end.code
        except Ended as end:
            return end.status
        except FiltvizError as error:
            complain(str(error))
            return 1
        return status

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours becomes one sentence on stderr and exit status 1."""
        try:
            with conclusions_told():
                return super().invoke(ctx)
        except FiltvizError as error:
            for sentence in (*getattr(error, "__notes__", ()), str(error)):
                complain(sentence)
            ctx.exit(1)
        except OSError as error:  # of a path that nobody asked the system about before
            if error.filename is None:
                if _is_somewhere():
                    raise
                complain("the folder that this runs in has been removed: change to another one")
                ctx.exit(1)
            complain(f"{printable(os.fsdecode(error.filename), 200)}: {printable(error.strerror)}")
            ctx.exit(1)
        except MemoryError:
            complain("the machine has not enough memory for this; try one layer or fewer channels")
            ctx.exit(1)
        except KeyboardInterrupt:
            complain("stopped")
            ctx.exit(INTERRUPTED)


def _is_somewhere() -> bool:
    """Say whether the working folder is still there, from which relative paths lead on."""
    try:
        os.getcwd()  # noqa: PTH109  (what is asked is whether it can be told)
    except FileNotFoundError:
        return False
    return True


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="filtviz")
@click.pass_context
def main(context: click.Context) -> None:
    """See and understand the convolution filters in a model file: PyTorch, Keras, ONNX, Lasagne and more.

    Nothing in the file is imported or run, and no framework needs to be installed.

    \b
    Example:
      filtviz plot model.pkl --layer 0

    \b
    Exit status:
      0  done
      1  a file or a layer failed, or was too much work
      2  wrong usage
      3  a --check found what it looks for
      128 and more: ended by a signal, or nobody reads any more (141)
    """
    # Only windows need a back end. A notebook sets one for its own Python, and where that cannot be loaded
    # matplotlib cannot even be imported: so none is set while pictures are drawn.
    context.obj = os.environ.pop("MPLBACKEND", None)
