"""Every data set's YAML lists exactly the arguments of its loader and of Dataset, with valid values."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pydantic import ConfigDict, TypeAdapter

from genctl.data.dataset import Dataset

CONFIGS = Path(__file__).parents[1] / "configs"
NAMES = sorted(path.stem for path in (CONFIGS / "dataset").glob("[!_]*.yaml"))
SHARED = {name: parameter.annotation for name, parameter in inspect.signature(Dataset).parameters.items()}


def composed(*overrides):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(overrides=[f"+{overrides[0]}", *overrides[1:]]).dataset


def loader_of(config):
    module, name = config._target_.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", NAMES)
def test_yaml_is_the_signature(name):
    config = composed(f"dataset={name}")
    own = {key: parameter.annotation for key, parameter in inspect.signature(loader_of(config)).parameters.items()}
    annotations = own | {key: kind for key, kind in SHARED.items() if key != "source"}
    assert set(config) - {"_target_"} == set(annotations)
    values = OmegaConf.to_container(config)
    values["augment"] = instantiate(config.augment)
    for key, annotation in annotations.items():
        TypeAdapter(annotation, config=None if key == "augment" else ConfigDict(strict=True)).validate_python(
            values[key]
        )


@pytest.mark.parametrize("name", [*NAMES, "_splits"])
def test_every_key_has_a_comment(name):
    lines = (CONFIGS / "dataset" / f"{name}.yaml").read_text().splitlines()
    body = lines[next((i for i, line in enumerate(lines) if line.startswith("_target_")), 0) :]
    keys = [line for line in body if ":" in line and not line.lstrip().startswith(("#", "_target_"))]
    hashes = [line for line in keys if len(line.rsplit(": ", 1)[-1]) == 64]
    assert [line for line in keys if "  # " not in line and line not in hashes] == []


def test_a_mirror_can_be_given_on_the_command_line():
    config = composed("dataset=mnist", "dataset.url=http://mirror/", "dataset.files={mnist.npz: abc}")
    assert OmegaConf.to_container(config)["files"] == {"mnist.npz": "abc"}
    assert config.url == "http://mirror/"


def test_importing_data_does_not_import_tensorflow():
    code = (
        "import sys, genctl.data, genctl.data.digits, genctl.data.well_known, genctl.data.arrays, genctl.data.folder; "
        "sys.exit('tensorflow' in sys.modules or 'sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
