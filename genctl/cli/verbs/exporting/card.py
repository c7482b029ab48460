"""The model card of an export: what it is, how it is used, where it came from, and what is left to say."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from genctl.cli.verbs.exporting.check import Exported
from genctl.cli.verbs.exporting.full_precision import FULL
from genctl.cli.verbs.exporting.markdown import fenced, table, text
from genctl.cli.verbs.exporting.meanings import meanings, missing, prior
from genctl.metrics import results
from genctl.metrics.results_table import value
from genctl.runs import records, rundir
from genctl.runs.trained import Trained

LOADING = {
    "keras": 'keras.models.load_model("{file}")({inputs})["{output}"]',
    "savedmodel": 'tf.saved_model.load("{file}").signatures["serving_default"](**{inputs})["{output}"]',
    "tflite": 'tf.lite.Interpreter("{file}").get_signature_runner()(**{inputs})["{output}"]',
    "onnx": 'onnxruntime.InferenceSession("{file}").run(["{output}"], {inputs})[0]',
}


def card(run: Trained, kind: str, exported: Mapping[str, Exported], with_prior: bool) -> str:
    """The text, in Markdown; exported: by file; with_prior: whether the fitted prior lies beside these.

    Names and texts of the run are shown as they are, whatever they are. Raises UserError where the run's records are
    damaged.
    """
    return "\n".join(
        [
            f"# {text(type(run.strategy).__name__)} on {text(run.spec.name)}",
            "",
            f"Exported by genctl from {text(run.directory.resolve().name)} at step {run.step:,}.",
            "",
            *_use(run, kind, exported),
            *(prior() if with_prior else []),
            *_data(run),
            *_numbers(run.directory),
            *_evaluations(run.directory),
            "## To fill in",
            "",
            "- Licence of the model:",
            "- Licence of the data:",
            "- Intended use, and uses that are out of scope:",
            "- Known limits and biases:",
            "- Contact:",
            "",
            "## Configuration",
            "",
            *fenced(_without_passwords(yaml.safe_dump(run.config, sort_keys=False).rstrip()), "yaml"),
        ]
    )


def _use(run: Trained, kind: str, exported: Mapping[str, Exported]) -> list[str]:
    precision, rows = run.config["trainer"]["precision"], []
    for file, (part, compared, rounded) in exported.items():
        takes = ", ".join(f"`{name}` {dtype} {_shape(shape)}" for name, (shape, dtype) in part.inputs.items())
        gives = ", ".join(f"`{output}`" for output in part.outputs)
        beside = (
            [] if rounded is None else [by_output({name: f"by {most:.2g} at most" for name, most in rounded.items()})]
        )
        rows.append([f"`{file}`", takes, gives, by_output(compared), *beside])
    columns = ["file", "takes", "gives", "beside genctl's own output"]
    trained = []
    if precision != FULL:
        columns.append(f"differs from the output in {precision}")
        trained = [
            f"It was trained in {precision}; the files compute in {FULL}, and so does what they are compared with.",
            "",
        ]
    parts = [one.part for one in exported.values()]
    file, part = next(iter(exported)), parts[0]
    inputs = "{" + ", ".join(f'"{name}": {name}' for name in part.inputs) + "}"
    line = LOADING[kind].format(file=file, inputs=inputs, output=part.outputs[0])
    about = [*table(columns, rows), *trained, *fenced(line, "python")]
    return ["## Use", "", *about, *meanings(run, kind, parts), *missing(run, parts)]


def _data(run: Trained) -> list[str]:
    lines = ["## Data", "", f"- Data set: {text(run.spec.name)}, examples of {_shape(run.spec.image_shape)}"]
    if run.strategy.label_dim:
        lines.append(f"- Classes in order, from 0: {', '.join(map(text, run.spec.class_names))}")
    if provenance := records.read_provenance(run.directory):
        sizes = ", ".join(f"{size:,} {text(split)}" for split, size in provenance.data.sizes.items())
        lines += [f"- Examples: {sizes}", f"- SHA-256: {text(provenance.data.fingerprint)}"]
    return [*lines, ""]


def _numbers(directory: Path) -> list[str]:
    """What the run's summary says."""
    file = directory / rundir.SUMMARY
    metrics = records.read(file, records.Summary).metrics if file.exists() else {}
    rows = [[text(f"{split}/{name}"), f"{of:.6g}"] for split, logs in metrics.items() for name, of in logs.items()]
    return ["## Metrics", "", *table(["at the end of training", ""], rows)] if rows else []


def _evaluations(directory: Path) -> list[str]:
    columns = ["metric", "value", "of real data", "at step", "by"]
    rows = []
    for record in results.read(directory):
        number = record.number
        protocol = ", ".join(f"{name.replace('_', ' ')} {setting}" for name, setting in number.protocol.items())
        floor = "" if number.floor is None else f"{number.floor:.4g}"
        rows.append([text(number.metric), text(value(number)), floor, f"{record.step:,}", text(protocol)])
    return ["## Evaluations", "", *table(columns, rows)] if rows else []


def by_output(words: Mapping[str, str]) -> str:
    """What is said of each output; the name is left out where there is one."""
    return "; ".join(words.values() if len(words) == 1 else (f"`{name}`: {said}" for name, said in words.items()))


def _without_passwords(config: str) -> str:
    """A config without the names and passwords that an address such as https://name:password@host may hold."""
    return re.sub(r"(?<=://)[^\s/@]+@", "", config)


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(['n', *map(str, shape)])})"
