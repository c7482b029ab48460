"""What `genctl data` found, as tables for the terminal and as JSON."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from genctl.config.printing import plain
from genctl.data.fitness import Finding, Fitness
from genctl.errors import first_few

_CLASSES = 20  # that the table lists
ENOUGH = "how many are enough for what (rules of thumb)"
FIT = "Nothing was found that speaks against training on these data."


def show(fitness: Fitness, console: Console) -> None:
    """Show what the data are, what was found, what to do about it, and what they are enough for."""
    spec, findings = fitness.dataset.spec, fitness.findings
    facts = _table("", "", title=f"data set {spec.name}")
    for name, value in _facts(fitness).items():
        facts.add_row(plain(name), plain(value))
    console.print(facts)
    if fitness.classes:
        console.print(_classes(fitness.classes))
    console.print(_needs(fitness))
    if not findings:
        console.print(plain(FIT))
        return
    console.print(_findings(findings))
    console.print(plain("What to do:"))
    for finding in findings:
        console.print(plain(f"* {finding.count:,} {finding.name}: {finding.advice}"))


def as_json(fitness: Fitness) -> str:
    """All of it; findings with the name of every example."""
    spec = fitness.dataset.spec
    report: dict[str, Any] = {
        "data": spec.name,
        "examples": dict(fitness.dataset.sizes),
        "shape": list(spec.image_shape),
        "decided": spec.decided,
        "classes": fitness.classes,
        "enough_for": [need._asdict() | {"enough": need.there >= need.needed} for need in fitness.needs()],
        "findings": [dataclasses.asdict(finding) for finding in fitness.findings],
    }
    if spec.is_image:
        report |= {"levels": list(fitness.levels), "contrast": float(fitness.prints.spread.mean())}
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _facts(fitness: Fitness) -> dict[str, str]:
    dataset = fitness.dataset
    facts = {
        "examples": ", ".join(f"{name} {count:,}" for name, count in dataset.sizes.items()),
        "shape": " x ".join(map(str, dataset.spec.image_shape)),
        **dataset.spec.decided,
    }
    if dataset.spec.is_image:
        low, high = fitness.levels
        facts["pixels"] = (
            f"nearly all from {low:.0f} to {high:.0f}, where 0 is black and 255 white; "
            f"those of a picture spread by {fitness.prints.spread.mean():.0f} (standard deviation)"
        )
    return facts


def _classes(classes: dict[str, dict[str, int]]) -> Table:
    """One row a class, the largest in training first; of many the largest and the smallest."""
    first = classes[next(iter(classes))]
    names = sorted(first, key=lambda name: -first[name])
    table = _table("class", *classes, title="classes", numbers=tuple(classes))
    half = _CLASSES // 2
    listed = names if len(names) <= _CLASSES else [*names[:half], *names[-half:]]
    for place, name in enumerate(listed):
        if place == half and len(names) > _CLASSES:
            table.add_row(f"… {len(names) - _CLASSES:,} more")
        table.add_row(plain(name), *(f"{counts[name]:,}" for counts in classes.values()))
    return table


def _needs(fitness: Fitness) -> Table:
    table = _table("use", "enough", "at least", "there are", "", title=ENOUGH, numbers=("at least", "there are"))
    for use, needed, of, there in fitness.needs():
        table.add_row(use, "yes" if there >= needed else "no", f"{needed:,}", f"{there:,}", of)
    return table


def _findings(findings: list[Finding]) -> Table:
    table = _table("finding", "count", "such as", title="findings", numbers=("count",))
    for finding in findings:
        few = [_words(example) for example in finding.examples[:2]]
        few += [""] * (len(finding.examples) - len(few))
        table.add_row(plain(finding.name), f"{finding.count:,}", plain(first_few(few, 2)))
    return table


def _words(example: dict[str, str]) -> str:
    if "reason" in example:
        return f"{example['name']} ({example['reason']})"
    return f"{example['name']} (of {example['original']})" if "original" in example else example["name"]


def _table(*heads: str, title: str, numbers: Sequence[str] = ()) -> Table:
    """A table with such a title and heads, of which those of numbers are on the right."""
    table = Table(title=plain(title), title_justify="left", show_header=any(heads))
    for head in heads:
        table.add_column(head, justify="right" if head in numbers else "left", overflow="fold")
    return table
