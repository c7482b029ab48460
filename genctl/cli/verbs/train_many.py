"""`genctl train -m`: the trials of a sweep, checked first, trained side by side, and compared at the end."""

import contextlib
import dataclasses
import logging
from collections.abc import Sequence

from genctl.cli.composition import Request
from genctl.cli.terminal import quiet
from genctl.cli.verbs.sweep_checks import check_metrics, check_trials, corners
from genctl.cli.verbs.sweep_end import conclude
from genctl.cli.verbs.sweep_plan import say_estimate, show_plan
from genctl.sweeps import definition, searching, studies
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Sweep
from genctl.sweeps.local import Engine
from genctl.sweeps.pruning import Pruner
from genctl.sweeps.slots import slots
from genctl.sweeps.sweep_settings import Settings
from genctl.sweeps.view import View

log = logging.getLogger("genctl")


def train_many(wanted: Sweep, settings: Settings, request: Request) -> int:
    """Train the trials that are not finished, or list them; return how many failed.

    Raises UserError for a trial that cannot work, before any is trained, and Stopped where that was asked for.
    """
    with quiet() as output:
        if wanted.search.method != "grid":
            studies.load_optuna(f"sweep.search={wanted.search.method}")
        searching.read_proposals(wanted)
        checked = wanted.trials if wanted.search.method == "grid" else corners(wanted)
        steps = check_trials(checked, request)
        if wanted.search.metrics:
            better = check_metrics(wanted.search, checked[0], request)
            wanted = dataclasses.replace(wanted, search=dataclasses.replace(wanted.search, better=better))
        if settings["dry_run"]:
            show_plan(wanted, checked, steps, output.console)
            say_estimate(wanted, checked, settings, train_trial, request)
            return 0
        definition.store(wanted)
        claims = Claims(wanted.directory)
        places = slots(None if settings["jobs"] == "auto" else settings["jobs"])[: wanted.size]
        log.info("sweep %s: %d trials, %d at a time", wanted.directory, wanted.size, len(places))
        engine = Engine(wanted, train_trial, settings["retries"], places, claims)
        with View(wanted, claims, output.console) as view:
            engine.work(view.tell, view.show)
        return conclude(wanted, engine.failed, output.console)


def train_trial(words: Sequence[str], pruner: Pruner | None = None) -> int:
    """Do `genctl train WORDS` in this process; return its exit status."""
    from genctl.cli.main import main

    with pruner.at_work() if pruner else contextlib.nullcontext():
        return main(["train", *words])
