"""Chain and fan-out of Toque beside its peers, interleaved (A B C … A B C …): a drift of the machine hits all."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes, toque_fanout, toque_hop
from benchmarks.measurement import Standing, Unmeasured, standings
from benchmarks.peers.environments import interpreter
from benchmarks.peers.protocol import Figures, percentile

ROOT = Path(__file__).resolve().parent.parent
CHAIN = 100
TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Peer:
    """A system beside Toque."""

    name: str
    durability: str
    fanout: int
    """Tasks in its fan-out: 5,000, or fewer so that it ends within 20 s on two cores."""
    has_environment: bool = True
    """False for the standard library."""
    chain: int = CHAIN
    """Tasks in its chain: 100, or fewer for the same reason."""


PEERS = {
    "processpool": Peer("ProcessPoolExecutor", "no (the floor)", 5000, has_environment=False),
    "dask": Peer("Dask", "no", 5000),
    "ray": Peer("Ray", "no", 5000),
    "luigi": Peer("Luigi", "a file per task, in process", 2000),
    "dbos": Peer("DBOS", "SQLite, steps in process", 2000),
    "prefect": Peer("Prefect", "recorded in SQLite, not resumed, in process", 1000),
    "airflow": Peer("Airflow", "SQLite, a process per task", 50, chain=8),
}
"""By the name of the script `peers/<name>_bench.py`, whose docstring states the settings."""

TOQUE = "Toque"
DURABILITY = {TOQUE: "SQLite, two processes", **{peer.name: peer.durability for peer in PEERS.values()}}


def compare(names: Sequence[str], rounds: int) -> tuple[list[Standing], list[Unmeasured]]:
    """Toque and the named peers, `rounds` times in turns. A system that fails is out, and said so."""
    figures: dict[str, list[Figures]] = {}
    failed: dict[str, Unmeasured] = {}
    labels = {TOQUE: "", **{PEERS[name].name: name for name in names}}
    for number in range(rounds + 1):
        for label, name in labels.items():
            if label in failed:
                continue
            print(
                f"round {number} of {rounds}: {label}" if number else f"preparing {label}", file=sys.stderr, flush=True
            )
            try:
                if number == 0:
                    _prepare(name)
                else:
                    figures.setdefault(label, []).append(_peer_figures(name) if name else toque_figures())
            except Exception as error:
                failed[label] = Unmeasured(label, f"{type(error).__name__}: {error}")
                figures.pop(label, None)
    return standings(figures, DURABILITY, against=TOQUE), list(failed.values())


def toque_figures() -> Figures:
    """One round of Toque: the same sizes as the peers', each in a project of its own."""
    import toque

    hops = toque_hop.chain_hops()
    return Figures(
        version=getattr(toque, "__version__", ""),
        chain_hop_ms=statistics.median(hops),
        chain_hop_p99_ms=percentile(hops, 99),
        fanout_per_s=toque_fanout.rate_per_s(),
        fanout_tasks=toque_fanout.TASKS,
    )


def _prepare(name: str) -> None:
    """Environments are made before the first round, so that no installation runs between measurements."""
    if name and PEERS[name].has_environment:
        interpreter(name)


def _peer_figures(name: str) -> Figures:
    """One round of a peer, in its environment and in an empty folder that is its home."""
    peer = PEERS[name]
    python = interpreter(name) if peer.has_environment else Path(sys.executable)
    sizes = ["--chain", str(peer.chain), "--fanout", str(peer.fanout)]
    command = [str(python), "-m", f"benchmarks.peers.{name}_bench", *sizes]
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        env = {**os.environ, "HOME": folder, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = processes.run(command, cwd=Path(folder), env=env, timeout_s=TIMEOUT_S)
        finally:
            processes.kill_all_of(Path(folder))  # what a peer leaves behind must not disturb the next
    return Figures(**json.loads(done.stdout.splitlines()[-1]))
