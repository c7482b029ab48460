"""`genctl export`: a trained run's networks for use without genctl."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from genctl import files, rundir
from genctl.errors import UserError
from genctl.invocation import Invocation
from genctl.options import CheckpointOption
from genctl.trained import Trained, trained

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
    target = files.given(out, "out") if out is not None else directory / "export" / format
    _refuse_occupied(target)
    with trained(run, checkpoint, invocation.trust) as model, _filled(target) as folder:
        from genctl.artefacts.precision import in_float32

        results = _write(folder, in_float32(model, invocation.trust), model, format, part)
        for file, result in results.items():
            log.info("%s: %s", target / file, result)
        log.info("%s", target / "README.md")


def _write(folder: Path, run: Trained, original: Trained, kind: str, name: str | None) -> dict[str, str]:
    """Write the part of that name, or all, and the card; return how each file's output compares with genctl's.

    run: what is exported; original: what the card is about.
    """
    from genctl.artefacts.card import card
    from genctl.artefacts.check import check
    from genctl.artefacts.formats import FORMATS, explained
    from genctl.artefacts.parts import Part, parts

    exported: dict[str, tuple[Part, str]] = {}
    for part in parts(run, name):
        file = part.name + FORMATS[kind].suffix
        with explained(kind, part):
            FORMATS[kind].write(part, folder / file)
            exported[file] = part, check(part, FORMATS[kind], folder / file, len(run.spec.class_names))
    (folder / "README.md").write_text(card(original, kind, exported), encoding="utf-8")
    return {file: result for file, (_, result) in exported.items()}


def _refuse_occupied(out: Path) -> None:
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out} is there already and no empty folder: name another folder with out=…")
    except OSError as error:
        raise UserError(f"{out} cannot be read: {error.strerror}. Name another folder with out=…") from error


@contextlib.contextmanager
def _filled(out: Path) -> Iterator[Path]:
    """A folder whose files are moved into `out` at the end; where something fails, all is as it was before.

    Raises UserError where `out` cannot be written.
    """
    made: list[Path] = []
    try:
        made = [place for place in (out, *out.parents) if not place.exists()]
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=out) as folder:
            yield Path(folder)
            for file in Path(folder).iterdir():
                file.rename(out / file.name)
        made = []
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{out} cannot be written: {reason}. Name another folder with out=…") from error
    finally:
        for place in made:
            with contextlib.suppress(OSError):
                place.rmdir()
