"""`toque partitions`: the keys of dynamic partitions, and adding some."""

from __future__ import annotations

import click

from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output
from toque.cli.stores import in_store
from toque.ports.assets import DynamicKey
from toque.ports.store import Store
from toque.runtime.clock import SystemClock
from toque.schedule.partitions.keys import check_text
from toque.settings import Settings


@click.command()
@click.argument("name")
@click.option("--add", "added", multiple=True, metavar="KEY", help="A key that comes to be. Repeatable.")
@project_options
@json_option
def partitions(name: str, added: tuple[str, ...], settings: Settings, output: Output) -> None:
    """List the keys of the dynamic partitions NAME, or add some: --add c1 --add c2."""
    for key in added:
        check_text(key)

    async def work(store: Store) -> list[str]:
        now_us = SystemClock().now_us()
        await store.assets.add_keys([DynamicKey(name=name, key=key, added_us=now_us, actor=who()) for key in added])
        return list((await store.assets.dynamic([name])).get(name, ()))

    keys = in_store(settings, work)
    output.result({"name": name, "keys": keys}, lambda: "\n".join(keys) or f"{name} has no partition yet")
