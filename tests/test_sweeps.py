"""`genctl train -m`: trials side by side in processes of their own, which lose nothing whatever ends them."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import NIGHTLY, Genctl, tiny

from genctl.sweeps.claims import Claims

SMALL = (
    *tiny("vae"),
    "dataset.limit=64",
    "trainer.steps=40",
    "callbacks.checkpoint.every_steps=10",
    "trainer.xla=false",
)
SWEEP = ("train", "-m", *SMALL, "callbacks.log.every_steps=10", "sweep.jobs=2")
# Whose seed says how it ends before its fifteenth step, unless a file says that it is to go on.
FAULTY = """
import os, resource, signal
from pathlib import Path
import numpy as np
import tensorflow as tf
from genctl.strategies.vae import VAE

class Faulty(VAE):
    def step(self, batch, context):
        def check(step):
            if step == 15 and not Path("mended").exists():
                seed = context.noise.seed
                if seed == 2:
                    raise RuntimeError("too odd")
                if seed == 3:
                    os.kill(os.getpid(), signal.SIGKILL)
                if seed == 4:
                    pages = int(Path("/proc/self/statm").read_text().split()[0])
                    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**28,) * 2)
                    np.ones(2**28)
            return step
        with tf.control_dependencies([tf.numpy_function(check, [context.step], tf.int64)]):
            batch = {name: tf.identity(value) for name, value in batch.items()}
        return super().step(batch, context)
"""


def files(sweep: str | Path) -> dict[str, bytes]:
    """The newest checkpoint and the metrics of every trial, by name."""
    trials = [path.parent for path in Path(sweep).glob("*/config.yaml")]
    assert trials
    return {
        str(path.relative_to(sweep)): path.read_bytes()
        for trial in trials
        for path in (trial / "metrics.jsonl", max((trial / "checkpoints").glob("*/state.safetensors")))
    }


def start(*words: str) -> subprocess.Popen:
    """A sweep in a process of its own, as from a shell."""
    with Path("out").open("ab") as out:
        return subprocess.Popen([sys.executable, "-m", "genctl", *words], stdout=out, stderr=out)


def wait_for(sign: str, count: int = 1) -> None:
    """Wait until so many files of a pattern are there."""
    for _ in range(600):
        if len([*Path().glob(sign)]) >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"no {sign}: {Path('out').read_text()}")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep over four seeds that nothing disturbs."""
    from genctl.cli.main import main

    place = tmp_path_factory.mktemp("undisturbed")
    assert main([*SWEEP, "seed=1,2,3,4", f"outputs={place}", "name=whole"]) == 0
    return place / "whole"


def test_the_same_command_goes_on_and_grows(genctl: Genctl) -> None:
    first = genctl.good(*SWEEP, "seed=1,2").out
    [sweep] = Path("runs").iterdir()
    assert sweep.name.startswith("sweep-seed-") and yaml.safe_load((sweep / "sweep.yaml").read_text())["swept"] == {
        "seed": ["1", "2"]
    }
    assert sorted(path.name for path in sweep.glob("[!.]*/")) == ["seed-1", "seed-2"]
    assert "[2/2] seed-" in first and "validation/loss ↓" in first
    losses = {path: json.loads((path / "summary.json").read_text())["best"]["value"] for path in sweep.glob("seed-*")}
    assert f"the best by validation/loss: {min(losses, key=lambda path: losses[path])}\n" in first
    before = files(sweep)
    times = {path: path.stat().st_mtime_ns for path in sweep.glob("*/summary.json")}
    again = genctl.good(*SWEEP, "seed=1,2,3").out
    assert "[3/3] seed-3 finished" in again and "seed-1 finished" not in again
    assert {name: content for name, content in files(sweep).items() if "seed-3" not in name} == before
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in times.items())
    assert len([*csv.DictReader((sweep / "leaderboard.csv").read_text().splitlines())]) == 1, "seeds share a row"
    assert yaml.safe_load((sweep / "sweep.yaml").read_text())["swept"] == {"seed": ["1", "2", "3"]}


