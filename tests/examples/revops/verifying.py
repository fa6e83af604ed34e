"""Whether each node of the RevOps example may run twice: with its own systems, in the state that its runs left."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from unittest import mock

from sandbox.salesforce.state import State
from tests.chaos.revops import VOLATILE, Project
from toque import Partition
from toque.authoring.assets import Asset
from toque.authoring.producers import Node
from toque.testing import verify_idempotent

LOADS = ("accounts", "contacts", "users", "usage")
PLANTED = """
{{ config(post_hook=[
  "CREATE TABLE IF NOT EXISTS marts.builds (model text)",
  "INSERT INTO marts.builds VALUES ('user_activity')",
]) }}
"""


@contextmanager
def pipeline_of(example: Project) -> Iterator[ModuleType]:
    """`revops.py` of the copy, loaded anew."""
    spec = importlib.util.spec_from_file_location("revops_verified", example.folder / "revops.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["revops_verified"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with mock.patch.dict(os.environ, example.environment):
        yield module
    del sys.modules["revops_verified"]


def nodes(revops: ModuleType) -> set[str]:
    """All that makes data."""
    return {name for name, value in vars(revops).items() if isinstance(value, Node | Asset)}


class Verifying:
    """Runs nodes of the example twice, and looks at the warehouse and at the records of the CRM."""

    def __init__(self, example: Project, revops: ModuleType) -> None:
        self._example = example
        self._revops = revops
        self.verified: set[str] = set()

    def __call__(self, name: str, **given: Any) -> Any:
        """What its first run returned. Raises `NotIdempotent`."""
        folder = self._example.folder
        watch = [folder / "out" / "warehouse.duckdb", self._records]
        verify = verify_idempotent(getattr(self._revops, name), watch=watch, ignore=sorted(VOLATILE), project=folder)
        self.verified.add(name)
        return verify(**given)

    def cohort(self) -> Any:
        """One month of the asset that has partitions."""
        start, end = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)
        return self("cohorts", month=Partition(key="2024-06", start=start, end=end))

    def _records(self) -> dict[str, list[dict[str, Any]]]:
        state = State(self._example.sandbox / "crm.db")
        try:
            return {f"CRM {name}": state.rows(f"SELECT * FROM {name} ORDER BY Id") for name in ("Account", "Contact")}
        finally:
            state.close()


def plant_an_insert(example: Project) -> None:
    """In a model of dbt: a hook that writes one more line with each build."""
    (file,) = (example.folder / "dbt" / "models").rglob("user_activity.sql")
    file.write_text(PLANTED + file.read_text())
