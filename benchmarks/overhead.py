"""What logs, validation, pictures and checkpoints cost at their default intervals.

The time of training is the difference between a longer and a shorter run, so that starting and compiling do not count.
"""

import math
import statistics

import measure
from measure import Result
from report import Row
from rounds import Say, Settings, line
from works import CONV_VAE, DENSE_VAE, Work

ON = (
    *("callbacks.log.every=50", "callbacks.validate.every=500"),
    *("callbacks.images.every=500", "callbacks.checkpoint.every=500"),
)
OFF = "genctl without callbacks"


def rows(settings: Settings, say: Say) -> list[Row]:
    """For each model, the speed of training with callbacks against that without."""
    interval = 500 if settings.tune else 50
    return [_row(work, interval, settings, say) for work in (DENSE_VAE, CONV_VAE)]


def _row(work: Work, interval: int, settings: Settings, say: Say) -> Row:
    pilot = measure.genctl(work, "float32", work.pilot, "dataset.validation=0.1")
    say(f"{work.name}: {line(pilot)} (trial)")
    intervals = max(1, math.ceil(pilot.images_per_second * settings.seconds * 2 / work.batch_size / interval))
    images = intervals * interval * work.batch_size
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    error, memory = pilot.error, {"with": 0.0, "without": 0.0}
    for number in range(0 if error else settings.repeats):
        for name, overrides in (("with", ON), ("without", ())):
            short, long = (_train(work, interval * count, overrides) for count in (1, 1 + intervals))
            error = error or short.error or long.error
            seconds[name].append(long.seconds - short.seconds)
            memory[name] = max(memory[name], long.peak_memory_mib)
            say(f"  round {number + 1}: {name} callbacks: {error or f'{seconds[name][-1]:.1f} s'}")
        if error or min(seconds["with"][-1], seconds["without"][-1]) <= 0:
            error = error or "too short to measure"
            break
    return {
        **{"work": f"overhead_{work.name}", "precision": "float32", "batch_size": work.batch_size, "against": OFF},
        **_figures(seconds, memory, images, error),
        "error": error or None,
    }


def _train(work: Work, steps: int, overrides: tuple[str, ...]) -> Result:
    return measure.genctl(work, "float32", steps, "dataset.validation=0.1", *overrides)


def _figures(seconds: dict[str, list[float]], memory: dict[str, float], images: int, error: str) -> Row:
    """Speeds over the whole of training, their ratio, and the share of time that callbacks add."""
    if error:
        return {"ratio": None, "ratios": [], "images_per_second": None, "peak_memory_mib": None, "overhead": None}
    ratios = [without / with_ for with_, without in zip(seconds["with"], seconds["without"], strict=True)]
    ratio = statistics.median(ratios)
    return {
        "ratio": round(ratio, 3),
        "ratios": [round(one, 3) for one in ratios],
        "overhead": round(1 / ratio - 1, 3),
        "images_per_second": round(images / statistics.median(seconds["with"]), 1),
        "peak_memory_mib": round(memory["with"]),
        "against_images_per_second": round(images / statistics.median(seconds["without"]), 1),
        "against_peak_memory_mib": round(memory["without"]),
    }
