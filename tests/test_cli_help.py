"""Help, versions and flags; nothing here starts TensorFlow."""

import subprocess
import sys

import pytest

from genctl.cli import settings
from genctl.cli.main import main
from genctl.cli.table import VERBS


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENCTL_CONFIG_PATH", raising=False)


def out(capsys, *words):
    assert main(list(words)) == 0
    return capsys.readouterr().out


def err(capsys, *words):
    assert main(list(words)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and "Traceback" not in printed
    return printed


def test_overview(capsys):
    text = out(capsys)
    assert text == out(capsys, "--help") == out(capsys, "-h")
    assert all(f"\n  {verb.name} " in text and verb.summary in text for verb in VERBS.values())
    assert text.count("\n  genctl train") >= 3


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(capsys, flag):
    assert out(capsys, flag) == "genctl 0.2.0\n"


@pytest.mark.parametrize("words", [["train", "--help"], ["--help", "train"], ["train", "seed=1", "-h"]])
def test_a_verb_shows_choices_settings_and_flags(capsys, words):
    text = out(capsys, *words)
    assert "model=vae aae, ae, ae_dense, aegan, " in " ".join(text.split())
    assert "_splits" not in text and "_target_" not in text
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert any(row.startswith("model.beta 1.0 weight of the rate") for row in rows)
    assert any(row.startswith("trainer=default steps, epochs, batch_size") for row in rows)
    assert any(row.startswith("dataset.validation_fraction 0.1") for row in rows), "shared parts are followed"
    assert any(row.startswith("-m, --multirun") for row in rows)


def test_help_of_another_choice(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    words = ("train", "--help", "model=gan_dense", "optimizer=adam", "trainer.steps=5")
    rows = [" ".join(line.split()) for line in out(capsys, *words).splitlines()]
    assert any(row.startswith("trainer.steps 36000 optimizer steps in all") for row in rows)
    assert any(row.startswith("model.latent_dim 100 numbers that an image") for row in rows)
    rate = "optimizer.learning_rate 1e-4 step size"
    assert any(row.startswith(rate) for row in rows), "the model's value with the optimizer's meaning"
    assert not any(row.startswith(("model.beta", "encoder.filters")) for row in rows)


@pytest.mark.parametrize(("model", "most"), [("vae", 80), ("gan", 95), ("aegan", 115)])
def test_the_help_of_train_can_be_read_at_once(capsys, monkeypatch, model, most):
    monkeypatch.setenv("COLUMNS", "120")
    assert len(out(capsys, "train", "--help", f"model={model}").splitlines()) <= most


def test_help_names_what_is_needed_and_fits_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = out(capsys, "sample", "--help")
    assert "run          (needed)  the run's directory" in text
    assert max(map(len, text.splitlines())) <= 80
    assert max(map(len, out(capsys, "train", "--help", "model=aegan").splitlines())) <= 80


def test_help_marks_the_users_own_choices(capsys, tmp_path):
    (tmp_path / "configs/encoder").mkdir(parents=True)
    (tmp_path / "configs/encoder/mine.yaml").write_text("units: [8]  # widths of mine\n")
    assert "mine*" in out(capsys, "train", "--help")
    assert "widths of mine" in out(capsys, "train", "--help", "encoder=mine")


def test_settings_are_read_with_their_comments():
    text = 'a: "x # y"  # plain\nb:  # parent\n  c: [1,\n    2]  # list\n  d: {e: 1}  # inline\n_f: 1\ng: # h\n- 1\n'
    found = [(s.key, s.value, s.meaning) for s in settings.read(text, "k")]
    assert found == [
        ("k.a", '"x # y"', "plain"),
        ("k.b", "", "parent"),
        ("k.b.c", "[1, 2]", "list"),
        ("k.b.d", "{e: 1}", "inline"),
        ("k.g", "- 1", "h"),
    ]


def test_flags_stand_anywhere(capsys):
    expected = out(capsys, "train", "--cfg", "job", "--package", "model", "model=gan")
    assert "latent_dim: 64" in expected
    assert out(capsys, "train", "model=gan", "-p", "model", "-c", "job") == expected
    assert out(capsys, "--cfg=job", "train", "model=gan", "--package=model") == expected


def test_resolve(capsys):
    words = ["train", "name=${seed}", "seed=7", "--cfg", "job", "-p", "name"]
    assert "name: 7" in out(capsys, *words[:-2], "--resolve")


def test_info_prints_each_line_once_however_often_it_is_asked(capsys):
    first = out(capsys, "train", "--info", "searchpath")
    assert out(capsys, "train", "--info", "searchpath") == first
    assert first.count("main ") == 1
    assert "Defaults Tree" in out(capsys, "train", "--info")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "--steps", "100"], "write trainer.steps=100"),
        (["train", "--trainer.steps=100"], "write trainer.steps=100"),
        (["train", "--batch-size=9"], "write trainer.batch_size=9"),
        (["--steps", "100"], "KEY=VALUE"),
        (["train", "--multrun"], "Did you mean '--multirun'?"),
        (["train", "--cfg", "jobs"], "Did you mean 'job'?"),
        (["train", "--cfg"], "job, hydra, all"),
        (["train", "--help=x"], "takes no value"),
        (["train", "-m", "--cfg", "job"], "--multirun and --cfg exclude each other"),
        (["train", "--resolve"], "add --cfg job"),
        (["train", "--config-dir"], "--config-dir DIR"),
        (["trian"], "Did you mean 'train'?"),
        (["model=vae"], "genctl train model=vae"),
        (["-m"], "train, resume, sample"),
    ],
)
def test_mistaken_flags_and_verbs(capsys, words, expected):
    assert expected in err(capsys, *words)


def test_a_wrong_value_needs_no_tensorflow(tmp_path):
    code = (
        "import sys\nfrom genctl.cli.main import main\nstatus = main(['train', 'trainer.batch_size=-1'])\n"
        "sys.exit(status != 1 or bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True).returncode == 0


def test_nothing_here_imports_tensorflow(tmp_path):
    lines = [["--help"], ["train", "--help"], ["train", "--cfg", "job"], ["train", "model.bta=1"], ["trian"]]
    lines += [["--version"], ["train", "--info", "searchpath"], ["completion", "words", "train", "model="]]
    code = (
        "import sys\nfrom genctl.cli.main import main\n"
        f"for words in {lines}: main(words)\n"
        "sys.exit(bool({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True).returncode == 0


def test_a_reader_that_stops_early_is_no_error(tmp_path):
    pipe = f"{sys.executable} -m genctl train --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", pipe], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 141)
