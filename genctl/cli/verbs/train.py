"""`genctl train` and `genctl resume`: from a config to a run in its directory. The loop itself is in loop.py."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import yaml

from genctl.cli.terminal import Output, quiet
from genctl.cli.verbs.preview import preview
from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.config.moved import MovedData, with_data_at
from genctl.config.runconfig import RunConfig
from genctl.errors import Pruned, Stopped, UserError
from genctl.runs import build, checkpoint, provenance, records, rundir
from genctl.runs.records import TrainingResult
from genctl.runs.versions import require_known
from genctl.sweeps import pruning
from genctl.training import report
from genctl.training.callbacks import Callback
from genctl.training.loop import fit
from genctl.training.plan import plan as make_plan
from genctl.training.prepared import Prepared, prepared
from genctl.training.profiling import Profile
from genctl.training.progress import Progress
from genctl.training.signals import Requests

if TYPE_CHECKING:
    from genctl.training.run import Run

Tools = tuple[Progress, Requests, Profile]
Changes = dict[str, Any]  # of a part of the config; null: as it was
log = logging.getLogger("genctl")


def train(invocation: Invocation, dry_run: bool, **settings: Unpack[RunConfig]) -> TrainingResult | None:
    """Train a model; a named run that has begun is continued, if its config is the same.

    dry_run: only say what the run would be and take, and return None. Returns its outcome; of several processes, one
    does. Raises UserError for a mistake in the config, and Stopped where the run was stopped before its end.
    """
    config: dict[str, Any] = dict(settings)
    records.refuse_references(config, "the config")
    for section, key in (("dataset", "path"), ("model", "autoencoder")):
        if isinstance(path := config[section].get(key), str):
            config[section][key] = str(files.given(path, f"{section}.{key}").absolute())
    stem = "-".join(invocation.choices.get(group, group) for group in ("model", "dataset"))
    directory = rundir.path_of(config, invocation.job)
    if config["trainer"].get("workers") and not directory:
        raise UserError("trainer.workers needs name=…, so that all processes train the same run.")
    if directory and (directory / rundir.CONFIG).exists():
        _require_same(directory, config)
    if dry_run:
        preview(config, invocation)
        return None
    made = (lambda: rundir.claim(directory)) if directory else (lambda: rundir.fresh(config["outputs"], stem))
    with _begun(config, config["dataset"], invocation, directory, made) as (run, callbacks, tools):
        fit(run, callbacks, *tools)
    summary = records.read_summary(run.directory)
    return TrainingResult(run.directory, summary) if summary else None


def resume(
    invocation: Invocation, run: str, dataset: MovedData, trainer: Changes, model: Changes, callbacks: Changes
) -> None:
    """Continue a run from its directory alone; durations may be changed."""
    directory = rundir.existing(run)
    config = records.read_config(directory)
    require_known(directory, config)
    build.check_unused(config, invocation.trust)
    given: list[Mapping[Any, Any]] = [trainer, model, callbacks, dataset]
    for section, changes in zip(("trainer", "model", "callbacks", "dataset"), given, strict=True):
        _override(config[section], changes, section)
    data = with_data_at(config, dataset)["dataset"]
    with _begun(config, data, invocation, directory, lambda: directory) as (resumed, turns, tools):
        fit(resumed, turns, *tools)


def _require_same(directory: Path, config: Mapping[str, Any]) -> None:
    before = records.read_config(directory)
    require_known(directory, before)
    if changed := rundir.differences(before, config):
        lines = "\n  ".join(changed)
        raise UserError(
            f"{directory} was begun with another config:\n  {lines}\n"
            f"Choose another name=…, or continue it as it was: genctl resume {rundir.argument(directory)}"
        )


def _override(config: dict[str, Any], changes: Mapping[Any, Any], key: str) -> None:
    """Put every change that is not null into the config. Raises UserError for what this run does not have."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            below = config.get(name)
            _override(below if isinstance(below, dict) else {}, value, f"{key}.{name}")
        elif value is not None and name not in config:
            raise UserError(f"{key}.{name}={value}: this run has no such setting.")
        elif value is not None:
            config[name] = value
            if name == "steps":
                config["epochs"] = None


