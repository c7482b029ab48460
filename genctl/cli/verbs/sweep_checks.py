"""What is wrong with the trials of a sweep, found before the first one trains."""

import functools
import json
import tempfile
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

from rich.progress import MofNCompleteColumn

from genctl.cli import composition, jobs
from genctl.cli.arguments import quoted
from genctl.cli.composition import Request
from genctl.config.better import Better
from genctl.config.signatures import check_settings
from genctl.data.bars import progress_bar
from genctl.errors import UserError
from genctl.runs import build, rundir
from genctl.sweeps import states
from genctl.sweeps.definition import Search, Sweep, Trial
from genctl.sweeps.slots import Slot, slots, start
from genctl.sweeps.space import ends
from genctl.training.monitor import monitor
from genctl.training.plan import plan

NO_GPU = "-1"


def corners(wanted: Sweep) -> list[Trial]:
    """Trials that have each listed value and each end of an interval once: what is wrong with one is wrong at once."""
    first = {key: ends(dimension)[0] for key, dimension in wanted.swept.items()}
    rows = [{**first, key: word} for key, dimension in wanted.swept.items() for word in ends(dimension)]
    return list(dict.fromkeys(trial for row in rows for trial in wanted.make(row)[:1]))


def check_trials(trials: Sequence[Trial], request: Request) -> list[str]:
    """Check the settings of every trial against its data; return how long each is to be, such as "4,000 steps".

    Raises UserError, which names the trial.
    """
    sizes, lengths = dict[str, int](), []
    with progress_bar("checking trials", len(trials), MofNCompleteColumn()) as advance:
        for trial in trials:
            try:
                lengths.append(_check(*_composed(trial.words, request), sizes))
            except UserError as error:
                place = f"trial {trial.name}: " if len(trials) > 1 else ""
                raise UserError(f"{place}{error}") from error
            advance(1)
    return lengths


def _composed(words: Sequence[str], request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The config of a trial, and the packages that it trusts. Raises UserError for settings that `train` has not."""
    from genctl.cli.table import VERBS

    config, _ = composition.compose(Request("train", words, request.folders))
    jobs.check(config, "train")
    settings = rundir.plain(config)
    settings.pop("trust", None)
    check_settings(VERBS["train"].load(), settings, "genctl train", provided=("invocation",))
    return settings, jobs.trusted(words)


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


def check_metrics(search: Search, trial: Trial, request: Request) -> list[Better]:
    """Which values of each metric are the better ones. Raises UserError for one that a trial would not measure.

    In a process of its own: TensorFlow, which the families are asked with, would keep memory of a GPU from the trials.
    """
    found = []
    for metric, better in zip_longest(search.metrics, search.better):
        with tempfile.TemporaryDirectory() as place:
            answer, messages = Path(place, "answer"), Path(place, "messages")
            ask = functools.partial(_say_better, request=request, answer=answer)
            words = [*trial.words, f"trainer.monitor={quoted(metric)}"]
            words += [f"trainer.monitor_better={better}"] if better else []
            process = start(ask, words, Slot(slots(1)[0].cores, NO_GPU), messages)
            process.join()
            if process.exitcode:
                why = states.reason(process.exitcode, messages).replace("trainer.monitor_better", "sweep.better")
                raise UserError(why.replace("trainer.monitor", "sweep.metric"))
            found.append(cast(Better, answer.read_text()))
    return found


def _say_better(words: Sequence[str], request: Request, answer: Path) -> int:
    """Write which values of trainer.monitor are the better ones; return the exit status."""
    from genctl.compute import device

    try:
        config, trust = _composed(words, request)
        parts = plan(config, trust)
        with device.use("cpu"):
            strategy = build.strategy(config, parts.dataset.spec, trust)
            answer.write_text(monitor(parts.trainer, strategy, parts.callbacks).better)
    except UserError as error:
        print(f"error: {error}", flush=True)
        return 1
    return 0