def test_other_settings_are_refused_with_the_differences(genctl: Genctl, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, "runs/whole")
    message = genctl.bad(*SWEEP, "seed=1,2", "sweep.name=whole", "trainer.steps=50")
    assert "runs/whole was begun with other settings:\n  trainer.steps: trainer.steps=40 -> " in message
    message = genctl.bad(*SWEEP, "model.beta=1,2", "sweep.name=whole")
    assert "what varies: seed -> model.beta" in message and "Choose another sweep.name=" in message
    Path("runs/whole/sweep.yaml").write_text("- 1\n")
    assert "runs/whole/sweep.yaml holds no settings" in genctl.bad(*SWEEP, "seed=1,2", "sweep.name=whole")
    Path("runs/other").mkdir()
    Path("runs/other/mine.txt").write_text("x")
    assert "runs/other holds something" in genctl.bad(*SWEEP, "seed=1,2", "sweep.name=other")
    assert Path("runs/other/mine.txt").exists()


def test_every_trial_is_checked_before_the_first_one_trains(genctl: Genctl) -> None:
    for words in (("trainer.batch_size=16,100000",), ("optimizer.beta_1=0.5,-1",), ("encoder=mlp,nope",)):
        message = genctl.bad(*SWEEP[:-1], *words)
        assert any(word in message for word in ("100000", "beta_1=-1", "nope"))
    out = genctl.good(*SWEEP, "seed=1,2", "sweep.dry_run=true").out
    assert "seed-1, 40 steps" in out and "nothing is trained" in out
    assert not Path("runs").exists()


def test_trials_find_the_configs_that_are_named(genctl: Genctl) -> None:
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/slow.yaml").write_text("# @package _global_\nmodel: {beta: 3.0}\n")
    genctl.good(*SWEEP, "--config-dir", "mine", "experiment=slow", "seed=1,2", "name=x")
    assert [yaml.safe_load(path.read_text())["model"]["beta"] for path in Path("runs/x").glob("*/config.yaml")] == [
        3,
        3,
    ]


def test_a_trial_that_fails_loses_itself_alone(genctl: Genctl) -> None:
    Path("faulty.py").write_text(FAULTY)
    words = (*SWEEP, "seed=1,2,3,4", "trust=[faulty]", "model._target_=faulty.Faulty", "name=x")
    result = genctl(*words)
    assert result.status == 1 and "3 of 4 jobs failed." in result.err
    assert "[1/4] seed-1 finished" in result.out and "its process was ended by SIGKILL" in result.out
    for seed, why in ((2, "too odd"), (3, "SIGKILL"), (4, "needs more memory than there is")):
        assert re.search(f"trial seed-{seed} failed: .*{why}", result.out)
    assert json.loads(Path("runs/x/seed-2/summary.json").read_text())["status"] == "failed"
    Path("mended").touch()
    assert "continuing at step 10 of 40" in genctl.good(*words).out + Path("runs/x/.sweep/seed-3.log").read_text()
    genctl.good(*words[:-1], "name=whole")
    assert files("runs/x") == files("runs/whole")


def test_a_trial_is_tried_again_at_once(genctl: Genctl) -> None:
    once = "def mend():\n    there = Path('mended').exists()\n    Path('mended').touch()\n    return there\n\nclass"
    fault = FAULTY.replace('not Path("mended").exists()', "not mend()").replace("class", once)
    Path("faulty_once.py").write_text(fault)
    own = ("trust=[faulty_once]", "model._target_=faulty_once.Faulty", "name=x", "sweep.retries=1")
    out = genctl.good(*SWEEP, "seed=3", *own).out
    assert "failed, and is tried again: its process was ended by SIGKILL" in out and "[1/1] trial finished" in out


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=NIGHTLY), signal.SIGTERM])
def test_a_signal_stops_all_trials_which_save(genctl: Genctl, number: int) -> None:
    words = (*SWEEP, "seed=1,2", "name=x", "trainer.steps=100000")
    sweep = start(*words)
    wait_for("runs/x/*/checkpoints/step-*", 4)
    sweep.send_signal(number)
    assert sweep.wait(60) == 75
    out = Path("out").read_text()
    assert "stopping: 2 trials save" in out and "the same command goes on with it" in out
    for trial in ("seed-1", "seed-2"):
        assert json.loads(Path(f"runs/x/{trial}/summary.json").read_text())["status"] == "stopped"
        assert not Path(f"runs/x/.sweep/claims/{trial}").exists()