@contextlib.contextmanager
def _begun(
    config: dict[str, Any],
    data: dict[str, Any],
    invocation: Invocation,
    directory: Path | None,
    make_directory: Callable[[], Path],
) -> Iterator[tuple["Run", Sequence[Callback], Tools]]:
    """Check and build everything; make the directory last, so that a mistake leaves nothing behind.

    data: the part `dataset` of the config, as it is to be loaded. directory: where the run may have begun already.
    Within the block, which trains, the run is at its beginning, or where its newest checkpoint left it.
    """
    with quiet() as output:
        plan = make_plan({**config, "dataset": data}, invocation.trust)
        if directory and (directory / rundir.SPEC).exists():  # the same data under another name are the same
            name = records.read_spec(directory).name
            plan.dataset.spec = dataclasses.replace(plan.dataset.spec, name=name)
        with prepared(config, plan, invocation.trust) as parts:
            from genctl.compute import device, parallel
            from genctl.runs.pretrained import adopt

            strategy = parts.strategy
            turns: list[Callback] = [*plan.callbacks, *pruning.callbacks(parts.watch, plan.callbacks)]
            begun = _has_begun(directory, parts.total)
            source = adopt(strategy, strategy.pretrained) if strategy.pretrained and not begun else None
            with rundir.locked(make_directory(), parallel.worker()) as directory:
                output.keep_in(directory / rundir.LOG)
                if source:
                    log.info("encoder and decoder are those of %s", source)
                provenance.record(directory, invocation, plan.dataset, config["seed"], device.describe(parts.place))
                run = _run(directory, config, parts)
                report.introduce(run)
                with _ended(run, output), _watched(run, output) as tools:
                    yield run, turns, tools


def _has_begun(directory: Path | None, total: int) -> bool:
    """Whether the run has done steps already. Raises UserError where these are more than it is to have."""
    stored = checkpoint.newest(directory / "checkpoints") if directory else None
    if stored and (done := stored.facts["step"]) > total:
        raise UserError(f"trainer.steps={total} is less than the {done} steps that {directory} has done already.")
    return stored is not None


def _run(directory: Path, config: dict[str, Any], parts: Prepared) -> "Run":
    """The run at its beginning, or where its newest checkpoint left it."""
    run = parts.run(directory, config["seed"])
    if stored := checkpoint.newest(directory / "checkpoints"):
        run.restore(stored.arrays, stored.facts)
        report.introduce_new_length(run, stored.facts["total"], config)
    else:
        run.journal.truncate(0)
    records.write_config(directory, config)
    rundir.write_json(directory / rundir.SPEC, run.dataset.spec.to_json())
    if run.step == 0 and run.trainer.on_nan == "rollback":
        run.save()  # so that there is a place to go back to from the first steps
    run.board.text("config", f"```yaml\n{yaml.safe_dump(config, sort_keys=False)}```")
    return run


@contextlib.contextmanager
def _watched(run: "Run", output: Output) -> Iterator[Tools]:
    """Within the block, signals are requests, and there is a bar; and the profile that is asked for."""
    with (
        Requests() as requests,
        Progress(output.console, run.total, run.step) as progress,
        Profile(run.trainer.profile, run.directory) as profile,
    ):
        yield progress, requests, profile


@contextlib.contextmanager
def _ended(run: "Run", output: Output) -> Iterator[None]:
    """The block trains; leave a summary whatever happens in it. Raises Stopped where steps are left to do."""
    status = "failed"
    try:
        yield
        status = "finished" if run.complete else "stopped"
    except KeyboardInterrupt:  # the second one
        status = "stopped"
        raise
    except Pruned as pruned:
        status = "pruned"
        log.info("%s; it can be finished: genctl resume %s", pruned, rundir.argument(run.directory))
    except Exception as error:
        output.note(f"{type(error).__name__}: {error}")
        raise
    finally:
        run.board.close()
        report.summarize(run, status)
    if status == "stopped":
        again = {"slurm": "the same srun command", "tf_config": "the same command in each process"}
        go_on = again.get(run.trainer.workers or "", f"genctl resume {rundir.argument(run.directory)}")
        raise Stopped(f"stopped at step {run.step} of {run.total}; go on with: {go_on}")
    if status == "finished":
        report.conclude(run)
