"""What a run says of itself: at its start, at its end, and in summary.json."""

import logging
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genctl.config.schedules import unbounded
from genctl.runs import rundir
from genctl.training.progress import GAP, losses

if TYPE_CHECKING:
    from genctl.training.run import Run

log = logging.getLogger("genctl")


def introduce(run: "Run") -> None:
    """Say what is trained, on what and where."""
    if not run.engine.writes:
        log.info("this process helps: the first one writes the run, and says how it goes")
        return
    introduce_data(run)
    counts = parameters(run)
    log.info("parameters: %s", ", ".join(f"{role} {count:,}" for role, count in counts.items()))
    introduce_device(run)
    log.info("directory: %s", run.directory)
    table = "\n".join(f"| {role} | {count:,} |" for role, count in counts.items())
    run.board.text("parameters", f"| network | parameters |\n|---|---|\n{table}")
    if run.complete and run.step < run.total:
        log.info("ended at step %d, %s", run.step, _in_vain(run))
    elif run.complete:
        log.info(
            "all %d steps are done already; for more: genctl resume %s trainer.steps=…",
            run.step,
            rundir.argument(run.directory),
        )
    elif run.step:
        log.info("continuing at step %d of %d", run.step, run.total)
    warn_of_phases(run)


def introduce_new_length(run: "Run", before: int, config: Mapping[str, Any]) -> None:
    """Say what becomes of schedules where a run of so many steps `before` is continued for another number of steps."""
    from genctl.compute.context import Noise, StepContext

    phase, scheduled = run.phase, dict(unbounded({key: config[key] for key in ("optimizer", "model")}))
    spans = [run.strategy.span(phase, total) for total in (before, run.total)]
    if not scheduled or spans[0] == spans[1]:
        return
    log.info(
        "schedules without steps end at step %d now, instead of %d: %s", spans[1][1], spans[0][1], ", ".join(scheduled)
    )
    for key, schedule in scheduled.items() if spans[1] == (0, run.total) else ():
        old, new = (float(schedule(StepContext(run.step, phase, Noise(0), span))) for span in spans)
        log.info("  %s goes on with %.3g at step %d; by the old length it was %.3g", key, new, run.step, old)


def introduce_device(run: "Run") -> None:
    """Say where and how it is computed."""
    from genctl.compute.device import describe  # it brings TensorFlow

    log.info(
        "device: %s; precision: %s; XLA: %s; data: %s (%.1f MiB)",
        describe(run.engine.device),
        run.trainer.precision,
        "on" if run.engine.xla else "off",
        "on the device" if run.engine.resident else "streamed",
        (run.train.bytes + run.validation.bytes) / 2**20,
    )


def introduce_data(run: "Run") -> None:
    """Say what is trained, on what, and what was decided about the data."""
    sizes, spec = run.dataset.sizes, run.dataset.spec
    log.info(
        "%s on %s %s: %s training, %s validation and %s test examples",
        type(run.strategy).__name__,
        spec.name,
        "x".join(map(str, spec.image_shape)),
        *(f"{sizes[split]:,}" for split in ("train", "validation", "test")),
    )
    for what, text in spec.decided.items():
        log.info("data, %s: %s", what, text)
    if run.dataset.augment.enabled:
        log.info("augmentation: %s", run.strategy.augmentation)


def warn_of_phases(run: "Run") -> None:
    """Warn of phases that the run does not come to."""
    last = run.strategy.phase(run.total - 1)
    missing = list(run.strategy.phases)[list(run.strategy.phases).index(last) + 1 :]
    if missing:
        log.warning(
            "%d steps end in phase %s: %s will not be trained. Set trainer.steps, or model.phases.%s and so on.",
            run.total,
            last,
            " and ".join(missing),
            last,
        )


def _in_vain(run: "Run") -> str:
    best = run.best or {"metric": "the monitor", "value": math.nan, "step": 0}
    return (
        f"after {run.monitor.waited} turns without a better {best['metric']} than {best['value']:.4g} at step "
        f"{best['step']} (trainer.patience={run.monitor.patience})"
    )


def parameters(run: "Run") -> dict[str, int]:
    """Numbers of weights by network."""
    return {role: network.count_params() for role, network in run.strategy.networks.items()}


def summarize(run: "Run", status: str) -> None:
    """Write summary.json; a run that had nothing left to do keeps the summary it has."""
    path = run.directory / rundir.SUMMARY
    if run.steps_here == 0 and path.exists():
        return
    rundir.write_json(
        path,
        {
            "status": status,
            "steps": run.step,
            "metrics": run.latest,
            "best": {**run.best, "better": run.monitor.better} if run.best else None,
            "images_per_second": round(run.images_per_second, 1),
            "seconds": round(time.monotonic() - run.began, 1),
            "parameters": parameters(run),
            **run.memory(),
        },
    )


def conclude(run: "Run") -> None:
    """Say what came of it, and what to do next."""
    if not run.engine.writes:
        return
    speed = f" at {run.images_per_second:,.0f} images/s" if run.images_per_second else ""
    log.info("finished %d steps%s: %s", run.step, speed, GAP.join(losses(run)))
    if run.step < run.total:
        log.info("of %d: ended %s", run.total, _in_vain(run))
    if validation := run.latest.get("validation"):
        log.info("validation: %s", "  ".join(f"{name} {value:.4g}" for name, value in validation.items()))
    log.info("try next:")
    for verb in ("sample", "reconstruct"):
        if run.strategy.can(verb):
            log.info("  genctl %s %s", verb, rundir.argument(run.directory))
    log.info("  genctl evaluate %s", rundir.argument(run.directory))
    log.info("  tensorboard --logdir %s", run.directory.parent)
    if (pictures := run.directory / "samples").is_dir():
        log.info("pictures: %s", pictures)
