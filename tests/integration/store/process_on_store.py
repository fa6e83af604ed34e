"""What tests run as another process on a SQLite file: `python -m tests.integration.store.process_on_store URL ROLE`.

It prints a line for each thing that it has done, and goes on when it is given one.
"""

from __future__ import annotations

import asyncio
import os
import sys

from tests import store_rows as rows
from toque.ports.store import Store
from toque.store import open_store


async def live(store: Store, name: str, role: str) -> None:
    """Hold a run and a slot until killed."""
    boot = await store.new_boot(name, pid=os.getpid(), host="", role=role, now_us=1)
    run_id = f"run-of-{name}"
    batch = rows.commit(instance=name, runs=[rows.run(run_id, owner=name)], acquire=[rows.hold(name, limit=9)])
    await store.commit(batch)
    print(boot, flush=True)
    sys.stdin.readline()


async def commit_without_end(store: Store, name: str) -> None:
    """Print the number of each commit once it is acknowledged."""
    await store.commit(rows.commit(instance=name, runs=[rows.run(name, owner=name)]))
    for n in range(1, 1_000_000):
        tasks = [rows.task(f"t{n}", (k,), name) for k in range(20)]
        facts = [rows.facts(n, 1, name)]
        await store.commit(rows.commit(instance=name, tasks=tasks, facts=facts, counters={name: 1}))
        print(n, flush=True)


async def commit_many(store: Store, name: str, count: int) -> None:
    """As many commits as asked for, beside others."""
    await store.commit(rows.commit(instance=name, runs=[rows.run(name, owner=name)]))
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(1, count + 1):
        facts = [rows.facts(n, 1, name)]
        await store.commit(rows.commit(instance=name, facts=facts, counters={"all": 1}))


async def main(url: str, role: str, name: str, extra: str = "") -> None:
    """Do what `role` says."""
    store = open_store(url)
    await store.open()
    match role:
        case "commit-without-end":
            await commit_without_end(store, name)
        case "commit-many":
            await commit_many(store, name, int(extra))
        case "server" | "run":
            if extra == "forked":
                # A child that does not exec, and outlives us.
                await store.new_boot(name, pid=os.getpid(), host="", role=role, now_us=1)
                if os.fork() == 0:
                    sys.stdin.readline()
                    os._exit(0)
            await live(store, name, role)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
