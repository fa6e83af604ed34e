"""`toque server`: a process that executes queued runs and adopts interrupted ones."""

from __future__ import annotations

import logging

import click

from toque.cli.options import project_options
from toque.settings import Settings


@click.command()
@click.option("--until-idle", is_flag=True, help="End as soon as nothing is queued and nothing runs.")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@project_options
def server(until_idle: bool, log_level: str, settings: Settings) -> None:
    """Serve the project: execute queued runs, adopt interrupted ones, until Ctrl-C or SIGTERM.

    Ends gracefully: what runs is given time to end, the rest is handed over to the next server. Exits with 3 when
    another server holds the store.
    """
    from toque import local

    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
    local.serve(settings, until_idle=until_idle)
