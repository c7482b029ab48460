"""On a real Slurm (tests/start_slurm.sh): sweeps that outlive who began them, and one training on several tasks."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest
from conftest import Genctl, tiny

SMALL = (*tiny("vae"), "dataset=digits", "dataset.limit=64", "trainer.xla=false")
SWEEP = ("train", "-m", *SMALL, "name=x", "callbacks.checkpoint.every_steps=500")
SIX = ("seed=range(1,7)", "trainer.steps=5000")
ENGINE = ("sweep.engine=slurm", "sweep.slurm.time=30")
MORE = ("sweep.slurm.cpus=2", "sweep.slurm.lines={exclusive: true}", 'sweep.slurm.setup=["echo set up"]')
TOGETHER = ("train", *SMALL, "name=x", "trainer.steps=1000", "trainer.workers=slurm", "trainer.wait_seconds=120")


def slurm(*words: str, check: bool = True) -> str:
    """What a command of Slurm's prints."""
    return subprocess.run(words, capture_output=True, text=True, check=check, timeout=60).stdout


@pytest.fixture(autouse=True)
def _there(tmp_path: Path) -> Iterator[None]:
    """A cluster to submit to, for one test at a time, and no job left in it."""
    if not shutil.which("sinfo") or subprocess.run(["sinfo"], capture_output=True).returncode:
        why = "there is no Slurm here: tests/start_slurm.sh starts one"
        (pytest.fail if os.environ.get("GENCTL_SLURM") == "required" else pytest.skip)(why)
    with filelock.FileLock(Path(tempfile.gettempdir()) / "genctl-slurm.lock"):
        yield
        for line in slurm("squeue", "-h", "-o", "%A %Z").splitlines():
            job, place = line.split(maxsplit=1)
            if Path(place) == tmp_path:
                slurm("scancel", job, check=False)


