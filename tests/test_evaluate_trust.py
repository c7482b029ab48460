"""What strangers' runs, results and weights can do to an evaluation: nothing but be refused in one message."""

import dataclasses
import itertools
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import yaml
from conftest import Genctl
from rich.console import Console

from genctl.data.examples import Examples, Split
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.metrics import results
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features import feature_cache
from genctl.metrics.features.classifier import train_classifier
from genctl.metrics.features.feature_cache import cached
from genctl.metrics.features.inception import load_inception
from genctl.metrics.features.pixels import fit_pixels
from genctl.metrics.features.run_encoder import load_autoencoder
from genctl.metrics.results_table import table
from genctl.metrics.vectors import Vectors

SPEC = Spec("mine", (8, 8, 1), ("a", "b"), low=0.0, high=1.0)
OTHERS = {
    "another range": dataclasses.replace(SPEC, low=-1.0, high=3.0),
    "another name": dataclasses.replace(SPEC, name="theirs"),
    "other class names": dataclasses.replace(SPEC, class_names=("b", "a")),
    "more classes": dataclasses.replace(SPEC, class_names=("a", "b", "c")),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def evaluation(spec: Spec = SPEC, **more: Any) -> Evaluation:
    """The same 30 floats with labels, whatever the spec says of them."""
    images = np.random.default_rng(0).random((30, 8, 8, 1)).astype(np.float32)
    split = Split("train", Examples(images, (np.arange(30) % 2).astype(np.int32)), np.arange(30))
    return Evaluation(spec, split, split, 0, images=images[:5], count=5, **more)


def features(spec: Spec, network: Callable) -> np.ndarray:
    given = evaluation(spec)
    return Vectors(given, network(given)).real


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize(
    "network", [fit_pixels, lambda given: train_classifier(given, steps=2, batch_size=8)], ids=["pixels", "classifier"]
)
def test_the_cache_of_another_spec_changes_no_features(
    network: Callable, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = features(SPEC, network)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    features(OTHERS[other], network)
    before = len(list(Path(tmp_path, "shared").rglob("*.safetensors")))
    assert (features(SPEC, network) == expected).all()
    assert len(list(Path(tmp_path, "shared").rglob("*.safetensors"))) == 2 * before


def counting() -> tuple[list[int], Callable[[], feature_cache.Arrays]]:
    made: list[int] = []
    return made, lambda: (made.append(1), {"a": np.arange(3.0)})[1]


def test_every_part_of_a_key_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    made, make = counting()
    split = evaluation().real
    for turn, (spec, key, kind) in enumerate(
        itertools.product(
            (SPEC, *OTHERS.values()), ({"k": 1}, {"k": 2}, {"k": split}, {"k": split.first(3)}), ("x", "y")
        )
    ):
        assert len(made) == turn
        cached(kind, spec, key, make)
        cached(kind, spec, key, make)
    for library in feature_cache.versions():
        count = len(made)
        monkeypatch.setattr(feature_cache, "versions", lambda library=library: {library: "0"})
        cached("x", SPEC, {"k": 1}, make)
        assert len(made) == count + 1
    with pytest.raises(TypeError, match="no plain type"):
        cached("x", SPEC, {"k": object()}, make)


def test_what_is_kept_is_checked_when_it_is_read() -> None:
    made, make = counting()
    folder = feature_cache.cache_path("evaluation", "x")
    cached("x", SPEC, {"k": 1}, make)
    [first] = folder.glob("*.safetensors")
    cached("x", SPEC, {"k": 2}, lambda: {"a": np.zeros(3)})
    [second] = set(folder.glob("*.safetensors")) - {first}
    second.write_bytes(first.read_bytes())
    with pytest.raises(UserError, match=f"{second.name} was made of other examples"):
        cached("x", SPEC, {"k": 2}, make)
    second.unlink()
    second.mkdir()
    with pytest.raises(UserError, match=f"{second.name} is a folder"):
        cached("x", SPEC, {"k": 2}, make)
    assert len(made) == 1


def test_of_several_at_once_one_makes_and_all_read() -> None:
    made, make = counting()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cached("x", SPEC, {"k": 1}, make), range(16)))
    assert len(made) == 1 and all((arrays["a"] == np.arange(3.0)).all() for arrays, _ in found)


