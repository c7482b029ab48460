"""`genctl export`: a trained run's networks for use without genctl."""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from omegaconf import DictConfig

from genctl import rundir
from genctl.errors import UserError
from genctl.invocation import Invocation
from genctl.options import options
from genctl.trained import trained

if TYPE_CHECKING:
    from genctl.artefacts.parts import Part

COMPARED = 16  # examples that an export must give genctl's own output for
CLOSE = 1e-3  # of the largest code or score
log = logging.getLogger("genctl")


def export(cfg: DictConfig, invocation: Invocation) -> None:
    """Write a network for each part, and README.md, its model card; leave nothing where one gives other output."""
    wanted = options(cfg, format=Literal["keras", "savedmodel", "tflite", "onnx"], part=str | None)
    directory, kind = rundir.existing(wanted["run"]), wanted["format"]
    out = Path(wanted["out"]).expanduser() if wanted["out"] else directory / "export" / kind
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already: name another folder with out=…, or remove it.")
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust) as run, _aside(out) as folder:
        from genctl.artefacts.card import card
        from genctl.artefacts.formats import FORMATS
        from genctl.artefacts.parts import Part, parts

        exported: dict[str, tuple[Part, str]] = {}
        for part in parts(run, wanted["part"]):
            file = part.name + FORMATS[kind].suffix
            FORMATS[kind].write(part, folder / file)
            arrays = _examples(part, len(run.spec.class_names))
            given = FORMATS[kind].read(folder / file, part.output)(arrays)
            exported[file] = part, compared(file, given, part.expected(arrays))
            log.info("%s: %s", out / file, exported[file][1])
        (folder / "README.md").write_text(card(run, kind, exported), encoding="utf-8")
    log.info("%s", out / "README.md")


def compared(file: str, given: np.ndarray, expected: np.ndarray) -> str:
    """How an export's output compares with genctl's. Raises UserError where it is wrong."""
    if given.shape != expected.shape or given.dtype != expected.dtype:
        raise UserError(
            f"{file} gives {given.dtype}{list(given.shape)}, and genctl {expected.dtype}{list(expected.shape)}: "
            "nothing is exported."
        )
    if (given == expected).all():
        return "the same bits"
    difference = np.abs(given.astype(np.float64) - expected)
    close = difference.max() <= (1 if given.dtype == np.uint8 else CLOSE * max(1.0, np.abs(expected).max()))
    if not close:
        raise UserError(
            f"{file} differs by up to {difference.max():.3g} from genctl's own output: nothing is exported."
        )
    return f"{(difference > 0).mean():.2g} of the numbers differ, by {difference.max():.2g} at most"


def _examples(part: "Part", classes: int) -> dict[str, np.ndarray]:
    """Inputs to compare with: random bytes, normal numbers, every class in turn."""
    generator = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for name, (shape, kind) in part.inputs.items():
        if name == "label":
            arrays[name] = (np.arange(COMPARED) % classes).astype(np.int32)
        elif kind == "uint8":
            arrays[name] = generator.integers(0, 256, (COMPARED, *shape), np.uint8)
        else:
            arrays[name] = generator.normal(size=(COMPARED, *shape)).astype(np.float32)
    return arrays


@contextlib.contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place at the end, and is removed where something fails."""
    folder = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        yield folder
        if out.exists():
            out.rmdir()
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
