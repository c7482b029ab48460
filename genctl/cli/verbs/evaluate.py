"""`genctl evaluate`: numbers about a trained run, or about any two sets of examples."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict, Unpack

from pydantic import Field, PositiveInt
from rich.console import Console

from genctl.cli.terminal import quiet
from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import CheckpointOption
from genctl.cli.verbs.outputs import writable
from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.config.moved import MovedData
from genctl.config.runconfig import Section
from genctl.config.signatures import Count, Seed
from genctl.errors import UserError
from genctl.metrics import results, two_sets
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.measure import measure
from genctl.metrics.results_table import table
from genctl.runs import build, rundir
from genctl.runs.grids import png

log = logging.getLogger("genctl")
Measure = Callable[[Evaluation], list[Number]]


class Settings(TypedDict):
    """See configs/evaluate.yaml."""

    run: str | None
    real: str | None
    samples: str | None
    data: Literal["test", "validation", "train"]
    n: Count
    seed: Seed
    checkpoint: CheckpointOption
    image_size: PositiveInt | Annotated[list[PositiveInt], Field(min_length=2, max_length=2)] | None
    dataset: MovedData
    out: str | None
    metrics: NotRequired[Section]
    features: NotRequired[Section | None]


def evaluate(invocation: Invocation, **options: Unpack[Settings]) -> None:
    """Compute the metrics; keep them in evaluations/ of the run, or in `out`; show them as a table.

    Raises UserError for settings that do not go together.
    """
    metrics, features = build.metrics(options, invocation.trust)
    named = invocation.choices.get("metrics") != "default"
    further = {"features": features, "trust": invocation.trust}
    places = {"run": options["run"], "real": options["real"], "samples": options["samples"]}
    given = [key for key, place in places.items() if place is not None]
    evaluate_what = {("run",): _run, ("real", "samples"): _sets}.get(tuple(given))
    if evaluate_what is None:
        got = f", but got {' and '.join(f'{key}=' for key in given)}" if given else ""
        raise UserError(f"genctl evaluate needs run=…, or both real=… and samples=…{got}.")
    evaluate_what(options, further, lambda evaluation: measure(metrics, evaluation, named))


def _run(options: Mapping[str, Any], further: Mapping[str, Any], measured: Measure) -> None:
    """Evaluate a run beside the data that it was trained on."""
    out = _place(options["out"])
    directory = rundir.existing(options["run"])
    results.read(directory)  # a damaged file, or a place without room, is better known before the work than after
    if out is None:
        folder = directory / results.FOLDER
        writable((folder if folder.is_dir() else directory) / "0.json", "out=FILE.json")
    with trained(options["run"], options["checkpoint"], further["trust"], options["dataset"]) as run:
        dataset = run.dataset(further["trust"])
        evaluation = Evaluation.of(
            dataset, options["data"], options["seed"], strategy=run.strategy, count=options["n"], **further
        )
        numbers, checkpoint = measured(evaluation), f"step-{run.step:09d}"
        if out:
            results.write_to(out, numbers, run.step, checkpoint)
        path = out or results.write(run.directory, run.step, numbers, checkpoint)
        _show(f"{run.directory}, step {run.step}", numbers, evaluation, path)


def _sets(options: Mapping[str, Any], further: Mapping[str, Any], measured: Measure) -> None:
    """Evaluate one set of examples beside another."""
    out = _place(options["out"])
    real, samples = options["real"], options["samples"]
    with quiet():
        evaluation = two_sets.evaluation(real, samples, options["image_size"], options["n"], options["seed"], **further)
        from genctl.compute import device

        with device.use("auto"):
            numbers = measured(evaluation)
        if out:
            results.write_to(out, numbers)
        _show(f"{samples} beside {real}", numbers, evaluation, out)


def _place(out: str | None) -> Path | None:
    """The file to write to, if one is given. Raises UserError for one that cannot be written, before any work."""
    if out is None:
        return None
    if not out.endswith(".json"):
        raise UserError(f"out={out}: give a file that ends in .json; pictures go beside it.")
    return writable(files.given(out, "out"), "out=FILE.json")


def _show(title: str, numbers: list[Number], evaluation: Evaluation, path: Path | None) -> None:
    """Print the table, and write pictures beside the results."""
    Console().print(table(title, numbers))
    if path is None:
        return
    log.info("%s", path)
    for name, picture in evaluation.pictures.items():
        target = path.with_name(f"{path.stem}-{name}.png")
        target.write_bytes(png(picture))
        log.info("%s", target)
