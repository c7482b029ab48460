"""Help: the overview, and a verb's settings with the meanings that the YAML files give."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from genctl.cli.arguments import FLAGS
from genctl.config import paths

if TYPE_CHECKING:
    from genctl.cli.composition import Request
    from genctl.cli.settings import Setting
    from genctl.cli.table import Verb

VALUE_WIDTH = 16
SWEEP = "sweep"  # no group, but settings of their own, which no trial has
IN_FULL = ("model", "dataset")  # groups whose settings the help of train lists; of another, where it is named there


def overview(verbs: Iterable["Verb"]) -> str:
    """Return the help of `genctl` alone."""
    rows = [(verb.name, verb.summary) for verb in verbs]
    rows.append(("completion", 'let bash or zsh complete words: eval "$(genctl completion bash)"'))
    examples = [
        ("genctl train model=vae dataset=mnist", "train"),
        ("genctl train -m model=ae,vae,gan seed=1,2", "train each combination"),
        ("genctl sample run=outputs/NAME n=64", "draw images"),
    ]
    further = [
        ("genctl train --help", "models, data sets, settings and flags"),
        ("genctl train --help model=gan", "the same with another choice"),
        ("genctl train --cfg job", "the whole config; nothing is run"),
    ]
    return "\n".join(
        [
            f"genctl {version('genctl')}: train, compare and use generative models on your own images,",
            "from YAML configs.",
            "",
            "Usage: genctl VERB [KEY=VALUE ...] [flags]",
            *_section("Verbs", rows),
            *_section("Examples", examples),
            *_section("Where to look next", further),
        ]
    )


def verb(row: "Verb", request: "Request") -> str:
    """Return the help of one verb, for the choices on its command line."""
    from genctl.cli import composition, settings, sweep_presets
    from genctl.cli.settings import Setting

    named, own = request, list[Setting]()
    if row.sweep:
        _, request = sweep_presets.read_settings(request)
        own += settings.read((paths.builtin() / "sweep/grid.yaml").read_text(encoding="utf-8"), "sweep")
    parts, choices = composition.parts(request)
    folders = [paths.builtin(), *request.folders]
    listed = [*settings.collect(parts, folders), *own]
    text = (paths.builtin() / f"{row.name}.yaml").read_text(encoding="utf-8")
    examples = [f"genctl {row.name} {words}" for words in (*row.examples, "--cfg job")]
    return "\n".join(
        [
            *textwrap.wrap(settings.header(text), _width()),
            "",
            f"Usage: genctl {row.name} {f'{row.takes} ' if row.places else ''}[KEY=VALUE ...] [flags]",
            *_groups(row.name, {**choices, SWEEP: sweep_presets.BASE} if row.sweep else choices, request.folders),
            *_settings(*_by_block(listed, choices, named), row.name),
            *_section(
                "Flags", [(", ".join(flag.names) + _takes(flag.value, flag.choices), flag.meaning) for flag in FLAGS]
            ),
            *_section("Examples", [(line, "") for line in examples]),
        ]
    )


def _groups(name: str, choices: dict[str, str | None], folders: Sequence[Path]) -> list[str]:
    rows, added = [], False
    for group in sorted(choices, key=(*IN_FULL, *reversed(choices)).index):
        own = paths.options(group, paths.builtin())
        more = sorted({option for folder in folders for option in paths.options(group, folder)} - set(own))
        added = added or bool(more)
        if [*own, *more] not in ([], [choices[group]]):
            rows.append((f"{group}={choices[group] or 'null'}", ", ".join([*own, *(f"{option}*" for option in more)])))
    if not rows:
        return []
    marks = ["  * from your own configs"] if added else []
    title = f"Choices (genctl {name} --help GROUP=CHOICE lists a choice's settings)"
    return [*_section(title, rows), *marks]


Blocks = dict[str, list["Setting"]]


def _by_block(
    collected: Iterable["Setting"], choices: Mapping[str, str | None], request: "Request"
) -> tuple[Blocks, Blocks]:
    """Sort settings by the choice they belong to, and the choices into those to list in full and the others."""
    in_full: Blocks = {}
    others: Blocks = {}
    named = {re.split(r"[.=@/]", word.lstrip("+~"))[0] for word in request.overrides}
    for setting in collected:
        group = setting.key.split(".")[0]
        chosen = choices.get(group)
        listed = group in (*IN_FULL, *named)
        whole = listed if group == SWEEP else listed or not chosen or "model" not in choices
        title = f"{group}={chosen}" if chosen else "sweep, with -m" if group == SWEEP else "Settings"
        (in_full if whole else others).setdefault(title, []).append(setting)
    return {title: in_full[title] for title in sorted(in_full, key=_place)}, others


def _place(title: str) -> int:
    group = title.split("=")[0]
    return IN_FULL.index(group) if group in IN_FULL else len(IN_FULL) + (title == "Settings")


def _settings(in_full: Blocks, others: Blocks, name: str) -> list[str]:
    rows = [row for block in in_full.values() for row in block if row.meaning]  # without one, nothing stands beside
    width = max((len(row.key) for row in rows), default=0)
    value_width = max((len(_short(row.value)) for row in rows), default=0)
    lines = []
    for title, block in in_full.items():
        lines += ["", _bold(title)]
        for row in block:
            lines += _row(f"{row.key:<{width}}  {_short(row.value):<{value_width}}", row.meaning)
    if not others:
        return lines
    names = [
        (title, ", ".join(row.key.partition(".")[2] for row in block if row.value)) for title, block in others.items()
    ]
    column = max(len(title) for title, _ in names)
    room = _width() - column - 4
    short = [(title, textwrap.shorten(text, room, placeholder=" …")) for title, text in names]
    return [*lines, *_section(f"Further settings (such as genctl {name} --help {names[0][0]}; all: --cfg job)", short)]


def _short(value: str) -> str:
    if value == "???":
        return "(needed)"
    return value if len(value) <= VALUE_WIDTH else f"{value[: VALUE_WIDTH - 1]}…"


def _takes(value: str, choices: Sequence[str]) -> str:
    return f" {value or '|'.join(choices)}" if value or choices else ""


def _section(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    column = min(max(len(left) for left, _ in rows), 46)
    return ["", _bold(title), *(line for left, right in rows for line in _row(f"{left:<{column}}", right))]


def _row(left: str, right: str) -> list[str]:
    """Lay out one row; what is right of `left` is wrapped below itself."""
    indent = len(left) + 4
    if not right:
        return [f"  {left.rstrip()}"]
    lines = textwrap.wrap(right, max(_width() - indent, 24), break_long_words=False)
    return [f"  {left}  {lines[0]}", *(f"{'':{indent}}{line}" for line in lines[1:])]


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 120)


def _bold(title: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return title if plain else f"\033[1m{title}\033[0m"
