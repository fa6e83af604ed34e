"""A small RevOps project as steps of lineage: a load from a CRM and an application, five models, a sync back."""

from __future__ import annotations

from pathlib import Path

from toque.data.lineage.catalog import Catalog
from toque.data.lineage.sql import Cache, lineage_of
from toque.data.lineage.steps import Step, mapping
from toque.data.lineage.stitching import Lineage
from toque.data.lineage.trees import column_tree

GOLDEN = Path(__file__).parent / "golden"

CATALOG = {
    "warehouse.raw.contact": ["Id", "Email", "segment", "user_id", "is_deleted"],
    "warehouse.raw.events": {"id": "bigint", "user_id": "bigint", "kind": "varchar", "at": "varchar"},
    "warehouse.raw.page_views": ["id", "visitor_id", "seen_at"],
    "warehouse.raw.weights": ["segment", "weight"],
}


def steps(cache: Cache | None = None) -> list[Step]:
    """All steps, in the order in which they run; each model knows the tables of those before it."""
    catalog = Catalog(CATALOG, connection="warehouse")
    found = [
        mapping("crm.Contact", "warehouse.raw.contact", CATALOG["warehouse.raw.contact"], via="load", by="contacts"),
        mapping(
            "app.public.events", "warehouse.raw.events", list(CATALOG["warehouse.raw.events"]), via="load", by="usage"
        ),
    ]
    for file in sorted((GOLDEN / "models").glob("*.sql")):
        name = file.stem.partition("_")[2]
        (step,) = lineage_of(file.read_text(), catalog, target=f"warehouse.{name}", cache=cache)
        found.append(step)
        catalog = catalog.with_table(step.target, [column.name for column in step.columns])
    fields = {"contact_id": "Id", "lead_score": "Lead_Score__c", "last_seen_at": "Last_Seen__c"}
    return [*found, mapping("warehouse.marts.scores_to_sync", "crm.Contact", fields, via="sync", by="scores")]


def written(found: list[Step]) -> str:
    """The steps as text that people can review."""
    lines = []
    for step in found:
        lines.append(f"{step.target} <- {', '.join(step.inputs)} ({step.via})")
        for column in step.columns:
            sources = ", ".join(f"{each.table}.{each.column} [{each.how}]" for each in column.sources)
            unknown = f"unknown: {column.unknown}" if column.unknown else ""
            done = f"  = {column.expression}" if column.expression else ""
            lines.append(f"  {column.name}: {sources or unknown or 'no column'}{done}")
    known = Lineage(found)
    lines += ["", *column_tree(known.upstream("crm.Contact.Lead_Score__c"))]
    lines += ["", f"{len(known.columns)} columns, {len(known.unknown)} unknown"]
    return "\n".join(lines) + "\n"
