"""Processes that share every batch: what the environment says of them, and how they wait for each other."""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import tiny

from genctl.compute import meeting
from genctl.compute.cluster import from_environment
from genctl.compute.meeting import meet
from genctl.errors import UserError

TASK = {"type": "worker", "index": 0}


def places(count: int) -> list[str]:
    """Addresses of this machine that nobody uses."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in found]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "the variable TF_CONFIG is not set"),
        ("workers", "TF_CONFIG=workers: Invalid JSON"),
        ("[" * 100_000, "Invalid JSON: recursion limit exceeded"),
        (["localhost:4000"], "should be an object"),
        ({"task": TASK}, "cluster: Field required"),
        ({"cluster": {}, "task": TASK}, "cluster: Dictionary should have at least 1 item"),
        ({"cluster": {"worker": []}, "task": TASK}, "cluster.worker: List should have at least 1 item"),
        ({"cluster": {"worker": ["localhost:4000"]}}, "task: Field required"),
        ({"cluster": {"worker": ["localhost:4000"]}, "task": {"type": "worker"}}, "task.index: Field required"),
        ({"cluster": {"worker": ["localhost:4000"]}, "task": TASK | {"index": -1}}, "task.index: should be greater"),
        ({"cluster": {"worker": ["localhost:4000"]}, "task": TASK | {"index": 1}}, "is worker 1, and the cluster has"),
        ({"cluster": {"worker": ["localhost:4000"]}, "task": TASK | {"type": "chief"}}, "is chief 0, and the cluster"),
        ({"cluster": {"worker": ["localhost:4000"]}, "task": TASK | {"type": "ps"}}, "task.type: should be 'chief' or"),
        ({"cluster": {"ps": ["localhost:4000"]}, "task": TASK}, "cluster.ps.[key]: should be 'chief' or 'worker'"),
        ({"cluster": {"worker": "localhost:4000"}, "task": TASK}, "cluster.worker: should be a valid array"),
        ({"cluster": {"worker": ["localhost"]}, "task": TASK}, "cluster.worker.0: should be HOST:PORT"),
        ({"cluster": {"worker": ["localhost:0"]}, "task": TASK}, "with a port from 1 to 65535"),
        ({"cluster": {"worker": ["localhost:65536"]}, "task": TASK}, "with a port from 1 to 65535"),
        ({"cluster": {"worker": ["http://localhost:80"]}, "task": TASK}, "should be HOST:PORT"),
        ({"cluster": {"worker": ["localhost:4000"]}, "task": TASK}, "it names this process alone"),
        ({"cluster": {"worker": ["a:1", "a:1"]}, "task": TASK}, "a:1 is there twice"),
        ({"cluster": {"chief": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}}, "there can be one chief"),
        ({"cluster": {"worker": ["x.invalid:4000"]}, "task": TASK}, "the name in x.invalid:4000 cannot be resolved"),
        ({"cluster": {"worker": [f"{'x' * 99}:4000"]}, "task": TASK}, "cannot be resolved"),
    ],
)
def test_a_cluster_that_cannot_be_is_shown_beside_one_that_can(
    monkeypatch: pytest.MonkeyPatch, config: Any, message: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(UserError) as error:
        from_environment("tf_config", gpus=False)
    assert message in str(error.value) and '"task": {"type": "worker", "index": 0}}' in str(error.value)
    assert len(str(error.value)) < 600


def test_the_chief_leads_and_workers_follow_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = {"worker": ["localhost:2", "localhost:3"], "chief": ["localhost:1"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": jobs, "task": task, "environment": "cloud"}))
    found = from_environment("tf_config", gpus=False)
    assert found.addresses == ["localhost:1", "localhost:2", "localhost:3"] and found.place == 2


SLURM = {
    "SLURM_PROCID": "2",
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_STEP_NODELIST": "localhost,127.0.0.[1]",
    "SLURM_STEP_TASKS_PER_NODE": "1,2",
}


def test_slurm_names_a_cluster_on_machines_without_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    found = from_environment("slurm", gpus=False)
    assert found.addresses == ["127.0.0.1:8888", "127.0.0.1:8889", "localhost:8888"]
    assert (found.job, found.place) == ("worker", 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict.fromkeys(SLURM), "SLURM_PROCID not found in environment"),
        ({"SLURM_STEP_NODELIST": None}, "SLURM_STEP_NODELIST not found in environment"),
        ({"SLURM_PROCID": "x"}, "invalid literal for int() with base 10: 'x'"),
        ({"SLURM_PROCID": "3"}, "SLURM_PROCID=3 is none of its processes"),
        ({"SLURM_STEP_NODELIST": "node[1-"}, "node[1-"),
        ({"SLURM_STEP_NODELIST": "x.invalid,localhost"}, "the name in x.invalid:8888 cannot be resolved"),
        ({"SLURM_STEP_TASKS_PER_NODE": "7,7"}, "Requested 3 tasks but only 14 were assigned"),
    ],
)
def test_an_environment_that_slurm_did_not_make_is_one_message(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], message: str
) -> None:
    for name, value in (SLURM | changes).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as error:
        from_environment("slurm", gpus=False)
    assert str(error.value).startswith("trainer.workers=slurm: ") and message in str(error.value)
    assert "Start all processes by srun" in str(error.value)


class Together:
    """Processes that meet, each of them a thread here."""

    def __init__(self) -> None:
        self.ends: dict[int, str] = {}
        self._threads: list[threading.Thread] = []

    def start(self, addresses: list[str], place: int, seconds: float = 20.0) -> None:
        def run() -> None:
            try:
                meet(addresses, place, seconds)
                self.ends[place] = "met"
            except UserError as error:
                self.ends[place] = str(error)

        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()

    def finish(self) -> dict[int, str]:
        for thread in self._threads:
            thread.join(timeout=30)
        return self.ends


@pytest.fixture
def together() -> Together:
    return Together()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_all_go_on_when_the_last_has_come(together: Together, order: tuple[int, ...]) -> None:
    addresses = places(3)
    for place in order[:-1]:
        together.start(addresses, place)
    time.sleep(0.6)
    assert together.ends == {}
    together.start(addresses, order[-1])
    assert together.finish() == dict.fromkeys(range(3), "met")
    for address in addresses:  # TensorFlow listens there next
        meeting._listening(address).close()


def test_one_process_waits_for_nobody() -> None:
    meet(places(1), 0, 0.1)


def test_each_says_for_whom_it_waits_and_ends_at_the_limit(
    together: Together, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(meeting, "QUIET_SECONDS", 0.5)
    addresses = places(3)
    with caplog.at_level(logging.INFO, "genctl"):
        together.start(addresses, 0, 2.5)
        together.start(addresses, 2, 2.0)
        ends = together.finish()
    said = [record.getMessage() for record in caplog.records]
    assert sorted(said) == [f"waiting for {addresses[1]}, for trainer.wait_seconds={n} at most" for n in ("2", "2.5")]
    assert all(f"no answer from {addresses[1]}" in ends[place] for place in (0, 2))


def test_who_has_gone_again_is_waited_for(together: Together) -> None:
    addresses = places(3)
    together.start(addresses, 1, 0.7)
    together.start(addresses, 0)
    time.sleep(1.5)
    assert "no answer from" in together.ends.pop(1)
    together.start(addresses, 2)
    time.sleep(0.6)
    assert together.ends == {}
    together.start(addresses, 1)
    assert together.finish() == dict.fromkeys(range(3), "met")


def test_processes_of_other_clusters_and_of_one_place_are_refused(together: Together) -> None:
    addresses = places(3)
    together.start(addresses, 0, 3.0)
    together.start([addresses[0], *places(2)], 1)
    time.sleep(0.6)
    assert "has been given another cluster than this process" in together.ends.pop(1)
    together.start(addresses, 2, 3.0)
    time.sleep(0.6)
    with connected(addresses[0]) as elsewhere:  # from a machine that was given the same index
        elsewhere.sendall(f"{meeting._greeting(addresses)} 2\n".encode())
        assert elsewhere.recv(1000).decode().startswith(f"refused another process is {addresses[2]} already")
    assert all("no answer from" in end for end in together.finish().values())


def connected(address: str) -> socket.socket:
    """A connection to what listens there, or will in a moment."""
    for _ in range(50):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))
        time.sleep(0.1)
    raise AssertionError(address)


@pytest.mark.parametrize("word", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x12\x04" * 50_000, b""])
def test_strangers_are_no_part_of_it(together: Together, word: bytes) -> None:
    addresses = places(2)
    together.start(addresses, 0)
    with connected(addresses[0]) as stranger:
        stranger.sendall(word)
        together.start(addresses, 1)
        assert together.finish() == {0: "met", 1: "met"}


@contextlib.contextmanager
def answering(address: str, word: bytes) -> Iterator[None]:
    """Another program, which listens at this address and says this."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])
                    kept[-1].recv(1000)
                    kept[-1].sendall(word)

        threading.Thread(target=serve, daemon=True).start()
        yield


