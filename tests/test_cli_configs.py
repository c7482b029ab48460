"""The user's own configs choose and add; they reach neither into Hydra nor into the environment."""

import os
from pathlib import Path

import pytest
from conftest import Genctl

REACHING = {
    "a key": "hydra:\n  job: {env_set: {REACHED: '1'}}\n",
    "a key in a merge": "x: &a {hydra: {job: {env_set: {REACHED: '1'}}}}\n<<: *a\n",
    "a key with a dot": "hydra.job: {env_set: {REACHED: '1'}}\n",
    "an escaped key": '"\\x68ydra": {job: {env_set: {REACHED: "1"}}}\n',
    "a package": "# @package hydra.job\nenv_set: {REACHED: '1'}\n",
    "an override": "defaults:\n- override /hydra/job_logging: default\n",
    "a package of a default": "defaults:\n- /model@hydra.job: vae\n",
    "a callback": "defaults:\n- /hydra/callbacks: mine\n",
    "another folder": "defaults:\n- /model: ../../elsewhere/mine\n",
    "a search path": "hydra:\n  searchpath: [file:///tmp]\n",
}
BOMB = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9 if i else 'x' * 9)}]" for i in range(12))


def user_file(name: str, text: str, folder: str = "configs") -> None:
    path = Path(folder, f"{name}.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if "@package" in text else f"# @package _global_\n{text}")


@pytest.mark.parametrize("how", ["configs", "flag", "variable", "sweep"])
@pytest.mark.parametrize("kind", REACHING)
def test_a_file_that_reaches_into_hydra_is_refused(
    genctl: Genctl, monkeypatch: pytest.MonkeyPatch, kind: str, how: str
) -> None:
    monkeypatch.delenv("REACHED", raising=False)
    folder = "configs" if how in ("configs", "sweep") else "mine"
    user_file("experiment/x", REACHING[kind], folder)
    user_file("experiment/fine", "seed: 3\n", folder)
    flags = ("--config-dir", "mine") if how == "flag" else ()
    if how == "variable":
        monkeypatch.setenv("GENCTL_CONFIG_PATH", "mine")
    words = ("-m", "experiment=fine,x") if how == "sweep" else ("experiment=x",)
    message = genctl.bad(
        "train", *words, "--cfg" if how != "sweep" else "seed=5", *(["job"] if how != "sweep" else []), *flags
    )
    assert f"{folder}/experiment/x.yaml reaches into Hydra's own settings" in message
    assert "REACHED" not in os.environ


def test_the_command_line_itself_may_set_hydra(genctl: Genctl) -> None:
    assert "name: mine" in genctl.good("train", "--cfg", "hydra", "hydra.job.name=mine").out


@pytest.mark.parametrize("text", ["name: ${oc.env:SECRET}\n", 'key: oc.env\nname: "${${key}:SECRET}"\n'])
def test_configs_beside_the_work_do_not_read_the_environment(
    genctl: Genctl, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SECRET", "sesame")
    user_file("experiment/x", text)
    message = genctl.bad("train", "experiment=x")
    assert "the variable SECRET of the environment" in message and "sesame" not in message
    show = ("--cfg", "job", "--resolve")
    user_file("experiment/x", "name: ${oc.env:SECRET}\n", "mine")
    Path("configs/experiment/x.yaml").unlink()
    assert "name: sesame" in genctl.good("train", "experiment=x", *show, "--config-dir", "mine").out
    assert "name: sesame" in genctl.good("train", "name=${oc.env:SECRET}", *show).out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "aliases stand for"),
        ("name: &a [*a]\n", "aliases stand for"),
        ("name: " + "[" * 5000, "nested too deeply"),
        ("name: '" + "x" * 2**25 + "'", "more than the 16,777,216"),
    ],
)  # fmt: skip
def test_a_file_that_expands_without_end_is_refused(genctl: Genctl, text: str, message: str) -> None:
    user_file("experiment/x", text)
    assert message in genctl.bad("train", "experiment=x", "--cfg", "job")


def test_files_that_are_never_read_are_named(genctl: Genctl) -> None:
    user_file("model/_game", "model: {penalty: r1}\n")
    user_file("train", "seed: 9\n")
    result = genctl.good(
        "train", "model=ae_dense", "trainer.steps=1", "dataset.limit=20", "trainer.batch_size=8", "name=x"
    )
    assert "configs/model/_game.yaml, configs/train.yaml is not used" in result.err


def test_help_and_completion_show_no_terminal_commands(genctl: Genctl, capfd: pytest.CaptureFixture[str]) -> None:
    user_file("experiment/x", "name: a  # \u202eowned\n")
    user_file("experiment/\x1b[2J", "seed: 1\n")
    out = genctl.good("train", "--help", "experiment=x").out
    assert "\\u202eowned" in out and "\u202e" not in out and "\x1b" not in out
    assert "\x1b" not in genctl.good("completion", "words", "train", "experiment=").out
