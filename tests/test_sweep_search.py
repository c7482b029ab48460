"""`genctl train -m sweep=…`: combinations that a sampler chooses, and trials that are given up early."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import NIGHTLY, Genctl, rows, tiny

from genctl.cli import sweep_presets, sweeps
from genctl.cli.composition import Request
from genctl.cli.verbs import sweep_checks
from genctl.cli.verbs.sweep_end import front
from genctl.config import paths
from genctl.sweeps.definition import Combination
from genctl.sweeps.outcomes import Outcome

SMALL = (
    *("train", "-m", *tiny("vae"), "dataset.limit=64", "trainer.xla=false", "trainer.steps=12", "name=x"),
    *("callbacks.validate.every_steps=4", "callbacks.images.every_steps=0", "callbacks.log.every_steps=4"),
)
RATE, WIDTH = "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "model.latent_dim=int(interval(2,9))"
TPE = (*SMALL, "sweep=tpe", "sweep.trials=5", "sweep.jobs=1", RATE, WIDTH)


def proposals(sweep: str) -> list[dict[str, str]]:
    return [json.loads(path.read_text())["values"] for path in sorted(Path(sweep, ".sweep/proposals").glob("*.json"))]


def weights(sweep: str) -> dict[str, bytes]:
    """The final weights of each trial."""
    found = {path.parts[-4]: path.read_bytes() for path in Path(sweep).glob("*/checkpoints/*12/state.safetensors")}
    assert found
    return found


def test_a_search_is_repeated_bit_for_bit_and_goes_on_when_it_was_killed(genctl: Genctl) -> None:
    out = genctl.good(*TPE).out
    assert "[5/5]" in out and "the best, validation/loss" in out
    chosen = proposals("runs/x")
    assert len(chosen) == len(weights("runs/x")) == 5
    assert all(1e-4 <= float(one["optimizer.learning_rate"]) <= 1e-1 for one in chosen)
    assert {one["model.latent_dim"] for one in chosen} <= {*map(str, range(2, 10))}
    command = [sys.executable, "-m", "genctl", *TPE, "outputs=again"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sweep:
        while len([*Path("again").glob("x/*/summary.json")]) < 2:
            assert sweep.poll() is None
            time.sleep(0.05)
        sweep.send_signal(signal.SIGKILL)
    genctl.good(*TPE, "outputs=again")
    assert proposals("again/x") == chosen
    assert weights("again/x") == weights("runs/x")
    assert len(yaml.safe_load(Path("again/x/sweep.yaml").read_text())["trials"]) == 5
    genctl.good(*TPE, "outputs=again", "sweep.trials=6")
    assert proposals("again/x")[:5] == chosen and len(proposals("again/x")) == 6
    changed = genctl.bad(*TPE[:-1], "outputs=again", "sweep.seed=1", "model.latent_dim=int(interval(2,5))")
    assert "sweep.seed: 0 -> 1" in changed and "model.latent_dim: int(interval(2, 9)) -> int(interval(2, 5))" in changed


@pytest.mark.parametrize("method", [pytest.param("random", marks=NIGHTLY), "cmaes"])
def test_other_samplers_stay_in_the_intervals(genctl: Genctl, method: str) -> None:
    genctl.good(*SMALL, f"sweep={method}", "sweep.trials=4", RATE, WIDTH)
    for one in proposals("runs/x"):
        assert 1e-4 <= float(one["optimizer.learning_rate"]) <= 1e-1 and 2 <= int(one["model.latent_dim"]) <= 9


def test_of_several_metrics_the_front_is_named(genctl: Genctl) -> None:
    several = ("sweep.metric=[validation/distortion,validation/rate]", "model.beta=0.1,1,10")
    unsaid = genctl.bad(*SMALL, *several)
    assert (
        "validation/rate: whether lower or higher values are the better ones is not known: say sweep.better=" in unsaid
    )
    several = (*several, "sweep.better=[lower,lower]")
    out = genctl.good(*SMALL, *several).out
    assert "on the front, validation/distortion" in out and ", validation/rate " in out
    stored = yaml.safe_load(Path("runs/x/sweep.yaml").read_text())["search"]
    assert stored["metrics"] == ["validation/distortion", "validation/rate"] and stored["better"] == ["lower", "lower"]


def test_none_beats_what_is_on_the_front() -> None:
    points = {"a": (1.0, 5.0), "b": (2.0, 6.0), "c": (3.0, 4.0), "d": (1.0, 4.0)}
    done = [
        Outcome(Combination({"p": name}, []), "finished", values, ["lower", "higher"])
        for name, values in points.items()
    ]
    assert [one.combination.values["p"] for one in front(done)] == ["a", "b"]
    best = [Outcome(one.combination, "finished", one.values[:1], ["lower"]) for one in done]
    assert [one.combination.values["p"] for one in front(best)] == ["a"]


def test_what_a_run_is_monitored_by_is_the_metric(genctl: Genctl) -> None:
    genctl.good(*SMALL, "sweep.metric=validation/distortion", "seed=1,2")
    summary = json.loads(Path("runs/x/seed-1/summary.json").read_text())
    assert summary["best"]["metric"] == "validation/distortion" and summary["best"]["better"] == "lower"
    values = [row["distortion"] for row in rows("runs/x/seed-1") if row["split"] == "validation"]
    assert summary["best"]["value"] == pytest.approx(min(values))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sweep=tpe", "seed=1"), "has nothing to choose: let a setting vary"),
        (("sweep=tep", "seed=1,2"), "sweep=tep: there is no such preset. Did you mean 'tpe'?"),
        (("sweep.search=tpe", "seed=1,2"), "needs a number of combinations: add sweep.trials=20"),
        (("sweep=cmaes", "seed=1,2"), "chooses from intervals alone"),
        (("sweep=cmaes", "model.beta=interval(1,2)"), "needs two settings that vary"),
        (("model.beta=interval(1,2)",), "an interval has no end of values: list some, or choose them by sweep=tpe"),
        (("sweep=tpe", "model.beta=interval(2,1)"), "an interval goes from a number to a larger one"),
        (("sweep=tpe", "model.beta=tag(log,interval(0,1))"), "logarithms need an interval of numbers above 0"),
        (("sweep=tpe", "model.beta=tag(lgo,interval(1,2))"), "there is no tag 'lgo'"),
        (
            ("sweep=tpe", "model.beta=interval(1,2)"),
            "by validation/loss, which model.beta makes another number",
        ),
        (("sweep.trials=3", "seed=1,2"), "is of a search, and sweep.search=grid trains every combination"),
        (("sweep.metric=validation/los", "seed=1,2"), "Did you mean 'validation/loss'?"),
        (("sweep.metric=evaluation/frechet_distance", "seed=1,2"), "is never measured: set callbacks.evaluate.every"),
        (("sweep.metric=[a,b]", "sweep.pruner=median", "seed=1,2"), "goes by one number, and sweep.metric names 2"),
        (("sweep.metric=a", "trainer.monitor=b", "seed=1,2"), "trainer.monitor=b and sweep.metric=a both set the same"),
        (("sweep.pruner=median", "sweep.folds=3", "seed=1,2"), "of sweep.folds=3 only the mean over all counts"),
        (("sweep.pruner=medain", "seed=1,2"), "sweep.pruner=medain"),
        (("sweep=tpe", "optimizer.learning_rate=interval(-1,1)"), "trial optimizer.learning_rate--1: optimizer.learn"),
        (("sweep.metric=validation/loss", "sweep.better=[lower,lower]", "seed=1,2"), "sweep.better names 2 directions"),
        (("sweep=tpe", "sweep.trials=20000", "model.beta=interval(1,2)"), "say sweep.yes=true"),
    ],
)
def test_what_cannot_be_searched_is_refused(genctl: Genctl, words: tuple[str, ...], message: str) -> None:
    assert message in genctl.bad(*SMALL, *words)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sweep.pruner=median", "model=vae,ae"), "would go by validation/loss, which model makes another number"),
        (("sweep.metric=validation/elbo", "model=vae,ae"), "sweep.metric=validation/elbo is nothing that this run is"),
        (
            ("sweep=random", "model=gan", "seed=1,2"),
            "this model measures none of its own: say what trials",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(genctl: Genctl, words: tuple[str, ...], message: str) -> None:
    assert message in genctl.bad("train", "-m", "dataset.limit=300", *words)
    assert not Path("outputs").exists()


def test_a_search_whose_trials_all_fail_is_given_up(genctl: Genctl) -> None:
    Path("hopeless.py").write_text(
        "from genctl.strategies.vae import VAE\nclass Broken(VAE):\n"
        "    def step(self, batch, context):\n        raise RuntimeError('too odd')\n"
    )
    broken = ("trust=[hopeless]", "model._target_=hopeless.Broken", RATE)
    message = genctl.bad(*SMALL, "sweep=random", *broken)
    assert "all 5 trials failed, so no more are tried" in message and "too odd" in message
    assert len(proposals("runs/x")) == 5


def test_a_trial_that_is_behind_is_given_up_and_can_be_finished(genctl: Genctl) -> None:
    rates = "optimizer.learning_rate=0.01,0.011,0.012,0.013,0.014,1e-7"
    out = genctl.good(*SMALL, rates, "sweep.pruner=median", "sweep.jobs=1").out
    run = "runs/x/optimizer.learning_rate-1e-07"
    assert "[6/6] optimizer.learning_rate-1e-07 pruned after" in out
    summary = json.loads(Path(run, "summary.json").read_text())
    assert (summary["status"], summary["steps"]) == ("pruned", 4)
    assert "runs/x: 5 finished, 1 pruned" in genctl.good("sweep", "status", "runs/x").out
    assert "pruned" in genctl.good("compare", "runs/x").out
    genctl.good(*SMALL, rates, "sweep.pruner=median", "sweep.jobs=1")
    assert json.loads(Path(run, "summary.json").read_text())["steps"] == 4, "what is given up stays so"
    genctl.good("resume", f"run={run}")
    assert json.loads(Path(run, "summary.json").read_text())["status"] == "finished"


def test_a_fold_is_a_run_below_its_combination_and_the_mean_is_what_counts(genctl: Genctl) -> None:
    out = genctl.good(*SMALL, "sweep=random", "sweep.trials=3", "sweep.folds=2", RATE).out
    best = {}
    for place in Path("runs/x").glob("optimizer*"):
        values = [json.loads(path.read_text())["best"]["value"] for path in place.glob("fold-*/summary.json")]
        assert len(values) == 2
        best[place.name] = sum(values) / 2
    name = min(best, key=lambda one: best[one])
    assert f"the best, validation/loss {best[name]:.4g}: {name.replace('-', '=', 1)}" in out and "[6/6]" in out


@pytest.mark.parametrize(
    "name", [one for one in paths.options("sweep", paths.builtin()) if one not in ("grid", "random", "tpe", "cmaes")]
)
def test_presets_are_of_settings_that_there_are(name: str) -> None:
    request = Request("train", [f"sweep={name}", "dataset.limit=500"], [])
    settings, request = sweep_presets.read_settings(request)
    sweep = sweeps.define(request, settings, ())
    trials = sweep_checks.corners(sweep)
    assert sweep_checks.check_trials(trials, request) and len(trials) > 2
    other, _ = sweep_presets.read_settings(Request("train", [f"sweep={name}", "sweep.jobs=3", "model=dae"], []))
    assert other["jobs"] == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("slurm: {setup: [reboot]}", "there is no setting 'sweep.slurm'"),
        ("slurm.setup: [reboot]", "there is no setting 'sweep.slurm.setup'"),
        ("settings: {trust: mine}", "settings: trust: mine cannot stand in a file: say it on the command line"),
        ("settings: {hydra.run.dir: x}", "hydra.run.dir: x cannot stand in a file"),
        ("settings: {dataset.path: '${oc.env:HOME}'}", "cannot stand in a file"),
        ("settings: {+model.more: 1}", "cannot stand in a file"),
        ("space: {seed: [1, 2]}", "sweep=mine: space.seed=[1, 2]"),
        ("trails: 3", "Did you mean 'trials'?"),
        ("- 1", "mine.yaml"),
    ],
)
def test_a_strangers_preset_cannot_say_what_a_command_line_can(genctl: Genctl, content: str, message: str) -> None:
    Path("configs/sweep").mkdir(parents=True)
    Path("configs/sweep/mine.yaml").write_text(content)
    assert message in genctl.bad(*SMALL, "sweep=mine", "seed=1,2")


def test_a_preset_of_ones_own_sets_a_sweep(genctl: Genctl) -> None:
    Path("configs/sweep").mkdir(parents=True)
    Path("configs/sweep/mine.yaml").write_text("settings: {model.beta: 2}\nspace: {seed: '1,2'}\nretries: 1\n")
    out = genctl.good(*SMALL, "sweep=mine", "name=x", "model.free_bits=0.1").out
    assert "[2/2] seed-" in out and yaml.safe_load(Path("runs/x/sweep.yaml").read_text())["swept"] == {
        "seed": ["1", "2"]
    }


def steps_and_best(sweep: str) -> tuple[int, float]:
    summaries: list[dict[str, Any]] = [json.loads(path.read_text()) for path in Path(sweep).glob("*/summary.json")]
    finished = [one["best"]["value"] for one in summaries if one["status"] == "finished"]
    return sum(one["steps"] for one in summaries), min(finished)


@NIGHTLY
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pruning_halves_the_steps_and_finds_as_good_a_model(genctl: Genctl, seed: int) -> None:
    words = (
        *("train", "-m", "model=vae", "dataset=digits", "trainer.steps=400", "callbacks.validate.every_steps=40"),
        *("callbacks.images.every_steps=0", "sweep=tpe", f"sweep.seed={seed}", "sweep.jobs=1", WIDTH),
        *("optimizer.learning_rate=tag(log,interval(1e-4,3e-2))", "trainer.batch_size=32,64,128"),
        "encoder.filters=[8],[16],[8,16]",
    )
    genctl.good(*words, "name=all")
    genctl.good(*words, "name=some", "sweep.pruner=quarter")
    (all_steps, all_best), (steps, best) = steps_and_best("outputs/all"), steps_and_best("outputs/some")
    assert steps <= all_steps / 2 and best <= all_best * 1.02
