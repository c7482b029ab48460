"""Optuna as a library of samplers and pruners: a study is filled with what directories say, asked, and thrown away.

So there is no database that a kill could tear, or that several machines would have to share.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genctl.config.better import Better
from genctl.errors import UserError
from genctl.sweeps import space, states
from genctl.sweeps.definition import Sweep
from genctl.sweeps.outcomes import Curve, Outcome

if TYPE_CHECKING:
    import optuna

DIRECTIONS: dict[Better, str] = {"lower": "minimize", "higher": "maximize"}


def load_optuna(why: str) -> Any:
    """Import Optuna. Raises UserError where it is not installed. why: what it is needed for."""
    try:
        import optuna
    except ImportError as error:
        raise UserError(f"{why} needs Optuna: pip install 'genctl[sweep]'.") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    return optuna


def propose(sweep: Sweep, known: Sequence[Outcome]) -> tuple[dict[str, str], dict[str, Any]]:
    """The values of the next combination, given what came of those before it, and the sampler's notes of it.

    They are the same for the same outcomes.
    """
    optuna = load_optuna(f"sweep.search={sweep.search.method}")
    seed = (sweep.search.seed << 16) + len(known)
    samplers = {
        "random": lambda: optuna.samplers.RandomSampler(seed),
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=seed),
    }
    study = filled(sweep, known, samplers[sweep.search.method]())
    trial = study.ask({key: space.distribution(dimension) for key, dimension in sweep.swept.items()})
    words = {key: space.word(sweep.swept[key], value) for key, value in trial.params.items()}
    return words, dict(study._storage.get_trial_system_attrs(trial._trial_id))


def filled(sweep: Sweep, known: Sequence[Outcome], sampler: Any = None) -> "optuna.Study":
    """A study of what came of a search, or of a grid."""
    optuna = load_optuna("a search")
    better = next((one.better for one in known if one.better), sweep.search.better or ["lower"])
    study = optuna.create_study(directions=[DIRECTIONS[one] for one in better], sampler=sampler)
    distributions = {key: space.distribution(dimension) for key, dimension in sweep.swept.items()}
    names = {
        states.PRUNED: optuna.trial.TrialState.PRUNED,
        states.FAILED: optuna.trial.TrialState.FAIL,
        states.RUNNING: optuna.trial.TrialState.RUNNING,
    }
    for one in known:
        state = optuna.trial.TrialState.COMPLETE if one.values else names.get(one.state, names[states.FAILED])
        study.add_trial(
            optuna.trial.create_trial(
                state=state,
                values=list(one.values) or None,
                params=_parameters(sweep, one.combination.values),
                distributions=distributions,
                system_attrs=dict(one.combination.notes),
            )
        )
    return study


def _parameters(sweep: Sweep, values: Mapping[str, str]) -> dict[str, Any]:
    return {key: space.value(sweep.swept[key], text) for key, text in values.items()}


def importance(sweep: Sweep, known: Sequence[Outcome]) -> dict[str, float]:
    """How much of the spread of the first metric each setting explains, the most important one first.

    By functional analysis of variance on a forest (Hutter et al. 2014). {} where Optuna is not installed, or where
    fewer than four combinations are finished, or all are as good.
    """
    done = [one for one in known if one.values]
    if len(sweep.swept) < 2 or len({one.values[0] for one in done}) < 4:
        return {}
    try:
        optuna = load_optuna("what mattered")
    except UserError:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(
        filled(sweep, done), evaluator=evaluator, target=lambda trial: trial.values[0]
    )
    return dict(found)


def should_prune(pruner: str, better: Better, curves: Sequence[Curve], mine: int, total: int) -> bool:
    """Whether a run is so much worse than others at the same steps that it is not worth finishing.

    curves: of all trials in the sweep's order; mine: the place of the one that asks; total: the steps of a whole run.
    All are played back, so that what a pruner notes of each is there.
    """
    optuna = load_optuna(f"sweep.pruner={pruner}")
    first = min(curves[mine].values)
    pruners = {
        "median": lambda: optuna.pruners.MedianPruner(),
        "third": lambda: optuna.pruners.PercentilePruner(100 / 3, n_startup_trials=3),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(first, total, reduction_factor=3),
        "patient": lambda: optuna.pruners.PatientPruner(optuna.pruners.MedianPruner(), patience=1),
    }
    sampler = optuna.samplers.RandomSampler(0)
    study = optuna.create_study(
        study_name="sweep", direction=DIRECTIONS[better], pruner=pruners[pruner](), sampler=sampler
    )
    trials = [study.ask() for _ in curves]
    for trial, curve in zip(trials, curves, strict=True):
        if trial is not trials[mine]:
            _play(trial, curve)
    return _report(trials[mine], curves[mine].values)


def _play(trial: "optuna.Trial", curve: Curve) -> None:
    from optuna.trial import TrialState

    _report(trial, curve.values)
    if curve.state == states.FINISHED and curve.values:
        trial.study.tell(trial, list(curve.values.values())[-1])
    elif curve.state in (states.PRUNED, states.FAILED):
        trial.study.tell(trial, state=TrialState.PRUNED if curve.state == states.PRUNED else TrialState.FAIL)


def _report(trial: "optuna.Trial", values: Mapping[int, float]) -> bool:
    verdict = False
    for step, value in values.items():
        trial.report(value, step)
        verdict = trial.should_prune()
    return verdict
