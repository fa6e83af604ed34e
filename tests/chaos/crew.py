"""The crew: the commands of a round. Servers that die are replaced, commands that die have to be resumed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

from tests.chaos.processes import Processes

Process = subprocess.Popen[bytes]
PATIENCE_S = 60.0
"""More than any of them needs, however often it is disturbed."""
KILLED = -signal.SIGKILL
STORE_AWAY = 5
"""Exit code of who starts while the database is down."""


class Crew:
    """`toque server`, `run`, `resume` and `trigger`, as many as a plan wants."""

    def __init__(self, processes: Processes, fail: Callable[[str], None]) -> None:
        self.servers: list[Process] = []
        self.commands: list[Process] = []
        """`run` and `resume`: each executes runs."""
        self._triggers: list[Process] = []
        self._stopping: set[int] = set()
        self._processes = processes
        self._fail = fail
        self.allowed = {0, KILLED}
        """Exit codes that are no failure."""

    @property
    def mains(self) -> list[Process]:
        """Everybody alive who executes runs."""
        return [main for main in (*self.commands, *self.servers) if main.poll() is None]

    @property
    def is_working(self) -> bool:
        """Some command has not ended."""
        return any(command.poll() is None for command in (*self.commands, *self._triggers))

    def run(self) -> None:
        """A run of its own process."""
        self.commands.append(self._processes.start("run", "kitchen.py:dinner", "-q"))

    def resume(self) -> None:
        """Somebody for what was interrupted."""
        self.commands.append(self._processes.start("resume", "-q"))

    def trigger(self, name: str) -> None:
        """A run for the servers."""
        self._triggers.append(self._processes.start("trigger", name))

    def serve(self, count: int) -> None:
        """So many servers live. Whoever was told to stop has done so before another one takes its place."""
        for server in self.servers:
            if server.pid in self._stopping:
                self._see_off(server)
            elif server.poll() is not None:
                self._check(server)
        self.servers = [server for server in self.servers if server.poll() is None]
        while len(self.servers) < count:
            self.servers.append(self._processes.start("server"))

    def terminate(self, server: Process) -> None:
        """Tell it to stop; it is replaced once it has."""
        server.terminate()
        self._stopping.add(server.pid)

    def stop_servers(self) -> None:
        """Kindly."""
        for server in self.servers:
            if server.poll() is None:
                server.terminate()
            self._see_off(server)
        self.servers.clear()

    def count_killed(self) -> int:
        """How many commands were killed since the last call. What ended by itself is content: whatever happened to
        its workers was mended."""
        ended = [command for command in self.commands if command.poll() is not None]
        self.commands = [command for command in self.commands if command.poll() is None]
        for command in ended:
            self._check(command)
        return sum(command.returncode != 0 for command in ended)

    def go_home(self) -> None:
        """The round is over."""
        self.count_killed()
        for trigger in self._triggers:
            self._check(trigger)
        self.commands.clear()
        self._triggers.clear()

    def _check(self, ended: Process) -> None:
        if ended.poll() not in self.allowed:
            self._fail(f"{ended.args!r} exited with {ended.returncode}")

    def _see_off(self, server: Process) -> None:
        self._stopping.discard(server.pid)
        try:
            code = server.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._fail("a server did not stop on SIGTERM")
            self._processes.kill_all()
            return
        # A signal that comes before the handler is there ends it like any other process.
        if code != -signal.SIGTERM:
            self._check(server)
