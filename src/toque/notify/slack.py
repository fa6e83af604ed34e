"""Slack: an incoming webhook, told in Block Kit.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; the limits are those of the blocks: 150
characters in a header, 3,000 in a section, 10 fields of 2,000.
Not prevented: Slack knows no dedup id for webhooks, so an ambiguous answer may be followed by the same message again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from toque.notify import options as opts
from toque.notify import words
from toque.notify.posting import post
from toque.ports.notifier import Message

EXAMPLE = '{ secret = "env:SLACK_URL" }'
MARKS = {"failure": "🔴", "recovery": "🟢", "late": "🟠", "quarantine": "🟡", "summary": "🟠", "test": "⚪"}
HEADER, SECTION, FIELD = 150, 3000, 2000


class SlackNotifier:
    """Posts to one incoming webhook. Implements `toque.ports.notifier.Notifier`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        opts.allowed(options, ("url",))
        self._url = opts.address(options, EXAMPLE)

    async def send(self, message: Message) -> None:
        """See `Notifier.send`."""
        await post(self._url, msgspec.json.encode(payload(message)), {})


def payload(message: Message) -> dict[str, Any]:
    """The message as Slack wants it; `text` is what notifications of the client show."""
    title = f"{MARKS[message.kind]} {message.title}"
    fields = [
        {"type": "mrkdwn", "text": f"*{label}*\n{escaped(value)}"[:FIELD]} for label, value in words.details(message)
    ]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title[:HEADER], "emoji": True}}
    ]
    if fields:
        blocks.append({"type": "section", "fields": fields[:10]})
    if words.error(message):
        blocks.append(_code(words.error(message)))
    blocks += [_code(text) for text in (words.rows(message), words.log(message)) if text]
    replay = f"{words.ONCE_MENDED} `{message.replay}`" if message.replay else ""
    for text in (replay, message.note):
        if text:
            blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(text)[:FIELD]}]})
    if message.link:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open in Toque"}, "url": message.link}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": escaped(title), "blocks": blocks, "unfurl_links": False}


def escaped(text: str) -> str:
    """The three characters that mean something in Slack's text: `<!channel>` of an error must call nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> dict[str, Any]:
    room = SECTION - 8
    # An escape that is cut in two would show, and a fence inside would end the block.
    quoted = escaped(text).replace("```", "'''")[:room].rpartition("&")
    whole = quoted[0] if quoted[1] and ";" not in quoted[2] else "".join(quoted)
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"```\n{whole}\n```"}}
