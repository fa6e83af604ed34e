"""`toque open` and `toque token`: the way into the web UI and the HTTP API."""

from __future__ import annotations

import click

from toque.cli.options import json_option, project_options
from toque.cli.output import Output
from toque.cli.servers import server_of
from toque.errors import NotFound
from toque.settings import Settings
from toque.settings.tokens import make_token


@click.command()
@click.option("--browser/--no-browser", default=True, help="Start a browser, beside printing the address.")
@project_options
@json_option
def open_ui(browser: bool, settings: Settings, output: Output) -> None:
    """Print (and open) an address of the running server that signs a browser in, once, within ten minutes."""
    with server_of(settings) as server:
        if server is None:
            raise NotFound(f"no server of {settings.project} runs here", fix="toque server")
        url = f"{server.url}/sign-in?key={server.post('session', 'keys')['key']}"
    output.result({"url": url}, lambda: url)
    if browser and not output.as_json:
        click.launch(url)


@click.command()
@click.option("--new", "anew", is_flag=True, help="Make another one: all sessions end when the server starts again.")
@project_options
@json_option
def token(anew: bool, settings: Settings, output: Output) -> None:
    """Print the token of the project: scripts send it as `Authorization: Bearer …`."""
    found = make_token(settings.home, anew=anew)
    output.result({"token": found}, lambda: found)
