"""Sweepers of Hydra's that search.

hydra-optuna-sweeper, the usual one, asks for an Optuna from before 2022, which can be no dependency of the tests. What
stands in for it here is found as a plugin and wants a number of each job, as that one does.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Genctl, tiny

PLUGIN = """
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper

class Search(Sweeper):
    '''Goes on from beta=1 to what is double, or to -1, three times.'''

    def __init__(self, factor):
        self.factor = factor

    def setup(self, *, hydra_context, task_function, config):
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            config=config, hydra_context=hydra_context, task_function=task_function
        )

    def sweep(self, arguments):
        beta, found = 1.0, []
        for number in range(3):
            [job] = self.launcher.launch([[*arguments, f"model.beta={beta}"]], initial_job_idx=number)
            found.append(float(job.return_value) if job.return_value is not None else None)
            beta *= self.factor
        print("found", found)

ConfigStore.instance().store(
    group="hydra/sweeper", name="search", node={"_target_": f"{__name__}.Search", "factor": 2}, provider="search"
)
"""
TRAIN = ("train", "-m", *tiny("vae"), "dataset.limit=40", "trainer.steps=4", "trainer.xla=false", "name=x")


@pytest.fixture
def start(genctl: Genctl):
    """Start a command with the plugin, as from a shell."""
    Path("plugins/hydra_plugins/search").mkdir(parents=True)
    Path("plugins/hydra_plugins/search/__init__.py").touch()
    Path("plugins/hydra_plugins/search/sweeper.py").write_text(PLUGIN)
    path = os.pathsep.join(filter(None, (str(Path("plugins").resolve()), os.environ.get("PYTHONPATH"))))

    def run(*words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "genctl", *words, "hydra/sweeper=search"]
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    return run


def best(beta: str) -> float:
    return json.loads(Path(f"runs/x/model.beta-{beta}/summary.json").read_text())["best"]["value"]


def test_a_sweeper_is_given_a_number_of_each_training(start) -> None:
    process = start(*TRAIN)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert f"found {[best('1.0'), best('2.0'), best('4.0')]}" in out


@pytest.mark.parametrize(
    ("word", "message", "counts"),
    [
        ("hydra.sweeper.factor=-1", "error: job model.beta--1.0: model.beta=-1.0: should be", "1 of 3 jobs failed."),
        ("callbacks.validate.every_steps=0", "error: job model.beta-2.0: it gave no number", "3 of 3 jobs failed."),
    ],
)
def test_jobs_that_fail_are_named(start, word: str, message: str, counts: str) -> None:
    process = start(*TRAIN, word)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 1 and message in err and err.endswith(f"{counts}\n"), err
    assert "None" in out and "Traceback" not in err


def test_a_stop_saves_and_ends_the_search(start) -> None:
    process = start(*TRAIN, "trainer.steps=1000000", "callbacks.checkpoint.every_steps=100")
    for _ in range(600):
        if [*Path("runs/x").glob("*/checkpoints/step-*")]:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 75 and "go on with: genctl resume run=runs/x/model.beta-1.0" in err, err
    assert json.loads(Path("runs/x/model.beta-1.0/summary.json").read_text())["status"] == "stopped"
