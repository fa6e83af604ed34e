"""Makes the virtual environment of a peer: pinned, and made anew when its pins or the interpreter change."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
ENVIRONMENTS = Path(__file__).resolve().parents[2] / ".bench" / "venvs"


def interpreter(peer: str) -> Path:
    """The Python of the peer's environment, which is made if it is not there."""
    pins = REQUIREMENTS / f"{peer}.txt"
    folder = ENVIRONMENTS / peer
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    wanted = hashlib.sha256(f"{platform.python_version()} {pins.read_text()}".encode()).hexdigest()
    if complete.exists() and complete.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"making the environment of {peer}", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", *([] if _uv() is None else ["--without-pip"]), str(folder)])
    # The pins are complete. Prefect also asks for a release of certifi that not every index has yet; it makes
    # no connection that would use it.
    uv = _uv()
    install = [str(uv), "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
    _run([*install, "--quiet", "--no-deps", "--requirement", str(pins)])
    complete.write_text(wanted)
    return python


def _uv() -> Path | None:
    beside = Path(sys.executable).parent / "uv"
    found = shutil.which("uv")
    return beside if beside.exists() else Path(found) if found else None


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} …: {(done.stderr or done.stdout).strip()[-500:]}")
