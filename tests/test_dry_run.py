"""`genctl train … dry_run=true`: what it says is right, nothing is kept, and sweeps have their own."""

import re
from pathlib import Path

import pytest
from conftest import Genctl, tiny

import genctl as package
from genctl.errors import UserError
from genctl.training import courses, rehearsal

SHORT = ("trainer.xla=false", "dataset.limit=200")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "MOST_SECONDS", 0.2)


def test_networks_phases_memory_and_time_are_said_and_nothing_is_kept(genctl: Genctl, tmp_path: Path) -> None:
    phases = "{autoencoder: 40, adversarial: 50, joint: 1000}"
    rate = "{cosine: {start: 0.01, end: 0, warmup_steps: 10}}"
    words = (*tiny("aegan"), *SHORT, f"model.phases={phases}", f"optimizer.learning_rate={rate}", "name=x")
    out = genctl.good("train", *words, "dry_run=true").out
    for row in ("encoder 8x8x1 > 64 > 16 > 32 1,584", "decoder 32 > 16 > 64 > 8x8x1 1,616"):
        assert row in re.sub(r"[\s│]+", " ", out)
    lines = [line for line in out.splitlines() if line.startswith(("phase ", "  learning rate"))]
    assert [re.sub(", .* seconds|[▁-█]+", "", line) for line in lines] == [
        "phase autoencoder: 40 steps",
        "  learning rate of autoencoder:  0 to 2.74e-05, at most 0.01",
        "phase adversarial: 50 steps",
        "  learning rate of discriminator: 0.001",
        "  learning rate of generator: 0.001",
        "phase joint: 1,000 steps",
        "  learning rate of discriminator: 0.001",
        "  learning rate of ensemble:  0.00044 to 1.04e-05",
    ]
    assert re.search(r"memory: at least [\d.]+ KiB on the device, where [\d.]+ \wiB are free\n  weights and optim", out)
    assert re.search(r"time: about \d+ seconds, .*\n  \d+ seconds for 1,090 steps, \d+ seconds to compile", out)
    assert list(tmp_path.rglob("*")) == []


def test_a_schedule_of_the_model_and_a_phase_that_is_not_reached(genctl: Genctl) -> None:
    words = ("model.beta={linear: {start: 0, end: 1, steps: 50}}", "trainer.steps=100")
    out = genctl.good("train", *tiny("vae"), *SHORT, *words, "dry_run=true").out
    assert re.search(r"model\.beta: ▁[▁-█]+██████ 0 to 1\n", out)
    out = genctl.good("train", *tiny("aegan"), *SHORT, "trainer.steps=10", "dry_run=true").out
    assert "phase autoencoder: 10 steps" in out and "phase adversarial" not in out
    assert "10 steps end in phase autoencoder: adversarial and joint will not be trained" in out


def test_a_run_of_that_name_is_left_alone(genctl: Genctl) -> None:
    words = ("train", *tiny("vae"), *SHORT, "name=x", "trainer.steps=10")
    genctl.good(*words)
    files = {path: path.stat().st_mtime_ns for path in Path("runs/x").rglob("*")}
    genctl.good(*words, "dry_run=true")
    assert {path: path.stat().st_mtime_ns for path in Path("runs/x").rglob("*")} == files
    assert "was begun with another config" in genctl.bad(*words, "model.beta=3", "dry_run=true")
    assert "dry_run" not in Path("runs/x/config.yaml").read_text()


def test_what_has_no_dry_run_says_so(genctl: Genctl) -> None:
    assert "dry_run=true is of one run: with -m, say sweep.dry_run" in genctl.bad(
        "train", "-m", "seed=1,2", "dry_run=true"
    )
    assert "dry_run=true,false" in genctl.bad("train", "-m", "dry_run=true,false", "hydra.verbose=false")
    Path("configs/experiment").mkdir(parents=True)
    Path("configs/experiment/mine.yaml").write_text("# @package _global_\ndry_run: true\n")
    assert "from a file of configs, is of one run" in genctl.bad("train", "-m", "seed=1,2", "experiment=mine")
    workers = ("trainer.workers=tf_config", "name=x", "dry_run=true")
    assert "leave trainer.workers out" in genctl.bad("train", *tiny("vae"), *workers)
    assert "trainer.batch_size=32" in genctl.bad(
        "train", *tiny("vae"), "trainer.batch_size=32", "dataset.limit=20", "dry_run=true"
    )
    with pytest.raises(UserError, match="dry_run=true is for the command line"):
        package.train("dry_run=true")
    assert list(Path().iterdir()) == [Path("configs")]


def test_pictures_are_in_proportion() -> None:
    assert courses.picture([0, 1, 3.5, 7]) == "▁▂▅█"
