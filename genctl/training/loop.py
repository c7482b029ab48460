"""The training loop."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from genctl.errors import NonFinite
from genctl.training.callbacks import Callback, is_wanted
from genctl.training.profiling import Profile
from genctl.training.signals import Requests

if TYPE_CHECKING:
    from genctl.training.moments import Moments
    from genctl.training.run import Run


def fit(
    run: "Run",
    callbacks: Sequence[Callback],
    progress: Callable[["Run"], None],
    requests: Requests,
    profile: Profile,
) -> None:
    """Train until the run is complete, in calls of at most about a second, and call back between them.

    Of several processes, one calls back and saves.
    """
    from genctl.training.moments import Moments  # it brings TensorFlow

    moments = Moments()
    while not run.complete and not agreed(run, requests):
        profile(run.step)
        try:
            run.advance(next_stop(run, callbacks, profile.steps))
            if any(is_wanted(callback, run) for callback in callbacks) or run.step in run.strategy.phase_ends():
                moments.renew(run)
            call(callbacks, run)
        except NonFinite as error:
            run.roll_back(error)
            moments = Moments()
        if requests.save:
            requests.save = False
            save_alone(run, moments)
        progress(run)
    moments.renew(run)
    if not run.complete:
        run.save()
        return
    run.conclude()
    call(callbacks, run)


def agreed(run: "Run", requests: Requests) -> bool:
    """Whether to stop now, on which all processes must agree, as on the length of the next call.

    What is asked for while they agree counts the next time, so nothing is written to `requests` here.
    """
    from genctl.compute import parallel

    stop, run.pace = parallel.agree(requests.stop, run.pace)
    return stop


def save_alone(run: "Run", moments: "Moments") -> None:
    """Save where this process was asked to, which of several cannot compute moments without the others."""
    from genctl.compute import parallel

    if not parallel.several_processes():
        moments.renew(run)
    run.save()


def call(callbacks: Sequence[Callback], run: "Run") -> None:
    """Give every callback its turn that is wanted now."""
    for callback in callbacks if run.engine.writes else ():
        if is_wanted(callback, run):
            callback(run)


def next_stop(run: "Run", callbacks: Sequence[Callback], others: Sequence[int] = ()) -> int:
    """The first step after the present one at which something is due: a callback, the end of a phase or of the run.

    others: further steps to stop at.
    """
    intervals = [every for callback in callbacks if (every := getattr(callback, "every_steps", 0))]
    turns = [(run.step // every + 1) * every for every in intervals]
    return min([run.total, *turns, *(end for end in (*run.strategy.phase_ends(), *others) if end > run.step)])
