"""Train every preset on MNIST, and what it is compared with; evaluate all; write docs/models.md from what came of it.

python benchmarks/models.py [--models vae,gan] [--seeds 0] [--runs DIR] [--write]

A run that is there is continued or passed over, so that the whole can be stopped at any time. --write only writes the
page.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import report
from PIL import Image
from rich.console import Console

HOME = Path(__file__).resolve().parents[1]
GENCTL = (sys.executable, "-m", "genctl")
PAGE, PICTURES = HOME / "docs" / "models.md", HOME / "docs" / "models"


class Work(NamedTuple):
    """What follows `genctl train` and, beside the run, `genctl evaluate`."""

    train: tuple[str, ...]
    evaluate: tuple[str, ...] = ()


BESIDE = {  # what presets are compared with, or what is no preset
    "gan_100_steps": Work(("model=gan", "dataset=mnist", "trainer.steps=100"), ("metrics=samples",)),
    "iwae_paper_vae": Work(
        ("experiment=iwae_paper_vae",),
        ("metrics=default", "metrics.likelihood.k=5000", "metrics.likelihood.n=null"),
    ),
}
DISTANCE = "frechet_distance/classifier"
COLUMNS = {  # metric: heading and format; the first of several that a run has
    DISTANCE: ("Fréchet distance", ".2f"),
    "classes_hit/classifier": ("classes of 10", ".0f"),
    "precision/classifier": ("precision", ".3f"),
    "recall/classifier": ("recall", ".3f"),
    "mse": ("squared error, grey levels", ".1f"),
    "denoising_mse": ("the same, damaged", ".1f"),
    "elbo": ("ELBO, nats", ".2f"),
    "importance_weighted_bound": ("bound, nats", ".2f"),
    "active_units": ("active units", ".0f"),
    "active_share": ("share of code in use", ".3f"),
    "code_slope": ("slope of code", ".2f"),
    "knn_accuracy": ("k-NN accuracy of codes", ".3f"),
}
INTRODUCTION = """# Models

Presets of `configs/model/`, trained with their defaults on MNIST and evaluated on the test split:
`python benchmarks/models.py` does it all again, and writes this page. What the numbers mean stands in
[evaluation.md](evaluation.md).

Fréchet distance, classes, precision and recall are of 10,000 samples, in the features of the data set's classifier.
Seed 0, but where it says otherwise. Machine: {machine}. Minutes are of training, with callbacks at
their default intervals.
"""


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
    write(arguments.runs)
    console.print(str(PAGE))


def works() -> dict[str, Work]:
    presets = sorted(path.stem for path in (HOME / "configs" / "model").glob("[!_]*.yaml"))
    return {name: Work((f"model={name}", "dataset=mnist")) for name in presets} | BESIDE


def make(runs: Path, model: str, seed: str) -> None:
    """Train and evaluate one run, so far as that has not been done."""
    run, work = runs / f"{model}-{seed}", works()[model]
    genctl("train", *work.train, f"seed={seed}", f"name={run.name}", f"outputs={runs}")
    if not list(run.glob("evaluations/*.json")):
        genctl("evaluate", f"run={run}", *work.evaluate)
    ability = "sample" if genctl("sample", f"run={run}", "n=40", check=False) else "reconstruct"
    if ability == "reconstruct":
        genctl("reconstruct", f"run={run}", "n=20")


def genctl(*words: str, check: bool = True) -> bool:
    """Run the command line; say whether it went well, or end here where it must."""
    done = subprocess.run([*GENCTL, *words], env={**os.environ, "PYTHONPATH": str(HOME)})
    if check and done.returncode:
        sys.exit(f"genctl {' '.join(words)}: status {done.returncode}")
    return done.returncode == 0


def write(runs: Path) -> None:
    """Write the page and its pictures."""
    rows = [row for path in sorted(runs.glob("*-*/summary.json")) if (row := read(path.parent))]
    first = {row["model"]: row for row in sorted(rows, key=lambda row: row["seed"], reverse=True)}
    shown = [first[name] for name in works() if name in first]
    columns = [name for name in COLUMNS if any(name in row["metrics"] for row in shown)]
    headings = ["command", "minutes", "parameters", *(COLUMNS[name][0] for name in columns)]
    lines = table(headings, [cells(row, columns) for row in shown])
    if missing := [name for name in works() if name not in first]:
        lines += ["", f"Not run yet: {', '.join(missing)}."]
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    parts = [INTRODUCTION.format(machine=report.machine()), *lines, "", *by_seed(rows), *map(gallery, shown)]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}", *(f"| {' | '.join(row)} |" for row in rows)]


def by_seed(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The distance of models that were trained with several seeds, and the worst of each."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if DISTANCE in row["metrics"]:
            found.setdefault(row["model"], {})[row["seed"]] = row["metrics"][DISTANCE]["value"]
    several = {model: values for model, values in found.items() if len(values) > 1}
    if not several:
        return []
    seeds = sorted(set().union(*several.values()))
    cells = [
        [f"`{model}`", *(format(values[seed], ".2f") if seed in values else "" for seed in seeds), f"{worst:.2f}"]
        for model, values in several.items()
        for worst in [max(values.values())]
    ]
    title = ["## Other seeds", "", "The Fréchet distance once more, by seed.", ""]
    return [*title, *table(["model", *(f"seed={seed}" for seed in seeds), "worst"], cells), ""]


def read(run: Path) -> dict[str, Any] | None:
    """What is known of a finished run; None where it is not evaluated yet."""
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    files = sorted(run.glob("evaluations/step-*.json"))
    if summary["status"] != "finished" or not files:
        return None
    numbers = [record["number"] for record in json.loads(files[-1].read_text(encoding="utf-8"))]
    model, seed = run.name.rsplit("-", 1)
    return {"run": run, "model": model, "seed": seed, "summary": summary, "metrics": {n["metric"]: n for n in numbers}}


def cells(row: dict[str, Any], columns: list[str]) -> list[str]:
    found = [row["metrics"].get(name) for name in columns]
    numbers = [format(one["value"], COLUMNS[name][1]) if one else "" for name, one in zip(columns, found, strict=True)]
    minutes = f"{row['summary']['seconds'] / 60:.1f}"
    parameters = f"{sum(row['summary']['parameters'].values()):,}"
    command = " ".join(("genctl train", *works()[row["model"]].train))
    return [f"`{command}`", minutes, parameters, *numbers]


def gallery(row: dict[str, Any]) -> str:
    """The picture of a run, copied beside the page in a size for reading."""
    name = "samples" if (row["run"] / "samples.png").exists() else "reconstructions"
    picture = PICTURES / f"{row['model']}.png"
    with Image.open(row["run"] / f"{name}.png") as image:
        image.convert("L").quantize(16).save(picture, optimize=True)
    return f"### {row['model']}: {name}\n\n![{name} of {row['model']}](models/{picture.name})\n"


if __name__ == "__main__":
    main()
