"""The `[[notifications]]` of `toque.toml`, and where state lies unless it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.errors import UserError
from toque.settings import load
from toque.settings.places import blobs_url, store_url
from toque.settings.tree import Notification

OPS = '[connections.ops]\ntype = "slack"\nurl = "https://hooks.example.com/x"\n'
ALL = ("failure", "recovery", "late")


def loaded(tmp_path: Path, text: str) -> tuple[Notification, ...]:
    (tmp_path / "toque.toml").write_text(OPS + text)
    return load(tmp_path, environ={}).notifications


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ('[notifications]\nto = "ops"', (Notification(to="ops", on=ALL),)),
        ('[[notifications]]\nto = "slack:ops"', (Notification(to="ops", on=ALL),)),
        ('[[notifications]]\nto = "ops"\non = ["quarantine"]', (Notification(to="ops", on=("quarantine",)),)),
        (
            '[[notifications]]\nto = "ops"\non = ["late"]\n[[notifications]]\nto = "ops"\npipelines = ["sales_*"]',
            (Notification(to="ops", on=("late",)), Notification(to="ops", on=ALL, pipelines=("sales_*",))),
        ),
    ],
)
def test_who_is_told_of_what(text: str, expected: tuple[Notification, ...], tmp_path: Path) -> None:
    assert loaded(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ('on = ["late"]', "says nobody to tell", 'to = "ops"'),
        ('to = "opps"', "no connection is named 'opps'", "did you mean 'ops'?"),
        ('to = "smtp:mailroom"', "no connection is named 'mailroom'", 'type = "smtp"'),
        ('to = "mailroom"', "no connection is named 'mailroom'", 'type = "slack"'),
        ('to = "smtp:ops"', "is of type 'slack', not 'smtp'", 'to = "slack:ops"'),
    ],
)
def test_a_line_that_would_tell_nobody_is_refused(text: str, message: str, fix: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, f"[[notifications]]\n{text}")
    assert message in caught.value.message
    assert fix in caught.value.fix


@pytest.mark.parametrize("text", ['to = "ops"\non = ["success"]', 'to = "ops"\nwhen = "now"', "to = 3"])
def test_a_line_that_is_misspelt_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, f"[[notifications]]\n{text}")
    assert caught.value.file.endswith("toque.toml")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "sqlite:////p/.toque/toque.db"),
        ("sqlite:///shared/x.db", "sqlite:////p/shared/x.db"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
    ],
)
def test_a_relative_store_lies_in_the_project(url: str, expected: str) -> None:
    assert store_url(Path("/p"), url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "file:///p/.toque/blobs"),
        ("blobs", "file:///p/blobs"),
        ("/var/blobs", "file:///var/blobs"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
    ],
)
def test_relative_blobs_lie_in_the_project(url: str, expected: str) -> None:
    assert blobs_url(Path("/p"), url) == expected
