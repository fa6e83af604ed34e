"""The recipes of the page about connectors run as they stand there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.examples.conftest import ROOT, Shell, blocks

if TYPE_CHECKING:
    from tests.billing import Billing

PAGE = ROOT / "docs" / "how-to" / "connectors.md"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the page."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (settings,) = blocks(PAGE, "toml")
    (folder / "toque.toml").write_text(settings)
    for block in blocks(PAGE, "python"):
        (folder / block.split("\n")[0].removeprefix("# ")).write_text(block)
    return folder


def test_revenue_of_subscriptions(project: Path, billing: Billing, shell: Shell) -> None:
    settings = (project / "toque.toml").read_text()
    secret = 'api_key = { secret = "env:STRIPE_KEY" }'
    assert secret in settings
    (project / "toque.toml").write_text(
        settings.replace(secret, f'url = "{billing.options["url"]}"\napi_key = "{billing.options["api_key"]}"')
    )
    billing.subscription(billing.payer("Ada"), 2500, quantity=3)
    ended = billing.subscription(billing.payer("Bob"), 100, quantity=1)
    billing.end(ended)
    assert "ok" in shell("toque connections test billing", project).stdout
    shell("toque run billing.py", project)
    (told,) = json.loads(shell("toque assets mrr --json", project).stdout)
    assert told["rows"] == 1
    query = (project / "billing.py").read_text().split('MRR = """')[1].split('"""')[0]
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute(query).fetchall() == [("eur", 75.0, 1)]
        assert connection.execute("SELECT count(*) FROM raw.customers").fetchall() == [(2,)]


def test_a_source_of_dlt(project: Path, shell: Shell) -> None:
    shell("toque run tracker.py", project)
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT id, title FROM tracker.issues").fetchall() == [(1, "A pan is too hot")]
