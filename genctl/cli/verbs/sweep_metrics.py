"""What the trials of a sweep are compared by: whether each of them measures it, and which values are the better ones.

Families are asked in a process of its own: TensorFlow, which that takes, would keep memory of a GPU from the trials.
"""

import dataclasses
import functools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from genctl.cli.arguments import quoted
from genctl.cli.composition import Request
from genctl.cli.verbs.comparing.run_record import SIZES
from genctl.cli.verbs.sweep_checks import composed
from genctl.config.better import Better
from genctl.errors import UserError
from genctl.runs import build
from genctl.sweeps import states
from genctl.sweeps.definition import Sweep, Trial
from genctl.sweeps.slots import Slot, slots, start
from genctl.training.monitor import monitor
from genctl.training.plan import plan

NO_GPU = "-1"
RATES = ("learning_rate", "n_critic")  # of a model's settings that change no loss, beside its sizes


def with_directions(wanted: Sweep, trials: Sequence[Trial], request: Request) -> Sweep:
    """The same sweep, which knows which values of its metrics are the better ones.

    trials: those that are asked, of which each model's first is. Raises UserError for a metric that one would not
    measure, and where nothing comparable is measured that trials are chosen or given up by.
    """
    search = wanted.search
    asked = list({_model(trial): trial for trial in reversed(trials)}.values())
    if search.metrics:
        given = list[Better | None](search.better) or [None] * len(search.metrics)
        pairs = zip(search.metrics, given, strict=True)
        better = [[_ask(trial, request, *pair)[1] for trial in asked][0] for pair in pairs]
        return dataclasses.replace(wanted, search=dataclasses.replace(search, better=better))
    if search.method != "grid" or search.pruner != "none":
        _require_comparable(wanted, asked[0], request)
    return wanted


def _model(trial: Trial) -> str:
    return next((word for word in reversed(trial.words) if word.startswith("model=")), "")


def _require_comparable(wanted: Sweep, trial: Trial, request: Request) -> None:
    """Refuse to go by what runs are monitored by where that is nothing, or a loss that is another in each trial."""
    name, _ = _ask(trial, request)
    how = (
        f"sweep.search={wanted.search.method}"
        if wanted.search.method != "grid"
        else f"sweep.pruner={wanted.search.pruner}"
    )
    advice = "say what trials are compared by, such as sweep.metric=evaluation/frechet_distance"
    if not name:
        raise UserError(
            f"{how} needs a number, and this model measures none of its own: {advice} with "
            "callbacks.evaluate.every_steps=1000."
        )
    changing = [key for key in wanted.swept if key == "model" or (key.startswith("model.") and not _harmless(key))]
    if name.endswith("loss") and changing:
        raise UserError(
            f"{how} would go by {name}, which {changing[0]} makes another number in each trial: {advice}, or a number "
            "of the model's own, such as sweep.metric=validation/elbo of a VAE."
        )


def _harmless(key: str) -> bool:
    part = key.split(".")[1]
    return part in SIZES or part.endswith(RATES)


def _ask(trial: Trial, request: Request, metric: str | None = None, better: Better | None = None) -> tuple[str, Better]:
    """What a trial is monitored by, or "", and which values of it are the better ones. Raises UserError."""
    with tempfile.TemporaryDirectory() as place:
        answer, messages = Path(place, "answer"), Path(place, "messages")
        words = [*trial.words, *([f"trainer.monitor={quoted(metric)}"] if metric else [])]
        words += [f"trainer.monitor_better={better}"] if better else []
        ask = functools.partial(_say_monitored, request=request, answer=answer)
        process = start(ask, words, Slot(slots(1)[0].cores, NO_GPU), messages)
        process.join()
        if process.exitcode:
            why = states.reason(process.exitcode, messages).replace("trainer.monitor_better", "sweep.better")
            raise UserError(why.replace("trainer.monitor", "sweep.metric"))
        name, direction = json.loads(answer.read_text())
        return name, direction


def _say_monitored(words: Sequence[str], request: Request, answer: Path) -> int:
    """Write what a trial is monitored by and which values are the better ones; return the exit status."""
    from genctl.compute import device

    try:
        config, trust = composed(words, request)
        parts = plan(config, trust)
        with device.use("cpu"):
            strategy = build.strategy(config, parts.dataset.spec, trust)
            watch = monitor(parts.trainer, strategy, parts.callbacks)
        answer.write_text(json.dumps([f"{watch.split}/{watch.name}" if watch.name else "", watch.better]))
    except UserError as error:
        print(f"error: {error}", flush=True)
        return 1
    return 0
