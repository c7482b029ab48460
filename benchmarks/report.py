"""From results to rows, a table and a file."""

import importlib.metadata
import json
import platform
import statistics
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rounds import Entrant
from works import Work

from genctl.compute.cores import cores

Row = dict[str, Any]
VERSIONS = {name: importlib.metadata.version(name) for name in ("tensorflow", "keras")}


def rows(work: Work, entrants: list[Entrant]) -> list[Row]:
    """One row for every precision of genctl against every rival; ratio is the median of the rounds' ratios."""
    own = [entrant for entrant in entrants if entrant.name.startswith("genctl")]
    rivals = [entrant for entrant in entrants if entrant not in own]
    return [_row(work, mine, theirs) for mine in own for theirs in rivals or [None]]


def _row(work: Work, own: Entrant, rival: Entrant | None) -> Row:
    row: Row = {
        "work": work.name,
        "precision": own.precision,
        "settings": own.settings,
        "batch_size": work.batch_size,
        "against": rival and rival.name,
        "ratio": None,
        "ratios": [],
        **_speed(own, ""),
        **(_speed(rival, "against_") if rival else {}),
        "error": "; ".join(f"{one.name}: {one.error}" for one in (own, rival) if one and one.error) or None,
    }
    if rival and not row["error"]:
        pairs = zip(own.results, rival.results, strict=True)
        row["ratios"] = [round(mine.images_per_second / theirs.images_per_second, 3) for mine, theirs in pairs]
        row["ratio"] = round(statistics.median(row["ratios"]), 3)
    return row


def _speed(entrant: Entrant, prefix: str) -> Row:
    known = not entrant.error
    return {
        f"{prefix}images_per_second": round(entrant.images_per_second, 1) if known else None,
        f"{prefix}peak_memory_mib": round(entrant.peak_memory_mib) if known else None,
    }


def show(console: Console, rows: list[Row]) -> None:
    """The table that people read."""
    table = Table(caption=machine())
    for name in ("work", "precision", "batch", "images/s", "MiB", "against", "images/s", "MiB", "ratio", "rounds"):
        table.add_column(name, justify="left" if name in ("work", "precision", "against") else "right")
    for row in rows:
        ratios = row["ratios"]
        table.add_row(
            *(row["work"], f"{row['precision']} {row.get('settings', '')}", str(row["batch_size"])),
            *(_number(row["images_per_second"]), _number(row["peak_memory_mib"]), row["against"] or ""),
            *(_number(row.get("against_images_per_second")), _number(row.get("against_peak_memory_mib"))),
            "" if row["ratio"] is None else f"{row['ratio']:.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else "",
        )
    console.print(table)
    for error in dict.fromkeys(f"{row['work']}: {row['error']}" for row in rows if row["error"]):
        console.print(error, markup=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def write(path: str | None, rows: list[Row]) -> None:
    if path:
        Path(path).write_text(json.dumps([row | {"machine": machine()} for row in rows], indent=1) + "\n")


def machine(used: int | None = None, versions: Mapping[str, str] | None = None) -> str:
    """Processor, graphics processor, and versions; of this process, but for the cores and versions that are given."""
    used = used or cores()
    packages = [f"{name} {(versions or VERSIONS)[name]}" for name in VERSIONS]
    gpu = _gpu()
    return ", ".join([f"{_processor()} ({used} core{'s' * (used != 1)})", *([gpu] if gpu else []), *packages])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _gpu() -> str:
    words = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=20).stdout.strip().replace("\n", ", ")
    except (OSError, subprocess.TimeoutExpired):
        return ""
