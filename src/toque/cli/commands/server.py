"""`toque server`: a process that executes queued runs and adopts interrupted ones."""

from __future__ import annotations

import logging

import click

from toque.cli.options import project_options
from toque.settings import Settings


@click.command()
@click.option(
    "--until-idle",
    is_flag=True,
    help="End as soon as nothing is queued and nothing runs; with no API unless a port is given.",
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: 8787, or the next one that is free]")
@click.option("--no-api", is_flag=True, help="Execute only: no HTTP API, no web UI.")
@project_options
def server(until_idle: bool, log_level: str, host: str, port: int | None, no_api: bool, settings: Settings) -> None:
    """Serve the project: execute queued runs, adopt interrupted ones, answer the HTTP API and the web UI, until
    Ctrl-C or SIGTERM.

    Ends gracefully: what runs is given time to end, the rest is handed over to the next server. Exits with 3 when
    another server holds the store.
    """
    from toque import local
    from toque.local.web import PORT, WebOptions

    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
    listen = None
    if not no_api and not (until_idle and port is None):
        listen = WebOptions(host=host, port=PORT if port is None else port, port_is_given=port is not None)
    local.serve(settings, until_idle=until_idle, listen=listen)
