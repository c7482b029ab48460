"""The README does what it says."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import Genctl

from genctl.cli import sweep_presets, sweeps
from genctl.cli.composition import Request
from genctl.cli.verbs.sweep_checks import check_trials, corners

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"(?:^    |`)(genctl [^`\n]+)", README, re.MULTILINE)
TRAINED = [command for command in COMMANDS if command.startswith("genctl train") and "--help" not in command]


def test_its_first_two_commands_are_the_set_up_that_ci_runs() -> None:
    first, second = re.findall(r"^    (pip .+)$", README, re.MULTILINE)[:2]
    assert first == "pip install . && genctl train model=vae"
    assert second == "pip install -e '.[dev]' && pytest"
    ci = (ROOT / ".ci" / "run").read_text()
    assert "install --quiet ." in ci and "train model=vae" in ci and "install --quiet -e '.[dev]'" in ci
    assert re.search(r"^pytest$", ci, re.MULTILINE)


def commands(page: str) -> list[str]:
    """The trainings of a page, each in one line."""
    text = (ROOT / "docs" / page).read_text().replace("\\\n", " ")
    return re.findall(r"^    (genctl train [^…\n]+)$", text, re.MULTILINE)


def defined(command: str) -> int:
    """Check the trials of a sweep; return how many there are to be."""
    words = [word for word in shlex.split(command)[2:] if word != "-m"]
    settings, request = sweep_presets.read_settings(Request("train", words, []))
    sweep = sweeps.define(request, settings, ())
    assert check_trials(corners(sweep), request)
    return sweep.size


SMALL = ("trainer.steps=10", "callbacks.images.every_steps=0", "dataset.limit=300", "outputs=outputs")


def test_the_sweeps_of_the_guide_are_as_it_says(genctl: Genctl) -> None:
    first, search, own, folds, weights = commands("sweeps.md")
    out = genctl.good(*shlex.split(first)[1:], *SMALL).out
    assert "[6/6]" in out and [*Path().glob("outputs/sweep-model_seed-*/model-ae_seed-1/config.yaml")]
    out = genctl.good(*shlex.split(search)[1:], *SMALL, "sweep.trials=4").out
    assert "[4/4]" in out and "the best, validation/loss" in out and "what mattered: " in out
    out = genctl.good(*shlex.split(folds.replace("0.5,1,2", "0.5,2"))[1:], *SMALL, "sweep.folds=2").out
    assert "[4/4]" in out and [*Path().glob("outputs/sweep-beta-*/model.beta-2/fold-1/config.yaml")]
    assert defined(folds) == 15
    assert "photos" in own and defined(own.replace("dataset=folder dataset.path=photos", "dataset=digits")) == 50
    assert defined(weights.replace("mnist", "digits")) == 45


def test_the_sweep_of_the_page_of_clusters_is_as_it_says() -> None:
    [command] = commands("clusters.md")
    assert defined(command) == 6


@pytest.mark.parametrize("command", TRAINED)
def test_its_training_commands_compose(genctl: Genctl, command: str) -> None:
    if " -m " in command:
        assert defined(command) > 1
    else:
        genctl.good(*shlex.split(command)[1:], "--cfg", "job")


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_table_of_models_is_complete() -> None:
    presets = {path.stem for path in (ROOT / "configs" / "model").glob("[!_]*.yaml")}
    named = set(re.findall(r"`(\w+)`", README.split("## Models")[1].split("##")[0]))
    assert presets <= named
