"""Train every preset on MNIST, and what it is compared with; evaluate all; write docs/models.md from what came of it.

python benchmarks/models.py [--models vae,gan] [--seeds 0] [--runs DIR] [--write]

A run that is there is continued or passed over, so that the whole can be stopped at any time. --write only writes the
page. It keeps what is known of other models and seeds, from other days and machines, in docs/models/results.json.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import models_page
from rich.console import Console

HOME = Path(__file__).resolve().parents[1]
GENCTL = (sys.executable, "-m", "genctl")


class Work(NamedTuple):
    """What follows `genctl train` and, beside the run, `genctl evaluate`."""

    train: tuple[str, ...]
    evaluate: tuple[str, ...] = ()


BESIDE = {  # what presets are compared with, or what is no preset
    "gan_100_steps": Work(("model=gan", "dataset=mnist", "trainer.steps=100"), ("metrics=samples",)),
    "iwae_paper_vae": Work(
        ("experiment=iwae_paper_vae",),
        ("metrics.likelihood.binarization=dynamic", "metrics.likelihood.k=5000", "metrics.likelihood.n=null"),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", help="presets, with commas between; default: all")
    parser.add_argument("--seeds", default="0", help="seeds, with commas between")
    parser.add_argument("--runs", type=Path, default=HOME / "outputs" / "models", metavar="DIR")
    parser.add_argument("--write", action="store_true", help="only write the page, from the runs that are there")
    arguments = parser.parse_args()
    models = arguments.models.split(",") if arguments.models else list(works())
    console = Console()
    if not arguments.write:
        for seed in arguments.seeds.split(","):
            for model in models:
                console.print(f"{model}, seed {seed}")
                make(arguments.runs.resolve(), model, seed)
    commands = {name: " ".join(("genctl train", *work.train)) for name, work in works().items()}
    console.print(str(models_page.write(arguments.runs, commands)))


def works() -> dict[str, Work]:
    presets = sorted(path.stem for path in (HOME / "configs" / "model").glob("[!_]*.yaml"))
    return {name: Work((f"model={name}", "dataset=mnist")) for name in presets} | BESIDE


def make(runs: Path, model: str, seed: str) -> None:
    """Train and evaluate one run, so far as that has not been done."""
    run, work = runs / f"{model}-{seed}", works()[model]
    genctl("train", *work.train, f"seed={seed}", f"name={run.name}", f"outputs={runs}")
    if not list(run.glob("evaluations/*.json")):
        genctl("evaluate", f"run={run}", *work.evaluate)
        genctl("evaluate", f"run={run}", "metrics=classes", f"n={models_page.CLASS_SAMPLES}", check=False)
    ability = "sample" if genctl("sample", f"run={run}", "n=40", check=False) else "reconstruct"
    if ability == "reconstruct":
        genctl("reconstruct", f"run={run}", "n=20")


def genctl(*words: str, check: bool = True) -> bool:
    """Run the command line; say whether it went well, or end here where it must."""
    done = subprocess.run([*GENCTL, *words], env={**os.environ, "PYTHONPATH": str(HOME)})
    if check and done.returncode:
        sys.exit(f"genctl {' '.join(words)}: status {done.returncode}")
    return done.returncode == 0


if __name__ == "__main__":
    main()
