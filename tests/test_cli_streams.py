"""What a shell may do to a command: close or fill its output, remove its directory, or put other files beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TINY = ("train", "model=ae_dense", "trainer.steps=2", "trainer.batch_size=8", "dataset.limit=20", "name=x")


def shell(line: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `genctl` is this installation's."""
    function = (
        f"genctl() {{ {sys.executable} -c 'import sys; from genctl.cli.main import main; sys.exit(main())' \"$@\"; }}"
    )
    environment = os.environ | variables
    return subprocess.run(
        ["bash", "-c", f"{function}; {line}"], cwd=cwd, text=True, capture_output=True, env=environment, timeout=120
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_an_error_and_loses_no_training(tmp_path: Path) -> None:
    for words in ("--help", "train --help", "train --cfg job"):
        done = shell(f"genctl {words} > /dev/full", tmp_path)
        assert done.returncode == 1 and done.stderr.count("error: ") == 1, done.stderr
        assert "No space left on device" in done.stderr and len(done.stderr.splitlines()) == 1
    done = shell(f"genctl {' '.join(TINY)} > /dev/full", tmp_path)
    assert done.returncode == 1 and "but the work was done" in done.stderr
    assert (tmp_path / "outputs/x/checkpoints/step-000000002").is_dir()


def test_closed_output_takes_no_file_of_a_run(tmp_path: Path) -> None:
    done = shell(f"genctl {' '.join(TINY)} >&- 2>&- <&-", tmp_path)
    assert done.returncode == 0
    assert "finished 2 steps" in (tmp_path / "outputs/x/train.log").read_text()
    assert shell("genctl --help >&-", tmp_path).returncode == 0
    assert shell("genctl sample run=nowhere 2>&-", tmp_path).returncode == 1


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    done = shell("mkdir gone && cd gone && rmdir ../gone && genctl train", tmp_path)
    assert done.returncode == 1 and done.stderr == (
        "error: the working directory is gone: change to one that is there with cd.\n"
    )


def test_a_name_that_is_no_text_is_printed_as_escapes(tmp_path: Path) -> None:
    done = shell(r"genctl sample run=$'\xff\e[31m'", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 1 and done.stderr.startswith("error: run=") and "\x1b" not in done.stderr


def test_python_m_imports_nothing_from_the_working_directory(tmp_path: Path) -> None:
    own = ("logging", "pathlib", "shlex", "difflib")  # of Python, but not of what it starts a module with
    for name in ("keras", "tensorflow", "hydra", "yaml", "numpy", "pydantic", *own):
        (tmp_path / f"{name}.py").write_text("open('imported', 'w')\nraise SystemExit(9)\n")
    for words in (["--version"], ["train", "--cfg", "job"], ["sample", "run=x"]):
        done = subprocess.run([sys.executable, "-m", "genctl", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == (words[0] == "sample"), done.stderr
    assert not (tmp_path / "imported").exists()
