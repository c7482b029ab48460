"""Exceptions as messages: what a mistake on the command line or in a config file says to the user."""

import difflib
import itertools
import os
import re
import signal
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path

import yaml

from genctl.cli.synonyms import meant_by
from genctl.config.printing import printable
from genctl.errors import Stopped, UserError, first_line

STOPPED = 75
WORD = 500  # characters of a word, such as a path, in a message
INTERRUPTED = 128 + signal.SIGINT


def report(error: BaseException, job: str = "") -> int:
    """Print an exception as one message and return the exit status that goes with it."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if os.environ.get("GENCTL_DEBUG") == "1":
        traceback.print_exception(error)
    place = f"job {job}: " if job else ""
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    if isinstance(error, Stopped):
        print(printable(f"{place}{error}"), file=sys.stderr)
        return STOPPED
    message = re.sub(rf"(\S{{{WORD}}})\S+", r"\1…", _message(error))  # words of thousands of letters tell nothing
    print(printable(f"error: {place}{message}"), file=sys.stderr)
    return 1


def _message(error: BaseException) -> str:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the output or a file cannot be written'}: {error.strerror}."
    if isinstance(error, MemoryError):
        return f"there is not enough memory: {first_line(error)}. Ask for fewer or smaller images at a time."
    if place := _users_code(error):
        return f"{place} raised {type(error).__name__}: {first_line(error)}. GENCTL_DEBUG=1 shows the traceback."
    debug = os.environ.get("GENCTL_DEBUG") == "1"
    how = "with the traceback above" if debug else "with what the same command prints under GENCTL_DEBUG=1"
    return f"genctl met what it was not prepared for, which is its own fault: please report it, {how}."


def _users_code(error: BaseException) -> str | None:
    """The innermost line that genctl called and that is no installed package's: of code that was trusted."""
    own = Path(__file__).parents[1]
    installed = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    called = itertools.dropwhile(lambda frame: not frame[0].is_relative_to(own), frames)
    for path, line in reversed([*called]):
        if path.suffix == ".py" and path.exists() and not any(map(path.is_relative_to, [own, *installed])):
            return f"{short(path)}, line {line},"
    return None


def nearest(word: str, keys: Iterable[str]) -> str | None:
    """Return the key that was probably meant: by its last part or a synonym where that is exact, else by likeness."""
    known = list(dict.fromkeys(keys))
    leaves = {key.split(".")[-1]: key for key in reversed(known)}
    exact = leaves.get(word) or meant_by(word, known) or leaves.get(word.split(".")[-1])
    if exact:
        return exact
    near = difflib.get_close_matches(word, known, n=1) or difflib.get_close_matches(word, leaves, n=1)
    return leaves.get(near[0], near[0]) if near else None


def unknown_flag(name: str, value: str, flags: Iterable[str], keys: Iterable[str]) -> UserError:
    """Say what was meant by a flag that does not exist: another flag, or a setting."""
    setting = name.lstrip("-").replace("-", "_")
    key = nearest(setting, keys)
    near = difflib.get_close_matches(name, list(flags), n=1, cutoff=0.7)
    if near and (key is None or key.split(".")[-1] != setting):
        return UserError(f"there is no flag {name}. Did you mean '{near[0]}'?")
    advice = f"write {key}={value or 'VALUE'}" if key else "such as trainer.steps=100"
    return UserError(f"there is no flag {name}. Settings are written KEY=VALUE, without dashes: {advice}.")


def unreadable(override: str, verb: str) -> UserError:
    """Explain an override that Hydra's grammar refuses."""
    key, equals, value = override.partition("=")
    if not equals and verb != "train" and Path(override).is_dir():
        return UserError(f"'{override}' is not KEY=VALUE: write run={override}.")
    if not equals:
        return UserError(f"'{override}' is not KEY=VALUE: write {override}=VALUE.")
    quoted = f"""'{key}="{value}"'"""
    if not re.fullmatch(r"[+~]{0,2}[\w./@:-]+", key):
        return UserError(
            f"{override}: '{key}' is not the name of a setting: write KEY=VALUE, without spaces around '='."
        )
    unclosed = any(value.count(a) != value.count(b) for a, b in ("[]", "{}", "()"))
    if unclosed or value.count("'") % 2 or value.count('"') % 2:
        advice = (
            "Shells take brackets, quotes and spaces for themselves: put the whole in quotes, such as 'KEY=[1, 2]'."
        )
        return UserError(f"{override}: a bracket or a quote is not closed. {advice}")
    return UserError(
        f"{override}: the value cannot be read. Quote it, once for genctl and once for the shell: {quoted}."
    )


def broken_yaml(error: yaml.YAMLError) -> UserError:
    """Name the file and the line of a YAML syntax error."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    place = f"{short(Path(mark.name))}, line {mark.line + 1}" if mark else "a config file"
    return UserError(f"{place}: this is not YAML: {problem}.")


def short(path: Path) -> str:
    """Write a path as seen from the working directory, where it is below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
