"""Pages in every style, typed columns, cursors; by a server that lives in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import msgspec
import pytest

from toque.errors import DataError, UserError
from toque.integrations.http.client import HttpClient, HttpOptions
from toque.integrations.http.paging import (
    Answer,
    AnyPaging,
    LinkHeader,
    NextLink,
    Offset,
    OnePage,
    PageNumber,
    Token,
    dig,
)
from toque.integrations.http.source import Increment, RestSource, RestSpec

ROWS = [{"id": number, "at": f"2026-11-{number:02}"} for number in range(1, 8)]


def shop(request: httpx.Request) -> httpx.Response:
    """Seven rows, three a page, in the style that the path names."""
    style, given = request.url.path.rpartition("/")[2], request.url.params
    rows = [row for row in ROWS if row["at"] >= given.get("since", "")]
    match style:
        case "all":
            return httpx.Response(200, json=rows)
        case "page":
            start = (int(given["page"]) - 1) * 3
            return httpx.Response(200, json={"data": rows[start : start + 3]})
        case "offset":
            start = int(given["offset"])
            return httpx.Response(200, json={"data": rows[start : start + int(given["limit"])]})
        case "after":
            rows = [row for row in rows if row["id"] > int(given.get("after", 0))]
            return httpx.Response(200, json={"data": rows[:3], "has_more": len(rows) > 3})
    start = int(given.get("from", 0))
    page = {"data": rows[start : start + 3], "links": {"next": None}, "token": ""}
    more = start + 3 < len(rows)
    if more:
        page |= {"links": {"next": f"https://shop.example/v1/link?from={start + 3}"}, "token": str(start + 3)}
    link = f'<https://shop.example/v1/link?from={start + 3}>; rel="next", <x>; rel="first"' if more else ""
    return httpx.Response(200, json=page, headers={"Link": link})


def source(
    spec: RestSpec, answer: Callable[[httpx.Request], httpx.Response] = shop, name: str = "shop.orders"
) -> RestSource:
    client = HttpClient(HttpOptions(url="https://shop.example/v1"), transport=httpx.MockTransport(answer))
    return RestSource(client, name, spec)


def of(*rows: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(200, json=list(rows))


@pytest.mark.parametrize(
    ("path", "records", "paging", "sizes"),
    [
        ("all", "", OnePage(), [7]),
        ("page", "data", PageNumber(), [3, 3, 1]),
        ("page", "data", PageNumber(size=3), [3, 3, 1]),
        ("offset", "data", Offset(3), [3, 3, 1]),
        ("offset", "data", Offset(7), [7]),
        ("after", "data", Token("after", field="id", more="has_more"), [3, 3, 1]),
        ("link", "data", Token("from", path="token"), [3, 3, 1]),
        ("link", "data", NextLink("links.next"), [3, 3, 1]),
        ("link", "data", LinkHeader(), [3, 3, 1]),
    ],
)
def test_every_style_of_paging_gives_every_row_once(
    path: str, records: str, paging: AnyPaging, sizes: list[int]
) -> None:
    spec = RestSpec(path=path, records=records, paging=paging)
    batches = list(source(spec).read(""))
    assert [batch.rows.num_rows for batch in batches] == sizes
    assert [row for batch in batches for row in batch.rows.to_pylist()] == ROWS
    assert [batch.is_complete for batch in batches] == [*([False] * (len(sizes) - 1)), True]
    assert msgspec.json.decode(msgspec.json.encode(spec), type=RestSpec) == spec


def test_a_cursor_asks_for_what_is_new() -> None:
    increment = Increment("at", "2026-01-01", is_sorted=True)
    spec = RestSpec(path="page", records="data", paging=PageNumber(), params={"since": "{cursor}"}, increment=increment)
    first = list(source(spec).read(""))
    assert [(batch.since, batch.upto, batch.is_complete) for batch in first] == [
        ("", "2026-11-03", True),
        ("2026-11-03", "2026-11-06", True),
        ("2026-11-06", "2026-11-07", True),
    ]
    (again,) = source(spec).read(first[-1].upto)
    assert again.rows["id"].to_pylist() == [7]
    assert again.may_repeat


def test_without_an_order_the_cursor_moves_at_the_end() -> None:
    spec = RestSpec(path="page", records="data", paging=PageNumber(), increment=Increment("id", "0"))
    batches = list(source(spec).read(""))
    assert [batch.is_complete for batch in batches] == [False, False, True]
    assert (batches[0].since, batches[-1].since, batches[-1].upto) == ("", "", "7")
    (only,) = source(RestSpec(path="x", increment=Increment("id", "0")), of({"id": 9}, {"id": 10})).read("3")
    assert only.upto == "10"


def test_columns_have_the_types_that_are_declared() -> None:
    row = {"id": "7", "n": 3, "price": 5, "ok": True, "day": "2026-11-02", "at": 0, "who": {"name": "Ada"}, "tags": [1]}
    spec = RestSpec(
        path="x",
        columns={
            "id": "int64",
            "n": "text",
            "price": "float64",
            "ok": "bool",
            "day": "date",
            "at": "timestamptz",
            "who.name": "text",
            "tags": "json",
            "missing": "int64",
        },
    )
    (batch,) = source(spec, of(row)).read("")
    assert batch.rows.to_pylist() == [
        {
            "id": 7,
            "n": "3",
            "price": 5.0,
            "ok": True,
            "day": date(2026, 11, 2),
            "at": datetime(1970, 1, 1, tzinfo=UTC),
            "who.name": "Ada",
            "tags": "[1]",
            "missing": None,
        }
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int64", 1.5), ("int64", True), ("float64", True), ("bool", 1), ("date", "soon"), ("timestamptz", [])],
)
def test_a_value_of_another_type_is_named(kind: Any, value: Any) -> None:
    with pytest.raises(DataError, match=f"v is no {kind}") as caught:
        list(source(RestSpec(path="x", columns={"v": kind}), of({"v": value})).read(""))
    assert caught.value.sample == [{"v": value}]


def test_records_without_declared_types_need_one_type_for_a_field() -> None:
    (batch,) = source(RestSpec(path="x"), of({"a": 1}, {"b": "x"})).read("")
    assert batch.rows.to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": "x"}]
    with pytest.raises(DataError, match="two types"):
        list(source(RestSpec(path="x"), of({"a": 1}, {"a": "x"})).read(""))


def test_deleted_records_are_told() -> None:
    (batch,) = source(RestSpec(path="x", deleted="gone"), of({"id": 1}, {"id": 2, "gone": True})).read("")
    assert batch.deleted is not None
    assert batch.deleted.to_pylist() == [False, True]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, text="<html>"), "is no JSON"),
        (httpx.Response(200, json={"data": [1]}), "no list of records under 'data'"),
        (httpx.Response(200, json={"error": "x"}), "no list of records under 'data'"),
    ],
)
def test_an_answer_that_is_not_what_was_agreed_is_shown(answer: httpx.Response, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(source(RestSpec(path="x", records="data"), lambda _: answer).read(""))


def test_a_page_that_names_itself_ends_with_an_error() -> None:
    with pytest.raises(DataError, match="names itself"):
        list(
            source(
                RestSpec(path="x", records="d", paging=NextLink("n")),
                lambda _: httpx.Response(200, json={"n": "x", "d": []}),
            ).read("")
        )


def test_a_next_page_on_another_server_is_not_asked_for() -> None:
    def elsewhere(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"d": [{"a": 1}], "n": "https://evil.example/steal"})

    with pytest.raises(UserError, match="credentials of the connection"):
        list(source(RestSpec(path="x", records="d", paging=NextLink("n")), elsewhere).read(""))


def test_paths_dig_into_lists_and_stop_at_what_is_not_there() -> None:
    content = json.loads('{"a": [{"b": 1}], "c": null}')
    assert [dig(content, path) for path in ("", "a.0.b", "a.-1.b", "a.9.b", "c.d", "x", "a.b")] == [
        content, 1, 1, None, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<https://a/2>; rel="next"', "https://a/2"),
        ('<https://a/1>; rel="prev", <https://a/3>; title="x"; rel=next', "https://a/3"),
        ('<https://a/2>; rel="last next"', "https://a/2"),
        ('<https://a/1>; rel="prev"', None),
        ("", None),
    ],
)
def test_a_link_header_is_read_as_the_standard_has_it(header: str, expected: str | None) -> None:
    found = LinkHeader().after(Answer([], {"link": header}, 1), {})
    assert (found[0] if found else None) == expected