def test_a_run_with_the_same_weights_and_another_network_shares_no_features(tiny_run: Callable, tmp_path: Path) -> None:
    for name in ("mine", "theirs"):
        shutil.copytree(tiny_run("ae"), tmp_path / name)
    path = tmp_path / "theirs/config.yaml"
    config = yaml.safe_load(path.read_text())
    assert config["encoder"]["activation"] != "tanh"
    path.write_text(yaml.safe_dump(config | {"encoder": config["encoder"] | {"activation": "tanh"}}))
    theirs, mine = (
        features(SPEC, lambda given, name=name: load_autoencoder(given, str(tmp_path / name)))
        for name in ("theirs", "mine")
    )
    assert np.abs(theirs - mine).max() > 1e-3
    code = load_autoencoder(evaluation(trust=("other",)), str(tmp_path / "mine"))
    assert code.key is None and (Vectors(evaluation(), code).real == mine).all()


GOOD = {
    "number": {"metric": "mse", "value": 1.5, "unit": "1", "protocol": {"k": 3}, "error": None, "floor": 2},
    "step": 6, "checkpoint": None, "when": "2026-01-01T00:00:00+00:00",
}  # fmt: skip


def rows(**changes: Any) -> str:
    number = GOOD["number"] | {key: value for key, value in changes.items() if key in GOOD["number"]}
    return json.dumps([GOOD | {"number": number} | {key: value for key, value in changes.items() if key in GOOD}])


DAMAGED = {
    "a value of text": rows(value="x"),
    "a value that is true": rows(value=True),
    "a value that is none": rows(value=None),
    "NaN": rows(value=float("nan")),
    "Infinity": rows(value=float("inf")),
    "an infinite error": rows(error=float("inf")),
    "1e999": rows(value=12345).replace("12345", "1e999"),
    "5,000 digits": rows(value=12345).replace("12345", "9" * 5000),
    "a step of 4,000 digits": rows(step=12345).replace("12345", "9" * 4000),
    "a protocol that is a list": rows(protocol=[1]),
    "a protocol with NaN": rows(protocol={"k": float("nan")}),
    "a negative step": rows(step=-1),
    "a step of text": rows(step="6"),
    "a step that is true": rows(step=True),
    "a metric that is a number": rows(metric=3),
    "a metric that a terminal obeys": rows(metric="\x1b[31m"),
    "a unit of half a character": rows(unit="\ud800"),
    "a time that is a number": rows(when=5),
    "a checkpoint that is a list": rows(checkpoint=[]),
    "no number": '[{"number": 3}]',
    "nothing of it": "[{}]",
    "no list": "{}",
    "no JSON": "[",
    "deep": "[" * 100_000,
    "a deep protocol": rows(protocol={"k": 12345}).replace("12345", "[" * 3000 + "]" * 3000),
    "other bytes": "\ud800",
}


def file_of_results(path: str = "x/evaluations/step-000000006.json", text: str = rows()) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    return file


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_results_are_named(genctl: Genctl, kind: str) -> None:
    file = file_of_results(text=DAMAGED[kind])
    with pytest.raises(UserError) as caught:
        results.read(Path("x"))
    message = str(caught.value)
    assert message.startswith(f"{file} cannot be read: ") and message.endswith("Delete it and evaluate anew.")
    assert len(message) < 500 and "\x1b" not in message


def test_results_that_are_whole_are_read(genctl: Genctl) -> None:
    file_of_results()
    [record] = results.read(Path("x"))
    assert (record.step, record.number.value, record.number.floor, record.number.protocol) == (6, 1.5, 2.0, {"k": 3})
    assert results.read(Path("elsewhere")) == []


