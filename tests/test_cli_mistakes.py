"""What the command line says about a mistake: one message, and what to do."""

import os
import sys
import types

import pytest

from genctl.cli import hydra_errors
from genctl.cli.composition import Request
from genctl.cli.main import main
from genctl.cli.mistakes import report
from genctl.cli.synonyms import SYNONYMS
from genctl.errors import Stopped, UserError, first_few


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENCTL_CONFIG_PATH", raising=False)
    monkeypatch.delenv("GENCTL_DEBUG", raising=False)


def err(capsys, *words):
    assert main(list(words)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and "Traceback" not in printed
    assert "unexpected" not in printed and "To append" not in printed and "HYDRA_FULL_ERROR" not in printed
    return printed


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("train model.bta=4", ["'model.bta'", "Did you mean 'model.beta'?"]),
        ("train model.lr=1", ["Did you mean 'optimizer.learning_rate'?"]),
        ("train --lr 1", ["write optimizer.learning_rate=1"]),
        ("train model.loss=mse", ["Did you mean 'model.likelihood'?"]),
        ("train model=ae model.loss=mse", ["Did you mean 'model.reconstruction'?"]),
        ("train model=gan model.loss=hinge", ["Did you mean 'model.adversarial'?"]),
        ("train model.ema_decay=0.9", ["Did you mean 'model.ema_halflife'?"]),
        ("train model=gan model.average_halflife=9", ["Did you mean 'model.ema_halflife'?"]),
        ("train model=gan model.noise_dim=9", ["Did you mean 'model.latent_dim'?"]),
        ("train model=wgan model.critic_turns=5", ["Did you mean 'model.n_critic'?"]),
        ("train model=aegan model.contraction=1", ["Did you mean 'model.contraction_weight'?"]),
        ("train z_dim=9", ["Did you mean 'model.latent_dim'?"]),
        ("train batch_size=9", ["Did you mean 'trainer.batch_size'?"]),
        ("train epochs=9", ["Did you mean 'trainer.epochs'?"]),
        ("train kl_weight=9", ["Did you mean 'model.beta'?"]),
        ("train filters=[8]", ["Did you mean 'encoder.filters'?"]),
        ("train encoder=mlp decoder=mlp filters=[8]", ["Did you mean 'encoder.units'?"]),
        ("train callbacks.log.every=9", ["Did you mean 'callbacks.log.every_steps'?"]),
        ("train dataset.validation=0.2", ["Did you mean 'dataset.validation_fraction'?"]),
        ("train model.nose_dim=4 model=gan", ["Did you mean 'model.latent_dim'?"]),
        ("train steps=4", ["Did you mean 'trainer.steps'?"]),
        ("train trainer.steps.x=4", ["trainer.steps.x", "Did you mean 'trainer.steps'?"]),
        ("train model.bta=4 trainer.stps=3", ["Did you mean 'model.beta'?"]),
        ("train model=vae model.penalty=r1", ["'model.penalty'", "belongs to model=aae, aegan", "wgan_gp."]),
        ("train optimizer=sgd optimizer.beta_2=0", ["belongs to optimizer=adam,"]),
        ("train model=latent_gan model.phases.jiont=3", ["Did you mean 'model.phases"]),
        ("train model=vea", ["model=vea", "Did you mean 'vae'?", "Choices: aae, ae, ae_dense, aegan"]),
        ("train dataset=_split", ["there is no such dataset", "cifar10, digits"]),
        ("train modle=vae", ["'modle'", "Did you mean 'model'?"]),
        ("train datset=mnist", ["Did you mean 'dataset'?"]),
        ("sample run=x model=vae", ["genctl sample does not take 'model'"]),
        ("train model=", ["there is no such model", "Choices: aae, ae, ae_dense, aegan"]),
        ("train model=3", ["model=3"]),
        ("train trainer.steps", ["write trainer.steps=VALUE"]),
        ("train encoder.filters=[32", ["encoder.filters=[32", "not closed"]),
        ("train name='x", ["name='x", "not closed"]),
        ("train dataset.path=/x=y", ["""'dataset.path="/x=y"'"""]),
        ("train model=ae,vae", ["model=ae,vae is a list of values: add -m to run each."]),
        ("train seed=range(1,3)", ["seed=range(1,3) is a list of values: add -m"]),
        ("train seed=${nothing}", ["seed: there is no setting 'nothing'"]),
        ("train seed=${nothing} --cfg job --resolve", ["seed: there is no setting 'nothing'"]),
        ("train ~foo", ["there is no setting 'foo'"]),
        ("train ~name", ["nothing to delete"]),
        ("train +seed=4", ["leave out the '+'"]),
        ("train trust=keras", ["trust=[mypackage]"]),
        ("sample", ["genctl sample needs run=…"]),
        ("train encoder=layers", ["genctl train needs encoder.layers=…"]),
        ("train --help model=vea", ["Did you mean 'vae'?"]),
        ("train -m model=ae,vea", ["model=vea", "Did you mean 'vae'?"]),
        ("completion bsh", ["Did you mean 'bash'?"]),
    ],
)
def test_one_message(capsys, monkeypatch, words, expected):
    for verb in ("train", "sample"):
        monkeypatch.setitem(sys.modules, f"genctl.{verb}", types.SimpleNamespace(**{verb: pytest.fail}))
    printed = err(capsys, *words.split(" "))
    assert all(part in printed for part in expected), printed


