"""What a config may name is a closed list, whatever else can be reached by a dotted name."""

import importlib
import inspect
import pkgutil
import sys
import types
from collections.abc import Iterator
from typing import Any

import keras
import pytest

import genctl
from genctl.config import allowed
from genctl.config.instantiate import locate
from genctl.config.signatures import type_hints
from genctl.errors import UserError

KEYS = [*allowed.PLACES, *(f"{place}.{below}" for place in allowed.PLACES for below in ("x", "x.y", "layers[0]"))]
NAMES_OF_KERAS = "layers.Dense optimizers.Adam initializers.Zeros regularizers.L2 constraints.NonNeg"
HARMFUL = """
keras.src.utils.python_utils.func_load keras.saving.deserialize_keras_object keras.saving.load_model
keras.layers.Lambda.from_config keras.models.model_from_json keras.utils.get_file keras.layers.Lambda
keras.layers.TFSMLayer keras.layers.TorchModuleWrapper keras.layers.JaxLayer keras.layers.FlaxLayer
keras.config.enable_unsafe_deserialization keras.layers.StringLookup keras.layers.TextVectorization
keras.layers.Embedding keras.models.load_model keras.callbacks.LambdaCallback keras.utils.image_dataset_from_directory
genctl.runs.rundir.write genctl.runs.checkpoint.prune genctl.runs.board.Board genctl.load
genctl.cli.main.main genctl.cli.main.os.dup2
genctl.data.download.obtain genctl.runs.build.strategy genctl.cli.verbs.outputs.writable builtins.eval os.system
"""


def reachable() -> Iterator[tuple[str, Any]]:
    """Every callable below `genctl.` and `keras.` by dotted names: of modules, of what they import, and of classes."""
    for module in pkgutil.walk_packages(genctl.__path__, "genctl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    roots = [name for name in sys.modules if name.split(".")[0] in ("genctl", "keras")]
    for root in roots:
        for name, value in list(vars(sys.modules[root]).items()):
            if isinstance(value, types.ModuleType):
                yield from ((f"{root}.{name}.{one}", item) for one, item in vars(value).items() if callable(item))
            if inspect.isclass(value):
                yield from ((f"{root}.{name}.{one}", item) for one, item in vars(value).items() if callable(item))
            if callable(value):
                yield f"{root}.{name}", value


def accepted(name: str) -> list[str]:
    """The keys at which a config may have a name, without trust."""
    found = []
    for key in KEYS:
        try:
            locate(name, key, ())
            found.append(key)
        except UserError:
            continue
    return found


def test_of_all_callables_only_the_listed_can_be_named() -> None:
    names = dict(reachable())
    assert len(names) > 5000 and names.keys() >= allowed.EVERY
    candidates = {name for name in names if any(name in allowed.names_at(key) for key in KEYS)}
    assert candidates == allowed.EVERY
    refused = sorted(names.keys() - allowed.EVERY)
    assert not [name for name in refused[:: max(1, len(refused) // 2000)] if accepted(name)]
    assert all(accepted(name) for name in allowed.EVERY)


def test_what_is_listed_of_keras_holds_numbers_and_names_alone() -> None:
    kinds = (keras.Layer, keras.optimizers.Optimizer, keras.initializers.Initializer, keras.regularizers.Regularizer,
             keras.constraints.Constraint)  # fmt: skip
    for name in (name for name in allowed.EVERY if name.startswith("keras.")):
        found = locate(name, next(key for key in KEYS if name in allowed.names_at(key)), ())
        assert inspect.isclass(found) and issubclass(found, kinds) and name.count(".") == 2
        taken = set(inspect.signature(found).parameters)
        assert not taken & {"function", "module", "path", "filepath", "vocabulary", "fn", "code", "vocabulary_dtype"}, (
            name
        )
    assert {f"keras.{name}" for name in NAMES_OF_KERAS.split()} <= allowed.EVERY


def test_nothing_listed_takes_trust_or_a_config() -> None:
    for name in (name for name in allowed.EVERY if name.startswith("genctl.")):
        found = locate(name, next(key for key in KEYS if name in allowed.names_at(key)), ())
        assert not type_hints(found).keys() & {"trust", "config", "node", "_target_"}, name


@pytest.mark.parametrize("name", HARMFUL.split())
@pytest.mark.parametrize("key", ["model", "encoder", "encoder.layers[0]", "dataset", "callbacks.log", "optimizer.rule"])
def test_names_that_run_or_write_something_are_refused(name: str, key: str) -> None:
    with pytest.raises(UserError, match="not on genctl's list|may not stand here|that a config may name"):
        locate(name, key, ())


def test_a_name_is_accepted_at_its_place_alone() -> None:
    assert accepted("genctl.training.Log") == ["callbacks.x"]
    assert accepted("genctl.config.schedules.linear") == [f"{place}.{x}" for place in ("model", "optimizer")
                                                   for x in ("x", "x.y", "layers[0]")]  # fmt: skip
    assert "model" in accepted("genctl.strategies.VAE") and "encoder" not in accepted("genctl.strategies.VAE")


@pytest.mark.parametrize("name", [5, None, ["a"], {"a": 1}, True])
def test_a_name_is_a_text(name: Any) -> None:
    with pytest.raises(UserError, match="write the name of a class or a function"):
        locate(name, "encoder", ("mine",))
