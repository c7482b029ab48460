"""The model card of an export: what it is, how it is used, where it came from, and what is left to say."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from genctl import rundir
from genctl.artefacts.parts import Part
from genctl.trained import Trained

LOADING = {
    "keras": 'keras.models.load_model("{file}")({inputs})["{output}"]',
    "savedmodel": 'tf.saved_model.load("{file}").signatures["serving_default"](**{inputs})["{output}"]',
    "tflite": 'tf.lite.Interpreter("{file}").get_signature_runner()(**{inputs})["{output}"]',
    "onnx": 'onnxruntime.InferenceSession("{file}").run(["{output}"], {inputs})[0]',
}


def card(run: Trained, kind: str, exported: Mapping[str, tuple[Part, str]]) -> str:
    """The text, in Markdown; exported: part and result of its check by file."""
    family = type(run.strategy).__name__
    return "\n".join(
        [
            f"# {family} on {run.spec.name}",
            "",
            f"Exported by genctl from `{run.directory.name}` at step {run.step:,}.",
            "",
            *_use(kind, exported),
            *_data(run),
            *_numbers(run.directory),
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
            "```yaml",
            yaml.safe_dump(run.config, sort_keys=False).rstrip(),
            "```",
            "",
        ]
    )


def _use(kind: str, exported: Mapping[str, tuple[Part, str]]) -> list[str]:
    lines = ["## Use", "", "| file | takes | gives | beside genctl's own output |", "|---|---|---|---|"]
    for file, (part, result) in exported.items():
        takes = ", ".join(f"`{name}` {dtype} {_shape(shape)}" for name, (shape, dtype) in part.inputs.items())
        lines.append(f"| `{file}` | {takes} | `{part.output}` | {result} |")
    file, (part, _) = next(iter(exported.items()))
    inputs = "{" + ", ".join(f'"{name}": {name}' for name in part.inputs) + "}"
    line = LOADING[kind].format(file=file, inputs=inputs, output=part.output)
    return [*lines, "", "```python", line, "```", ""]


def _data(run: Trained) -> list[str]:
    lines = ["## Data", "", f"- Data set: {run.spec.name}, examples of {_shape(run.spec.image_shape)}"]
    if run.strategy.label_dim:
        lines.append(f"- `label` is a number; the classes in order: {', '.join(run.spec.class_names)}")
    if data := _read(run.directory / rundir.PROVENANCE).get("data"):
        sizes = ", ".join(f"{size:,} {split}" for split, size in data["sizes"].items())
        lines += [f"- Examples: {sizes}", f"- SHA-256: `{data['fingerprint']}`"]
    return [*lines, ""]


def _numbers(directory: Path) -> list[str]:
    """What the run's summary and evaluations say."""
    metrics = _read(directory / rundir.SUMMARY).get("metrics", {})
    rows = [f"| {split}/{name} | {value:.6g} |" for split, values in metrics.items() for name, value in values.items()]
    lines = ["## Metrics", "", "| at the end of training | |", "|---|---|", *rows, ""] if rows else []
    for file in sorted((directory / "evaluations").glob("*.json")):
        lines += [f"Evaluation `{file.stem}`:", "", "```json", json.dumps(_read(file), indent=2), "```", ""]
    return lines


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(['n', *map(str, shape)])})"
