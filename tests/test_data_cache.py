"""The cache: things made once, whoever else is at work there, and whatever lies there already."""

import logging
import os
import signal
import subprocess
import sys

import pytest

from genctl.data import cache
from genctl.data.cache import made_once
from genctl.errors import UserError


def make(part):
    part.write_text("made")


def test_what_is_there_is_not_made_again(tmp_path):
    path = tmp_path / "a/b"
    assert made_once(path, make).read_text() == "made"
    path.write_text("kept")
    assert made_once(path, make).read_text() == "kept"


@pytest.mark.parametrize("leave", [os.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_a_killed_process_left_is_replaced(tmp_path, leave):
    leave(tmp_path / "x.part")
    assert made_once(tmp_path / "x", make).read_text() == "made"
    assert sorted(path.name for path in tmp_path.iterdir()) in (["x"], ["x", "x.lock"])


def test_a_link_that_was_left_is_removed_alone(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/kept").touch()
    (tmp_path / "x.part").symlink_to(tmp_path / "elsewhere")
    made_once(tmp_path / "x", make)
    assert (tmp_path / "elsewhere/kept").exists() and not (tmp_path / "x.part").is_symlink()


@pytest.mark.parametrize("leave", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_neither_file_nor_folder_is_not_used(tmp_path, leave):
    leave(tmp_path / "x")
    with pytest.raises(UserError, match="x is neither a file nor a folder: delete it"):
        made_once(tmp_path / "x", make)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("a file"),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/null"),
        lambda path: path.symlink_to(path),
        lambda path: path.symlink_to("/proc/1"),  # nobody may write there
    ],
)
def test_a_cache_that_cannot_be_written_is_one_message(tmp_path, spoil):
    spoil(tmp_path / "cache")
    with pytest.raises(UserError, match="cache directory .* cannot be written .* XDG_CACHE_HOME"):
        made_once(tmp_path / "cache/folder/x", make)


HOLD = """
import sys, time
from pathlib import Path
from genctl.data.cache import made_once
made_once(Path(sys.argv[1]), lambda part: (part.write_text("half"), print("holds", flush=True), time.sleep(60)))
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that makes the same thing, and takes a minute for it."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "x")], stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.wait()


def test_the_lock_of_a_killed_process_is_free(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "x.part").read_text() == "half"
    assert made_once(tmp_path / "x", make).read_text() == "made"


def test_waiting_for_another_process_is_told(tmp_path, holder, monkeypatch):
    told = []
    monkeypatch.setattr(cache, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(logging.getLogger("genctl"), "warning", lambda *words: (told.append(words), holder.kill()))
    assert made_once(tmp_path / "x", make).read_text() == "made"
    assert told == [("Another process makes %s: waiting for it.", tmp_path / "x")]
