"""The tree: rooms in one order, imports one way. Imports inside functions and for types alone count like any other."""

import ast
import collections
import graphlib
import runpy
import statistics
import types
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PACKAGE = DOCS.parent / "genctl"
rooms = types.SimpleNamespace(**runpy.run_path(str(DOCS / "draw_rooms.py")))
MODULES = rooms.read_modules()
IMPORTS = rooms.read_imports(MODULES)


def test_every_import_goes_down() -> None:
    inside = [name for name in MODULES if name not in ("genctl", "genctl.__main__")]
    wrong = [
        f"{name}, line {line}, imports {target}, which is in no room below"
        for name in inside
        for target, line in IMPORTS[name].items()
        if target == "genctl" or rooms.place(target) < rooms.place(name)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other() -> None:
    try:
        graphlib.TopologicalSorter(IMPORTS).prepare()
    except graphlib.CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def test_the_top_level_is_short_and_each_name_is_there_once() -> None:
    top = {path.stem for path in PACKAGE.iterdir() if path.stem not in ("__init__", "__main__", "__pycache__")}
    assert len(top) <= 12, sorted(top)
    names = collections.Counter(path.name for path in MODULES.values() if path.name != "__init__.py")
    assert not [name for name, count in names.items() if count > 1]


def test_strategies_are_the_families_alone() -> None:
    families = [path.stem for path in (PACKAGE / "strategies").glob("*.py") if path.stem != "__init__"]
    assert len(families) == 13
    for family in families:
        classes = ast.parse(MODULES[f"genctl.strategies.{family}"].read_text()).body
        assert [node.bases[0].id for node in classes if isinstance(node, ast.ClassDef)] == ["Strategy"], family


def test_words_become_a_config_without_tensorflow() -> None:
    for name, path in MODULES.items():
        if name.startswith(("genctl.cli", "genctl.config")) and not name.startswith("genctl.cli.verbs"):
            first = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
            text = "\n".join(ast.unparse(node) for node in first)
            assert "tensorflow" not in text and "keras" not in text, name


def test_functions_and_files_are_of_the_size_of_one_idea() -> None:
    sizes = {
        f"{name}, line {node.lineno}: {node.name}": node.end_lineno - node.lineno + 1
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    }
    lengths = sorted(sizes.values())
    assert statistics.median(lengths) <= 9
    assert lengths[int(0.9 * len(lengths))] < 25
    assert not {name: size for name, size in sizes.items() if size > 45}
    lines = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert not {name: count for name, count in lines.items() if count > 221}


def test_the_picture_is_of_the_imports_as_they_are() -> None:
    assert (DOCS / "rooms.svg").read_text() == rooms.draw(), "draw it again: python docs/draw_rooms.py"
