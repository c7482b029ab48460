"""The end of a sweep: the table, what is best, what mattered, and what to do next."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from genctl.cli.verbs.comparing import pages, tables
from genctl.cli.verbs.comparing.columns import Comparison, comparison
from genctl.cli.verbs.comparing.run_record import runs_at
from genctl.runs import rundir
from genctl.sweeps import states, studies
from genctl.sweeps.definition import LEADERBOARD, Sweep, Trial
from genctl.sweeps.outcomes import Outcome, outcomes

OF_TRIALS = ("dataset.fold", "trainer.monitor", "outputs=", "name=")  # what words of a trial alone begin with
log = logging.getLogger("genctl")


def conclude(wanted: Sweep, failed: Mapping[str, str], console: Console) -> int:
    """Show the table of all runs; name the best one and those that failed. Returns how many failed."""
    failed = {trial.name: why for trial in wanted.trials if (why := states.failure(wanted, trial))} | dict(failed)
    known = outcomes(wanted)
    if any(one.state == states.FINISHED for one in known):
        compared = comparison(runs_at([str(wanted.directory)]), None)
        console.print(tables.tables(compared, console.width))
        pages.write(compared, "csv", wanted.directory / LEADERBOARD)
        log.info("table: %s", wanted.directory / LEADERBOARD)
        done = [one for one in known if one.values]
        if wanted.search.metrics or wanted.search.method != "grid" or wanted.search.pruner != "none":
            _name_best(wanted, done)
        else:
            _name_best_row(wanted, compared)
        if mattered := studies.importance(wanted, known):
            log.info("what mattered: %s", ", ".join(f"{key} {share:.0%}" for key, share in mattered.items()))
    for name, why in failed.items():
        log.error("trial %s failed: %s", name, why)
    return len(failed)


def _name_best(wanted: Sweep, done: Sequence[Outcome]) -> None:
    """By what the sweep goes by; of several metrics, all combinations that none beats in every one."""
    if not done:
        log.info("no trial measured %s.", ", ".join(wanted.search.metrics) or "what it is monitored by")
    for one in front(done):
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in zip(one.metrics, one.values, strict=True))
        values = " ".join(f"{key}={value}" for key, value in one.combination.values.items())
        log.info("%s, %s: %s", "the best" if len(one.values) == 1 else "on the front", numbers, values)
        if len(one.combination.trials) == 1:
            _say_longer(wanted.place(one.combination.trials[0]))
        _say_all_data(one.combination.trials[0])


def front(done: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes that none beats in every number; of one number, the first of the best."""

    def scores(one: Outcome) -> list[float]:
        return [value if better == "lower" else -value for value, better in zip(one.values, one.better, strict=True)]

    def beats(first: list[float], second: list[float]) -> bool:
        return first != second and all(mine <= other for mine, other in zip(first, second, strict=True))

    best = [one for one in done if not any(beats(scores(other), scores(one)) for other in done)]
    return best[:1] if best and len(best[0].values) == 1 else best


def _name_best_row(wanted: Sweep, compared: Comparison) -> None:
    """By the number that most runs have, where seeds share a row."""
    if not all(compared.sorted_by in row.cells for row in compared.rows):
        log.info("no number is of all of them: genctl evaluate run=… gives each the same ones.")
        return
    column = next(column for column in compared.columns if column.name == compared.sorted_by)
    values = {
        run.directory: number.value
        for run in compared.rows[0].runs
        for number in run.numbers
        if number.metric == column.metric
    }
    best = (max if column.better == "higher" else min)(values, key=lambda directory: values[directory])
    combination = next(one for one in wanted.combinations if best in map(wanted.place, one.trials))
    folds = len(combination.trials) > 1
    shown = " ".join(f"{key}={value}" for key, value in combination.values.items()) if folds else best
    log.info("the best by %s: %s", compared.sorted_by, shown)
    if not folds:
        _say_longer(best)
    _say_all_data(combination.trials[0])


def _say_longer(run: Path) -> None:
    log.info("train it longer: genctl resume %s trainer.steps=…", rundir.argument(run))


def _say_all_data(trial: Trial) -> None:
    """The command that trains a trial without leaving examples out to validate on."""
    words = [word for word in trial.words if not word.startswith(OF_TRIALS)]
    line = shlex.join(["genctl", "train", *words, "dataset.validation_fraction=0", *trial.flags])
    log.info("train it on all data: %s name=…", line)
