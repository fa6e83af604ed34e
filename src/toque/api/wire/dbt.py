"""What a run has of dbt: its models, seeds and snapshots, each with its tests."""

from __future__ import annotations

from toque.api.wire.model import Wire


class DbtTest(Wire):
    """A test of a model."""

    task: str
    name: str
    """As dbt calls it."""


class DbtModel(Wire):
    """A model, seed or snapshot. How far its task is, the nodes of the run say."""

    task: str
    unique_id: str
    """As dbt calls it: `model.shop.orders`."""
    kind: str
    """`model`, `seed`, `snapshot`, …"""
    materialized: str
    """`table`, `view`, `incremental`, …"""
    asset: str
    """"" for one that makes none."""
    file: str
    """Relative to the project; "" where it is not known."""
    doc: str
    docs: str
    """Under which name dbt's documentation is served once it was built: `/api/v1/dbt/<docs>/docs`. "" for none."""
    host: str
    """Task whose attempt runs it with the others of its build."""
    rows: int | None
    """Of what this run made, as far as it was counted."""
    tests: list[DbtTest]
