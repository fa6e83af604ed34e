"""Hosting: how a front-end adds one task with many that its attempt runs and reports for (a build with its models)."""

from __future__ import annotations

from collections.abc import Sequence

from toque.authoring.trace import Draft, Trace


def add_hosted(trace: Trace, host: Draft, members: Sequence[Draft]) -> None:
    """Make `members` hosted by `host`, have the host wait for what they need from outside, and close them all.

    The caller opens the host with `trace.open("task", …)` *first*, then the members in an order in which they can run,
    all in one frame; it fills `fields` (`code`, and for people `kwargs` of constants, `reads`, `writes`) and wires
    edges: between members with `member.edge(other.id, "order")`, to other nodes of the pipeline, which were made before
    the host, with `trace.connect(member, node_id, "order")`. Options (retries, timeout, pools, executor) and arguments
    to be evaluated belong to the host alone: `graph.validate` refuses them on members.

    `host.rule` says what a failure outside means: with `all_success` the host and all members end `upstream_failed`;
    with `all_done` the host runs, and only those members are `upstream_failed` that depend on what failed.

    At run time the host's code asks `toque.worker.hosting.members()` which of them are to be done (`pending`: on a
    retry those that have not ended, and those that cannot run any more are not among them once they are
    `upstream_failed`), and tells it of each: `started`, `succeeded`, `failed`, `skipped`, `log`, by node id. What waits
    for a member starts when it is reported, not when the host ends. A member's failure is not the host's: its code
    returns normally when all were reported.
    """
    inside = {member.id for member in members}
    for member in members:
        member.fields["host"] = host.id
        for source, kind in member.edges.items():
            if source not in inside:
                trace.connect(host, source, "order" if kind == "data" else kind)
    for draft in (host, *members):
        trace.close(draft)
