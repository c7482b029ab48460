"""Warnings in words where a run goes wrong."""

import logging

import pytest

from genctl.training.health import CHECKS, Health

WINS = {"discriminator/loss": 0.01, "discriminator/real_accuracy": 1.0, "discriminator/fake_accuracy": 1.0}
ALIKE = {"generator/diversity": 0.05}


@pytest.mark.parametrize(("name", "values"), [("discriminator", WINS), ("modes", ALIKE)])
def test_an_ill_run_is_warned_of_once_and_after_a_while(
    name: str, values: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    health, steps = Health(), CHECKS[name].steps
    with caplog.at_level(logging.WARNING, logger="genctl"):
        health(0, steps - 1, values)
        assert not caplog.records
        health(steps - 1, steps, values)
        health(steps, 3 * steps, values)
    assert len(caplog.records) == 1 and f"{steps} steps" in caplog.text and "model=wgan_gp" in caplog.text
    assert health.warned == [name]


@pytest.mark.parametrize(
    "values",
    [
        {**WINS, "discriminator/fake_accuracy": 0.9},
        {**WINS, "discriminator/loss": 0.3},
        {**WINS, "discriminator/loss": -40.0},  # a Wasserstein critic, which may tell all images apart
        {"generator/diversity": 0.8},
        {"loss": 0.0},
    ],
)
def test_a_healthy_run_is_left_alone(values: dict[str, float]) -> None:
    health = Health()
    for step in range(0, 5000, 500):
        health(step, step + 500, values)
    assert not health.warned


def test_a_run_that_recovers_begins_anew() -> None:
    health = Health()
    for first, values in ((0, ALIKE), (600, {"generator/diversity": 0.9}), (900, ALIKE)):
        health(first, first + 600, values)
    assert not health.warned and health.since == {"modes": 900}
