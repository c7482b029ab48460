"""The page of trained models, docs/models.md: a table, a picture of each, and the results of several seeds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import report
from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, PICTURES = DOCS / "models.md", DOCS / "models"
RESULTS = PICTURES / "results.json"
Row = dict[str, Any]  # model, seed, seconds, parameters, machine, metrics by name

CLASS_SAMPLES = 1000  # among so many samples, all classes should be found
DISTANCE = "frechet_distance/classifier"
COLUMNS = {  # metric: heading and format; the first of several that a run has
    DISTANCE: ("Fréchet distance", ".2f"),
    "classes_hit/classifier": ("classes in 1,000 samples", ".0f"),
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

Fréchet distance, precision and recall are of 10,000 samples, in the features of the data set's classifier, which is
another one on each machine, so that distances of two machines differ a little (see evaluation.md).
Seed 0, but where it says otherwise. Minutes are of training, with callbacks at their default intervals, on the machine
of that letter. Convolutions take about 0.6 of the time on two cores that they take on one of the same machine.
What stands beside the Intel processor was measured by version 0.1, in which some schedules ended elsewhere: those of
`aegan` and its kin, `msgan` and `gan_through_ae`.

{machines}
"""


def write(runs: Path, commands: Mapping[str, str]) -> Path:
    """Write the page, its numbers and its pictures; return its path.

    runs: a directory of runs called MODEL-SEED, whose results replace those that are known. commands: by model.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    found = [row for path in runs.glob("*-*/summary.json") if (row := read(path.parent))]
    rows = {(row["model"], row["seed"]): row for row in (*known, *found) if row["model"] in commands}
    ordered = [rows[key] for key in sorted(rows)]
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    for row in found:
        if row["seed"] == "0":
            keep_picture(runs / f"{row['model']}-0", row["model"])
    PAGE.write_text("\n".join(page(ordered, commands)), encoding="utf-8")
    return PAGE


def page(rows: Sequence[Row], commands: Mapping[str, str]) -> list[str]:
    """The page's lines, from rows in the order of their seeds."""
    machines = sorted({row["machine"] for row in rows})
    letters = {machine: chr(ord("A") + place) for place, machine in enumerate(machines)}
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["model"], row)
    shown = [first[name] for name in commands if name in first]
    columns = [name for name in COLUMNS if any(name in row["metrics"] for row in shown)]
    headings = ["command", "minutes", "machine", "parameters", *(COLUMNS[name][0] for name in columns)]
    missing = [name for name in commands if name not in first]
    return [
        INTRODUCTION.format(machines="\n".join(f"* {letter}: {machine}" for machine, letter in letters.items())),
        *table(headings, [cells(row, columns, commands, letters) for row in shown]),
        *(["", f"Not run yet: {', '.join(missing)}."] if missing else []),
        "",
        *by_seed(rows),
        *(gallery(row["model"]) for row in shown),
    ]


def cells(row: Row, columns: Sequence[str], commands: Mapping[str, str], letters: Mapping[str, str]) -> list[str]:
    numbers = [format(row["metrics"][name], COLUMNS[name][1]) if name in row["metrics"] else "" for name in columns]
    minutes, letter = f"{row['seconds'] / 60:.1f}", letters[row["machine"]]
    return [f"`{commands[row['model']]}`", minutes, letter, f"{row['parameters']:,}", *numbers]


def by_seed(rows: Sequence[Row]) -> list[str]:
    """The distance of models that were trained with several seeds, and the worst of each."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if DISTANCE in row["metrics"]:
            found.setdefault(row["model"], {})[row["seed"]] = row["metrics"][DISTANCE]
    several = {model: values for model, values in found.items() if len(values) > 1}
    if not several:
        return []
    seeds = sorted(set().union(*several.values()))
    lines = [
        [f"`{model}`", *(format(values[seed], ".2f") if seed in values else "" for seed in seeds), f"{worst:.2f}"]
        for model, values in several.items()
        for worst in [max(values.values())]
    ]
    title = ["## Other seeds", "", "The Fréchet distance once more, by seed.", ""]
    return [*title, *table(["model", *(f"seed={seed}" for seed in seeds), "worst"], lines), ""]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}", *(f"| {' | '.join(row)} |" for row in rows)]


def read(run: Path) -> Row | None:
    """What is known of a finished run; None where it is not evaluated yet."""
    summary, provenance = (json.loads((run / name).read_text()) for name in ("summary.json", "provenance.json"))
    files = sorted(run.glob("evaluations/step-*.json"))
    if summary["status"] != "finished" or not files:
        return None
    numbers = [record["number"] for record in json.loads(files[-1].read_text(encoding="utf-8"))]
    model, seed = run.name.rsplit("-", 1)
    session = provenance["sessions"][-1]
    return {
        **{"model": model, "seed": seed, "seconds": summary["seconds"]},
        "parameters": sum(summary["parameters"].values()),
        "machine": report.machine(session["hardware"]["cores"], session["packages"]),
        "metrics": {number["metric"]: number["value"] for number in numbers if _is_shown(number)},
    }


def _is_shown(number: dict[str, Any]) -> bool:
    samples = CLASS_SAMPLES if number["metric"].startswith("classes_hit") else number["protocol"].get("samples")
    return number["metric"] in COLUMNS and number["protocol"].get("samples") == samples


def keep_picture(run: Path, model: str) -> None:
    """Copy the picture of a run beside the page, in a size for reading."""
    name = "samples" if (run / "samples.png").exists() else "reconstructions"
    with Image.open(run / f"{name}.png") as image:
        image.convert("L").quantize(16).save(PICTURES / f"{model}.png", optimize=True)


def gallery(model: str) -> str:
    return f"### {model}\n\n![what {model} makes](models/{model}.png)\n"
