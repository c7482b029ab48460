"""What a sweep is going to do, for `sweep.dry_run=true`: its trials or its space, and what they take."""

import logging
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from genctl.cli import composition, jobs
from genctl.cli.composition import Request
from genctl.config.printing import plain
from genctl.runs import build, rundir
from genctl.sweeps import definition, estimate, states
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Sweep, Trial
from genctl.sweeps.local import Train
from genctl.sweeps.slots import slots
from genctl.sweeps.space import described
from genctl.sweeps.sweep_settings import Settings
from genctl.sweeps.view import as_table

log = logging.getLogger("genctl")


def show_plan(wanted: Sweep, checked: Sequence[Trial], steps: Sequence[str], console: Console) -> None:
    """The trials of a grid and what was done of each; of a search, what it chooses from, and what it chose already.

    steps: how long each trial is that was checked.
    """
    lengths = dict(zip(checked, steps, strict=True))
    claims = Claims(wanted.directory) if (wanted.directory / definition.FILE).exists() else None
    if wanted.search.method != "grid":
        space = Table("setting", "chosen from")
        for key, dimension in wanted.swept.items():
            space.add_row(plain(key), plain(", ".join(described(dimension))))
        console.print(space)
        log.info("%s chooses %d combinations, of %s each", wanted.search.method, wanted.search.size, _span(steps))
    by_trial = {
        f"{trial.name}, {lengths[trial]}" if trial in lengths else trial.name: (
            states.state(wanted, trial, claims) if claims else states.State(states.MISSING)
        )
        for trial in wanted.trials
    }
    if by_trial:
        console.print(as_table(by_trial))
    log.info("sweep %s: %d trials; nothing is trained, since sweep.dry_run=true", wanted.directory, wanted.size)


def _span(steps: Sequence[str]) -> str:
    return " or ".join(dict.fromkeys(steps))


def say_estimate(wanted: Sweep, checked: Sequence[Trial], settings: Settings, train: Train, request: Request) -> None:
    """Say what the trials that are left take; of a search, as those that were checked would on average."""
    places = slots(None if settings["jobs"] == "auto" else settings["jobs"])

    def measure(trial: Trial) -> estimate.Cost | None:
        config = rundir.plain(composition.compose(Request("train", trial.words, request.folders))[0])
        examples = build.dataset(config, jobs.trusted(trial.words)).sizes["train"]
        return estimate.short_trial(trial, config, examples, train, places[0])

    finished = [trial for trial in wanted.trials if states.is_done(wanted, trial)]
    known = list(dict.fromkeys([*wanted.trials, *checked]))
    for line in estimate.estimate(wanted, known, wanted.size, finished, len(places), measure):
        log.info(line)
