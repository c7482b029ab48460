"""What varies on the command line of a sweep, as lists of values and intervals."""

import math
from collections.abc import Mapping, Sequence

from hydra.core.override_parser.types import IntervalSweep, Override

from genctl.cli import composition
from genctl.config.signatures import shown
from genctl.errors import UserError
from genctl.sweeps.space import Dimension, Interval
from genctl.sweeps.sweep_settings import Settings

MOST_TRIALS = 10_000
TAGS = {"log"}


def dimensions(overrides: Sequence[Override], settings: Settings) -> dict[str, Dimension]:
    """The dimensions of those overrides that vary, by key.

    Raises UserError for an override without a value, for an interval that nothing can be chosen from, for a space that
    does not suit the search, and for more trials than were asked for.
    """
    found = {one.get_key_element(): _dimension(one) for one in overrides if one.is_sweep_override()}
    check = _check_grid if settings["search"] == "grid" else _check_search
    check(found, {one.get_key_element(): shown(one.input_line) for one in overrides}, settings)
    return found


def _dimension(override: Override) -> Dimension:
    line = shown(override.input_line)
    if override.is_discrete_sweep():
        if not (values := composition.values(override)):
            raise UserError(f"{line} names nothing to run: give at least one value.")
        return values
    interval = override.value()
    assert isinstance(interval, IntervalSweep)
    low, high = interval.start, interval.end
    if low is None or high is None or not math.isfinite(low) or not math.isfinite(high) or low >= high:
        raise UserError(f"{line}: an interval goes from a number to a larger one, such as interval(0.1, 1).")
    if unknown := sorted(map(str, interval.tags - TAGS)):
        raise UserError(f"{line}: there is no tag '{unknown[0]}': write tag(log, interval(…)) to choose by logarithms.")
    if interval.tags and low <= 0:
        raise UserError(f"{line}: logarithms need an interval of numbers above 0.")
    whole = isinstance(low, int) and isinstance(high, int)
    return Interval(low, high, whole=whole, log=bool(interval.tags))


def _check_grid(found: Mapping[str, Dimension], lines: Mapping[str, str], settings: Settings) -> None:
    for key, dimension in found.items():
        if isinstance(dimension, Interval):
            raise UserError(f"{lines[key]}: an interval has no end of values: list some, or choose them by sweep=tpe.")
    if settings["trials"] is not None:
        raise UserError(
            f"sweep.trials={settings['trials']} is of a search, and sweep.search=grid trains every combination: add "
            "sweep.search=random, or leave it out."
        )
    count = math.prod(len(dimension) for dimension in found.values() if not isinstance(dimension, Interval))
    _check_count(count, " ".join(lines[key] for key in found), settings)


def _check_search(found: Mapping[str, Dimension], lines: Mapping[str, str], settings: Settings) -> None:
    method = settings["search"]
    if not found:
        raise UserError(
            f"sweep.search={method} has nothing to choose: let a setting vary, such as "
            "optimizer.learning_rate='tag(log, interval(1e-4, 1e-2))' or model.latent_dim=8,16,32."
        )
    if settings["trials"] is None:
        raise UserError(f"sweep.search={method} needs a number of combinations: add sweep.trials=20.")
    for key, dimension in found.items() if method == "cmaes" else ():
        if not isinstance(dimension, Interval):
            raise UserError(f"{lines[key]}: sweep.search=cmaes chooses from intervals alone: use interval(…), or tpe.")
    if method == "cmaes" and len(found) < 2:
        raise UserError("sweep.search=cmaes needs two settings that vary, or more: use sweep.search=tpe for one.")
    _check_count(settings["trials"], f"sweep.trials={settings['trials']}", settings)


def _check_count(count: int, what: str, settings: Settings) -> None:
    trials = count * (settings["folds"] or 1)
    if trials > MOST_TRIALS and not settings["yes"]:
        folds = f" sweep.folds={settings['folds']}" if settings["folds"] else ""
        raise UserError(
            f"{what}{folds} makes {trials:,} trials: if more than {MOST_TRIALS:,} are wanted, say sweep.yes=true."
        )
