"""`genctl export`: a trained run's networks for use without genctl."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import CheckpointOption
from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.errors import UserError
from genctl.runs import rundir
from genctl.runs.trained import Trained
from genctl.strategies.parts import priors

CARD = "README.md"
log = logging.getLogger("genctl")


def export(
    invocation: Invocation,
    run: str,
    format: Literal["keras", "savedmodel", "tflite", "onnx"],
    part: str | None,
    out: str | None,
    checkpoint: CheckpointOption,
) -> None:
    """Write a network for each part, and README.md, their model card; leave nothing where one gives other output."""
    directory = rundir.existing(run)
    target = files.given(out, "out") if out is not None else directory / "export" / format
    _refuse_occupied(target)
    with trained(run, checkpoint, invocation.trust) as model, _filled(target) as folder:
        from genctl.cli.verbs.exporting.full_precision import in_float32

        results = _write(folder, in_float32(model, invocation.trust), model, format, part)
        for file, said in results.items():
            log.info("%s: %s", target / file, said)


def _write(folder: Path, run: Trained, original: Trained, kind: str, name: str | None) -> dict[str, str]:
    """Write the part of that name, or all, the fitted prior beside its decoder, and the card; say what each file is.

    run: what is exported; original: what the card is about.
    """
    from genctl.cli.verbs.exporting.card import by_output, card
    from genctl.cli.verbs.exporting.check import Exported, check, rounding
    from genctl.cli.verbs.exporting.formats import FORMATS, explained
    from genctl.cli.verbs.exporting.parts import parts

    classes, exported = len(run.spec.class_names), {}
    for part, trained_part in zip(parts(run, name), parts(original, name), strict=True):
        file = part.name + FORMATS[kind].suffix
        with explained(kind, part):
            FORMATS[kind].write(part, folder / file)
            compared = check(part, FORMATS[kind], folder / file, classes)
        rounded = None if run is original else rounding(part, trained_part, classes)
        exported[file] = Exported(part, compared, rounded)
    prior = run.strategy.prior if any(one.part.name == "decoder" for one in exported.values()) else None
    if prior is not None:
        prior.save(folder)
    (folder / CARD).write_text(card(original, kind, exported, prior is not None), encoding="utf-8")
    said = {file: by_output(one.compared) for file, one in exported.items()}
    return said | ({priors.FILE: "the distribution of codes"} if prior is not None else {}) | {CARD: "the model card"}


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
