"""`genctl doctor`: what it finds, what it says to do, its exit status, and that nothing is left."""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Genctl

from genctl.cli.verbs.checkup import folders, process, trainings


def lines(out: str) -> dict[str, str]:
    """The state and the rest of each line, by the name of what was looked at."""
    found = [
        re.match(r"(ok|absent|FAILED) +(extra \w+|training \w+|free disk|\w+) +(.*)", line) for line in out.split("\n")
    ]
    return {one[2]: f"{one[1]} {one[3]}" for one in found if one}


def test_all_is_well_and_nothing_is_left(genctl: Genctl, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "genctl", "doctor"]
    with tempfile.TemporaryDirectory() as short:  # sockets of Unix have paths of about 100 letters
        done = subprocess.run(command, env=os.environ | {"TMPDIR": short}, capture_output=True, text=True)
        assert not [*Path(short).iterdir()]
    assert (done.returncode, done.stderr) == (0, "")
    found = lines(done.stdout)
    assert {"Python", "packages", "extra onnx", "data", "cache", "runs", "free disk", "memory"} <= set(found)
    assert {"threads", "device", "precision", "XLA"} <= set(found)
    assert all(line.startswith("ok ") for name, line in found.items() if not name.startswith("extra ")), found
    assert re.search(r"ok [\d.]+, Keras [\d.]+ on tensorflow", found["TensorFlow"])
    assert all("20 steps in" in found[f"training {family}"] for family in ("ae", "vae", "gan", "aegan"))
    assert not [*tmp_path.iterdir()]


def test_each_fault_is_said_with_its_cure_and_the_status_tells(
    genctl: Genctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "FAMILIES", {"vae": "trainer.batch_size=100000"})
    monkeypatch.setattr(folders, "LEAST", 2**62)
    monkeypatch.setenv("GENCTL_DATA", str(tmp_path / "nothing"))
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file/cache"))
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "77")
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "onnx":
            raise importlib.metadata.PackageNotFoundError(name)
        return "0.1" if name == "pandas" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    result = genctl("doctor")
    found = lines(result.out)
    assert result.status == 1
    assert result.err.startswith(
        "error: 6 of 13 checks failed: packages, data, cache, free disk, threads, training vae."
    )
    assert "pandas" in found["packages"] and "is not 0.1: pip install --upgrade genctl" in found["packages"]
    assert found["extra onnx"].startswith("absent") and found["extra onnx"].endswith("pip install 'genctl[onnx]'")
    assert "is no folder that can be read: let it name" in found["data"]
    assert "no folder: let it be yours" in found["cache"] and "make room" in found["free disk"]
    assert found["threads"].endswith("unset TF_NUM_INTRAOP_THREADS")
    assert "trainer.batch_size=100000" in found["training vae"] and "genctl train model=vae" in found["training vae"]


def die(words: Sequence[str]) -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


def test_a_crash_and_a_check_without_end_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert process.problem(die, (), tmp_path / "said") == "its process was ended by SIGSEGV"
    monkeypatch.setattr(process, "MOST_SECONDS", 0.0)
    assert process.problem(die, (), tmp_path / "said") == "it takes longer than 0 s"
