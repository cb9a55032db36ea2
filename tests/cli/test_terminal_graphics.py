"""``plot --terminal`` on pseudo-terminals that answer like real ones."""

from __future__ import annotations

import os
import re
import select
import struct
import subprocess
import sys
from pathlib import Path

import pytest

fcntl = pytest.importorskip("fcntl", reason="needs pseudo-terminals")
pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
termios = pytest.importorskip("termios", reason="needs pseudo-terminals")

MODEL = Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl"
HALF_BLOCK = "▀".encode()

DEVICE_QUESTION = b"\x1b[c"
NOTHING, SIXEL = b"\x1b[?62;22c", b"\x1b[?62;4;22c"
KITTY_QUESTION = re.compile(rb"\x1b_Gi=(\d+)[^\x1b]*a=q[^\x1b]*\x1b\\")


def run_in_terminal(device: bytes, *, kitty: bool = False, columns: int = 100, **environment: str) -> bytes:
    """Run the command on a terminal of 10x20 pixels a character; return all that it wrote there."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 10 * columns, 800))
    command = [sys.executable, "-c", "from filtviz.cli import main; main()", "plot", str(MODEL), "--terminal"]
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    surroundings = {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
    child = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=subprocess.DEVNULL, env=surroundings, close_fds=True
    )
    os.close(follower)
    written, asked = b"", b""
    while select.select([leader], [], [], 60)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the child has closed its end
            break
        written, asked = written + piece, asked + piece
        # A terminal answers in the order in which it is asked: Kitty's question comes first.
        if kitty and (question := KITTY_QUESTION.search(asked)):
            os.write(leader, b"\x1b_Gi=" + question[1] + b";OK\x1b\\")
            asked = asked[question.end() :]
        if DEVICE_QUESTION in asked:
            os.write(leader, device)
            asked = asked.replace(DEVICE_QUESTION, b"")
    assert child.wait() == 0
    os.close(leader)
    return written


@pytest.mark.slow
def test_a_terminal_with_colours_gets_half_blocks() -> None:
    written = run_in_terminal(NOTHING)
    assert HALF_BLOCK in written
    assert b"38;2;" in written


@pytest.mark.slow
def test_no_color_is_obeyed_on_a_terminal() -> None:
    written = run_in_terminal(NOTHING, NO_COLOR="1")
    assert b"+9" in written or b"-9" in written
    assert b"\x1b" not in written


@pytest.mark.slow
def test_a_dumb_terminal_gets_plain_text() -> None:
    assert b"\x1b" not in run_in_terminal(NOTHING, TERM="dumb")


@pytest.mark.slow
def test_a_terminal_with_sixel_gets_the_picture() -> None:
    pytest.importorskip("textual_image", reason="needs the extra terminal")
    written = run_in_terminal(SIXEL)
    assert re.search(rb"\x1bP[\d;]*q", written)
    assert HALF_BLOCK not in written


@pytest.mark.slow
def test_kitty_gets_the_picture_by_its_own_protocol() -> None:
    pytest.importorskip("textual_image", reason="needs the extra terminal")
    written = run_in_terminal(NOTHING, kitty=True)
    assert re.search(rb"\x1b_G[^;]*f=100", written)
    assert HALF_BLOCK not in written


@pytest.mark.slow
def test_a_terminal_without_a_size_gets_text() -> None:
    assert HALF_BLOCK in run_in_terminal(SIXEL, columns=0)
