"""Many command lines, each in a forked child of one process that imports TensorFlow once and runs none of it.

A program of its own, since forking a process in which TensorFlow has threads leaves the child waiting for them:
`python forked.py TABLE RESULTS`: JSON files with a list of [directory, words], and of what came of each.
"""

import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

SECONDS = 25  # that a line may take
CHILD_BYTES = 2**36  # of address space, of which TensorFlow reserves more than it uses


def run(directory: Path, words: list[str]) -> int:
    """Start one command line in its directory; return the child's process id. Its output is in out and err there."""
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        os.setsid()
        os.chdir(directory / "work")
        for descriptor, name in enumerate((os.devnull, directory / "out", directory / "err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), descriptor)
        resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
        os.environ["XDG_CACHE_HOME"] = str(directory / "cache")
        from genctl.cli.main import main

        status = main(words)
    finally:
        sys.stderr.flush()
        os._exit(status)
    return 0


def run_all(table: list[tuple[str, list[str]]], at_once: int) -> list[dict]:
    """Run the lines, so many at a time; the status of one that takes longer than SECONDS is -9."""
    waiting, running, results = list(enumerate(table)), {}, [{} for _ in table]
    while waiting or running:
        while waiting and len(running) < at_once:
            index, (directory, words) = waiting.pop(0)
            running[run(Path(directory), words)] = (index, time.monotonic())
        for child, (index, began) in list(running.items()):
            if time.monotonic() - began > SECONDS:
                os.killpg(child, signal.SIGKILL)
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                directory = Path(table[index][0])
                results[index] = {
                    "status": os.waitstatus_to_exitcode(status),
                    "seconds": round(time.monotonic() - began, 2),
                    **{name: (directory / name).read_text(errors="replace") for name in ("out", "err")},
                }
                del running[child]
        time.sleep(0.005)
    return results


def warm() -> None:
    """Import what the verbs import."""
    import hydra  # noqa: F401
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    from genctl.cli.table import VERBS

    for module in ("cli.hydra_errors", "cli.jobs", "runs.sampler", "training.engine"):
        importlib.import_module(f"genctl.{module}")
    for verb in VERBS.values():
        verb.load()


if __name__ == "__main__":
    warm()
    answer = run_all(json.loads(Path(sys.argv[1]).read_text()), len(os.sched_getaffinity(0)))
    Path(sys.argv[2]).write_text(json.dumps(answer))
