"""Whether a database has the schema that this Toque reads and writes."""

from __future__ import annotations

from toque.ports.store import SchemaOutdated, StoreUnavailable
from toque.store.sql.schema import REVISIONS


def check_revision(revision: str | None, what: str) -> None:
    """Raise `SchemaOutdated` unless `revision` is the newest."""
    if revision == REVISIONS[-1]:
        return
    if revision in REVISIONS:
        raise SchemaOutdated(f"{what} was written by an older Toque (schema {revision}); run `toque db upgrade`")
    if not revision:
        raise StoreUnavailable(f"{what} belongs to another program; choose another place in the store's URL")
    raise SchemaOutdated(f"{what} was written by a newer Toque (schema {revision}); upgrade Toque")
