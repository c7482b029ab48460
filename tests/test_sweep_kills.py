"""Twelve trials, of which three fail, under kills at random moments of trials and of the whole sweep."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import NIGHTLY, Genctl
from test_kills import chance
from test_sweeps import FAULTY, SWEEP, files, start

from genctl.sweeps.claims import lives

WORDS = (*SWEEP, "seed=range(1,13)", "trust=[faulty]", "model._target_=faulty.Faulty")
WHOLE = 0.2  # of the kills are of the sweep itself


def trials(sweep: subprocess.Popen) -> list[int]:
    """The processes that train now."""
    found = []
    for path in Path("runs/x/.sweep/claims").glob("*/owner.json"):
        try:
            owner = json.loads(path.read_text())
        except (OSError, ValueError):  # it is over, or is being written
            continue
        if owner["process"] != sweep.pid and lives(owner["process"], owner["began"]):
            found.append(owner["process"])
    return found


def struck(sweep: subprocess.Popen, most: int, numbers: random.Random) -> int:
    """Kill trials of a sweep until it ends, perhaps since it is killed itself; return how many were killed."""
    count = 0
    while sweep.poll() is None and count < most:
        time.sleep(numbers.uniform(0, 2))
        if there := trials(sweep):
            os.kill(numbers.choice(there), signal.SIGKILL)
            count += 1
            if numbers.random() < WHOLE:
                sweep.kill()
    sweep.kill()
    sweep.wait()
    return count


@NIGHTLY
@pytest.mark.parametrize("kills", [10, 100])
def test_kills_at_random_moments_change_nothing(genctl: Genctl, kills: int) -> None:
    Path("faulty.py").write_text(FAULTY)
    Path("mended").touch()
    genctl.good(*WORDS, "name=whole")
    whole = files("runs/whole")
    with chance() as numbers:
        while kills > 0:
            Path("mended").unlink(missing_ok=True)
            kills -= struck(start(*WORDS, "name=x"), kills, numbers)
            if len([*Path("runs/x").glob("*/summary.json")]) == 12 and numbers.random() < WHOLE:
                finish_and_compare(genctl, whole)
        finish_and_compare(genctl, whole)


def finish_and_compare(genctl: Genctl, whole: dict[str, bytes]) -> None:
    """Let three trials fail, and then none; all is as it is without a disturbance. Remove it."""
    result = genctl(*WORDS, "name=x")
    assert result.status == 1 and "3 of 12 jobs failed." in result.err, result.out + result.err
    for seed in (2, 3, 4):
        assert f"trial seed-{seed} failed: " in result.out
    ended = {
        name: content
        for name, content in files("runs/x").items()
        if not name.startswith(("seed-2/", "seed-3/", "seed-4/"))
    }
    assert ended.items() <= whole.items() and len(ended) == 18
    Path("mended").touch()
    genctl.good(*WORDS, "name=x")
    assert files("runs/x") == whole
    assert not [*Path("runs/x/.sweep/claims").glob("seed*")]
    shutil.rmtree("runs/x")
