"""The RevOps example from nothing: two systems, one run, and what it changed in the CRM.

python demo.py            # bring both systems up, run the pipeline, show what changed
python demo.py change     # 100 changes, 10 deletes and 5 invalid records in the sources
python demo.py stop       # end both systems; what they hold stays
python demo.py forget     # and remove it: the next run is the first one again
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent))

import told

from sandbox import filling, keeper, rounds, slack
from sandbox.changes import NothingLeft

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
SANDBOX = OUT / "sandbox"
MESSAGES = SANDBOX / "slack.jsonl"
WAREHOUSE = OUT / "warehouse.duckdb"
ROWS = 8
"""So many contacts are shown."""

console = Console(highlight=False)


def run() -> int:
    """One run of the pipeline: 0 if it did exactly what was to be done."""
    systems = keeper.ensure(SANDBOX)
    before, counted = told.contacts(SANDBOX), told.counts(WAREHOUSE)
    due, told_before = rounds.due(SANDBOX), len(slack.messages(MESSAGES))
    file = os.path.relpath(HERE / "revops.py")
    console.print(f"[dim]$ toque run {file}[/dim]")
    environ = {**os.environ, **systems.environment}
    ended = subprocess.run([sys.executable, "-m", "toque", "run", file], env=environ, check=False)
    for message in slack.messages(MESSAGES)[told_before:]:
        console.print(f"\nSlack: {slack.shown(message)}", markup=False)
    if ended.returncode:
        return ended.returncode
    did = told.counts(WAREHOUSE) - counted
    show(told.differences(before, told.contacts(SANDBOX)), did)
    if did.as_due != due:
        console.print(f"[red]✗ expected {due}[/red]")
        return 1
    console.print("[green]✓[/green] exactly what had changed in the sources, no more and no less")
    rounds.settle(SANDBOX)
    what_next(systems)
    return 0


def change() -> int:
    """Changes in both systems."""
    made = rounds.change(SANDBOX)
    console.print(f"{made.changed} changes, {len(made.closed)} deletes and {len(made.broken)} invalid records:")
    console.print(f"  CRM      {len(made.promoted)} contacts have another title")
    console.print(f"  product  {len(made.events)} users came back today, {len(made.upgraded)} are on another plan")
    console.print(f"  product  {len(made.closed)} users closed their account")
    console.print(f"  product  {len(made.broken)} events that cannot be true, from a client that is out of date")
    console.print("`make demo` runs the pipeline again.")
    return 0


def break_it() -> int:
    """Something that no pipeline should let through."""
    count = filling.break_product(keeper.ensure(SANDBOX).product_url)
    console.print(f"{count} users of the product are on the plan 'platinum', which nobody has heard of.")
    console.print("`make demo` halts before they reach anything, and tells Slack; `make demo-mend` puts it right.")
    return 0


def mend() -> int:
    """And back."""
    count = filling.break_product(keeper.ensure(SANDBOX).product_url, mend=True)
    console.print(f"{count} users are on their plans again. `make demo` goes on.")
    return 0


def show(differences: list[told.Difference], did: told.Counts) -> None:
    """What changed in the CRM, and how much."""
    console.print()
    if differences:
        table = Table(title="What changed in the CRM", title_justify="left", title_style="bold")
        table.add_column("Contact")
        for title in told.SHOWN.values():
            table.add_column(title, justify="right" if title == "Score" else "left", no_wrap=True)
        for each in told.mixed(differences, ROWS):
            cells = [_cell(each, name) for name in told.SHOWN]
            table.add_row(each.who, *cells)
        if len(differences) > ROWS:
            table.add_row(f"… and {len(differences) - ROWS:,} more")
        console.print(table)
    else:
        console.print("Nothing changed in the CRM.")
    total = Table(box=None, padding=(0, 2), show_edge=False)
    for name in ("sent", "created", "updated", "deleted", "rejected", "quarantined"):
        total.add_column(name, justify="right")
    total.add_row(*(f"{getattr(did, column.header):,}" for column in total.columns))
    console.print(total)


def _cell(each: told.Difference, name: str) -> str:
    was, now = _text(each.before.get(name)), _text(each.after.get(name))
    if not each.after:
        return f"[dim]{was} →[/dim] [red]deleted[/red]" if name == "Lead_Score__c" else was
    return now if was == now else f"[dim]{was} →[/dim] [green]{now}[/green]"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def what_next(systems: keeper.Running) -> None:
    """Where to look, and what is left running."""
    here = os.path.relpath(HERE)
    console.print(
        f"""
What next?
  {f"toque dev --project {here}":<39} opens the command center: this run, its data, where each column comes from
  {"make demo":<39} runs it again: nothing has changed, so nothing is sent
  {"make demo-change":<39} changes, deletes and breaks records in both systems; then make demo
  {"make demo-stop":<39} ends the CRM and the product's database, which stay up (pid {systems.pid})
""",
        soft_wrap=True,
    )


def stop() -> int:
    """End what was started."""
    console.print("The CRM and the product's database are down." if keeper.stop(SANDBOX) else "Nothing was up.")
    return 0


def forget() -> int:
    """As if the example had never run, but for the history of its runs."""
    keeper.forget(SANDBOX)
    WAREHOUSE.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    commands = {"run": run, "change": change, "break": break_it, "mend": mend, "stop": stop, "forget": forget}
    wanted = sys.argv[1] if len(sys.argv) > 1 else "run"
    if wanted not in commands:
        raise SystemExit(__doc__)
    try:
        code = commands[wanted]()
    except (keeper.NotStarted, NothingLeft) as problem:
        raise SystemExit(f"{problem}") from problem
    raise SystemExit(code)
