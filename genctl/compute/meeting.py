"""How processes wait for each other before TensorFlow makes them, which blocks without a word and deaf to signals.

The leading process listens where TensorFlow will listen later, until all others have come, and then lets them go. Each
of the others tells it which one it is, and hears for whom they wait. A line of text ends with a line break.
"""

import contextlib
import errno
import hashlib
import logging
import re
import socket
import time
from collections.abc import Iterator, Sequence

from genctl.compute.cluster import split
from genctl.config.signatures import shown
from genctl.errors import UserError, first_few

QUIET_SECONDS = 5.0  # before a process says for whom it waits
STEP_SECONDS = 0.2  # between two looks at what has come
LINE_BYTES = 2**16
GO, WAITING, REFUSED = "go", "waiting", "refused"
log = logging.getLogger("genctl")


class Patience:
    """Says once for whom a process waits, and ends the waiting after some seconds. missing: the addresses of those."""

    def __init__(self, seconds: float, missing: Sequence[str]) -> None:
        self.seconds, self.missing = seconds, missing
        self._began, self._said = time.monotonic(), False

    def check(self) -> None:
        """Raise UserError where the time is over."""
        waited = time.monotonic() - self._began
        if waited >= self.seconds:
            raise UserError(
                f"no answer from {first_few(self.missing)} within trainer.wait_seconds={self.seconds:g}: start all "
                "processes of the cluster with the same command, and see that the addresses are right, and can be "
                "reached from here."
            )
        if waited >= QUIET_SECONDS and not self._said:
            self._said = True
            log.info("waiting for %s, for trainer.wait_seconds=%g at most", first_few(self.missing), self.seconds)


def meet(addresses: Sequence[str], place: int, seconds: float) -> None:
    """Return when the processes with all of these addresses HOST:PORT are there, of which this one has the `place`.

    Raises UserError where that takes longer than `seconds`, where the own port is taken, and where another process has
    been given another cluster or the same place.
    """
    with _listening(addresses[place]) as listener:
        if place == 0:
            _Leader(listener, addresses).gather(Patience(seconds, addresses[1:]))
        else:
            _follow(addresses, place, Patience(seconds, addresses[:1]))


def _listening(address: str) -> socket.socket:
    _, port = split(address)
    try:
        return socket.create_server(("", port), backlog=128)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another program of this machine listens there" if taken else error.strerror
        raise UserError(
            f"{address}, the address of this process, cannot be used: {reason}. End that program, or give the cluster "
            "another port."
        ) from error


def _greeting(addresses: Sequence[str]) -> str:
    return f"genctl {hashlib.sha256(' '.join(addresses).encode()).hexdigest()}"


class _Leader:
    """The process that the others come to. here: their connections by place."""

    def __init__(self, listener: socket.socket, addresses: Sequence[str]) -> None:
        self.listener, self.addresses = listener, addresses
        self.here: dict[int, socket.socket] = {}

    def gather(self, patience: Patience) -> None:
        """Wait until all are there; let them go."""
        self.listener.settimeout(STEP_SECONDS)
        told: list[str] = []
        try:
            while missing := self._missing():
                if missing != told:
                    patience.missing = told = missing
                    self._tell(f"{WAITING} {' '.join(missing)}")
                patience.check()
                self._admit()
            self._tell(GO)
        finally:
            for connection in self.here.values():
                connection.close()

    def _missing(self) -> list[str]:
        """The addresses of those who have not come, or have gone again."""
        for place in [place for place, connection in self.here.items() if not _is_open(connection)]:
            self.here.pop(place).close()
        return [address for place, address in enumerate(self.addresses) if place and place not in self.here]

    def _admit(self) -> None:
        """Let in the next one, if one comes within a moment."""
        try:
            connection, _ = self.listener.accept()
        except TimeoutError:
            return
        connection.settimeout(1.0)
        place, refusal = self._placed(connection)
        if refusal or place is None:
            with contextlib.suppress(OSError), connection:
                connection.sendall(f"{REFUSED} {refusal}\n".encode() if refusal else b"")
            return
        connection.setblocking(False)
        self.here[place] = connection

    def _placed(self, connection: socket.socket) -> tuple[int | None, str]:
        """The place of one who has come, None of a stranger; and why it is refused."""
        try:
            line = connection.recv(200).decode("ascii", "replace")
        except OSError:
            return None, ""
        match = re.fullmatch(r"(genctl [0-9a-f]{64}) ([0-9]{1,6})\n", line)
        if not match:
            return None, ""
        place = int(match[2])
        if match[1] != _greeting(self.addresses) or not 0 < place < len(self.addresses):
            return place, f"{self.addresses[0]} has been given another cluster than this process: give all the same."
        if place in self.here:
            return place, f"another process is {self.addresses[place]} already: give each a place of its own."
        return place, ""

    def _tell(self, line: str) -> None:
        for connection in self.here.values():
            with contextlib.suppress(OSError):  # one that has gone is missed soon
                connection.sendall(f"{line}\n".encode())


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _follow(addresses: Sequence[str], place: int, patience: Patience) -> None:
    leader = addresses[0]
    while True:
        patience.check()
        try:
            connection = socket.create_connection(split(leader), timeout=1.0)
        except OSError:
            patience.missing = [leader]
        else:
            with connection, contextlib.suppress(OSError):
                connection.sendall(f"{_greeting(addresses)} {place}\n".encode())
                if _is_let_go(connection, leader, patience):
                    return
        time.sleep(STEP_SECONDS)


def _is_let_go(connection: socket.socket, leader: str, patience: Patience) -> bool:
    """Listen to the leader until it says so, or is gone. Raises UserError where it refuses this process."""
    connection.settimeout(STEP_SECONDS)
    for line in _lines(connection, patience):
        word, _, rest = line.partition(" ")
        if word == GO:
            return True
        if word == REFUSED:
            raise UserError(shown(rest))
        patience.missing = rest.split() if word == WAITING else [f"{leader}, where another program answers,"]
    return False


def _lines(connection: socket.socket, patience: Patience) -> Iterator[str]:
    """What the leader says, line by line, until it is gone."""
    rest = b""
    while len(rest) < LINE_BYTES:
        patience.check()
        try:
            chunk = connection.recv(LINE_BYTES)
        except TimeoutError:
            continue
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("ascii", "replace") for line in lines)
