"""`python -m tests.chaos.revops --kills 100 [--seed S]`: the RevOps pipeline, killed at random moments.

What it leaves is held beside what an undisturbed one leaves: every table, and every record of the CRM.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psutil

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "revops"
if str(EXAMPLE) not in sys.path:
    sys.path.append(str(EXAMPLE))  # pytest is told of it by pyproject.toml

from sandbox import keeper, rounds  # noqa: E402
from sandbox.salesforce.state import State  # noqa: E402

VOLATILE = {"CreatedDate", "LastModifiedDate", "SystemModstamp", "_toque_order", "_toque_sequence", "batch_id"}
"""Columns that differ between two runs that did the same: the CRM's clock, positions in a log, ids made of them."""
PATIENCE_S = 180.0
PER_RUN = 3
"""Kills of one run at most: an attempt that lost its worker too often is given up, as it should be."""

Left = dict[str, list[tuple[Any, ...]]]


@dataclass
class Project:
    """A copy of the example with systems of its own."""

    folder: Path
    systems: keeper.Running

    @property
    def sandbox(self) -> Path:
        return self.folder / "out" / "sandbox"

    @property
    def environment(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **own, "COLUMNS": "160", **self.systems.environment}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command of Toque; what it says goes to a file."""
        command = [sys.executable, "-m", "toque", *arguments]
        with (self.folder / "out" / "said").open("ab") as said:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=said, stderr=said, start_new_session=True
            )

    def runs(self) -> int:
        """How many the store knows of."""
        store = self.folder / ".toque" / "toque.db"
        if not store.exists():
            return 0
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone()
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0]) if known else 0

    def change(self) -> None:
        """A round of changes in the sources."""
        rounds.change(self.sandbox)

    def left(self) -> Left:
        """What is in each table and in the CRM, in order, without what is volatile."""
        return {**_tables(self.folder / "out" / "warehouse.duckdb"), **_records(self.sandbox / "crm.db")}


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    """The example in a folder, with its systems up; they end with the block."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("out", ".toque", "__pycache__"))
    sandbox = folder / "out" / "sandbox"
    try:
        yield Project(folder, keeper.ensure(sandbox, keeper.ANY))
    finally:
        keeper.forget(sandbox)


def _tables(warehouse: Path) -> Left:
    found: Left = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns()"
            " WHERE NOT internal AND table_name NOT LIKE '\\_toque%' ESCAPE '\\' ORDER BY ALL"
        ).fetchall():
            if column not in VOLATILE:
                columns.setdefault(table, []).append(f'"{column}"')
        for table, names in columns.items():
            found[table] = connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY ALL").fetchall()
    return found


def _records(path: Path) -> Left:
    state = State(path)
    try:
        return {
            f"CRM {name}": [
                tuple(value for column, value in row.items() if column not in VOLATILE)
                for row in state.rows(f"SELECT * FROM {name} ORDER BY Id")
            ]
            for name in ("Account", "Contact")
        }
    finally:
        state.close()


def differences(left: Left, undisturbed: Left) -> list[str]:
    """In words; empty when nothing differs."""
    wrong = [f"{name} is only on one side" for name in sorted(left.keys() ^ undisturbed.keys())]
    for name in sorted(left.keys() & undisturbed.keys()):
        here, there = Counter(left[name]), Counter(undisturbed[name])
        if here != there:
            more, less = here - there, there - here
            wrong.append(
                f"{name}: {more.total()} rows more and {less.total()} less, as {next(iter(more or less))!r}"
                f" beside {next(iter(less or more))!r}"
            )
    return wrong


@dataclass
class Disturbance:
    """Runs the pipeline and kills what it is made of."""

    draw: random.Random
    usual_s: float = 15.0
    """How long an undisturbed run takes: kills come within that time, wherever the run is then."""
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.counts.total()

    def run(self, made: Project, kills: int) -> int:
        """One run that is killed up to so many times and taken up again, to its end; returns how often it was."""
        before, runs = self.kills, made.runs()
        main = made.start("run", "-q", "revops.py")
        while True:
            number = self.kills - before
            # The later ones come sooner: less is left to do.
            delay_s = self.draw.uniform(0.3, self.usual_s / (number + 1)) if number < kills else PATIENCE_S
            try:
                code = main.wait(delay_s)
            except subprocess.TimeoutExpired:
                if number >= kills:
                    self.failures.append("it does not end")
                    main.kill()
                    return number
                if not self._kill(main):
                    continue
                code = main.returncode
            is_known = made.runs() > runs
            if code == -signal.SIGKILL or not is_known:
                # Killed before anything was stored, or the process that looks at the file was: nothing to resume.
                main = made.start(*(("resume",) if is_known else ("run", "revops.py")), "-q")
                continue
            if code:
                said = (made.folder / "out" / "said").read_text()[-3_000:]
                self.failures.append(f"exit code {code}:\n{said}")
            return self.kills - before

    def _kill(self, main: subprocess.Popen[bytes]) -> bool:
        """The command itself, or one process below it: whether it was the command."""
        below = []
        try:
            below = psutil.Process(main.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            pass
        if below and self.draw.random() < 0.4:
            chosen = self.draw.choice(below)
            try:
                kind = "dbt" if any("dbt" in word for word in chosen.cmdline()) else "worker"
                chosen.kill()
                self.counts[kind] += 1
            except psutil.NoSuchProcess:
                pass
            return False
        main.send_signal(signal.SIGKILL)
        main.wait()
        self.counts["main"] += 1
        return True


def disturb(kills: int, seed: str) -> list[str]:
    """Runs and rounds of changes until there were so many kills; what went wrong."""
    folder = Path(tempfile.mkdtemp(prefix="toque-chaos-revops-"))
    made = Disturbance(random.Random(seed))
    undisturbed: list[Left] = []
    began_s = time.monotonic()
    with project(folder / "undisturbed") as quiet:
        for number in range(2):
            if number:
                quiet.change()
            run_s = time.monotonic()
            made.run(quiet, 0)
            made.usual_s = time.monotonic() - run_s
            undisturbed.append(quiet.left())
    at = 0
    while made.kills < kills and not made.failures:
        at += 1
        with project(folder / f"round {at}") as disturbed:
            for number, expected in enumerate(undisturbed):
                if number:
                    disturbed.change()
                made.run(disturbed, min(PER_RUN, max(kills - made.kills, 0)))
                if not made.failures:
                    made.failures += differences(disturbed.left(), expected)
        print(f"round {at}: {made.kills} kills, {len(made.failures)} failures", flush=True)
    listed = ", ".join(f"{count} {kind}" for kind, count in made.counts.most_common())
    print(f"{made.kills} kills in {time.monotonic() - began_s:.0f} s ({listed}), {len(made.failures)} failures")
    if made.failures:
        print("\n".join([*made.failures, f"see {folder}"]))
    else:
        shutil.rmtree(folder)
    return made.failures


def main() -> int:
    """0 when all that was left is what an undisturbed run leaves."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.revops", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)))
    given = parser.parse_args()
    print(f"seed {given.seed}: --seed {given.seed} makes the same choices again", flush=True)
    return 1 if disturb(given.kills, given.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