@pytest.mark.parametrize(
    "name", ["step-²", "step-", "step-6", "step-00000000x", "step-000000006 copy", "step--00000006"]
)
def test_files_of_other_names_are_named(genctl: Genctl, name: str) -> None:
    file = file_of_results(f"x/evaluations/{name}.json")
    with pytest.raises(UserError, match="has not the name of a file of results") as caught:
        results.read(Path("x"))
    assert str(file) in str(caught.value)


def test_what_is_no_file_is_named(genctl: Genctl) -> None:
    file = Path("x/evaluations/step-000000006.json")
    for make, what in (
        (Path.mkdir, "a folder"),
        (os.mkfifo, "a pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
    ):
        shutil.rmtree("x", ignore_errors=True)
        file.parent.mkdir(parents=True)
        make(file)
        with pytest.raises(UserError, match=f"step-000000006.json is {what}"):
            results.read(Path("x"))
    shutil.rmtree("x")
    Path("x").mkdir()
    Path("x/evaluations").write_text("")
    with pytest.raises(UserError, match="x/evaluations is no folder"):
        results.read(Path("x"))
    with pytest.raises(UserError, match="x/evaluations cannot be written"):
        results.write(Path("x"), 6, [Number("mse", 1.0, "1", {})])


def test_a_damaged_file_is_told_before_any_work(genctl: Genctl, tiny_run: Callable) -> None:
    shutil.copytree(tiny_run("ae"), "x")
    file_of_results(text=DAMAGED["NaN"])
    for words in (("evaluate", "run=x"), ("compare", "x")):
        assert "0.number.value: Input should be a finite number" in genctl.bad(*words)


def test_text_of_a_run_is_shown_as_it_is() -> None:
    number = Number("mse", 1.0, "[red]units[/red]", {"data": "a[/bold]b\x1b]0;title\x07 [link=http://x]y"})
    console = Console(width=200, color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(table("[bold]x\x1b[2J, step 3", [number]))
    text = capture.get()
    assert "\x1b" not in text and "\x07" not in text
    for shown in (r"[bold]x\x1b[2J, step 3", "1 [red]units[/red]", r"a[/bold]b\x1b]0;title\x07 [link=http://x]y"):
        assert shown in text


def weights(path: Path, change: Callable[[h5py.Group], object]) -> str:
    """A file that holds what InceptionV3 has, but for a change of the first layer's group."""
    network = keras.applications.InceptionV3(include_top=False, weights=None, pooling="avg", input_shape=(299, 299, 3))
    layers = [layer for layer in network.layers if layer.weights]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [b"w%d" % place for place in range(len(layer.weights))]
            for place, weight in enumerate(layer.weights):
                group.create_dataset(
                    f"w{place}", weight.shape, np.float32, chunks=tuple(weight.shape), compression="gzip"
                )
        change(file[layers[0].name])
    return str(path)


def replaced(make: Callable[[h5py.Group], object]) -> Callable[[h5py.Group], object]:
    def change(group: h5py.Group) -> None:
        del group["w0"]
        make(group)

    return change


RAW = [("secret", 0, h5py.h5f.UNLIMITED)]
CHANGES = {
    "ExternalLink": replaced(lambda group: group.__setitem__("w0", h5py.ExternalLink("secret", "/x"))),
    "external Dataset": replaced(lambda group: group.create_dataset("w0", (3, 3, 3, 32), np.float32, external=RAW)),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_weights_that_lead_to_other_files_are_refused(tmp_path: Path, kind: str) -> None:
    path = weights(tmp_path / "hostile.h5", CHANGES[kind])
    with pytest.raises(UserError, match=f"hostile.h5 holds no weights of Keras' InceptionV3 without top: .*{kind}"):
        load_inception(evaluation(), path)


def test_weights_that_are_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    for place, message in (
        ("/dev/zero", "is a device"),
        (str(tmp_path), "is a folder"),
        (f"{tmp_path}/pipe.h5", "is a pipe"),
    ):
        with pytest.raises(UserError, match=message):
            load_inception(evaluation(), place)


def test_a_feature_run_is_named_by_its_setting(genctl: Genctl) -> None:
    with pytest.raises(UserError, match="features.run=nowhere is not there"):
        load_autoencoder(evaluation(), "nowhere")
