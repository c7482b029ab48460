"""Options of text take what was typed, whatever Hydra and YAML would read in it; labels are names of classes."""

import dataclasses
import functools
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pytest
import yaml
from conftest import Genctl
from omegaconf import OmegaConf

from genctl.cli.composition import Request
from genctl.cli.main import main
from genctl.cli.naming import name_of
from genctl.cli.schema import annotations
from genctl.cli.sweep_presets import read_settings
from genctl.cli.sweeps import define
from genctl.cli.table import VERBS
from genctl.config.allowed import PLACES, SEVERAL
from genctl.config.signatures import type_hints
from genctl.errors import UserError
from genctl.runs import records
from genctl.runs.classes import Classes

MISLEADING = [
    *("2024_01_15", "1e3", "true", "007", "1_0", "+5", "-0", "0x10", "0o17", "1.50", ".5", "5.", "False", "nan", "inf"),
    *("12:30:45", "2024-01-15", "yes", "1e3x"),
]
NEEDED = {"data": (), "decode": ("run=r", "path=p")} | dict.fromkeys(
    ("compare", "train", "evaluate", "runs", "sweep"), ()
)  # else: a run
Given = Callable[..., list[dict[str, Any]]]


def hints(verb: str) -> dict[str, Any]:
    return type_hints(VERBS[verb].load())


def members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def options(kind: Any) -> list[tuple[str, str]]:
    """Verbs' options that take any value of a kind; for text, those that take no step in its place."""
    found = [(verb, name, hint) for verb in VERBS for name, hint in hints(verb).items()]
    return [(verb, name) for verb, name, hint in found if kind in members(hint) and name != "checkpoint"]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Given:
    """`given(verb, *words)`: the settings that each job of a command line gives its verb, which does nothing else."""
    monkeypatch.chdir(tmp_path)

    def run(verb: str, *words: str) -> list[dict[str, Any]]:
        module = importlib.import_module(f"genctl.cli.verbs.{VERBS[verb].module}")
        seen: list[dict[str, Any]] = []

        @functools.wraps(getattr(module, verb))
        def record(invocation: Any, **settings: Any) -> None:
            seen.append(settings)

        keys = [word.partition("=")[0] for word in words]
        needed = [word for word in NEEDED.get(verb, ("run=r",)) if word.partition("=")[0] not in keys]
        with monkeypatch.context() as patch:
            patch.setattr(module, verb, record)
            assert main([verb, *needed, *words]) == 0
        return seen

    return run


@pytest.mark.parametrize(("verb", "name"), options(str))
def test_every_option_of_text(given: Given, verb: str, name: str) -> None:
    for text in MISLEADING if (verb, name) == ("sample", "label") else MISLEADING[:3]:
        [settings] = given(verb, f"{name}={text}")
        assert settings[name] == text


@pytest.mark.parametrize(("verb", "name"), options(list[str]))
def test_every_option_of_several_texts(given: Given, verb: str, name: str) -> None:
    [settings] = given(verb, f"{name}=[1e3, 007,true,'2',\"3\"]")
    assert settings[name] == ["1e3", "007", "true", "2", "3"]


@pytest.mark.parametrize(
    ("verb", "words", "expected"),
    [
        ("train", ("seed=1_0", "trainer.steps=7", "trainer.xla=false"), {"seed": 10}),
        ("sample", ("n=5", "temperature=1e-1", "checkpoint=100"), {"n": 5, "temperature": 0.1, "checkpoint": 100}),
        ("sample", ("label=null", "out=null"), {"label": None, "out": None}),
        ("sample", ("label='null'", 'out="null"', "run='1'"), {"label": "null", "out": "null", "run": "1"}),
        ("interpolate", ("seeds=[3,4]", "path=null"), {"seeds": [3, 4], "path": None}),
        ("encode", ("n=null", "projector=true"), {"n": None, "projector": True}),
        ("evaluate", ("run=1", "image_size=[8,9]"), {"run": "1", "image_size": [8, 9]}),
    ],
)
def test_numbers_truth_values_and_null_are_what_they_were(given: Given, verb: str, words: Any, expected: dict) -> None:
    [settings] = given(verb, *words)
    assert {name: settings[name] for name in expected} == expected


