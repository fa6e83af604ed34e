"""Which writes of the API pages have made, and whether all tests that make them were asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Response

HERE = Path(__file__).parent
OPENAPI = HERE.parents[1] / "ui/openapi.json"
METHODS = ("POST", "PUT", "PATCH", "DELETE")
JUDGE = "test_every_write_of_the_api_is_made_by_some_page"
TESTS = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


class Writes:
    """Operations of the API that write, and those of them that some page has had done."""

    def __init__(self, openapi: Path = OPENAPI) -> None:
        paths = json.loads(openapi.read_text())["paths"]
        self.all = sorted(
            f"{method} {path}" for path, does in paths.items() for method in METHODS if method.lower() in does
        )
        self.made: set[str] = set()

    def saw(self, response: Response) -> None:
        """A page got an answer."""
        request = response.request
        if request.method in METHODS and response.ok:
            self.note(request.method, request.url, request.post_data or "")

    def note(self, method: str, url: str, body: str) -> None:
        """A page wrote something, unless it only asked what that would touch."""
        sent = json.loads(body) if body else {}
        if sent.get("preview") or sent.get("dry_run"):
            return
        path = urlsplit(url).path
        self.made |= {each for each in self.all if _pattern(each).fullmatch(f"{method} {path}")}

    def missing(self) -> list[str]:
        """Those that no page has made."""
        return [each for each in self.all if each not in self.made]


def _pattern(operation: str) -> re.Pattern[str]:
    """A parameter stands for one segment: pages escape the slashes of ids."""
    return re.compile("".join("[^/]+" if part[0] == "{" else re.escape(part) for part in _parts(operation)))


def _parts(operation: str) -> list[str]:
    return [part for part in re.split(r"(\{\w+\})", operation) if part]


def is_whole(found: Sequence[pytest.Item], chosen: Iterable[pytest.Item]) -> bool:
    """Whether each test of this folder was found, and none of them was left out, but those that run elsewhere."""
    left = {item.nodeid for item in chosen}
    ours = [item for item in found if item.path.parent == HERE]
    known = {(item.path.name, getattr(item, "originalname", item.name)) for item in ours}
    written = {(file.name, name) for file in HERE.glob("test_*.py") for name in TESTS.findall(file.read_text())}
    return written <= known and all(item.nodeid in left or item.get_closest_marker("alone") for item in ours)


WRITES = Writes()
