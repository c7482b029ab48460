"""Train every preset on MNIST, evaluate it, and write docs/models.md from what came of it.

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
from pathlib import Path
from typing import Any

import report
from PIL import Image
from rich.console import Console

HOME = Path(__file__).resolve().parents[1]
GENCTL = (sys.executable, "-m", "genctl")
PAGE, PICTURES = HOME / "docs" / "models.md", HOME / "docs" / "models"
COLUMNS = {  # metric: heading and format; the first of several that a run has
    "frechet_distance/classifier": ("Fréchet distance", ".2f"),
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
Machine: {machine}. Minutes are of training, with callbacks at their default intervals.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", help="presets, with commas between; default: all")
    parser.add_argument("--seeds", default="0", help="seeds, with commas between")
    parser.add_argument("--runs", type=Path, default=HOME / "outputs" / "models", metavar="DIR")
    parser.add_argument("--write", action="store_true", help="only write the page, from the runs that are there")
    arguments = parser.parse_args()
    models = arguments.models.split(",") if arguments.models else presets()
    console = Console()
    if not arguments.write:
        for seed in arguments.seeds.split(","):
            for model in models:
                console.print(f"{model}, seed {seed}")
                make(arguments.runs.resolve(), model, seed)
    write(arguments.runs)
    console.print(str(PAGE))


def presets() -> list[str]:
    return sorted(path.stem for path in (HOME / "configs" / "model").glob("[!_]*.yaml"))


def make(runs: Path, model: str, seed: str) -> None:
    """Train and evaluate one run, so far as that has not been done."""
    run = runs / f"{model}-{seed}"
    genctl("train", f"model={model}", "dataset=mnist", f"seed={seed}", f"name={run.name}", f"outputs={runs}")
    if not list(run.glob("evaluations/*.json")):
        genctl("evaluate", f"run={run}")
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
    columns = [name for name in COLUMNS if any(name in row["metrics"] for row in rows)]
    headings = ["command", "seed", "minutes", "parameters", *(COLUMNS[name][0] for name in columns)]
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    lines += [f"| {' | '.join(cells(row, columns))} |" for row in rows]
    if missing := sorted(set(presets()) - {row["model"] for row in rows}):
        lines += ["", f"Not run yet: {', '.join(missing)}."]
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    shown = [gallery(row) for row in rows if row["seed"] == min(other["seed"] for other in rows)]
    PAGE.write_text("\n".join([INTRODUCTION.format(machine=report.machine()), *lines, "", *shown]), encoding="utf-8")


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
    return [f"`genctl train model={row['model']} dataset=mnist`", row["seed"], minutes, parameters, *numbers]


def gallery(row: dict[str, Any]) -> str:
    """The picture of a run, copied beside the page in a size for reading."""
    name = "samples" if (row["run"] / "samples.png").exists() else "reconstructions"
    picture = PICTURES / f"{row['model']}.png"
    with Image.open(row["run"] / f"{name}.png") as image:
        image.convert("L").quantize(16).save(picture, optimize=True)
    return f"### {row['model']}: {name}\n\n![{name} of {row['model']}](models/{picture.name})\n"


if __name__ == "__main__":
    main()
