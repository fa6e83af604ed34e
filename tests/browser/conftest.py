"""A real server on a zoo of pipelines, and Debian's Chromium in front of it."""

from __future__ import annotations

import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.writes import JUDGE, WRITES, is_whole

ROOT = Path(__file__).resolve().parents[2]
ZOO = Path(__file__).parent / "zoo"
BUILT = ROOT / "src" / "toque" / "web" / "index.html"
PATIENCE_S = 30
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# What a page shows in the end, a loaded machine shows later.
expect.set_options(timeout=PATIENCE_S * 1000)
TOKEN = "the-token-of-the-zoo-which-only-tests-know"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """The test that judges what all others did is the last, and belongs to nothing less than all of them."""
    found = list(items)
    yield
    judges = [item for item in items if item.name == JUDGE]
    others = [item for item in items if item.name != JUDGE]
    if judges and not is_whole(found, items):
        config.hook.pytest_deselected(items=judges)
        judges = []
    items[:] = others + judges


class Zoo:
    """A served project; what tests do to it beside the pages."""

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.gate = root / "gate"
        self.url = ""
        self._environ = dict(environ or {})
        self._server: subprocess.Popen[str] | None = None

    def start(self, port: int = 0) -> None:
        """Serve, and wait until it does."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root.parent),
            "PYTHONPATH": str(ROOT / "src"),
            "TOQUE_TOKEN": TOKEN,
            "TZ": "Europe/Madrid",
            **self._environ,
        }
        self._server = subprocess.Popen(
            (sys.executable, "-m", "toque", "dev", "--port", str(port)),
            cwd=self.root,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        assert self._server.stdout is not None
        for line in self._server.stdout:
            said.append(line)
            if "afterwards:" in line:
                self.url = line.split()[-1]
            if " pipeline" in line:
                break
        else:
            raise AssertionError("the server did not start:\n" + "".join(said))
        # What it goes on to say must not fill the pipe.
        threading.Thread(target=collections.deque, args=(self._server.stdout, 0), daemon=True).start()

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, and all that it started."""
        if self._server is None:
            return
        os.killpg(self._server.pid, how)
        self._server.wait(PATIENCE_S)
        self._server = None

    def restart(self) -> None:
        """`kill -9`, and the next one at the same address."""
        port = int(self.url.rsplit(":", 1)[1])
        self.stop()
        self.start(port)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The API, as scripts use it."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read() or b"null")

    def run(self, pipeline: str, **parameters: Any) -> str:
        """Start a run; its id."""
        return str(self.ask(f"/pipelines/{pipeline}/runs", {"parameters": parameters})["run_id"])

    def open_gate(self) -> None:
        """Let the parade end: somebody reads at the other side, or will."""
        self.gate.write_text("open")


def furnish(root: Path) -> None:
    """The pipelines of the zoo, and the flights example."""
    shutil.copytree(ZOO, root, ignore=shutil.ignore_patterns("__pycache__", ".toque"))
    shutil.copy(ROOT / "examples/flights/flights.py", root)


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    if not BUILT.is_file():
        pytest.fail("the UI is not built: make ui")
    root = tmp_path_factory.mktemp("browser") / "zoo"
    furnish(root)
    os.mkfifo(root / "gate")
    served = Zoo(root)
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's; while it is open no asynchronous test can run in this process."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("these tests drive Debian's Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=FLAGS)
        # Each context tells, also those that a test opens for itself.
        opened = launched.new_context

        def listened_to(**options: Any) -> BrowserContext:
            context = opened(**options)
            context.on("response", WRITES.saw)
            return context

        launched.new_context = listened_to  # type: ignore[method-assign]
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser, zoo: Zoo) -> Iterator[BrowserContext]:
    """A signed-in browser, at the size that the pages must be usable at."""
    opened = browser.new_context(viewport={"width": 1280, "height": 720}, base_url=zoo.url)
    sign_in(opened, zoo)
    yield opened
    opened.close()


def sign_in(context: BrowserContext, zoo: Zoo) -> None:
    """As the printed address does it."""
    answer = context.request.post(f"{zoo.url}/api/v1/session", data={"key": TOKEN}, headers={"X-Toque": "1"})
    assert answer.ok, answer.text()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab whose console must stay silent, but about requests that a test makes fail (`unanswered`)."""
    opened = context.new_page()
    said: list[str] = []
    expected = "net::ERR_" if request.node.get_closest_marker("unanswered") else "\0"

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(f"{message.text} ({message.location['url']})")

    opened.on("console", hear)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.set_default_timeout(PATIENCE_S * 1000)
    yield opened
    assert [words for words in said if expected not in words] == []
