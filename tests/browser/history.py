"""Four weeks of a project's life, made in minutes: servers whose clocks stand at one moment after the other."""

from __future__ import annotations

import datetime
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.browser.conftest import ROOT, Zoo, furnish

SHIFTED = Path(__file__).parent / "shifted"
MADRID = ZoneInfo("Europe/Madrid")
DAYS = 28
NOW = datetime.datetime(2026, 3, 26, 16, 20, 30, tzinfo=MADRID)
"""Where its history ends."""
LOOK_S = 0.1

Doing = Callable[[Zoo], object]


def live(root: Path) -> None:
    """Make the project, and have it live until `NOW`."""
    furnish(root)
    (root / "escaped.py").rename(root / "escaped.py.old")
    for days_ago in range(DAYS, -1, -1):
        day = NOW - datetime.timedelta(days=days_ago)
        # Each server finds that a tick fell due seconds ago: its schedules start what they would have started.
        served(root, day.replace(hour=7, minute=0, second=4), lambda zoo, at=days_ago: morning(zoo, at))
        served(root, day.replace(hour=13, minute=0, second=3), lambda zoo, at=days_ago: noon(zoo, at))
    (root / "escaped.py.old").rename(root / "escaped.py")
    served(root, NOW, lately)


def at(root: Path, moment: datetime.datetime) -> Zoo:
    """A server whose clock stands there."""
    shift_s = round(moment.timestamp() - time.time())
    return Zoo(root, {"DEMO_SHIFT_S": str(shift_s), "PYTHONPATH": os.pathsep.join([str(SHIFTED), str(ROOT / "src")])})


def served(root: Path, moment: datetime.datetime, doing: Doing) -> None:
    """One sitting of a server."""
    zoo = at(root, moment)
    try:
        zoo.start()
        doing(zoo)
        settle(zoo)
    finally:
        zoo.stop(signal.SIGTERM)


def settle(zoo: Zoo, patience_s: float = 120) -> None:
    """Until nothing is active."""
    until = time.monotonic() + patience_s
    while zoo.ask("/runs?state=running&state=queued&limit=1")["items"]:
        if time.monotonic() > until:
            raise TimeoutError("runs of the demo do not end")
        time.sleep(LOOK_S)


def morning(zoo: Zoo, days_ago: int) -> None:
    """What somebody starts beside the schedules."""
    zoo.run("helpings", name=f"lion-{7 if days_ago % 3 else 8}")
    zoo.run("heating", count=3 + days_ago % 4)
    zoo.run("hatching", tank="aquarium" if days_ago in (2, 3, 11) else "terrarium", until=1 + days_ago % 3)
    zoo.run("brood", eggs=4 + days_ago % 5)
    # Twice it cannot write where it is told to.
    out = {"out": "/proc/nowhere"} if days_ago in (4, 15) else {}
    zoo.run("flights", late_minutes=30 if days_ago % 8 else 20, **out)


def noon(zoo: Zoo, days_ago: int) -> None:
    """More by hand, and an edit once in a while."""
    zoo.run("night", lines=300 + 40 * days_ago)
    zoo.run("walk", steps=2 + days_ago % 4)
    zoo.run("rounds")
    if days_ago in (20, 9, 3):
        file = zoo.root / "reptiles.py"
        file.write_text(file.read_text().replace("20 + len(tank) % 7", f"{20 + days_ago} + len(tank) % 7"))
        zoo.ask("/files/reload", {})
    if days_ago % 2:
        zoo.run("heating", count=5)


def lately(zoo: Zoo) -> None:
    """What was the last to happen."""
    zoo.run("flights", late_minutes=20)
    zoo.run("feeding", count=300)
    zoo.run("hatching", tank="aquarium")
    week_us = 7 * 86_400_000_000
    now_us = int(NOW.timestamp() * 1_000_000)
    zoo.ask("/pipelines/feeding/backfills", {"schedule": "morning", "from_us": now_us - week_us, "to_us": now_us})
    zoo.ask("/pipelines/checkup/pause", {})


def go_on(zoo: Zoo) -> None:
    """Runs that are active for as long as somebody looks."""
    if zoo.ask("/runs?state=running&limit=1")["items"]:
        return
    for name in ("lions", "apes"):
        gate = zoo.root / f"gate-{name}"
        gate.unlink(missing_ok=True)
        os.mkfifo(gate)
        zoo.run("parade", gate=str(gate))
