"""Where events of OpenLineage go: the table `[openlineage]` of `toque.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from toque.errors import UserError
from toque.settings.secret import Secret
from toque.settings.tree import OpenLineage, Section


class OpenLineageTable(Section, frozen=True, kw_only=True):
    """As it is written."""

    url: str = ""
    endpoint: str = "api/v1/lineage"
    api_key: Secret | None = None
    file: str = ""
    namespace: str = ""
    namespaces: Mapping[str, str] = {}


def openlineage(
    written: OpenLineageTable, project: Path, name: str, error: Callable[[str, str], UserError]
) -> OpenLineage | None:
    """None where nobody is told. Raises what `error(message, fix)` makes."""
    if not (written.url or written.file):
        if written != OpenLineageTable():
            raise error("[openlineage] says nobody to tell", 'url = "http://localhost:5000", or file = "lineage.jsonl"')
        return None
    if written.url and written.file:
        raise error("[openlineage] has both url and file", "one of them")
    return OpenLineage(
        url=written.url,
        endpoint=written.endpoint,
        api_key=written.api_key,
        file=str(project / written.file) if written.file else "",
        namespace=written.namespace or name,
        namespaces=dict(written.namespaces),
    )
