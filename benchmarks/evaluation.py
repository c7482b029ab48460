"""How long `genctl evaluate` takes once features of real images are cached: numbers of a GAN and a VAE on MNIST.

python benchmarks/evaluation.py [--json FILE] [--work NAME,…] [--steps N] [--repeats N] [--dataset NAME] [KEY=VALUE …]
"""

import argparse
import dataclasses
import json
import os
import resource
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

GENCTL = (sys.executable, "-m", "genctl")


@dataclasses.dataclass(frozen=True)
class Work:
    """One evaluation. model, metrics: settings of the training and of the evaluation. goal: seconds on two cores."""

    title: str
    model: tuple[str, ...]
    metrics: tuple[str, ...]
    goal: float


MLPS = tuple(f"{role}.{word}" for role in ("encoder", "decoder") for word in ("units=[200,200]", "activation=tanh"))
LIKELIHOOD = tuple(f"metrics.likelihood.{word}" for word in ("k=5000", "n=null", "binarization=dynamic"))
WORKS = {
    "samples": Work("10,000 samples of a GAN", ("model=gan",), ("metrics=samples", "n=10000"), 60.0),
    "bound": Work(
        "bound of 10,000 images, k = 5000",
        ("model=vae", "encoder=mlp", "decoder=mlp", *MLPS, "model.latent_dim=50", "model.binarization=dynamic"),
        ("metrics=likelihood", *LIKELIHOOD),
        150.0,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--work", metavar="NAME,…", default=",".join(WORKS), help=f"some of {', '.join(WORKS)}")
    parser.add_argument("--steps", type=int, metavar="N", default=400, help="training steps before")
    parser.add_argument("--repeats", type=int, metavar="N", default=3)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="further settings of genctl evaluate")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        rows = [row(name, arguments, place) for name in arguments.work.split(",")]
    report.write(arguments.json, rows)
    show(rows)


def row(name: str, arguments: argparse.Namespace, place: Path) -> report.Row:
    """Train, evaluate once to fill the cache, and then again and again."""
    work = WORKS[name]
    train = ("train", *work.model, f"dataset={arguments.dataset}", f"trainer.steps={arguments.steps}")
    timed((*train, "name=run", f"outputs={place / name}", "callbacks.validate.every_steps=0"), place)
    words = ("evaluate", f"run={place / name / 'run'}", *work.metrics, *arguments.settings)
    first, first_cpu = timed(words, place)
    again, cpu = zip(*(timed(words, place) for _ in range(arguments.repeats)), strict=True)
    [file] = (place / name / "run" / "evaluations").glob("*.json")
    numbers = [record["number"] for record in json.loads(file.read_text())]
    return {
        "work": name,
        "title": work.title,
        "metrics": {number["metric"]: number["value"] for number in numbers},
        "accuracy": next((n["protocol"]["accuracy"] for n in numbers if "accuracy" in n["protocol"]), None),
        "first_seconds": round(first, 1),
        "first_cpu_seconds": round(first_cpu, 1),
        "seconds": round(statistics.median(again), 1),
        "cpu_seconds": round(statistics.median(cpu), 1),
        "all_seconds": [round(seconds, 1) for seconds in again],
        "goal": work.goal,
    }


def timed(words: tuple[str, ...], place: Path) -> tuple[float, float]:
    """Seconds of one command from start to exit, and of all cores' work for it; with a cache of its own."""
    variables = {**environment(), "XDG_CACHE_HOME": str(place / "cache")}
    if "GENCTL_DATA" in os.environ:
        variables["GENCTL_DATA"] = str(Path(os.environ["GENCTL_DATA"]).resolve())
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run((*GENCTL, *words), capture_output=True, text=True, cwd=place, env=variables)
    if done.returncode:
        raise SystemExit(f"genctl {' '.join(words)}: {done.stderr or done.stdout}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def show(rows: list[report.Row]) -> None:
    table = Table("work", "first time", "then", "goal", caption=report.machine())
    for one in rows:
        seconds = (f"{one['first_seconds']:.0f} s", f"{one['seconds']:.0f} s", f"{one['goal']:.0f} s")
        table.add_row(one["title"], *seconds)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()
