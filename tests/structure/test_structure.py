"""The house style, measured: sizes, names, and nothing of a developer's machine in the repository."""

from __future__ import annotations

import datetime
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.structure import measure

# Joined here, so that this file does not contain what it forbids.
FORBIDDEN = {
    "a path of somebody's machine": [
        "/" + "work/",
        "/" + "root/",
        "/" + "home/[a-z]",
        "/" + "Users/[a-z]",
        "/" + "opt/",
    ],
    "the host of a package registry": ["py" + r"pi\.org", "python" + "hosted", r"registry\.npm" + "js", r"debian\.org"],
}


@cache
def sources() -> dict[Path, str]:
    return {path: (measure.ROOT / path).read_text() for path in measure.tracked("*.py")}


@cache
def excesses() -> list[measure.Excess]:
    return [excess for path, source in sources().items() for excess in measure.excesses(path, source)]


def exceptions() -> list[dict[str, object]]:
    text = (Path(__file__).parent / "exceptions.toml").read_text()
    return tomllib.loads(text)["exception"]


def test_nothing_is_larger_than_the_house_style_allows_but_the_dated_exceptions() -> None:
    excused = {(entry["rule"], entry["where"]) for entry in exceptions()}
    found = [excess for excess in excesses() if (excess.rule, excess.where) not in excused]
    assert not found, "split these:\n" + "\n".join(map(str, found))


def test_the_list_of_exceptions_only_shrinks() -> None:
    actual = {(excess.rule, excess.where): excess.actual for excess in excesses()}
    for entry in exceptions():
        assert isinstance(entry["since"], datetime.date), entry
        assert entry["reason"], entry
        measured = actual.get((str(entry["rule"]), str(entry["where"])))
        assert measured is not None, f"no longer needed, remove it: {entry['where']}"
        assert measured == entry["limit"], f"set the limit of {entry['where']} to {measured}, it may only go down"


def test_no_module_is_named_for_nothing_in_particular() -> None:
    assert not [path for path in sources() if path.stem in measure.VAGUE_MODULES]


def test_each_module_of_the_package_says_first_what_it_is_for() -> None:
    silent = [
        path
        for path, source in sources().items()
        if path.parts[0] == "src" and source.strip() and not source.lstrip().startswith(('"""', 'r"""'))
    ]
    assert not silent


def test_there_is_at_least_one_line_of_test_for_a_line_of_code() -> None:
    lines = {"src": 0, "tests": 0}
    for path, source in sources().items():
        if path.parts[0] in lines:
            lines[path.parts[0]] += measure.code_lines(source)
    assert lines["tests"] >= lines["src"], f"{lines['tests']} lines of tests for {lines['src']} of code"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_names(what: str) -> None:
    pattern = re.compile(r"(?<![\w.@])(?:" + "|".join(FORBIDDEN[what]) + ")")
    if what.startswith("the host"):
        pattern = re.compile("|".join(FORBIDDEN[what]))
    hits = []
    for path in measure.tracked():
        try:
            text = (measure.ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        hits += [f"{path}:{number}" for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    assert not hits, f"{what}: {hits}"
