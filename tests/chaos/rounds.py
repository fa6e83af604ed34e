"""Rounds: runs that are started in one of several ways, disturbed by kills at random moments, awaited and judged."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

from tests.chaos.crew import PATIENCE_S, STORE_AWAY, Crew, Process
from tests.chaos.judge import Books, Left, judge
from tests.chaos.processes import Kind, Processes
from tests.postgres import PostgresServer
from toque.engine.rows import RunRow
from toque.settings import load

HERE = Path(__file__).parent
LEASE_S = 2.0
"""On PostgreSQL. Short, so that the suite is; long enough for a busy machine."""
COSTLY = 3
"""Kills of workers in a round: more of them may spend a task run's budget of losses, and fail it as they should."""

OTHER_TROUBLE = ("SIGTERM", "database crashed", "database disconnected", "frozen")
"""What happens beside kills."""
PLANS = ("server", "server", "run", "beside", "two")


class Chaos:
    """One project on one store."""

    def __init__(self, folder: Path, seed: str, postgres: PostgresServer | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._rng = random.Random(seed)
        self._folder = folder
        journal = folder / "journal"
        project = folder / "project"
        project.mkdir()
        shutil.copy(HERE / "kitchen.py", project)
        self._postgres = postgres
        self._url = postgres.create() if postgres is not None else ""
        text = f'workers = 2\nlease = "{LEASE_S}s"\n[pools]\noven = 2\nknife = 1\n'
        (project / "toque.toml").write_text(f'store = "{self._url}"\n{text}' if self._url else text)
        self._processes = Processes(project, {"TOQUE_CHAOS_JOURNAL": str(journal)})
        self._books = Books(load(project), journal)
        self._plans = (*PLANS, "pair") if self._url else PLANS
        self._crew = Crew(self._processes, self._fail)
        self._undisturbed: dict[str, Left] = {}
        self._pipelines: dict[str, str] = {}

    @property
    def kills(self) -> int:
        """How many there were."""
        return sum(count for kind, count in self.counts.items() if kind not in OTHER_TROUBLE)

    @property
    def runs(self) -> int:
        """How many were judged."""
        return len(self._pipelines)

    # -- life

    def rehearse(self) -> None:
        """Run each pipeline once undisturbed: what they leave is the measure."""
        for name in ("dinner", "snack"):
            if code := self._processes.start("run", f"kitchen.py:{name}", "-q").wait(PATIENCE_S):
                raise AssertionError(f"undisturbed, {name} exits with {code}:\n{self._processes.tail()}")
            [run_id] = set(self._books.states()) - set(self._pipelines)
            self._pipelines[run_id] = name
            self._undisturbed[name] = self._books.record(run_id).left
            self._judge([run_id], "undisturbed")

    def round(self, most_kills: int) -> None:
        """Start something, kill up to `most_kills` times, await the end, judge."""
        plan = self._rng.choice(self._plans)
        before = self.counts.copy()
        known = set(self._books.states())
        self._begin(plan)
        if self._rng.random() < 0.9:
            self._until_begun(known)
        self._disturb(known, min(most_kills, self._rng.randint(2, 8)))
        runs = self._await(known)
        killed = ", ".join(f"{kind} {count}" for kind, count in (self.counts - before).items())
        self._judge(runs, f"plan {plan}, kills: {killed}")

    def end(self) -> None:
        """Stop the server kindly: nothing is left."""
        self._crew.stop_servers()
        for left in self._processes.leftovers():
            self._fail(f"left behind at the end: {left.pid} {left.command}")
        self._processes.kill_all()
        self._books.close()

    # -- a round

    def _begin(self, plan: str) -> None:
        if plan in ("run", "two"):
            self._crew.stop_servers()
            for _ in range(2 if plan == "two" else 1):
                self._crew.run()
            return
        self._crew.serve(2 if plan == "pair" else 1)
        for name in ["dinner", *self._rng.choice([[], ["snack"], ["snack", "snack"], ["dinner"]])]:
            self._crew.trigger(name)
        if plan == "beside":
            self._crew.run()

    def _until_begun(self, known: set[str]) -> None:
        """A command takes a while before it has a run that could be disturbed."""
        while not self._open(known) and self._crew.is_working:
            time.sleep(0.01)

    def _disturb(self, known: set[str], kills: int) -> None:
        costly = 0
        for number in range(kills):
            moment = time.monotonic() + self._rng.uniform(0.0, 1.5 if number == 0 else 0.9)
            while time.monotonic() < moment:
                if self._is_over(known):
                    return
                time.sleep(0.02)
            kind = self._strike(may_cost=costly < COSTLY)
            costly += kind not in ("", "main", "everything", *OTHER_TROUBLE)
            self._mend()

    def _strike(self, *, may_cost: bool) -> str:
        """Kill something; says what."""
        mains, servers = self._crew.mains, self._crew.servers
        if self._rng.random() < 0.2:
            self._processes.kill_all()
            self.counts["everything"] += 1
            return "everything"
        if servers and self._rng.random() < 0.1:
            self._crew.terminate(self._rng.choice(servers))
            self.counts["SIGTERM"] += 1
            return "SIGTERM"
        if self._postgres is not None and self._rng.random() < 0.12:
            trouble = self._rng.choice(OTHER_TROUBLE[1:])
            self.counts[trouble] += 1
            self._trouble(trouble, self._postgres, mains)
            return trouble
        targets: dict[Kind, list[int]] = {}
        for main in mains:
            for kind, pids in self._processes.of(main).items():
                if kind == "main" or (may_cost and kind != "other"):
                    targets.setdefault(kind, []).extend(pids)
        if not targets:
            return ""
        # Mains twice as often: they are what the others hang on.
        kind = self._rng.choice([*sorted(targets), *(["main"] if "main" in targets else [])])
        if not self._processes.kill(self._rng.choice(targets[kind])):
            return ""
        self.counts[kind] += 1
        return kind

    def _trouble(self, trouble: str, postgres: PostgresServer, mains: list[Process]) -> None:
        if trouble == "database crashed":
            self._crew.allowed.add(STORE_AWAY)
            postgres.crash()
        elif trouble == "database disconnected":
            postgres.disconnect(self._url)
        elif mains:
            # For longer than its lease: whoever else is there takes over, and what comes back must not count.
            frozen = self._rng.choice(mains)
            frozen.send_signal(signal.SIGSTOP)
            time.sleep(1.5 * LEASE_S)
            frozen.send_signal(signal.SIGCONT)

    def _mend(self) -> None:
        """Start again by hand what has to be: servers, or `toque resume` for a run that has none."""
        killed = self._crew.count_killed()
        if self._crew.servers:
            self._crew.serve(len(self._crew.servers))
        elif killed and self._rng.random() < 0.3:
            self._crew.serve(1)
        elif killed:
            self._crew.resume()

    def _await(self, known: set[str]) -> list[str]:
        """The runs of this round, once all have ended."""
        until = time.monotonic() + PATIENCE_S
        while not self._is_over(known):
            self._mend()
            if time.monotonic() > until:
                self._fail(f"not ended within {PATIENCE_S:g} s: {self._open(known)}, slots {self._books.pool_usage()}")
                self._processes.kill_all()
                break
            if not self._crew.mains:
                self._crew.resume()
            time.sleep(0.05)
        self._crew.go_home()
        return sorted(set(self._books.states()) - known)

    def _is_over(self, known: set[str]) -> bool:
        return not self._crew.is_working and not self._open(known)

    def _open(self, known: set[str]) -> list[str]:
        """Runs of this round that have not ended."""
        return [run for run, state in self._books.states().items() if run not in known and not state.is_terminal]

    def _judge(self, runs: list[str], about: str) -> None:
        problems: list[str] = []
        lines = self._books.journal()
        alone: list[RunRow] = []
        for run_id in runs:
            record = self._books.record(run_id)
            if record.row.pipeline == "snack":
                alone.append(record.row)
            self._pipelines[run_id] = record.row.pipeline
            mine = [line for line in lines if line["run"] == run_id]
            problems += judge(record, self._undisturbed[record.row.pipeline], mine)
        alone.sort(key=lambda row: row.started_us)
        for one, other in itertools.pairwise(alone):
            if other.started_us < one.finished_us:
                problems.append(f"snack {other.run_id} began before {one.run_id} had ended, and one at a time may run")
        if usage := self._books.pool_usage():
            problems.append(f"slots stay taken: {usage}")
        problems += [f"left behind: {stray.pid} {stray.command}" for stray in self._processes.strays()]
        if problems:
            self._fail(f"{about}\n  " + "\n  ".join(problem[:400] for problem in problems[:6]))

    def _fail(self, problem: str) -> None:
        self.failures.append(problem)
        print(f"FAILED: {problem}\n{self._processes.tail(30)}", flush=True)
