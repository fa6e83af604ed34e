"""`toque init`: a small project that runs, to be changed into one's own."""

from __future__ import annotations

from pathlib import Path

import click

from toque.cli.options import json_option
from toque.cli.output import Output
from toque.errors import UserError
from toque.settings import FILE_NAME

SETTINGS = """\
# What this project needs beside its code. Everything here is optional.
name = "{name}"

# How many worker processes run tasks on this machine (default: one for each core).
# workers = 4

[variables]
greeting = "Hello"

# Named access to the outside; secrets stay outside of this file.
# [connections.warehouse]
# type = "postgresql"
# url = "postgresql://localhost/warehouse"
# password = {{ secret = "env:WAREHOUSE_PASSWORD" }}
# slots = 4

# Data beside the code, whose changes shall make no new version of it. What git ignores and where connections keep data
# is left out anyway.
# [bundle]
# exclude = ["samples/"]

# What is different in production: toque run --profile prod …
# [profiles.prod.connections.warehouse]
# url = "postgresql://db.internal/warehouse"
"""

PIPELINE = '''\
"""Counts the words of some texts: extract, fan out, reduce."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from toque import Retry, each, pipeline, task


@task(retries=Retry(3, delay="1s", backoff=2))
def texts(copies: int) -> list[str]:
    """In real life: rows of a table, pages of an API."""
    return ["to be or not to be", "all the world is a stage"] * copies


@task
def count(text: str) -> dict[str, int]:
    """Runs once for each text, in parallel."""
    return dict(Counter(text.split()))


@task
def total(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Sees the results of all of them."""
    words: Counter[str] = Counter()
    for each_count in counts:
        words.update(each_count)
    for word, times in words.most_common(3):
        print(f"{word}: {times}")
    return dict(words)


@pipeline
def words(copies: int = 2):
    """The most frequent words."""
    return total(count.map(text=each(texts(copies))))
'''

TEST = '''\
"""Pipelines are tested like functions: no server, no database."""

from pipelines.words import count, words


def test_a_task_is_a_function() -> None:
    assert count("a b a") == {"a": 2, "b": 1}


def test_the_pipeline_adds_up() -> None:
    run = words.run(copies=1)
    assert run.result["be"] == 2
'''

IGNORED = ".toque/\n__pycache__/\n*.pyc\n.venv/\n"


def files(name: str) -> dict[str, str]:
    """The files of a new project, by relative path."""
    return {
        FILE_NAME: SETTINGS.format(name=name),
        "pipelines/__init__.py": "",
        "pipelines/words.py": PIPELINE,
        "tests/test_words.py": TEST,
        ".gitignore": IGNORED,
    }


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=".")
@click.option("--name", help="Name of the project.  [default: that of the directory]")
@json_option
def init(directory: Path, name: str | None, output: Output) -> None:
    """Make a small project in DIRECTORY that runs: settings, a pipeline, a test. Never overwrites a file."""
    root = directory.absolute()
    if (root / FILE_NAME).exists():
        raise UserError(f"{root} is a project already", file=str(root / FILE_NAME))
    made, kept = [], []
    for relative, text in files(name or root.name).items():
        path = root / relative
        if path.exists():
            kept.append(relative)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        made.append(relative)
    if ".gitignore" in kept:
        _ignore_state(root / ".gitignore")
    where = "" if root == Path.cwd() else f"cd {directory} && "
    output.result(
        {"project": str(root), "made": made, "kept": kept},
        lambda: "\n".join(
            [
                *(f"  made  {path}" for path in made),
                *(f"  kept  {path}" for path in kept),
                "",
                f"Run it:   {where}toque run pipelines/words.py",
                f"Watch it: {where}toque dev",
                f"Test it:  {where}python -m pytest",
            ]
        ),
    )


def _ignore_state(path: Path) -> None:
    """The state of runs must not be committed, whoever wrote the file."""
    text = path.read_text()
    if not any(line.strip().strip("/") == ".toque" for line in text.splitlines()):
        path.write_text(text + ("" if not text or text.endswith("\n") else "\n") + ".toque/\n")