def test_another_program_at_the_leaders_address_is_told(together: Together) -> None:
    addresses = places(2)
    with answering(addresses[0], b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        together.start(addresses, 1, 1.0)
        assert f"{addresses[0]}, where another program answers," in together.finish()[1]


def test_a_port_that_is_taken_is_one_message(together: Together) -> None:
    addresses = places(2)
    with answering(addresses[1], b""):
        together.start(addresses, 1)
        assert f"{addresses[1]}, the address of this process, cannot be used" in together.finish()[1]


SOON = """
import sys
from genctl.cli.main import main
from genctl.compute import meeting
begin, meeting.QUIET_SECONDS = meeting.Patience.__init__, 1
meeting.Patience.__init__ = lambda self, seconds, missing: begin(self, 3.0, missing)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str], int], subprocess.Popen]]:
    """`start(addresses, place)`: a training in a process of its own, which gives up waiting early."""
    monkeypatch.chdir(tmp_path)
    started: list[subprocess.Popen] = []

    def begin(addresses: list[str], place: int) -> subprocess.Popen:
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": place}}
        words = ("train", *tiny("gan"), "trainer.device=cpu", "trainer.workers=tf_config", "name=x", "trainer.steps=4")
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", SOON, *words],
                env=os.environ | {"TF_CONFIG": json.dumps(config)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()


def test_a_process_alone_ends_with_one_message_and_leaves_nothing(
    start: Callable[[list[str], int], subprocess.Popen],
) -> None:
    addresses = places(2)
    out, err = start(addresses, 0).communicate(timeout=60)
    assert f"waiting for {addresses[1]}, for trainer.wait_seconds=3 at most" in out
    assert (
        err.startswith(f"error: no answer from {addresses[1]} within trainer.wait_seconds=3") and err.count("\n") == 1
    )
    assert not Path("runs").exists()


def test_a_process_that_waits_can_be_interrupted(start: Callable[[list[str], int], subprocess.Popen]) -> None:
    process = start(places(2), 1)
    assert process.stdout is not None and process.stdout.readline().startswith("waiting for ")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1] == "interrupted\n" and process.returncode == 130


def test_a_variable_that_is_not_asked_for_has_no_effect(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, genctl: Any
) -> None:
    monkeypatch.setenv("TF_CONFIG", "workers")
    genctl.good("train", *tiny("gan"), "trainer.steps=2", "name=x")
