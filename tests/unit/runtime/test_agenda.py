"""The agenda: what is due comes in order of time, each schedule once, as it was planned last."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.runtime.clockwork import HOUR, T0, hourly
from toque.ports.triggers import ScheduleRow
from toque.runtime import ticking
from toque.runtime.agenda import LEAD_US, Agenda


def row(name: str, cursor_us: int = T0, **fields: object) -> ScheduleRow:
    definition = ticking.encode(hourly(name))
    given = {"pipeline": "p", "version": "v1", "cursor_us": cursor_us, "definition": definition, **fields}
    return ScheduleRow(id=f"p/{name}", name=name, **given)  # type: ignore[arg-type]


def due(agenda: Agenda, now_us: int, at_most: int = 100) -> list[str]:
    return [planned.row.name for planned in agenda.take_due(now_us, at_most)]


def test_an_empty_agenda_is_never_due() -> None:
    agenda = Agenda()
    assert (agenda.next_due_us, agenda.is_due(10**18), due(agenda, 10**18)) == (None, False, [])


def test_what_is_due_comes_in_order_of_time_and_once() -> None:
    agenda = Agenda()
    for name, cursor_us in (("late", T0 + HOUR), ("soon", T0), ("last", T0 + 9 * HOUR)):
        agenda.read(row(name, cursor_us), T0)
    assert agenda.next_due_us == T0 + HOUR
    assert due(agenda, T0 + HOUR - 1) == []
    assert due(agenda, T0 + 2 * HOUR) == ["soon", "late"]
    assert due(agenda, T0 + 2 * HOUR) == []


def test_only_so_many_are_taken_at_a_time() -> None:
    agenda = Agenda()
    for n in range(5):
        agenda.read(row(f"s{n}"), T0)
    assert [len(due(agenda, T0 + HOUR, 2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_schedule_that_was_planned_again_counts_as_it_is_now() -> None:
    agenda = Agenda()
    agenda.read(row("s"), T0)
    agenda.read(row("s", T0 + HOUR), T0)
    assert agenda.is_due(T0 + HOUR)
    assert due(agenda, T0 + HOUR) == []
    assert due(agenda, T0 + 2 * HOUR) == ["s"]


@pytest.mark.parametrize("fields", [{"paused": True}, {"retired": True}])
def test_what_is_paused_or_gone_is_not_due(fields: dict[str, bool]) -> None:
    agenda = Agenda()
    agenda.read(row("s"), T0)
    agenda.read(row("s", **fields), T0)
    assert due(agenda, T0 + 9 * HOUR) == []
    agenda.read(row("s"), T0)
    agenda.forget("p/s")
    assert due(agenda, T0 + 9 * HOUR) == []


def test_looking_ahead_changes_no_decision() -> None:
    agenda = Agenda()
    for n in range(3):
        agenda.read(row(f"s{n}"), T0)
    assert agenda.look_ahead(T0, 2)
    assert not agenda.look_ahead(T0, 2)
    for planned in agenda.take_due(T0 + HOUR, 9):
        assert planned.ahead is not None
        plain = ticking.plan(planned.row)
        assert ticking.decide(planned, T0 + HOUR + 1) == ticking.decide(plain, T0 + HOUR + 1)


def test_what_cannot_be_read_stands_still(caplog: pytest.LogCaptureFixture) -> None:
    agenda = Agenda()
    agenda.read(row("s"), T0)
    agenda.read(msgspec.structs.replace(row("s"), definition=b"{}"), T0)
    assert due(agenda, T0 + 9 * HOUR) == []
    assert "p/s stands still" in caplog.text


FAR = T0 + 24 * HOUR


def test_what_is_due_much_later_is_planned_when_its_time_comes_near() -> None:
    agenda = Agenda()
    for n in range(3):
        agenda.read(row(f"s{n}", FAR - HOUR, next_at_us=FAR, next_due_us=FAR), T0)
    assert agenda.next_due_us == FAR - LEAD_US
    assert not agenda.look_ahead(FAR - LEAD_US - 1, 9)
    assert agenda.next_due_us == FAR - LEAD_US
    assert agenda.look_ahead(FAR - LEAD_US, 2)
    while agenda.look_ahead(FAR - LEAD_US, 2):
        pass
    assert agenda.next_due_us == FAR
    assert due(agenda, FAR - 1) == []
    assert sorted(due(agenda, FAR)) == ["s0", "s1", "s2"]


def test_what_nobody_had_time_to_plan_is_due_all_the_same() -> None:
    agenda = Agenda()
    for n in range(5):
        agenda.read(row(f"s{n}", FAR - HOUR, next_at_us=FAR, next_due_us=FAR), T0)
    assert agenda.is_due(FAR)
    assert [len(due(agenda, FAR + 5, 2)) for _ in range(4)] == [2, 2, 1, 0]


def test_of_rows_that_came_one_after_the_other_the_last_counts() -> None:
    agenda = Agenda()
    far = row("s", FAR - HOUR, next_at_us=FAR, next_due_us=FAR)
    agenda.read(far, T0)
    agenda.read(row("s", T0), T0)
    assert due(agenda, T0 + HOUR) == ["s"]
    agenda.read(far, T0)
    assert due(agenda, FAR - 1) == []
    agenda.read(msgspec.structs.replace(far, paused=True), T0)
    assert due(agenda, FAR + HOUR) == []
    agenda.read(far, T0)
    agenda.forget("p/s")
    assert due(agenda, FAR + HOUR) == []


def test_a_rule_whose_zone_has_changed_since_is_due_when_it_says_now() -> None:
    agenda = Agenda()
    agenda.read(row("s", FAR - 2 * HOUR, next_at_us=FAR, next_due_us=FAR), T0)
    assert not agenda.look_ahead(FAR - LEAD_US, 9)
    assert agenda.next_due_us == FAR - HOUR
