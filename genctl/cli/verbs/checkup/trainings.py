"""A few steps of every family on the digits that come with scikit-learn."""

import time
from collections.abc import Iterator
from pathlib import Path

from genctl.cli.arguments import quoted
from genctl.cli.verbs.checkup.finding import Finding
from genctl.cli.verbs.checkup.process import problem
from genctl.cli.verbs.train_many import train_trial

STEPS = 20
FAMILIES = {"ae": "", "vae": "", "gan": "", "aegan": "model.phases={autoencoder: 7, adversarial: 7, joint: 6}"}


def look(place: Path) -> Iterator[Finding]:
    """Train each in a folder that is thrown away."""
    for family, phases in FAMILIES.items():
        words = [f"model={family}", "dataset=digits", f"trainer.steps={STEPS}", f"outputs={quoted(str(place))}"]
        words += [f"name={family}", *filter(None, [phases])]
        began = time.monotonic()
        wrong = problem(train_trial, words, place / f"{family}.txt")
        again = f"genctl train model={family} trainer.steps={STEPS} name=try shows it, and GENCTL_DEBUG=1 where"
        seen = wrong or f"{STEPS} steps in {time.monotonic() - began:.0f} s, with the start"
        yield Finding(f"training {family}", seen, again if wrong else None)
