"""What is wrong with the trials of a sweep, found before the first one trains."""

import json
from collections.abc import Sequence
from typing import Any

from rich.progress import MofNCompleteColumn

from genctl.cli import composition, jobs
from genctl.cli.composition import Request
from genctl.config.signatures import check_settings
from genctl.data.bars import progress_bar
from genctl.errors import UserError
from genctl.runs import build, rundir
from genctl.sweeps.definition import Sweep, Trial
from genctl.sweeps.space import ends


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
                lengths.append(_check(*composed(trial.words, request), sizes))
            except UserError as error:
                place = f"trial {trial.name}: " if len(trials) > 1 else ""
                raise UserError(f"{place}{error}") from error
            advance(1)
    return lengths


def composed(words: Sequence[str], request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The config of a trial, and the packages that it trusts. Raises UserError for settings that `train` has not."""
    from genctl.cli.table import VERBS

    config, _ = composition.compose(Request("train", words, request.folders))
    jobs.check(config, "train")
    trust, settings = jobs.trusted(words), rundir.plain(config)
    jobs.make_importable(trust)
    settings.pop("trust", None)
    check_settings(VERBS["train"].load(), settings, "genctl train", provided=("invocation",))
    return settings, trust


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
