"""The command line: `genctl VERB KEY=VALUE ...`.

A verb's module is imported only when the verb runs, so that help, completion and mistakes answer at once.
"""

import contextlib
import dataclasses
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from genctl import __version__
from genctl.commandline import arguments, mistakes, paths, streams
from genctl.commandline.arguments import Arguments
from genctl.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from genctl.commandline.jobs import Jobs


@dataclasses.dataclass(frozen=True)
class Verb:
    """A row of the verb table: `genctl.<module>` has a function of the verb's name.

    places: the setting that takes the words which are no settings, such as the directories of `genctl compare a b`.
    """

    name: str
    module: str
    summary: str
    examples: tuple[str, ...]
    places: str = ""


EVALUATE = ("run=outputs/NAME", "run=outputs/NAME metrics=[frechet,kernel] n=50000", "real=photos/ samples=made.npz")
TRAIN = ("model=vae dataset=mnist trainer.steps=2000", "-m model=ae,vae,gan seed=1,2")
COMPARE = ("outputs/", "outputs/one outputs/two by=frechet_distance html=runs.html")
ROWS = (
    Verb("train", "train", "train a model; the same name=… continues a run", TRAIN),
    Verb("resume", "train", "continue a run from its newest checkpoint", ("run=outputs/NAME trainer.steps=5000",)),
    Verb("sample", "sample", "draw images from a trained run", ("run=outputs/NAME n=64",)),
    Verb("evaluate", "evaluate", "metrics of a trained run, or of any set of images", EVALUATE),
    Verb("compare", "compare", "a table of runs: settings, metrics, speed, size", COMPARE, places="runs"),
    Verb("reconstruct", "reconstruct", "encode and decode images, beside the originals", ("run=outputs/NAME n=32",)),
    Verb("interpolate", "interpolate", "go from image to image", ("run=outputs/NAME", "run=outputs/NAME split=test")),
    Verb("traverse", "traverse", "vary one number of a code at a time", ("run=outputs/NAME",)),
    Verb("encode", "encode", "images to codes", ("run=outputs/NAME projector=true", "run=outputs/NAME path=photos/")),
    Verb("decode", "decode", "codes to images", ("run=outputs/NAME path=codes.npz out=images/",)),
    Verb("export", "export", "networks for use without genctl", ("run=outputs/NAME format=onnx part=decoder",)),
    Verb("invert", "invert", "find codes of images by descent, such as for a GAN", ("run=outputs/NAME path=photos/",)),
)
VERBS = {verb.name: verb for verb in ROWS}


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
        from genctl.commandline import completion

        return completion.run(words[1:], VERBS)
    found = arguments.parse(words)
    if "--version" in found.flags:
        print(f"genctl {__version__}")
        return 0
    if found.verb is None and not found.unknown and ("--help" in found.flags or not found.flags):
        from genctl.commandline import usage

        print(usage.overview(VERBS.values()))
        return 0
    return _run(_verb(found), found, shlex.join(["genctl", *words]))


def _verb(found: Arguments) -> Verb:
    if found.verb in VERBS:
        return VERBS[found.verb]
    if found.verb is None and found.unknown:
        raise mistakes.unknown_flag(*found.unknown[0], arguments.BY_NAME, ())
    if found.verb is None:
        raise UserError(f"a verb is missing: one of {', '.join(VERBS)}.")
    if "=" in found.verb:
        raise UserError(f"the first word is a verb, but got '{found.verb}': write genctl train {found.verb}.")
    raise UserError(
        f"there is no verb '{found.verb}'.{did_you_mean(found.verb, [*VERBS, 'completion'])} Verbs: {', '.join(VERBS)}."
    )


def _run(verb: Verb, found: Arguments, command: str) -> int:
    from genctl.commandline import composition, diagnosis, source, usage
    from genctl.commandline.composition import Request
    from genctl.commandline.jobs import Jobs

    overrides = arguments.gather(found.overrides, verb.places) if verb.places else found.overrides
    named = paths.named(found.flags.get("--config-dir", ()))
    request = Request(verb.name, overrides, paths.users(named))
    if found.unknown:
        raise mistakes.unknown_flag(*found.unknown[0], arguments.BY_NAME, diagnosis.settings(request))
    jobs = Jobs(request, verb.module, command)
    try:
        if "--help" in found.flags:
            print(usage.verb(verb, request))
            return 0
        with source.guarded_environment(found.words, named):
            for part in found.flags.get("--package", ()):
                composition.require_part(request, part)
            _hydra(jobs, found)
    except UserError:
        raise
    except Exception as error:
        raise diagnosis.explain(error, request) from error
    if jobs.error:
        raise jobs.error
    if jobs.failed:
        print(f"{jobs.failed} of {jobs.started} jobs failed.", file=sys.stderr)
    return int(jobs.failed > 0)


def _hydra(jobs: "Jobs", found: Arguments) -> None:
    import hydra

    from genctl.commandline import sweeps
    from genctl.commandline.composition import replacing
    from genctl.commandline.source import search

    request = jobs.request
    words = ["genctl", *found.hydra(), *replacing(request.overrides), search(request.folders)]
    with contextlib.ExitStack() as stack:
        if "--multirun" in found.flags:
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
