"""Signals as a cluster sends them: to every process of a job, so that one request comes to a trial twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import Genctl, tiny

from genctl.sweeps.local import Stop
from genctl.training.signals import TOGETHER

LONG = (*tiny("vae"), "trainer.steps=1000000", "callbacks.checkpoint.every_steps=200", "trainer.xla=false", "name=x")


def started(*words: str) -> subprocess.Popen[str]:
    """A command line in a process of its own, of which a run has a checkpoint by now."""
    command = [sys.executable, "-P", "-m", "genctl", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for _ in range(1800):
        if [*Path().rglob("checkpoints/step-*")]:
            return process
        time.sleep(0.1)
    raise AssertionError("no checkpoint")


@pytest.mark.parametrize("first", [signal.SIGUSR2, signal.SIGTERM])
def test_two_signals_within_a_moment_are_one_request(genctl: Genctl, first: int) -> None:
    process = started("train", *LONG)
    process.send_signal(first)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 75
    assert json.loads(Path("runs/x/summary.json").read_text())["status"] == "stopped"


def test_a_job_that_is_signalled_as_a_whole_saves_its_trials(genctl: Genctl) -> None:
    sweep = started("train", "-m", *LONG, "seed=1,2", "sweep.jobs=1")
    own = psutil.Process(sweep.pid)
    for process in (own, *own.children(recursive=True)):
        process.send_signal(signal.SIGUSR2)
    assert sweep.wait(60) == 75
    assert sweep.stdout is not None and "seed-1 stopped after" in (said := sweep.stdout.read()), said
    assert json.loads(Path("runs/x/seed-1/summary.json").read_text())["status"] == "stopped"


def test_who_handled_the_end_of_time_before_hears_of_it_once_all_is_saved() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, frame: heard.append(number))
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGUSR2)
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.asked == 1 and not heard
            time.sleep(TOGETHER + 0.1)
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.asked == 2 and not heard
        assert heard == [signal.SIGUSR2]
    finally:
        signal.signal(signal.SIGUSR2, before)
