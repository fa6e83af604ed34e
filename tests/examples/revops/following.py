"""Where every column that the example sends comes from, as text that people can review."""

from __future__ import annotations

import re
from collections.abc import Iterable

from toque.data.lineage.steps import Step
from toque.data.lineage.stitching import Lineage
from toque.data.lineage.trees import column_tree

SENT = "warehouse.marts.scores_to_sync"


def followed(steps: Iterable[Step]) -> str:
    """The tree of each field of the CRM and each column of the table that is sent, and what is unknown of all."""
    known = Lineage(steps)
    fields = [str(each) for each in known.columns_of("crm.Contact") if known.made(each)]
    columns = [str(each) for each in known.columns_of(SENT)]
    trees = ["\n".join(column_tree(known.upstream(name))) for name in sorted(fields) + sorted(columns)]
    trees = [re.sub(r"(\.(?:py|sql)):\d+", r"\1", tree) for tree in trees]  # lines move with every edit
    unknown = [f"{column}: {why}" for column, why in known.unknown]
    return (
        "\n\n".join(trees)
        + "\n\n"
        + "\n".join([f"{len(known.columns)} columns, {len(unknown)} unknown", *unknown])
        + "\n"
    )
