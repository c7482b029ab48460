"""What a verb is given: its config, its choices, the job's name; and how sweeps end."""

import json
import os
import sys
import types
from pathlib import Path

import pytest
from conftest import Genctl, tiny
from hydra.experimental.callback import Callback
from omegaconf import OmegaConf

from genctl.cli.main import main
from genctl.cli.naming import name_of
from genctl.config import paths
from genctl.errors import Stopped, UserError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENCTL_CONFIG_PATH", raising=False)


@pytest.fixture
def calls(monkeypatch):
    """Replace `genctl train` and `genctl sample` by a record of their calls; `fail` is called with each config."""
    seen = types.SimpleNamespace(all=[], fail=lambda cfg: None)

    def verb(invocation, **settings):
        cfg = OmegaConf.create(settings)
        seen.all.append((cfg, invocation))
        seen.fail(cfg)

    for name in ("train", "sample"):
        monkeypatch.setitem(sys.modules, f"genctl.cli.verbs.{name}", types.SimpleNamespace(**{name: verb}))
    return seen


class Keep(Callback):
    """What Hydra hands to sweepers, as its callbacks see it."""

    returned: list = []

    def on_job_end(self, config, job_return, **kwargs):
        self.returned.append(job_return.return_value)


def test_hydra_is_given_what_each_training_is_monitored_by(genctl: Genctl, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = f"+hydra.callbacks.keep._target_={__name__}.Keep"
    genctl.good("train", "-m", *tiny("vae"), "seed=1,2", "trainer.steps=2", "outputs=runs", keep)
    values = [json.loads(path.read_text())["best"]["value"] for path in sorted(Path("runs").glob("*/summary.json"))]
    assert sys.modules[__name__].Keep.returned == values and len(set(values)) == 2


def test_one_run(calls, tmp_path):
    assert main(["train", "model=gan", "name=a b", "trainer.steps=5"]) == 0
    [(cfg, invocation)] = calls.all
    assert cfg.trainer.steps == 5 and cfg.model.latent_dim == 64 and "hydra" not in cfg
    assert invocation.verb == "train" and invocation.job is None and invocation.trust == ()
    assert invocation.command == "genctl train model=gan 'name=a b' trainer.steps=5"
    assert invocation.choices["model"] == "gan" and invocation.choices["dataset"] == "digits"
    assert "encoder" not in invocation.choices and not any(group.startswith("hydra") for group in invocation.choices)
    assert list(tmp_path.iterdir()) == [], "Hydra leaves nothing behind"


def test_plus_and_tilde_work_as_in_hydra(calls):
    assert main(["train", "+extra=1", "~outputs", "++seed=3"]) == 0
    [(cfg, _)] = calls.all
    assert cfg.extra == 1 and "outputs" not in cfg and cfg.seed == 3


def test_trust_comes_from_the_command_line_alone(calls, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    (tmp_path / "configs/experiment").mkdir(parents=True)
    (tmp_path / "configs/experiment/x.yaml").write_text("# @package _global_\ntrust: [os]\n")
    assert main(["train", "experiment=x"]) == 0
    assert calls.all[-1][1].trust == () and str(tmp_path) not in sys.path
    assert main(["train", "experiment=x", "trust=[mine,yours]"]) == 0
    assert calls.all[-1][1].trust == ("mine", "yours") and sys.path[-1] == str(tmp_path)


def test_sweep_names_its_jobs_by_what_varies(calls):
    assert main(["sample", "n=5", "run=a,b", "-m", "seed=1,2", "temperature=1"]) == 0
    names = ["run-a_seed-1", "run-a_seed-2", "run-b_seed-1", "run-b_seed-2"]
    assert [invocation.job for _, invocation in calls.all] == names
    assert calls.all[2][0].run == "b" and calls.all[2][0].n == 5


def test_sweep_with_a_single_value(calls):
    assert main(["sample", "-m", "run=x", "seed=1"]) == 0
    assert [invocation.job for _, invocation in calls.all] == [None]


def test_sweep_of_a_verb_without_outputs(calls):
    assert main(["sample", "-m", "run=a/b,c"]) == 0
    assert [cfg.run for cfg, _ in calls.all] == ["a/b", "c"]


def test_a_failed_job_is_reported_and_the_others_go_on(calls, capsys):
    def fail(cfg):
        print(f"seed {cfg.seed}", file=sys.stderr)
        if cfg.seed == 2:
            raise UserError("too odd")
        if cfg.seed == 3:
            raise ZeroDivisionError("oh")

    calls.fail = fail
    assert main(["sample", "-m", "run=x", "seed=1,2,3,4"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:3] == ["seed 2", "error: job seed-2: too odd"]
    assert lines[-2:] == ["seed 4", "2 of 4 jobs failed."]
    assert not any("overrides" in line for line in lines)


@pytest.mark.parametrize(("error", "status"), [(Stopped("saved"), 75), (KeyboardInterrupt(), 130)])
def test_a_stop_ends_the_sweep(calls, capsys, error, status):
    def fail(cfg):
        raise error

    calls.fail = fail
    assert main(["sample", "-m", "run=x", "seed=1,2"]) == status
    assert len(calls.all) == 1


def test_job_names_are_directories_of_at_most_100_bytes():
    names = [name_of([f"dataset.path=a{c}b"], ["dataset.path=x,y"]) for c in "/-é ["]
    assert len(set(names)) == 5 and names[1] == "dataset.path-a-b"
    assert not any(set(name) & set("/ []=,") for name in names)
    long = [name_of([f"name={'ö' * 80}{n}"], ["name=x,y"]) for n in (1, 2)]
    assert long[0] != long[1] and all(len(name.encode()) <= 100 for name in long)


@pytest.mark.parametrize("how", ["cwd", "flag", "variable"])
def test_users_configs_are_found_whatever_their_path_holds(calls, capsys, tmp_path, monkeypatch, how):
    folder = tmp_path / ("configs" if how == "cwd" else "it's, a=b ü [c] {d} $e")
    for group in ("encoder", "experiment"):
        (folder / group).mkdir(parents=True)
    (folder / "encoder/mine.yaml").write_text("_target_: mine.net\nwidth: 3\n")
    (folder / "experiment/x.yaml").write_text("# @package _global_\ndefaults:\n- override /encoder: mine\nseed: 9\n")
    flags = ["--config-dir", str(folder)] if how == "flag" else []
    if how == "variable":
        monkeypatch.setenv("GENCTL_CONFIG_PATH", os.pathsep.join([str(folder), str(folder), ""]))
    assert main(["train", "experiment=x", "encoder.width=4", *flags]) == 0
    [(cfg, invocation)] = calls.all
    assert cfg.encoder.width == 4 and cfg.seed == 9 and invocation.choices["encoder"] == "mine"
    assert main(["train", "--info", "searchpath", *flags]) == 0
    assert capsys.readouterr().out.count(f"genctl://{folder} ") == 1
    assert main(["train", "-m", "encoder=mine,conv", "hydra.job.name=x", *flags]) == 0


def test_a_named_folder_that_does_not_exist_is_an_error(capsys, monkeypatch):
    assert main(["train", "--config-dir", "nowhere"]) == 1
    assert "--config-dir=nowhere: there is no such directory" in capsys.readouterr().err
    monkeypatch.setenv("GENCTL_CONFIG_PATH", "elsewhere")
    assert main(["train"]) == 1
    assert "GENCTL_CONFIG_PATH=elsewhere" in capsys.readouterr().err


def test_a_users_file_behind_one_of_genctls_is_noted(calls, capsys, tmp_path):
    (tmp_path / "configs/encoder").mkdir(parents=True)
    (tmp_path / "configs/encoder/conv.yaml").write_text("width: 3\n")
    assert main(["train"]) == 0
    assert "configs/encoder/conv.yaml is not used" in capsys.readouterr().err


def test_the_builtin_folder_is_not_searched_twice(monkeypatch):
    monkeypatch.chdir(paths.builtin().parent)
    assert paths.users(paths.named(["configs"])) == []
