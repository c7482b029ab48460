"""Python and the packages that genctl needs, as its own metadata name them; and its optional extras."""

import importlib.metadata
import platform
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from genctl.cli.verbs.checkup.finding import Finding
from genctl.errors import first_few

EXTRAS = {"onnx": "genctl export format=onnx", "sweep": "sweep=tpe and its like", "slurm": "sweep.engine=slurm"}


def look() -> Iterator[Finding]:
    """Compare what is installed with what is asked for."""
    yield _python()
    needed = _requirements("")
    wrong = [problem for one in needed if (problem := _problem(one))]
    seen = first_few(wrong) if wrong else f"{len(needed)} that genctl {importlib.metadata.version('genctl')} needs"
    yield Finding("packages", seen, "pip install --upgrade genctl" if wrong else None)
    for extra, purpose in EXTRAS.items():
        missing = [problem for one in _requirements(extra) if (problem := _problem(one))]
        seen = f"not there, for {purpose} ({first_few(missing)})" if missing else f"there, for {purpose}"
        yield Finding(f"extra {extra}", seen, f"pip install 'genctl[{extra}]'" if missing else None, needed=False)


def _python() -> Finding:
    wanted, version = importlib.metadata.metadata("genctl")["Requires-Python"], platform.python_version()
    fits = SpecifierSet(wanted).contains(version, prereleases=True)
    seen = f"{version}{'' if fits else f', and genctl needs {wanted}'}"
    return Finding("Python", seen, None if fits else "make a virtual environment with such a Python, and install there")


def _requirements(extra: str) -> list[Requirement]:
    """What an extra asks for; "": what genctl does."""
    every = map(Requirement, importlib.metadata.requires("genctl") or [])
    if not extra:
        return [one for one in every if one.marker is None or one.marker.evaluate({"extra": ""})]
    return [one for one in every if one.marker and f'"{extra}"' in str(one.marker).replace("'", '"')]


def _problem(wanted: Requirement) -> str | None:
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{wanted.name} is missing"
    return None if wanted.specifier.contains(version, prereleases=True) else f"{wanted} is not {version}"
