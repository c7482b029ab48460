"""Runs that a stranger has made: opening one runs nothing, asks nobody, and writes nowhere else, whatever is in it."""

import contextlib
import json
import marshal
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import Genctl

import genctl as library
from genctl.cli.main import main
from genctl.errors import UserError
from genctl.runs import checkpoint

Change = Callable[[Path], object]
SECRET = "sesame-5150"
STARTS = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn", "socket.", "marshal.")
WRITES = ("remove", "rename", "rmdir", "mkdir", "symlink", "link", "truncate", "chmod")  # of the module os


class Audit:
    """What Python does between `start` and `stop` that the use of a run has no need of."""

    def __init__(self) -> None:
        self.on, self.events, self.places = False, [], ()  # type: bool, list[str], tuple[Path, ...]
        sys.addaudithook(self.see)

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and threading.current_thread() is threading.main_thread() and self.is_suspect(event, *arguments):
            self.events.append(f"{event} {arguments[:1]}")

    def is_suspect(self, event: str, first: Any = None, *others: Any) -> bool:
        if event == "exec":
            return "hostile" in str(getattr(first, "co_filename", ""))
        if event == "import":
            return str(first).startswith("hostile")
        if event == "open":
            return bool((others[1] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and self.is_outside(first)
        return event.startswith(STARTS) or (event.removeprefix("os.") in WRITES and self.is_outside(first))

    def is_outside(self, path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return False
        where = Path(os.path.realpath(os.fsdecode(path)))
        if where.is_dir():  # one that is there already, or a temporary file in it that has no name
            return False
        return where != Path(os.devnull) and not any(where.is_relative_to(place) for place in self.places)

    @contextlib.contextmanager
    def watching(self, *places: Path) -> Iterator[None]:
        self.places, self.events, self.on = tuple(Path(os.path.realpath(place)) for place in places), [], True
        try:
            yield
        finally:
            self.on = False


@pytest.fixture(scope="session")
def audit(tiny_run: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Once every verb has read a good run, so that all modules that it takes are imported."""
    place = tmp_path_factory.mktemp("good")
    shutil.copytree(tiny_run("vae"), place / "runs/x")
    with contextlib.chdir(place):
        assert not [verb for verb, words in VERBS.items() if main([verb, *words])]
    return Audit()


def edited(*keys: str | int, value: Any) -> Change:
    """Put a value into config.yaml at these keys."""

    def change(run: Path) -> None:
        config = node = yaml.safe_load((run / "config.yaml").read_text())
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = value
        (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    return change


def written(name: str, content: str | bytes) -> Change:
    return lambda run: (run / name).write_bytes(content.encode() if isinstance(content, str) else content)


def replaced(name: str, make: Callable[[Path], object]) -> Change:
    def change(run: Path) -> None:
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        make(path)

    return change


def manifest(**facts: Any) -> Change:
    """Change the newest checkpoint's facts, with a SHA-256 that is right."""

    def change(run: Path) -> None:
        path = checkpoint.steps(run / "checkpoints")[-1] / checkpoint.MANIFEST
        content = json.loads(path.read_text())
        path.write_text(checkpoint._manifest(content["facts"] | facts, content["files"]))

    return change


def other_files(run: Path) -> None:
    path = checkpoint.steps(run / "checkpoints")[-1] / checkpoint.MANIFEST
    content = json.loads(path.read_text())
    path.write_text(checkpoint._manifest(content["facts"], {"/dev/zero": {"bytes": 0, "sha256": ""}}))


def pickled(run: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, ("touch hostile-ran",)

    np.savez(run / "prior.npz", weights=np.array([Bomb()], dtype=object), allow_pickle=True)


def aliases(depth: int) -> str:
    lines = ["a0: &a0 [" + ", ".join("x" * 9) + "]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, depth)]
    return "\n".join(lines)


CODE = marshal.dumps(compile("open('hostile-ran', 'w')", "hostile", "exec")).hex()
LAMBDA = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": CODE}}}}
LAYERS = {"_target_": "genctl.networks.build_sequential"}
TARGETS = {
    "func_load": {"_target_": "keras.src.utils.python_utils.func_load", "code": CODE},
    "deserialize": {"_target_": "keras.saving.deserialize_keras_object", "config": LAMBDA, "safe_mode": False},
    "from_config": {"_target_": "keras.layers.Lambda.from_config", "config": LAMBDA["config"], "safe_mode": False},
    "model_from_json": {"_target_": "keras.models.model_from_json", "json_string": json.dumps(LAMBDA)},
    "load_model": {"_target_": "keras.saving.load_model", "filepath": "hostile.keras", "safe_mode": False},
    "get_file": {"_target_": "keras.utils.get_file", "fname": "hostile", "origin": "http://127.0.0.1:9/x"},
    "write": {"_target_": "genctl.runs.rundir.write", "path": "hostile-ran", "text": "x"},
    "rmtree": {"_target_": "genctl.runs.rundir.shutil.rmtree", "path": "elsewhere"},
    "module": {"_target_": "hostile_module.run"},
    "os": {"_target_": "os.system", "command": "touch hostile-ran"},
    "trust": {
        "_target_": "genctl.runs.build.dataset",
        "config": {"dataset": {"_target_": "os.getcwd"}},
        "trust": ["os"],
    },
    "partial": {"_target_": "genctl.networks.build_mlp", "_partial_": True, "units": [4]},
    "number": {"_target_": 5},
}
HOSTILE: dict[str, Change] = {
    **{f"encoder is {name}": edited("encoder", value=node) for name, node in TARGETS.items()},
    **{
        f"a layer is {name}": edited("encoder", value=LAYERS | {"layers": [node]})
        for name, node in TARGETS.items()
        if name not in ("partial", "number")
    },
    "a callback is os": edited("callbacks", "log", value=TARGETS["os"] | {"every_steps": 3}),
    "beta is os": edited("model", "beta", value=TARGETS["os"]),
    "dataset is os": edited("dataset", "_target_", value="os.listdir"),
    "a dense layer's activation is a lambda": edited(
        "encoder", value=LAYERS | {"layers": [{"Dense": {"units": 4, "activation": LAMBDA}}]}
    ),
    "a dense layer's initializer is a lambda": edited(
        "encoder", value=LAYERS | {"layers": [{"Dense": {"units": 4, "kernel_initializer": LAMBDA}}]}
    ),
    "an unknown key": edited("surprise", value=1),
    "an unknown setting": edited("trainer", "surprise", value=1),
    "an unknown setting of a callback": edited("callbacks", "log", "surprise", value=1),
    "trust": edited("trust", value=["os"]),
    "a step that is text": edited("trainer", "steps", value="many"),
    "a latent_dim without end": edited("model", "latent_dim", value=10**30),
    "an infinite beta": edited("model", "beta", value=float("inf")),
    "a name that is a list": edited("name", value=["a"]),
    "a seed that is text": edited("seed", value="zero"),
    "a model that is a list": edited("model", value=[1]),
    "callbacks that are numbers": edited("callbacks", value={"log": 5}),
    "keys that are numbers": edited("model", 7, value=1),
    "the environment as a name": edited("name", value="${oc.env:HOSTILE_SECRET}"),
    "the environment in a path": edited("outputs", value="/tmp/${oc.env:HOSTILE_SECRET}"),
    "the environment as a key": edited("callbacks", "${oc.env:HOSTILE_SECRET}", value={"_target_": "x"}),
    "another resolver": edited("outputs", value="${oc.create:x}"),
    "Python in YAML": written("config.yaml", "name: !!python/object/apply:os.system ['touch hostile-ran']\n"),
    "a YAML bomb": written("config.yaml", aliases(12)),
    "a YAML that holds itself": written("config.yaml", "name: &a [*a]\n"),
    "deep YAML": written("config.yaml", "name: " + "[" * 20_000),
    "deep JSON": written("spec.json", "[" * 200_000),
    "no YAML": written("config.yaml", b"\xff\xfe\x00"),
    "an empty config": written("config.yaml", ""),
    "a spec of text": written("spec.json", '"x"'),
    "a spec of other types": written("spec.json", '{"name": 5, "image_shape": "8x8"}'),
    "a spec beyond all memory": written("spec.json", '{"name": "x", "image_shape": [1000000, 1000000, 3]}'),
    "a spec without a range": written("spec.json", '{"name": "x", "image_shape": [8, 8, 1], "low": 1, "high": NaN}'),
    "a spec of 5,000 digits": written("spec.json", '{"name": "x", "image_shape": [' + "9" * 5000 + "]}"),
    "a checkpoint that names other files": other_files,
    "a checkpoint whose step is text": manifest(step="x"),
    "a checkpoint whose best is a number": manifest(best=3),
    "a prior of Python objects": pickled,
    "a config that is a pipe": replaced("config.yaml", os.mkfifo),
    "a spec that is a pipe": replaced("spec.json", os.mkfifo),
    "a config that is a folder": replaced("config.yaml", Path.mkdir),
    "a spec that is a folder": replaced("spec.json", Path.mkdir),
    "a spec that leads elsewhere": replaced("spec.json", lambda path: path.symlink_to("/etc/passwd")),
    "results that lead elsewhere": lambda run: (run / ".samples.npz.tmp").symlink_to(
        run.parent.parent / "elsewhere" / "kept"
    ),
    "an export that leads elsewhere": lambda run: (run / "export").symlink_to(run.parent.parent / "elsewhere"),
    "evaluations that lead elsewhere": lambda run: (run / "evaluations").symlink_to(run.parent.parent / "elsewhere"),
    "checkpoints that are elsewhere": replaced("checkpoints", lambda path: path.symlink_to("/tmp")),
    "a device": lambda run: (run / "zero").symlink_to("/dev/zero"),
}
VERBS = {
    "sample": ("run=runs/x", "n=2"),
    "evaluate": ("run=runs/x", "n=20", "metrics=[reconstruction]"),
    "export": ("run=runs/x", "part=decoder"),
    "encode": ("run=runs/x",),
    "compare": ("runs/x",),
}
NOT_BUILT_BY_COMPARE = (
    "beta", "unknown setting", "step that", "layer", "encoder", "callback", "dataset", "spec", "JSON", "prior",
    "checkpoint that", "checkpoint whose", "latent_dim", "infinite", "keys that",
)  # fmt: skip


@pytest.fixture
def run(genctl: Genctl, tiny_run: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good run, to be spoilt, beside a folder of the user's and a module that waits to be imported."""
    monkeypatch.setenv("HOSTILE_SECRET", SECRET)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    Path("hostile_module.py").write_text("open('hostile-ran', 'w')\ndef run(**_): open('hostile-ran', 'w')\n")
    Path("elsewhere").mkdir()
    Path("elsewhere/kept").write_text("mine")
    return Path(shutil.copytree(tiny_run("vae"), "runs/x"))


def unharmed() -> bool:
    kept = Path("elsewhere")
    inside = [path.name for path in kept.iterdir()]
    return not Path("hostile-ran").exists() and inside == ["kept"] and (kept / "kept").read_text() == "mine"


def verbs_for(kind: str) -> list[str]:
    """By day `sample` and one other verb; compare only tabulates what a config says, and builds nothing of it."""
    verbs = [verb for verb in VERBS if verb != "compare" or not any(word in kind for word in NOT_BUILT_BY_COMPARE)]
    other = verbs[1 + list(HOSTILE).index(kind) % (len(verbs) - 1)]
    return verbs if os.environ.get("GENCTL_NIGHTLY") == "1" else ["sample", other]


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_run_is_refused_in_one_message(genctl: Genctl, run: Path, audit: Audit, kind: str) -> None:
    HOSTILE[kind](run)
    here = Path.cwd()
    for verb in verbs_for(kind):
        with audit.watching(run, here / "cache"):
            result = genctl(verb, *VERBS[verb])
        assert result.status == 1 and result.err.startswith("error: "), (verb, result)
        assert len(result.err.splitlines()) < 4 and "not prepared for" not in result.err, (verb, result.err)
        assert SECRET not in result.err + result.out and "\x1b" not in result.err
        assert not audit.events, (verb, audit.events)
    with audit.watching(run), pytest.raises(UserError):
        library.load(run)
    assert not audit.events and unharmed()
