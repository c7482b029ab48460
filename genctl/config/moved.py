"""Where the data of a run are now: as its config says, unless the command line says otherwise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import yaml

from genctl.config import paths
from genctl.errors import UserError

MovedData = Mapping[Literal["path", "url"], str | None]  # the same data under another path, or on another server
NOT_MOVED: MovedData = MappingProxyType({})


def with_data_at(config: dict[str, Any], moved: MovedData) -> dict[str, Any]:
    """The config of a run with its data where the command line says.

    An address to download from that stands in a run, which may come from a stranger, counts only where it is one of
    genctl's own. Raises UserError for a setting that the run's data set does not have.
    """
    dataset = dict(config["dataset"])
    for name, value in moved.items():
        if value is not None and name not in dataset:
            raise UserError(f"dataset.{name}={value}: the data set of this run has no such setting.")
        if value is not None:
            dataset[name] = value
    if not moved.get("url") and "url" in dataset and dataset["url"] not in _own_addresses():
        dataset["url"] = None
    return {**config, "dataset": dataset}


def _own_addresses() -> set[str]:
    files = (paths.builtin() / "dataset").glob("*.yaml")
    return {yaml.safe_load(file.read_text(encoding="utf-8")).get("url") for file in files} - {None}
