"""The engine: where data live, what XLA and precision do, and what must not depend on either."""

import json
import os
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import tensorflow as tf
import yaml
from conftest import NIGHTLY, Genctl, newest_weights, rows
from test_resume import options

from genctl.compute.context import StepContext
from genctl.config import paths
from genctl.config.instantiate import instantiate
from genctl.errors import UserError
from genctl.strategies.aegan import AEGAN
from genctl.strategies.parts.strategy import Batch
from genctl.strategies.players.player import Logs
from genctl.training.callbacks import Log
from genctl.training.engine import _read


@pytest.mark.parametrize("model", ["gan", pytest.param("aegan", marks=NIGHTLY)])
def test_streamed_data_give_the_same_run_also_when_it_stops(genctl: Genctl, model: str) -> None:
    augment = "dataset.augment.shift=1"
    genctl.good("train", *options(model), augment, "name=whole", "trainer.steps=60", "trainer.resident=true")
    genctl.good("train", *options(model), augment, "name=parts", "trainer.steps=35", "trainer.resident=false")
    assert "streamed" in genctl.good("resume", "run=runs/parts", "trainer.steps=60").out
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()


def test_streamed_data_are_bounded_in_memory(genctl: Genctl) -> None:
    """A 2-GiB array, of which whatever is read would stay in this process' memory if nobody let go of it."""
    images = np.lib.format.open_memmap("big.npy", "w+", np.uint8, (2**31 // (64 * 64 * 4), 128, 128, 1))
    images[:100] = 200  # the rest is a hole in the file, which reads as zeros
    images.flush()
    del images
    seen: list[int] = []
    process = psutil.Process()
    before = process.memory_info().rss
    with pytest.MonkeyPatch.context() as patch:
        call = Log.__call__
        patch.setattr(Log, "__call__", lambda log, run: (seen.append(process.memory_info().rss), call(log, run))[1])
        genctl.good(
            "train", "model=vae_dense", "dataset=npz", "dataset.path=big.npy", "dataset.validation_fraction=0.01",
            "name=x", "outputs=runs", "trainer.resident=false", "trainer.steps=40", "callbacks.log.every_steps=10",
        )  # fmt: skip
    assert max(seen) - before < 1.5 * 2**30


@pytest.mark.parametrize(("model", "on"), [("vae_dense", True), ("vae", False)])
def test_xla_is_chosen_where_no_network_has_a_convolution(genctl: Genctl, model: str, on: bool) -> None:
    out = genctl.good("train", f"model={model}", "trainer.steps=20", "name=x", "outputs=runs", "trainer.device=cpu").out
    assert f"XLA: {'on' if on else 'off'}" in out
    assert json.loads(Path("runs/x/engine.json").read_text())["xla"] is on


def test_the_choice_is_kept_when_the_run_continues(genctl: Genctl) -> None:
    words = ("train", "model=vae_dense", "dataset=digits", "outputs=runs", "callbacks.log.every_steps=10")
    genctl.good(*words, "name=whole", "trainer.steps=40")
    genctl.good(*words, "name=parts", "trainer.steps=20")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genctl.training.engine.suits_xla", lambda *_: False)
        assert "XLA: on" in genctl.good("resume", "run=runs/parts", "trainer.steps=40").out
    assert newest_weights("runs/parts") == newest_weights("runs/whole")


def test_xla_computes_the_same_objective(genctl: Genctl) -> None:
    """XLA draws other noise, so the numbers are near and not equal."""
    words = ("train", "model=vae_dense", "outputs=runs", "trainer.steps=200")
    genctl.good(*words, "name=off", "trainer.xla=false")
    genctl.good(*words, "name=on", "trainer.xla=true")
    genctl.good(*words, "name=step", "trainer.xla=true", "trainer.resident=false")
    ends = {name: rows(f"runs/{name}")[-1]["elbo"] for name in ("off", "on", "step")}
    assert ends["on"] == pytest.approx(ends["off"], rel=0.02) and ends["step"] == pytest.approx(ends["on"], rel=1e-3)


@pytest.mark.parametrize(("model", "precision"), [("vae", "mixed_bfloat16"), ("gan_dense", "mixed_float16")])
def test_half_precision_learns_as_float32_does(genctl: Genctl, model: str, precision: str) -> None:
    words = (
        "train",
        f"model={model}",
        "outputs=runs",
        "trainer.steps=150",
        "callbacks.log.every_steps=150",
        "trainer.xla=false",
    )
    genctl.good(*words, "name=full")
    genctl.good(*words, "name=half", f"trainer.precision={precision}")
    full, half = rows("runs/full")[0], rows("runs/half")[0]
    for name in ("loss",) if model == "vae" else ("discriminator/loss", "generator/loss"):
        assert half[name] == pytest.approx(full[name], rel=0.05)
        assert half[name] != full[name]
    weights = genctl.good("sample", "run=runs/half", "n=4").out
    assert "samples.npz" in weights


def test_each_phase_is_traced_once(genctl: Genctl, monkeypatch: pytest.MonkeyPatch) -> None:
    phases: list[tuple[str, bool]] = []
    step = AEGAN.step

    @tf.autograph.experimental.do_not_convert
    def counted(self: AEGAN, batch: Batch, now: StepContext) -> Logs:
        phases.append((now.phase, now.learning))
        return step(self, batch, now)

    monkeypatch.setattr(AEGAN, "step", counted)
    genctl.good("train", *options("aegan"), "name=x", "trainer.steps=70", "callbacks.log.every_steps=7")
    assert phases == [
        ("autoencoder", True),
        ("adversarial", True),
        ("joint", True),
        ("joint", False),  # for the moments of the averaged weights
    ]


def test_memory_does_not_grow(genctl: Genctl, monkeypatch: pytest.MonkeyPatch) -> None:
    memory: dict[int, int] = {}
    process, call = psutil.Process(), Log.__call__
    monkeypatch.setattr(
        Log, "__call__", lambda log, run: (memory.update({run.step: process.memory_info().rss}), call(log, run))[1]
    )
    genctl.good(
        "train", "model=vae", "encoder=mlp", "decoder=mlp", "encoder.units=[8]", "decoder.units=[8]", "outputs=runs",
        "trainer.batch_size=8", "trainer.steps=20000", "callbacks.log.every_steps=1000",
        "callbacks.images.every_steps=0", "callbacks.validate.every_steps=2000",
        "callbacks.checkpoint.every_steps=4000",
    )  # fmt: skip
    assert (memory[20000] - memory[8000]) / 2**20 < 24


def test_a_profile_is_written_of_the_steps_asked_for(genctl: Genctl) -> None:
    genctl.good("train", "model=vae", "trainer.steps=30", "trainer.profile=[10,20]", "name=x", "outputs=runs")
    (profile,) = Path("runs/x").glob("plugins/profile/*/*.xplane.pb")
    assert profile.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("trainer.steps=1000000000000000000000000", "trainer.steps=1000000000000000000000000: should be less than"),
        ("trainer.epochs=1e300", "trainer.epochs=1e+300: should be less than or equal to 1000000."),
        ("trainer.epochs=-1", "trainer.epochs=-1: should be greater than 0"),
        ("trainer.batch_size=1000000000000", "trainer.batch_size=1000000000000 is more than the 1437 examples"),
        ("trainer.profile=[20,10]", "give the first step, and a later one to end at"),
        ("trainer.profile=[0,1002]", "is of 1,002 steps, which are more than fit into one profile"),
        ("trainer.profile=[4000,4001]", "begins after the last step, trainer.steps=4000"),
        ("trainer.profile=[0,1000000000000000000000000]", "trainer.profile[1]=1000000000000000000000000: should be"),
    ],
)
def test_lengths_that_no_run_can_have_are_refused(genctl: Genctl, word: str, message: str) -> None:
    assert message in genctl.bad("train", "dataset=digits", "outputs=runs", word)
    assert not Path("runs").exists()


