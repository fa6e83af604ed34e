"""What a message says of a run whose data were wrong: the check, whoever told of it, and rows that show it."""

from __future__ import annotations

from typing import Any

import msgspec

from tests import store_rows as rows
from toque.engine.assets import Checked
from toque.engine.rows import AssetEventRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo
from toque.graph import canonical
from toque.graph.ir import CodeRef, Pipeline, TaskNode
from toque.ports.notifier import FailedCheck, Message
from toque.runtime.alerts import Event, Verdict
from toque.runtime.evidence import Evidence
from toque.runtime.outgoing import Alerting
from toque.store.memory import MemoryStore

CODE = CodeRef(module="m", qualname="q")
KEY = "wh.raw.contact"
PIPELINE = Pipeline(
    name="p",
    nodes=(
        TaskNode(id="load", code=CODE, writes=(KEY,)),
        TaskNode(id="dbt.build", code=CODE),
        TaskNode(id="dbt.holds", code=CODE, host="dbt.build", reads=(KEY,)),
    ),
)
FAILED = Checked(
    asset=KEY,
    check="not_null(id)",
    column="id",
    passed=False,
    failed_rows=2,
    total_rows=8,
    message="s3cret: 2 rows of 8 (25 %): id is null\n\nSELECT 1",
    sample=[{"id": None}],
)
WRONG = ErrorInfo(kind="data", type="toque.errors.DataError", message="its check does not hold")


async def told(task: str, error: ErrorInfo, *events: Checked, by: str = "load", run_id: str = "r1") -> Message:
    """The message of a run in which `task` failed, and `by` told of checks."""
    store = MemoryStore()
    ir = canonical.encode(PIPELINE)
    await store.put_version(rows.version(ir=ir), make_current=False)
    for each in {"r1", run_id}:
        await store.create_run(rows.run(each))
    event_rows = [
        AssetEventRow(
            run_id=run_id,
            task=by,
            attempt=1,
            n=n,
            pipeline="p",
            asset=KEY,
            partition="",
            kind="checked",
            at_us=n,
            event=event,
        )
        for n, event in enumerate(events)
    ]
    failed = rows.task(task, state=TaskState.FAILED, attempt=1, error=error)
    await store.commit(rows.commit(runs=[rows.run(state=RunState.FAILED)], tasks=[failed], asset_events=event_rows))
    alerting = Alerting(notifier=lambda name: _nobody(), mask=lambda text: text.replace("s3cret", "***"))
    event = Event(happened="failure", run_id="r1", pipeline="p", at_us=9, to=("ops",))
    return await Evidence(store, alerting, "").message(event, Verdict("failure"))


def _nobody() -> Any:
    raise AssertionError


async def test_a_check_is_named_with_its_table_its_counts_and_its_rows() -> None:
    message = await told("load", WRONG, FAILED)
    assert message.title == "p failed: wh.raw.contact does not pass not_null(id)"
    assert message.checks == (
        FailedCheck(
            asset=KEY,
            check="not_null(id)",
            column="id",
            failed_rows=2,
            total_rows=8,
            said="***: 2 rows of 8 (25 %): id is null",
        ),
    )
    assert (message.sample, message.replay) == (('{"id":null}',), "toque retry r1")


async def test_a_test_of_dbt_is_told_of_by_the_build_and_shown_with_its_own_failure() -> None:
    message = await told("dbt.holds", WRONG, FAILED, by="dbt.build")
    assert [each.check for each in message.checks] == ["not_null(id)"]
    assert message.sample == ('{"id":null}',)


async def test_only_what_halted_this_run_counts_and_rows_of_the_error_come_first() -> None:
    warned = msgspec.structs.replace(FAILED, check="a", severity="warn")
    set_aside = msgspec.structs.replace(FAILED, check="b", severity="quarantine", rejects="raw.contact__rejects")
    held = msgspec.structs.replace(FAILED, check="c", passed=True)
    too_many = msgspec.structs.replace(FAILED, check="d", severity="quarantine")
    message = await told(
        "load", msgspec.structs.replace(WRONG, sample=[{"mine": 1}]), warned, set_aside, held, too_many
    )
    assert [each.check for each in message.checks] == ["d"]
    assert message.sample == ('{"mine":1}',)
    assert (await told("load", WRONG, FAILED, run_id="r0")).checks == ()


async def test_an_error_of_code_says_where_when_its_log_is_elsewhere() -> None:
    broken = ErrorInfo(kind="code", type="ValueError", message="no", file="shop.py", line=3)
    message = await told("load", broken, FAILED)
    assert (message.title, message.checks, message.frames) == ("p failed", (), ("shop.py:3",))
    assert message.replay == "toque rerun r1 --from load --new-code", "a retry would run the same code"
