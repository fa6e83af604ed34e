"""The stream: what changes, as rows, to whoever watches, over server-sent events.

`GET /api/v1/stream?topics=home,run:ID` answers `text/event-stream`:

- first `event: hello` with `{instance, boot, now_us}`;
- then `event: patch`, whose data is one patch `{topic, kind, data: [row, …]}`, or a list of such patches when several
  topics or kinds changed. There are at most four of these events a second; the first after a quiet time comes at once.
- A comment at least every 15 seconds.

A row is the whole of what the routes answer for that thing, and replaces what the client had. A patch of kind `reset`
carries the whole state of its topic, each row with a field `row` that says what it is. It comes when a topic is new to
the stream, and when what was missed cannot be told any more.

`id` is the cursor: who comes back with it (`Last-Event-ID`, or `?since=`) gets what changed since, also from a server
that was started again. A topic may be given a start of its own, `run:ID@FACT_SEQ` or `logs:…@N`: nothing before it is
sent.

There are no queues: a stream remembers up to which change it has sent, and sends the newest form of each row that
changed since. A slow client gets fewer, never older ones. Rows are encoded once for all streams.
"""
