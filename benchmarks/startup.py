"""How long genctl takes to answer, beside a bare Python and one that imports TensorFlow and Keras.

python benchmarks/startup.py [--json FILE] [--repeats N]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

import report
from measure import environment
from rich.console import Console
from rich.table import Table

PYTHON = (sys.executable,)
GENCTL = (*PYTHON, "-m", "genctl")
BARE, LIBRARIES = "bare Python", "import tensorflow, keras"
WORK = {
    BARE: ((*PYTHON, "-c", "pass"), 0),
    LIBRARIES: ((*PYTHON, "-c", "import tensorflow, keras"), 0),
    "genctl --help": ((*GENCTL, "--help"), 0),
    "genctl train --help": ((*GENCTL, "train", "--help"), 0),
    "a config error": ((*GENCTL, "train", "trainer.stepss=1"), 1),
    "one step": ((*GENCTL, "train", "dataset=digits", "trainer.steps=1"), 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--repeats", type=int, metavar="N", default=5)
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in WORK}
    errors: dict[str, str] = {}
    for _ in range(arguments.repeats):
        for name, (words, status) in WORK.items():
            elapsed, error = timed(words, status)
            seconds[name].append(elapsed)
            errors.update({name: error} if error else {})
    rows = [row(name, seconds, against, errors) for name in WORK for against in (BARE, LIBRARIES) if name != against]
    report.write(arguments.json, rows)
    show(rows)


def timed(words: tuple[str, ...], status: int) -> tuple[float, str]:
    """Seconds from start to exit, and what went wrong."""
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, cwd=directory, env=environment())
        elapsed = time.perf_counter() - began
    if done.returncode == status:
        return elapsed, ""
    return elapsed, f"status {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"


def row(name: str, seconds: dict[str, list[float]], against: str, errors: dict[str, str]) -> report.Row:
    ratios = [mine / theirs for mine, theirs in zip(seconds[name], seconds[against], strict=True)]
    wrong = [f"{one}: {errors[one]}" for one in (name, against) if one in errors]
    return {
        "work": name,
        "seconds": round(statistics.median(seconds[name]), 3),
        "against": against,
        "against_seconds": round(statistics.median(seconds[against]), 3),
        "ratio": None if wrong else round(statistics.median(ratios), 3),
        "error": "; ".join(wrong) or None,
    }


def show(rows: list[report.Row]) -> None:
    table = Table("work", "seconds", "against", "seconds", "ratio", caption=report.machine())
    for one in rows:
        ratio = one["error"] or f"{one['ratio']:.2f}"
        table.add_row(one["work"], f"{one['seconds']:.2f}", one["against"], f"{one['against_seconds']:.2f}", ratio)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()