def test_texts_inside_of_sections(given: Given) -> None:
    [settings] = given("train", "dataset=npz", "dataset.path=1e3", "dataset.images_key=007", "dataset.labels_key=1_0")
    assert [settings["dataset"][name] for name in ("path", "images_key", "labels_key")] == ["1e3", "007", "1_0"]
    [settings] = given("train", "model=aegan", "model.autoencoder=1", "features=autoencoder", "features.run=2_0")
    assert (settings["model"]["autoencoder"], settings["features"]["run"]) == ("1", "2_0")
    [settings] = given("train", "dataset=mnist", "dataset.url=1e3", "trainer.monitor=5", "trainer.epochs=5")
    assert (settings["dataset"]["url"], settings["trainer"]["monitor"]) == ("1e3", "5")
    assert settings["trainer"]["epochs"] == 5
    [settings] = given("train", "+features={_target_: genctl.metrics.features.load_inception, weights: 1e3}")
    assert settings["features"]["weights"] == "1e3"
    for verb in ("resume", "encode", "evaluate"):
        [settings] = given(verb, "dataset.path=1e3", "dataset.url=true")
        assert settings["dataset"] == {"path": "1e3", "url": "true"}


def arguments(place: str) -> dict[str, list[Any]]:
    """The annotations of what the components of a place take, those of bundled dataclasses included."""
    found: dict[str, list[Any]] = {}
    for path in sorted(PLACES[place].names):
        module, _, name = path.rpartition(".")
        for argument, hint in type_hints(getattr(importlib.import_module(module), name)).items():
            bundled = dataclasses.is_dataclass(hint) and argument not in ("spec", "return")
            bundle = type_hints(hint) if bundled else {argument: hint}
            for one, inner in bundle.items():
                found.setdefault(one, []).append(inner)
    return found


@pytest.mark.parametrize("place", PLACES)
def test_every_text_that_a_component_takes_is_known(place: str) -> None:
    for argument, found in arguments(place).items():
        if any(str in members(hint) for hint in found):
            path = (place, "name", argument) if place in SEVERAL else (place, argument)
            assert any(str in members(hint) for hint in annotations("train", path)), path


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1e3,007,true", ["1e3", "007", "true"]),
        ("choice(1e3,2_0,007)", ["1e3", "2_0", "007"]),
        ("range(8,11)", ["8", "9", "10"]),
        ("str(choice(1e3,7))", ["1e3", "7"]),
        ("[1,2],[1e3,x]", [["1", "2"], ["1e3", "x"]]),
        ("null,'null',1", [None, "null", "1"]),
    ],
)
def test_sweeps_over_texts(given: Given, typed: str, expected: list) -> None:
    assert [settings["label"] for settings in given("sample", "-m", f"label={typed}")] == expected
    shuffled = [settings["label"] for settings in given("sample", "-m", "label=shuffle(range(0,3))")]
    assert sorted(shuffled) == ["0", "1", "2"]


def test_jobs_are_named_by_the_text() -> None:
    typed = ["dataset.path=1e3,x", "label=1,null"]
    assert name_of(["dataset.path='1e3'", "label='1'"], typed) == "dataset.path-1e3_label-1"
    assert name_of(["label=null"], typed) != name_of(["label='null'"], typed)


def test_choices_are_names(given: Given, tmp_path: Path) -> None:
    for name in ("1", "1e3"):
        (tmp_path / "configs/experiment").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"configs/experiment/{name}.yaml").write_text(f"# @package _global_\nname: is {name}\n")
    flags = read_settings(Request("train", ["experiment=1,1e3"], [tmp_path / "configs"]))
    trials = define(flags[1], flags[0], ()).trials
    assert [trial.name for trial in trials] == ["experiment-1", "experiment-1e3"]
    assert [given("train", f"experiment={name}")[0]["name"] for name in ("1", "1e3")] == ["is 1", "is 1e3"]
    assert ["experiment='1'" in trial.words for trial in trials] == [True, False]


