"""`genctl export`: a trained run's networks for use without genctl."""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from genctl import files, rundir
from genctl.errors import UserError
from genctl.invocation import Invocation
from genctl.options import CheckpointOption
from genctl.trained import trained

log = logging.getLogger("genctl")


def export(
    invocation: Invocation,
    run: str,
    format: Literal["keras", "savedmodel", "tflite", "onnx"],
    part: str | None,
    out: str | None,
    checkpoint: CheckpointOption,
) -> None:
    """Write a network for each part, and README.md, its model card; leave nothing where one gives other output."""
    directory = rundir.existing(run)
    target = files.given(out, "out") if out else directory / "export" / format
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target} is there already: name another folder with out=…, or remove it.")
    with trained(run, checkpoint, invocation.trust) as model:
        from genctl.artefacts.card import card
        from genctl.artefacts.check import check
        from genctl.artefacts.formats import FORMATS
        from genctl.artefacts.parts import Part, parts

        exported: dict[str, tuple[Part, str]] = {}
        with _aside(target) as folder:
            for one in parts(model, part):
                file = one.name + FORMATS[format].suffix
                FORMATS[format].write(one, folder / file)
                exported[file] = one, check(one, FORMATS[format], folder / file, model)
            (folder / "README.md").write_text(card(model, format, exported), encoding="utf-8")
        for file, (_, result) in exported.items():
            log.info("%s: %s", target / file, result)
        log.info("%s", target / "README.md")


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
