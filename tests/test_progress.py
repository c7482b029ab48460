"""The line of progress: step, phase, time left and speed come first, and losses as far as the terminal is wide."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from conftest import Genctl, tiny

from genctl.training import progress

PHASES = "{autoencoder: 100, adversarial: 100, joint: 100}"
AEGAN = (*tiny("aegan"), f"model.phases={PHASES}", "trainer.xla=false", "callbacks.log.every_steps=10")
FIRST = r"\d+/300 +(autoencoder|adversarial|joint) +\d:\d\d:\d\d +[\d,]+ images/s"
LOSS = r" +[a-z_/]+ -?\d[\d.e+-]*"


def seen_on_a_terminal(columns: int, *words: str) -> list[str]:
    """What a real terminal of so many columns is sent, by line: each drawing of a line that lives is one."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "genctl", "train", *words]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment | {"TERM": "xterm"})
    os.close(slave)
    sent = b""
    while chunk := _read(master):
        sent += chunk
    assert process.wait() == 0, sent.decode()
    os.close(master)
    return [re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", sent.decode())]


def _read(master: int) -> bytes:
    try:
        return os.read(master, 2**16)
    except OSError:  # the process has ended, and with it the terminal
        return b""


@pytest.mark.parametrize(("columns", "losses"), [(80, 1), (120, 3)])
def test_what_comes_first_is_whole_and_losses_fill_the_line(genctl: Genctl, columns: int, losses: int) -> None:
    lines = [line for line in seen_on_a_terminal(columns, *AEGAN) if re.match(r" *\d+/300 ", line)]
    assert max(map(len, lines)) <= columns
    moving = [line.rstrip() for line in lines if "images/s" in line]
    assert moving and all(re.fullmatch(rf"{FIRST}[ ━╸╺]*({LOSS})*", line) for line in moving), moving
    assert max(len(re.findall(LOSS, line.partition("images/s")[2])) for line in moving) >= losses, moving
    assert any("━" in line for line in moving) == (columns == 120)


def test_plain_lines_are_as_wide_as_the_output(genctl: Genctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    widths = {}
    for columns in ("70", "160"):
        monkeypatch.setenv("COLUMNS", columns)
        out = genctl.good("train", *AEGAN, f"name=x{columns}").out
        lines = [line for line in out.splitlines() if re.match(r"\d+/300 ", line)]
        assert max(map(len, lines)) <= int(columns)
        assert re.fullmatch(rf"300/300  joint  0 s left  [\d,]+ images/s({LOSS})*", lines[-1])
        widths[columns] = len(re.findall(LOSS, lines[-1].partition("images/s")[2]))
    assert widths["70"] < widths["160"]


def test_no_loss_is_cut() -> None:
    parts = ["generator 1.5", "discriminator 0.25"]
    assert [progress.fitting(parts, width) for width in (12, 13, 32, 33)] == ["", parts[0], parts[0], "  ".join(parts)]
