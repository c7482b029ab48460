"""Completion: the candidates in-process, and the shells' own functions."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from genctl.cli.completion import BASH, FILES, ZSH, candidates
from genctl.cli.main import main
from genctl.cli.table import VERBS
from genctl.config import paths

MODELS = sorted(path.stem for path in (paths.builtin() / "model").glob("[!_]*.yaml"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENCTL_CONFIG_PATH", raising=False)


def complete(line):
    return candidates(line.split(" "), list(VERBS))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("trai", ["train"]),
        ("", sorted(["completion", *VERBS])),
        ("completion b", ["bash"]),
        ("-m trai", ["train"]),
        ("train --mul", ["--multirun"]),
        ("train --cfg ", ["all", "hydra", "job"]),
        ("train --config-dir x", [FILES]),
        ("train mod", ["model.", "model="]),
        ("train model=vae_", ["model=vae_dense"]),
        ("train -m model=ae,vae_", ["model=ae,vae_dense"]),
        ("train trainer.st", ["trainer.steps="]),
        ("train callbacks.log", ["callbacks.log."]),
        ("train model=gan model.lat", ["model.latent_dim="]),
        ("train -m model=gan,ae model.lat", ["model.latent_dim="]),
        ("train model=oops trainer.st", ["trainer.steps="]),
        ("train model.conditional=", ["model.conditional=false", "model.conditional=true"]),
        ("train dataset=_", []),
        ("train dataset=folder dataset.path=ph", [FILES]),
        ("sample run=", [FILES]),
        ("sample see", ["seed="]),
        ("compare outputs/v", [FILES]),
        ("compare outputs/v b", ["by="]),
        ("sample mod", []),
        ("nonsense x", []),
    ],
)
def test_candidates(line, expected):
    assert complete(line) == expected


def test_choices_are_complete_and_without_shared_parts(tmp_path):
    (tmp_path / "configs/model").mkdir(parents=True)
    (tmp_path / "configs/model/mine.yaml").touch()
    assert complete("train model=") == [f"model={name}" for name in sorted([*MODELS, "mine"])]


def test_scripts_are_printed(capsys):
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == BASH + "\n"
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out == ZSH + "\n"
    assert main(["completion"]) == 0
    assert 'eval "$(genctl completion bash)"' in capsys.readouterr().out


@pytest.fixture
def environment(tmp_path):
    """An environment with a `genctl` of this interpreter on the path."""
    program = tmp_path / "bin/genctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m genctl "$@"\n')
    program.chmod(0o755)
    root = str(Path(__file__).parents[1])
    return os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": root}


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash(environment, tmp_path):
    (tmp_path / "photo one").mkdir()
    cases = [
        ("genctl trai", "genctl trai", ["train"]),
        ("genctl train mod", "genctl train mod", ["model.", "model="]),
        ("genctl train model=vae_", "genctl train model = vae_", ["vae_dense"]),
        ("genctl train model=", "genctl train model =", MODELS),
        ("genctl train model=gan model.lat", "genctl train model = gan model.lat", ["model.latent_dim="]),
        ("genctl train dataset.path=pho", "genctl train dataset.path = pho", ["photo one"]),
        ("genctl train model=gan ", "genctl train model = gan ''", None),
    ]
    script = ['eval "$(genctl completion bash)"']
    for line, words, _ in cases:
        script += [f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_WORDS=({words})"]
        script += ["COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _genctl", "printf '%s|' \"${COMPREPLY[@]}\"; echo"]
    done = subprocess.run(["bash", "-c", "\n".join(script)], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    for line, (typed, _, expected) in zip(done.stdout.splitlines(), cases, strict=True):
        found = line.removesuffix("|").split("|")
        assert found == expected if expected else "model=" in found, typed


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh(environment):
    script = "compdef() { }\ncompadd() { shift 3; (( $# )) && print -r -- $@ }\n" + ZSH + "\n"
    script += "words=(genctl train model=gan model.lat) CURRENT=4 PREFIX=model.no; _genctl\n"
    script += "words=(genctl train model=vae_) CURRENT=3 PREFIX=model=vae_; _genctl\n"
    done = subprocess.run(["zsh", "-f", "-c", script], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("model.latent_dim=\nmodel=vae_dense\n", "")
