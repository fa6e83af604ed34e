"""E-mail: plain text over SMTP.

`tls` is `"starttls"` (port 587 unless stated), `"always"` (465) or `"off"` (25). The dedup id makes the `Message-ID`,
by which mail programs drop what they got twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any

from toque.errors import UserError
from toque.notify import options as opts
from toque.notify import words
from toque.ports.notifier import Message, NotSent

TIMEOUT_S = 15.0
PORTS = {"starttls": 587, "always": 465, "off": 25}
KNOWN = ("host", "port", "tls", "user", "password", "from", "to")
DOMAIN = "toque.invalid"
"""Of message ids, which must look like addresses (RFC 5322, 3.6.4)."""


class MailNotifier:
    """Sends to the recipients of one connection. Implements `toque.ports.notifier.Notifier`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        opts.allowed(options, KNOWN)
        self._host = opts.required(options, "host", '"mail.example.com"')
        self._sender = opts.required(options, "from", '"toque@example.com"')
        to = options.get("to", ())
        self._to = (to,) if isinstance(to, str) else tuple(map(str, to))
        if not self._to:
            raise UserError("the connection has no 'to'", fix='to = ["data-team@example.com"]')
        self._tls = str(options.get("tls", "starttls"))
        if self._tls not in PORTS:
            raise UserError(f"tls = {self._tls!r} is no way to be safe", fix='"starttls", "always" or "off"')
        self._port = int(options.get("port", PORTS[self._tls]))
        self._user = str(options.get("user", ""))
        self._password = str(options.get("password", ""))

    async def send(self, message: Message) -> None:
        """See `Notifier.send`."""
        await asyncio.to_thread(self._deliver, letter(message, self._sender, self._to))

    def _deliver(self, mail: EmailMessage) -> None:
        try:
            with self._connected() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(mail, self._sender, list(self._to))
        except smtplib.SMTPRecipientsRefused as refused:
            codes = {code for code, _ in refused.recipients.values()}
            raise NotSent(f"{self._host} refuses all recipients", permanent=min(codes) >= 500) from None
        except smtplib.SMTPResponseException as problem:
            # Answers of 4xx are for now, those of 5xx for good (RFC 5321, 4.2.1).
            said = problem.smtp_error.decode(errors="replace") if isinstance(problem.smtp_error, bytes) else ""
            raise NotSent(
                f"{self._host} answered {problem.smtp_code} {said[:200]}", permanent=problem.smtp_code >= 500
            ) from None
        except smtplib.SMTPNotSupportedError as problem:
            raise NotSent(f"{self._host}: {problem}", permanent=True) from None
        except (smtplib.SMTPException, OSError) as problem:
            raise NotSent(f"{self._host} cannot be reached: {type(problem).__name__}: {problem}") from None

    def _connected(self) -> smtplib.SMTP:
        if self._tls == "always":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        if self._tls == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


def letter(message: Message, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """The message as a mail."""
    mail = EmailMessage(policy=SMTP)
    # A line end in a header would begin another one.
    mail["Subject"] = " ".join(f"[toque] {message.title}".split())
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = formatdate(message.at_us / 1e6 if message.at_us else None)
    mail["Message-ID"] = f"<{hashlib.sha256(message.dedup.encode()).hexdigest()[:32]}@{DOMAIN}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    mail.set_content(words.plain(message))
    return mail
