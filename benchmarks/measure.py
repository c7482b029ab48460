"""One measurement: a process of its own that trains, and says how fast it was and what memory it took."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from works import Rival, Work

HERE = Path(__file__).parent
LIMIT = 900  # seconds that a measurement may take in all


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of it. seconds: genctl's training with all that belongs to it. error: why there is nothing else."""

    images_per_second: float = 0.0
    peak_memory_mib: float = 0.0
    seconds: float = 0.0
    error: str = ""


def mnist() -> Path:
    """The file that genctl trains on: the user's own, or downloaded once."""
    from omegaconf import OmegaConf

    from genctl.data.download import obtain, own_file

    config = OmegaConf.load(HERE.parent / "configs" / "dataset" / "mnist.yaml")
    ((name, sha256),) = config.files.items()
    return (own_file(name) or obtain(name, config.url, sha256)).resolve()


def genctl(work: Work, precision: str, steps: int, *overrides: str) -> Result:
    """Train with `genctl train` in a directory that is thrown away."""
    if precision != "float32":
        overrides = (*overrides, f"trainer.precision={precision}")
    with tempfile.TemporaryDirectory() as outputs:
        words = [
            *(sys.executable, "-m", "genctl", "train", "--config-dir", str(HERE / "configs")),
            *(
                f"experiment=bench_{work.name}",
                f"trainer.batch_size={work.batch_size // work.turns}",
                f"trainer.steps={steps}",
            ),
            *(f"outputs={outputs}", "name=run", *overrides),
        ]
        status, output = run(words)
        summary = Path(outputs) / "run" / "summary.json"
        if status or not summary.exists():
            refused = next((line for line in output.splitlines() if line.startswith("error: ")), "")
            return Result(error=f"not available ({refused[7:]})" if refused else failure(status, output))
        values = json.loads(summary.read_text())
    return Result(values["images_per_second"], values["host_memory_mib"], values["seconds"])


def rival(work: Work, rival: Rival, variant: str, seconds: float, data: Path, python: str) -> Result:
    """Train without genctl, for about so many seconds after the warm-up."""
    task = {
        **{"program": rival.program, "options": rival.options, "variant": variant},
        **{"kind": work.kind, "network": work.network, "batch_size": work.batch_size, "chunk": work.chunk},
        **{"seconds": seconds, "data": str(data)},
    }
    status, output = run([python, str(HERE / "rival.py"), json.dumps(task)])
    return Result(error=failure(status, output)) if status else Result(**json.loads(output.splitlines()[-1]))


def run(words: list[str]) -> tuple[int, str]:
    """Exit status and output; on success, without what was said on stderr."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return 1, f"stopped after {LIMIT} seconds"
    except OSError as error:
        return 1, str(error)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def environment() -> dict[str, str]:
    """What a process starts with: this checkout comes first, so that it is what is measured."""
    path = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": path}


def failure(status: int, output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()] or ["nothing was said"]
    missing = [line for line in lines if line.startswith("ModuleNotFoundError")]
    return f"not installed ({missing[-1]})" if missing else f"failed with status {status}: {lines[-1].strip()[:200]}"
