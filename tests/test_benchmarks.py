"""The benchmarks run and say what they promise; how fast anything is, no test says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import NIGHTLY

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(tmp_path: Path, *words: str) -> list[dict]:
    target = tmp_path / "rows.json"
    command = [sys.executable, str(BENCHMARKS / words[0]), *words[1:], "--json", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return json.loads(target.read_text())


@NIGHTLY
def test_startup(tmp_path: Path) -> None:
    rows = run(tmp_path, "startup.py", "--repeats", "1")
    assert {"genctl --help", "genctl train --help", "a config error", "one step"} <= {row["work"] for row in rows}
    for row in rows:
        assert row["error"] is None and row["machine"]
        assert row["seconds"] > 0 and row["against_seconds"] > 0 and row["ratio"] > 0


@NIGHTLY
@pytest.mark.skipif("GENCTL_DATA" not in os.environ, reason="needs MNIST")
def test_training(tmp_path: Path) -> None:
    words = ("--quick", "--repeats", "1", "--seconds", "0.2", "--work", "dense_vae", "--against", "loop,torch")
    compiled, torch = run(tmp_path, "training.py", *words, "--torch-python", str(tmp_path / "no-python"))
    assert compiled["work"] == "dense_vae" and compiled["precision"] == "float32"
    assert compiled["against"].startswith("tf.function + tf.data") and compiled["error"] is None
    assert compiled["ratio"] == compiled["ratios"][0] > 0
    for name in ("images_per_second", "peak_memory_mib"):
        assert compiled[name] > 0 and compiled[f"against_{name}"] > 0
    assert torch["against"] == "PyTorch eager" and torch["ratio"] is None and "no-python" in torch["error"]


@NIGHTLY
def test_evaluation(tmp_path: Path) -> None:
    settings = ("metrics=frechet", "features=pixels", "n=50")
    [row] = run(
        tmp_path,
        "evaluation.py",
        "--work",
        "samples",
        "--dataset",
        "digits",
        "--steps",
        "1",
        "--repeats",
        "1",
        *settings,
    )
    assert row["work"] == "samples" and row["metrics"]["frechet_distance/pixels"] > 0
    assert row["seconds"] > 0 and row["first_seconds"] > 0 and row["machine"]


@NIGHTLY
def test_sweeps(tmp_path: Path) -> None:
    two, one, hydra = run(tmp_path, "sweeps.py", "--repeats", "1", "--steps", "20")
    assert two["ratio"] == 1 and one["ratio"] > 0 and hydra["ratio"] > 0
    assert 0 <= two["idle"] < 1 and 0 <= one["idle"] < 1 and hydra["idle"] is None
    assert all(row["error"] is None and row["seconds"] > 0 and row["machine"] for row in (two, one, hydra))
