"""What every connector keeps: each record arrives, whatever the network, the vendor or a `kill -9` do in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.connectors.conftest import Connector, told
from toque.errors import TransientError

ROOT = Path(__file__).resolve().parents[3]


def test_all_pages_arrive_in_order_and_their_cursors_join(connector: Connector) -> None:
    added = connector.add(12)
    batches = list(connector.source.read(""))
    assert told(connector, batches) == added
    assert len(batches) == 3
    assert [batch.since for batch in batches] == ["", *(batch.upto for batch in batches[:-1])]
    assert batches[-1].is_complete


def test_a_source_that_is_empty_gives_nothing(connector: Connector) -> None:
    assert told(connector, list(connector.source.read(""))) == []


def test_the_next_read_begins_where_the_last_ended(connector: Connector) -> None:
    connector.add(3)
    *_, last = connector.source.read("")
    added = connector.add(2)
    again = told(connector, list(connector.source.read(last.upto)))
    assert set(added) <= set(again)
    assert len(again) <= len(added) + 1


def test_every_cursor_is_one_to_go_on_from(connector: Connector) -> None:
    added = connector.add(12)
    for batch in list(connector.source.read("")):
        known = set(added[: added.index(batch.rows[connector.label].to_pylist()[-1]) + 1])
        assert known | set(told(connector, list(connector.source.read(batch.upto)))) == set(added)


def test_a_deleted_record_is_told_as_deleted(connector: Connector) -> None:
    connector.add(2)
    *_, last = connector.source.read("")
    gone = connector.remove_one()
    dead = {
        row
        for batch in connector.source.read(last.upto)
        if batch.deleted is not None
        for row, deleted in zip(batch.rows[connector.key].to_pylist(), batch.deleted.to_pylist(), strict=True)
        if deleted
    }
    assert dead == {gone}


@pytest.mark.parametrize("connector", ["salesforce", "http"], indirect=True)
@pytest.mark.parametrize("page", [0, 1, 2])
def test_an_expired_login_is_renewed_in_the_middle(connector: Connector, page: int) -> None:
    added = connector.add(12)
    connector.arm("expire", connector.page, skip=page)
    assert told(connector, list(connector.source.read(""))) == added


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_it_is_told(connector: Connector, naps: list[float], status: int) -> None:
    added = connector.add(12)
    connector.arm("status", connector.page, skip=1, status=status, retry_after="11", times=2)
    assert told(connector, list(connector.source.read(""))) == added
    assert naps == [11, 11]


def test_it_gives_up_with_an_error_that_may_heal(connector: Connector) -> None:
    connector.add(12)
    connector.arm("status", connector.page, status=503, times=50)
    with pytest.raises(TransientError):
        list(connector.source.read(""))


@pytest.mark.parametrize("kind", ["cut_before", "cut_body", "cut_after"])
@pytest.mark.parametrize("page", [0, 2])
def test_a_connection_that_breaks_loses_nothing_and_repeats_nothing(connector: Connector, kind: str, page: int) -> None:
    added = connector.add(12)
    connector.arm(kind, connector.page, skip=page)
    assert told(connector, list(connector.source.read(""))) == added


def test_a_read_that_is_left_can_be_begun_again(connector: Connector) -> None:
    added = connector.add(12)
    left = connector.source.read("")
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert told(connector, list(connector.source.read(""))) == added


def test_a_reader_that_is_killed_goes_on_from_its_last_cursor(connector: Connector) -> None:
    added = connector.add(12)
    command = [sys.executable, "-m", "tests.conformance.connectors.reading"]
    command += [connector.kind, json.dumps(connector.options)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        first = json.loads(reader.stdout.readline())
        reader.stdin.write("\n")
        reader.stdin.flush()
        second = json.loads(reader.stdout.readline())
        reader.kill()
    assert first["complete"]
    assert second["complete"]
    rest = told(connector, list(connector.source.read(second["upto"])))
    assert set(added) == {*first["names"], *second["names"], *rest}
    assert not set(first["names"]) & set(rest)
