"""The estimate of a dry run: there is one, it says by what, and the disk is right."""

import re
from pathlib import Path

import pytest
from conftest import Genctl, tiny

SWEEP = (
    *("train", "-m", *tiny("vae"), "dataset.limit=64", "trainer.xla=false", "name=x", "trainer.steps=600"),
    *("callbacks.images.every_steps=300", "callbacks.checkpoint.every_steps=50", "sweep.jobs=2"),
)
LINE = r"estimate: ([\d.]+) seconds and ([\d.]+) KiB of disk for (\d) trials from their beginning, 2 at a time\n"


def estimated(out: str) -> tuple[float, int]:
    """KiB a trial, and the number of trials."""
    found = re.search(LINE, out)
    assert found and float(found[1]) > 0, out
    return float(found[2]) / int(found[3]), int(found[3])


def test_disk_is_estimated_by_a_short_trial_and_then_by_finished_ones(genctl: Genctl) -> None:
    out = genctl.good(*SWEEP, "seed=1,2", "sweep.dry_run=true").out
    short, count = estimated(out)
    assert count == 2 and "by seed-1, whose first steps were tried just now" in out
    assert not Path("runs").exists(), "it is tried in a temporary directory"
    genctl.good(*SWEEP, "seed=1")
    [run] = {path.parent for path in Path("runs/x").glob("*/config.yaml")}
    real = sum(path.stat().st_size for path in run.rglob("*") if path.is_file()) / 1024
    assert short == pytest.approx(real, rel=0.3)
    genctl.good("runs", "delete", "runs/x", "yes=true")
    genctl.good(*SWEEP, "seed=1,2")
    out = genctl.good(*SWEEP, "seed=1,2,3", "sweep.dry_run=true").out
    finished, count = estimated(out)
    assert count == 1 and "by 2 trials that are finished" in out and "tried just now" not in out
    assert finished == pytest.approx(real, rel=0.3)


def test_weights_and_rates_share_a_short_trial_and_other_networks_have_their_own(genctl: Genctl) -> None:
    out = genctl.good(*SWEEP, "model.beta=0.5,1.5", "model.latent_dim=2,3", "sweep.dry_run=true").out
    assert "by model.beta-0.5_model.latent_dim-2, model.beta-0.5_model.latent_dim-3, whose" in out


def test_a_trial_that_fails_at_once_leaves_no_estimate(genctl: Genctl) -> None:
    Path("unestimated.py").write_text(
        "from genctl.strategies.vae import VAE\nclass Broken(VAE):\n"
        "    def step(self, batch, context):\n        raise RuntimeError('too odd')\n"
    )
    out = genctl.good(
        *SWEEP, "seed=1,2", "trust=[unestimated]", "model._target_=unestimated.Broken", "sweep.dry_run=true"
    ).out
    assert "no estimate by seed-1: " in out and "too odd" in out and "estimate: " not in out
