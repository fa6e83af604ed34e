"""How an HTTP API cuts a list into pages, as values: what to ask for first, and where the next page is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

Params: TypeAlias = dict[str, str]
Next: TypeAlias = tuple[str, Params] | None
"""Address and parameters of the next page; "" is the address of the first. None when there is none."""

_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^\s;,]+))*)')
_NEXT = re.compile(r'\brel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?', re.IGNORECASE)


class Answer(msgspec.Struct, frozen=True):
    """What a page told."""

    content: Any
    headers: Mapping[str, str]
    records: int
    """How many were on it."""
    last: Mapping[str, Any] | None = None
    """The last of them."""


class Paging(msgspec.Struct, frozen=True, tag_field="paging"):
    """What all styles share: a list in one piece is one of them."""

    def first(self) -> Params:
        """Parameters of the first page."""
        return {}

    def after(self, answer: Answer, params: Params) -> Next:
        """The page after this one, which was asked for with `params`."""
        return None


class OnePage(Paging, frozen=True, tag="one"):
    """Everything at once."""


class NextLink(Paging, frozen=True, tag="next_link"):
    """The answer holds the address of the next page, under a dotted path: `links.next`."""

    path: str

    def after(self, answer: Answer, params: Params) -> Next:
        """Nothing there, or nothing in it: the last page."""
        found = dig(answer.content, self.path)
        return (str(found), {}) if found else None


class LinkHeader(Paging, frozen=True, tag="link_header"):
    """The header `Link: <…>; rel="next"` (RFC 8288), as GitHub does it."""

    def after(self, answer: Answer, params: Params) -> Next:
        """The first link whose relation is `next`."""
        for address, rest in _LINK.findall(answer.headers.get("link", "")):
            if _NEXT.search(rest):
                return address, {}
        return None


class PageNumber(Paging, frozen=True, tag="page"):
    """`?page=2`. The page that has fewer records than `size` is the last; without a size, the one that has none."""

    param: str = "page"
    start: int = 1
    size: int = 0
    size_param: str = ""

    def first(self) -> Params:
        """The number, and the size if the API wants it."""
        return {self.param: str(self.start), **({self.size_param: str(self.size)} if self.size_param else {})}

    def after(self, answer: Answer, params: Params) -> Next:
        """One more, unless this was the last."""
        if not answer.records or answer.records < self.size:
            return None
        return "", {**params, self.param: str(int(params[self.param]) + 1)}


class Offset(Paging, frozen=True, tag="offset"):
    """`?offset=200&limit=100`. A page that is not full is the last."""

    size: int
    param: str = "offset"
    size_param: str = "limit"

    def first(self) -> Params:
        """From the beginning."""
        return {self.param: "0", self.size_param: str(self.size)}

    def after(self, answer: Answer, params: Params) -> Next:
        """As many further as there were records."""
        if answer.records < self.size:
            return None
        return "", {**params, self.param: str(int(params[self.param]) + answer.records)}


class Token(Paging, frozen=True, tag="token"):
    """`?cursor=…`: the answer holds it under a dotted path, or, as with Stripe, it is a field of the last record."""

    param: str
    path: str = ""
    field: str = ""
    """Of the last record."""
    more: str = ""
    """Path of a boolean that says whether there is more."""

    def after(self, answer: Answer, params: Params) -> Next:
        """Nothing there, or a plain no: the last page."""
        if self.more and not dig(answer.content, self.more):
            return None
        found = dig(answer.last, self.field) if self.field else dig(answer.content, self.path)
        return ("", {**params, self.param: str(found)}) if found else None


AnyPaging: TypeAlias = OnePage | NextLink | LinkHeader | PageNumber | Offset | Token


def dig(content: Any, path: str) -> Any:
    """What lies under a dotted path; None if nothing does. "" is the whole."""
    for part in path.split(".") if path else ():
        if isinstance(content, Mapping):
            content = content.get(part)
        elif isinstance(content, list) and part.lstrip("-").isdigit():
            content = content[int(part)] if -len(content) <= int(part) < len(content) else None
        else:
            return None
    return content
