"""Metrics while a run trains, what marks its best checkpoint, and the end for want of a better one."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import Genctl, newest_weights, rows, tiny

from genctl.training.monitor import Monitor

EAGER = "trainer.xla=false"  # compiling takes longer than these few steps
EVALUATE = ("metrics=[reconstruction]", "callbacks.evaluate.n=40")


def evaluated(run: str) -> list[dict]:
    return [row for row in rows(run) if row["split"] == "evaluation"]


def test_evaluations_while_training_are_kept_and_leave_the_run_as_it_is(genctl: Genctl) -> None:
    words = (
        "train",
        *tiny("vae"),
        EAGER,
        *EVALUATE,
        "optimizer.learning_rate=1e-3",
        "callbacks.log.every_steps=20",
        "callbacks.validate.every_steps=0",
    )
    every = ("callbacks.evaluate.every_steps=20", "trainer.monitor=evaluation/psnr")
    genctl.good(*words, "name=without", "trainer.steps=40")
    genctl.good(*words, *every, "name=whole", "trainer.steps=40")
    genctl.good(*words, *every, "name=parts", "trainer.steps=25")
    genctl.good("resume", "run=runs/parts", "trainer.steps=40")
    assert newest_weights("runs/without") == newest_weights("runs/whole") == newest_weights("runs/parts")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()
    found = evaluated("runs/whole")
    assert [row["step"] for row in found] == [20, 40] and not evaluated("runs/without")
    [record] = [one for one in json.loads(Path("runs/whole/evaluations/step-000000020.json").read_text())
                if one["number"]["metric"] == "psnr"]  # fmt: skip
    assert record["number"]["value"] == pytest.approx(found[0]["psnr"])
    assert record["number"]["protocol"]["split"] == "validation" and record["number"]["protocol"]["real"] == 40
    assert list(Path("runs/whole/evaluation").glob("events*"))
    best = json.loads(Path("runs/whole/summary.json").read_text())["best"]
    highest = max(found, key=lambda row: row["psnr"])
    assert best["step"] == highest["step"] and best["metric"] == "evaluation/psnr"
    assert Path(f"runs/whole/checkpoints/step-{best['step']:09d}").is_dir()


def test_a_fault_of_a_metric_or_of_its_place_is_told_and_training_goes_on(genctl: Genctl) -> None:
    words = (*tiny("vae"), EAGER, "metrics=[reconstruction,frechet,likelihood]", "metrics.likelihood.k=2")
    words = (
        *words,
        "callbacks.evaluate.every_steps=2",
        "callbacks.evaluate.n=40",
        "trainer.steps=4",
        "~metrics.denoising",
    )
    more = ("features=autoencoder", "features.run=nowhere", "metrics.likelihood.binarization=none")
    result = genctl.good("train", *words, *more, "name=features", "model.likelihood=squared_error")
    assert result.out.count("without likelihood: Likelihood needs a family that can likelihood; VAE cannot.") == 1
    for step in (2, 4):
        assert f"step {step} is evaluated without frechet: features.run=nowhere is not there." in result.out
    assert [set(row) >= {"mse", "psnr"} for row in evaluated("runs/features")] == [True, True]
    folder = Path("runs/place/evaluations")
    folder.mkdir(parents=True)
    (folder / "step-000000002.json").write_text("{")
    shutil.copy("runs/features/config.yaml", "runs/place")
    result = genctl("train", *words, *more, "name=place", "model.likelihood=squared_error")
    assert result.status == 0, result.err
    assert "the evaluation of step 2 is in metrics.jsonl alone: " in result.out
    assert "step-000000002.json cannot be read" in result.out and len(evaluated("runs/place")) == 2
    assert json.loads((folder / "step-000000004.json").read_text())[0]["number"]["metric"] == "mse"


def test_patience_ends_the_run_at_the_same_step_whether_it_stops_or_not(genctl: Genctl) -> None:
    words = ("train", *tiny("vae"), EAGER, "callbacks.validate.every_steps=10", "trainer.patience=3", "optimizer=sgd")
    words = (*words, "optimizer.learning_rate=1e-30", "callbacks.log.every_steps=15")  # nothing gets better
    out = genctl.good(*words, "name=whole", "trainer.steps=200").out
    assert "of 200: ended after 3 turns without a better validation/loss" in out and "at step 10" in out
    summary = json.loads(Path("runs/whole/summary.json").read_text())
    assert summary["steps"] == 40 and summary["status"] == "finished" and summary["best"]["step"] == 10
    genctl.good(*words, "name=parts", "trainer.steps=25")
    genctl.good("resume", "run=runs/parts", "trainer.steps=200")
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()
    assert "ended at step 40" in genctl.good("resume", "run=runs/whole").out
    genctl.good("resume", "run=runs/whole", "trainer.patience=4")
    assert json.loads(Path("runs/whole/summary.json").read_text())["steps"] == 50


def test_what_a_monitor_calls_better() -> None:
    lower, higher = (Monitor("evaluation", "distance", better, patience=2) for better in ("lower", "higher"))
    for step, value in enumerate([3.0, 2.0, 4.0, float("nan")]):
        for one in (lower, higher):
            one.see(step, "evaluation", {"distance/pixels": value}, counts=True)
            one.see(step, "validation", {"distance": -1.0}, counts=True)
    assert lower.best and lower.best["step"] == 1 and lower.waited == 2 and lower.exhausted
    assert higher.best == {"step": 2, "metric": "evaluation/distance/pixels", "value": 4.0} and not higher.exhausted
    higher.see(4, "evaluation", {"distance/pixels": 0.0}, counts=False)
    assert higher.waited == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("vae trainer.monitor=validation/los", "Did you mean 'validation/loss'?"),
        ("vae trainer.monitor=loss", "trainer.monitor=loss is nothing that this run is known to measure"),
        ("vae trainer.monitor=validation/rate", "say trainer.monitor_better=lower or trainer.monitor_better=higher"),
        ("vae trainer.monitor=evaluation/psnr_", "Choose one of validation/loss, "),
        ("vae trainer.monitor=evaluation/psnr", "is never measured: set callbacks.evaluate.every_steps"),
        (
            "gan trainer.monitor=evaluation/psnr callbacks.evaluate.every_steps=5",
            "trainer.monitor=evaluation/psnr is nothing",
        ),
        ("gan trainer.patience=2", "trainer.patience=2 needs a metric to go by, and GAN has none of its own"),
        ("vae trainer.patience=0", "trainer.patience=0"),
        (
            "vae trainer.patience=2 callbacks.validate.every_steps=0",
            "is never measured: set callbacks.validate.every_steps",
        ),
        ("vae callbacks.evaluate.every_steps=5 metrics=[]", "callbacks.evaluate.every_steps=5 needs metrics"),
        (
            "vae callbacks.evaluate.every_steps=5 metrics.likelihood.k=0",
            "metrics.likelihood.k=0: should be greater than 0",
        ),
        ("vae trainer.patience=2 trainer.workers=slurm name=x", "does not work with trainer.workers"),
    ],
)
def test_a_monitor_that_cannot_work_is_refused_before_training(genctl: Genctl, words: str, message: str) -> None:
    model, *others = words.split()
    assert message in genctl.bad("train", *tiny(model), "trainer.steps=4", *others)
    assert not Path("runs").exists()


OWN = """
import tensorflow as tf
from genctl.metrics.evaluation import Number
from genctl.strategies.vae import VAE

