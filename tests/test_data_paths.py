"""Paths that a user gives, and names of files, as they are shown."""

import pytest

from genctl.data.locations import given_path, shown
from genctl.errors import UserError


def refused(path):
    with pytest.raises(UserError) as caught:
        given_path(path, "npz", "images.npz")
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (None, "dataset=npz needs dataset.path=..., such as dataset.path=images.npz"),
        ("", "dataset=npz needs dataset.path=..., such as dataset.path=images.npz"),
        ("a\0b", r"dataset.path=a\x00b cannot be read: embedded null byte"),
        ("~nosuchuser/x.npz", "home directory"),
        ("\x1b[31mred\n.npz", r"\x1b[31mred\n.npz does not exist"),
        ("\udce9.npz", r"\udce9.npz does not exist"),
        ("/dev/null/x.npz", "does not exist"),
    ],
)
def test_strange_paths(path, words):
    assert words in refused(path)


def test_a_path_that_is_too_long_is_shortened():
    message = refused("a" * 5000)
    assert "File name too long" in message and "a…a" in message and len(message) < 400


def test_paths_that_are_there(tmp_path, monkeypatch):
    (tmp_path / "ünï").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (".", "~", "ünï", "~/ünï", str(tmp_path)):
        assert given_path(path, "folder", "photos/").samefile(tmp_path / path.replace("~", "."))


def test_names_are_shown_in_one_line():
    assert shown("plain ünï") == "plain ünï"
    assert shown("a\nb\tc\x1b[2J\u202e\udcff") == r"a\nb\tc\x1b[2J\u202e\udcff"
