"""How long a grid of 8 short trials takes: two at a time, one at a time, and under Hydra's basic launcher.

python benchmarks/sweeps.py [--json FILE] [--repeats N] [--steps N]

In each round the three train the same trials one after another (an autoencoder and a VAE of the digits, four seeds
each). `ratio` is the median over the rounds of how many times as long as two at a time the other one took. `idle` is
the share of the wall time in which a slot had no trial while trials waited, from the first trial on. It needs two cores
that nothing else works on.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report
from measure import environment
from rich.console import Console
from rich.table import Table

GRID = ("model=ae,vae", "seed=1,2,3,4")
TRIALS = 8
TWO, ONE, HYDRA = "two at a time", "one at a time", "Hydra's basic launcher"
WORDS = {TWO: ("sweep.jobs=2",), ONE: ("sweep.jobs=1",), HYDRA: ("hydra/launcher=basic",)}
SLOTS = {TWO: 2, ONE: 1}
LOOK = 0.02  # seconds between two looks at which trials run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--repeats", type=int, metavar="N", default=3)
    parser.add_argument("--steps", type=int, metavar="N", default=1500, help="of a trial")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in WORDS}
    idle: dict[str, list[float]] = {name: [] for name in SLOTS}
    errors: dict[str, str] = {}
    for _ in range(arguments.repeats):
        for name in WORDS:
            elapsed, share, error = timed(name, arguments.steps)
            seconds[name].append(elapsed)
            if name in idle:
                idle[name].append(share)
            errors.update({name: error} if error else {})
    rows = [row(name, seconds, idle, errors) for name in WORDS]
    report.write(arguments.json, rows)
    show(rows)


def timed(name: str, steps: int) -> tuple[float, float, str]:
    """Seconds from start to exit, the share of them in which a slot was idle, and what went wrong."""
    words = ("train", "-m", *GRID, f"trainer.steps={steps}", "outputs=.", "name=grid", *WORDS[name])
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "output").open("w+") as output:
        began = time.perf_counter()
        command = [sys.executable, "-m", "genctl", *words]
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=directory, env=environment())
        idle = watch(process, Path(directory) / "grid", SLOTS.get(name, 0))
        elapsed = time.perf_counter() - began
        finished = len([*Path(directory).glob("grid/*/summary.json")])
        if process.returncode == 0 and finished == TRIALS:
            return elapsed, idle / elapsed, ""
        said = (Path(directory) / "output").read_text().strip()[-200:]
        return elapsed, 0.0, f"status {process.returncode}, {finished} trials: {said}"


def watch(process: subprocess.Popen[bytes], sweep: Path, slots: int) -> float:
    """Wait for the end of a sweep; return the seconds in which a slot had no trial while trials waited."""
    begun: set[str] = set()
    idle, before = 0.0, time.perf_counter()
    while process.poll() is None:
        time.sleep(LOOK)
        running = at_work(sweep, process.pid)
        begun |= running
        now = time.perf_counter()
        if begun and len(begun) < TRIALS and len(running) < slots:
            idle += now - before
        before = now
    return idle


def at_work(sweep: Path, parent: int) -> set[str]:
    """The trials that have a process of their own now."""
    found = set()
    for owner in sweep.glob(".sweep/claims/*/owner.json"):
        try:
            if json.loads(owner.read_text())["process"] != parent:
                found.add(owner.parent.name)
        except (FileNotFoundError, ValueError):  # it is over, or is being written
            continue
    return found


def row(name: str, seconds: dict[str, list[float]], idle: dict[str, list[float]], errors: dict[str, str]) -> report.Row:
    ratios = [theirs / two for theirs, two in zip(seconds[name], seconds[TWO], strict=True)]
    wrong = [f"{one}: {errors[one]}" for one in dict.fromkeys((name, TWO)) if one in errors]
    return {
        "work": name,
        "seconds": round(statistics.median(seconds[name]), 2),
        "ratio": None if wrong else round(statistics.median(ratios), 3),
        "idle": round(max(idle[name]), 4) if name in idle else None,
        "error": "; ".join(wrong) or None,
    }


def show(rows: list[report.Row]) -> None:
    table = Table("8 trials", "seconds", f"against {TWO}", "idle", caption=report.machine())
    for one in rows:
        share = "" if one["idle"] is None else f"{one['idle']:.1%}"
        table.add_row(one["work"], f"{one['seconds']:.1f}", one["error"] or f"{one['ratio']:.2f}", share)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()
