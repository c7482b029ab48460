"""Any network and any optimizer can take the place of a model's own, where the shapes allow it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import NIGHTLY, Genctl

from genctl.cli.composition import Request, compose
from genctl.config import paths
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.runs import build, rundir

DIGITS = Spec("digits", (8, 8, 1), tuple("0123456789"))
BY_DAY = {"hae", "hvae", "dcgan"}  # whose files give settings to networks
MODELS = paths.options("model", paths.builtin())
WRONG_SHAPE = r"(conv|resnet|multiscale) needs images|gives images of \d sizes|decoder or generator gives 1"


def config(*words: str) -> dict[str, Any]:
    return rundir.plain(compose(Request("train", words, []))[0])


def exchanges(model: str) -> Iterator[tuple[str, str]]:
    """Every network of a model, and every choice there is for it."""
    for role in build.ROLES:
        for choice in paths.options(role, paths.builtin()) if config(f"model={model}").get(role) else ():
            if choice != "layers":  # whose layers are the user's
                yield role, choice


@pytest.mark.parametrize("model", [m if m in BY_DAY else pytest.param(m, marks=NIGHTLY) for m in MODELS])
def test_every_network_in_every_model(model: str) -> None:
    built = 0
    for role, choice in exchanges(model):
        try:
            strategy = build.strategy(config(f"model={model}", f"{role}={choice}"), DIGITS, ())
            built += bool(strategy.players)
        except UserError as error:
            assert re.search(WRONG_SHAPE, str(error)), f"model={model} {role}={choice}: {error}"
    assert built >= 3


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (("hae", "encoder=mlp"), "the model's file has it for encoder=conv and not for encoder=mlp: encoder.filters"),
        (("hvae", "encoder=resnet"), None),
        (
            ("dcgan", "discriminator=resnet"),
            "discriminator=conv and not for discriminator=resnet: discriminator.dropout",
        ),
        (
            ("gan", "optimizer=sgd"),
            "optimizer=adam and not for optimizer=sgd: optimizer.beta_1, optimizer.learning_rate",
        ),
        (("wgan",), None),
    ],
)
def test_what_another_choice_does_not_take_is_said(genctl: Genctl, words: tuple[str, ...], note: str | None) -> None:
    model, *exchanged = words
    small = ("dataset.limit=64", "trainer.batch_size=16", "trainer.steps=1", "callbacks.images.every_steps=0")
    result = genctl.good("train", f"model={model}", *exchanged, *small, "outputs=runs", "name=x")
    assert (f"note: left out, since {note}" if note and note.startswith("the") else note or "") in result.err
    assert "left out" in result.err if note else "left out" not in result.err
    assert "continuing" not in genctl.good("resume", "run=runs/x", "trainer.steps=2").err
    assert Path("runs/x/config.yaml").is_file()


def test_settings_that_both_know_stay_and_an_optimizer_has_its_own() -> None:
    kept = config("model=sngan", "discriminator=resnet")["discriminator"]
    assert kept["normalization"] == "spectral" and "units" not in kept
    assert config("model=hae", "encoder=resnet")["encoder"]["filters"] == [16, 32]
    assert config("model=gan", "optimizer=sgd")["optimizer"]["learning_rate"] == 1e-2
    assert config("model=vae", "optimizer=adam")["optimizer"]["learning_rate"] == {
        "linear": {"start": 6e-3, "end": 1e-5, "warmup_steps": 100}
    }
    assert "beta_1" not in config("model=wgan")["optimizer"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("model=hae", "encoder=mlp", "encoder.filters=[8]"),
            "encoder.filters' here. It belongs to encoder=conv, resnet",
        ),
        (
            ("model=gan", "optimizer=sgd", "optimizer.beta_1=0.5"),
            "optimizer.beta_1' here. It belongs to optimizer=adam",
        ),
        (("model=vae", "encoder=vae_dense"), "encoder=vae_dense: there is no such encoder. Choices: conv, layers, mlp"),
        (("model=gan", "optimizer=adam_gan"), "Did you mean 'adam'?"),
    ],
)
def test_what_the_user_says_is_never_left_out(genctl: Genctl, words: tuple[str, ...], message: str) -> None:
    assert message in genctl.bad("train", *words)


def test_a_setting_in_a_users_file_is_refused_where_its_own_network_has_none(genctl: Genctl) -> None:
    Path("configs/model").mkdir(parents=True)
    text = "# @package _global_\ndefaults: [vae, {override /encoder: mlp}]\nencoder: {filters: [8]}\n"
    Path("configs/model/mine.yaml").write_text(text)
    assert "encoder (build_mlp): no argument 'filters'" in genctl.bad("train", "model=mine", "trainer.steps=1")


def test_latent_dim_is_what_it_says() -> None:
    strategy = build.strategy(config("model=ae_dense", "model.latent_dim=64"), DIGITS, ())
    assert [network.output_shape for network in strategy.networks.values()] == [(None, 64), (None, 8, 8, 1)]
    assert sum(network.count_params() for network in strategy.networks.values()) == 64 * 64 + 64 + 64 * 64 + 64