@pytest.mark.parametrize("typed", ["007", "1e3", "true", "2024_01_15"])
def test_a_number_in_a_file_is_refused_where_a_text_is_wanted(genctl: Genctl, tmp_path: Path, typed: str) -> None:
    (tmp_path / "configs/experiment").mkdir(parents=True)
    (tmp_path / "configs/experiment/mine.yaml").write_text(f"# @package _global_\nname: {typed}\n")
    message = genctl.bad("train", "experiment=mine")
    assert "should be a valid string. Put a text that looks like a number or a truth value in quotes." in message
    (tmp_path / "configs/experiment/mine.yaml").write_text(f"# @package _global_\nname: '{typed}'\n")
    assert f"\nname: '{typed}'\n" in "\n" + genctl.good("train", "experiment=mine", "--cfg", "job").out


def test_advice_goes_with_texts_alone(genctl: Genctl) -> None:
    assert "quotes" not in genctl.bad("train", "trainer.steps=1.5") + genctl.bad("sample", "run=x", "checkpoint=-1")


def test_a_run_keeps_its_texts(genctl: Genctl, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    np.savez(tmp_path / "007.npz", **{"1e3": images})
    (tmp_path / "007.npz").rename(tmp_path / "2024_01_15")
    tiny = ("model=ae_dense", "model.prior=none", "trainer.batch_size=16", "callbacks.images.every_steps=0")
    data = ("dataset=npz", "dataset.path=2024_01_15", "dataset.images_key=1e3")
    words = ("train", *tiny, *data, "outputs=1_0", "name=1e3", "trainer.steps=1")
    genctl.good(*words)
    run = tmp_path / "1_0/1e3"
    assert (run / "config.yaml").exists() and [path.name for path in (tmp_path / "1_0").iterdir()] == ["1e3"]
    text = (run / "config.yaml").read_text()
    for config in (yaml.safe_load(text), OmegaConf.to_container(OmegaConf.create(text)), records.read_config(run)):
        assert (config["name"], config["outputs"], config["dataset"]["images_key"]) == ("1e3", "1_0", "1e3")
    genctl.good(*words)  # the same command continues the run
    genctl.good("resume", "run=1_0/1e3", "trainer.steps=2")
    assert json.loads((run / "summary.json").read_text())["steps"] == 2
    assert records.read_config(run)["dataset"]["images_key"] == "1e3"


def test_what_is_written_is_read_as_text_by_others_too(tmp_path: Path) -> None:
    texts = [*MISLEADING, "null", "~", "", ".nan", ".inf", "1e-3", "1_0.5e3", "=", "0b1"]
    records.write_config(tmp_path, {"texts": texts, "numbers": [1e-5, 1.0, 3, 1e22]})
    text = (tmp_path / "config.yaml").read_text()
    for found in (yaml.safe_load(text), OmegaConf.to_container(OmegaConf.create(text))):
        assert found == {"texts": texts, "numbers": [1e-5, 1.0, 3, 1e22]}


NUMBERED = ("1", "10", "2", "20")


@pytest.mark.parametrize(
    ("known", "label", "expected"),
    [
        (NUMBERED, "2", [2]),
        (NUMBERED, 20, [3]),
        (NUMBERED, ["20", 1], [3, 0]),
        (("cat", "dog", "emu"), "2", [2]),
        (("cat", "dog", "emu"), [0, "dog", np.int64(2)], [0, 1, 2]),
        (("01", "1", "1.0", "1_0", "1e1"), ["1", "01", "1.0", "1e1", "1_0"], [1, 0, 2, 4, 3]),
        (("false", "null", "true"), ["true", "null"], [2, 1]),
        (("false", "null", "true"), "0", [0]),
    ],
)
def test_labels_are_names_and_numbers_where_no_name_is_one(known: tuple, label: Any, expected: list) -> None:
    assert Classes(known, conditional=True).numbers(label) == expected


@pytest.mark.parametrize(
    ("known", "labels"),
    [
        (NUMBERED, ("0", "3", 3, 0, "01", "1.0", "1e1", "-1", "+1", "1_0", True)),
        (("1.5", "cat"), ("0", 1)),
        (("1_0", "cat"), ("1", "10", 0)),
        (("cat", "dog"), ("2", -1, "-1", "01", "1.0", "1e0", "+1", "0_1", "٠", "9" * 5000, 1.0, True)),
    ],
)
def test_a_label_that_names_no_class_is_refused(known: tuple, labels: tuple) -> None:
    for label in labels:
        with pytest.raises(UserError, match=r"is not a class: choose one of .*cat|is not a class: choose one of 1, 10"):
            Classes(known, conditional=True).numbers(label)
