"""Slack, e-mail and webhooks: what arrives at a real server, and what its answers mean."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from tests.receivers import http_receiver, smtp_receiver
from toque.errors import UserError
from toque.notify import open_notifier, words
from toque.notify.mail import letter
from toque.notify.slack import escaped, payload
from toque.notify.webhook import payload as webhook
from toque.notify.webhook import signature
from toque.ports.notifier import FailedCheck, Message, NotSent

MESSAGE = Message(
    kind="failure",
    dedup="failure/r1",
    title="sales failed",
    at_us=1_767_225_600_000_000,
    pipeline="sales",
    run_id="r1",
    owner="data-team",
    task="load[3]",
    error_type="ValueError",
    error="column <amount> & more",
    frames=("shop.py:14 in load: raise ValueError(text)",),
    replay="toque retry r1",
    log=("reading", "```broken```"),
    link="https://toque.example.com/runs/r1",
    duration_us=65_000_000,
)


# -- Slack


async def test_slack_gets_blocks_with_the_evidence_and_a_button() -> None:
    async with http_receiver() as there:
        await open_notifier("slack", {"url": there.url}).send(MESSAGE)
    [request] = there.got
    assert request.path == "/hook/s3cret-path"
    assert request.headers["content-type"] == "application/json"
    said = request.json
    assert said["text"] == "🔴 sales failed"
    kinds = [block["type"] for block in said["blocks"]]
    assert kinds == ["header", "section", "section", "section", "context", "actions"]
    fields = " ".join(each["text"] for each in said["blocks"][1]["fields"])
    for part in ("sales", "r1", "load[3]", "data-team", "2026-01-01 00:00:00 UTC", "1m5s"):
        assert part in fields
    assert said["blocks"][2]["text"]["text"] == (
        "```\nValueError: column &lt;amount&gt; &amp; more\n  at shop.py:14 in load: raise ValueError(text)\n```"
    )
    assert said["blocks"][4]["elements"][0]["text"] == "Once the cause is gone, this does the rest: `toque retry r1`"
    assert said["blocks"][5]["elements"][0]["url"] == MESSAGE.link


def test_rows_that_are_wrong_stand_between_the_error_and_the_log() -> None:
    wrong = msgspec.structs.replace(MESSAGE, sample=('{"plan":"<gold>"}', '{"plan":"tin"}'))
    assert payload(wrong)["blocks"][3]["text"]["text"] == '```\n{"plan":"&lt;gold&gt;"}\n{"plan":"tin"}\n```'
    said = words.plain(wrong)
    assert said.index(MESSAGE.error) < said.index('  {"plan":"<gold>"}\n  {"plan":"tin"}') < said.index("Last lines")


CHECKED = msgspec.structs.replace(
    MESSAGE,
    title="sales failed: warehouse.raw.contact does not pass not_null(id)",
    error_type="toque.integrations.checking.auditing.ChecksFailed",
    error="raw.contact: its check does not hold",
    frames=(),
    checks=(
        FailedCheck(
            asset="warehouse.raw.contact",
            partition="2026-01-01",
            check="not_null(id)",
            column="id",
            failed_rows=2,
            total_rows=8,
            said="2 rows of 8 (25 %): id is null",
        ),
        FailedCheck(asset="warehouse.raw.contact", check="no_crowd", failed_rows=3),
    ),
    sample=('{"check":"not_null(id)","id":null,"email":"***"}',),
)


def test_a_check_that_failed_is_told_by_rule_table_counts_share_rows_and_the_way_on() -> None:
    """And by nothing else: neither a class of Toque nor a log says more."""
    assert words.plain(CHECKED).split("\n\n")[2:] == [
        "warehouse.raw.contact[2026-01-01], not_null(id): 2 rows of 8 (25 %): id is null\n"
        "warehouse.raw.contact, no_crowd: 3 wrong",
        'Rows that are wrong:\n  {"check":"not_null(id)","id":null,"email":"***"}',
        "Once the cause is gone, this does the rest: toque retry r1",
        "https://toque.example.com/runs/r1",
    ]
    blocks = [block["text"]["text"] for block in payload(CHECKED)["blocks"][2:4]]
    assert [text.count("not_null(id)") for text in blocks] == [1, 1]
    assert msgspec.json.decode(webhook(CHECKED))["checks"][0]["failed_rows"] == 2


def test_an_error_that_says_all_of_its_checks_is_shown_as_it_is() -> None:
    """It says what became of the rows, too."""
    said = """\
