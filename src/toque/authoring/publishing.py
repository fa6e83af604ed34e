"""How an asset is published: checked before it is kept, or written aside where it is kept and audited there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toque.authoring import sites


def check_publish(key: str, settings: Mapping[str, Any]) -> None:
    """Refuse a `publish=` that cannot be meant."""
    how = settings.get("publish", "checked")
    if how not in ("checked", "audited"):
        raise sites.refuse(f"{key}: publish={how!r} does not exist.", fix='publish="audited"')
    if how == "checked":
        return
    if "keys" in settings:
        raise sites.refuse(
            f'{key}: publish="audited" is about one asset, and its function makes several.', fix="an @asset for each"
        )
    if not hasattr(settings.get("io"), "publish"):
        raise sites.refuse(
            f'{key}: publish="audited" checks a value where it is kept, and {settings.get("io") or "the blob store"}'
            " checks nothing.",
            fix='io=warehouse.tables("marts"), or checks alone: they look at the value before it is kept',
        )
    if not settings.get("checks"):
        raise sites.refuse(f'{key}: publish="audited", and there are no checks.', fix="checks=[row_count(min=1)]")
