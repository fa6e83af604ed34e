"""`toque db`: the schema of the store."""

from __future__ import annotations

import click

from toque.cli.options import json_option, project_options
from toque.cli.output import Output
from toque.settings import Settings


@click.group()
def db() -> None:
    """Look after the store's schema."""


@db.command()
@project_options
@json_option
def upgrade(settings: Settings, output: Output) -> None:
    """Bring the store to the schema of this Toque. Runs in flight survive; a server must not be running."""
    # Alembic and SQLAlchemy take longer to import than a whole run.
    from toque.store import migrations

    settings.home.mkdir(parents=True, exist_ok=True)
    before, after = migrations.upgrade(settings.store_url)
    output.result(
        {"before": before, "after": after},
        lambda: f"schema {after}: nothing to do" if before == after else f"schema {before or 'none'} → {after}",
    )
