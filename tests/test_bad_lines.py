"""Hundreds of bad command lines over all verbs: each ends in one message that says what to do, and leaves nothing.

The lines are those of tests/lines/*.txt, `LINE -> PART OF THE MESSAGE`, where the part may be empty; `LINE => PART OF
THE OUTPUT` is a good one. @DIGITS@ and its like stand for what cannot be typed, and names such as vae for what lies in
the working directory: see `material`. By day every third line is tried, at night all are.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent
NIGHT = os.environ.get("GENCTL_NIGHTLY") == "1"
SPECIAL = {
    "DIGITS": "9" * 5000,
    "LONG": "a/" * 2500,
    "NAME": "n" * 5000,
    "ESC": "\x1b[31m",
    "NUL": "\0",
    "HALF": "\udcff",  # a byte that is no UTF-8, as Python has it
}
TINY = "train trainer.steps=2 dataset.limit=40 trainer.batch_size=16 "  # what `tiny` stands for
MOST_LINES = 5  # of a message


class Line(NamedTuple):
    words: list[str]
    good: bool
    part: str


def lines(name: str) -> Iterator[Line]:
    """The lines of a table."""
    for text in (HERE / "lines" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if text and not text.startswith("#"):
            found = re.fullmatch(r"(.*?) ([-=])> ?(.*)", text)
            assert found, text
            words = [
                re.sub("@([A-Z]+)@", lambda m: SPECIAL[m[1]], word)
                for word in shlex.split(re.sub("^tiny ", TINY, found[1]))
            ]
            yield Line(words, found[2] == "=", found[3])


def material(place: Path, tiny_run: Callable[[str], Path]) -> Path:
    """What lines name: runs, codes, images, and what is mistaken for one of them."""
    place.mkdir()
    for model in ("vae", "gan", "ae", "aegan"):
        shutil.copytree(tiny_run(model), place / model)
    shutil.copytree(place / "vae", place / "unsaved")
    shutil.rmtree(place / "unsaved/checkpoints")
    draw = np.random.default_rng(0)
    codes, images = draw.normal(size=(6, 5)).astype(np.float32), draw.integers(0, 256, (6, 8, 8), np.uint8)
    arrays = {
        "codes": {"codes": codes},
        "codes_nan": {"codes": codes * np.nan},
        "codes_huge": {"codes": codes * 1e38},
        "codes_wide": {"codes": np.tile(codes, 2)},
        "codes_text": {"codes": codes.astype(str)},
        "codes_deep": {"codes": codes[None]},
        "codes_none": {"codes": codes[:0]},
        "codes_gan": {"codes": np.tile(codes, 2)[:, :6], "labels": np.array(["1", "2"])},
        "codes_cat": {"codes": np.tile(codes, 2)[:, :6], "labels": np.array(["cat"] * 6)},
        "images": {"images": images},
        "images_labelled": {"images": images, "labels": np.array(["1", "cat"] * 3)},
        "images_nan": {"images": images * np.float32("nan")},
        "images_none": {"images": images[:0]},
        "images_one": {"images": images[:1]},
        "images_deep": {"images": images[None, None, None]},
        "images_text": {"images": images.astype(str)},
        "vectors": {"images": codes},
    }
    for name, content in arrays.items():
        np.savez(place / f"{name}.npz", **content)
    Image.fromarray(images[0]).save(place / "one.png")
    for name in ("text.txt", "text.png", "text.npz", "text.json"):
        (place / name).write_text("hello\n")
    os.mkfifo(place / "pipe.npz")
    (place / "piped").mkdir()
    os.mkfifo(place / "piped/a.png")
    (place / "empty").mkdir()
    (place / "photos/a").mkdir(parents=True)
    Image.fromarray(images[1]).save(place / "photos/a/1.png")
    Image.fromarray(images[2]).save(place / "photos/a/2.png")
    return place


def prepare(directory: Path, line: Line, source: Path) -> None:
    """Lay out the directory of a line: beside its own files, a copy of what it names."""
    (directory / "work").mkdir(parents=True)
    named = {part for word in line.words for part in re.split(r"[^\w.]", word)}
    for name in sorted(named & {path.name for path in source.iterdir()}):
        subprocess.run(["cp", "-a", source / name, directory / "work"], check=True)


def contents(directory: Path) -> dict[str, int]:
    """When each file below a directory was written; a folder's time changes with what is in it for a moment."""
    return {
        str(path.relative_to(directory)): 0 if path.is_dir() else path.lstat().st_mtime_ns
        for path in directory.rglob("*")
    }


def run(table: list[Line], place: Path, source: Path) -> list[dict]:
    """Run the lines; each result has the line's status, out, err, seconds, and what is new in its directory."""
    directories = [place / str(index) for index in range(len(table))]
    for directory, line in zip(directories, table, strict=True):
        prepare(directory, line, source)
    before = [contents(directory / "work") for directory in directories]
    (place / "table.json").write_text(
        json.dumps([[str(directory), line.words] for directory, line in zip(directories, table, strict=True)])
    )
    command = [sys.executable, HERE / "forked.py", place / "table.json", place / "results.json"]
    subprocess.run(command, check=True, timeout=900, env=os.environ | {"COLUMNS": "120", "CUDA_VISIBLE_DEVICES": "-1"})
    results = json.loads((place / "results.json").read_text())
    for result, directory, old in zip(results, directories, before, strict=True):
        new = contents(directory / "work")
        result["left"] = sorted(name for name in new if new[name] != old.get(name))
    return results


def fault(line: Line, result: dict) -> str:
    """What is wrong with a result; "" where nothing is."""
    if line.good:
        return "" if result["status"] == 0 and line.part in result["out"] else "should have worked"
    if result["status"] != 1:
        return f"status {result['status']}"
    text, jobs = re.sub(r"(\d+ of \d+ jobs failed\.\n)$", "", result["err"]), 1
    if text != result["err"]:
        jobs = text.count("error: ")
    if "not prepared for" in text or "Traceback" in text:
        return "unforeseen"
    if not text.startswith("error: ") or text.count("\n") > MOST_LINES * jobs or text.count("error: ") > jobs:
        return "not one message"
    if len(text) > 2000 * jobs:
        return "a long message"
    if result["left"]:
        return f"left {result['left'][:3]}"
    return "" if line.part in text else "another message"


@pytest.mark.parametrize("name", ["train", "use", "grammar"])
def test_a_bad_line_ends_in_one_message(name: str, tmp_path: Path, tiny_run: Callable[[str], Path]) -> None:
    table = list(lines(name))[:: 1 if NIGHT else 3]
    results = run(table, tmp_path / "lines", material(tmp_path / "material", tiny_run))
    wrong = [
        f"{what}: genctl {shlex.join(line.words)[:300]}\n    {result['out'][-200:]}{result['err'][:600]}"
        for line, result in zip(table, results, strict=True)
        if (what := fault(line, result))
    ]
    assert not wrong, "\n".join(wrong)