def genctl_process(*words: str) -> subprocess.Popen[str]:
    """A command line in a process of its own."""
    command = [sys.executable, "-P", "-m", "genctl", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def submit(*words: str) -> str:
    """Begin a sweep, and kill who did so once the job is queued; return the job's number."""
    process = genctl_process(*words)
    assert process.stdout is not None
    line = process.stdout.readline()
    process.kill()
    assert (found := re.match(r"job (\d+): \d workers for \d trials", line)), line + process.communicate()[0]
    process.wait()
    return found[1]


def wait_for(words: str, path: Path) -> None:
    """Wait until a file holds these words."""
    for _ in range(3600):
        if words in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(output())


def wait_for_checkpoints(runs: int, sign: str = "runs/x/*/checkpoints/step-*") -> None:
    """Wait until so many runs have one, and so are amid their steps."""
    for _ in range(3600):
        if len({path.parents[1] for path in Path().glob(sign)}) >= runs:
            return
        time.sleep(0.05)
    raise AssertionError(output())


def wait_for_end(job: str) -> None:
    for _ in range(1500):
        if not slurm("squeue", "-h", "-j", job, check=False):
            return
        time.sleep(0.2)
    raise AssertionError(slurm("squeue") + output())


def output() -> str:
    """All that workers printed."""
    return "".join(path.read_text() for path in sorted(Path().glob("runs/x/.sweep/slurm/*/*_log.*")))


def printed(job: str, task: int) -> str:
    return "".join(path.read_text() for path in sorted(Path().glob(f"runs/x/.sweep/slurm/*/{job}_{task}_0_log.*")))


def results() -> dict[str, bytes]:
    """The last checkpoint and the metrics of every trial."""
    return {
        f"{trial.name}/{path.name}": path.read_bytes()
        for trial in Path("runs/x").glob("seed-*")
        for path in (trial / "metrics.jsonl", max((trial / "checkpoints").glob("*/*.safetensors")))
    }


def test_a_sweep_outlives_who_began_it_and_preemption_and_ends_with_the_same_bits(genctl: Genctl) -> None:
    genctl.good(*SWEEP, *SIX, "sweep.jobs=2")
    local = results()
    assert len(local) == 12
    Path("runs").rename("local")
    job = submit(*SWEEP, *SIX, *ENGINE, "sweep.slurm.workers=3")
    wait_for_checkpoints(3)
    preempted, out_of_time = [f"{job}_0", f"{job}_1"], f"{job}_2"
    slurm("scancel", "--signal=TERM", *preempted)
    slurm("scancel", "--signal=USR2", out_of_time)
    for task in preempted:
        slurm("scontrol", "requeue", task)
    wait_for_end(job)
    for task in range(3):
        said = printed(job, task)
        assert "stopping: 1 trials save, then the sweep ends" in said
        assert " trials end at once" not in said
        assert said.count("Starting with") == 2, "it was queued again"
    assert f"Requeued job {out_of_time}" in printed(job, 2)
    assert results() == local
    assert "6 finished" in genctl.good("sweep", "status", "runs/x").out


def test_a_worker_whose_node_is_taken_is_queued_again_until_the_sweep_is_stopped(genctl: Genctl) -> None:
    job = submit(*SWEEP, "seed=1,2", "trainer.steps=1000000", *ENGINE, "sweep.slurm.workers=1", *MORE)
    wait_for_checkpoints(1)
    slurm("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true")
    log = Path("runs/x/.sweep/seed-1.log")
    wait_for("continuing at step", log)
    assert "go on with: genctl resume run=runs/x/seed-1" in log.read_text()
    assert "Workers that wait in a queue end" in genctl.good("sweep", "stop", "runs/x").out
    wait_for_end(job)
    assert output().count("Starting with") == output().count("set up") == 2 and output().count("Requeued job") == 1
    assert "1 stopped, 1 missing" in genctl.good("sweep", "status", "runs/x").out


def test_what_cannot_be_is_refused_before_anything_is_submitted(
    genctl: Genctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*SWEEP, "seed=1,2", "trainer.steps=10", *ENGINE)
    for setting, message in (
        ("trainer.batch_size=16,100000", "100000"),
        ("sweep.slurm.workers=0", "sweep.slurm.workers=0: should be greater than 0"),
        ("sweep.slurm.time=1", "sweep.slurm.time=1: should be greater than or equal to 3"),
        ("sweep.slurm.memory=lots", "sweep.slurm.memory=lots: "),
        ("sweep.slurm.lines={array: 1-9}", "should be no parameter that a sweep sets itself"),
        ("sweep.slurm.partion=main", "Did you mean 'slurm.partition'?"),
        ("sweep.engine=slrum", "sweep.engine=slrum: should be 'local' or 'slurm'"),
        ("sweep.slurm.partition=nowhere", "sbatch took no job: "),
    ):
        assert message in genctl.bad(*words, setting)
    assert not slurm("squeue", "-h", "-n", "genctl-x")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("PATH", "/nowhere")
        assert "there is no sbatch on this machine" in genctl.bad(*words)
    monkeypatch.setitem(sys.modules, "submitit", None)
    assert "pip install 'genctl[slurm]'" in genctl.bad(*words)


def test_several_tasks_train_one_run_and_say_how_to_go_on(
    genctl: Genctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("bin").mkdir()
    Path("bin/nvidia-smi").write_text("#!/bin/sh\nexit 9\n")  # as on a node with the driver's image, and no GPU
    Path("bin/nvidia-smi").chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    words = (sys.executable, "-P", "-m", "genctl", *TOGETHER, "callbacks.checkpoint.every_steps=100")
    command = ("srun", "-n", "2", "-J", tmp_path.name, *words)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for_checkpoints(1, "runs/*/checkpoints/step-*")
    slurm("scancel", "--signal=TERM", *slurm("squeue", "-h", "-n", tmp_path.name, "-o", "%A").split())
    said = process.communicate(timeout=180)[0]
    assert re.search(r"stopped at step \d+ of 1000; go on with: the same srun command", said) and process.returncode
    assert "Traceback" not in said
    said = subprocess.run(command, capture_output=True, text=True, timeout=180).stdout
    assert "continuing at step" in said and "finished 1000 steps" in said
    alone = subprocess.run(("srun", *words), capture_output=True, text=True, timeout=180)
    assert alone.returncode == 1 and "it names this process alone" in alone.stderr and "Traceback" not in alone.stderr
    assert "Not running inside a SLURM step? Start all processes by srun" in genctl.bad(*TOGETHER, "outputs=others")
