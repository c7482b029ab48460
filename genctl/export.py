"""`genctl export`: a trained run's networks for use without genctl."""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from omegaconf import DictConfig

from genctl import rundir
from genctl.errors import UserError
from genctl.invocation import Invocation
from genctl.options import options
from genctl.trained import trained

log = logging.getLogger("genctl")


def export(cfg: DictConfig, invocation: Invocation) -> None:
    """Write a network for each part, and README.md, its model card; leave nothing where one gives other output."""
    wanted = options(cfg, format=Literal["keras", "savedmodel", "tflite", "onnx"], part=str | None)
    directory, kind = rundir.existing(wanted["run"]), wanted["format"]
    out = Path(wanted["out"]).expanduser() if wanted["out"] else directory / "export" / kind
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already: name another folder with out=…, or remove it.")
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust) as run:
        from genctl.artefacts.card import card
        from genctl.artefacts.check import check
        from genctl.artefacts.formats import FORMATS
        from genctl.artefacts.parts import Part, parts

        exported: dict[str, tuple[Part, str]] = {}
        with _aside(out) as folder:
            for part in parts(run, wanted["part"]):
                file = part.name + FORMATS[kind].suffix
                FORMATS[kind].write(part, folder / file)
                exported[file] = part, check(part, FORMATS[kind], folder / file, run)
            (folder / "README.md").write_text(card(run, kind, exported), encoding="utf-8")
        for file, (_, result) in exported.items():
            log.info("%s: %s", out / file, result)
        log.info("%s", out / "README.md")


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