@pytest.mark.parametrize(("epochs", "steps"), [(1e-300, 1), (0.5, 4), (2, 15), (1e6, 7_031_250)])
def test_a_part_of_a_step_counts_as_one(epochs: float, steps: int) -> None:
    settings = yaml.safe_load((paths.builtin() / "trainer/default.yaml").read_text())
    trainer = instantiate({**settings, "epochs": epochs}, "trainer")
    one, five = (types.SimpleNamespace(batches=batches, phases={}) for batches in (1, 5))
    assert trainer.total_steps(900, one) == steps
    assert trainer.total_steps(4500, five) == steps


@pytest.mark.parametrize("model", ["aegan", "aegan_multilevel", "latent_gan"])
@pytest.mark.parametrize("steps", ["null", "10"])
def test_phases_without_any_step_are_refused(genctl: Genctl, model: str, steps: str) -> None:
    none = ["model.phases.autoencoder=0", "model.phases.adversarial=0"]
    none += ["model.phases.joint=0"] if model != "latent_gan" else []
    message = genctl.bad("train", f"model={model}", f"trainer.steps={steps}", "outputs=runs", *none)
    assert "model.phases={autoencoder: 0, adversarial: 0" in message and "no phase has a step" in message
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x", "engine.json cannot be read: Expecting value"),
        ("[" * 100_000, "engine.json cannot be read: its values are nested too deeply"),
        ("[]", "engine.json=[]: should be a valid dictionary"),
        ("{}", "engine.json needs resident=…"),
        ('{"resident": true}', "engine.json needs xla=…"),
        ('{"resident": 1, "xla": false}', "engine.json: resident=1: should be a valid boolean"),
        ('{"resident": true, "xla": null}', "engine.json: xla=null: should be a valid boolean"),
        ('{"resident": true, "xla": false, "device": "cpu"}', "engine.json: there is no setting 'device'"),
    ],
)
def test_a_damaged_choice_is_one_message(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "engine.json").write_text(content)
    with pytest.raises(UserError) as error:
        _read(tmp_path / "engine.json")
    assert message in str(error.value) and str(error.value).startswith(str(tmp_path / "engine.json"))
    assert "Delete the file" in str(error.value)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: os.mkfifo(path)])
def test_a_choice_that_is_no_file_is_one_message(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "engine.json")
    with pytest.raises(UserError, match="a file is expected there"):
        _read(tmp_path / "engine.json")


def test_a_choice_that_was_deleted_is_made_anew(genctl: Genctl) -> None:
    genctl.good("train", *options("vae"), "name=x", "trainer.steps=4")
    before = Path("runs/x/engine.json").read_bytes()
    Path("runs/x/engine.json").unlink()
    genctl.good("resume", "run=runs/x", "trainer.steps=6")
    assert Path("runs/x/engine.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("model=gan", "trainer.steps=null"), "trainer.steps=null: this model has no phases to add up"),
        (
            ("model=vae", "trainer.steps=9", "optimizer.accumulate=10"),
            "no weight would move in the 9 steps of this run",
        ),
    ],
)
def test_a_run_in_which_nothing_would_move_is_refused(genctl: Genctl, words: tuple[str, ...], message: str) -> None:
    assert message in genctl.bad("train", *words, "outputs=runs")
    assert not Path("runs").exists()
