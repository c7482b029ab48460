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

LOGS = ("callbacks.log.every_steps=50", "callbacks.images.every_steps=500", "callbacks.checkpoint.every_steps=500")
WITH = {"overhead": LOGS, "overhead_validation": (*LOGS, "callbacks.validate.every_steps=500")}
OFF = "genctl without callbacks"


def rows(settings: Settings, say: Say) -> list[Row]:
    """For each model, the speed of training with callbacks against that without; then with validation as well."""
    interval = 500 if settings.tune else 50
    return [row for work in (DENSE_VAE, CONV_VAE) for row in _rows(work, interval, settings, say)]


def _rows(work: Work, interval: int, settings: Settings, say: Say) -> list[Row]:
    pilot = measure.genctl(work, "float32", work.pilot, "dataset.validation_fraction=0.1")
    say(f"{work.name}: {line(pilot)} (trial)")
    intervals = max(1, math.ceil(pilot.images_per_second * settings.seconds * 2 / work.batch_size / interval))
    kinds = {**WITH, OFF: ()}
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    error, memory = pilot.error, dict.fromkeys(kinds, 0.0)
    for number in range(0 if error else settings.repeats):
        for name, overrides in kinds.items():
            short, long = (_train(work, interval * count, overrides) for count in (1, 1 + intervals))
            error = error or short.error or long.error
            seconds[name].append(long.seconds - short.seconds)
            memory[name] = max(memory[name], long.peak_memory_mib)
            say(f"  round {number + 1}: {name}: {error or f'{seconds[name][-1]:.1f} s'}")
        if error or min(times[-1] for times in seconds.values()) <= 0:
            error = error or "too short to measure"
            break
    images = intervals * interval * work.batch_size
    return [
        {
            **{"work": f"{name}_{work.name}", "precision": "float32", "batch_size": work.batch_size, "against": OFF},
            **_figures((seconds[name], seconds[OFF]), (memory[name], memory[OFF]), images, error),
            "error": error or None,
        }
        for name in WITH
    ]


def _train(work: Work, steps: int, overrides: tuple[str, ...]) -> Result:
    return measure.genctl(work, "float32", steps, "dataset.validation_fraction=0.1", *overrides)


def _figures(seconds: tuple[list[float], list[float]], memory: tuple[float, float], images: int, error: str) -> Row:
    """Speeds over the whole of training, their ratio, and the share of time that callbacks add.

    seconds, memory: with callbacks, and without.
    """
    if error:
        return {"ratio": None, "ratios": [], "images_per_second": None, "peak_memory_mib": None, "overhead": None}
    ratios = [without / with_ for with_, without in zip(*seconds, strict=True)]
    ratio = statistics.median(ratios)
    speeds = [round(images / statistics.median(times), 1) for times in seconds]
    return {
        "ratio": round(ratio, 3),
        "ratios": [round(one, 3) for one in ratios],
        "overhead": round(1 / ratio - 1, 3),
        "images_per_second": speeds[0],
        "peak_memory_mib": round(memory[0]),
        "against_images_per_second": speeds[1],
        "against_peak_memory_mib": round(memory[1]),
    }