def test_two_sweeps_in_one_directory_share_the_work(genctl: Genctl, undisturbed: Path) -> None:
    words = (*SWEEP[:-1], "seed=1,2,3,4", "name=x", "sweep.jobs=1")
    sweeps = [start(*words) for _ in range(2)]
    assert [sweep.wait(120) for sweep in sweeps] == [0, 0], Path("out").read_text()
    assert Path("out").read_text().count(" finished after ") == 4, "none is trained twice"
    assert files("runs/x") == files(undisturbed)


def test_a_claim_lasts_as_long_as_its_process(tmp_path: Path) -> None:
    mine, other = Claims(tmp_path), Claims(tmp_path)
    assert mine.take("a") and not other.take("a") and other.take("b")
    child = subprocess.Popen(["sleep", "60"])
    mine.hand_over("a", child.pid)
    assert other.owner("a")["process"] == child.pid and not other.take("a")
    child.kill()
    child.wait()
    assert other.owner("a") is None and other.take("a")


def test_a_sweep_is_seen_and_stopped_from_elsewhere(genctl: Genctl) -> None:
    words = (*SWEEP, "seed=1,2,3", "name=x", "trainer.steps=100000")
    sweep = start(*words)
    wait_for("runs/x/*/checkpoints/step-*", 2)
    status = genctl.good("sweep", "status", "runs/x").out
    assert "runs/x: 2 running, 1 missing" in status and "last sign of life" in status and "seed-3" in status
    listed = genctl.good("runs", "runs").out
    assert listed.count("running") == 2 and "2 runs, " in listed
    assert "2 trials are asked to save and end" in genctl.good("sweep", "stop", "runs/x").out
    assert sweep.wait(60) == 75
    assert "runs/x: 2 stopped, 1 missing" in genctl.good("sweep", "status", "runs/x").out
    assert genctl.good("runs", "runs/x").out.count("stopped") == 2
    assert "no trial is running" in genctl.bad("sweep", "stop", "runs/x")
    assert "Did you mean 'status'?" in genctl.bad("sweep", "staus", "runs/x")
    assert "takes status or stop" in genctl.bad("sweep", "status")
    assert "runs is no sweep: it has no sweep.yaml" in genctl.bad("sweep", "status", "runs")
    assert "nowhere is not there" in genctl.bad("runs", "nowhere")


def test_a_folder_for_sockets_that_is_too_long_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    long = tmp_path / ("long" * 30)
    long.mkdir()
    command = [sys.executable, "-m", "genctl", *SWEEP, "seed=1,2"]
    done = subprocess.run(command, env=os.environ | {"TMPDIR": str(long)}, capture_output=True, text=True)
    assert (
        done.returncode == 1 and f"TMPDIR={long} is too long a path" in done.stderr and "Traceback" not in done.stderr
    )


def test_a_cross_validation_is_a_mean_over_folds(genctl: Genctl) -> None:
    out = genctl.good(*SWEEP, "model.beta=1,4", "sweep.folds=3", "name=x").out
    assert "[6/6]" in out and Path("runs/x/model.beta-4/fold-2/summary.json").exists()
    lines = {line["settings"]: line for line in csv.DictReader(Path("runs/x/leaderboard.csv").read_text().splitlines())}
    assert set(lines) == {"model.beta=1", "model.beta=4"} and {line["runs"] for line in lines.values()} == {"3"}
    elbos = [
        json.loads(Path(f"runs/x/model.beta-1/fold-{fold}/summary.json").read_text())["metrics"]["validation"]
        for fold in range(3)
    ]
    mean = sum(one["elbo"] for one in elbos) / 3
    assert float(lines["model.beta=1"]["validation/elbo"]) == pytest.approx(mean) and len({*map(str, elbos)}) == 3
    assert "dataset.folds=3 and sweep.folds=3 both set the same" in genctl.bad(
        *SWEEP, "seed=1,2", "sweep.folds=3", "dataset.folds=3"
    )
