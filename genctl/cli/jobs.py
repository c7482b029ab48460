"""What Hydra runs: one call of a verb, or one for each job of a sweep."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from genctl.cli import composition, hydra_errors
from genctl.cli.composition import Request
from genctl.cli.mistakes import report, short
from genctl.cli.naming import name_of
from genctl.cli.presets import PresetLoader, say_left_out
from genctl.cli.table import VERBS
from genctl.config import paths
from genctl.config.invocation import Invocation
from genctl.config.printing import printable
from genctl.config.signatures import check_settings
from genctl.errors import Stopped, UserError, first_few
from genctl.runs import rundir

if TYPE_CHECKING:
    from genctl.runs.records import TrainingResult

BASIC = f"{BasicSweeper.__module__}.{BasicSweeper.__name__}"
NO_NUMBER = (
    "it gave no number, which hydra/sweeper searches by: of genctl train it is the best value of trainer.monitor, or "
    "of the validation's loss, so let callbacks.validate.every_steps be more than 0."
)


class Jobs:
    """Runs a verb for each config that Hydra hands over, and keeps count.

    error: what a single run raised; Hydra would print more about it than the message. outcome: of the newest training.
    """

    def __init__(self, request: Request, command: str):
        self.request, self.command = request, command
        self.started, self.failed = 0, 0
        self.error: Exception | None = None
        self.outcome: TrainingResult | None = None

    def run(self, cfg: DictConfig) -> float | None:
        """Run one job; return the best value of what a training is monitored by, for Hydra's sweepers, or None.

        In a sweep a failure is printed and the next job follows, but a stop ends the sweep.
        Raises SystemExit for a stop in a sweep.
        """
        self.started += 1
        sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        job = None
        try:
            overrides = cast(list[str], OmegaConf.to_container(HydraConfig.get().overrides.task))
            job = name_of(overrides, self.request.overrides) if sweep else None
            self.outcome = self._call(cfg, overrides, job)
            best = self.outcome.best if self.outcome else None
            if sweep and best is None and HydraConfig.get().sweeper._target_ != BASIC:
                raise UserError(NO_NUMBER)
            return best
        except Exception as error:
            if not sweep:
                self.error = error
                return None
            self.failed += 1
            status = report(error, job or "")
            if isinstance(error, Stopped):
                raise SystemExit(status) from None
            return None

    def _call(self, cfg: DictConfig, overrides: Sequence[str], job: str | None) -> "TrainingResult | None":
        check(cfg, self.request.verb)
        groups = composition.chosen(HydraConfig.get().runtime.choices)
        choices = {group: str(choice) for group, choice in groups.items() if choice is not None}
        for group, choice in choices.items():
            if choice.startswith("_"):
                raise hydra_errors.no_choice(group, choice, self.request)
        if taken := paths.hidden(self.request.folders):
            names = printable(first_few(list(map(short, taken))))
            print(f"note: {names} is not used: genctl has a file of that name. Rename yours.", file=sys.stderr)
        for line in say_left_out(cast(PresetLoader, GlobalHydra.instance().config_loader())):
            print(f"note: {line}", file=sys.stderr)
        trust = trusted(overrides)
        make_importable(trust)
        verb = VERBS[self.request.verb].load()
        settings = rundir.plain(cfg)
        settings.pop("trust", None)
        check_settings(verb, settings, f"genctl {self.request.verb}", provided=("invocation",))
        return verb(Invocation(self.request.verb, self.command, choices, trust, job), **settings)


def check(cfg: DictConfig, verb: str) -> None:
    """Raise UserError for settings that have no value, and for references that lead nowhere."""
    if error := hydra_errors.unresolved(cfg):
        raise error
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise UserError(f"genctl {verb} needs {', '.join(f'{key}=…' for key in missing)}")


def make_importable(trust: Sequence[str]) -> None:
    """Let what is trusted be found in this directory too."""
    if trust and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


def trusted(overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the packages that `trust=[...]` names on the command line. Raises UserError for no list of texts."""
    values = [o.value() for o in composition.parse(overrides) if o.key_or_group == "trust"]
    packages = values[-1] if values else []
    if not isinstance(packages, list) or not all(isinstance(package, str) for package in packages):
        raise UserError(f"trust={packages}: write a list of packages, such as trust=[mypackage].")
    return tuple(packages)
