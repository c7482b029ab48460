"""The combinations that a search has proposed, each in a file of its own, and the next one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import filelock
import yaml

from genctl.config import files
from genctl.config.signatures import check_settings, check_value
from genctl.errors import UserError
from genctl.runs import rundir
from genctl.sweeps import definition, states, studies
from genctl.sweeps.definition import INSIDE, Combination, Sweep, Trial
from genctl.sweeps.outcomes import Outcome, outcomes

HOPELESS = 5  # trials that fail from the first one on, after which a search proposes no more


class Proposal(TypedDict):
    """values: of the settings that vary; notes: what the sampler wants to be told again."""

    values: dict[str, str]
    notes: dict[str, Any]


def read_proposals(sweep: Sweep) -> list[Trial]:
    """Add what was proposed since, by whichever process; return the trials of it that were not known.

    Raises UserError for a file that genctl would not have written.
    """
    before = set(sweep.trials)
    for path in sorted(_folder(sweep).glob("*.json"))[len(sweep.combinations) :]:
        proposal = _read(path, sweep)
        sweep.combinations.append(Combination(proposal["values"], sweep.make(proposal["values"]), proposal["notes"]))
    return [trial for trial in sweep.trials if trial not in before]


def wants_more(sweep: Sweep) -> bool:
    """Whether there are combinations to propose."""
    return sweep.search.method != "grid" and len(sweep.combinations) < sweep.search.size


def extend(sweep: Sweep) -> list[Trial]:
    """Trials that were not known: those that others proposed, or else of the next combination that is a new one.

    Raises UserError where the first ones have all failed, as more of them would.
    """
    if sweep.search.method == "grid":
        return []
    _folder(sweep).mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(_folder(sweep) / ".lock"):
        new = read_proposals(sweep)
        while not new and wants_more(sweep):
            known = outcomes(sweep)
            _check_hope(sweep, known)
            values, notes = studies.propose(sweep, known)
            path = _folder(sweep) / f"{len(sweep.combinations):05d}.json"
            rundir.write(path, json.dumps(Proposal(values=values, notes=notes)))
            new = read_proposals(sweep)
            _list(sweep)
    return new


def _check_hope(sweep: Sweep, known: Sequence[Outcome]) -> None:
    if len(known) >= HOPELESS and all(one.state == states.FAILED for one in known):
        why = states.failure(sweep, known[0].combination.trials[0])
        raise UserError(
            f"{sweep.directory}: all {len(known)} trials failed, so no more are tried. The first: {why} Mend that, and "
            "the same command goes on."
        )


def _list(sweep: Sweep) -> None:
    """Name the trials in sweep.yaml, where those who look at the sweep find them."""
    stored = definition.read(sweep.directory)
    stored["trials"] = list(dict.fromkeys([*stored["trials"], *(trial.name for trial in sweep.trials)]))
    rundir.write(sweep.directory / definition.FILE, yaml.safe_dump(dict(stored), sort_keys=False))


def _folder(sweep: Sweep) -> Path:
    return sweep.directory / INSIDE / "proposals"


def _read(path: Path, sweep: Sweep) -> Proposal:
    stored = files.read_json(path)
    check_value(stored, dict[str, Any], str(path))
    check_settings(Proposal, stored, str(path))
    if set(stored["values"]) != set(sweep.swept):
        raise UserError(f"{path} is of a search of other settings: {', '.join(stored['values'])}. Delete it.")
    return Proposal(values=stored["values"], notes=stored["notes"])