@pytest.mark.parametrize(
    ("name", "text", "words", "expected"),
    [
        ("model/mine", "a: [1\nb: 2\n", "model=mine", "configs/model/mine.yaml, line 2"),
        ("model/mine", "a: 1\na: 2\n", "model=mine", "duplicate key a"),
        ("model/mine", "a: \xff\n", "model=mine", "configs/model/mine.yaml is not a file of settings"),
        ("model/mine", "5\n", "model=mine", "configs/model/mine.yaml is not a file of settings"),
        ("model/mine", "a: ${b\n", "model=mine", "configs/model/mine.yaml is not a file of settings"),
        ("model/mine", "defaults:\n- nowhere\n", "model=mine", "configs/model/mine.yaml: model=nowhere"),
        ("experiment/x", "- 1\n", "experiment=x", "Cannot merge"),
        ("experiment/x", "defaults:\n- override /encoder: cnov\n", "experiment=x", "Did you mean 'conv'?"),
        ("experiment/x", "defaults:\n- override /encodr: conv\n", "experiment=x", "Did you mean 'encoder'?"),
    ],
)
def test_mistakes_in_a_users_file_name_it(capsys, tmp_path, name, text, words, expected):
    path = tmp_path / "configs" / f"{name}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"# @package _global_\n{text}" if name.startswith("exp") else text, encoding="latin-1")
    printed = err(capsys, "train", words, "--cfg", "job")
    assert expected in printed and name in printed


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UserError("no such [bold]thing[/bold]"), 1, "error: no such [bold]thing[/bold]\n"),
        (Stopped("saved at step 3"), 75, "saved at step 3\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (ZeroDivisionError("oh"), 1, f"error: {__file__}, line "),
        (SystemExit(3), 3, ""),
    ],
)
def test_exit_statuses(capsys, monkeypatch, error, status, message):
    def train(invocation, **settings):
        raise error

    monkeypatch.setitem(sys.modules, "genctl.cli.verbs.train", types.SimpleNamespace(train=train))
    assert main(["train"]) == status
    assert capsys.readouterr().err.startswith(message)
    monkeypatch.setenv("GENCTL_DEBUG", "1")
    assert main(["train"]) == status
    assert ("Traceback" in capsys.readouterr().err) == (not isinstance(error, SystemExit))


def test_a_fault_of_genctls_own_asks_for_a_report(capsys):
    with pytest.raises(TypeError) as caught:
        first_few(None)  # type: ignore[arg-type] - called by this file, which is not to blame
    assert report(caught.value) == 1
    assert capsys.readouterr().err.startswith("error: genctl met what it was not prepared for")


def test_the_process_is_left_as_it_was(monkeypatch, capsys):
    argv, path = list(sys.argv), list(sys.path)
    main(["train", "model.bta=4"])
    assert sys.argv == argv and sys.path == path and os.environ["HYDRA_FULL_ERROR"] == "1"


def test_every_synonym_leads_to_a_setting_that_a_verb_has():
    """A setting that is renamed must be renamed there too."""
    words = ["model=vae", "model=ae", "model=hvae", "model=iwae", "model=wgan_gp", "model=aegan_contractive"]
    requests = [Request("train", [word, *more], []) for word in words for more in ([], ["encoder=mlp"])]
    requests += [Request("train", ["model=gan", "generator=mlp", "dataset=folder", "optimizer=adamw"], [])]
    requests += [Request(verb, [], []) for verb in ("sample", "evaluate")]
    known = {key for request in requests for key in hydra_errors.settings(request)}
    assert not SYNONYMS.keys() - known
