"""The command line: `genctl VERB KEY=VALUE ...`.

A verb's module is imported only when the verb runs, so that help, completion and mistakes answer at once.
"""

import contextlib
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from genctl.cli import arguments, mistakes, streams
from genctl.cli.arguments import Arguments
from genctl.cli.table import VERBS, Verb
from genctl.config import paths
from genctl.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from genctl.cli.jobs import Jobs


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    streams.open_standard()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        streams.require_directory()
        status = _dispatch(words)
    except BrokenPipeError:
        status = streams.BROKEN
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        status = mistakes.report(error)
    return streams.flush(status)


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["completion"]:
        from genctl.cli import completion

        return completion.run(words[1:], VERBS)
    asked = arguments.parse(words)
    if "--version" in asked.flags:
        print(f"genctl {version('genctl')}")
        return 0
    if asked.verb is None and not asked.unknown and ("--help" in asked.flags or not asked.flags):
        from genctl.cli import help

        print(help.overview(VERBS.values()))
        return 0
    jobs = run_verb(_verb(asked), asked, shlex.join(["genctl", *words]))
    if jobs.failed:
        print(f"{jobs.failed} of {jobs.started} jobs failed.", file=sys.stderr)
    return int(jobs.failed > 0)


def _verb(asked: Arguments) -> Verb:
    if asked.verb in VERBS:
        return VERBS[asked.verb]
    if asked.verb is None and asked.unknown:
        raise mistakes.unknown_flag(*asked.unknown[0], arguments.BY_NAME, ())
    if asked.verb is None:
        raise UserError(f"a verb is missing: one of {', '.join(VERBS)}.")
    if "=" in asked.verb:
        raise UserError(f"the first word is a verb, but got '{asked.verb}': write genctl train {asked.verb}.")
    raise UserError(
        f"there is no verb '{asked.verb}'.{did_you_mean(asked.verb, [*VERBS, 'completion'])} Verbs: {', '.join(VERBS)}."
    )


def run_verb(verb: Verb, asked: Arguments, command: str) -> "Jobs":
    """Do what a command line asks a verb for; return what came of its jobs. Raises UserError and Stopped."""
    from genctl.cli import composition, help, hydra_errors, source, sweeps
    from genctl.cli.composition import Request
    from genctl.cli.jobs import Jobs

    overrides = arguments.gather(asked.overrides, verb.places) if verb.places else asked.overrides
    named = paths.named(asked.flags.get("--config-dir", ()))
    request = Request(verb.name, overrides, paths.users(named))
    if asked.unknown:
        raise mistakes.unknown_flag(*asked.unknown[0], arguments.BY_NAME, hydra_errors.settings(request))
    if verb.sweep and not asked.flags.keys() & {"--multirun", "--help"}:
        sweeps.refuse_settings(request)
    if verb.sweep and "--multirun" in asked.flags:
        sweeps.refuse_dry_run(request)
    jobs = Jobs(request, command)
    try:
        if "--help" in asked.flags:
            print(help.verb(verb, request))
            return jobs
        with source.guarded_environment(asked.words, named):
            for part in asked.flags.get("--package", ()):
                composition.require_part(request, part)
            if verb.sweep and "--multirun" in asked.flags and not composition.is_hydras(request):
                _sweep(verb, jobs, asked)
            else:
                _hydra(jobs, asked)
    except UserError:
        raise
    except Exception as error:
        raise hydra_errors.explain(error, request) from error
    if jobs.error:
        raise jobs.error
    return jobs


def _sweep(verb: Verb, jobs: "Jobs", asked: Arguments) -> None:
    """Run a sweep of our own, in which each trial is a process."""
    from genctl.cli import sweep_presets, sweeps

    settings, request = sweep_presets.read_settings(jobs.request)
    flags = [word for place in asked.flags.get("--config-dir", ()) for word in ("--config-dir", place)]
    wanted = sweeps.define(request, settings, flags)
    jobs.started, jobs.failed = wanted.size, verb.load_sweep()(wanted, settings, request, jobs.command)


def _hydra(jobs: "Jobs", asked: Arguments) -> None:
    import hydra

    from genctl.cli import sweeps
    from genctl.cli.composition import for_hydra
    from genctl.cli.source import search

    request = jobs.request
    words = ["genctl", *asked.hydra(), *for_hydra(request), search(request.folders)]
    with contextlib.ExitStack() as stack:
        if "--multirun" in asked.flags:
            words += stack.enter_context(sweeps.prepared(request))
        stack.enter_context(_process_state(words))
        hydra.main(version_base="1.3", config_path=str(paths.builtin()), config_name=request.verb)(jobs.run)()


@contextlib.contextmanager
def _process_state(words: list[str]) -> Iterator[None]:
    """Set what Hydra reads from the process, and put back what it changes (`--info` adds a log handler each time)."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
    argv, root, raising = sys.argv, logging.getLogger(), logging.raiseExceptions
    handlers, level = list(root.handlers), root.level
    sys.argv, logging.raiseExceptions = words, False
    try:
        yield
    finally:
        sys.argv, logging.raiseExceptions = argv, raising
        root.handlers[:] = handlers
        root.setLevel(level)
