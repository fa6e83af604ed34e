"""Ids that are drawn: of runs and of instances. Everything else derives from them."""

from __future__ import annotations

import os
import secrets

from toque.engine.run_ids import base32, first_run_id
from toque.engine.values import RunId


def new_run_id(now_us: int) -> RunId:
    """18 characters that sort by time of creation: 45 bits of milliseconds, 45 random bits."""
    return RunId(first_run_id(now_us) + base32(secrets.randbits(45), 9))


def new_instance(role: str) -> str:
    """Name of this process among those that share a store."""
    return f"{role}-{os.getpid()}-{base32(secrets.randbits(30), 6)}"
