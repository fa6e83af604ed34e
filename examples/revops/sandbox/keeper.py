"""One process in the background that keeps both systems up, and how others find, start and end it.

It holds a lock for as long as it lives, so that a pid which the machine gave to somebody else is never taken for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, TypeVar

T = TypeVar("T")

LIFE_S = 12 * 3_600
"""Then they end by themselves: nobody is surprised by them next week."""


class NotStarted(Exception):
    """The systems did not come up."""


@dataclass(frozen=True)
class Ports:
    """Of 127.0.0.1; 0 is any free one."""

    crm: int = 44380
    product: int = 54380
    slack: int = 44381

    @classmethod
    def wanted(cls) -> Ports:
        """The usual ones, or those of the environment: `REVOPS_CRM_PORT` and so on."""
        return cls(
            **{
                each.name: int(os.environ.get(f"REVOPS_{each.name.upper()}_PORT", each.default))  # type: ignore[arg-type]
                for each in fields(cls)
            }
        )


ANY = Ports(0, 0, 0)


@dataclass(frozen=True)
class Running:
    """Where the systems are."""

    pid: int
    crm_url: str
    authority: str
    """Whom a client of the CRM must trust."""
    product_url: str
    slack_url: str

    @property
    def environment(self) -> dict[str, str]:
        """For the connections of `toque.toml`, which otherwise look at the usual ports."""
        return {
            "REVOPS_CRM_URL": self.crm_url,
            "REVOPS_CRM_CA": self.authority,
            "REVOPS_APP_URL": self.product_url,
            "REVOPS_SLACK_URL": self.slack_url,
        }


def running(folder: Path) -> Running | None:
    """The systems whose state is in `folder`, if they are up."""
    with _lock(folder) as lock:
        if _take(lock):
            return None
    return Running(**json.loads((folder / "running.json").read_text()))


def ensure(folder: Path, ports: Ports | None = None) -> Running:
    """Start them unless they are up. Returns when all answer. Raises `NotStarted`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = running(folder)
    if found is not None:
        return found
    command = [sys.executable, "-m", "sandbox", "--folder", str(folder), "serve"]
    given = {f"REVOPS_{name.upper()}_PORT": str(port) for name, port in asdict(ports or Ports.wanted()).items()}
    environ = {**os.environ, **given, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    log = folder / "log"
    with log.open("a") as told:
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told, start_new_session=True
        )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
    if not line:
        process.wait()
        said = log.read_text().strip().splitlines()
        raise NotStarted(f"{said[-1] if said else 'no word'} ({log})")
    return Running(**json.loads(line))


def stop(folder: Path) -> bool:
    """End them, and return when they have ended: whether they were up. What they hold stays."""
    found = running(folder)
    if found is None:
        return False
    os.kill(found.pid, signal.SIGTERM)
    with _lock(folder) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    return True


def serve(folder: Path, ports: Ports) -> None:
    """Be that process, until SIGTERM, for a day's work, or until the folder is gone: nothing outlives the example."""
    from sandbox.filling import fill_crm, fill_product
    from sandbox.product import Product
    from sandbox.salesforce.application import Sandbox
    from sandbox.salesforce.server import SandboxServer
    from sandbox.slack import SlackSandbox

    signal.signal(signal.SIGTERM, _interrupt)
    folder = folder.resolve()
    with _lock(folder) as lock:
        if not _take(lock):
            raise SystemExit("the sandboxes of this folder are up already")
        server = _opened("crm", ports.crm, lambda port: SandboxServer(Sandbox(folder / "crm.db"), folder / "tls", port))
        slack = _opened("slack", ports.slack, lambda port: SlackSandbox(folder / "slack.jsonl", port))
        product = Product(folder, _opened("product", ports.product, _free_port))
        state = server.sandbox.state
        try:
            if not state.setting("filled"):
                product.forget()  # of an example that was removed while it was down
            elif not product.is_there:
                raise SystemExit("the product's data are gone, and the CRM's are not: make demo-forget begins anew")
            product.start()
            fill_product(product.url)
            fill_crm(state)
            server.start()
            slack.start()
            told = json.dumps(asdict(Running(os.getpid(), server.url, str(server.authority), product.url, slack.url)))
            (folder / "running.json").write_text(told)
            print(told, flush=True)
            end_s = time.monotonic() + LIFE_S
            while folder.exists() and time.monotonic() < end_s:
                time.sleep(1)
        except KeyboardInterrupt:
            pass
        finally:
            slack.close()
            server.close()
            product.stop()
            if not folder.exists():
                product.forget()


def forget(folder: Path) -> None:
    """End them and remove what they hold."""
    from sandbox.product import Product

    stop(folder)
    Product(folder, 0).forget()
    shutil.rmtree(folder, ignore_errors=True)


def _opened(name: str, port: int, opened: Callable[[int], T]) -> T:
    try:
        return opened(port)
    except OSError as error:
        raise SystemExit(f"port {port}: {error.strerror}. REVOPS_{name.upper()}_PORT names another one") from error


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _lock(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "lock").open("a")


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_port(port: int) -> int:
    """The port itself if nobody has it, some free one for 0."""
    with socket.create_server(("127.0.0.1", port)) as free:
        return int(free.getsockname()[1])
