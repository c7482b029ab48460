"""The README does what it says."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import Genctl

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


SWEEPS = re.findall(r"^    (genctl train .+)$", (ROOT / "docs/sweeps.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", SWEEPS)
def test_the_sweeps_of_the_guide_are_as_it_says(genctl: Genctl, command: str) -> None:
    out = genctl.good(*shlex.split(command)[1:], "sweep.dry_run=true").out
    first, count = {"ae,vae": ("model-ae_seed-1, 500 steps", 6), "aegan": ("fold-0, 5,800 steps", 45)}[
        command.split("model=")[1].split()[0]
    ]
    assert first in out.replace("\n", "") and f": {count} trials; nothing is trained" in out


CLUSTERS = re.findall(r"^    (genctl train [^…\n]+)$", (ROOT / "docs/clusters.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", CLUSTERS)
def test_the_sweep_of_the_page_of_clusters_is_as_it_says(genctl: Genctl, command: str) -> None:
    out = genctl.good(*shlex.split(command)[1:], "sweep.dry_run=true").out
    assert "model-vae_seed-1" in out and ": 6 trials; nothing is trained" in out


@pytest.mark.parametrize("command", TRAINED)
def test_its_training_commands_compose(genctl: Genctl, command: str) -> None:
    words = [word for word in shlex.split(command)[1:] if word != "-m" and not word.startswith("sweep.")]
    single = [word.split(",")[0] if word.startswith(("model=", "seed=")) else word for word in words]
    genctl.good(*single, "--cfg", "job")


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_table_of_models_is_complete() -> None:
    presets = {path.stem for path in (ROOT / "configs" / "model").glob("[!_]*.yaml")}
    named = set(re.findall(r"`(\w+)`", README.split("## Models")[1].split("##")[0]))
    assert presets <= named
