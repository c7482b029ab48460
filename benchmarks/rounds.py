"""Rounds: in each, everyone who takes part trains once, one after another, so that what slows the machine hits all."""

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import measure
from measure import Result
from works import RIVALS, SETTINGS, Work

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to measure.

    repeats: rounds. seconds: of training in each measurement. tune: make trials first, for variants and length.
    """

    repeats: int
    seconds: float
    tune: bool
    rivals: Sequence[str]
    torch_python: str
    data: Path
    python: str


@dataclasses.dataclass
class Entrant:
    """Someone who takes part, and what came of it so far, a result a round."""

    name: str
    precision: str
    train: Callable[[], Result]
    settings: str = ""  # of genctl, beside the work's own
    results: list[Result] = dataclasses.field(default_factory=list)

    @property
    def error(self) -> str:
        return next((result.error for result in self.results if result.error), "")

    @property
    def images_per_second(self) -> float:
        return statistics.median(result.images_per_second for result in self.results)

    @property
    def peak_memory_mib(self) -> float:
        return max(result.peak_memory_mib for result in self.results)


def entrants(work: Work, settings: Settings, say: Say) -> list[Entrant]:
    """genctl in each precision, then the rivals as they are fastest."""
    genctls = [_genctl(work, precision, settings, say) for precision in work.precisions]
    return genctls + [_rival(work, name, settings, say) for name in work.rivals if name in settings.rivals]


def _genctl(work: Work, precision: str, settings: Settings, say: Say) -> Entrant:
    """Find with short runs which settings are the fastest, and how many steps fill the time.

    A quick measurement is such a short run itself.
    """
    name = "genctl" if precision == "float32" else f"genctl, {precision}"
    if not settings.tune:
        return Entrant(name, precision, lambda: measure.genctl(work, precision, work.pilot))
    trials = {words: measure.genctl(work, precision, work.pilot, *words.split()) for words in SETTINGS[work.network]}
    for words, trial in trials.items():
        say(f"  {name} {words}: {line(trial)} (trial)")
    best = max(trials, key=lambda words: trials[words].images_per_second)
    if trials[best].error:
        return Entrant(name, precision, lambda: trials[best], [trials[best]])
    steps = max(work.pilot, math.ceil(trials[best].images_per_second * settings.seconds / work.batch_size))
    return Entrant(name, precision, lambda: measure.genctl(work, precision, steps, *best.split()), settings=best)


def _rival(work: Work, name: str, settings: Settings, say: Say) -> Entrant:
    """Find with short runs which variant is the fastest."""
    rival = RIVALS[name]
    variants = rival.variants(work.network)
    python = settings.torch_python if rival.program == "pytorch" else settings.python

    def train(variant: str, seconds: float) -> Result:
        return measure.rival(work, rival, variant, seconds, settings.data, python)

    if not settings.tune or len(variants) == 1:
        return Entrant(_titled(rival.title, variants[0]), "float32", lambda: train(variants[0], settings.seconds))
    trials = {variant: train(variant, settings.seconds / 2) for variant in variants}
    for variant, trial in trials.items():
        say(f"  {_titled(rival.title, variant)}: {line(trial)} (trial)")
    best = max(trials, key=lambda variant: trials[variant].images_per_second)
    return Entrant(_titled(rival.title, best), "float32", lambda: train(best, settings.seconds))


def _titled(title: str, variant: str) -> str:
    return title if variant == "plain" else f"{title} ({variant})"


def compete(work: Work, settings: Settings, say: Say) -> list[Entrant]:
    """All rounds. Who fails once is not tried again."""
    present = entrants(work, settings, say)
    for number in range(settings.repeats):
        for entrant in present:
            if not entrant.error:
                entrant.results.append(entrant.train())
                say(f"  round {number + 1}: {entrant.name}: {line(entrant.results[-1])}")
    return present


def line(result: Result) -> str:
    return result.error or f"{result.images_per_second:,.0f} images/s, {result.peak_memory_mib:,.0f} MiB"
