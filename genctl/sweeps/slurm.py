"""A sweep on a Slurm cluster: one array job of workers, each of which does what a sweep on one machine does.

submitit writes the job, and queues a worker again which SIGUSR2 tells that its time is up.
"""

import contextlib
import dataclasses
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from genctl.errors import Stopped, UserError
from genctl.sweeps.definition import INSIDE, Sweep
from genctl.sweeps.local import STOPPED, WORKER
from genctl.sweeps.slots import CORES_A_JOB
from genctl.sweeps.sweep_settings import Settings, Slurm

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

FOLDER = "slurm"  # in a sweep's own folder: one for each job, with its script and what its workers print
LOGGING = "SUBMITIT_LOG_LEVEL"
OFTEN = 1_000_000  # times that a worker may be queued again


@dataclasses.dataclass(frozen=True)
class Worker:
    """A task of the array. run: does a command line and returns its exit status. words: those of the sweep.

    submitit calls it, and asks it what is to be done when the job is queued again.
    """

    run: Callable[[list[str]], int]
    words: list[str]

    def __call__(self) -> None:
        """Work on the sweep until no trial is left. Raises SystemExit where trials failed or were stopped."""
        os.environ[WORKER] = "1"
        signal.signal(signal.SIGTERM, _leave)  # which submitit ignores
        status = self.run(self.words)
        if status == STOPPED and _is_preempted():
            signal.raise_signal(signal.SIGUSR2)  # submitit queues it again, and Slurm only what it had to end itself
        if status:
            sys.exit(status)

    def checkpoint(self) -> "DelayedSubmission":
        """The same once more, since all that was done is in the sweep's directory."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


@dataclasses.dataclass(frozen=True)
class Submitted:
    """job: its number. workers: how many. folder: where their output will be."""

    job: str
    workers: int
    folder: Path


def require() -> None:
    """Raise UserError where no job can be submitted from here."""
    _load_submitit()
    for program in ("sbatch", "srun"):
        if shutil.which(program) is None:
            raise UserError(
                f"sweep.engine=slurm: there is no {program} on this machine: submit from one that belongs to a Slurm "
                "cluster, or leave sweep.engine out to train here."
            )


def submit(sweep: Sweep, left: int, settings: Settings, worker: Worker) -> Submitted:
    """Queue workers for so many trials that are left. Raises UserError where Slurm does not take the job."""
    submitit = _load_submitit()
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    parent = sweep.directory.absolute() / INSIDE / FOLDER
    parent.mkdir(parents=True, exist_ok=True)
    begun = time.strftime("%Y-%m-%d-%H%M%S-")
    folder = Path(tempfile.mkdtemp(prefix=begun, dir=parent))  # a new one, since workers unpickle what lies there
    executor = submitit.SlurmExecutor(folder, OFTEN, python=f"{shlex.quote(sys.executable)} -P")
    executor.update_parameters(**_parameters(settings["slurm"], f"genctl-{sweep.directory.name}"))
    worker = Worker(worker.run, [*worker.words, "sweep.engine=local", *_jobs(settings)])
    count = min(settings["slurm"]["workers"], left)
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # what sbatch says is in the error too
            jobs = executor.submit_array([worker] * count)
    except (FailedJobError, FailedSubmissionError) as error:
        shutil.rmtree(folder)
        reason = "; ".join(str(error).replace("sbatch: error: ", "").splitlines())
        raise UserError(f"sweep.engine=slurm: sbatch took no job: {reason}.") from error
    return Submitted(jobs[0].job_id.partition("_")[0], count, folder)


def _load_submitit() -> Any:
    """Import submitit without its set-up of logging, which would close the handlers of this process.

    Workers keep it. Raises UserError where it is not installed.
    """
    kept = os.environ.get(LOGGING)
    os.environ[LOGGING] = "NOCONFIG"
    try:
        import submitit
    except ImportError as error:
        raise UserError("sweep.engine=slurm needs submitit: pip install 'genctl[slurm]'.") from error
    finally:
        del os.environ[LOGGING]
        os.environ.update({LOGGING: kept} if kept is not None else {})
    return submitit


def was_used(sweep: Sweep) -> bool:
    """Whether workers may be waiting in a queue for their turn."""
    return (sweep.directory / INSIDE / FOLDER).exists()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """What SIGTERM does where no trial runs."""
    raise Stopped("the sweep was stopped while no trial ran here; the same command goes on with it.")


def _is_preempted() -> bool:
    """Whether Slurm gave this job's node to another one, and lets it end in its own time."""
    shown = subprocess.run(["scontrol", "show", "job", os.environ["SLURM_JOB_ID"]], capture_output=True, text=True)
    return re.search(r"PreemptTime=\d", shown.stdout) is not None


def _jobs(settings: Settings) -> list[str]:
    """How many trials a worker trains at a time, where it has no GPU: a node's other cores are not its own."""
    own = settings["slurm"]
    if settings["jobs"] != "auto" or own["gpus"]:
        return []
    return [f"sweep.jobs={max(1, (own['cpus'] or 1) // CORES_A_JOB)}"]


def _parameters(own: Slurm, name: str) -> dict[str, Any]:
    """The settings as submitit calls them."""
    given = {
        "partition": own["partition"],
        "account": own["account"],
        "gpus_per_node": own["gpus"],
        "cpus_per_task": own["cpus"],
        "mem": own["memory"],
        "setup": own["setup"] or None,
    }
    cpus = [f"--cpus-per-task={own['cpus']}"] if own["cpus"] else []  # which sbatch does not tell srun
    return {
        "job_name": name,
        "time": own["time"],
        "srun_args": ["--ntasks=1", *cpus],  # also on a node of its own
        "additional_parameters": {"requeue": True, **own["lines"]},
        **{key: value for key, value in given.items() if value is not None},
    }