raw.contact: 1 of 2 checks does not hold
  blocks: not_null(id): 2 rows of 8 (25 %): id is null
  Nothing took effect; the batch stands in raw.contact__staging."""
    told = msgspec.structs.replace(CHECKED, checks=CHECKED.checks[:1], error=said)
    assert words.error(told) == said


def test_the_name_of_an_error_of_toque_is_short() -> None:
    ours = msgspec.structs.replace(MESSAGE, error_type="toque.errors.UserError", error="no such table", frames=())
    assert words.error(ours) == "UserError: no such table"


def test_an_error_that_quotes_slack_markup_calls_nobody() -> None:
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
    [block] = [each for each in payload(MESSAGE)["blocks"] if "broken" in str(each)]
    assert block["text"]["text"].count("```") == 2


@pytest.mark.parametrize("text", ["x" * 9000, "&" * 9000, "ab<" * 3000])
def test_what_is_too_long_for_a_block_is_cut_between_escapes(text: str) -> None:
    long = msgspec.structs.replace(MESSAGE, error=text, title="t" * 400, log=())
    blocks = payload(long)["blocks"]
    assert len(blocks[0]["text"]["text"]) <= 150
    code = blocks[2]["text"]["text"]
    assert len(code) <= 3000
    assert code.replace("&amp;", "").replace("&lt;", "").count("&") == 0


def test_a_message_without_evidence_is_a_header_alone() -> None:
    blocks = payload(Message(kind="test", dedup="d", title="hello"))["blocks"]
    assert [block["type"] for block in blocks] == ["header"]


# -- webhooks


async def test_a_webhook_gets_all_fields_under_a_signature() -> None:
    async with http_receiver() as there:
        options = {"url": there.url, "secret": "s3cret", "headers": {"X-Team": "data"}}
        await open_notifier("webhook", options).send(MESSAGE)
    [request] = there.got
    headers = request.headers
    assert headers["toque-signature"] == signature("s3cret", headers["toque-timestamp"], request.body)
    assert (headers["toque-delivery"], headers["x-team"]) == ("failure/r1", "data")
    assert request.json["task"] == "load[3]"
    assert request.json["note"] == ""
    assert set(request.json) == set(Message.__struct_fields__)


async def test_a_webhook_without_a_secret_is_not_signed() -> None:
    async with http_receiver() as there:
        await open_notifier("webhook", {"url": there.url}).send(MESSAGE)
    assert "toque-signature" not in there.got[0].headers


def test_the_signature_covers_body_and_time() -> None:
    assert len({signature("s", "1", b"{}"), signature("s", "2", b"{}"), signature("s", "1", b"[]")}) == 3


# -- answers


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(500, False), (503, False), (429, False), (408, False), (400, True), (403, True), (404, True), (302, True)],
)
async def test_an_answer_says_whether_it_may_heal(status: int, permanent: bool) -> None:
    async with http_receiver() as there:
        there.answers = [(status, {"Retry-After": "7"})]
        with pytest.raises(NotSent) as caught:
            await open_notifier("slack", {"url": there.url}).send(MESSAGE)
    assert (caught.value.permanent, caught.value.retry_after_s) == (permanent, 7.0)
    assert str(status) in str(caught.value)
    assert "s3cret-path" not in str(caught.value)


async def test_a_server_that_is_not_there_may_come_back_and_its_address_is_not_told() -> None:
    async with http_receiver() as there:
        url = there.url
    with pytest.raises(NotSent) as caught:
        await open_notifier("webhook", {"url": url}).send(MESSAGE)
    assert not caught.value.permanent
    assert "s3cret-path" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_server_that_never_answers_is_given_up_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toque.notify.posting.TIMEOUT_S", 0.05)
    async with http_receiver() as there:
        there.silent = True
        with pytest.raises(NotSent, match="Timeout"):
            await open_notifier("slack", {"url": there.url}).send(MESSAGE)


# -- e-mail


def mail_options(port: int, **more: Any) -> dict[str, Any]:
    here = {"host": "127.0.0.1", "port": port, "tls": "off", "from": "toque@example.com", "to": ["a@x.org", "b@x.org"]}
    return {**here, **more}


async def test_a_mail_arrives_with_the_evidence() -> None:
    async with smtp_receiver() as there:
        await open_notifier("smtp", mail_options(there.port)).send(MESSAGE)
    [mail] = there.mails
    assert mail["Subject"] == "[toque] sales failed"
    assert mail["To"] == "a@x.org, b@x.org"
    text = mail.get_content()
    for part in ("Task: load[3]", "ValueError: column <amount> & more", "  reading", MESSAGE.link, "Owner: data-team"):
        assert part in text
    assert [line for line in there.said if line.startswith("rcpt")] == ["rcpt TO:<a@x.org>", "rcpt TO:<b@x.org>"]


async def test_a_mail_server_that_wants_to_know_who_is_told() -> None:
    async with smtp_receiver() as there:
        options = mail_options(there.port, user="ana", password="pw-1234", to="a@x.org")
        await open_notifier("smtp", options).send(MESSAGE)
    [auth] = [line for line in there.said if line.startswith("AUTH")]
    assert base64.b64decode(auth.split()[-1]) == b"\0ana\0pw-1234"


def test_the_same_message_has_the_same_id_and_no_header_can_be_smuggled_in() -> None:
    import msgspec

    one, again = (letter(MESSAGE, "t@x", ("a@x",)) for _ in range(2))
    assert one["Message-ID"] == again["Message-ID"]
    other = letter(msgspec.structs.replace(MESSAGE, dedup="failure/r2", title="a\r\nBcc: all@x"), "t@x", ("a@x",))
    assert other["Message-ID"] != one["Message-ID"]
    assert "Bcc" not in other


@pytest.mark.parametrize(
    ("verb", "answer", "permanent"),
    [
        ("RCPT", "550 no such user", True),
        ("RCPT", "451 busy", False),
        ("AUTH", "535 wrong password", True),
        ("MAIL", "421 later", False),
        ("DATA", "554 spam", True),
    ],
)
async def test_answers_of_4xx_are_for_now_and_those_of_5xx_for_good(verb: str, answer: str, permanent: bool) -> None:
    async with smtp_receiver() as there:
        there.refusals = {verb: answer}
        options = mail_options(there.port, user="ana", password="pw-1234")
        with pytest.raises(NotSent) as caught:
            await open_notifier("smtp", options).send(MESSAGE)
    assert caught.value.permanent is permanent
    assert "pw-1234" not in str(caught.value)


async def test_a_mail_server_that_is_not_there_may_come_back() -> None:
    async with smtp_receiver() as there:
        port = there.port
    with pytest.raises(NotSent) as caught:
        await open_notifier("smtp", mail_options(port)).send(MESSAGE)
    assert not caught.value.permanent


async def test_no_mail_leaves_in_the_clear_when_tls_was_asked_for() -> None:
    async with smtp_receiver() as there:
        with pytest.raises(NotSent):
            await open_notifier("smtp", mail_options(there.port, tls="starttls")).send(MESSAGE)
    assert not there.mails


# -- options


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("slack", {}, "no 'url'"),
        ("slack", {"url": "ops"}, "no address"),
        ("slack", {"url": "https://x", "channel": "#ops"}, "'channel', which means nothing"),
        ("webhook", {"url": "https://x", "headers": "a"}, "no table"),
        ("smtp", {"host": "h", "from": "f"}, "no 'to'"),
        ("smtp", {"host": "h", "from": "f", "to": "t", "tls": "yes"}, "no way to be safe"),
        ("postgresql", {}, "cannot be told anything"),
    ],
)
def test_a_connection_that_cannot_be_told_says_why(kind: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        open_notifier(kind, options)
