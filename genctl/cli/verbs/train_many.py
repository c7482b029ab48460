"""`genctl train -m`: the trials of a sweep, checked first, trained side by side, and compared at the end."""

import contextlib
import logging
import shlex
from collections.abc import Sequence

from genctl.cli.composition import Request
from genctl.cli.terminal import quiet
from genctl.cli.verbs.sweep_checks import check_trials, corners
from genctl.cli.verbs.sweep_end import conclude
from genctl.cli.verbs.sweep_metrics import with_directions
from genctl.cli.verbs.sweep_plan import say_estimate, show_plan
from genctl.sweeps import definition, searching, slurm, states, studies
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Sweep
from genctl.sweeps.local import Engine, begin_anew
from genctl.sweeps.pruning import Pruner
from genctl.sweeps.slots import slots
from genctl.sweeps.sweep_settings import Settings
from genctl.sweeps.view import View

log = logging.getLogger("genctl")


def train_many(wanted: Sweep, settings: Settings, request: Request, command: str) -> int:
    """Train the trials that are not finished, list them, or queue workers for them; return how many failed.

    command: the line that was typed. Raises UserError for a trial that cannot work, before any is trained, and Stopped
    where that was asked for.
    """
    with quiet() as output:
        if settings["engine"] == "slurm" and not settings["dry_run"]:
            slurm.require()
        if wanted.search.method == "grid":
            checked = wanted.trials
        else:
            studies.load_optuna(f"sweep.search={wanted.search.method}")
            searching.read_proposals(wanted)
            checked = corners(wanted)
        steps = check_trials(checked, request)
        wanted = with_directions(wanted, checked, request)
        if settings["dry_run"]:
            show_plan(wanted, checked, steps, output.console)
            say_estimate(wanted, checked, settings, train_trial, request)
            return 0
        definition.store(wanted)
        left = wanted.size - sum(states.is_done(wanted, trial) for trial in wanted.trials)
        if settings["engine"] == "slurm" and left:
            _submit(wanted, left, settings, command)
            return 0
        claims = Claims(wanted.directory)
        places = slots(None if settings["jobs"] == "auto" else settings["jobs"])[: wanted.size]
        log.info("sweep %s: %d trials, %d at a time", wanted.directory, wanted.size, len(places))
        engine = Engine(wanted, train_trial, settings["retries"], places, claims)
        with View(wanted, claims, output.console) as view:
            engine.work(view.tell, view.show)
        if engine.waiting:  # for others, the last of whom concludes
            return len(engine.failed)
        return conclude(wanted, engine.failed, output.console)


def _submit(wanted: Sweep, left: int, settings: Settings, command: str) -> None:
    """Queue workers for so many trials, and say how to see what they do."""
    from genctl.cli.main import main

    begin_anew(wanted)
    queued = slurm.submit(wanted, left, settings, slurm.Worker(main, shlex.split(command)[1:]))
    log.info("job %s: %d workers for %d trials, which go on without you", queued.job, queued.workers, left)
    log.info("the queue: squeue --job %s; what the workers print: %s", queued.job, queued.folder)
    log.info("the trials: genctl sweep status %s", shlex.quote(str(wanted.directory)))


def train_trial(words: Sequence[str], pruner: Pruner | None = None) -> int:
    """Do `genctl train WORDS` in this process; return its exit status."""
    from genctl.cli.main import main

    with pruner.at_work() if pruner else contextlib.nullcontext():
        return main(["train", *words])
