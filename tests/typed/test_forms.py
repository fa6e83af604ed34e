"""What an editor sees: mypy --strict and basedpyright accept every form, and refuse the marked mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).parent / "mistakes" / "forms.py"
ROOT = Path(__file__).parents[2]


def marked() -> set[int]:
    lines = FILE.read_text().splitlines()
    found = {number for number, line in enumerate(lines, 1) if line.endswith("# refused")}
    assert len(found) > 20
    return found


def test_mypy_refuses_the_marked_lines_and_no_others() -> None:
    # With the settings of the project, so that what `make types` knows of `src` is known here too.
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--no-error-summary", FILE]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    errors = [line for line in found.stdout.splitlines() if ": error:" in line]
    refused = {int(re.search(r"forms\.py:(\d+):", line)[1]) for line in errors if "forms.py" in line}  # type: ignore[index]
    assert refused == marked(), "\n".join(errors)


def test_basedpyright_refuses_the_marked_lines_and_no_others(tmp_path: Path) -> None:
    settings = {"include": [str(FILE)], "pythonVersion": "3.11", "typeCheckingMode": "strict", "failOnWarnings": False}
    # Rules of taste, not of types.
    settings |= {"reportPrivateUsage": False, "reportUnusedExpression": False, "reportUnusedCoroutine": False}
    settings |= {
        "extraPaths": [str(ROOT / "src")],
        "venvPath": str(Path(sys.prefix).parent),
        "venv": Path(sys.prefix).name,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--project", tmp_path]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    errors = [item for item in found["generalDiagnostics"] if item["severity"] == "error"]
    refused = {item["range"]["start"]["line"] + 1 for item in errors}
    assert refused == marked(), "\n".join(f"{item['range']['start']['line'] + 1}: {item['message']}" for item in errors)
