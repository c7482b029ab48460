"""What the tests share: a command line that runs in an empty directory of its own, and small real data."""

import contextlib
import dataclasses
import functools
import gc
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genctl.runs.checkpoint import Facts

if data := os.environ.get("GENCTL_DATA"):
    os.environ["GENCTL_DATA"] = str(Path(data).resolve())  # tests run in directories of their own
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # bit-for-bit claims are made for a CPU
NIGHTLY = pytest.mark.skipif(os.environ.get("GENCTL_NIGHTLY") != "1", reason="takes long: GENCTL_NIGHTLY=1")


@pytest.fixture(autouse=True)
def _few_objects_to_look_through() -> Iterator[None]:
    """Every command collects garbage twice, which takes a second once a worker has imported and kept enough."""
    yield
    gc.collect()
    gc.freeze()


@dataclasses.dataclass
class Result:
    status: int
    out: str
    err: str


class Genctl:
    """`genctl VERB …` in this process, in the test's directory."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *words: str) -> Result:
        from genctl.cli.main import main

        self._capfd.readouterr()
        status = main(list(words))
        out, err = self._capfd.readouterr()
        return Result(status, out, err)

    def good(self, *words: str) -> Result:
        result = self(*words)
        assert result.status == 0, result.err + result.out
        return result

    def bad(self, *words: str) -> str:
        """The one message of a user's mistake."""
        result = self(*words)
        assert result.status == 1, result.out
        assert result.err.startswith("error: ") and "Traceback" not in result.err
        return result.err


@pytest.fixture
def genctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Genctl:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    return Genctl(capfd)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`trained(*words)`: the run of a training that nothing disturbs, done once; a test that changes it copies it."""
    from genctl.cli.main import main

    @functools.cache
    def train(*words: str) -> Path:
        place = tmp_path_factory.mktemp("trained")
        with contextlib.chdir(place):
            assert main(["train", *words, "outputs=runs", "name=x"]) == 0
        return place / "runs/x"

    return train


def rows(run: str | Path) -> list[dict]:
    """The lines of a run's metrics.jsonl."""
    return [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]


FACTS = Facts(
    step=3,
    total=5,
    phase="train",
    log_names=[],
    log_count=0,
    metrics_bytes=0,
    latest={"train": {"loss": 1e-05}},
    best=None,
    waited=0,
    rollbacks=0,
    health={"since": {}, "warned": []},
)
SPLITS = {  # of a Dataset
    "validation_fraction": 0.1,
    "test_fraction": 0.1,
    "stratify": False,
    "split_seed": 0,
    "limit": None,
    "folds": None,
    "fold": 0,
}
ROLES = {
    "ae": ("encoder", "decoder"),
    "vae": ("encoder", "decoder"),
    "gan": ("generator", "discriminator"),
    "aegan": ("encoder", "decoder", "generator", "discriminator"),
}


def tiny(model: str) -> tuple[str, ...]:
    """A family with the smallest networks, and without convolutions."""
    networks = [word for role in ROLES[model] for word in (f"{role}=mlp", f"{role}.units=[16]")]
    return (f"model={model}", *networks, "outputs=runs", "trainer.batch_size=16", "callbacks.images.every_steps=0")


def newest_weights(run: str | Path) -> bytes:
    return sorted(Path(run).glob("checkpoints/step-*/state.safetensors"))[-1].read_bytes()


def newest_arrays(run: str | Path) -> dict[str, np.ndarray]:
    """All that the newest checkpoint holds."""
    from genctl.runs import checkpoint

    stored = checkpoint.newest(Path(run) / "checkpoints")
    assert stored
    return dict(stored.arrays)


@pytest.fixture
def colour_npz(tmp_path: Path) -> str:
    """200 colour images of 9x14 with labels, as an .npz."""
    generator = np.random.default_rng(0)
    path = tmp_path / "colour.npz"
    np.savez(path, images=generator.integers(0, 256, (200, 9, 14, 3), np.uint8), labels=np.arange(200) % 3)
    return str(path)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of a tiny run of a family, trained when it is first asked for; nothing may be written into it."""
    place = tmp_path_factory.mktemp("trained")
    settings = {
        "vae": ("encoder=conv", "encoder.filters=[4]", "decoder=conv", "decoder.filters=[4]", "model.latent_dim=5"),
        "gan": ("model.conditional=true", "model.latent_dim=6"),
        "ae": ("model.latent_dim=4", "model.prior=none"),
        "aegan": ("model.phases={autoencoder: 2, adversarial: 2, joint: 2}",),
    }

    @functools.cache
    def train(model: str) -> Path:
        from genctl.cli.main import main

        networks = () if model == "vae" else tiny(model)[1:-3]
        tail = ("trainer.steps=6", "trainer.batch_size=16", "dataset.limit=40", "callbacks.images.every_steps=0")
        words = (f"model={model}", *networks, *settings[model], *tail, f"outputs={place}", f"name={model}")
        assert main(["train", *words]) == 0
        return place / model

    return train


@pytest.fixture(scope="session")
def loaded(tiny_run: Callable[[str], Path]) -> Callable[[str], Any]:
    """The same, loaded once."""
    import genctl

    return functools.cache(lambda model: genctl.load(tiny_run(model)))