class Mine(VAE):
    def evaluate(self, batch, context):
        logs = super().evaluate(batch, context)
        return logs | {"brightness": tf.reduce_mean(batch["image"]) * logs["rate"]}

class Brightness:
    needs, better = "sample", {"brightness": "higher"}
    def __call__(self, evaluation):
        return [Number(name, float(evaluation.samples.mean()), "1", {}) for name in ("brightness", "unnamed")]
"""


@pytest.mark.parametrize(
    ("words", "metric"),
    [
        (("trainer.monitor=validation/brightness", "trainer.monitor_better=lower"), "validation/brightness"),
        (("trainer.monitor=evaluation/brightness",), "evaluation/brightness"),
        (("trainer.monitor=evaluation/unnamed", "trainer.monitor_better=lower"), "evaluation/unnamed"),
        (("trainer.monitor=validation/rate", "trainer.monitor_better=higher"), "validation/rate"),
    ],
)
def test_a_number_of_ones_own_marks_the_best(genctl: Genctl, words: tuple[str, ...], metric: str) -> None:
    Path("own_numbers.py").write_text(OWN)
    own = ("trust=[own_numbers]", "model._target_=own_numbers.Mine", "+metrics.b._target_=own_numbers.Brightness")
    turns = ("callbacks.validate.every_steps=2", "callbacks.evaluate.every_steps=2", "callbacks.evaluate.n=20")
    genctl.good("train", *tiny("vae"), EAGER, *own, *turns, "trainer.steps=8", "name=x", "metrics=samples", *words)
    best = json.loads(Path("runs/x/summary.json").read_text())["best"]
    split, _, name = metric.partition("/")
    seen = [row[name] for row in rows("runs/x") if row["split"] == split]
    assert best["metric"] == metric and best["value"] == pytest.approx((min if "lower" in words[-1] else max)(seen))
    table = genctl.good("compare", "runs/x").out
    assert split == "validation" or "brightness ↑" in " ".join(table.split())
