"""`genctl train -m`: the trials of a sweep, checked first, trained side by side, and compared at the end."""

import json
import logging
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn

from genctl.cli import composition, jobs
from genctl.cli.composition import Request
from genctl.cli.terminal import quiet
from genctl.cli.verbs.comparing import pages, tables
from genctl.cli.verbs.comparing.columns import Comparison, comparison
from genctl.cli.verbs.comparing.run_record import runs_at
from genctl.config.signatures import check_settings
from genctl.data.bars import progress_bar
from genctl.errors import UserError
from genctl.runs import build, rundir
from genctl.sweeps import definition, slurm, states
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Sweep
from genctl.sweeps.local import Engine, begin_anew
from genctl.sweeps.slots import slots
from genctl.sweeps.sweep_settings import Settings
from genctl.sweeps.view import View, as_table

LEADERBOARD = "leaderboard.csv"
log = logging.getLogger("genctl")


def train_many(wanted: Sweep, settings: Settings, request: Request, command: str) -> int:
    """Train the trials that are not finished, list them, or queue workers for them; return how many failed.

    command: the line that was typed. Raises UserError for a trial that cannot work, before any is trained, and Stopped
    where that was asked for.
    """
    with quiet() as output:
        if settings["engine"] == "slurm" and not settings["dry_run"]:
            slurm.require()
        steps = check_trials(wanted, request)
        if settings["dry_run"]:
            _list(wanted, steps, output.console)
            return 0
        definition.store(wanted)
        left = sum(not states.is_finished(wanted, trial) for trial in wanted.trials)
        if settings["engine"] == "slurm" and left:
            _submit(wanted, left, settings, command)
            return 0
        claims = Claims(wanted.directory)
        places = slots(None if settings["jobs"] == "auto" else settings["jobs"])[: len(wanted.trials)]
        log.info("sweep %s: %d trials, %d at a time", wanted.directory, len(wanted.trials), len(places))
        engine = Engine(wanted, train_trial, settings["retries"], places, claims)
        with View(wanted, claims, output.console) as view:
            engine.work(view.tell, view.show)
        if engine.waiting:  # for others, the last of whom concludes
            return len(engine.failed)
        return _conclude(wanted, engine.failed, output.console)


def _submit(wanted: Sweep, left: int, settings: Settings, command: str) -> None:
    """Queue workers for so many trials, and say how to see what they do."""
    from genctl.cli.main import main

    begin_anew(wanted)
    queued = slurm.submit(wanted, left, settings, slurm.Worker(main, shlex.split(command)[1:]))
    log.info("job %s: %d workers for %d trials, which go on without you", queued.job, queued.workers, left)
    log.info("the queue: squeue --job %s; what the workers print: %s", queued.job, queued.folder)
    log.info("the trials: genctl sweep status %s", shlex.quote(str(wanted.directory)))


def train_trial(words: Sequence[str]) -> int:
    """Do `genctl train WORDS` in this process; return its exit status."""
    from genctl.cli.main import main

    return main(["train", *words])


def check_trials(wanted: Sweep, request: Request) -> list[str]:
    """Check the settings of every trial against its data; return how long each is to be, such as "4,000 steps".

    Raises UserError, which names the trial.
    """
    from genctl.cli.table import VERBS

    train, sizes, lengths = VERBS["train"].load(), dict[str, int](), []
    with progress_bar("checking trials", len(wanted.trials), MofNCompleteColumn()) as advance:
        for trial in wanted.trials:
            try:
                config, _ = composition.compose(Request("train", trial.words, request.folders))
                jobs.check(config, "train")
                plain = rundir.plain(config)
                trust = jobs.trusted(trial.words)
                plain.pop("trust", None)
                check_settings(train, plain, "genctl train", provided=("invocation",))
                lengths.append(_check(plain, trust, sizes))
            except UserError as error:
                place = f"trial {trial.name}: " if len(wanted.trials) > 1 else ""
                raise UserError(f"{place}{error}") from error
            advance(1)
    return lengths


def _check(config: dict[str, Any], trust: Sequence[str], sizes: dict[str, int]) -> str:
    """Build what is checked by that; sizes: training examples by data set, each of which is read once."""
    trainer = build.component(config, "trainer", trust)()
    build.optimizer(config, trust)
    key = json.dumps(config["dataset"], sort_keys=True, default=str)
    if key not in sizes:
        sizes[key] = build.dataset(config, trust).sizes["train"]
    trainer.check_batch(sizes[key])
    if trainer.epochs is not None:
        return f"{trainer.epochs:g} epochs"
    return f"{trainer.steps or sum(config['model'].get('phases', {}).values()):,} steps"


def _list(wanted: Sweep, steps: Sequence[str], console: Console) -> None:
    """What there is to do, and what was done."""
    by_trial = {}
    claims = Claims(wanted.directory) if (wanted.directory / definition.FILE).exists() else None
    for trial, length in zip(wanted.trials, steps, strict=True):
        by_trial[f"{trial.name}, {length}"] = (
            states.state(wanted, trial, claims) if claims else states.State(states.MISSING)
        )
    console.print(as_table(by_trial))
    log.info("sweep %s: %d trials; nothing is trained, since sweep.dry_run=true", wanted.directory, len(by_trial))


def _conclude(wanted: Sweep, failed: dict[str, str], console: Console) -> int:
    """Show the table of all runs; name the best one and those that failed. Returns how many failed."""
    failed = {trial.name: why for trial in wanted.trials if (why := states.failure(wanted, trial))} | failed
    if any(states.is_finished(wanted, trial) for trial in wanted.trials):
        compared = comparison(runs_at([str(wanted.directory)]), None)
        console.print(tables.tables(compared, console.width))
        pages.write(compared, "csv", wanted.directory / LEADERBOARD)
        log.info("table: %s", wanted.directory / LEADERBOARD)
        if all(compared.sorted_by in row.cells for row in compared.rows):
            best = _best(compared)
            log.info("the best by %s: %s", compared.sorted_by, best)
            log.info("train it longer: genctl resume %s trainer.steps=…", rundir.argument(best))
        else:
            log.info("no number is of all of them: genctl evaluate run=… gives each the same ones.")
    for name, why in failed.items():
        log.error("trial %s failed: %s", name, why)
    return len(failed)


def _best(compared: Comparison) -> Path:
    """The best run of the best row, by the number that rows are sorted by."""
    column = next(column for column in compared.columns if column.name == compared.sorted_by)
    values = {
        run.directory: number.value
        for run in compared.rows[0].runs
        for number in run.numbers
        if number.metric == column.metric
    }
    return (max if column.better == "higher" else min)(values, key=lambda directory: values[directory])
